package store

import (
	"context"
	"database/sql"
	"errors"
)

// Each asks a question and gives each row of the answer to fn, until that returns an error.
func Each(ctx context.Context, tx *sql.Tx, question string, args []any, fn func(*sql.Rows) error) (err error) {
	rows, err := tx.QueryContext(ctx, question, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
