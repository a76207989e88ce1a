package atrest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inChild names the database that this process writes to until it is killed; modeOfChild is how it keeps its journal.
const (
	inChild     = "POSTERN_TEST_ATREST"
	modeOfChild = "POSTERN_TEST_ATREST_MODE"
)

// marker stands in what the child writes, and in no file that can be read.
const marker = "Zopiclone-7.5-mg"

func TestMain(m *testing.M) {
	if path := os.Getenv(inChild); path != "" {
		fmt.Fprintln(os.Stderr, writes(path, os.Getenv(modeOfChild)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writes adds ten rows a transaction, changes and removes old ones, and says which transaction was committed. The cache is so
// small that it spills, and the log so short that it is often brought home.
func writes(path, mode string) error {
	k, err := Use(fixed)
	if err != nil {
		return err
	}
	db, err := openChild(k, path, mode)
	if err != nil {
		return err
	}
	var n int
	if err := db.QueryRow("SELECT coalesce(max(n), 0) FROM t").Scan(&n); err != nil {
		return err
	}
	for {
		n++
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		for i := range 10 {
			if _, err := tx.Exec("INSERT INTO t (n, words) VALUES (?, ?)", n, strings.Repeat(marker+" ", 1+rand.IntN(400))); err != nil {
				return err
			}
			if i == 5 {
				_, err = tx.Exec("SAVEPOINT s; UPDATE t SET words = words || 'x' WHERE n = ? - 7; ROLLBACK TO s; RELEASE s", n)
			}
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec("INSERT INTO f (words) VALUES (?); UPDATE t SET words = words || '"+marker+"' WHERE n = ? - 1; DELETE FROM t WHERE n = ? - 50", marker, n, n); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		fmt.Println(n)
		if n%20 == 0 { // something to sort that does not fit in memory
			var last string
			if err := db.QueryRow("SELECT max(w) FROM (SELECT a.words || b.words AS w FROM (SELECT words FROM t LIMIT 30) a, (SELECT words FROM t LIMIT 30) b ORDER BY w LIMIT -1 OFFSET 5)").Scan(&last); err != nil {
				return err
			}
		}
	}
}

// child is writes in a process of its own, with folders of its own for temporary files.
type child struct {
	cmd  *exec.Cmd
	says *bufio.Scanner
}

func spawn(t *testing.T, path, mode, temp string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^$")}
	c.cmd.Env = append(os.Environ(), inChild+"="+path, modeOfChild+"="+mode, "TMPDIR="+temp, "SQLITE_TMPDIR="+temp)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	c.says = bufio.NewScanner(out)
	return c
}

// committed waits for the next commit.
func (c *child) committed(t *testing.T) int {
	t.Helper()
	if !c.says.Scan() {
		t.Fatal("the child ended")
	}
	n, err := strconv.Atoi(c.says.Text())
	must(t, err)
	return n
}

// kill ends the child by SIGKILL and gives the last commit that it told of.
func (c *child) kill(t *testing.T, last int) int {
	t.Helper()
	must(t, c.cmd.Process.Kill())
	for c.says.Scan() {
		n, err := strconv.Atoi(c.says.Text())
		must(t, err)
		last = n
	}
	if c.cmd.Wait() == nil {
		t.Fatal("the child ended by itself")
	}
	return last
}

// TestSurvivesSIGKILL kills a process a hundred times while it writes: what it had said to be committed is there, each
// transaction is whole or not there, and the database holds together.
func TestSurvivesSIGKILL(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 20
	}
	modes := []string{"WAL", "WAL", "DELETE", "PERSIST", "TRUNCATE"}
	paths := map[string]string{}
	for i := range kills {
		mode := modes[i%len(modes)]
		if paths[mode] == "" {
			paths[mode] = filepath.Join(t.TempDir(), "r.db")
		}
		path := paths[mode]
		c := spawn(t, path, mode, t.TempDir())
		last := c.committed(t)
		time.Sleep(time.Duration(rand.IntN(40_000)) * time.Microsecond) // to be killed at any moment is what is tried
		last = c.kill(t, last)
		db := connect(t, use(t, fixed), path, "")
		sound(t, db)
		var n, halves int
		must(t, db.QueryRow("SELECT max(n) FROM t").Scan(&n))
		must(t, db.QueryRow("SELECT count(*) FROM (SELECT n FROM t GROUP BY n HAVING count(*) <> 10)").Scan(&halves))
		if n < last || n > last+1 || halves != 0 {
			t.Fatalf("%s: %d was committed last and %d is there; %d are not whole", mode, last, n, halves)
		}
		must(t, db.Close())
	}
}

// TestNothingIsReadable looks for the text that is written in every file that SQLite makes, while it is being written, after a
// kill and after closing.
func TestNothingIsReadable(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE", "PERSIST"} {
		t.Run(mode, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			path := filepath.Join(dir, "r.db")
			c := spawn(t, path, mode, temp)
			seen := map[string]bool{}
			look := func() {
				t.Helper()
				for _, at := range []string{dir, temp, fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid)} {
					readable(t, at, seen)
				}
			}
			last := c.committed(t)
			for range 45 {
				last = c.committed(t)
				look()
			}
			c.kill(t, last)
			look()
			db := connect(t, use(t, fixed), path, "")
			sound(t, db)
			if text(t, db, "SELECT count(*) > 0 FROM t WHERE words LIKE '%"+marker+"%'") != "1" {
				t.Error("the text was not written at all")
			}
			look()
			must(t, db.Close())
			look()
			for _, end := range []string{"r.db", map[string]string{"WAL": "r.db-wal"}[mode], map[string]string{"PERSIST": "r.db-journal"}[mode]} {
				if end != "" && !seen[end] {
					t.Errorf("%s was never looked at: %v", end, seen)
				}
			}
		})
	}
}

// readable fails if a file below a folder holds the marker in one of SQLite's encodings, or SQLite's own words. Files go and
// come while it looks. An open temporary file has no name any more; a link in /proc leads to it.
func readable(t *testing.T, dir string, seen map[string]bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		if at, err := os.Stat(path); err != nil || !at.Mode().IsRegular() {
			return ignoreGone(err)
		}
		if to, err := os.Readlink(path); err == nil && strings.HasSuffix(to, ".test") {
			return nil // the program itself
		} else if err == nil && strings.HasSuffix(to, " (deleted)") {
			seen["temporary"] = true
		}
		b, err := os.ReadFile(path)
		seen[d.Name()] = true
		for _, word := range []string{marker, "SQLite format 3", "CREATE TABLE"} {
			if i := bytes.Index(b, []byte(word)); i >= 0 {
				to, _ := os.Readlink(path) // of an open file
				t.Errorf("%s %s holds %q: at %d of %d bytes, after %q", path, to, word, i, len(b), b[max(0, i-64):i])
			}
		}
		return ignoreGone(err)
	})
	must(t, err)
}

// ignoreGone forgives what was closed meanwhile, and its number given to what is no file.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENXIO) {
		return nil
	}
	return err
}

// TestTemporaryFile looks into the file of a temporary table, which has no name but is open for long.
func TestTemporaryFile(t *testing.T) {
	const open = "/proc/self/fd"
	if _, err := os.Stat(open); err != nil {
		t.Skip("open files cannot be seen here")
	}
	db := connect(t, use(t, fixed), filepath.Join(t.TempDir(), "r.db"), "")
	run(t, db, "PRAGMA temp_store = FILE", "PRAGMA temp.cache_size = 5", "CREATE TEMP TABLE s (words TEXT)",
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO s SELECT '"+marker+"' || i FROM n")
	seen := map[string]bool{}
	readable(t, open, seen)
	if !seen["temporary"] {
		t.Errorf("it is not among %v", seen)
	}
	if text(t, db, "SELECT count(*) FROM s WHERE words LIKE '"+marker+"%'") != "5000" {
		t.Error("it does not hold what was written")
	}
}
