package command

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
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

// Unsent counts what the person wrote or did that has not left this computer, however lately: to be told to who closes
// Postern. What was refused for good is not counted, it was said; nor is what goes out of itself, such as that they have read something.
func (d *Desk) Unsent(ctx context.Context) (n int, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		held, err := d.Outbox.AllHeld(ctx, tx)
		if err != nil {
			return err
		}
		letters, err := d.Outbox.Open(ctx, tx)
		if err != nil {
			return err
		}
		own := map[care.EventID]bool{}
		for _, l := range letters {
			e, _, err := d.Journal.Event(ctx, tx, l.Event) // none: a piece of a file, whose event counts
			if err != nil {
				return err
			}
			if e.Event != nil && !ofItself(e.Event.Kind) {
				own[e.ID] = true
			}
		}
		n = len(held) + len(own)
		return nil
	})
	return n, err
}

// ofItself reports whether nobody thinks of facts of this kind as of something that they wrote or did.
func ofItself(k event.Kind) bool {
	switch k {
	case event.Opened, event.Seen, event.Received, event.Failed, event.Digest, event.Health:
		return true
	}
	return false
}
