package gateway

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a client's connection, below TLS. It gives a stranger a short time and few bytes, and ends from outside.
type conn struct {
	net.Conn
	gate *gate
	r    *running
	from string // its address, as it counts

	// Of the gate's, under its lock.
	counted bool
	login   string

	perRead time.Duration // how long each Read may take, in place of what the library says; 0: the library's
	bye     atomic.Pointer[func(why string)]
	taking  atomic.Bool // a letter is being taken in: it may come to its end

	out  sync.Mutex // of what is written together
	cork bool
	held []byte

	mu       sync.Mutex
	known    bool
	until    time.Time // a stranger's time
	left     int       // and bytes
	deadline time.Time // what the library said
	ending   bool      // after the letter that is under way, if any
	leaving  bool      // no letter is taken in any more
	closed   bool
}

// strangerBytes is what may be read from who has not signed in: TLS, greeting and password fit in it many times over.
const strangerBytes = 64 << 10

// address is what of a connection's origin counts: an IPv4 address, or the network of an IPv6 one.
func address(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if v4 := tcp.IP.To4(); v4 != nil {
		return v4.String()
	}
	return tcp.IP.Mask(net.CIDRMask(64, 128)).String()
}

func (c *conn) Read(b []byte) (int, error) {
	if err := c.before(); err != nil {
		return 0, err
	}
	if n := c.room(); n >= 0 && len(b) > n {
		if n == 0 {
			return 0, errTooMuch
		}
		b = b[:n]
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.left -= n
	c.mu.Unlock()
	return n, err
}

// corkSize is how much is written together.
const corkSize = 64 << 10

// together begins to gather what is written, so that many small answers are one for the system; what it returns ends that
// and writes the rest.
func (c *conn) together() (end func() error) {
	c.out.Lock()
	defer c.out.Unlock()
	c.cork = true
	return func() error {
		c.out.Lock()
		defer c.out.Unlock()
		c.cork = false
		return c.flush()
	}
}

func (c *conn) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}

// Write writes, or gathers.
func (c *conn) Write(b []byte) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	if !c.cork {
		return c.Conn.Write(b)
	}
	if len(c.held)+len(b) > corkSize {
		if err := c.flush(); err != nil {
			return 0, err
		}
		if len(b) >= corkSize/2 {
			return c.Conn.Write(b)
		}
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

var errTooMuch = errors.New("too much before signing in")

// room is how many bytes may still come, or -1.
func (c *conn) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known {
		return -1
	}
	return max(0, c.left)
}

// before sets how long a Read may take.
func (c *conn) before() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arm()
}

// arm sets the earliest of all deadlines. c.mu is held.
func (c *conn) arm() error {
	if c.closed {
		return net.ErrClosed
	}
	until := c.deadline
	if c.perRead > 0 {
		until = time.Now().Add(c.perRead)
	}
	if !c.known && (until.IsZero() || c.until.Before(until)) {
		until = c.until
	}
	if c.ending && !c.taking.Load() {
		until = time.Unix(1, 0)
	}
	return c.Conn.SetReadDeadline(until)
}

// SetReadDeadline is what the library wants; the connection's own limits stay.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.arm()
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// signedIn lifts the limits of a stranger.
func (c *conn) signedIn(login string) error {
	if err := c.gate.signIn(c, login); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = true
	return c.arm()
}

// dismiss ends the connection from outside, with a word where the protocol allows one.
func (c *conn) dismiss(why string) {
	if bye := c.bye.Load(); bye != nil {
		(*bye)(why)
		return
	}
	_ = c.Close() // nothing has been said yet
}

// takes notes that a letter is being taken in, until its answer is out. false: the connection ends, and takes none.
func (c *conn) takes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taking.Store(!c.leaving)
	return !c.leaving
}

// leaves ends the connection: after the letter that is under way, or else, where it reports true, at once and without another letter.
func (c *conn) leaves() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
	if c.taking.Load() {
		c.ending = true
		_ = c.arm() // fails only where it is closed already
	}
	return !c.taking.Load()
}

// end makes reading fail from now on, but for a letter that is under way. The library then takes leave.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	_ = c.arm() // fails only where it is closed already
}

// Close closes the connection. It may run more than once.
func (c *conn) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	c.mu.Unlock()
	if was {
		return nil
	}
	c.gate.leave(c)
	c.r.forget(c)
	return c.Conn.Close()
}

// listener lets connections in.
type listener struct {
	net.Listener
	r       *running
	tls     *tls.Config // nil: it begins in the clear
	asks    bool        // it is of IMAP, and its connections are secured from the start
	perRead time.Duration
	refusal string // what is said where there is no room
}

// Accept waits for the next connection that the gate lets in.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := l.r.g.gate
		c := &conn{Conn: raw, gate: g, r: l.r, from: address(raw.RemoteAddr()), perRead: l.perRead, until: time.Now().Add(g.limits.Patience), left: strangerBytes}
		if !l.r.keep(c) {
			_ = raw.Close() // the gateway is ending
			continue
		}
		if !g.admit(c) {
			l.refuse(c)
			continue
		}
		if l.tls == nil {
			return c, nil
		}
		if secured := tls.Server(c, l.tls); !l.asks {
			return secured, nil
		} else {
			return &asker{Conn: secured}, nil
		}
	}
}

// refuse says why a connection is not wanted, unless many are being told already.
func (l *listener) refuse(c *conn) {
	select {
	case l.r.refusing <- struct{}{}:
	default:
		_ = c.Close() // a flood is not answered
		return
	}
	go func() {
		defer func() { <-l.r.refusing }()
		defer func() { _ = c.Close() }() // it was told
		_ = c.Conn.SetDeadline(time.Now().Add(5 * time.Second))
		out := io.Writer(c.Conn)
		if l.tls != nil {
			out = tls.Server(c.Conn, l.tls)
		}
		_, _ = io.WriteString(out, l.refusal) // or not
	}()
}

// under gives the conn under what a library holds, or nil.
func under(c net.Conn) *conn {
	if a, ok := c.(*asker); ok {
		c = a.Conn
	}
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}
