package frontend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"postern/frontend"
	"postern/frontend/picturetest"
)

const token = "a-token-for-tests"

// browser is one real Chromium with a world behind it. What the page says on its console that it should not fails the test.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string
	srv *httptest.Server
	*world

	mu       sync.Mutex
	expected []string
	console  []string
}

// chromium finds the browser; a machine without one skips, except where CI says that it has one.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no Chromium on this machine")
	}
	t.Skip("no Chromium on this machine")
	return ""
}

// open starts a browser at a world's sign-in page.
func open(t *testing.T, w *world) *browser {
	t.Helper()
	b := openWith(t, w, frontend.Options{})
	b.do(chromedp.WaitVisible(chromedp.ID("passphrase")))
	return b
}

// openWith starts a browser at the first page of a world.
func openWith(t *testing.T, w *world, o frontend.Options) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a real browser takes its time")
	}
	path := chromium(t)
	o.Token, o.Now = token, w.clock
	h := frontend.New(w, o)
	if w.before != nil {
		h = w.before(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true))
	opts = append(opts, picturetest.Flags...)
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stopAlloc)
	b := &browser{t: t, url: srv.URL, srv: srv, world: w}
	ctx, stop := chromedp.NewContext(alloc, chromedp.WithListener(b.listen))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(cancel)
	b.ctx = ctx
	t.Cleanup(b.quiet)
	b.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(srv.URL+"/open?token="+token))
	return b
}

func (b *browser) listen(ev any) {
	line := ""
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			line = e.Entry.Text + " " + e.Entry.URL
		}
	case *runtime.EventExceptionThrown:
		line = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			line += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			for _, a := range e.Args {
				line += string(a.Value) + " " + a.Description + " "
			}
		}
	}
	if line != "" {
		b.mu.Lock()
		b.console = append(b.console, line)
		b.mu.Unlock()
	}
}

// expect names words of a console line that is no fault: a refusal that the test provoked.
func (b *browser) expect(words string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, words)
}

func (b *browser) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
lines:
	for _, line := range b.console {
		for _, e := range b.expected {
			if strings.Contains(line, e) {
				continue lines
			}
		}
		b.t.Errorf("the console says: %s", line)
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatal(err)
	}
}

// signIn signs in as the member.
func (b *browser) signIn() {
	b.t.Helper()
	b.fill("passphrase", "demo\r")
	b.until("the list of conversations", `document.getElementById("convos")`)
}

// fill replaces what is in the field with this id by typing; "\r" is Enter.
func (b *browser) fill(id, text string) {
	b.t.Helper()
	b.until("the field "+id, fmt.Sprintf(`document.getElementById(%q)?.checkVisibility()`, id))
	eval[bool](b, fmt.Sprintf(`(document.getElementById(%q).focus(), document.activeElement.select(), true)`, id))
	b.do(chromedp.KeyEvent(text))
}

// key presses keys: "\r" is Enter, "\x1b" Escape.
func key(keys string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(keys) }

func (b *browser) reload() { b.do(chromedp.Reload()) }

// follow clicks the link that holds these words.
func (b *browser) follow(words string) {
	b.t.Helper()
	b.until("a link with "+words, fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll("a[href]")].find((e) => e.textContent.includes(%q) && e.checkVisibility());
		e?.click();
		return !!e;
	})()`, words))
}

// button clicks the control with this accessible name.
func (b *browser) button(name string) {
	b.t.Helper()
	if name == "Lock" {
		b.expect("401") // a drawing that is under way as the screen locks
	}
	b.until(fmt.Sprintf("a control named %q", name), fmt.Sprintf(`(() => {
		const named = (e) => (e.getAttribute("aria-label") ?? e.innerText).trim() === %q;
		const e = [...document.querySelectorAll("button:not([disabled]), a[href], summary")].find((e) => named(e) && e.checkVisibility());
		e?.click();
		return !!e;
	})()`, name))
}

// patience is how long a page may take to show what a person waits for. It ends a test that waits for what never comes; nothing is
// timed by it.
const patience = 2 * time.Minute

// until waits for an expression to be true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	wait := fmt.Sprintf(`new Promise((done) => { const look = async () => (await (async () => %s)().catch(() => false)) ? done(true) : setTimeout(look, 15); look(); })`, expression)
	var err error
	for ; ; time.Sleep(15 * time.Millisecond) { // a page that is left takes its promise along, and one that begins has no body yet
		if _, err = chromedp.Run(ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise)); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("waited for %s: %v\n%s", what, err, b.text("body"))
	}
}

// sees waits for words on the page.
func (b *browser) sees(words string) {
	b.t.Helper()
	b.until(fmt.Sprintf("the words %q", words), fmt.Sprintf(`document.body.innerText.includes(%q)`, words))
}

func (b *browser) text(selector string) string {
	return eval[string](b, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
}

func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Errorf("%s: %v", expression, err)
	}
	return out
}

// look sets theme and text size as the menu does, and the window's size.
func (b *browser) look(theme, size string, width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	if _, err := picturetest.Patiently(b.t, b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(document.documentElement.dataset.theme = %q, document.documentElement.dataset.size = %q,
		new Promise((done) => document.fonts.ready.then(() => setTimeout(() => done(true), 200))))`, theme, size), chromedp.EvalAwaitPromise)); err != nil {
		b.t.Fatal(err)
	}
}

// shoot keeps a picture where POSTERN_PICTURES names a folder.
func (b *browser) shoot(name string) {
	dir := os.Getenv("POSTERN_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
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

// accessible runs axe-core over the page as it stands, in the light and in the dark theme.
func (b *browser) accessible(name string) {
	b.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		b.t.Skipf("axe-core is installed by npm: %v", err)
	}
	for _, theme := range []string{"postern", "postern-dark"} {
		b.look(theme, "", 1280, 800)
		b.shoot(name + "-" + theme)
		violations := b.axe(string(axe))
		if len(violations) > 0 { // what is still being drawn comes to rest; what is wrong stays wrong
			b.look(theme, "", 1280, 800)
			violations = b.axe(string(axe))
		}
		for _, v := range violations {
			for _, n := range v.Nodes {
				b.t.Errorf("%s, %s: %s (%s)\n%s\n%s", name, theme, v.ID, v.Help, n.HTML, n.Summary)
			}
		}
	}
}

// axe is what axe-core finds on the page as it stands.
func (b *browser) axe(script string) (violations []violation) {
	b.t.Helper()
	found, err := picturetest.Patiently(b.t, b.ctx, chromedp.Evaluate[string](script+`; axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	return violations
}
