// Package backend joins the wings: it opens a profile with its keys, its record, its replica and its commands, and
// closes it again. It is the only place where they meet, and it knows nothing of screens.
package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/store"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// Backend is one data folder: the profiles on this computer and those that are signed in.
type Backend struct {
	data string
	log  *slog.Logger
	now  func() time.Time

	mail   mailOpener   // nil: the gateway in the data folder. Tests have others
	params vault.Params // of vaults that are made here

	ordinary *agent.Settings // nil: the agent has no ordinary mailbox

	serving sync.Mutex // held while the gateway here is begun or ended
	here    *here      // the gateway in the data folder, once somebody opened it; nil before that

	keychain Keychain // nil: none is used
	opens    bool     // it may open a profile here

	mu         sync.Mutex
	places     map[string]*place
	enrolments map[string]*enrolment
	over       bool // closed: nobody signs in any more
}

// mailOpener gives the accounts of the mail system that belongs to a data folder, and keeps it running until stop.
type mailOpener func(ctx context.Context, data string) (accounts enrol.Accounts, stop func() error, err error)

// systemOpener opens the mail system of the practice whose registrar is in a folder.
type systemOpener func(ctx context.Context, dir, passphrase string) (*system, error)

// place is where one profile is open, or not. Whoever opens or closes the profile holds it, and holds up nobody else.
type place struct {
	mu       sync.Mutex
	profile  *Profile       // nil: not open
	onward   *onward        // nil, or what goes on for the profile while it is not open
	unsent   command.Unsent // what was not sent as it was closed
	sessions int
	offline  atomic.Bool // the person works offline, as long as this program runs
	asks     atomic.Bool // the keychain does not open it: somebody was in it since this program began, or it has not the key
}

// Label is what the chooser shows of a profile.
type Label struct {
	ID    string
	Label string
	Opens bool // now, by what the keychain keeps
}

// New makes a backend over a data folder; nothing is opened yet. A nil now is the computer's clock.
func New(data string, log *slog.Logger, now func() time.Time) *Backend {
	if now == nil {
		now = time.Now
	}
	return &Backend{data: data, log: log, now: now, params: vault.Default,
		places: map[string]*place{}, enrolments: map[string]*enrolment{}}
}

// Over makes the backend's practice use a mail system of this computer other than the gateway: the demo's.
func (b *Backend) Over(m Mail) *Backend {
	if m.System == MailDovecot {
		b.mail = m.use
	}
	return b
}

// HoldFolder keeps a second program that wants a whole data folder away from it, until it is closed or this process
// ends: care.Conflict if another holds it.
func HoldFolder(data string) (io.Closer, error) {
	lock, err := store.Lock(filepath.Join(data, "lock"))
	if err != nil {
		return nil, care.Because(care.Conflict, err, "Another Postern runs in this data folder. End that one first, or name another folder with --data.")
	}
	return lock, nil
}

// ProfilesDir is the folder that holds one folder a profile.
func ProfilesDir(data string) string { return filepath.Join(data, "profiles") }

// Profiles lists the profiles on this computer by label. A folder whose vault cannot be read is listed by its name, so
// that a person sees that it is there.
func (b *Backend) Profiles() ([]Label, error) {
	entries, err := os.ReadDir(ProfilesDir(b.data))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, care.Because(care.Internal, err, "The folder with the profiles cannot be read. Ask whoever looks after this computer.")
	}
	var out []Label
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		label, err := vault.Label(filepath.Join(ProfilesDir(b.data), e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			b.log.Warn("a profile's vault cannot be read", "profile", e.Name(), "err", err)
			label = e.Name()
		}
		out = append(out, Label{ID: e.Name(), Label: label})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Label < out[j].Label })
	if len(out) == 1 { // a computer that several share is no place for it
		out[0].Opens = b.offersOpen(out[0].ID)
	}
	return out, nil
}

// SignIn opens a profile with its passphrase, or joins it where another session has it open. Each success is paired
// with one Leave. A wrong passphrase is care.Invalid, and care.Paused where too many were given, as vault.Try has it; a
// profile that is open in another program is care.Conflict.
func (b *Backend) SignIn(ctx context.Context, id, passphrase string) (*Profile, error) {
	return b.signIn(ctx, id, passphrase, true)
}

// SignInStill opens a profile that does nothing by itself: its owner pulls and submits step by step. The demo is made
// so, commands that only read open one so, and tests that need an order of events are written so.
func (b *Backend) SignInStill(ctx context.Context, id, passphrase string) (*Profile, error) {
	return b.signIn(ctx, id, passphrase, false)
}

func (b *Backend) signIn(ctx context.Context, id, passphrase string, run bool) (*Profile, error) {
	dir, err := b.profileDir(id)
	if err != nil {
		return nil, err
	}
	v, err := vault.Try(dir, passphrase, b.now())
	if err != nil {
		return nil, err
	}
	if s := v.Secrets(); s.Enrolling != nil {
		clinic := s.Enrolling.Clinic
		s.Wipe()
		if err := b.goOn(id, dir, v); err != nil {
			return nil, err
		}
		return nil, care.Refusef(care.Unfinished, "%s has not taken this profile in yet. Postern asks again.", clinic)
	}
	defer v.Close()
	return b.enter(ctx, id, dir, v, run)
}

// enter opens the profile whose vault is open, or joins it.
func (b *Backend) enter(ctx context.Context, id, dir string, v *vault.Vault, run bool) (*Profile, error) {
	at := b.place(id)
	at.mu.Lock()
	defer at.mu.Unlock()
	if b.ended() {
		return nil, care.Refusef(care.Unavailable, "Postern is ending. Start it again to sign in.")
	}
	opened := at.profile == nil
	if opened {
		at.endOnward()
		secrets := v.Secrets()
		defer secrets.Wipe()
		p, err := openProfile(ctx, dir, secrets, b.log.With("profile", id), b.now, b.openSystem)
		if err != nil {
			return nil, err
		}
		p.ID, p.at, p.b, at.profile = id, at, b, p
		p.replica.SetOffline(at.offline.Load())
	}
	at.sessions++
	at.asks.Store(true)
	at.profile.trail.enter(ctx, v.Wrong())
	if opened && run {
		at.profile.start() // behind the entry of the sign-in, of which the practice is told
	}
	return at.profile, nil
}

func (b *Backend) place(id string) *place {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.places[id]
	if at == nil {
		at = &place{}
		b.places[id] = at
	}
	return at
}

func (b *Backend) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// parting is how long the end of a profile waits for what is still to be handed over.
const parting = 10 * time.Second

// Leave ends one session's use of a profile. With the last one the profile closes: no text can be taken back any more,
// and what can be handed over is handed over first, for at most ten seconds. It does not wait for that. Letters that are
// left are sealed and go on, without the profile's keys, until they went, somebody signs in again or the backend is
// closed; everything else stays for the next sign-in. A profile whose registrar is to go on stays open, with nobody at it.
func (b *Backend) Leave(p *Profile) {
	at := p.at
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.profile != p || at.sessions == 0 {
		return // the backend was closed
	}
	p.trail.leave(1)
	if at.sessions--; at.sessions > 0 {
		return
	}
	go func() {
		p.flush(parting)
		at.mu.Lock()
		defer at.mu.Unlock()
		if at.profile == p && at.sessions == 0 && !p.stays() { // nobody signed in again, and nobody closed it meanwhile
			at.close(true)
			debug.FreeOSMemory() // keys that are text go with what else nobody holds any more, as far as Go gives it back
		}
	}()
}

// close closes the profile that is open here; letters that are left may go on. The caller holds the place.
func (at *place) close(goOn bool) {
	p, sessions := at.profile, at.sessions
	at.profile, at.sessions = nil, 0
	at.onward, at.unsent = p.close(sessions, goOn)
}

// Part ends what could still be taken back in every open profile and hands over what can be, for at most this long, also
// what is left of a profile that was locked. It says how many things that somebody wrote or did are not sent, or not to everybody.
// Nothing is closed: a person who is told may stay.
func (b *Backend) Part(limit time.Duration) (waiting int) {
	var n atomic.Int64
	b.each(func(at *place) { n.Add(int64(at.part(limit))) })
	return int(n.Load())
}

// Close closes every profile, and then the gateway here; nobody can sign in after it. What is in its hold is sent first, as when a person
// locks: for at most ten seconds, and what cannot go stays on this computer, as does what was still going on. It may run twice.
func (b *Backend) Close() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.endEnrolments()
	b.each(func(at *place) {
		if at.profile != nil {
			at.part(parting)
			at.close(false)
		}
		at.endOnward()
	})
	b.endHere()
}

// each does something with every place, with all at once, and holds them meanwhile.
func (b *Backend) each(do func(*place)) {
	b.mu.Lock()
	places := slices.Collect(maps.Values(b.places))
	b.mu.Unlock()
	var all sync.WaitGroup
	for _, at := range places {
		all.Go(func() {
			at.mu.Lock()
			defer at.mu.Unlock()
			do(at)
		})
	}
	all.Wait()
}

// part hands over what the profile here still has, unless it is driven step by step: that sends nothing by itself.
func (at *place) part(limit time.Duration) (waiting int) {
	switch {
	case at.profile == nil:
		if at.onward != nil {
			at.onward.part(limit, at.unsent)
		}
		return at.unsent.N()
	case at.profile.cancel == nil:
		return 0
	}
	return at.profile.flush(limit)
}

func (b *Backend) profileDir(id string) (string, error) {
	if id == "" || filepath.Base(id) != id || id == "." || id == ".." {
		return "", care.Refusef(care.NotFound, "There is no such profile on this computer.")
	}
	dir := filepath.Join(ProfilesDir(b.data), id)
	if _, err := os.Stat(filepath.Join(dir, "vault.json")); err != nil {
		return "", care.Because(care.NotFound, fmt.Errorf("open profile: %w", err), "There is no such profile on this computer.")
	}
	return dir, nil
}
