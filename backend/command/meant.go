package command

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
)

// StillMeant reports whether a fact that nobody has received yet should still go out. A claim or assignment whose
// predecessor has found another successor in the meantime is dropped from this computer, and its author is told: sent
// late, it could take the conversation from the colleague who acted first.
func (d *Desk) StillMeant(ctx context.Context, id care.EventID) (bool, error) {
	meant := true
	var thread care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entry, ok, err := d.Journal.Event(ctx, tx, id)
		if err != nil || !ok || entry.Event == nil || entry.Event.Kind != event.Owner {
			return err
		}
		mine := entry.Event.Body.(event.OwnerBody)
		thread = entry.Event.Thread
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return err
		}
		for _, e := range Events(entries) {
			other, is := e.Body.(event.OwnerBody)
			if is && e.ID != id && e.Part == entry.Event.Part && other.Over == mine.Over && e.As != d.Me.ID {
				meant = false
				break
			}
		}
		if meant {
			return nil
		}
		if err := d.Outbox.Drop(ctx, tx, id); err != nil {
			return err
		}
		if err := d.Journal.Withdraw(ctx, tx, id); err != nil {
			return fmt.Errorf("withdraw claim %s: %w", id, err)
		}
		return nil
	})
	if err == nil && !meant {
		d.Wake(Change{Threads: threads(thread), Texts: true, Beaten: threads(thread)})
	}
	return meant, err
}
