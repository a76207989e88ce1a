package gateway_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// system is a gateway with one mailbox.
type system struct {
	*gateway.Gateway
	t     testing.TB
	local string
}

// start starts a gateway of the test's own, that may be read along.
func start(t testing.TB, o gateway.Options) *system {
	t.Helper()
	return startIn(t, t.TempDir(), o)
}

func startIn(t testing.TB, dir string, o gateway.Options) *system {
	t.Helper()
	o.Clear = true
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(panics{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	g, err := gateway.Open(t.Context(), dir, o)
	must(t, err)
	t.Cleanup(func() { must(t, g.Close()) })
	must(t, g.Start(t.Context()))
	_, err = g.Mailbox(t.Context(), "box")
	must(t, err)
	return &system{g, t, "box"}
}

// panics fails a test in which the gateway logs an error.
type panics struct{ t testing.TB }

func (p panics) Write(b []byte) (int, error) {
	p.t.Errorf("the gateway says %s", b)
	return len(b), nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *system) login(kind gateway.Kind) care.MailLogin {
	s.t.Helper()
	l, err := s.NewLogin(s.t.Context(), s.local, kind)
	must(s.t, err)
	return l
}

// put puts n letters into INBOX.
func (s *system) put(n int) {
	s.t.Helper()
	var all []gateway.Letter
	for i := range n {
		all = append(all, gateway.Letter{Arrived: time.Date(2026, 11, 24, 12, 0, i, 0, time.UTC), Bytes: message(i)})
	}
	must(s.t, s.Put(s.t.Context(), s.local, "INBOX", all...))
}

func message(i int) []byte {
	return fmt.Appendf(nil, "From: a@postern.internal\r\nTo: b@postern.internal\r\nSubject: Letter %d\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\nPSTN letter %d\r\n", i, i)
}

func newReader(c *client) *bufio.Reader { return bufio.NewReader(c.Conn) }

// client speaks a protocol line by line.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, e care.Endpoint) *client {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort(e.Host, strconv.Itoa(e.Port)))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return &client{t, c, bufio.NewReader(c)}
}

func secure(t testing.TB, login care.MailLogin, e care.Endpoint) *client {
	t.Helper()
	c := dial(t, e)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(login.Roots)) {
		t.Fatal("the login has no roots")
	}
	secured := tls.Client(c.Conn, &tls.Config{RootCAs: pool, ServerName: e.Host})
	must(t, secured.Handshake())
	return &client{t, secured, bufio.NewReader(secured)}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	must(c.t, err)
	return strings.TrimRight(line, "\r\n")
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	_, err := fmt.Fprintf(c, format, args...)
	must(c.t, err)
}

var literal = regexp.MustCompile(`\{(\d+)\}$`)

// imap says a command and gives all that is answered, literals in their places, with the last line.
func (c *client) imap(format string, args ...any) (all []string, last string) {
	c.t.Helper()
	c.send("t "+format+"\r\n", args...)
	for {
		line := c.line()
		for size := literal.FindStringSubmatch(line); size != nil; size = literal.FindStringSubmatch(line) {
			n, _ := strconv.Atoi(size[1])
			b := make([]byte, n)
			_, err := io.ReadFull(c.r, b)
			must(c.t, err)
			line += "\n" + string(b) + "\n" + c.line()
			if !literal.MatchString(line) {
				break
			}
		}
		if rest, ok := strings.CutPrefix(line, "t "); ok {
			return all, rest
		}
		all = append(all, line)
	}
}

// ok is imap where the answer must be OK.
func (c *client) ok(format string, args ...any) []string {
	c.t.Helper()
	all, last := c.imap(format, args...)
	if !strings.HasPrefix(last, "OK") {
		c.t.Fatalf("%s: %s", fmt.Sprintf(format, args...), last)
	}
	return all
}

// says is ok where one line must hold a text.
func (c *client) says(text, format string, args ...any) {
	c.t.Helper()
	if all := c.ok(format, args...); !strings.Contains(strings.Join(all, "\n"), text) {
		c.t.Errorf("%s: %q lacks %q", fmt.Sprintf(format, args...), all, text)
	}
}

// in signs in by IMAP.
func (s *system) in(login care.MailLogin) *client {
	s.t.Helper()
	c := dial(s.t, s.Endpoint("IMAP", care.TLSNone))
	c.line()
	c.ok("LOGIN %s %s", login.User, login.Password)
	return c
}

// smtp says a line and gives the last line of the answer.
func (c *client) smtp(format string, args ...any) string {
	c.t.Helper()
	c.send(format+"\r\n", args...)
	return c.reply()
}

func (c *client) reply() string {
	c.t.Helper()
	for {
		if line := c.line(); len(line) < 4 || line[3] != '-' {
			return line
		}
	}
}

// submit signs in by SMTP.
func (s *system) submit(login care.MailLogin) *client {
	s.t.Helper()
	c := dial(s.t, s.Endpoint("SMTP", care.TLSNone))
	c.reply()
	c.want("250", "EHLO test")
	c.want("235", "AUTH PLAIN %s", plain(login.User, login.Password))
	return c
}

func (c *client) want(code, format string, args ...any) {
	c.t.Helper()
	if got := c.smtp(format, args...); !strings.HasPrefix(got, code) {
		c.t.Fatalf("%s: %s, want %s", fmt.Sprintf(format, args...), got, code)
	}
}

// begins gives a client in the middle of a letter.
func (s *system) begins(login care.MailLogin) *client {
	s.t.Helper()
	c := s.submit(login)
	c.want("250", "MAIL FROM:<%s>", login.Address)
	c.want("250", "RCPT TO:<box@clinic.example>")
	c.want("354", "DATA")
	c.send("Subject: under way\r\n")
	for !s.Taking() {
		runtime.Gosched() // nothing answers a line of a letter
	}
	return c
}
