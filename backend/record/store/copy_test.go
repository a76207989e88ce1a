package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"postern/backend/care"
)

// TestCopy: a copy is one state of a file that is being written, and as encrypted as that.
func TestCopy(t *testing.T) {
	ctx, dir, key := t.Context(), t.TempDir(), bytes.Repeat([]byte{7}, KeyBytes)
	path := filepath.Join(dir, "replica.db")
	d, err := Open(ctx, path, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	pair := func(n int) error { // two rows that are always alike
		return d.Write(ctx, func(tx *sql.Tx) error {
			for _, name := range []string{"left", "right"} {
				if _, err := tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
					name, fmt.Sprintf("the same in plain words %d %s", n, bytes.Repeat([]byte("x"), 20_000))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := pair(0); err != nil {
		t.Fatal(err)
	}
	busy, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		for n := 1; busy.Err() == nil; n++ {
			if err := pair(n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for n := range 5 {
		to := filepath.Join(dir, fmt.Sprint("copy", n))
		told := 0
		if err := Copy(ctx, path, key, to, func(done, of int) { told = done * 100 / of }); err != nil || told != 100 {
			t.Fatal(told, err)
		}
		raw, err := os.ReadFile(to)
		if err != nil || bytes.Contains(raw, []byte("plain words")) || bytes.Contains(raw, []byte("SQLite")) {
			t.Fatal("the copy can be read without its key", err)
		}
		c, err := Open(ctx, to, key)
		if err != nil {
			t.Fatal(err)
		}
		var left, right string
		if err := c.Read(ctx, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, "SELECT (SELECT value FROM setting WHERE name = 'left'), (SELECT value FROM setting WHERE name = 'right')").Scan(&left, &right)
		}); err != nil || left == "" || left != right {
			t.Errorf("half a transaction was copied: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	all.Wait()

	if err := Copy(ctx, path, bytes.Repeat([]byte{8}, KeyBytes), filepath.Join(dir, "no"), nil); care.KindOf(err) != care.Corrupt {
		t.Errorf("another key: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-2000] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Copy(ctx, path, key, filepath.Join(dir, "damaged"), nil); care.KindOf(err) != care.Corrupt {
		t.Errorf("a damaged page was copied: %v", err)
	}
}
