package frontend_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
)

// What is being typed is not lost, whatever happens around it.

func (b *browser) openPressure() (field string) {
	b.t.Helper()
	b.signIn()
	b.follow("Blood pressure")
	return "reply-" + id("pressure").String()
}

func (b *browser) keptDraft(text string) {
	b.t.Helper()
	for end := time.Now().Add(8 * time.Second); !slices.Contains(b.written(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the draft %q was not kept: %q", text, b.written())
		}
	}
}

// TestClosedUnderTheWriter: the conversation is completed between two words, before anything was saved.
func TestClosedUnderTheWriter(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "Should I also")
	w.completes(id("pressure"))
	b.sees("You had begun a reply. It was not sent.")
	b.sees("Should I also")
	b.keptDraft("Should I also")
}

// TestClosedUnderTheWriterAndUnsaved: what cannot be saved either is at least still to be read.
func TestClosedUnderTheWriterAndUnsaved(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.expect("507")
	w.failing(care.Refusef(care.Full, "This computer's disk is full."))
	b.fill(field, "Should I also")
	w.completes(id("pressure"))
	b.sees("Postern could not save what you typed here.")
	b.sees("Should I also")
	b.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(chromedp.ModifierCtrl))) // what Ctrl S tells stands beside it
	b.sees("Should I also")
	b.button("Close")
	b.until("the words gone", `!document.querySelector("[data-lost]")`)
}

// TestAFailedReviewKeepsTheForm: the page stays, with the words and with why.
func TestAFailedReviewKeepsTheForm(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	b.write("Treadmill test", "Can I drive home after it?")
	b.keptDraft("Can I drive home after it?")
	b.expect("500")
	w.failing(fmt.Errorf("the disk is gone"))
	b.fill("text", "Can I drive home afterwards?")
	b.button("Review and send")
	b.until("the toast", `document.querySelector("#toast [role=alert]")`)
	b.until("the words in the form", `document.getElementById("text")?.value === "Can I drive home afterwards?"`)
	w.failing(nil)
	b.button("Review and send")
	b.sees("Expect a reply within")
	b.keptDraft("Can I drive home afterwards?")
}

// TestLockSavesFirst: the last words go before the lock, in the same moment.
func TestLockSavesFirst(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "Should I also")
	b.button("Lock")
	b.sees("Locked at ")
	if got := w.written(); !slices.Equal(got, []string{"Should I also"}) {
		t.Errorf("kept %q", got)
	}
}

// TestLockWaitsForWhatCannotBeSaved: it says so once, and the second press locks.
func TestLockWaitsForWhatCannotBeSaved(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.expect("507")
	w.failing(care.Refusef(care.Full, "This computer's disk is full."))
	b.fill(field, "Should I also")
	b.button("Lock")
	b.sees("is not locked yet")
	b.until("the words", fmt.Sprintf(`document.getElementById(%q).value === "Should I also"`, field))
	b.button("Lock")
	b.sees("Locked at ")
	b.until("no word of it", `!document.body.innerText.includes("Should I also")`)
}

// TestTypingWithoutAPauseIsSaved: a save that every key puts off comes within some seconds all the same.
func TestTypingWithoutAPauseIsSaved(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "On")
	for end := time.Now().Add(6 * time.Second); len(w.written()) == 0; {
		if time.Now().After(end) {
			t.Fatal("six seconds of typing were not saved")
		}
		b.do(key("."))
		time.Sleep(200 * time.Millisecond)
	}
}

// TestARefreshLeavesUnsavedWords: the field has no focus, and what it holds was refused. A reply that arrives changes
// what is around it.
func TestARefreshLeavesUnsavedWords(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "First.")
	b.keptDraft("First.")
	b.expect("507")
	w.failing(care.Refusef(care.Full, "This computer's disk is full."))
	b.do(key(" Second."))
	eval[bool](b, `(document.activeElement.blur(), true)`)
	b.sees("disk is full")
	w.replies(id("pressure"), "One more thing: bring the cuff.")
	b.sees("One more thing: bring the cuff.")
	holds := fmt.Sprintf(`document.getElementById(%q).value === "First. Second."`, field)
	if !eval[bool](b, holds) {
		t.Error("the refresh took back what was typed")
	}
	w.failing(nil)
	b.do(key("\t")) // anywhere
	eval[bool](b, fmt.Sprintf(`(document.getElementById(%q).focus(), true)`, field))
	b.do(key("!"))
	b.until("the words", fmt.Sprintf(`document.getElementById(%q).value.includes("Second.")`, field))
	for end := time.Now().Add(8 * time.Second); len(w.written()[0]) < len("First. Second.!"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("kept %q", w.written())
		}
	}
}
