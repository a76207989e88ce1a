package command

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Health mails the practice how this agent stands, in place of what before said, if that is still on this computer: of an agent that
// is cut off for days one waits, not hundreds. It reports the event, zero where there is nowhere to mail it to.
func (d *Desk) Health(ctx context.Context, b event.HealthBody, before care.EventID) (id care.EventID, err error) {
	practice := d.Directory().Practice()
	if practice.Mailbox == "" {
		return care.EventID{}, nil // the clinic's list has not come, to a record that begins anew
	}
	err = d.DB.Write(ctx, func(tx *sql.Tx) error {
		if here, err := d.Outbox.Here(ctx, tx, before); err != nil {
			return err
		} else if here {
			if err := d.Outbox.Drop(ctx, tx, before); err != nil {
				return err
			}
			if err := d.Journal.Withdraw(ctx, tx, before); err != nil {
				return err
			}
		}
		id, err = d.write(ctx, tx, event.Event{Kind: event.Health, Practice: practice.ID, Author: d.Signer.Key(), As: d.Me.ID,
			At: d.Now(), To: []care.MailboxID{practice.Mailbox}, Dir: d.Directory().Version(), Body: b})
		return err
	})
	if err != nil {
		return care.EventID{}, fmt.Errorf("tell how the agent stands: %w", err)
	}
	d.Wake(Change{Sync: true})
	return id, nil
}
