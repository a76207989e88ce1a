package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
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
	"postern/backend/record/store"
	"postern/backend/trust/seal"
	"postern/backend/trust/strength"
	"postern/backend/trust/vault"
)

// What is to be in a backup.
type What struct {
	Data    string // the data folder
	Profile string // one profile alone
	Gateway bool   // the gateway alone. Neither: all that is there
	// Own is the passphrase of that one profile. With it the profile may be open meanwhile, and its record is read whole
	// before it is taken for good; without it nobody may have the profile open, and its files are taken as they are.
	Own string
}

// Write makes a backup of a data folder in a new file. It returns nil once the file was read again and is on the disk under its
// name; after an error there is no such file. say hears what is done. care.Conflict: the file is there already, or somebody has a
// profile open.
func Write(ctx context.Context, what What, to, passphrase string, now time.Time, say func(string)) (err error) {
	if err := strength.Check(passphrase, what.Profile); err != nil {
		return err
	}
	if there(to) {
		return care.Refusef(care.Conflict, "There is a file of that name already. Postern never writes over one: choose another name.").In("to")
	}
	h, err := what.head(now)
	if err != nil {
		return err
	}
	alone, err := store.Lock(filepath.Join(what.Data, ".backup.lock"))
	if err != nil {
		return care.Because(care.Conflict, err, "Another backup of this data folder is being made. Wait for its end.")
	}
	defer func() { err = errors.Join(err, alone.Close()) }()
	// Copies of what is open lie beside what they are copies of, and nowhere else: the gateway's is not encrypted.
	staging := filepath.Join(what.Data, ".backup")
	if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o700)); err != nil {
		return noRoom(err, "the backup could not be made")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()

	f, err := os.CreateTemp(filepath.Dir(to), ".postern-backup-*") // 0600
	if err != nil {
		return care.Because(care.Invalid, err, "The backup cannot be written there. Choose another folder.").In("to")
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has its own name by then, or is worth nothing
	sum, err := what.write(ctx, f, h, passphrase, staging, now, say)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return noRoom(err, "the backup could not be written")
	}
	say("reading the backup again")
	if err := verify(ctx, f.Name(), passphrase, sum, say); err != nil {
		return err
	}
	if err := name(f.Name(), to); err != nil {
		return err
	}
	syncDir(filepath.Dir(to))
	return nil
}

// name gives a finished file its name, which no other has.
func name(temporary, to string) error {
	err := os.Link(temporary, to)
	if err != nil && !errors.Is(err, fs.ErrExist) { // some file systems, of memory sticks above all, have no links
		if there(to) {
			err = fs.ErrExist
		} else {
			err = os.Rename(temporary, to)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return care.Because(care.Conflict, err, "There is a file of that name by now. Postern never writes over one: choose another name.").In("to")
	}
	return err
}

// head finds out what is there.
func (w What) head(now time.Time) (head, error) {
	h := head{V: version, ID: care.NewID("bk"), Made: now.UTC().Truncate(time.Second)}
	all := w.Profile == "" && !w.Gateway
	if all || w.Profile != "" {
		entries, err := os.ReadDir(backend.ProfilesDir(w.Data))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return h, care.Because(care.Internal, err, "The folder with the profiles cannot be read.")
		}
		for _, e := range entries {
			if e.IsDir() && (all || e.Name() == w.Profile) && there(filepath.Join(backend.ProfilesDir(w.Data), e.Name(), "vault.json")) {
				h.Profiles = append(h.Profiles, e.Name())
			}
		}
	}
	h.Gateway = (all || w.Gateway) && backend.MailThere(w.Data)
	switch {
	case w.Profile != "" && len(h.Profiles) == 0:
		return h, care.Refusef(care.NotFound, "There is no such profile in this data folder.")
	case w.Gateway && !h.Gateway:
		return h, care.Refusef(care.NotFound, "There is no gateway in this data folder.")
	case len(h.Profiles) == 0 && !h.Gateway:
		return h, care.Refusef(care.NotFound, "There is nothing to back up in this data folder. Name another with --data.")
	}
	return h, nil
}

// write writes the archive and gives the hash of what was locked in it.
func (w What) write(ctx context.Context, f io.Writer, h head, passphrase, staging string, now time.Time, say func(string)) ([]byte, error) {
	locked, err := seal.Lock(f, passphrase, work)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	a := &archive{ctx: ctx, tar: tar.NewWriter(io.MultiWriter(locked, sum, &meter{say: say, what: "written"})), at: h.Made}
	first, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if err := a.bytes(headName, first); err != nil {
		return nil, err
	}
	for _, p := range h.Profiles {
		say("profile " + p)
		if err := w.profile(a, p, filepath.Join(staging, p), now); err != nil {
			return nil, err
		}
	}
	if h.Gateway {
		say("gateway")
		if err := w.gateway(a, filepath.Join(staging, gatewayDir), say); err != nil {
			return nil, err
		}
	}
	if there(filepath.Join(w.Data, "practice")) && w.Profile == "" && !w.Gateway {
		say("the folder practice, which \"postern practice make\" has made, is not in the backup: copy it by hand")
	}
	if err := errors.Join(a.tar.Close(), locked.Close()); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

// profile adds a profile's folder.
//
// The order is that of what may be older than the record: what became of letters is taken in by the record, so it comes before
// it; the registrar's file may not know less than the record, so it comes after.
func (w What) profile(a *archive, id, staging string, now time.Time) (err error) {
	dir := filepath.Join(backend.ProfilesDir(w.Data), id)
	var key []byte
	if w.Own != "" {
		v, err := vault.Try(dir, w.Own, now)
		if err != nil {
			return err
		}
		defer v.Close()
		s := v.Secrets()
		defer s.Wipe()
		key = s.Store
	} else {
		lock, err := store.Lock(filepath.Join(dir, "lock"))
		if err != nil {
			return care.Because(care.Conflict, err, "The profile "+id+" is open in another Postern on this computer. Close that one first, or name the profile and give its passphrase: then it may stay open.")
		}
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	names, err := files(dir)
	if err != nil {
		return err
	}
	last := func(name string) int { // small files, the record, the registrar
		switch {
		case strings.HasPrefix(name, record):
			return 1
		case name == "registrar.json":
			return 2
		}
		return 0
	}
	slices.SortStableFunc(names, func(x, y string) int { return last(x) - last(y) })
	for _, name := range names {
		in := profilesDir + "/" + id + "/" + name
		switch {
		case key == nil || !strings.HasPrefix(name, record):
			err = a.file(in, filepath.Join(dir, name))
		case name == record:
			if err = os.Mkdir(staging, 0o700); err == nil {
				err = store.Copy(a.ctx, filepath.Join(dir, record), key, filepath.Join(staging, record), nil)
			}
			if err == nil {
				err = a.file(in, filepath.Join(staging, record))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// record is the name of a profile's record.
const record = "replica.db"

// files are those of a profile that are worth keeping: not what a process holds as long as it runs, nor how many wrong
// passphrases were tried on this computer, nor what was begun and not ended.
func files(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, care.Because(care.Internal, err, "A folder with a profile cannot be read.")
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case !e.Type().IsRegular(), name == "lock", name == "vault.lock", name == "tries.json", name == record+"-shm",
			strings.HasPrefix(name, "."), strings.HasSuffix(name, ".new"):
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// gateway adds the gateway's file and its authority.
func (w What) gateway(a *archive, staging string, say func(string)) error {
	dir := backend.GatewayDir(w.Data)
	if err := os.Mkdir(staging, 0o700); err != nil {
		return err
	}
	told := 0
	err := gateway.CopyFile(a.ctx, dir, staging, func(done, of int) {
		if tenth := done * 10 / max(of, 1); tenth > told {
			told = tenth
			say(fmt.Sprintf("gateway: %d %% copied", tenth*10))
		}
	})
	if err != nil {
		return err
	}
	if err := a.file(gatewayDir+"/gateway.db", filepath.Join(staging, "gateway.db")); err != nil {
		return err
	}
	for _, name := range []string{"ca.pem", "ca.key"} {
		path := filepath.Join(dir, "tls", name)
		if !there(path) {
			continue // it has a certificate from elsewhere, or has never been started
		}
		if err := a.file(gatewayDir+"/tls/"+name, path); err != nil {
			return err
		}
	}
	return nil
}

// archive is what is being written.
type archive struct {
	ctx context.Context
	tar *tar.Writer
	at  time.Time
}

func (a *archive) header(name string, size int64) error {
	return a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: a.at, Format: tar.FormatPAX})
}

func (a *archive) bytes(name string, content []byte) error {
	if err := a.header(name, int64(len(content))); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

func (a *archive) file(name, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went since it was listed: what became of letters is taken in, say
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	at, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.header(name, at.Size()); err != nil {
		return err
	}
	if _, err := io.CopyN(a.tar, until{a.ctx, f}, at.Size()); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}

// until reads as long as a context does not end.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// verify reads a backup from its file as a stranger would, and compares it with what was to be in it.
func verify(ctx context.Context, path, passphrase string, want []byte, say func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	r, err := unlock(until{ctx, f}, passphrase)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, &meter{say: say, what: "read again"}), r); err != nil {
		return care.Because(care.Internal, err, "The backup could not be read again, so it was not kept. Have the disk checked that it was written to.")
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return care.Refusef(care.Internal, "The backup was not what was written to it, so it was not kept. Have the disk checked that it was written to.")
	}
	return nil
}
