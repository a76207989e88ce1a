// Package enrol draws the way in for somebody with an invitation, in four steps: the invitation, the date of birth where
// the clinic asks for it, the passphrase, and the wait for the clinic with the recovery sheet.
//
// It keeps nothing and opens nothing. No code and no passphrase that was typed is ever drawn again.
package enrol

import (
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/seat"
)

// MaxFile is the most bytes that an invitation file may have.
const MaxFile = 64 << 10

// CodeLength is how many letters and digits an invitation's code has.
const CodeLength = 16

// At is a step.
type At int

// The steps, in their order.
const (
	AtInvitation At = iota
	AtBorn
	AtPassphrase
	AtProgress
)

// Address is where a step is.
func (a At) Address() string {
	return [...]string{link.Invitation, link.Born, link.Choose, link.Enrolling}[a]
}

// Model is what a step shows.
type Model struct {
	At         At
	Invitation seat.Invitation // the zero value until it is open
	Errors     parts.Errors
	Problem    string // what is wrong, and with no field
	Lapsed     bool   // nothing was done for so long that what was typed was let go

	File    string // the name of the file that is chosen
	HasCode bool   // a code was typed that opened it

	Born parts.Born

	Label         string
	HasPassphrase bool            // one was typed, twice, and is kept
	Fields        templ.Component // in which it is chosen

	Standing seat.Enrolling
	Settled  bool            // about the recovery sheet
	HasSheet bool            // they have it on paper
	Sheet    templ.Component // the sheet, this once; nil where it is not on the screen
}

// Page is the whole screen, Step the part that each answer draws again, Progress the part that draws itself again.
func Page(m Model) templ.Component { return parts.WizardPage(m.title(), step(m)) }

// Step is as Page says.
func Step(m Model) templ.Component { return parts.StepAnswer(step(m)) }

// Progress is as Page says.
func Progress(m Model) templ.Component { return progress(m) }

// File is the field of the invitation file.
func File(name, wrong string) templ.Component {
	errs := parts.Errors{}
	if wrong != "" {
		errs["file"] = wrong
	}
	return parts.UploadBox(upload(name), errs)
}

func upload(name string) parts.Upload {
	return parts.Upload{Name: "file", Label: "Invitation file", Address: link.InvitationFile, Accept: ".postern-invite", Most: MaxFile, Chosen: name,
		Need: "Choose your invitation file.", Hint: "Its name ends in .postern-invite. You can also drop it onto this page."}
}

func (m Model) agent() bool  { return m.Invitation.Role == care.RoleAgent }
func (m Model) member() bool { return m.Invitation.Role == care.RoleMember || m.Invitation.Role == "" }

func (m Model) title() string {
	switch {
	case m.agent():
		return "Set up the agent"
	case m.member():
		return "Set up your messages"
	}
	return "Set up your sign-in"
}

// steps leaves out the date of birth where it is not asked for.
func (m Model) steps() parts.Steps {
	from := "The file and the code from the clinic"
	if m.Invitation.Clinic != "" {
		from = "From " + m.Invitation.Clinic
	}
	all := []parts.Step{{Name: "Open your invitation", Hint: from}}
	if m.asksBorn() {
		all = append(all, parts.Step{Name: "Confirm your date of birth", Hint: "Matches the clinic's record"})
	}
	all = append(all, parts.Step{Name: "Choose a passphrase", Hint: "Opens Postern on this computer"},
		parts.Step{Name: "Print your recovery sheet", Hint: "If you forget your passphrase"})
	at := int(m.At)
	if !m.asksBorn() && m.At > AtBorn {
		at--
	}
	return parts.Steps{All: all, At: at}
}

// asksBorn is so for a member until the invitation says otherwise.
func (m Model) asksBorn() bool {
	return m.Invitation.AsksBorn || m.Invitation.Clinic == "" && m.At < AtProgress
}

// whom is for whom an invitation is: "For Marisol V., record ending 0739, Alder Creek Clinic".
func (m Model) whom() string {
	inv := m.Invitation
	words := []string{"For " + inv.Name}
	if inv.Record != "" {
		words = append(words, "record ending "+inv.Record)
	}
	return strings.Join(append(words, inv.Clinic), ", ")
}

func (m Model) call(before string) string {
	if m.Invitation.FrontDesk == "" {
		return before + " the front desk of your clinic."
	}
	return before + " the front desk at " + m.Invitation.FrontDesk + "."
}

// open is the button that signs in at the end.
func (m Model) open() string {
	if m.member() {
		return "Open my messages"
	}
	return "Open the inbox"
}

func (m Model) done() bool { return m.Standing.Step == seat.EnrolDone }

func (m Model) sheetOf() string {
	if m.agent() {
		return "the agent's profile"
	}
	return "your messages"
}

func (m Model) heading() string {
	switch {
	case m.done() && m.agent():
		return "The agent is taken in"
	case m.done():
		return "You are in"
	case m.Standing.Step == seat.EnrolSending:
		return "Your answer is on its way"
	}
	return "The clinic is taking you in"
}

// lacks is what is still wanted before they can go on.
func (m Model) lacks() string {
	switch {
	case !m.done():
		return "The clinic has not taken you in yet."
	case !m.Settled:
		return "First print your recovery sheet, or choose to do it later."
	}
	return ""
}
