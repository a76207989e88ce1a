package replica

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/outbox"
	"postern/backend/trust/seal"
)

// sendsFile is a message by the member that brings a file, in the thread that the contents open, and the pieces of that.
func (w *town) sendsFile(content []byte) (talk []seal.Content, pieces []seal.Content) {
	w.t.Helper()
	thread, talk := w.opens("It itches.")
	f, parts := event.NewFile("rash.jpg", "image/jpeg", content)
	for _, p := range parts {
		pieces = append(pieces, seal.Content{Type: seal.TypeBlob, Bytes: p})
	}
	return append(talk, w.signs(event.Event{Practice: w.member.Practice, Kind: event.Sent, As: w.marisol.Person.ID, For: w.marisol.Patient.ID, At: time.Now(), Thread: thread,
		To: []care.MailboxID{w.offices[0].Mailbox, w.marisol.Patient.Mailbox}, Dir: 1, Body: event.SentBody{Text: "Look.", Files: []event.File{f}}})), pieces
}

func hasPiece(t *testing.T, r *Replica, piece seal.Content) (here bool) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		here, err = r.Journal.HasPiece(t.Context(), tx, event.PieceID(piece.Bytes))
		return err
	}))
	return here
}

// Letters come newest first, or as they like: a file is whole in the end, whichever of its letters was first. Twice the same piece is one, and no
// other bytes are one.
func TestPiecesInAnyOrder(t *testing.T) {
	for name, order := range map[string][]int{"as sent": {0, 1, 2, 3, 4}, "newest first": {4, 3, 2, 1, 0}, "between": {3, 0, 1, 2, 4, 3, 3}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			r, sources := w.replica()
			box := w.offices[0].Mailbox
			must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
			talk, pieces := w.sendsFile(append(make([]byte, event.PieceSize), "the end"...))
			all := append(talk, pieces...)
			var told []care.ThreadID
			r.Changed = func(threads []care.ThreadID, _, _ bool) { told = append(told, threads...) }
			for _, i := range order {
				told = nil
				must(t, takesIn(t.Context(), sources[box], w.letters(box, all[i])))
				if i >= 3 && order[0] == 0 && len(told) == 0 {
					t.Error("nobody is told that a file has come further")
				}
			}
			for i, p := range pieces {
				if !hasPiece(t, r, p) {
					t.Errorf("piece %d is not here", i)
				}
			}
			if all := quarantined(t, r); len(all) != 0 {
				t.Errorf("in quarantine: %+v", all)
			}
		})
	}
}

// What strangers seal to a mailbox as pieces of nothing fills little, and pushes nobody's file out: a piece that finds no room stays in the
// mailbox, and is fetched again when a message that counts names it.
func TestStrangersPieces(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	for i := range 17 {
		junk := make([]byte, event.PieceSize)
		junk[0] = byte(i)
		must(t, takesIn(t.Context(), src, w.letters(box, seal.Content{Type: seal.TypeBlob, Bytes: junk})))
	}
	odd := w.letters(box, seal.Content{Type: seal.TypeBlob}, seal.Content{Type: seal.TypeBlob, Bytes: make([]byte, event.PieceSize+1)})
	must(t, takesIn(t.Context(), src, odd))
	if all := quarantined(t, r); len(all) != 2 {
		t.Errorf("of two sizes that no piece has %d are in quarantine", len(all))
	}
	talk, pieces := w.sendsFile([]byte("a rash"))
	letters := w.letters(box, pieces...)
	must(t, takesIn(t.Context(), src, letters))
	if hasPiece(t, r, pieces[0]) || len(wanted(t, src, letters)) != 0 {
		t.Fatal("there is room where none should be, or it is fetched again and again")
	}
	must(t, takesIn(t.Context(), src, w.letters(box, talk...)))
	if len(wanted(t, src, letters)) != 1 {
		t.Fatal("a piece that a message names now is not fetched again")
	}
	must(t, takesIn(t.Context(), src, letters))
	if !hasPiece(t, r, pieces[0]) {
		t.Error("it did not come")
	}
}

// A piece is sealed and sent as what it is, behind its event; that it was refused is said of the message that brought it.
func TestSendingPieces(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	talk, pieces := w.sendsFile([]byte("a rash"))
	must(t, takesIn(t.Context(), sources[box], w.letters(box, append(talk, pieces...)...)))
	thread, message := event.IDOf(talk[0].Bytes), event.IDOf(talk[2].Bytes)
	l := outbox.Letter{Event: event.PieceID(pieces[0].Bytes), Mailbox: box, Thread: thread, Added: time.Now()}
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error { return r.Outbox.Add(t.Context(), tx, l) }))
	must(t, r.seal(t.Context(), &l, w.key(box)))
	opened, err := r.ring().Open(l.Sealed)
	must(t, err)
	if opened.Type != seal.TypeBlob || !slices.Equal(opened.Bytes, pieces[0].Bytes) {
		t.Errorf("sealed is a %d of %d bytes", opened.Type, len(opened.Bytes))
	}
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		about, err := r.about(t.Context(), tx, l)
		if len(about) != 1 || about[0].ID != message {
			t.Errorf("it is about %v", about)
		}
		return err
	}))
	must(t, takesIn(t.Context(), sources[box], w.letters(box, pieces...)))
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		all, err := r.Outbox.ByThread(t.Context(), tx, thread)
		if len(all) != 1 || all[0].State != outbox.Confirmed {
			t.Errorf("the letter is %+v", all)
		}
		return err
	}))
	l.Event = care.EventID{9}
	if err := r.seal(t.Context(), &l, w.key(box)); care.KindOf(err) != care.Corrupt {
		t.Errorf("a letter of nothing: %v", err)
	}
}
