// Package promise turns a practice's calendar into the instant by which a reply is due.
//
// It is pure: the instants come from the caller, the time zone from the calendar, never from the computer. Holidays come
// from github.com/rickar/cal/v2; hours, half days, absences and cover from care.Calendar. It promises nothing where
// nothing can be promised: a provider who is away without end and without cover has no due time.
package promise

import (
	"sync"
	"time"
	_ "time/tzdata" // a bare machine has no time zones of its own

	"github.com/rickar/cal/v2"

	"postern/backend/care"
)

func init() {
	// The library works out dates in the computer's time zone unless told otherwise. Where that zone skips midnight,
	// a holiday would move to the day before.
	cal.DefaultLoc = time.UTC
}

// horizon is how many days are looked through for the business time that a promise needs.
const horizon = 3660

// farthest bounds how far apart two instants are measured; what lies farther apart counts as this far.
const farthest = 5 * 366 * 24 * time.Hour

// Clock is a practice's business time. It does not change and may be used by many goroutines at once.
type Clock struct {
	loc      *time.Location
	week     [7][]stretch
	preset   []*cal.Holiday
	own      map[int][]stretch // by day number; empty: closed
	absences map[care.PersonID][]absence
	none     bool // there is no calendar behind it

	mu    sync.RWMutex
	years map[int]*year // worked out when first asked for
}

// stretch is opening hours within a day, in minutes from midnight on the wall clock.
type stretch struct{ from, until int }

// absence is an absence by day numbers, both ends included.
type absence struct {
	from, until int
	care.Absence
}

// span is one stretch of one day, in instants.
type span struct{ from, until time.Time }

// year is one year's business time, in local days.
type year struct {
	first  int             // the day number of January 1
	days   int             // 365 or 366
	begin  [367]int        // where in spans each day's begin; one more for the end
	spans  []span          // of the whole year, in order, none over another
	before []time.Duration // business time of the year before each span; one more for all of it
}

// dayNumber counts days from 1970-01-01, whatever the zone.
func dayNumber(y int, m time.Month, d int) int {
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// year gives the table of a year. A clock keeps a few of them; instants that a stranger chose cannot fill the memory.
func (k *Clock) year(number int) *year {
	k.mu.RLock()
	y := k.years[number]
	k.mu.RUnlock()
	if y != nil {
		return y
	}
	y = k.workOut(number)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.years) >= 32 {
		clear(k.years)
	}
	k.years[number] = y
	return y
}

func (k *Clock) workOut(number int) *year {
	y := &year{first: dayNumber(number, time.January, 1), before: []time.Duration{0}}
	y.days = dayNumber(number+1, time.January, 1) - y.first
	holidays := k.holidays(number)
	var last time.Time
	for day := range y.days {
		local := time.Date(number, time.January, 1+day, 12, 0, 0, 0, time.UTC)
		stretches, named := k.own[y.first+day]
		if !named && !holidays[y.first+day] {
			stretches = k.week[local.Weekday()]
		}
		for _, s := range stretches {
			from, until := k.instant(local, s.from), k.instant(local, s.until)
			if from.Before(last) { // the library does not say which of two equal wall times it means
				from = last
			}
			if until.After(from) {
				y.spans = append(y.spans, span{from, until})
				y.before = append(y.before, y.before[len(y.before)-1]+until.Sub(from))
				last = until
			}
		}
		y.begin[day+1] = len(y.spans)
	}
	return y
}

// instant is when the practice's wall clock shows a minute of a day. Where the clocks go forward, what they skip, be it
// an hour or a whole day, is the instant at which they do.
func (k *Clock) instant(date time.Time, minute int) time.Time {
	t := time.Date(date.Year(), date.Month(), date.Day(), 0, minute, 0, 0, k.loc)
	_, offset := t.Zone()
	shown := t.Unix() + int64(offset)
	wanted := time.Date(date.Year(), date.Month(), date.Day(), 0, minute, 0, 0, time.UTC).Unix()
	switch begin, end := t.ZoneBounds(); {
	case shown < wanted && !end.IsZero():
		return end
	case shown > wanted && !begin.IsZero():
		return begin
	}
	return t
}

// holidays are the preset's closed days of a year: the day itself and, where that is a weekend, the day it is observed
// on, which may lie in the year before.
func (k *Clock) holidays(number int) map[int]bool {
	closed := map[int]bool{}
	for _, h := range k.preset {
		for of := number - 1; of <= number+1; of++ {
			actual, observed := h.Calc(of)
			for _, day := range []time.Time{actual, observed} {
				if !day.IsZero() {
					closed[dayNumber(day.Date())] = true
				}
			}
		}
	}
	return closed
}
