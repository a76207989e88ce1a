package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"

	"postern/backend/care"
)

func TestExplain(t *testing.T) {
	plain := errors.New("a defect")
	refusal := care.Refusef(care.Invalid, "No.")
	for _, c := range []struct {
		err  error
		did  string
		kind care.Kind
		says string
	}{
		{sqlite3.Error{Code: sqlite3.ErrFull}, saved, care.Full, "no room left"},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}, saved, care.Full, "no room left"},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EDQUOT}, saved, care.Full, "no room left"},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrSHMSize}, saved, care.Full, "no room left"},
		{sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.ENOSPC}, saved, care.Full, "no room left"},
		{&os.PathError{Op: "open", Path: "r.db", Err: syscall.ENOSPC}, saved, care.Full, "no room left"},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EIO}, saved, care.Full, "could not be saved"},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EIO}, read, care.Internal, "could not be read"},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt}, read, care.Corrupt, "damaged"},
		{sqlite3.Error{Code: sqlite3.ErrNotADB}, read, care.Corrupt, "damaged"},
		{sqlite3.Error{Code: sqlite3.ErrReadonly}, saved, care.Internal, "may not write"},
		{&os.PathError{Op: "open", Path: "r.db", Err: syscall.EACCES}, saved, care.Internal, "may not write"},
		{sqlite3.Error{Code: sqlite3.ErrBusy}, saved, care.Unavailable, "Another program"},
		{fmt.Errorf("save draft: %w", sqlite3.Error{Code: sqlite3.ErrFull}), saved, care.Full, "no room left"},
		{fmt.Errorf("save draft: %w", refusal), saved, care.Invalid, "No."},
		{plain, saved, care.Internal, "Something went wrong"},
	} {
		got := replicaSentences.explain(c.err, c.did)
		if care.KindOf(got) != c.kind || !strings.Contains(care.SentenceOf(got), c.says) || strings.Contains(care.SentenceOf(got), "%") {
			t.Errorf("%v: %s, %s", c.err, care.KindOf(got), care.SentenceOf(got))
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%v: its cause is lost", c.err)
		}
	}
	if replicaSentences.explain(nil, saved) != nil {
		t.Error("nothing is an error")
	}
}
