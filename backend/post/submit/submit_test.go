package submit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/post/submit"
)

// mail is a letter with a body of its own.
func mail(t testing.TB, from, to string, n int) []byte {
	t.Helper()
	m, err := letter.Write(letter.Header{From: from, To: to, Date: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Domain: "postern.test"},
		payload(n))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func payload(n int) []byte { return fmt.Appendf(nil, "PSTN\x01 letter %d", n) }

func session(t testing.TB, login care.MailLogin) *submit.Session {
	t.Helper()
	s, err := submit.Dial(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// arrived waits until a folder holds n messages.
func arrived(t testing.TB, s *posttest.System, local string, n int) []posttest.Mail {
	t.Helper()
	s.Await(t, local, "INBOX", n)
	return s.Messages(t, local, "INBOX")
}

func TestSendByEveryWay(t *testing.T) { posttest.Each(t, testSendByEveryWay) }

func testSendByEveryWay(t *testing.T, sys *posttest.System) {
	for name, way := range map[string]func(care.MailLogin) care.MailLogin{
		"implicit TLS":           func(l care.MailLogin) care.MailLogin { return l },
		"STARTTLS":               sys.StartTLS,
		"in the clear, loopback": sys.Clear,
	} {
		t.Run(name, func(t *testing.T) {
			box := sys.AddMailbox(t)
			login := way(sys.AddLogin(t, box, posttest.Staff))
			s := session(t, login)
			for i := range 3 {
				m := mail(t, login.Address, sys.Address(box), i)
				if err := s.Send(t.Context(), login.Address, sys.Address(box), m, fmt.Sprintf("envelope-%d", i)); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[string]bool{}
			for _, m := range arrived(t, sys, box, 3) {
				got, err := letter.Read(m.Raw)
				if err != nil {
					t.Fatal(err)
				}
				seen[string(got)] = true
			}
			for i := range 3 {
				if !seen[string(payload(i))] {
					t.Errorf("letter %d did not arrive", i)
				}
			}
		})
	}
}

// What the server hears: the same name from everybody, before TLS too; one recipient a letter; notices asked for.
func TestWhatTheServerHears(t *testing.T) { posttest.Each(t, testWhatTheServerHears) }

func testWhatTheServerHears(t *testing.T, sys *posttest.System) {
	box := sys.AddMailbox(t)
	login := sys.Clear(sys.AddLogin(t, box, posttest.Staff))
	p := posttest.NewProxy(t, login.SMTP)
	login.SMTP = p.Endpoint(care.TLSNone)
	s := session(t, login)
	m := mail(t, login.Address, sys.Address(box), 1)
	if err := s.Send(t.Context(), login.Address, sys.Address(box), m, "abc+def"); err != nil {
		t.Fatal(err)
	}
	heard := p.Said()
	for _, want := range []string{
		"EHLO postern\r\n",
		fmt.Sprintf("SIZE=%d", len(m)), "RET=HDRS", "ENVID=abc+2Bdef\r\n",
		"RCPT TO:<" + sys.Address(box) + "> NOTIFY=FAILURE,DELAY\r\n",
	} {
		if !strings.Contains(heard, want) {
			t.Errorf("the server did not hear %q in\n%s", want, heard)
		}
	}
	if n := strings.Count(heard, "RCPT TO"); n != 1 {
		t.Errorf("%d recipients for a letter", n)
	}

	login = sys.StartTLS(login)
	p = posttest.NewProxy(t, login.SMTP)
	login.SMTP = p.Endpoint(care.TLSStart)
	session(t, login)
	if heard := p.Said(); !strings.HasPrefix(heard, "EHLO postern\r\nSTARTTLS\r\n") || strings.Contains(heard, login.User) {
		t.Errorf("before TLS the server heard %.80q", heard)
	}
}

func TestRefusals(t *testing.T) { posttest.Each(t, testRefusals) }

func testRefusals(t *testing.T, sys *posttest.System) {
	box := sys.AddMailbox(t)
	login := sys.AddLogin(t, box, posttest.Staff)
	s := session(t, login)
	send := func(from, to string, m []byte) error {
		t.Helper()
		return s.Send(t.Context(), from, to, m, "e")
	}
	good := mail(t, login.Address, sys.Address(box), 1)

	for _, c := range []struct {
		name     string
		from, to string
		message  []byte
		code     int
		kind     care.Kind
		says     string
		passes   bool // it is about who sends, so it may pass
	}{
		{"no such mailbox", login.Address, "nobody@postern.test", good, 550, care.NotFound, "does not know the mailbox", false},
		{"too large", login.Address, sys.Address(box), bytes.Repeat([]byte("x"), 10_240_001), 552, care.Invalid, "more than the mail system", false},
		{"another's address as sender", "somebody@postern.test", sys.Address(box), good, 553, care.Unavailable, "not owned by user", true},
		{"another domain", login.Address, "somebody@example.org", good, 554, care.Unavailable, "Relay access denied", true},
	} {
		if _, own := sys.Gateway(); own {
			switch c.name {
			case "another's address as sender":
				c.says = "not this login's own"
			case "another domain": // it relays nothing, so it knows no such mailbox
				c.code, c.kind, c.says, c.passes = 550, care.NotFound, "does not know the mailbox", false
			}
		}
		err := send(c.from, c.to, c.message)
		var r *submit.Refused
		if !errors.As(err, &r) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.Permanent == c.passes || r.Code != c.code || care.KindOf(err) != c.kind {
			t.Errorf("%s: permanent %v, code %d, kind %s: %v", c.name, r.Permanent, r.Code, care.KindOf(err), r)
		}
		told := care.SentenceOf(err)
		if !strings.Contains(told, c.says) || !strings.Contains(told, "Nothing was lost") {
			t.Errorf("%s: the person is told %q", c.name, told)
		}
	}

	// One refused letter does not harm the next on the same connection, and a mailbox counts as soon as it is made.
	if err := send(login.Address, sys.Address(box), good); err != nil {
		t.Fatal(err)
	}
	late := sys.AddMailbox(t)
	if err := send(login.Address, sys.Address(late), mail(t, login.Address, sys.Address(late), 2)); err != nil {
		t.Fatal(err)
	}
	arrived(t, sys, box, 1)
	arrived(t, sys, late, 1)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusedPassword(t *testing.T) { posttest.Each(t, testRefusedPassword) }

func testRefusedPassword(t *testing.T, sys *posttest.System) {
	login := sys.AddLogin(t, sys.AddMailbox(t), posttest.Staff)
	login.Password += "x"
	_, err := submit.Dial(t.Context(), login)
	told(t, err, care.Forbidden, "refused the password")
}

// told checks that an error says what happened, where the text is, and what to do.
func told(t *testing.T, err error, kind care.Kind, what string) {
	t.Helper()
	if err == nil || care.KindOf(err) != kind {
		t.Fatalf("kind %q, want %q: %v", care.KindOf(err), kind, err)
	}
	s := care.SentenceOf(err)
	if !strings.Contains(s, what) {
		t.Errorf("it does not say what happened (%s): %s", what, s)
	}
	if !strings.Contains(s, "Nothing was lost: what you wrote is kept on this computer.") {
		t.Errorf("it does not say where the text is: %s", s)
	}
	if s = s[strings.Index(s, "this computer.")+len("this computer."):]; strings.TrimSpace(s) == "" {
		t.Errorf("it does not say what to do")
	}
}

func TestTLSNotOffered(t *testing.T) { posttest.Each(t, testTLSNotOffered) }

func testTLSNotOffered(t *testing.T, sys *posttest.System) {
	login := sys.StartTLS(sys.AddLogin(t, sys.AddMailbox(t), posttest.Staff))
	p := posttest.NewProxy(t, login.SMTP)
	p.Rewrite(func(line string) string { return strings.Replace(line, "STARTTLS", "XSTARTTLS", 1) })
	login.SMTP = p.Endpoint(care.TLSStart)
	_, err := submit.Dial(t.Context(), login)
	told(t, err, care.Forbidden, "offers no secured connection")
	if heard := p.Said(); strings.Contains(heard, "AUTH") {
		t.Errorf("a password was tried in the clear: %s", heard)
	}
}

// Somebody in the middle who speaks before TLS is not listened to.
func TestNothingBeforeTLSCounts(t *testing.T) { posttest.Each(t, testNothingBeforeTLSCounts) }

func testNothingBeforeTLSCounts(t *testing.T, sys *posttest.System) {
	login := sys.StartTLS(sys.AddLogin(t, sys.AddMailbox(t), posttest.Staff))
	p := posttest.NewProxy(t, login.SMTP)
	p.Rewrite(func(line string) string {
		if strings.HasPrefix(line, "220 2.0.0") {
			return line + "\r\n250 somebody else"
		}
		return line
	})
	login.SMTP = p.Endpoint(care.TLSStart)
	_, err := submit.Dial(t.Context(), login)
	told(t, err, care.Forbidden, "")
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, mode := range []care.TLSMode{care.TLSImplicit, care.TLSStart, care.TLSNone} {
		_, err := submit.Dial(ctx, care.MailLogin{User: "u", Password: "p", SMTP: posttest.SilentServer(t, mode)})
		told(t, err, care.Unavailable, "did not answer in time")
	}
}

// TestProof15LostReply: the 250 is lost after DATA, the letter is sent again. The transport's part: the sender learns
// that it does not know, the letter is there already, and the second copy carries the same sealed bytes.
func TestProof15LostReply(t *testing.T) { posttest.Each(t, testProof15LostReply) }

func testProof15LostReply(t *testing.T, sys *posttest.System) {
	box := sys.AddMailbox(t)
	login := sys.Clear(sys.AddLogin(t, box, posttest.Staff))
	p := posttest.NewProxy(t, login.SMTP)
	login.SMTP = p.Endpoint(care.TLSNone)
	m := mail(t, login.Address, sys.Address(box), 15)

	happened := p.Arm(posttest.CutBeforeReply())
	s := session(t, login)
	err := s.Send(t.Context(), login.Address, sys.Address(box), m, "e")
	<-happened
	var r *submit.Refused
	if errors.As(err, &r) {
		t.Fatalf("a lost answer counts as a refusal: %v", err)
	}
	told(t, err, care.Unavailable, "broke off")
	if again := s.Send(t.Context(), login.Address, sys.Address(box), m, "e"); !errors.Is(again, err) {
		t.Errorf("a spent session goes on: %v", again)
	}
	arrived(t, sys, box, 1)

	if err := session(t, login).Send(t.Context(), login.Address, sys.Address(box), m, "e"); err != nil {
		t.Fatal(err)
	}
	for _, copied := range arrived(t, sys, box, 2) {
		if got, err := letter.Read(copied.Raw); err != nil || !bytes.Equal(got, payload(15)) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestServersStopped(t *testing.T) { posttest.Each(t, testServersStopped) }

func testServersStopped(t *testing.T, sys *posttest.System) {
	box := sys.AddMailbox(t)
	login := sys.AddLogin(t, box, posttest.Staff)
	s := session(t, login)
	sys.StopServers(t)
	m := mail(t, login.Address, sys.Address(box), 1)
	says := "broke off"
	if _, own := sys.Gateway(); own {
		says = "The gateway is ending" // it takes leave
	}
	told(t, s.Send(t.Context(), login.Address, sys.Address(box), m, "e"), care.Unavailable, says)
	_, err := submit.Dial(t.Context(), login)
	told(t, err, care.Unavailable, "refuses the connection")
	sys.StartServers(t)
	if err := session(t, login).Send(t.Context(), login.Address, sys.Address(box), m, "e"); err != nil {
		t.Fatal(err)
	}
	arrived(t, sys, box, 1)
}

// Letters that come at once to mailboxes which nobody has used yet are there at once, and none is put off for minutes.
func TestNewMailboxesTakeAll(t *testing.T) { posttest.Each(t, testNewMailboxesTakeAll) }

func testNewMailboxesTakeAll(t *testing.T, sys *posttest.System) {
	login := sys.AddLogin(t, sys.AddMailbox(t), posttest.Staff)
	var sessions []*submit.Session
	for range 4 {
		sessions = append(sessions, session(t, login))
	}
	var boxes []string
	for range 12 {
		boxes = append(boxes, sys.AddMailbox(t))
	}
	for _, box := range boxes {
		var sending sync.WaitGroup
		for i, s := range sessions {
			sending.Go(func() {
				if err := s.Send(t.Context(), login.Address, sys.Address(box), mail(t, login.Address, sys.Address(box), i), "e"); err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
	}
	for _, box := range boxes {
		arrived(t, sys, box, len(sessions))
	}
}

func BenchmarkSend(b *testing.B) { posttest.EachB(b, benchmarkSend) }

func benchmarkSend(b *testing.B, sys *posttest.System) {
	box := sys.AddMailbox(b)
	login := sys.AddLogin(b, box, posttest.Staff)
	s := session(b, login)
	m, err := letter.Write(letter.Header{From: login.Address, To: sys.Address(box), Date: time.Now(), Domain: "postern.test"},
		append([]byte("PSTN"), make([]byte, 3000)...))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Send(b.Context(), login.Address, sys.Address(box), m, "e"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "letters/s")
}

// A login that is taken away is let in no more, within a second.
func TestLoginTakenAway(t *testing.T) { posttest.Each(t, testLoginTakenAway) }

func testLoginTakenAway(t *testing.T, sys *posttest.System) {
	login := sys.AddLogin(t, sys.AddMailbox(t), posttest.Staff)
	if err := session(t, login).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sys.Without(t.Context(), login.User); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; {
		s, err := submit.Dial(t.Context(), login)
		if err != nil {
			told(t, err, care.Forbidden, "refused the password")
			return
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatal("it is still let in")
		}
	}
}
