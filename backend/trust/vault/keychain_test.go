package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"postern/backend/care"
)

func byKeychainOf(t *testing.T, dir, text string) *Vault {
	t.Helper()
	s, err := ParseKeychainSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenByKeychain(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func keep(t *testing.T, v *Vault) KeychainSecret {
	t.Helper()
	s := NewKeychainSecret()
	if err := v.KeepInKeychain(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// kept reports whether a secret opens the vault, and fails where it does not for another reason than being wrong.
func kept(t *testing.T, dir string, s KeychainSecret) bool {
	t.Helper()
	v, err := OpenByKeychain(dir, s)
	switch {
	case err == nil:
		v.Close()
		return true
	case care.KindOf(err) != care.NotFound || care.SentenceOf(err) != care.SentenceOf(WrongKeychainSecret()):
		t.Errorf("%v", err)
	}
	return false
}

func versionOf(t *testing.T, dir string) int {
	t.Helper()
	f, err := readFile(path(dir))
	if err != nil {
		t.Fatal(err)
	}
	return f.Vault
}

func TestKeychain(t *testing.T) {
	dir := create(t, "x")
	v := open(t, dir, "x")
	code := newCode(t, v)
	if in, err := InKeychain(dir); in || err != nil || kept(t, dir, NewKeychainSecret()) || versionOf(t, dir) != 2 {
		t.Errorf("a new vault has a secret in a keychain: %v", err)
	}
	first := keep(t, v)
	if in, err := InKeychain(dir); !in || err != nil || versionOf(t, dir) != 3 {
		t.Errorf("none: %v", err)
	}
	same(t, byKeychainOf(t, dir, first.Text()))
	raw, err := os.ReadFile(path(dir))
	if err != nil || bytes.Contains(raw, []byte(first.Text()[:12])) || bytes.Contains(raw, first.bits[:]) {
		t.Errorf("the secret stands in the file: %v", err)
	}
	second := keep(t, v)
	if first == second || kept(t, dir, first) || !kept(t, dir, second) {
		t.Error("a new secret leaves the old one in force")
	}
	other := create(t, "x")
	keep(t, open(t, other, "x"))
	if kept(t, other, second) {
		t.Error("it opens another vault")
	}
	if !opens(t, dir, code) {
		t.Error("the code is gone")
	}
	by := byKeychainOf(t, dir, second.Text())
	if store := open(t, dir, "x").Secrets().Store; !bytes.Equal(by.Secrets().Store, store) {
		t.Error("the record has another key")
	}
	if err := by.Save(secrets()); err != nil || !kept(t, dir, second) {
		t.Errorf("saving: %v", err)
	}

	if err := ForgetKeychain(dir); err != nil {
		t.Fatal(err)
	}
	if in, err := InKeychain(dir); in || err != nil || kept(t, dir, second) || versionOf(t, dir) != 2 {
		t.Errorf("it is still there: %v", err)
	}
	same(t, open(t, dir, "x"))
	if !opens(t, dir, code) {
		t.Error("the code went with it")
	}
	if err := by.Save(secrets()); err != nil { // who opened with it goes on, and does not bring it back
		t.Error(err)
	}
	before, err := os.ReadFile(path(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := ForgetKeychain(dir); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path(dir)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("forgetting nothing writes: %v", err)
	}
	if err := ForgetKeychain(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
	if _, err := OpenByKeychain(t.TempDir(), second); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
}

// TestAnotherPassphraseEndsTheKeychain: whoever changes it may do so because somebody knew it.
func TestAnotherPassphraseEndsTheKeychain(t *testing.T) {
	dir := create(t, "x")
	v := open(t, dir, "x")
	s := keep(t, v)
	if err := v.SetPassphrase(""); err == nil || !kept(t, dir, s) {
		t.Errorf("a refused change: %v", err)
	}
	if err := v.SetPassphrase("new"); err != nil || kept(t, dir, s) {
		t.Errorf("a change leaves it in force: %v", err)
	}
	s = keep(t, v)
	if err := byCodeOf(t, dir, newCode(t, v)).Recover("newer"); err != nil || kept(t, dir, s) {
		t.Errorf("recovery leaves it in force: %v", err)
	}
}

// TestTheKeychainCountsNoTry: it is no guess, so it neither ends a pause nor begins one.
func TestTheKeychainCountsNoTry(t *testing.T) {
	dir := create(t, "x")
	s := keep(t, open(t, dir, "x"))
	for range triesAllowed {
		if _, err := Try(dir, "wrong", noon); care.KindOf(err) != care.Invalid {
			t.Fatal(err)
		}
	}
	before, err := Standing(dir, noon)
	if err != nil || before.Until.IsZero() {
		t.Fatalf("%+v, %v", before, err)
	}
	if !kept(t, dir, s) || kept(t, dir, NewKeychainSecret()) {
		t.Error("in a pause")
	}
	if after, err := Standing(dir, noon); err != nil || after != before {
		t.Errorf("%+v, %v", after, err)
	}
}

func TestKeychainSecrets(t *testing.T) {
	var s KeychainSecret
	for i := range s.bits {
		s.bits[i] = byte(i * 8)
	}
	const want = "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg"
	if got := s.Text(); got != want {
		t.Errorf("what keychains hold changed: %s, was %s", got, want)
	}
	if got, err := ParseKeychainSecret(want); err != nil || got != s {
		t.Errorf("%v", err)
	}
	for _, text := range []string{"", "x", want[:42], want + "A", want[:42] + "h", want + "=", "!" + want[1:]} {
		if _, err := ParseKeychainSecret(text); care.KindOf(err) != care.NotFound {
			t.Errorf("%q: %v", text, err)
		}
	}
	out := fmt.Sprintf("%v %+v %#v %s %v", s, s, s, s, s.LogValue())
	if strings.Contains(out, want[:8]) || strings.Contains(out, fmt.Sprint(s.bits[:4])) {
		t.Error(out)
	}
}

func TestDamagedWrapsOfAKeychain(t *testing.T) {
	for name, how := range map[string]func(*file){
		"salt":                func(f *file) { f.Keychain.Salt[0] ^= 1 },
		"gone":                func(f *file) { f.Keychain = nil },
		"params":              func(f *file) { f.Keychain.Params = quick; f.Sum = f.sum() },
		"short":               func(f *file) { f.Keychain.Key = nil; f.Sum = f.sum() },
		"kind":                func(f *file) { f.Keychain.Kind = byCode; f.Sum = f.sum() },
		"version":             func(f *file) { f.Vault = 2; f.Sum = f.sum() },
		"in the code's place": func(f *file) { f.Recovery, f.Keychain = f.Keychain, nil; f.Sum = f.sum() },
	} {
		dir := create(t, "x")
		s := keep(t, open(t, dir, "x"))
		change(t, dir, how)
		if _, err := OpenByKeychain(dir, s); care.KindOf(err) != care.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
		if err := ForgetKeychain(dir); care.KindOf(err) != care.Corrupt {
			t.Errorf("%s is written over: %v", name, err)
		}
	}
}
