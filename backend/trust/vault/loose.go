package vault

import (
	"encoding/json"
	"fmt"
)

// Pack seals content under a passphrase as a box that lies in no file: somebody carries it elsewhere. The box is open, for
// Derive; it can neither be replaced nor rebound.
func Pack(p Params, passphrase string, content []byte) (sealed []byte, _ *Box, err error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	b := &Box{key: random(keySize)}
	if err := b.file.bind(p, passphrase, b.key); err != nil {
		return nil, nil, err
	}
	b.file.fill(b.key, content)
	b.file.finish()
	sealed, err = json.Marshal(b.file)
	if err != nil {
		return nil, nil, fmt.Errorf("pack: %w", err)
	}
	b.bytes = append([]byte{}, content...)
	return sealed, b, nil
}

// Unpack opens what Pack sealed. A wrong passphrase is care.Invalid; what is no box, or a damaged one, care.Corrupt.
func Unpack(sealed []byte, passphrase string) (*Box, error) {
	if len(sealed) > maxFile {
		return nil, damagedBox(fmt.Errorf("%d bytes are too many", len(sealed)))
	}
	f, err := parseFile(sealed)
	if err != nil {
		return nil, err
	}
	if string(f.sum()) != string(f.Sum) {
		return nil, damagedBox(fmt.Errorf("the box's sum is wrong"))
	}
	return openByPassphrase("", f, passphrase)
}

// NewCodeFor makes a recovery code for a sealed file, as Vault.NewCode does for a profile.
func NewCodeFor(path, passphrase string) (Code, error) {
	b, err := OpenBox(path, passphrase)
	if err != nil {
		return Code{}, err
	}
	defer b.Close()
	return b.newCode()
}
