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
	now    func() time.Time
}

func opens(t *testing.T, who recordtest.Someone, now func() time.Time) *window {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	w := &window{t: t, r: r, inStep: true, now: now}
	w.Receipts = &Receipts{Log: slog.New(slog.DiscardHandler), InStep: func() bool { return w.inStep }, Desk: &command.Desk{
		DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
		Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{who.Key},
		Me: who.Person, Now: now, Wake: func(command.Change) {}}}
	w.story = recordtest.NewStory(t, recordtest.Maria, "A rash", now().Add(-time.Hour))
	w.story.Says(recordtest.Maria, "It itches.")
	r.Takes(recordtest.LeeBox, w.story.All...)
	return w
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

// The agent confirms at once and once, whatever the mail system's clock says.
func TestOnce(t *testing.T) {
	now := recordtest.Monday.Add(-2 * time.Hour) // the message came later than it is
	w := opens(t, recordtest.Agent, func() time.Time { return recordtest.Monday })
	w.Desk.Now = func() time.Time { return now }
	for range 2 {
		if err := w.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.receipts(); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

// A staff window that signs in does not confirm what somebody else has confirmed and it has not read yet: its patience
// begins when its mailboxes have been read, not when the message came.
func TestPatienceBegins(t *testing.T) {
	now := recordtest.Monday
	w := opens(t, recordtest.Rosa, func() time.Time { return now })
	w.Patience, w.inStep = time.Minute, false
	w.due, w.begun = map[care.ThreadID]time.Time{}, now
	thread := []care.ThreadID{w.story.Thread}
	for range 5 { // not in step, for ten minutes
		w.look(t.Context(), thread)
		now = now.Add(2 * time.Minute)
	}
	w.look(t.Context(), thread)
	if n := w.receipts(); n != 0 {
		t.Fatal("confirmed what it cannot know of")
	}
	w.inStep = true
	w.look(t.Context(), thread)
	now = now.Add(59 * time.Second)
	w.look(t.Context(), w.ripe())
	if n := w.receipts(); n != 0 {
		t.Fatal("it had no patience")
	}
	now = now.Add(62 * time.Second)
	w.look(t.Context(), w.ripe())
	if n := w.receipts(); n != 1 {
		t.Errorf("%d receipts after two minutes in step", n)
	}
}

// Two computers do not speak at the same moment: the second sees the first one's receipt.
func TestByChance(t *testing.T) {
	now := recordtest.Monday
	message := care.EventID{0x12, 0x34}
	left := map[time.Duration]bool{}
	for _, who := range []recordtest.Someone{recordtest.Rosa, recordtest.DrLee, recordtest.Sam} {
		w := opens(t, who, func() time.Time { return now })
		w.begun = now
		d := w.left(message, now, time.Minute)
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
	w.due = map[care.ThreadID]time.Time{}
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
