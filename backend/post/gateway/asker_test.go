package gateway

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// pieces is a connection on which bytes come in pieces.
type pieces struct {
	net.Conn
	left []byte
	r    *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := min(1+p.r.IntN(40), len(p.left), len(b))
	if p.r.IntN(10) == 0 {
		n = min(len(p.left), len(b))
	}
	n = copy(b, p.left[:n])
	p.left = p.left[n:]
	return n, nil
}

// TestAskerPasses: whatever a client says, and in whatever pieces it comes, the library reads the same bytes.
func TestAskerPasses(t *testing.T) {
	said := []string{"a NOOP\r\n", "b APPEND INBOX {12+}\r\nx\r\ny GETQUOTA\r\n", "c LOGIN {3}\r\nabc {2+}\r\nde\r\n", "\n", "\r\n", "DONE\r\n",
		"d SEARCH " + strings.Repeat("x", 2500) + " {5+}\r\n\n\n\n\n\n\r\n", "e GETQUOTAROOT INBOX", strings.Repeat("y", 990) + "\r\n", "{99999999999999}\r\n",
		"f FETCH 1 {0}\r\n\r\n", "\x00\xff {3}\n\n\n\n"}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []byte
		for range 1 + r.IntN(12) {
			all = append(all, said[r.IntN(len(said))]...)
		}
		a := &asker{Conn: &pieces{left: all, r: r}}
		var got []byte
		for {
			b := make([]byte, 1+r.IntN(5000))
			n, err := a.Read(b)
			got = append(got, b[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("%d bytes and %v", n, err)
			}
		}
		if !bytes.Equal(got, all) {
			t.Fatalf("of %q the library reads %q", all, got)
		}
	}
}
