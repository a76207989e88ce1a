package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

type office struct {
	ID, Initials, Name string
	Meta               string // "Last visit Oct 6", or the line about being out
	Out                bool
	On                 bool
}

type picker struct {
	Chosen      *office
	StillReads  string
	Primary     []office
	Specialists []office
	Error       string
	Focus       bool
}

type topic struct {
	Value, Name, Icon string
	On                bool
}

type form struct {
	Draft     string
	Saved     string
	Picker    picker
	Topics    []topic
	Subject   string
	Count     string
	Text      string
	Why       string // the first thing that is missing
	Field     string // takes the focus
	Errors    map[string]string
	Promise   string
	NurseLine string
	Proxies   string // who else reads it; "" nobody
	Own       bool   // about whoever writes: they may leave the others out
	Private   bool
	Reads     string // "Only you and the office you choose can read it."
}

// item is one line of the review.
type item struct {
	Name   string
	Value  string
	Meta   string    // after Value
	Below  string    // under Value
	Text   care.Text // in place of Value
	Change string    // where to change it; empty: it cannot be changed
	Verb   string
}

type review struct {
	Draft     string
	What      string
	Title     string
	Back      string
	Items     []item
	Expect    string
	Who       string
	Refusal   string
	Send      string // the name of the button
	Saved     string
	Read      string // a digest of what is shown: nothing else is sent
	NurseLine string
	Steps     bool
}

func showForm(w http.ResponseWriter, r *http.Request, d view.Draft, field string) {
	m, err := formOf(r, d)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	m.Field, m.Picker.Focus = field, field == "office"
	respond.HTML(w, r, formPage(m))
}

// showWrong draws the form again with what is missing; a reply goes back to its conversation, where its text is.
func showWrong(w http.ResponseWriter, r *http.Request, d view.Draft, wrong *care.Error) {
	if d.What == kindReply {
		respond.GoTo(w, r, link.Conversation(d.Part, ""))
		return
	}
	m, err := formOf(r, d)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	m.Errors = map[string]string{wrong.Field: wrong.Sentence}
	m.Picker.Error = m.Errors["office"]
	respond.Refused(w, r, respond.Status(wrong), formPage(m))
}

func formOf(r *http.Request, d view.Draft) (form, error) {
	f := parts.FrameFrom(r.Context())
	offices, err := views(r).Recipients(r.Context())
	if err != nil {
		return form{}, err
	}
	m := form{Draft: d.ID, Picker: pickerOf(offices, d.Office, f.Clock), Subject: string(d.Subject), Text: string(d.Text),
		Count: say.Size(utf8.RuneCountInString(string(d.Subject)), care.MaxSubject), Promise: f.Promise, NurseLine: f.NurseLine}
	m.Proxies, m.Own, m.Private = parts.Names(seat.From(r.Context()).Proxies()), !f.Acting.Away, d.Private
	m.Reads = reads(m.Proxies, f)
	for _, t := range care.Topics {
		m.Topics = append(m.Topics, topic{string(t), t.Name(), parts.TopicIcon(t), t == d.Topic})
	}
	if wrong := check(d); wrong != nil {
		m.Why = wrong.Sentence
	}
	if !d.Saved.IsZero() {
		m.Saved = f.Clock.Time(d.Saved)
	}
	return m, nil
}

// reads says who can read a new message.
func reads(proxies string, f parts.Frame) string {
	switch {
	case f.Acting.Away:
		return "You, whoever else reads for " + f.Acting.Name + ", and the office you choose can read it. It becomes part of " + f.Acting.Whose + " medical record."
	case proxies != "":
		return "You, " + proxies + ", and the office you choose can read it. It becomes part of your medical record."
	}
	return "Only you and the office you choose can read it. It becomes part of your medical record."
}

func pickerOf(offices []view.Recipient, chosen care.OfficeID, clock say.Clock) picker {
	var p picker
	for _, rc := range offices {
		o := office{ID: string(rc.Office.ID), Initials: rc.Provider.Initials, Name: parts.Doctor(rc), On: rc.Office.ID == chosen}
		switch {
		case rc.Absence != nil:
			o.Meta, o.Out = parts.Away(rc.Absence, clock), true
		case rc.Seen != "":
			o.Meta = "Last visit " + clock.ISODate(rc.Seen)
		}
		if o.On {
			p.Chosen, p.StillReads = &o, parts.StillReads(rc.Absence)
		}
		if rc.Primary {
			p.Primary = append(p.Primary, o)
		} else {
			p.Specialists = append(p.Specialists, o)
		}
	}
	return p
}

// digest stands for all that a person is shown of a draft before it is sent.
func digest(d view.Draft) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t %q %q %q", d.What, d.Part, d.Office, d.Private, d.Topic, d.Subject, d.Text))
	return hex.EncodeToString(sum[:])
}

// showReview shows what will be sent. A refusal says what stands against it.
func showReview(w http.ResponseWriter, r *http.Request, d view.Draft, refusal error) {
	m, err := reviewOf(r, d)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	if refusal == nil {
		respond.HTML(w, r, reviewPage(m))
		return
	}
	m.Refusal = care.SentenceOf(refusal)
	respond.Refused(w, r, respond.Status(refusal), reviewPage(m))
}

func reviewOf(r *http.Request, d view.Draft) (review, error) {
	f := parts.FrameFrom(r.Context())
	offices, err := views(r).Recipients(r.Context())
	if err != nil {
		return review{}, err
	}
	m := review{Draft: d.ID, What: d.What, NurseLine: f.NurseLine, Saved: f.Clock.Time(d.Saved), Read: digest(d)}
	if d.What == kindReply {
		return replyReview(r, m, d, offices)
	}
	m.Title, m.Back, m.Send, m.Steps = "Review and send", link.Draft(d.ID), "Send message", true
	to := recipient(offices, d.Office)
	patient := seat.From(r.Context()).Patient()
	about := item{Name: "About", Value: patient.Name}
	if patient.MRN != "" {
		about.Meta = "MRN " + parts.MRN(patient.MRN)
	}
	if proxies := parts.Names(seat.From(r.Context()).Proxies()); proxies != "" || f.Acting.Away {
		about.Below = "Written by " + f.Me.Name + " for " + patient.Name
		if !f.Acting.Away {
			about.Below = "Read by you, " + proxies + ", and the office"
			if d.Private {
				about.Below = "Read by you and the office alone. " + proxies + " does not see it."
			}
		}
	}
	topicName, verb := d.Topic.Name(), "Change"
	if topicName == "" {
		topicName, verb = "None chosen", "Choose"
	}
	m.Items = []item{
		{Name: "To", Value: parts.Doctor(to), Below: parts.Away(to.Absence, f.Clock), Change: link.DraftAt(d.ID, "office"), Verb: "Change"},
		about,
		{Name: "Topic", Value: topicName, Change: link.DraftAt(d.ID, "topic"), Verb: verb},
		{Name: "Subject", Value: string(d.Subject), Change: link.DraftAt(d.ID, "subject"), Verb: "Change"},
		{Name: "Message", Text: d.Text, Change: link.DraftAt(d.ID, "text"), Verb: "Change"},
	}
	expect(&m, f, to)
	return m, nil
}

func replyReview(r *http.Request, m review, d view.Draft, offices []view.Recipient) (review, error) {
	t, err := views(r).Thread(r.Context(), d.Part)
	if err != nil {
		return m, err
	}
	f := parts.FrameFrom(r.Context())
	to := recipient(offices, t.Office.ID)
	if to.Office.ID == "" {
		to.Office = t.Office
	}
	m.Title, m.Back, m.Send = "Review your reply", link.Conversation(d.Part, ""), "Send reply"
	m.Items = []item{
		{Name: "To", Value: parts.Doctor(to), Below: parts.Away(to.Absence, f.Clock)},
		{Name: "Subject", Value: string(t.Subject)},
		{Name: "Reply", Text: d.Text, Change: m.Back, Verb: "Change"},
	}
	expect(&m, f, to)
	return m, nil
}

func expect(m *review, f parts.Frame, to view.Recipient) {
	m.Expect = parts.Expect(f.Promise, to.Due, f.Clock)
	m.Who = "A nurse or another member of " + to.Office.Name + " may answer. Your message becomes part of " + ownOr(f) + " medical record."
}

func ownOr(f parts.Frame) string {
	if f.Acting.Away {
		return f.Acting.Whose
	}
	return "your"
}

func recipient(offices []view.Recipient, id care.OfficeID) view.Recipient {
	if i := slices.IndexFunc(offices, func(r view.Recipient) bool { return r.Office.ID == id }); i >= 0 {
		return offices[i]
	}
	return view.Recipient{}
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return say.Number(n) + " characters"
}

func lower(s string) string { return strings.ToLower(s) }
