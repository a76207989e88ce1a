// Package vault keeps a profile's keys in one file that a passphrase opens, or the profile's recovery code, or a secret that
// the computer's keychain keeps.
//
// What is inside can be neither read nor changed without one of them, and each guess at a passphrase costs memory and time.
// Try counts wrong passphrases and makes a pause of many; that keeps off who sits at the screen, not who can write to the
// folder. Who lost passphrase and code cannot be helped here. While a vault is open its keys are in the memory of this
// process: Close overwrites what it holds, but Go may have copied it before. The files: docs/format.md.
package vault

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// Secrets is what a profile must not lose and nobody else may have.
type Secrets struct {
	Practice     care.PracticeID    `json:"practice"`
	Root         care.KeyID         `json:"root"` // the practice's root of trust, pinned
	Person       care.Person        `json:"person"`
	Patient      care.PatientID     `json:"patient,omitempty"` // of a member: their own record; empty where they only write for others
	Device       ed25519.PrivateKey `json:"device"`            // signs what this profile writes
	DeviceSecret string             `json:"deviceSecret"`      // opens what is granted to this device alone
	Mailboxes    []MailboxSecret    `json:"mailboxes"`         // every generation
	Logins       []care.MailLogin   `json:"logins"`
	// Enrolling is the answer to an invitation that waits for its grant; nil once the person is taken in.
	Enrolling *Enrolling `json:"enrolling,omitempty"`
	// Registrar is the passphrase of the file that signs the practice's documents, on the one computer that does; random.
	Registrar string `json:"registrar,omitempty"`
	// Store is the key of the profile's record. It follows from the vault's own key; what is given to Create is ignored.
	Store []byte `json:"-"`
}

// MailboxSecret is one generation of a mailbox's key.
type MailboxSecret struct {
	Mailbox    care.MailboxID `json:"mailbox"`
	Generation int            `json:"generation"`
	Secret     string         `json:"secret"` // seal.Secret as text
}

// Enrolling is what goes to the practice until it answers.
type Enrolling struct {
	Invitation string      `json:"invitation"`
	Clinic     string      `json:"clinic"`
	FrontDesk  string      `json:"frontDesk"`
	To         string      `json:"to"`    // address of the practice's mailbox
	ToKey      seal.Public `json:"toKey"` // and its key
	Answer     []byte      `json:"answer"`
	Signature  []byte      `json:"signature"`
}

// LogValue keeps secrets out of logs.
func (Secrets) LogValue() slog.Value { return slog.StringValue("[secrets]") }

// String keeps secrets out of messages.
func (Secrets) String() string { return "[secrets]" }

// GoString keeps secrets out of messages.
func (Secrets) GoString() string { return "[secrets]" }

// LogValue keeps the key out of logs.
func (MailboxSecret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Wipe overwrites what can be overwritten: the keys that are bytes. Text stays until Go's memory is used again.
func (s *Secrets) Wipe() {
	clear(s.Device)
	clear(s.Store)
	*s = Secrets{}
}

const storeLabel = "postern.vault.database.v1"

func path(dir string) string { return filepath.Join(dir, "vault.json") }

// Create makes the vault of the profile in dir, which it makes if need be, readable by its owner alone. It refuses to
// overwrite one (care.Conflict) and an empty passphrase (care.Invalid).
func Create(dir, label, passphrase string, s Secrets) error {
	return CreateWith(Default, dir, label, passphrase, s)
}

// CreateWith is Create with other parameters: tests take cheaper ones.
func CreateWith(p Params, dir, label, passphrase string, s Secrets) error {
	if len(s.Device) != ed25519.PrivateKeySize {
		return errors.New("create vault: the device has no key")
	}
	content, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("create vault: %w", err)
	}
	defer clear(content)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create vault: %w", err)
	}
	return CreateBox(p, path(dir), label, passphrase, content)
}

// Vault is a profile's vault, open.
type Vault struct {
	box     *Box
	secrets Secrets
	wrong   int // passphrases before Try opened it
}

// Open opens the vault of the profile in dir. A wrong passphrase is care.Invalid with the sentence for the person, a
// damaged file care.Corrupt; a missing one wraps os.ErrNotExist. It takes about 0.15 s and 64 MiB, which it gives back.
func Open(dir, passphrase string) (*Vault, error) {
	box, err := OpenBox(path(dir), passphrase)
	if err != nil {
		return nil, err
	}
	return unpack(box)
}

// unpack takes the secrets out of an open box, which it closes where it cannot.
func unpack(box *Box) (_ *Vault, err error) {
	v := &Vault{box: box}
	content := box.Bytes()
	defer clear(content)
	if err := json.Unmarshal(content, &v.secrets); err != nil {
		v.Close()
		return nil, damagedBox(fmt.Errorf("read secrets: %w", err))
	}
	if len(v.secrets.Device) != ed25519.PrivateKeySize {
		v.Close()
		return nil, damagedBox(errors.New("read secrets: the device's key has a wrong length"))
	}
	if v.secrets.Store, err = box.Derive(storeLabel); err != nil {
		v.Close()
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// Secrets gives a copy of what the vault holds, which the caller wipes; after Close, nothing.
func (v *Vault) Secrets() Secrets {
	s := v.secrets
	s.Device = append(ed25519.PrivateKey(nil), s.Device...)
	s.Store = append([]byte(nil), s.Store...)
	s.Mailboxes = append([]MailboxSecret(nil), s.Mailboxes...)
	s.Logins = append([]care.MailLogin(nil), s.Logins...)
	return s
}

// Save puts other secrets in their place, on the disk before it returns. After an error the old ones are in force.
func (v *Vault) Save(s Secrets) error {
	if len(s.Device) != ed25519.PrivateKeySize {
		return errors.New("save vault: the device has no key")
	}
	content, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save vault: %w", err)
	}
	defer clear(content)
	if err := v.box.Replace(content); err != nil {
		return err
	}
	s.Store = v.secrets.Store
	kept := (&Vault{secrets: s}).Secrets()
	v.secrets.Wipe()
	v.secrets = kept
	return nil
}

// SetPassphrase makes another passphrase open this vault, on the disk before it returns. The old one opens nothing from
// then on but older copies of the file. A recovery code stays good; what a keychain keeps ends, for whoever changes a
// passphrase may do so because somebody knew it, who could have put the secret there. After an error the old are in force.
func (v *Vault) SetPassphrase(passphrase string) error {
	return v.box.rebind(func(f *file, key []byte) error {
		f.Keychain = nil
		return f.bind(f.Wrap.Params, passphrase, key)
	})
}

// Close wipes what the vault holds; copies that Secrets gave stay good. It may run twice.
func (v *Vault) Close() {
	v.box.Close()
	v.secrets.Wipe()
}

// Label gives the name that the person chose for the profile in dir, which anybody at this computer may read. A missing
// vault wraps os.ErrNotExist, a damaged one is care.Corrupt.
func Label(dir string) (string, error) {
	f, err := readFile(path(dir))
	if err != nil {
		return "", err
	}
	return f.Label, nil
}
