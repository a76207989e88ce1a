package documents_test

import (
	"context"
	"database/sql"
	"reflect"
	"testing"

	"postern/backend/record/documents"
	. "postern/backend/record/recordtest"
)

func line(no int64) documents.Line {
	return documents.Line{No: no, Entry: []byte{1, byte(no)}, Hash: []byte{2, byte(no)}, Signature: []byte{3, byte(no)}}
}

func TestTrail(t *testing.T) {
	r := NewReplica(t, nil)
	trail := documents.NewTrail(r.DB)
	ends := func(hash []byte, given int64, want ...documents.Line) {
		t.Helper()
		r.Crash()
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			h, g, err := trail.Newest(ctx, tx)
			if err != nil || !reflect.DeepEqual(h, hash) || g != given {
				t.Errorf("the newest: %x, %d given, %v", h, g, err)
			}
			all, g, err := trail.All(ctx, tx)
			if err != nil || !reflect.DeepEqual(all, want) || g != given {
				t.Errorf("all: %x, %d given, %v", all, g, err)
			}
			return nil
		})
	}
	ends(nil, 0)
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return trail.Add(ctx, tx, line(1)) })
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return trail.Add(ctx, tx, line(2)) })
	ends(line(2).Hash, 2, line(1), line(2))

	for _, statement := range []string{"UPDATE audit SET entry = x'' WHERE no = 1", "DELETE FROM audit WHERE no = 2", "DELETE FROM audit",
		"INSERT INTO audit (no, entry, hash, signature) VALUES (0, x'', x'', x'')", "INSERT OR REPLACE INTO audit (no, entry, hash, signature) VALUES (2, x'', x'', x'')",
		"INSERT INTO audit (no, entry, hash, signature) VALUES (3, NULL, x'', x'')"} {
		if err := r.DB.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}); err == nil {
			t.Errorf("taken: %s", statement)
		}
	}
	ends(line(2).Hash, 2, line(1), line(2))

	// Another program, which drops the belt and cuts off the end: the numbers do not come again.
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DROP TRIGGER audit_shortened; DELETE FROM audit WHERE no = 2")
		return err
	})
	ends(line(1).Hash, 2, line(1))
}
