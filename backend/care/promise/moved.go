package promise

import (
	"slices"
	"time"

	"postern/backend/care"
)

// Why says in a sentence for members why a reply to what was received then is due at another time by this calendar than by
// the one before: it tells of the first day that counts differently, until the later of the two due times (zero: without end).
// "" where there is no such day. name gives people's names as members read them.
func (k *Clock) Why(before *Clock, received, until time.Time, provider care.PersonID, name func(care.PersonID) string) string {
	if _, ok := k.yearOf(received); !ok || before == nil || before.none || k.none {
		return ""
	}
	if k.loc.String() != before.loc.String() {
		return hoursChanged
	}
	local := received.In(k.loc)
	now, was := k.daysFrom(local), before.daysFrom(local)
	for now.next() && was.next() {
		day := now.number()
		if !until.IsZero() && day > dayNumber(until.In(k.loc).Date()) {
			return ""
		}
		if len(now.spans()) == 0 && len(was.spans()) == 0 {
			continue
		}
		date := sayDay(day, local.Year())
		who, there := k.present(provider, day)
		_, before := before.present(provider, day)
		switch {
		case before && !there:
			return k.out(provider, day, local.Year(), name)
		case there && !before && who != provider:
			return name(who) + " covers for " + name(provider) + "."
		case there && !before:
			return name(provider) + " is in the office on " + date + "."
		case slices.EqualFunc(now.spans(), was.spans(), func(a, b span) bool { return a.from.Equal(b.from) && a.until.Equal(b.until) }):
		case !k.special(now.is, day) && !was.k.special(now.is, day):
			return hoursChanged
		case len(now.spans()) == 0:
			return "The clinic is closed on " + date + "."
		case len(was.spans()) == 0:
			return "The clinic is open on " + date + "."
		default:
			return "The clinic has other hours on " + date + "."
		}
	}
	return ""
}

const hoursChanged = "The clinic's hours changed."

// out says of somebody, who is absent on a day without anybody to cover, for how long.
func (k *Clock) out(p care.PersonID, day, year int, name func(care.PersonID) string) string {
	says := name(p) + " is out of office"
	i := slices.IndexFunc(k.absences[p], func(a absence) bool { return a.on(day) })
	switch a := k.absences[p][i]; {
	case a.Until == "":
		return says + " from " + sayDay(a.from, year) + " until further notice."
	case a.from == a.until:
		return says + " on " + sayDay(a.from, year) + "."
	default:
		return says + " from " + sayDay(a.from, year) + " to " + sayDay(a.until, year) + "."
	}
}

// special reports whether a day has other hours than its weekday.
func (k *Clock) special(year, day int) bool {
	_, own := k.own[day]
	return own || k.holidays(year)[day]
}

// sayDay is a day in words, with its year where that is another.
func sayDay(day, year int) string {
	t := time.Unix(int64(day)*86400, 0).UTC()
	if t.Year() != year {
		return t.Format("Monday, January 2, 2006")
	}
	return t.Format("Monday, January 2")
}
