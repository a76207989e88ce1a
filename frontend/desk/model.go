// Package desk shows one conversation to the care team, and what they do with it: own it, answer, note, complete.
//
// It draws the reading pane beside the inbox and the patient panel; inbox draws what is around it. Each verb is one
// command; its answer is the pane drawn again. It keeps no state of its own: the address says what is open.
package desk

import (
	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
)

// Modes of the composer, as the "write" parameter of an address names them.
const (
	modeNone    = "none" // closed, even if a draft is there
	modeReply   = "reply"
	modeNote    = "note"
	modeClosing = "closing"
)

// What takes the focus once the pane is drawn; nothing: it stays where it is.
const (
	focusText     = "text"
	focusHeldText = "held"
	focusClosed   = "closed"
)

// at is where the person is: which queue they came from, which conversation is open, and what they are writing.
type at struct {
	queue string
	part  care.EventID
	write string
	draft string // the draft's id that the open form carries, if one is open
	focus string // what takes the focus, if anything
}

// act is the address of a verb on this conversation; it says which list stands beside it.
func (a at) act(verb string, pairs ...string) string {
	return link.With(link.With(link.Act(a.part, verb), "queue", a.queue), pairs...)
}

// open is the address of this conversation with the composer in a mode.
func (a at) open(write string) string {
	return link.With(link.Case(a.queue, a.part), "write", write)
}

// model is the whole pane.
type model struct {
	At        at
	Back      string // the list that it came from
	BackTo    string // its name
	Subject   string
	Out       *absent
	Lost      string   // who claimed it first
	Notices   []notice // what to know before reading
	Due       parts.Due
	Completed string // "Completed Fri 4:20 pm"
	Patient   patient
	Topic     string
	TopicIcon string
	Office    string
	Owner     string // "You", a name, or ""
	Flag      urgent
	Tools     tools
	Before    *other
	After     []other
	Fold      string // what the folded items are called
	Folded    []item
	Items     []item
	Held      []held
	Unsent    []unsentText // what was being written when writing here came to an end
	Composer  composer
	Panel     panel
	News      news
}

// news is what of the pane is unread: each mark is reported once, to the address. The zero value: all is read.
type news struct{ Mark, Read string }

// absent is the bar that says that the provider is away.
type absent struct{ Who, Rest string }

// notice is a line above the conversation.
type notice struct{ Icon, Class, Text string }

// patient is who the conversation is about, in one line.
type patient struct{ Name, First, AgeSex, MRN string }

// urgent is the mark that somebody set.
type urgent struct {
	On     bool
	Reason string
}

// tools says which verbs are offered.
type tools struct {
	Claim, Unclaim, Assign, Flag, Complete, Reopen bool
	Confide                                        string // who reads as a proxy and can be left out; "" nobody
	Seen                                           string // the owner that the person sees: a claim is refused if it is another by then
	Colleagues                                     []colleague
}

// colleague is one person in the assign list.
type colleague struct {
	ID, Name, Initials string
	Note               string // "You", "Owns it now", "Out until Mon Nov 30, covered by Dr. Omar Haddad"
	Chosen, Disabled   bool
}

// other is a link to another conversation.
type other struct{ URL, Subject, Office, State string }

// item is one message, note or event of the conversation.
type item struct {
	ID       string
	Kind     string // "msg", "note", "line", "mail"
	Own      bool   // of the care team: drawn in petrol
	Initials string
	Who      string
	For      string // "for Dr. Lee's office", "member"
	At       string
	Machine  string // At for the datetime attribute
	Full     string // At in full
	Text     care.Text
	Large    string // of "mail": that it was too large to be read, and whom to ask; "" it was not
	Files    []parts.FileModel
	Marks    []mark
	Line     string // of a line: what happened
	Unread   bool
	Again    bool   // it did not arrive, and this person can send it again
	Reply    string // of "mail": its id
	Declined bool   // of "mail": somebody declined it; it can be accepted after all
	Says     bool   // of "mail": it has words or files that can be accepted, as somebody's
	Doubt    string // of "mail": what is asked before it is accepted; "": nothing
}

// mark is one state at the foot of a message: icon and words.
type mark struct{ Icon, Class, Text string }

// held is a text of this person on its way.
type held struct {
	ID, Draft string
	What      string // "Reply", "Closing line"
	State     view.State
	Why       string
	Who       string
	Office    string
	Initials  string
	Text      care.Text
}

// unsentText is a draft that has no form any more.
type unsentText struct {
	Kind  string // "reply", "note", "closing"
	Title string // "You had begun a reply. It was not sent."
	Text  care.Text
}

// composer is what the person writes in.
type composer struct {
	Show     bool // writing is possible here
	Mode     string
	First    string // who is written to
	Draft    string
	Text     string
	Saved    bool
	Signed   string // "Rosa Delgado, RN - for Dr. Lee's office"
	Practice string
	Err      string
	Bounded  string // why this person may not answer here; "": they may
	Ended    string // whose grant has ended: the reply does not reach them
	HasReply bool   // unsent text waits behind the closed form
	HasNote  bool
}

// panel is the patient panel.
type panel struct {
	Name, Initials string
	Summary        string // "46 years · Female · she/her"
	Facts          []fact
	Visits         []seen
	Others         []other
	Missing        bool // the roster has no such patient here
}

// fact is one line of the panel. Badge stands beside it.
type fact struct {
	Name, Value string
	More        string // below it
	Num, Warn   bool
	Badge       string
}

// seen is one visit of the patient.
type seen struct{ Date, Machine, What, Why string }
