package view

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
	"postern/backend/record/store"
)

// part is one row of the table part, with whether the viewer has something to read in it.
type part struct {
	id, thread, of care.EventID
	patient        care.PatientID
	office         care.OfficeID
	subject        care.Text
	topic          care.Topic
	snippet        care.Text
	at             time.Time
	open           bool
	awaits         fold.Side
	due            time.Time
	owner          care.PersonID
	flagged        bool
	flags          string
	notes          bool
	state          State
	said           care.PersonID
	last           care.EventID
	ours           bool
	failure        string
	unread         bool
	unseen         bool
}

func (v *Views) side() string {
	if v.viewer.Member {
		return "member"
	}
	return "office"
}

// parts reads rows of the table part, p in the conditions.
func (a *asked) parts(rest string, args ...any) (all []part, err error) {
	err = a.each("SELECT p.id, p.thread, p.of, p.patient, p.office, p.subject, p.topic, p.snippet, p.at, p.open, p.awaits, p.due, p.owner, "+
		"p.flagged, p.flags, p.notes, p.state, p.said, p.last, p.ours, p.failure FROM part p "+rest, args,
		func(rows *sql.Rows) error {
			var p part
			var at, due int64
			err := rows.Scan(store.ID(&p.id), store.ID(&p.thread), store.ID(&p.of), &p.patient, &p.office, &p.subject, &p.topic, &p.snippet, &at,
				&p.open, &p.awaits, &due, &p.owner, &p.flagged, &p.flags, &p.notes, &p.state, &p.said, store.ID(&p.last), &p.ours, &p.failure)
			p.at, p.due = store.Time(at), store.Time(due)
			all = append(all, p)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	return all, a.markNews(all)
}

// markNews notes in which parts there is something new for the viewer's side, and for staff where the member has left
// something unread for too long. It is asked for those that are listed alone: in the question above it would be answered
// for all that are sorted.
func (a *asked) markNews(parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	unread, err := a.withNews(parts, a.side(), "NOT EXISTS (SELECT 1 FROM seen s WHERE s.item = i.id)")
	if err != nil {
		return err
	}
	var unseen map[care.EventID]bool
	if !a.viewer.Member {
		if unseen, err = a.withNews(parts, "member", "i.no < ?", a.unseenBelow()); err != nil {
			return err
		}
	}
	for i := range parts {
		parts[i].unread, parts[i].unseen = unread[parts[i].id], unseen[parts[i].id]
	}
	return nil
}

// withNews are those of the parts that hold an item which a side may not have read yet, and of which the condition holds.
func (a *asked) withNews(parts []part, side, condition string, more ...any) (map[care.EventID]bool, error) {
	ids := make([]care.EventID, len(parts))
	for i := range parts {
		ids[i] = parts[i].id
	}
	in, args := store.In(ids)
	have := map[care.EventID]bool{}
	err := a.each("SELECT DISTINCT i.part FROM item i WHERE i.part IN "+in+" AND i.news <> '' AND i.news = ? AND "+condition,
		append(append(args, side), more...), func(rows *sql.Rows) error {
			var id care.EventID
			err := rows.Scan(store.ID(&id))
			have[id] = true
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("find what is unread: %w", err)
	}
	return have, nil
}

// unseenBelow is the number below which items are older than the instant before which all should have been read: an
// item's number begins with its second.
func (a *asked) unseenBelow() int64 { return max(a.unseen.Unix(), 0) << 31 }

// ownFirst puts, of several threads' parts of one id, the one first whose own it is, as projection.ThreadOf does.
const ownFirst = "ORDER BY p.own DESC, p.id = p.thread DESC, p.thread"

// part finds one part of the viewer's.
func (a *asked) part(id care.EventID) (part, bool, error) {
	scope, args := a.scope()
	found, err := a.parts("WHERE p.id = ? AND "+scope+" "+ownFirst, append([]any{store.Blob(id)}, args...)...)
	if err != nil || len(found) == 0 {
		return part{}, false, err
	}
	return found[0], true, nil
}

// rowsOf shapes parts for a list.
func (a *asked) rowsOf(parts []part) []Row {
	rows := make([]Row, 0, len(parts))
	for _, p := range parts {
		rows = append(rows, a.row(p))
	}
	return rows
}

// row shapes a part for a list.
func (a *asked) row(p part) Row {
	r := Row{
		Thread: p.thread, Part: p.id, Office: a.office(p.office), Patient: a.patient(p.patient), Subject: p.subject, Topic: p.topic,
		Snippet: p.snippet, At: p.at, Unread: p.unread, State: p.state, FollowUp: !p.of.IsZero(), Open: p.open, Awaits: p.awaits, Due: p.due,
	}
	if p.said != "" {
		r.By = a.person(p.said)
	}
	if !p.due.IsZero() {
		r.Left = a.clock.Left(a.now, p.due)
	}
	if !a.viewer.Member {
		r.Flagged, r.HasNotes, r.Mine = p.flagged, p.notes, p.owner != "" && p.owner == a.viewer.Person
		if p.owner != "" {
			r.Owner = a.person(p.owner)
		}
		if p.flags != "" {
			r.Flags = strings.Split(p.flags, "\n")
		}
		r.Unseen = p.unseen
	}
	r.State, r.Why = a.stand(r, p)
	return r
}

// stand is where a conversation stands for the viewer: what the events say, and on top of it what became of the letters
// and which text of the viewer's own is on its way.
func (a *asked) stand(r Row, p part) (State, string) {
	state, why := p.state, ""
	switch gone, reason := a.fate(p.last, r.Office, p.ours, p.failure); {
	case gone == StateFailed:
		state, why = StateFailed, a.failed(r, p.ours, reason)
	case gone != "" && (p.ours || state == StateHanded):
		state = gone
	}
	for _, h := range a.held {
		if h.Part != p.id || h.Part.IsZero() {
			continue
		}
		s := a.heldState(h)
		if s == StateReview {
			return s, h.Why
		}
		if state != StateFailed {
			state, why = s, ""
		}
	}
	return state, why
}

// fate is what became of a message's letters to the other side, where they have not all gone out: one failed, with the
// mail system's words; or one waits, or goes out in this moment. told is what an event says of it.
func (a *asked) fate(id care.EventID, office care.Office, ours bool, told string) (gone State, reason string) {
	if told != "" {
		return StateFailed, told
	}
	for _, l := range a.sent[id] {
		switch {
		case ours == (l.mailbox == office.Mailbox): // a copy for the author's own side
		case l.state == StateFailed:
			return StateFailed, l.reason
		case gone != StateWaiting:
			gone = l.state
		}
	}
	return gone, ""
}

// failed says that a message did not reach the other side, in whose words, and what to do.
func (a *asked) failed(r Row, ours bool, reason string) string {
	whom, call, phone := r.Office.Name, "Call the front desk", r.Office.Phone
	if ours {
		whom, call, phone = "the member", "Call "+r.Patient.Name, r.Patient.Phone
	} else if phone == "" {
		phone = a.facts.Practice().FrontDesk
	}
	if phone != "" {
		call += " at " + phone
	}
	return fmt.Sprintf("It did not reach %s. The mail system says: “%s”. %s.", whom, strings.TrimRight(reason, ". \r\n"), call)
}

// heldState is where a held text stands.
func (a *asked) heldState(h outbox.Held) State {
	switch {
	case h.Review:
		return StateReview
	case a.now.Before(h.Until):
		return StateHeld
	}
	return StateWaiting
}

// heldRow is a held new message as a row: it has no conversation yet.
func (a *asked) heldRow(h outbox.Held) Row {
	return Row{
		Draft: h.Draft, Office: a.office(h.Office), Patient: a.patient(h.Patient), Subject: h.Subject, Topic: h.Topic,
		Snippet: brief(h.Text), At: h.Written, State: a.heldState(h), Why: h.Why, Open: true,
	}
}

// newestFirst sorts rows by time, the new messages on their way on top.
func newestFirst(rows []Row) {
	below := func(r Row) int {
		if r.Draft != "" && r.State != StateDraft {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		if d := below(a) - below(b); d != 0 {
			return d
		}
		return b.At.Compare(a.At)
	})
}
