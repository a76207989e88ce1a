package frontend_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/backend/care/fold"
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
	for end := time.Now().Add(patience); !slices.Contains(b.written(), text); time.Sleep(10 * time.Millisecond) {
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
	for end := time.Now().Add(patience); len(w.written()) == 0; {
		if time.Now().After(end) {
			t.Fatalf("%s of typing were not saved", patience)
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
	for end := time.Now().Add(patience); len(w.written()[0]) < len("First. Second.!"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("kept %q", w.written())
		}
	}
}

// TestAnOlderSaveArrivesLast: a save is under way when the review is asked for, and reaches Postern after it. What was
// reviewed is what is sent.
func TestAnOlderSaveArrivesLast(t *testing.T) {
	w := newWorld()
	held, release, ended := make(chan bool), make(chan bool), make(chan bool)
	w.before = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/drafts/") {
				next.ServeHTTP(rw, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if form, _ := url.ParseQuery(string(body)); form.Get("text") == "Should I" {
				close(held)
				<-release
				defer close(ended)
				r = r.WithContext(context.WithoutCancel(r.Context())) // the browser gave it up; Postern had begun with it
			}
			next.ServeHTTP(rw, r)
		})
	}
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "Should I")
	<-held
	b.do(key(" stop it?"))
	b.button("Review reply")
	b.sees("Should I stop it?")
	b.sees("Go back and edit")
	close(release)
	<-ended
	b.button("Send reply")
	b.button("Send now")
	b.sees("Should I stop it?")
}

// TestTheCaretStays: whom the conversation awaits changes twice under the hands of somebody who writes. No key is lost.
func TestTheCaretStays(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "That")
	for i, side := range []fold.Side{fold.Office, fold.Member, fold.Office} {
		w.awaits(id("pressure"), side)
		b.until("the other shape", fmt.Sprintf(`document.querySelector(".replybox").classList.contains("is-more") === %v`, side == fold.Office))
		b.until("two frames", `(window.frames2 ??= new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))).then(() => (window.framed = true)), window.framed === true)`)
		eval[bool](b, `(window.frames2 = undefined, window.framed = false, true)`)
		b.do(key(fmt.Sprint(" ", i)))
		b.until("the words", fmt.Sprintf(`document.getElementById(%q).value === %q && document.activeElement.id === %[1]q`, field, "That 0 1 2"[:6+2*i]))
	}
}
