package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Letter is one event on its way to one mailbox.
type Letter struct {
	Event    care.EventID
	Mailbox  care.MailboxID
	Thread   care.ThreadID
	Sealed   []byte // nil until it is sealed, and again once the mail system has it
	SealedAt time.Time
	State    string
	Tries    int
	Gone     bool      // a try had no end: the mail system may have it, though nobody said so
	Next     time.Time // waiting: not before
	Reason   string    // the mail system's last words
	Added    time.Time
}

// The states of a letter.
const (
	Waiting    = "waiting"    // to be submitted, not before Next
	Submitting = "submitting" // its submission began; after a crash nobody knows whether the server took it, so it is sent again
	Handed     = "handed"     // the mail system said that it has it
	Confirmed  = "confirmed"  // it was seen in the mailbox
	Failed     = "failed"     // refused for good
)

const letterColumns = "event, mailbox, thread, sealed, sealed_at, state, tries, gone, next, reason, added"

// Add queues letters. One that is here for the same event and mailbox stays as it is. An empty State is Waiting.
func (o *Outbox) Add(ctx context.Context, tx *sql.Tx, letters ...Letter) error {
	for _, l := range letters {
		if l.State == "" {
			l.State = Waiting
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO letter ("+letterColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (event, mailbox) DO NOTHING", store.Blob(l.Event), string(l.Mailbox), store.Blob(l.Thread), append([]byte{}, l.Sealed...),
			store.Millis(l.SealedAt), l.State, l.Tries, l.Gone, store.Millis(l.Next), l.Reason, store.Millis(l.Added)); err != nil {
			return fmt.Errorf("queue letter: %w", err)
		}
	}
	return nil
}

// before is the condition of a letter e that goes before l: queued earlier for the same thread and mailbox, and waiting.
const before = "e.thread = l.thread AND e.mailbox = l.mailbox AND e.no < l.no AND e.state = 'waiting'"

// Due gives the letters to submit now, in the order in which they were queued: those that wait and whose time has come,
// and those whose submission began and has no end, which are left over from a crash when nobody else submits. A letter
// never comes before an earlier one of its thread to the same mailbox that still waits; a letter that waits again after
// a failed try holds back those behind it, so ask anew after one.
func (o *Outbox) Due(ctx context.Context, tx *sql.Tx, at time.Time, limit int) ([]Letter, error) {
	return letters(ctx, tx, "SELECT "+letterColumns+" FROM letter l WHERE l.state IN ('waiting', 'submitting') "+
		"AND (l.state = 'submitting' OR l.next <= ?1) AND NOT EXISTS (SELECT 1 FROM letter e WHERE "+before+" AND e.next > ?1) "+
		"ORDER BY l.no LIMIT ?2", store.Millis(at), limit)
}

// Left gives every letter that is still to be handed over, due or not, in the order in which they were queued.
func (o *Outbox) Left(ctx context.Context, tx *sql.Tx) ([]Letter, error) {
	return letters(ctx, tx, "SELECT "+letterColumns+" FROM letter WHERE state IN ('waiting', 'submitting') ORDER BY no")
}

// Open gives the same letters without their bytes.
func (o *Outbox) Open(ctx context.Context, tx *sql.Tx) ([]Letter, error) {
	return letters(ctx, tx, "SELECT event, mailbox, thread, x'', sealed_at, state, tries, gone, next, reason, added FROM letter WHERE state IN ('waiting', 'submitting') ORDER BY no")
}

// NextDue says when Due has a letter that it does not have now; false if none waits.
func (o *Outbox) NextDue(ctx context.Context, tx *sql.Tx) (time.Time, bool, error) {
	var next sql.NullInt64
	err := tx.QueryRowContext(ctx, "SELECT min(l.next) FROM letter l WHERE l.state IN ('waiting', 'submitting') AND l.state = 'waiting' "+
		"AND NOT EXISTS (SELECT 1 FROM letter e WHERE "+before+")").Scan(&next)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("find the next letter: %w", err)
	}
	return store.Time(next.Int64), next.Valid, nil
}

// Reseal stores a letter's bytes, sealed anew. care.Conflict unless it waits or is being submitted.
func (o *Outbox) Reseal(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID, sealed []byte, at time.Time) error {
	return o.change(ctx, tx, event, mailbox, "sealed = ?3, sealed_at = ?4", "'waiting', 'submitting'", "", append([]byte{}, sealed...), store.Millis(at))
}

// Submitting says that submission begins. care.Conflict unless the letter waits, or its submission has no end.
func (o *Outbox) Submitting(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID) error {
	return o.change(ctx, tx, event, mailbox, "gone = gone OR state = 'submitting', state = 'submitting'", "'waiting', 'submitting'", "")
}

// Handed says that the mail system has the letter. Its bytes are dropped. One that was queued again since it was listed waits: what
// was handed over is sealed to a key that its reader may have lost. A no-op for a letter that is handed or confirmed; care.Conflict
// for one whose submission did not begin or that failed.
func (o *Outbox) Handed(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID) error {
	return o.change(ctx, tx, event, mailbox, "state = CASE WHEN sealed = x'' THEN 'waiting' ELSE 'handed' END, tries = tries + 1, reason = '', sealed = x''",
		"'submitting'", "'handed', 'confirmed'")
}

// Confirmed says that the event was seen in the mailbox, whatever the mail system said of it before. It reports whether
// that is news; it is not for an event that this profile did not send. It may run twice.
func (o *Outbox) Confirmed(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID) (bool, error) {
	err := one(tx.ExecContext(ctx, "UPDATE letter SET state = 'confirmed', reason = '', sealed = x'' WHERE event = ? AND mailbox = ? AND state <> 'confirmed'",
		store.Blob(event), string(mailbox)))
	if errors.Is(err, errNone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("confirm letter: %w", err)
	}
	return true, nil
}

// Lost says that a try had no end: the mail system may have the letter or not. It is sent again, the same event. A no-op
// for a letter that was seen in its mailbox meanwhile; care.Conflict for one that is handed over.
func (o *Outbox) Lost(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID, next time.Time, reason string) error {
	return o.change(ctx, tx, event, mailbox, "state = 'waiting', tries = tries + 1, gone = 1, next = ?3, reason = ?4", "'submitting'", "'confirmed'",
		store.Millis(next), reason)
}

// Retry says that the mail system did not take a letter, and when the next try is due. It also queues a failed letter again, when a
// person says so. A no-op for a letter that was seen in its mailbox meanwhile; care.Conflict for one that is handed over.
func (o *Outbox) Retry(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID, next time.Time, reason string) error {
	return o.change(ctx, tx, event, mailbox, "state = 'waiting', tries = tries + 1, next = ?3, reason = ?4", "'waiting', 'submitting', 'failed'", "'confirmed'",
		store.Millis(next), reason)
}

// Fail says that the letter was refused for good, with the mail system's words. A no-op for a letter that failed before,
// or that was seen in its mailbox: an earlier copy of it arrived.
func (o *Outbox) Fail(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID, reason string) error {
	return o.change(ctx, tx, event, mailbox, "state = 'failed', tries = tries + 1, reason = ?3, sealed = x''", "'waiting', 'submitting', 'handed'", "'failed', 'confirmed'", reason)
}

// left is the condition of a letter that may have left this computer.
const left = "(state <> 'waiting' OR gone = 1)"

// Here reports whether an event of this profile's is still on this computer alone: none of its letters can have left.
func (o *Outbox) Here(ctx context.Context, tx *sql.Tx, event care.EventID) (bool, error) {
	var all, gone int
	err := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum("+left+"), 0) FROM letter WHERE event = ?", store.Blob(event)).Scan(&all, &gone)
	if err != nil {
		return false, fmt.Errorf("find letters: %w", err)
	}
	return all > 0 && gone == 0, nil
}

// Drop forgets the letters of an event that was withdrawn. care.Conflict if one of them may have left this computer.
func (o *Outbox) Drop(ctx context.Context, tx *sql.Tx, event care.EventID) error {
	var gone int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM letter WHERE event = ? AND "+left, store.Blob(event)).Scan(&gone); err != nil {
		return fmt.Errorf("drop letters: %w", err)
	}
	if gone > 0 {
		return errOnItsWay()
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM letter WHERE event = ?", store.Blob(event)); err != nil {
		return fmt.Errorf("drop letters: %w", err)
	}
	return nil
}

// change is one conditional change: from an allowed state, or from one in which it is done already.
func (o *Outbox) change(ctx context.Context, tx *sql.Tx, event care.EventID, mailbox care.MailboxID, set, from, done string, args ...any) error {
	key := []any{store.Blob(event), string(mailbox)}
	err := one(tx.ExecContext(ctx, "UPDATE letter SET "+set+" WHERE event = ?1 AND mailbox = ?2 AND state IN ("+from+")", append(key, args...)...))
	if err == nil {
		return nil
	}
	if !errors.Is(err, errNone) {
		return fmt.Errorf("change letter: %w", err)
	}
	var state string
	var already bool
	err = tx.QueryRowContext(ctx, "SELECT state, state IN ("+done+") FROM letter WHERE event = ?1 AND mailbox = ?2", key...).Scan(&state, &already)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return care.Because(care.NotFound, fmt.Errorf("event %s to %s", event, mailbox), "This letter is not in the outbox.")
	case err != nil:
		return fmt.Errorf("change letter: %w", err)
	case already:
		return nil
	}
	return care.Because(care.Conflict, fmt.Errorf("event %s to %s is %s", event, mailbox, state), "This letter is no longer where it was.")
}

// ByThread gives the letters of a thread in the order in which they were queued.
func (o *Outbox) ByThread(ctx context.Context, tx *sql.Tx, thread care.ThreadID) ([]Letter, error) {
	return letters(ctx, tx, "SELECT "+letterColumns+" FROM letter WHERE thread = ? ORDER BY no", store.Blob(thread))
}

func letters(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []Letter, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var l Letter
		var sealedAt, next, added int64
		err := rows.Scan(store.ID(&l.Event), &l.Mailbox, store.ID(&l.Thread), &l.Sealed, &sealedAt, &l.State, &l.Tries, &l.Gone, &next, &l.Reason, &added)
		if len(l.Sealed) == 0 {
			l.Sealed = nil
		}
		l.SealedAt, l.Next, l.Added = store.Time(sealedAt), store.Time(next), store.Time(added)
		all = append(all, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	return all, nil
}

// Sent gives the events whose letters to a mailbox the mail system took.
func (o *Outbox) Sent(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) (all []care.EventID, err error) {
	err = store.Each(ctx, tx, "SELECT event FROM letter WHERE mailbox = ? AND state IN ('handed', 'confirmed') ORDER BY no", []any{string(mailbox)}, func(rows *sql.Rows) error {
		var id care.EventID
		err := rows.Scan(store.ID(&id))
		all = append(all, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	return all, nil
}

// Taken gives the letters queued since then that the mail system took.
func (o *Outbox) Taken(ctx context.Context, tx *sql.Tx, since time.Time) ([]Letter, error) {
	return letters(ctx, tx, "SELECT "+letterColumns+" FROM letter WHERE state IN ('handed', 'confirmed') AND added >= ? ORDER BY no", store.Millis(since))
}

// Again queues a letter that may have been sent before: the mailbox has another key since then, or has lost it. One that was
// queued since stays as it is, and none becomes older; one that is being submitted just now goes on, and waits afterwards unless it is refused for good. Whoever
// wrote it may have it out already, so nothing is asked of its author. It reports whether there is something to send.
func (o *Outbox) Again(ctx context.Context, tx *sql.Tx, l Letter, since time.Time) (bool, error) {
	err := one(tx.ExecContext(ctx, "INSERT INTO letter ("+letterColumns+") VALUES (?, ?, ?, x'', 0, 'waiting', 0, 1, 0, '', ?) "+
		"ON CONFLICT (event, mailbox) DO UPDATE SET state = CASE state WHEN 'submitting' THEN state ELSE 'waiting' END, sealed = x'', sealed_at = 0, gone = 1, next = 0, reason = '', added = max(letter.added, excluded.added) "+
		"WHERE letter.added < ?", store.Blob(l.Event), string(l.Mailbox), store.Blob(l.Thread), store.Millis(l.Added), store.Millis(since)))
	if errors.Is(err, errNone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("queue letter again: %w", err)
	}
	return true, nil
}
