package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// Ring holds the keys of a profile, all generations, and opens letters. It is safe for concurrent use and never changes.
type Ring struct {
	// Two keys share an id only by an attacker's wish, so that letters to one would be lost: then both are tried.
	keys map[KeyTag][]single
}

// NewRing makes a ring of the secrets given.
func NewRing(secrets ...Secret) *Ring {
	r := &Ring{keys: make(map[KeyTag][]single, len(secrets))}
	for _, s := range secrets {
		if s.identity != nil {
			r.keys[s.id] = append(r.keys[s.id], single{s.identity})
		}
	}
	return r
}

// With gives a ring that has these secrets too.
func (r *Ring) With(secrets ...Secret) *Ring {
	next := NewRing(secrets...)
	for id, keys := range r.keys {
		for _, k := range keys {
			if !slices.ContainsFunc(next.keys[id], func(x single) bool { return x.identity.String() == k.identity.String() }) {
				next.keys[id] = append(next.keys[id], k)
			}
		}
	}
	return next
}

// Holds reports whether the ring has a key of that id.
func (r *Ring) Holds(id KeyTag) bool { return len(r.keys[id]) > 0 }

// Name tells rings apart by the ids of the keys that they hold: what one could not open, another may.
func (r *Ring) Name() string {
	h := sha256.New()
	for _, id := range slices.SortedFunc(maps.Keys(r.keys), func(a, b KeyTag) int { return bytes.Compare(a[:], b[:]) }) {
		h.Write(id[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// TagOf gives the id of the key that a letter is sealed to. It returns ErrNotALetter for other bytes.
func TagOf(letter []byte) (KeyTag, error) {
	if len(letter) < frameSize || string(letter[:len(magic)]) != magic {
		return KeyTag{}, ErrNotALetter
	}
	return KeyTag(letter[len(magic):frameSize]), nil
}

// Open gives what the letter carries, or ErrNotALetter, ErrNoKey or ErrDamaged (with errors.Is). It does not verify the
// signature inside: whose it must be is not known here. The content shares no memory with the letter.
func (r *Ring) Open(letter []byte) (Content, error) {
	id, err := TagOf(letter)
	if err != nil {
		return Content{}, err
	}
	if len(letter) > MaxLetter {
		return Content{}, damaged("it has %d bytes", len(letter))
	}
	keys := r.keys[id]
	if len(keys) == 0 {
		return Content{}, fmt.Errorf("%w: %s", ErrNoKey, id)
	}
	for i, key := range keys {
		inside, err := decrypt(letter[frameSize:], key)
		if i+1 < len(keys) && errors.Is(err, age.ErrIncorrectIdentity) {
			continue
		}
		if err != nil {
			return Content{}, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return unpack(inside)
	}
	panic("unreachable: the last key returns")
}

// The age format's payload: 16 bytes of nonce, then chunks of 64 KiB and a tag each.
const (
	nonceSize = 16
	chunkSize = 64<<10 + chacha20poly1305.Overhead
)

var errHeader = errors.New("the age header has no end")

// decrypt gives the plain bytes of an age file. Nearly every letter is a single chunk, and a first sync opens many
// thousands: then the chunk is opened here, with the file key that age found, since age's own reader spends 130 KB of
// memory on it. Longer files are age's alone. TestOneChunkAsAgeReadsIt holds the two together.
func decrypt(file []byte, key single) ([]byte, error) {
	mac := bytes.Index(file, []byte("\n--- "))
	if mac < 0 {
		return nil, errHeader
	}
	end := bytes.IndexByte(file[mac+1:], '\n')
	if end < 0 {
		return nil, errHeader
	}
	header, payload := file[:mac+1+end+1], file[mac+1+end+1:]
	if len(payload) > nonceSize+chunkSize {
		r, err := age.Decrypt(bytes.NewReader(file), key)
		if err != nil {
			return nil, err
		}
		var inside bytes.Buffer
		inside.Grow(len(payload))
		_, err = inside.ReadFrom(r)
		return inside.Bytes(), err
	}
	if len(payload) < nonceSize {
		return nil, io.ErrUnexpectedEOF
	}
	fileKey, err := age.DecryptHeader(header, key)
	if err != nil {
		return nil, err
	}
	streamKey, err := hkdf.Key(sha256.New, fileKey, payload[:nonceSize], "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(streamKey)
	if err != nil {
		return nil, err
	}
	var nonce [chacha20poly1305.NonceSize]byte // chunk 0 …
	nonce[len(nonce)-1] = 1                    // … and the last one
	return aead.Open(nil, nonce[:], payload[nonceSize:], nil)
}

// single is an identity that takes only a letter to exactly one recipient, of the hybrid kind: what Seal writes.
type single struct{ identity *age.HybridIdentity }

var errRecipients = errors.New("a letter has exactly one recipient")

// Unwrap implements age.Identity.
func (s single) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 {
		return nil, errRecipients
	}
	return s.identity.Unwrap(stanzas)
}
