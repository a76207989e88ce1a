package promise

import (
	"sort"
	"time"

	"postern/backend/care"
)

// Location is the practice's time zone.
func (k *Clock) Location() *time.Location { return k.loc }

// yearOf is the number of an instant's year. Times beyond four digits have none.
func (k *Clock) yearOf(t time.Time) (int, bool) {
	number := t.In(k.loc).Year()
	return number, number >= 1 && number <= 9999
}

// Open reports whether the practice is open at the instant. At its closing time it is not.
func (k *Clock) Open(at time.Time) bool {
	number, ok := k.yearOf(at)
	if !ok {
		return false
	}
	y := k.year(number)
	i := y.ending(at)
	return i < len(y.spans) && !at.Before(y.spans[i].from)
}

// ending is the first span that ends after the instant.
func (y *year) ending(t time.Time) int {
	return sort.Search(len(y.spans), func(i int) bool { return y.spans[i].until.After(t) })
}

// NextBusinessDay is when the practice opens on its first business day after an ISO 8601 date; the zero time if s is not
// a date or no such day is in sight. A day counts as soon as it has opening hours, a half day too.
func (k *Clock) NextBusinessDay(s string) time.Time {
	date, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	for days := k.daysFrom(date.AddDate(0, 0, 1)); days.next(); {
		if spans := days.spans(); len(spans) > 0 {
			return spans[0].from
		}
	}
	return time.Time{}
}

// Left is the business time from now until due, negative when due is over. It counts the practice's hours, whoever is
// away. More than five years count as five.
func (k *Clock) Left(now, due time.Time) time.Duration {
	if k.none {
		return due.Sub(now)
	}
	if due.Before(now) {
		return -k.between(due, now, now)
	}
	return k.between(now, due, now)
}

// Before is the latest instant, to the minute, from which that much business time had passed by now, whoever is away; the
// zero time if there was not so much within five years.
func (k *Clock) Before(now time.Time, span time.Duration) time.Time {
	const most = int(farthest / time.Minute)
	ago := sort.Search(most, func(minutes int) bool {
		return k.between(now.Add(-time.Duration(minutes)*time.Minute), now, now) >= span
	})
	if ago == most {
		return time.Time{}
	}
	return now.Add(-time.Duration(ago) * time.Minute)
}

// between is the business time from a to b, which is not earlier, near the one of them that is trusted.
func (k *Clock) between(a, b, trusted time.Time) time.Duration {
	if b.Sub(a) > farthest {
		if trusted.Equal(a) {
			b = a.Add(farthest)
		} else {
			a = b.Add(-farthest)
		}
	}
	from, ok := k.yearOf(a)
	until, ok2 := k.yearOf(b)
	if !ok || !ok2 {
		return 0
	}
	sum := k.year(until).upTo(b) - k.year(from).upTo(a)
	for number := from; number < until; number++ {
		y := k.year(number)
		sum += y.before[len(y.spans)]
	}
	return sum
}

// upTo is the business time of a year up to an instant in it.
func (y *year) upTo(t time.Time) time.Duration {
	i := y.ending(t)
	if i < len(y.spans) && t.After(y.spans[i].from) {
		return y.before[i] + t.Sub(y.spans[i].from)
	}
	return y.before[i]
}

// Due is the instant at which the promise's business time has passed since a message was received, and who answers in
// the provider's place: on the first day that counts, empty where the provider is there. Days on which the provider is
// absent and nobody covers do not count. What ends with the opening hours is due as they end, not as the next ones begin.
// ok is false where no due time can be named: within ten years there is not enough business time, as when the provider
// is away without end and without cover.
//
// A later receipt is never due earlier, nor a longer promise.
func (k *Clock) Due(received time.Time, promise time.Duration, provider care.PersonID) (due time.Time, cover care.PersonID, ok bool) {
	if _, ok := k.yearOf(received); !ok || k.none {
		return time.Time{}, "", false
	}
	need := max(0, promise)
	if need == 0 {
		_, cover, _ := k.Absent(provider, received)
		return received.In(k.loc), cover, true
	}
	counted := false
	for days := k.daysFrom(received.In(k.loc)); days.next(); {
		spans := days.spans()
		if len(spans) == 0 || !spans[len(spans)-1].until.After(received) {
			continue
		}
		who, there := k.present(provider, days.number())
		if !there {
			continue
		}
		if !counted && who != provider {
			cover = who
		}
		counted = true
		for _, s := range spans {
			from := s.from
			if received.After(from) {
				from = received
			}
			if open := s.until.Sub(from); open >= need {
				return from.Add(need).In(k.loc), cover, true
			} else if open > 0 {
				need -= open
			}
		}
	}
	return time.Time{}, "", false
}

// walk goes through days, the horizon at most.
type walk struct {
	k     *Clock
	year  *year
	is    int // the year's number
	day   int
	steps int
}

func (k *Clock) daysFrom(date time.Time) *walk {
	return &walk{k: k, year: k.year(date.Year()), is: date.Year(), day: date.YearDay() - 2}
}

// next goes to the next day; at first to the one where the walk begins.
func (w *walk) next() bool {
	w.day++
	if w.day >= w.year.days {
		w.is, w.day = w.is+1, 0
		w.year = w.k.year(w.is)
	}
	w.steps++
	return w.steps <= horizon
}

func (w *walk) spans() []span { return w.year.spans[w.year.begin[w.day]:w.year.begin[w.day+1]] }
func (w *walk) number() int   { return w.year.first + w.day }
