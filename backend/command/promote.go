package command

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
)

// Ready lists the held texts whose hold has ended, oldest first, and when the next hold ends (zero: none is held).
func (d *Desk) Ready(ctx context.Context) (drafts []string, next time.Time, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err := d.Outbox.AllHeld(ctx, tx)
		if err != nil {
			return err
		}
		for _, h := range all {
			switch {
			case h.Review:
			case !d.holding(h):
				drafts = append(drafts, h.Draft)
			case next.IsZero() || h.Until.Before(next):
				next = h.Until
			}
		}
		return nil
	})
	return drafts, next, err
}

// Promote makes a held text an event, as its submission begins: it is checked against what has arrived since its author
// sent it, and then signed, journalled and put in the outbox in one transaction. Where something came in that its
// author should see first, or where it can no longer be sent, it is set aside for review instead, and nothing is sent. A
// text that was taken back, decided or promoted meanwhile is left alone; it may run twice.
func (d *Desk) Promote(ctx context.Context, draftID string) error {
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		h, held, err := d.Outbox.Get(ctx, tx, draftID)
		if err != nil || !held || h.Review || d.holding(h) {
			return err
		}
		changed = threads(h.Thread)
		why, became, err := d.promote(ctx, tx, h)
		if err != nil {
			return err
		}
		if why != "" {
			return d.Outbox.ToReview(ctx, tx, draftID, why)
		}
		changed = threads(became.Thread)
		return d.Outbox.Became(ctx, tx, draftID, became)
	})
	if refused(err) {
		// Nothing of it was written. Its author is told; to try again by itself would not help.
		err = d.DB.Write(ctx, func(tx *sql.Tx) error {
			h, held, getting := d.Outbox.Get(ctx, tx, draftID)
			if getting != nil || !held || h.Review || d.holding(h) {
				return getting
			}
			return d.Outbox.ToReview(ctx, tx, draftID, care.SentenceOf(err))
		})
	}
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return err
}

// refused reports whether an error is about this text or its conversation, and not about this computer.
func refused(err error) bool {
	switch care.KindOf(err) {
	case care.Invalid, care.NotFound, care.Forbidden, care.Conflict:
		return err != nil
	}
	return false
}

// promote writes what a held text becomes, or says why its author must look at it first.
func (d *Desk) promote(ctx context.Context, tx *sql.Tx, h outbox.Held) (why string, b outbox.Became, err error) {
	if d.stale(h) {
		return "It is more than a day old. Is it still true?", b, nil
	}
	if d.member() {
		if err := d.writesFor(h.Patient); err != nil {
			return care.SentenceOf(err), b, nil
		}
	}
	if h.What == HeldMessage {
		return d.open(ctx, tx, h)
	}
	c, p, err := d.partOf(ctx, tx, h.Part)
	if err != nil {
		return "", b, err
	}
	if why = d.cameIn(c, p, h); why != "" {
		return why, b, nil
	}
	if why = d.Me.Role.Bounded(c.Topic); why != "" { // since it was sent the person has another role
		return why, b, nil
	}
	f := fact{kind: event.Sent, part: p.ID, body: event.SentBody{Text: h.Text, Basis: d.basis(p)}}
	if h.What == HeldCompletion {
		f = fact{kind: event.Completed, part: p.ID, body: event.CompletedBody{Covers: covered(p), Closing: h.Text}}
	}
	id, err := d.record(ctx, tx, c, f)
	return "", outbox.Became{Thread: c.Thread, Part: p.ID, Event: id}, err
}

// open writes a thread's opening and its first message, in one transaction.
func (d *Desk) open(ctx context.Context, tx *sql.Tx, h outbox.Held) (why string, b outbox.Became, err error) {
	office, ok := d.Directory().Office(h.Office)
	if !ok {
		return "The clinic no longer lists this office. Choose another one.", b, nil
	}
	readers := d.Directory().Readers(h.Patient)
	if h.Private {
		own, err := d.alone(h.Patient)
		if err != nil {
			return care.SentenceOf(err), b, nil
		}
		readers = own
	}
	to := append([]care.MailboxID{office.Mailbox}, readers...)
	opening := event.Event{
		Practice: d.Directory().Practice().ID, Kind: event.Opened, Author: d.Signer.Key(), As: d.Me.ID, For: h.Patient,
		At: d.Now(), To: to, Dir: d.Directory().Version(),
		Body: event.OpenedBody{Office: h.Office, Subject: h.Subject, Topic: h.Topic, Readers: readers},
	}
	thread, err := d.write(ctx, tx, opening)
	if err != nil {
		return "", b, err
	}
	first := opening
	first.Kind, first.Thread, first.After = event.Sent, thread, []care.EventID{thread}
	first.Body = event.SentBody{Text: h.Text}
	id, err := d.write(ctx, tx, first)
	return "", outbox.Became{Thread: thread, Part: thread, Event: id}, err
}

// cameIn says what arrived since the author sent the text that they should see before it goes out; "" for nothing.
func (d *Desk) cameIn(c *talk, p *fold.Part, h outbox.Held) string {
	if !p.Open {
		if d.member() {
			return "The office completed this conversation in the meantime."
		}
		return "A colleague completed this conversation in the meantime."
	}
	seen := c.past(h.Heads)
	for i := range p.Messages {
		m := &p.Messages[i]
		if seen[m.ID] || m.As == d.Me.ID {
			continue
		}
		switch {
		case m.Member && d.member():
			return "Another message came in from your side in the meantime."
		case m.Member:
			return "The member wrote again in the meantime."
		case d.member():
			return "The office answered in the meantime."
		default:
			return fmt.Sprintf("%s answered in the meantime.", d.shown(m.As))
		}
	}
	if !d.member() && p.Owner != "" && p.Owner != d.Me.ID && !seen[p.OwnerEvent] {
		return fmt.Sprintf("%s took this conversation in the meantime.", d.shown(p.Owner))
	}
	return ""
}

func (d *Desk) shown(id care.PersonID) string {
	if p, ok := d.Directory().Person(id); ok && p.Shown != "" {
		return p.Shown
	}
	return "A colleague"
}

// basis is what a member's message names: the reopenings of its part.
func (d *Desk) basis(p *fold.Part) []care.EventID {
	if !d.member() {
		return nil
	}
	return reopenings(p)
}

func reopenings(p *fold.Part) (ids []care.EventID) {
	for _, r := range p.Reopenings {
		ids = append(ids, r.ID)
	}
	return care.SortEventIDs(ids)
}

// covered is what a completion names: the member's messages in its part.
func covered(p *fold.Part) []care.EventID {
	var ids []care.EventID
	for _, m := range p.Messages {
		if m.Member {
			ids = append(ids, m.ID)
		}
	}
	return care.SortEventIDs(ids)
}
