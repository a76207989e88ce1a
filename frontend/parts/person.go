package parts

import (
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/say"
)

// MRN groups a record number of eight digits for reading; any other is shown as the clinic writes it.
func MRN(mrn string) string {
	if len(mrn) != 8 || strings.Trim(mrn, "0123456789") != "" {
		return mrn
	}
	return mrn[:4] + " " + mrn[4:]
}

// Age is the age in years on the clock's day. ok is false where no date of birth is known.
func Age(p care.Patient, clock say.Clock) (years int, ok bool) {
	born, err := time.Parse(time.DateOnly, p.Born)
	if err != nil {
		return 0, false
	}
	today := clock.Now.In(clock.Zone)
	years = today.Year() - born.Year()
	if today.Month() < born.Month() || today.Month() == born.Month() && today.Day() < born.Day() {
		years--
	}
	return max(0, years), true
}

// Initials are the first letters of a name's first and last word: "MV".
func Initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first := firstLetter(words[0])
	if len(words) == 1 {
		return first
	}
	return first + firstLetter(words[len(words)-1])
}

func firstLetter(word string) string {
	for _, r := range word {
		return strings.ToUpper(string(r))
	}
	return ""
}

// OutUntil is "until Mon Nov 30", the first day back; without a known end it says so.
func OutUntil(a view.Absence, clock say.Clock) string {
	switch {
	case !a.Back.IsZero():
		return "until " + clock.Day(a.Back)
	case a.Until != "":
		return "through " + clock.ISODay(a.Until)
	}
	return "with no return date yet"
}
