package fetch_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"testing"
	"time"

	"postern/backend/post/fetch"
	"postern/backend/post/posttest"
)

// nothing is a sink that forgets, so that the fetching alone is measured.
type nothing struct{ letters, bytes int }

func (*nothing) Known(context.Context, string, uint32, uint32) (func(uint32) bool, error) {
	return func(uint32) bool { return false }, nil
}
func (n *nothing) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	for _, l := range letters {
		n.letters++
		n.bytes += len(l.Message)
	}
	return n, nil
}
func (*nothing) Store(context.Context) error { return nil }
func (*nothing) Progress(int, int)           {}
func (*nothing) UpToDate(time.Time)          {}
func (*nothing) Problem(error)               {}

// BenchmarkFetch10k reads 10,000 letters of 3 KB from a mail system: connection, login, comparison and all bytes, into a sink
// that forgets them.
func BenchmarkFetch10k(b *testing.B) { posttest.EachB(b, benchmarkFetch10k) }

func benchmarkFetch10k(b *testing.B, sys *posttest.System) {
	const n = 10_000
	local := sys.AddMailbox(b)
	payload := make([]byte, 1900)
	var all [][]byte
	for range n {
		_, _ = rand.Read(payload) // never fails
		all = append(all, mailOf(b, "PSTN\x01"+base64.RawStdEncoding.EncodeToString(payload)[:2030]))
	}
	sys.Append(b, local, "INBOX", time.Now(), all...)
	for _, way := range []string{"in the clear", "TLS"} {
		b.Run(way, func(b *testing.B) {
			login := sys.AddLogin(b, local, posttest.Staff)
			if way == "in the clear" {
				login = sys.Clear(login)
			}
			for b.Loop() {
				sink := &nothing{}
				f := &fetch.Fetcher{Login: login, Sink: sink}
				if err := f.Once(b.Context()); err != nil {
					b.Fatal(err)
				}
				if sink.letters != n {
					b.Fatalf("%d letters", sink.letters)
				}
				b.SetBytes(int64(sink.bytes))
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "letters/s")
		})
	}
	// The peer's first sync of the same mailbox, which it stores as files.
	b.Run("mbsync in the clear", func(b *testing.B) {
		login := sys.Clear(sys.AddLogin(b, local, posttest.Owner))
		for b.Loop() {
			if _, got := posttest.Mbsync(b, login); got != n {
				b.Fatalf("%d letters", got)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "letters/s")
	})
}

// has is a sink that has everything already.
type has struct{ nothing }

func (*has) Known(context.Context, string, uint32, uint32) (func(uint32) bool, error) {
	return func(uint32) bool { return true }, nil
}

// BenchmarkResume50k is the first look of a client that has all 50,000 letters of its mailbox: connection, login and
// comparison of every folder.
func BenchmarkResume50k(b *testing.B) { posttest.EachB(b, benchmarkResume50k) }

func benchmarkResume50k(b *testing.B, sys *posttest.System) {
	local := sys.AddMailbox(b)
	all := make([][]byte, 50_000)
	for i := range all {
		all[i] = []byte("Subject: Postern\r\n\r\ntext\r\n")
	}
	sys.Append(b, local, "INBOX", time.Now(), all...)
	login := sys.AddLogin(b, local, posttest.Staff)
	for b.Loop() {
		f := &fetch.Fetcher{Login: login, Sink: &has{}}
		if err := f.Once(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
