package stories

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/post/posttest"
	"postern/backend/post/submit"
	"postern/backend/record/view"
)

// TestAnswersByOrdinaryMail: a member who does not have Postern open reads a notice in mutt, in an ordinary mailbox, and answers it there. The
// nurse sees what nobody has verified, and accepts it: it is the member's message then, with a receipt, on both sides. What she writes after
// the conversation is complete opens a follow-up.
func TestAnswersByOrdinaryMail(t *testing.T) { posttest.Each(t, testAnswersByOrdinaryMail) }

func testAnswersByOrdinaryMail(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	s, box := w.telling(), w.ordinary("marisol")
	must(t, w.reg.ChangePractice(t.Context(), func(p *care.Practice) error {
		p.Policy.Notices.Name = true // the longest notice: the clinic knows its own name in what is quoted, too
		return nil
	}))
	agents := sys.AddMailbox(t)
	s.Login = sys.AddLogin(t, agents, posttest.Owner)
	s.From, s.Replies = s.Login.Address, sys.Address(agents) // with a plus in it
	home := sys.AddLogin(t, box, posttest.Owner)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	part, m, to := w.noticed(s, box, "Please rest it.", marisol, rosa, clinic)

	// Her mailbox answers by itself that she is away: nobody's word.
	out, err := submit.Dial(t.Context(), home)
	must(t, err)
	must(t, out.Send(t.Context(), home.Address, to[0].Address, []byte("From: Marisol <"+w.mail.Address(box)+">\r\nTo: <"+to[0].Address+">\r\nSubject: Re: "+m.Header.Get("Subject")+
		"\r\nIn-Reply-To: "+m.Header.Get("Message-Id")+"\r\nMessage-ID: <away@example.org>\r\nDate: "+w.clock.now().Format(time.RFC1123Z)+"\r\nAuto-Submitted: auto-replied\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOut of office until Monday.\r\n"), ""))
	must(t, out.Close())

	const first = "Rested, and it is better. ¿Puedo caminar mañana?\n\nI wrote it down:\n- on Tuesday it was swollen\nFrom Wednesday on it was not."
	answersInMutt(t, home, sys.Address(box), first, true)
	sys.Await(t, agents, "INBOX", 2)
	raw := string(sys.Messages(t, agents, "INBOX")[1].Raw)
	for _, quoted := range []string{"In-Reply-To: " + m.Header.Get("Message-Id"), " wrote:\r\n", "\r\n> " + w.reg.Practice().Name + " has something new for you to read in Postern.", "\r\n-- \r\nMarisol Vega\r\n"} {
		if !strings.Contains(raw, quoted) {
			t.Errorf("mutt sent no %q:\n%s", quoted, raw)
		}
	}
	must(t, clinic.p.BridgeOnce(clinic.ctx(), s))
	must(t, clinic.p.BridgeOnce(clinic.ctx(), s))
	clinic.sends()
	rosa.pulls()
	came := items(rosa, part, view.ItemBridged)
	equal(t, "what came by e-mail", len(came), 1)
	equal(t, "its words", string(came[0].Text), first)
	equal(t, "the sender is known", came[0].Mail.Known, true)
	equal(t, "the conversation awaits", rosa.sees(part).Awaits, fold.Member)
	equal(t, "the member's messages", len(items(marisol, part, view.ItemMessage)), 1)
	unread := func() bool {
		t.Helper()
		rows := rosa.rows()
		i := slices.IndexFunc(rows, func(r view.Row) bool { return r.Part == part })
		th := rosa.sees(part)
		return rows[i].Unread && len(th.News()) > 0
	}
	equal(t, "it is news", unread(), true)
	rosa.reads(part)
	equal(t, "it is news once it was shown", unread(), false)

	must(t, rosa.desk().Accept(rosa.ctx(), part, came[0].ID))
	rosa.sends()
	clinic.pulls()
	clinic.inStep()
	clinic.sends()
	marisol.pulls()
	rosa.pulls()
	equal(t, "the conversation awaits", rosa.sees(part).Awaits, fold.Office)
	theirs := items(marisol, part, view.ItemMessage)
	last := theirs[len(theirs)-1]
	equal(t, "the member reads", string(last.Text), first)
	equal(t, "it is theirs", last.Own, true)
	equal(t, "it has a receipt", last.Due.IsZero(), false)

	// After the conversation was completed the token still answers: to a follow-up.
	rosa.completes(part, "Good.")
	rosa.sends()
	clinic.pulls()
	answersInMutt(t, home, sys.Address(box), "Oh, and thank you.", false)
	sys.Await(t, agents, "INBOX", 3)
	must(t, clinic.p.BridgeOnce(clinic.ctx(), s))
	clinic.sends()
	rosa.pulls()
	came = items(rosa, part, view.ItemBridged)
	equal(t, "what came by e-mail", len(came), 1)
	equal(t, "its words", string(came[0].Text), "Oh, and thank you.")
	must(t, rosa.desk().Accept(rosa.ctx(), part, came[0].ID))
	th := rosa.sees(part)
	equal(t, "the conversation is open", th.Open, false)
	equal(t, "follow-ups", len(th.After), 1)
}

// noticed lets marisol write and rosa answer, and gives the part, the notice of it in her ordinary mailbox, and where that takes a reply.
func (w *town) noticed(s agent.Settings, box, answer string, marisol, rosa, clinic *person) (part care.EventID, notice *mail.Message, to []*mail.Address) {
	w.t.Helper()
	part = marisol.part(marisol.writesAndSends("Lee", "My knee", "It hurts."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, answer)
	rosa.sends()
	clinic.pulls()
	w.clock.move(6 * time.Minute)
	clinic.tellsMembers(s)
	w.mail.Await(w.t, box, "INBOX", 1)
	notice, err := mail.ReadMessage(bytes.NewReader(w.mail.Messages(w.t, box, "INBOX")[0].Raw))
	must(w.t, err)
	to, err = notice.Header.AddressList("Reply-To")
	must(w.t, err)
	return part, notice, to
}

// answersInMutt lets a member answer the newest mail of an ordinary mailbox in mutt, as it comes from Debian: they open it by IMAP, write above or
// below what mutt quotes, mutt puts their signature under it, and it goes out by their own mail system.
func answersInMutt(t *testing.T, login care.MailLogin, from, text string, below bool) {
	t.Helper()
	write := `cat @HOME@/text "$1" >@HOME@/written` + "\n"
	if below {
		write = `awk '/^-- $/ { while ((getline line <"@HOME@/text") > 0) print line } { print }' "$1" >@HOME@/written` + "\n"
	}
	home := posttest.Home(t, login, map[string]string{
		"text":      text + "\n\n",
		"signature": "Marisol Vega\n",
		"editor":    write + `cat @HOME@/written >"$1"` + "\n",
		"muttrc": `set folder="imaps://127.0.0.1:@IMAP@/" spoolfile="+INBOX" record="+Sent"
set imap_user="@USER@" imap_pass="@PASS@"
set smtp_url="smtps://@USER@@127.0.0.1:@SMTP@/" smtp_pass="@PASS@"
set ssl_force_tls=yes certificate_file="@HOME@/ca.pem"
set realname="Marisol Vega" from="` + from + `" use_envelope_from=yes envelope_from_address="@ADDRESS@" hostname="laptop.example.org"
set charset="utf-8" signature="@HOME@/signature" tmpdir="@HOME@" editor="sh @HOME@/editor"
set fast_reply=yes include=yes reply_to=yes copy=yes move=no quit=yes wait_key=no
push "<last-entry><reply><send-message><quit>"
`})
	shown := posttest.OnScreen(t, home, "mutt", "mutt -F "+home+"/muttrc")
	if _, err := os.Stat(filepath.Join(home, "written")); err != nil {
		t.Errorf("mutt opened no answer: %v, and shows %.2000q", err, shown)
	}
}

// TestFilesByOrdinaryMail: a member answers a notice with a photo and a PDF. The nurse looks at them as what they are, nobody's word yet, and accepts
// the answer: then the member has them as well, in her own mailbox, sealed to her. What is not taken in is named, and an answer that is too large to be
// read is there to be asked about. What was declined goes nowhere.
func TestFilesByOrdinaryMail(t *testing.T) { posttest.Each(t, testFilesByOrdinaryMail) }

func testFilesByOrdinaryMail(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	s, box := w.telling(), w.ordinary("marisol")
	agents := sys.AddMailbox(t)
	s.Login = sys.AddLogin(t, agents, posttest.Owner)
	s.From, s.Replies = s.Login.Address, sys.Address(agents)
	home := sys.AddLogin(t, box, posttest.Owner)
	marisol, rosa, priya, clinic := w.at("marisol"), w.at("rosa"), w.at("priya"), w.at("agent")
	for _, p := range []*person{marisol, rosa, priya, clinic} {
		p.pulls()
	}
	part, _, to := w.noticed(s, box, "How does it look?", marisol, rosa, clinic)

	last := func(p *person) care.EventID {
		said := items(p, part, view.ItemMessage)
		return said[len(said)-1].ID
	}
	came := 0
	answers := func(text string, files ...string) {
		t.Helper()
		var b strings.Builder
		b.WriteString("From: Marisol <" + w.mail.Address(box) + ">\r\nTo: <" + to[0].Address + ">\r\nSubject: Re: news\r\nMessage-ID: <" + text[:4] + "@example.org>\r\nDate: " + w.clock.now().Format(time.RFC1123Z) +
			"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=between\r\n\r\n--between\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n")
		for i := 0; i < len(files); i += 2 {
			b.WriteString("--between\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"" + files[i] + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
			for raw := base64.StdEncoding.EncodeToString([]byte(files[i+1])); raw != ""; raw = raw[min(len(raw), 76):] {
				b.WriteString(raw[:min(len(raw), 76)] + "\r\n")
			}
		}
		b.WriteString("--between--\r\n")
		out, err := submit.Dial(t.Context(), home)
		must(t, err)
		defer func() { must(t, out.Close()) }()
		must(t, out.Send(t.Context(), home.Address, to[0].Address, []byte(b.String()), ""))
		came++
		sys.Await(t, agents, "INBOX", came)
		must(t, clinic.p.BridgeOnce(clinic.ctx(), s))
		clinic.sends()
		rosa.pulls()
		priya.pulls()
	}
	photo, pdf := "\xff\xd8\xff\xe0"+strings.Repeat("my knee ", 400_000), "%PDF-1.7 the referral"
	answers("Like this. The referral is there, too.", "IMG_2041.jpg", photo, "referral.pdf", pdf, "records.zip", "PK\x03\x04 everything")

	for _, p := range []*person{rosa, priya} {
		waits := items(p, part, view.ItemBridged)
		equal(t, "what waits", len(waits), 1)
		equal(t, "its files", fmt.Sprint(waits[0].Files), "[{IMG_2041.jpg image/jpeg 3200004 true} {referral.pdf application/pdf 21 true}]")
		equal(t, "what stayed behind", fmt.Sprint(waits[0].Mail.Left), "[{records.zip kind}]")
		for n, want := range []string{photo, pdf} {
			equal(t, "the file "+waits[0].Files[n].Name+" is whole", string(p.opens(part, waits[0].ID, n).Bytes) == want, true)
		}
	}
	reply := items(rosa, part, view.ItemBridged)[0].ID
	marisol.pulls()
	if _, err := marisol.p.Views().File(marisol.ctx(), part, reply, 0); care.KindOf(err) != care.NotFound {
		t.Errorf("the member opens what is nobody's word: %v", err)
	}

	must(t, rosa.desk().Accept(rosa.ctx(), part, reply))
	rosa.sends()
	must(t, priya.desk().Accept(priya.ctx(), part, reply)) // at the same moment, without knowing
	priya.sends()
	for _, p := range []*person{clinic, rosa, priya, marisol} {
		p.inStep()
	}
	for _, p := range []*person{marisol, rosa, priya} {
		said := items(p, part, view.ItemMessage)
		last := said[len(said)-1]
		equal(t, "messages that "+p.name+" has", len(said), 3)
		equal(t, p.name+" reads", string(last.Text), "Like this. The referral is there, too.")
		equal(t, p.name+" has the files", fmt.Sprint(last.Files), "[{IMG_2041.jpg image/jpeg 3200004 true} {referral.pdf application/pdf 21 true}]")
		for n, want := range []string{photo, pdf} {
			equal(t, p.name+" opens file "+last.Files[n].Name, string(p.opens(part, last.ID, n).Bytes) == want, true)
		}
		equal(t, "nothing is off", len(last.Flags), 0)
	}
	for _, raw := range sys.Messages(t, w.local(marisol.p.Patient().Mailbox), "INBOX") {
		if bytes.Contains(raw.Raw, []byte("IMG_2041")) || bytes.Contains(raw.Raw, []byte("my knee")) {
			t.Error("a letter in her mailbox says what is in it")
		}
	}

	// A copy that is made anew has them from its mailbox alone; and what the mail system lost of them was put back.
	marisol.anew()
	marisol.pulls()
	equal(t, "made anew, the file is whole", string(marisol.opens(part, last(marisol), 0).Bytes) == photo, true)
	w.clock.move(25 * time.Hour)
	for p, mailbox := range map[*person]care.MailboxID{marisol: marisol.desk().Mailbox, clinic: w.offices["Lee"].Mailbox} {
		sys.Expunge(t, w.local(mailbox), "INBOX")
		must(t, p.p.Replica().Pull(t.Context()))
		must(t, p.p.Replica().PutBack(t.Context()))
		p.sends()
	}
	for _, p := range []*person{marisol, priya} {
		p.anew()
		p.pulls()
		equal(t, "put back, the file is whole for "+p.name, string(p.opens(part, last(p), 0).Bytes) == photo, true)
	}

	answers("Look at this one, too.", "other.pdf", "%PDF-1.7 something else")
	reply = items(rosa, part, view.ItemBridged)[0].ID
	must(t, rosa.desk().Decline(rosa.ctx(), part, reply))
	for _, p := range []*person{rosa, priya, clinic, marisol} {
		p.inStep()
	}
	equal(t, "the office has what was declined", string(priya.opens(part, reply, 0).Bytes), "%PDF-1.7 something else")
	equal(t, "the member's messages", len(items(marisol, part, view.ItemMessage)), 3)
	if _, err := marisol.p.Views().File(marisol.ctx(), part, reply, 0); care.KindOf(err) != care.NotFound {
		t.Errorf("the member opens what was declined: %v", err)
	}

	answers("And a film of it.", "film.mov", strings.Repeat("film", 1_650_000))
	waits := items(rosa, part, view.ItemBridged)
	huge := waits[len(waits)-1]
	if huge.Mail.Large < 8<<20 || huge.Text != "" || len(huge.Files) != 0 || !huge.Mail.Known {
		t.Errorf("what was too large is %+v, %+v", huge, huge.Mail)
	}
	if err := rosa.desk().Accept(rosa.ctx(), part, huge.ID); care.KindOf(err) != care.Conflict {
		t.Errorf("what nobody read is accepted: %v", err)
	}
	must(t, rosa.desk().Decline(rosa.ctx(), part, huge.ID))
}

// anew takes the person's copy away: it is made again from their mailboxes.
func (p *person) anew() {
	p.t.Helper()
	p.off()
	for _, file := range []string{"replica.db", "replica.db-wal", "replica.db-shm"} {
		if err := os.Remove(filepath.Join(p.dir(), file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			p.t.Fatal(err)
		}
	}
	p.on(false)
}

// opens opens a file of an item that the person sees.
func (p *person) opens(part, item care.EventID, n int) view.Content {
	p.t.Helper()
	f, err := p.p.Views().File(p.ctx(), part, item, n)
	must(p.t, err)
	return f
}

// items are those of one kind that somebody sees in a conversation.
func items(p *person, part care.EventID, kind view.ItemKind) (all []view.Item) {
	p.t.Helper()
	for _, it := range p.sees(part).Items {
		if it.Kind == kind {
			all = append(all, it)
		}
	}
	return all
}

// TestTwoComputersRead: two computers of the agent's read the same ordinary mailbox. Who wrote where nobody reads is told so once, by the
// second only where the first is off; a notice that came back, and an answer, stand in their conversations once.
func TestTwoComputersRead(t *testing.T) { posttest.Each(t, testTwoComputersRead) }

func testTwoComputersRead(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	s := w.telling()
	agents := sys.AddMailbox(t)
	s.Login = sys.AddLogin(t, agents, posttest.Owner)
	s.From, s.Replies = s.Login.Address, sys.Address(agents)
	boxes := map[string]string{"marisol": w.ordinary("marisol"), "dmitri": w.ordinary("dmitri")}
	rosa, second, first := w.at("rosa"), w.at("agent"), w.second("agent", "-2")
	clinic := []*person{second, first}
	tokens, parts := map[string]string{}, map[string]care.EventID{}
	for _, p := range append([]*person{rosa}, clinic...) {
		p.pulls()
	}
	for name := range boxes {
		m := w.at(name)
		m.pulls()
		parts[name] = m.part(m.writesAndSends("Lee", "My knee", "It hurts."))
	}
	second.inStep()
	rosa.pulls()
	for _, part := range parts {
		rosa.says(part, "Please rest it.")
	}
	rosa.sends()
	first.pulls()
	w.clock.move(6 * time.Minute)
	first.tellsMembers(s)
	second.pulls()
	for name, box := range boxes {
		sys.Await(t, box, "INBOX", 1)
		m, err := mail.ReadMessage(bytes.NewReader(sys.Messages(t, box, "INBOX")[0].Raw))
		must(t, err)
		to, err := m.Header.AddressList("Reply-To")
		must(t, err)
		tokens[name] = to[0].Address
	}
	arrived := 0
	writes := func(name, to, text string) {
		t.Helper()
		home := sys.AddLogin(t, boxes[name], posttest.Owner)
		out, err := submit.Dial(t.Context(), home)
		must(t, err)
		defer func() { must(t, out.Close()) }()
		must(t, out.Send(t.Context(), home.Address, to, []byte("From: <"+sys.Address(boxes[name])+">\r\nTo: <"+to+">\r\nSubject: Re: News\r\nMessage-ID: <"+
			text[:4]+"@example.org>\r\nDate: "+w.clock.now().Format(time.RFC1123Z)+"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+text+"\r\n"), ""))
		arrived++
		sys.Await(t, agents, "INBOX", arrived)
	}
	both := func(do func(p *person)) {
		t.Helper()
		for _, p := range clinic {
			do(p)
		}
	}
	reads := func(p *person) { t.Helper(); must(t, p.p.BridgeOnce(p.ctx(), s)) }
	tells := func(p *person) { t.Helper(); p.tellsMembers(s) }

	// An answer, and a notice that came back, are found by both before either knows of the other.
	writes("marisol", tokens["marisol"], "Rested, and it is better.")
	sys.Append(t, agents, "INBOX", time.Now(), []byte("Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\nTo: "+s.From+"\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"+
		"Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; "+sys.Address(boxes["dmitri"])+"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"+
		"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: <"+s.From+">\r\nReply-To: <"+tokens["dmitri"]+">\r\nSubject: x\r\n\r\nNews.\r\n--b--\r\n"))
	arrived++
	both(reads)
	both((*person).sends)
	for _, p := range append([]*person{rosa}, clinic...) {
		p.pulls()
		equal(t, "answers", len(items(p, parts["marisol"], view.ItemBridged)), 1)
		told := folded(t, p, parts["dmitri"]).Parts[0].Notices
		equal(t, "notices", len(told), 1)
		equal(t, "failures of it", len(told[0].Failure), 1)
	}

	// Answers are not taken any more: each is told once where to write, whichever computer is on.
	must(t, w.reg.ChangePractice(t.Context(), func(p *care.Practice) error {
		p.Policy.Notices.Replies = false
		return nil
	}))
	w.arrives(w.publish)
	both((*person).pulls)
	writes("marisol", tokens["marisol"], "Are you there?")
	both(reads)
	both(tells)
	equal(t, "at once", sys.Count(t, boxes["marisol"], "INBOX"), 1)
	w.clock.move(2 * time.Minute)
	both(tells)
	sys.Await(t, boxes["marisol"], "INBOX", 2)
	arrived++ // the copy
	sys.Await(t, agents, "INBOX", arrived)
	both(reads)
	writes("marisol", tokens["marisol"], "Hello? Anybody?")
	both(reads)
	w.clock.move(20 * time.Minute)
	both(tells)
	equal(t, "mails to marisol", sys.Count(t, boxes["marisol"], "INBOX"), 2)

	writes("dmitri", tokens["dmitri"], "Is it open today?")
	reads(second) // the first is off
	w.clock.move(20 * time.Minute)
	tells(second)
	sys.Await(t, boxes["dmitri"], "INBOX", 2)
	arrived++
	sys.Await(t, agents, "INBOX", arrived)
	reads(first)
	w.clock.move(20 * time.Minute)
	both(tells)
	both(reads)
	equal(t, "mails to dmitri", sys.Count(t, boxes["dmitri"], "INBOX"), 2)
	equal(t, "mails to marisol", sys.Count(t, boxes["marisol"], "INBOX"), 2)
}
