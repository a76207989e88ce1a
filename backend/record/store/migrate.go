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

// appID marks a file as Postern's: "PSTN".
const appID = 0x5053544e

// steps[i] brings the kept tables from version i+1 to i+2. A step uses SQL and types of its own, never today's; once
// released it is not changed. Version 1 is testdata/v1.sql.
var steps []func(ctx context.Context, tx *sql.Tx) error

// derivedTables are all tables that were ever derived, in the order in which they can be dropped.
var derivedTables = []string{"search_words", "search", "item", "part", "stale", "conversation", "projection"}

func version() int { return len(steps) + 1 }

// migrate makes an empty file a fresh one and brings an older one up to date. It may run any number of times.
func migrate(ctx context.Context, tx *sql.Tx) error {
	var app, have, objects int
	if err := tx.QueryRowContext(ctx, "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) "+
		"FROM pragma_application_id, pragma_user_version").Scan(&app, &have, &objects); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	switch {
	case app == 0 && have == 0 && objects == 0:
		if err := exec(ctx, tx, schema, fmt.Sprintf("PRAGMA application_id = %d", appID)); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	case app != appID || have < 1:
		return corrupt(errors.New("not a file of Postern's"))
	case have > version():
		return care.Because(care.Conflict, fmt.Errorf("schema %d, this program knows %d", have, version()),
			"A newer Postern has used this profile on this computer. Nothing was changed. Update Postern, then sign in again.")
	default:
		for v := have; v < version(); v++ {
			if err := steps[v-1](ctx, tx); err != nil {
				return fmt.Errorf("bring the tables from version %d to %d: %w", v, v+1, err)
			}
		}
	}
	if have != version() { // opening writes nothing where nothing changes: there may be no room
		if err := exec(ctx, tx, fmt.Sprintf("PRAGMA user_version = %d", version())); err != nil {
			return fmt.Errorf("note the schema's version: %w", err)
		}
	}
	return rederive(ctx, tx)
}

// rederive makes the derived tables anew, empty, unless they are the ones of this program.
func rederive(ctx context.Context, tx *sql.Tx) error {
	sum := sha256.Sum256([]byte(derived))
	want, have := hex.EncodeToString(sum[:]), ""
	err := tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = 'derived'").Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read which tables are there: %w", err)
	}
	if have == want {
		return nil
	}
	for _, name := range derivedTables {
		if err := exec(ctx, tx, "DROP TABLE IF EXISTS "+name); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	if err := exec(ctx, tx, derived); err != nil {
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
