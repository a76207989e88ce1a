// Package stories holds the whole-way tests: people of one practice, each with a profile of their own, over a real mail
// system. They read as stories. What two people do step by step is driven still, so that the order of events is the
// story's; what must happen by itself is left to run and waited for by the changes that it wakes.
package stories

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

const passphrase = "a passphrase of the tests"

// town is a practice with its mail system.
type town struct {
	t       testing.TB
	dir     string
	mail    *posttest.System
	reg     *enrol.Registrar
	offices map[string]care.Office
	who     map[string]care.PersonID
	people  map[string]*person
	clock   clock
	mailer  *care.MailLogin
}

// clock is the computers' clock in a town: the real one until a story moves it.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += by
}

// person is one person at one computer.
type person struct {
	t     testing.TB
	name  string
	town  *town
	back  *backend.Backend
	p     *backend.Profile
	data  string
	clock *clock
}

// newTown makes a practice with two offices, their people, two members and the agent; nobody's computer is on yet.
func newTown(t testing.TB, sys *posttest.System) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), mail: sys, offices: map[string]care.Office{}, who: map[string]care.PersonID{}, people: map[string]*person{}}
	ctx := t.Context()
	reg, err := enrol.New(ctx, enrol.Options{
		Dir: filepath.Join(w.dir, "practice"), Passphrase: passphrase, Accounts: w.mail,
		Params: vault.Params{Time: 1, Memory: 8 << 10, Threads: 1},
	}, care.Practice{
		Name: "Alder Creek Clinic", FrontDesk: "555-010-0100", NurseLine: "555-010-0140",
		Calendar: care.Calendar{Zone: "America/New_York", Preset: "us", Hours: week},
	})
	must(t, err)
	t.Cleanup(reg.Close)
	w.reg = reg
	for _, o := range []string{"Lee", "Raman"} {
		office, err := reg.AddOffice(ctx, care.Office{Name: "Dr. " + o + "'s office", Specialty: "Medicine"})
		must(t, err)
		w.offices[o] = office
	}
	lee, raman := w.offices["Lee"].ID, w.offices["Raman"].ID
	for name, s := range map[string]struct {
		role    care.Role
		offices []care.OfficeID
	}{
		"ana":   {care.RolePhysician, []care.OfficeID{lee}},
		"rosa":  {care.RoleNurse, []care.OfficeID{lee, raman}},
		"priya": {care.RoleNurse, []care.OfficeID{lee}},
		"sam":   {care.RoleSupport, []care.OfficeID{raman}},
		"agent": {care.RoleAgent, nil},
	} {
		p, err := reg.AddPerson(ctx, care.Person{Name: name, Shown: strings.ToUpper(name[:1]) + name[1:], Short: name, Initials: name[:2], Role: s.role}, s.offices)
		must(t, err)
		w.who[name] = p.ID
	}
	for name, relations := range map[string][]care.Relation{
		"marisol": {{Office: lee, Why: "primary"}, {Office: raman, Why: "seen", Seen: "2026-10-06"}},
		"dmitri":  {{Office: lee, Why: "primary"}},
	} {
		m, err := reg.AddMember(ctx, care.Patient{Name: name, Born: "1980-03-04", Sex: "F", MRN: mrn[name]}, relations)
		must(t, err)
		w.who[name] = m.Person.ID
	}
	return w
}

var mrn = map[string]string{"marisol": "4821 0739", "dmitri": "3318 9046"}

var week = map[string][]care.Span{"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}

var day = []care.Span{{From: "09:00", Until: "18:00"}}

// at switches a person's computer on, still: it pulls and submits when the story says so.
func (w *town) at(name string) *person { return w.turnOn(name, "", false) }

// live switches a person's computer on, doing by itself what it does.
func (w *town) live(name string) *person { return w.turnOn(name, "", true) }

// second is another computer of the same person, with a replica of its own.
func (w *town) second(name, computer string) *person { return w.turnOn(name, computer, false) }

func (w *town) turnOn(name, computer string, run bool) *person {
	w.t.Helper()
	p := w.off(name, computer)
	p.on(run)
	return p
}

// off is a person's computer, switched off: their profile is made, and everybody's mailbox tells of it.
func (w *town) off(name, computer string) *person {
	w.t.Helper()
	p := &person{t: w.t, name: name, town: w, data: filepath.Join(w.dir, "computer-"+name+computer), clock: &w.clock}
	must(w.t, backend.MakeProfile(w.t.Context(), w.reg, p.dir(), w.who[name], name, passphrase))
	w.people[name+computer] = p
	w.publish()
	return p
}

// publish mails the practice's documents to every mailbox, as the registrar does after each change.
func (w *town) publish() {
	w.t.Helper()
	if w.mailer == nil {
		local := w.mail.AddMailbox(w.t)
		login := w.mail.AddLogin(w.t, local, posttest.Owner)
		w.mailer = &login
	}
	must(w.t, backend.Publish(w.t.Context(), w.reg, *w.mailer))
}

// arrives does something and waits until a letter of it is in Dr. Lee's office's mailbox.
func (w *town) arrives(sends func()) {
	w.t.Helper()
	local := w.local(w.offices["Lee"].Mailbox)
	before := w.mail.Count(w.t, local, "INBOX")
	sends()
	w.mail.Await(w.t, local, "INBOX", before+1)
}

// dir is the folder of the person's profile.
func (p *person) dir() string { return filepath.Join(backend.ProfilesDir(p.data), p.name) }

// secrets changes what the profile's vault holds, such as where its mail system is. The computer must be off.
func (p *person) secrets(change func(s *vault.Secrets)) {
	p.t.Helper()
	v, err := vault.Open(p.dir(), passphrase)
	must(p.t, err)
	defer v.Close()
	s := v.Secrets()
	change(&s)
	must(p.t, v.Save(s))
}

// local is the local part of a person's or an office's mailbox at the mail system.
func (w *town) local(id care.MailboxID) string {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	m, ok := book.Mailbox(id)
	if !ok {
		w.t.Fatalf("no mailbox %s", id)
	}
	local, _, _ := strings.Cut(m.Address, "@")
	return local
}

func (p *person) on(run bool) {
	p.t.Helper()
	p.back = backend.New(p.data, slog.New(slog.NewTextHandler(testLog{p.t, p.name}, nil)), p.clock.now)
	signIn := p.back.SignInStill
	if run {
		signIn = p.back.SignIn
	}
	var err error
	p.p, err = signIn(p.t.Context(), p.name, passphrase)
	must(p.t, err)
	p.t.Cleanup(p.off)
}

// off switches the computer off.
func (p *person) off() {
	if p.back != nil {
		p.back.Close()
		p.back = nil
	}
}

func (p *person) desk() *command.Desk { return p.p.Desk() }

// pulls fetches what is in the person's mailboxes, and all that anybody has handed over for them.
func (p *person) pulls() {
	p.t.Helper()
	var senders []*backend.Profile
	for _, s := range p.town.people {
		if s.back != nil {
			senders = append(senders, s.p)
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx(), time.Minute)
	defer cancel()
	must(p.t, p.p.PullUntil(ctx, senders...))
}

// sends submits what the person's outbox holds.
func (p *person) sends() {
	p.t.Helper()
	must(p.t, p.p.Replica().Settle(p.ctx()))
}

// inStep pulls, confirms if it is the agent, and submits.
func (p *person) inStep() {
	p.t.Helper()
	p.pulls()
	if p.name == "agent" {
		r := &agent.Receipts{Desk: p.desk(), Log: slog.New(slog.DiscardHandler)}
		must(p.t, r.Once(p.ctx()))
	}
	p.sends()
}

func (p *person) ctx() context.Context { return p.t.Context() }

// drafts saves unsent text.
func (p *person) drafts(d draft.Draft) draft.Draft {
	p.t.Helper()
	saved, err := p.desk().SaveDraft(p.ctx(), d)
	must(p.t, err)
	return saved
}

// writes sends a new message to an office: it is held, and its hold ended.
func (p *person) writes(office, subject, text string) (draftID string) {
	p.t.Helper()
	d := p.drafts(draft.Draft{What: command.DraftNew, Office: p.town.offices[office].ID, Subject: care.Text(subject), Text: care.Text(text)})
	_, err := p.desk().SendMessage(p.ctx(), d.ID)
	must(p.t, err)
	must(p.t, p.desk().SendNow(p.ctx(), d.ID))
	return d.ID
}

// writesAndSends sends a new message and submits it.
func (p *person) writesAndSends(office, subject, text string) (draftID string) {
	p.t.Helper()
	d := p.writes(office, subject, text)
	p.sends()
	return d
}

// part is the conversation that a sent draft went to.
func (p *person) part(draftID string) care.EventID {
	p.t.Helper()
	s, err := p.desk().Sending(p.ctx(), draftID)
	must(p.t, err)
	if s.Part.IsZero() {
		p.t.Fatalf("%s: the text is still held", p.name)
	}
	return s.Part
}

// says sends a reply in a conversation: it is held, and its hold ended.
func (p *person) says(part care.EventID, text string) (draftID string) {
	p.t.Helper()
	return p.sendsText(command.DraftReply, part, text, p.desk().SendReply)
}

// completes marks a conversation complete with a closing line.
func (p *person) completes(part care.EventID, closing string) (draftID string) {
	p.t.Helper()
	return p.sendsText(command.DraftClosing, part, closing, p.desk().Complete)
}

func (p *person) sendsText(kind string, part care.EventID, text string, verb func(context.Context, string) (command.Sending, error)) string {
	p.t.Helper()
	d := p.drafts(draft.Draft{What: kind, Part: part, Text: care.Text(text)})
	_, err := verb(p.ctx(), d.ID)
	must(p.t, err)
	must(p.t, p.desk().SendNow(p.ctx(), d.ID))
	return d.ID
}

func (p *person) notes(part care.EventID, text string) {
	p.t.Helper()
	d := p.drafts(draft.Draft{What: command.DraftNote, Part: part, Text: care.Text(text)})
	must(p.t, p.desk().SaveNote(p.ctx(), d.ID))
}

func (p *person) claims(part care.EventID)  { p.t.Helper(); must(p.t, p.desk().Claim(p.ctx(), part)) }
func (p *person) reopens(part care.EventID) { p.t.Helper(); must(p.t, p.desk().Reopen(p.ctx(), part)) }

// reads reads all that a conversation shows.
func (p *person) reads(part care.EventID) {
	p.t.Helper()
	th := p.sees(part)
	must(p.t, p.desk().MarkRead(p.ctx(), part, th.News()...))
}

// sees is the conversation as the person's screen shows it.
func (p *person) sees(part care.EventID) view.Thread {
	p.t.Helper()
	th, err := p.p.Views().Thread(p.ctx(), part)
	must(p.t, err)
	return th
}

// texts are the messages that the person sees in a conversation, in the order shown.
func (p *person) texts(part care.EventID) (out []string) {
	p.t.Helper()
	for _, it := range p.sees(part).Items {
		if it.Kind == view.ItemMessage {
			out = append(out, string(it.Text))
		}
	}
	return out
}

// rows are the conversations in the person's list: of a member the Message Center, of staff everything open.
func (p *person) rows() []view.Row {
	p.t.Helper()
	var rows []view.Row
	var err error
	if p.p.Me().Role == care.RoleMember {
		rows, err = p.p.Views().Center(p.ctx(), "all", "")
	} else {
		_, rows, err = p.p.Views().Queue(p.ctx(), "all", "")
	}
	must(p.t, err)
	return rows
}

// hasRow reports whether a list shows a subject.
func hasRow(rows []view.Row, subject string) bool {
	for _, r := range rows {
		if string(r.Subject) == subject {
			return true
		}
	}
	return false
}

// waitFor waits until a live computer shows what the story says, looking again at each change.
func (p *person) waitFor(what string, yes func() bool) {
	p.t.Helper()
	changes, cancel := p.p.Wake()
	defer cancel()
	limit := time.NewTimer(3 * time.Minute)
	defer limit.Stop()
	for !yes() {
		select {
		case <-changes:
		case <-limit.C:
			p.t.Fatalf("%s: waited three minutes for: %s", p.name, what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalTexts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	equal(t, what, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
}

// testLog puts a person's log beside the test's own, and drops what comes after its end.
type testLog struct {
	t    testing.TB
	name string
}

func (l testLog) Write(b []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Logf("%s: %s", l.name, strings.TrimSpace(string(b)))
	}
	return len(b), nil
}
