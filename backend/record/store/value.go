package store

import (
	"fmt"
	"strings"
	"time"
)

// Millis is how a time is stored: milliseconds since 1970, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time reads what Millis gave, in UTC.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Hash is how 32 bytes of an id are stored and read: as a blob, empty for the zero id.
type Hash[ID ~[32]byte] struct{ ID *ID }

// Scan reads a blob. One that has neither 0 nor 32 bytes is an error.
func (h Hash[ID]) Scan(from any) error {
	b, ok := from.([]byte)
	if !ok && from != nil {
		return fmt.Errorf("an id is a blob, not %T", from)
	}
	switch len(b) {
	case 0:
		*h.ID = ID{}
	case 32:
		*h.ID = ID(b)
	default:
		return fmt.Errorf("an id has 32 bytes, not %d", len(b))
	}
	return nil
}

// ID reads an id: rows.Scan(store.ID(&e.ID)).
func ID[T ~[32]byte](id *T) Hash[T] { return Hash[T]{id} }

// Blob is how an id is stored: its 32 bytes, none for the zero id.
func Blob[T ~[32]byte](id T) []byte {
	b := [32]byte(id)
	if b == ([32]byte{}) {
		return []byte{}
	}
	return b[:]
}

// Blobs is how a list of ids is stored: one after the other.
func Blobs[T ~[32]byte](ids []T) []byte {
	b := make([]byte, 0, 32*len(ids))
	for _, id := range ids {
		one := [32]byte(id)
		b = append(b, one[:]...)
	}
	return b
}

// Hashes reads a list of ids: rows.Scan(store.IDs(&h.Heads)).
type Hashes[T ~[32]byte] struct{ IDs *[]T }

// Scan reads a blob of ids; an empty one gives nil.
func (h Hashes[T]) Scan(from any) error {
	b, ok := from.([]byte)
	if !ok && from != nil || len(b)%32 != 0 {
		return fmt.Errorf("a list of ids is a blob of 32 bytes each, not %T of %d", from, len(b))
	}
	*h.IDs = nil
	for ; len(b) > 0; b = b[32:] {
		*h.IDs = append(*h.IDs, T(b[:32]))
	}
	return nil
}

// IDs reads a list of ids.
func IDs[T ~[32]byte](ids *[]T) Hashes[T] { return Hashes[T]{ids} }

// In is the list of an IN with one place for each id, and the ids as arguments. There must be at least one.
func In[T ~[32]byte](ids []T) (list string, args []any) {
	args = make([]any, len(ids))
	for i, id := range ids {
		args[i] = Blob(id)
	}
	return "(?" + strings.Repeat(", ?", len(ids)-1) + ")", args
}
