package documents

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/backend/record/store"
)

// Line is one line of the record of who looked at what, as trust/audit writes it.
type Line struct {
	No        int64
	Entry     []byte
	Hash      []byte
	Signature []byte
}

// Trail keeps the lines of that record. They are added, and never changed or taken out; the table refuses both. It is safe
// for concurrent use.
type Trail struct{}

// NewTrail makes the keeper of an open file's record.
func NewTrail(*store.DB) *Trail { return &Trail{} }

// Add puts a line behind the others. Its number must be higher than theirs.
func (*Trail) Add(ctx context.Context, tx *sql.Tx, l Line) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO audit (no, entry, hash, signature) VALUES (?, ?, ?, ?)", l.No, l.Entry, l.Hash, l.Signature); err != nil {
		return fmt.Errorf("add to the audit record: %w", err)
	}
	return nil
}

// Newest gives the hash of the last line, nil where there is none, and the highest number that was ever given out: where
// lines were cut off, which takes another program, their numbers do not come again, so that the gap shows for good.
func (*Trail) Newest(ctx context.Context, tx *sql.Tx) (hash []byte, given int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT hash FROM audit ORDER BY no DESC LIMIT 1").Scan(&hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("read the audit record's end: %w", err)
	}
	given, err = numbers(ctx, tx)
	return hash, given, err
}

// All gives every line in the order of their numbers, and the highest number that was ever given out.
func (*Trail) All(ctx context.Context, tx *sql.Tx) (all []Line, given int64, err error) {
	err = store.Each(ctx, tx, "SELECT no, entry, hash, signature FROM audit ORDER BY no", nil, func(rows *sql.Rows) error {
		var l Line
		err := rows.Scan(&l.No, &l.Entry, &l.Hash, &l.Signature)
		all = append(all, l)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the audit record: %w", err)
	}
	given, err = numbers(ctx, tx)
	return all, given, err
}

// numbers is the highest number given out, as SQLite remembers it for AUTOINCREMENT, or the highest there is.
func numbers(ctx context.Context, tx *sql.Tx) (given int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT max((SELECT coalesce(max(no), 0) FROM audit), "+
		"(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit'))").Scan(&given)
	if err != nil {
		return 0, fmt.Errorf("read the audit record's numbers: %w", err)
	}
	return given, nil
}
