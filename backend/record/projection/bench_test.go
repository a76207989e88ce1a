package projection_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	. "postern/backend/record/recordtest"
)

// prose is text of about n bytes with the words of a language: few of them often, many of them seldom.
func prose(rng *rand.Rand, zipf *rand.Zipf, n int) care.Text {
	var b strings.Builder
	for b.Len() < n {
		w := zipf.Uint64()
		for i := 0; i < 2+int(w%9); i++ {
			b.WriteByte(byte('a' + (w*uint64(i+7)+w>>uint(i))%26))
		}
		b.WriteByte(' ')
	}
	_ = rng
	return care.Text(b.String())
}

// mailbox is n message events in threads of ten, newest first as they are fetched, with texts of about size bytes.
func mailbox(t testing.TB, n, size int) []*event.Event {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 3, 19_999)
	var all []*event.Event
	for i := 0; len(all) < n; i++ {
		s := NewStory(t, Maria, care.Text(fmt.Sprintf("Subject %d", i)), Monday.Add(time.Duration(i)*7*time.Minute))
		for j := range 9 {
			s.At = s.At.Add(time.Duration(rng.IntN(600)) * time.Minute)
			s.Says([]Someone{Maria, Rosa}[j%2], prose(rng, zipf, size))
		}
		all = append(all, s.All...)
	}
	slices.SortFunc(all, func(a, b *event.Event) int { return b.At.Compare(a.At) })
	return all[:n]
}

// BenchmarkFirstSync is 10,000 events into an empty replica in batches of 500: journal, fold, tables and index, with a
// durable commit each, without decrypting and decoding.
func BenchmarkFirstSync(b *testing.B) {
	for _, size := range []int{800, 2300} {
		b.Run(fmt.Sprintf("text=%d", size), func(b *testing.B) {
			events := mailbox(b, 10_000, size)
			bytes := 0
			for _, e := range events {
				bytes += len(e.Raw)
			}
			rate, busy := 0.0, 0.0
			for b.Loop() {
				b.StopTimer()
				r := NewReplica(b, nil)
				b.StartTimer()
				start, before := time.Now(), CPU()
				for batch := range slices.Chunk(events, 500) {
					r.Write(func(ctx context.Context, tx *sql.Tx) error {
						_, err := r.Journal.Append(ctx, tx, r.Entries(LeeBox, batch...)...)
						return err
					})
				}
				rate, busy = float64(len(events))/time.Since(start).Seconds(), (CPU()-before).Seconds()*1e6/float64(len(events))
			}
			b.ReportMetric(rate, "events/s")
			b.ReportMetric(busy, "cpu-us/event")
			b.ReportMetric(float64(bytes)/float64(len(events)), "B/event")
		})
	}
}

// BenchmarkOneMessage is what one arriving message costs in a thread of ten, durable.
func BenchmarkOneMessage(b *testing.B) {
	r := NewReplica(b, nil)
	events := mailbox(b, 20_000, 800)
	next := 0
	for b.Loop() {
		r.Takes(LeeBox, events[next%len(events)])
		next++
	}
}

// BenchmarkRebuild folds 10,000 events anew.
func BenchmarkRebuild(b *testing.B) {
	r := NewReplica(b, nil)
	for batch := range slices.Chunk(mailbox(b, 10_000, 800), 500) {
		r.Takes(LeeBox, batch...)
	}
	for b.Loop() {
		if err := r.Projection.Rebuild(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
