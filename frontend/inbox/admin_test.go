package inbox_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/frontend/admin"
	"postern/frontend/link"
	"postern/frontend/seat"
)

func administration(t *testing.T) (*client, *registry) {
	t.Helper()
	c := newClinic(jordan)
	c.office, c.unbound = newRegistry(c.now), true
	return visit(t, c), c.office
}

func TestAdministrationIsForAdministrators(t *testing.T) {
	c := newClinic(rosa)
	c.office = newRegistry(c.now)
	b := visit(t, c)
	for _, path := range []string{link.Administration, link.AdminStaff, link.AdminRail} {
		if code, _ := b.get(path, ""); code != http.StatusNotFound {
			t.Errorf("a nurse gets %d at %s", code, path)
		}
	}
	if code, _ := b.post(link.AdminStaff, "person", url.Values{"name": {"X"}, "role": {"nurse"}}); code != http.StatusNotFound || c.office.did() != "" {
		t.Errorf("a nurse adds a person: %d, %s", code, c.office.did())
	}
	_, page := b.get(link.Inbox, "")
	lacks(t, "a nurse's inbox", page, link.Administration)

	there := newClinic(jordan) // an administrator at a computer that does not hold the administration
	there.unbound, there.threads = true, nil
	b = visit(t, there)
	code, page := b.get(link.Administration, "")
	if code != http.StatusOK {
		t.Errorf("the page is %d", code)
	}
	wants(t, "the page elsewhere", page, "The administration is done on the computer on which the practice was set up.", `data-go="a"`)
	lacks(t, "the page elsewhere", page, "Invite a member", link.AdminStaff)
	if code, answer := b.post(link.AdminStaff, "person", url.Values{"name": {"X"}}); code != http.StatusForbidden {
		t.Errorf("elsewhere a person is added: %d %s", code, answer)
	}
	if code, _ := b.post(link.AdminInviteFile, "toast", url.Values{"file": {"YQ=="}}); code != http.StatusForbidden {
		t.Errorf("elsewhere an invitation is saved: %d", code)
	}
	_, page = b.get(link.Inbox, "")
	wants(t, "the inbox of who belongs to no office", page, "You belong to no office.", `data-go="a"`)
	lacks(t, "it", page, "Nobody is waiting", "<h2>Offices</h2>")
}

// TestNobodyElseAdministers: whatever the addresses of the administration take, they take from administrators alone, and from them
// only with the ticket of their sign-in: not from who has nothing but the cookie, and not for another site.
func TestNobodyElseAdministers(t *testing.T) {
	source, err := os.ReadFile("../routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range regexp.MustCompile(`"POST (/administration[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		paths = append(paths, m[1])
	}
	for _, m := range regexp.MustCompile(`"POST "\+person\+"(/[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		paths = append(paths, "/administration/members/{patient}"+m[1], "/administration/staff/{person}"+m[1])
	}
	if len(paths) < 30 {
		t.Fatalf("only %d addresses are found", len(paths))
	}
	office := newRegistry(newClinic(jordan).now)
	filled := strings.NewReplacer("{patient}", string(office.named("Marisol Vega").Patient.ID), "{person}", string(rosa.ID), "{office}", string(office.Offices()[0].ID))
	typed := url.Values{"name": {"X"}, "role": {"nurse"}, "sure": {"yes"}, "month": {"1"}, "day": {"1"}, "year": {"1980"}, "mrn": {"1"}, "csv": {"name,born,mrn\nX,1980-01-01,1\n"},
		"file": {"YQ=="}, "who": {string(rosa.ID)}, "key": {"x"}, "date": {"2026-12-24"}, "login": {"x"}, "host": {"evil.example"}}
	for who, c := range map[string]*clinic{"a nurse": newClinic(rosa), "a member": newClinic(marisol),
		"who has the cookie alone": newClinic(jordan), "nobody": newClinic(jordan)} {
		c.office = office
		b := visit(t, c)
		switch who {
		case "who has the cookie alone":
			b.ticket = ""
		case "nobody":
			b.Jar = nil
		}
		for _, path := range paths {
			if strings.HasPrefix(path, "/administration/audit") {
				continue // the care team's own record
			}
			if code, page := b.post(filled.Replace(path), "main", typed); office.did() != "" || strings.Contains(page, "Vega") {
				t.Errorf("%s posts to %s: %d, %s\n%s", who, path, code, office.did(), page)
			}
		}
	}
}

func TestAdministrationDrawsWholeAndInPart(t *testing.T) {
	b, _ := administration(t)
	for _, path := range []string{link.Administration, link.AdminNewMember, link.AdminImport, link.AdminMember("pt_48210739"), link.AdminMember("pt_48210739") + link.Removal,
		link.AdminOffices, link.AdminNewOffice, link.AdminOffice(lee.ID), link.AdminHolidays, link.AdminHoliday("new"), link.AdminHoliday("2026-12-24"), link.AdminHoliday("2026-12-25"),
		link.AdminStaff, link.AdminNewPerson, link.AdminPerson(rosa.ID), link.AdminGateway} {
		code, page := b.get(path, "")
		if code != http.StatusOK {
			t.Errorf("%s is %d", path, code)
		}
		wants(t, path, page, "<!doctype html>", "<title>Administration - Postern</title>", `id="keys"`, `aria-current="page"`, "data-focus", `class="rail scroll"`)
		lacks(t, path, page, "style=", "onclick", "&lt;nil&gt;")
		if n := strings.Count(page, "<h1"); n != 1 {
			t.Errorf("%s has %d h1", path, n)
		}
		_, part := b.get(path, "main")
		lacks(t, path+" in part", part, "<html", `class="rail`)
		wants(t, path+" in part", part, `<main id="main"`)
	}
	for _, path := range []string{link.AdminMember("pt_x"), link.AdminOffice("of_x"), link.AdminHoliday("2026-12-23"), link.AdminPerson("ps_x"), link.AdminMember("pt_55102846") + link.Removal} {
		if code, _ := b.get(path, ""); code != http.StatusNotFound {
			t.Errorf("%s is %d", path, code)
		}
	}
	_, rail := b.get(link.AdminRail, "rail")
	if !strings.HasPrefix(rail, "<nav") {
		t.Errorf("the rail begins %.40q", rail)
	}
}

func TestMembersAreSearchedAndTurned(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.Administration, "")
	wants(t, "the members", page, "4 active · 1 invited · 2 need attention", "Showing 9 of 9.", "Invitation expired Nov 12", "Invited, expires Dec 4", "No account", "Not invited", "Answered twice",
		`Invite<span class="sr-only">: Grace Oyelaran`, `New invitation<span class="sr-only">: Henrik Lindqvist`, "acts for Mateo Vega", "Mar 4, 1980", "4821 0739")
	_, found := b.get(link.Administration+"?search=vega", "members")
	wants(t, "what was found", found, "Marisol Vega", "Mateo Vega", "Showing 2 of 2.")
	lacks(t, "what was found", found, "Aaliyah", "<main")
	_, none := b.get(link.Administration+"?search=zebra", "members")
	wants(t, "nothing found", none, "Nobody found.")
	g.perPage = 4
	_, second := b.get(link.Administration+"?page=1", "members")
	wants(t, "the second page", second, "Showing 5 to 8 of 9.", "Previous", "Next", "Mateo Vega")
	_, last := b.get(link.Administration+"?page=2", "members")
	wants(t, "the last page", last, "Showing 9 to 9 of 9.", "Theodore")
	lacks(t, "the last page", last, "chevron-right", ">Next")
	g.members = nil
	_, empty := b.get(link.Administration, "")
	wants(t, "no members", empty, "No members yet.")
}

func newMember() url.Values {
	return url.Values{"name": {"Ida  Holm"}, "month": {"2"}, "day": {"3"}, "year": {"1990"}, "mrn": {"1234 5678"}, "sex": {"F"}, "pronouns": {"she/her"}, "language": {"de"}, "phone": {"555-010-0199"}, "email": {" ida@example.org "},
		"account": {"own"}, "why-" + string(lee.ID): {"primary"}, "why-of_ramanramanrama2": {"seen"}, "seen-of_ramanramanrama2": {"2026-10-01"}}
}

func TestAMemberIsInvited(t *testing.T) {
	b, g := administration(t)
	form := newMember()
	form.Set("mrn", "48210739")
	code, refused := b.post(link.AdminMembers, "member", form)
	if code != http.StatusUnprocessableEntity || g.did() != "" {
		t.Fatalf("a number that is taken: %d, %s", code, g.did())
	}
	wants(t, "the refused form", refused, `<form class="card-box admin-form"`, "Another patient has this medical record number.", `aria-invalid="true"`, `aria-describedby="member-mrn-error"`,
		`value="Ida  Holm"`, `value="1990"`, `value="de" selected`, `value="2026-10-01"`, `value="primary" selected`)
	lacks(t, "the refused form", refused, "<main")
	_, refused = b.post(link.AdminMembers, "member", url.Values{"name": {"Ida"}, "month": {"2"}, "day": {"3"}, "year": {"1990"}, "mrn": {"1"}})
	wants(t, "a form without offices", refused, "Choose at least one office.", `aria-describedby="member-relations-error"`)

	form = newMember()
	form.Set("email", "ida at example.org")
	code, refused = b.post(link.AdminMembers, "member", form)
	if code != http.StatusUnprocessableEntity || g.did() != "" {
		t.Fatalf("an address that is none: %d, %s", code, g.did())
	}
	wants(t, "the form with an address that is none", refused, noAddress, `aria-describedby="member-email-error member-email-hint"`, `value="ida at example.org"`,
		"Only that there is something new to read. Never what.")

	code, sheet := b.post(link.AdminMembers, "member", newMember())
	if code != http.StatusOK || g.did() != "AddMember Invite" {
		t.Fatalf("the invitation is %d, after %s", code, g.did())
	}
	called, _, err := admin.InvitationFile("YW4gaW52aXRhdGlvbgD/")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "the sheet", sheet, called, "The same code, for a camera.", "Invitation for Ida Holm", "k4mv", "7trc", "2qwx", "p9h1", `<svg class="qr"`, "Never send the code the way that the file went.", "The code is shown only now.",
		"Check two identifiers", "Fri Dec 4, 2026", "555-010-0100", "data-paper", "data-print", "Alder Creek Clinic", "YW4gaW52aXRhdGlvbgD/")
	m := g.named("Ida Holm")
	if m.Patient.MRN != "12345678" || m.Patient.PCP != lee.ID || len(m.Relations) != 2 || m.Relations[0].Why != "primary" || m.Relations[1].Seen != "2026-10-01" || m.Patient.Language != "de" || m.Patient.Email != "ida@example.org" {
		t.Errorf("the member is %+v", m)
	}
	_, again := b.get(link.AdminMember("pt_12345678"), "")
	lacks(t, "the page afterwards", again, "7trc")

	form = newMember()
	form.Set("name", "Nils Holm")
	form.Set("mrn", "222")
	form.Set("account", "dependent")
	_, page := b.post(link.AdminMembers, "member", form)
	wants(t, "the page of a dependent", page, "Nils Holm", "has no account", "Choose who writes for them.")
	if g.named("Nils Holm").Person != "" {
		t.Error("a dependent has an account")
	}
}

func TestAnInvitationIsSavedUnderNoName(t *testing.T) {
	b, _ := administration(t)
	one, _, err := admin.InvitationFile("YW4gaW52aXRhdGlvbgD/")
	other, _, failed := admin.InvitationFile("YW5vdGhlcg==")
	if is := regexp.MustCompile(`^invitation-[A-Z2-7]{4}\.postern-invite$`).MatchString; err != nil || failed != nil || !is(one) || !is(other) || one == other {
		t.Errorf("two invitations are called %q and %q", one, other)
	}
	code, file := b.post(link.AdminInviteFile, "toast", url.Values{"file": {"YW4gaW52aXRhdGlvbgD/"}})
	if code != http.StatusOK || file != "an invitation\x00\xff" {
		t.Errorf("the file is %d %q", code, file)
	}
	for _, wrong := range []string{"", "%%%"} {
		if code, answer := b.post(link.AdminInviteFile, "toast", url.Values{"file": {wrong}}); code != http.StatusUnprocessableEntity {
			t.Errorf("%q is saved: %d %s", wrong, code, answer)
		}
	}
}

func TestInvitationsAndComputers(t *testing.T) {
	b, g := administration(t)
	for _, who := range []string{link.AdminMember("pt_91635508"), link.AdminPerson(priya.ID)} {
		_, sheet := b.post(who+link.Inviting, "main", nil)
		wants(t, "the sheet at "+who, sheet, "Invitation for", "<svg")
		_, page := b.post(who+link.Withdrawal, "main", nil)
		wants(t, "the page after a withdrawal at "+who, page, "The invitation is withdrawn.", "Not invited yet.")
	}
	if g.did() != "Invite Withdraw Invite Withdraw" {
		t.Errorf("it did %s", g.did())
	}
	marisol := g.named("Marisol Vega")
	_, page := b.post(link.AdminMember(marisol.Patient.ID)+link.Devices, "main", url.Values{"key": {marisol.Devices[0].Key.String()}})
	wants(t, "the page of a computer that was withdrawn", page, "The computer is withdrawn.", ">Withdrawn<")
	if code, _ := b.post(link.AdminPerson(rosa.ID)+link.Devices, "main", url.Values{"key": {"nonsense"}}); code != http.StatusNotFound {
		t.Errorf("a key of nobody: %d", code)
	}
	if code, _ := b.post(link.AdminMember("pt_55102846")+link.Inviting, "main", nil); code != http.StatusNotFound {
		t.Errorf("a patient without an account is invited: %d", code)
	}
	g.fail = care.Refusef(care.Unavailable, "The registrar is busy.")
	code, answer := b.post(link.AdminPerson(priya.ID)+link.Inviting, "main", nil)
	if code != http.StatusServiceUnavailable {
		t.Errorf("a refusal is %d", code)
	}
	wants(t, "the refusal", answer, "The registrar is busy.", "toast-box")
}

func TestRemovalIsPreviewedAndConfirmed(t *testing.T) {
	b, g := administration(t)
	for _, who := range []string{link.AdminMember("pt_66301182"), link.AdminPerson(rosa.ID)} {
		_, page := b.get(who+link.Removal, "")
		wants(t, "the preview", page, "Their computers get nothing new.", "What they wrote stays in the record.")
		before := g.did()
		code, form := b.post(who+link.Removal, "removal", nil)
		if code != http.StatusUnprocessableEntity || g.did() != before {
			t.Errorf("without the tick: %d, %s", code, g.did())
		}
		wants(t, "the form", form, "Tick the box first.", `aria-invalid="true"`)
		_, page = b.post(who+link.Removal, "removal", url.Values{"sure": {"yes"}})
		wants(t, "the page afterwards", page, "is removed.", "Removed. They read and write nothing new.")
	}
	code, answer := b.post(link.AdminPerson(jordan.ID)+link.Removal, "removal", url.Values{"sure": {"yes"}})
	if code != http.StatusForbidden {
		t.Errorf("one removes oneself: %d", code)
	}
	wants(t, "the refusal", answer, "You cannot remove yourself.")
	_, page := b.get(link.AdminPerson(jordan.ID), "")
	lacks(t, "one's own page", page, link.AdminPerson(jordan.ID)+link.Removal)
}

func TestAMemberIsEdited(t *testing.T) {
	b, g := administration(t)
	at := link.AdminMember("pt_48210739")
	form := url.Values{"name": {"Marisol Vega Ruiz"}, "month": {"3"}, "day": {"4"}, "year": {"1980"}, "mrn": {"48210739"}, "language": {"es"}, "why-" + string(lee.ID): {"primary"}}
	_, page := b.post(at, "member", form)
	wants(t, "the page", page, "Marisol Vega Ruiz", "Saved.")
	if g.named("Marisol Vega Ruiz").Patient.Email != "" { // a form without the field has none: it was emptied
		t.Error("she has an address")
	}
	form.Set("email", "marisol@example.org")
	_, page = b.post(at, "member", form)
	wants(t, "the page with an address", page, `value="marisol@example.org"`)
	form.Set("name", " ")
	code, refused := b.post(at, "member", form)
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", code)
	}
	wants(t, "the refused form", refused, "Type a name.", `id="member"`, `value="48210739"`)

	proxies := link.AdminProxies("pt_48210739")
	_, list := b.get(link.AdminCandidates("pt_48210739")+"?find=o", "candidates")
	wants(t, "the candidates", list, "Aaliyah Brooks", `value="ps_66301182"`)
	lacks(t, "the candidates", list, "Mateo Vega", `value="ps_48210739"`)
	code, refused = b.post(proxies, "proxy-0", url.Values{"find": {"aal"}, "until": {"2026-12-31"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("nobody chosen: %d", code)
	}
	wants(t, "the form with nobody chosen", refused, "Search for a member and choose one.", "Aaliyah Brooks", `value="2026-12-31"`)
	_, refused = b.post(proxies, "proxy-0", url.Values{"find": {"aal"}, "who": {"ps_66301182"}, "until": {"2020-01-01"}})
	wants(t, "the form with a day that is over", refused, "That day is over.", `value="ps_66301182" checked`, `value="2020-01-01"`)
	_, page = b.post(proxies, "proxy-0", url.Values{"who": {"ps_66301182"}, "until": {"2026-12-31"}})
	wants(t, "the page with a proxy", page, "Until Dec 31, 2026", `id="proxy-1"`)
	_, page = b.post(link.AdminEndProxy("pt_48210739"), "main", url.Values{"who": {"ps_66301182"}})
	wants(t, "the page with one who was", page, "badge is-line", "Ended. They read")
	if g.did() != "SetMember SetMember AddProxy EndProxy" {
		t.Errorf("it did %s", g.did())
	}
}

func TestMembersAreImported(t *testing.T) {
	b, g := administration(t)
	_, answer := b.post(link.AdminImportTry, "import", url.Values{"csv": {" "}})
	wants(t, "nothing", answer, "Choose a file, or paste the list.")
	code, answer := b.post(link.AdminImportTry, "import", url.Values{"csv": {"Ida,1990"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no header: %d", code)
	}
	wants(t, "no header", answer, "The first line must name the columns.", "Ida,1990")
	bad := "name,born,mrn\nIda Holm,1990-02-03,48210739\nNils Holm,,3\n"
	for _, address := range []string{link.AdminImportTry, link.AdminImport} {
		_, answer = b.post(address, "import", url.Values{"csv": {bad}})
		wants(t, "problems", answer, "Nothing was taken in: 2 problems.", "Line 2: Another patient has this medical record number.", "Line 3: Type the date of birth.", "Ida Holm,1990-02-03,48210739")
		lacks(t, "problems", answer, "Take in")
	}
	_, answer = b.post(link.AdminImportTry, "import", url.Values{"csv": {"name,born,mrn,email\nIda Holm,1990-02-03,1,ida\n"}})
	wants(t, "an address that is none", answer, "Line 2: "+noAddress)
	good := "name,born,mrn,email\nIda Holm,1990-02-03,1,ida@example.org\nNils Holm,1991-02-03,2,\n"
	_, answer = b.post(link.AdminImportTry, "import", url.Values{"csv": {good}})
	wants(t, "a trial", answer, "2 new members, no problems.", "1 with an e-mail for notices.", "Take in 2 members", "Nothing is changed yet.")
	if g.did() != "" {
		t.Errorf("a trial did %s", g.did())
	}
	_, answer = b.post(link.AdminImport, "import", url.Values{"csv": {good}})
	wants(t, "the members", answer, "2 members were taken in.", "Ida Holm")
	if g.named("Ida Holm").Patient.Email != "ida@example.org" {
		t.Error("her address was not taken in")
	}
}

// TestAFileBecomesText: what is in a file stands in the field, where it can be mended, whatever wrote it; nothing is taken in yet.
func TestAFileBecomesText(t *testing.T) {
	b, g := administration(t)
	const list = "name,born,mrn\nZoë Núñez,1990-02-03,1\n"
	for what, file := range map[string]string{"UTF-8": list, "UTF-8 with its mark": "\ufeff" + list, "Windows-1252": "name,born,mrn\nZo\xeb N\xfa\xf1ez,1990-02-03,1\n"} {
		_, field := b.file(link.AdminImportFile, "import-csv", file)
		if !strings.HasPrefix(field, "<textarea") || !strings.Contains(field, ">"+list+"</textarea>") || !strings.Contains(field, `id="import-csv" name="csv"`) {
			t.Errorf("%s: %q", what, field)
		}
	}
	_, field := b.file(link.AdminAccountsFile, "accounts-accounts", `{"v": 1}`)
	wants(t, "accounts", field, `id="accounts-accounts" name="accounts"`, "{&#34;v&#34;: 1}</textarea>")
	for _, address := range []string{link.AdminImportFile, link.AdminAccountsFile} {
		if code, said := b.file(address, "x", strings.Repeat("x", 1<<20)); code != http.StatusUnprocessableEntity || !strings.Contains(said, "too large") || strings.Contains(said, "<textarea") {
			t.Errorf("a large file: %d %.200s", code, said)
		}
	}
	if g.did() != "" {
		t.Errorf("a file alone did %s", g.did())
	}
}

func TestOfficesAndCoverage(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminOffices, "")
	wants(t, "the offices", page, "Dr. Lee&#39;s office", "Rosa", "within two business days", "Out until Nov 30", "Out Dec 21 to Jan 2, 2027", ">In<")
	_, page = b.get(link.AdminOffice(lee.ID), "")
	wants(t, "an office", page, "Out of office: Dr. Ana Lee", `value="2026-11-16"`, `value="2026-11-30"`, "Out of office until Mon Nov 30, covered by Dr. Omar Haddad. Her office still reads and answers your message.",
		"Dr. Omar Haddad - Internal Medicine", "End now", "Set another absence")

	code, form := b.post(link.AdminOffices, "office", url.Values{"specialty": {"Dermatology"}, "people": {string(rosa.ID)}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", code)
	}
	wants(t, "the refused office", form, "Name the office.", `value="Dermatology"`, `value="ps_rosa" checked`)
	_, page = b.post(link.AdminOffices, "office", url.Values{"name": {"Derm"}, "provider": {string(ana.ID)}, "people": {string(rosa.ID), string(ana.ID)}})
	wants(t, "the new office", page, "The office is added.", "Derm")
	if g.did() != "AddOffice SetPerson SetPerson" {
		t.Errorf("it did %s", g.did())
	}
	_, page = b.post(link.AdminOffice(lee.ID), "office", url.Values{"name": {"Dr. Lee's office"}, "specialty": {"Family Medicine"}, "provider": {string(ana.ID)}, "people": {string(ana.ID), string(priya.ID)}})
	wants(t, "the office", page, "Saved.", "Family Medicine")
	if g.staff[4].Offices[0] != "of_haddadhaddad222" || len(g.staff[4].Offices) != 2 {
		t.Errorf("Rosa answers %v", g.staff[4].Offices)
	}

	raman := care.OfficeID("of_ramanramanrama2")
	_, seen := b.post(link.AdminAbsenceSeen(raman), "absence-new-2-sees", url.Values{"preview": {"absence-new-2-sees"}, "from": {"2026-11-23"}, "until": {"2026-11-26"}})
	wants(t, "the preview", seen, `id="absence-new-2-sees"`, "Out of office until Mon Nov 30. Their office still reads") // Thanksgiving and the day after are closed
	code, form = b.post(link.AdminAbsence(raman), "x", url.Values{"from": {"2026-11-23"}, "until": {"2026-11-20"}, "cover": {string(ana.ID)}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("it ends first: %d", code)
	}
	wants(t, "the refused absence", form, "It ends before it begins.", `value="2026-11-20"`, `value="ps_lee" selected`)
	_, page = b.post(link.AdminAbsence(raman), "x", url.Values{"was": {"2026-12-21"}, "from": {"2026-12-22"}, "until": {"2027-01-04"}, "cover": {string(ana.ID)}})
	wants(t, "the moved absence", page, "Saved. Members see it", "Out Dec 22 to Jan 3, 2027")
	lacks(t, "the moved absence", page, "Dec 21")
	_, page = b.post(link.AdminEndAbsence(lee.ID), "main", url.Values{"from": {"2026-11-16"}})
	wants(t, "the ended absence", page, "Ended.")
	lacks(t, "the ended absence", page, "Out until")

	g.staff, g.offices = g.staff[:1], nil
	_, page = b.get(link.AdminOffices, "")
	wants(t, "no offices", page, "No offices yet.", "Add a physician")
}

// TestANewOfficeHasItsPhysician: where nobody is ticked, its physician answers.
func TestANewOfficeHasItsPhysician(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminNewOffice, "")
	wants(t, "the form", page, "If you tick nobody, the provider answers.")
	_, page = b.post(link.AdminOffices, "office", url.Values{"name": {"Cardio"}, "provider": {string(raman.ID)}})
	wants(t, "the new office", page, "The office is added.", `value="`+string(raman.ID)+`" checked`)
	if g.did() != "AddOffice SetPerson" {
		t.Errorf("it did %s", g.did())
	}
}

func TestHolidaysAndPractice(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminHolidays, "")
	wants(t, "the holidays", page, "Thu Nov 26", "Thanksgiving Day", "Day after Thanksgiving", "8 am to noon", "Fri Jan 1, 2027", "November 2026", "February 2027", "Check:",
		"a message delivered Wed Nov 25 at 3:00 pm is due by <strong>Tue Dec 1, 3:00 pm</strong>, because Nov 26 and Nov 27 do not count.</div>")
	code, form := b.post(link.AdminHolidays, "holiday", url.Values{"date": {"2026-12-31"}, "name": {"New Year's Eve"}, "hours": {"9:00-8:00"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("hours that end first: %d", code)
	}
	wants(t, "the refused day", form, "which is not later", `value="9:00-8:00"`, `value="2026-12-31"`)
	_, page = b.post(link.AdminHolidays, "holiday", url.Values{"date": {"2026-12-31"}, "name": {"New Year's Eve"}, "hours": {"9:00-12:00, 13:00 - 15:30"}})
	wants(t, "the day", page, "Thu Dec 31", "9 am to noon, 1 pm to 3:30 pm")
	_, page = b.post(link.AdminHolidays, "holiday", url.Values{"was": {"2026-12-31"}, "date": {"2026-12-30"}, "name": {"Inventory"}})
	wants(t, "the moved day", page, "Wed Dec 30", "Inventory")
	lacks(t, "the moved day", page, "Thu Dec 31")
	_, page = b.post(link.AdminEndHoliday, "main", url.Values{"date": {"2026-12-30"}})
	lacks(t, "the day taken out", page, "Inventory")

	week := url.Values{"zone": {"America/Denver"}, "preset": {""}, "mon": {"8:00-12:00, 13:00-17:00"}, "tue": {""}}
	_, page = b.post(link.AdminHours, "hours", week)
	wants(t, "the hours", page, "08:00-12:00, 13:00-17:00", `value="America/Denver"`)
	lacks(t, "the hours", page, "Christmas Day")
	if h := g.Practice().Calendar.Hours; len(h) != 1 || len(h["mon"]) != 2 {
		t.Errorf("it is open %v", h)
	}
	week.Set("zone", "Nowhere")
	_, form = b.post(link.AdminHours, "hours", week)
	wants(t, "no such zone", form, "is not known", `aria-describedby="hours-zone-error"`)
	_, form = b.post(link.AdminHours, "hours", url.Values{"zone": {"America/Denver"}})
	wants(t, "no hours", form, "no reply would ever be due", `aria-invalid="true"`)

	practice := url.Values{"name": {"Alder"}, "frontDesk": {"1"}, "nurseLine": {"2"}, "promiseHours": {"9"}, "holdSeconds": {"0"}, "staleHours": {"24"}, "memberLockMinutes": {"10"}, "staffLockMinutes": {"x"}}
	_, form = b.post(link.AdminPractice, "practice", practice)
	wants(t, "no number", form, "Type a whole number.", `value="x"`)
	practice.Set("staffLockMinutes", "3")
	_, page = b.post(link.AdminPractice, "practice", practice)
	wants(t, "the practice", page, "Saved.", `value="Alder"`)
	if p := g.Practice().Policy; p.Hold() != 0 || p.PromiseHours != 9 || p.StaffLockMinutes != 3 {
		t.Errorf("the policy is %+v", p)
	}
}

// TestNoticesByEmail: whether members are told by e-mail is the practice's choice, with the e-mail before its eyes.
func TestNoticesByEmail(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminHolidays, "")
	wants(t, "the card", page, "Notices by e-mail", `value="21:00"`, `value="08:00"`, "There is something new for you to read in Postern.", "nobody reads what is sent to it", "The agent's address")
	lacks(t, "the card", page, "No e-mail goes out yet.", ` value="yes" checked`)

	chosen := url.Values{"on": {"yes"}, "named": {"yes"}, "replies": {"yes"}, "from": {"20:00"}, "until": {"09:00"}}
	_, mail := b.post(link.AdminNoticeSeen, "notice-mail", chosen)
	wants(t, "the e-mail", mail, `<figure id="notice-mail"`, "Alder Creek Clinic has something new", "You can answer this e-mail.")
	lacks(t, "the e-mail", mail, "<form", "The agent's address")
	if g.did() != "" {
		t.Errorf("a look did %s", g.did())
	}

	wrong := url.Values{"on": {"yes"}, "named": {"yes"}, "from": {"20:00"}, "until": {"20:00"}}
	code, form := b.post(link.AdminNotices, "notices", wrong)
	if code != http.StatusUnprocessableEntity || g.did() != "" {
		t.Fatalf("hours that are none: %d, %s", code, g.did())
	}
	wants(t, "the refused form", form, "Give two different times of the day, such as 21:00 and 08:00.", `aria-describedby="notices-quiet-error"`, `aria-invalid="true"`, `value="yes" checked aria-describedby="notices-on-hint" id="notices-on" name="on"`,
		"Alder Creek Clinic has something new")
	lacks(t, "the refused form", form, "<main")

	was := g.Practice()
	_, page = b.post(link.AdminNotices, "notices", chosen)
	wants(t, "the page", page, "Saved. Members are told by e-mail.", `value="20:00"`)
	now := g.Practice()
	if now.Policy.Notices != (care.Notices{On: true, Name: true, Replies: true, Quiet: care.Span{From: "20:00", Until: "09:00"}}) {
		t.Errorf("the policy is %+v", now.Policy.Notices)
	}
	now.Policy.Notices = was.Policy.Notices
	if now.Name != was.Name || now.Policy != was.Policy || now.Calendar.Zone != was.Calendar.Zone || len(now.Calendar.Hours) != len(was.Calendar.Hours) {
		t.Error("something else changed")
	}
	practice := url.Values{"name": {"Alder"}, "promiseHours": {"9"}, "holdSeconds": {"0"}, "staleHours": {"24"}, "memberLockMinutes": {"10"}, "staffLockMinutes": {"5"}}
	if b.post(link.AdminPractice, "practice", practice); !g.Practice().Policy.Notices.On {
		t.Error("another form of the practice's ended them")
	}
	_, page = b.post(link.AdminNotices, "notices", url.Values{"from": {"20:00"}, "until": {"09:00"}})
	wants(t, "the page", page, "Saved. No e-mail goes out.")
	if g.did() != "SetPractice SetPractice SetPractice" {
		t.Errorf("it did %s", g.did())
	}

	for why, change := range map[string]func(){
		"it runs on no computer yet": func() { g.agents[0].Enrolled = false },
		"none is named":              func() { g.agents[0].Named, g.agents[0].Enrolled = false, true },
		"the practice has none":      func() { g.agents = nil },
	} {
		was := slices.Clone(g.agents)
		change()
		_, page = b.get(link.AdminHolidays, "")
		wants(t, why, page, "No e-mail goes out yet.", why)
		g.agents = was
	}
}

func TestStaff(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminStaff, "")
	wants(t, "the staff", page, "Jordan Blake", "(you)", "Agent", "Invited, expires Dec 1", "Removed", "Dr. Lee&#39;s office, Dr. Haddad&#39;s office")
	_, page = b.get(link.AdminNewPerson, "")
	wants(t, "the form", page, "Physician assistant", "Administrator", `value="their" selected`)
	lacks(t, "the form", page, `<option value="" selected></option>`)
	wants(t, "the form where there is an agent", page, `value="agent"`)
	_, agent := b.post(link.AdminStaff, "person", url.Values{"name": {"Agent"}, "role": {"agent"}, "offices": {string(lee.ID)}}) // ticked before the role was chosen
	wants(t, "the agent's sheet", agent, "Invitation for Agent", "postern enrol --invitation FILE", "runs day and night")
	lacks(t, "the agent's sheet", agent, "I have an invitation", "answer what members write")
	if e := g.staff[len(g.staff)-1]; e.Role != care.RoleAgent || len(e.Offices) != 0 {
		t.Errorf("the agent is %+v", e)
	}
	g.staff = g.staff[:len(g.staff)-1]
	_, page = b.get(link.AdminPerson("ps_agent"), "")
	lacks(t, "the agent's page", page, `name="offices"`)

	code, form := b.post(link.AdminStaff, "person", url.Values{"name": {"Lena Bianchi"}, "offices": {string(lee.ID)}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no role: %d", code)
	}
	wants(t, "the refused form", form, "Choose a role.", `value="Lena Bianchi"`, string(lee.ID)+`" checked`)
	_, form = b.post(link.AdminStaff, "person", url.Values{"role": {"nurse"}})
	wants(t, "the form without a name", form, "Type a name.", `value="nurse" selected`)
	_, sheet := b.post(link.AdminStaff, "person", url.Values{"name": {"Lena Bianchi"}, "role": {"nurse"}, "offices": {string(lee.ID)}})
	wants(t, "the sheet", sheet, "Invitation for Lena Bianchi", "answer what members write")
	_, page = b.post(link.AdminPerson(rosa.ID), "person", url.Values{"name": {"Rosa Delgado"}, "shown": {"Rosa Delgado, NP"}})
	wants(t, "her page", page, "Rosa Delgado, NP", "Saved.")
	if e := g.staff[4]; len(e.Offices) != 0 || e.Role != care.RoleNurse {
		t.Errorf("Rosa is %+v", e)
	}
	code, form = b.post(link.AdminPerson(rosa.ID), "person", url.Values{"shown": {"Rosa"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", code)
	}
	wants(t, "her refused form", form, "Type a name.", `value="Rosa"`)
}

// TestTheAgent: the administrator sees how the agent stands and what to do about it, and names another.
func TestTheAgent(t *testing.T) {
	b, g := administration(t)
	shows := func(state string, texts ...string) string {
		t.Helper()
		_, page := b.get(link.AdminGateway, "")
		wants(t, state, page, texts...)
		return page
	}
	page := shows("an agent that is well", "All is well.", "Last heard from", "1.4.0")
	lacks(t, "an agent that is well", page, "Standing by", "Make this the practice", "ordinary e-mail")

	a := &g.agents[0]
	a.Mailed = at(time.November, 20, 9, 15)
	page = shows("one that sends ordinary e-mail", "Sent an ordinary e-mail", "9:15 am")
	lacks(t, "one that sends ordinary e-mail", page, "Read ordinary e-mail")
	a.Reads, a.Read, a.Mailed = true, at(time.November, 20, 9, 16), time.Time{}
	shows("one that reads ordinary e-mail, too", "Read ordinary e-mail", "9:16 am", "Sent an ordinary e-mail", "None since it started")
	a.Read = time.Time{}
	shows("one that has not read it yet", "Not since it started")
	a.Wrong = []seat.Wrong{{Says: "Its disk is nearly full: 412 MB are left.", Do: "Make room on the agent's computer."}}
	page = shows("an agent with a full disk", "Its disk is nearly full: 412 MB are left.", "Make room on the agent&#39;s computer.")
	lacks(t, "an agent with a full disk", page, "All is well.")

	a.Silent, a.Heard = true, at(time.November, 20, 9, 14)
	page = shows("a silent agent", "It has not been heard from since", "9:14 am", "Is its computer on", "Its disk is nearly full")
	lacks(t, "a silent agent", page, "All is well.")

	*a = seat.Agent{Person: a.Person, Named: true, Silent: true}
	page = shows("one that nobody has set up", "Runs on no computer yet.", "open windows of the care team confirm")
	lacks(t, "one that nobody has set up", page, "All is well.", "Last heard from")

	spare := seat.Agent{Person: care.Person{ID: "ps_spare", Name: "Spare agent", Role: care.RoleAgent}, Enrolled: true, Heard: g.now.Add(-time.Minute)}
	g.agents = append(g.agents, spare)
	shows("one that stands by", "Standing by", "Spare agent", "Up to date", "confirms only what nobody has confirmed within a minute", "Make this the practice's agent")
	_, page = b.post(link.AdminAgent, "main", url.Values{"agent": {"ps_spare"}})
	wants(t, "another named", page, "Named. The agents learn of it by themselves.", "All is well.")
	lacks(t, "another named", page, "Make this the practice") // the one before runs on no computer
	if g.did() != "NameAgent" {
		t.Errorf("it did %s", g.did())
	}

	g.agents[0].Named = false
	shows("none named", "The practice names none.", "Make this the practice's agent")
	g.agents = nil
	shows("no agent", "There is none.", "with the role Agent")
}

// TestARemovedPersonStays: their page says who they were, and offers nothing to change.
func TestARemovedPersonStays(t *testing.T) {
	b, g := administration(t)
	g.staff[6].Offices = []care.OfficeID{lee.ID}
	_, page := b.get(link.AdminPerson("ps_theo"), "")
	wants(t, "the page", page, "Theo Whitfield", "Removed. They read and write nothing new.", "Dr. Lee&#39;s office")
	lacks(t, "the page", page, `id="person"`, `name="offices"`, `name="pronoun"`, "Remove…", "Invite again")
}

func TestGateway(t *testing.T) {
	b, g := administration(t)
	_, page := b.get(link.AdminGateway, "")
	wants(t, "the gateway", page, "All is mailed.", "192.0.2.10:9993", `value="192.0.2.10"`, `value="9465"`, "Try it")
	_, steps := b.post(link.AdminTrial, "trial", nil)
	wants(t, "the trial", steps, "It works.", "Submit a letter to 192.0.2.10:9465")
	g.trial[1].Problem = "The mail system refused the password."
	_, steps = b.post(link.AdminTrial, "trial", nil)
	wants(t, "the failed trial", steps, "It does not work yet.", "The mail system refused the password.", "Did not work: ")
	code, form := b.post(link.AdminGateway, "move", url.Values{"host": {"mail.clinic.example"}, "imapport": {"99999"}, "smtpport": {"465"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("no port: %d", code)
	}
	wants(t, "the refused form", form, "A port is a number from 1 to 65535.", `value="99999"`, `value="mail.clinic.example"`)
	_, form = b.post(link.AdminGateway, "move", url.Values{"host": {"a b"}})
	wants(t, "the form with no host", form, "This is no name of a computer.")
	if _, page = b.post(link.AdminGateway, "move", url.Values{"host": {"mail.clinic.example"}, "imapport": {"993"}}); g.moved.Host != "mail.clinic.example" || g.moved.IMAPPort != 993 {
		t.Errorf("it moved to %+v", g.moved)
	}
	wants(t, "the page", page, "Saved.")

	g.mail = seat.MailState{Elsewhere: true, IMAP: "imap.host.example:993", SMTP: "smtp.host.example:465", Pending: 3, Problem: "The mail system cannot be reached.", Ends: []string{"postern-17", "postern-18"}}
	_, page = b.get(link.AdminGateway, "")
	wants(t, "one elsewhere", page, "3 documents are not mailed yet.", "The mail system cannot be reached.", "import more before you invite", "postern-17", "It is ended")
	lacks(t, "one elsewhere", page, "Name or address of this computer")
	_, form = b.post(link.AdminAccounts, "accounts", url.Values{"accounts": {"nonsense"}})
	wants(t, "no accounts", form, "This is no accounts file.", "nonsense")
	_, form = b.post(link.AdminAccounts, "accounts", nil)
	wants(t, "no file", form, "Choose the file with the mailboxes and logins.")
	_, page = b.post(link.AdminAccounts, "accounts", url.Values{"accounts": {"{}"}})
	wants(t, "more mailboxes", page, "Taken in.", "20")
	_, page = b.post(link.AdminLogins, "main", url.Values{"login": {"postern-17"}})
	wants(t, "the ended login", page, "Noted")
	lacks(t, "the ended login", page, ": postern-17")
	_, page = b.post(link.AdminStays, "main", url.Values{"stays": {"yes"}})
	wants(t, "goes on while locked", page, "It goes on while this screen is locked.", " checked")
	_, page = b.post(link.AdminStays, "main", nil)
	wants(t, "stops while locked", page, "It stops while this screen is locked.")
}
