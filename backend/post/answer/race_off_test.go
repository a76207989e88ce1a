//go:build !race

package answer

const slow = 1
