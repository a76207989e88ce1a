package promise

import (
	"slices"
	"strings"
	"time"

	"postern/backend/care"
)

// Preset are the closed days of a holiday preset in one year, by date. Where a holiday is kept on another day, both are closed.
func Preset(preset string, year int) []care.Holiday {
	var days []care.Holiday
	for _, h := range presets[preset] {
		for of := year - 1; of <= year+1; of++ {
			actual, observed := h.Calc(of)
			days = append(days, day(actual, h.Name, year)...)
			if !observed.Equal(actual) {
				days = append(days, day(observed, h.Name+" (observed)", year)...)
			}
		}
	}
	slices.SortFunc(days, func(a, b care.Holiday) int { return strings.Compare(a.Date, b.Date) })
	return days
}

func day(t time.Time, name string, year int) []care.Holiday {
	if t.IsZero() || t.Year() != year {
		return nil
	}
	return []care.Holiday{{Date: t.Format(time.DateOnly), Name: name}}
}
