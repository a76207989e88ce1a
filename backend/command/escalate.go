package command

import (
	"context"
	"database/sql"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// Escalated is a message to which no reply came in time, and who is told.
type Escalated struct {
	Message care.EventID
	Told    []care.PersonID
}

// Escalate says of conversations that their reply is overdue, each once until it is answered, and does with in the same transaction what is
// to go out. whom gives, of an office and of whoever has the conversation there, who is to be told; not now leaves it for later, and left
// names it. It is a no-op where nothing is overdue any more; only the agent that the directory names does it.
func (d *Desk) Escalate(ctx context.Context, parts []care.EventID, whom func(care.Office, care.PersonID) (told []care.PersonID, now bool),
	with func(ctx context.Context, tx *sql.Tx, all []Escalated) error) (left []care.EventID, err error) {
	if d.Directory().Practice().Agent != d.Me.ID {
		return nil, care.Refusef(care.Forbidden, "Only the clinic's agent does that.")
	}
	var changed []care.ThreadID
	err = d.DB.Write(ctx, func(tx *sql.Tx) error {
		left, changed = nil, nil
		var all []Escalated
		for _, part := range parts {
			c, p, err := d.partOf(ctx, tx, part)
			if k := care.KindOf(err); err != nil && (k == care.Conflict || k == care.NotFound) { // it cannot be written in
				continue
			}
			if err != nil {
				return err
			}
			message := d.overdue(p)
			if message.IsZero() {
				continue
			}
			office, _ := d.Directory().Office(c.Office)
			told, now := whom(office, p.Owner)
			if !now {
				left = append(left, part)
				continue
			}
			if _, err := d.record(ctx, tx, c, fact{kind: event.Overdue, part: p.ID, body: event.OverdueBody{Message: message, Told: told}}); err != nil {
				return err
			}
			all, changed = append(all, Escalated{message, told}), append(changed, c.Thread)
		}
		if len(all) == 0 {
			return nil
		}
		return with(ctx, tx, all)
	})
	if err == nil && len(changed) > 0 {
		d.Wake(Change{Threads: care.SortEventIDs(changed), Texts: true})
	}
	return left, err
}

// overdue is the message of a part that should have been answered first; zero where none is overdue, or somebody was told of one that is
// not answered yet.
func (d *Desk) overdue(p *fold.Part) care.EventID {
	if !p.Open || slices.ContainsFunc(p.Messages, func(m fold.Message) bool { return m.Overdue != nil && !m.Answered }) {
		return care.EventID{}
	}
	for _, m := range p.Messages {
		if m.Member && !m.Answered && m.Receipt != nil && m.Receipt.Due.Equal(p.Due) && !p.Due.IsZero() && !p.Due.After(d.Now()) {
			return m.ID
		}
	}
	return care.EventID{}
}
