package admin

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// officeRow is one line of the list of offices.
type officeRow struct {
	URL, Name, Specialty string
	Answers, Promise     string
	Badge                badge // none: the provider is in
	Current              bool
}

// officePage is the list with what stands beside it.
type officePage struct {
	Rows     []officeRow
	Beside   templ.Component
	NoDoctor bool
}

// absence is one that is set, or is being set.
type absence struct {
	Form   form
	Office care.Office
	Who    string // "Dr. Ana Lee"
	Sees   sees
	Covers []option
	Known  bool // it is set, and can be ended
	Now    bool // and is on
	From   string
}

func (a absence) heading() string {
	if a.Known && !a.Now {
		return "To come: " + a.Who + " is out of office"
	}
	return "Out of office: " + a.Who
}

// sees is what members read of an absence.
type sees struct{ Line, Reads string }

type office struct {
	Editor   form
	Office   care.Office
	Heading  string
	URL      string
	Doctors  []option
	People   []option
	Absences []absence // those to come, in their order
	New      absence
	Another  bool // the form of one more is open
}

func (v visit) people() ([]seat.Employee, error) {
	all, err := v.Admin.Staff(v.r.Context())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(e seat.Employee) bool { return e.Standing.Kind == seat.StandingLeft || e.Role == care.RoleAgent }), nil
}

func (v visit) officeList(current care.OfficeID, beside templ.Component) (page, error) {
	people, err := v.people()
	if err != nil {
		return page{}, err
	}
	p := v.Practice()
	clock := v.clock()
	list := officePage{Beside: beside, NoDoctor: !slices.ContainsFunc(people, func(e seat.Employee) bool { return e.Role == care.RolePhysician })}
	for _, o := range v.Offices() {
		r := officeRow{URL: link.AdminOffice(o.ID), Name: o.Name, Specialty: o.Specialty, Promise: say.Within(p.Policy.Promise()), Current: o.ID == current}
		var answer []string
		for _, e := range people {
			if slices.Contains(e.Offices, o.ID) {
				answer = append(answer, short(e.Person))
			}
		}
		r.Answers = joined(answer)
		if coming := comingAbsences(p.Calendar.Absences, o.Provider, clock); len(coming) > 0 {
			r.Badge = absenceBadge(coming[0], clock)
		}
		list.Rows = append(list.Rows, r)
	}
	return page{Tab: "offices", Sub: beside != nil, Body: offices(list)}, nil
}

func absenceBadge(a care.Absence, c say.Clock) badge {
	switch {
	case a.From > today(c):
		until := ""
		if a.Until != "" {
			until = " to " + c.ISODate(a.Until)
		}
		return badge{"is-line", "calendar", "Out " + c.ISODate(a.From) + until, ""}
	case a.Until == "":
		return badge{"is-warn", "calendar-off", "Out without an end", ""}
	}
	return badge{"is-warn", "calendar-off", "Out until " + c.ISODate(dayAfter(a.Until)), ""}
}

func today(c say.Clock) string { return c.Now.In(c.Zone).Format(time.DateOnly) }

// comingAbsences are those of a person that are not over, in their order.
func comingAbsences(all []care.Absence, who care.PersonID, c say.Clock) []care.Absence {
	var out []care.Absence
	for _, a := range all {
		if a.Person == who && (a.Until == "" || a.Until >= today(c)) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b care.Absence) int { return cmp.Compare(a.From, b.From) })
	return out
}

func dayAfter(date string) string  { return shift(date, 1) }
func dayBefore(date string) string { return shift(date, -1) }

// shift moves a date by days; what is no date stays as it is, to be refused.
func shift(date string, days int) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

func (v visit) offices() error {
	p, err := v.officeList("", nil)
	if err != nil {
		return err
	}
	v.show(p)
	return nil
}

func (v visit) newOffice() error {
	b, err := v.office(care.Office{})
	if err != nil {
		return err
	}
	p, err := v.officeList("", officeEditor(b))
	if err != nil {
		return err
	}
	p.Esc = true
	v.show(p)
	return nil
}

func (v visit) officeAsked() (care.Office, error) {
	id := care.OfficeID(v.r.PathValue("office"))
	for _, o := range v.Offices() {
		if o.ID == id {
			return o, nil
		}
	}
	return care.Office{}, care.Refusef(care.NotFound, "There is no such office.")
}

// office is what stands beside the list of an office, or of one to come.
func (v visit) office(o care.Office) (office, error) {
	people, err := v.people()
	if err != nil {
		return office{}, err
	}
	b := office{Office: o, Heading: "Add an office", URL: link.AdminOffices}
	if o.ID != "" {
		b.Heading, b.URL = o.Name, link.AdminOffice(o.ID)
	}
	b.Editor = newForm("office", b.URL, "name", o.Name, "specialty", o.Specialty, "provider", string(o.Provider), "phone", o.Phone)
	b.Editor.Values["people"] = nil
	b.Doctors = []option{{"", "Choose a physician"}}
	for _, e := range people {
		if e.Role == care.RolePhysician {
			b.Doctors = append(b.Doctors, option{string(e.ID), shown(e.Person)})
		}
		b.People = append(b.People, option{string(e.ID), shown(e.Person)})
		if slices.Contains(e.Offices, o.ID) {
			b.Editor.Values.Add("people", string(e.ID))
		}
	}
	if b.Editor, err = v.begun(b.Editor); err != nil || o.ID == "" {
		return b, err
	}
	clock := v.clock()
	for _, a := range comingAbsences(v.Practice().Calendar.Absences, o.Provider, clock) {
		set, err := v.absence(o, a, true, people)
		if err != nil {
			return b, err
		}
		b.Absences = append(b.Absences, set)
	}
	b.Another = v.r.URL.Query().Get("at") == "absence"
	b.New, err = v.absence(o, care.Absence{Person: o.Provider}, false, people)
	return b, err
}

func (v visit) absence(o care.Office, a care.Absence, known bool, people []seat.Employee) (absence, error) {
	id := "absence-" + cmp.Or(a.From, "new-"+number(len(v.Practice().Calendar.Absences)))
	back := ""
	if a.Until != "" {
		back = dayAfter(a.Until)
	}
	out := absence{Office: o, Form: newForm(id, link.With(link.AdminAbsence(o.ID), "from", a.From), "was", a.From, "from", a.From, "until", back, "cover", string(a.Cover)), Known: known, From: a.From,
		Now: known && a.From <= today(v.clock()), Covers: []option{{"", "Nobody: promised times stand still"}}}
	for _, e := range people {
		if e.ID == o.Provider {
			out.Who = shown(e.Person)
			continue
		}
		if e.Role == care.RolePhysician || e.Role == care.RolePA {
			out.Covers = append(out.Covers, option{string(e.ID), v.withSpecialty(e)})
		}
	}
	var err error
	out.Form, err = v.begun(out.Form)
	out.Covers = among(out.Covers, out.Form.get("cover"))
	out.Sees = v.sees(o, absenceIn(out.Form.Values, o), people)
	return out, err
}

func (v visit) withSpecialty(e seat.Employee) string {
	for _, o := range v.Offices() {
		if o.Provider == e.ID && o.Specialty != "" {
			return shown(e.Person) + " - " + o.Specialty
		}
	}
	return shown(e.Person)
}

// sees is what members would read of an absence. The day on which somebody is back is the first business day after it.
func (v visit) sees(o care.Office, a care.Absence, people []seat.Employee) sees {
	if a.From == "" {
		return sees{}
	}
	as := view.Absence{Until: a.Until}
	for _, e := range people {
		switch e.ID {
		case o.Provider:
			as.Person = e.Person
		case a.Cover:
			as.Cover = e.Person
		}
	}
	if as.Cover.ID != "" && as.Cover.Shown == "" {
		as.Cover.Shown = as.Cover.Name
	}
	if k, err := promise.New(v.Practice().Calendar); err == nil && a.Until != "" {
		as.Back = k.NextBusinessDay(a.Until)
	}
	return sees{parts.Away(&as, v.clock()) + ".", parts.StillReads(&as)}
}

func (v visit) officeShown() error {
	o, err := v.officeAsked()
	if err != nil {
		return err
	}
	p, err := v.officePage(o)
	if err != nil {
		return err
	}
	v.show(p)
	return nil
}

func (v visit) officePage(o care.Office) (page, error) {
	b, err := v.office(o)
	if err != nil {
		return page{}, err
	}
	return v.officeList(o.ID, officeBeside(b))
}

func (v visit) addOffice() error {
	o, err := v.AddOffice(v.r.Context(), v.typedOffice(care.Office{}))
	if err != nil {
		return v.officeRefused(err, care.Office{})
	}
	return v.officeSaved(o, true)
}

func (v visit) setOffice() error {
	o, err := v.officeAsked()
	if err != nil {
		return err
	}
	set, err := v.SetOffice(v.r.Context(), v.typedOffice(o))
	if err != nil {
		return v.officeRefused(err, o)
	}
	return v.officeSaved(set, false)
}

func (v visit) typedOffice(o care.Office) care.Office {
	o.Name, o.Specialty, o.Provider, o.Phone = v.typed("name"), v.typed("specialty"), care.PersonID(v.typed("provider")), v.typed("phone")
	return o
}

func (v visit) officeRefused(err error, o care.Office) error {
	b, failed := v.office(o)
	if failed != nil {
		return failed
	}
	return v.refused(err, b.Editor.with(v.r.PostForm), func(f form) templ.Component {
		b.Editor = f
		return officeForm(b)
	})
}

// officeSaved settles who answers for an office, and shows it.
func (v visit) officeSaved(o care.Office, added bool) error {
	people, err := v.people()
	if err != nil {
		return err
	}
	ticked := v.r.PostForm["people"]
	if added && len(ticked) == 0 && o.Provider != "" {
		ticked = []string{string(o.Provider)} // an office for which nobody answers reads nothing
	}
	for _, e := range people {
		is, wanted := slices.Contains(e.Offices, o.ID), slices.Contains(ticked, string(e.ID))
		if is == wanted {
			continue
		}
		offices := slices.DeleteFunc(slices.Clone(e.Offices), func(id care.OfficeID) bool { return id == o.ID })
		if wanted {
			offices = append(offices, o.ID)
		}
		if err := v.SetPerson(v.r.Context(), e.Person, offices); err != nil {
			return v.officeRefused(in(err, "people"), o)
		}
	}
	p, err := v.officePage(o)
	if err != nil {
		return err
	}
	if added {
		v.moved(p, link.AdminOffice(o.ID), "The office is added.")
	} else {
		v.changed(p, "Saved.")
	}
	return nil
}

// typedAbsence reads an absence. A form asks for the day on which somebody is back; an absence has its last day.
func (v visit) typedAbsence(o care.Office) care.Absence {
	return absenceIn(v.r.PostForm, o)
}

func absenceIn(typed url.Values, o care.Office) care.Absence {
	a := care.Absence{Person: o.Provider, From: say.Line(typed.Get("from")), Cover: care.PersonID(say.Line(typed.Get("cover")))}
	if back := say.Line(typed.Get("until")); back != "" {
		a.Until = dayBefore(back)
	}
	return a
}

func (v visit) setAbsence() error {
	o, err := v.officeAsked()
	if err != nil {
		return err
	}
	a, was := v.typedAbsence(o), v.typed("was")
	err = v.SetAbsence(v.r.Context(), a)
	if err == nil && was != "" && was != a.From { // it begins on another day: the one that it was goes
		err = v.EndAbsence(v.r.Context(), o.Provider, was)
	}
	if err != nil {
		people, failed := v.people()
		if failed != nil {
			return failed
		}
		b, failed := v.absence(o, care.Absence{Person: o.Provider, From: was}, was != "", people)
		if failed != nil {
			return failed
		}
		b.Sees = v.sees(o, a, people)
		return v.refused(err, b.Form.with(v.r.PostForm), func(f form) templ.Component {
			b.Form = f
			return absenceForm(b)
		})
	}
	return v.absencesChanged(o, "Saved. Members see it from now on.")
}

func (v visit) endAbsence() error {
	o, err := v.officeAsked()
	if err != nil {
		return err
	}
	if err := v.EndAbsence(v.r.Context(), o.Provider, v.typed("from")); err != nil {
		return err
	}
	return v.absencesChanged(o, "Ended.")
}

func (v visit) absencesChanged(o care.Office, done string) error {
	p, err := v.officePage(o)
	if err != nil {
		return err
	}
	v.changed(p, done)
	return nil
}

// absenceSeen is the preview, while an absence is being typed.
func (v visit) absenceSeen() error {
	o, err := v.officeAsked()
	if err != nil {
		return err
	}
	people, err := v.people()
	if err != nil {
		return err
	}
	respond.HTML(v.w, v.r, seen(v.r.PostForm.Get("preview"), v.sees(o, v.typedAbsence(o), people)))
	return nil
}
