// Package atrest keeps the files that SQLite writes encrypted on the disk: a VFS between SQLite and its own, in C, with the
// ciphers in Go.
//
// The database, its write-ahead log and the pages in a rollback journal are sealed page by page with XChaCha20-Poly1305: what
// was changed or moved does not open, and SQLite gets an error instead of it. Temporary files are encrypted with a key that
// nobody keeps. It promises nothing about a whole older copy of the files, which opens as it did then. The layout:
// docs/format.md.
package atrest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// KeyBytes is the size of a key.
const KeyBytes = 32

// Why a file is refused before SQLite sees it.
var (
	ErrPlain   = errors.New("the database is not encrypted")
	ErrForeign = errors.New("the file is not an encrypted database of Postern's")
	ErrKey     = errors.New("the database was made with another key")
	ErrDamaged = errors.New("the beginning of the database is damaged")
)

// Key is a key in use. It names itself in the names of files by a number, so that it stands in no name and no log.
type Key struct {
	ciphers *ciphers
	number  int64

	// Guarded by using.
	files  int // how many are open
	closed bool
}

// using guards inUse, and the use of each key in it.
var (
	using  sync.Mutex
	inUse  = map[int64]*Key{}
	latest int64
)

// Use takes a key into use, of which it keeps no copy but what follows from it.
func Use(key []byte) (*Key, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("a key of %d bytes, not %d", len(key), KeyBytes)
	}
	if err := register(); err != nil {
		return nil, err
	}
	c, err := derive(key)
	if err != nil {
		return nil, err
	}
	using.Lock()
	defer using.Unlock()
	latest++
	k := &Key{ciphers: c, number: latest}
	inUse[k.number] = k
	return k, nil
}

// Options is what a database's URI needs for its file to be opened with this key.
func (k *Key) Options() string { return fmt.Sprintf("vfs=postern&key=%d", k.number) }

// Close ends the use of the key: no database opens with it any more. Those that are open go on; with the last file of theirs
// what followed from the key is wiped, as far as Go can. It may run twice.
func (k *Key) Close() {
	using.Lock()
	defer using.Unlock()
	k.closed = true
	k.end()
}

// end wipes the key if it is closed and no file is open. The caller holds using.
func (k *Key) end() {
	if k.closed && k.files == 0 {
		delete(inUse, k.number)
		k.ciphers.wipe()
	}
}

// take finds the key for a file that is being opened, or nothing. A database's companions open as long as it is open itself.
func take(number int64, database bool) *Key {
	using.Lock()
	defer using.Unlock()
	k := inUse[number]
	if k == nil || database && k.closed {
		return nil
	}
	k.files++
	return k
}

// give is the other end of take. On nil it does nothing.
func (k *Key) give() {
	if k == nil {
		return
	}
	using.Lock()
	defer using.Unlock()
	k.files--
	k.end()
}

// Check looks, before SQLite does, whether the file at path can be a database of this key: SQLite takes a log that it cannot
// read for an empty one and removes it, so nothing must be opened with a wrong key. An empty file is a new database.
//
// Errors: ErrPlain, ErrForeign, ErrKey, ErrDamaged, and those of the disk. Damage further on shows when it is read.
func (k *Key) Check(path string) error {
	first, err := firstPage(path)
	if err != nil {
		return err
	}
	head := string(first[:min(len(first), headSize)])
	switch {
	case len(first) == 0:
		return checkNoLog(path)
	case head == sqlite:
		return ErrPlain
	case len(first) < pageSize:
		return ErrDamaged
	case head == string(make([]byte, headSize)): // the power went off as it was made; if not, the first page does not open
		return nil
	case head == magic+string(k.ciphers.check[:]):
		return nil
	case k.ciphers.openFirst(first):
		return ErrDamaged // the head alone
	case strings.HasPrefix(head, magic):
		return ErrKey
	}
	return ErrForeign
}

func firstPage(path string) (b []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, pageSize))
}

// checkNoLog refuses an empty database beside which there is a log: SQLite would take it for new and remove the log.
func checkNoLog(path string) error {
	at, err := os.Stat(path + "-wal")
	if errors.Is(err, os.ErrNotExist) || err == nil && at.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return ErrDamaged
}
