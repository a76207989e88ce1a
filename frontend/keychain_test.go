package frontend_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/frontend/seat"
)

const opensUnasked = "Open without the passphrase"

func (v *visitor) without(body string, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if strings.Contains(body, w) {
			v.t.Errorf("%q is there\n%s", w, body)
		}
	}
}

// TestKeychainOverHTTP: chosen with the passphrase, offered after a start alone, and every refusal leads to the passphrase.
func TestKeychainOverHTTP(t *testing.T) {
	w := newWorld().alone()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.without(v.get("/").Body.String(), opensUnasked)
	if got := v.part("/passphrase/keychain", "", "on", "yes", "passphrase", "demo"); got.Code != http.StatusUnauthorized || w.keys.chain.On {
		t.Errorf("signed out: %d", got.Code)
	}
	v.answers(v.part("/session/keychain", "", "profile", "marisol"), 403, "The passphrase is asked for now.", `id="passphrase-error"`)
	v.comeIn()
	me := marisol.ID
	v.answers(v.get("/passphrase"), 200, "Open Postern without the passphrase on this computer", "Turn this on", "that you alone use")
	v.answers(v.part("/passphrase/keychain", me, "on", "yes", "passphrase", "wrong"), 422, `aria-describedby="keychain-passphrase-error keychain-passphrase-left"`, "4 tries left")
	w.keys.noChain = care.Refusef(care.Unavailable, "This computer's keychain cannot be reached, so nothing was changed.")
	got := v.part("/passphrase/keychain", me, "on", "yes", "passphrase", "demo")
	v.answers(got, 503, "cannot be reached, so nothing was changed.", "Turn this on")
	v.without(got.Body.String(), `aria-invalid="true"`)
	w.keys.noChain = errors.New("secret")
	got = v.part("/passphrase/keychain", me, "on", "yes", "passphrase", "demo")
	v.answers(got, 500, "Something went wrong")
	v.without(got.Body.String(), "secret\"")
	w.keys.noChain = nil
	v.answers(v.part("/passphrase/keychain", me, "on", "yes", "passphrase", "demo"), 200, "This is on.", "Turn this off", "Postern opens without your passphrase when it starts.")

	// Locked, by whatever way, the passphrase is asked for; also on the page of the others, and in another browser.
	v.post("/session/lock")
	v.without(v.get("/").Body.String(), opensUnasked)
	v.post("/session/others")
	got = v.get("/")
	v.answers(got, 200, "Welcome back")
	v.without(got.Body.String(), opensUnasked)
	v.answers(v.part("/session/keychain", "", "profile", "marisol"), 403, "The passphrase is asked for now.")

	w.restarts()
	again := visit(t, handler(w))
	if got := again.post("/session/keychain", "profile", "marisol"); got.Code != http.StatusForbidden {
		t.Errorf("without a session: %d", got.Code)
	}
	again.get("/open?token=" + token)
	again.answers(again.get("/"), 200, opensUnasked, `name="profile" value="marisol"`)
	again.answers(again.part("/session/keychain", "", "profile", "joaquin"), 403, "The passphrase is asked for now.")
	if got := again.post("/session/keychain", "profile", "marisol"); got.Code != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.Code, got.Body)
	}
	again.answers(again.get("/passphrase"), 200, "This is on.")
	w.keys.chain.Offered = false // somebody else has a profile here now
	got = again.get("/passphrase")
	again.answers(got, 200, "not the only profile on this computer", "Turn this off")
	again.without(got.Body.String(), "you can open it without")
	w.keys.chain.Offered = true
	w.keys.noChain = care.Refusef(care.Unavailable, "It is turned off. An entry may stay.")
	again.answers(again.part("/passphrase/keychain", me), 503, "It is turned off. An entry may stay.", "Turn this on")
	w.keys.noChain = nil
	again.part("/passphrase/keychain", me, "on", "yes", "passphrase", "demo")
	again.answers(again.part("/passphrase/keychain", me), 200, "Postern asks for your passphrase again.", "Turn this on")
	again.part("/passphrase/keychain", me, "on", "yes", "passphrase", "demo")
	again.answers(again.part("/passphrase", me, "passphrase", "demo", "new", newOne, "again", newOne), 200, "Your passphrase is changed.", `hx-target="#keychain"`, "Turn this on")
}

// TestAKeychainWithoutTheKey: what was chosen stays chosen, and the passphrase opens.
func TestAKeychainWithoutTheKey(t *testing.T) {
	w := newWorld().alone()
	w.keys.chain.On = true
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.answers(v.get("/"), 200, opensUnasked)
	w.keys.noChain = care.Refusef(care.Unavailable, "This computer's keychain cannot be reached now. Type your passphrase.").In("passphrase")
	v.answers(v.part("/session/keychain", "", "profile", "marisol"), 503, "cannot be reached now. Type your passphrase.", opensUnasked, `aria-invalid="true"`)
	w.keys.noChain = nil
	got := v.part("/session/keychain", "", "profile", "marisol")
	v.answers(got, 404, "does not hold the key to this profile any more. Type your passphrase.", `id="passphrase-error"`)
	v.without(got.Body.String(), opensUnasked, "tries left")
	if got := v.post("/session", "profile", "marisol", "passphrase", "demo"); got.Code != http.StatusSeeOther {
		t.Errorf("%d", got.Code)
	}
}

// TestWhereThereIsNoKeychainToChoose: for staff, on a shared computer, and where none can be reached.
func TestWhereThereIsNoKeychainToChoose(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.comeIn()
	v.without(v.get("/passphrase").Body.String(), "keychain")
	w.keys.chain.Offered = true
	got := v.get("/passphrase")
	v.answers(got, 200, "This computer's keychain cannot be reached, so this cannot be turned on here now.")
	v.without(got.Body.String(), "Turn this on")

	dana := care.Person{ID: "ps_dana", Name: "Dana Ortiz", Shown: "Dana Ortiz", Role: care.RoleAdministrator}
	w = newWorld()
	w.chief, w.profile = &dana, []seat.Profile{{ID: "dana", Label: "Dana"}}
	v = visit(t, handler(w))
	v.get("/open?token=" + token)
	v.post("/session", "profile", "dana", "passphrase", "demo")
	v.without(v.get("/passphrase").Body.String(), "keychain")
	v.answers(v.part("/passphrase/keychain", dana.ID, "on", "yes", "passphrase", "demo"), 404, "There is no such page.")
	if w.keys.chain.On {
		t.Error("staff may")
	}
}

// TestKeychainByKeyboard goes all the way by keys: on, a lock, a start, in, off.
func TestKeychainByKeyboard(t *testing.T) {
	w := newWorld().alone()
	w.profile[0].Label = "Marisol Guadalupe Vega-Santillán de la Fuente (member)"
	b := open(t, w)
	b.expect("422")
	b.signIn()
	b.tabTo("Text size and theme")
	b.tabTo("Passphrase and recovery")
	b.sees("Open Postern without the passphrase on this computer")
	b.accessible("keychain-off")
	b.fill("keychain-passphrase", "wrong\r")
	b.sees("4 tries left, then a pause of 5 minutes.")
	b.accessible("keychain-wrong")
	b.fill("keychain-passphrase", "demo\r")
	b.sees("This is on.")
	b.until("it in focus", `document.activeElement?.id === "keychain-title"`)
	b.sees("Postern opens without your passphrase when it starts.")
	b.accessible("keychain-on")
	for name, size := range map[string]int64{"keychain-on-large": 1280, "keychain-on-narrow": 400} {
		b.look("postern-dark", "200", size, 800)
		eval[bool](b, `(document.getElementById("keychain").scrollIntoView(), true)`)
		b.shoot(name)
	}
	b.look("postern", "", 1280, 800)
	b.tabTo("Lock")
	b.sees("Locked at")
	if strings.Contains(b.text("body"), opensUnasked) {
		t.Error("the lock screen opens")
	}
	w.restarts()
	b.tabTo("Sign in as someone else")
	b.sees(opensUnasked)
	b.accessible("signin-keychain")
	b.look("postern-dark", "200", 1024, 800)
	b.shoot("signin-keychain-large")
	b.look("postern", "", 1280, 800)
	b.tabTo(opensUnasked)
	b.until("the list of conversations", `document.getElementById("convos")`)
	b.tabTo("Text size and theme")
	b.tabTo("Passphrase and recovery")
	b.sees("This is on.")
	b.tabTo("Turn this off")
	b.sees("Postern asks for your passphrase again.")
	b.until("it in focus", `document.activeElement?.id === "keychain-title"`)
	b.sees("Turn this on")
	b.change(seat.Change{}, func() { w.keys.chain.Reached = false })
	b.reload()
	b.sees("This computer's keychain cannot be reached")
	b.accessible("keychain-none")
}
