package replica

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/record/journal"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// source takes in what one login's mailbox holds.
type source struct {
	r     *Replica
	at    int // index of the login
	login care.MailLogin
}

func (s *source) name() string { return s.login.IMAP.Host + "/" + s.login.User }

// Known says which letters of a folder are stored.
func (s *source) Known(ctx context.Context, folder string, validity uint32) (func(uid uint32) bool, error) {
	var has func(uint32) bool
	err := s.r.DB.Read(ctx, func(tx *sql.Tx) error {
		set, err := s.r.Journal.Fetched(ctx, tx, s.name(), folder, validity)
		has = set.Has
		return err
	})
	return has, err
}

// taken is what one letter turned out to be: exactly one of its fields is set.
type taken struct {
	entry   *journal.Entry
	doc     *directory.Document
	refused *journal.Quarantined
}

// Store takes letters into the journal in one transaction, with all that the documents among them change. A letter counts
// as fetched only with it.
func (s *source) Store(ctx context.Context, letters []fetch.Letter) error {
	opened, err := s.open(ctx, letters)
	if err != nil {
		return err
	}
	var brought []directory.Change
	if hasDocuments(opened) {
		// One mailbox at a time, so that of two that bring a document neither's is forgotten.
		s.r.learning.Lock()
		defer s.r.learning.Unlock()
		was := s.r.Books.Book()
		brought = s.learn(was, opened)
		defer func() {
			if err != nil {
				s.r.Books.set(was) // what is not stored is learnt again when the letters come again
			}
		}()
	}
	book := s.r.Books.Book()
	if err = s.judge(ctx, book, opened); err != nil {
		return err
	}
	var changed []care.ThreadID
	var texts bool
	err = s.r.DB.Write(ctx, func(tx *sql.Tx) error {
		changed, texts = nil, false
		if now := s.r.Books.Book(); now != book {
			s.judgeAgain(now, opened)
		}
		got, confirmed, err := s.keep(ctx, tx, opened)
		if err != nil {
			return err
		}
		changed, texts = got, confirmed
		if len(brought) > 0 {
			settled, err := s.renew(ctx, tx, brought)
			if err != nil {
				return err
			}
			changed = append(changed, settled...)
		}
		return s.mark(ctx, tx, letters)
	})
	if err != nil {
		return err
	}
	if len(changed) > 0 || texts || len(brought) > 0 {
		s.r.Changed(care.SortEventIDs(changed), texts, len(brought) > 0)
		s.r.Kick()
	}
	return nil
}

// open decrypts and decodes on all cores.
func (s *source) open(ctx context.Context, letters []fetch.Letter) ([][]taken, error) {
	out := make([][]taken, len(letters))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range letters {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			out[i] = s.openOne(&letters[i])
			return nil
		})
	}
	return out, g.Wait()
}

func (s *source) openOne(l *fetch.Letter) []taken {
	if l.Message == nil {
		return s.refuse(l, "a letter above the size that is fetched")
	}
	payload, err := letter.Read(l.Message)
	if err != nil {
		return s.refuse(l, "no letter of Postern's")
	}
	c, err := s.r.Ring.Open(payload)
	switch {
	case errors.Is(err, seal.ErrNoKey):
		return s.refuse(l, "sealed to a key that this profile does not hold")
	case err != nil:
		return s.refuse(l, "a damaged letter")
	}
	switch c.Type {
	case seal.TypeEvent:
		return []taken{s.event(l, c.Bytes, c.Signature)}
	case seal.TypeBundle:
		events, err := seal.Bundle(c)
		if err != nil {
			return s.refuse(l, "a damaged bundle")
		}
		var out []taken
		for _, e := range events {
			out = append(out, s.event(l, e.Bytes, e.Signature))
		}
		return out
	case seal.TypeDocument:
		d, err := directory.Parse(c)
		if err != nil {
			return s.refuse(l, "a damaged document: "+err.Error())
		}
		return []taken{{doc: &d}}
	}
	return s.refuse(l, "content of a kind that this version does not know")
}

func (s *source) event(l *fetch.Letter, raw, sig []byte) taken {
	e, err := event.Decode(raw)
	if err != nil {
		return s.refuse(l, "a malformed event: "+err.Error())[0]
	}
	return taken{entry: &journal.Entry{Event: e, ID: e.ID, Raw: raw, Sig: sig, Mailbox: s.login.Mailbox,
		Source: s.name(), Arrived: l.Internal, Verdict: fold.Waiting}}
}

func (s *source) refuse(l *fetch.Letter, reason string) []taken {
	return []taken{{refused: s.quarantined(l.Folder, l.Validity, l.UID, l.Size, sha256.Sum256(l.Message), reason, nil)}}
}

func (s *source) quarantined(folder string, validity, uid uint32, size int, hash [32]byte, reason string, body []byte) *journal.Quarantined {
	return &journal.Quarantined{Mailbox: s.login.Mailbox, Source: s.name(), Folder: folder, UIDValidity: validity,
		UID: uid, Size: size, Hash: hash, Reason: reason, Body: body}
}

// judge checks signatures on all cores and asks the directory about each author.
func (s *source) judge(ctx context.Context, book *directory.Book, opened [][]taken) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range opened {
		g.Go(func() error {
			for j := range opened[i] {
				t := &opened[i][j]
				if t.entry != nil {
					s.judgeOne(book, t)
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// judgeAgain judges by a newer book what waited for one: another mailbox brought it while these letters were judged, and
// what is stored as waiting after that would wait for the next.
func (s *source) judgeAgain(book *directory.Book, opened [][]taken) {
	for i := range opened {
		for j := range opened[i] {
			if t := &opened[i][j]; t.entry != nil && t.entry.Verdict == fold.Waiting {
				s.judgeOne(book, t)
			}
		}
	}
}

func (s *source) judgeOne(book *directory.Book, t *taken) {
	t.entry.Verdict, t.entry.Reason = verdict(book, s.login.Mailbox, t.entry)
	if t.entry.Verdict == fold.Refused {
		e := t.entry
		var body []byte
		if key, known := book.PublicKey(e.Event.Author); known && seal.Verify(key, seal.LabelEvent, e.Raw, e.Sig) {
			body = e.Raw // a stranger's is not kept: they could fill the disk, and push out what a person should see
		}
		t.refused = s.quarantined("", 0, 0, len(e.Raw), [32]byte(e.ID), e.Reason, body)
		t.entry = nil
	}
}

// verdict judges one event that came out of a mailbox.
func verdict(book *directory.Book, mailbox care.MailboxID, e *journal.Entry) (fold.Verdict, string) {
	if e.Event == nil || e.Event.V > event.Version {
		return fold.Waiting, "written by a newer Postern"
	}
	if mailbox != "" && !contains(e.Event.To, mailbox) {
		return fold.Refused, "not addressed to this mailbox"
	}
	if e.Event.Practice != book.Practice().ID {
		return fold.Refused, "of another practice"
	}
	key, known := book.PublicKey(e.Event.Author)
	if !known {
		return fold.Waiting, "its author is not known here yet"
	}
	if !seal.Verify(key, seal.LabelEvent, e.Raw, e.Sig) {
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
func (s *source) keep(ctx context.Context, tx *sql.Tx, opened [][]taken) (changed []care.ThreadID, confirmed bool, err error) {
	var entries []journal.Entry
	for _, ts := range opened {
		for _, t := range ts {
			switch {
			case t.entry != nil:
				entries = append(entries, *t.entry)
			case t.refused != nil:
				if err := s.r.Journal.Quarantine(ctx, tx, *t.refused); err != nil {
					return nil, false, err
				}
			case t.doc != nil:
				if err := s.r.Documents.Keep(ctx, tx, t.doc.Kind, t.doc.Bytes, t.doc.Signature); err != nil {
					return nil, false, err
				}
			}
		}
	}
	if len(entries) == 0 {
		return nil, false, nil
	}
	added, err := s.r.Journal.Append(ctx, tx, entries...)
	if err != nil {
		return nil, false, err
	}
	for _, e := range entries {
		did, err := s.r.Outbox.Confirmed(ctx, tx, e.ID, e.Mailbox)
		if err != nil {
			return nil, false, err
		}
		confirmed = confirmed || did
	}
	return touched(entries, added), confirmed, nil
}

// mark notes which UIDs' bytes are stored.
func (s *source) mark(ctx context.Context, tx *sql.Tx, letters []fetch.Letter) error {
	type where struct {
		folder   string
		validity uint32
	}
	uids := map[where][]uint32{}
	for _, l := range letters {
		w := where{l.Folder, l.Validity}
		uids[w] = append(uids[w], l.UID)
	}
	for w, list := range uids {
		if err := s.r.Journal.MarkFetched(ctx, tx, s.name(), w.folder, w.validity, list); err != nil {
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
	s.set(func(st *care.SyncState) {
		if st.Problem != "" {
			s.r.tryAgain()
		}
		*st = care.SyncState{Phase: care.SyncUpToDate, Checked: at}
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
		if isNew[e.ID] {
			out = append(out, threadOf(e.Event))
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
