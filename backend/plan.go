package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"postern/backend/care"
	"postern/backend/trust/enrol"
	"postern/backend/trust/strength"
)

// Plan describes a practice that is to be made on this computer. Offices and people are named by short keys of the
// plan's own; ids are given when they are made.
type Plan struct {
	Practice care.Practice `json:"practice"`
	Offices  []PlanOffice  `json:"offices"`
	People   []PlanPerson  `json:"people"`
	Members  []PlanMember  `json:"members"`
	Absences []PlanAbsence `json:"absences,omitempty"`
}

// PlanOffice is one office.
type PlanOffice struct {
	Key      string `json:"key"`
	Provider string `json:"provider"` // key of a person
	care.Office
}

// PlanPerson is one person of the practice. Of role agent there must be exactly one.
type PlanPerson struct {
	Key     string   `json:"key"`
	Label   string   `json:"label"`   // in the chooser
	Offices []string `json:"offices"` // keys
	care.Person
}

// PlanMember is one member.
type PlanMember struct {
	Key       string         `json:"key"`
	Label     string         `json:"label"`
	Relations []PlanRelation `json:"relations"`
	care.Patient
}

// PlanRelation is an office that a member may write to.
type PlanRelation struct {
	Office string `json:"office"` // key
	Why    string `json:"why"`    // "primary" or "seen"
	Seen   string `json:"seen,omitempty"`
}

// PlanAbsence is an absence of somebody of the plan.
type PlanAbsence struct {
	Person string `json:"person"`
	From   string `json:"from"`
	Until  string `json:"until,omitempty"`
	Cover  string `json:"cover,omitempty"`
}

// ReadPlan reads a plan from JSON. A field that it does not know is refused: it may be a misspelling.
func ReadPlan(text []byte) (Plan, error) {
	var p Plan
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, care.Because(care.Invalid, err, "The description of the practice cannot be understood.")
	}
	return p, nil
}

// ExamplePlan is a small plan to begin with.
func ExamplePlan() Plan {
	day := []care.Span{{From: "09:00", Until: "18:00"}}
	return Plan{
		Practice: care.Practice{Name: "Example Clinic", FrontDesk: "555-010-0100", NurseLine: "555-010-0140",
			Calendar: care.Calendar{Zone: "America/New_York", Preset: "us",
				Hours: map[string][]care.Span{"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}},
		Offices: []PlanOffice{{Key: "lee", Provider: "ana", Office: care.Office{Name: "Dr. Lee's office", Specialty: "Internal Medicine", Phone: "555-010-0111"}}},
		People: []PlanPerson{
			{Key: "ana", Label: "Dr. Ana Lee (physician)", Offices: []string{"lee"}, Person: care.Person{Name: "Ana Lee", Shown: "Dr. Ana Lee", Short: "Dr. Lee", Initials: "AL", Pronoun: "her", Role: care.RolePhysician}},
			{Key: "rosa", Label: "Rosa Delgado (nurse)", Offices: []string{"lee"}, Person: care.Person{Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Pronoun: "her", Role: care.RoleNurse}},
			{Key: "agent", Label: "The clinic's agent", Person: care.Person{Name: "Agent", Shown: "Example Clinic", Short: "Agent", Initials: "EC", Role: care.RoleAgent}},
		},
		Members: []PlanMember{{Key: "marisol", Label: "Marisol Vega (member)", Relations: []PlanRelation{{Office: "lee", Why: "primary"}},
			Patient: care.Patient{Name: "Marisol Vega", Born: "1980-03-04", Sex: "F", Pronouns: "she/her", MRN: "4821 0739", Language: "en"}}},
	}
}

// MakePractice makes what a plan describes, with profiles under data, over a mail system of this computer, which it runs
// meanwhile unless it runs already. The passphrase is of them all, and has to be a strong one. It returns the profiles made so far, also with an error.
func MakePractice(ctx context.Context, data string, mail Mail, passphrase string, plan Plan) (made []Label, err error) {
	if err := plan.check(); err != nil { // before anything is made that stands in the way of the corrected one
		return nil, err
	}
	if err := strength.Check(passphrase, plan.Practice.Name); err != nil {
		return nil, err
	}
	accounts, stop, err := mail.use(ctx, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	reg, err := enrol.New(ctx, enrol.Options{Dir: filepath.Join(data, "practice"), Passphrase: passphrase, Accounts: accounts}, plan.Practice)
	if err != nil {
		return nil, err
	}
	defer reg.Close()
	who, labels, err := plan.enlist(ctx, reg)
	if err != nil {
		return nil, err
	}
	for _, l := range labels {
		if err := MakeProfile(ctx, reg, filepath.Join(ProfilesDir(data), l.ID), who[l.ID], l.Label, passphrase); err != nil {
			return made, fmt.Errorf("profile of %s: %w", l.ID, err)
		}
		made = append(made, l)
	}
	for _, l := range labels {
		if err := Refresh(ctx, reg, filepath.Join(ProfilesDir(data), l.ID), who[l.ID], passphrase); err != nil {
			return made, fmt.Errorf("documents of %s: %w", l.ID, err)
		}
	}
	local := care.NewID("mb")
	if _, err := accounts.Mailbox(ctx, local[3:]); err != nil {
		return made, fmt.Errorf("mailbox for publishing: %w", err)
	}
	login, err := accounts.Login(ctx, local[3:], false, true)
	if err != nil {
		return made, fmt.Errorf("login for publishing: %w", err)
	}
	return made, Publish(ctx, reg, login)
}

// check says what is wrong with a description: every key is a folder's name of its own, and every name that is used is
// described.
func (plan *Plan) check() error {
	offices, people, profiles := map[string]bool{}, map[string]bool{}, map[string]bool{}
	agents := 0
	key := func(seen map[string]bool, k string) error {
		if k == "" || filepath.Base(k) != k || k == "." || k == ".." || seen[k] {
			return care.Refusef(care.Invalid, "The description uses %q as a key: keys are short words, each used once.", k)
		}
		seen[k] = true
		return nil
	}
	var errs []error
	for _, o := range plan.Offices {
		errs = append(errs, key(offices, o.Key))
	}
	for _, p := range plan.People {
		errs = append(errs, key(profiles, p.Key))
		people[p.Key] = true
		if p.Role == care.RoleAgent {
			agents++
		}
		for _, k := range p.Offices {
			errs = append(errs, described(offices, "an office", k))
		}
	}
	for _, o := range plan.Offices {
		errs = append(errs, described(people, "a provider", o.Provider))
	}
	for _, m := range plan.Members {
		errs = append(errs, key(profiles, m.Key))
		for _, r := range m.Relations {
			errs = append(errs, described(offices, "an office", r.Office))
		}
	}
	for _, a := range plan.Absences {
		errs = append(errs, described(people, "somebody absent,", a.Person))
		if a.Cover != "" {
			errs = append(errs, described(people, "somebody who covers,", a.Cover))
		}
	}
	if agents != 1 {
		errs = append(errs, care.Refusef(care.Invalid, "The description has %d people of role agent; a practice has exactly one.", agents))
	}
	return errors.Join(errs...)
}

func described(known map[string]bool, what, key string) error {
	if known[key] {
		return nil
	}
	return care.Refusef(care.Invalid, "The description names %s %q that it does not describe.", what, key)
}

// enlist makes offices, people and members, and says who is who and how the chooser calls them.
func (plan *Plan) enlist(ctx context.Context, reg *enrol.Registrar) (map[string]care.PersonID, []Label, error) {
	offices, who := map[string]care.Office{}, map[string]care.PersonID{}
	var labels []Label
	for _, o := range plan.Offices {
		office, err := reg.AddOffice(ctx, o.Office)
		if err != nil {
			return nil, nil, err
		}
		offices[o.Key] = office
	}
	for _, p := range plan.People {
		var ids []care.OfficeID
		for _, key := range p.Offices {
			ids = append(ids, offices[key].ID)
		}
		person, err := reg.AddPerson(ctx, p.Person, ids)
		if err != nil {
			return nil, nil, err
		}
		who[p.Key], labels = person.ID, append(labels, Label{ID: p.Key, Label: p.Label})
	}
	for _, o := range plan.Offices {
		office := offices[o.Key]
		office.Provider = who[o.Provider]
		if _, err := reg.SetOffice(ctx, office); err != nil {
			return nil, nil, err
		}
	}
	if err := plan.calendar(ctx, reg, who); err != nil {
		return nil, nil, err
	}
	for _, m := range plan.Members {
		var relations []care.Relation
		for _, r := range m.Relations {
			id := offices[r.Office].ID
			relations = append(relations, care.Relation{Office: id, Why: r.Why, Seen: r.Seen})
			if r.Why == "primary" {
				m.PCP = id
			}
		}
		member, err := reg.AddMember(ctx, m.Patient, relations)
		if err != nil {
			return nil, nil, err
		}
		who[m.Key], labels = member.Person.ID, append(labels, Label{ID: m.Key, Label: m.Label})
	}
	return who, labels, nil
}

// calendar adds the absences.
func (plan *Plan) calendar(ctx context.Context, reg *enrol.Registrar, who map[string]care.PersonID) error {
	if len(plan.Absences) == 0 {
		return nil
	}
	c := plan.Practice.Calendar
	for _, a := range plan.Absences {
		c.Absences = append(c.Absences, care.Absence{Person: who[a.Person], From: a.From, Until: a.Until, Cover: who[a.Cover]})
	}
	return reg.SetCalendar(ctx, c)
}
