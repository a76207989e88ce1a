package desk

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/say"
)

func itemsOf(in input) []item {
	var out []item
	for _, v := range in.thread.Items {
		out = append(out, itemOf(v, in)...)
	}
	return out
}

// itemOf is what one item is drawn as. A completion is a letter and a line; it stays one entry so that folding counts it
// once, so the line is carried in the letter.
func itemOf(v view.Item, in input) []item {
	i := item{
		ID: link.ItemID(v.ID), Kind: "msg", Own: !v.Member, Initials: initials(v, in), Who: v.By.Shown,
		At: in.clock.Stamp(v.At), Machine: in.clock.Machine(v.At), Full: in.clock.Full(v.At),
		Text: v.Text, Files: parts.FilesOf(link.Work(in.at.part), v.ID, v.Files), Marks: marksOf(v, in.clock), Unread: v.Unread,
		Again: v.Own && v.State == view.StateFailed,
	}
	switch v.Kind {
	case view.ItemNote:
		i.Kind = "note"
		if a := in.thread.Absence; a != nil && a.Cover.ID == v.By.ID && a.Cover.ID != "" {
			i.For = ", covering for " + a.Person.Short
		}
	case view.ItemBridged:
		i.Kind, i.Own, i.For, i.Marks = "mail", false, "by ordinary e-mail", mailMarks(*v.Mail)
		i.Says = (v.Text != "" || len(v.Files) > 0) && v.By.ID != "" // whose it would be has to be known here
		if len(v.Files) > 0 {
			i.Marks = append(i.Marks, mark{"triangle-alert", "warn", "The files came by ordinary e-mail and are nobody's word yet. What they are was looked at, and no scanner for viruses was asked"})
		}
		if v.By.ID == "" { // the notice that it answers is not here yet
			i.Who = "Somebody"
		}
		i.Reply, i.Declined, i.Doubt = v.ID.String(), v.Mail.DeclinedBy.ID != "", doubt(*v.Mail, i.Who)
		if v.Mail.Large > 0 {
			i.Large = tooLarge(v, in)
		}
	case view.ItemReopen:
		i.Kind, i.Line = "line", v.By.Shown+" reopened this conversation, "+in.clock.Stamp(v.At)+"."
	case view.ItemComplete:
		i.For, i.Line = "for "+in.thread.Office.Name, completedLine(v)
	default:
		i.For = "for " + in.thread.Office.Name
		if v.Member {
			i.For = "member"
			if v.Proxy || v.By.Name != "" && v.By.Name != in.thread.Patient.Name {
				i.For = "for " + in.thread.Patient.Name
			}
		}
	}
	if i.Who == "" {
		i.Who = v.By.Name
	}
	return []item{i}
}

// tooLarge says what became of an e-mail that nobody could read, and who knows more.
func tooLarge(v view.Item, in input) string {
	who, phone := cmp.Or(v.By.Name, "the member"), ""
	if patient := in.thread.Patient; patient.Phone != "" && patient.Name == v.By.Name {
		phone = " at " + patient.Phone
	}
	return "This e-mail has " + parts.FileSize(v.Mail.Large) + ", which is too large to be read here: nobody has read what it says. " +
		"Call " + who + phone + ", or ask them to write in Postern. Whoever looks after the practice's mailbox for notices can open it there."
}

// leftNames names what stayed behind, and why.
func leftNames(left []view.Left) string {
	var all []string
	for _, l := range left {
		name := l.Name
		if why := leftWhy[l.Why]; why != "" {
			name += " (" + why + ")"
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// leftWhy are the words of care/event in those of a person; a newer Postern may know others.
var leftWhy = map[string]string{
	"large":  "too large",
	"many":   "too many files came or wait",
	"kind":   "not a picture, PDF or plain text",
	"empty":  "it is empty",
	"quoted": "only in what was quoted",
	"cut":    "too long",
}

func completedLine(v view.Item) string {
	if v.Undone {
		return v.By.Shown + " completed this conversation. It was reopened."
	}
	return v.By.Shown + " completed this conversation. The member has no reply button."
}

func initials(v view.Item, in input) string {
	if v.By.Initials != "" {
		return v.By.Initials
	}
	name := v.By.Name
	if name == "" && v.Member {
		name = in.thread.Patient.Name
	}
	return parts.Initials(name)
}

// marksOf says where a message stands.
func marksOf(v view.Item, clock say.Clock) []mark {
	var out []mark
	if v.Kind == view.ItemNote || v.Kind == view.ItemReopen {
		return nil
	}
	if v.Member {
		out = append(out, receivedMark(v, clock))
	} else {
		out = append(out, sentMark(v, clock))
	}
	if v.TakenBy.ID != "" {
		out = append(out, mark{"mail", "", "Came by ordinary e-mail. Accepted by " + v.TakenBy.Shown})
		if v.Mail != nil {
			out = append(out, mailMarks(*v.Mail)...)
		} else {
			out = append(out, mark{"triangle-alert", "warn", "The e-mail itself is not on this computer"})
		}
	}
	if v.Overdue != nil {
		out = append(out, overdueMark(*v.Overdue, v.State != view.StateReplied, clock))
	}
	if t := v.Told; t != nil && v.SeenAt.IsZero() {
		out = append(out, toldMark(*t, clock))
	}
	for _, f := range v.Flags {
		out = append(out, mark{"triangle-alert", "warn", sentence(f)})
	}
	return out
}

// doubt is what is asked before words are taken as somebody's that may be another's; "": nothing.
func doubt(m view.Mail, who string) string {
	var why string
	switch {
	case !m.Known:
		why = "It came from " + m.From + ", which is not the address in the register."
	case m.Refuted && !m.Proven:
		why = "The check of where it came from failed, so anybody may have written it."
	default:
		return ""
	}
	return why + " Call " + who + " first. Once it is accepted it stands in the conversation as their message, for good, and they read it there."
}

// mailMarks say what is known of a reply that came by ordinary e-mail.
func mailMarks(m view.Mail) []mark {
	var out []mark
	if m.DeclinedBy.ID != "" {
		out = append(out, mark{"x", "", "Not taken as the member's word: " + m.DeclinedBy.Shown})
	}
	switch {
	case !m.Known:
		out = append(out, mark{"triangle-alert", "warn", "From " + m.From + ", which is not the address in the register"})
	case m.Refuted && !m.Proven:
		out = append(out, mark{"triangle-alert", "warn", "It says that it is from " + m.From + ", the address in the register, and the check of where it came from failed: call before you accept it"})
	case !m.Proven:
		out = append(out, mark{"mail", "", "From " + m.From + ", the address in the register. Nothing proves that it was sent from there"})
	default:
		out = append(out, mark{"mail", "", "From " + m.From + ", the address in the register, signed by its mail system"})
	}
	if m.Cut {
		out = append(out, mark{"info", "", "What it quoted was left out"})
	}
	if len(m.Left) > 0 {
		out = append(out, mark{"info", "warn", "Not taken over: " + leftNames(m.Left)})
	}
	return out
}

// overdueMark says that no reply came in time, and who was told then.
func overdueMark(o view.Overdue, waits bool, clock say.Clock) mark {
	m := mark{"clock-alert", "", "Reply overdue: nobody could be told by e-mail"}
	if waits {
		m.Class = "bad"
	}
	var who []string
	for _, p := range o.Told {
		who = append(who, p.Shown)
	}
	if len(who) > 0 {
		m.Text = "Reply overdue: " + strings.Join(who, " and ") + " told by e-mail " + clock.Stamp(o.At)
	}
	return m
}

func toldMark(t view.Told, clock say.Clock) mark {
	if t.Failure != "" {
		return mark{"circle-alert", "bad", "The e-mail notice came back: " + t.Failure}
	}
	return mark{"mail", "", "Told by e-mail " + clock.Stamp(t.At)}
}

func receivedMark(v view.Item, clock say.Clock) mark {
	if v.Received.IsZero() {
		return mark{"hourglass", "", "Not confirmed to the member yet"}
	}
	text := "Received " + clock.Stamp(v.Received)
	if !v.Due.IsZero() && v.State != view.StateReplied {
		text += ", reply promised by " + clock.Day(v.Due)
	}
	if v.Moved != "" && v.State != view.StateReplied {
		text += ". " + strings.TrimSuffix(string(v.Moved), ".")
	}
	if v.Cover.Short != "" {
		text += "; " + v.Cover.Short + " covers"
	}
	return mark{"check", "", text}
}

func sentMark(v view.Item, clock say.Clock) mark {
	switch {
	case v.State == view.StateFailed:
		return mark{"circle-alert", "bad", v.Why}
	case v.State == view.StateSending:
		return mark{"send", "", "Sending…"}
	case v.State == view.StateWaiting:
		return mark{"cloud-off", "warn", "Waiting to send. It has not reached the member. It is sent by itself."}
	case !v.SeenAt.IsZero():
		return mark{"check-check", "", "Read by the member " + clock.Stamp(v.SeenAt)}
	case v.Unseen:
		return mark{"mail", "warn", "Sent. The member has not read it within two business days."}
	case v.State == view.StateHanded:
		return mark{"check", "", "Sent"}
	}
	return mark{"check-check", "", "Delivered"}
}

// cut is where a conversation is folded.
type cut struct{ shown int }

// foldAt keeps what a person needs to answer: from the newest message of either side, whichever is earlier, or the last
// three items. Nothing unread is ever folded.
func foldAt(items []view.Item) cut {
	first := max(0, len(items)-3)
	side := map[bool]bool{}
	for i := len(items) - 1; i >= 0; i-- {
		v := items[i]
		spoken := v.Kind == view.ItemMessage || v.Kind == view.ItemComplete
		if spoken && !side[v.Member] {
			side[v.Member] = true
			first = min(first, i)
		}
	}
	for i, v := range items {
		if v.Unread {
			first = min(first, i)
			break
		}
	}
	return cut{shown: first}
}

// name is what the fold is called: "Show 2 earlier messages, Nov 18 to 19".
func (c cut) name(items []view.Item, clock say.Clock) string {
	switch c.shown {
	case 0:
		return ""
	case 1:
		return "Show the first message, " + clock.Day(items[0].At)
	}
	return fmt.Sprintf("Show %d earlier messages, %s", c.shown, span(items[0].At, items[c.shown-1].At, clock))
}

func span(from, until time.Time, clock say.Clock) string {
	a, b := clock.Date(from), clock.Date(until)
	if a == b {
		return a
	}
	if month, _, _ := strings.Cut(a, " "); strings.HasPrefix(b, month+" ") && !strings.Contains(b, ",") {
		return a + " to " + strings.TrimPrefix(b, month+" ")
	}
	return a + " to " + b
}

func heldOf(h view.Held, in input) held {
	what := "Reply"
	if h.What == "completion" {
		what = "Closing line"
	}
	return held{
		ID: link.HeldID(h.Draft), Draft: h.Draft, What: what, State: h.State, Why: h.Why,
		Who: in.me.Shown, Office: in.thread.Office.Name, Initials: in.me.Initials, Text: h.Text,
	}
}
