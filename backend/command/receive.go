package command

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
)

// Receive confirms, for the clinic, that it has a member's message: when it was received (the mail system's date of the
// office's copy, and no other clock's) and when a reply is due. It is a no-op for a message that already has a receipt.
// care.Unavailable while there is no calendar to promise by.
func (d *Desk) Receive(ctx context.Context, thread care.ThreadID, message care.EventID, arrived time.Time) error {
	var done bool
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		c, err := d.conversation(ctx, tx, thread)
		if err != nil {
			return err
		}
		p, m := find(c, message)
		if m == nil || !m.Member || m.Receipt != nil {
			return nil
		}
		clock := d.Clock()
		if !clock.Promises() {
			return care.Refusef(care.Unavailable, "Postern cannot read the clinic's calendar, so it cannot say when a reply is due.")
		}
		office, _ := d.Directory().Office(c.Office)
		due, cover, ok := clock.Due(arrived, d.Directory().Practice().Policy.Promise(), office.Provider)
		if !ok {
			due = time.Time{} // no day can be named while the provider is away without end and without cover
		}
		body := event.ReceivedBody{Message: message, Received: arrived.UTC().Truncate(time.Millisecond), Due: due.UTC(), Cover: cover}
		if due.IsZero() {
			body.Due = time.Time{}
		}
		_, err = d.record(ctx, tx, c, fact{kind: event.Received, part: p.ID, body: body})
		done = err == nil
		return err
	})
	if err == nil && done {
		d.Wake(Change{Threads: []care.ThreadID{thread}, Texts: true})
	}
	return err
}

// MarkRead notes that the person at this desk has read those items of a part that were shown: another may have come
// since the screen was drawn. A member's reading of an office's message is an event, so that the care team and the
// member's other computers know; staff's stays on this computer.
func (d *Desk) MarkRead(ctx context.Context, part care.EventID, shown ...care.EventID) error {
	var thread care.ThreadID
	var changed bool
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		c, p, err := d.find(ctx, tx, part, d.arriving)
		if err != nil {
			return err
		}
		if d.member() && (c.ReadOnly || !c.Opened) {
			return nil // it stays unread until a newer Postern, or one that knows whom to tell, can also tell the care team
		}
		thread = c.Thread
		hidden := func(id care.EventID) bool { return !slices.Contains(shown, id) }
		marks, err := d.Seen.Mark(ctx, tx, p.ID, slices.DeleteFunc(shownIDs(p), hidden)...)
		if err != nil {
			return err
		}
		changed = marks > 0
		if !d.member() {
			return nil
		}
		for _, id := range slices.DeleteFunc(unseen(p), hidden) {
			changed = true
			if _, err := d.record(ctx, tx, c, fact{kind: event.Seen, part: p.ID, body: event.SeenBody{Message: id}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && changed {
		d.Wake(Change{Threads: []care.ThreadID{thread}})
	}
	return err
}

// unseen are the office's words in a part that nobody of the member's side has seen yet: messages and closing lines.
func unseen(p *fold.Part) (ids []care.EventID) {
	for _, m := range p.Messages {
		if !m.Member && m.SeenAt.IsZero() {
			ids = append(ids, m.ID)
		}
	}
	for _, c := range p.Completions {
		if c.SeenAt.IsZero() {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// DeliveryFailed notes in the conversation that a letter did not reach its mailbox, with the mail system's words.
// Where this device may not say so (a member's), the outbox row alone tells its author.
func (d *Desk) DeliveryFailed(ctx context.Context, thread care.ThreadID, id care.EventID, mailbox care.MailboxID, reason string) error {
	if d.member() {
		return nil
	}
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		c, err := d.conversation(ctx, tx, thread)
		if err != nil {
			return err
		}
		if cameBack(c, id) {
			return nil // one word of a notice is enough: whoever knows its token could have them without end
		}
		if mailbox == c.OfficeMailbox {
			return nil // the office's own copy failed: an event to the office would fail alike; the outbox row shows it
		}
		_, err = d.record(ctx, tx, c, fact{kind: event.Failed, part: c.Thread, body: event.FailedBody{Event: id, Mailbox: mailbox, Reason: reason}})
		return err
	})
	if err == nil {
		d.Wake(Change{Threads: threads(thread), Texts: true})
	}
	return err
}

// cameBack reports whether it is known of a notice that it did not reach its address.
func cameBack(c *talk, id care.EventID) bool {
	for _, p := range c.Parts {
		for _, n := range p.Notices {
			if n.ID == id && len(n.Failure) > 0 {
				return true
			}
		}
	}
	return false
}

func find(c *talk, message care.EventID) (*fold.Part, *fold.Message) {
	for i := range c.Parts {
		for j := range c.Parts[i].Messages {
			if c.Parts[i].Messages[j].ID == message {
				return &c.Parts[i], &c.Parts[i].Messages[j]
			}
		}
	}
	return nil, nil
}

func shownIDs(p *fold.Part) []care.EventID {
	var ids []care.EventID
	for _, m := range p.Messages {
		ids = append(ids, m.ID)
	}
	for _, n := range p.Notes {
		ids = append(ids, n.ID)
	}
	for _, c := range p.Completions {
		ids = append(ids, c.ID)
	}
	for _, r := range p.Bridged {
		ids = append(ids, r.ID)
	}
	return ids
}

func became(thread care.ThreadID, part, id care.EventID) outbox.Became {
	return outbox.Became{Thread: thread, Part: part, Event: id}
}
