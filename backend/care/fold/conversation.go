package fold

import (
	"math"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Fold gives the meaning of one thread's events: its opening and all that name it, in any order, with any doubles. It
// takes anything: events of a second thread are left out, the thread with the smallest id is folded. It keeps nothing of
// events and calls auth for each of them.
func Fold(events []*event.Event, auth Authority) Conversation {
	f := gather(events)
	if len(f.nodes) == 0 {
		return f.c
	}
	f.judge(auth)
	f.unite()
	f.link()
	f.arrange()
	f.head()
	f.heads()
	all, undone := f.place()
	said := f.heard()
	for id, g := range all {
		f.c.Parts = append(f.c.Parts, f.part(id, g, undone, said))
	}
	f.sortParts()
	return f.c
}

// head fills in what holds for the whole thread.
func (f *folding) head() {
	c := &f.c
	var claims []claim
	for _, i := range f.order {
		n := &f.nodes[i]
		if c.Patient == "" && n.shared {
			c.Practice, c.Patient = n.e.Practice, n.e.For
		}
		switch b := n.e.Body.(type) {
		case nil:
			// A member's word must not take a thread from the care team: any of them could, a former proxy too, for ever.
			c.ReadOnly = c.ReadOnly || n.e.Crit && !n.standing.Member
			c.Newer = c.Newer || n.e.Crit && n.standing.Member
		case event.ReadersBody:
			claims = append(claims, claim{node: i, id: n.e.ID, over: b.Over})
		}
	}
	if f.opening >= 0 {
		e := f.nodes[f.opening].e
		b := e.Body.(event.OpenedBody)
		c.Opened, c.Practice, c.Patient = true, e.Practice, e.For
		c.Office, c.Subject, c.Topic, c.Opener, c.OpenedAt = b.Office, b.Subject, b.Topic, e.As, e.At
		c.OfficeMailbox, c.Readers = f.office, slices.Clone(b.Readers)
	}
	if winner, _ := contest(care.EventID{}, claims, nil); winner >= 0 {
		e := f.nodes[winner].e
		c.Readers, c.ReadersEvent = slices.Clone(e.Body.(event.ReadersBody).Readers), e.ID
	}
	if len(c.Readers) == 0 {
		c.Readers = nil
	}
}

// part makes one part of what was gathered for it.
func (f *folding) part(id care.EventID, g *gathering, undone []bool, said map[care.EventID]*words) Part {
	p := Part{ID: id, Of: g.of}
	f.owner(&p, g.owners)
	f.flag(&p, g.flags)
	open := true
	for _, c := range g.done {
		open = open && undone[c]
	}
	p.Open = open || g.unsure
	answered, wrote := f.answered(g, undone, said)
	for _, i := range g.messages {
		p.Messages = append(p.Messages, f.message(i, answered[i], said[f.nodes[i].e.ID]))
	}
	for _, i := range g.notes {
		e, s := f.nodes[i].e, &f.nodes[i].standing
		p.Notes = append(p.Notes, NoteShown{ID: e.ID, As: e.As, Role: s.Role, At: e.At, Text: e.Body.(event.NoteBody).Text})
	}
	for _, i := range g.done {
		e, s := f.nodes[i].e, &f.nodes[i].standing
		b := e.Body.(event.CompletedBody)
		c := Completion{ID: e.ID, As: e.As, Role: s.Role, At: e.At, Covers: slices.Clone(b.Covers), Closing: b.Closing, Undone: undone[i]}
		c.SeenAt, c.SeenBy = said[e.ID].seen()
		c.Failures = said[e.ID].failed()
		p.Completions = append(p.Completions, c)
	}
	for _, i := range g.redone {
		e := f.nodes[i].e
		p.Reopenings = append(p.Reopenings, Reopening{ID: e.ID, As: e.As, At: e.At, Undoes: slices.Clone(e.Body.(event.ReopenedBody).Undoes)})
	}
	p.Notices = f.notices(g.notices, said)
	var waiting []int
	p.Bridged, waiting = f.bridged(g.bridged)
	shown := slices.Concat(g.messages, g.notes, g.done, g.redone, waiting)
	f.sortShown(shown)
	for _, i := range shown {
		p.Order = append(p.Order, f.nodes[i].e.ID)
	}
	f.await(&p, wrote)
	return p
}

func (f *folding) message(i int, answered bool, w *words) Message {
	e, s := f.nodes[i].e, &f.nodes[i].standing
	if b, accepted := e.Body.(event.AcceptedBody); accepted {
		mail, flags := f.came(b)
		return Message{Mail: mail, Flags: flags, ID: e.ID, As: b.Wrote, Role: care.RoleMember, Member: true, At: e.At, Text: b.Text, Files: slices.Clone(b.Files), TakenBy: e.As,
			Failures: w.failed(), Receipt: f.receipt(w), Answered: answered, Overdue: w.late()}
	}
	b := e.Body.(event.SentBody)
	m := Message{
		ID: e.ID, As: e.As, Role: s.Role, Member: s.Member, At: e.At, Text: b.Text, Files: slices.Clone(b.Files),
		Flags: slices.Clone(s.Flags), Failures: w.failed(),
	}
	if s.Member {
		m.Receipt, m.Answered, m.Overdue = f.receipt(w), answered, w.late()
	} else {
		m.SeenAt, m.SeenBy = w.seen()
	}
	return m
}

func (f *folding) owner(p *Part, owners []int) {
	claims := make([]claim, 0, len(owners))
	for _, i := range owners {
		e := f.nodes[i].e
		claims = append(claims, claim{node: i, id: e.ID, over: e.Body.(event.OwnerBody).Over})
	}
	winner, lost := contest(care.EventID{}, claims, nil)
	who := func(node int) care.PersonID {
		return f.nodes[node].e.Body.(event.OwnerBody).Who
	}
	if winner >= 0 {
		e := f.nodes[winner].e
		p.Owner, p.OwnerEvent, p.OwnerAt = who(winner), e.ID, e.At
	}
	for _, l := range lost {
		e := f.nodes[l.node].e
		p.Lost = append(p.Lost, LostClaim{ID: e.ID, By: e.As, Who: who(l.node), To: who(l.winner)})
	}
}

func (f *folding) flag(p *Part, flags []int) {
	claims := make([]claim, 0, len(flags))
	for _, i := range flags {
		e := f.nodes[i].e
		claims = append(claims, claim{node: i, id: e.ID, over: e.Body.(event.FlagBody).Over})
	}
	if winner, _ := contest(care.EventID{}, claims, nil); winner >= 0 {
		e := f.nodes[winner].e
		b := e.Body.(event.FlagBody)
		p.Flagged, p.FlagEvent = b.On, e.ID
		if b.On {
			p.FlagReason = b.Reason
		}
	}
}

func (f *folding) sortShown(list []int) {
	slices.SortFunc(list, func(a, b int) int { return int(f.nodes[a].pos - f.nodes[b].pos) })
}

// sortParts puts the thread itself first and its follow-ups by their first message; parts without any come last.
func (f *folding) sortParts() {
	first := func(p *Part) int64 {
		switch {
		case p.ID == f.c.Thread:
			return -1
		case len(p.Messages) == 0:
			return math.MaxInt64
		}
		return f.nodes[f.at[p.Messages[0].ID]].pos
	}
	slices.SortFunc(f.c.Parts, func(a, b Part) int {
		switch x, y := first(&a), first(&b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a.ID.Compare(b.ID)
	})
}
