package demo

import (
	"testing"
	"time"

	"postern/backend/care/promise"
)

// clocks are instants at which a demo may be made: mornings, nights, weekends, holidays, and the days on which the clocks
// change.
var clocks = map[string]time.Time{
	"a Monday before opening":   on(2026, time.November, 23, 8, 0),
	"the evening before":        on(2026, time.November, 25, 23, 0),
	"Thanksgiving":              on(2026, time.November, 26, 14, 30),
	"a Sunday":                  on(2026, time.November, 29, 12, 0),
	"New Year's Eve":            on(2026, time.December, 31, 23, 59),
	"New Year's Day":            on(2027, time.January, 1, 0, 5),
	"the clocks go forward":     on(2027, time.March, 14, 3, 15),
	"the clocks go back":        on(2026, time.November, 1, 1, 30),
	"the middle of a Wednesday": on(2026, time.June, 10, 13, 7),
	"just before closing":       on(2026, time.June, 12, 17, 59),
}

func on(year int, month time.Month, day, hour, minute int) time.Time {
	zone, err := time.LoadLocation(practice.Calendar.Zone)
	if err != nil {
		panic(err)
	}
	return time.Date(year, month, day, hour, minute, 12, 0, zone)
}

// stand is how many conversations stand how.
type stand struct {
	office, overdue, soon, near, flagged int // awaits the office; near: due within nine business hours, today or on the next business day
	member, unseen                       int // awaits the member; unseen: for more than two business days
	completed, followUps, reopened       int
	drafts                               int
}

// It is the same whenever the demo is made.
var want = stand{office: 17, overdue: 2, soon: 3, near: 8, flagged: 3, member: 11, unseen: 1, completed: 19, followUps: 1, reopened: 1, drafts: 2}

// foretold is how the talks will stand, by what the promise makes of their plan.
func foretold(k *promise.Clock, now time.Time) (s stand) {
	for i, t := range script {
		var asked, told time.Time // since when the office, and the member, has something to answer or to read
		open, begun, flagged := true, false, false
		for _, c := range t.scenes(k, now, i) {
			mine := c.who == t.member
			switch {
			case c.does == drafts:
				s.drafts++
			case c.does == complete:
				open, asked, told = false, time.Time{}, c.at
			case c.does == reopen:
				open = true
				s.reopened++
			case c.does == reply && mine && !open: // it crossed
				s.followUps++
				s.await(k, now, c.at)
			case (c.does == write || c.does == reply) && mine:
				begun, told = true, time.Time{}
				if asked.IsZero() {
					asked = c.at
				}
			case c.does == reply:
				asked, told = time.Time{}, c.at
			case c.does == read:
				told = time.Time{}
			case c.does == flag || c.does == unflag:
				flagged = c.does == flag
			}
		}
		switch {
		case !begun:
			continue
		case !open:
			s.completed++
		case asked.IsZero():
			s.member++
		default:
			s.await(k, now, asked)
		}
		if !told.IsZero() && k.Left(told, now) > practice.Policy.Promise() {
			s.unseen++
		}
		if flagged {
			s.flagged++
		}
	}
	return s
}

// await counts what has waited for the office since an instant.
func (s *stand) await(k *promise.Clock, now, since time.Time) {
	due, _, _ := k.Due(since, practice.Policy.Promise(), "")
	s.due(k.Left(now, due))
}

func (s *stand) due(left time.Duration) {
	s.office++
	switch {
	case left < 0:
		s.overdue++
	case left < 4*time.Hour+30*time.Minute:
		s.soon++
		s.near++
	case left <= 9*time.Hour:
		s.near++
	}
}

// TestPlan: at whatever instant the demo is made, there is something of everything in it, and nothing lies in the future.
func TestPlan(t *testing.T) {
	k := clock(t)
	all := map[string]time.Time{}
	for name, now := range clocks {
		all[name] = now
	}
	for at := on(2026, time.October, 26, 0, 40); at.Before(on(2027, time.January, 8, 0, 0)); at = at.Add(11 * time.Hour) {
		all[at.String()] = at
	}
	for name, now := range all {
		if got := foretold(k, now); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		for i, talk := range script {
			last := time.Time{}
			for j, c := range talk.scenes(k, now, i) {
				if c.at.Before(last) || c.at.After(now) {
					t.Errorf("%s: %q: turn %d is at %s", name, talk.subject, j, c.at)
				}
				late := j == 0 && talk.turns[0].does == evening
				if open := k.Open(c.at) || k.Open(c.at.Add(-time.Second)); open == late {
					t.Errorf("%s: %q: turn %d is at %s, in the evening: %v", name, talk.subject, j, c.at, late)
				}
				last = c.at
			}
		}
	}
}

// TestRounds: nobody acts on what they have not seen, but where the script says so.
func TestRounds(t *testing.T) {
	k, now := clock(t), clocks["a Sunday"]
	crossed := 0
	for i, talk := range script {
		scenes := talk.scenes(k, now, i)
		for j := 1; j < len(scenes); j++ {
			switch a, b := scenes[j-1], scenes[j]; {
			case a.who == b.who && b.round-a.round > 1, a.who != b.who && b.round-a.round > 1, b.round < a.round:
				t.Errorf("%q: turn %d is in round %d, after %d", talk.subject, j, b.round, a.round)
			case a.who != b.who && a.round == b.round:
				crossed++
			}
		}
	}
	if crossed != 1 {
		t.Errorf("%d turns cross", crossed)
	}
	played := plan(k, now, script)
	for i := 1; i < len(played); i++ {
		if a, b := played[i-1], played[i]; a.round > b.round || a.round == b.round && a.at.After(b.at) {
			t.Errorf("scene %d: round %d at %s comes after round %d at %s", i, b.round, b.at, a.round, a.at)
		}
	}
}

// Days that a text leaves open are named as they are seen from it, and never one on which the practice is closed.
func TestDated(t *testing.T) {
	k := clock(t)
	for text, want := range map[string]string{
		"on {+1}":            "on Wednesday, November 25",
		"on {+2}, or {+3}":   "on Friday, November 27, or Monday, November 30",
		"{5} and {+x} stay.": "{5} and {+x} stay.",
	} {
		if got := dated(k, on(2026, time.November, 24, 22, 0), text); string(got) != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
