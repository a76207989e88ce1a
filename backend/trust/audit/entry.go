// Package audit is the record of who looked at what: what an entry says, and the chain that holds the entries together.
//
// An entry names people, patients and conversations by their ids and holds no text. Each line carries a hash over the
// line before it and the signature of the profile's device, so that without the device's key none can be changed, added
// or taken out unnoticed; the newest ones can be cut off. The package keeps nothing: record/documents does. The bytes:
// docs/format.md.
package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
)

// What says what was done.
type What string

// The things that are recorded. A list or a search is none: what it shows of a conversation is a row, and an entry for each
// would drown what was opened.
const (
	SignedIn  What = "sign-in"
	Refused   What = "sign-in.refused" // wrong passphrases: they cannot be noted before the right one opens the record
	SignedOut What = "sign-out"        // on demand, by itself after a while, or as Postern ended
	Viewed    What = "view"            // a conversation was shown
	Copied    What = "copy"            // a conversation left Postern as a file
	Printed   What = "print"           // printing was asked for by a button of Postern's, on whatever page
	Exported  What = "export"          // this record left Postern as a file

	PassphraseChanged What = "passphrase"
	SheetMade         What = "recovery.sheet" // a new recovery code; the one before ended
	Recovered         What = "recovery"       // signed in with a recovery code, which ended
	KeychainOn        What = "keychain.on"    // from then on the computer's keychain opens a member's profile, too
	KeychainOff       What = "keychain.off"   // by the person; another passphrase ends it, too

	// What the registrar did to the practice's documents. Ref is whom or what it was done to.
	Added     What = "directory.add"
	Changed   What = "directory.change"
	Removed   What = "directory.remove"
	Invited   What = "directory.invite"
	Withdrawn What = "directory.withdraw" // an invitation
	Revoked   What = "directory.revoke"   // a device
)

// Whats are all of them, in the order in which they are offered.
func Whats() []What {
	return []What{SignedIn, Refused, SignedOut, Viewed, Copied, Printed, Exported, PassphraseChanged, SheetMade, Recovered,
		KeychainOn, KeychainOff, Added, Changed, Removed, Invited, Withdrawn, Revoked}
}

// directory reports whether an entry of this sort says what was done to whom.
func (w What) directory() bool { return strings.HasPrefix(string(w), "directory.") }

// about reports whether an entry of this sort names a patient's conversation.
func (w What) about() bool { return w == Viewed || w == Copied }

// Entry is one thing that was done.
type Entry struct {
	No      int64 // from 1, without a gap
	At      time.Time
	What    What
	Who     care.PersonID
	Times   int            // of Refused: how often
	Patient care.PatientID // of Viewed and Copied: whose conversation
	Part    care.EventID   // and which
	Ref     string         // of a change of the directory: the id of a person, an office, a patient, an invitation or a practice, or a key's fingerprint
}

// wire is an entry as it is hashed. The order of its fields is the format's.
type wire struct {
	V       int            `json:"v"`
	No      int64          `json:"no"`
	At      string         `json:"at"`
	What    What           `json:"what"`
	Who     care.PersonID  `json:"who"`
	Times   int            `json:"times,omitempty"`
	Patient care.PatientID `json:"patient,omitempty"`
	Part    string         `json:"part,omitempty"`
	Ref     string         `json:"ref,omitempty"`
}

const (
	version = 1
	instant = "2006-01-02T15:04:05.000Z"
)

// encode gives the one spelling of an entry, and an error for one that Decode would refuse.
func encode(e Entry) ([]byte, error) {
	raw, err := json.Marshal(wire{V: version, No: e.No, At: e.At.UTC().Format(instant), What: e.What, Who: e.Who, Times: e.Times,
		Patient: e.Patient, Part: e.Part.String(), Ref: e.Ref})
	if err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	_, err = Decode(raw)
	return raw, err
}

// Decode reads an entry. What is not spelt exactly as this version spells it is refused.
func Decode(raw []byte) (Entry, error) {
	var w wire
	if err := json.Unmarshal(raw, &w); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	again, err := json.Marshal(w)
	if err != nil || !bytes.Equal(again, raw) {
		return Entry{}, fmt.Errorf("decode entry: another spelling")
	}
	e := Entry{No: w.No, What: w.What, Who: w.Who, Times: w.Times, Patient: w.Patient, Ref: w.Ref}
	if e.At, err = time.Parse(instant, w.At); err != nil || e.At.Format(instant) != w.At {
		return Entry{}, fmt.Errorf("decode entry: its time is %q", w.At)
	}
	if err := e.Part.UnmarshalText([]byte(w.Part)); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	if w.V != version {
		return Entry{}, fmt.Errorf("decode entry: version %d", w.V)
	}
	return e, e.check()
}

// Check says why an entry cannot be written, whatever its number.
func (e Entry) Check() error {
	e.No = 1
	return e.check()
}

func (e Entry) check() error {
	if !slices.Contains(Whats(), e.What) {
		return fmt.Errorf("decode entry: %q is not a thing that is recorded", e.What)
	}
	switch {
	case e.No < 1:
		return fmt.Errorf("decode entry: its number is %d", e.No)
	case !care.ValidID("ps", string(e.Who)):
		return fmt.Errorf("decode entry: its person is %q", e.Who)
	case (e.Times > 0) != (e.What == Refused) || e.Times < 0:
		return fmt.Errorf("decode entry: %s %d times", e.What, e.Times)
	case e.What.about() != care.ValidID("pt", string(e.Patient)) || !e.What.about() && e.Patient != "":
		return fmt.Errorf("decode entry: %s of patient %q", e.What, e.Patient)
	case e.What.directory() != (e.Ref != "") || e.Ref != "" && !validRef(e.Ref):
		return fmt.Errorf("decode entry: %s of %q", e.What, e.Ref)
	case e.What.about() == e.Part.IsZero():
		return fmt.Errorf("decode entry: %s of conversation %q", e.What, e.Part)
	}
	return nil
}

// validRef reports whether a text is an id of ours, and so nothing that somebody typed.
func validRef(ref string) bool {
	if _, err := care.ParseEventID(ref); err == nil {
		return true // a key's fingerprint is spelt as an event's id is
	}
	prefix, _, _ := strings.Cut(ref, "_")
	return slices.Contains([]string{"ps", "of", "pt", "iv", "pr"}, prefix) && care.ValidID(prefix, ref)
}
