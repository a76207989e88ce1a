package event

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"postern/backend/care"
)

// A file is what its pieces are, in their order, and nothing else.
func TestFileInPieces(t *testing.T) {
	for _, size := range []int{1, PieceSize - 1, PieceSize, PieceSize + 1, 2*PieceSize + 7} {
		content := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		f, pieces := NewFile("rash.jpg", "image/jpeg", content)
		if len(pieces) != (size+PieceSize-1)/PieceSize || f.Size != int64(size) || checkCame([]File{f}) != nil {
			t.Fatalf("%d bytes in %d pieces: %+v", size, len(pieces), f)
		}
		for i, id := range f.IDs() {
			if id != PieceID(pieces[i]) {
				t.Errorf("piece %d of %d bytes has another name", i, size)
			}
		}
		if whole, ok := f.Whole(pieces); !ok || !bytes.Equal(whole, content) {
			t.Errorf("%d bytes are not put together again", size)
		}
		if _, ok := f.Whole(pieces[1:]); ok {
			t.Errorf("%d bytes without their first piece are taken for the file", size)
		}
		if len(pieces) > 2 {
			pieces[0], pieces[1] = pieces[1], pieces[0]
			f.Pieces[0], f.Pieces[1] = f.Pieces[1], f.Pieces[0]
			if _, ok := f.Whole(pieces); ok && !bytes.Equal(pieces[0], pieces[1]) {
				t.Error("pieces in another order are taken for the file")
			}
		}
	}
}

// A reply says something: words, a file, or that it was too large for either.
func TestRepliesSaySomething(t *testing.T) {
	one, _ := NewFile("rash.jpg", "image/jpeg", []byte("x"))
	for name, c := range map[string]struct {
		change func(b *BridgedBody)
		why    string
	}{
		"nothing":          {func(b *BridgedBody) {}, "neither text nor file"},
		"a file":           {func(b *BridgedBody) { b.Files = []File{one} }, ""},
		"what stayed":      {func(b *BridgedBody) { b.Left = []Left{{"x.mov", LeftKind}} }, ""},
		"too large":        {func(b *BridgedBody) { b.Large = 9 << 20 }, ""},
		"less than none":   {func(b *BridgedBody) { b.Large = -1 }, "something of it was"},
		"large, and words": {func(b *BridgedBody) { b.Large, b.Text = 9<<20, "x" }, "something of it was"},
		"large, and files": {func(b *BridgedBody) { b.Large, b.Files = 9<<20, []File{one} }, "something of it was"},
	} {
		e := example(Bridged)
		b := BridgedBody{Notice: id(4), Mail: id(5).String(), Received: morning, From: "maria@example.org"}
		c.change(&b)
		e.Body = b
		refusedFor(t, name, e, c.why)
	}
	e := example(Accepted)
	e.Body = AcceptedBody{Reply: id(4), Wrote: maria}
	refusedFor(t, "accepted, nothing", e, "neither text nor file")
	e.Body = AcceptedBody{Reply: id(4), Wrote: maria, Files: []File{one}}
	refusedFor(t, "accepted, a file", e, "")
}

func refusedFor(t *testing.T, name string, e Event, why string) {
	t.Helper()
	_, err := Encode(e)
	if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
		t.Errorf("%s: %v, want %q", name, err, why)
	}
}

// However much an event names, no reader keeps more for it than files may be.
func TestFilesWithinLimits(t *testing.T) {
	of := func(n int, size int64) (all []File) {
		for i := range n {
			f := File{Name: fmt.Sprint("f", i), Type: "image/jpeg", Size: size, SHA256: id(1).String()}
			for p := range (size + PieceSize - 1) / PieceSize {
				f.Pieces = append(f.Pieces, care.EventID{byte(i), byte(p), 1}.String())
			}
			all = append(all, f)
		}
		return all
	}
	for name, c := range map[string]struct {
		files []File
		kept  bool
	}{
		"a few":     {of(3, 100), true},
		"too many":  {of(MaxFiles+1, 1), false},
		"too large": {of(1, MaxFile+1), false},
		"too much":  {of(3, MaxFile), false},
		"a lie":     {[]File{{Name: "x", Type: "x", Size: 1, SHA256: id(1).String(), Pieces: []string{id(1).String(), id(2).String()}}}, false},
	} {
		e := example(Sent)
		e.Body = SentBody{Text: "Look.", Files: c.files}
		raw, err := Encode(e) // what a member wrote is taken whatever it names
		if err != nil {
			t.Fatal(name, err)
		}
		sent, err := Decode(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		if kept := len(sent.Pieces()) > 0; kept != c.kept {
			t.Errorf("%s: kept %v", name, kept)
		}
		e = example(Accepted)
		e.Body = AcceptedBody{Reply: id(4), Wrote: maria, Text: "Look.", Files: c.files}
		if _, err := Encode(e); (err == nil) != c.kept {
			t.Errorf("%s, accepted: %v", name, err)
		}
	}
}
