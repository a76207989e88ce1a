package fold

import (
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Judge says what counts of an event alone: what the authority says of its author, and whether that role may write the
// kind. The fold adds what only the other events of the thread can tell (its opening, vouches).
//
// An unknown kind is never refused for its role: it is kept and passed over.
func Judge(e *event.Event, auth Authority) Standing {
	s := auth.Standing(e)
	switch {
	case s.Verdict == Refused:
		return s
	case s.Verdict != Accepted && !s.Withdrawn:
		s.Verdict = Waiting
		return s
	}
	if why := mayNot(e, s); why != "" {
		return Standing{Verdict: Refused, Role: s.Role, Member: s.Member, Reason: why}
	}
	return s
}

// actOf is what an event does, as the table of who may do what knows it.
func actOf(e *event.Event) (act care.Act, known bool) {
	switch e.Body.(type) {
	case event.OpenedBody:
		return care.ActOpen, true
	case event.SentBody, event.CompletedBody:
		return care.ActAnswer, true
	case event.SeenBody:
		return care.ActSee, true
	case event.FailedBody:
		return care.ActFailed, true
	case event.ReceivedBody:
		return care.ActReceive, true
	case event.FlagBody:
		return care.ActFlag, true
	case event.OwnerBody:
		return care.ActOwn, true
	case event.ReadersBody:
		return care.ActReaders, true
	case event.NoteBody:
		return care.ActNote, true
	case event.ReopenedBody:
		return care.ActReopen, true
	case event.DueBody:
		return care.ActPostpone, true
	case event.NoticeBody, event.BridgedBody:
		return care.ActBridge, true
	case event.AcceptedBody, event.DeclinedBody:
		return care.ActAccept, true
	case event.ChoiceBody:
		return care.ActChoose, true
	case event.DigestBody:
		return care.ActDigest, true
	case event.OverdueBody:
		return care.ActEscalate, true
	case event.HealthBody:
		return care.ActHealth, true
	case event.VouchBody:
		return care.ActVouch, true
	}
	return "", false
}

// mayNot says why this author may not write this kind, whatever the conversation is about; "" if they may.
func mayNot(e *event.Event, s Standing) string {
	if e.Body == nil {
		return ""
	}
	act, known := actOf(e)
	if !known {
		return "Its content does not belong to its kind."
	}
	role := s.Role
	if s.Member {
		role = care.RoleMember
	} else if role == care.RoleMember {
		role = ""
	}
	allowed := role.MayEver(act)
	switch b := e.Body.(type) {
	case event.CompletedBody:
		allowed = allowed && !s.Member
	case event.OpenedBody:
		if allowed && !role.May(act, b.Topic) {
			return Clinical
		}
	}
	switch {
	case allowed:
		return ""
	case s.Member:
		return "Only the care team may write this, and it came from the member's side."
	}
	return "The author's role may not write this."
}

// Clinical is why what somebody wrote does not count who may answer administrative topics only.
const Clinical = "The author's role answers administrative topics only."

// node is one event of the thread while it is folded.
type node struct {
	e        *event.Event
	standing Standing
	shared   bool  // what the member's side holds too, and what is decided for both sides by
	parents  []int // the accepted events that its author had seen; of a shared one only the shared
	key, pos int64 // for the order shown
}

func (n *node) accepted() bool { return n.standing.Verdict == Accepted }

// folding is the work of one Fold. The nodes are sorted by id, so that a place in the list orders as the id does.
type folding struct {
	nodes   []node
	at      map[care.EventID]int
	order   []int // the accepted events in the order shown
	opening int   // -1: not held, or it does not count
	office  care.MailboxID
	one     map[care.EventID]care.EventID // of what was accepted twice, the acceptance that all others stand for
	c       Conversation
}

// gather takes the events of one thread, each once. Of several threads the one with the smallest id is folded.
func gather(events []*event.Event) *folding {
	f := &folding{opening: -1}
	for _, e := range events {
		if e == nil || e.ID.IsZero() {
			continue
		}
		if t := threadOf(e); !t.IsZero() && (f.c.Thread.IsZero() || t.Compare(f.c.Thread) < 0) {
			f.c.Thread = t
		}
	}
	f.nodes = make([]node, 0, len(events))
	f.at = make(map[care.EventID]int, len(events))
	for _, e := range events {
		if e == nil || e.ID.IsZero() || threadOf(e) != f.c.Thread || f.c.Thread.IsZero() {
			continue
		}
		if _, known := f.at[e.ID]; !known {
			f.at[e.ID] = 0
			f.nodes = append(f.nodes, node{e: e})
		}
	}
	slices.SortFunc(f.nodes, func(a, b node) int { return a.e.ID.Compare(b.e.ID) })
	for i := range f.nodes {
		f.at[f.nodes[i].e.ID] = i
	}
	return f
}

func threadOf(e *event.Event) care.ThreadID {
	if e.Kind == event.Opened {
		return e.ID
	}
	return e.Thread
}

// judge gives every event its verdict.
func (f *folding) judge(auth Authority) {
	for i := range f.nodes {
		f.nodes[i].standing = Judge(f.nodes[i].e, auth)
	}
	opening, held := f.at[f.c.Thread]
	if body, ok := f.openingBody(opening, held); ok {
		f.office = officeMailbox(f.nodes[opening].e, body)
		for i := range f.nodes {
			if why := f.misplaced(&f.nodes[i], f.nodes[opening].e, body.Topic); why != "" && f.nodes[i].standing.Verdict != Refused {
				f.nodes[i].standing = Standing{Verdict: Refused, Reason: why}
			}
		}
	}
	f.confirm()
	if _, ok := f.openingBody(opening, held); ok && f.nodes[opening].accepted() {
		f.opening = opening
	}
	for i := range f.nodes {
		switch f.nodes[i].standing.Verdict {
		case Waiting:
			f.c.Waiting = append(f.c.Waiting, f.nodes[i].e.ID)
		case Refused:
			f.c.Refused = append(f.c.Refused, f.nodes[i].e.ID)
			if f.nodes[i].standing.Reason == Clinical {
				f.c.Overstepped = append(f.c.Overstepped, Overstep{f.nodes[i].e.ID, f.nodes[i].e.As})
			}
		}
	}
}

func (f *folding) openingBody(at int, held bool) (event.OpenedBody, bool) {
	if !held {
		return event.OpenedBody{}, false
	}
	body, ok := f.nodes[at].e.Body.(event.OpenedBody)
	return body, ok
}

// officeMailbox is the opening's one mailbox that is not a reader's.
func officeMailbox(e *event.Event, body event.OpenedBody) care.MailboxID {
	for _, m := range e.To {
		if !slices.Contains(body.Readers, m) {
			return m
		}
	}
	return ""
}

// misplaced says why an event cannot belong to the thread that it names. A thread is about one patient of one practice,
// what the care team writes in it goes to its office, and what is for the office alone has been mailed to nobody else.
// Without the second, somebody of another office could write in it by mailing the member alone. A vouch may carry a
// thread to one mailbox again; what a member wrote is never swallowed.
func (f *folding) misplaced(n *node, opening *event.Event, topic care.Topic) string {
	e := n.e
	switch {
	case e.Practice != opening.Practice:
		return "It is of another practice than its thread."
	case e.For != opening.For && !(e.For == "" && (e.Body == nil || e.Kind == event.Vouch)):
		return "It is about another patient than its thread."
	case n.standing.Role.Staff() && e.Kind != event.Vouch && !slices.Contains(e.To, f.office):
		return "It was not addressed to the office of its thread."
	}
	if act, known := actOf(e); known && n.standing.Role.Staff() && !n.standing.Member && n.standing.Role.MayEver(act) && !n.standing.Role.May(act, topic) {
		return Clinical
	}
	switch e.Body.(type) {
	case event.NoteBody, event.OwnerBody, event.FlagBody, event.NoticeBody, event.BridgedBody, event.DeclinedBody, event.OverdueBody:
		if len(e.To) != 1 || e.To[0] != f.office {
			return "It is for the office alone and was addressed to others."
		}
	}
	return ""
}

// confirm accepts the events of revoked keys that a vouch lists, until nothing changes: a vouch may itself be one.
// A vouch confirms events of its own thread only, so that the meaning of a thread stays a matter of its own events.
func (f *folding) confirm() {
	type entry struct {
		key care.KeyID
		id  care.EventID
	}
	var listed map[entry]bool
	read := make(map[int]bool)
	for changed := true; changed; {
		changed = false
		for i := range f.nodes {
			body, ok := f.nodes[i].e.Body.(event.VouchBody)
			if !ok || body.Key.IsZero() || !f.nodes[i].accepted() || read[i] {
				continue
			}
			read[i], changed = true, true
			if listed == nil {
				listed = make(map[entry]bool)
			}
			for _, id := range body.IDs {
				listed[entry{body.Key, id}] = true
			}
			for _, s := range body.Events {
				listed[entry{body.Key, event.IDOf(s.Event)}] = true
			}
		}
		if !changed {
			return
		}
		for i := range f.nodes {
			n := &f.nodes[i]
			if n.standing.Verdict == Waiting && n.standing.Withdrawn && listed[entry{n.e.Author, n.e.ID}] {
				n.standing.Verdict = Accepted
			}
		}
	}
}
