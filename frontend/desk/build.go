package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/say"
)

// lostFor is how long a person is told that a colleague's claim came first.
const lostFor = time.Hour

// input is everything that a pane is built from.
type input struct {
	at         at
	clock      say.Clock
	me         care.Person
	practice   string
	thread     view.Thread
	colleagues []view.Colleague
	panel      view.Panel
	noPanel    bool // the roster has no such patient
	err        string
	typed      *string // what was typed in a form that was refused; nil: the draft's text
}

// build shapes the pane. It computes everything that the templates show.
func build(in input) model {
	t := in.thread
	m := model{
		At: in.at, Back: link.Queue(in.at.queue), BackTo: queueName(in.at.queue, t),
		Subject: string(t.Subject), Due: parts.DueInFull(t.Row, in.clock),
		Patient: patientOf(t.Patient, in.clock),
		Topic:   t.Topic.Name(), TopicIcon: parts.TopicIcon(t.Topic), Office: t.Office.Name,
		Owner: ownerOf(t), Flag: urgent{On: t.Flagged, Reason: string(t.FlagReason)},
		Tools: toolsOf(in), Lost: lostOf(t, in.clock), Notices: noticesOf(t),
	}
	if t.Open { // of a completed one nothing is awaited
		m.Out = outOf(t.Absence, in.clock)
	}
	if t.Completed != nil {
		m.Completed = "Completed " + in.clock.Stamp(t.Completed.At)
	}
	if t.Before != nil {
		o := otherOf(*t.Before, in)
		m.Before = &o
	}
	for _, l := range t.After {
		m.After = append(m.After, otherOf(l, in))
	}
	all := itemsOf(in)
	cut := foldAt(t.Items)
	m.Folded, m.Items = all[:cut.shown], all[cut.shown:]
	m.Fold = cut.name(t.Items, in.clock)
	for _, h := range t.Held {
		m.Held = append(m.Held, heldOf(h, in))
	}
	m.Composer, m.Unsent = composerOf(in, m.Patient.First), unsentOf(t)
	m.Panel = panelOf(in)
	m.News = newsOf(in.at, t)
	return m
}

// queueNames are the lists that every office has.
var queueNames = map[string]string{
	"unassigned": "Unassigned", "mine": "Assigned to me", "member": "Awaiting member", "urgent": "Urgent flags",
	"overdue": "Overdue", "unreached": "Not reached", "completed": "Completed",
}

func queueName(id string, t view.Thread) string {
	if name, ok := queueNames[id]; ok {
		return name
	}
	if id == string(t.Office.ID) {
		return t.Office.Name
	}
	return "the list"
}

// ownerOf is who takes care of the conversation, as this person reads it.
func ownerOf(t view.Thread) string {
	if t.Mine {
		return "You"
	}
	return t.Owner.Shown
}

func patientOf(p care.Patient, clock say.Clock) patient {
	out := patient{Name: p.Name, First: firstName(p.Name), MRN: parts.MRN(p.MRN), AgeSex: p.Sex}
	if years, ok := parts.Age(p, clock); ok {
		out.AgeSex = strings.TrimSpace(fmt.Sprintf("%d %s", years, p.Sex))
	}
	if out.Name == "" {
		out.Name, out.First = "Unknown member", "the member"
	}
	return out
}

func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

func toolsOf(in input) tools {
	t := in.thread
	if t.ReadOnly {
		return tools{}
	}
	if !t.Open {
		return tools{Reopen: true}
	}
	out := tools{Claim: !t.Mine, Unclaim: t.Mine, Assign: true, Flag: true,
		Complete: in.at.write != modeClosing && in.me.Role.Bounded(t.Topic) == "", Seen: string(t.Owner.ID)}
	if t.Confides {
		out.Confide = cmp.Or(parts.Names(t.Proxies), "Proxies")
	}
	for _, c := range in.colleagues {
		out.Colleagues = append(out.Colleagues, colleagueOf(c, t, in.clock))
	}
	return out
}

func colleagueOf(c view.Colleague, t view.Thread, clock say.Clock) colleague {
	out := colleague{ID: string(c.Person.ID), Name: c.Person.Shown, Initials: c.Person.Initials}
	switch {
	case c.Person.ID == t.Owner.ID:
		out.Note, out.Chosen, out.Disabled = "Has it now", true, true
	case c.Unenrolled:
		out.Note, out.Disabled = "Not enrolled yet", true
	case c.Absence != nil:
		out.Note, out.Disabled = "Out "+parts.OutUntil(*c.Absence, clock)+covered(*c.Absence), true
	case c.Me:
		out.Note = "You"
	}
	return out
}

func covered(a view.Absence) string {
	if a.Cover.Shown == "" {
		return ""
	}
	return ", covered by " + a.Cover.Shown
}

func outOf(a *view.Absence, clock say.Clock) *absent {
	if a == nil {
		return nil
	}
	out := &absent{Who: a.Person.Short + " is out " + parts.OutUntil(*a, clock) + ".", Rest: "Nobody covers. The time that was promised stands still until then."}
	if a.Cover.Shown != "" {
		out.Rest = a.Cover.Shown + " covers."
	}
	return out
}

// lostOf tells a person whose claim did not win who was first, for a while and as long as it is still so.
func lostOf(t view.Thread, clock say.Clock) string {
	if len(t.Lost) == 0 || t.Mine || !t.Open {
		return ""
	}
	last := t.Lost[len(t.Lost)-1]
	if last.To.ID != t.Owner.ID || clock.Now.Sub(last.At) > lostFor {
		return ""
	}
	return claimedFirst(last.To)
}

// claimedFirst is what the loser of a claim reads.
func claimedFirst(by care.Person) string { return by.Short + " claimed it first." }

func noticesOf(t view.Thread) []notice {
	var out []notice
	if t.ReadOnly {
		out = append(out, notice{"lock", "is-warn", "A newer version of Postern wrote in this conversation. Update Postern to write here; you can still read it."})
	}
	if t.Gaps > 0 {
		out = append(out, notice{"hourglass", "is-warn", "Earlier messages of this conversation have not arrived yet. They are added by themselves."})
	}
	if t.Private {
		out = append(out, notice{"eye-off", "is-acc", "Only the patient reads this from here on. Proxies keep what was sent to them before."})
	}
	for _, who := range t.Overstepped {
		out = append(out, notice{"triangle-alert", "is-warn", who.Shown + " answered here, and their role answers administrative topics only. The answer does not count, and the member does not see it."})
	}
	for _, f := range t.Flags {
		out = append(out, notice{"triangle-alert", "is-warn", sentence(f)})
	}
	return out
}

func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func otherOf(l view.Link, in input) other {
	state := "completed"
	switch {
	case l.Open && !l.Due.IsZero():
		state = "open, due " + in.clock.Day(l.Due)
	case l.Open:
		state = "open"
	case !l.At.IsZero():
		state = "completed " + in.clock.Date(l.At)
	}
	return other{URL: link.Case(in.at.queue, l.Part), Subject: string(l.Subject), Office: cmp.Or(l.Provider.Short, l.Office.Name), State: state}
}

// writable reports whether anything can be written in a conversation.
func writable(t view.Thread) bool { return t.Open && !t.ReadOnly && !t.Unopened() }

// unsentOf are the drafts that writing came to an end over: the form is gone, what was typed is not.
func unsentOf(t view.Thread) []unsentText {
	if writable(t) {
		return nil
	}
	var out []unsentText
	for _, u := range []unsentText{
		{Kind: modeReply, Title: "You had begun a reply. It was not sent."},
		{Kind: modeNote, Title: "You had begun a note. It was not sent."},
		{Kind: modeClosing, Title: "You had begun a closing line. It was not sent."},
	} {
		if u.Text = t.Drafts[u.Kind].Text; u.Text != "" {
			out = append(out, u)
		}
	}
	return out
}

func composerOf(in input, first string) composer {
	t := in.thread
	bounded := in.me.Role.Bounded(t.Topic)
	if !writable(t) {
		return composer{Bounded: bounded}
	}
	c := composer{
		Show: true, First: first, Mode: in.at.write, Err: in.err, Practice: in.practice,
		Signed:   in.me.Shown + " - for " + t.Office.Name,
		HasReply: t.Drafts[modeReply].Text != "", HasNote: t.Drafts[modeNote].Text != "",
	}
	c.Ended, c.Bounded = endedOf(t), bounded
	if c.Bounded != "" {
		c.HasReply = false // it stays where it is, for whoever may send it
		if c.Mode == modeReply || c.Mode == modeClosing {
			c.Mode = modeNone
		}
	}
	if c.Mode == "" {
		c.Mode = defaultMode(c)
	}
	if c.Mode == modeNone {
		return c
	}
	d := t.Drafts[c.Mode]
	c.Draft, c.Text, c.Saved = d.ID, string(d.Text), d.Text != ""
	if c.Draft == "" {
		c.Draft = in.at.draft
	}
	if in.typed != nil {
		c.Text = *in.typed
	}
	return c
}

// endedOf names those who wrote as proxies and are none any more.
func endedOf(t view.Thread) string {
	var who []care.Person
	for _, it := range t.Items {
		still := slices.ContainsFunc(t.Proxies, func(p care.Person) bool { return p.ID == it.By.ID })
		if it.Proxy && !still && !slices.ContainsFunc(who, func(p care.Person) bool { return p.ID == it.By.ID }) {
			who = append(who, it.By)
		}
	}
	return parts.Names(who)
}

// defaultMode opens the composer where unsent text waits, and leaves it closed else.
func defaultMode(c composer) string {
	switch {
	case c.HasReply:
		return modeReply
	case c.HasNote:
		return modeNote
	}
	return modeNone
}

// newsAtOnce is how much one report names; the pane is drawn again after it, and reports the rest.
const newsAtOnce = 100

// newsOf is what is unread, for one report that it was read. Its mark differs once more of it came.
func newsOf(a at, t view.Thread) news {
	ids := t.News()
	if len(ids) == 0 {
		return news{}
	}
	mark := fmt.Sprintf("unread-%d-%s", len(ids), ids[len(ids)-1])
	return news{Mark: mark, Read: link.Shows(a.act("read"), ids[:min(len(ids), newsAtOnce)]...)}
}
