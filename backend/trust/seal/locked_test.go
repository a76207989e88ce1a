package seal_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"postern/backend/trust/seal"
)

// TestLock: what a passphrase locks it opens, on whatever keyboard it is typed, and nothing else does.
func TestLock(t *testing.T) {
	text := strings.Repeat("what is to be kept. ", 20_000)
	var b bytes.Buffer
	w, err := seal.Lock(&b, "cafe\u0301 and three words", 10)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	sealed := b.Bytes()
	if bytes.Contains(sealed, []byte("to be kept")) {
		t.Error("it can be read")
	}
	r, err := seal.Unlock(bytes.NewReader(sealed), "caf\u00e9 and three words")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != text {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if _, err := seal.Unlock(bytes.NewReader(sealed), "cafe and three words"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if r, err = seal.Unlock(bytes.NewReader(sealed[:len(sealed)-1]), "caf\u00e9 and three words"); err == nil {
		_, err = io.ReadAll(r)
	}
	if err == nil {
		t.Error("a byte less was taken")
	}
	if _, err := seal.Unlock(strings.NewReader("PK\x03\x04"), "x"); !errors.Is(err, seal.ErrNotLocked) {
		t.Errorf("another file: %v", err)
	}

	// A forged file may not ask for all the memory there is, and one for a key is not one for a passphrase.
	who, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if w, err = age.Encrypt(&b, who.Recipient()); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Unlock(&b, "x"); !errors.Is(err, seal.ErrNotLocked) {
		t.Errorf("a file for a key: %v", err)
	}
	dear := bytes.Replace(sealed, []byte(" 10\n"), []byte(" 30\n"), 1)
	if _, err := seal.Unlock(bytes.NewReader(dear), "caf\u00e9 and three words"); !errors.Is(err, seal.ErrNotLocked) {
		t.Errorf("a file that asks for a terabyte: %v", err)
	}
}
