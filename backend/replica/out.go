package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/trust/seal"
)

// pullFirst is how long submission waits for the mailboxes to be read first, so that what was written offline is
// checked against what came in. After it, text goes out all the same: a mailbox that cannot be read must not hold it.
const pullFirst = 20 * time.Second

// submitting sends what the outbox holds, whenever there is work and a connection, until the context ends.
func (r *Replica) submitting(ctx context.Context) error {
	tries := 0
	for {
		work, next, err := r.work(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.Log.Error("cannot read the outbox", "err", err)
			next = r.Now().Add(backoff(1))
		case work:
			if err = r.Submit(ctx); err == nil {
				tries = 0
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			tries++
			next = r.Now().Add(backoff(tries))
		}
		r.wait(ctx, next)
	}
}

// wait returns when there may be work: at the next due time, or when something kicks.
func (r *Replica) wait(ctx context.Context, next time.Time) {
	long := time.Hour
	if !next.IsZero() {
		long = max(time.Millisecond, next.Sub(r.Now()))
	}
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.kick:
	case <-t.C:
	}
}

// Settle submits until nothing is left that could go out now: a hold that is running is not waited for.
func (r *Replica) Settle(ctx context.Context) error {
	for {
		work, _, err := r.work(ctx)
		if err != nil || !work {
			return err
		}
		if err := r.Submit(ctx); err != nil {
			return err
		}
	}
}

// work says whether anything is to be sent now, and when something will be.
func (r *Replica) work(ctx context.Context) (now bool, next time.Time, err error) {
	drafts, next, err := r.Author.Ready(ctx)
	if err != nil || len(drafts) > 0 {
		return len(drafts) > 0, next, err
	}
	err = r.DB.Read(ctx, func(tx *sql.Tx) error {
		due, err := r.Outbox.Due(ctx, tx, r.Now(), 1)
		now = len(due) > 0
		if err != nil || now {
			return err
		}
		at, ok, err := r.Outbox.NextDue(ctx, tx)
		if ok && (next.IsZero() || at.Before(next)) {
			next = at
		}
		return err
	})
	return now, next, err
}

// Submit connects, makes the texts whose hold has ended facts, and sends every letter that is due, in order. An error
// says why it stopped; everything that was not handed over stays where it was. It may run any number of times.
func (r *Replica) Submit(ctx context.Context) error {
	r.init()
	if len(r.Logins) == 0 {
		return nil
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	s, err := submit.Dial(ctx, r.Logins[0])
	if err != nil {
		r.out(problemState(err, time.Time{}))
		return fmt.Errorf("connect for submission: %w", err)
	}
	defer func() { _ = s.Close() }() // the letters' fate is known by their own answers
	r.out(care.SyncState{Phase: care.SyncUpToDate})
	r.pullBefore(ctx)
	drafts, _, err := r.Author.Ready(ctx)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if err := r.Author.Promote(ctx, d); err != nil {
			return fmt.Errorf("make a held text an event: %w", err)
		}
	}
	for {
		var due []outbox.Letter
		if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
			due, err = r.Outbox.Due(ctx, tx, r.Now(), 50)
			return err
		}); err != nil || len(due) == 0 {
			return err
		}
		for _, l := range due {
			if err := r.send(ctx, s, l); err != nil {
				return err
			}
		}
	}
}

func (r *Replica) out(state care.SyncState) {
	r.mu.Lock()
	same := r.outgoing == state
	r.outgoing = state
	r.mu.Unlock()
	if !same {
		r.Changed(nil, false, true)
	}
}

// pullBefore waits until every mailbox has been read since it was last out of reach, but not for ever. A replica that
// does not run is driven step by step, and whoever drives it pulls first.
func (r *Replica) pullBefore(ctx context.Context) {
	limit := time.NewTimer(pullFirst)
	defer limit.Stop()
	for r.running.Load() && !r.inStep() {
		select {
		case <-ctx.Done():
			return
		case <-limit.C:
			r.Kick() // what woke us may have been meant for the outbox
			return
		case <-r.kick:
		}
	}
}

func (r *Replica) inStep() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ok := range r.pulled {
		if !ok {
			return false
		}
	}
	return true
}

// send takes one letter through its states. An error ends this connection; the letter's own refusal does not.
func (r *Replica) send(ctx context.Context, s *submit.Session, l outbox.Letter) error {
	meant, err := r.meant(ctx, l)
	if err != nil || !meant {
		return err
	}
	to, known := r.Books.Book().Mailbox(l.Mailbox)
	if !known {
		return r.later(ctx, l, "the clinic's list does not name this mailbox yet")
	}
	if l.Sealed == nil || r.Now().Sub(l.SealedAt) > r.ResealAfter && l.Tries > 0 {
		if err := r.seal(ctx, &l, to.Key); err != nil {
			return err
		}
	}
	message, err := letter.Write(letter.Header{
		From: r.Logins[0].Address, To: to.Address, Date: r.Now(), Domain: letter.Domain(r.Logins[0].Address)}, l.Sealed)
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	if err := r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Submitting(ctx, tx, l.Event, l.Mailbox) }); err != nil {
		return err
	}
	err = s.Send(ctx, r.Logins[0].Address, to.Address, message, letter.Name(l.Sealed))
	var refused *submit.Refused
	switch {
	case err == nil:
		err = r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Handed(ctx, tx, l.Event, l.Mailbox) })
		r.Changed([]care.ThreadID{l.Thread}, true, false)
		return err
	case errors.As(err, &refused) && refused.Permanent:
		return r.fail(ctx, l, refused)
	case errors.As(err, &refused):
		return r.later(ctx, l, refused.Error())
	}
	// The connection broke: whether the server took the letter is not known. It is sent again; the same event twice is one.
	if later := r.later(context.WithoutCancel(ctx), l, "the connection broke"); later != nil {
		return later
	}
	r.out(problemState(care.Because(care.Unavailable, err, "The connection to the mail system broke. Nothing was lost: Postern sends again by itself."), time.Time{}))
	return fmt.Errorf("submit letter: %w", err)
}

// meant asks the author's room about a fact that nobody has received yet.
func (r *Replica) meant(ctx context.Context, l outbox.Letter) (bool, error) {
	if l.Tries > 0 {
		return true, nil
	}
	return r.Author.StillMeant(ctx, l.Event)
}

// seal makes the letter's bytes from the journalled event, for the mailbox's current key.
func (r *Replica) seal(ctx context.Context, l *outbox.Letter, key seal.Public) error {
	return r.DB.Write(ctx, func(tx *sql.Tx) error {
		e, ok, err := r.Journal.Event(ctx, tx, l.Event)
		if err != nil {
			return err
		}
		if !ok {
			return care.Because(care.Corrupt, fmt.Errorf("event %s of the outbox is not in the journal", l.Event),
				"A letter on this computer has lost its text. Nothing else is affected.")
		}
		l.Sealed, err = seal.Seal(key, seal.Content{Type: seal.TypeEvent, Bytes: e.Raw, Signature: e.Sig})
		if err != nil {
			return fmt.Errorf("seal letter: %w", err)
		}
		l.SealedAt = r.Now()
		return r.Outbox.Reseal(ctx, tx, l.Event, l.Mailbox, l.Sealed, l.SealedAt)
	})
}

func (r *Replica) later(ctx context.Context, l outbox.Letter, reason string) error {
	return r.DB.Write(ctx, func(tx *sql.Tx) error {
		return r.Outbox.Retry(ctx, tx, l.Event, l.Mailbox, r.Now().Add(backoff(l.Tries+1)), reason)
	})
}

func (r *Replica) fail(ctx context.Context, l outbox.Letter, refused *submit.Refused) error {
	if err := r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Fail(ctx, tx, l.Event, l.Mailbox, refused.Error()) }); err != nil {
		return err
	}
	r.Changed([]care.ThreadID{l.Thread}, true, false)
	var failing journal.Entry
	if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		failing, _, err = r.Journal.Event(ctx, tx, l.Event)
		return err
	}); err != nil {
		return err
	}
	if failing.Event != nil && failing.Event.Kind == event.Failed {
		return nil // a notice of a failure that fails itself is not announced again
	}
	if err := r.Author.DeliveryFailed(ctx, l.Thread, l.Event, l.Mailbox, refused.Error()); err != nil {
		return fmt.Errorf("note the failed delivery: %w", err)
	}
	return nil
}

// backoff grows from one second to five minutes, with jitter so that workstations do not knock together.
func backoff(try int) time.Duration {
	d := min(5*time.Minute, time.Second<<min(try-1, 9))
	return d/2 + rand.N(d)
}
