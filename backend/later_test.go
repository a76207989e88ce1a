package backend

import (
	"testing"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
)

// clinic is a practice whose administrator's computer runs, and whose people enrol by invitation, each at a computer of their own.
type clinic struct {
	t   *testing.T
	sys *posttest.System
	reg *Registrar
}

func newClinic(t *testing.T, sys *posttest.System) *clinic {
	t.Helper()
	front := computer(t, sys)
	founded, err := front.Found(t.Context(), Founding{Practice: ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden",
		Name: "Priya Nair", Label: "Priya", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	priya, err := front.SignIn(t.Context(), founded.Profile, good)
	if err != nil {
		t.Fatal(err)
	}
	return &clinic{t, sys, priya.Registrar()}
}

func (c *clinic) office(name string) care.Office {
	c.t.Helper()
	o, err := c.reg.AddOffice(c.t.Context(), care.Office{Name: name})
	if err != nil {
		c.t.Fatal(err)
	}
	c.reg.Kick()
	return o
}

func (c *clinic) person(name string, role care.Role, offices ...care.OfficeID) care.Person {
	c.t.Helper()
	p, err := c.reg.AddPerson(c.t.Context(), care.Person{Name: name, Role: role}, offices)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// enrols makes an invitation and takes it up at another computer.
func (c *clinic) enrols(who care.PersonID, born string) (*Backend, string, *Profile) {
	c.t.Helper()
	i, err := c.reg.Invite(c.t.Context(), who)
	if err != nil {
		c.t.Fatal(err)
	}
	home := computer(c.t, c.sys)
	id, err := home.Enrol(Enrolment{File: i.File, Code: i.Code, Born: born, Label: "Somebody", Passphrase: good})
	if err != nil {
		c.t.Fatal(err)
	}
	until(c.t, "somebody is taken in", func() bool {
		now, err := home.Enrolling(id)
		return err == nil && now.Step == EnrolDone
	})
	p, err := home.Enter(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return home, id, p
}

// sends has a text sent at once.
func (c *clinic) sends(p *Profile, d draft.Draft) care.EventID {
	c.t.Helper()
	saved, err := p.Desk().SaveDraft(c.t.Context(), d)
	if err != nil {
		c.t.Fatal(err)
	}
	verb := p.Desk().SendMessage
	if d.What == command.DraftReply {
		verb = p.Desk().SendReply
	}
	if _, err := verb(c.t.Context(), saved.ID); err != nil {
		c.t.Fatal(err)
	}
	if err := p.Desk().SendNow(c.t.Context(), saved.ID); err != nil {
		c.t.Fatal(err)
	}
	until(c.t, "the text went out", func() bool {
		n, err := p.Waiting(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		return n == 0
	})
	now, err := p.Desk().Sending(c.t.Context(), saved.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return now.Part
}

func (c *clinic) reads(p *Profile, part care.EventID, n int) func() bool {
	return func() bool {
		th, err := p.Views().Thread(c.t.Context(), part)
		return err == nil && len(th.Items) == n
	}
}

// The agent and a nurse are enrolled and their computers run. Then an office is added, the nurse comes to it, and a member
// writes to it: the agent confirms, the nurse answers, neither has done anything for it. Then the nurse leaves the office
// that they had: what was answered there stays, and they read there no more; at the next sign-in everything is as it was.
func TestAnOfficeIsAddedLater(t *testing.T) { posttest.Each(t, testAnOfficeIsAddedLater) }

func testAnOfficeIsAddedLater(t *testing.T, sys *posttest.System) {
	ctx := t.Context()
	c := newClinic(t, sys)
	lee := c.office("Dr. Lee's office")
	bot := c.person("Agent", care.RoleAgent)
	rosa := c.person("Rosa Delgado", care.RoleNurse, lee.ID)
	ana := c.person("Ana Lee", care.RolePhysician, lee.ID)
	_, _, agent := c.enrols(bot.ID, "")
	home, id, nurse := c.enrols(rosa.ID, "")
	_, _, doctor := c.enrols(ana.ID, "")

	novak := c.office("Dr. Novak's office")
	if err := c.reg.SetPerson(ctx, rosa, []care.OfficeID{lee.ID, novak.ID}); err != nil {
		t.Fatal(err)
	}
	marisol, err := c.reg.AddMember(ctx, care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "4821 0739"},
		[]care.Relation{{Office: lee.ID, Why: "primary"}, {Office: novak.ID, Why: "seen"}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, member := c.enrols(marisol.Person.ID, "1980-03-04")
	delivered := func(subject string) func() bool {
		return func() bool {
			rows, err := member.Views().Center(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if string(r.Subject) == subject && !r.Due.IsZero() {
					return true
				}
			}
			return false
		}
	}
	there := c.sends(member, draft.Draft{What: command.DraftNew, Office: novak.ID, Subject: "To the new one", Text: "Hello."})
	until(t, "the agent, which was there before the office, confirms", delivered("To the new one"))
	until(t, "the nurse reads it", c.reads(nurse, there, 1))
	c.sends(nurse, draft.Draft{What: command.DraftReply, Part: there, Text: "Hello, from the new office."})
	until(t, "the member reads the answer", c.reads(member, there, 2))
	until(t, "the agent does", c.reads(agent, there, 2))

	here := c.sends(member, draft.Draft{What: command.DraftNew, Office: lee.ID, Subject: "To the old one", Text: "Hello."})
	until(t, "it is confirmed", delivered("To the old one"))
	until(t, "the nurse reads it", c.reads(nurse, here, 1))
	c.sends(nurse, draft.Draft{What: command.DraftReply, Part: here, Text: "Hello, from the old office."})
	until(t, "the agent has the answer", c.reads(agent, here, 2))
	until(t, "the physician has the answer", c.reads(doctor, here, 2))
	until(t, "the member has the answer", c.reads(member, here, 2)) // a text that crossed it would be asked about
	th, err := member.Views().Thread(ctx, here)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range th.Items { // and so would one that crossed its confirmation, had they not read it
		if err := member.Desk().MarkRead(ctx, here, item.ID); err != nil {
			t.Fatal(err)
		}
	}

	if err := c.reg.SetPerson(ctx, rosa, []care.OfficeID{novak.ID}); err != nil {
		t.Fatal(err)
	}
	c.reg.Kick()
	until(t, "the nurse's computer reads the one office", func() bool {
		boxes := nurse.Replica().Mailboxes()
		return len(boxes) == 1 && boxes[0] == novak.Mailbox
	})
	until(t, "the physician knows", func() bool { return len(doctor.Desk().Directory().OfficesOf(rosa.ID)) == 1 })
	until(t, "what the nurse had written there is confirmed", c.reads(doctor, here, 2))
	until(t, "the member knows", func() bool { return len(member.Desk().Directory().OfficesOf(rosa.ID)) == 1 })
	until(t, "and has that confirmed", c.reads(member, here, 2))
	c.sends(member, draft.Draft{What: command.DraftReply, Part: here, Text: "Are you there?"})
	until(t, "the physician reads on", c.reads(doctor, here, 3))
	c.sends(member, draft.Draft{What: command.DraftReply, Part: there, Text: "And you?"})
	until(t, "the nurse reads on in the other", c.reads(nurse, there, 3))
	until(t, "nothing is amiss on the nurse's computer", func() bool { return nurse.Sync().Phase == care.SyncUpToDate })
	if c.reads(nurse, here, 3)() {
		t.Error("the nurse reads on in the office that they left")
	}

	home.Leave(nurse)
	nurse, err = home.SignIn(ctx, id, good)
	if err != nil {
		t.Fatal(err)
	}
	c.sends(member, draft.Draft{What: command.DraftReply, Part: there, Text: "Still?"})
	until(t, "the nurse reads on after the next sign-in", c.reads(nurse, there, 4))
	until(t, "nothing is amiss", func() bool { return nurse.Sync().Phase == care.SyncUpToDate })
	if _, rows, err := nurse.Views().Queue(ctx, "all", ""); err != nil || len(rows) == 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if err := c.reg.Problem(); err != nil {
		t.Error(err)
	}
}
