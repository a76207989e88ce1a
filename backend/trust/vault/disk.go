package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"postern/backend/care"
)

// lockFile keeps two processes from changing the files of one folder at the same time. It holds nothing.
const lockFile = "vault.lock"

// createFile writes a new file, whole or not at all, on the disk before it returns. It refuses to overwrite one.
func createFile(path string, raw []byte) error {
	return place(path, raw, func(temporary string) error {
		err := os.Link(temporary, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// Some file systems have no links. Two who create the same vault at the same instant there: one would win.
		if _, err := os.Lstat(path); err == nil {
			return fs.ErrExist
		}
		return os.Rename(temporary, path)
	})
}

// replaceFile puts other bytes in a file's place, whole or not at all, on the disk before it returns.
func replaceFile(path string, raw []byte) error {
	return place(path, raw, func(temporary string) error { return os.Rename(temporary, path) })
}

func place(path string, raw []byte, move func(temporary string) error) error {
	temporary, err := writeSynced(filepath.Dir(path), raw)
	if temporary != "" {
		defer os.Remove(temporary) // gone already where it was renamed
	}
	if err == nil {
		err = move(temporary)
	}
	if err == nil {
		_ = syncDir(filepath.Dir(path)) // it is in its place: an error would say that nothing was changed
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return taken(path)
	case err != nil:
		return unwritten(err)
	}
	return nil
}

// unwritten says why nothing could be written.
func unwritten(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return care.Because(care.Full, err, "There is no room left on this computer's disk. Nothing was changed, and your messages are safe. Free some space, then try again.")
	}
	return fmt.Errorf("write vault: %w", err)
}

func writeSynced(dir string, raw []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, ".vault-*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // there a directory cannot be synced; the rename itself is
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
