package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{" ,;!\n", ""},
		{"Refill: atorvastatin 20 mg", "refill atorvastatin 20 mg"},
		{"Nguyễn Thị Minh Anh", "nguyen thi minh anh"},
		{"Nguye\u0302\u0303n", "nguyen"}, // the same, composed of marks
		{"Đặng", "dang"},
		{"Wojciechowska-Łódź", "wojciechowska lodz"},
		{"Straße", "strasse"},
		{"ÀÉÎ œuvre", "aei oeuvre"},
		{"ＭＲＮ ４８２１", "mrn 4821"},
		{"½ tablet", "1 2 tablet"},
		{"don't", "don t"},
		{"ПРИВЕТ ёлка", "привет елка"},
		{"हिन्दी", "हिन्दी"},
		{"東京", "東京"},
		{"a\x00b\xffc", "a b c"},
		{"“chest pain”—now", "chest pain now"},
		{"Οδός", "οδοσ"},
	} {
		if got := Words(c.text); got != c.want {
			t.Errorf("Words(%q) = %q, want %q", c.text, got, c.want)
		}
		if again := Words(Words(c.text)); again != Words(c.text) {
			t.Errorf("Words is not its own fixed point for %q: %q", c.text, again)
		}
	}
}

// searcher is an index with one text, asked whether a query finds it.
func searcher(t testing.TB) (index func(text string), finds func(query string) bool, matches func(match string) bool) {
	d := opened(t, filepath.Join(t.TempDir(), "r.db"))
	ctx := t.Context()
	index = func(text string) {
		if err := d.Write(ctx, func(tx *sql.Tx) error {
			if _, err := tx.Exec("DELETE FROM search WHERE rowid = 1"); err != nil {
				return err
			}
			_, err := tx.Exec("INSERT INTO search (rowid, words) VALUES (1, ?)", Words(text))
			return err
		}); err != nil {
			panic(err)
		}
	}
	count := func(match func(tx *sql.Tx) (string, error)) (n int) {
		if err := d.Read(ctx, func(tx *sql.Tx) error {
			m, err := match(tx)
			if err != nil || m == "" {
				return err
			}
			return tx.QueryRow("SELECT count(*) FROM search WHERE search MATCH ?", m).Scan(&n)
		}); err != nil {
			panic(fmt.Sprintf("a search is an error: %v", err))
		}
		return n
	}
	finds = func(query string) bool {
		return count(func(tx *sql.Tx) (string, error) { return Query(ctx, tx, query) }) == 1
	}
	matches = func(match string) bool { return count(func(*sql.Tx) (string, error) { return match, nil }) == 1 }
	return index, finds, matches
}

func TestQuery(t *testing.T) {
	index, finds, _ := searcher(t)
	index("Nguyễn Thị Minh Anh 8129 4405 81294405: Thyroid ultrasound report. Don't AND won't (not) NEAR it")
	for query, want := range map[string]bool{
		"thyroid": true, "THYROID ultra": true, "ultra thyroid": false, "nguyen": true, "Nguyễn": true, "nguye": true,
		"8129 4405": true, "81294405": true, "8129-44": true, "9999": false, "don't": true, "and": true, "NOT": true,
		"NEAR(": true, `"`: false, `"thyroid`: true, "thy*": true, "t": true, "8": true, "9": false, "(": false, "thyroid OR": false, "col:thyroid": false,
		"": false, "-": false, "rep\x00": true, strings.Repeat("report ", 100): true,
	} {
		if got := finds(query); got != want {
			t.Errorf("%q found: %v, want %v", query, got, want)
		}
	}
}

// TestManyEndings: where more words begin alike than are named, all of them are found.
func TestManyEndings(t *testing.T) {
	index, finds, _ := searcher(t)
	for _, n := range []int{maxEndings - 2, maxEndings, 4 * maxEndings} {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "xy%c%c%c ", 'a'+i/676, 'a'+i/26%26, 'a'+i%26)
		}
		index(text.String() + "xz")
		for query, want := range map[string]bool{"xy": true, "xya": true, "x": n < maxEndings, "xz xy": true, "xw": false, text.String()[len(text.String())-6:]: true} {
			if got := finds(query); got != want {
				t.Errorf("%d words: %q found: %v", n, query, got)
			}
		}
	}
}

// TestEveryRune looks for every character there is, in the middle of a word: no search is an error, and each text is
// found by itself.
func TestEveryRune(t *testing.T) {
	index, _, matches := searcher(t)
	var block strings.Builder
	flush := func() {
		text := block.String()
		block.Reset()
		if Words(text) == "" {
			return
		}
		index(text)
		fields := strings.Fields(Words(text))
		for i := 0; i < len(fields); i += 100 {
			if match := `"` + strings.Join(fields[i:min(i+100, len(fields))], `" "`) + `"`; !matches(match) {
				t.Errorf("%s is not found", match)
			}
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r > 0x32000 && r < 0xe0000 || r > 0xe0fff { // planes without a character
			continue
		}
		block.WriteString("a" + string(r) + "b ")
		if block.Len() > 20_000 {
			flush()
		}
	}
	flush()
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"chest pain", `"`, "a*", "NEAR(a b)", "col:x", "\x00", "é", "4821 0739", "(((", "^a", "a+b", "-"} {
		f.Add(s)
	}
	index, finds, _ := searcher(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		words := Words(text)
		if Words(words) != words {
			t.Fatalf("Words is not its own fixed point: %q, %q", words, Words(words))
		}
		if words == "" {
			return
		}
		index(text)
		if !finds(text) {
			t.Fatalf("%q does not find itself", text)
		}
	})
}
