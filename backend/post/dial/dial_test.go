package dial_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/dial"
	"postern/backend/post/posttest"
)

// Each way in which no connection comes about has a sentence of its own: what happened, where the text is, what to do.
func TestEveryFailureHasItsSentence(t *testing.T) {
	type served func(t *testing.T) (care.Endpoint, string)
	certificate := func(c posttest.Certificate) served {
		return func(t *testing.T) (care.Endpoint, string) { return posttest.TLSServer(t, c) }
	}
	said := map[string]string{}
	for name, c := range map[string]struct {
		serve served
		kind  care.Kind
		what  string
		do    string
	}{
		"expired certificate": {certificate(posttest.Certificate{NotBefore: date(2024), NotAfter: date(2025)}),
			care.Forbidden, "expired on " + date(2025).Local().Format("January 2, 2006"), "They need to renew it"},
		"certificate of the future": {certificate(posttest.Certificate{NotBefore: date(2124), NotAfter: date(2125)}),
			care.Forbidden, "good only from " + date(2124).Local().Format("January 2, 2006"), "Check the date and the time"},
		"certificate of another name": {certificate(posttest.Certificate{Name: "other.example"}),
			care.Forbidden, "a certificate of another name", "front desk"},
		"unknown authority": {func(t *testing.T) (care.Endpoint, string) {
			e, _ := posttest.TLSServer(t, posttest.Certificate{})
			return e, ""
		}, care.Forbidden, "an authority that this computer does not know", "front desk"},
		"no common version of TLS": {func(t *testing.T) (care.Endpoint, string) { return old(t), "" },
			care.Forbidden, "found no way to secure", "front desk"},
		"refused connection": {func(t *testing.T) (care.Endpoint, string) { return posttest.ClosedPort(t, care.TLSImplicit), "" },
			care.Unavailable, "refuses the connection", "tries again by itself"},
		"no TLS on that port": {func(t *testing.T) (care.Endpoint, string) { return talking(t), "" },
			care.Forbidden, "offers no secured connection", "front desk"},
		"plaintext to another computer": {func(t *testing.T) (care.Endpoint, string) {
			return care.Endpoint{Host: "192.0.2.1", Port: 143, TLS: care.TLSNone}, ""
		}, care.Invalid, "ask for a connection that is not secured", "new profile"},
		"no word on TLS": {func(*testing.T) (care.Endpoint, string) { return care.Endpoint{Host: "localhost", Port: 1}, "" },
			care.Invalid, "do not say how its connection is secured", "new profile"},
		"a broken certificate in the settings": {func(*testing.T) (care.Endpoint, string) {
			return care.Endpoint{Host: "localhost", Port: 1, TLS: care.TLSImplicit}, "-----BEGIN NOTHING-----"
		}, care.Invalid, "certificate that cannot be read", "new profile"},
	} {
		t.Run(name, func(t *testing.T) {
			e, roots := c.serve(t)
			conn, err := dial.Open(t.Context(), e, roots)
			if err == nil {
				_ = conn.Close()
				t.Fatal("there is a connection")
			}
			sentence := check(t, err, c.kind, c.what, c.do)
			if other, twice := said[sentence]; twice {
				t.Errorf("%s has the same sentence", other)
			}
			said[sentence] = name
		})
	}
}

// What the resolver and the network say, worded: these do not depend on the network that the test runs in.
func TestNamesAndRoutes(t *testing.T) {
	e := care.Endpoint{Host: "mail.clinic.example", Port: 993, TLS: care.TLSImplicit}
	for _, c := range []struct {
		err      error
		what, do string
	}{
		{&net.DNSError{Err: "no such host", Name: e.Host, IsNotFound: true}, "There is no mail system by the name of mail.clinic.example", "connected to the network"},
		{&net.DNSError{Err: "i/o timeout", Name: e.Host, IsTimeout: true}, "mail.clinic.example could not be looked up", "connected to the network"},
		{fmt.Errorf("dial: %w", os.ErrDeadlineExceeded), "did not answer in time", "tries again"},
		{io.ErrUnexpectedEOF, "broke off", "tries again"},
		{fmt.Errorf("something new"), "cannot be used now", "tries again"},
	} {
		check(t, dial.Explain(e, c.err), care.Unavailable, c.what, c.do)
	}
	if dial.Explain(e, nil) != nil {
		t.Error("no error became one")
	}
	known := care.Refusef(care.Full, "No room.")
	if got := dial.Explain(e, fmt.Errorf("wrapped: %w", known)); got != known {
		t.Errorf("a refusal became %v", got)
	}
}

func TestUnknownHost(t *testing.T) {
	// Offline the resolver cannot know either: then the name "could not be looked up".
	_, err := dial.Open(t.Context(), care.Endpoint{Host: "mail.clinic.invalid", Port: 993, TLS: care.TLSImplicit}, "")
	check(t, err, care.Unavailable, "mail.clinic.invalid", "connected to the network")
}

func TestPatience(t *testing.T) {
	e := posttest.SilentServer(t, care.TLSNone)
	c, err := dial.Open(t.Context(), e, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // closed below too, when all goes well
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	if err := c.SetDeadline(time.Now().Add(-time.Hour)); err != nil { // a library's deadline counts for nothing
		t.Fatal(err)
	}
	c.SetPatience(20 * time.Millisecond)
	check(t, dial.Explain(e, <-read), care.Unavailable, "did not answer in time", "tries again")
}

func TestContextClosesTheConnection(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := dial.Open(ctx, posttest.SilentServer(t, care.TLSNone), "")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	cancel()
	if err := <-read; err == nil {
		t.Error("the read went on")
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestItsOwnAuthority(t *testing.T) {
	e, roots := posttest.TLSServer(t, posttest.Certificate{})
	c, err := dial.Open(t.Context(), e, roots)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func check(t *testing.T, err error, kind care.Kind, what, do string) string {
	t.Helper()
	if err == nil || care.KindOf(err) != kind {
		t.Fatalf("kind %q, want %q: %v", care.KindOf(err), kind, err)
	}
	s := care.SentenceOf(err)
	happened, after, ok := strings.Cut(s, dial.Kept)
	if !ok {
		t.Fatalf("it does not say where the text is: %s", s)
	}
	if !strings.Contains(happened, what) {
		t.Errorf("it does not say what happened (%s): %s", what, s)
	}
	if !strings.Contains(after, do) {
		t.Errorf("it does not say what to do (%s): %s", do, s)
	}
	return s
}

func date(year int) time.Time { return time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC) }

// talking is a server that greets in the clear, as on a port for STARTTLS.
func talking(t *testing.T) care.Endpoint {
	return serving(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "* OK ready\r\n") // the client hangs up at will
		_, _ = io.Copy(io.Discard, c)
	})
}

// old is a server that speaks a TLS of which nobody should speak any more.
func old(t *testing.T) care.Endpoint {
	return serving(t, func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{MaxVersion: tls.VersionTLS11, Certificates: []tls.Certificate{{}}}).Handshake() // it fails: that is the test
	})
}

// serving is a server for one connection.
func serving(t *testing.T, serve func(net.Conn)) care.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		serve(c)
		_ = c.Close()
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return care.Endpoint{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: care.TLSImplicit}
}
