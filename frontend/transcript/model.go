package transcript

import (
	"cmp"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/say"
)

// model is the whole file.
type model struct {
	Mark     string // what every screen says where it is not for real
	Practice string
	Subject  string
	Facts    []fact
	Lacks    []string // what of the conversation is not in it
	Before   string   // which conversation it continues
	Entries  []entry
	After    []string // which ones continue it
	Saved    string   // when, and by whom
	Zone     string
	Staff    bool // the care team's copy
}

type fact struct{ Name, Value string }

// entry is a message, or a line that says what happened.
type entry struct {
	Who, For string
	When     string
	Machine  string // When for the datetime attribute
	Text     care.Text
	States   []string // where it stood when it was saved
	Line     string   // of a line: what happened
}

// writer shapes a conversation for one side.
type writer struct {
	view.Thread
	office string // its name, or "the office"
	member bool   // a member saves it
	clock  say.Clock
}

func build(t view.Thread, f parts.Frame) model {
	w := writer{Thread: t, office: cmp.Or(t.Office.Name, "the office"), member: f.Member, clock: f.Clock}
	m := model{Mark: f.Mark, Practice: f.Practice, Subject: string(t.Subject), Facts: w.facts(), Lacks: w.lacks(), Staff: !f.Member,
		Saved: "Saved " + w.clock.Dated(w.clock.Now) + " by " + cmp.Or(f.Me.Shown, f.Me.Name) + " with Postern.", Zone: zoneOf(w.clock)}
	if t.Before != nil {
		m.Before = "This continues a conversation that was complete: “" + string(t.Before.Subject) + "”"
	}
	for _, l := range t.After {
		m.After = append(m.After, "This is continued in another conversation: “"+string(l.Subject)+"”")
	}
	for _, it := range t.Items {
		if e, ok := w.entry(it); ok {
			m.Entries = append(m.Entries, e)
		}
	}
	return m
}

func zoneOf(c say.Clock) string {
	if c.Zone == time.Local {
		return "Times are those of the computer that saved it."
	}
	return "Times are those of the practice, " + c.Zone.String() + "."
}

// facts are what stands at the head. A member's copy names the patient as their screens do, without number and birthday.
func (w writer) facts() []fact {
	state := "Open"
	switch {
	case w.Completed != nil:
		state = "Completed " + w.clock.Dated(w.Completed.At)
	case !w.Open:
		state = "Completed"
	}
	all := []fact{{"Office", w.office}, {"Patient", cmp.Or(w.Patient.Name, "Unknown member")}}
	if !w.member {
		all = append(all, fact{"Born", w.clock.ISODated(w.Patient.Born)}, fact{"MRN", parts.MRN(w.Patient.MRN)})
	}
	all = append(all, fact{"Topic", w.Topic.Name()}, fact{"State", state})
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

func (w writer) lacks() (all []string) {
	if w.ReadOnly {
		all = append(all, "A newer version of Postern wrote in this conversation. What this version could not read is not in this copy.")
	}
	if w.Gaps > 0 {
		all = append(all, "Part of this conversation had not arrived when this copy was saved. It is not in this copy.")
	}
	if slices.ContainsFunc(w.Items, func(it view.Item) bool { return len(it.Files) > 0 }) {
		all = append(all, "Files that were sent with messages are not in this copy.")
	}
	return all
}

// entry is what one item becomes; ok is false for whatever is not for both sides to read.
func (w writer) entry(it view.Item) (e entry, ok bool) {
	if it.Kind == view.ItemBridged {
		return entry{}, false // nobody's word
	}
	e = entry{Who: w.author(it), When: w.clock.Dated(it.At), Machine: w.clock.Machine(it.At), Text: it.Text, States: w.states(it)}
	switch it.Kind {
	case view.ItemMessage:
	case view.ItemComplete:
		done := "With this the conversation was completed."
		if it.Undone {
			done += " It was reopened later."
		}
		e.States = append(e.States, done)
	case view.ItemReopen:
		who := e.Who
		if w.member {
			who = w.office // which of its people did is not told to members
		}
		return entry{Line: who + " reopened this conversation", When: e.When, Machine: e.Machine}, true
	default:
		return entry{}, false
	}
	switch {
	case !it.Member:
		e.For = "for " + w.office
	case it.Proxy, it.By.Name != "" && it.By.Name != w.Patient.Name:
		e.For = "for " + w.Patient.Name
	}
	return e, true
}

func (w writer) author(it view.Item) string {
	if it.Member {
		return cmp.Or(it.By.Shown, it.By.Name, w.Patient.Name, "The member")
	}
	return cmp.Or(it.By.Shown, it.By.Name, "The care team")
}

// states say where a message stood. An office's message says nothing to the member who has it.
func (w writer) states(it view.Item) []string {
	to := w.office
	switch {
	case !it.Member && w.member:
		return nil
	case !it.Member:
		to = "the member"
	}
	switch {
	case it.State == view.StateFailed:
		return []string{"It did not reach " + to + "."} // the rest is advice, with a telephone number in it
	case it.State == view.StateSending, it.State == view.StateWaiting:
		return []string{"It had not reached " + to + " when this copy was saved."}
	case it.Member:
		return w.received(it)
	case !it.SeenAt.IsZero():
		return []string{"Read by the member " + w.clock.Dated(it.SeenAt) + "."}
	case it.State == view.StateHanded:
		return []string{"Sent. The member had not read it when this copy was saved."}
	}
	return []string{"Delivered."}
}

// received is the clinic's confirmation of a member's message, with what it promised.
func (w writer) received(it view.Item) []string {
	if it.Received.IsZero() && it.State != view.StateDelivered && it.State != view.StateReplied {
		return []string{"Sent. " + w.office + " had not confirmed it when this copy was saved."}
	}
	states := []string{"Delivered to " + w.office + "."}
	if !it.Received.IsZero() {
		states[0] = "Delivered to " + w.office + " " + w.clock.Dated(it.Received) + "."
	}
	if it.TakenBy.Shown != "" {
		states = append(states, "It came by ordinary e-mail; "+it.TakenBy.Shown+" accepted it.")
	}
	if !it.Due.IsZero() {
		states = append(states, "A reply was promised by "+w.clock.DatedDay(it.Due)+".")
	}
	if it.Cover.Shown != "" {
		states = append(states, it.Cover.Shown+" covered.")
	}
	return states
}
