package replica

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"postern/backend/care"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
)

func hasDocuments(opened [][]taken) bool {
	for _, ts := range opened {
		for _, t := range ts {
			if t.doc != nil {
				return true
			}
		}
	}
	return false
}

// learn takes the documents among the letters into the newest book, and says what they brought. A document that does
// not verify is set aside: anybody who knows a mailbox's key can mail one. It is verified by the book that has them all:
// the certificates of its signer may come in itself.
func (s *source) learn(was *directory.Book, opened [][]taken) []directory.Change {
	var docs []directory.Document
	for _, ts := range opened {
		for _, t := range ts {
			if t.doc != nil {
				docs = append(docs, *t.doc)
			}
		}
	}
	book, changes, err := was.With(docs...)
	if err != nil {
		s.r.Log.Warn("part of a document of the practice was refused", "mailbox", s.login.Mailbox, "err", err)
	}
	for _, c := range changes {
		if c.Alarm != "" {
			s.r.Log.Error("the practice's documents contradict each other", "kind", c.Kind, "about", c.Key, "alarm", c.Alarm)
		}
	}
	for i := range opened {
		for j := range opened[i] {
			t := &opened[i][j]
			if t.doc == nil {
				continue
			}
			if err := book.Verify(*t.doc); err != nil {
				t.refused = s.quarantined("", 0, 0, len(t.doc.Bytes), sha256.Sum256(t.doc.Bytes), "a document that does not hold: "+err.Error(), nil)
				t.doc = nil
			}
		}
	}
	s.r.Books.set(book)
	return changes
}

// renew judges again what the documents have changed, in the transaction that stores them, so that no crash leaves what is
// shown behind what is known. A roster changes its patient's conversations alone; only the others change all, so that a
// first sync with a roster for each patient does not fold everything for each of them.
func (s *source) renew(ctx context.Context, tx *sql.Tx, brought []directory.Change) ([]care.ThreadID, error) {
	settled, err := s.settle(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, c := range brought {
		if c.Kind == directory.KindDirectory || c.Kind == directory.KindCare {
			all, err := s.r.Journal.Threads(ctx, tx)
			if err != nil {
				return nil, err
			}
			return settled, s.r.Projection.Refold(ctx, tx, all)
		}
	}
	var about []care.ThreadID
	for _, c := range brought {
		if c.Kind != directory.KindRoster {
			continue // a certificate: what waited for it is settled
		}
		threads, err := threadsAbout(ctx, tx, care.PatientID(c.Key))
		if err != nil {
			return nil, err
		}
		about = append(about, threads...)
	}
	return append(settled, about...), s.r.Projection.Refold(ctx, tx, care.SortEventIDs(about))
}

func threadsAbout(ctx context.Context, tx *sql.Tx, patient care.PatientID) (all []care.ThreadID, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT DISTINCT thread FROM part WHERE patient = ?", string(patient))
	if err != nil {
		return nil, fmt.Errorf("find a patient's threads: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t care.ThreadID
		if err := rows.Scan(store.ID(&t)); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// settle judges again what waited for the directory.
func (s *source) settle(ctx context.Context, tx *sql.Tx) ([]care.ThreadID, error) {
	waiting, err := s.r.Journal.Unsettled(ctx, tx)
	if err != nil {
		return nil, err
	}
	book := s.r.Books.Book()
	var changed []care.ThreadID
	for i := range waiting {
		e := &waiting[i]
		v, reason := verdict(book, "", e)
		if v == e.Verdict && reason == e.Reason {
			continue
		}
		if err := s.r.Journal.Settle(ctx, tx, *e, v, reason); err != nil {
			return nil, err
		}
		changed = append(changed, threadOf(e.Event))
	}
	return changed, nil
}
