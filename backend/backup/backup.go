// Package backup makes one encrypted file of the profiles and the gateway of a data folder, and puts them back.
//
// The file is a tar archive in the age format, under a passphrase of its own, so that whoever has lost Postern can still open
// it with other programs; in it a profile's files are as they lie on the disk, sealed by the profile's own passphrase. A backup
// that Write reports as done was read again, whole. What Read reports as wrong has changed nothing. Neither ever writes over
// a file, a profile or a gateway.
package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// version is that of the archive's layout.
const version = 1

// work is what a guess at a backup's passphrase costs.
var work = seal.LockWork

// headName is the archive's first entry.
const headName = "postern-backup.json"

// head is what the archive's first entry says. A newer version may say more, and be read by a newer Postern alone.
type head struct {
	V        int       `json:"v"`
	ID       string    `json:"id"`
	Made     time.Time `json:"made"`
	Profiles []string  `json:"profiles,omitempty"` // their folders
	Gateway  bool      `json:"gateway,omitempty"`
}

// The folders of the archive are those of the data folder.
const (
	profilesDir = "profiles"
	gatewayDir  = "gateway"
)

// Sentences that are said in more than one place.
func damaged(cause error) error {
	return care.Because(care.Corrupt, cause, "This backup is damaged or cut short. Nothing was put back. Copy it once more from where it is kept, or take another one.")
}

func foreign(cause error) error {
	return care.Because(care.Invalid, cause, "This file is not a backup of Postern's. Nothing was put back.")
}

func noRoom(cause error, what string) error {
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		return care.Because(care.Full, cause, "There is no room left on the disk, so "+what+". Nothing was changed. Free some space, then try again.")
	}
	return cause
}

// unlock opens a backup's stream.
func unlock(from io.Reader, passphrase string) (io.Reader, error) {
	r, err := seal.Unlock(from, passphrase)
	switch {
	case errors.Is(err, seal.ErrPassphrase):
		return nil, care.Because(care.Invalid, err, "That passphrase does not open this backup. Check Caps Lock and try again.").In("passphrase")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, damaged(err)
	case err != nil:
		return nil, foreign(err)
	}
	return r, nil
}

func readHead(raw []byte) (head, error) {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, foreign(err)
	}
	switch {
	case h.V > version:
		return h, care.Because(care.Conflict, fmt.Errorf("backup of version %d, this program knows %d", h.V, version),
			"A newer Postern made this backup. Nothing was put back. Install the newest version, then try again.")
	case h.V < 1 || !care.ValidID("bk", h.ID):
		return h, foreign(errors.New("its head makes no sense"))
	}
	for _, p := range h.Profiles {
		if !folder(p) {
			return h, foreign(errors.New("it names a profile that cannot be"))
		}
	}
	return h, nil
}

// folder reports whether a name is one of a single folder.
func folder(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\:\x00") && filepath.Base(name) == name
}

// there reports whether there is something in a place.
func there(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// syncDir puts the names in a folder on the disk, where a system can do that.
func syncDir(path string) {
	if f, err := os.Open(path); err == nil {
		_ = f.Sync() // what is in the files is there; some systems, and some disks, know no more
		_ = f.Close()
	}
}

// meter says how far long work is.
type meter struct {
	say  func(string)
	what string
	done int64
	next int64
}

// each is how many bytes lie between two words about them.
const each = 64 << 20

func (m *meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	if m.done >= m.next+each {
		m.next = m.done
		m.say(fmt.Sprintf("%s: %d MB", m.what, m.done>>20))
	}
	return len(p), nil
}
