package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"postern/backend/care"
	"postern/backend/record/store/atrest"
)

// Copy copies the replica at path into a new file, encrypted with the same key: one state of it, also while another process
// has it open and writes. The copy is read whole before Copy returns nil. A file that an older or a newer Postern wrote is
// copied as it is. told, where it is set, hears how many pages of how many are done.
func Copy(ctx context.Context, path string, key []byte, to string, told func(done, of int)) error {
	k, err := atrest.Use(key)
	if err != nil {
		return care.Because(care.Internal, err, replicaSentences.Key)
	}
	defer k.Close()
	if err := k.Check(path); err != nil {
		return replicaSentences.explain(err, read)
	}
	return copyFile(ctx, path, to, "&"+k.Options(), replica(), told)
}

// CopyPlain is Copy for a file that is not encrypted.
func CopyPlain(ctx context.Context, path, to string, s Schema, told func(done, of int)) error {
	return copyFile(ctx, path, to, "", s, told)
}

// step is how many pages are copied between two looks at the context: 4 MB.
const step = 1024

func copyFile(ctx context.Context, path, to, sealed string, s Schema, told func(done, of int)) (err error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find %s: %w", filepath.Base(path), err)
	}
	if to, err = filepath.Abs(to); err != nil {
		return fmt.Errorf("find %s: %w", filepath.Base(to), err)
	}
	if err := create(to); err != nil {
		return s.Sentences.explain(err, saved)
	}
	from, err := single(ctx, connector(full, "_txlock=deferred&_query_only=true"+sealed), s.Sentences)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	into, err := single(ctx, &source{dsn: fileURL(to) + "?_synchronous=FULL" + sealed, driver: &sqlite3.SQLiteDriver{}}, s.Sentences)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, into.close()) }()
	// One reading transaction around it all: else the copy begins anew with each commit of another process.
	var app int
	if _, err := from.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return s.Sentences.explain(err, read)
	}
	if err := from.conn.QueryRowContext(ctx, "SELECT application_id FROM pragma_application_id, (SELECT count(*) FROM sqlite_schema)").Scan(&app); err != nil {
		return s.Sentences.explain(err, read)
	}
	if app != int(s.App) {
		return s.Sentences.corrupt(errors.New("not a file of Postern's of this sort"))
	}
	err = into.raw(func(dst *sqlite3.SQLiteConn) error {
		return from.raw(func(src *sqlite3.SQLiteConn) error { return pages(ctx, dst, src, told) })
	})
	if err != nil {
		return s.Sentences.explain(err, saved)
	}
	var first string
	if err := into.conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&first); err != nil {
		return s.Sentences.explain(err, read)
	}
	if first != "ok" {
		return s.Sentences.corrupt(errors.New(first))
	}
	// As a file that stands alone: whoever opens it makes a log of its own.
	_, err = into.conn.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	return s.Sentences.explain(err, saved)
}

func pages(ctx context.Context, dst, src *sqlite3.SQLiteConn, told func(done, of int)) (err error) {
	b, err := dst.Backup("main", src, "main")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Finish()) }()
	for {
		done, err := b.Step(step)
		if err != nil {
			return err
		}
		if told != nil {
			told(b.PageCount()-b.Remaining(), b.PageCount())
		}
		if done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// alone is one connection, and the pool that it is of.
type alone struct {
	pool *sql.DB
	conn *sql.Conn
}

func single(ctx context.Context, c *source, words Sentences) (*alone, error) {
	a := &alone{pool: sql.OpenDB(c)}
	var err error
	if a.conn, err = a.pool.Conn(ctx); err != nil {
		return nil, errors.Join(words.explain(err, read), a.pool.Close())
	}
	return a, nil
}

func (a *alone) raw(do func(*sqlite3.SQLiteConn) error) error {
	return a.conn.Raw(func(c any) error { return do(c.(*sqlite3.SQLiteConn)) })
}

func (a *alone) close() error { return errors.Join(a.conn.Close(), a.pool.Close()) }
