package backend

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// computer is one computer: a data folder, and a backend over a mail system that runs elsewhere.
func computer(t *testing.T, sys *posttest.System) *Backend {
	t.Helper()
	b := New(t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil)), nil)
	b.params = vault.Params{Time: 1, Memory: 64, Threads: 1}
	b.mail = func(context.Context, string) (enrol.Accounts, func() error, error) {
		return sys, func() error { return nil }, nil
	}
	t.Cleanup(b.Close)
	return b
}

// until looks again each time that something can have changed, and gives up after minutes: what is tried again after one must
// have had its turn, on a busy computer too.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(3 * time.Minute)
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatal("this did not come to be: " + what)
		}
	}
}

const good = "lantern orchard velvet canyon"

// A practice is made from nothing on one computer, and on others a nurse, the agent and a member enrol by invitation; the member
// writes, the clinic receives and answers. Then the member loses everything, and is invited again.
func TestFromAnEmptyFolder(t *testing.T) { posttest.Each(t, testFromAnEmptyFolder) }

func fieldOf(err error) string {
	var refusal *care.Error
	if errors.As(err, &refusal) {
		return refusal.Field
	}
	return ""
}

func testFromAnEmptyFolder(t *testing.T, sys *posttest.System) {
	fromAnEmptyFolder(t, func(t *testing.T) *Backend { return computer(t, sys) }, MailChoice{})
}

// fromAnEmptyFolder is the story, with a mail system of any kind. It gives the administrator and the member as they are at its end.
func fromAnEmptyFolder(t *testing.T, another func(*testing.T) *Backend, mail MailChoice) (priya, member *Profile) {
	t.Helper()
	ctx := t.Context()
	front := another(t)
	founded, err := front.Found(ctx, Founding{Practice: ExamplePlan().Practice, Mail: mail, RootPassphrase: "harbor violin maple sudden",
		Name: "Priya Nair", Label: "Priya", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(founded.RootFile, filepath.Join(t.TempDir(), "root.json")); err != nil { // it is taken away
		t.Fatal(err)
	}
	priya, err = front.SignIn(ctx, founded.Profile, good)
	if err != nil {
		t.Fatal(err)
	}
	reg := priya.Registrar()
	lee, err := reg.AddOffice(ctx, care.Office{Name: "Dr. Lee's office"})
	if err != nil {
		t.Fatal(err)
	}
	agent, err := reg.AddPerson(ctx, care.Person{Name: "Agent", Role: care.RoleAgent}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rosa, err := reg.AddPerson(ctx, care.Person{Name: "Rosa Delgado", Role: care.RoleNurse}, []care.OfficeID{lee.ID})
	if err != nil {
		t.Fatal(err)
	}
	marisol, err := reg.AddMember(ctx, care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "4821 0739"}, []care.Relation{{Office: lee.ID, Why: "primary"}})
	if err != nil {
		t.Fatal(err)
	}
	reg.Kick()
	in := func(who care.PersonID, born, label string) (*Backend, *Profile) {
		t.Helper()
		i, err := reg.Invite(ctx, who)
		if err != nil {
			t.Fatal(err)
		}
		home := another(t)
		for field, e := range map[string]Enrolment{
			"code":  {File: i.File, Code: "0000-0000-0000-0000", Born: born, Label: label, Passphrase: good},
			"file":  {File: []byte("{}"), Code: i.Code, Born: born, Label: label, Passphrase: good},
			"label": {File: i.File, Code: i.Code, Born: born, Passphrase: good},
			"new":   {File: i.File, Code: i.Code, Born: born, Label: label, Passphrase: "postern"},
		} {
			if _, err := home.Enrol(e); fieldOf(err) != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		id, err := home.Enrol(Enrolment{File: i.File, Code: i.Code, Born: born, Label: label, Passphrase: good})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := home.EnrolmentSheet(id); err != nil {
			t.Error(err)
		}
		until(t, label+" is taken in", func() bool {
			now, err := home.Enrolling(id)
			return err == nil && now.Step == EnrolDone
		})
		p, err := home.Enter(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return home, p
	}
	in(agent.ID, "", "The clinic's agent")
	_, nurse := in(rosa.ID, "", "Rosa")
	home, member := in(marisol.Person.ID, "1980-03-04", "Marisol")

	until(t, "the nurse knows the member", func() bool { return len(nurse.Desk().Directory().Readers(marisol.Patient.ID)) == 1 })
	d, err := member.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: lee.ID, Subject: "Knee pain", Text: "It hurts when I climb stairs."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Desk().SendMessage(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	if err := member.Desk().SendNow(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	var rows []view.Row
	until(t, "the message is in the nurse's inbox", func() bool {
		_, rows, err = nurse.Views().Queue(ctx, "unassigned", "")
		return err == nil && len(rows) == 1
	})
	until(t, "the member reads that it was delivered", func() bool {
		rows, err := member.Views().Center(ctx, "", "")
		return err == nil && len(rows) == 1 && !rows[0].Due.IsZero()
	})
	// The nurse answers.
	reply, err := nurse.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftReply, Part: rows[0].Part, Text: "Rest it for a week."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nurse.Desk().SendReply(ctx, reply.ID); err != nil {
		t.Fatal(err)
	}
	if err := nurse.Desk().SendNow(ctx, reply.ID); err != nil {
		t.Fatal(err)
	}
	reads := func(p *Profile, n int, wants func(m view.Thread) bool) func() bool {
		return func() bool {
			got, err := p.Views().Thread(ctx, rows[0].Part)
			return err == nil && len(got.Items) == n && wants(got)
		}
	}
	all := func(view.Thread) bool { return true }
	until(t, "the member reads the answer", reads(member, 2, all))

	// The member loses the computer, and is invited again: what was written is there, and stays with everybody else.
	home.Close()
	lost := reg.Devices(marisol.Person.ID)[0]
	_, member = in(marisol.Person.ID, "1980-03-04", "Marisol again")
	until(t, "the history is back", reads(member, 2, all))
	until(t, "the nurse knows of the lost key", func() bool { return nurse.replica.Books.Book().Revoked(lost) })
	until(t, "what the lost key wrote is confirmed", reads(nurse, 2, all))

	// The nurse is removed: what the member writes then, only the others can read; what the nurse wrote stays.
	if err := reg.Remove(ctx, rosa.ID); err != nil {
		t.Fatal(err)
	}
	reg.Kick()
	book := func() int { b := member.replica.Books.Book(); m, _ := b.Mailbox(lee.Mailbox); return m.Generation }
	until(t, "the member seals to the new key", func() bool { return book() == 2 })
	until(t, "the member still reads the answer", reads(member, 2, all))
	d, err = member.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: lee.ID, Subject: "Thanks", Text: "It is better."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Desk().SendMessage(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	if err := member.Desk().SendNow(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "the clinic has the second message", func() bool {
		rows, err := member.Views().Center(ctx, "", "")
		i := slices.IndexFunc(rows, func(r view.Row) bool { return r.Subject == "Thanks" })
		return err == nil && i >= 0 && !rows[i].Due.IsZero()
	})
	if _, rows, err := nurse.Views().Queue(ctx, "all", ""); err != nil || len(rows) != 1 {
		t.Errorf("the nurse who left sees %d conversations, %v", len(rows), err)
	}
	if err := reg.Problem(); err != nil {
		t.Error(err)
	}
	return priya, member
}
