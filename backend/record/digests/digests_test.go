package digests_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/digests"
	. "postern/backend/record/recordtest"
)

const box = care.MailboxID("mb_practiceaaaaaaaa")

// noon is midday of a day of November in the practice's zone.
func noon(day int) time.Time { return time.Date(2026, time.November, day, 12, 0, 0, 0, time.UTC) }

func date(day int) string { return noon(day).Format(time.DateOnly) }

func hash(of string) string {
	var id care.EventID
	copy(id[:], of)
	return id.String()
}

func written(t testing.TB, who Someone, day int, body any) *event.Event {
	t.Helper()
	e := event.Event{Practice: Practice, Kind: event.Note, Author: who.Key, As: who.ID, At: noon(day), To: []care.MailboxID{box}, Body: body}
	switch body.(type) {
	case event.DigestBody:
		e.Kind = event.Digest
	default:
		e.Thread, e.For = care.ThreadID{1}, MariaPt
	}
	raw, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	read, err := event.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// device is a computer in a test: its next digest follows the last one, unless it is put back to an older state.
type device struct {
	t    testing.TB
	who  Someone
	last int64
	head string
	over care.EventID
	all  []*event.Event
}

// tells makes the digest of a day on which so many rows were added. change makes it wrong.
func (d *device) tells(day int, rows int64, change ...func(*event.DigestBody)) *event.Event {
	d.t.Helper()
	b := event.DigestBody{Day: date(day), First: d.last + 1, Last: d.last + rows, Before: d.head, Head: hash(fmt.Sprint(d.who.ID, d.last+rows, day)), Over: d.over}
	if rows > 0 {
		b.Counts = map[string]int{"view": int(rows)}
	} else {
		b.Head = d.head
	}
	for _, c := range change {
		c(&b)
	}
	e := written(d.t, d.who, day, b)
	d.last, d.head, d.over = b.Last, b.Head, e.ID
	d.all = append(d.all, e)
	return e
}

// signs makes an event of the device's owner.
func (d *device) signs(day int) *event.Event {
	e := written(d.t, d.who, day, event.NoteBody{Text: "Called."})
	d.all = append(d.all, e)
	return e
}

func devices(all ...Someone) (out []digests.Device) {
	for _, who := range all {
		out = append(out, digests.Device{Key: who.Key, Person: who.ID, Since: noon(1)})
	}
	return out
}

// judged keeps events in a table, in the order given, and judges what is there.
func judged(t testing.TB, events []*event.Event, today int, known ...digests.Device) []digests.Standing {
	t.Helper()
	r := NewReplica(t, nil)
	d := digests.New(nil, func() *time.Location { return time.UTC })
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for _, e := range events {
			if err := d.Take(ctx, tx, digests.Kept{Event: e, Arrived: e.At}); err != nil {
				return err
			}
		}
		return nil
	})
	var out []digests.Standing
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		all, err := d.All(ctx, tx)
		if err != nil {
			return err
		}
		active, err := d.ActiveDays(ctx, tx)
		out = digests.Judge(all, active, known, date(today), d.Day)
		return err
	})
	return out
}

// found says a device's findings in words, newest first.
func found(s digests.Standing) string {
	var all []string
	for _, f := range s.Findings {
		w := string(f.Kind) + " " + f.Day[8:]
		if f.No > 0 {
			w += fmt.Sprint(" row ", f.No)
		}
		if len(f.Days) > 1 {
			w += fmt.Sprint(" of ", len(f.Days))
		}
		all = append(all, w)
	}
	return strings.Join(all, ", ")
}

func TestWhatIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		story func(d *device)
		want  string
		late  bool
	}{
		"whole":      {func(d *device) { d.tells(2, 9); d.signs(2); d.tells(3, 0); d.tells(6, 4) }, "", false},
		"not in use": {func(d *device) { d.tells(2, 9); d.tells(20, 4) }, "", false},
		"nothing":    {func(d *device) {}, "", false},
		"today":      {func(d *device) { d.tells(24, 9); d.signs(25) }, "", false},
		"never":      {func(d *device) { d.signs(2); d.signs(3) }, "never 03 of 2", true},
		"no more":    {func(d *device) { d.tells(2, 9); d.signs(3); d.signs(5) }, "missing 05 of 2", true},
		"a gap":      {func(d *device) { d.tells(2, 9); d.signs(3); d.tells(4, 1); d.signs(5); d.tells(6, 1) }, "missing 05, missing 03", false},
		"before it":  {func(d *device) { d.signs(1); d.tells(2, 9) }, "", false},
		"says so":    {func(d *device) { d.tells(2, 9); d.tells(3, 1, breaks(4)); d.tells(4, 1, breaks(4)) }, "broken 03 row 4", false},
		"lost":       {func(d *device) { d.tells(2, 9); d.tells(3, 1); d.tells(4, 1); d.all = slices.Delete(d.all, 1, 2) }, "lost 04", false},
		"first lost": {func(d *device) { d.tells(2, 9); d.tells(3, 1); d.all = d.all[1:] }, "lost 03", false},
		"cut":        {func(d *device) { d.tells(2, 9); d.tells(3, 1, func(b *event.DigestBody) { b.Before = "" }, breaks(7)) }, "cut 03, broken 03 row 7", false},
		"others":     {func(d *device) { d.tells(2, 9); d.tells(3, 1, func(b *event.DigestBody) { b.Before = hash("other") }) }, "cut 03", false},
		"skips rows": {func(d *device) { d.tells(2, 9); d.tells(3, 1, func(b *event.DigestBody) { b.First++; b.Last++ }) }, "cut 03", false},
		"older copy": {func(d *device) {
			d.tells(2, 9)
			old := *d
			d.tells(3, 5)
			d.tells(4, 5)
			back(d, old)
			d.tells(5, 2)
			d.tells(6, 2)
		}, "putback 05", false},
		"same day": {func(d *device) { d.tells(2, 9); old := *d; d.tells(3, 5); back(d, old); d.tells(3, 2) }, "putback 03", false},
		"begins anew": {func(d *device) {
			d.tells(2, 9)
			d.tells(3, 9)
			back(d, device{t: d.t, who: d.who})
			d.tells(5, 1)
			d.tells(6, 2)
		}, "anew 05", false},
		"begins amiss": {func(d *device) { d.last, d.head = 7, hash("7"); d.tells(2, 9) }, "cut 02", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := &device{t: t, who: Rosa}
			c.story(d)
			s := judged(t, d.all, 25, devices(Rosa)...)[0]
			if got := found(s); got != c.want || s.Late() != c.late {
				t.Errorf("found %q, late %v", got, s.Late())
			}
		})
	}
}

func breaks(no int64) func(*event.DigestBody) {
	return func(b *event.DigestBody) { b.Broken = no }
}

// back puts a device's record back to an older state; what it has sent stays sent.
func back(d *device, to device) { d.last, d.head, d.over = to.last, to.head, to.over }

// TestInWhateverOrder takes the digests of two computers in many orders, some of them twice, and finds the same.
func TestInWhateverOrder(t *testing.T) {
	rosa, sam := &device{t: t, who: Rosa}, &device{t: t, who: Sam}
	rosa.tells(2, 9)
	old := *rosa
	rosa.tells(3, 5, breaks(2))
	rosa.signs(4)
	back(rosa, old)
	rosa.tells(5, 2)
	rosa.tells(6, 0)
	sam.tells(2, 3)
	sam.tells(3, 1)
	sam.tells(4, 1)
	sam.signs(7)
	events := append(slices.Delete(slices.Clone(sam.all), 1, 2), rosa.all...)
	want := judged(t, events, 25, devices(Rosa, Sam, DrLee)...)
	if got := found(want[0]) + "; " + found(want[1]) + "; " + found(want[2]); got != "putback 05, missing 04, broken 03 row 2; missing 07, lost 04; " {
		t.Fatalf("found %q", got)
	}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 0))
		order := slices.Clone(events)
		for range 4 {
			order = append(order, events[random.IntN(len(events))])
		}
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		if got := judged(t, order, 25, devices(Rosa, Sam, DrLee)...); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}

// TestWithdrawn: what a withdrawn computer sends afterwards does not count, and nothing of it is missed.
func TestWithdrawn(t *testing.T) {
	d := &device{t: t, who: Rosa}
	d.tells(2, 9)
	d.signs(3)
	d.tells(6, 1, func(b *event.DigestBody) { b.Before = "" })
	d.signs(7)
	known := devices(Rosa)
	known[0].Withdrawn = noon(5)
	s := judged(t, d.all, 25, known...)[0]
	if got := found(s); got != "missing 03" || s.Digests != 1 || s.Newest.Day != date(2) {
		t.Errorf("found %q of %+v", got, s)
	}
}

// TestNewest is what the next digest follows.
func TestNewest(t *testing.T) {
	r := NewReplica(t, nil)
	keeper := digests.New(nil, func() *time.Location { return time.UTC })
	d := &device{t: t, who: Rosa}
	newest := d.tells(2, 9)
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		if empty, err := keeper.Empty(ctx, tx); err != nil || !empty {
			t.Errorf("empty %v: %v", empty, err)
		}
		for _, e := range []*event.Event{newest, d.tells(3, 0), newest} {
			if err := keeper.Take(ctx, tx, digests.Kept{Event: e, Arrived: e.At.Add(time.Minute)}); err != nil {
				return err
			}
		}
		return nil
	})
	r.Crash()
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		got, ok, err := keeper.Newest(ctx, tx, Rosa.Key)
		want := digests.Digest{Event: d.over, Device: Rosa.Key, Person: Rosa.ID, At: noon(3), Arrived: noon(3).Add(time.Minute), DigestBody: d.all[1].Body.(event.DigestBody)}
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, %v, want %+v", got, ok, err, want)
		}
		if _, ok, err := keeper.Newest(ctx, tx, Sam.Key); ok || err != nil {
			t.Errorf("of another: %v, %v", ok, err)
		}
		if empty, err := keeper.Empty(ctx, tx); err != nil || empty {
			t.Errorf("empty %v: %v", empty, err)
		}
		return nil
	})
}
