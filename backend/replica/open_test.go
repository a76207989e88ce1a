package replica

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/record/journal"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// open opens letters as one batch.
func open(t *testing.T, s *source, letters []fetch.Letter) fetch.Batch {
	t.Helper()
	b, err := s.Open(t.Context(), letters)
	must(t, err)
	return b
}

// entry is what the journal has of an event.
func entry(t *testing.T, r *Replica, id care.EventID) (e journal.Entry, has bool) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		e, has, err = r.Journal.Event(t.Context(), tx, id)
		return err
	}))
	return e, has
}

// A batch is opened while the one before it is stored, and judged by the documents which that one brings: its events count
// at once, and one whose signature does not hold is refused, though nobody's key was known as they were opened.
func TestJudgedByTheBatchBefore(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	thread, talk := w.opens("Mine.")
	forged := talk[1]
	forged.Signature = make([]byte, 64)
	_, other := w.opens("Another.")
	other[1].Signature = make([]byte, 64)

	documents := open(t, src, w.letters(box, contents(w.published(box))...))
	letters := open(t, src, w.letters(box, append(talk, forged, other[1])...))
	must(t, documents.Store(t.Context()))
	must(t, letters.Store(t.Context()))

	if e, has := entry(t, r, event.IDOf(talk[1].Bytes)); !has || e.Verdict != fold.Accepted {
		t.Errorf("the message: %v %q", has, e.Verdict)
	}
	if got := flags(t, r, thread); got != "" {
		t.Errorf("flagged %q", got)
	}
	if _, has := entry(t, r, event.IDOf(other[1].Bytes)); has {
		t.Error("a forged message is in the journal")
	}
	if n := len(quarantined(t, r)); n != 2 {
		t.Errorf("%d of 2 are in quarantine", n)
	}
}

// What was found of a signature as a batch was opened decides nothing else: who may write what is asked of the book that
// is the newest as it is stored.
func TestJudgedByTheNewestBook(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	thread, talk := w.opens("Mine.")
	letters := open(t, src, w.letters(box, talk...))

	must(t, w.reg.SetRelations(t.Context(), w.marisol.Patient.ID, w.relation[1:]))
	var ended directory.Document
	for _, to := range w.reg.Publish() {
		for _, d := range to.Docs {
			if d.Kind == directory.KindRoster {
				ended = d
			}
		}
	}
	must(t, takesIn(t.Context(), src, w.letters(box, ended.Content())))
	must(t, letters.Store(t.Context()))
	if got := flags(t, r, thread); got != directory.FlagNoRelation {
		t.Errorf("flagged %q", got)
	}
}

// A batch whose storing fails leaves nothing, and what was opened beside it neither: both are fetched again, and the
// same events may come in two batches that are opened at once.
func TestNothingIsKeptOfWhatIsNotStored(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	var batches []fetch.Batch
	var all []seal.Content
	var letters [][]fetch.Letter
	for range 2 {
		_, talk := w.opens("Mine.")
		all = append(all, talk...)
		letters = append(letters, w.letters(box, all...)) // the second has the first's again
		batches = append(batches, open(t, src, letters[len(letters)-1]))
	}
	lacks := func(l []fetch.Letter) (n int) {
		known, err := src.Known(t.Context(), "INBOX", 1, 1)
		must(t, err)
		for _, l := range l {
			if !known(l.UID) {
				n++
			}
		}
		return n
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Open(cancelled, letters[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("opened though it is over: %v", err)
	}
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "CREATE TRIGGER full BEFORE INSERT ON fetched BEGIN SELECT RAISE(ABORT, 'full'); END")
		return err
	}))
	if err := batches[0].Store(t.Context()); err == nil {
		t.Fatal("stored though there is no room")
	}
	for _, c := range all {
		if _, has := entry(t, r, event.IDOf(c.Bytes)); has {
			t.Error("an event is there whose letter is not stored")
		}
	}
	if n := lacks(letters[0]) + lacks(letters[1]); n != 6 {
		t.Errorf("%d of 6 letters are to be fetched", n)
	}
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "DROP TRIGGER full")
		return err
	}))
	first, second := open(t, src, letters[0]), open(t, src, letters[1])
	must(t, first.Store(t.Context()))
	must(t, second.Store(t.Context()))
	for _, c := range all {
		if e, has := entry(t, r, event.IDOf(c.Bytes)); !has || e.Verdict != fold.Accepted {
			t.Errorf("an event is missing: %v %q", has, e.Verdict)
		}
	}
	if n := lacks(letters[0]) + lacks(letters[1]); n != 0 {
		t.Errorf("%d letters are still to be fetched", n)
	}
}
