package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"

	"postern/backend/record/journal"
	. "postern/backend/record/recordtest"
)

// What is on the server no more is named, and forgotten without what is still there, or what was put aside.
func TestGone(t *testing.T) {
	r := NewReplica(t, nil)
	const source, folder, validity = "mail.test/u", "INBOX", 7
	compared := func(shown ...uint32) (out journal.Gone) {
		r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			out, err = r.Journal.Gone(ctx, tx, source, folder, validity, shown)
			return err
		})
		return out
	}
	gone := func(shown ...uint32) []uint32 { return compared(shown...).UIDs }
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if err := r.Journal.PutAside(ctx, tx, source, folder, validity, "ring x", []uint32{5, 12}); err != nil {
			return err
		}
		return r.Journal.MarkFetched(ctx, tx, source, folder, validity, []uint32{1, 2, 3, 4, 6, 7, 4294967295})
	})
	for _, c := range []struct{ shown, want []uint32 }{
		{[]uint32{1, 2, 3, 4, 5, 6, 7, 12, 4294967295}, nil},
		{[]uint32{1, 2, 9, 4, 6, 7, 4294967295}, []uint32{3}},
		{[]uint32{2}, []uint32{1, 3, 4, 6, 7, 4294967295}},
		{nil, []uint32{1, 2, 3, 4, 6, 7, 4294967295}},
	} {
		if got := gone(c.shown...); !slices.Equal(got, c.want) {
			t.Errorf("with %v shown, %v are gone, want %v", c.shown, got, c.want)
		}
	}
	some := compared(1, 4, 5, 6, 7, 12)
	for range 2 {
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Journal.Forget(ctx, tx, some) })
		if got := gone(); !slices.Equal(got, []uint32{1, 4, 6, 7}) {
			t.Errorf("after it %v are stored", got)
		}
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		set, err := r.Journal.Fetched(ctx, tx, source, folder, validity)
		if err != nil || !set.Has(5) || !set.Has(12) || set.Has(3) {
			t.Errorf("%v, %v", set, err)
		}
		return nil
	})
	if all := compared(1, 4, 6, 7); all.Any() {
		t.Errorf("with everything there, gone is %+v", all)
	}
}

// What is noted under another UIDVALIDITY is gone, until it is forgotten: of this folder alone.
func TestBegunAnew(t *testing.T) {
	r := NewReplica(t, nil)
	const source, folder = "mail.test/u", "INBOX"
	gone := func(folder string, validity uint32) (g journal.Gone) {
		r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			g, err = r.Journal.Gone(ctx, tx, source, folder, validity, []uint32{1, 2})
			return err
		})
		return g
	}
	if g := gone(folder, 7); g.Any() {
		t.Errorf("of what was never read, gone is %+v", g)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(r.Journal.MarkFetched(ctx, tx, source, folder, 7, []uint32{1, 2}),
			r.Journal.PutAside(ctx, tx, source, folder, 7, "ring x", []uint32{3}),
			r.Journal.MarkFetched(ctx, tx, source, "Junk", 7, []uint32{1, 2}))
	})
	if g := gone(folder, 7); g.Any() {
		t.Errorf("of a folder that goes on as it was, gone is %+v", g)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error { // its new letters are read before anything is compared
		return r.Journal.MarkFetched(ctx, tx, source, folder, 8, []uint32{1, 2})
	})
	g := gone(folder, 8)
	if !g.Anew || len(g.UIDs) > 0 {
		t.Errorf("of a folder that begins anew, gone is %+v", g)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Journal.Forget(ctx, tx, g) })
	r.Crash()
	if a, b, c := gone(folder, 8), gone(folder, 7), gone("Junk", 7); a.Any() || !b.Anew || c.Any() {
		t.Errorf("after it: %+v, %+v, %+v", a, b, c)
	}
}
