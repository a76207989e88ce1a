package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"

	"postern/backend/care"
)

//go:embed schema.sql
var schema string

//go:embed derived.sql
var derived string

// appID marks a file as a replica of Postern's: "PSTN".
const appID = 0x5053544e

// derivedTables are all tables of a replica that were ever derived, in the order in which they can be dropped.
var derivedTables = []string{"search_words", "search", "item", "notice", "part", "stale", "conversation", "projection"}

// Step brings kept tables from one version to the next. It uses SQL and types of its own, never today's; once released
// it is not changed.
type Step = func(ctx context.Context, tx *sql.Tx) error

// Schema is what a file of one sort holds.
type Schema struct {
	App       int32  // the application id in the file's header, by which its sort is known; not 0
	Kept      string // the SQL of a fresh file's tables that cannot be made again
	Steps     []Step // Steps[i] brings the kept tables from version i+1 to i+2
	Sentences Sentences

	derived       string // the SQL of the tables that can; they need a kept table setting
	derivedTables []string
}

// replica is the schema of a profile's file.
func replica() Schema {
	return Schema{App: appID, Kept: schema, Steps: steps, Sentences: replicaSentences, derived: derived, derivedTables: derivedTables}
}

func (s *Schema) version() int { return len(s.Steps) + 1 }

// migrate makes an empty file a fresh one and brings an older one up to date. It may run any number of times.
func (s *Schema) migrate(ctx context.Context, tx *sql.Tx) error {
	var app, have, objects int
	if err := tx.QueryRowContext(ctx, "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) "+
		"FROM pragma_application_id, pragma_user_version").Scan(&app, &have, &objects); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	switch {
	case app == 0 && have == 0 && objects == 0:
		if err := exec(ctx, tx, s.Kept, fmt.Sprintf("PRAGMA application_id = %d", s.App)); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	case app != int(s.App) || have < 1:
		return s.Sentences.corrupt(errors.New("not a file of Postern's of this sort"))
	case have > s.version():
		return care.Because(care.Conflict, fmt.Errorf("schema %d, this program knows %d", have, s.version()),
			s.Sentences.Newer)
	default:
		for v := have; v < s.version(); v++ {
			if err := s.Steps[v-1](ctx, tx); err != nil {
				return fmt.Errorf("bring the tables from version %d to %d: %w", v, v+1, err)
			}
		}
	}
	if have != s.version() { // opening writes nothing where nothing changes: there may be no room
		if err := exec(ctx, tx, fmt.Sprintf("PRAGMA user_version = %d", s.version())); err != nil {
			return fmt.Errorf("note the schema's version: %w", err)
		}
	}
	if s.derived == "" {
		return nil
	}
	return s.rederive(ctx, tx)
}

// rederive makes the derived tables anew, empty, unless they are the ones of this program.
func (s *Schema) rederive(ctx context.Context, tx *sql.Tx) error {
	sum := sha256.Sum256([]byte(s.derived))
	want, have := hex.EncodeToString(sum[:]), ""
	err := tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = 'derived'").Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read which tables are there: %w", err)
	}
	if have == want {
		return nil
	}
	for _, name := range s.derivedTables {
		if err := exec(ctx, tx, "DROP TABLE IF EXISTS "+name); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	if err := exec(ctx, tx, s.derived); err != nil {
		return fmt.Errorf("make the derived tables: %w", err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES ('derived', ?) "+
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value", want)
	return err
}

func exec(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
