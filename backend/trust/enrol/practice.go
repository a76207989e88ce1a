package enrol

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
)

// AddOffice makes an office with a mailbox of its own, whose ids it gives. The provider may be named later, by SetOffice.
// The agent's devices are granted what reads it.
func (r *Registrar) AddOffice(ctx context.Context, o care.Office) (care.Office, error) {
	err := r.change(func(s *state) (touched, error) {
		if err := s.checkOffice(&o); err != nil {
			return touched{}, err
		}
		box, err := r.newMailbox(ctx, false)
		if err != nil {
			return touched{}, err
		}
		o.ID, o.Mailbox = care.OfficeID(care.NewID("of")), box
		s.Offices = append(s.Offices, o)
		for n := range s.Devices {
			d := &s.Devices[n]
			if p := s.staff(d.Person); p == nil || p.Role != care.RoleAgent || s.revoked(d.Key) {
				continue
			}
			if err := r.widen(ctx, s, d, s.Practice.Mailbox, box); err != nil {
				return touched{}, err
			}
		}
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
	return plainOffice(*o)
}

// AddPerson takes somebody into the staff, for these offices. An agent acts for all offices; the first one is also the agent that
// the directory names, until NameAgent names another.
func (r *Registrar) AddPerson(_ context.Context, p care.Person, offices []care.OfficeID) (care.Person, error) {
	err := r.change(func(s *state) (touched, error) {
		if p.Name == "" {
			return touched{}, care.Refusef(care.Invalid, "A person needs a name.").In("name")
		}
		if !p.Role.Staff() {
			return touched{}, care.Refusef(care.Invalid, "%q is not a role of the staff.", p.Role).In("role")
		}
		if err := cmp.Or(plainPerson(p), s.checkOffices(p.Role, offices)); err != nil {
			return touched{}, err
		}
		p.ID = care.PersonID(care.NewID("ps"))
		p = complete(p)
		s.Staff = append(s.Staff, directory.Staff{Person: p, Offices: slices.Clone(offices)})
		if p.Role == care.RoleAgent && (s.staff(s.Practice.Agent) == nil || slices.Contains(s.Left, s.Practice.Agent)) {
			s.Practice.Agent = p.ID
		}
		return touched{directory: true}, nil
	})
	return p, err
}

// NameAgent makes one of the agents the one that the directory names, which alone does what is the agent's alone. One without a
// computer in force is refused: nobody would do it.
func (r *Registrar) NameAgent(_ context.Context, who care.PersonID) error {
	return r.change(func(s *state) (touched, error) {
		p := s.staff(who)
		switch {
		case p == nil || slices.Contains(s.Left, who):
			return touched{}, care.Refusef(care.NotFound, "There is no such person in this practice.")
		case p.Role != care.RoleAgent:
			return touched{}, care.Refusef(care.Invalid, "%s is no agent. Add a person with the role Agent first.", p.Name)
		case !slices.ContainsFunc(s.Devices, func(d device) bool { return d.Person == who && !s.revoked(d.Key) }):
			return touched{}, care.Refusef(care.Invalid, "%s runs on no computer yet. Invite it first, and answer the invitation on the computer that is always on.", p.Name)
		case s.Practice.Agent == who:
			return touched{}, nil
		}
		s.Practice.Agent = who
		return touched{directory: true}, nil
	})
}

// checkOffices checks the offices that somebody with this role is to answer for.
func (s *state) checkOffices(role care.Role, offices []care.OfficeID) error {
	if role == care.RoleAgent && len(offices) > 0 {
		return care.Refusef(care.Invalid, "The agent acts for every office, and answers for none. Give it no office.").In("offices")
	}
	seen := map[care.OfficeID]bool{}
	for _, o := range offices {
		if s.office(o) == nil || seen[o] {
			return care.Refusef(care.Invalid, "There is no such office, or it is named twice.").In("offices")
		}
		seen[o] = true
	}
	return nil
}

// Member is a patient with an account: whose record it is, and who writes.
type Member struct {
	Patient care.Patient
	Person  care.Person
}

// Newcomer is a patient who is to be taken in, and the offices that they may write to.
type Newcomer struct {
	Patient   care.Patient
	Relations []care.Relation
}

// AddMember takes in a patient who reads and writes for themselves, with a mailbox of their own, and the offices that they
// may write to. It gives the ids.
func (r *Registrar) AddMember(ctx context.Context, p care.Patient, relations []care.Relation) (m Member, err error) {
	err = r.change(func(s *state) (t touched, err error) {
		m, t, err = r.addMember(ctx, s, Newcomer{p, relations})
		return t, err
	})
	return m, err
}

// AddMembers takes in all of them, or none. Of a refusal it is said which one it was.
func (r *Registrar) AddMembers(ctx context.Context, all []Newcomer) error {
	return r.change(func(s *state) (touched, error) {
		var sum touched
		for n, x := range all {
			_, t, err := r.addMember(ctx, s, x)
			if err != nil {
				return touched{}, fmt.Errorf("take in number %d: %w", n+1, err)
			}
			sum.patients, sum.members = append(sum.patients, t.patients...), append(sum.members, t.members...)
		}
		return sum, nil
	})
}

func (r *Registrar) addMember(ctx context.Context, s *state, x Newcomer) (Member, touched, error) {
	p := x.Patient
	if err := s.checkPatient(&p, x.Relations); err != nil {
		return Member{}, touched{}, err
	}
	box, err := r.newMailbox(ctx, true)
	if err != nil {
		return Member{}, touched{}, err
	}
	p.ID, p.Mailbox = care.PatientID(care.NewID("pt")), box
	person := complete(care.Person{ID: care.PersonID(care.NewID("ps")), Name: p.Name, Pronoun: p.Whose(), Role: care.RoleMember})
	s.Members = append(s.Members, member{Person: person, Patient: p.ID, Mailbox: box})
	s.Patients = append(s.Patients, patient{Patient: p, Relations: slices.Clone(x.Relations), Readers: []reader{{Person: person.ID}}})
	return Member{p, person}, s.patientTouched(p.ID), nil
}

// CheckNewcomer refuses what AddMember would refuse.
func (r *Registrar) CheckNewcomer(x Newcomer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.checkPatient(&x.Patient, x.Relations)
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

// SetPatient changes what is known of a patient: name, date of birth, record number, sex, pronouns, language, telephone, e-mail,
// whose office is that of primary care, and visits; and the offices, as SetRelations does. Id and mailbox stay. Who has an
// account is called so as a writer too.
func (r *Registrar) SetPatient(_ context.Context, p care.Patient, relations []care.Relation) error {
	return r.change(func(s *state) (touched, error) {
		was := s.patient(p.ID)
		if was == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such patient.")
		}
		if err := s.checkPatient(&p, relations); err != nil {
			return touched{}, err
		}
		was.relate(relations)
		p.Mailbox = was.Patient.Mailbox
		renamed := p.Name != was.Patient.Name || p.Whose() != was.Patient.Whose()
		was.Patient = p
		t := s.patientTouched(p.ID)
		for n := range s.Members {
			m := &s.Members[n]
			if m.Patient != p.ID || !renamed {
				continue
			}
			m.Person = complete(care.Person{ID: m.Person.ID, Name: p.Name, Pronoun: p.Whose(), Role: m.Person.Role})
			for k := range s.Patients { // whoever reads of them by that name
				x := &s.Patients[k]
				if slices.ContainsFunc(x.Readers, func(y reader) bool { return y.Person == m.Person.ID }) {
					more := s.patientTouched(x.Patient.ID)
					t.patients, t.members = append(t.patients, more.patients...), append(t.members, more.members...)
				}
			}
		}
		return t, nil
	})
}

func (s *state) checkPatient(p *care.Patient, relations []care.Relation) error {
	if err := s.checkPerson(p); err != nil {
		return err
	}
	return s.checkRelations(relations)
}

// checkPerson checks what is said of a patient. A patient who is known already has their own id.
func (s *state) checkPerson(p *care.Patient) error {
	switch _, err := time.Parse(time.DateOnly, p.Born); {
	case p.Name == "":
		return care.Refusef(care.Invalid, "A patient needs a name.").In("name")
	case p.MRN == "":
		return care.Refusef(care.Invalid, "A patient needs a medical record number.").In("mrn")
	case err != nil:
		return care.Refusef(care.Invalid, "The date of birth is not a date.").In("born")
	case slices.ContainsFunc(s.Patients, func(x patient) bool { return bare(x.Patient.MRN) == bare(p.MRN) && x.Patient.ID != p.ID }):
		return care.Refusef(care.Conflict, "Another patient has this medical record number.").In("mrn")
	case p.PCP != "" && s.office(p.PCP) == nil:
		return care.Refusef(care.Invalid, "There is no such office of primary care.").In("pcp")
	}
	return plainPatient(*p)
}

// bare is a record number without the spaces in which people group it.
func bare(mrn string) string { return strings.ReplaceAll(mrn, " ", "") }

func (s *state) checkRelations(relations []care.Relation) error {
	seen := map[care.OfficeID]bool{}
	for _, r := range relations {
		if s.office(r.Office) == nil || seen[r.Office] {
			return care.Refusef(care.Invalid, "A relation names no office of this practice, or one twice.").In("relations")
		}
		seen[r.Office] = true
	}
	return plainRelations(relations)
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
		p.relate(relations)
		return s.patientTouched(id), nil
	})
}

func (p *patient) relate(relations []care.Relation) {
	for _, was := range p.Relations {
		if !slices.Contains(p.Former, was.Office) {
			p.Former = append(p.Former, was.Office)
		}
	}
	p.Relations = slices.Clone(relations)
}

// AddProxy lets a member write for another patient, until a day, which is included and counted in the practice's time zone;
// "" is without end. Somebody who is a proxy already has the new end from then on.
func (r *Registrar) AddProxy(_ context.Context, id care.PatientID, who care.PersonID, until string) error {
	return r.change(func(s *state) (touched, error) {
		p, m := s.patient(id), s.member(who)
		if p == nil || m == nil {
			return touched{}, care.Refusef(care.NotFound, "There is no such patient, or no such member.").In("who")
		}
		if m.Patient == id {
			return touched{}, care.Refusef(care.Invalid, "Nobody is their own proxy.").In("who")
		}
		if until != "" {
			if _, err := time.Parse(time.DateOnly, until); err != nil {
				return touched{}, care.Because(care.Invalid, err, "That is not a date.").In("until")
			}
			today, err := s.today(r.options.Now())
			if err != nil {
				return touched{}, err
			}
			if until < today {
				return touched{}, care.Refusef(care.Invalid, "That day is over.").In("until")
			}
		}
		p.Readers = slices.DeleteFunc(p.Readers, func(x reader) bool { return x.Person == who })
		p.Readers = append(p.Readers, reader{Person: who, Until: until})
		return s.patientTouched(id), nil
	})
}

// today is the date in the practice's time zone.
func (s *state) today(now time.Time) (string, error) {
	zone, err := time.LoadLocation(s.Practice.Calendar.Zone)
	if err != nil {
		return "", fmt.Errorf("the practice's time zone: %w", err)
	}
	return now.In(zone).Format(time.DateOnly), nil
}

// EndProxies takes back the grants whose last day is over.
func (r *Registrar) EndProxies(context.Context) error {
	over := func(s *state) (out []*reader, patients []care.PatientID, _ error) {
		today, err := s.today(r.options.Now())
		for n := range s.Patients {
			p := &s.Patients[n]
			for k := range p.Readers {
				if x := &p.Readers[k]; err == nil && x.Until != "" && x.Ended == "" && x.Until < today {
					out, patients = append(out, x), append(patients, p.Patient.ID)
				}
			}
		}
		return out, patients, err
	}
	r.mu.Lock()
	found, _, err := over(&r.state)
	r.mu.Unlock()
	if err != nil || len(found) == 0 {
		return err
	}
	return r.change(func(s *state) (touched, error) {
		found, patients, err := over(s)
		if err != nil {
			return touched{}, err
		}
		var t touched
		for n, x := range found {
			x.Ended = x.Until
			more := s.patientTouched(patients[n])
			t.patients, t.members = append(t.patients, more.patients...), append(t.members, more.members...)
		}
		return t, nil
	})
}

// Proxy is somebody who writes for a patient, or once did.
type Proxy struct {
	Person care.Person
	Until  string // the last day; "": without end
	Ended  string // the day on which the grant ended; "": it is in force
}

// Proxies are those who write for a patient beside the patient, former ones too.
func (r *Registrar) Proxies(id care.PatientID) (out []Proxy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.state.patient(id)
	if p == nil {
		return nil
	}
	for _, x := range p.Readers {
		if m := r.state.member(x.Person); m.Patient != id {
			out = append(out, Proxy{m.Person, x.Until, x.Ended})
		}
	}
	return out
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
		var err error
		if p.Readers[i].Ended, err = s.today(r.options.Now()); err != nil {
			return touched{}, err
		}
		return s.patientTouched(id), nil
	})
}

// SetCalendar changes the practice's business time: hours, holidays, absences. It refuses a calendar that does not hold
// together (care.Invalid).
func (r *Registrar) SetCalendar(_ context.Context, c care.Calendar) error {
	return r.change(func(s *state) (touched, error) {
		if err := s.checkCalendar(c); err != nil {
			return touched{}, err
		}
		s.Practice.Calendar = c
		return touched{directory: true}, nil
	})
}

func (s *state) checkCalendar(c care.Calendar) error {
	if err := cmp.Or(checkCalendar(c), plainCalendar(c)); err != nil {
		return err
	}
	for _, a := range c.Absences {
		if s.staff(a.Person) == nil || a.Cover != "" && s.staff(a.Cover) == nil {
			return care.Refusef(care.Invalid, "An absence names nobody of this practice.").In("absences")
		}
	}
	return nil
}

// ChangePractice changes what the directory says of the practice itself. Its id, agent and mailbox stay. What do refuses
// changes nothing.
func (r *Registrar) ChangePractice(_ context.Context, do func(*care.Practice) error) error {
	return r.change(func(s *state) (touched, error) {
		p, err := clone(s.Practice)
		if err != nil {
			return touched{}, err
		}
		if err := do(&p); err != nil {
			return touched{}, err
		}
		if p.Name == "" {
			return touched{}, care.Refusef(care.Invalid, "A practice needs a name.").In("name")
		}
		if err := cmp.Or(plainPractice(p), s.checkCalendar(p.Calendar)); err != nil {
			return touched{}, err
		}
		p.ID, p.Agent, p.Mailbox = s.Practice.ID, s.Practice.Agent, s.Practice.Mailbox
		s.Practice = p
		return touched{directory: true}, nil
	})
}

// clone is a practice that shares nothing with the other.
func clone(p care.Practice) (out care.Practice, err error) {
	raw, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
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
	doctor := p.Role == care.RolePhysician
	if p.Shown == "" {
		p.Shown = p.Name
		if doctor {
			p.Shown = "Dr. " + p.Name
		}
	}
	if p.Short == "" && len(words) > 0 {
		p.Short = words[0]
		if doctor {
			p.Short = "Dr. " + words[len(words)-1]
		}
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
