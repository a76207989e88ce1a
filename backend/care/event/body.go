package event

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
)

// maxWords is how many characters of a mail system's answer a delivery.failed carries.
const maxWords = 1000

// body is what every known kind's body can do.
type body interface {
	// check says what is wrong with a body in its event.
	check(e *Event) error
	// canonical gives a copy as the bytes will hold it: lists sorted, times in milliseconds.
	canonical() body
}

// sort is what the decoder knows of a kind: the type of its body and how to read one.
type sort struct {
	of   reflect.Type
	read func(raw []byte) (body, error)
}

func of[T body]() sort {
	return sort{of: reflect.TypeFor[T](), read: func(raw []byte) (body, error) {
		var b T
		err := json.Unmarshal(raw, &b)
		return b, err
	}}
}

// bodies holds the known kinds: a kind is known if it is here.
var bodies = map[Kind]sort{
	Opened:    of[OpenedBody](),
	Sent:      of[SentBody](),
	Received:  of[ReceivedBody](),
	DueChange: of[DueBody](),
	Seen:      of[SeenBody](),
	Owner:     of[OwnerBody](),
	Flag:      of[FlagBody](),
	Readers:   of[ReadersBody](),
	Note:      of[NoteBody](),
	Completed: of[CompletedBody](),
	Reopened:  of[ReopenedBody](),
	Failed:    of[FailedBody](),
	Vouch:     of[VouchBody](),
}

// An opening goes to one office and to the readers that it names.
func (b OpenedBody) check(e *Event) error {
	if !care.ValidID("of", string(b.Office)) {
		return refuse("office is not an id")
	}
	if b.Subject == "" {
		return refuse("subject is missing")
	}
	if err := checkMailboxes("readers", b.Readers); err != nil {
		return err
	}
	for _, r := range b.Readers {
		if _, ok := slices.BinarySearch(e.To, r); !ok {
			return refuse("names a reader whom it does not go to")
		}
	}
	if len(e.To) != len(b.Readers)+1 {
		return refuse("does not go to exactly one mailbox beside its readers")
	}
	return nil
}

func (b OpenedBody) canonical() body {
	b.Readers = emptyNotNil(sortedMailboxes(b.Readers))
	return b
}

func (b SentBody) check(*Event) error {
	if b.Text == "" && len(b.Files) == 0 {
		return refuse("has neither text nor file")
	}
	for _, f := range b.Files {
		if f.Name == "" || f.Size < 0 || len(f.Pieces) == 0 {
			return refuse("has a file without name, size or pieces")
		}
		for _, hash := range append([]string{f.SHA256}, f.Pieces...) {
			if _, err := care.ParseEventID(hash); err != nil {
				return refuse("has a file whose hash is not 52 characters of base32")
			}
		}
	}
	return checkIDs("basis", b.Basis)
}

func (b SentBody) canonical() body {
	b.Basis = sortedIDs(b.Basis)
	if len(b.Files) == 0 {
		b.Files = nil
	}
	return b
}

func (b ReceivedBody) check(*Event) error {
	switch {
	case b.Message.IsZero():
		return refuse("message is missing")
	case b.Received.IsZero():
		return refuse("received is missing")
	}
	return checkPerson("cover", b.Cover)
}

func (b ReceivedBody) canonical() body {
	b.Received, b.Due = normalInstant(b.Received), normalInstant(b.Due)
	return b
}

// wireReceived is a ReceivedBody with times as the format spells them. Without a due time none can be named yet.
type wireReceived struct {
	Message  care.EventID  `json:"message"`
	Received instant       `json:"received"`
	Due      instant       `json:"due,omitzero"`
	Cover    care.PersonID `json:"cover,omitempty"`
}

// MarshalJSON spells the times in milliseconds, UTC.
func (b ReceivedBody) MarshalJSON() ([]byte, error) {
	return compact(wireReceived{b.Message, instant(b.Received), instant(b.Due), b.Cover})
}

// UnmarshalJSON takes times in that spelling only.
func (b *ReceivedBody) UnmarshalJSON(raw []byte) error {
	var w wireReceived
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = ReceivedBody{w.Message, time.Time(w.Received), time.Time(w.Due), w.Cover}
	return nil
}

func (b DueBody) check(*Event) error {
	switch {
	case b.Message.IsZero():
		return refuse("message is missing")
	case b.Over.IsZero():
		return refuse("over is missing")
	}
	return nil
}

func (b DueBody) canonical() body {
	b.Due = normalInstant(b.Due)
	return b
}

// wireDue is a DueBody with its time as the format spells it. Without a due time none can be named any more.
type wireDue struct {
	Message care.EventID `json:"message"`
	Due     instant      `json:"due,omitzero"`
	Reason  care.Text    `json:"reason"`
	Over    care.EventID `json:"over"`
}

// MarshalJSON spells the time in milliseconds, UTC.
func (b DueBody) MarshalJSON() ([]byte, error) {
	return compact(wireDue{b.Message, instant(b.Due), b.Reason, b.Over})
}

// UnmarshalJSON takes a time in that spelling only.
func (b *DueBody) UnmarshalJSON(raw []byte) error {
	var w wireDue
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = DueBody{w.Message, time.Time(w.Due), w.Reason, w.Over}
	return nil
}

func (b SeenBody) check(*Event) error {
	if b.Message.IsZero() {
		return refuse("message is missing")
	}
	return nil
}

func (b SeenBody) canonical() body { return b }

func (b OwnerBody) check(*Event) error { return checkPerson("who", b.Who) }

func (b OwnerBody) canonical() body { return b }

func (b FlagBody) check(*Event) error { return nil }

func (b FlagBody) canonical() body { return b }

func (b ReadersBody) check(*Event) error { return checkMailboxes("readers", b.Readers) }

func (b ReadersBody) canonical() body {
	b.Readers = emptyNotNil(sortedMailboxes(b.Readers))
	return b
}

// A note goes to one mailbox, so that a member's letter of it cannot be made.
func (b NoteBody) check(e *Event) error {
	switch {
	case b.Text == "":
		return refuse("text is missing")
	case len(e.To) != 1:
		return refuse("is a note to %d mailboxes", len(e.To))
	}
	return nil
}

func (b NoteBody) canonical() body { return b }

func (b CompletedBody) check(*Event) error {
	if b.Closing == "" {
		return refuse("closing is missing")
	}
	return checkIDs("covers", b.Covers)
}

func (b CompletedBody) canonical() body {
	b.Covers = emptyNotNil(sortedIDs(b.Covers))
	return b
}

func (b ReopenedBody) check(*Event) error {
	if len(b.Undoes) == 0 {
		return refuse("undoes nothing")
	}
	return checkIDs("undoes", b.Undoes)
}

func (b ReopenedBody) canonical() body {
	b.Undoes = sortedIDs(b.Undoes)
	return b
}

func (b FailedBody) check(*Event) error {
	switch {
	case b.Event.IsZero():
		return refuse("event is missing")
	case !care.ValidID("mb", string(b.Mailbox)):
		return refuse("mailbox is not an id")
	}
	return nil
}

// A mail system's words may be any bytes and any length: what cannot travel is put right, so that no failure goes unsaid.
func (b FailedBody) canonical() body {
	words := []rune(strings.ToValidUTF8(b.Reason, "?"))
	b.Reason = string(words[:min(len(words), maxWords)])
	return b
}

func (b VouchBody) check(*Event) error {
	switch {
	case len(b.IDs)+len(b.Events) == 0:
		return refuse("vouches for nothing")
	case len(b.IDs) > 0 && b.Key.IsZero():
		return refuse("key is missing")
	}
	for _, s := range b.Events {
		if len(s.Event) == 0 || len(s.Signature) != 64 {
			return refuse("carries an event without bytes or signature")
		}
	}
	return checkIDs("ids", b.IDs)
}

func (b VouchBody) canonical() body {
	b.IDs = sortedIDs(b.IDs)
	if len(b.Events) == 0 {
		b.Events = nil
	}
	return b
}

func checkPerson(field string, id care.PersonID) error {
	if id != "" && !care.ValidID("ps", string(id)) {
		return refuse("%s is not an id", field)
	}
	return nil
}

// emptyNotNil keeps a list that is always written from becoming null.
func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
