package store

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/care"
)

// fill writes until there is no room and returns how many writes were kept.
func fill(t *testing.T, d *DB) (kept int, err error) {
	t.Helper()
	for ; kept < 10_000; kept++ {
		err = d.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO setting (name, value) VALUES (?, ?)", fmt.Sprintf("fill-%d", kept), strings.Repeat("v", 20_000))
			return err
		})
		if err != nil {
			return kept, err
		}
	}
	t.Fatal("the disk never got full")
	return kept, nil
}

func saysFull(t *testing.T, err error) {
	t.Helper()
	kind(t, err, care.Full)
	for _, part := range []string{"no room left", "is safe", "still in its window", "Free some space"} {
		if !strings.Contains(care.SentenceOf(err), part) {
			t.Errorf("the sentence lacks %q: %s", part, care.SentenceOf(err))
		}
	}
}

// TestFullDisk fills a real small file system: each way of running out of room is told as care.Full, nothing that was
// kept is lost, reading goes on, and with room again writing goes on too.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mount(dir, "4m"); err != nil {
		t.Skipf("no small file system can be mounted here (the limit of pages is tested all the same): %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "r.db")
	d := opened(t, path)
	t.Cleanup(func() { _ = d.Close() }) // before the file system goes
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2_200_000), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := fill(t, d)
	saysFull(t, err)
	t.Logf("%d writes kept, then: %v", kept, errors.Unwrap(err))
	for range 3 {
		saysFull(t, put2(t, d))
	}
	if n := get(t, d, "fill-%"); n != kept {
		t.Fatalf("%d rows, %d were kept", n, kept)
	}
	// A new profile on the full disk.
	if err := fillFile(filepath.Join(dir, "rest")); err == nil {
		t.Fatal("the disk is not full")
	}
	fresh, err := Open(t.Context(), filepath.Join(dir, "fresh.db"), key)
	if err == nil {
		_ = fresh.Close()
		t.Fatal("a profile was opened without room for it")
	}
	saysFull(t, err)
	// The old one, after a crash on the full disk.
	for _, f := range []string{ballast, filepath.Join(dir, "rest")} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t.Context(), d, "room again"); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = opened(t, path)
	if n := get(t, d, "fill-%"); n != kept || get(t, d, "room again") != 1 {
		t.Fatalf("%d rows, %d were kept", n, kept)
	}
}

func put2(t *testing.T, d *DB) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ('too much', ?)", strings.Repeat("v", 400_000))
		return err
	})
}

// fillFile writes until the file system takes no more.
func fillFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	return errors.Join(err, f.Close())
}

// TestFullByPages is the same where nothing can be mounted: SQLite itself is given no more pages.
func TestFullByPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := opened(t, path)
	limit := func(pages int) {
		if _, err := d.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	kept, err := fill(t, d)
	saysFull(t, err)
	if n := get(t, d, "fill-%"); n != kept || kept == 0 {
		t.Fatalf("%d rows, %d were kept", n, kept)
	}
	limit(10_000)
	if err := put(t.Context(), d, "room again"); err != nil {
		t.Fatal(err)
	}
}
