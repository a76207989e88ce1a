package fold

import (
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// sight is the first time that the member's side saw something.
type sight struct {
	at time.Time
	by care.PersonID
	in []care.MailboxID
}

// words is what other events say of one event.
type words struct {
	receipts, changes []int
	failures          []Failure
	sights            []sight
	overdue           *Overdue
}

// heard gathers what is said of each event by receipts, due changes, failures and sightings: these apply by the event
// that they name, whatever part they were written into.
func (f *folding) heard() map[care.EventID]*words {
	all := map[care.EventID]*words{}
	of := func(id care.EventID) *words {
		id = f.stands(id)
		w, ok := all[id]
		if !ok {
			w = new(words)
			all[id] = w
		}
		return w
	}
	for _, i := range f.order {
		e := f.nodes[i].e
		switch b := e.Body.(type) {
		case event.ReceivedBody:
			w := of(b.Message)
			w.receipts = append(w.receipts, i)
		case event.DueBody:
			w := of(b.Message)
			w.changes = append(w.changes, i)
		case event.FailedBody: // the latest words about a mailbox stand
			w := of(b.Event)
			w.failures = slices.DeleteFunc(w.failures, func(x Failure) bool { return x.Mailbox == b.Mailbox })
			w.failures = append(w.failures, Failure{Mailbox: b.Mailbox, Reason: b.Reason})
		case event.OverdueBody: // two agents say it once; who was told by either was told
			w := of(b.Message)
			if w.overdue == nil {
				w.overdue = &Overdue{At: e.At}
			}
			w.overdue.Told = append(w.overdue.Told, b.Told...)
			slices.Sort(w.overdue.Told)
			w.overdue.Told = slices.Compact(w.overdue.Told)
		case event.SeenBody:
			w := of(b.Message)
			w.sights = append(w.sights, sight{at: e.At, by: e.As, in: e.To})
		}
	}
	for _, w := range all {
		w.settle()
	}
	return all
}

// settle drops failures that a sighting belies (a later copy arrived: the letter of a sighting names the mailbox that it
// was read in) and puts the rest in order.
func (w *words) settle() {
	w.failures = slices.DeleteFunc(w.failures, func(x Failure) bool {
		return slices.ContainsFunc(w.sights, func(s sight) bool { return slices.Contains(s.in, x.Mailbox) })
	})
	slices.SortFunc(w.failures, func(a, b Failure) int { return strings.Compare(string(a.Mailbox), string(b.Mailbox)) })
	slices.SortFunc(w.sights, func(a, b sight) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return strings.Compare(string(a.by), string(b.by))
	})
}

// seen is when and by whom the event was first seen, if that is known.
func (w *words) seen() (time.Time, care.PersonID) {
	if w == nil || len(w.sights) == 0 {
		return time.Time{}, ""
	}
	return w.sights[0].at, w.sights[0].by
}

// late is what was said of a message that was not answered in time.
func (w *words) late() *Overdue {
	if w == nil {
		return nil
	}
	return w.overdue
}

func (w *words) failed() []Failure {
	if w == nil || len(w.failures) == 0 {
		return nil
	}
	return slices.Clone(w.failures)
}

// receipt is the clinic's word on a message: of several receipts the one with the earliest due time (one without any
// comes last), and the changes of its due time that follow from it.
func (f *folding) receipt(w *words) *Receipt {
	if w == nil || len(w.receipts) == 0 {
		return nil
	}
	base := slices.MinFunc(w.receipts, func(a, b int) int {
		if d := compareDue(f.nodes[a].e.Body.(event.ReceivedBody).Due, f.nodes[b].e.Body.(event.ReceivedBody).Due); d != 0 {
			return d
		}
		return a - b // that is, by id
	})
	e := f.nodes[base].e
	b := e.Body.(event.ReceivedBody)
	r := &Receipt{Event: e.ID, By: e.As, Received: b.Received, Due: b.Due, Cover: b.Cover}
	claims := make([]claim, 0, len(w.changes))
	for _, i := range w.changes {
		c := f.nodes[i].e
		claims = append(claims, claim{node: i, id: c.ID, over: c.Body.(event.DueBody).Over})
	}
	other := func(id care.EventID) bool {
		at, held := f.at[id]
		return held && at != base && slices.Contains(w.receipts, at)
	}
	if winner, _ := contest(e.ID, claims, other); winner >= 0 {
		c := f.nodes[winner].e
		change := c.Body.(event.DueBody)
		r.Event, r.By, r.Due, r.Reason = c.ID, c.As, change.Due, change.Reason
	}
	return r
}

// compareDue orders due times; none is the latest.
func compareDue(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

// reaches reports whether a message of the office is on its way to anybody on the member's side: while every letter of it
// to them is known to have failed, it answers nothing, and the thread awaits the office with the due time that it had.
// Failures are known to the office alone. The member's side does not hold such a message, so both sides await the office;
// between a second, successful sending and the first sighting, the office is the more careful of the two.
func (f *folding) reaches(message int, w *words) bool {
	if f.office == "" {
		return true
	}
	for _, m := range f.nodes[message].e.To {
		if m != f.office && (w == nil || !slices.ContainsFunc(w.failures, func(x Failure) bool { return x.Mailbox == m })) {
			return true
		}
	}
	return false
}

// answered marks the member's messages of a part that need no answer any more: those in the past of a message of the
// office in the same part, and those that a completion in force covers. What was written into one part does not answer
// what stands in another, so that a follow-up is not taken as answered by a reply that crossed it. The closing line of a
// completion answers what the completion covers, as long as it is in force. A completion that was undone answers
// nothing: what it covered, and no message answered, awaits the office again with the due time that it had. Reopening
// says that something is left to do, and then the careful side to err on is the office's.
func (f *folding) answered(g *gathering, undone []bool, said map[care.EventID]*words) (of []bool, wrote bool) {
	var replies []int
	for _, i := range g.messages {
		if n := &f.nodes[i]; !f.theirs(i) && f.reaches(i, said[n.e.ID]) {
			replies = append(replies, i)
		}
	}
	of, wrote = f.past(replies), len(replies) > 0
	for other, winner := range f.one { // who had seen the one had seen the other
		if of[f.at[other]] {
			of[f.at[winner]] = true
		}
	}
	for _, c := range g.done {
		if undone[c] {
			continue
		}
		wrote = true
		for _, id := range f.nodes[c].e.Body.(event.CompletedBody).Covers {
			if at, held := f.at[f.stands(id)]; held {
				of[at] = true
			}
		}
	}
	return of, wrote
}

// await says whom an open part awaits and by when. A part without any message waits for the one that belongs to it, which
// is the office's to look after, unless the office itself opened the thread.
func (f *folding) await(p *Part, wrote bool) {
	unanswered := false
	for i := range p.Messages {
		m := &p.Messages[i]
		if !m.Member || m.Answered {
			continue
		}
		unanswered = true
		if m.Receipt != nil && !m.Receipt.Due.IsZero() && (p.Due.IsZero() || m.Receipt.Due.Before(p.Due)) {
			p.Due = m.Receipt.Due
		}
	}
	p.Answered = wrote && !unanswered
	switch {
	case !p.Open: // all that stands in it is covered, or it would stand elsewhere
	case unanswered:
		p.Awaits = Office
	case len(p.Messages) > 0:
		p.Awaits = Member
	case f.opening >= 0 && p.ID == f.c.Thread && !f.nodes[f.opening].standing.Member:
		p.Awaits = Member
	default:
		p.Awaits = Office
	}
}
