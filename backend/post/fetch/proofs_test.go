package fetch_test

import (
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

// TestProof08UIDValidityChanges: the mail host gives the folder a new UIDVALIDITY and shuffles the UIDs. A replica that
// was there before and one that is built anew hold the same letters, and nothing is taken for something else.
func TestProof08UIDValidityChanges(t *testing.T) { posttest.Each(t, testProof08UIDValidityChanges) }

func testProof08UIDValidityChanges(t *testing.T, sys *posttest.System) {
	const n = 25
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, n)...)
	old := newReplica()
	running(t, fetcher(login, old))
	old.until(t, "the first sync", func() bool { return len(old.byName) == n })

	sys.ResetUIDValidity(t, local, "INBOX")
	sys.Append(t, local, "INBOX", arrival, mail(t, n))
	// The old replica meets every letter again under another name.
	old.until(t, "the sync after the change", func() bool { return len(old.byName) == 2*n+1 })
	anew := newReplica()
	once(t, fetcher(login, anew))

	old.holds(t, n+1)
	anew.holds(t, n+1)
	if !maps.Equal(old.texts(), anew.texts()) {
		t.Error("the two hold different letters")
	}
	if anew.count() != n+1 {
		t.Errorf("the new one fetched %d letters", anew.count())
	}
}

// TestProof09CutFetch: the connection is cut after three of ten letters and within the fourth. All ten are stored after
// the next connection, none twice, and the three need not come again.
func TestProof09CutFetch(t *testing.T) { posttest.Each(t, testProof09CutFetch) }

func testProof09CutFetch(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 10)...)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	cut := p.Arm(posttest.CutAfterLiterals(3))
	login.IMAP = p.Endpoint(care.TLSNone)
	r := newReplica()
	var atCut atomic.Int32
	f := fetcher(login, r)
	f.Now = nil
	running(t, f)
	<-cut
	r.until(t, "the break", func() bool {
		if len(r.problems) == 1 && atCut.Load() == 0 {
			atCut.Store(int32(len(r.byName)))
		}
		return len(r.problems) >= 1
	})
	r.until(t, "all ten", func() bool { return len(r.byName) == 10 })
	r.holds(t, 10)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.stored) != 10 {
		t.Errorf("%d letters were stored", len(r.stored))
	}
	if len(r.problems) != 1 {
		t.Errorf("problems: %v", r.problems)
	}
	told(t, r.problems[0], care.Unavailable, "broke off")
	if n := atCut.Load(); n != 3 && n != 10 { // the second connection may have been quick
		t.Errorf("%d letters were stored at the break", n)
	}
	if p.Opened() != 2 {
		t.Errorf("%d connections", p.Opened())
	}
}

// TestProof10HiddenUID: the server shows UID 102 before 101. When it shows 101 too, the next wake-up finds it.
func TestProof10HiddenUID(t *testing.T) { posttest.Each(t, testProof10HiddenUID) }

func testProof10HiddenUID(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 102)...)
	p := posttest.NewProxy(t, sys.Clear(login).IMAP)
	var shown atomic.Bool
	p.Rewrite(func(line string) string {
		if !shown.Load() && strings.HasPrefix(line, "* ESEARCH") {
			return strings.Replace(line, "ALL 1:102", "ALL 1:100,102", 1)
		}
		return line
	})
	login.IMAP = p.Endpoint(care.TLSNone)
	r := newReplica()
	running(t, fetcher(login, r))
	r.until(t, "the first sync", func() bool { return r.upToDate > 0 })
	if got := r.texts(); got[text(100)] || !got[text(101)] || len(got) != 101 {
		t.Fatalf("it was to see all but UID 101, and holds %d", len(got))
	}
	shown.Store(true)
	sys.Append(t, local, "INBOX", arrival, mail(t, 102))
	r.until(t, "the wake-up", func() bool { return len(r.byName) == 103 })
	r.holds(t, 103)
	if p.Opened() != 1 {
		t.Errorf("it took %d connections, and a wake-up was to do", p.Opened())
	}
}

// TestProof11JunkOrSent: a letter that the mail system files as junk, or that is only in Sent, is found.
func TestProof11JunkOrSent(t *testing.T) { posttest.Each(t, testProof11JunkOrSent) }

func testProof11JunkOrSent(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 2)...)
	sys.Move(t, local, "INBOX", "Junk")
	sys.Append(t, local, "Sent", arrival, mail(t, 2))
	r := newReplica()
	f := fetcher(login, r)
	running(t, f)
	r.until(t, "the first sync", func() bool { return r.upToDate > 0 })
	r.holds(t, 3)

	sys.Append(t, local, "INBOX", arrival, mail(t, 3))
	r.until(t, "a letter in INBOX", func() bool { return len(r.byName) == 4 })
	sys.Move(t, local, "INBOX", "Junk") // it is filed away after it was read: found again, and known by its content
	f.Nudge()
	r.until(t, "the same in Junk", func() bool { return len(r.byName) == 5 })
	r.holds(t, 4)
}

// TestProof12Expunged, the transport's part: what is expunged on the server goes from no replica.
func TestProof12Expunged(t *testing.T) { posttest.Each(t, testProof12Expunged) }

func testProof12Expunged(t *testing.T, sys *posttest.System) {
	local, login := box(t, sys)
	sys.Append(t, local, "INBOX", arrival, mails(t, 0, 120)...)
	r := newReplica()
	once(t, fetcher(login, r))
	sys.Expunge(t, local, "INBOX")
	if n := sys.Count(t, local, "INBOX"); n != 0 {
		t.Fatalf("%d are left", n)
	}
	once(t, fetcher(login, r))
	r.holds(t, 120)
}

// TestProof29ManyDevices: sixteen devices read one office, and a nurse's computer reads twenty-four, all from one address, where the
// mail system takes ten connections a login. A round is a second here, so that ten are what ten minutes are: each device has kept its
// one connection, learns of a new letter in INBOX or elsewhere, and nobody was turned away. How soon is said here and measured by
// BenchmarkClinic, since a busy machine would decide it.
func TestProof29ManyDevices(t *testing.T) { posttest.Each(t, testProof29ManyDevices) }

func testProof29ManyDevices(t *testing.T, sys *posttest.System) {
	const devices, offices, rounds = 16, 24, 10
	var p *posttest.Proxy
	var boxes []string
	var all []*replica
	reads := func(local string) {
		login := sys.AddLogin(t, local, posttest.Staff)
		if p == nil {
			p = posttest.NewProxy(t, sys.Clear(login).IMAP)
		}
		login.IMAP = p.Endpoint(care.TLSNone)
		r := newReplica()
		f := fetcher(login, r)
		f.Round = time.Second
		running(t, f)
		all = append(all, r)
	}
	for i := range offices {
		boxes = append(boxes, sys.AddMailbox(t))
		reads(boxes[i])
	}
	for range devices - 1 { // the nurse's is one of them
		reads(boxes[0])
	}
	for n, folder := range []string{"INBOX", "Junk"} {
		was := make([]int, len(all))
		for i, r := range all {
			r.until(t, "the first look", func() bool { was[i] = r.upToDate; return was[i] > 0 })
		}
		for i, r := range all {
			r.until(t, "ten rounds", func() bool { return r.upToDate >= was[i]+rounds })
		}
		began := time.Now()
		for _, local := range boxes {
			sys.Append(t, local, folder, arrival, mail(t, n))
		}
		for _, r := range all {
			r.until(t, "the letter in "+folder, func() bool { _, has := r.has(text(n)); return has })
		}
		t.Logf("all %d know of a letter in %s after %s", len(all), folder, time.Since(began))
	}
	for _, r := range all {
		r.holds(t, 2)
		r.mu.Lock()
		if len(r.problems) > 0 {
			t.Errorf("problems: %v", r.problems)
		}
		r.mu.Unlock()
	}
	if want := devices + offices - 1; p.Opened() != want {
		t.Errorf("%d connections of %d logins", p.Opened(), want)
	}
}
