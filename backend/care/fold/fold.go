// Package fold gives events their only meaning: from the set of a thread's events to what everyone sees.
//
// It is pure and total: no input or output, no clock, no dependence on order of arrival or on duplicates. Every
// replica that holds the same events and the same directory folds the same conversation.
package fold

import (
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Verdict says whether an event counts.
type Verdict string

// The verdicts. Waiting is judged again when the directory changes; Refused goes to quarantine.
const (
	Accepted Verdict = "accepted"
	Waiting  Verdict = "waiting"
	Refused  Verdict = "refused"
)

// Standing is what an authority says of an event's author.
type Standing struct {
	Verdict Verdict
	Role    care.Role // accepted: what the author's certificate states
	Member  bool      // accepted: writes on the member's side
	Reason  string    // waiting, refused: why, in words
	Flags   []string  // accepted, but a person should look: "No current relation with this office"
}

// Authority answers who may do what, from the newest known directory and the event alone, never from a position
// in a mailbox. The fold calls it for every event, in no promised order.
type Authority interface {
	Standing(e *event.Event) Standing
}

// Conversation is an opening with all its follow-ups. Every slice has a fixed order, so equal sets give equal values.
type Conversation struct {
	Thread   care.ThreadID
	Practice care.PracticeID
	Opened   bool // the opening has arrived; until then only Parts' messages are known
	Patient  care.PatientID
	Office   care.OfficeID
	Subject  care.Text
	Topic    care.Topic
	Opener   care.PersonID
	OpenedAt time.Time
	// Mailboxes is the office's and the readers', sorted: where events for everyone go.
	Readers       []care.MailboxID
	OfficeMailbox care.MailboxID // the opening's mailbox that is not a reader's
	ReadersEvent  care.EventID   // the thread.readers in force; zero: the opening
	ReadOnly      bool           // a kind that must be understood is not: "Update Postern"
	Gaps          []care.EventID // named, not held
	Waiting       []care.EventID // held, not yet judged: their authors are not known here
	Refused       []care.EventID // held, and they do not count
	// Heads are what after names in the next event: by the events that the member may read, and by all of them.
	Heads    []care.EventID
	AllHeads []care.EventID
	Parts    []Part // the thread itself first, then its follow-ups, by their first message
}

// Side says who is awaited.
type Side string

// Who is awaited; Nobody in a completed part.
const (
	Nobody Side = ""
	Office Side = "office"
	Member Side = "member"
)

// Part is the thread itself or one of its follow-ups.
type Part struct {
	ID       care.EventID // the thread's id, or the follow-up's derived one
	Of       care.EventID // the part whose completion it crossed; zero for the thread itself
	Open     bool
	Awaits   Side
	Due      time.Time // the earliest due time among the unanswered; zero: none known yet
	Answered bool      // the office has written, and nothing of the member's side is unanswered

	Messages    []Message // in the order shown
	Notes       []NoteShown
	Completions []Completion
	Reopenings  []Reopening

	Owner      care.PersonID // empty: nobody
	OwnerEvent care.EventID  // what the next thread.owner names in over; zero: none yet
	OwnerAt    time.Time
	Lost       []LostClaim // claims that did not win, for telling their authors

	Flagged    bool
	FlagReason care.Text
	FlagEvent  care.EventID
}

// Message is one message.sent as it is shown.
type Message struct {
	ID       care.EventID
	As       care.PersonID
	Role     care.Role
	Member   bool // of the member's side
	At       time.Time
	Text     care.Text
	Files    []event.File
	Receipt  *Receipt      // the earliest due time of all receipts and changes that apply
	Answered bool          // of the member's side, and in the past of a later message of the office
	SeenAt   time.Time     // of the office, and the member has seen it; zero: not known
	SeenBy   care.PersonID //
	Flags    []string
	Failures []Failure
}

// Receipt is the clinic's word that it has a message.
type Receipt struct {
	Event    care.EventID // the receipt or due change in force
	By       care.PersonID
	Received time.Time
	Due      time.Time
	Cover    care.PersonID
	Reason   care.Text // of a changed due time
}

// Failure is a letter that did not reach its mailbox.
type Failure struct {
	Mailbox care.MailboxID
	Reason  string
}

// NoteShown is an internal note.
type NoteShown struct {
	ID   care.EventID
	As   care.PersonID
	Role care.Role
	At   time.Time
	Text care.Text
}

// Completion is one thread.completed.
type Completion struct {
	ID      care.EventID
	As      care.PersonID
	Role    care.Role
	At      time.Time
	Covers  []care.EventID
	Closing care.Text
	Undone  bool
}

// Reopening is one thread.reopened.
type Reopening struct {
	ID     care.EventID
	As     care.PersonID
	At     time.Time
	Undoes []care.EventID
}

// LostClaim is an ownership event that lost a compare-and-set.
type LostClaim struct {
	ID  care.EventID
	By  care.PersonID // its author
	Who care.PersonID // whom it named
	To  care.PersonID // who owned instead
}

// Part returns the part with the given id; the zero id means the thread itself.
func (c *Conversation) Part(id care.EventID) (*Part, bool) {
	for i := range c.Parts {
		if c.Parts[i].ID == id || id.IsZero() && c.Parts[i].ID == c.Thread {
			return &c.Parts[i], true
		}
	}
	return nil, false
}
