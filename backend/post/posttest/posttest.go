// Package posttest gives tests the real mail systems, the embedded gateway and the Dovecot and Postfix of build/gateways,
// on loopback ports, with what a test does to mailboxes behind a client's back, a proxy that breaks connections where the
// test says, and another computer's network. It exists for tests alone. It skips nothing but what needs that network where
// there can be none; Postfix needs root.
package posttest

import (
	"context"
	"os"
	"sync"
	"testing"

	"postern/backend/care"
	"postern/backend/post/gateway"
	"postern/backend/post/recipe"
)

// System is a running mail system. It makes accounts for enrolment.
type System struct {
	mails
	own *gateway.Gateway // nil: it is the recipe's

	mu     sync.Mutex
	owners map[string]care.MailLogin // by mailbox
}

// mails is what every mail system does.
type mails interface {
	Mailbox(ctx context.Context, local string) (address string, err error)
	Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error)
	Without(ctx context.Context, local string) error
	Endpoint(service string, mode care.TLSMode) care.Endpoint
	Domain() string
	Dir() string
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Which is a kind of mail system.
type Which string

// The mail systems that there are.
const (
	Gateway Which = "gateway"
	Dovecot Which = "dovecot-postfix"
)

// Systems are all of them.
var Systems = []Which{Gateway, Dovecot}

// Each runs a test over every mail system.
func Each(t *testing.T, f func(t *testing.T, sys *System)) {
	t.Helper()
	for _, w := range Systems {
		t.Run(string(w), func(t *testing.T) { f(t, Start(t, w)) })
	}
}

// EachB runs a benchmark over every mail system.
func EachB(b *testing.B, f func(b *testing.B, sys *System)) {
	b.Helper()
	for _, w := range Systems {
		b.Run(string(w), func(b *testing.B) { f(b, Start(b, w)) })
	}
}

type started struct {
	once sync.Once
	s    *System
	err  error
}

var shared = map[Which]*started{Gateway: {}, Dovecot: {}}

// Start gives the mail system of a kind that all tests of this process share, and starts it for the first. It ends with
// the process, whatever ends that, and the recipe's folder goes with it.
func Start(tb testing.TB, w Which) *System {
	tb.Helper()
	of := shared[w]
	of.once.Do(func() { of.s, _, of.err = run(w, Options) })
	if of.err != nil {
		tb.Fatal(of.err)
	}
	return of.s
}

// New gives a mail system of the test's own, which ends with the test.
func New(tb testing.TB, w Which) *System {
	tb.Helper()
	s, stop, err := run(w, Options)
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

// NewGateway gives a gateway of the test's own whose mailboxes hold so many bytes.
func NewGateway(tb testing.TB, mailbox int64) *System {
	tb.Helper()
	o := Options
	o.Limits.Mailbox = mailbox
	s, stop, err := run(Gateway, o)
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

// Options are those of the gateway in tests: no limit on letters in a minute, as many connections a login as Dovecot has, and it may
// be read along.
var Options = gateway.Options{Domain: "postern.test", Clear: true, Limits: gateway.Limits{PerMinute: 1_000_000, Login: 10}}

func run(w Which, o gateway.Options) (*System, func() error, error) {
	dir, err := os.MkdirTemp("", "postern-mail-")
	if err != nil {
		return nil, nil, err
	}
	if w == Gateway {
		g, err := gateway.Open(context.Background(), dir, o)
		if err != nil {
			return nil, nil, err
		}
		s := &System{mails: embedded{g}, own: g, owners: map[string]care.MailLogin{}}
		goneWithUs(dir)
		return s, func() error {
			err := g.Close()
			_ = os.RemoveAll(dir) // what was to be learned was the error
			return err
		}, g.Start(context.Background())
	}
	r, err := recipe.Init(context.Background(), dir, recipe.Options{})
	if err != nil {
		return nil, nil, err
	}
	stop, err := r.Run(true)
	if err != nil {
		return nil, nil, err
	}
	return &System{mails: r, owners: map[string]care.MailLogin{}}, stop, nil
}

// embedded is the gateway in this process.
type embedded struct{ *gateway.Gateway }

// Stop stops it.
func (e embedded) Stop(context.Context) error { return e.Gateway.Stop() }

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

// StopServers stops the mail system. If the test ends before StartServers, it is started for the next.
func (s *System) StopServers(tb testing.TB) {
	tb.Helper()
	if err := s.Stop(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Start(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
}

// StartServers starts it again. What waited in Postfix's queue goes at once.
func (s *System) StartServers(tb testing.TB) {
	tb.Helper()
	if err := s.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// Gateway is the gateway, where the mail system is one.
func (s *System) Gateway() (g *gateway.Gateway, is bool) { return s.own, s.own != nil }
