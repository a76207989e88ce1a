//go:build bindings

package app

import (
	"fmt"
	"os"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
)

// wails build and wails dev first compile the program under this tag and run it, to learn what Go it offers to scripts.
// Ours offers none: the page talks to it by requests alone.
func init() {
	if err := wails.Run(&options.App{}); err != nil {
		fmt.Fprintln(os.Stderr, "postern:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
