package trial

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

// ends fails unless the trial stopped at a step with words in its problem, and everything before worked.
func ends(t *testing.T, steps []Step, what, says string) {
	t.Helper()
	if len(steps) == 0 {
		t.Fatal("no step was made")
	}
	for _, s := range steps[:len(steps)-1] {
		if s.Problem != "" {
			t.Errorf("%s: %s", s.What, s.Problem)
		}
	}
	last := steps[len(steps)-1]
	if !strings.HasPrefix(last.What, what) || !strings.Contains(last.Problem, says) || (says == "") != (last.Problem == "") {
		t.Errorf("the last step is %q: %q, not %q: %q", last.What, last.Problem, what, says)
	}
	if strings.Contains(last.Problem, "front desk") || strings.Contains(last.Problem, "what you wrote") {
		t.Errorf("that is said to members: %s", last.Problem)
	}
}

func TestTrial(t *testing.T) {
	posttest.Each(t, func(t *testing.T, sys *posttest.System) {
		ctx := t.Context()
		local := sys.AddMailbox(t)
		owner := sys.AddLogin(t, local, posttest.Owner)
		for name, login := range map[string]care.MailLogin{"TLS": owner, "STARTTLS": sys.StartTLS(owner)} {
			t.Run(name, func(t *testing.T) {
				sys.Append(t, local, "INBOX", time.Now(), []byte("Subject: before\r\n\r\nIt stays.\r\n"))
				before := sys.Count(t, local, "INBOX")
				ends(t, Trial{Login: login, To: sys.Address(local), MayRemove: true}.Run(ctx), "Take the letter away", "")
				if n := sys.Count(t, local, "INBOX"); n != before {
					t.Errorf("%d letters after it, %d before", n, before)
				}
			})
		}
		staff := sys.AddLogin(t, local, posttest.Staff)
		ends(t, Trial{Login: staff, To: sys.Address(local)}.Run(ctx), "Find the letter", "")
		ends(t, Trial{Login: staff, To: sys.Address(local), MayRemove: true}.Run(ctx), "Take the letter away", "could not be taken away")

		wrong := owner
		wrong.Password = "wrong"
		ends(t, Trial{Login: wrong, To: sys.Address(local)}.Run(ctx), "Sign in", "refused the password")
		ends(t, Trial{Login: sys.StartTLS(wrong), To: sys.Address(local)}.Run(ctx), "Sign in", "refused the password")
		other := owner
		other.Address = staff.Address
		ends(t, Trial{Login: other, To: sys.Address(local)}.Run(ctx), "Submit", "says")
		ends(t, Trial{Login: owner, To: "nobody@" + sys.Domain()}.Run(ctx), "Submit", "does not know the mailbox")
		elsewhere := Trial{Login: owner, To: sys.Address(sys.AddMailbox(t)), Arrival: time.Second}
		ends(t, elsewhere.Run(ctx), "Find the letter", "did not arrive in the mailbox within 1 seconds")
		out := owner
		out.SMTP = posttest.ClosedPort(t, care.TLSImplicit)
		ends(t, Trial{Login: out, To: sys.Address(local)}.Run(ctx), "Submit", "refuses the connection. Check the port")

		// Its own authority is what it is trusted for.
		stranger := owner
		stranger.Roots = ""
		ends(t, Trial{Login: stranger, To: sys.Address(local)}.Run(ctx), "Trust", "authority that this computer does not know")
		ends(t, Trial{Login: sys.StartTLS(stranger), To: sys.Address(local)}.Run(ctx), "Trust", "authority that this computer does not know")
	})
}

func TestNobodyThere(t *testing.T) {
	e, roots := posttest.TLSServer(t, posttest.Certificate{Name: "mail.clinic.example"})
	for name, c := range map[string]struct {
		at         care.Endpoint
		what, says string
	}{
		"no such name":  {care.Endpoint{Host: "nobody.invalid", Port: 993, TLS: care.TLSImplicit}, "Connect to nobody.invalid:993", "nobody.invalid"},
		"nobody":        {posttest.ClosedPort(t, care.TLSStart), "Connect", "refuses the connection"},
		"another name":  {e, "Trust", "certificate of another name"},
		"silence":       {posttest.SilentServer(t, care.TLSImplicit), "Trust", "within 1 seconds"},
		"silence, then": {posttest.SilentServer(t, care.TLSStart), "Trust", "within 1 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			login := care.MailLogin{User: "u", Password: "p", Address: "u@x.test", IMAP: c.at, SMTP: c.at, Roots: roots}
			each := time.Minute
			if strings.HasPrefix(name, "silence") {
				each = time.Second
			}
			ends(t, Trial{Login: login, To: "b@x.test", Each: each}.Run(t.Context()), c.what, c.says)
		})
	}
}

func TestTrialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	at := posttest.SilentServer(t, care.TLSImplicit)
	over := make(chan []Step)
	go func() {
		over <- Trial{Login: care.MailLogin{IMAP: at, SMTP: at}, To: "b@x.test", Each: time.Hour}.Run(ctx)
	}()
	cancel()
	select {
	case steps := <-over:
		if steps[len(steps)-1].Problem == "" {
			t.Error(steps)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
}
