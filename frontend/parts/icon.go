package parts

import (
	"context"
	"fmt"
	"html"
	"io"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/static"
)

// Icon draws a Lucide icon of static/icons inline. It says nothing to a screen reader: words stand beside it, or in
// an element of class sr-only. Further classes are appended to "i".
func Icon(name string, classes ...string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		inner, err := static.Icon(name)
		if err != nil {
			return fmt.Errorf("icon %s: %w", name, err)
		}
		class := "i"
		for _, c := range classes {
			class += " " + c
		}
		_, err = fmt.Fprintf(w, `<svg class="%s" aria-hidden="true" focusable="false" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">%s</svg>`,
			html.EscapeString(class), inner)
		return err
	})
}

// keyIcons draw the keys whose sign is not a letter.
var keyIcons = map[string]string{"Enter": "corner-down-left", "Up": "arrow-up", "Down": "arrow-down"}

// TopicIcon is the icon of a topic; the topic that was not chosen has the one of "Other".
func TopicIcon(t care.Topic) string {
	switch t {
	case care.TopicRenewal:
		return "pill"
	case care.TopicCarePlan:
		return "heart-pulse"
	case care.TopicResult:
		return "flask-conical"
	case care.TopicAppointment:
		return "calendar"
	case care.TopicAdvice:
		return "message-circle-question-mark"
	}
	return "message-square"
}
