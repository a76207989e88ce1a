package admin

import (
	"crypto/sha256"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// A form that is half filled in is kept as drafts are, so that a lock, a crash or a wrong click costs nobody what they typed.
// One form is one draft: what stands in its fields, as a form posts it. No field for a passphrase or a password may be in a form
// that is kept.

// keyField is the field in which a form says by which key it is kept. (One named "form" would hide what the browser calls so.)
const keyField = "kept"

// keptID is the draft of a form.
func keptID(key string) string {
	return "dr_" + care.EventID(sha256.Sum256([]byte("form of the administration " + key))).String()[:16]
}

// begun is a form with what somebody had begun to type into it. One that is posted just now is no longer being typed.
func (v visit) begun(f form) (form, error) {
	if f.Key == "" || v.r.PostForm.Get(keyField) == f.Key {
		return f, nil
	}
	d, err := seat.From(v.r.Context()).Views().Draft(v.r.Context(), keptID(f.Key))
	if care.KindOf(err) == care.NotFound {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	typed, err := url.ParseQuery(string(d.Text))
	if err != nil || f.same(typed) {
		return f, nil // nobody typed it: it is not a form's
	}
	f = f.with(typed)
	f.Begun = true
	return f, nil
}

// same reports whether what was typed is what the form has without it.
func (f form) same(typed url.Values) bool {
	said := func(all []string) []string {
		all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
		slices.Sort(all)
		return all
	}
	for name, has := range f.Values {
		if !slices.Equal(said(has), said(typed[name])) {
			return false
		}
	}
	return true
}

// keep keeps a form as it is being typed.
func (v visit) keep() error {
	typed := maps.Clone(v.r.PostForm)
	key := typed.Get(keyField)
	delete(typed, keyField)
	_, err := seat.From(v.r.Context()).Desk().SaveDraft(v.r.Context(), view.Draft{ID: keptID(key), What: "note", Text: care.Text(typed.Encode())})
	if err != nil {
		return err
	}
	respond.HTML(v.w, v.r, keptLine(respond.Swap(v.r), true))
	return nil
}

// letGo ends a form without doing what it says: what was typed into it goes. The address may name where to go on, which is the
// same page otherwise.
func (v visit) letGo() error {
	if err := v.forget(v.r.PostForm.Get(keyField)); err != nil {
		return err
	}
	to := v.r.URL.Query().Get("to")
	if here, err := url.Parse(v.r.Header.Get("HX-Current-URL")); to == "" && err == nil {
		to = here.RequestURI()
	}
	if !strings.HasPrefix(to, link.Administration) {
		to = link.Administration
	}
	respond.GoTo(v.w, v.r, to)
	return nil
}

// forget deletes what was typed into a form. It is told also where nothing is kept: a save may be on its way still.
func (v visit) forget(key string) error {
	if key == "" {
		return nil
	}
	return seat.From(v.r.Context()).Desk().DeleteDraft(v.r.Context(), keptID(key))
}

// lets makes a button let go of the form in which it stands.
func lets(url string) templ.Attributes {
	return templ.Attributes{"type": "button", "hx-post": url, "hx-swap": "none", "hx-sync": "closest form:replace", "hx-disable": "this"}
}
