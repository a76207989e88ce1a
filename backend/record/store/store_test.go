package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"postern/backend/care"
	"postern/backend/record/store/atrest"
)

var key = make([]byte, KeyBytes)

func opened(t testing.TB, path string) *DB {
	t.Helper()
	d, err := Open(t.Context(), path, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// put writes one row of its own; get counts the rows that are there.
func put(ctx context.Context, d *DB, name string) error {
	return d.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES (?, 'x')", name)
		return err
	})
}

func get(t testing.TB, d *DB, name string) int {
	t.Helper()
	var n int
	if err := d.Read(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM setting WHERE name LIKE ?", name).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func kind(t *testing.T, err error, want care.Kind) {
	t.Helper()
	var told *care.Error
	if !errors.As(err, &told) || told.Kind != want {
		t.Fatalf("%v: kind %q, want %q", err, care.KindOf(err), want)
	}
	if told.Sentence == "" {
		t.Fatal("no sentence")
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ?#% and é", "replica.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	d := opened(t, path)
	if err := put(t.Context(), d, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = opened(t, path)
	if get(t, d, "kept") != 1 {
		t.Fatal("the row is gone")
	}
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		at, err := os.Stat(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if at.Mode().Perm() != 0o600 {
			t.Errorf("replica.db%s may be read by others: %v", end, at.Mode())
		}
	}
}

func TestPragmas(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "r.db"))
	for _, side := range []struct {
		name string
		run  func(context.Context, func(*sql.Tx) error) error
	}{{"writer", d.Write}, {"reader", d.Read}} {
		for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1",
			"temp_store": "2", "busy_timeout": "5000", "trusted_schema": "0", "query_only": map[string]string{"writer": "0", "reader": "1"}[side.name]} {
			var got string
			if err := side.run(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("PRAGMA " + name).Scan(&got) }); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: %s is %s, want %s", side.name, name, got, want)
			}
		}
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "r.db"))
	boom := errors.New("boom")
	insert := func(tx *sql.Tx, name string) error {
		_, err := tx.Exec("INSERT INTO setting (name) VALUES (?)", name)
		return err
	}
	t.Run("error", func(t *testing.T) {
		err := d.Write(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx, "half-1"), boom) })
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
	})
	t.Run("panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Fatal("the panic was swallowed")
			}
		}()
		_ = d.Write(t.Context(), func(tx *sql.Tx) error {
			if err := insert(tx, "half-2"); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	})
	t.Run("refusal keeps its kind", func(t *testing.T) {
		err := d.Write(t.Context(), func(tx *sql.Tx) error {
			return errors.Join(insert(tx, "half-3"), care.Refusef(care.NotFound, "No."))
		})
		kind(t, err, care.NotFound)
	})
	if n := get(t, d, "half-%"); n != 0 {
		t.Fatalf("%d half rows are stored", n)
	}
	t.Run("reading cannot write", func(t *testing.T) {
		if err := d.Read(t.Context(), func(tx *sql.Tx) error { return insert(tx, "half-4") }); err == nil {
			t.Fatal("a reader wrote")
		}
	})
	t.Run("and it goes on", func(t *testing.T) {
		if err := put(t.Context(), d, "whole"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWriteOutlivesItsContext(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "r.db"))
	ctx, cancel := context.WithCancel(t.Context())
	if err := d.Write(ctx, func(tx *sql.Tx) error {
		cancel() // the tab is closed now
		_, err := tx.Exec("INSERT INTO setting (name) VALUES ('typed')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if get(t, d, "typed") != 1 {
		t.Fatal("what was typed is lost")
	}
	if err := put(ctx, d, "late"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a write began after its context ended: %v", err)
	}
}

func TestWritersTakeTurnsAndReadersDoNotWait(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "r.db"))
	inside, done := make(chan struct{}), make(chan error)
	go func() {
		done <- d.Write(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec("INSERT INTO setting (name) VALUES ('slow')"); err != nil {
				return err
			}
			close(inside)
			<-done
			return nil
		})
	}()
	<-inside
	if n := get(t, d, "slow"); n != 0 {
		t.Fatal("a reader sees what is not committed")
	}
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if err := put(soon, d, "second"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a second writer did not wait its turn: %v", err)
	}
	done <- nil
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	for i := range 40 {
		g.Add(1)
		go func() {
			defer g.Done()
			if err := put(t.Context(), d, fmt.Sprintf("many-%d", i)); err != nil {
				t.Error(err)
			}
			get(t, d, "many-%")
		}()
	}
	g.Wait()
	if n := get(t, d, "many-%"); n != 40 {
		t.Fatalf("%d of 40 writes are there", n)
	}
}

func TestKey(t *testing.T) {
	for _, k := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		_, err := Open(t.Context(), filepath.Join(t.TempDir(), "r.db"), k)
		kind(t, err, care.Internal)
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(dir, "noise.db")
		noise := []byte(strings.Repeat("no database ", 2000))
		if err := os.WriteFile(path, noise, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, key)
		kind(t, err, care.Corrupt)
		if after, err := os.ReadFile(path); err != nil || string(after) != string(noise) {
			t.Fatalf("the file was touched: %v", err)
		}
	})
	t.Run("somebody else's database", func(t *testing.T) {
		path := filepath.Join(dir, "other.db")
		raw(t, path, "CREATE TABLE theirs (a)")
		_, err := Open(t.Context(), path, key)
		kind(t, err, care.Corrupt)
	})
	for _, damage := range []struct {
		name string
		do   func(file []byte) []byte
	}{
		{"cut in half", func(f []byte) []byte { return f[:len(f)/2] }},
		{"pages overwritten", func(f []byte) []byte {
			for i := 4096 * 3; i < len(f); i++ {
				f[i] ^= 0xa5
			}
			return f
		}},
	} {
		t.Run(damage.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(damage.name, " ", "")+".db")
			d := opened(t, path)
			for i := range 2000 {
				if i%500 != 0 {
					continue
				}
				if err := d.Write(t.Context(), func(tx *sql.Tx) error {
					for j := range 500 {
						if _, err := tx.Exec("INSERT INTO setting (name, value) VALUES (?, ?)", fmt.Sprint(i+j), strings.Repeat("v", 300)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage.do(file), 0o600); err != nil {
				t.Fatal(err)
			}
			d, err = Open(t.Context(), path, key)
			if err == nil {
				defer func() { _ = d.Close() }()
				err = d.Check(t.Context())
			}
			kind(t, err, care.Corrupt)
		})
	}
}

// raw runs SQL on a file without any of the store's checks.
func raw(t testing.TB, path string, statements ...string) {
	t.Helper()
	k, err := atrest.Use(key)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	db := sql.OpenDB(connector(path, k.Options()))
	defer func() {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkWrite is the cost of one durable commit of a small row: what synchronous=FULL is paid with.
func BenchmarkWrite(b *testing.B) {
	d := opened(b, filepath.Join(b.TempDir(), "r.db"))
	n := 0
	for b.Loop() {
		n++
		if err := put(b.Context(), d, fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
	}
}
