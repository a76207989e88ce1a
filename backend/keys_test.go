package backend

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/trust/vault"
)

const better = "copper lantern river tuesday"

// clock is a time that the test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) passes(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func wrongly(t *testing.T, kind care.Kind, what string, err error) {
	t.Helper()
	if care.KindOf(err) != kind || err == nil {
		t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

// Wrong tries are counted over restarts and in all ways in which a passphrase is asked for, and a pause ends for all.
func TestTriesAtEveryDoor(t *testing.T) {
	dir, c := data(t), &clock{at: time.Now()}
	first := New(dir, quiet(), c.now)
	p, err := first.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	wrongly(t, care.Invalid, "changing it", p.ChangePassphrase("wrong", better))
	_, err = p.NewCode("wrong")
	wrongly(t, care.Invalid, "a code", err)
	first.Close()
	second := New(dir, quiet(), c.now)
	defer second.Close()
	for range 3 {
		_, err = second.SignInStill(t.Context(), "rosa", "wrong")
		wrongly(t, care.Invalid, "signing in", err)
	}
	_, err = second.SignInStill(t.Context(), "rosa", passphrase)
	wrongly(t, care.Paused, "in a pause", err)
	if s, err := second.Tries("rosa"); err != nil || !s.Until.Equal(c.now().Add(5*time.Minute)) {
		t.Errorf("%+v, %v", s, err)
	}
	c.passes(5 * time.Minute)
	p, err = second.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if s, err := second.Tries("rosa"); err != nil || s.Left != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	second.Leave(p)
	_, err = second.Tries("../rosa")
	wrongly(t, care.NotFound, "no profile", err)
	_, err = second.SignInStill(t.Context(), "nobody", passphrase)
	wrongly(t, care.NotFound, "no profile", err)
}

func TestChangePassphrase(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	for _, weak := range []string{"", "demo", "rosa rosa rosa"} {
		wrongly(t, care.Invalid, weak, p.ChangePassphrase(passphrase, weak))
		if b.Judge("rosa", weak).Enough {
			t.Errorf("%q is said to do", weak)
		}
	}
	if s, err := b.Tries("rosa"); err != nil || s.Left != 5 {
		t.Errorf("a weak new one counts as a wrong try: %+v, %v", s, err)
	}
	must(t, p.ChangePassphrase(passphrase, better))
	_, err = b.SignInStill(t.Context(), "rosa", passphrase)
	wrongly(t, care.Invalid, "the old one", err)
	again, err := b.SignInStill(t.Context(), "rosa", better)
	must(t, err)
	b.Leave(again)
	b.Leave(p)
}

// A code finds its profile among several, works during a pause, once, and opens the same record.
func TestRecover(t *testing.T) {
	dir := data(t)
	must(t, vault.CreateWith(vault.Params{Time: 1, Memory: 64, Threads: 1}, filepath.Join(ProfilesDir(dir), "ana"), "Ana", "x", vault.Secrets{Device: make([]byte, 64)}))
	b := New(dir, quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if has, err := p.HasCode(); has || err != nil {
		t.Errorf("a code before there was one: %v", err)
	}
	code, err := p.NewCode(passphrase)
	must(t, err)
	if has, err := p.HasCode(); !has || err != nil {
		t.Errorf("no code: %v", err)
	}
	b.Leave(p)
	gone(t, b, "rosa")
	for range 5 {
		_, err = b.SignInStill(t.Context(), "rosa", "wrong")
		wrongly(t, care.Invalid, "signing in", err)
	}
	for _, no := range []string{"", code[:20], strings.Replace(code, code[:1], "U", 1), "0000-0000-0000-0000-0000-0000-0000"} {
		_, err = b.Recovers(no)
		wrongly(t, care.Invalid, "no code", err)
		_, _, err = b.Recover(t.Context(), no, better)
		wrongly(t, care.Invalid, "no code", err)
	}
	if l, err := b.Recovers(strings.ToLower(code)); err != nil || l != (Label{ID: "rosa", Label: "Rosa"}) {
		t.Errorf("%+v, %v", l, err)
	}
	_, _, err = b.Recover(t.Context(), code, "demo")
	wrongly(t, care.Invalid, "a weak one", err)
	p, _, err = b.Recover(t.Context(), code, better)
	must(t, err)
	if p.ID != "rosa" {
		t.Errorf("it is %s", p.ID)
	}
	_, err = b.Recovers(code)
	wrongly(t, care.Invalid, "the used code", err)
	_, err = b.SignInStill(t.Context(), "rosa", passphrase)
	wrongly(t, care.Invalid, "the old passphrase", err)
	again, err := b.SignInStill(t.Context(), "rosa", better)
	must(t, err)
	b.Leave(again)
	b.Leave(p)
}

// Where the profile is open in another Postern nothing changes: who is told so can still use the sheet.
func TestRecoverOfAProfileThatIsOpenElsewhere(t *testing.T) {
	dir := data(t)
	here, elsewhere := New(dir, quiet(), nil), New(dir, quiet(), nil)
	defer here.Close()
	p, err := elsewhere.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	code, err := p.NewCode(passphrase)
	must(t, err)
	_, _, err = here.Recover(t.Context(), code, better)
	wrongly(t, care.Conflict, "open elsewhere", err)
	_, err = here.Recovers(code)
	must(t, err)
	elsewhere.Close()
	p, err = here.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	here.Leave(p)
}
