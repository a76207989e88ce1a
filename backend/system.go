package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/post/accounts"
	"postern/backend/post/gateway"
	"postern/backend/post/trial"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// MailChoice is the mail system of a practice: one elsewhere, or the embedded gateway on this computer.
type MailChoice struct {
	Elsewhere bool
	Accounts  []byte // of one elsewhere: the file with its mailboxes and logins, as docs/format.md has it
	// Of the gateway here: the name or address under which other computers reach it, "" for this computer alone, and its
	// ports, 0 for ones that are free.
	Host     string
	IMAPPort int
	SMTPPort int
}

// MailStep is one step of a mail system's trial.
type MailStep struct {
	What    string
	Problem string // "": it worked. What comes after the first one that did not was not tried
}

// MailState is how a practice's mail system stands.
type MailState struct {
	Elsewhere  bool
	IMAP, SMTP string   // host:port
	Here       bool     // the gateway serves this computer alone
	Pending    int      // documents that are not mailed yet
	Problem    string   // why, or what else is wrong with the mail system
	Left       int      // of one elsewhere: mailboxes that are still free
	Ends       []string // of one elsewhere: logins that are to be ended there by hand
}

// poolFile is beside the registrar's own file, under the same passphrase, where the mail system is elsewhere.
const poolFile = "accounts.json"

// system is the mail system of one practice, open.
type system struct {
	enrol.Accounts
	pool *accounts.Pool // elsewhere; nil otherwise
	here *here          // the gateway on this computer; nil otherwise
	stop func() error
}

// openSystem opens the mail system that belongs to the registrar in dir.
func (b *Backend) openSystem(ctx context.Context, dir, passphrase string) (*system, error) {
	file := filepath.Join(dir, poolFile)
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		if err != nil {
			return nil, care.Because(care.Internal, err, "What this computer keeps of the practice's mail accounts cannot be read.")
		}
		return openPool(file, passphrase)
	}
	if b.mail != nil {
		made, stop, err := b.mail(ctx, b.data)
		return &system{Accounts: made, stop: stop}, err
	}
	return b.serveHere(ctx)
}

// serveHere runs the gateway here until the backend is closed: who locks their screen does not end everybody's mail.
func (b *Backend) serveHere(ctx context.Context) (*system, error) {
	b.serving.Lock()
	defer b.serving.Unlock()
	if b.here == nil {
		s, err := openHere(ctx, b.data, b.log, nil)
		if err != nil {
			return nil, err
		}
		b.here = s.here
	} else if err := b.here.serve(ctx); err != nil {
		b.log.Warn("the gateway does not serve", "err", err)
	}
	return &system{Accounts: b.here, here: b.here, stop: func() error { return nil }}, nil
}

// endHere ends it.
func (b *Backend) endHere() {
	b.serving.Lock()
	defer b.serving.Unlock()
	if b.here == nil {
		return
	}
	if err := b.here.close(); err != nil {
		b.log.Error("end the gateway", "err", err)
	}
	b.here = nil
}

// makeSystem sets up the mail system that a new practice has chosen.
func (b *Backend) makeSystem(ctx context.Context, dir, passphrase string, m MailChoice) (*system, error) {
	if m.Elsewhere {
		kept, err := newPool(m.Accounts)
		if err != nil {
			return nil, err
		}
		defer clear(kept)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, care.Because(care.Internal, err, "The folder for the profile cannot be made.")
		}
		file := filepath.Join(dir, poolFile)
		if err := vault.CreateBox(b.params, file, "Mail accounts", passphrase, kept); err != nil {
			return nil, err
		}
		return openPool(file, passphrase)
	}
	return b.chosen(ctx, m)
}

// chosen opens the gateway here as it was chosen. One that another process runs, or that serves another practice already, is
// used as it is, and not moved.
func (b *Backend) chosen(ctx context.Context, m MailChoice) (*system, error) {
	o, err := gateway.Serving(m.Host, m.IMAPPort, m.SMTPPort)
	if err != nil {
		return nil, err
	}
	if b.mail != nil {
		made, stop, err := b.mail(ctx, b.data)
		return &system{Accounts: made, stop: stop}, err
	}
	if MailThere(b.data) {
		taken, err := takenBy(ctx, GatewayDir(b.data), m)
		if err != nil {
			return nil, err
		}
		if taken {
			o = gateway.Options{}
		}
	}
	s, err := openHere(ctx, b.data, b.log, &o)
	if err == nil && s.here.trouble() != nil {
		err = errors.Join(s.here.trouble(), s.stop())
	}
	return s, err
}

// takenBy reports whether another process runs the gateway of a folder, or it has mailboxes, and refuses a choice that is not
// where it serves then.
func takenBy(ctx context.Context, dir string, m MailChoice) (taken bool, err error) {
	g, err := gateway.Open(ctx, dir, gateway.Options{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	why := "runs already"
	runs, err := g.RunsElsewhere()
	if err == nil && !runs {
		var all []gateway.Account
		if all, err = g.List(ctx); len(all) == 0 {
			return false, err
		}
		why = "serves another practice already"
	}
	if err != nil {
		return false, err
	}
	at, err := g.Place()
	if err != nil {
		return false, err
	}
	host := strings.ToLower(strings.TrimSpace(m.Host))
	for _, c := range []struct {
		field  string
		chosen bool
	}{{"host", host != "" && host != at.IMAP.Host}, {"imapport", m.IMAPPort != 0 && m.IMAPPort != at.IMAP.Port}, {"smtpport", m.SMTPPort != 0 && m.SMTPPort != at.SMTP.Port}} {
		if c.chosen {
			return true, care.Refusef(care.Conflict, "The gateway on this computer %s. To use it as it is, leave the name empty and give its ports, %d and %d.",
				why, at.IMAP.Port, at.SMTP.Port).In(c.field)
		}
	}
	return true, nil
}

// newPool is what a pool of an accounts file's mailboxes is kept as.
func newPool(raw []byte) ([]byte, error) {
	f, err := accounts.Read(raw)
	if err != nil {
		return nil, err
	}
	return accounts.New(f)
}

func openPool(file, passphrase string) (*system, error) {
	box, err := vault.OpenBox(file, passphrase)
	if err != nil {
		return nil, err
	}
	kept := box.Bytes()
	defer clear(kept)
	pool, err := accounts.Open(kept, box.Replace)
	if err != nil {
		box.Close()
		return nil, err
	}
	return &system{Accounts: pool, pool: pool, stop: func() error { box.Close(); return nil }}, nil
}

// here is the gateway in a data folder, in this process or in another one that runs it already. It may move.
type here struct {
	dir string
	log *slog.Logger

	mu     sync.RWMutex
	g      *gateway.Gateway
	silent error // why it does not serve
}

// openHere opens the gateway and runs it. That it cannot serve is no error: whoever signs in must be able to move it.
func openHere(ctx context.Context, data string, log *slog.Logger, o *gateway.Options) (*system, error) {
	h := &here{dir: GatewayDir(data), log: log}
	if o == nil {
		o = &gateway.Options{}
	}
	if err := h.open(ctx, *o); err != nil {
		return nil, err
	}
	return &system{Accounts: h, here: h, stop: h.close}, nil
}

func (h *here) open(ctx context.Context, o gateway.Options) error {
	o.Log = h.log
	g, err := gateway.Open(ctx, h.dir, o)
	if err != nil {
		return err
	}
	h.g, h.silent = g, g.Start(ctx)
	return nil
}

func (h *here) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.g.Close()
}

// trouble is why the gateway does not serve; nil where another process runs it.
func (h *here) trouble() error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if errors.Is(h.silent, gateway.ErrRuns) {
		return nil
	}
	return h.silent
}

// serve tries again to run the gateway where it does not: the port may be free again, the other process may have ended.
func (h *here) serve(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.silent != nil {
		h.silent = h.g.Start(ctx)
	}
	if errors.Is(h.silent, gateway.ErrRuns) {
		return nil
	}
	return h.silent
}

// move makes the gateway serve elsewhere on this computer. It goes on where it was, too, as far as it can. After an error it
// serves as before.
func (h *here) move(ctx context.Context, o gateway.Options) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(h.silent, gateway.ErrRuns) {
		return care.Refusef(care.Conflict, "Another program runs this practice's gateway. End that one first, then move the gateway here.")
	}
	at := h.g.Addresses()
	was := gateway.Options{Hosts: h.g.Hosts(), IMAPS: at["IMAPS"], SMTPS: at["SMTPS"]}
	if err := h.g.Close(); err != nil {
		return errors.Join(err, h.open(ctx, was))
	}
	o.GoOn = true
	err := h.open(ctx, o)
	if err == nil && h.silent != nil {
		err = errors.Join(h.silent, h.g.Close())
	}
	if err != nil {
		// What the move has left among the former places does no harm: nobody was told of it.
		return errors.Join(err, h.open(context.WithoutCancel(ctx), was))
	}
	return nil
}

func (h *here) use() *gateway.Gateway {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.g
}

// Mailbox makes a mailbox.
func (h *here) Mailbox(ctx context.Context, local string) (string, error) {
	return h.use().Mailbox(ctx, local)
}

// Login makes a login.
func (h *here) Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error) {
	return h.use().Login(ctx, local, reader, owner)
}

// Without ends a login.
func (h *here) Without(ctx context.Context, name string) error { return h.use().Without(ctx, name) }

// TryMail tries a mail system out for a practice that is to be made. What failed is in the steps; an error is of what was
// typed, in the fields "accounts", "host", "imapport" and "smtpport". Of a gateway here nothing is left but what was there.
func (b *Backend) TryMail(ctx context.Context, m MailChoice) (steps []MailStep, err error) {
	if m.Elsewhere {
		kept, err := newPool(m.Accounts)
		if err != nil {
			return nil, err
		}
		pool, err := accounts.Open(kept, func([]byte) error { return nil })
		if err != nil {
			return nil, err
		}
		return (&system{Accounts: pool, pool: pool}).try(ctx, care.MailLogin{}, "")
	}
	defer b.forgetGateway(&err, true)()
	s, err := b.chosen(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return s.try(ctx, care.MailLogin{}, "")
}

// forgetGateway notes whether there is a gateway here, and gives what removes one that there was not: always, or after an error.
func (b *Backend) forgetGateway(err *error, always bool) func() {
	there := b.mail != nil || MailThere(b.data)
	return func() {
		if !there && (always || *err != nil) {
			*err = errors.Join(*err, os.RemoveAll(GatewayDir(b.data)))
		}
	}
}

// longest is how long a whole trial may take.
const longest = 2 * time.Minute

// try sends a letter through the mail system. Elsewhere it goes to a mailbox that nobody has, or with none left to the one
// that is given, whose login may not take it away again. At a mail system that makes mailboxes one is made and removed.
func (s *system) try(ctx context.Context, login care.MailLogin, to string) (steps []MailStep, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	t := trial.Trial{Login: login, To: to}
	if s.pool != nil {
		if free, at, mayRemove, err := s.pool.Trial(); err == nil {
			t = trial.Trial{Login: free, To: at, MayRemove: mayRemove}
		} else if care.KindOf(err) != care.NotFound || to == "" {
			return nil, err
		}
	} else {
		local := "trial-" + care.NewID("mb")[3:]
		if t.To, err = s.Mailbox(ctx, local); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.remove(context.WithoutCancel(ctx), t.Login.User, local)) }()
		if t.Login, err = s.Login(ctx, local, false, true); err != nil {
			return nil, err
		}
		t.MayRemove = true
	}
	for _, step := range t.Run(ctx) {
		steps = append(steps, MailStep(step))
	}
	return steps, nil
}

// remove takes a trial's mailbox away again. One that still holds the letter is closed instead.
func (s *system) remove(ctx context.Context, user, local string) error {
	if s.here != nil {
		err := s.here.use().Remove(ctx, local)
		if err == nil || care.KindOf(err) != care.Conflict {
			return err
		}
	}
	if err := s.Without(ctx, user); err != nil && care.KindOf(err) != care.NotFound {
		return fmt.Errorf("end the trial's login: %w", err)
	}
	if err := s.Without(ctx, local); err != nil && care.KindOf(err) != care.NotFound {
		return fmt.Errorf("close the trial's mailbox: %w", err)
	}
	return nil
}

// place is where the mail system is now, as everybody is to know it; nil: only the logins say so.
func (s *system) place() (*care.MailPlace, error) {
	switch {
	case s.pool != nil:
		at := s.pool.Place()
		return &at, nil
	case s.here != nil:
		at, err := s.here.use().Place()
		return &at, err
	}
	return nil, nil
}

// Mail says how the practice's mail system stands.
func (r *Registrar) Mail(context.Context) (MailState, error) {
	s := MailState{IMAP: trial.At(r.login.IMAP), SMTP: trial.At(r.login.SMTP), Pending: len(r.Pending())}
	at, err := r.system.place()
	if err != nil {
		return MailState{}, err
	}
	if at != nil {
		s.IMAP, s.SMTP = trial.At(at.IMAP), trial.At(at.SMTP)
	}
	if err := r.Problem(); err != nil {
		s.Problem = care.SentenceOf(err)
	}
	switch {
	case r.system.pool != nil:
		s.Elsewhere, s.Left = true, r.system.pool.Left()
		// A login that others share may not be ended yet: they would be turned away.
		s.Ends = slices.DeleteFunc(r.system.pool.Ends(), r.LoginInUse)
	case r.system.here != nil:
		s.Here = r.system.here.use().Alone()
		if err := r.system.here.trouble(); err != nil {
			s.Problem = care.SentenceOf(err)
		}
	}
	return s, nil
}

// tell puts into the directory where the mail system is.
func (r *Registrar) tell() error {
	at, err := r.system.place()
	if err != nil || at == nil {
		return err
	}
	return r.SetGateway(*at)
}

// places are the administrator's login as this computer may reach the mail system, best first: one that runs here answers
// here, whatever others call it.
func (r *Registrar) places() ([]care.MailLogin, error) {
	at, err := r.system.place()
	if err != nil || at == nil {
		return []care.MailLogin{r.login}, err
	}
	all := []care.MailLogin{r.login.At(*at), r.login}
	if own := r.here(); own != nil {
		all = slices.Insert(all, 0, r.login.At(*own))
	}
	return all, nil
}

// here is where the gateway on this computer answers this computer; nil: the mail system is elsewhere, or its certificate is for other
// names alone.
func (r *Registrar) here() *care.MailPlace {
	if r.system.here == nil {
		return nil
	}
	g := r.system.here.use()
	if !g.Is("127.0.0.1") {
		return nil
	}
	at, err := g.Place()
	if err != nil {
		r.log.Error("where the gateway here is", "err", err)
		return nil
	}
	at.IMAP.Host, at.SMTP.Host = "127.0.0.1", "127.0.0.1"
	return &at
}

// TryMail tries the practice's mail system out.
func (r *Registrar) TryMail(ctx context.Context) ([]MailStep, error) {
	book, err := r.Book()
	if err != nil {
		return nil, err
	}
	login := r.login
	if at, err := r.system.place(); err != nil {
		return nil, err
	} else if at != nil {
		login = login.At(*at)
	}
	box, _ := book.Mailbox(login.Mailbox)
	return r.system.try(ctx, login, box.Address)
}

var errHere = care.Refusef(care.Conflict, "This practice's mail system makes its mailboxes by itself and needs no accounts file.").In("accounts")

// AddAccounts takes in a further accounts file: its mailboxes, logins for mailboxes that are known, and where the mail system
// is from now on.
func (r *Registrar) AddAccounts(_ context.Context, file []byte) error {
	if r.system.pool == nil {
		return errHere
	}
	f, err := accounts.Read(file)
	if err != nil {
		return err
	}
	if err := r.system.pool.Add(f); err != nil {
		return err
	}
	r.Kick() // somebody may wait for a login
	return nil
}

// LoginEnded notes that somebody has ended a login at the mail system elsewhere.
func (r *Registrar) LoginEnded(_ context.Context, login string) error {
	switch {
	case r.system.pool == nil:
		return errHere
	case r.LoginInUse(login):
		return care.Refusef(care.Conflict, "Somebody who is still with the practice uses this login too. It ends with the last of them.")
	}
	return r.system.pool.Ended(login)
}

// MoveGateway makes the gateway on this computer serve at another host and other ports. Logins that are made from then on name
// these, and the directory does, so that who has one from before goes on there; until they do, the gateway serves at the old
// ports and under the old names too, as long as this computer has them: the last three of each.
func (r *Registrar) MoveGateway(ctx context.Context, m MailChoice) error {
	if r.system.here == nil {
		return care.Refusef(care.Conflict, "The mail system of this practice is not the gateway on this computer, so it cannot be moved here.").In("host")
	}
	o, err := gateway.Serving(m.Host, m.IMAPPort, m.SMTPPort)
	if err != nil {
		return err
	}
	if err := r.system.here.move(ctx, o); err != nil {
		return err
	}
	r.Kick()
	return nil
}
