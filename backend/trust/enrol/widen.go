package enrol

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/directory"
)

// SetPerson changes what the practice says of somebody of the staff: the name, how it is shown, and the offices. The role
// stays. Their devices are granted the mailboxes of the offices that they come to; those of the offices that they leave get a new
// key, which everybody who stays is granted, and what their devices write there from now on counts no more. Who is left with
// no mailbox has their devices revoked.
func (r *Registrar) SetPerson(ctx context.Context, p care.Person, offices []care.OfficeID) error {
	return r.change(func(s *state) (touched, error) {
		was := s.staff(p.ID)
		switch {
		case was == nil:
			return touched{}, care.Refusef(care.NotFound, "There is no such person in this practice.")
		case slices.Contains(s.Left, p.ID):
			return touched{}, care.Refusef(care.Conflict, "%s has left the practice.", was.Name)
		case p.Name == "":
			return touched{}, care.Refusef(care.Invalid, "A person needs a name.").In("name")
		}
		if err := cmp.Or(plainPerson(p), s.checkOffices(was.Role, offices)); err != nil {
			return touched{}, err
		}
		before, had := s.reads(was), was.Offices
		p.Role = was.Role
		was.Person, was.Offices = complete(p), slices.Clone(offices)
		after := s.reads(was)
		gained := slices.DeleteFunc(slices.Clone(after), func(id care.MailboxID) bool { return slices.Contains(before, id) })
		left := slices.DeleteFunc(slices.Clone(before), func(id care.MailboxID) bool { return slices.Contains(after, id) })
		if !slices.Equal(had, offices) && was.Role != care.RoleAgent { // the agent acts for all
			if err := r.moveDevices(ctx, s, was, before, gained, left); err != nil {
				return touched{}, err
			}
		}
		return touched{directory: true}, r.renew(s, left)
	})
}

// moveDevices gives the devices of somebody whose offices have changed what they need for the new ones, and takes from them
// what was of the old ones.
func (r *Registrar) moveDevices(ctx context.Context, s *state, p *directory.Staff, before, gained, left []care.MailboxID) error {
	now := r.options.Now()
	for n := range s.Devices {
		d := &s.Devices[n]
		switch {
		case d.Person != p.ID || s.revoked(d.Key):
			continue
		case len(s.reads(p)) == 0:
			if err := r.revoke(s, d); err != nil {
				return err
			}
			continue
		}
		if err := r.certify(s, d, p); err != nil {
			return err
		}
		only := len(left) == len(before) // the grant comes to a mailbox that they leave
		if len(gained) > 0 {
			if err := r.widen(ctx, s, d, at(before, left), gained...); err != nil {
				return err
			}
		}
		for _, id := range left {
			login := d.Reads[id]
			switch {
			case login == "":
				continue
			case only && id == at(before, left):
				s.Later = append(s.Later, lastDay{login, now.UTC().Add(inviteSpan)})
			default:
				s.Ends = append(s.Ends, login)
				d.without(login)
			}
			delete(d.Reads, id)
		}
	}
	return nil
}

// without takes from a device a login that it needs no more.
func (d *device) without(login string) {
	d.Logins = slices.DeleteFunc(slices.Clone(d.Logins), func(has string) bool { return has == login })
}

// at is the mailbox to which a grant goes: one that the device reads on, or else one that it has read so far.
func at(before, left []care.MailboxID) care.MailboxID {
	if i := slices.IndexFunc(before, func(id care.MailboxID) bool { return !slices.Contains(left, id) }); i >= 0 {
		return before[i]
	}
	return before[0]
}

// certify certifies a device's key anew, for its person's offices of now. What it wrote for those left counts once the agent
// has confirmed it.
func (r *Registrar) certify(s *state, d *device, p *directory.Staff) error {
	certs := s.Certs[p.ID]
	var c *directory.Cert
	at := -1
	for i, signed := range certs {
		x, err := directory.ReadCert(signed)
		if err != nil {
			return err
		}
		if x.KeyID() == d.Key && (c == nil || x.Serial > c.Serial) {
			c, at = x, i
		}
	}
	if c == nil {
		return fmt.Errorf("a device of %s has no certificate", p.ID)
	}
	former := slices.DeleteFunc(slices.Clone(c.Former), func(f directory.Former) bool { return slices.Contains(p.Offices, f.Office) })
	for _, o := range c.Offices {
		if !slices.Contains(p.Offices, o) {
			former = append(former, directory.Former{Office: o, At: directory.Time(r.options.Now())})
		}
	}
	s.Serial++
	c.Head, c.Serial, c.Offices, c.Former = r.head(), s.Serial, slices.Clone(p.Offices), former
	doc, err := directory.Sign(s.Registrar, c)
	if err != nil {
		return err
	}
	certs = slices.Clone(certs)
	certs[at] = doc.Embed() // the newest of a key is the one that counts
	s.Certs[p.ID] = certs
	return nil
}

// widen grants a device further mailboxes: all generations of their keys, and a login for each. The grant is mailed to a
// mailbox that the device reads already.
func (r *Registrar) widen(ctx context.Context, s *state, d *device, at care.MailboxID, boxes ...care.MailboxID) error {
	p := s.staff(d.Person)
	if d.Sealing.IsZero() {
		return care.Refusef(care.Invalid, "A device of %s was made by an older Postern and cannot be given new keys. Withdraw it and invite them again first.", p.Name)
	}
	g := &directory.Grant{Device: d.Key, Person: p.Person}
	for _, id := range boxes {
		g.Mailboxes = append(g.Mailboxes, s.Mailboxes[id].granted(id)...)
		login, err := r.login(ctx, d, id, p.Role)
		if err != nil {
			return err
		}
		g.Logins = append(g.Logins, login)
	}
	return r.queue(s, at, d.Sealing, g)
}

// login makes a login for a device that reads a mailbox, and notes it.
func (r *Registrar) login(ctx context.Context, d *device, id care.MailboxID, role care.Role) (care.MailLogin, error) {
	login, err := r.makeLogin(ctx, id, role)
	if err != nil {
		return care.MailLogin{}, err
	}
	d.Logins = append(d.Logins, login.User)
	put(&d.Reads, id, login.User)
	return login, nil
}
