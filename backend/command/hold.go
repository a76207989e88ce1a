package command

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
)

// What a held text will become.
const (
	HeldMessage    = "message"    // a thread's opening with its first message
	HeldReply      = "reply"      // a message in a part
	HeldCompletion = "completion" // a completion with its closing line
)

// Sending is a text on its way: the handle of its draft, the end of its hold, and what it became once it is an event.
type Sending struct {
	Draft  string
	Until  time.Time
	Thread care.ThreadID
	Part   care.EventID
}

// SendMessage sends a new message from its draft: it is held, and nothing of it exists for others yet. Refused as
// care.Invalid, naming the field, where something is missing. Sending a draft twice answers with what it became.
func (d *Desk) SendMessage(ctx context.Context, draftID string) (Sending, error) {
	return d.hold(ctx, draftID, func(tx *sql.Tx, t draft.Draft) (outbox.Held, error) {
		if _, ok := d.Directory().Office(t.Office); !ok {
			return outbox.Held{}, care.Refusef(care.Invalid, "Choose an office.").In("office")
		}
		if err := words("subject", "Add a subject.", t.Subject, care.MaxSubject); err != nil {
			return outbox.Held{}, err
		}
		if t.Topic != "" && !slices.Contains(care.Topics, t.Topic) {
			return outbox.Held{}, care.Refusef(care.Invalid, "Choose a topic from the list.").In("topic")
		}
		if err := words("text", "Write your message.", t.Text, care.MaxText); err != nil {
			return outbox.Held{}, err
		}
		if !d.member() {
			return outbox.Held{}, care.Refusef(care.Forbidden, "Only members start a message here.")
		}
		if t.Patient != "" && t.Patient != d.Patient {
			return outbox.Held{}, care.Refusef(care.Conflict, "This draft is for another person's record. Choose them under Messages for, and send it there.")
		}
		if err := d.writesFor(d.Patient); err != nil {
			return outbox.Held{}, err
		}
		related := func(r care.Relation) bool { return r.Office == t.Office }
		if !slices.ContainsFunc(d.Directory().Relations(d.Patient), related) {
			return outbox.Held{}, care.Refusef(care.Forbidden, "%s no current relation with this office. Call the front desk.", d.has()).In("office")
		}
		return outbox.Held{What: HeldMessage, Patient: d.Patient, Office: t.Office, Topic: t.Topic, Subject: t.Subject, Text: t.Text, Private: t.Private}, nil
	}, DraftNew)
}

// SendReply sends a reply from its draft: it is held. A member cannot reply in a completed conversation.
func (d *Desk) SendReply(ctx context.Context, draftID string) (Sending, error) {
	return d.hold(ctx, draftID, func(tx *sql.Tx, t draft.Draft) (outbox.Held, error) {
		return d.heldIn(ctx, tx, t, HeldReply, "Write your reply.")
	}, DraftReply)
}

// Complete marks the part complete with a closing line from its draft ("closing", or "reply" for send and complete):
// it is held. The closing line is required.
func (d *Desk) Complete(ctx context.Context, draftID string) (Sending, error) {
	return d.hold(ctx, draftID, func(tx *sql.Tx, t draft.Draft) (outbox.Held, error) {
		h, err := d.heldIn(ctx, tx, t, HeldCompletion, "Write a closing line: the member reads it as the last message.")
		if err != nil {
			return h, err
		}
		return h, d.staffIn(h.Office)
	}, DraftClosing, DraftReply)
}

// heldIn checks and shapes a text that belongs to an existing part.
func (d *Desk) heldIn(ctx context.Context, tx *sql.Tx, t draft.Draft, what, empty string) (outbox.Held, error) {
	if err := words("text", empty, t.Text, care.MaxText); err != nil {
		return outbox.Held{}, err
	}
	c, p, err := d.partOf(ctx, tx, t.Part)
	if err != nil {
		return outbox.Held{}, err
	}
	if err := d.mayWrite(c, p); err != nil {
		return outbox.Held{}, err
	}
	seen, err := d.seenIn(ctx, tx, c, p)
	return outbox.Held{What: what, Thread: c.Thread, Part: p.ID, Patient: c.Patient, Office: c.Office,
		Topic: c.Topic, Subject: c.Subject, Text: t.Text, Heads: seen}, err
}

// mayWrite refuses a reply where the conversation is complete or the person takes no part in it.
func (d *Desk) mayWrite(c *talk, p *fold.Part) error {
	if !d.member() {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		if why := d.Me.Role.Bounded(c.Topic); why != "" {
			return care.Refusef(care.Forbidden, "%s", why)
		}
	} else if c.Patient != d.Patient {
		return care.Refusef(care.Forbidden, "This conversation belongs to another record.")
	} else if err := d.writesFor(c.Patient); err != nil {
		return err
	}
	if p.Open {
		return nil
	}
	if d.member() {
		return care.Refusef(care.Conflict, "This conversation is complete. Start a new message if you need anything else.")
	}
	return care.Refusef(care.Conflict, "This conversation is complete. Reopen it to write here.")
}

// hold turns a draft of one of these kinds into a held text, in one transaction.
func (d *Desk) hold(ctx context.Context, draftID string, shape func(*sql.Tx, draft.Draft) (outbox.Held, error), kinds ...string) (Sending, error) {
	out := Sending{Draft: draftID}
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		if was, err := d.sending(ctx, tx, draftID); err != nil || was.Draft != "" {
			out = was
			return err
		}
		t, err := d.Drafts.Get(ctx, tx, draftID)
		if err != nil {
			return err
		}
		if !slices.Contains(kinds, t.What) { // an internal note, say, never becomes a message
			return care.Refusef(care.Invalid, "This draft is of another kind. Reload the page and try again.")
		}
		h, err := shape(tx, t)
		if err != nil {
			return err
		}
		h.Draft, h.Written = draftID, d.Now()
		h.Until = h.Written.Add(d.Directory().Practice().Policy.Hold())
		if err := d.Outbox.Hold(ctx, tx, h); err != nil {
			return fmt.Errorf("hold: %w", err)
		}
		out.Until, out.Thread, out.Part = h.Until, h.Thread, h.Part
		changed = threads(h.Thread)
		return d.Drafts.Delete(ctx, tx, draftID)
	})
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return out, err
}

// sending finds what a draft already is: held, or become an event. An empty Draft in the answer means neither.
func (d *Desk) sending(ctx context.Context, tx *sql.Tx, draftID string) (Sending, error) {
	b, ok, err := d.Outbox.WhatBecame(ctx, tx, draftID)
	if err != nil || ok {
		return Sending{Draft: draftID, Thread: b.Thread, Part: b.Part}, err
	}
	h, held, err := d.Outbox.Get(ctx, tx, draftID)
	if err != nil || !held {
		return Sending{}, err
	}
	return Sending{Draft: draftID, Until: h.Until, Thread: h.Thread, Part: h.Part}, nil
}

// SendNow ends a text's hold, or, for a text shown for review, sends it all the same: its author has decided, having
// seen what is here now. It is a no-op for a text that is already on its way.
func (d *Desk) SendNow(ctx context.Context, draftID string) error {
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, became, err := d.Outbox.WhatBecame(ctx, tx, draftID); err != nil || became {
			return err
		}
		h, err := d.heldText(ctx, tx, draftID)
		if err != nil {
			return err
		}
		if !h.Thread.IsZero() {
			c, p, err := d.partOf(ctx, tx, h.Part)
			if err != nil {
				return err
			}
			if err := d.mayWrite(c, p); err != nil {
				return err
			}
			if h.Review { // its author was shown what came in. Who only ends the hold has seen nothing new
				if h.Heads, err = d.seenIn(ctx, tx, c, p); err != nil {
					return err
				}
			}
			// What its author sent here before it goes before it: a reply, and then a completion, though that is sent now.
			before := true
			if _, err := d.endHolds(ctx, tx, func(e outbox.Held) bool {
				before = before && e.Draft != h.Draft
				return before && e.Part == h.Part
			}); err != nil {
				return err
			}
		}
		if h.Review || d.stale(h) {
			h.Written = d.Now() // decided today: its age is not asked about again
		}
		h.Until, h.Review, h.Why = d.Now(), false, ""
		changed = threads(h.Thread)
		return d.Outbox.Decide(ctx, tx, h)
	})
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return err
}

// EndHolds ends every hold that is running, because the time in which its author could take a text back is over: they
// lock, or the program ends. It decides nothing that waits for its author.
func (d *Desk) EndHolds(ctx context.Context) error {
	var ended []outbox.Held
	err := d.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		ended, err = d.endHolds(ctx, tx, func(outbox.Held) bool { return true })
		return err
	})
	if err != nil || len(ended) == 0 {
		return err
	}
	var changed []care.ThreadID
	for _, h := range ended {
		changed = append(changed, threads(h.Thread)...)
	}
	d.Wake(Change{Threads: care.SortEventIDs(changed), Texts: true})
	return nil
}

// endHolds ends the running holds of these texts and gives the texts. It asks about every held text, in the order in which
// they were sent.
func (d *Desk) endHolds(ctx context.Context, tx *sql.Tx, these func(outbox.Held) bool) (ended []outbox.Held, err error) {
	all, err := d.Outbox.AllHeld(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if !these(h) || h.Review || !d.holding(h) {
			continue
		}
		h.Until = d.Now()
		if err := d.Outbox.Decide(ctx, tx, h); err != nil {
			return nil, fmt.Errorf("end a hold: %w", err)
		}
		ended = append(ended, h)
	}
	return ended, nil
}

// TakeBack makes a held or waiting text a draft again, for editing. care.Conflict once its submission has begun.
func (d *Desk) TakeBack(ctx context.Context, draftID string) (draft.Draft, error) {
	var t draft.Draft
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		h, err := d.Outbox.TakeBack(ctx, tx, draftID)
		if err != nil {
			return err
		}
		changed = threads(h.Thread)
		t = draft.Draft{ID: draftID, What: draftKind(h.What), Thread: h.Thread, Part: h.Part, Office: h.Office,
			Topic: h.Topic, Subject: h.Subject, Text: h.Text, Private: h.Private, Saved: d.Now()}
		if h.Part.IsZero() {
			t.Patient = h.Patient
		}
		return d.Drafts.Save(ctx, tx, t)
	})
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return t, err
}

// Discard drops a held or waiting text for good. care.Conflict once its submission has begun.
func (d *Desk) Discard(ctx context.Context, draftID string) error {
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		h, err := d.Outbox.TakeBack(ctx, tx, draftID)
		changed = threads(h.Thread)
		return err
	})
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return err
}

func (d *Desk) heldText(ctx context.Context, tx *sql.Tx, draftID string) (outbox.Held, error) {
	h, held, err := d.Outbox.Get(ctx, tx, draftID)
	if err != nil || held {
		return h, err
	}
	return outbox.Held{}, care.Refusef(care.NotFound, "This text is not waiting to be sent.")
}

func (d *Desk) stale(h outbox.Held) bool {
	return d.Now().Sub(h.Written) > d.Directory().Practice().Policy.Stale()
}

// holding reports whether a text's hold still runs. One that is to run for longer than any hold began under a clock that
// has been set back since: it is over.
func (d *Desk) holding(h outbox.Held) bool {
	left := h.Until.Sub(d.Now())
	return left > 0 && left <= h.Until.Sub(h.Written)
}

func draftKind(what string) string {
	switch what {
	case HeldMessage:
		return DraftNew
	case HeldCompletion:
		return DraftClosing
	}
	return DraftReply
}

func threads(t care.ThreadID) []care.ThreadID {
	if t.IsZero() {
		return nil
	}
	return []care.ThreadID{t}
}

// Sending says what became of a draft that was sent: its hold, or the part it went to. care.NotFound for a draft that
// was never sent.
func (d *Desk) Sending(ctx context.Context, draftID string) (Sending, error) {
	var s Sending
	err := d.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		s, err = d.sending(ctx, tx, draftID)
		return err
	})
	if err == nil && s.Draft == "" {
		err = care.Refusef(care.NotFound, "This text was not sent.")
	}
	return s, err
}
