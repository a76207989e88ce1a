package frontend_test

import (
	"net/http"
	"testing"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

const toMarisol = "marisol.vega@example.org"

// TestNoticesByEmail: a member reads where their notices go and turns them off and on; nobody else's mailbox is in it.
func TestNoticesByEmail(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	if got := v.part(link.Notices, ""); got.Code != http.StatusUnauthorized || !w.notices.On {
		t.Errorf("signed out: %d", got.Code)
	}
	v.comeIn()
	me := marisol.ID
	v.answers(v.get(link.Messages), 200, `href="/notices"`, "Notices by e-mail")
	got := v.get(link.Notices)
	v.answers(got, 200, "<title>Notices by e-mail - Postern</title>", "Notices are on", toMarisol, "Turn notices off", "learns that you use Postern.", "Call the front desk: 555-010-0100.")
	v.without(got.Body.String(), "Turn notices on", "They tell you of new messages for")

	got = v.part(link.Notices, me)
	v.answers(got, 200, "Notices are off", "Turn notices on", `name="on" value="yes"`, "data-focus-new", "Notices by e-mail are off.")
	v.without(got.Body.String(), toMarisol, "<main", "The clinic hears of it")
	v.answers(v.get(link.Notices), 200, "Notices are off", "The clinic sends you no e-mail.")
	if w.notices.On {
		t.Error("they are on")
	}

	w.sync = care.SyncState{Phase: care.SyncOffline}
	v.answers(v.part(link.Notices, me, "on", "yes"), 200, "Notices are on", "Your choice is kept on this computer. The clinic hears of it when you are online again.")
	v.without(v.get(link.Notices).Body.String(), "The clinic hears of it")
	w.fail = care.Refusef(care.Unavailable, "The clinic's list has not come to this computer yet. Try again later.")
	v.answers(v.part(link.Notices, me), 503, "Try again later.", "toast-box")
	if w.fail = nil; !w.notices.On {
		t.Error("what was refused was done")
	}

	w.named = true
	v.answers(v.get(link.Notices), 200, "learns that you write to Alder Creek Clinic.")
	w.notices.Email = ""
	v.answers(v.get(link.Notices), 200, "The clinic has no e-mail address of yours,", "Call the front desk to give one: 555-010-0100.")
	w.notices.Sent = false
	got = v.get(link.Notices)
	v.answers(got, 200, "The clinic sends no notices now.", "Turn notices off")
	v.without(got.Body.String(), "no e-mail address of yours")

	// Without the script that draws a part, the whole page comes.
	v.answers(v.post(link.Notices), 200, "<!doctype html>", "Notices are off")
}

// TestNoticesOfAProxy: whoever's record is before them, it is about their own mailbox.
func TestNoticesOfAProxy(t *testing.T) {
	v := visit(t, handler(family()))
	v.comeIn()
	v.post(link.For, "patient", string(mateo().ID))
	v.answers(v.get(link.Notices), 200, "You are reading and writing for Mateo Vega.", toMarisol, "They tell you of new messages for Mateo Vega, too.")
}

// TestNoticesAreTheMembers: the care team has none.
func TestNoticesAreTheMembers(t *testing.T) {
	dana := care.Person{ID: "ps_dana", Name: "Dana Ortiz", Shown: "Dana Ortiz", Role: care.RoleAdministrator}
	w := newWorld()
	w.chief, w.profile = &dana, []seat.Profile{{ID: "dana", Label: "Dana"}}
	v := visit(t, handler(w))
	v.get("/open?token=" + token)
	v.post("/session", "profile", "dana", "passphrase", "demo")
	v.answers(v.get(link.Notices), 404, "There is no such page.")
	v.answers(v.part(link.Notices, dana.ID), 404, "There is no such page.")
	v.without(v.get(link.Inbox).Body.String(), link.Notices)
	if !w.notices.On {
		t.Error("staff turned them off")
	}
}

// TestNoticesPictures turns them off and on by keys, in each state with axe, and compares the pictures.
func TestNoticesPictures(t *testing.T) {
	w := newWorld()
	w.named = true
	b := open(t, w)
	a := picturetest.Open(t, b.ctx, "testdata/notices", *update)
	b.signIn()
	b.tabTo("Text size and theme")
	b.tabTo("Notices by e-mail")
	b.sees("Notices are on")
	b.until("the heading in focus", `document.activeElement?.innerText === "Notices by e-mail"`)
	a.Screen("on")
	b.accessible("notices-on")
	b.tabTo("Turn notices off")
	b.sees("Notices are off")
	b.until("it in focus", `document.activeElement?.id === "notices-title"`)
	b.sees("Notices by e-mail are off.")
	b.accessible("notices-off")
	b.reload()
	b.sees("Notices are off")
	a.State("off")
	b.change(seat.Change{}, func() { w.notices.On, w.notices.Email = true, "" })
	b.reload()
	b.sees("The clinic has no e-mail address of yours,")
	a.Detail("none")
	b.accessible("notices-none")
	b.change(seat.Change{}, func() { w.notices.Sent = false })
	b.reload()
	b.sees("The clinic sends no notices now.")
	b.accessible("notices-not-sent")
	b.change(seat.Change{Sync: true}, func() {
		w.sync = care.SyncState{Phase: care.SyncOffline, Checked: w.now, Chosen: true}
		w.notices = newWorld().notices
	})
	b.sees("You are working offline.")
	b.tabTo("Turn notices off")
	b.sees("The clinic hears of it when you are online again.")
	b.accessible("notices-offline")
}
