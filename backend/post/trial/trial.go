// Package trial tries a mail system out from end to end, with the same code that later sends and fetches: it submits a
// letter to a mailbox, finds it there, compares it and takes it away again. What failed it says in words for whoever sets the
// mail system up.
package trial

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postern/backend/care"
	"postern/backend/post/dial"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
)

// Step is one step, and why it failed; "": it worked.
type Step struct{ What, Problem string }

// Trial is what is tried.
type Trial struct {
	Login     care.MailLogin
	To        string // the mailbox that the login reads
	MayRemove bool   // the login may take letters away

	Arrival time.Duration // how long the letter may take; zero: 30 seconds
	Each    time.Duration // how long every other step may take; zero: 20 seconds
}

// Run goes through the steps, up to the first that fails. It ends with the context at the latest.
func (t Trial) Run(ctx context.Context) []Step {
	if t.Arrival == 0 {
		t.Arrival = 30 * time.Second
	}
	if t.Each == 0 {
		t.Each = 20 * time.Second
	}
	r := &run{Trial: t, known: map[place]bool{}}
	in, out := At(t.Login.IMAP), At(t.Login.SMTP)
	_ = r.step(ctx, "Connect to "+in+" for IMAP", r.connect) &&
		r.secured(ctx, "Trust the certificate of "+in, "Sign in at "+in) &&
		r.step(ctx, "Open the mailbox", r.look) &&
		r.step(ctx, "Submit a letter to "+out, r.submit) &&
		r.within(ctx, r.Arrival, "Find the letter in the mailbox, as it was sent", r.find) &&
		t.MayRemove && r.step(ctx, "Take the letter away again", r.remove)
	return r.steps
}

// At is an endpoint as people read it.
func At(e care.Endpoint) string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

type run struct {
	Trial
	steps   []Step
	known   map[place]bool // what was in the mailbox before
	payload []byte
	found   *fetch.Letter
}

type place struct {
	folder        string
	validity, uid uint32
}

// step does one thing in its time, and reports whether it worked.
func (r *run) step(ctx context.Context, what string, do func(context.Context) error) bool {
	return r.within(ctx, r.Each, what, do)
}

func (r *run) within(ctx context.Context, limit time.Duration, what string, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.done(what, late(ctx, limit, do(ctx)))
}

// late says of what the time cut off that it was the time: the connection was closed for it, and says so in other words.
func late(ctx context.Context, limit time.Duration, err error) error {
	var said *care.Error
	if err == nil || ctx.Err() == nil || errors.As(err, &said) && said.Kind != care.Unavailable || errors.Is(err, errNotThere) {
		return err
	}
	return care.Because(care.Unavailable, err, fmt.Sprintf("The mail system did not answer within %d seconds. If it runs, a firewall may be in between.", int(limit.Seconds())))
}

func (r *run) done(what string, err error) bool {
	s := Step{What: what}
	if err != nil {
		s.Problem = Say(err)
	}
	r.steps = append(r.steps, s)
	return err == nil
}

// connect opens the connection alone: whether somebody listens.
func (r *run) connect(ctx context.Context) error {
	e := r.Login.IMAP
	if e.TLS == care.TLSImplicit {
		e.TLS = care.TLSStart // nothing is said before
	}
	c, err := dial.Open(ctx, e, r.Login.Roots)
	if err != nil {
		return err
	}
	return c.Close()
}

// secured signs in, and tells apart what came before that.
func (r *run) secured(ctx context.Context, trust, signIn string) bool {
	ctx, cancel := context.WithTimeout(ctx, r.Each)
	defer cancel()
	secured, err := fetch.Check(ctx, r.Login)
	err = late(ctx, r.Each, err)
	if err != nil && !secured {
		return r.done(trust, err)
	}
	return r.done(trust, nil) && r.done(signIn, err)
}

// look notes what is in the mailbox, and fetches nothing of it.
func (r *run) look(ctx context.Context) error {
	return (&fetch.Fetcher{Login: r.Login, Sink: &noting{r}}).Once(ctx)
}

func (r *run) submit(ctx context.Context) error {
	s, err := submit.Dial(ctx, r.Login)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the letter's fate is its own answer
	r.payload = newPayload()
	message, err := letter.Write(letter.Header{From: r.Login.Address, To: r.To, Date: time.Now(), Domain: letter.Domain(r.Login.Address)}, r.payload)
	if err != nil {
		return err
	}
	return s.Send(ctx, r.Login.Address, r.To, message, letter.Envelope(r.payload))
}

// newPayload is a letter that nobody can open: random bytes where the sealing would be, with every byte there is among them.
func newPayload() []byte {
	payload := make([]byte, 4, 4+4096)
	copy(payload, "PSTN")
	for i := range 256 {
		payload = append(payload, byte(i))
	}
	noise := make([]byte, 4096-256)
	_, _ = rand.Read(noise) // never fails: crypto/rand ends the program instead
	return append(payload, noise...)
}

func (r *run) find(ctx context.Context) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &finding{noting: noting{r}, cancel: cancel}
	err := (&fetch.Fetcher{Login: r.Login, Sink: s, Poll: time.Second, Round: 2 * time.Second}).Run(within)
	switch {
	case r.found != nil:
		return nil
	case ctx.Err() == nil:
		return err
	case s.changed:
		return errAltered
	case s.problem != nil:
		return s.problem
	}
	return care.Because(care.Unavailable, errNotThere, fmt.Sprintf("The mail system took the letter, and it did not arrive in the mailbox within %d seconds. Look into the mail system's queue and its log. If it always takes this long, messages arrive late.", int(r.Arrival.Seconds())))
}

var (
	errNotThere = errors.New("the letter did not arrive")
	errAltered  = care.Refusef(care.Corrupt, "The letter arrived, but not with the bytes with which it was sent: something on the way alters letters. Look for a filter, a disclaimer or a virus scanner that rewrites attachments, and leave letters of Postern out of it.")
)

func (r *run) remove(ctx context.Context) error {
	if err := fetch.Remove(ctx, r.Login, *r.found); err != nil {
		return care.Because(care.Forbidden, err, "The letter could not be taken away again: this login may not, or the mail system did not. It stays in the mailbox and does no harm.")
	}
	return nil
}

// noting is a sink that fetches nothing, and notes what is there.
type noting struct{ *run }

func (n *noting) Known(_ context.Context, folder string, validity, _ uint32) (func(uint32) bool, error) {
	return func(uid uint32) bool { n.known[place{folder, validity, uid}] = true; return true }, nil
}

func (*noting) Open(context.Context, []fetch.Letter) (fetch.Batch, error) { return batch{}, nil }
func (*noting) Progress(int, int)                                         {}
func (*noting) UpToDate(time.Time)                                        {}
func (*noting) Problem(error)                                             {}

type batch struct{ store func() }

func (b batch) Store(context.Context) error {
	if b.store != nil {
		b.store()
	}
	return nil
}

// finding is a sink that looks through what came since for the letter.
type finding struct {
	noting
	cancel  func()
	changed bool // a letter of ours came, and it is another
	problem error
}

func (f *finding) Known(_ context.Context, folder string, validity, _ uint32) (func(uint32) bool, error) {
	return func(uid uint32) bool { return f.known[place{folder, validity, uid}] }, nil
}

func (f *finding) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	return batch{func() {
		for _, l := range letters {
			f.known[place{l.Folder, l.Validity, l.UID}] = true
			payload, err := letter.Read(l.Message)
			switch {
			case err == nil && bytes.Equal(payload, f.payload):
				f.found = &fetch.Letter{Folder: l.Folder, Validity: l.Validity, UID: l.UID}
				f.cancel()
			case bytes.Contains(l.Message, []byte(letter.Envelope(f.payload))): // its Message-ID
				f.changed = true
			}
		}
	}}, nil
}

func (f *finding) Problem(err error)  { f.problem = err }
func (f *finding) UpToDate(time.Time) { f.problem = nil }

// Say is an error in words for whoever sets a mail system up: what happened, and where to look. The sentences of the other
// rooms end with what a member is told.
func Say(err error) string {
	what, _, _ := strings.Cut(care.SentenceOf(err), " "+dial.Kept)
	var (
		dns       *net.DNSError
		unknown   x509.UnknownAuthorityError
		otherName x509.HostnameError
		refused   *submit.Refused
	)
	where := ""
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		where = "Check how the name is spelled, and that this network knows it."
	case errors.Is(err, syscall.ECONNREFUSED):
		where = "Check the port, and that the mail system runs and listens for other computers."
	case errors.As(err, &unknown):
		where = "If the clinic has an authority of its own, its certificate belongs into the file that names the mail system, as \"roots\". If this was another network's doing, do not go on there."
	case errors.As(err, &otherName):
		where = "Name the mail system as its certificate does."
	case errors.As(err, &refused) && strings.HasPrefix(refused.Enhanced, "5.7."):
		where = "The login may not submit under its address: check \"from\" in the accounts file, or \"address\" in the agent's mail file, and what the mail system lets a login send."
	}
	if where == "" {
		return what
	}
	return fmt.Sprintf("%s %s", what, where)
}
