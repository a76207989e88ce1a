package stories

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
	"postern/backend/trust/vault"
)

// TestTroubleIsToldWithWhatToDo: each trouble with the mail system reaches the foot of the screens with its own sentence,
// and with whether a person must act. The text waits meanwhile.
func TestTroubleIsToldWithWhatToDo(t *testing.T) { posttest.Each(t, testTroubleIsToldWithWhatToDo) }

func testTroubleIsToldWithWhatToDo(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	expired := func(l *care.MailLogin) {
		l.SMTP, l.Roots = posttest.TLSServer(t, posttest.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
		l.IMAP = l.SMTP
	}
	for _, c := range []struct {
		name   string
		change func(*care.MailLogin)
		phase  care.SyncPhase
		says   []string
	}{
		{"expired", expired, care.SyncRefused, []string{"expired on", "Nothing was lost", "call the clinic's front desk"}},
		{"password", func(l *care.MailLogin) { l.Password += "x" }, care.SyncRefused, []string{"The clinic's gateway refused the password.", "Nothing was lost", "Call the clinic's front desk"}},
		{"unknown host", func(l *care.MailLogin) { l.SMTP.Host, l.IMAP.Host = "mail.clinic.invalid", "mail.clinic.invalid" },
			care.SyncOffline, []string{"mail.clinic.invalid", "Nothing was lost", "connected to the network"}},
		{"stopped", func(l *care.MailLogin) {
			l.SMTP = posttest.ClosedPort(t, care.TLSImplicit)
			l.IMAP = l.SMTP
		}, care.SyncOffline, []string{"it refuses the connection", "Nothing was lost", "tries again by itself"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.off("marisol", c.name)
			p.secrets(func(s *vault.Secrets) { c.change(&s.Logins[0]) })
			p.on(true)
			defer p.off()
			p.writes("Lee", "Refill", "No refills left.")
			p.waitFor("the trouble told", func() bool { return p.p.Sync().Phase == c.phase })
			for _, words := range c.says {
				if got := p.p.Sync().Problem; !strings.Contains(got, words) {
					t.Errorf("it does not say %q: %s", words, got)
				}
			}
			n, err := p.p.Waiting(t.Context())
			must(t, err)
			equal(t, "waiting", n, 1)
		})
	}
}

// TestALetterPutOffIsNotSent: what the mail system refuses for now waits, on the screens too, until it is taken.
func TestALetterPutOffIsNotSent(t *testing.T) { posttest.Each(t, testALetterPutOffIsNotSent) }

func testALetterPutOffIsNotSent(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol := w.off("marisol", "")
	var proxy *posttest.Proxy
	marisol.secrets(func(s *vault.Secrets) {
		clear := w.mail.Clear(s.Logins[0])
		proxy = posttest.NewProxy(t, clear.SMTP)
		s.Logins[0].SMTP = proxy.Endpoint(care.TLSNone)
	})
	var busy atomic.Bool
	busy.Store(true)
	proxy.Rewrite(func(line string) string {
		// What Postfix and the gateway say when they take a recipient.
		if busy.Load() && (strings.HasPrefix(line, "250 2.1.5") || strings.Contains(line, "gets this")) {
			return "451 4.2.0 mailbox busy, try again later"
		}
		return line
	})
	marisol.on(false)
	d := marisol.writes("Lee", "Refill", "No refills left.")
	changes, cancel := marisol.p.Wake()
	defer cancel()
	marisol.sends()
	part := marisol.part(d)
	stands := func(want view.State, left int) {
		t.Helper()
		th := marisol.sees(part)
		equal(t, "the letter", th.Items[0].State, want)
		equal(t, "the conversation", th.State, want)
		n, err := marisol.p.Waiting(t.Context())
		must(t, err)
		equal(t, "waiting", n, left)
	}
	stands(view.StateWaiting, 1)
	if c := <-changes; !c.Texts {
		t.Errorf("the screens are not told: %+v", c)
	}
	busy.Store(false)
	w.clock.move(time.Minute)
	marisol.sends()
	stands(view.StateHanded, 0)
}
