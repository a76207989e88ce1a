// Package say puts instants and spans into the words that the screens use: "Fri 3:42 pm", "by Tuesday, Nov 24", "4h left".
//
// All times are told in the practice's time zone. It reads no clock of its own: now comes from the caller.
package say

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// businessDay is the length of a business day in business time; longer spans are told in days of it.
const businessDay = 9 * time.Hour

// Clock tells times in one time zone, as of one instant.
type Clock struct {
	Zone *time.Location
	Now  time.Time
}

// Time is "3:42 pm".
func (c Clock) Time(t time.Time) string { return t.In(c.Zone).Format("3:04 pm") }

// Day is "Tue Nov 24", with the year where it is not this one.
func (c Clock) Day(t time.Time) string { return c.in(t).Format("Mon Jan 2" + c.year(t)) }

// LongDay is "Tuesday, Nov 24".
func (c Clock) LongDay(t time.Time) string { return c.in(t).Format("Monday, Jan 2" + c.year(t)) }

// Date is "Nov 12", without the weekday.
func (c Clock) Date(t time.Time) string { return c.in(t).Format("Jan 2" + c.year(t)) }

// Full is "Fri Nov 20, 3:42 pm": the head of a letter.
func (c Clock) Full(t time.Time) string {
	return c.in(t).Format("Mon Jan 2"+c.year(t)) + ", " + c.Time(t)
}

// Moment is "3:42 pm" today, "Fri 3:42 pm" within the week, "Nov 12" before: the time of a row in a list.
func (c Clock) Moment(t time.Time) string {
	switch days := c.daysAgo(t); {
	case days == 0:
		return c.Time(t)
	case days > 0 && days < 7:
		return c.in(t).Format("Mon 3:04 pm")
	}
	return c.Date(t)
}

// Stamp is "Fri 3:42 pm" within the week and "Nov 12, 3:42 pm" else: when something was delivered or read.
func (c Clock) Stamp(t time.Time) string {
	if days := c.daysAgo(t); days >= 0 && days < 7 {
		return c.in(t).Format("Mon 3:04 pm")
	}
	return c.Date(t) + ", " + c.Time(t)
}

// ISODay is an ISO 8601 date told as Day tells it; a text that is no date is given back as it is.
func (c Clock) ISODay(date string) string { return c.iso(date, c.Day) }

// ISODate is an ISO 8601 date told as Date tells it.
func (c Clock) ISODate(date string) string { return c.iso(date, c.Date) }

// ISODated is an ISO 8601 date told with its year, whichever it is: "Mar 4, 1980".
func (c Clock) ISODated(date string) string {
	return c.iso(date, func(t time.Time) string { return t.Format("Jan 2, 2006") })
}

func (c Clock) iso(date string, tell func(time.Time) string) string {
	t, err := time.ParseInLocation(time.DateOnly, date, c.Zone)
	if err != nil {
		return date
	}
	return tell(t)
}

// Dated is "Fri Nov 20, 2026, 3:42 pm CST": for what is read long after, and elsewhere.
func (c Clock) Dated(t time.Time) string { return c.in(t).Format("Mon Jan 2, 2006, 3:04 pm MST") }

// DatedDay is "Tue Nov 24, 2026".
func (c Clock) DatedDay(t time.Time) string { return c.in(t).Format("Mon Jan 2, 2006") }

// Machine is the instant for the datetime attribute of a time element.
func (c Clock) Machine(t time.Time) string { return c.in(t).Format(time.RFC3339) }

func (c Clock) in(t time.Time) time.Time { return t.In(c.Zone) }

func (c Clock) year(t time.Time) string {
	if c.in(t).Year() == c.in(c.Now).Year() {
		return ""
	}
	return ", 2006"
}

// daysAgo counts calendar days in the zone; negative for a day to come.
func (c Clock) daysAgo(t time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := c.in(t).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(c.Now).Sub(midnight(t)) / (24 * time.Hour))
}

// Span is business time rounded down: "1d 8h", "2d", "4h", "25m"; never a minus sign.
func Span(d time.Duration) string {
	d = d.Abs()
	days, rest := d/businessDay, d%businessDay
	hours := rest / time.Hour
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case days > 0:
		return fmt.Sprintf("%dd", days)
	case hours > 0:
		return fmt.Sprintf("%dh", hours)
	}
	return fmt.Sprintf("%dm", rest/time.Minute)
}

// Within is the practice's promise in words: "two business days" of 18 business hours.
func Within(promise time.Duration) string {
	if promise%businessDay != 0 {
		return count(int(promise/time.Hour), "business hour")
	}
	return count(int(promise/businessDay), "business day")
}

var small = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

func count(n int, what string) string {
	number := strconv.Itoa(n)
	if n < len(small) {
		number = small[n]
	}
	if n != 1 {
		what += "s"
	}
	return number + " " + what
}

// Number is "1,240".
func Number(n int) string {
	s := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// Size is the number of characters against what fits: "12 of 80".
func Size(n, most int) string { return Number(n) + " of " + Number(most) }

// Line is the first line of a text that holds something, for one-line summaries.
func Line(text string) string { return strings.Join(strings.Fields(text), " ") }

// Block is a paragraph, or a list where Items is not empty.
type Block struct {
	Lines []string
	Items []string
}

// Blocks cuts plain text into paragraphs at empty lines and into lists at lines that begin "- ". Nothing else is markup.
func Blocks(text string) []Block {
	var blocks []Block
	var open *Block
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if strings.TrimSpace(line) == "" {
			open = nil
			continue
		}
		item, isItem := strings.CutPrefix(line, "- ")
		if open == nil || isItem != (open.Items != nil) {
			blocks = append(blocks, Block{})
			open = &blocks[len(blocks)-1]
		}
		if isItem {
			open.Items = append(open.Items, item)
		} else {
			open.Lines = append(open.Lines, line)
		}
	}
	return blocks
}
