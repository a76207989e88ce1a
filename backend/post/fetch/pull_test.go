package fetch_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/posttest"
)

// staged is a replica whose opening and storing of the first, second, … batch can be held up. The hooks may be nil.
type staged struct {
	*replica
	open, store func(ctx context.Context, n int) error
	begun       int // batches whose opening has begun
}

func (s *staged) Open(ctx context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	s.begun++
	n := s.begun
	if s.open != nil {
		if err := s.open(ctx, n); err != nil {
			return nil, err
		}
	}
	b, err := s.replica.Open(ctx, letters)
	return stagedBatch{b, s, n}, err
}

type stagedBatch struct {
	fetch.Batch
	s *staged
	n int
}

func (b stagedBatch) Store(ctx context.Context) error {
	if b.s.store != nil {
		if err := b.s.store(ctx, b.n); err != nil {
			return err
		}
	}
	return b.Batch.Store(ctx)
}

// four are the letters of four batches.
const four = 1600

func stagedBox(t *testing.T, sys *posttest.System) (*staged, *fetch.Fetcher) {
	t.Helper()
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, four)...)
	s := &staged{replica: newReplica()}
	return s, &fetch.Fetcher{Login: login, Sink: s}
}

// wait ends with what is waited for, or with the context.
func wait(ctx context.Context, what <-chan struct{}) error {
	select {
	case <-what:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// While a batch is stored the next is opened, and no more than the next.
func TestOpensAheadByOne(t *testing.T) { posttest.Each(t, testOpensAheadByOne) }

func testOpensAheadByOne(t *testing.T, sys *posttest.System) {
	s, f := stagedBox(t, sys)
	var opened, stored [5]chan struct{}
	for i := range opened {
		opened[i], stored[i] = make(chan struct{}), make(chan struct{})
	}
	s.open = func(_ context.Context, n int) error {
		close(opened[n])
		if n < 3 {
			return nil
		}
		select { // what waits to be stored is the batch before
		case <-stored[n-2]:
			return nil
		default:
			return errors.New("opened too far ahead")
		}
	}
	s.store = func(ctx context.Context, n int) error {
		defer close(stored[n])
		if n == len(opened)-1 {
			return nil
		}
		return wait(ctx, opened[n+1])
	}
	once(t, f)
	s.holds(t, four)
	if want := [][2]int{{0, four}, {500, four}, {1000, four}, {1500, four}, {four, four}}; !slices.Equal(s.progress, want) {
		t.Errorf("progress %v", s.progress)
	}
	if s.upToDate != 1 {
		t.Errorf("up to date %d times", s.upToDate)
	}
}

// What cannot be stored ends the opening of the next batch too, and leaves nothing of it; the next time all of it comes.
func TestStoringFailsWhileTheNextIsOpened(t *testing.T) {
	posttest.Each(t, testStoringFailsWhileTheNextIsOpened)
}

func testStoringFailsWhileTheNextIsOpened(t *testing.T, sys *posttest.System) {
	s, f := stagedBox(t, sys)
	opening := make(chan struct{})
	s.open = func(ctx context.Context, n int) error {
		if n < 3 {
			return nil
		}
		close(opening)
		<-ctx.Done()
		return ctx.Err()
	}
	s.store = func(ctx context.Context, n int) error {
		if n < 2 {
			return nil
		}
		if err := wait(ctx, opening); err != nil {
			return err
		}
		return care.Refusef(care.Full, "There is no room on this computer.")
	}
	if err := f.Once(t.Context()); care.KindOf(err) != care.Full {
		t.Errorf("it says %v", err)
	}
	if s.count() != 500 || s.upToDate != 0 || s.begun != 3 {
		t.Errorf("%d letters are stored, of %d batches; up to date %d times", s.count(), s.begun, s.upToDate)
	}
	s.open, s.store = nil, nil
	once(t, f)
	s.holds(t, four)
}

// A batch that cannot be opened is not stored, and none after it; the next time all of them come.
func TestOpeningFails(t *testing.T) { posttest.Each(t, testOpeningFails) }

func testOpeningFails(t *testing.T, sys *posttest.System) {
	s, f := stagedBox(t, sys)
	s.open = func(_ context.Context, n int) error {
		if n < 2 {
			return nil
		}
		return care.Refusef(care.Internal, "It cannot be opened.")
	}
	if err := f.Once(t.Context()); care.SentenceOf(err) != "It cannot be opened." {
		t.Errorf("it says %v", err)
	}
	if s.count() != 500 || s.upToDate != 0 || s.begun != 2 {
		t.Errorf("%d letters are stored, of %d batches; up to date %d times", s.count(), s.begun, s.upToDate)
	}
	s.open = nil
	once(t, f)
	s.holds(t, four)
}

// The end of the context reaches both who opens and who stores, and Once returns only when neither is at work any more.
func TestContextEndsWhileBothAreAtWork(t *testing.T) {
	posttest.Each(t, testContextEndsWhileBothAreAtWork)
}

func testContextEndsWhileBothAreAtWork(t *testing.T, sys *posttest.System) {
	s, f := stagedBox(t, sys)
	ctx, cancel := context.WithCancel(t.Context())
	var opened, stored bool // without a lock: the race detector tells if one is still at work
	opening := make(chan struct{})
	s.open = func(ctx context.Context, n int) error {
		if n == 1 {
			return nil
		}
		close(opening)
		<-ctx.Done()
		opened = true
		return ctx.Err()
	}
	s.store = func(ctx context.Context, _ int) error {
		<-opening
		cancel()
		<-ctx.Done()
		stored = true
		return ctx.Err()
	}
	if err := f.Once(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	if !opened || !stored || s.count() != 0 || s.upToDate != 0 {
		t.Errorf("opened: %v, stored: %v, %d letters; up to date %d times", opened, stored, s.count(), s.upToDate)
	}
	s.open, s.store = nil, nil
	once(t, f)
	s.holds(t, four)
}

// What comes while thousands of letters are fetched does not wait for all of them.
func TestNewestBetweenMany(t *testing.T) { posttest.Each(t, testNewestBetweenMany) }

func testNewestBetweenMany(t *testing.T, sys *posttest.System) {
	const many = 6000
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, many)...)
	s := &staged{replica: newReplica()}
	s.store = func(_ context.Context, n int) error {
		if n == 1 {
			sys.Append(t, local, "INBOX", arrival, mail(t, many))
		}
		return nil
	}
	f := &fetch.Fetcher{Login: login, Sink: s}
	once(t, f)
	s.holds(t, many+1)
	at := slices.IndexFunc(s.stored, func(l fetch.Letter) bool { return l.UID == many+1 })
	if at < 0 || at > many/2 {
		t.Errorf("the new letter was the %dth", at)
	}
}
