package backend

import (
	"bytes"
	"context"
	"io"
	"math"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/notice"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// paper is a mail system that knows its mailboxes and carries nothing.
type paper struct{ logins int }

func (*paper) Mailbox(_ context.Context, local string) (string, error) {
	return local + "@mail.test", nil
}
func (*paper) Without(context.Context, string) error { return nil }
func (a *paper) Login(_ context.Context, local string, _, _ bool) (care.MailLogin, error) {
	a.logins++
	return care.MailLogin{User: "login-" + strings.Repeat("i", a.logins), Password: "p", Address: local + "@mail.test"}, nil
}

// onPaper is a registrar with one office, on a clock that a test moves.
func onPaper(t *testing.T) (*Registrar, care.Office, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)
	reg, err := enrol.New(t.Context(), enrol.Options{Dir: t.TempDir(), Passphrase: "p", Accounts: &paper{}, Now: func() time.Time { return now },
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}}, ExamplePlan().Practice)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	lee, err := reg.AddOffice(t.Context(), care.Office{Name: "Dr. Lee's office"})
	if err != nil {
		t.Fatal(err)
	}
	return &Registrar{Registrar: reg, now: func() time.Time { return now }}, lee, &now
}

func TestImport(t *testing.T) {
	r, lee, _ := onPaper(t)
	table := "\ufeffName;Born;MRN;Office;Language\nMarisol Vega;3/4/1980;4821 0739;dr. lee's office;es\n\nNguyễn Thị Minh Anh;1975-12-21;81294405;;\n"
	tried, err := r.Import(t.Context(), []byte(table), true)
	if err != nil || tried.New != 2 || len(tried.Problems) > 0 {
		t.Fatal(tried, err)
	}
	if n := r.SearchPatients("", 0).Found; n != 0 {
		t.Errorf("a trial took in %d", n)
	}
	if done, err := r.Import(t.Context(), []byte(table), false); err != nil || done.New != 2 {
		t.Fatal(done, err)
	}
	got := r.SearchPatients("vega", 0)
	if got.Found != 1 || got.All[0].Patient.Born != "1980-03-04" || got.All[0].Patient.PCP != lee.ID || got.All[0].Patient.Language != "es" || got.All[0].Relations[0].Why != "primary" {
		t.Errorf("%+v", got.All)
	}
	for search, n := range map[string]int{"": 2, "nguyen minh": 1, "8129 4405": 1, "81294405": 1, "48210739": 1, "1980-03-04": 1, "march 1980": 1, "3/4/1980": 1, "vega anh": 0, "x": 0} {
		if got := r.SearchPatients(search, 0).Found; got != n {
			t.Errorf("%q finds %d, not %d", search, got, n)
		}
	}
	for _, page := range []int{7, math.MaxInt} {
		if got := r.SearchPatients("", page); got.Found != 2 || len(got.All) != 0 {
			t.Error("a page behind the last one is empty", got)
		}
	}
	if got := r.SearchPatients("", math.MaxInt/PatientsPerPage+1); got.Found != 2 || len(got.All) != 0 {
		t.Error("a page far behind the last one is empty", got)
	}
}

// An address for notices is one that every mail system takes, wherever it is typed.
func TestEmail(t *testing.T) {
	r, lee, _ := onPaper(t)
	ctx := t.Context()
	got, err := r.Import(ctx, []byte("name,born,mrn,email\nA,1980-01-01,1,a@example.org\nB,1980-01-01,2,B <b@example.org>\nC,1980-01-01,3,\n"), true)
	if err != nil || got.New != 2 || got.Emails != 1 || len(got.Problems) != 1 || !strings.HasPrefix(got.Problems[0], "Line 3: This is not an e-mail address") {
		t.Fatal(got, err)
	}
	if _, err := r.Import(ctx, []byte("name,born,mrn,email\nA,1980-01-01,1, a@example.org\n"), false); err != nil {
		t.Fatal(err)
	}
	a := r.SearchPatients("", 0).All[0].Patient
	if a.Email != "a@example.org" {
		t.Errorf("taken in with %q", a.Email)
	}
	relations := []care.Relation{{Office: lee.ID, Why: "primary"}}
	for _, wrong := range []string{"a", "a@b@c", "a@example.org, b@example.org", "a b@example.org", "jürgen@example.org", "\"a\"@example.org", "a@example.org\r\nBcc: b@c", "a@[1.2.3.4]", "<a@b>", strings.Repeat("a", 251) + "@b.c"} {
		p := a
		p.Email = wrong
		if err := r.SetPatient(ctx, p, relations); fieldOf(err) != "email" || care.KindOf(err) != care.Invalid {
			t.Errorf("%q: %v", wrong, err)
		}
		p.MRN = "77"
		if _, err := r.AddMember(ctx, p, relations); fieldOf(err) != "email" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	for _, right := range []string{"Maria.O'Hara+clinic@example.org", ""} {
		a.Email = right
		if err := r.SetPatient(ctx, a, relations); err != nil || r.SearchPatients("", 0).All[0].Patient.Email != right {
			t.Errorf("%q: %v", right, err)
		}
	}
}

// The hours in which no notice goes out are two times of the day, or those of the program.
func TestQuietHours(t *testing.T) {
	r, _, _ := onPaper(t)
	p := r.Practice()
	for quiet, field := range map[care.Span]string{{}: "", {From: "22:00", Until: "07:30"}: "", {From: "22:00", Until: "22:00"}: "quiet", {From: "10 pm", Until: "07:30"}: "quiet", {From: "22:00"}: "quiet", {From: "24:00", Until: "07:00"}: "quiet"} {
		p.Policy.Notices = care.Notices{On: true, Quiet: quiet}
		if err := r.SetPractice(t.Context(), p); fieldOf(err) != field {
			t.Errorf("%v: %v", quiet, err)
		}
	}
}

func TestImportTakesAllOrNone(t *testing.T) {
	r, _, _ := onPaper(t)
	got, err := r.Import(t.Context(), []byte("name,born,mrn,office\nA,1980-01-01,1,\nB,1980-13-01,2,\n,1980-01-01,3,\nD,1980-01-01,1,\nE,1980-01-01,5,Dr. No\n\"F\n2\",1980-01-01,6,\n"), false)
	if err != nil || got.New != 2 {
		t.Fatal(got, err)
	}
	want := []string{
		"Line 3: The date of birth is not a date.",
		"Line 4: A patient needs a name.",
		"Line 5: Line 2 has this medical record number, too.",
		`Line 6: There is no office "Dr. No". Add it first, or correct its name.`,
	}
	if strings.Join(got.Problems, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got.Problems)
	}
	if n := r.SearchPatients("", 0).Found; n != 0 {
		t.Errorf("%d were taken in", n)
	}
	for text, says := range map[string]string{
		"":                             "cannot be read",
		"name,born\n":                  `does not name the column "mrn"`,
		"name,born,mrn,shoe\n":         `no column "shoe"`,
		"name,born,mrn,name\n":         "twice",
		"name,born,mrn\nA,\"1980,1\n":  "cannot be read",
		"name,born,mrn\n\"A\" B,1,1\n": "cannot be read", // in the first field already
		"name,born,mrn\n" + strings.Repeat(",,,,,x\n", importLimit+1): "more than",
	} {
		_, err := r.Import(t.Context(), []byte(text), true)
		if fieldOf(err) != "csv" || !strings.Contains(care.SentenceOf(err), says) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestStanding(t *testing.T) {
	r, lee, now := onPaper(t)
	m, err := r.AddMember(t.Context(), care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "1"}, []care.Relation{{Office: lee.ID, Why: "primary"}})
	if err != nil {
		t.Fatal(err)
	}
	son, err := r.AddDependent(t.Context(), care.Patient{Name: "Mateo Vega", Born: "2019-06-30", MRN: "2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stands := func(want enrol.StandingKind, enrolled, invited, attention int) {
		t.Helper()
		got := r.SearchPatients("", 0)
		if s := got.All[0].Standing; s.Kind != want || got.Enrolled != enrolled || got.Invited != invited || got.Attention != attention {
			t.Errorf("%+v of %+v", s, got)
		}
	}
	stands(enrol.StandingNone, 0, 0, 0)
	if _, err := r.Invite(t.Context(), m.Person.ID); err != nil {
		t.Fatal(err)
	}
	stands(enrol.StandingInvited, 0, 1, 0)
	*now = now.Add(15 * 24 * time.Hour)
	stands(enrol.StandingExpired, 0, 0, 1)
	if err := r.Withdraw(t.Context(), m.Person.ID); err != nil {
		t.Fatal(err)
	}
	stands(enrol.StandingNone, 0, 0, 0)
	if _, err := r.MakeProfile(t.Context(), t.TempDir(), m.Person.ID, "Marisol", "p"); err != nil {
		t.Fatal(err)
	}
	stands(enrol.StandingEnrolled, 1, 0, 0)
	if err := r.AddProxy(t.Context(), son.ID, m.Person.ID, ""); err != nil {
		t.Fatal(err)
	}
	got := r.SearchPatients("", 0).All
	if len(got[0].ActsFor) != 1 || len(got[1].Proxies) != 1 || got[1].Proxies[0].Person.Name != "Marisol Vega" || got[1].Person != "" {
		t.Errorf("%+v", got)
	}
	if err := r.Remove(t.Context(), m.Person.ID); err != nil {
		t.Fatal(err)
	}
	stands(enrol.StandingLeft, 0, 0, 0)
	if got := r.SearchPatients("", 0).All; got[1].Proxies[0].Ended == "" || !got[0].Devices[0].Revoked {
		t.Errorf("%+v", got)
	}
}

func TestGrantsEndOnThePracticesDay(t *testing.T) {
	r, lee, now := onPaper(t)
	ctx := t.Context()
	m, err := r.AddMember(ctx, care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "1"}, []care.Relation{{Office: lee.ID, Why: "primary"}})
	if err != nil {
		t.Fatal(err)
	}
	var children [2]care.Patient
	for n := range children {
		child := care.Patient{Name: "Child", Born: "2019-06-30", MRN: string(rune('2' + n))}
		if children[n], err = r.AddDependent(ctx, child, nil); err != nil {
			t.Fatal(err)
		}
		if err := r.AddProxy(ctx, children[n].ID, m.Person.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	*now = time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC) // the evening before at the practice
	if err := r.EndProxy(ctx, children[0].ID, m.Person.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(ctx, m.Person.ID); err != nil {
		t.Fatal(err)
	}
	for _, c := range children {
		if got := r.Proxies(c.ID); len(got) != 1 || got[0].Ended != "2026-11-30" {
			t.Errorf("%+v", got)
		}
	}
}

func TestAbsencesAndHolidays(t *testing.T) {
	r, lee, now := onPaper(t)
	ctx := t.Context()
	ana, err := r.AddPerson(ctx, care.Person{Name: "Ana Lee", Role: care.RolePhysician}, []care.OfficeID{lee.ID})
	if err != nil {
		t.Fatal(err)
	}
	for field, x := range map[string]care.Absence{
		"from":  {Person: ana.ID, From: "soon"},
		"until": {Person: ana.ID, From: "2026-11-30", Until: "2026-11-29"},
		"cover": {Person: ana.ID, From: "2026-11-30", Cover: ana.ID},
	} {
		if err := r.SetAbsence(ctx, x); fieldOf(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	away := care.Absence{Person: ana.ID, From: "2026-11-30", Until: "2026-12-11"}
	for range 2 { // the same again replaces it
		if err := r.SetAbsence(ctx, away); err != nil {
			t.Fatal(err)
		}
	}
	*now = now.Add(48 * time.Hour)
	if err := r.EndAbsence(ctx, ana.ID, away.From); err != nil {
		t.Fatal(err)
	}
	if got := r.Practice().Calendar.Absences; len(got) != 1 || got[0].Until != "2026-12-01" {
		t.Errorf("%+v", got)
	}
	if err := r.EndAbsence(ctx, ana.ID, "2026-01-01"); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
	*now = now.Add(72 * time.Hour)
	if err := r.EndAbsence(ctx, ana.ID, away.From); err != nil { // it is over: it does not become longer
		t.Fatal(err)
	}
	if got := r.Practice().Calendar.Absences; len(got) != 1 || got[0].Until != "2026-12-01" {
		t.Errorf("%+v", got)
	}
	if err := r.SetHoliday(ctx, care.Holiday{Date: "2026-12-24", Name: " "}); fieldOf(err) != "name" {
		t.Error(err)
	}
	for _, h := range []care.Holiday{{Date: "2026-12-24", Name: "Half day", Hours: []care.Span{{From: "09:00", Until: "12:00"}}}, {Date: "2026-12-24", Name: "Closed"}, {Date: "2026-12-02", Name: "Training"}} {
		if err := r.SetHoliday(ctx, h); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Practice().Calendar.Holidays; len(got) != 2 || got[0].Name != "Training" || got[1].Name != "Closed" {
		t.Errorf("%+v", got)
	}
	if err := r.EndHoliday(ctx, "2026-12-24"); err != nil || len(r.Practice().Calendar.Holidays) != 1 {
		t.Error(err)
	}
	p := r.Practice()
	p.Calendar.Zone = "Mars/Olympus"
	if err := r.SetPractice(ctx, p); care.KindOf(err) != care.Invalid || r.Practice().Calendar.Zone == p.Calendar.Zone {
		t.Error(err)
	}
}

// FuzzImport gives tables of all kinds to the import: nothing panics, a trial changes nothing, and what a trial finds no fault with
// is taken in, as many as it said.
func FuzzImport(f *testing.F) {
	f.Add([]byte("name,born,mrn,office\nA,1980-01-01,1,\n"))
	f.Add([]byte("\ufeffName;Born;MRN;Language\n\"F\n2\";3/4/1980;6 1;es\n"))
	f.Add([]byte("name,born,mrn,phone\n=SUM(A1),1980-01-01,+1,@x\n"))
	reg, err := enrol.New(f.Context(), enrol.Options{Dir: f.TempDir(), Passphrase: "p", Accounts: &paper{}, Params: vault.Params{Time: 1, Memory: 64, Threads: 1}}, ExamplePlan().Practice)
	if err != nil {
		f.Fatal(err)
	}
	r := &Registrar{Registrar: reg, now: time.Now}
	f.Fuzz(func(t *testing.T, table []byte) {
		before := len(r.Patients())
		tried, err := r.Import(t.Context(), table, true)
		if err != nil && care.KindOf(err) != care.Invalid {
			t.Fatal(err)
		}
		if len(r.Patients()) != before {
			t.Fatal("a trial took somebody in")
		}
		if err != nil || len(tried.Problems) > 0 || before+tried.New > 200 {
			return
		}
		if done, err := r.Import(t.Context(), table, false); err != nil || done.New != tried.New || len(r.Patients()) != before+done.New {
			t.Fatalf("%+v, then %+v: %v", tried, done, err)
		}
	})
}

// The administration is shown the e-mail that the agent would write, word for word.
func TestNoticeShown(t *testing.T) {
	r, _, _ := onPaper(t)
	name := r.Practice().Name
	for _, policy := range []care.Notices{{}, {Name: true}, {Replies: true}, {Name: true, Replies: true}} {
		m := r.Notice(policy)
		sent := notice.Notice{From: "agent@clinic.example", To: "a@example.org", Replies: policy.Replies}
		if policy.Name {
			sent.Practice = name
		}
		raw, err := sent.Write()
		if err != nil {
			t.Fatal(err)
		}
		read, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(body), "\r\n", "\n"); got != strings.Join(m.Text, "\n\n")+"\n" || read.Header.Get("Subject") != m.Subject {
			t.Errorf("%+v shows %q, and sends %q", policy, m, got)
		}
		if (m.From == name) != policy.Name || strings.Contains(strings.Join(m.Text, " "), name) != policy.Name {
			t.Errorf("%+v names the practice otherwise: %q", policy, m)
		}
	}
}
