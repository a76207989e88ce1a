package fold

import (
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
)

// gathering is a part while its events are collected. The lists hold places in folding.nodes.
type gathering struct {
	of       care.EventID // the part whose completion it crossed, where a message here tells
	known    bool         // more than a member's word says that there is such a part
	unsure   bool         // a message stays here while a reopening that its author had seen is missing
	messages []int
	notes    []int
	done     []int // completions
	redone   []int // reopenings
	owners   []int
	flags    []int
	notices  []int
	bridged  []int
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
	all.of(f.c.Thread).known = true
	for _, i := range f.order {
		e := f.nodes[i].e
		switch e.Body.(type) {
		case event.CompletedBody:
			g := all.of(f.declared(e))
			g.done, g.known = append(g.done, i), true
		case event.ReopenedBody:
			g := all.of(f.declared(e))
			g.redone, g.known = append(g.redone, i), true
		case event.NoteBody:
			g := all.of(f.declared(e))
			g.notes = append(g.notes, i)
		case event.OwnerBody:
			g := all.of(f.declared(e))
			g.owners = append(g.owners, i)
		case event.FlagBody:
			g := all.of(f.declared(e))
			g.flags = append(g.flags, i)
		case event.NoticeBody:
			g := all.of(f.declared(e))
			g.notices = append(g.notices, i)
		case event.BridgedBody:
			g := all.of(f.declared(e))
			g.bridged = append(g.bridged, i)
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
	f.placeMessages(all)
	return all, undone
}

// placeMessages finds the parts of all messages, the office's first. A member's message may name a part of which nothing
// else here tells: the message that opened it is still to come, or there is none and the id is another thread's. It
// counts as written into the thread itself, where the rule of follow-ups leads it on: so nobody's word alone makes a part
// whose id is not this thread's own. What the office alone holds (a note, say) tells of no part, for the member's side
// could not follow.
func (f *folding) placeMessages(all parts) {
	var theirs []int
	for _, i := range f.order {
		n := &f.nodes[i]
		_, accepted := n.e.Body.(event.AcceptedBody)
		if _, sent := n.e.Body.(event.SentBody); !sent && !accepted || f.stands(n.e.ID) != n.e.ID {
			continue
		}
		if f.theirs(i) {
			theirs = append(theirs, i)
			continue
		}
		g := all.of(f.declared(n.e))
		g.messages, g.known = append(g.messages, i), true
	}
	put := func(i int, part care.EventID) {
		g := all.of(f.placeMessage(all, i, part))
		g.messages = append(g.messages, i)
	}
	for {
		var unknown []int
		for _, i := range theirs {
			if g := all[f.declared(f.nodes[i].e)]; g != nil && g.known {
				put(i, f.declared(f.nodes[i].e))
			} else {
				unknown = append(unknown, i)
			}
		}
		if len(unknown) < len(theirs) { // each that found its place may have opened a part of others
			theirs = unknown
			continue
		}
		for _, i := range unknown {
			put(i, f.c.Thread)
		}
		break
	}
	for _, g := range all {
		f.sortShown(g.messages)
	}
}

// placeMessage applies the rule of follow-ups to a member's message that was written into a part. It stands there while
// a reopening that its author had seen is missing. Else, if a completion of that part does not cover it and no reopening
// that its author had seen undoes that completion, the two crossed: the message opens a follow-up, whose id both sides
// derive alike; and the rule applies again inside the follow-up.
func (f *folding) placeMessage(all parts, message int, part care.EventID) care.EventID {
	basis := basisOf(f.nodes[message].e)
	for _, id := range basis {
		// One whose author is not known yet may still count. One that is refused never will.
		if at, held := f.at[id]; !held || f.nodes[at].standing.Verdict == Waiting {
			all.of(part).unsure = true
			return part
		}
	}
	for range f.order { // each step leaves behind a part with a completion, so there are fewer than events
		if !f.crossed(all.of(part), message, basis) {
			break
		}
		next := event.FollowUpID(part, basis)
		g := all.of(next)
		g.of, g.known = part, true
		part = next
	}
	return part
}

// basisOf gives the reopenings that the author of a message of the member's side had seen.
func basisOf(e *event.Event) []care.EventID {
	switch b := e.Body.(type) {
	case event.SentBody:
		return b.Basis
	case event.AcceptedBody:
		return b.Basis
	}
	return nil
}

func (f *folding) crossed(part *gathering, message int, basis []care.EventID) bool {
	id := f.nodes[message].e.ID
	return slices.ContainsFunc(part.done, func(c int) bool {
		if slices.ContainsFunc(f.nodes[c].e.Body.(event.CompletedBody).Covers, func(x care.EventID) bool { return f.stands(x) == id }) {
			return false
		}
		return !slices.ContainsFunc(part.redone, func(r int) bool {
			return f.undoes(r, c) && slices.Contains(basis, f.nodes[r].e.ID)
		})
	})
}

// undoes reports whether a reopening names a completion; both are of one part.
func (f *folding) undoes(reopening, completion int) bool {
	return slices.Contains(f.nodes[reopening].e.Body.(event.ReopenedBody).Undoes, f.nodes[completion].e.ID)
}
