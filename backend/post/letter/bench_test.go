package letter

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

var example = Header{From: "k7qmw2x5zr3tnb4c@postern.test", To: "mbv5d3yq6h2lsn7f@postern.test", Domain: "postern.test",
	Date: time.Date(2026, 11, 22, 21, 15, 42, 0, time.UTC)}

func sealed(t testing.TB, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	copy(b, "PSTN\x01")
	return b
}

func BenchmarkWrite(b *testing.B) {
	payload := sealed(b, 5700)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if _, err := Write(example, payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	payload := sealed(b, 5700)
	m, err := Write(example, payload)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		got, err := Read(m)
		if err != nil || !bytes.Equal(got, payload) {
			b.Fatal(err)
		}
	}
}
