// Package fetch reads mailboxes by IMAP: it finds out which letters of a login's folders are not stored yet and hands
// their bytes on, newest first. A letter counts as fetched only once the sink has stored it, absence means nothing, and
// it changes nothing on the server, but for Remove, which takes a trial's letter away again, and Archive, which moves old letters to
// another folder. It does not look into letters.
package fetch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"postern/backend/care"
	"postern/backend/post/dial"
)

// Max is the largest letter whose bytes are fetched. Of a larger one only its place, its size and its header are handed on.
const Max = 8 << 20

// MaxHead is how much of a larger letter's header is handed on beside.
const MaxHead = 64 << 10

// Letter is one message as the mail system holds it. (Folder, Validity, UID) names it for that login; the same bytes
// may come under several names.
type Letter struct {
	Folder   string
	Validity uint32
	UID      uint32
	Internal time.Time // the server's date of arrival
	Size     int
	Message  []byte // nil if larger than Max
	Head     []byte // of one that is larger: its header, or the first MaxHead bytes of that
}

// Sink keeps what is fetched. Its methods are called by one goroutine at a time for each Fetcher, but that Open runs
// beside the storing of the batch before.
type Sink interface {
	// Known gives a function that reports whether the letter of that UID need not be fetched: it is stored, or it was and
	// is of no use yet. Where such letters are wanted after all, Again says so. It is asked only of UIDs from a number on.
	Known(ctx context.Context, folder string, validity, from uint32) (has func(uid uint32) bool, err error)
	// Open does with letters what takes long and needs nothing of those before them. It keeps nothing: what was opened may
	// never be stored. The slice is the sink's from then on.
	Open(ctx context.Context, letters []Letter) (Batch, error)
	// Progress says how many of the letters that were missing at the start of a full check are stored.
	Progress(done, total int)
	// UpToDate says that everything the server had at that time is stored.
	UpToDate(at time.Time)
	// Problem says why nothing can be fetched now: a *care.Error with a sentence for the person. The fetcher tries
	// again by itself.
	Problem(err error)
}

// Lister is a Sink that is told all that the server shows of a folder, whenever everything is compared. dated asks the server
// when one of these letters came; zero: it does not say.
type Lister interface {
	Listed(ctx context.Context, folder string, validity uint32, uids []uint32, dated func(uid uint32) (time.Time, error)) error
}

// Batch is letters that a sink has opened.
type Batch interface {
	// Store keeps them, all or none; only then do they count as fetched. Batches are stored one after the other, in the
	// order in which they were opened.
	Store(ctx context.Context) error
}

// Fetcher keeps one login's letters fetched, over one connection. The exported fields are set before its first use.
type Fetcher struct {
	Login care.MailLogin
	Sink  Sink
	Now   func() time.Time // the wall clock; time.Now if nil
	Log   *slog.Logger     // nil: nothing is logged

	// Places, if not nil, gives the login as it can be connected with, best first: a mail system moves. Took is told which did.
	Places func(care.MailLogin) []care.MailLogin
	Took   func(care.MailLogin)

	// Poll is how often a server without IDLE is asked, and Round how often the folders beside INBOX are looked at
	// where it has IDLE. Zero: 30 seconds and a minute.
	Poll, Round time.Duration
	// Pause is how long to wait before the next connection after that many failures in a row; jittered doubling from
	// one second to two minutes if nil. Connections that broke off when everything had come in count as four at most.
	// The pause is at least a minute where a person must act first: a refused password, a certificate that is not to
	// be trusted.
	Pause func(failures int) time.Duration

	once    sync.Once
	again   atomic.Bool // compare everything at the next look
	nudge   chan struct{}
	open    atomic.Pointer[dial.Conn]
	doubted atomic.Bool   // the connection may be dead
	trouble map[place]int // how often a letter's fetching broke off
	pardon  time.Time     // when that was last forgotten
	weighed time.Time     // when the quota was last asked for
	filling bool          // and it was high
}

// place names a letter.
type place struct {
	folder   string
	validity uint32
	uid      uint32
}

func (f *Fetcher) init() {
	f.once.Do(func() {
		f.nudge = make(chan struct{}, 1)
		f.trouble = map[place]int{}
		if f.Now == nil {
			f.Now = time.Now
		}
		if f.Log == nil {
			f.Log = slog.New(slog.DiscardHandler)
		}
		if f.Poll == 0 {
			f.Poll = 30 * time.Second
		}
		if f.Round == 0 {
			f.Round = time.Minute
		}
		if f.Pause == nil {
			f.Pause = pause
		}
	})
}

func pause(failures int) time.Duration {
	d := min(time.Second<<min(failures-1, 10), 2*time.Minute)
	return d/2 + rand.N(d)
}

// steady is how long a connection must have held to count as a good one.
const steady = time.Minute

// brief is as many failures as count after a connection on which everything came in and that broke off before it was steady: a
// mail system that starts again and again is read within some twelve seconds each time, and one that throws everybody out is asked by each
// login every eight.
const brief = 4

// daily is how often the whole mailbox is compared, beside at every connection.
const daily = 24 * time.Hour

// Run fetches what is missing and then waits for more, until ctx ends. Whatever breaks, it tells the sink, pauses and
// connects again. It returns the context's error.
func (f *Fetcher) Run(ctx context.Context) error {
	f.init()
	for failures := 0; ; {
		began, complete := f.Now(), false
		err := f.connected(ctx, func(s *session) error {
			if err := s.full(ctx); err != nil {
				return err
			}
			complete = true
			return s.watch(ctx)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failures++
		if complete {
			failures = min(failures, brief)
			if f.Now().Sub(began) >= steady {
				failures = 1
			}
		}
		f.Sink.Problem(err)
		wait := f.Pause(failures)
		if care.KindOf(err) == care.Forbidden {
			wait = max(wait, time.Minute)
		}
		f.Log.Info("fetching broke off", "host", f.Login.IMAP.Host, "failures", failures, "pause", wait, "err", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-f.nudge:
		}
		timer.Stop()
	}
}

// Once fetches all that is missing now and returns when it is stored. The error is a *care.Error, or the context's.
func (f *Fetcher) Once(ctx context.Context) error {
	f.init()
	err := f.connected(ctx, func(s *session) error { return s.full(ctx) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		f.Sink.UpToDate(f.Now())
	}
	return err
}

// Nudge asks for a look now, and ends a pause. It returns at once.
func (f *Fetcher) Nudge() {
	f.init()
	select {
	case f.nudge <- struct{}{}:
	default:
	}
}

// Doubt says that the connection may be dead without a word: the computer slept, or its network is another. The server is asked at
// once, and has five seconds to answer; then there is a new connection. It returns at once.
func (f *Fetcher) Doubt() {
	f.doubted.Store(true)
	if c := f.open.Load(); c != nil {
		c.SetPatience(probe) // of what is under way
	}
	f.Nudge()
}

// Again asks for a look that compares everything, because letters that needed no fetching do now. It returns at once.
func (f *Fetcher) Again() {
	f.again.Store(true)
	f.Nudge()
}

// connected does something with a connection of its own.
func (f *Fetcher) connected(ctx context.Context, do func(*session) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	f.doubted.Store(false)
	f.open.Store(s.conn)
	defer f.open.Store(nil)
	if err := do(s); err != nil {
		return s.explain(err)
	}
	return nil
}

// errChanged says that a folder is not what it was a moment ago.
var errChanged = errors.New("the folder was replaced while it was read")
