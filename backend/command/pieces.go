package command

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/outbox"
)

// sendPieces queues the pieces of an event's files for mailboxes, behind the event: what it says can be read first. Each piece is a letter of
// its own, sealed to the one mailbox that it goes to. A piece that was sent there before is there.
func (d *Desk) sendPieces(ctx context.Context, tx *sql.Tx, thread care.ThreadID, id care.EventID, to ...care.MailboxID) error {
	e, ok, err := d.Journal.Event(ctx, tx, id)
	if err != nil || !ok || e.Event == nil {
		return err
	}
	return d.queuePieces(ctx, tx, thread, e.Event.Pieces(), to...)
}

func (d *Desk) queuePieces(ctx context.Context, tx *sql.Tx, thread care.ThreadID, pieces []care.EventID, to ...care.MailboxID) error {
	var letters []outbox.Letter
	for _, mailbox := range to {
		for _, piece := range pieces {
			letters = append(letters, outbox.Letter{Event: piece, Mailbox: mailbox, Thread: thread, Added: d.Now()})
		}
	}
	if err := d.Outbox.Add(ctx, tx, letters...); err != nil {
		return fmt.Errorf("outbox of files: %w", err)
	}
	return nil
}

// sendMissing keeps and sends those pieces that an event names and that are not here.
func (d *Desk) sendMissing(ctx context.Context, tx *sql.Tx, e *event.Event, pieces [][]byte) error {
	var missing []care.EventID
	named := e.Pieces()
	for _, piece := range pieces {
		id := event.PieceID(piece)
		if !slices.Contains(named, id) {
			continue
		}
		here, err := d.Journal.HasPiece(ctx, tx, id)
		if err != nil {
			return err
		}
		if here {
			continue
		}
		if _, _, err := d.Journal.KeepPiece(ctx, tx, piece); err != nil {
			return err
		}
		missing = append(missing, id)
	}
	return d.queuePieces(ctx, tx, e.Thread, missing, e.To...)
}
