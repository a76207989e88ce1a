package fold

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

func TestFoldOfNothing(t *testing.T) {
	for _, events := range [][]*event.Event{nil, {nil}, {{}}, {{ID: care.EventID{1}}}} {
		if c := Fold(events, everyone()); len(c.Parts) != 0 || c.Opened {
			t.Errorf("%+v", c)
		}
	}
}

// Until the opening arrives the messages are shown, and nothing is asked of it.
func TestMissingOpening(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.receives(agent, m, 0)
	whole := s.all
	s.all = without(s.all, o)
	c := s.converges()
	if c.Opened || c.Subject != "" || c.Patient != thePatient || c.Thread != o.ID || !slices.Equal(c.Gaps, []care.EventID{o.ID}) {
		t.Fatalf("%s", c.DumpOffice())
	}
	wantMessages(t, root(t, c), m)
	wantState(t, root(t, c), true, Office, due(0))
	s.all = whole
	if c := s.converges(); !c.Opened || c.Subject != "A rash" || c.OfficeMailbox != mbOffice || !slices.Equal(c.Readers, []care.MailboxID{mbMaria}) || c.Opener != maria.id {
		t.Fatalf("%s", c.DumpOffice())
	}
}

// A thread without a message yet: whoever opened it owes the first one, and where that is a member's, the office looks.
func TestOpeningAlone(t *testing.T) {
	s, _ := newStory(t)
	wantState(t, root(t, s.fold()), true, Office, time.Time{})
	s.all[0] = s.keep(func() event.Event {
		e := s.draft(lee, nil, event.OpenedBody{Office: theOffice, Subject: "Your results", Readers: s.readers})
		return e
	}())
	wantState(t, root(t, Fold(s.all[:1], everyone())), true, Member, time.Time{})
}

// A follow-up is a thread of its own: completed, and crossed again, inside it.
func TestNestedFollowUp(t *testing.T) {
	s, o := newStory(t)
	c1 := s.completes(rosa, after(o))
	m1 := s.says(maria, "First.", after(o))
	first := event.FollowUpID(s.thread, nil)
	s.part = first
	s.completes(rosa, after(c1, m1), m1)
	m2 := s.says(maria, "Second, crossing again.", after(m1))
	second := event.FollowUpID(first, nil)
	s.part = care.EventID{}
	m3 := s.says(maria, "From another computer, knowing nothing.", after(o))
	conv := s.converges()
	if len(conv.Parts) != 3 || conv.Parts[1].ID != first || conv.Parts[2].ID != second || conv.Parts[2].Of != first || conv.Parts[1].Of != s.thread {
		t.Fatalf("%s", conv.DumpOffice())
	}
	wantMessages(t, root(t, conv))
	wantMessages(t, &conv.Parts[1], m1)
	wantState(t, &conv.Parts[1], false, Nobody, time.Time{})
	wantMessages(t, &conv.Parts[2], m2, m3)
	wantState(t, &conv.Parts[2], true, Office, time.Time{})
}

// A member's word alone makes no part: a message that names one of which nothing else tells stands in the thread itself,
// be it another thread's id or a follow-up whose beginning is still to come. What is in it comes right with its beginning,
// or with anything of the office's in it.
func TestPartThatNothingTellsOf(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.part = care.EventID{7} // of another thread, say
	astray := s.says(maria, "Where am I?", after(m))
	c := s.converges()
	if len(c.Parts) != 1 {
		t.Fatalf("a part of another's id:\n%s", c.DumpOffice())
	}
	wantMessages(t, root(t, c), m, astray)

	s, o = newStory(t)
	done := s.completes(rosa, after(o))
	first := s.says(maria, "First.", after(o))
	f := event.FollowUpID(s.thread, nil)
	s.part = f
	second := s.says(maria, "Second.", after(first, done))
	again := s.write(rosa, after(second), event.CompletedBody{Covers: idsOf(after(first, second)), Closing: "Done."})
	third := s.says(maria, "Third, crossing again.", after(second))
	whole := s.all
	s.all = without(whole, first)
	c = s.converges()
	wantMessages(t, &c.Parts[1], second)
	s.all = without(without(s.all, again), third)
	if c = s.converges(); only(t, c).ID != f { // by the completion that it crossed, as its beginning did
		t.Fatalf("%s", c.DumpOffice())
	}
	s.all = without(s.all, done)
	wantMessages(t, root(t, s.converges()), second)
	s.all = append(s.all, s.write(rosa, nil, event.SentBody{Text: "Please come in."}))
	if c = s.converges(); only(t, c).ID != f || len(only(t, c).Messages) != 2 { // the office's word tells of it
		t.Fatalf("%s", c.DumpOffice())
	}
	s.all = whole
	if c = s.converges(); len(c.Parts) != 3 || c.Parts[2].ID != event.FollowUpID(f, nil) {
		t.Fatalf("%s", c.DumpOffice())
	}
	wantMessages(t, &c.Parts[1], first, second)
	wantMessages(t, &c.Parts[2], third)
}

// A reply that crossed the follow-up's making answers nothing in it, nor does one in another part.
func TestReplyElsewhereDoesNotAnswer(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.completes(rosa, after(o))
	s.says(lee, "Use the cream.", after(m))
	f := only(t, s.converges())
	wantMessages(t, f, m)
	wantState(t, f, true, Office, time.Time{})
}

// Reopening voids the completion with its closing line: what nothing else answered awaits the office again, with the due
// time it had.
func TestReopenedAwaitsWhatWasOnlyClosed(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.receives(agent, m, 0)
	c := s.completes(rosa, after(m), m)
	if p := root(t, s.fold()); !p.Answered || !p.Messages[0].Answered {
		t.Fatal("a closing line answers what it covers")
	}
	r := s.write(lee, after(c), event.ReopenedBody{Undoes: idsOf(after(c))})
	p := root(t, s.converges())
	wantState(t, p, true, Office, due(0))
	if p.Answered || p.Messages[0].Answered || !p.Completions[0].Undone || len(p.Reopenings) != 1 {
		t.Fatalf("%+v", p)
	}
	s.says(lee, "Use the cream.", after(r, m))
	wantState(t, root(t, s.converges()), true, Member, time.Time{})
}

// A thread is open only when every completion is undone.
func TestOneOfTwoCompletionsUndone(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	c1 := s.completes(rosa, after(m), m)
	c2 := s.completes(lee, after(m), m)
	s.write(rosa, after(c1), event.ReopenedBody{Undoes: idsOf(after(c1))})
	wantState(t, root(t, s.converges()), false, Nobody, time.Time{})
	s.write(rosa, after(c2), event.ReopenedBody{Undoes: idsOf(after(c2))})
	wantState(t, root(t, s.converges()), true, Office, time.Time{})
}

// A member who had not seen the reopening crossed the completion all the same: where a message stands never changes
// with what others do later.
func TestReopeningUnseen(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	c := s.completes(rosa, after(m0), m0)
	m := s.says(maria, "It is worse.", after(m0))
	before := only(t, s.fold()).ID
	s.write(rosa, after(c), event.ReopenedBody{Undoes: idsOf(after(c))})
	conv := s.converges()
	wantMessages(t, root(t, conv), m0)
	wantMessages(t, only(t, conv), m)
	if !root(t, conv).Open || only(t, conv).ID != before {
		t.Fatalf("%s", conv.DumpOffice())
	}
}

// A reopening whose author is not known yet is as good as missing, a refused one as good as none.
func TestReopeningByStranger(t *testing.T) {
	s, o := newStory(t)
	m0 := s.says(maria, "It itches.", after(o))
	c := s.completes(rosa, after(m0), m0)
	r := s.write(lee, after(c), event.ReopenedBody{Undoes: idsOf(after(c))})
	m := s.says(maria, "It is back.", after(r), r)
	delete(s.auth, lee.key)
	conv := s.converges()
	wantMessages(t, root(t, conv), m0, m)
	wantState(t, root(t, conv), true, Office, time.Time{})
	s.auth[lee.key] = Standing{Verdict: Refused}
	conv = s.converges()
	wantState(t, root(t, conv), false, Nobody, time.Time{})
	wantMessages(t, only(t, conv), m)
}

// What a body names and nobody holds is asked for too; what a vouch lists may be meant for others.
func TestGaps(t *testing.T) {
	ghost := care.EventID{7}
	for _, body := range []any{
		event.ReceivedBody{Message: ghost, Received: monday}, event.DueBody{Message: ghost, Over: ghost}, event.OwnerBody{Over: ghost},
		event.FlagBody{Over: ghost}, event.ReadersBody{Over: ghost}, event.CompletedBody{Covers: []care.EventID{ghost}, Closing: "Done."},
		event.ReopenedBody{Undoes: []care.EventID{ghost}}, event.FailedBody{Event: ghost, Mailbox: mbMaria}, event.SeenBody{Message: ghost},
		event.SentBody{Text: "x", Basis: []care.EventID{ghost}}, event.VouchBody{Key: lee.key, IDs: []care.EventID{ghost}}, event.NoteBody{Text: "x"},
	} {
		s, o := newStory(t)
		by := rosa
		var want []care.EventID
		switch event.KindOf(body) {
		case event.DueChange:
			by = agent
		case event.Vouch:
			by = agent
		case event.Seen:
			by = maria
		}
		switch event.KindOf(body) {
		case event.Vouch, event.Note:
		default:
			want = []care.EventID{ghost}
		}
		s.write(by, after(o), body)
		if c := s.fold(); !slices.Equal(c.Gaps, want) || len(c.Refused) != 0 {
			t.Errorf("%T: gaps %v, refused %v", body, c.Gaps, c.Refused)
		}
	}
	s, o := newStory(t)
	s.auth[lee.key] = Standing{Verdict: Refused}
	e := s.draft(lee, after(o), event.NoteBody{Text: "x"})
	e.After = []care.EventID{ghost}
	s.keep(e)
	if c := s.fold(); len(c.Gaps) != 0 {
		t.Errorf("a refused event sends nobody looking: %v", c.Gaps)
	}
}

// A reopening voids completions of its own part, nothing else.
func TestReopeningOfAnotherPart(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	c := s.completes(rosa, after(m), m)
	s.part = event.FollowUpID(s.thread, nil)
	s.write(rosa, after(c), event.ReopenedBody{Undoes: idsOf(after(c, m))})
	wantState(t, root(t, s.converges()), false, Nobody, time.Time{})
}

func TestOwner(t *testing.T) {
	s, o := newStory(t)
	claim := func(by person, who care.PersonID, over *event.Event, fits func(care.EventID) bool) *event.Event {
		body := event.OwnerBody{Who: who}
		if over != nil {
			body.Over = over.ID
		}
		return s.writeUntil(by, after(o), body, fits)
	}
	anyID := func(care.EventID) bool { return true }
	t.Run("claimed, assigned, handed back", func(t *testing.T) {
		a := claim(rosa, rosa.id, nil, anyID)
		b := claim(rosa, lee.id, a, anyID)
		if p := root(t, s.converges()); p.Owner != lee.id || p.OwnerEvent != b.ID || !p.OwnerAt.Equal(b.At) {
			t.Fatalf("%+v", p)
		}
		back := claim(lee, "", b, anyID)
		if p := root(t, s.converges()); p.Owner != "" || p.OwnerEvent != back.ID || len(p.Lost) != 0 {
			t.Fatalf("%+v", p)
		}
		// The claim between them is lost in the mail: what follows it stands all the same.
		s.all = without(s.all, b)
		if p := root(t, s.converges()); p.Owner != "" || p.OwnerEvent != back.ID {
			t.Fatalf("%+v", p)
		}
	})
	t.Run("three at once, one of them acted upon", func(t *testing.T) {
		s.all = s.all[:1]
		a := claim(rosa, rosa.id, nil, anyID)
		b := claim(lee, lee.id, nil, func(id care.EventID) bool { return id.Compare(a.ID) > 0 })
		c := claim(sam, sam.id, nil, func(id care.EventID) bool { return id.Compare(b.ID) > 0 })
		if p := root(t, s.converges()); p.Owner != rosa.id || len(p.Lost) != 2 || p.Lost[0].To != rosa.id {
			t.Fatalf("%+v", p)
		}
		d := claim(admin, admin.id, c, anyID)
		p := root(t, s.converges())
		want := []LostClaim{{ID: a.ID, By: rosa.id, Who: rosa.id, To: sam.id}, {ID: b.ID, By: lee.id, Who: lee.id, To: sam.id}}
		if p.Owner != admin.id || p.OwnerEvent != d.ID || !slices.Equal(p.Lost, want) {
			t.Fatalf("%+v", p)
		}
		e := claim(rosa, rosa.id, a, anyID) // as long again: the smaller id at the fork
		p = root(t, s.converges())
		if p.Owner != rosa.id || p.OwnerEvent != e.ID || len(p.Lost) != 3 {
			t.Fatalf("%+v", p)
		}
	})
	t.Run("each part has its own", func(t *testing.T) {
		s.all = s.all[:1]
		claim(rosa, rosa.id, nil, anyID)
		s.part = care.EventID{7}
		claim(lee, lee.id, nil, anyID)
		c := s.converges()
		if root(t, c).Owner != rosa.id || only(t, c).Owner != lee.id || strings.Contains(c.Dump(), care.EventID{7}.String()) {
			t.Fatalf("%s", c.DumpOffice())
		}
	})
}

func TestFlag(t *testing.T) {
	s, o := newStory(t)
	on := s.write(agent, after(o), event.FlagBody{On: true, Reason: "Chest pain"})
	if p := root(t, s.converges()); !p.Flagged || p.FlagReason != "Chest pain" || p.FlagEvent != on.ID {
		t.Fatalf("%+v", p)
	}
	off := s.write(rosa, after(on), event.FlagBody{Reason: "Spoke with her", Over: on.ID})
	if p := root(t, s.converges()); p.Flagged || p.FlagReason != "" || p.FlagEvent != off.ID {
		t.Fatalf("%+v", p)
	}
}

func TestReaders(t *testing.T) {
	s, o := newStory(t, mbJuan, mbMaria)
	if c := s.fold(); !slices.Equal(c.Readers, []care.MailboxID{mbJuan, mbMaria}) || !c.ReadersEvent.IsZero() {
		t.Fatalf("%s", c.Dump())
	}
	s.readers = []care.MailboxID{mbMaria}
	alone := s.write(rosa, after(o), event.ReadersBody{Readers: s.readers})
	if c := s.converges(); !slices.Equal(c.Readers, s.readers) || c.ReadersEvent != alone.ID {
		t.Fatalf("%s", c.Dump())
	}
	s.write(rosa, after(alone), event.ReadersBody{Over: alone.ID})
	if c := s.converges(); len(c.Readers) != 0 {
		t.Fatalf("%s", c.Dump())
	}
}

func TestReceipts(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	receipt := func() *Receipt { return root(t, s.converges()).Messages[0].Receipt }
	change := func(over *event.Event, day int) *event.Event {
		return s.write(agent, after(m), event.DueBody{Message: m.ID, Due: due(day), Reason: "Dr. Lee is out", Over: over.ID})
	}
	if r := receipt(); r != nil {
		t.Fatalf("%+v", r)
	}
	none := s.write(agent, after(m), event.ReceivedBody{Message: m.ID, Received: monday, Cover: lee.id})
	if r := receipt(); r.Event != none.ID || !r.Due.IsZero() || r.Cover != lee.id || r.By != agent.id || !r.Received.Equal(monday) {
		t.Fatalf("a receipt without a due time: %+v", r)
	}
	late := s.receives(rosa, m, 2)
	early := s.receives(agent, m, 1)
	if r := receipt(); r.Event != early.ID || !r.Due.Equal(due(1)) {
		t.Fatalf("the earliest stands: %+v", r)
	}
	moved := change(early, 5)
	if r := receipt(); r.Event != moved.ID || !r.Due.Equal(due(5)) || r.Reason != "Dr. Lee is out" || !r.Received.Equal(monday.AddDate(0, 0, 1)) {
		t.Fatalf("a change of it: %+v", r)
	}
	s.all = without(s.all, none)
	late2 := s.write(agent, after(m), event.ReceivedBody{Message: m.ID, Received: monday})
	if r := receipt(); r.Event != moved.ID {
		t.Fatalf("a receipt without a due time comes last: %+v", r)
	}
	s.all = without(s.all, late2)
	change(late, 0)
	if r := receipt(); r.Event != moved.ID {
		t.Fatalf("a change of a receipt that does not stand: %+v", r)
	}
	again := change(moved, 6)
	if r := receipt(); r.Event != again.ID || !r.Due.Equal(due(6)) {
		t.Fatalf("a change of the change: %+v", r)
	}
	s.all = without(s.all, moved)
	if r := receipt(); r.Event != again.ID {
		t.Fatalf("a change of one that is lost: %+v", r)
	}
}

// What concerns a message applies to it wherever it stands, and to nothing else.
func TestReceiptOfOfficeMessage(t *testing.T) {
	s, o := newStory(t)
	a := s.says(rosa, "How is it?", after(o))
	s.receives(agent, a, 0)
	if p := root(t, s.converges()); p.Messages[0].Receipt != nil || p.Awaits != Member {
		t.Fatalf("%+v", p)
	}
}

func TestEarliestDueOfUnanswered(t *testing.T) {
	s, o := newStory(t)
	m1 := s.says(maria, "One.", after(o))
	m2 := s.says(maria, "Two.", after(m1))
	s.receives(agent, m1, 4)
	s.receives(agent, m2, 3)
	wantState(t, root(t, s.converges()), true, Office, due(3))
	s.says(rosa, "To one.", after(m1))
	wantState(t, root(t, s.converges()), true, Office, due(3))
	s.says(rosa, "To both.", after(m2))
	wantState(t, root(t, s.converges()), true, Member, time.Time{})
}

// A reply whose letters to the member's side all failed answers nothing; once the member has seen it, it does.
func TestProof16FailedReply(t *testing.T) {
	s, o := newStory(t, mbJuan, mbMaria)
	m := s.says(maria, "It itches.", after(o))
	s.receives(agent, m, 0)
	a := s.says(rosa, "Use the cream.", after(m))
	fails := func(to care.MailboxID, reason string) *event.Event {
		return s.write(agent, after(a), event.FailedBody{Event: a.ID, Mailbox: to, Reason: reason})
	}
	fails(mbMaria, "552 Mailbox full")
	p := root(t, s.fold())
	wantState(t, p, true, Member, time.Time{})
	if got := p.Messages[1].Failures; !slices.Equal(got, []Failure{{mbMaria, "552 Mailbox full"}}) {
		t.Fatalf("%+v", got)
	}
	first := fails(mbJuan, "550 Gone")
	s.write(agent, after(first), event.FailedBody{Event: a.ID, Mailbox: mbJuan, Reason: "550 Gone for good"})
	p = root(t, s.fold())
	wantState(t, p, true, Office, due(0))
	if got := p.Messages[1].Failures; !slices.Equal(got, []Failure{{mbJuan, "550 Gone for good"}, {mbMaria, "552 Mailbox full"}}) {
		t.Fatalf("%+v", got)
	}
	seen := s.write(maria, after(a), event.SeenBody{Message: a.ID})
	p = root(t, s.fold())
	wantState(t, p, true, Member, time.Time{})
	if got := p.Messages[1]; len(got.Failures) != 1 || got.SeenBy != maria.id || !got.SeenAt.Equal(seen.At) {
		t.Fatalf("%+v", got)
	}
}

func TestSeen(t *testing.T) {
	s, o := newStory(t, mbJuan, mbMaria)
	m := s.says(maria, "It itches.", after(o))
	a := s.says(rosa, "Use the cream.", after(m))
	c := s.completes(rosa, after(a), m)
	see := func(by person, what *event.Event) *event.Event {
		return s.write(by, after(what), event.SeenBody{Message: what.ID})
	}
	juans := see(juan, a)
	see(maria, a)
	see(maria, c)
	see(juan, m)
	conv := Fold(s.all, everyone())
	p := root(t, conv)
	if m := p.Messages[1]; m.SeenBy != juan.id || !m.SeenAt.Equal(juans.At) {
		t.Fatalf("%+v", m)
	}
	if !p.Messages[0].SeenAt.IsZero() || p.Completions[0].SeenBy != maria.id {
		t.Fatalf("%+v", p)
	}
	if !slices.Equal(conv.Heads, []care.EventID{c.ID}) {
		t.Fatal("what one reader saw is in that reader's mailbox alone, so it is no head of what all read")
	}
	for _, reader := range s.readers {
		if got := Fold(holds(reader, s.all), everyone()); got.Dump() != conv.Dump() || len(got.Gaps) != 0 {
			t.Fatalf("%s reads\n%s\nthe office\n%s", reader, got.Dump(), conv.Dump())
		}
	}
}

func TestHeads(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	n := s.write(rosa, after(m), event.NoteBody{Text: "Called."})
	c := s.converges()
	if !slices.Equal(c.Heads, []care.EventID{m.ID}) || !slices.Equal(c.AllHeads, []care.EventID{n.ID}) {
		t.Fatalf("heads %v, all %v", c.Heads, c.AllHeads)
	}
	a := s.says(rosa, "Use the cream.", after(m))
	c = s.converges()
	if !slices.Equal(c.Heads, []care.EventID{a.ID}) || !slices.Equal(c.AllHeads, idsOf(after(a, n))) {
		t.Fatalf("heads %v, all %v", c.Heads, c.AllHeads)
	}
	t.Run("an unknown event that not every reader has is no head, and hides none", func(t *testing.T) {
		s.readers = []care.MailboxID{mbMaria, mbJuan}
		s.write(rosa, after(a), event.ReadersBody{Readers: s.readers})
		s.readers = s.readers[:1]
		last := s.says(maria, "Thanks.", after(a))
		s.unknown(maria, "message.starred", false, after(last))
		if c := s.fold(); !slices.Contains(c.Heads, last.ID) || len(c.Heads) != 2 {
			t.Fatalf("heads %v", c.Heads)
		}
	})
	t.Run("no more than after may name, the latest", func(t *testing.T) {
		s, o := newStory(t)
		var last *event.Event
		for range event.MaxAfter + 10 {
			last = s.says(rosa, "At once.", after(o))
		}
		c := s.fold()
		if len(c.Heads) != event.MaxAfter || !slices.Contains(c.Heads, last.ID) || slices.Contains(c.Heads, s.all[1].ID) {
			t.Fatalf("%d heads", len(c.Heads))
		}
	})
}

// A program that names an office's own event in what a member reads makes a gap there, and decides nothing.
func TestCarelessNaming(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	n := s.write(rosa, after(m), event.NoteBody{Text: "Called."})
	s.says(rosa, "Use the cream.", after(o, n))
	c := s.converges()
	wantState(t, root(t, c), true, Office, time.Time{})
	if member := Fold(holds(mbMaria, s.all), everyone()); !slices.Equal(member.Gaps, []care.EventID{n.ID}) {
		t.Fatalf("gaps %v", member.Gaps)
	}
}

// What a person reads in order: all that a part shows, by what each author had seen.
func TestOrder(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.at = s.at.Add(-time.Hour) // a slow clock
	n := s.write(rosa, after(m), event.NoteBody{Text: "Called."})
	c := s.completes(rosa, after(m), m)
	r := s.write(rosa, after(c), event.ReopenedBody{Undoes: idsOf(after(c))})
	a := s.says(rosa, "Use the cream.", after(r))
	p := root(t, s.converges())
	t.Run("replies to a fast clock", func(t *testing.T) {
		s, o := newStory(t)
		s.at = s.at.AddDate(0, 0, 3)
		m := s.says(maria, "It itches.", after(o))
		s.at = monday
		a := s.says(rosa, "Use the cream.", after(m))
		b := s.writeUntil(lee, after(m), event.SentBody{Text: "Come in."}, func(id care.EventID) bool { return id.Compare(a.ID) < 0 })
		wantMessages(t, root(t, s.converges()), m, b, a) // both are as late as what they answer; then the smaller id
	})
	i, j := slices.Index(p.Order, n.ID), slices.Index(p.Order, m.ID)
	rest := slices.DeleteFunc(slices.Clone(p.Order), func(id care.EventID) bool { return id == n.ID })
	if i < j || !slices.Equal(rest, []care.EventID{m.ID, c.ID, r.ID, a.ID}) {
		t.Fatalf("order %v", p.Order)
	}
}

// Conversations are kept as JSON beside the rows made of them.
func TestJSON(t *testing.T) {
	h := live(7, 40)
	want := Fold(h.all, h.auth)
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Conversation
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.DumpOffice() != want.DumpOffice() || got.Dump() != want.Dump() || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\n%s", got.DumpOffice(), want.DumpOffice())
	}
}

// What Fold returns shares no memory with the events: a caller may sort and append.
func TestFoldKeepsNothing(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.completes(rosa, after(m), m)
	want := s.fold().DumpOffice()
	c := s.fold()
	c.Readers[0] = "mb_changed"
	root(t, c).Completions[0].Covers[0] = care.EventID{1}
	if got := s.fold().DumpOffice(); got != want {
		t.Fatalf("%s\n%s", got, want)
	}
}

func TestSecondThreadIsLeftOut(t *testing.T) {
	a, _ := newStory(t)
	b, _ := newStory(t)
	b.all = nil
	b.at = b.at.Add(time.Hour)
	opening := b.keep(b.draft(maria, nil, event.OpenedBody{Office: theOffice, Subject: "Another", Readers: b.readers}))
	want := a.fold()
	if opening.ID.Compare(want.Thread) < 0 {
		want = b.fold()
	}
	for _, both := range [][]*event.Event{{a.all[0], opening}, {opening, a.all[0]}} {
		if got := Fold(both, everyone()); got.DumpOffice() != want.DumpOffice() {
			t.Fatalf("%s", got.DumpOffice())
		}
	}
}

func TestPart(t *testing.T) {
	s, _ := newStory(t)
	c := s.fold()
	if p, ok := c.Part(c.Thread); !ok || p.ID != c.Thread {
		t.Error("the thread itself by its id")
	}
	if _, ok := c.Part(care.EventID{9}); ok {
		t.Error("a part that is not")
	}
}
