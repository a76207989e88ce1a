package vault

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write testdata/v3 anew; a released file is never written again")

// quick is for tests alone: one guess costs next to nothing.
var quick = Params{Time: 1, Memory: 64, Threads: 1}

// slow is a guess that takes a second or more.
var slow = Params{Time: 8, Memory: 64 << 10, Threads: 1}

func secrets() Secrets {
	return Secrets{
		Practice: "pr_aaaaaaaaaaaaaaaa", Root: care.KeyID{1}, Patient: "pt_aaaaaaaaaaaaaaaa",
		Person:       care.Person{ID: "ps_aaaaaaaaaaaaaaaa", Name: "Marisol Vega", Role: care.RoleMember},
		Device:       ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)),
		DeviceSecret: "0011223344556677:AGE-SECRET-KEY-PQ-1DEVICE",
		Mailboxes:    []MailboxSecret{{Mailbox: "mb_aaaaaaaaaaaaaaaa", Generation: 2, Secret: "0011223344556677:AGE-SECRET-KEY-PQ-1BOX"}},
		Logins:       []care.MailLogin{{User: "u", Password: "hunter2", IMAP: care.Endpoint{Host: "mail", Port: 993, TLS: care.TLSImplicit}}},
	}
}

func create(t *testing.T, passphrase string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "profile")
	if err := CreateWith(quick, dir, "Marisol (member)", passphrase, secrets()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir, passphrase string) *Vault {
	t.Helper()
	v, err := Open(dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestWhatGoesInComesOut(t *testing.T) {
	dir := create(t, "correct horse")
	got := open(t, dir, "correct horse").Secrets()
	if len(got.Store) != 32 {
		t.Errorf("the record's key has %d bytes", len(got.Store))
	}
	store := got.Store
	got.Store = nil
	if !reflect.DeepEqual(got, secrets()) {
		t.Errorf("other secrets: %+v", got)
	}
	if !bytes.Equal(open(t, dir, "correct horse").Secrets().Store, store) {
		t.Error("the record's key changes from opening to opening")
	}
	if bytes.Equal(open(t, create(t, "correct horse"), "correct horse").Secrets().Store, store) {
		t.Error("two profiles share the record's key")
	}
	if label, err := Label(dir); err != nil || label != "Marisol (member)" {
		t.Errorf("label %q, %v", label, err)
	}
}

func TestNothingSecretStandsInTheFile(t *testing.T) {
	dir := create(t, "correct horse")
	raw, err := os.ReadFile(path(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"hunter2", "AGE-SECRET", "Vega", "mb_", "pt_", "correct horse"} {
		if strings.Contains(string(raw), word) {
			t.Errorf("the file holds %q", word)
		}
	}
	info, err := os.Stat(path(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder's mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := secrets()
	out := fmt.Sprintf("%v %+v %#v %s", s, s, s, s)
	if strings.Contains(out, "hunter2") || strings.Contains(out, "AGE-SECRET") {
		t.Error(out)
	}
}

func TestWrongPassphrase(t *testing.T) {
	dir := create(t, "correct horse")
	for _, wrong := range []string{"", "correct horse ", "Correct horse", "battery staple"} {
		_, err := Open(dir, wrong)
		if care.KindOf(err) != care.Invalid ||
			care.SentenceOf(err) != "That passphrase does not open this profile. Check Caps Lock and try again." {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// The same word typed on two computers: composed on one, decomposed on the other.
func TestOnePassphraseTypedInTwoWays(t *testing.T) {
	dir := create(t, "caf\u00e9")
	open(t, dir, "cafe\u0301")
}

func TestCreateRefuses(t *testing.T) {
	dir := create(t, "first")
	if err := CreateWith(quick, dir, "x", "second", secrets()); care.KindOf(err) != care.Conflict {
		t.Errorf("overwriting: %v", err)
	}
	open(t, dir, "first")
	if err := CreateWith(quick, t.TempDir(), "x", "", secrets()); care.KindOf(err) != care.Invalid {
		t.Errorf("no passphrase: %v", err)
	}
	if err := CreateWith(quick, t.TempDir(), "x", "y", Secrets{}); err == nil {
		t.Error("no device key: created")
	}
	empty := t.TempDir()
	if err := CreateWith(Params{}, empty, "x", "y", secrets()); err == nil {
		t.Error("no parameters: created")
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("a refused vault leaves %v", left)
	}
	if _, err := Open(t.TempDir(), "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
	if _, err := Label(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
}

func TestOnlyOneOfManyCreates(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	made := make([]error, 8)
	for i := range made {
		wg.Go(func() { made[i] = CreateWith(quick, dir, "x", fmt.Sprint("pass", i), secrets()) })
	}
	wg.Wait()
	won := -1
	for i, err := range made {
		switch {
		case err == nil && won >= 0:
			t.Fatal("two vaults were created in one folder")
		case err == nil:
			won = i
		case care.KindOf(err) != care.Conflict:
			t.Error(err)
		}
	}
	if won < 0 {
		t.Fatal("none was created")
	}
	open(t, dir, fmt.Sprint("pass", won))
}

// change rewrites the stored file as somebody could who may write to the disk.
func change(t *testing.T, dir string, how func(*file)) {
	t.Helper()
	raw, err := os.ReadFile(path(dir))
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	how(&f)
	raw, err = json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path(dir), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsSaid(t *testing.T) {
	for name, how := range map[string]func(*file){
		"salt":      func(f *file) { f.Wrap.Salt[3] ^= 1 },
		"key":       func(f *file) { f.Wrap.Key[3] ^= 1 },
		"nonce":     func(f *file) { f.Nonce[3] ^= 1 },
		"box":       func(f *file) { f.Box[3] ^= 1 },
		"cut":       func(f *file) { f.Box = f.Box[:len(f.Box)-1] },
		"empty box": func(f *file) { f.Box = nil },
		"version":   func(f *file) { f.Vault = 4 },
		"a code in a box of the first version": func(f *file) {
			f.Vault, f.Recovery = 1, &wrap{Kind: byCode}
			f.Sum = f.sum()
		},
		"a keychain's secret in a box of the second version": func(f *file) {
			f.Vault, f.Keychain = 2, &wrap{Kind: byKeychain}
			f.Sum = f.sum()
		},
		"kind": func(f *file) { f.Wrap.Kind = "scrypt" },
		"time": func(f *file) { f.Wrap.Params.Time++ },
		"a terabyte": func(f *file) {
			f.Wrap.Params.Memory = 1 << 30
			f.Sum = f.sum()
		},
		"a year": func(f *file) {
			f.Wrap.Params.Time = 1 << 31
			f.Sum = f.sum()
		},
		"no threads": func(f *file) {
			f.Wrap.Params.Threads = 0
			f.Sum = f.sum()
		},
		"a box of another key": func(f *file) {
			f.Nonce, f.Box = sealWith(random(32), []byte("{}"), []byte(boxLabel))
			f.Sum = f.sum()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := create(t, "correct horse")
			change(t, dir, how)
			if _, err := Open(dir, "correct horse"); care.KindOf(err) != care.Corrupt {
				t.Errorf("%v", err)
			}
		})
	}
	dir := create(t, "x")
	if err := os.WriteFile(path(dir), []byte(`{"vault":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Label(dir); care.KindOf(err) != care.Corrupt {
		t.Errorf("label of half a file: %v", err)
	}
}

// Weaker parameters in the file do not make a weaker vault: they make one that the passphrase no longer opens.
func TestParametersAreBound(t *testing.T) {
	dir := create(t, "correct horse")
	change(t, dir, func(f *file) {
		f.Wrap.Params.Memory = 32
		f.Sum = f.sum()
	})
	if _, err := Open(dir, "correct horse"); care.KindOf(err) != care.Invalid {
		t.Errorf("%v", err)
	}
}

func TestSave(t *testing.T) {
	dir := create(t, "correct horse")
	v := open(t, dir, "correct horse")
	before := v.Secrets()
	s := v.Secrets()
	s.Mailboxes = append(s.Mailboxes, MailboxSecret{Mailbox: "mb_bbbbbbbbbbbbbbbb", Generation: 1, Secret: "new"})
	if err := v.Save(s); err != nil {
		t.Fatal(err)
	}
	if err := v.Save(Secrets{}); err == nil {
		t.Error("saved without a device key")
	}
	for _, got := range []Secrets{v.Secrets(), open(t, dir, "correct horse").Secrets()} {
		if !reflect.DeepEqual(got, func() Secrets { s.Store = before.Store; return s }()) {
			t.Errorf("%d mailboxes", len(got.Mailboxes))
		}
	}
	if label, err := Label(dir); err != nil || label != "Marisol (member)" {
		t.Errorf("label %q, %v", label, err)
	}
	// The folder is gone: the old secrets stay in force.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := v.Save(before); err == nil {
		t.Error("saved into no folder")
	}
	if len(v.Secrets().Mailboxes) != 2 {
		t.Error("a save that failed changed the secrets")
	}
}

func TestCloseWipes(t *testing.T) {
	dir := create(t, "correct horse")
	v, err := Open(dir, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	held, copied := v.secrets.Device, v.Secrets()
	v.Close()
	v.Close()
	if !bytes.Equal(held, make([]byte, len(held))) {
		t.Error("the device's key is still there")
	}
	if got := v.Secrets(); got.Device != nil || got.Logins != nil {
		t.Error("a closed vault gives secrets")
	}
	if !bytes.Equal(copied.Device, secrets().Device) {
		t.Error("closing took the caller's copy away")
	}
	if err := v.Save(secrets()); err == nil {
		t.Error("a closed vault saves")
	}
}

func TestBox(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x.json")
	if err := CreateBox(quick, p, "x", "pass", []byte("one")); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBox(p, "pass")
	if err != nil {
		t.Fatal(err)
	}
	d1, err := b.Derive("a")
	if err != nil {
		t.Fatal(err)
	}
	if d2, _ := b.Derive("b"); bytes.Equal(d1, d2) {
		t.Error("two labels, one key")
	}
	if err := b.Replace([]byte("two")); err != nil || string(b.Bytes()) != "two" {
		t.Fatal(err)
	}
	late, err := OpenBox(p, "pass")
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Replace([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace([]byte("three")); care.KindOf(err) != care.Conflict || string(b.Bytes()) != "two" {
		t.Errorf("overwrote what another wrote: %v", err)
	}
	late.Close()
	b.Close()
	if b.Bytes() != nil || b.Replace(nil) == nil {
		t.Error("closed, and yet")
	}
	if _, err := b.Derive("a"); err == nil {
		t.Error("a closed box derives")
	}
	if b, err = OpenBox(p, "pass"); err != nil || string(b.Bytes()) != "two" {
		t.Fatal(err)
	}
	b.Close()
}

// A vault that an earlier version wrote, with the parameters of that version, opens for ever, and stays what it is until
// something in it changes.
// TestRoomForAPractice: a registrar's file has room for 2,000 members who are enrolled, of 26 KB each before they are sealed.
func TestRoomForAPractice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registrar.json")
	if err := CreateBox(quick, path, "Alder Street Clinic", "p", nil); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBox(path, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	content := bytes.Repeat([]byte{7}, 2000*26<<10)
	if err := b.Replace(content); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBox(path, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !bytes.Equal(again.Bytes(), content) {
		t.Error("it holds something else")
	}
}

func TestVaultsOfAllVersionsOpen(t *testing.T) {
	if *update {
		dir := filepath.Join("testdata", "v3")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := Create(dir, "Marisol (member)", "golden", secrets()); err != nil {
			t.Fatal(err)
		}
		v := open(t, dir, "golden")
		code, err := v.NewCode()
		if err != nil {
			t.Fatal(err)
		}
		kept := NewKeychainSecret()
		if err := v.KeepInKeychain(kept); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"code.txt": code.Text(), "keychain.txt": kept.Text()} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"v1", "v2", "v3"} {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			raw, err := os.ReadFile(path(filepath.Join("testdata", version)))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path(dir), raw, 0o600); err != nil {
				t.Fatal(err)
			}
			v := open(t, dir, "golden")
			before := v.Secrets()
			same(t, v)
			if version != "v1" {
				typed, err := os.ReadFile(filepath.Join("testdata", version, "code.txt"))
				if err != nil {
					t.Fatal(err)
				}
				same(t, byCodeOf(t, dir, string(typed)))
			}
			if version == "v3" {
				kept, err := os.ReadFile(filepath.Join("testdata", version, "keychain.txt"))
				if err != nil {
					t.Fatal(err)
				}
				same(t, byKeychainOf(t, dir, strings.TrimSpace(string(kept))))
			}
			if now, err := os.ReadFile(path(dir)); err != nil || !bytes.Equal(now, raw) {
				t.Errorf("opening changed the file: %v", err)
			}
			code, err := v.NewCode()
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Save(before); err != nil {
				t.Fatal(err)
			}
			same(t, open(t, dir, "golden"))
			again := byCodeOf(t, dir, code.Text())
			if !bytes.Equal(again.Secrets().Store, before.Store) {
				t.Error("the record's key changed")
			}
		})
	}
}

// same fails unless the vault holds what secrets gives.
func same(t *testing.T, v *Vault) {
	t.Helper()
	got := v.Secrets()
	got.Store = nil
	if !reflect.DeepEqual(got, secrets()) {
		t.Errorf("other secrets: %+v", got)
	}
}

// FuzzFile gives a hostile file to whoever reads labels and opens vaults.
func FuzzFile(f *testing.F) {
	for _, version := range []string{"v1", "v2", "v3"} {
		raw, err := os.ReadFile(filepath.Join("testdata", version, "vault.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"vault":1,"wrap":{"kind":"argon2id","params":{"time":1,"memory":8,"threads":1}}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseFile(raw)
		if err != nil {
			if care.KindOf(err) != care.Corrupt {
				t.Fatalf("%v", err)
			}
			return
		}
		if got.Wrap.Params.Memory > 1024 || got.Wrap.Params.Time > 4 {
			return // dear, not wrong
		}
		name := filepath.Join(dir, "f.json")
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenBox(name, "golden"); err == nil {
			t.Fatal("opened")
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		v, err := Open(filepath.Join("testdata", "v1"), "golden")
		if err != nil {
			b.Fatal(err)
		}
		v.Close()
	}
}
