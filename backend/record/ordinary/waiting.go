package ordinary

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/record/store"
)

// Waiting counts the mails that still have to go out, and says when the oldest was added of those whose time has come; zero where there
// is none.
func (*Mails) Waiting(ctx context.Context, tx *sql.Tx, now time.Time) (n int, oldest time.Time, err error) {
	var added sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT count(*), min(CASE WHEN tries > 0 OR next <= ? THEN added END) FROM mail_out WHERE mail <> x''", store.Millis(now)).Scan(&n, &added); err != nil {
		return 0, time.Time{}, fmt.Errorf("count the mails that have to go out: %w", err)
	}
	return n, store.Time(added.Int64), nil
}

// Became counts the mails that came in since a time and became what a word says.
func (*Mails) Became(ctx context.Context, tx *sql.Tx, word string, since time.Time) (n int, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM mail_in WHERE became = ? AND at >= ?", word, store.Millis(since)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what mails became: %w", err)
	}
	return n, nil
}
