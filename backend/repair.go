package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
	"postern/backend/record/store"
)

const (
	recordFile = "replica.db"
	// damagedFile lies in the folder of a profile whose record was found damaged while it was open.
	damagedFile = "damaged"
)

// damagedNow is what a person is told while a damaged record is open.
const damagedNow = "The record of your messages on this computer is damaged. Lock Postern and unlock it: the record is then made anew from the " +
	"mailbox, and drafts are carried over as far as they can be read."

// noteDamage marks the profile in a folder: its record is looked through when it is opened next.
func noteDamage(dir string) error {
	return os.WriteFile(filepath.Join(dir, damagedFile), nil, 0o600)
}

// openRecord opens the record in a profile's folder. One that is damaged is put aside, where it stays, and begun anew: the mailbox
// has all that was sent and received. Of what it alone has, drafts and texts in their hold come along as far as they can be read.
func openRecord(ctx context.Context, dir string, key []byte, log *slog.Logger, now time.Time) (*store.DB, error) {
	path, mark := filepath.Join(dir, recordFile), filepath.Join(dir, damagedFile)
	_, err := os.Lstat(mark)
	noted := err == nil
	db, err := store.Open(ctx, path, key)
	if err == nil && noted {
		err = db.Check(ctx)
		if care.KindOf(err) != care.Corrupt { // it holds together, or cannot be read for another reason
			if err == nil {
				err = forgive(mark)
			}
			if err != nil {
				return nil, errors.Join(err, db.Close())
			}
			return db, nil
		}
	}
	if care.KindOf(err) != care.Corrupt {
		return db, err
	}
	log.Error("the record is damaged: it is begun anew from the mailbox", "err", err)
	var drafts []draft.Draft
	var held []outbox.Held
	if db != nil {
		drafts, held = salvage(ctx, db, log)
		if err := db.Close(); err != nil {
			log.Warn("close the damaged record", "err", err)
		}
	}
	if err := MarkRestored(dir, Restored{At: now, Damaged: true}); err != nil {
		return nil, care.Because(care.Internal, err, "The folder of this profile cannot be written. Ask whoever looks after this computer.")
	}
	if err := putAside(dir, now); err != nil {
		return nil, care.Because(care.Internal, err, "The damaged record cannot be put aside. Ask whoever looks after this computer.")
	}
	if db, err = store.Open(ctx, path, key); err != nil {
		return nil, err
	}
	err = db.Write(ctx, func(tx *sql.Tx) error {
		d, o := draft.New(db), outbox.New(db)
		for _, x := range drafts {
			if err := d.Save(ctx, tx, x); err != nil {
				return err
			}
		}
		for _, h := range held {
			h.Review, h.Why = true, "The record on this computer was damaged, and this text was waiting. It may have been sent already. Is it still to be sent?"
			if err := o.Hold(ctx, tx, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = forgive(mark)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// salvage reads what the mailbox does not have. What cannot be read is lost, and logged.
func salvage(ctx context.Context, db *store.DB, log *slog.Logger) (drafts []draft.Draft, held []outbox.Held) {
	if err := db.Read(ctx, func(tx *sql.Tx) (err error) {
		drafts, err = draft.New(db).List(ctx, tx)
		return err
	}); err != nil {
		log.Error("the drafts of the damaged record cannot be read", "err", err)
	}
	if err := db.Read(ctx, func(tx *sql.Tx) (err error) {
		held, err = outbox.New(db).AllHeld(ctx, tx)
		return err
	}); err != nil {
		log.Error("the texts that waited in the damaged record cannot be read", "err", err)
	}
	return drafts, held
}

// putAside moves the record's files into a folder of their own, encrypted as they are.
func putAside(dir string, now time.Time) error {
	aside := filepath.Join(dir, "damaged-"+now.UTC().Format("20060102T150405"))
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), recordFile) {
			if err := os.Rename(filepath.Join(dir, e.Name()), filepath.Join(aside, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgive takes the mark away.
func forgive(mark string) error {
	if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget that the record was damaged: %w", err)
	}
	return nil
}
