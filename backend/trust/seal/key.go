package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"filippo.io/age"

	"postern/backend/care"
)

// KeyTag stands in front of every letter, so that the holder of many keys need not try them all. It is random and says
// nothing of the key or its owner. In JSON it is 16 hexadecimal digits.
type KeyTag [idSize]byte

// String gives the 16 hexadecimal digits.
func (id KeyTag) String() string { return hex.EncodeToString(id[:]) }

// MarshalText gives the 16 hexadecimal digits.
func (id KeyTag) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 16 lower-case hexadecimal digits.
func (id *KeyTag) UnmarshalText(b []byte) error {
	got, err := hex.DecodeString(string(b))
	if err != nil || len(got) != idSize || hex.EncodeToString(got) != string(b) {
		return errors.New("a key id is 16 lower-case hexadecimal digits")
	}
	copy(id[:], got)
	return nil
}

// Public is the key to which letters are sealed: one generation of a mailbox's key, or a device's own.
type Public struct {
	ID        KeyTag `json:"id"`
	Recipient string `json:"recipient"` // age1pq1…
}

// IsZero reports whether there is no key.
func (p Public) IsZero() bool { return p == Public{} }

// Check reports why p is not a key, or not in its one spelling; nil if letters can be sealed to it.
func (p Public) Check() error {
	r, err := p.recipient()
	if err == nil && r.String() != p.Recipient {
		err = fmt.Errorf("public key %s: not in its one spelling", p.ID)
	}
	return err
}

func (p Public) recipient() (*age.HybridRecipient, error) {
	r, err := age.ParseHybridRecipient(p.Recipient)
	if err != nil {
		return nil, fmt.Errorf("public key %s: not a hybrid recipient", p.ID)
	}
	return r, nil
}

const (
	keyLabel         = "postern.key.v1\n"
	algorithmEd25519 = 1
	algorithmHybrid  = 2
)

// Fingerprint names the key by its public bytes; the zero id if it is no key.
func (p Public) Fingerprint() care.KeyID {
	if p.Check() != nil {
		return care.KeyID{}
	}
	return fingerprint(algorithmHybrid, bech32Data(p.Recipient))
}

func fingerprint(algorithm byte, public []byte) care.KeyID {
	h := sha256.New()
	h.Write([]byte(keyLabel))
	h.Write([]byte{algorithm})
	h.Write(public)
	return care.KeyID(h.Sum(nil))
}

// bech32Data gives the bytes that a valid bech32 text carries. Its checksum has been verified by age.
func bech32Data(text string) []byte {
	const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	text = strings.ToLower(text)
	digits := text[strings.LastIndexByte(text, '1')+1:]
	digits = digits[:len(digits)-6] // the checksum
	var out []byte
	var acc, bits uint
	for i := range len(digits) {
		acc = acc<<5 | uint(strings.IndexByte(charset, digits[i]))
		if bits += 5; bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	return out
}

// Secret opens letters. It never prints itself: only Text gives it away.
type Secret struct {
	id       KeyTag
	identity *age.HybridIdentity
}

// NewSecret makes a key pair with an id of its own.
func NewSecret() (Secret, error) {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		return Secret{}, fmt.Errorf("new key: %w", err)
	}
	s := Secret{identity: identity}
	_, _ = rand.Read(s.id[:]) // never fails: crypto/rand ends the program instead
	return s, nil
}

// ParseSecret reads what Text gave. Its errors do not repeat the text.
func ParseSecret(text string) (Secret, error) {
	id, key, ok := strings.Cut(text, ":")
	var s Secret
	if !ok || s.id.UnmarshalText([]byte(id)) != nil {
		return Secret{}, errors.New("a secret key begins with its id")
	}
	identity, err := age.ParseHybridIdentity(key)
	if err != nil {
		return Secret{}, errors.New("a secret key is a hybrid identity")
	}
	s.identity = identity
	return s, nil
}

// Text gives the secret as text, for a vault or a grant: "id:AGE-SECRET-KEY-PQ-1…".
func (s Secret) Text() string {
	if s.identity == nil {
		return ""
	}
	return s.id.String() + ":" + s.identity.String()
}

// Public gives the key to seal to.
func (s Secret) Public() Public {
	if s.identity == nil {
		return Public{}
	}
	return Public{ID: s.id, Recipient: s.identity.Recipient().String()}
}

// String hides the secret.
func (s Secret) String() string { return "[secret key " + s.id.String() + "]" }

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON refuses: a secret is written down by Text alone, on purpose.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a secret key is not written as JSON")
}

var _ json.Marshaler = Secret{}
