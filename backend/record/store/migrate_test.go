package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/care"
)

// shape is the schema of a file as SQLite keeps it, one object a line.
func shape(t *testing.T, d *DB) string {
	t.Helper()
	var all []string
	if err := d.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

func frozen(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	raw(t, path, string(text), "INSERT INTO draft (id, what, text) VALUES ('dr_old', 'new', 'still here')")
	return path
}

// TestFrozen opens a file of every released version: what comes out is what a fresh file has, and its rows are there.
func TestFrozen(t *testing.T) {
	fresh := shape(t, opened(t, filepath.Join(t.TempDir(), "fresh.db")))
	for _, name := range []string{"v1.sql", "v2.sql", "v3.sql", "v4.sql", "v5.sql", "v6.sql"} {
		d := opened(t, frozen(t, name))
		if got := shape(t, d); got != fresh {
			t.Errorf("%s does not become a fresh file:\n%s\nfresh:\n%s", name, got, fresh)
		}
		var text string
		if err := d.Read(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRow("SELECT text FROM draft WHERE id = 'dr_old'").Scan(&text)
		}); err != nil || text != "still here" {
			t.Errorf("%s: the draft says %q: %v", name, text, err)
		}
	}
}

func TestNewerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	if err := opened(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "PRAGMA user_version = 99", "CREATE TABLE from_the_future (a)")
	_, err := Open(t.Context(), path, key)
	kind(t, err, care.Conflict)
	if !strings.Contains(care.SentenceOf(err), "Update Postern") {
		t.Fatalf("it does not say what to do: %v", err)
	}
}

// TestSteps proves the machinery with a step of its own: it runs once, and one that fails changes nothing.
func TestSteps(t *testing.T) {
	old := steps
	t.Cleanup(func() { steps = old })
	path := frozen(t, "v1.sql")
	boom := errors.New("boom")
	add := func(ctx context.Context, tx *sql.Tx) error {
		return exec(ctx, tx, "ALTER TABLE draft ADD COLUMN tried INTEGER NOT NULL DEFAULT 7")
	}
	steps = []Step{func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(add(ctx, tx), boom)
	}}
	if _, err := Open(t.Context(), path, key); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	steps = []Step{add}
	for range 2 {
		d := opened(t, path)
		var tried int
		if err := d.Read(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRow("SELECT tried FROM draft WHERE id = 'dr_old'").Scan(&tried)
		}); err != nil || tried != 7 {
			t.Fatalf("%d, %v", tried, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDerivedAreMadeAnew changes what the derived tables are: they come back empty, and what is kept stays.
func TestDerivedAreMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := opened(t, path)
	if err := d.Write(t.Context(), func(tx *sql.Tx) error {
		return exec(t.Context(), tx, "INSERT INTO projection (one, version) VALUES (1, 1)",
			"INSERT INTO search (rowid, words) VALUES (1, 'old')", "INSERT INTO draft (id, what) VALUES ('dr_old', 'new')")
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	old := derived
	t.Cleanup(func() { derived = old })
	derived += "\nCREATE INDEX item_more ON item (kind);\n"
	d = opened(t, path)
	var versions, found, drafts, more int
	if err := d.Read(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT (SELECT count(*) FROM projection), (SELECT count(*) FROM search WHERE search MATCH 'old'), "+
			"(SELECT count(*) FROM draft), (SELECT count(*) FROM sqlite_schema WHERE name = 'item_more')").Scan(&versions, &found, &drafts, &more)
	}); err != nil {
		t.Fatal(err)
	}
	if versions != 0 || found != 0 || drafts != 1 || more != 1 {
		t.Fatal(versions, found, drafts, more)
	}
}

// TestOtherSchema opens a file of another sort: its own tables, steps and words, the same pragmas, and neither sort is
// taken for the other.
func TestOtherSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	other := Schema{App: 0x5053543f, Kept: "CREATE TABLE thing (no INTEGER PRIMARY KEY AUTOINCREMENT, words TEXT NOT NULL DEFAULT '') STRICT;",
		Sentences: Sentences{Damaged: "The file is damaged.", Newer: "It is newer.", Key: "The key is wrong."}}
	reopen := func() *DB {
		t.Helper()
		d, err := OpenSchema(t.Context(), path, key, other)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() }) // twice is once
		return d
	}
	d := reopen()
	if err := d.Write(t.Context(), func(tx *sql.Tx) error { return exec(t.Context(), tx, "INSERT INTO thing DEFAULT VALUES") }); err != nil {
		t.Fatal(err)
	}
	if got := shape(t, d); strings.Contains(got, "setting") || !strings.Contains(got, "thing") {
		t.Errorf("it holds\n%s", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	_, err := Open(t.Context(), path, key)
	kind(t, err, care.Corrupt)
	profile := filepath.Join(t.TempDir(), "r.db")
	if err := opened(t, profile).Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSchema(t.Context(), profile, key, other)
	kind(t, err, care.Corrupt)
	if care.SentenceOf(err) != "The file is damaged." {
		t.Error(err)
	}

	other.Steps = []Step{func(ctx context.Context, tx *sql.Tx) error {
		return exec(ctx, tx, "ALTER TABLE thing ADD COLUMN more INTEGER NOT NULL DEFAULT 7")
	}}
	d = reopen()
	var more int
	if err := d.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("SELECT more FROM thing").Scan(&more) }); err != nil || more != 7 {
		t.Errorf("after a step: %d, %v", more, err)
	}
	other.Steps = nil
	_, err = OpenSchema(t.Context(), path, key, other)
	kind(t, err, care.Conflict)
	_, err = OpenSchema(t.Context(), path, nil, other)
	kind(t, err, care.Internal)
}
