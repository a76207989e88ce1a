// Package event holds the facts that travel: their kinds, their fields, their exact bytes and their ids.
//
// An event is one UTF-8 JSON object that its author signed; those bytes are kept and never written again from fields.
// Decode is strict, and everything that a stranger can send passes through it. The format: docs/format.md.
package event

import (
	"time"

	"postern/backend/care"
)

// Version is the wire version that this program writes.
const Version = 1

// MaxBytes is the most that an event's bytes may be.
const MaxBytes = 64 << 10

// MaxAfter is the most ids that after may name.
const MaxAfter = 64

// Kind names what happened.
type Kind string

// The kinds that this program understands. Others are kept and passed over.
const (
	Opened    Kind = "thread.opened"
	Sent      Kind = "message.sent"
	Received  Kind = "message.received"
	DueChange Kind = "due.changed"
	Seen      Kind = "message.seen"
	Owner     Kind = "thread.owner"
	Flag      Kind = "thread.flag"
	Readers   Kind = "thread.readers"
	Note      Kind = "note.added"
	Completed Kind = "thread.completed"
	Reopened  Kind = "thread.reopened"
	Failed    Kind = "delivery.failed"
	Vouch     Kind = "vouch"
)

// Event is one decoded fact. Raw is what was signed; everything else is read from it.
type Event struct {
	ID  care.EventID
	Raw []byte

	V        int
	Practice care.PracticeID
	Kind     Kind
	Crit     bool
	Thread   care.ThreadID    // the opening's id; of an opening, its own id; zero for a vouch about no thread
	Part     care.EventID     // the follow-up that it belongs to; zero: the thread itself
	Author   care.KeyID       // device key
	As       care.PersonID    // who wrote
	For      care.PatientID   // about whom
	At       time.Time        // the author's clock: shown, never decides
	To       []care.MailboxID // sorted
	After    []care.EventID   // sorted; the heads that the author had seen
	Dir      int              // the directory version that the author knew

	// Body is one of the …Body types below, by value, by Kind; nil where Kind is not known here.
	Body any
}

// Known reports whether this program understands the event's kind.
func (e *Event) Known() bool { return e.Body != nil }

// OpenedBody is the body of thread.opened. The first message.sent comes with it and names it.
type OpenedBody struct {
	Office  care.OfficeID    `json:"office"`
	Subject care.Text        `json:"subject"`
	Topic   care.Topic       `json:"topic,omitempty"`
	Readers []care.MailboxID `json:"readers"` // the member's side who may read, sorted
}

// SentBody is the body of message.sent.
type SentBody struct {
	Text  care.Text      `json:"text"`
	Basis []care.EventID `json:"basis,omitempty"` // a member's: the reopenings of the part that its author had seen
	Files []File         `json:"files,omitempty"`
}

// File is one attachment: its bytes travel as blobs. Hashes are spelt as ids are, in 52 characters.
type File struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Pieces []string `json:"pieces"`
}

// ReceivedBody is the body of message.received: the clinic has the message.
type ReceivedBody struct {
	Message  care.EventID  `json:"message"`
	Received time.Time     `json:"received"` // the server's date of the office's copy
	Due      time.Time     `json:"due"`      // zero: none can be named, the provider is away without end and without cover
	Cover    care.PersonID `json:"cover,omitempty"`
}

// DueBody is the body of due.changed: a compare-and-set on what it replaces.
type DueBody struct {
	Message care.EventID `json:"message"`
	Due     time.Time    `json:"due"` // zero: none can be named any more
	Reason  care.Text    `json:"reason"`
	Over    care.EventID `json:"over"` // the receipt or due change that it replaces
}

// SeenBody is the body of message.seen.
type SeenBody struct {
	Message care.EventID `json:"message"`
}

// OwnerBody is the body of thread.owner: claim, assign, hand back.
type OwnerBody struct {
	Who  care.PersonID `json:"who,omitempty"` // empty: nobody
	Over care.EventID  `json:"over,omitzero"` // the ownership event that it replaces; zero: none yet
}

// FlagBody is the body of thread.flag.
type FlagBody struct {
	On     bool         `json:"on"`
	Reason care.Text    `json:"reason,omitempty"`
	Over   care.EventID `json:"over,omitzero"`
}

// ReadersBody is the body of thread.readers.
type ReadersBody struct {
	Readers []care.MailboxID `json:"readers"`
	Over    care.EventID     `json:"over,omitzero"`
}

// NoteBody is the body of note.added.
type NoteBody struct {
	Text care.Text `json:"text"`
}

// CompletedBody is the body of thread.completed.
type CompletedBody struct {
	Covers  []care.EventID `json:"covers"` // the member's messages that its author had seen
	Closing care.Text      `json:"closing"`
}

// ReopenedBody is the body of thread.reopened.
type ReopenedBody struct {
	Undoes []care.EventID `json:"undoes"` // the completions that it voids
}

// FailedBody is the body of delivery.failed.
type FailedBody struct {
	Event   care.EventID   `json:"event"`
	Mailbox care.MailboxID `json:"mailbox"`
	Reason  string         `json:"reason"` // the mail system's words
}

// VouchBody is the body of vouch: it confirms events of a revoked key, or carries events again.
type VouchBody struct {
	Key    care.KeyID     `json:"key,omitzero"`
	IDs    []care.EventID `json:"ids,omitempty"`
	Events []Signed       `json:"events,omitempty"`
}

// Signed is an event's bytes with its author's signature; in JSON both are base64.
type Signed struct {
	Event     []byte `json:"event"`
	Signature []byte `json:"signature"`
}

// Audience says which mailboxes a kind goes to.
type Audience int

// The audiences. A note has exactly one mailbox, so a member's letter of it cannot be made.
const (
	ToOffice        Audience = iota // the office alone
	ToAll                           // the office and the readers
	ToOfficeAndSelf                 // the office and the author's own mailbox
	AsAddressed                     // whatever it names
)

// AudienceOf is the audience of a kind that this program writes.
func AudienceOf(k Kind) Audience {
	switch k {
	case Note, Owner, Flag, Failed:
		return ToOffice
	case Seen:
		return ToOfficeAndSelf
	case Vouch:
		return AsAddressed
	}
	return ToAll
}
