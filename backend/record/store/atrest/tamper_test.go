package atrest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Where things lie in a log, as docs/format.md says.
const (
	logHeadBytes   = 32 + 40
	frameHeadBytes = 24 + 40
	frameBytes     = frameHeadBytes + 4096
)

// made is a closed database with pages of every kind: tables, an index, overflow, full text.
func made(t testing.TB, k *Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.db")
	db := connect(t, k, path, "_journal_mode=WAL")
	run(t, db, "CREATE TABLE t (no INTEGER PRIMARY KEY, words TEXT)", "CREATE INDEX i ON t (words)", "CREATE VIRTUAL TABLE f USING fts5 (words)",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, 'words ' || i || hex(zeroblob(300)) FROM n",
		"INSERT INTO t VALUES (1000, hex(zeroblob(10000)))", "INSERT INTO f SELECT words FROM t")
	must(t, db.Close())
	return path
}

// all reads the whole of a database, or says what SQLite said.
func all(t testing.TB, k *Key, path string) (string, error) {
	t.Helper()
	db := connect(t, k, path, "")
	defer func() { _ = db.Close() }()
	rows, err := dump(db)
	if err != nil {
		return "", err
	}
	var said string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil {
		return "", err
	}
	if said != "ok" {
		return "", fmt.Errorf("%w: %s", errUnsound, said)
	}
	return rows, nil
}

// TestFlippedBit changes one bit of each page, in its content, its tag and its nonce, and of the first also in its head: each
// is noticed. No page of this database is free.
func TestFlippedBit(t *testing.T) {
	k := use(t, fixed)
	path := made(t, k)
	file := read(t, path)
	if _, err := all(t, k, path); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for page := 0; page < len(file)/pageSize; page++ {
		places := []int{r.IntN(4056), 4056 + r.IntN(16), 4072 + r.IntN(24)}
		if page == 0 {
			places = append(places, r.IntN(8), 8+r.IntN(8), 16+r.IntN(84))
		}
		for _, at := range places {
			bad := bytes.Clone(file)
			bad[page*pageSize+at] ^= 1 << r.IntN(8)
			write(t, path, bad)
			if page == 0 && at < headSize {
				if err := k.Check(path); !errors.Is(err, ErrDamaged) {
					t.Errorf("byte %d of the head: %v", at, err)
				}
			} else if err := k.Check(path); err != nil {
				t.Errorf("page %d, byte %d: refused unread: %v", page+1, at, err)
			}
			if _, err := all(t, k, path); !corrupt(err) {
				t.Errorf("page %d, byte %d: %v", page+1, at, err)
			}
		}
	}
}

// TestMovedPage puts each page in another's place.
func TestMovedPage(t *testing.T) {
	k := use(t, fixed)
	path := made(t, k)
	file := read(t, path)
	pages := len(file) / pageSize
	for from := range pages {
		to := (from + 1 + rand.IntN(pages-1)) % pages
		bad := bytes.Clone(file)
		copy(bad[to*pageSize:], file[from*pageSize:][:pageSize])
		write(t, path, bad)
		if _, err := all(t, k, path); !corrupt(err) {
			t.Errorf("page %d in the place of %d: %v", from+1, to+1, err)
		}
	}
}

// TestNotOurs: what Check refuses, and that it touches nothing.
func TestNotOurs(t *testing.T) {
	k := use(t, fixed)
	path := made(t, k)
	file := read(t, path)
	plain := filepath.Join(t.TempDir(), "plain.db")
	run(t, connect(t, nil, plain, ""), "CREATE TABLE t (a)")
	for _, c := range []struct {
		name string
		key  *Key
		file []byte
		want error
	}{
		{"whole", k, file, nil},
		{"new", k, nil, nil},
		{"another key", use(t, make([]byte, KeyBytes)), file, ErrKey},
		{"not encrypted", k, read(t, plain), ErrPlain},
		{"cut within the first page", k, file[:4000], ErrDamaged},
		{"cut within the head", k, file[:5], ErrDamaged},
		{"foreign", k, bytes.Repeat([]byte("something else. "), 1000), ErrForeign},
		{"of another version", k, append([]byte("PSTNDB\x002"), file[8:]...), ErrDamaged},
	} {
		write(t, path, c.file)
		if err := c.key.Check(path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.name, err, c.want)
		}
		if !bytes.Equal(read(t, path), c.file) {
			t.Errorf("%s: the file was touched", c.name)
		}
		if c.want != nil {
			if _, err := all(t, c.key, path); err == nil {
				t.Errorf("%s: SQLite reads it", c.name)
			}
		}
	}
	write(t, path, nil)
	write(t, path+"-wal", []byte("what was committed last"))
	if err := k.Check(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut to nothing beside its log: %v", err)
	}
}

// TestTruncated cuts a database at every page and within each.
func TestTruncated(t *testing.T) {
	k := use(t, fixed)
	path := made(t, k)
	file := read(t, path)
	for page := 1; page < len(file)/pageSize; page++ {
		for _, more := range []int{0, 1 + rand.IntN(pageSize-1)} {
			write(t, path, file[:page*pageSize+more])
			if _, err := all(t, k, path); err == nil {
				t.Errorf("cut after %d pages and %d bytes: it reads", page, more)
			}
		}
	}
}

// logged is a database with a log of commits that have not reached it, as a crash leaves it. Row n of t is what commit n added.
func logged(t testing.TB, k *Key, commits int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.db")
	db := connect(t, k, path, "_journal_mode=WAL&_synchronous=FULL")
	run(t, db, "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t (no INTEGER PRIMARY KEY, words TEXT)", "PRAGMA wal_checkpoint(TRUNCATE)")
	for n := range commits {
		run(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d, hex(zeroblob(%d)))", n+1, 100+n%7*1500))
	}
	return copied(t, path)
}

// firstCommits is how many commits a database has; any that is there must follow on the one before and be whole.
func firstCommits(t testing.TB, k *Key, path string) (int, error) {
	t.Helper()
	if _, err := all(t, k, path); err != nil {
		return 0, err
	}
	db := connect(t, k, path, "")
	defer func() { _ = db.Close() }()
	var n, last, whole int
	err := db.QueryRow("SELECT count(*), coalesce(max(no), 0), coalesce(sum(words = hex(zeroblob(100 + (no - 1) % 7 * 1500))), 0) FROM t").Scan(&n, &last, &whole)
	if err == nil && (n != last || n != whole) {
		t.Errorf("%d rows, the last is %d, %d are whole", n, last, whole)
	}
	return n, err
}

// TestLog damages a log that a crash left: what was torn off or does not open is as if it had never been written, with all
// that follows it, and nothing else comes out.
func TestLog(t *testing.T) {
	const commits = 30
	k := use(t, fixed)
	path := logged(t, k, commits)
	db, log := read(t, path), read(t, path+"-wal")
	frames := (len(log) - logHeadBytes) / frameBytes
	if len(log) != logHeadBytes+frames*frameBytes || frames < commits {
		t.Fatalf("a log of %d bytes", len(log))
	}
	if n, err := firstCommits(t, k, path); n != commits || err != nil {
		t.Fatalf("%d commits, %v", n, err)
	}
	try := func(name string, log []byte) (int, error) {
		t.Helper()
		write(t, path, db)
		write(t, path+"-wal", log)
		n, err := firstCommits(t, k, path)
		if err != nil && !corrupt(err) {
			t.Errorf("%s: %v", name, err)
		}
		return n, err
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		at := r.IntN(len(log))
		if _, err := try("torn", log[:at]); err != nil {
			t.Errorf("torn at %d: %v", at, err)
		}
		zeros := append(bytes.Clone(log[:at]), make([]byte, len(log)-at)...)
		if _, err := try("zeros", zeros); err != nil && at >= logHeadBytes {
			t.Errorf("zeros from %d on: %v", at, err)
		}
	}
	for frame := range frames {
		for _, at := range []int{r.IntN(frameHeadBytes), frameHeadBytes + r.IntN(4096)} {
			bad := bytes.Clone(log)
			bad[logHeadBytes+frame*frameBytes+at] ^= 1 << r.IntN(8)
			n, err := try("flipped", bad)
			if err != nil || n > frame {
				t.Errorf("frame %d, byte %d: %d commits, %v", frame+1, at, n, err)
			}
		}
		other := (frame + 1) % frames
		bad := bytes.Clone(log)
		copy(bad[logHeadBytes+frame*frameBytes:], log[logHeadBytes+other*frameBytes:][:frameBytes])
		if n, err := try("moved", bad); err != nil || n > frame {
			t.Errorf("frame %d moved to %d: %d commits, %v", other+1, frame+1, n, err)
		}
	}
	for at := range logHeadBytes {
		bad := bytes.Clone(log)
		bad[at] ^= 0x10
		if _, err := try("head", bad); !corrupt(err) {
			t.Errorf("byte %d of the log's head: %v", at, err)
		}
	}
}

// TestDamagedWhileOpen changes files under a database that is open: a reader that comes to the place gets an error.
func TestDamagedWhileOpen(t *testing.T) {
	k := use(t, fixed)
	path := filepath.Join(t.TempDir(), "r.db")
	db := connect(t, k, path, "_journal_mode=WAL")
	run(t, db, "CREATE TABLE t (no INTEGER PRIMARY KEY, words TEXT)", "INSERT INTO t VALUES (1, hex(zeroblob(20000)))", "PRAGMA wal_checkpoint(TRUNCATE)",
		"INSERT INTO t VALUES (2, hex(zeroblob(20000)))")
	flip := func(end string, at int) {
		t.Helper()
		f, err := os.OpenFile(path+end, os.O_RDWR, 0)
		must(t, err)
		var b [1]byte
		_, err = f.ReadAt(b[:], int64(at))
		must(t, err)
		b[0] ^= 1
		_, err = f.WriteAt(b[:], int64(at))
		must(t, errors.Join(err, f.Close()))
	}
	ask := func(no int) error {
		var s string
		return connect(t, k, path, "").QueryRow("SELECT words FROM t WHERE no = ?", no).Scan(&s)
	}
	for no := range 2 {
		if err := ask(no + 1); err != nil {
			t.Fatal(err)
		}
	}
	flip("", 4*pageSize+100) // overflow of the first row
	flip("-wal", logHeadBytes+3*frameBytes+frameHeadBytes+100)
	for no := range 2 {
		if err := ask(no + 1); !corrupt(err) {
			t.Errorf("row %d: %v", no+1, err)
		}
	}
}

// TestJournal rolls back what a crash left in a rollback journal, and refuses one that was changed.
func TestJournal(t *testing.T) {
	k := use(t, fixed)
	path := filepath.Join(t.TempDir(), "r.db")
	db := connect(t, k, path, "_journal_mode=DELETE&_synchronous=FULL")
	run(t, db, "CREATE TABLE t (no INTEGER PRIMARY KEY, words TEXT)",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, hex(zeroblob(200)) FROM n")
	want := sound(t, db)
	run(t, db, "PRAGMA cache_size = 10")
	tx, err := db.Begin()
	must(t, err)
	_, err = tx.Exec("UPDATE t SET words = 'gone'")
	must(t, err)
	crashed := copied(t, path) // what does not fit in the cache has been written
	must(t, tx.Rollback())
	file, journal := read(t, crashed), read(t, crashed+"-journal")
	if len(journal) < 20*4104 || bytes.Equal(file, read(t, path)) {
		t.Fatalf("a journal of %d bytes", len(journal))
	}
	again := func() (string, error) { return all(t, k, crashed) }
	if got, err := again(); got != want || err != nil {
		t.Fatalf("rolled back to something else: %v", err)
	}
	for _, at := range []int{512 + 4 + 7, 512 + 3*4104 + 4 + 4000} {
		bad := bytes.Clone(journal)
		bad[at] ^= 1
		write(t, crashed, file)
		write(t, crashed+"-journal", bad)
		if _, err := again(); err == nil {
			t.Errorf("byte %d of the journal changed: it was rolled back", at)
		}
	}
}
