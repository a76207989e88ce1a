package parts

import (
	"strconv"
	"strings"

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
	a := templ.Attributes{}
	if f.Window {
		a["data-window"] = true
	}
	if f.SignedIn {
		a["data-events"], a["data-person"] = link.Events, string(f.Me.ID)
		a["data-lock"] = strconv.FormatInt(f.Lock.Milliseconds(), 10)
	}
	if f.Acting.About != "" {
		a["data-for"] = string(f.Acting.About)
	}
	return a
}

// chosen marks the one of several buttons that is in force.
func chosen(on bool) templ.Attributes {
	if !on {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-current": "true"}
}

// shell lists the scripts by which the window's toolkit talks to a page. It puts them itself into what stands at an
// address that ends in a slash.
func (f Frame) shell() []string {
	if !f.Window || strings.HasSuffix(f.Path, "/") {
		return nil
	}
	return []string{"/wails/ipc.js", "/wails/runtime.js"}
}

// density is the class that sets control height and text size.
func (f Frame) density() string {
	if f.SignedIn && !f.Member {
		return "staff"
	}
	return "member"
}
