package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"postern/backend/care"
)

// TestSecretsAreOnesOwn: a passphrase's file that others can read, or that is another account's, is refused in words.
func TestSecretsAreOnesOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have other leaves there")
	}
	path := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(path, []byte("lantern orchard\nand more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reads := func() (string, error) { return newAsking(newRoot()).secret("", path) }
	for mode, fits := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o660: false, 0o620: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got, err := reads()
		switch {
		case fits && (err != nil || got != "lantern orchard"):
			t.Errorf("%o: %q, %v", mode, got, err)
		case !fits && (care.KindOf(err) != care.Forbidden || !strings.Contains(sentence(err), "chmod 600 "+path)):
			t.Errorf("%o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := reads(); care.KindOf(err) != care.Forbidden || !strings.Contains(sentence(err), "another account") {
			t.Errorf("another account's: %v", err)
		}
	}
}

// TestCredentials: what systemd hands a service is found by its name; how it lets the service read it is not taken for a leave of others.
func TestCredentials(t *testing.T) {
	if handed() != "" {
		t.Error("something is handed to nobody's service")
	}
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if handed() != "" {
		t.Error("a credential is found that is not there")
	}
	path := filepath.Join(dir, "postern-passphrase")
	if err := os.WriteFile(path, []byte("lantern orchard"), 0o440); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o440); err != nil {
		t.Fatal(err)
	}
	if got, err := newAsking(newRoot()).secret("", handed()); err != nil || got != "lantern orchard" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := newAsking(newRoot()).secret("", handed()); care.KindOf(err) != care.Forbidden {
		t.Errorf("one that all can read: %v", err)
	}
}
