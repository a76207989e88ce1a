// Package journal keeps the signed bytes of every event that this replica holds, the pieces of the files that they name, and what it
// knows of each mailbox.
//
// It promises that an event is stored once whatever the number of its letters, that what is folded from it changes in
// the same transaction, and that nothing signed is ever rewritten. It judges nobody: verdicts are handed in.
package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/store"
)

// Projector keeps what is folded from the journal.
type Projector interface {
	// From hands it its source: the accepted events of some threads, and all threads. Called once, by New.
	From(events func(context.Context, *sql.Tx, []care.ThreadID) (map[care.ThreadID][]*event.Event, error),
		threads func(context.Context, *sql.Tx) ([]care.ThreadID, error))
	// Refold makes what is kept of these threads anew, in the caller's transaction.
	Refold(ctx context.Context, tx *sql.Tx, threads []care.ThreadID) error
}

// Entry is one event with what this replica knows of it.
type Entry struct {
	Event   *event.Event // shared and read only; where a newer Postern wrote it, what event.Decode can read of it
	ID      care.EventID
	Raw     []byte
	Sig     []byte
	Mailbox care.MailboxID // where it was seen; empty: written here. Of several, where it was first
	Source  string
	Arrived time.Time // the server's date of that copy
	Verdict fold.Verdict
	Reason  string

	no int64
}

// Journal is a profile's journal. It is safe for concurrent use.
type Journal struct {
	db        *store.DB
	projector Projector
	decoded   decoded
}

// New makes a journal over an open file and hands itself to the projector.
func New(db *store.DB, p Projector) *Journal {
	j := &Journal{db: db, projector: p}
	p.From(j.events, j.Threads)
	return j
}

// maxSignatures bounds how many signatures are kept beside an event that waits for its author to become known.
const maxSignatures = 8

// Append stores events, each once, and notes in which mailbox each was seen: of a known event that is all. Events that
// are new and accepted, or that waited and are accepted now, change what is folded of their threads in the same
// transaction. It returns the ids of those that are new or count from now on. It may run any number of times.
func (j *Journal) Append(ctx context.Context, tx *sql.Tx, entries ...Entry) (added []care.EventID, err error) {
	ctx = context.WithoutCancel(ctx) // once begun, a write is not cut short; and statements are faster so
	a, err := j.appending(ctx, tx)
	if err != nil {
		return nil, err
	}
	defer a.close()
	var touched []care.ThreadID
	for i := range entries {
		e := &entries[i]
		is, err := a.one(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("append event %s: %w", e.ID, err)
		}
		if is {
			added = append(added, e.ID)
		}
		if is && e.Verdict == fold.Accepted && e.Event != nil {
			j.decoded.put(e.Event)
			if t := threadOf(e); !t.IsZero() {
				touched = append(touched, t)
			}
		}
	}
	return added, j.refold(ctx, tx, touched)
}

func (j *Journal) refold(ctx context.Context, tx *sql.Tx, threads []care.ThreadID) error {
	if len(threads) == 0 {
		return nil
	}
	return j.projector.Refold(ctx, tx, care.SortEventIDs(threads))
}

func threadOf(e *Entry) care.ThreadID {
	switch {
	case e.Event == nil:
		return care.ThreadID{}
	case e.Event.Kind == event.Opened:
		return e.ID
	}
	return e.Event.Thread
}

// appending holds the prepared statements of one Append.
type appending struct {
	tx                                         *sql.Tx
	insert, known, sighting, accept, signature *sql.Stmt
	all                                        []*sql.Stmt
}

func (j *Journal) appending(ctx context.Context, tx *sql.Tx) (*appending, error) {
	a := &appending{tx: tx}
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&a.insert, "INSERT INTO event (id, thread, raw, sig, verdict, reason, awaits) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"},
		{&a.known, "SELECT no, sig, verdict FROM event WHERE id = ?"},
		{&a.sighting, "INSERT INTO sighting (event, mailbox, source, arrived) VALUES (?, ?, ?, ?) " +
			"ON CONFLICT (event, mailbox) DO UPDATE SET source = excluded.source, arrived = excluded.arrived WHERE excluded.arrived < arrived"},
		{&a.accept, "UPDATE event SET sig = ?, verdict = 'accepted', reason = ?, awaits = x'' WHERE no = ?"},
		{&a.signature, "INSERT INTO signature (event, sig) SELECT ?1, ?2 WHERE (SELECT count(*) FROM signature WHERE event = ?1) < ?3 " +
			"ON CONFLICT (event, sig) DO NOTHING"},
	} {
		stmt, err := tx.PrepareContext(ctx, s.text)
		if err != nil {
			a.close()
			return nil, fmt.Errorf("prepare to append: %w", err)
		}
		*s.to = stmt
		a.all = append(a.all, stmt)
	}
	return a, nil
}

func (a *appending) close() {
	for _, s := range a.all {
		_ = s.Close() // it ends with its transaction anyway
	}
}

// one stores an entry and reports whether it is new, or counts from now on.
func (a *appending) one(ctx context.Context, e *Entry) (bool, error) {
	done, err := a.insert.ExecContext(ctx, e.ID[:], store.Blob(threadOf(e)), solid(e.Raw), solid(e.Sig), string(e.Verdict), e.Reason, awaits(e))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 1 {
		no, err := done.LastInsertId()
		if err != nil {
			return false, err
		}
		if err := names(ctx, a.tx, no, e); err != nil {
			return false, err
		}
		return true, a.seen(ctx, no, e)
	}
	var no int64
	var sig []byte
	var verdict fold.Verdict
	if err := a.known.QueryRowContext(ctx, e.ID[:]).Scan(&no, &sig, &verdict); err != nil {
		return false, err
	}
	if err := a.seen(ctx, no, e); err != nil || verdict == fold.Accepted {
		return false, err
	}
	switch {
	case e.Verdict == fold.Accepted: // this copy's signature holds, or its author is known now
		if _, err := a.accept.ExecContext(ctx, solid(e.Sig), e.Reason, no); err != nil {
			return false, err
		}
		return true, names(ctx, a.tx, no, e)
	case verdict == fold.Waiting && e.Verdict == fold.Waiting && !bytes.Equal(sig, e.Sig):
		_, err := a.signature.ExecContext(ctx, no, solid(e.Sig), maxSignatures)
		return false, err
	}
	return false, nil
}

func (a *appending) seen(ctx context.Context, no int64, e *Entry) error {
	_, err := a.sighting.ExecContext(ctx, no, string(e.Mailbox), e.Source, store.Millis(e.Arrived))
	return err
}

// solid keeps an empty blob from becoming NULL.
func solid(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// awaits is whose key a waiting event waits for.
func awaits(e *Entry) []byte {
	if e.Verdict != fold.Waiting || e.Event == nil {
		return []byte{}
	}
	return store.Blob(e.Event.Author)
}

// Awaited gives the keys that events wait for, each once; the zero key stands for those whose author cannot be read yet.
func (j *Journal) Awaited(ctx context.Context, tx *sql.Tx) (all []care.KeyID, err error) {
	err = store.Each(ctx, tx, "SELECT DISTINCT awaits FROM event WHERE verdict = 'waiting' ORDER BY awaits", nil, func(rows *sql.Rows) error {
		var key care.KeyID
		err := rows.Scan(store.ID(&key))
		all = append(all, key)
		return err
	})
	return all, err
}

// Waiting says how many events of a mailbox wait, and how many bytes they have.
func (j *Journal) Waiting(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) (events int, bytes int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(length(e.raw)), 0) FROM event e JOIN sighting s ON s.event = e.no "+
		"WHERE e.verdict = 'waiting' AND s.mailbox = ?", string(mailbox)).Scan(&events, &bytes)
	if err != nil {
		return 0, 0, fmt.Errorf("count what waits: %w", err)
	}
	return events, bytes, nil
}

// page is how many waiting events are read at once.
const page = 200

// Unsettled gives the events that wait for a key, oldest first: one entry for each signature that came with an event's
// bytes. It gives a page of them, those behind a mark; next is the mark for the page after, 0 behind the last.
func (j *Journal) Unsettled(ctx context.Context, tx *sql.Tx, key care.KeyID, behind int64) (all []Entry, next int64, err error) {
	waiting, err := j.entries(ctx, tx, "e.no IN (SELECT no FROM event WHERE verdict = 'waiting' AND awaits = ? AND no > ? ORDER BY no LIMIT ?)",
		store.Blob(key), behind, page)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range waiting {
		all = append(all, e)
		more, err := signatures(ctx, tx, e.ID)
		if err != nil {
			return nil, 0, err
		}
		for _, sig := range more {
			e.Sig = sig
			all = append(all, e)
		}
	}
	if len(waiting) == page {
		next = waiting[page-1].no
	}
	return all, next, nil
}

func signatures(ctx context.Context, tx *sql.Tx, id care.EventID) (all [][]byte, err error) {
	err = store.Each(ctx, tx, "SELECT s.sig FROM signature s JOIN event e ON e.no = s.event WHERE e.id = ? ORDER BY s.sig", []any{id[:]}, func(rows *sql.Rows) error {
		var sig []byte
		err := rows.Scan(&sig)
		all = append(all, sig)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the signatures of %s: %w", id, err)
	}
	return all, nil
}

// Settle gives entries of Unsettled the verdicts and reasons that they carry now. Accepted: the event counts from now on,
// with that entry's signature, and its thread is folded again, once. Refused: it is refused once none of its signatures is
// left. It passes over events that no longer wait. It returns the threads that were folded.
func (j *Journal) Settle(ctx context.Context, tx *sql.Tx, entries ...Entry) (changed []care.ThreadID, err error) {
	ctx = context.WithoutCancel(ctx) // as Append
	for i := range entries {
		counts, err := settle(ctx, tx, &entries[i])
		if err != nil {
			return nil, err
		}
		if t := threadOf(&entries[i]); counts && !t.IsZero() {
			changed = append(changed, t)
		}
	}
	changed = care.SortEventIDs(changed)
	return changed, j.refold(ctx, tx, changed)
}

// settle reports whether the event counts from now on.
func settle(ctx context.Context, tx *sql.Tx, e *Entry) (bool, error) {
	var no int64
	var sig []byte
	err := tx.QueryRowContext(ctx, "SELECT no, sig FROM event WHERE id = ? AND verdict = 'waiting'", e.ID[:]).Scan(&no, &sig)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find waiting event %s: %w", e.ID, err)
	}
	switch e.Verdict {
	case fold.Accepted:
		if _, err := tx.ExecContext(ctx, "UPDATE event SET sig = ?, verdict = 'accepted', reason = ?, awaits = x'' WHERE no = ?",
			solid(e.Sig), e.Reason, no); err != nil {
			return false, fmt.Errorf("accept event %s: %w", e.ID, err)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM signature WHERE event = ?", no); err != nil {
			return false, fmt.Errorf("accept event %s: %w", e.ID, err)
		}
		return true, names(ctx, tx, no, e)
	case fold.Refused:
		return false, refuse(ctx, tx, no, bytes.Equal(sig, e.Sig), e)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE event SET reason = ?, awaits = ? WHERE no = ?", e.Reason, awaits(e), no); err != nil {
		return false, fmt.Errorf("let event %s wait: %w", e.ID, err)
	}
	return false, nil
}

// refuse drops one signature of a waiting event. With the last one the event is refused.
func refuse(ctx context.Context, tx *sql.Tx, no int64, first bool, e *Entry) error {
	text, args := "DELETE FROM signature WHERE event = ? AND sig = ?", []any{no, solid(e.Sig)}
	if first {
		more, err := signatures(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		if len(more) == 0 {
			text, args = "UPDATE event SET verdict = 'refused', reason = ?, awaits = x'' WHERE no = ?", []any{e.Reason, no}
		} else {
			if _, err := tx.ExecContext(ctx, "UPDATE event SET sig = ? WHERE no = ?", more[0], no); err != nil {
				return fmt.Errorf("take the next signature of %s: %w", e.ID, err)
			}
			args = []any{no, more[0]}
		}
	}
	if _, err := tx.ExecContext(ctx, text, args...); err != nil {
		return fmt.Errorf("refuse event %s: %w", e.ID, err)
	}
	return nil
}

// Withdraw takes an event back that was written here and that nobody can have received, and folds its thread without it.
// care.Conflict if it was seen in a mailbox; care.NotFound if it is not here.
func (j *Journal) Withdraw(ctx context.Context, tx *sql.Tx, id care.EventID) error {
	e, ok, err := j.Event(ctx, tx, id)
	if err != nil {
		return err
	}
	if !ok {
		return care.Refusef(care.NotFound, "This is not on this computer.")
	}
	if e.Mailbox != "" {
		return care.Refusef(care.Conflict, "It is already on its way.")
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM event WHERE id = ?", id[:]); err != nil {
		return fmt.Errorf("withdraw event %s: %w", id, err)
	}
	return j.refold(ctx, tx, []care.ThreadID{threadOf(&e)})
}
