package inbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/frontend/link"
)

// forms are what is kept: the texts of the drafts, each as a form posts it.
func (c *clinic) forms() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, d := range c.drafts {
		all = append(all, string(d.Text))
	}
	slices.Sort(all)
	return all
}

const begunLine = "What you had begun is still here."

// TestEveryFormIsKept types into each form of the administration, leaves, and comes back; clears it, and what the practice has
// stands there again.
func TestEveryFormIsKept(t *testing.T) {
	c := newClinic(jordan)
	c.office, c.unbound = newRegistry(c.now), true
	b := visit(t, c)
	raman := care.OfficeID("of_ramanramanrama2")
	marisol := link.AdminMember("pt_48210739")
	for _, f := range []struct {
		at, key, name, typed, shown string
	}{
		{link.AdminNewMember, link.AdminMembers, "name", "Ida Holm", `value="Ida Holm"`},
		{link.AdminNewMember, link.AdminMembers, "year", "19", `value="19"`},
		{link.AdminNewMember, link.AdminMembers, "why-" + string(lee.ID), "seen", `value="seen" selected`},
		{marisol, marisol, "phone", "555-010-0142", `value="555-010-0142"`},
		{marisol, link.AdminProxies("pt_48210739"), "find", "aaliyah", "Aaliyah Brooks"},
		{link.AdminImport, link.AdminImport, "csv", "name,born,mrn\r\nIda", "Ida</textarea>"},
		{link.AdminNewOffice, link.AdminOffices, "specialty", "Dermatology", `value="Dermatology"`},
		{link.AdminNewOffice, link.AdminOffices, "people", string(rosa.ID), `value="ps_rosa" checked`},
		{link.AdminOffice(lee.ID), link.AdminOffice(lee.ID), "phone", "555-010-0199", `value="555-010-0199"`},
		{link.AdminOffice(raman), link.AdminAbsence(raman) + "?from=2026-12-21", "until", "2026-12-29", `value="2026-12-29"`},
		{link.AdminHoliday("new"), link.AdminHoliday("new"), "name", "Inventory", `value="Inventory"`},
		{link.AdminHoliday("2026-12-24"), link.AdminHoliday("2026-12-24"), "hours", "08:00-11:00", `value="08:00-11:00"`},
		{link.AdminHolidays, link.AdminHours, "sat", "09:00-12:00", `value="09:00-12:00"`},
		{link.AdminHolidays, link.AdminPractice, "nurseLine", "555-010-0150", `value="555-010-0150"`},
		{link.AdminNewPerson, link.AdminStaff, "role", "nurse", `value="nurse" selected`},
		{link.AdminPerson(rosa.ID), link.AdminPerson(rosa.ID), "short", "Rosita", `value="Rosita"`},
		{link.AdminGateway, link.AdminGateway, "host", "mail.alder.example", `value="mail.alder.example"`},
	} {
		_, page := b.get(f.at, "")
		wants(t, f.at, page, `name="kept" value="`+strings.ReplaceAll(f.key, "&", "&amp;")+`"`)
		lacks(t, f.at+" before "+f.name, page, begunLine)
		code, line := b.post(link.AdminKept, "x-kept", url.Values{"kept": {f.key}, f.name: {f.typed}})
		if code != http.StatusOK {
			t.Errorf("keeping %s of %s is %d", f.name, f.at, code)
		}
		wants(t, "the line", line, `id="x-kept"`, "Draft saved")
		_, page = b.get(f.at, "")
		wants(t, f.at+" with "+f.name, page, begunLine, f.shown)
		if code, _ := b.post(link.AdminLetGo, "", url.Values{"kept": {f.key}}); code != http.StatusOK || len(c.forms()) > 0 {
			t.Errorf("clearing %s is %d, and keeps %q", f.at, code, c.forms())
		}
		_, page = b.get(f.at, "")
		lacks(t, f.at+" cleared", page, begunLine)
	}
}

// TestAFormThatIsDoneIsKeptNoMore: what was taken is not begun any more; what was refused is.
func TestAFormThatIsDoneIsKeptNoMore(t *testing.T) {
	c := newClinic(jordan)
	c.office, c.unbound = newRegistry(c.now), true
	b := visit(t, c)
	person := url.Values{"kept": {link.AdminStaff}, "name": {"Lena Bianchi"}, "offices": {string(lee.ID)}}
	b.post(link.AdminKept, "person-kept", person)
	_, form := b.post(link.AdminStaff, "person", person)
	wants(t, "the refused form", form, "Choose a role.", "data-autosave")
	if len(c.forms()) != 1 {
		t.Errorf("refused, it keeps %q", c.forms())
	}
	person.Set("role", "nurse")
	_, sheet := b.post(link.AdminStaff, "person", person)
	wants(t, "the sheet", sheet, "Invitation for Lena Bianchi")
	if len(c.forms()) != 0 {
		t.Errorf("done, it keeps %q", c.forms())
	}

	// A page with several forms: one that is done leaves the others as they are.
	at := link.AdminMember("pt_48210739")
	b.post(link.AdminKept, "member-kept", url.Values{"kept": {at}, "name": {"Marisol Vega Ruiz"}})
	b.post(link.AdminKept, "proxy-0-kept", url.Values{"kept": {link.AdminProxies("pt_48210739")}, "find": {"aal"}})
	_, page := b.post(link.AdminProxies("pt_48210739"), "proxy-0", url.Values{"kept": {link.AdminProxies("pt_48210739")}, "find": {"aal"}, "who": {"ps_66301182"}})
	wants(t, "the page with a proxy", page, `value="Marisol Vega Ruiz"`, begunLine)
	lacks(t, "the page with a proxy", page, `value="aal"`)
	if kept := c.forms(); len(kept) != 1 || kept[0] != "name=Marisol+Vega+Ruiz" {
		t.Errorf("it keeps %q", kept)
	}

	// Who is removed is no longer being edited.
	_, page = b.post(at+link.Removal, "removal", url.Values{"sure": {"yes"}})
	wants(t, "the page of who is removed", page, "is removed.")
	if len(c.forms()) != 0 {
		t.Errorf("removed, it keeps %q", c.forms())
	}
}

// TestALateSaveBringsNothingBack: a save that its page gave up may arrive after the form is done.
func TestALateSaveBringsNothingBack(t *testing.T) {
	c := newClinic(jordan)
	c.office, c.unbound = newRegistry(c.now), true
	b := visit(t, c)
	day := url.Values{"kept": {link.AdminHoliday("new")}, "date": {"2026-12-31"}, "name": {"Inventory"}}
	b.post(link.With(link.AdminKept, "edit", "page.1"), "holiday-kept", day)
	b.post(link.With(link.AdminHolidays, "edit", "page.3"), "holiday", day)
	b.post(link.With(link.AdminKept, "edit", "page.2"), "holiday-kept", day)
	if len(c.forms()) != 0 {
		t.Errorf("it keeps %q", c.forms())
	}
	b.post(link.With(link.AdminKept, "edit", "page.4"), "holiday-kept", day)
	if len(c.forms()) != 1 {
		t.Errorf("of the next day it keeps %q", c.forms())
	}
}

// TestWhatHoldsPasswordsIsNotKept: no form in which a secret is typed says by which key it would be kept.
func TestWhatHoldsPasswordsIsNotKept(t *testing.T) {
	b, g := administration(t)
	g.mail = elsewhereMail
	_, page := b.get(link.AdminGateway, "")
	wants(t, "the gateway elsewhere", page, `name="accounts"`)
	lacks(t, "the gateway elsewhere", page, "data-autosave", `name="kept"`)
}

// TestALetGoLeadsNowhereElse: the address on which it goes on is the administration's.
func TestALetGoLeadsNowhereElse(t *testing.T) {
	b, _ := administration(t)
	for _, to := range []string{"https://evil.example", "//evil.example", "/session/lock"} {
		r := url.Values{"kept": {link.AdminStaff}}
		if _, page := b.post(link.With(link.AdminLetGo, "to", to), "", r); !strings.Contains(page, "Members and invitations") {
			t.Errorf("to %s it answers %.200s", to, page)
		}
	}
}

// unlock comes back to a screen that was locked.
func (b *browser) unlock() {
	b.t.Helper()
	b.do(chromedp.WaitVisible("#passphrase"), chromedp.SendKeys("#passphrase", "demo\r"))
}

// value waits for what stands in a field.
func (b *browser) value(id, want string) {
	b.t.Helper()
	b.until(id+" with "+want, `document.getElementById("`+id+`")?.value === "`+want+`"`)
}

// keeps waits until exactly so many forms are kept.
func (b *browser) keeps(n int, words ...string) {
	b.t.Helper()
	fits := func(all []string) bool {
		text := strings.Join(all, "\n")
		return len(all) == n && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	}
	for end := time.Now().Add(patience); !fits(b.forms()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("kept are %q, not %d with %q", b.forms(), n, words)
		}
	}
}

// TestAHalfTypedFormOutlivesTheScreen: a lock, a wrong click and a crash cost an administrator nothing of what they typed; what was
// taken, and what they let go of, does not come back.
func TestAHalfTypedFormOutlivesTheScreen(t *testing.T) {
	b, g := openAdministration(t)

	b.button("Invite a member")
	b.focused("Invite a member")
	b.fill("Name", "Ida Holm")
	b.fill("Month", "2")
	b.fill("Medical record number", "12345678")
	b.button("Lock")
	b.sees("Locked at ")
	b.keeps(1, "name=Ida+Holm", "mrn=12345678")
	b.until("nobody's name", `!document.body.innerText.includes("Ida Holm")`)
	b.unlock()
	b.sees(begunLine)
	b.value("member-name", "Ida Holm")
	b.value("member-month", "2")
	b.value("member-mrn", "12345678")
	b.accessible("admin-begun")
	b.sizes("admin-begun")

	// A wrong click, in the moment after the last key.
	b.fill("Day", "3")
	b.button("Staff")
	b.sees("Who answers members")
	b.keeps(1, "day=3")
	b.button("Members and invitations")
	b.button("Invite a member")
	b.value("member-day", "3")
	b.fill("Year", "1990")
	b.sees("Draft saved")

	// Escape leaves and keeps, and so does the link back.
	b.press("\x1b")
	b.sees("4 active")
	b.button("Invite a member")
	b.sees(begunLine)

	// Done, it is not begun any more.
	b.until("an office", `(() => { const s = document.querySelector("[aria-label^='Why, Dr. Lee']"); s.value = "primary"; s.dispatchEvent(new Event("input", {bubbles: true})); s.dispatchEvent(new Event("change", {bubbles: true})); return true })()`)
	b.button("Add and invite")
	b.sees("The code is shown only now.")
	b.keeps(0)
	if m := g.named("Ida Holm"); m.Patient.Born != "1990-02-03" {
		t.Errorf("she was born %s", m.Patient.Born)
	}
	b.button("Members and invitations")
	b.button("Invite a member")
	b.focused("Invite a member")
	b.value("member-name", "")
	b.until("nothing begun", `!document.body.innerText.includes("still here")`)

	// Cancel lets go of it, and so does the line; a form beside it is left alone.
	b.fill("Name", "Nils Holm")
	b.button("Cancel")
	b.sees("4 active")
	b.keeps(0)
	b.button("Marisol Vega")
	b.focused("Marisol Vega")
	b.fill("Phone", "555-010-0142")
	b.fill("Search for a member", "aal")
	b.sees("Aaliyah Brooks")
	b.keeps(2, "555-010-0142")
	b.button("Staff")
	b.sees("Who answers members")
	b.button("Members and invitations")
	b.button("Marisol Vega")
	b.sees(begunLine)
	b.until("who was found", `document.querySelector("#candidates")?.innerText.includes("Aaliyah Brooks")`)
	b.accessible("admin-begun-member")
	b.sizes("admin-begun-member")
	b.button("Clear it")
	b.value("member-phone", "555-010-0177")
	b.keeps(1, "find=aal")

	// What is typed after a change was made belongs to the next one.
	b.fill("Phone", "555-010-0150")
	b.button("Save")
	b.sees("Saved.")
	b.keeps(1, "find=aal")
	b.value("member-phone", "555-010-0150")
	b.until("no draft any more", `!document.getElementById("member-kept").innerText`)
	b.fill("Phone", "555-010-0151")
	b.keeps(2, "0151")

	// A crash: the page goes without a word.
	b.do(chromedp.Navigate("about:blank"))
	b.do(chromedp.Navigate(b.url + link.AdminMember("pt_48210739")))
	b.sees(begunLine)
	b.value("member-phone", "555-010-0151")
}

// TestAFormThatCannotBeKeptIsStillThere: the screen locks while the disk is full. The words stay on the page, out of sight, and
// leaving says so.
func TestAFormThatCannotBeKeptIsStillThere(t *testing.T) {
	b, _ := openAdministration(t)
	b.button("Invite a member")
	b.focused("Invite a member")
	b.expected = append(b.expected, "507")
	b.mu.Lock()
	b.fail = care.Refusef(care.Full, "This computer's disk is full.")
	b.mu.Unlock()
	b.fill("Name", "Ida Holm")
	b.sees("This computer's disk is full.")
	b.button("Staff")
	b.sees("Postern could not save what you typed here.")
	b.sees("Ida Holm")
}
