// Package store opens a SQLite file of ours, a profile's replica or one of another schema, and runs its transactions.
// There is no other way to a file of ours.
//
// A replica is encrypted: no byte that SQLite writes for it is readable without its key, and what was changed in it is noticed
// (package atrest). It promises that a committed transaction survives a crash and a power cut, that writers never meet, and that what
// goes wrong with the disk or the file is a care.Error that says what happened and where the text is. It holds the
// schema of all rooms of record and knows what none of the rows mean.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"postern/backend/care"
	"postern/backend/record/store/atrest"
)

// KeyBytes is the size of a file's key.
const KeyBytes = atrest.KeyBytes

// readers is how many transactions may read at once. Screens are short readers; more only cost memory: each may keep 16 MB of
// pages, so that a search among 50,000 messages finds most of what it needs there and has to open few.
const readers = 4

// DB is an open file. It is safe for concurrent use.
type DB struct {
	// Committed, where it is set before the first use, is called after each commit. Tests end the process there.
	Committed func()

	writer *sql.DB // exactly one connection
	reader *sql.DB
	key    *atrest.Key // nil: the file is not encrypted
	words  Sentences
	turn   chan struct{} // holds one token while somebody writes

	damaged atomic.Bool // something of the file could not be read
}

// Open opens the replica at path, making it if there is none, and brings an older schema up to date. The folder must
// exist.
//
// The key must have KeyBytes bytes; the caller may wipe it afterwards. Errors: care.Corrupt for a file that is damaged, is not
// Postern's or has another key, care.Conflict for one that is not encrypted and for one that a newer Postern wrote, care.Full
// where there is no room. After an error nothing is open, and what was in the file is still there.
func Open(ctx context.Context, path string, key []byte) (*DB, error) {
	return OpenSchema(ctx, path, key, replica())
}

// OpenSchema is Open for a file of another schema: the same pragmas, one writer, and errors in the schema's words. A file
// of one sort is care.Corrupt for another.
func OpenSchema(ctx context.Context, path string, key []byte, s Schema) (*DB, error) {
	k, err := atrest.Use(key)
	if err != nil {
		return nil, care.Because(care.Internal, err, s.Sentences.Key)
	}
	return open(ctx, path, k, s)
}

// OpenPlain is OpenSchema for a file that is not encrypted: whoever can read the disk can read it. It is for a program that
// begins without a person who could unlock a key, and for what may lie open.
func OpenPlain(ctx context.Context, path string, s Schema) (*DB, error) {
	return open(ctx, path, nil, s)
}

// open takes over the key.
func open(ctx context.Context, path string, key *atrest.Key, s Schema) (*DB, error) {
	d := &DB{turn: make(chan struct{}, 1), key: key, words: s.Sentences}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find %s: %w", filepath.Base(path), err), d.Close())
	}
	if err := create(full); err != nil {
		return nil, errors.Join(s.Sentences.explain(err, saved), d.Close())
	}
	sealed := ""
	if key != nil {
		if err := key.Check(full); err != nil {
			return nil, errors.Join(s.Sentences.explain(err, read), d.Close())
		}
		sealed = "&" + key.Options()
	}
	d.writer = sql.OpenDB(connector(full, "_txlock=immediate&_cache_size=-32000&_stmt_cache_size=64"+sealed))
	d.writer.SetMaxOpenConns(1)
	d.reader = sql.OpenDB(connector(full, "_txlock=deferred&_query_only=true&_cache_size=-16000&_stmt_cache_size=64"+sealed))
	d.reader.SetMaxOpenConns(readers)
	d.reader.SetMaxIdleConns(readers)
	if err := d.Write(ctx, func(tx *sql.Tx) error { return s.migrate(ctx, tx) }); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// create makes the file readable by its owner alone. SQLite gives its companion files the same rights.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close ends the use of the file: later transactions fail. One that runs is neither cut short nor waited for, and its
// connection closes as it ends. Who must know that no writer is at work any more calls Write once more: it is refused
// when that one has had its turn. The key is wiped with the last connection.
func (d *DB) Close() error {
	var errs []error
	for _, side := range []*sql.DB{d.reader, d.writer} {
		if side != nil {
			errs = append(errs, side.Close())
		}
	}
	if d.key != nil {
		d.key.Close()
	}
	return errors.Join(errs...)
}

// Write runs fn in a transaction that sees every earlier one, one at a time, and commits it if fn returns nil.
//
// When Write returns nil, what fn wrote survives a power cut. On an error, or a panic in fn, nothing of it is stored.
// Once begun, the end of ctx does not cut it short: what a person typed is stored though they closed the tab. fn must
// not call Write or Read. Errors of fn come back as they are; those of the disk and the file as care.Full, care.Corrupt
// or care.Internal with a sentence.
func (d *DB) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := d.run(context.WithoutCancel(ctx), d.writer, saved, fn)
	if err == nil && d.Committed != nil {
		d.Committed()
	}
	return err
}

// Read runs fn in a transaction that sees one state of the file, however long it takes, and never waits for a writer.
// Errors are as for Write.
func (d *DB) Read(ctx context.Context, fn func(*sql.Tx) error) error {
	return d.run(ctx, d.reader, read, fn)
}

func (d *DB) run(ctx context.Context, db *sql.DB, did string, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return d.explain(err, did)
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing; otherwise the first error is the one to tell
	if err := fn(tx); err != nil {
		return d.explain(err, did)
	}
	return d.explain(tx.Commit(), did)
}

// explain gives an error in words, and notes that the file is damaged.
func (d *DB) explain(err error, did string) error {
	err = d.words.explain(err, did)
	if care.KindOf(err) == care.Corrupt {
		d.damaged.Store(true)
	}
	return err
}

// Damaged reports whether something of the file could not be read since it was opened.
func (d *DB) Damaged() bool { return d.damaged.Load() }

// Check reads the whole file and returns care.Corrupt if it does not hold together.
func (d *DB) Check(ctx context.Context) error {
	return d.Read(ctx, func(tx *sql.Tx) error {
		var first string
		if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&first); err != nil {
			return err
		}
		if first != "ok" {
			return d.words.corrupt(errors.New(first))
		}
		return nil
	})
}

// connector gives connections that all have the same pragmas. WAL lets readers go on beside the writer; synchronous=FULL
// makes each commit survive a power cut; temporary tables stay in memory: they are small, and gone when the program is.
func connector(path, options string) *source {
	return &source{
		dsn: fileURL(path) + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=true&" + options,
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(`PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
				PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000`, nil)
			return err
		}},
	}
}

// fileURL is a path as SQLite's URIs have it.
func fileURL(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/… becomes file:///C:/…
	}
	at := url.URL{Scheme: "file", Path: slashed}
	return at.String()
}

type source struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (s *source) Connect(context.Context) (driver.Conn, error) { return s.driver.Open(s.dsn) }
func (s *source) Driver() driver.Driver                        { return s.driver }
