package thread

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// input is everything that a conversation is drawn from, beside the conversation itself.
type input struct {
	frame   parts.Frame
	doctors parts.Doctors
	offices []view.Recipient
	patient care.Patient
	show    string // the list's filter
	since   string // the first item that was unread when the conversation was opened, or noneUnread; "" opens it
	sent    bool   // the person has just sent it
}

func in(r *http.Request) input {
	from := input{frame: parts.FrameFrom(r.Context()), show: r.FormValue("show"), since: r.FormValue("since"),
		sent: r.FormValue("sent") != "", patient: seat.From(r.Context()).Patient()}
	if offices, err := views(r).Recipients(r.Context()); err == nil { // without them offices go by their own names
		from.offices, from.doctors = offices, parts.DoctorsOf(offices)
	}
	return from
}

// me and signature are how a text of this person's own is signed: "Marisol Vega", or "Marisol Vega for Mateo Vega".
func (from input) me() string {
	if from.frame.Acting.Away {
		return from.frame.Me.Name
	}
	return from.patient.Name
}

func (from input) signature() string {
	if from.frame.Acting.Away {
		return from.frame.Me.Name + " for " + from.patient.Name
	}
	return from.patient.Name
}

type letter struct {
	ID       string
	Own      bool
	Folded   bool // one line, to be opened
	Newest   bool
	Initials string
	Who      string
	For      string // "for Dr. Lee's office"
	When     string
	Day      string
	Machine  string
	First    string // the first words, for a folded letter
	Text     care.Text
	Files    []parts.FileModel
	State    *parts.StateModel
	Flags    []string
	Taken    string // it came by ordinary e-mail: who took it over
	Again    string // where to send it again, having failed
	Read     string // where to say that it was read, as it comes into sight
	Event    string // not a letter but a line: "Dr. Lee's office reopened this conversation"
}

type held struct {
	letter
	Held     bool // in its hold
	Waiting  bool
	Review   bool
	Why      string
	Now      string
	Back     string
	Delete   string
	Part     string
	DeskWord string // "Dr. Lee's office"
}

type reply struct {
	Draft, Part, Thread string
	Office              string
	Text                care.Text
	Away, StillReads    string
	More                bool // the office is awaited: a reply adds to the message
	Open                bool
	Why                 string // what keeps it from being sent
	Saved               string
}

type other struct{ Lead, Subject, URL string }

type notice struct{ Kind, Icon, Strong, Text string }

type model struct {
	ID      string // of the element
	Refresh string // where to draw it again from
	Thread  string // whose changes it follows; "" follows texts
	Often   bool   // something is in its hold or goes out in this moment: look again soon
	Back    string
	Subject string
	With    string
	Topic   string
	Sealed  bool
	Copy    string // where to save a copy of it; "" where it is not a conversation yet
	Notices []notice
	Before  *other
	After   []other
	Letters []letter
	Held    []held
	Done    string // "Dr. Lee's office completed it on Thu Nov 12."
	Unsent  care.Text
	Reply   *reply
}

const readerID = "reader-"

func isReader(id string) bool { return strings.HasPrefix(id, readerID) }

// threadModel shapes a conversation.
func threadModel(from input, t view.Thread) model {
	c := from.frame.Clock
	if t.Unopened() {
		t.Office.Name, t.Subject = "the clinic", "A conversation that is still arriving"
	}
	m := model{ID: readerID + t.Part.String(), Thread: t.Row.Thread.String(), Back: link.List(from.show),
		Subject: string(t.Subject), With: "With " + from.doctors.Name(t.Office), Topic: t.Topic.Name(), Sealed: true}
	if !t.Unopened() {
		m.Copy = link.Copy(t.Part)
	}
	since := from.since
	if since == "" {
		since = firstUnread(t.Items)
	}
	folding := since != noneUnread
	for _, it := range t.Items {
		if link.ItemID(it.ID) == since {
			folding = false
		}
		m.Often = m.Often || it.State == view.StateSending
		l := letterOf(from, t, it)
		l.Folded = folding && l.Event == "" && !it.Unread
		m.Letters = append(m.Letters, l)
	}
	for _, h := range t.Held {
		m.Held = append(m.Held, heldOf(from, h))
		m.Often = m.Often || h.State == view.StateHeld
	}
	if n := len(m.Held); n > 0 {
		m.Held[n-1].Newest = true
	} else if n := len(m.Letters); n > 1 {
		m.Letters[n-1].Newest = true
	}
	m.Refresh = link.With(link.Conversation(t.Part, from.show), "since", since, "sent", yes(from.sent))
	m.Notices = noticesOf(from, t)
	m.Before, m.After = othersOf(t, c)
	finish(&m, from, t)
	return m
}

// finish is the end of the conversation: the reply, or why there is none.
func finish(m *model, from input, t view.Thread) {
	c := from.frame.Clock
	draft := t.Drafts["reply"]
	switch {
	case !t.Open:
		m.Unsent = draft.Text
		m.Done = t.Office.Name + " completed it."
		if t.Completed != nil {
			m.Done = t.Office.Name + " completed it on " + c.Day(t.Completed.At) + "."
		}
	case t.ReadOnly, t.Unopened():
		m.Unsent = draft.Text
	default:
		m.Reply = replyOf(from, t, draft)
	}
}

func replyOf(from input, t view.Thread, draft view.Draft) *reply {
	r := &reply{Draft: draft.ID, Part: t.Part.String(), Thread: t.Row.Thread.String(), Office: t.Office.Name, Text: draft.Text,
		Away: parts.Away(t.Absence, from.frame.Clock), StillReads: parts.StillReads(t.Absence),
		More: t.Awaits == fold.Office, Open: draft.Text != "" || t.Awaits != fold.Office}
	if r.Draft == "" {
		r.Draft = nextDraft(t)
	}
	if strings.TrimSpace(string(draft.Text)) == "" {
		r.Why = replyNeed
	}
	return r
}

// nextDraft names the draft of the next reply before it is first saved. It is the same however often the form is drawn,
// in every window, and another one once a reply has been sent: a form that is drawn again under a person's hands must
// not change where their text goes.
func nextDraft(t view.Thread) string {
	sum := sha256.New()
	fmt.Fprintln(sum, "next reply", t.Part)
	for _, it := range t.Items {
		if it.Own {
			fmt.Fprintln(sum, it.ID)
		}
	}
	for _, f := range t.After { // a reply that crossed the completion is there, not here
		fmt.Fprintln(sum, f.Part)
	}
	for _, h := range t.Held {
		fmt.Fprintln(sum, h.Draft)
	}
	return "dr_" + care.EventID(sum.Sum(nil)).String()[:16]
}

const replyNeed = "Write your reply to continue."

// noneUnread stands where nothing was unread at opening. It is carried along like an item, so that what arrives later
// folds no letter that somebody is reading.
const noneUnread = "none"

func firstUnread(items []view.Item) string {
	for _, it := range items {
		if it.Unread {
			return link.ItemID(it.ID)
		}
	}
	return noneUnread
}

func letterOf(from input, t view.Thread, it view.Item) letter {
	c := from.frame.Clock
	l := letter{ID: link.ItemID(it.ID), Own: it.Member, Initials: it.By.Initials, Who: it.By.Shown, For: "for " + t.Office.Name,
		When: c.Full(it.At), Day: c.Day(it.At), Machine: c.Machine(it.At), First: say.Line(string(it.Text)), Text: it.Text, Flags: it.Flags, Files: parts.FilesOf(link.Letters(t.Part), it.ID, it.Files)}
	if l.First == "" && len(l.Files) > 0 {
		l.First = l.Files[0].Name
	}
	if l.Initials == "" {
		l.Initials = parts.Initials(it.By.Name)
	}
	if it.Kind == view.ItemReopen {
		l.Event = t.Office.Name + " reopened this conversation"
		return l
	}
	if it.Unread && !t.Unopened() { // nobody can be told before the opening is there
		l.Read = link.Read(t.Part, it.ID)
	}
	if !it.Member {
		return l
	}
	l.For = from.patient.Name
	if it.Proxy {
		l.For = it.By.Name + " for " + t.Patient.Name
	}
	if it.Own {
		l.Who = "You"
	}
	if it.TakenBy.ID != "" {
		l.Taken = "Came by ordinary e-mail. " + it.TakenBy.Shown + " put it here."
	}
	pending := t.Open && t.Awaits == fold.Office
	state := parts.LetterState(it, t.Office, pending, c)
	l.State = &state
	if it.Own && it.State == view.StateFailed {
		l.Again = link.Resend(t.Part)
	}
	return l
}

func heldOf(from input, h view.Held) held {
	c := from.frame.Clock
	out := held{letter: letter{ID: link.HeldID(h.Draft), Own: true, Initials: parts.Initials(from.me()), Who: "You", For: from.signature(),
		When: c.Full(h.Written), Machine: c.Machine(h.Written), Text: h.Text},
		Now: link.SendNow(h.Draft), Back: link.TakeBack(h.Draft), Delete: link.Discard(h.Draft),
		Part: h.Part.String(), DeskWord: h.Office.Name, Why: h.Why,
		Held: h.State == view.StateHeld, Waiting: h.State == view.StateWaiting, Review: h.State == view.StateReview}
	switch {
	case out.Held:
		out.State = &parts.StateModel{Icon: "send", Strong: "Sending…"}
	case out.Waiting:
		out.State = &parts.StateModel{Class: "is-wait", Icon: "cloud-off", Text: "Waiting to send. It has not reached " + h.Office.Name + "."}
	default:
		out.State = &parts.StateModel{Class: "is-wait", Icon: "triangle-alert", Strong: "Not sent.", Text: h.Why}
	}
	return out
}

// heldModel shapes a new message that is not yet a conversation.
func heldModel(from input, h view.Held) model {
	m := model{ID: readerID + h.Draft, Refresh: link.With(link.Sent(h.Draft), "show", from.show, "sent", "yes"), Back: link.List(from.show),
		Subject: string(h.Subject), With: "To " + from.doctors.Name(h.Office), Topic: h.Topic.Name(),
		Often: h.State == view.StateHeld, Held: []held{heldOf(from, h)}}
	return m
}

// noticesOf is what stands above the letters.
func noticesOf(from input, t view.Thread) []notice {
	var out []notice
	if n, ok := sentNotice(from, t); ok {
		out = append(out, n)
	}
	if t.Private {
		out = append(out, notice{"is-acc", "eye-off", "Only you read this on your side.", "What is written here from now on does not go to " + others(t.Proxies) + "."})
	}
	if t.ReadOnly {
		out = append(out, notice{"is-warn", "triangle-alert", "A newer Postern wrote here.", "Update Postern on this computer to write in this conversation. You can still read it."})
	}
	if t.Gaps > 0 || t.Unopened() {
		out = append(out, notice{"is-warn", "hourglass", "Part of this conversation has not arrived yet.", "It shows here as soon as it does."})
	}
	return out
}

func others(proxies []care.Person) string {
	if len(proxies) == 0 {
		return "anybody who writes for you"
	}
	return parts.Names(proxies)
}

// sentNotice follows what the person has just sent, until it is delivered.
func sentNotice(from input, t view.Thread) (notice, bool) {
	if !from.sent || len(t.Items) == 0 {
		return notice{}, false
	}
	last := t.Items[len(t.Items)-1]
	switch {
	case !last.Own:
		return notice{}, false
	case last.State == view.StateDelivered && last.Due.IsZero():
		return notice{"is-good", "circle-check", "Delivered to " + t.Office.Name + ".", "It is answered when the doctor is back."}, true
	case last.State == view.StateDelivered:
		return notice{"is-good", "circle-check", "Delivered to " + t.Office.Name + ".", "Expect a reply by " + from.frame.Clock.LongDay(last.Due) + "."}, true
	case last.State == view.StateHanded:
		return notice{"is-good", "circle-check", "Your message is on its way.", "This computer will show a notice when it arrives."}, true
	}
	return notice{}, false
}

func othersOf(t view.Thread, c say.Clock) (before *other, after []other) {
	if t.Before != nil {
		before = &other{"This continues a conversation that was complete:", string(t.Before.Subject), link.Conversation(t.Before.Part, "")}
	}
	for _, l := range t.After {
		after = append(after, other{"Your message of " + c.Day(l.At) + " came after this was completed. It has a conversation of its own:",
			string(l.Subject), link.Conversation(l.Part, "")})
	}
	return before, after
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
