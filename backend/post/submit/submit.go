// Package submit hands letters to the mail system by SMTP, over one connection for many. It says of each whether it
// was taken, refused for good, or may be tried again, where whatever is not known counts as "try again"; it keeps
// nothing and decides nothing about the text.
package submit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/post/dial"
)

// name is what EHLO says: the same from every computer.
const name = "postern"

// taking is how long the server may think over a whole letter. RFC 5321 asks for ten minutes.
const taking = 10 * time.Minute

// Session is a signed-in connection to the mail system. One goroutine at a time uses it.
type Session struct {
	at     care.Endpoint
	conn   *dial.Conn
	client *smtp.Client
	dirty  bool  // a transaction was begun and not ended
	broken error // why the connection can carry nothing more
}

// Dial connects and signs in. The error is a *care.Error whose sentence says what happened, where the text is and what
// to do: Forbidden where a person must act (a refused password, a certificate that is not to be trusted), Invalid for settings that cannot work, Unavailable for all that may
// pass. When ctx ends, the connection is closed.
func Dial(ctx context.Context, login care.MailLogin) (*Session, error) {
	e := login.SMTP
	conn, err := dial.Open(ctx, e, login.Roots)
	if err != nil {
		return nil, err
	}
	s := &Session{at: e, conn: conn}
	if err := s.begin(ctx, login); err != nil {
		_ = conn.Close() // the error says more
		return nil, dial.Explain(e, dial.Ended(ctx, err))
	}
	return s, nil
}

// DialFirst is Dial with the first of several forms of a login that succeeds: a mail system moves. If none does, the error is
// of the first.
func DialFirst(ctx context.Context, logins ...care.MailLogin) (s *Session, by care.MailLogin, err error) {
	for i, login := range logins {
		s, failed := Dial(ctx, login)
		if failed == nil {
			return s, login, nil
		}
		if i == 0 {
			err = failed
		}
	}
	return nil, care.MailLogin{}, err
}

func (s *Session) begin(ctx context.Context, login care.MailLogin) error {
	stream := io.ReadWriteCloser(s.conn)
	if s.at.TLS == care.TLSStart {
		greeting, err := startTLS(ctx, s.conn, login)
		if err != nil {
			return err
		}
		stream = greeted{s.conn, io.MultiReader(strings.NewReader(greeting), s.conn)}
	}
	s.client = smtp.NewClient(connection{s.conn, stream})
	if err := s.client.Hello(name); err != nil {
		return unready(s.at, err)
	}
	var way sasl.Client
	switch {
	case s.client.SupportsAuth(sasl.Plain):
		way = sasl.NewPlainClient("", login.User, login.Password)
	case s.client.SupportsAuth(sasl.Login):
		way = sasl.NewLoginClient(login.User, login.Password)
	default:
		return dial.NoWayIn(s.at)
	}
	if err := s.client.Auth(way); err != nil {
		var said *smtp.SMTPError
		if errors.As(err, &said) && (said.Code == 535 || said.Code == 534) {
			return dial.WrongPassword(s.at, err)
		}
		return unready(s.at, err)
	}
	return nil
}

// unready words what a server says that answers but does not let anybody in now.
func unready(at care.Endpoint, err error) error {
	var said *smtp.SMTPError
	if !errors.As(err, &said) {
		return err
	}
	return care.Because(care.Unavailable, err, fmt.Sprintf("The mail system at %s takes no letters now: it says \"%s\". %s Postern tries again by itself.",
		at.Host, firstLine(said.Message), dial.Kept))
}

// startTLS brings a connection under TLS and gives the greeting that the server sent before. The library could do it,
// but under another name than ours.
func startTLS(ctx context.Context, conn *dial.Conn, login care.MailLogin) (greeting string, err error) {
	buffered := bufio.NewReader(conn)
	text := textproto.NewReader(buffered)
	code, words, err := text.ReadResponse(220)
	if err != nil {
		return "", unready(login.SMTP, said(err))
	}
	if _, err := io.WriteString(conn, "EHLO "+name+"\r\n"); err != nil {
		return "", err
	}
	_, offers, err := text.ReadResponse(250)
	if err != nil {
		return "", unready(login.SMTP, said(err))
	}
	offered := false
	for line := range strings.Lines(offers) {
		offered = offered || strings.EqualFold(strings.TrimSpace(line), "STARTTLS")
	}
	if !offered {
		return "", dial.NoTLS(login.SMTP)
	}
	if _, err := io.WriteString(conn, "STARTTLS\r\n"); err != nil {
		return "", err
	}
	if _, _, err := text.ReadResponse(220); err != nil {
		return "", dial.NoTLS(login.SMTP)
	}
	if buffered.Buffered() > 0 {
		// Somebody between us and the server speaks already: what they say must not count as the server's.
		return "", dial.NoTLS(login.SMTP)
	}
	if err := conn.Secured(ctx, login.SMTP, login.Roots); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %s\r\n", code, firstLine(words)), nil
}

func said(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return &smtp.SMTPError{Code: answer.Code, Message: answer.Msg}
	}
	return err
}

// connection is a dial.Conn that is read through something else.
type connection struct {
	*dial.Conn
	io.ReadWriteCloser
}

func (c connection) Read(b []byte) (int, error)  { return c.ReadWriteCloser.Read(b) }
func (c connection) Write(b []byte) (int, error) { return c.ReadWriteCloser.Write(b) }
func (c connection) Close() error                { return c.Conn.Close() }

// greeted reads a greeting first: after STARTTLS the conversation begins anew without one, and the library waits for it.
type greeted struct {
	*dial.Conn
	r io.Reader
}

func (g greeted) Read(b []byte) (int, error) { return g.r.Read(b) }

// Send submits one message to one mailbox. It returns nil once the server has taken it on; *Refused if the server
// answered and did not; otherwise a *care.Error, after which the session is spent and it is not known whether the
// message was taken, so that it must be sent again. envid comes back in the server's own notices about the message.
//
// Where the server says how much it takes, a larger message is refused without being sent. Notices of failure and
// delay are asked for where the server offers them.
func (s *Session) Send(ctx context.Context, from, to string, message []byte, envid string) error {
	if s.broken != nil {
		return s.broken
	}
	if limit, ok := s.client.MaxMessageSize(); ok && limit > 0 && len(message) > limit {
		return &Refused{Permanent: true, Code: 552, Enhanced: "5.3.4",
			Text: fmt.Sprintf("the mail system takes letters of at most %d bytes, this one has %d", limit, len(message)), Host: s.at.Host}
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() }) // ends whatever waits
	defer stop()
	if err := s.transaction(from, to, message, envid); err != nil {
		var refused *Refused
		if errors.As(err, &refused) && refused.Code != 421 { // after 421 the server hangs up
			return err
		}
		s.broken = dial.Explain(s.at, dial.Ended(ctx, err))
		_ = s.conn.Close() // it is of no more use
		if refused != nil {
			return err
		}
		return s.broken
	}
	return nil
}

func (s *Session) transaction(from, to string, message []byte, envid string) error {
	if s.dirty {
		if err := s.client.Reset(); err != nil {
			return s.answer(atReset, err)
		}
		s.dirty = false
	}
	if err := s.client.Mail(from, &smtp.MailOptions{Size: int64(len(message)), Return: smtp.DSNReturnHeaders, EnvelopeID: envid}); err != nil {
		return s.answer(atMail, err)
	}
	s.dirty = true
	notify := &smtp.RcptOptions{Notify: []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed}}
	if err := s.client.Rcpt(to, notify); err != nil {
		return s.answer(atRcpt, err)
	}
	w, err := s.client.Data()
	if err != nil {
		return s.answer(atData, err)
	}
	if _, err := io.Copy(w, bytes.NewReader(message)); err != nil {
		return err
	}
	s.conn.SetPatience(taking)
	defer s.conn.SetPatience(dial.Patience)
	if err := w.Close(); err != nil {
		return s.answer(atData, err)
	}
	s.dirty = false
	return nil
}

// Ping asks whether the connection still stands. An error is a *care.Error and spends the session.
func (s *Session) Ping(ctx context.Context) error {
	if s.broken != nil {
		return s.broken
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() }) // ends whatever waits
	defer stop()
	if err := s.client.Noop(); err != nil {
		s.broken = dial.Explain(s.at, dial.Ended(ctx, err))
		_ = s.conn.Close() // it is of no more use
		return s.broken
	}
	return nil
}

// Close takes leave and closes the connection. It may run twice.
func (s *Session) Close() error {
	if s.broken != nil {
		return nil
	}
	s.broken = care.Refusef(care.Unavailable, "The connection to the mail system is closed.")
	s.conn.SetPatience(time.Second)
	if s.client.Quit() != nil { // politeness only: what was sent has been answered
		_ = s.conn.Close() // the server has gone already
		return nil
	}
	return s.conn.Close()
}
