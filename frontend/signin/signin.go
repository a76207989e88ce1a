// Package signin shows who can sign in on this computer and asks for the passphrase.
//
// It knows the labels that people chose and nothing else of a profile. It opens nothing itself.
package signin

import (
	"strings"

	"github.com/a-h/templ"

	"postern/frontend/parts"
	"postern/frontend/seat"
)

type profile struct {
	ID, Label, Initials string
	Chosen              bool
}

type model struct {
	Heading  string
	Profiles []profile
	Many     bool // too many for one column
	Error    string
}

// Page is the whole screen. chosen is the profile to preselect, the first by default; refusal is what was wrong with the
// last try, or empty.
func Page(profiles []seat.Profile, chosen, refusal string) templ.Component {
	return page(build(profiles, chosen, refusal))
}

// Form is the part that a refused sign-in draws again.
func Form(profiles []seat.Profile, chosen, refusal string) templ.Component {
	return sheet(build(profiles, chosen, refusal))
}

func build(profiles []seat.Profile, chosen, refusal string) model {
	m := model{Heading: "Who is signing in?", Error: refusal}
	found := false
	for _, p := range profiles {
		name, _, _ := strings.Cut(p.Label, "(")
		m.Profiles = append(m.Profiles, profile{ID: p.ID, Label: p.Label, Initials: parts.Initials(name), Chosen: p.ID == chosen})
		found = found || p.ID == chosen
	}
	m.Many = len(profiles) > 4
	if !found && len(m.Profiles) > 0 {
		m.Profiles[0].Chosen = true
	}
	if len(m.Profiles) == 1 {
		m.Heading = "Welcome back"
	}
	return m
}

func (m model) describedBy() string {
	if m.Error != "" {
		return "passphrase-error passphrase-hint"
	}
	return "passphrase-hint"
}

func (m model) invalid() templ.Attributes {
	if m.Error == "" {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-invalid": "true"}
}

func (m model) width() string {
	if m.Many {
		return "max-w-[46rem]"
	}
	return "max-w-[30rem]"
}

func (m model) avatar() string {
	if m.Many {
		return ""
	}
	return "lg"
}
