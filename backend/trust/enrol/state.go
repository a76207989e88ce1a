package enrol

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// state is what the registrar's file holds. Documents are kept as they were signed: signed again they might differ, and
// then there would be two of one version.
type state struct {
	Practice  care.Practice                            `json:"practice"`
	Root      ed25519.PublicKey                        `json:"root"`
	Registrar ed25519.PrivateKey                       `json:"registrar"`
	Chain     []directory.SignedCert                   `json:"chain"`
	Serial    int                                      `json:"serial"` // of the newest certificate
	Offices   []care.Office                            `json:"offices"`
	Staff     []directory.Staff                        `json:"staff"`
	Patients  []patient                                `json:"patients"`
	Members   []member                                 `json:"members"`
	Mailboxes map[care.MailboxID]mailbox               `json:"mailboxes"`
	Devices   []device                                 `json:"devices"`
	Revoked   []directory.Revoked                      `json:"revoked"`
	Directory signed                                   `json:"directory"`
	Rosters   map[care.PatientID]signed                `json:"rosters"`
	CareLists map[care.PersonID]signed                 `json:"careLists"`
	Certs     map[care.PersonID][]directory.SignedCert `json:"certs"` // of all devices, by whose they are
	Invites   []invite                                 `json:"invites,omitempty"`
	Grants    []queued                                 `json:"grants,omitempty"`  // not mailed yet
	Sent      map[care.MailboxID][]string              `json:"sent,omitempty"`    // hashes of the documents in force that each mailbox has
	Refused   []string                                 `json:"refused,omitempty"` // hashes of answers
	Left      []care.PersonID                          `json:"left,omitempty"`    // of the staff, former
	Ends      []string                                 `json:"ends,omitempty"`    // logins that are to end at the mail system
	Stays     bool                                     `json:"stays,omitempty"`   // at work while the screen is locked
	Later     []lastDay                                `json:"later,omitempty"`   // and those that are to end at a time
}

type patient struct {
	Patient   care.Patient    `json:"patient"`
	Relations []care.Relation `json:"relations"`
	Former    []care.OfficeID `json:"former,omitempty"` // had a relation once: they are told how it ended
	Readers   []reader        `json:"readers"`
}

type reader struct {
	Person care.PersonID `json:"person"`
	Until  string        `json:"until,omitempty"` // the last day of the grant; "": without end
	Ended  string        `json:"ended,omitempty"`
}

type member struct {
	Person  care.Person    `json:"person"`
	Patient care.PatientID `json:"patient"`
	Mailbox care.MailboxID `json:"mailbox"`
}

type mailbox struct {
	Local   string      `json:"local"`
	Address string      `json:"address"`
	Key     seal.Public `json:"key"`
	Secret  string      `json:"secret"` // of a member who has enrolled: "", it never was here

	Generation int     `json:"generation,omitempty"` // 0 is 1
	Older      []older `json:"older,omitempty"`      // generations before, the first one first
}

type older struct {
	Key    care.KeyID `json:"key"`
	Secret string     `json:"secret,omitempty"`
}

func (m mailbox) generation() int { return max(m.Generation, 1) }

// renewed is the mailbox with the next generation of its key.
func (m mailbox) renewed(key seal.Public, secret string) mailbox {
	m.Older = append(slices.Clone(m.Older), older{m.Key.Fingerprint(), m.Secret})
	m.Generation, m.Key, m.Secret = m.generation()+1, key, secret
	return m
}

// granted are all generations whose secrets are here.
func (m mailbox) granted(id care.MailboxID) (out []directory.GrantedMailbox) {
	for i, o := range m.Older {
		if o.Secret != "" {
			out = append(out, directory.GrantedMailbox{Mailbox: id, Generation: i + 1, Secret: o.Secret})
		}
	}
	if m.Secret != "" {
		out = append(out, directory.GrantedMailbox{Mailbox: id, Generation: m.generation(), Secret: m.Secret})
	}
	return out
}

type device struct {
	Key     care.KeyID    `json:"key"`
	Person  care.PersonID `json:"person"`
	Sealing seal.Public   `json:"sealing"` // to which grants are sealed
	Since   string        `json:"since,omitempty"`
	Logins  []string      `json:"logins,omitempty"`

	Reads map[care.MailboxID]string `json:"reads,omitempty"` // which of the logins reads which mailbox
}

// lastDay is a login that still has to bring something.
type lastDay struct {
	Login string    `json:"login"`
	At    time.Time `json:"at"`
}

type signed struct {
	Version   int    `json:"version"`
	Bytes     []byte `json:"bytes"`
	Signature []byte `json:"signature"`
}

func (s signed) document(kind string) directory.Document {
	return directory.Document{Kind: kind, Bytes: s.Bytes, Signature: s.Signature}
}

// touched says which documents a change makes anew.
type touched struct {
	directory bool
	patients  []care.PatientID
	members   []care.PersonID
}

// patientTouched is a patient's roster and the care lists of all who write for them.
func (s *state) patientTouched(id care.PatientID) touched {
	t := touched{patients: []care.PatientID{id}}
	if p := s.patient(id); p != nil {
		for _, r := range p.Readers {
			t.members = append(t.members, r.Person)
		}
	}
	return t
}

// issue signs what was touched, each document one version further.
func (r *Registrar) issue(t touched) error {
	s := &r.state
	if t.directory {
		d := s.directoryNow(r.head())
		if s.Directory.Version > 0 {
			d.Previous = s.Directory.document(directory.KindDirectory).Hash()
		}
		d.Version = s.Directory.Version + 1
		doc, err := directory.Sign(s.Registrar, d)
		if err != nil {
			return err
		}
		s.Directory = signed{d.Version, doc.Bytes, doc.Signature}
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(t.patients))) {
		x := s.rosterNow(r.head(), id)
		x.Rev = s.Rosters[id].Version + 1
		doc, err := directory.Sign(s.Registrar, x)
		if err != nil {
			return err
		}
		put(&s.Rosters, id, signed{x.Rev, doc.Bytes, doc.Signature})
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(t.members))) {
		x := s.careListNow(r.head(), id)
		x.Rev = s.CareLists[id].Version + 1
		doc, err := directory.Sign(s.Registrar, x)
		if err != nil {
			return err
		}
		put(&s.CareLists, id, signed{x.Rev, doc.Bytes, doc.Signature})
	}
	return nil
}

func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

func (s *state) directoryNow(h directory.Head) *directory.Directory {
	d := &directory.Directory{Head: h, Chain: s.Chain, Clinic: s.Practice, Offices: s.Offices, Staff: s.Staff, Revoked: s.Revoked}
	d.Mailboxes = append(d.Mailboxes, s.mailbox(s.Practice.Mailbox))
	for _, o := range s.Offices {
		d.Mailboxes = append(d.Mailboxes, s.mailbox(o.Mailbox))
	}
	for _, p := range s.Staff {
		d.Certs = append(d.Certs, s.Certs[p.ID]...)
	}
	return d
}

func (s *state) rosterNow(h directory.Head, id care.PatientID) *directory.Roster {
	p := s.patient(id)
	readers, certs := s.readers(p)
	return &directory.Roster{Head: h, Chain: s.Chain, Patient: p.Patient, Relations: p.Relations, Readers: readers, Certs: certs}
}

// careListNow leaves a patient's visits out: a proxy need not know of them.
func (s *state) careListNow(h directory.Head, id care.PersonID) *directory.CareList {
	l := &directory.CareList{Head: h, Chain: s.Chain, Person: id}
	seen := map[string]bool{}
	for i := range s.Patients {
		p := &s.Patients[i]
		if !slices.ContainsFunc(p.Readers, func(r reader) bool { return r.Person == id && r.Ended == "" }) {
			continue
		}
		readers, certs := s.readers(p)
		shown := p.Patient
		shown.Visits = nil
		if m := s.member(id); m == nil || m.Patient != p.Patient.ID {
			shown.Email = "" // whoever writes for somebody has no use for where they get their mail
		}
		l.Patients = append(l.Patients, directory.CarePatient{Patient: shown, Relations: p.Relations, Readers: readers})
		for _, c := range certs {
			if !seen[string(c.Cert)] {
				seen[string(c.Cert)] = true
				l.Certs = append(l.Certs, c)
			}
		}
	}
	return l
}

func (s *state) readers(p *patient) (readers []directory.Reader, certs []directory.SignedCert) {
	for _, r := range p.Readers {
		m := s.member(r.Person)
		readers = append(readers, directory.Reader{Person: m.Person, Self: m.Patient == p.Patient.ID,
			Mailbox: s.mailbox(m.Mailbox), Ended: r.Ended})
		certs = append(certs, s.Certs[r.Person]...)
	}
	return readers, certs
}

func (s *state) mailbox(id care.MailboxID) directory.Mailbox {
	m := s.Mailboxes[id]
	out := directory.Mailbox{ID: id, Address: m.Address, Key: m.Key, Generation: m.generation()}
	for _, o := range m.Older {
		out.Older = append(out.Older, o.Key)
	}
	return out
}

func (s *state) patient(id care.PatientID) *patient {
	i := slices.IndexFunc(s.Patients, func(p patient) bool { return p.Patient.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Patients[i]
}

func (s *state) member(id care.PersonID) *member {
	i := slices.IndexFunc(s.Members, func(m member) bool { return m.Person.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Members[i]
}

func (s *state) staff(id care.PersonID) *directory.Staff {
	i := slices.IndexFunc(s.Staff, func(p directory.Staff) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Staff[i]
}

func (s *state) office(id care.OfficeID) *care.Office {
	i := slices.IndexFunc(s.Offices, func(o care.Office) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Offices[i]
}

// documents are all that are in force.
func (s *state) documents() []directory.Document {
	out := []directory.Document{s.Directory.document(directory.KindDirectory)}
	for _, id := range slices.Sorted(maps.Keys(s.Rosters)) {
		out = append(out, s.Rosters[id].document(directory.KindRoster))
	}
	for _, id := range slices.Sorted(maps.Keys(s.CareLists)) {
		out = append(out, s.CareLists[id].document(directory.KindCare))
	}
	return out
}

// rostersOf are the rosters that an office may have: of patients who have, or once had, a relation with it.
func (s *state) rostersOf(offices ...care.OfficeID) []directory.Document {
	var out []directory.Document
	for i := range s.Patients {
		p := &s.Patients[i]
		related := slices.ContainsFunc(p.Relations, func(r care.Relation) bool { return slices.Contains(offices, r.Office) }) ||
			slices.ContainsFunc(p.Former, func(o care.OfficeID) bool { return slices.Contains(offices, o) })
		if related {
			out = append(out, s.Rosters[p.Patient.ID].document(directory.KindRoster))
		}
	}
	return out
}

// newMailbox makes a mailbox at the mail system, with a random name, and its key: a member's, or the practice's or an office's.
func (r *Registrar) newMailbox(ctx context.Context, member bool) (care.MailboxID, error) {
	local := strings.TrimPrefix(care.NewID("mb"), "mb_")
	address, err := r.mailboxFor(ctx, local, member)
	if err != nil {
		return "", fmt.Errorf("make mailbox: %w", err)
	}
	r.made.mailboxes = append(r.made.mailboxes, local)
	secret, err := seal.NewSecret()
	if err != nil {
		return "", err
	}
	id := care.MailboxID(care.NewID("mb"))
	put(&r.state.Mailboxes, id, mailbox{Local: local, Address: address, Key: secret.Public(), Secret: secret.Text()})
	return id, nil
}
