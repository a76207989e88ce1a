package seal

import (
	"encoding/binary"
	"fmt"
)

// Signed is one event of a bundle with its author's signature.
type Signed struct {
	Bytes     []byte
	Signature []byte
}

// MaxBundle is the most events in one bundle. A conversation has tens; what carries more of them again takes several
// letters. Without it a letter could hold sixty thousand, each of which its reader would have to decode and judge.
const MaxBundle = 512

// NewBundle puts events into one content. It refuses what does not fit into one letter.
func NewBundle(events []Signed) (Content, error) {
	if len(events) > MaxBundle {
		return Content{}, fmt.Errorf("a bundle carries at most %d events, not %d", MaxBundle, len(events))
	}
	var b []byte
	for i, e := range events {
		if len(e.Bytes) == 0 || len(e.Signature) != signatureSize {
			return Content{}, fmt.Errorf("event %d of the bundle has %d bytes and a signature of %d", i, len(e.Bytes), len(e.Signature))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Bytes)))
		b = append(append(b, e.Bytes...), e.Signature...)
	}
	if len(b) > MaxContent {
		return Content{}, fmt.Errorf("a letter carries at most %d bytes, not %d", MaxContent, len(b))
	}
	return Content{Type: TypeBundle, Bytes: b}, nil
}

// Bundle takes the events out of a content of TypeBundle: all of them, or ErrDamaged. They share its memory. What the
// events are, and whether their signatures hold, it does not ask.
func Bundle(c Content) ([]Signed, error) {
	if c.Type != TypeBundle {
		return nil, damaged("content type %d is not a bundle", c.Type)
	}
	var events []Signed
	for b := c.Bytes; len(b) > 0; {
		if len(b) < 4 {
			return nil, damaged("a bundle ends within a length")
		}
		n := int64(binary.BigEndian.Uint32(b))
		b = b[4:]
		if len(events) == MaxBundle {
			return nil, damaged("a bundle of more than %d events", MaxBundle)
		}
		if n == 0 || n+signatureSize > int64(len(b)) {
			return nil, damaged("an event of %d bytes in the last %d of a bundle", n, len(b))
		}
		events = append(events, Signed{Bytes: b[:n:n], Signature: b[n : n+signatureSize : n+signatureSize]})
		b = b[n+signatureSize:]
	}
	return events, nil
}
