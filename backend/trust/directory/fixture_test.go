package directory

import (
	"crypto/ed25519"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/trust/seal"
)

const (
	practiceID = care.PracticeID("pr_aaaaaaaaaaaaaaaa")
	otherID    = care.PracticeID("pr_bbbbbbbbbbbbbbbb")

	leeOffice, ramanOffice = care.OfficeID("of_aaaaaaaaaaaaaaaa"), care.OfficeID("of_bbbbbbbbbbbbbbbb")

	clinicBox, leeBox, ramanBox       = care.MailboxID("mb_aaaaaaaaaaaaaaaa"), care.MailboxID("mb_bbbbbbbbbbbbbbbb"), care.MailboxID("mb_cccccccccccccccc")
	marisolBox, dmitriBox, unknownBox = care.MailboxID("mb_dddddddddddddddd"), care.MailboxID("mb_eeeeeeeeeeeeeeee"), care.MailboxID("mb_ffffffffffffffff")

	lee, rosa, agent = care.PersonID("ps_aaaaaaaaaaaaaaaa"), care.PersonID("ps_bbbbbbbbbbbbbbbb"), care.PersonID("ps_cccccccccccccccc")
	marisol, dmitri  = care.PersonID("ps_dddddddddddddddd"), care.PersonID("ps_eeeeeeeeeeeeeeee")

	marisolPt, mateoPt, dmitriPt = care.PatientID("pt_aaaaaaaaaaaaaaaa"), care.PatientID("pt_bbbbbbbbbbbbbbbb"), care.PatientID("pt_cccccccccccccccc")
)

func seeded(b byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = b
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func keyID(k ed25519.PrivateKey) care.KeyID { return seal.Fingerprint(public(k)) }

// clinic is a practice of two offices: Dr. Lee and the nurse Rosa in the first; Marisol is Dr. Lee's patient and writes for
// her son Mateo too; Dmitri is a patient of both offices.
type clinic struct {
	t               testing.TB
	root, registrar ed25519.PrivateKey
	leeKey, rosaKey ed25519.PrivateKey
	agentKey        ed25519.PrivateKey
	marisolKey      ed25519.PrivateKey
	dmitriKey       ed25519.PrivateKey
	box             seal.Public
	serial          int
	chain           []SignedCert
}

var boxKey = func() seal.Public {
	s, err := seal.NewSecret()
	if err != nil {
		panic(err)
	}
	return s.Public()
}()

func newClinic(t testing.TB) *clinic {
	c := &clinic{t: t, root: seeded(1), registrar: seeded(2), leeKey: seeded(3), rosaKey: seeded(4), agentKey: seeded(5),
		marisolKey: seeded(6), dmitriKey: seeded(7), box: boxKey}
	c.chain = []SignedCert{c.registrarCert().Embed()}
	return c
}

func (c *clinic) pin() Pin { return Pin{practiceID, keyID(c.root)} }

func (c *clinic) sign(key ed25519.PrivateKey, b interface{ head() *Head }) Document {
	c.t.Helper()
	d, err := Sign(key, b)
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

func head() Head {
	return Head{Practice: practiceID, At: Time(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))}
}

func (c *clinic) registrarCert() Document {
	c.serial++
	return c.sign(c.root, &Cert{Head: head(), Serial: c.serial, For: ForRegistrar, Key: public(c.registrar), Root: public(c.root)})
}

func (c *clinic) cert(key ed25519.PrivateKey, who care.PersonID, role care.Role, offices ...care.OfficeID) Document {
	c.serial++
	return c.sign(c.registrar, &Cert{Head: head(), Serial: c.serial, For: ForDevice, Key: public(key), Person: who, Role: role, Offices: offices})
}

func (c *clinic) mailbox(id care.MailboxID) Mailbox {
	return Mailbox{ID: id, Address: string(id[3:]) + "@mail.test", Key: c.box, Generation: 1}
}

func (c *clinic) directory(version int, previous string, edit ...func(*Directory)) Document {
	d := &Directory{Head: head(), Chain: c.chain, Version: version, Previous: previous,
		Clinic: care.Practice{ID: practiceID, Name: "Alder Street Clinic", FrontDesk: "555 0100", Mailbox: clinicBox, Agent: agent,
			Calendar: care.Calendar{Zone: "America/New_York"}},
		Offices: []care.Office{
			{ID: leeOffice, Name: "Dr. Lee's office", Provider: lee, Mailbox: leeBox},
			{ID: ramanOffice, Name: "Dr. Raman's office", Mailbox: ramanBox}},
		Mailboxes: []Mailbox{c.mailbox(clinicBox), c.mailbox(leeBox), c.mailbox(ramanBox)},
		Staff: []Staff{
			{care.Person{ID: lee, Name: "Ana Lee", Role: care.RolePhysician}, []care.OfficeID{leeOffice}},
			{care.Person{ID: rosa, Name: "Rosa Delgado", Role: care.RoleNurse}, []care.OfficeID{leeOffice}},
			{care.Person{ID: agent, Name: "Agent", Role: care.RoleAgent}, nil}},
		Certs: []SignedCert{
			c.cert(c.leeKey, lee, care.RolePhysician, leeOffice).Embed(),
			c.cert(c.rosaKey, rosa, care.RoleNurse, leeOffice).Embed(),
			c.cert(c.agentKey, agent, care.RoleAgent).Embed()},
	}
	for _, e := range edit {
		e(d)
	}
	return c.sign(c.registrar, d)
}

func (c *clinic) reader(who care.PersonID, name string, box care.MailboxID, self bool) Reader {
	return Reader{Person: care.Person{ID: who, Name: name, Role: care.RoleMember}, Self: self, Mailbox: c.mailbox(box)}
}

func (c *clinic) rosterOfMarisol(rev int, edit ...func(*Roster)) Document {
	r := &Roster{Head: head(), Chain: c.chain, Rev: rev,
		Patient:   care.Patient{ID: marisolPt, Name: "Marisol Vega", Born: "1984-03-02", MRN: "4471 9082", PCP: leeOffice, Mailbox: marisolBox},
		Relations: []care.Relation{{Office: leeOffice, Why: "primary"}},
		Readers:   []Reader{c.reader(marisol, "Marisol Vega", marisolBox, true)},
		Certs:     []SignedCert{c.cert(c.marisolKey, marisol, care.RoleMember).Embed()}}
	for _, e := range edit {
		e(r)
	}
	return c.sign(c.registrar, r)
}

func (c *clinic) rosterOfMateo(rev int, edit ...func(*Roster)) Document {
	return c.rosterOfMarisol(rev, append([]func(*Roster){func(r *Roster) {
		r.Patient = care.Patient{ID: mateoPt, Name: "Mateo Vega", Born: "2017-05-09", MRN: "5510 2846"}
		r.Readers = []Reader{c.reader(marisol, "Marisol Vega", marisolBox, false)}
	}}, edit...)...)
}

func (c *clinic) rosterOfDmitri(rev int) Document {
	return c.rosterOfMarisol(rev, func(r *Roster) {
		r.Patient = care.Patient{ID: dmitriPt, Name: "Dmitri Volkov", Born: "1950-01-01", MRN: "1", Mailbox: dmitriBox}
		r.Relations = []care.Relation{{Office: ramanOffice, Why: "primary"}, {Office: leeOffice, Why: "seen", Seen: "2026-09-01"}}
		r.Readers = []Reader{c.reader(dmitri, "Dmitri Volkov", dmitriBox, true)}
		r.Certs = []SignedCert{c.cert(c.dmitriKey, dmitri, care.RoleMember).Embed()}
	})
}

func (c *clinic) careListOfMarisol(rev int) Document {
	return c.sign(c.registrar, &CareList{Head: head(), Chain: c.chain, Rev: rev, Person: marisol,
		Certs: []SignedCert{c.cert(c.marisolKey, marisol, care.RoleMember).Embed()},
		Patients: []CarePatient{
			{Patient: care.Patient{ID: marisolPt, Name: "Marisol Vega", Mailbox: marisolBox},
				Relations: []care.Relation{{Office: leeOffice, Why: "primary"}},
				Readers:   []Reader{c.reader(marisol, "Marisol Vega", marisolBox, true)}},
			{Patient: care.Patient{ID: mateoPt, Name: "Mateo Vega"},
				Relations: []care.Relation{{Office: leeOffice, Why: "primary"}},
				Readers:   []Reader{c.reader(marisol, "Marisol Vega", marisolBox, false)}}}})
}

func (c *clinic) with(b *Book, docs ...Document) *Book {
	c.t.Helper()
	next, _, err := b.With(docs...)
	if err != nil {
		c.t.Fatal(err)
	}
	return next
}

func (c *clinic) whole() *Book {
	return c.with(NewBook(c.pin()), c.directory(1, ""), c.rosterOfMarisol(1), c.rosterOfMateo(1), c.rosterOfDmitri(1))
}

// written is an event as a member writes it to Dr. Lee's office; the edits vary it.
func (c *clinic) written(edit ...func(*event.Event)) *event.Event {
	e := &event.Event{V: 1, Practice: practiceID, Kind: event.Sent, Author: keyID(c.marisolKey), As: marisol, For: marisolPt,
		To: []care.MailboxID{leeBox, marisolBox}, Dir: 1}
	for _, f := range edit {
		f(e)
	}
	return e
}
