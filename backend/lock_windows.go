package backend

import (
	"fmt"
	"os"
	"syscall"
)

// fileLock keeps a second process away from a profile: the file is opened without sharing.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("name the lock: %w", err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, fmt.Errorf("lock the profile: %w", err)
	}
	return &fileLock{os.NewFile(uintptr(h), path)}, nil
}

// Close gives the profile free.
func (l *fileLock) Close() error { return l.f.Close() }
