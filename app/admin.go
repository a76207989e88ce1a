package app

import (
	"cmp"
	"context"
	"slices"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/trust/audit"
	"postern/backend/trust/enrol"
	"postern/frontend/seat"
)

// Admin is the administration, of the profile that holds it.
func (s *signed) Admin() seat.Admin {
	r := s.Registrar()
	if r == nil {
		return nil
	}
	return admin{r, s.Profile}
}

// admin speaks the screens' words for what an administrator does. What was changed is recorded, and goes out at once.
type admin struct {
	r *backend.Registrar
	p *backend.Profile
}

// made records a change, and wakes who mails what others are to know.
func (a admin) made(what audit.What, ref string) {
	a.p.Noted(what, ref)
	a.r.Kick()
}

// done is made unless there was an error, which it hands on.
func (a admin) done(err error, what audit.What, ref string) error {
	if err == nil {
		a.made(what, ref)
	}
	return err
}

// changed is done for what is the practice's own.
func (a admin) changed(err error) error { return a.done(err, audit.Changed, string(a.r.Practice().ID)) }

func (a admin) Practice() care.Practice { return a.r.Practice() }
func (a admin) Offices() []care.Office  { return a.r.Offices() }

func (a admin) Staff(context.Context) ([]seat.Employee, error) {
	var out []seat.Employee
	for _, e := range a.r.Employees() {
		out = append(out, seat.Employee{Person: e.Person, Offices: e.Offices, Standing: standing(e.Standing), Devices: devices(e.Devices),
			Self: e.ID == a.p.Me().ID})
	}
	return out, nil
}

func (a admin) Members(_ context.Context, search string, page int) (seat.MemberList, error) {
	found := a.r.SearchPatients(search, page)
	out := seat.MemberList{Found: found.Found, PerPage: backend.PatientsPerPage, Enrolled: found.Enrolled, Invited: found.Invited, Attention: found.Attention}
	for _, p := range found.All {
		out.Members = append(out.Members, memberOf(p))
	}
	return out, nil
}

func (a admin) Member(_ context.Context, id care.PatientID) (seat.Member, error) {
	all := a.r.Patients()
	n := slices.IndexFunc(all, func(p enrol.Patient) bool { return p.Patient.ID == id })
	if n < 0 {
		return seat.Member{}, care.Refusef(care.NotFound, "There is no such patient.")
	}
	return memberOf(all[n]), nil
}

func memberOf(p enrol.Patient) seat.Member {
	out := seat.Member{Patient: p.Patient, Person: p.Person, Relations: p.Relations, Standing: standing(p.Standing), Devices: devices(p.Devices), ActsFor: p.ActsFor}
	for _, x := range p.Proxies {
		out.Proxies = append(out.Proxies, seat.Proxy{Person: x.Person.ID, Name: x.Person.Name, Until: cmp.Or(x.Ended, x.Until), Ended: x.Ended != ""})
	}
	return out
}

func standing(s enrol.Standing) seat.Standing {
	return seat.Standing{Kind: seat.StandingKind(s.Kind), On: s.On, Alarm: s.Alarm}
}

func devices(all []enrol.Device) (out []seat.Device) {
	for _, d := range all {
		out = append(out, seat.Device(d))
	}
	return out
}

func (a admin) AddOffice(ctx context.Context, o care.Office) (care.Office, error) {
	o, err := a.r.AddOffice(ctx, o)
	return o, a.done(err, audit.Added, string(o.ID))
}

func (a admin) SetOffice(ctx context.Context, o care.Office) (care.Office, error) {
	o, err := a.r.SetOffice(ctx, o)
	return o, a.done(err, audit.Changed, string(o.ID))
}

func (a admin) AddPerson(ctx context.Context, p care.Person, offices []care.OfficeID) (care.Person, error) {
	p, err := a.r.AddPerson(ctx, p, offices)
	return p, a.done(err, audit.Added, string(p.ID))
}

func (a admin) SetPerson(ctx context.Context, p care.Person, offices []care.OfficeID) error {
	return a.done(a.r.SetPerson(ctx, p, offices), audit.Changed, string(p.ID))
}

func (a admin) AddMember(ctx context.Context, p care.Patient, account bool, relations []care.Relation) (seat.Member, error) {
	id := care.PatientID("")
	if account {
		m, err := a.r.AddMember(ctx, p, relations)
		if err != nil {
			return seat.Member{}, err
		}
		id = m.Patient.ID
	} else {
		p, err := a.r.AddDependent(ctx, p, relations)
		if err != nil {
			return seat.Member{}, err
		}
		id = p.ID
	}
	a.made(audit.Added, string(id))
	return a.Member(ctx, id)
}

func (a admin) SetMember(ctx context.Context, p care.Patient, relations []care.Relation) error {
	return a.done(a.r.SetPatient(ctx, p, relations), audit.Changed, string(p.ID))
}

func (a admin) AddProxy(ctx context.Context, patient care.PatientID, who care.PersonID, until string) error {
	return a.done(a.r.AddProxy(ctx, patient, who, until), audit.Changed, string(patient))
}

func (a admin) EndProxy(ctx context.Context, patient care.PatientID, who care.PersonID) error {
	return a.done(a.r.EndProxy(ctx, patient, who), audit.Changed, string(patient))
}

func (a admin) Import(ctx context.Context, csv []byte, try bool) (seat.Imported, error) {
	did, err := a.r.Import(ctx, csv, try)
	if err == nil && !try && len(did.Problems) == 0 {
		a.made(audit.Changed, string(a.r.Practice().ID))
	}
	return seat.Imported(did), err
}

func (a admin) Invite(ctx context.Context, who care.PersonID) (seat.Invited, error) {
	i, err := a.r.Invite(ctx, who)
	return seat.Invited(i), a.done(err, audit.Invited, string(who))
}

func (a admin) Withdraw(ctx context.Context, who care.PersonID) error {
	return a.done(a.r.Withdraw(ctx, who), audit.Withdrawn, string(who))
}

func (a admin) Removal(who care.PersonID) ([]string, error) { return a.r.Removal(who) }

func (a admin) Remove(ctx context.Context, who care.PersonID) error {
	return a.done(a.r.Remove(ctx, who), audit.Removed, string(who))
}

func (a admin) RevokeDevice(ctx context.Context, key care.KeyID) error {
	return a.done(a.r.RevokeDevice(ctx, key), audit.Revoked, key.String())
}

func (a admin) Agents(context.Context) (out []seat.Agent, err error) {
	named := a.r.Practice().Agent
	for _, e := range a.r.Employees() {
		if e.Role != care.RoleAgent || e.Standing.Kind == enrol.StandingLeft {
			continue
		}
		h := a.p.AgentHealth(e.ID)
		x := seat.Agent{Person: e.Person, Named: e.ID == named, Heard: h.Heard, Silent: h.Silent, Version: h.Version, Fetched: h.Fetched, Sent: h.Sent, Reads: h.Reads, Read: h.Read, Mailed: h.Mailed,
			Enrolled: slices.ContainsFunc(e.Devices, func(d enrol.Device) bool { return !d.Revoked })}
		for _, w := range h.Wrong {
			x.Wrong = append(x.Wrong, seat.Wrong{Says: w.Says, Do: w.Do})
		}
		if x.Named {
			out = slices.Insert(out, 0, x)
		} else {
			out = append(out, x)
		}
	}
	return out, nil
}

func (a admin) NameAgent(ctx context.Context, who care.PersonID) error {
	return a.done(a.r.NameAgent(ctx, who), audit.Changed, string(who))
}

func (a admin) SetPractice(ctx context.Context, p care.Practice) error {
	return a.changed(a.r.SetPractice(ctx, p))
}

func (a admin) Notice(n care.Notices) seat.NoticeMail { return seat.NoticeMail(a.r.Notice(n)) }

func (a admin) SetAbsence(ctx context.Context, x care.Absence) error {
	return a.done(a.r.SetAbsence(ctx, x), audit.Changed, string(x.Person))
}

func (a admin) EndAbsence(ctx context.Context, who care.PersonID, from string) error {
	return a.done(a.r.EndAbsence(ctx, who, from), audit.Changed, string(who))
}

func (a admin) SetHoliday(ctx context.Context, h care.Holiday) error {
	return a.changed(a.r.SetHoliday(ctx, h))
}

func (a admin) EndHoliday(ctx context.Context, date string) error {
	return a.changed(a.r.EndHoliday(ctx, date))
}

func (a admin) Stays() bool { return a.r.Stays() }

func (a admin) SetStays(ctx context.Context, on bool) error { return a.changed(a.r.SetStays(ctx, on)) }

func (a admin) Mail(ctx context.Context) (seat.MailState, error) {
	m, err := a.r.Mail(ctx)
	return seat.MailState(m), err
}

func (a admin) TryMail(ctx context.Context) ([]seat.MailStep, error) { return steps(a.r.TryMail(ctx)) }

func (a admin) AddAccounts(ctx context.Context, file []byte) error {
	return a.changed(a.r.AddAccounts(ctx, file))
}

func (a admin) LoginEnded(ctx context.Context, login string) error {
	return a.changed(a.r.LoginEnded(ctx, login))
}

func (a admin) MoveGateway(ctx context.Context, m seat.MailChoice) error {
	return a.changed(a.r.MoveGateway(ctx, backend.MailChoice(m)))
}
