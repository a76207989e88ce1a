//go:build unix

package store

import (
	"fmt"
	"os"
	"syscall"
)

// FileLock keeps a second process away from a folder. The system releases it when the process ends, however it ends.
type FileLock struct{ f *os.File }

// Lock takes the lock that a file stands for, which it makes, or fails if another process has it.
func Lock(path string) (*FileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the lock is what matters, and it was not had
		return nil, fmt.Errorf("take the lock: %w", err)
	}
	return &FileLock{f}, nil
}

// Close gives the lock free.
func (l *FileLock) Close() error { return l.f.Close() }
