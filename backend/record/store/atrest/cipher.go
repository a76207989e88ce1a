package atrest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/xts"
)

// A database begins, in the clear, with magic and the key's check; inside, with SQLite's own words, which are always the
// same and so need no place outside. The last letter of magic is the version of the whole layout.
const (
	magic    = "PSTNDB\x001"
	sqlite   = "SQLite format 3\x00"
	headSize = len(sqlite)
)

const tagSize = chacha20poly1305.Overhead

// ciphers is what follows from a file's key.
type ciphers struct {
	check   [headSize - len(magic)]byte // tells that a file was made with another key, before anything is touched
	sealing map[int]cipher.AEAD         // by kind of unit
	stream  [64]byte                    // of rollback journals
}

func derive(key []byte) (*ciphers, error) {
	c := &ciphers{sealing: map[int]cipher.AEAD{}}
	for _, file := range []struct {
		label string
		kinds []int
	}{
		{"postern.atrest.database.v1", []int{unitPage}},
		{"postern.atrest.log.v1", []int{unitLogHead, unitFrameHead, unitFramePage}},
		{"postern.atrest.journal.v1", []int{unitJournalPage}},
	} {
		var sub [chacha20poly1305.KeySize]byte
		if err := expand(key, file.label, sub[:]); err != nil {
			return nil, err
		}
		aead, err := chacha20poly1305.NewX(sub[:])
		clear(sub[:])
		if err != nil {
			return nil, fmt.Errorf("make a cipher: %w", err)
		}
		for _, kind := range file.kinds {
			c.sealing[kind] = aead
		}
	}
	if err := expand(key, "postern.atrest.stream.v1", c.stream[:]); err != nil {
		return nil, err
	}
	return c, expand(key, "postern.atrest.check.v1", c.check[:])
}

func expand(key []byte, label string, out []byte) error {
	b, err := hkdf.Key(sha256.New, key, nil, label, len(out))
	if err != nil {
		return fmt.Errorf("derive a key: %w", err)
	}
	copy(out, b)
	clear(b)
	return nil
}

// wipe overwrites what can be overwritten; the rest is Go's to forget.
func (c *ciphers) wipe() {
	clear(c.stream[:])
	clear(c.check[:])
	clear(c.sealing)
}

// seal puts one unit, sealed, into out, which is as long as the unit is stored: ciphertext, tag, nonce. The nonce is random:
// of 192 bits, so that no number of writes makes two alike. It reports whether plain is a unit that can be stored: the end of
// a page, where the seal goes, must be empty, and the first page that of a database of this layout.
func (c *ciphers) seal(kind int, number int64, plain, out []byte) bool {
	aead := c.sealing[kind]
	n := len(out) - sealSize
	if aead == nil || n < 0 || len(plain) < n || !empty(plain[n:]) {
		return false
	}
	if kind == unitPage && number == 1 {
		if string(plain[:headSize]) != sqlite || binary.BigEndian.Uint16(plain[16:]) != pageSize || plain[20] != sealSize {
			return false
		}
		copy(out, magic)
		copy(out[len(magic):headSize], c.check[:])
		plain, out, n = plain[headSize:], out[headSize:], n-headSize
	}
	nonce := out[n+tagSize:]
	_, _ = rand.Read(nonce) // it never fails: it would end the program
	aead.Seal(out[:0], nonce, plain[:n], about(kind, number))
	return true
}

// unseal opens a unit where it lies; where its seal was, a page gets zeros. It reports whether it is what was sealed as this
// unit; if not, what is in buf then means nothing.
func (c *ciphers) unseal(kind int, number int64, buf []byte) bool {
	if kind != unitPage || number != 1 {
		return c.open(kind, number, buf)
	}
	if len(buf) < headSize || string(buf[:len(magic)]) != magic || !bytes.Equal(buf[len(magic):headSize], c.check[:]) {
		return false
	}
	return c.openFirst(buf)
}

// openFirst opens a database's first page whatever its head says.
func (c *ciphers) openFirst(buf []byte) bool {
	copy(buf, sqlite)
	return c.open(unitPage, 1, buf[headSize:])
}

func (c *ciphers) open(kind int, number int64, buf []byte) bool {
	aead := c.sealing[kind]
	n := len(buf) - sealSize
	if aead == nil || n < 0 {
		return false
	}
	if _, err := aead.Open(buf[:0], buf[n+tagSize:], buf[:n+tagSize], about(kind, number)); err != nil {
		return false
	}
	clear(buf[n:])
	return true
}

// about is what a seal also says: which unit this is.
func about(kind int, number int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(kind)}, uint64(number))
}

func empty(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// stream encrypts or decrypts, where they lie, whole blocks that begin with the given sector.
func stream(x *xts.Cipher, encrypt bool, sector uint64, buf []byte) {
	for ; len(buf) > 0; sector++ {
		part := buf[:min(len(buf), sectorSize)]
		buf = buf[len(part):]
		if encrypt {
			x.Encrypt(part, part, sector)
		} else {
			x.Decrypt(part, part, sector)
		}
	}
}

func newStream(key []byte) (*xts.Cipher, error) { return xts.NewCipher(aes.NewCipher, key) }
