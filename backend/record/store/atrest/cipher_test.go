package atrest

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what testdata lacks")

func ciphersFor(t testing.TB, key []byte) *ciphers {
	t.Helper()
	c, err := derive(key)
	must(t, err)
	return c
}

// firstPageOf is a page that SQLite could begin a database with.
func firstPageOf() []byte {
	p := make([]byte, pageSize)
	copy(p, sqlite)
	p[16], p[20] = pageSize>>8, sealSize
	copy(p[100:], "the first page")
	return p
}

func otherPage() []byte {
	return append(bytes.Repeat([]byte("another page. "), 1000)[:pageSize-sealSize], make([]byte, sealSize)...)
}

// units are one of each kind.
var units = []struct {
	name   string
	kind   int
	number int64
	plain  []byte
	stored int
}{
	{"first page", unitPage, 1, firstPageOf(), pageSize},
	{"page", unitPage, 2, otherPage(), pageSize},
	{"log head", unitLogHead, 0, bytes.Repeat([]byte("log "), 8), 32 + sealSize},
	{"frame head", unitFrameHead, 7, bytes.Repeat([]byte("frame "), 4), 24 + sealSize},
	{"frame page", unitFramePage, 7, otherPage(), pageSize},
	{"journal page", unitJournalPage, 516, otherPage(), pageSize},
}

func TestUnits(t *testing.T) {
	c, other := ciphersFor(t, fixed), ciphersFor(t, make([]byte, KeyBytes))
	for _, u := range units {
		one, two := make([]byte, u.stored), make([]byte, u.stored)
		if !c.seal(u.kind, u.number, u.plain, one) || !c.seal(u.kind, u.number, u.plain, two) {
			t.Fatalf("%s: not sealed", u.name)
		}
		if bytes.Equal(one[headSize:], two[headSize:]) {
			t.Errorf("%s: sealed twice, it is the same", u.name)
		}
		open := func(c *ciphers, kind int, number int64, sealed []byte) ([]byte, bool) {
			buf := bytes.Clone(sealed)
			ok := c.unseal(kind, number, buf)
			return buf[:len(u.plain)], ok
		}
		if got, ok := open(c, u.kind, u.number, one); !ok || !bytes.Equal(got, u.plain) {
			t.Errorf("%s: does not open", u.name)
		}
		if _, ok := open(other, u.kind, u.number, one); ok {
			t.Errorf("%s: opens with another key", u.name)
		}
		for kind := unitPage; kind <= unitJournalPage; kind++ {
			for number := range int64(10) {
				if _, ok := open(c, kind, number, one); ok && (kind != u.kind || number != u.number) {
					t.Errorf("%s %d: opens as %d %d", u.name, u.number, kind, number)
				}
			}
		}
		for at := range one {
			bad := bytes.Clone(one)
			bad[at] ^= 0x80
			if _, ok := open(c, u.kind, u.number, bad); ok {
				t.Errorf("%s: opens with byte %d changed", u.name, at)
			}
		}
	}
}

// TestUnstorable: nothing of SQLite's may lie where the seal goes, and the first page must say that it leaves room for it.
func TestUnstorable(t *testing.T) {
	c, out := ciphersFor(t, fixed), make([]byte, pageSize)
	for name, change := range map[string]func(p []byte){
		"its end is in use":  func(p []byte) { p[pageSize-1] = 1 },
		"its seal is in use": func(p []byte) { p[pageSize-sealSize] = 1 },
		"pages of 8192":      func(p []byte) { p[16] = 0x20 },
		"no room":            func(p []byte) { p[20] = 0 },
		"not a database":     func(p []byte) { p[0] = 's' },
	} {
		p := firstPageOf()
		change(p)
		if c.seal(unitPage, 1, p, out) {
			t.Errorf("%s: it was sealed", name)
		}
	}
	c.wipe()
	if c.seal(unitPage, 2, otherPage(), out) || c.unseal(unitPage, 2, out) {
		t.Error("a wiped key is still good")
	}
}

// TestStream takes a vector of IEEE 1619 (the tenth: AES-256, sector 255), and looks at that sectors are counted.
func TestStream(t *testing.T) {
	key, err := hex.DecodeString("27182818284590452353602874713526624977572470936999595749669676273141592653589793238462643383279502884197169399375105820974944592")
	must(t, err)
	x, err := newStream(key)
	must(t, err)
	plain := make([]byte, 2*sectorSize)
	for i := range plain {
		plain[i] = byte(i)
	}
	buf := bytes.Clone(plain)
	stream(x, true, 0xff, buf)
	if got := hex.EncodeToString(buf[:32]); got != "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b" {
		t.Errorf("it gives %s", got)
	}
	second := bytes.Clone(plain[sectorSize:])
	stream(x, true, 0x100, second)
	if !bytes.Equal(buf[sectorSize:], second) {
		t.Error("the second sector is not that of its number")
	}
	stream(x, false, 0xff, buf)
	if !bytes.Equal(buf, plain) {
		t.Error("it does not come back")
	}
}

// TestFrozenUnits opens what every released version sealed with the key of the tests.
func TestFrozenUnits(t *testing.T) {
	c := ciphersFor(t, fixed)
	for _, u := range units {
		path := filepath.Join("testdata", "v1", strings.ReplaceAll(u.name, " ", "-")+".hex")
		if _, err := os.Stat(path); err != nil && *update {
			out := make([]byte, u.stored)
			if !c.seal(u.kind, u.number, u.plain, out) {
				t.Fatal(u.name)
			}
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			write(t, path, []byte(hex.EncodeToString(out)+"\n"))
		}
		sealed, err := hex.DecodeString(strings.TrimSpace(string(read(t, path))))
		must(t, err)
		if !c.unseal(u.kind, u.number, sealed) || !bytes.Equal(sealed[:len(u.plain)], u.plain) {
			t.Errorf("%s: does not open", u.name)
		}
	}
}

// TestFrozenFile opens a database with a log that a crash left, as every released version wrote them.
func TestFrozenFile(t *testing.T) {
	k := use(t, fixed)
	path := filepath.Join("testdata", "v1", "replica.db")
	if _, err := os.Stat(path); err != nil && *update {
		from := logged(t, k, 5)
		write(t, path, read(t, from))
		write(t, path+"-wal", read(t, from+"-wal"))
	}
	path = copied(t, path)
	must(t, k.Check(path))
	if n, err := firstCommits(t, k, path); n != 5 || err != nil {
		t.Errorf("%d commits of 5: %v", n, err)
	}
}

// TestHeaderIsSQLites compares what sqlite.h declares with the header of the SQLite that is built in.
func TestHeaderIsSQLites(t *testing.T) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/mattn/go-sqlite3").Output()
	if err != nil {
		t.Skipf("no go command that knows where the module is: %v", err)
	}
	blanks := regexp.MustCompile(`\s+`)
	flat := func(path string) string { return blanks.ReplaceAllString(string(read(t, path)), " ") }
	theirs := flat(filepath.Join(strings.TrimSpace(string(dir)), "sqlite3-binding.h"))
	ours := string(read(t, "sqlite.h"))
	checked := 0
	for _, part := range regexp.MustCompile(`(?m)^#define SQLITE_\w+ +.*$|(?s:^(?:typedef )?struct \w+ \{.*?^\};)`).FindAllString(ours, -1) {
		part = strings.TrimSpace(blanks.ReplaceAllString(part, " "))
		checked++
		if !strings.Contains(theirs, part) {
			t.Errorf("SQLite has not: %s", part)
		}
	}
	if checked < 25 {
		t.Errorf("only %d declarations were found", checked)
	}
}
