package fold

import (
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Who may write what, as the table of kinds has it.
func TestRoles(t *testing.T) {
	members := []person{maria}
	team := []person{rosa, lee, sam, admin, newPerson("pa", care.RolePA, "")}
	staff := append(slices.Clone(team), agent)
	all := append(slices.Clone(staff), maria)
	cases := map[event.Kind]struct {
		body any
		may  []person
	}{
		event.Sent:      {event.SentBody{Text: "x"}, append(slices.Clone(team), maria)},
		event.Received:  {event.ReceivedBody{Message: care.EventID{1}, Received: monday}, staff},
		event.DueChange: {event.DueBody{Message: care.EventID{1}, Over: care.EventID{2}}, []person{agent}},
		event.Seen:      {event.SeenBody{Message: care.EventID{1}}, members},
		event.Owner:     {event.OwnerBody{}, team},
		event.Flag:      {event.FlagBody{}, staff},
		event.Readers:   {event.ReadersBody{}, team},
		event.Note:      {event.NoteBody{Text: "x"}, team},
		event.Completed: {event.CompletedBody{Closing: "x"}, team},
		event.Reopened:  {event.ReopenedBody{Undoes: []care.EventID{{1}}}, team},
		event.Failed:    {event.FailedBody{Event: care.EventID{1}, Mailbox: mbMaria}, all},
		event.Notice:    {event.NoticeBody{Message: care.EventID{1}, Mailbox: mbMaria}, []person{agent}},
		event.Bridged:   {event.BridgedBody{Notice: care.EventID{1}, Mail: care.EventID{2}.String(), Received: monday, Text: "x"}, []person{agent}},
		event.Accepted:  {event.AcceptedBody{Reply: care.EventID{1}, Wrote: maria.id, Text: "x"}, team},
		event.Declined:  {event.DeclinedBody{Reply: care.EventID{1}}, team},
		event.Overdue:   {event.OverdueBody{Message: care.EventID{1}}, []person{agent}},
		event.Vouch:     {event.VouchBody{Key: care.KeyID{1}, IDs: []care.EventID{{1}}}, []person{agent, admin}},
	}
	for kind, c := range cases {
		for _, by := range append(slices.Clone(all), newPerson("odd", "janitor", "")) {
			s, o := newStory(t)
			s.auth[by.key] = Standing{Verdict: Accepted, Role: by.role, Member: by.role == care.RoleMember}
			s.readers = []care.MailboxID{mbMaria}
			by.mailbox = mbMaria
			e := s.write(by, after(o), c.body)
			conv := s.fold()
			may := slices.ContainsFunc(c.may, func(p person) bool { return p.key == by.key })
			if refused := slices.Contains(conv.Refused, e.ID); refused == may {
				t.Errorf("%s by %s (%s): refused %v", kind, by.id, by.role, refused)
			}
			judged := Judge(e, s.auth)
			if (judged.Verdict == Accepted) != may || (judged.Reason == "") != may {
				t.Errorf("%s by %s: judged %+v", kind, by.id, judged)
			}
		}
	}
}

// TestWhoChoosesNotices: members for themselves, and the agent for who answered it so.
func TestWhoChoosesNotices(t *testing.T) {
	for _, by := range []person{rosa, lee, sam, admin, agent, maria, newPerson("odd", "janitor", "")} {
		s, _ := newStory(t)
		s.auth[by.key] = Standing{Verdict: Accepted, Role: by.role, Member: by.role == care.RoleMember}
		e := &event.Event{ID: care.EventID{9}, Kind: event.Choice, Author: by.key, As: by.id, For: thePatient, Body: event.ChoiceBody{Mailbox: mbMaria}}
		may := by.role == care.RoleMember || by.role == care.RoleAgent
		if judged := Judge(e, s.auth); (judged.Verdict == Accepted) != may {
			t.Errorf("by %s: judged %+v", by.id, judged)
		}
	}
}

// TestDigestsAreTheCareTeams: they belong to no thread, so the table above has none.
func TestDigestsAreTheCareTeams(t *testing.T) {
	for _, by := range []person{rosa, lee, sam, admin, agent, maria, newPerson("odd", "janitor", "")} {
		s, _ := newStory(t)
		s.auth[by.key] = Standing{Verdict: Accepted, Role: by.role, Member: by.role == care.RoleMember}
		e := &event.Event{ID: care.EventID{9}, Kind: event.Digest, Author: by.key, As: by.id, Body: event.DigestBody{Day: "2026-11-23", First: 1}}
		may := by.role.Staff()
		if judged := Judge(e, s.auth); (judged.Verdict == Accepted) != may || (judged.Reason == "") != may {
			t.Errorf("by %s: judged %+v", by.id, judged)
		}
		if c := Fold([]*event.Event{e}, s.auth); c.Opened || !c.Thread.IsZero() {
			t.Errorf("folded to %+v", c)
		}
	}
}

// TestHealthIsTheAgents: nobody else may say how it stands.
func TestHealthIsTheAgents(t *testing.T) {
	for _, by := range []person{rosa, lee, sam, admin, agent, maria, newPerson("odd", "janitor", "")} {
		s, _ := newStory(t)
		s.auth[by.key] = Standing{Verdict: Accepted, Role: by.role, Member: by.role == care.RoleMember}
		e := &event.Event{ID: care.EventID{9}, Kind: event.Health, Author: by.key, As: by.id, Body: event.HealthBody{Version: "1"}}
		if judged := Judge(e, s.auth); (judged.Verdict == Accepted) != (by.role == care.RoleAgent) {
			t.Errorf("by %s: judged %+v", by.id, judged)
		}
		if c := Fold([]*event.Event{e}, s.auth); c.Opened || !c.Thread.IsZero() {
			t.Errorf("folded to %+v", c)
		}
	}
}

// Confidential: what is the office's alone has no effect when it comes from the member's side or was mailed to it.
func TestStaffOnly(t *testing.T) {
	s, o := newStory(t)
	s.says(maria, "It itches.", after(o))
	want := s.fold()
	for _, body := range []any{
		event.NoteBody{Text: "Pretend."}, event.OwnerBody{Who: maria.id}, event.FlagBody{On: true},
		event.CompletedBody{Closing: "Pretend."}, event.ReopenedBody{Undoes: []care.EventID{{1}}}, event.ReadersBody{Readers: []care.MailboxID{mbJuan}},
		event.ReceivedBody{Message: s.all[1].ID, Received: monday, Due: due(9)},
		event.NoticeBody{Message: s.all[1].ID, Mailbox: mbMaria}, event.DeclinedBody{Reply: s.all[1].ID}, event.AcceptedBody{Reply: s.all[1].ID, Wrote: juan.id, Text: "Pretend."},
		event.BridgedBody{Notice: s.all[1].ID, Mail: s.all[1].ID.String(), Received: monday, Text: "Pretend."}, event.OverdueBody{Message: s.all[1].ID},
	} {
		s.all = s.all[:2]
		e := s.write(maria, nil, body)
		c := s.converges()
		if c.Dump() != want.Dump() || !slices.Equal(c.Refused, []care.EventID{e.ID}) || len(c.Parts[0].Notes) != 0 || c.Parts[0].Flagged || c.Parts[0].Owner != "" {
			t.Errorf("%s from a member:\n%s", e.Kind, c.DumpOffice())
		}
		if slices.Contains(c.AllHeads, e.ID) {
			t.Errorf("a refused %s is a head", e.Kind)
		}
	}
	s.all = s.all[:2]
	astray := s.draft(rosa, nil, event.NoteBody{Text: "Meant for colleagues."})
	astray.To = []care.MailboxID{mbMaria}
	e := s.keep(astray)
	for _, events := range [][]*event.Event{s.all, holds(mbMaria, s.all)} {
		if c := Fold(events, s.auth); len(c.Parts[0].Notes) != 0 || !slices.Equal(c.Refused, []care.EventID{e.ID}) {
			t.Errorf("a note that was mailed to a member is shown:\n%s", c.DumpOffice())
		}
	}
}

// A thread is about one patient of one practice.
func TestForeign(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	other := s.draft(maria, after(m), event.SentBody{Text: "About my son."})
	other.For = "pt_juanaaaaaaaaaaaa"
	foreign := s.draft(maria, after(m), event.SentBody{Text: "Elsewhere."})
	foreign.Practice = "pr_bbbbbbbbbbbbbbbb"
	e1, e2 := s.keep(other), s.keep(foreign)
	c := s.converges()
	wantMessages(t, root(t, c), m)
	if !slices.Equal(c.Refused, idsOf(after(e1, e2))) {
		t.Fatalf("%s", c.DumpOffice())
	}
}

// Somebody of another office cannot write in a thread by mailing the member and their own office: what the care team
// writes counts only where it went to the thread's office, on the member's side too.
func TestPastItsOffice(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	want := s.fold().Dump()
	for _, body := range []any{
		event.SentBody{Text: "Stop the cream."}, event.CompletedBody{Closing: "Done."}, event.ReadersBody{Readers: []care.MailboxID{mbJuan}},
		event.ReceivedBody{Message: m.ID, Received: monday, Due: due(9)},
	} {
		s.all = s.all[:2]
		astray := s.draft(rosa, after(m), body)
		astray.To = []care.MailboxID{"mb_ramanaaaaaaaaaaa", mbMaria}
		e := s.keep(astray)
		for _, events := range [][]*event.Event{s.all, holds(mbMaria, s.all)} {
			if c := Fold(events, s.auth); c.Dump() != want || !slices.Contains(c.Refused, e.ID) {
				t.Errorf("%s past the thread's office counts:\n%s", e.Kind, c.Dump())
			}
		}
	}
	s.all = s.all[:2]
	own := s.draft(maria, after(m), event.SentBody{Text: "It itches more."})
	own.To = []care.MailboxID{"mb_ramanaaaaaaaaaaa", mbMaria}
	s.keep(own)
	if p := root(t, s.fold()); len(p.Messages) != 2 {
		t.Errorf("a member's message was swallowed: %d are shown", len(p.Messages))
	}
}

// The authority's own words: refused, waiting, and accepted with a flag, which never hides a message.
func TestAuthority(t *testing.T) {
	s, o := newStory(t)
	m := s.says(maria, "It itches.", after(o))
	s.auth[maria.key] = Standing{Verdict: Accepted, Role: care.RoleMember, Member: true, Flags: []string{"No current relation with this office"}}
	if p := root(t, s.converges()); len(p.Messages) != 1 || !slices.Equal(p.Messages[0].Flags, []string{"No current relation with this office"}) {
		t.Fatalf("%+v", p)
	}
	s.auth[maria.key] = Standing{Verdict: Refused, Reason: "The key was never certified."}
	if c := s.converges(); c.Opened || !slices.Equal(c.Refused, idsOf(after(o, m))) || len(root(t, c).Messages) != 0 {
		t.Fatalf("%s", c.DumpOffice())
	}
	s.auth[maria.key] = Standing{} // an authority that says nothing
	if c := s.converges(); c.Opened || !slices.Equal(c.Waiting, idsOf(after(o, m))) || len(c.Refused) != 0 {
		t.Fatalf("%s", c.DumpOffice())
	}
}

// Events of a revoked key wait until a registrar or the agent vouches for them, in whatever order all this arrives.
func TestVouch(t *testing.T) {
	begin := func(t *testing.T) (s *story, m, reply *event.Event) {
		s, o := newStory(t)
		m = s.says(maria, "It itches.", after(o))
		reply = s.says(lee, "Use the cream.", after(m))
		s.auth[lee.key] = Standing{Verdict: Waiting, Withdrawn: true, Role: care.RolePhysician, Reason: "Sender's key withdrawn, being confirmed."}
		return s, m, reply
	}
	t.Run("none", func(t *testing.T) {
		s, m, reply := begin(t)
		c := s.converges()
		wantMessages(t, root(t, c), m)
		wantState(t, root(t, c), true, Office, time.Time{})
		if !slices.Equal(c.Waiting, []care.EventID{reply.ID}) {
			t.Fatalf("%s", c.DumpOffice())
		}
	})
	for name, body := range map[string]func(reply *event.Event) event.VouchBody{
		"by id": func(e *event.Event) event.VouchBody {
			return event.VouchBody{Key: lee.key, IDs: []care.EventID{e.ID}}
		},
		"by bytes": func(e *event.Event) event.VouchBody {
			return event.VouchBody{Key: lee.key, Events: []event.Signed{{Event: e.Raw, Signature: make([]byte, 64)}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, m, reply := begin(t)
			v := s.write(agent, after(m), body(reply))
			c := s.converges()
			wantMessages(t, root(t, c), m, reply)
			wantState(t, root(t, c), true, Member, time.Time{})
			if p := root(t, c); len(c.Waiting) != 0 || p.Messages[1].Role != care.RolePhysician || !slices.Contains(c.AllHeads, v.ID) || slices.Contains(c.Heads, v.ID) {
				t.Fatalf("%s", c.DumpOffice())
			}
		})
	}
	for name, write := range map[string]func(s *story, reply *event.Event){
		"for another key": func(s *story, reply *event.Event) {
			s.write(agent, nil, event.VouchBody{Key: rosa.key, IDs: []care.EventID{reply.ID}})
		},
		"for another event": func(s *story, reply *event.Event) {
			s.write(agent, nil, event.VouchBody{Key: lee.key, IDs: []care.EventID{{1}}})
		},
		"by a nurse": func(s *story, reply *event.Event) {
			s.write(rosa, nil, event.VouchBody{Key: lee.key, IDs: []care.EventID{reply.ID}})
		},
		"by the revoked key itself": func(s *story, reply *event.Event) {
			s.auth[lee.key] = Standing{Verdict: Waiting, Withdrawn: true, Role: care.RoleAdministrator}
			s.write(lee, nil, event.VouchBody{Key: lee.key, IDs: []care.EventID{reply.ID}})
		},
		"bytes without a key": func(s *story, reply *event.Event) {
			s.write(agent, nil, event.VouchBody{Events: []event.Signed{{Event: reply.Raw, Signature: make([]byte, 64)}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, m, reply := begin(t)
			write(s, reply)
			c := s.converges()
			wantMessages(t, root(t, c), m)
			if !slices.Contains(c.Waiting, reply.ID) {
				t.Fatalf("%s", c.DumpOffice())
			}
		})
	}
	t.Run("a vouch that needs a vouch", func(t *testing.T) {
		s, m, reply := begin(t)
		s.auth[admin.key] = Standing{Verdict: Waiting, Withdrawn: true, Role: care.RoleAdministrator}
		v := s.write(admin, nil, event.VouchBody{Key: lee.key, IDs: []care.EventID{reply.ID}})
		s.write(agent, nil, event.VouchBody{Key: admin.key, IDs: []care.EventID{v.ID}})
		c := s.converges()
		wantMessages(t, root(t, c), m, reply)
		if len(c.Waiting) != 0 {
			t.Fatalf("%s", c.DumpOffice())
		}
	})
	t.Run("it gives no rights that the role has not", func(t *testing.T) {
		s, _, _ := begin(t)
		s.auth[juan.key] = Standing{Verdict: Waiting, Withdrawn: true, Role: care.RoleMember, Member: true}
		e := s.write(juan, nil, event.NoteBody{Text: "Pretend."})
		s.write(agent, nil, event.VouchBody{Key: juan.key, IDs: []care.EventID{e.ID}})
		if c := s.converges(); !slices.Contains(c.Refused, e.ID) || len(root(t, c).Notes) != 0 {
			t.Fatalf("%s", c.DumpOffice())
		}
	})
}
