package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
)

// MaxTo is the most mailboxes that an event may name.
const MaxTo = 64

// DecodeError says why bytes are not an event. The reason names fields and never repeats what a person wrote.
type DecodeError struct{ Reason string }

// Error gives the reason.
func (e *DecodeError) Error() string { return "event " + e.Reason }

func refuse(format string, args ...any) error {
	return &DecodeError{Reason: fmt.Sprintf(format, args...)}
}

// wire is an event as it stands in its bytes, in this order.
type wire struct {
	V        int              `json:"v"`
	Practice care.PracticeID  `json:"practice,omitempty"`
	Kind     Kind             `json:"kind,omitempty"`
	Crit     bool             `json:"crit,omitempty"`
	Thread   care.ThreadID    `json:"thread,omitzero"`
	Part     care.EventID     `json:"part,omitzero"`
	Author   care.KeyID       `json:"author,omitzero"`
	As       care.PersonID    `json:"as,omitempty"`
	For      care.PatientID   `json:"for,omitempty"`
	At       instant          `json:"at,omitzero"`
	To       []care.MailboxID `json:"to,omitempty"`
	After    []care.EventID   `json:"after,omitempty"`
	Dir      int              `json:"dir"`
	Body     json.RawMessage  `json:"body,omitempty"`
}

// Decode reads the bytes that an author signed. It takes anything and never panics; what it refuses, it refuses with a
// *DecodeError. It keeps raw, which must not be changed afterwards.
//
// An event of an unknown kind has a nil Body. Of an unknown version, which must be above ours, only ID, Raw and V are
// set, and Practice and To where they read as they do in ours. Unknown fields are passed over; they stay in Raw.
func Decode(raw []byte) (*Event, error) {
	if len(raw) > MaxBytes {
		return nil, refuse("is larger than %d bytes", MaxBytes)
	}
	odd, err := strict(raw)
	if err != nil {
		return nil, err
	}
	var w wire
	unread := json.Unmarshal(raw, &w)
	if unread != nil { // a later version may give its fields other types
		var only struct {
			V int `json:"v"`
		}
		if err := json.Unmarshal(raw, &only); err != nil {
			return nil, refuse("has no version")
		}
		w.V = only.V
	}
	switch {
	case w.V < Version:
		return nil, refuse("has no version")
	case w.V > Version:
		return newer(raw, w.V), nil
	case odd.envelope != nil:
		return nil, odd.envelope
	case unread != nil:
		return nil, misread("", unread)
	}
	e := &Event{
		ID: IDOf(raw), Raw: raw, V: w.V, Practice: w.Practice, Kind: w.Kind, Crit: w.Crit, Thread: w.Thread,
		Part: w.Part, Author: w.Author, As: w.As, For: w.For, At: time.Time(w.At), To: w.To, After: w.After, Dir: w.Dir,
	}
	if err := e.checkEnvelope(); err != nil {
		return nil, err
	}
	kind, known := bodies[e.Kind]
	if !known {
		return e, nil
	}
	if odd.body != nil {
		return nil, odd.body
	}
	if len(w.Body) == 0 || w.Body[0] != '{' {
		return nil, refuse("has no body")
	}
	b, err := kind.read(w.Body)
	if err != nil {
		return nil, misread("body.", err)
	}
	if err := e.checkPlace(); err != nil {
		return nil, err
	}
	if err := b.check(e); err != nil {
		return nil, err
	}
	e.Body = b
	if e.Kind == Opened {
		e.Thread = e.ID
	}
	return e, nil
}

// newer is an event of a higher version. To whom it goes is read if it can be: what is not for a reader need not be kept
// until that reader's program is newer too.
func newer(raw []byte, v int) *Event {
	e := &Event{ID: IDOf(raw), Raw: raw, V: v}
	var w struct {
		Practice json.RawMessage `json:"practice"`
		To       json.RawMessage `json:"to"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return e
	}
	var practice care.PracticeID
	if json.Unmarshal(w.Practice, &practice) == nil && care.ValidID("pr", string(practice)) {
		e.Practice = practice
	}
	var to []care.MailboxID
	if json.Unmarshal(w.To, &to) == nil && len(to) > 0 && checkMailboxes("to", to) == nil {
		e.To = to
	}
	return e
}

// checkEnvelope checks what holds for every kind, also for those that are not known.
func (e *Event) checkEnvelope() error {
	switch {
	case !care.ValidID("pr", string(e.Practice)):
		return refuse("practice is not an id")
	case !validKind(e.Kind):
		return refuse("kind is not a name")
	case e.Author.IsZero():
		return refuse("author is missing")
	case !care.ValidID("ps", string(e.As)):
		return refuse("as is not an id")
	case e.For != "" && !care.ValidID("pt", string(e.For)):
		return refuse("for is not an id")
	case e.At.IsZero():
		return refuse("at is missing")
	case len(e.To) == 0 || len(e.To) > MaxTo:
		return refuse("to names %d mailboxes", len(e.To))
	case len(e.After) > MaxAfter:
		return refuse("after names %d events", len(e.After))
	case e.Dir < 0:
		return refuse("dir is below zero")
	case !e.Part.IsZero() && e.Part == e.Thread:
		return refuse("part names the thread itself")
	case !e.Part.IsZero() && e.Thread.IsZero():
		return refuse("has a part and no thread")
	}
	if err := checkMailboxes("to", e.To); err != nil {
		return err
	}
	return checkIDs("after", e.After)
}

// checkPlace checks where an event of a known kind stands.
func (e *Event) checkPlace() error {
	switch {
	case e.Kind == Opened && (!e.Thread.IsZero() || !e.Part.IsZero() || len(e.After) > 0):
		return refuse("opens a thread and names one")
	case (e.Kind == Digest || e.Kind == Health) && (!e.Thread.IsZero() || e.For != "" || len(e.After) > 0):
		return refuse("is a %s and names a thread, a patient or events", e.Kind)
	case e.Kind == Digest || e.Kind == Health:
		return nil
	case e.Kind == Choice && (!e.Thread.IsZero() || e.For == "" || len(e.After) > 0):
		return refuse("is a choice and names a thread or events, or no patient")
	case e.Kind == Choice:
		return nil
	case e.Kind != Opened && e.Kind != Vouch && e.Thread.IsZero():
		return refuse("thread is missing")
	case e.Kind != Vouch && e.For == "":
		return refuse("for is missing")
	}
	return nil
}

func validKind(k Kind) bool {
	if k == "" || len(k) > 64 {
		return false
	}
	for i := range len(k) {
		if c := k[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func checkMailboxes(field string, ids []care.MailboxID) error {
	for i, id := range ids {
		if !care.ValidID("mb", string(id)) {
			return refuse("%s holds what is not a mailbox's id", field)
		}
		if i > 0 && id <= ids[i-1] {
			return refuse("%s is not sorted", field)
		}
	}
	return nil
}

func checkIDs(field string, ids []care.EventID) error {
	for i, id := range ids {
		if id.IsZero() {
			return refuse("%s holds an empty id", field)
		}
		if i > 0 && id.Compare(ids[i-1]) <= 0 {
			return refuse("%s is not sorted", field)
		}
	}
	return nil
}

// misread puts the decoder's complaint into words of ours, which repeat nothing of the content.
func misread(prefix string, err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return refuse("%s%s has the wrong type", prefix, wrongType.Field)
	}
	var own *DecodeError
	if errors.As(err, &own) {
		return own
	}
	return refuse("%scannot be read: an id or a time is not spelt as it must be", prefix)
}

// instant is a time as the format spells it: RFC 3339, UTC, milliseconds, in 24 characters.
type instant time.Time

const instantLayout = "2006-01-02T15:04:05.000Z"

// normalInstant is t as its spelling gives it back.
func normalInstant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// IsZero lets the encoder leave out what was not set.
func (t instant) IsZero() bool { return time.Time(t).IsZero() }

// MarshalText gives the one spelling.
func (t instant) MarshalText() ([]byte, error) {
	n := normalInstant(time.Time(t))
	if y := n.Year(); y < 1 || y > 9999 {
		return nil, refuse("holds a time in the year %d", y)
	}
	return []byte(n.Format(instantLayout)), nil
}

// UnmarshalText takes the one spelling.
func (t *instant) UnmarshalText(b []byte) error {
	got, err := time.Parse(instantLayout, string(b))
	if err != nil || got.IsZero() || got.Year() < 1 || got.Format(instantLayout) != string(b) {
		return refuse("holds a time that is not spelt as 2006-01-02T15:04:05.000Z")
	}
	*t = instant(got)
	return nil
}

func sortedIDs(ids []care.EventID) []care.EventID {
	if len(ids) == 0 {
		return nil // one spelling of nothing
	}
	return care.SortEventIDs(slices.Clone(ids))
}

func sortedMailboxes(ids []care.MailboxID) []care.MailboxID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}
