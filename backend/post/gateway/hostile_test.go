package gateway_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// from connects from another address of this computer: 127.0.0.n.
func from(t testing.TB, n int, e care.Endpoint) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(n))}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", net.JoinHostPort(e.Host, strconv.Itoa(e.Port)))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// served sends a letter and sees it come in IDLE, over connections that stand, and says how long that took.
func (s *system) served(submitter *client, address string, reader *client) time.Duration {
	s.t.Helper()
	reader.send("i IDLE\r\n")
	if line := reader.line(); !strings.HasPrefix(line, "+") {
		s.t.Fatalf("IDLE: %s", line)
	}
	start := time.Now()
	if got := submitter.letter(address, "box@"+s.Domain(), "Subject: x\n\ntext"); !strings.HasPrefix(got, "250") {
		s.t.Fatal(got)
	}
	for !strings.HasSuffix(reader.line(), "EXISTS") {
	}
	took := time.Since(start)
	reader.send("DONE\r\n")
	for !strings.HasPrefix(reader.line(), "i OK") {
	}
	return took
}

// quickest is what the quickest of three tries takes: on a computer that has other things to do, one may wait for its turn. Who is held
// up is so each time.
func quickest(try func() time.Duration) time.Duration { return min(try(), try(), try()) }

// A thousand connections that say nothing, from one address and from many, on all ports: who is signed in is served as
// before, and who comes signs in at once, from the same address too.
func TestThousandConnections(t *testing.T) {
	s := start(t, gateway.Options{})
	login := s.login(gateway.Staff)
	submitter, reader := s.submit(login), s.in(s.login(gateway.Owner))
	reader.ok("SELECT INBOX")
	for _, spread := range []int{1, 200} {
		var flood []net.Conn
		for i := range 1000 {
			service := []string{"IMAP", "SMTP", "IMAPS", "SMTPS"}[i%4]
			flood = append(flood, from(t, 1+i%spread, s.Endpoint(service, "")))
		}
		if took := quickest(func() time.Duration { return s.served(submitter, login.Address, reader) }); took > time.Second {
			t.Errorf("with %d addresses a letter took %s", spread, took)
		}
		if took := quickest(func() time.Duration {
			start := time.Now()
			s.in(login).ok("EXAMINE INBOX")
			if got := s.submit(login).letter(login.Address, "box@"+s.Domain(), "x"); !strings.HasPrefix(got, "250") {
				t.Error(got)
			}
			return time.Since(start)
		}); took > time.Second {
			t.Errorf("with %d addresses it took %s to sign in", spread, took)
		}
		for _, c := range flood {
			_ = c.Close()
		}
	}
}

// Who has not signed in gets a short time and few bytes, and where room is needed a word.
func TestStrangersGetLittle(t *testing.T) {
	s := start(t, gateway.Options{Limits: gateway.Limits{Patience: 3 * time.Second, Address: 5}})
	login := s.login(gateway.Staff)
	for _, service := range []string{"IMAP", "SMTP", "IMAPS", "SMTPS"} {
		e := s.Endpoint(service, "")
		start := time.Now()
		silent := from(t, 9, e)
		must(t, silent.SetReadDeadline(time.Now().Add(30*time.Second)))
		_, err := io.Copy(io.Discard, silent)
		if took := time.Since(start); err != nil || took > 20*time.Second || took < 2*time.Second {
			t.Errorf("%s: a silent client was kept for %s, %v", service, took, err)
		}

		talker := from(t, 9, e) // an endless line
		must(t, talker.SetDeadline(time.Now().Add(30*time.Second)))
		line := []byte(strings.Repeat("x", 10_000))
		for range 100 {
			if _, err = talker.Write(line); err != nil {
				break
			}
		}
		if _, err := io.Copy(io.Discard, talker); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: an endless line is read on", service)
		}
		_ = talker.Close()
	}
	first := &client{t, from(t, 9, s.Endpoint("SMTP", "")), nil}
	first.r = newReader(first)
	first.reply()
	first.want("250", "EHLO x")
	for range 5 {
		from(t, 9, s.Endpoint("SMTP", ""))
	}
	if line := first.reply(); !strings.HasPrefix(line, "421 ") {
		t.Errorf("the oldest stranger is told %q", line)
	}
	s.in(login)
}

// One login has so many connections, and no more; others have theirs.
func TestConnectionsOfALogin(t *testing.T) {
	s := start(t, gateway.Options{Limits: gateway.Limits{Login: 3}})
	login := s.login(gateway.Staff)
	first := s.in(login)
	s.in(login)
	s.submit(login)
	c := dial(t, s.Endpoint("IMAP", ""))
	c.line()
	if _, last := c.imap("LOGIN %s %s", login.User, login.Password); !strings.HasPrefix(last, "NO [LIMIT]") {
		t.Error(last)
	}
	m := dial(t, s.Endpoint("SMTP", ""))
	m.reply()
	m.want("250", "EHLO x")
	m.want("454", "AUTH PLAIN %s", plain(login.User, login.Password))
	s.in(s.login(gateway.Staff))
	first.ok("LOGOUT")
	_ = first.Close()
	for end := time.Now().Add(5 * time.Second); ; {
		if _, last := c.imap("LOGIN %s %s", login.User, login.Password); strings.HasPrefix(last, "OK") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the place of a connection that ended stays taken: %s", last)
		}
	}
}

// Wrong passwords are answered slower and slower, to the address that they come from, and end a connection. Right ones are
// answered at once, from the same address too.
func TestWrongPasswords(t *testing.T) {
	s := start(t, gateway.Options{Limits: gateway.Limits{Wrong: 20 * time.Millisecond}})
	login := s.login(gateway.Staff)
	guess := func(n int) time.Duration {
		c := &client{t, from(t, n, s.Endpoint("IMAP", "")), nil}
		c.r = newReader(c)
		c.line()
		start := time.Now()
		for range 3 {
			if _, last := c.imap("LOGIN %s wrong", login.User); !strings.HasPrefix(last, "NO [AUTHENTICATIONFAILED]") {
				t.Error(last)
			}
		}
		took := time.Since(start)
		if _, err := c.r.ReadString('\n'); err != io.EOF {
			t.Errorf("after three wrong passwords: %v", err)
		}
		return took
	}
	if took := guess(5); took < 140*time.Millisecond {
		t.Errorf("three guesses took %s", took)
	}
	other := 5
	again, elsewhere := guess(5), quickest(func() time.Duration { other++; return guess(other) })
	if again < 1100*time.Millisecond || elsewhere > time.Second {
		t.Errorf("three more took %s, and three from elsewhere %s", again, elsewhere)
	}
	m := dial(t, s.Endpoint("SMTP", ""))
	m.reply()
	m.want("250", "EHLO x")
	m.want("535", "AUTH PLAIN %s", plain("nobody", "wrong"))
	for range 20 {
		c := dial(t, s.Endpoint("IMAP", ""))
		c.send("x LOGIN %s wrong\r\nx LOGIN %s wrong\r\n", login.User, login.User)
	}
	time.Sleep(50 * time.Millisecond) // the guesses are waited for by nobody: their answers are held back, which is what is tried
	if took := quickest(func() time.Duration {
		start := time.Now()
		s.in(login)
		s.submit(login)
		return time.Since(start)
	}); took > 500*time.Millisecond {
		t.Errorf("beside guesses from the same address it took %s to sign in", took)
	}
}

// A client that asks for much and reads nothing holds up nobody, and what it asks for is not held in memory.
func TestClientThatDoesNotRead(t *testing.T) {
	s := start(t, gateway.Options{})
	login := s.login(gateway.Staff)
	large := gateway.Letter{Arrived: time.Now(), Bytes: []byte(strings.Repeat("a large letter\r\n", 600_000))}
	for range 5 {
		must(t, s.Put(t.Context(), s.local, "INBOX", large))
	}
	for range 10 {
		c := s.in(login)
		c.ok("EXAMINE INBOX")
		for range 20 {
			c.send("x FETCH 1:* BODY.PEEK[]\r\n")
		}
	}
	submitter, reader := s.submit(login), s.in(s.login(gateway.Owner))
	reader.ok("SELECT INBOX")
	for range 7 {
		if took := quickest(func() time.Duration { return s.served(submitter, login.Address, reader) }); took > time.Second {
			t.Errorf("beside them a letter took %s", took)
		}
	}
}

// A login that is taken away, or gets another password, is refused at once and its sessions end, in this process and in
// others; the sessions of others go on.
func TestLoginsChange(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir, gateway.Options{})
	gone, changed, stays := s.login(gateway.Staff), s.login(gateway.Owner), s.login(gateway.Agent)
	reader, submitter, other, third := s.in(gone), s.submit(gone), s.in(changed), s.in(stays)
	reader.ok("EXAMINE INBOX")
	reader.send("i IDLE\r\n")
	reader.line()
	third.ok("EXAMINE INBOX")

	elsewhere, err := gateway.Open(t.Context(), dir, gateway.Options{}) // as another process does
	must(t, err)
	defer func() { must(t, elsewhere.Close()) }()
	if err := elsewhere.Start(t.Context()); care.KindOf(err) != care.Conflict || !strings.Contains(care.SentenceOf(err), "runs already") {
		t.Errorf("a second start: %v", err)
	}
	if err := elsewhere.Restored(t.Context()); care.KindOf(err) != care.Conflict {
		t.Errorf("changed under a running gateway: %v", err)
	}
	start := time.Now()
	must(t, elsewhere.Without(t.Context(), gone.User))
	now, err := elsewhere.Password(t.Context(), changed.User)
	must(t, err)
	for what, c := range map[string]*client{"reader": reader, "submitter": submitter, "other": other} {
		line, err := c.r.ReadString('\n')
		if err != nil || !strings.Contains(line, "no longer good") {
			t.Errorf("the %s is told %q, %v", what, line, err)
		}
	}
	if took := time.Since(start); took > 10*time.Second { // it looks more than once a second
		t.Errorf("that took %s", took)
	}
	third.ok("NOOP")
	s.in(now)
	c := dial(t, s.Endpoint("IMAP", ""))
	c.line()
	for _, l := range []care.MailLogin{gone, changed} {
		if _, last := c.imap("LOGIN %s %s", l.User, l.Password); !strings.HasPrefix(last, "NO [AUTHENTICATIONFAILED]") {
			t.Error(last)
		}
	}
	all, err := elsewhere.List(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].Mailbox != "box" || strings.Contains(fmt.Sprint(all), now.Password) {
		t.Errorf("%+v", all)
	}

	// A mailbox that is closed takes no more and is still read; opened again, it takes more.
	m := s.submit(stays)
	must(t, elsewhere.Without(t.Context(), "box"))
	if got := m.letter(stays.Address, "box@"+s.Domain(), "x"); !strings.HasPrefix(got, "550 5.1.1") {
		t.Error(got)
	}
	third.ok("FETCH 1:* UID")
	_, err = elsewhere.Mailbox(t.Context(), "box")
	must(t, err)
	m.want("250", "RCPT TO:<box@%s>", s.Domain())
	for name, err := range map[string]error{
		"a login that is not there": elsewhere.Without(t.Context(), "nobody"), "its password": second(elsewhere.Password(t.Context(), "nobody")),
		"a login without a mailbox": second(elsewhere.NewLogin(t.Context(), "nobody", gateway.Staff)),
	} {
		if care.KindOf(err) != care.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"../x", "Capital", "", "-x", strings.Repeat("x", 65)} {
		if _, err := elsewhere.Mailbox(t.Context(), bad); care.KindOf(err) != care.Invalid {
			t.Errorf("%q is a mailbox: %v", bad, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
