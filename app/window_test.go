package app

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// windowed builds postern with its window, as make build does.
func windowed(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "postern")
	cmd := exec.Command("go", "build", "-tags", "desktop,production,webkit2_41,sqlite_fts5", "-o", program, "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with a window: %v\n%s", err, out)
	}
	return program
}

// TestMainJobInTheWindow is the main job in two real windows, found and worked by the names that a screen reader says.
func TestMainJobInTheWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("opens windows")
	}
	program, d := windowed(t), newDesktop(t)
	data := filepath.Join(t.TempDir(), "d")
	if err := start(t, "demo", "--browser", "--data", data).kill(syscall.SIGTERM); err != nil {
		t.Fatalf("make the demo: %v", err)
	}
	grace := d.window("Grace", program, "demo", "--data", data)
	grace.sees("Who is signing in?")
	mainJob(t, grace, func() glass { return d.window("Rosa", program, "--data", data, "--new-window") })

	// The title names nobody.
	if title, err := grace.eye("title", nil); err != nil || !strings.HasPrefix(title.(string), "Postern") || strings.Contains(title.(string), "Grace") {
		t.Errorf("the window's title is %v, %v", title, err)
	}
	if err := grace.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := grace.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM ended the window with %v\n%s", err, grace.err)
	}
}

// TestSecondStartRaisesTheFirst: one window a data folder, unless another is asked for.
func TestSecondStartRaisesTheFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("opens windows")
	}
	program, d := windowed(t), newDesktop(t)
	data := t.TempDir()
	first := d.window("first", program, "--data", data)
	first.sees("There is no profile on this computer yet.")
	out, err := d.command(program, "--data", data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "brought to the front") {
		t.Errorf("the second start: %v, %s", err, out)
	}
	further := d.window("further", program, "--data", data, "--new-window")
	further.sees("There is no profile on this computer yet.")
	// Ctrl Q closes a window.
	if _, err := further.eye("key", asked{"name": "ctrl+q"}); err != nil {
		t.Fatal(err)
	}
	if err := further.cmd.Wait(); err != nil {
		t.Errorf("Ctrl Q ended it with %v\n%s", err, further.err)
	}
}
