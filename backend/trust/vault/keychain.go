package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"

	"postern/backend/care"
)

// KeychainSecret is what a keychain keeps for one vault: 256 random bits that open it. Nobody guesses them, so neither cost
// nor pause guards them. This package knows no keychain: whoever has one puts the text there and brings it back.
type KeychainSecret struct{ bits [32]byte }

const keychainLabel = "postern.vault.keychain.v1"

// NewKeychainSecret makes one. It opens nothing until a vault took it (Vault.KeepInKeychain).
func NewKeychainSecret() KeychainSecret { return KeychainSecret{bits: [32]byte(random(32))} }

// Text is the secret as a keychain keeps it.
func (s KeychainSecret) Text() string { return base64.RawURLEncoding.EncodeToString(s.bits[:]) }

// ParseKeychainSecret reads what a keychain gave back; what is no such secret opens no vault (WrongKeychainSecret).
func ParseKeychainSecret(text string) (KeychainSecret, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 32 {
		return KeychainSecret{}, WrongKeychainSecret()
	}
	return KeychainSecret{bits: [32]byte(raw)}, nil
}

// String, GoString and LogValue keep a secret out of messages and logs.
func (KeychainSecret) String() string { return "[keychain secret]" }

// GoString is as String.
func (KeychainSecret) GoString() string { return "[keychain secret]" }

// LogValue is as String.
func (KeychainSecret) LogValue() slog.Value { return slog.StringValue("[keychain secret]") }

func (s KeychainSecret) under(w *wrap) ([]byte, error) {
	return hkdf.Key(sha256.New, s.bits[:], w.Salt, keychainLabel, keySize)
}

// KeepInKeychain makes a secret open this vault, too, on the disk before it returns. One before it opens nothing from then
// on but older copies of the file. After an error that one is in force.
func (v *Vault) KeepInKeychain(s KeychainSecret) error {
	return v.box.rebind(func(f *file, key []byte) (err error) {
		f.Keychain, err = wrapUnder(byKeychain, s, key)
		return err
	})
}

// OpenByKeychain opens the vault of the profile in dir with the secret that a keychain kept. Any other, and one for a vault
// that has none, are the same care.NotFound. Errors are else as in Open. It takes no time, and counts no try.
func OpenByKeychain(dir string, s KeychainSecret) (*Vault, error) {
	f, err := soundFile(path(dir))
	if err != nil {
		return nil, err
	}
	return openByWrap(dir, f, f.Keychain, s, WrongKeychainSecret)
}

// WrongKeychainSecret is what a secret gets that does not open the vault: the keychain was emptied, or put back.
func WrongKeychainSecret() error {
	return care.Refusef(care.NotFound, "This computer's keychain does not hold the key to this profile any more. Type your passphrase.").In("passphrase")
}

// ForgetKeychain ends the secret that a keychain keeps, on the disk before it returns. It asks for nothing: it takes a way
// in away and gives none. Where there is none it does nothing.
func ForgetKeychain(dir string) error {
	release, err := holdFolder(dir)
	if err != nil {
		return err
	}
	defer release()
	f, err := soundFile(path(dir))
	if err != nil || f.Keychain == nil {
		return err
	}
	f.Keychain = nil
	raw, err := f.bytes()
	if err != nil {
		return err
	}
	return replaceFile(path(dir), raw)
}

// InKeychain reports whether a keychain's secret opens the vault of the profile in dir. Errors are as in Label.
func InKeychain(dir string) (bool, error) {
	f, err := readFile(path(dir))
	return err == nil && f.Keychain != nil, err
}

// random bits from which the key of a wrap comes: a recovery code, a keychain's secret.
type bits interface {
	under(w *wrap) ([]byte, error)
}

// wrapUnder seals a box's key under random bits.
func wrapUnder(kind string, by bits, key []byte) (*wrap, error) {
	w := &wrap{Kind: kind, Salt: random(saltSize)}
	under, err := by.under(w)
	if err != nil {
		return nil, fmt.Errorf("wrap under a %s: %w", kind, err)
	}
	defer clear(under)
	w.Nonce, w.Key = sealWith(under, key, w.bound())
	return w, nil
}

// openByWrap opens the vault in dir by one of the further wraps of its key; nil: it has none of that kind.
func openByWrap(dir string, f *file, w *wrap, by bits, wrong func() error) (*Vault, error) {
	if w == nil {
		return nil, wrong()
	}
	under, err := by.under(w)
	if err != nil {
		return nil, fmt.Errorf("open by a %s: %w", w.Kind, err)
	}
	defer clear(under)
	key, err := openWith(under, w.Nonce, w.Key, w.bound())
	if err != nil {
		return nil, wrong()
	}
	box, err := openByKey(path(dir), f, key)
	if err != nil {
		return nil, err
	}
	return unpack(box)
}
