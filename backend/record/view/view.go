// Package view answers the questions that screens ask, read only, shaped as the screens need them.
//
// It reads across the tables of the other rooms of record and writes none. What a member must not see, the care team's
// notes, owner and flags, is left out here, even if it is on their computer. It never dials and never decides.
package view

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
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
	Own     care.PatientID // of a member: their own record; empty: Patient
	Member  bool
}

// Facts is what the newest known directory says.
type Facts interface {
	Practice() care.Practice
	Office(care.OfficeID) (care.Office, bool)
	Offices() []care.Office // the viewer's
	OfficesOf(care.PersonID) []care.Office
	Enrolled(care.PersonID) bool // of the staff: they have a computer on which they read
	Person(care.PersonID) (care.Person, bool)
	Staff() []care.Person
	Patient(care.PatientID) (care.Patient, bool)
	Self(care.PatientID) (care.PersonID, bool)
	Proxies(care.PatientID) []care.Person
	Reader(care.PatientID, care.MailboxID) (care.Person, bool)
	WritesFor(care.PersonID) []care.PatientID
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
	viewer.Own = cmp.Or(viewer.Own, viewer.Patient)
	return &Views{db: db, viewer: viewer, facts: facts, now: now, drafts: draft.New(db), outbox: outbox.New(db)}
}

// For are the views of the same person, of another patient's record. A patient for whom they do not write has none.
func (v *Views) For(patient care.PatientID) *Views {
	other := *v
	if slices.Contains(v.facts.WritesFor(v.viewer.Person), patient) {
		other.viewer.Patient = patient
	}
	return &other
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

// Times by which a person is told that something takes long.
const (
	// fresh is how long a letter that was not tried yet counts as one that goes out in this moment.
	fresh = time.Minute
	// unseenFor is how long a member may leave a message unread before somebody is told: two business days of nine hours.
	unseenFor = 18 * time.Hour
)

// asked is one question at work: one state of the file and one instant.
type asked struct {
	*Views
	ctx    context.Context
	tx     *sql.Tx
	now    time.Time
	clock  *promise.Clock
	unseen time.Time // for staff: what the office wrote before it should have been read by now
	held   []outbox.Held
	sent   map[care.EventID][]letter // what has not gone out or failed, by event
	pieces map[care.EventID]bool     // of files, that are here, of the conversation that is shown
}

// letter is a row of the outbox that has not gone out: in the state StateSending, StateWaiting or StateFailed.
type letter struct {
	mailbox care.MailboxID
	opening bool // of a thread's opening, which goes with its first message
	state   State
	reason  string
}

// ask runs fn over one state of the file.
func (v *Views) ask(ctx context.Context, fn func(*asked) error) error {
	return v.db.Read(ctx, func(tx *sql.Tx) error {
		a := &asked{Views: v, ctx: ctx, tx: tx, now: v.now(), clock: v.facts.Clock()}
		if !v.viewer.Member {
			a.unseen = a.clock.Before(a.now, unseenFor)
		}
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

// letters are those that have not gone out. Those of one thread to one mailbox go one after the other: what stands behind
// one that was tried in vain waits with it.
func (a *asked) letters() (map[care.EventID][]letter, error) {
	all := map[care.EventID][]letter{}
	// A piece of a file counts as the event that names it: of several the newest, which is the one that this computer sent.
	err := a.each("SELECT coalesce((SELECT e.id FROM named n JOIN event e ON e.no = n.event WHERE n.piece = letter.event ORDER BY n.event DESC LIMIT 1), event), "+
		"mailbox, event = thread, state, max(tries) OVER (PARTITION BY thread, mailbox, state = 'failed'), added, reason "+
		"FROM letter WHERE state IN ('waiting', 'submitting', 'failed') AND thread <> x''", nil, // what is about none, nobody wrote
		func(rows *sql.Rows) error {
			var id care.EventID
			var l letter
			var state string
			var tries int
			var added int64
			if err := rows.Scan(store.ID(&id), &l.mailbox, &l.opening, &state, &tries, &added, &l.reason); err != nil {
				return err
			}
			switch {
			case state == outbox.Failed:
				l.state = StateFailed
			case tries == 0 && a.now.Sub(store.Time(added)) < fresh:
				l.state = StateSending
			default:
				l.state = StateWaiting
			}
			all[id] = append(all[id], l)
			return nil
		})
	return all, err
}

// Waiting counts what the viewer wrote or did that has not gone out and is not just about to: the number at the foot of
// every screen, which agrees with what the lists say.
func (v *Views) Waiting(ctx context.Context) (n int, err error) {
	err = v.ask(ctx, func(a *asked) error {
		n = len(a.held)
		for _, letters := range a.sent {
			if slices.ContainsFunc(letters, func(l letter) bool { return l.state == StateWaiting && !l.opening }) {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (a *asked) each(query string, args []any, row func(*sql.Rows) error) error {
	return store.Each(a.ctx, a.tx, query, args, row)
}
