// Package seen keeps what the person of this profile has read on this computer. It never leaves the computer: what the
// care team should know of a member's reading is an event of its own.
package seen

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Seen keeps a profile's marks. It is safe for concurrent use.
type Seen struct{}

// New makes the keeper of an open file's marks.
func New(*store.DB) *Seen { return &Seen{} }

// Mark notes that items of a part were read and returns how many of them were not marked before. It may run twice.
func (*Seen) Mark(ctx context.Context, tx *sql.Tx, part care.EventID, items ...care.EventID) (fresh int, err error) {
	for _, id := range items {
		done, err := tx.ExecContext(ctx, "INSERT INTO seen (item, part) VALUES (?, ?) ON CONFLICT (item) DO NOTHING", store.Blob(id), store.Blob(part))
		if err != nil {
			return fresh, fmt.Errorf("mark as read: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return fresh, fmt.Errorf("mark as read: %w", err)
		}
		fresh += int(n)
	}
	return fresh, nil
}

// Has reports whether an item was read.
func (*Seen) Has(ctx context.Context, tx *sql.Tx, item care.EventID) (has bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM seen WHERE item = ?)", store.Blob(item)).Scan(&has)
	return has, err
}
