package fold

import (
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Who is no clinician answers administrative topics only: every role, every kind, every topic, in a thread and in its
// follow-up. What is forbidden changes nothing, is kept, and is named with its author; while the opening is not held nobody
// can know, and what was shown by then goes again.
func TestTopics(t *testing.T) {
	pa := newPerson("pa", care.RolePA, "")
	for _, by := range []person{maria, rosa, lee, pa, sam, admin, agent} {
		for _, topic := range append([]care.Topic{""}, care.Topics...) {
			for name, body := range map[string]any{
				"message": event.SentBody{Text: "Take twice as many."}, "completion": event.CompletedBody{Closing: "Take twice as many."},
				"note": event.NoteBody{Text: "Ask her."}, "owner": event.OwnerBody{Who: by.id}, "flag": event.FlagBody{On: true},
				"reopening": event.ReopenedBody{Undoes: []care.EventID{{1}}}, "readers": event.ReadersBody{Readers: []care.MailboxID{mbMaria}},
				"receipt": event.ReceivedBody{Message: care.EventID{1}, Received: monday},
			} {
				s, o := newStoryAbout(t, topic)
				s.auth[pa.key] = Standing{Verdict: Accepted, Role: care.RolePA}
				m := s.says(maria, "How many?", after(o))
				before := s.fold()
				e := s.write(by, after(m), body)
				c := s.converges()
				act, _ := actOf(e)
				may := by.role.May(act, topic)
				if by.role == care.RoleMember && name == "completion" {
					may = false
				}
				if refused := slices.Contains(c.Refused, e.ID); refused == may {
					t.Errorf("%s by %s about %q: refused %v", name, by.role, topic, refused)
				}
				over := !may && by.role.MayEver(act) && by.role.Staff()
				if over != slices.Contains(c.Overstepped, Overstep{e.ID, by.id}) {
					t.Errorf("%s by %s about %q: %v", name, by.role, topic, c.Overstepped)
				}
				if over && (c.Dump() != before.Dump() || c.Parts[0].Awaits != Office || slices.Contains(c.Heads, e.ID)) {
					t.Errorf("%s by %s about %q changes something:\n%s", name, by.role, topic, c.DumpOffice())
				}
			}
		}
	}
	s, o := newStoryAbout(t, care.TopicResult)
	m := s.says(maria, "How many?", after(o))
	e := s.says(sam, "Twice as many.", after(m))
	without := Fold([]*event.Event{m, e}, s.auth)
	if len(without.Refused) != 0 || len(without.Parts[0].Messages) != 2 {
		t.Errorf("before the opening has come:\n%s", without.DumpOffice())
	}
	if c := s.fold(); len(c.Parts[0].Messages) != 1 || len(c.Overstepped) != 1 {
		t.Errorf("after it:\n%s", c.DumpOffice())
	}
	// An opening by staff is judged by its own topic.
	for topic, want := range map[care.Topic]Verdict{care.TopicAppointment: Accepted, care.TopicResult: Refused, "": Refused} {
		e := encode(t, event.Event{Practice: thePractice, Kind: event.Opened, Author: sam.key, As: sam.id, For: thePatient, At: monday,
			To: []care.MailboxID{mbMaria, mbOffice}, Dir: 1, Body: event.OpenedBody{Office: theOffice, Subject: "x", Topic: topic, Readers: []care.MailboxID{mbMaria}}})
		if j := Judge(e, s.auth); j.Verdict != want {
			t.Errorf("an opening about %q: %+v", topic, j)
		}
	}
}
