package backend

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/backend/trust/audit"
)

// told is a profile's record, an entry a word, from its first to its last.
func told(t testing.TB, p *Profile) (words []string) {
	t.Helper()
	all, err := p.Trail(t.Context())
	must(t, err)
	for i, l := range all {
		if l.No != int64(i)+1 || l.Who != p.me.ID || l.Person.Name != "Rosa" {
			t.Errorf("entry %d is %+v", i+1, l)
		}
		word := string(l.What)
		if l.Times > 0 {
			word += fmt.Sprint(" ", l.Times)
		}
		words = append(words, word)
	}
	return words
}

func tells(t testing.TB, p *Profile, want ...string) {
	t.Helper()
	if got := told(t, p); !slices.Equal(got, want) {
		t.Errorf("the record says %q, want %q", got, want)
	}
}

// Every session comes and goes in the record, over restarts too, and what was tried in vain before it.
func TestSignInsAreRecorded(t *testing.T) {
	dir := data(t)
	b := New(dir, quiet(), nil)
	in := func() *Profile {
		t.Helper()
		p, err := b.SignInStill(t.Context(), "rosa", passphrase)
		must(t, err)
		return p
	}
	wrongly := func() {
		t.Helper()
		if _, err := b.SignInStill(t.Context(), "rosa", "a guess"); care.KindOf(err) != care.Invalid {
			t.Fatalf("a guess: %v", err)
		}
	}
	p := in()
	tells(t, p, "sign-in")
	wrongly() // at a second browser
	in()
	b.Leave(p)
	tells(t, p, "sign-in", "sign-in.refused 1", "sign-in", "sign-out")
	b.Leave(p)
	gone(t, b, "rosa")
	wrongly()
	wrongly()
	p = in()
	b.Leave(in())
	tells(t, p, "sign-in", "sign-in.refused 1", "sign-in", "sign-out", "sign-out", "sign-in.refused 2", "sign-in", "sign-in", "sign-out")
	b.Close() // ends a session that nobody left

	b = New(dir, quiet(), nil)
	defer b.Close()
	if got := told(t, in()); !slices.Equal(got[9:], []string{"sign-out", "sign-in"}) {
		t.Errorf("after a restart it says %q", got)
	}
}

// At an open screen, too, somebody may try passphrases.
func TestTriesAtAnOpenScreenAreRecorded(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	for range 2 {
		if _, err := p.NewCode("a guess"); care.KindOf(err) != care.Invalid {
			t.Fatalf("a guess: %v", err)
		}
	}
	_, err = p.NewCode(passphrase)
	must(t, err)
	tells(t, p, "sign-in", "sign-in.refused 2", "recovery.sheet")
}

// lookAt is a view of a conversation, as the trail is given it.
func lookAt(p *Profile, name string) audit.Entry {
	e := p.trail.entry(audit.Viewed)
	e.Patient, e.Part = "pt_mariaaaaaaaaaaaa", sha256.Sum256([]byte(name))
	return e
}

// full makes the record refuse every entry, until it is called off.
func full(t *testing.T, p *Profile) (room func()) {
	t.Helper()
	do := func(statement string) {
		t.Helper()
		must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}))
	}
	do("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
	return func() { do("DROP TRIGGER no_room") }
}

// TestWhatCannotBeRecorded keeps nobody from a screen. It is said, owed, and written in its place once there is room; a
// copy does not leave meanwhile.
func TestWhatCannotBeRecorded(t *testing.T) {
	var said bytes.Buffer
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b := New(data(t), slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError})), func() time.Time { return now })
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	before := p.Sync()
	room := full(t, p)
	if !p.trail.note(t.Context(), lookAt(p, "knee")) || p.trail.note(t.Context(), lookAt(p, "sleep")) {
		t.Error("that the record fails is told once")
	}
	if err := p.trail.must(t.Context(), lookAt(p, "a copy")); err == nil {
		t.Error("a copy may leave")
	}
	if s := p.Sync(); s.Phase != care.SyncAmiss || !strings.Contains(s.Problem, "who looks at what") {
		t.Errorf("nothing is said: %+v", s)
	}
	if !strings.Contains(said.String(), "owed=2") || strings.Contains(said.String(), "pt_") {
		t.Errorf("the log says %s", said.String())
	}
	tells(t, p, "sign-in")
	now = now.Add(time.Hour)
	if p.trail.note(t.Context()) {
		t.Error("nothing has changed")
	}
	room()
	if !p.trail.note(t.Context()) || p.Sync() != before {
		t.Errorf("it still stands at %+v", p.Sync())
	}
	tells(t, p, "sign-in", "view", "view")
	all, err := p.Trail(t.Context())
	must(t, err)
	if at := all[2].At; !at.Equal(now.Add(-time.Hour)) {
		t.Errorf("what was owed is dated %v", at)
	}

	full(t, p)
	said.Reset()
	b.Close()
	if !strings.Contains(said.String(), "LOST") || !strings.Contains(said.String(), "lost=1") {
		t.Errorf("closing said %s", said.String())
	}
}

// TestAScreenWaitsForNoWriter: where another write takes long, a view has a second, and the sync state none.
func TestAScreenWaitsForNoWriter(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	busy, done := make(chan struct{}), make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		must(t, p.db.Write(t.Context(), func(*sql.Tx) error {
			close(busy)
			<-done
			return nil
		}))
	})
	<-busy
	noted := make(chan bool)
	go func() { noted <- p.trail.note(t.Context(), lookAt(p, "knee")) }()
	p.Sync() // whether or not the view waits already
	if !<-noted || p.Sync().Phase != care.SyncAmiss {
		t.Error("the view had its turn")
	}
	if err := p.trail.must(t.Context(), lookAt(p, "a copy")); care.KindOf(err) != care.Unavailable {
		t.Errorf("a copy has left: %v", err)
	}
	close(done)
	writer.Wait()
	p.trail.note(t.Context())
	tells(t, p, "sign-in", "view")
}

// TestABrokenRecord is still read and added to, and says from where on it is broken.
func TestABrokenRecord(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	p.trail.note(t.Context(), lookAt(p, "knee"), lookAt(p, "sleep"))
	must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "DROP TRIGGER audit_changed; UPDATE audit SET entry = CAST(replace(entry, 'view', 'copy') AS BLOB) WHERE no = 2")
		return err
	}))
	p.trail.note(t.Context(), lookAt(p, "knee"))
	all, err := p.Trail(t.Context())
	var broken *audit.Broken
	if !errors.As(err, &broken) || broken.No != 2 || care.KindOf(err) != care.Corrupt || len(all) != 4 || all[1].What != audit.Copied {
		t.Errorf("%v of %+v", err, all)
	}
}

// TestNobodysOwnWordsAreAView: what a screen shows anew after a reply is the reply.
func TestNobodysOwnWordsAreAView(t *testing.T) {
	mine, theirs := care.EventID{1}, care.EventID{2}
	if got := others(view.Thread{Items: []view.Item{{ID: mine, Own: true}, {ID: theirs}}}); !slices.Equal(got, []care.EventID{theirs}) {
		t.Errorf("others are %v", got)
	}
}

// BenchmarkTrail is what it costs to record one view, on the disk.
func BenchmarkTrail(b *testing.B) {
	back := New(data(b), quiet(), nil)
	defer back.Close()
	p, err := back.SignInStill(b.Context(), "rosa", passphrase)
	must(b, err)
	e := lookAt(p, "knee")
	for b.Loop() {
		must(b, p.trail.must(b.Context(), e))
	}
	b.StopTimer()
	begin := time.Now()
	all, err := p.Trail(b.Context())
	must(b, err)
	b.ReportMetric(float64(time.Since(begin).Microseconds())/float64(len(all)), "us-to-verify-each")
}
