package frontend_test

import (
	"fmt"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

// TestPictures compares what a member's screens look like with the kept pictures. To keep them few, only the main
// screens are looked at in each size, their states in light and dark, and details of those in light alone.
func TestPictures(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	a := picturetest.Open(t, b.ctx, "testdata/pictures", *update)

	a.Screen("sign-in")
	b.expect("422")
	b.fill("passphrase", "wrong\r")
	b.sees("That passphrase does not open this profile")
	a.State("sign-in-error")
	b.recoveryPictures(a)
	w.change(seat.Change{}, func() { w.profile = w.profile[:1] })
	b.reload()
	b.until("one profile", `document.activeElement.id === "passphrase" && !document.querySelector("[type=radio][name=profile]")`)
	a.Detail("sign-in-one")
	b.signIn()

	a.Screen("center")
	all := w.threads
	w.change(seat.Change{Texts: true}, func() { w.threads = map[care.EventID]*view.Thread{} })
	b.until("the empty list", `!document.querySelector(".convo")`)
	b.reload()
	b.sees("No messages yet")
	a.State("center-empty")
	w.change(seat.Change{Texts: true}, func() { w.threads = all })
	b.sees("Exercises for the right knee")
	b.reload()
	b.sees("Choose a conversation")
	b.fill("search", "zebra")
	b.until("nothing found", `!document.querySelector(".convo")`)
	a.Detail("center-nothing")
	b.fill("search", "\b")
	b.button("Text size and theme")
	b.sees("Exercises for the right knee")
	a.Screen("menu")
	b.keysPictures(a)

	b.conversation("Blood pressure", "Thank you for writing down your readings")
	b.until("it read", `!document.querySelector(".convo.unread")`)
	a.Screen("conversation")
	eval[bool](b, `(document.querySelector("details.letter").open = true)`)
	b.fill("reply-"+id("pressure").String(), "Thank you, I will.\n\nMay I still drive?")
	b.until("the draft kept", fmt.Sprintf(`document.getElementById("saved-%s").innerText.includes("Draft saved")`, id("pressure")))
	a.State("conversation-reply")
	b.button("Review reply")
	b.sees("Review your reply")
	a.State("reply-review")
	b.button("Send reply")
	b.sees("Sending…")
	a.State("reply-sending")
	b.button("Send now")
	b.sees("Sent. Dr. Lee's office has not confirmed it yet.")
	a.Detail("reply-sent")
	b.conversation("Question about the treadmill", "Do I need to stop the tablets")
	a.Detail("conversation-delivered")
	b.conversation("Refill", "This conversation is complete.")
	a.Screen("conversation-completed")

	b.button("Start a new message")
	b.sees("Choose an office to continue.")
	a.Screen("compose-empty")
	b.button("Choose your doctor's office")
	b.until("the first office in focus", `document.activeElement?.name === "office"`)
	a.Screen("compose-picker")
	b.do(key("\r"))
	b.until("the chosen office", `document.getElementById("to-chosen").innerText.includes("Dr. Ana Lee")`)
	b.fill("subject", "Refill: atorvastatin 20 mg")
	b.fill("text", "The pharmacy says I have no refills left.\n\nCould you renew it at the pharmacy on Alder Street?")
	b.sees("Draft saved on this computer")
	a.Screen("compose-filled")
	b.button("Delete draft")
	a.State("compose-delete")
	b.do(key("\x1b"))
	b.button("Review and send")
	b.sees("Expect a reply within two business days: by Tuesday, Nov 24.")
	a.Screen("review")
	b.button("Send message")
	b.sees("Sending…")
	a.State("sending")
	b.state(view.StateWaiting, "", care.SyncOffline)
	b.sees("Waiting to send. It has not reached Dr. Lee's office.")
	b.sees("You are offline.")
	b.sees("Offline - 1 waiting to send")
	a.Screen("waiting-offline")
	b.state(view.StateReview, "the conversation was completed meanwhile.", care.SyncRefused)
	b.sees("Send anyway")
	b.sees("The clinic's gateway refused the password.")
	a.State("to-decide-refused")
	b.button("Send anyway")
	b.sees("Your message is on its way.")
	w.change(seat.Change{Sync: true}, func() { w.sync = newWorld().sync })
	b.sees("Up to date")
	a.State("sent")
	for _, s := range w.became {
		if th := w.threads[s.Part]; th.Subject == "Refill: atorvastatin 20 mg" {
			w.delivered(s.Part, at(11, 24, 17, 0))
		}
	}
	b.sees("Delivered to Dr. Lee's office. Expect a reply by Tuesday, Nov 24.")
	a.Screen("delivered")

	w.change(seat.Change{Texts: true}, func() { w.threads, w.held, w.drafts = states() })
	b.conversation("alert(1)", "A newer Postern wrote here.")
	a.State("conversation-troubled")
}

// recoveryPictures are of who forgot the passphrase.
func (b *browser) recoveryPictures(a *picturetest.Album) {
	b.t.Helper()
	b.expect("429")
	b.change(seat.Change{}, func() { b.keys = keys{code: onSheet, until: b.now.Add(5 * time.Minute)} })
	b.fill("passphrase", "demo\r")
	b.sees("There is a pause now. Try again at ") // a time of this computer's zone: no picture
	b.button("Use a recovery code")
	b.until("the code in focus", `document.activeElement?.id === "code"`)
	a.State("recovery")
	b.fill("code", "0000\r")
	b.sees("That code opens no profile on this computer.")
	a.Detail("recovery-wrong")
	b.fill("code", onSheet+"\r")
	b.sees("Choose a new passphrase")
	b.fill("new", "golden lantern")
	b.sees("Too easy to guess.")
	a.Screen("recovery-new")
	b.button("Back to signing in")
	b.sees("Who is signing in?")
	b.change(seat.Change{}, func() { b.keys = keys{} })
}

// keysPictures are of who looks after passphrase and recovery sheet.
func (b *browser) keysPictures(a *picturetest.Album) {
	b.t.Helper()
	b.button("Passphrase and recovery")
	b.sees("You have no recovery sheet.")
	a.Screen("keys")
	b.fill("sheet-passphrase", "demo\r")
	b.sees("ZZ29")
	a.Screen("keys-sheet")
	b.button("I have it on paper")
	b.sees("A recovery sheet was made.")
	b.fill("passphrase", "demo")
	b.button("Suggest one")
	b.sees("Strong.")
	eval[bool](b, `(document.getElementById("again").focus(), true)`)
	a.State("keys-suggested")
	b.button("All messages")
	b.sees("Exercises for the right knee")
	b.until("no search", `document.getElementById("search").value === ""`)
}

// states are all that can become of a text, each once.
func states() (map[care.EventID]*view.Thread, map[string]view.Held, map[string]view.Draft) {
	w := everything()
	return w.threads, w.held, w.drafts
}

// conversation opens one of the list.
func (b *browser) conversation(subject, words string) {
	b.t.Helper()
	b.follow(subject)
	b.sees(words)
	b.until("its row marked", `document.querySelector(".convo[aria-current]")?.pathname === location.pathname`)
}
