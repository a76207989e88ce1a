package admin

import (
	"cmp"
	"errors"
	"slices"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/seat"
)

// staffRow is one line of the table of the staff.
type staffRow struct {
	ID, URL, Name, Role string
	Offices             string
	Badge               badge
	Computers           string
	Act, Removal        string
	Alarm               bool
	Self                bool
}

// personPage is all of one person of the staff.
type personPage struct {
	seat.Employee
	Badge   badge
	Line    string
	URL     string
	Details form
	Offices []option
	Account account
	// Answered are the offices for which they answer, in words.
	Answered string
}

// Left reports whether they were removed.
func (b personPage) Left() bool { return b.Standing.Kind == seat.StandingLeft }

func (v visit) staffPage() (page, error) {
	all, err := v.Admin.Staff(v.r.Context())
	if err != nil {
		return page{}, err
	}
	clock := v.clock()
	var rows []staffRow
	for _, e := range all {
		r := staffRow{ID: string(e.ID), URL: link.AdminPerson(e.ID), Name: shown(e.Person), Role: roleNames[e.Role], Offices: officeNames(e.Offices, v.Offices()),
			Badge: standing(e.Standing, clock), Computers: computers(e.Devices), Alarm: e.Standing.Alarm != "", Self: e.Self}
		if !r.Alarm {
			r.Act = invites(e.Standing)
		}
		if e.Standing.Kind != seat.StandingLeft && !e.Self {
			r.Removal = r.URL + link.Removal
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b staffRow) int { // who has left stands at the end
		switch left := "Removed"; {
		case a.Badge.Text == left && b.Badge.Text != left:
			return 1
		case b.Badge.Text == left && a.Badge.Text != left:
			return -1
		}
		return 0
	})
	return page{Tab: "staff", Body: staff(rows)}, nil
}

func computers(devices []seat.Device) string {
	n := 0
	for _, d := range devices {
		if !d.Revoked {
			n++
		}
	}
	return number(n)
}

func (v visit) staff() error {
	p, err := v.staffPage()
	if err != nil {
		return err
	}
	v.show(p)
	return nil
}

func personForm(key string, p care.Person, offices []care.OfficeID) form {
	f := newForm("person", key, "name", p.Name, "shown", p.Shown, "short", p.Short, "pronoun", cmp.Or(p.Pronoun, "their"), "role", string(p.Role))
	f.Values["offices"] = nil
	for _, id := range offices {
		f.Values.Add("offices", string(id))
	}
	return f
}

func (v visit) officeOptions() []option {
	var out []option
	for _, o := range v.Offices() {
		out = append(out, option{string(o.ID), o.Name})
	}
	return out
}

// rolesToGive are the roles that a new person can have.
func rolesToGive() []option {
	out := []option{{"", "Choose a role"}}
	for _, r := range roles {
		out = append(out, option{string(r), roleNames[r]})
	}
	return out
}

func (v visit) newPerson() error {
	f, err := v.begun(personForm(link.AdminStaff, care.Person{}, nil))
	if err != nil {
		return err
	}
	v.show(page{Tab: "staff", Sub: true, Esc: true, Body: newPerson(f, rolesToGive(), v.officeOptions())})
	return nil
}

// typedPerson reads what was typed of a person over what is known of them.
func (v visit) typedPerson(p care.Person) (care.Person, []care.OfficeID) {
	p.Name, p.Shown, p.Short, p.Pronoun = v.typed("name"), v.typed("shown"), v.typed("short"), v.typed("pronoun")
	if p.ID == "" {
		p.Role = care.Role(v.typed("role"))
	} else {
		p.Initials = parts.Initials(p.Name)
	}
	var offices []care.OfficeID
	if p.Role == care.RoleAgent { // it is asked for none: what was ticked before the role was chosen is out of sight
		return p, nil
	}
	for _, id := range v.r.PostForm["offices"] {
		offices = append(offices, care.OfficeID(id))
	}
	return p, offices
}

func (v visit) addPerson() error {
	p, offices := v.typedPerson(care.Person{})
	var added care.Person
	err := error(care.Refusef(care.Invalid, "Choose a role.").In("role"))
	if p.Role != "" {
		added, err = v.AddPerson(v.r.Context(), p, offices)
	}
	if err != nil {
		return v.refused(err, personForm(link.AdminStaff, p, nil).with(v.r.PostForm), func(f form) templ.Component { return newPersonForm(f, rolesToGive(), v.officeOptions()) })
	}
	url := link.AdminPerson(added.ID)
	invited, err := v.Admin.Invite(v.r.Context(), added.ID)
	if err != nil { // they are added; their page has the button to invite again
		b, failed := v.person(added.ID)
		if failed != nil {
			return errors.Join(err, failed)
		}
		v.moved(page{Tab: "staff", Sub: true, Body: person(b)}, url, "Added, but not invited yet. "+care.SentenceOf(err))
		return nil
	}
	v.sheet(invited, url, shown(added), "staff")
	return nil
}

func (v visit) employee() (seat.Employee, error) {
	return v.employeeOf(care.PersonID(v.r.PathValue("person")))
}

func (v visit) employeeOf(id care.PersonID) (seat.Employee, error) {
	all, err := v.Admin.Staff(v.r.Context())
	if err != nil {
		return seat.Employee{}, err
	}
	for _, e := range all {
		if e.ID == id {
			return e, nil
		}
	}
	return seat.Employee{}, care.Refusef(care.NotFound, "There is no such person.")
}

func (v visit) person(id care.PersonID) (personPage, error) {
	e, err := v.employeeOf(id)
	if err != nil {
		return personPage{}, err
	}
	clock := v.clock()
	b := personPage{Employee: e, Badge: standing(e.Standing, clock), Line: roleNames[e.Role], URL: link.AdminPerson(e.ID),
		Offices: v.officeOptions(), Answered: officeNames(e.Offices, v.Offices())}
	if b.Details, err = v.begun(personForm(b.URL, e.Person, e.Offices)); err != nil {
		return b, err
	}
	b.Account = accountOf(e.ID, e.Standing, e.Devices, b.URL, clock)
	b.Account.Self = e.Self
	return b, nil
}

func (v visit) personShown() error {
	b, err := v.person(care.PersonID(v.r.PathValue("person")))
	if err != nil {
		return err
	}
	v.show(page{Tab: "staff", Sub: true, Body: person(b)})
	return nil
}

func (v visit) personChanged(done string) error {
	b, err := v.person(care.PersonID(v.r.PathValue("person")))
	if err != nil {
		return err
	}
	v.changed(page{Tab: "staff", Sub: true, Body: person(b)}, done)
	return nil
}

func (v visit) setPerson() error {
	b, err := v.person(care.PersonID(v.r.PathValue("person")))
	if err != nil {
		return err
	}
	p, offices := v.typedPerson(b.Person)
	if err := v.SetPerson(v.r.Context(), p, offices); err != nil {
		return v.refused(err, b.Details.with(v.r.PostForm), func(f form) templ.Component { return personDetails(f, b) })
	}
	return v.personChanged("Saved.")
}
