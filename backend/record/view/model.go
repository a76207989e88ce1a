package view

import (
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
)

// State is what a person reads of a conversation or message: where it stands, in one word for code.
type State string

// The states. A screen turns each into icon + words.
const (
	StateDraft     State = "draft"     // not sent; a draft
	StateHeld      State = "held"      // sent by its author, still in its hold: Undo, Send now
	StateWaiting   State = "waiting"   // past its hold and not gone out: waits for a connection, or the mail system takes it later
	StateReview    State = "review"    // not sent: something came in, or it grew old; its author decides. Why says what
	StateSending   State = "sending"   // a fact that goes out in this moment: nothing of it can be taken back
	StateHanded    State = "handed"    // the mail system has it; the clinic has not confirmed: "Sent"
	StateDelivered State = "delivered" // the clinic confirmed: Due is known
	StateReplied   State = "replied"   // the office wrote last: By
	StateCompleted State = "completed" // By completed it
	StateFailed    State = "failed"    // a letter did not reach its mailbox: Why says the words and what to do
	StateOpen      State = "open"      // none of these, for example a thread that the office opened
)

// Row is a conversation (a part) in a list: the member's Message Center or a queue of the staff.
type Row struct {
	Thread care.ThreadID
	Part   care.EventID // the address of the conversation; zero for a draft or a text that has not become an event
	Draft  string       // of a draft, held or waiting text that is not yet a conversation: its id

	Office  care.Office
	Patient care.Patient
	Subject care.Text
	Topic   care.Topic
	Snippet care.Text // the beginning of the newest message; in a search, the words around the hit
	At      time.Time // when its newest message was written or the conversation completed
	Unread  bool

	State State
	By    care.Person // who replied or completed
	Why   string

	FollowUp bool // a follow-up of a completed conversation
	Flagged  bool
	Flags    []string // "No current relation with this office"
	Owner    care.Person
	Mine     bool // the viewer owns it
	Open     bool
	Awaits   fold.Side
	Due      time.Time     // zero: none known
	Left     time.Duration // business time until Due; negative: over. Only with Due
	HasNotes bool
	Unseen   bool // for staff: the member has not read a message of the office's within two business days
}

// Unopened reports whether the conversation's opening has not arrived: with whom it is and about what is not known, and nobody
// can write in it.
func (r Row) Unopened() bool { return !r.Part.IsZero() && r.Office.ID == "" }

// Held is a text that its author sent and that is not yet an event.
type Held struct {
	Draft   string
	What    string // "message", "reply", "completion"
	Thread  care.ThreadID
	Part    care.EventID
	Office  care.Office
	Patient care.Patient
	Subject care.Text
	Topic   care.Topic
	Text    care.Text
	Written time.Time
	Until   time.Time // end of the hold
	State   State     // StateHeld, StateWaiting or StateReview
	Why     string    // StateReview: what came in
}

// ItemKind says what an item of a conversation is.
type ItemKind string

// The items, in the order shown among each other by time.
const (
	ItemMessage  ItemKind = "message"
	ItemNote     ItemKind = "note"     // staff only
	ItemComplete ItemKind = "complete" // its Text is the closing line, drawn as a letter of the office
	ItemReopen   ItemKind = "reopen"
	ItemBridged  ItemKind = "bridged" // staff only: a reply that came by ordinary e-mail and is nobody's word yet
)

// Item is one thing in a conversation.
type Item struct {
	Kind     ItemKind
	ID       care.EventID
	By       care.Person
	Own      bool // written by the viewer
	Member   bool // of the member's side
	Proxy    bool // of the member's side, and not by the patient themself
	At       time.Time
	Text     care.Text
	Files    []File
	State    State // of a message: sending, waiting, handed, delivered, replied, failed
	Why      string
	Received time.Time // of a delivered message
	Due      time.Time
	Moved    care.Text   // why Due is another than it was promised first; empty: it is not
	Cover    care.Person // who covers, of a receipt that names one
	SeenAt   time.Time   // of the office's message: when the member read it
	Unseen   bool        // of the office's message, for staff: the member has not read it within two business days
	Unread   bool
	Undone   bool // of a completion
	Flags    []string

	TakenBy care.Person // of a message that came by ordinary e-mail: who took it as the member's word
	Mail    *Mail       // of ItemBridged, and for staff of what was accepted: what came
	Overdue *Overdue    // of the member's message, for staff: no reply came in time, and who was told
	Told    *Told       // of the office's message, for staff: the member was told of it by ordinary e-mail
}

// File is a file of a message, or of a reply that came by ordinary e-mail.
type File struct {
	Name string // as it can be written down, with an ending of its kind
	Kind string // as its message says: "image/jpeg"
	Size int64
	Here bool // all of it has arrived
}

// Picture reports whether a file can be looked at beside the words.
func (f File) Picture() bool {
	return f.Kind == "image/jpeg" || f.Kind == "image/png" || f.Kind == "image/gif"
}

// Left is a file that came with an e-mail and was not taken over: why, in a word of care/event.
type Left struct{ Name, Why string }

// Mail is a reply that came by ordinary e-mail.
type Mail struct {
	From       string // the address that it says it is from
	Known      bool   // which is the one in the register
	Proven     bool   // and a signature of that address's domain holds
	Refuted    bool   // the clinic's mail system found that it was not sent as that address's domain says it sends
	Cut        bool   // quotes or more were left out
	Left       []Left
	Large      int64       // the bytes of an e-mail that was too large to be read: nothing else of it is here
	DeclinedBy care.Person // empty: it waits
}

// Overdue is that no reply came in time.
type Overdue struct {
	At   time.Time
	Told []care.Person // by ordinary e-mail; none: there was no address
}

// Told is that somebody of the member's side was told by ordinary e-mail that there is something to read.
type Told struct {
	At      time.Time
	Who     care.Person
	Failure string // it came back: the mail system's words
}

// Thread is one conversation, whole, as either side reads it.
type Thread struct {
	Row
	Items     []Item
	Held      []Held           // the viewer's own texts on their way
	Drafts    map[string]Draft // by kind: "reply", "note", "closing"
	Private   bool             // on the member's side the patient alone reads it, though somebody writes for them
	Confides  bool             // for staff: proxies read it, and can be left out from here on
	Proxies   []care.Person    // who write for the patient
	ReadOnly  bool             // a newer Postern wrote something that must be understood
	Gaps      int              // events that are named and have not arrived
	Lost      []LostClaim      // the viewer's own claims that did not win, newest last
	Before    *Link            // the conversation that this one follows up
	After     []Link           // its follow-ups
	Absence   *Absence         // the office's provider is out
	Completed *Item            // the completion in force, if it is complete

	Overstepped []care.Person // staff: who answered here what their role may not; it does not count, and nobody reads it

	FlagReason care.Text // staff: why it is flagged as urgent; empty: no reason was given
}

// News are the items that the viewer has not read.
func (t *Thread) News() (ids []care.EventID) {
	for _, i := range t.Items {
		if i.Unread {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// LostClaim tells the viewer that a colleague was first.
type LostClaim struct {
	To care.Person
	At time.Time
}

// Link leads to another conversation.
type Link struct {
	Part     care.EventID
	Subject  care.Text
	Office   care.Office
	Provider care.Person // whose office it is
	Open     bool
	Due      time.Time
	At       time.Time
}

// Absence is a provider's, today.
type Absence struct {
	Person care.Person
	Until  string      // ISO 8601 date of the last day; empty: without a known end
	Back   time.Time   // the first business day after it; zero without an end
	Cover  care.Person // empty: nobody covers
}

// Draft is unsent text.
type Draft struct {
	ID      string
	What    string // "new", "reply", "note", "closing"
	Thread  care.ThreadID
	Part    care.EventID
	Patient care.PatientID // of a new message: whose record it is for; empty: its author's own
	Private bool
	Office  care.OfficeID
	Topic   care.Topic
	Subject care.Text
	Text    care.Text
	Saved   time.Time
}

// Recipient is one office in the picker.
type Recipient struct {
	Office   care.Office
	Provider care.Person
	Primary  bool
	Seen     string // ISO 8601 date of the last visit
	Absence  *Absence
	Due      time.Time // by when a reply would be due if the message were received now
}

// Queue is one list of the staff inbox.
type Queue struct {
	ID    string // "unassigned", "mine", "member", "urgent", "overdue", "unreached", "completed", "all", or an office id
	Name  string
	Count int
	Hot   bool // something in it wants attention: urgent, overdue, not reached, or its time is running out

	Provider care.Person // of an office's queue: whose office it is
	Absence  *Absence    // of an office's queue: its provider is out today
}

// Colleague is one person to whom a conversation of an office can be assigned.
type Colleague struct {
	Person     care.Person
	Me         bool     // the viewer
	Absence    *Absence // out today: cannot be chosen
	Unenrolled bool     // has no computer on which to read it: cannot be chosen either
}

// Panel is the patient panel.
type Panel struct {
	Patient care.Patient
	Age     int // years, today
	PCP     care.Person
	Visits  []PanelVisit
	Others  []Link
	Notices Notices
}

// Notices is how a patient stands with notices by ordinary e-mail, as far as the viewer's offices know. Their address is in Patient.
type Notices struct {
	Sent    bool      // the practice sends them, and there is a mailbox of the patient's own to tell of
	Off     bool      // the patient wants none
	Back    time.Time // the newest came back: when it went out; zero: it did not
	Failure string    // the mail system's words of that
}

// PanelVisit is a visit with its office resolved.
type PanelVisit struct {
	care.Visit
	OfficeName string
}
