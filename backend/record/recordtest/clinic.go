// Package recordtest is a small clinic with a replica, for the tests of record's rooms. Events are encoded and decoded
// as they travel, tables are real; only signatures and mail are left out.
package recordtest

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/care/promise"
)

// The practice and its offices.
const (
	Practice  = care.PracticeID("pr_aaaaaaaaaaaaaaaa")
	Lee       = care.OfficeID("of_leeaaaaaaaaaaaaa")
	Raman     = care.OfficeID("of_ramanaaaaaaaaaaa")
	Brandt    = care.OfficeID("of_brandtaaaaaaaaaa")
	ClinicBox = care.MailboxID("mb_clinicaaaaaaaaaa")
	LeeBox    = care.MailboxID("mb_leeaaaaaaaaaaaaa")
	RamanBox  = care.MailboxID("mb_ramanaaaaaaaaaaa")
	BrandBox  = care.MailboxID("mb_brandtaaaaaaaaaa")
	MariaBox  = care.MailboxID("mb_mariaaaaaaaaaaaa")
	JuanBox   = care.MailboxID("mb_juanaaaaaaaaaaaa")
	MariaPt   = care.PatientID("pt_mariaaaaaaaaaaaa")
	JuanPt    = care.PatientID("pt_juanaaaaaaaaaaaa")
)

// Someone is an author of events.
type Someone struct {
	care.Person
	Key     care.KeyID
	Mailbox care.MailboxID // a member's own
	Patient care.PatientID // a member's own record
}

func someone(handle, name, shown, short, initials string, role care.Role) Someone {
	return Someone{
		Person: care.Person{ID: care.PersonID("ps_" + (handle + "aaaaaaaaaaaaaaaa")[:16]), Name: name, Shown: shown, Short: short, Initials: initials, Role: role},
		Key:    sha256.Sum256([]byte(handle)),
	}
}

// The people. Maria and Juan are members, Stranger has no certificate.
var (
	Maria    = member("maria", "Marisol Vega", "MV", MariaBox, MariaPt)
	Juan     = member("juan", "Nguyễn Thị Minh Anh", "NA", JuanBox, JuanPt)
	Rosa     = someone("rosa", "Rosa Delgado", "Rosa Delgado, RN", "Rosa", "RD", care.RoleNurse)
	DrLee    = someone("lee", "Ana Lee", "Dr. Ana Lee", "Dr. Lee", "AL", care.RolePhysician)
	DrRaman  = someone("raman", "Priya Raman", "Dr. Priya Raman", "Dr. Raman", "PR", care.RolePhysician)
	DrHaddad = someone("haddad", "Omar Haddad", "Dr. Omar Haddad", "Dr. Haddad", "OH", care.RolePhysician)
	Sam      = someone("sam", "Sam Ortiz", "Sam Ortiz", "Sam", "SO", care.RoleSupport)
	Agent    = someone("agent", "Postern at Alder Creek", "Alder Creek Clinic", "Clinic", "AC", care.RoleAgent)
	Stranger = someone("stranger", "Nobody", "Nobody", "Nobody", "NN", care.RoleNurse)
)

func member(handle, name, initials string, mailbox care.MailboxID, patient care.PatientID) Someone {
	s := someone(handle, name, name, name, initials, care.RoleMember)
	s.Mailbox, s.Patient = mailbox, patient
	return s
}

// Clinic answers what rooms ask of the directory. Tests change its fields between two questions.
type Clinic struct {
	t        testing.TB
	Known    map[care.KeyID]fold.Standing
	Roster   map[care.PatientID]care.Patient
	List     map[care.OfficeID]care.Office
	Viewer   care.PersonID // whose offices Offices gives
	Calendar care.Calendar
	Policy   care.Policy
	Belongs  map[care.PersonID][]care.OfficeID
	Grants   map[care.PatientID][]Someone // who write for a patient, beside the patient
	Invited  []care.PersonID              // of the staff, and not enrolled yet
}

// NewClinic is the clinic with everybody known.
func NewClinic(t testing.TB) *Clinic {
	c := &Clinic{
		t:     t,
		Known: map[care.KeyID]fold.Standing{},
		Roster: map[care.PatientID]care.Patient{
			MariaPt: {ID: MariaPt, Name: Maria.Name, Born: "1980-03-04", Sex: "F", MRN: "4821 0739", PCP: Lee, Mailbox: MariaBox, Phone: "555-010-0177",
				Visits: []care.Visit{{Date: "2026-09-22", Office: Brandt, What: "Dermatology"}, {Date: "2026-11-11", Office: Lee, What: "Office visit, Dr. Lee", Why: "Hypertension"}}},
			JuanPt: {ID: JuanPt, Name: Juan.Name, Born: "1976-12-24", Sex: "F", MRN: "8129 4405", PCP: Lee, Mailbox: JuanBox},
		},
		List: map[care.OfficeID]care.Office{
			Lee:    {ID: Lee, Name: "Dr. Lee's office", Provider: DrLee.ID, Specialty: "Internal Medicine", Mailbox: LeeBox, Phone: "555-0100"},
			Raman:  {ID: Raman, Name: "Dr. Raman's office", Provider: DrRaman.ID, Specialty: "Cardiology", Mailbox: RamanBox, Phone: "555-0101"},
			Brandt: {ID: Brandt, Name: "Dr. Brandt-Oyelaran's office", Provider: DrHaddad.ID, Specialty: "Dermatology", Mailbox: BrandBox, Phone: "555-0102"},
		},
		Calendar: care.Calendar{Zone: "America/Chicago", Preset: "us", Hours: map[string][]care.Span{}},
		Belongs: map[care.PersonID][]care.OfficeID{
			Rosa.ID: {Lee, Raman}, DrLee.ID: {Lee}, DrRaman.ID: {Raman}, Sam.ID: {Lee}, DrHaddad.ID: {Brandt}, Agent.ID: {Lee, Raman, Brandt},
		},
	}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		c.Calendar.Hours[day] = []care.Span{{From: "09:00", Until: "18:00"}}
	}
	for _, p := range []Someone{Maria, Juan, Rosa, DrLee, DrRaman, DrHaddad, Sam, Agent} {
		c.Known[p.Key] = fold.Standing{Verdict: fold.Accepted, Role: p.Role, Member: p.Role == care.RoleMember}
	}
	return c
}

// Standing is fold.Authority.
func (c *Clinic) Standing(e *event.Event) fold.Standing {
	s, ok := c.Known[e.Author]
	if !ok {
		return fold.Standing{Verdict: fold.Waiting, Reason: "its author is not known here yet"}
	}
	return s
}

// Practice is the clinic.
func (c *Clinic) Practice() care.Practice {
	return care.Practice{ID: Practice, Name: "Alder Creek Clinic", FrontDesk: "555-0199", Calendar: c.Calendar, Policy: c.Policy, Agent: Agent.ID, Mailbox: ClinicBox}
}

// Office finds an office.
func (c *Clinic) Office(id care.OfficeID) (care.Office, bool) { o, ok := c.List[id]; return o, ok }

// OfficesOf are the offices of a person.
func (c *Clinic) OfficesOf(p care.PersonID) (all []care.Office) {
	for _, id := range c.Belongs[p] {
		all = append(all, c.List[id])
	}
	return all
}

// Enrolled reports whether somebody of the staff has a computer.
func (c *Clinic) Enrolled(p care.PersonID) bool { return !slices.Contains(c.Invited, p) }

// Offices are the viewer's.
func (c *Clinic) Offices() []care.Office { return c.OfficesOf(c.Viewer) }

// Person finds someone of the practice; members are not among them.
func (c *Clinic) Person(id care.PersonID) (care.Person, bool) {
	for _, p := range c.Staff() {
		if p.ID == id {
			return p, true
		}
	}
	return care.Person{}, false
}

// Staff is everybody of the practice.
func (c *Clinic) Staff() []care.Person {
	return []care.Person{DrHaddad.Person, DrLee.Person, DrRaman.Person, Rosa.Person, Sam.Person, Agent.Person}
}

// Patient finds a patient.
func (c *Clinic) Patient(id care.PatientID) (care.Patient, bool) {
	p, ok := c.Roster[id]
	return p, ok
}

// Patients are all.
func (c *Clinic) Patients() (all []care.Patient) {
	for _, p := range c.Roster {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b care.Patient) int { return int(b.ID[3]) - int(a.ID[3]) })
	return all
}

// Self is the patient as a writer.
func (c *Clinic) Self(id care.PatientID) (care.PersonID, bool) {
	for _, m := range []Someone{Maria, Juan} {
		if m.Patient == id {
			return m.ID, true
		}
	}
	return "", false
}

// Reader is the member whose mailbox it is.
func (c *Clinic) Reader(_ care.PatientID, box care.MailboxID) (care.Person, bool) {
	for _, p := range []Someone{Maria, Juan} {
		if p.Mailbox == box {
			return p.Person, true
		}
	}
	return care.Person{}, false
}

// Owner is the patient whose own mailbox it is.
func (c *Clinic) Owner(box care.MailboxID) (care.Patient, bool) {
	for _, p := range c.Roster {
		if p.Mailbox == box {
			return p, true
		}
	}
	return care.Patient{}, false
}

// Emailed are the mailboxes of patients with an address.
func (c *Clinic) Emailed(address string) (boxes []care.MailboxID) {
	for _, p := range c.Roster {
		if p.Email != "" && strings.EqualFold(p.Email, address) {
			boxes = append(boxes, p.Mailbox)
		}
	}
	return boxes
}

// Former are those whose grant has ended: nobody's has.
func (c *Clinic) Former(care.PatientID) []care.MailboxID { return nil }

// Proxies are who else writes for a patient.
func (c *Clinic) Proxies(id care.PatientID) (all []care.Person) {
	for _, m := range c.Grants[id] {
		all = append(all, m.Person)
	}
	return all
}

// WritesFor are the patients for whom somebody writes.
func (c *Clinic) WritesFor(who care.PersonID) (all []care.PatientID) {
	for _, m := range []Someone{Maria, Juan} {
		if m.ID == who || slices.ContainsFunc(c.Grants[m.Patient], func(p Someone) bool { return p.ID == who }) {
			all = append(all, m.Patient)
		}
	}
	return all
}

// Relations are the offices that a member may write to.
func (c *Clinic) Relations(id care.PatientID) []care.Relation {
	return []care.Relation{{Office: Brandt, Why: "seen", Seen: "2026-09-22"}, {Office: Raman, Why: "seen", Seen: "2026-10-06"}, {Office: Lee, Why: "primary"}}
}

// Clock is the calendar as the clinic has it now.
func (c *Clinic) Clock() *promise.Clock {
	k, err := promise.New(c.Calendar)
	if err != nil {
		c.t.Fatal(err)
	}
	return k
}

// Monday is when stories begin: Monday, November 23, 2026, 9 am at the clinic.
var Monday = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
