// Package replica keeps a profile in step with its mailboxes.
//
// open.go opens what the mail system has, in.go takes it into the journal, learn.go what documents change, out.go takes
// what the outbox holds to the mail system, lost.go puts back what that has lost. It decides nothing about what events mean, and no text is lost by anything
// that the network does.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/fetch"
	"postern/backend/record/digests"
	"postern/backend/record/documents"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/record/projection"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// Author turns what a person still could take back into facts as submission begins; the command room does it.
type Author interface {
	// Ready lists the held texts whose hold has ended and says when the next hold ends.
	Ready(ctx context.Context) (drafts []string, next time.Time, err error)
	// Promote makes a held text an event, or sets it aside for its author to review.
	Promote(ctx context.Context, draft string) error
	// StillMeant reports whether a fact that nobody has received yet should go out; where a colleague was first it
	// drops the fact and tells its author.
	StillMeant(ctx context.Context, id care.EventID) (bool, error)
	// DeliveryFailed notes that a letter was refused for good.
	DeliveryFailed(ctx context.Context, thread care.ThreadID, id care.EventID, mailbox care.MailboxID, reason string) error
}

// Answers takes answers to invitations.
type Answers interface {
	// Knows reports whether an answer is to an invitation that was made here. It is quick: anybody can mail one.
	Knows(d directory.Document) bool
	// Came says that answers were stored. It must not block.
	Came()
}

// Replica is one signed-in profile's part of the network. Its fields are set before Run.
type Replica struct {
	DB         *store.DB
	Journal    *journal.Journal
	Outbox     *outbox.Outbox
	Projection *projection.Projection
	Documents  *documents.Documents
	Digests    *digests.Digests // nil: none are kept here
	Books      *Books
	Ring       *seal.Ring       // to begin with; grants add to it
	Device     care.KeyID       // to which grants are made
	Answers    Answers          // nil: no invitations are made here
	Logins     []care.MailLogin // to begin with; grants add to them. The first one also submits
	Author     Author
	// Here, where it is set, says where the mail system is reached that runs on this computer; nil: none does. It knows of a move before
	// any directory comes, and of any number of them: who runs it is not cut off from it.
	Here func() *care.MailPlace
	// Looked, where it is set, hears by their hashes which documents lie in a mailbox that may have lost letters. After an error it
	// hears it again.
	Looked func(mailbox care.MailboxID, documents map[string]bool) error
	// Learn, where it is set, keeps everything here until each mailbox has been read to its end: this is an older copy, and what
	// it did since lies there. It is called then, and nothing is submitted before it has returned nil.
	Learn func(context.Context) error

	// Heard, where it is set, hears of each of the care team's events that counts, with the server's date. It must not block.
	Heard func(e *event.Event, arrived time.Time)

	Keeps func() bool // whether this replica looks after its mailboxes: what they lose is put back; nil: it does not

	Now     func() time.Time
	Log     *slog.Logger
	Changed func(threads []care.ThreadID, texts, sync bool) // after each commit; it must not block

	// ResealAfter is the age from which an unconfirmed letter is sealed anew before it is sent again.
	ResealAfter time.Duration

	once      sync.Once
	rings     sync.Mutex
	wider     *seal.Ring    // with what was granted since; nil: nothing was
	learning  sync.Mutex    // one mailbox at a time brings documents
	sending   chan struct{} // holds one token while somebody submits
	running   atomic.Bool
	learns    sync.Mutex // held while an older copy is told what it did since
	learnt    atomic.Bool
	dismissed atomic.Bool // the practice has withdrawn this device's key
	kick      chan struct{}
	again     chan struct{}                   // ends a rest after a failed connection
	lost      chan struct{}                   // something is gone from a mailbox
	gone      map[int]map[string]journal.Gone // by login and folder, where anything is
	putBack   map[care.MailboxID]time.Time    // when what a mailbox lacked was last put back
	turned    chan struct{}                   // the person went offline, or online again, or reads other mailboxes than before
	mu        sync.Mutex
	quotas    map[care.MailboxID]care.Quota // as the mail system said last
	states    []care.SyncState              // by login
	outgoing  care.SyncState
	gauges    map[int]fetch.Gauge // by login, as far as the mail system told
	handed    time.Time           // when it last took a letter
	failing   time.Time           // since when nothing can be submitted; zero: it can, or nothing has to be
	fetchers  []*fetch.Fetcher
	granted   map[care.MailboxID]string // when the login that is used was granted; nothing of those to begin with
	pulled    []bool                    // by login: in step since the last connection
	vain      bool                      // submission has waited in vain for a mailbox, and does not wait for it again
	offline   bool                      // the person wants nothing fetched and nothing sent
	reached   *care.MailPlace           // the last place of a directory at which the mail system was reached; nil: none
}

// Books holds the newest known directory. It is safe for concurrent use.
type Books struct {
	mu   sync.RWMutex
	book *directory.Book
}

// NewBooks starts with a book.
func NewBooks(b *directory.Book) *Books { return &Books{book: b} }

// Book is the newest one.
func (b *Books) Book() *directory.Book {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.book
}

func (b *Books) set(book *directory.Book) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.book = book
}

func (r *Replica) init() {
	r.once.Do(func() {
		r.kick, r.again, r.sending = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
		r.turned, r.lost = make(chan struct{}, 1), make(chan struct{}, 1)
		r.gone, r.putBack = map[int]map[string]journal.Gone{}, map[care.MailboxID]time.Time{}
		r.states = make([]care.SyncState, len(r.Logins))
		r.pulled = make([]bool, len(r.Logins))
		for i, login := range r.Logins {
			r.states[i] = care.SyncState{Phase: care.SyncStarting}
			r.fetchers = append(r.fetchers, r.fetcher(i, login))
		}
	})
}

func (r *Replica) fetcher(at int, login care.MailLogin) *fetch.Fetcher {
	return &fetch.Fetcher{Login: login, Sink: &source{r: r, at: at, login: login}, Now: r.Now, Log: r.Log,
		Places: r.places, Took: r.took}
}

// Run fetches and submits until the context ends, but for the time that the person works offline. It returns the
// context's error.
func (r *Replica) Run(ctx context.Context) error {
	r.init()
	r.running.Store(true)
	defer r.running.Store(false)
	for ctx.Err() == nil {
		online, cancel := context.WithCancel(ctx)
		over := make(chan error, 1)
		if r.Offline() {
			over = nil
		} else {
			go func() { over <- r.online(online) }()
		}
		select {
		case err := <-over:
			cancel()
			return err
		case <-ctx.Done():
		case <-r.turned:
		}
		cancel()
		if over != nil {
			<-over
		}
	}
	return ctx.Err()
}

// online fetches and submits until the context ends.
func (r *Replica) online(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range r.reading() {
		g.Go(func() error { return f.Run(ctx) })
	}
	g.Go(func() error { return r.submitting(ctx) })
	g.Go(func() error { return r.puttingBack(ctx) })
	return g.Wait()
}

// SetOffline stops all fetching and sending, or begins it again, at once: what waits goes out then, checked against what
// came in meanwhile.
func (r *Replica) SetOffline(offline bool) {
	r.init()
	r.mu.Lock()
	same := r.offline == offline
	r.offline = offline
	if !same {
		for i, s := range r.states {
			r.states[i], r.pulled[i] = care.SyncState{Phase: care.SyncStarting, Checked: s.Checked}, false
		}
		r.outgoing, r.vain = care.SyncState{}, false
	}
	r.mu.Unlock()
	if same {
		return
	}
	r.turn()
	r.Changed(nil, false, true)
}

func (r *Replica) turn() {
	select {
	case r.turned <- struct{}{}:
	default: // Run has not seen the last turn yet, and will see both
	}
}

// Offline reports whether the person works offline.
func (r *Replica) Offline() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offline
}

// errOffline is why nothing is done about the network.
var errOffline = care.Refusef(care.Unavailable, "You are working offline.")

// Pull fetches once from every mailbox and returns when all that was there is stored.
func (r *Replica) Pull(ctx context.Context) error {
	r.init()
	if r.Offline() {
		return errOffline
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range r.reading() {
		g.Go(func() error { return f.Once(ctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return r.learnFirst(context.WithoutCancel(ctx)) // the group's is over
}

// Kick says that the outbox may have work.
func (r *Replica) Kick() {
	r.init()
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Nudge looks for new mail and submits now, without waiting for the mail system to call. It does nothing for who works
// offline.
func (r *Replica) Nudge() {
	r.init()
	if r.Offline() {
		return
	}
	for _, f := range r.reading() {
		f.Nudge()
	}
	r.tryAgain()
	r.Kick()
}

// Doubt is as Nudge, after the computer slept or came into another network: connections may be dead.
func (r *Replica) Doubt() {
	r.init()
	if r.Offline() {
		return
	}
	for _, f := range r.reading() {
		f.Doubt()
	}
	r.tryAgain()
	r.Kick()
}

func (r *Replica) tryAgain() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// State is what the foot of the screen says of all mailboxes together: the one that most wants attention.
func (r *Replica) State() care.SyncState {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	reads := r.reads()
	out := care.SyncState{Phase: care.SyncUpToDate}
	if urgency(r.outgoing.Phase) >= urgency(care.SyncOffline) {
		out = r.outgoing
	}
	first := true
	for i, s := range r.states {
		if !reads[i] {
			continue
		}
		out.Done, out.Total = out.Done+s.Done, out.Total+s.Total
		if urgency(s.Phase) > urgency(out.Phase) {
			out.Phase, out.Problem = s.Phase, s.Problem
		}
		if first || s.Checked.Before(out.Checked) { // of all, the one checked longest ago, or never
			out.Checked, first = s.Checked, false
		}
	}
	if r.dismissed.Load() {
		return problemState(errDismissed, out.Checked)
	}
	if r.offline {
		return care.SyncState{Phase: care.SyncOffline, Checked: out.Checked, Chosen: true}
	}
	return out
}

func urgency(p care.SyncPhase) int {
	switch p {
	case care.SyncRefused:
		return 5
	case care.SyncAmiss:
		return 4
	case care.SyncOffline:
		return 3
	case care.SyncFetching:
		return 2
	case care.SyncStarting:
		return 1
	}
	return 0
}

// problemState is the sync state that an error gives: of the mail system, or of the disk that should keep what comes.
func problemState(err error, checked time.Time) care.SyncState {
	phase := care.SyncAmiss
	switch care.KindOf(err) {
	case care.Unavailable:
		phase = care.SyncOffline
	case care.Forbidden, care.Invalid:
		phase = care.SyncRefused
	}
	return care.SyncState{Phase: phase, Problem: care.SentenceOf(err), Checked: checked}
}
