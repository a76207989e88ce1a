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

// reading says where to tell that a letter was read, once a tenth of it is in sight: what the foot covers is not.
func (l letter) reading() templ.Attributes {
	if l.Read == "" {
		return templ.Attributes{}
	}
	return templ.Attributes{"hx-post": l.Read, "hx-trigger": "intersect once root:#main threshold:0.1", "hx-swap": "none"}
}

// part tells, with a command on a held text, which conversation the person is looking at.
func (h held) part() string {
	b, err := json.Marshal(map[string]string{"part": h.Part, "sent": "yes"})
	if err != nil {
		panic(err) // strings can be written
	}
	return string(b)
}
