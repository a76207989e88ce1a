// Package posttest gives tests a real mail system: the Dovecot and Postfix of build/gateways on loopback ports, with
// what a test does to mailboxes behind a client's back, and a proxy that breaks connections where the test says. It
// exists for tests alone, skips nothing, and needs root as Postfix does.
package posttest

import (
	"context"
	"os"
	"sync"
	"testing"

	"postern/backend/care"
	"postern/backend/post/recipe"
)

// System is a running mail system. It makes accounts for enrolment as the recipe does.
type System struct {
	*recipe.System

	mu     sync.Mutex
	owners map[string]care.MailLogin // by mailbox
}

var shared struct {
	once sync.Once
	s    *System
	err  error
}

// Start gives the mail system that all tests of this process share, and starts it for the first. It ends with the
// process, whatever ends that, and its folder goes with it.
func Start(tb testing.TB) *System {
	tb.Helper()
	shared.once.Do(func() { shared.s, _, shared.err = run() })
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.s
}

// New gives a mail system of the test's own, which ends with the test.
func New(tb testing.TB) *System {
	tb.Helper()
	s, stop, err := run()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func run() (*System, func() error, error) {
	dir, err := os.MkdirTemp("", "postern-mail-")
	if err != nil {
		return nil, nil, err
	}
	r, err := recipe.Init(context.Background(), dir, recipe.Options{})
	if err != nil {
		return nil, nil, err
	}
	stop, err := r.Run(true)
	if err != nil {
		return nil, nil, err
	}
	return &System{System: r, owners: map[string]care.MailLogin{}}, stop, nil
}

// Kind is what a login may do in its mailbox.
type Kind int

// Kinds of login.
const (
	Owner Kind = iota // everything: a member
	Staff             // read
	Agent             // everything but the rights of others
)

// AddMailbox makes a mailbox under a random name and gives that name, its local part.
func (s *System) AddMailbox(tb testing.TB) string {
	tb.Helper()
	local := care.NewID("mb")[3:]
	if _, err := s.Mailbox(tb.Context(), local); err != nil {
		tb.Fatal(err)
	}
	return local
}

// AddLogin makes a login for a mailbox. It speaks implicit TLS.
func (s *System) AddLogin(tb testing.TB, local string, kind Kind) care.MailLogin {
	tb.Helper()
	login, err := s.Login(tb.Context(), local, kind == Staff, kind == Owner)
	if err != nil {
		tb.Fatal(err)
	}
	return login
}

// Address is the address of a mailbox.
func (s *System) Address(local string) string { return local + "@" + s.Domain() }

// Clear gives the same login without TLS, as a proxy needs it that reads along.
func (s *System) Clear(login care.MailLogin) care.MailLogin {
	login.IMAP = s.Endpoint("IMAP", care.TLSNone)
	login.SMTP = s.Endpoint("SMTP", care.TLSNone)
	return login
}

// StartTLS gives the same login with STARTTLS.
func (s *System) StartTLS(login care.MailLogin) care.MailLogin {
	login.IMAP = s.Endpoint("IMAP", care.TLSStart)
	login.SMTP = s.Endpoint("SMTP", care.TLSStart)
	return login
}

// StopServers stops Dovecot and Postfix. If the test ends before StartServers, they are started for the next.
func (s *System) StopServers(tb testing.TB) {
	tb.Helper()
	if err := s.Stop(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.System.Start(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
}

// StartServers starts them again. What waited in Postfix's queue goes at once.
func (s *System) StartServers(tb testing.TB) {
	tb.Helper()
	if err := s.System.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}
