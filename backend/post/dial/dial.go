// Package dial opens a connection to the mail system, for submission and for fetching alike: the address, TLS, and a
// limit on silence. It says in words for the person why one could not be had. It speaks neither SMTP nor IMAP beyond
// what STARTTLS needs of its caller, and it never sends a byte in the clear off this computer.
package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"postern/backend/care"
)

// Timeout bounds the way to a connection that is ready: name, TCP and TLS together.
const Timeout = 30 * time.Second

// Patience is how long a new connection may be silent while something is awaited of it.
const Patience = time.Minute

// Conn is a connection that does not wait for ever: a Read or Write that makes no progress for as long as its patience
// fails. The deadlines that protocol libraries set are ignored, since they leave gaps in which nothing is bounded.
type Conn struct {
	net.Conn
	raw      net.Conn
	patience atomic.Int64
	failure  atomic.Pointer[error]
	late     atomic.Pointer[error] // a Read's patience ended
	unwatch  func() bool
}

// Open connects to e and, for TLSImplicit, completes the handshake; roots are PEM certificates trusted beside the
// system's. With TLSStart the caller goes on with STARTTLS and Config. An error is a *care.Error: Unavailable for
// what may pass, Forbidden for a certificate or TLS that is not to be trusted, Invalid for a setting that can never work;
// nothing has been sent of the login then.
//
// When ctx ends, the connection is closed, also later and during a Read.
func Open(ctx context.Context, e care.Endpoint, roots string) (*Conn, error) {
	config, err := Config(e, roots)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(e.Host); e.TLS == care.TLSNone && ip != nil && !ip.IsLoopback() {
		return nil, refusePlain(e)
	}
	within, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(within, "tcp", net.JoinHostPort(e.Host, strconv.Itoa(e.Port)))
	if err != nil {
		return nil, Explain(e, err)
	}
	c := &Conn{raw: raw}
	c.Conn = raw
	c.patience.Store(int64(Patience))
	if e.TLS == care.TLSNone && !loopback(raw.RemoteAddr()) {
		_ = raw.Close() // a name of another computer; nothing was said to it
		return nil, refusePlain(e)
	}
	c.unwatch = context.AfterFunc(ctx, func() { _ = raw.Close() }) // ends whoever waits on it
	if e.TLS != care.TLSImplicit {
		return c, nil
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(within); err != nil {
		_ = c.Close()
		return nil, Explain(e, Ended(ctx, err))
	}
	c.Conn = secured
	return c, nil
}

// Ended names the context's end as the cause of what broke, where it was: the closing of the connection that follows from it may be
// noticed first, and says less.
func Ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}

// Config is the TLS configuration for e: TLS 1.2 or newer, the name of the host, the system's authorities and roots.
func Config(e care.Endpoint, roots string) (*tls.Config, error) {
	switch e.TLS {
	case care.TLSImplicit, care.TLSStart, care.TLSNone:
	default:
		return nil, care.Refusef(care.Invalid, "The settings of the mail system at %s do not say how its connection is secured. %s Ask the clinic for a new profile.", e.Host, Kept)
	}
	config := &tls.Config{ServerName: e.Host, MinVersion: tls.VersionTLS12}
	if roots == "" {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without authorities of its own
	}
	if !pool.AppendCertsFromPEM([]byte(roots)) {
		return nil, care.Refusef(care.Invalid, "The settings of the mail system at %s hold a certificate that cannot be read. %s Ask the clinic for a new profile.", e.Host, Kept)
	}
	config.RootCAs = pool
	return config, nil
}

// SetPatience changes how long the connection may be silent, from now on and for a Read that is waiting already.
func (c *Conn) SetPatience(d time.Duration) {
	c.patience.Store(int64(d))
	_ = c.raw.SetReadDeadline(time.Now().Add(d)) // fails only on a closed connection, where the Read says so
}

// Read reads, for as long as patience lasts. Once it has ended it stays so: a library that asks again and again, as go-imap's does,
// would wait a multiple of it.
func (c *Conn) Read(b []byte) (int, error) {
	if late := c.late.Load(); late != nil {
		return 0, *late
	}
	if err := c.raw.SetReadDeadline(c.deadline()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		c.late.Store(&err)
	}
	return n, c.note(err)
}

// Write writes, for as long as patience lasts.
func (c *Conn) Write(b []byte) (int, error) {
	if err := c.raw.SetWriteDeadline(c.deadline()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	return n, c.note(err)
}

// Failure is the first error that broke the connection, or nil: protocol libraries tell of it in words of their own,
// in which it can no longer be recognised.
func (c *Conn) Failure() error {
	if err := c.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *Conn) note(err error) error {
	if err != nil {
		c.failure.CompareAndSwap(nil, &err)
	}
	return err
}

// Close closes the connection. It may run twice.
func (c *Conn) Close() error {
	if c.unwatch != nil {
		c.unwatch()
	}
	if err := c.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (c *Conn) deadline() time.Time { return time.Now().Add(time.Duration(c.patience.Load())) }

// SetDeadline does nothing: see Conn.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing: see Conn.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: see Conn.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// Secured makes the connection a TLS one after the peer agreed to STARTTLS: the caller has read all that the peer said.
// An error is a *care.Error as of Open.
func (c *Conn) Secured(ctx context.Context, e care.Endpoint, roots string) error {
	config, err := Config(e, roots)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	secured := tls.Client(c.raw, config)
	if err := secured.HandshakeContext(within); err != nil {
		return Explain(e, err)
	}
	c.Conn = secured
	return nil
}

// Ends is when the certificate that the peer showed does, or one of those that vouch for it, whichever is first; zero without TLS.
func (c *Conn) Ends() time.Time {
	secured, is := c.Conn.(*tls.Conn)
	if !is {
		return time.Time{}
	}
	return Ends(secured.ConnectionState())
}

// Ends is as Conn's, of any TLS connection.
func Ends(s tls.ConnectionState) (first time.Time) {
	for _, chain := range s.VerifiedChains[:min(1, len(s.VerifiedChains))] { // the best of them
		for _, c := range chain {
			if first.IsZero() || c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
	}
	return first
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func refusePlain(e care.Endpoint) *care.Error {
	return care.Because(care.Invalid, errors.New("plaintext off loopback"),
		"The settings of the mail system at "+e.Host+" ask for a connection that is not secured, and Postern makes none to another computer. "+
			Kept+" Ask the clinic for a new profile.")
}
