package directory

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// goldenDocument reads a document of testdata/v1, and checks that it is still written as it was.
func goldenDocument(t *testing.T, name string) (Document, body) {
	t.Helper()
	dir := filepath.Join("testdata", "v1")
	raw, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(filepath.Join(dir, name+".sig"))
	if err != nil {
		t.Fatal(err)
	}
	d := Document{Bytes: raw, Signature: sig}
	b, err := open(&d)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if again, err := json.Marshal(b); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("%s is written otherwise now:\n%s\n%s", name, raw, again)
	}
	return d, b
}

// goldenProof is the key of the proof of the answer in testdata/v1.
var goldenProof = bytes.Repeat([]byte{7}, sha256.Size)

const goldenInvitation = "iv_aaaaaaaaaaaaaaaa"

// What goes between a registrar and one device, as the first version wrote it: an answer to an invitation; a grant that
// answers it, one that comes later, a refusal; and the certificate of a device whose person has left an office.
func TestEnrollingOfTheFirstVersion(t *testing.T) {
	c := newClinic(t)
	device := seeded(61)
	if *update {
		writeEnrolling(t, c)
	}
	d, b := goldenDocument(t, "answer")
	a, err := ReadAnswer(d)
	if err != nil || b.(*Answer).Signer != keyID(device) {
		t.Fatalf("the answer: %v", err)
	}
	proof := hmac.New(sha256.New, goldenProof)
	proof.Write([]byte(a.Proved()))
	if a.Invitation != goldenInvitation || a.Mailbox == nil || !bytes.Equal(a.Key, public(device)) || !hmac.Equal(proof.Sum(nil), a.Proof) {
		t.Errorf("%+v", a)
	}

	d, _ = goldenDocument(t, "grant")
	g, book, err := OpenGrant(c.pin(), d)
	if err != nil {
		t.Fatal(err)
	}
	if g.Device != keyID(device) || g.Invitation != goldenInvitation || g.Person.ID != rosa || g.Person.Role != care.RoleNurse ||
		len(g.Mailboxes) != 2 || g.Mailboxes[0].Generation != 1 || g.Mailboxes[1].Generation != 2 || g.Mailboxes[1].Mailbox != leeBox {
		t.Errorf("%+v", g)
	}
	for _, m := range g.Mailboxes {
		if _, err := seal.ParseSecret(m.Secret); err != nil {
			t.Error(err)
		}
	}
	if l := g.Logins; len(l) != 1 || l[0].Mailbox != leeBox || l[0].User != "u" || l[0].Password != "p" || l[0].IMAP.Port != 993 || l[0].SMTP.TLS != care.TLSStart {
		t.Errorf("%+v", g.Logins)
	}
	if book.Version() != 1 || book.Practice().ID != practiceID {
		t.Errorf("it brings version %d of %s", book.Version(), book.Practice().ID)
	}
	d, _ = goldenDocument(t, "grant-later")
	if g, err := book.ReadGrant(d); err != nil || g.Invitation != "" || len(g.Mailboxes) != 1 || g.Mailboxes[0].Mailbox != ramanBox || len(g.Documents) != 0 {
		t.Errorf("%+v, %v", g, err)
	}
	d, _ = goldenDocument(t, "grant-refused")
	if g, _, err := OpenGrant(c.pin(), d); err != nil || g.Refused != AnswerUsed || g.Device != keyID(device) {
		t.Errorf("%+v, %v", g, err)
	}

	d, b = goldenDocument(t, "device-moved")
	if f := b.(*Cert).Former; len(f) != 1 || f[0].Office != leeOffice || f[0].At != head().At {
		t.Errorf("%+v", f)
	}
	book = c.with(c.with(book, c.registrarCert()), d)
	if at, gone := book.WithdrawnFor(book.Withdrawn(), c.written(by(c, rosa))); gone {
		t.Errorf("another key's owner has left, %s", at)
	}
	if at := book.Withdrawn()[Withdrawal{keyID(device), leeOffice}]; Time(at) != head().At {
		t.Errorf("left %s", at)
	}
}

func writeEnrolling(t *testing.T, c *clinic) {
	t.Helper()
	device := seeded(61)
	secret := func() seal.Secret {
		s, err := seal.NewSecret()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	box := secret().Public()
	a := &Answer{Head: head(), Invitation: goldenInvitation, Key: public(device), Sealing: secret().Public(), Mailbox: &box}
	proof := hmac.New(sha256.New, goldenProof)
	proof.Write([]byte(a.Proved()))
	a.Proof = proof.Sum(nil)
	login := care.MailLogin{User: "u", Password: "p", Address: "u@mail.test", Mailbox: leeBox,
		SMTP: care.Endpoint{Host: "mail.test", Port: 587, TLS: care.TLSStart}, IMAP: care.Endpoint{Host: "mail.test", Port: 993, TLS: care.TLSImplicit}}
	person := care.Person{ID: rosa, Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Pronoun: "her", Role: care.RoleNurse}
	granted := func(id care.MailboxID, generation int) GrantedMailbox {
		return GrantedMailbox{Mailbox: id, Generation: generation, Secret: secret().Text()}
	}
	docs := map[string]Document{
		"answer": c.sign(device, a),
		"grant": c.sign(c.registrar, &Grant{Head: head(), Chain: c.chain, Device: keyID(device), Invitation: goldenInvitation, Person: person,
			Mailboxes: []GrantedMailbox{granted(leeBox, 1), granted(leeBox, 2)}, Logins: []care.MailLogin{login},
			Documents: []Carried{c.directory(1, "").Carry()}}),
		"grant-later": c.sign(c.registrar, &Grant{Head: head(), Chain: c.chain, Device: keyID(device), Person: person,
			Mailboxes: []GrantedMailbox{granted(ramanBox, 1)}}),
		"grant-refused": c.sign(c.registrar, &Grant{Head: head(), Chain: c.chain, Device: keyID(device), Invitation: goldenInvitation, Refused: AnswerUsed}),
		"device-moved": c.sign(c.registrar, &Cert{Head: head(), Serial: 9, For: ForDevice, Key: public(device), Person: rosa, Role: care.RoleNurse,
			Offices: []care.OfficeID{ramanOffice}, Former: []Former{{leeOffice, head().At}}, Sealing: &c.box}),
	}
	for name, d := range docs {
		for ext, b := range map[string][]byte{".json": d.Bytes, ".sig": d.Signature} {
			if err := os.WriteFile(filepath.Join("testdata", "v1", name+ext), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
