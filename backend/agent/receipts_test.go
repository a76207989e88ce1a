package agent

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/promise"
	"postern/backend/command"
	"postern/backend/record/recordtest"
)

type clinic struct{ *recordtest.Clinic }

func (clinic) Version() int                            { return 1 }
func (clinic) Readers(care.PatientID) []care.MailboxID { return []care.MailboxID{recordtest.MariaBox} }

type signer struct{ key care.KeyID }

func (signer) Sign([]byte) []byte { return make([]byte, 64) }
func (s signer) Key() care.KeyID  { return s.key }

// window is one computer of Dr. Lee's office, with a message of a member's that nobody has confirmed.
type window struct {
	*Receipts
	t      *testing.T
	r      *recordtest.Replica
	story  *recordtest.Story
	inStep bool
	passed time.Duration
}

// opens a window whose computer's clock says something; the message came at 9 on Monday all the same.
func opens(t *testing.T, who recordtest.Someone, now func() time.Time) *window {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	w := &window{t: t, r: r, inStep: true}
	w.Receipts = &Receipts{Log: slog.New(slog.DiscardHandler), InStep: func() bool { return w.inStep },
		elapsed: func() time.Duration { return w.passed }, Desk: &command.Desk{
			DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
			Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{who.Key},
			Me: who.Person, Now: now, Wake: func(command.Change) {}}}
	w.story = recordtest.NewStory(t, recordtest.Maria, "A rash", recordtest.Monday)
	w.story.Says(recordtest.Maria, "It itches.")
	r.Takes(recordtest.LeeBox, w.story.All...)
	w.begin()
	return w
}

// wrong are clocks of computers: right, three days ahead, three days behind.
var wrong = map[string]func() time.Time{
	"right":  func() time.Time { return recordtest.Monday.Add(time.Hour) },
	"ahead":  func() time.Time { return recordtest.Monday.Add(72 * time.Hour) },
	"behind": func() time.Time { return recordtest.Monday.Add(-72 * time.Hour) },
}

// received is when the window's record says that the message was received, and due.
func (w *window) received() (received, due time.Time) {
	w.t.Helper()
	w.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := w.r.Journal.Thread(ctx, tx, w.story.Thread)
		for _, e := range entries {
			if b, is := e.Event.Body.(event.ReceivedBody); is {
				received, due = b.Received, b.Due
			}
		}
		return err
	})
	return received, due
}

// receipts is how many this window's record holds.
func (w *window) receipts() (n int) {
	w.t.Helper()
	w.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := w.r.Journal.Thread(ctx, tx, w.story.Thread)
		for _, e := range entries {
			if e.Event.Kind == event.Received {
				n++
			}
		}
		return err
	})
	return n
}

// The agent confirms at once and once, and what it promises is counted from the mail system's date, whatever its own
// computer's clock says.
func TestOnce(t *testing.T) {
	for name, now := range wrong {
		w := opens(t, recordtest.Agent, now)
		for range 2 {
			if err := w.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		arrived := w.story.All[1].At.Add(time.Second)
		want := arrived.AddDate(0, 0, 2) // 18 business hours from Monday, 9 am
		if received, due := w.received(); w.receipts() != 1 || !received.Equal(arrived) || !due.Equal(want) {
			t.Errorf("clock %s: %d receipts, received %v, due %v", name, w.receipts(), received, due)
		}
	}
}

// A staff window that signs in does not confirm what somebody else has confirmed and it has not read yet: its patience
// begins when its mailboxes have been read, not when the message came. No wall clock stretches it.
func TestPatienceBegins(t *testing.T) {
	for name, now := range wrong {
		w := opens(t, recordtest.Rosa, now)
		w.Patience, w.inStep = time.Minute, false
		thread := []care.ThreadID{w.story.Thread}
		for range 5 { // not in step, for ten minutes
			w.look(t.Context(), thread)
			w.passed += 2 * time.Minute
		}
		w.look(t.Context(), thread)
		if n := w.receipts(); n != 0 {
			t.Fatal("confirmed what it cannot know of")
		}
		w.inStep = true
		w.look(t.Context(), thread)
		w.passed += 59 * time.Second
		w.look(t.Context(), w.ripe())
		if n := w.receipts(); n != 0 {
			t.Fatal("it had no patience")
		}
		w.passed += 62 * time.Second
		w.look(t.Context(), w.ripe())
		if n := w.receipts(); n != 1 {
			t.Errorf("clock %s: %d receipts after two minutes in step", name, n)
		}
		w.look(t.Context(), thread)
		if len(w.first) != 0 || len(w.due) != 0 {
			t.Errorf("what is confirmed is remembered: %v %v", w.first, w.due)
		}
	}
}

// While the clinic's calendar cannot be read nothing is promised; it is tried again by itself.
func TestNoCalendar(t *testing.T) {
	w := opens(t, recordtest.Agent, wrong["right"])
	readable := w.Desk.Clock
	w.Desk.Clock = func() *promise.Clock { return promise.None(care.Calendar{}) }
	w.look(t.Context(), []care.ThreadID{w.story.Thread})
	if w.receipts() != 0 || len(w.due) != 1 {
		t.Fatalf("%d receipts, looks again at %v", w.receipts(), w.due)
	}
	w.Desk.Clock = readable
	w.passed += time.Minute
	w.look(t.Context(), w.ripe())
	if w.receipts() != 1 {
		t.Error("it is not tried again")
	}
}

// Two computers do not speak at the same moment: the second sees the first one's receipt.
func TestByChance(t *testing.T) {
	message := care.EventID{0x12, 0x34}
	left := map[time.Duration]bool{}
	for _, who := range []recordtest.Someone{recordtest.Rosa, recordtest.DrLee, recordtest.Sam} {
		d := opens(t, who, wrong["right"]).left(message, time.Minute)
		if d < time.Minute || d >= 2*time.Minute {
			t.Errorf("waits %v", d)
		}
		left[d.Round(time.Second)] = true
	}
	if len(left) < 3 {
		t.Errorf("they speak at once: %v", left)
	}
}

// What this desk may not confirm is not tried again and again.
func TestRefused(t *testing.T) {
	w := opens(t, recordtest.Rosa, func() time.Time { return recordtest.Monday })
	w.r.Clinic.Known[recordtest.Rosa.Key] = w.r.Clinic.Known[recordtest.Maria.Key]
	w.look(t.Context(), []care.ThreadID{w.story.Thread})
	if len(w.due) != 0 || w.receipts() != 0 {
		t.Errorf("%d receipts, tried again at %v", w.receipts(), w.due)
	}
}

// Run confirms what changes bring, and ends with its channel.
func TestRun(t *testing.T) {
	w := opens(t, recordtest.Agent, time.Now)
	changes := make(chan command.Change)
	var run sync.WaitGroup
	run.Go(func() {
		if err := w.Run(t.Context(), changes); err != nil {
			t.Error(err)
		}
	})
	more := w.story.Says(recordtest.Maria, "It itches more.")
	w.r.Takes(recordtest.LeeBox, more)
	changes <- command.Change{Threads: []care.ThreadID{w.story.Thread}}
	close(changes)
	run.Wait()
	if n := w.receipts(); n != 2 {
		t.Errorf("%d receipts", n)
	}
}
