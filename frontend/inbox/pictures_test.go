package inbox_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/backend/post/dial"
	"postern/frontend/picturetest"
)

var update = flag.Bool("update", false, "keep the pictures anew")

// TestPictures compares what the care team's screens look like with the kept pictures. To keep them few, only the
// main screens are looked at in each size, their states in light and dark, and details of those in light alone.
func TestPictures(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	a := picturetest.Open(t, b.ctx, "testdata/pictures", *update)
	field := func(label string) {
		t.Helper()
		b.until("the field "+label, fmt.Sprintf(`document.activeElement.getAttribute("aria-label") === %q`, label))
	}
	write := func(label, text string) {
		t.Helper()
		field(label)
		b.do(chromedp.KeyEvent(text))
		b.until("the draft kept", `document.querySelector("#saved")?.innerText.includes("Draft saved")`)
	}
	closed := func(what, selector string) {
		t.Helper()
		b.press("\x1b")
		b.until(what+" closed", fmt.Sprintf(`!document.querySelector(%q)?.checkVisibility()`, selector))
	}

	change := func(f func()) {
		t.Helper()
		if err := c.change(func() error { f(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	host := care.Endpoint{Host: "mail.clinic.example", Port: 993}
	sync := func(phase care.SyncPhase, problem error) {
		t.Helper()
		change(func() {
			c.sync = care.SyncState{Phase: phase, Checked: at(time.November, 20, 14, 41), Problem: care.SentenceOf(problem)}
		})
	}

	a.Screen("inbox")
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.sees("Fine to split")
	a.Screen("conversation")
	b.press("?")
	b.sees("Single-letter keys on")
	a.State("keys")
	closed("the keys", "#keys")
	b.press("a")
	b.sees("Out until Mon Nov 30, covered by Dr. Omar Haddad")
	a.State("assign")
	b.press("\x1b")
	b.press("f")
	b.sees("Why is this urgent?")
	a.State("flag")
	b.press("\x1b")
	b.button("Rosa Delgado, RN: text size and theme")
	b.sees("Text size")
	a.Take("menu", picturetest.Light, picturetest.Large)
	b.press("\x1b")
	b.press("/")
	b.until("the search field", `document.activeElement.id === "search"`)
	b.do(chromedp.KeyEvent("re"))
	b.until("what was found", `document.title === "Found - Postern" && document.querySelectorAll("[data-row] .state").length > 3`)
	a.State("found")
	eval[bool](b, `(document.getElementById("search").focus(), true)`)
	b.do(chromedp.KeyEvent("zebra"))
	b.sees("Nothing found.")
	a.Detail("found-nothing")
	b.button("Close the search")
	b.until("the closed search", `!document.querySelector("#search")`)

	change(func() {
		c.named("Marisol Vega").Absence = nil
		c.emailed(c.named("Marisol Vega"))
	})
	b.sees("Not verified")
	a.State("by-mail")
	b.button("Decline")
	b.sees("Not taken as the member's word")
	a.Detail("by-mail-declined")
	change(func() {
		th := c.named("Marisol Vega")
		th.Items = th.Items[:len(th.Items)-1]
		th.Items[1].Told, th.Items[1].SeenAt = nil, at(time.November, 19, 18, 10)
	})
	b.button("Assigned to me 1")
	b.until("the queue", `document.title === "Assigned to me - Postern"`)
	b.row("Marisol Vega")
	b.press("r")
	write("Reply", "Hi Marisol,\n\nGood news, those readings look much better. Yes, you can split the 20 mg tablets in half; they are made with a line for it.")
	a.Screen("reply")
	b.button("Internal note")
	write("Internal note", "Called the pharmacy: the 10 mg tablets are ready on Monday.")
	a.State("note")
	b.button("Save note")
	b.sees("ready on Monday")
	b.button("Send reply")
	b.sees("Sending…")
	a.State("sending")
	b.button("Send now")
	b.until("it sent", `!document.querySelector(".msg.held")`)
	b.press("e")
	b.sees("Then the reply button goes away")
	write("Closing line", "Glad you feel better.")
	a.State("completing")
	b.button("Complete")
	b.sees("Sending…")
	b.button("Send now")
	b.sees("The member has no reply button.")
	a.Screen("completed")

	change(func() {
		all := newClinic(rosa)
		all.everything()
		c.threads, c.drafts, c.held = all.threads, all.drafts, all.held
	})
	b.button("Dr. Lee 9")
	b.until("the office", `document.title.startsWith("Dr. Lee")`)
	b.row("Henrik Lindqvist")
	b.sees("Send anyway")
	b.sees("Priya claimed it first.")
	a.Screen("to-decide")
	b.button("Not reached 2")
	b.until("the queue", `document.title === "Not reached - Postern"`)
	b.row("Beatriz Albuquerque")
	b.sees("Waiting to send. It has not reached the member.")
	a.State("not-reached")
	sync(care.SyncOffline, dial.NoTLS(host))
	b.sees("You are offline.")
	a.Detail("offline")
	sync(care.SyncRefused, dial.WrongPassword(host, nil))
	b.sees("The clinic's gateway refused the password.")
	a.State("refused")
	b.button("Dr. Lee 9")
	b.sees("Try again")
	a.Screen("trouble")
	change(func() { c.sync = newClinic(rosa).sync })
	b.button("Dr. Lee 9")
	b.until("the office", `document.title.startsWith("Dr. Lee")`)
	b.row("Samuel Okonkwo")
	b.sees("A newer version of Postern")
	a.Detail("read-only")
	b.row("Aaliyah Brooks")
	b.sees("Possible allergic reaction")
	a.Detail("urgent")
	change(func() {
		for _, th := range c.threads {
			th.Open = false
		}
	})
	b.button("Unassigned 0")
	b.sees("All caught up.")
	a.Screen("inbox-empty")
	b.button("Rosa Delgado, RN: text size and theme")
	b.button("Passphrase and recovery")
	b.sees("You have no recovery sheet.")
	a.State("passphrase")
	b.button("Lock")
	b.sees("Unlock")
	a.State("locked")
}
