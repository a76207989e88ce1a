package command

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/digests"
	"postern/backend/record/outbox"
)

// Digest mails the practice what this device tells of its audit record: behind over, the digest that was the newest here as
// it was made, zero for none. Where there is another by now, or nowhere to mail it to, nothing happens; so made twice, it is
// told once. A digest before it that was refused for good is tried again. It reports whether the day is done with.
func (d *Desk) Digest(ctx context.Context, b event.DigestBody) (done bool, err error) {
	practice := d.Directory().Practice()
	if practice.Mailbox == "" {
		return false, nil // the clinic's list has not come, to a record that begins anew
	}
	told := false
	err = d.DB.Write(ctx, func(tx *sql.Tx) error {
		before, _, err := d.Digests.Newest(ctx, tx, d.Signer.Key())
		if err != nil {
			return err
		}
		if before.Event != b.Over {
			return nil
		}
		if err := d.again(ctx, tx, practice.Mailbox); err != nil {
			return err
		}
		id, err := d.write(ctx, tx, event.Event{Kind: event.Digest, Practice: practice.ID, Author: d.Signer.Key(), As: d.Me.ID,
			At: d.Now(), To: []care.MailboxID{practice.Mailbox}, Dir: d.Directory().Version(), Body: b})
		if err != nil {
			return err
		}
		e, _, err := d.Journal.Event(ctx, tx, id)
		if err != nil {
			return err
		}
		told = true
		return d.Digests.Take(ctx, tx, digests.Kept{Event: e.Event, Arrived: e.Arrived})
	})
	if err != nil {
		return false, fmt.Errorf("tell of the audit record: %w", err)
	}
	if told {
		d.Wake(Change{Sync: true})
	}
	return told, nil
}

// again queues what is about no conversation, and was refused for good, to a mailbox once more.
func (d *Desk) again(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) error {
	all, err := d.Outbox.ByThread(ctx, tx, care.ThreadID{})
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.State == outbox.Failed && l.Mailbox == mailbox {
			if err := d.Outbox.Retry(ctx, tx, l.Event, mailbox, d.Now(), ""); err != nil {
				return err
			}
		}
	}
	return nil
}
