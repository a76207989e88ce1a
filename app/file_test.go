package app

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"postern/backend/care"
)

// only fails unless a folder holds this one thing, and no file half written beside it.
func only(t *testing.T, dir, name string) {
	t.Helper()
	there, err := os.ReadDir(dir)
	if err != nil || len(there) != 1 || there[0].Name() != name {
		t.Errorf("the folder holds %v, %v", there, err)
	}
}

func TestReplacingAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.html")
	for _, content := range []string{"first, and longer", "second"} {
		if err := replaceFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("it holds %q, %v", got, err)
		}
		if err := os.Chmod(path, 0o644); err != nil { // as another program may have left it
			t.Fatal(err)
		}
	}
	if err := replaceFile(path, nil); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Stat(path); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", at.Mode(), err)
	}
	only(t, dir, "copy.html")
}

// TestAFileStaysWhereReplacingFails on the way: the disk takes a few bytes, and then no more.
func TestAFileStaysWhereReplacingFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.html")
	if err := os.WriteFile(path, []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	failed := replaceFile(path, make([]byte, 8192))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, syscall.EFBIG) {
		t.Errorf("it failed with %v", failed)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "what was there" {
		t.Errorf("it holds %q, %v", got, err)
	}
	only(t, dir, "copy.html")
}

// TestAFileThatCannotBeThere: its folder is gone, is no folder, or has a folder in its place; and a folder to which
// nothing may be written, where the test runs as somebody whom that stops.
func TestAFileThatCannotBeThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "folder", "full", "file")
	if err := os.WriteFile(file, []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := ": that folder is not there any more."
	for path, words := range map[string]string{
		filepath.Join(dir, "gone", "copy.html"):                        gone,
		filepath.Join(file, "copy.html"):                               gone,
		filepath.Join(dir, "folder", "full"):                           " there. Choose another place.",
		filepath.Join(dir, "folder", strings.Repeat("Marisol", 50)):    " there. Choose another place.",
		filepath.Join("/sys", "kernel", "Marisol Vega, her copy.html"): ": you may not write in that folder. Choose another one.",
	} {
		err := unsaved(replaceFile(path, []byte("a copy")))
		if got := care.SentenceOf(err); got != "The copy could not be saved"+words {
			t.Errorf("%s: %v", path, err)
		}
		if strings.Contains(err.Error(), "Marisol") {
			t.Errorf("what goes to the log names the place: %v", err)
		}
	}
	only(t, filepath.Join(dir, "folder"), "full")
	only(t, filepath.Join(dir, "folder", "full"), "file")

	closed := filepath.Join(dir, "closed")
	kept := filepath.Join(closed, "copy.html")
	if err := errors.Join(os.Mkdir(closed, 0o700), os.WriteFile(kept, []byte("what was there"), 0o600), os.Chmod(closed, 0o500)); err != nil {
		t.Fatal(err)
	}
	err := replaceFile(kept, []byte("a copy"))
	if got, _ := os.ReadFile(kept); err != nil && (string(got) != "what was there" || care.KindOf(unsaved(err)) != care.Forbidden) {
		t.Errorf("%v, and it holds %q", err, got)
	}
	if err == nil && os.Geteuid() != 0 {
		t.Error("it was written to a folder that is read-only")
	}
}

// TestWhyACopyWasNotSaved is said in plain words.
func TestWhyACopyWasNotSaved(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: ": the disk is full.", syscall.EDQUOT: ": the disk is full.",
		syscall.EACCES: ": you may not write in that folder. Choose another one.", syscall.EPERM: ": you may not write in that folder. Choose another one.",
		syscall.EROFS: ": you may not write in that folder. Choose another one.", syscall.ENOENT: ": that folder is not there any more.",
		syscall.EIO: " there. Choose another place.",
	} {
		err := unsaved(errors.Join(&fs.PathError{Op: "write", Path: "/home/marisol/My rash.html", Err: errno}, os.ErrClosed))
		if got := care.SentenceOf(err); got != "The copy could not be saved"+want {
			t.Errorf("%v: %q", errno, got)
		}
		if !errors.Is(err, errno) || strings.Contains(err.Error(), "rash") {
			t.Errorf("the log is told %v", err)
		}
	}
}
