package parts

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Errors are what is wrong, by the name of the field.
type Errors map[string]string

// Field is what a field says of itself to those who cannot see it. hints are the ids of what stands beside it.
func (e Errors) Field(name string, hints ...string) templ.Attributes {
	a := templ.Attributes{}
	if e[name] != "" {
		a["aria-invalid"] = "true"
		hints = append([]string{name + "-error"}, hints...)
	}
	if len(hints) > 0 {
		a["aria-describedby"] = strings.Join(hints, " ")
	}
	return a
}

// Step is one step of a wizard.
type Step struct {
	Name string
	Hint string // what stands below its name while it is not the one at which somebody is
}

// Steps are the steps of a wizard, and the one at which somebody is, from 0.
type Steps struct {
	All []Step
	At  int
}

func (s Steps) hint(i int) string {
	if i == s.At {
		return "Step " + strconv.Itoa(i+1) + " of " + strconv.Itoa(len(s.All))
	}
	return s.All[i].Hint
}

// Input is a field of one line.
type Input struct {
	Name  string // its id as well
	Label string
	Value string
	Need  string // what is said while it is empty; "": it may be
	Hint  string
	Mode  string // inputmode, where it is not text
	Auto  string // autocomplete
	Class string // its width
}

func (in Input) hints() []string {
	if in.Hint == "" {
		return nil
	}
	return []string{in.Name + "-hint"}
}

func (in Input) attrs(e Errors) templ.Attributes {
	a := e.Field(in.Name, in.hints()...)
	for name, value := range map[string]string{"data-need": in.Need, "inputmode": in.Mode} {
		if value != "" {
			a[name] = value
		}
	}
	a["autocomplete"] = "off"
	if in.Auto != "" {
		a["autocomplete"] = in.Auto
	}
	return a
}

// Upload is a file that is chosen, or dropped onto the page. It is posted at once, alone and as its bytes: the webview of one
// platform ends the whole program when a form holds a file.
type Upload struct {
	Name    string // of the field, for what is wrong with it
	Label   string
	Address string
	Accept  string
	Most    int    // bytes
	Chosen  string // the name of the file that is there
	Need    string
	Hint    string
}

// BoxID is the element that an Upload draws again.
func (u Upload) BoxID() string { return u.Name + "-box" }

func (u Upload) given() string {
	if u.Chosen != "" {
		return "yes"
	}
	return ""
}

func changes(name string) string { return `{"change":` + strconv.Quote(name) + `}` }
