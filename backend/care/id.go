package care

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Ids with a prefix and 16 random base32 characters. They name things; MRN, name and address are attributes.
type (
	PracticeID string // pr_
	MailboxID  string // mb_
	PersonID   string // ps_
	PatientID  string // pt_
	OfficeID   string // of_
)

// NewID makes an id of the given prefix ("pr", "mb", "ps", "pt", "of", "iv").
func NewID(prefix string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return prefix + "_" + alphabet.EncodeToString(b[:])
}

// ValidID reports whether s has the given prefix and 16 base32 characters.
func ValidID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(rest) != 16 {
		return false
	}
	b, err := alphabet.DecodeString(rest)
	return err == nil && alphabet.EncodeToString(b) == rest
}

// EventID is the SHA-256 that names an event by its content. The zero value means "none".
type EventID [32]byte

// ThreadID is the id of the opening event; a follow-up's id is derived and has the same shape.
type ThreadID = EventID

// KeyID is the fingerprint of a public key.
type KeyID [32]byte

// String gives the 52 characters of lower-case base32; of the zero value, the empty string.
func (id EventID) String() string { return text32(id) }

// String gives the 52 characters of lower-case base32; of the zero value, the empty string.
func (id KeyID) String() string { return text32(id) }

// Shown gives the fingerprint as a person reads it: four groups of four characters.
func (id KeyID) Shown() string {
	s := alphabet.EncodeToString(id[:])
	return s[0:4] + " " + s[4:8] + " " + s[8:12] + " " + s[12:16]
}

// IsZero reports whether the id names nothing.
func (id EventID) IsZero() bool { return id == EventID{} }

// IsZero reports whether the id names nothing.
func (id KeyID) IsZero() bool { return id == KeyID{} }

// Compare orders ids bytewise.
func (id EventID) Compare(other EventID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText gives the text form.
func (id EventID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// MarshalText gives the text form.
func (id KeyID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form; the empty text is the zero id.
func (id *EventID) UnmarshalText(b []byte) error { return parse32((*[32]byte)(id), b) }

// UnmarshalText reads the text form; the empty text is the zero id.
func (id *KeyID) UnmarshalText(b []byte) error { return parse32((*[32]byte)(id), b) }

// ParseEventID reads the 52 characters of an id. The empty text is refused.
func ParseEventID(s string) (EventID, error) {
	var id EventID
	if s == "" {
		return id, fmt.Errorf("an id of 52 characters is missing")
	}
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// SortEventIDs sorts ids bytewise and drops doubles. It changes and returns its argument.
func SortEventIDs(ids []EventID) []EventID {
	slices.SortFunc(ids, EventID.Compare)
	return slices.Compact(ids)
}

func text32(b [32]byte) string {
	if b == ([32]byte{}) {
		return ""
	}
	return alphabet.EncodeToString(b[:])
}

func parse32(to *[32]byte, b []byte) error {
	if len(b) == 0 {
		*to = [32]byte{}
		return nil
	}
	if len(b) != 52 {
		return fmt.Errorf("an id has 52 characters, not %d", len(b))
	}
	var got [32]byte
	if _, err := alphabet.Decode(got[:], b); err != nil {
		return fmt.Errorf("an id is lower-case base32: %w", err)
	}
	if text32(got) != string(b) { // also of the zero id: nothing is spelt as nothing
		return fmt.Errorf("an id has exactly one spelling")
	}
	*to = got
	return nil
}
