package command

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/care/promise"
	"postern/backend/record/draft"
	"postern/backend/record/recordtest"
)

func TestSendMessageRefuses(t *testing.T) {
	good := draft.Draft{What: DraftNew, Office: recordtest.Lee, Subject: "A rash", Text: "It itches."}
	for name, c := range map[string]struct {
		change func(*draft.Draft)
		kind   care.Kind
		field  string
	}{
		"no office":      {func(d *draft.Draft) { d.Office = "" }, care.Invalid, "office"},
		"no subject":     {func(d *draft.Draft) { d.Subject = " \n" }, care.Invalid, "subject"},
		"long subject":   {func(d *draft.Draft) { d.Subject = care.Text(strings.Repeat("é", care.MaxSubject+1)) }, care.Invalid, "subject"},
		"no text":        {func(d *draft.Draft) { d.Text = "" }, care.Invalid, "text"},
		"long text":      {func(d *draft.Draft) { d.Text = care.Text(strings.Repeat("x", care.MaxText+1)) }, care.Invalid, "text"},
		"hidden":         {func(d *draft.Draft) { d.Text = care.Text("x" + strings.Repeat("\x01", care.MaxText-1)) }, care.Invalid, "text"},
		"odd topic":      {func(d *draft.Draft) { d.Topic = "gossip" }, care.Invalid, "topic"},
		"another kind":   {func(d *draft.Draft) { d.What = DraftNote }, care.Invalid, ""},
		"a foreign room": {func(d *draft.Draft) { d.Office = "of_nobodyaaaaaaaaa" }, care.Invalid, "office"},
	} {
		a, d := maria(t), good
		c.change(&d)
		d, err := a.SaveDraft(t.Context(), d)
		must(t, err)
		_, err = a.SendMessage(t.Context(), d.ID)
		refuses(t, name, err, c.kind, c.field)
		if kept, err := a.SaveDraft(t.Context(), d); err != nil || kept.Text != d.Text || a.held(d.ID) != nil {
			t.Errorf("%s: the refused text is not the draft that it was: %v", name, err)
		}
	}
	r := rosa(t)
	d, err := r.SaveDraft(t.Context(), good)
	must(t, err)
	_, err = r.SendMessage(t.Context(), d.ID)
	refuses(t, "staff", err, care.Forbidden, "")
}

// The longest texts that are taken fit into an event, whatever they are made of; what would not fit is refused at once.
func TestLongestTexts(t *testing.T) {
	for c, fits := range map[string]bool{"x": true, "<": true, "\"": true, "\n": true, "é": true, "😀": true, "\u2028": false, "\x00": false} {
		a := maria(t)
		d, err := a.SaveDraft(t.Context(), draft.Draft{What: DraftNew, Office: recordtest.Lee, Subject: care.Text(strings.Repeat("s", care.MaxSubject)), Text: care.Text("x" + strings.Repeat(c, care.MaxText-1))})
		must(t, err)
		if _, err = a.SendMessage(t.Context(), d.ID); !fits {
			refuses(t, c, err, care.Invalid, "text")
			continue
		}
		must(t, err)
		must(t, a.SendNow(t.Context(), d.ID))
		must(t, a.Promote(t.Context(), d.ID))
		if a.held(d.ID) != nil || a.events() != 2 {
			t.Errorf("%q: taken, and it became %d events", c, a.events())
		}
	}
}

// A half-typed form is kept as a note in no conversation, however long a list it holds, and nothing makes it one in a conversation.
func TestFormIsKept(t *testing.T) {
	r := rosa(t)
	d, err := r.SaveDraft(t.Context(), draft.Draft{What: DraftNote, Text: care.Text(strings.Repeat("x", 10*care.MaxText))})
	must(t, err)
	if err := r.SaveNote(t.Context(), d.ID); err == nil || r.events() != 0 {
		t.Errorf("a form became a note: %v, %d events", err, r.events())
	}
	_, err = r.SaveDraft(t.Context(), draft.Draft{What: DraftNote, Part: care.EventID{1}, Text: d.Text})
	refuses(t, "so long a note", err, care.Invalid, "")
}

// A message is held, becomes one opening and one message, each to the office and to its author's own mailbox, and is so
// once, however often it is sent and promoted.
func TestSendMessageOnce(t *testing.T) {
	a := maria(t)
	d, err := a.SaveDraft(t.Context(), draft.Draft{What: DraftNew, Office: recordtest.Lee, Subject: "A rash", Text: "It itches."})
	must(t, err)
	first, err := a.SendMessage(t.Context(), d.ID)
	must(t, err)
	again, err := a.SendMessage(t.Context(), d.ID)
	must(t, err)
	if first != again || !first.Until.Equal(a.now.Add(15*time.Second)) || !first.Part.IsZero() || !a.told.Texts {
		t.Errorf("%+v, then %+v", first, again)
	}
	must(t, a.Promote(t.Context(), d.ID))
	if a.events() != 0 {
		t.Fatal("it became an event in its hold")
	}
	if _, err := a.SaveDraft(t.Context(), d); care.KindOf(err) != care.Conflict {
		t.Errorf("edited in its hold: %v", err)
	}
	must(t, a.SendNow(t.Context(), d.ID))
	must(t, a.Promote(t.Context(), d.ID))
	must(t, a.Promote(t.Context(), d.ID))
	must(t, a.SendNow(t.Context(), d.ID))
	became, err := a.SendMessage(t.Context(), d.ID)
	must(t, err)
	if became.Part.IsZero() || a.events() != 2 {
		t.Errorf("%+v, %d events", became, a.events())
	}
	for _, undo := range []func(context.Context, string) error{a.Discard, func(ctx context.Context, id string) error { _, err := a.TakeBack(ctx, id); return err }} {
		if err := undo(t.Context(), d.ID); care.KindOf(err) != care.Conflict {
			t.Errorf("taken back on its way: %v", err)
		}
	}
	for _, box := range []care.MailboxID{recordtest.LeeBox, recordtest.MariaBox} {
		if got := a.mails(box); len(got) != 2 || got[0].Kind != event.Opened || got[1].Kind != event.Sent {
			t.Errorf("%s gets %v", box, got)
		}
	}
	if p := a.part(became.Part); len(p.Messages) != 1 || p.Messages[0].Text != "It itches." {
		t.Errorf("%+v", p)
	}
}

// A text in its hold goes back to its draft, whole, or is gone for good.
func TestTakeBackAndDiscard(t *testing.T) {
	a := maria(t)
	s, _ := story(t, a)
	id := a.holds(s.Thread, "And it is red.")
	back, err := a.TakeBack(t.Context(), id)
	must(t, err)
	if back.ID != id || back.Text != "And it is red." || back.Part != s.Thread || back.What != DraftReply || a.held(id) != nil {
		t.Errorf("%+v", back)
	}
	_, err = a.TakeBack(t.Context(), id)
	refuses(t, "twice", err, care.NotFound, "")
	must(t, a.Promote(t.Context(), id))
	_, err = a.SendReply(t.Context(), id)
	must(t, err)
	must(t, a.Discard(t.Context(), id))
	_, err = a.SendReply(t.Context(), id)
	refuses(t, "after it was discarded", err, care.NotFound, "")
	if a.events() != len(s.All) {
		t.Error("something of it exists")
	}
}

func TestReplyRefuses(t *testing.T) {
	a := maria(t)
	s, m := story(t, a)
	a.takes(s.Completes(recordtest.Rosa, "Use the cream.", m))
	_, err := a.SendReply(t.Context(), a.drafts(DraftReply, s.Thread, "But…"))
	refuses(t, "in a completed conversation", err, care.Conflict, "")
	_, err = a.SendReply(t.Context(), a.drafts(DraftReply, care.EventID{9}, "x"))
	refuses(t, "in none", err, care.NotFound, "")

	raman := sits(t, recordtest.DrRaman, recordtest.LeeBox) // holds what is not her office's
	raman.takes(s.All...)
	_, err = raman.SendReply(t.Context(), raman.drafts(DraftReply, s.Thread, "x"))
	refuses(t, "by another office", err, care.Forbidden, "")

	r := rosa(t)
	s, _ = story(t, r)
	for _, kind := range []string{DraftNote, DraftNew} {
		id := r.drafts(kind, s.Thread, "Only for colleagues.")
		_, err = r.SendReply(t.Context(), id)
		refuses(t, "a "+kind+" as a reply", err, care.Invalid, "")
		_, err = r.Complete(t.Context(), id)
		refuses(t, "a "+kind+" as a closing line", err, care.Invalid, "")
	}
	_, err = r.Complete(t.Context(), r.drafts(DraftClosing, s.Thread, " "))
	refuses(t, "no closing line", err, care.Invalid, "text")
	refuses(t, "a reply as a note", r.SaveNote(t.Context(), r.drafts(DraftReply, s.Thread, "x")), care.Invalid, "")
}

// What came in since the author looked is shown first; once they send it all the same, it goes.
func TestPromoteLooksFirst(t *testing.T) {
	for name, c := range map[string]struct {
		who  func(*testing.T) *at
		come func(*recordtest.Story, *event.Event)
		why  string
		stop bool // sending it all the same is refused
	}{
		"a colleague answered": {rosa, func(s *recordtest.Story, _ *event.Event) { s.Says(recordtest.DrLee, "Use it.") }, "Dr. Ana Lee answered", false},
		"the member wrote":     {rosa, func(s *recordtest.Story, _ *event.Event) { s.Says(recordtest.Maria, "More.") }, "The member wrote again", false},
		"taken over": {rosa, func(s *recordtest.Story, _ *event.Event) {
			s.Write(recordtest.DrLee, nil, event.OwnerBody{Who: recordtest.DrLee.ID})
		}, "Dr. Ana Lee took", false},
		"completed":            {rosa, func(s *recordtest.Story, m *event.Event) { s.Completes(recordtest.DrLee, "Done.", m) }, "A colleague completed", true},
		"the office answered":  {maria, func(s *recordtest.Story, _ *event.Event) { s.Says(recordtest.Rosa, "Use it.") }, "The office answered", false},
		"the office completed": {maria, func(s *recordtest.Story, m *event.Event) { s.Completes(recordtest.Rosa, "Done.", m) }, "The office completed", true},
	} {
		a := c.who(t)
		s, m := story(t, a)
		id := a.holds(s.Thread, "My answer.")
		c.come(s, m)
		a.takes(s.All...)
		must(t, a.Promote(t.Context(), id))
		must(t, a.Promote(t.Context(), id))
		a.reviewed(id, c.why)
		err := a.SendNow(t.Context(), id)
		if c.stop {
			refuses(t, name, err, care.Conflict, "")
			continue
		}
		must(t, err)
		must(t, a.Promote(t.Context(), id))
		if a.held(id) != nil || len(a.part(s.Thread).Messages) < 2 {
			t.Errorf("%s: it was decided and did not go: %+v", name, a.held(id))
		}
	}
	// One's own message and what changes nothing for the reader hold up nothing.
	a := rosa(t)
	s, m := story(t, a)
	id := a.holds(s.Thread, "My answer.")
	s.Receives(m, recordtest.Monday.AddDate(0, 0, 2))
	s.Says(recordtest.Rosa, "From my other computer.")
	a.takes(s.All...)
	must(t, a.Promote(t.Context(), id))
	if h := a.held(id); h != nil {
		t.Errorf("set aside: %s", h.Why)
	}
}

// More than heads have room for came in at once: once it was shown, it is not asked about again.
func TestReviewEnds(t *testing.T) {
	a := rosa(t)
	s, m := story(t, a)
	id := a.holds(s.Thread, "My answer.")
	for range event.MaxAfter + 6 {
		s.Write(recordtest.Maria, []*event.Event{m}, event.SentBody{Text: "More."})
	}
	a.takes(s.All...)
	must(t, a.Promote(t.Context(), id))
	a.reviewed(id, "The member wrote again")
	must(t, a.SendNow(t.Context(), id))
	must(t, a.Promote(t.Context(), id))
	if h := a.held(id); h != nil {
		t.Errorf("asked about again: %s", h.Why)
	}
}

// A text that cannot become an event any more is set aside and holds up nothing; nothing of it is written.
func TestPromoteSetsAside(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	id := a.holds(s.Thread, "My answer.")
	a.r.Clinic.Known[recordtest.Rosa.Key] = fold.Standing{Verdict: fold.Refused, Reason: "its author does not belong to that office"}
	must(t, a.Promote(t.Context(), id))
	a.reviewed(id, "cannot send this as you")
	if a.events() != len(s.All) {
		t.Error("something of it was written")
	}
	old := rosa(t)
	s, _ = story(t, old)
	id = old.holds(s.Thread, "My answer.")
	old.now = old.now.Add(25 * time.Hour)
	must(t, old.Promote(t.Context(), id))
	old.reviewed(id, "more than a day old")
	must(t, old.SendNow(t.Context(), id))
	must(t, old.Promote(t.Context(), id))
	if h := old.held(id); h != nil {
		t.Errorf("asked about again: %s", h.Why)
	}
}

// A clock that is set back does not hold a text for days, nor its letters.
func TestClockSetBack(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	a.now = a.now.Add(72 * time.Hour)
	id := a.drafts(DraftReply, s.Thread, "My answer.")
	_, err := a.SendReply(t.Context(), id)
	must(t, err)
	if ready, next, err := a.Ready(t.Context()); err != nil || len(ready) != 0 || !next.Equal(a.now.Add(15*time.Second)) {
		t.Errorf("%v %v %v", ready, next, err)
	}
	note := a.drafts(DraftNote, s.Thread, "A note.")
	must(t, a.SaveNote(t.Context(), note))
	a.now = recordtest.Monday
	if ready, _, err := a.Ready(t.Context()); err != nil || !slices.Equal(ready, []string{id}) {
		t.Errorf("%v %v", ready, err)
	}
	must(t, a.Promote(t.Context(), id))
	if got := len(a.mails(recordtest.LeeBox)); got != 2 {
		t.Errorf("%d of 2 letters may go", got)
	}
}

// A completion covers what its author had seen and no more.
func TestComplete(t *testing.T) {
	a := rosa(t)
	s, m := story(t, a)
	id := a.drafts(DraftClosing, s.Thread, "Use the cream.")
	_, err := a.Complete(t.Context(), id)
	must(t, err)
	again, err := a.Complete(t.Context(), id)
	must(t, err)
	must(t, a.SendNow(t.Context(), id))
	must(t, a.Promote(t.Context(), id))
	p := a.part(s.Thread)
	if p.Open || len(p.Completions) != 1 || !slices.Equal(p.Completions[0].Covers, []care.EventID{m.ID}) || again.Draft != id {
		t.Fatalf("%+v", p)
	}
	must(t, a.Reopen(t.Context(), s.Thread))
	n := a.events()
	must(t, a.Reopen(t.Context(), s.Thread))
	if p := a.part(s.Thread); !p.Open || a.events() != n {
		t.Errorf("reopened twice: %+v", p)
	}
	mem := maria(t)
	mem.takes(s.All...)
	refuses(t, "a member reopens", mem.Reopen(t.Context(), s.Thread), care.Forbidden, "")
}

func TestTriage(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	part := s.Thread
	must(t, a.Claim(t.Context(), part))
	n := a.events()
	must(t, a.Claim(t.Context(), part))
	if p := a.part(part); p.Owner != a.Me.ID || a.events() != n {
		t.Errorf("claimed twice: %+v", p)
	}
	refuses(t, "assigned to another office", a.Assign(t.Context(), part, recordtest.DrRaman.ID), care.Invalid, "who")
	a.r.Clinic.Calendar.Absences = []care.Absence{{Person: recordtest.DrLee.ID, From: "2026-11-20", Until: "2026-12-01"}}
	refuses(t, "assigned to somebody away", a.Assign(t.Context(), part, recordtest.DrLee.ID), care.Invalid, "who")
	a.r.Clinic.Calendar.Absences = nil
	a.r.Clinic.Invited = []care.PersonID{recordtest.DrLee.ID}
	refuses(t, "assigned to somebody who cannot read it yet", a.Assign(t.Context(), part, recordtest.DrLee.ID), care.Invalid, "who")
	a.r.Clinic.Invited = nil
	must(t, a.Assign(t.Context(), part, recordtest.DrLee.ID))
	must(t, a.Unclaim(t.Context(), part))
	if p := a.part(part); p.Owner != "" {
		t.Errorf("%+v", p)
	}
	refuses(t, "a long reason", a.Flag(t.Context(), part, true, care.Text(strings.Repeat("x", care.MaxReason+1))), care.Invalid, "reason")
	must(t, a.Flag(t.Context(), part, true, "Short of breath."))
	must(t, a.Flag(t.Context(), part, true, "Short of breath."))
	note := a.drafts(DraftNote, part, "Ask about the lips.")
	must(t, a.SaveNote(t.Context(), note))
	must(t, a.SaveNote(t.Context(), note))
	if p := a.part(part); !p.Flagged || len(p.Notes) != 1 {
		t.Errorf("%+v", p)
	}
	for _, e := range a.mails(recordtest.MariaBox) {
		t.Errorf("a member is mailed %s", e.Kind)
	}
	mem := maria(t)
	mem.takes(s.All...)
	for name, err := range map[string]error{
		"claims": mem.Claim(t.Context(), part), "flags": mem.Flag(t.Context(), part, true, ""),
		"notes": mem.SaveNote(t.Context(), mem.drafts(DraftNote, part, "x")),
	} {
		refuses(t, "a member "+name, err, care.Forbidden, "")
	}
	// The agent's key may not claim, though it belongs to every office: nothing is written that nobody would accept.
	ag := sits(t, recordtest.Agent, recordtest.LeeBox)
	ag.r.Clinic.Belongs[recordtest.Agent.ID] = []care.OfficeID{recordtest.Lee}
	ag.takes(s.All...)
	refuses(t, "the agent claims", ag.Claim(t.Context(), part), care.Forbidden, "")
	if ag.events() != len(s.All) {
		t.Error("something was written")
	}
}

// A claim that nobody has yet and that a colleague was quicker than is dropped, and so is what follows it: sent late,
// either could take the conversation from the colleague.
func TestStillMeant(t *testing.T) {
	begin := func() (a *at, s *recordtest.Story, mine []*event.Event) {
		a = rosa(t)
		s, _ = story(t, a)
		must(t, a.Claim(t.Context(), s.Thread))
		must(t, a.Unclaim(t.Context(), s.Thread))
		a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
			entries, err := a.Journal.Thread(ctx, tx, s.Thread)
			for _, e := range entries {
				if e.Event.Kind == event.Owner {
					mine = append(mine, e.Event)
				}
			}
			return err
		})
		return a, s, mine
	}
	a, s, mine := begin()
	for _, e := range mine {
		if meant, err := a.StillMeant(t.Context(), e.ID); err != nil || !meant {
			t.Errorf("with no colleague: %v %v", meant, err)
		}
	}
	a.takes(s.Write(recordtest.DrLee, nil, event.OwnerBody{Who: recordtest.DrLee.ID}))
	a.told = Change{}
	for _, e := range mine {
		if meant, err := a.StillMeant(t.Context(), e.ID); err != nil || meant {
			t.Errorf("%s over %s goes out: %v", e.ID, e.Body.(event.OwnerBody).Over, err)
		}
		if !slices.Contains(a.told.Beaten, s.Thread) {
			t.Error("its author is not told")
		}
	}
	if p := a.part(s.Thread); p.Owner != recordtest.DrLee.ID || len(a.mails(recordtest.LeeBox)) != 0 {
		t.Errorf("%+v", p)
	}
	if meant, err := a.StillMeant(t.Context(), mine[0].ID); err != nil || !meant {
		t.Errorf("what is gone: %v %v", meant, err)
	}

	// What somebody wrote who may not claim, or past this office, drops nothing.
	a, s, mine = begin()
	crafted := s.Write(recordtest.Maria, nil, event.OwnerBody{Who: recordtest.Maria.ID})
	s.Box = recordtest.RamanBox
	past := s.Write(recordtest.DrRaman, nil, event.OwnerBody{Who: recordtest.DrRaman.ID})
	a.takes(crafted, past)
	for _, e := range mine {
		if meant, err := a.StillMeant(t.Context(), e.ID); err != nil || !meant {
			t.Errorf("dropped for what does not count: %v %v", meant, err)
		}
	}

	// One whose submission began before a crash may be there already: it goes out, and holds up nothing.
	a, s, mine = begin()
	a.takes(s.Write(recordtest.DrLee, nil, event.OwnerBody{Who: recordtest.DrLee.ID}))
	a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return a.Outbox.Submitting(ctx, tx, mine[0].ID, recordtest.LeeBox)
	})
	if meant, err := a.StillMeant(t.Context(), mine[0].ID); err != nil || !meant {
		t.Errorf("one that may have gone: %v %v", meant, err)
	}
}

func TestReceive(t *testing.T) {
	a := drlee(t)
	s, m := story(t, a)
	arrived := recordtest.Monday.Add(-30 * time.Minute) // before the office opens
	must(t, a.Receive(t.Context(), s.Thread, m.ID, arrived))
	must(t, a.Receive(t.Context(), s.Thread, m.ID, arrived))
	if a.events() != len(s.All)+1 {
		t.Fatalf("%d receipts", a.events()-len(s.All))
	}
	r := a.part(s.Thread).Messages[0].Receipt
	if want := time.Date(2026, 11, 24, 18, 0, 0, 0, a.Clock().Location()); r == nil || !r.Received.Equal(arrived) || !r.Due.Equal(want) {
		t.Errorf("%+v, want due %v", r, want)
	}
	reply := s.Says(recordtest.Rosa, "Use the cream.")
	a.takes(reply)
	must(t, a.Receive(t.Context(), s.Thread, reply.ID, arrived)) // the office's own needs none
	if a.events() != len(s.All)+1 {
		t.Error("a receipt for the office's own message")
	}
	for _, off := range []time.Duration{-72 * time.Hour, 72 * time.Hour} { // the desk's clock says nothing of when it was received
		b := drlee(t)
		s, m = story(t, b)
		b.now = b.now.Add(off)
		must(t, b.Receive(t.Context(), s.Thread, m.ID, arrived))
		if got := b.part(s.Thread).Messages[0].Receipt; !got.Received.Equal(r.Received) || !got.Due.Equal(r.Due) {
			t.Errorf("with the clock off by %v: %+v", off, got)
		}
	}
	b := drlee(t)
	s, m = story(t, b)
	b.Desk.Clock = func() *promise.Clock { return promise.None(care.Calendar{}) }
	if err := b.Receive(t.Context(), s.Thread, m.ID, arrived); care.KindOf(err) != care.Unavailable || b.events() != len(s.All) {
		t.Errorf("promised without a calendar: %v", err)
	}
}

// A member's reading goes to the office, once for each of its messages and closing lines; staff's stays here.
func TestMarkRead(t *testing.T) {
	a := maria(t)
	s, m := story(t, a)
	reply := s.Says(recordtest.Rosa, "Use the cream.")
	done := s.Completes(recordtest.Rosa, "Come back if it stays.", m)
	a.takes(reply, done)
	must(t, a.MarkRead(t.Context(), s.Thread, reply.ID))
	seen := a.mails(recordtest.LeeBox)
	if len(seen) != 1 {
		t.Errorf("%d messages seen, and the screen had shown one of them", len(seen))
	}
	must(t, a.MarkRead(t.Context(), s.Thread, reply.ID, done.ID))
	if len(a.told.Threads) != 1 {
		t.Error("nobody is told")
	}
	a.told = Change{}
	must(t, a.MarkRead(t.Context(), s.Thread, reply.ID, done.ID))
	if len(a.told.Threads) != 0 {
		t.Error("told again: the screen would read and read")
	}
	seen = append(seen, a.mails(recordtest.LeeBox)...)
	var ids []care.EventID
	for _, e := range seen {
		ids = append(ids, e.Body.(event.SeenBody).Message)
	}
	if want := recordtest.IDs(reply, done); !slices.Equal(care.SortEventIDs(ids), want) {
		t.Errorf("seen %v, want %v", ids, want)
	}
	r := rosa(t)
	r.takes(s.All...)
	n := r.events()
	must(t, r.MarkRead(t.Context(), s.Thread, recordtest.IDs(s.All...)...))
	if r.events() != n {
		t.Error("what staff read left this computer")
	}
}

// What is read before the conversation's opening has arrived stays unread: whom to tell is not known yet.
func TestMarkReadBeforeTheOpening(t *testing.T) {
	a := maria(t)
	s, _ := story(t)
	reply := s.Says(recordtest.Rosa, "Use the cream.")
	a.takes(reply)
	must(t, a.MarkRead(t.Context(), s.Thread, reply.ID))
	if n := len(a.mails(recordtest.LeeBox)); n != 0 {
		t.Errorf("%d letters about it", n)
	}
	a.takes(s.All...)
	must(t, a.MarkRead(t.Context(), s.Thread, reply.ID))
	if n := len(a.mails(recordtest.LeeBox)); n != 1 {
		t.Errorf("%d letters once it is whole", n)
	}
}

func TestDeliveryFailed(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	must(t, a.Promote(t.Context(), a.holds(s.Thread, "Use the cream.")))
	sent := a.mails(recordtest.LeeBox)[0]
	must(t, a.DeliveryFailed(t.Context(), s.Thread, sent.ID, recordtest.LeeBox, "552 full"))
	if p := a.part(s.Thread); len(p.Messages[1].Failures) != 0 {
		t.Error("the office is mailed about its own mailbox")
	}
	a.told = Change{}
	must(t, a.DeliveryFailed(t.Context(), s.Thread, sent.ID, recordtest.MariaBox, "552 full"))
	p := a.part(s.Thread)
	if len(p.Messages[1].Failures) != 1 || p.Awaits != fold.Office || len(a.told.Threads) != 1 {
		t.Errorf("%+v, told %+v", p, a.told)
	}
	mem := maria(t)
	mem.takes(s.All...)
	n := mem.events()
	must(t, mem.DeliveryFailed(t.Context(), s.Thread, s.All[1].ID, recordtest.MariaBox, "552 full"))
	if mem.events() != n {
		t.Error("a member's computer speaks of deliveries")
	}
}
