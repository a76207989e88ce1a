// Package outbox keeps what this profile still owes others: texts that their author can still take back, and letters on
// their way, each until the mail system took it or refused it for good.
//
// It promises that every change of state happens at most once and only from a state that allows it, so that a crash, a
// double click and a late answer do no harm. It never dials, and it does not know what a letter says.
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

// Held is a text that its author sent and that is not yet an event: nothing of it exists for anybody else.
type Held struct {
	Draft   string // the handle of the text, from draft to event
	What    string // "message", "reply", "completion"
	Thread  care.ThreadID
	Part    care.EventID
	Patient care.PatientID
	Office  care.OfficeID
	Topic   care.Topic
	Subject care.Text
	Text    care.Text
	Heads   []care.EventID // what the author had seen
	Basis   []care.EventID
	Covers  []care.EventID
	Written time.Time
	Until   time.Time // the end of the hold
	Review  bool      // it is not sent by itself: its author decides
	Why     string    // what came in meanwhile, in a sentence
	Private bool      // of a new message: proxies do not read it
	Asked   int       // how often it was set aside for review
}

// Became is what a text turned into.
type Became struct {
	Thread care.ThreadID
	Part   care.EventID
	Event  care.EventID
}

// Outbox keeps a profile's outbox. It is safe for concurrent use.
type Outbox struct{}

// New makes the keeper of an open file's outbox.
func New(*store.DB) *Outbox { return &Outbox{} }

const heldColumns = "draft, what, thread, part, patient, office, topic, subject, text, heads, basis, covers, written, until, review, why, asked, private"

// Hold keeps a text for the time in which it can be taken back. It is a no-op for a text that is held already or has
// become an event.
func (o *Outbox) Hold(ctx context.Context, tx *sql.Tx, h Held) error {
	if _, became, err := o.WhatBecame(ctx, tx, h.Draft); err != nil || became {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO held ("+heldColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "+
		"ON CONFLICT (draft) DO NOTHING", h.Draft, h.What, store.Blob(h.Thread), store.Blob(h.Part), string(h.Patient), string(h.Office),
		string(h.Topic), string(h.Subject), string(h.Text), store.Blobs(h.Heads), store.Blobs(h.Basis), store.Blobs(h.Covers),
		store.Millis(h.Written), store.Millis(h.Until), h.Review, h.Why, h.Asked, h.Private); err != nil {
		return fmt.Errorf("hold text: %w", err)
	}
	return nil
}

// Get gives one held text; false if none is held under this draft.
func (o *Outbox) Get(ctx context.Context, tx *sql.Tx, draft string) (Held, bool, error) {
	all, err := texts(ctx, tx, "SELECT "+heldColumns+" FROM held WHERE draft = ?", draft)
	if err != nil || len(all) == 0 {
		return Held{}, false, err
	}
	return all[0], true, nil
}

// AllHeld gives all held texts in the order in which they were sent.
func (o *Outbox) AllHeld(ctx context.Context, tx *sql.Tx) ([]Held, error) {
	return texts(ctx, tx, "SELECT "+heldColumns+" FROM held ORDER BY no")
}

// Ready gives the held texts whose hold has ended and that no author has to decide on, in the order in which they were
// sent.
func (o *Outbox) Ready(ctx context.Context, tx *sql.Tx, at time.Time) ([]Held, error) {
	return texts(ctx, tx, "SELECT "+heldColumns+" FROM held WHERE review = 0 AND until <= ? ORDER BY no", store.Millis(at))
}

// TakeBack gives a held text back to its author and forgets it here. care.Conflict once it has become an event,
// care.NotFound for a text that is not held.
func (o *Outbox) TakeBack(ctx context.Context, tx *sql.Tx, draft string) (Held, error) {
	h, ok, err := o.Get(ctx, tx, draft)
	if err != nil {
		return Held{}, err
	}
	if !ok {
		return Held{}, o.gone(ctx, tx, draft)
	}
	if err := one(tx.ExecContext(ctx, "DELETE FROM held WHERE draft = ?", draft)); err != nil {
		return Held{}, fmt.Errorf("take back text: %w", err)
	}
	return h, nil
}

// Now ends a text's hold and says that its author has decided on it. It is a no-op for a text that has become an event,
// and care.NotFound for one that is not held.
func (o *Outbox) Now(ctx context.Context, tx *sql.Tx, draft string, at time.Time) error {
	h, ok, err := o.Get(ctx, tx, draft)
	if err != nil {
		return err
	}
	if !ok {
		return o.unlessBecame(ctx, tx, draft)
	}
	h.Until, h.Review, h.Why = at, false, ""
	return o.Decide(ctx, tx, h)
}

// Decide stores what its author has decided about a held text: its heads, times and review. It is a no-op for a text that
// has become an event, and care.NotFound for one that is not held.
func (o *Outbox) Decide(ctx context.Context, tx *sql.Tx, h Held) error {
	err := one(tx.ExecContext(ctx, "UPDATE held SET heads = ?, basis = ?, covers = ?, written = ?, until = ?, review = ?, why = ? WHERE draft = ?",
		store.Blobs(h.Heads), store.Blobs(h.Basis), store.Blobs(h.Covers), store.Millis(h.Written), store.Millis(h.Until), h.Review, h.Why, h.Draft))
	if errors.Is(err, errNone) {
		return o.unlessBecame(ctx, tx, h.Draft)
	}
	if err != nil {
		return fmt.Errorf("decide on text: %w", err)
	}
	return nil
}

// ToReview sets a held text aside: it is not sent by itself, its author decides. care.Conflict once it has become an
// event, care.NotFound for a text that is not held. It may run twice; the last reason stands.
func (o *Outbox) ToReview(ctx context.Context, tx *sql.Tx, draft, why string) error {
	err := one(tx.ExecContext(ctx, "UPDATE held SET asked = asked + (review = 0), review = 1, why = ? WHERE draft = ?", why, draft))
	if errors.Is(err, errNone) {
		return o.gone(ctx, tx, draft)
	}
	if err != nil {
		return fmt.Errorf("set text aside: %w", err)
	}
	return nil
}

// Became notes what a text turned into, in the transaction that stores the event. From here on it can neither be edited
// nor taken back. A text that was never held may become an event too (a note is not held). care.Conflict if it waits for
// its author's decision, or has become another event; the same once more is a no-op.
func (o *Outbox) Became(ctx context.Context, tx *sql.Tx, draft string, b Became) error {
	was, ok, err := o.WhatBecame(ctx, tx, draft)
	if err != nil {
		return err
	}
	if ok {
		if was == b {
			return nil
		}
		return errOnItsWay()
	}
	h, held, err := o.Get(ctx, tx, draft)
	if err != nil {
		return err
	}
	if held && h.Review {
		return care.Refusef(care.Conflict, "This text waits for its author to decide.")
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM held WHERE draft = ?", draft); err != nil {
		return fmt.Errorf("note what became of text: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO became (draft, thread, part, event) VALUES (?, ?, ?, ?)",
		draft, store.Blob(b.Thread), store.Blob(b.Part), store.Blob(b.Event)); err != nil {
		return fmt.Errorf("note what became of text: %w", err)
	}
	return nil
}

// WhatBecame says what a text turned into; false while it has not.
func (o *Outbox) WhatBecame(ctx context.Context, tx *sql.Tx, draft string) (Became, bool, error) {
	var b Became
	err := tx.QueryRowContext(ctx, "SELECT thread, part, event FROM became WHERE draft = ?", draft).
		Scan(store.ID(&b.Thread), store.ID(&b.Part), store.ID(&b.Event))
	if errors.Is(err, sql.ErrNoRows) {
		return Became{}, false, nil
	}
	if err != nil {
		return Became{}, false, fmt.Errorf("read what became of text: %w", err)
	}
	return b, true, nil
}

// gone says why a text is not held.
func (o *Outbox) gone(ctx context.Context, tx *sql.Tx, draft string) error {
	_, became, err := o.WhatBecame(ctx, tx, draft)
	switch {
	case err != nil:
		return err
	case became:
		return errOnItsWay()
	}
	return care.Refusef(care.NotFound, "This text is not waiting to be sent.")
}

func (o *Outbox) unlessBecame(ctx context.Context, tx *sql.Tx, draft string) error {
	if err := o.gone(ctx, tx, draft); care.KindOf(err) != care.Conflict {
		return err
	}
	return nil
}

func errOnItsWay() error { return care.Refusef(care.Conflict, "It is already on its way.") }

// errNone says that a conditional change met no row that allows it.
var errNone = errors.New("no row in an allowed state")

func one(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return errNone
	}
	return err
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []Held, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var h Held
		var written, until int64
		err := rows.Scan(&h.Draft, &h.What, store.ID(&h.Thread), store.ID(&h.Part), &h.Patient, &h.Office, &h.Topic, &h.Subject, &h.Text,
			store.IDs(&h.Heads), store.IDs(&h.Basis), store.IDs(&h.Covers), &written, &until, &h.Review, &h.Why, &h.Asked, &h.Private)
		h.Written, h.Until = store.Time(written), store.Time(until)
		all = append(all, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read held texts: %w", err)
	}
	return all, nil
}
