// Package setup draws how a practice is made: the practice itself, its mail system, the root key, and the person who does
// it; then the root key is put away.
//
// It keeps nothing and makes nothing. No passphrase that was typed is ever drawn again.
package setup

import (
	_ "embed" // the list of time zones
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/seat"
)

// MaxAccounts is the most bytes that the file with the accounts of a mail system may have.
const MaxAccounts = 256 << 10

// RootFileName is what the file with the root key is called when it is handed over.
const RootFileName = "postern-root.json"

// At is a step.
type At int

// The steps, in their order. AtFounding is the wait after the last that is filled in.
const (
	AtPractice At = iota
	AtMail
	AtRoot
	AtYou
	AtFounding
	AtKey
)

// Address is where a step is.
func (a At) Address() string {
	return [...]string{link.Setup, link.SetupMail, link.SetupRoot, link.SetupYou, link.Founding, link.RootKey}[a]
}

// Model is what a step shows.
type Model struct {
	At      At
	Errors  parts.Errors
	Problem string // what is wrong, and with no field
	Lapsed  bool   // nothing was done for so long that what was typed was let go

	Practice Practice
	Mail     Mail
	Trial    []seat.MailStep // of the mail system; nil: it was not tried as it is
	Tried    bool

	HasRoot bool // a passphrase of the root key was typed, twice, and is kept
	You     You
	Fields  templ.Component // in which a passphrase is chosen

	Sheet templ.Component // of the root key, while its code is on the screen
	Later bool            // they are signed in: the key can be put away later
}

// You is the first administrator.
type You struct {
	Name, Label   string
	HasPassphrase bool
}

// Page is the whole screen, Step the part that each answer draws again.
func Page(m Model) templ.Component { return parts.WizardPage("Set up a practice", step(m)) }

// Step is as Page says.
func Step(m Model) templ.Component { return parts.StepAnswer(step(m)) }

// Accounts is the field of the file with the accounts.
func Accounts(name, wrong string) templ.Component {
	errs := parts.Errors{}
	if wrong != "" {
		errs["accounts"] = wrong
	}
	return parts.UploadBox(accounts(name), errs)
}

func accounts(name string) parts.Upload {
	return parts.Upload{Name: "accounts", Label: "Accounts file", Address: link.SetupAccounts, Accept: ".json,.toml,.yaml,.yml,.csv,.txt", Most: MaxAccounts, Chosen: name,
		Hint: "The file with the mailboxes and logins that the mail system has for Postern."}
}

func (m Model) steps() parts.Steps {
	at := min(int(m.At), int(AtYou))
	if m.At == AtKey {
		at = 4
	}
	return parts.Steps{At: at, All: []parts.Step{{Name: "The practice", Hint: "Name, telephone, hours"}, {Name: "The mail system", Hint: "What carries the messages"},
		{Name: "The root key", Hint: "Vouches for the practice"}, {Name: "You", Hint: "The first administrator"}, {Name: "Put the root key away", Hint: "Off this computer"}}}
}

//go:embed zones.txt
var zones string

// zone is a time zone in the list.
type zone struct{ ID, Name string }

// usual are the names that people in the United States have for their zones.
var usual = map[string]string{"America/New_York": "Eastern", "America/Chicago": "Central", "America/Denver": "Mountain", "America/Phoenix": "Arizona",
	"America/Los_Angeles": "Pacific", "America/Anchorage": "Alaska", "Pacific/Honolulu": "Hawaii"}

// zoneList are the time zones of the United States, and those of everybody else.
func zoneList() (ours, others []zone) {
	first, rest, _ := strings.Cut(strings.TrimSpace(zones), "\n\n")
	for _, id := range strings.Fields(first) {
		z := zone{ID: id, Name: strings.ReplaceAll(id, "_", " ")}
		if name, ok := usual[id]; ok {
			z.Name = name + " (" + z.Name + ")"
		}
		ours = append(ours, z)
	}
	for _, id := range strings.Fields(rest) {
		others = append(others, zone{ID: id, Name: strings.ReplaceAll(id, "_", " ")})
	}
	return ours, others
}

// known reports whether a time zone is one of the list.
func known(id string) bool {
	ours, others := zoneList()
	for _, z := range append(ours, others...) {
		if z.ID == id {
			_, err := time.LoadLocation(id)
			return err == nil
		}
	}
	return false
}

// number reads a whole number of a range; ok is false where it is none.
func number(typed string, least, most int) (n int, ok bool) {
	n, err := strconv.Atoi(strings.TrimSpace(typed))
	return n, err == nil && n >= least && n <= most
}
