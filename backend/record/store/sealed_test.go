package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"

	"postern/backend/care"
	"postern/backend/record/store/atrest"
)

// TestSealed: a replica is unreadable without its key, and what cannot be one is refused in its own words and left as it is.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "replica.db")
	d := opened(t, path)
	const words = "Sertraline, 50 mg"
	if err := put(t.Context(), d, words); err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{words, "CREATE TABLE", "SQLite format 3"} {
				if bytes.Contains(b, []byte(s)) {
					t.Errorf("%s, %s holds %q", when, f.Name(), s)
				}
			}
		}
	}
	look("open")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	look("closed")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	plain := filepath.Join(dir, "plain.db")
	p, err := OpenPlain(t.Context(), plain, replica())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	unsealed, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Repeat([]byte{7}, KeyBytes)
	for _, c := range []struct {
		name string
		file []byte
		key  []byte
		kind care.Kind
		says string
	}{
		{"another key", whole, other, care.Corrupt, replicaSentences.Key},
		{"not encrypted", unsealed, key, care.Conflict, replicaSentences.Plain},
		{"cut", whole[:5000], key, care.Corrupt, replicaSentences.Damaged},
		{"cut within a page", whole[:100], key, care.Corrupt, replicaSentences.Damaged},
		{"foreign", bytes.Repeat([]byte{1}, 9000), key, care.Corrupt, replicaSentences.Damaged},
	} {
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, c.key)
		kind(t, err, c.kind)
		if care.SentenceOf(err) != c.says {
			t.Errorf("%s: it says %s", c.name, care.SentenceOf(err))
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.file) {
			t.Errorf("%s: the file was touched: %v", c.name, err)
		}
	}
	// A program without the key, and a file that is not encrypted where one is.
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenPlain(t.Context(), path, replica())
	kind(t, err, care.Corrupt)
}

// TestKeyStaysOut: no error and no name of a file tells the key.
func TestKeyStaysOut(t *testing.T) {
	secret := []byte("0123456789abcdefghijklmnopqrstuv")
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "r.db"), secret)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	k, err := atrest.Use(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, said := range []string{k.Options(), fmt.Sprint(k.Check(filepath.Join(t.TempDir(), "none"))), fmt.Sprint(d.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("no SQL")
		return err
	}))} {
		if strings.Contains(said, string(secret[:8])) || strings.Contains(said, "30313233") {
			t.Errorf("it says %s", said)
		}
	}
}

// TestCloseEndsTheKey: a transaction that runs is not cut short, and its connection is the last to use the key.
func TestCloseEndsTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := opened(t, path)
	if err := d.Write(t.Context(), func(tx *sql.Tx) error {
		if err := d.Close(); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO setting (name) VALUES ('late')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), d, "too late"); err == nil {
		t.Error("a closed file was written")
	}
	var refused sqlite3.Error
	if err := sql.OpenDB(connector(path, d.key.Options())).Ping(); !errors.As(err, &refused) || refused.Code != sqlite3.ErrCantOpen {
		t.Errorf("opened with a key out of use: %v", err)
	}
	if get(t, opened(t, path), "late") != 1 {
		t.Error("what was written as it closed is lost")
	}
}
