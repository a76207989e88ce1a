package center

import "github.com/a-h/templ"

func current(on bool) templ.Attributes {
	if !on {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-current": "true"}
}

// whole makes a link lead to a screen of its own instead of the reader beside the list.
func whole(on bool) templ.Attributes {
	if !on {
		return templ.Attributes{}
	}
	return templ.Attributes{"hx-boost": "swap:outerSync"}
}
