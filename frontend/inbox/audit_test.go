package inbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

// audit is what an administrator's profile knows, and notes what was asked of it.
type audit struct {
	rows      []seat.AuditRow
	computers []seat.Computer
	broken    string
	asked     seat.AuditQuestion
	exported  int
	fail      error
}

func (a *audit) Rows(_ context.Context, q seat.AuditQuestion) (seat.AuditRows, error) {
	a.asked = q
	if _, err := time.Parse(time.DateOnly, q.From); q.From != "" && err != nil {
		return seat.AuditRows{}, care.Refusef(care.Invalid, "This is not a day.").In("from")
	}
	out := seat.AuditRows{All: len(a.rows), Broken: a.broken}
	for _, r := range a.rows {
		if (q.What == "" || q.What == r.What) && strings.Contains(strings.ToLower(r.Patient.Name+r.Person.Name), strings.ToLower(q.Search)) {
			out.Rows = append(out.Rows, r)
		}
	}
	return out, a.fail
}

func (a *audit) Computers(context.Context) ([]seat.Computer, error) { return a.computers, nil }

func (a *audit) Export(_ context.Context, q seat.AuditQuestion) ([]byte, error) {
	a.asked = q
	if a.fail != nil {
		return nil, a.fail
	}
	a.exported++
	return []byte("number\r\n1\r\n"), nil
}

// watched is the clinic as its administrator sees it.
func watched() *clinic {
	c := newClinic(jordan)
	key := func(name string) care.KeyID { return care.KeyID(id(name)) }
	agent := care.Person{ID: "ps_agent", Name: "Postern at Alder Creek", Role: care.RoleAgent}
	long := care.Person{ID: "ps_long", Name: "Maximiliana Wojciechowska-Featherstone", Shown: "Maximiliana Wojciechowska-Featherstone, RN", Short: "Maximiliana"}
	c.audit.computers = []seat.Computer{
		{Key: key("own"), Person: jordan, Own: true, Nth: 1, Of: 1, Last: "2026-11-20", Rows: 412, Counts: map[string]int{"view": 31, "copy": 2}},
		{Key: key("long"), Person: long, Nth: 1, Of: 1, Last: "2026-11-19", Rows: 77, Counts: map[string]int{"sign-in": 1}},
		{Key: key("haddad"), Person: haddad, Nth: 2, Of: 2, Last: "2026-11-20", Rows: 31, Counts: map[string]int{"view": 4},
			Findings: []seat.Finding{{Kind: seat.FoundPutBack, Day: "2026-11-18"}, {Kind: seat.FoundMissing, Day: "2026-09-02", Days: []string{"2026-09-02"}}}},
		{Key: key("agent"), Person: agent, Nth: 1, Of: 1, Last: "2026-11-20", Rows: 19},
		{Key: key("priya"), Person: priya, Nth: 1, Of: 1, Last: "2026-11-03", Rows: 90, Counts: map[string]int{"view": 1}},
		{Key: key("rosa"), Person: rosa, Nth: 1, Of: 1, Last: "2026-11-16", Rows: 1240, Counts: map[string]int{"view": 61, "print": 1}, Late: true,
			Findings: []seat.Finding{{Kind: seat.FoundMissing, Day: "2026-11-19", Days: []string{"2026-11-17", "2026-11-19"}}}},
		{Key: key("old"), Person: ana, Nth: 1, Of: 1, Last: "2026-10-01", Rows: 5, Withdrawn: at(time.October, 2, 9, 0)},
	}
	vega := c.named("Marisol Vega").Patient
	for i, r := range []seat.AuditRow{
		{What: "directory.invite", About: "Grace Oyelaran"}, {What: "view", Patient: vega, Part: id("Marisol Vega")},
		{What: "copy", Patient: c.named("Maximiliana Wojciechowska-Featherstone").Patient, Part: id("x")}, {What: "sign-in"}, {What: "sign-in.refused", Times: 2}, {What: "sign-out"},
	} {
		r.No, r.At, r.Person = int64(412-i), at(time.November, 20, 15, 42-i), jordan
		c.audit.rows = append(c.audit.rows, r)
	}
	return c
}

func TestAuditPage(t *testing.T) {
	c := watched()
	b := visit(t, c)
	code, page := b.get(link.Audit, "")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	wants(t, "the page", page, "<title>Audit - Postern</title>", `id="main"`, "Rosa&#39;s computer has sent no digest since Mon Nov 16.",
		"On Wed Nov 18 the record of Dr. Haddad&#39;s computer 2 was an older copy of itself.", "Invited Grace Oyelaran", "Wrong passphrase, 2 times",
		"Marisol Vega", "4821 0739", "6 of 6 entries.", "Withdrawn Oct 2", "Not in use, it seems", "This computer", "61 opened, 1 printed")
	_, head, _ := strings.Cut(page, `<header class="admin-head`)
	head, _, _ = strings.Cut(head, "</header>")
	if n := strings.Count(page, "<h1"); n != 1 || strings.Count(head, "<a") != 6 || strings.Count(head, "aria-current") != 1 {
		t.Errorf("it has %d h1, and of the administration's tabs:\n%s", n, head)
	}
	wants(t, "its head", head, "<h1", ">Administration</h1>", `href="`+link.AdminOffices+`"`, `href="`+link.Audit+`" aria-current="page">Audit</a>`)
	if strings.Index(page, "older copy") > strings.Index(page, "no digest since") {
		t.Error("what is broken does not stand above what is missing")
	}
	lacks(t, "the page", page, "record is damaged", "Sep 2, 2026")
	code, found := b.post(link.Audit, "audit-rows", url.Values{"about": {"vega"}, "what": {"view"}, "from": {"2026-11-01"}, "to": {"2026-11-20"}})
	if code != http.StatusOK || c.audit.asked != (seat.AuditQuestion{Search: "vega", What: "view", From: "2026-11-01", To: "2026-11-20"}) {
		t.Errorf("%d, asked %+v", code, c.audit.asked)
	}
	wants(t, "what is found", found, "1 of 6 entries.", `value="vega"`, `<option value="view" selected>`, `value="2026-11-01"`)
	lacks(t, "what is found", found, "<html", "Grace", "Computers")
	if code, whole := b.post(link.Audit, "", url.Values{"about": {"nobody"}}); code != http.StatusOK || !strings.Contains(whole, "No entry fits.") || !strings.Contains(whole, "Computers") {
		t.Errorf("without a script: %d", code)
	}
	code, refused := b.post(link.Audit, "audit-rows", url.Values{"from": {"then"}})
	if code != http.StatusUnprocessableEntity {
		t.Error(code)
	}
	wants(t, "a refusal", refused, "This is not a day.", `aria-invalid="true"`, `aria-describedby="audit-from-error"`)
	c.audit.broken = "Entry 7 was changed."
	_, page = b.get(link.Audit, "")
	wants(t, "a damaged record", page, "record is damaged.", "Entry 7 was changed.")
	for i := range 600 {
		c.audit.rows = append(c.audit.rows, seat.AuditRow{No: int64(i), What: "view", Person: jordan, At: at(time.November, 1, 9, 0)})
	}
	_, page = b.get(link.Audit, "")
	wants(t, "a long record", page, "The newest 500 of 606 are listed.")
}

func TestAuditLeavesAsAFile(t *testing.T) {
	c := watched()
	b := visit(t, c)
	code, csv := b.post(link.AuditExport, "toast", url.Values{"what": {"view"}})
	if code != http.StatusOK || csv != "number\r\n1\r\n" || c.audit.exported != 1 || c.audit.asked.What != "view" {
		t.Errorf("%d %q, %+v", code, csv, c.audit)
	}
	if code, _ := b.get(link.AuditExport, ""); code != http.StatusMethodNotAllowed && code != http.StatusNotFound {
		t.Errorf("a link leads to a file: %d", code)
	}
	c.audit.fail = care.Refusef(care.Unavailable, "It could not be recorded.")
	if code, said := b.post(link.AuditExport, "toast", nil); code == http.StatusOK || !strings.Contains(said, "It could not be recorded.") {
		t.Errorf("%d %s", code, said)
	}
}

func TestAuditIsForAdministrators(t *testing.T) {
	b := visit(t, newClinic(rosa))
	for what, ask := range map[string]func() (int, string){
		"the page":   func() (int, string) { return b.get(link.Audit, "") },
		"a question": func() (int, string) { return b.post(link.Audit, "audit-rows", nil) },
		"the file":   func() (int, string) { return b.post(link.AuditExport, "toast", nil) },
	} {
		if code, page := ask(); code != http.StatusNotFound || strings.Contains(page, "digest") {
			t.Errorf("%s: %d", what, code)
		}
	}
}

// opensAudit goes to the page by its address, as the administration's tab does.
func (b *browser) opensAudit() {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(htmx.ajax("GET", %q, {target: "body", swap: "outerSync"}), true)`, link.Audit))
	b.sees("Entries of this computer")
}

func TestAuditIsAccessible(t *testing.T) {
	c := watched()
	b := open(t, c)
	b.opensAudit()
	b.accessible("audit")
	b.sizes("audit")
	eval[bool](b, `(document.getElementById("audit-about").focus(), true)`)
	b.do(chromedp.KeyEvent("vega"))
	b.until("what was found", `document.getElementById("audit-rows").innerText.includes("1 of 6 entries.")`)
	if at := eval[string](b, `document.activeElement.id + " " + location.href`); !strings.HasPrefix(at, "audit-about ") || strings.Contains(at, "vega") {
		t.Errorf("typing leads to %s", at)
	}
	b.accessible("audit-found")
	b.button("1 finding")
	b.button("Unassigned 8")
	b.until("the queue", `document.title === "Unassigned - Postern" && !!document.querySelector("[data-row]")`)
}

func TestAuditPictures(t *testing.T) {
	b := open(t, watched())
	a := picturetest.Open(t, b.ctx, "testdata/audit", *update)
	b.opensAudit()
	a.Screen("audit")
}
