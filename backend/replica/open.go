package replica

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/record/journal"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// arrival is one letter with what it turned out to be.
type arrival struct {
	*fetch.Letter
	taken []taken
	lacks string // what is to be here before it is fetched again, as here reads it; "": it is stored
}

// taken is one thing out of a letter: an event, a document, or what is refused.
type taken struct {
	entry   *journal.Entry
	doc     *directory.Document
	refused *journal.Quarantined
	piece   []byte           // of a file
	granted *directory.Grant // what doc grants to this device

	genuine *bool // whether the event's signature holds, once that was checked
}

// signed reports whether an event's signature is by its author's key. A key's name is its fingerprint, so whichever book
// gives the key, the answer is the same, and is found once.
func (t *taken) signed(author ed25519.PublicKey) bool {
	if t.genuine == nil {
		ok := signedBy(author, t.entry)
		t.genuine = &ok
	}
	return *t.genuine
}

func signedBy(author ed25519.PublicKey, e *journal.Entry) bool {
	return seal.Verify(author, seal.LabelEvent, e.Raw, e.Sig)
}

// batch is letters that are opened and not stored yet.
type batch struct {
	*source
	arrived []arrival
}

// Open decrypts and decodes on all cores, and checks the signatures of authors who are known already. It judges nothing:
// what the batches before bring, Store will know.
func (s *source) Open(ctx context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	b := &batch{s, make([]arrival, len(letters))}
	book := s.r.Books.Book()
	err := onAllCores(ctx, len(letters), func(i int) {
		a := &b.arrived[i]
		a.Letter = &letters[i]
		s.open(a)
		a.check(book)
		if i := slices.IndexFunc(a.taken, func(t taken) bool { return t.refused != nil }); i >= 0 {
			a.taken[i].refused.Hash = sha256.Sum256(a.Message) // once a letter, whatever is in it
		}
	})
	return b, err
}

// onAllCores does something for each of n, unless ctx ends. A core's goroutine does one after the other: one for each of
// them would have to grow its stack anew for the cryptography.
func onAllCores(ctx context.Context, n int, do func(i int)) error {
	var begun atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := begun.Add(1); i <= int64(n) && ctx.Err() == nil; i = begun.Add(1) {
				do(int(i - 1))
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

func (a *arrival) check(book *directory.Book) {
	for i := range a.taken {
		if t := &a.taken[i]; t.entry != nil {
			if author, known := book.PublicKey(t.entry.Event.Author); known {
				t.signed(author)
			}
		}
	}
}

func (s *source) open(a *arrival) {
	if a.Message == nil {
		s.refuse(a, "a letter above the size that is fetched")
		return
	}
	payload, err := letter.Read(a.Message)
	if err != nil {
		s.refuse(a, "no letter of Postern's")
		return
	}
	c, err := s.r.ring().Open(payload)
	switch {
	case errors.Is(err, seal.ErrNoKey):
		a.lacks = lacks(lacksKey, s.r.ring().Name()) // it may be to a key that is granted to this profile later
		return
	case err != nil:
		s.refuse(a, "a damaged letter")
		return
	}
	switch c.Type {
	case seal.TypeEvent:
		s.event(a, c.Bytes, c.Signature)
	case seal.TypeBundle:
		events, err := seal.Bundle(c)
		if err != nil {
			s.refuse(a, "a damaged bundle")
			return
		}
		for _, e := range events {
			s.event(a, e.Bytes, e.Signature)
		}
	case seal.TypeDocument:
		d, err := directory.Parse(c)
		if err != nil {
			s.refuse(a, "a damaged document: "+err.Error())
			return
		}
		a.taken = append(a.taken, taken{doc: &d})
	case seal.TypeBlob:
		if len(c.Bytes) == 0 || len(c.Bytes) > event.PieceSize {
			s.refuse(a, "a piece of a file of a size that none has")
			return
		}
		a.taken = append(a.taken, taken{piece: c.Bytes})
	default:
		s.refuse(a, "content of a kind that this version does not know")
	}
}

func (s *source) event(a *arrival, raw, sig []byte) {
	e, err := event.Decode(raw)
	if err != nil {
		s.refuse(a, "a malformed event: "+err.Error())
		return
	}
	a.taken = append(a.taken, taken{entry: &journal.Entry{Event: e, ID: e.ID, Raw: raw, Sig: sig, Mailbox: s.login.Mailbox,
		Source: s.name(), Arrived: a.Internal, Verdict: fold.Waiting}})
}

// refuse sets something aside that cannot be read, under the name of its letter.
func (s *source) refuse(a *arrival, reason string) {
	a.taken = append(a.taken, taken{refused: &journal.Quarantined{Mailbox: s.login.Mailbox, Source: s.name(), Folder: a.Folder,
		UIDValidity: a.Validity, UID: a.UID, Size: a.Size, Reason: reason}})
}
