package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/outbox"
	. "postern/backend/record/recordtest"
)

func text(draft string) outbox.Held {
	return outbox.Held{Draft: draft, What: "reply", Thread: care.ThreadID{1}, Part: care.EventID{2}, Patient: MariaPt, Office: Lee,
		Topic: care.TopicAdvice, Subject: "A rash", Text: "It itches, and\nit is red.", Heads: []care.EventID{{3}, {4}}, Basis: []care.EventID{{5}},
		Covers: []care.EventID{{6}, {7}, {8}}, Written: Monday, Until: Monday.Add(15 * time.Second)}
}

var became = outbox.Became{Thread: care.ThreadID{1}, Part: care.EventID{2}, Event: care.EventID{9}}

// state says in one line where a text is.
func state(t *testing.T, r *Replica, draft string) (s string) {
	t.Helper()
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		h, held, err := r.Outbox.Get(ctx, tx, draft)
		if err != nil {
			return err
		}
		_, is, err := r.Outbox.WhatBecame(ctx, tx, draft)
		switch {
		case held && is:
			s = "held and an event"
		case held && h.Review:
			s = "review: " + h.Why
		case held:
			s = "held"
		case is:
			s = "event"
		default:
			s = "nothing"
		}
		return err
	})
	return s
}

// TestHeldTransitions tries every operation on a text in every state. Between two steps the process ends and the file is
// opened again: the state is in the file alone.
func TestHeldTransitions(t *testing.T) {
	type op struct {
		name string
		do   func(context.Context, *sql.Tx, *outbox.Outbox) error
	}
	hold := op{"hold", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Hold(ctx, tx, text("dr")) }}
	review := op{"review", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
		return o.ToReview(ctx, tx, "dr", "She answered.")
	}}
	now := op{"now", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Now(ctx, tx, "dr", Monday) }}
	decide := op{"decide", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
		h := text("dr")
		h.Review = false
		return o.Decide(ctx, tx, h)
	}}
	back := op{"take back", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
		_, err := o.TakeBack(ctx, tx, "dr")
		return err
	}}
	become := op{"become", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Became(ctx, tx, "dr", became) }}
	other := op{"become another", func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
		return o.Became(ctx, tx, "dr", outbox.Became{Event: care.EventID{10}})
	}}

	from := map[string][]op{"nothing": nil, "held": {hold}, "review: She answered.": {hold, review}, "event": {hold, become}}
	for _, c := range []struct {
		from string
		do   op
		to   string
		kind care.Kind // of the error; "" for none
	}{
		{"nothing", hold, "held", ""},
		{"nothing", review, "nothing", care.NotFound},
		{"nothing", now, "nothing", care.NotFound},
		{"nothing", decide, "nothing", care.NotFound},
		{"nothing", back, "nothing", care.NotFound},
		{"nothing", become, "event", ""}, // what is not held, a note, becomes an event at once
		{"held", hold, "held", ""},
		{"held", review, "review: She answered.", ""},
		{"held", now, "held", ""},
		{"held", decide, "held", ""},
		{"held", back, "nothing", ""},
		{"held", become, "event", ""},
		{"review: She answered.", hold, "review: She answered.", ""},
		{"review: She answered.", review, "review: She answered.", ""},
		{"review: She answered.", now, "held", ""},
		{"review: She answered.", decide, "held", ""},
		{"review: She answered.", back, "nothing", ""},
		{"review: She answered.", become, "review: She answered.", care.Conflict},
		{"event", hold, "event", ""},
		{"event", review, "event", care.Conflict},
		{"event", now, "event", ""},
		{"event", decide, "event", ""},
		{"event", back, "event", care.Conflict},
		{"event", become, "event", ""},
		{"event", other, "event", care.Conflict},
	} {
		t.Run(c.from+"/"+c.do.name, func(t *testing.T) {
			r := NewReplica(t, nil)
			for _, step := range from[c.from] {
				r.Write(func(ctx context.Context, tx *sql.Tx) error { return step.do(ctx, tx, r.Outbox) })
				r.Crash()
			}
			if got := state(t, r, "dr"); got != c.from {
				t.Fatalf("it begins as %s", got)
			}
			// A crash in the middle of the step: nothing of it happened.
			_ = r.DB.Write(t.Context(), func(tx *sql.Tx) error {
				_ = c.do.do(t.Context(), tx, r.Outbox)
				return fmt.Errorf("the process ends here")
			})
			r.Crash()
			if got := state(t, r, "dr"); got != c.from {
				t.Fatalf("half a step was stored: %s", got)
			}
			for range 2 { // and the step twice is the step once, unless the text is gone by it
				err := r.DB.Write(t.Context(), func(tx *sql.Tx) error { return c.do.do(t.Context(), tx, r.Outbox) })
				if c.kind == "" && err != nil || c.kind != "" && care.KindOf(err) != c.kind {
					t.Fatalf("%v, want kind %q", err, c.kind)
				}
				r.Crash()
				if got := state(t, r, "dr"); got != c.to {
					t.Fatalf("it ends as %s, want %s", got, c.to)
				}
				if c.do.name == "take back" {
					return
				}
			}
		})
	}
}

func TestHeldComesBackWhole(t *testing.T) {
	r := NewReplica(t, nil)
	want := text("dr")
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Outbox.Hold(ctx, tx, want) })
	r.Crash()
	var got outbox.Held
	r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
		got, err = r.Outbox.TakeBack(ctx, tx, "dr")
		return err
	})
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v\nwant %+v", got, want)
	}
}

func TestReady(t *testing.T) {
	r := NewReplica(t, nil)
	ready := func(at time.Time) (ids []string) {
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			all, err := r.Outbox.Ready(ctx, tx, at)
			for _, h := range all {
				ids = append(ids, h.Draft)
			}
			return err
		})
		return ids
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for i, id := range []string{"c", "a", "b"} { // the order of sending, not of names or times
			h := text(id)
			h.Until = Monday.Add(time.Duration(15-i) * time.Second)
			if err := r.Outbox.Hold(ctx, tx, h); err != nil {
				return err
			}
		}
		return r.Outbox.ToReview(ctx, tx, "a", "She answered.")
	})
	if got := fmt.Sprint(ready(Monday.Add(12*time.Second)), ready(Monday.Add(13*time.Second)), ready(Monday.Add(time.Hour))); got != "[] [b] [c b]" {
		t.Fatal(got)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		h, _, err := r.Outbox.Get(ctx, tx, "a")
		if err != nil || h.Asked != 1 || h.Why != "She answered." {
			t.Fatalf("%+v, %v", h, err)
		}
		return r.Outbox.Now(ctx, tx, "a", Monday)
	})
	if got := fmt.Sprint(ready(Monday)); got != "[a]" {
		t.Fatal(got)
	}
}

// TestProof45TakeBackOrBecame runs both at once, many times: a text is either its author's again and no event, or an
// event and no longer to be edited, and never both or neither.
func TestProof45TakeBackOrBecame(t *testing.T) {
	r := NewReplica(t, nil)
	back, events := 0, 0
	for i := range 60 {
		id := fmt.Sprintf("dr_%d", i)
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Outbox.Hold(ctx, tx, text(id)) })
		errs := make(chan error, 2)
		go func() {
			errs <- r.DB.Write(t.Context(), func(tx *sql.Tx) error { _, err := r.Outbox.TakeBack(t.Context(), tx, id); return err })
		}()
		go func() {
			errs <- r.DB.Write(t.Context(), func(tx *sql.Tx) error {
				if _, held, err := r.Outbox.Get(t.Context(), tx, id); err != nil || !held {
					return err // as the sender does: it makes an event of what is held, in one transaction
				}
				return r.Outbox.Became(t.Context(), tx, id, became)
			})
		}()
		refused := 0
		for range 2 {
			if err := <-errs; care.KindOf(err) == care.Conflict {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		switch s := state(t, r, id); {
		case s == "nothing" && refused == 0:
			back++
		case s == "event" && refused == 1:
			events++
		default:
			t.Fatalf("%s with %d refusals", s, refused)
		}
	}
	if back+events != 60 {
		t.Fatal(back, events)
	}
	t.Logf("%d taken back, %d became events", back, events)
}
