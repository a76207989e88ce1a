//go:build !(linux && desktop)

package app

// dismissDialogs does nothing here: such a dialog stays until the person answers it, and then decides nothing any more.
func dismissDialogs() {}
