package audit

import (
	"crypto/ed25519"
	"errors"

	"postern/backend/care"
)

// Digest is what a record says of itself in numbers, for others to keep: of the lines behind one up to which it was told
// before. It names nobody.
type Digest struct {
	First, Last  int64          // the lines that it tells of; First is Last+1 where there is none
	Counts       map[string]int // by What
	Before, Head string         // the hashes of the lines First-1 and Last, in base32; "" where there is none
	Broken       int64          // the first line that is not as it was written; 0: all are
}

// Tell verifies a record, as Verify does, and makes the digest of the lines behind told, the number up to which the digest
// before told; 0 for none. Lines that were told of and are not there any more show in it: as Broken, and by Before.
func Tell(lines []Line, given, told int64, key ed25519.PublicKey) Digest {
	d := Digest{First: told + 1, Last: max(told, given), Counts: map[string]int{}}
	entries, err := Verify(lines, max(told, given), key)
	var broken *Broken
	if errors.As(err, &broken) {
		d.Broken = broken.No
	}
	for _, e := range entries {
		if e.No >= d.First {
			d.Counts[string(e.What)]++
		}
	}
	for _, l := range lines {
		if l.No == told {
			d.Before = hashText(l.Hash)
		}
		d.Head = hashText(l.Hash)
	}
	return d
}

// hashText spells a hash as ids are spelt; "" for what is none.
func hashText(hash []byte) string {
	var id care.EventID
	if len(hash) != len(id) {
		return ""
	}
	copy(id[:], hash)
	return id.String()
}
