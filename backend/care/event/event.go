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
	Digest    Kind = "audit.digest"
	Notice    Kind = "notice.sent"
	Bridged   Kind = "reply.bridged"
	Accepted  Kind = "reply.accepted"
	Declined  Kind = "reply.declined"
	Choice    Kind = "notice.choice"
	Overdue   Kind = "reply.overdue"
	Health    Kind = "agent.health"
)

// Event is one decoded fact. Raw is what was signed; everything else is read from it.
type Event struct {
	ID  care.EventID
	Raw []byte

	V        int
	Practice care.PracticeID
	Kind     Kind
	Crit     bool
	Thread   care.ThreadID    // the opening's id; of an opening, its own id; zero for a vouch about no thread, a digest, a choice and an agent's health
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
	// Closed: all that Key had written by then, for Office or ("") for any, is confirmed, and nothing of it will be any more. It
	// stands alone, in a vouch about no thread.
	Closed time.Time     `json:"closed"`
	Office care.OfficeID `json:"office,omitempty"`
}

// DigestBody is the body of audit.digest: what a device of the care team tells the practice, each day on which it is used, of
// its own record of who looked at what. It names no patient.
type DigestBody struct {
	Day    string         `json:"day"`              // on which it was made, in the practice's zone: 2026-11-23
	First  int64          `json:"first"`            // the number of the first row that it tells of; Last+1 where there is none
	Last   int64          `json:"last"`             // the number of the record's last row
	Counts map[string]int `json:"counts"`           // of the rows from First on, by what was done
	Before string         `json:"before,omitempty"` // the hash of the row before First as it stands there now; absent where there is none
	Head   string         `json:"head,omitempty"`   // the hash of the last row; absent while there is none
	Broken int64          `json:"broken,omitempty"` // the first row that is not as it was written; absent: the whole record holds
	Over   care.EventID   `json:"over,omitzero"`    // the digest before, which told of the rows up to First-1; absent in the first
}

// NoticeBody is the body of notice.sent: an ordinary e-mail told somebody of the member's side that there is something to read. It
// says nothing of the address, which is the roster's.
type NoticeBody struct {
	Message care.EventID   `json:"message"`         // the newest of the office's words that it is about
	Mailbox care.MailboxID `json:"mailbox"`         // whose owner it went to
	Reply   string         `json:"reply,omitempty"` // the hash of the token in its Reply-To, spelt as an id is; absent: it takes no reply
	Until   time.Time      `json:"until"`           // when the token ends
}

// CheckAligned is the check of a bridged reply of which the agent itself found a valid DKIM signature of the domain in its From.
const CheckAligned = "aligned=pass"

// CheckRefuted is the check of one of which the clinic's mail system found that its From cannot be believed (DMARC).
const CheckRefuted = "dmarc=fail"

// BridgedBody is the body of reply.bridged: somebody answered a notice by ordinary e-mail. Until a person accepts it, it is what a
// stranger may have written.
type BridgedBody struct {
	Notice   care.EventID `json:"notice"`
	Mail     string       `json:"mail"`            // the hash of the e-mail, spelt as an id is: twice the same is once
	Received time.Time    `json:"received"`        // the mail system's date
	From     string       `json:"from"`            // the address that it says it is from
	Known    bool         `json:"known"`           // which is the one in the roster
	Checks   []string     `json:"checks"`          // what was found of its origin, as "dkim=pass" of RFC 8601; sorted
	Text     care.Text    `json:"text"`            // the sender's own words
	Cut      bool         `json:"cut,omitempty"`   // quotes or more were left out
	Files    []File       `json:"files,omitempty"` // that came with it
	Left     []Left       `json:"left,omitempty"`  // what else came with it and stayed behind
	Large    int64        `json:"large,omitempty"` // the bytes of an e-mail that was too large to be read: nothing else of it is here
}

// Left is a file that came with a bridged reply and stayed behind.
type Left struct {
	Name string `json:"name"`
	Why  string `json:"why"` // a word, of those below or of a newer Postern
}

// Why a file stayed behind.
const (
	LeftLarge  = "large"
	LeftMany   = "many"   // too many came
	LeftKind   = "kind"   // it is of no kind that Postern takes in
	LeftEmpty  = "empty"  // it has no bytes
	LeftQuoted = "quoted" // it stands only in what was quoted, or in a signature
	LeftCut    = "cut"    // it is no file, but what of the e-mail was not read any more
)

// AcceptedBody is the body of reply.accepted: somebody of the care team takes a bridged reply as the member's word. It goes to the
// member's side too, and is a message of it from then on.
type AcceptedBody struct {
	Reply care.EventID   `json:"reply"`
	Wrote care.PersonID  `json:"wrote"` // who is taken to have written it
	Text  care.Text      `json:"text"`
	Basis []care.EventID `json:"basis,omitempty"` // as of message.sent: the reopenings of the part that its author had seen
	Files []File         `json:"files,omitempty"` // those of the reply
}

// DeclinedBody is the body of reply.declined: somebody of the care team does not take it as the member's word.
type DeclinedBody struct {
	Reply care.EventID `json:"reply"`
}

// ChoiceBody is the body of notice.choice: whether the owner of a mailbox wants to be told of news by ordinary e-mail. They say so
// themself, or the agent does for who answered a notice so. It is about no conversation.
type ChoiceBody struct {
	Mailbox care.MailboxID `json:"mailbox"`
	On      bool           `json:"on"`
}

// OverdueBody is the body of reply.overdue: no reply came by the time that was promised, and who of the care team was told so by ordinary
// e-mail.
type OverdueBody struct {
	Message care.EventID    `json:"message"` // of the member's side
	Told    []care.PersonID `json:"told"`    // sorted; empty: there was no address to tell anybody at
}

// HealthBody is the body of agent.health: how an agent stands, as it says itself. It names no patient and is about no conversation,
// and of each agent the newest counts alone.
type HealthBody struct {
	Version string    `json:"version"`           // of its Postern
	Named   bool      `json:"named"`             // it is the agent that the directory names, as far as it knows
	Wrong   []string  `json:"wrong"`             // what wants a person, a word each; sorted
	Fetched time.Time `json:"fetched"`           // when the mailbox that was read longest ago was read; zero: one was not read yet
	Sent    time.Time `json:"sent"`              // when a letter was last handed over; zero: none was since it started
	Letters int       `json:"letters,omitempty"` // that wait to be handed over
	Oldest  time.Time `json:"oldest"`            // of these; zero where there is none
	Mails   int       `json:"mails,omitempty"`   // ordinary e-mails that wait
	Reads   bool      `json:"reads,omitempty"`   // it reads the ordinary mailbox where its notices are answered
	Read    time.Time `json:"read"`              // when it last read that to its end; zero: not since it started
	Mailed  time.Time `json:"mailed"`            // when an ordinary e-mail was last handed over; zero: none was since it started
	Filled  int       `json:"filled,omitempty"`  // how full its fullest mailbox is, in hundredths; 0: the mail system does not tell
	Ends    time.Time `json:"ends"`              // when the mail system's certificate does; zero: not known
	Disk    int64     `json:"disk"`              // bytes that are free where its data lies
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
	case Note, Owner, Flag, Failed, Notice, Bridged, Declined, Overdue:
		return ToOffice
	case Seen:
		return ToOfficeAndSelf
	case Vouch, Digest, Choice, Health:
		return AsAddressed
	}
	return ToAll
}
