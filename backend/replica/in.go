package replica

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/digests"
	"postern/backend/record/journal"
	"postern/backend/record/projection"
	"postern/backend/trust/directory"
)

// source takes in what one login's mailbox holds. The fetcher uses it, one goroutine at a time; only Open, which reads
// nothing but the login, may run beside.
type source struct {
	r     *Replica
	at    int // index of the login
	login care.MailLogin

	begun  bool      // what waited when this program was started, or when something was cut short, has been looked at
	named  int       // the newest version of the clinic's list that the care team has named
	behind time.Time // since when that one is missing here
}

func (s *source) name() string { return sourceName(s.login) }

func sourceName(l care.MailLogin) string { return l.IMAP.Host + "/" + l.User }

// Known says which letters of a folder need no fetching.
func (s *source) Known(ctx context.Context, folder string, validity, _ uint32) (func(uid uint32) bool, error) {
	if !s.begun {
		// Another Postern than the last one may read what that could not; and it may have ended before it looked.
		if err := s.recall(ctx, s.at == 0); err != nil {
			return nil, err
		}
		if err := s.r.Projection.Renew(ctx, s.told); err != nil {
			return nil, err
		}
		s.begun = true
	}
	var has func(uint32) bool
	err := s.r.DB.Read(ctx, func(tx *sql.Tx) error {
		set, err := s.r.Journal.Fetched(ctx, tx, s.name(), folder, validity)
		has = set.Has
		return err
	})
	return has, err
}

// stored is what a Store changed.
type stored struct {
	threads []care.ThreadID
	texts   bool // letters of ours were seen again
	docs    bool // documents of the practice changed
	keys    bool // and certified keys that were not known
	turned  bool // the person reads other mailboxes than before
	names   bool // an event names pieces of files that are not here
}

// Store takes the letters into the journal in one transaction, with the documents among them and a note of what these
// change. A letter counts as fetched only with it. What they change is judged and folded again after it, some at a time.
func (b *batch) Store(ctx context.Context) error {
	s := b.source
	did, err := s.store(ctx, b.arrived)
	if err != nil {
		return err
	}
	if did.turned {
		defer s.r.turn() // last: it ends this connection, and what follows is not to be cut short by it
	}
	begun := s.begun
	s.begun = false // if it is cut short all the same, the next look takes it up
	if len(did.threads) > 0 || did.texts || did.docs {
		s.r.Changed(care.SortEventIDs(did.threads), did.texts, did.docs)
		s.r.Kick()
	}
	widened, err := s.take(ctx, b.arrived)
	if widened && !did.turned {
		defer s.r.turn()
	}
	if err != nil {
		return err
	}
	if did.keys || did.names {
		if err := s.recall(ctx, false); err != nil {
			return err
		}
	}
	if err := s.r.Projection.Renew(ctx, s.told); err != nil {
		return err
	}
	s.begun = begun
	return nil
}

func (s *source) told(threads []care.ThreadID) { s.r.Changed(threads, false, false) }

func (s *source) store(ctx context.Context, arrived []arrival) (did stored, err error) {
	var renewal directory.Renewal
	if hasDocuments(arrived) {
		// One mailbox at a time, so that of two that bring a document neither's is forgotten.
		s.r.learning.Lock()
		defer s.r.learning.Unlock()
		was := s.r.Books.Book()
		did.docs, did.turned = s.learn(was, arrived)
		renewal = s.r.Books.Book().Since(was)
		did.keys = renewal.Keys
		defer func() {
			if err != nil {
				s.r.Books.set(was) // what is not stored is learnt again when the letters come again
			}
		}()
	}
	book := s.r.Books.Book()
	if err := s.judge(ctx, book, arrived); err != nil {
		return stored{}, err
	}
	err = s.r.DB.Write(ctx, func(tx *sql.Tx) error {
		if now := s.r.Books.Book(); now != book {
			s.judgeAgain(now, arrived)
		}
		var err error
		if did.threads, did.texts, err = s.keep(ctx, tx, arrived); err != nil {
			return err
		}
		further, texts, err := s.keepPieces(ctx, tx, arrived)
		if err != nil {
			return err
		}
		did.threads, did.texts = append(did.threads, further...), did.texts || texts
		if did.names, err = s.lackPieces(ctx, tx, arrived); err != nil {
			return err
		}
		if err := s.r.Projection.Outdate(ctx, tx, projection.Outdated{All: renewal.All, Waiting: renewal.Waiting,
			Patients: renewal.Patients, Offices: renewal.Offices}); err != nil {
			return err
		}
		return s.mark(ctx, tx, arrived)
	})
	return did, err
}

// quarantined is what can be read and does not count, under its own name, so that it is there once however often it comes.
func (s *source) quarantined(size int, hash [32]byte, reason string, body []byte) *journal.Quarantined {
	return &journal.Quarantined{Mailbox: s.login.Mailbox, Source: s.name(), Size: size, Hash: hash, Reason: reason, Body: body}
}

// judge asks the directory about each author, and checks on all cores what signatures are not checked yet.
func (s *source) judge(ctx context.Context, book *directory.Book, arrived []arrival) error {
	return onAllCores(ctx, len(arrived), func(i int) {
		for j := range arrived[i].taken {
			if t := &arrived[i].taken[j]; t.entry != nil {
				s.judgeOne(book, t)
			}
		}
	})
}

// judgeAgain judges by a newer book what waited for one: another mailbox brought it while these letters were judged, and
// what is stored as waiting after that would wait for the next.
func (s *source) judgeAgain(book *directory.Book, arrived []arrival) {
	for i := range arrived {
		for j := range arrived[i].taken {
			if t := &arrived[i].taken[j]; t.entry != nil && t.entry.Verdict == fold.Waiting {
				s.judgeOne(book, t)
			}
		}
	}
}

func (s *source) judgeOne(book *directory.Book, t *taken) {
	t.entry.Verdict, t.entry.Reason = verdict(book, s.login.Mailbox, t.entry, t.signed)
	if t.entry.Verdict == fold.Refused {
		t.refused = s.refused(book, t.entry)
		t.entry = nil
	}
}

// refused is what quarantine notes of an event. A stranger's bytes are not kept: they could fill the disk, and push out
// what a person should see.
func (s *source) refused(book *directory.Book, e *journal.Entry) *journal.Quarantined {
	var body []byte
	if key, known := book.PublicKey(e.Event.Author); known && signedBy(key, e) {
		body = e.Raw
	}
	return s.quarantined(len(e.Raw), [32]byte(e.ID), e.Reason, body)
}

// verdict judges one event that came out of a mailbox. signed says whether its signature is by that key.
func verdict(book *directory.Book, mailbox care.MailboxID, e *journal.Entry, signed func(ed25519.PublicKey) bool) (fold.Verdict, string) {
	// Of a newer Postern's event the mailboxes and the practice may be all that can be read, or not even that.
	if mailbox != "" && len(e.Event.To) > 0 && !contains(e.Event.To, mailbox) {
		return fold.Refused, "not addressed to this mailbox"
	}
	if e.Event.Practice != "" && e.Event.Practice != book.Practice().ID {
		return fold.Refused, "of another practice"
	}
	if e.Event.V > event.Version {
		return fold.Waiting, "written by a newer Postern"
	}
	key, known := book.PublicKey(e.Event.Author)
	if !known {
		return fold.Waiting, "its author is not known here yet"
	}
	if !signed(key) {
		return fold.Refused, "its signature does not hold"
	}
	st := fold.Judge(e.Event, book)
	if st.Verdict == fold.Refused {
		return fold.Refused, st.Reason // not this author's to write, wherever it came and whatever comes
	}
	// The bytes are the author's. Whether they count yet (a withdrawn key, say) is the fold's to say, with all it has.
	return fold.Accepted, st.Reason
}

// keep journals what was accepted or waits, confirms what came back, and quarantines the rest.
func (s *source) keep(ctx context.Context, tx *sql.Tx, arrived []arrival) (changed []care.ThreadID, confirmed bool, err error) {
	var entries []journal.Entry
	room := &room{source: s}
	for i := range arrived {
		a := &arrived[i]
		for _, t := range a.taken {
			switch {
			case t.entry != nil:
				fits, err := room.fits(ctx, tx, t.entry)
				if err != nil {
					return nil, false, err
				}
				if fits {
					entries = append(entries, *t.entry)
				} else if a.lacks == "" {
					a.lacks = lacksAuthorOf(t.entry.Event)
				}
			case t.doc != nil:
				if err := s.r.Documents.Keep(ctx, tx, t.doc.Kind, t.doc.Bytes, t.doc.Signature); err != nil {
					return nil, false, err
				}
			}
		}
		if err := s.setAside(ctx, tx, a); err != nil {
			return nil, false, err
		}
	}
	if len(entries) == 0 {
		return nil, false, nil
	}
	added, err := s.r.Journal.Append(ctx, tx, entries...)
	if err != nil {
		return nil, false, err
	}
	if err := s.digest(ctx, tx, entries); err != nil {
		return nil, false, err
	}
	book := s.r.Books.Book()
	for _, e := range entries {
		did, err := s.r.Outbox.Confirmed(ctx, tx, e.ID, e.Mailbox)
		if err != nil {
			return nil, false, err
		}
		confirmed = confirmed || did
		s.notice(book, &e)
	}
	return touched(entries, added), confirmed, nil
}

// digest keeps what the care team's events that count say of the devices that signed them.
func (s *source) digest(ctx context.Context, tx *sql.Tx, entries []journal.Entry) error {
	if s.r.Digests == nil && s.r.Heard == nil {
		return nil
	}
	book := s.r.Books.Book()
	var kept []digests.Kept
	for _, e := range entries {
		if e.Verdict == fold.Accepted && e.Event != nil && book.Standing(e.Event).Role.Staff() {
			kept = append(kept, digests.Kept{Event: e.Event, Arrived: e.Arrived})
			if s.r.Heard != nil {
				s.r.Heard(e.Event, e.Arrived)
			}
		}
	}
	if s.r.Digests == nil {
		return nil
	}
	return s.r.Digests.Take(ctx, tx, kept...)
}

// setAside puts into quarantine what of a letter was refused: one row a letter, so that one with hundreds of bad events
// costs no more than any other.
func (s *source) setAside(ctx context.Context, tx *sql.Tx, a *arrival) error {
	var row *journal.Quarantined
	n := 0
	for _, t := range a.taken {
		if t.refused == nil {
			continue
		}
		if n++; row == nil || len(row.Body) == 0 && len(t.refused.Body) > 0 { // what a certified key signed comes first
			row = t.refused
		}
	}
	if row == nil {
		return nil
	}
	if n > 1 {
		row.Reason += fmt.Sprintf(" (and %d more things in its letter)", n-1)
	}
	return s.r.Journal.Quarantine(ctx, tx, *row)
}

// mark notes which UIDs need no fetching: their bytes are stored, or they lack something.
func (s *source) mark(ctx context.Context, tx *sql.Tx, arrived []arrival) error {
	type where struct {
		folder   string
		validity uint32
		lacks    string
	}
	uids := map[where][]uint32{}
	for _, a := range arrived {
		w := where{a.Folder, a.Validity, a.lacks}
		uids[w] = append(uids[w], a.UID)
	}
	for w, list := range uids {
		if err := s.r.Journal.PutAside(ctx, tx, s.name(), w.folder, w.validity, w.lacks, list); err != nil {
			return err
		}
	}
	return nil
}

// Progress says how much of what is there has been stored.
func (s *source) Progress(done, total int) {
	s.set(func(st *care.SyncState) { st.Phase, st.Done, st.Total, st.Problem = care.SyncFetching, done, total, "" }, false)
}

// UpToDate says that the mailbox held nothing else at that time.
func (s *source) UpToDate(at time.Time) {
	now := care.SyncState{Phase: care.SyncUpToDate, Checked: at}
	if s.outdated(at) {
		now.Phase, now.Problem = care.SyncAmiss, listOutdated
	}
	s.set(func(st *care.SyncState) {
		if st.Problem != "" && st.Problem != listOutdated { // it can be reached again
			s.r.tryAgain()
		}
		*st = now
	}, true)
	s.r.Kick()
}

// Problem says why the mailbox cannot be read now.
func (s *source) Problem(err error) {
	s.set(func(st *care.SyncState) { *st = problemState(err, st.Checked) }, false)
	s.r.Log.Warn("cannot read the mailbox", "mailbox", s.login.Mailbox, "err", err)
}

func (s *source) set(change func(*care.SyncState), pulled bool) {
	s.r.mu.Lock()
	before := s.r.states[s.at]
	change(&s.r.states[s.at])
	s.r.pulled[s.at] = pulled || s.r.pulled[s.at] && s.r.states[s.at].Problem == ""
	same := before == s.r.states[s.at]
	s.r.mu.Unlock()
	if !same {
		s.r.Changed(nil, false, true)
	}
}

func touched(entries []journal.Entry, added []care.EventID) []care.ThreadID {
	isNew := make(map[care.EventID]bool, len(added))
	for _, id := range added {
		isNew[id] = true
	}
	var out []care.ThreadID
	for _, e := range entries {
		if t := threadOf(e.Event); isNew[e.ID] && e.Verdict == fold.Accepted && !t.IsZero() {
			out = append(out, t)
		}
	}
	return care.SortEventIDs(out)
}

func threadOf(e *event.Event) care.ThreadID {
	if e.Kind == event.Opened {
		return e.ID
	}
	return e.Thread
}

func contains(all []care.MailboxID, one care.MailboxID) bool {
	for _, m := range all {
		if m == one {
			return true
		}
	}
	return false
}
