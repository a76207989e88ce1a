package store

import (
	"fmt"
	"os"
	"syscall"
)

// FileLock keeps a second process away from a folder: the file is opened without sharing.
type FileLock struct{ f *os.File }

// Lock takes the lock that a file stands for, which it makes, or fails if another process has it.
func Lock(path string) (*FileLock, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("name the lock: %w", err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, fmt.Errorf("take the lock: %w", err)
	}
	return &FileLock{os.NewFile(uintptr(h), path)}, nil
}

// Close gives the lock free.
func (l *FileLock) Close() error { return l.f.Close() }
