package ordinary_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

var monday = recordtest.Monday

func write(t *testing.T, r *recordtest.Replica, do func(ctx context.Context, tx *sql.Tx) error) {
	t.Helper()
	r.Write(do)
}

// In a copy from a backup nothing goes out that waited in it; that it was sent counts all the same.
func TestAbandon(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := m.Add(ctx, tx, ordinary.Out{Key: care.EventID{1}, Address: "maria@example.org", Mail: []byte("mail"), Added: monday}); err != nil {
			return err
		}
		if err := m.Abandon(ctx, tx); err != nil {
			return err
		}
		if due, err := m.Due(ctx, tx, monday, 10); err != nil || len(due) != 0 {
			t.Errorf("%+v, %v", due, err)
		}
		if n, err := m.Sent(ctx, tx, "maria@example.org", monday, monday); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

// A mail about several conversations carries a notice of each, also when it has gone out.
func TestAbout(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	one, two, three := care.EventID{1}, care.EventID{2}, care.EventID{3}
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := m.Add(ctx, tx, ordinary.Out{Key: one, Address: "maria@example.org", Mail: []byte("mail"), About: []care.EventID{two, three}, Added: monday}); err != nil {
			return err
		}
		if err := m.Over(ctx, tx, one); err != nil {
			return err
		}
		for key, want := range map[care.EventID][]care.EventID{one: {one, two, three}, two: {two}} {
			if got, err := m.About(ctx, tx, key); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v", got, err)
			}
		}
		return nil
	})
}

// A mail goes out until it is over, and under its key once; that it was sent is counted, and what it said is gone.
func TestOut(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	key := care.EventID{1}
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		for i, want := range []bool{true, false} {
			if added, err := m.Add(ctx, tx, ordinary.Out{Key: key, Address: "maria@example.org", Mail: []byte("mail"), Added: monday}); err != nil || added != want {
				t.Errorf("time %d: added %v, %v", i, added, err)
			}
		}
		due, err := m.Due(ctx, tx, monday, 10)
		if err != nil || len(due) != 1 || string(due[0].Mail) != "mail" || due[0].Address != "maria@example.org" || !due[0].Added.Equal(monday) {
			t.Errorf("%+v, %v", due, err)
		}
		if err := m.Later(ctx, tx, key, monday.Add(time.Hour)); err != nil {
			return err
		}
		if due, err := m.Due(ctx, tx, monday, 10); err != nil || len(due) != 0 {
			t.Errorf("%+v, %v", due, err)
		}
		if next, err := m.Next(ctx, tx); err != nil || !next.Equal(monday.Add(time.Hour)) {
			t.Errorf("next %v, %v", next, err)
		}
		if due, err := m.Due(ctx, tx, monday.Add(time.Hour), 10); err != nil || len(due) != 1 || due[0].Tries != 1 {
			t.Errorf("%+v, %v", due, err)
		}
		if err := m.Over(ctx, tx, key); err != nil {
			return err
		}
		if next, err := m.Next(ctx, tx); err != nil || !next.IsZero() {
			t.Errorf("next %v, %v", next, err)
		}
		if added, err := m.Add(ctx, tx, ordinary.Out{Key: key, Address: "maria@example.org", Mail: []byte("mail"), Added: monday}); err != nil || added {
			t.Errorf("sent again: %v, %v", added, err)
		}
		if n, err := m.Sent(ctx, tx, "maria@example.org", monday, monday); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := m.Sent(ctx, tx, "maria@example.org", monday.Add(time.Millisecond), monday); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
		if err := m.Forget(ctx, tx, monday.Add(time.Hour)); err != nil {
			return err
		}
		n, err := m.Sent(ctx, tx, "maria@example.org", monday, monday)
		if n != 0 {
			t.Errorf("%d are remembered", n)
		}
		return err
	})
}

// A letter is known by its place and by its bytes.
func TestIn(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		in := ordinary.In{Login: "care", Folder: "INBOX", Validity: 7, UID: 12, Mail: care.EventID{3}, Became: "reply", At: monday}
		for range 2 {
			if err := m.Took(ctx, tx, in); err != nil {
				return err
			}
		}
		known, err := m.Known(ctx, tx, "care", "INBOX", 7, 12)
		if err != nil || len(known) != 1 || !known[12] {
			t.Errorf("%v, %v", known, err)
		}
		for _, other := range [][2]uint32{{8, 1}, {7, 13}} { // another mailbox; the letters after it
			if known, err := m.Known(ctx, tx, "care", "INBOX", other[0], other[1]); err != nil || len(known) != 0 {
				t.Errorf("%v: %v, %v", other, known, err)
			}
		}
		for mail, want := range map[care.EventID]bool{{3}: true, {4}: false} {
			if had, err := m.Had(ctx, tx, mail); err != nil || had != want {
				t.Errorf("%v: %v, %v", mail, had, err)
			}
		}
		return nil
	})
}

// What was done with a mail is remembered while its folder lists it, and a month after: through a folder that begins anew, however old the
// mail was then, and through one that does not list it for a while.
func TestForgetsWhatIsGone(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	month := 30 * 24 * time.Hour
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		for uid := range uint32(3) {
			if err := m.Took(ctx, tx, ordinary.In{Login: "care", Folder: "INBOX", Validity: 7, UID: uid + 1, Mail: care.EventID{byte(uid + 1)}, Became: "reply", At: monday}); err != nil {
				return err
			}
		}
		if err := m.Took(ctx, tx, ordinary.In{Login: "care", Folder: "Junk", Validity: 7, UID: 9, Mail: care.EventID{9}, Became: "nothing", At: monday}); err != nil {
			return err
		}
		knows := func(now time.Time, want ...byte) {
			t.Helper()
			for id := range byte(10) {
				if had, err := m.Had(ctx, tx, care.EventID{id}); err != nil || had != slices.Contains(want, id) {
					t.Errorf("%v: mail %d: %v, %v", now.Sub(monday), id, had, err)
				}
			}
		}
		lists := func(after time.Duration, validity uint32, uids ...uint32) time.Time {
			t.Helper()
			now := monday.Add(after)
			if err := m.Listed(ctx, tx, "care", "INBOX", validity, uids, now, now.Add(-month)); err != nil {
				t.Fatal(err)
			}
			return now
		}
		knows(lists(12*month, 7, 1, 2, 3), 1, 2, 3, 9)
		knows(lists(12*month+time.Hour, 7, 1, 2), 1, 2, 3, 9)
		knows(lists(13*month, 7, 1, 2, 3), 1, 2, 3, 9) // it is back
		knows(lists(15*month, 7, 1, 2), 1, 2, 3, 9)
		knows(lists(17*month, 7, 1, 2), 1, 2, 9)
		knows(lists(18*month, 8, 1, 2), 1, 2, 9) // the folder begins anew, and all is looked at again
		if err := m.Took(ctx, tx, ordinary.In{Login: "care", Folder: "INBOX", Validity: 8, UID: 1, Mail: care.EventID{2}, Became: "again", At: monday.Add(18 * month)}); err != nil {
			return err
		}
		knows(lists(20*month, 8, 1), 2, 9)
		if known, err := m.Known(ctx, tx, "care", "INBOX", 7, 1); err != nil || len(known) != 0 {
			t.Errorf("of the folder as it was: %v, %v", known, err)
		}
		return nil
	})
}

// What comes back names a mail by what the mail system was given, over or not; one without a name is never meant.
func TestNamed(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		for i, name := range []string{"", "one", "two"} {
			if _, err := m.Add(ctx, tx, ordinary.Out{Key: care.EventID{byte(i + 1)}, Address: "maria@example.org", Mail: []byte("mail"), Name: name, Added: monday}); err != nil {
				return err
			}
		}
		if due, err := m.Due(ctx, tx, monday, 10); err != nil || len(due) != 3 || due[1].Name != "one" {
			t.Errorf("%+v, %v", due, err)
		}
		if err := m.Over(ctx, tx, care.EventID{2}); err != nil {
			return err
		}
		if keys, err := m.Named(ctx, tx, "three", "two", "", "one"); err != nil || !slices.Equal(keys, []care.EventID{{3}, {2}}) {
			t.Errorf("%v, %v", keys, err)
		}
		return nil
	})
}

// What went out from another computer does not go out from this one, be it added before or after; and one may be put down for later.
func TestElsewhere(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	before, after := care.EventID{1}, care.EventID{2}
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		add := func(key care.EventID) error {
			_, err := m.Add(ctx, tx, ordinary.Out{Key: key, Address: "maria@example.org", Mail: []byte("mail"), Added: monday, Next: monday.Add(time.Hour)})
			return err
		}
		if err := add(before); err != nil {
			return err
		}
		if due, err := m.Due(ctx, tx, monday.Add(time.Hour-time.Millisecond), 10); err != nil || len(due) != 0 {
			t.Errorf("too early: %+v, %v", due, err)
		}
		if due, err := m.Due(ctx, tx, monday.Add(time.Hour), 10); err != nil || len(due) != 1 {
			t.Errorf("in an hour: %+v, %v", due, err)
		}
		for _, key := range []care.EventID{before, after} {
			if went, err := m.Went(ctx, tx, key); err != nil || went {
				t.Errorf("%v went: %v, %v", key, went, err)
			}
			if err := m.Elsewhere(ctx, tx, key, monday); err != nil {
				return err
			}
			if went, err := m.Went(ctx, tx, key); err != nil || !went {
				t.Errorf("%v went: %v, %v", key, went, err)
			}
		}
		if err := add(after); err != nil {
			return err
		}
		if due, err := m.Due(ctx, tx, monday.Add(time.Hour), 10); err != nil || len(due) != 0 {
			t.Errorf("%+v, %v", due, err)
		}
		n, err := m.Sent(ctx, tx, "maria@example.org", monday, monday)
		if n != 1 { // that which was added here
			t.Errorf("%d are counted", n)
		}
		return err
	})
}

// A mail that rests has not failed, and counts as late only once its time has come.
func TestWaiting(t *testing.T) {
	r := recordtest.NewReplica(t, nil)
	m := ordinary.New(r.DB)
	waits := func(ctx context.Context, tx *sql.Tx, now time.Time, oldest time.Time) {
		t.Helper()
		if n, at, err := m.Waiting(ctx, tx, now); err != nil || n != 1 || !at.Equal(oldest) {
			t.Errorf("at %v: %d, the oldest of %v, %v", now, n, at, err)
		}
	}
	write(t, r, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := m.Add(ctx, tx, ordinary.Out{Key: care.EventID{1}, Address: "maria@example.org", Mail: []byte("mail"), Added: monday}); err != nil {
			return err
		}
		waits(ctx, tx, monday, monday)
		if err := m.Rest(ctx, tx, care.EventID{1}, monday.Add(time.Hour)); err != nil {
			return err
		}
		waits(ctx, tx, monday.Add(time.Minute), time.Time{})
		waits(ctx, tx, monday.Add(time.Hour), monday)
		if due, err := m.Due(ctx, tx, monday.Add(time.Hour), 1); err != nil || len(due) != 1 || due[0].Tries != 0 {
			t.Errorf("%+v, %v", due, err)
		}
		err := m.Later(ctx, tx, care.EventID{1}, monday.Add(2*time.Hour))
		waits(ctx, tx, monday.Add(time.Hour), monday)
		return err
	})
}
