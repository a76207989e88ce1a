package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/bounce"
	"postern/backend/post/fetch"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// post is the agent's ordinary mailbox in a test: letters are brought one by one.
type post struct {
	*Bridge
	t     *testing.T
	r     *recordtest.Replica
	story *recordtest.Story
	said  *event.Event
	token string
	told  *event.Event
	uid   uint32
	now   time.Time

	validity uint32
}

// notified is a clinic of which Maria was told that Dr. Lee answered, by ordinary e-mail.
func notified(t *testing.T, replies bool) *post {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	maria := r.Clinic.Roster[recordtest.MariaPt]
	maria.Email = "maria@example.org"
	r.Clinic.Roster[recordtest.MariaPt] = maria
	r.Clinic.Policy.Notices = care.Notices{On: true, Replies: replies}
	p := &post{t: t, r: r, now: recordtest.Monday.Add(time.Hour), token: notice.NewToken()}
	desk := &command.Desk{
		DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
		Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{recordtest.Agent.Key},
		Me: recordtest.Agent.Person, Now: func() time.Time { return p.now }, Wake: func(command.Change) {}}
	p.Bridge = &Bridge{Desk: desk, Mails: ordinary.New(r.DB), Notices: r.Projection, Log: slog.New(slog.DiscardHandler),
		Settings: Settings{From: "care@clinic.example", Replies: "care@clinic.example", Trusted: "mx.clinic.example"}}
	p.story = recordtest.NewStory(t, recordtest.Maria, "A rash", recordtest.Monday)
	p.story.Says(recordtest.Maria, "It itches.")
	p.said = p.story.Says(recordtest.DrLee, "Use the cream.")
	p.told = p.story.Write(recordtest.Agent, nil, event.NoticeBody{Message: p.said.ID, Mailbox: recordtest.MariaBox, Reply: notice.Hash(p.token), Until: recordtest.Monday.AddDate(0, 0, 14)})
	r.Takes(recordtest.LeeBox, p.story.All...)
	return p
}

// brings lets a mail come, and gives what became of it.
func (p *post) brings(mail string) string {
	p.t.Helper()
	p.uid++
	return p.takes(fetch.Letter{Size: len(mail), Message: []byte(strings.ReplaceAll(strings.ReplaceAll(mail, "\r\n", "\n"), "\n", "\r\n"))})
}

// bringsHuge lets one come that is too large to be fetched.
func (p *post) bringsHuge(mail string) string {
	p.t.Helper()
	p.uid++
	head, _, _ := strings.Cut(strings.ReplaceAll(mail, "\n", "\r\n"), "\r\n\r\n")
	return p.takes(fetch.Letter{Size: 9 << 20, Head: []byte(head + "\r\n\r\n")})
}

func (p *post) takes(l fetch.Letter) string {
	p.t.Helper()
	l.Folder, l.Validity, l.UID, l.Internal = "INBOX", max(p.validity, 1), p.uid, p.now
	batch, err := p.Open(p.t.Context(), []fetch.Letter{l})
	if err == nil {
		err = batch.Store(p.t.Context())
	}
	if err != nil {
		p.t.Fatal(err)
	}
	var became string
	p.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT became FROM mail_in WHERE uid = ?", p.uid).Scan(&became)
	})
	return became
}

// part is Maria's conversation as the clinic has it.
func (p *post) part() *fold.Part {
	p.t.Helper()
	var c fold.Conversation
	p.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := p.r.Journal.Thread(ctx, tx, p.story.Thread)
		c = fold.Fold(command.Events(entries), clinic{p.r.Clinic})
		return err
	})
	return &c.Parts[0]
}

// goesOut is what has to go out.
func (p *post) goesOut() (mails []ordinary.Out) {
	p.t.Helper()
	p.r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		mails, err = p.Mails.Due(ctx, tx, p.now.AddDate(1, 0, 0), 100)
		return err
	})
	return mails
}

func (p *post) to() string { return "care+" + p.token + "@clinic.example" }

func plain(from, to, more, text string) string {
	return "Return-Path: <" + from + ">\nFrom: Maria <" + from + ">\nTo: <" + to + ">\nSubject: Re: Something new for you to read\nDate: Mon, 23 Nov 2026 10:00:00 -0600\nMessage-ID: <" +
		fmt.Sprint(len(text)) + "@example.org>\n" + more + "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\n"
}

// An answer to a notice comes into its conversation, once, as nobody's word.
func TestBridgeBringsTheAnswer(t *testing.T) {
	p := notified(t, true)
	mail := plain("Maria@Example.org", p.to(), "", "Thank you, it helps.\n\nOn Mon, Nov 23, 2026 at 9:12 AM <care@clinic.example> wrote:\n\n> There is something new for you to read in Postern.")
	if became := p.brings(mail); became != becameReply {
		t.Fatalf("it became %q", became)
	}
	if became := p.brings(mail); became != becameAgain {
		t.Errorf("the same again became %q", became)
	}
	part := p.part()
	if len(part.Bridged) != 1 || len(part.Messages) != 2 || part.Awaits != fold.Member {
		t.Fatalf("%+v", part)
	}
	b := part.Bridged[0]
	if b.Text != "Thank you, it helps." || b.From != "maria@example.org" || !b.Known || !b.Cut || b.Notice != p.told.ID || !b.Received.Equal(p.now) {
		t.Errorf("%+v", b)
	}
	if out := p.goesOut(); len(out) != 0 {
		t.Errorf("%d mails go out", len(out))
	}
}

// Who is not in the register comes in as that, and the token's capitals do not matter.
func TestBridgeSaysWhoIsNotKnown(t *testing.T) {
	p := notified(t, true)
	if became := p.brings(plain("thief@example.net", strings.ToUpper(p.to()), "", "Send my records to me.")); became != becameReply {
		t.Fatalf("it became %q", became)
	}
	if b := p.part().Bridged[0]; b.Known || b.From != "thief@example.net" {
		t.Errorf("%+v", b)
	}
}

// What bears no token, a wrong one, an old one or two comes into no conversation.
func TestBridgeNeedsItsToken(t *testing.T) {
	other := notified(t, true)
	for name, c := range map[string]struct {
		to  string
		now time.Duration
	}{
		"none":   {"care@clinic.example", 0},
		"forged": {"care+" + notice.NewToken() + "@clinic.example", 0},
		"other":  {other.to(), 0},
		"cut":    {"", 0},
		"late":   {"", 15 * 24 * time.Hour},
	} {
		p := notified(t, true)
		p.now = p.now.Add(c.now)
		switch {
		case name == "cut":
			c.to = "care+" + p.token[:25] + "@clinic.example"
		case c.to == "":
			c.to = p.to()
		}
		became := p.brings(plain("maria@example.org", c.to, "", "Thank you."))
		if became == becameReply || len(p.part().Bridged) != 0 {
			t.Errorf("%s: it became %q", name, became)
		}
	}
	p := notified(t, true)
	second := recordtest.NewStory(t, recordtest.Maria, "Another rash", recordtest.Monday)
	second.Says(recordtest.Maria, "Here, too.")
	said := second.Says(recordtest.DrLee, "Cream there, too.")
	token := notice.NewToken()
	second.Write(recordtest.Agent, nil, event.NoticeBody{Message: said.ID, Mailbox: recordtest.MariaBox, Reply: notice.Hash(token), Until: recordtest.Monday.AddDate(0, 0, 14)})
	p.r.Takes(recordtest.LeeBox, second.All...)
	if became := p.brings(plain("maria@example.org", p.to()+">, <care+"+token+"@clinic.example", "", "To both?")); became == becameReply {
		t.Errorf("two tokens: it became %q", became)
	}
}

// Where the practice takes no replies, the member is told once a day where to write; a stranger whose address nobody proves, never.
func TestBridgePointsToPostern(t *testing.T) {
	p := notified(t, false)
	for i, want := range []string{becameAnswer, becameNothing} {
		if became := p.brings(plain("maria@example.org", p.to(), "", strings.Repeat("Hello. ", i+1))); became != want {
			t.Errorf("mail %d became %q", i, became)
		}
	}
	out := p.goesOut()
	if len(out) != 1 || out[0].Address != "maria@example.org" || !strings.Contains(string(out[0].Mail), "Auto-Submitted: auto-replied") || strings.Contains(string(out[0].Mail), "Hello") {
		t.Fatalf("%+v", out)
	}
	if became := p.brings(plain("thief@example.net", "care@clinic.example", "", "Hello?")); became != becameNothing {
		t.Errorf("a stranger's became %q", became)
	}
	p.now = p.now.Add(24 * time.Hour)
	if became := p.brings(plain("maria@example.org", p.to(), "", "The next day.")); became != becameAnswer {
		t.Errorf("the next day's became %q", became)
	}
	if n := len(p.part().Bridged); n != 0 {
		t.Errorf("%d came in", n)
	}
}

// One word ends the notices.
func TestBridgeStops(t *testing.T) {
	for _, word := range []string{"STOP", "stop.", "Alto"} {
		p := notified(t, true)
		if became := p.brings(plain("maria@example.org", p.to(), "", word)); became != becameStop {
			t.Errorf("%q became %q", word, became)
		}
		if became := p.brings(plain("thief@example.net", p.to(), "", word)); became == becameStop {
			t.Errorf("%q of a stranger became %q", word, became)
		}
	}
}

// A notice that came back is said at its conversation, whichever of its names the mail system gives.
func TestBridgeCameBack(t *testing.T) {
	p := notified(t, true)
	dsn := func(envelope, returned string) string {
		return "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: care@clinic.example\nSubject: Undelivered Mail\nMIME-Version: 1.0\n" +
			"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt failed.\n\n--b\nContent-Type: message/delivery-status\n\n" +
			"Reporting-MTA: dns; mx.example.org\n" + envelope + "\nFinal-Recipient: rfc822; maria@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n\n" +
			"--b\nContent-Type: message/rfc822\n\n" + returned + "\n\nThere is something new.\n--b--\n"
	}
	p.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := p.Mails.Add(ctx, tx, ordinary.Out{Key: p.told.ID, Address: "maria@example.org", Mail: []byte("x"), Name: notice.Envelope(p.told.ID), Added: p.now})
		return err
	})
	for name, mail := range map[string]string{
		"envelope":   dsn("Original-Envelope-Id: "+notice.Envelope(p.told.ID)+"\n", "Subject: x"),
		"message id": dsn("", "Message-ID: <"+notice.Envelope(p.told.ID)+"@clinic.example>\nSubject: x"),
		"token":      dsn("", "From: care@clinic.example\nReply-To: <"+p.to()+">\nSubject: x"),
	} {
		if became := p.brings(mail); became != becameFailure {
			t.Errorf("%s: it became %q", name, became)
		}
	}
	if n := p.part().Notices; len(n) != 1 || len(n[0].Failure) != 1 || !strings.Contains(n[0].Failure[0].Reason, "No such user") {
		t.Errorf("%+v", n)
	}
	if became := p.brings(dsn("Original-Envelope-Id: "+notice.Envelope(care.EventID{1})+"\n", "Subject: x")); became != becameNothing {
		t.Errorf("somebody else's bounce became %q", became)
	}
}

// No program's mail is answered or becomes a patient's, whatever it is, also where it bears the token. What only could not be read to its end
// may be a person's.
func TestBridgeAnswersNoProgram(t *testing.T) {
	files, err := filepath.Glob("../post/bounce/testdata/*.eml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d mails, %v", len(files), err)
	}
	address := regexp.MustCompile(`(?i)[a-z0-9._+-]+@(?:[a-z]+\.)?clinic\.example`)
	for _, policy := range []bool{true, false} {
		p := notified(t, policy)
		seen := 0
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), "person") || strings.HasPrefix(filepath.Base(file), "human") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			for _, mail := range []string{string(raw), address.ReplaceAllString(string(raw), p.to())} {
				if became := p.brings(mail); became == becameReply && !strings.HasPrefix(filepath.Base(file), "unreadable") || became == becameAnswer {
					t.Errorf("%s became %q", filepath.Base(file), became)
				}
			}
		}
		if out := p.goesOut(); len(out) != 0 {
			t.Errorf("%d mails go out", len(out))
		}
		t.Logf("%d mails of programs", seen)
	}
}

// Every client's answer comes in.
func TestBridgeTakesEveryClient(t *testing.T) {
	files, err := filepath.Glob("../post/answer/testdata/*.eml")
	if err != nil || len(files) < 45 {
		t.Fatalf("%d mails, %v", len(files), err)
	}
	cameIn := 0
	for _, file := range files {
		p := notified(t, true) // a notice takes only so many that wait
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
		to := regexp.MustCompile(`(?im)^to:.*(\n[ \t].*)*`)
		if !to.MatchString(head) {
			t.Errorf("%s goes to nobody", filepath.Base(file))
			continue
		}
		head = to.ReplaceAllString(head, "To: <"+p.to()+">")
		if became := p.brings(head + "\n\n" + body); became != becameReply {
			t.Errorf("%s became %q", filepath.Base(file), became)
		}
		cameIn += len(p.part().Bridged)
	}
	if cameIn != len(files) {
		t.Errorf("of %d clients %d came in", len(files), cameIn)
	}
}

// Our own mail that comes back is no answer, whatever it lost on its way: its marks are known by the room that judges.
func TestBridgeKnowsItsOwn(t *testing.T) {
	if notice.Loop != bounce.Mark {
		t.Fatalf("notices say %q, and %q is looked for", notice.Loop, bounce.Mark)
	}
	p := notified(t, true)
	mail, err := notice.Notice{Key: care.EventID{9}, From: "care@clinic.example", To: "maria@example.org", Reply: p.to(), Replies: true, Date: p.now}.Write()
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{string(mail), strings.Replace(string(mail), "Auto-Submitted: auto-generated\r\n", "", 1)} {
		if became := p.brings(own); became != becameNothing {
			t.Errorf("it became %q", became)
		}
	}
}

// A notice about several conversations bears no token: the word counts where the mail system vouches for the address, and only there.
func TestBridgeStopsWithoutAToken(t *testing.T) {
	p := notified(t, true)
	if became := p.brings(plain("maria@example.org", "care@clinic.example", "", "STOP")); became != becameNothing {
		t.Errorf("without a proof it became %q", became)
	}
	vouched := "Authentication-Results: mx.clinic.example; dmarc=pass header.from=example.org\nReceived: from mail.example.org (mail.example.org [192.0.2.1]) by mx.clinic.example; Mon, 23 Nov 2026 16:00:00 +0000\n"
	if became := p.brings(vouched + plain("maria@example.org", "care@clinic.example", "", "STOP")); became != becameStop {
		t.Errorf("it became %q", became)
	}
	if became := p.brings(vouched + plain("nobody@example.org", "care@clinic.example", "", "STOP")); became == becameStop {
		t.Errorf("of somebody else it became %q", became)
	}
}

// What no computer should do twice, or for ever: a stranger's flood ends, a bounce is said once, a subject takes no words away, and an empty
// mail may still say STOP.
func TestBridgeUnderAttack(t *testing.T) {
	p := notified(t, true)
	for i := range 30 {
		p.brings(plain("thief@example.net", p.to(), "", fmt.Sprint("Flood ", i)))
	}
	if n := len(p.part().Bridged); n != 20 {
		t.Errorf("%d wait", n)
	}

	p = notified(t, true)
	if became := p.brings(strings.Replace(plain("maria@example.org", p.to(), "", "I have chest pain."), "Re: Something new for you to read", "Stop", 1)); became != becameReply {
		t.Errorf("words under the subject Stop became %q", became)
	}
	if became := p.brings(strings.Replace(plain("maria@example.org", p.to(), "", ""), "Re: Something new for you to read", "STOP", 1)); became != becameStop {
		t.Errorf("the link of List-Unsubscribe became %q", became)
	}

	p = notified(t, true)
	long := plain("maria@example.org", p.to(), "", strings.Repeat("\U0001F600", 12000))
	if became := p.brings(long); became != becameReply {
		t.Errorf("12,000 signs of four bytes became %q", became)
	}

	p = notified(t, true)
	late := plain("maria@example.org", "care@clinic.example", "", "STOP")
	p.now = p.now.Add(72 * time.Hour)
	old := fetch.Letter{Folder: "INBOX", Validity: 1, UID: 99, Internal: p.now.Add(-72 * time.Hour), Message: []byte(strings.ReplaceAll(strings.Replace(late, "care@clinic.example", p.to(), 1), "\n", "\r\n"))}
	batch, err := p.Open(t.Context(), []fetch.Letter{old})
	if err == nil {
		err = batch.Store(t.Context())
	}
	if wants, failed := p.Desk.WantsNotices(t.Context(), recordtest.MariaBox); err != nil || failed != nil || !wants {
		t.Errorf("an old STOP that is read anew counts: %v, %v, %v", wants, err, failed)
	}
}

// A mailbox that begins anew after a year, and says of its mails that they came just now, has nothing done again: what a member chose since
// stands.
func TestBridgeReadsAMailboxAnew(t *testing.T) {
	p := notified(t, true)
	stop := plain("maria@example.org", p.to(), "", "STOP")
	if became := p.brings(stop); became != becameStop {
		t.Fatalf("it became %q", became)
	}
	if err := p.Desk.ChooseNotices(t.Context(), recordtest.MariaBox, true); err != nil {
		t.Fatal(err)
	}
	lists := func(validity uint32, uids ...uint32) {
		t.Helper()
		if err := p.Listed(t.Context(), "INBOX", validity, uids, nil); err != nil {
			t.Fatal(err)
		}
	}
	p.now = p.now.AddDate(1, 0, 0)
	lists(1, 1)
	p.validity = 2
	lists(2, 2)
	if became := p.brings(stop); became != becameAgain {
		t.Errorf("the same in the new mailbox became %q", became)
	}
	p.now = p.now.AddDate(1, 0, 0)
	lists(2, 2)
	if became := p.brings(stop); became != becameAgain {
		t.Errorf("a year later it became %q", became)
	}
	if wants, err := p.Desk.WantsNotices(t.Context(), recordtest.MariaBox); err != nil || !wants {
		t.Errorf("she wants notices: %v, %v", wants, err)
	}
}

// complaint is what a provider sends when somebody calls a mail junk (RFC 5965): of the mail it returns all, or its header alone.
func complaint(sort string, mail []byte, whole bool) string {
	of, returned := "message/rfc822", string(mail)
	if !whole {
		of = "text/rfc822-headers"
		returned, _, _ = strings.Cut(strings.ReplaceAll(regexp.MustCompile(`(?m)^To: .*$`).ReplaceAllString(returned, "To: redacted@example.org"), "\r\n", "\n"), "\n\n")
	}
	return "Return-Path: <>\nFrom: <feedback@fbl.example.org>\nTo: care@clinic.example\nSubject: FW: Something new for you to read\nDate: Mon, 23 Nov 2026 16:00:00 +0000\n" +
		"Message-ID: <" + sort + fmt.Sprint(whole) + "@fbl.example.org>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=arf\n\n" +
		"--arf\nContent-Type: text/plain; charset=us-ascii\n\nThis is an email abuse report.\n\n" +
		"--arf\nContent-Type: message/feedback-report\n\nFeedback-Type: " + sort + "\nUser-Agent: SomeGenerator/1.0\nVersion: 1\nReceived-Date: Mon, 23 Nov 2026 15:00:00 +0000\nSource-IP: 192.0.2.25\n\n" +
		"--arf\nContent-Type: " + of + "\n\n" + returned + "\n\n--arf--\n"
}

// Who calls a notice junk gets no more of them, and others do. The member's own screen says so, where they turn them on again, and that of
// the office, which can call.
func TestBridgeComplained(t *testing.T) {
	for _, whole := range []bool{true, false} {
		a := tells(t)
		b := &Bridge{Desk: a.Desk, Mails: a.Mails, Notices: a.r.Projection, Settings: *a.Settings, Log: slog.New(slog.DiscardHandler)}
		p := &post{Bridge: b, t: t, r: a.r}
		brings := func(mail string) string {
			t.Helper()
			p.now = a.now
			return p.brings(mail)
		}
		a.talk(recordtest.Maria)
		a.after(0)
		told := a.after(patience)
		a.wants("the first", told, marias)
		for _, sort := range []string{"not-spam", "auth-failure"} {
			if became := brings(complaint(sort, told[0].Mail, whole)); became != becameNothing {
				t.Errorf("%s became %q", sort, became)
			}
		}
		if became := brings(complaint("abuse", told[0].Mail, whole)); became != becameStop {
			t.Fatalf("it became %q", became)
		}
		if wants, err := a.Desk.WantsNotices(t.Context(), recordtest.MariaBox); err != nil || wants {
			t.Errorf("she wants notices: %v, %v", wants, err)
		}
		if all := a.choices(); len(all) != 1 || !slices.Contains(all[0].To, recordtest.MariaBox) || !slices.Contains(all[0].To, recordtest.LeeBox) {
			t.Errorf("it is said to %+v", all)
		}
		next, his := a.talk(recordtest.Maria), a.talk(recordtest.Juan)
		a.after(0, next.Thread, his.Thread)
		a.wants("after the complaint", a.after(between), minhs)

		// Her own word is newer, and an old complaint that is read anew is none.
		a.Desk.Me, a.Desk.Signer, a.Desk.Mailbox = recordtest.Maria.Person, signer{recordtest.Maria.Key}, recordtest.MariaBox
		if err := a.Desk.ChooseNotices(t.Context(), recordtest.MariaBox, true); err != nil {
			t.Fatal(err)
		}
		a.Desk.Me, a.Desk.Signer, a.Desk.Mailbox = recordtest.Agent.Person, signer{recordtest.Agent.Key}, ""
		a.wants("she turned them on", a.after(between), marias)
		came := a.now
		a.now = a.now.Add(72 * time.Hour)
		p.now = came
		if became := p.brings(complaint("fraud", told[0].Mail, whole)); became != becameNothing {
			t.Errorf("an old complaint became %q", became)
		}
	}
}

// What stands in the way on this computer passes, and until then nobody's words are taken for dealt with.
func TestBridgeKeepsWordsForLater(t *testing.T) {
	for name, trouble := range map[string]struct {
		directory func(*recordtest.Clinic) command.Directory
		text      string
		became    string
	}{
		"its key is not known":              {func(c *recordtest.Clinic) command.Directory { return unknown{clinic{c}} }, "It hurts.", becameReply},
		"the clinic's mailbox is not known": {func(c *recordtest.Clinic) command.Directory { return unlisted{clinic{c}} }, "STOP", becameStop},
	} {
		p := notified(t, true)
		right := p.Desk.Directory
		p.Desk.Directory = func() command.Directory { return trouble.directory(p.r.Clinic) }
		l := fetch.Letter{Folder: "INBOX", Validity: 1, UID: 7, Internal: p.now, Message: []byte(strings.ReplaceAll(plain("maria@example.org", p.to(), "", trouble.text), "\n", "\r\n"))}
		for i := range 2 {
			batch, err := p.Open(t.Context(), []fetch.Letter{l})
			if err == nil {
				err = batch.Store(t.Context())
			}
			known, failed := p.Known(t.Context(), "INBOX", 1, 1)
			if failed != nil || (err == nil) != (i == 1) || known(7) != (i == 1) {
				t.Errorf("%s, look %d: %v, %v, known %v", name, i, err, failed, known(7))
			}
			p.Desk.Directory = right
		}
		var became string
		p.r.Read(func(ctx context.Context, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, "SELECT became FROM mail_in WHERE uid = 7").Scan(&became)
		})
		if became != trouble.became {
			t.Errorf("%s: it became %q", name, became)
		}
	}
}

// unknown is the clinic before it lists the agent's computer.
type unknown struct{ clinic }

func (u unknown) Standing(e *event.Event) fold.Standing {
	if e.Kind != event.Bridged {
		return u.clinic.Standing(e)
	}
	return fold.Standing{Verdict: fold.Waiting, Reason: "its author is not known here yet"}
}

// unlisted is the clinic before its list says where its own mailbox is.
type unlisted struct{ clinic }

func (u unlisted) Practice() care.Practice {
	p := u.clinic.Practice()
	p.Mailbox = ""
	return p
}

// Who presses the button that Gmail and Apple Mail make of List-Unsubscribe wants no more, and said nothing else.
func TestBridgeStopsByButton(t *testing.T) {
	for _, c := range []struct{ subject, text, became string }{
		{"STOP", "This message was automatically generated by Gmail.", becameStop},
		{"STOP", "Apple Mail sent this email to unsubscribe from the message \u201cSomething new for you to read\u201d", becameStop},
		{"", "Apple Mail sent this email to unsubscribe from the message \u201cSomething new for you to read\u201d", becameStop},
		{"Re: Something new for you to read", "This message was automatically generated by Gmail.", becameReply},
		{"STOP", "This message was automatically generated by Gmail. And I have chest pain.", becameReply},
	} {
		p := notified(t, true)
		if became := p.brings(strings.Replace(plain("maria@example.org", p.to(), "", c.text), "Re: Something new for you to read", c.subject, 1)); became != c.became {
			t.Errorf("%q under %q became %q", c.text, c.subject, became)
		}
		if n := len(p.part().Bridged); (n == 0) != (c.became == becameStop) {
			t.Errorf("%q under %q: %d came in", c.text, c.subject, n)
		}
	}
}

// A mail with more parts than it is judged by, or two senders, may be a person's: it comes in, and is answered to nobody.
func TestBridgeTakesWhatIsOdd(t *testing.T) {
	parts := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt hurts.\n" + strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 250) + "--b--\n"
	for name, mail := range map[string]string{
		"parts":   strings.Replace(plain("maria@example.org", "TO", "", "x"), "Content-Type: text/plain; charset=utf-8\n\nx\n", parts, 1),
		"senders": plain("maria@example.org", "TO", "From: thief@example.net\n", "It hurts."),
	} {
		for _, takes := range []bool{true, false} {
			p := notified(t, takes)
			became := p.brings(strings.Replace(mail, "TO", p.to(), 1))
			if takes {
				if got := p.part().Bridged; became != becameReply || len(got) != 1 || got[0].Text != "It hurts." || name == "senders" && got[0].Known {
					t.Errorf("%s became %q: %+v", name, became, got)
				}
			} else if out := p.goesOut(); became != becameNothing || len(out) != 0 {
				t.Errorf("%s became %q, and %d mails go out", name, became, len(out))
			}
			if became := p.brings(strings.Replace(mail, "TO", "care@clinic.example", 1)); became != becameNothing {
				t.Errorf("%s without a token became %q", name, became)
			}
		}
	}
}

// However many strangers write, whose mail systems vouch for them, only so many are answered; members are all the same.
func TestBridgeAnswersFewStrangers(t *testing.T) {
	p := notified(t, false)
	vouched := "Authentication-Results: mx.clinic.example; dmarc=pass header.from=example.net\nReceived: from mail.example.net (mail.example.net [192.0.2.1]) by mx.clinic.example; Mon, 23 Nov 2026 16:00:00 +0000\n"
	flood := func() {
		for range strangersTold + 10 {
			p.brings(vouched + plain(fmt.Sprintf("thief%d@example.net", p.uid), "care@clinic.example", "", fmt.Sprint("Hello ", p.uid)))
		}
	}
	flood()
	goOut := func() (n int) {
		p.r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			n, _, err = p.Mails.Waiting(ctx, tx, p.now)
			return err
		})
		return n
	}
	if n := goOut(); n != strangersTold {
		t.Errorf("%d strangers are answered", n)
	}
	if became := p.brings(plain("maria@example.org", p.to(), "", "Hello.")); became != becameAnswer {
		t.Errorf("the member's became %q", became)
	}
	p.now = p.now.Add(25 * time.Hour)
	flood()
	if n := goOut(); n != 2*strangersTold+1 {
		t.Errorf("the next day %d are answered", n)
	}
}

// Slow name servers hold up strangers' mails for half a minute in an hour, and a member's for ten seconds.
func TestBridgeWaitsForNobodysDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := &Bridge{TXT: func(string) ([]string, error) {
			asked++
			time.Sleep(5 * time.Second)
			return nil, errors.New("no answer")
		}}
		mails := func(n int, stranger bool) time.Duration {
			began := time.Now()
			for range n {
				look := b.lookup(stranger)
				for range 8 {
					_, _ = look("s._domainkey.example.net")
				}
			}
			return time.Since(began)
		}
		if took := mails(1000, true); took > strangersWait+5*time.Second || asked == 0 {
			t.Errorf("a thousand strangers took %v", took)
		}
		if took := mails(1, false); took < 10*time.Second || took > 15*time.Second {
			t.Errorf("a member took %v", took)
		}
		time.Sleep(2 * time.Hour)
		if took := mails(1, true); took == 0 {
			t.Error("two hours later no stranger is looked at")
		}
	})
}
