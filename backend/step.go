package backend

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
)

// PullUntil pulls until everything is here that the senders have handed over for this profile's mailboxes: a mail system
// says that it has a letter before it has delivered it. It is for profiles that are driven step by step.
func (p *Profile) PullUntil(ctx context.Context, senders ...*Profile) error {
	for {
		if err := p.replica.Pull(ctx); err != nil {
			return err
		}
		missing, err := p.missing(ctx, senders)
		if err != nil || missing == 0 {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d letters were handed over and did not arrive: %w", missing, ctx.Err())
		}
	}
}

// missing counts the senders' letters for this profile's mailboxes that it has not seen there.
func (p *Profile) missing(ctx context.Context, senders []*Profile) (n int, err error) {
	for _, mailbox := range p.replica.Mailboxes() {
		for _, s := range senders {
			var sent []care.EventID
			if err := s.db.Read(ctx, func(tx *sql.Tx) error {
				sent, err = s.desk.Outbox.Sent(ctx, tx, mailbox)
				return err
			}); err != nil {
				return 0, err
			}
			if err := p.db.Read(ctx, func(tx *sql.Tx) error {
				for _, id := range sent {
					in, err := p.desk.Journal.In(ctx, tx, id, mailbox)
					if err == nil && !in {
						in, err = p.desk.Journal.HasPiece(ctx, tx, id)
					}
					if err != nil {
						return err
					}
					if !in {
						n++
					}
				}
				return nil
			}); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}
