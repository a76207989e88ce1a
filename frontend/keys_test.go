package frontend_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/frontend"
)

// part posts a form as htmx does from a page of a person, "" for nobody.
func (v *visitor) part(path string, who care.PersonID, pairs ...string) *httptest.ResponseRecorder {
	r := form(path, pairs...)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	r.Header.Set("Postern-Person", string(who))
	return v.ask(r)
}

func (v *visitor) answers(got *httptest.ResponseRecorder, code int, words ...string) {
	v.t.Helper()
	body := got.Body.String()
	for _, w := range words {
		if !strings.Contains(body, w) {
			v.t.Errorf("without %q", w)
		}
	}
	if got.Code != code || v.t.Failed() {
		v.t.Fatalf("%d, want %d\n%s", got.Code, code, body)
	}
}

// TestTriesAreSaid: how many are left, then until when, on the sign-in page and on the lock screen, and to nobody before.
func TestTriesAreSaid(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	v.post("/session/lock")
	for _, left := range []string{"4 tries", "3 tries", "2 tries", "1 try"} {
		v.answers(v.post("/session", "profile", "marisol", "passphrase", "wrong"), 422, "That passphrase does not open this profile. Check Caps Lock and try again.",
			left+" left, then a pause of 5 minutes. Your messages are safe.", `aria-describedby="passphrase-error passphrase-hint"`, ">Unlock</button>")
	}
	v.answers(v.post("/session", "profile", "marisol", "passphrase", "wrong"), 422, "That passphrase does not open this profile. There is a pause now. Try again at 6:15 pm.", "A recovery code works during a pause, too.")
	v.answers(v.post("/session", "profile", "marisol", "passphrase", "demo"), 429, "There is a pause now. Try again at 6:15 pm.")
	other := visit(t, handler(w))
	other.get("/open?token=" + token)
	got := other.get("/")
	other.answers(got, 200, "Who is signing in?", "Only you know it.")
	if strings.Contains(got.Body.String(), "pause") {
		t.Error("it tells who has not tried")
	}
	if got := other.post("/session", "profile", "marisol", "passphrase", "demo"); got.Code != 429 || !strings.Contains(got.Body.String(), "There is a pause now. Try again at ") {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
	w.passes(5 * time.Minute)
	if got := v.post("/session", "profile", "marisol", "passphrase", "demo"); got.Code != http.StatusSeeOther {
		t.Errorf("after the pause: %d", got.Code)
	}
}

// TestRecoveringOverHTTP: by the code alone, during a pause too, and each refusal says in which field it is.
func TestRecoveringOverHTTP(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	if got := v.get("/recovery"); got.Code != http.StatusForbidden {
		t.Errorf("without a session: %d", got.Code)
	}
	v.get("/open?token=" + token)
	v.answers(v.get("/recovery"), 200, "<title>Use a recovery code - Postern</title>", "Recovery code")
	if body := v.get("/recovery").Body.String(); strings.Contains(body, "Vega") {
		t.Error("it names people")
	}
	v.answers(v.part("/recovery", "", "code", onSheet), 422, "That code opens no profile on this computer.", `value="`+onSheet+`"`, `aria-invalid="true"`)
	w.keys.code, w.keys.until = onSheet, w.now.Add(time.Hour)
	got := v.part("/recovery", "", "code", strings.ToLower(onSheet))
	v.answers(got, 200, "Choose a new passphrase", "for Marisol Vega (member)", `type="hidden" name="code"`)
	for name, values := range got.Header() {
		if strings.Contains(strings.ToUpper(strings.Join(values, " ")), onSheet[:9]) {
			t.Errorf("the code stands in the header %s", name)
		}
	}
	if got := v.get("/recovery/passphrase"); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/recovery" {
		t.Errorf("opened by its address: %d", got.Code)
	}
	next := "/recovery/passphrase"
	v.answers(v.part(next, "", "code", onSheet, "new", newOne, "again", "copper"), 422, "The two are not the same.", `id="again-error"`)
	v.answers(v.part(next, "", "code", onSheet, "new", "demo", "again", "demo"), 422, "Too easy to guess. Add another", `id="new-error"`)
	v.answers(v.part(next, "", "code", "0", "new", newOne, "again", newOne), 422, "That code opens no profile", `id="code-error"`)
	w.keys.fail = care.Refusef(care.Conflict, "This profile is open in another Postern on this computer.")
	got = v.part(next, "", "code", onSheet, "new", newOne, "again", newOne)
	v.answers(got, 409, "This profile is open in another Postern")
	w.keys.fail = errors.New("secret")
	v.answers(v.part(next, "", "code", onSheet, "new", newOne, "again", newOne), 500, "Something went wrong")
	w.keys.fail = nil
	got = v.part(next, "", "code", onSheet, "new", newOne, "again", newOne)
	if got.Code != 200 || !strings.Contains(got.Header().Get("HX-Location"), `"/passphrase"`) || v.ticket == "" {
		t.Fatalf("%d %v\n%s", got.Code, got.Header(), got.Body)
	}
	v.answers(v.get("/passphrase"), 200, "You have no recovery sheet.", "Make a recovery sheet")
	v.answers(v.part("/recovery", "", "code", onSheet), 422, "That code opens no profile")
}

// TestPassphraseAndRecoveryOverHTTP: the passphrase in force is asked for each time, and counted.
func TestPassphraseAndRecoveryOverHTTP(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	for _, path := range []string{"/passphrase", "/passphrase/sheet", "/passphrase/sheet/copy"} {
		if got := v.part(path, "", "passphrase", "demo", "code", onSheet); got.Code != http.StatusUnauthorized || strings.Contains(got.Body.String(), onSheet) {
			t.Errorf("%s, signed out: %d\n%s", path, got.Code, got.Body)
		}
	}
	v.comeIn()
	me := marisol.ID
	v.answers(v.get("/passphrase"), 200, "You have no recovery sheet.", "Change your passphrase", "All messages")
	v.answers(v.part("/passphrase/sheet", me, "passphrase", "wrong"), 422, "That passphrase does not open this profile.", "4 tries left", `aria-describedby="sheet-passphrase-error sheet-passphrase-left"`)
	got := v.part("/passphrase/sheet", me, "passphrase", "demo")
	v.answers(got, 200, "008J", "ZZ29", "Marisol Vega (member)", "Fri Nov 20, 2026")
	v.answers(v.get("/passphrase"), 200, "A recovery sheet was made.", "Make a new recovery sheet")
	if strings.Contains(v.get("/passphrase").Body.String(), "008J") {
		t.Error("the code is shown again")
	}
	got = v.part("/passphrase/sheet/copy", me, "code", onSheet)
	v.answers(got, 200, "<!doctype html>", "008J", "Marisol Vega (member)", "default-src 'none'")
	if is := got.Header().Get("Content-Disposition"); is != `attachment; filename="Recovery sheet 2026-11-20.html"` {
		t.Error(is)
	}
	v.answers(v.part("/passphrase/sheet/copy", me, "code", "<script>"), 200, "&lt;script&gt;")

	v.answers(v.part("/passphrase", me, "passphrase", "demo", "new", newOne, "again", "x"), 422, `id="again-error"`)
	v.answers(v.part("/passphrase", me, "passphrase", "demo", "new", "demo", "again", "demo"), 422, `id="new-error"`)
	v.answers(v.part("/passphrase", me, "passphrase", "wrong", "new", newOne, "again", newOne), 422, `id="passphrase-error"`, "4 tries left")
	v.answers(v.part("/passphrase", me, "passphrase", "demo", "new", newOne, "again", newOne), 200, "Your passphrase is changed.")
	for range 5 {
		v.part("/passphrase", me, "passphrase", "demo", "new", newOne, "again", newOne)
	}
	v.answers(v.part("/passphrase", me, "passphrase", newOne, "new", newOne, "again", newOne), 429, "There is a pause now. Try again at 6:15 pm.", `id="passphrase-error"`)
	v.answers(v.part("/passphrase/sheet", me, "passphrase", newOne), 429, "There is a pause now. Try again at 6:15 pm.", `id="sheet-passphrase-error"`)
}

// TestStrengthAndSuggestion need no sign-in, but a session, and say nothing of anybody.
func TestStrengthAndSuggestion(t *testing.T) {
	v := visit(t, handler(newWorld()))
	if got := v.part("/passphrase/strength", "", "new", newOne); got.Code == http.StatusOK && strings.Contains(got.Body.String(), "Strong") {
		t.Errorf("without a session: %d", got.Code)
	}
	v.get("/open?token=" + token)
	v.answers(v.part("/passphrase/strength", "", "new", newOne), 200, "Strong.")
	v.answers(v.part("/passphrase/strength", "", "new", "demo"), 200, "Too easy to guess.")
	v.answers(v.part("/passphrase/strength", ""), 200, "Four or more words")
	v.answers(v.part("/passphrase/suggestion", ""), 200, `value="`+newOne+`"`, `type="text"`, "Strong.")
}

// TestPrintingInTheWindow is the platform's; a browser prints by itself.
func TestPrintingInTheWindow(t *testing.T) {
	screen := &pane{told: make(chan string, 8)}
	w := newWorld()
	v := visit(t, frontend.New(w, frontend.Options{Window: screen}))
	if got := v.post("/window/print"); got.Code != http.StatusNoContent || screen.prints != 1 || w.printed != 0 {
		t.Errorf("%d, %d prints, %d of them somebody's", got.Code, screen.prints, w.printed)
	}
	v.post("/session", "profile", "marisol", "passphrase", "demo")
	if v.post("/window/print"); screen.prints != 2 || w.printed != 1 {
		t.Errorf("%d prints, %d of them recorded", screen.prints, w.printed)
	}
	b := visit(t, handler(newWorld()))
	b.get("/open?token=" + token)
	if got := b.post("/window/print"); got.Code != http.StatusNotFound {
		t.Errorf("in a browser: %d", got.Code)
	}
}

// TestASheetOnPaper is dark on white whatever the screen, and nothing but the sheet.
func TestASheetOnPaper(t *testing.T) {
	b := open(t, newWorld())
	b.signIn()
	b.button("Text size and theme")
	b.button("Passphrase and recovery")
	b.fill("sheet-passphrase", "demo\r")
	b.sees("ZZ29")
	b.look("postern-dark", "", 1280, 800)
	paper := emulation.SetEmulatedMediaParams{Media: "print"}
	b.do(chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		_, err := cdp.Call(ctx, to, emulation.SetEmulatedMedia, paper)
		return err
	}))
	b.shoot("paper")
	if got := strings.Join(strings.Fields(b.text("body")), " "); !strings.HasPrefix(got, "Recovery sheet for Postern 1 008J 2 4CT4") || !strings.HasSuffix(got, "It works once.") {
		t.Errorf("on paper: %s", got)
	}
	if got := eval[string](b, `getComputedStyle(document.querySelector(".codes li")).color`); got != "rgb(0, 0, 0)" {
		t.Errorf("the code is %s", got)
	}
}

// tabTo goes by Tab to the control with this name, from wherever the focus is, and presses Enter.
func (b *browser) tabTo(name string) {
	b.t.Helper()
	if name == "Lock" {
		b.expect("401") // a drawing that is under way as the screen locks
	}
	for range 80 {
		b.do(key("\t"))
		if eval[bool](b, fmt.Sprintf(`document.activeElement?.innerText?.trim() === %q`, name)) {
			b.do(key("\r"))
			return
		}
	}
	b.t.Fatalf("no Tab leads to %q", name)
}

// TestKeysByKeyboard goes all the way by keys alone: a sheet, forgetting the passphrase, the pause, the code, a new sheet's
// offer. The code stands in no address.
func TestKeysByKeyboard(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.expect("422")
	b.signIn()
	b.tabTo("Text size and theme")
	b.tabTo("Passphrase and recovery")
	b.sees("You have no recovery sheet.")
	b.until("the title in focus", `document.activeElement?.matches("h1")`)
	b.accessible("passphrase")
	b.fill("sheet-passphrase", "wrong\r")
	b.sees("4 tries left, then a pause of 5 minutes.")
	b.accessible("passphrase-wrong")
	b.fill("sheet-passphrase", "demo\r")
	b.sees("Print your recovery sheet")
	b.until("it in focus", `document.activeElement?.id === "sheet-title"`)
	b.sees("ZZ29")
	b.accessible("sheet")
	eval[bool](b, `(window.printed = 0, window.print = () => printed++, true)`)
	b.tabTo("Print")
	b.until("it printed", `printed === 1`)
	b.tabTo("I have it on paper")
	b.sees("A recovery sheet was made.")
	b.until("no code on the page", `!document.body.innerText.includes("ZZ29")`)

	b.fill("passphrase", "demo")
	b.fill("new", "golden lantern")
	b.sees("Too easy to guess.")
	b.accessible("change-weak")
	b.do(key("\r")) // it is not enough: nothing is sent
	b.tabTo("Suggest one")
	b.until("a suggestion to be seen", fmt.Sprintf(`document.getElementById("new").type === "text" && document.getElementById("new").value === %q`, newOne))
	b.sees("Strong.")
	b.accessible("change-suggested")
	b.fill("again", "copper\r")
	b.sees("The two are not the same.")
	b.until("that field in focus", `document.activeElement?.id === "again"`)
	b.until("the suggestion still there", fmt.Sprintf(`document.getElementById("new").value === %q`, newOne))
	b.fill("again", newOne+"\r")
	b.sees("Your passphrase is changed.")
	b.until("empty fields", `["passphrase", "new", "again"].every((id) => document.getElementById(id).value === "")`)

	b.tabTo("Lock")
	b.sees("Locked at")
	for range 5 {
		b.fill("passphrase", "forgotten\r")
		b.until("the answer", `document.getElementById("passphrase").value === "forgotten" && !document.querySelector(".htmx-request") && document.querySelector(".err")`)
	}
	b.sees("There is a pause now. Try again at 6:15 pm.")
	b.accessible("s6-pause")
	b.tabTo("Use a recovery code")
	b.until("the code in focus", `document.activeElement?.id === "code"`)
	b.accessible("recovery")
	b.do(key("0000\r"))
	b.sees("That code opens no profile on this computer.")
	b.accessible("recovery-wrong")
	b.fill("code", strings.ToLower(onSheet)+"\r")
	b.sees("Choose a new passphrase")
	b.until("the title in focus", `document.activeElement?.matches("h1")`)
	b.accessible("recovery-new")
	b.fill("new", newOne)
	b.sees("Strong.")
	b.fill("again", newOne+"\r")
	b.sees("You have no recovery sheet.")
	if n := eval[int](b, `history.length`); n == 0 || strings.Contains(eval[string](b, `location.href + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + JSON.stringify(history.state)`), onSheet[:4]) {
		t.Error("the code is kept")
	}
	eval[bool](b, `(history.back(), true)`)
	b.sees("Use a recovery code")
	b.until("no code", `document.getElementById("code").value === ""`)
}
