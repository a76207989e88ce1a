package inbox

import "github.com/a-h/templ"

// state is what every drawing of the desk carries along: the search, what is being written, and why it was refused.
const state = kept + ", #composer [name=what], #composer [name=draft], #composer [name=refused]"

// kept is what stays while one goes through the list: what was searched for, and how far it is drawn.
const kept = "#search, #rows"

// swap draws the whole desk from an address. Drawings stand in one queue: what a person asks for ends a refresh.
func swap(url, include string) templ.Attributes {
	a := templ.Attributes{"hx-get": url, "hx-target": "#desk", "hx-swap": "outerMorph", "hx-sync": "#desk:queue all"}
	if include != "" {
		a["hx-include"] = include
	}
	return a
}

// visit is swap for a link that leads to another address. The address bar never holds what was searched for.
func visit(url, include string) templ.Attributes {
	a := swap(url, include)
	a["href"], a["hx-push-url"], a["hx-indicator"] = url, url, "#loading"
	return a
}

func current(is bool, value string) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": value}
}

func now(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"data-now": true}
}
