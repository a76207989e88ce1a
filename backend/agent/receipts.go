// Package agent is the clinic's always-on part: it confirms what members send, deals with keys that changed, and tells members of news by
// ordinary e-mail.
//
// It acts through the same commands as a person, with the agent's own key. Every staff window runs it too, with a
// minute's patience, so that the promise does not hang on one computer.
package agent

import (
	"context"
	"database/sql"
	"encoding/binary"
	"log/slog"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/command"
)

// Receipts confirms members' messages.
type Receipts struct {
	Desk *command.Desk
	// Patience is how long a message may wait for somebody else's receipt: zero for the agent, a minute for staff. With
	// patience each computer waits up to twice as long, by chance, so that they do not all speak at once.
	Patience time.Duration
	// InStep, where it is set, says whether everything in the mailboxes has been read: before, somebody else's receipt
	// may lie there unread, so that patience has not begun.
	InStep func() bool
	Log    *slog.Logger

	elapsed func() time.Duration            // nil: since this program began, which nobody who sets a clock changes
	first   map[care.EventID]time.Duration  // when a message was first found without a receipt
	due     map[care.ThreadID]time.Duration // when to look at it again
	begun   time.Duration                   // when patience could begin
}

var started = time.Now()

// now is what patience is measured by. A wall clock would not do: of a computer that is set back by days, it would last
// for days.
func (r *Receipts) now() time.Duration {
	if r.elapsed != nil {
		return r.elapsed()
	}
	return time.Since(started)
}

func (r *Receipts) begin() {
	r.first, r.due, r.begun = map[care.EventID]time.Duration{}, map[care.ThreadID]time.Duration{}, r.now()
}

// Run confirms what is there, and then what the changes bring, until the context ends or changes is closed.
func (r *Receipts) Run(ctx context.Context, changes <-chan command.Change) error {
	r.begin()
	all, err := r.threads(ctx)
	if err != nil {
		return err
	}
	r.look(ctx, all)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.next())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, open := <-changes:
			if !open {
				return nil
			}
			r.look(ctx, c.Threads)
		case <-timer.C:
			r.look(ctx, r.ripe())
		}
	}
}

// Once confirms everything that waits for a receipt now, without patience.
func (r *Receipts) Once(ctx context.Context) error {
	r.begin()
	all, err := r.threads(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if _, err := r.confirm(ctx, t, 0); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receipts) threads(ctx context.Context) (all []care.ThreadID, err error) {
	err = r.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err = r.Desk.Journal.Threads(ctx, tx)
		return err
	})
	return all, err
}

func (r *Receipts) look(ctx context.Context, threads []care.ThreadID) {
	if r.Patience > 0 && r.InStep != nil && !r.InStep() {
		r.begun = r.now()
	}
	for _, t := range threads {
		wait, err := r.confirm(ctx, t, r.Patience)
		switch {
		case refused(err): // to try again by itself would not help; the next change does
			r.Log.Warn("may not confirm receipt", "thread", t, "err", err)
			delete(r.due, t)
		case care.KindOf(err) == care.Unavailable: // somebody else can, or a newer list of the clinic's lets this one
			r.Log.Warn("cannot confirm receipt yet", "thread", t, "err", err)
			r.due[t] = r.now() + time.Minute
		case err != nil:
			r.Log.Error("cannot confirm receipt", "thread", t, "err", err)
			r.due[t] = r.now() + 10*time.Second
		case wait > 0:
			r.due[t] = r.now() + wait
		default:
			delete(r.due, t)
		}
	}
}

func refused(err error) bool {
	switch care.KindOf(err) {
	case care.Forbidden, care.Conflict, care.NotFound, care.Invalid:
		return err != nil
	}
	return false
}

// left is how long a message still waits for somebody else, from when it was first found here without a receipt.
func (r *Receipts) left(id care.EventID, patience time.Duration) time.Duration {
	if patience <= 0 {
		return 0
	}
	now := r.now()
	since, found := r.first[id]
	if !found {
		since, r.first[id] = now, now
	}
	key := r.Desk.Signer.Key()
	chance := time.Duration(binary.BigEndian.Uint16(key[:])^binary.BigEndian.Uint16(id[:])) * patience >> 16
	return patience + chance - (now - max(since, r.begun))
}

func (r *Receipts) next() time.Duration {
	least := time.Hour
	for _, at := range r.due {
		least = min(least, max(10*time.Millisecond, at-r.now()))
	}
	return least
}

func (r *Receipts) ripe() (out []care.ThreadID) {
	for t, at := range r.due {
		if at <= r.now() {
			out = append(out, t)
		}
	}
	return out
}

// confirm gives a receipt for each message of the thread that has waited long enough, and says how long the next waits.
func (r *Receipts) confirm(ctx context.Context, thread care.ThreadID, patience time.Duration) (wait time.Duration, err error) {
	type bare struct {
		id      care.EventID
		arrived time.Time
	}
	var ripe []bare
	err = r.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		entries, err := r.Desk.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return err
		}
		arrived := map[care.EventID]time.Time{}
		events := command.Events(entries)
		for _, e := range entries {
			arrived[e.ID] = e.Arrived
		}
		c := fold.Fold(events, r.Desk.Directory())
		if !c.Opened {
			return nil
		}
		for _, p := range c.Parts {
			for _, m := range p.Messages {
				if !m.Member || m.Receipt != nil {
					delete(r.first, m.ID)
					continue
				}
				if left := r.left(m.ID, patience); left > 0 {
					if wait == 0 || left < wait {
						wait = left
					}
					continue
				}
				ripe = append(ripe, bare{m.ID, arrived[m.ID]})
			}
		}
		return nil
	})
	for _, b := range ripe {
		if err != nil {
			return wait, err
		}
		err = r.Desk.Receive(ctx, thread, b.id, b.arrived)
	}
	return wait, err
}
