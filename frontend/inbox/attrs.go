package inbox

import (
	"slices"

	"github.com/a-h/templ"

	"postern/frontend/link"
)

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

// lead is a link of the rail. From another page it leads to a whole page.
func (m model) lead(url string) templ.Attributes {
	if m.Solo {
		return templ.Attributes{"href": url}
	}
	return visit(url, "")
}

// refresh draws the counts of the rail again where no desk does.
func (m model) refresh() templ.Attributes {
	if !m.Solo {
		return nil
	}
	return templ.Attributes{"hx-get": link.AdminRail, "hx-trigger": "postern:changed from:body, every 60s", "hx-target": "this", "hx-swap": "outerMorph"}
}

// chapters are the keys that this person has.
func (m model) chapters() []chapter {
	if !m.Administers {
		return chapters
	}
	all := slices.Clone(chapters)
	all[len(all)-1].Keys = append([]key{{What: "Administration", Keys: []string{"G"}, Then: []string{"A"}}}, all[len(all)-1].Keys...)
	return all
}
