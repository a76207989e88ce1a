package frontend_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/frontend"
	"postern/frontend/seat"
)

// turn asks for a page as a page's own script does, with the ticket.
func (v *visitor) turn(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("HX-Request", "true")
	return v.ask(r)
}

// step posts a form of a wizard.
func (v *visitor) step(path string, pairs ...string) *httptest.ResponseRecorder {
	r := form(path, pairs...)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	r.Header.Set("HX-Target", "div#wizard")
	return v.ask(r)
}

// brings posts a file as a page does, as its bytes.
func (v *visitor) brings(path, name string, content []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(content))
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Postern-File", url.PathEscape(name))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "http://127.0.0.1:8421")
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	r.Header.Set("HX-Target", "div#file-box")
	return v.ask(r)
}

// leads checks that an answer leads to another page.
func (v *visitor) leads(got *httptest.ResponseRecorder, path string) {
	v.t.Helper()
	if to := got.Header().Get("HX-Location"); !strings.Contains(to, `"path":"`+path+`"`) {
		v.t.Fatalf("%d, leads to %q, not to %s\n%s", got.Code, to, path, got.Body)
	}
}

// lacks checks that an answer does not say something.
func (v *visitor) lacks(got *httptest.ResponseRecorder, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if strings.Contains(got.Body.String(), w) {
			v.t.Errorf("it says %q\n%s", w, got.Body)
		}
	}
}

// invited comes to the wizard of a world, with the file.
func invited(t *testing.T, w *world) *visitor {
	t.Helper()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.answers(v.turn("/invitation"), 200, "<title>Set up your messages - Postern</title>", "Open your invitation", "Step 1 of 4", `href="/setup"`)
	v.answers(v.brings("/invitation/file", "Marisol, Nov.postern-invite", []byte(invite)), 200, "Marisol, Nov.postern-invite")
	return v
}

// atPassphrase comes as far as the third step.
func atPassphrase(t *testing.T, w *world) *visitor {
	t.Helper()
	v := invited(t, w)
	v.answers(v.step("/invitation", "code", "k7qm 4txw-9h2c–pr5d"), 200, "Step 2 of 4", "For Marisol V., record ending 0739, Alder Creek Clinic")
	v.answers(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), 200, "Step 3 of 4", `value="Marisol"`)
	return v
}

// TestComingInByInvitation goes the whole way, and nothing that was typed is ever sent back or logged.
func TestComingInByInvitation(t *testing.T) {
	w, y := newcomers()
	var log bytes.Buffer
	v := visit(t, frontend.New(w, frontend.Options{Token: token, Now: w.clock, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}))
	v.get("/open?token=" + token)
	if got := v.get("/invitation"); !strings.Contains(got.Body.String(), "data-opening") || got.Header().Get("Postern-Ticket") != "" {
		t.Fatalf("a page that cannot show a ticket was given one\n%s", got.Body)
	}
	v.turn("/invitation")
	v.brings("/invitation/file", "Marisol.postern-invite", []byte(invite))
	got := v.step("/invitation", "code", "k7qm-4txw-9h2c-pr5d")
	v.answers(got, 200, "Confirm your date of birth", "Alder Creek Clinic")
	if to := got.Header().Get("HX-Push-Url"); to != "/invitation/born" {
		t.Errorf("the address is %q", to)
	}
	v.lacks(got, "4txw", "4TXW")
	v.answers(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), 200, "Choose a passphrase")
	got = v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne)
	v.answers(got, 200, "Your answer is on its way", "ZZ29", "For the profile <b>Mari</b>", `hx-trigger="every 2s"`, `id="progress"`)
	v.lacks(got, newOne)
	if e := y.enrolled; len(e) != 1 || string(e[0].File) != invite || e[0].Code != inviteCode || e[0].Born != "1980-03-04" || e[0].Label != "Mari" || e[0].Passphrase != newOne {
		t.Errorf("enrolled with %+v", e)
	}
	v.leads(v.turn("/invitation"), "/invitation/progress") // there is no way back from here
	v.leads(v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne), "/invitation/progress")
	if len(y.enrolled) != 1 {
		t.Error("pressing twice enrolled twice")
	}
	v.answers(v.step("/invitation/sheet/copy", "code", onSheet), 200, "ZZ29", "For the profile <b>Mari</b>")
	v.answers(v.step("/invitation/sheet/kept", "have", "yes"), 200, "You have a recovery sheet.")
	v.lacks(v.turn("/invitation/progress"), "ZZ29")
	v.answers(v.step("/invitation/entry"), 409, "The clinic has not taken you in yet.", "disabled")
	y.standing = seat.Enrolling{Step: seat.EnrolWaiting, Problem: "The clinic's mail system does not answer. Postern tries again by itself."}
	v.answers(v.turn("/invitation/progress"), 200, "The clinic takes you in…", "tries again by itself")
	y.standing = seat.Enrolling{Step: seat.EnrolDone}
	got = v.turn("/invitation/progress")
	v.answers(got, 200, "You are in", "Open my messages")
	v.lacks(got, "every 2s")
	before := v.ticket
	v.leads(v.step("/invitation/entry"), "/")
	if v.ticket == before {
		t.Error("the sign-in has the ticket of the way in")
	}
	v.answers(v.turn("/"), 200, "Blood pressure readings")
	for _, secret := range []string{newOne, "4TXW", "4txw", "ZZ29", "Marisol"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// TestWhatIsWrongWithAnInvitation: each failure says in plain words beside its field what it is, and tells nothing else.
func TestWhatIsWrongWithAnInvitation(t *testing.T) {
	w, y := newcomers()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.turn("/invitation")
	v.answers(v.step("/invitation", "code", ""), 422, "Choose your invitation file.", "Type the code.", `aria-describedby="code-error code-hint"`)
	v.answers(v.brings("/invitation/file", "x.postern-invite", nil), 422, "This file is empty.", `aria-invalid="true"`)
	v.answers(v.brings("/invitation/file", "holiday.mov", bytes.Repeat([]byte("x"), 64<<10+1)), 413, "too large to be an invitation")
	v.answers(v.brings("/invitation/file", "letter.pdf", bytes.Repeat([]byte("x"), 64<<10)), 200, "letter.pdf")
	v.answers(v.step("/invitation", "code", inviteCode), 422, "This file is not an invitation.", `id="file-error"`)
	v.brings("/invitation/file", "Marisol.postern-invite", []byte(invite))
	v.answers(v.step("/invitation", "code", "K7QM-4TXW-9H"), 422, "The code has 16 letters and digits. You typed 10.")
	got := v.step("/invitation", "code", "K7QM-4TXW-9H2C-PR5E")
	v.answers(got, 422, "This code does not open this invitation.", `aria-describedby="code-error code-hint"`, "Marisol.postern-invite")
	v.lacks(got, "PR5E", "Marisol V", "profile", "Alder Creek")
	y.opens = care.Refusef(care.Gone, "This invitation expired on Sunday, Nov 1. Ask the front desk for another one.")
	v.answers(v.step("/invitation", "code", inviteCode), 410, "expired on Sunday", `role="alert"`)
	y.opens = care.Because(care.Internal, nil, "Something went wrong.")
	if got := v.step("/invitation", "code", inviteCode); got.Code != 500 || got.Header().Get("HX-Retarget") != "#toast" {
		t.Errorf("a defect: %d\n%s", got.Code, got.Body)
	}
	y.opens = nil

	v.leads(v.turn("/invitation/passphrase"), "/invitation") // no step is left out
	v.leads(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), "/invitation")
	v.step("/invitation", "code", inviteCode)
	for _, c := range []struct{ month, day, year, says string }{
		{"13", "4", "1980", "Month must be between 1 and 12."}, {"3", "32", "1980", "Day must be between 1 and 31."}, {"2", "30", "1980", "does not have so many days"},
		{"3", "4", "80", "with four digits"}, {"3", "4", "2030", "still to come"}, {"", "", "", "Month must be"},
	} {
		v.answers(v.step("/invitation/born", "month", c.month, "day", c.day, "year", c.year), 422, c.says, `aria-invalid="true"`, `value="`+c.year+`"`)
	}
	v.leads(v.turn("/invitation/passphrase"), "/invitation/born")
	got = v.step("/invitation/born", "month", "3", "day", "5", "year", "1980") // a day, and not the one of the invitation
	v.answers(got, 422, "This is not the date of birth in the clinic&#39;s record.", "Step 2 of 4", `id="month-error"`, `value="3"`, `value="5"`, `value="1980"`)
	v.leads(v.turn("/invitation/passphrase"), "/invitation/born")
	v.leads(v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne), "/invitation/born")
	v.answers(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), 200, "Choose a passphrase")
	v.answers(v.step("/invitation/passphrase", "label", "", "new", "", "again", ""), 422, "Type a name for this computer.", "Type a new passphrase.")
	v.answers(v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", "another"), 422, "The two are not the same.", `aria-describedby="again-error"`)
	v.answers(v.step("/invitation/passphrase", "label", "Mari", "new", "golden", "again", "golden"), 422, "Too easy to guess.", `id="new-error"`)
	v.answers(v.step("/invitation/passphrase", "label", strings.Repeat("x", 61), "new", newOne, "again", newOne), 422, "Shorten the name to 60 characters.", "is kept")
	y.enrols = care.Refusef(care.Invalid, "This is not the date of birth in the clinic's record.").In("born")
	got = v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne)
	v.answers(got, 422, "This is not the date of birth in the clinic&#39;s record.", "Step 2 of 4", `id="month-error"`)
	y.enrols = nil
	if to := got.Header().Get("HX-Push-Url"); to != "/invitation/born" {
		t.Errorf("the address is %q", to)
	}
	v.answers(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), 200, "The passphrase that you chose is kept.", `value="Mari"`)
	y.enrols = care.Refusef(care.Full, "There is no room left on this computer's disk.")
	v.answers(v.step("/invitation/passphrase", "label", "Mari"), 507, "no room left", "Step 3 of 4", "is kept")
	y.enrols = care.Refusef(care.Gone, "This invitation expired just now.")
	v.answers(v.step("/invitation/passphrase", "label", "Mari"), 410, "expired just now", "Step 1 of 4")
	y.enrols = nil
	v.answers(v.step("/invitation/passphrase", "label", "Mari"), 200, "Your answer is on its way")
	if len(y.enrolled) != 1 || y.enrolled[0].Passphrase != newOne {
		t.Errorf("enrolled with %+v", y.enrolled)
	}

	y.standing = seat.Enrolling{Over: true, Problem: "The clinic withdrew this invitation."}
	got = v.turn("/invitation/progress")
	v.answers(got, 200, "This did not work out", "The clinic withdrew this invitation.", "the front desk at 555-010-0100", "Back to the start")
	v.lacks(got, "every 2s", "Make a recovery sheet", "ZZ29")
	poll := httptest.NewRequest(http.MethodGet, "/invitation/progress", nil)
	for name, value := range map[string]string{"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#progress"} {
		poll.Header.Set(name, value)
	}
	if got := v.ask(poll); got.Header().Get("HX-Retarget") != "#wizard" {
		t.Errorf("the sheet of what is over stays: %v", got.Header())
	}
	if got := v.step("/invitation/leaving"); got.Header().Get("HX-Redirect") != "/" {
		t.Errorf("leaving: %d %v", got.Code, got.Header())
	}
	v.answers(v.turn("/invitation"), 200, "Step 1 of 4", "Type the code.")
}

// TestBackKeepsWhatWasTyped: all of it, and no secret is drawn again.
func TestBackKeepsWhatWasTyped(t *testing.T) {
	w, _ := newcomers()
	v := atPassphrase(t, w)
	got := v.step("/invitation/passphrase", "label", "Mari V.", "new", newOne, "again", newOne, "back", "yes")
	v.answers(got, 200, "Step 2 of 4", `value="3"`, `value="4"`, `value="1980"`)
	got = v.step("/invitation/born", "month", "3", "day", "5", "year", "1980", "back", "yes")
	v.answers(got, 200, "Step 1 of 4", "The code that you typed is kept.", "Marisol, Nov.postern-invite")
	v.lacks(got, "4TXW", "4txw", newOne)
	v.answers(v.step("/invitation"), 200, `value="5"`) // on again with the code that is kept
	v.answers(v.step("/invitation/born", "month", "3", "day", "4", "year", "1980"), 200, `value="Mari V."`, "The passphrase that you chose is kept.")
	v.lacks(v.turn("/invitation/passphrase"), newOne, `name="new"`)
	v.answers(v.step("/invitation/passphrase", "label", "Mari V.", "change", "passphrase"), 200, `name="new"`, `value="Mari V."`)
	got = v.step("/invitation", "change", "code")
	v.answers(got, 200, `name="code"`)
	v.leads(v.turn("/invitation/born"), "/invitation") // without a code nothing is open
}

// TestWhatWasTypedIsLetGo: after half an hour in which nobody did anything, when the system locks, and at a sign-in.
func TestWhatWasTypedIsLetGo(t *testing.T) {
	w, _ := newcomers()
	v := atPassphrase(t, w)
	w.passes(29 * time.Minute)
	v.answers(v.turn("/invitation/born"), 200, "Step 2 of 4")
	r := httptest.NewRequest(http.MethodGet, "/invitation/passphrase", nil)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("Postern-Auto", "1") // the page by itself
	w.passes(20 * time.Minute)
	v.ask(r)
	w.passes(11 * time.Minute)
	v.leads(v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne), "/invitation")
	v.answers(v.turn("/invitation"), 200, "what you typed was let go. Begin again.", `name="code"`)
	v.lacks(v.turn("/invitation"), "let go", "postern-invite is chosen")

	lock := make(chan struct{})
	v = visit(t, frontend.New(w, frontend.Options{Token: token, Now: w.clock, Lock: lock}))
	v.get("/open?token=" + token)
	v.turn("/invitation")
	v.brings("/invitation/file", "Marisol.postern-invite", []byte(invite))
	v.answers(v.turn("/invitation"), 200, "Marisol.postern-invite")
	lock <- struct{}{}
	lock <- struct{}{} // taken once the first is done
	v.lacks(v.turn("/invitation"), "Marisol.postern-invite")
	close(lock)

	v.step("/session", "profile", "marisol", "passphrase", "demo")
	v.leads(v.turn("/invitation"), "/")
}

// TestTheCookieAloneIsNobodyOnTheWay: another server on this computer gets our cookie, and with it nothing of the way in.
func TestTheCookieAloneIsNobodyOnTheWay(t *testing.T) {
	w, y := newcomers()
	v := atPassphrase(t, w)
	v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne)
	y.standing = seat.Enrolling{Step: seat.EnrolDone}
	thief := &visitor{t: t, h: v.h, jar: v.jar}
	got := thief.step("/invitation/entry")
	thief.leads(got, "/invitation")
	thief.ticket = ""
	thief.lacks(thief.turn("/invitation/progress"), "You are in", "Mari")
	thief.lacks(thief.turn("/"), "Blood pressure")
}

// TestComingBackToAnEnrolment: the passphrase of a profile that is not taken in yet leads to where it stands.
func TestComingBackToAnEnrolment(t *testing.T) {
	w, y := newcomers()
	w.profile, w.unfinished = append(w.profile, seat.Profile{ID: "new", Label: "Mari"}), "new"
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.answers(v.step("/session", "profile", "new", "passphrase", "wrong"), 422, "does not open this profile")
	v.leads(v.turn("/invitation/progress"), "/")
	v.leads(v.step("/session", "profile", "new", "passphrase", "demo"), "/invitation/progress")
	v.answers(v.turn("/invitation/progress"), 200, "Your answer is on its way", "Make a recovery sheet", "Do this later")
	v.answers(v.step("/invitation/sheet"), 200, "ZZ29", "For the profile <b>Mari</b>")
	v.answers(v.step("/invitation/sheet/kept", "have", "later"), 200, "Without a recovery sheet nobody can open this profile")
	y.standing = seat.Enrolling{Step: seat.EnrolDone}
	v.leads(v.step("/invitation/entry"), "/")
	v.answers(v.turn("/"), 200, "Blood pressure readings")
}

// TestInvitedToWork: staff and the agent give no date of birth, and read words of their own.
func TestInvitedToWork(t *testing.T) {
	w, y := newcomers()
	y.invitation = seat.Invitation{Clinic: "Alder Creek Clinic", Name: "Rosa D.", Role: care.RoleNurse}
	v := invited(t, w)
	got := v.step("/invitation", "code", inviteCode)
	v.answers(got, 200, "Set up your sign-in", "Step 2 of 3", "For Rosa D., Alder Creek Clinic", `value="Rosa"`)
	v.lacks(got, "date of birth", "record ending")
	v.leads(v.turn("/invitation/born"), "/invitation/passphrase")
	v.answers(v.step("/invitation/passphrase", "label", "Rosa", "new", newOne, "again", newOne, "back", "yes"), 200, "Step 1 of 3")
	v.step("/invitation")
	y.standing = seat.Enrolling{Step: seat.EnrolDone}
	v.answers(v.step("/invitation/passphrase", "label", "Rosa"), 200, "Step 3 of 3", "Open the inbox")
	if e := y.enrolled; len(e) != 1 || e[0].Born != "" || e[0].Passphrase != newOne {
		t.Errorf("enrolled with %+v", e)
	}

	w, y = newcomers()
	y.invitation = seat.Invitation{Clinic: "Alder Creek Clinic", Name: "Agent", Role: care.RoleAgent}
	y.standing = seat.Enrolling{Step: seat.EnrolDone}
	v = invited(t, w)
	v.answers(v.step("/invitation", "code", inviteCode), 200, "Set up the agent", "The agent runs by itself.")
	got = v.step("/invitation/passphrase", "label", "Agent", "new", newOne, "again", newOne)
	v.answers(got, 200, "The agent is taken in", "postern agent")
	v.lacks(got, "Open my messages", "Open the inbox")
}

// TestOpenedWithAnInvitation: the first page leads to it once, the file is chosen already and can be replaced.
func TestOpenedWithAnInvitation(t *testing.T) {
	w, _ := newcomers()
	v := visit(t, frontend.New(w, frontend.Options{Token: token, Now: w.clock, Invitation: []byte(invite)}))
	v.get("/open?token=" + token)
	v.answers(v.get("/"), 200, "data-opening")
	v.leads(v.turn("/"), "/invitation")
	v.answers(v.turn("/invitation"), 200, "Your invitation")
	v.answers(v.turn("/"), 200, "Who is signing in?", "I have an invitation")
	v.answers(v.brings("/invitation/file", "other.postern-invite", []byte(invite)), 200, "other.postern-invite")
	v.step("/invitation", "code", inviteCode)
	v.step("/invitation/born", "month", "3", "day", "4", "year", "1980")
	v.answers(v.step("/invitation/passphrase", "label", "Mari", "new", newOne, "again", newOne), 200, "on its way")
	v.step("/invitation/leaving")
	v.lacks(v.turn("/invitation"), "Your invitation") // it is answered
}

// TestTheFirstStart: with no profile there are the two ways in, and no passphrase is asked for.
func TestTheFirstStart(t *testing.T) {
	w, _ := newcomers()
	w.profile = nil
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	got := v.get("/")
	v.answers(got, 200, "Welcome to Postern", `href="/invitation"`, "I have an invitation", `href="/setup"`, "Set up a practice")
	v.lacks(got, "Passphrase", "Use a recovery code")
}
