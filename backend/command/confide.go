package command

import (
	"context"
	"database/sql"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// Confide leaves the proxies out of a conversation: on the member's side only the patient reads it from here on. No letter
// of it goes to a proxy's mailbox any more; what was sent there before stays there. It may run twice. There is no way
// back, for what came in between would be missing to them. Refused where the patient does not read it themself.
func (d *Desk) Confide(ctx context.Context, part care.EventID) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		own, err := d.alone(c.Patient)
		if err != nil {
			return err
		}
		if slices.Equal(c.Readers, own) {
			return nil
		}
		if !slices.Contains(c.Readers, own[0]) {
			return care.Refusef(care.Conflict, "The patient does not read this conversation, so nobody would. Call them instead.")
		}
		// Its own letters leave the proxies out already.
		_, err = d.record(ctx, tx, c, fact{kind: event.Readers, part: p.ID, to: append([]care.MailboxID{c.OfficeMailbox}, own...),
			body: event.ReadersBody{Readers: own, Over: c.ReadersEvent}})
		return err
	})
}

// alone is the patient's own mailbox, as the only reader.
func (d *Desk) alone(id care.PatientID) ([]care.MailboxID, error) {
	p, ok := d.Directory().Patient(id)
	if !ok || p.Mailbox == "" || !slices.Contains(d.Directory().Readers(id), p.Mailbox) {
		return nil, care.Refusef(care.Conflict, "This patient has no account of their own: without proxies nobody would read this. Call them instead.")
	}
	return []care.MailboxID{p.Mailbox}, nil
}

// has begins a sentence about the patient on the desk: "You have", "Mateo Vega has".
func (d *Desk) has() string {
	p, ok := d.Directory().Patient(d.Patient)
	me, known := d.Directory().Person(d.Me.ID)
	if !ok || !known || p.Mailbox == d.Mailbox || p.Name == me.Name {
		return "You have"
	}
	return p.Name + " has"
}
