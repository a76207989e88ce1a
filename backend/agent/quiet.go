package agent

import (
	"time"

	"postern/backend/care"
)

// quiet reports whether now is in the quiet span of the practice's day, and when that ends. It goes by the clock on the wall, over
// midnight too. A span that cannot be read, or is none, is the usual one.
func quiet(now time.Time, n care.Notices, zone *time.Location) (until time.Time, asleep bool) {
	from, till, ok := span(n.Asleep())
	if !ok {
		from, till, _ = span(care.Notices{}.Asleep())
	}
	local := now.In(zone)
	at := local.Hour()*60 + local.Minute()
	day := local.Day()
	switch {
	case from < till && (at < from || at >= till), from > till && at < from && at >= till:
		return time.Time{}, false
	case from > till && at >= from:
		day++
	}
	until = time.Date(local.Year(), local.Month(), day, till/60, till%60, 0, 0, zone)
	if !until.After(now) { // the clock was put back meanwhile, or shows no such time on this day
		until = now.Add(time.Minute)
	}
	return until, true
}

// span reads local times, in minutes of the day.
func span(s care.Span) (from, till int, ok bool) {
	minutes := func(text string) int {
		t, err := time.Parse("15:04", text)
		if err != nil {
			return -1
		}
		return t.Hour()*60 + t.Minute()
	}
	from, till = minutes(s.From), minutes(s.Until)
	return from, till, from >= 0 && till >= 0 && from != till
}

// zoneOf is the practice's time zone; UTC where this computer does not know it.
func zoneOf(p care.Practice) *time.Location {
	zone, err := time.LoadLocation(p.Calendar.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}
