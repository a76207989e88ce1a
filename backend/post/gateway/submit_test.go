package gateway_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// letter submits one and gives the last answer.
func (c *client) letter(from, to, text string) string {
	c.t.Helper()
	c.want("250", "MAIL FROM:<%s>", from)
	if got := c.smtp("RCPT TO:<%s>", to); !strings.HasPrefix(got, "250") {
		return got
	}
	c.want("354", "DATA")
	return c.smtp("%s\r\n.", strings.ReplaceAll(text, "\n", "\r\n"))
}

func TestSubmissionIsForLogins(t *testing.T) {
	s := start(t, gateway.Options{})
	login := s.login(gateway.Staff)
	to := "box@" + s.Domain()
	c := dial(t, s.Endpoint("SMTP", care.TLSNone))
	c.reply()
	c.want("250", "EHLO test")
	c.want("530 5.7.0", "MAIL FROM:<%s>", login.Address)
	c.want("502", "RCPT TO:<%s>", to)
	c.want("334", "AUTH LOGIN")
	c.want("334", "%s", base64.StdEncoding.EncodeToString([]byte(login.User)))
	c.want("235", "%s", base64.StdEncoding.EncodeToString([]byte(login.Password)))
	c.want("503", "AUTH PLAIN %s", plain(login.User, login.Password))
	for _, from := range []string{"box@" + s.Domain(), login.User + "@example.org", "<>", ""} {
		c.want("250", "MAIL FROM:<%s>", strings.Trim(from, "<>"))
		c.want("553 5.7.1", "RCPT TO:<%s>", to)
		c.want("250", "RSET")
	}
	if got := c.letter(login.Address, "nobody@"+s.Domain(), "x"); !strings.HasPrefix(got, "550 5.1.1") {
		t.Error(got)
	}
	c.want("250", "RSET")
	if got := c.letter(login.Address, "box@example.org", "x"); !strings.HasPrefix(got, "550 5.1.1") {
		t.Error(got)
	}
	c.want("250", "RSET")
	if got := c.letter(strings.ToUpper(login.Address), "BOX@"+strings.ToUpper(s.Domain()), "Subject: x\n\n..\ny"); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	// Notices to a login's address go to its mailbox; a mailbox named twice gets one.
	c.want("250", "MAIL FROM:<%s> SIZE=100 RET=HDRS ENVID=a+2Bb", login.Address)
	c.want("250", "RCPT TO:<%s> NOTIFY=FAILURE,DELAY", login.Address)
	c.want("250", "RCPT TO:<%s>", to)
	c.want("354", "DATA")
	c.want("250", "once\r\n.")
	r := s.in(s.login(gateway.Owner))
	r.says("2 EXISTS", "EXAMINE INBOX")
	all := strings.Join(r.ok("FETCH 1 BODY[]"), "")
	if !strings.Contains(all, "\nReturn-Path: <"+login.Address+">\r\nReceived: by ") || !strings.HasSuffix(all, "Subject: x\r\n\r\n.\r\ny\r\n\n)") {
		t.Errorf("it came as %q", all)
	}

	// A chunk that is the last may be cut by the end of the connection, so none is taken.
	c.want("250", "MAIL FROM:<%s>", login.Address)
	c.want("250", "RCPT TO:<%s>", to)
	c.want("502 5.5.1", "BDAT 7 LAST\r\nhello")
	c.want("250", "NOOP")
}

func TestLimitsOfLetters(t *testing.T) {
	s := start(t, gateway.Options{Limits: gateway.Limits{Letter: 5000, Mailbox: 9000, Recipients: 3, PerMinute: 1}})
	login := s.login(gateway.Owner)
	to := "box@" + s.Domain()
	c := s.submit(login)
	c.want("552 5.3.4", "MAIL FROM:<%s> SIZE=5001", login.Address)
	if got := c.letter(login.Address, to, strings.Repeat("x\n", 2500)); !strings.HasPrefix(got, "552 5.3.4") {
		t.Errorf("too large: %s", got)
	}
	if got := c.letter(login.Address, to, strings.Repeat("x", 1900)+"\nend"); !strings.HasPrefix(got, "250") {
		t.Errorf("a long line: %s", got)
	}
	c.want("250", "MAIL FROM:<%s>", login.Address)
	for range 3 {
		c.want("250", "RCPT TO:<%s>", to)
	}
	c.want("452", "RCPT TO:<%s>", to)
	c.want("250", "RSET")
	got := ""
	for range 10 {
		if got = c.letter(login.Address, to, strings.Repeat("x\n", 1300)); !strings.HasPrefix(got, "250") {
			break
		}
	}
	if !strings.HasPrefix(got, "452 4.2.2") {
		t.Errorf("a full mailbox: %s", got)
	}
	r := s.in(login)
	if _, last := r.imap("APPEND INBOX {4000+}\r\n%s", strings.Repeat("x", 4000)); !strings.HasPrefix(last, "NO [OVERQUOTA]") {
		t.Errorf("APPEND: %s", last)
	}
	if _, last := r.imap("APPEND INBOX {5001}"); !strings.HasPrefix(last, "NO [TOOBIG]") {
		t.Errorf("APPEND: %s", last)
	}
	r.ok("SELECT INBOX")
	if _, last := r.imap("COPY 1:* Junk"); !strings.HasPrefix(last, "NO [OVERQUOTA]") {
		t.Errorf("COPY: %s", last)
	}
	r.ok(`STORE 1:* FLAGS (\Deleted)`)
	r.ok("EXPUNGE")
	if got := c.letter(login.Address, to, "room again"); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	if got := s.in(login).ok("STATUS INBOX (MESSAGES SIZE)"); !strings.Contains(got[0], "MESSAGES 1 SIZE 1") {
		t.Error(got)
	}

	// A line beyond all measure ends the connection.
	c.want("250", "MAIL FROM:<%s>", login.Address)
	c.want("250", "RCPT TO:<%s>", to)
	c.want("354", "DATA")
	c.want("554", "%s\r\n.", strings.Repeat("x", 3000))
}

func TestLettersInAMinute(t *testing.T) {
	now := time.Now()
	s := start(t, gateway.Options{Limits: gateway.Limits{PerMinute: 60}, Now: func() time.Time { return now }})
	login, other := s.login(gateway.Staff), s.login(gateway.Staff)
	c := s.submit(login)
	for i := range 600 {
		c.want("250", "MAIL FROM:<%s>", login.Address)
		c.want("250", "RCPT TO:<box@%s>", s.Domain())
		if i%200 == 0 {
			c.want("354", "DATA")
			c.want("250", "x\r\n.")
		} else {
			c.want("250", "RSET")
		}
	}
	c.want("250", "MAIL FROM:<%s>", login.Address)
	c.want("450 4.7.1", "RCPT TO:<box@%s>", s.Domain())
	if got := s.submit(other).letter(other.Address, "box@"+s.Domain(), "x"); !strings.HasPrefix(got, "250") {
		t.Errorf("another login: %s", got)
	}
	now = now.Add(time.Second)
	c.want("250", "RCPT TO:<box@%s>", s.Domain())
	now = now.Add(-time.Hour) // a clock that is set back takes nothing away for long
	c.want("450", "RCPT TO:<box@%s>", s.Domain())
	now = now.Add(2 * time.Second)
	c.want("250", "RCPT TO:<box@%s>", s.Domain())
}

// Without TLS nobody signs in, unless the gateway was told so for this computer.
func TestPasswordsNeedTLS(t *testing.T) {
	s := start(t, gateway.Options{})
	login := s.login(gateway.Staff)
	c := secure(t, login, s.Endpoint("IMAPS", care.TLSImplicit))
	if line := c.line(); !strings.Contains(line, "AUTH=PLAIN") || strings.Contains(line, "LOGINDISABLED") || strings.Contains(line, "STARTTLS") {
		t.Error(line)
	}
	c.says("AUTH=PLAIN", "CAPABILITY")
	if _, last := c.imap("AUTHENTICATE PLAIN %s", plain(login.User, login.Password)); !strings.Contains(last, "ESEARCH") || !strings.Contains(last, "MOVE") ||
		!strings.Contains(last, "UIDPLUS") || !strings.Contains(last, "SPECIAL-USE") || !strings.Contains(last, "IDLE") || strings.Contains(last, "LITERAL+") {
		t.Error(last)
	}
	c = secure(t, login, s.Endpoint("SMTPS", care.TLSImplicit))
	c.reply()
	c.want("250", "EHLO test")
	c.want("235", "AUTH PLAIN %s", plain(login.User, login.Password))
	c.want("221", "QUIT")
	c.send("MAIL FROM:<%s>\r\n", login.Address) // after QUIT, nobody listens
	for _, service := range []string{"IMAP", "SMTP"} {
		if at := s.Addresses()[service]; !strings.HasPrefix(at, "127.0.0.1:") {
			t.Errorf("%s is served on %s", service, at)
		}
	}

	shut, err := gateway.Open(t.Context(), t.TempDir(), gateway.Options{})
	must(t, err)
	defer func() { must(t, shut.Close()) }()
	if at := fmt.Sprint(shut.Addresses()); strings.Contains(at, "IMAP:") || strings.Contains(at, "SMTP:") {
		t.Errorf("it would serve without TLS: %s", at)
	}
}
