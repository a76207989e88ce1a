// Package seal turns bytes into letters that exactly one key can open, and back; and it signs and verifies.
//
// A letter hides what it carries, its true size and its author; opening takes no part of it on trust and refuses whatever a
// writer of this package would not have written. It knows bytes, keys and labels only: who a key belongs to and what signed
// bytes mean are questions for the rooms directory and event. The format: docs/format.md.
package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"filippo.io/age"
)

// What Open refuses, for errors.Is. None of them says anything about the author: a letter that opens proves only that
// somebody knew the public key.
var (
	// ErrNotALetter: these bytes do not begin as a letter of a version that is known here.
	ErrNotALetter = errors.New("not a letter")
	// ErrNoKey: it is a letter, to a key that is not in the ring.
	ErrNoKey = errors.New("sealed to a key that is not held here")
	// ErrDamaged: it is a letter to a key in the ring, and it is not as its writer made it.
	ErrDamaged = errors.New("the letter is damaged")
)

// ContentType says what a letter carries.
type ContentType byte

// The content types.
const (
	TypeEvent    ContentType = 1
	TypeBlob     ContentType = 2
	TypeBundle   ContentType = 3
	TypeDocument ContentType = 4
)

// signed reports whether the content has a signature beside it. A blob is named by its hash in a signed event, and
// every event in a bundle has its own.
func (t ContentType) signed() bool { return t == TypeEvent || t == TypeDocument }

func (t ContentType) known() bool { return t >= TypeEvent && t <= TypeDocument }

// Content is what a letter carries.
type Content struct {
	Type      ContentType
	Bytes     []byte
	Signature []byte // 64 bytes; of a blob or bundle, nil
}

const (
	// MaxContent is the most bytes that one letter carries.
	MaxContent = 4 << 20
	// MaxLetter is more than the longest letter has, in bytes.
	MaxLetter = 5 << 20

	magic         = "PSTN\x01"
	idSize        = 8
	frameSize     = len(magic) + idSize
	signatureSize = 64
	headSize      = 1 + 4
	overhead      = headSize + signatureSize

	smallestBucket = 4 << 10
	largestBucket  = 512 << 10
)

// bucket is the size to which n bytes of inside are padded: a power of two from 4 to 512 KiB, then a multiple of 512 KiB.
func bucket(n int) int {
	if n > largestBucket {
		return (n + largestBucket - 1) / largestBucket * largestBucket
	}
	b := smallestBucket
	for b < n {
		b *= 2
	}
	return b
}

// Seal makes the letter that carries c to the holder of to. Each call gives other bytes. It refuses content that Open
// would refuse.
func Seal(to Public, c Content) ([]byte, error) {
	recipient, err := to.recipient()
	if err != nil {
		return nil, err
	}
	inside, err := pack(c)
	if err != nil {
		return nil, err
	}
	var letter bytes.Buffer
	letter.Grow(frameSize + len(inside) + ageOverhead(len(inside)))
	letter.WriteString(magic)
	letter.Write(to.ID[:])
	w, err := age.Encrypt(&letter, recipient)
	if err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	if _, err := w.Write(inside); err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	return letter.Bytes(), nil
}

// ageOverhead is what the age file needs beyond n plain bytes, rounded up: header, nonce and a tag for every 64 KiB.
func ageOverhead(n int) int { return 2048 + 16*(n/(64<<10)+1) }

func pack(c Content) ([]byte, error) {
	signature := c.Signature
	switch {
	case !c.Type.known():
		return nil, fmt.Errorf("content type %d is not known", c.Type)
	case len(c.Bytes) > MaxContent:
		return nil, fmt.Errorf("a letter carries at most %d bytes, not %d", MaxContent, len(c.Bytes))
	case c.Type.signed() && len(signature) != signatureSize:
		return nil, fmt.Errorf("a signature has %d bytes, not %d", signatureSize, len(signature))
	case !c.Type.signed() && !allZero(signature):
		return nil, fmt.Errorf("content of type %d has no signature beside it", c.Type)
	case !c.Type.signed():
		signature = make([]byte, signatureSize)
	}
	inside := make([]byte, bucket(overhead+len(c.Bytes)))
	inside[0] = byte(c.Type)
	binary.BigEndian.PutUint32(inside[1:headSize], uint32(len(c.Bytes)))
	copy(inside[headSize:], c.Bytes)
	copy(inside[headSize+len(c.Bytes):], signature)
	return inside, nil
}

func unpack(inside []byte) (Content, error) {
	if len(inside) < smallestBucket {
		return Content{}, damaged("the inside has %d bytes", len(inside))
	}
	c := Content{Type: ContentType(inside[0])}
	if !c.Type.known() {
		return Content{}, damaged("content type %d is not known", c.Type)
	}
	n := int64(binary.BigEndian.Uint32(inside[1:headSize]))
	if n > MaxContent || bucket(overhead+int(n)) != len(inside) {
		return Content{}, damaged("%d bytes of content in an inside of %d", n, len(inside))
	}
	end := headSize + int(n)
	c.Bytes = inside[headSize:end:end]
	signature := inside[end : end+signatureSize : end+signatureSize]
	if !allZero(inside[end+signatureSize:]) {
		return Content{}, damaged("the padding is not zero")
	}
	switch {
	case c.Type.signed():
		c.Signature = signature
	case !allZero(signature):
		return Content{}, damaged("content of type %d with a signature", c.Type)
	}
	return c, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

func allZero(b []byte) bool {
	var or byte
	for _, x := range b {
		or |= x
	}
	return or == 0
}
