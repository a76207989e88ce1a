package command

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/draft"
)

// Kinds of drafts.
const (
	DraftNew     = "new"     // a member's new message
	DraftReply   = "reply"   // a reply in a part
	DraftNote    = "note"    // an internal note in a part; in none: a form of the administration that is half filled in
	DraftClosing = "closing" // the closing line of a completion
)

// maxForm is how many characters a half-typed form may have: a list of members to import is one, and a page can post no more.
const maxForm = 1 << 20

// SaveDraft keeps unsent text as it is being typed. A draft without an id gets one. A draft whose text was sent in the
// meantime, by a second window or a double click, stays sent: care.Conflict. It may run any number of times.
func (d *Desk) SaveDraft(ctx context.Context, t draft.Draft) (draft.Draft, error) {
	most := 4 * care.MaxText
	if t.What == DraftNote && t.Part.IsZero() {
		most = maxForm
	}
	if utf8.RuneCountInString(string(t.Text)) > most || utf8.RuneCountInString(string(t.Subject)) > 4*care.MaxSubject {
		return t, care.Refusef(care.Invalid, "This is longer than Postern can keep. Shorten it, or split it into two messages.")
	}
	if t.ID == "" {
		t.ID = care.NewID("dr")
	}
	if !care.ValidID("dr", t.ID) {
		return t, care.Refusef(care.Invalid, "This draft has no valid name. Reload the page and try again.")
	}
	if d.member() && t.What == DraftNew && t.Patient == "" {
		t.Patient = d.Patient
	}
	t.Saved = d.Now()
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		if sent, err := d.sent(ctx, tx, t.ID); err != nil || sent {
			if sent {
				return care.Refusef(care.Conflict, "This text was already sent.")
			}
			return err
		}
		was, err := d.Drafts.Get(ctx, tx, t.ID)
		switch {
		case err != nil && care.KindOf(err) != care.NotFound:
			return err
		case err == nil && t.What == DraftNew && was.Patient != "" && was.Patient != t.Patient:
			return care.Refusef(care.Conflict, "This draft is for another person's record, so it was not saved here. Choose them under Messages for.")
		}
		return d.Drafts.Save(ctx, tx, t)
	})
	if err != nil {
		return t, err
	}
	d.Wake(Change{Texts: true})
	return t, nil
}

// DeleteDraft removes unsent text for good. It may run twice.
func (d *Desk) DeleteDraft(ctx context.Context, id string) error {
	err := d.DB.Write(ctx, func(tx *sql.Tx) error { return d.Drafts.Delete(ctx, tx, id) })
	if err == nil {
		d.Wake(Change{Texts: true})
	}
	return err
}

// sent reports whether a draft's text is already held or has become an event.
func (d *Desk) sent(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	if _, became, err := d.Outbox.WhatBecame(ctx, tx, id); err != nil || became {
		return became, err
	}
	_, held, err := d.Outbox.Get(ctx, tx, id)
	return held, err
}

// maxWritten leaves room in an event's bytes for everything beside its text.
const maxWritten = event.MaxBytes - 12<<10

// words refuses text that is empty or too long, naming the field. The text itself stays in its draft.
func words(field, empty string, text care.Text, most int) error {
	if strings.TrimSpace(string(text)) == "" {
		return care.Refusef(care.Invalid, "%s", empty).In(field)
	}
	if n := utf8.RuneCountInString(string(text)); n > most {
		return care.Refusef(care.Invalid, "This is %d characters long; %d fit. Shorten it by %d.", n, most, n-most).In(field)
	}
	if !utf8.ValidString(string(text)) {
		return care.Refusef(care.Invalid, "This holds characters that cannot be sent. Remove them and try again.").In(field)
	}
	// Some characters that cannot be shown take six bytes in an event, which has room for so many: better said now than later.
	var written bytes.Buffer
	enc := json.NewEncoder(&written)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(text)); err != nil || written.Len() > maxWritten {
		return care.Refusef(care.Invalid, "This holds too many characters that cannot be shown. Remove them and try again.").In(field)
	}
	return nil
}
