//go:build unix

package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// holdFolder waits until nobody else changes the files here: each window is a process of its own. The system lets go when
// the process ends, however it ends.
func holdFolder(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unwritten(err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("hold the vault: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // only a lock is let go
}
