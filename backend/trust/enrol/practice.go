package enrol

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
)

// AddOffice makes an office with a mailbox of its own, whose ids it gives. The provider may be named later, by SetOffice.
// Profiles that were made before, the agent's too, cannot read the new office's mailbox.
func (r *Registrar) AddOffice(ctx context.Context, o care.Office) (care.Office, error) {
	err := r.change(func(s *state) (touched, error) {
		if err := s.checkOffice(&o); err != nil {
			return touched{}, err
		}
		box, err := r.newMailbox(ctx)
		if err != nil {
			return touched{}, err
		}
		o.ID, o.Mailbox = care.OfficeID(care.NewID("of")), box
		s.Offices = append(s.Offices, o)
		return touched{directory: true}, nil
	})
	return o, err
}

// SetOffice changes what the directory says of an office. Its mailbox stays.
func (r *Registrar) SetOffice(_ context.Context, o care.Office) (care.Office, error) {
	err := r.change(func(s *state) (touched, error) {
		was := s.office(o.ID)
		if was == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such office.")
		}
		if err := s.checkOffice(&o); err != nil {
			return touched{}, err
		}
		o.Mailbox = was.Mailbox
		*was = o
		return touched{directory: true}, nil
	})
	return o, err
}

func (s *state) checkOffice(o *care.Office) error {
	if o.Name == "" {
		return care.Refusef(care.Invalid, "An office needs a name.").In("name")
	}
	if o.Provider != "" && s.staff(o.Provider) == nil {
		return care.Refusef(care.Invalid, "The provider is nobody of this practice.").In("provider")
	}
	return nil
}

// AddPerson takes somebody into the staff, for these offices. Of an agent, who acts for all offices, it also makes the one
// agent that the directory names.
func (r *Registrar) AddPerson(_ context.Context, p care.Person, offices []care.OfficeID) (care.Person, error) {
	err := r.change(func(s *state) (touched, error) {
		if p.Name == "" {
			return touched{}, care.Refusef(care.Invalid, "A person needs a name.").In("name")
		}
		if !p.Role.Staff() {
			return touched{}, care.Refusef(care.Invalid, "%q is not a role of the staff.", p.Role).In("role")
		}
		for _, o := range offices {
			if s.office(o) == nil {
				return touched{}, care.Refusef(care.Invalid, "There is no such office.").In("offices")
			}
		}
		p.ID = care.PersonID(care.NewID("ps"))
		p = complete(p)
		s.Staff = append(s.Staff, directory.Staff{Person: p, Offices: slices.Clone(offices)})
		if p.Role == care.RoleAgent {
			s.Practice.Agent = p.ID
		}
		return touched{directory: true}, nil
	})
	return p, err
}

// Member is a patient with an account: whose record it is, and who writes.
type Member struct {
	Patient care.Patient
	Person  care.Person
}

// AddMember takes in a patient who reads and writes for themselves, with a mailbox of their own, and the offices that they
// may write to. It gives the ids.
func (r *Registrar) AddMember(ctx context.Context, p care.Patient, relations []care.Relation) (Member, error) {
	var m Member
	err := r.change(func(s *state) (touched, error) {
		if err := s.checkPatient(&p, relations); err != nil {
			return touched{}, err
		}
		box, err := r.newMailbox(ctx)
		if err != nil {
			return touched{}, err
		}
		p.ID, p.Mailbox = care.PatientID(care.NewID("pt")), box
		person := complete(care.Person{ID: care.PersonID(care.NewID("ps")), Name: p.Name, Pronoun: p.Whose(), Role: care.RoleMember})
		s.Members = append(s.Members, member{Person: person, Patient: p.ID, Mailbox: box})
		s.Patients = append(s.Patients, patient{Patient: p, Relations: slices.Clone(relations), Readers: []reader{{Person: person.ID}}})
		m = Member{p, person}
		return s.patientTouched(p.ID), nil
	})
	return m, err
}

// AddDependent takes in a patient without an account, for whom only proxies write.
func (r *Registrar) AddDependent(_ context.Context, p care.Patient, relations []care.Relation) (care.Patient, error) {
	err := r.change(func(s *state) (touched, error) {
		if err := s.checkPatient(&p, relations); err != nil {
			return touched{}, err
		}
		p.ID, p.Mailbox = care.PatientID(care.NewID("pt")), ""
		s.Patients = append(s.Patients, patient{Patient: p, Relations: slices.Clone(relations)})
		return s.patientTouched(p.ID), nil
	})
	return p, err
}

func (s *state) checkPatient(p *care.Patient, relations []care.Relation) error {
	switch _, err := time.Parse(time.DateOnly, p.Born); {
	case p.Name == "":
		return care.Refusef(care.Invalid, "A patient needs a name.").In("name")
	case p.MRN == "":
		return care.Refusef(care.Invalid, "A patient needs a medical record number.").In("mrn")
	case err != nil:
		return care.Refusef(care.Invalid, "The date of birth is not a date.").In("born")
	case slices.ContainsFunc(s.Patients, func(x patient) bool { return x.Patient.MRN == p.MRN }):
		return care.Refusef(care.Conflict, "Another patient has this medical record number.").In("mrn")
	}
	return s.checkRelations(relations)
}

func (s *state) checkRelations(relations []care.Relation) error {
	seen := map[care.OfficeID]bool{}
	for _, r := range relations {
		if s.office(r.Office) == nil || seen[r.Office] {
			return care.Refusef(care.Invalid, "A relation names no office of this practice, or one twice.").In("relations")
		}
		seen[r.Office] = true
	}
	return nil
}

// SetRelations says to which offices may be written about a patient from now on. Offices that are no longer among them
// are told so.
func (r *Registrar) SetRelations(_ context.Context, id care.PatientID, relations []care.Relation) error {
	return r.change(func(s *state) (touched, error) {
		p := s.patient(id)
		if p == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such patient.")
		}
		if err := s.checkRelations(relations); err != nil {
			return touched{}, err
		}
		for _, was := range p.Relations {
			if !slices.Contains(p.Former, was.Office) {
				p.Former = append(p.Former, was.Office)
			}
		}
		p.Relations = slices.Clone(relations)
		return s.patientTouched(id), nil
	})
}

// AddProxy lets a member write for another patient.
func (r *Registrar) AddProxy(_ context.Context, id care.PatientID, who care.PersonID) error {
	return r.change(func(s *state) (touched, error) {
		p := s.patient(id)
		if p == nil || s.member(who) == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such patient, or no such member.")
		}
		p.Readers = slices.DeleteFunc(p.Readers, func(x reader) bool { return x.Person == who })
		p.Readers = append(p.Readers, reader{Person: who})
		return s.patientTouched(id), nil
	})
}

// EndProxy takes a proxy's grant back, from today.
func (r *Registrar) EndProxy(_ context.Context, id care.PatientID, who care.PersonID) error {
	return r.change(func(s *state) (touched, error) {
		p := s.patient(id)
		if p == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such patient.")
		}
		i := slices.IndexFunc(p.Readers, func(x reader) bool { return x.Person == who && x.Ended == "" })
		if i < 0 || s.member(who).Patient == id {
			return touched{}, care.Refusef(care.NotFound, "This person is no proxy of the patient.")
		}
		p.Readers[i].Ended = r.options.Now().UTC().Format(time.DateOnly)
		return s.patientTouched(id), nil
	})
}

// SetCalendar changes the practice's business time: hours, holidays, absences. It refuses a calendar that does not hold
// together (care.Invalid).
func (r *Registrar) SetCalendar(_ context.Context, c care.Calendar) error {
	return r.change(func(s *state) (touched, error) {
		if err := checkCalendar(c); err != nil {
			return touched{}, err
		}
		for _, a := range c.Absences {
			if s.staff(a.Person) == nil || a.Cover != "" && s.staff(a.Cover) == nil {
				return touched{}, care.Refusef(care.Invalid, "An absence names nobody of this practice.").In("absences")
			}
		}
		s.Practice.Calendar = c
		return touched{directory: true}, nil
	})
}

// SetPolicy changes what the practice has decided.
func (r *Registrar) SetPolicy(_ context.Context, p care.Policy) error {
	return r.change(func(s *state) (touched, error) {
		s.Practice.Policy = p
		return touched{directory: true}, nil
	})
}

// complete fills in how a person is shown where it was left out.
func complete(p care.Person) care.Person {
	words := strings.Fields(p.Name)
	if p.Shown == "" {
		p.Shown = p.Name
	}
	if p.Short == "" && len(words) > 0 {
		p.Short = words[0]
	}
	if p.Initials == "" && len(words) > 0 {
		p.Initials = initial(words[0])
		if len(words) > 1 {
			p.Initials += initial(words[len(words)-1])
		}
	}
	if p.Pronoun == "" {
		p.Pronoun = "their"
	}
	return p
}

func initial(word string) string {
	for _, r := range word {
		return strings.ToUpper(string(r))
	}
	return ""
}
