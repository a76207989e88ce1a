package enrol

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// enrolled takes somebody in by invitation, and has everything mailed that waits.
func (w *town) enrolled(who care.PersonID) vault.Secrets {
	w.Helper()
	doc, s := w.answered(must[Invited](w)(w.Invite(w.Context(), who)))
	if err := w.Admit(w.Context(), doc); err != nil {
		w.Fatal(err)
	}
	w.mailed()
	return s
}

func (w *town) mailed() {
	w.Helper()
	if err := w.Mailed(w.Pending()...); err != nil {
		w.Fatal(err)
	}
}

// opens reports whether one of the grants that wait for a device has the key with which a mailbox is sealed now.
func (w *town) opens(s vault.Secrets, box care.MailboxID) bool {
	w.Helper()
	now, _ := must[*directory.Book](w)(w.Book()).Mailbox(box)
	for _, g := range w.grants(s) {
		for _, m := range g.Mailboxes {
			if secret, err := seal.ParseSecret(m.Secret); err == nil && secret.Public() == now.Key {
				return true
			}
		}
	}
	return false
}

// The agent's devices are granted an office that comes after them, others not; also one whose key has been changed meanwhile.
func TestAnOfficeComesLater(t *testing.T) {
	w := newTown(t)
	agent, rosa := w.enrolled(w.people["Agent"].ID), w.enrolled(w.people["Rosa Delgado"].ID)
	o := must[care.Office](t)(w.AddOffice(t.Context(), care.Office{Name: "Dr. Novak's office"}))
	got := w.grants(agent)
	if len(got) != 1 || len(got[0].Mailboxes) != 1 || got[0].Mailboxes[0].Mailbox != o.Mailbox || len(got[0].Logins) != 1 ||
		got[0].Logins[0].Mailbox != o.Mailbox || got[0].Invitation != "" || !w.opens(agent, o.Mailbox) {
		t.Fatalf("%+v", got)
	}
	if practice := w.state.Practice.Mailbox; w.state.Grants[0].Mailbox != practice {
		t.Error("it is not mailed to a mailbox that the agent reads already")
	}
	if len(w.grants(rosa)) != 0 {
		t.Error("somebody else is granted it")
	}
	if p := w.Pending(); len(p) == 0 || p[0].mailbox != "" {
		t.Error("the grant is not mailed first")
	}
	w.mailed()
	// A device that was revoked is granted nothing.
	if err := w.RevokeDevice(t.Context(), w.Devices(w.people["Agent"].ID)[0]); err != nil {
		t.Fatal(err)
	}
	w.mailed()
	must[care.Office](t)(w.AddOffice(t.Context(), care.Office{Name: "Dr. Orth's office"}))
	if len(w.grants(agent)) != 0 {
		t.Error("a revoked device is granted an office")
	}
}

func TestSetPerson(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	lee, raman, haddad := w.offices["Lee"], w.offices["Raman"], w.offices["Haddad"]
	sam := w.people["Sam Ito"]
	his, rosa := w.enrolled(sam.ID), w.enrolled(w.people["Rosa Delgado"].ID)
	key := w.Devices(sam.ID)[0]
	writes := func(office string, dir int) fold.Standing {
		e := w.written(key, sam.ID, w.mateo.ID, office)
		e.Dir = dir
		return w.bookOf(w.people["Agent"].ID).Standing(e)
	}
	before := w.bookOf(w.people["Agent"].ID)
	// A further office: its mailbox with all generations and a login are granted, and what he writes there counts.
	if err := w.RevokeDevice(ctx, w.Devices(w.people["Rosa Delgado"].ID)[0]); err != nil { // each office has a second generation now
		t.Fatal(err)
	}
	w.mailed()
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "Samuel Ito", Role: care.RolePhysician}, []care.OfficeID{raman.ID, lee.ID}); err != nil {
		t.Fatal(err)
	}
	got := w.grants(his)
	if len(got) != 1 || len(got[0].Mailboxes) != 2 || len(got[0].Logins) != 1 || got[0].Logins[0].Mailbox != lee.Mailbox || !w.opens(his, lee.Mailbox) {
		t.Fatalf("%+v", got)
	}
	if p, _ := must[*directory.Book](t)(w.Book()).Person(sam.ID); p.Name != "Samuel Ito" || p.Short != "Samuel" || p.Role != care.RoleSupport {
		t.Errorf("%+v", p)
	}
	for office, want := range map[string]fold.Verdict{"Raman": fold.Accepted, "Lee": fold.Accepted, "Haddad": fold.Refused} {
		if s := writes(office, 0); s.Verdict != want || want == fold.Accepted && s.Role != care.RoleSupport {
			t.Errorf("%s: %+v", office, s)
		}
	}
	// Who has not heard of it yet lets what he writes wait, and does not throw it away.
	e := w.written(key, sam.ID, w.mateo.ID, "Lee")
	e.Dir = before.Version() + 1
	if s := before.Standing(e); s.Verdict != fold.Waiting || s.Withdrawn {
		t.Errorf("%+v", s)
	}
	w.mailed()

	at := func(office care.Office) string {
		return w.state.Devices[slices.IndexFunc(w.state.Devices, func(d device) bool { return d.Key == key })].Reads[office.Mailbox]
	}
	first, second := at(raman), at(lee)
	uses := func(when string, raman, lee bool) {
		t.Helper()
		if w.LoginInUse(first) != raman || w.LoginInUse(second) != lee {
			t.Errorf("%s: the logins are in use: %v, %v", when, w.LoginInUse(first), w.LoginInUse(second))
		}
	}
	uses("at both offices", true, true)

	// He leaves the first: its key is renewed for who stays, his login there ends, and what he writes there waits to be confirmed.
	ana := w.enrolled(w.people["Ana Lee"].ID)
	if err := w.SetPerson(ctx, care.Person{ID: w.people["Ana Lee"].ID, Name: "Ana Lee"}, []care.OfficeID{lee.ID, raman.ID}); err != nil {
		t.Fatal(err)
	}
	w.mailed()
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "Samuel Ito"}, []care.OfficeID{lee.ID}); err != nil {
		t.Fatal(err)
	}
	if w.opens(his, raman.Mailbox) || len(w.grants(his)) != 0 || !w.opens(ana, raman.Mailbox) || w.opens(ana, lee.Mailbox) {
		t.Error("the key of the office that he left is not everybody else's alone")
	}
	if s := writes("Raman", 0); s.Verdict != fold.Waiting || !s.Withdrawn || s.Role != care.RoleSupport {
		t.Errorf("%+v", s)
	}
	if s := writes("Lee", 0); s.Verdict != fold.Accepted {
		t.Errorf("%+v", s)
	}
	b := w.bookOf(w.people["Agent"].ID)
	gone := b.Withdrawn()
	for office, want := range map[string]bool{"Raman": true, "Lee": false} {
		e := w.written(key, sam.ID, w.mateo.ID, office)
		since, is := b.WithdrawnFor(gone, e)
		if is != want || want && !since.Equal(w.options().Now()) {
			t.Errorf("%s: withdrawn %v, %v", office, is, since)
		}
		if left := b.Left(key, w.offices[office].Mailbox); left != want {
			t.Errorf("%s: left %v", office, left)
		}
	}
	uses("away from the first", false, true)
	ended := len(w.accounts.ended)
	if err := w.EndLogins(ctx); err != nil || len(w.accounts.ended) != ended+4 { // Rosa's three, and this one
		t.Errorf("ended %v, %v", w.accounts.ended, err)
	}
	w.mailed()

	// He moves to a third: the grant comes to the mailbox that he leaves, so its login ends later.
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "Samuel Ito"}, []care.OfficeID{haddad.ID}); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(w.state.Grants, func(q queued) bool { return q.Mailbox == lee.Mailbox && len(w.grants(his)) == 1 })
	if i < 0 || !w.opens(his, haddad.Mailbox) || w.opens(his, lee.Mailbox) {
		t.Errorf("%+v", w.grants(his))
	}
	w.mailed()
	ended = len(w.accounts.ended)
	if err := w.EndLogins(ctx); err != nil || len(w.accounts.ended) != ended {
		t.Errorf("%d ended, %v", len(w.accounts.ended)-ended, err)
	}
	uses("as long as the grant may lie there", false, true)
	w.Registrar.options.Now = func() time.Time { return w.options().Now().Add(inviteSpan + time.Hour) }
	for range 2 {
		if err := w.EndLogins(ctx); err != nil || len(w.accounts.ended) <= ended {
			t.Errorf("%d ended, %v", len(w.accounts.ended)-ended, err)
		}
	}
	uses("after that", false, false)
	// Back where he was: it counts again.
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "Samuel Ito"}, []care.OfficeID{haddad.ID, raman.ID}); err != nil {
		t.Fatal(err)
	}
	if s := writes("Raman", 0); s.Verdict != fold.Accepted {
		t.Errorf("%+v", s)
	}
	// With no office left there is no mailbox to be reached by.
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "Samuel Ito"}, nil); err != nil {
		t.Fatal(err)
	}
	if b := must[*directory.Book](t)(w.Book()); !b.Revoked(key) {
		t.Error("the device of somebody without an office is not revoked")
	}
	if len(w.grants(rosa)) != 0 {
		t.Error("a revoked device was granted something")
	}
	for name, c := range map[string]struct {
		kind care.Kind
		p    care.Person
		of   []care.OfficeID
	}{
		"nobody":         {care.NotFound, care.Person{ID: "ps_x", Name: "x"}, nil},
		"no name":        {care.Invalid, care.Person{ID: sam.ID}, nil},
		"no such office": {care.Invalid, care.Person{ID: sam.ID, Name: "x"}, []care.OfficeID{"of_x"}},
		"twice":          {care.Invalid, care.Person{ID: sam.ID, Name: "x"}, []care.OfficeID{lee.ID, lee.ID}},
	} {
		if err := w.SetPerson(ctx, c.p, c.of); care.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.accounts.fail = errors.New("the mail system is down")
	was := w.Publish()
	if err := w.SetPerson(ctx, care.Person{ID: w.people["Ana Lee"].ID, Name: "A. Lee"}, []care.OfficeID{haddad.ID}); !errors.Is(err, w.accounts.fail) {
		t.Error(err)
	}
	if now := w.Publish(); len(now) != len(was) || !slices.Equal(now[0].Docs[0].Bytes, was[0].Docs[0].Bytes) {
		t.Error("what failed changed the practice")
	}
	w.accounts.fail = nil
	if err := w.Remove(ctx, sam.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.SetPerson(ctx, care.Person{ID: sam.ID, Name: "x"}, nil); care.KindOf(err) != care.Conflict {
		t.Errorf("who has left: %v", err)
	}
}

// A grant with a last day ends by itself once that day is over in the practice's time zone.
func TestAProxyGrantWithAnEnd(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	grace, rosa := w.members["Grace Kim"], w.people["Rosa Delgado"].ID
	p, _ := w.profile("Grace Kim")
	for until, field := range map[string]string{"tomorrow": "until", "2026-11-22": "until"} {
		err := w.AddProxy(ctx, w.mateo.ID, grace.Person.ID, until)
		var refusal *care.Error
		if !errors.As(err, &refusal) || refusal.Kind != care.Invalid || refusal.Field != field {
			t.Errorf("%s: %v", until, err)
		}
	}
	if err := w.AddProxy(ctx, grace.Patient.ID, grace.Person.ID, ""); care.KindOf(err) != care.Invalid {
		t.Errorf("her own proxy: %v", err)
	}
	if err := w.AddProxy(ctx, w.mateo.ID, grace.Person.ID, "2026-11-25"); err != nil {
		t.Fatal(err)
	}
	flags := func() []string {
		return w.bookOf(rosa).Standing(w.written(p.Key, grace.Person.ID, w.mateo.ID, "Lee")).Flags
	}
	at := func(text string) {
		t.Helper()
		now := must[time.Time](t)(time.Parse(time.RFC3339, text))
		w.Registrar.options.Now = func() time.Time { return now }
		for range 2 {
			if err := w.EndProxies(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	at("2026-11-26T04:59:00Z") // 23:59 of its last day in New York
	if f := flags(); len(f) != 0 {
		t.Errorf("on the last day %q", f)
	}
	version := w.state.Rosters[w.mateo.ID].Version
	at("2026-11-26T05:00:00Z")
	if f := flags(); !slices.Equal(f, []string{directory.FlagProxyEnded}) {
		t.Errorf("after it %q", f)
	}
	if got := w.state.Rosters[w.mateo.ID].Version; got != version+1 {
		t.Errorf("%d versions of the roster for one end", got-version)
	}
	if b := w.bookOf(w.members["Marisol Vega"].Person.ID); len(b.Proxies(w.mateo.ID)) != 1 {
		t.Error("the other proxy's grant, without end, is over")
	}
	all := w.Proxies(w.mateo.ID)
	if len(all) != 2 || all[1].Until != "2026-11-25" || all[1].Ended != "2026-11-25" || all[0].Ended != "" || len(w.Proxies(grace.Patient.ID)) != 0 {
		t.Errorf("%+v", all)
	}
	if err := w.AddProxy(ctx, w.mateo.ID, grace.Person.ID, ""); err != nil || len(flags()) != 0 {
		t.Errorf("given again: %v", err)
	}
}

func TestSetPatient(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	m := w.members["Marisol Vega"]
	raman := []care.Relation{{Office: w.offices["Raman"].ID, Why: "primary"}}
	b := must[*directory.Book](t)(w.Book())
	before := b.Relations(m.Patient.ID)
	for name, c := range map[string]struct {
		kind   care.Kind
		change func(*care.Patient)
	}{
		"nobody":    {care.NotFound, func(p *care.Patient) { p.ID = "pt_x" }},
		"no name":   {care.Invalid, func(p *care.Patient) { p.Name = "" }},
		"not born":  {care.Invalid, func(p *care.Patient) { p.Born = "1980" }},
		"another's": {care.Conflict, func(p *care.Patient) { p.MRN = "441" }},
		"no office": {care.Invalid, func(p *care.Patient) { p.PCP = "of_x" }},
	} {
		p := m.Patient
		c.change(&p)
		if err := w.SetPatient(ctx, p, raman); care.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.SetPatient(ctx, m.Patient, slices.Concat(raman, raman)); care.KindOf(err) != care.Invalid {
		t.Errorf("an office twice: %v", err)
	}
	if b = must[*directory.Book](t)(w.Book()); !slices.Equal(b.Relations(m.Patient.ID), before) {
		t.Errorf("what was refused changed the offices: %v, they were %v", b.Relations(m.Patient.ID), before)
	}
	p := m.Patient
	p.Name, p.Born, p.MRN, p.Pronouns, p.Phone, p.Mailbox = "Marisol Cruz", "1980-03-04", "449", "they/them", "555 0177", "mb_other"
	if err := w.SetPatient(ctx, p, raman); err != nil {
		t.Fatal(err)
	}
	b = must[*directory.Book](t)(w.Book())
	if !slices.Equal(b.Relations(p.ID), raman) {
		t.Errorf("%v", b.Relations(p.ID))
	}
	got, _ := b.Patient(p.ID)
	if got.Name != "Marisol Cruz" || got.Born != "1980-03-04" || got.MRN != "449" || got.Phone != "555 0177" || got.Mailbox != m.Patient.Mailbox {
		t.Errorf("%+v", got)
	}
	// As a writer, for others too, the name is the same.
	for _, book := range []*directory.Book{b, w.bookOf(m.Person.ID), w.bookOf(w.people["Rosa Delgado"].ID)} {
		if who := book.Proxies(w.mateo.ID); len(who) != 1 || who[0].Name != "Marisol Cruz" || who[0].Pronoun != "their" || who[0].Initials != "MC" {
			t.Errorf("%+v", who)
		}
	}
}

// Where somebody gets their ordinary mail, they and their offices know, and not who writes for them.
func TestEmailIsNotForProxies(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	grace, marisol := w.members["Grace Kim"], w.members["Marisol Vega"]
	b := must[*directory.Book](t)(w.Book())
	p := grace.Patient
	p.Email = "grace@example.org"
	if err := w.SetPatient(ctx, p, b.Relations(p.ID)); err != nil {
		t.Fatal(err)
	}
	if err := w.AddProxy(ctx, p.ID, marisol.Person.ID, ""); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[care.PersonID]string{grace.Person.ID: p.Email, marisol.Person.ID: "", w.people["Rosa Delgado"].ID: p.Email} {
		if got, known := w.bookOf(who).Patient(p.ID); !known || got.Email != want {
			t.Errorf("%s knows %q, %v", who, got.Email, known)
		}
	}
}

func TestChangePractice(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	was := must[*directory.Book](t)(w.Book()).Practice()
	no := errors.New("no")
	for name, c := range map[string]struct {
		is     func(error) bool
		change func(*care.Practice) error
	}{
		"refused by who asked": {func(err error) bool { return errors.Is(err, no) }, func(p *care.Practice) error {
			p.Calendar.Hours["mon"][0].From = "10:00"
			return no
		}},
		"no name": {func(err error) bool { return care.KindOf(err) == care.Invalid }, func(p *care.Practice) error { p.Name = ""; return nil }},
		"no zone": {func(err error) bool { return care.KindOf(err) == care.Invalid }, func(p *care.Practice) error {
			p.Calendar.Zone = "Mars/Olympus"
			return nil
		}},
		"absence of nobody": {func(err error) bool { return care.KindOf(err) == care.Invalid }, func(p *care.Practice) error {
			p.Calendar.Absences = []care.Absence{{Person: "ps_x", From: "2026-11-20"}}
			return nil
		}},
	} {
		if err := w.ChangePractice(ctx, c.change); !c.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := must[*directory.Book](t)(w.Book()).Practice(); got.Name != was.Name || got.Calendar.Hours["mon"][0].From != "09:00" {
		t.Errorf("what was refused changed it: %+v", got)
	}
	err := w.ChangePractice(ctx, func(p *care.Practice) error {
		p.Name, p.FrontDesk, p.ID, p.Agent, p.Mailbox = "Alder & Main", "555 0101", "pr_other", "ps_other", "mb_other"
		p.Policy.HoldSeconds = 30
		return nil
	})
	if got := must[*directory.Book](t)(w.Book()).Practice(); err != nil || got.Name != "Alder & Main" || got.FrontDesk != "555 0101" ||
		got.Policy.HoldSeconds != 30 || got.ID != was.ID || got.Agent != was.Agent || got.Mailbox != was.Mailbox {
		t.Errorf("%v %+v", err, got)
	}
}
