package vault

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/backend/care"
)

// noon is when the tests are made; the monotonic clock is no part of it, as over a restart.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func wrong(t *testing.T, dir string, now time.Time, times int) {
	t.Helper()
	for range times {
		if _, err := Try(dir, "wrong", now); care.KindOf(err) != care.Invalid {
			t.Fatalf("a wrong passphrase: %v", err)
		}
	}
}

// paused fails unless even the right passphrase is refused until then.
func paused(t *testing.T, dir string, now, until time.Time) {
	t.Helper()
	if _, err := Try(dir, "right", now); care.KindOf(err) != care.Paused {
		t.Errorf("at %v: %v", now, err)
	}
	if s, err := Standing(dir, now); err != nil || !s.Until.Equal(until) || s.Left != 0 {
		t.Errorf("at %v: %+v, %v, want until %v", now, s, err, until)
	}
}

func right(t *testing.T, dir string, now time.Time) {
	t.Helper()
	v, err := Try(dir, "right", now)
	if err != nil {
		t.Fatalf("at %v: %v", now, err)
	}
	v.Close()
	if _, err := os.Stat(triesPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the count stays: %v", err)
	}
}

func left(t *testing.T, dir string, now time.Time, want int, pause time.Duration) {
	t.Helper()
	if s, err := Standing(dir, now); err != nil || s.Left != want || s.Pause != pause || !s.Until.IsZero() {
		t.Errorf("%+v, %v, want %d left and then %v", s, err, want, pause)
	}
}

func TestPauses(t *testing.T) {
	dir := create(t, "right")
	left(t, dir, noon, 5, 5*time.Minute)
	wrong(t, dir, noon, 2)
	left(t, dir, noon, 3, 5*time.Minute)
	right(t, dir, noon)
	left(t, dir, noon, 5, 5*time.Minute)
	now := noon
	for _, pause := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour, time.Hour} {
		left(t, dir, now, 5, pause)
		wrong(t, dir, now, 5)
		paused(t, dir, now, now.Add(pause))
		paused(t, dir, now.Add(pause-time.Second), now.Add(pause))
		now = now.Add(pause)
	}
	wrong(t, dir, now, 4)
	right(t, dir, now)
	wrong(t, dir, now, 5)
	paused(t, dir, now, now.Add(5*time.Minute))
}

// What is tried during a pause neither counts nor puts its end off.
func TestAPauseEnds(t *testing.T) {
	dir := create(t, "right")
	wrong(t, dir, noon, 5)
	for m := range 5 {
		paused(t, dir, noon.Add(time.Duration(m)*time.Minute), noon.Add(5*time.Minute))
	}
	right(t, dir, noon.Add(5*time.Minute))
}

// No guess is made during a pause, so none costs anything.
func TestNothingIsDerivedDuringAPause(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	if err := CreateWith(slow, dir, "x", "right", secrets()); err != nil {
		t.Fatal(err)
	}
	if err := writeTries(dir, tries{Wrong: 5, Last: noon}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for range 20 {
		paused(t, dir, noon, noon.Add(5*time.Minute))
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("twenty refusals took %v", took)
	}
}

func TestAClockSetBack(t *testing.T) {
	dir := create(t, "right")
	wrong(t, dir, noon, 5)
	yesterday := noon.AddDate(0, 0, -1)
	paused(t, dir, yesterday, yesterday.Add(5*time.Minute))
	paused(t, dir, yesterday.Add(4*time.Minute), yesterday.Add(5*time.Minute))
	right(t, dir, yesterday.Add(5*time.Minute))

	wrong(t, dir, noon, 3)
	left(t, dir, yesterday, 2, 5*time.Minute)
	wrong(t, dir, yesterday, 2)
	paused(t, dir, yesterday, yesterday.Add(5*time.Minute))
}

func TestADamagedCount(t *testing.T) {
	for _, raw := range []string{"", "{", `{"wrong":-1}`, `{"wrong":5,"last":"9999-12-31T23:59:59Z"}`, `{"wrong":"5"}`, "\x00\x00\x00"} {
		dir := create(t, "right")
		if err := os.WriteFile(triesPath(dir), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		paused(t, dir, noon, noon.Add(5*time.Minute))
		paused(t, dir, noon.Add(time.Minute), noon.Add(5*time.Minute))
		right(t, dir, noon.Add(5*time.Minute))
	}
}

// Where a try cannot be counted, none is made: or a full disk would give as many as one likes.
func TestACountThatCannotBeWritten(t *testing.T) {
	dir := create(t, "right")
	if err := os.Mkdir(triesPath(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Try(dir, "right", noon); err == nil || care.KindOf(err) == care.Invalid {
		t.Errorf("not read: %v", err)
	}
	if err := os.Remove(triesPath(dir)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, lockFile)), os.Mkdir(filepath.Join(dir, lockFile), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Try(dir, "right", noon); err == nil || care.KindOf(err) == care.Invalid {
		t.Errorf("not held: %v", err)
	}
}

// A missing or damaged vault is said to be, and is no try.
func TestWhatIsNoTry(t *testing.T) {
	if _, err := Try(t.TempDir(), "x", noon); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
	dir := create(t, "right")
	change(t, dir, func(f *file) { f.Box[0] ^= 1 })
	for range 9 {
		if _, err := Try(dir, "right", noon); care.KindOf(err) != care.Corrupt {
			t.Errorf("damaged: %v", err)
		}
	}
	left(t, dir, noon, 5, 5*time.Minute)
}

// Of many at once five are made, whatever they find.
func TestManyAtOnce(t *testing.T) {
	dir := create(t, "right")
	var all sync.WaitGroup
	var made, refused atomic.Int32
	for range 40 {
		all.Go(func() {
			switch _, err := Try(dir, "wrong", noon); care.KindOf(err) {
			case care.Invalid:
				made.Add(1)
			case care.Paused:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 5 || refused.Load() != 35 {
		t.Errorf("%d made, %d refused", made.Load(), refused.Load())
	}
}

func TestACodeEndsAPause(t *testing.T) {
	dir := create(t, "forgotten")
	code := newCode(t, open(t, dir, "forgotten"))
	wrong(t, dir, noon, 5)
	paused(t, dir, noon, noon.Add(5*time.Minute))
	if err := byCodeOf(t, dir, code).Recover("right"); err != nil {
		t.Fatal(err)
	}
	right(t, dir, noon)
}

// FuzzTries: whatever stands in the file, a pause is never longer than an hour, and a try follows it that counts.
func FuzzTries(f *testing.F) {
	f.Add([]byte(`{"wrong":5,"last":"2026-11-20T12:00:00Z"}`))
	f.Add([]byte(`{"wrong":9223372036854775807,"last":"0001-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := parseTries(raw).asOf(noon)
		s := kept.stand(noon)
		if s.Until.After(noon.Add(time.Hour)) || s.Left < 0 || s.Left > 5 || s.Left == 0 && s.Until.IsZero() || s.Pause <= 0 || s.Pause > time.Hour {
			t.Fatalf("%+v", s)
		}
		if after := kept.stand(noon.Add(time.Hour)); after.Left == 0 {
			t.Fatalf("no end: %+v", after)
		}
		next, err := json.Marshal(tries{Wrong: kept.Wrong + 1, Last: noon})
		if again := parseTries(next); err != nil || again.Wrong != kept.Wrong+1 {
			t.Fatalf("%s is not counted on: %+v, %v", raw, again, err)
		}
	})
}
