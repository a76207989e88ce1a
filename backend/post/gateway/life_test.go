package gateway_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// What was accepted, and every login, is good after a restart: ports, certificates and numbers stay.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir, gateway.Options{Domain: "clinic.example"})
	login := s.login(gateway.Owner)
	s.put(3)
	before := s.in(login)
	status := before.ok("STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)")
	at := s.Addresses()
	m := s.submit(login)
	begun := s.begins(login)

	// Sessions are told, and a letter that is under way arrives.
	stopped := make(chan error)
	go func() { stopped <- s.Close() }()
	if line := before.line(); line != "* BYE The gateway is ending. Try again later" {
		t.Error(line)
	}
	if line := m.line(); line != "421 4.3.2 The gateway is ending. Try again later" {
		t.Error(line)
	}
	if got := begun.smtp("text\r\n."); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	must(t, <-stopped)

	taken, err := net.Listen("tcp", at["IMAPS"])
	must(t, err)
	g, err := gateway.Open(t.Context(), dir, gateway.Options{Clear: true})
	must(t, err)
	if err := g.Start(t.Context()); care.KindOf(err) != care.Conflict || !strings.Contains(care.SentenceOf(err), at["IMAPS"]) {
		t.Errorf("its port is taken: %v", err)
	}
	must(t, taken.Close())
	must(t, g.Start(t.Context()))
	must(t, g.Start(t.Context())) // twice is once
	if now := g.Addresses(); fmt.Sprint(now) != fmt.Sprint(at) || g.Domain() != "clinic.example" {
		t.Errorf("it was at %v and is at %v, %s", at, now, g.Domain())
	}
	again := &system{g, t, "box"}
	want := strings.Replace(strings.Replace(status[0], "MESSAGES 3", "MESSAGES 4", 1), "UIDNEXT 4", "UIDNEXT 5", 1)
	if now := again.in(login).ok("STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)"); now[0] != want {
		t.Errorf("it was %s and is %s", want, now[0])
	}
	secure(t, login, g.Endpoint("IMAPS", ""))
	must(t, g.Stop())
	must(t, g.Stop())
	must(t, g.Close())
	must(t, g.Close())
	if _, err := gateway.Open(t.Context(), dir, gateway.Options{Domain: "other.example"}); care.KindOf(err) != care.Conflict {
		t.Errorf("another domain: %v", err)
	}
	for what, o := range map[string]gateway.Options{"a domain": {Domain: "no domain"}, "an address": {IMAPS: "nowhere.invalid"},
		"a name that others do not have": {IMAPS: "0.0.0.0:0"}, "in the clear for others": {Hosts: []string{"mail.example"}, Clear: true, SMTP: "0.0.0.0:0"}} {
		if _, err := gateway.Open(t.Context(), t.TempDir(), o); care.KindOf(err) != care.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The gateway's own certificates: for its hosts, by an authority that stays, made anew before they end and when a clock
// was wrong.
func TestCertificates(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	s := startIn(t, dir, gateway.Options{Hosts: []string{"127.0.0.1", "mail.clinic.example"}, Now: func() time.Time { return now }})
	login := s.login(gateway.Staff)
	shown := func() *x509.Certificate {
		t.Helper()
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(login.Roots))
		var leaf *x509.Certificate
		for _, host := range []string{"127.0.0.1", "mail.clinic.example"} {
			e := s.Endpoint("SMTPS", "")
			c, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port)), &tls.Config{RootCAs: pool, ServerName: host, Time: func() time.Time { return now }})
			must(t, err)
			leaf = c.ConnectionState().PeerCertificates[0]
			must(t, c.Close())
		}
		return leaf
	}
	first := shown()
	now = now.AddDate(0, 0, 50)
	if !shown().Equal(first) {
		t.Error("it was made anew early")
	}
	now = now.AddDate(0, 0, 15)
	second := shown()
	if second.Equal(first) {
		t.Error("it was not made anew")
	}
	now = now.AddDate(0, 0, -100)
	if third := shown(); third.Equal(second) {
		t.Error("a certificate of the future is shown")
	}
	now = now.AddDate(15, 0, 0)
	shown()
	for name, mode := range map[string]os.FileMode{"tls/ca.key": 0o600, "tls/server.key": 0o600, "gateway.db": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// A certificate that was given is used, and one that replaces it is taken up.
func TestGivenCertificate(t *testing.T) {
	other := start(t, gateway.Options{})
	made := filepath.Join(other.Dir(), "tls")
	now := time.Now()
	s := start(t, gateway.Options{Certificate: filepath.Join(made, "server.pem"), Key: filepath.Join(made, "server.key"),
		Roots: filepath.Join(made, "ca.pem"), Now: func() time.Time { return now }})
	login := s.login(gateway.Owner)
	if login.Roots != other.login(gateway.Owner).Roots {
		t.Error("its login names another authority")
	}
	secure(t, login, s.Endpoint("IMAPS", ""))
	must(t, os.WriteFile(filepath.Join(made, "server.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("broken")}), 0o600))
	now = now.Add(time.Hour)
	secure(t, login, s.Endpoint("IMAPS", "")) // a broken one does not replace it
}

// After an older copy was put back, clients are to compare everything: no folder has a UIDVALIDITY that it had.
func TestRestored(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir, gateway.Options{})
	login := s.login(gateway.Owner)
	s.put(2)
	validity := func(s *system, folder string) string {
		return s.in(login).ok("STATUS %s (UIDVALIDITY)", folder)[0]
	}
	inbox, junk := validity(s, "INBOX"), validity(s, "Junk")
	must(t, s.Stop())
	must(t, s.Restored(t.Context()))
	must(t, s.Start(t.Context()))
	if validity(s, "INBOX") == inbox || validity(s, "Junk") == junk {
		t.Error("UIDVALIDITY is what it was")
	}
	s.put(1)
	c := s.in(login)
	c.says("3 EXISTS", "SELECT INBOX")
	must(t, s.Check(t.Context()))
}

// Run ends with its context, having said when it was ready.
func TestRun(t *testing.T) {
	g, err := gateway.Open(t.Context(), t.TempDir(), gateway.Options{})
	must(t, err)
	defer func() { must(t, g.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	must(t, g.Run(ctx, cancel))
	if err := g.Put(t.Context(), "x", "INBOX"); care.KindOf(err) != care.Unavailable {
		t.Error(err)
	}
	damaged := t.TempDir()
	must(t, os.WriteFile(filepath.Join(damaged, "gateway.db"), []byte(strings.Repeat("not a database", 1000)), 0o600))
	if _, err := gateway.Open(t.Context(), damaged, gateway.Options{}); care.KindOf(err) != care.Corrupt {
		t.Errorf("a damaged file: %v", err)
	}
}

// A hundred thousand letters in one folder: opening it, finding and reading in it, and the first look of a client that has
// them all.
func TestHundredThousandLetters(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	s := start(t, gateway.Options{})
	start := time.Now()
	s.put(n)
	t.Logf("put: %s", time.Since(start))
	login := s.login(gateway.Owner)
	timed := func(what string, most time.Duration, f func()) {
		start := time.Now()
		f()
		took := time.Since(start)
		t.Logf("%s: %s", what, took)
		if took > slower*most {
			t.Errorf("%s took %s", what, took)
		}
	}
	for _, how := range []string{"first", "again"} {
		c := s.in(login)
		timed("open and compare, "+how, 2*time.Second, func() {
			c.says(fmt.Sprintf("%d EXISTS", n), "EXAMINE INBOX")
			c.says(fmt.Sprintf("UID ALL 1:%d", n), "UID SEARCH RETURN (ALL) ALL")
		})
		timed("the newest", time.Second, func() { c.says(fmt.Sprintf("UID ALL %d:%d", n-400, n), "UID SEARCH RETURN (ALL) UID %d:*", n-400) })
		timed("one letter", time.Second, func() { c.says(fmt.Sprintf("letter %d", n-1), "UID FETCH * BODY.PEEK[]") })
	}
	c := s.in(login)
	must(t, c.SetDeadline(time.Now().Add(20*time.Minute)))
	c.ok("SELECT INBOX")
	timed("STATUS", time.Second, func() { c.says(fmt.Sprintf("MESSAGES %d", n), "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)") })
	timed("dates", 5*time.Second, func() { c.ok("SEARCH SINCE 24-Nov-2026") })
	timed("move", 30*time.Second, func() { c.ok("MOVE 1:%d Archive", n/2) })
	c.ok(`STORE 1:%d +FLAGS.SILENT (\Deleted)`, n/4)
	timed("expunge", 30*time.Second, func() { c.ok("EXPUNGE") })
	must(t, s.Check(t.Context()))
}

// A letter that is not here when the gateway ends was not said to be, and one that is here was: else its sender, who may still take
// it back, takes back what has arrived.
func TestAnswersAtTheEnd(t *testing.T) {
	s := start(t, gateway.Options{Domain: "clinic.example"})
	login := s.login(gateway.Owner)
	taken := 0
	for i := range 40 {
		c := s.submit(login)
		c.want("250", "MAIL FROM:<%s>", login.Address)
		c.want("250", "RCPT TO:<box@clinic.example>")
		c.want("354", "DATA")
		c.send("Subject: %d\r\n\r\ntext\r\n.\r\n", i)
		for range i * 50 {
			runtime.Gosched() // at other moments
		}
		stopped := make(chan error)
		go func() { stopped <- s.Stop() }()
		if strings.HasPrefix(c.line(), "250") {
			taken++
		}
		must(t, <-stopped)
		must(t, s.Start(t.Context()))
	}
	if got := s.in(login).ok("STATUS INBOX (MESSAGES)"); !strings.Contains(got[0], fmt.Sprintf("MESSAGES %d)", taken)) {
		t.Errorf("%d were said to be here, and %s", taken, got)
	}
	t.Logf("%d of 40 were taken", taken)
}

// Who is to leave leaves after the letter that is under way: what follows it in the same breath is not taken, and what is left of one
// that was refused is not waited for.
func TestLeavingWithALetterUnderWay(t *testing.T) {
	s := start(t, gateway.Options{Domain: "clinic.example", Limits: gateway.Limits{Letter: 64 << 10}})
	login := s.login(gateway.Owner)
	c := s.begins(login)
	must(t, s.Without(t.Context(), login.User))
	for !s.Leaving() {
		runtime.Gosched()
	}
	one := "text\r\n.\r\n"
	c.send("%s", one+strings.Repeat(fmt.Sprintf("MAIL FROM:<%s>\r\nRCPT TO:<box@clinic.example>\r\nDATA\r\nSubject: more\r\n\r\n", login.Address)+one, 5))
	if got := c.line(); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	rest, err := io.ReadAll(c.r)
	if strings.Contains(string(rest), "\n250 2.0.0 OK") {
		t.Errorf("a letter after the last one is taken: %q, %v", rest, err)
	}

	long := s.login(gateway.Owner)
	c = s.begins(long)
	c.send("%s", strings.Repeat(strings.Repeat("x", 1000)+"\r\n", 100)) // more than a letter may have
	for s.Taking() {
		runtime.Gosched()
	}
	must(t, s.Without(t.Context(), long.User))
	for {
		if _, err := io.WriteString(c, "and more\r\n"); err != nil {
			break // it is cut off, though its letter has no end
		}
	}
	if got := s.in(s.login(gateway.Owner)).ok("STATUS INBOX (MESSAGES)"); !strings.Contains(got[0], "MESSAGES 1)") {
		t.Errorf("one letter was taken, and %s", got)
	}
}
