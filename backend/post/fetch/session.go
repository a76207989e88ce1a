package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"postern/backend/care"
	"postern/backend/post/dial"
)

// session is one signed-in connection. One goroutine uses it.
type session struct {
	*Fetcher
	login   care.MailLogin // as it was connected with
	conn    *dial.Conn
	c       *imapclient.Client
	caps    imap.CapSet
	changed chan struct{} // the server spoke of new messages in the selected folder
	secured bool          // what is left to be done is to sign in

	selected string            // the folder that is open, if any
	folders  map[string]*state // as last seen
	checked  time.Time         // the last full difference
	gauged   time.Time         // when the sink was last told how the mail system stands
	ends     time.Time         // of the certificate that came with STARTTLS
}

// state is what a folder looked like.
type state struct {
	validity uint32
	next     uint32 // the UID that the server will give next, as far as it said
	messages uint32
}

// connect gives a session that has signed in; with an error, one that is closed, or nil.
func (f *Fetcher) connect(ctx context.Context) (s *session, err error) {
	logins := []care.MailLogin{f.Login}
	if f.Places != nil {
		logins = f.Places(f.Login)
	}
	for i, login := range logins {
		next, failed := f.connectAt(ctx, login)
		if failed == nil {
			if f.Took != nil {
				f.Took(login)
			}
			return next, nil
		}
		if i == 0 { // it is the place that counts, so its trouble is told
			s, err = next, failed
		}
	}
	return s, err
}

func (f *Fetcher) connectAt(ctx context.Context, login care.MailLogin) (*session, error) {
	conn, err := dial.Open(ctx, login.IMAP, login.Roots)
	if err != nil {
		return nil, err
	}
	s := &session{Fetcher: f, login: login, conn: conn, changed: make(chan struct{}, 1), folders: map[string]*state{}}
	if err := s.begin(); err != nil {
		err = s.explain(err)
		s.close()
		return s, err
	}
	return s, nil
}

func (s *session) begin() error {
	options := &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				s.news()
			}
		},
	}}
	e := s.login.IMAP
	if e.TLS == care.TLSStart {
		config, err := dial.Config(e, s.login.Roots)
		if err != nil {
			return err
		}
		config.VerifyConnection = func(c tls.ConnectionState) error {
			s.ends = dial.Ends(c)
			return nil
		}
		options.TLSConfig = config
		if s.c, err = imapclient.NewStartTLS(s.conn, options); err != nil {
			var said *imap.Error
			if errors.As(err, &said) {
				return dial.NoTLS(e)
			}
			return err
		}
	} else {
		s.c = imapclient.New(s.conn, options)
	}
	if err := s.c.WaitGreeting(); err != nil {
		return s.unready(err)
	}
	return s.signIn()
}

// news has INBOX looked at soon.
func (s *session) news() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *session) signIn() error {
	caps := s.c.Caps()
	if caps == nil {
		return errors.New("the server did not say what it offers")
	}
	s.secured = true
	var err error
	switch {
	case slices.Contains(caps.AuthMechanisms(), sasl.Plain):
		err = s.c.Authenticate(sasl.NewPlainClient("", s.login.User, s.login.Password))
	case !caps.Has(imap.CapLoginDisabled):
		err = s.c.Login(s.login.User, s.login.Password).Wait()
	default:
		return dial.NoWayIn(s.login.IMAP)
	}
	var said *imap.Error
	switch {
	case errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo && !passing(said.Code):
		return dial.WrongPassword(s.login.IMAP, err)
	case err != nil:
		return s.unready(err)
	}
	if s.caps = s.c.Caps(); s.caps == nil {
		return errors.New("the server did not say what it offers")
	}
	return nil
}

// passing reports whether a login was refused for a reason that has nothing to do with its password.
func passing(code imap.ResponseCode) bool {
	switch code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeLimit, imap.ResponseCodeInUse, imap.ResponseCodeServerBug,
		imap.ResponseCodeClientBug, imap.ResponseCodeCannot, imap.ResponseCodeAlert:
		return true
	}
	return false
}

// unready words what a server says that answers but lets nobody in now.
func (s *session) unready(err error) error {
	var said *imap.Error
	if !errors.As(err, &said) {
		return err
	}
	host := s.login.IMAP.Host
	if said.Code == imap.ResponseCodeLimit {
		return care.Because(care.Unavailable, err, fmt.Sprintf("The mail system at %s has too many connections of this login open. %s Postern tries again by itself; if this stays, close Postern where else it runs under this profile.", host, dial.Kept))
	}
	return care.Because(care.Unavailable, err, fmt.Sprintf("The mail system at %s lets nobody in now: it says \"%s\". %s Postern tries again by itself.",
		host, strings.TrimSpace(said.Text), dial.Kept))
}

// explain gives the reason of a failure to the person: that of the sink, that of the connection, or the server's.
func (s *session) explain(err error) error {
	var told *care.Error
	if errors.As(err, &told) {
		return told
	}
	if broke := s.conn.Failure(); broke != nil {
		err = errors.Join(broke, err)
	}
	return dial.Explain(s.login.IMAP, err)
}

func (s *session) close() {
	_ = s.conn.Close() // nothing is under way on it
	if s.c != nil {
		_ = s.c.Close() // waits until its reader has ended
	}
}

// list gives the folders that are read: all but those for the trash and for drafts. INBOX comes first, then the names
// from the last to the first, so that of an archive by years the newest comes first.
func (s *session) list() ([]string, error) {
	options := &imap.ListOptions{}
	if s.caps.Has(imap.CapSpecialUse) && s.caps.Has(imap.CapListExtended) {
		options.ReturnSpecialUse = true
	}
	found, err := s.c.List("", "*", options).Collect()
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	names := []string{}
	for _, d := range found {
		if wanted(d) && !isInbox(d.Mailbox) && !slices.Contains(names, d.Mailbox) {
			names = append(names, d.Mailbox)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(b, a) })
	return append([]string{inbox}, names...), nil
}

const inbox = "INBOX"

func isInbox(name string) bool { return strings.EqualFold(name, inbox) }

// wanted reports whether a folder is read. What the server says of its use counts before what it is called.
func wanted(d *imap.ListData) bool {
	special := false
	for _, a := range d.Attrs {
		switch a {
		case imap.MailboxAttrNoSelect, imap.MailboxAttrNonExistent, imap.MailboxAttrTrash, imap.MailboxAttrDrafts:
			return false
		case imap.MailboxAttrAll, imap.MailboxAttrArchive, imap.MailboxAttrFlagged, imap.MailboxAttrJunk, imap.MailboxAttrSent:
			special = true
		}
	}
	if special {
		return true
	}
	name := d.Mailbox
	if d.Delim != 0 {
		name = name[strings.LastIndex(name, string(d.Delim))+1:]
	}
	switch strings.ToLower(name) {
	case "trash", "deleted items", "deleted messages", "bin", "drafts":
		return false
	}
	return true
}
