package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"postern/backend/care"
)

// Moved is letters that went from INBOX to another folder. To is what they are named there, in the order of UIDs; it has no
// UIDs where the server does not say.
type Moved struct {
	Validity uint32
	UIDs     []uint32
	To       struct {
		Folder   string
		Validity uint32
		UIDs     []uint32
	}
}

// Archive moves letters out of INBOX that came before a time, by the server's date, into the archive's folder of their year: the
// oldest first, at most so many, and of those alone that may be moved. It gives what was moved, also beside an error. A letter is at
// every moment in one folder or in both. care.Forbidden: this login may not, or the server cannot do it safely.
func (f *Fetcher) Archive(ctx context.Context, before time.Time, most int, may func(validity uint32) (func(uid uint32) bool, error)) (all []Moved, err error) {
	f.init()
	err = f.connected(ctx, func(s *session) error {
		all, err = s.archive(before, most, may)
		return err
	})
	return all, err
}

func (s *session) archive(before time.Time, most int, may func(uint32) (func(uint32) bool, error)) (all []Moved, err error) {
	opened, err := s.c.Select(inbox, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("open folder %s: %w", inbox, err)
	}
	movable, err := may(opened.UIDValidity)
	if err != nil {
		return nil, err
	}
	byYear, err := s.old(before, most, movable)
	if err != nil || len(byYear) == 0 {
		return nil, err
	}
	parent, delim, there, err := s.archiveFolder()
	if err != nil {
		return nil, err
	}
	for year, uids := range byYear {
		to := parent + delim + strconv.Itoa(year)
		if delim == "" { // folders have none under them here
			to = parent + "-" + strconv.Itoa(year)
		}
		if !there[to] {
			var said *imap.Error
			if err := s.c.Create(to, nil).Wait(); err != nil && !(errors.As(err, &said) && said.Code == imap.ResponseCodeAlreadyExists) {
				return all, mayNot(fmt.Errorf("make folder %s: %w", to, err))
			}
		}
		m, err := s.move(uids, to)
		if m.Validity = opened.UIDValidity; len(m.UIDs) > 0 {
			all = append(all, m)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// mayNot makes a server's refusal one for good: what it refuses is not tried again and again.
func mayNot(err error) error {
	var said *imap.Error
	if errors.As(err, &said) && said.Type == imap.StatusResponseTypeNo && !passing(said.Code) && said.Code != imap.ResponseCodeOverQuota {
		return care.Because(care.Forbidden, err, "The mail system does not let this login put letters into its archive.")
	}
	return err
}

// old gives the oldest movable letters of the open folder that came before a time, by their years.
func (s *session) old(before time.Time, most int, movable func(uint32) bool) (map[int][]uint32, error) {
	var options *imap.SearchOptions
	if s.caps.Has(imap.CapESearch) {
		options = &imap.SearchOptions{ReturnAll: true}
	}
	// The server compares dates alone, in a zone of its own.
	found, err := s.c.UIDSearch(&imap.SearchCriteria{Before: before.AddDate(0, 0, 1)}, options).Wait()
	if err != nil {
		return nil, fmt.Errorf("search for old letters: %w", err)
	}
	uids, err := lacking(found.All, func(uid uint32) bool { return !movable(uid) })
	if err != nil || len(uids) == 0 {
		return nil, err
	}
	slices.Reverse(uids)
	byYear := map[int][]uint32{}
	n := 0
	for some := range slices.Chunk(uids, most) {
		got, err := s.c.Fetch(uidSet(some), &imap.FetchOptions{UID: true, InternalDate: true}).Collect()
		if err != nil {
			return nil, fmt.Errorf("ask for the dates of old letters: %w", err)
		}
		for _, m := range got {
			if at := m.InternalDate; m.UID != 0 && !at.IsZero() && at.Before(before) && n < most {
				byYear[at.UTC().Year()] = append(byYear[at.UTC().Year()], uint32(m.UID))
				n++
			}
		}
		if n > 0 {
			break // the others another time
		}
	}
	return byYear, nil
}

func uidSet(uids []uint32) (set imap.UIDSet) {
	for _, uid := range slices.Sorted(slices.Values(uids)) {
		set.AddNum(imap.UID(uid))
	}
	return set
}

// archiveFolder is the folder that the server uses as an archive, or else one of that name, and what stands between it and the
// folders under it; with the folders that there are.
func (s *session) archiveFolder() (name, delim string, there map[string]bool, err error) {
	options := &imap.ListOptions{}
	if s.caps.Has(imap.CapSpecialUse) && s.caps.Has(imap.CapListExtended) {
		options.ReturnSpecialUse = true
	}
	found, err := s.c.List("", "*", options).Collect()
	if err != nil {
		return "", "", nil, fmt.Errorf("list folders: %w", err)
	}
	there = map[string]bool{}
	prefix, plain, special := "", "", ""
	for _, d := range found {
		there[d.Mailbox] = true
		if isInbox(d.Mailbox) && d.Delim != 0 {
			delim = string(d.Delim)
		}
		if slices.Contains(d.Attrs, imap.MailboxAttrArchive) {
			special = d.Mailbox
		}
	}
	if s.caps.Has(imap.CapNamespace) {
		spaces, err := s.c.Namespace().Wait()
		if err != nil {
			return "", "", nil, fmt.Errorf("ask how folders are named: %w", err)
		}
		if len(spaces.Personal) > 0 {
			prefix = spaces.Personal[0].Prefix
			if d := spaces.Personal[0].Delim; d != 0 {
				delim = string(d)
			}
		}
	}
	for _, d := range found {
		if strings.EqualFold(d.Mailbox, prefix+"Archive") {
			plain = d.Mailbox
		}
	}
	switch {
	case special != "":
		name = special
	case plain != "":
		name = plain
	default:
		name = prefix + "Archive"
	}
	return name, delim, there, nil
}

// move moves letters of the open folder, and says which are there no more.
func (s *session) move(uids []uint32, to string) (m Moved, err error) {
	set := uidSet(uids)
	var from, now imap.UIDSet
	switch {
	case s.caps.Has(imap.CapMove):
		data, err := s.c.Move(set, to).Wait()
		if err != nil {
			return m, mayNot(fmt.Errorf("move letters: %w", err))
		}
		from, _ = data.SourceUIDs.(imap.UIDSet)
		now, _ = data.DestUIDs.(imap.UIDSet)
		m.To.Validity = data.UIDValidity
	case !s.caps.Has(imap.CapUIDPlus): // a plain EXPUNGE takes what others marked too
		return m, care.Refusef(care.Forbidden, "The mail system cannot move single letters.")
	default:
		// The library's own way asks for all of it at once, and so would take letters away whose copying was refused.
		data, err := s.c.Copy(set, to).Wait()
		if err != nil {
			return m, mayNot(fmt.Errorf("copy letters: %w", err))
		}
		if err := s.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
			return m, mayNot(fmt.Errorf("mark letters as deleted: %w", err))
		}
		if err := s.c.UIDExpunge(set).Close(); err != nil {
			return m, mayNot(fmt.Errorf("take letters away: %w", err))
		}
		from, now, m.To.Validity = data.SourceUIDs, data.DestUIDs, data.UIDValidity
	}
	// Dovecot says OK to who may not.
	left, err := s.c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, nil).Wait()
	if err != nil {
		return m, fmt.Errorf("look whether letters have moved: %w", err)
	}
	still := map[uint32]bool{}
	for _, uid := range left.AllUIDs() {
		still[uint32(uid)] = true
	}
	for _, uid := range uids {
		if !still[uid] {
			m.UIDs = append(m.UIDs, uid)
		}
	}
	m.To.Folder = to
	if froms, ok := from.Nums(); ok {
		if nows, ok := now.Nums(); ok && len(froms) == len(nows) && m.To.Validity != 0 {
			named := map[uint32]uint32{}
			for i, uid := range froms {
				named[uint32(uid)] = uint32(nows[i])
			}
			for _, uid := range m.UIDs {
				if n := named[uid]; n != 0 {
					m.To.UIDs = append(m.To.UIDs, n)
				}
			}
		}
	}
	if len(m.UIDs) == 0 {
		return m, care.Refusef(care.Forbidden, "The mail system lets this login take no letters out of their folder.")
	}
	return m, nil
}
