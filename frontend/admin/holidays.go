package admin

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/frontend/link"
	"postern/frontend/say"
)

// dayRow is one closed or half day.
type dayRow struct {
	URL, Day, Name, Hours string
	Half                  bool // open, for other hours
	Own                   bool
}

// month is one of the small calendars.
type month struct {
	Name string
	Days []monthDay // from the Sunday on or before the first
}

type monthDay struct{ Text, Class, Title string }

// holidayPage is the tab.
type holidayPage struct {
	Years    string
	Rows     []dayRow
	Months   []month
	Check    check
	Editor   *dayEditor
	Hours    form
	Practice form
	Notices  notices
}

// check is a worked example that proves the calendar.
type check struct {
	Delivered, Due string
	Because        string // the end of the sentence
	Problem        string
}

// dayEditor is the form of one day.
type dayEditor struct {
	Form   form
	Name   string
	Date   string
	Own    bool // it is the practice's, and can be ended
	Preset bool // it is of the preset, too
}

var weekdays = []option{{"mon", "Monday"}, {"tue", "Tuesday"}, {"wed", "Wednesday"}, {"thu", "Thursday"}, {"fri", "Friday"}, {"sat", "Saturday"}, {"sun", "Sunday"}}

// ahead are the closed and half days of the next twelve months: the preset's, and the practice's own in their place.
func ahead(c care.Calendar, from time.Time) []care.Holiday {
	first, last := from.Format(time.DateOnly), from.AddDate(1, 0, 0).Format(time.DateOnly)
	days := map[string]care.Holiday{}
	for year := from.Year(); year <= from.Year()+1; year++ {
		for _, h := range promise.Preset(c.Preset, year) {
			if t, err := time.Parse(time.DateOnly, h.Date); err == nil && opens(c, t) { // a weekend is closed as it is
				days[h.Date] = h
			}
		}
	}
	for _, h := range c.Holidays {
		days[h.Date] = h
	}
	var out []care.Holiday
	for _, h := range days {
		if h.Date >= first && h.Date < last {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b care.Holiday) int { return cmp.Compare(a.Date, b.Date) })
	return out
}

// opens reports whether a weekday has opening hours at all.
func opens(c care.Calendar, d time.Time) bool {
	return len(c.Hours[strings.ToLower(d.Format("Mon"))]) > 0
}

func own(c care.Calendar, date string) (care.Holiday, bool) {
	for _, h := range c.Holidays {
		if h.Date == date {
			return h, true
		}
	}
	return care.Holiday{}, false
}

func presetDay(c care.Calendar, date string) (care.Holiday, bool) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return care.Holiday{}, false
	}
	for _, h := range promise.Preset(c.Preset, t.Year()) {
		if h.Date == date {
			return h, true
		}
	}
	return care.Holiday{}, false
}

func (v visit) holidayPage() (holidayPage, error) {
	p, clock := v.Practice(), v.clock()
	cal := p.Calendar
	now := clock.Now.In(clock.Zone)
	b := holidayPage{Years: strconv.Itoa(now.Year()) + " and " + strconv.Itoa(now.Year()+1), Check: checkOf(p, clock)}
	days := ahead(cal, now)
	for _, h := range days {
		_, mine := own(cal, h.Date)
		b.Rows = append(b.Rows, dayRow{link.AdminHoliday(h.Date), clock.ISODay(h.Date), h.Name, hoursInWords(h.Hours), len(h.Hours) > 0, mine})
	}
	for i := range 4 {
		b.Months = append(b.Months, monthOf(cal, days, time.Date(now.Year(), now.Month()+time.Month(i), 1, 0, 0, 0, 0, time.UTC)))
	}
	b.Hours = newForm("hours", link.AdminHours, "zone", cal.Zone, "preset", cal.Preset, "hours", "")
	for _, d := range weekdays {
		b.Hours.Values.Set(d.Value, spans(cal.Hours[d.Value]))
	}
	pol := p.Policy
	b.Practice = newForm("practice", link.AdminPractice, "name", p.Name, "frontDesk", p.FrontDesk, "nurseLine", p.NurseLine,
		"promiseHours", strconv.Itoa(int(pol.Promise()/time.Hour)), "holdSeconds", strconv.Itoa(int(pol.Hold()/time.Second)), "staleHours", strconv.Itoa(int(pol.Stale()/time.Hour)),
		"memberLockMinutes", strconv.Itoa(int(pol.Lock(care.RoleMember)/time.Minute)), "staffLockMinutes", strconv.Itoa(int(pol.Lock(care.RoleNurse)/time.Minute)))
	var err error
	for _, f := range []*form{&b.Hours, &b.Practice} {
		if *f, err = v.begun(*f); err != nil {
			return b, err
		}
	}
	b.Notices, err = v.notices()
	return b, err
}

func monthOf(cal care.Calendar, days []care.Holiday, first time.Time) month {
	m := month{Name: first.Format("January 2006")}
	for range int(first.Weekday()) {
		m.Days = append(m.Days, monthDay{})
	}
	for d := first; d.Month() == first.Month(); d = d.AddDate(0, 0, 1) {
		day := monthDay{Text: strconv.Itoa(d.Day())}
		if !opens(cal, d) {
			day.Class = "shut"
		}
		for _, h := range days {
			if h.Date == d.Format(time.DateOnly) {
				day.Title, day.Class = h.Name, "off"
				if len(h.Hours) > 0 {
					day.Class = "half"
				}
			}
		}
		m.Days = append(m.Days, day)
	}
	return m
}

// checkOf works out by when a message is due that comes in the middle of the afternoon before the next closed days.
func checkOf(p care.Practice, c say.Clock) check {
	k, err := promise.New(p.Calendar)
	if err != nil {
		return check{Problem: care.SentenceOf(err)}
	}
	now := c.Now.In(c.Zone)
	at := time.Date(now.Year(), now.Month(), now.Day(), 15, 0, 0, 0, k.Location())
	days := ahead(p.Calendar, now)
	closed := func(d time.Time) (care.Holiday, bool) {
		i := slices.IndexFunc(days, func(h care.Holiday) bool { return h.Date == d.Format(time.DateOnly) })
		if i < 0 || len(days[i].Hours) > 0 || !opens(p.Calendar, d) {
			return care.Holiday{}, false
		}
		return days[i], true
	}
	for i := range 370 { // the last open afternoon before a day that is closed for a reason of its own
		d := at.AddDate(0, 0, i)
		if _, next := closed(d.AddDate(0, 0, 1)); next && k.Open(d) {
			at = d
			break
		}
	}
	due, _, ok := k.Due(at, p.Policy.Promise(), "")
	if !ok {
		return check{Problem: "With these hours no reply is ever due."}
	}
	out := check{Delivered: c.Day(at) + " at " + c.Time(at), Due: c.Day(due) + ", " + c.Time(due)}
	var names []string
	for d := at; d.Before(due); d = d.AddDate(0, 0, 1) {
		if _, is := closed(d); is {
			names = append(names, c.Date(d))
		}
	}
	switch n := len(names); {
	case n == 1:
		out.Because = ", because " + names[0] + " does not count."
	case n > 1:
		out.Because = ", because " + strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " do not count."
	default:
		out.Because = "."
	}
	return out
}

// spans are opening hours as they are typed: "09:00-12:00, 13:00-17:00".
func spans(all []care.Span) string {
	var out []string
	for _, s := range all {
		out = append(out, s.From+"-"+s.Until)
	}
	return strings.Join(out, ", ")
}

// readSpans reads them; what is no span is passed on, to be refused where the rules are.
func readSpans(text string) []care.Span {
	var out []care.Span
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		from, until, _ := strings.Cut(strings.ReplaceAll(part, "–", "-"), "-")
		out = append(out, care.Span{From: hour(from), Until: hour(until)})
	}
	return out
}

// hour writes an hour as a calendar does: 9:00 is 09:00.
func hour(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == 4 && s[1] == ':' {
		return "0" + s
	}
	return s
}

func hoursInWords(all []care.Span) string {
	if len(all) == 0 {
		return "Closed"
	}
	var out []string
	for _, s := range all {
		out = append(out, hourInWords(s.From)+" to "+hourInWords(s.Until))
	}
	return strings.Join(out, ", ")
}

func hourInWords(s string) string {
	t, err := time.Parse("15:04", s)
	switch {
	case s == "12:00":
		return "noon"
	case s == "24:00":
		return "midnight"
	case err != nil:
		return s
	case t.Minute() == 0:
		return t.Format("3 pm")
	}
	return t.Format("3:04 pm")
}

func (v visit) holidays() error {
	b, err := v.holidayPage()
	if err != nil {
		return err
	}
	v.show(page{Tab: "holidays", Body: holidays(b)})
	return nil
}

func (v visit) editor(date string) (*dayEditor, error) {
	e := &dayEditor{Date: date, Form: newForm("holiday", link.AdminHoliday(date), "date", "", "name", "", "hours", "", "was", "")}
	var err error
	if date == "new" {
		e.Form, err = v.begun(e.Form)
		return e, err
	}
	cal := v.Practice().Calendar
	h, mine := own(cal, date)
	given, preset := presetDay(cal, date)
	if !mine {
		h = given
	}
	if !mine && !preset {
		return nil, care.Refusef(care.NotFound, "There is no such day.")
	}
	e.Name, e.Own, e.Preset = h.Name, mine, preset
	e.Form = newForm("holiday", link.AdminHoliday(date), "date", h.Date, "name", h.Name, "hours", spans(h.Hours), "was", "")
	if mine {
		e.Form.Values.Set("was", h.Date)
	}
	e.Form, err = v.begun(e.Form)
	return e, err
}

func (v visit) holidayShown() error {
	e, err := v.editor(v.r.PathValue("date"))
	if err != nil {
		return err
	}
	b, err := v.holidayPage()
	if err != nil {
		return err
	}
	b.Editor = e
	v.show(page{Tab: "holidays", Sub: true, Esc: true, Body: holidays(b)})
	return nil
}

func (v visit) setHoliday() error {
	was := v.typed("was")
	h := care.Holiday{Date: v.typed("date"), Name: v.typed("name"), Hours: readSpans(v.typed("hours"))}
	err := v.SetHoliday(v.r.Context(), h)
	if err == nil && was != "" && was != h.Date { // it is on another day now
		err = v.EndHoliday(v.r.Context(), was)
	}
	if err != nil {
		e := &dayEditor{Date: "new", Form: newForm("holiday", v.r.PostForm.Get(keyField), "date", "", "name", "", "hours", "", "was", "").with(v.r.PostForm)}
		if was != "" {
			if known, failed := v.editor(was); failed == nil {
				e.Name, e.Own, e.Preset, e.Date = known.Name, known.Own, known.Preset, was
			}
		}
		return v.refused(err, e.Form, func(f form) templ.Component {
			e.Form = f
			return dayForm(*e)
		})
	}
	return v.holidaysMoved("Saved. Promised times follow from now on.")
}

func (v visit) endHoliday() error {
	if err := v.EndHoliday(v.r.Context(), v.typed("date")); err != nil {
		return err
	}
	return v.holidaysMoved("Taken out.")
}

func (v visit) holidaysMoved(done string) error {
	b, err := v.holidayPage()
	if err != nil {
		return err
	}
	v.moved(page{Tab: "holidays", Body: holidays(b)}, link.AdminHolidays, done)
	return nil
}

func (v visit) holidaysChanged(done string) error {
	b, err := v.holidayPage()
	if err != nil {
		return err
	}
	v.changed(page{Tab: "holidays", Body: holidays(b)}, done)
	return nil
}

func (v visit) setHours() error {
	p := v.Practice()
	p.Calendar.Zone, p.Calendar.Preset, p.Calendar.Hours = v.typed("zone"), v.typed("preset"), map[string][]care.Span{}
	for _, d := range weekdays {
		if s := readSpans(v.typed(d.Value)); len(s) > 0 {
			p.Calendar.Hours[d.Value] = s
		}
	}
	if err := v.SetPractice(v.r.Context(), p); err != nil {
		b, failed := v.holidayPage()
		if failed != nil {
			return errors.Join(err, failed)
		}
		return v.refused(err, b.Hours.with(v.r.PostForm), func(f form) templ.Component { return hoursForm(f) })
	}
	return v.holidaysChanged("Saved. Promised times follow from now on.")
}

func (v visit) setPractice() error {
	p := v.Practice()
	err := func() error {
		p.Name, p.FrontDesk, p.NurseLine = v.typed("name"), v.typed("frontDesk"), v.typed("nurseLine")
		for _, n := range []struct {
			name string
			to   *int
		}{{"promiseHours", &p.Policy.PromiseHours}, {"holdSeconds", &p.Policy.HoldSeconds}, {"staleHours", &p.Policy.StaleHours},
			{"memberLockMinutes", &p.Policy.MemberLockMinutes}, {"staffLockMinutes", &p.Policy.StaffLockMinutes}} {
			i, err := strconv.Atoi(v.typed(n.name))
			if err != nil || i < 0 || i == 0 && n.name != "holdSeconds" || i > 10000 {
				return care.Refusef(care.Invalid, "Type a whole number.").In(n.name)
			}
			*n.to = i
		}
		if p.Policy.HoldSeconds == 0 {
			p.Policy.HoldSeconds = -1 // none at all; zero would be the default
		}
		return v.SetPractice(v.r.Context(), p)
	}()
	if err != nil {
		b, failed := v.holidayPage()
		if failed != nil {
			return errors.Join(err, failed)
		}
		return v.refused(err, b.Practice.with(v.r.PostForm), func(f form) templ.Component { return practiceForm(f) })
	}
	return v.holidaysChanged("Saved.")
}
