package gateway

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"postern/backend/care"
)

// offered are the capabilities beside those that the library always offers. LITERAL+ is not among them: the library would
// take a literal that is too large for commands.
var offered = imap.CapSet{
	imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
	imap.CapSearchRes: {}, imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {},
	imap.CapBinary: {}, imap.CapChildren: {}, imap.CapSpecialUse: {},
}

// imapServer serves connections; with start it offers STARTTLS, with clear it takes passwords without: also where TLS is, since
// the library does not see it under what answers for QUOTA.
func imapServer(r *running, start *tls.Config, clear bool) *imapserver.Server {
	return imapserver.New(&imapserver.Options{
		Caps: offered, Logger: libraryLog{r.g, "imap"}, TLSConfig: start, InsecureAuth: clear,
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			own := under(c.NetConn())
			if own == nil || !r.begin() {
				return nil, nil, &imap.Error{Type: imap.StatusResponseTypeBye, Text: isEnding}
			}
			s := &session{r: r, c: c, conn: own}
			if a, is := c.NetConn().(*asker); is {
				s.asker = a
				a.s.Store(s)
			}
			if start == nil { // before STARTTLS there is no safe moment for a word
				s.mayBye()
			}
			return s, nil, nil
		},
	})
}

// begin counts an IMAP session, until its Close, unless the gateway is ending.
func (r *running) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.reading.Add(1)
	return true
}

// session is one client's IMAP session. The library calls it from one goroutine, and Idle from another.
type session struct {
	r     *running
	c     *imapserver.Conn
	conn  *conn
	asker *asker // nil: the connection began in the clear
	in    atomic.Pointer[signedIn]
	a     account
	wrong int

	examined bool // the folder was opened by EXAMINE
	open     atomic.Pointer[view]
	saved    []uint32 // the UIDs of SEARCH RETURN (SAVE), for "$"
}

var _ imapserver.SessionIMAP4rev2 = (*session)(nil)
var _ imapserver.SessionAppendLimit = (*session)(nil)

// mayBye lets the connection end with a word from now on.
func (s *session) mayBye() {
	bye := s.bye
	s.conn.bye.Store(&bye)
}

// bye ends the session from outside. A client that does not listen is not waited for.
func (s *session) bye(why string) {
	closing := time.AfterFunc(lastWords, func() { _ = s.conn.Close() })
	go func() {
		_ = s.c.Bye(why) // it was to end
		closing.Stop()
		_ = s.conn.Close()
	}()
}

func no(code imap.ResponseCode, text string) *imap.Error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

var (
	errStaff    = no(imap.ResponseCodeNoPerm, "This login reads and submits; it changes nothing in the mailbox")
	errExamined = no(imap.ResponseCodeCannot, "The folder was opened read-only")
	errNone     = no(imap.ResponseCodeNonExistent, "There is no such folder")
	errNoRoom   = no(imap.ResponseCodeOverQuota, "The mailbox is full")
	errNotNow   = no(imap.ResponseCodeUnavailable, "The gateway cannot do this now. Try again later")
)

// changes refuses what a login may not change. Whoever opened a folder by EXAMINE changes nothing anywhere until another
// is opened: the library announces that and does not hold to it.
func (s *session) changes() error {
	switch {
	case s.a.kind == Staff:
		return errStaff
	case s.examined:
		return errExamined
	}
	return nil
}

// told gives an error its words for the client.
func (s *session) told(err error) error {
	var told *imap.Error
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.Is(err, errNoFolder):
		return errNone
	case errors.Is(err, errQuota):
		return errNoRoom
	case errors.Is(err, errStopped):
		return errNotNow
	}
	s.r.g.log.Error("a mailbox could not be read or changed", "err", err, "kind", care.KindOf(err))
	return errNotNow
}

// Login signs in.
func (s *session) Login(name, password string) error {
	a, err := s.r.signIn(s.conn, &s.wrong, name, password)
	switch {
	case errors.Is(err, errRefused):
		if s.wrong >= tries {
			s.conn.end()
		}
		return imapserver.ErrAuthFailed
	case errors.Is(err, errTooMany):
		return no(imap.ResponseCodeLimit, "Too many connections of this login")
	case err != nil:
		return errNotNow
	}
	s.a = a
	in := &signedIn{account: a, leave: s.bye}
	s.in.Store(in)
	s.r.enter(in)
	s.mayBye()
	if s.asker != nil {
		s.asker.offers.Store(true)
	}
	return nil
}

// Close ends the session.
func (s *session) Close() error {
	defer s.r.reading.Done()
	s.leave()
	if in := s.in.Load(); in != nil {
		s.r.exit(in)
	}
	return nil
}

// leave closes the open folder, if any.
func (s *session) leave() {
	if v := s.open.Swap(nil); v != nil {
		s.r.indexes.done(v.ix)
	}
	s.saved, s.examined = nil, false
}

// AppendLimit is the largest letter that APPEND takes.
func (s *session) AppendLimit() uint32 { return uint32(s.r.g.o.Limits.Letter) }

// Namespace says that all folders are the mailbox's own.
func (s *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

// The flags of letters. There are no others: what a client adds beside them is passed over.
var flagNames = []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}

const (
	seen    = 1 << 0
	deleted = 1 << 3
)

func flagBits(flags []imap.Flag) (bits uint8) {
	for _, f := range flags {
		for i, name := range flagNames {
			if f == name {
				bits |= 1 << i
			}
		}
	}
	return bits
}

func flagList(bits uint8) []imap.Flag {
	flags := []imap.Flag{}
	for i, name := range flagNames {
		if bits&(1<<i) != 0 {
			flags = append(flags, name)
		}
	}
	return flags
}

// Select opens a folder.
func (s *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	ctx := context.Background()
	f, err := s.folder(ctx, name)
	if err != nil {
		return nil, s.told(err)
	}
	ix, err := s.r.indexes.take(ctx, f.no)
	if err != nil {
		return nil, s.told(err)
	}
	s.leave()
	v := newView(ix)
	s.open.Store(v)
	s.examined = o.ReadOnly
	data := &imap.SelectData{Flags: flagNames, PermanentFlags: []imap.Flag{}, NumMessages: uint32(len(v.uids)), UIDValidity: ix.validity}
	if s.changes() == nil {
		data.PermanentFlags = flagNames
	}
	ix.mu.Lock()
	data.UIDNext = imap.UID(ix.next)
	for i := range v.uids {
		if i < len(ix.flags) && ix.flags[i]&seen == 0 {
			data.FirstUnseenSeqNum = uint32(i) + 1
			break
		}
	}
	ix.mu.Unlock()
	if s.c.EnabledCaps().Has(imap.CapIMAP4rev2) {
		data.List = f.list()
	}
	return data, nil
}

// Unselect closes the open folder.
func (s *session) Unselect() error {
	s.leave()
	return nil
}

// Poll tells what has changed in the open folder.
func (s *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if v := s.open.Load(); v != nil {
		return v.tell(w, allowExpunge)
	}
	return nil
}

// Idle tells it as it happens.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	v := s.open.Load()
	if v == nil {
		<-stop
		return nil
	}
	for {
		changed := v.changes()
		if err := v.tell(w, true); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stop:
			return nil
		}
	}
}

// Append puts a letter into a folder.
func (s *session) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	if err := s.changes(); err != nil {
		return nil, err
	}
	f, err := s.folder(context.Background(), name)
	if errors.Is(err, errNoFolder) {
		return nil, no(imap.ResponseCodeTryCreate, "There is no such folder")
	}
	if err != nil {
		return nil, s.told(err)
	}
	if !s.r.memory.take(s.a.name, r.Size()) {
		return nil, no(imap.ResponseCodeLimit, "The gateway takes in too much at once. Try again later")
	}
	defer s.r.memory.give(s.a.name, r.Size())
	bytes, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	at := o.Time
	if now := s.r.g.o.Now(); at.IsZero() || at.Year() < 1970 || at.Year() > 9999 {
		at = now
	}
	var first, validity uint32
	err = s.r.writer.write(func(c *change) (err error) {
		first, validity, err = c.add(f.no, letter{arrived: at, flags: flagBits(o.Flags), bytes: bytes})
		return err
	})
	if err != nil {
		return nil, s.told(err)
	}
	return &imap.AppendData{UID: imap.UID(first), UIDValidity: validity}, nil
}

// folderRow is a folder as the file has it.
type folderRow struct {
	no, letters, bytes int64
	name, special      string
	subscribed         bool
	validity, next     uint32
}

const folderColumns = "no, name, special, subscribed, validity, next, letters, bytes"

func (f *folderRow) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&f.no, &f.name, &f.special, &f.subscribed, &f.validity, &f.next, &f.letters, &f.bytes)
}

func (s *session) folder(ctx context.Context, name string) (f folderRow, err error) {
	err = s.r.g.db.Read(ctx, func(tx *sql.Tx) error {
		return f.scan(tx.QueryRowContext(ctx, "SELECT "+folderColumns+" FROM folder WHERE mailbox = ? AND name = ?", s.a.mailbox, name))
	})
	return f, noFolder(err)
}
