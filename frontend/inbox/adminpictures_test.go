package inbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/backend/care"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

func openAdministration(t *testing.T) (*browser, *registry) {
	t.Helper()
	c := newClinic(jordan)
	c.office, c.unbound, c.threads = newRegistry(c.now), true, nil
	b := open(t, c)
	b.sees("You belong to no office.")
	b.press("ga")
	b.sees("4 active")
	return b, c.office
}

// fill types into the field with this label.
func (b *browser) fill(label, text string) {
	b.t.Helper()
	b.until("the field "+label, fmt.Sprintf(`(() => {
		const l = [...document.querySelectorAll("label")].find((l) => l.checkVisibility() && l.textContent.trim() === %q);
		const e = l && document.getElementById(l.htmlFor);
		if (!e) return false;
		e.focus();
		e.value = %q;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return true;
	})()`, label, text))
}

// chooses chooses a file in the field with this id, as the browser's dialog does.
func (b *browser) chooses(id, name, content string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => {
		const field = document.getElementById(%q), files = new DataTransfer();
		files.items.add(new File([%q], %q));
		field.files = files.files;
		return field.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, id, content, name))
}

// ticks clicks the box with this id.
func (b *browser) ticks(id string) {
	b.t.Helper()
	b.until("the box "+id, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e?.click(); return !!e })()`, id))
}

// focused waits for the focus to be on an element that says this.
func (b *browser) focused(words string) {
	b.t.Helper()
	b.until("the focus on "+words, fmt.Sprintf(`document.activeElement !== document.body && (document.activeElement.textContent || document.activeElement.id).includes(%q)`, words))
}

// TestAdministrationWalk goes through all tabs as a person does, by keys and buttons, and looks at each state with axe.
func TestAdministrationWalk(t *testing.T) {
	b, g := openAdministration(t)
	b.focused("Administration")
	b.accessible("admin-members")
	b.press("/")
	b.until("the search field", `document.activeElement.id === "search"`)
	eval[bool](b, `(document.activeElement.value = "", true)`) // chromedp types what the page took as a key
	b.do(chromedp.KeyEvent("vega"))
	b.sees("Showing 2 of 2.")
	b.until("an address without names", `location.pathname + location.search === "/administration"`)
	b.press("\x1b")
	b.do(chromedp.KeyEvent("zzz"))
	b.sees("Nobody found.")
	b.accessible("admin-nobody")
	b.button("Members and invitations")
	b.sees("Showing 9 of 9.")
	b.button("More for Grace Oyelaran")
	b.sees("Details and offices")
	b.focused("Details and offices")
	b.press(kb.ArrowDown)
	b.focused("Proxies")
	b.accessible("admin-more")
	b.press("\x1b")

	b.button("Invite a member")
	b.focused("Invite a member")
	b.expected = append(b.expected, "422")
	b.button("Add and invite")
	b.sees("Type a name.")
	b.focused("member-name")
	b.accessible("admin-invite-refused")
	b.fill("Name", "Ida Holm")
	b.fill("Month", "2")
	b.fill("Day", "30")
	b.fill("Year", "1990")
	b.button("Add and invite")
	b.sees("That month does not have so many days.")
	b.focused("member-day")
	b.accessible("admin-invite-born")
	b.fill("Day", "3")
	b.fill("Medical record number", "12345678")
	b.fill("E-mail for notices", "ida")
	b.until("an office", `(() => { const s = document.querySelector("[aria-label^='Why, Dr. Lee']"); s.value = "primary"; return true })()`)
	b.button("Add and invite")
	b.sees(noAddress)
	b.focused("member-email")
	b.accessible("admin-invite-email")
	b.fill("E-mail for notices", "ida.holm@example.org")
	gate := make(chan struct{})
	g.mu.Lock()
	g.gate = gate
	g.mu.Unlock()
	b.button("Add and invite")
	b.sees("Adding…")
	b.shoot("admin-adding")
	close(gate)
	b.sees("The code is shown only now.")
	b.focused("Invitation for Ida Holm")
	b.until("no name in the title", `document.title === "Administration - Postern"`)
	b.accessible("admin-sheet")
	b.sizes("admin-sheet")
	b.button("Done")
	b.sees("Invited. The invitation works once")
	b.focused("Ida Holm")
	b.accessible("admin-member")
	b.sizes("admin-member")
	b.fill("Phone", "555-010-0142")
	b.fill("Search for a member", "o")
	b.sees("Aaliyah Brooks")
	b.until("a candidate chosen", `(() => { const e = document.querySelector("#candidates input"); e?.click(); return !!e })()`)
	b.button("Add proxy")
	b.sees("Without an end")
	b.until("what was typed elsewhere on the page", `document.querySelector("#member-phone").value === "555-010-0142"`)
	b.button("Withdraw invitation")
	b.sees("Its file and its code do not work any more.")
	b.focused("Withdraw it")
	b.accessible("admin-sure")
	b.button("Withdraw it")
	b.sees("Not invited yet.")
	b.button("Remove…")
	b.sees("This is what happens:")
	b.button("Remove Ida Holm")
	b.sees("Tick the box first.")
	b.accessible("admin-removal")
	b.until("the box", `(() => { document.querySelector("#removal-sure").click(); return true })()`)
	b.button("Remove Ida Holm")
	b.sees("Removed. They read and write nothing new.")
	b.until("the address of her page", `location.pathname === "/administration/members/pt_12345678"`)

	b.button("Members and invitations")
	b.button("Import CSV")
	b.fill("What is in it", "name,born,mrn\nNils Holm,1990-02-03,48210739")
	b.button("Try it")
	b.sees("Nothing was taken in: 1 problem.")
	b.focused("Nothing was taken in")
	b.accessible("admin-import")
	b.chooses("import-file", "members.csv", "name,born,mrn\nNils Holm,1990-02-03,4")
	b.until("what is in the file", `document.getElementById("import-csv").value === "name,born,mrn\nNils Holm,1990-02-03,4"`)
	b.button("Try it")
	b.sees("1 new member, no problems.")
	b.button("Take in 1 member")
	b.sees("Nils Holm")

	b.button("Offices and coverage")
	b.sees("within two business days")
	b.accessible("admin-offices")
	b.button("Dr. Raman's office")
	b.focused("Dr. Raman's office")
	b.sees("Out of office until Mon Jan 4, 2027, covered by Dr. Omar Haddad.")
	b.accessible("admin-office")
	b.sizes("admin-office")
	b.button("Set another absence")
	b.focused("Out of office: Dr. Priya Raman")
	b.accessible("admin-another")
	b.fill("Back on", "2026-12-29")
	b.sees("Out of office until Tue Dec 29, covered by Dr. Omar Haddad.")
	b.button("Save")
	b.sees("Members see it from now on.")
	b.button("Cancel this absence")
	b.button("Cancel it")
	b.until("nothing set", `document.querySelector("tr.sel").innerText.includes("In")`)
	b.button("Add an office")
	b.button("Add office")
	b.sees("Name the office.")
	b.accessible("admin-office-new")

	b.button("Holidays")
	b.sees("Nov 26 and Nov 27 do not count")
	b.accessible("admin-holidays")
	b.sizes("admin-holidays")
	b.button("Add a day")
	b.focused("Add a day")
	b.fill("Day", "2026-12-31")
	b.fill("Name", "New Year's Eve")
	b.fill("Open", "12")
	b.button("Save")
	b.sees("Hours are written like 09:00.")
	b.accessible("admin-holiday-refused")
	b.fill("Open", "9:00-12:00")
	b.button("Save")
	b.sees("9 am to noon")

	b.ticks("notices-named")
	b.sees("Alder Creek Clinic has something new for you to read in Postern.")
	b.ticks("notices-on")
	b.fill("From", "08:00")
	b.until("it kept", `document.getElementById("notices-kept").innerText.includes("Draft saved")`)
	inNotices := `[...document.querySelectorAll("#notices button")].find((e) => e.innerText.trim() === "Save").click()`
	eval[bool](b, "("+inNotices+", true)")
	b.sees("Give two different times of the day")
	b.focused("notices-from")
	b.accessible("admin-notices-refused")
	b.fill("From", "20:30")
	eval[bool](b, "("+inNotices+", true)")
	b.sees("Saved. Members are told by e-mail.")
	b.until("it chosen", `document.getElementById("notices-on").checked && document.getElementById("notices-named").checked`)
	b.accessible("admin-notices")
	b.sizes("admin-notices")
	b.button("Staff")
	b.sees("Removed")
	b.accessible("admin-staff")
	b.sizes("admin-staff")
	b.look("postern", "200", 1280, 800)
	if wide := eval[int](b, `(() => { const t = document.querySelector(".admin-table"); return t.scrollWidth - t.clientWidth })()`); wide > 0 {
		t.Errorf("at twice the size the staff and what can be done with them are %d px wider than the window", wide)
	}
	b.look("postern", "", 1440, 900)
	tabs := `[...document.querySelectorAll(".admin-head .seg a")].map((a) => a.getBoundingClientRect().x).join()`
	before := eval[string](b, tabs)
	b.button("Gateway")
	b.sees("All is mailed.")
	if after := eval[string](b, tabs); after != before {
		t.Errorf("the tabs move from %s to %s", before, after)
	}
	b.button("Staff")
	b.sees("Removed")
	b.button("Rosa Delgado, RN")
	b.focused("Rosa Delgado, RN")
	b.accessible("admin-person")
	b.button("Withdraw this computer")
	b.sees("It gets nothing new and cannot write any more.")
	b.button("Withdraw it")
	b.sees("The computer is withdrawn.")
	b.button("Staff")
	b.button("Add a person")
	b.button("Add and invite")
	b.sees("Choose a role.")
	b.accessible("admin-person-new")

	b.button("Gateway")
	b.sees("All is mailed.")
	b.accessible("admin-gateway")
	g.mu.Lock()
	g.agents = amissAgents(g)
	g.mu.Unlock()
	b.button("Gateway")
	b.sees("Standing by")
	b.accessible("admin-agent")
	b.sizes("admin-agent")
	b.button("Make this the practice's agent: Spare agent")
	b.sees("Named. The agents learn of it by themselves.")
	b.sees("It confirms what members send as it arrives.")
	g.mu.Lock()
	g.trial[1].Problem = "The mail system refused the password."
	g.mu.Unlock()
	b.button("Try it")
	b.sees("It does not work yet.")
	b.focused("It does not work yet.")
	b.accessible("admin-trial")
	g.mu.Lock()
	g.mail = elsewhereMail
	g.mu.Unlock()
	b.button("Gateway")
	b.sees("Logins to end")
	b.accessible("admin-elsewhere")
	b.sizes("admin-elsewhere")
	b.button("It is ended: postern-17")
	b.until("one less", `!document.body.innerText.includes("postern-17")`)
	b.button("Unassigned 0")
	b.sees("You belong to no office.")
}

// amissAgents are one that is silent and has a full disk, and one that stands by.
func amissAgents(g *registry) []seat.Agent {
	silent := g.agents[0]
	silent.Heard, silent.Fetched, silent.Sent = g.now.Add(-26*time.Hour), g.now.Add(-26*time.Hour), g.now.Add(-29*time.Hour)
	silent.Silent, silent.Wrong = true, []seat.Wrong{{Says: "Its disk is nearly full: 412 MB are left.", Do: "Make room on the agent's computer."}}
	return []seat.Agent{silent, {Person: care.Person{ID: "ps_spare", Name: "Spare agent", Role: care.RoleAgent}, Enrolled: true, Heard: g.now.Add(-time.Minute), Version: "1.4.0"}}
}

var elsewhereMail = seat.MailState{Elsewhere: true, IMAP: "imap.host.example:993", SMTP: "smtp.host.example:465", Pending: 3, Problem: "The mail system cannot be reached.", Ends: []string{"postern-17", "postern-18"}}

// TestAdministrationPictures compares the administration with the kept pictures.
func TestAdministrationPictures(t *testing.T) {
	b, g := openAdministration(t)
	a := picturetest.Open(t, b.ctx, "testdata/administration", *update)
	b.expected = append(b.expected, "422")
	a.Screen("members")
	b.button("More for Grace Oyelaran")
	b.sees("Details and offices")
	a.Detail("more")
	b.press("\x1b")
	b.button("Theodore Nakamura")
	b.sees("Answered twice.")
	a.Screen("member")
	b.button("Members and invitations")
	b.button("Invite a member")
	b.button("Add and invite")
	b.sees("Type a name.")
	a.State("invite")
	b.fill("Name", "Ida Holm")
	b.fill("Month", "2")
	b.button("Members and invitations")
	b.button("Invite a member")
	b.sees(begunLine)
	a.Screen("begun")
	b.button("Cancel")
	b.button("New invitation: Henrik Lindqvist")
	b.sees("The code is shown only now.")
	a.Screen("sheet")
	b.button("Members and invitations")
	b.button("Import CSV")
	b.fill("What is in it", "name,born,mrn\nNils Holm,1990-02-03,48210739")
	b.button("Try it")
	b.sees("Nothing was taken in")
	a.State("import")
	b.button("Offices and coverage")
	b.button("Dr. Lee's office")
	b.sees("Members will see")
	a.Screen("office")
	b.button("Holidays")
	b.sees("do not count")
	a.Screen("holidays")
	b.button("Edit Christmas Eve, Thu Dec 24")
	b.sees("Take it out")
	a.Detail("holiday")
	b.button("Holidays")
	b.until("no day", `!document.getElementById("holiday")`)
	b.ticks("notices-on")
	b.ticks("notices-replies")
	b.sees("You can answer this e-mail.")
	b.until("it kept", `document.getElementById("notices-kept").innerText.includes("Draft saved")`)
	eval[bool](b, `([...document.querySelectorAll("#notices button")].at(-1).focus(), true)`)
	a.Screen("notices")
	b.button("Staff")
	b.sees("Removed")
	a.Screen("staff")
	b.button("More for Rosa Delgado, RN")
	b.button("Remove…")
	b.sees("This is what happens:")
	a.Detail("removal")
	b.button("Gateway")
	b.button("Try it")
	b.sees("It works.")
	a.State("gateway")
	g.mu.Lock()
	well := g.agents
	g.agents = amissAgents(g)
	g.mu.Unlock()
	b.button("Gateway")
	b.sees("Standing by")
	a.State("agent")
	g.mu.Lock()
	g.agents = well
	g.mail = elsewhereMail
	g.mu.Unlock()
	b.button("Gateway")
	b.sees("Logins to end")
	a.Screen("elsewhere")
}
