package agent

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/trust/directory"
)

// Keys does what a changed key asks of the clinic: it confirms what a withdrawn key had written before, and sends a member
// whose mailbox has another key what was sealed to the one before. It is the agent's alone, and may run twice.
type Keys struct {
	Desk *command.Desk
	Book func() *directory.Book
	Log  *slog.Logger

	// InStep, where it is set, says whether everything in the mailboxes has been read. Before that nothing is confirmed: whether a
	// withdrawal was dealt with already is known only then.
	InStep func() bool

	renewed map[care.MailboxID]time.Time
	failed  bool
}

// Once does all that is to be done now, in threads that have changed too. It is for profiles that are driven step by step.
func (k *Keys) Once(ctx context.Context, changed ...care.ThreadID) error {
	if err := k.look(ctx, changed); err != nil {
		return err
	}
	if k.failed {
		return errors.New("not all that a changed key asks was done")
	}
	return nil
}

const retry = 10 * time.Second

// ahead is how far the clock by which a key was withdrawn may be before this one. One that is further is wrong: what the key writes
// would be confirmed until then.
const ahead = time.Hour

// Run looks at everything, and then at what the changes bring, until the context ends or changes is closed.
func (k *Keys) Run(ctx context.Context, changes <-chan command.Change) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var threads []care.ThreadID
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, open := <-changes:
			if !open {
				return nil
			}
			threads = c.Threads
		case <-timer.C:
			threads = nil
		}
		if err := k.look(ctx, threads); err != nil {
			return err
		}
		if k.failed { // the same is tried again, whether or not anything changes
			timer.Reset(retry)
		}
	}
}

// look does what is to be done in these threads, and in all where a key has changed.
func (k *Keys) look(ctx context.Context, threads []care.ThreadID) error {
	k.failed = false
	if err := k.confirm(ctx); err != nil {
		return k.troubled(ctx, err)
	}
	return k.repeat(ctx, threads)
}

func (k *Keys) troubled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.failed, k.renewed = true, nil // next time all threads are looked at: which had changed is known no more
	k.Log.Error("cannot do what a changed key asks", "err", err)
	return nil
}

// confirm confirms what withdrawn keys had written, once for each: afterwards the withdrawal is closed. A letter that comes to
// light later may bear any date, for whoever may put letters into a mailbox chooses it.
func (k *Keys) confirm(ctx context.Context) error {
	book := k.Book()
	open := book.Withdrawn()
	if len(open) == 0 || k.InStep != nil && !k.InStep() {
		return nil
	}
	closed, err := k.Desk.Closed(ctx, func(e *event.Event) (time.Time, bool) { return book.WithdrawnFor(open, e) })
	if err != nil {
		return err
	}
	for _, c := range closed {
		if w := (directory.Withdrawal{Key: c.Key, Office: c.Office}); open[w].Equal(c.Closed) {
			delete(open, w)
		}
	}
	if len(open) == 0 {
		return nil
	}
	threads, err := k.threads(ctx)
	if err != nil {
		return err
	}
	until, now := maps.Clone(open), k.Desk.Now()
	for w, since := range open {
		if since.Sub(now) > ahead {
			until[w] = now
		}
	}
	for _, t := range threads {
		if err := k.Desk.Vouch(ctx, t, func(e *event.Event) (time.Time, bool) { return book.WithdrawnFor(until, e) }); err != nil {
			return err
		}
	}
	for w, since := range open {
		if now.Before(until[w]) { // by this clock it is yet to be: what comes until then counts
			continue
		}
		if err := k.Desk.Close(ctx, w.Key, w.Office, since); err != nil {
			return err
		}
	}
	return nil
}

// repeat sends to members whose mailbox has another key what was sealed to the one before.
func (k *Keys) repeat(ctx context.Context, threads []care.ThreadID) error {
	renewed := k.Book().Renewed()
	if !maps.EqualFunc(renewed, k.renewed, time.Time.Equal) {
		var err error
		if threads, err = k.threads(ctx); err != nil {
			return k.troubled(ctx, err)
		}
	}
	for _, t := range threads {
		for mailbox, since := range renewed {
			if err := k.Desk.Repeat(ctx, t, mailbox, since); err != nil {
				if err := k.troubled(ctx, err); err != nil {
					return err
				}
			}
		}
	}
	if !k.failed {
		k.renewed = renewed
	}
	return nil
}

func (k *Keys) threads(ctx context.Context) (all []care.ThreadID, err error) {
	err = k.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err = k.Desk.Journal.Threads(ctx, tx)
		return err
	})
	return all, err
}
