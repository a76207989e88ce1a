package fold

import (
	"container/heap"
	"math"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
)

// link finds what each author had seen. A shared event is joined to shared events only: what the member's side cannot
// hold must not decide what both sides see, whatever a careless program names.
func (f *folding) link() {
	for i := range f.nodes {
		f.nodes[i].shared = f.isShared(f.nodes[i].e)
	}
	gaps := map[care.EventID]bool{}
	for i := range f.nodes {
		n := &f.nodes[i]
		if !n.accepted() {
			continue
		}
		for _, id := range n.e.After {
			at, held := f.at[id]
			switch {
			case !held:
				gaps[id] = true
			case f.nodes[at].accepted() && (f.nodes[at].shared || !n.shared):
				n.parents = append(n.parents, at)
			}
		}
		for _, id := range named(n.e) {
			if _, held := f.at[id]; !held && !id.IsZero() {
				gaps[id] = true
			}
		}
	}
	for id := range gaps {
		f.c.Gaps = append(f.c.Gaps, id)
	}
	slices.SortFunc(f.c.Gaps, care.EventID.Compare)
}

// isShared reports whether office and readers all hold the event. Of a kind that is not known, only its mailboxes tell.
func (f *folding) isShared(e *event.Event) bool {
	if e.Body != nil {
		return event.AudienceOf(e.Kind) == event.ToAll
	}
	if f.office == "" {
		return len(e.To) > 1
	}
	return slices.ContainsFunc(e.To, func(m care.MailboxID) bool { return m != f.office })
}

// named gives the events that a body names as being held by its readers. What a vouch lists may be meant for others.
func named(e *event.Event) []care.EventID {
	switch b := e.Body.(type) {
	case event.SentBody:
		return b.Basis
	case event.ReceivedBody:
		return []care.EventID{b.Message}
	case event.DueBody:
		return []care.EventID{b.Message, b.Over}
	case event.SeenBody:
		return []care.EventID{b.Message}
	case event.OwnerBody:
		return []care.EventID{b.Over}
	case event.FlagBody:
		return []care.EventID{b.Over}
	case event.ReadersBody:
		return []care.EventID{b.Over}
	case event.CompletedBody:
		return b.Covers
	case event.ReopenedBody:
		return b.Undoes
	case event.FailedBody:
		return []care.EventID{b.Event}
	case event.NoticeBody:
		return []care.EventID{b.Message}
	case event.BridgedBody:
		return []care.EventID{b.Notice}
	case event.DeclinedBody:
		return []care.EventID{b.Reply}
	case event.AcceptedBody: // the member's side does not hold what was accepted
		return b.Basis
	}
	return nil
}

// arrange puts the accepted events in the order shown: Kahn's algorithm, taking among the ready the smallest (key, id),
// where an event's key is the greater of its own time and its parents' keys. A wrong clock moves an event no further than
// between what its author had seen and what has seen it. What shared events are ordered by is shared, so both sides see
// one order of them.
func (f *folding) arrange() {
	children := make([][]int, len(f.nodes))
	missing := make([]int, len(f.nodes))
	ready := byKey{nodes: f.nodes}
	total := 0
	for i := range f.nodes {
		n := &f.nodes[i]
		n.pos = math.MaxInt64
		if !n.accepted() {
			continue
		}
		total++
		n.key = n.e.At.UnixMilli()
		missing[i] = len(n.parents)
		for _, p := range n.parents {
			children[p] = append(children[p], i)
		}
		if len(n.parents) == 0 {
			ready.list = append(ready.list, i)
		}
	}
	heap.Init(&ready)
	f.order = make([]int, 0, total)
	for len(ready.list) > 0 {
		i := heap.Pop(&ready).(int)
		f.nodes[i].pos = int64(len(f.order))
		f.order = append(f.order, i)
		for _, child := range children[i] {
			f.nodes[child].key = max(f.nodes[child].key, f.nodes[i].key)
			if missing[child]--; missing[child] == 0 {
				heap.Push(&ready, child)
			}
		}
	}
	if len(f.order) == total {
		return
	}
	// No set of hashes has a cycle; whatever made one, nothing of it may be lost.
	for i := range f.nodes {
		if n := &f.nodes[i]; n.accepted() && n.pos == math.MaxInt64 {
			n.pos = int64(len(f.order))
			f.order = append(f.order, i)
		}
	}
}

// byKey is the heap of the ready events.
type byKey struct {
	nodes []node
	list  []int
}

func (h *byKey) Len() int { return len(h.list) }
func (h *byKey) Less(a, b int) bool {
	i, j := h.list[a], h.list[b]
	if ki, kj := h.nodes[i].key, h.nodes[j].key; ki != kj {
		return ki < kj
	}
	return i < j
}
func (h *byKey) Swap(a, b int) { h.list[a], h.list[b] = h.list[b], h.list[a] }
func (h *byKey) Push(x any)    { h.list = append(h.list, x.(int)) }
func (h *byKey) Pop() any {
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return last
}

// past marks all that the authors of the given events had seen, without the events themselves unless one saw another.
func (f *folding) past(of []int) []bool {
	seen := make([]bool, len(f.nodes))
	open := make([]int, 0, len(f.nodes))
	for _, i := range of {
		open = append(open, f.nodes[i].parents...)
	}
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if !seen[i] {
			seen[i] = true
			open = append(open, f.nodes[i].parents...)
		}
	}
	return seen
}

// heads finds what the next event names as seen: the accepted events that no other names. For an event that the
// member's side may read these are shared events, and of kinds not known here only those that every reader has.
func (f *folding) heads() {
	everyone := make([]bool, len(f.nodes))
	named, namedForEveryone := make([]bool, len(f.nodes)), make([]bool, len(f.nodes))
	for _, i := range f.order {
		n := &f.nodes[i]
		everyone[i] = n.shared && (n.e.Body != nil || f.everyoneHas(n.e))
		for _, p := range n.parents {
			named[p] = true
			namedForEveryone[p] = namedForEveryone[p] || everyone[i]
		}
	}
	var all, shared []int
	for _, i := range f.order {
		if !named[i] {
			all = append(all, i)
		}
		if everyone[i] && !namedForEveryone[i] {
			shared = append(shared, i)
		}
	}
	f.c.AllHeads, f.c.Heads = f.latest(all), f.latest(shared)
}

func (f *folding) everyoneHas(e *event.Event) bool {
	for _, m := range f.c.Readers {
		if !slices.Contains(e.To, m) {
			return false
		}
	}
	return f.office == "" || slices.Contains(e.To, f.office)
}

// latest gives the ids of the last of the list that after has room for. What is left out stays a head and is named by
// the event after the next.
func (f *folding) latest(list []int) []care.EventID {
	list = list[max(0, len(list)-event.MaxAfter):]
	if len(list) == 0 {
		return nil
	}
	ids := make([]care.EventID, len(list))
	for i, n := range list {
		ids[i] = f.nodes[n].e.ID
	}
	return care.SortEventIDs(ids)
}
