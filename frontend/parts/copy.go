package parts

import "github.com/a-h/templ"

// SavesCopy makes a button save a copy of a conversation, by itself or by Ctrl S. What it is told stands in the toast. The
// window's dialog stays open for as long as the person likes, so that the request may take as long, and a second one at
// the same time is dropped.
func SavesCopy(url string) templ.Attributes {
	return templ.Attributes{"type": "button", "hx-post": url, "hx-target": "#toast", "hx-swap": "innerHTML", "hx-sync": "this:drop",
		"hx-config": `{"timeout":0}`, "data-key": "ctrl+s"}
}
