package enrol

import (
	"context"
	"errors"
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

	mailbox care.MailboxID
	about   string // "": a grant
	hash    string
}

// Pending is what is to be mailed: grants first, so that who is to read on can, then each document that is newer than what
// its mailbox had. Sent twice it does no harm.
func (r *Registrar) Pending() []Outgoing {
	all := r.Publish()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	var out []Outgoing
	for _, q := range s.Grants {
		d := q.document()
		out = append(out, Outgoing{Address: s.Mailboxes[q.Mailbox].Address, Key: q.Key, Doc: d, hash: d.Hash()})
	}
	for _, to := range all {
		for _, d := range to.Docs {
			about, hash := aboutOf(d), d.Hash()
			if s.Sent[to.Mailbox][about] != hash {
				out = append(out, Outgoing{Address: to.Address, Key: to.Key, Doc: d, mailbox: to.Mailbox, about: about, hash: hash})
			}
		}
	}
	return out
}

// aboutOf names what a document is about, so that a newer one takes its place.
func aboutOf(d directory.Document) string { return d.Kind + " " + directory.Subject(d) }

// Mailed notes what was handed over to the mail system.
func (r *Registrar) Mailed(letters ...Outgoing) error {
	return r.change(func(s *state) (touched, error) {
		for _, l := range letters {
			if l.about == "" {
				s.Grants = slices.DeleteFunc(s.Grants, func(q queued) bool { return q.document().Hash() == l.hash })
				continue
			}
			if s.Sent[l.mailbox] == nil {
				put(&s.Sent, l.mailbox, map[string]string{})
			}
			s.Sent[l.mailbox][l.about] = l.hash
		}
		return touched{}, nil
	})
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
	r.mu.Lock()
	any := slices.ContainsFunc(r.state.Invites, over)
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
		return touched{}, nil
	})
}
