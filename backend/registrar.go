package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/record/documents"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/strength"
	"postern/backend/trust/vault"
)

// Founding is what is needed to make a practice.
type Founding struct {
	Practice       care.Practice // Name, FrontDesk, NurseLine, Calendar and Policy
	Mail           MailChoice
	RootPassphrase string // of the file with the root key
	Name           string // of the first administrator
	Label          string // in the chooser
	Passphrase     string
}

// Founded is what Found made.
type Founded struct {
	Profile  string
	RootFile string // path of the file with the root key: to be taken away
	RootCode string // a recovery code for it, told once
}

// Found makes a practice over the mail system that was chosen, and the profile of its first administrator, which holds the
// registrar: the one that signs the practice's documents. After an error nothing of it is left but mailboxes that are empty.
func (b *Backend) Found(ctx context.Context, f Founding) (_ Founded, err error) {
	switch {
	case f.Name == "":
		return Founded{}, care.Refusef(care.Invalid, "Type your name.").In("name")
	case f.Label == "":
		return Founded{}, care.Refusef(care.Invalid, "Give the profile a name, so that you find it when you sign in.").In("label")
	case f.RootPassphrase == f.Passphrase:
		return Founded{}, care.Refusef(care.Invalid, "The root key needs a passphrase of its own.").In("rootpassphrase")
	}
	if err := strength.Check(f.Passphrase, f.Label, f.Name, f.Practice.Name); err != nil {
		return Founded{}, err
	}
	if err := strength.Check(f.RootPassphrase, f.Name, f.Practice.Name); err != nil {
		var refusal *care.Error
		if errors.As(err, &refusal) {
			err = refusal.In("rootpassphrase")
		}
		return Founded{}, err
	}
	id := care.NewID("pf")
	dir := filepath.Join(ProfilesDir(b.data), id)
	defer b.forgetGateway(&err, false)()
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	key := enrol.NewPassword()
	mail, err := b.makeSystem(ctx, dir, key, f.Mail)
	if err != nil {
		return Founded{}, err
	}
	defer func() { err = errors.Join(err, mail.stop()) }()
	reg, err := enrol.New(ctx, enrol.Options{Dir: dir, Passphrase: key, Root: f.RootPassphrase, Accounts: mail.Accounts, Now: b.now, Params: b.params}, f.Practice)
	if err != nil {
		return Founded{}, err
	}
	defer reg.Close()
	admin, err := reg.AddPerson(ctx, care.Person{Name: f.Name, Role: care.RoleAdministrator}, nil)
	if err != nil {
		return Founded{}, err
	}
	if err := MakeProfile(ctx, reg, dir, admin.ID, f.Label, f.Passphrase); err != nil {
		return Founded{}, err
	}
	if err := GiveRegistrar(dir, f.Passphrase, key); err != nil {
		return Founded{}, err
	}
	root := enrol.RootFile(dir)
	code, err := vault.NewCodeFor(root, f.RootPassphrase)
	if err != nil {
		return Founded{}, err
	}
	return Founded{Profile: id, RootFile: root, RootCode: code.Text()}, nil
}

// RootFile is where the practice's root key lies that Found made with this profile, until it is taken away.
func (b *Backend) RootFile(profile string) (path string, err error) {
	dir, err := b.profileDir(profile)
	if err != nil {
		return "", err
	}
	return enrol.RootFile(dir), nil
}

// Registrar makes the practice's documents on the one computer that does, admits who answers an invitation, and mails what
// somebody lacks as long as the profile that holds it is open.
type Registrar struct {
	*enrol.Registrar

	db     *store.DB
	kept   *documents.Documents
	login  care.MailLogin
	log    *slog.Logger
	system *system
	me     care.PersonID // whose profile it is in
	device care.KeyID
	now    func() time.Time
	kick   chan struct{}

	mu      sync.Mutex
	problem error // why what is pending is not mailed
}

// openRegistrar opens the registrar of a profile that holds one, with the practice's mail system.
func openRegistrar(ctx context.Context, p *Profile, s vault.Secrets, open systemOpener) (*Registrar, error) {
	mail, err := open(ctx, p.dir, s.Registrar)
	if err != nil {
		return nil, err
	}
	known := func() (*directory.Book, error) {
		if !p.replica.Learnt() {
			return nil, care.Refusef(care.Unavailable, "This profile was put back from a backup. Postern first reads in the practice's mailbox what was changed since. Try again in a few minutes.")
		}
		return p.facts.book(), nil
	}
	reg, err := enrol.Open(enrol.Options{Dir: p.dir, Passphrase: s.Registrar, Accounts: mail.Accounts, Now: p.now, Known: known})
	if err != nil {
		return nil, errors.Join(err, mail.stop())
	}
	return &Registrar{Registrar: reg, db: p.db, kept: documents.New(p.db), login: s.Logins[0],
		me: p.me.ID, device: signer{key: p.device}.Key(), now: p.now, log: p.log, system: mail, kick: make(chan struct{}, 1)}, nil
}

func (r *Registrar) close() error {
	r.Registrar.Close()
	return r.system.stop()
}

// Came says that answers were stored; Kick that something was changed which others are to know.
func (r *Registrar) Came() { r.Kick() }

// looked mails every document again if one is not there that was mailed to a mailbox: the mail system has lost it, and the others
// may lack what this one has.
func (r *Registrar) looked(mailbox care.MailboxID, documents map[string]bool) error {
	if !r.Lost(mailbox, documents) {
		return nil
	}
	err := r.Republish()
	if care.KindOf(err) == care.Conflict { // another copy of it signs, and mails
		return nil
	}
	r.Kick()
	return err
}

// Kick is as Came.
func (r *Registrar) Kick() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Problem is why what is pending is not mailed; nil if it is, or nothing was tried yet.
func (r *Registrar) Problem() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// again is how often what could not be done is tried again.
const again = time.Minute

// run admits and mails until the context ends.
func (r *Registrar) run(ctx context.Context) error {
	every := time.NewTicker(again)
	defer every.Stop()
	for {
		silent := r.serve(ctx)
		err := r.Fit()
		if err == nil {
			err = errors.Join(r.tell(), r.admit(ctx), r.EndProxies(ctx), r.publish(ctx), r.EndLogins(ctx))
		}
		err = errors.Join(silent, err)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("what the practice has to say could not all be done", "err", err)
		}
		r.mu.Lock()
		r.problem = err
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.kick:
		case <-every.C:
		}
	}
}

// serve runs the gateway on this computer, if it is the practice's mail system.
func (r *Registrar) serve(ctx context.Context) error {
	if r.system.here == nil {
		return nil
	}
	return r.system.here.serve(ctx)
}

// admit deals with every answer that is stored. One that was dealt with before changes nothing.
func (r *Registrar) admit(ctx context.Context) error {
	var all []documents.Document
	err := r.db.Read(ctx, func(tx *sql.Tx) (err error) {
		all, err = r.kept.Of(ctx, tx, directory.KindAnswer)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range all {
		if err := r.Admit(ctx, directory.Document(d)); err != nil {
			errs = append(errs, fmt.Errorf("take in who answered: %w", err))
		}
	}
	return errors.Join(errs...)
}

// publish mails what others lack, by the way that reaches the mail system from here.
func (r *Registrar) publish(ctx context.Context) error {
	pending := r.Pending()
	if len(pending) == 0 {
		return nil
	}
	places, err := r.places()
	if err != nil {
		return err
	}
	return mailAll(ctx, r.Registrar, pending, places...)
}
