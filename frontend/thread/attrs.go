package thread

import (
	"encoding/json"

	"github.com/a-h/templ"
)

// trigger is when the reader draws itself again.
func (m model) trigger() string {
	if m.Often {
		return "postern:thread, every 2s"
	}
	return "postern:thread"
}

// reading says where to tell that a letter was read, once its beginning is in sight. It names no root: in a narrow window
// the page scrolls and not the pane, and within a pane that does not scroll everything is always in sight.
func (l letter) reading() templ.Attributes {
	return templ.Attributes{"hx-post": l.Read, "hx-trigger": "intersect once threshold:0.9", "hx-swap": "none"}
}

// part tells, with a command on a held text, which conversation the person is looking at.
func (h held) part() string {
	b, err := json.Marshal(map[string]string{"part": h.Part, "sent": "yes"})
	if err != nil {
		panic(err) // strings can be written
	}
	return string(b)
}
