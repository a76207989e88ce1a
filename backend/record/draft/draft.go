// Package draft keeps text that was typed and not sent, so that it survives a crash and a power cut.
//
// It keeps what it is given, whole, and decides nothing about it. A draft that is sent is deleted by the command that
// sends it, in the same transaction.
package draft

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Draft is one unsent text.
type Draft struct {
	ID      string // "dr_" and 16 characters: care.NewID("dr")
	What    string // "new", "reply", "note", "closing"
	Thread  care.ThreadID
	Part    care.EventID
	Patient care.PatientID // of a new message: whose record it is for; empty: its author's own
	Private bool           // of a new message: proxies do not read it
	Office  care.OfficeID
	Topic   care.Topic
	Subject care.Text
	Text    care.Text
	Saved   time.Time
}

// Drafts keeps a profile's drafts. It is safe for concurrent use.
type Drafts struct{}

// New makes the keeper of an open file's drafts.
func New(*store.DB) *Drafts { return &Drafts{} }

const columns = "id, what, thread, part, patient, private, office, topic, subject, text, saved"

// Save stores a draft, or stores it anew under the same id. care.Internal for an id that care.NewID("dr") did not make.
func (*Drafts) Save(ctx context.Context, tx *sql.Tx, d Draft) error {
	if !care.ValidID("dr", d.ID) {
		return care.Because(care.Internal, fmt.Errorf("a draft with the id %q", d.ID), "This draft has no valid name. Reload the page and try again.")
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO draft ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "+
		"what = excluded.what, thread = excluded.thread, part = excluded.part, patient = excluded.patient, private = excluded.private, office = excluded.office, topic = excluded.topic, "+
		"subject = excluded.subject, text = excluded.text, saved = excluded.saved",
		d.ID, d.What, store.Blob(d.Thread), store.Blob(d.Part), string(d.Patient), d.Private, string(d.Office), string(d.Topic), string(d.Subject), string(d.Text),
		store.Millis(d.Saved))
	if err != nil {
		return fmt.Errorf("save draft: %w", err)
	}
	return nil
}

// Delete removes a draft. It is a no-op for one that is not here.
func (*Drafts) Delete(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM draft WHERE id = ?", id); err != nil {
		return fmt.Errorf("delete draft: %w", err)
	}
	return nil
}

// Get gives one draft: care.NotFound if it is not here.
func (*Drafts) Get(ctx context.Context, tx *sql.Tx, id string) (Draft, error) {
	all, err := list(ctx, tx, "SELECT "+columns+" FROM draft WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		return Draft{}, care.Refusef(care.NotFound, "This draft is not on this computer. It may have been sent or deleted in another window.")
	}
	if err != nil {
		return Draft{}, err
	}
	return all[0], nil
}

// List gives all drafts, saved last first.
func (*Drafts) List(ctx context.Context, tx *sql.Tx) ([]Draft, error) {
	return list(ctx, tx, "SELECT "+columns+" FROM draft ORDER BY saved DESC, id")
}

// In gives the drafts that belong to a part, saved last first.
func (*Drafts) In(ctx context.Context, tx *sql.Tx, part care.EventID) ([]Draft, error) {
	return list(ctx, tx, "SELECT "+columns+" FROM draft WHERE part = ? ORDER BY saved DESC, id", store.Blob(part))
}

func list(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []Draft, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var d Draft
		var saved int64
		err := rows.Scan(&d.ID, &d.What, store.ID(&d.Thread), store.ID(&d.Part), &d.Patient, &d.Private, &d.Office, &d.Topic, &d.Subject, &d.Text, &saved)
		d.Saved = store.Time(saved)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	return all, nil
}
