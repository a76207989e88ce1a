package backend

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/strength"
	"postern/backend/trust/vault"
)

// Enrolment is what somebody typed who enrols.
type Enrolment struct {
	File       []byte
	Code       string
	Born       string // ISO 8601; of staff, ""
	Label      string // in the chooser
	Passphrase string
}

// EnrolStep is how far an enrolment is.
type EnrolStep string

// The steps, in their order.
const (
	EnrolSending EnrolStep = "sending" // the answer to the invitation is being handed over
	EnrolWaiting EnrolStep = "waiting" // the practice has to take it in
	EnrolDone    EnrolStep = "done"    // Enter may be called
)

// Enrolling is how an enrolment stands.
type Enrolling struct {
	Step    EnrolStep
	Problem string // a sentence; it goes on by itself when it can
	Over    bool   // it cannot go on, Problem says why; the profile is gone
}

// OpenInvitation opens an invitation with its code, as enrol.OpenInvitation. Nothing is sent. One that expired more than a
// day ago is care.Gone: this computer's clock may be wrong, and the practice goes by its own.
func (b *Backend) OpenInvitation(file []byte, code string) (*enrol.Invitation, error) {
	i, err := enrol.OpenInvitation(file, code)
	if err != nil {
		return nil, err
	}
	return i, i.CheckTime(b.now())
}

// Enrol makes a profile that answers an invitation, and goes on in the background until the practice has taken it in, also
// after the next start once somebody has signed in to it. Whatever is refused is refused before anything is made or sent.
func (b *Backend) Enrol(e Enrolment) (id string, err error) {
	i, err := b.OpenInvitation(e.File, e.Code)
	if err != nil {
		return "", err
	}
	if err := i.CheckBorn(e.Born); err != nil {
		return "", err
	}
	if e.Label == "" {
		return "", care.Refusef(care.Invalid, "Give the profile a name, so that you find it when you sign in.").In("label")
	}
	if err := strength.Check(e.Passphrase, e.Label, i.Clinic, i.Name); err != nil {
		return "", err
	}
	answer, secrets, err := i.Answer(b.now())
	if err != nil {
		return "", err
	}
	defer secrets.Wipe()
	secrets.Enrolling = &vault.Enrolling{Invitation: i.ID, Clinic: i.Clinic, FrontDesk: i.FrontDesk, To: i.To, ToKey: i.ToKey,
		Answer: answer.Bytes, Signature: answer.Signature}
	id = care.NewID("pf")
	dir := filepath.Join(ProfilesDir(b.data), id)
	if err := vault.CreateWith(b.params, dir, e.Label, e.Passphrase, secrets); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	v, err := vault.Open(dir, e.Passphrase)
	if err != nil {
		return "", err
	}
	return id, b.goOn(id, dir, v)
}

// enrolment is a profile that waits to be taken in. It holds the profile's vault, open.
type enrolment struct {
	dir    string
	log    *slog.Logger
	now    func() time.Time
	v      *vault.Vault
	what   vault.Enrolling
	login  care.MailLogin
	ring   *seal.Ring // the device's own key
	device care.KeyID
	pin    directory.Pin
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	state Enrolling
}

// goOn goes on with the enrolment of the profile whose vault is open, and takes the vault over.
func (b *Backend) goOn(id, dir string, v *vault.Vault) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.enrolments[id] != nil {
		v.Close()
		return nil
	}
	s := v.Secrets()
	defer s.Wipe()
	own, err := seal.ParseSecret(s.DeviceSecret)
	if err != nil {
		v.Close()
		return care.Because(care.Corrupt, err, "The keys of this profile are damaged. Ask the clinic for a new invitation.")
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &enrolment{dir: dir, log: b.log.With("profile", id), now: b.now, v: v, what: *s.Enrolling, login: s.Logins[0],
		ring: seal.NewRing(own), device: signer{key: s.Device}.Key(), pin: directory.Pin{Practice: s.Practice, Root: s.Root},
		cancel: cancel, ended: make(chan struct{}), state: Enrolling{Step: EnrolSending}}
	b.enrolments[id] = e
	go func() {
		defer close(e.ended)
		e.run(ctx)
	}()
	return nil
}

// Enrolling says how the enrolment of a profile stands. care.NotFound: none is under way here.
func (b *Backend) Enrolling(id string) (Enrolling, error) {
	e, err := b.enrolment(id)
	if err != nil {
		return Enrolling{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state, nil
}

func (b *Backend) enrolment(id string) (*enrolment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.enrolments[id]; e != nil {
		return e, nil
	}
	return nil, care.Refusef(care.NotFound, "No enrolment is under way for this profile.")
}

// EnrolmentSheet makes the recovery code of a profile that is being enrolled, and ends the one before.
func (b *Backend) EnrolmentSheet(id string) (string, error) {
	e, err := b.enrolment(id)
	if err != nil {
		return "", err
	}
	code, err := e.v.NewCode()
	if err != nil {
		return "", err
	}
	return code.Text(), nil
}

// Enter signs in to a profile that was taken in just now, once, without its passphrase: it was typed a moment ago.
func (b *Backend) Enter(ctx context.Context, id string) (*Profile, error) {
	e, err := b.enrolment(id)
	if err != nil {
		return nil, err
	}
	if now, err := b.Enrolling(id); err != nil || now.Step != EnrolDone {
		return nil, errors.Join(err, care.Refusef(care.Unfinished, "%s has not taken this profile in yet.", e.what.Clinic))
	}
	<-e.ended
	p, err := b.enter(ctx, id, e.dir, e.v, true)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	delete(b.enrolments, id)
	b.mu.Unlock()
	e.v.Close()
	return p, nil
}

// endEnrolments stops those that are under way; they go on after the next sign-in.
func (b *Backend) endEnrolments() {
	b.mu.Lock()
	all := b.enrolments
	b.enrolments = map[string]*enrolment{}
	b.mu.Unlock()
	for _, e := range all {
		e.cancel()
		<-e.ended
		e.v.Close()
	}
}

func (e *enrolment) set(change func(*Enrolling)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.state)
}

func (e *enrolment) run(ctx context.Context) {
	for try := 1; ; try++ {
		err := e.send(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		e.log.Warn("the answer to an invitation was not handed over", "err", err)
		e.set(func(s *Enrolling) { s.Problem = care.SentenceOf(err) })
		pause := time.NewTimer(rand.N(time.Second) + min(time.Minute, time.Second<<min(try, 6)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
	e.set(func(s *Enrolling) { s.Step, s.Problem = EnrolWaiting, "" })
	f := &fetch.Fetcher{Login: e.login, Sink: &grantSink{e: e, seen: map[seenLetter]bool{}}, Now: e.now, Log: e.log}
	if err := f.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		e.log.Error("stopped", "what", "enrolment", "err", err)
	}
}

// send hands the answer over. Sent twice it is one answer.
func (e *enrolment) send(ctx context.Context) error {
	s, err := submit.Dial(ctx, e.login)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the letter's fate is its own answer
	answer := directory.Document{Kind: directory.KindAnswer, Bytes: e.what.Answer, Signature: e.what.Signature}
	return mailDocument(ctx, s, e.login.Address, e.what.To, e.what.ToKey, answer)
}

// take puts a grant to use: the profile is what it says from then on.
func (e *enrolment) take(ctx context.Context, g *directory.Grant, book *directory.Book) error {
	if g.Refused != "" {
		over := enrol.Over(g.Refused)
		// Nobody ever had anything in this profile: its keys are worth nothing, and the chooser would offer it for ever.
		if err := os.RemoveAll(e.dir); err != nil {
			e.log.Warn("a refused profile cannot be removed", "err", err)
		}
		e.set(func(s *Enrolling) { s.Over, s.Problem = true, care.SentenceOf(over) })
		e.cancel()
		return nil
	}
	s := e.v.Secrets()
	defer s.Wipe()
	s.Enrolling = nil
	s.Person, s.Patient, s.Logins = g.Person, g.Patient, g.Logins
	for i := range s.Mailboxes { // a member's own, whose key was made here
		if box, known := book.Mailbox(s.Mailboxes[i].Mailbox); known {
			s.Mailboxes[i].Generation = box.Generation
		}
	}
	for _, m := range g.Mailboxes {
		s.Mailboxes = append(s.Mailboxes, vault.MailboxSecret(m))
	}
	// The documents first: a profile that is taken in knows its practice.
	if err := keepDocuments(ctx, e.dir, s.Store, book.Documents()); err != nil {
		return err
	}
	if err := e.v.Save(s); err != nil {
		return err
	}
	e.set(func(s *Enrolling) { s.Step, s.Problem = EnrolDone, "" })
	e.cancel()
	return nil
}

// grantSink looks through a mailbox for the one letter that grants what was asked for. It keeps nothing else.
type grantSink struct {
	e    *enrolment
	seen map[seenLetter]bool
}

type seenLetter struct {
	folder        string
	validity, uid uint32
}

func (g *grantSink) Known(_ context.Context, folder string, validity, _ uint32) (func(uint32) bool, error) {
	return func(uid uint32) bool { return g.seen[seenLetter{folder, validity, uid}] }, nil
}

func (g *grantSink) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	b := &grantBatch{sink: g, letters: letters}
	for _, l := range letters {
		payload, err := letter.Read(l.Message)
		if err != nil {
			continue // others' and strangers' letters: the profile's replica will say what they are
		}
		c, err := g.e.ring.Open(payload)
		if err != nil {
			continue
		}
		d, err := directory.Parse(c)
		if err != nil || d.Kind != directory.KindGrant {
			continue
		}
		grant, book, err := directory.OpenGrant(g.e.pin, d)
		switch {
		case err != nil:
			g.e.log.Warn("a grant that does not hold", "err", err)
		case grant.Device == g.e.device && grant.Invitation == g.e.what.Invitation && (b.grant == nil || b.grant.Refused != ""):
			b.grant, b.book = grant, book
		}
	}
	return b, nil
}

func (g *grantSink) Progress(int, int) {}

func (g *grantSink) UpToDate(time.Time) { g.e.set(func(s *Enrolling) { s.Problem = "" }) }

func (g *grantSink) Problem(err error) {
	g.e.set(func(s *Enrolling) { s.Problem = care.SentenceOf(err) })
}

type grantBatch struct {
	sink    *grantSink
	letters []fetch.Letter
	grant   *directory.Grant
	book    *directory.Book
}

func (b *grantBatch) Store(ctx context.Context) error {
	if b.grant != nil {
		if err := b.sink.e.take(ctx, b.grant, b.book); err != nil {
			return err
		}
	}
	for _, l := range b.letters {
		b.sink.seen[seenLetter{l.Folder, l.Validity, l.UID}] = true
	}
	return nil
}
