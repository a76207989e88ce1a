package gateway

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// gate counts connections. Those that have not signed in are strangers: there may be so many of them, each for a short
// time and few bytes, and where one more comes the oldest has to go, of the address that has the most. So a flood, from
// the same address even, passes through without keeping out who can sign in. Who has signed in is counted by login, and
// no flood ends their connection.
type gate struct {
	limits Limits

	mu        sync.Mutex
	strangers []*conn        // the oldest first
	address   map[string]int // of strangers
	login     map[string]int
	total     int
	wrong     map[string]fault // by address
}

// fault is how often passwords were wrong, and when last.
type fault struct {
	times int
	last  time.Time
}

// What a client is told whose connection ends from outside.
const (
	noRoomLeft = "Others need the room of who has not signed in. Try again later"
	isEnding   = "The gateway is ending. Try again later"
	notGood    = "This login is no longer good"
)

func newGate(l Limits) *gate {
	return &gate{limits: l, address: map[string]int{}, login: map[string]int{}, wrong: map[string]fault{}}
}

// admit lets a connection in as a stranger, or says that there is no room at all. Who has to go for it is told so.
func (g *gate) admit(c *conn) bool {
	g.mu.Lock()
	var out *conn
	switch {
	case g.total >= g.limits.Total && len(g.strangers) == 0:
		g.mu.Unlock()
		return false
	case g.address[c.from] >= g.limits.Address:
		out = g.oldest(c.from)
	case len(g.strangers) >= g.limits.Strangers || g.total >= g.limits.Total:
		most := ""
		for a, n := range g.address {
			if n > g.address[most] {
				most = a
			}
		}
		out = g.oldest(most)
	}
	if out != nil {
		g.leaveStrangers(out)
		g.total--
		out.counted = false
	}
	g.strangers = append(g.strangers, c)
	g.address[c.from]++
	g.total++
	c.counted = true
	g.mu.Unlock()
	if out != nil {
		out.dismiss(noRoomLeft)
	}
	return true
}

func (g *gate) oldest(from string) *conn {
	for _, c := range g.strangers {
		if c.from == from {
			return c
		}
	}
	return nil
}

func (g *gate) leaveStrangers(c *conn) {
	if i := slices.Index(g.strangers, c); i >= 0 {
		g.strangers = slices.Delete(g.strangers, i, i+1)
		if g.address[c.from]--; g.address[c.from] == 0 {
			delete(g.address, c.from)
		}
	}
}

var errTooMany = errors.New("too many connections of this login")

// signIn makes a stranger known.
func (g *gate) signIn(c *conn, login string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.counted {
		return net.ErrClosed // it had to go meanwhile
	}
	if g.login[login] >= g.limits.Login {
		return errTooMany
	}
	if c.login == "" {
		g.leaveStrangers(c)
	} else {
		g.leaveLogin(c)
	}
	g.login[login]++
	c.login = login
	return nil
}

func (g *gate) leaveLogin(c *conn) {
	if g.login[c.login]--; g.login[c.login] == 0 {
		delete(g.login, c.login)
	}
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.counted {
		return
	}
	c.counted = false
	g.total--
	if c.login == "" {
		g.leaveStrangers(c)
	} else {
		g.leaveLogin(c)
	}
}

// Wrong passwords: the answer to the first waits a little, and to each that follows from the same address twice as long.
// A right password is answered at once, so that one device with an old password slows down no other behind its address.
const (
	longestWait = 8 * time.Second
	forgiven    = 10 * time.Minute // without a wrong one
	tries       = 3                // wrong ones, after which a connection ends
	faultsKept  = 10_000
)

// wait is how long the answer to a wrong password waits.
func (g *gate) wait(from string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.wrong[from]
	if now.Sub(f.last).Abs() > forgiven {
		f.times = 0
	}
	if len(g.wrong) >= faultsKept {
		clear(g.wrong) // as many addresses are guessing: to slow each is no help
	}
	g.wrong[from] = fault{f.times + 1, now}
	return min(g.limits.Wrong<<min(f.times, 10), longestWait)
}

// rates are how many letters each login may submit: a bucket that fills by perMinute, and holds at first as many.
type rates struct {
	perMinute int

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take takes one, if there is one.
func (r *rates) take(login string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := float64(max(r.perMinute, 600))
	b, ok := r.buckets[login]
	if !ok {
		b = bucket{full, now}
	}
	if by := now.Sub(b.at); by > 0 {
		b.left = min(full, b.left+by.Minutes()*float64(r.perMinute))
	}
	b.at = now // also where the clock was set back
	enough := b.left >= 1
	if enough {
		b.left--
	}
	if r.buckets == nil {
		r.buckets = map[string]bucket{}
	}
	r.buckets[login] = b
	return enough
}

// memory is how many bytes of letters are being taken in.
type memory struct {
	most int64

	mu    sync.Mutex
	all   int64
	login map[string]int64
}

// take takes n bytes, if all logins together and this one have so many left.
func (m *memory) take(login string, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all+n > m.most || m.login[login]+n > m.most/8 {
		return false
	}
	if m.login == nil {
		m.login = map[string]int64{}
	}
	m.all += n
	m.login[login] += n
	return true
}

func (m *memory) give(login string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all -= n
	if m.login[login] -= n; m.login[login] == 0 {
		delete(m.login, login)
	}
}
