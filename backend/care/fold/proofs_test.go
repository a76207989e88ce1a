package fold

import (
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// The proofs of the protocol as far as the fold decides them. M is a member's message, C a completion, R a reopening.

// M and C cross: both sides show M in the same follow-up, open, with a due date.
func TestProof01CrossedCompletion(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	c := s.completes(rosa, after(m0), m0)
	m := s.says(maria, "It is worse.", after(m0))
	r := s.receives(agent, m, 0)
	conv := s.converges()

	wantMessages(t, root(t, conv), m0)
	wantState(t, root(t, conv), false, Nobody, time.Time{})
	f := only(t, conv)
	wantMessages(t, f, m)
	wantState(t, f, true, Office, due(0))
	if f.ID != event.FollowUpID(s.thread, nil) || f.Of != s.thread || f.Messages[0].Receipt.Event != r.ID {
		t.Fatalf("follow-up %s of %s, receipt %+v", f.ID, f.Of, f.Messages[0].Receipt)
	}
	if !root(t, conv).Messages[0].Answered || root(t, conv).Completions[0].ID != c.ID {
		t.Fatal("what the completion covers is answered")
	}

	// A reply within the follow-up, and the member's next words in it.
	s.part = f.ID
	reply := s.says(rosa, "Please come in.", after(m, c))
	next := s.says(maria, "Thanks.", after(reply))
	f = only(t, s.fold())
	wantMessages(t, f, m, reply, next)
	wantState(t, f, true, Office, time.Time{})
}

// C covers M: M stays in the thread, complete on both sides, also where the reply between them is lost.
func TestProof02CoveredMessageStays(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	reply := s.says(lee, "Use the cream.", after(m))
	s.completes(rosa, after(reply), m)
	conv := s.converges()
	wantMessages(t, root(t, conv), m, reply)
	wantState(t, root(t, conv), false, Nobody, time.Time{})

	s.all = without(s.all, reply)
	conv = s.converges()
	if len(conv.Parts) != 1 {
		t.Fatalf("%d parts", len(conv.Parts))
	}
	wantMessages(t, root(t, conv), m)
	wantState(t, root(t, conv), false, Nobody, time.Time{})
	if !slices.Equal(conv.Gaps, []care.EventID{reply.ID}) {
		t.Fatalf("gaps %v, want the lost reply", conv.Gaps)
	}
}

// C, R undoing C, M with basis R: M stands in the thread, which is open. A C2 that does not cover M makes a follow-up.
func TestProof03ReopenedThread(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	c := s.completes(rosa, after(m0), m0)
	r := s.write(rosa, after(c), event.ReopenedBody{Undoes: idsOf(after(c))})
	m := s.says(maria, "It is back.", after(r), r)
	conv := s.converges()
	if len(conv.Parts) != 1 {
		t.Fatalf("%d parts", len(conv.Parts))
	}
	wantMessages(t, root(t, conv), m0, m)
	wantState(t, root(t, conv), true, Office, time.Time{})

	t.Run("without the reopening the message stays and the thread shows open", func(t *testing.T) {
		early := &story{t: t, readers: s.readers, auth: s.auth, all: without(s.all, r)}
		conv := early.converges()
		if len(conv.Parts) != 1 || !slices.Equal(conv.Gaps, []care.EventID{r.ID}) {
			t.Fatalf("%s", conv.DumpOffice())
		}
		wantMessages(t, root(t, conv), m0, m)
		wantState(t, root(t, conv), true, Office, time.Time{})
	})

	s.completes(lee, after(r), m0)
	conv = s.converges()
	wantMessages(t, root(t, conv), m0)
	wantState(t, root(t, conv), false, Nobody, time.Time{})
	f := only(t, conv)
	wantMessages(t, f, m)
	wantState(t, f, true, Office, time.Time{})
	if f.ID != event.FollowUpID(s.thread, idsOf(after(r))) {
		t.Fatal("the follow-up's id comes of thread and basis")
	}
}

// Two staff complete at once, one saw M and one did not: M becomes a follow-up once and never vanishes from a queue.
func TestProof05ConcurrentCompletions(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	m := s.says(maria, "It is worse.", after(m0))
	s.receives(agent, m, 0)
	s.completes(rosa, after(m), m0, m)
	s.completes(lee, after(m0), m0)
	for _, part := range [][]*event.Event{s.all, s.all[:4], s.all[:5], without(s.all, s.all[4])} {
		c := Fold(part, everyone())
		shown := 0
		for i := range c.Parts {
			p := &c.Parts[i]
			if slices.Contains(messages(p), m.ID) {
				shown++
				if p.ID != s.thread {
					wantState(t, p, true, Office, due(0))
				}
			}
		}
		if shown != 1 {
			t.Fatalf("the message is shown %d times:\n%s", shown, c.DumpOffice())
		}
	}
	conv := s.converges()
	wantMessages(t, root(t, conv), m0)
	wantState(t, root(t, conv), false, Nobody, time.Time{})
	wantMessages(t, only(t, conv), m)
	wantState(t, only(t, conv), true, Office, due(0))
}

// Two claims with equal over: one winner, the smaller id, on all replicas; the loser is told; no clock is read.
func TestProof06TwoClaims(t *testing.T) {
	for _, offline := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour} {
		s, o := newStory(t)
		m := s.says(maria, "It itches.", after(o))
		a := s.write(rosa, after(m), event.OwnerBody{Who: rosa.id})
		s.at = s.at.Add(offline)
		b := s.write(lee, after(m), event.OwnerBody{Who: lee.id})
		winner, loser := a, b
		if b.ID.Compare(a.ID) < 0 {
			winner, loser = b, a
		}
		p := root(t, s.converges())
		want := []LostClaim{{ID: loser.ID, By: loser.As, Who: loser.As, To: winner.As}}
		if p.Owner != winner.As || p.OwnerEvent != winner.ID || !slices.Equal(p.Lost, want) {
			t.Fatalf("offline %v: owner %s, lost %+v", offline, p.Owner, p.Lost)
		}
	}
}

// A colleague takes over a stale claim with over; then a late copy of the old claim, or an old claim that nobody ever
// saw, arrives: the owner stays the colleague.
func TestProof07StaleClaim(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	old := s.write(rosa, after(m), event.OwnerBody{Who: rosa.id})
	s.write(lee, after(m, old), event.OwnerBody{Who: lee.id, Over: old.ID})
	s.all = append(s.all, old)
	if p := root(t, s.fold()); p.Owner != lee.id || len(p.Lost) != 0 {
		t.Fatalf("owner %s, lost %+v", p.Owner, p.Lost)
	}
	s.all = s.all[:len(s.all)-1]

	late := s.writeUntil(sam, after(m), event.OwnerBody{Who: sam.id}, func(id care.EventID) bool { return id.Compare(old.ID) < 0 })
	p := root(t, s.converges())
	want := []LostClaim{{ID: late.ID, By: sam.id, Who: sam.id, To: rosa.id}}
	if p.Owner != lee.id || !slices.Equal(p.Lost, want) {
		t.Fatalf("owner %s, lost %+v", p.Owner, p.Lost)
	}
}

// The same signed bytes delivered five times are one event and one receipt.
func TestProof13FiveTimes(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.receives(agent, m, 0)
	want := s.fold().DumpOffice()
	var five []*event.Event
	for range 5 {
		for _, e := range s.all {
			again, err := event.Decode(slices.Clone(e.Raw)) // each delivery is decoded anew
			if err != nil {
				t.Fatal(err)
			}
			five = append(five, again)
		}
	}
	c := Fold(five, everyone())
	if c.DumpOffice() != want || len(root(t, c).Messages) != 1 || root(t, c).Messages[0].Receipt == nil {
		t.Fatalf("five times gives\n%s\nwant\n%s", c.DumpOffice(), want)
	}
}

// Ids come of content: two different events cannot claim one thread or one receipt, and neither shadows the other.
func TestProof14CraftedIDs(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	first := s.receives(agent, m, 1)
	second := s.receives(rosa, m, 0)
	// A second opening that says it belongs to the thread is a thread of its own.
	forged := s.draft(juan, nil, event.OpenedBody{Office: theOffice, Subject: "Mine now", Readers: s.readers})
	other := s.keep(forged)
	if other.Thread == s.thread || other.Thread != other.ID {
		t.Fatalf("a second opening of %s", s.thread)
	}
	inOwn := Fold([]*event.Event{other}, everyone())
	if inOwn.Thread != other.ID || inOwn.Subject != "Mine now" {
		t.Fatalf("%s", inOwn.DumpOffice())
	}
	s.all = without(s.all, other)

	conv := s.converges()
	r := root(t, conv).Messages[0].Receipt
	if conv.Subject != "A rash" || first.ID == second.ID || r.Event != second.ID || !r.Due.Equal(due(0)) {
		t.Fatalf("two receipts fold to the earliest due time, not %+v", r)
	}
}

// An event by a device certified in a directory not yet seen waits; when the directory arrives it applies, by folding
// the same events again.
func TestProof22WaitsForDirectory(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	reply := s.says(lee, "Use the cream.", after(m))
	old, now := everyone(), everyone()
	delete(old, lee.key)
	before := Fold(s.all, old)
	wantMessages(t, root(t, before), m)
	wantState(t, root(t, before), true, Office, time.Time{})
	if !slices.Equal(before.Waiting, []care.EventID{reply.ID}) || len(before.Gaps) != 0 || !slices.Equal(before.Heads, []care.EventID{m.ID}) {
		t.Fatalf("%s", before.DumpOffice())
	}
	c := Fold(s.all, now)
	wantMessages(t, root(t, c), m, reply)
	wantState(t, root(t, c), true, Member, time.Time{})
	if len(c.Waiting) != 0 || len(c.Refused) != 0 {
		t.Fatalf("%s", c.DumpOffice())
	}
}

// An old program meets an unknown kind: it passes over it. One that must be understood makes the thread read-only; a
// program that knows the kind, folding the same events, is no worse off than a fresh one.
func TestProof34UnknownCrit(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	plain := s.unknown(rosa, "thread.tagged", false, after(m))
	reply := s.says(rosa, "Use the cream.", after(plain))
	c := s.converges()
	if c.ReadOnly || !slices.Equal(c.Heads, []care.EventID{reply.ID}) || len(c.Gaps)+len(c.Refused)+len(c.Waiting) != 0 {
		t.Fatalf("%s", c.DumpOffice())
	}
	wantMessages(t, root(t, c), m, reply)
	wantState(t, root(t, c), true, Member, time.Time{}) // seen through the unknown one

	s.unknown(lee, "thread.moved", true, after(reply))
	c = s.converges()
	if !c.ReadOnly {
		t.Fatal("what must be understood was passed over")
	}
	wantMessages(t, root(t, c), m, reply)

	stranger := everyone()
	delete(stranger, lee.key)
	if Fold(s.all, stranger).ReadOnly {
		t.Fatal("an event whose author is not known yet decides nothing")
	}

	// A member's word takes no thread from the office: it is kept, and shown as newer.
	s, o = newStory(t)
	m = s.says(maria, "It itches.", after(o))
	s.unknown(maria, "message.recalled", true, after(m))
	if c = s.converges(); c.ReadOnly || !c.Newer {
		t.Fatalf("read-only %v, newer %v", c.ReadOnly, c.Newer)
	}
	wantMessages(t, root(t, c), m)
}

// unknown writes an event of a kind that this program does not know, as a newer program would.
func (s *story) unknown(by person, kind event.Kind, crit bool, after []*event.Event) *event.Event {
	s.t.Helper()
	e := s.draft(by, after, event.SeenBody{Message: s.thread})
	e.To = append([]care.MailboxID{mbOffice}, s.readers...)
	raw, err := event.Encode(e)
	if err != nil {
		s.t.Fatal(err)
	}
	crits := ""
	if crit {
		crits = `,"crit":true`
	}
	made, err := event.Decode([]byte(replaceOnce(s.t, string(raw), `"kind":"message.seen"`, `"kind":"`+string(kind)+`"`+crits)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.all = append(s.all, made)
	return made
}

// Clocks three days off on both sides: same order, same due date; only the times shown differ.
func TestProof39WrongClocks(t *testing.T) {
	var wantOrder []care.Text
	for _, off := range []struct{ member, staff time.Duration }{{0, 0}, {72 * time.Hour, -72 * time.Hour}, {-72 * time.Hour, 72 * time.Hour}} {
		s, o := newStory(t)
		clock := func(by person) {
			s.at = monday.Add(time.Duration(len(s.all)) * time.Minute).Add(off.staff)
			if by.role == care.RoleMember {
				s.at = s.at.Add(off.member - off.staff)
			}
		}
		clock(maria)
		m1 := s.says(maria, "one", after(o))
		clock(agent)
		r := s.receives(agent, m1, 0)
		clock(rosa)
		a1 := s.says(rosa, "two", after(m1, r))
		clock(maria)
		m2 := s.says(maria, "three", after(a1))
		clock(agent)
		s.receives(agent, m2, 1)
		conv := s.converges()
		var order []care.Text
		for _, m := range root(t, conv).Messages {
			order = append(order, m.Text)
		}
		if wantOrder == nil {
			wantOrder = order
		}
		if !slices.Equal(order, []care.Text{"one", "two", "three"}) || !slices.Equal(order, wantOrder) {
			t.Fatalf("clocks off by %v show %v", off, order)
		}
		wantState(t, root(t, conv), true, Office, due(1))
	}
}

// A reply of the office and a message of the member cross: the thread awaits the office with that message's due time.
func TestProof44CrossedReply(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	s.receives(agent, m0, 0)
	m := s.says(maria, "It is worse.", after(m0))
	s.receives(agent, m, 3)
	reply := s.says(rosa, "Use the cream.", after(m0))
	conv := s.converges()
	wantMessages(t, root(t, conv), m0, m, reply)
	wantState(t, root(t, conv), true, Office, due(3))
	if ms := root(t, conv).Messages; !ms[0].Answered || ms[1].Answered || root(t, conv).Answered {
		t.Fatal("the reply answers what its author had seen and no more")
	}
	s.says(lee, "Come in.", after(m, reply))
	wantState(t, root(t, s.converges()), true, Member, time.Time{})
}
