package inbox_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/post/dial"
	"postern/backend/record/view"
)

// TestScreensAreAccessible walks through every screen and state of the care team.
func TestScreensAreAccessible(t *testing.T) {
	b := open(t, newClinic(priya))
	b.accessible("inbox")
	b.button("Dr. Lee 10")
	b.sees("Dr. Lee is out until Mon Nov 30.")
	b.accessible("office")
	b.row("Marisol Vega")
	b.sees("Fine to split")
	b.accessible("s1")
	b.sizes("s1")

	b.press("?")
	b.sees("Single-letter keys on")
	b.accessible("s8-keys")
	b.press("\x1b")
	b.press("a")
	b.sees("Out until Mon Nov 30, covered by Dr. Omar Haddad")
	b.accessible("assign")
	b.press("\x1b")
	b.press("f")
	b.sees("Why is this urgent?")
	b.accessible("flag")
	b.press("\x1b")
	b.button("Priya Nair, RN: text size and theme")
	b.until("the focus in what opened", `document.activeElement.matches("#me input:checked")`)
	b.accessible("look")
	b.press("\x1b")
	b.press("/")
	b.until("the search field", `document.activeElement.id === "search"`)
	b.do(chromedp.KeyEvent("nobody of this name"))
	b.sees("Nothing found.")
	b.accessible("search-nothing")
	b.button("Close the search")
	b.until("the closed search", `!document.querySelector("#search")`)
	b.press("/")
	b.until("the search field again", `document.activeElement.id === "search"`)
	b.do(chromedp.KeyEvent("re"))
	b.until("what was found", `document.title === "Found - Postern" && document.querySelectorAll("[data-row] .state").length > 3`)
	b.accessible("found")
	b.shoot("found")
}

func TestWritingIsAccessible(t *testing.T) {
	c := newClinic(rosa)
	for _, name := range []string{"Maximiliana Wojciechowska-Featherstone", "Dmitri Volkov", "Grace Oyelaran"} {
		c.named(name).Owner, c.named(name).Mine = rosa, true
	}
	c.named("Marisol Vega").Absence = nil
	b := open(t, c)
	b.button("Assigned to me 4")
	b.row("Marisol Vega")
	b.sees("Fine to split")
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("Hi Marisol,\n\nGood news, those readings look much better. Yes, you can split the 20 mg tablets in half; they are made with a line for it."))
	b.sees("Draft saved")
	b.accessible("s2")
	b.sizes("s2")
	b.button("Internal note")
	b.until("the note field", `document.activeElement.getAttribute("aria-label") === "Internal note"`)
	b.do(chromedp.KeyEvent("Called the pharmacy: the 10 mg tablets are ready on Monday."))
	b.sees("Draft saved")
	b.accessible("s2-note")
	b.sizes("s2-note")
	b.button("Save note")
	b.sees("ready on Monday")
	b.button("Send reply")
	b.sees("Sending…")
	b.accessible("held")
	b.press("e")
	b.sees("Then the reply button goes away")
	b.expected = append(b.expected, "422")
	b.button("Complete")
	b.sees("Write a closing line")
	b.accessible("closing")
}

func TestStatesAreAccessible(t *testing.T) {
	c := newClinic(rosa)
	c.everything()
	b := open(t, c)
	b.button("Completed")
	b.row("Marisol Vega")
	b.sees("Reopen")
	b.accessible("s1-completed")
	b.button("Dr. Lee 9")
	b.row("Henrik Lindqvist")
	b.sees("Send anyway")
	b.sees("Priya claimed it first.")
	b.accessible("review")
	b.button("Not reached 2")
	b.until("the queue", `document.title === "Not reached - Postern"`)
	b.row("Beatriz Albuquerque")
	b.sees("The member has not read it within two business days.")
	b.sees("Waiting to send. It has not reached the member.")
	b.accessible("not-reached")
	b.sizes("not-reached")
	b.press("gu")
	b.until("the queue", `document.title === "Unassigned - Postern"`)
	c.change(func() error {
		c.sync = care.SyncState{Phase: care.SyncRefused, Checked: c.now, Problem: care.SentenceOf(dial.WrongPassword(care.Endpoint{Host: "mail.clinic.example"}, nil))}
		return nil
	})
	b.sees("The clinic's gateway refused the password.")
	b.until("how old the list is", `document.querySelector(".list #stale").innerText.includes("Last updated 3:55 pm. New messages are not shown.")`)
	b.until("the trouble in the pane alone", `document.querySelector("#trouble h2").checkVisibility() && !document.querySelector("#bars .banner").checkVisibility()`)
	b.accessible("s7-error")
	b.look("postern", "200", 1280, 800)
	b.until("the bar where the pane has no room", `document.querySelector("#bars .banner").checkVisibility() && !document.querySelector("#trouble h2").checkVisibility()`)
	b.look("postern", "", 1440, 900)
	b.button("Try again")
	b.button("Work offline")
	b.sees("You are working offline.")
	b.sees("Working offline")
	b.until("no trouble", `!document.querySelector("#trouble h2") && document.querySelector("#bars .banner").checkVisibility()`)
	b.button("Sync menu")
	b.accessible("offline")
	b.button("Go online")
	b.sees("Up to date")
	b.press("gn")
	b.until("the queue by its keys", `document.title === "Not reached - Postern"`)
	b.button("Dr. Lee 9")
	b.row("Samuel Okonkwo")
	b.sees("A newer version of Postern")
	b.accessible("read-only")
	b.row("Aaliyah Brooks")
	b.sees("Possible allergic reaction")
	b.accessible("urgent")
	c.change(func() error {
		for _, th := range c.threads {
			th.Open = false
		}
		return nil
	})
	b.press("gu")
	b.sees("All caught up.")
	b.accessible("s7")
	b.expected = append(b.expected, "401") // as when the button is clicked
	eval[bool](b, `(document.dispatchEvent(new KeyboardEvent("keydown", {key: "l", ctrlKey: true, bubbles: true, cancelable: true})), true)`)
	b.until("the lock screen", `document.title === "Locked - Postern"`)
	b.accessible("s6")
	b.press("demo\r")
	b.until("the same list", `document.title === "Unassigned - Postern" && location.pathname === "/inbox/unassigned"`)
}

// TestLoading: a list that takes its time shows its shape, and one that does not flickers nothing.
func TestLoading(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	gate := make(chan struct{})
	c.slow(gate, "completed") // not the refresh that a page may still be at
	b.button("Completed")
	b.until("the shape", `getComputedStyle(document.getElementById("loading")).visibility === "visible" && document.getElementById("loading").checkVisibility({visibilityProperty: true})`)
	b.until("no rows", `!document.querySelector("[data-row]").checkVisibility({visibilityProperty: true})`)
	b.accessible("s7-loading")
	c.slow(nil)
	close(gate)
	b.until("the list", `document.title === "Completed - Postern" && !document.getElementById("loading").checkVisibility()`)
}

// TestArriving: while all comes in for the first time nobody is told that all is done.
func TestArriving(t *testing.T) {
	c := newClinic(rosa)
	c.threads = nil
	c.sync = care.SyncState{Phase: care.SyncFetching, Done: 1240, Total: 8112}
	b := open(t, c)
	b.sees("Messages are arriving.")
	b.sees("Syncing 1,240 of 8,112")
	b.accessible("s7-arriving")
	if err := c.change(func() error {
		c.sync = care.SyncState{Phase: care.SyncUpToDate, Checked: c.now}
		return nil
	}); err != nil {
		t.Error(err)
	}
	b.sees("All caught up.")
}

// everything puts each state of a conversation and of a text into the clinic once.
func (c *clinic) everything() {
	m := c.named("Marisol Vega")
	done := view.Item{Kind: view.ItemComplete, ID: id("p5"), By: rosa, Own: true, At: at(time.November, 20, 16, 20), State: view.StateHanded,
		Text: "Hi Marisol, good news, those readings look much better. Yes, you can split the 20 mg tablets in half. The 10 mg tablets are ready on Monday."}
	m.Items = append(m.Items, done)
	m.Open, m.Awaits, m.Completed = false, fold.Nobody, &done
	m.After = []view.Link{{Part: id("Grace Oyelaran"), Subject: m.Subject, Office: lee, Open: true, Due: m.Due}}
	h := c.named("Henrik Lindqvist")
	h.Before = &view.Link{Part: m.Part, Subject: "Refill: levothyroxine 75 mcg", Office: lee, At: at(time.November, 2, 9, 0)}
	h.Flags, h.Gaps, h.FollowUp = []string{"No current relation with this office"}, 2, true
	h.Lost = []view.LostClaim{{To: priya, At: c.now.Add(-time.Minute)}}
	h.Owner = priya
	h.Items = append(h.Items,
		view.Item{Kind: view.ItemMessage, ID: id("h2"), By: rosa, Own: true, At: c.now, Text: "Renewed.", State: view.StateFailed,
			Why: "It did not reach the member. The mail system says: “552 mailbox full”. Call Henrik Lindqvist at 555-010-0188."},
		view.Item{Kind: view.ItemReopen, ID: id("h3"), By: priya, At: c.now})
	c.held["dr_aaaaaaaaaaaaaaaa"] = view.Held{Draft: "dr_aaaaaaaaaaaaaaaa", What: "reply", Part: h.Part, Text: "A text for review.", State: view.StateReview, Why: "The member wrote again in the meantime."}
	c.held["dr_bbbbbbbbbbbbbbbb"] = view.Held{Draft: "dr_bbbbbbbbbbbbbbbb", What: "reply", Part: h.Part, Text: "A text that waits.", State: view.StateWaiting}
	h.State = view.StateReview
	u := c.named("Beatriz Albuquerque")
	u.Unseen, u.Awaits = true, fold.Member
	u.Items = append(u.Items, view.Item{Kind: view.ItemMessage, ID: id("u2"), By: rosa, Own: true, At: at(time.November, 17, 9, 0), Text: "Both on one day is fine.", State: view.StateHanded, Unseen: true},
		view.Item{Kind: view.ItemMessage, ID: id("u3"), By: rosa, Own: true, At: c.now, Text: "Call us with any fever.", State: view.StateWaiting})
	c.named("Samuel Okonkwo").ReadOnly = true
	c.named("Aaliyah Brooks").FlagReason = "Possible allergic reaction, call first"
}

// sizes takes pictures at the other sizes, and finds nothing that is cut off sideways.
func (b *browser) sizes(name string) {
	b.t.Helper()
	for _, s := range []struct {
		what, size    string
		width, height int64
	}{{"1280", "", 1280, 800}, {"1024", "", 1024, 700}, {"zoom200", "200", 1280, 800}} {
		b.look("postern", s.size, s.width, s.height)
		b.shoot(name + "-" + s.what)
		if wide := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			b.t.Errorf("%s at %s is %d px wider than the window", name, s.what, wide)
		}
	}
	b.look("postern", "", 1440, 900)
}
