package directory

import (
	"cmp"
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// answers is what a book has worked out of its documents.
type answers struct {
	practice  care.Practice
	offices   map[care.OfficeID]care.Office
	staffed   map[care.PersonID][]care.Office
	people    map[care.PersonID]care.Person
	staff     []care.Person
	mailboxes map[care.MailboxID]Mailbox
	officeOf  map[care.MailboxID]care.OfficeID
	patients  map[care.PatientID]*patient
	owners    map[care.MailboxID]*patient        // by their own mailbox
	writes    map[care.PersonID][]care.PatientID // in force
	revoked   map[care.KeyID]bool
	sorted    func() []care.Patient

	// These look through every certificate, and are asked at each change of a conversation.
	withdrawn func() map[Withdrawal]time.Time
	renewed   func() map[care.MailboxID]time.Time
	devices   func() []StaffDevice
}

type patient struct {
	care.Patient
	relations []care.Relation
	readers   []Reader
}

// derive works the answers out anew. A patient's roster is preferred to what a care list says of them: it says more.
func (b *Book) derive() answers {
	a := answers{
		practice: care.Practice{ID: b.pin.Practice}, offices: map[care.OfficeID]care.Office{},
		staffed: map[care.PersonID][]care.Office{}, people: map[care.PersonID]care.Person{},
		mailboxes: map[care.MailboxID]Mailbox{}, officeOf: map[care.MailboxID]care.OfficeID{},
		patients: make(map[care.PatientID]*patient, len(b.rosters)), writes: map[care.PersonID][]care.PatientID{},
		revoked: map[care.KeyID]bool{},

		withdrawn: sync.OnceValue(b.findWithdrawn), renewed: sync.OnceValue(b.findRenewed), devices: sync.OnceValue(b.findDevices),
	}
	for _, person := range slices.Sorted(maps.Keys(b.lists)) {
		for _, p := range b.lists[person].body.Patients {
			a.know(&patient{p.Patient, p.Relations, p.Readers})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.rosters)) {
		r := b.rosters[id].body
		a.know(&patient{r.Patient, r.Relations, r.Readers})
	}
	a.owners = make(map[care.MailboxID]*patient, len(a.patients))
	for _, id := range slices.Sorted(maps.Keys(a.patients)) {
		if p := a.patients[id]; p.Mailbox != "" {
			a.owners[p.Mailbox] = p
		}
		for _, r := range a.patients[id].readers {
			if r.Ended == "" {
				a.writes[r.Person.ID] = append(a.writes[r.Person.ID], id)
			}
		}
	}
	if d := b.directory.body; d != nil {
		a.clinic(d)
	}
	patients := a.patients
	a.sorted = sync.OnceValue(func() []care.Patient {
		out := make([]care.Patient, 0, len(patients))
		for _, p := range patients {
			out = append(out, p.Patient)
		}
		slices.SortFunc(out, func(x, y care.Patient) int {
			return cmp.Or(strings.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
		})
		return out
	})
	return a
}

func (a *answers) know(p *patient) {
	a.patients[p.ID] = p
	for _, r := range p.readers {
		a.people[r.Person.ID] = r.Person
		if was, ok := a.mailboxes[r.Mailbox.ID]; !ok || was.Generation <= r.Mailbox.Generation {
			a.mailboxes[r.Mailbox.ID] = r.Mailbox
		}
	}
}

func (a *answers) clinic(d *Directory) {
	a.practice = d.Clinic
	for _, m := range d.Mailboxes {
		a.mailboxes[m.ID] = m
	}
	for _, o := range d.Offices {
		a.offices[o.ID] = o
		a.officeOf[o.Mailbox] = o.ID
	}
	for _, s := range d.Staff {
		a.people[s.ID] = s.Person
		a.staff = append(a.staff, s.Person)
		for _, o := range d.Offices {
			if slices.Contains(s.Offices, o.ID) || s.Role == care.RoleAgent {
				a.staffed[s.ID] = append(a.staffed[s.ID], o)
			}
		}
	}
	for _, r := range d.Revoked {
		a.revoked[r.Key] = true
	}
}

// Version is the version of the directory; 0 while none is known.
func (b *Book) Version() int {
	if b.directory.body == nil {
		return 0
	}
	return b.directory.body.Version
}

// Practice is the clinic; while no directory is known, its id alone.
func (b *Book) Practice() care.Practice { return b.practice }

// Offices are all offices, in the directory's order.
func (b *Book) Offices() []care.Office {
	if b.directory.body == nil {
		return nil
	}
	return slices.Clone(b.directory.body.Offices)
}

// Office is one office.
func (b *Book) Office(id care.OfficeID) (care.Office, bool) {
	o, ok := b.offices[id]
	return o, ok
}

// Person is someone of the staff, or a member who reads about a patient known here; former ones too.
func (b *Book) Person(id care.PersonID) (care.Person, bool) {
	p, ok := b.people[id]
	return p, ok
}

// Staff are the people of the practice, former ones and the agent too, in the directory's order. OfficesOf tells who
// still belongs to an office.
func (b *Book) Staff() []care.Person { return slices.Clone(b.staff) }

// OfficesOf are the offices to which a person of the staff belongs, in the directory's order; of the agent, all.
func (b *Book) OfficesOf(id care.PersonID) []care.Office { return slices.Clone(b.staffed[id]) }

// Patient is one patient known here.
func (b *Book) Patient(id care.PatientID) (care.Patient, bool) {
	p, ok := b.patients[id]
	if !ok {
		return care.Patient{}, false
	}
	return p.Patient, true
}

// Patients are all patients known here, by name.
func (b *Book) Patients() []care.Patient { return slices.Clone(b.sorted()) }

// Relations are the offices that may be written to about a patient, and why.
func (b *Book) Relations(id care.PatientID) []care.Relation {
	if p, ok := b.patients[id]; ok {
		return slices.Clone(p.relations)
	}
	return nil
}

// Readers are the mailboxes of those who may now read about a patient, sorted: the patient and their proxies.
func (b *Book) Readers(id care.PatientID) []care.MailboxID {
	p, ok := b.patients[id]
	if !ok {
		return nil
	}
	var out []care.MailboxID
	for _, r := range p.readers {
		if r.Ended == "" {
			out = append(out, r.Mailbox.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Former are the mailboxes of those whose grant to read about a patient has ended, sorted.
func (b *Book) Former(id care.PatientID) []care.MailboxID {
	p, ok := b.patients[id]
	if !ok {
		return nil
	}
	now := b.Readers(id)
	var out []care.MailboxID
	for _, r := range p.readers {
		if r.Ended != "" && !slices.Contains(now, r.Mailbox.ID) {
			out = append(out, r.Mailbox.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Self is the patient as a writer; false for one without an account, or not known here.
func (b *Book) Self(id care.PatientID) (care.PersonID, bool) {
	if p, ok := b.patients[id]; ok {
		for _, r := range p.readers {
			if r.Self {
				return r.Person.ID, true
			}
		}
	}
	return "", false
}

// Reader is the member whose mailbox reads about a patient, or did.
func (b *Book) Reader(id care.PatientID, box care.MailboxID) (care.Person, bool) {
	if p, ok := b.patients[id]; ok {
		for _, r := range p.readers {
			if r.Mailbox.ID == box {
				return r.Person, true
			}
		}
	}
	return care.Person{}, false
}

// Owner is the patient whose own mailbox it is: with their ordinary e-mail address, if the register has one.
func (b *Book) Owner(box care.MailboxID) (care.Patient, bool) {
	if p, ok := b.owners[box]; ok {
		return p.Patient, true
	}
	return care.Patient{}, false
}

// Emailed are the mailboxes of the patients who get their ordinary e-mail at an address: one, as a rule, and a family's may be several.
func (b *Book) Emailed(address string) (boxes []care.MailboxID) {
	for _, p := range b.sorted() {
		if p.Email != "" && p.Mailbox != "" && strings.EqualFold(p.Email, address) {
			boxes = append(boxes, p.Mailbox)
		}
	}
	return boxes
}

// Proxies are those who may now read and write for a patient, the patient not among them, in the register's order.
func (b *Book) Proxies(id care.PatientID) (all []care.Person) {
	if p, ok := b.patients[id]; ok {
		for _, r := range p.readers {
			if !r.Self && r.Ended == "" {
				all = append(all, r.Person)
			}
		}
	}
	return all
}

// WritesFor are the patients for whom a member may now write, sorted by id.
func (b *Book) WritesFor(id care.PersonID) []care.PatientID { return slices.Clone(b.writes[id]) }

// Mailbox is where letters to a mailbox go and the key to seal them to.
func (b *Book) Mailbox(id care.MailboxID) (Mailbox, bool) {
	m, ok := b.mailboxes[id]
	return m, ok
}

// PublicKey is the certified key with this fingerprint, revoked or not. What it may write, Standing says.
func (b *Book) PublicKey(id care.KeyID) (ed25519.PublicKey, bool) {
	c, ok := b.certs[id]
	if !ok {
		return nil, false
	}
	return c.body.Key, true
}

// Revoked reports whether the directory has withdrawn the key.
func (b *Book) Revoked(id care.KeyID) bool { return b.revoked[id] }

// Withdrawal is what a key may write no more: anything, or to one office.
type Withdrawal struct {
	Key    care.KeyID
	Office care.OfficeID // "": anything
}

// Withdrawn are the keys that the directory has withdrawn, and those whose owner has left an office, and since when.
func (b *Book) Withdrawn() map[Withdrawal]time.Time { return maps.Clone(b.withdrawn()) }

func (b *Book) findWithdrawn() map[Withdrawal]time.Time {
	out := map[Withdrawal]time.Time{}
	note := func(w Withdrawal, text string) {
		if at, err := time.Parse(timeLayout, text); err == nil { // it was checked as the document was read
			out[w] = at
		}
	}
	for key, c := range b.certs {
		for _, f := range c.body.Former {
			note(Withdrawal{key, f.Office}, f.At)
		}
	}
	if d := b.directory.body; d != nil {
		for _, r := range d.Revoked {
			note(Withdrawal{Key: r.Key}, r.At)
		}
	}
	return out
}

// WithdrawnFor is since when an event's author could not write it any more: their key was withdrawn, or they left an office
// that it went to.
func (b *Book) WithdrawnFor(withdrawn map[Withdrawal]time.Time, e *event.Event) (since time.Time, gone bool) {
	note := func(w Withdrawal) {
		if at, is := withdrawn[w]; is && (!gone || at.Before(since)) {
			since, gone = at, true
		}
	}
	note(Withdrawal{Key: e.Author})
	for _, m := range e.To {
		if o, ok := b.officeOf[m]; ok {
			note(Withdrawal{e.Author, o})
		}
	}
	return since, gone
}

// Left reports whether the person of a device has left the office whose mailbox that is: its login there ends.
func (b *Book) Left(device care.KeyID, box care.MailboxID) bool {
	c, known := b.certs[device]
	o, office := b.officeOf[box]
	if !known || !office || !c.body.Role.Staff() || c.body.Role == care.RoleAgent {
		return false
	}
	return !slices.ContainsFunc(b.staffed[c.body.Person], func(x care.Office) bool { return x.ID == o })
}

// StaffDevice is a computer of somebody of the care team, or the agent's.
type StaffDevice struct {
	Key       care.KeyID
	Person    care.PersonID
	Since     time.Time
	Withdrawn time.Time // zero: it is in force
}

// StaffDevices are the certified computers of the care team and the agent, by person, the one certified first in front.
func (b *Book) StaffDevices() []StaffDevice { return slices.Clone(b.devices()) }

func (b *Book) findDevices() (all []StaffDevice) {
	withdrawn := b.withdrawn()
	for key, c := range b.certs {
		if c.body.For != ForDevice || !c.body.Role.Staff() {
			continue
		}
		since, err := time.Parse(timeLayout, c.body.At)
		if err != nil {
			continue // it was checked as the document was read
		}
		all = append(all, StaffDevice{Key: key, Person: c.body.Person, Since: since, Withdrawn: withdrawn[Withdrawal{Key: key}]})
	}
	slices.SortFunc(all, func(x, y StaffDevice) int {
		return cmp.Or(cmp.Compare(x.Person, y.Person), x.Since.Compare(y.Since), strings.Compare(x.Key.String(), y.Key.String()))
	})
	return all
}

// Enrolled reports whether somebody of the staff has a computer on which they read and answer.
func (b *Book) Enrolled(who care.PersonID) bool {
	return slices.ContainsFunc(b.devices(), func(d StaffDevice) bool { return d.Person == who && d.Withdrawn.IsZero() })
}

// Renewed are the members' mailboxes that have another key than their first, and since when: since their owner's newest
// device was certified. What was sealed to them before may be lost to their owner.
func (b *Book) Renewed() map[care.MailboxID]time.Time { return maps.Clone(b.renewed()) }

func (b *Book) findRenewed() map[care.MailboxID]time.Time {
	newest := map[care.PersonID]time.Time{}
	for _, c := range b.certs {
		if at, err := time.Parse(timeLayout, c.body.At); err == nil && at.After(newest[c.body.Person]) {
			newest[c.body.Person] = at
		}
	}
	out := map[care.MailboxID]time.Time{}
	for _, p := range b.patients {
		for _, r := range p.readers {
			if r.Mailbox.Generation > 1 && r.Ended == "" {
				out[r.Mailbox.ID] = newest[r.Person.ID]
			}
		}
	}
	return out
}
