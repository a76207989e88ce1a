package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"postern/backend/care"
	"postern/backend/record/store/atrest"
)

// Sentences are the words for what a disk and a file can do to us. Each says what happened, where the text is and what to
// do. In NoRoom, BadDisk, MayNot and Held one %s stands for what could not be done: "saved" or "read".
type Sentences struct {
	NoRoom, BadDisk, Damaged, MayNot, Held string

	Newer string // a newer Postern wrote the file
	Key   string // the key cannot be its key
	Plain string // the file should be encrypted and is not; of a schema that never is, empty
}

var replicaSentences = Sentences{
	NoRoom: "There is no room left on this computer's disk, so this could not be %s. What was saved before is safe, and " +
		"text that you have just typed is still in its window. Free some space, then try again.",
	BadDisk: "This computer's disk reported an error, so this could not be %s. What was saved before is still there, and " +
		"text that you have just typed is still in its window. Try again, and if it happens again, have the disk checked.",
	Damaged: "The file that holds this profile's messages is damaged. Everything that was sent or received is still in the " +
		"mailbox; only drafts and texts that still waited may be lost. Lock Postern and unlock it: the file is then made anew.",
	MayNot: "Postern may not write into its own folder on this computer, so this could not be %s. What was saved before " +
		"is safe, and text that you have just typed is still in its window. Ask whoever looks after this computer.",
	Held: "Another program holds the file with this profile's messages, so this could not be %s. Text that you have " +
		"just typed is still in its window. Close the other program, then try again.",
	Newer: "A newer Postern has used this profile on this computer. Nothing was changed. Update Postern, then sign in again.",
	Key:   "This profile's key does not fit its messages. Nothing was changed.",
	Plain: "The file that holds this profile's messages is not encrypted: an early version of Postern wrote it. Nothing was " +
		"changed. Make the profile anew; a demo begins anew with --start-over.",
}

// notSealed is how package atrest says that a rollback journal was changed (SQLITE_IOERR_DATA). Of other files it says that
// they are corrupt.
var notSealed = sqlite3.ErrIoErr.Extend(32)

// What could not be done.
const (
	saved = "saved"
	read  = "read"
)

// explain turns what SQLite and the disk say into a refusal with a sentence. Other errors, and nil, come back as they
// are. A full disk shows in three ways: as SQLITE_FULL, as an input or output error, and as a file that cannot be made.
func (w *Sentences) explain(err error, did string) error {
	var told *care.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	because := func(kind care.Kind, sentence string) error {
		return care.Because(kind, err, fmt.Sprintf(sentence, did))
	}
	if isFull(err) {
		return because(care.Full, w.NoRoom)
	}
	switch {
	case errors.Is(err, atrest.ErrKey):
		return care.Because(care.Corrupt, err, w.Key)
	case errors.Is(err, atrest.ErrPlain):
		return care.Because(care.Conflict, err, w.Plain)
	case errors.Is(err, atrest.ErrForeign), errors.Is(err, atrest.ErrDamaged):
		return w.corrupt(err)
	}
	var s sqlite3.Error
	if !errors.As(err, &s) {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return because(care.Internal, w.MayNot)
		}
		return err
	}
	if s.ExtendedCode == notSealed {
		return w.corrupt(err)
	}
	switch s.Code {
	case sqlite3.ErrIoErr:
		if did == read {
			return because(care.Internal, w.BadDisk)
		}
		return because(care.Full, w.BadDisk) // as full, it takes nothing more
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return w.corrupt(err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen:
		return because(care.Internal, w.MayNot)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return because(care.Unavailable, w.Held) // it passes: nothing is decided by it
	}
	return err
}

func isFull(err error) bool {
	var s sqlite3.Error
	if errors.As(err, &s) && (s.Code == sqlite3.ErrFull || noSpace(s.SystemErrno) || s.ExtendedCode == sqlite3.ErrIoErrSHMSize) {
		return true
	}
	var errno syscall.Errno
	return errors.As(err, &errno) && noSpace(errno)
}

// noSpace reports whether the system said that a disk or a quota is full.
func noSpace(errno syscall.Errno) bool { return errno == syscall.ENOSPC || errno == syscall.EDQUOT }

func (w *Sentences) corrupt(cause error) error { return care.Because(care.Corrupt, cause, w.Damaged) }
