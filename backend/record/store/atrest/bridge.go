package atrest

/*
#cgo CFLAGS: -std=c99 -Wall -Wextra
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include "atrest.h"
*/
import "C"

import (
	"crypto/rand"
	"errors"
	"runtime/cgo"
	"sync"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // the SQLite that the C here is linked with
	"golang.org/x/crypto/xts"
)

const (
	unitPage        = C.UNIT_PAGE
	unitLogHead     = C.UNIT_LOG_HEAD
	unitFrameHead   = C.UNIT_FRAME_HEAD
	unitFramePage   = C.UNIT_FRAME_PAGE
	unitJournalPage = C.UNIT_JOURNAL_PAGE
	pageSize        = C.PAGE_SIZE
	sealSize        = C.SEAL_SIZE
	sectorSize      = C.SECTOR_SIZE
)

// register makes SQLite know the VFS, once. It stays known: without a key in use it opens nothing.
var register = sync.OnceValue(func() error {
	if C.atrest_register() != C.SQLITE_OK {
		return errors.New("SQLite does not take the VFS")
	}
	return nil
})

// file is what an open file of SQLite's is encrypted with.
type file struct {
	key    *Key // nil for a temporary file
	units  *ciphers
	stream *xts.Cipher
}

// atrestOpen gives what an open file is known by, or 0 where it may not be opened.
//
//export atrestOpen
func atrestOpen(number C.int64_t, kind C.int) C.uintptr_t {
	f := &file{}
	var err error
	switch kind {
	case C.SQLITE_OPEN_MAIN_DB, C.SQLITE_OPEN_WAL, C.SQLITE_OPEN_MAIN_JOURNAL:
		if f.key = take(int64(number), kind == C.SQLITE_OPEN_MAIN_DB); f.key == nil {
			return 0
		}
		f.units = f.key.ciphers
		if kind == C.SQLITE_OPEN_MAIN_JOURNAL {
			f.stream, err = newStream(f.units.stream[:])
		}
	default: // nobody ever reads it but this process, while it is open
		var once [64]byte
		_, _ = rand.Read(once[:]) // it never fails: it would end the program
		f.stream, err = newStream(once[:])
		clear(once[:])
	}
	if err != nil {
		f.key.give()
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(f))
}

//export atrestClose
func atrestClose(cipher C.uintptr_t) {
	h := cgo.Handle(cipher)
	h.Value().(*file).key.give()
	h.Delete()
}

// atrestSeal seals a unit of n bytes into out, of stored bytes. 0: it is not one that can be stored.
//
//export atrestSeal
func atrestSeal(cipher C.uintptr_t, kind C.int, number C.int64_t, plain *C.uchar, n C.int, out *C.uchar, stored C.int) C.int {
	f := cgo.Handle(cipher).Value().(*file)
	return truth(f.units.seal(int(kind), int64(number), bytesAt(plain, n), bytesAt(out, stored)))
}

// atrestUnseal opens a unit where it lies. 0: it is not what was sealed as this unit.
//
//export atrestUnseal
func atrestUnseal(cipher C.uintptr_t, kind C.int, number C.int64_t, buf *C.uchar, stored C.int) C.int {
	f := cgo.Handle(cipher).Value().(*file)
	return truth(f.units.unseal(int(kind), int64(number), bytesAt(buf, stored)))
}

// atrestStream encrypts or decrypts n bytes, whole blocks, where they lie.
//
//export atrestStream
func atrestStream(cipher C.uintptr_t, encrypt C.int, sector C.int64_t, buf *C.uchar, n C.int) {
	f := cgo.Handle(cipher).Value().(*file)
	stream(f.stream, encrypt != 0, uint64(sector), bytesAt(buf, n))
}

func bytesAt(p *C.uchar, n C.int) []byte { return unsafe.Slice((*byte)(p), int(n)) }

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
