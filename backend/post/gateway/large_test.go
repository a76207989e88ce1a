package gateway_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/backend/post/gateway"
)

// Letters of every size around the edges of their pieces come back as they were, whole and in parts.
func TestSizes(t *testing.T) {
	s := start(t, gateway.Options{})
	const piece = 256 << 10
	sizes := []int{0, 1, 100, piece - 1, piece, piece + 1, 3*piece - 1, 3 * piece, 3*piece + 7, 10_240_000}
	var all []gateway.Letter
	for i, n := range sizes {
		b := bytes.Repeat([]byte(fmt.Sprintf("%06d\r\n", i)), n/8+1)[:n]
		all = append(all, gateway.Letter{Arrived: time.Now(), Bytes: b})
	}
	must(t, s.Put(t.Context(), s.local, "INBOX", all...))
	c := s.in(s.login(gateway.Staff))
	c.ok("EXAMINE INBOX")
	for i, n := range sizes {
		want := string(all[i].Bytes)
		for _, part := range []struct{ from, size int }{{0, n + 10}, {piece - 3, 7}, {n - 1, 5}, {n, 5}, {n + 5, 5}, {0, piece}, {piece, 2 * piece}, {1, 1}} {
			if part.from < 0 {
				continue
			}
			got := c.ok("FETCH %d BODY.PEEK[]<%d.%d>", i+1, part.from, part.size)
			from := min(part.from, n)
			if !strings.HasSuffix(got[0], "\n"+want[from:min(part.from+part.size, max(n, from))]+"\n)") && part.from+part.size <= n+10 {
				t.Errorf("%d bytes, from %d to %d: %.100q", n, part.from, part.from+part.size, got[0])
			}
		}
		if got := c.ok("FETCH %d (RFC822.SIZE BODY.PEEK[])", i+1); !strings.Contains(got[0], fmt.Sprintf("RFC822.SIZE %d ", n)) || !strings.HasSuffix(got[0], "\n"+want+"\n)") {
			t.Errorf("%d bytes: %.100q", n, got[0])
		}
	}
	if got := c.ok("UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[])"); len(got) != len(sizes) {
		t.Errorf("%d letters", len(got))
	}
}
