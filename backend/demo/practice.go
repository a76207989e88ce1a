package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"postern/backend"
	"postern/backend/care"
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
	reg, err := enrol.New(ctx, enrol.Options{Dir: filepath.Join(m.Data, "practice"), Passphrase: Passphrase, Accounts: m.Accounts}, practice)
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
	return m.profiles(ctx, reg, who)
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

// absence sends one physician on leave until the end of next week, with a colleague who covers.
func (m *Maker) absence(ctx context.Context, reg *enrol.Registrar, away, cover care.PersonID) error {
	c := practice.Calendar
	now := m.Now()
	back := now.AddDate(0, 0, (5-int(now.Weekday())+7)%7+7) // the Friday after next
	c.Absences = []care.Absence{{Person: away, From: now.AddDate(0, 0, -4).Format(time.DateOnly), Until: back.Format(time.DateOnly), Cover: cover}}
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
	return nil
}

func (m *Maker) date(daysAgo int) string {
	return m.Now().AddDate(0, 0, -daysAgo).Format(time.DateOnly)
}

// profiles makes everybody's profile and opens it, still, on the moved clock.
func (m *Maker) profiles(ctx context.Context, reg *enrol.Registrar, who map[string]care.PersonID) error {
	type profile struct{ key, label, data string }
	all := []profile{{AgentProfile, "The clinic's agent", AgentData(m.Data)}}
	for _, s := range staff {
		all = append(all, profile{s.key, s.person.Shown + " (" + s.word + ")", m.Data})
	}
	for _, e := range members {
		all = append(all, profile{e.key, e.patient.Name + " (member)", m.Data})
	}
	for i, p := range all {
		m.Say(i+1, len(all), "profiles")
		dir := filepath.Join(backend.ProfilesDir(p.data), p.key)
		label := strings.ReplaceAll(p.label, ", RN", "")
		if err := backend.MakeProfile(ctx, reg, dir, who[p.key], label, Passphrase); err != nil {
			return fmt.Errorf("profile of %s: %w", p.key, err)
		}
	}
	// Every certificate is issued now, so the documents are whole.
	people, agents := backend.New(m.Data, m.Log, m.at), backend.New(AgentData(m.Data), m.Log, m.at)
	m.backs = append(m.backs, people, agents)
	m.move(m.Now())
	for _, p := range all {
		dir := filepath.Join(backend.ProfilesDir(p.data), p.key)
		if err := backend.Refresh(ctx, reg, dir, who[p.key], Passphrase); err != nil {
			return fmt.Errorf("documents of %s: %w", p.key, err)
		}
		b := people
		if p.key == AgentProfile {
			b = agents
		}
		open, err := b.SignInStill(ctx, p.key, Passphrase)
		if err != nil {
			return fmt.Errorf("open the profile of %s: %w", p.key, err)
		}
		m.people[p.key] = open
	}
	return backend.Publish(ctx, reg, m.people[AgentProfile].Replica().Logins[0])
}
