// Package gateway is Postern's own mail system: SMTP submission and IMAP over one SQLite file, for the mailboxes of one
// domain and nobody else. A letter that it has answered with 250 is on the disk and stays there; it never looks into a
// letter, never relays one and keeps no password.
//
// RFC 5321 and 6409 (submission, local delivery only), 4954 (AUTH PLAIN, LOGIN), 3207, 8314 (TLS), 1870 (SIZE), 3461 (DSN,
// where every failure is the answer itself); RFC 9051 and 3501 (IMAP), 2177 (IDLE), 4315 (UIDPLUS), 4731, 5182 (ESEARCH,
// SEARCHRES), 6851 (MOVE), 5258, 5819, 6154 (LIST, its STATUS, special use), 7888 (LITERAL-). What it does not do is in
// docs/gateway.md.
package gateway

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Options are what a gateway is told. The zero value is a gateway for this computer alone.
type Options struct {
	// Domain follows the @ of its addresses, which signed documents name: it is set once, by the first opening.
	// Empty: DefaultDomain.
	Domain string
	// Hosts are the names and addresses under which clients reach it, for its certificate; the first goes into logins.
	// Kept when given. Empty: 127.0.0.1, ::1 and localhost.
	Hosts []string
	// Addresses to listen on, kept when given: IMAPS and SMTPS speak TLS at once, IMAP and SMTP begin without and offer
	// STARTTLS. An address without a port, and at first none at all, means a free port of 127.0.0.1 that is kept from
	// then on; IMAP and SMTP are not served unless Clear.
	IMAPS, SMTPS, IMAP, SMTP string
	// GoOn serves the addresses and hosts that were kept before on beside the given ones, as far as it can, for logins that
	// name them; kept when given, for the last three.
	GoOn bool
	// Clear serves IMAP and SMTP too, and takes passwords there without TLS from this computer. For tests that read along.
	Clear bool
	// Certificate and Key are files with a chain and a key to use, and Roots one with the authorities that a client must
	// trust beside its system's. Kept when given. Empty at first: the gateway makes an authority and certificates of its own.
	Certificate, Key, Roots string

	Limits Limits
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged. No secret and nothing of a letter is ever logged
}

// DefaultDomain is a domain that the internet does not have.
const DefaultDomain = "postern.internal"

// Limits are what clients may do. Zero fields are the defaults.
type Limits struct {
	Letter     int64 // bytes of one letter: 10,240,000; at most 16 MiB
	Mailbox    int64 // bytes of the letters in a mailbox, but for those in Archive and under it: 2 GiB
	Archive    int64 // bytes of those: four times as many
	Recipients int   // of one letter: 100
	PerMinute  int   // letters, counted for each recipient, that one login submits in a minute, after a first 600: 600
	Login      int   // connections of one login: 20
	Strangers  int   // connections that have not signed in: 500
	Address    int   // of those, from one address: 100
	Total      int   // connections: 2,000
	Memory     int64 // bytes of letters that are being taken in, of all logins: 512 MiB; an eighth for one login

	Patience time.Duration // for who has not signed in: a minute
	Wrong    time.Duration // until a wrong password is answered, doubled for each that follows from an address: 250 ms, at most 8 s
}

// pieces of a body: 256 KiB each, at most as many as a body's numbers leave room for.
const (
	pieceSize   = 256 << 10
	piecesEach  = 64
	largestEver = pieceSize * piecesEach
)

func (l *Limits) fill() {
	fill(&l.Letter, 10_240_000)
	l.Letter = min(l.Letter, largestEver)
	fill(&l.Mailbox, 2<<30)
	fill(&l.Archive, 4*l.Mailbox)
	fill(&l.Recipients, 100)
	fill(&l.PerMinute, 600)
	fill(&l.Login, 20)
	fill(&l.Strangers, 500)
	fill(&l.Address, 100)
	fill(&l.Total, 2000)
	fill(&l.Memory, 512<<20)
	fill(&l.Patience, time.Minute)
	fill(&l.Wrong, 250*time.Millisecond)
}

func fill[T ~int | ~int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// Gateway is a gateway in a folder. Its methods may run concurrently.
type Gateway struct {
	dir     string
	o       Options
	log     *slog.Logger
	db      *store.DB
	at      settings
	gate    *gate
	rates   rates
	mu      sync.Mutex
	running *running // nil while stopped
	closed  bool
	held    map[string]net.Listener // ports that were picked at the opening, until the first start
}

//go:embed schema.sql
var schema string

// files are the sentences of the gateway's file: they are read by whoever runs it.
var files = store.Sentences{
	NoRoom:  "There is no room left on the gateway's disk, so this could not be %s. Letters that it accepted are safe. Free some space.",
	BadDisk: "The gateway's disk reported an error, so this could not be %s. Have the disk checked.",
	Damaged: "The gateway's file gateway.db is damaged, or is another program's. Keep it, and go back to a backup as docs/gateway.md says.",
	MayNot:  "Postern may not write into the gateway's folder, so this could not be %s.",
	Held:    "Another program holds the gateway's file, so this could not be %s. Try again.",
	Newer:   "A newer Postern has used this gateway. Nothing was changed. Update Postern, then start it again.",
}

func fileSchema() store.Schema {
	return store.Schema{App: 0x50535447, Kept: schema, Sentences: files} // "PSTG"
}

// Open opens the gateway in a folder, and makes both if there are none. It listens on nothing: mailboxes and logins can
// be managed with it while another process runs the same gateway. Errors are care.Errors with a sentence: Conflict for
// another domain than its own, and those of store.OpenPlain.
func Open(ctx context.Context, dir string, o Options) (*Gateway, error) {
	o.Limits.fill()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, care.Because(care.Internal, err, "The gateway's folder "+dir+" cannot be made.")
	}
	g := &Gateway{dir: dir, o: o, log: o.Log, gate: newGate(o.Limits), rates: rates{perMinute: o.Limits.PerMinute}, held: map[string]net.Listener{}}
	var err error
	// Not encrypted: it starts without a person, so its key would lie beside it. Letters in it are sealed by those who send
	// them, and passwords are kept as hashes.
	if g.db, err = store.OpenPlain(ctx, filepath.Join(dir, "gateway.db"), fileSchema()); err != nil {
		return nil, err
	}
	if err := g.settle(ctx); err != nil {
		g.release()
		return nil, errors.Join(err, g.db.Close())
	}
	return g, nil
}

// Close stops the gateway, if it runs, and closes its file.
func (g *Gateway) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	g.release()
	g.mu.Unlock()
	return errors.Join(g.Stop(), g.db.Close())
}

// Dir is the gateway's folder.
func (g *Gateway) Dir() string { return g.dir }

// Domain is what follows the @ of its addresses.
func (g *Gateway) Domain() string { return g.at.domain }

// Run starts the gateway, calls ready once it answers, and runs it until ctx ends. It ends cleanly: what was accepted is
// on the disk, and sessions are told.
func (g *Gateway) Run(ctx context.Context, ready func()) error {
	if err := g.Start(ctx); err != nil {
		return err
	}
	if ready != nil {
		ready()
	}
	g.mu.Lock()
	r := g.running
	g.mu.Unlock()
	select {
	case <-ctx.Done():
	case err := <-r.broke:
		return errors.Join(fmt.Errorf("serve: %w", err), g.Stop())
	}
	return g.Stop()
}
