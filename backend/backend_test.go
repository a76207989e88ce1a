package backend

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/draft"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

const passphrase = "of the tests"

// unreached is a mail system that knows its accounts, and that nobody can reach.
type unreached struct{}

func (unreached) Mailbox(_ context.Context, local string) (string, error) {
	return local + "@mail.test", nil
}

func (unreached) Login(_ context.Context, local string, _, _ bool) (care.MailLogin, error) {
	nowhere := care.Endpoint{Host: "127.0.0.1", Port: 1, TLS: care.TLSNone}
	return care.MailLogin{User: local, Password: "p", Address: local + "@mail.test", IMAP: nowhere, SMTP: nowhere}, nil
}

func (unreached) Without(context.Context, string) error { return nil }

// data makes a practice with the profile of a nurse, rosa, and gives the data folder.
func data(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	day := []care.Span{{From: "09:00", Until: "18:00"}}
	reg, err := enrol.New(t.Context(), enrol.Options{Dir: filepath.Join(dir, "practice"), Passphrase: passphrase, Accounts: unreached{},
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}},
		care.Practice{Name: "Alder Creek Clinic", Calendar: care.Calendar{Zone: "America/New_York", Hours: map[string][]care.Span{"mon": day}}})
	must(t, err)
	defer reg.Close()
	office, err := reg.AddOffice(t.Context(), care.Office{Name: "Dr. Lee's office"})
	must(t, err)
	rosa, err := reg.AddPerson(t.Context(), care.Person{Name: "Rosa", Shown: "Rosa", Role: care.RoleNurse}, []care.OfficeID{office.ID})
	must(t, err)
	must(t, MakeProfile(t.Context(), reg, filepath.Join(ProfilesDir(dir), "rosa"), rosa.ID, "Rosa", passphrase))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// gone waits until nobody holds the profile any more.
func gone(t *testing.T, b *Backend, id string) {
	t.Helper()
	for at, limit := b.place(id), time.Now().Add(20*time.Second); ; {
		at.mu.Lock()
		open := at.profile != nil
		at.mu.Unlock()
		if !open {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the profile stays open")
		}
	}
}

// Sessions come and go, some while the last one before them is still leaving, and in the end the profile is closed and
// can be opened by another Postern.
func TestComingAndGoing(t *testing.T) {
	dir := data(t)
	b := New(dir, quiet(), nil)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range 4 {
				p, err := b.SignInStill(t.Context(), "rosa", passphrase)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := p.Desk().SaveDraft(t.Context(), draft.Draft{What: command.DraftNote, Text: "x"}); err != nil {
					t.Errorf("signed in to a profile that is closed: %v", err)
				}
				b.Leave(p)
			}
		})
	}
	all.Wait()
	gone(t, b, "rosa")
	other := New(dir, quiet(), nil)
	defer other.Close()
	_, err := other.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if _, err := b.SignInStill(t.Context(), "rosa", passphrase); care.KindOf(err) != care.Conflict {
		t.Errorf("the profile is open twice: %v", err)
	}
}

// Working offline outlives locking and unlocking, and is over only when the person says so.
func TestWorkingOfflineStays(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	p.WorkOffline(true)
	b.Leave(p)
	gone(t, b, "rosa")
	p, err = b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if s := p.Sync(); s.Phase != care.SyncOffline || !s.Chosen {
		t.Errorf("unlocked, it stands at %+v", s)
	}
	p.WorkOffline(false)
	if s := p.Sync(); s.Chosen {
		t.Errorf("online again, it stands at %+v", s)
	}
}

// Leave and Close at once close a profile once, and nobody signs in after Close.
func TestClosed(t *testing.T) {
	dir := data(t)
	var said bytes.Buffer
	b := New(dir, slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError})), nil)
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	b.Leave(p)
	b.Close()
	b.Leave(p)
	b.Close()
	gone(t, b, "rosa")
	if said.Len() > 0 {
		t.Errorf("closing said: %s", said.String())
	}
	if _, err := b.SignInStill(t.Context(), "rosa", passphrase); care.KindOf(err) != care.Unavailable {
		t.Errorf("signed in after the end: %v", err)
	}
	if !bytes.Equal(p.device, make([]byte, len(p.device))) {
		t.Error("the device's key is still in memory")
	}
}

// A replica can be thrown away: a record that begins anew opens, though nothing from the clinic is in it yet.
func TestRecordThrownAway(t *testing.T) {
	dir := data(t)
	for _, name := range []string{"replica.db", "replica.db-wal", "replica.db-shm"} {
		_ = os.Remove(filepath.Join(ProfilesDir(dir), "rosa", name)) // some are not there
	}
	b := New(dir, quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if p.facts.Clock() == nil {
		t.Error("no calendar")
	}
}

// A calendar that this Postern cannot read keeps nobody from their messages: it is said, and nothing is promised.
func TestUnreadableCalendar(t *testing.T) {
	root, registrar, device := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
	s := vault.Secrets{Practice: care.PracticeID(care.NewID("pr")), Root: seal.Fingerprint(public(root)), Store: make([]byte, store.KeyBytes), Device: device,
		Person: care.Person{ID: care.PersonID(care.NewID("ps")), Role: care.RoleNurse}}
	head := directory.Head{Practice: s.Practice, At: directory.Time(time.Now())}
	cert, err := directory.Sign(root, &directory.Cert{Head: head, Serial: 1, For: directory.ForRegistrar, Key: public(registrar), Root: public(root)})
	must(t, err)
	list, err := directory.Sign(registrar, &directory.Directory{Head: head, Chain: []directory.SignedCert{cert.Embed()}, Version: 1,
		Clinic: care.Practice{ID: s.Practice, Calendar: care.Calendar{Zone: "America/New_York", Preset: "of a newer Postern"}}})
	must(t, err)
	dir := t.TempDir()
	must(t, keepDocuments(t.Context(), dir, s.Store, []directory.Document{list}))
	p, err := openProfile(t.Context(), dir, s, quiet(), time.Now, nil)
	must(t, err)
	defer p.close(0, false)
	if p.Practice().Calendar.Preset == "" || p.facts.Clock().Promises() {
		t.Error("something is promised")
	}
	if got := p.Sync(); got.Phase != care.SyncAmiss || !strings.Contains(got.Problem, "calendar") {
		t.Errorf("nothing is said: %+v", got)
	}
	if _, _, err := p.Views().Queue(t.Context(), "all", ""); err != nil {
		t.Error(err)
	}
	offline := care.SyncState{Phase: care.SyncOffline, Problem: "The mail system cannot be reached."}
	if got := p.facts.stand(offline); got != offline {
		t.Errorf("it hides that the mail system cannot be reached: %+v", got)
	}
}
