package app

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
)

// menuBar is whether programs of this platform have a menu bar outside their windows.
const menuBar = runtime.GOOS == "darwin"

// display reports whether there is a screen to open a window on.
func display() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// anotherWindow starts this program again for a further window on the same data folder. It outlives this one.
func anotherWindow(data string) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find Postern: %w", err)
	}
	cmd := exec.Command(path, "--data", data, "--new-window")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start another window: %w", err)
	}
	go func() { _ = cmd.Wait() }() // so that it leaves nothing behind; how it ended is its own affair
	return nil
}

// quiet hands the toolkit's words to our log: its errors only, and as what they are.
type quiet struct{ log *slog.Logger }

func (quiet) Print(string)     {}
func (quiet) Trace(string)     {}
func (quiet) Debug(string)     {}
func (quiet) Info(string)      {}
func (quiet) Warning(string)   {}
func (q quiet) Error(m string) { q.log.Error("the window's toolkit", "says", m) }
func (q quiet) Fatal(m string) { q.log.Error("the window's toolkit", "says", m) }
