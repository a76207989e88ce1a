package gateway

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"postern/backend/record/store"
)

const delimiter = '/'

// What a mailbox may have of folders.
const (
	mostFolders = 200
	longestName = 200 // bytes
	deepest     = 10
)

// all gives the folders of the session's mailbox, INBOX first, then by name.
func (s *session) all(ctx context.Context) (all []folderRow, err error) {
	err = s.r.g.db.Read(ctx, func(tx *sql.Tx) (err error) {
		all, err = foldersOf(ctx, tx, s.a.mailbox)
		return err
	})
	return all, err
}

// foldersOf reads those of a mailbox, INBOX first, then by name.
func foldersOf(ctx context.Context, tx *sql.Tx, mailbox int64) (all []folderRow, err error) {
	err = store.Each(ctx, tx, "SELECT "+folderColumns+" FROM folder WHERE mailbox = ? ORDER BY name <> 'INBOX', name", []any{mailbox}, func(rows *sql.Rows) error {
		var f folderRow
		err := f.scan(rows)
		all = append(all, f)
		return err
	})
	return all, err
}

func (f *folderRow) list() *imap.ListData {
	d := &imap.ListData{Mailbox: f.name, Delim: delimiter}
	if f.special != "" {
		d.Attrs = append(d.Attrs, imap.MailboxAttr(`\`+f.special))
	}
	return d
}

// List lists folders, with their special use whether asked for or not (RFC 6154 allows it).
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if len(patterns) == 0 { // it asks for the delimiter
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	ctx := context.Background()
	all, err := s.all(ctx)
	if err != nil {
		return s.told(err)
	}
	for i, p := range patterns {
		patterns[i] = pattern(ref, p)
	}
	for i := range all {
		f := &all[i]
		if o.SelectSubscribed && !f.subscribed || o.SelectSpecialUse && f.special == "" {
			continue
		}
		if !slices.ContainsFunc(patterns, func(p string) bool {
			return matches(f.name, p) || f.name == inbox && matches(inbox, strings.ToUpper(p))
		}) {
			continue
		}
		d := f.list()
		if f.subscribed && (o.SelectSubscribed || o.ReturnSubscribed) {
			d.Attrs = append(d.Attrs, imap.MailboxAttrSubscribed)
		}
		beneath := slices.ContainsFunc(all, func(o folderRow) bool { return strings.HasPrefix(o.name, f.name+string(delimiter)) })
		if beneath {
			d.Attrs = append(d.Attrs, imap.MailboxAttrHasChildren)
		} else {
			d.Attrs = append(d.Attrs, imap.MailboxAttrHasNoChildren)
		}
		if o.ReturnStatus != nil {
			if d.Status, err = s.status(ctx, f, o.ReturnStatus); err != nil {
				return s.told(err)
			}
		}
		if err := w.WriteList(d); err != nil {
			return err
		}
	}
	return nil
}

// pattern puts a reference in front of a pattern.
func pattern(ref, p string) string {
	if rest, absolute := strings.CutPrefix(p, string(delimiter)); absolute {
		return rest
	}
	if ref != "" && !strings.HasSuffix(ref, string(delimiter)) {
		ref += string(delimiter)
	}
	return ref + p
}

// matches reports whether a name fits a pattern, "*" standing for anything and "%" for anything within a level. It takes
// time for one by the other: the library's own can take longer than the world lasts.
func matches(name, pattern string) bool {
	if len(pattern) > 2*longestName {
		return false
	}
	fits := make([]bool, len(name)+1) // of the first i bytes of the name, by the pattern so far
	fits[0] = true
	for _, p := range []byte(pattern) {
		switch p {
		case '*', '%':
			for i := range len(name) {
				fits[i+1] = fits[i+1] || fits[i] && (p == '*' || name[i] != delimiter)
			}
		default:
			for i := len(name); i > 0; i-- {
				fits[i] = fits[i-1] && name[i-1] == p
			}
			fits[0] = false
		}
	}
	return fits[len(name)]
}

// Status tells numbers of a folder without opening it.
func (s *session) Status(name string, o *imap.StatusOptions) (*imap.StatusData, error) {
	ctx := context.Background()
	f, err := s.folder(ctx, name)
	if err != nil {
		return nil, s.told(err)
	}
	data, err := s.status(ctx, &f, o)
	return data, s.told(err)
}

func (s *session) status(ctx context.Context, f *folderRow, o *imap.StatusOptions) (*imap.StatusData, error) {
	letters, none, limit := uint32(f.letters), uint32(0), s.AppendLimit()
	data := &imap.StatusData{Mailbox: f.name, NumMessages: &letters, UIDNext: imap.UID(f.next), UIDValidity: f.validity,
		NumRecent: &none, Size: &f.bytes, AppendLimit: &limit}
	if !o.NumUnseen && !o.NumDeleted && !o.DeletedStorage {
		return data, nil
	}
	var unseen, gone uint32
	var storage int64
	err := s.r.g.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FILTER (WHERE flags & ?2 = 0), count(*) FILTER (WHERE flags & ?3 <> 0), "+
			"coalesce(sum(size) FILTER (WHERE flags & ?3 <> 0), 0) FROM letter WHERE folder = ?1", f.no, seen, deleted).Scan(&unseen, &gone, &storage)
	})
	data.NumUnseen, data.NumDeleted, data.DeletedStorage = &unseen, &gone, &storage
	return data, err
}

// checkName refuses names that no folder can have.
func checkName(name string) error {
	bad := no(imap.ResponseCodeCannot, "No folder can have that name")
	parts := strings.Split(name, string(delimiter))
	if len(name) > longestName || len(parts) > deepest || !utf8.ValidString(name) || strings.EqualFold(parts[0], inbox) || strings.ContainsAny(name, `*%\"`) {
		return bad
	}
	for _, p := range parts {
		if p == "" || strings.ContainsFunc(p, unicode.IsControl) {
			return bad
		}
	}
	return nil
}

// filing refuses what staff may not do to folders. After EXAMINE it may be done.
func (s *session) filing() error {
	if s.a.kind == Staff {
		return errStaff
	}
	return nil
}

// edit changes folders of the mailbox.
func (s *session) edit(do func(c *change, have map[string]folderRow) error) error {
	if err := s.filing(); err != nil {
		return err
	}
	return s.told(s.r.writer.write(func(c *change) error {
		all, err := foldersOf(context.Background(), c.tx, s.a.mailbox)
		if err != nil {
			return err
		}
		have := map[string]folderRow{}
		for _, f := range all {
			have[f.name] = f
		}
		return do(c, have)
	}))
}

// Create makes a folder, and those above it.
func (s *session) Create(name string, o *imap.CreateOptions) error {
	name = strings.TrimSuffix(name, string(delimiter))
	if err := s.filing(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	if len(o.SpecialUse) > 0 {
		return no(imap.ResponseCode("USEATTR"), "Folders are made without a special use here")
	}
	return s.edit(func(c *change, have map[string]folderRow) error {
		if _, there := have[name]; there {
			return no(imap.ResponseCodeAlreadyExists, "There is such a folder")
		}
		return s.makeAll(c, have, name)
	})
}

// makeAll makes a folder and those above it.
func (s *session) makeAll(c *change, have map[string]folderRow, name string) error {
	parts := strings.Split(name, string(delimiter))
	for i := range parts {
		level := strings.Join(parts[:i+1], string(delimiter))
		if _, there := have[level]; there {
			continue
		}
		if len(have) >= mostFolders {
			return no(imap.ResponseCodeLimit, "The mailbox has as many folders as it may have")
		}
		no, err := s.r.g.makeFolder(context.Background(), c.tx, s.a.mailbox, level, "")
		if err != nil {
			return err
		}
		have[level] = folderRow{no: no, name: level}
	}
	return nil
}

// own gives a folder that a person made. Those that every mailbox has are not theirs to rename or to take away.
func own(have map[string]folderRow, name string) (folderRow, error) {
	f, there := have[name]
	switch {
	case !there:
		return f, errNone
	case f.special != "" || name == inbox:
		return f, no(imap.ResponseCodeCannot, "Every mailbox has that folder")
	}
	return f, nil
}

// Delete takes a folder away with all its letters. Those that every mailbox has stay.
func (s *session) Delete(name string) error {
	return s.edit(func(c *change, have map[string]folderRow) error {
		f, err := own(have, name)
		if err != nil {
			return err
		}
		for other := range have {
			if strings.HasPrefix(other, name+string(delimiter)) {
				return no(imap.ResponseCodeHasChildren, "There are folders under it")
			}
		}
		if err := c.clear(f.no); err != nil {
			return err
		}
		if _, err := c.tx.Exec("DELETE FROM folder WHERE no = ?", f.no); err != nil {
			return err
		}
		c.after = append(c.after, func() { c.w.indexes.drop(f.no) })
		return nil
	})
}

// clear takes all letters out of a folder.
func (c *change) clear(folder int64) error {
	uids, err := numbers[uint32](context.Background(), c.tx, "SELECT uid FROM letter WHERE folder = ?", folder)
	if err != nil {
		return err
	}
	return c.remove(folder, uids)
}

// Rename gives a folder another name, and those under it with it.
func (s *session) Rename(name, to string, _ *imap.RenameOptions) error {
	to = strings.TrimSuffix(to, string(delimiter))
	return s.edit(func(c *change, have map[string]folderRow) error {
		if err := checkName(to); err != nil {
			return err
		}
		if _, err := own(have, name); err != nil {
			return err
		}
		if strings.HasPrefix(to, name+string(delimiter)) {
			return no(imap.ResponseCodeCannot, "A folder cannot go under itself")
		}
		if _, there := have[to]; there {
			return no(imap.ResponseCodeAlreadyExists, "There is such a folder")
		}
		if i := strings.LastIndexByte(to, delimiter); i > 0 {
			if err := s.makeAll(c, have, to[:i]); err != nil {
				return err
			}
		}
		for other, o := range have {
			rest, under := strings.CutPrefix(other, name+string(delimiter))
			if !under && other != name {
				continue
			}
			now := to
			if under {
				now += string(delimiter) + rest
			}
			if err := checkName(now); err != nil {
				return err
			}
			if _, err := c.tx.Exec("UPDATE folder SET name = ? WHERE no = ?", now, o.no); err != nil {
				return err
			}
		}
		return nil
	})
}

// Subscribe marks a folder as one that clients show.
func (s *session) Subscribe(name string) error { return s.subscribe(name, true) }

// Unsubscribe takes that back.
func (s *session) Unsubscribe(name string) error { return s.subscribe(name, false) }

func (s *session) subscribe(name string, on bool) error {
	return s.edit(func(c *change, have map[string]folderRow) error {
		f, there := have[name]
		if !there {
			return errNone
		}
		_, err := c.tx.Exec("UPDATE folder SET subscribed = ? WHERE no = ?", on, f.no)
		return err
	})
}
