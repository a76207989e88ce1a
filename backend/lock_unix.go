//go:build unix

package backend

import (
	"fmt"
	"os"
	"syscall"
)

// fileLock keeps a second process away from a profile. The system releases it when the process ends, however it ends.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", "lock", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the lock is what matters, and it was not had
		return nil, fmt.Errorf("lock the profile: %w", err)
	}
	return &fileLock{f}, nil
}

// Close gives the profile free.
func (l *fileLock) Close() error { return l.f.Close() }
