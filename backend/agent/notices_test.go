package agent

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// teller is the agent's computer, whose practice tells members of news.
type teller struct {
	*Notices
	t      *testing.T
	r      *recordtest.Replica
	now    time.Time
	inStep bool
	talks  int
}

// tells switches the agent's computer on at 9 am on Monday.
func tells(t *testing.T) *teller {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	a := &teller{t: t, r: r, now: recordtest.Monday, inStep: true}
	r.Clinic.Policy.Notices = care.Notices{On: true, Replies: true}
	a.roster(recordtest.MariaPt, func(p *care.Patient) { p.Email, p.Language = "Maria@example.org", "es" })
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "minh@example.org" })
	a.Notices = &Notices{Mails: ordinary.New(r.DB), Log: slog.New(slog.DiscardHandler), InStep: func() bool { return a.inStep },
		Settings: &Settings{From: "care@clinic.example", Replies: "care@clinic.example"},
		Desk: &command.Desk{DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
			Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{recordtest.Agent.Key},
			Me: recordtest.Agent.Person, Now: func() time.Time { return a.now }, Wake: func(command.Change) {}}}
	return a
}

func (a *teller) roster(id care.PatientID, change func(*care.Patient)) {
	p := a.r.Clinic.Roster[id]
	change(&p)
	a.r.Clinic.Roster[id] = p
}

// talk is a conversation of a member's in which Dr. Lee has answered just now.
func (a *teller) talk(who recordtest.Someone) *recordtest.Story {
	a.t.Helper()
	a.talks++
	s := recordtest.NewStory(a.t, who, care.Text(fmt.Sprint("A rash ", a.talks)), a.now.Add(-time.Hour))
	s.Says(who, "It itches.")
	a.r.Takes(recordtest.LeeBox, s.All...)
	a.answers(s)
	return s
}

// answers lets Dr. Lee write once more, and gives what she wrote.
func (a *teller) answers(s *recordtest.Story) *event.Event {
	a.t.Helper()
	s.At = a.now.Add(-time.Minute - time.Second) // it arrives now
	e := s.Says(recordtest.DrLee, "Use the cream, twice a day.")
	a.r.Takes(recordtest.LeeBox, e)
	return e
}

// reads lets the member read what was written.
func (a *teller) reads(s *recordtest.Story, who recordtest.Someone, what *event.Event) {
	a.t.Helper()
	a.r.Takes(recordtest.LeeBox, s.Write(who, nil, event.SeenBody{Message: what.ID}))
}

// after lets time pass, and the agent look as it does when nothing changes; and gives the mails that are new.
func (a *teller) after(d time.Duration, changed ...care.ThreadID) []ordinary.Out {
	a.t.Helper()
	before := a.mails()
	a.now = a.now.Add(d)
	if _, err := a.pass(a.t.Context(), changed); err != nil {
		a.t.Fatal(err)
	}
	var out []ordinary.Out
	for _, m := range a.mails() {
		if !slices.ContainsFunc(before, func(x ordinary.Out) bool { return x.Key == m.Key }) {
			out = append(out, m)
		}
	}
	return out
}

func (a *teller) mails() (all []ordinary.Out) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		all, err = a.Mails.Due(ctx, tx, a.now.AddDate(1, 0, 0), 1000)
		return err
	})
	return all
}

func (a *teller) wants(what string, got []ordinary.Out, addresses ...string) {
	a.t.Helper()
	var to []string
	for _, m := range got {
		to = append(to, m.Address)
	}
	slices.Sort(to)
	if fmt.Sprint(to) != fmt.Sprint(addresses) {
		a.t.Fatalf("%s: mails to %v, want %v", what, to, addresses)
	}
}

// part is a conversation as the agent has it.
func (a *teller) part(s *recordtest.Story) (p fold.Part) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := a.r.Journal.Thread(ctx, tx, s.Thread)
		if err == nil {
			p = fold.Fold(command.Events(entries), a.r.Clinic).Parts[0]
		}
		return err
	})
	return p
}

const (
	marias = "maria@example.org"
	minhs  = "minh@example.org"
)

// A member is told after five minutes, if nobody has read it by then; once, until they have read; and again of what is new then.
func TestTellsOnceUntilRead(t *testing.T) {
	a := tells(t)
	s := a.talk(recordtest.Maria)
	a.wants("at once", a.after(0))
	a.wants("who has it open", a.after(patience-time.Second))
	told := a.after(time.Second)
	a.wants("after five minutes", told, marias)
	p := a.part(s)
	if len(p.Notices) != 1 || p.Notices[0].ID != told[0].Key || p.Notices[0].Mailbox != recordtest.MariaBox || !p.Notices[0].Until.Equal(a.now.Add(replies)) {
		t.Fatalf("recorded: %+v", p.Notices)
	}

	// The mail is the fixed one, in the member's language, and its Reply-To bears the token.
	m, err := mail.ReadMessage(bytes.NewReader(told[0].Mail))
	if err != nil {
		t.Fatal(err)
	}
	tokens := notice.Tokens(m.Header.Get("Reply-To"))
	if m.Header.Get("To") != "<Maria@example.org>" || m.Header.Get("Subject") != "Algo nuevo para leer" || len(tokens) != 1 || notice.Hash(tokens[0]) != p.Notices[0].Reply {
		t.Errorf("%v", m.Header)
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Vega", "Lee", "rash", "cream", "Alder", s.Thread.String(), p.Notices[0].ID.String(), string(recordtest.MariaPt), string(recordtest.MariaBox)} {
		if strings.Contains(string(told[0].Mail)+string(text), secret) {
			t.Errorf("it tells %q", secret)
		}
	}

	first := s.All[len(s.All)-1]
	more := a.answers(s)
	a.wants("while the first is unread", a.after(2*time.Hour, s.Thread))
	a.reads(s, recordtest.Maria, first)
	a.wants("of what came since she was told, and she has read", append(a.after(0, s.Thread), a.after(hearing)...), marias)
	a.reads(s, recordtest.Maria, more)
	a.wants("when all is read", a.after(time.Hour, s.Thread))
	a.answers(s)
	a.wants("what is new", a.after(0, s.Thread))
	a.wants("what is new, five minutes later", a.after(patience), marias)
	if err := a.Once(t.Context()); err != nil { // a new start
		t.Fatal(err)
	}
	if n := len(a.part(s).Notices); n != 3 {
		t.Errorf("%d notices", n)
	}
}

// What is read in time, or lies unread since long before, is no news.
func TestNoNews(t *testing.T) {
	a := tells(t)
	s := a.talk(recordtest.Maria)
	a.wants("at once", a.after(0))
	a.reads(s, recordtest.Maria, s.All[len(s.All)-1])
	a.wants("read within five minutes", a.after(time.Hour, s.Thread))

	a.r.Clinic.Policy.Notices.On = false
	a.talk(recordtest.Maria)
	a.wants("switched off", a.after(8*24*time.Hour))
	a.r.Clinic.Policy.Notices.On = true
	a.wants("what lay there", a.after(time.Hour))
	a.talk(recordtest.Juan)
	a.now = a.now.Add(time.Hour)
	if err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.wants("switched on", a.mails(), minhs)
}

// Several conversations are one mail, which bears no token and can fail in each of them.
func TestTellsTogether(t *testing.T) {
	a := tells(t)
	a.r.Clinic.Policy.Notices.Name = true
	one, two := a.talk(recordtest.Maria), a.talk(recordtest.Maria)
	other := a.talk(recordtest.Juan)
	a.after(0)
	told := a.after(patience)
	a.wants("two of hers, one of another's", told, marias, minhs)
	for _, m := range told {
		raw := string(m.Mail)
		if m.Address == marias && (len(m.About) != 2 || len(notice.Tokens(raw)) != 0) || m.Address == minhs && (len(m.About) != 1 || len(notice.Tokens(raw)) == 0) ||
			!slices.Contains(m.About, m.Key) {
			t.Errorf("about %v: %s", m.About, raw)
		}
		if !strings.Contains(raw, "Alder Creek Clinic") {
			t.Error("the practice is not named, and may be")
		}
		if m.Address != marias {
			continue
		}
		for range 2 {
			if err := NoticeFailed(t.Context(), a.Desk, a.Mails, m.Key, "550 5.1.1 no such user"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for s, failed := range map[*recordtest.Story]int{one: 1, two: 1, other: 0} {
		if p := a.part(s); len(p.Notices) != 1 || len(p.Notices[0].Failure) != failed {
			t.Errorf("%+v", p.Notices)
		}
	}
	if err := NoticeFailed(t.Context(), a.Desk, a.Mails, care.EventID{9}, "gone"); err != nil { // of an answer
		t.Error(err)
	}
}

// An address gets one mail in half an hour and five a day, whosever it is.
func TestLimits(t *testing.T) {
	a := tells(t)
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "MARIA@example.org" }) // they share it
	var times []time.Time
	start := a.now.Add(-time.Hour) // 8 am
	a.now = start
	for a.now.Before(start.Add(30 * time.Hour)) {
		var changed []care.ThreadID
		if len(times) < 7 {
			who := recordtest.Maria
			if len(times)%2 == 1 {
				who = recordtest.Juan
			}
			changed = append(changed, a.talk(who).Thread)
		}
		for range a.after(5*time.Minute, changed...) {
			times = append(times, a.now)
		}
	}
	if len(times) < 6 {
		t.Fatalf("only %d mails", len(times))
	}
	for i, at := range times {
		if i > 0 && at.Sub(times[i-1]) < between {
			t.Errorf("mail %d after %v", i, at.Sub(times[i-1]))
		}
		if i >= perDay && at.Sub(times[i-perDay]) < 24*time.Hour {
			t.Errorf("mail %d is the sixth in %v", i, at.Sub(times[i-perDay]))
		}
	}
}

// Who said no is not told, be it in Postern or with STOP; nor who has no address.
func TestWhoIsNotTold(t *testing.T) {
	a := tells(t)
	if err := a.Desk.ChooseNotices(t.Context(), recordtest.MariaBox, false); err != nil {
		t.Fatal(err)
	}
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "" })
	a.talk(recordtest.Maria)
	a.talk(recordtest.Juan)
	a.wants("nobody", append(a.after(0), a.after(time.Hour)...))
	if err := a.Desk.ChooseNotices(t.Context(), recordtest.MariaBox, true); err != nil {
		t.Fatal(err)
	}
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "not an address" })
	a.wants("who changed their mind", a.after(again), marias)
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "minh@example.org" })
	a.wants("who has an address now", a.after(again), minhs)
}

// An office that does not know that somebody wants no notices is told when they do not read there.
func TestTheOfficeKnowsWhoIsNotTold(t *testing.T) {
	a := tells(t)
	raw, err := event.Encode(event.Event{Practice: recordtest.Practice, Kind: event.Choice, Author: recordtest.Maria.Key, As: recordtest.Maria.ID, For: recordtest.MariaPt,
		At: a.now.Add(-time.Hour), To: []care.MailboxID{recordtest.ClinicBox, recordtest.MariaBox}, Dir: 1, Body: event.ChoiceBody{Mailbox: recordtest.MariaBox}})
	if err != nil {
		t.Fatal(err)
	}
	before, err := event.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	a.r.Takes(recordtest.ClinicBox, before)
	a.talk(recordtest.Maria)
	a.wants("nobody", append(a.after(0), append(a.after(patience), a.after(again)...)...))
	if all := a.choices(); len(all) != 2 || !slices.Contains(all[1].To, recordtest.LeeBox) || all[1].Body.(event.ChoiceBody).On {
		t.Errorf("%d choices, %+v", len(all), all)
	}
}

// choices are all that were made, as they came.
func (a *teller) choices() (all []*event.Event) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := a.r.Journal.AnyLooseOf(ctx, tx, event.Choice)
		for _, e := range entries {
			all = append(all, e.Event)
		}
		return err
	})
	return all
}

// It is one agent's, which knows what is in the mailboxes; another of its computers waits until the first must have spoken.
func TestWhoTells(t *testing.T) {
	a := tells(t)
	a.talk(recordtest.Maria)
	a.inStep = false
	a.wants("not in step", append(a.after(0), a.after(time.Hour)...))
	a.inStep = true
	a.wants("in step, but another computer may just have told", append(a.after(0), a.after(hearing-time.Second)...))
	a.wants("in step", a.after(time.Second), marias)
	a.talk(recordtest.Juan)
	if err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.inStep = false // the connection has broken: what was read since is not known
	a.wants("not in step any more", a.after(time.Hour))
	a.inStep = true
	a.Settings = nil
	a.wants("without a mailbox", a.after(0))
	a.Settings = &Settings{From: "care@clinic.example"}
	a.Desk.Me = recordtest.Rosa.Person
	a.wants("a nurse's computer", a.after(0))
	a.Desk.Me = recordtest.Agent.Person
	a.after(0)
	got := a.after(hearing)
	a.wants("the agent", got, minhs)
	if tokens := notice.Tokens(string(got[0].Mail)); len(tokens) != 0 {
		t.Error("it takes answers that nobody reads")
	}

	b := tells(t)
	b.Rank = func() int { return 1 }
	b.talk(recordtest.Maria)
	b.wants("the second computer", append(b.after(0), b.after(patience+further-time.Second)...))
	b.wants("the first seems dead", b.after(time.Second), marias)

	// They were all off, and come back: the first still speaks first.
	b = tells(t)
	b.Rank = func() int { return 1 }
	b.talk(recordtest.Maria)
	b.now = b.now.Add(3 * time.Hour)
	b.wants("the second computer, back", append(b.after(0), b.after(hearing+further-time.Second)...))
	b.wants("the first is still off", b.after(time.Second), marias)
}

// By a clock that is behind, letters come from the future: a member is told all the same, five minutes after the agent found one. And who
// does not read for the patient any more is not told.
func TestClockBehind(t *testing.T) {
	a := tells(t)
	s := a.talk(recordtest.Maria)
	a.now = a.now.AddDate(0, 0, -2)
	a.after(0, s.Thread)
	a.wants("after three minutes", a.after(3*time.Minute, s.Thread))
	a.wants("after five", a.after(2*time.Minute, s.Thread), marias)

	b := tells(t)
	b.Desk.Directory = func() command.Directory { return parted{clinic{b.r.Clinic}} }
	b.talk(recordtest.Maria)
	b.wants("whose grant has ended", append(b.after(0), b.after(time.Hour)...))
	if len(b.waiting) != 0 {
		t.Error("it waits for somebody who reads no more")
	}
}

// A clock that was three days ahead, and is right again, silences nobody for three days.
func TestTellsAfterAClockThatWasAhead(t *testing.T) {
	a := tells(t)
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "" })
	hers, his := a.talk(recordtest.Maria), a.talk(recordtest.Juan)
	a.wants("by the clock that is ahead", append(a.after(3*24*time.Hour, hers.Thread, his.Thread), a.after(hearing)...), marias)
	a.now = a.now.AddDate(0, 0, -3)
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = "minh@example.org" })
	another := a.talk(recordtest.Maria)
	a.wants("by the right one", append(a.after(0, another.Thread), a.after(again)...), marias, minhs)
}

// parted is the clinic after Maria's grant has ended.
type parted struct{ clinic }

func (parted) Former(care.PatientID) []care.MailboxID { return []care.MailboxID{recordtest.MariaBox} }

// At night nobody is woken; what waits then goes in the morning, by the clock on the practice's wall.
func TestQuietHours(t *testing.T) {
	a := tells(t)
	a.now = recordtest.Monday.Add(11*time.Hour + 57*time.Minute) // 8:57 pm
	a.talk(recordtest.Maria)
	a.after(0)
	a.wants("at 9:02 pm", a.after(patience))
	if next, err := a.pass(t.Context(), nil); err != nil || next != time.Hour {
		t.Errorf("looks again in %v, %v", next, err)
	}
	a.wants("at 7:59 am", a.after(10*time.Hour+57*time.Minute))
	if next, err := a.pass(t.Context(), nil); err != nil || next != time.Minute {
		t.Errorf("looks again in %v, %v", next, err)
	}
	a.wants("at 8 am", a.after(time.Minute), marias)
}

func TestQuiet(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, until, now, want string }{ // want: when it ends; "": it is no quiet time
		{"", "", "2026-11-23 20:59", ""},
		{"", "", "2026-11-23 21:00", "2026-11-24 08:00"},
		{"", "", "2026-11-24 07:59", "2026-11-24 08:00"},
		{"", "", "2026-11-24 08:00", ""},
		{"21:00", "21:00", "2026-11-24 03:00", "2026-11-24 08:00"}, // no span is the usual one
		{"x", "08:00", "2026-11-24 03:00", "2026-11-24 08:00"},
		{"12:00", "13:30", "2026-11-24 12:00", "2026-11-24 13:30"},
		{"12:00", "13:30", "2026-11-24 11:59", ""},
		{"12:00", "13:30", "2026-11-24 13:30", ""},
		{"00:00", "06:00", "2026-12-31 23:59", ""},
		{"22:00", "06:00", "2026-12-31 23:00", "2027-01-01 06:00"},
		{"", "", "2026-03-07 22:00", "2026-03-08 08:00"},           // the night is an hour shorter
		{"", "", "2026-10-31 22:00", "2026-11-01 08:00"},           // and an hour longer
		{"22:00", "02:30", "2026-03-08 01:59", "2026-03-08 03:00"}, // there is no half past two
		{"22:00", "01:30", "2026-11-01 00:30", "2026-11-01 01:30"}, // and half past one twice
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, zone)
		if err != nil {
			t.Fatal(err)
		}
		until, asleep := quiet(now, care.Notices{Quiet: care.Span{From: c.from, Until: c.until}}, zone)
		got := ""
		if asleep {
			got = until.In(zone).Format("2006-01-02 15:04")
		}
		if got != c.want || asleep && !until.After(now) {
			t.Errorf("%s to %s at %s: quiet until %q, want %q", c.from, c.until, c.now, got, c.want)
		}
	}
	// Whatever the hour, the quiet time comes to an end.
	for at := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC); at.Before(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)); at = at.Add(7 * time.Minute) {
		now, looks := at, 0
		for {
			until, asleep := quiet(now, care.Notices{Quiet: care.Span{From: "22:00", Until: "01:30"}}, zone)
			if !asleep {
				break
			}
			if now, looks = until, looks+1; looks > 100 {
				t.Fatalf("from %v on it is always quiet", at)
			}
		}
	}
}
