package replica

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

func hasDocuments(arrived []arrival) bool {
	for _, a := range arrived {
		for _, t := range a.taken {
			if t.doc != nil {
				return true
			}
		}
	}
	return false
}

// learn takes the documents among the letters into the newest book, and says whether they brought anything, and other mailboxes to
// read. A document
// that does not verify is set aside: anybody who knows a mailbox's key can mail one. It is verified by the book that has
// them all: the certificates of its signer may come in itself.
func (s *source) learn(was *directory.Book, arrived []arrival) (changed, turned bool) {
	var docs []directory.Document
	for _, a := range arrived {
		for _, t := range a.taken {
			if t.doc != nil && !t.doc.Between() {
				docs = append(docs, *t.doc)
			}
		}
	}
	book, changes, err := was.With(docs...)
	if err != nil {
		s.r.Log.Warn("part of a document of the practice was refused", "mailbox", s.login.Mailbox, "err", err)
	}
	for _, c := range changes {
		if c.Alarm != "" {
			s.r.Log.Error("the practice's documents contradict each other", "kind", c.Kind, "about", c.Key, "alarm", c.Alarm)
		}
	}
	for i := range arrived {
		for j := range arrived[i].taken {
			t := &arrived[i].taken[j]
			if t.doc == nil {
				continue
			}
			if t.doc.Between() {
				s.between(book, t)
				continue
			}
			if err := book.Verify(*t.doc); err != nil {
				t.refused = s.quarantined(len(t.doc.Bytes), sha256.Sum256(t.doc.Bytes), "a document that does not hold: "+err.Error(), nil)
				t.doc = nil
			}
		}
	}
	s.r.mu.Lock()
	before := s.r.reads()
	s.r.Books.set(book)
	turned = !slices.Equal(before, s.r.reads()) // the person has left an office
	s.r.mu.Unlock()
	return len(changes) > 0, turned
}

// listOutdated is what a person is told whose list of the clinic is not the newest.
const listOutdated = "The clinic's list on this computer is out of date: the care team writes by a newer one, which has not come. " +
	"Messages come and go as before. Call the front desk and ask for the list to be sent again."

// onItsWay is how long a newer list may take: it is mailed to one mailbox after the other.
const onItsWay = time.Hour

// notice notes which version of the clinic's list an event names. Only the care team's and the agent's word counts: a member
// could name any, and so could who has left.
func (s *source) notice(book *directory.Book, e *journal.Entry) {
	if e.Verdict != fold.Accepted || e.Event.Dir <= max(s.named, book.Version()) {
		return
	}
	if who := book.Standing(e.Event); who.Verdict == fold.Accepted && who.Role.Staff() {
		s.named = e.Event.Dir
	}
}

// outdated reports whether a list that the care team has named has been missing for long, with everything read that the
// mailbox holds: the mail system may hold it back.
func (s *source) outdated(at time.Time) bool {
	have := s.r.Books.Book().Version()
	if s.named <= have {
		s.behind = time.Time{}
		return false
	}
	if s.behind.IsZero() {
		s.behind = at
		s.r.Log.Warn("the care team names a newer list of the clinic than has come", "mailbox", s.login.Mailbox, "named", s.named, "here", have)
	}
	return at.Sub(s.behind) >= onItsWay
}

// between keeps of what goes between a registrar and one device what is for this one: an answer to an invitation that was
// made here, a grant to this device. Anybody can mail an answer, and the others' are not for here: they are passed over.
func (s *source) between(book *directory.Book, t *taken) {
	switch t.doc.Kind {
	case directory.KindAnswer:
		if s.r.Answers == nil || !s.r.Answers.Knows(*t.doc) {
			t.doc = nil
		}
	case directory.KindGrant:
		g, err := book.ReadGrant(*t.doc)
		switch {
		case err != nil:
			t.refused = s.quarantined(len(t.doc.Bytes), sha256.Sum256(t.doc.Bytes), "a grant that does not hold: "+err.Error(), nil)
			t.doc = nil
		case g.Device != s.r.Device || g.Refused != "" && g.Refused != directory.DeviceRevoked:
			t.doc = nil
		default:
			t.granted = g
		}
	}
}

// take puts what was granted and answered to use, once it is stored, and says whether there are further mailboxes to read.
func (s *source) take(ctx context.Context, arrived []arrival) (widened bool, err error) {
	var secrets []seal.Secret
	var grants []*directory.Grant
	answered := false
	for _, a := range arrived {
		for _, t := range a.taken {
			answered = answered || t.doc != nil && t.doc.Kind == directory.KindAnswer
			if t.granted == nil {
				continue
			}
			if t.granted.Refused != "" {
				s.r.Dismiss()
				continue
			}
			for _, m := range t.granted.Mailboxes {
				secret, err := seal.ParseSecret(m.Secret)
				if err != nil {
					return false, err // it was parsed before: a defect
				}
				secrets = append(secrets, secret)
			}
			grants = append(grants, t.granted)
		}
	}
	if answered {
		s.r.Answers.Came()
	}
	if len(secrets) == 0 {
		return false, nil
	}
	s.r.rings.Lock()
	s.r.wider = s.r.ringNow().With(secrets...)
	s.r.rings.Unlock()
	widened = s.r.widen(grants)
	return widened, s.recall(ctx, false)
}

// ring holds all keys that this profile has now.
func (r *Replica) ring() *seal.Ring {
	r.rings.Lock()
	defer r.rings.Unlock()
	return r.ringNow()
}

func (r *Replica) ringNow() *seal.Ring {
	if r.wider != nil {
		return r.wider
	}
	return r.Ring
}

// errDismissed is why a device sends nothing any more whose key was withdrawn: nobody would take it for its person's.
var errDismissed = care.Refusef(care.Forbidden, "The clinic has ended this profile on this computer. It gets nothing new, and what you write here is not sent; "+
	"it is kept, and what was here before can be read. Call the front desk if that is wrong, or if you need an invitation for another computer.")

// Dismiss notes that the practice has withdrawn this device's key. Nothing is sent from then on.
func (r *Replica) Dismiss() {
	if !r.dismissed.Swap(true) {
		r.Changed(nil, false, true)
	}
}

// errUnlearnt is why an older copy sends nothing yet.
var errUnlearnt = care.Refusef(care.Unavailable, "This profile was put back from a backup. Postern first reads in the mailboxes what it did since then. "+
	"Until it has, nothing is sent; what you write is kept on this computer.")

// Learnt reports whether this is no older copy, or one that has read what it did since. While that is being noted it waits.
func (r *Replica) Learnt() bool {
	r.learns.Lock()
	defer r.learns.Unlock()
	return r.knows()
}

func (r *Replica) knows() bool { return r.Learn == nil || r.learnt.Load() }

// learnFirst lets an older copy do nothing before it has read its mailboxes.
func (r *Replica) learnFirst(ctx context.Context) error {
	r.learns.Lock()
	defer r.learns.Unlock()
	if r.knows() {
		return nil
	}
	r.mu.Lock()
	for i, is := range r.reads() {
		if is && !r.pulled[i] {
			r.mu.Unlock()
			return errUnlearnt
		}
	}
	r.mu.Unlock()
	if err := r.Learn(ctx); err != nil {
		return err
	}
	r.learnt.Store(true)
	r.out(care.SyncState{Phase: care.SyncUpToDate}) // nothing is held up by it any more
	return nil
}

// untilLearnt returns once there is nothing left to learn first.
func (r *Replica) untilLearnt(ctx context.Context) error {
	for {
		err := r.learnFirst(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.kick: // a mailbox has been read, say
		}
	}
}
