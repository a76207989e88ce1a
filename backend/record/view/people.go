package view

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// office is an office by its id, with a name in any case.
func (a *asked) office(id care.OfficeID) care.Office {
	if o, ok := a.facts.Office(id); ok {
		return o
	}
	return care.Office{ID: id, Name: "An office of the clinic"}
}

func (a *asked) patient(id care.PatientID) care.Patient {
	if p, ok := a.facts.Patient(id); ok {
		return p
	}
	return care.Patient{ID: id, Name: "A member not in the list"}
}

// person is someone of the practice, with a name in any case.
func (a *asked) person(id care.PersonID) care.Person {
	if p, ok := a.facts.Person(id); ok {
		return p
	}
	if id == "" {
		return care.Person{}
	}
	const name = "Someone of the care team"
	return care.Person{ID: id, Name: name, Shown: name, Short: name, Initials: "?"}
}

// author is who wrote something: the directory names no member, the patient's record does.
func (a *asked) author(id care.PersonID, member bool, patient care.Patient) care.Person {
	if _, known := a.facts.Person(id); known || !member {
		return a.person(id)
	}
	if self, has := a.facts.Self(patient.ID); has && self != id {
		const name = "A member who is not in the list" // never the patient's name over what somebody else wrote
		return care.Person{ID: id, Name: name, Shown: name, Short: name, Initials: "?", Role: care.RoleMember}
	}
	return care.Person{ID: id, Name: patient.Name, Shown: patient.Name, Short: patient.Name, Initials: initials(patient.Name), Role: care.RoleMember}
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[:1]
	if len(words) == 1 {
		return strings.ToUpper(string(first))
	}
	return strings.ToUpper(string(first) + string([]rune(words[len(words)-1])[:1]))
}

// absence says whether a person is out today; nil if not.
func (a *asked) absence(id care.PersonID) *Absence {
	away, cover, is := a.clock.Absent(id, a.now)
	if !is {
		return nil
	}
	out := &Absence{Person: a.person(id), Until: away.Until}
	if away.Until != "" {
		out.Back = a.clock.NextBusinessDay(away.Until)
	}
	if cover != "" {
		out.Cover = a.person(cover)
	}
	return out
}

// Recipients lists the offices that a member may write to: primary care first, then by the last visit.
func (v *Views) Recipients(ctx context.Context) (all []Recipient, err error) {
	err = v.ask(ctx, func(a *asked) error {
		for _, r := range v.facts.Relations(v.viewer.Patient) {
			office, ok := v.facts.Office(r.Office)
			if !ok {
				continue // no longer in the clinic's list: nothing can be sent there
			}
			one := Recipient{Office: office, Provider: a.person(office.Provider), Primary: r.Why == "primary", Seen: r.Seen, Absence: a.absence(office.Provider)}
			if due, _, known := a.clock.Due(a.now, v.facts.Practice().Policy.Promise(), office.Provider); known {
				one.Due = due
			}
			all = append(all, one)
		}
		slices.SortStableFunc(all, func(a, b Recipient) int {
			if a.Primary != b.Primary {
				if a.Primary {
					return -1
				}
				return 1
			}
			if d := strings.Compare(b.Seen, a.Seen); d != 0 {
				return d
			}
			return strings.Compare(a.Office.Name, b.Office.Name)
		})
		return nil
	})
	return all, err
}

// Colleagues lists to whom a conversation of an office can be assigned: the viewer first, then by name.
func (v *Views) Colleagues(ctx context.Context, office care.OfficeID) (all []Colleague, err error) {
	err = v.ask(ctx, func(a *asked) error {
		for _, p := range v.facts.Staff() {
			in := slices.ContainsFunc(v.facts.OfficesOf(p.ID), func(o care.Office) bool { return o.ID == office })
			if !in || p.Role == care.RoleAgent {
				continue
			}
			all = append(all, Colleague{Person: p, Me: p.ID == v.viewer.Person, Absence: a.absence(p.ID), Unenrolled: !v.facts.Enrolled(p.ID)})
		}
		slices.SortStableFunc(all, func(a, b Colleague) int {
			if a.Me != b.Me {
				if a.Me {
					return -1
				}
				return 1
			}
			return strings.Compare(a.Person.Name, b.Person.Name)
		})
		return nil
	})
	return all, err
}

// Panel is what staff see of a patient: care.NotFound where the roster has no such patient here. Others are all the
// patient's conversations with the viewer's offices, newest first, the one on screen among them.
func (v *Views) Panel(ctx context.Context, id care.PatientID) (p Panel, err error) {
	err = v.ask(ctx, func(a *asked) error {
		patient, ok := v.facts.Patient(id)
		if !ok || v.viewer.Member && id != v.viewer.Patient {
			return care.Refusef(care.NotFound, "This patient is not in the list on this computer.")
		}
		p = Panel{Patient: patient, Age: age(patient.Born, a.now.In(a.clock.Location()))}
		if pcp, ok := v.facts.Office(patient.PCP); ok {
			p.PCP = a.person(pcp.Provider)
		}
		for _, visit := range patient.Visits {
			p.Visits = append(p.Visits, PanelVisit{Visit: visit, OfficeName: a.office(visit.Office).Name})
		}
		slices.SortStableFunc(p.Visits, func(a, b PanelVisit) int { return strings.Compare(b.Date, a.Date) })
		scope, args := a.scope()
		const most = 50
		parts, err := a.parts("WHERE p.patient = ? AND "+scope+" ORDER BY p.at DESC, p.id LIMIT ?", append(append([]any{string(id)}, args...), most)...)
		for _, one := range parts {
			p.Others = append(p.Others, a.link(one))
		}
		if err == nil && !v.viewer.Member {
			p.Notices, err = a.notices(patient)
		}
		return err
	})
	return p, err
}

// notices is how a patient stands with notices. What they chose, the desk knows.
func (a *asked) notices(p care.Patient) (n Notices, err error) {
	n.Sent = p.Mailbox != "" && a.facts.Practice().Policy.Notices.On
	if !n.Sent {
		return n, nil
	}
	err = a.each("SELECT at, failure FROM notice WHERE mailbox = ? ORDER BY at DESC, id LIMIT 1", []any{string(p.Mailbox)}, func(rows *sql.Rows) error {
		var at int64
		err := rows.Scan(&at, &n.Failure)
		if n.Failure != "" {
			n.Back = store.Time(at)
		}
		return err
	})
	return n, err
}

func (a *asked) link(p part) Link {
	office := a.office(p.office)
	return Link{Part: p.id, Subject: p.subject, Office: office, Provider: a.person(office.Provider), Open: p.open, Due: p.due, At: p.at}
}

// age is how many years old someone is on a day; 0 where the date of birth cannot be read.
func age(born string, today time.Time) int {
	b, err := time.Parse(time.DateOnly, born)
	if err != nil {
		return 0
	}
	years := today.Year() - b.Year()
	if today.Month() < b.Month() || today.Month() == b.Month() && today.Day() < b.Day() {
		years--
	}
	return max(years, 0)
}
