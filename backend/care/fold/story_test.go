package fold

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

const (
	thePractice = care.PracticeID("pr_aaaaaaaaaaaaaaaa")
	theOffice   = care.OfficeID("of_aaaaaaaaaaaaaaaa")
	thePatient  = care.PatientID("pt_mariaaaaaaaaaaaa")
	mbOffice    = care.MailboxID("mb_officeaaaaaaaaaa")
	mbMaria     = care.MailboxID("mb_mariaaaaaaaaaaaa")
	mbJuan      = care.MailboxID("mb_juanaaaaaaaaaaaa")
)

// person is an author of test events.
type person struct {
	id      care.PersonID
	key     care.KeyID
	role    care.Role
	mailbox care.MailboxID // a member's own
}

func newPerson(name string, role care.Role, mailbox care.MailboxID) person {
	id := care.PersonID("ps_" + (name + "aaaaaaaaaaaaaaaa")[:16])
	return person{id: id, key: sha256.Sum256([]byte(name)), role: role, mailbox: mailbox}
}

var (
	maria = newPerson("maria", care.RoleMember, mbMaria)
	juan  = newPerson("juan", care.RoleMember, mbJuan)
	rosa  = newPerson("rosa", care.RoleNurse, "")
	lee   = newPerson("lee", care.RolePhysician, "")
	sam   = newPerson("sam", care.RoleSupport, "")
	admin = newPerson("admin", care.RoleAdministrator, "")
	agent = newPerson("agent", care.RoleAgent, "")
)

// clinic is an authority with a list of keys.
type clinic map[care.KeyID]Standing

func (c clinic) Standing(e *event.Event) Standing {
	s, ok := c[e.Author]
	if !ok {
		return Standing{Verdict: Waiting, Reason: "The author is not known here yet."}
	}
	return s
}

func everyone() clinic {
	c := clinic{}
	for _, p := range []person{maria, juan, rosa, lee, sam, admin, agent} {
		c[p.key] = Standing{Verdict: Accepted, Role: p.role, Member: p.role == care.RoleMember}
	}
	return c
}

var monday = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

// story writes real events: encoded and decoded as they travel.
type story struct {
	t       testing.TB
	readers []care.MailboxID
	thread  care.ThreadID
	part    care.EventID // where the next events are written; zero: the thread itself
	at      time.Time    // the author's clock, one minute an event
	auth    clinic       // who the replicas know
	all     []*event.Event
}

// newStory begins with Maria's opening.
func newStory(t testing.TB, readers ...care.MailboxID) (*story, *event.Event) {
	return newStoryAbout(t, care.TopicOther, readers...)
}

func newStoryAbout(t testing.TB, topic care.Topic, readers ...care.MailboxID) (*story, *event.Event) {
	if readers == nil {
		readers = []care.MailboxID{mbMaria}
	}
	s := &story{t: t, readers: readers, at: monday, auth: everyone()}
	opening := s.write(maria, nil, event.OpenedBody{Office: theOffice, Subject: "A rash", Topic: topic, Readers: readers})
	s.thread = opening.ID
	return s, opening
}

// draft is an event before it is encoded, addressed as its kind says.
func (s *story) draft(by person, after []*event.Event, body any) event.Event {
	s.at = s.at.Add(time.Minute)
	e := event.Event{
		Practice: thePractice, Kind: event.KindOf(body), Thread: s.thread, Part: s.part, Author: by.key, As: by.id,
		For: thePatient, At: s.at, After: idsOf(after), Dir: 1, Body: body,
	}
	switch event.AudienceOf(e.Kind) {
	case event.ToOffice:
		e.To = []care.MailboxID{mbOffice}
	case event.ToOfficeAndSelf:
		e.To = []care.MailboxID{mbOffice, by.mailbox}
	default:
		e.To = append([]care.MailboxID{mbOffice}, s.readers...)
	}
	return e
}

// write adds an event to the story.
func (s *story) write(by person, after []*event.Event, body any) *event.Event {
	s.t.Helper()
	return s.keep(s.draft(by, after, body))
}

// writeUntil adds an event whose id fits, for stories in which the smaller id matters.
func (s *story) writeUntil(by person, after []*event.Event, body any, fits func(care.EventID) bool) *event.Event {
	s.t.Helper()
	e := s.draft(by, after, body)
	for e.Dir = 1; !fits(encode(s.t, e).ID); e.Dir++ {
	}
	return s.keep(e)
}

func (s *story) keep(e event.Event) *event.Event {
	s.t.Helper()
	made := encode(s.t, e)
	s.all = append(s.all, made)
	return made
}

// says is a message.
func (s *story) says(by person, text care.Text, after []*event.Event, basis ...*event.Event) *event.Event {
	s.t.Helper()
	return s.write(by, after, event.SentBody{Text: text, Basis: idsOf(basis)})
}

// completes is a completion with a closing line.
func (s *story) completes(by person, after []*event.Event, covers ...*event.Event) *event.Event {
	s.t.Helper()
	return s.write(by, after, event.CompletedBody{Covers: idsOf(covers), Closing: "Done."})
}

// receives is the clinic's receipt, with a due time two days after the given day of the story.
func (s *story) receives(by person, m *event.Event, day int) *event.Event {
	s.t.Helper()
	received := monday.AddDate(0, 0, day)
	return s.write(by, after(m), event.ReceivedBody{Message: m.ID, Received: received, Due: received.AddDate(0, 0, 2)})
}

// due is the due time that receives writes for a day.
func due(day int) time.Time { return monday.AddDate(0, 0, day+2) }

// fold folds the events as the office holds them.
func (s *story) fold() Conversation { return Fold(s.all, s.auth) }

// holds gives the events that a mailbox holds.
func holds(mailbox care.MailboxID, events []*event.Event) []*event.Event {
	var held []*event.Event
	for _, e := range events {
		if slices.Contains(e.To, mailbox) {
			held = append(held, e)
		}
	}
	return held
}

func without(events []*event.Event, lost ...*event.Event) []*event.Event {
	var left []*event.Event
	for _, e := range events {
		if !slices.Contains(lost, e) {
			left = append(left, e)
		}
	}
	return left
}

func encode(t testing.TB, e event.Event) *event.Event {
	t.Helper()
	raw, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	made, err := event.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func after(events ...*event.Event) []*event.Event { return events }

func idsOf(events []*event.Event) []care.EventID {
	var list []care.EventID
	for _, e := range events {
		list = append(list, e.ID)
	}
	return care.SortEventIDs(list)
}

// root is the thread itself.
func root(t testing.TB, c Conversation) *Part {
	t.Helper()
	p, ok := c.Part(care.EventID{})
	if !ok {
		t.Fatal("the thread itself is missing")
	}
	return p
}

// only is the one follow-up of the conversation.
func only(t testing.TB, c Conversation) *Part {
	t.Helper()
	if len(c.Parts) != 2 {
		t.Fatalf("%d parts, want the thread and one follow-up:\n%s", len(c.Parts), c.DumpOffice())
	}
	return &c.Parts[1]
}

func messages(p *Part) []care.EventID {
	var list []care.EventID
	for _, m := range p.Messages {
		list = append(list, m.ID)
	}
	return list
}

// wantMessages checks which messages stand in a part, in the order shown.
func wantMessages(t testing.TB, p *Part, want ...*event.Event) {
	t.Helper()
	var list []care.EventID
	for _, e := range want {
		list = append(list, e.ID)
	}
	if !slices.Equal(messages(p), list) {
		t.Fatalf("part %s shows %v, want %v", p.ID, messages(p), list)
	}
}

// wantState checks how a part stands.
func wantState(t testing.TB, p *Part, open bool, awaits Side, due time.Time) {
	t.Helper()
	if p.Open != open || p.Awaits != awaits || !p.Due.Equal(due) {
		t.Fatalf("part %s: open %v, awaits %q, due %v; want %v, %q, %v", p.ID, p.Open, p.Awaits, p.Due, open, awaits, due)
	}
}

// converges folds every order of the events, each twice, on the office's side and on every reader's, and fails where two
// replicas that hold the same differ, or where the two sides do not share a meaning. It gives the office's fold.
func (s *story) converges() Conversation {
	s.t.Helper()
	office := s.fold()
	s.everyOrder(holds(mbOffice, s.all), Conversation.DumpOffice, office.DumpOffice())
	for _, m := range s.readers {
		s.everyOrder(holds(m, s.all), Conversation.Dump, office.Dump())
	}
	return office
}

func (s *story) everyOrder(events []*event.Event, dump func(Conversation) string, want string) {
	t := s.t
	t.Helper()
	if len(events) > 7 {
		t.Fatalf("%d events have too many orders", len(events))
	}
	for order := range permutations(events) {
		twice := append(slices.Clone(order), order[:len(order)/2+1]...)
		if got := dump(Fold(twice, s.auth)); got != want {
			t.Fatalf("order %v gives\n%s\nwant\n%s", idsAsCome(order), got, want)
		}
	}
}

func idsAsCome(events []*event.Event) (list []string) {
	for _, e := range events {
		list = append(list, string(e.Kind)+" "+e.ID.String()[:4])
	}
	return list
}

// permutations yields every order of the list (Heap's algorithm); the slice is used again.
func permutations(list []*event.Event) func(yield func([]*event.Event) bool) {
	return func(yield func([]*event.Event) bool) {
		a, c := slices.Clone(list), make([]int, len(list))
		if !yield(a) {
			return
		}
		for i := 1; i < len(a); {
			if c[i] >= i {
				c[i] = 0
				i++
				continue
			}
			j := 0
			if i%2 == 1 {
				j = c[i]
			}
			a[j], a[i] = a[i], a[j]
			if !yield(a) {
				return
			}
			c[i]++
			i = 1
		}
	}
}

func replaceOnce(t testing.TB, text, old, replacement string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q is not once in %s", old, text)
	}
	return strings.Replace(text, old, replacement, 1)
}
