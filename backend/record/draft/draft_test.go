package draft_test

import (
	"context"
	"database/sql"
	"reflect"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/draft"
	. "postern/backend/record/recordtest"
)

func TestDraft(t *testing.T) {
	r := NewReplica(t, nil)
	a := draft.Draft{ID: care.NewID("dr"), What: "new", Office: Lee, Topic: care.TopicRenewal, Subject: "Refill", Text: "Could you", Saved: Monday}
	b := draft.Draft{ID: care.NewID("dr"), What: "note", Thread: care.ThreadID{1}, Part: care.EventID{2}, Text: "Fine to split.", Saved: Monday.Add(time.Minute)}
	save := func(d draft.Draft) {
		t.Helper()
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Drafts.Save(ctx, tx, d) })
		r.Crash()
	}
	save(a)
	save(b)
	a.Text, a.Saved = "Could you renew it? \n\n Ünïcode 🙂", Monday.Add(time.Hour)
	save(a)
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		all, err := r.Drafts.List(ctx, tx)
		if err != nil || !reflect.DeepEqual(all, []draft.Draft{a, b}) {
			t.Fatalf("%+v, %v", all, err)
		}
		in, err := r.Drafts.In(ctx, tx, care.EventID{2})
		if err != nil || !reflect.DeepEqual(in, []draft.Draft{b}) {
			t.Fatalf("%+v, %v", in, err)
		}
		one, err := r.Drafts.Get(ctx, tx, a.ID)
		if err != nil || one != a {
			t.Fatalf("%+v, %v", one, err)
		}
		return nil
	})
	for range 2 {
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Drafts.Delete(ctx, tx, a.ID) })
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := r.Drafts.Get(ctx, tx, a.ID); care.KindOf(err) != care.NotFound {
			t.Fatal(err)
		}
		return nil
	})
	for _, bad := range []string{"", "dr_", "ps_aaaaaaaaaaaaaaaa", "dr_AAAAAAAAAAAAAAAA"} {
		if err := r.DB.Write(t.Context(), func(tx *sql.Tx) error { return r.Drafts.Save(t.Context(), tx, draft.Draft{ID: bad, What: "new"}) }); err == nil {
			t.Errorf("a draft was saved as %q", bad)
		}
	}
}
