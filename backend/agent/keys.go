package agent

import (
	"context"
	"database/sql"
	"log/slog"
	"maps"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/trust/directory"
)

// Keys does what a changed key asks of the clinic: it confirms what a withdrawn key had written before, and sends a member
// whose mailbox has another key what was sealed to the one before. It is the agent's alone, and may run twice.
type Keys struct {
	Desk *command.Desk
	Book func() *directory.Book
	Log  *slog.Logger

	withdrawn map[care.KeyID]time.Time
	renewed   map[care.MailboxID]time.Time
	failed    bool
}

const retry = 10 * time.Second

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
	withdrawn, renewed := k.Book().Withdrawn(), k.Book().Renewed()
	all := k.failed || !maps.EqualFunc(withdrawn, k.withdrawn, time.Time.Equal) || !maps.EqualFunc(renewed, k.renewed, time.Time.Equal)
	if all {
		if err := k.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
			threads, err = k.Desk.Journal.Threads(ctx, tx)
			return err
		}); err != nil {
			return err
		}
	}
	if len(withdrawn) == 0 && len(renewed) == 0 {
		return nil
	}
	k.failed = false
	for _, t := range threads {
		if err := k.thread(ctx, t, withdrawn, renewed); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			k.failed = true
			k.Log.Error("cannot do what a changed key asks", "thread", t, "err", err)
		}
	}
	k.withdrawn, k.renewed = withdrawn, renewed
	return nil
}

func (k *Keys) thread(ctx context.Context, t care.ThreadID, withdrawn map[care.KeyID]time.Time, renewed map[care.MailboxID]time.Time) error {
	if len(withdrawn) > 0 {
		if err := k.Desk.Vouch(ctx, t, withdrawn); err != nil {
			return err
		}
	}
	for mailbox, since := range renewed {
		if err := k.Desk.Repeat(ctx, t, mailbox, since); err != nil {
			return err
		}
	}
	return nil
}
