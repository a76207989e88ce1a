package gateway

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// index is what of a folder is held in memory while sessions look at it: the UIDs, upwards, and the flags. Letters that
// come are added behind, so what a session holds of uids stays what it was; letters that go make a new array.
type index struct {
	folder   int64
	validity uint32

	mu      sync.Mutex
	uids    []uint32
	flags   []uint8 // beside uids
	next    uint32
	epoch   int // how often letters went
	marks   []mark
	marked  int           // how many marks there were before marks[0]
	changed chan struct{} // closed at the next change
	users   int
	used    int64 // when a session last took it up, as a number that grows
}

// mark says that a letter's flags are not what they were.
type mark struct {
	uid    uint32
	source *view // who changed them and knows
}

// marksKept is how many marks a session may be behind. What is older it learns when it asks.
const marksKept = 10_000

// indexes are those in memory, by folder.
type indexes struct {
	read func(context.Context, func(*sql.Tx) error) error

	turn sync.Mutex // held while letters change, and while an index is read from the file: it then misses no change

	mu    sync.Mutex
	all   map[int64]*index
	clock int64
}

// lettersKept is how many letters all indexes may hold that no session looks at. 5 bytes each.
const lettersKept = 8_000_000

func newIndexes(read func(context.Context, func(*sql.Tx) error) error) *indexes {
	return &indexes{read: read, all: map[int64]*index{}}
}

func (x *indexes) get(folder int64) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all[folder]
}

// take gives a folder's index for use, reading it if it is not in memory. done ends the use.
func (x *indexes) take(ctx context.Context, folder int64) (*index, error) {
	if ix := x.use(folder); ix != nil {
		return ix, nil
	}
	x.turn.Lock()
	defer x.turn.Unlock()
	if ix := x.use(folder); ix != nil {
		return ix, nil
	}
	ix := &index{folder: folder, changed: make(chan struct{})}
	if err := x.read(ctx, func(tx *sql.Tx) error { return ix.load(ctx, tx) }); err != nil {
		return nil, noFolder(err)
	}
	x.mu.Lock()
	x.forget()
	x.all[folder] = ix
	x.mu.Unlock()
	return x.use(folder), nil
}

func (x *indexes) use(folder int64) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	ix := x.all[folder]
	if ix != nil {
		x.clock++
		ix.users, ix.used = ix.users+1, x.clock
	}
	return ix
}

func (x *indexes) done(ix *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ix.users--
}

// forget drops the indexes that were longest unused, while all hold too many letters. x.mu is held.
func (x *indexes) forget() {
	total := 0
	for _, ix := range x.all {
		ix.mu.Lock()
		total += len(ix.uids)
		ix.mu.Unlock()
	}
	for total > lettersKept {
		var oldest *index
		for _, ix := range x.all {
			if ix.users == 0 && (oldest == nil || ix.used < oldest.used) {
				oldest = ix
			}
		}
		if oldest == nil {
			return
		}
		total -= len(oldest.uids)
		delete(x.all, oldest.folder)
	}
}

// load reads UIDs and flags as one long text: row by row it would take ten times as long.
func (ix *index) load(ctx context.Context, tx *sql.Tx) error {
	var text string
	var count int
	if err := tx.QueryRowContext(ctx, "SELECT validity, next, letters FROM folder WHERE no = ?", ix.folder).Scan(&ix.validity, &ix.next, &count); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(group_concat(each), '') FROM (SELECT uid * 256 + flags AS each FROM letter WHERE folder = ? ORDER BY uid)",
		ix.folder).Scan(&text); err != nil {
		return err
	}
	ix.uids, ix.flags = make([]uint32, 0, count+count/8+16), make([]uint8, 0, count+count/8+16)
	for text != "" {
		var one string
		one, text, _ = strings.Cut(text, ",")
		n, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			return err
		}
		if len(ix.uids) > 0 && uint32(n>>8) <= ix.uids[len(ix.uids)-1] {
			return errors.New("SQLite gave UIDs in another order than asked for")
		}
		ix.uids, ix.flags = append(ix.uids, uint32(n>>8)), append(ix.flags, uint8(n))
	}
	return nil
}

// wake ends the wait of those who look at the folder. ix.mu is held.
func (ix *index) wake() {
	close(ix.changed)
	ix.changed = make(chan struct{})
}

func (x *indexes) added(folder int64, first uint32, flags []uint8) {
	ix := x.get(folder)
	if ix == nil || len(flags) == 0 {
		return
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for i, f := range flags {
		ix.uids, ix.flags = append(ix.uids, first+uint32(i)), append(ix.flags, f)
	}
	ix.next = first + uint32(len(flags))
	ix.wake()
}

func (x *indexes) removed(folder int64, uids []uint32) {
	ix := x.get(folder)
	if ix == nil || len(uids) == 0 {
		return
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	gone := make(map[uint32]bool, len(uids))
	for _, uid := range uids {
		gone[uid] = true
	}
	left, flags := make([]uint32, 0, len(ix.uids)), make([]uint8, 0, len(ix.uids))
	for i, uid := range ix.uids {
		if !gone[uid] {
			left, flags = append(left, uid), append(flags, ix.flags[i])
		}
	}
	ix.uids, ix.flags = left, flags
	ix.epoch++
	ix.wake()
}

func (x *indexes) marked(folder int64, uids []uint32, set, clear uint8, source *view) {
	ix := x.get(folder)
	if ix == nil || len(uids) == 0 {
		return
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for _, uid := range uids {
		i, ok := slices.BinarySearch(ix.uids, uid)
		if !ok {
			continue
		}
		ix.flags[i] = (ix.flags[i] | set) &^ clear
		ix.marks = append(ix.marks, mark{uid, source})
	}
	if over := len(ix.marks) - marksKept; over > 0 {
		ix.marks = append([]mark(nil), ix.marks[over:]...)
		ix.marked += over
	}
	ix.wake()
}

// drop forgets a folder that is no more, or is another from now on: for its sessions all letters are gone.
func (x *indexes) drop(folder int64) {
	x.mu.Lock()
	ix := x.all[folder]
	delete(x.all, folder)
	x.mu.Unlock()
	if ix == nil {
		return
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.uids, ix.flags = nil, nil
	ix.epoch++
	ix.wake()
}
