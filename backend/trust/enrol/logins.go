package enrol

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern/backend/care"
)

// Chooser is an Accounts that hands out mailboxes of different kinds: it is told for whom one is.
type Chooser interface {
	MailboxFor(ctx context.Context, local string, member bool) (address string, err error)
}

// mailboxFor makes a mailbox at the mail system, or has one chosen there.
func (r *Registrar) mailboxFor(ctx context.Context, local string, member bool) (string, error) {
	if c, ok := r.options.Accounts.(Chooser); ok {
		return c.MailboxFor(ctx, local, member)
	}
	return r.options.Accounts.Mailbox(ctx, local)
}

// Returner is an Accounts that takes back what nobody has got: mailboxes by their local parts, and logins by their users.
type Returner interface {
	GiveBack(ctx context.Context, mailboxes, logins []string) error
}

// made is what the mail system has handed out for a change that is under way.
type made struct{ mailboxes, logins []string }

// makeLogin has the mail system make a login for a mailbox.
func (r *Registrar) makeLogin(ctx context.Context, id care.MailboxID, role care.Role) (care.MailLogin, error) {
	member := role == care.RoleMember
	login, err := r.options.Accounts.Login(ctx, r.state.Mailboxes[id].Local, !member && role != care.RoleAgent, member)
	if err != nil {
		return care.MailLogin{}, fmt.Errorf("make login: %w", err)
	}
	r.made.logins = append(r.made.logins, login.User)
	login.Mailbox = id
	return login, nil
}

// giveBack gives the mail system back what it handed out for a change that then failed: what fails is tried again, and would
// use it up. It wants r.mu, and the state as it was before.
func (r *Registrar) giveBack() error {
	made := r.made
	s := &r.state
	// One that several share is somebody's already.
	made.logins = slices.DeleteFunc(made.logins, func(user string) bool {
		return slices.ContainsFunc(s.Devices, func(d device) bool { return slices.Contains(d.Logins, user) }) ||
			slices.ContainsFunc(s.Invites, func(i invite) bool { return i.Login.User == user })
	})
	if len(made.mailboxes)+len(made.logins) == 0 {
		return nil
	}
	ctx := context.Background() // also where whoever asked for the change does not wait any more
	if to, ok := r.options.Accounts.(Returner); ok {
		return to.GiveBack(ctx, made.mailboxes, made.logins)
	}
	var errs []error
	for _, user := range made.logins {
		if err := r.options.Accounts.Without(ctx, user); err != nil && care.KindOf(err) != care.NotFound {
			errs = append(errs, fmt.Errorf("end a login that is not needed: %w", err))
		}
	}
	return errors.Join(errs...)
}

// LoginInUse reports whether a device that counts, or an invitation that is not over, has this login of the mail system.
// Where several share one it is in use as long as one of them has it.
func (r *Registrar) LoginInUse(user string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	return slices.ContainsFunc(s.Devices, func(d device) bool { return slices.Contains(d.Logins, user) && !s.revoked(d.Key) }) ||
		slices.ContainsFunc(s.Invites, func(i invite) bool { return i.Login.User == user && !i.Closed })
}
