package atrest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestReadersBesideAWriter moves money between accounts while eight readers add it up, with logs so short that pages are
// brought home under them all the time: each always sees the same sum.
func TestReadersBesideAWriter(t *testing.T) {
	const accounts, each = 400, 100
	k := use(t, fixed)
	path := filepath.Join(t.TempDir(), "r.db")
	writer := connect(t, k, path, "_journal_mode=WAL&_synchronous=OFF&_txlock=immediate")
	run(t, writer, "PRAGMA wal_autocheckpoint = 20", "PRAGMA cache_size = 10", "CREATE TABLE a (no INTEGER PRIMARY KEY, n INTEGER, more TEXT)",
		fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO a SELECT i, %d, hex(zeroblob(300)) FROM n", accounts, each))
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	var reads, commits atomic.Int64
	var g sync.WaitGroup
	for range 8 {
		reader := connect(t, k, path, "_query_only=true")
		g.Go(func() {
			for ctx.Err() == nil {
				var sum, whole int
				if err := reader.QueryRow("SELECT sum(n), count(more = hex(zeroblob(300))) FROM a").Scan(&sum, &whole); err != nil {
					t.Error(err)
					return
				}
				if sum != accounts*each || whole != accounts {
					t.Errorf("the sum is %d, %d are whole", sum, whole)
					return
				}
				reads.Add(1)
			}
		})
	}
	for ctx.Err() == nil {
		tx, err := writer.Begin()
		must(t, err)
		for range 20 {
			from, to := 1+rand.IntN(accounts), 1+rand.IntN(accounts)
			_, err := tx.Exec("UPDATE a SET n = n - 1 WHERE no = ?; UPDATE a SET n = n + 1 WHERE no = ?", from, to)
			must(t, err)
		}
		must(t, tx.Commit())
		commits.Add(1)
	}
	g.Wait()
	t.Logf("%d reads beside %d commits", reads.Load(), commits.Load())
	sound(t, writer)
}
