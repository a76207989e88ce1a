package enrol

import (
	"context"
	"errors"
	"maps"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// Outgoing is one document that one mailbox lacks.
type Outgoing struct {
	Address string
	Key     seal.Public // to seal it to
	Doc     directory.Document

	mailbox care.MailboxID // "": a grant
	hash    string
}

// Pending is what is to be mailed: grants first, so that who is to read on can, then each document in force that its
// mailbox lacks. Sent twice it does no harm.
func (r *Registrar) Pending() []Outgoing {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	var out []Outgoing
	for _, q := range s.Grants {
		d := q.document()
		out = append(out, Outgoing{Address: s.Mailboxes[q.Mailbox].Address, Key: q.Key, Doc: d, hash: d.Hash()})
	}
	for _, to := range s.publish() {
		for _, d := range to.Docs {
			if hash := d.Hash(); !slices.Contains(s.Sent[to.Mailbox], hash) {
				out = append(out, Outgoing{Address: to.Address, Key: to.Key, Doc: d, mailbox: to.Mailbox, hash: hash})
			}
		}
	}
	return out
}

// Mailed notes what was handed over to the mail system, and forgets what is no longer in force.
func (r *Registrar) Mailed(letters ...Outgoing) error {
	return r.change(func(s *state) (touched, error) {
		for _, l := range letters {
			if l.mailbox == "" {
				s.Grants = slices.DeleteFunc(s.Grants, func(q queued) bool { return q.document().Hash() == l.hash })
				continue
			}
			put(&s.Sent, l.mailbox, append(s.Sent[l.mailbox], l.hash))
		}
		for _, to := range s.publish() {
			inForce := map[string]bool{}
			for _, d := range to.Docs {
				inForce[d.Hash()] = true
			}
			if has := s.Sent[to.Mailbox]; len(has) > 0 {
				s.Sent[to.Mailbox] = slices.DeleteFunc(has, func(hash string) bool { return !inForce[hash] })
			}
		}
		return touched{}, nil
	})
}

// Lost reports whether a document in force that was mailed to a mailbox is not among those that lie there, by their hashes.
func (r *Registrar) Lost(mailbox care.MailboxID, there map[string]bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, to := range r.state.publish() {
		if to.Mailbox == mailbox && slices.ContainsFunc(to.Docs, func(d directory.Document) bool {
			hash := d.Hash()
			return !there[hash] && slices.Contains(r.state.Sent[mailbox], hash)
		}) {
			return true
		}
	}
	return false
}

// Republish forgets what has been mailed: Pending gives every document again. For a mailbox that lost its letters.
func (r *Registrar) Republish() error {
	return r.change(func(s *state) (touched, error) {
		s.Sent = nil
		return touched{}, nil
	})
}

// EndLogins ends at the mail system the logins of devices that were revoked, and of invitations that are over. What cannot be
// ended now stays to be.
func (r *Registrar) EndLogins(ctx context.Context) error {
	if err := r.closeInvites(); err != nil {
		return err
	}
	r.mu.Lock()
	ends := slices.Clone(r.state.Ends)
	r.mu.Unlock()
	var ended []string
	var errs []error
	for _, name := range ends {
		if err := r.options.Accounts.Without(ctx, name); err != nil && care.KindOf(err) != care.NotFound {
			errs = append(errs, err)
			continue
		}
		ended = append(ended, name)
	}
	if len(ended) > 0 {
		errs = append(errs, r.change(func(s *state) (touched, error) {
			s.Ends = slices.DeleteFunc(s.Ends, func(n string) bool { return slices.Contains(ended, n) })
			return touched{}, nil
		}))
	}
	return errors.Join(errs...)
}

func (r *Registrar) closeInvites() error {
	over := func(i invite) bool { return !i.Closed && i.done(r.options.Now()) }
	due := func(e lastDay) bool { return r.options.Now().After(e.At) }
	r.mu.Lock()
	any := slices.ContainsFunc(r.state.Invites, over) || slices.ContainsFunc(r.state.Later, due)
	r.mu.Unlock()
	if !any {
		return nil
	}
	return r.change(func(s *state) (touched, error) {
		for n := range s.Invites {
			if i := &s.Invites[n]; over(*i) {
				i.Closed = true
				s.Ends = append(s.Ends, i.Login.User)
			}
		}
		for _, e := range s.Later {
			if !due(e) {
				continue
			}
			s.Ends = append(s.Ends, e.Login)
			for n := range s.Devices { // but of who shares it and reads on
				if d := &s.Devices[n]; len(d.Reads) > 0 && !slices.Contains(slices.Collect(maps.Values(d.Reads)), e.Login) {
					d.without(e.Login)
				}
			}
		}
		s.Later = slices.DeleteFunc(s.Later, due)
		return touched{}, nil
	})
}
