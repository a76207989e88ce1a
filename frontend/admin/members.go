package admin

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// memberRow is one line of the table.
type memberRow struct {
	ID, URL, Name string
	Born, MRN     string
	Badge         badge
	Proxies       string
	Act           string // what the one next step is called; "" for none
	ActURL        string
	Open          string // where the next step is to look
	Removal       string
	Proxying      string
	Account       string
}

// memberTable is a page of the table.
type memberTable struct {
	Rows      []memberRow
	Search    string
	Counts    string
	Showing   string
	Page      int
	Next      bool
	Searching bool
}

func (v visit) table(search string, at int) (memberTable, error) {
	list, err := v.Admin.Members(v.r.Context(), search, at)
	if err != nil {
		return memberTable{}, err
	}
	t := memberTable{Search: search, Page: at, Searching: strings.TrimSpace(search) != "", Next: (at+1)*list.PerPage < list.Found,
		Counts: say.Number(list.Enrolled) + " active · " + say.Number(list.Invited) + " invited"}
	switch {
	case list.Attention == 1:
		t.Counts += " · 1 needs attention"
	case list.Attention > 1:
		t.Counts += " · " + say.Number(list.Attention) + " need attention"
	}
	clock := v.clock()
	for _, m := range list.Members {
		t.Rows = append(t.Rows, rowOf(m, clock))
	}
	if n := len(t.Rows); n > 0 {
		first := at * list.PerPage
		t.Showing = "Showing " + say.Number(n) + " of " + say.Number(list.Found) + "."
		if at > 0 || t.Next {
			t.Showing = "Showing " + say.Number(first+1) + " to " + say.Number(first+n) + " of " + say.Number(list.Found) + "."
		}
	}
	return t, nil
}

func rowOf(m seat.Member, c say.Clock) memberRow {
	url := link.AdminMember(m.Patient.ID)
	r := memberRow{ID: string(m.Patient.ID), URL: url, Name: m.Patient.Name, Born: born(m.Patient, c), MRN: mrn(m.Patient),
		Badge: memberBadge(m, c), Proxies: proxiesOf(m), Proxying: link.AdminMemberAt(m.Patient.ID, "proxies")}
	if m.Person == "" {
		return r
	}
	if m.Standing.Alarm != "" {
		r.Open = link.AdminMemberAt(m.Patient.ID, "account")
	} else if r.Act = invites(m.Standing); r.Act != "" {
		r.ActURL = url + link.Inviting
	}
	if m.Standing.Kind != seat.StandingLeft {
		r.Account = link.AdminMemberAt(m.Patient.ID, "account")
		r.Removal = url + link.Removal
	}
	return r
}

// Members is GET /administration.
func (v visit) members() error {
	at, err := strconv.Atoi(v.r.Form.Get("page"))
	if err != nil || at < 0 {
		at = 0
	}
	t, err := v.table(v.r.Form.Get("search"), at)
	if err != nil {
		return err
	}
	if respond.Swap(v.r) == "members" {
		respond.HTML(v.w, v.r, memberList(t))
		return nil
	}
	v.show(page{Tab: "members", Body: members(t)})
	return nil
}

// memberForm is the form of a patient's details and of the offices that they write to.
func memberForm(key string, p care.Patient, relations []care.Relation, offices []care.Office) form {
	b := parts.BornOn(p.Born)
	f := newForm("member", key, "name", p.Name, "month", b.Month, "day", b.Day, "year", b.Year, "mrn", p.MRN, "sex", p.Sex, "pronouns", p.Pronouns, "language", p.Language,
		"phone", p.Phone, "email", p.Email, "account", "own", "relations", "")
	if p.Language == "" {
		f.Values.Set("language", "en")
	}
	for _, o := range offices {
		f.Values.Set("why-"+string(o.ID), "")
		f.Values.Set("seen-"+string(o.ID), "")
	}
	for _, r := range relations {
		f.Values.Set("why-"+string(r.Office), r.Why)
		f.Values.Set("seen-"+string(r.Office), r.Seen)
	}
	return f
}

// bornOf is the date of birth that stands in a form.
func bornOf(f form) parts.Born {
	return parts.Born{Month: f.get("month"), Day: f.get("day"), Year: f.get("year")}
}

// patient reads what was typed of a patient over what is known of them. All is read, also where it refuses the date of birth.
func (v visit) patient(known care.Patient) (care.Patient, []care.Relation, error) {
	p := known
	p.Name, p.Born, p.MRN, p.Phone = v.typed("name"), "", strings.ReplaceAll(v.typed("mrn"), " ", ""), v.typed("phone")
	p.Email = v.typed("email")
	p.Sex, p.Pronouns, p.Language, p.PCP = v.typed("sex"), v.typed("pronouns"), v.typed("language"), ""
	var relations []care.Relation
	for _, o := range v.Offices() {
		r := care.Relation{Office: o.ID, Why: v.typed("why-" + string(o.ID)), Seen: v.typed("seen-" + string(o.ID))}
		switch r.Why {
		case "primary":
			r.Seen = ""
			if p.PCP == "" {
				p.PCP = o.ID
			}
		case "seen":
		default:
			continue
		}
		relations = append(relations, r)
	}
	typed := parts.Born{Month: v.typed("month"), Day: v.typed("day"), Year: v.typed("year")}
	if typed == (parts.Born{}) {
		return p, relations, nil // what is missing is said in its order
	}
	born, wrong := typed.Date(v.clock().Now)
	for field, sentence := range wrong {
		return p, relations, care.Refusef(care.Invalid, "%s", sentence).In(field)
	}
	p.Born = born.Format(time.DateOnly)
	return p, relations, nil
}

func (v visit) newMember() error {
	f, err := v.begun(memberForm(link.AdminMembers, care.Patient{}, nil, v.Offices()))
	if err != nil {
		return err
	}
	v.show(page{Tab: "members", Sub: true, Esc: true, Body: newMember(f, v.Offices())})
	return nil
}

func (v visit) addMember() error {
	p, relations, err := v.patient(care.Patient{})
	own := v.typed("account") != "dependent"
	var m seat.Member
	if err == nil {
		m, err = v.AddMember(v.r.Context(), p, own, relations)
	}
	if err != nil {
		f := memberForm(link.AdminMembers, p, relations, v.Offices()).with(v.r.PostForm)
		return v.refused(err, f, func(f form) templ.Component { return newMemberForm(f, v.Offices()) })
	}
	if !own {
		return v.backTo(m, "Added. Choose who writes for them.", "proxies")
	}
	invited, err := v.Admin.Invite(v.r.Context(), m.Person)
	if err != nil { // the member is added; the page that shows them has the button to invite again
		return errors.Join(v.backTo(m, "Added, but not invited yet. "+care.SentenceOf(err), "account"))
	}
	v.sheet(invited, link.AdminMember(m.Patient.ID), m.Patient.Name, "members")
	return nil
}

func (v visit) backTo(m seat.Member, done, at string) error {
	b, err := v.member(m.Patient.ID)
	if err != nil {
		return err
	}
	b.At = at
	v.moved(page{Tab: "members", Sub: true, Body: member(b)}, link.AdminMember(m.Patient.ID), done)
	return nil
}

// memberPage is all of one patient.
type memberPage struct {
	seat.Member
	Badge      badge
	Line       string // "Born Mar 4, 1980 · MRN 4821 0739"
	At         string // the section in focus
	Details    form
	Offices    []care.Office
	Proxy      form
	Candidates candidates
	URL        string
	Account    account
	Acts       string
}

func (v visit) memberOf() (memberPage, error) {
	return v.member(care.PatientID(v.r.PathValue("patient")))
}

func (v visit) member(id care.PatientID) (memberPage, error) {
	m, err := v.Admin.Member(v.r.Context(), id)
	if err != nil {
		return memberPage{}, err
	}
	clock := v.clock()
	b := memberPage{Member: m, Badge: memberBadge(m, clock), Line: "Born " + born(m.Patient, clock) + " · MRN " + mrn(m.Patient), Offices: v.Offices(),
		URL: link.AdminMember(id)}
	if b.Details, err = v.begun(memberForm(b.URL, m.Patient, m.Relations, v.Offices())); err != nil {
		return b, err
	}
	// Another proxy is another form: one that was answered comes back empty.
	b.Proxy = newForm("proxy-"+strconv.Itoa(len(m.Proxies)), link.AdminProxies(id), "who", "", "until", "", "find", "")
	if b.Proxy, err = v.begun(b.Proxy); err != nil {
		return b, err
	}
	if b.Candidates, err = v.candidates(m, b.Proxy.get("find"), b.Proxy.get("who")); err != nil {
		return b, err
	}
	b.Account = accountOf(m.Person, m.Standing, m.Devices, b.URL, clock)
	b.At = v.r.URL.Query().Get("at")
	var acts []string
	for _, p := range m.ActsFor {
		acts = append(acts, p.Name)
	}
	b.Acts = strings.Join(acts, ", ")
	return b, nil
}

func (v visit) memberShown() error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	v.show(page{Tab: "members", Sub: true, Body: member(b)})
	return nil
}

// memberChanged draws the page of a member after a change.
func (v visit) memberChanged(done string) error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	v.changed(page{Tab: "members", Sub: true, Body: member(b)}, done)
	return nil
}

func (v visit) setMember() error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	p, relations, err := v.patient(b.Patient)
	if err == nil {
		err = v.SetMember(v.r.Context(), p, relations)
	}
	if err != nil {
		return v.refused(err, b.Details.with(v.r.PostForm), func(f form) templ.Component { return detailsForm(f, b.URL, b.Offices) })
	}
	return v.memberChanged("Saved.")
}

// candidates are members who could write for a patient.
type candidates struct {
	Asked  bool
	Found  []seat.Member
	More   bool
	Chosen string
}

const mostCandidates = 8

func (v visit) candidates(m seat.Member, find, chosen string) (candidates, error) {
	c := candidates{Asked: strings.TrimSpace(find) != "", Chosen: chosen}
	if !c.Asked {
		return c, nil
	}
	list, err := v.Admin.Members(v.r.Context(), find, 0)
	if err != nil {
		return c, err
	}
	c.More = list.Found > len(list.Members)
	for _, o := range list.Members {
		if o.Person == "" || o.Person == m.Person || o.Standing.Kind == seat.StandingLeft {
			continue
		}
		if len(c.Found) == mostCandidates {
			c.More = true
			break
		}
		c.Found = append(c.Found, o)
	}
	return c, nil
}

func (v visit) candidatesShown() error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	c, err := v.candidates(b.Member, v.r.Form.Get("find"), v.r.Form.Get("who"))
	if err != nil {
		return err
	}
	respond.HTML(v.w, v.r, candidateList(c, b.Proxy))
	return nil
}

func (v visit) addProxy() error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	who := care.PersonID(v.typed("who"))
	err = error(care.Refusef(care.Invalid, "Search for a member and choose one.").In("who"))
	if who != "" {
		err = v.AddProxy(v.r.Context(), b.Patient.ID, who, v.typed("until"))
	}
	if err != nil {
		c, failed := v.candidates(b.Member, v.r.PostForm.Get("find"), string(who))
		if failed != nil {
			return errors.Join(err, failed)
		}
		return v.refused(err, b.Proxy.with(v.r.PostForm), func(f form) templ.Component { return proxyForm(f, b.Patient.ID, c) })
	}
	return v.memberChanged("Added.")
}

func (v visit) endProxy() error {
	b, err := v.memberOf()
	if err != nil {
		return err
	}
	if err := v.EndProxy(v.r.Context(), b.Patient.ID, care.PersonID(v.typed("who"))); err != nil {
		return err
	}
	return v.memberChanged("Ended. They read and write nothing for this patient any more.")
}

// proxyLine says since or until when somebody writes for a patient.
func proxyLine(p seat.Proxy, c say.Clock) badge {
	switch {
	case p.Ended:
		return badge{"is-line", "user-x", "Ended", ""}
	case p.Until != "":
		return badge{"is-good", "circle-check", "Until " + c.ISODated(p.Until), ""}
	}
	return badge{"is-good", "circle-check", "Without an end", ""}
}

// importing is a list of members from elsewhere, tried or not.
type importing struct {
	Form   form
	Tried  bool
	Report seat.Imported
}

const csvHint = "The first line names the columns: name, born, mrn and, where you have them, sex, pronouns, language, phone, email (for notices), office (of primary care, by its name). Dates are written like 1980-03-04."

func importForm() form { return newForm("import", link.AdminImport, "csv", "") }

func (v visit) importShown() error {
	f, err := v.begun(importForm())
	if err != nil {
		return err
	}
	v.show(page{Tab: "members", Sub: true, Esc: true, Body: importPage(importing{Form: f})})
	return nil
}

// importTried says what an import would do; importDone does it.
func (v visit) importTried() error {
	f := importForm().with(v.r.PostForm)
	report, err := v.imports(true)
	if err != nil {
		return v.refused(err, f, func(f form) templ.Component { return importSection(importing{Form: f}) })
	}
	respond.HTML(v.w, v.r, importSection(importing{f, true, report}))
	return nil
}

func (v visit) importDone() error {
	f := importForm().with(v.r.PostForm)
	report, err := v.imports(false)
	if err != nil {
		return v.refused(err, f, func(f form) templ.Component { return importSection(importing{Form: f}) })
	}
	if len(report.Problems) > 0 { // something changed since the trial: nothing was taken in
		respond.HTML(v.w, v.r, importSection(importing{f, true, report}))
		return nil
	}
	t, err := v.table("", 0)
	if err != nil {
		return err
	}
	v.moved(page{Tab: "members", Body: members(t)}, link.Administration, plural(report.New, "member was", "members were")+" taken in. Nobody is invited yet.")
	return nil
}

func (v visit) imports(try bool) (seat.Imported, error) {
	text := v.r.PostForm.Get("csv")
	if strings.TrimSpace(text) == "" {
		return seat.Imported{}, care.Refusef(care.Invalid, "Choose a file, or paste the list.").In("csv")
	}
	report, err := v.Import(v.r.Context(), []byte(text), try)
	var e *care.Error
	if errors.As(err, &e) && e.Kind == care.Invalid && e.Field == "" {
		err = e.In("csv")
	}
	return report, err
}
