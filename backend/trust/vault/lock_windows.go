package vault

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// holdFolder waits until nobody else changes the files here: each window is a process of its own. The file is opened
// without sharing; the system lets go when the process ends, however it ends.
func holdFolder(dir string) (release func(), err error) {
	const sharingViolation = syscall.Errno(32)
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("name the vault's lock: %w", err)
	}
	for tries := 0; ; tries++ {
		h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
		switch {
		case err == nil:
			return func() { _ = syscall.CloseHandle(h) }, nil // only a lock is let go
		case !errors.Is(err, sharingViolation):
			return nil, unwritten(err)
		case tries == 1000:
			return nil, fmt.Errorf("hold the vault: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
