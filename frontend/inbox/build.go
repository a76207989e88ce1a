package inbox

import (
	"fmt"
	"strconv"
	"strings"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/say"
)

// model is the rail and the list.
type model struct {
	Queue     string
	Part      care.EventID
	Name      string
	Count     string
	Order     string
	Me        care.Person
	Queues    []queue
	Offices   []queue
	Searching bool
	Find      bool // the search field was just opened and takes the focus
	Search    string
	Rows      []row
	Drawn     string // how many rows are drawn at most, where that is more than one step
	More      *more
	Rest      string // how to come to what is not listed
	Empty     *empty
	Arriving  bool   // nothing is listed yet, for it is still coming in
	Out       string // "Dr. Lee is out until Mon Nov 30."
	Cover     string

	Administers bool // the administration is among what they can go to
	Solo        bool // another page stands in place of list and conversation
}

// queue is one line of the rail.
type queue struct {
	ID, Name, Icon, Mono string
	Key                  string // the key that leads here, after G
	Count                string
	Hot, Current         bool
}

// row is one conversation in the list.
type row struct {
	ID, URL           string
	Current, Unread   bool
	Name, AgeSex, MRN string
	Urgent            bool
	Due               parts.Due
	When, Machine     string // shown where nothing is due
	Icon, Topic       string
	Subject, Snippet  string
	Notes, FollowUp   bool
	Flags             string
	Owner, Initials   string
	Mine              bool
	States            []parts.StateModel // what is wrong; of what a search found, where it stands
}

type more struct{ URL, Text string }

// empty is what a list says that has nothing in it.
type empty struct {
	Icon, Title, Text string
	URL, Label, Count string // where else there is something to do
}

type input struct {
	queueID   string
	part      care.EventID
	me        care.Person
	clock     say.Clock
	queues    []view.Queue
	offices   []view.Queue
	queue     view.Queue
	rows      []view.Row
	searching bool
	find      bool
	search    string
	most      int
	arriving  bool
}

// found reports whether the rows are what a search found, in all queues.
func (in input) found() bool { return strings.TrimSpace(in.search) != "" }

func build(in input) model {
	m := model{
		Queue: in.queueID, Part: in.part, Name: in.queue.Name, Count: say.Number(in.queue.Count), Me: in.me,
		Administers: in.me.Role == care.RoleAdministrator,
		Order:       "Due soonest first", Searching: in.searching || in.find, Find: in.find, Search: in.search, Rest: restOf(in),
	}
	switch in.queueID {
	case "completed":
		m.Order = "Newest first"
	case "unreached":
		m.Order = "Longest ago first"
	}
	if in.found() {
		m.Name, m.Count = "Found", say.Number(len(in.rows))
	}
	for _, q := range in.queues {
		if q.ID != "all" {
			m.Queues = append(m.Queues, queueOf(q, in.queueID))
		}
	}
	for _, q := range in.offices {
		m.Offices = append(m.Offices, queueOf(q, in.queueID))
	}
	if a := in.queue.Absence; a != nil {
		m.Out, m.Cover = a.Person.Short+" is out "+parts.OutUntil(*a, in.clock)+".", coverOf(*a)
	}
	for _, r := range in.rows[:min(len(in.rows), in.most)] {
		m.Rows = append(m.Rows, rowOf(r, in))
	}
	if in.most > step {
		m.Drawn = strconv.Itoa(in.most)
	}
	if left := len(in.rows) - in.most; left > 0 {
		m.Rest = ""
		m.More = &more{URL: link.With(m.address(), "rows", strconv.Itoa(in.most+step)),
			Text: fmt.Sprintf("Show %s more", say.Number(min(left, step)))}
	}
	if len(in.rows) == 0 {
		e := emptyOf(in)
		m.Empty, m.Arriving = &e, in.arriving
	}
	return m
}

// restOf says what becomes of the rows that are not listed.
func restOf(in input) string {
	listed := say.Number(len(in.rows))
	switch {
	case in.found() && len(in.rows) >= view.MaxFound:
		return "The newest " + listed + " are listed. Add a word to find fewer."
	case !in.found() && in.queue.Count > len(in.rows):
		return "The first " + listed + " of " + say.Number(in.queue.Count) + " are listed. Search finds the others."
	}
	return ""
}

func coverOf(a view.Absence) string {
	if a.Cover.Shown == "" {
		return "Nobody covers. Promised times stand still until then."
	}
	return a.Cover.Shown + " covers."
}

// icons and keys of the queues that everyone has.
var icons = map[string]string{
	"unassigned": "inbox", "mine": "circle-user", "member": "hourglass", "urgent": "flag", "overdue": "clock-alert",
	"mail": "mail", "unreached": "mail-x", "completed": "circle-check-big",
}

var keys = map[string]string{"unassigned": "u", "mine": "m", "overdue": "o", "unreached": "n"}

func queueOf(q view.Queue, current string) queue {
	out := queue{ID: q.ID, Name: q.Name, Icon: icons[q.ID], Key: keys[q.ID], Hot: q.Hot && q.Count > 0,
		Current: q.ID == current, Count: say.Number(q.Count)}
	if out.Icon == "" {
		out.Mono = q.Provider.Initials
		if q.Provider.Short != "" {
			out.Name = q.Provider.Short
		}
		if out.Mono == "" {
			out.Mono = parts.Initials(q.Name)
		}
	}
	if q.ID == "completed" {
		out.Count = "" // it only grows
	}
	return out
}

func rowOf(v view.Row, in input) row {
	r := row{
		ID: link.RowID(v.Part, v.Draft), URL: link.Case(in.queueID, v.Part), Current: v.Part == in.part, Unread: v.Unread,
		Name: v.Patient.Name, MRN: parts.MRN(v.Patient.MRN), AgeSex: v.Patient.Sex,
		Urgent: v.Flagged && v.Open, Icon: parts.TopicIcon(v.Topic), Topic: v.Topic.Name(),
		Subject: string(v.Subject), Snippet: say.Line(string(v.Snippet)),
		Notes: v.HasNotes, FollowUp: v.FollowUp, Flags: strings.Join(v.Flags, ". "),
		Owner: v.Owner.Shown, Initials: v.Owner.Initials, Mine: v.Mine, States: troubleOf(v, in.clock),
	}
	if in.found() {
		r.States = append(r.States, placeOf(v))
	}
	if r.Name == "" {
		r.Name = "Unknown member"
	}
	if years, ok := parts.Age(v.Patient, in.clock); ok {
		r.AgeSex = strings.TrimSpace(strconv.Itoa(years) + " " + v.Patient.Sex)
	}
	if r.Urgent {
		return r
	}
	if r.Due = parts.DueOf(v, in.clock); r.Due.Text == "" && !v.At.IsZero() {
		r.When, r.Machine = in.clock.Moment(v.At), in.clock.Machine(v.At)
	}
	return r
}

// troubleOf is what somebody should look after in a conversation, in whatever list it stands.
func troubleOf(v view.Row, clock say.Clock) []parts.StateModel {
	switch {
	case v.State == view.StateReview, v.State == view.StateFailed, v.State == view.StateWaiting:
		return []parts.StateModel{parts.RowState(v, clock)}
	case v.Unseen:
		return []parts.StateModel{{Class: "is-wait", Icon: "mail", Text: "Not read within two business days"}}
	}
	return nil
}

// placeOf is where a conversation stands that a search found: it may be in any queue.
func placeOf(v view.Row) parts.StateModel {
	switch {
	case !v.Open:
		return parts.StateModel{Class: "is-done", Icon: "circle-check-big", Text: "Completed"}
	case v.Awaits == fold.Member:
		return parts.StateModel{Icon: "hourglass", Text: "Awaiting member"}
	case v.Mine:
		return parts.StateModel{Icon: "circle-user", Text: "Assigned to you"}
	case v.Owner.Shown != "":
		return parts.StateModel{Icon: "user-check", Text: "Assigned to " + v.Owner.Shown}
	}
	return parts.StateModel{Icon: "inbox", Text: "Unassigned"}
}

// nothings are the sentences of empty lists, and the list to go to from there.
var nothings = map[string]struct{ icon, title, text, other string }{
	"unassigned": {"sun", "All caught up.", "Nobody is waiting for a first reply.", "mine"},
	"mine":       {"circle-user", "Nothing is assigned to you.", "Claim a conversation and it stands here.", "unassigned"},
	"member":     {"hourglass", "No member is awaited.", "What you answered stands here until the member writes again or it is completed.", "unassigned"},
	"urgent":     {"flag", "Nothing is flagged as urgent.", "Flagged conversations stand here and on top of every list.", "unassigned"},
	"overdue":    {"clock", "Nothing is overdue.", "Every promise is kept so far.", "unassigned"},
	"mail":       {"mail-check", "Nothing waits here.", "What members answer by ordinary e-mail stands here until somebody accepts or declines it.", "unassigned"},
	"unreached":  {"mail-check", "Everybody was reached.", "What does not arrive stands here, what a member has not read within two business days, and what you wrote that was not sent.", "unassigned"},
	"completed":  {"circle-check-big", "Nothing is completed yet.", "Completed conversations stand here, the newest first.", "unassigned"},
}

func emptyOf(in input) empty {
	if in.found() {
		return empty{Icon: "search", Title: "Nothing found.",
			Text: "Search looks at names, record numbers, subjects and messages in all conversations, completed ones too."}
	}
	if in.arriving {
		return empty{Icon: "hourglass", Title: "Messages are arriving.", Text: "This computer fetches what the clinic has. It is listed here as it comes in."}
	}
	if in.me.Role == care.RoleAdministrator && len(in.offices) == 0 {
		return empty{Icon: "building-2", Title: "You belong to no office.", Text: "Conversations stand here once you do. Who belongs to an office is chosen under Administration, Staff."}
	}
	n, ok := nothings[in.queueID]
	if !ok {
		n.icon, n.title, n.text, n.other = "sun", "All caught up.", "No conversation of this office is open.", "unassigned"
	}
	e := empty{Icon: n.icon, Title: n.title, Text: n.text}
	for _, q := range in.queues {
		if q.ID == n.other && q.Count > 0 {
			e.URL, e.Label, e.Count = link.Queue(q.ID), "Go to "+q.Name, say.Number(q.Count)
		}
	}
	return e
}
