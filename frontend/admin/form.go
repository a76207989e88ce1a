package admin

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
)

// form is what stands in the fields of one form, and what is wrong with them.
type form struct {
	ID     string
	Key    string // by which it is kept while it is being typed; "": it is not
	Begun  bool   // what stands in it is what was kept
	Values url.Values
	Errors map[string]string
}

// newForm is a form with these fields, filled with pairs of name and value. key is that of form.Key.
func newForm(id, key string, pairs ...string) form {
	f := form{ID: id, Key: key, Values: url.Values{}, Errors: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Values.Set(pairs[i], pairs[i+1])
	}
	return f
}

// with is the form with what was typed in place of what it had.
func (f form) with(typed url.Values) form {
	values := url.Values{}
	for name := range f.Values {
		values[name] = nil // a box that is not ticked is not sent
	}
	maps.Copy(values, typed)
	return form{ID: f.ID, Key: f.Key, Values: values, Errors: map[string]string{}}
}

// wrong notes what a refusal says of one of the fields.
func (f form) wrong(err error) {
	var e *care.Error
	if !errors.As(err, &e) || e.Field == "" {
		return
	}
	field := e.Field
	if field == "born" { // it has three fields: what is wrong with it as a whole stands at the first
		field = "month"
	}
	if _, ok := f.Values[field]; ok {
		f.Errors[field] = e.Sentence
	}
}

func (f form) get(name string) string { return f.Values.Get(name) }

func (f form) has(name, value string) bool { return slices.Contains(f.Values[name], value) }

func (f form) id(name string) string { return f.ID + "-" + name }

// field are the attributes of a field: its id and name, and what it says of itself to those who cannot see it.
func (f form) field(name string, hints ...string) templ.Attributes {
	a := templ.Attributes{"id": f.id(name), "name": name}
	var by []string
	if f.Errors[name] != "" {
		a["aria-invalid"], a["data-now"] = "true", true
		by = append(by, f.id(name)+"-error")
	}
	for _, h := range hints {
		if h != "" {
			by = append(by, f.id(name)+"-hint")
		}
	}
	if len(by) > 0 {
		a["aria-describedby"] = strings.Join(by, " ")
	}
	return a
}

// posts makes a form that is drawn again alone where it is refused.
func (f form) posts(url string) templ.Attributes {
	return templ.Attributes{"id": f.ID, "method": "post", "action": url, "hx-post": url, "hx-target": "this", "hx-swap": "outerHTML", "hx-sync": "this:replace", "hx-disable": "find button:not([type])"}
}

// does makes a button do what an address names; the answer is the page, drawn again.
func does(url string, pairs ...string) templ.Attributes {
	a := templ.Attributes{"type": "button", "hx-post": url, "hx-target": "#main", "hx-swap": "outerMorph", "hx-disable": "this"}
	if len(pairs) > 0 {
		a["hx-vals"] = vals(pairs...)
	}
	return a
}

// group says of a group of fields what is wrong with it.
func (f form) group(name string) templ.Attributes {
	if f.Errors[name] == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": f.id(name) + "-error"}
}

func (f form) invalid(name string) templ.Attributes {
	if f.Errors[name] == "" {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "data-now": true}
}

// leaves makes Escape follow a link.
func leaves(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"data-key": "Escape"}
}

func current(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": "page"}
}

// in is a refusal that is about a field, where it names none.
func in(err error, field string) error {
	var e *care.Error
	if errors.As(err, &e) && e.Kind != care.Internal {
		refusal := *e
		return refusal.In(field)
	}
	return err
}
