package app

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"postern/backend/care"
)

// credential is the name under which systemd hands a service the passphrase of its profile (LoadCredentialEncrypted=).
const credential = "postern-passphrase"

// handed is the file in which systemd hands this service its passphrase; "" where it hands none.
func handed() string {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, credential)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// readSecret reads a file that holds a passphrase or a code. One that others can read is refused: what it opens would be theirs
// as well. What is piped in has no others.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, care.Because(care.NotFound, err, "The file "+path+" cannot be read.")
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, care.Because(care.NotFound, err, "The file "+path+" cannot be read.")
	}
	if info.Mode().IsRegular() {
		if err := private(f, info, filepath.Dir(path) == os.Getenv("CREDENTIALS_DIRECTORY")); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, care.Because(care.NotFound, err, "The file "+path+" cannot be read.")
	}
	return text, nil
}
