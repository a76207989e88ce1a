package fold

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// answered is a story in which the office answered and Maria was told so by ordinary e-mail, to which a reply came.
func answeredByMail(t *testing.T) (s *story, said, told, reply *event.Event) {
	t.Helper()
	s, o := newStory(t)
	first := s.says(maria, "It itches.", after(o))
	said = s.says(rosa, "Try this cream.", after(first))
	told = s.write(agent, after(said), event.NoticeBody{Message: said.ID, Mailbox: mbMaria, Reply: care.EventID{7}.String(), Until: monday.Add(14 * 24 * time.Hour)})
	return s, said, told, s.bridged(told, "Thank you, it helps.")
}

func (s *story) bridged(told *event.Event, text care.Text) *event.Event {
	return s.write(agent, after(told), event.BridgedBody{Notice: told.ID, Mail: care.EventID{byte(len(text))}.String(), Received: monday.Add(time.Hour), From: "maria@example.org",
		Known: true, Checks: []string{"dkim=pass"}, Text: text})
}

// What came by ordinary e-mail is shown to the office alone, moves nothing, and is nobody's message.
func TestBridgedIsNobodysWord(t *testing.T) {
	s, said, told, reply := answeredByMail(t)
	c := s.converges()
	p := root(t, c)
	wantMessages(t, p, s.all[1], said)
	wantState(t, p, true, Member, time.Time{})
	if len(p.Notices) != 1 || p.Notices[0].ID != told.ID || p.Notices[0].Message != said.ID {
		t.Errorf("notices %+v", p.Notices)
	}
	if len(p.Bridged) != 1 || p.Bridged[0].ID != reply.ID || p.Bridged[0].Mailbox != mbMaria || p.Bridged[0].DeclinedBy != "" || p.Order[len(p.Order)-1] != reply.ID {
		t.Errorf("bridged %+v, order %v", p.Bridged, p.Order)
	}
	if member := Fold(holds(mbMaria, s.all), s.auth); len(member.Parts[0].Bridged)+len(member.Parts[0].Notices) != 0 {
		t.Error("the member's side holds what is the office's")
	}
}

// Accepted, it is the member's message on both sides, awaits an answer, and gets a receipt like any other.
func TestAcceptedIsAMessage(t *testing.T) {
	s, _, _, reply := answeredByMail(t)
	taken := s.write(rosa, after(s.all[2]), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	s.write(agent, after(taken), event.ReceivedBody{Message: taken.ID, Received: monday, Due: due(9)})
	c := s.converges()
	p := root(t, c)
	wantMessages(t, p, s.all[1], s.all[2], taken)
	wantState(t, p, true, Office, due(9))
	m := p.Messages[2]
	if !m.Member || m.As != maria.id || m.TakenBy != rosa.id || m.Receipt == nil || len(p.Bridged) != 0 {
		t.Errorf("%+v, bridged %+v", m, p.Bridged)
	}
}

// Two colleagues accept the same: it is one message, and what is said of either is said of it.
func TestAcceptedTwiceIsOneMessage(t *testing.T) {
	s, said, _, reply := answeredByMail(t)
	s.all = s.all[:5:5]
	a := s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	b := s.write(lee, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	first, second := a, b
	if b.ID.Compare(a.ID) < 0 {
		first, second = b, a
	}
	c := s.converges()
	wantMessages(t, root(t, c), s.all[1], said, first)

	s.write(lee, after(second), event.CompletedBody{Covers: care.SortEventIDs([]care.EventID{s.all[1].ID, second.ID}), Closing: "Done."})
	c = Fold(s.all, s.auth)
	if len(c.Parts) != 1 || c.Parts[0].Open {
		t.Errorf("what covers one does not cover the other:\n%s", c.DumpOffice())
	}
}

// Two agents bring the same e-mail: it is shown once, and accepting either takes it away.
func TestBroughtTwiceIsOnce(t *testing.T) {
	s, said, told, reply := answeredByMail(t)
	again := s.bridged(told, "Thank you, it helps.")
	c := s.converges()
	if p := root(t, c); len(p.Bridged) != 1 {
		t.Fatalf("bridged %+v", p.Bridged)
	}
	s.write(rosa, after(said), event.AcceptedBody{Reply: again.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	if p := root(t, s.converges()); len(p.Bridged) != 0 || len(p.Messages) != 3 {
		t.Fatalf("bridged %+v beside %d messages, of %s and %s", p.Bridged, len(p.Messages), reply.ID, again.ID)
	}
}

// Declined, it stays to be seen and says who declined it; accepted all the same by somebody else, it counts.
func TestDeclined(t *testing.T) {
	s, said, _, reply := answeredByMail(t)
	s.write(rosa, after(reply), event.DeclinedBody{Reply: reply.ID})
	if p := root(t, s.converges()); len(p.Bridged) != 1 || p.Bridged[0].DeclinedBy != rosa.id {
		t.Fatalf("bridged %+v", p.Bridged)
	}
	s.write(lee, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	if p := root(t, s.converges()); len(p.Bridged) != 0 || len(p.Messages) != 3 {
		t.Fatalf("bridged %+v beside %d messages", p.Bridged, len(p.Messages))
	}
}

// A reply to what is complete opens a follow-up when it is accepted, on both sides alike.
func TestAcceptedAfterCompletion(t *testing.T) {
	s, said, _, reply := answeredByMail(t)
	s.write(rosa, after(said), event.CompletedBody{Covers: []care.EventID{s.all[1].ID}, Closing: "Done."})
	taken := s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "It itches again."})
	c := s.converges()
	if p := only(t, c); p.ID != event.FollowUpID(care.EventID(s.thread), nil) || !p.Open || p.Awaits != Office || len(p.Messages) != 1 || p.Messages[0].ID != taken.ID {
		t.Fatalf("%+v", p)
	}
	if root(t, c).Open {
		t.Error("what was completed is open again")
	}
}

// A notice that came back says so where the notice is.
func TestNoticeThatCameBack(t *testing.T) {
	s, _, told, _ := answeredByMail(t)
	s.write(agent, after(told), event.FailedBody{Event: told.ID, Mailbox: mbMaria, Reason: "550 5.1.1 No such user"})
	if p := root(t, s.converges()); len(p.Notices) != 1 || len(p.Notices[0].Failure) != 1 || p.Notices[0].Failure[0].Reason != "550 5.1.1 No such user" {
		t.Fatalf("notices %+v", p.Notices)
	}
}

// Other words of the same reply stand beside: nobody's acceptance makes another's disappear.
func TestAcceptedWithOtherWords(t *testing.T) {
	s, said, _, reply := answeredByMail(t)
	s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	s.write(lee, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "I refuse the treatment."})
	p := root(t, s.converges())
	if len(p.Messages) != 4 {
		t.Fatalf("%d messages", len(p.Messages))
	}
	for _, m := range p.Messages[2:] {
		if m.Mail == nil || m.Mail.From != "maria@example.org" || (len(m.Flags) > 0) != (m.Text == "I refuse the treatment.") {
			t.Errorf("%q: flags %v, mail %+v", m.Text, m.Flags, m.Mail)
		}
	}
}

// The files of a reply are the office's with it, and the member's with the acceptance. Other files than those that came stand beside, and the
// care team is told.
func TestAcceptedWithFiles(t *testing.T) {
	s, said, told, _ := answeredByMail(t)
	s.all = s.all[:4:4]
	rash, _ := event.NewFile("rash.jpg", "image/jpeg", []byte("a rash"))
	other, _ := event.NewFile("rash.jpg", "image/jpeg", []byte("something else"))
	reply := s.write(agent, after(told), event.BridgedBody{Notice: told.ID, Mail: care.EventID{99}.String(), Received: monday.Add(time.Hour), From: "maria@example.org",
		Files: []event.File{rash}, Left: []event.Left{{Name: "rash.mov", Why: event.LeftKind}}})
	if p := root(t, s.converges()); len(p.Bridged) != 1 || !reflect.DeepEqual(p.Bridged[0].Files, []event.File{rash}) || len(p.Bridged[0].Left) != 1 {
		t.Fatalf("bridged %+v", p.Bridged)
	}
	a := s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Files: []event.File{rash}})
	b := s.write(lee, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Files: []event.File{rash}})
	p := root(t, s.converges())
	if len(p.Messages) != 3 || len(p.Bridged) != 0 {
		t.Fatalf("two acceptances are %d messages beside %d that wait", len(p.Messages), len(p.Bridged))
	}
	for side, box := range map[string]care.MailboxID{"member": mbMaria, "office": mbOffice} {
		m := Fold(holds(box, s.all), s.auth).Parts[0].Messages[2]
		if m.ID != a.ID && m.ID != b.ID || !reflect.DeepEqual(m.Files, []event.File{rash}) || len(m.Flags) != 0 {
			t.Errorf("the %s has %+v", side, m)
		}
	}
	s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Files: []event.File{other}})
	p = root(t, Fold(s.all, s.auth))
	if len(p.Messages) != 4 {
		t.Fatalf("%d messages", len(p.Messages))
	}
	for _, m := range p.Messages[2:] {
		if slices.Contains(m.Flags, notTheFiles) != (m.Files[0].SHA256 == other.SHA256) {
			t.Errorf("%s: flags %v", m.Files[0].SHA256, m.Flags)
		}
	}
}

// An e-mail that was too large to be read stands there all the same.
func TestBridgedTooLarge(t *testing.T) {
	s, _, told, _ := answeredByMail(t)
	s.write(agent, after(told), event.BridgedBody{Notice: told.ID, Mail: care.EventID{98}.String(), Received: monday.Add(time.Hour), From: "maria@example.org", Large: 9 << 20})
	if p := root(t, s.converges()); len(p.Bridged) != 2 || p.Bridged[1].Large != 9<<20 || p.Bridged[1].Text != "" {
		t.Errorf("bridged %+v", p.Bridged)
	}
}

// Who answered having seen only the acceptance that stands for none has answered all the same.
func TestAnswerToTheOtherAcceptance(t *testing.T) {
	s, said, _, reply := answeredByMail(t)
	s.all = s.all[:5:5]
	a := s.write(rosa, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	b := s.write(lee, after(said), event.AcceptedBody{Reply: reply.ID, Wrote: maria.id, Text: "Thank you, it helps."})
	if a.ID.Compare(b.ID) > 0 {
		a, b = b, a
	}
	s.says(rosa, "Good.", after(b))
	if c := Fold(s.all, s.auth); c.Parts[0].Awaits != Member {
		t.Errorf("it awaits %q", c.Parts[0].Awaits)
	}
}

// That a reply is overdue stands at its message, for the office alone; two computers of the agent's that say it say it once.
func TestOverdueIsSaidOnce(t *testing.T) {
	s, o := newStory(t)
	asked := s.says(maria, "It itches.", after(o))
	first := s.write(agent, after(asked), event.OverdueBody{Message: asked.ID, Told: []care.PersonID{rosa.id}})
	s.write(agent, after(asked), event.OverdueBody{Message: asked.ID, Told: []care.PersonID{rosa.id, lee.id}})
	m := root(t, s.converges()).Messages[0]
	if m.Overdue == nil || !m.Overdue.At.Equal(first.At) || !slices.Equal(m.Overdue.Told, []care.PersonID{lee.id, rosa.id}) {
		t.Errorf("%+v", m.Overdue)
	}
	if m := Fold(holds(mbMaria, s.all), s.auth).Parts[0].Messages[0]; m.Overdue != nil {
		t.Error("the member's side holds what is the office's")
	}
}
