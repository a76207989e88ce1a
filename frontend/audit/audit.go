// Package audit is the administrators' page of who looked at what: what every computer of the care team has told of its own
// record, with what does not fit together on top, and the entries of this computer.
//
// It decides nothing: what is missing or broken the seat says, this puts it in words. What is searched for stands in no
// address.
package audit

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// Around answers with a page in the frame of the care team's screens.
type Around func(w http.ResponseWriter, r *http.Request, code int, title string, main templ.Component)

// Screen is the page.
type Screen struct{ around Around }

// New makes the page within a frame.
func New(around Around) Screen { return Screen{around} }

const title = "Audit"

// nothing is what everybody reads who is no administrator: to them there is no such page.
func nothing() error { return care.Refusef(care.NotFound, "There is no such page.") }

// Page is GET /administration/audit.
func (s Screen) Page(w http.ResponseWriter, r *http.Request) { s.show(w, r, seat.AuditQuestion{}) }

// Rows is POST /administration/audit: the same with the entries that fit a question. Only requests of our pages carry one.
func (s Screen) Rows(w http.ResponseWriter, r *http.Request) { s.show(w, r, QuestionOf(r)) }

func (s Screen) show(w http.ResponseWriter, r *http.Request, q seat.AuditQuestion) {
	ctx := r.Context()
	a := seat.From(ctx).Audit()
	if a == nil {
		respond.Failed(w, r, nothing())
		return
	}
	clock := parts.FrameFrom(ctx).Clock
	errors := fields{}
	found, err := a.Rows(ctx, q)
	if field := refusedField(err); field != "" {
		errors[field] = care.SentenceOf(err)
	} else if err != nil {
		respond.Failed(w, r, err)
		return
	}
	m := rowsOf(q, found, errors, clock)
	code := http.StatusOK
	if len(errors) > 0 {
		code = http.StatusUnprocessableEntity
	}
	if respond.Swap(r) == rowsID {
		respond.Refused(w, r, code, rows(m))
		return
	}
	all, err := a.Computers(ctx)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.around(w, r, code, title, page(computersOf(all, clock), m))
}

// QuestionOf is what a request asks for.
func QuestionOf(r *http.Request) seat.AuditQuestion {
	return seat.AuditQuestion{Search: r.PostFormValue("about"), What: r.PostFormValue("what"), From: r.PostFormValue("from"), To: r.PostFormValue("to")}
}

// Export gives what a request asks for as a file, once it is known where it goes.
func Export(r *http.Request) (name string, leave func() ([]byte, error), err error) {
	a := seat.From(r.Context()).Audit()
	if a == nil {
		return "", nil, nothing()
	}
	clock := parts.FrameFrom(r.Context()).Clock
	return "Audit " + clock.Now.In(clock.Zone).Format("2006-01-02") + ".csv", func() ([]byte, error) { return a.Export(r.Context(), QuestionOf(r)) }, nil
}

// fields are what is wrong, by the name of the field.
type fields map[string]string

func (f fields) attrs(name string) templ.Attributes {
	if f[name] == "" {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "audit-" + name + "-error"}
}

func refusedField(err error) string {
	for _, name := range []string{"from", "to"} {
		if e, ok := asRefusal(err); ok && e.Field == name {
			return name
		}
	}
	return ""
}

// asked are the attributes of the form that asks for entries: what is typed asks by itself.
func asked() templ.Attributes {
	return templ.Attributes{"method": "post", "action": link.Audit, "hx-post": link.Audit, "hx-target": "#" + rowsID, "hx-swap": "outerMorph",
		"hx-trigger": "submit, change, input changed delay:300ms from:#audit-about", "hx-sync": "this:replace"}
}

// whats are the sorts of entries in the order in which they are offered, with their words.
var whats = []struct{ what, words, done string }{
	{"view", "Opened a conversation", "Opened a conversation"},
	{"copy", "Saved a copy", "Saved a copy"},
	{"print", "Printed a page", "Printed a page"},
	{"export", "Exported this list", "Exported this list"},
	{"sign-in", "Signed in", "Signed in"},
	{"sign-in.refused", "Wrong passphrase", "Wrong passphrase"},
	{"sign-out", "Signed out or locked", "Signed out or locked"},
	{"passphrase", "Changed the passphrase", "Changed the passphrase"},
	{"recovery.sheet", "Made a recovery sheet", "Made a recovery sheet"},
	{"recovery", "Used a recovery code", "Used a recovery code"},
	{"directory.add", "Added to the practice", "Added "},
	{"directory.change", "Changed in the practice", "Changed "},
	{"directory.remove", "Removed from the practice", "Removed "},
	{"directory.invite", "Invited", "Invited "},
	{"directory.withdraw", "Withdrew an invitation", "Withdrew the invitation of "},
	{"directory.revoke", "Withdrew a computer", "Withdrew the computer "},
}

func done(r seat.AuditRow) string {
	i := slices.IndexFunc(whats, func(w struct{ what, words, done string }) bool { return w.what == r.What })
	if i < 0 {
		return r.What
	}
	words := whats[i].done + r.About
	if r.Times > 1 {
		words += ", " + times(r.Times)
	}
	return words
}
