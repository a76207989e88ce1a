package stories

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
)

// telling makes the town's practice tell its members of news by ordinary e-mail, and gives the agent's mailbox for it.
func (w *town) telling() agent.Settings {
	w.t.Helper()
	must(w.t, w.reg.ChangePractice(w.t.Context(), func(p *care.Practice) error {
		p.Policy.Notices = care.Notices{On: true, Replies: true, Quiet: w.elsewhen()}
		return nil
	}))
	login := w.mail.AddLogin(w.t, w.mail.AddMailbox(w.t), posttest.Owner)
	return agent.Settings{From: login.Address, Replies: "*@reply.example", Login: login}
}

// elsewhen is an hour that is far from now, so that it is no quiet time whenever the tests run.
func (w *town) elsewhen() care.Span {
	w.t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	must(w.t, err)
	far := w.clock.now().In(zone).Add(12 * time.Hour)
	return care.Span{From: far.Format("15:04"), Until: far.Add(time.Minute).Format("15:04")}
}

// ordinary makes an ordinary mailbox for a member, whom the register knows by it from now on.
func (w *town) ordinary(name string) (local string) {
	w.t.Helper()
	local = w.mail.AddMailbox(w.t)
	for _, p := range w.reg.Patients() {
		if p.Person == w.who[name] {
			p.Patient.Email = w.mail.Address(local)
			must(w.t, w.reg.SetPatient(w.t.Context(), p.Patient, p.Relations))
			return local
		}
	}
	w.t.Fatalf("%s is no member", name)
	return ""
}

// tellsMembers lets the agent's computer tell of what is ripe.
func (p *person) tellsMembers(s agent.Settings) {
	p.t.Helper()
	must(p.t, p.p.TellOnce(p.ctx(), s))
	p.sends()
}

// TestTellsByOrdinaryMail: a member who does not have Postern open gets one ordinary e-mail of an answer, which tells nothing of it; no
// further one until she has read; and none when she does not want them.
func TestTellsByOrdinaryMail(t *testing.T) { posttest.Each(t, testTellsByOrdinaryMail) }

func testTellsByOrdinaryMail(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	s, box := w.telling(), w.ordinary("marisol")
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "My knee", "It hurts."))
	clinic.inStep()
	rosa.pulls()
	rosa.claims(part)
	rosa.says(part, "Please rest it.")
	rosa.sends()
	clinic.pulls()
	clinic.tellsMembers(s)
	equal(t, "at once", sys.Count(t, box, "INBOX"), 0)
	w.clock.move(6 * time.Minute)
	clinic.tellsMembers(s)
	clinic.tellsMembers(s)
	sys.Await(t, box, "INBOX", 1)

	all := sys.Messages(t, box, "INBOX")
	equal(t, "mails", len(all), 1)
	m, err := mail.ReadMessage(bytes.NewReader(all[0].Raw))
	must(t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	must(t, err)
	patient, _ := marisol.desk().Directory().Patient(marisol.desk().Patient)
	for _, secret := range []string{"arisol", "Rosa", "rosa", "Lee", "Raman", "Alder", "Medicine", "knee", "rest", "hurt", patient.MRN, patient.Born, part.String(),
		string(patient.ID), string(patient.Mailbox), w.local(patient.Mailbox), string(w.who["marisol"])} {
		if strings.Contains(string(all[0].Raw)+string(text), secret) {
			t.Errorf("the mail tells %q:\n%s", secret, all[0].Raw)
		}
	}
	equal(t, "it is from", m.Header.Get("From"), "<"+s.From+">")
	equal(t, "it says that it is automatic", m.Header.Get("Auto-Submitted"), "auto-generated")

	// The office knows that she was told, and she has nothing of that event.
	rosa.pulls()
	marisol.pulls()
	equal(t, "the office's notices", kinds(t, rosa, part, event.Notice), 1)
	equal(t, "the member's", kinds(t, marisol, part, event.Notice), 0)

	// What is new is told once she has read, and not before.
	w.clock.move(time.Hour)
	rosa.says(part, "And put ice on it.")
	rosa.sends()
	clinic.pulls()
	w.clock.move(6 * time.Minute)
	clinic.tellsMembers(s)
	equal(t, "while the first is unread", kinds(t, clinic, part, event.Notice), 1)
	marisol.pulls()
	marisol.reads(part)
	marisol.sends()
	clinic.pulls()
	rosa.pulls()
	rosa.says(part, "Call if it swells.")
	rosa.sends()
	clinic.pulls()
	w.clock.move(time.Hour)
	clinic.tellsMembers(s)
	sys.Await(t, box, "INBOX", 2)

	// She does not want them any more: the practice's mailbox takes her word.
	marisol.pulls()
	hers, err := marisol.p.OwnNotices(t.Context())
	must(t, err)
	equal(t, "what she reads of it", hers, backend.OwnNotices{Sent: true, Email: sys.Address(box), On: true})
	must(t, marisol.p.ChooseNotices(t.Context(), false))
	hers, err = marisol.p.OwnNotices(t.Context())
	must(t, err)
	equal(t, "she reads that they are on", hers.On, false)
	marisol.reads(part)
	marisol.sends()
	clinic.pulls()
	rosa.pulls()
	equal(t, "the nurse reads that she wants none", rosa.notices(marisol).Off, true)
	wants, err := clinic.desk().WantsNotices(t.Context(), marisol.desk().Mailbox)
	must(t, err)
	equal(t, "the agent thinks that she wants them", wants, false)
	rosa.says(part, "How is it today?")
	rosa.sends()
	clinic.pulls()
	w.clock.move(time.Hour)
	clinic.tellsMembers(s)
	equal(t, "notices", kinds(t, clinic, part, event.Notice), 2)

	// So does an agent that begins anew; and what the agent is told by e-mail, she sees.
	again := w.second("agent", "-new")
	again.pulls()
	again.tellsMembers(s)
	equal(t, "notices of a new computer", kinds(t, again, part, event.Notice), 2)
	must(t, clinic.desk().ChooseNotices(t.Context(), marisol.desk().Mailbox, true))
	clinic.sends()
	marisol.pulls()
	wants, err = marisol.desk().WantsNotices(t.Context(), marisol.desk().Mailbox)
	must(t, err)
	equal(t, "she sees that she gets them again", wants, true)
	rosa.pulls()
	equal(t, "the nurse reads", rosa.notices(marisol), view.Notices{Sent: true})
	equal(t, "mails in the end", sys.Count(t, box, "INBOX"), 2)
}

// notices is what somebody of the care team reads of a member's notices.
func (p *person) notices(member *person) view.Notices {
	p.t.Helper()
	panel, err := p.p.Looks().Panel(p.ctx(), member.desk().Patient)
	must(p.t, err)
	return panel.Notices
}

// TestTellsByItself: the agent that runs tells what is ripe, with the mailbox that its file describes, and is killed between handing a
// mail over and noting it: the notice is recorded once. Though its file names no address for answers, it reads what comes back.
func TestTellsByItself(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	w := newTown(t, sys)
	s, box := w.telling(), w.ordinary("marisol")
	agents := sys.AddMailbox(t)
	s.Login = sys.AddLogin(t, agents, posttest.Owner)
	s.From = s.Login.Address
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.off("agent", "")
	s.Replies = ""
	file := w.mailFile(s)
	runs := func() {
		t.Helper()
		clinic.back = backend.New(clinic.data, slog.New(slog.NewTextHandler(testLog{t, "agent"}, nil)), w.clock.now)
		must(t, clinic.back.UseMail(file))
		var err error
		clinic.p, err = clinic.back.SignIn(t.Context(), "agent", passphrase)
		must(t, err)
	}
	runs()
	t.Cleanup(clinic.off)
	trouble := func(statement string) {
		t.Helper()
		must(t, clinic.desk().DB.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}))
	}
	trouble("CREATE TRIGGER killed BEFORE UPDATE ON mail_out BEGIN SELECT RAISE(ABORT, 'killed'); END")

	for _, p := range []*person{marisol, rosa} {
		must(t, p.p.Replica().Pull(t.Context()))
	}
	part := marisol.part(marisol.writesAndSends("Lee", "My knee", "It hurts."))
	clinic.waitFor("the question", func() bool { return hasRow(clinic.rows(), "My knee") })
	must(t, rosa.p.Replica().Pull(t.Context()))
	rosa.claims(part)
	rosa.says(part, "Please rest it.")
	rosa.sends()
	clinic.waitFor("the answer", func() bool { return len(clinic.texts(part)) == 2 })
	w.clock.move(6 * time.Minute)
	clinic.p.SyncNow()
	rosa.notes(part, "She runs a lot.") // something comes, and it looks again
	rosa.sends()
	clinic.waitFor("the notice", func() bool { return kinds(t, clinic, part, event.Notice) == 1 })
	sys.Await(t, box, "INBOX", 1)
	clinic.stands("well", func(h backend.Health) bool {
		return h.Ordinary.Reads && !h.Ordinary.Read.IsZero() && !h.Ordinary.Sent.IsZero() && len(h.Wrong) == 0
	})
	clinic.off()
	runs() // and it goes again: whoever starts anew does not know that it went
	sys.Await(t, box, "INBOX", 2)
	trouble("DROP TRIGGER killed") // whoever knows notes it
	ids := map[string]bool{}
	for _, m := range sys.Messages(t, box, "INBOX") {
		read, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		must(t, err)
		ids[read.Header.Get("Message-Id")] = true
	}
	equal(t, "different mails", len(ids), 1)
	equal(t, "notices", kinds(t, clinic, part, event.Notice), 1)

	for its := range ids {
		sys.Append(t, agents, "INBOX", w.clock.now(), []byte("Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\nTo: "+s.From+"\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"+
			"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"+
			"Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; x@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"+
			"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: "+its+"\r\nSubject: x\r\n--b--\r\n"))
	}
	clinic.waitFor("what came back", func() bool { return kinds(t, clinic, part, event.Failed) == 1 })
}

// stands waits until a live computer says so of itself.
func (p *person) stands(what string, yes func(h backend.Health) bool) {
	p.t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); ; <-look.C {
		h, err := p.p.Health(p.ctx())
		must(p.t, err)
		if yes(h) {
			return
		}
		if time.Since(begun) > time.Minute {
			p.t.Fatalf("%s: it stands so: %+v", what, h)
		}
	}
}

// TestOrdinaryMailboxRefuses: an agent whose mail file holds a wrong password says so, as long as it does.
func TestOrdinaryMailboxRefuses(t *testing.T) { posttest.Each(t, testOrdinaryMailboxRefuses) }

func testOrdinaryMailboxRefuses(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	s := w.telling()
	w.publish()
	right := s.Login.Password
	clinic := w.off("agent", "")
	t.Cleanup(clinic.off)
	runs := func(password string) {
		t.Helper()
		clinic.off()
		s.Login.Password = password
		clinic.back = backend.New(clinic.data, slog.New(slog.NewTextHandler(testLog{t, "agent"}, nil)), w.clock.now)
		must(t, clinic.back.UseMail(w.mailFile(s)))
		var err error
		clinic.p, err = clinic.back.SignIn(t.Context(), "agent", passphrase)
		must(t, err)
	}
	says := func(h backend.Health) bool {
		return slices.ContainsFunc(h.Wrong, func(w backend.Wrong) bool {
			return w.Word == "replies.refused" && strings.Contains(w.Says, "does not let the agent in") && !strings.Contains(w.Says+w.Do, "@")
		})
	}
	runs("wrong " + right)
	clinic.stands("it has begun", func(h backend.Health) bool { return h.Ordinary.Reads && !says(h) })
	w.clock.move(6 * time.Minute)
	clinic.stands("refused", func(h backend.Health) bool { return says(h) && h.Ordinary.Read.IsZero() })
	runs(right)
	clinic.stands("let in", func(h backend.Health) bool { return !says(h) && !h.Ordinary.Read.IsZero() })
}

// TestProof30Notices: two computers of the agent's are alive, and the one that is to speak first gets its mail five minutes late. Of 100
// messages there are at most 100 notices, none twice, and as few mails as a member may get.
func TestProof30Notices(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	w := newTown(t, sys)
	s := w.telling()
	boxes := map[string]string{"marisol": w.ordinary("marisol"), "dmitri": w.ordinary("dmitri")}
	other, first := w.at("agent"), w.second("agent", "-2")
	rosa := w.at("rosa")
	members := []*person{w.at("marisol"), w.at("dmitri")}
	everybody := append([]*person{rosa, other, first}, members...)
	for _, p := range everybody {
		p.pulls()
	}
	var parts []care.EventID
	for _, m := range members {
		for i := range 10 {
			parts = append(parts, m.part(m.writesAndSends("Lee", fmt.Sprint("Question ", i), "Please help.")))
		}
	}
	for _, p := range []*person{rosa, other, first} {
		p.inStep()
	}
	for round := range 5 {
		for _, part := range parts {
			rosa.says(part, fmt.Sprint("Answer ", round))
		}
		rosa.sends()
		other.pulls()
		other.tellsMembers(s)
		first.pulls() // of five minutes ago, when it looks: what the other has written since it does not know
		w.clock.move(5*time.Minute + time.Second)
		other.tellsMembers(s)
		first.tellsMembers(s)
		other.tellsMembers(s) // it has not heard
		w.clock.move(6 * time.Minute)
		for range 2 {
			other.tellsMembers(s)
			first.tellsMembers(s)
			other.pulls()
			first.pulls()
			w.clock.move(time.Hour)
		}
		for _, m := range members {
			m.pulls()
			for _, row := range m.rows() {
				m.reads(row.Part)
			}
			m.sends()
		}
		for _, p := range []*person{other, first, rosa} {
			p.pulls()
		}
	}
	of, all := map[string]int{}, 0
	must(t, first.desk().DB.Read(t.Context(), func(tx *sql.Tx) error {
		for _, part := range parts {
			entries, err := first.desk().Journal.Thread(context.WithoutCancel(t.Context()), tx, part)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if b, is := e.Event.Body.(event.NoticeBody); is {
					of[b.Message.String()+string(b.Mailbox)]++
					all++
				}
			}
		}
		return nil
	}))
	if all != 100 || len(of) != 100 {
		t.Errorf("%d notices of %d messages", all, len(of))
	}
	for name, box := range boxes {
		sys.Await(t, box, "INBOX", 5)
		equal(t, "mails to "+name, sys.Count(t, box, "INBOX"), 5)
	}
}
