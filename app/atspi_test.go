package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// desktop is a screen without a monitor, with its session bus and accessibility, for real windows.
type desktop struct {
	t    testing.TB
	env  []string
	ask  io.Writer
	said *bufio.Reader
}

// newDesktop starts Xvfb, a session bus, and the eyes that read windows.
func newDesktop(t testing.TB) *desktop {
	t.Helper()
	d := &desktop{t: t, env: append(os.Environ(), "NO_AT_BRIDGE=0", "GTK_A11Y=atspi", "LANG=C.UTF-8")}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := d.command("Xvfb", "-displayfd", "3", "-screen", "0", "1366x900x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{write}
	d.run(x)
	_ = write.Close() // ours; Xvfb has its own
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v (apt-get install xvfb)", err)
	}
	d.env = append(d.env, "DISPLAY=:"+strings.TrimSpace(number))
	bus := d.command("dbus-daemon", "--session", "--nofork", "--print-address")
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.run(bus)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the session bus names no address: %v", err)
	}
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+strings.TrimSpace(address))
	d.run(d.command("/usr/libexec/at-spi-bus-launcher", "--launch-immediately"))
	eyes := d.command("/usr/bin/python3", filepath.Join("testdata", "eyes.py"))
	if d.ask, err = eyes.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if out, err = eyes.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	eyes.Stderr = os.Stderr
	d.run(eyes)
	d.said = bufio.NewReader(out)
	return d
}

func (d *desktop) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = d.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run starts a program of the desktop, which ends with the test.
func (d *desktop) run(cmd *exec.Cmd) {
	d.t.Helper()
	if err := cmd.Start(); err != nil {
		d.t.Fatalf("start %s: %v", cmd.Path, err)
	}
	d.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
}

// pane is one person's window.
type pane struct {
	t   testing.TB
	d   *desktop
	who string
	cmd *exec.Cmd
	err *words
}

// words is what a program says, read while it says it.
type words struct {
	mu   sync.Mutex
	said strings.Builder
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.String()
}

// window starts postern, built with a window, and waits until it shows something.
func (d *desktop) window(who, program string, args ...string) *pane {
	d.t.Helper()
	p := &pane{t: d.t, d: d, who: who, cmd: d.command(program, args...), err: &words{}}
	p.cmd.Stderr = p.err
	d.run(p.cmd)
	return p
}

type asked map[string]any

// eye asks once.
func (p *pane) eye(do string, more asked) (any, error) {
	p.t.Helper()
	q := asked{"do": do, "pid": p.cmd.Process.Pid}
	for k, v := range more {
		q[k] = v
	}
	if err := json.NewEncoder(p.d.ask).Encode(q); err != nil {
		p.t.Fatalf("the eyes are closed: %v", err)
	}
	line, err := p.d.said.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("the eyes are closed: %v", err)
	}
	var a struct {
		Value any
		Error string
	}
	if err := json.Unmarshal(line, &a); err != nil {
		p.t.Fatal(err)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("%s", a.Error)
	}
	return a.Value, nil
}

// until asks again until the answer is yes.
func (p *pane) until(what, do string, more asked, yes func(any) bool) any {
	p.t.Helper()
	for end := time.Now().Add(patience); ; {
		v, err := p.eye(do, more)
		if err == nil && (yes == nil || yes(v)) {
			return v
		}
		if time.Now().After(end) {
			p.shot("failed-" + p.who)
			text, _ := p.eye("text", nil)
			p.t.Fatalf("%s: %s: waited %s (%v)\nthe window says:\n%v\nits log:\n%s", p.who, what, patience, err, text, p.err)
		}
	}
}

func control(role, name string) asked { return asked{"role": role, "name": name} }

func (p *pane) find(role, name string) int64 {
	p.t.Helper()
	p.until("find the "+role+" "+name, "find", control(role, name), nil)
	return 0
}

func (p *pane) gone(role, name string) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; {
		if _, err := p.eye("find", control(role, name)); err != nil && strings.HasPrefix(err.Error(), "LookupError: no "+role) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: the %s %q stays", p.who, role, name)
		}
	}
}

func (p *pane) press(role, name string) {
	p.t.Helper()
	p.until("press the "+role+" "+name, "press", control(role, name), nil)
}

func (p *pane) fill(role, name, text string) {
	p.t.Helper()
	p.until("fill the "+role+" "+name, "fill", asked{"role": role, "name": name, "text": text}, nil)
	p.until("see what was typed", "holds", control(role, name), func(v any) bool { return role == "textbox" && name == "Passphrase" || v == text })
}

func (p *pane) holds(role, name string) string {
	p.t.Helper()
	return fmt.Sprint(p.until("read the "+role+" "+name, "holds", control(role, name), nil))
}

func (p *pane) focused(role, name string) bool {
	p.t.Helper()
	return p.until("look at the "+role+" "+name, "focused", control(role, name), nil) == true
}

func (p *pane) disabled(role, name string) bool {
	p.t.Helper()
	return p.until("look at the "+role+" "+name, "active", control(role, name), nil) == false
}

func (p *pane) enabled(role, name string) {
	p.t.Helper()
	p.until("see "+name+" become active", "active", control(role, name), func(v any) bool { return v == true })
}

func plain(v any) string {
	return strings.Join(strings.Fields(strings.NewReplacer("’", "'", "‘", "'").Replace(fmt.Sprint(v))), " ")
}

func (p *pane) sees(text string) {
	p.t.Helper()
	p.until("see "+text, "text", nil, func(v any) bool { return strings.Contains(plain(v), text) })
}

func (p *pane) seesNot(text string) {
	p.t.Helper()
	if v := p.until("read the page", "text", nil, nil); strings.Contains(plain(v), text) {
		p.t.Fatalf("%s: the window says %q", p.who, text)
	}
}

func (p *pane) follow(words string) {
	p.t.Helper()
	p.until("follow "+words, "follow", asked{"name": words}, nil)
}

// shot keeps a picture where POSTERN_PICTURES names a folder, for looking at.
func (p *pane) shot(name string) {
	dir := os.Getenv("POSTERN_PICTURES")
	if dir == "" {
		return
	}
	if _, err := p.eye("shot", asked{"name": filepath.Join(dir, "window-"+name+".png")}); err != nil {
		p.t.Logf("picture %s: %v", name, err)
	}
}

// accessible takes a picture: axe-core runs in the browser's story. That this one goes by roles and names shows the rest.
func (p *pane) accessible(name string) { p.shot(name) }
