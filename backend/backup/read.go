package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/post/gateway"
	"postern/backend/trust/vault"
)

// Back is what Read put back.
type Back struct {
	Made     time.Time // when the backup was made
	Profiles []string
	Gateway  bool
}

// Read puts back what is in a backup, or of it what is asked for. All of it is read and checked before any of it is put in its
// place; where a profile or a gateway of the same name is there already, nothing is (care.Conflict). Cut short in the middle of
// putting things in place, it goes on where it was when it is called again with the same backup. A gateway's clients
// are made to compare everything, and a profile that was put back sends nothing before it has read its mailboxes.
func Read(ctx context.Context, from string, what What, passphrase string, now time.Time, say func(string)) (_ Back, err error) {
	f, err := os.Open(from)
	if err != nil {
		return Back{}, care.Because(care.NotFound, err, "The backup cannot be read. Name it with --from.")
	}
	defer func() { _ = f.Close() }() // it was only read
	r, err := unlock(until{ctx, f}, passphrase)
	if err != nil {
		return Back{}, err
	}
	t := tar.NewReader(io.TeeReader(r, &meter{say: say, what: "read"}))
	h, err := first(t)
	if err != nil {
		return Back{}, err
	}
	if h, err = what.of(h); err != nil {
		return Back{}, err
	}
	if err := os.MkdirAll(what.Data, 0o700); err != nil {
		return Back{}, care.Because(care.Internal, err, "The data folder cannot be made. Name another with --data.")
	}
	hold, err := backend.HoldFolder(what.Data)
	if err != nil {
		return Back{}, err
	}
	defer func() { err = errors.Join(err, hold.Close()) }()
	staging := filepath.Join(what.Data, ".restore")
	ready := filepath.Join(staging, "ready-"+h.ID)
	if !there(ready) { // else it was all read and checked, and was being put in place
		if err := free(what.Data, h); err != nil {
			return Back{}, err
		}
		if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o700)); err != nil {
			return Back{}, noRoom(err, "the backup could not be read")
		}
		if err := take(ctx, t, r, h, staging, now, say); err != nil {
			return Back{}, errors.Join(noRoom(err, "the backup could not be put back"), os.RemoveAll(staging))
		}
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			return Back{}, errors.Join(noRoom(err, "the backup could not be put back"), os.RemoveAll(staging))
		}
	}
	syncDir(staging)
	say("putting it in place")
	if err := place(what.Data, staging, h, say); err != nil {
		return Back{}, err
	}
	return Back{Made: h.Made, Profiles: h.Profiles, Gateway: h.Gateway}, os.RemoveAll(staging)
}

func first(t *tar.Reader) (head, error) {
	entry, err := t.Next()
	if err != nil {
		return head{}, wrong(err)
	}
	if entry.Name != headName || entry.Size > 1<<20 {
		return head{}, foreign(errors.New("it begins with something else"))
	}
	raw, err := io.ReadAll(t)
	if err != nil {
		return head{}, wrong(err)
	}
	return readHead(raw)
}

// wrong is what an archive's reader says, in words: what it reads was authentic, so only its end can be missing, unless
// somebody else wrote it.
func wrong(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.EOF) {
		return foreign(err)
	}
	return damaged(err)
}

// of is a backup's head without what is not asked for.
func (w What) of(h head) (head, error) {
	switch {
	case w.Profile != "" && !slices.Contains(h.Profiles, w.Profile):
		return h, care.Refusef(care.NotFound, "That profile is not in this backup.")
	case w.Profile != "":
		h.Profiles, h.Gateway = []string{w.Profile}, false
	case w.Gateway && !h.Gateway:
		return h, care.Refusef(care.NotFound, "There is no gateway in this backup.")
	case w.Gateway:
		h.Profiles = nil
	}
	return h, nil
}

// free refuses a data folder that has what would be put back.
func free(data string, h head) error {
	for _, p := range h.Profiles {
		if there(filepath.Join(backend.ProfilesDir(data), p)) {
			return care.Refusef(care.Conflict, "There is a profile %s in this data folder already. Nothing was put back. Move its folder away first, or name another data folder with --data.", p)
		}
	}
	if h.Gateway && there(backend.GatewayDir(data)) {
		return care.Refusef(care.Conflict, "There is a gateway in this data folder already. Nothing was put back. Move its folder away first, or name another data folder with --data.")
	}
	return nil
}

// take reads all that is wanted into the staging folder, and checks it.
func take(ctx context.Context, t *tar.Reader, r io.Reader, h head, staging string, now time.Time, say func(string)) error {
	for {
		entry, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrong(err)
		}
		if err := allowed(entry); err != nil {
			return foreign(err)
		}
		if !h.wants(entry.Name) {
			continue
		}
		if err := extract(t, filepath.Join(staging, filepath.FromSlash(entry.Name))); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // that nothing is cut off shows at the very end
		return damaged(err)
	}
	for _, p := range h.Profiles {
		dir := filepath.Join(staging, profilesDir, p)
		if _, err := vault.Label(dir); err != nil {
			return damaged(err)
		}
		syncDir(dir)
		if err := backend.MarkRestored(dir, backend.Restored{Made: h.Made, At: now.UTC().Truncate(time.Second)}); err != nil {
			return err
		}
	}
	if !h.Gateway {
		return nil
	}
	say("checking the gateway")
	dir := filepath.Join(staging, gatewayDir)
	if !there(filepath.Join(dir, "gateway.db")) {
		return damaged(errors.New("it has no gateway.db"))
	}
	if err := gateway.CheckCopy(ctx, dir); err != nil {
		return err
	}
	g, err := gateway.Open(ctx, dir, gateway.Options{})
	if err != nil {
		return err
	}
	return errors.Join(g.Restored(ctx), g.Close())
}

// allowed refuses what no backup has: nothing is ever written outside of the folder.
func allowed(entry *tar.Header) error {
	parts := strings.Split(entry.Name, "/")
	good := entry.Typeflag == tar.TypeReg && !slices.ContainsFunc(parts, func(p string) bool { return !folder(p) || strings.HasPrefix(p, ".") })
	switch {
	case good && len(parts) == 3 && parts[0] == profilesDir,
		good && len(parts) == 2 && parts[0] == gatewayDir,
		good && len(parts) == 3 && parts[0] == gatewayDir && parts[1] == "tls":
		return nil
	}
	return fmt.Errorf("an entry that no backup has: %q", entry.Name)
}

func (h head) wants(name string) bool {
	parts := strings.Split(name, "/")
	if parts[0] == gatewayDir {
		return h.Gateway
	}
	return slices.Contains(h.Profiles, parts[1])
}

func extract(from io.Reader, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return foreign(errors.New("a file is in it twice"))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := &reading{r: from}
	_, err = io.Copy(f, in)
	if in.err != nil {
		return wrong(in.err)
	}
	return errors.Join(err, f.Sync())
}

// reading tells what went wrong with reading from what went wrong with writing.
type reading struct {
	r   io.Reader
	err error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// place moves what is ready to where it belongs, each profile and the gateway in one step.
func place(data, staging string, h head, say func(string)) error {
	if err := os.MkdirAll(backend.ProfilesDir(data), 0o700); err != nil {
		return noRoom(err, "the backup could not be put back")
	}
	move := func(from, to string) error {
		switch {
		case !there(from):
			return nil // it was moved, and then something ended this
		case there(to):
			return care.Refusef(care.Conflict, "There is something in %s by now. What is not put back yet waits in %s: move the other away, and restore again.", to, staging)
		}
		return os.Rename(from, to)
	}
	for _, p := range h.Profiles {
		if err := move(filepath.Join(staging, profilesDir, p), filepath.Join(backend.ProfilesDir(data), p)); err != nil {
			return err
		}
		say("profile " + p + " is in place")
	}
	if h.Gateway {
		if err := move(filepath.Join(staging, gatewayDir), backend.GatewayDir(data)); err != nil {
			return err
		}
		say("the gateway is in place")
	}
	syncDir(backend.ProfilesDir(data))
	syncDir(data)
	return nil
}
