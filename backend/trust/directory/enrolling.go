package directory

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// Kinds of documents that go between a registrar and one device. They are in no book.
const (
	KindAnswer = "answer" // to an invitation, to the practice's mailbox
	KindGrant  = "grant"  // to one device, sealed to its own key
)

// Answer is what somebody who opened an invitation asks to be certified. Its signer is the new device itself: that
// whoever made it knew the invitation's code says Proof.
type Answer struct {
	Head
	Invitation string       `json:"invitation"`
	Key        []byte       `json:"key"`               // the device's Ed25519 public key
	Sealing    seal.Public  `json:"sealing"`           // to which grants are sealed
	Mailbox    *seal.Public `json:"mailbox,omitempty"` // of a member: the new key of their mailbox
	Proof      []byte       `json:"proof"`             // HMAC-SHA-256 of Proved under the key that the code gives
}

// Proved is what an answer's proof covers: all that would be certified. JSON keeps its parts apart.
func (a *Answer) Proved() string {
	box := seal.Public{}
	if a.Mailbox != nil {
		box = *a.Mailbox
	}
	return fmt.Sprintf("postern.answer.v1\n%s\n%s\n%x\n%s %s\n%s %s\n", a.Practice, a.Invitation, a.Key,
		a.Sealing.ID, a.Sealing.Recipient, box.ID, box.Recipient)
}

// Grant is what a device gets: who its person is, the keys of the mailboxes that they read, and the logins.
type Grant struct {
	Head
	Chain      []SignedCert     `json:"chain"` // the registrars' certificates
	Device     care.KeyID       `json:"device"`
	Invitation string           `json:"invitation,omitempty"` // that it answers; empty: what came later
	Refused    string           `json:"refused,omitempty"`    // why the answer is refused, one of the words below; then nothing else is in it
	Person     care.Person      `json:"person"`
	Patient    care.PatientID   `json:"patient,omitempty"`
	Mailboxes  []GrantedMailbox `json:"mailboxes,omitempty"`
	Logins     []care.MailLogin `json:"logins,omitempty"`
	Documents  []Carried        `json:"documents,omitempty"` // to begin with
}

// Why an answer is refused.
const (
	AnswerUsed      = "used"      // somebody answered before
	AnswerExpired   = "expired"   // it came too late
	AnswerWithdrawn = "withdrawn" // the invitation was taken back
	AnswerKey       = "key"       // its key is a device's already

	DeviceRevoked = "revoked" // of no answer: the device that it names was withdrawn
)

// GrantedMailbox is one generation of a mailbox's key.
type GrantedMailbox struct {
	Mailbox    care.MailboxID `json:"mailbox"`
	Generation int            `json:"generation"`
	Secret     string         `json:"secret"`
}

// Carried is a document within a grant.
type Carried struct {
	Bytes     []byte `json:"bytes"`
	Signature []byte `json:"signature"`
}

// Carry gives a document as a grant carries it.
func (d Document) Carry() Carried { return Carried{d.Bytes, d.Signature} }

// Document is the carried document; its kind is read from its bytes when it is opened.
func (c Carried) Document() Document { return Document{Bytes: c.Bytes, Signature: c.Signature} }

func (a *Answer) check() error {
	switch {
	case !care.ValidID("iv", a.Invitation):
		return fmt.Errorf("invitation %q is not an id", a.Invitation)
	case len(a.Key) != ed25519.PublicKeySize || seal.Fingerprint(a.Key) != a.Signer:
		return errors.New("it is not signed by the key that it brings")
	case len(a.Proof) != 32:
		return fmt.Errorf("a proof of %d bytes", len(a.Proof))
	}
	if a.Mailbox != nil {
		if err := a.Mailbox.Check(); err != nil {
			return err
		}
	}
	return a.Sealing.Check()
}

func (g *Grant) check() error {
	switch {
	case g.Device.IsZero():
		return errors.New("it names no device")
	case g.Invitation != "" && !care.ValidID("iv", g.Invitation):
		return fmt.Errorf("invitation %q is not an id", g.Invitation)
	case g.Refused != "":
		if len(g.Mailboxes)+len(g.Logins)+len(g.Documents) > 0 || g.Person.ID != "" {
			return errors.New("it refuses and gives")
		}
		return nil
	case !care.ValidID("ps", string(g.Person.ID)):
		return fmt.Errorf("person %q is not an id", g.Person.ID)
	case g.Person.Role != care.RoleMember && !g.Person.Role.Staff():
		return fmt.Errorf("role %q is not known", g.Person.Role)
	case g.Patient != "" && !care.ValidID("pt", string(g.Patient)):
		return fmt.Errorf("patient %q is not an id", g.Patient)
	}
	for _, m := range g.Mailboxes {
		if !care.ValidID("mb", string(m.Mailbox)) || m.Generation < 1 {
			return fmt.Errorf("mailbox %q: no id, or no generation", m.Mailbox)
		}
		if _, err := seal.ParseSecret(m.Secret); err != nil {
			return err
		}
	}
	for _, l := range g.Logins {
		if !care.ValidID("mb", string(l.Mailbox)) || l.User == "" {
			return errors.New("a login without mailbox or name")
		}
	}
	return nil
}

// ReadAnswer opens an answer and verifies that the device which it brings signed it. Whether its proof holds is for who
// made the invitation.
func ReadAnswer(d Document) (*Answer, error) {
	b, err := open(&d)
	if err != nil {
		return nil, err
	}
	a, ok := b.(*Answer)
	if !ok || !seal.Verify(a.Key, seal.LabelInvite, d.Bytes, d.Signature) {
		return nil, errors.New("no answer, or its signature does not hold")
	}
	return a, nil
}

// ReadGrant opens a grant that a registrar of this practice signed.
func (b *Book) ReadGrant(d Document) (*Grant, error) {
	body, err := open(&d)
	if err != nil {
		return nil, err
	}
	g, ok := body.(*Grant)
	if !ok {
		return nil, fmt.Errorf("a %s in a grant's place", d.Kind)
	}
	if err := b.verify(d, body); err != nil {
		return nil, err
	}
	return g, nil
}

// OpenGrant opens a grant by the documents that it carries: the book of a profile that has none yet. Who signed it must
// lead to the pinned root.
func OpenGrant(pin Pin, d Document) (*Grant, *Book, error) {
	body, err := open(&d)
	if err != nil {
		return nil, nil, err
	}
	g, ok := body.(*Grant)
	if !ok {
		return nil, nil, fmt.Errorf("a %s in a grant's place", d.Kind)
	}
	docs := make([]Document, len(g.Chain))
	for i, c := range g.Chain {
		docs[i] = c.document()
	}
	for _, c := range g.Documents {
		docs = append(docs, c.Document())
	}
	book, _, err := NewBook(pin).With(docs...)
	if err != nil {
		return nil, nil, err
	}
	return g, book, book.verify(d, body)
}

// Between reports whether a document goes between a registrar and one device.
func (d Document) Between() bool { return d.Kind == KindAnswer || d.Kind == KindGrant }
