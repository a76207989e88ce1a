package enrol

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

func (s *state) revoked(key care.KeyID) bool {
	return slices.ContainsFunc(s.Revoked, func(x directory.Revoked) bool { return x.Key == key })
}

// revoke withdraws a device's key, puts its logins down to be ended, and tells the device: the next list of the clinic may be
// sealed to a key that it does not have, and what it wrote then would reach nobody.
func (r *Registrar) revoke(s *state, d *device) error {
	if s.revoked(d.Key) {
		return nil
	}
	s.Revoked = append(s.Revoked, directory.Revoked{Key: d.Key, At: directory.Time(r.options.Now())})
	s.Ends = append(s.Ends, d.Logins...)
	at := s.mailboxOf(d)
	if at == "" || d.Sealing.IsZero() {
		return nil
	}
	return r.queue(s, at, d.Sealing, &directory.Grant{Device: d.Key, Refused: directory.DeviceRevoked})
}

// mailboxOf is one that a device reads; "" if that is not known.
func (s *state) mailboxOf(d *device) care.MailboxID {
	if m := s.member(d.Person); m != nil {
		return m.Mailbox
	}
	if reads := slices.Sorted(maps.Keys(d.Reads)); len(reads) > 0 {
		return reads[0]
	}
	if p := s.staff(d.Person); p != nil {
		if reads := s.reads(p); len(reads) > 0 {
			return reads[0]
		}
	}
	return ""
}

// reads are the mailboxes that a person of the staff reads.
func (s *state) reads(p *directory.Staff) (boxes []care.MailboxID) {
	if slices.Contains(s.Left, p.ID) {
		return nil
	}
	if p.Role == care.RoleAgent || p.Role == care.RoleAdministrator {
		boxes = append(boxes, s.Practice.Mailbox)
	}
	for _, o := range s.Offices {
		if p.Role == care.RoleAgent || slices.Contains(p.Offices, o.ID) {
			boxes = append(boxes, o.Mailbox)
		}
	}
	return boxes
}

// renew gives mailboxes of the practice a new generation of their key, and grants it to every device that still reads
// them. It comes after the revocation of whoever is to read them no more.
func (r *Registrar) renew(s *state, boxes []care.MailboxID) error {
	for _, id := range boxes {
		secret, err := seal.NewSecret()
		if err != nil {
			return err
		}
		s.Mailboxes[id] = s.Mailboxes[id].renewed(secret.Public(), secret.Text())
	}
	for _, d := range s.Devices {
		p := s.staff(d.Person)
		if p == nil || s.revoked(d.Key) {
			continue
		}
		g := &directory.Grant{Device: d.Key, Person: p.Person}
		var at care.MailboxID
		for _, id := range s.reads(p) {
			if slices.Contains(boxes, id) {
				m := s.Mailboxes[id]
				g.Mailboxes, at = append(g.Mailboxes, directory.GrantedMailbox{Mailbox: id, Generation: m.generation(), Secret: m.Secret}), id
			}
		}
		if at == "" {
			continue
		}
		if d.Sealing.IsZero() {
			return care.Refusef(care.Invalid, "A device of %s was made by an older Postern and cannot be given new keys. Withdraw it and invite them again first.", p.Name)
		}
		if err := r.queue(s, at, d.Sealing, g); err != nil {
			return err
		}
	}
	return nil
}

// Removal says what Remove would do, a sentence each.
func (r *Registrar) Removal(who care.PersonID) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	devices := 0
	for _, d := range s.Devices {
		if d.Person == who && !s.revoked(d.Key) {
			devices++
		}
	}
	counted := fmt.Sprintf("%d computers are withdrawn: what they write from now on counts no more, and their mail logins end.", devices)
	switch devices {
	case 0:
		counted = "No computer is enrolled, so there is none to withdraw."
	case 1:
		counted = "1 computer is withdrawn: what it writes from now on counts no more, and its mail login ends."
	}
	if m := s.member(who); m != nil {
		return []string{counted, m.Person.Name + " can no longer write for anybody, and gets nothing new.",
			"What was written stays in the record. What is on their own computer stays there."}, nil
	}
	p := s.staff(who)
	if p == nil {
		return nil, care.Refusef(care.NotFound, "There is no such person in this practice.")
	}
	out := []string{counted}
	for _, o := range s.Offices {
		if slices.Contains(s.reads(p), o.Mailbox) {
			out = append(out, o.Name+" gets a new key, which everybody else who belongs to it is given.")
		}
	}
	return append(out, "What "+p.Name+" wrote stays and keeps the name. What was read before cannot be taken back."), nil
}

// Remove takes somebody out of the practice, in one step: their devices are revoked and their logins are to end, what they
// could read gets new keys, which those who stay are granted, open invitations are withdrawn. What they wrote stays.
func (r *Registrar) Remove(_ context.Context, who care.PersonID) error {
	return r.change(func(s *state) (touched, error) {
		s.withdraw(who)
		var t touched
		if m := s.member(who); m != nil {
			today, err := s.today(r.options.Now())
			if err != nil {
				return touched{}, err
			}
			for n := range s.Patients {
				p := &s.Patients[n]
				for k := range p.Readers {
					if x := &p.Readers[k]; x.Person == who && x.Ended == "" {
						x.Ended = today
						more := s.patientTouched(p.Patient.ID)
						t.patients, t.members = append(t.patients, more.patients...), append(t.members, more.members...)
					}
				}
			}
		} else if s.staff(who) == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such person in this practice.")
		}
		for n := range s.Devices {
			if d := &s.Devices[n]; d.Person == who {
				if err := r.revoke(s, d); err != nil {
					return touched{}, err
				}
			}
		}
		if p := s.staff(who); p != nil {
			boxes := s.reads(p)
			p.Offices, s.Left = nil, append(s.Left, who)
			if err := r.renew(s, boxes); err != nil {
				return touched{}, err
			}
		}
		t.directory = true
		return t, nil
	})
}

// RevokeDevice takes one device away. Of the staff's, the mailboxes that it read get new keys.
func (r *Registrar) RevokeDevice(_ context.Context, key care.KeyID) error {
	return r.change(func(s *state) (touched, error) {
		n := slices.IndexFunc(s.Devices, func(d device) bool { return d.Key == key })
		if n < 0 {
			return touched{}, care.Refusef(care.NotFound, "There is no such device.")
		}
		if s.revoked(key) {
			return touched{}, nil
		}
		if err := r.revoke(s, &s.Devices[n]); err != nil {
			return touched{}, err
		}
		if p := s.staff(s.Devices[n].Person); p != nil {
			if err := r.renew(s, s.reads(p)); err != nil {
				return touched{}, err
			}
		}
		return touched{directory: true}, nil
	})
}
