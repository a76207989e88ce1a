// Package passphrase draws how a passphrase is chosen and changed, and what helps who forgot it: the recovery sheet.
//
// It opens nothing itself. A code stands on the page that shows it and on what is saved or printed from there, nowhere else.
package passphrase

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"

	"postern/frontend/parts"
	"postern/frontend/seat"
)

// Errors are what is wrong, by the name of the field.
type Errors = parts.Errors

// Code is the form that asks for a recovery code.
type Code struct {
	Typed  string
	Errors Errors
}

// CodePage is the whole screen of it, CodeForm the part that a refusal draws again.
func CodePage(c Code) templ.Component { return codePage(c) }

// CodeForm is as CodePage says.
func CodeForm(c Code) templ.Component { return codeForm(c) }

// Choice is the form in which who came with a code chooses a passphrase.
type Choice struct {
	Code     string
	Label    string        // of the profile that the code opens
	Strength seat.Strength // of what is typed
	Errors   Errors
}

// ChoiceForm takes the place of CodeForm.
func ChoiceForm(c Choice) templ.Component { return choiceForm(c) }

// Keys is the page of whoever is signed in.
type Keys struct {
	HasCode  bool
	Keychain seat.Keychain
	Member   bool
	Strength seat.Strength // of no passphrase
}

// Page is the whole screen.
func Page(k Keys) templ.Component { return page(k) }

// Change is the form that changes the passphrase.
type Change struct {
	Strength seat.Strength // of what is typed
	Errors   Errors
	Left     string // how many tries are left
}

// ChangeForm is the part of the page that a refusal draws again.
func ChangeForm(c Change) templ.Component { return changeForm(c) }

// Changed is that part once it is done: empty again, and said in the toast. The keychain is drawn again, too.
func Changed(empty seat.Strength, k seat.Keychain) templ.Component { return changed(empty, k) }

// Keychain is the form that lets the computer's keychain open the profile, or ends that.
type Keychain struct {
	seat.Keychain
	Done    bool   // just now: what had the focus is gone
	Problem string // what went wrong that is about no field
	Errors  Errors
	Left    string
}

// KeychainForm is the part of the page that a refusal draws again.
func KeychainForm(k Keychain) templ.Component { return keychainForm(k) }

// KeychainSet is that part once it is done, and said in the toast.
func KeychainSet(k Keychain) templ.Component { return keychainSet(k) }

// shown reports whether there is anything to choose, or to turn off.
func (k Keychain) shown() bool { return k.Offered || k.On }

// Make is the form that makes a recovery sheet.
type Make struct {
	HasCode bool
	Errors  Errors
	Left    string
}

// MakeForm is the part of the page that a refusal draws again.
func MakeForm(m Make) templ.Component { return makeForm(m) }

// Fields are the fields in which somebody who comes in chooses a passphrase, within a form of theirs: "new" and "again".
func Fields(label string, s seat.Strength, e Errors) templ.Component { return newFields(label, s, e) }

// Sheet is a recovery sheet.
type Sheet struct {
	Code  string
	Label string // of the profile that it opens
	Root  string // the practice whose root key it opens, where it is of that and of no profile
}

// Paper is the sheet within a screen of somebody who comes in, with what prints it and saves it at an address.
func Paper(s Sheet, copyAt string) templ.Component { return paper(s, copyAt) }

// SheetShown takes the place of MakeForm: the code, once.
func SheetShown(s Sheet) templ.Component { return sheetShown(s) }

// File is the sheet as a file to print. Its name says what it is and not whose.
func File(ctx context.Context, s Sheet) (name string, content []byte, err error) {
	var b bytes.Buffer
	if err := document(s).Render(ctx, &b); err != nil {
		return "", nil, fmt.Errorf("write out a recovery sheet: %w", err)
	}
	return "Recovery sheet " + today(ctx).Format(time.DateOnly) + ".html", b.Bytes(), nil
}

// Meter says how strong what is typed would be.
func Meter(s seat.Strength) templ.Component { return meter(s) }

// Suggested puts a passphrase into the field of a new one, to be seen.
func Suggested(text string, s seat.Strength) templ.Component { return suggested(text, s) }

func (s Sheet) title() string {
	if s.Root != "" {
		return "Recovery sheet for the root key"
	}
	return "Recovery sheet for Postern"
}

func (s Sheet) danger() string {
	if s.Root != "" {
		return "Whoever has this code and the file can speak for the practice."
	}
	return "Whoever has this code can open these messages on that computer."
}

func (s Sheet) warning() string {
	if s.Root != "" {
		return "Do not leave a copy on this computer, nor beside the file."
	}
	return "Do not leave a copy on this computer: who finds it can open your messages here."
}

// groups are what is written on the sheet, one under the other.
func (s Sheet) groups() []string { return strings.Split(s.Code, "-") }

func today(ctx context.Context) time.Time {
	clock := parts.FrameFrom(ctx).Clock
	return clock.Now.In(clock.Zone)
}

// unless is a strength without the words that an error says already.
func unless(refusal string, s seat.Strength) seat.Strength {
	if refusal != "" {
		s.Word, s.Advice = "", ""
	}
	return s
}

func bars(s seat.Strength) []bool {
	out := make([]bool, 4)
	for i := range out {
		out[i] = i < s.Bars
	}
	return out
}
