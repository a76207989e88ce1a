package parts

import (
	"github.com/a-h/templ"

	"postern/frontend/link"
)

type option struct {
	Value, Name string
	On          bool
}

func (l Look) sizes() []option {
	return []option{
		{"100", "100%", l.Size == ""},
		{"125", "125%", l.Size == "125"},
		{"150", "150%", l.Size == "150"},
		{"200", "200%", l.Size == "200"},
	}
}

func (l Look) themes() []option {
	return []option{
		{"auto", "As this computer", l.Theme == ""},
		{"light", "Light", l.Theme == "light"},
		{"dark", "Dark", l.Theme == "dark"},
	}
}

func (l Look) attrs() templ.Attributes {
	a := templ.Attributes{}
	switch l.Theme {
	case "light":
		a["data-theme"] = "postern"
	case "dark":
		a["data-theme"] = "postern-dark"
	}
	if l.Size != "" {
		a["data-size"] = l.Size
	}
	return a
}

// bodyAttrs says whose page it is and how it learns of changes: only a signed-in one does.
func (f Frame) bodyAttrs() templ.Attributes {
	if !f.SignedIn {
		return templ.Attributes{}
	}
	return templ.Attributes{"data-events": link.Events, "data-person": string(f.Me.ID)}
}

// density is the class that sets control height and text size.
func (f Frame) density() string {
	if f.SignedIn && !f.Member {
		return "staff"
	}
	return "member"
}
