package frontend_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/backend/care"
	"postern/backend/post/dial"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

// write fills the form of a new message.
func (b *browser) write(subject, text string) {
	b.t.Helper()
	b.button("Start a new message")
	b.sees("What to expect")
	b.button("Choose your doctor's office")
	b.until("the first office in focus", `document.activeElement?.name === "office"`)
	b.do(key("\r"))
	b.until("the chosen office", `document.getElementById("to-chosen").innerText.includes("Dr. Ana Lee")`)
	b.fill("subject", subject)
	b.fill("text", text)
}

// TestScreensAreAccessible walks through every screen and state of a member.
func TestScreensAreAccessible(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.accessible("m1")
	b.expect("422")
	b.fill("passphrase", "wrong\r")
	b.sees("That passphrase does not open this profile")
	b.accessible("m1-error")
	b.signIn()
	b.accessible("center")
	b.follow("Blood pressure")
	b.sees("Thank you for writing down your readings")
	b.accessible("m2")
	b.follow("Refill")
	b.sees("This conversation is complete.")
	b.accessible("m6")
	b.write("Refill: atorvastatin 20 mg", "The pharmacy says I have no refills left.")
	b.accessible("m3")
	b.button("Choose your doctor's office")
	b.accessible("m3-picker")
	b.do(key("\x1b"))
	b.button("Text size and theme")
	b.accessible("menu")
	b.do(key("\x1b"))
	b.button("Delete draft")
	b.accessible("m3-delete")
	b.do(key("\x1b"))
	b.button("Review and send")
	b.sees("Expect a reply within two business days: by Tuesday, Nov 24.")
	b.accessible("m4")
	b.button("Send message")
	b.sees("Sending…")
	b.accessible("m4-sending")
	b.state(view.StateWaiting, "", care.SyncOffline)
	b.sees("Waiting to send. It has not reached Dr. Lee's office.")
	b.sees("You are offline.")
	b.sees("There is no mail system by the name of mail.clinic.example.")
	b.sees("Waiting on this computer: 1.")
	b.sees("Offline - 1 waiting to send")
	b.accessible("m7")
	b.state(view.StateReview, "The conversation was completed meanwhile.", care.SyncRefused)
	b.sees("Send anyway")
	b.sees("The clinic's gateway refused the password.")
	b.sees("Front desk: 555-010-0100.")
	b.accessible("review")
	b.button("Send anyway")
	b.sees("Your message is on its way.")
	b.accessible("m4-sent")
	b.button("Sync menu")
	b.accessible("sync-menu")
	b.button("Work offline")
	b.sees("You are working offline.")
	b.sees("Working offline")
	b.accessible("offline")
	b.button("Go online")
	b.sees("Up to date")
	b.button("Lock")
	b.sees("Messages wait safely on the clinic's mail system")
	b.accessible("s6")
	b.button("Sign in as someone else")
	b.sees("Who is signing in?")
}

// state puts every held text in a state, with the reason, and the sync in a phase.
func (b *browser) state(s view.State, why string, phase care.SyncPhase) {
	b.change(seat.Change{Texts: true, Sync: true}, func() {
		for id, h := range b.held {
			h.State, h.Why = s, why
			b.held[id] = h
		}
		at := care.Endpoint{Host: "mail.clinic.example"}
		trouble := dial.Explain(at, &net.DNSError{Name: at.Host, IsNotFound: true})
		if phase == care.SyncRefused {
			trouble = dial.WrongPassword(at, nil)
		}
		b.sync = care.SyncState{Phase: phase, Problem: care.SentenceOf(trouble)}
	})
}

// TestWritingAMessage is the way from a blank form to a delivered message.
func TestWritingAMessage(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.button("Start a new message")
	disabled := `[...document.querySelectorAll("button")].find((e) => e.innerText.trim() === "Review and send")?.disabled`
	missing := func(sentence string) {
		t.Helper()
		b.until(sentence, fmt.Sprintf(`%s && document.getElementById("why").innerText.trim() === %q`, disabled, sentence))
	}
	missing("Choose an office to continue.")
	b.button("Choose your doctor's office")
	b.do(key("card"))
	b.until("only the cardiologist", `[...document.querySelectorAll("#offices label")].filter((e) => e.checkVisibility()).length === 1`)
	b.do(key("\r"))
	b.until("the list closed, focus back on its button", `document.getElementById("offices").hidden && document.activeElement.id === "to"`)
	b.until("the choice", `document.getElementById("to-chosen").innerText.includes("Dr. Priya Raman - Cardiology")`)
	missing("Add a subject to continue.")
	b.fill("subject", strings.Repeat("x", 83))
	missing("Shorten the subject by 3 characters.")
	b.until("the count", `document.getElementById("subject-count").innerText === "83 of 80"`)
	b.fill("subject", "Treadmill test")
	missing("Write your message to continue.")
	b.fill("text", "Can I drive home after it?")
	b.until("the button ready", disabled+" === false")
	b.sees("Draft saved on this computer")
	b.until("the draft's own address", `location.pathname.startsWith("/drafts/dr_")`)
	b.button("Review and send")
	b.sees("Can I drive home after it?")
	b.until("focus on the heading", `document.activeElement.innerText === "Review and send"`)
	b.until("the review's address", `location.pathname.endsWith("/review")`)
	b.follow("Change subject")
	b.until("focus on the subject", `document.activeElement.id === "subject"`)
	b.button("Review and send")
	b.button("Send message")
	b.sees("Sending…")
	b.button("Undo")
	b.until("the text in the form again", `document.getElementById("text")?.value === "Can I drive home after it?"`)
	b.button("Review and send")
	b.button("Send message")
	b.button("Send now")
	b.sees("Your message is on its way.")
	b.until("the conversation's address", `location.pathname.startsWith("/messages/")`)
	b.until("its row marked", `document.querySelector(".convo[aria-current]")?.pathname === location.pathname`)
	w.mu.Lock()
	var part care.EventID
	for _, s := range w.became {
		part = s.Part
	}
	w.mu.Unlock()
	w.delivered(part, at(11, 24, 17, 0))
	b.sees("Delivered to Dr. Raman's office. Expect a reply by Tuesday, Nov 24.")
	b.sees("Delivered · expect a reply by Tue Nov 24")
}

// TestAnswersArriveUnderTyping shows a reply that comes in while the member types: focus, caret, scroll and the half-typed
// text stay.
func TestAnswersArriveUnderTyping(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.follow("Blood pressure")
	field := "reply-" + id("pressure").String()
	b.fill(field, "Thank you, I wil do that")
	eval[bool](b, fmt.Sprintf(`(document.getElementById(%q).setSelectionRange(5, 5), document.getElementById("main").scrollTop = 120, true)`, field))
	w.replies(id("pressure"), "One more thing: bring the cuff.")
	b.sees("One more thing: bring the cuff.")
	b.until("focus, caret, text and scroll as they were", fmt.Sprintf(`(() => { const e = document.activeElement;
		return e.id === %q && e.value === "Thank you, I wil do that" && e.selectionStart === 5 && document.getElementById("main").scrollTop === 120; })()`, field))
	b.until("the draft kept", fmt.Sprintf(`document.getElementById("saved-%s").innerText.includes("Draft saved")`, id("pressure")))
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.drafts) != 1 {
		t.Errorf("%d drafts of one reply", len(w.drafts))
	}
}

// TestCompletionTakesTheReplyBoxAway shows it live, with what was typed kept, and its return on reopening.
func TestCompletionTakesTheReplyBoxAway(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.follow("Blood pressure")
	part := id("pressure")
	b.fill("reply-"+part.String(), "Should I also")
	b.until("the draft kept", fmt.Sprintf(`document.getElementById("saved-%s").innerText.includes("Draft saved")`, part))
	w.completes(part)
	b.sees("This conversation is complete.")
	b.sees("You had begun a reply. It was not sent.")
	b.until("no reply box", `!document.querySelector("textarea")`)
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() {
		w.threads[part].Open, w.threads[part].State, w.threads[part].Completed = true, view.StateReplied, nil
	})
	b.until("the reply box with the text", fmt.Sprintf(`document.getElementById("reply-%s")?.value === "Should I also"`, part))
}

// TestSendingAReply sends one and follows it.
func TestSendingAReply(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.follow("Blood pressure")
	b.fill("reply-"+id("pressure").String(), "Thank you.\n- one\n- two")
	b.button("Review reply")
	b.sees("Review your reply")
	b.accessible("reply-review")
	b.button("Send reply")
	b.sees("Sending…")
	b.accessible("reply-held")
	b.button("Send now")
	b.sees("Sent. Dr. Lee's office has not confirmed it yet.")
	b.button("Add to this message")
	b.until("the reply box", fmt.Sprintf(`document.getElementById("reply-%s").checkVisibility()`, id("pressure")))
	b.accessible("reply-more")
	caret := fmt.Sprintf(`document.activeElement.id === "reply-%[1]s" && document.activeElement.checkVisibility()`, id("pressure"))
	b.until("the caret in it", caret)
	w.delivered(id("pressure"), at(11, 24, 17, 0))
	b.sees("Delivered to Dr. Lee's office Fri")
	b.until("the reply box as it was, with the caret", caret)
	if w.sends != 1 {
		t.Errorf("sent %d times", w.sends)
	}
}

// TestReadingIsTold says that a letter was read once it is seen, and keeps the older ones folded meanwhile.
func TestReadingIsTold(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	shown := w.threads[id("pressure")].News()
	b.signIn()
	b.follow("Blood pressure")
	b.until("the older letter folded", `document.querySelector("details.letter summary")`)
	b.until("the dot gone", `!document.querySelector(".convo.unread")`)
	w.change(seat.Change{Threads: []care.ThreadID{id("pressure")}}, func() {})
	b.until("still folded", `document.querySelector("details.letter summary")`)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.read, shown) {
		t.Errorf("read: %v, shown: %v", w.read, shown)
	}
}

// TestAReplyBelowIsNotRead: what arrives under what is in sight is told and not read, until its beginning is in sight; in a
// narrow window too, where the page scrolls and not the pane.
func TestAReplyBelowIsNotRead(t *testing.T) {
	for _, width := range []int64{1280, 800} {
		w := newWorld()
		pressure := w.threads[id("pressure")]
		markRead(pressure, pressure.News())
		pressure.Items[len(pressure.Items)-1].Text += care.Text(strings.Repeat("\n\nOne more line.", 12))
		b := open(t, w)
		b.do(chromedp.EmulateViewport(width, 700))
		b.signIn()
		b.follow("Blood pressure")
		b.sees("One more line.")
		eval[bool](b, `[document.scrollingElement, document.querySelector("#main")].forEach((e) => { e.scrollTop = 0 }) ?? true`)
		w.replies(id("pressure"), "Take it in the evening.")
		told := `document.querySelector("[data-below]").checkVisibility()`
		b.until("the line", told)
		b.shoot(fmt.Sprint("below-", width))
		if width == 1280 {
			b.accessible("below")
		}
		if n := len(w.told()); n > 0 {
			t.Errorf("%d: %d letters count as read that were not in sight", width, n)
		}
		b.button("New reply below")
		b.until("the dot gone", `!document.querySelector(".convo.unread")`)
		b.until("the line gone", "!"+told)
		if n := len(w.told()); n != 1 {
			t.Errorf("%d: %d letters read", width, n)
		}
		if words := b.text(":focus"); !strings.Contains(words, "in the evening") {
			t.Errorf("%d: the focus is at %q", width, words)
		}
	}
}

// TestSearchLeavesNoTrace finds a conversation; the address bar never holds what was searched for.
func TestSearchLeavesNoTrace(t *testing.T) {
	b := open(t, newWorld())
	b.signIn()
	b.fill("search", "mole")
	b.until("one row", `document.querySelectorAll(".convo").length === 1`)
	b.follow("Photos of the mole")
	b.until("the conversation opened", `location.pathname.startsWith("/messages/")`)
	b.until("the search still there", `document.getElementById("search").value === "mole" && document.querySelectorAll(".convo").length === 1`)
	if q := eval[string](b, "location.search"); strings.Contains(q, "mole") {
		t.Errorf("the address holds the search: %s", q)
	}
	eval[bool](b, "(history.back(), true)")
	b.until("the list alone", `document.body.innerText.includes("Choose a conversation")`)
}

// TestTheMenuKeepsTheLook changes theme and text size and finds them again after a reload.
func TestTheMenuKeepsTheLook(t *testing.T) {
	b := open(t, newWorld())
	b.signIn()
	b.button("Text size and theme")
	eval[bool](b, `(document.querySelector("[name=size][value='150']").click(), document.querySelector("[name=theme][value=dark]").click(), true)`)
	b.until("the look", `document.documentElement.dataset.size === "150" && document.documentElement.dataset.theme === "postern-dark"`)
	b.until("the cookie's answer", `new Promise((done) => fetch("/messages").then((r) => r.text()).then((t) => done(t.includes('data-size="150"'))))`)
	b.reload()
	b.until("the look again", `document.documentElement.dataset.size === "150" && document.documentElement.dataset.theme === "postern-dark"`)
}

// TestTheMenuFitsTheWindow opens it at twice the text size: it ends inside the window, and its last choice comes into view
// with the keyboard.
func TestTheMenuFitsTheWindow(t *testing.T) {
	b := open(t, newWorld())
	b.signIn()
	b.look("postern", "", 1280, 700)
	b.button("Text size and theme")
	eval[bool](b, `(document.querySelector("[name=size][value='200']").click(), true)`)
	inside := `(e) => e.getBoundingClientRect().bottom <= innerHeight && e.getBoundingClientRect().top >= 0`
	b.until("the menu inside the window", fmt.Sprintf(`(%s)(document.querySelector(".menu-pop:has(.look)"))`, inside))
	b.until("the last choice below its edge", `document.querySelector("[name=theme][value=dark]").getBoundingClientRect().bottom > innerHeight`)
	eval[bool](b, `(document.querySelector("[name=theme]:checked").focus(), true)`)
	b.do(key(kb.ArrowUp)) // from the first choice to the last
	b.until("the last choice in view", fmt.Sprintf(`document.activeElement.value === "dark" && (%s)(document.activeElement)`, inside))
}

// TestScreensFit shows every screen in the smallest window, at twice the text size and with long names: nothing is cut
// off at the side, and every control is as large as a finger.
func TestScreensFit(t *testing.T) {
	w := newWorld()
	w.offices[2].Provider.Shown = "Dr. Wilhelmina Maximiliana Wojciechowska-Featherstone-Brandt-Oyelaran"
	th := w.threads[id("mole")]
	th.Subject = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft and Nguyễn Thị Minh Anh"
	th.Items = []view.Item{{Kind: view.ItemMessage, ID: id("long"), By: rosa, At: w.now, Text: care.Text(strings.Repeat("https://clinic.example/a-very-long-address/", 8))}}
	for i := range 30 { // a list that is longer than any window
		w.row(fmt.Sprint("old ", i), lee, "An old letter", view.StateReplied, at(3, 1+i%28, 9, 0)).Unread = true
	}
	b := open(t, w)
	fits := func(name string) {
		t.Helper()
		for _, size := range []struct {
			name, text    string
			width, height int64
		}{{"1024", "", 1024, 700}, {"zoom200", "200", 1280, 800}, {"phone", "", 390, 800}} {
			b.look("postern", size.text, size.width, size.height)
			b.shoot(name + "-" + size.name)
			if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s at %s: %d px are cut off: %s", name, size.name, over, eval[string](b, widest))
			}
			if small := eval[string](b, smallest); small != "" {
				t.Errorf("%s at %s: too small for a finger: %s", name, size.name, small)
			}
		}
		b.look("postern", "", 1280, 800)
		if over := eval[int](b, `document.documentElement.scrollHeight - innerHeight`); over > 0 {
			t.Errorf("%s: the whole page scrolls, by %d px", name, over)
		}
	}
	fits("m1")
	b.signIn()
	fits("center")
	w.change(seat.Change{}, func() {
		w.notices.Email = "maximiliana.wojciechowska-featherstone.with.a.very.long.name@mailboxes.example.org"
	})
	b.button("Text size and theme")
	b.follow("Notices by e-mail")
	b.sees("Notices are on")
	fits("notices")
	b.follow("All messages")
	b.follow("Blood pressure")
	b.sees("Thank you for writing")
	fits("m2")
	b.follow("Donaudampf")
	b.sees("a-very-long-address")
	fits("long")
	b.write("Refill", "Please.")
	fits("m3")
	b.button("Choose your doctor's office")
	fits("m3-picker")
	b.do(key("\x1b"))
	b.button("Review and send")
	b.sees("Expect a reply within")
	fits("m4")
	b.button("Send message")
	b.sees("Sending…")
	fits("m4-sending")
}

const (
	widest = `[...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1).slice(-1).map((e) => e.outerHTML.slice(0, 200)).join()`
	// Inline links in a sentence are exempt, as WCAG 2.5.8 has it; so is what only a screen reader meets.
	smallest = `[...document.querySelectorAll("button, a[href], summary, input:not([type=hidden], [type=radio], [type=checkbox]), textarea, label:has([type=radio], [type=checkbox])")]
		.filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.closest(".hint, .banner > div > .a") && !e.matches(".skip, .input > input"))
		.map((e) => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width && (r.width < 43.5 || r.height < 43.5))
		.map(([e, r]) => Math.round(r.width) + "x" + Math.round(r.height) + " " + e.outerHTML.slice(0, 90)).join("\n")`
)
