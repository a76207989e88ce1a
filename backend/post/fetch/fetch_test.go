package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/posttest"
)

var arrival = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

func TestEveryFolderButTrashAndDrafts(t *testing.T) {
	posttest.Each(t, testEveryFolderButTrashAndDrafts)
}

func testEveryFolderButTrashAndDrafts(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mail(t, 0))
	sys.Append(t, local, "Junk", arrival, mail(t, 1))
	sys.Append(t, local, "Sent", arrival, mail(t, 2))
	sys.Append(t, local, "Drafts", arrival, mail(t, 3))
	sys.Move(t, local, "Drafts", "Archive/2025") // it makes the folder
	sys.Append(t, local, "Trash", arrival, mail(t, 100))
	sys.Append(t, local, "Drafts", arrival, mail(t, 101))
	r := newReplica()
	once(t, fetcher(login, r))
	r.holds(t, 4)
	for _, l := range r.stored {
		if !l.Internal.Equal(arrival) || l.Size != len(l.Message) || l.Validity == 0 {
			t.Errorf("%s: arrived %s, size %d of %d bytes, validity %d", l.Folder, l.Internal, l.Size, len(l.Message), l.Validity)
		}
	}
	if r.upToDate != 1 {
		t.Errorf("it was up to date %d times", r.upToDate)
	}
	if last := r.progress[len(r.progress)-1]; last != [2]int{4, 4} || r.progress[0] != [2]int{0, 4} {
		t.Errorf("progress: %v", r.progress)
	}
	once(t, fetcher(login, r)) // nothing is fetched again
	r.holds(t, 4)
	if r.count() != 4 {
		t.Errorf("%d letters", r.count())
	}
}

func TestNewestFirstInBatches(t *testing.T) { posttest.Each(t, testNewestFirstInBatches) }

func testNewestFirstInBatches(t *testing.T, sys *posttest.System) {
	const n = 1203
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, n)...)
	r := newReplica()
	var sizes []int
	last := 0
	r.before = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		sizes = append(sizes, len(r.stored)-last)
		last = len(r.stored)
	}
	once(t, fetcher(login, r))
	r.holds(t, n)
	if len(r.stored) != n {
		t.Fatalf("%d stored", len(r.stored))
	}
	for i, l := range r.stored {
		// Within a batch a server answers upwards; the batches come from the newest to the oldest.
		if batch := uint32(i / 500); l.UID > n-batch*500 || l.UID+500 <= n-batch*500 && batch < 2 {
			t.Fatalf("letter %d has UID %d", i, l.UID)
		}
	}
	for _, size := range sizes[1:] {
		if size > 500 {
			t.Errorf("a batch of %d", size)
		}
	}
}

func TestEveryWayIn(t *testing.T) { posttest.Each(t, testEveryWayIn) }

func testEveryWayIn(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 3)...)
	for name, l := range map[string]care.MailLogin{"TLS": login, "STARTTLS": sys.StartTLS(login), "in the clear": sys.Clear(login),
		"owner": sys.AddLogin(t, local, posttest.Owner), "agent": sys.AddLogin(t, local, posttest.Agent)} {
		r := newReplica()
		once(t, fetcher(l, r))
		t.Run(name, func(t *testing.T) { r.holds(t, 3) })
	}
}

// A letter of a piece of a file comes whole; one that is too large is named, with its header, and its other bytes stay where they are.
func TestLargeLetters(t *testing.T) { posttest.Each(t, testLargeLetters) }

func testLargeLetters(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	large := mailOf(t, "PSTN\x01"+strings.Repeat("x", 4_500_000)) // more than is asked for at once
	huge := append(mail(t, 1), []byte(strings.Repeat(strings.Repeat("y", 76)+"\r\n", 120_000))...)
	sys.Append(t, local, "INBOX", arrival, mail(t, 0), large, huge)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	login.IMAP = p.Endpoint(care.TLSNone)
	r := newReplica()
	once(t, fetcher(login, r))
	sizes := map[int]bool{}
	for _, l := range r.stored {
		sizes[l.Size] = true
		switch l.Size {
		case len(large):
			if sum(l.Message) != sum(large) || l.Head != nil {
				t.Error("the large letter came in other bytes")
			}
		case len(huge):
			if l.Message != nil {
				t.Error("the huge letter came")
			}
			if head, _, _ := bytes.Cut(huge, []byte("\r\n\r\n")); string(l.Head) != string(head)+"\r\n\r\n" {
				t.Errorf("of the huge letter came %.300q", l.Head)
			}
		}
	}
	if len(r.stored) != 3 || !sizes[len(large)] || !sizes[len(huge)] {
		t.Errorf("stored: %v", sizes)
	}
	once(t, fetcher(login, r)) // the huge one counts as known
	if len(r.stored) != 3 {
		t.Errorf("%d stored", len(r.stored))
	}
}

// Reading leaves no mark, even with a login that could.
func TestReadingChangesNothing(t *testing.T) { posttest.Each(t, testReadingChangesNothing) }

func testReadingChangesNothing(t *testing.T, sys *posttest.System) {
	local, _ := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 3)...)
	login := sys.Clear(sys.AddLogin(t, local, posttest.Owner))
	p := posttest.NewProxy(t, login.IMAP)
	login.IMAP = p.Endpoint(care.TLSNone)
	once(t, fetcher(login, newReplica()))
	for line := range strings.Lines(p.Said()) {
		for _, verb := range []string{" SELECT ", "STORE", "EXPUNGE", "COPY", "MOVE", "APPEND", "DELETE", " BODY["} {
			if strings.Contains(line, verb) {
				t.Errorf("it said %q", line)
			}
		}
	}
}

func TestNewLettersAreFoundByIdle(t *testing.T) { posttest.Each(t, testNewLettersAreFoundByIdle) }

func testNewLettersAreFoundByIdle(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	r := newReplica()
	f := fetcher(login, r)
	running(t, f)
	r.until(t, "the first comparison", func() bool { return r.upToDate > 0 })
	for i := range 5 {
		sys.Append(t, local, "INBOX", arrival, mail(t, i))
		r.until(t, "the next letter", func() bool { return len(r.byName) == i+1 })
	}
	r.holds(t, 5)
}

func TestOtherFoldersAreLookedAt(t *testing.T) { posttest.Each(t, testOtherFoldersAreLookedAt) }

func testOtherFoldersAreLookedAt(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	r := newReplica()
	f := fetcher(login, r)
	f.Round = 20 * time.Millisecond
	running(t, f)
	r.until(t, "the first comparison", func() bool { return r.upToDate > 0 })
	sys.Append(t, local, "Junk", arrival, mail(t, 0))
	r.until(t, "the letter in Junk", func() bool { return len(r.byName) == 1 })
	sys.Append(t, local, "Drafts", arrival, mail(t, 1), mail(t, 2))
	sys.Move(t, local, "Drafts", "A new folder")
	r.until(t, "the letters in a new folder", func() bool { return len(r.byName) == 3 })
	r.holds(t, 3)
}

func TestPollingWithoutIdle(t *testing.T) { posttest.Each(t, testPollingWithoutIdle) }

func testPollingWithoutIdle(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	p.Rewrite(func(line string) string {
		line = strings.NewReplacer(" IDLE", "", " IMAP4rev2", "").Replace(line) // the latter offers both
		return strings.ReplaceAll(line, " ESEARCH", "")                         // and it answers as an old server does
	})
	login.IMAP = p.Endpoint(care.TLSNone)
	sys.Append(t, local, "INBOX", arrival, mail(t, 0))
	r := newReplica()
	f := fetcher(login, r)
	f.Poll, f.Round = 20*time.Millisecond, time.Hour
	running(t, f)
	r.until(t, "the first letter", func() bool { return len(r.byName) == 1 })
	sys.Append(t, local, "INBOX", arrival, mail(t, 1))
	r.until(t, "the second letter", func() bool { return len(r.byName) == 2 })
	if said := p.Said(); strings.Contains(said, "IDLE") || strings.Contains(said, "RETURN (ALL)") {
		t.Errorf("it asked for what is not offered: %s", said)
	}
}

func TestNudgeLooksAtOnce(t *testing.T) { posttest.Each(t, testNudgeLooksAtOnce) }

func testNudgeLooksAtOnce(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	r := newReplica()
	f := fetcher(login, r)
	f.Round = time.Hour
	running(t, f)
	r.until(t, "the first comparison", func() bool { return r.upToDate > 0 })
	sys.Append(t, local, "Sent", arrival, mail(t, 0))
	f.Nudge()
	r.until(t, "the letter", func() bool { return len(r.byName) == 1 })
}

// A computer that slept, or came into another network, has connections that are dead and do not say so: while it waits, and in the
// middle of a letter. A new one is there within seconds of the awakening.
func TestADeadConnectionAfterSleep(t *testing.T) { posttest.Each(t, testADeadConnectionAfterSleep) }

func testADeadConnectionAfterSleep(t *testing.T, sys *posttest.System) {
	for _, waiting := range []bool{true, false} {
		local, login := box(t, sys)
		p := posttest.NewProxy(t, sys.Clear(login).IMAP)
		login.IMAP = p.Endpoint(care.TLSNone)
		r := newReplica()
		f := fetcher(login, r)
		sleep := make(chan struct{})
		if !waiting {
			sys.Append(t, local, "INBOX", arrival, mails(t, 1, 5)...)
			r.looks = func(string) { // it is about to fetch
				select {
				case <-sleep:
				default:
					p.Stall()
					close(sleep)
				}
			}
		}
		running(t, f)
		if waiting {
			r.until(t, "the first comparison", func() bool { return r.upToDate > 0 })
			f.Doubt() // of a connection that lives
			r.until(t, "a look", func() bool { return r.upToDate > 1 })
			if p.Opened() != 1 {
				t.Errorf("%d connections, and the first one lives", p.Opened())
			}
			p.Stall()
		} else {
			<-sleep
		}
		sys.Append(t, local, "INBOX", arrival, mail(t, 0))
		began := time.Now()
		f.Doubt()
		r.until(t, "the letter", func() bool { _, ok := r.has(text(0)); return ok })
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		if p.Opened() != 2 {
			t.Errorf("%d connections", p.Opened())
		}
	}
}

// What needed no fetching and is wanted after all is fetched at once, wherever it lies: while a connection waits, and in the
// very comparison in which something comes that makes it wanted.
func TestAgainComparesEverything(t *testing.T) { posttest.Each(t, testAgainComparesEverything) }

func testAgainComparesEverything(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	r := newReplica()
	f := fetcher(login, r)
	f.Round = time.Hour
	sys.Append(t, local, "Sent", arrival, mail(t, 0))
	running(t, f)
	r.until(t, "the first comparison", func() bool { return r.upToDate > 0 && len(r.byName) == 1 })
	forget := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		clear(r.byName)
	}
	forget()
	f.Again()
	r.until(t, "the letter", func() bool { return len(r.byName) == 1 })

	r = newReplica()
	f = fetcher(login, r)
	if err := f.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	sys.Append(t, local, "INBOX", arrival, mail(t, 1))
	r.before = func() {
		r.before = nil
		forget()
		f.Again()
	}
	if err := f.Once(t.Context()); err != nil || len(r.byName) != 2 {
		t.Errorf("%d letters of 2: %v", len(r.byName), err)
	}
}

// What comes in while another folder than INBOX is open, no server tells of: it is found before the waiting begins.
func TestWhatComesWhileAnotherFolderIsOpen(t *testing.T) {
	posttest.Each(t, testWhatComesWhileAnotherFolderIsOpen)
}

func testWhatComesWhileAnotherFolderIsOpen(t *testing.T, sys *posttest.System) {
	for _, fetched := range []bool{true, false} { // whether the other folder is opened a second time, to fetch from it
		local, login := box(t, sys)
		sys.Append(t, local, "INBOX", arrival, mail(t, 0))
		sys.Append(t, local, "Sent", arrival, mail(t, 1))
		r := newReplica()
		if !fetched {
			once(t, fetcher(login, r))
			sys.Append(t, local, "INBOX", arrival, mail(t, 3))
		}
		want := r.count() + 2
		var once sync.Once
		r.looks = func(folder string) {
			if folder != "INBOX" {
				once.Do(func() { sys.Append(t, local, "INBOX", arrival, mail(t, 2)) })
			}
		}
		if fetched {
			want++
		}
		f := fetcher(login, r)
		f.Round = time.Hour
		running(t, f)
		r.until(t, "the letter that came meanwhile", func() bool { return len(r.byName) == want })
	}
}

func TestMailSystemStopsAndComesBack(t *testing.T) { posttest.Each(t, testMailSystemStopsAndComesBack) }

func testMailSystemStopsAndComesBack(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	r := newReplica()
	running(t, fetcher(login, r))
	r.until(t, "the first comparison", func() bool { return r.upToDate > 0 })
	sys.StopServers(t)
	r.until(t, "a refused connection", func() bool {
		for _, err := range r.problems {
			if strings.Contains(care.SentenceOf(err), "refuses the connection") {
				return true
			}
		}
		return false
	})
	r.mu.Lock()
	told(t, r.problems[len(r.problems)-1], care.Unavailable, "tries again by itself")
	was := r.upToDate
	r.mu.Unlock()
	sys.StartServers(t)
	sys.Append(t, local, "INBOX", arrival, mail(t, 0))
	r.until(t, "the letter", func() bool { return len(r.byName) == 1 && r.upToDate > was })
}

// A mail system that starts again and again, and can be read in between, is never left alone for minutes.
func TestMailSystemThatBreaksOffAgainAndAgain(t *testing.T) {
	posttest.Each(t, testMailSystemThatBreaksOffAgainAndAgain)
}

func testMailSystemThatBreaksOffAgainAndAgain(t *testing.T, sys *posttest.System) {
	_, login := box(t, sys)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	login.IMAP = p.Endpoint(care.TLSNone)
	r := newReplica()
	f := fetcher(login, r)
	counted := make(chan int, 1)
	f.Pause = func(failures int) time.Duration { counted <- failures; return time.Millisecond }
	running(t, f)
	for i := range 8 {
		r.until(t, "a comparison", func() bool { return r.upToDate > i })
		p.CutAll()
		if n := <-counted; n != min(i+1, 4) {
			t.Errorf("break %d counts as failure %d", i+1, n)
		}
	}
}

func TestRefusedPassword(t *testing.T) { posttest.Each(t, testRefusedPassword) }

func testRefusedPassword(t *testing.T, sys *posttest.System) {
	_, login := box(t, sys)
	login.Password += "x"
	for _, l := range []care.MailLogin{login, sys.StartTLS(login)} {
		told(t, fetcher(l, newReplica()).Once(t.Context()), care.Forbidden, "refused the password")
	}
}

func TestTLSNotOffered(t *testing.T) { posttest.Each(t, testTLSNotOffered) }

func testTLSNotOffered(t *testing.T, sys *posttest.System) {
	_, login := box(t, sys)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	p.Rewrite(func(line string) string {
		if strings.Contains(line, "Begin TLS") {
			return "T1 BAD no such command"
		}
		return line
	})
	login.IMAP = p.Endpoint(care.TLSStart)
	told(t, fetcher(login, newReplica()).Once(t.Context()), care.Forbidden, "offers no secured connection")
	if strings.Contains(p.Said(), login.User) || strings.Contains(p.Said(), "AUTHENTICATE") {
		t.Errorf("it tried to sign in: %s", p.Said())
	}
}

// The eleventh connection of one login is refused by Dovecot's own limit, which is no matter of the password.
func TestTooManyConnections(t *testing.T) { posttest.Each(t, testTooManyConnections) }

func testTooManyConnections(t *testing.T, sys *posttest.System) {
	_, login := box(t, sys)
	for range 10 {
		r := newReplica()
		running(t, fetcher(login, r))
		r.until(t, "a connection", func() bool { return r.upToDate > 0 })
	}
	told(t, fetcher(login, newReplica()).Once(t.Context()), care.Unavailable, "too many connections")
}

func TestASinkThatFails(t *testing.T) { posttest.Each(t, testASinkThatFails) }

func testASinkThatFails(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 1200)...)
	r := newReplica()
	r.fail = care.Refusef(care.Full, "There is no room on this computer.")
	f := fetcher(login, r)
	err := f.Once(t.Context())
	if care.KindOf(err) != care.Full || care.SentenceOf(err) != "There is no room on this computer." {
		t.Errorf("it says %v", err)
	}
	if r.count() != 0 {
		t.Errorf("%d letters count as fetched", r.count())
	}
	once(t, f)
	r.holds(t, 1200)
}

// A letter that the server cannot give holds up no other.
func TestALetterThatCannotBeFetched(t *testing.T) { posttest.Each(t, testALetterThatCannotBeFetched) }

func testALetterThatCannotBeFetched(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 20)...)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	p.Break(func(line string) bool { return strings.Contains(line, "FETCH (UID 15 ") })
	login.IMAP = p.Endpoint(care.TLSNone)
	r := newReplica()
	running(t, fetcher(login, r))
	r.until(t, "all others", func() bool { return len(r.byName) == 19 && r.upToDate > 0 })
	sys.Append(t, local, "INBOX", arrival, mail(t, 20))
	r.until(t, "a new one", func() bool { return len(r.byName) == 20 })
	if r.texts()[text(14)] {
		t.Error("the letter that cannot be fetched was fetched")
	}
	p.Break(nil)
	day := time.Now().Add(25 * time.Hour)
	later := fetcher(login, r)
	later.Now = func() time.Time { return day }
	once(t, later)
	r.holds(t, 21)
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, mode := range []care.TLSMode{care.TLSImplicit, care.TLSStart, care.TLSNone} {
		f := fetcher(care.MailLogin{User: "u", Password: "p", IMAP: posttest.SilentServer(t, mode)}, newReplica())
		if err := f.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", mode, err)
		}
		if err := f.Once(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// Pauses grow, with jitter, to a bound.
func TestPauses(t *testing.T) {
	r := newReplica()
	f := &fetch.Fetcher{Login: care.MailLogin{IMAP: posttest.ClosedPort(t, care.TLSNone)}, Sink: r}
	f.Nudge() // makes the defaults
	for failures := 1; failures < 40; failures++ {
		want := min(time.Second<<min(failures-1, 20), 2*time.Minute)
		seen := map[time.Duration]bool{}
		for range 20 {
			d := f.Pause(failures)
			if d < want/2 || d > want*3/2 {
				t.Fatalf("pause %s after %d failures", d, failures)
			}
			seen[d] = true
		}
		if len(seen) < 2 {
			t.Errorf("no jitter after %d failures", failures)
		}
	}
}
