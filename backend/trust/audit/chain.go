package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// Line is an entry as it is kept: its bytes, the hash that joins it to the line before, and a signature over that hash. The
// newest line is the head: whoever keeps its number, hash and signature elsewhere can tell later whether all up to it is
// still there and as it was.
type Line struct {
	No        int64
	Entry     []byte
	Hash      []byte
	Signature []byte
}

// Follow makes the line of an entry behind the one with the given hash; the first follows none, which is nil.
func Follow(before []byte, e Entry, key ed25519.PrivateKey) (Line, error) {
	raw, err := encode(e)
	if err != nil {
		return Line{}, err
	}
	hash := hashOf(before, raw)
	return Line{No: e.No, Entry: raw, Hash: hash, Signature: seal.Sign(key, seal.LabelAudit, hash)}, nil
}

// hashOf joins an entry to the hash before it, which is 32 bytes of zero for the first.
func hashOf(before, entry []byte) []byte {
	if before == nil {
		before = make([]byte, sha256.Size)
	}
	h := sha256.New()
	h.Write([]byte(seal.LabelAudit))
	h.Write(before)
	h.Write(entry)
	return h.Sum(nil)
}

// Broken says which entry of a record is the first that is not as it was written. What stands before it can be relied on.
type Broken struct {
	No  int64
	Why string
}

// Error is the sentence for the person.
func (b *Broken) Error() string {
	return fmt.Sprintf("The record of who looked at what does not hold together: entry %d %s. The entries before it can be relied on; "+
		"from there on they cannot.", b.No, b.Why)
}

// Unwrap makes it a refusal.
func (b *Broken) Unwrap() error { return care.Refusef(care.Corrupt, "%s", b.Error()) }

// Verify reads a record from its first line. given is the highest number that was ever given out: lines that are missing at
// the end show by it. The error is *Broken; the entries are then all that can be read, for whoever looks into it.
func Verify(lines []Line, given int64, key ed25519.PublicKey) (entries []Entry, err error) {
	var before []byte
	for i, l := range lines {
		e, unread := Decode(l.Entry)
		if unread == nil {
			entries = append(entries, e)
		}
		no := int64(i) + 1
		if err == nil {
			err = l.judge(no, e, unread, before, key)
		}
		before = l.Hash
	}
	if n := int64(len(lines)); err == nil && n < given {
		err = &Broken{No: n + 1, Why: "is missing, and all that followed it"}
	}
	return entries, err
}

// judge says what is wrong with the line that should carry this number.
func (l Line) judge(no int64, e Entry, unread error, before []byte, key ed25519.PublicKey) error {
	switch {
	case l.No != no:
		return &Broken{no, "is missing"}
	case unread != nil:
		return &Broken{no, "cannot be read"}
	case e.No != no:
		return &Broken{no, fmt.Sprintf("carries the number %d", e.No)}
	case !bytes.Equal(l.Hash, hashOf(before, l.Entry)):
		return &Broken{no, "was changed, or does not follow the one before it"}
	case !seal.Verify(key, seal.LabelAudit, l.Hash, l.Signature):
		return &Broken{no, "was not signed by this profile's device"}
	}
	return nil
}
