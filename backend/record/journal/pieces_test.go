package journal_test

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/journal"
	. "postern/backend/record/recordtest"
)

// keeps keeps pieces, and says which were and what they were news of.
func keeps(t *testing.T, r *Replica, pieces ...[]byte) (kept []bool, news []care.ThreadID) {
	t.Helper()
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range pieces {
			k, n, err := r.Journal.KeepPiece(ctx, tx, p)
			if err != nil {
				return err
			}
			kept, news = append(kept, k), append(news, n...)
		}
		return nil
	})
	return kept, news
}

func isWanted(r *Replica, piece []byte) (is bool) {
	r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		is, err = r.Journal.Wanted(ctx, tx, event.PieceID(piece))
		return err
	})
	return is
}

// sendsFile is a story in which Maria sends a file.
func sendsFile(t *testing.T, content []byte) (*Story, *event.Event, [][]byte) {
	t.Helper()
	s := NewStory(t, Maria, "A rash", Monday)
	f, pieces := event.NewFile("rash.jpg", "image/jpeg", content)
	return s, s.Write(Maria, nil, event.SentBody{Text: "Look.", Files: []event.File{f}}), pieces
}

// Pieces and the event that names them come in any order, twice, and over a crash; a piece is kept once, and its thread is told.
func TestPieces(t *testing.T) {
	for name, first := range map[string]bool{"the event first": true, "the pieces first": false} {
		t.Run(name, func(t *testing.T) {
			r := NewReplica(t, nil)
			s, sent, pieces := sendsFile(t, append(bytes.Repeat([]byte("rash"), event.PieceSize/4), '!'))
			if len(pieces) != 2 {
				t.Fatal(len(pieces))
			}
			if first {
				r.Takes(LeeBox, s.All...)
				if !isWanted(r, pieces[0]) {
					t.Error("what is named and not here is not wanted")
				}
			}
			kept, news := keeps(t, r, pieces[0])
			if !kept[0] || (len(news) == 1) != first {
				t.Errorf("kept %v, news of %v", kept, news)
			}
			r.Crash()
			kept, news = keeps(t, r, pieces...)
			if !kept[0] || !kept[1] || (len(news) == 1) != first {
				t.Errorf("again kept %v, news of %v", kept, news)
			}
			if !first {
				r.Takes(LeeBox, s.All...)
			}
			r.Read(func(ctx context.Context, tx *sql.Tx) error {
				for _, p := range pieces {
					got, here, err := r.Journal.Piece(ctx, tx, event.PieceID(p))
					if err != nil || !here || !bytes.Equal(got, p) {
						t.Errorf("a piece is not here: %v", err)
					}
				}
				naming, err := r.Journal.Naming(ctx, tx, event.PieceID(pieces[0]))
				if err != nil || !slices.Equal(naming, []journal.Place{{Event: sent.ID, Thread: s.Thread}}) {
					t.Errorf("named by %v, %v", naming, err)
				}
				in, err := r.Journal.PiecesIn(ctx, tx, LeeBox)
				if err != nil || len(in) != len(sent.Pieces()) {
					t.Errorf("%d pieces belong into the mailbox, %v", len(in), err)
				}
				elsewhere, err := r.Journal.PiecesIn(ctx, tx, RamanBox)
				if err != nil || len(elsewhere) != 0 {
					t.Errorf("%d pieces belong into another mailbox, %v", len(elsewhere), err)
				}
				return nil
			})
		})
	}
}

// What nobody names has little room, and who fills it keeps out no file that somebody sent.
func TestLoosePiecesAreBounded(t *testing.T) {
	r := NewReplica(t, nil)
	junk := make([]byte, event.PieceSize)
	room := 0
	for i := range 40 {
		junk[0] = byte(i)
		kept, _ := keeps(t, r, junk)
		if !kept[0] {
			break
		}
		room++
	}
	if room != 16 {
		t.Errorf("%d pieces that nobody names have room", room)
	}
	s, _, pieces := sendsFile(t, []byte("a rash"))
	if kept, _ := keeps(t, r, pieces...); kept[0] {
		t.Error("there is room beyond the room")
	}
	r.Takes(LeeBox, s.All...)
	if kept, _ := keeps(t, r, pieces...); !kept[0] || isWanted(r, pieces[0]) {
		t.Error("a piece that is named has no room")
	}
	junk[0] = 0 // one that has room turns out to be somebody's
	f, more := event.NewFile("x.jpg", "image/jpeg", junk)
	r.Takes(LeeBox, s.Write(Maria, nil, event.SentBody{Text: "And this.", Files: []event.File{f}}))
	junk[0] = 99
	if kept, _ := keeps(t, r, junk); !kept[0] {
		t.Errorf("a piece of %d bytes that was named still takes room", len(more[0]))
	}
}

// A claim that is withdrawn names nothing any more; nor does what does not count.
func TestOnlyWhatCountsNamesPieces(t *testing.T) {
	r := NewReplica(t, nil)
	s, sent, pieces := sendsFile(t, []byte("a rash"))
	entries := r.Entries(LeeBox, sent)
	entries[0].Verdict = "waiting"
	r.Takes(LeeBox, s.All[0])
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := r.Journal.Append(ctx, tx, entries...)
		return err
	})
	if isWanted(r, pieces[0]) {
		t.Error("an event that waits has its files fetched")
	}
	entries[0].Verdict = "accepted"
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := r.Journal.Settle(ctx, tx, entries...)
		return err
	})
	if !isWanted(r, pieces[0]) {
		t.Error("an event that counts now does not have its files fetched")
	}
}
