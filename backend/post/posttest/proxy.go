package posttest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"postern/backend/care"
)

// Proxy stands between a client and a server, and breaks what the test says. Faults that look at the protocol need a
// connection without TLS.
type Proxy struct {
	target   string
	listener net.Listener

	mu      sync.Mutex
	armed   *fault
	rewrite func(line string) string
	broken  func(line string) bool
	opened  int
	said    bytes.Buffer
	conns   map[net.Conn]bool
	closed  bool
	wait    sync.WaitGroup
	stall   chan struct{} // closed: what is open passes nothing any more
	over    chan struct{}
}

// Fault is a way in which a connection breaks.
type Fault struct {
	bytes    int  // of the server's, until the cut
	literals int  // of the server's that pass whole; the next is cut in its middle
	reply    bool // what the server says to the end of the client's message never arrives
}

// CutAfterBytes lets n bytes of the server's through, then closes both sides.
func CutAfterBytes(n int) Fault { return Fault{bytes: n, literals: -1} }

// CutAfterLiterals lets n whole literals of IMAP through and half of the next, then closes both sides.
func CutAfterLiterals(n int) Fault { return Fault{bytes: -1, literals: n} }

// CutBeforeReply closes both sides once an SMTP server has answered the end of a message, before the client hears it.
func CutBeforeReply() Fault { return Fault{bytes: -1, literals: -1, reply: true} }

type fault struct {
	Fault
	once sync.Once
	done chan struct{}
}

// NewProxy starts a proxy in front of an endpoint. It ends with the test.
func NewProxy(tb testing.TB, target care.Endpoint) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{target: net.JoinHostPort(target.Host, strconv.Itoa(target.Port)), listener: l, conns: map[net.Conn]bool{},
		stall: make(chan struct{}), over: make(chan struct{})}
	p.wait.Add(1)
	go p.accept()
	tb.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		_ = l.Close()
		close(p.over)
		p.CutAll()
		p.wait.Wait()
	})
	return p
}

// Endpoint is where the client connects, with the given way of securing it, which the proxy passes on.
func (p *Proxy) Endpoint(mode care.TLSMode) care.Endpoint {
	return care.Endpoint{Host: "127.0.0.1", Port: p.listener.Addr().(*net.TCPAddr).Port, TLS: mode}
}

// Arm makes a fault happen once, on connections opened from now on. What it returns is closed when it has happened.
func (p *Proxy) Arm(f Fault) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = &fault{Fault: f, done: make(chan struct{})}
	return p.armed.done
}

// Rewrite puts every line of the server's, without its line break, through f, on connections opened from now on.
// Literals pass as they are.
func (p *Proxy) Rewrite(f func(line string) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewrite = f
}

// Break closes a connection, every one from now on, at a line of the server's for which f is true. nil ends it.
func (p *Proxy) Break(f func(line string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = f
}

func (p *Proxy) breaks(line []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken != nil && p.broken(string(line))
}

// CutAll closes every connection that is open.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // that is the fault
	}
}

// Stall lets every connection that is open stay so, and passes nothing on any more: as a network that has gone does.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.stall)
	p.stall = make(chan struct{})
}

// passing writes until its connections stall; then it takes a write and never ends it.
type passing struct {
	io.Writer
	stall, over <-chan struct{}
}

func (w passing) Write(b []byte) (int, error) {
	select {
	case <-w.stall:
		<-w.over
		return 0, net.ErrClosed
	default:
		return w.Writer.Write(b)
	}
}

// Said is what clients have said so far, at most 1 MiB of it.
func (p *Proxy) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// take takes down what a client says.
func (p *Proxy) take(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if room := 1<<20 - p.said.Len(); room > 0 {
		p.said.Write(b[:min(room, len(b))])
	}
}

// Opened is how many connections there have been.
func (p *Proxy) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

func (p *Proxy) accept() {
	defer p.wait.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // as the server would
			continue
		}
		p.mu.Lock()
		f, rewrite := p.armed, p.rewrite
		byLine := f != nil && f.bytes < 0 || rewrite != nil || p.broken != nil
		p.opened++
		p.conns[client], p.conns[server] = true, true
		closed, stall := p.closed, p.stall
		p.mu.Unlock()
		if closed {
			_, _ = client.Close(), server.Close()
			return
		}
		p.wait.Add(1)
		go p.serve(client, server, f, rewrite, byLine, stall)
	}
}

func (p *Proxy) serve(client, server net.Conn, f *fault, rewrite func(string) string, byLine bool, stall <-chan struct{}) {
	defer p.wait.Done()
	ended := make(chan struct{})
	cut := func() { _, _ = client.Close(), server.Close() }
	message := &dataEnd{take: p.take}
	go func() {
		defer close(ended)
		_, _ = io.Copy(passing{server, stall, p.over}, io.TeeReader(client, message)) // either side's end is the end
		cut()
	}()
	heard := passing{client, stall, p.over}
	switch {
	case byLine:
		p.answers(heard, server, f, rewrite, message)
	case f != nil:
		if _, err := io.CopyN(heard, server, int64(f.bytes)); err == nil {
			p.happen(f)
		}
	default:
		_, _ = io.Copy(heard, server) // either side's end is the end
	}
	cut()
	<-ended
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// happen says that a fault has happened and disarms it.
func (p *Proxy) happen(f *fault) {
	p.mu.Lock()
	if p.armed == f {
		p.armed = nil
	}
	p.mu.Unlock()
	f.once.Do(func() { close(f.done) })
}

var literal = regexp.MustCompile(`\{(\d+)\+?\}\r\n$`)

// answers passes on what the server says, line by line and literal by literal, until it ends or the fault happens.
func (p *Proxy) answers(client io.Writer, server net.Conn, f *fault, rewrite func(string) string, message *dataEnd) {
	r := bufio.NewReaderSize(server, 64<<10)
	passed := 0
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		if p.breaks(line) {
			return
		}
		if f != nil && f.reply && message.ended() {
			p.happen(f)
			return
		}
		if rewrite != nil {
			line = append([]byte(rewrite(string(bytes.TrimRight(line, "\r\n")))), "\r\n"...)
		}
		if _, err := client.Write(line); err != nil {
			return
		}
		size := literal.FindSubmatch(line)
		if size == nil {
			continue
		}
		n, err := strconv.ParseInt(string(size[1]), 10, 64)
		if err != nil {
			return
		}
		if f != nil && f.literals == passed {
			_, _ = io.CopyN(client, r, n/2)
			p.happen(f)
			return
		}
		passed++
		if _, err := io.CopyN(client, r, n); err != nil {
			return
		}
	}
}

// dataEnd looks for the end of a message in what an SMTP client says.
type dataEnd struct {
	take func([]byte)
	mu   sync.Mutex
	last []byte
	seen bool
}

func (d *dataEnd) Write(b []byte) (int, error) {
	d.take(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	const end = "\r\n.\r\n"
	window := append(d.last, b...)
	d.seen = d.seen || bytes.Contains(window, []byte(end))
	d.last = bytes.Clone(window[max(0, len(window)-len(end)+1):])
	return len(b), nil
}

func (d *dataEnd) ended() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}
