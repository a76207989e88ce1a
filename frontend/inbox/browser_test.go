package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/frontend"
	"postern/frontend/picturetest"
)

// browser is one real Chromium at the desk of a clinic. What the page says on its console that it should not fails the test.
type browser struct {
	t        *testing.T
	ctx      context.Context
	url      string
	expected []string
	*clinic
}

const token = "a-token-for-tests"

func open(t *testing.T, c *clinic) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a real browser takes its time")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium on this machine")
		}
		t.Skip("no Chromium on this machine")
	}
	srv := httptest.NewServer(frontend.New(c, frontend.Options{Token: token, Now: func() time.Time { return c.now }}))
	t.Cleanup(srv.Close)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	opts = append(opts, picturetest.Flags...)
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stopAlloc)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, url: srv.URL, clinic: c}
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		_, err := cdp.Call(ctx, to, emulation.SetEmulatedMedia, still)
		return err
	}))
	listening, quiet := context.WithCancel(ctx)
	messages := chromedp.Console(listening)
	t.Cleanup(func() {
		quiet()
		for m, err := range messages {
			if err != nil {
				return
			}
			if line := fmt.Sprint(m); (m.Type == "error" || m.Type == "warning" || m.IsException()) && !b.isExpected(line) {
				t.Errorf("the console says: %s", line)
			}
		}
	})
	b.do(chromedp.Navigate(srv.URL+"/open?token="+token), chromedp.WaitVisible("#passphrase"), chromedp.SendKeys("#passphrase", "demo\r"), chromedp.WaitVisible("#desk"))
	return b
}

func (b *browser) isExpected(line string) bool {
	for _, e := range b.expected {
		if strings.Contains(line, e) {
			return true
		}
	}
	return false
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// patience is how long a page may take to show what a person waits for. It ends a test that waits for what never comes; nothing is
// timed by it.
const patience = 2 * time.Minute

// until waits for an expression to be true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	var err error
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // a page that is left takes its question along
		left := max(time.Until(end), time.Millisecond)
		_, err = chromedp.Run(b.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(left)))
		if err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("waited for %s: %v\n%s", what, err, eval[string](b, `document.body.innerText`))
	}
}

func (b *browser) sees(words string) {
	b.t.Helper()
	b.until(fmt.Sprintf("the words %q", words), fmt.Sprintf(`document.body.innerText.includes(%q)`, words))
}

// button clicks the control with this accessible name, as a screen reader says it.
func (b *browser) button(name string) {
	b.t.Helper()
	if name == "Lock" {
		b.expected = append(b.expected, "401") // a drawing that is under way as the screen locks
	}
	b.until(fmt.Sprintf("a control named %q", name), fmt.Sprintf(`(() => {
		const named = (e) => {
			const copy = e.cloneNode(true);
			for (const hidden of copy.querySelectorAll("[aria-hidden=true]")) hidden.remove();
			return copy.textContent.replace(/\s+/g, " ").trim() === %q;
		};
		const e = [...document.querySelectorAll("button, a[href], summary")].find((e) => named(e) && e.checkVisibility());
		e?.click();
		return !!e;
	})()`, name))
}

// press presses keys outside of every field.
func (b *browser) press(keys string, opts ...chromedp.KeyOption) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, opts...))
}

// row opens a conversation of the list, and waits until it is there.
func (b *browser) row(name string) {
	b.t.Helper()
	b.until("the row of "+name, fmt.Sprintf(`(() => { const e = [...document.querySelectorAll("[data-row]")].find((e) => e.textContent.includes(%q)); e?.click(); return !!e })()`, name))
	b.until("the conversation of "+name, fmt.Sprintf(`document.querySelector("[data-row][aria-current]")?.textContent.includes(%q) && !!document.querySelector(".thread")`, name))
}

func (b *browser) look(theme, size string, width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	_, err := picturetest.Patiently(b.t, b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(async () => {
		const d = document.documentElement.dataset, frame = () => new Promise(requestAnimationFrame);
		d.theme = %q; d.size = %q;
		const moving = () => document.getAnimations().filter((a) => a instanceof CSSTransition);
		for (let still = 0, frames = 0; still < 3; still = moving().length ? 0 : still + 1) {
			await frame();
			if (++frames > 900) throw new Error("still moving: " + moving().map((a) => a.transitionProperty + " of " + a.effect.target.outerHTML.slice(0, 80)));
		}
		return true;
	})()`, theme, size), chromedp.EvalAwaitPromise))
	if err != nil {
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
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Logf("picture %s: %v", name, err)
	}
}

// accessible runs axe-core over the page as it stands, in the light and in the dark theme.
func (b *browser) accessible(name string) {
	b.t.Helper()
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		b.t.Skipf("axe-core is installed by npm: %v", err)
	}
	for _, theme := range []string{"postern", "postern-dark"} {
		b.look(theme, "", 1440, 900)
		b.shoot(name + "-" + theme)
		found, err := picturetest.Patiently(b.t, b.ctx, chromedp.Evaluate[[]byte](
			string(axe)+`; axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}).then((r) => r.violations)`,
			chromedp.EvalAwaitPromise))
		if err != nil {
			b.t.Fatal(err)
		}
		var violations []struct {
			ID, Help string
			Nodes    []struct{ HTML, FailureSummary string }
		}
		if err := json.Unmarshal(found, &violations); err != nil {
			b.t.Fatal(err)
		}
		for _, v := range violations {
			for _, n := range v.Nodes {
				b.t.Errorf("%s, %s: %s (%s)\n%s\n%s", name, theme, v.ID, v.Help, n.HTML, n.FailureSummary)
			}
		}
	}
	b.look("postern", "", 1440, 900)
}
