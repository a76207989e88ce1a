package frontend_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend"
)

func copyOf(name string) string { return "/messages/" + id(name).String() + "/copy" }

// TestSavingACopyInABrowser is a download of one file, kept by no cache and shown by no browser.
func TestSavingACopyInABrowser(t *testing.T) {
	w := everything()
	w.drafts["dr_ffffffffffffffff"] = view.Draft{ID: "dr_ffffffffffffffff", What: "reply", Part: id("troubled"), Text: "A draft of hers"}
	w.held["dr_gggggggggggggggg"] = view.Held{Draft: "dr_gggggggggggggggg", What: "reply", Part: id("troubled"), Text: "A held text", State: view.StateHeld}
	v := visit(t, handler(w))
	v.comeIn()
	got := v.ask(drawn(form(copyOf("troubled")), marisol.ID))
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Disposition": `attachment; filename="Conversation 2026-11-20.html"`} {
		if is := got.Header().Get(name); is != want {
			t.Errorf("%s: %q, want %q", name, is, want)
		}
	}
	body := got.Body.String()
	if got.Code != http.StatusOK || !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("%d\n%s", got.Code, body)
	}
	for _, want := range []string{"Alder Creek Clinic", "&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;img src=x onerror=alert(1)&gt;", "It did not reach", "by Marisol Vega"} {
		if !strings.Contains(body, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for _, lack := range []string{"<script", "<img", "href=", "A draft of hers", "A held text", "48210739", "/static/"} {
		if strings.Contains(body, lack) {
			t.Errorf("it has %q", lack)
		}
	}
}

// TestWhoGetsNoCopy: a copy is given as the conversation itself is shown, or not at all, and by no link.
func TestWhoGetsNoCopy(t *testing.T) {
	w := everything()
	v := visit(t, handler(w))
	v.comeIn()
	for path, code := range map[string]int{copyOf("somebody else's"): 404, "/messages/short/copy": 404, "/cases/" + id("troubled").String() + "/copy": 404} {
		got := v.ask(drawn(form(path), marisol.ID))
		if got.Code != code || got.Header().Get("Content-Disposition") != "" || got.Header().Get("HX-Retarget") != "#toast" {
			t.Errorf("%s: %d %v\n%s", path, got.Code, got.Header(), got.Body)
		}
	}
	if got := v.get(copyOf("troubled")); got.Code == http.StatusOK || strings.Contains(got.Body.String(), "It did not reach") {
		t.Errorf("a link gives it: %d", got.Code)
	}
	if got := v.ask(drawn(form(copyOf("troubled")), joaquin.ID)); got.Code != http.StatusUnauthorized || strings.Contains(got.Body.String(), "It did not reach") {
		t.Errorf("a page of somebody else: %d", got.Code)
	}
	elsewhere := drawn(form(copyOf("troubled")), marisol.ID)
	elsewhere.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := v.ask(elsewhere); got.Code != http.StatusForbidden {
		t.Errorf("a page of elsewhere: %d", got.Code)
	}
	v.ticket = "guessed"
	if got := v.ask(drawn(form(copyOf("troubled")), marisol.ID)); got.Code != http.StatusUnauthorized || strings.Contains(got.Body.String(), "It did not reach") {
		t.Errorf("without the ticket: %d", got.Code)
	}
}

// asks is a window in which somebody chooses where to keep a file.
type asks struct {
	pane
	choose func(ctx context.Context, name string, content func() ([]byte, error)) (bool, error)
}

func (a *asks) SaveCopy(ctx context.Context, name string, content func() ([]byte, error)) (bool, error) {
	return a.choose(ctx, name, content)
}

// TestSavingACopyInTheWindow: what became of it is said in the toast, and nothing where the person would rather not.
func TestSavingACopyInTheWindow(t *testing.T) {
	screen := &asks{pane: pane{told: make(chan string, 8)}}
	w := everything()
	v := visit(t, frontend.New(w, frontend.Options{Window: screen, Now: w.clock}))
	v.post("/session", "profile", "marisol", "passphrase", "demo")
	asked, copies := 0, 0
	for _, c := range []struct {
		saved bool
		err   error
		code  int
		words string
	}{
		{true, nil, http.StatusOK, "Saved a copy."},
		{false, nil, http.StatusNoContent, ""},
		{false, care.Refusef(care.Full, "The copy could not be saved: the disk is full."), http.StatusInsufficientStorage, "the disk is full."},
		{false, errors.New("secret"), http.StatusInternalServerError, "Something went wrong"},
	} {
		screen.choose = func(_ context.Context, name string, content func() ([]byte, error)) (bool, error) {
			asked++
			if name != "Conversation 2026-11-20.html" {
				t.Errorf("asked for %q", name)
			}
			if !c.saved && c.err == nil { // they would rather not: nothing has left
				return false, nil
			}
			copies++
			if given, err := content(); err != nil || !strings.Contains(string(given), "It did not reach") {
				t.Errorf("it is %s, %v", given, err)
			}
			return c.saved, c.err
		}
		got := v.ask(drawn(form(copyOf("troubled")), marisol.ID))
		body := got.Body.String()
		if got.Code != c.code || !strings.Contains(body, c.words) || c.words == "" && body != "" || strings.Contains(body, "It did not reach") || strings.Contains(body, "secret") {
			t.Errorf("%v, %v: %d\n%s", c.saved, c.err, got.Code, body)
		}
	}
	if v.ask(drawn(form(copyOf("somebody else's")), marisol.ID)); asked != 4 {
		t.Errorf("asked %d times", asked)
	}
	if len(w.copied) != copies {
		t.Errorf("%d copies left, recorded are %d", copies, len(w.copied))
	}
}

// TestNoCopyLeavesUnrecorded, in a browser as little as in the window.
func TestNoCopyLeavesUnrecorded(t *testing.T) {
	w := everything()
	v := visit(t, handler(w))
	v.comeIn()
	if got := v.ask(drawn(form(copyOf("troubled")), marisol.ID)); got.Code != http.StatusOK || len(w.copied) != 1 {
		t.Errorf("%d, recorded are %v", got.Code, w.copied)
	}
	w.full = care.Refusef(care.Full, "There is no room.")
	got := v.ask(drawn(form(copyOf("troubled")), marisol.ID))
	if body := got.Body.String(); got.Code != http.StatusInsufficientStorage || !strings.Contains(body, "There is no room.") || strings.Contains(body, "It did not reach") {
		t.Errorf("%d\n%s", got.Code, body)
	}
	screen := &asks{pane: pane{told: make(chan string, 8)}}
	screen.choose = func(_ context.Context, _ string, content func() ([]byte, error)) (bool, error) {
		_, err := content()
		return err == nil, err
	}
	v = visit(t, frontend.New(w, frontend.Options{Window: screen, Now: w.clock}))
	v.post("/session", "profile", "marisol", "passphrase", "demo")
	if got := v.ask(drawn(form(copyOf("troubled")), marisol.ID)); got.Code != http.StatusInsufficientStorage {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
}

// TestALockEndsSaving: whoever finds the dialog open on a screen that locked cannot save by it.
func TestALockEndsSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := &asks{pane: pane{told: make(chan string, 8)}}
		v := visit(t, frontend.New(newWorld(), frontend.Options{Window: screen}))
		v.post("/session", "profile", "marisol", "passphrase", "demo")
		begin := time.Now()
		screen.choose = func(ctx context.Context, _ string, _ func() ([]byte, error)) (bool, error) {
			<-ctx.Done()
			return false, nil
		}
		got := v.ask(drawn(form(copyOf("pressure")), marisol.ID))
		if after := time.Since(begin); got.Code != http.StatusNoContent || after < 10*time.Minute || after > 10*time.Minute+10*time.Second {
			t.Errorf("%d after %v", got.Code, after)
		}
		v.isLocked("Locked after 10 minutes")
	})
}

// TestDownloadingACopy saves one in a real browser, by the button and by the key, and opens what was saved.
func TestDownloadingACopy(t *testing.T) {
	w := everything()
	b := open(t, w)
	b.signIn()
	b.follow("alert(1)")
	b.sees("A newer Postern wrote here.")
	dir := t.TempDir()
	saving := cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}
	b.do(chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		_, err := cdp.Call(ctx, to, cdpbrowser.SetDownloadBehavior, saving)
		return err
	}))
	saved := func(as string) string {
		t.Helper()
		as = filepath.Join(dir, as)
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if os.Rename(filepath.Join(dir, "Conversation 2026-11-20.html"), as) == nil {
				return as
			}
		}
		there, err := os.ReadDir(dir)
		t.Fatalf("nothing was saved: %v, %v", there, err)
		return ""
	}
	b.button("Save a copy…")
	path := saved("by the button.html")
	b.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	saved("by the key.html")
	b.sees("A newer Postern wrote here.")
	b.until("nothing in the toast", `!document.getElementById("toast").innerText`)

	b.expect("404")
	w.mu.Lock()
	delete(w.threads, id("troubled"))
	w.mu.Unlock()
	b.button("Save a copy…")
	b.sees("This conversation is not on this computer.")

	b.do(chromedp.Navigate("file://" + path))
	b.sees("Anyone who can open this file can read it.")
	b.sees("<img src=x onerror=alert(1)>")
	b.accessible("copy")
}
