package fold

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// history is one random life of a thread: three authors, each with a replica of their own that learns of the others'
// events late, out of order and not at all, with clocks up to three days off. What they write comes of what they see.
type history struct {
	r       *rand.Rand
	auth    clinic
	all     []*event.Event
	authors [3]author
	ids     int
}

type author struct {
	person
	mailbox care.MailboxID
	known   []*event.Event
	has     map[care.EventID]bool
	off     time.Duration
}

// reached counts what the histories came to, so that the proof cannot hold for want of cases.
type reached struct{ followUps, nested, undone, lost, bridged, taken, twice int }

func live(seed uint64, steps int) *history {
	h := &history{r: rand.New(rand.NewPCG(seed, 4)), auth: everyone()}
	for i, p := range []person{maria, rosa, lee} {
		h.authors[i] = author{person: p, mailbox: mbOffice, has: map[care.EventID]bool{}, off: time.Duration(h.r.IntN(6*24*60)-3*24*60) * time.Minute}
	}
	h.authors[0].mailbox = mbMaria
	first := h.write(&h.authors[0], &Conversation{Readers: []care.MailboxID{mbMaria}}, care.EventID{}, event.OpenedBody{Office: theOffice, Subject: "A rash", Readers: []care.MailboxID{mbMaria}})
	c := Fold(h.authors[0].known, h.auth)
	h.write(&h.authors[0], &c, first.Thread, event.SentBody{Text: "It itches."})
	for range steps {
		a := &h.authors[h.r.IntN(3)]
		h.deliver(a, 40)
		c := Fold(a.known, h.auth)
		if !c.Opened {
			continue
		}
		p := &c.Parts[h.r.IntN(len(c.Parts))]
		if a.role == care.RoleMember {
			h.memberActs(a, &c, p)
		} else {
			h.staffActs(a, &c, p)
		}
	}
	for i := range h.authors {
		h.deliver(&h.authors[i], 100)
	}
	return h
}

// deliver brings an author some of the letters in their mailbox, in any order.
func (h *history) deliver(a *author, percent int) {
	from := len(a.known)
	for _, e := range h.all {
		if !a.has[e.ID] && slices.Contains(e.To, a.mailbox) && h.r.IntN(100) < percent {
			a.has[e.ID] = true
			a.known = append(a.known, e)
		}
	}
	late := a.known[from:]
	h.r.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
}

func (h *history) memberActs(a *author, c *Conversation, p *Part) {
	if h.r.IntN(5) == 0 {
		for i := range p.Messages {
			if m := &p.Messages[i]; !m.Member && m.SeenAt.IsZero() {
				h.write(a, c, p.ID, event.SeenBody{Message: m.ID})
				return
			}
		}
	}
	if p.Open {
		var basis []care.EventID
		for _, r := range p.Reopenings {
			basis = append(basis, r.ID)
		}
		h.write(a, c, p.ID, event.SentBody{Text: care.Text(fmt.Sprint("member ", h.ids)), Basis: basis})
	}
}

func (h *history) staffActs(a *author, c *Conversation, p *Part) {
	switch h.r.IntN(15) {
	case 0, 1:
		h.write(a, c, p.ID, event.SentBody{Text: care.Text(fmt.Sprint("office ", h.ids))})
	case 2, 3, 4:
		if !p.Open {
			return
		}
		var covers []care.EventID
		for i := range p.Messages {
			if p.Messages[i].Member {
				covers = append(covers, p.Messages[i].ID)
			}
		}
		h.write(a, c, p.ID, event.CompletedBody{Covers: covers, Closing: "Done."})
	case 5, 6:
		var undoes []care.EventID
		for _, d := range p.Completions {
			if !d.Undone {
				undoes = append(undoes, d.ID)
			}
		}
		if len(undoes) > 0 {
			h.write(a, c, p.ID, event.ReopenedBody{Undoes: undoes})
		}
	case 7:
		h.write(a, c, p.ID, event.OwnerBody{Who: a.id, Over: p.OwnerEvent})
	case 8:
		h.write(a, c, p.ID, event.NoteBody{Text: "Called."})
	case 9:
		if h.r.IntN(2) == 0 {
			h.write(a, c, p.ID, event.FlagBody{On: !p.Flagged, Over: p.FlagEvent})
			return
		}
		readers := []care.MailboxID{mbMaria}
		if len(c.Readers) == 1 {
			readers = []care.MailboxID{mbJuan, mbMaria}
		}
		h.write(a, c, p.ID, event.ReadersBody{Readers: readers, Over: c.ReadersEvent})
	case 10:
		h.unknown(a, c, p.ID)
	case 11, 12, 13:
		h.bridge(a, c, p)
	default:
		for i := range p.Messages {
			m := &p.Messages[i]
			switch {
			case !m.Member:
			case m.Receipt == nil || h.r.IntN(4) == 0:
				h.write(a, c, p.ID, event.ReceivedBody{Message: m.ID, Received: monday, Due: monday.Add(time.Duration(h.r.IntN(100)) * time.Hour)})
				return
			case h.r.IntN(2) == 0: // the agent's, from what this author sees
				e := h.event(a, c, p.ID, event.DueBody{Message: m.ID, Due: monday.Add(time.Duration(h.r.IntN(100)) * time.Hour), Over: m.Receipt.Event})
				e.Author, e.As = agent.key, agent.id
				h.keep(a, e)
				return
			}
		}
	}
}

// bridge is what ordinary e-mail adds: the agent tells of a message and brings what answers it, twice at times; staff accept or decline
// it, also what a colleague has accepted.
func (h *history) bridge(a *author, c *Conversation, p *Part) {
	byAgent := func(body any) *event.Event {
		e := h.event(a, c, p.ID, body)
		e.Author, e.As = agent.key, agent.id
		return h.keep(a, e)
	}
	var replies []care.EventID
	for _, e := range a.known {
		if e.Kind == event.Bridged && (e.Part == p.ID || e.Part.IsZero() && p.ID == c.Thread) {
			replies = append(replies, e.ID)
		}
	}
	switch {
	case len(p.Notices) == 0:
		for i := range p.Messages {
			if m := &p.Messages[i]; !m.Member {
				told := byAgent(event.NoticeBody{Message: m.ID, Mailbox: mbMaria})
				byAgent(event.BridgedBody{Notice: told.ID, Mail: "1", Received: monday, Text: "Thank you."})
				return
			}
		}
	case len(replies) == 0 || h.r.IntN(3) == 0:
		byAgent(event.BridgedBody{Notice: p.Notices[0].ID, Mail: fmt.Sprint(h.r.IntN(3)), Received: monday, Text: "Thank you."})
	case h.r.IntN(4) == 0:
		h.write(a, c, p.ID, event.DeclinedBody{Reply: replies[h.r.IntN(len(replies))]})
	default:
		var basis []care.EventID
		for _, r := range p.Reopenings {
			basis = append(basis, r.ID)
		}
		h.write(a, c, p.ID, event.AcceptedBody{Reply: replies[h.r.IntN(len(replies))], Wrote: maria.id, Text: "Thank you.", Basis: basis})
	}
}

func (h *history) write(a *author, c *Conversation, part care.EventID, body any) *event.Event {
	return h.keep(a, h.event(a, c, part, body))
}

// unknown is an event of a newer program, addressed to everyone.
func (h *history) unknown(a *author, c *Conversation, part care.EventID) {
	e := h.event(a, c, part, event.SentBody{})
	e.Kind, e.Body = "thread.tagged", nil
	h.keep(a, e)
}

// event is made by hand, with an id of its own: encoding thousands of histories would take the time of folding them.
func (h *history) event(a *author, c *Conversation, part care.EventID, body any) *event.Event {
	kind := event.KindOf(body)
	e := &event.Event{
		V: 1, Practice: thePractice, Kind: kind, Thread: c.Thread, Author: a.key, As: a.id, For: thePatient,
		At: monday.Add(time.Duration(h.ids)*time.Minute + a.off), Body: body, After: c.Heads,
	}
	if part != c.Thread {
		e.Part = part
	}
	switch event.AudienceOf(kind) {
	case event.ToOffice:
		e.To, e.After = []care.MailboxID{mbOffice}, c.AllHeads
	case event.ToOfficeAndSelf:
		e.To = []care.MailboxID{mbMaria, mbOffice}
	default:
		e.To = append([]care.MailboxID{mbOffice}, c.Readers...)
		if readers, ok := body.(event.ReadersBody); ok {
			e.To = append([]care.MailboxID{mbOffice}, readers.Readers...)
		}
		slices.Sort(e.To)
	}
	return e
}

func (h *history) keep(a *author, e *event.Event) *event.Event {
	h.ids++
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:], h.r.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], uint64(h.ids))
	e.ID = event.IDOf(raw[:])
	if e.Kind == event.Opened {
		e.Thread = e.ID
	}
	h.all = append(h.all, e)
	a.known = append(a.known, e)
	a.has[e.ID] = true
	return e
}

// check gives what is wrong with the history's end, "" for nothing, and counts what it came to.
func (h *history) check(count *reached) string {
	held := func(mailbox care.MailboxID) Conversation {
		letters := holds(mailbox, h.all)
		letters = append(letters, letters[:h.r.IntN(len(letters)+1)]...)
		h.r.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		return Fold(letters, h.auth)
	}
	office, member := held(mbOffice), held(mbMaria)
	if a, b := office.Dump(), member.Dump(); a != b {
		return "office and member differ:\n" + a + "\n" + b
	}
	for i := range h.authors {
		a := &h.authors[i]
		got, want := Fold(a.known, h.auth), &office
		if a.role == care.RoleMember {
			want = &member
		}
		if !reflect.DeepEqual(got, *want) { // more than equal dumps
			return fmt.Sprintf("the replica of %s, in its own order, differs:\n%s\n%s", a.id, got.DumpOffice(), want.DumpOffice())
		}
	}
	if n := len(office.Gaps) + len(member.Gaps) + len(office.Refused) + len(office.Waiting); n > 0 {
		return "something is missing where all arrived:\n" + office.DumpOffice() + member.DumpOffice()
	}
	return h.nothingLost(&office, count)
}

// nothingLost holds the fold to what a person relies on: every message is shown exactly once, and one of the member's
// that nobody has answered stands in an open part that awaits the office.
func (h *history) nothingLost(c *Conversation, count *reached) string {
	shown := map[care.EventID]int{}
	for i := range c.Parts {
		p := &c.Parts[i]
		if p.ID != c.Thread && len(p.Messages) > 0 {
			count.followUps++
			if p.Of != c.Thread && !p.Of.IsZero() {
				count.nested++
			}
		}
		count.lost += len(p.Lost)
		for _, d := range p.Completions {
			if d.Undone {
				count.undone++
			}
		}
		count.bridged += len(p.Bridged)
		unanswered := 0
		for _, m := range p.Messages {
			shown[m.ID]++
			if m.Member && !m.Answered {
				unanswered++
			}
		}
		switch {
		case unanswered > 0 && (!p.Open || p.Awaits != Office):
			return fmt.Sprintf("part %s has %d unanswered messages and does not await the office:\n%s", p.ID, unanswered, c.DumpOffice())
		case p.Open != (p.Awaits != Nobody):
			return fmt.Sprintf("part %s is open %v and awaits %q", p.ID, p.Open, p.Awaits)
		}
	}
	sent := 0
	for _, e := range h.all {
		if _, ok := e.Body.(event.SentBody); ok {
			sent++
			if shown[e.ID] != 1 {
				return fmt.Sprintf("message %s is shown %d times:\n%s", e.ID, shown[e.ID], c.DumpOffice())
			}
		}
	}
	accepted := map[care.EventID]int{}
	for _, e := range h.all {
		if b, ok := e.Body.(event.AcceptedBody); ok {
			accepted[b.Reply] += shown[e.ID]
			count.taken++
		}
	}
	for reply, times := range accepted {
		sent++
		if times != 1 {
			return fmt.Sprintf("the accepted reply %s is shown %d times:\n%s", reply, times, c.DumpOffice())
		}
	}
	count.twice += len(accepted)
	if sent != len(shown) {
		return fmt.Sprintf("%d messages were sent and %d are shown", sent, len(shown))
	}
	return ""
}

// 10,000 random histories of three authors, random order, duplicates, two mailboxes: every replica's dump of what it
// shares is equal.
func TestProof04RandomHistories(t *testing.T) {
	histories := 10_000
	if testing.Short() {
		histories = 1_000
	}
	var mu sync.Mutex
	var total reached
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			var count reached
			for seed := w; seed < histories && !t.Failed(); seed += workers {
				h := live(uint64(seed), 6+seed%16)
				if why := h.check(&count); why != "" {
					t.Errorf("history %d: %s", seed, why)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.followUps += count.followUps
			total.nested += count.nested
			total.undone += count.undone
			total.lost += count.lost
			total.bridged += count.bridged
			total.taken += count.taken
			total.twice += count.taken - count.twice
		})
	}
	all.Wait()
	t.Logf("%d histories: %+v", histories, total)
	if total.followUps < histories/20 || total.undone < histories/20 || total.nested < histories/500 || total.lost < histories/500 ||
		total.bridged < histories/20 || total.taken < histories/40 || total.twice < histories/500 {
		t.Errorf("the histories do not come to enough: %+v", total)
	}
}

// A fold in order of arrival would not converge: the same histories tell two replicas apart if place in the list counts.
// This keeps the proof above honest.
func TestHistoriesArriveInDifferentOrders(t *testing.T) {
	differ := 0
	for seed := range uint64(50) {
		h := live(seed, 12)
		a, b := h.authors[1].known, h.authors[2].known
		if strings.Join(idsAsCome(a), " ") != strings.Join(idsAsCome(b), " ") {
			differ++
		}
	}
	if differ < 40 {
		t.Fatalf("only %d of 50 histories reach two replicas in different orders", differ)
	}
}
