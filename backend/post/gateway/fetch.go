package gateway

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"postern/backend/record/store"
)

// How much is read from the file at once: no transaction stays open while a client is slow.
const (
	letterStep = 256
	byteStep   = 1 << 20
	gapStep    = 32 // places that are not wanted, read over rather than asked for anew
)

// read is a letter as it is read for a client.
type read struct {
	place   int // in the view
	uid     uint32
	arrived time.Time
	size    int64
	body    int64
	flags   uint8
	first   []byte // its first piece, if bytes are wanted
}

// Fetch gives letters, or parts of them. One that was taken out meanwhile is passed over.
func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	if err := checkFetch(o); err != nil {
		return err
	}
	v := s.open.Load()
	uids := v.now()
	wanted := places(s.spans(uids, set))
	if err := s.see(uids, wanted, o); err != nil {
		return err
	}
	bytes := o.Envelope || o.BodyStructure != nil || len(o.BodySection) > 0 || len(o.BinarySection) > 0 || len(o.BinarySectionSize) > 0
	for len(wanted) > 0 {
		letters, rest, err := s.step(uids, wanted, bytes)
		if err != nil {
			return s.told(err)
		}
		wanted = rest
		if o.Flags {
			some := make([]uint32, len(letters))
			for i, l := range letters {
				some[i] = l.uid
			}
			for i, f := range v.flagsOf(some) {
				letters[i].flags = f
			}
		}
		if err := s.giveAll(w, letters, o); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) giveAll(w *imapserver.FetchWriter, letters []read, o *imap.FetchOptions) (err error) {
	end := s.conn.together()
	defer func() { err = errors.Join(err, end()) }()
	for i := range letters {
		if err := s.give(w, &letters[i], o); err != nil {
			return err
		}
	}
	return nil
}

// see flags letters as seen whose bytes are asked for without PEEK, where the session may change flags.
func (s *session) see(uids []uint32, wanted []int, o *imap.FetchOptions) error {
	reads := false
	for _, b := range o.BodySection {
		reads = reads || !b.Peek
	}
	for _, b := range o.BinarySection {
		reads = reads || !b.Peek
	}
	if !reads || s.changes() != nil {
		return nil
	}
	some := make([]uint32, len(wanted))
	for i, p := range wanted {
		some[i] = uids[p]
	}
	var unseen []uint32
	for i, f := range s.open.Load().flagsOf(some) {
		if f&seen == 0 {
			unseen = append(unseen, some[i])
		}
	}
	if len(unseen) == 0 {
		return nil
	}
	folder := s.open.Load().ix.folder
	return s.told(s.r.writer.write(func(c *change) error { return c.mark(folder, unseen, seen, 0, nil) }))
}

// step reads the next of the letters that are wanted, and gives which are wanted after them.
func (s *session) step(uids []uint32, wanted []int, bytes bool) (letters []read, rest []int, err error) {
	n := 1
	for n < len(wanted) && n < letterStep && wanted[n]-wanted[n-1] <= gapStep {
		n++
	}
	query := "SELECT uid, arrived, size, body, x'' FROM letter WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid"
	if bytes {
		query = "SELECT l.uid, l.arrived, l.size, l.body, p.bytes FROM letter l JOIN piece p ON p.no = l.body * 64 " +
			"WHERE l.folder = ? AND l.uid BETWEEN ? AND ? ORDER BY l.uid"
	}
	ctx := context.Background()
	next := 0
	err = s.r.g.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, s.open.Load().ix.folder, uids[wanted[0]], uids[wanted[n-1]])
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // its error comes from rows.Err
		total := 0
		for total < byteStep && rows.Next() {
			var l read
			var arrived int64
			var first sql.RawBytes
			if err := rows.Scan(&l.uid, &arrived, &l.size, &l.body, &first); err != nil {
				return err
			}
			for next < n && uids[wanted[next]] < l.uid {
				next++ // gone
			}
			if next == n || uids[wanted[next]] != l.uid {
				continue // not wanted
			}
			l.place, l.arrived, l.first = wanted[next], store.Time(arrived), append([]byte(nil), first...)
			total += len(first)
			next++
			letters = append(letters, l)
		}
		if total < byteStep {
			next = n
		}
		return rows.Err()
	})
	return letters, wanted[next:], err
}

// give writes one letter's answer. What is asked of it is ready before the answer begins.
func (s *session) give(w *imapserver.FetchWriter, l *read, o *imap.FetchOptions) error {
	whole := once(func() ([]byte, error) { return s.whole(l) })
	var parts asked
	if needsWhole(o) {
		if !s.r.memory.take(s.a.name, l.size) {
			return no(imap.ResponseCodeLimit, "The gateway gives out too much at once. Try again later")
		}
		defer s.r.memory.give(s.a.name, l.size)
	}
	if err := parts.ready(l, o, whole); err != nil {
		return s.told(err)
	}
	m := w.CreateMessage(uint32(l.place) + 1)
	err := s.write(m, l, o, &parts)
	if err != nil {
		// An answer that was begun cannot be taken back.
		_ = s.conn.Close()
		_ = m.Close()
		return err
	}
	return m.Close()
}

func (s *session) write(m *imapserver.FetchResponseWriter, l *read, o *imap.FetchOptions, parts *asked) error {
	m.WriteUID(imap.UID(l.uid))
	if o.Flags {
		m.WriteFlags(flagList(l.flags))
	}
	if o.InternalDate {
		m.WriteInternalDate(l.arrived)
	}
	if o.RFC822Size {
		m.WriteRFC822Size(l.size)
	}
	if o.Envelope {
		m.WriteEnvelope(parts.envelope)
	}
	if o.BodyStructure != nil {
		m.WriteBodyStructure(parts.structure)
	}
	for i, b := range o.BodySection {
		from, to := partial(b.Partial, parts.sizes[i])
		out := m.WriteBodySection(b, to-from)
		err := s.section(out, l, parts.sections[i], from, to)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	for i, b := range o.BinarySection {
		from, to := partial(b.Partial, int64(len(parts.binaries[i])))
		out := m.WriteBinarySection(b, to-from)
		_, err := out.Write(parts.binaries[i][from:to])
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	for i, b := range o.BinarySectionSize {
		m.WriteBinarySectionSize(b, uint32(len(parts.binarySizes[i])))
	}
	return nil
}

// section writes a range of a section: of bytes that are ready, or where there are none of the letter as it is.
func (s *session) section(out io.Writer, l *read, ready []byte, from, to int64) error {
	if ready != nil {
		_, err := out.Write(ready[from:to])
		return err
	}
	for from < to {
		n := from / pieceSize
		piece := l.first
		if n > 0 {
			var err error
			if piece, err = s.piece(l.body, n); err != nil {
				return err
			}
		}
		at := from - n*pieceSize
		end := min(to-n*pieceSize, int64(len(piece)))
		if end <= at {
			return io.ErrUnexpectedEOF
		}
		if _, err := out.Write(piece[at:end]); err != nil {
			return err
		}
		from += end - at
	}
	return nil
}

func (s *session) piece(body, n int64) (piece []byte, err error) {
	ctx := context.Background()
	err = s.r.g.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT bytes FROM piece WHERE no = ?", body*piecesEach+n).Scan(&piece)
	})
	return piece, err
}

// whole gives all bytes of a letter.
func (s *session) whole(l *read) ([]byte, error) {
	if int64(len(l.first)) == l.size {
		return l.first, nil
	}
	var b bytes.Buffer
	err := s.section(&b, l, nil, 0, l.size)
	return b.Bytes(), err
}

// partial gives the range that was asked for, within a size.
func partial(p *imap.SectionPartial, size int64) (from, to int64) {
	if p == nil {
		return 0, size
	}
	from = min(p.Offset, size)
	return from, from + min(p.Size, size-from)
}
