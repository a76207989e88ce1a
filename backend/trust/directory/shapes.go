package directory

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// What a certificate is for.
const (
	ForRegistrar = "registrar" // signs documents and certificates; signed by the root
	ForDevice    = "device"    // signs events; signed by a registrar
)

// Cert says whose a signing key is. A changed role is a new certificate for a new key; other offices are a newer certificate
// for the same one.
type Cert struct {
	Head
	Serial  int             `json:"serial"` // rises within the practice
	For     string          `json:"for"`
	Key     []byte          `json:"key"`               // the Ed25519 public key, base64
	Root    []byte          `json:"root,omitempty"`    // of a registrar: the root's public key, whose fingerprint is pinned
	Person  care.PersonID   `json:"person,omitempty"`  // of a device
	Role    care.Role       `json:"role,omitempty"`    // of a device
	Offices []care.OfficeID `json:"offices,omitempty"` // of a device of staff: the offices that it writes for
	Former  []Former        `json:"former,omitempty"`  // and those for which it once did
	Sealing *seal.Public    `json:"sealing,omitempty"` // of a device: its own key, to which grants are sealed
}

// Former is an office for which a device writes no more, and since when.
type Former struct {
	Office care.OfficeID `json:"office"`
	At     string        `json:"at"`
}

// SignedCert is a certificate within another document.
type SignedCert struct {
	Cert      []byte `json:"cert"` // the bytes of the certificate, base64
	Signature []byte `json:"signature"`
}

// Embed gives a certificate as other documents carry it.
func (d Document) Embed() SignedCert { return SignedCert{Cert: d.Bytes, Signature: d.Signature} }

func (c SignedCert) document() Document {
	return Document{Kind: KindCert, Bytes: c.Cert, Signature: c.Signature}
}

// ReadCert reads a certificate. Who signed it is not asked.
func ReadCert(s SignedCert) (*Cert, error) {
	b, err := parse(s.Cert)
	if err != nil {
		return nil, err
	}
	c, ok := b.(*Cert)
	if !ok {
		return nil, fmt.Errorf("a %s in a certificate's place", b.head().Doc)
	}
	return c, nil
}

// KeyID is the fingerprint of the key that a certificate is about.
func (c *Cert) KeyID() care.KeyID { return seal.Fingerprint(c.Key) }

// Directory is the practice as everybody in it may know it. It names no member.
type Directory struct {
	Head
	Chain     []SignedCert  `json:"chain"` // the registrars' certificates
	Version   int           `json:"version"`
	Previous  string        `json:"previous,omitempty"` // hash of the version before
	Clinic    care.Practice `json:"clinic"`
	Offices   []care.Office `json:"offices"`
	Mailboxes []Mailbox     `json:"mailboxes"` // the practice's and the offices'
	Staff     []Staff       `json:"staff"`     // former staff too, without offices: what they wrote keeps their name
	Certs     []SignedCert  `json:"certs"`     // of the devices of staff and agent
	Revoked   []Revoked     `json:"revoked"`
}

// Mailbox is where letters go, and the key to which they are sealed.
type Mailbox struct {
	ID         care.MailboxID `json:"id"`
	Address    string         `json:"address"`
	Key        seal.Public    `json:"key"`
	Generation int            `json:"generation"`
	Older      []care.KeyID   `json:"older,omitempty"` // fingerprints of the generations before
}

// Staff is a person of the practice with the offices that they belong to.
type Staff struct {
	care.Person
	Offices []care.OfficeID `json:"offices"`
}

// Revoked is a device's key that counts no more.
type Revoked struct {
	Key care.KeyID `json:"key"`
	At  string     `json:"at"`
}

// Roster is what the offices of a patient know of them.
type Roster struct {
	Head
	Chain     []SignedCert    `json:"chain"`
	Rev       int             `json:"rev"`
	Patient   care.Patient    `json:"patient"`
	Relations []care.Relation `json:"relations"`
	Readers   []Reader        `json:"readers"` // former ones too: what they wrote keeps their name
	Certs     []SignedCert    `json:"certs"`   // of the readers' devices
}

// Reader is a member who reads and writes about a patient.
type Reader struct {
	Person  care.Person `json:"person"`
	Self    bool        `json:"self,omitempty"` // the patient, not a proxy
	Mailbox Mailbox     `json:"mailbox"`
	Ended   string      `json:"ended,omitempty"` // the day on which the grant ended; empty: it is in force
}

// CareList is what a member knows: for whom they write, and to which offices.
type CareList struct {
	Head
	Chain    []SignedCert  `json:"chain"`
	Rev      int           `json:"rev"`
	Person   care.PersonID `json:"person"`
	Patients []CarePatient `json:"patients"`
	Certs    []SignedCert  `json:"certs"` // of all readers' devices
}

// CarePatient is one patient for whom a member writes.
type CarePatient struct {
	Patient   care.Patient    `json:"patient"`
	Relations []care.Relation `json:"relations"`
	Readers   []Reader        `json:"readers"`
}

func (c *Cert) check() error {
	switch {
	case len(c.Key) != ed25519.PublicKeySize:
		return fmt.Errorf("a key of %d bytes", len(c.Key))
	case c.Serial < 1:
		return errors.New("it has no serial number")
	}
	switch c.For {
	case ForRegistrar:
		if len(c.Root) != ed25519.PublicKeySize {
			return fmt.Errorf("a root key of %d bytes", len(c.Root))
		}
		if c.Person != "" || c.Role != "" || len(c.Offices)+len(c.Former) > 0 || c.Sealing != nil {
			return errors.New("a registrar's certificate that names a person")
		}
		return nil
	case ForDevice:
		if len(c.Root) != 0 {
			return errors.New("a device's certificate with a root key")
		}
		if !care.ValidID("ps", string(c.Person)) {
			return fmt.Errorf("person %q is not an id", c.Person)
		}
		if c.Role != care.RoleMember && !c.Role.Staff() {
			return fmt.Errorf("role %q is not known", c.Role)
		}
		if c.Role == care.RoleMember && len(c.Offices)+len(c.Former) > 0 {
			return errors.New("a member with offices")
		}
		if c.Sealing != nil {
			if err := c.Sealing.Check(); err != nil {
				return err
			}
		}
		for _, f := range c.Former {
			if !care.ValidID("of", string(f.Office)) || slices.Contains(c.Offices, f.Office) {
				return fmt.Errorf("former office %q: no id, or not former", f.Office)
			}
			if err := checkTime(f.At); err != nil {
				return fmt.Errorf("former office %s: %w", f.Office, err)
			}
		}
		return eachID("of", c.Offices)
	}
	return fmt.Errorf("a certificate for %q is not known", c.For)
}

func (d *Directory) check() error {
	if d.Version < 1 || (d.Version == 1) != (d.Previous == "") {
		return fmt.Errorf("version %d with previous %q", d.Version, d.Previous)
	}
	if d.Previous != "" {
		if _, err := care.ParseEventID(d.Previous); err != nil {
			return fmt.Errorf("previous: %w", err)
		}
	}
	if d.Clinic.ID != d.Practice {
		return errors.New("the clinic is another practice")
	}
	boxes, people, offices := map[care.MailboxID]bool{}, map[care.PersonID]bool{}, map[care.OfficeID]bool{}
	for _, m := range d.Mailboxes {
		if err := m.check(); err != nil {
			return err
		}
		if boxes[m.ID] {
			return fmt.Errorf("mailbox %s twice", m.ID)
		}
		boxes[m.ID] = true
	}
	if d.Clinic.Mailbox != "" && !boxes[d.Clinic.Mailbox] {
		return errors.New("the practice's mailbox is not listed")
	}
	served := map[care.MailboxID]bool{d.Clinic.Mailbox: true}
	for _, o := range d.Offices {
		if !care.ValidID("of", string(o.ID)) || offices[o.ID] {
			return fmt.Errorf("office %q: no id, or twice", o.ID)
		}
		if !boxes[o.Mailbox] || served[o.Mailbox] {
			return fmt.Errorf("office %s: its mailbox is not listed, or another's", o.ID)
		}
		offices[o.ID], served[o.Mailbox] = true, true
	}
	for _, s := range d.Staff {
		if !care.ValidID("ps", string(s.ID)) || people[s.ID] {
			return fmt.Errorf("person %q: no id, or twice", s.ID)
		}
		if !s.Role.Staff() {
			return fmt.Errorf("person %s: role %q is not staff", s.ID, s.Role)
		}
		for _, o := range s.Offices {
			if !offices[o] {
				return fmt.Errorf("person %s: office %q is not listed", s.ID, o)
			}
		}
		people[s.ID] = true
	}
	for _, r := range d.Revoked {
		if r.Key.IsZero() {
			return errors.New("a revoked key without fingerprint")
		}
		if err := checkTime(r.At); err != nil {
			return fmt.Errorf("a revoked key: %w", err)
		}
	}
	return nil
}

func (m *Mailbox) check() error {
	if !care.ValidID("mb", string(m.ID)) || m.Address == "" || m.Generation < 1 {
		return fmt.Errorf("mailbox %q: no id, no address or no generation", m.ID)
	}
	if err := m.Key.Check(); err != nil {
		return fmt.Errorf("mailbox %s: %w", m.ID, err)
	}
	return nil
}

func (r *Roster) check() error {
	if r.Rev < 1 {
		return errors.New("it has no rev")
	}
	return checkPatient(&r.Patient, r.Relations, r.Readers)
}

func (l *CareList) check() error {
	if l.Rev < 1 {
		return errors.New("it has no rev")
	}
	if !care.ValidID("ps", string(l.Person)) {
		return fmt.Errorf("person %q is not an id", l.Person)
	}
	seen := map[care.PatientID]bool{}
	for i := range l.Patients {
		p := &l.Patients[i]
		if err := checkPatient(&p.Patient, p.Relations, p.Readers); err != nil {
			return err
		}
		if seen[p.Patient.ID] {
			return fmt.Errorf("patient %s twice", p.Patient.ID)
		}
		seen[p.Patient.ID] = true
	}
	return nil
}

func checkPatient(p *care.Patient, relations []care.Relation, readers []Reader) error {
	if !care.ValidID("pt", string(p.ID)) {
		return fmt.Errorf("patient %q is not an id", p.ID)
	}
	offices := map[care.OfficeID]bool{}
	for _, r := range relations {
		if !care.ValidID("of", string(r.Office)) || offices[r.Office] {
			return fmt.Errorf("relation with %q: no id, or twice", r.Office)
		}
		offices[r.Office] = true
	}
	people := map[care.PersonID]bool{}
	for i := range readers {
		r := &readers[i]
		if !care.ValidID("ps", string(r.Person.ID)) || people[r.Person.ID] {
			return fmt.Errorf("reader %q: no id, or twice", r.Person.ID)
		}
		if r.Person.Role != care.RoleMember {
			return fmt.Errorf("reader %s: role %q", r.Person.ID, r.Person.Role)
		}
		if r.Ended != "" {
			if _, err := time.Parse(time.DateOnly, r.Ended); err != nil {
				return fmt.Errorf("reader %s: ended %q is not a date", r.Person.ID, r.Ended)
			}
		}
		if err := r.Mailbox.check(); err != nil {
			return err
		}
		if r.Self && p.Mailbox != r.Mailbox.ID {
			return fmt.Errorf("reader %s: the patient's mailbox is another", r.Person.ID)
		}
		people[r.Person.ID] = true
	}
	return nil
}

func eachID[T ~string](prefix string, ids []T) error {
	for _, id := range ids {
		if !care.ValidID(prefix, string(id)) {
			return fmt.Errorf("%q is not an id", id)
		}
	}
	return nil
}
