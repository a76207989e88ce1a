package enrol

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// Profile is what MakeProfile made.
type Profile struct {
	Key       care.KeyID           // of the device
	Documents []directory.Document // to start with; Documents gives newer ones
}

// MakeProfile makes a profile of somebody of the practice on this computer: a device with its certificate, a login for
// each mailbox that the person reads (staff: their offices', an administrator the practice's too; the agent: the practice's
// and all offices'; a member: their own) and a vault in dir that the passphrase opens. A person may have several. It refuses a folder that has a profile
// (care.Conflict) and an unknown person (care.NotFound).
//
// The certificate is in the documents of those who meet this person: to be published.
func (r *Registrar) MakeProfile(ctx context.Context, dir string, who care.PersonID, label, passphrase string) (Profile, error) {
	if _, err := vault.Label(dir); !errors.Is(err, os.ErrNotExist) {
		return Profile{}, care.Because(care.Conflict, err, "There is a profile in this folder already.")
	}
	if passphrase == "" {
		return Profile{}, care.Refusef(care.Invalid, "Choose a passphrase.").In("passphrase")
	}
	// The certificate first: one without a device does no harm, a device without one could not write.
	made, err := r.NewDevices(ctx, who)
	if err != nil {
		return Profile{}, err
	}
	secrets := made[0]
	defer secrets.Wipe()
	if err := vault.CreateWith(r.options.Params, dir, label, passphrase, secrets); err != nil {
		return Profile{}, err
	}
	docs, err := r.Documents(who)
	return Profile{Key: seal.Fingerprint(secrets.Device.Public().(ed25519.PublicKey)), Documents: docs}, err
}

// NewDevices makes a device with its certificate and logins for each of these people, all or none, and gives what their vaults are
// to hold: for who keeps them otherwise than MakeProfile does. However many they are, the practice's file is written once.
func (r *Registrar) NewDevices(ctx context.Context, who ...care.PersonID) (made []vault.Secrets, err error) {
	err = r.change(func(s *state) (sum touched, err error) {
		for _, id := range who {
			secrets, what, err := r.newDevice(ctx, s, id)
			made = append(made, secrets)
			if err != nil {
				return touched{}, err
			}
			sum.directory = sum.directory || what.directory
			sum.patients, sum.members = append(sum.patients, what.patients...), append(sum.members, what.members...)
		}
		return sum, nil
	})
	if err != nil {
		for i := range made {
			made[i].Wipe()
		}
		return nil, err
	}
	return made, nil
}

func (r *Registrar) newDevice(ctx context.Context, s *state, who care.PersonID) (secrets vault.Secrets, what touched, err error) {
	own, err := seal.NewSecret()
	if err != nil {
		return secrets, what, err
	}
	secrets = vault.Secrets{Device: newKey(), DeviceSecret: own.Text()}
	sealing := own.Public()
	c := &directory.Cert{For: directory.ForDevice, Key: secrets.Device.Public().(ed25519.PublicKey), Person: who, Sealing: &sealing}
	what, boxes, err := s.enlist(c, &secrets)
	if err != nil {
		return secrets, what, err
	}
	made := device{Key: seal.Fingerprint(c.Key), Person: who, Sealing: sealing, Since: directory.Time(r.options.Now())}
	for _, id := range boxes {
		login, err := r.login(ctx, &made, id, c.Role)
		if err != nil {
			return secrets, what, err
		}
		secrets.Logins = append(secrets.Logins, login)
		for _, m := range s.Mailboxes[id].granted(id) {
			secrets.Mailboxes = append(secrets.Mailboxes, vault.MailboxSecret(m))
		}
	}
	s.Serial++
	c.Head, c.Serial = r.head(), s.Serial
	doc, err := directory.Sign(s.Registrar, c)
	if err != nil {
		return secrets, what, err
	}
	put(&s.Certs, who, append(s.Certs[who], doc.Embed()))
	s.Devices = append(s.Devices, made)
	return secrets, what, nil
}

// enlist fills in who it is, and says whose documents change and which mailboxes they read.
func (s *state) enlist(c *directory.Cert, secrets *vault.Secrets) (touched, []care.MailboxID, error) {
	secrets.Practice, secrets.Root = s.Practice.ID, seal.Fingerprint(s.Root)
	if m := s.member(c.Person); m != nil {
		c.Role, secrets.Person, secrets.Patient = care.RoleMember, m.Person, m.Patient
		var t touched
		for i := range s.Patients {
			p := &s.Patients[i]
			if slices.ContainsFunc(p.Readers, func(r reader) bool { return r.Person == c.Person }) {
				more := s.patientTouched(p.Patient.ID)
				t.patients, t.members = append(t.patients, more.patients...), append(t.members, more.members...)
			}
		}
		return t, []care.MailboxID{m.Mailbox}, nil
	}
	p := s.staff(c.Person)
	if p == nil {
		return touched{}, nil, care.Refusef(care.NotFound, "There is no such person in this practice.")
	}
	c.Role, c.Offices, secrets.Person = p.Role, slices.Clone(p.Offices), p.Person
	if slices.Contains(s.Left, p.ID) {
		return touched{}, nil, care.Refusef(care.Conflict, "%s has left the practice.", p.Name)
	}
	boxes := s.reads(p)
	if len(boxes) == 0 {
		return touched{}, nil, care.Refusef(care.Invalid, "%s belongs to no office yet.", p.Name)
	}
	return touched{directory: true}, boxes, nil
}

// Documents are the documents that a person's profiles may have, in their newest version: the directory, and the rosters
// of their offices' patients (of the agent and administrators: all), or of a member their care list.
func (r *Registrar) Documents(who care.PersonID) ([]directory.Document, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	out := []directory.Document{s.Directory.document(directory.KindDirectory)}
	if s.member(who) != nil {
		return append(out, s.CareLists[who].document(directory.KindCare)), nil
	}
	p := s.staff(who)
	switch {
	case p == nil:
		return nil, care.Refusef(care.NotFound, "There is no such person in this practice.")
	case p.Role == care.RoleAgent, p.Role == care.RoleAdministrator: // they read the practice's mailbox, to which all go
		return append(out, s.allRosters()...), nil
	}
	return append(out, s.rostersOf(p.Offices...)...), nil
}

func (s *state) allRosters() []directory.Document {
	var out []directory.Document
	for i := range s.Patients {
		out = append(out, s.Rosters[s.Patients[i].Patient.ID].document(directory.KindRoster))
	}
	return out
}

// Addressed is what one mailbox is to have.
type Addressed struct {
	Mailbox care.MailboxID
	Address string
	Key     seal.Public
	Docs    []directory.Document
}

// Publish says what goes to whom, every document in its newest version: to the practice's mailbox the directory and all
// rosters, to an office's the directory and the rosters of its patients, to a member's the directory and their care list.
// Sent twice they do no harm.
func (r *Registrar) Publish() []Addressed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.publish()
}

func (s *state) publish() []Addressed {
	clinic := s.Directory.document(directory.KindDirectory)
	var out []Addressed
	add := func(id care.MailboxID, docs ...directory.Document) {
		m := s.Mailboxes[id]
		out = append(out, Addressed{Mailbox: id, Address: m.Address, Key: m.Key, Docs: append([]directory.Document{clinic}, docs...)})
	}
	add(s.Practice.Mailbox, s.allRosters()...)
	for _, o := range s.Offices {
		add(o.Mailbox, s.rostersOf(o.ID)...)
	}
	for _, m := range s.Members {
		add(m.Mailbox, s.CareLists[m.Person.ID].document(directory.KindCare))
	}
	return out
}

// Devices are the keys of a person's profiles, revoked ones too, in the order in which they were made.
func (r *Registrar) Devices(who care.PersonID) []care.KeyID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []care.KeyID
	for _, d := range r.state.Devices {
		if d.Person == who {
			out = append(out, d.Key)
		}
	}
	return out
}
