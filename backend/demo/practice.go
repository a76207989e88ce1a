package demo

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
)

// StartMail sets up, unless it is there, and starts the demo's mail system. A demo goes on with the one that it was made
// with: care.Conflict otherwise.
func StartMail(ctx context.Context, data string, m backend.Mail) (accounts enrol.Accounts, stop func() error, err error) {
	if own := backend.MailThere(data); Made(data) && own != (m.System != backend.MailDovecot) {
		with := backend.MailDovecot
		if own {
			with = backend.MailGateway
		}
		return nil, nil, care.Refusef(care.Conflict, "The demo in this folder was made with another mail system. Go on with --mail-system %s, or begin anew with --start-over.", with)
	}
	return m.Start(ctx, data)
}

// practice makes the practice, its people and a profile for each, and opens all of them, still.
func (m *Maker) practice(ctx context.Context) error {
	key, home := enrol.NewPassword(), filepath.Join(backend.ProfilesDir(m.Data), administrator)
	reg, err := enrol.New(ctx, enrol.Options{Dir: home, Passphrase: key, Root: Passphrase, Accounts: m.Accounts, Params: m.Params}, practice)
	if err != nil {
		return err
	}
	defer reg.Close()
	who := map[string]care.PersonID{}
	if err := m.staff(ctx, reg, who); err != nil {
		return err
	}
	if err := m.absence(ctx, reg, who["ana"], who["omar"]); err != nil {
		return err
	}
	if err := m.members(ctx, reg, who); err != nil {
		return err
	}
	agent, err := reg.AddPerson(ctx, care.Person{Name: "Postern agent", Shown: practice.Name, Short: practice.Name, Initials: "PA", Role: care.RoleAgent}, nil)
	if err != nil {
		return err
	}
	who[AgentProfile] = agent.ID
	if err := m.profiles(ctx, reg, who); err != nil {
		return err
	}
	return backend.GiveRegistrar(home, Passphrase, key)
}

func (m *Maker) staff(ctx context.Context, reg *enrol.Registrar, who map[string]care.PersonID) error {
	for _, o := range offices {
		office, err := reg.AddOffice(ctx, care.Office{Name: o.name, Specialty: o.specialty, Phone: o.phone})
		if err != nil {
			return err
		}
		m.offices[o.key] = office
	}
	for _, s := range staff {
		var in []care.OfficeID
		for _, o := range s.offices {
			in = append(in, m.offices[o].ID)
		}
		p, err := reg.AddPerson(ctx, s.person, in)
		if err != nil {
			return err
		}
		who[s.key] = p.ID
	}
	for _, o := range offices {
		office := m.offices[o.key]
		office.Provider = who[o.provider]
		office, err := reg.SetOffice(ctx, office)
		if err != nil {
			return err
		}
		m.offices[o.key] = office
	}
	return nil
}

// absence sends one physician on leave, since twelve days ago and until the end of next week, with a colleague who covers.
func (m *Maker) absence(ctx context.Context, reg *enrol.Registrar, away, cover care.PersonID) error {
	c := practice.Calendar
	today := m.Now().In(m.business.Location())
	back := today.AddDate(0, 0, (5-int(today.Weekday())+7)%7+7) // the Friday after next
	c.Absences = []care.Absence{{Person: away, From: today.AddDate(0, 0, -12).Format(time.DateOnly), Until: back.Format(time.DateOnly), Cover: cover}}
	return reg.SetCalendar(ctx, c)
}

func (m *Maker) members(ctx context.Context, reg *enrol.Registrar, who map[string]care.PersonID) error {
	for _, e := range members {
		patient := e.patient
		var relations []care.Relation
		for _, r := range e.relations {
			relation := care.Relation{Office: m.offices[r.office].ID, Why: r.why}
			if r.why == "primary" {
				patient.PCP = relation.Office
			} else {
				relation.Seen = m.date(r.daysAgo)
			}
			relations = append(relations, relation)
		}
		for _, v := range e.visits {
			patient.Visits = append(patient.Visits, care.Visit{Date: m.date(v.daysAgo), Office: m.offices[v.office].ID, What: v.what, Why: v.why})
		}
		made, err := reg.AddMember(ctx, patient, relations)
		if err != nil {
			return err
		}
		who[e.key] = made.Person.ID
	}
	son, err := reg.AddDependent(ctx, dependent, []care.Relation{{Office: m.offices["lee"].ID, Why: "primary"}})
	if err != nil {
		return err
	}
	return reg.AddProxy(ctx, son.ID, who["marisol"], "")
}

// date is the day so many days ago or, if nobody was seen then, the last one before it on which somebody was.
func (m *Maker) date(daysAgo int) string {
	day := m.Now().In(m.business.Location())
	day = time.Date(day.Year(), day.Month(), day.Day()-daysAgo, 12, 0, 0, 0, m.business.Location())
	for !m.business.Open(day) {
		day = day.AddDate(0, 0, -1)
	}
	return day.Format(time.DateOnly)
}

// profiles makes everybody's profile and opens it, still, on the moved clock. What the practice's documents say comes to
// each by mail, once, when the last certificate is in them.
func (m *Maker) profiles(ctx context.Context, reg *enrol.Registrar, who map[string]care.PersonID) error {
	m.move(m.Now())
	all := labels()
	people, agents := backend.New(m.Data, m.Log, m.at), backend.New(AgentData(m.Data), m.Log, m.at)
	m.backs = append(m.backs, people, agents)
	for i, p := range all {
		m.Say(i+1, len(all), "profiles")
		b, data := people, m.Data
		if p.ID == AgentProfile {
			b, data = agents, AgentData(m.Data)
		}
		if _, err := reg.MakeProfile(ctx, filepath.Join(backend.ProfilesDir(data), p.ID), who[p.ID], p.Label, Passphrase); err != nil {
			return fmt.Errorf("profile of %s: %w", p.ID, err)
		}
		open, err := b.SignInStill(ctx, p.ID, Passphrase)
		if err != nil {
			return fmt.Errorf("open the profile of %s: %w", p.ID, err)
		}
		m.people[p.ID] = open
		// Dovecot makes a mailbox when it is first used. Two letters that come at once to one which is not made yet would
		// disturb each other, and Postfix would try again in five minutes only.
		if err := open.Replica().Pull(ctx); err != nil {
			return fmt.Errorf("look into the mailbox of %s: %w", p.ID, err)
		}
	}
	if err := backend.Publish(ctx, reg, m.people[AgentProfile].Replica().Logins[0]); err != nil {
		return err
	}
	book, err := reg.Book()
	if err != nil {
		return err
	}
	return m.each(slices.Sorted(maps.Keys(m.people)), func(p *backend.Profile) error { return m.informed(ctx, p, book) })
}

// labels are the profiles by their keys, as the chooser names them.
func labels() []backend.Label {
	all := []backend.Label{{ID: AgentProfile, Label: "The clinic's agent"}}
	for _, s := range staff {
		shown, _, _ := strings.Cut(s.person.Shown, ",") // without what is behind the name
		all = append(all, backend.Label{ID: s.key, Label: shown + " (" + s.word + ")"})
	}
	for _, e := range members {
		all = append(all, backend.Label{ID: e.key, Label: e.patient.Name + " (member)"})
	}
	return all
}

// informed pulls until the documents are here that were published for somebody: a mail system says that it has a letter
// before it has delivered it.
func (m *Maker) informed(ctx context.Context, p *backend.Profile, book *directory.Book) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if err := p.Replica().Pull(ctx); err != nil {
			return err
		}
		if knows(p, book) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the practice's documents did not arrive: %w", ctx.Err())
		}
	}
}

// knows reports whether a person has the newest directory, and the newest list of whoever they write with.
func knows(p *backend.Profile, book *directory.Book) bool {
	has := p.Desk().Directory()
	if has.Version() != book.Version() {
		return false
	}
	for _, patient := range book.Patients() {
		concerned := patient.ID == p.Desk().Patient
		for _, office := range has.OfficesOf(p.Me().ID) {
			concerned = concerned || slices.ContainsFunc(book.Relations(patient.ID), func(r care.Relation) bool { return r.Office == office.ID })
		}
		if concerned && len(has.Readers(patient.ID)) == 0 {
			return false
		}
	}
	return true
}
