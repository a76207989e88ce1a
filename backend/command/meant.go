package command

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// StillMeant reports whether a fact that nobody has received yet should still go out. A claim or assignment whose
// predecessor has found another successor in the meantime is dropped from this computer, and its author is told: sent
// late, it could take the conversation from the colleague who acted first. So is one that follows a dropped one, and a notice
// of what another computer of the agent's has told of meanwhile. What may have left this computer before a crash goes out, and
// the fold decides.
func (d *Desk) StillMeant(ctx context.Context, id care.EventID) (bool, error) {
	meant := true
	var thread care.ThreadID
	var kind event.Kind
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entry, ok, err := d.Journal.Event(ctx, tx, id)
		if err != nil || !ok || entry.Event == nil || !mayLapse(entry.Event.Kind) {
			return err
		}
		thread, kind = entry.Event.Thread, entry.Event.Kind
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil || kind == event.Owner && !d.beaten(entry.Event, Events(entries)) || kind == event.Notice && !d.outdone(entry, entries) {
			return err
		}
		meant = false
		if err := d.Outbox.Drop(ctx, tx, id); err != nil {
			return err
		}
		if err := d.Journal.Withdraw(ctx, tx, id); err != nil {
			return fmt.Errorf("withdraw %s %s: %w", kind, id, err)
		}
		return nil
	})
	if !meant && care.KindOf(err) == care.Conflict {
		return true, nil
	}
	if err == nil && !meant {
		change := Change{Threads: threads(thread), Texts: true}
		if kind == event.Owner {
			change.Beaten = threads(thread)
		}
		d.Wake(change)
	}
	return meant, err
}

// mayLapse reports whether a fact of this kind may be dropped before it has left this computer.
func mayLapse(k event.Kind) bool { return k == event.Owner || k == event.Notice }

// beaten reports whether a colleague has replaced what a claim of ours replaces, or whether that was dropped itself. What
// does not count in the conversation beats nobody: else whoever may not claim could keep all claims from going out.
func (d *Desk) beaten(mine *event.Event, all []*event.Event) bool {
	over := mine.Body.(event.OwnerBody).Over
	held := over.IsZero()
	c := fold.Fold(all, d.Directory())
	for _, e := range all {
		held = held || e.ID == over
		other, is := e.Body.(event.OwnerBody)
		if is && !slices.Contains(c.Refused, e.ID) && !slices.Contains(c.Waiting, e.ID) && e.ID != mine.ID && e.Part == mine.Part && other.Over == over && e.As != d.Me.ID {
			return true
		}
	}
	return !held
}
