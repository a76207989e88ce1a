package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"

	"postern/backend/care"
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
	maxFile    = 64 << 20
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
	boxVersion = 1
	keySize    = chacha20poly1305.KeySize
	saltSize   = 16
	wrapLabel  = "postern.vault.wrap.v1\n"
	boxLabel   = "postern.vault.box.v1\n"
	sumLabel   = "postern.vault.sum.v1\n"
)

// file is the box as it is stored. The label stands outside of everything: it is shown before anybody signs in.
type file struct {
	Vault int    `json:"vault"` // 1
	Label string `json:"label"`
	Wrap  wrap   `json:"wrap"` // the box's key, sealed under the passphrase
	Nonce []byte `json:"nonce"`
	Box   []byte `json:"box"` // the content, sealed under the box's key
	Sum   []byte `json:"sum"` // tells a damaged file from a wrong passphrase; no secret
}

type wrap struct {
	Kind   string `json:"kind"` // "argon2id"
	Params Params `json:"params"`
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

func (f *file) sum() []byte {
	h := sha256.New()
	h.Write([]byte(sumLabel))
	for _, part := range [][]byte{f.Wrap.bound(), f.Wrap.Nonce, f.Wrap.Key, f.Nonce, f.Box} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes every write
		h.Write(part)
	}
	return h.Sum(nil)
}

func (f *file) check() error {
	switch {
	case f.Vault != boxVersion:
		return fmt.Errorf("box version %d is not known", f.Vault)
	case f.Wrap.Kind != "argon2id":
		return fmt.Errorf("wrap of kind %q is not known", f.Wrap.Kind)
	case len(f.Wrap.Salt) != saltSize, len(f.Wrap.Nonce) != chacha20poly1305.NonceSizeX,
		len(f.Wrap.Key) != keySize+chacha20poly1305.Overhead,
		len(f.Nonce) != chacha20poly1305.NonceSizeX, len(f.Box) < chacha20poly1305.Overhead:
		return errors.New("a part of the box has a wrong length")
	}
	return f.Wrap.Params.check()
}

// Box is one sealed file, open: what it holds can be read and replaced until it is closed. It is safe for concurrent use.
type Box struct {
	path string

	mu    sync.Mutex
	file  file
	key   []byte
	bytes []byte
}

var errClosed = errors.New("the box is closed")

func wrongPassphrase() error {
	return care.Refusef(care.Invalid, "That passphrase does not open this profile. Check Caps Lock and try again.").In("passphrase")
}

func damagedBox(cause error) error {
	return care.Because(care.Corrupt, cause, "The file that holds this profile's keys is damaged. Your messages are still at the clinic; ask the clinic to enrol this computer again.")
}

// CreateBox makes a sealed file. It refuses to overwrite one (care.Conflict), an empty passphrase (care.Invalid) and
// parameters out of bounds. After an error there is no file, or the one that was there.
func CreateBox(p Params, path, label, passphrase string, content []byte) error {
	if passphrase == "" {
		return care.Refusef(care.Invalid, "Choose a passphrase.").In("passphrase")
	}
	if err := p.check(); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return taken(path)
	}
	b := &Box{path: path, key: random(keySize)}
	defer b.Close()
	b.file = file{Vault: boxVersion, Label: label, Wrap: wrap{Kind: "argon2id", Params: p, Salt: random(saltSize)}}
	w := &b.file.Wrap
	under := derive(passphrase, w)
	defer clear(under)
	w.Nonce, w.Key = sealWith(under, b.key, w.bound())
	return b.write(content, createFile)
}

func taken(path string) error {
	return care.Because(care.Conflict, fmt.Errorf("%s exists", path), "There is a profile in this folder already.")
}

// OpenBox opens a sealed file. A wrong passphrase is care.Invalid with the sentence for the person, a damaged file
// care.Corrupt; a missing one wraps os.ErrNotExist.
func OpenBox(path, passphrase string) (*Box, error) {
	f, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if string(f.sum()) != string(f.Sum) {
		return nil, damagedBox(errors.New("the box's sum is wrong"))
	}
	under := derive(passphrase, &f.Wrap)
	defer clear(under)
	key, err := openWith(under, f.Wrap.Nonce, f.Wrap.Key, f.Wrap.bound())
	if err != nil {
		return nil, wrongPassphrase()
	}
	content, err := openWith(key, f.Nonce, f.Box, []byte(boxLabel))
	if err != nil {
		return nil, damagedBox(fmt.Errorf("open the box: %w", err))
	}
	return &Box{path: path, file: *f, key: key, bytes: content}, nil
}

// Bytes gives a copy of what the box holds; nil once it is closed.
func (b *Box) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.bytes...)
}

// Derive gives 32 bytes that belong to this box and the label, the same at every opening; nil once it is closed.
func (b *Box) Derive(label string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == nil {
		return nil, errClosed
	}
	return hkdf.Key(sha256.New, b.key, nil, label, 32)
}

// Replace puts other content into the box, on the disk before it returns. After an error the old content is in force. It
// refuses (care.Conflict) where the file is no longer the one that this box read or wrote: somebody else has it open too.
func (b *Box) Replace(content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == nil {
		return errClosed
	}
	now, err := readFile(b.path)
	if err != nil {
		return err
	}
	if string(now.Sum) != string(b.file.Sum) {
		return care.Refusef(care.Conflict, "Another Postern has changed this file meanwhile. Nothing was changed; start again.")
	}
	return b.write(content, replaceFile)
}

func (b *Box) write(content []byte, to func(path string, raw []byte) error) error {
	next := b.file
	next.Nonce, next.Box = sealWith(b.key, content, []byte(boxLabel))
	next.Sum = next.sum()
	raw, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return fmt.Errorf("write box: %w", err)
	}
	if len(raw) > maxFile {
		return fmt.Errorf("write box: %d bytes are too many", len(raw))
	}
	if err := to(b.path, append(raw, '\n')); err != nil {
		return err
	}
	clear(b.bytes)
	b.file, b.bytes = next, append([]byte(nil), content...)
	return nil
}

// Close wipes the key and the content, as far as Go can. It may run twice.
func (b *Box) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.key)
	clear(b.bytes)
	b.key, b.bytes = nil, nil
}

// derive makes the wrapping key. One text typed on two keyboards may come as two sequences of bytes: NFC makes them one.
func derive(passphrase string, w *wrap) []byte {
	typed := norm.NFC.Bytes([]byte(passphrase))
	key := argon2.IDKey(typed, w.Salt, w.Params.Time, w.Params.Memory, w.Params.Threads, keySize)
	clear(typed)
	debug.FreeOSMemory() // 64 MiB that nothing needs until the next sign-in
	return key
}

func sealWith(key, plain, bound []byte) (nonce, sealed []byte) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // only for a key of a wrong length
	}
	nonce = random(chacha20poly1305.NonceSizeX)
	return nonce, aead.Seal(nil, nonce, plain, bound)
}

func openWith(key, nonce, sealed, bound []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nonce, sealed, bound)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
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
