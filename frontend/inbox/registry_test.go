package inbox_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/frontend/seat"
)

// registry is the administration of the invented practice in memory. It refuses what a screen's behaviour hangs on.
type registry struct {
	mu       sync.Mutex
	now      time.Time
	practice care.Practice
	offices  []care.Office
	staff    []seat.Employee
	members  []seat.Member
	mail     seat.MailState
	trial    []seat.MailStep
	stays    bool
	moved    seat.MailChoice
	agents   []seat.Agent
	perPage  int
	invites  int
	gate     chan struct{} // an invitation is made once something comes; nil: at once
	fail     error         // what every change answers, if set
	calls    []string
}

var jordan = care.Person{ID: "ps_jordan", Name: "Jordan Blake", Shown: "Jordan Blake", Short: "Jordan", Initials: "JB", Role: care.RoleAdministrator}

func newRegistry(now time.Time) *registry {
	week := []care.Span{{From: "09:00", Until: "18:00"}}
	g := &registry{now: now, perPage: 50, practice: care.Practice{Name: "Alder Creek Clinic", NurseLine: "555-010-0140", FrontDesk: "555-010-0100",
		Calendar: care.Calendar{Zone: zone.String(), Preset: "us", Hours: map[string][]care.Span{"mon": week, "tue": week, "wed": week, "thu": week, "fri": week},
			Holidays: []care.Holiday{{Date: "2026-11-27", Name: "Day after Thanksgiving"}, {Date: "2026-12-24", Name: "Christmas Eve", Hours: []care.Span{{From: "08:00", Until: "12:00"}}}},
			Absences: []care.Absence{{Person: ana.ID, From: "2026-11-16", Until: "2026-11-29", Cover: haddad.ID}, {Person: raman.ID, From: "2026-12-21", Until: "2027-01-02", Cover: haddad.ID}}}}}
	her := ana
	her.Pronoun = "her"
	g.offices = []care.Office{{ID: lee.ID, Name: "Dr. Lee's office", Provider: ana.ID, Specialty: "Internal Medicine", Phone: "555-010-0101"},
		{ID: "of_haddadhaddad222", Name: "Dr. Haddad's office", Provider: haddad.ID, Specialty: "Internal Medicine"},
		{ID: "of_ramanramanrama2", Name: "Dr. Raman's office", Provider: raman.ID, Specialty: "Cardiology"}}
	in := func(at time.Time) seat.Standing { return seat.Standing{Kind: seat.StandingEnrolled, On: at} }
	long := at(time.June, 2, 9, 0)
	key := func(n byte) care.KeyID { return care.KeyID{n, 77, 13, 5} }
	g.staff = []seat.Employee{
		{Person: jordan, Standing: in(long), Devices: []seat.Device{{Key: key(1), Since: long}}, Self: true},
		{Person: her, Offices: []care.OfficeID{lee.ID}, Standing: in(long), Devices: []seat.Device{{Key: key(2), Since: long}}},
		{Person: haddad, Offices: []care.OfficeID{g.offices[1].ID}, Standing: in(long), Devices: []seat.Device{{Key: key(3), Since: long}}},
		{Person: raman, Offices: []care.OfficeID{g.offices[2].ID}, Standing: in(long)},
		{Person: rosa, Offices: []care.OfficeID{lee.ID, g.offices[1].ID}, Standing: in(long), Devices: []seat.Device{{Key: key(4), Since: long}, {Key: key(5), Since: at(time.October, 3, 9, 0), Revoked: true}}},
		{Person: priya, Offices: []care.OfficeID{lee.ID}, Standing: seat.Standing{Kind: seat.StandingInvited, On: at(time.December, 1, 9, 0)}},
		{Person: care.Person{ID: "ps_theo", Name: "Theo Whitfield", Shown: "Theo Whitfield", Role: care.RoleSupport}, Standing: seat.Standing{Kind: seat.StandingLeft}},
		{Person: care.Person{ID: "ps_agent", Name: "Agent", Shown: "Agent", Role: care.RoleAgent}, Standing: in(long), Devices: []seat.Device{{Key: key(6), Since: long}}},
	}
	add := func(name, born, mrn string, s seat.Standing) *seat.Member {
		m := seat.Member{Patient: care.Patient{ID: care.PatientID("pt_" + mrn), Name: name, Born: born, MRN: mrn, Language: "en", PCP: lee.ID}, Person: care.PersonID("ps_" + mrn),
			Relations: []care.Relation{{Office: lee.ID, Why: "primary"}}, Standing: s}
		g.members = append(g.members, m)
		return &g.members[len(g.members)-1]
	}
	add("Aaliyah Brooks", "1997-05-27", "66301182", in(long))
	add("Grace Oyelaran", "1988-07-03", "77452031", seat.Standing{Kind: seat.StandingNone})
	add("Henrik Lindqvist", "1962-02-08", "55827710", seat.Standing{Kind: seat.StandingExpired, On: at(time.November, 12, 9, 0)})
	v := add("Marisol Vega", "1980-03-04", "48210739", in(long))
	v.Devices = []seat.Device{{Key: key(7), Since: long}}
	v.Patient.Pronouns, v.Patient.Sex, v.Patient.Phone, v.Patient.Language = "she/her", "F", "555-010-0177", "es"
	v.Patient.Email = "marisol.vega@example.org"
	mateo := add("Mateo Vega", "2019-06-30", "55102846", seat.Standing{Kind: seat.StandingNone})
	mateo.Person, mateo.Proxies = "", []seat.Proxy{{Person: "ps_48210739", Name: "Marisol Vega", Until: "2037-06-29"}}
	for i := range g.members {
		if g.members[i].Patient.Name == "Marisol Vega" {
			g.members[i].ActsFor = []care.Patient{{ID: "pt_55102846", Name: "Mateo Vega"}}
		}
	}
	m := add("Maximiliana Wojciechowska-Featherstone", "1943-09-02", "10945527", in(long))
	m.Proxies = []seat.Proxy{{Person: "ps_ilse", Name: "Ilse Featherstone"}, {Person: "ps_66301182", Name: "Aaliyah Brooks", Ended: true}}
	add("Nguyễn Thị Minh Anh", "1975-12-21", "81294405", in(long))
	add("Owen Gallagher", "1999-10-11", "91635508", seat.Standing{Kind: seat.StandingInvited, On: at(time.December, 4, 9, 0)})
	t := add("Theodore Nakamura", "1955-01-18", "22076614", in(long))
	t.Standing.Alarm = "Somebody answered this invitation a second time, on Nov 17, with another computer. Call the member: if it was not them, withdraw the computer."
	g.mail = seat.MailState{IMAP: "192.0.2.10:9993", SMTP: "192.0.2.10:9465"}
	g.agents = []seat.Agent{{Person: g.staff[len(g.staff)-1].Person, Named: true, Enrolled: true, Heard: now.Add(-20 * time.Minute), Version: "1.4.0",
		Fetched: now.Add(-20 * time.Minute), Sent: now.Add(-50 * time.Minute)}}
	g.trial = []seat.MailStep{{What: "Submit a letter to 192.0.2.10:9465"}, {What: "Fetch it from 192.0.2.10:9993"}}
	return g
}

func (g *registry) change(name string, f func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil {
		return g.fail
	}
	err := f()
	if err == nil {
		g.calls = append(g.calls, name)
	}
	return err
}

func (g *registry) did() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.calls, " ")
}

func (g *registry) Practice() care.Practice {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.practice
}

func (g *registry) Offices() []care.Office {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.offices)
}

func (g *registry) Staff(context.Context) ([]seat.Employee, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.staff), nil
}

func (g *registry) Members(_ context.Context, search string, page int) (seat.MemberList, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := seat.MemberList{PerPage: g.perPage}
	var found []seat.Member
	for _, m := range g.members {
		switch {
		case m.Standing.Alarm != "" || m.Standing.Kind == seat.StandingExpired:
			out.Attention++
		case m.Standing.Kind == seat.StandingEnrolled:
			out.Enrolled++
		case m.Standing.Kind == seat.StandingInvited:
			out.Invited++
		}
		if strings.Contains(strings.ToLower(m.Patient.Name+" "+m.Patient.MRN+" "+m.Patient.Born), strings.ToLower(strings.TrimSpace(search))) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b seat.Member) int { return cmp.Compare(a.Patient.Name, b.Patient.Name) })
	out.Found = len(found)
	from := min(page*g.perPage, len(found))
	out.Members = found[from:min(from+g.perPage, len(found))]
	return out, nil
}

func (g *registry) find(id care.PatientID) (*seat.Member, error) {
	for i := range g.members {
		if g.members[i].Patient.ID == id {
			return &g.members[i], nil
		}
	}
	return nil, care.Refusef(care.NotFound, "There is no such member.")
}

func (g *registry) Member(_ context.Context, id care.PatientID) (seat.Member, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, err := g.find(id)
	if err != nil {
		return seat.Member{}, err
	}
	return *m, nil
}

func (g *registry) named(name string) seat.Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.Patient.Name == name {
			return m
		}
	}
	panic("no member " + name)
}

func (g *registry) AddOffice(_ context.Context, o care.Office) (care.Office, error) {
	return o, g.change("AddOffice", func() error {
		if o.Name == "" {
			return care.Refusef(care.Invalid, "Name the office.").In("name")
		}
		if o.Provider == "" {
			return care.Refusef(care.Invalid, "Choose the physician whose office it is.").In("provider")
		}
		o.ID = "of_newnewnewnewnew2"
		g.offices = append(g.offices, o)
		return nil
	})
}

func (g *registry) SetOffice(_ context.Context, o care.Office) (care.Office, error) {
	return o, g.change("SetOffice", func() error {
		if o.Name == "" {
			return care.Refusef(care.Invalid, "Name the office.").In("name")
		}
		for i := range g.offices {
			if g.offices[i].ID == o.ID {
				g.offices[i] = o
			}
		}
		return nil
	})
}

func (g *registry) AddPerson(_ context.Context, p care.Person, offices []care.OfficeID) (care.Person, error) {
	err := g.change("AddPerson", func() error {
		if p.Name == "" {
			return care.Refusef(care.Invalid, "Type a name.").In("name")
		}
		p.ID = "ps_newnewnewnewnew2"
		p.Shown = cmp.Or(p.Shown, p.Name)
		g.staff = append(g.staff, seat.Employee{Person: p, Offices: offices})
		g.staff[len(g.staff)-1].Standing.Kind = seat.StandingNone
		return nil
	})
	return p, err
}

func (g *registry) SetPerson(_ context.Context, p care.Person, offices []care.OfficeID) error {
	return g.change("SetPerson", func() error {
		if p.Name == "" {
			return care.Refusef(care.Invalid, "Type a name.").In("name")
		}
		for i := range g.staff {
			if g.staff[i].ID == p.ID {
				g.staff[i].Person, g.staff[i].Offices = p, offices
			}
		}
		return nil
	})
}

const noAddress = "This is not an e-mail address such as name@example.org."

func (g *registry) wrong(p care.Patient, relations []care.Relation) error {
	switch {
	case p.Name == "":
		return care.Refusef(care.Invalid, "Type a name.").In("name")
	case p.Born == "":
		return care.Refusef(care.Invalid, "Type the date of birth.").In("born")
	case p.MRN == "":
		return care.Refusef(care.Invalid, "Type the medical record number.").In("mrn")
	case len(relations) == 0:
		return care.Refusef(care.Invalid, "Choose at least one office.").In("relations")
	case p.Email != "" && !strings.Contains(p.Email, "@"):
		return care.Refusef(care.Invalid, "%s", noAddress).In("email")
	}
	for _, m := range g.members {
		if m.Patient.MRN == p.MRN && m.Patient.ID != p.ID {
			return care.Refusef(care.Invalid, "Another patient has this medical record number.").In("mrn")
		}
	}
	return nil
}

func (g *registry) AddMember(_ context.Context, p care.Patient, account bool, relations []care.Relation) (m seat.Member, err error) {
	err = g.change("AddMember", func() error {
		if err := g.wrong(p, relations); err != nil {
			return err
		}
		p.ID = care.PatientID("pt_" + p.MRN)
		m = seat.Member{Patient: p, Relations: relations, Standing: seat.Standing{Kind: seat.StandingNone}}
		if account {
			m.Person = care.PersonID("ps_" + p.MRN)
		}
		g.members = append(g.members, m)
		return nil
	})
	return m, err
}

func (g *registry) SetMember(_ context.Context, p care.Patient, relations []care.Relation) error {
	return g.change("SetMember", func() error {
		if err := g.wrong(p, relations); err != nil {
			return err
		}
		m, err := g.find(p.ID)
		if err == nil {
			m.Patient, m.Relations = p, relations
		}
		return err
	})
}

func (g *registry) AddProxy(_ context.Context, patient care.PatientID, who care.PersonID, until string) error {
	return g.change("AddProxy", func() error {
		if until != "" && until < g.now.Format(time.DateOnly) {
			return care.Refusef(care.Invalid, "That day is over.").In("until")
		}
		name := ""
		for _, m := range g.members {
			if m.Person == who {
				name = m.Patient.Name
			}
		}
		if name == "" {
			return care.Refusef(care.Invalid, "Choose a member with an account.").In("who")
		}
		m, err := g.find(patient)
		if err == nil {
			m.Proxies = append(m.Proxies, seat.Proxy{Person: who, Name: name, Until: until})
		}
		return err
	})
}

func (g *registry) EndProxy(_ context.Context, patient care.PatientID, who care.PersonID) error {
	return g.change("EndProxy", func() error {
		m, err := g.find(patient)
		if err != nil {
			return err
		}
		m.Proxies = slices.Clone(m.Proxies)
		for i := range m.Proxies {
			if m.Proxies[i].Person == who {
				m.Proxies[i].Ended = true
			}
		}
		return nil
	})
}

func emailOf(columns, line []string) string {
	if n := slices.Index(columns, "email"); n >= 0 {
		return line[n]
	}
	return ""
}

func (g *registry) Import(_ context.Context, file []byte, try bool) (seat.Imported, error) {
	lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(lines) == 0 || lines[0][0] != "name" {
		return seat.Imported{}, care.Refusef(care.Invalid, "The first line must name the columns.")
	}
	var out seat.Imported
	for i, l := range lines[1:] {
		p := care.Patient{Name: l[0], Born: l[1], MRN: l[2], Email: emailOf(lines[0], l)}
		if err := g.wrong(p, []care.Relation{{}}); err != nil {
			out.Problems = append(out.Problems, fmt.Sprintf("Line %d: %s", i+2, care.SentenceOf(err)))
		}
		out.New++
		if p.Email != "" {
			out.Emails++
		}
	}
	if try || len(out.Problems) > 0 {
		return out, nil
	}
	return out, g.change("Import", func() error {
		for _, l := range lines[1:] {
			g.members = append(g.members, seat.Member{Patient: care.Patient{ID: care.PatientID("pt_" + l[2]), Name: l[0], Born: l[1], MRN: l[2], Email: emailOf(lines[0], l)}, Person: care.PersonID("ps_" + l[2])})
		}
		return nil
	})
}

// stand changes how somebody stands, a member or somebody of the staff.
func (g *registry) stand(who care.PersonID, s seat.Standing) (care.Person, error) {
	for i := range g.staff {
		if g.staff[i].ID == who {
			g.staff[i].Standing = s
			return g.staff[i].Person, nil
		}
	}
	for i := range g.members {
		if g.members[i].Person == who && who != "" {
			g.members[i].Standing = s
			return care.Person{ID: who, Name: g.members[i].Patient.Name, Role: care.RoleMember}, nil
		}
	}
	return care.Person{}, care.Refusef(care.NotFound, "There is no such person.")
}

func (g *registry) Invite(_ context.Context, who care.PersonID) (out seat.Invited, err error) {
	g.mu.Lock()
	gate := g.gate
	g.mu.Unlock()
	if gate != nil {
		<-gate
	}
	err = g.change("Invite", func() error {
		g.invites++
		out = seat.Invited{File: []byte("an invitation\x00\xff"), Code: fmt.Sprintf("k4mv-7trc-2qwx-p9h%d", g.invites), Expires: g.now.AddDate(0, 0, 14)}
		out.Person, err = g.stand(who, seat.Standing{Kind: seat.StandingInvited, On: out.Expires})
		return err
	})
	return out, err
}

func (g *registry) Withdraw(_ context.Context, who care.PersonID) error {
	return g.change("Withdraw", func() error {
		_, err := g.stand(who, seat.Standing{Kind: seat.StandingNone})
		return err
	})
}

func (g *registry) Removal(care.PersonID) ([]string, error) {
	return []string{"Their computers get nothing new.", "What they wrote stays in the record."}, nil
}

func (g *registry) Remove(_ context.Context, who care.PersonID) error {
	return g.change("Remove", func() error {
		if who == jordan.ID {
			return care.Refusef(care.Forbidden, "You cannot remove yourself.")
		}
		_, err := g.stand(who, seat.Standing{Kind: seat.StandingLeft})
		return err
	})
}

func (g *registry) RevokeDevice(_ context.Context, key care.KeyID) error {
	return g.change("RevokeDevice", func() error {
		revoke := func(all []seat.Device) []seat.Device {
			all = slices.Clone(all)
			for i := range all {
				if all[i].Key == key {
					all[i].Revoked = true
				}
			}
			return all
		}
		for i := range g.staff {
			g.staff[i].Devices = revoke(g.staff[i].Devices)
		}
		for i := range g.members {
			g.members[i].Devices = revoke(g.members[i].Devices)
		}
		return nil
	})
}

func (g *registry) SetPractice(_ context.Context, p care.Practice) error {
	return g.change("SetPractice", func() error {
		if p.Name == "" {
			return care.Refusef(care.Invalid, "Name the practice.").In("name")
		}
		if _, err := promise.New(p.Calendar); err != nil {
			return err
		}
		if q := p.Policy.Notices.Quiet; q.From == q.Until && q.From != "" {
			return care.Refusef(care.Invalid, "Give two different times of the day, such as 21:00 and 08:00.").In("quiet")
		}
		g.practice = p
		return nil
	})
}

func (g *registry) Notice(n care.Notices) seat.NoticeMail {
	m := seat.NoticeMail{Subject: "Something new for you to read", Text: []string{"There is something new for you to read in Postern.", "Open Postern on your computer to read it. To protect your privacy, this e-mail says nothing more.",
		"Please write in Postern and not to this address: nobody reads what is sent to it.", "In an emergency, call 911.", "If you do not want these e-mails, answer with the one word STOP."}}
	if n.Name {
		m.From, m.Text[0] = "Alder Creek Clinic", "Alder Creek Clinic has something new for you to read in Postern."
	}
	if n.Replies {
		m.Text[2] = "You can answer this e-mail. An e-mail is not as private as a message in Postern: write there what only your care team should read."
	}
	return m
}

func (g *registry) SetAbsence(_ context.Context, a care.Absence) error {
	return g.change("SetAbsence", func() error {
		switch {
		case a.From == "":
			return care.Refusef(care.Invalid, "Type the first day.").In("from")
		case a.Until != "" && a.Until < a.From:
			return care.Refusef(care.Invalid, "It ends before it begins.").In("until")
		}
		g.practice.Calendar.Absences = append(slices.DeleteFunc(slices.Clone(g.practice.Calendar.Absences), func(b care.Absence) bool { return a.Person == b.Person && a.From == b.From }), a)
		return nil
	})
}

func (g *registry) EndAbsence(_ context.Context, who care.PersonID, from string) error {
	return g.change("EndAbsence", func() error {
		g.practice.Calendar.Absences = slices.DeleteFunc(slices.Clone(g.practice.Calendar.Absences), func(b care.Absence) bool { return b.Person == who && b.From == from })
		return nil
	})
}

func (g *registry) SetHoliday(_ context.Context, h care.Holiday) error {
	return g.change("SetHoliday", func() error {
		c := g.practice.Calendar
		c.Holidays = append(slices.DeleteFunc(slices.Clone(c.Holidays), func(o care.Holiday) bool { return o.Date == h.Date }), h)
		if h.Name == "" {
			return care.Refusef(care.Invalid, "Name the day.").In("name")
		}
		if _, err := promise.New(c); err != nil {
			return care.Refusef(care.Invalid, "%s", care.SentenceOf(err)).In("hours")
		}
		g.practice.Calendar = c
		return nil
	})
}

func (g *registry) EndHoliday(_ context.Context, date string) error {
	return g.change("EndHoliday", func() error {
		g.practice.Calendar.Holidays = slices.DeleteFunc(slices.Clone(g.practice.Calendar.Holidays), func(o care.Holiday) bool { return o.Date == date })
		return nil
	})
}

func (g *registry) Mail(context.Context) (seat.MailState, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mail, nil
}

func (g *registry) TryMail(context.Context) ([]seat.MailStep, error) { return g.trial, nil }

func (g *registry) AddAccounts(_ context.Context, file []byte) error {
	return g.change("AddAccounts", func() error {
		if !bytes.HasPrefix(file, []byte("{")) {
			return care.Refusef(care.Invalid, "This is no accounts file.").In("accounts")
		}
		g.mail.Left += 20
		return nil
	})
}

func (g *registry) Agents(context.Context) ([]seat.Agent, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.agents), nil
}

func (g *registry) NameAgent(_ context.Context, who care.PersonID) error {
	return g.change("NameAgent", func() error {
		for i := range g.agents {
			g.agents[i].Named = g.agents[i].Person.ID == who
		}
		slices.SortStableFunc(g.agents, func(a, b seat.Agent) int {
			if a.Named {
				return -1
			}
			return 1
		})
		return nil
	})
}

func (g *registry) LoginEnded(_ context.Context, login string) error {
	return g.change("LoginEnded", func() error {
		g.mail.Ends = slices.DeleteFunc(slices.Clone(g.mail.Ends), func(l string) bool { return l == login })
		return nil
	})
}

func (g *registry) Stays() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stays
}

func (g *registry) SetStays(_ context.Context, on bool) error {
	return g.change("SetStays", func() error {
		g.stays = on
		return nil
	})
}

func (g *registry) MoveGateway(_ context.Context, m seat.MailChoice) error {
	return g.change("MoveGateway", func() error {
		if strings.Contains(m.Host, " ") {
			return care.Refusef(care.Invalid, "This is no name of a computer.").In("host")
		}
		g.moved = m
		return nil
	})
}
