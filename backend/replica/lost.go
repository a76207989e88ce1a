package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// Absence deletes nothing here, so a mailbox that lost letters is worth less than the replicas that read it: whoever comes to it
// anew would not have them. The sign of it is that stored letters are there no more, one by one or because the mailbox begins
// anew. They may have been moved only, so all of it is read once and compared. What it lacks is put back: by who looks after it (the agent
// after those of the practice and its offices, a member after their own), and by the authors of what nobody else may have.

const (
	// lostFor is the age from which a letter that is not there was put away by somebody rather than lost.
	lostFor = 30 * 24 * time.Hour
	// lostBefore is how long before the first lost letter the others of its event may have been lost: they are submitted one
	// after the other, and the copy was made at one moment.
	lostBefore = 10 * time.Minute
	// daily is how often what a mailbox lacks is put back at most: each time all of it is read.
	daily = 24 * time.Hour
)

// Listed notes what of a folder is gone.
func (s *source) Listed(ctx context.Context, folder string, validity uint32, uids []uint32, dated func(uint32) (time.Time, error)) error {
	var gone journal.Gone
	err := s.r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		gone, err = s.r.Journal.Gone(ctx, tx, s.name(), folder, validity, uids)
		return err
	})
	if err == nil {
		gone, err = s.putAway(ctx, gone, uids, dated)
	}
	if err != nil {
		return err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if !gone.Any() {
		delete(s.r.gone[s.at], folder)
		return nil
	}
	if s.r.gone[s.at] == nil {
		s.r.gone[s.at] = map[string]journal.Gone{}
	}
	s.r.gone[s.at][folder] = gone
	select {
	case s.r.lost <- struct{}{}:
	default:
	}
	return nil
}

// putAway forgets letters that were put away, into the archive for one, and gives what else is gone. To look for them everywhere
// would be to read the whole mailbox each day on which the agent archives. Who looks after the mailbox does all the same, since what
// that puts back may be of any age, but for what it has moved itself. Of letters that are gone it is not known here when they came;
// what came after them, and is there, says so.
func (s *source) putAway(ctx context.Context, gone journal.Gone, there []uint32, dated func(uint32) (time.Time, error)) (journal.Gone, error) {
	if len(gone.UIDs) == 0 || gone.Anew || s.r.Keeps != nil && s.r.Keeps() {
		return gone, nil
	}
	there = slices.Sorted(slices.Values(there))
	since := s.r.Now().Add(-lostFor - lostBefore)
	var failed error
	old := sort.Search(len(gone.UIDs), func(i int) bool {
		next, _ := slices.BinarySearch(there, gone.UIDs[i])
		if next == len(there) || failed != nil {
			return true
		}
		var at time.Time
		at, failed = dated(there[next])
		return failed != nil || at.IsZero() || at.After(since)
	})
	if failed != nil || old == 0 {
		return gone, failed
	}
	away, gone := gone.Only(gone.UIDs[old-1])
	return gone, s.r.DB.Write(ctx, func(tx *sql.Tx) error { return s.r.Journal.Forget(ctx, tx, away) })
}

// puttingBack puts back what the mailboxes lack, until the context ends. What fails, or was too early, is tried again after the next
// full comparison, and after a day.
func (r *Replica) puttingBack(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.lost:
		case <-time.After(daily):
		}
		if err := r.PutBack(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("what a mailbox lost could not be put back", "err", err)
		}
	}
}

// PutBack looks through the mailboxes of which something is gone and puts back what they lack: documents at once, events by the
// outbox. It is for replicas that are driven step by step; one that runs does it by itself.
func (r *Replica) PutBack(ctx context.Context) error {
	r.init()
	r.mu.Lock()
	var at []int
	for i, folders := range r.gone {
		if len(folders) > 0 && r.Now().Sub(r.putBack[r.Logins[i].Mailbox]) >= daily {
			at = append(at, i)
		}
	}
	r.mu.Unlock()
	slices.Sort(at)
	var errs []error
	for _, i := range at {
		errs = append(errs, r.putBackTo(ctx, i))
	}
	return errors.Join(errs...)
}

func (r *Replica) putBackTo(ctx context.Context, at int) error {
	r.mu.Lock()
	login, gone := r.Logins[at], maps.Clone(r.gone[at])
	r.mu.Unlock()
	now := r.Now()
	absent, err := r.lacking(ctx, at, login, gone, now)
	if err != nil {
		return err
	}
	if err := r.mail(ctx, login.Mailbox, absent.documents); err != nil {
		return err
	}
	if r.Looked != nil {
		if err := r.Looked(login.Mailbox, absent.not); err != nil {
			return fmt.Errorf("have documents mailed again: %w", err)
		}
	}
	err = r.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, l := range absent.letters {
			if passed, err := r.passed(ctx, tx, l); err != nil {
				return err
			} else if passed {
				continue
			}
			if _, err := r.Outbox.Again(ctx, tx, l, now); err != nil {
				return err
			}
		}
		for _, g := range gone {
			if err := r.Journal.Forget(ctx, tx, g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	delete(r.gone, at)
	r.putBack[login.Mailbox] = now
	r.mu.Unlock()
	if len(absent.letters)+len(absent.documents) > 0 {
		r.Log.Warn("the mail system lost letters of a mailbox; they are put back", "mailbox", login.Mailbox,
			"letters", len(absent.letters), "documents", len(absent.documents))
		r.Changed(nil, true, false)
		r.Kick()
	}
	return nil
}

// passed reports whether a letter says how an agent stood: that is of no use any more, and sent again it would look new.
func (r *Replica) passed(ctx context.Context, tx *sql.Tx, l outbox.Letter) (bool, error) {
	if !l.Thread.IsZero() {
		return false, nil
	}
	e, ok, err := r.Journal.Event(ctx, tx, l.Event)
	return ok && e.Event != nil && e.Event.Kind == event.Health, err
}

// absent is what a mailbox lacks and this replica puts back.
type absent struct {
	letters   []outbox.Letter
	documents []directory.Document
	not       map[string]bool // the documents, by their hashes, that whoever signs them need not mail again
}

// lacking looks through a mailbox and decides what is sent again.
func (r *Replica) lacking(ctx context.Context, at int, login care.MailLogin, gone map[string]journal.Gone, now time.Time) (out absent, err error) {
	// What should be there is asked first: what comes or goes out while the mailbox is read is not lost.
	var seen, pieces []journal.Place
	var taken []outbox.Letter
	if err := r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		if seen, err = r.Journal.Sighted(ctx, tx, login.Mailbox); err != nil {
			return err
		}
		if pieces, err = r.Journal.PiecesIn(ctx, tx, login.Mailbox); err != nil {
			return err
		}
		taken, err = r.Outbox.Taken(ctx, tx, now.Add(-lostFor-lostBefore))
		return err
	}); err != nil {
		return absent{}, err
	}
	there, err := r.lookThrough(ctx, at, login)
	if err != nil {
		return absent{}, err
	}
	keeps := r.Keeps != nil && r.Keeps()
	if keeps {
		if out.documents, err = r.documentsNotIn(ctx, login.Mailbox, seen, there.documents); err != nil {
			return absent{}, err
		}
	}
	seen = slices.DeleteFunc(seen, func(p journal.Place) bool { return there.events[p.Event] })
	anew := false
	for _, g := range gone {
		anew = anew || g.Anew
	}
	if anew || len(seen) > 0 { // else all was moved only, and what was never seen there may be on its way
		out.letters = ofAuthor(taken, login.Mailbox, there.events, now)
	}
	if out.not = there.documents; anew && len(out.letters)+len(seen) > 0 {
		out.not = nil // an older copy of the mail system: the others may lack what this mailbox has
	}
	if keeps {
		pieces = slices.DeleteFunc(pieces, func(p journal.Place) bool { return there.events[p.Event] })
		for _, p := range append(seen, pieces...) { // of no age: what another wrote is not lost again as one's own for having been put back here
			out.letters = append(out.letters, outbox.Letter{Event: p.Event, Mailbox: login.Mailbox, Thread: p.Thread})
		}
	}
	return out, nil
}

// ofAuthor gives what an author sends again to all their mailboxes, since who else should have it may never have read it: of the
// letters that the mail system took, those of each event that is not there in the author's own mailbox, and those that were submitted
// just before the first of them. They stay as old as they are.
func ofAuthor(taken []outbox.Letter, own care.MailboxID, there map[care.EventID]bool, now time.Time) []outbox.Letter {
	lost := map[care.EventID]bool{}
	var first time.Time
	for _, l := range taken {
		if l.Mailbox == own && !there[l.Event] && !l.Added.Before(now.Add(-lostFor)) {
			lost[l.Event] = true
			if first.IsZero() || l.Added.Before(first) {
				first = l.Added
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return slices.DeleteFunc(taken, func(l outbox.Letter) bool {
		return !lost[l.Event] && (l.Added.After(first) || l.Added.Before(first.Add(-lostBefore)))
	})
}

// documentsNotIn gives the documents in force that belong into a mailbox and do not lie there.
func (r *Replica) documentsNotIn(ctx context.Context, mailbox care.MailboxID, seen []journal.Place, there map[string]bool) ([]directory.Document, error) {
	about := map[care.PatientID]bool{}
	err := r.DB.Read(ctx, func(tx *sql.Tx) error {
		for _, p := range seen {
			e, _, err := r.Journal.Event(ctx, tx, p.Event)
			if err != nil {
				return err
			}
			if e.Event != nil && e.Event.For != "" {
				about[e.Event.For] = true
			}
		}
		return nil
	})
	return slices.DeleteFunc(r.Books.Book().For(mailbox, about), func(d directory.Document) bool { return there[d.Hash()] }), err
}

// mail mails documents to a mailbox. Sent twice they do no harm.
func (r *Replica) mail(ctx context.Context, mailbox care.MailboxID, docs []directory.Document) error {
	login, any := r.submitter()
	to, known := r.Books.Book().Mailbox(mailbox)
	if len(docs) == 0 || !any || !known {
		return nil
	}
	s, login, err := submit.DialFirst(ctx, r.places(login)...)
	if err != nil {
		return fmt.Errorf("connect for submission: %w", err)
	}
	defer func() { _ = s.Close() }() // each letter's fate is its own answer
	for _, d := range docs {
		sealed, err := seal.Seal(to.Key, d.Content())
		if err != nil {
			return fmt.Errorf("seal a document: %w", err)
		}
		message, err := written(login.Address, to.Address, r.Now(), sealed)
		if err != nil {
			return err
		}
		if err := s.Send(ctx, login.Address, to.Address, message, letter.Envelope(sealed)); err != nil {
			return fmt.Errorf("mail a document: %w", err)
		}
	}
	return nil
}

// lookThrough reads a whole mailbox and says what lies in it.
func (r *Replica) lookThrough(ctx context.Context, at int, login care.MailLogin) (*looker, error) {
	l := &looker{source: &source{r: r, at: at, login: login}, events: map[care.EventID]bool{}, documents: map[string]bool{}}
	f := &fetch.Fetcher{Login: login, Sink: l, Now: r.Now, Log: r.Log, Places: r.places}
	return l, f.Once(ctx)
}

// looker is a sink that keeps the names of what it sees, and nothing else.
type looker struct {
	source    *source
	events    map[care.EventID]bool // and pieces of files, by their hashes
	documents map[string]bool
}

func (l *looker) Known(context.Context, string, uint32, uint32) (func(uint32) bool, error) {
	return func(uint32) bool { return false }, nil
}

func (l *looker) Open(ctx context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	b := &looked{l, make([]arrival, len(letters))}
	err := onAllCores(ctx, len(letters), func(i int) {
		b.arrived[i].Letter = &letters[i]
		l.source.open(&b.arrived[i])
	})
	return b, err
}

func (*looker) Progress(int, int)  {}
func (*looker) UpToDate(time.Time) {}
func (*looker) Problem(error)      {} // Once gives it back

type looked struct {
	*looker
	arrived []arrival
}

func (b *looked) Store(context.Context) error {
	for _, a := range b.arrived {
		for _, t := range a.taken {
			switch {
			case t.entry != nil:
				b.events[t.entry.ID] = true
			case t.doc != nil:
				b.documents[t.doc.Hash()] = true
			case t.piece != nil:
				b.events[event.PieceID(t.piece)] = true
			}
		}
	}
	return nil
}
