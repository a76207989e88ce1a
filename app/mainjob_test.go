package app

import (
	"path/filepath"
	"syscall"
	"testing"

	"postern/backend/demo"
)

// TestMainJob is the main job from both sides, by what a person sees and the names that a screen reader says, in real
// Chromium over the real mail system: write, review, send, receipt, claim, note, reply, complete, reopen.
func TestMainJob(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser and a mail system")
	}
	t.Run("gateway", func(t *testing.T) { inBrowsers(t) })
	t.Run("dovecot-postfix", func(t *testing.T) { inBrowsers(t, "--mail-system", "dovecot", "--mail", mailFolder(t)) })
}

func inBrowsers(t *testing.T, more ...string) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "d")
	p := start(t, append([]string{"demo", "--browser", "--data", data}, more...)...)
	b := browser(t)

	mainJob(t, open(t, b, p.link, "Grace"), func() glass { return open(t, b, p.link, "Rosa") })

	// SIGTERM ends the program cleanly.
	if err := p.kill(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM ended postern with %v", err)
	}
}

// glass is what a person sees Postern through: a browser, or a window of its own.
type glass interface {
	find(role, name string) int64
	gone(role, name string)
	press(role, name string)
	fill(role, name, text string)
	holds(role, name string) string
	focused(role, name string) bool
	disabled(role, name string) bool
	enabled(role, name string)
	sees(text string)
	seesNot(text string)
	follow(words string)
	accessible(name string)
}

// mainJob is the story, told through any glass.
func mainJob(t *testing.T, grace glass, opens func() glass) {
	t.Helper()
	grace.accessible("m1-chooser")
	signIn(grace, "Grace Oyelaran (member)")
	grace.sees("Message Center")
	grace.accessible("m2-center")

	// Compose: Send stays inactive until office, subject and message are there.
	grace.press("link", "Start a new message")
	grace.sees("Start a new message")
	grace.sees("911")
	if !grace.disabled("button", "Review and send") {
		t.Error("Review and send is active on an empty form")
	}
	grace.accessible("m3-empty")
	grace.press("button", "Choose your doctor's office")
	grace.accessible("m3-picker")
	grace.press("radio", "Dr. Ana Lee - Internal Medicine")
	grace.fill("textbox", "Subject", "Sleep and the new tablets")
	if !grace.disabled("button", "Review and send") {
		t.Error("Review and send is active without a message")
	}
	grace.fill("textbox", "Message", "Since Monday I wake up at four. Could it be the new tablets?")
	grace.enabled("button", "Review and send")
	grace.accessible("m3-filled")
	grace.press("button", "Review and send")
	grace.sees("Expect a reply within two business days")
	grace.accessible("m4-review")
	grace.press("button", "Send message")
	grace.sees("Sending")
	grace.press("button", "Send now") // at once: the hold is as long as it really is
	grace.sees("Delivered to Dr. Lee's office")
	grace.accessible("m4-sent")

	// The nurse finds it, claims it, notes, and replies for the office.
	rosa := opens()
	signIn(rosa, "Rosa Delgado (nurse)")
	rosa.sees("Unassigned")
	rosa.accessible("s1-inbox")
	rosa.follow("Sleep and the new tablets")
	rosa.sees("Since Monday I wake up at four.")
	rosa.press("button", "Claim")
	rosa.find("button", "Unclaim")
	rosa.accessible("s1-claimed")
	rosa.press("button", "Internal note")
	rosa.fill("textbox", "Internal note", "Started on 50 mg last week.")
	rosa.accessible("s2-note")
	rosa.press("button", "Save note")
	rosa.sees("Started on 50 mg last week.")
	rosa.press("button", "Reply")
	rosa.fill("textbox", "Reply", "Hi Grace, take them in the morning for a week and tell us how it goes.")
	rosa.accessible("s2-reply")
	rosa.press("button", "Send reply")
	rosa.press("button", "Send now")

	// The member sees it without a reload, and nothing of the note.
	grace.sees("take them in the morning for a week")
	grace.seesNot("Started on 50 mg")
	grace.accessible("m2-thread")

	// What comes in while she types takes nothing from her: not the text, not the place where she is in it.
	grace.fill("textbox", "Reply to Dr. Lee's office", "Thank you, I will tr")
	rosa.press("button", "Reply")
	rosa.fill("textbox", "Reply", "And no coffee after noon.")
	rosa.press("button", "Send reply")
	rosa.press("button", "Send now")
	grace.sees("And no coffee after noon.")
	if got := grace.holds("textbox", "Reply to Dr. Lee's office"); got != "Thank you, I will tr" {
		t.Errorf("half-typed text became %q", got)
	}
	if !grace.focused("textbox", "Reply to Dr. Lee's office") {
		t.Error("the field lost the focus")
	}

	// The nurse completes it with a closing line, and the reply box is gone.
	rosa.press("button", "Complete")
	rosa.fill("textbox", "Closing line", "Call us if it is not better by Friday.")
	rosa.accessible("s2-complete")
	rosa.press("button", "Complete")
	rosa.press("button", "Send now")
	grace.sees("This conversation is complete")
	grace.sees("Call us if it is not better by Friday.")
	grace.gone("textbox", "Reply to Dr. Lee's office")
	grace.accessible("m6-completed")
	rosa.find("button", "Reopen")
	rosa.accessible("s1-completed")

	// Reopening brings it back.
	rosa.press("button", "Reopen")
	grace.find("textbox", "Reply to Dr. Lee's office")
}

func signIn(s glass, label string) {
	s.press("radio", label)
	s.fill("textbox", "Passphrase", demo.Passphrase)
	s.press("button", "Sign in")
}
