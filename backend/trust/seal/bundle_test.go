package seal

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestBundle(t *testing.T) {
	in := []Signed{{[]byte("one"), signature(1)}, {bytes.Repeat([]byte("2"), 70_000), signature(2)}}
	c, err := NewBundle(in)
	if err != nil {
		t.Fatal(err)
	}
	s := newSecret(t)
	letter, err := Seal(s.Public(), c)
	if err != nil {
		t.Fatal(err)
	}
	c, err = NewRing(s).Open(letter)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Bundle(c)
	if err != nil || len(out) != 2 || !bytes.Equal(out[0].Bytes, in[0].Bytes) || !bytes.Equal(out[1].Bytes, in[1].Bytes) ||
		!bytes.Equal(out[1].Signature, in[1].Signature) {
		t.Errorf("%d events, %v", len(out), err)
	}
	for n := range len(c.Bytes) - 1 {
		if n == 4+3+64 || n == 0 {
			continue // whole events
		}
		if _, err := Bundle(Content{Type: TypeBundle, Bytes: c.Bytes[:n]}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, err := Bundle(Content{Type: TypeBlob}); !errors.Is(err, ErrDamaged) {
		t.Error("a blob is taken for a bundle")
	}
	for name, bad := range map[string][]Signed{"empty": {{nil, signature(1)}}, "unsigned": {{[]byte("x"), nil}},
		"too long": {{make([]byte, MaxContent), signature(1)}}} {
		if _, err := NewBundle(bad); err == nil {
			t.Errorf("%s: bundled", name)
		}
	}
}

// A letter cannot make its reader look at as many events as fit into it.
func TestBundleIsBounded(t *testing.T) {
	one := Signed{[]byte("x"), signature(1)}
	most := slices.Repeat([]Signed{one}, MaxBundle)
	c, err := NewBundle(most)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Bundle(c); err != nil || len(got) != MaxBundle {
		t.Fatalf("%d events: %v", len(got), err)
	}
	if _, err := NewBundle(append(most, one)); err == nil {
		t.Error("one more was bundled")
	}
	more, _ := NewBundle([]Signed{one})
	if _, err := Bundle(Content{Type: TypeBundle, Bytes: append(c.Bytes, more.Bytes...)}); !errors.Is(err, ErrDamaged) {
		t.Errorf("one more was taken out: %v", err)
	}
}

func FuzzBundle(f *testing.F) {
	c, err := NewBundle([]Signed{{[]byte("one"), signature(1)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Bytes)
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := Bundle(Content{Type: TypeBundle, Bytes: b})
		if err != nil {
			return
		}
		again, err := NewBundle(events)
		if err != nil || !bytes.Equal(again.Bytes, b) {
			t.Fatalf("%v", err)
		}
	})
}
