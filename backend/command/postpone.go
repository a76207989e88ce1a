package command

import (
	"cmp"
	"context"
	"database/sql"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/care/promise"
)

// Promised is by what replies were promised: the calendar, and how much of its business time.
type Promised struct {
	Clock *promise.Clock
	Span  time.Duration
}

// Promised is by what replies are promised now.
func (d *Desk) Promised() Promised {
	return Promised{d.Clock(), d.Directory().Practice().Policy.Promise()}
}

// Awaiting are the threads in which something of the member's side waits for a reply.
func (d *Desk) Awaiting(ctx context.Context) (all []care.ThreadID, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err = d.Threads.Awaiting(ctx, tx)
		return err
	})
	return all, err
}

// Postpone moves the due time of each message of a thread that awaits a reply to what the clinic's calendar and policy of now
// make of its receipt, and says why: before is what was promised by until now. It reports how many it moved.
//
// A promise that was missed stays missed, and none is moved to a time that has passed: the first would hide what is overdue,
// the second promise what nobody can keep. It is a no-op where nothing is to be moved; only the agent that the directory
// names does it. care.Unavailable while there is no calendar to promise by.
func (d *Desk) Postpone(ctx context.Context, thread care.ThreadID, before Promised) (moved int, err error) {
	if d.Directory().Practice().Agent != d.Me.ID {
		return 0, care.Refusef(care.Forbidden, "Only the clinic's agent does that.")
	}
	if !d.Clock().Promises() {
		return 0, care.Refusef(care.Unavailable, "Postern cannot read the clinic's calendar, so it cannot say when a reply is due.")
	}
	var found []fact
	if err := d.DB.Read(ctx, func(tx *sql.Tx) error { // nobody who writes waits for what is not moved
		c, err := d.read(ctx, tx, thread)
		if err == nil && !c.ReadOnly {
			found = d.moves(c, before)
		}
		return err
	}); err != nil || len(found) == 0 {
		return 0, err
	}
	err = d.DB.Write(ctx, func(tx *sql.Tx) error {
		c, err := d.conversation(ctx, tx, thread)
		if err != nil {
			return err
		}
		found = d.moves(c, before)
		for _, f := range found {
			if _, err := d.record(ctx, tx, c, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if len(found) > 0 {
		d.Wake(Change{Threads: threads(thread), Texts: true})
	}
	return len(found), nil
}

// moves are the due times of a conversation that are others now.
func (d *Desk) moves(c *talk, before Promised) (all []fact) {
	office, _ := d.Directory().Office(c.Office)
	by, now := d.Promised(), d.Now()
	for _, p := range c.Parts {
		for _, m := range p.Messages {
			if !m.Member || m.Answered || m.Receipt == nil {
				continue
			}
			r := m.Receipt
			due, _, ok := by.Clock.Due(r.Received, by.Span, office.Provider)
			if ok {
				due = due.UTC().Truncate(time.Millisecond)
			}
			switch missed := !r.Due.IsZero() && !r.Due.After(now); {
			case due.Equal(r.Due), missed, !r.Due.IsZero() && ok && !due.After(now):
				continue
			}
			all = append(all, fact{kind: event.DueChange, part: p.ID, body: event.DueBody{Message: m.ID, Due: due,
				Reason: d.whyMoved(r, due, office.Provider, by, before), Over: r.Event}})
		}
	}
	return all
}

// whyMoved says it to the member.
func (d *Desk) whyMoved(r *fold.Receipt, due time.Time, provider care.PersonID, by, before Promised) care.Text {
	until := due
	if r.Due.IsZero() || !due.IsZero() && r.Due.After(due) {
		until = r.Due
	}
	why := by.Clock.Why(before.Clock, r.Received, until, provider, func(p care.PersonID) string {
		who, _ := d.Directory().Person(p)
		return cmp.Or(who.Shown, "Your doctor")
	})
	switch {
	case why != "":
	case before.Span != 0 && before.Span != by.Span:
		why = "The clinic changed how soon it promises a reply."
	default: // what it was before is not known
		why = "The clinic's calendar changed."
	}
	return care.Text(why)
}
