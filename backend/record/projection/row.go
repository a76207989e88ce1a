package projection

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/care/fold"
)

// row is one row of the table part.
type row struct {
	id, of  care.EventID
	own     bool
	patient care.PatientID
	office  care.OfficeID
	subject care.Text
	topic   care.Topic
	snippet string
	at      time.Time
	open    bool
	awaits  fold.Side
	due     time.Time
	owner   care.PersonID
	flagged bool
	flags   []string
	notes   bool
	bridged int // replies by ordinary e-mail that wait
	state   string
	said    care.PersonID
	last    care.EventID
	ours    bool
	failure string
}

// The states that events alone give. view reads them as its own.
const (
	handed    = "handed"    // written; the clinic has not confirmed it
	delivered = "delivered" // the clinic confirmed it
	replied   = "replied"   // the office wrote last
	completed = "completed"
	open      = "open" // none of these
)

// flagNewer is shown to the care team beside what is off with the messages themselves.
const flagNewer = "A newer Postern wrote part of this"

// letter is a message or a closing line in force, as its part's newest word is looked for.
type letter struct {
	id       care.EventID
	as       care.PersonID
	at       time.Time
	text     care.Text
	ours     bool // of the office
	failures []fold.Failure
}

// rowOf sums a part up.
func rowOf(c *fold.Conversation, p *fold.Part) row {
	r := row{
		id: p.ID, of: p.Of, own: own(c, p), patient: c.Patient, office: c.Office, subject: c.Subject, topic: c.Topic, at: c.OpenedAt,
		open: p.Open, awaits: p.Awaits, due: p.Due, owner: p.Owner, flagged: p.Flagged, notes: len(p.Notes) > 0, state: open,
	}
	var waits *fold.Bridged // the newest e-mail that does
	for i := range p.Bridged {
		if p.Bridged[i].DeclinedBy == "" {
			r.bridged++
			waits = &p.Bridged[i]
		}
	}
	letters := lettersOf(p)
	if c.Newer {
		r.flags = append(r.flags, flagNewer)
	}
	theirs := false
	for i := range p.Messages {
		m := &p.Messages[i]
		r.flags = append(r.flags, m.Flags...)
		theirs = theirs || m.Member
	}
	slices.Sort(r.flags)
	r.flags = slices.Compact(r.flags)
	if len(letters) == 0 {
		return r
	}
	newest := &letters[len(letters)-1]
	r.at, r.snippet = newest.at, Snippet(string(newest.text))
	if waits != nil { // it is what the part is to be looked at for; its time stays that of the newest word
		r.snippet = mailed(waits)
	}
	about := newest
	switch {
	case !p.Open:
		r.state = completed
		for _, d := range p.Completions {
			if !d.Undone {
				r.said = d.As
			}
		}
	case theirs && p.Answered:
		r.state = replied
		for _, l := range letters {
			if l.ours {
				r.said = l.as
			}
		}
	case theirs:
		// It stands with the newest message that needs an answer, unless an answer was written and did not arrive.
		asked := unanswered(p)
		if asked == nil {
			break
		}
		r.state = handed
		if asked.Receipt != nil {
			r.state = delivered
		}
		if !newest.ours || failure(c, newest) == "" {
			about = &letters[slices.IndexFunc(letters, func(l letter) bool { return l.id == asked.ID })]
		}
	}
	r.last, r.ours, r.failure = about.id, about.ours, failure(c, about)
	return r
}

// own reports whether nobody else's conversation can have this id: it is the thread itself, whose id is the hash of the
// opening that is here, or messages that are here led from that to this follow-up.
func own(c *fold.Conversation, p *fold.Part) bool {
	for range c.Parts {
		if p.ID == c.Thread {
			return c.Opened
		}
		of, ok := c.Part(p.Of)
		if p.Of.IsZero() || !ok {
			return false
		}
		p = of
	}
	return false
}

// unanswered is the newest message of the member's side that needs an answer.
func unanswered(p *fold.Part) *fold.Message {
	for i := range slices.Backward(p.Messages) {
		if m := &p.Messages[i]; m.Member && !m.Answered {
			return m
		}
	}
	return nil
}

// wordsOf is what a list shows of a message: what it says or, where it only brings files, what they are called.
func wordsOf(m *fold.Message) care.Text {
	if m.Text != "" {
		return m.Text
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, care.FileNamed(f.Name, f.Type))
	}
	return care.Text(strings.Join(names, ", "))
}

// lettersOf are a part's messages and closing lines in force, in the order shown.
func lettersOf(p *fold.Part) []letter {
	byID := make(map[care.EventID]letter, len(p.Messages)+len(p.Completions))
	for i := range p.Messages {
		m := &p.Messages[i]
		byID[m.ID] = letter{id: m.ID, as: m.As, at: m.At, text: wordsOf(m), ours: !m.Member, failures: m.Failures}
	}
	for i := range p.Completions {
		if d := &p.Completions[i]; !d.Undone {
			byID[d.ID] = letter{id: d.ID, as: d.As, at: d.At, text: d.Closing, ours: true, failures: d.Failures}
		}
	}
	list := make([]letter, 0, len(byID))
	for _, id := range p.Order {
		if l, ok := byID[id]; ok {
			list = append(list, l)
		}
	}
	return list
}

// failure is the mail system's words where a letter did not reach the other side; a copy of the author's own side that
// failed is not a matter for lists.
func failure(c *fold.Conversation, l *letter) string {
	for _, f := range l.failures {
		if l.ours == (f.Mailbox != c.OfficeMailbox) {
			return f.Reason
		}
	}
	return ""
}

// itemsOf are the rows of what a part says.
func itemsOf(p *fold.Part) []item {
	items := make([]item, 0, len(p.Messages)+len(p.Notes)+len(p.Completions))
	for i := range p.Messages {
		m := &p.Messages[i]
		news := ""
		switch {
		case !m.Member && m.SeenAt.IsZero():
			news = "member"
		case m.Member && !m.Answered && p.Open:
			news = "office"
		}
		items = append(items, item{id: m.ID, part: p.ID, kind: "message", news: news, text: m.Text, at: m.At})
	}
	for i := range p.Notes {
		n := &p.Notes[i]
		items = append(items, item{id: n.ID, part: p.ID, kind: "note", text: n.Text, at: n.At})
	}
	for i := range p.Bridged {
		b, news := &p.Bridged[i], ""
		if b.DeclinedBy == "" {
			news = "office"
		}
		items = append(items, item{id: b.ID, part: p.ID, kind: "bridged", news: news, text: b.Text, at: b.Received})
	}
	for i := range p.Completions {
		d := &p.Completions[i]
		news := ""
		if !d.Undone && d.SeenAt.IsZero() {
			news = "member"
		}
		items = append(items, item{id: d.ID, part: p.ID, kind: "complete", news: news, text: d.Closing, at: d.At})
	}
	return items
}

// unverified stands before the words of an e-mail that nobody accepted yet, where the care team's lists show them.
const unverified = "By e-mail, not verified"

// mailed is the beginning of an e-mail's words.
func mailed(b *fold.Bridged) string {
	if b.Text == "" {
		return unverified
	}
	return Snippet(unverified + ": " + string(b.Text))
}

// snippetRunes is how much of a text a list shows.
const snippetRunes = 140

// Snippet is the beginning of a text on one line.
func Snippet(text string) string {
	if most := 5 * snippetRunes; len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	line := strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(line) <= snippetRunes {
		return line
	}
	cut := []rune(line)[:snippetRunes]
	return strings.TrimRight(string(cut), " ") + "…"
}
