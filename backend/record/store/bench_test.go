package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkAtRest is what encryption costs: the same is done to a file with and to one without it, in turn, so that a noisy
// machine disturbs both alike. It reports the time of each and by how much the first is longer. Inserted are messages of 2 kB
// with their place in the full-text index, 50 a commit; searched is among 20,000 of them, of which the caches hold a part.
func BenchmarkAtRest(b *testing.B) {
	word := func(from, to int) func(b *testing.B, d *DB, r *rand.Rand, turn int) {
		return func(b *testing.B, d *DB, r *rand.Rand, _ int) { search(b, d, fmt.Sprintf("w%d", from+r.IntN(to-from))) }
	}
	for _, c := range []struct {
		name   string
		filled int
		do     func(b *testing.B, d *DB, r *rand.Rand, turn int)
	}{
		{"insert", 0, func(b *testing.B, d *DB, r *rand.Rand, turn int) { insert(b, d, r, 50*turn, 50) }},
		{"commit", 0, func(b *testing.B, d *DB, _ *rand.Rand, turn int) {
			if err := put(b.Context(), d, fmt.Sprint(turn)); err != nil {
				b.Fatal(err)
			}
		}},
		{"search/rare", 20_000, word(2000, 20_000)},
		{"search/common", 20_000, word(0, 100)},
		{"check", 20_000, func(b *testing.B, d *DB, _ *rand.Rand, _ int) {
			if err := d.Check(b.Context()); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			type side struct {
				d     *DB
				r     *rand.Rand
				spent time.Duration
			}
			sides := []*side{{d: benchFile(b, true)}, {d: benchFile(b, false)}}
			for _, s := range sides {
				s.r = rand.New(rand.NewPCG(1, 2))
				for n := 0; n < c.filled; n += 500 {
					insert(b, s.d, s.r, n, 500)
				}
			}
			turn := 0
			for b.Loop() {
				for i := range sides {
					s := sides[(turn+i)%2]
					began := time.Now()
					c.do(b, s.d, s.r, turn)
					s.spent += time.Since(began)
				}
				turn++
			}
			sealed, plain := sides[0].spent, sides[1].spent
			b.ReportMetric(float64(sealed.Microseconds())/float64(turn), "encrypted-µs")
			b.ReportMetric(float64(plain.Microseconds())/float64(turn), "plain-µs")
			b.ReportMetric(100*float64(sealed-plain)/float64(plain), "%-longer")
		})
	}
}

func benchFile(b *testing.B, sealed bool) *DB {
	b.Helper()
	path := filepath.Join(b.TempDir(), "r.db")
	s := Schema{App: 0x42454e43, Sentences: replicaSentences, Kept: `CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL DEFAULT '') STRICT;
		CREATE TABLE message (no INTEGER PRIMARY KEY, thread INTEGER NOT NULL, words TEXT NOT NULL) STRICT;
		CREATE INDEX message_thread ON message (thread, no);
		CREATE VIRTUAL TABLE found USING fts5 (words, content='message', content_rowid='no');`}
	open := OpenPlain
	if sealed {
		open = func(ctx context.Context, path string, s Schema) (*DB, error) { return OpenSchema(ctx, path, key, s) }
	}
	d, err := open(b.Context(), path, s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	return d
}

// insert adds messages whose words are spread as those of a language are: few are common.
func insert(b *testing.B, d *DB, r *rand.Rand, from, count int) {
	b.Helper()
	spread := rand.NewZipf(r, 1.1, 8, 20_000)
	if err := d.Write(b.Context(), func(tx *sql.Tx) error {
		for n := from + 1; n <= from+count; n++ {
			var words strings.Builder
			for words.Len() < 2000 {
				fmt.Fprintf(&words, "w%d ", spread.Uint64())
			}
			if _, err := tx.Exec("INSERT INTO message (no, thread, words) VALUES (?, ?, ?)", n, n%997, words.String()); err != nil {
				return err
			}
			if _, err := tx.Exec("INSERT INTO found (rowid, words) VALUES (?, ?)", n, words.String()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

func search(b *testing.B, d *DB, word string) {
	b.Helper()
	if err := d.Read(b.Context(), func(tx *sql.Tx) error {
		return Each(context.Background(), tx, "SELECT m.no, m.words FROM found f JOIN message m ON m.no = f.rowid WHERE f.words MATCH ? ORDER BY f.rowid DESC LIMIT 20",
			[]any{word}, func(rows *sql.Rows) error {
				var no int
				var words string
				return rows.Scan(&no, &words)
			})
	}); err != nil {
		b.Fatal(err)
	}
}
