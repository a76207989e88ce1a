package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"

	"postern/backend/care"
)

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
	if err := p.check(); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return taken(path)
	}
	b := &Box{path: path, key: random(keySize), file: file{Label: label}}
	defer b.Close()
	if err := b.file.bind(p, passphrase, b.key); err != nil {
		return err
	}
	b.file.fill(b.key, content)
	return b.write(b.file, content, createFile)
}

// bind seals a box's key under a passphrase, in the place of the one before.
func (f *file) bind(p Params, passphrase string, key []byte) error {
	if passphrase == "" {
		return care.Refusef(care.Invalid, "Choose a passphrase.").In("passphrase")
	}
	f.Wrap = wrap{Kind: byPassphrase, Params: p, Salt: random(saltSize)}
	under := derive(passphrase, &f.Wrap)
	defer clear(under)
	f.Wrap.Nonce, f.Wrap.Key = sealWith(under, key, f.Wrap.bound())
	return nil
}

// fill puts content into a box.
func (f *file) fill(key, content []byte) {
	f.Nonce, f.Box = sealWith(key, content, []byte(boxLabel))
}

func taken(path string) error {
	return care.Because(care.Conflict, fmt.Errorf("%s exists", path), "There is a profile in this folder already.")
}

// OpenBox opens a sealed file. A wrong passphrase is care.Invalid with the sentence for the person, a damaged file
// care.Corrupt; a missing one wraps os.ErrNotExist.
func OpenBox(path, passphrase string) (*Box, error) {
	f, err := soundFile(path)
	if err != nil {
		return nil, err
	}
	return openByPassphrase(path, f, passphrase)
}

func openByPassphrase(path string, f *file, passphrase string) (*Box, error) {
	under := derive(passphrase, &f.Wrap)
	defer clear(under)
	key, err := openWith(under, f.Wrap.Nonce, f.Wrap.Key, f.Wrap.bound())
	if err != nil {
		return nil, wrongPassphrase()
	}
	return openByKey(path, f, key)
}

func openByKey(path string, f *file, key []byte) (*Box, error) {
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
// refuses (care.Conflict) where the file no longer holds what this box read or wrote: somebody else has it open too. A
// passphrase, a recovery code or a keychain's secret that was changed meanwhile stays changed.
func (b *Box) Replace(content []byte) error {
	content = append([]byte{}, content...) // never nil
	return b.change(content, func(f *file) error {
		f.fill(b.key, content)
		return nil
	})
}

// rebind changes what opens the box, on the disk before it returns. After an error the old is in force. Content that was
// changed meanwhile is refused as in Replace.
func (b *Box) rebind(how func(f *file, key []byte) error) error {
	return b.change(nil, func(f *file) error { return how(f, b.key) })
}

// change rewrites the file as it is now. content is what it then holds; nil: what it held.
func (b *Box) change(content []byte, how func(*file) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == nil {
		return errClosed
	}
	release, err := holdFolder(filepath.Dir(b.path))
	if err != nil {
		return err
	}
	defer release()
	now, err := soundFile(b.path)
	if err != nil {
		return err
	}
	if string(now.Nonce) != string(b.file.Nonce) || string(now.Box) != string(b.file.Box) {
		return care.Refusef(care.Conflict, "Another Postern has changed this file meanwhile. Nothing was changed; start again.")
	}
	next := *now
	if err := how(&next); err != nil {
		return err
	}
	if content == nil {
		content = b.bytes
	}
	return b.write(next, content, replaceFile)
}

func (b *Box) write(next file, content []byte, to func(path string, raw []byte) error) error {
	raw, err := next.bytes()
	if err != nil {
		return err
	}
	if err := to(b.path, raw); err != nil {
		return err
	}
	held := append([]byte{}, content...)
	clear(b.bytes)
	b.file, b.bytes = next, held
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
