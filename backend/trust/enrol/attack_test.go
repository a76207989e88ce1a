package enrol

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// answeredWith answers an invitation with a signing key of one's own choice, as a changed program can.
func (w *town) answeredWith(i Invited, key ed25519.PrivateKey) (directory.Document, vault.Secrets) {
	w.Helper()
	open := must[*Invitation](w)(OpenInvitation(i.File, i.Code))
	_, secrets, err := open.Answer(w.options().Now())
	if err != nil {
		w.Fatal(err)
	}
	secrets.Device = key
	a := &directory.Answer{Head: directory.Head{Practice: open.Practice, At: directory.Time(w.options().Now())}, Invitation: open.ID,
		Key: key.Public().(ed25519.PublicKey), Sealing: must[seal.Secret](w)(seal.ParseSecret(secrets.DeviceSecret)).Public()}
	if len(secrets.Mailboxes) > 0 {
		public := must[seal.Secret](w)(seal.ParseSecret(secrets.Mailboxes[0].Secret)).Public()
		a.Mailbox = &public
	}
	a.Proof = prove(open.proof, a)
	return must[directory.Document](w)(directory.Sign(key, a)), secrets
}

// A nurse who is a patient too answers the invitation as a member with the key with which she writes as a nurse: the newer
// certificate of that key would say that it never was the nurse's, and all that she wrote would count no more, anywhere.
func TestAKeyIsCertifiedOnce(t *testing.T) {
	w := newTown(t)
	nurse, member := w.people["Rosa Delgado"].ID, w.members["Grace Kim"].Person.ID
	doc, own := w.answered(must[Invited](t)(w.Invite(t.Context(), nurse)))
	if err := w.Admit(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	key := seal.Fingerprint(own.Device.Public().(ed25519.PublicKey))
	invited := must[Invited](t)(w.Invite(t.Context(), member))
	again, secrets := w.answeredWith(invited, own.Device)
	for range 2 {
		if err := w.Admit(t.Context(), again); err != nil {
			t.Fatal(err)
		}
	}
	if g := w.grants(secrets); len(g) != 1 || g[0].Refused != directory.AnswerKey {
		t.Errorf("granted %+v", g)
	}
	if n := len(w.Devices(member)); n != 0 {
		t.Errorf("the member has %d devices", n)
	}
	if whose := must[*directory.Book](t)(w.Book()).StaffDevices(); len(whose) != 1 || whose[0].Key != key || whose[0].Person != nurse {
		t.Errorf("the key is %+v", whose)
	}
	// The invitation is still good for who has a key of their own.
	good, mine := w.answered(invited)
	if err := w.Admit(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if g := w.grants(mine); len(g) != 1 || g[0].Refused != "" || g[0].Person.ID != member {
		t.Errorf("granted %+v", g)
	}
}

// Whoever has file and code can answer as often as they like. Each refusal is written down and mailed, so there is an end to
// them.
func TestRefusalsHaveAnEnd(t *testing.T) {
	w := newTown(t)
	i := must[Invited](t)(w.Invite(t.Context(), w.members["Grace Kim"].Person.ID))
	first, mine := w.answered(i)
	if err := w.Admit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	known := 0
	for range mostRefused + 5 {
		doc, _ := w.answered(i)
		if w.Knows(doc) {
			known++
		}
		if err := w.Admit(t.Context(), doc); err != nil && care.KindOf(err) != care.Forbidden {
			t.Fatal(err)
		}
	}
	if known != mostRefused || len(w.state.Refused) != mostRefused {
		t.Errorf("%d of them are known, %d refused", known, len(w.state.Refused))
	}
	if !w.Knows(first) || w.Admit(t.Context(), first) != nil || len(w.grants(mine)) != 1 {
		t.Error("the answer that was taken in is not known any more")
	}
}

// giving is a mail system whose accounts are few: one that was not needed is given back.
type giving struct {
	*accounts
	boxes, logins int // left
	out           map[string]bool
}

func (g *giving) Mailbox(ctx context.Context, local string) (string, error) {
	if g.boxes == 0 {
		return "", care.Refusef(care.Invalid, "No mailbox is left.")
	}
	g.boxes--
	g.out[local] = true
	return g.accounts.Mailbox(ctx, local)
}

func (g *giving) Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error) {
	if g.logins == 0 {
		return care.MailLogin{}, care.Refusef(care.Invalid, "No login is left.")
	}
	l, err := g.accounts.Login(ctx, local, reader, owner)
	g.logins--
	g.out[l.User] = true
	return l, err
}

func (g *giving) GiveBack(_ context.Context, boxes, logins []string) error {
	for _, b := range boxes {
		if g.out[b] {
			g.boxes++
			delete(g.out, b)
			delete(g.accounts.boxes, b)
		}
	}
	for _, l := range logins {
		if g.out[l] {
			g.logins++
			delete(g.out, l)
		}
	}
	return nil
}

// What was handed out for something that then failed is not lost: an answer that cannot be taken in yet is tried again each
// minute, and would use the mail system up.
func TestWhatFailsCostsNoAccounts(t *testing.T) {
	w := newTown(t)
	g := &giving{w.accounts, 2, 0, map[string]bool{}}
	w.Registrar.options.Accounts = g
	g.logins = 1
	doc, secrets := w.answered(must[Invited](t)(w.Invite(t.Context(), w.people["Rosa Delgado"].ID))) // reads three offices
	g.logins = 2
	for range 5 {
		if err := w.Admit(t.Context(), doc); care.KindOf(err) != care.Invalid {
			t.Fatalf("it was taken in: %v", err)
		}
		if g.logins != 2 {
			t.Fatalf("%d logins are left", g.logins)
		}
	}
	g.logins = 3
	if err := w.Admit(t.Context(), doc); err != nil || len(w.grants(secrets)) != 1 || g.logins != 0 {
		t.Errorf("%v, %d logins are left", err, g.logins)
	}
	some := []Newcomer{}
	for _, mrn := range []string{"901", "902", "903"} {
		some = append(some, Newcomer{Patient: care.Patient{Name: "Max Frei", Born: "1980-01-01", MRN: mrn}})
	}
	for range 3 {
		if err := w.AddMembers(t.Context(), some); err == nil || g.boxes != 2 {
			t.Fatalf("%v, %d mailboxes are left", err, g.boxes)
		}
	}
	if err := w.AddMembers(t.Context(), some[:2]); err != nil || g.boxes != 0 {
		t.Errorf("%v, %d mailboxes are left", err, g.boxes)
	}
}

// Of a change to a patient's page all is made or nothing: what is refused is not recorded as a change.
func TestPatientAndOfficesChangeTogether(t *testing.T) {
	w := newTown(t)
	m := w.members["Marisol Vega"]
	had := must[*directory.Book](t)(w.Book()).Relations(m.Patient.ID)
	p := m.Patient
	p.MRN = w.members["Grace Kim"].Patient.MRN
	to := []care.Relation{{Office: w.offices["Haddad"].ID, Why: "seen"}}
	if err := w.SetPatient(t.Context(), p, to); care.KindOf(err) != care.Conflict {
		t.Fatal(err)
	}
	if now := must[*directory.Book](t)(w.Book()).Relations(m.Patient.ID); !slices.Equal(now, had) {
		t.Errorf("refused, and the offices are %v", now)
	}
	p.MRN, p.Name = m.Patient.MRN, "Marisol Vega-Ruiz"
	if err := w.SetPatient(t.Context(), p, []care.Relation{{Office: "of_nowhere"}}); care.KindOf(err) != care.Invalid {
		t.Fatal(err)
	}
	if now, _ := must[*directory.Book](t)(w.Book()).Patient(m.Patient.ID); now.Name != m.Patient.Name {
		t.Errorf("refused, and the name is %q", now.Name)
	}
	if err := w.SetPatient(t.Context(), p, to); err != nil {
		t.Fatal(err)
	}
	b := must[*directory.Book](t)(w.Book())
	if now, _ := b.Patient(m.Patient.ID); now.Name != p.Name || !slices.Equal(b.Relations(m.Patient.ID), to) {
		t.Errorf("%+v, %v", now, b.Relations(m.Patient.ID))
	}
}

// Names go into documents, letters, terminals and printed sheets. One that is longer than a letter would keep every list from
// going out.
func TestOddNames(t *testing.T) {
	w := newTown(t)
	lee := w.offices["Lee"]
	practice := w.Practice()
	for what, odd := range map[string]string{"a line break": "Ana\nLee", "an escape": "Ana\x1b[2J", "turned around": "Ana \u202eeeL", "an isolate": "\u2066Ana",
		"a separator": "Ana\u2028Lee", "a nul": "Ana\x00", "half a table": strings.Repeat("x", longest+1), "no text": "Ana\xff"} {
		for where, try := range map[string]func() error{
			"office":     func() error { _, err := w.AddOffice(t.Context(), care.Office{Name: odd}); return err },
			"the office": func() error { o := lee; o.Specialty = odd; _, err := w.SetOffice(t.Context(), o); return err },
			"person": func() error {
				_, err := w.AddPerson(t.Context(), care.Person{Name: odd, Role: care.RoleNurse}, nil)
				return err
			},
			"the person": func() error {
				p := w.people["Rosa Delgado"]
				p.Shown = odd
				return w.SetPerson(t.Context(), p, []care.OfficeID{lee.ID})
			},
			"member": func() error {
				_, err := w.AddMember(t.Context(), care.Patient{Name: odd, Born: "1980-01-01", MRN: "77"}, nil)
				return err
			},
			"a newcomer": func() error {
				return w.CheckNewcomer(Newcomer{Patient: care.Patient{Name: "Max", Born: "1980-01-01", MRN: odd}})
			},
			"practice": func() error {
				return w.ChangePractice(t.Context(), func(p *care.Practice) error { p.FrontDesk = odd; return nil })
			},
			"holiday": func() error {
				c := practice.Calendar
				c.Holidays = []care.Holiday{{Date: "2026-12-24", Name: odd}}
				return w.SetCalendar(t.Context(), c)
			},
			"invitation": func() error {
				i := Invitation{ID: care.NewID("iv"), Practice: practice.ID, Root: w.Pin().Root, Name: odd,
					Login: care.MailLogin{User: "x", Mailbox: lee.Mailbox}, ToKey: w.state.Mailboxes[lee.Mailbox].Key}
				return i.check()
			},
		} {
			if err := try(); care.KindOf(err) != care.Invalid {
				t.Errorf("%s, %s: %v", where, what, err)
			}
		}
	}
	for _, good := range []string{"Nguyễn Thị Minh Anh", "محمد علی\u200cرضا", "O’Brien–Núñez, Jr. <3", "李小龍", "=SUM(A1)"} {
		if _, err := w.AddPerson(t.Context(), care.Person{Name: good, Role: care.RoleNurse}, nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// FuzzInvitation gives invitations of a stranger's making, with their code, to whoever opens them: nothing panics, what is taken
// can be answered.
func FuzzInvitation(f *testing.F) {
	key, err := seal.NewSecret()
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(Invitation{V: 1, ID: care.NewID("iv"), Practice: care.PracticeID(care.NewID("pr")), Root: care.KeyID{1}, Clinic: "Alder", Name: "Rosa D.",
		Role: care.RoleMember, Born: "1980-03-04", Login: care.MailLogin{User: "u", Mailbox: care.MailboxID(care.NewID("mb"))}, To: "a@mail.test", ToKey: key.Public()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":1}`))
	code := newCode()
	f.Fuzz(func(t *testing.T, content []byte) {
		file, box, err := vault.Pack(quick, code, content)
		if err != nil {
			return // too large for a box
		}
		defer box.Close()
		i, err := OpenInvitation(file, ShowCode(code))
		if err != nil {
			if i != nil || care.KindOf(err) != care.Invalid {
				t.Fatal(err)
			}
			return
		}
		_, _, _ = i.CheckBorn(""), i.CheckTime(i.Expires), i.Pin()
		d, secrets, err := i.Answer(i.Made)
		if err != nil {
			return
		}
		secrets.Wipe()
		if a, err := directory.ReadAnswer(d); err != nil || !proved(i.proof, a) {
			t.Fatal(err)
		}
	})
}
