package app

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/demo"
	"postern/backend/post/posttest"
	"postern/backend/record/store"
	"postern/backend/record/view"
	"postern/backend/trust/audit"
	"postern/backend/trust/vault"
	"postern/frontend"
)

var update = flag.Bool("update", false, "write the golden files")

// sheet is a record with an entry of each sort, and with names that a spreadsheet would run.
func sheet() []backend.Looked {
	rosa := care.Person{ID: "ps_rosaaaaaaaaaaaaa", Name: "Rosa Delgado"}
	eve := care.Patient{ID: "pt_eveaaaaaaaaaaaaa", Name: `=HYPERLINK("https://example.org","Eve")`, MRN: "+1094 5527"}
	maria := care.Patient{ID: "pt_mariaaaaaaaaaaaa", Name: "Vega, Marisol \"Mari\"\n@home\x1b[2J", MRN: "4821 0739"}
	gone := care.Patient{ID: "pt_goneaaaaaaaaaaaa", Name: "pt_goneaaaaaaaaaaaa"}
	all := []backend.Looked{
		{Entry: audit.Entry{What: audit.SignedIn}},
		{Entry: audit.Entry{What: audit.Viewed, Part: care.EventID{1}}, Patient: maria},
		{Entry: audit.Entry{What: audit.Copied, Part: care.EventID{1}}, Patient: maria},
		{Entry: audit.Entry{What: audit.SignedOut}},
		{Entry: audit.Entry{What: audit.Refused, Times: 2}},
		{Entry: audit.Entry{What: audit.Viewed, Part: care.EventID{2}}, Patient: eve},
		{Entry: audit.Entry{What: audit.Viewed, Part: care.EventID{3}}, Patient: gone},
		{Entry: audit.Entry{What: audit.PassphraseChanged}},
		{Entry: audit.Entry{What: audit.SheetMade}},
		{Entry: audit.Entry{What: audit.Recovered}},
		{Entry: audit.Entry{What: audit.Printed}},
		{Entry: audit.Entry{What: audit.Exported}},
		{Entry: audit.Entry{What: audit.Added, Ref: string(eve.ID)}, About: eve.Name},
		{Entry: audit.Entry{What: audit.Changed, Ref: "of_leeaaaaaaaaaaaaa"}, About: "Dr. Lee's office"},
		{Entry: audit.Entry{What: audit.Invited, Ref: string(rosa.ID)}, About: rosa.Name},
		{Entry: audit.Entry{What: audit.Withdrawn, Ref: string(rosa.ID)}, About: rosa.Name},
		{Entry: audit.Entry{What: audit.Removed, Ref: string(rosa.ID)}, About: rosa.Name},
		{Entry: audit.Entry{What: audit.Revoked, Ref: care.KeyID{1}.String()}, About: care.KeyID{1}.Shown()},
	}
	for i := range all {
		all[i].No, all[i].At, all[i].Who, all[i].Person = int64(i)+1, time.Date(2026, 11, 23, 2+i, 59, 0, 5e6, time.UTC), rosa.ID, rosa
	}
	return all
}

func newYork(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestAuditSheets are what people keep and hand on: the bytes of both are held.
func TestAuditSheets(t *testing.T) {
	var table, values bytes.Buffer
	if err := tellAudit(&table, "", sheet(), newYork(t)); err != nil {
		t.Fatal(err)
	}
	if err := tellAudit(&values, "-", sheet(), newYork(t)); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"audit.txt": table.Bytes(), "audit.csv": values.Bytes()} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v, is\n%swant\n%s", name, err, got, want)
		}
	}
	rows, err := csv.NewReader(&values).ReadAll()
	if err != nil || len(rows) != 19 || !slices.Equal(rows[0], auditColumns) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if strings.IndexAny(cell, "=+-@\t\r\n") == 0 {
				t.Errorf("%s is a formula: %q", auditColumns[i], cell)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "audit.csv")
	if err := tellAudit(nil, file, sheet(), newYork(t)); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Stat(file); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", at, err)
	}
	if err := tellAudit(nil, filepath.Join(file, "in a file"), sheet(), time.UTC); care.SentenceOf(err) != "The file could not be written." {
		t.Errorf("a place that cannot be: %v", err)
	}
}

func TestAuditQuestions(t *testing.T) {
	var all []int64
	for _, l := range sheet() {
		all = append(all, l.No)
	}
	for _, c := range []struct {
		q    auditQuestion
		want []int64
	}{
		{auditQuestion{}, all},
		{auditQuestion{from: "2026-11-23"}, all[3:]}, // by the clinic's clock, not by UTC
		{auditQuestion{to: "2026-11-22"}, []int64{1, 2, 3}},
		{auditQuestion{from: "2026-11-22", to: "2026-11-23"}, all},
		{auditQuestion{from: "2026-11-24"}, nil},
		{auditQuestion{patient: "48210739"}, []int64{2, 3}},
		{auditQuestion{patient: " 4821 0739"}, []int64{2, 3}},
		{auditQuestion{patient: "pt_goneaaaaaaaaaaaa"}, []int64{7}},
		{auditQuestion{patient: "4821"}, nil},
		{auditQuestion{patient: " "}, nil},
	} {
		if err := c.q.check(); err != nil {
			t.Errorf("%+v: %v", c.q, err)
		}
		var got []int64
		for _, l := range c.q.pick(sheet(), newYork(t)) {
			got = append(got, l.No)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
	for _, q := range []auditQuestion{{from: "yesterday"}, {to: "2026-13-01"}, {to: "2026-11-23T10:00"}} {
		if err := q.check(); care.KindOf(err) != care.Invalid || err == nil {
			t.Errorf("%+v is taken: %v", q, err)
		}
	}
}

// practice is the demo's, with profiles that cost little to open, and a clock that tests move.
type practice struct {
	t    *testing.T
	data string

	mu sync.Mutex
	at time.Time
}

// now is the clock; what runs in the background reads it, too.
func (p *practice) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *practice) passes(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = p.at.Add(d)
}

func newDemoPractice(t *testing.T) *practice {
	t.Helper()
	p := &practice{t: t, data: t.TempDir(), at: time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)}
	m := demo.Maker{Data: p.data, Accounts: posttest.Start(t, posttest.Gateway), Now: p.now, Log: slog.New(slog.DiscardHandler),
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}, Say: func(int, int, string) {}}
	if err := m.Make(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// still signs in and reads, without the mail system.
func (p *practice) still(id string, do func(*backend.Profile)) {
	p.t.Helper()
	b := backend.New(p.data, slog.New(slog.DiscardHandler), p.now)
	defer b.Close()
	profile, err := b.SignInStill(p.t.Context(), id, demo.Passphrase)
	if err != nil {
		p.t.Fatal(err)
	}
	do(profile)
}

// runs is the command line, with what it says on either output.
func runs(t *testing.T, in string, args ...string) (out, said string, err error) {
	t.Helper()
	var o, s bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(in))
	root.SetOut(&o)
	root.SetErr(&s)
	err = root.ExecuteContext(t.Context())
	return o.String(), s.String(), err
}

// caller asks the real screens as a browser does.
type caller struct {
	t      *testing.T
	h      http.Handler
	cookie *http.Cookie
	ticket string
	who    care.PersonID
}

func (s *caller) ask(method, path string, alone bool, pairs ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(method, "http://127.0.0.1:8421"+path, strings.NewReader(values.Encode()))
	for name, value := range map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "HX-Request": "true",
		"Postern-Ticket": s.ticket, "Postern-Person": string(s.who)} {
		r.Header.Set(name, value)
	}
	if alone {
		r.Header.Set("Postern-Auto", "1")
	}
	if s.cookie != nil {
		r.AddCookie(s.cookie)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	if w.Code >= 400 && path != "/session" {
		s.t.Errorf("%s %s: %d\n%.2000s", method, path, w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		s.cookie = c
	}
	if given := w.Header().Get("Postern-Ticket"); given != "" {
		s.ticket = given
	}
	return w
}

func (s *caller) signIn(profile, passphrase string) {
	s.t.Helper()
	s.ask(http.MethodPost, "/session", false, "profile", profile, "passphrase", passphrase)
}

// TestAuditOfScreens is the whole way, from what a nurse and a member do at their screens to what the command says of it.
func TestAuditOfScreens(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a practice with a mail system")
	}
	p := newDemoPractice(t)
	var begun int
	var knee, sleep view.Row
	p.still("rosa", func(rosa *backend.Profile) {
		_, rows, err := rosa.Views().Queue(t.Context(), view.QueueAll, "")
		if err != nil || len(rows) < 2 {
			t.Fatal(rows, err)
		}
		knee, sleep = rows[0], rows[1]
	})
	p.still("rosa", func(rosa *backend.Profile) {
		all, err := rosa.Trail(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		begun = len(all) + 1 // the sign-out to come
	})
	b := backend.New(p.data, slog.New(slog.DiscardHandler), p.now)
	s := &caller{t: t, h: frontend.New(home{b}, frontend.Options{Token: "t", Now: p.now})}
	s.ask(http.MethodGet, "/open?token=t", false)
	s.signIn("rosa", demo.Passphrase)
	at := "/inbox/all/" + knee.Part.String()
	s.ask(http.MethodGet, "/inbox/all?search=1&find="+url.QueryEscape(knee.Patient.Name), false) // a list is no view
	s.ask(http.MethodGet, at, false)
	s.ask(http.MethodGet, at, true)
	s.ask(http.MethodPost, "/cases/"+knee.Part.String()+"/read", true, "queue", "all")
	s.ask(http.MethodGet, "/inbox/all/"+sleep.Part.String(), false)
	s.ask(http.MethodGet, at, false)
	if w := s.ask(http.MethodPost, "/cases/"+knee.Part.String()+"/copy", false); !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("no copy: %v", w.Header())
	}
	s.ask(http.MethodPost, "/session/lock", false)
	s.signIn("rosa", "a guess")
	s.signIn("rosa", "another")
	s.signIn("rosa", demo.Passphrase)
	p.passes(4 * time.Minute)       // not long enough to be locked
	s.ask(http.MethodGet, at, true) // by itself, and the first time at this sign-in
	s.ask(http.MethodGet, at, true)
	b.Close()

	_, said, err := runs(t, demo.Passphrase+"\n", "audit", "rosa", "--data", p.data)
	if err != nil || !strings.Contains(said, "the record holds together") {
		t.Fatalf("%v: %s", err, said)
	}
	out, _, err := runs(t, demo.Passphrase+"\n", "audit", "rosa", "--data", p.data, "--csv", "-")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows[1+begun:] {
		got = append(got, strings.TrimSpace(fmt.Sprint(r[2], " ", r[3], r[7])))
		if r[4] != "Rosa Delgado" || r[7] != "" && r[9] != knee.Part.String() && r[9] != sleep.Part.String() {
			t.Errorf("an entry is %q", r)
		}
	}
	k, z := knee.Patient.MRN, sleep.Patient.MRN
	if want := []string{"sign-in", "view " + k, "view " + z, "copy " + k, "sign-out", "sign-in.refused 2", "sign-in", "view " + k, "sign-out",
		"sign-in", "sign-out", "sign-in"}; !slices.Equal(got, want) {
		t.Errorf("the record says\n%q, want\n%q", got, want)
	}
	if strings.Contains(out, string(knee.Subject)) {
		t.Error("a subject is in it")
	}

	// A member's.
	out, _, err = runs(t, demo.Passphrase+"\n", "audit", "grace", "--data", p.data)
	if err != nil || !strings.Contains(out, "Grace Oyelaran") || !strings.Contains(out, "signed in") {
		t.Errorf("%v\n%s", err, out)
	}
	p.tampered("rosa", knee.Patient.MRN)
}

// tampered takes an entry out of a record, past the program, and wants the command to say which.
func (p *practice) tampered(id, mrn string) {
	p.t.Helper()
	dir := filepath.Join(backend.ProfilesDir(p.data), id)
	v, err := vault.Open(dir, demo.Passphrase)
	if err != nil {
		p.t.Fatal(err)
	}
	secrets := v.Secrets()
	v.Close()
	db, err := store.Open(p.t.Context(), filepath.Join(dir, "replica.db"), secrets.Store)
	if err != nil {
		p.t.Fatal(err)
	}
	err = db.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("DROP TRIGGER audit_shortened; DELETE FROM audit WHERE no = 2")
		return err
	})
	if err != nil || db.Close() != nil {
		p.t.Fatal(err)
	}
	out, said, err := runs(p.t, demo.Passphrase+"\n", "audit", id, "--data", p.data, "--patient", mrn)
	if err == nil || !strings.Contains(sentence(err), "does not hold together: entry 2 is missing") || strings.Contains(said, "holds together") {
		p.t.Errorf("%v: %s", err, said)
	}
	if !strings.Contains(out, "saved a copy") || strings.Contains(out, "signed in") {
		p.t.Errorf("what can be read is not shown: %s", out)
	}
}

// TestWhoRecoversReads: a sign-in by a recovery code is one like any other.
func TestWhoRecoversReads(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a practice with a mail system")
	}
	p := newDemoPractice(t)
	b := backend.New(p.data, slog.New(slog.DiscardHandler), p.now)
	t.Cleanup(func() { b.Close() })
	h := home{b}
	before, err := h.SignIn(t.Context(), "rosa", demo.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	code, err := before.NewCode(demo.Passphrase)
	if err != nil || before.Close() != nil {
		t.Fatal(err)
	}
	rosa, who, err := h.Recover(t.Context(), code, "plinth walrus ember quixotic ladle")
	if err != nil || who.ID != "rosa" {
		t.Fatal(who, err)
	}
	defer func() { _ = rosa.Close() }()
	_, rows, err := rosa.Views().Queue(t.Context(), view.QueueAll, "")
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	if th, err := rosa.Views().Thread(t.Context(), rows[0].Part); err != nil || len(th.Items) == 0 {
		t.Errorf("%d items, %v", len(th.Items), err)
	}
	if err := rosa.Desk().Copied(t.Context(), rows[0].Part); err != nil {
		t.Error(err)
	}
}

// TestMentions: what the page's search finds, by who, whose or what an entry is about.
func TestMentions(t *testing.T) {
	for text, want := range map[string][]int64{"": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}, "vega": {2, 3}, " MARI  vega ": {2, 3},
		"4821 0739": {2, 3}, "48210739": {2, 3}, "4821": {2, 3}, "pt_gone": {7}, "lee's": {14}, "rosa vega": {2, 3}, "nobody": nil} {
		var got []int64
		for _, l := range sheet() {
			if mentions(l, text) {
				got = append(got, l.No)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestAuditOfAnAdministrator is the page over a real practice: what the others' computers told has come, the list leaves as
// a file, and that it left is recorded.
func TestAuditOfAnAdministrator(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a practice with a mail system")
	}
	p := newDemoPractice(t)
	b := backend.New(p.data, slog.New(slog.DiscardHandler), p.now)
	defer b.Close()
	s := &caller{t: t, h: frontend.New(home{b: b}, frontend.Options{Token: "t", Now: p.now})}
	s.ask(http.MethodGet, "/open?token=t", false)
	s.signIn("jordan", demo.Passphrase)
	page := s.ask(http.MethodGet, "/administration/audit", false).Body.String()
	for _, words := range []string{"Rosa&#39;s computer", "This computer", "The clinic&#39;s agent", "Complete", "Signed in", "entries."} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	for _, words := range []string{"never sent", "no digest", "No digest yet", "badge is-bad", "badge is-warn"} {
		if strings.Contains(page, words) {
			t.Errorf("the page has %q", words)
		}
	}
	file := s.ask(http.MethodPost, "/administration/audit/export", false, "what", "sign-in")
	rows, err := csv.NewReader(file.Body).ReadAll()
	if err != nil || len(rows) < 2 || !strings.Contains(file.Header().Get("Content-Disposition"), "Audit 2026-11-24.csv") {
		t.Fatalf("%d rows, %v, %v", len(rows), err, file.Header())
	}
	for _, row := range rows[1:] {
		if row[2] != "sign-in" {
			t.Errorf("it holds %q", row)
		}
	}
	if page := s.ask(http.MethodPost, "/administration/audit", false, "what", "export").Body.String(); !strings.Contains(page, ">Exported this list<") {
		t.Error("that it left is not recorded")
	}
}
