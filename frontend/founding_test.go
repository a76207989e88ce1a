package frontend_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"postern/backend/care"
	"postern/frontend/seat"
)

// practiceForm is what whoever makes a practice types, with what is given in place of it.
func practiceForm(pairs ...string) []string {
	all := []string{"practice", "Alder Creek Clinic", "frontdesk", "555-010-0100", "nurseline", "555-010-0140", "zone", "America/Chicago",
		"holidays", "yes", "promise", "2", "memberlock", "10", "stafflock", "5"}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri"} {
		all = append(all, "open-"+d, "yes", "from-"+d, "09:00", "until-"+d, "18:00")
	}
	return append(all, pairs...)
}

const rootPass = "golden anchor violet meadow"

// sets comes to the wizard.
func sets(t *testing.T, w *world) *visitor {
	t.Helper()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.answers(v.turn("/setup"), 200, "<title>Set up a practice - Postern</title>", "Step 1 of 5", "Eastern (America/New York)", `value="09:00"`)
	return v
}

// atYou comes as far as the last step.
func atYou(t *testing.T, w *world) *visitor {
	t.Helper()
	v := sets(t, w)
	v.answers(v.step("/setup", practiceForm()...), 200, "Step 2 of 5", `value="8993"`, `value="8465"`, "this computer alone")
	v.answers(v.step("/setup/mail", "where", "here", "host", "", "imapport", "8993", "smtpport", "8465"), 200, "Step 3 of 5")
	got := v.step("/setup/root", "new", rootPass, "again", rootPass)
	v.answers(got, 200, "Step 4 of 5", "Four or more words")
	v.lacks(got, "Strong.")
	if got.Header().Get("HX-Reswap") != "outerHTML" {
		t.Error("the passphrase of the root key stays in the field of the next step")
	}
	return v
}

func (v *visitor) founds() *httptest.ResponseRecorder {
	return v.step("/setup/you", "name", "Dana Whitfield", "label", "Dana", "new", newOne, "again", newOne)
}

// stands asks how the making stands, once nothing more happens by itself.
func (v *visitor) stands() *httptest.ResponseRecorder {
	synctest.Wait()
	r := httptest.NewRequest(http.MethodGet, "/setup/progress", nil)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	r.Header.Set("HX-Target", "div#wizard")
	return v.ask(r)
}

// TestSettingUpAPractice goes the whole way: made once, the root key taken away, and then to administration.
func TestSettingUpAPractice(t *testing.T) { synctest.Test(t, setsUp) }

func setsUp(t *testing.T) {
	t.Helper()
	w, y := newcomers()
	y.gate = make(chan struct{})
	w.profile = nil
	v := atYou(t, w)
	v.answers(v.founds(), 200, "The practice is being made", `hx-trigger="every 1s"`)
	v.leads(v.turn("/setup/mail"), "/setup/progress")
	v.leads(v.founds(), "/setup/progress") // pressing twice makes one
	v.answers(v.turn("/setup/progress"), 200, "The practice is being made")
	close(y.gate)
	got := v.stands()
	v.answers(got, 200, "Put the root key away", "Alder Creek Clinic", "GGGG", "It opens the file postern-root.json", "Step 5 of 5")
	v.lacks(got, rootPass, newOne)
	if len(y.made) != 1 {
		t.Fatalf("made %d times", len(y.made))
	}
	f := y.made[0]
	if f.Practice.Name != "Alder Creek Clinic" || f.Practice.Policy.PromiseHours != 18 || f.Practice.Calendar.Preset != "us" || f.Practice.Calendar.Zone != "America/Chicago" ||
		len(f.Practice.Calendar.Hours) != 5 || f.Practice.Calendar.Hours["fri"][0] != (care.Span{From: "09:00", Until: "18:00"}) ||
		f.Mail.Host != "" || f.Mail.IMAPPort != 8993 || f.Mail.SMTPPort != 8465 || f.Mail.Elsewhere ||
		f.RootPassphrase != rootPass || f.Passphrase != newOne || f.Name != "Dana Whitfield" || f.Label != "Dana" {
		t.Errorf("made of %+v", f)
	}
	got = v.step("/setup/key/file")
	v.answers(got, 200, `{"root":"sealed"}`)
	if name := got.Header().Get("Content-Disposition"); name != "attachment; filename=postern-root.json" {
		t.Errorf("the file is %q", name)
	}
	v.answers(v.step("/setup/key/sheet", "code", rootOnce), 200, "Recovery sheet for the root key", "GGGG", "Whoever has this code and the file")
	v.answers(v.step("/setup/key/taken"), 422, "First store the file away.", "First print the recovery sheet.")
	if y.root == nil {
		t.Fatal("it was removed unasked")
	}
	if got := v.step("/setup/key/taken", "file", "yes", "paper", "yes"); got.Header().Get("HX-Redirect") != "/" || y.root != nil {
		t.Fatalf("%d %v", got.Code, got.Header())
	}
	v.answers(v.turn("/"), 200, "Welcome back", "Dana") // no lock screen
	v.leads(v.step("/session", "profile", "dana", "passphrase", "demo"), "/administration")
}

// TestWhatIsWrongWithAPractice: each failure in its field, on the step where that is.
func TestWhatIsWrongWithAPractice(t *testing.T) { synctest.Test(t, setsUpWrongly) }

func setsUpWrongly(t *testing.T) {
	t.Helper()
	w, y := newcomers()
	v := sets(t, w)
	v.leads(v.turn("/setup/you"), "/setup")
	v.leads(v.step("/setup/root", "new", rootPass, "again", rootPass), "/setup")
	v.answers(v.step("/setup"), 422, "Type the name of the practice.", "front desk", "nurse line", "Choose the time zone", "open on one day at least", "from 1 to 10", "from 1 to 60")
	v.answers(v.step("/setup", practiceForm("zone", "Mars/Olympus")...), 422, "Choose the time zone", `value="Alder Creek Clinic"`)
	v.answers(v.step("/setup", practiceForm("frontdesk", "ask Dana")...), 422, "Type a telephone number")
	v.answers(v.step("/setup", practiceForm("from-wed", "19:00")...), 422, "Wednesday has to open before it closes.", `id="from-wed-error"`)
	v.answers(v.step("/setup", practiceForm("promise", "0")...), 422, "Type a number of business days")
	v.step("/setup", practiceForm()...)

	v.answers(v.step("/setup/mail", "where", "here", "host", "https://mail", "imapport", "0", "smtpport", "x"), 422, "Type a name or an address alone", "Type a port from 1 to 65535.", `value="https://mail"`)
	v.answers(v.step("/setup/mail", "where", "here", "imapport", "8993", "smtpport", "8993"), 422, "Choose another port than 8993.")
	v.answers(v.step("/setup/mail", "where", "elsewhere"), 422, "Choose the accounts file.")
	v.answers(v.brings("/setup/mail/accounts", "big.json", bytes.Repeat([]byte("x"), 256<<10+1)), 413, "too large")
	v.answers(v.brings("/setup/mail/accounts", "empty.json", nil), 422, "This file is empty.")
	v.answers(v.brings("/setup/mail/accounts", "letter.txt", []byte("hello")), 200, "letter.txt")
	v.answers(v.step("/setup/mail/trial", "where", "elsewhere"), 422, "This is not a file of accounts.", `id="accounts-error"`)
	y.trial = []seat.MailStep{{What: "Sign in at mail.clinic.example:465"}, {What: "Submit a letter", Problem: "The mail system refused the password."}, {What: "Fetch it"}}
	v.brings("/setup/mail/accounts", "accounts.json", []byte("{}"))
	got := v.step("/setup/mail/trial", "where", "elsewhere")
	v.answers(got, 200, "Sign in at mail.clinic.example:465", "refused the password", "Fetch it: not tried", "You can go on without it")
	y.trial = works
	v.answers(v.step("/setup/mail/trial", "where", "here", "host", "10.0.0.2", "imapport", "8993", "smtpport", "8465"), 200, "The mail system works.")
	if m := y.tries[len(y.tries)-1]; m.Host != "10.0.0.2" || m.IMAPPort != 8993 || m.Elsewhere {
		t.Errorf("tried %+v", m)
	}
	got = v.step("/setup/mail", "where", "here", "host", "10.0.0.3", "imapport", "8993", "smtpport", "8465")
	v.answers(got, 200, "Step 3 of 5")
	v.lacks(v.turn("/setup/mail"), "The mail system works.") // another one was tried

	v.answers(v.step("/setup/root", "new", "golden", "again", "golden"), 422, "Too easy to guess.")
	v.answers(v.step("/setup/root", "new", rootPass, "again", "other"), 422, "The two are not the same.")
	v.step("/setup/root", "new", rootPass, "again", rootPass)
	v.answers(v.step("/setup/you", "name", "", "label", "", "new", "", "again", ""), 422, "Type your name.", "Type a name for this computer.", "Type a new passphrase.")
	v.answers(v.step("/setup/you", "name", "Dana", "label", "Dana", "new", rootPass, "again", rootPass), 422, "This is the passphrase of the root key.")

	for field, step := range map[string]string{"practice": "1", "zone": "1", "accounts": "2", "host": "2", "imapport": "2", "smtpport": "2", "rootpassphrase": "3", "name": "4", "label": "4", "new": "4"} {
		y.founds = care.Refusef(care.Invalid, "This cannot be taken.").In(field)
		v.founds()
		got := v.stands()
		v.answers(got, 422, "This cannot be taken.", "Step "+step+" of 5")
	}
	y.founds = care.Refusef(care.Full, "There is no room left.")
	v.founds()
	v.answers(v.stands(), 507, "There is no room left.", "Step 4 of 5", "is kept")
	y.founds = errors.New("a defect")
	v.founds()
	got = v.stands()
	v.answers(got, 500, "Something went wrong in Postern.")
	v.lacks(got, "a defect")
	y.founds = nil
	v.founds()
	v.answers(v.stands(), 200, "Put the root key away")
}

// TestBackInSetupKeepsWhatWasTyped: all of it, and no passphrase is drawn again.
func TestBackInSetupKeepsWhatWasTyped(t *testing.T) {
	w, _ := newcomers()
	v := atYou(t, w)
	got := v.step("/setup/you", "name", "Dana Whitfield", "label", "Dana", "new", newOne, "again", newOne, "back", "yes")
	v.answers(got, 200, "Step 3 of 5", "The passphrase that you chose is kept.")
	v.lacks(got, rootPass, newOne)
	v.answers(v.step("/setup/root", "back", "yes"), 200, "Step 2 of 5", `value="8993"`)
	v.answers(v.step("/setup/mail", "where", "here", "host", "10.0.0.2", "imapport", "1993", "smtpport", "1465", "back", "yes"), 200, "Step 1 of 5", `value="Alder Creek Clinic"`, `value="America/Chicago" selected`)
	v.answers(v.step("/setup", practiceForm("practice", "Alder Creek")...), 200, `value="10.0.0.2"`, `value="1993"`)
	v.step("/setup/mail", "where", "here", "host", "10.0.0.2", "imapport", "1993", "smtpport", "1465")
	got = v.step("/setup/root")
	v.answers(got, 200, `value="Dana Whitfield"`, "The passphrase that you chose is kept.")
	v.lacks(got, newOne, rootPass)
	v.answers(v.step("/setup/root", "change", "root"), 200, `name="new"`)
}

// TestTheRootKeyIsNotForgotten: an administrator who left it on the computer comes to it at the next sign-in, and may go on.
func TestTheRootKeyIsNotForgotten(t *testing.T) {
	w, y := newcomers()
	boss := care.Person{ID: "ps_dana", Name: "Dana Whitfield", Role: care.RoleAdministrator}
	w.chief, y.root = &boss, []byte("{}")
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.leads(v.step("/session", "profile", "dana", "passphrase", "demo"), "/setup/key")
	got := v.turn("/setup/key")
	v.answers(got, 200, "Put the root key away", "Do this later")
	v.lacks(got, "recovery sheet")
	v.answers(v.step("/setup/key/file"), 200, "{}")
	v.answers(v.step("/setup/key/taken"), 422, "First store the file away.")
	v.leads(v.step("/setup/key/taken", "file", "yes"), "/administration")
	v.leads(v.turn("/setup/key"), "/")
}
