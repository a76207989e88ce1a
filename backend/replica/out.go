package replica

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/record/outbox"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// pullFirst is how long submission waits for the mailboxes to be read first, so that what was written offline is
// checked against what came in. After it, text goes out all the same: a mailbox that cannot be read must not hold it.
const pullFirst = 20 * time.Second

// submitting sends what the outbox holds, whenever there is work and a connection, until the context ends.
func (r *Replica) submitting(ctx context.Context) error {
	if err := r.untilLearnt(ctx); err != nil {
		return err
	}
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
			r.Log.Info("sending broke off", "err", err)
			tries++
			rest(ctx, r.again, pause(tries, err))
			continue
		case next.IsZero():
			r.out(care.SyncState{Phase: care.SyncUpToDate}) // nothing is left that a broken connection could hold up
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
		due, err := r.due(ctx, tx, 1)
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
func (r *Replica) Submit(ctx context.Context) (err error) {
	r.init()
	login, any := r.submitter()
	if !any {
		return nil
	}
	if r.Offline() {
		return errOffline
	}
	select {
	case r.sending <- struct{}{}: // one submission at a time: a letter is never on two connections at once
		defer func() { <-r.sending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if err != nil && ctx.Err() == nil { // whatever it was, a full disk too, a person waits for what did not go out
			r.out(problemState(err, time.Time{}))
		}
	}()
	if r.dismissed.Load() {
		return errDismissed
	}
	if err := r.learnFirst(ctx); err != nil {
		return err
	}
	s, by, err := submit.DialFirst(ctx, r.places(login)...)
	if err != nil {
		r.mu.Lock()
		r.vain = false // once there is a connection again, the mailboxes are waited for again
		r.mu.Unlock()
		return fmt.Errorf("connect for submission: %w", err)
	}
	defer func() { _ = s.Close() }() // the letters' fate is known by their own answers
	r.took(by)
	r.out(care.SyncState{Phase: care.SyncUpToDate})
	r.pullBefore(ctx)
	drafts, _, err := r.Author.Ready(ctx)
	if err != nil {
		return err
	}
	var kept error
	for _, d := range drafts {
		if err := r.Author.Promote(ctx, d); err != nil && kept == nil { // one text must not hold up the others
			kept = fmt.Errorf("make a held text an event: %w", err)
		}
	}
	for {
		var due []outbox.Letter
		if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
			due, err = r.due(ctx, tx, 50)
			return err
		}); err != nil {
			return err
		}
		if len(due) == 0 {
			return kept
		}
		for _, l := range due {
			handed, err := r.send(ctx, s, login.Address, l)
			if err != nil {
				return err
			}
			if !handed {
				break // it may hold back those behind it
			}
		}
	}
}

// due gives the letters to submit now. One that waits for longer than any pause lasts was put off by a clock that has been
// set back since: then those are due.
func (r *Replica) due(ctx context.Context, tx *sql.Tx, limit int) ([]outbox.Letter, error) {
	at := r.Now()
	next, ok, err := r.Outbox.NextDue(ctx, tx)
	if err != nil {
		return nil, err
	}
	if ok && next.Sub(at) > 2*longest {
		at = next
	}
	return r.Outbox.Due(ctx, tx, at, limit)
}

func (r *Replica) out(state care.SyncState) {
	r.mu.Lock()
	same := r.outgoing == state
	r.outgoing = state
	switch {
	case state.Problem == "":
		r.failing = time.Time{}
	case r.failing.IsZero():
		r.failing = r.Now()
	}
	r.mu.Unlock()
	if !same {
		r.Changed(nil, false, true)
	}
}

// pullBefore waits until every mailbox has been read since it was last out of reach, but not for ever, and not again for
// a mailbox that it has waited for in vain. A replica that does not run is driven step by step, and whoever drives it
// pulls first.
func (r *Replica) pullBefore(ctx context.Context) {
	patience := pullFirst
	if end, ok := ctx.Deadline(); ok { // who parts sends all the same, while there is time for it
		patience = min(patience, time.Until(end)/2)
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	if r.running.Load() && !r.InStep() {
		for _, f := range r.reading() {
			f.Nudge()
		}
	}
	for r.running.Load() && !r.InStep() && !r.waited() {
		select {
		case <-ctx.Done():
			return
		case <-limit.C:
			r.mu.Lock()
			r.vain = true
			r.mu.Unlock()
			r.Kick() // what woke us may have been meant for the outbox
			return
		case <-r.kick:
		}
	}
}

// fresh is how long a mailbox counts as read to its end without having been looked at again: after a sleep the connection
// is dead, and nobody has noticed yet.
const fresh = 3 * time.Minute

// InStep reports whether every mailbox has been read to its end, lately and since it was last out of reach.
func (r *Replica) InStep() bool {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	reads := r.reads()
	for i, ok := range r.pulled {
		if !reads[i] {
			continue
		}
		if !ok || r.Now().Sub(r.states[i].Checked) > fresh {
			return false
		}
	}
	r.vain = false
	return true
}

func (r *Replica) waited() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.vain
}

// send takes one letter through its states and reports whether it was handed over. An error ends this connection; what
// concerns this letter alone does not.
func (r *Replica) send(ctx context.Context, s *submit.Session, from string, l outbox.Letter) (handed bool, err error) {
	meant, err := r.meant(ctx, l)
	if err != nil || !meant {
		return false, err
	}
	to, known := r.Books.Book().Mailbox(l.Mailbox)
	if !known {
		return false, r.later(ctx, l, "the clinic's list does not name this mailbox yet")
	}
	message, err := r.message(ctx, from, &l, to)
	if err != nil {
		r.Log.Error("cannot make a letter", "event", l.Event, "mailbox", l.Mailbox, "err", err)
		return false, r.later(ctx, l, "it could not be made ready on this computer")
	}
	err = r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Submitting(ctx, tx, l.Event, l.Mailbox) })
	if kind := care.KindOf(err); kind == care.Conflict || kind == care.NotFound {
		return false, nil // it was seen in its mailbox, or withdrawn, since it was listed
	}
	if err != nil {
		return false, err
	}
	err = s.Send(ctx, from, to.Address, message, letter.Envelope(l.Sealed))
	ctx = context.WithoutCancel(ctx) // what is known of the letter now is kept, or it would be sent twice
	fate, words := fateOf(err)
	switch fate {
	case Handed:
		r.handedOver()
		err = r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Handed(ctx, tx, l.Event, l.Mailbox) })
		r.Changed([]care.ThreadID{l.Thread}, true, false)
		return true, err
	case Refused:
		return false, r.fail(ctx, l, words)
	case PutOff:
		return false, r.later(ctx, l, words)
	}
	if lost := r.DB.Write(ctx, func(tx *sql.Tx) error {
		return r.Outbox.Lost(ctx, tx, l.Event, l.Mailbox, r.Now().Add(backoff(l.Tries+1)), words)
	}); lost != nil {
		return false, lost
	}
	return false, broke(err)
}

// meant asks the author's room about a fact that nobody has received yet.
func (r *Replica) meant(ctx context.Context, l outbox.Letter) (bool, error) {
	if l.Gone || l.State == outbox.Submitting { // left over from a crash: it may be there already
		return true, nil
	}
	return r.Author.StillMeant(ctx, l.Event)
}

// message makes the letter.
func (r *Replica) message(ctx context.Context, from string, l *outbox.Letter, to directory.Mailbox) ([]byte, error) {
	if err := r.ready(ctx, l, to.Key); err != nil {
		return nil, err
	}
	return written(from, to.Address, r.Now(), l.Sealed)
}

// ready seals a letter where its seal is missing or old.
func (r *Replica) ready(ctx context.Context, l *outbox.Letter, key seal.Public) error {
	if l.Sealed == nil || r.Now().Sub(l.SealedAt) > r.ResealAfter && l.Tries > 0 {
		return r.seal(ctx, l, key)
	}
	return nil
}

// seal makes the letter's bytes from the journalled event or piece, for the mailbox's current key.
func (r *Replica) seal(ctx context.Context, l *outbox.Letter, key seal.Public) error {
	return r.DB.Write(ctx, func(tx *sql.Tx) error {
		content, err := r.content(ctx, tx, l)
		if err != nil {
			return err
		}
		l.Sealed, err = seal.Seal(key, content)
		if err != nil {
			return fmt.Errorf("seal letter: %w", err)
		}
		l.SealedAt = r.Now()
		return r.Outbox.Reseal(ctx, tx, l.Event, l.Mailbox, l.Sealed, l.SealedAt)
	})
}

// later puts a letter off; the screens say that it waits.
func (r *Replica) later(ctx context.Context, l outbox.Letter, reason string) error {
	err := r.DB.Write(ctx, func(tx *sql.Tx) error {
		return r.Outbox.Retry(ctx, tx, l.Event, l.Mailbox, r.Now().Add(backoff(l.Tries+1)), reason)
	})
	r.Changed([]care.ThreadID{l.Thread}, true, false)
	return err
}

// fail says in the conversation that the letter was refused for good, and then of the letter, so that a crash between
// the two says it twice and not never.
func (r *Replica) fail(ctx context.Context, l outbox.Letter, words string) error {
	if err := r.announce(ctx, l, words); err != nil {
		return err
	}
	err := r.DB.Write(ctx, func(tx *sql.Tx) error { return r.Outbox.Fail(ctx, tx, l.Event, l.Mailbox, words) })
	r.Changed([]care.ThreadID{l.Thread}, true, false)
	return err
}

// announce says in the conversation that a letter was refused for good.
func (r *Replica) announce(ctx context.Context, l outbox.Letter, words string) error {
	var failing []*event.Event
	if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		failing, err = r.about(ctx, tx, l)
		return err
	}); err != nil {
		return err
	}
	for _, e := range failing {
		if e == nil || e.Kind == event.Failed || e.Kind == event.Digest || e.Kind == event.Choice || e.Kind == event.Health { // neither a notice of a failure nor what is about no conversation is announced in one
			continue
		}
		if err := r.Author.DeliveryFailed(ctx, l.Thread, e.ID, l.Mailbox, words); err != nil {
			r.Log.Error("cannot note a failed delivery in its conversation", "event", e.ID, "err", err) // the outbox says it
		}
	}
	return nil
}
