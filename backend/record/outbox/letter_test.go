package outbox_test

import (
	"bytes"
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

func letter(event byte, mailbox care.MailboxID, thread byte) outbox.Letter {
	return outbox.Letter{Event: care.EventID{event}, Mailbox: mailbox, Thread: care.ThreadID{thread}, Sealed: []byte("sealed"),
		SealedAt: Monday, State: outbox.Waiting, Next: Monday, Added: Monday}
}

func theLetter(t *testing.T, r *Replica) outbox.Letter {
	t.Helper()
	var all []outbox.Letter
	r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		all, err = r.Outbox.ByThread(ctx, tx, care.ThreadID{9})
		return err
	})
	if len(all) != 1 {
		t.Fatalf("%d letters", len(all))
	}
	return all[0]
}

// TestLetterTransitions tries every operation on a letter in every state, with the end of the process between the steps.
func TestLetterTransitions(t *testing.T) {
	e, box := care.EventID{1}, LeeBox
	ops := map[string]func(context.Context, *sql.Tx, *outbox.Outbox) error{
		"add": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
			return o.Add(ctx, tx, letter(1, LeeBox, 9))
		},
		"reseal": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
			return o.Reseal(ctx, tx, e, box, []byte("anew"), Monday)
		},
		"submitting": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Submitting(ctx, tx, e, box) },
		"handed":     func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Handed(ctx, tx, e, box) },
		"confirmed": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
			_, err := o.Confirmed(ctx, tx, e, box)
			return err
		},
		"retry": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
			return o.Retry(ctx, tx, e, box, Monday.Add(time.Minute), "451 later")
		},
		"fail": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error {
			return o.Fail(ctx, tx, e, box, "552 full")
		},
		"drop": func(ctx context.Context, tx *sql.Tx, o *outbox.Outbox) error { return o.Drop(ctx, tx, e) },
	}
	way := map[string][]string{
		"none": nil, "waiting": {"add"}, "submitting": {"add", "submitting"}, "handed": {"add", "submitting", "handed"},
		"confirmed": {"add", "submitting", "handed", "confirmed"}, "failed": {"add", "submitting", "fail"},
	}
	const conflict, notFound = string(care.Conflict), string(care.NotFound)
	table := map[string]map[string]string{ // from, operation: to, or the kind of refusal
		"none":       {"add": "waiting", "reseal": notFound, "submitting": notFound, "handed": notFound, "confirmed": "none", "retry": notFound, "fail": notFound, "drop": "none"},
		"waiting":    {"add": "waiting", "reseal": "waiting", "submitting": "submitting", "handed": conflict, "confirmed": "confirmed", "retry": "waiting", "fail": "failed", "drop": "none"},
		"submitting": {"add": "submitting", "reseal": "submitting", "submitting": "submitting", "handed": "handed", "confirmed": "confirmed", "retry": "waiting", "fail": "failed", "drop": conflict},
		"handed":     {"add": "handed", "reseal": conflict, "submitting": conflict, "handed": "handed", "confirmed": "confirmed", "retry": conflict, "fail": "failed", "drop": conflict},
		"confirmed":  {"add": "confirmed", "reseal": conflict, "submitting": conflict, "handed": "confirmed", "confirmed": "confirmed", "retry": "confirmed", "fail": "confirmed", "drop": conflict},
		"failed":     {"add": "failed", "reseal": conflict, "submitting": conflict, "handed": conflict, "confirmed": "confirmed", "retry": "waiting", "fail": "failed", "drop": conflict},
	}
	state := func(r *Replica) (s string) {
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			all, err := r.Outbox.ByThread(ctx, tx, care.ThreadID{9})
			s = "none"
			if len(all) > 0 {
				s = all[0].State
			}
			return err
		})
		return s
	}
	for from, row := range table {
		if len(row) != len(ops) {
			t.Fatalf("%s lacks an operation", from)
		}
		for name, want := range row {
			t.Run(from+"/"+name, func(t *testing.T) {
				r := NewReplica(t, nil)
				for _, step := range way[from] {
					r.Write(func(ctx context.Context, tx *sql.Tx) error { return ops[step](ctx, tx, r.Outbox) })
					r.Crash()
				}
				_ = r.DB.Write(t.Context(), func(tx *sql.Tx) error {
					_ = ops[name](t.Context(), tx, r.Outbox)
					return fmt.Errorf("the process ends here")
				})
				r.Crash()
				if got := state(r); got != from {
					t.Fatalf("half a step was stored: %s", got)
				}
				err := r.DB.Write(t.Context(), func(tx *sql.Tx) error { return ops[name](t.Context(), tx, r.Outbox) })
				r.Crash()
				if want == conflict || want == notFound {
					if string(care.KindOf(err)) != want || state(r) != from {
						t.Fatalf("%v, now %s", err, state(r))
					}
					return
				}
				if err != nil || state(r) != want {
					t.Fatalf("%v, now %s, want %s", err, state(r), want)
				}
				if want == "none" {
					return
				}
				l := theLetter(t, r)
				if on := want == "waiting" || want == "submitting"; on != (l.Sealed != nil) && from != "failed" {
					t.Errorf("%s with sealed bytes: %v", want, l.Sealed != nil)
				}
			})
		}
	}
}

func TestLetterComesBackWhole(t *testing.T) {
	r := NewReplica(t, nil)
	want := letter(1, LeeBox, 9)
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Outbox.Add(ctx, tx, want) })
	if got := theLetter(t, r); !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v", got)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if err := r.Outbox.Submitting(ctx, tx, want.Event, LeeBox); err != nil {
			return err
		}
		if err := r.Outbox.Retry(ctx, tx, want.Event, LeeBox, Monday.Add(time.Minute), "451 later"); err != nil {
			return err
		}
		return r.Outbox.Reseal(ctx, tx, want.Event, LeeBox, []byte("anew"), Monday.Add(time.Second))
	})
	want.Tries, want.Next, want.Reason, want.Sealed, want.SealedAt = 1, Monday.Add(time.Minute), "451 later", []byte("anew"), Monday.Add(time.Second)
	if got := theLetter(t, r); !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v", got)
	}
}

// TestAgainWhileItIsSent: a letter is listed with its bytes and queued again before its submission begins, since its mailbox has
// another key. What is handed over then is what nobody can open, so it is sent once more, sealed anew.
func TestAgainWhileItIsSent(t *testing.T) {
	r := NewReplica(t, nil)
	old := letter(1, LeeBox, 9)
	r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Outbox.Add(ctx, tx, old) })
	until := Monday.Add(24 * time.Hour)
	anew := old
	anew.Added = until
	handed := func() {
		t.Helper()
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			if err := r.Outbox.Submitting(ctx, tx, old.Event, LeeBox); err != nil {
				return err
			}
			return r.Outbox.Handed(ctx, tx, old.Event, LeeBox)
		})
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		again, err := r.Outbox.Again(ctx, tx, anew, until)
		if !again {
			t.Error("there is nothing to send")
		}
		return err
	})
	handed()
	if l := theLetter(t, r); l.State != outbox.Waiting || l.Sealed != nil {
		t.Fatalf("the old bytes were handed over, and it is %s", l.State)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.Reseal(ctx, tx, old.Event, LeeBox, []byte("anew"), Monday)
	})
	handed()
	if l := theLetter(t, r); l.State != outbox.Handed {
		t.Fatalf("sealed anew and handed over, it is %s", l.State)
	}
}

// One that is queued again while its submission is under way was sealed to the key before: it goes on, and then waits.
func TestAgainInTheMiddleOfIt(t *testing.T) {
	until := Monday.Add(24 * time.Hour)
	for end, after := range map[string]func(r *Replica, ctx context.Context, tx *sql.Tx) error{
		"handed over": func(r *Replica, ctx context.Context, tx *sql.Tx) error {
			return r.Outbox.Handed(ctx, tx, care.EventID{1}, LeeBox)
		},
		"lost": func(r *Replica, ctx context.Context, tx *sql.Tx) error {
			return r.Outbox.Lost(ctx, tx, care.EventID{1}, LeeBox, until, "no answer")
		},
		"put off": func(r *Replica, ctx context.Context, tx *sql.Tx) error {
			return r.Outbox.Retry(ctx, tx, care.EventID{1}, LeeBox, until, "451")
		},
		"a crash": func(r *Replica, _ context.Context, _ *sql.Tx) error { return nil },
	} {
		t.Run(end, func(t *testing.T) {
			r := NewReplica(t, nil)
			l := letter(1, LeeBox, 9)
			r.Write(func(ctx context.Context, tx *sql.Tx) error {
				if err := r.Outbox.Add(ctx, tx, l); err != nil {
					return err
				}
				if err := r.Outbox.Submitting(ctx, tx, l.Event, LeeBox); err != nil {
					return err
				}
				l.Added = until
				_, err := r.Outbox.Again(ctx, tx, l, until)
				return err
			})
			r.Write(func(ctx context.Context, tx *sql.Tx) error { return after(r, ctx, tx) })
			r.Crash()
			r.Read(func(ctx context.Context, tx *sql.Tx) error {
				due, err := r.Outbox.Due(ctx, tx, until, 9)
				if len(due) != 1 || due[0].Sealed != nil {
					t.Errorf("%d letters are due, to be sealed anew: %+v", len(due), due)
				}
				return err
			})
		})
	}
}

// TestDue: in the order of queueing; a thread's later letter to a mailbox never before an earlier one that waits.
func TestDue(t *testing.T) {
	r := NewReplica(t, nil)
	at := Monday
	due := func() (list []string) {
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			all, err := r.Outbox.Due(ctx, tx, at, 100)
			for _, l := range all {
				list = append(list, fmt.Sprintf("%d>%s", l.Event[0], l.Mailbox[3:6]))
			}
			some, err2 := r.Outbox.Due(ctx, tx, at, 2)
			if err2 != nil || len(some) != min(2, len(all)) {
				t.Errorf("%d letters at a limit of 2: %v", len(some), err2)
			}
			return err
		})
		return list
	}
	next := func() (n string) {
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			when, ok, err := r.Outbox.NextDue(ctx, tx)
			n = "none"
			if ok {
				n = when.Sub(Monday).String()
			}
			return err
		})
		return n
	}
	do := func(fn func(ctx context.Context, tx *sql.Tx) error) { t.Helper(); r.Write(fn); r.Crash() }
	is := func(wantDue, wantNext string) {
		t.Helper()
		if got := fmt.Sprint(due()); got != wantDue {
			t.Fatalf("due %s, want %s", got, wantDue)
		}
		if got := next(); got != wantNext {
			t.Fatalf("next %s, want %s", got, wantNext)
		}
	}
	is("[]", "none")
	do(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.Add(ctx, tx, letter(1, LeeBox, 7), letter(1, MariaBox, 7), letter(2, LeeBox, 7), letter(2, MariaBox, 7), letter(3, LeeBox, 8))
	})
	is("[1>lee 1>mar 2>lee 2>mar 3>lee]", "0s")
	do(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.Retry(ctx, tx, care.EventID{1}, LeeBox, Monday.Add(time.Minute), "451")
	})
	is("[1>mar 2>mar 3>lee]", "0s") // 2 to Lee waits behind 1; another thread does not
	do(func(ctx context.Context, tx *sql.Tx) error {
		for _, l := range []outbox.Letter{letter(1, MariaBox, 7), letter(2, MariaBox, 7), letter(3, LeeBox, 8)} {
			if err := r.Outbox.Submitting(ctx, tx, l.Event, l.Mailbox); err != nil {
				return err
			}
			if l.Event == (care.EventID{3}) {
				continue // its submission has no end
			}
			if err := r.Outbox.Handed(ctx, tx, l.Event, l.Mailbox); err != nil {
				return err
			}
		}
		return nil
	})
	is("[3>lee]", "1m0s") // left over from a crash; and the time when 1 and 2 go, not 2's own that has passed
	do(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.Fail(ctx, tx, care.EventID{3}, LeeBox, "550")
	})
	is("[]", "1m0s")
	at = Monday.Add(time.Minute)
	is("[1>lee 2>lee]", "1m0s")
	do(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.Fail(ctx, tx, care.EventID{1}, LeeBox, "550")
	})
	is("[2>lee]", "0s") // what failed for good holds nothing back
}

// TestConfirmedIsNewsOnce: what is not ours to send is no news, and what is, once.
func TestConfirmedIsNewsOnce(t *testing.T) {
	r := NewReplica(t, nil)
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if err := r.Outbox.Add(ctx, tx, letter(1, LeeBox, 9)); err != nil {
			return err
		}
		for i, want := range []bool{false, true, false} {
			e := care.EventID{1}
			if i == 0 {
				e = care.EventID{77}
			}
			if news, err := r.Outbox.Confirmed(ctx, tx, e, LeeBox); err != nil || news != want {
				t.Errorf("%d: %v, %v", i, news, err)
			}
		}
		return nil
	})
}

// TestTaken: what the mail system took since a time is given, and is sent again as what may be there: it cannot be withdrawn, and
// is as old as it was. What waits, failed or is queued since is no such letter.
func TestTaken(t *testing.T) {
	r := NewReplica(t, nil)
	states := []string{outbox.Confirmed, outbox.Handed, outbox.Confirmed, outbox.Waiting, outbox.Failed}
	taken := func() (ids []byte) {
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			all, err := r.Outbox.Taken(ctx, tx, Monday.Add(-time.Hour))
			for _, l := range all {
				ids = append(ids, l.Event[0])
			}
			return err
		})
		return ids
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for i, state := range states {
			l := letter(byte(i), LeeBox, 9)
			if l.State = state; i == 0 {
				l.Added = Monday.Add(-time.Hour - time.Second)
			}
			if err := r.Outbox.Add(ctx, tx, l); err != nil {
				return err
			}
		}
		return nil
	})
	if got := taken(); !bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("taken were %v", got)
	}
	again := func(at time.Time) (did bool) {
		r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
			did, err = r.Outbox.Again(ctx, tx, outbox.Letter{Event: care.EventID{2}, Mailbox: LeeBox, Thread: care.ThreadID{9}}, at)
			return err
		})
		return did
	}
	if again(Monday) {
		t.Error("what was queued since is queued again")
	}
	if !again(Monday.Add(time.Second)) {
		t.Error("what was queued before is not queued again")
	}
	r.Crash()
	if got := taken(); !bytes.Equal(got, []byte{1}) {
		t.Errorf("taken are %v, with one that is sent again", got)
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		all, err := r.Outbox.ByThread(ctx, tx, care.ThreadID{9})
		if l := all[2]; l.State != outbox.Waiting || !l.Gone || l.Sealed != nil || !l.Added.Equal(Monday) {
			t.Errorf("what is sent again is %+v", l)
		}
		return err
	})
}
