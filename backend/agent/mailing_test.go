package agent

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/mail"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/notice"
	"postern/backend/post/posttest"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// mailing is the agent's computer with a mailbox at a mail system, and the ordinary mailboxes of two members there.
type mailing struct {
	*teller
	m           *Mailing
	sys         *posttest.System
	maria, minh string // mailboxes, by local part
}

func mails(t *testing.T, sys *posttest.System) *mailing {
	t.Helper()
	a := &mailing{teller: tells(t), sys: sys, maria: sys.AddMailbox(t), minh: sys.AddMailbox(t)}
	login := sys.AddLogin(t, sys.AddMailbox(t), posttest.Owner)
	a.Settings = &Settings{From: login.Address, Login: login}
	a.roster(recordtest.MariaPt, func(p *care.Patient) { p.Email = sys.Address(a.maria) })
	a.roster(recordtest.JuanPt, func(p *care.Patient) { p.Email = sys.Address(a.minh) })
	a.m = &Mailing{Desk: a.Desk, Mails: a.Mails, Settings: *a.Settings, Log: slog.New(slog.DiscardHandler)}
	return a
}

// told lets both members be told of an answer each.
func (a *mailing) told() {
	a.t.Helper()
	a.talk(recordtest.Maria)
	a.talk(recordtest.Juan)
	if err := a.Once(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	a.now = a.now.Add(patience)
	if err := a.Once(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	if n := len(a.mails()); n != 2 {
		a.t.Fatalf("%d mails", n)
	}
	a.arrive()
}

// arrive lets the office's copies of the notices that were written come into its mailbox.
func (a *teller) arrive() {
	a.t.Helper()
	a.r.Takes(recordtest.LeeBox, a.written()...)
}

// written are the notices that were written here and came into no mailbox yet.
func (a *teller) written() (all []*event.Event) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		threads, err := a.r.Journal.Threads(ctx, tx)
		for _, thread := range threads {
			entries, err := a.r.Journal.Thread(ctx, tx, thread)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Event.Kind == event.Notice && e.Mailbox == "" {
					all = append(all, e.Event)
				}
			}
		}
		return err
	})
	return all
}

func (a *mailing) sends() {
	a.t.Helper()
	if err := a.m.Once(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

// id is the Message-ID of a mail.
func id(t *testing.T, raw []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get("Message-Id")
}

// Each mail arrives once; one whose going out could not be noted goes out again, the same.
func TestMailing(t *testing.T) { posttest.Each(t, testMailing) }

func testMailing(t *testing.T, sys *posttest.System) {
	a := mails(t, sys)
	a.told()
	for _, m := range a.mails() { // what comes back names it as its Message-ID does, and tells no event
		if got, want := id(t, m.Mail), "<"+m.Name+"@"; m.Name == "" || !strings.HasPrefix(got, want) || strings.Contains(m.Name, m.Key.String()) {
			t.Errorf("its Message-ID is %s, and it is known as %q", got, m.Name)
		}
	}
	trouble := func(statement string) {
		t.Helper()
		a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
	}
	trouble("CREATE TRIGGER killed BEFORE UPDATE ON mail_out BEGIN SELECT RAISE(ABORT, 'killed'); END")
	if err := a.m.Once(t.Context()); err == nil {
		t.Fatal("it was noted")
	}
	trouble("DROP TRIGGER killed") // and started again
	a.m = &Mailing{Desk: a.Desk, Mails: a.Mails, Settings: *a.Settings, Log: a.m.Log}
	a.sends()
	a.sends()
	if n := len(a.mails()); n != 0 {
		t.Errorf("%d mails are left", n)
	}
	total := 0
	for _, local := range []string{a.maria, a.minh} {
		sys.Await(t, local, "INBOX", 1)
		ids := map[string]bool{}
		for _, m := range sys.Messages(t, local, "INBOX") {
			ids[id(t, m.Raw)] = true
			total++
		}
		if len(ids) != 1 {
			t.Errorf("%d different mails", len(ids))
		}
	}
	if total != 3 { // one went twice
		t.Errorf("%d mails arrived", total)
	}
}

// What the mail system refuses for good is said in the conversation, and not tried again.
func TestMailingRefused(t *testing.T) { posttest.Each(t, testMailingRefused) }

func testMailingRefused(t *testing.T, sys *posttest.System) {
	a := mails(t, sys)
	a.roster(recordtest.MariaPt, func(p *care.Patient) { p.Email = "nobody" + sys.Address(a.maria) })
	one, two := a.talk(recordtest.Maria), a.talk(recordtest.Maria)
	other := a.talk(recordtest.Juan)
	a.after(0)
	a.after(patience)
	a.arrive()
	a.sends()
	for s, want := range map[*recordtest.Story]int{one: 1, two: 1, other: 0} {
		failed := a.part(s).Notices[0].Failure
		if len(failed) != want || want > 0 && (failed[0].Mailbox != recordtest.MariaBox || !strings.HasPrefix(failed[0].Reason, "550")) {
			t.Errorf("%+v", failed)
		}
	}
	if n := len(a.mails()); n != 0 {
		t.Errorf("%d mails are left", n)
	}
	sys.Await(t, a.minh, "INBOX", 1)
}

// A mail system that is out of reach is left to rest, and tried for three days. Nobody is woken by what waited, of the care team neither, but an answer goes at once.
func TestMailingWaits(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	a := mails(t, sys)
	a.told()
	right := a.m.Settings.Login
	nowhere := care.Endpoint{Host: "127.0.0.1", Port: 1, TLS: care.TLSNone} // nobody answers there
	a.m.Settings.Login.SMTP = nowhere
	a.sends()
	if a.m.vain != 1 {
		t.Fatalf("%d tries in vain", a.m.vain)
	}
	a.sends() // it rests
	if next, err := a.m.pass(t.Context()); err != nil || next != time.Minute || a.m.vain != 1 {
		t.Errorf("looks again in %v, after %d tries, %v", next, a.m.vain, err)
	}
	a.now = a.now.Add(14 * time.Hour) // 11 pm
	a.m.Settings.Login = right
	rosa := sys.AddMailbox(t)
	a.m.Settings.Staff = map[string]string{recordtest.Rosa.Name: strings.ToUpper(sys.Address(rosa))}
	a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for i, m := range []ordinary.Out{{Address: sys.Address(a.maria), Mail: []byte("Subject: an answer\r\n\r\n")}, {Address: sys.Address(rosa), Mail: []byte("Subject: overdue\r\n\r\n")}} {
			m.Key, m.Added = care.EventID{byte(i + 9)}, a.now
			if _, err := a.Mails.Add(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	a.sends()
	if n := len(a.mails()); n != 3 {
		t.Errorf("%d mails wait for the morning", n)
	}
	sys.Await(t, a.maria, "INBOX", 1)
	a.now = a.now.Add(10 * time.Hour)
	a.sends()
	sys.Await(t, a.maria, "INBOX", 2)
	sys.Await(t, a.minh, "INBOX", 1)
	sys.Await(t, rosa, "INBOX", 1)

	// In three days somebody has to call.
	s := a.talk(recordtest.Maria)
	a.now = a.now.Add(2 * time.Hour)
	if err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.arrive()
	a.m.Settings.Login.SMTP = nowhere
	for range 40 {
		a.now = a.now.Add(2 * time.Hour)
		a.sends()
	}
	if p := a.part(s); len(p.Notices) != 1 || len(p.Notices[0].Failure) != 1 || len(a.mails()) != 0 {
		t.Errorf("%+v", p.Notices)
	}
}

// A full disk, on which nothing can be noted, does not send the same mail again and again.
func TestMailingCannotNote(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	a := mails(t, sys)
	a.told()
	disk := func(statement string) {
		t.Helper()
		a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
	}
	disk("CREATE TRIGGER full BEFORE UPDATE ON mail_out BEGIN SELECT RAISE(ABORT, 'full'); END")
	for range 5 {
		if err := a.m.Once(t.Context()); err == nil {
			t.Fatal("it was noted")
		}
	}
	disk("DROP TRIGGER full")
	a.sends()
	for _, local := range []string{a.maria, a.minh} {
		sys.Await(t, local, "INBOX", 1)
		if n := len(sys.Messages(t, local, "INBOX")); n != 1 {
			t.Errorf("%d mails came", n)
		}
	}
	if n := len(a.mails()); n != 0 || len(a.m.handed) != 0 {
		t.Errorf("%d are left, %d to be noted", n, len(a.m.handed))
	}
}

// What waited for the mail system is looked at once more: nobody is told of what they have read, at an address that is theirs no more, or
// who wants no notices by now. Where somebody is not told who should be, their conversation says so.
func TestMailingWhatNobodyWants(t *testing.T) {
	reads := func(a *teller, s *recordtest.Story) { a.reads(s, recordtest.Maria, s.All[len(s.All)-1]) }
	for name, c := range map[string]struct {
		change func(a *teller, one, two *recordtest.Story)
		stays  int
		says   string
	}{
		"as it was":   {func(*teller, *recordtest.Story, *recordtest.Story) {}, 1, ""},
		"one is read": {func(a *teller, one, _ *recordtest.Story) { reads(a, one) }, 1, ""},
		"both are":    {func(a *teller, one, two *recordtest.Story) { reads(a, one); reads(a, two) }, 0, ""},
		"grant ended": {func(a *teller, _, _ *recordtest.Story) {
			a.Desk.Directory = func() command.Directory { return parted{clinic{a.r.Clinic}} }
		}, 0, ""},
		"moved": {func(a *teller, _, _ *recordtest.Story) {
			a.roster(recordtest.MariaPt, func(p *care.Patient) { p.Email = "new@example.org" })
		}, 0, "another address"},
		"no address": {func(a *teller, _, _ *recordtest.Story) {
			a.roster(recordtest.MariaPt, func(p *care.Patient) { p.Email = "" })
		}, 0, "another address"},
		"unconfirmed": {func(a *teller, _, _ *recordtest.Story) {
			a.Desk.Directory = func() command.Directory { return withdrawn{clinic{a.r.Clinic}} }
		}, 1, ""},
		"switched off": {func(a *teller, _, _ *recordtest.Story) { a.r.Clinic.Policy.Notices.On = false }, 0, "sends no notices"},
		"turned off": {func(a *teller, _, _ *recordtest.Story) {
			if err := a.Desk.ChooseNotices(a.t.Context(), recordtest.MariaBox, false); err != nil {
				a.t.Fatal(err)
			}
		}, 0, "wants no notices"},
	} {
		t.Run(name, func(t *testing.T) {
			a := tells(t)
			one, two := a.talk(recordtest.Maria), a.talk(recordtest.Maria)
			a.after(0)
			a.wants("told", a.after(patience), marias)
			a.arrive()
			c.change(a, one, two)
			nowhere := care.MailLogin{SMTP: care.Endpoint{Host: "127.0.0.1", Port: 1, TLS: care.TLSNone}}
			m := &Mailing{Desk: a.Desk, Mails: a.Mails, Settings: Settings{From: "care@clinic.example", Login: nowhere}, Log: slog.New(slog.DiscardHandler)}
			for range 2 {
				if err := m.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(a.mails()); n != c.stays || m.vain != c.stays {
				t.Errorf("%d mails wait, %d tries", n, m.vain)
			}
			for _, s := range []*recordtest.Story{one, two} {
				failed := a.part(s).Notices[0].Failure
				if c.says == "" && len(failed) != 0 || c.says != "" && (len(failed) != 1 || !strings.Contains(failed[0].Reason, c.says)) {
					t.Errorf("it says %+v", failed)
				}
			}
		})
	}
}

// withdrawn is the clinic after Maria's computer was withdrawn, before what it had written is confirmed.
type withdrawn struct{ clinic }

func (w withdrawn) Standing(e *event.Event) fold.Standing {
	s := w.clinic.Standing(e)
	if s.Member {
		s.Verdict, s.Withdrawn = fold.Waiting, true
	}
	return s
}

// A clock that was three days ahead, and is right again, holds up no mail.
func TestMailingAfterAClockThatWasAhead(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	a := mails(t, sys)
	right := a.m.Settings.Login
	a.now = a.now.AddDate(0, 0, 3)
	a.told()
	a.m.Settings.Login.SMTP = care.Endpoint{Host: "127.0.0.1", Port: 1, TLS: care.TLSNone}
	a.sends()
	a.now = a.now.AddDate(0, 0, -3)
	a.m.Settings.Login = right
	a.sends()
	sys.Await(t, a.maria, "INBOX", 1)
	sys.Await(t, a.minh, "INBOX", 1)
	if n := len(a.mails()); n != 0 {
		t.Errorf("%d mails wait", n)
	}
}

// Two computers of the agent's told of the same, and neither knew of the other: the notice goes out that came into the office's mailbox
// first, and before it has come there none does.
func TestMailingOneOfTwo(t *testing.T) { posttest.Each(t, testMailingOneOfTwo) }

func testMailingOneOfTwo(t *testing.T, sys *posttest.System) {
	a := mails(t, sys)
	marias, minhs := a.talk(recordtest.Maria), a.talk(recordtest.Juan)
	a.after(0)
	a.after(patience)
	if next, err := a.m.pass(t.Context()); err != nil || next > time.Second || len(a.mails()) != 2 {
		t.Fatalf("before they are in the mailbox: %d mails are left, it looks again in %v, %v", len(a.mails()), next, err)
	}
	other := func(s *recordtest.Story, box care.MailboxID, at time.Time) {
		t.Helper()
		s.At = at
		a.r.Takes(recordtest.LeeBox, s.Write(recordtest.Agent, nil, event.NoticeBody{Message: s.All[len(s.All)-1].ID, Mailbox: box}))
	}
	mine := a.written()
	other(marias, recordtest.MariaBox, mine[0].At.Add(-time.Hour))
	other(minhs, recordtest.JuanBox, mine[0].At.Add(time.Hour))
	inStep := false
	a.m.InStep = func() bool { return inStep }
	a.arrive()
	a.sends()
	if n := len(a.mails()); n != 2 {
		t.Fatalf("before all was read, %d mails are left", n)
	}
	inStep = true
	a.sends()
	if n := len(a.mails()); n != 0 {
		t.Errorf("%d mails are left", n)
	}
	sys.Await(t, a.minh, "INBOX", 1)
	if n := sys.Count(t, a.maria, "INBOX"); n != 0 {
		t.Errorf("%d mails tell of what another computer told", n)
	}
}

// A notice that was taken back, because another computer had told of it before, sends no mail.
func TestMailingTakenBack(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	a := mails(t, sys)
	s := a.talk(recordtest.Maria)
	a.after(0)
	a.after(patience)
	mine := a.written()
	s.At = mine[0].At
	a.r.Takes(recordtest.LeeBox, s.Write(recordtest.Agent, nil, event.NoticeBody{Message: s.All[len(s.All)-1].ID, Mailbox: recordtest.MariaBox}))
	if meant, err := a.Desk.StillMeant(t.Context(), mine[0].ID); err != nil || meant {
		t.Fatalf("it goes out: %v", err)
	}
	a.sends()
	if n := len(a.mails()); n != 0 {
		t.Errorf("%d mails are left", n)
	}
	if n := sys.Count(t, a.maria, "INBOX"); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}

// What came into the office's mailbox in the same second is heard before a mail goes, and of two the one with the smaller id goes.
func TestMailingInOneSecond(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	a := mails(t, sys)
	s := a.talk(recordtest.Maria)
	a.after(0)
	a.after(patience)
	mine := a.written()[0]
	a.arrive()
	a.m.runs, a.m.found = true, map[care.EventID]time.Time{}
	for range 2 {
		if _, err := a.m.pass(t.Context()); err != nil || len(a.mails()) != 1 {
			t.Fatalf("at once: %d mails are left, %v", len(a.mails()), err)
		}
		a.now = a.now.Add(hears - time.Second)
	}
	said := s.All[len(s.All)-1].ID
	for other := mine; other.ID.Compare(mine.ID) >= 0; {
		s.At = mine.At.Add(-time.Minute)
		if other = s.Write(recordtest.Agent, nil, event.NoticeBody{Message: said, Mailbox: recordtest.MariaBox, Reply: notice.Hash(notice.NewToken()), Until: a.now}); other.ID.Compare(mine.ID) < 0 {
			a.r.Takes(recordtest.LeeBox, other)
		}
	}
	a.now = a.now.Add(time.Second)
	if _, err := a.m.pass(t.Context()); err != nil || len(a.mails()) != 0 {
		t.Errorf("then %d mails are left, %v", len(a.mails()), err)
	}
	if n := sys.Count(t, a.maria, "INBOX"); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}
