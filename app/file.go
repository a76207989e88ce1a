package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	shell "github.com/wailsapp/wails/v2/pkg/runtime"

	"postern/backend/care"
)

// SaveCopy asks by the platform's own dialog, which also asks before a file is replaced.
func (w *window) SaveCopy(ctx context.Context, name string, content func() ([]byte, error)) (saved bool, err error) {
	if !w.asking.TryLock() {
		return false, nil // Wails gives the answer of one dialog to whoever asked first
	}
	defer w.asking.Unlock()
	answered := make(chan struct{})
	defer close(answered)
	go w.dismissUnless(ctx, answered)
	ending := filepath.Ext(name)
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // the dialog chooses
	}
	path, err := shell.SaveFileDialog(*w.ctx.Load(), shell.SaveDialogOptions{
		Title: "Save a copy", DefaultFilename: name, DefaultDirectory: home, CanCreateDirectories: true,
		Filters: []shell.FileFilter{{DisplayName: strings.ToUpper(ending[1:]) + " file (*" + ending + ")", Pattern: "*" + ending}},
	})
	switch {
	case err != nil:
		return false, care.Because(care.Internal, err, "No place to save the copy in could be asked for. Nothing was saved.")
	case path == "" || ctx.Err() != nil:
		return false, nil
	}
	if filepath.Ext(path) == "" && !exists(path+ending) { // a dialog that was asked about this name asked about no other
		path += ending
	}
	given, err := content()
	if err != nil {
		return false, err
	}
	if err := replaceFile(path, given); err != nil {
		return false, unsaved(err)
	}
	return true, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// dismissUnless cancels a dialog when the person is signed out or the program ends before it was answered. It may be told
// so before the dialog is there: then it is cancelled once it is.
func (w *window) dismissUnless(ctx context.Context, answered <-chan struct{}) {
	select {
	case <-answered:
		return
	case <-ctx.Done():
	case <-w.end.Done():
	}
	for again := time.NewTicker(200 * time.Millisecond); ; {
		dismissDialogs()
		select {
		case <-answered:
			again.Stop()
			return
		case <-again.C:
		}
	}
}

// replaceFile puts a file in a place, whole and readable by its owner alone. Where it fails, what was there before is
// still there. What it returns may name the place.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".postern-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// unsaved says in words why a copy was not saved. Its cause keeps what the system said and drops the place, whose name the
// person chose: it may say what no log should.
func unsaved(err error) error {
	refuse := func(kind care.Kind, why string) error {
		var said syscall.Errno
		errors.As(err, &said)
		return care.Because(kind, fmt.Errorf("save a copy: %w", said), "The copy could not be saved"+why)
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return refuse(care.Full, ": the disk is full.")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return refuse(care.Forbidden, ": you may not write in that folder. Choose another one.")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return refuse(care.NotFound, ": that folder is not there any more.")
	}
	return refuse(care.Internal, " there. Choose another place.")
}
