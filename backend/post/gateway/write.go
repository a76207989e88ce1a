package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"postern/backend/record/store"
)

// writer makes all changes to letters, one batch after the other: what is asked for while one batch reaches the disk goes
// into the next, so that many submitters share the wait for the disk. What sessions hold in memory changes after the
// commit and before anybody is answered.
type writer struct {
	g       *Gateway
	indexes *indexes

	jobs chan *job
	stop chan struct{}
	done chan struct{}

	body int64 // the last number of a body that was given
}

type job struct {
	do   func(*change) error
	done chan error
}

// change is the transaction of a job.
type change struct {
	tx    *sql.Tx
	w     *writer
	after []func() // what changes in memory once it is committed
}

// batch is how many jobs share a commit. More would only make the first of them wait.
const batch = 64

var errStopped = errors.New("the gateway is ending")

func newWriter(ctx context.Context, g *Gateway, x *indexes) (*writer, error) {
	w := &writer{g: g, indexes: x, jobs: make(chan *job, batch), stop: make(chan struct{}), done: make(chan struct{})}
	err := g.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT coalesce(max(no), 0) / ? FROM piece", piecesEach).Scan(&w.body)
	})
	return w, err
}

// write makes a change and returns when it is on the disk. An error of do, or of the disk, leaves nothing of it.
func (w *writer) write(do func(*change) error) error {
	j := &job{do: do, done: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-w.done:
		return errStopped
	}
	select {
	case err := <-j.done:
		return err
	case <-w.done: // it may have been done as the last one
		select {
		case err := <-j.done:
			return err
		default:
			return errStopped
		}
	}
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case j := <-w.jobs:
			w.together(w.more(j))
		case <-w.stop:
			for {
				select {
				case j := <-w.jobs:
					w.together(w.more(j))
				default:
					return
				}
			}
		}
	}
}

// more gathers what else waits already.
func (w *writer) more(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < batch {
		select {
		case j := <-w.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// together does jobs in one transaction. One that fails by itself leaves the others be.
func (w *writer) together(jobs []*job) {
	errs := make([]error, len(jobs))
	var after []func()
	w.indexes.turn.Lock() // no index is read from the file meanwhile
	defer w.indexes.turn.Unlock()
	body := w.body
	err := w.g.db.Write(context.Background(), func(tx *sql.Tx) error {
		for i, j := range jobs {
			c := &change{tx: tx, w: w}
			if errs[i] = c.guarded(j.do); errs[i] == nil {
				after = append(after, c.after...)
			} else if !refusal(errs[i]) {
				return errs[i] // of the disk: nothing of this batch is kept
			}
		}
		return nil
	})
	if err != nil {
		w.body = body
		for _, j := range jobs {
			j.done <- err
		}
		return
	}
	for _, f := range after {
		f()
	}
	for i, j := range jobs {
		j.done <- errs[i]
	}
}

// refusal reports whether a job failed by its own fault.
func refusal(err error) bool {
	var told *imap.Error
	return errors.Is(err, errQuota) || errors.Is(err, errNoFolder) || errors.As(err, &told)
}

// guarded does a job and takes back what it did if it fails.
func (c *change) guarded(do func(*change) error) error {
	if _, err := c.tx.Exec("SAVEPOINT job"); err != nil {
		return err
	}
	err := do(c)
	if err != nil {
		if _, undo := c.tx.Exec("ROLLBACK TO job"); undo != nil {
			return errors.Join(err, undo)
		}
	}
	if _, end := c.tx.Exec("RELEASE job"); end != nil {
		return errors.Join(err, end)
	}
	return err
}

// letter is one that is put into a folder.
type letter struct {
	arrived time.Time
	flags   uint8
	bytes   []byte
}

var errQuota = errors.New("the mailbox is full")

// add puts letters into a folder and gives the first of their UIDs, which follow one another, and the folder's
// UIDVALIDITY. errQuota: there is no room in the mailbox.
func (c *change) add(folder int64, letters ...letter) (first, validity uint32, err error) {
	var mailbox int64
	var name string
	if err := c.tx.QueryRow("SELECT mailbox, name, next, validity FROM folder WHERE no = ?", folder).
		Scan(&mailbox, &name, &first, &validity); err != nil {
		return 0, 0, noFolder(err)
	}
	total := int64(0)
	flags := make([]uint8, len(letters))
	for i, l := range letters {
		total += int64(len(l.bytes))
		flags[i] = l.flags
	}
	if err := c.fits(mailbox, name, total); err != nil {
		return 0, 0, err
	}
	if uint64(first)+uint64(len(letters)) >= 1<<32 {
		return 0, 0, fmt.Errorf("folder %d has no numbers left", folder)
	}
	for i, l := range letters {
		if len(l.bytes) > largestEver {
			return 0, 0, fmt.Errorf("a letter of %d bytes", len(l.bytes))
		}
		c.w.body++
		if _, err := c.tx.Exec("INSERT INTO letter (folder, uid, arrived, size, flags, body) VALUES (?, ?, ?, ?, ?, ?)",
			folder, int64(first)+int64(i), store.Millis(l.arrived), len(l.bytes), l.flags, c.w.body); err != nil {
			return 0, 0, err
		}
		for n, rest := int64(0), l.bytes; n == 0 || len(rest) > 0; n++ {
			size := min(len(rest), pieceSize)
			if _, err := c.tx.Exec("INSERT INTO piece (no, bytes) VALUES (?, ?)", c.w.body*piecesEach+n, rest[:size:size]); err != nil {
				return 0, 0, err
			}
			rest = rest[size:]
		}
	}
	if err := c.count(mailbox, folder, len(letters), total, len(letters)); err != nil {
		return 0, 0, err
	}
	c.after = append(c.after, func() { c.w.indexes.added(folder, first, flags) })
	return first, validity, nil
}

// archive is the folder whose letters, with those of the folders under it, do not count as what fills a mailbox: whoever puts old
// letters away there makes room for new ones. They have a limit of their own.
const archive = "Archive"

func inArchive(name string) bool {
	return name == archive || strings.HasPrefix(name, archive+string(delimiter))
}

// room is how many bytes letters take up in a mailbox, and in its archive.
type room struct{ letters, archive int64 }

func roomOf(tx *sql.Tx, mailbox int64) (r room, err error) {
	err = tx.QueryRow("SELECT m.bytes, coalesce((SELECT sum(f.bytes) FROM folder f WHERE f.mailbox = m.no AND (f.name = ?2 OR substr(f.name, 1, length(?2) + 1) = ?2 || ?3)), 0) "+
		"FROM mailbox m WHERE m.no = ?1", mailbox, archive, string(delimiter)).Scan(&r.letters, &r.archive)
	r.letters -= r.archive
	return r, err
}

// room is how many bytes a folder may still take.
func (c *change) room(mailbox int64, folder string) (int64, error) {
	used, err := roomOf(c.tx, mailbox)
	if inArchive(folder) {
		return c.w.g.o.Limits.Archive - used.archive, err
	}
	return c.w.g.o.Limits.Mailbox - used.letters, err
}

// fits refuses what there is no room for in a folder.
func (c *change) fits(mailbox int64, folder string, bytes int64) error {
	room, err := c.room(mailbox, folder)
	if err == nil && bytes > room {
		err = errQuota
	}
	return err
}

// count notes what a folder and its mailbox hold more, or less, and how many UIDs were given.
func (c *change) count(mailbox, folder int64, letters int, bytes int64, given int) error {
	if _, err := c.tx.Exec("UPDATE folder SET next = next + ?, letters = letters + ?, bytes = bytes + ? WHERE no = ?", given, letters, bytes, folder); err != nil {
		return err
	}
	if bytes == 0 {
		return nil
	}
	_, err := c.tx.Exec("UPDATE mailbox SET bytes = bytes + ? WHERE no = ?", bytes, mailbox)
	return err
}

// remove takes letters out of a folder for good. UIDs that are not there are passed over.
func (c *change) remove(folder int64, uids []uint32) error {
	var mailbox int64
	if err := c.tx.QueryRow("SELECT mailbox FROM folder WHERE no = ?", folder).Scan(&mailbox); err != nil {
		return noFolder(err)
	}
	bytes, gone := int64(0), make([]uint32, 0, len(uids))
	for _, uid := range uids {
		var size, body int64
		err := c.tx.QueryRow("DELETE FROM letter WHERE folder = ? AND uid = ? RETURNING size, body", folder, uid).Scan(&size, &body)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.shred(body); err != nil {
			return err
		}
		bytes += size
		gone = append(gone, uid)
	}
	c.after = append(c.after, func() { c.w.indexes.removed(folder, gone) })
	return c.count(mailbox, folder, -len(gone), -bytes, 0)
}

func (c *change) shred(body int64) error {
	_, err := c.tx.Exec("DELETE FROM piece WHERE no >= ? AND no < ?", body*piecesEach, (body+1)*piecesEach)
	return err
}

// move moves letters from one folder to another of the same mailbox, under new UIDs in the same order. It gives the UIDs
// that were there, the first new one and the UIDVALIDITY of where they are now.
func (c *change) move(from, to int64, uids []uint32) (moved []uint32, first, validity uint32, err error) {
	var mailbox int64
	var name, was string
	if err := c.tx.QueryRow("SELECT t.mailbox, t.name, t.next, t.validity, f.name FROM folder t, folder f WHERE t.no = ? AND f.no = ?", to, from).
		Scan(&mailbox, &name, &first, &validity, &was); err != nil {
		return nil, 0, 0, noFolder(err)
	}
	bytes, flags := int64(0), make([]uint8, 0, len(uids))
	for _, uid := range uids {
		var size int64
		var flag uint8
		err := c.tx.QueryRow("UPDATE letter SET folder = ?, uid = ? WHERE folder = ? AND uid = ? RETURNING size, flags",
			to, int64(first)+int64(len(moved)), from, uid).Scan(&size, &flag)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, 0, 0, err
		}
		bytes += size
		moved, flags = append(moved, uid), append(flags, flag)
	}
	if inArchive(name) != inArchive(was) {
		if err := c.fits(mailbox, name, bytes); err != nil {
			return nil, 0, 0, err
		}
	}
	c.after = append(c.after, func() {
		c.w.indexes.removed(from, moved)
		c.w.indexes.added(to, first, flags)
	})
	if err := c.count(mailbox, from, -len(moved), -bytes, 0); err != nil {
		return nil, 0, 0, err
	}
	return moved, first, validity, c.count(mailbox, to, len(moved), bytes, len(moved))
}

// copy copies letters to another folder of the same mailbox, under new UIDs in the same order.
func (c *change) copy(from, to int64, uids []uint32) (copied []uint32, first, validity uint32, err error) {
	var mailbox int64
	var name string
	if err := c.tx.QueryRow("SELECT mailbox, name, next, validity FROM folder WHERE no = ?", to).Scan(&mailbox, &name, &first, &validity); err != nil {
		return nil, 0, 0, noFolder(err)
	}
	room, err := c.room(mailbox, name)
	if err != nil {
		return nil, 0, 0, err
	}
	bytes, flags := int64(0), make([]uint8, 0, len(uids))
	for _, uid := range uids {
		var arrived, size, body int64
		var flag uint8
		err := c.tx.QueryRow("SELECT arrived, size, flags, body FROM letter WHERE folder = ? AND uid = ?", from, uid).Scan(&arrived, &size, &flag, &body)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, 0, 0, err
		}
		if bytes += size; bytes > room {
			return nil, 0, 0, errQuota
		}
		c.w.body++
		if _, err := c.tx.Exec("INSERT INTO letter (folder, uid, arrived, size, flags, body) VALUES (?, ?, ?, ?, ?, ?)",
			to, int64(first)+int64(len(copied)), arrived, size, flag, c.w.body); err != nil {
			return nil, 0, 0, err
		}
		if _, err := c.tx.Exec("INSERT INTO piece (no, bytes) SELECT no + ?, bytes FROM piece WHERE no >= ? AND no < ?",
			(c.w.body-body)*piecesEach, body*piecesEach, (body+1)*piecesEach); err != nil {
			return nil, 0, 0, err
		}
		copied, flags = append(copied, uid), append(flags, flag)
	}
	c.after = append(c.after, func() { c.w.indexes.added(to, first, flags) })
	return copied, first, validity, c.count(mailbox, to, len(copied), bytes, len(copied))
}

// mark changes flags: those of set are set, then those of clear cleared. source is told nothing of it.
func (c *change) mark(folder int64, uids []uint32, set, clear uint8, source *view) error {
	for _, uid := range uids {
		if _, err := c.tx.Exec("UPDATE letter SET flags = (flags | ?) & ~? & 31 WHERE folder = ? AND uid = ?", set, clear, folder, uid); err != nil {
			return err
		}
	}
	c.after = append(c.after, func() { c.w.indexes.marked(folder, uids, set, clear, source) })
	return nil
}

var errNoFolder = errors.New("there is no such folder")

func noFolder(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errNoFolder
	}
	return err
}
