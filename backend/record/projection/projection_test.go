package projection_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/projection"
	. "postern/backend/record/recordtest"
)

// dump is everything that the derived tables hold, byte for byte, with the words of the index.
func dump(t testing.TB, r *Replica) string {
	t.Helper()
	var b strings.Builder
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		for _, q := range []string{
			"SELECT * FROM conversation ORDER BY thread", "SELECT * FROM part ORDER BY id, thread", "SELECT * FROM item ORDER BY no",
		} {
			rows, err := tx.QueryContext(ctx, q)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s\n", q)
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			for rows.Next() {
				if err := rows.Scan(values...); err != nil {
					return err
				}
				for i, v := range values {
					if blob, ok := (*v.(*any)).([]byte); ok {
						fmt.Fprintf(&b, "%s=%x ", columns[i], blob)
					} else {
						fmt.Fprintf(&b, "%s=%q ", columns[i], fmt.Sprint(*v.(*any)))
					}
				}
				b.WriteByte('\n')
			}
			if err := rows.Err(); err != nil {
				return err
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	// What the index holds cannot be listed by a reader; a temporary table of the writer's lists it.
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, instance)"); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT term, doc FROM temp.words ORDER BY term, doc")
		if err != nil {
			return err
		}
		for rows.Next() {
			var term string
			var doc int64
			if err := rows.Scan(&term, &doc); err != nil {
				return err
			}
			fmt.Fprintf(&b, "word %s in %d\n", term, doc)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DROP TABLE temp.words")
		return err
	})
	return b.String()
}

// history is a random thread: any kind by anybody who may, each having seen any events of before.
func history(t testing.TB, rng *rand.Rand, n int) *Story {
	s := NewStory(t, Maria, care.Text(fmt.Sprintf("Subject %d", rng.IntN(1000))), Monday)
	pick := func(kinds ...event.Kind) (some []*event.Event) {
		for _, e := range s.All {
			if (len(kinds) == 0 || slices.Contains(kinds, e.Kind)) && len(e.To) > 1 && rng.IntN(3) > 0 {
				some = append(some, e)
			}
		}
		return some
	}
	last := func(kind event.Kind) (id care.EventID) {
		for _, e := range s.All {
			if e.Kind == kind && rng.IntN(3) > 0 {
				id = e.ID
			}
		}
		return id
	}
	staff := []Someone{Rosa, DrLee, Sam}
	for len(s.All) < n {
		by := staff[rng.IntN(len(staff))]
		after := pick()
		sent := pick(event.Sent)
		switch rng.IntN(11) {
		case 0, 1, 2:
			s.Write(Maria, after, event.SentBody{Text: care.Text(fmt.Sprintf("message %d von Müller", rng.IntN(50))), Basis: IDs(pick(event.Reopened)...)})
		case 3, 4:
			s.Write(by, after, event.SentBody{Text: care.Text(fmt.Sprintf("reply %d", rng.IntN(50)))})
		case 5:
			if len(sent) > 0 {
				s.Receives(sent[0], Monday.AddDate(0, 0, rng.IntN(5)))
			}
		case 6:
			s.Write(by, after, event.NoteBody{Text: "between us"})
		case 7:
			s.Write(by, after, event.OwnerBody{Who: by.ID, Over: last(event.Owner)})
		case 8:
			s.Write(by, after, event.CompletedBody{Covers: IDs(sent...), Closing: "All done."})
		case 9:
			if done := pick(event.Completed); len(done) > 0 {
				s.Write(by, after, event.ReopenedBody{Undoes: IDs(done...)})
			}
		case 10:
			if len(sent) > 0 {
				s.Write(Maria, after, event.SeenBody{Message: sent[0].ID})
			}
			s.Write(by, after, event.FlagBody{On: rng.IntN(2) == 0, Over: last(event.Flag)})
		}
	}
	return s
}

// TestRebuildIsIncremental: random histories of several threads, taken in at random order in batches of any size with
// duplicates, give the same tables as folding everything anew, and as any other order.
func TestRebuildIsIncremental(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		var all []*event.Event
		var stories []*Story
		for i := range 4 {
			s := history(t, rng, 10+rng.IntN(40))
			if i > 0 { // a member and somebody of the care team name another's conversation, and what follows it up
				for _, part := range []care.EventID{stories[i-1].Thread, event.FollowUpID(stories[i-1].Thread, nil)} {
					s.Part = part
					for _, by := range []Someone{Maria, Rosa} {
						s.Write(by, nil, event.SentBody{Text: "astray"})
						s.Write(by, nil, event.SentBody{Text: "astray again"})
					}
				}
			}
			stories, all = append(stories, s), append(all, s.All...)
		}
		var first string
		for order := range 3 {
			r := NewReplica(t, nil)
			mixed := append(slices.Clone(all), all[:len(all)/3]...)
			rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			for len(mixed) > 0 {
				n := min(len(mixed), 1+rng.IntN(30))
				r.Takes([]care.MailboxID{LeeBox, MariaBox}[rng.IntN(2)], mixed[:n]...)
				mixed = mixed[n:]
			}
			incremental := dump(t, r)
			if err := r.Projection.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			if rebuilt := dump(t, r); rebuilt != incremental {
				t.Fatalf("seed %d, order %d: rebuilding gives other tables:\n%s", seed, order, difference(incremental, rebuilt))
			}
			if first == "" {
				first = incremental
			}
			if incremental != first {
				t.Fatalf("seed %d, order %d: another order gives other tables:\n%s", seed, order, difference(first, incremental))
			}
			r.Read(func(ctx context.Context, tx *sql.Tx) error {
				for _, s := range stories {
					if got, err := r.Projection.ThreadOf(ctx, tx, s.Thread); err != nil || got != s.Thread {
						t.Fatalf("seed %d: the thread of %s is %s, %v", seed, s.Thread, got, err)
					}
				}
				return nil
			})
		}
		if !strings.Contains(first, "word muller in") || !strings.Contains(first, "kind=\"note\"") {
			t.Fatal("the history says too little")
		}
	}
}

func difference(a, b string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(la), len(lb)) {
		if la[i] != lb[i] {
			return la[i] + "\n" + lb[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(la), len(lb))
}

// TestJudgedAgain: the directory changes who may do what; folding anew shows it, and what is found by name follows a
// name that changes.
func TestJudgedAgain(t *testing.T) {
	r := NewReplica(t, nil)
	s := NewStory(t, Maria, "A rash", Monday)
	s.Says(Maria, "It itches.")
	s.Says(Rosa, "Use the cream.")
	s.Write(Rosa, nil, event.NoteBody{Text: "Called her."})
	r.Takes(LeeBox, s.All...)
	before := dump(t, r)
	if !strings.Contains(before, "word cream") || !strings.Contains(before, "word vega") || !strings.Contains(before, "state=\"replied\"") {
		t.Fatal(before)
	}
	known := r.Clinic.Known[Rosa.Key]
	r.Clinic.Known[Rosa.Key] = fold.Standing{Verdict: fold.Refused, Reason: "revoked"}
	patient := r.Clinic.Roster[MariaPt]
	patient.Name = "Marisol Ortega"
	r.Clinic.Roster[MariaPt] = patient
	if err := r.Projection.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := dump(t, r)
	for word, want := range map[string]bool{"word cream": false, "word called": false, "word vega": false, "word ortega": true, "word itches": true, "state=\"handed\"": true} {
		if strings.Contains(after, word) != want {
			t.Errorf("%s: %v\n%s", word, !want, after)
		}
	}
	// The same by refolding just that thread.
	r.Clinic.Known[Rosa.Key] = known
	patient.Name = Maria.Name
	r.Clinic.Roster[MariaPt] = patient
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return r.Projection.Refold(ctx, tx, []care.ThreadID{s.Thread})
	})
	if got := dump(t, r); got != before {
		t.Fatal(difference(before, got))
	}
}

// TestRenew: of what is known anew only what it concerns is folded again, some conversations at a time, between which
// others write; and what a crash leaves is folded before anything is read.
func TestRenew(t *testing.T) {
	r := NewReplica(t, nil)
	if _, err := r.Projection.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []*event.Event
	for i := range 250 {
		s := NewStory(t, Maria, care.Text(fmt.Sprint("A rash ", i)), Monday)
		s.Says(Maria, "It itches.")
		all = append(all, s.All...)
	}
	r.Takes(LeeBox, all...)
	other := NewStoryAt(t, Juan, Juan, Raman, RamanBox, "Flu shot", Monday)
	other.Write(Stranger, nil, event.SentBody{Text: "Who am I?"})
	taken := r.Entries(RamanBox, other.All...)
	for i := range taken {
		taken[i].Verdict = fold.Accepted // its bytes are its author's, who may not write yet
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := r.Journal.Append(ctx, tx, taken...)
		return err
	})
	outdate := func(o projection.Outdated) {
		t.Helper()
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Projection.Outdate(ctx, tx, o) })
	}
	renews := func(o projection.Outdated) (times, n int) {
		t.Helper()
		outdate(o)
		if err := r.Projection.Renew(t.Context(), func(threads []care.ThreadID) {
			times, n = times+1, n+len(threads)
			r.Write(func(context.Context, *sql.Tx) error { return nil }) // whoever writes has their turn
		}); err != nil {
			t.Fatal(err)
		}
		return times, n
	}
	for _, c := range []struct {
		what     string
		o        projection.Outdated
		times, n int
	}{
		{"nothing", projection.Outdated{}, 0, 0},
		{"a patient", projection.Outdated{Patients: []care.PatientID{JuanPt}}, 1, 1},
		{"an office", projection.Outdated{Offices: []care.OfficeID{Lee, Brandt}}, 3, 250},
		{"what waits", projection.Outdated{Waiting: true}, 1, 1},
		{"everything", projection.Outdated{All: true, Waiting: true}, 3, 251},
	} {
		if times, n := renews(c.o); times != c.times || n != c.n {
			t.Errorf("%s: %d conversations at %d times", c.what, n, times)
		}
	}

	patient := r.Clinic.Roster[MariaPt]
	patient.Name = "Marisol Ortega"
	r.Clinic.Roster[MariaPt] = patient
	r.Clinic.Known[Stranger.Key] = r.Clinic.Known[Rosa.Key]
	outdate(projection.Outdated{Waiting: true, Patients: []care.PatientID{MariaPt}})
	ctx, crash := context.WithCancel(t.Context())
	if err := r.Projection.Renew(ctx, func([]care.ThreadID) { crash() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if half := dump(t, r); !strings.Contains(half, "word ortega") || !strings.Contains(half, "word vega") {
		t.Fatal("it did not end between two")
	}
	r.Crash()
	if rebuilt, err := r.Projection.Ready(t.Context()); err != nil || rebuilt {
		t.Fatalf("folded everything: %v, %v", rebuilt, err)
	}
	got := dump(t, r)
	if strings.Contains(got, "word vega") || !strings.Contains(got, `text="Who am I?"`) {
		t.Error("what was left is not folded again")
	}
	if err := r.Projection.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := dump(t, r); got != want {
		t.Fatal(difference(got, want))
	}
}

// TestNewerIsFlagged: the care team sees where a member's newer program wrote what must be understood, and can go on.
func TestNewerIsFlagged(t *testing.T) {
	r := NewReplica(t, nil)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	raw := strings.Replace(string(m.Raw), `"kind":"message.sent"`, `"kind":"message.recalled","crit":true`, 1)
	newer, err := event.Decode([]byte(raw))
	if err != nil || newer.Known() {
		t.Fatal(err)
	}
	r.Takes(LeeBox, append(s.All, newer)...)
	if got := dump(t, r); !strings.Contains(got, `flags="A newer Postern wrote part of this"`) || !strings.Contains(got, `\"ReadOnly\":false`) {
		t.Fatal(got)
	}
}

// TestWithdrawnLeavesNothing: a thread without events leaves no rows.
func TestWithdrawnLeavesNothing(t *testing.T) {
	r := NewReplica(t, nil)
	empty := dump(t, r)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	r.Takes("", s.All...)
	for _, e := range []*event.Event{m, s.All[0]} {
		r.Write(func(ctx context.Context, tx *sql.Tx) error { return r.Journal.Withdraw(ctx, tx, e.ID) })
	}
	if got := dump(t, r); got != empty {
		t.Fatal(got)
	}
}

// TestReady: tables of another version, or none, are made anew before they are read; others are left alone.
func TestReady(t *testing.T) {
	r := NewReplica(t, nil)
	s := NewStory(t, Maria, "A rash", Monday)
	s.Says(Maria, "It itches.")
	ready := func(want bool) {
		t.Helper()
		if got, err := r.Projection.Ready(t.Context()); err != nil || got != want {
			t.Fatalf("rebuilt: %v, %v", got, err)
		}
	}
	ready(true)
	r.Takes(LeeBox, s.All...)
	want := dump(t, r)
	ready(false)
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for _, q := range []string{"UPDATE projection SET version = 0", "UPDATE part SET subject = 'old'", "DELETE FROM item"} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	ready(true)
	ready(false)
	if got := dump(t, r); got != want {
		t.Fatal(difference(want, got))
	}
}

// TestThreadOf: a part belongs to the thread whose own it is, whoever else names its id. While that is not here, it is of
// whoever names it.
func TestThreadOf(t *testing.T) {
	r := NewReplica(t, nil)
	of := func(part, want care.EventID) {
		t.Helper()
		r.Read(func(ctx context.Context, tx *sql.Tx) error {
			if got, err := r.Projection.ThreadOf(ctx, tx, part); err != nil || got != want {
				t.Errorf("the thread of %s: %s, %v", part, got, err)
			}
			return nil
		})
	}
	s, late := NewStory(t, Maria, "A rash", Monday), NewStory(t, Maria, "Late", Monday)
	m := s.Says(Maria, "It itches.")
	s.Completes(Rosa, "Use the cream.", m)
	s.Write(Maria, []*event.Event{m}, event.SentBody{Text: "And now my arm."}) // it crossed
	followUp := event.FollowUpID(s.Thread, nil)
	r.Takes(LeeBox, s.All...)
	of(s.Thread, s.Thread)
	of(followUp, s.Thread)
	var last *Story
	for i := range 4 { // of four ids some are smaller and some greater
		last = NewStory(t, Juan, care.Text(fmt.Sprint("Flu shot ", i)), Monday)
		for _, last.Part = range []care.EventID{s.Thread, followUp} {
			last.Write(Rosa, nil, event.SentBody{Text: "astray"})
		}
		r.Takes(LeeBox, last.All...)
	}
	last.Part = late.Thread
	last.Write(Rosa, nil, event.SentBody{Text: "astray"})
	r.Takes(LeeBox, last.All...)
	of(s.Thread, s.Thread)
	of(followUp, s.Thread)
	of(late.Thread, last.Thread)
	r.Takes(LeeBox, late.All...)
	of(late.Thread, late.Thread)
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := r.Projection.ThreadOf(ctx, tx, m.ID); care.KindOf(err) != care.NotFound {
			t.Error(err)
		}
		return nil
	})
}
