package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/record/store"
)

// running is what a gateway has while it runs.
type running struct {
	g        *Gateway
	lock     *store.FileLock
	indexes  *indexes
	writer   *writer
	memory   memory
	broke    chan error    // a listener failed
	refusing chan struct{} // who is being told that there is no room

	listeners []net.Listener
	smtp      []*smtp.Server
	imap      []*imapserver.Server
	serving   sync.WaitGroup
	reading   sync.WaitGroup // IMAP sessions

	ending chan struct{} // closed as it ends

	mu       sync.Mutex
	stopped  bool
	conns    map[*conn]bool
	sessions map[*signedIn]bool
}

// signedIn is a session that has signed in.
type signedIn struct {
	account account
	leave   func(why string) // ends it
}

// How long the gateway waits at its end: for letters that are under way, and for the rest.
const (
	lastLetters = 5 * time.Second
	lastWords   = time.Second
)

// ErrRuns is why a gateway does not start that another process runs.
var ErrRuns = errors.New("another process runs this gateway")

// Start makes the gateway answer, and returns when it does. It does nothing if it runs. care.Conflict: another process
// runs it (ErrRuns), or it cannot listen on a port, in the field "imapport" or "smtpport".
func (g *Gateway) Start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil {
		return nil
	}
	if g.closed {
		return errStopped
	}
	r := &running{g: g, memory: memory{most: g.o.Limits.Memory}, broke: make(chan error, 8), refusing: make(chan struct{}, 16),
		ending: make(chan struct{}), conns: map[*conn]bool{}, sessions: map[*signedIn]bool{}}
	var err error
	if r.lock, err = store.Lock(filepath.Join(g.dir, "lock")); err != nil {
		return care.Because(care.Conflict, errors.Join(ErrRuns, err), "This gateway runs already: another process has its folder "+g.dir+".")
	}
	if err := r.start(ctx); err != nil {
		for _, l := range r.listeners {
			_ = l.Close() // it served nobody
		}
		return errors.Join(err, r.lock.Close())
	}
	g.running = r
	return nil
}

// RunsElsewhere reports whether another process runs this gateway, or another Gateway of this process.
func (g *Gateway) RunsElsewhere() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil {
		return false, nil
	}
	lock, err := store.Lock(filepath.Join(g.dir, "lock"))
	if err != nil {
		return true, nil // as Start takes it
	}
	return false, lock.Close()
}

func (r *running) start(ctx context.Context) error {
	g := r.g
	c, err := g.certificates()
	if err != nil {
		return fmt.Errorf("make the gateway's folder tls: %w", err)
	}
	if _, err := c.get(); err != nil {
		return err
	}
	r.indexes = newIndexes(g.db.Read)
	if r.writer, err = newWriter(ctx, g, r.indexes); err != nil {
		return err
	}
	open, err := r.listen()
	if err != nil {
		return err
	}
	go r.writer.run()
	r.serving.Add(1)
	go func() {
		defer r.serving.Done()
		r.watch()
	}()
	config := c.config()
	for _, at := range open {
		service, l := at.service, at.Listener
		in := &listener{Listener: l, r: r}
		secure := service == imaps || service == smtps
		if secure {
			in.tls = config
		}
		clear := !secure && g.o.Clear && loopback(l.Addr())
		if service == imaps || service == imapC {
			in.refusal = "* BYE The gateway has no room for another connection. Try again later.\r\n"
			start := config
			if secure {
				start, in.asks = nil, true
			}
			s := imapServer(r, start, clear || secure)
			r.imap = append(r.imap, s)
			r.serve(func() error { return s.Serve(in) })
			continue
		}
		in.perRead = smtpPatience
		in.refusal = "421 4.3.2 The gateway has no room for another connection. Try again later.\r\n"
		s := smtpServer(r, clear)
		if !secure {
			s.TLSConfig = config
		}
		r.smtp = append(r.smtp, s)
		r.serve(func() error { return s.Serve(in) })
	}
	return nil
}

// service is one that is listened for.
type service struct {
	service string
	net.Listener
}

// listen opens the gateway's ports, and those that it has left as far as they can be had.
func (r *running) listen() (open []service, err error) {
	g := r.g
	for name, at := range g.at.addresses {
		l := g.held[name]
		delete(g.held, name)
		if l == nil {
			if l, err = net.Listen("tcp", at); err != nil {
				return nil, deaf(name, at, err)
			}
		}
		open = append(open, service{name, l})
		r.listeners = append(r.listeners, l)
	}
	for name, all := range g.at.former {
		for _, at := range all {
			l, err := net.Listen("tcp", at)
			if err != nil {
				g.log.Warn("the gateway cannot serve where it was before", "service", name, "address", at, "err", err)
				continue
			}
			open = append(open, service{name, l})
			r.listeners = append(r.listeners, l)
		}
	}
	return open, nil
}

// deaf says why a port cannot be listened on.
func deaf(service, at string, err error) error {
	host, port, _ := net.SplitHostPort(at) // it was joined here
	where := at
	if everywhere(host) {
		where = "port " + port
	}
	why := "."
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why = ": another program has that port. Choose another one, or end that program."
	case errors.Is(err, syscall.EACCES):
		why = ": ports below 1024 are for programs with more rights on this computer. Choose one from 1024 on."
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = ": this computer does not have that address."
	}
	what := fmt.Sprintf("The gateway cannot listen for %s on %s%s", service, where, why)
	return care.Because(care.Conflict, err, what).In(fieldOf(service))
}

// fieldOf is the field in which a service's port is chosen.
func fieldOf(service string) string {
	if service == imaps || service == imapC {
		return "imapport"
	}
	return "smtpport"
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (r *running) serve(f func() error) {
	r.serving.Add(1)
	go func() {
		defer r.serving.Done()
		if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
			select {
			case r.broke <- err:
			default:
			}
		}
	}()
}

// Stop ends all connections and returns when everything that was accepted is on the disk. Letters that are under way have
// some seconds to arrive. It does nothing if the gateway does not run.
func (g *Gateway) Stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.running
	if r == nil {
		return nil
	}
	g.running = nil
	for _, l := range r.listeners {
		_ = l.Close() // nothing is lost with it
	}
	r.mu.Lock()
	r.stopped = true
	conns := make([]*conn, 0, len(r.conns))
	for c := range r.conns {
		conns = append(conns, c)
	}
	r.mu.Unlock()
	close(r.ending)
	for _, c := range conns {
		c.dismiss(isEnding)
	}
	r.await(lastLetters, func(c *conn) bool { return c.taking.Load() })
	r.await(lastWords, func(*conn) bool { return true })
	for _, c := range r.left() {
		_ = c.Close() // it had its time
	}
	r.serving.Wait() // with their listeners closed they end; one that has not begun to serve may not be closed yet
	for _, s := range r.imap {
		_ = s.Close()
	}
	// With their connections closed, sessions end as soon as what they are doing is done.
	for _, s := range r.smtp {
		_ = s.Shutdown(context.Background()) // likewise
	}
	r.reading.Wait()
	close(r.writer.stop)
	<-r.writer.done
	return r.lock.Close()
}

// await waits, for so long at most, until no connection is as it says.
func (r *running) await(most time.Duration, is func(*conn) bool) {
	end := time.Now().Add(most)
	for time.Now().Before(end) {
		some := false
		for _, c := range r.left() {
			some = some || is(c)
		}
		if !some {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *running) left() []*conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.conns))
}

// keep notes a connection, unless the gateway is ending.
func (r *running) keep(c *conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.conns[c] = true
	return true
}

func (r *running) forget(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

func (r *running) enter(s *signedIn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions[s] = true
}

func (r *running) exit(s *signedIn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}

// pause is how often the gateway looks whether another process changed logins.
const pause = 400 * time.Millisecond

// watch ends the sessions of logins that were removed or have another password.
func (r *running) watch() {
	last := ""
	for {
		select {
		case <-r.ending:
			return
		case <-time.After(pause):
		}
		now, err := r.revision()
		if err != nil || now == last {
			continue // where the file cannot be read, sessions learn it themselves
		}
		last = now
		for _, s := range r.signedIn() {
			a, err := r.g.account(context.Background(), s.account.name)
			if errors.Is(err, errRefused) || err == nil && a.hash != s.account.hash {
				s.leave(notGood)
			}
		}
	}
}

func (r *running) revision() (text string, err error) {
	err = r.g.db.Read(context.Background(), func(tx *sql.Tx) error {
		err := tx.QueryRow("SELECT value FROM setting WHERE name = 'logins'").Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return text, err
}

func (r *running) signedIn() []*signedIn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.sessions))
}

// signIn is what signs in at either protocol: it slows wrong passwords down and counts connections.
func (r *running) signIn(c *conn, wrong *int, name, password string) (account, error) {
	a, err := r.g.authenticate(context.Background(), name, password)
	if err == nil {
		return a, c.signedIn(a.name)
	}
	if !errors.Is(err, errRefused) {
		r.g.log.Error("a password could not be looked up", "err", err)
		return a, err
	}
	*wrong++
	wait := r.g.gate.wait(c.from, r.g.o.Now())
	r.g.log.Info("a password was wrong", "from", c.from, "wait", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ending:
	}
	return a, errRefused
}

// libraryLog is a logger for the libraries. What they would log may hold what a client said; only its form is kept, and of
// a panic where it was.
type libraryLog struct {
	g    *Gateway
	name string
}

func (l libraryLog) Printf(format string, args ...any) {
	if !strings.HasPrefix(format, "panic") {
		l.g.log.Debug(l.name+": "+format, "args", len(args))
		return
	}
	stack := ""
	for _, a := range args {
		if b, ok := a.([]byte); ok {
			stack = string(b) // debug.Stack: names, lines and addresses
		}
	}
	l.g.log.Error(l.name+": a panic was contained", "args", strconv.Itoa(len(args)), "stack", stack)
}

func (l libraryLog) Println(args ...any) { l.Printf("a message", args...) }
