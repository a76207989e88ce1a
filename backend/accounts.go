package backend

import (
	"context"
	"fmt"
	"strings"

	"postern/backend/care"
	"postern/backend/post/accounts"
	"postern/backend/post/letter"
	"postern/backend/trust/enrol"
)

// Wanted says what WriteAccounts makes.
type Wanted struct {
	Mailboxes int // for members
	Offices   int // for the practice itself and its offices
	Logins    int // of each member's mailbox, and for the agent at an office's; for the staff there ten times as many

	Address string // "" or: no mailboxes, but Logins further logins of a Kind for this one
	Kind    string
}

func (w Wanted) check() error {
	switch {
	case w.Mailboxes < 0 || w.Offices < 0 || w.Logins < 1, w.Mailboxes+w.Offices == 0 && w.Address == "":
		return care.Refusef(care.Invalid, "There must be at least one mailbox and one login.")
	case (w.Address == "") != (w.Kind == ""):
		return care.Refusef(care.Invalid, "More logins for a mailbox need --address and --kind.")
	case w.Kind != "" && w.Kind != string(accounts.Owner) && w.Kind != string(accounts.Staff) && w.Kind != string(accounts.Agent):
		return care.Refusef(care.Invalid, "--kind takes owner, staff or agent, not %q.", w.Kind)
	}
	return nil
}

// WriteAccounts makes mailboxes and logins at a mail system that runs here, and gives the file by which a practice on another
// computer uses them. After an error some of them may be there, which nobody has.
func WriteAccounts(ctx context.Context, at enrol.Accounts, w Wanted) ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	m := &making{at: at}
	if w.Address != "" {
		local, _, _ := strings.Cut(w.Address, "@")
		m.f.Mailboxes = append(m.f.Mailboxes, accounts.Mailbox{Address: w.Address})
		if err := m.logins(ctx, local, accounts.Kind(w.Kind), w.Logins); err != nil {
			return nil, err
		}
		return m.f.Marshal()
	}
	for range w.Offices {
		if err := m.mailbox(ctx, kinds{{accounts.Staff, 10 * w.Logins}, {accounts.Agent, w.Logins}}); err != nil {
			return nil, err
		}
	}
	for range w.Mailboxes {
		if err := m.mailbox(ctx, kinds{{accounts.Owner, w.Logins}}); err != nil {
			return nil, err
		}
	}
	return m.f.Marshal()
}

// making is a file that is being made.
type making struct {
	at enrol.Accounts
	f  accounts.File
}

type kinds []struct {
	kind accounts.Kind
	n    int
}

func (m *making) mailbox(ctx context.Context, all kinds) error {
	local := care.NewID("mb")[3:]
	address, err := m.at.Mailbox(ctx, local)
	if err != nil {
		return fmt.Errorf("make mailbox: %w", err)
	}
	m.f.Mailboxes = append(m.f.Mailboxes, accounts.Mailbox{Address: address})
	for _, k := range all {
		if err := m.logins(ctx, local, k.kind, k.n); err != nil {
			return err
		}
	}
	return nil
}

// logins makes logins for the mailbox that was added last.
func (m *making) logins(ctx context.Context, local string, kind accounts.Kind, n int) error {
	box := &m.f.Mailboxes[len(m.f.Mailboxes)-1]
	for range n {
		l, err := m.at.Login(ctx, local, kind == accounts.Staff, kind == accounts.Owner)
		if err != nil {
			return fmt.Errorf("make login: %w", err)
		}
		if domain := letter.Domain(l.Address); domain != letter.Domain(box.Address) {
			return care.Refusef(care.Invalid, "%s is no address of this mail system: its own end in @%s.", box.Address, domain)
		}
		m.f.IMAP, m.f.SMTP, m.f.Roots = l.IMAP, l.SMTP, l.Roots
		made := accounts.Login{User: l.User, Password: l.Password, Kind: kind}
		if l.Address != l.User+"@"+letter.Domain(box.Address) {
			made.From = l.Address
		}
		box.Logins = append(box.Logins, made)
	}
	return nil
}
