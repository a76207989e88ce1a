package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/chacha20poly1305"
)

// Params is how costly one guess at a passphrase is made. They are stored with the box.
type Params struct {
	Time    uint32 `json:"time"`    // passes
	Memory  uint32 `json:"memory"`  // KiB
	Threads uint8  `json:"threads"` // lanes
}

// Default is Argon2id's second recommendation of RFC 9106. Nothing but a test takes less.
var Default = Params{Time: 3, Memory: 64 << 10, Threads: 4}

// Limits of what a stored box may ask for: a hostile file must not take the computer's memory or its day.
const (
	maxTime    = 32
	maxMemory  = 1 << 20 // 1 GiB
	maxWork    = 8 << 20 // KiB, over all passes
	maxThreads = 16
	maxFile    = 256 << 20 // a registrar's file has 35 KB a member who is enrolled
)

func (p Params) check() error {
	switch {
	case p.Time < 1 || p.Time > maxTime, p.Threads < 1 || p.Threads > maxThreads,
		p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory, uint64(p.Time)*uint64(p.Memory) > maxWork:
		return fmt.Errorf("Argon2id parameters out of bounds: time %d, memory %d KiB, threads %d", p.Time, p.Memory, p.Threads)
	}
	return nil
}

const (
	boxVersion = 3 // the newest that is read; 1 knows no recovery code, 2 no keychain
	keySize    = chacha20poly1305.KeySize
	saltSize   = 16
	wrapLabel  = "postern.vault.wrap.v1\n"
	boxLabel   = "postern.vault.box.v1\n"
	sumLabel   = "postern.vault.sum.v%d\n"
)

// file is the box as it is stored. The label stands outside of everything: it is shown before anybody signs in.
type file struct {
	Vault    int    `json:"vault"`
	Label    string `json:"label"`
	Wrap     wrap   `json:"wrap"`               // the box's key, sealed under the passphrase
	Recovery *wrap  `json:"recovery,omitempty"` // and under the recovery code, if one is in force
	Keychain *wrap  `json:"keychain,omitempty"` // and under a secret that the computer's keychain keeps, if it does
	Nonce    []byte `json:"nonce"`
	Box      []byte `json:"box"` // the content, sealed under the box's key
	Sum      []byte `json:"sum"` // tells a damaged file from a wrong passphrase; no secret
}

// What a wrap's key comes from.
const (
	byPassphrase = "argon2id"
	byCode       = "code"     // has no params: a code is too long to be guessed at any cost
	byKeychain   = "keychain" // nor has this
)

type wrap struct {
	Kind   string `json:"kind"`
	Params Params `json:"params,omitzero"`
	Salt   []byte `json:"salt"`
	Nonce  []byte `json:"nonce"`
	Key    []byte `json:"key"`
}

// bound is what the wrap's seal covers beside the key.
func (w *wrap) bound() []byte {
	b := append([]byte(wrapLabel), w.Kind...)
	b = append(b, '\n')
	b = binary.BigEndian.AppendUint32(b, w.Params.Time)
	b = binary.BigEndian.AppendUint32(b, w.Params.Memory)
	b = append(b, w.Params.Threads)
	return append(b, w.Salt...)
}

func (w *wrap) check(kind string) error {
	switch {
	case w.Kind != kind:
		return fmt.Errorf("a wrap is of kind %q and not %q", w.Kind, kind)
	case len(w.Salt) != saltSize, len(w.Nonce) != chacha20poly1305.NonceSizeX, len(w.Key) != keySize+chacha20poly1305.Overhead:
		return errors.New("a part of a wrap has a wrong length")
	case kind != byPassphrase && w.Params != Params{}:
		return fmt.Errorf("a %s has parameters", kind)
	case kind != byPassphrase:
		return nil
	}
	return w.Params.check()
}

func (f *file) sum() []byte {
	parts := [][]byte{f.Wrap.bound(), f.Wrap.Nonce, f.Wrap.Key}
	for _, w := range []*wrap{f.Recovery, f.Keychain} { // each is bound to its kind: none can pass for the other
		if w != nil {
			parts = append(parts, w.bound(), w.Nonce, w.Key)
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, sumLabel, f.Vault)
	for _, part := range append(parts, f.Nonce, f.Box) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes every write
		h.Write(part)
	}
	return h.Sum(nil)
}

func (f *file) check() error {
	switch {
	case f.Vault < 1 || f.Vault > boxVersion:
		return fmt.Errorf("box version %d is not known", f.Vault)
	case f.Vault == 1 && f.Recovery != nil:
		return errors.New("a box of version 1 has a recovery code")
	case f.Vault < 3 && f.Keychain != nil:
		return fmt.Errorf("a box of version %d has a keychain's secret", f.Vault)
	case len(f.Nonce) != chacha20poly1305.NonceSizeX, len(f.Box) < chacha20poly1305.Overhead:
		return errors.New("a part of the box has a wrong length")
	}
	if f.Recovery != nil {
		if err := f.Recovery.check(byCode); err != nil {
			return err
		}
	}
	if f.Keychain != nil {
		if err := f.Keychain.check(byKeychain); err != nil {
			return err
		}
	}
	return f.Wrap.check(byPassphrase)
}

// finish gives a box its version and its sum: the oldest version that knows what is in it, so that the box opens in as many
// programs as it can.
func (f *file) finish() {
	f.Vault = 2
	if f.Keychain != nil {
		f.Vault = 3
	}
	f.Sum = f.sum()
}

// bytes is the box as it is stored.
func (f *file) bytes() ([]byte, error) {
	f.finish()
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write box: %w", err)
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("write box: %d bytes are too many", len(raw))
	}
	return append(raw, '\n'), nil
}

func readFile(path string) (*file, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read vault: %w", err)
	}
	if len(raw) > maxFile {
		return nil, damagedBox(fmt.Errorf("the file has more than %d bytes", maxFile))
	}
	return parseFile(raw)
}

// soundFile is readFile of a file that is to be opened: what its sum tells to be damaged is said to be.
func soundFile(path string) (*file, error) {
	f, err := readFile(path)
	if err == nil && string(f.sum()) != string(f.Sum) {
		return nil, damagedBox(errors.New("the box's sum is wrong"))
	}
	return f, err
}

func parseFile(raw []byte) (*file, error) {
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, damagedBox(err)
	}
	if err := f.check(); err != nil {
		return nil, damagedBox(err)
	}
	return &f, nil
}
