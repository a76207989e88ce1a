package journal_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
	. "postern/backend/record/recordtest"
)

// recorder is a projector that notes what it was told.
type recorder struct{ folded [][]care.ThreadID }

func (r *recorder) From(func(context.Context, *sql.Tx, []care.ThreadID) (map[care.ThreadID][]*event.Event, error), func(context.Context, *sql.Tx) ([]care.ThreadID, error)) {
}

func (r *recorder) Refold(_ context.Context, _ *sql.Tx, threads []care.ThreadID) error {
	r.folded = append(r.folded, slices.Clone(threads))
	return nil
}

func (r *recorder) took() [][]care.ThreadID {
	defer func() { r.folded = nil }()
	return r.folded
}

// fixture is a journal with a recorder in a replica's file.
func fixture(t *testing.T) (*Replica, *journal.Journal, *recorder) {
	r, p := NewReplica(t, nil), &recorder{}
	return r, journal.New(r.DB, p), p
}

func appends(t *testing.T, r *Replica, j *journal.Journal, entries ...journal.Entry) (added []care.EventID) {
	t.Helper()
	r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
		added, err = j.Append(ctx, tx, entries...)
		return err
	})
	return added
}

func one(t *testing.T, r *Replica, j *journal.Journal, id care.EventID) (e journal.Entry) {
	t.Helper()
	r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		var ok bool
		if e, ok, err = j.Event(ctx, tx, id); err == nil && !ok {
			t.Fatal("the event is not here")
		}
		return err
	})
	return e
}

func TestAppendOnce(t *testing.T) {
	r, j, p := fixture(t)
	s, other := NewStory(t, Maria, "A rash", Monday), NewStory(t, Juan, "Flu shot", Monday)
	s.Says(Maria, "It itches.")
	all := append(r.Entries(LeeBox, s.All...), r.Entries(LeeBox, other.All...)...)

	if got := appends(t, r, j, all...); len(got) != 3 {
		t.Fatalf("%d added", len(got))
	}
	if got := p.took(); len(got) != 1 || len(got[0]) != 2 {
		t.Fatalf("each thread is to be folded once: %v", got)
	}
	// The same again, in another mailbox, five times over: nothing is new, and each mailbox is known.
	for i := range 5 {
		again := r.Entries([]care.MailboxID{MariaBox, LeeBox}[i%2], s.All...)
		if got := appends(t, r, j, again...); len(got) != 0 || len(p.took()) != 0 {
			t.Fatalf("added %v", got)
		}
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := j.Thread(ctx, tx, s.Thread)
		if err != nil || len(entries) != 2 {
			t.Fatalf("%d entries: %v", len(entries), err)
		}
		for i, e := range entries {
			if !bytes.Equal(e.Raw, s.All[i].Raw) || e.Event.ID != s.All[i].ID || e.Verdict != fold.Accepted {
				t.Fatalf("entry %d came back changed", i)
			}
		}
		for box, want := range map[care.MailboxID]bool{LeeBox: true, MariaBox: true, JuanBox: false} {
			if in, err := j.In(ctx, tx, s.All[1].ID, box); err != nil || in != want {
				t.Errorf("in %s: %v, %v", box, in, err)
			}
		}
		for id, want := range map[care.EventID]bool{s.Thread: true, {1}: false} {
			if has, err := j.Has(ctx, tx, id); err != nil || has != want {
				t.Errorf("has %s: %v, %v", id, has, err)
			}
		}
		threads, err := j.Threads(ctx, tx)
		if err != nil || len(threads) != 2 {
			t.Fatalf("%d threads: %v", len(threads), err)
		}
		return nil
	})
}

// TestWrittenHere: an event of one's own has no mailbox until it is seen in one, and then the time of that copy.
func TestWrittenHere(t *testing.T) {
	r, j, _ := fixture(t)
	s := NewStory(t, Maria, "A rash", Monday)
	here := r.Entries("", s.All...)[0]
	here.Source, here.Arrived = "here", Monday
	appends(t, r, j, here)
	if e := one(t, r, j, s.Thread); e.Mailbox != "" || !e.Arrived.Equal(Monday) {
		t.Fatalf("%q, %v", e.Mailbox, e.Arrived)
	}
	for _, hours := range []int{5, 3, 4} { // the earliest copy counts
		there := r.Entries(LeeBox, s.All...)[0]
		there.Arrived = Monday.Add(time.Duration(hours) * time.Hour)
		appends(t, r, j, there)
	}
	if e := one(t, r, j, s.Thread); e.Mailbox != LeeBox || !e.Arrived.Equal(Monday.Add(3*time.Hour)) {
		t.Fatalf("%q, %v", e.Mailbox, e.Arrived)
	}
}

// unsettled are all entries that wait for a key.
func unsettled(t *testing.T, r *Replica, j *journal.Journal, key care.KeyID) (all []journal.Entry) {
	t.Helper()
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		for behind, more := int64(0), true; more; more = behind > 0 {
			page, next, err := j.Unsettled(ctx, tx, key, behind)
			if err != nil {
				return err
			}
			all, behind = append(all, page...), next
		}
		return nil
	})
	return all
}

func TestSettle(t *testing.T) {
	r, j, p := fixture(t)
	s := NewStory(t, Maria, "A rash", Monday)
	note := s.Write(Stranger, nil, event.NoteBody{Text: "Who am I?"})
	appends(t, r, j, r.Entries(LeeBox, note)...)
	if got := p.took(); len(got) != 0 {
		t.Fatalf("a waiting event was folded: %v", got)
	}
	unsettled := func() []journal.Entry { return unsettled(t, r, j, Stranger.Key) }
	settle := func(e journal.Entry, v fold.Verdict, reason string) {
		e.Verdict, e.Reason = v, reason
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			_, err := j.Settle(ctx, tx, e)
			return err
		})
	}
	waiting := unsettled()
	if len(waiting) != 1 || waiting[0].Reason == "" {
		t.Fatalf("%+v", waiting)
	}
	settle(waiting[0], fold.Waiting, "still unknown")
	if e := one(t, r, j, note.ID); e.Verdict != fold.Waiting || e.Reason != "still unknown" {
		t.Fatalf("%+v", e)
	}
	settle(waiting[0], fold.Accepted, "")
	if e := one(t, r, j, note.ID); e.Verdict != fold.Accepted {
		t.Fatal(e.Verdict)
	}
	if got := p.took(); len(got) != 1 || got[0][0] != s.Thread {
		t.Fatalf("the thread was not folded: %v", got)
	}
	settle(waiting[0], fold.Refused, "too late")
	if e := one(t, r, j, note.ID); e.Verdict != fold.Accepted || len(unsettled()) != 0 {
		t.Fatal("an accepted event was refused")
	}
	refused := s.Write(Stranger, nil, event.NoteBody{Text: "And I?"})
	appends(t, r, j, r.Entries(LeeBox, refused)...)
	settle(unsettled()[0], fold.Refused, "its signature does not hold")
	if e := one(t, r, j, refused.ID); e.Verdict != fold.Refused || e.Reason != "its signature does not hold" || len(unsettled()) != 0 {
		t.Fatalf("%+v", e)
	}
}

// TestTrueSignature: a copy of the bytes with a bad signature that comes first, while the author is unknown, does not
// shadow the true one, in any order of verdicts.
func TestTrueSignature(t *testing.T) {
	bad, good := bytes.Repeat([]byte{1}, 64), bytes.Repeat([]byte{2}, 64)
	for name, order := range map[string][]int{"bad first": {0, 1}, "good first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			r, j, _ := fixture(t)
			s := NewStory(t, Maria, "A rash", Monday)
			note := s.Write(Stranger, nil, event.NoteBody{Text: "It is me."})
			for _, sig := range [][]byte{bad, good, bad} {
				e := r.Entries(LeeBox, note)[0]
				e.Sig = sig
				appends(t, r, j, e)
			}
			r.Write(func(ctx context.Context, tx *sql.Tx) error {
				waiting, _, err := j.Unsettled(ctx, tx, Stranger.Key, 0)
				if err != nil || len(waiting) != 2 {
					t.Fatalf("%d waiting: %v", len(waiting), err)
				}
				for _, i := range order {
					e := waiting[i]
					e.Verdict, e.Reason = fold.Refused, "as judged"
					if bytes.Equal(e.Sig, good) {
						e.Verdict = fold.Accepted
					}
					if _, err := j.Settle(ctx, tx, e); err != nil {
						return err
					}
				}
				return nil
			})
			if e := one(t, r, j, note.ID); e.Verdict != fold.Accepted || !bytes.Equal(e.Sig, good) {
				t.Fatalf("%s with %v", e.Verdict, e.Sig[:1])
			}
		})
	}
	t.Run("accepted on arrival", func(t *testing.T) {
		r, j, p := fixture(t)
		s := NewStory(t, Maria, "A rash", Monday)
		first := r.Entries(LeeBox, s.All...)[0]
		first.Verdict, first.Sig = fold.Waiting, bad
		appends(t, r, j, first)
		second := r.Entries(LeeBox, s.All...)[0]
		second.Sig = good
		if got := appends(t, r, j, second); len(got) != 1 || len(p.took()) != 1 {
			t.Fatal("it does not count")
		}
		if e := one(t, r, j, s.Thread); e.Verdict != fold.Accepted || !bytes.Equal(e.Sig, good) {
			t.Fatal(e.Verdict)
		}
	})
}

// TestUnsettledInPages: what waits is read some at a time, by the key that it waits for, and settling a page folds each of
// its threads once. How much waits is known by mailbox.
func TestUnsettledInPages(t *testing.T) {
	r, j, p := fixture(t)
	s := NewStory(t, Maria, "A rash", Monday)
	var notes []*event.Event
	for i := range 450 {
		notes = append(notes, s.Write(Stranger, nil, event.NoteBody{Text: care.Text(fmt.Sprint(i))}))
	}
	other := s.Write(Someone{Person: Stranger.Person, Key: care.KeyID{7}}, nil, event.NoteBody{Text: "of another key"})
	appends(t, r, j, r.Entries(LeeBox, append(notes, other)...)...)
	var keys []care.KeyID
	r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		if n, size, err := j.Waiting(ctx, tx, LeeBox); err != nil || n != 451 || size < 451*300 || size > 451*1000 {
			t.Errorf("%d events of %d bytes wait: %v", n, size, err)
		}
		if n, size, err := j.Waiting(ctx, tx, MariaBox); err != nil || n != 0 || size != 0 {
			t.Errorf("%d events of %d bytes wait elsewhere: %v", n, size, err)
		}
		keys, err = j.Awaited(ctx, tx)
		return err
	})
	if len(keys) != 2 || !slices.Contains(keys, Stranger.Key) || !slices.Contains(keys, care.KeyID{7}) {
		t.Errorf("awaited: %v", keys)
	}
	pages := 0
	for behind, more := int64(0), true; more; more = behind > 0 {
		var page []journal.Entry
		r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
			if page, behind, err = j.Unsettled(ctx, tx, Stranger.Key, behind); err != nil {
				return err
			}
			for i := range page {
				page[i].Verdict = fold.Accepted
			}
			changed, err := j.Settle(ctx, tx, page...)
			if len(changed) != 1 || changed[0] != s.Thread {
				t.Errorf("changed: %v", changed)
			}
			return err
		})
		if got := p.took(); len(page) > 200 || len(got) != 1 || len(got[0]) != 1 {
			t.Fatalf("a page of %d folded %v", len(page), got)
		}
		pages++
	}
	if pages != 3 || len(unsettled(t, r, j, Stranger.Key)) != 0 || len(unsettled(t, r, j, care.KeyID{7})) != 1 {
		t.Errorf("%d pages", pages)
	}
}

func TestWithdraw(t *testing.T) {
	r, j, p := fixture(t)
	s := NewStory(t, Maria, "A rash", Monday)
	claim := s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID})
	late := s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID, Over: claim.ID})
	appends(t, r, j, append(r.Entries("", claim, late), r.Entries(LeeBox, late)...)...)
	p.took()
	withdraw := func(id care.EventID) error {
		return r.DB.Write(t.Context(), func(tx *sql.Tx) error { return j.Withdraw(t.Context(), tx, id) })
	}
	if err := withdraw(claim.ID); err != nil {
		t.Fatal(err)
	}
	if got := p.took(); len(got) != 1 || got[0][0] != s.Thread {
		t.Fatalf("%v", got)
	}
	if err := withdraw(claim.ID); care.KindOf(err) != care.NotFound {
		t.Fatal(err)
	}
	if err := withdraw(late.ID); care.KindOf(err) != care.Conflict {
		t.Fatal(err)
	}
}

func TestFetched(t *testing.T) {
	r, j, _ := fixture(t)
	mark := func(validity uint32, uids ...uint32) {
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			return j.MarkFetched(ctx, tx, "s", "INBOX", validity, uids)
		})
	}
	fetched := func(validity uint32) (set journal.Set) {
		r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			set, err = j.Fetched(ctx, tx, "s", "INBOX", validity)
			return err
		})
		return set
	}
	const top = 1<<32 - 1
	for _, step := range []struct {
		uids []uint32
		want string
	}{
		{nil, "[]"},
		{[]uint32{100, 99, 98}, "[{98 100}]"},
		{[]uint32{97}, "[{97 100}]"},
		{[]uint32{95, 102}, "[{95 95} {97 100} {102 102}]"},
		{[]uint32{101}, "[{95 95} {97 102}]"},
		{[]uint32{99, 101, 101}, "[{95 95} {97 102}]"},
		{[]uint32{top, top - 1, 1}, "[{1 1} {95 95} {97 102} {4294967294 4294967295}]"},
		{[]uint32{94, 95, 96, 97}, "[{1 1} {94 102} {4294967294 4294967295}]"},
		{[]uint32{2, 3, 50, 93, 103, 104}, "[{1 3} {50 50} {93 104} {4294967294 4294967295}]"},
	} {
		mark(7, step.uids...)
		if got := fmt.Sprint(fetched(7)); got != step.want {
			t.Fatalf("after %v: %s, want %s", step.uids, got, step.want)
		}
	}
	set := fetched(7)
	for uid, want := range map[uint32]bool{0: false, 1: true, 3: true, 4: false, 50: true, 92: false, 93: true, 104: true, 105: false, top: true} {
		if set.Has(uid) != want {
			t.Errorf("has %d: %v", uid, !want)
		}
	}
	if len(fetched(8)) != 0 {
		t.Fatal("a new UIDVALIDITY does not begin with nothing")
	}
}

// TestPutAside: letters that lack something need no fetching until it is here, and only those come back.
func TestPutAside(t *testing.T) {
	r, j, _ := fixture(t)
	fetched := func() (set journal.Set) {
		r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			set, err = j.Fetched(ctx, tx, "s", "INBOX", 7)
			return err
		})
		return set
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for lacks, uids := range map[string][]uint32{"key a": {3, 4, 5, 9}, "author b": {6, 7}, "author c": {8}} {
			if err := j.PutAside(ctx, tx, "s", "INBOX", 7, lacks, uids); err != nil {
				return err
			}
		}
		return j.MarkFetched(ctx, tx, "s", "INBOX", 7, []uint32{1, 2, 11})
	})
	if got := fmt.Sprint(fetched()); got != "[{1 9} {11 11}]" {
		t.Fatal(got)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if lacking, err := j.Lacking(ctx, tx); err != nil || fmt.Sprint(lacking) != "[author b author c key a]" {
			t.Errorf("%v, %v", lacking, err)
		}
		if err := j.Recall(ctx, tx, ""); err != nil { // what is stored is not
			return err
		}
		return j.Recall(ctx, tx, "key a")
	})
	if got := fmt.Sprint(fetched()); got != "[{1 2} {6 8} {11 11}]" {
		t.Fatal(got)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return j.MarkFetched(ctx, tx, "s", "INBOX", 7, []uint32{3, 4, 5})
	})
	if got := fmt.Sprint(fetched()); got != "[{1 8} {11 11}]" {
		t.Fatal(got)
	}
}

// TestFetchedLikeASet compares with a plain set over every order of marking.
func TestFetchedLikeASet(t *testing.T) {
	r, j, _ := fixture(t)
	seed := uint32(1)
	next := func(n uint32) uint32 { seed = seed*1664525 + 1013904223; return seed >> 8 % n }
	plain := map[uint32]bool{}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for range 400 {
			var uids []uint32
			for range 1 + next(6) {
				uid := 1 + next(300)
				uids, plain[uid] = append(uids, uid), true
			}
			if err := j.MarkFetched(ctx, tx, "s", "f", 1, uids); err != nil {
				return err
			}
			set, err := j.Fetched(ctx, tx, "s", "f", 1)
			if err != nil {
				return err
			}
			for uid := uint32(0); uid < 310; uid++ {
				if set.Has(uid) != plain[uid] {
					t.Fatalf("%d: %v; %v", uid, set.Has(uid), set)
				}
			}
			for i := 1; i < len(set); i++ {
				if set[i].First <= set[i-1].Last+1 {
					t.Fatalf("ranges touch: %v", set)
				}
			}
		}
		return nil
	})
}

func TestQuarantine(t *testing.T) {
	r, j, _ := fixture(t)
	q := journal.Quarantined{Mailbox: LeeBox, Source: "s", Folder: "INBOX", UIDValidity: 1, UID: 7, Size: 12, Hash: [32]byte{1}, Reason: "a damaged letter"}
	known := q
	known.UID, known.Body, known.Reason = 8, bytes.Repeat([]byte("x"), 100_000), "a staff-only kind from a member"
	var all []journal.Quarantined
	r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
		for _, one := range []journal.Quarantined{q, q, known, known} {
			if err := j.Quarantine(ctx, tx, one); err != nil {
				return err
			}
		}
		all, err = j.Quarantined(ctx, tx)
		return err
	})
	if len(all) != 2 || all[0].Reason != known.Reason || len(all[0].Body) != 64<<10 || all[1].Body != nil || all[1].Hash != q.Hash {
		t.Fatalf("%d rows", len(all))
	}
}

// TestQuarantineIsBounded floods it: the oldest junk goes, what a certified key wrote stays longest.
func TestQuarantineIsBounded(t *testing.T) {
	r, j, _ := fixture(t)
	var all []journal.Quarantined
	r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
		for uid := uint32(1); uid <= 300; uid++ {
			q := journal.Quarantined{Source: "s", Folder: "INBOX", UID: uid, Reason: "junk"}
			if uid%100 == 1 {
				q.Body = []byte("of a certified key")
			}
			if err := journal.QuarantineMost(ctx, tx, q, 50); err != nil {
				return err
			}
		}
		all, err = j.Quarantined(ctx, tx)
		return err
	})
	var kept []uint32
	for _, q := range all {
		if q.Body != nil {
			kept = append(kept, q.UID)
		}
	}
	if len(all) != 50 || fmt.Sprint(kept) != "[201 101 1]" || all[0].UID != 300 {
		t.Fatalf("%d rows, of certified keys %v, newest %d", len(all), kept, all[0].UID)
	}
}

// TestNewer: an event of a version that is not known here is kept as it is.
func TestNewer(t *testing.T) {
	r, j, _ := fixture(t)
	raw := []byte(`{"v":2,"strange":true}`)
	e, err := event.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	appends(t, r, j, journal.Entry{Event: e, ID: e.ID, Raw: raw, Mailbox: LeeBox, Verdict: fold.Waiting, Reason: "newer"})
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		waiting, _, err := j.Unsettled(ctx, tx, care.KeyID{}, 0)
		if err != nil || len(waiting) != 1 || !bytes.Equal(waiting[0].Raw, raw) || waiting[0].Event.V != 2 {
			t.Fatalf("%+v, %v", waiting, err)
		}
		return nil
	})
}

// TestCrash: what was committed is there after the end of the process, and what was not is not.
func TestCrash(t *testing.T) {
	r := NewReplica(t, nil)
	s := NewStory(t, Maria, "A rash", Monday)
	r.Takes(LeeBox, s.All...)
	lost := s.Says(Maria, "It itches.")
	tx := fmt.Errorf("the process ends here")
	if err := r.DB.Write(t.Context(), func(open *sql.Tx) error {
		if _, err := r.Journal.Append(t.Context(), open, r.Entries(LeeBox, lost)...); err != nil {
			t.Fatal(err)
		}
		return tx
	}); err == nil {
		t.Fatal("it was stored")
	}
	r.Crash()
	if e := one(t, r, r.Journal, s.Thread); e.Event.Kind != event.Opened {
		t.Fatal(e.Event.Kind)
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		if has, err := r.Journal.Has(ctx, tx, lost.ID); err != nil || has {
			t.Fatalf("half a transaction is there: %v", err)
		}
		return nil
	})
}
