package letter

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write the golden letter again; a released one is never edited")

// The letters of the format, kept as they were first written.
func TestGolden(t *testing.T) {
	payload := golden(t, "payload.bin")
	got, err := Write(example, payload)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/v1/letter.eml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := golden(t, "v1/letter.eml"); !bytes.Equal(got, want) {
		t.Errorf("the letter is written as\n%.900s\nand was\n%.900s", got, want)
	}
	back, err := Read(golden(t, "v1/letter.eml"))
	if err != nil || !bytes.Equal(back, payload) {
		t.Errorf("the golden letter reads as %d bytes, %v", len(back), err)
	}
}

func TestWhatStandsOutside(t *testing.T) {
	m, err := Write(example, sealed(t, 4000))
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(m), "\r\n\r\n")
	if !ok {
		t.Fatal("there is no empty line after the header")
	}
	var names []string
	for line := range strings.SplitSeq(head, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, strings.ToLower(name))
	}
	const want = "from to date message-id subject mime-version auto-submitted content-type content-transfer-encoding"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the header fields are\n%s\nand should be\n%s", got, want)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(body, "\r\n"), "\r\n") {
		if len(line) > 76 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of the body has %d characters", len(line))
		}
	}
}

// The id follows from the letter alone, so that a server which keeps one copy of a Message-ID keeps the right one.
func TestMessageIDIsTheLetters(t *testing.T) {
	id := func(h Header, payload []byte) string {
		m, err := Write(h, payload)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(m), "Message-Id: ")
		line, _, _ := strings.Cut(rest, "\r\n")
		return line
	}
	one, other := sealed(t, 100), sealed(t, 100)
	later := example
	later.Date = later.Date.AddDate(0, 0, 1)
	later.From = "somebody@postern.test"
	if id(example, one) != id(later, one) {
		t.Error("the same letter has two ids")
	}
	if id(example, one) == id(example, other) {
		t.Error("two letters have one id")
	}
	if got := id(example, one); len(got) != len("<>@postern.test")+32 {
		t.Errorf("the id is %s", got)
	}
	if want := "<" + Envelope(one) + "@postern.test>"; id(example, one) != want {
		t.Errorf("the id is %s and the envelope's name gives %s", id(example, one), want)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Header)
		payload string
	}{
		"no letter":          {func(*Header) {}, "hello"},
		"empty":              {func(*Header) {}, ""},
		"a second header":    {func(h *Header) { h.To = "a@b\r\nBcc: c@d" }, "PSTN\x01"},
		"a second recipient": {func(h *Header) { h.To = "a@b,c@d" }, "PSTN\x01"},
		"no recipient":       {func(h *Header) { h.To = "" }, "PSTN\x01"},
		"a broken domain":    {func(h *Header) { h.Domain = "x>" }, "PSTN\x01"},
		"a name as sender":   {func(h *Header) { h.From = "Ana Lee <a@b>" }, "PSTN\x01"},
	} {
		h := example
		c.change(&h)
		if _, err := Write(h, []byte(c.payload)); care.KindOf(err) != care.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverySizeComesBack(t *testing.T) {
	for size := 5; size < 700; size++ {
		payload := sealed(t, size)
		m, err := Write(example, payload)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(m); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes come back as %d, %v", size, len(got), err)
		}
	}
}

// TestProof41Rewrapped: whatever mail systems do to a letter's wrapping, the same sealed bytes come out, and so the
// same event.
func TestProof41Rewrapped(t *testing.T) {
	want := golden(t, "payload.bin")
	files, err := filepath.Glob("testdata/rewrapped/*.eml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d rewrapped letters, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			m, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read(m)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes come out, %d went in", len(got), len(want))
			}
		})
	}
}

func TestOtherMail(t *testing.T) {
	deep := "Content-Type: application/octet-stream\r\n\r\nPSTN\x01"
	for i := range maxDepth + 1 {
		deep = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n", i, i, deep, i)
	}
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", maxParts) +
		"--b\r\n\r\nPSTN\x01\r\n--b--\r\n"
	for name, m := range map[string]string{
		"nothing":           "",
		"a header only":     "From: a@b",
		"text":              "Subject: hello\r\n\r\nPlease call. PSTN\r\n",
		"base64 of text":    "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n",
		"too deep":          deep,
		"too many parts":    many,
		"too large":         "\r\n\r\nPSTN" + strings.Repeat("x", Max),
		"boundary only":     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b",
		"no boundary":       "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n--b--\r\n",
		"after the closing": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\nPSTN\r\n",
	} {
		if got, err := Read([]byte(m)); !errors.Is(err, ErrNoLetter) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/rewrapped/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		m, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m)
	}
	for _, small := range []string{
		"\r\nPSTN",
		"Content-Transfer-Encoding: base64\n\nUFNUTgE=\n",
		"Content-Transfer-Encoding: quoted-printable\n\n=50STN=\n=01\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n\nPSTN\n--b--\n",
		"Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=\"b c\"\n\n--b c \n\nPSTN",
	} {
		f.Add([]byte(small))
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		before := bytes.Clone(m)
		payload, err := Read(m)
		if (err == nil) != bytes.HasPrefix(payload, magic) {
			t.Errorf("%d bytes and %v", len(payload), err)
		}
		if !bytes.Equal(m, before) {
			t.Error("reading changed the message")
		}
		if err != nil {
			return
		}
		again, err := Write(example, payload)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Read(again); err != nil || !bytes.Equal(back, payload) {
			t.Errorf("written again it reads as %d bytes, %v", len(back), err)
		}
	})
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
