package audit

import (
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/frontend/say"
	"postern/frontend/seat"
)

var clock = say.Clock{Now: time.Date(2026, 11, 29, 15, 0, 0, 0, time.UTC), Zone: time.UTC}

var rosa = care.Person{ID: "ps_rosa", Name: "Rosa Delgado", Short: "Rosa", Role: care.RoleNurse}

// TestFindingsInWords: each sort of finding is a sentence that a clinic understands, and stands on top for a month.
func TestFindingsInWords(t *testing.T) {
	for _, c := range []struct {
		c    seat.Computer
		want string
		also string
	}{
		{seat.Computer{Last: "2026-11-24", Late: true, Findings: []seat.Finding{{Kind: seat.FoundMissing, Day: "2026-11-26", Days: []string{"2026-11-25", "2026-11-26"}}}},
			"Rosa's computer has sent no digest since Tue Nov 24.", "on Wed Nov 25 and Thu Nov 26."},
		{seat.Computer{Last: "2026-11-27", Findings: []seat.Finding{{Kind: seat.FoundMissing, Day: "2026-11-25", Days: []string{"2026-11-25"}}}},
			"Rosa's computer sent no digest on Wed Nov 25.", "on Wed Nov 25. The next one"},
		{seat.Computer{Last: "2026-11-27", Findings: []seat.Finding{{Kind: seat.FoundMissing, Day: "2026-11-25", Days: []string{"2026-11-16", "2026-11-17", "2026-11-18", "2026-11-25"}}}},
			"Rosa's computer sent no digest on 4 days from Mon Nov 16 to Wed Nov 25.", ""},
		{seat.Computer{Late: true, Findings: []seat.Finding{{Kind: seat.FoundNever, Day: "2026-11-25", Days: []string{"2026-11-25"}}}},
			"Rosa's computer has never sent a digest.", "Wed Nov 25"},
		{seat.Computer{Last: "2026-11-25", Findings: []seat.Finding{{Kind: seat.FoundLost, Day: "2026-11-25"}}}, "A digest of Rosa's computer has not arrived.", "Wed Nov 25"},
		{seat.Computer{Last: "2026-11-25", Findings: []seat.Finding{{Kind: seat.FoundPutBack, Day: "2026-11-25"}}},
			"On Wed Nov 25 the record of Rosa's computer was an older copy of itself.", "Ask what was done"},
		{seat.Computer{Last: "2026-11-25", Findings: []seat.Finding{{Kind: seat.FoundAnew, Day: "2026-11-25"}}}, "On Wed Nov 25 the record of Rosa's computer began anew.", ""},
		{seat.Computer{Last: "2026-11-25", Findings: []seat.Finding{{Kind: seat.FoundCut, Day: "2026-11-25"}}},
			"On Wed Nov 25 the record of Rosa's computer no longer led to what it had told before.", "gone or changed"},
		{seat.Computer{Last: "2026-11-25", Findings: []seat.Finding{{Kind: seat.FoundBroken, Day: "2026-11-25", No: 1017}}},
			"Rosa's computer says that its own record is damaged from entry 1,017 on.", "Wed Nov 25"},
	} {
		c.c.Person, c.c.Nth, c.c.Of = rosa, 1, 1
		m := computersOf([]seat.Computer{c.c}, clock)
		if len(m.Alerts) != 1 || m.Alerts[0].Strong != c.want || !strings.Contains(m.Alerts[0].Text, c.also) {
			t.Errorf("%+v, want %q, %q", m.Alerts, c.want, c.also)
		}
		if w := m.All[0].Word; w == "" || w == "Complete" || len(m.All[0].More) != 1 {
			t.Errorf("%s stands as %q with %q", c.c.Findings[0].Kind, w, m.All[0].More)
		}
		later := say.Clock{Now: clock.Now.AddDate(0, 2, 0), Zone: time.UTC}
		if m := computersOf([]seat.Computer{c.c}, later); len(m.Alerts) != 0 || len(m.All[0].More) != 1 {
			t.Errorf("two months later: %+v", m)
		}
	}
}

// TestComputersHaveNames and their order: what wants attention, the others, who is gone.
func TestComputersHaveNames(t *testing.T) {
	m := computersOf([]seat.Computer{
		{Person: rosa, Nth: 1, Of: 2, Last: "2026-11-28", Withdrawn: clock.Now},
		{Person: rosa, Nth: 2, Of: 2, Last: "2026-11-28", Own: true},
		{Person: care.Person{Name: "Agent", Role: care.RoleAgent}, Nth: 1, Of: 1, Last: "2026-11-02"},
		{Person: care.Person{}, Nth: 1, Of: 1},
		{Person: rosa, Nth: 3, Of: 3, Last: "2026-11-28", Findings: []seat.Finding{{Kind: seat.FoundCut, Day: "2026-11-28"}}},
	}, clock)
	var got []string
	for _, c := range m.All {
		got = append(got, c.Name+": "+c.Word)
	}
	want := "Rosa's computer 3: Does not fit; This computer: Complete; The clinic's agent: Not in use, it seems; Somebody's computer: No digest yet; Rosa's computer 1: Withdrawn Nov 29"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	if m := computersOf(nil, clock); m.None == "" {
		t.Error("of no computers nothing is said")
	}
}

// TestEveryEntryHasWords, also one of a newer Postern.
func TestEveryEntryHasWords(t *testing.T) {
	for _, w := range whats {
		if got := done(seat.AuditRow{What: w.what, About: "Rosa Delgado"}); !strings.HasPrefix(got, w.done) || strings.HasSuffix(got, " ") {
			t.Errorf("%s: %q", w.what, got)
		}
	}
	if got := done(seat.AuditRow{What: "dreamt"}); got != "dreamt" {
		t.Errorf("what nobody knows is %q", got)
	}
	if got := done(seat.AuditRow{What: "sign-in.refused", Times: 3}); got != "Wrong passphrase, 3 times" {
		t.Errorf("%q", got)
	}
}
