package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/frontend/picturetest"
)

// patience is how long a screen may take to show what a person waits for. It ends a test that waits for what never
// comes; nothing is timed by it.
const patience = 2 * time.Minute

// browser starts one Chromium for a test; each screen in it is a session of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test drives Debian's chromium; install it with: apt-get install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-dev-shm-usage", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// screen is one person's browser window.
type screen struct {
	t   *testing.T
	who string
	ctx context.Context
}

type step = chromedp.Action[chromedp.Void]

// open opens a window of its own session on the link that the program printed.
func open(t *testing.T, b context.Context, link, who string) *screen {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	s := &screen{t: t, who: who, ctx: ctx}
	s.do("open the link", chromedp.Navigate(link))
	return s
}

func (s *screen) do(what string, steps ...step) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		s.fail(fmt.Sprintf("%s: %v", what, err))
	}
}

func (s *screen) fail(what string) {
	s.t.Helper()
	s.shot("failed-" + s.who)
	s.t.Fatalf("%s: %s\nthe page says:\n%s", s.who, what, s.text())
}

// eval evaluates JavaScript in the page.
func eval[T any](s *screen, js string) T {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		s.fail(fmt.Sprintf("evaluate: %v", err))
	}
	return v
}

// text is what the page says, for messages.
func (s *screen) text() string {
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// find waits for a control by its role and accessible name, as a screen reader would say it.
func (s *screen) find(role, name string) (found int64) {
	s.t.Helper()
	s.until(fmt.Sprintf("find the %s %q", role, name), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		nodes, err := named(ctx, t, role, name)
		if err != nil || len(nodes) == 0 {
			return false, err
		}
		found = nodes[0]
		return true, nil
	})
	return found
}

// gone waits until there is no such control any more.
func (s *screen) gone(role, name string) {
	s.t.Helper()
	s.until(fmt.Sprintf("see the %s %q go", role, name), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		nodes, err := named(ctx, t, role, name)
		return err == nil && len(nodes) == 0, err
	})
}

type args map[string]any

// named finds what has a role and a name in the accessibility tree. Chromium does not answer where one page follows another meanwhile:
// then it is asked again.
func named(ctx context.Context, t *chromedp.Target, role, name string) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/6)
	defer cancel()
	var doc struct {
		Root struct {
			BackendNodeID int64 `json:"backendNodeId"`
		} `json:"root"`
	}
	if err := t.Call(ctx, "DOM.getDocument", args{"depth": 0}, &doc); err != nil {
		return nil, err
	}
	var tree struct {
		Nodes []struct {
			Ignored          bool  `json:"ignored"`
			BackendDOMNodeID int64 `json:"backendDOMNodeId"`
		} `json:"nodes"`
	}
	err := t.Call(ctx, "Accessibility.queryAXTree", args{"backendNodeId": doc.Root.BackendNodeID, "role": role, "accessibleName": name}, &tree)
	var out []int64
	for _, n := range tree.Nodes {
		if !n.Ignored && n.BackendDOMNodeID != 0 {
			out = append(out, n.BackendDOMNodeID)
		}
	}
	return out, err
}

// on calls a function of JavaScript on a node.
func on[T any](ctx context.Context, t *chromedp.Target, node int64, function string) (v T, err error) {
	var object struct {
		Object struct {
			ObjectID string `json:"objectId"`
		} `json:"object"`
	}
	if err := t.Call(ctx, "DOM.resolveNode", args{"backendNodeId": node}, &object); err != nil {
		return v, err
	}
	var out struct {
		Result struct {
			Value T `json:"value"`
		} `json:"result"`
	}
	err = t.Call(ctx, "Runtime.callFunctionOn", args{"objectId": object.Object.ObjectID, "functionDeclaration": function, "returnByValue": true}, &out)
	return out.Result.Value, err
}

// until asks again until the answer is yes. A page that is being left gives errors, which are asked past.
func (s *screen) until(what string, ask func(context.Context, *chromedp.Target) (bool, error)) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	var last error
	for {
		yes, err := chromedp.Run(ctx, chromedp.Action[bool](ask))
		if err == nil && yes {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if ctx.Err() != nil {
			s.fail(fmt.Sprintf("%s: waited %s (%v)", what, patience, last))
		}
		// The page's own clock, so that it can go on meanwhile.
		_, _ = chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise(done => setTimeout(() => done(true), 20))`, chromedp.EvalAwaitPromise))
	}
}

// with finds a control and does something with it, again where the page was drawn anew in between.
func (s *screen) with(what, role, name string, do func(context.Context, *chromedp.Target, int64) error) {
	s.t.Helper()
	s.until(fmt.Sprintf("%s the %s %q", what, role, name), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		nodes, err := named(ctx, t, role, name)
		if err != nil || len(nodes) == 0 {
			return false, err
		}
		err = do(ctx, t, nodes[0])
		return err == nil, err
	})
}

// press clicks a control where a person would.
func (s *screen) press(role, name string) {
	s.t.Helper()
	s.with("press", role, name, func(ctx context.Context, t *chromedp.Target, node int64) error {
		if err := t.Call(ctx, "DOM.scrollIntoViewIfNeeded", args{"backendNodeId": node}, nil); err != nil {
			return err
		}
		var box struct {
			Quads [][]float64 `json:"quads"`
		}
		if err := t.Call(ctx, "DOM.getContentQuads", args{"backendNodeId": node}, &box); err != nil {
			return err
		}
		if len(box.Quads) == 0 {
			return fmt.Errorf("%q is not on the screen", name)
		}
		q := box.Quads[0]
		_, err := chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2)(ctx, t)
		return err
	})
}

// fill types into a field, in place of what it holds.
func (s *screen) fill(role, name, text string) {
	s.t.Helper()
	s.with("fill", role, name, func(ctx context.Context, t *chromedp.Target, node int64) error {
		if err := t.Call(ctx, "DOM.focus", args{"backendNodeId": node}, nil); err != nil {
			return err
		}
		_, err := on[any](ctx, t, node, `function(){ this.select() }`)
		return err
	})
	s.do("type", chromedp.KeyEvent(text))
}

// holds is what a field holds.
func (s *screen) holds(role, name string) (text string) {
	s.t.Helper()
	s.with("read", role, name, func(ctx context.Context, t *chromedp.Target, node int64) (err error) {
		text, err = on[string](ctx, t, node, `function(){ return this.value }`)
		return err
	})
	return text
}

// focused says whether a control has the focus.
func (s *screen) focused(role, name string) (yes bool) {
	s.t.Helper()
	s.with("look at", role, name, func(ctx context.Context, t *chromedp.Target, node int64) (err error) {
		yes, err = on[bool](ctx, t, node, `function(){ return document.activeElement === this }`)
		return err
	})
	return yes
}

// disabled says whether a control is inactive.
func (s *screen) disabled(role, name string) (off bool) {
	s.t.Helper()
	s.with("look at", role, name, func(ctx context.Context, t *chromedp.Target, node int64) (err error) {
		off, err = on[bool](ctx, t, node, `function(){ return this.disabled || this.getAttribute("aria-disabled") === "true" }`)
		return err
	})
	return off
}

// enabled waits until a control is active.
func (s *screen) enabled(role, name string) {
	s.t.Helper()
	s.until(fmt.Sprintf("see %q become active", name), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		nodes, err := named(ctx, t, role, name)
		if err != nil || len(nodes) == 0 {
			return false, err
		}
		return on[bool](ctx, t, nodes[0], `function(){ return !this.disabled && this.getAttribute("aria-disabled") !== "true" }`)
	})
}

// sees waits until the page says so.
func (s *screen) sees(text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("see %q", text), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		return chromedp.Evaluate[bool](says(text))(ctx, t)
	})
}

// seesNot fails where the page says so.
func (s *screen) seesNot(text string) {
	s.t.Helper()
	if eval[bool](s, says(text)) {
		s.fail(fmt.Sprintf("the page says %q", text))
	}
}

func says(text string) string {
	return fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").replace(/[’‘]/g, "'").includes(%q)`, text)
}

// follow clicks the first link that holds the words, such as a row of a list.
func (s *screen) follow(words string) {
	s.t.Helper()
	s.until("follow "+words, func(ctx context.Context, t *chromedp.Target) (bool, error) {
		return chromedp.Evaluate[bool](fmt.Sprintf(
			`(() => { const a = [...document.querySelectorAll("a")].find(a => a.innerText.includes(%q)); if (a) a.click(); return !!a })()`, words))(ctx, t)
	})
}

// shot keeps a picture of the window where POSTERN_PICTURES names a folder, for looking at.
func (s *screen) shot(name string) {
	dir := os.Getenv("POSTERN_PICTURES")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		s.t.Logf("picture %s: %v", name, err)
	}
}

// accessible fails with what axe-core finds against WCAG 2.2 A and AA, in the light and in the dark.
func (s *screen) accessible(name string) {
	s.t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "frontend", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		s.t.Fatalf("axe-core is missing; make test installs it: %v", err)
	}
	for _, scheme := range []string{"light", "dark"} {
		s.scheme(scheme)
		s.shot(name + "-" + scheme)
		found := s.violations(string(axe))
		for range 3 {
			if len(found) == 0 {
				break
			}
			// On a busy machine a page can be met half in one scheme and half in the other. What is wrong stays wrong.
			s.scheme(scheme)
			found = s.violations(string(axe))
		}
		for _, v := range found {
			for _, n := range v.Nodes {
				s.t.Errorf("%s, %s: %s (%s)\n%s\n%s", name, scheme, v.Help, v.ID, n.HTML, n.Summary)
			}
		}
	}
	s.scheme("light")
}

// violation is what axe-core finds.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (s *screen) violations(axe string) []violation {
	s.t.Helper()
	return eval[[]violation](s, axe+`; axe.run(document, {runOnly: {type: "tag",
		values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}}).then(r => r.violations)`)
}

// scheme says whether the person's computer prefers light or dark. It asks for no motion too: a colour on its way from one
// to the other is neither.
func (s *screen) scheme(scheme string) {
	s.t.Helper()
	s.do("prefer "+scheme, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Emulation.setEmulatedMedia", args{"features": []args{
			{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	}))
	// A picture is taken of a whole frame: after it, nothing is half in one scheme and half in the other.
	if _, err := picturetest.Patiently(s.t, s.ctx, chromedp.CaptureScreenshot()); err != nil {
		s.fail(fmt.Sprintf("draw in %s: %v", scheme, err))
	}
}

// program is a running postern.
type program struct {
	t    testing.TB
	cmd  *exec.Cmd
	link string
	out  *bufio.Reader
}

// start builds nothing: it runs the binary that the test was built with, as postern.
func start(t testing.TB, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), "POSTERN_TEST_MAIN=1")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill(syscall.SIGKILL) })
	p.out = bufio.NewReader(out)
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("postern %v printed no link: %v", args, err)
	}
	link, ok := strings.CutPrefix(strings.TrimSpace(line), "open: ")
	if !ok {
		t.Fatalf("postern %v printed %q", args, line)
	}
	p.link = link
	return p
}

// kill ends the program by a signal and returns how it ended.
func (p *program) kill(sig syscall.Signal) error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	rest, err := io.ReadAll(p.out)
	if len(rest) > 0 {
		p.t.Errorf("postern printed more than its link: %q", rest)
	}
	if err != nil {
		return err
	}
	return p.cmd.Wait()
}

// TestMain lets the test binary be postern itself, so that what is tested is a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("POSTERN_TEST_MAIN") != "" {
		Main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mailFolder is a folder that the mail servers' own users can enter, as they cannot a test's.
func mailFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "postern-mail-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the mail system: %v", err)
		}
	})
	return dir
}
