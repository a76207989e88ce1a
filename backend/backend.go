// Package backend joins the wings: it opens a profile with its keys, its record, its replica and its commands, and
// closes it again. It is the only place where they meet, and it knows nothing of screens.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/trust/vault"
)

// Backend is one data folder: the profiles on this computer and those that are signed in.
type Backend struct {
	data string
	log  *slog.Logger
	now  func() time.Time

	mu   sync.Mutex
	open map[string]*Profile
}

// Label is what the chooser shows of a profile.
type Label struct {
	ID    string
	Label string
}

// New makes a backend over a data folder; nothing is opened yet. A nil now is the computer's clock.
func New(data string, log *slog.Logger, now func() time.Time) *Backend {
	if now == nil {
		now = time.Now
	}
	return &Backend{data: data, log: log, now: now, open: map[string]*Profile{}}
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
	return out, nil
}

// SignIn opens a profile with its passphrase, or joins it where another session has it open. Each success is paired
// with one Leave. A wrong passphrase is care.Invalid; a profile that is open in another program is care.Conflict.
func (b *Backend) SignIn(ctx context.Context, id, passphrase string) (*Profile, error) {
	return b.signIn(ctx, id, passphrase, true)
}

// SignInStill opens a profile that does nothing by itself: its owner pulls and submits step by step. The demo is made
// so, and tests that need an order of events are written so.
func (b *Backend) SignInStill(ctx context.Context, id, passphrase string) (*Profile, error) {
	return b.signIn(ctx, id, passphrase, false)
}

func (b *Backend) signIn(ctx context.Context, id, passphrase string, run bool) (*Profile, error) {
	dir, err := b.profileDir(id)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(dir, passphrase)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.open[id]; p != nil {
		p.sessions++
		return p, nil
	}
	p, err := openProfile(ctx, dir, v.Secrets(), b.log.With("profile", id), b.now)
	if err != nil {
		return nil, err
	}
	p.ID, p.backend, p.sessions = id, b, 1
	b.open[id] = p
	if run {
		p.start()
	}
	return p, nil
}

// Leave ends one session's use of a profile. With the last one the profile closes: what can still be handed over is
// handed over first, for at most ten seconds, and everything else stays for the next sign-in.
func (b *Backend) Leave(p *Profile) {
	b.mu.Lock()
	p.sessions--
	last := p.sessions == 0
	b.mu.Unlock()
	if !last {
		return
	}
	go func() {
		p.flush(10 * time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if p.sessions > 0 {
			return // somebody signed in again meanwhile
		}
		delete(b.open, p.ID)
		p.close()
	}()
}

// Close closes every profile. Texts in their hold stay held, and go out after the next sign-in.
func (b *Backend) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, p := range b.open {
		p.close()
		delete(b.open, id)
	}
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
