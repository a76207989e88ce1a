package command

import (
	"context"
	"database/sql"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// Claim makes the person at this desk the owner of the part: a compare-and-set on the ownership they see. Claiming
// what one already owns is a no-op. Of two claims at once one wins on every computer, and the loser is told.
func (d *Desk) Claim(ctx context.Context, part care.EventID) error {
	return d.Assign(ctx, part, d.Me.ID)
}

// Unclaim hands the part back to the office: nobody owns it.
func (d *Desk) Unclaim(ctx context.Context, part care.EventID) error { return d.Assign(ctx, part, "") }

// Assign makes a colleague of the office the owner of the part; who "" hands it back. A person who is out of office
// is refused, as is one of another office.
func (d *Desk) Assign(ctx context.Context, part care.EventID, who care.PersonID) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		if p.Owner == who {
			return nil
		}
		if err := d.assignable(who, c.Office); err != nil {
			return err
		}
		_, err := d.record(ctx, tx, c, fact{kind: event.Owner, part: p.ID, body: event.OwnerBody{Who: who, Over: p.OwnerEvent}})
		return err
	})
}

func (d *Desk) assignable(who care.PersonID, office care.OfficeID) error {
	if who == "" || who == d.Me.ID {
		return nil
	}
	in := slices.ContainsFunc(d.Directory().OfficesOf(who), func(o care.Office) bool { return o.ID == office })
	if !in {
		return care.Refusef(care.Invalid, "That person does not belong to this office.").In("who")
	}
	if !d.Directory().Enrolled(who) {
		return care.Refusef(care.Invalid, "%s is not enrolled yet. Choose somebody else.", d.shown(who)).In("who")
	}
	if _, _, out := d.Clock().Absent(who, d.Now()); out {
		return care.Refusef(care.Invalid, "%s is out of office. Choose somebody else.", d.shown(who)).In("who")
	}
	return nil
}

// Flag marks the part as urgent, with a reason, or takes the mark away.
func (d *Desk) Flag(ctx context.Context, part care.EventID, on bool, reason care.Text) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		if p.Flagged == on {
			return nil
		}
		if reason != "" {
			if err := words("reason", "Say why this is urgent.", reason, care.MaxReason); err != nil {
				return err
			}
		}
		_, err := d.record(ctx, tx, c, fact{kind: event.Flag, part: p.ID, body: event.FlagBody{On: on, Reason: reason, Over: p.FlagEvent}})
		return err
	})
}

// Reopen voids the completions of the part, so that the member can reply again. It is a no-op on an open part.
func (d *Desk) Reopen(ctx context.Context, part care.EventID) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		var undoes []care.EventID
		for _, done := range p.Completions {
			if !done.Undone {
				undoes = append(undoes, done.ID)
			}
		}
		if len(undoes) == 0 {
			return nil
		}
		_, err := d.record(ctx, tx, c, fact{kind: event.Reopened, part: p.ID, body: event.ReopenedBody{Undoes: care.SortEventIDs(undoes)}})
		return err
	})
}

// SaveNote adds the draft's text as an internal note. It is not held; a note sent twice from one draft is added once.
func (d *Desk) SaveNote(ctx context.Context, draftID string) error {
	var changed []care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		if was, err := d.sending(ctx, tx, draftID); err != nil || was.Draft != "" {
			return err
		}
		t, err := d.Drafts.Get(ctx, tx, draftID)
		if err != nil {
			return err
		}
		if t.What != DraftNote {
			return care.Refusef(care.Invalid, "This draft is not an internal note.")
		}
		if err := words("text", "Write the note.", t.Text, care.MaxText); err != nil {
			return err
		}
		c, p, err := d.partOf(ctx, tx, t.Part)
		if err != nil {
			return err
		}
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		id, err := d.record(ctx, tx, c, fact{kind: event.Note, part: p.ID, body: event.NoteBody{Text: t.Text}})
		if err != nil {
			return err
		}
		changed = threads(c.Thread)
		if err := d.Outbox.Became(ctx, tx, draftID, became(c.Thread, p.ID, id)); err != nil {
			return err
		}
		return d.Drafts.Delete(ctx, tx, draftID)
	})
	if err == nil {
		d.Wake(Change{Threads: changed, Texts: true})
	}
	return err
}
