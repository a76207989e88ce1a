package backend

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"postern/backend/care"
)

// restoredFile lies in the folder of a profile that was put back from a backup, until the profile has read in its mailboxes
// what it did since. It holds no secret.
const restoredFile = "restored"

// Restored says of which time a profile's copy is, and when it was put back.
type Restored struct {
	Made time.Time `json:"made"`
	At   time.Time `json:"at"`
	// Damaged is of a record that was damaged and begun anew.
	Damaged bool `json:"damaged,omitempty"`
}

// MarkRestored marks the profile in a folder as put back from a backup: when it is opened, nothing leaves it before its
// mailboxes have been read to their end.
func MarkRestored(dir string, r Restored) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("mark a restored profile: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, restoredFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// readRestored gives the mark of a profile's folder; false where there is none. One that cannot be read marks it all the same.
func readRestored(dir string) (Restored, bool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, restoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Restored{}, false, nil
	}
	if err != nil {
		return Restored{}, false, care.Because(care.Internal, err, "The folder of this profile cannot be read. Ask whoever looks after this computer.")
	}
	var r Restored
	if json.Unmarshal(raw, &r) != nil {
		r = Restored{}
	}
	return r, true, nil
}

// restored is a profile that was put back from a backup, until it is closed.
type restored struct {
	of     Restored
	learnt chan struct{} // closed once it knows what it did since
}

// comeBack makes an older copy learn before it does anything, and asks its author about each text that waited in it: it may
// have been sent since, changed or taken back.
func (p *Profile) comeBack(ctx context.Context) error {
	of, back, err := readRestored(p.dir)
	if err != nil || !back {
		return err
	}
	p.restored = &restored{of: of, learnt: make(chan struct{})}
	p.log.Info("this profile was put back, or begun anew", "made", of.Made, "restored", of.At, "damaged", of.Damaged)
	p.replica.Learn = func(context.Context) error {
		if err := os.Remove(filepath.Join(p.dir, restoredFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget that a profile was restored: %w", err)
		}
		close(p.restored.learnt)
		return nil
	}
	return p.db.Write(ctx, func(tx *sql.Tx) error {
		if err := p.mails.Abandon(ctx, tx); err != nil {
			return err
		}
		all, err := p.desk.Outbox.AllHeld(ctx, tx)
		if err != nil {
			return err
		}
		for _, h := range all {
			if h.Review || !of.At.IsZero() && h.Written.After(of.At) { // what was written here since, its author means
				continue
			}
			if err := p.desk.Outbox.ToReview(ctx, tx, h.Draft, "This comes from a backup. It may have been sent since, or taken back. Is it still to be sent?"); err != nil {
				return err
			}
		}
		return nil
	})
}

// learnt returns once the profile knows what it did before: at once, unless it was put back from a backup.
func (p *Profile) learnt(ctx context.Context) error {
	if p.restored == nil {
		return nil
	}
	select {
	case <-p.restored.learnt:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stand says for one sign-in what a person must know of a profile that was put back, unless something else is amiss.
func (r *restored) stand(s care.SyncState) care.SyncState {
	if r == nil || s.Phase != care.SyncUpToDate || s.Problem != "" {
		return s
	}
	s.Phase = care.SyncAmiss
	if r.of.Damaged {
		s.Problem = "The record of your messages on this computer was damaged, and was made anew from the mailbox. Drafts that are not here could not be read. " +
			"Before you send a draft that is here, look whether you sent it already."
		return s
	}
	s.Problem = "This profile was put back from a backup. What was sent and received since is read from the mailbox again. Drafts since then, and " +
		"texts that had not been sent, are lost. Before you send a draft that is here, look whether you sent it already."
	return s
}
