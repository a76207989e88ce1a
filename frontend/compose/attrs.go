package compose

import (
	"strconv"

	"github.com/a-h/templ"
)

var stepNames = []string{"Write", "Review", "Sent"}

func number(n int) string { return strconv.Itoa(n) }

func step(here bool) templ.Attributes {
	if !here {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-current": "step"}
}

// field is what a text field says of itself: what describes it, whether it is wrong, whether it takes the focus.
func (m form) field(name, describedBy string) templ.Attributes {
	a := m.focusIf(name, true)
	if m.Errors[name] != "" {
		a["aria-invalid"] = "true"
		describedBy = name + "-error " + describedBy
	}
	if describedBy != "" {
		a["aria-describedby"] = describedBy
	}
	return a
}

func (m form) focusIf(name string, first bool) templ.Attributes {
	if !first || m.Field != name {
		return templ.Attributes{}
	}
	return templ.Attributes{"data-focus-field": true}
}

func (p picker) attrs() templ.Attributes {
	a := templ.Attributes{}
	if p.Error != "" {
		a["aria-invalid"], a["aria-errormessage"] = "true", "office-error"
	}
	if p.Focus {
		a["data-focus-field"] = true
	}
	return a
}
