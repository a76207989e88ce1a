// Package view answers the questions that screens ask, read only, shaped as the screens need them.
//
// It reads across the tables of the other rooms of record and writes none. What a member must not see, the care team's
// notes, owner and flags, is left out here, even if it is on their computer. It never dials and never decides.
package view

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
	"postern/backend/record/store"
)

// Viewer is whose screens they are.
type Viewer struct {
	Person  care.PersonID
	Patient care.PatientID // of a member: whose record they read and write
	Member  bool
}

// Facts is what the newest known directory says.
type Facts interface {
	Practice() care.Practice
	Office(care.OfficeID) (care.Office, bool)
	Offices() []care.Office // the viewer's
	OfficesOf(care.PersonID) []care.Office
	Person(care.PersonID) (care.Person, bool)
	Staff() []care.Person
	Patient(care.PatientID) (care.Patient, bool)
	Relations(care.PatientID) []care.Relation
	Clock() *promise.Clock
}

// Limits of lists. A queue's count is of all of it, whatever is listed.
const (
	MaxRows  = 500 // of a list
	MaxFound = 100 // of a search, newest first
)

// Views answers one viewer's questions. It is safe for concurrent use.
type Views struct {
	db     *store.DB
	viewer Viewer
	facts  Facts
	now    func() time.Time
	drafts *draft.Drafts
	outbox *outbox.Outbox
}

// New makes the views of an open file.
func New(db *store.DB, viewer Viewer, facts Facts, now func() time.Time) *Views {
	return &Views{db: db, viewer: viewer, facts: facts, now: now, drafts: draft.New(db), outbox: outbox.New(db)}
}

// scope is the condition on part p that its conversation is the viewer's: a member's own, or of one of their offices. A
// conversation whose opening has not arrived has no office yet and is everyone's, so that nothing is swallowed.
func (v *Views) scope() (condition string, args []any) {
	if v.viewer.Member {
		return "p.patient = ?", []any{string(v.viewer.Patient)}
	}
	for _, o := range v.facts.Offices() {
		args = append(args, string(o.ID))
	}
	return "p.office IN (''" + strings.Repeat(", ?", len(args)) + ")", args
}

// asked is one question at work: one state of the file and one instant.
type asked struct {
	*Views
	ctx   context.Context
	tx    *sql.Tx
	now   time.Time
	clock *promise.Clock
	held  []outbox.Held
	sent  map[care.EventID][]letter // what has not gone out or failed, by event
}

// letter is a row of the outbox that needs a word.
type letter struct {
	mailbox care.MailboxID
	failed  bool
	reason  string
}

// ask runs fn over one state of the file.
func (v *Views) ask(ctx context.Context, fn func(*asked) error) error {
	return v.db.Read(ctx, func(tx *sql.Tx) error {
		a := &asked{Views: v, ctx: ctx, tx: tx, now: v.now(), clock: v.facts.Clock()}
		var err error
		if a.held, err = v.outbox.AllHeld(ctx, tx); err != nil {
			return err
		}
		if a.sent, err = a.letters(); err != nil {
			return err
		}
		return fn(a)
	})
}

// letters are those that a person should know of: failed, or tried in vain.
func (a *asked) letters() (map[care.EventID][]letter, error) {
	all := map[care.EventID][]letter{}
	err := a.each("SELECT event, mailbox, state = 'failed', reason FROM letter WHERE state IN ('waiting', 'submitting', 'failed') "+
		"AND (state = 'failed' OR tries > 0)", nil, func(rows *sql.Rows) error {
		var id care.EventID
		var l letter
		if err := rows.Scan(store.ID(&id), &l.mailbox, &l.failed, &l.reason); err != nil {
			return err
		}
		all[id] = append(all[id], l)
		return nil
	})
	return all, err
}

func (a *asked) each(query string, args []any, row func(*sql.Rows) error) error {
	rows, err := a.tx.QueryContext(a.ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what was read is told by rows.Err
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
