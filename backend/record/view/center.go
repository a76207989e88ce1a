package view

import (
	"cmp"
	"context"
	"strings"

	"postern/backend/care"
	"postern/backend/record/draft"
	"postern/backend/record/store"
)

// What the Message Center shows.
const (
	ShowAll     = "all"
	ShowUnread  = "unread"
	ShowWaiting = "waiting" // texts that have not gone out
	ShowDrafts  = "drafts"
)

// Center lists a member's conversations, newest first; above them new messages on their way, among them new drafts. show
// is one of the Show constants, others mean ShowAll. search narrows to what holds all its words.
func (v *Views) Center(ctx context.Context, show, search string) (rows []Row, err error) {
	err = v.ask(ctx, func(a *asked) error {
		all, err := a.center(search)
		for _, r := range all {
			if shown(r, show) {
				rows = append(rows, r)
			}
		}
		return err
	})
	return rows, err
}

func shown(r Row, show string) bool {
	switch show {
	case ShowUnread:
		return r.Unread
	case ShowWaiting:
		return r.State == StateHeld || r.State == StateWaiting || r.State == StateReview || r.State == StateSending
	case ShowDrafts:
		return r.State == StateDraft
	}
	return r.State != StateDraft || r.Part.IsZero() // a half-typed reply shows in its conversation's own row
}

// Counts is how many rows each list of the Message Center has.
type Counts struct{ All, Unread, Waiting, Drafts int }

// CenterCounts counts what Center lists.
func (v *Views) CenterCounts(ctx context.Context) (c Counts, err error) {
	err = v.ask(ctx, func(a *asked) error {
		rows, err := a.center("")
		for _, r := range rows {
			for show, n := range map[string]*int{ShowAll: &c.All, ShowUnread: &c.Unread, ShowWaiting: &c.Waiting, ShowDrafts: &c.Drafts} {
				if shown(r, show) {
					*n++
				}
			}
		}
		return err
	})
	return c, err
}

// center is all that Center may show, drafts of replies too.
func (a *asked) center(search string) (rows []Row, err error) {
	switch {
	case strings.TrimSpace(search) == "":
		scope, args := a.scope()
		var parts []part
		parts, err = a.parts("WHERE "+scope+" ORDER BY p.at DESC, p.id LIMIT ?", append(args, MaxRows)...)
		rows = a.rowsOf(parts)
	case store.Words(search) == "":
		return nil, nil // signs alone: nothing holds them
	default:
		rows, err = a.found(search)
	}
	if err != nil {
		return nil, err
	}
	own, err := a.own(search)
	if err != nil {
		return nil, err
	}
	rows = append(rows, own...)
	newestFirst(rows)
	return rows, nil
}

// own are the viewer's texts that are not yet part of a conversation, and drafts of replies, as far as a search finds them.
func (a *asked) own(search string) (rows []Row, err error) {
	for _, h := range a.held {
		if r := a.heldRow(h); h.Part.IsZero() && h.Patient == a.viewer.Patient && holds(search, r, h.Text) {
			rows = append(rows, r)
		}
	}
	drafts, err := a.drafts.List(a.ctx, a.tx)
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		r, ok, err := a.draftRow(d)
		if err != nil {
			return nil, err
		}
		if ok && holds(search, r, d.Text) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// draftRow is a draft as a row; false for one whose conversation is not the viewer's to see.
func (a *asked) draftRow(d draft.Draft) (Row, bool, error) {
	r := Row{Subject: d.Subject, Topic: d.Topic, Open: true}
	if !d.Part.IsZero() {
		p, ok, err := a.part(d.Part)
		if err != nil || !ok {
			return r, false, err
		}
		r = a.row(p)
		r.Why, r.Unread = "", false
	} else if !a.mine(d) {
		return r, false, nil
	} else if d.Office != "" {
		r.Office = a.office(d.Office)
	}
	if a.viewer.Member {
		r.Patient = a.patient(a.viewer.Patient)
	}
	r.Draft, r.State, r.Snippet, r.At = d.ID, StateDraft, brief(d.Text), d.Saved
	return r, true, nil
}

// mine reports whether a new message is for the record on screen.
func (a *asked) mine(d draft.Draft) bool {
	return !a.viewer.Member || cmp.Or(d.Patient, a.viewer.Own) == a.viewer.Patient
}

// HeldText gives one of the viewer's texts that is sent and not yet an event: care.NotFound once it is one, was taken back
// or never was.
func (v *Views) HeldText(ctx context.Context, draft string) (held Held, err error) {
	err = v.ask(ctx, func(a *asked) error {
		for _, h := range a.held {
			if h.Draft == draft && (!a.viewer.Member || h.Patient == a.viewer.Patient) {
				held = a.heldView(h)
				return nil
			}
		}
		return care.Refusef(care.NotFound, "This text is not waiting to be sent.")
	})
	return held, err
}

// Draft gives one draft: care.NotFound if it was sent or deleted.
func (v *Views) Draft(ctx context.Context, id string) (d Draft, err error) {
	err = v.ask(ctx, func(a *asked) error {
		kept, err := a.drafts.Get(ctx, a.tx, id)
		d = Draft(kept)
		if err == nil && kept.Part.IsZero() && !a.mine(kept) {
			return care.Refusef(care.Conflict, "This draft is for another person's record. Choose them under Messages for.")
		}
		return err
	})
	return d, err
}

// Drafts gives all drafts, saved last first.
func (v *Views) Drafts(ctx context.Context) (all []Draft, err error) {
	err = v.ask(ctx, func(a *asked) error {
		kept, err := a.drafts.List(ctx, a.tx)
		for _, d := range kept {
			all = append(all, Draft(d))
		}
		return err
	})
	return all, err
}
