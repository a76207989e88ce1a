package center

import (
	"encoding/json"

	"github.com/a-h/templ"
)

// at tells the list which row is open, for a drawing of it alone.
func at(m model) string {
	b, err := json.Marshal(map[string]string{"at": m.At})
	if err != nil {
		panic(err) // a string can be written
	}
	return string(b)
}

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
