package backend

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"postern/backend/replica"
)

const (
	spoolLabel = "postern.spool.v1"
	spoolKey   = 32
	maxSpool   = 16 << 20
)

// spool is the file in a profile's folder that says what became of letters while the profile was closed. It is sealed
// with a key that follows from the record's and opens nothing else: it shows nobody who writes to whom, and nobody can
// write into it that a letter has gone.
type spool struct {
	path string

	mu  sync.Mutex
	key []byte // nil: wiped
}

func newSpool(dir string, store []byte) (*spool, error) {
	key, err := hkdf.Key(sha256.New, store, nil, spoolLabel, spoolKey)
	if err != nil {
		return nil, fmt.Errorf("make the spool's key: %w", err)
	}
	return &spool{path: filepath.Join(dir, "spool"), key: key}, nil
}

func (s *spool) aead() (cipher.AEAD, error) {
	if s.key == nil {
		return nil, errors.New("the spool is closed")
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// keep puts outcomes in the place of those before, on the disk before it returns.
func (s *spool) keep(all []replica.Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	plain, err := json.Marshal(all)
	if err != nil {
		return err
	}
	aead, err := s.aead()
	if err != nil {
		return err
	}
	next := s.path + ".new" // one process has the profile: nobody else writes it
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(aead.Seal(nil, nil, plain, []byte(spoolLabel))); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(next, s.path)
	}
	// The folder is not synced: after a power cut the spool may say less than it did, and then a letter is sent again.
	return err
}

// read gives what was kept last; nothing if there is no spool.
func (s *spool) read() (all []replica.Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if at.Size() > maxSpool {
		return nil, fmt.Errorf("a spool of %d bytes", at.Size())
	}
	raw, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, raw, []byte(spoolLabel))
	if err != nil {
		return nil, errors.New("the spool was changed or is damaged")
	}
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	return all, nil
}

// remove takes the spool away once it is taken in.
func (s *spool) remove() error {
	var errs []error
	for _, name := range []string{s.path, s.path + ".new"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *spool) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.key)
	s.key = nil
}
