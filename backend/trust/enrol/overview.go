package enrol

import (
	"cmp"
	"context"
	"slices"
	"time"

	"postern/backend/care"
)

// StandingKind is how far somebody is in.
type StandingKind string

// The kinds.
const (
	StandingNone     StandingKind = "none"     // not invited
	StandingInvited  StandingKind = "invited"  // until On
	StandingExpired  StandingKind = "expired"  // on On
	StandingEnrolled StandingKind = "enrolled" // since On
	StandingLeft     StandingKind = "left"     // removed
)

// Standing is how somebody stands with the practice.
type Standing struct {
	Kind  StandingKind
	On    time.Time
	Alarm string // of the newest invitation: somebody answered it a second time
}

// Device is one computer of somebody's.
type Device struct {
	Key     care.KeyID
	Since   time.Time
	Revoked bool
}

// Employee is somebody of the staff, as the registrar knows them.
type Employee struct {
	care.Person
	Offices  []care.OfficeID
	Standing Standing
	Devices  []Device
}

// Patient is a patient, as the registrar knows them.
type Patient struct {
	Patient   care.Patient
	Person    care.PersonID // "": without an account
	Relations []care.Relation
	Standing  Standing
	Devices   []Device
	Proxies   []Proxy
	ActsFor   []care.Patient
}

// Stays reports whether the registrar is to go on while the screen of its profile is locked.
func (r *Registrar) Stays() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Stays
}

// SetStays says whether it is.
func (r *Registrar) SetStays(_ context.Context, on bool) error {
	return r.change(func(s *state) (touched, error) {
		s.Stays = on
		return touched{}, nil
	})
}

// Practice is what the practice says of itself.
func (r *Registrar) Practice() care.Practice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Practice
}

// Offices are all offices, in the order in which they were made.
func (r *Registrar) Offices() []care.Office {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.state.Offices)
}

// Employees are all of the staff, the agent and who has left among them, by name.
func (r *Registrar) Employees() []Employee {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	look := s.look(r.options.Now())
	out := make([]Employee, 0, len(s.Staff))
	for _, p := range s.Staff {
		out = append(out, Employee{Person: p.Person, Offices: slices.Clone(p.Offices),
			Standing: look.standing(p.ID, slices.Contains(s.Left, p.ID)), Devices: look.devices[p.ID]})
	}
	slices.SortStableFunc(out, func(a, b Employee) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Patients are all patients, by name.
func (r *Registrar) Patients() []Patient {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.state
	look := s.look(r.options.Now())
	members := make(map[care.PersonID]*member, len(s.Members))
	owner := make(map[care.PatientID]care.PersonID, len(s.Members))
	for n := range s.Members {
		m := &s.Members[n]
		members[m.Person.ID], owner[m.Patient] = m, m.Person.ID
	}
	acts := map[care.PersonID][]care.Patient{}
	out := make([]Patient, 0, len(s.Patients))
	for _, p := range s.Patients {
		x := Patient{Patient: p.Patient, Person: owner[p.Patient.ID], Relations: slices.Clone(p.Relations)}
		left := false
		for _, reader := range p.Readers {
			if reader.Person == x.Person {
				left = reader.Ended != ""
				continue
			}
			x.Proxies = append(x.Proxies, Proxy{members[reader.Person].Person, reader.Until, reader.Ended})
			if reader.Ended == "" {
				acts[reader.Person] = append(acts[reader.Person], p.Patient)
			}
		}
		if x.Person != "" {
			x.Standing, x.Devices = look.standing(x.Person, left), look.devices[x.Person]
		} else {
			x.Standing.Kind = StandingNone
		}
		out = append(out, x)
	}
	for n := range out {
		if who := out[n].Person; who != "" {
			out[n].ActsFor = acts[who]
		}
	}
	slices.SortStableFunc(out, func(a, b Patient) int { return cmp.Compare(a.Patient.Name, b.Patient.Name) })
	return out
}

// look is what there is to know of each person's invitations and devices.
type look struct {
	now     time.Time
	newest  map[care.PersonID]*invite
	devices map[care.PersonID][]Device
}

func (s *state) look(now time.Time) look {
	l := look{now: now, newest: map[care.PersonID]*invite{}, devices: map[care.PersonID][]Device{}}
	for n := range s.Invites {
		l.newest[s.Invites[n].Person] = &s.Invites[n] // they are in the order in which they were made
	}
	gone := make(map[care.KeyID]bool, len(s.Revoked))
	for _, x := range s.Revoked {
		gone[x.Key] = true
	}
	for _, d := range s.Devices {
		since, err := time.Parse(time.RFC3339, d.Since)
		if err != nil {
			since = time.Time{} // an older Postern did not note it
		}
		l.devices[d.Person] = append(l.devices[d.Person], Device{Key: d.Key, Since: since, Revoked: gone[d.Key]})
	}
	return l
}

func (l look) standing(who care.PersonID, left bool) Standing {
	out := Standing{Kind: StandingNone}
	i := l.newest[who]
	if i != nil {
		out.Alarm = i.Alarm
	}
	if left {
		out.Kind = StandingLeft
		return out
	}
	if i != nil && i.open() && !l.now.After(i.Expires) { // also of who is in: they are waited for
		out.Kind, out.On = StandingInvited, i.Expires
		return out
	}
	for _, d := range l.devices[who] {
		if !d.Revoked {
			out.Kind, out.On = StandingEnrolled, d.Since
		}
	}
	if out.Kind == StandingNone && i != nil && i.open() {
		out.Kind, out.On = StandingExpired, i.Expires
	}
	return out
}
