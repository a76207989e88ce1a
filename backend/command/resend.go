package command

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
)

// Resend sends again, in a part's thread, what the mail system had refused for good: the same events, so that a copy
// which arrived after all does no harm. It is for a person who knows that the cause is gone, such as a full mailbox.
// care.NotFound where nothing of the thread was refused.
func (d *Desk) Resend(ctx context.Context, part care.EventID) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, _ *fold.Part) error {
		letters, err := d.Outbox.ByThread(ctx, tx, c.Thread)
		if err != nil {
			return err
		}
		again := 0
		for _, l := range letters {
			if l.State != outbox.Failed {
				continue
			}
			if err := d.Outbox.Retry(ctx, tx, l.Event, l.Mailbox, d.Now(), ""); err != nil {
				return fmt.Errorf("queue letter again: %w", err)
			}
			again++
		}
		if again == 0 {
			return care.Refusef(care.NotFound, "Nothing here waits to be sent again.")
		}
		return nil
	})
}
