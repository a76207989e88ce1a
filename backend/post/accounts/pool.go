package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/backend/care"
)

// Pool hands out the mailboxes and logins of a mail system elsewhere, each once. What is handed out is written down before:
// after a crash it may be lost, and is never handed out again. It is safe for concurrent use.
type Pool struct {
	keep func([]byte) error // on the disk when it returns

	mu    sync.Mutex
	state state
}

// state is what is written down.
type state struct {
	V         int           `json:"v"`
	IMAP      care.Endpoint `json:"imap"`
	SMTP      care.Endpoint `json:"smtp"`
	Roots     string        `json:"roots,omitempty"`
	Mailboxes []box         `json:"mailboxes"`
	Ends      []string      `json:"ends,omitempty"` // users of logins that are to be ended there
}

type box struct {
	Address string  `json:"address"`
	Local   string  `json:"local,omitempty"` // as the practice calls it; "": nobody has it
	Logins  []given `json:"logins"`
}

type given struct {
	Login
	Used  bool `json:"used,omitempty"`
	Ended bool `json:"ended,omitempty"` // somebody has ended it there; its password is forgotten
}

// New is what a pool of a file's mailboxes is kept as, for Open.
func New(f File) ([]byte, error) {
	var s state
	if err := s.take(f); err != nil {
		return nil, err
	}
	return s.marshal()
}

// Open opens a pool that was kept. keep replaces what is kept.
func Open(kept []byte, keep func([]byte) error) (*Pool, error) {
	p := &Pool{keep: keep}
	if err := json.Unmarshal(kept, &p.state); err != nil || p.state.V != version {
		return nil, care.Because(care.Corrupt, errors.Join(err, fmt.Errorf("version %d", p.state.V)), "What this computer keeps of the practice's mail accounts is damaged, or a newer Postern wrote it.")
	}
	return p, nil
}

func (s *state) marshal() ([]byte, error) {
	s.V = version
	out, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("keep the mail accounts: %w", err)
	}
	return out, nil
}

// change does one thing to the state and writes it down. On an error nothing has changed.
func (p *Pool) change(do func(s *state) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.state.clone()
	if err := do(&next); err != nil {
		return err
	}
	kept, err := next.marshal()
	if err != nil {
		return err
	}
	defer clear(kept)
	if err := p.keep(kept); err != nil {
		return err
	}
	p.state = next
	return nil
}

func (s *state) clone() state {
	out := *s
	out.Ends = slices.Clone(s.Ends)
	out.Mailboxes = slices.Clone(s.Mailboxes)
	for i := range out.Mailboxes {
		out.Mailboxes[i].Logins = slices.Clone(s.Mailboxes[i].Logins)
	}
	return out
}

// fits reports whether a login can be used as one of a kind.
func (l *given) fits(k Kind) bool { return !l.Ended && (l.Kind == k || l.Kind == Any) }

// free finds a login of a kind that nobody has had, one of that very kind first; -1: there is none.
func (b *box) free(k Kind) int {
	found := -1
	for i := range b.Logins {
		if l := &b.Logins[i]; !l.Used && l.fits(k) {
			if l.Kind == k {
				return i
			}
			if found < 0 {
				found = i
			}
		}
	}
	return found
}

// shared is the one login of a mailbox that has no other, if it fits everybody: whoever reads the mailbox has it; -1: none is.
func (b *box) shared() int {
	found := -1
	for i := range b.Logins {
		if b.Logins[i].Ended {
			continue
		}
		if found >= 0 || b.Logins[i].Kind != Any {
			return -1
		}
		found = i
	}
	return found
}

// Mailbox hands out a mailbox for the practice or an office.
func (p *Pool) Mailbox(ctx context.Context, local string) (string, error) {
	return p.MailboxFor(ctx, local, false)
}

// MailboxFor hands out a mailbox that nobody has had and that has logins for whom it is: a member, or the practice's staff.
// local is what the practice calls it, for Login.
func (p *Pool) MailboxFor(_ context.Context, local string, member bool) (address string, err error) {
	err = p.change(func(s *state) error {
		for i := range s.Mailboxes {
			b := &s.Mailboxes[i]
			if b.Local != "" || !b.serves(member) {
				continue
			}
			b.Local, address = local, b.Address
			return nil
		}
		whom := "the practice and its offices, with logins for the staff and the agent,"
		if member {
			whom = "members"
		}
		return refuse("No mailbox for %s is left at the mail system. Add an accounts file with more.", whom)
	})
	return address, err
}

func (b *box) serves(member bool) bool {
	if member {
		return b.free(Owner) >= 0
	}
	return b.free(Staff) >= 0 && b.free(Agent) >= 0
}

// Login hands out a login of a mailbox that nobody has had; or the one login of a mailbox that has a single one for everybody.
func (p *Pool) Login(_ context.Context, local string, reader, owner bool) (login care.MailLogin, err error) {
	kind := Agent
	switch {
	case owner:
		kind = Owner
	case reader:
		kind = Staff
	}
	err = p.change(func(s *state) error {
		i := slices.IndexFunc(s.Mailboxes, func(b box) bool { return b.Local == local })
		if local == "" || i < 0 {
			return care.Refusef(care.NotFound, "The mail accounts of this practice do not have that mailbox.")
		}
		b := &s.Mailboxes[i]
		n := b.free(kind)
		if n < 0 {
			n = b.shared()
		}
		if n < 0 {
			return refuse("The mailbox %s has no login of the kind %s left. Add an accounts file that has more for this address.", b.Address, kind)
		}
		b.Logins[n].Used = true
		login = s.login(b, &b.Logins[n])
		return nil
	})
	return login, err
}

// GiveBack takes back mailboxes, by what the practice called them, and logins that were handed out and that nobody has got.
func (p *Pool) GiveBack(_ context.Context, mailboxes, logins []string) error {
	return p.change(func(s *state) error {
		for i := range s.Mailboxes {
			b := &s.Mailboxes[i]
			if b.Local != "" && slices.Contains(mailboxes, b.Local) {
				b.Local = ""
			}
			for n := range b.Logins {
				if l := &b.Logins[n]; slices.Contains(logins, l.User) && !l.Ended {
					l.Used = false
				}
			}
		}
		return nil
	})
}

func (s *state) login(b *box, l *given) care.MailLogin {
	from := l.From
	if from == "" {
		if from = l.User; !address(from) {
			_, domain, _ := strings.Cut(b.Address, "@")
			from = l.User + "@" + domain
		}
	}
	return care.MailLogin{User: l.User, Password: l.Password, Address: from, IMAP: s.IMAP, SMTP: s.SMTP, Roots: s.Roots}
}

// Without puts a login down that a person has to end at the mail system. care.NotFound: it was never handed out, or is ended.
func (p *Pool) Without(_ context.Context, name string) error {
	return p.change(func(s *state) error {
		if l := s.find(name); l == nil || !l.Used || l.Ended {
			return care.Refusef(care.NotFound, "There is no such login in use.")
		}
		if !slices.Contains(s.Ends, name) {
			s.Ends = append(s.Ends, name)
		}
		return nil
	})
}

func (s *state) find(user string) *given {
	for i := range s.Mailboxes {
		for n := range s.Mailboxes[i].Logins {
			if l := &s.Mailboxes[i].Logins[n]; l.User == user {
				return l
			}
		}
	}
	return nil
}

// Ends are the logins that were put down by Without and are not ended.
func (p *Pool) Ends() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.state.Ends)
}

// Ended notes that somebody has ended a login at the mail system. care.NotFound: it was not to be ended.
func (p *Pool) Ended(user string) error {
	return p.change(func(s *state) error {
		n := slices.Index(s.Ends, user)
		if n < 0 {
			return care.Refusef(care.NotFound, "That login is not one that is to be ended.")
		}
		s.Ends = slices.Delete(s.Ends, n, n+1)
		if l := s.find(user); l != nil {
			l.Ended, l.Password = true, ""
		}
		return nil
	})
}

// Left is how many mailboxes nobody has had.
func (p *Pool) Left() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.state.Mailboxes {
		if p.state.Mailboxes[i].Local == "" {
			n++
		}
	}
	return n
}

// Place is where the mail system is.
func (p *Pool) Place() care.MailPlace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return care.MailPlace{IMAP: p.state.IMAP, SMTP: p.state.SMTP, Roots: p.state.Roots}
}

// Trial is a login of a mailbox that nobody has had, to try the mail system out with; it is not handed out. mayRemove: it may
// take letters away again. care.NotFound: every mailbox is handed out.
func (p *Pool) Trial() (login care.MailLogin, to string, mayRemove bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kind := range []Kind{Owner, Agent, Staff} { // whoever may take the letter away again comes first
		for i := range p.state.Mailboxes {
			b := &p.state.Mailboxes[i]
			if n := b.free(kind); b.Local == "" && n >= 0 {
				return p.state.login(b, &b.Logins[n]), b.Address, kind != Staff, nil
			}
		}
	}
	return care.MailLogin{}, "", false, care.Refusef(care.NotFound, "Every mailbox of this mail system is handed out.")
}

// Add takes in further mailboxes and logins, and where the mail system is from now on. care.Conflict: a login that is in use
// has another password, or is at another mailbox.
func (p *Pool) Add(f File) error {
	return p.change(func(s *state) error { return s.take(f) })
}

func (s *state) take(f File) error {
	s.IMAP, s.SMTP, s.Roots = f.IMAP, f.SMTP, f.Roots
	at := map[string]int{}
	users := map[string]string{}
	for i := range s.Mailboxes {
		at[strings.ToLower(s.Mailboxes[i].Address)] = i
		for _, l := range s.Mailboxes[i].Logins {
			users[l.User] = s.Mailboxes[i].Address
		}
	}
	for _, m := range f.Mailboxes {
		i, known := at[strings.ToLower(m.Address)]
		if !known {
			i = len(s.Mailboxes)
			s.Mailboxes = append(s.Mailboxes, box{Address: m.Address})
		}
		b := &s.Mailboxes[i]
		for n, l := range m.Logins {
			was, known := users[l.User]
			switch {
			case !known: // most are: a long file is not searched for each
				b.Logins, users[l.User] = append(b.Logins, given{Login: l}), b.Address
				continue
			case was != b.Address:
				return conflict("Mailbox %s of the accounts file: login %d is known here already, at another mailbox.", m.Address, n+1)
			}
			if err := s.takeLogin(b, l); err != nil {
				return conflict("Mailbox %s of the accounts file: login %d is in use here with another password. Give the new one another name.", m.Address, n+1)
			}
		}
	}
	return nil
}

var errInUse = errors.New("it is in use with another password")

// takeLogin takes a login that is known at the mailbox. One that nobody has, that was to be ended, or that everybody shares may come with a new password.
func (s *state) takeLogin(b *box, l Login) error {
	n := slices.IndexFunc(b.Logins, func(g given) bool { return g.User == l.User })
	was := &b.Logins[n]
	end := slices.Index(s.Ends, l.User)
	switch {
	case was.Password == l.Password && !was.Ended:
		return nil
	case !was.Used, was.Ended, end >= 0, b.shared() == n:
	default:
		return errInUse
	}
	if end >= 0 { // with its new password it is another login
		s.Ends = slices.Delete(s.Ends, end, end+1)
	}
	*was = given{Login: l}
	return nil
}

func conflict(format string, args ...any) *care.Error {
	return care.Refusef(care.Conflict, format, args...).In("accounts")
}
