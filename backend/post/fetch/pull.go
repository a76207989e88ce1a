package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"golang.org/x/sync/errgroup"
)

const (
	batch     = 500     // letters in a command, and in a batch of the sink's
	batchSize = 8 << 20 // bytes, about, after which the sink is given a batch

	// first is how much of a letter is asked for at once. One that is larger is asked for again, whole, or not at all
	// if it is larger than Max: what a stranger sends does not decide how much is fetched.
	first = 4 << 20

	alone = 2 // breaks after which a letter is fetched by itself, after the others
	aside = 6 // breaks after which it is left until the next full check
)

// pull fetches letters of one folder, newest first, and calls stored with how many were stored. While the sink stores
// one batch it opens the next, a third is read, and a fourth is on its way: no more than that is in memory.
func (s *session) pull(ctx context.Context, m missing, stored func(n int)) error {
	commands := s.batches(m)
	if len(commands) == 0 {
		return nil
	}
	if cmd := s.open(m.folder); cmd != nil {
		was := *s.folders[m.folder]
		if err := s.opened(m.folder, cmd); err != nil {
			return err
		}
		now := *s.folders[m.folder]
		if now.validity != m.validity {
			return errChanged
		}
		if now != was && isInbox(m.folder) { // what came since it was compared, the server counts here and never tells of again
			s.news()
		}
	}
	sink, failed := errgroup.WithContext(ctx)
	p := &pulling{session: s, m: m, over: failed.Done(), ready: make(chan []Letter), next: make(chan next)}
	sink.Go(func() error { return p.openEach(failed) })
	sink.Go(func() error { return p.storeEach(failed, stored) })
	unwatch := context.AfterFunc(failed, func() { _ = s.conn.Close() }) // to end the reading
	err := p.read(ctx, commands)
	unwatch()
	close(p.ready)
	s.conn.SetPatience(storing) // nothing is awaited of the server while the sink stores
	defer s.conn.SetPatience(patience)
	if failure := sink.Wait(); failure != nil {
		return failure
	}
	if err == nil {
		err = ctx.Err() // the last batch may not have been taken
	}
	return err
}

// batches splits what is missing into the UIDs of each command. What broke off before goes last, each letter alone, so
// that one which the server cannot give holds up no other.
func (s *session) batches(m missing) [][]uint32 {
	var out [][]uint32
	var last [][]uint32
	var now []uint32
	for _, uid := range m.uids {
		switch n := s.trouble[place{m.folder, m.validity, uid}]; {
		case n >= aside:
			s.Log.Warn("a letter cannot be fetched and is left for a day", "folder", m.folder, "uid", uid)
		case n >= alone:
			last = append(last, []uint32{uid})
		default:
			if now = append(now, uid); len(now) == batch {
				out, now = append(out, now), nil
			}
		}
	}
	if len(now) > 0 {
		out = append(out, now)
	}
	return append(out, last...)
}

// pulling is one pull at work: read, openEach and storeEach, each in a goroutine of its own, hand batches on. None of them
// runs ahead: a batch waits where it is until the next of them is free.
type pulling struct {
	*session
	m     missing
	over  <-chan struct{} // closed once a batch could not be opened or stored: then nothing further is
	ready chan []Letter
	next  chan next

	letters []Letter
	bytes   int
}

// next is a batch that is opened, and how many letters it has.
type next struct {
	Batch
	n int
}

func (p *pulling) openEach(ctx context.Context) error {
	defer close(p.next)
	for letters := range p.ready {
		n := len(letters)
		b, err := p.Sink.Open(ctx, letters)
		if err != nil {
			return err
		}
		select {
		case p.next <- next{b, n}:
		case <-p.over:
			return ctx.Err()
		}
	}
	return nil
}

func (p *pulling) storeEach(ctx context.Context, stored func(n int)) error {
	for b := range p.next {
		if err := b.Store(ctx); err != nil {
			return err
		}
		stored(b.n)
	}
	return nil
}

// read reads the answers to all commands, one after the other: a server may mix the answers to two, and the library
// waits for each to be read in turn. What arrived whole before a break is handed on.
func (p *pulling) read(ctx context.Context, commands [][]uint32) error {
	defer p.hand()
	for _, uids := range commands {
		got, err := p.answers(p.ask(uids), len(uids))
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = p.conn.Close() // the rest is not read
			p.note(uids, got)
			return fmt.Errorf("fetch from folder %s: %w", p.m.folder, err)
		}
	}
	return nil
}

func (p *pulling) ask(uids []uint32) *imapclient.FetchCommand {
	var set imap.UIDSet
	for i := len(uids) - 1; i >= 0; i-- { // upwards, where a set grows at its end
		set.AddNum(imap.UID(uids[i]))
	}
	return p.c.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Size: first}}}})
}

// answers takes in the letters of one command and says which came whole.
func (p *pulling) answers(cmd *imapclient.FetchCommand, n int) (got map[uint32]bool, err error) {
	got = make(map[uint32]bool, n)
	var larger []Letter
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		l, whole, err := p.take(m)
		if err != nil {
			// The command is left as it is: the library's reader ends with the connection, and to read on in a literal
			// that broke off would be to read beside it.
			return got, err
		}
		switch {
		case !whole:
			continue
		case l.Size > Max:
			l.Message, l.Head = nil, headOf(l.Message)
		case len(l.Message) == first:
			l.Message, l.Head = nil, headOf(l.Message) // it is fetched whole, by itself: five hundred beginnings would fill the memory
			larger = append(larger, l)
			continue
		}
		got[l.UID] = true
		p.add(l)
	}
	if err := cmd.Close(); err != nil {
		return got, err
	}
	for _, l := range larger {
		message, found, err := p.whole(l.UID)
		if err != nil {
			return got, err
		}
		if found {
			if l.Message = message; message != nil {
				l.Size, l.Head = len(message), nil
			}
			got[l.UID] = true
			p.add(l)
		}
	}
	return got, nil
}

// headOf is a copy of a letter's header, with the empty line that ends it, and no more than MaxHead of it: the rest of what was read is let go.
func headOf(message []byte) []byte {
	head := message[:min(len(message), MaxHead)]
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(head, []byte(end)); i >= 0 {
			head = head[:i+len(end)]
		}
	}
	return bytes.Clone(head)
}

// take reads one letter off the connection. It is whole if all came that the server announced.
func (p *pulling) take(m *imapclient.FetchMessageData) (l Letter, whole bool, err error) {
	l = Letter{Folder: p.m.folder, Validity: p.m.validity}
	for item := m.Next(); item != nil; item = m.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			l.UID = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			l.Internal = item.Time
		case imapclient.FetchItemDataRFC822Size:
			l.Size = int(item.Size)
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || item.Literal.Size() > first {
				continue // none, or more than was asked for
			}
			l.Message = make([]byte, item.Literal.Size())
			// A connection that ends early ends the literal early: only its announced size tells.
			if _, err := io.ReadFull(item.Literal, l.Message); err != nil {
				return l, false, err
			}
			whole = true
		}
	}
	if len(l.Message) < first {
		l.Size = len(l.Message) // servers are known to miscount
	}
	return l, whole && l.UID != 0, nil
}

// whole fetches a letter that is larger than first, by itself. Of one that proves larger than Max it gives no bytes; one
// that is gone is not found.
func (p *pulling) whole(uid uint32) (message []byte, found bool, err error) {
	section := &imap.FetchItemBodySection{Peek: true}
	cmd := p.c.Fetch(imap.UIDSetNum(imap.UID(uid)), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			if found = true; body.Literal.Size() > Max {
				continue
			}
			message = make([]byte, body.Literal.Size())
			if _, err := io.ReadFull(body.Literal, message); err != nil {
				return nil, false, err // as above
			}
		}
	}
	return message, found, cmd.Close()
}

func (p *pulling) add(l Letter) {
	p.letters = append(p.letters, l)
	if p.bytes += len(l.Message); len(p.letters) == batch || p.bytes >= batchSize {
		p.hand()
	}
}

// hand gives the sink what is gathered, and waits until it has opened what came before.
func (p *pulling) hand() {
	if len(p.letters) == 0 {
		return
	}
	select {
	case p.ready <- p.letters:
	case <-p.over:
	}
	p.letters, p.bytes = nil, 0
}

// note remembers the letters of a command that broke off.
func (p *pulling) note(uids []uint32, got map[uint32]bool) {
	for _, uid := range uids {
		if !got[uid] {
			p.trouble[place{p.m.folder, p.m.validity, uid}]++
		}
	}
}
