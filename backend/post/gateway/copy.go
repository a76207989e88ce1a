package gateway

import (
	"context"
	"errors"
	"path/filepath"

	"postern/backend/record/store"
)

// CopyFile copies the file of the gateway in dir into a folder, one state of it, also while another process runs it, and
// reads the copy whole. The authority beside it, the folder tls, is the caller's to copy.
func CopyFile(ctx context.Context, dir, into string, told func(done, of int)) error {
	if err := store.CopyPlain(ctx, filepath.Join(dir, "gateway.db"), filepath.Join(into, "gateway.db"), fileSchema(), told); err != nil {
		return err
	}
	return CheckCopy(ctx, into)
}

// CheckCopy is Check for a folder that no gateway runs in: care.Corrupt if what is there does not hold together.
func CheckCopy(ctx context.Context, dir string) (err error) {
	g, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	return g.Check(ctx)
}
