package replica

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"strconv"
	"strings"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
)

// How much may wait in one mailbox for its author to become known. Anybody who knows a mailbox's key can seal events of
// invented authors to it, and these wait for ever.
//
// What finds no room is not stored, and its letter is not dropped either: it stays in the mailbox, where it needs no
// fetching until the author that it lacks is known. So strangers who fill the room push nobody out: somebody whose
// certificate is still on its way is read as soon as it comes, room or not. What is remembered of such a letter is its
// number and its author, a hundredth of what it takes at the mail system.
const (
	maxWaiting      = 10_000
	maxWaitingBytes = 32 << 20
)

// room is what is left of that while letters are taken in.
type room struct {
	*source
	counted bool
	events  int
	bytes   int64
}

// fits reports whether an event can be stored, and takes the room that it needs. One that counts, or is here already,
// needs none.
func (r *room) fits(ctx context.Context, tx *sql.Tx, e *journal.Entry) (bool, error) {
	if e.Verdict != fold.Waiting {
		return true, nil
	}
	if !r.counted {
		events, bytes, err := r.r.Journal.Waiting(ctx, tx, r.login.Mailbox)
		if err != nil {
			return false, err
		}
		r.counted, r.events, r.bytes = true, maxWaiting-events, maxWaitingBytes-bytes
	}
	if r.events > 0 && r.bytes >= int64(len(e.Raw)) {
		r.events, r.bytes = r.events-1, r.bytes-int64(len(e.Raw))
		return true, nil
	}
	return r.r.Journal.Has(ctx, tx, e.ID)
}

// What a letter can lack that was put aside: the first word of a note, behind which stands which one.
const (
	lacksKey     = "ring"    // another ring of keys than the one that could not open it
	lacksAuthor  = "author"  // this key's certificate. Of several authors the first: the next may be noted when it comes again
	lacksVersion = "version" // another version of events than the one that could not read it
	lacksNaming  = "naming"  // an event that names this piece of a file
)

func lacks(what, which string) string { return what + " " + which }

func lacksAuthorOf(e *event.Event) string {
	if e.V > event.Version {
		return lacks(lacksVersion, strconv.Itoa(event.Version))
	}
	return lacks(lacksAuthor, e.Author.String())
}

// here reports whether what letters lacked is here now.
func (s *source) here(ctx context.Context, tx *sql.Tx, note string) (bool, error) {
	what, which, _ := strings.Cut(note, " ")
	switch what {
	case lacksKey:
		return which != s.r.ring().Name(), nil
	case lacksVersion:
		return which != strconv.Itoa(event.Version), nil
	case lacksNaming:
		piece, err := care.ParseEventID(which)
		if err != nil {
			return true, nil // no piece has such a name: what it stands at is looked at anew
		}
		return s.r.Journal.Wanted(ctx, tx, piece)
	}
	var author care.KeyID
	err := author.UnmarshalText([]byte(which))
	_, known := s.r.Books.Book().PublicKey(author)
	return known || err != nil, nil
}

// recall looks again at what waited for what is here now: events whose authors are known, which are judged, and letters in
// the mailboxes, which are fetched again. newer: also the events that only a newer Postern could read.
func (s *source) recall(ctx context.Context, newer bool) error {
	book := s.r.Books.Book()
	var keys []care.KeyID
	var notes []string
	err := s.r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		if keys, err = s.r.Journal.Awaited(ctx, tx); err != nil {
			return err
		}
		notes, err = s.r.Journal.Lacking(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, known := book.PublicKey(key); known || key.IsZero() && newer {
			if err := s.settle(ctx, key); err != nil {
				return err
			}
		}
	}
	var found []string
	if err := s.r.DB.Read(ctx, func(tx *sql.Tx) error {
		for _, note := range notes {
			is, err := s.here(ctx, tx, note)
			if err != nil {
				return err
			}
			if is {
				found = append(found, note)
			}
		}
		return nil
	}); err != nil || len(found) == 0 {
		return err
	}
	err = s.r.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, note := range found {
			if err := s.r.Journal.Recall(ctx, tx, note); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range s.r.reading() {
		f.Again()
	}
	return nil
}

// settle judges what waited for a key: some at a time, each time in a transaction of its own, so that others get their
// turns to write. What a crash leaves still waits for a key that is known, and is found at the next start.
func (s *source) settle(ctx context.Context, key care.KeyID) error {
	for behind, more := int64(0), true; more; more = behind > 0 {
		book := s.r.Books.Book()
		var page []journal.Entry
		err := s.r.DB.Read(ctx, func(tx *sql.Tx) (err error) {
			page, behind, err = s.r.Journal.Unsettled(ctx, tx, key, behind)
			return err
		})
		if err != nil {
			return err
		}
		var settled []journal.Entry
		for _, e := range page {
			v, reason := verdict(book, e.Mailbox, &e, func(author ed25519.PublicKey) bool { return signedBy(author, &e) })
			if v == e.Verdict && reason == e.Reason {
				continue
			}
			e.Verdict, e.Reason = v, reason
			settled = append(settled, e)
		}
		if len(settled) == 0 {
			continue
		}
		var changed []care.ThreadID
		err = s.r.DB.Write(ctx, func(tx *sql.Tx) (err error) {
			for i := range settled {
				if e := &settled[i]; e.Verdict == fold.Refused {
					if err := s.r.Journal.Quarantine(ctx, tx, *s.refused(book, e)); err != nil {
						return err
					}
				}
			}
			if changed, err = s.r.Journal.Settle(ctx, tx, settled...); err != nil {
				return err
			}
			return s.digest(ctx, tx, settled)
		})
		if err != nil {
			return err
		}
		if len(changed) > 0 {
			s.told(changed)
		}
	}
	return nil
}
