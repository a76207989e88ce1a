package promise

import (
	"testing"
	"time"

	"postern/backend/care"
)

// TestWhy tells members of what the registrar changed, not of what was known before: Thanksgiving lies in between throughout.
func TestWhy(t *testing.T) {
	names := map[care.PersonID]string{lee: "Dr. Ana Lee", haddad: "Dr. Omar Haddad"}
	week := away(care.Absence{Person: lee, From: "2026-11-24", Until: "2026-11-30"})
	covered := away(care.Absence{Person: lee, From: "2026-11-24", Until: "2026-11-30", Cover: haddad})
	type change = []func(*care.Calendar)
	for _, c := range []struct {
		name     string
		was, now change
		want     string
	}{
		{"nothing", nil, nil, ""},
		{"an absence", nil, change{week}, "Dr. Ana Lee is out of office from Tuesday, November 24 to Monday, November 30."},
		{"a day", nil, change{away(care.Absence{Person: lee, From: "2026-11-24", Until: "2026-11-24"})}, "Dr. Ana Lee is out of office on Tuesday, November 24."},
		{"without end", nil, change{away(care.Absence{Person: lee, From: "2026-11-20"})}, "Dr. Ana Lee is out of office from Friday, November 20 until further notice."},
		{"into the next year", nil, change{away(care.Absence{Person: lee, From: "2026-11-24", Until: "2027-01-08"})},
			"Dr. Ana Lee is out of office from Tuesday, November 24 to Friday, January 8, 2027."},
		{"whoever covers is away", change{covered}, change{covered, away(care.Absence{Person: haddad, From: "2026-11-25"})},
			"Dr. Ana Lee is out of office from Tuesday, November 24 to Monday, November 30."},
		{"a covered absence", nil, change{covered}, ""},
		{"somebody else's", nil, change{away(care.Absence{Person: cho, From: "2026-11-24"})}, ""},
		{"cover is found", change{week}, change{covered}, "Dr. Omar Haddad covers for Dr. Ana Lee."},
		{"back", change{week}, nil, "Dr. Ana Lee is in the office on Tuesday, November 24."},
		{"a holiday", nil, change{holiday("2026-11-25")}, "The clinic is closed on Wednesday, November 25."},
		{"a half day", nil, change{holiday("2026-11-25", "09:00-12:00")}, "The clinic has other hours on Wednesday, November 25."},
		{"no holiday", change{holiday("2026-11-25")}, nil, "The clinic is open on Wednesday, November 25."},
		{"open on Thanksgiving", nil, change{holiday("2026-11-26", "09:00-12:00")}, "The clinic is open on Thursday, November 26."},
		{"no preset", nil, change{func(c *care.Calendar) { c.Preset = "" }}, "The clinic is open on Thursday, November 26."},
		{"hours", nil, change{hours("tue", "09:00-12:00")}, "The clinic's hours changed."},
		{"a closed weekday", nil, change{hours("tue")}, "The clinic's hours changed."},
		{"another zone", nil, change{zone("America/Denver")}, "The clinic's hours changed."},
		{"a day that is over", nil, change{holiday("2026-11-20")}, ""},
		{"a day after it is due", nil, change{holiday("2026-12-02")}, ""},
	} {
		before, now := clock(t, c.was...), clock(t, c.now...)
		received, until := at(t, before, "2026-11-23 10:00"), at(t, before, "2026-12-01 10:00")
		name := func(p care.PersonID) string { return names[p] }
		if got := now.Why(before, received, until, lee, name); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if now.Why(nil, received, until, lee, name) != "" || now.Why(None(care.Calendar{}), received, until, lee, name) != "" {
			t.Errorf("%s: a reason without a calendar before", c.name)
		}
	}
	k := clock(t)
	if got := clock(t, away(care.Absence{Person: lee, From: "2027-03-01"})).Why(k, at(t, k, "2026-11-23 10:00"), time.Time{}, lee, func(care.PersonID) string { return "She" }); got != "She is out of office from Monday, March 1, 2027 until further notice." {
		t.Errorf("without end: %q", got)
	}
}
