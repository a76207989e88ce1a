package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"path/filepath"
	"strings"

	"postern/backend/care"
)

// Code is a recovery code: 128 random bits that open one vault. Nobody guesses it, so neither cost nor pause guards it.
type Code struct{ bits [16]byte }

// CodeAlphabet are the characters of codes that people type: Crockford's, without the letters that look like others.
const CodeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// CodeCharacter is an upper-case character of a code as it is meant: O for 0, I or L for 1. Hyphens and spaces do not count.
func CodeCharacter(r rune) (meant rune, counts bool) {
	switch r {
	case '-', ' ', '\t', '\n', '\r', '\u2010', '\u2011', '\u2012', '\u2013', '\u00a0':
		return r, false
	case 'O':
		return '0', true
	case 'I', 'L':
		return '1', true
	}
	return r, true
}

// The code in words is 28 characters in groups of four: the bits, and twelve more that tell a slip of the pen.
const (
	codeLength = 28
	codeGroup  = 4
	codeLabel  = "postern.vault.code.v1"
	slipLabel  = "postern.vault.slip.v1\n"
)

// Text is the code as a person writes it down. It is a secret.
func (c Code) Text() string {
	var b strings.Builder
	all := c.bytes()
	for i := range codeLength {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		at := i * 5
		pair := int(all[at/8])<<8 | int(all[at/8+1])
		b.WriteByte(CodeAlphabet[pair>>(11-at%8)&31])
	}
	return b.String()
}

// bytes are the 140 bits of a code with zeros behind them.
func (c Code) bytes() (out [18]byte) {
	copy(out[:], c.bits[:])
	sum := sha256.Sum256(append([]byte(slipLabel), c.bits[:]...))
	out[16], out[17] = sum[0], sum[1]&0xf0
	return out
}

// ParseCode reads a code as people type it: in either case, with or without hyphens and spaces, O for 0, I or L for 1. What
// is no code is care.Invalid with the sentence for the person; it says nothing of any vault.
func ParseCode(typed string) (Code, error) {
	var out [18]byte
	n := 0
	for _, r := range strings.ToUpper(typed) {
		r, counts := CodeCharacter(r)
		if !counts {
			continue
		}
		digit := strings.IndexRune(CodeAlphabet, r)
		switch {
		case digit < 0:
			return Code{}, badCode("A recovery code has only letters and digits, and no U.")
		case n == codeLength:
			return Code{}, badCode("That is too long: a recovery code has seven groups of four.")
		}
		at := n * 5
		pair := digit << (11 - at%8)
		out[at/8] |= byte(pair >> 8)
		out[at/8+1] |= byte(pair)
		n++
	}
	if n < codeLength {
		return Code{}, badCode("That is too short: a recovery code has seven groups of four.")
	}
	c := Code{bits: [16]byte(out[:16])}
	if c.bytes() != out {
		return Code{}, badCode("One of the characters is not as on the sheet. Compare them group by group.")
	}
	return c, nil
}

func badCode(sentence string) error { return care.Refusef(care.Invalid, "%s", sentence).In("code") }

// String, GoString and LogValue keep a code out of messages and logs.
func (Code) String() string { return "[recovery code]" }

// GoString is as String.
func (Code) GoString() string { return "[recovery code]" }

// LogValue is as String.
func (Code) LogValue() slog.Value { return slog.StringValue("[recovery code]") }

func (c Code) under(w *wrap) ([]byte, error) {
	return hkdf.Key(sha256.New, c.bits[:], w.Salt, codeLabel, keySize)
}

// NewCode makes a recovery code for this vault, on the disk before it returns: it is not kept anywhere and cannot be asked
// for again. The one before opens nothing from then on but older copies of the file. After an error that one is in force.
func (v *Vault) NewCode() (Code, error) { return v.box.newCode() }

func (b *Box) newCode() (Code, error) {
	var c Code
	_, _ = rand.Read(c.bits[:]) // never fails: crypto/rand ends the program instead
	err := b.rebind(func(f *file, key []byte) (err error) {
		f.Recovery, err = wrapUnder(byCode, c, key)
		return err
	})
	if err != nil {
		return Code{}, err
	}
	return c, nil
}

// OpenByCode opens the vault of the profile in dir with its recovery code. Any other code, and one for a vault that has
// none, are the same care.Invalid. Errors are else as in Open. It takes no time.
func OpenByCode(dir string, c Code) (*Vault, error) {
	f, err := soundFile(path(dir))
	if err != nil {
		return nil, err
	}
	return openByWrap(dir, f, f.Recovery, c, WrongCode)
}

// WrongCode is what a code gets that opens nothing here.
func WrongCode() error {
	return badCode("That code opens no profile on this computer. Each new sheet ends the one before: take the newest.")
}

// Recover gives a vault that a code opened another passphrase, and ends the code and what a keychain keeps: after it only
// the new passphrase opens the vault, and wrong tries are forgotten. After an error the old are in force.
func (v *Vault) Recover(passphrase string) error {
	err := v.box.rebind(func(f *file, key []byte) error {
		f.Recovery, f.Keychain = nil, nil
		return f.bind(f.Wrap.Params, passphrase, key)
	})
	if err == nil {
		forget(filepath.Dir(v.box.path))
	}
	return err
}

// HasCode reports whether a recovery code is in force for the profile in dir. Errors are as in Label.
func HasCode(dir string) (bool, error) {
	f, err := readFile(path(dir))
	return err == nil && f.Recovery != nil, err
}
