package replica

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/record/outbox"
)

const (
	// grace is how long a letter that is being handed over may take to its end once there is to be no more.
	grace = 2 * time.Second
	// held is how many bytes of letters are kept in memory for it; the others wait for the next sign-in.
	held = 64 << 20
)

// Onward hands over what a profile that is closed had sealed. It has letters, where they go and the login that submits,
// and nothing that reads or signs. What becomes of them it says to Keep alone, so that the profile learns of it when it
// is opened again.
type Onward struct {
	// Keep keeps, on the disk before it returns, what is known of the letters that were tried. Each call replaces what the
	// one before said.
	Keep func([]Outcome) error

	login   care.MailLogin   // without how mail is read
	places  []care.MailLogin // the same, where it can be connected
	now     func() time.Time
	log     *slog.Logger
	again   chan struct{}
	sending chan struct{} // holds one token while somebody submits, who alone touches the letters
	letters []*sealed
	left    atomic.Int64
}

// Outcome is what became of one letter.
type Outcome struct {
	Event   care.EventID   `json:"event"`
	Mailbox care.MailboxID `json:"mailbox"`
	Fate    Fate           `json:"fate"`
	Words   string         `json:"words,omitempty"` // the mail system's
}

// sealed is one letter that is still to be handed over, or an outcome.
type sealed struct {
	Outcome // no fate: not tried
	bytes   []byte
	to      string // the mailbox's address
	queue   int    // letters of one queue are handed over in their order
	next    time.Time
	tries   int
	gone    bool // a try had no end
}

func (l *sealed) over() bool { return l.bytes == nil }

// Onward seals what the outbox still has to hand over and gives what goes on with it; nil where there is nothing. The
// replica must not run any more.
//
// A claim that nobody has yet stays: whether a colleague was first can only be seen with the mailbox open. So does what
// is queued behind it, and what is held or waits for its author's decision, since that is no letter yet.
func (r *Replica) Onward(ctx context.Context) (*Onward, error) {
	r.init()
	login, any := r.submitter()
	if !any || r.Offline() || r.dismissed.Load() {
		return nil, nil
	}
	var waiting []outbox.Letter
	if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		waiting, err = r.Outbox.Left(ctx, tx)
		return err
	}); err != nil {
		return nil, err
	}
	places := r.places(login)
	for i := range places {
		places[i].IMAP, places[i].Mailbox = care.Endpoint{}, ""
	}
	login = places[0]
	o := &Onward{login: login, places: places, now: r.Now, log: r.Log, again: make(chan struct{}, 1), sending: make(chan struct{}, 1)}
	type line struct {
		thread  care.ThreadID
		mailbox care.MailboxID
	}
	queues, stuck, size := map[line]int{}, map[line]bool{}, 0
	for i := range waiting {
		l := &waiting[i]
		at := line{l.Thread, l.Mailbox}
		if stuck[at] {
			continue
		}
		to, known := r.Books.Book().Mailbox(l.Mailbox)
		claim, err := r.claim(ctx, l)
		if err == nil && known && !claim {
			if err = r.ready(ctx, l, to.Key); err == nil {
				_, err = written(login.Address, to.Address, r.Now(), l.Sealed)
			}
		}
		if err != nil {
			r.Log.Error("cannot make a letter ready to go on", "event", l.Event, "mailbox", l.Mailbox, "err", err)
		}
		if size += len(l.Sealed); err != nil || !known || claim || size > held {
			stuck[at] = true
			continue
		}
		if _, ok := queues[at]; !ok {
			queues[at] = len(queues)
		}
		o.letters = append(o.letters, &sealed{Outcome: Outcome{Event: l.Event, Mailbox: l.Mailbox}, bytes: l.Sealed, to: to.Address,
			queue: queues[at], next: l.Next, tries: l.Tries, gone: l.Gone || l.State == outbox.Submitting})
	}
	if len(o.letters) == 0 {
		return nil, nil
	}
	o.left.Store(int64(len(o.letters)))
	return o, nil
}

// claim reports whether a letter is a claim or assignment that cannot have left this computer.
func (r *Replica) claim(ctx context.Context, l *outbox.Letter) (is bool, err error) {
	if l.Gone || l.State == outbox.Submitting {
		return false, nil
	}
	err = r.DB.Read(ctx, func(tx *sql.Tx) error {
		e, ok, err := r.Journal.Event(ctx, tx, l.Event)
		is = ok && e.Event != nil && e.Event.Kind == event.Owner
		return err
	})
	return is, err
}

// Over gives the letters that the mail system has or has refused for good. Where one is being handed over until the context ends, that is not
// waited for, and none is given.
func (o *Onward) Over(ctx context.Context) (all []Outcome) {
	select {
	case o.sending <- struct{}{}:
	default:
		select {
		case o.sending <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
	}
	defer func() { <-o.sending }()
	for _, l := range o.letters {
		if l.over() {
			all = append(all, l.Outcome)
		}
	}
	return all
}

// Left is how many letters are still to be handed over.
func (o *Onward) Left() int { return int(o.left.Load()) }

// Run tries again and again until none is left or the context ends. A letter that is being handed over then is given a
// moment to its end.
func (o *Onward) Run(ctx context.Context) {
	for tries := 0; ctx.Err() == nil && o.Left() > 0; {
		err := o.Submit(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			o.log.Info("sending while locked broke off", "err", err)
			tries++
			rest(ctx, o.again, pause(tries, err))
		default:
			tries = 0
			if next, ok := o.next(ctx); ok {
				rest(ctx, o.again, max(time.Millisecond, next.Sub(o.now())))
			}
		}
	}
}

// Submit connects, where a letter is due, and hands over all that are, in order. An error says why it stopped.
func (o *Onward) Submit(ctx context.Context) error {
	select {
	case o.sending <- struct{}{}:
		defer func() { <-o.sending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if l, _ := o.due(); l == nil {
		return nil
	}
	s, _, err := submit.DialFirst(ctx, o.places...)
	if err != nil {
		return fmt.Errorf("connect for submission: %w", err)
	}
	defer func() { _ = s.Close() }() // the letters' fate is known by their own answers
	for ctx.Err() == nil {
		l, _ := o.due()
		if l == nil {
			break
		}
		if err := o.send(ctx, s, l); err != nil {
			return err
		}
	}
	if o.Left() == 0 {
		select {
		case o.again <- struct{}{}: // whoever rests learns that it is over
		default:
		}
	}
	return ctx.Err()
}

// next is when a letter will be due.
func (o *Onward) next(ctx context.Context) (at time.Time, ok bool) {
	select {
	case o.sending <- struct{}{}:
		defer func() { <-o.sending }()
	case <-ctx.Done():
		return at, false
	}
	l, at := o.due()
	return at, l == nil && !at.IsZero()
}

// due gives the first letter to submit now, or says when there will be one. As in the outbox, a letter that waits holds
// back those behind it, and one that waits for longer than any pause lasts was put off by a clock that has been set back.
func (o *Onward) due() (*sealed, time.Time) {
	at := o.now()
	var next time.Time
	waits := map[int]bool{}
	for _, l := range o.letters {
		if l.over() || waits[l.queue] {
			continue
		}
		if !l.next.After(at) || l.next.Sub(at) > 2*longest {
			return l, at
		}
		waits[l.queue] = true
		if next.IsZero() || l.next.Before(next) {
			next = l.next
		}
	}
	return nil, next
}

// send hands one letter over. That it is tried is kept before, and its fate after it: who is killed between the two sends
// it again, and knows that it may be there already.
func (o *Onward) send(ctx context.Context, s *submit.Session, l *sealed) error {
	message, err := written(o.login.Address, l.to, o.now(), l.bytes)
	if err != nil {
		return err
	}
	before := l.Outcome
	l.Fate, l.Words = Unknown, "Postern ended while it was sent"
	if err := o.keep(); err != nil {
		l.Outcome = before
		return fmt.Errorf("note that a letter is tried: %w", err)
	}
	whole, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, end) })()
	err = s.Send(whole, o.login.Address, l.to, message, letter.Envelope(l.bytes))
	fate, words := fateOf(err)
	l.tries++
	l.Fate, l.Words, l.next = fate, words, o.now().Add(backoff(l.tries))
	l.gone = l.gone || fate == Unknown
	switch {
	case fate == Handed || fate == Refused:
		clear(l.bytes)
		l.bytes = nil
		o.left.Add(-1)
	case l.gone:
		l.Fate = Unknown // it may be there from a try before, whatever the mail system says now
	}
	if err := o.keep(); err != nil {
		return fmt.Errorf("note what became of a letter: %w", err)
	}
	if fate == Unknown {
		return broke(err)
	}
	return nil
}

// keep keeps what is known of the letters that were tried.
func (o *Onward) keep() error {
	var all []Outcome
	for _, l := range o.letters {
		if l.Fate != "" {
			all = append(all, l.Outcome)
		}
	}
	return o.Keep(all)
}

// TakeIn takes into the outbox what became of letters while the profile was closed. What the outbox knows better by now
// stays as it is, so it may run twice.
func (r *Replica) TakeIn(ctx context.Context, outcomes []Outcome) error {
	type row struct {
		event   care.EventID
		mailbox care.MailboxID
	}
	waiting := map[row]outbox.Letter{}
	if err := r.DB.Read(ctx, func(tx *sql.Tx) error {
		left, err := r.Outbox.Left(ctx, tx)
		for _, l := range left {
			waiting[row{l.Event, l.Mailbox}] = l
		}
		return err
	}); err != nil {
		return err
	}
	for _, o := range outcomes {
		if l, ok := waiting[row{o.Event, o.Mailbox}]; ok && o.Fate == Refused {
			if err := r.announce(ctx, l, o.Words); err != nil {
				return err
			}
		}
	}
	return r.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, o := range outcomes {
			if _, ok := waiting[row{o.Event, o.Mailbox}]; !ok {
				continue
			}
			if err := r.takeIn(ctx, tx, o); err != nil {
				return fmt.Errorf("take in what became of a letter: %w", err)
			}
		}
		return nil
	})
}

func (r *Replica) takeIn(ctx context.Context, tx *sql.Tx, o Outcome) error {
	switch o.Fate {
	case Refused:
		return r.Outbox.Fail(ctx, tx, o.Event, o.Mailbox, o.Words)
	case PutOff:
		return r.Outbox.Retry(ctx, tx, o.Event, o.Mailbox, r.Now(), o.Words)
	}
	if err := r.Outbox.Submitting(ctx, tx, o.Event, o.Mailbox); err != nil {
		return err
	}
	if o.Fate == Handed {
		return r.Outbox.Handed(ctx, tx, o.Event, o.Mailbox)
	}
	return r.Outbox.Lost(ctx, tx, o.Event, o.Mailbox, r.Now(), o.Words)
}
