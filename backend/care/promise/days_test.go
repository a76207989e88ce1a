package promise

import (
	"testing"
	"time"

	"postern/backend/care"
)

// TestPresetIsWhatTheClockKeeps holds the days that a person is shown to the days by which replies are due.
func TestPresetIsWhatTheClockKeeps(t *testing.T) {
	always := map[string][]care.Span{}
	for name := range weekdays {
		always[name] = []care.Span{{From: "00:00", Until: "24:00"}}
	}
	k, err := New(care.Calendar{Zone: "America/Chicago", Preset: "us", Hours: always})
	if err != nil {
		t.Fatal(err)
	}
	for year := 2020; year <= 2040; year++ {
		shown := map[string]string{}
		for _, h := range Preset("us", year) {
			shown[h.Date] = h.Name
		}
		for d := time.Date(year, time.January, 1, 12, 0, 0, 0, k.Location()); d.Year() == year; d = d.AddDate(0, 0, 1) {
			if name, closed := shown[d.Format(time.DateOnly)]; closed == k.Open(d) {
				t.Errorf("%s: shown as %q, open %v", d.Format(time.DateOnly), name, k.Open(d))
			}
		}
	}
	if got := Preset("us", 2021)[0]; got.Name != "New Year's Day" {
		t.Errorf("the first day of 2021 is %q", got.Name)
	}
	if Preset("", 2026) != nil {
		t.Error("no preset has days")
	}
}
