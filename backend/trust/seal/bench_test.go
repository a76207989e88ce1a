package seal

import (
	"bytes"
	"crypto/ed25519"
	"testing"
)

// A letter of an ordinary message: 1.2 KB of event in the smallest bucket.
func benchLetter(b *testing.B, size int) (Secret, ed25519.PublicKey, Content, []byte) {
	b.Helper()
	s, err := NewSecret()
	if err != nil {
		b.Fatal(err)
	}
	pub, key, _ := ed25519.GenerateKey(nil)
	body := bytes.Repeat([]byte("x"), size)
	c := Content{Type: TypeEvent, Bytes: body, Signature: Sign(key, LabelEvent, body)}
	letter, err := Seal(s.Public(), c)
	if err != nil {
		b.Fatal(err)
	}
	return s, pub, c, letter
}

func BenchmarkSeal(b *testing.B) {
	s, _, c, _ := benchLetter(b, 1200)
	to := s.Public()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(to, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s, _, _, letter := benchLetter(b, 1200)
	ring := NewRing(s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Open(letter); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenAndVerify(b *testing.B) {
	s, pub, _, letter := benchLetter(b, 1200)
	ring := NewRing(s)
	b.ReportAllocs()
	for b.Loop() {
		c, err := ring.Open(letter)
		if err != nil || !Verify(pub, LabelEvent, c.Bytes, c.Signature) {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenAndVerifyAllCores(b *testing.B) {
	s, pub, _, letter := benchLetter(b, 1200)
	ring := NewRing(s)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c, err := ring.Open(letter)
			if err != nil || !Verify(pub, LabelEvent, c.Bytes, c.Signature) {
				b.Error(err)
				return
			}
		}
	})
}
