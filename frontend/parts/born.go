package parts

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// Born is a date of birth as people type it: in three fields, named month, day and year.
type Born struct{ Month, Day, Year string }

// BornOn is a date of birth, ISO 8601, as it stands in the fields.
func BornOn(date string) Born {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return Born{}
	}
	return Born{strconv.Itoa(int(t.Month())), strconv.Itoa(t.Day()), t.Format("2006")}
}

// Date reads it, or says what is wrong with its first field that is. A zero now is not compared with.
func (b Born) Date(now time.Time) (time.Time, Errors) {
	m, err := strconv.Atoi(b.Month)
	if err != nil || m < 1 || m > 12 {
		return time.Time{}, Errors{"month": "Month must be between 1 and 12."}
	}
	d, err := strconv.Atoi(b.Day)
	if err != nil || d < 1 || d > 31 {
		return time.Time{}, Errors{"day": "Day must be between 1 and 31."}
	}
	y, err := strconv.Atoi(b.Year)
	if err != nil || y < 1880 || y > 9999 {
		return time.Time{}, Errors{"year": "Type the year with four digits, such as 1980."}
	}
	date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	switch {
	case date.Day() != d:
		return time.Time{}, Errors{"day": "That month does not have so many days."}
	case !now.IsZero() && date.After(now):
		return time.Time{}, Errors{"year": "That day is still to come."}
	}
	return date, nil
}

// bornField is one of the three: its id is its name after prefix. Who types their own has the browser's help.
func bornField(prefix, name, need string, own bool, e Errors) templ.Attributes {
	a := templ.Attributes{"id": prefix + name, "name": name, "inputmode": "numeric", "autocomplete": "off"}
	if own {
		a["autocomplete"], a["data-need"] = "bday-"+name, need
	}
	by := prefix + "born-hint"
	if e[name] != "" {
		a["aria-invalid"], a["data-now"], by = "true", true, prefix+name+"-error "+by
	}
	a["aria-describedby"] = by
	return a
}
