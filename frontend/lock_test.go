package frontend_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/backend/care"
	"postern/frontend"
)

// isLocked fails unless every address shows the lock screen of the person, and nothing else of theirs.
func (v *visitor) isLocked(words string) {
	v.t.Helper()
	for _, path := range []string{"/", "/messages", "/messages/" + id("pressure").String(), "/drafts/dr_aaaaaaaaaaaaaaaa"} {
		w := v.get(path)
		page := w.Body.String()
		for _, want := range []string{"<title>Locked - Postern</title>", "Marisol Vega (member)", words, "Messages wait safely on the clinic's mail system",
			">Passphrase</label>", ">Unlock</button>", "Sign in as someone else"} {
			if w.Code != http.StatusOK || !strings.Contains(page, want) {
				v.t.Fatalf("%s: %d, without %q: %.3000s", path, w.Code, want, page[strings.Index(page, "<main"):])
			}
		}
		for _, data := range []string{"Blood pressure", "Joaquín", "Alder Creek", "48210739", "data-person"} {
			if strings.Contains(page, data) {
				v.t.Errorf("%s, locked, holds %q", path, data)
			}
		}
	}
}

// TestLockAndUnlock: the screen shows the label alone; the same person goes on where they were, another one does not.
func TestLockAndUnlock(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	there := "/messages/" + id("pressure").String()
	lock := func(url string) {
		t.Helper()
		r := form("/session/lock")
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Current-URL", url)
		if got := v.ask(r); got.Code != http.StatusOK || got.Header().Get("HX-Redirect") != "/" {
			t.Fatalf("%d %v", got.Code, got.Header())
		}
	}
	unlock := func(profile, passphrase string) *httptest.ResponseRecorder {
		return v.post("/session", "profile", profile, "passphrase", passphrase)
	}
	lock("http://127.0.0.1:8421" + there + "?show=unread&search=rash")
	v.isLocked("Locked at 6:10 pm")
	if w.closed != 1 {
		t.Errorf("%d sign-outs", w.closed)
	}
	if got := unlock("marisol", "wrong"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "does not open this profile") || !strings.Contains(got.Body.String(), ">Unlock</button>") {
		t.Errorf("a wrong passphrase: %d\n%s", got.Code, got.Body)
	}
	if got := unlock("marisol", "demo").Header().Get("Location"); got != there {
		t.Errorf("goes on at %q, want %q", got, there)
	}
	for _, elsewhere := range []string{"http://127.0.0.1:8421/session/lock", "http://127.0.0.1:8421//evil.example/messages", "javascript:alert(1)", "http://127.0.0.1:8421/messages/../look"} {
		v.get("/look") // no screen
		lock(elsewhere)
		if got := unlock("marisol", "demo").Header().Get("Location"); got != "/" {
			t.Errorf("from %q it goes on at %q", elsewhere, got)
		}
	}
	lock("http://127.0.0.1:8421" + there)
	v.post("/session/others")
	if got := v.get("/").Body.String(); !strings.Contains(got, "Who is signing in?") {
		t.Errorf("no chooser:\n%s", got)
	}
	if got := unlock("joaquin", "demo").Header().Get("Location"); got != "/" {
		t.Errorf("somebody else goes on at %q", got)
	}
}

// TestLocksByItself: after ten minutes without anything that the person did. What a page does by itself keeps no screen
// open, and what a person does elsewhere on the page does.
func TestLocksByItself(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	there := "/messages/" + id("refill").String()
	v.get(there)
	w.passes(9 * time.Minute)
	v.post("/session/active?ago=60000")
	w.passes(8*time.Minute + 59*time.Second)
	for _, r := range []*http.Request{httptest.NewRequest(http.MethodGet, "/sync", nil), httptest.NewRequest(http.MethodGet, "/messages", nil),
		form("/drafts/dr_aaaaaaaaaaaaaaaa?auto=1", "what", "new", "text", "Half a thought")} {
		r.Header.Set("Postern-Auto", "1")
		if got := v.ask(r); got.Code != http.StatusOK {
			t.Errorf("%s, a second before: %d", r.URL, got.Code)
		}
	}
	if w.closed != 0 {
		t.Fatal("locked too early")
	}
	w.passes(time.Second)
	if got := v.ask(drawn(httptest.NewRequest(http.MethodGet, "/sync", nil), marisol.ID)); got.Code != http.StatusUnauthorized || got.Header().Get("HX-Trigger") != "postern:stale" {
		t.Errorf("the page is told %d %v", got.Code, got.Header())
	}
	v.isLocked("Locked after 10 minutes without activity, at 6:28 pm")
	if w.closed != 1 {
		t.Errorf("%d sign-outs", w.closed)
	}
	if got := v.post("/session", "profile", "marisol", "passphrase", "demo").Header().Get("Location"); got != there {
		t.Errorf("goes on at %q, want %q", got, there)
	}
}

// TestLocksWithoutBeingAsked: nobody looks any more, and yet the profile is closed in time.
func TestLocksWithoutBeingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		v := visit(t, frontend.New(w, frontend.Options{Token: token}))
		v.comeIn()
		closed := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.closed }
		time.Sleep(10*time.Minute - time.Second)
		if closed() != 0 {
			t.Error("locked too early")
		}
		time.Sleep(10 * time.Second)
		if closed() != 1 {
			t.Errorf("%d sign-outs", closed())
		}
		v.isLocked("Locked after 10 minutes")
	})
}

// TestLockScreen is what a person sees of it: the words that were being typed are back on the same page, whether they
// locked it themselves or it locked by itself, in every tab.
func TestLockScreen(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.expect("401")
	field := b.openPressure()
	there := eval[string](b, "location.pathname")
	back := func(text string) {
		t.Helper()
		b.until("the page as it was", `location.pathname === "`+there+`"`)
		b.until("the field", `document.getElementById("`+field+`")`)
		b.mustHold(field, text)
	}
	eval[bool](b, `(window.sent = [], document.addEventListener("htmx:before:request", ({detail: {ctx}}) =>
		sent.push(ctx.request.headers["Postern-Auto"] ?? "a person")), htmx.trigger(document.body, "postern:changed"), true)`)
	b.until("refreshes that say what they are", `sent.length > 0 && sent.every((s) => s === "1")`)
	b.fill(field, "Should I also")
	b.until("a save that says what it is", `sent.includes("a person")`)
	eval[bool](b, `(document.dispatchEvent(new KeyboardEvent("keydown", {key: "l", ctrlKey: true, bubbles: true, cancelable: true})), true)`)
	b.sees("Locked at 6:10 pm")
	b.until("the title", `document.title === "Locked - Postern"`)
	b.until("the passphrase in focus", `document.activeElement?.id === "passphrase"`)
	b.expect("422")
	b.fill("passphrase", "wrong\r")
	b.sees("does not open this profile")
	b.accessible("s6-wrong")
	b.until("the wrong passphrase to be typed over", `(({selectionStart: a, selectionEnd: z, value}) => a === 0 && z === value.length)(document.getElementById("passphrase"))`)
	b.fill("passphrase", "demo")
	b.button("Unlock")
	back("Should I also")

	b.do(key(" take"))
	b.fill(field, "Should I also take it")
	b.keptDraft("Should I also take it")
	eval[bool](b, `(document.body.dataset.lock = "31000", true)`)
	b.sees("This screen locks in half a minute.")
	b.accessible("s6-soon")
	b.do(key(" "))
	b.until("no more of that", `!document.body.innerText.includes("This screen locks")`)
	eval[bool](b, `(document.body.dataset.lock = "600000", true)`)
	b.fill(field, "Should I also take it?")
	b.keptDraft("Should I also take it?")
	b.until("the answer to the save", `!document.querySelector(".htmx-request")`)
	w.passes(10 * time.Minute)
	b.sees("Locked after 10 minutes without activity, at 6:20 pm")
	b.until("nothing of the page", `!document.body.innerText.includes("Blood pressure") && !document.querySelector("[data-person]")`)
	b.accessible("s6-idle")
	b.fill("passphrase", "demo")
	b.button("Unlock")
	back("Should I also take it?")
}

// TestLockedOverUnsavedWords: they could not be saved in all that time. Nobody sees them, and they are there once their
// writer is back in another tab.
func TestLockedOverUnsavedWords(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	for _, noise := range []string{"401", "503"} {
		b.expect(noise)
	}
	field := b.openPressure()
	w.failing(care.Refusef(care.Unavailable, "Not just now."))
	b.fill(field, "Should I also")
	b.sees("Not just now.")
	w.passes(10 * time.Minute)
	b.sees("Postern is locked.")
	b.until("nothing else", `!document.querySelector(".shell").checkVisibility({visibilityProperty: true})`)
	b.accessible("s6-covered")
	w.failing(nil)
	other := b.tab()
	other.expect("401")
	other.sees("Locked after 10 minutes")
	other.fill("passphrase", "demo\r")
	other.sees("Messages for: Marisol Vega")
	b.front()
	b.until("the page again", `document.querySelector(".shell").checkVisibility({visibilityProperty: true})`)
	b.mustHold(field, "Should I also")
	b.keptDraft("Should I also")
}

// TestTheWindowHearsOfALock, by an event of its own: it has no stream.
func TestTheWindowHearsOfALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := &pane{told: make(chan string, 8)}
		v := visit(t, frontend.New(newWorld(), frontend.Options{Window: screen}))
		v.post("/session", "profile", "marisol", "passphrase", "demo")
		begin := time.Now()
		if got := <-screen.told; got != "postern:over" {
			t.Errorf("the window is told %q", got)
		}
		if after := time.Since(begin); after < 10*time.Minute || after > 10*time.Minute+10*time.Second {
			t.Errorf("after %v", after)
		}
		v.isLocked("Locked after 10 minutes")
	})
}

// TestLocksWithTheSystem: what comes from the system locks every screen at once.
func TestLocksWithTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, system := newWorld(), make(chan struct{})
		v := visit(t, frontend.New(w, frontend.Options{Token: token, Now: w.clock, Lock: system}))
		v.comeIn()
		system <- struct{}{}
		close(system)
		synctest.Wait()
		if w.closed != 1 {
			t.Errorf("%d sign-outs", w.closed)
		}
		v.isLocked("Locked at 6:10 pm")
	})
}

// pane is a window that only hears.
type pane struct {
	told   chan string
	prints int
}

func (p *pane) Tell(event, _ string) { p.told <- event }
func (p *pane) Look() string         { return "" }
func (p *pane) SetLook(string)       {}
func (p *pane) Another() error       { return nil }
func (p *pane) Print()               { p.prints++ }
func (p *pane) SaveCopy(context.Context, string, func() ([]byte, error)) (bool, error) {
	return false, nil
}

// TestLockFromANewMessage: it had no address of its own yet, and its words are there all the same.
func TestLockFromANewMessage(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.button("Start a new message")
	b.fill("text", "My knee")
	b.button("Lock")
	b.sees("Locked at")
	b.fill("passphrase", "demo\r")
	b.until("the words", `document.getElementById("text")?.value === "My knee"`)
}

// TestWorkingOfflineOverHTTP: it is said at once, in the foot and above everything, with the way back.
func TestWorkingOfflineOverHTTP(t *testing.T) {
	w := everything()
	v := visit(t, handler(w))
	v.comeIn()
	on := v.post("/sync/offline", "offline", "on").Body.String()
	for _, want := range []string{"Working offline · 3 waiting to send", "You are working offline.", "Go online", `aria-checked="true"`} {
		if !strings.Contains(on, want) {
			t.Errorf("without %q:\n%s", want, on)
		}
	}
	if strings.Contains(on, "Check now") {
		t.Error("offers to check")
	}
	off := v.post("/sync/offline", "offline", "").Body.String()
	if !strings.Contains(off, "Up to date") || !strings.Contains(off, "Check now") || strings.Contains(off, "Go online") {
		t.Errorf("online again:\n%s", off)
	}
}

// TestSendingAgain: what failed has a button, and waits once it was pressed.
func TestSendingAgain(t *testing.T) {
	w := everything()
	v := visit(t, handler(w))
	v.comeIn()
	there := "/messages/" + id("troubled").String()
	if got := v.get(there).Body.String(); !strings.Contains(got, "Send again") {
		t.Errorf("no button:\n%s", got)
	}
	if got := v.post(there + "/resend"); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "Send again") || !strings.Contains(got.Body.String(), "Waiting to send") {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
	if got := v.ask(drawn(form(there+"/resend"), marisol.ID)); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "Nothing here waits") {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
}

// TestArriving: while all comes in for the first time an empty list does not say that there is nothing.
func TestArriving(t *testing.T) {
	w := newWorld()
	w.threads = nil
	w.sync = care.SyncState{Phase: care.SyncFetching, Done: 1240, Total: 8112}
	v := visit(t, handler(w))
	v.comeIn()
	got := v.get("/messages").Body.String()
	if !strings.Contains(got, "Your messages are arriving") || strings.Contains(got, "No messages yet") || !strings.Contains(got, "Syncing 1,240 of 8,112") || !strings.Contains(got, `max="8112"`) {
		t.Errorf("%s", got)
	}
	w.sync = care.SyncState{Phase: care.SyncUpToDate, Checked: w.now}
	if got := v.get("/messages").Body.String(); !strings.Contains(got, "No messages yet") {
		t.Errorf("%s", got)
	}
}

// TestAClickedNameLeadsToThePassphrase: whoever clicks types on. Arrow keys go through the names.
func TestAClickedNameLeadsToThePassphrase(t *testing.T) {
	b := open(t, newWorld())
	b.do(chromedp.Click(`label.profile:has([value=joaquin])`))
	b.until("the field", `document.activeElement.id === "passphrase" && document.querySelector("[value=joaquin]").checked`)
	b.do(chromedp.Focus(`[value=joaquin]`), key(kb.ArrowUp))
	b.until("the name before it", `document.activeElement.value === "marisol" && document.activeElement.checked`)
}
