package fetch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
)

// replica is a sink that keeps letters as a replica does: by name what was fetched, by content what it means.
type replica struct {
	mu       sync.Mutex
	byName   map[name]string
	stored   []fetch.Letter // in the order in which they came
	twice    []name         // stored although known
	progress [][2]int
	upToDate int
	problems []error
	fail     error               // what Store answers, once
	before   func()              // runs before a batch is stored
	looks    func(folder string) // runs when it is asked what it has of a folder
	moved    chan struct{}
}

type name struct {
	folder   string
	validity uint32
	uid      uint32
}

func newReplica() *replica { return &replica{byName: map[name]string{}, moved: make(chan struct{})} }

func (r *replica) Known(_ context.Context, folder string, validity, _ uint32) (func(uint32) bool, error) {
	if r.looks != nil {
		r.looks(folder)
	}
	return func(uid uint32) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, ok := r.byName[name{folder, validity, uid}]
		return ok
	}, nil
}

// opened is a batch that the replica has opened.
type opened struct {
	*replica
	letters []fetch.Letter
}

func (r *replica) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	return opened{r, letters}, nil
}

func (b opened) Store(context.Context) error {
	r := b.replica
	if r.before != nil {
		r.before()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		err := r.fail
		r.fail = nil
		return err
	}
	for _, l := range b.letters {
		n := name{l.Folder, l.Validity, l.UID}
		if _, ok := r.byName[n]; ok {
			r.twice = append(r.twice, n)
		}
		payload, err := letter.Read(l.Message)
		if err != nil {
			payload = nil
		}
		r.byName[n] = string(payload)
		r.stored = append(r.stored, l)
	}
	r.wake()
	return nil
}

func (r *replica) Progress(done, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = append(r.progress, [2]int{done, total})
}

func (r *replica) UpToDate(time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.upToDate++
	r.wake()
}

func (r *replica) Problem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err)
	r.wake()
}

func (r *replica) wake() {
	close(r.moved)
	r.moved = make(chan struct{})
}

// until waits for something to become true of the replica.
func (r *replica) until(t testing.TB, what string, ready func() bool) {
	t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		r.mu.Lock()
		ok, moved := ready(), r.moved
		problems := r.problems
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-moved:
		case <-limit.C:
			t.Fatalf("%s did not happen; problems: %v", what, problems)
		}
	}
}

// texts are the letters that the replica holds, each once however often it came.
func (r *replica) texts() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]bool{}
	for _, text := range r.byName {
		if text != "" {
			out[text] = true
		}
	}
	return out
}

// has looks for a letter. The lock is held, as until holds it.
func (r *replica) has(text string) (name, bool) {
	for n, have := range r.byName {
		if have == text {
			return n, true
		}
	}
	return name{}, false
}

func (r *replica) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byName)
}

// mail is a letter that says n.
func mail(t testing.TB, n int) []byte {
	t.Helper()
	return mailOf(t, text(n))
}

func mailOf(t testing.TB, payload string) []byte {
	t.Helper()
	m, err := letter.Write(letter.Header{From: "a@postern.test", To: "b@postern.test", Domain: "postern.test",
		Date: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(n int) string { return fmt.Sprintf("PSTN\x01 letter %d", n) }

func mails(t testing.TB, from, n int) [][]byte {
	t.Helper()
	var out [][]byte
	for i := range n {
		out = append(out, mail(t, from+i))
	}
	return out
}

// holds checks that a replica holds exactly the letters that say 0 to n-1.
func (r *replica) holds(t testing.TB, n int) {
	t.Helper()
	got := r.texts()
	for i := range n {
		if !got[text(i)] {
			t.Errorf("letter %d is missing", i)
		}
		delete(got, text(i))
	}
	if len(got) > 0 {
		t.Errorf("%d letters too many: %q", len(got), fmt.Sprint(got))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.twice) > 0 {
		t.Errorf("fetched though stored: %v", r.twice)
	}
}

// fetcher makes one that loses no time between its tries.
func fetcher(login care.MailLogin, r *replica) *fetch.Fetcher {
	return &fetch.Fetcher{Login: login, Sink: r, Pause: func(int) time.Duration { return 10 * time.Millisecond }}
}

// running runs a fetcher until the test ends.
func running(t testing.TB, f *fetch.Fetcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func once(t testing.TB, f *fetch.Fetcher) {
	t.Helper()
	if err := f.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// told checks that an error says what happened, where the text is, and what to do.
func told(t testing.TB, err error, kind care.Kind, what string) {
	t.Helper()
	if err == nil || care.KindOf(err) != kind {
		t.Fatalf("kind %q, want %q: %v", care.KindOf(err), kind, err)
	}
	s := care.SentenceOf(err)
	_, after, kept := strings.Cut(s, "Nothing was lost: what you wrote is kept on this computer.")
	if !strings.Contains(s, what) || !kept || strings.TrimSpace(after) == "" {
		t.Errorf("it says not enough (%s): %s", what, s)
	}
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }

// box is a mailbox with a login that may only read it.
func box(t testing.TB, sys *posttest.System) (string, care.MailLogin) {
	t.Helper()
	local := sys.AddMailbox(t)
	return local, sys.AddLogin(t, local, posttest.Staff)
}
