package view_test

import (
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	. "postern/backend/record/recordtest"
	"postern/backend/record/view"
)

// big is an office's replica with threads of seven messages each; of seven threads two are completed.
func big(b *testing.B, threads int) (*view.Views, []care.EventID, []string) {
	b.Helper()
	r := NewReplica(b, nil)
	r.Clinic.Viewer = Rosa.ID
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 3, 19_999)
	words := make([]string, 20_000)
	for i := range words {
		w := make([]byte, 2+rng.IntN(9))
		for j := range w {
			w[j] = byte('a' + rng.IntN(26))
		}
		words[i] = string(w)
	}
	text := func(size int) care.Text {
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(words[zipf.Uint64()] + " ")
		}
		return care.Text(b.String())
	}
	var ids []care.EventID
	var batch []*event.Event
	for i := range threads {
		s := NewStory(b, Maria, text(40), Monday.Add(-time.Duration(i)*20*time.Minute))
		var mine []*event.Event
		for j := range 7 {
			m := s.Says([]Someone{Maria, Rosa}[j%2], text(1170))
			if j%2 == 0 {
				mine = append(mine, m)
			}
		}
		if i%7 == 0 {
			s.Receives(s.Says(Maria, text(1170)), Monday.AddDate(0, 0, i%5-1))
		}
		if i%7 > 4 {
			s.Completes(Rosa, "Done.", mine...)
		}
		ids, batch = append(ids, s.Thread), append(batch, s.All...)
		if len(batch) > 1000 || i == threads-1 {
			r.Takes(LeeBox, batch...)
			batch = nil
		}
	}
	return view.New(r.DB, view.Viewer{Person: Rosa.ID}, r.Clinic, func() time.Time { return Monday }), ids, words
}

// BenchmarkViews is an office of 7,000 threads, 5,000 of them open, with 50,000 messages of 1.2 KB.
func BenchmarkViews(b *testing.B) {
	v, ids, words := big(b, 7_000)
	rng := rand.New(rand.NewPCG(5, 6))
	measure := func(name string, do func(i int) error) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			i := 0
			for b.Loop() {
				start := time.Now()
				if err := do(i); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
				i++
			}
			sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
		})
	}
	ctx := b.Context()
	measure("counts", func(int) error { _, _, err := v.Queues(ctx); return err })
	for _, q := range []string{"unassigned", "member", "overdue", "unreached", "completed", "all"} {
		measure("queue="+q, func(int) error { _, _, err := v.Queue(ctx, q, ""); return err })
	}
	measure("thread", func(int) error { _, err := v.Thread(ctx, ids[rng.IntN(len(ids))]); return err })
	searches := map[string]func() string{
		"rare":   func() string { return words[9000+rng.IntN(11_000)] },
		"common": func() string { return words[rng.IntN(5)] },
		"two":    func() string { return words[rng.IntN(300)] + " " + words[rng.IntN(3000)] },
		"three":  func() string { return words[rng.IntN(50)] + " " + words[rng.IntN(50)] + " " + words[rng.IntN(5000)] },
		"prefix": func() string { return words[rng.IntN(20_000)][:2] },
		"letter": func() string { return string(rune('a' + rng.IntN(26))) },
		"name":   func() string { return "vega" },
	}
	var names []string
	for name := range searches {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		measure("search="+name, func(int) error { _, _, err := v.Queue(ctx, "all", searches[name]()); return err })
	}
}
