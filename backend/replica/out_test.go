package replica

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/record/outbox"
	"postern/backend/trust/directory"
)

// scripted is a mail system that answers as the test says: one answer a letter, at RCPT or after DATA; nil takes it.
type scripted struct {
	mu       sync.Mutex
	rcpt     []*smtp.SMTPError
	data     []*smtp.SMTPError
	password error
	asked    int // sign-ins
	taken    []string
}

func (s *scripted) next(from *[]*smtp.SMTPError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(*from) == 0 {
		return nil
	}
	answer := (*from)[0]
	*from = (*from)[1:]
	if answer == nil {
		return nil
	}
	return answer
}

func (s *scripted) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

type session struct {
	s  *scripted
	to string
}

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(string, string, string) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.asked++
		return c.s.password
	}), nil
}
func (c *session) Reset()                               {}
func (c *session) Logout() error                        { return nil }
func (c *session) Mail(string, *smtp.MailOptions) error { return nil }
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = to
	return c.s.next(&c.s.rcpt)
}
func (c *session) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if err := c.s.next(&c.s.data); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.taken = append(c.s.taken, c.to)
	return nil
}

// author is the room that makes facts, with none to make.
type author struct {
	mu     sync.Mutex
	failed []string
}

func (*author) Ready(context.Context) ([]string, time.Time, error)     { return nil, time.Time{}, nil }
func (*author) Promote(context.Context, string) error                  { return nil }
func (*author) StillMeant(context.Context, care.EventID) (bool, error) { return true, nil }
func (a *author) DeliveryFailed(_ context.Context, _ care.ThreadID, _ care.EventID, _ care.MailboxID, reason string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = append(a.failed, reason)
	return nil
}

// outgoing is a replica with a thread's two events to mail to its office, and the mail system that takes them.
func outgoing(t *testing.T, s *scripted) (*Replica, *author, *clock) {
	t.Helper()
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), sources[box], w.letters(box, talk...)))
	now := &clock{at: time.Now()}
	a := &author{}
	r.Author, r.Now, r.ResealAfter = a, now.now, time.Hour
	server := smtp.NewServer(s)
	server.AllowInsecureAuth, server.Domain = true, "mail.test"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) }) // it ends with the test
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close() // the server closes it only if it has begun to serve
		served.Wait()
	})
	r.Logins = []care.MailLogin{{User: "u", Password: "p", Address: "u@mail.test",
		SMTP: care.Endpoint{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: care.TLSNone}}}
	r.states, r.pulled, r.fetchers = r.states[:1], r.pulled[:1], r.fetchers[:1] // as for that one
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		entries, err := r.Journal.Thread(t.Context(), tx, thread)
		for _, e := range entries {
			if err := r.Outbox.Add(t.Context(), tx, outbox.Letter{Event: e.ID, Mailbox: box, Thread: thread, Added: now.at}); err != nil {
				return err
			}
		}
		return err
	}))
	return r, a, now
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// states are those of all letters in the order in which they were queued.
func states(t *testing.T, r *Replica) (all []string) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(t.Context(), "SELECT state || CASE gone WHEN 1 THEN ' perhaps gone' ELSE '' END FROM letter ORDER BY no")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Err()
	}))
	return all
}

func wants(t *testing.T, r *Replica, want ...string) {
	t.Helper()
	if got := states(t, r); !slices.Equal(got, want) {
		t.Errorf("letters are %q, want %q", got, want)
	}
}

// A letter that is refused for now waits, and those behind it wait with it; after a pause both go, in order.
func TestRefusedForNow(t *testing.T) {
	s := &scripted{rcpt: []*smtp.SMTPError{{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}}}
	r, a, now := outgoing(t, s)
	must(t, r.Settle(t.Context()))
	wants(t, r, outbox.Waiting, outbox.Waiting)
	now.later(10 * time.Minute)
	must(t, r.Settle(t.Context()))
	wants(t, r, outbox.Handed, outbox.Handed)
	if len(s.taken) != 2 || len(a.failed) != 0 {
		t.Errorf("taken %v, failed %v", s.taken, a.failed)
	}
}

// A letter that is refused for good is said to be, in its conversation, and does not hold up what comes behind it.
func TestRefusedForGood(t *testing.T) {
	s := &scripted{rcpt: []*smtp.SMTPError{{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}}}
	r, a, _ := outgoing(t, s)
	must(t, r.Settle(t.Context()))
	wants(t, r, outbox.Failed, outbox.Handed)
	if len(a.failed) != 1 || !strings.Contains(a.failed[0], "no such user") {
		t.Errorf("its conversation is told %q", a.failed)
	}
}

// A server that closes after the letter was sent may have it: it is sent again, the same event.
func TestConnectionBreaksAfterData(t *testing.T) {
	s := &scripted{data: []*smtp.SMTPError{{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "shutting down"}}}
	r, _, now := outgoing(t, s)
	_ = r.Settle(t.Context()) // whether it is an error is the library's matter; the letters are ours
	for _, state := range states(t, r) {
		if !strings.HasPrefix(state, outbox.Waiting) {
			t.Errorf("a letter is %s", state)
		}
	}
	now.later(10 * time.Minute)
	must(t, r.Settle(t.Context()))
	for _, state := range states(t, r) {
		if !strings.HasPrefix(state, outbox.Handed) {
			t.Errorf("a letter is %s", state)
		}
	}
}

// A mailbox that the clinic's list does not name yet is waited for; nothing is refused.
func TestMailboxNotKnownYet(t *testing.T) {
	s := &scripted{}
	r, a, _ := outgoing(t, s)
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE letter SET mailbox = ?", string(care.NewID("mb")))
		return err
	}))
	must(t, r.Settle(t.Context()))
	wants(t, r, outbox.Waiting, outbox.Waiting)
	if len(s.taken)+len(a.failed) != 0 {
		t.Errorf("taken %v, failed %v", s.taken, a.failed)
	}
}

// A refused password is told in a sentence, and is not tried again by what is typed meanwhile: a server that is asked at
// typing speed locks the whole clinic out.
func TestRefusedPasswordIsNotHammered(t *testing.T) {
	s := &scripted{password: &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no"}}
	r, _, _ := outgoing(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = r.submitting(ctx) })
	asked := func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.asked }
	waits(t, func() bool { return r.State().Problem != "" })
	before := asked()
	for range 50 {
		r.Kick()
	}
	r.Nudge() // a person asks: once more
	waits(t, func() bool { return asked() > before })
	if n := asked() - before; n > 1 {
		t.Errorf("%d further sign-ins", n)
	}
	cancel()
	done.Wait()
	if st := r.State(); st.Phase != care.SyncRefused {
		t.Errorf("phase %v, %q", st.Phase, st.Problem)
	}
	wants(t, r, outbox.Waiting, outbox.Waiting)
}

// waits asks again until the answer is yes.
func waits(t *testing.T, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !yes(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
		runtime.Gosched()
	}
}

// A rest goes on through what is typed; its time, and who asks, end it.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Replica{Books: NewBooks(directory.NewBook(directory.Pin{}))}
		r.init()
		begin := time.Now()
		over := make(chan time.Duration, 1)
		rest := func() { rest(t.Context(), r.again, time.Minute); over <- time.Since(begin) }
		go rest()
		r.Kick()
		synctest.Wait()
		if len(over) != 0 {
			t.Error("a kick ended it")
		}
		if d := <-over; d != time.Minute {
			t.Errorf("it took %s", d)
		}
		go rest()
		r.Nudge()
		if d := <-over; d != time.Minute {
			t.Errorf("who asks waited until %s", d)
		}
	})
}

// Who works offline sends and fetches nothing, whoever asks; online again, what waited goes out at once.
func TestWorkingOffline(t *testing.T) {
	s := &scripted{}
	r, _, _ := outgoing(t, s)
	r.SetOffline(true)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = r.Run(ctx) })
	waits(t, r.running.Load)
	r.Nudge()
	r.Kick()
	if err := r.Settle(ctx); care.KindOf(err) != care.Unavailable {
		t.Errorf("settled: %v", err)
	}
	if err := r.Pull(ctx); care.KindOf(err) != care.Unavailable {
		t.Errorf("pulled: %v", err)
	}
	if st := r.State(); st.Phase != care.SyncOffline || !st.Chosen || st.Problem != "" {
		t.Errorf("the state is %+v", st)
	}
	wants(t, r, outbox.Waiting, outbox.Waiting)
	asked := func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.asked }
	if asked() != 0 {
		t.Error("the mail system was asked")
	}
	r.SetOffline(false)
	waits(t, func() bool { return asked() > 0 })
	if st := r.State(); st.Chosen {
		t.Errorf("the state is %+v", st)
	}
	cancel()
	done.Wait()
}

// Who parts waits no longer than they were told, though somebody else submits at that moment.
func TestPartingDoesNotWaitForAnother(t *testing.T) {
	r, _, _ := outgoing(t, &scripted{})
	r.sending <- struct{}{} // somebody submits, and does not come to an end
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Submit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("submitted: %v", err)
	}
}

// After a sleep the connection is dead and nobody has noticed: a mailbox counts as read only for a while.
func TestInStepGrowsOld(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	now := &clock{at: time.Now()}
	r.Now = now.now
	for _, s := range sources {
		s.UpToDate(now.now())
	}
	if !r.InStep() {
		t.Error("not in step though all was just read")
	}
	now.later(8 * time.Hour)
	if r.InStep() {
		t.Error("in step after a night's sleep")
	}
}
