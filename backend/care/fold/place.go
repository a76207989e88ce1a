package fold

import (
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
)

// gathering is a part while its events are collected. The lists hold places in folding.nodes.
type gathering struct {
	of       care.EventID // the part whose completion it crossed, where a message here tells
	unsure   bool         // a message stays here while a reopening that its author had seen is missing
	messages []int
	notes    []int
	done     []int // completions
	redone   []int // reopenings
	owners   []int
	flags    []int
}

// parts are the parts by id.
type parts map[care.EventID]*gathering

func (p parts) of(id care.EventID) *gathering {
	g, ok := p[id]
	if !ok {
		g = new(gathering)
		p[id] = g
	}
	return g
}

// declared is the part that an event's author wrote it into.
func (f *folding) declared(e *event.Event) care.EventID {
	if e.Part.IsZero() {
		return f.c.Thread
	}
	return e.Part
}

// place finds the part of every event. Only a message of the member's side can stand elsewhere than it was written.
func (f *folding) place() (all parts, undone []bool) {
	all = parts{}
	all.of(f.c.Thread)
	for _, i := range f.order {
		e := f.nodes[i].e
		switch e.Body.(type) {
		case event.CompletedBody:
			g := all.of(f.declared(e))
			g.done = append(g.done, i)
		case event.ReopenedBody:
			g := all.of(f.declared(e))
			g.redone = append(g.redone, i)
		case event.NoteBody:
			g := all.of(f.declared(e))
			g.notes = append(g.notes, i)
		case event.OwnerBody:
			g := all.of(f.declared(e))
			g.owners = append(g.owners, i)
		case event.FlagBody:
			g := all.of(f.declared(e))
			g.flags = append(g.flags, i)
		}
	}
	undone = make([]bool, len(f.nodes))
	for _, g := range all {
		for _, r := range g.redone {
			for _, c := range g.done {
				undone[c] = undone[c] || f.undoes(r, c)
			}
		}
	}
	for _, i := range f.order {
		if body, ok := f.nodes[i].e.Body.(event.SentBody); ok {
			g := all.of(f.placeMessage(all, i, body))
			g.messages = append(g.messages, i)
		}
	}
	return all, undone
}

// placeMessage applies the rule of follow-ups. A member's message stands where it was written while a reopening that its
// author had seen is missing. Else, if a completion of that part does not cover it and no reopening that its author had
// seen undoes that completion, the two crossed: the message opens a follow-up, whose id both sides derive alike; and the
// rule applies again inside the follow-up.
func (f *folding) placeMessage(all parts, message int, body event.SentBody) care.EventID {
	part := f.declared(f.nodes[message].e)
	if !f.nodes[message].standing.Member {
		return part
	}
	for _, id := range body.Basis {
		// One whose author is not known yet may still count. One that is refused never will.
		if at, held := f.at[id]; !held || f.nodes[at].standing.Verdict == Waiting {
			all.of(part).unsure = true
			return part
		}
	}
	for range f.order { // each step leaves behind a part with a completion, so there are fewer than events
		if !f.crossed(all.of(part), message, body) {
			break
		}
		next := event.FollowUpID(part, body.Basis)
		all.of(next).of = part
		part = next
	}
	return part
}

func (f *folding) crossed(part *gathering, message int, body event.SentBody) bool {
	id := f.nodes[message].e.ID
	return slices.ContainsFunc(part.done, func(c int) bool {
		if slices.Contains(f.nodes[c].e.Body.(event.CompletedBody).Covers, id) {
			return false
		}
		return !slices.ContainsFunc(part.redone, func(r int) bool {
			return f.undoes(r, c) && slices.Contains(body.Basis, f.nodes[r].e.ID)
		})
	})
}

// undoes reports whether a reopening names a completion; both are of one part.
func (f *folding) undoes(reopening, completion int) bool {
	return slices.Contains(f.nodes[reopening].e.Body.(event.ReopenedBody).Undoes, f.nodes[completion].e.ID)
}
