// Package signin shows who can sign in on this computer and asks for the passphrase.
//
// It knows the labels that people chose and nothing else of a profile. It opens nothing itself.
package signin

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"postern/frontend/parts"
	"postern/frontend/say"
	"postern/frontend/seat"
)

type profile struct {
	ID, Label, Initials string
	Chosen              bool
	Opens               bool
}

type model struct {
	Heading  string
	Profiles []profile
	Many     bool // too many for one column
	Error    string
	Left     string
}

// Page is the whole screen. chosen is the profile to preselect, the first by default; refusal is what was wrong with the
// last try, and left how many there are still; both may be empty.
func Page(profiles []seat.Profile, chosen, refusal, left string) templ.Component {
	return page(build(profiles, chosen, refusal, left))
}

// Form is the part that a refused sign-in draws again.
func Form(profiles []seat.Profile, chosen, refusal, left string) templ.Component {
	return sheet(build(profiles, chosen, refusal, left))
}

// Lock is the lock screen of one person: the label that they chose, and nothing else of theirs.
type Lock struct {
	Profile seat.Profile
	At      time.Time     // when it was locked
	Idle    time.Duration // after how long without activity; zero: at once
	Error   string        // what was wrong with the last try
	Left    string        // how many tries there are still
}

// Locked is the whole lock screen.
func Locked(l Lock) templ.Component { return lockedPage(l) }

// Unlock is the part of it that a refused passphrase draws again.
func Unlock(l Lock) templ.Component { return unlock(l) }

// field is what is wrong with the field.
func (l Lock) field() templ.Attributes {
	if l.Error == "" {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "passphrase-error passphrase-hint"}
}

func (l Lock) initials() string { return initials(l.Profile) }

// since says when it was locked, and why: "Locked after 5 minutes without activity, at 4:12 pm".
func (l Lock) since() string {
	clock := say.Clock{Zone: l.At.Location(), Now: l.At}
	switch minutes := int(l.Idle / time.Minute); {
	case l.Idle == 0:
		return "Locked at " + clock.Time(l.At)
	case minutes == 1:
		return "Locked after 1 minute without activity, at " + clock.Time(l.At)
	default:
		return "Locked after " + strconv.Itoa(minutes) + " minutes without activity, at " + clock.Time(l.At)
	}
}

func initials(p seat.Profile) string {
	name, _, _ := strings.Cut(p.Label, "(")
	return parts.Initials(name)
}

func build(profiles []seat.Profile, chosen, refusal, left string) model {
	m := model{Heading: "Who is signing in?", Error: refusal, Left: cmp.Or(left, "Only you know it. The clinic cannot see or reset it.")}
	found := false
	for _, p := range profiles {
		m.Profiles = append(m.Profiles, profile{ID: p.ID, Label: p.Label, Initials: initials(p), Chosen: p.ID == chosen, Opens: p.Opens})
		found = found || p.ID == chosen
	}
	m.Many = len(profiles) > 4
	if !found && len(m.Profiles) > 0 {
		m.Profiles[0].Chosen = true
	}
	switch len(m.Profiles) {
	case 0:
		m.Heading = "Welcome to Postern"
	case 1:
		m.Heading = "Welcome back"
	}
	return m
}

// opens is the profile that the computer's keychain opens, where it is the only one; "" is none.
func (m model) opens() string {
	if len(m.Profiles) == 1 && m.Profiles[0].Opens {
		return m.Profiles[0].ID
	}
	return ""
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
