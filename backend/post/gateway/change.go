package gateway

import (
	"context"
	"errors"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// Store changes flags.
func (s *session) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	if err := s.changes(); err != nil {
		return err
	}
	uids := s.named(set)
	bits := flagBits(flags.Flags)
	var on, off uint8
	switch flags.Op {
	case imap.StoreFlagsSet:
		on, off = bits, ^bits
	case imap.StoreFlagsAdd:
		on = bits
	case imap.StoreFlagsDel:
		off = bits
	}
	v := s.open.Load()
	if err := s.r.writer.write(func(c *change) error { return c.mark(v.ix.folder, uids, on, off, v) }); err != nil {
		return s.told(err)
	}
	if flags.Silent {
		return nil
	}
	return s.Fetch(w, set, &imap.FetchOptions{UID: true, Flags: true})
}

// Expunge takes the letters out that are flagged as deleted, of a set or all. The client is told by Poll. CLOSE comes here
// too, and takes nothing out where nothing may be changed.
func (s *session) Expunge(w *imapserver.ExpungeWriter, set *imap.UIDSet) error {
	if err := s.changes(); err != nil {
		if *w == (imapserver.ExpungeWriter{}) { // it is CLOSE's
			return nil
		}
		return err
	}
	v := s.open.Load()
	uids := v.now()
	if set != nil {
		uids = s.named(*set)
	}
	var gone []uint32
	for i, f := range v.flagsOf(uids) {
		if f&deleted != 0 {
			gone = append(gone, uids[i])
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.told(s.r.writer.write(func(c *change) error { return c.remove(v.ix.folder, gone) }))
}

// target is the folder that letters are to go to.
func (s *session) target(name string) (folderRow, error) {
	f, err := s.folder(context.Background(), name)
	switch {
	case errors.Is(err, errNoFolder):
		return f, no(imap.ResponseCodeTryCreate, "There is no such folder")
	case err != nil:
		return f, s.told(err)
	case f.no == s.open.Load().ix.folder:
		return f, no(imap.ResponseCodeCannot, "The letters are in that folder")
	}
	return f, nil
}

// uidsFrom is a set of numbers that follow one another.
func uidsFrom(first uint32, n int) imap.UIDSet {
	return imap.UIDSet{{Start: imap.UID(first), Stop: imap.UID(first + uint32(n) - 1)}}
}

func uidSet(uids []uint32) (set imap.UIDSet) {
	for _, uid := range uids {
		if n := len(set); n > 0 && uint32(set[n-1].Stop)+1 == uid {
			set[n-1].Stop++
		} else {
			set = append(set, imap.UIDRange{Start: imap.UID(uid), Stop: imap.UID(uid)})
		}
	}
	return set
}

// Move moves letters to another folder, all or none. The client is told by Poll that they are gone.
func (s *session) Move(w *imapserver.MoveWriter, set imap.NumSet, name string) error {
	if err := s.changes(); err != nil {
		return err
	}
	to, err := s.target(name)
	if err != nil {
		return err
	}
	uids, from := s.named(set), s.open.Load().ix.folder
	if len(uids) == 0 {
		return nil
	}
	var moved []uint32
	var first, validity uint32
	err = s.r.writer.write(func(c *change) (err error) {
		moved, first, validity, err = c.move(from, to.no, uids)
		return err
	})
	if err != nil || len(moved) == 0 {
		return s.told(err)
	}
	return w.WriteCopyData(&imap.CopyData{UIDValidity: validity, SourceUIDs: uidSet(moved), DestUIDs: uidsFrom(first, len(moved))})
}

// Copy copies letters to another folder, all or none.
func (s *session) Copy(set imap.NumSet, name string) (*imap.CopyData, error) {
	if err := s.changes(); err != nil {
		return nil, err
	}
	to, err := s.target(name)
	if err != nil {
		return nil, err
	}
	uids, from := s.named(set), s.open.Load().ix.folder
	var copied []uint32
	var first, validity uint32
	if len(uids) > 0 {
		err = s.r.writer.write(func(c *change) (err error) {
			copied, first, validity, err = c.copy(from, to.no, uids)
			return err
		})
	}
	if err != nil || len(copied) == 0 {
		return nil, s.told(err)
	}
	return &imap.CopyData{UIDValidity: validity, SourceUIDs: uidSet(copied), DestUIDs: uidsFrom(first, len(copied))}, nil
}
