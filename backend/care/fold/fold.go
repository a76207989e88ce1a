// Package fold gives events their only meaning: from the set of a thread's events to what everyone sees.
//
// It is pure and total: no input or output, no clock, no dependence on order of arrival or on duplicates. Every
// replica that holds the same events and the same directory folds the same conversation; where a mailbox holds only
// what the member's side may read, what both sides share comes out alike, because nothing shared is decided by an
// event that only the office has (the one exception: see delivery.failed in answers.go).
//
// The steps, a file each: judge.go says which events count, graph.go what each author had seen and the order shown,
// bridge.go what ordinary e-mail adds, place.go which part each message stands in, contest.go who wins a compare-and-set, answers.go what a part awaits,
// dump.go the text that two replicas are compared by.
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

	// Withdrawn, with Verdict Waiting: the author's key is revoked. Role, Member and Flags are set as if it were
	// accepted, and the fold accepts the event if an accepted vouch of the same thread, for this key, lists its id or
	// carries its bytes.
	Withdrawn bool
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
	// What is meant for everyone goes to OfficeMailbox and Readers.
	Readers       []care.MailboxID // the member's side who may read now, sorted
	OfficeMailbox care.MailboxID   // the opening's mailbox that is not a reader's
	ReadersEvent  care.EventID     // the thread.readers in force; zero: the opening
	ReadOnly      bool             // the care team wrote a kind that must be understood and is not: "Update Postern"
	Newer         bool             // a member did; nobody is kept from writing by it
	Gaps          []care.EventID   // named, not held
	Waiting       []care.EventID   // held, not yet judged: their authors are not known here
	Refused       []care.EventID   // held, and they do not count
	Overstepped   []Overstep       // those of them that answer what their author may not
	// Heads are what after names in the next event that the member's side may read, AllHeads in one for the office
	// alone: sorted, at most event.MaxAfter, the latest where there are more.
	Heads    []care.EventID
	AllHeads []care.EventID
	Parts    []Part // the thread itself first, then its follow-ups, by their first message
}

// Overstep is an answer that does not count: its author may answer administrative topics only.
type Overstep struct {
	ID care.EventID
	As care.PersonID
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

	// Order names all messages, notes, completions and reopenings of the part in the order shown; each of the lists
	// below has that order too.
	Order       []care.EventID
	Messages    []Message
	Notes       []NoteShown
	Completions []Completion
	Reopenings  []Reopening

	Owner      care.PersonID // empty: nobody
	OwnerEvent care.EventID  // what the next thread.owner names in over; zero: none yet
	OwnerAt    time.Time
	Lost       []LostClaim // claims that did not win, in the order shown, for telling their authors

	Flagged    bool
	FlagReason care.Text
	FlagEvent  care.EventID

	Notices []NoticeShown // that went out by ordinary e-mail, in the order shown
	Bridged []Bridged     // replies that came by it and were not accepted, each once, in the order shown; Order names them too
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
	Answered bool          // of the member's side: in the past of a later message of the office, or covered by a completion in force
	SeenAt   time.Time     // of the office, and the member's side has seen it; zero: not known
	SeenBy   care.PersonID // who saw it first
	Flags    []string
	Failures []Failure
	TakenBy  care.PersonID // it came by ordinary e-mail, and this one of the care team took it as the member's word
	Overdue  *Overdue      // of the member's side: no reply came in time, and somebody was told
	Mail     *Bridged      // what came, without its text; nil where that is not held: on the member's side, or because it never came
}

// NoticeShown is an ordinary e-mail that told somebody of the member's side that there is something to read.
type NoticeShown struct {
	ID      care.EventID
	At      time.Time
	Message care.EventID
	Mailbox care.MailboxID
	Reply   string // the hash of the token that answers it; empty: it takes no reply
	Until   time.Time
	Failure []Failure // the mail system gave it back
}

// Bridged is a reply that came by ordinary e-mail and is nobody's word yet, or was declined.
type Bridged struct {
	ID         care.EventID
	Notice     care.EventID
	Mailbox    care.MailboxID // to whose owner the notice went; empty while that is not held
	Received   time.Time
	From       string
	Known      bool
	Checks     []string
	Text       care.Text
	Cut        bool
	Files      []event.File
	Left       []event.Left
	Large      int64         // the bytes of an e-mail that was too large to be read
	DeclinedBy care.PersonID // empty: it waits for somebody to accept or decline it
}

// Overdue says that no reply came by the time that was promised.
type Overdue struct {
	At   time.Time
	Told []care.PersonID // by ordinary e-mail, sorted
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
	Undone  bool // a reopening of the part names it
	// Its closing line is a letter of the office: as of a message.
	SeenAt   time.Time
	SeenBy   care.PersonID
	Failures []Failure
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
