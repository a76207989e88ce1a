package gateway

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Letter is one that is put into a folder past the submission.
type Letter struct {
	Arrived time.Time
	Bytes   []byte
}

// Put puts letters into a folder of a mailbox, in this order, as having arrived at their times: from another mail system,
// or a test. The gateway must run. Each few hundred are on the disk or are not; after an error the first of them may be.
func (g *Gateway) Put(ctx context.Context, local, folder string, letters ...Letter) error {
	g.mu.Lock()
	r := g.running
	g.mu.Unlock()
	if r == nil {
		return care.Because(care.Unavailable, errStopped, "The gateway does not run.")
	}
	var no int64
	err := g.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT f.no FROM folder f JOIN mailbox m ON m.no = f.mailbox WHERE m.local = ? AND f.name = ?", local, folder).Scan(&no)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return care.Refusef(care.NotFound, "There is no folder %s in a mailbox %s.", folder, local)
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(letters, 250) {
		in := make([]letter, len(some))
		for i, l := range some {
			in[i] = letter{arrived: l.Arrived, bytes: l.Bytes}
		}
		if err := r.writer.write(func(c *change) error { _, _, err := c.add(no, in...); return err }); err != nil {
			return err
		}
	}
	return nil
}

// Restored gives every folder a new UIDVALIDITY, so that clients compare all that is there with what they have. It is for
// a folder that an older copy of has been put back: what came after the copy was made is not there, its numbers will be
// given again, and a client would take the new letters for those that it has. The gateway must not run: care.Conflict.
func (g *Gateway) Restored(ctx context.Context) (err error) {
	lock, err := store.Lock(filepath.Join(g.dir, "lock"))
	if err != nil {
		return care.Because(care.Conflict, err, "This gateway runs. Stop it first.")
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return g.db.Write(ctx, func(tx *sql.Tx) error {
		all, err := numbers[int64](ctx, tx, "SELECT no FROM folder ORDER BY no")
		if err != nil {
			return err
		}
		for _, no := range all {
			validity, err := g.validity(ctx, tx)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE folder SET validity = ?1, next = coalesce((SELECT max(uid) FROM letter WHERE folder = ?2), 0) + 1 WHERE no = ?2", validity, no); err != nil {
				return err
			}
		}
		return nil
	})
}
