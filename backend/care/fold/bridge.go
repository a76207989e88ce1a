package fold

import (
	"fmt"
	"slices"
	"strings"

	"postern/backend/care"
	"postern/backend/care/event"
)

// What came by ordinary e-mail is nobody's word until one of the care team accepts it; from then on it is a message of the member's
// side, and stands where such a message stands. Two who accept the same make one message.

// unite finds, of acceptances of the same reply, the one that stands for all: the smallest id. Both sides hold acceptances and
// not the replies, so nothing else may decide it.
func (f *folding) unite() {
	type said struct {
		reply care.EventID
		wrote care.PersonID
		text  care.Text
		files string
	}
	first := map[said]care.EventID{}
	for i := range f.nodes { // sorted by id
		n := &f.nodes[i]
		b, is := n.e.Body.(event.AcceptedBody)
		if !is || !n.accepted() {
			continue
		}
		what := said{b.Reply, b.Wrote, b.Text, listed(b.Files)} // other words stand beside: nobody's acceptance takes another's away
		winner, known := first[what]
		if !known {
			first[what] = n.e.ID
			continue
		}
		if f.one == nil {
			f.one = map[care.EventID]care.EventID{}
		}
		f.one[n.e.ID] = winner
	}
}

// What is shown to the care team at an accepted reply.
const (
	notTheWords = "These are not the words of the e-mail that came"
	notTheFiles = "These are not the files of the e-mail that came"
)

// listed tells the files of two acceptances apart: by their names, and by what they are.
func listed(files []event.File) string {
	var all strings.Builder
	for _, f := range files {
		fmt.Fprintf(&all, "%q %q %d %s %s\n", f.Name, f.Type, f.Size, f.SHA256, f.Pieces)
	}
	return all.String()
}

// came is the e-mail that was accepted, as far as it is held here.
func (f *folding) came(b event.AcceptedBody) (mail *Bridged, flags []string) {
	at, held := f.at[b.Reply]
	if !held || !f.nodes[at].accepted() {
		return nil, nil
	}
	r, is := f.nodes[at].e.Body.(event.BridgedBody)
	if !is {
		return nil, []string{notTheWords}
	}
	if r.Text != b.Text {
		flags = append(flags, notTheWords)
	}
	if listed(r.Files) != listed(b.Files) {
		flags = append(flags, notTheFiles)
	}
	return &Bridged{ID: b.Reply, Notice: r.Notice, Received: r.Received, From: r.From, Known: r.Known, Checks: slices.Clone(r.Checks), Cut: r.Cut, Left: slices.Clone(r.Left), Large: r.Large}, flags
}

// stands is the event for which an event stands: itself, or the acceptance of the same reply.
func (f *folding) stands(id care.EventID) care.EventID {
	if other, is := f.one[id]; is {
		return other
	}
	return id
}

// theirs reports whether a message is of the member's side.
func (f *folding) theirs(i int) bool {
	_, accepted := f.nodes[i].e.Body.(event.AcceptedBody)
	return accepted || f.nodes[i].standing.Member
}

func (f *folding) notices(list []int, said map[care.EventID]*words) (out []NoticeShown) {
	f.sortShown(list)
	for _, i := range list {
		e := f.nodes[i].e
		b := e.Body.(event.NoticeBody)
		out = append(out, NoticeShown{ID: e.ID, At: e.At, Message: b.Message, Mailbox: b.Mailbox, Reply: b.Reply, Until: b.Until, Failure: said[e.ID].failed()})
	}
	return out
}

// bridged gives the replies that were not accepted; of those that brought the same e-mail, as two agents may, the smallest id.
func (f *folding) bridged(list []int) (out []Bridged, shown []int) {
	slices.Sort(list) // that is, by id
	byMail, accepted, declined := map[string]int{}, map[string]bool{}, map[string]care.PersonID{}
	mailOf := func(reply care.EventID) (string, bool) {
		at, held := f.at[reply]
		if !held {
			return "", false
		}
		b, is := f.nodes[at].e.Body.(event.BridgedBody)
		return b.Mail, is
	}
	for _, i := range f.order {
		switch b := f.nodes[i].e.Body.(type) {
		case event.AcceptedBody:
			if mail, is := mailOf(b.Reply); is {
				accepted[mail] = true
			}
		case event.DeclinedBody:
			if mail, is := mailOf(b.Reply); is && declined[mail] == "" {
				declined[mail] = f.nodes[i].e.As
			}
		}
	}
	for _, i := range list {
		mail := f.nodes[i].e.Body.(event.BridgedBody).Mail
		if _, twice := byMail[mail]; !twice && !accepted[mail] {
			byMail[mail] = i
			shown = append(shown, i)
		}
	}
	f.sortShown(shown)
	for _, i := range shown {
		e := f.nodes[i].e
		b := e.Body.(event.BridgedBody)
		r := Bridged{ID: e.ID, Notice: b.Notice, Received: b.Received, From: b.From, Known: b.Known, Checks: slices.Clone(b.Checks), Text: b.Text,
			Cut: b.Cut, Files: slices.Clone(b.Files), Left: slices.Clone(b.Left), Large: b.Large, DeclinedBy: declined[b.Mail]}
		if at, held := f.at[b.Notice]; held {
			if n, is := f.nodes[at].e.Body.(event.NoticeBody); is {
				r.Mailbox = n.Mailbox
			}
		}
		out = append(out, r)
	}
	return out, shown
}
