package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// recent is how many UIDs below the newest are compared at each wake-up: a server may show a message after one that
// came later.
const recent = 400

// stretch is how many letters are fetched before it is looked whether newer ones came.
const stretch = 5 * batch

// missing is what of a folder is not stored, newest first.
type missing struct {
	folder   string
	validity uint32
	uids     []uint32
}

// full compares all folders with what is stored, and fetches what is missing; again, if what came makes letters wanted
// that were not.
func (s *session) full(ctx context.Context) error {
	for {
		s.again.Store(false)
		if err := s.difference(ctx); err != nil {
			return err
		}
		if !s.again.Load() {
			return s.quota(ctx)
		}
	}
}

func (s *session) difference(ctx context.Context) error {
	names, err := s.list()
	if err != nil {
		return err
	}
	if now := s.Now(); now.Sub(s.pardon) >= daily { // what was set aside gets its chance again
		clear(s.trouble)
		s.pardon = now
	}
	var lacks []missing
	total := 0
	for _, name := range names {
		m, err := s.compare(ctx, name, 1)
		if err != nil {
			return err
		}
		if len(m.uids) > 0 {
			lacks = append(lacks, m)
			total += len(m.uids)
		}
	}
	done := 0
	if total > 0 {
		s.Sink.Progress(0, total)
	}
	for i, m := range lacks {
		for all := m.uids; len(all) > 0; {
			n := min(stretch, len(all))
			m.uids, all = all[:n], all[n:]
			if err := s.pull(ctx, m, func(n int) {
				done += n
				s.Sink.Progress(done, total)
			}); err != nil {
				return err
			}
			if i == len(lacks)-1 && len(all) == 0 {
				continue
			}
			if err := s.latest(ctx, inbox); err != nil { // what comes meanwhile does not wait for what is old, or junk
				return err
			}
		}
	}
	s.checked = s.Now()
	return nil
}

// latest looks at the newest UIDs of a folder, and fetches what is missing of them.
func (s *session) latest(ctx context.Context, name string) error {
	from := uint32(1)
	if st := s.folders[name]; st != nil && st.next > recent {
		from = st.next - recent
	}
	m, err := s.compare(ctx, name, from)
	if err != nil {
		return err
	}
	return s.pull(ctx, m, func(int) {})
}

// compare opens a folder, if it is not the open one, and says which of its UIDs from a number on are not stored. A
// folder that cannot be opened lacks nothing, but INBOX must open.
func (s *session) compare(ctx context.Context, name string, from uint32) (missing, error) {
	was := s.folders[name]
	opening := s.open(name)
	search := s.search(from)
	if err := s.opened(name, opening); err != nil {
		_, _ = search.Wait() // it failed too
		var said *imap.Error
		if errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo && !isInbox(name) {
			s.Log.Info("a folder is not read", "folder", name, "err", err)
			return missing{}, nil
		}
		return missing{}, err
	}
	found, err := search.Wait()
	if err != nil {
		return missing{}, fmt.Errorf("search folder %s: %w", name, err)
	}
	st := s.folders[name]
	if from > 1 && was.validity != st.validity { // the folder began anew: nothing is known of it
		return s.compare(ctx, name, 1)
	}
	has, err := s.Sink.Known(ctx, name, st.validity, from)
	if err != nil {
		return missing{}, err
	}
	uids, err := lacking(found.All, has)
	if err != nil {
		return missing{}, fmt.Errorf("search folder %s: %w", name, err)
	}
	st.next = max(st.next, newest(found.All)+1)
	if sink, is := s.Sink.(Lister); is && from == 1 {
		all, err := lacking(found.All, func(uint32) bool { return false })
		if err != nil {
			return missing{}, fmt.Errorf("search folder %s: %w", name, err)
		}
		if err := sink.Listed(ctx, name, st.validity, all, s.dated); err != nil {
			return missing{}, err
		}
	}
	return missing{folder: name, validity: st.validity, uids: uids}, nil
}

// dated asks when a letter of the open folder came.
func (s *session) dated(uid uint32) (at time.Time, err error) {
	got, err := s.c.Fetch(imap.UIDSetNum(imap.UID(uid)), &imap.FetchOptions{UID: true, InternalDate: true}).Collect()
	if err != nil {
		return at, fmt.Errorf("ask when a letter came: %w", err)
	}
	for _, m := range got {
		if uint32(m.UID) == uid {
			at = m.InternalDate
		}
	}
	return at, nil
}

// open asks for a folder, read-only, unless it is open.
func (s *session) open(name string) *imapclient.SelectCommand {
	if s.selected == name {
		return nil
	}
	s.selected = ""
	return s.c.Select(name, &imap.SelectOptions{ReadOnly: true})
}

// opened waits for the answer.
func (s *session) opened(name string, cmd *imapclient.SelectCommand) error {
	if cmd == nil {
		return nil
	}
	data, err := cmd.Wait()
	if err != nil {
		return fmt.Errorf("open folder %s: %w", name, err)
	}
	if data.UIDValidity == 0 {
		return fmt.Errorf("open folder %s: the server gives no UIDVALIDITY", name)
	}
	s.selected = name
	s.folders[name] = &state{validity: data.UIDValidity, next: uint32(data.UIDNext), messages: data.NumMessages}
	return nil
}

// search asks for the UIDs from a number on.
func (s *session) search(from uint32) *imapclient.SearchCommand {
	criteria := &imap.SearchCriteria{}
	if from > 1 {
		criteria.UID = []imap.UIDSet{{{Start: imap.UID(from), Stop: 1<<32 - 1}}}
	}
	var options *imap.SearchOptions
	if s.caps.Has(imap.CapESearch) {
		options = &imap.SearchOptions{ReturnAll: true}
	}
	return s.c.UIDSearch(criteria, options)
}

// newest is the highest UID of a set, or zero.
func newest(all imap.NumSet) uint32 {
	set, _ := all.(imap.UIDSet)
	if len(set) == 0 {
		return 0
	}
	return uint32(set[len(set)-1].Stop)
}

// most is how many messages a folder may hold. A server that claims more is not believed: the list alone would fill
// the memory.
const most = 20_000_000

// lacking gives the UIDs of a set that are not stored, newest first.
func lacking(all imap.NumSet, has func(uint32) bool) ([]uint32, error) {
	set, _ := all.(imap.UIDSet) // nil: the server found nothing
	if set.Dynamic() {
		return nil, errors.New("the server lists messages without naming them")
	}
	claimed := uint64(0)
	for _, r := range set {
		claimed += uint64(r.Stop) - uint64(r.Start) + 1
	}
	if claimed > most {
		return nil, fmt.Errorf("the server lists %d messages", claimed)
	}
	var uids []uint32
	for _, r := range slices.Backward(set) {
		for uid := uint32(r.Stop); uid >= uint32(r.Start) && uid > 0; uid-- {
			if !has(uid) {
				uids = append(uids, uid)
			}
		}
	}
	return uids, nil
}
