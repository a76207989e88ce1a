package promise

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
)

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// New reads a calendar. A calendar that cannot be used is refused with care.Invalid: the field of the error is the field
// of care.Calendar, and the sentence says what in it is wrong.
func New(c care.Calendar) (*Clock, error) {
	k := &Clock{own: map[int][]stretch{}, absences: map[care.PersonID][]absence{}, years: map[int]*year{}}
	loc, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "" || c.Zone == "Local" {
		return nil, care.Refusef(care.Invalid, "The calendar's time zone %q is not known. A zone is named like America/Chicago.", c.Zone).In("zone")
	}
	k.loc = loc
	preset, known := presets[c.Preset]
	if !known {
		return nil, care.Refusef(care.Invalid, "The calendar's holiday preset %q is not known to this Postern.", c.Preset).In("preset")
	}
	k.preset = preset
	if err := k.readHours(c.Hours); err != nil {
		return nil, err
	}
	for _, h := range c.Holidays {
		day, ok := parseDay(h.Date)
		if !ok {
			return nil, care.Refusef(care.Invalid, "The holiday %q is on %q, which is not a date like 2026-12-24.", h.Name, h.Date).In("holidays")
		}
		if _, twice := k.own[day]; twice {
			return nil, care.Refusef(care.Invalid, "Two holidays are on %s.", h.Date).In("holidays")
		}
		hours, why := readSpans(h.Hours)
		if why != "" {
			return nil, care.Refusef(care.Invalid, "On the holiday %s, %s", h.Date, why).In("holidays")
		}
		k.own[day] = hours
	}
	for _, a := range c.Absences {
		if err := k.readAbsence(a); err != nil {
			return nil, err
		}
	}
	for _, list := range k.absences {
		slices.SortStableFunc(list, func(a, b absence) int { return a.from - b.from })
	}
	return k, nil
}

// None is the clock of a practice whose calendar cannot be read: it names no day and knows of nobody's absence, and
// measures what is left of others' promises in plain time. Of the calendar it keeps the time zone, if that can be read.
func None(c care.Calendar) *Clock {
	k := &Clock{loc: time.UTC, years: map[int]*year{}, none: true}
	if loc, err := time.LoadLocation(c.Zone); err == nil && c.Zone != "Local" {
		k.loc = loc
	}
	return k
}

// Promises reports whether there is a calendar to promise by.
func (k *Clock) Promises() bool { return !k.none }

func (k *Clock) readHours(hours map[string][]care.Span) error {
	open := false
	for _, name := range slices.Sorted(maps.Keys(hours)) {
		day, ok := weekdays[name]
		if !ok {
			return care.Refusef(care.Invalid, "The opening hours name the weekday %q. Use mon, tue, wed, thu, fri, sat, sun.", name).In("hours")
		}
		week, why := readSpans(hours[name])
		if why != "" {
			return care.Refusef(care.Invalid, "On %s, %s", name, why).In("hours")
		}
		k.week[day], open = week, open || len(week) > 0
	}
	if !open {
		return care.Refusef(care.Invalid, "The opening hours are empty on every weekday, so no reply would ever be due.").In("hours")
	}
	return nil
}

func (k *Clock) readAbsence(a care.Absence) error {
	if a.Person == "" {
		return care.Refusef(care.Invalid, "An absence from %s names nobody.", a.From).In("absences")
	}
	from, ok := parseDay(a.From)
	if !ok {
		return care.Refusef(care.Invalid, "An absence begins on %q, which is not a date like 2026-12-24.", a.From).In("absences")
	}
	until := math.MaxInt
	if a.Until != "" {
		if until, ok = parseDay(a.Until); !ok {
			return care.Refusef(care.Invalid, "An absence ends on %q, which is not a date like 2026-12-24.", a.Until).In("absences")
		}
	}
	if until < from {
		return care.Refusef(care.Invalid, "An absence from %s ends before it begins, on %s.", a.From, a.Until).In("absences")
	}
	k.absences[a.Person] = append(k.absences[a.Person], absence{from, until, a})
	return nil
}

// readSpans reads a day's opening hours, in any order; why says what is wrong with them.
func readSpans(spans []care.Span) (hours []stretch, why string) {
	for _, s := range spans {
		from, ok1 := parseMinute(s.From)
		until, ok2 := parseMinute(s.Until)
		switch {
		case !ok1 || !ok2:
			return nil, "the opening hours are from \"" + s.From + "\" until \"" + s.Until + "\". Hours are written like 09:00."
		case until <= from:
			return nil, "the opening hours from " + s.From + " end at " + s.Until + ", which is not later."
		}
		hours = append(hours, stretch{from, until})
	}
	slices.SortFunc(hours, func(a, b stretch) int { return a.from - b.from })
	for i := 1; i < len(hours); i++ {
		if hours[i].from < hours[i-1].until {
			return nil, "two stretches of opening hours overlap."
		}
	}
	return hours, ""
}

// parseMinute reads "00:00" to "24:00" as minutes from midnight.
func parseMinute(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' || strings.Trim(s[:2]+s[3:], "0123456789") != "" {
		return 0, false
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	at := hour*60 + minute
	return at, minute < 60 && at <= 24*60
}

// parseDay reads an ISO 8601 date as a day number.
func parseDay(s string) (int, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return dayNumber(t.Date()), err == nil
}
