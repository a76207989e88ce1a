package enrol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// quick is for tests alone: one guess costs next to nothing.
var quick = vault.Params{Time: 1, Memory: 64, Threads: 1}

// accounts is a mail system that knows its accounts and carries nothing.
type accounts struct {
	boxes  map[string]bool
	logins []string // "kind local"
	ended  []string
	fail   error
}

func (a *accounts) Mailbox(_ context.Context, local string) (string, error) {
	if a.fail != nil {
		return "", a.fail
	}
	if a.boxes[local] {
		return "", errors.New("there is such a mailbox")
	}
	a.boxes[local] = true
	return local + "@mail.test", nil
}

func (a *accounts) Login(_ context.Context, local string, reader, owner bool) (care.MailLogin, error) {
	if a.fail != nil {
		return care.MailLogin{}, a.fail
	}
	if !a.boxes[local] {
		return care.MailLogin{}, errors.New("no such mailbox")
	}
	a.logins = append(a.logins, fmt.Sprintf("reader=%v owner=%v", reader, owner))
	user := fmt.Sprint("login", len(a.logins))
	return care.MailLogin{User: user, Password: "p-" + user, Address: user + "@mail.test"}, nil
}

func (a *accounts) Without(_ context.Context, name string) error {
	if a.fail == nil {
		a.ended = append(a.ended, name)
	}
	return a.fail
}

var week = map[string][]care.Span{"mon": {{From: "09:00", Until: "18:00"}}, "tue": {{From: "09:00", Until: "18:00"}}}

// town is a practice with three offices, four of staff, an agent and three members.
type town struct {
	*testing.T
	*Registrar
	dir      string
	accounts *accounts
	offices  map[string]care.Office
	people   map[string]care.Person
	members  map[string]Member
	mateo    care.Patient
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *town) options() Options {
	return Options{Dir: filepath.Join(w.dir, "practice"), Passphrase: "root", Accounts: w.accounts, Params: quick,
		Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }}
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{T: t, dir: t.TempDir(), accounts: &accounts{boxes: map[string]bool{}}, offices: map[string]care.Office{},
		people: map[string]care.Person{}, members: map[string]Member{}}
	ctx := t.Context()
	w.Registrar = must[*Registrar](t)(New(ctx, w.options(), care.Practice{Name: "Alder Street Clinic", FrontDesk: "555 0100",
		Calendar: care.Calendar{Zone: "America/New_York", Hours: week, Preset: "us"}}))
	t.Cleanup(w.Close)
	for _, name := range []string{"Lee", "Raman", "Haddad"} {
		w.offices[name] = must[care.Office](t)(w.AddOffice(ctx, care.Office{Name: "Dr. " + name + "'s office", Specialty: "Medicine"}))
	}
	all := []care.OfficeID{w.offices["Lee"].ID, w.offices["Raman"].ID, w.offices["Haddad"].ID}
	for name, x := range map[string]struct {
		role    care.Role
		offices []care.OfficeID
	}{"Ana Lee": {care.RolePhysician, all[:1]}, "Omar Haddad": {care.RolePhysician, all[2:]},
		"Rosa Delgado": {care.RoleNurse, all}, "Sam Ito": {care.RoleSupport, all[1:2]}, "Agent": {care.RoleAgent, nil}} {
		w.people[name] = must[care.Person](t)(w.AddPerson(ctx, care.Person{Name: name, Role: x.role}, x.offices))
	}
	lee := w.offices["Lee"]
	lee.Provider = w.people["Ana Lee"].ID
	w.offices["Lee"] = must[care.Office](t)(w.SetOffice(ctx, lee))
	for i, name := range []string{"Marisol Vega", "Dmitri Volkov", "Grace Kim"} {
		relations := []care.Relation{{Office: all[i], Why: "primary"}}
		if i == 1 {
			relations = append(relations, care.Relation{Office: all[0], Why: "seen", Seen: "2026-09-14"})
		}
		w.members[name] = must[Member](t)(w.AddMember(ctx, care.Patient{Name: name, Born: "1980-02-03", MRN: fmt.Sprint("44", i),
			Pronouns: []string{"she/her", "he/him", ""}[i], PCP: all[i],
			Visits: []care.Visit{{Date: "2026-09-14", Office: all[i], What: "Office visit", Why: "Hypertension"}}}, relations))
	}
	w.mateo = must[care.Patient](t)(w.AddDependent(ctx, care.Patient{Name: "Mateo Vega", Born: "2017-05-09", MRN: "5510"},
		[]care.Relation{{Office: all[0], Why: "primary"}}))
	if err := w.AddProxy(ctx, w.mateo.ID, w.members["Marisol Vega"].Person.ID, ""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *town) profile(name string) (Profile, vault.Secrets) {
	w.Helper()
	who := w.people[name].ID
	if m, ok := w.members[name]; ok {
		who = m.Person.ID
	}
	dir := filepath.Join(w.dir, "profiles", strings.ReplaceAll(fmt.Sprint(name, len(w.accounts.logins)), " ", "-"))
	p := must[Profile](w)(w.MakeProfile(w.Context(), dir, who, name, "demo"))
	v := must[*vault.Vault](w)(vault.Open(dir, "demo"))
	defer v.Close()
	return p, v.Secrets()
}

// bookOf is what a profile knows that has its newest documents and nothing else.
func (w *town) bookOf(who care.PersonID) *directory.Book {
	w.Helper()
	docs := must[[]directory.Document](w)(w.Documents(who))
	b, _, err := directory.NewBook(w.Pin()).With(docs...)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

func TestAPracticeIsMade(t *testing.T) {
	w := newTown(t)
	b := must[*directory.Book](t)(w.Book())
	if b.Practice().Name != "Alder Street Clinic" || b.Practice().ID != w.Pin().Practice || b.Practice().Agent != w.people["Agent"].ID {
		t.Errorf("%+v", b.Practice())
	}
	if len(b.Offices()) != 3 || len(b.Staff()) != 5 || len(b.Patients()) != 4 {
		t.Errorf("%d offices, %d staff, %d patients", len(b.Offices()), len(b.Staff()), len(b.Patients()))
	}
	if o := b.OfficesOf(w.people["Rosa Delgado"].ID); len(o) != 3 {
		t.Errorf("Rosa's offices %v", o)
	}
	if o, _ := b.Office(w.offices["Lee"].ID); o.Provider != w.people["Ana Lee"].ID {
		t.Errorf("office %+v", o)
	}
	m := w.members["Marisol Vega"]
	if p, _ := b.Person(m.Person.ID); p.Short != "Marisol" || p.Initials != "MV" || p.Pronoun != "her" || p.Role != care.RoleMember {
		t.Errorf("person %+v", p)
	}
	if got := b.WritesFor(m.Person.ID); len(got) != 2 {
		t.Errorf("writes for %v", got)
	}
	if r := b.Readers(w.mateo.ID); !slices.Equal(r, []care.MailboxID{m.Patient.Mailbox}) {
		t.Errorf("readers %v", r)
	}
	for _, box := range append([]care.MailboxID{b.Practice().Mailbox, m.Patient.Mailbox}, w.offices["Haddad"].Mailbox) {
		got, ok := b.Mailbox(box)
		local, _, _ := strings.Cut(got.Address, "@")
		if !ok || !w.accounts.boxes[local] || strings.Contains(string(box), local) {
			t.Errorf("mailbox %s: %+v", box, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	before := w.Publish()
	lee := w.offices["Lee"].ID
	for name, c := range map[string]struct {
		kind care.Kind
		do   func() error
	}{
		"a second practice": {care.Conflict, func() error {
			_, err := New(ctx, w.options(), care.Practice{Name: "x", Calendar: care.Calendar{Zone: "UTC", Hours: week}})
			return err
		}},
		"office, no name": {care.Invalid, func() error { _, err := w.AddOffice(ctx, care.Office{}); return err }},
		"office, no such provider": {care.Invalid, func() error {
			_, err := w.AddOffice(ctx, care.Office{Name: "x", Provider: "ps_aaaaaaaaaaaaaaaa"})
			return err
		}},
		"no such office": {care.NotFound, func() error { _, err := w.SetOffice(ctx, care.Office{ID: "of_x", Name: "x"}); return err }},
		"agent, with an office": {care.Invalid, func() error {
			_, err := w.AddPerson(ctx, care.Person{Name: "x", Role: care.RoleAgent}, []care.OfficeID{lee})
			return err
		}},
		"agent, given an office": {care.Invalid, func() error { return w.SetPerson(ctx, w.people["Agent"], []care.OfficeID{lee}) }},
		"person, no name":        {care.Invalid, func() error { _, err := w.AddPerson(ctx, care.Person{Role: care.RoleNurse}, nil); return err }},
		"person, a member": {care.Invalid, func() error {
			_, err := w.AddPerson(ctx, care.Person{Name: "x", Role: care.RoleMember}, nil)
			return err
		}},
		"person, no such office": {care.Invalid, func() error {
			_, err := w.AddPerson(ctx, care.Person{Name: "x", Role: care.RoleNurse}, []care.OfficeID{"of_x"})
			return err
		}},
		"patient, no name": {care.Invalid, func() error { _, err := w.AddMember(ctx, care.Patient{Born: "1980-01-01", MRN: "9"}, nil); return err }},
		"patient, no MRN":  {care.Invalid, func() error { _, err := w.AddMember(ctx, care.Patient{Name: "x", Born: "1980-01-01"}, nil); return err }},
		"patient, not born": {care.Invalid, func() error {
			_, err := w.AddDependent(ctx, care.Patient{Name: "x", Born: "1980-13-01", MRN: "9"}, nil)
			return err
		}},
		"patient, MRN taken": {care.Conflict, func() error {
			_, err := w.AddMember(ctx, care.Patient{Name: "x", Born: "1980-01-01", MRN: "440"}, nil)
			return err
		}},
		"relation twice": {care.Invalid, func() error {
			return w.SetRelations(ctx, w.mateo.ID, []care.Relation{{Office: lee}, {Office: lee}})
		}},
		"relations of nobody": {care.NotFound, func() error { return w.SetRelations(ctx, "pt_x", nil) }},
		"proxy, no member":    {care.NotFound, func() error { return w.AddProxy(ctx, w.mateo.ID, w.people["Rosa Delgado"].ID, "") }},
		"end of no proxy":     {care.NotFound, func() error { return w.EndProxy(ctx, w.mateo.ID, w.members["Grace Kim"].Person.ID) }},
		"end of oneself": {care.NotFound, func() error {
			m := w.members["Grace Kim"]
			return w.EndProxy(ctx, m.Patient.ID, m.Person.ID)
		}},
		"a zone that is not": {care.Invalid, func() error { return w.SetCalendar(ctx, care.Calendar{Zone: "Mars/Olympus", Hours: week}) }},
		"absence of nobody": {care.Invalid, func() error {
			return w.SetCalendar(ctx, care.Calendar{Zone: "UTC", Hours: week, Absences: []care.Absence{{Person: "ps_x", From: "2026-11-20"}}})
		}},
		"no such device": {care.NotFound, func() error { return w.RevokeDevice(ctx, care.KeyID{1}) }},
		"profile of nobody": {care.NotFound, func() error {
			_, err := w.MakeProfile(ctx, filepath.Join(w.dir, "n"), "ps_x", "x", "demo")
			return err
		}},
		"profile without passphrase": {care.Invalid, func() error {
			_, err := w.MakeProfile(ctx, filepath.Join(w.dir, "n"), w.people["Ana Lee"].ID, "x", "")
			return err
		}},
		"documents of nobody": {care.NotFound, func() error { _, err := w.Documents("ps_x"); return err }},
		"wrong passphrase": {care.Invalid, func() error {
			o := w.options()
			o.Passphrase = "other"
			_, err := Open(o)
			return err
		}},
	} {
		if err := c.do(); care.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.accounts.fail = errors.New("the mail system is down")
	if _, err := w.AddOffice(ctx, care.Office{Name: "x"}); !errors.Is(err, w.accounts.fail) {
		t.Error(err)
	}
	if _, err := w.MakeProfile(ctx, filepath.Join(w.dir, "n"), w.people["Ana Lee"].ID, "x", "demo"); !errors.Is(err, w.accounts.fail) {
		t.Error(err)
	}
	if !reflect.DeepEqual(w.Publish(), before) {
		t.Error("something refused changed the practice")
	}
	if _, err := os.Stat(filepath.Join(w.dir, "n")); !errors.Is(err, os.ErrNotExist) {
		t.Error("something refused left a profile")
	}
}

func TestWhoReadsWhat(t *testing.T) {
	w := newTown(t)
	boxes := func(names ...string) (out []care.MailboxID) {
		for _, n := range names {
			if o, ok := w.offices[n]; ok {
				out = append(out, o.Mailbox)
			} else {
				out = append(out, w.members[n].Patient.Mailbox)
			}
		}
		slices.Sort(out)
		return out
	}
	b := must[*directory.Book](t)(w.Book())
	all := append(boxes("Lee", "Raman", "Haddad"), b.Practice().Mailbox)
	slices.Sort(all)
	for name, c := range map[string]struct {
		boxes []care.MailboxID
		kind  string
	}{
		"Rosa Delgado":  {boxes("Lee", "Raman", "Haddad"), "reader=true owner=false"},
		"Sam Ito":       {boxes("Raman"), "reader=true owner=false"},
		"Agent":         {all, "reader=false owner=false"},
		"Marisol Vega":  {boxes("Marisol Vega"), "reader=false owner=true"},
		"Dmitri Volkov": {boxes("Dmitri Volkov"), "reader=false owner=true"},
	} {
		made := len(w.accounts.logins)
		p, s := w.profile(name)
		var held, read []care.MailboxID
		for _, m := range s.Mailboxes {
			held = append(held, m.Mailbox)
			secret, err := seal.ParseSecret(m.Secret)
			if known, _ := b.Mailbox(m.Mailbox); err != nil || secret.Public() != known.Key {
				t.Errorf("%s holds another key of %s", name, m.Mailbox)
			}
		}
		for _, l := range s.Logins {
			read = append(read, l.Mailbox)
		}
		slices.Sort(held)
		slices.Sort(read)
		if !slices.Equal(held, c.boxes) || !slices.Equal(read, c.boxes) {
			t.Errorf("%s holds %v, reads %v, want %v", name, held, read, c.boxes)
		}
		for _, kind := range w.accounts.logins[made:] {
			if kind != c.kind {
				t.Errorf("%s has a login %s", name, kind)
			}
		}
		if p.Key != seal.Fingerprint(s.Device.Public().(ed25519.PublicKey)) || s.Practice != w.Pin().Practice || s.Root != w.Pin().Root {
			t.Errorf("%s: another key, practice or root", name)
		}
		if (s.Patient != "") != (s.Person.Role == care.RoleMember) {
			t.Errorf("%s: patient %q", name, s.Patient)
		}
	}
	if _, s := w.profile("Marisol Vega"); s.Patient != w.members["Marisol Vega"].Patient.ID {
		t.Error("another patient")
	}
}

// What each mailbox gets is enough to judge every event that comes there, and tells nothing that it may not know.
func TestPublish(t *testing.T) {
	w := newTown(t)
	keys := map[string]care.KeyID{}
	for _, name := range []string{"Rosa Delgado", "Sam Ito", "Agent", "Marisol Vega", "Dmitri Volkov", "Grace Kim"} {
		p, _ := w.profile(name)
		keys[name] = p.Key
	}
	names := map[care.MailboxID]string{must[*directory.Book](t)(w.Book()).Practice().Mailbox: "practice"}
	for n, o := range w.offices {
		names[o.Mailbox] = n
	}
	for n, m := range w.members {
		names[m.Patient.Mailbox] = n
	}
	may := map[string][]string{ // the members known there
		"practice": {"Marisol Vega", "Dmitri Volkov", "Grace Kim"}, "Lee": {"Marisol Vega", "Dmitri Volkov"}, "Raman": {"Dmitri Volkov"},
		"Haddad": {"Grace Kim"}, "Marisol Vega": {"Marisol Vega"}, "Dmitri Volkov": {"Dmitri Volkov"}, "Grace Kim": {"Grace Kim"},
	}
	published := w.Publish()
	if len(published) != len(may) {
		t.Fatalf("%d mailboxes", len(published))
	}
	for _, a := range published {
		name := names[a.Mailbox]
		b, _, err := directory.NewBook(w.Pin()).With(a.Docs...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m, ok := b.Mailbox(a.Mailbox); !ok || m.Address != a.Address || m.Key != a.Key {
			t.Errorf("%s: goes to %s", name, a.Address)
		}
		var all bytes.Buffer
		for _, d := range a.Docs {
			all.Write(d.Bytes)
		}
		for member, m := range w.members {
			_, known := b.PublicKey(keys[member])
			if want := slices.Contains(may[name], member); known != want || bytes.Contains(all.Bytes(), []byte(m.Patient.MRN+`"`)) != want {
				t.Errorf("%s knows %s: %v", name, member, known)
			}
		}
		for _, staff := range []string{"Rosa Delgado", "Sam Ito", "Agent"} {
			if _, ok := b.PublicKey(keys[staff]); !ok {
				t.Errorf("%s does not know %s", name, staff)
			}
		}
		if _, isMember := w.members[name]; isMember && bytes.Contains(all.Bytes(), []byte("Hypertension")) {
			t.Errorf("%s gets reasons of visits", name)
		}
	}
	for _, d := range published[0].Docs[:1] {
		if d.Kind != directory.KindDirectory || strings.Contains(string(d.Bytes), "Vega") {
			t.Error("the directory names a member")
		}
	}
}

func (w *town) written(key care.KeyID, as care.PersonID, about care.PatientID, office string) *event.Event {
	return &event.Event{V: 1, Practice: w.Pin().Practice, Kind: event.Sent, Author: key, As: as, For: about,
		To: []care.MailboxID{w.offices[office].Mailbox}}
}

func TestStandingAsThePracticeChanges(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	p, _ := w.profile("Marisol Vega")
	m := w.members["Marisol Vega"]
	rosa := w.people["Rosa Delgado"].ID
	check := func(when string, about care.PatientID, office string, flags ...string) {
		t.Helper()
		s := w.bookOf(rosa).Standing(w.written(p.Key, m.Person.ID, about, office))
		if s.Verdict != fold.Accepted || !s.Member || !slices.Equal(s.Flags, flags) {
			t.Errorf("%s: %+v, want %q", when, s, flags)
		}
	}
	check("for herself", m.Patient.ID, "Lee")
	check("for her son", w.mateo.ID, "Lee")
	check("to an office that she has not seen", m.Patient.ID, "Raman", directory.FlagNoRelation)
	if err := w.EndProxy(ctx, w.mateo.ID, m.Person.ID); err != nil {
		t.Fatal(err)
	}
	check("after her grant ended", w.mateo.ID, "Lee", directory.FlagProxyEnded)
	if got := w.bookOf(m.Person.ID).WritesFor(m.Person.ID); !slices.Equal(got, []care.PatientID{m.Patient.ID}) {
		t.Errorf("she still writes for %v", got)
	}
	if err := w.AddProxy(ctx, w.mateo.ID, m.Person.ID, ""); err != nil {
		t.Fatal(err)
	}
	check("with a new grant", w.mateo.ID, "Lee")
	if err := w.SetRelations(ctx, m.Patient.ID, []care.Relation{{Office: w.offices["Raman"].ID, Why: "primary"}}); err != nil {
		t.Fatal(err)
	}
	check("after she changed offices", m.Patient.ID, "Lee", directory.FlagNoRelation)
	check("to her new office", m.Patient.ID, "Raman")
	// The old office is told, by itself.
	lee := w.bookOf(w.people["Ana Lee"].ID)
	if s := lee.Standing(w.written(p.Key, m.Person.ID, m.Patient.ID, "Lee")); !slices.Equal(s.Flags, []string{directory.FlagNoRelation}) {
		t.Errorf("%+v", s)
	}
}

func TestARevokedDevice(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	lost, _ := w.profile("Rosa Delgado")
	kept, _ := w.profile("Rosa Delgado")
	rosa := w.people["Rosa Delgado"].ID
	if got := w.Devices(rosa); !slices.Equal(got, []care.KeyID{lost.Key, kept.Key}) {
		t.Errorf("devices %v", got)
	}
	before := w.bookOf(rosa)
	for range 2 {
		if err := w.RevokeDevice(ctx, lost.Key); err != nil {
			t.Fatal(err)
		}
	}
	b := w.bookOf(rosa)
	if s := b.Standing(w.written(lost.Key, rosa, w.mateo.ID, "Lee")); s.Verdict != fold.Waiting || !s.Withdrawn {
		t.Errorf("%+v", s)
	}
	if s := b.Standing(w.written(kept.Key, rosa, w.mateo.ID, "Lee")); s.Verdict != fold.Accepted {
		t.Errorf("%+v", s)
	}
	if !b.Enrolled(rosa) || b.Enrolled(w.people["Sam Ito"].ID) {
		t.Error("who has a computer is not enrolled, or who has none is")
	}
	// The directory from before cannot bring it back.
	b, _, err := b.With(before.Documents()...)
	if s := b.Standing(w.written(lost.Key, rosa, w.mateo.ID, "Lee")); err != nil || s.Verdict != fold.Waiting {
		t.Errorf("%+v %v", s, err)
	}
	if err := w.RevokeDevice(ctx, kept.Key); err != nil || w.bookOf(w.people["Ana Lee"].ID).Enrolled(rosa) {
		t.Errorf("enrolled without a computer that is in force: %v", err)
	}
}

// A registrar that is opened again signs on where it stopped: no version twice, no chain broken.
func TestOpenAgain(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	w.profile("Rosa Delgado")
	before := w.Publish()
	w.Close()
	w.Close()
	again := must[*Registrar](t)(Open(w.options()))
	defer again.Close()
	if !reflect.DeepEqual(again.Publish(), before) || again.Pin().Root.IsZero() {
		t.Error("other documents")
	}
	book := must[*directory.Book](t)(again.Book())
	if err := again.SetPolicy(ctx, care.Policy{PromiseHours: 9}); err != nil {
		t.Fatal(err)
	}
	if err := again.SetCalendar(ctx, care.Calendar{Zone: "America/Chicago", Hours: week,
		Absences: []care.Absence{{Person: w.people["Ana Lee"].ID, From: "2026-11-20", Until: "2026-11-29", Cover: w.people["Omar Haddad"].ID}}}); err != nil {
		t.Fatal(err)
	}
	next, changes, err := book.With(again.Publish()[0].Docs...)
	if err != nil || next.Practice().Policy.PromiseHours != 9 || next.Practice().Calendar.Zone != "America/Chicago" || next.Version() != book.Version()+2 {
		t.Errorf("%+v %v", next.Practice(), err)
	}
	if len(changes) != 1 || changes[0].Alarm != "" {
		t.Errorf("changes %v", changes)
	}
	// Two who have the same practice open do not take each other's changes back.
	other := must[*Registrar](t)(Open(w.options()))
	defer other.Close()
	if err := again.SetPolicy(ctx, care.Policy{PromiseHours: 10}); err != nil {
		t.Fatal(err)
	}
	if err := other.SetPolicy(ctx, care.Policy{PromiseHours: 11}); care.KindOf(err) != care.Conflict {
		t.Errorf("%v", err)
	}
}

func TestTheFilesKeepTheirSecrets(t *testing.T) {
	w := newTown(t)
	w.profile("Marisol Vega")
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range []string{"Volkov", "AGE-SECRET", "p-login", "5510", "mb_"} {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("%s holds %q", filepath.Base(path), word)
			}
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// The root's key is not in the registrar's file.
	root := must[*vault.Box](t)(vault.OpenBox(filepath.Join(w.options().Dir, rootFile), "root"))
	defer root.Close()
	key := ed25519.PrivateKey(root.Bytes())
	if seal.Fingerprint(key.Public().(ed25519.PublicKey)) != w.Pin().Root {
		t.Error("the root's file holds another key")
	}
	registrar := must[*vault.Box](t)(vault.OpenBox(filepath.Join(w.options().Dir, registrarFile), "root"))
	defer registrar.Close()
	if bytes.Contains(registrar.Bytes(), key.Seed()) || bytes.Contains(registrar.Bytes(), []byte(base64.StdEncoding.EncodeToString(key)[:40])) {
		t.Error("the registrar's file holds the root's key")
	}
}

func BenchmarkAddMemberTo100(b *testing.B) {
	a := &accounts{boxes: map[string]bool{}}
	r := must[*Registrar](b)(New(b.Context(), Options{Dir: b.TempDir(), Passphrase: "x", Accounts: a, Params: quick},
		care.Practice{Name: "x", Calendar: care.Calendar{Zone: "UTC", Hours: week}}))
	defer r.Close()
	o := must[care.Office](b)(r.AddOffice(b.Context(), care.Office{Name: "x"}))
	add := func(i int) {
		must[Member](b)(r.AddMember(b.Context(), care.Patient{Name: "N N", Born: "1980-01-01", MRN: fmt.Sprint(i)}, []care.Relation{{Office: o.ID, Why: "primary"}}))
	}
	for i := range 100 {
		add(i)
	}
	i := 100
	for b.Loop() {
		add(i)
		i++
	}
}

// TestDevicesTogether: several people get devices in one change, or none does.
func TestDevicesTogether(t *testing.T) {
	w := newTown(t)
	marisol, rosa := w.members["Marisol Vega"], w.people["Rosa Delgado"]
	made := must[[]vault.Secrets](t)(w.NewDevices(t.Context(), marisol.Person.ID, rosa.ID))
	b := must[*directory.Book](t)(w.Book())
	for i, who := range []care.PersonID{marisol.Person.ID, rosa.ID} {
		s := made[i]
		key := s.Device.Public().(ed25519.PublicKey)
		if got, known := b.PublicKey(seal.Fingerprint(key)); !known || !got.Equal(key) || s.Person.ID != who {
			t.Errorf("the device of %s is %+v, known: %v", who, s.Person, known)
		}
	}
	if len(made[0].Logins) != 1 || made[0].Mailboxes[0].Mailbox != marisol.Patient.Mailbox || len(made[1].Logins) != 3 {
		t.Errorf("they read %v and %v", made[0].Mailboxes, made[1].Logins)
	}
	logins := len(w.accounts.ended)
	if _, err := w.NewDevices(t.Context(), rosa.ID, "ps_x"); care.KindOf(err) != care.NotFound {
		t.Errorf("a device for nobody: %v", err)
	}
	if n := len(w.Devices(rosa.ID)); n != 1 {
		t.Errorf("Rosa has %d devices", n)
	}
	if n := len(w.accounts.ended) - logins; n != 3 {
		t.Errorf("%d of the logins that were made for nothing are ended", n)
	}
}
