package promise

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
)

const (
	lee    = care.PersonID("ps_leeaaaaaaaaaaaaa")
	haddad = care.PersonID("ps_haddadaaaaaaaaaa")
	cho    = care.PersonID("ps_choaaaaaaaaaaaaa")
	two    = 18 * time.Hour // two business days of nine hours
)

// weekdays of nine hours in Chicago, federal holidays.
func calendar(change ...func(*care.Calendar)) care.Calendar {
	nine := []care.Span{{From: "09:00", Until: "18:00"}}
	c := care.Calendar{Zone: "America/Chicago", Preset: "us", Hours: map[string][]care.Span{"mon": nine, "tue": nine, "wed": nine, "thu": nine, "fri": nine}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func away(list ...care.Absence) func(*care.Calendar) {
	return func(c *care.Calendar) { c.Absences = append(c.Absences, list...) }
}

func hours(day string, spans ...string) func(*care.Calendar) {
	return func(c *care.Calendar) { c.Hours[day] = parseSpans(spans) }
}

func holiday(date string, spans ...string) func(*care.Calendar) {
	return func(c *care.Calendar) {
		c.Holidays = append(c.Holidays, care.Holiday{Date: date, Name: "Ours", Hours: parseSpans(spans)})
	}
}

func zone(name string) func(*care.Calendar) { return func(c *care.Calendar) { c.Zone = name } }

func parseSpans(spans []string) (list []care.Span) {
	for _, s := range spans {
		from, until, _ := strings.Cut(s, "-")
		list = append(list, care.Span{From: from, Until: until})
	}
	return list
}

func clock(t testing.TB, change ...func(*care.Calendar)) *Clock {
	t.Helper()
	k, err := New(calendar(change...))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// at reads a time on the practice's wall clock.
func at(t testing.TB, k *Clock, s string) time.Time {
	t.Helper()
	got, err := time.ParseInLocation("2006-01-02 15:04", s, k.Location())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestDue is the table of due times. Which zone the computer is in changes none of them.
func TestDue(t *testing.T) {
	due(t)
	saved := time.Local
	t.Cleanup(func() { time.Local = saved })
	for _, name := range []string{"America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Kathmandu"} {
		local, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		time.Local = local
		t.Run("on a computer in "+name, due)
	}
}

func due(t *testing.T) {
	cases := []struct {
		name     string
		change   []func(*care.Calendar)
		received string
		promise  time.Duration
		due      string // empty: none can be named
		cover    care.PersonID
	}{
		{name: "as the doors open", received: "2026-11-16 09:00", due: "2026-11-17 18:00"},
		{name: "in the middle of a day", received: "2026-11-16 11:30", due: "2026-11-18 11:30"},
		{name: "as the doors close", received: "2026-11-16 18:00", due: "2026-11-18 18:00"},
		{name: "a minute before", received: "2026-11-16 17:59", due: "2026-11-18 17:59"},
		{name: "before opening", received: "2026-11-16 03:00", due: "2026-11-17 18:00"},
		{name: "after closing", received: "2026-11-16 22:00", due: "2026-11-18 18:00"},
		{name: "over a weekend", received: "2026-11-13 10:00", due: "2026-11-17 10:00"},
		{name: "on a Saturday", received: "2026-11-14 10:00", due: "2026-11-17 18:00"},
		{name: "on a Sunday at midnight", received: "2026-11-15 00:00", due: "2026-11-17 18:00"},
		{name: "before Thanksgiving", received: "2026-11-25 10:00", due: "2026-11-30 10:00"},
		{name: "on Thanksgiving", received: "2026-11-26 10:00", due: "2026-11-30 18:00"},
		{name: "a holiday observed on Friday, for Saturday", received: "2026-07-02 10:00", due: "2026-07-07 10:00"},
		{name: "a holiday observed on Monday, for Sunday", received: "2027-07-02 10:00", due: "2027-07-07 10:00"},
		{name: "the holiday's own Saturday is closed too", change: []func(*care.Calendar){hours("sat", "09:00-12:00")}, received: "2026-07-02 10:00", due: "2026-07-07 10:00"},
		{name: "over the end of the year", received: "2026-12-31 10:00", due: "2027-01-05 10:00"},
		{name: "New Year observed in the old year", received: "2027-12-30 10:00", due: "2028-01-04 10:00"},
		{name: "over a leap day", received: "2028-02-28 10:00", due: "2028-03-01 10:00"},
		{name: "no leap day", received: "2027-02-26 10:00", due: "2027-03-02 10:00"},
		{name: "into summer time", received: "2026-03-06 10:00", due: "2026-03-10 10:00"},
		{name: "into winter time", received: "2026-10-30 10:00", due: "2026-11-03 10:00"},
		{name: "a day of 23 hours that is open all day", change: []func(*care.Calendar){hours("sun", "00:00-24:00")}, received: "2026-03-08 00:00", promise: 23 * time.Hour, due: "2026-03-09 00:00"},
		{name: "a day of 25 hours that is open all day", change: []func(*care.Calendar){hours("sun", "00:00-24:00")}, received: "2026-11-01 00:00", promise: 25 * time.Hour, due: "2026-11-02 00:00"},
		{name: "hours that the clocks skip", change: []func(*care.Calendar){hours("sun", "01:00-03:30")}, received: "2026-03-08 00:00", promise: 90 * time.Minute, due: "2026-03-08 03:30"},
		{name: "no preset", change: []func(*care.Calendar){func(c *care.Calendar) { c.Preset = "" }}, received: "2026-11-25 10:00", due: "2026-11-27 10:00"},
		{name: "an own holiday", change: []func(*care.Calendar){holiday("2026-11-17")}, received: "2026-11-16 10:00", due: "2026-11-19 10:00"},
		{name: "a half day", change: []func(*care.Calendar){holiday("2026-11-17", "09:00-13:00")}, received: "2026-11-16 09:00", due: "2026-11-18 14:00"},
		{name: "open on a federal holiday", change: []func(*care.Calendar){holiday("2026-11-26", "09:00-18:00")}, received: "2026-11-25 10:00", due: "2026-11-27 10:00"},
		{name: "a lunch break", change: []func(*care.Calendar){hours("mon", "13:00-18:00", "08:00-12:00")}, received: "2026-11-16 11:30", promise: 2 * time.Hour, due: "2026-11-16 14:30"},
		{name: "in the lunch break", change: []func(*care.Calendar){hours("mon", "13:00-18:00", "08:00-12:00")}, received: "2026-11-16 12:30", promise: 5 * time.Hour, due: "2026-11-16 18:00"},
		{name: "two stretches that touch", change: []func(*care.Calendar){hours("mon", "08:00-12:00", "12:00-18:00")}, received: "2026-11-16 08:00", promise: 10 * time.Hour, due: "2026-11-16 18:00"},
		{name: "an hour is promised", received: "2026-11-13 17:30", promise: time.Hour, due: "2026-11-16 09:30"},
		{name: "nothing is promised", received: "2026-11-14 10:00", promise: -1, due: "2026-11-14 10:00"},

		{name: "one day away, nobody covers", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-17"})}, received: "2026-11-16 10:00", due: "2026-11-19 10:00"},
		{name: "one day away, covered", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-16", Cover: haddad})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00", cover: haddad},
		{name: "covered from tomorrow", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-20", Cover: haddad})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00"},
		{name: "received on a Sunday before a covered absence", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-20", Cover: haddad})}, received: "2026-11-15 10:00", due: "2026-11-17 18:00", cover: haddad},
		{name: "somebody else is away", change: []func(*care.Calendar){away(care.Absence{Person: cho, From: "2026-11-01"})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00"},
		{name: "a chain of covers", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-01", Until: "2026-11-30", Cover: haddad},
			care.Absence{Person: haddad, From: "2026-11-16", Cover: cho})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00", cover: cho},
		{name: "a chain that ends with nobody", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-01", Until: "2026-11-30", Cover: haddad},
			care.Absence{Person: haddad, From: "2026-11-17", Until: "2026-11-18"})}, received: "2026-11-16 10:00", due: "2026-11-20 10:00", cover: haddad},
		{name: "a circle of covers", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-18", Cover: haddad},
			care.Absence{Person: haddad, From: "2026-11-01", Cover: cho},
			care.Absence{Person: cho, From: "2026-11-01", Cover: lee})}, received: "2026-11-16 10:00", due: "2026-11-20 10:00"},
		{name: "her own cover", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-17", Cover: lee})}, received: "2026-11-16 10:00", due: "2026-11-19 10:00"},
		{name: "two absences at once, one covered", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-01", Until: "2026-11-30"},
			care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-20", Cover: haddad})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00", cover: haddad},
		{name: "back after a long time", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-16", Until: "2028-11-15"})}, received: "2026-11-16 10:00", due: "2028-11-17 18:00"},
		{name: "away without end, covered", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-01", Cover: haddad})}, received: "2026-11-16 10:00", due: "2026-11-18 10:00", cover: haddad},
		{name: "away without end, nobody covers", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-01"})}, received: "2026-11-16 10:00"},
		{name: "away without end from the second day", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-17"})}, received: "2026-11-16 10:00"},
		{name: "done before she leaves", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-18"})}, received: "2026-11-16 09:00", due: "2026-11-17 18:00"},

		{name: "a chain from one to the next to a third", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-01", Cover: haddad},
			care.Absence{Person: haddad, From: "2026-11-16", Until: "2026-11-17", Cover: cho},
			care.Absence{Person: cho, From: "2026-11-17", Until: "2026-11-17"})}, received: "2026-11-16 10:00", due: "2026-11-19 10:00", cover: cho},
		{name: "a circle that one of them is back from", change: []func(*care.Calendar){away(
			care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-20", Cover: haddad},
			care.Absence{Person: haddad, From: "2026-11-16", Until: "2026-11-17", Cover: lee})}, received: "2026-11-16 10:00", due: "2026-11-19 18:00", cover: haddad},
		{name: "away on a half day", change: []func(*care.Calendar){holiday("2026-11-17", "09:00-13:00"), away(care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-17"})}, received: "2026-11-16 10:00", due: "2026-11-19 10:00"},
		{name: "away over the end of the year", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-12-28", Until: "2027-01-04"})}, received: "2026-12-24 10:00", due: "2027-01-06 10:00"},
		{name: "away on a leap day", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2028-02-29", Until: "2028-02-29"})}, received: "2028-02-28 10:00", due: "2028-03-02 10:00"},
		{name: "away on a weekend only", change: []func(*care.Calendar){away(care.Absence{Person: lee, From: "2026-11-14", Until: "2026-11-15"})}, received: "2026-11-13 10:00", due: "2026-11-17 10:00"},
		{name: "a half day of two stretches", change: []func(*care.Calendar){holiday("2026-11-17", "08:00-10:00", "11:00-13:00")}, received: "2026-11-16 09:00", due: "2026-11-18 14:00"},
		{name: "open over midnight", change: []func(*care.Calendar){hours("mon", "18:00-24:00"), hours("tue", "00:00-06:00")}, received: "2026-11-16 18:00", promise: 11 * time.Hour, due: "2026-11-17 05:00"},
		{name: "hours that the clocks show twice", change: []func(*care.Calendar){hours("sun", "00:30-02:30")}, received: "2026-11-01 00:00", promise: 3 * time.Hour, due: "2026-11-01 02:30"},

		{name: "into summer time in the south", change: []func(*care.Calendar){zone("Australia/Sydney")}, received: "2026-10-02 10:00", due: "2026-10-06 10:00"},
		{name: "into winter time in the south", change: []func(*care.Calendar){zone("Australia/Sydney")}, received: "2026-04-03 10:00", due: "2026-04-07 10:00"},
		{name: "summer time of half an hour", change: []func(*care.Calendar){zone("Australia/Lord_Howe"), hours("sun", "00:00-24:00")}, received: "2026-10-04 00:00", promise: 23*time.Hour + 30*time.Minute, due: "2026-10-05 00:00"},
		{name: "German holidays", change: []func(*care.Calendar){zone("Europe/Berlin"), func(c *care.Calendar) { c.Preset = "de" }}, received: "2026-04-02 10:00", due: "2026-04-08 10:00"},
		{name: "a day of a region's own beside them", change: []func(*care.Calendar){zone("Europe/Berlin"), func(c *care.Calendar) { c.Preset = "de" }, holiday("2026-06-04")}, received: "2026-06-03 10:00", due: "2026-06-08 10:00"},
		{name: "a zone far from the computer's", change: []func(*care.Calendar){zone("Pacific/Auckland")}, received: "2026-11-16 11:30", due: "2026-11-18 11:30"},
		{name: "a zone whose day is another one", change: []func(*care.Calendar){zone("Pacific/Kiritimati")}, received: "2026-11-13 17:00", due: "2026-11-17 17:00"},
		{name: "a day that the zone never had", change: []func(*care.Calendar){zone("Pacific/Apia")}, received: "2011-12-29 10:00", due: "2012-01-04 10:00"},
		{name: "midnight skipped", change: []func(*care.Calendar){zone("America/Sao_Paulo"), hours("sat", "12:00-24:00"), hours("sun", "00:00-12:00")}, received: "2018-11-03 12:00", promise: 23 * time.Hour, due: "2018-11-04 12:00"},
		{name: "a zone of half an hour", change: []func(*care.Calendar){zone("Asia/Kolkata")}, received: "2026-11-16 11:45", due: "2026-11-18 11:45"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := clock(t, c.change...)
			promise := c.promise
			if promise == 0 {
				promise = two
			}
			received := at(t, k, c.received)
			// The instant decides, whatever zone it is written in.
			for _, in := range []*time.Location{k.Location(), time.UTC, time.FixedZone("", 13*3600)} {
				due, cover, ok := k.Due(received.In(in), promise, lee)
				if c.due == "" {
					if ok || !due.IsZero() {
						t.Fatalf("due %v", due)
					}
					continue
				}
				if !ok || !due.Equal(at(t, k, c.due)) || cover != c.cover {
					t.Fatalf("due %v, covered by %q, %v; want %s, %q", due, cover, ok, c.due, c.cover)
				}
				if due.Location() != k.Location() {
					t.Fatalf("in %v", due.Location())
				}
				if left := k.Left(received, due); len(k.absences) == 0 && left != max(0, promise) {
					t.Fatalf("%v left of %v", left, promise)
				}
			}
		})
	}
}

func TestLeft(t *testing.T) {
	k := clock(t)
	cases := []struct {
		name, now, due string
		left           time.Duration
	}{
		{"the whole promise", "2026-11-16 09:00", "2026-11-17 18:00", two},
		{"at night nothing passes", "2026-11-16 18:00", "2026-11-17 09:00", 0},
		{"over a weekend", "2026-11-13 17:00", "2026-11-16 10:00", 2 * time.Hour},
		{"now", "2026-11-16 10:00", "2026-11-16 10:00", 0},
		{"an hour over", "2026-11-16 11:00", "2026-11-16 10:00", -time.Hour},
		{"over since Friday evening", "2026-11-16 09:30", "2026-11-13 18:00", -30 * time.Minute},
		{"over a holiday", "2026-11-25 17:00", "2026-11-27 10:00", 2 * time.Hour},
		{"over the end of the year", "2026-12-31 17:00", "2027-01-04 10:00", 2 * time.Hour},
		{"a year of work", "2026-01-01 00:00", "2027-01-01 00:00", 250 * 9 * time.Hour},
		{"over three calendar years", "2024-06-03 09:00", "2026-06-03 09:00", (522 - 22) * 9 * time.Hour},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now, due := at(t, k, c.now), at(t, k, c.due)
			if got := k.Left(now, due); got != c.left {
				t.Fatalf("%v, want %v", got, c.left)
			}
			if got := k.Left(due, now); got != -c.left {
				t.Fatalf("the other way round %v, want %v", got, -c.left)
			}
		})
	}
	t.Run("a due time out of reason is measured as five years", func(t *testing.T) {
		now := at(t, k, "2026-11-16 09:00")
		five := k.Left(now, now.Add(farthest))
		if far := k.Left(now, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); far != five || five < 1200*9*time.Hour {
			t.Fatalf("%v, want %v", far, five)
		}
		if past := k.Left(now, time.Time{}); past != -k.Left(now.Add(-farthest), now) || past >= 0 {
			t.Fatalf("%v", past)
		}
	})
}

// TestBefore goes back in business time: the instant from which that much of it had passed, and not a minute later.
func TestBefore(t *testing.T) {
	k := clock(t)
	for _, c := range []struct{ now, before string }{
		{"2026-11-18 11:30", "2026-11-16 11:30"}, {"2026-11-18 18:00", "2026-11-17 09:00"}, {"2026-11-18 22:00", "2026-11-17 09:00"},
		{"2026-11-16 09:00", "2026-11-12 09:00"}, {"2026-11-17 10:00", "2026-11-13 10:00"}, {"2026-11-22 12:00", "2026-11-19 09:00"},
		{"2026-11-30 10:00", "2026-11-25 10:00"}, {"2027-01-05 10:00", "2026-12-31 10:00"}, {"2026-03-10 10:00", "2026-03-06 10:00"},
	} {
		now, want := at(t, k, c.now), at(t, k, c.before)
		if got := k.Before(now, two); !got.Equal(want) {
			t.Errorf("two days before %s: %s, want %s", c.now, got, c.before)
		}
	}
	if got := k.Before(at(t, k, "2026-11-18 11:30"), 0); !got.Equal(at(t, k, "2026-11-18 11:30")) {
		t.Errorf("nothing before: %s", got)
	}
	if got := k.Before(at(t, k, "2026-11-18 11:30"), 6*365*9*time.Hour); !got.IsZero() {
		t.Errorf("more than there was: %s", got)
	}
}

func TestOpen(t *testing.T) {
	k := clock(t, hours("sat", "09:00-12:00"), holiday("2026-12-24", "09:00-13:00"))
	for s, want := range map[string]bool{
		"2026-11-16 08:59": false, "2026-11-16 09:00": true, "2026-11-16 17:59": true, "2026-11-16 18:00": false,
		"2026-11-14 11:00": true, "2026-11-14 12:00": false, "2026-11-15 11:00": false, "2026-11-26 11:00": false,
		"2026-12-24 12:59": true, "2026-12-24 13:00": false, "2026-12-25 10:00": false,
	} {
		if got := k.Open(at(t, k, s)); got != want {
			t.Errorf("%s: open %v", s, got)
		}
	}
	if k.Open(time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("open before there were years")
	}
}

func TestFederalHolidays(t *testing.T) {
	federalHolidays(t)
	// The computer's own zone decides nothing: this one has no midnight on some days.
	saved := time.Local
	t.Cleanup(func() { time.Local = saved })
	for _, name := range []string{"America/Sao_Paulo", "Pacific/Apia", "Pacific/Niue"} {
		local, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		time.Local = local
		t.Run(name, federalHolidays)
	}
}

func federalHolidays(t *testing.T) {
	k := clock(t)
	for _, date := range []string{ // as the Office of Personnel Management lists them for pay and leave
		"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25",
		"2027-01-01", "2027-01-18", "2027-02-15", "2027-05-31", "2027-06-18", "2027-07-05", "2027-09-06", "2027-10-11", "2027-11-11", "2027-11-25", "2027-12-24", "2027-12-31",
	} {
		if k.Open(at(t, k, date+" 12:00")) {
			t.Errorf("open on %s", date)
		}
	}
	open := 0
	for day := at(t, k, "2026-01-01 12:00"); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		if k.Open(day) {
			open++
		}
	}
	if open != 261-11+261-12 {
		t.Errorf("open on %d days of two years", open)
	}
}

func TestNextBusinessDay(t *testing.T) {
	k := clock(t, holiday("2026-11-27", "10:00-13:00"))
	for date, want := range map[string]string{
		"2026-11-16": "2026-11-17 09:00", "2026-11-13": "2026-11-16 09:00", "2026-11-25": "2026-11-27 10:00",
		"2026-12-31": "2027-01-04 09:00", "2028-02-28": "2028-02-29 09:00",
	} {
		if got := k.NextBusinessDay(date); !got.Equal(at(t, k, want)) {
			t.Errorf("after %s: %v, want %s", date, got, want)
		}
	}
	for _, s := range []string{"", "2026-02-30", "soon"} {
		if got := k.NextBusinessDay(s); !got.IsZero() {
			t.Errorf("after %q: %v", s, got)
		}
	}
}

func TestAbsent(t *testing.T) {
	k := clock(t, away(
		care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-20", Cover: haddad},
		care.Absence{Person: haddad, From: "2026-11-19", Until: "2026-11-19", Cover: cho},
		care.Absence{Person: cho, From: "2026-12-01", Cover: lee},
		care.Absence{Person: lee, From: "2026-12-01", Until: "2026-12-01", Cover: cho},
	))
	cases := []struct {
		who   care.PersonID
		at    string
		out   bool
		until string
		cover care.PersonID
	}{
		{lee, "2026-11-15 23:59", false, "", ""},
		{lee, "2026-11-16 00:00", true, "2026-11-20", haddad},
		{lee, "2026-11-19 12:00", true, "2026-11-20", cho},
		{lee, "2026-11-20 23:59", true, "2026-11-20", haddad},
		{lee, "2026-11-21 00:00", false, "", ""},
		{haddad, "2026-11-19 12:00", true, "2026-11-19", cho},
		{cho, "2026-12-24 12:00", true, "", lee},
		{cho, "2026-12-01 12:00", true, "", ""},
		{lee, "2026-12-01 12:00", true, "2026-12-01", ""},
		{"", "2026-12-01 12:00", false, "", ""},
	}
	for _, c := range cases {
		a, cover, out := k.Absent(c.who, at(t, k, c.at).UTC())
		if out != c.out || a.Until != c.until || cover != c.cover || out && a.Person != c.who {
			t.Errorf("%s at %s: out %v until %q, covered by %q", c.who, c.at, out, a.Until, cover)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	cases := []struct {
		name, field, word string
		change            func(*care.Calendar)
	}{
		{"an unknown zone", "zone", "America/Gotham", zone("America/Gotham")},
		{"no zone", "zone", `""`, zone("")},
		{"the computer's zone", "zone", "Local", zone("Local")},
		{"a zone outside", "zone", "etc", zone("../../etc/passwd")},
		{"an unknown preset", "preset", "mars", func(c *care.Calendar) { c.Preset = "mars" }},
		{"no hours", "hours", "empty", func(c *care.Calendar) { c.Hours = nil }},
		{"an unknown weekday", "hours", "monday", hours("monday", "09:00-18:00")},
		{"hours without a leading zero", "hours", "9:00", hours("mon", "9:00-18:00")},
		{"hours with letters", "hours", "0a:00", hours("mon", "0a:00-18:00")},
		{"minute 60", "hours", "09:60", hours("mon", "09:60-18:00")},
		{"after midnight", "hours", "24:01", hours("mon", "09:00-24:01")},
		{"hours backwards", "hours", "not later", hours("mon", "18:00-09:00")},
		{"hours of no length", "hours", "not later", hours("mon", "09:00-09:00")},
		{"hours that overlap", "hours", "overlap", hours("mon", "12:00-18:00", "09:00-12:01")},
		{"a holiday on no day", "holidays", "2026-02-30", holiday("2026-02-30")},
		{"a holiday twice", "holidays", "2026-02-03", func(c *care.Calendar) { holiday("2026-02-03")(c); holiday("2026-02-03")(c) }},
		{"a half day backwards", "holidays", "2026-02-03", holiday("2026-02-03", "13:00-09:00")},
		{"an absence of nobody", "absences", "nobody", away(care.Absence{From: "2026-11-16"})},
		{"an absence without beginning", "absences", `""`, away(care.Absence{Person: lee})},
		{"an absence without a date", "absences", "Monday", away(care.Absence{Person: lee, From: "2026-11-16", Until: "Monday"})},
		{"an absence backwards", "absences", "2026-11-15", away(care.Absence{Person: lee, From: "2026-11-16", Until: "2026-11-15"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k, err := New(calendar(c.change))
			refused, ok := err.(*care.Error)
			if k != nil || !ok || refused.Kind != care.Invalid || refused.Field != c.field || !strings.Contains(refused.Sentence, c.word) {
				t.Fatalf("%v of field %+v", k, err)
			}
		})
	}
}

// A clock is shared by all goroutines of a window.
func TestConcurrent(t *testing.T) {
	k := clock(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 300 {
				received := time.Date(1990+r.IntN(60), 1, r.IntN(365), r.IntN(24), 0, 0, 0, time.UTC)
				due, _, ok := k.Due(received, two, lee)
				if !ok || k.Left(received, due) != two {
					t.Errorf("received %v, due %v", received, due)
				}
			}
		})
	}
	all.Wait()
}

// FuzzDue holds Due to what it promises, for any calendar that New takes: no panic, never before the receipt, never
// earlier for a later receipt or a longer promise, as much business time as was promised where nobody is away.
func FuzzDue(f *testing.F) {
	f.Add("America/Chicago", "us", "09:00", "18:00", "2026-11-16", "2026-11-20", int64(1795000000), int64(3600), int64(18*3600), uint8(3))
	f.Add("Pacific/Apia", "", "00:00", "24:00", "2011-12-29", "2011-12-31", int64(1325200000), int64(86400), int64(3600), uint8(1))
	f.Add("Africa/Casablanca", "us", "01:30", "03:00", "2026-03-08", "", int64(1772950000), int64(1), int64(90*60), uint8(0))
	f.Fuzz(func(t *testing.T, zone, preset, from, until, away, back string, received, later, promise int64, days uint8) {
		c := care.Calendar{Zone: zone, Preset: preset, Hours: map[string][]care.Span{"wed": {{From: from, Until: until}}}}
		for i, day := range []string{"sun", "mon", "tue", "thu", "fri", "sat"} {
			if days&(1<<i) != 0 {
				c.Hours[day] = []care.Span{{From: from, Until: until}}
			}
		}
		if days&64 != 0 {
			c.Absences = []care.Absence{{Person: lee, From: away, Until: back}}
		}
		if days&128 != 0 {
			c.Absences = append(c.Absences, care.Absence{Person: lee, From: away, Until: back, Cover: haddad}, care.Absence{Person: haddad, From: back, Cover: lee})
		}
		k, err := New(c)
		if err != nil {
			return
		}
		first := time.Unix(received, received&1023)
		second := first.Add(time.Duration(later & (1<<50 - 1)))
		need := time.Duration(promise%(1000*3600)) * time.Second
		due, _, ok := k.Due(first, need, lee)
		due2, _, ok2 := k.Due(second, need, lee)
		due3, _, ok3 := k.Due(first, need+time.Hour, lee)
		if !ok {
			return
		}
		said := fmt.Sprintf("received %v and %v, %v promised: due %v, %v (%v), an hour more %v (%v)", first, second, need, due, due2, ok2, due3, ok3)
		if due.Before(first) || ok2 && due2.Before(due) || ok3 && due3.Before(due) {
			t.Fatal(said)
		}
		if left := k.Left(first, due); len(c.Absences) == 0 && need >= 0 && due.Sub(first) < farthest && left != need {
			t.Fatalf("%s: %v left", said, left)
		}
		if k.Left(first, second)+k.Left(second, first) != 0 {
			t.Fatal(said)
		}
	})
}

func BenchmarkLeft(b *testing.B) {
	k := clock(b)
	now := at(b, k, "2026-11-16 10:30")
	due := at(b, k, "2026-11-18 16:30").UTC()
	k.Left(now, due)
	b.ReportAllocs()
	for b.Loop() {
		k.Left(now, due)
	}
}

func BenchmarkDue(b *testing.B) {
	k := clock(b, away(care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-20", Cover: haddad}))
	received := at(b, k, "2026-11-16 10:30").UTC()
	b.ReportAllocs()
	for b.Loop() {
		k.Due(received, two, lee)
	}
}

// The worst that a calendar can ask of one call.
func BenchmarkDueNever(b *testing.B) {
	k := clock(b, away(care.Absence{Person: lee, From: "2026-11-17"}))
	received := at(b, k, "2026-11-16 10:30").UTC()
	for b.Loop() {
		k.Due(received, two, lee)
	}
}

// Without a calendar nothing is promised, and nothing panics: what others promised is measured in plain time.
func TestNone(t *testing.T) {
	k := None(care.Calendar{Zone: "America/Chicago", Preset: "of a newer Postern", Absences: []care.Absence{{Person: "ps_a", From: "2026-01-01"}}})
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	if _, _, ok := k.Due(now, 18*time.Hour, "ps_a"); ok || k.Promises() || k.Open(now) || !k.NextBusinessDay("2026-11-23").IsZero() {
		t.Error("it promises")
	}
	if _, _, ok := k.Due(now, 0, "ps_a"); ok {
		t.Error("it promises at once")
	}
	if _, _, away := k.Absent("ps_a", now); away {
		t.Error("it knows of an absence")
	}
	if left := k.Left(now, now.Add(-time.Hour)); left != -time.Hour || k.Location().String() != "America/Chicago" {
		t.Errorf("%v left, in %s", left, k.Location())
	}
	if None(care.Calendar{Zone: "Nowhere"}).Location() != time.UTC {
		t.Error("a zone that there is not")
	}
}

// TestAbsencePutDownAfterwards counts one receipt again: by the calendar under which it was given, and with what the registrar
// put down later.
func TestAbsencePutDownAfterwards(t *testing.T) {
	k := clock(t)
	received := at(t, k, "2026-11-16 10:00")
	if first, _, ok := k.Due(received, two, lee); !ok || !first.Equal(at(t, k, "2026-11-18 10:00")) {
		t.Fatalf("promised %v", first)
	}
	for _, c := range []struct {
		name string
		away care.Absence
		due  string // empty: none can be named any more
	}{
		{"it began before", care.Absence{Person: lee, From: "2026-11-09", Until: "2026-11-16"}, "2026-11-18 18:00"},
		{"over before", care.Absence{Person: lee, From: "2026-11-09", Until: "2026-11-13"}, "2026-11-18 10:00"},
		{"on the day in between", care.Absence{Person: lee, From: "2026-11-17", Until: "2026-11-17"}, "2026-11-19 10:00"},
		{"on the day that it is due", care.Absence{Person: lee, From: "2026-11-18", Until: "2026-11-20"}, "2026-11-23 10:00"},
		{"on the day after", care.Absence{Person: lee, From: "2026-11-19"}, "2026-11-18 10:00"},
		{"without end", care.Absence{Person: lee, From: "2026-11-17"}, ""},
		{"without end, covered", care.Absence{Person: lee, From: "2026-11-17", Cover: haddad}, "2026-11-18 10:00"},
	} {
		due, _, ok := clock(t, away(c.away)).Due(received, two, lee)
		if ok != (c.due != "") || ok && !due.Equal(at(t, k, c.due)) {
			t.Errorf("%s: due %v, want %s", c.name, due, c.due)
		}
	}
}

// TestAbsencesPostpone: an absence without cover never makes a reply due earlier, nor does cover for one ever make it due later.
func TestAbsencesPostpone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 17))
	date := func() string { return time.Date(2026, 11, 16+r.IntN(30), 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
	never := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 300 {
		var list []care.Absence
		for range 1 + r.IntN(4) {
			a := care.Absence{Person: []care.PersonID{lee, haddad, cho}[r.IntN(3)], From: date(), Cover: []care.PersonID{"", lee, haddad, cho}[r.IntN(4)]}
			if a.Until = date(); a.Until < a.From {
				a.From, a.Until = a.Until, a.From
			}
			list = append(list, a)
		}
		received := time.Date(2026, 11, 16+r.IntN(20), r.IntN(24), 0, 0, 0, time.UTC)
		by := func(list []care.Absence) time.Time {
			due, _, ok := clock(t, away(list...)).Due(received, two, lee)
			if !ok {
				return never
			}
			return due
		}
		before := by(list)
		without := append([]care.Absence(nil), list...)
		without[0].Cover = ""
		if by(without).Before(before) {
			t.Fatalf("cover delays: %+v", list)
		}
		if more := append(without, care.Absence{Person: lee, From: date(), Until: "2027-01-31"}); by(more).Before(by(without)) {
			t.Fatalf("an absence hastens: %+v", more)
		}
	}
}
