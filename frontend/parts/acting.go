package parts

import (
	"fmt"
	"strings"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/say"
)

// Acting is for whom a member reads and writes. The zero value is who writes for nobody but themself.
type Acting struct {
	About  care.PatientID // whose record the page shows
	Name   string
	MRN    string
	Whose  string // "his record"
	Away   bool   // it is not the member's own
	People []ActingFor
	Ended  string // the name of the patient for whom the member was reading until the clinic ended it
}

// ActingFor is one person in the list "Messages for".
type ActingFor struct {
	ID, Name string
	Line     string // "MRN ending 2846 · 1 waiting for a reply"
	Self, On bool
}

// goesTo says whose record it is. The parts of a number stay on one line.
func (a Acting) goesTo() string {
	if a.MRN == "" {
		return "Everything here goes to " + a.Whose + " record."
	}
	return "Everything here goes to " + a.Whose + " record, MRN\u00a0" + strings.ReplaceAll(a.MRN, " ", "\u00a0") + "."
}

func endedBy(frontDesk string) string {
	if frontDesk == "" {
		return "The clinic ended it. These are your own messages."
	}
	return "The clinic ended it. These are your own messages. If that is wrong, call the front desk at " + frontDesk + "."
}

// ActingLine says below a name which record it is and what waits there.
func ActingLine(p view.Acting) string {
	var words []string
	digits := strings.ReplaceAll(p.Patient.MRN, " ", "")
	if n := len(digits); n > 4 {
		words = append(words, "MRN ending "+digits[n-4:])
	}
	if p.Unread > 0 {
		words = append(words, say.Number(p.Unread)+" unread")
	}
	if p.Waiting > 0 {
		words = append(words, fmt.Sprintf("%s waiting for a reply", say.Number(p.Waiting)))
	}
	return strings.Join(words, " · ")
}

// Names joins names as a sentence does: "Ana, Ben and Cy".
func Names(people []care.Person) string {
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
