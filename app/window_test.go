package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
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
	var rosa *pane
	mainJob(t, grace, func() glass {
		rosa = d.window("Rosa", program, "--data", data, "--new-window")
		return rosa
	})
	savesACopy(t, grace)

	// The title names nobody.
	if title, err := grace.eye("title", nil); err != nil || !strings.HasPrefix(title.(string), "Postern") || strings.Contains(title.(string), "Grace") {
		t.Errorf("the window's title is %v, %v", title, err)
	}
	// A dialog that is open keeps no program from ending.
	rosa.asksForAPlace()
	for _, p := range []*pane{rosa, grace} {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("SIGTERM ended %s's window with %v\n%s", p.who, err, p.err)
		}
	}
}

// asksForAPlace presses the key that saves a copy until the dialog is there: the page may still be at what it did before.
func (p *pane) asksForAPlace() {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if _, err := p.eye("asked", nil); err == nil {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: Ctrl S asks for no place", p.who)
		}
		if _, err := p.eye("key", asked{"name": "ctrl+s"}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// answers types into the dialog, presses a key, and waits until it is gone.
func (p *pane) answers(text, key string) {
	p.t.Helper()
	p.until("answer", "answer", asked{"text": text, "name": key}, nil)
	for end := time.Now().Add(patience); ; {
		if _, err := p.eye("asked", nil); err != nil {
			return
		}
		if time.Now().After(end) {
			p.shot("failed-" + p.who)
			p.t.Fatalf("%s: the dialog stays", p.who)
		}
	}
}

// savesACopy saves the conversation on the screen by the platform's own dialog, and does not where it cannot be.
func savesACopy(t *testing.T, who *pane) {
	t.Helper()
	who.press("button", "Save a copy…")
	dialog := who.until("be asked where to save", "asked", nil, nil).([]any)
	if name, ok := dialog[1].(string); dialog[0] != "Save a copy" || !ok || !regexp.MustCompile(`^Conversation 20\d\d-\d\d-\d\d\.html$`).MatchString(name) {
		t.Errorf("the dialog says %q", dialog)
	}
	who.shot("saving")
	path := filepath.Join(t.TempDir(), "copy.html")
	who.answers(path, "Return")
	who.sees("Saved a copy.")
	who.shot("saved")
	content, err := os.ReadFile(path)
	for _, words := range []string{"Sleep and the new tablets", "take them in the morning for a week", "Anyone who can open this file can read it."} {
		if !strings.Contains(string(content), words) {
			t.Errorf("the copy lacks %q (%v)", words, err)
		}
	}
	who.asksForAPlace()
	who.answers("", "Escape")
	who.asksForAPlace()
	who.answers("/sys/kernel/copy.html", "Return")
	who.sees("The copy could not be saved: you may not write in that folder.")
}

// TestSecondStartRaisesTheFirst: one window a data folder, unless another is asked for.
func TestSecondStartRaisesTheFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("opens windows")
	}
	program, d := windowed(t), newDesktop(t)
	data := t.TempDir()
	first := d.window("first", program, "--data", data)
	first.sees("Nobody has a profile on this computer yet.")
	out, err := d.command(program, "--data", data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "brought to the front") {
		t.Errorf("the second start: %v, %s", err, out)
	}
	further := d.window("further", program, "--data", data, "--new-window")
	further.sees("Nobody has a profile on this computer yet.")
	// Ctrl Q closes a window, once its page hears keys.
	ended := make(chan error, 1)
	go func() { ended <- further.cmd.Wait() }()
	for end := time.Now().Add(patience); ; {
		_, pressing := further.eye("key", asked{"name": "ctrl+q"}) // fails, too, where the window is gone and its process is not
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Ctrl Q ended it with %v\n%s", err, further.err)
			}
			return
		case <-time.After(time.Second):
		}
		if time.Now().After(end) {
			t.Fatalf("Ctrl Q does not end it: %v", pressing)
		}
	}
}
