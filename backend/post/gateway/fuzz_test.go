package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// hunted is a gateway that many fuzzed sessions share. It remembers that something went wrong.
type hunted struct {
	*system
	owner, staff care.MailLogin
	wrong        atomic.Pointer[string]
}

// Write is where the gateway logs errors: of a panic that a library contained, or of its own.
func (h *hunted) Write(b []byte) (int, error) {
	text := string(b)
	if strings.Contains(text, "handleBdat.func1.1") && !strings.Contains(text, "postern/") {
		// A known one of go-smtp 0.25.1, of use to nobody: who signs in, begins a letter by BDAT and hangs up at once
		// may have the session gone before the library's goroutine asks for it. It is contained, with the connection.
		return len(b), nil
	}
	h.wrong.CompareAndSwap(nil, &text)
	return len(b), nil
}

func hunt(f *testing.F) *hunted {
	h := &hunted{}
	log := slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.LevelError}))
	h.system = start(f, gateway.Options{Log: log, Limits: gateway.Limits{
		PerMinute: 1 << 30, Mailbox: 8 << 20, Letter: 200_000, Wrong: 1, Login: 1000, Patience: 5 * time.Second}})
	h.owner, h.staff = h.login(gateway.Owner), h.login(gateway.Staff)
	var all []gateway.Letter
	for _, text := range odd {
		all = append(all, gateway.Letter{Arrived: time.Now(), Bytes: []byte(text)})
	}
	must(f, h.Put(f.Context(), h.local, "INBOX", all...))
	return h
}

// odd are letters as strangers may send them.
var odd = []string{
	"", "\r\n", "no header", "Subject: only a header", string(message(1)),
	"Content-Type: multipart/mixed; boundary=x\r\n\r\nno part at all",
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n",
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/digest; boundary=y\r\n\r\n--y\r\n\r\nSubject: inner\r\n\r\ntext\r\n--y--\r\n--x\r\n\r\ntwo\r\n--x--\r\n",
	"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext",
	"From: \"a\" <a@b>, =?utf-8?q?=FF?= <>, group: x@y;\r\nDate: never\r\nIn-Reply-To: <\r\nContent-Disposition: attachment; filename*=utf-8''%ff\r\n\r\n",
	strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 200) + "deep",
	"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\n----\r\n",
	"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n!!!!\r\n",
	"\x00\xff: \xfe\r\n \r\n\r\n\x00",
}

// drive says what the state needs, then the bytes, and reads until the gateway ends the conversation.
func (h *hunted) drive(t *testing.T, service, prelude string, script []byte) {
	e := h.Endpoint(service, care.TLSNone)
	c, err := net.Dial("tcp", net.JoinHostPort(e.Host, strconv.Itoa(e.Port)))
	must(t, err)
	defer func() { _ = c.Close() }()
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	go func() {
		_, _ = io.WriteString(c, prelude)
		_, _ = c.Write(script)
		_, _ = io.WriteString(c, "\r\n")
		_ = c.(*net.TCPConn).CloseWrite() // the gateway may have gone
	}()
	_, err = io.Copy(io.Discard, c)
	if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
		t.Error("the gateway keeps a conversation whose client has gone")
	}
	if service == "SMTP" {
		time.Sleep(100 * time.Microsecond) // the library logs after it has closed
	}
	if text := h.wrong.Swap(nil); text != nil {
		t.Error(*text)
	}
}

// FuzzIMAP says anything in every state of a session: before and after signing in, in a folder that may be changed, in one
// that may not, by login or by EXAMINE, and in IDLE.
func FuzzIMAP(f *testing.F) {
	h := hunt(f)
	states := func() []string {
		in := func(l care.MailLogin, then string) string {
			return fmt.Sprintf("a LOGIN %s %s\r\n%s", l.User, l.Password, then)
		}
		return []string{"", in(h.owner, ""), in(h.owner, "b SELECT INBOX\r\n"), in(h.owner, "b EXAMINE INBOX\r\n"), in(h.staff, "b SELECT INBOX\r\n"),
			in(h.owner, "b SELECT INBOX\r\nc IDLE\r\n"), in(h.owner, "b ENABLE IMAP4rev2\r\nc SELECT INBOX\r\n"),
			"a AUTHENTICATE PLAIN\r\n", "a STARTTLS\r\n", in(h.owner, "b SELECT INBOX\r\nc APPEND INBOX {5+}\r\nhello\r\n")}
	}()
	for _, script := range []string{
		"x CAPABILITY", "x NOOP", "x LOGIN a b", "x LOGIN {1+}\r\na {1+}\r\nb", "x STARTTLS\r\ny NOOP", "x LOGOUT\r\ny NOOP", "DONE\r\nx NOOP", "NO\r\nx NOOP",
		`x SELECT INBOX`, `x EXAMINE Junk`, `x CREATE a/b`, `x CREATE a (USE (\Sent))`, `x DELETE a/b`, `x RENAME a c`, `x RENAME INBOX q`, `x SUBSCRIBE a`, `x UNSUBSCRIBE INBOX`,
		`x LIST "" "*"`, `x LIST (SUBSCRIBED RECURSIVEMATCH) "" ("*" "%") RETURN (CHILDREN STATUS (MESSAGES SIZE DELETED-STORAGE))`, `x LSUB "" "*%*%*%*"`, "x NAMESPACE",
		"x STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE APPENDLIMIT RECENT DELETED-STORAGE)",
		"x APPEND INBOX (\\Seen) \"24-Nov-2026 12:00:00 +0000\" {3+}\r\nabc", "x APPEND INBOX UTF8 (~{3+}\r\nabc)", "x APPEND INBOX {300000}", "x APPEND INBOX {9999+}\r\nx NOOP",
		"x FETCH 1:* ALL", "x FETCH 1:* FULL", "x FETCH 1:* (BODYSTRUCTURE BODY ENVELOPE UID FLAGS INTERNALDATE RFC822.SIZE RFC822 RFC822.HEADER RFC822.TEXT)",
		"x FETCH 1:* BODY[]<1.9223372036854775807>", "x FETCH 1:* BODY[HEADER]<9223372036854775807.9223372036854775807>", "x FETCH 1:* BODY.PEEK[1.2.3.HEADER]", "x FETCH 1:* BODY[0]",
		"x FETCH 1:* BODY[1.MIME]", "x FETCH 1:* BODY[TEXT]", "x FETCH 1:* BODY[HEADER.FIELDS (SUBJECT {1+}\r\nX)]", "x FETCH 1:* BODY[HEADER.FIELDS.NOT (SUBJECT)]<0.5>",
		"x FETCH 1:* (BINARY[] BINARY.SIZE[1] BINARY.PEEK[1.1]<1.9223372036854775807>)", "x UID FETCH 4294967295:* UID", "x FETCH $ UID", "x FETCH 0 UID", "x FETCH *:1,5 FLAGS",
		"x SEARCH ALL", "x UID SEARCH RETURN (SAVE MIN MAX COUNT ALL) 1:* UID 1:* NOT (OR SEEN UNSEEN) LARGER 1 SMALLER 9 SINCE 1-Jan-2026 BEFORE 1-Jan-2027 SENTON 24-Nov-2026",
		"x SEARCH CHARSET UTF-8 HEADER X-Y \"\" SUBJECT z BODY q TEXT w KEYWORD k", "x SEARCH $", "x SEARCH " + strings.Repeat("NOT ", 300) + "ALL", "x SEARCH " + strings.Repeat("(", 999),
		"x STORE 1:* FLAGS (\\Seen \\Deleted $x)", "x STORE 1 +FLAGS.SILENT \\Flagged", "x UID STORE 1:* -FLAGS ()", "x EXPUNGE", "x UID EXPUNGE 1:*", "x UID EXPUNGE $", "x CLOSE", "x UNSELECT",
		"x COPY 1:* Junk", "x UID COPY 1:* nowhere", "x MOVE 1 Archive", "x UID MOVE * Trash", "x MOVE $ INBOX", "x IDLE\r\nDONE", "x IDLE\r\nx\r\ny NOOP", "x ENABLE IMAP4rev2 UTF8=ACCEPT CONDSTORE", "x UNAUTHENTICATE",
		"AHRlc3QAdGVzdA==", "*", "=", "x \xff\x00", strings.Repeat("x", 60_000), "x LIST \"\" " + strings.Repeat("*a", 500),
	} {
		for state := range states {
			f.Add(uint8(state), []byte(script))
		}
	}
	f.Fuzz(func(t *testing.T, state uint8, script []byte) {
		h.drive(t, "IMAP", states[int(state)%len(states)], script)
	})
}

// FuzzSMTP does so with a submission: before and after signing in, with a sender, with recipients, in the letter.
func FuzzSMTP(f *testing.F) {
	h := hunt(f)
	auth := "EHLO test\r\nAUTH PLAIN " + plain(h.owner.User, h.owner.Password) + "\r\n"
	from := auth + "MAIL FROM:<" + h.owner.Address + ">\r\n"
	to := from + "RCPT TO:<box@" + h.Domain() + ">\r\n"
	states := []string{"", "EHLO test\r\n", auth, from, to, to + "DATA\r\n", "EHLO test\r\nAUTH LOGIN\r\n", "EHLO test\r\nSTARTTLS\r\n", to + "BDAT 5\r\nhello", to + "QUIT\r\n"}
	for _, script := range []string{
		"EHLO", "EHLO x\r\nEHLO y", "HELO x", "LHLO x", "NOOP", "RSET", "VRFY x", "HELP", "QUIT\r\nNOOP\r\nMAIL FROM:<x@y>\r\nDATA", "STARTTLS\r\nEHLO x", "AUTH", "AUTH PLAIN =", "AUTH PLAIN !", "AUTH LOGIN eA==\r\neA==",
		"AUTH LOGIN\r\n*", "AUTH XOAUTH x", "MAIL FROM:<>", "MAIL FROM:<x@y> SIZE=99999999999 BODY=8BITMIME RET=FULL ENVID=+00 AUTH=<>", "MAIL FROM:" + strings.Repeat("<", 500), "RCPT TO:<box@" + h.Domain() + "> NOTIFY=NEVER ORCPT=rfc822;x",
		"RCPT TO:<@a,@b:c@d>", "DATA", "DATA x", "hello\r\n.\r\nNOOP", "..\r\n.", ".\r\n.\r\n", "\n.\n\r.\r\n.\r\n", strings.Repeat("x", 3000), strings.Repeat("x\r\n", 100_000), "BDAT 5 LAST\r\nhello", "BDAT 99", "BDAT -1 LAST",
		"BDAT 10 LAST\r\nshort", "\x00\xff\r\n\r\n\r\n", "MAIL FROM:<x@y>\r\nRCPT TO:<x@y>\r\nDATA\r\nx\r\n.\r\n",
	} {
		for state := range states {
			f.Add(uint8(state), []byte(script))
		}
	}
	f.Fuzz(func(t *testing.T, state uint8, script []byte) {
		h.drive(t, "SMTP", states[int(state)%len(states)], script)
	})
}

// TestNothingOfALetterIsLogged lets a library fail over a letter's text, and looks for it in the log.
func TestNothingOfALetterIsLogged(t *testing.T) {
	var log bytes.Buffer
	s := start(t, gateway.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	login := s.login(gateway.Owner)
	c := s.in(login)
	c.imap("CREATE &secret-text")
	c.imap("SELECT INBOX secret-text")
	c.imap("LOGIN secret-text secret-text")
	c.send("x secret-text\r\n")
	c.line()
	_ = c.Close()
	m := s.submit(login)
	m.smtp("MAIL secret-text")
	m.smtp("secret-text")
	_ = m.Close()
	w := dial(t, s.Endpoint("IMAP", care.TLSNone))
	w.line()
	w.imap("LOGIN %s secret-text", login.User)
	must(t, s.Stop())
	if text := log.String(); strings.Contains(text, "secret-text") || strings.Contains(text, login.Password) {
		t.Error(text)
	}
}
