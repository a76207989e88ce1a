package seal

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"golang.org/x/text/unicode/norm"
)

// What Unlock refuses, for errors.Is.
var (
	// ErrPassphrase: it is a locked file, and another passphrase opens it.
	ErrPassphrase = errors.New("the passphrase does not open it")
	// ErrNotLocked: these bytes do not begin as a file that Lock writes.
	ErrNotLocked = errors.New("not a file that a passphrase opens")
)

// LockWork is what a guess at a locked file's passphrase costs: 2^18 rounds of scrypt, over 256 MiB. No file may ask for
// more, or opening a forged one would take all the memory there is.
const LockWork = 18

// Lock gives a writer that encrypts a stream of any length under a passphrase, to the ordinary age format: another
// program opens it too. What is written is whole once Close has returned nil. work is LockWork; tests take less.
func Lock(to io.Writer, passphrase string, work int) (io.WriteCloser, error) {
	who, err := age.NewScryptRecipient(norm.NFC.String(passphrase))
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	who.SetWorkFactor(work)
	return age.Encrypt(to, who)
}

// Unlock reads what Lock wrote. What it gives is authentic piece by piece; that nothing is cut off at the end shows only as
// io.EOF comes, and as another error if something is.
func Unlock(from io.Reader, passphrase string) (io.Reader, error) {
	who, err := age.NewScryptIdentity(norm.NFC.String(passphrase))
	if err != nil {
		return nil, fmt.Errorf("unlock: %w", err)
	}
	who.SetMaxWorkFactor(LockWork)
	r, err := age.Decrypt(from, who)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && len(none.StanzaTypes) == 1 && none.StanzaTypes[0] == "scrypt":
		return nil, errors.Join(ErrPassphrase, err)
	case err != nil:
		return nil, errors.Join(ErrNotLocked, err)
	}
	return r, nil
}
