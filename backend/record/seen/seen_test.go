package seen_test

import (
	"context"
	"database/sql"
	"testing"

	"postern/backend/care"
	. "postern/backend/record/recordtest"
)

func TestMark(t *testing.T) {
	r := NewReplica(t, nil)
	part := care.EventID{1}
	for i, want := range []int{2, 1, 0} {
		items := []care.EventID{{2}, {3}, {4}}[:min(2+i, 3)]
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			if n, err := r.Seen.Mark(ctx, tx, part, items...); err != nil || n != want {
				t.Errorf("%d fresh, want %d: %v", n, want, err)
			}
			return nil
		})
		r.Crash()
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		for id, want := range map[care.EventID]bool{{2}: true, {4}: true, {5}: false} {
			if has, err := r.Seen.Has(ctx, tx, id); err != nil || has != want {
				t.Errorf("%v: %v, %v", id[0], has, err)
			}
		}
		return nil
	})
}
