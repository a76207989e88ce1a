package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"postern/backend/care"
)

// smtpPatience is how long a client that has signed in may be silent.
const smtpPatience = 5 * time.Minute

// longestLine is what a line of a letter may have: twice what RFC 5321 asks for.
const longestLine = 2000

func smtpServer(r *running, clear bool) *smtp.Server {
	l := r.g.o.Limits
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		own := under(c.Conn())
		if own == nil {
			return nil, errors.New("a connection from elsewhere")
		}
		s := &submission{r: r, conn: own, out: c.Conn()}
		bye := s.bye
		own.bye.Store(&bye)
		return s, nil
	}))
	s.Domain = r.g.at.domain
	s.MaxMessageBytes = l.Letter
	s.MaxRecipients = l.Recipients
	s.MaxLineLength = longestLine
	s.AllowInsecureAuth = clear
	s.EnableDSN = true
	s.ErrorLog = libraryLog{r.g, "smtp"}
	// The connection has limits of its own. With none here, the library would go on with what was said after QUIT.
	s.ReadTimeout = time.Hour
	s.WriteTimeout = time.Minute
	return s
}

// submission is one client's session. The library calls it from one goroutine.
type submission struct {
	r     *running
	conn  *conn
	out   net.Conn                 // above conn, with TLS if there is any
	in    atomic.Pointer[signedIn] // nil: not signed in
	wrong int

	from string
	own  bool // the sender is the login's address
	size int64
	to   []recipient
}

// bye ends the session from outside. A letter that is under way comes to its end first.
func (s *submission) bye(why string) {
	if !s.conn.leaves() {
		return
	}
	go func() {
		_ = s.out.SetWriteDeadline(time.Now().Add(lastWords))
		_, _ = io.WriteString(s.out, "421 4.3.2 "+why+"\r\n") // one line in one piece, whatever else is being said
		_ = s.conn.Close()
	}()
}

func answer(code int, class, subject, detail int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

var (
	smtpNotNow = answer(451, 4, 3, 0, "The gateway cannot do this now. Try again later")
	smtpFull   = answer(452, 4, 2, 2, "The mailbox is full")
)

// AuthMechanisms are the ways to sign in.
func (s *submission) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

// Auth signs in.
func (s *submission) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(identity, name, password string) error {
			if identity != "" && identity != name {
				return answer(535, 5, 7, 8, "A login speaks for itself alone")
			}
			return s.signIn(name, password)
		}), nil
	case sasl.Login:
		return &loginServer{signIn: s.signIn}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *submission) signIn(name, password string) error {
	if s.in.Load() != nil { // the library asks once; a second time it would count twice
		return answer(503, 5, 5, 1, "Signed in already")
	}
	a, err := s.r.signIn(s.conn, &s.wrong, name, password)
	switch {
	case errors.Is(err, errRefused):
		if s.wrong >= tries {
			s.conn.end() // after this answer
		}
		return answer(535, 5, 7, 8, "The name or the password is wrong")
	case errors.Is(err, errTooMany):
		return answer(454, 4, 7, 0, "Too many connections of this login")
	case err != nil:
		return answer(454, 4, 3, 0, "The gateway cannot do this now. Try again later")
	}
	in := &signedIn{account: a, leave: s.bye}
	s.in.Store(in)
	s.r.enter(in)
	return nil
}

// Reset forgets the letter that was begun. The library calls it when the answer to a letter is out, too: until then the letter
// counts as under way, or a word from outside would stand where its answer belongs, and a letter that is here look as if it were not.
func (s *submission) Reset() {
	s.from, s.own, s.size, s.to = "", false, 0, nil
	s.conn.taking.Store(false)
}

// Logout ends the session.
func (s *submission) Logout() error {
	if in := s.in.Load(); in != nil {
		s.r.exit(in)
	}
	return nil
}

// Mail begins a letter. Whether the sender is the login's own address is said at RCPT, as Postfix does: what is refused
// here counts with clients as passing.
func (s *submission) Mail(from string, o *smtp.MailOptions) error {
	s.Reset()
	in := s.in.Load()
	if in == nil {
		return answer(530, 5, 7, 0, "Sign in first")
	}
	s.size = o.Size
	s.from, s.own = strings.ToLower(from), strings.EqualFold(from, in.account.name+"@"+s.r.g.at.domain)
	return nil
}

// Rcpt adds a mailbox of this gateway's.
func (s *submission) Rcpt(to string, _ *smtp.RcptOptions) error {
	in := s.in.Load()
	if in == nil {
		return answer(530, 5, 7, 0, "Sign in first")
	}
	if !s.own {
		return answer(553, 5, 7, 1, "The sender's address is not this login's own")
	}
	local, domain, _ := strings.Cut(strings.ToLower(to), "@")
	if domain != s.r.g.at.domain {
		return answer(550, 5, 1, 1, "This gateway delivers to its own mailboxes alone")
	}
	r, err := s.r.g.recipient(context.Background(), local)
	switch {
	case errors.Is(err, errNobody):
		return answer(550, 5, 1, 1, "No such mailbox here")
	case err != nil:
		s.r.g.log.Error("a mailbox could not be looked up", "err", err)
		return smtpNotNow
	case r.free <= s.size: // 0 where it was not said
		return smtpFull
	}
	if !s.r.g.rates.take(in.account.name, s.r.g.o.Now()) {
		return answer(450, 4, 7, 1, "Too many letters of this login in a short time. Try again later")
	}
	if !slices.ContainsFunc(s.to, func(o recipient) bool { return o.folder == r.folder }) {
		s.to = append(s.to, r)
	}
	return nil
}

// Data takes the letter in. It is in all mailboxes, on the disk, or in none.
func (s *submission) Data(in io.Reader) (err error) {
	if _, chunks := in.(*io.PipeReader); chunks {
		// The library takes the end of a connection for the end of a chunk, so a letter could arrive cut short.
		return answer(502, 5, 5, 1, "BDAT is not taken here: use DATA")
	}
	if !s.conn.takes() {
		return answer(421, 4, 3, 2, "This connection is ending. Try again later") // it was told why
	}
	defer func() {
		if err != nil { // it is not here, so that nobody waits for what is left of it
			s.conn.taking.Store(false)
		}
	}()
	now := s.r.g.o.Now()
	b := &bytes.Buffer{}
	// The trace of RFC 5321, 4.4, which tells nothing of the client.
	fmt.Fprintf(b, "Return-Path: <%s>\r\nReceived: by %s with ESMTPSA;\r\n\t%s\r\n", s.from, s.r.g.at.domain, now.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	login := s.in.Load().account.name
	held := int64(0)
	defer func() { s.r.memory.give(login, held) }()
	for {
		const step = 32 << 10
		if !s.r.memory.take(login, step) {
			return answer(451, 4, 3, 1, "The gateway takes in too much at once. Try again later")
		}
		held += step
		n, err := io.CopyN(b, in, step)
		if err == io.EOF {
			break
		}
		if err != nil {
			return cut(err)
		}
		_ = n // a whole step
	}
	letter := letter{arrived: now, bytes: b.Bytes()}
	err = s.r.writer.write(func(c *change) error {
		for _, to := range s.to {
			if _, _, err := c.add(to.folder, letter); err != nil {
				return err
			}
		}
		return nil
	})
	return s.taken(err)
}

// cut gives the answer to a letter that did not come whole.
func cut(err error) error {
	var told *smtp.SMTPError
	var netErr net.Error
	switch {
	case errors.As(err, &told): // too large
		return told
	case errors.Is(err, smtp.ErrTooLongLine):
		return answer(554, 5, 6, 0, "The letter has lines that are too long")
	case errors.As(err, &netErr), errors.Is(err, io.ErrUnexpectedEOF):
		return answer(451, 4, 4, 2, "The letter did not come whole")
	}
	return smtpNotNow
}

func (s *submission) taken(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errQuota):
		return smtpFull
	case errors.Is(err, errNoFolder):
		return answer(550, 5, 1, 1, "No such mailbox here")
	case errors.Is(err, errStopped):
		return answer(421, 4, 3, 2, isEnding)
	case care.KindOf(err) == care.Full:
		s.r.g.log.Error("a letter could not be kept", "err", err)
		return answer(452, 4, 3, 1, "The gateway has no room left. Try again later")
	}
	s.r.g.log.Error("a letter could not be kept", "err", err)
	return smtpNotNow
}

// loginServer is the server's side of AUTH LOGIN, which the library lacks.
type loginServer struct {
	signIn func(name, password string) error
	asked  int
	name   string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil && l.asked == 0 {
		l.asked = 1
		return []byte("Username:"), false, nil
	}
	switch l.asked {
	case 0, 1: // 0: it came with the command
		l.asked, l.name = 2, string(response)
		return []byte("Password:"), false, nil
	case 2:
		l.asked = 3
		return nil, true, l.signIn(l.name, string(response))
	}
	return nil, false, sasl.ErrUnexpectedClientResponse
}
