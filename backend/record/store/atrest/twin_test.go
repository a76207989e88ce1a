package atrest

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwin does the same to an encrypted database and to one that is not, in every way in which SQLite can keep what a
// transaction needs, with a cache so small that it spills: both always hold the same.
func TestTwin(t *testing.T) {
	for mode, vacuums := range map[string][]string{"WAL": {"none", "full", "incremental"}, "DELETE": {"none", "incremental"},
		"TRUNCATE": {"none"}, "PERSIST": {"full"}, "MEMORY": {"none"}} {
		for _, vacuum := range vacuums {
			t.Run(mode+"/"+vacuum, func(t *testing.T) {
				k := use(t, fixed)
				dir := t.TempDir()
				options := fmt.Sprintf("_journal_mode=%s&_auto_vacuum=%s&_synchronous=FULL", mode, vacuum)
				sealed := connect(t, k, filepath.Join(dir, "sealed.db"), options)
				plain := connect(t, nil, filepath.Join(dir, "plain.db"), options)
				if got := text(t, sealed, "PRAGMA journal_mode"); !strings.EqualFold(got, mode) {
					t.Fatalf("the mode is %s", got)
				}
				for _, db := range []*sql.DB{sealed, plain} {
					run(t, db, "PRAGMA cache_size = 15", "PRAGMA temp_store = FILE", "PRAGMA wal_autocheckpoint = 50")
					work(t, db)
				}
				if a, b := sound(t, sealed), sound(t, plain); a != b {
					t.Fatal("they differ")
				}
				must(t, sealed.Close())
				again := connect(t, k, filepath.Join(dir, "sealed.db"), options)
				if a, b := sound(t, again), sound(t, plain); a != b {
					t.Fatal("they differ after opening again")
				}
				if text(t, again, "PRAGMA page_size") != "4096" {
					t.Error("another size of page")
				}
			})
		}
	}
}

// work is the same each time: rows of all sizes, a full-text index, savepoints kept and rolled back, transactions too, sorts
// and temporary tables that do not fit in memory, VACUUM.
func work(t *testing.T, db *sql.DB) {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 2)) // always the same
	words := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "w%d ", r.IntN(3000))
		}
		return b.String()
	}
	run(t, db, "CREATE TABLE letter (no INTEGER PRIMARY KEY, who TEXT, words TEXT, more BLOB)", "CREATE INDEX by_who ON letter (who, no)",
		"CREATE VIRTUAL TABLE found USING fts5 (words)", "CREATE TEMP TABLE scratch (words TEXT)")
	for round := range 24 {
		tx, err := db.Begin()
		must(t, err)
		do := func(s string, args ...any) {
			if _, err := tx.Exec(s, args...); err != nil {
				t.Fatalf("round %d: %s: %v", round, s, err)
			}
		}
		for range 12 {
			do("INSERT INTO letter (who, words, more) VALUES (?, ?, ?)", fmt.Sprint("p", r.IntN(9)), words(r.IntN(60)), []byte(words(r.IntN(1500))))
		}
		do("SAVEPOINT one")
		do("DELETE FROM letter WHERE no % 7 = ?", round%7)
		do("UPDATE letter SET words = words || ? WHERE no % 5 = ?", words(40), round%5)
		if round%3 == 0 {
			do("ROLLBACK TO one")
		}
		do("RELEASE one")
		do("INSERT INTO found (words) SELECT words FROM letter ORDER BY no DESC LIMIT 9")
		do("INSERT INTO scratch SELECT a.words || b.who FROM letter a, letter b ORDER BY random() LIMIT 200")
		do("INSERT INTO letter (who, words) SELECT who, substr(group_concat(words), 1, 9000) FROM (SELECT who, words FROM letter ORDER BY words, more) GROUP BY who")
		if round%4 == 1 {
			must(t, tx.Rollback())
		} else {
			must(t, tx.Commit())
		}
		switch round {
		case 8, 19:
			run(t, db, "VACUUM")
		case 15:
			run(t, db, "DELETE FROM letter WHERE no > 30", "PRAGMA incremental_vacuum")
		case 17:
			run(t, db, "CREATE INDEX by_words ON letter (words, who)", "REINDEX", "INSERT INTO found (found) VALUES ('optimize')")
		}
	}
	run(t, db, "INSERT INTO found (found) VALUES ('integrity-check')")
}

// TestPageSizeStays: every database has pages of 4096 bytes. Nothing is lost by asking for others.
func TestPageSizeStays(t *testing.T) {
	k := use(t, fixed)
	path := filepath.Join(t.TempDir(), "r.db")
	db := connect(t, k, path, "_journal_mode=DELETE")
	run(t, db, "PRAGMA page_size = 8192", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "PRAGMA page_size = 1024")
	if _, err := db.Exec("VACUUM"); err == nil && text(t, db, "PRAGMA page_size") != "4096" {
		t.Error("another size of page was taken")
	}
	must(t, db.Close())
	db = connect(t, k, path, "")
	sound(t, db)
	if text(t, db, "SELECT a FROM t") != "1" {
		t.Error("the row is gone")
	}
}

// TestNothingElseOpens: what has no key in use, and files that a database has only together with others.
func TestNothingElseOpens(t *testing.T) {
	dir := t.TempDir()
	k := use(t, fixed)
	db := connect(t, k, filepath.Join(dir, "r.db"), "_journal_mode=DELETE")
	run(t, db, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
	for _, s := range []string{"ATTACH '" + filepath.Join(dir, "other.db") + "' AS other", "VACUUM INTO '" + filepath.Join(dir, "other.db") + "'",
		fmt.Sprintf("ATTACH 'file:%s?key=99999' AS other", filepath.Join(dir, "other.db"))} {
		if _, err := db.Exec(s); err == nil {
			t.Errorf("%s: it was done", s)
		}
	}
	// With its key another database can be attached, but no transaction writes to both.
	run(t, db, fmt.Sprintf("ATTACH 'file:%s?%s' AS other", filepath.Join(dir, "second.db"), k.Options()), "CREATE TABLE other.t (a)")
	tx, err := db.Begin()
	must(t, err)
	for _, s := range []string{"INSERT INTO t VALUES (2)", "INSERT INTO other.t VALUES (2)"} {
		_, err := tx.Exec(s)
		must(t, err)
	}
	if tx.Commit() == nil {
		t.Error("a transaction over two files was committed with a list of them in the clear")
	}
	k.Close()
	if err := connect(t, k, filepath.Join(dir, "r.db"), "").Ping(); err == nil {
		t.Error("opened with a key that is out of use")
	}
}
