package atrest

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// fixed is the key of most tests, and of what lies in testdata.
var fixed = bytes.Repeat([]byte("key."), KeyBytes/4)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func use(t testing.TB, key []byte) *Key {
	t.Helper()
	k, err := Use(key)
	must(t, err)
	t.Cleanup(k.Close)
	return k
}

// connect opens a database with a key, or without one where it is nil. Each call is a pool of one connection.
func connect(t testing.TB, k *Key, path, options string) *sql.DB {
	t.Helper()
	at := url.URL{Scheme: "file", Path: path}
	dsn := at.String() + "?_busy_timeout=20000&" + options
	if k != nil {
		dsn += "&" + k.Options()
	}
	db, err := sql.Open("sqlite3", dsn)
	must(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%.80s: %v", s, err)
		}
	}
}

func text(t testing.TB, db *sql.DB, question string) (s string) {
	t.Helper()
	if err := db.QueryRow(question).Scan(&s); err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	return s
}

// dump is a hash of all rows of all tables, those of the index among them, or the error that reading them gave.
func dump(db *sql.DB) (string, error) {
	h := sha256.New()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
	if err != nil {
		return "", err
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	for _, name := range names {
		if err := dumpTable(db, name, h); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func dumpTable(db *sql.DB, name string, to io.Writer) error {
	rows, err := db.Query("SELECT * FROM " + name)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(to, "%s %q\n", name, cells); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sound fails unless the database holds together, and gives its dump.
func sound(t testing.TB, db *sql.DB) string {
	t.Helper()
	if said := text(t, db, "PRAGMA integrity_check"); said != "ok" {
		t.Fatal(said)
	}
	d, err := dump(db)
	must(t, err)
	return d
}

// errUnsound is that the database was read and its check found something.
var errUnsound = errors.New("it does not hold together")

// corrupt reports whether an error is what SQLite says of what does not open.
func corrupt(err error) bool {
	var e sqlite3.Error
	return errors.Is(err, errUnsound) || errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	must(t, os.WriteFile(path, b, 0o600))
}

// copied copies a database with its companions, as a crash would leave them, and gives the copy's path.
func copied(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", "-wal", "-journal"} {
		if b, err := os.ReadFile(path + end); err == nil {
			write(t, to+end, b)
		}
	}
	return to
}

// openChild opens the database of a child and makes its tables.
func openChild(k *Key, path, mode string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=20000&_synchronous=FULL&_journal_mode="+mode+"&"+k.Options())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec("PRAGMA cache_size = 10; PRAGMA temp_store = FILE; PRAGMA wal_autocheckpoint = 40; " +
		"CREATE TABLE IF NOT EXISTS t (no INTEGER PRIMARY KEY, n INTEGER, words TEXT); CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5 (words)")
	return db, err
}
