package agent

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/care/promise"
	"postern/backend/command"
	"postern/backend/record/recordtest"
)

// office is the agent's computer, with a message of Maria's of Monday, 9:02 am, that is due on Wednesday at the same time.
type office struct {
	*Promises
	t      testing.TB
	r      *recordtest.Replica
	story  *recordtest.Story
	asked  *event.Event
	now    time.Time
	inStep bool
	log    bytes.Buffer
}

func keeps(t testing.TB, who recordtest.Someone) *office {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	o := &office{t: t, r: r, now: recordtest.Monday.Add(time.Hour), inStep: true}
	o.Promises = &Promises{Log: slog.New(slog.NewTextHandler(&o.log, nil)), InStep: func() bool { return o.inStep },
		Desk: &command.Desk{DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
			Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{who.Key},
			Me: who.Person, Now: func() time.Time { return o.now }, Wake: func(command.Change) {}}}
	o.story = recordtest.NewStory(t, recordtest.Maria, "A rash", recordtest.Monday)
	o.asked = o.story.Says(recordtest.Maria, "It itches.")
	o.receives(o.story, o.asked)
	r.Takes(recordtest.LeeBox, o.story.All...)
	o.Begin()
	return o
}

// receives is the receipt that the calendar of now gives a message.
func (o *office) receives(s *recordtest.Story, m *event.Event) {
	due, _, ok := o.r.Clinic.Clock().Due(m.At.Add(time.Second), care.Policy{}.Promise(), recordtest.DrLee.ID)
	if !ok {
		due = time.Time{}
	}
	s.Receives(m, due)
}

func (o *office) looks() {
	o.t.Helper()
	if err := o.Look(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// changes lets the registrar change the calendar; the agent looks.
func (o *office) changes(change func(*care.Calendar)) {
	o.t.Helper()
	c := o.r.Clinic.Calendar
	c.Holidays, c.Absences = append([]care.Holiday(nil), c.Holidays...), append([]care.Absence(nil), c.Absences...)
	change(&c)
	o.r.Clinic.Calendar = c
	o.looks()
}

// says is a message's due time and the reason in force, and how many events moved it.
func (o *office) says(s *recordtest.Story, m *event.Event) string {
	o.t.Helper()
	moves, said := 0, ""
	o.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := o.r.Journal.Thread(ctx, tx, s.Thread)
		for _, e := range entries {
			if e.Event.Kind == event.DueChange {
				moves++
			}
		}
		c := fold.Fold(command.Events(entries), o.r.Clinic)
		for _, p := range c.Parts {
			for _, x := range p.Messages {
				if x.ID == m.ID && x.Receipt != nil {
					due := "never"
					if !x.Receipt.Due.IsZero() {
						due = x.Receipt.Due.In(o.r.Clinic.Clock().Location()).Format("Mon Jan 2 15:04")
					}
					said = fmt.Sprintf("%s, moved %d times: %s", due, moves, x.Receipt.Reason)
				}
			}
		}
		return err
	})
	return said
}

func (o *office) expects(want string) {
	o.t.Helper()
	if got := o.says(o.story, o.asked); got != want {
		o.t.Errorf("due %s\nwant %s", got, want)
	}
}

func closes(date string) func(*care.Calendar) {
	return func(c *care.Calendar) {
		c.Holidays = append(c.Holidays, care.Holiday{Date: date, Name: "Staff training"})
	}
}

func leaves(from, until string, cover care.PersonID) func(*care.Calendar) {
	return func(c *care.Calendar) {
		c.Absences = append(c.Absences, care.Absence{Person: recordtest.DrLee.ID, From: from, Until: until, Cover: cover})
	}
}

// Whatever the registrar changes of the calendar moves the due time of what awaits a reply, once, and says why; changed back,
// it moves back. (Thursday the 26th is Thanksgiving.)
func TestPromisesMove(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*care.Calendar)
		moved  string
	}{
		"nothing":           {func(*care.Calendar) {}, "Wed Nov 25 09:02, moved 0 times: "},
		"a day elsewhere":   {closes("2026-11-27"), "Wed Nov 25 09:02, moved 0 times: "},
		"a holiday":         {closes("2026-11-24"), "Fri Nov 27 09:02, moved 1 times: The clinic is closed on Tuesday, November 24."},
		"an absence":        {leaves("2026-11-24", "2026-11-30", ""), "Wed Dec 2 09:02, moved 1 times: Dr. Ana Lee is out of office from Tuesday, November 24 to Monday, November 30."},
		"one day":           {leaves("2026-11-24", "2026-11-24", ""), "Fri Nov 27 09:02, moved 1 times: Dr. Ana Lee is out of office on Tuesday, November 24."},
		"without end":       {leaves("2026-11-24", "", ""), "never, moved 1 times: Dr. Ana Lee is out of office from Tuesday, November 24 until further notice."},
		"a covered absence": {leaves("2026-11-24", "2026-11-30", recordtest.DrHaddad.ID), "Wed Nov 25 09:02, moved 0 times: "},
		"shorter hours":     {func(c *care.Calendar) { c.Hours = with(c.Hours, "tue", "09:00", "12:00") }, "Wed Nov 25 15:02, moved 1 times: The clinic's hours changed."},
		"longer hours":      {func(c *care.Calendar) { c.Hours = with(c.Hours, "tue", "08:00", "20:00") }, "Tue Nov 24 17:02, moved 1 times: The clinic's hours changed."},
	} {
		t.Run(name, func(t *testing.T) {
			o := keeps(t, recordtest.Agent)
			was := o.r.Clinic.Calendar
			o.looks()
			o.expects("Wed Nov 25 09:02, moved 0 times: ")
			o.changes(c.change)
			for range 2 {
				o.expects(c.moved)
				o.day = "" // as after a restart, or at midnight
				o.looks()
			}
			o.changes(func(c *care.Calendar) { *c = was })
			if got := o.says(o.story, o.asked); !strings.HasPrefix(got, "Wed Nov 25 09:02, ") {
				t.Errorf("changed back: %s", got)
			}
			if log := o.log.String(); strings.Contains(log, "moved") && (!strings.Contains(log, "messages=1") || strings.Contains(log, "Lee") || strings.Contains(log, string(recordtest.MariaPt))) {
				t.Errorf("its log: %s", log)
			}
		})
	}
}

func with(hours map[string][]care.Span, day, from, until string) map[string][]care.Span {
	out := map[string][]care.Span{day: {{From: from, Until: until}}}
	for d, spans := range hours {
		if d != day {
			out[d] = spans
		}
	}
	return out
}

// Another promise and another provider of the office move it as well.
func TestPromisesByPolicyAndProvider(t *testing.T) {
	o := keeps(t, recordtest.Agent)
	o.looks()
	o.r.Clinic.Policy.PromiseHours = 27
	o.looks()
	o.expects("Fri Nov 27 09:02, moved 1 times: The clinic changed how soon it promises a reply.")
	o.r.Clinic.Policy.PromiseHours = 0
	o.looks()
	o.changes(func(c *care.Calendar) {
		c.Absences = append(c.Absences, care.Absence{Person: recordtest.DrRaman.ID, From: "2026-11-24", Until: "2026-11-24"})
	})
	o.expects("Wed Nov 25 09:02, moved 2 times: The clinic changed how soon it promises a reply.")
	lee := o.r.Clinic.List[recordtest.Lee]
	lee.Provider = recordtest.DrRaman.ID
	o.r.Clinic.List[recordtest.Lee] = lee
	o.looks()
	if got := o.says(o.story, o.asked); !strings.HasPrefix(got, "Fri Nov 27 09:02, moved 3 times") {
		t.Errorf("another provider: %s", got)
	}
}

// What was missed stays missed, and nothing is promised for a time that has passed. What had no due time gets one all the same.
func TestPromisesKeepWhatIsMissed(t *testing.T) {
	o := keeps(t, recordtest.Agent)
	o.looks()
	o.now = recordtest.Monday.AddDate(0, 0, 2).Add(time.Hour) // Wednesday, 10 am: it was due at 9:02
	o.changes(leaves("2026-11-23", "2026-12-04", ""))
	o.expects("Wed Nov 25 09:02, moved 0 times: ")

	o = keeps(t, recordtest.Agent)
	o.looks()
	o.changes(leaves("2026-11-23", "2026-11-30", ""))
	o.expects("Wed Dec 2 18:00, moved 1 times: Dr. Ana Lee is out of office from Monday, November 23 to Monday, November 30.")
	o.now = recordtest.Monday.AddDate(0, 0, 4) // Friday: by the calendar without the absence it was due on Wednesday
	o.changes(func(c *care.Calendar) { c.Absences = nil })
	o.expects("Wed Dec 2 18:00, moved 1 times: Dr. Ana Lee is out of office from Monday, November 23 to Monday, November 30.")

	o = keeps(t, recordtest.Agent)
	o.looks()
	o.changes(leaves("2026-11-23", "", ""))
	o.now = recordtest.Monday.AddDate(0, 0, 4)
	o.changes(func(c *care.Calendar) { c.Absences[0].Cover = recordtest.DrHaddad.ID })
	o.expects("Wed Nov 25 09:02, moved 2 times: Dr. Omar Haddad covers for Dr. Ana Lee.")
}

// What is answered, completed or not confirmed yet is not moved.
func TestPromisesLeaveTheRest(t *testing.T) {
	o := keeps(t, recordtest.Agent)
	answered := recordtest.NewStory(t, recordtest.Maria, "Answered", recordtest.Monday)
	first := answered.Says(recordtest.Maria, "Is it there?")
	o.receives(answered, first)
	answered.Says(recordtest.Rosa, "It is.")
	second := answered.Says(recordtest.Maria, "And the other one?")
	o.receives(answered, second)
	closed := recordtest.NewStory(t, recordtest.Juan, "Completed", recordtest.Monday)
	last := closed.Says(recordtest.Juan, "Thank you.")
	o.receives(closed, last)
	closed.Completes(recordtest.Rosa, "Done.", last)
	bare := recordtest.NewStory(t, recordtest.Juan, "Not confirmed", recordtest.Monday)
	only := bare.Says(recordtest.Juan, "Hello.")
	for _, s := range []*recordtest.Story{answered, closed, bare} {
		o.r.Takes(recordtest.LeeBox, s.All...)
	}
	o.looks()
	o.changes(closes("2026-11-24"))
	for got, want := range map[string]string{
		o.says(answered, first):  "Wed Nov 25 09:02, moved 1 times: ",
		o.says(answered, second): "Fri Nov 27 09:05, moved 1 times: The clinic is closed on Tuesday, November 24.",
		o.says(closed, last):     "Wed Nov 25 09:02, moved 0 times: ",
		o.says(bare, only):       "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Only the agent that the directory names moves anything, with everything read that its mailboxes hold, by a calendar that it
// can read. A look that failed is made again after a minute.
func TestPromisesWhoAndWhen(t *testing.T) {
	o := keeps(t, recordtest.Rosa)
	o.changes(closes("2026-11-24"))
	o.expects("Wed Nov 25 09:02, moved 0 times: ")
	if _, err := o.Desk.Postpone(t.Context(), o.story.Thread, command.Promised{}); care.KindOf(err) != care.Forbidden {
		t.Errorf("a nurse moves it: %v", err)
	}
	o.r.Clinic.Known[recordtest.Rosa.Key] = o.r.Clinic.Known[recordtest.Agent.Key] // an agent that is named no more
	o.looks()
	if _, err := o.Desk.Postpone(t.Context(), o.story.Thread, command.Promised{}); care.KindOf(err) != care.Forbidden {
		t.Errorf("another agent moves it: %v", err)
	}

	o = keeps(t, recordtest.Agent)
	o.inStep = false
	o.changes(closes("2026-11-24"))
	o.expects("Wed Nov 25 09:02, moved 0 times: ")
	o.inStep = true
	readable := o.Desk.Clock
	o.Desk.Clock = func() *promise.Clock { return promise.None(care.Calendar{}) }
	o.looks()
	if _, err := o.Desk.Postpone(t.Context(), o.story.Thread, command.Promised{}); care.KindOf(err) != care.Unavailable {
		t.Errorf("moved by no calendar: %v", err)
	}
	o.expects("Wed Nov 25 09:02, moved 0 times: ")
	o.Desk.Clock = readable

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Look(ctx); err == nil {
		t.Fatal("it did not fail")
	}
	o.looks()
	o.expects("Wed Nov 25 09:02, moved 0 times: ")
	o.now = o.now.Add(time.Minute)
	o.looks()
	o.expects("Fri Nov 27 09:02, moved 1 times: The clinic is closed on Tuesday, November 24.")
}

// A receipt of a staff window that had not heard of the holiday is put right when the next day begins at the clinic.
func TestPromisesAtMidnight(t *testing.T) {
	o := keeps(t, recordtest.Agent)
	o.changes(closes("2026-11-24"))
	late := recordtest.NewStory(t, recordtest.Juan, "Late", recordtest.Monday)
	m := late.Says(recordtest.Juan, "Hello.")
	late.Receives(m, m.At.Add(time.Second).AddDate(0, 0, 2))
	o.r.Takes(recordtest.LeeBox, late.All...)
	midnight := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	o.now = midnight.Add(-time.Second)
	o.looks()
	if got := o.says(late, m); got != "Wed Nov 25 09:02, moved 0 times: " {
		t.Errorf("before midnight: %s", got)
	}
	o.now = midnight
	o.looks()
	if got := o.says(late, m); got != "Fri Nov 27 09:02, moved 1 times: The clinic's calendar changed." {
		t.Errorf("at midnight: %s", got)
	}
}

// Two agents that do not know of each other move the same message: it has one due time, and neither moves it again.
func TestPromisesTwice(t *testing.T) {
	one, other := keeps(t, recordtest.Agent), keeps(t, recordtest.Agent)
	other.now = other.now.Add(time.Second) // else their events would be the same bytes
	one.changes(closes("2026-11-24"))
	other.changes(closes("2026-11-24"))
	wrote := func(o *office) (out []*event.Event) {
		o.r.Read(func(ctx context.Context, tx *sql.Tx) error {
			entries, err := o.r.Journal.Thread(ctx, tx, o.story.Thread)
			for _, e := range entries {
				if e.Event.Kind == event.DueChange {
					out = append(out, e.Event)
				}
			}
			return err
		})
		return out
	}
	first, second := wrote(one), wrote(other)
	one.r.Takes(recordtest.LeeBox, second...)
	other.r.Takes(recordtest.LeeBox, first...)
	for _, o := range []*office{one, other} {
		o.day = ""
		o.looks()
		o.expects("Fri Nov 27 09:02, moved 2 times: The clinic is closed on Tuesday, November 24.")
	}
}

// Run looks when it begins and at what changes bring, and ends with its channel.
func TestPromisesRun(t *testing.T) {
	o := keeps(t, recordtest.Agent)
	closes("2026-11-24")(&o.r.Clinic.Calendar)
	changes := make(chan command.Change)
	var run sync.WaitGroup
	run.Go(func() {
		if err := o.Run(t.Context(), changes); err != nil {
			t.Error(err)
		}
	})
	changes <- command.Change{Sync: true} // taken once the first look is over
	close(changes)
	run.Wait()
	o.expects("Fri Nov 27 09:02, moved 1 times: The clinic is closed on Tuesday, November 24.")
}

// BenchmarkPromises is one look at 5,000 conversations that await a reply: with nothing to move, and with all of it.
func BenchmarkPromises(b *testing.B) {
	o := keeps(b, recordtest.Agent)
	open, closed := o.r.Clinic.Clock(), promise.None(care.Calendar{})
	o.Desk.Clock = func() *promise.Clock { // worked out once, as a profile does
		if len(o.r.Clinic.Calendar.Holidays) == 0 {
			return open
		}
		if !closed.Promises() {
			closed = o.r.Clinic.Clock()
		}
		return closed
	}
	var all []*event.Event
	for i := range 5_000 {
		s := recordtest.NewStory(b, recordtest.Maria, "A rash", recordtest.Monday.Add(time.Duration(i)*time.Second))
		for range 3 {
			o.receives(s, s.Says(recordtest.Maria, "It itches."))
			s.Says(recordtest.Rosa, "Use the cream.")
		}
		o.receives(s, s.Says(recordtest.Maria, "It itches all the same."))
		all = append(all, s.All...)
	}
	for len(all) > 0 {
		n := min(len(all), 1000)
		o.r.Takes(recordtest.LeeBox, all[:n]...)
		all = all[n:]
	}
	o.looks()
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			o.day = ""
			o.looks()
		}
	})
	b.Run("everything", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if i%2 == 0 {
				o.changes(closes("2026-11-24"))
			} else {
				o.changes(func(c *care.Calendar) { c.Holidays = nil })
			}
		}
	})
}
