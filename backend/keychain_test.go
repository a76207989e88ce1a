package backend

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/audit"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// drawer is a keychain in memory.
type drawer struct {
	mu     sync.Mutex
	holds  map[string]string
	gone   error // why it cannot be reached
	silent bool  // it takes nothing and does not say so
}

func newDrawer() *drawer { return &drawer{holds: map[string]string{}} }

func (d *drawer) Reach(context.Context) error { d.mu.Lock(); defer d.mu.Unlock(); return d.gone }

func (d *drawer) Keep(_ context.Context, id, secret string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone == nil && !d.silent {
		d.holds[id] = secret
	}
	return d.gone
}

func (d *drawer) Find(_ context.Context, id string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	secret, ok := d.holds[id]
	switch {
	case d.gone != nil:
		return "", d.gone
	case !ok:
		return "", care.Refusef(care.NotFound, "None.")
	}
	return secret, nil
}

func (d *drawer) Forget(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone == nil {
		delete(d.holds, id)
	}
	return d.gone
}

// personal makes a practice, and the data folder of its member Marisol, whose profile is alone there.
func personal(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	day := []care.Span{{From: "09:00", Until: "18:00"}}
	reg, err := enrol.New(t.Context(), enrol.Options{Dir: filepath.Join(t.TempDir(), "practice"), Passphrase: passphrase, Accounts: unreached{},
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}},
		care.Practice{Name: "Alder Creek Clinic", Calendar: care.Calendar{Zone: "America/New_York", Hours: map[string][]care.Span{"mon": day}}})
	must(t, err)
	defer reg.Close()
	office, err := reg.AddOffice(t.Context(), care.Office{Name: "Dr. Lee's office"})
	must(t, err)
	m, err := reg.AddMember(t.Context(), care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "1"}, []care.Relation{{Office: office.ID, Why: "primary"}})
	must(t, err)
	must(t, MakeProfile(t.Context(), reg, filepath.Join(ProfilesDir(dir), "pf_1"), m.Person.ID, "Mari", passphrase))
	return dir
}

// started is Postern after a start, with a keychain.
func started(t *testing.T, dir string, k Keychain) *Backend {
	t.Helper()
	b := New(dir, quiet(), nil).Using(k, true)
	t.Cleanup(b.Close)
	return b
}

func opens(t *testing.T, b *Backend) bool {
	t.Helper()
	all, err := b.Profiles()
	must(t, err)
	return len(all) == 1 && all[0].Opens
}

// letIn turns the keychain on, and ends that Postern.
func letIn(t *testing.T, dir string, k Keychain) {
	t.Helper()
	b := started(t, dir, k)
	p, err := b.SignInStill(t.Context(), "pf_1", passphrase)
	must(t, err)
	must(t, p.SetKeychain(t.Context(), true, passphrase))
	b.Close()
}

// only fails unless the drawer holds secrets of so many profiles, and no word of anybody.
func (d *drawer) only(t *testing.T, n int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.holds) != n {
		t.Errorf("the keychain holds %d secrets, want %d", len(d.holds), n)
	}
	for id, secret := range d.holds {
		if id != "pf_1" || len(secret) != 43 {
			t.Errorf("the keychain holds %q: %d characters", id, len(secret))
		}
	}
}

func TestOpenByKeychain(t *testing.T) {
	dir, k := personal(t), newDrawer()
	first := started(t, dir, k)
	if opens(t, first) {
		t.Error("nobody chose it")
	}
	_, err := first.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Forbidden, "nobody chose it", err)
	p, err := first.SignInStill(t.Context(), "pf_1", passphrase)
	must(t, err)
	if s, err := p.Keychain(t.Context()); err != nil || s != (KeychainState{Offered: true, Reached: true}) {
		t.Errorf("%+v, %v", s, err)
	}
	wrongly(t, care.Invalid, "a wrong passphrase", p.SetKeychain(t.Context(), true, "wrong"))
	if s, err := first.Tries("pf_1"); err != nil || s.Left != 4 {
		t.Errorf("it is not counted: %+v, %v", s, err)
	}
	k.only(t, 0)
	must(t, p.SetKeychain(t.Context(), true, passphrase))
	k.only(t, 1)
	if s, err := p.Keychain(t.Context()); err != nil || s != (KeychainState{Offered: true, On: true, Reached: true}) {
		t.Errorf("%+v, %v", s, err)
	}

	// After a lock the passphrase is asked for.
	first.Leave(p)
	gone(t, first, "pf_1")
	if opens(t, first) {
		t.Error("it is offered after a lock")
	}
	_, err = first.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Forbidden, "after a lock", err)
	for range 5 {
		_, err = first.SignInStill(t.Context(), "pf_1", "wrong")
		wrongly(t, care.Invalid, "a wrong passphrase", err)
	}
	first.Close()

	// A further window is no start; a start is, in a pause, too, and neither begins nor ends one.
	if further := New(dir, quiet(), nil).Using(k, false); opens(t, further) {
		t.Error("a further window opens it")
	}
	if without := New(dir, quiet(), nil); opens(t, without) {
		t.Error("it opens without a keychain")
	}
	second := started(t, dir, k)
	if !opens(t, second) {
		t.Error("it is not offered after a start")
	}
	for _, no := range []string{"", "pf_2", "../pf_1"} {
		_, err = second.OpenByKeychain(t.Context(), no)
		wrongly(t, care.NotFound, no, err)
	}
	before, err := second.Tries("pf_1")
	must(t, err)
	p, err = second.OpenByKeychain(t.Context(), "pf_1")
	must(t, err)
	if after, err := second.Tries("pf_1"); err != nil || after != before || before.Until.IsZero() {
		t.Errorf("the tries were %+v and are %+v, %v", before, after, err)
	}
	if p.Me().Name != "Marisol Vega" || opens(t, second) {
		t.Errorf("%s", p.Me().Name)
	}
	_, err = second.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Forbidden, "somebody is in it", err)
	second.Leave(p)
}

// Another start of Postern beside one that has the profile open is told so, as with a passphrase.
func TestOpenByKeychainOfAProfileThatIsOpenElsewhere(t *testing.T) {
	dir, k := personal(t), newDrawer()
	letIn(t, dir, k)
	elsewhere := started(t, dir, k)
	_, err := elsewhere.SignInStill(t.Context(), "pf_1", passphrase)
	must(t, err)
	here := started(t, dir, k)
	_, err = here.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Conflict, "open elsewhere", err)
}

func TestTheKeychainIsTurnedOff(t *testing.T) {
	dir, k := personal(t), newDrawer()
	letIn(t, dir, k)
	b := started(t, dir, k)
	p, err := b.OpenByKeychain(t.Context(), "pf_1")
	must(t, err)
	must(t, p.SetKeychain(t.Context(), false, ""))
	must(t, p.SetKeychain(t.Context(), false, ""))
	k.only(t, 0)
	if in, err := vault.InKeychain(p.dir); in || err != nil {
		t.Errorf("the vault still opens by it: %v", err)
	}
	entries, err := p.Trail(t.Context())
	must(t, err)
	var said []audit.What
	for _, e := range entries {
		if e.What == audit.KeychainOn || e.What == audit.KeychainOff {
			said = append(said, e.What)
		}
	}
	if len(said) != 2 || said[0] == said[1] {
		t.Errorf("recorded: %v", said)
	}
	b.Close()
	if opens(t, started(t, dir, k)) {
		t.Error("it is still offered")
	}

	letIn(t, dir, k)
	k.gone = errors.New("no bus")
	b = started(t, dir, k)
	p, err = b.SignInStill(t.Context(), "pf_1", passphrase)
	must(t, err)
	err = p.SetKeychain(t.Context(), false, "")
	wrongly(t, care.Unavailable, "out of reach", err)
	if !strings.HasPrefix(care.SentenceOf(err), "It is turned off.") {
		t.Error(care.SentenceOf(err))
	}
	k.gone = nil
	k.only(t, 1) // what is left in it opens nothing
	b.Close()
	_, err = started(t, dir, k).OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Forbidden, "turned off", err)
}

// Whoever changes a passphrase may do so because somebody knew it, who could have turned this on.
func TestAnotherPassphraseTurnsTheKeychainOff(t *testing.T) {
	dir, k := personal(t), newDrawer()
	letIn(t, dir, k)
	b := started(t, dir, k)
	p, err := b.OpenByKeychain(t.Context(), "pf_1")
	must(t, err)
	must(t, p.ChangePassphrase(passphrase, better))
	k.only(t, 0)
	must(t, p.SetKeychain(t.Context(), true, better))
	code, err := p.NewCode(better)
	must(t, err)
	k.only(t, 1)
	b.Leave(p)
	gone(t, b, "pf_1")
	const recovered = "golden harbor maple thursday"
	p, _, err = b.Recover(t.Context(), code, recovered)
	must(t, err)
	k.only(t, 0)
	must(t, p.SetKeychain(t.Context(), true, recovered))
	k.gone = errors.New("no bus")
	must(t, p.ChangePassphrase(recovered, better)) // it is changed all the same, and what is in the keychain opens nothing
	k.gone = nil
	b.Close()
	b = started(t, dir, k)
	if opens(t, b) {
		t.Error("it is offered")
	}
	_, err = b.SignInStill(t.Context(), "pf_1", better)
	must(t, err)
}

// A keychain that lost the secret, has another, or cannot be reached: the passphrase is asked for, in a sentence.
func TestAKeychainThatFails(t *testing.T) {
	dir, k := personal(t), newDrawer()
	letIn(t, dir, k)
	right := k.holds["pf_1"]
	for name, do := range map[string]func(){
		"lost":      func() { delete(k.holds, "pf_1") },
		"another":   func() { k.holds["pf_1"] = vault.NewKeychainSecret().Text() },
		"no secret": func() { k.holds["pf_1"] = "hunter2" },
	} {
		do()
		b := started(t, dir, k)
		if !opens(t, b) {
			t.Fatalf("%s: not offered", name)
		}
		_, err := b.OpenByKeychain(t.Context(), "pf_1")
		wrongly(t, care.NotFound, name, err)
		if care.SentenceOf(err) != "This computer's keychain does not hold the key to this profile any more. Type your passphrase." || fieldOf(err) != "passphrase" {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := b.Tries("pf_1"); err != nil || s.Left != 5 || opens(t, b) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		p, err := b.SignInStill(t.Context(), "pf_1", passphrase)
		must(t, err)
		must(t, p.SetKeychain(t.Context(), false, ""))
		must(t, p.SetKeychain(t.Context(), true, passphrase))
		if k.holds["pf_1"] == right {
			t.Error("the secret of before is used again")
		}
		b.Close()
	}
	b := started(t, dir, k)
	k.gone = errors.New("no bus")
	_, err := b.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Unavailable, "out of reach", err)
	k.gone = nil
	p, err := b.OpenByKeychain(t.Context(), "pf_1") // it was unlocked meanwhile
	must(t, err)

	must(t, p.SetKeychain(t.Context(), false, ""))
	k.gone = errors.New("no bus")
	if s, err := p.Keychain(t.Context()); err != nil || s != (KeychainState{Offered: true}) {
		t.Errorf("%+v, %v", s, err)
	}
	wrongly(t, care.Unavailable, "out of reach", p.SetKeychain(t.Context(), true, passphrase))
	k.gone, k.silent = nil, true
	wrongly(t, care.Unavailable, "it takes nothing", p.SetKeychain(t.Context(), true, passphrase))
	if in, err := vault.InKeychain(p.dir); in || err != nil {
		t.Errorf("the vault opens by what nobody keeps: %v", err)
	}
}

// Staff type a passphrase, and so does who shares the data folder.
func TestWhoMayNotUseTheKeychain(t *testing.T) {
	k := newDrawer()
	staff := started(t, data(t), k)
	rosa, err := staff.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if s, err := rosa.Keychain(t.Context()); err != nil || s != (KeychainState{}) {
		t.Errorf("staff: %+v, %v", s, err)
	}
	wrongly(t, care.Forbidden, "staff", rosa.SetKeychain(t.Context(), true, passphrase))
	k.only(t, 0)

	// A nurse's vault that somebody gave a secret all the same opens by no keychain.
	v, err := vault.Open(rosa.dir, passphrase)
	must(t, err)
	secret := vault.NewKeychainSecret()
	must(t, v.KeepInKeychain(secret))
	v.Close()
	staff.Close()
	k.holds["rosa"] = secret.Text()
	_, err = started(t, filepath.Dir(filepath.Dir(rosa.dir)), k).OpenByKeychain(t.Context(), "rosa")
	wrongly(t, care.Forbidden, "staff", err)
	delete(k.holds, "rosa")

	dir := personal(t)
	letIn(t, dir, k)
	must(t, vault.CreateWith(vault.Params{Time: 1, Memory: 64, Threads: 1}, filepath.Join(ProfilesDir(dir), "ana"), "Ana", "x", vault.Secrets{Device: make([]byte, 64)}))
	b := started(t, dir, k)
	_, err = b.OpenByKeychain(t.Context(), "pf_1")
	wrongly(t, care.Forbidden, "a shared computer", err)
	p, err := b.SignInStill(t.Context(), "pf_1", passphrase)
	must(t, err)
	if s, err := p.Keychain(t.Context()); err != nil || s != (KeychainState{On: true}) {
		t.Errorf("a shared computer: %+v, %v", s, err)
	}
	must(t, p.SetKeychain(t.Context(), false, ""))
	wrongly(t, care.Forbidden, "a shared computer", p.SetKeychain(t.Context(), true, passphrase))
	k.only(t, 0)
}
