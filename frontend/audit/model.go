package audit

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/backend/care"
	"postern/frontend/parts"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// most is how many entries are listed: who wants all has the file.
const most = 500

// recent is for how long what does not fit together stands on top.
const recent = 30 * 24 * time.Hour

// quiet is after how long without a digest a computer is said to be quiet. Nobody has to use one every day.
const quiet = 7 * 24 * time.Hour

const rowsID = "audit-rows"

// rowsModel is the part with this computer's entries.
type rowsModel struct {
	Question seat.AuditQuestion
	Errors   fields
	Broken   string
	Count    string
	Rows     []row
	None     string // what stands in place of the rows
}

type row struct {
	No, When, Machine, Who, What, Name, MRN, Part string
}

func rowsOf(q seat.AuditQuestion, found seat.AuditRows, errors fields, clock say.Clock) rowsModel {
	m := rowsModel{Question: q, Errors: errors, Broken: found.Broken}
	for _, r := range found.Rows[:min(len(found.Rows), most)] {
		out := row{No: strconv.FormatInt(r.No, 10), When: clock.Date(r.At) + ", " + clock.Time(r.At), Machine: clock.Machine(r.At), Who: cmp.Or(r.Person.Shown, r.Person.Name),
			What: done(r), Name: r.Patient.Name, MRN: parts.MRN(r.Patient.MRN)}
		if !r.Part.IsZero() {
			out.Part = r.Part.String()[:8] // tells it from a patient's others
		}
		m.Rows = append(m.Rows, out)
	}
	switch {
	case len(errors) > 0:
		m.None = "Nothing was looked for."
	case len(found.Rows) == 0:
		m.None = "No entry fits. Change what you look for."
	case len(found.Rows) > most:
		m.Count = "The newest " + say.Number(most) + " of " + say.Number(len(found.Rows)) + " are listed. Narrow the search, or export them all."
	default:
		m.Count = say.Number(len(found.Rows)) + " of " + say.Number(found.All) + " entries."
	}
	return m
}

// computers is the part with what the care team's computers told.
type computers struct {
	Alerts []alert
	All    []computer
	None   string
}

// alert is one thing to look at.
type alert struct {
	Class, Icon  string
	Strong, Text string
}

type computer struct {
	Name, Key         string
	Last, Rows, Tells string
	Class, Icon, Word string
	More              []string // what was found, older things too
}

func computersOf(all []seat.Computer, clock say.Clock) computers {
	var m computers
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b seat.Computer) int { return cmp.Compare(rank(a, clock), rank(b, clock)) })
	for _, c := range all {
		m.All = append(m.All, computerOf(c, clock))
		for _, f := range c.Findings {
			if !old(f.Day, clock, recent) {
				m.Alerts = append(m.Alerts, alertOf(c, f, clock))
			}
		}
	}
	slices.SortStableFunc(m.Alerts, func(a, b alert) int { return cmp.Compare(a.Class, b.Class) }) // bad, then warn
	if len(m.All) == 0 {
		m.None = "No computer of the care team is known here yet."
	}
	return m
}

// rank puts what wants attention on top, and what is withdrawn last.
func rank(c seat.Computer, clock say.Clock) int {
	switch {
	case len(c.Findings) > 0 && !old(c.Findings[0].Day, clock, recent):
		return 0
	case !c.Withdrawn.IsZero():
		return 2
	}
	return 1
}

// old reports whether a day is further back than that.
func old(day string, clock say.Clock, by time.Duration) bool {
	return day < clock.Now.Add(-by).In(clock.Zone).Format(time.DateOnly)
}

func computerOf(c seat.Computer, clock say.Clock) computer {
	out := computer{Name: nameOf(c, true), Key: c.Key.Shown(), Tells: tells(c.Counts), Class: "is-good", Icon: "circle-check", Word: "Complete"}
	if c.Last != "" {
		out.Last, out.Rows = clock.ISODay(c.Last), say.Number(int(c.Rows))
	}
	for _, f := range c.Findings {
		a := alertOf(c, f, clock)
		out.More = append(out.More, clock.ISODate(f.Day)+": "+a.Strong)
	}
	switch {
	case rank(c, clock) == 0:
		a := alertOf(c, c.Findings[0], clock)
		out.Class, out.Icon, out.Word = a.Class, a.Icon, words[c.Findings[0].Kind]
	case !c.Withdrawn.IsZero():
		out.Class, out.Icon, out.Word = "is-line", "lock", "Withdrawn "+clock.Date(c.Withdrawn)
	case c.Last == "":
		out.Class, out.Icon, out.Word = "is-line", "hourglass", "No digest yet"
	case old(c.Last, clock, quiet):
		out.Class, out.Icon, out.Word = "is-line", "hourglass", "Not in use, it seems"
	}
	return out
}

// words are a finding in a word or two.
var words = map[string]string{
	seat.FoundBroken: "Damaged", seat.FoundCut: "Does not fit", seat.FoundPutBack: "Put back", seat.FoundAnew: "Began anew",
	seat.FoundLost: "Digest lost", seat.FoundMissing: "Digest missing", seat.FoundNever: "Never told",
}

// nameOf is what a computer is called: by whose it is, and where they have several, which.
func nameOf(c seat.Computer, begins bool) string {
	switch {
	case c.Own && begins:
		return "This computer"
	case c.Own:
		return "this computer"
	case c.Person.Role == care.RoleAgent && begins:
		return "The clinic's agent"
	case c.Person.Role == care.RoleAgent:
		return "the clinic's agent"
	}
	name := cmp.Or(c.Person.Short, c.Person.Name, "Somebody") + "'s computer"
	if c.Of > 1 {
		name += " " + strconv.Itoa(c.Nth)
	}
	return name
}

// askFirst is said of what a person can explain, or a restored backup.
const askFirst = "A backup that was restored, or a repaired disk, looks like this. So does somebody who hides what they looked at. Ask what was done to the computer."

func alertOf(c seat.Computer, f seat.Finding, clock say.Clock) alert {
	who, day := nameOf(c, true), clock.ISODay(f.Day)
	a := alert{Class: "is-bad", Icon: "triangle-alert"}
	switch f.Kind {
	case seat.FoundMissing:
		a.Class, a.Icon = "is-warn", "clock-alert"
		a.Text = "It was in use: something was signed with it on " + days(f.Days, clock) + ". "
		if c.Late && slices.Equal(f.Days, c.Findings[0].Days) && c.Last != "" {
			a.Strong = who + " has sent no digest since " + clock.ISODay(c.Last) + "."
			a.Text += "Until it sends one, nobody can tell whether its record of then is whole."
		} else {
			a.Strong = who + " sent no digest on " + days(f.Days, clock) + "."
			a.Text += "The next one tells of that time, too."
		}
	case seat.FoundNever:
		a.Class, a.Icon = "is-warn", "clock-alert"
		a.Strong = who + " has never sent a digest."
		a.Text = "It was last in use on " + day + ". An older Postern sends none: update it."
	case seat.FoundLost:
		a.Class, a.Icon = "is-warn", "mail-x"
		a.Strong = "A digest of " + nameOf(c, false) + " has not arrived."
		a.Text = "The one of " + day + " follows another that is not here. It may still be on its way, or the mail system dropped it."
	case seat.FoundPutBack:
		a.Strong = "On " + day + " the record of " + nameOf(c, false) + " was an older copy of itself."
		a.Text = "What it had recorded since then is gone there; its digests still count it. " + askFirst
	case seat.FoundAnew:
		a.Strong = "On " + day + " the record of " + nameOf(c, false) + " began anew."
		a.Text = "All that it had recorded before is gone there; its digests still count it. " + askFirst
	case seat.FoundCut:
		a.Strong = "On " + day + " the record of " + nameOf(c, false) + " no longer led to what it had told before."
		a.Text = "Entries are gone or changed. " + askFirst
	default:
		a.Strong = who + " says that its own record is damaged from entry " + say.Number(int(f.No)) + " on."
		a.Text = "It says so since " + day + ". " + askFirst
	}
	return a
}

// days names days: all of a few, else the first and the last.
func days(all []string, clock say.Clock) string {
	var said []string
	for _, d := range all {
		said = append(said, clock.ISODay(d))
	}
	switch n := len(said); {
	case n == 1:
		return said[0]
	case n <= 3:
		return strings.Join(said[:n-1], ", ") + " and " + said[n-1]
	default:
		return say.Number(n) + " days from " + said[0] + " to " + said[n-1]
	}
}

// tells says what a digest counts of patients' conversations.
func tells(counts map[string]int) string {
	var all []string
	for _, c := range []struct{ what, word string }{{"view", "opened"}, {"copy", "copied"}, {"print", "printed"}, {"sign-in.refused", "wrong passphrases"}} {
		if n := counts[c.what]; n > 0 {
			all = append(all, say.Number(n)+" "+c.word)
		}
	}
	if len(all) == 0 {
		return "Nothing opened"
	}
	return strings.Join(all, ", ")
}

func times(n int) string { return say.Number(n) + " times" }

func asRefusal(err error) (*care.Error, bool) {
	var e *care.Error
	ok := errors.As(err, &e)
	return e, ok
}
