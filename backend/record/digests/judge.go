package digests

import (
	"cmp"
	"slices"
	"time"

	"postern/backend/care"
)

// Device is one of the care team's, as the directory has it.
type Device struct {
	Key       care.KeyID
	Person    care.PersonID
	Since     time.Time
	Withdrawn time.Time // zero: it is in force
}

// Kind is a sort of finding.
type Kind string

// The sorts.
const (
	Broken  Kind = "broken"  // the device says itself that its record does not hold, from row No on
	Cut     Kind = "cut"     // rows that it had told of are gone, or are others now
	PutBack Kind = "putback" // two digests follow the same one: an older copy of the record was put back
	Anew    Kind = "anew"    // the record begins again
	Lost    Kind = "lost"    // a digest names one before it that has not come
	Missing Kind = "missing" // the device signed something on these days and no digest tells of them
	Never   Kind = "never"   // it signs things and has not sent any digest
)

// Finding is one thing that does not fit together.
type Finding struct {
	Kind Kind
	Day  string   // on which it shows
	Days []string // of Missing, Never
	No   int64    // of Broken
}

// Standing is how the digests of one device stand.
type Standing struct {
	Device
	Newest   Digest // zero: none has come
	Digests  int
	Findings []Finding // newest first
}

// Late is how a device stands of which nothing came after the last Missing day.
func (s Standing) Late() bool {
	return len(s.Findings) > 0 && (s.Findings[0].Kind == Missing && s.Findings[0].Days[len(s.Findings[0].Days)-1] > s.Newest.Day || s.Findings[0].Kind == Never)
}

// Judge looks at each device's digests. Of today nothing is missing yet: a digest may be on its way. What came from a device
// after it was withdrawn does not count, and nothing of it is missed from then on.
func Judge(all []Digest, active map[care.KeyID][]string, devices []Device, today string, day func(time.Time) string) []Standing {
	by := map[care.KeyID][]Digest{}
	for _, d := range all {
		by[d.Device] = append(by[d.Device], d)
	}
	out := make([]Standing, 0, len(devices))
	for _, dev := range devices {
		own, days := by[dev.Key], active[dev.Key]
		if !dev.Withdrawn.IsZero() {
			own = slices.DeleteFunc(own, func(d Digest) bool { return d.Arrived.After(dev.Withdrawn) })
			last := day(dev.Withdrawn)
			days = slices.DeleteFunc(slices.Clone(days), func(d string) bool { return d >= last })
		}
		days = slices.DeleteFunc(slices.Clone(days), func(d string) bool { return d >= today })
		out = append(out, judge(dev, own, days))
	}
	return out
}

func judge(dev Device, own []Digest, days []string) Standing {
	s := Standing{Device: dev, Digests: len(own)}
	if len(own) == 0 {
		if len(days) > 0 {
			s.Findings = []Finding{{Kind: Never, Day: days[len(days)-1], Days: days}}
		}
		return s
	}
	slices.SortFunc(own, func(a, b Digest) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), a.At.Compare(b.At), cmp.Compare(a.Last, b.Last), a.Event.Compare(b.Event))
	})
	own = slices.CompactFunc(own, func(a, b Digest) bool { return a.Event == b.Event })
	s.Digests, s.Newest = len(own), own[len(own)-1]
	held := map[care.EventID]Digest{}
	for _, d := range own {
		held[d.Event] = d
	}
	follows := map[care.EventID]bool{}
	broken := map[int64]bool{}
	told := map[string]bool{}
	for _, d := range own {
		told[d.Day] = true
		s.Findings = append(s.Findings, follow(d, held, follows)...)
		if d.Broken > 0 && !broken[d.Broken] {
			broken[d.Broken] = true
			s.Findings = append(s.Findings, Finding{Kind: Broken, Day: d.Day, No: d.Broken})
		}
	}
	s.Findings = append(s.Findings, missing(own[0].Day, days, told)...)
	slices.SortStableFunc(s.Findings, func(a, b Finding) int { return cmp.Compare(b.Day, a.Day) })
	return s
}

// follow looks at how a digest follows the one that it names. follows holds those that one follows already.
func follow(d Digest, held map[care.EventID]Digest, follows map[care.EventID]bool) []Finding {
	twice := follows[d.Over]
	follows[d.Over] = true
	before, have := held[d.Over]
	switch {
	case d.Over.IsZero() && twice:
		return []Finding{{Kind: Anew, Day: d.Day}}
	case twice:
		return []Finding{{Kind: PutBack, Day: d.Day}}
	case d.Over.IsZero():
		if d.First != 1 || d.Before != "" {
			return []Finding{{Kind: Cut, Day: d.Day}}
		}
	case !have:
		return []Finding{{Kind: Lost, Day: d.Day}}
	case d.First != before.Last+1 || d.Before != before.Head:
		return []Finding{{Kind: Cut, Day: d.Day}}
	}
	return nil
}

// missing finds the days without a digest since the first one; those between two digests are one finding.
func missing(since string, days []string, told map[string]bool) (all []Finding) {
	var run []string
	end := func() {
		if len(run) > 0 {
			all = append(all, Finding{Kind: Missing, Day: run[len(run)-1], Days: run})
			run = nil
		}
	}
	at := make([]string, 0, len(days)+len(told))
	at = append(at, days...)
	for d := range told {
		at = append(at, d)
	}
	slices.Sort(at)
	for _, d := range slices.Compact(at) {
		switch {
		case told[d]:
			end()
		case d > since:
			run = append(run, d)
		}
	}
	end()
	return all
}
