package answer

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/unicode/norm"
)

// line is one line of the body.
type line struct {
	text     string // as it is shown, quotes with their marks
	body     string // without the marks
	depth    int    // how deeply it is quoted, as its marks or its markup say
	sure     bool   // the markup says it: not a mark that a person may have typed
	role     role
	pictures []string // Content-IDs of what is shown in it
	keep     bool     // it is the person's own; set by cut
}

func (l line) blank() bool { return strings.TrimSpace(l.body) == "" }

// role is what the markup says of a line.
type role int

const (
	none      role = iota
	intro          // says who wrote what is quoted next
	start          // here begins a quote that has no marks
	signature      // the client's own container of the signature
)

// deepest bounds the marks before a line; more say nothing.
const deepest = 8

// toUTF8 decodes text of a charset, named or not, and cleans it.
func toUTF8(b []byte, name string) string {
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"'`))
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default":
		if utf8.Valid(b) {
			return clean(string(b))
		}
		name = "windows-1252"
		if rest := utf8Share(b); rest { // mostly UTF-8: something was cut in two
			return clean(strings.ToValidUTF8(string(b), "�"))
		}
	case "iso-8859-1", "latin1":
		name = "windows-1252" // which is what is meant
		if utf8.Valid(b) && !ascii(b) {
			return clean(string(b)) // Latin letters do not come in such pairs
		}
	}
	if r, err := charset.Reader(name, bytes.NewReader(b)); err == nil {
		if out, err := io.ReadAll(r); err == nil {
			return clean(string(out))
		}
	}
	if !utf8.Valid(b) {
		if r, err := charset.Reader("windows-1252", bytes.NewReader(b)); err == nil {
			if out, err := io.ReadAll(r); err == nil {
				return clean(string(out))
			}
		}
	}
	return clean(strings.ToValidUTF8(string(b), "�"))
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// utf8Share reports whether what is not ASCII is UTF-8 in the main.
func utf8Share(b []byte) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		b = b[n:]
	}
	return good > 4*bad
}

// charsetOf is what an HTML part says of its charset, in its header or in itself.
func charsetOf(params map[string]string, body []byte) string {
	if params["charset"] != "" {
		return params["charset"]
	}
	if m := metaCharset.FindSubmatch(body[:min(len(body), 2048)]); m != nil {
		return string(m[1])
	}
	return ""
}

var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*(?:3D)?["']?([A-Za-z0-9_-]+)`)

// clean gives NFC with line feeds as its only breaks, without what cannot be seen and could mislead: control, bidi and
// tag characters, zero-width space. Joiners stay: emoji and several scripts need them.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\v' || r == '\f':
			return '\n'
		case unicode.IsControl(r):
			return -1
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c':
			return -1
		case r == '\u200b', r == '\ufeff', r >= '\u2060' && r <= '\u2065', r >= '\u206a' && r <= '\u206f', r == '\u00ad', r == '\u034f', r == '\u180e', r == '\ufffc':
			return -1
		case r >= 0xe0000 && r <= 0xe0fff, r >= '\ufff9' && r <= '\ufffb':
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s)
}

// oneLine is clean text without breaks, for what stands in one line.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// What is read of one part of the text, in bytes and in lines. No person writes as much.
const (
	maxPart  = 1 << 20
	maxLines = 20_000
)

// plainLines reads a plain text: its lines, how deeply each is quoted, and what was flowed put together again.
func plainLines(s string, params map[string]string) (lines []line, more bool) {
	flowed := strings.EqualFold(params["format"], "flowed")
	drop := strings.EqualFold(params["delsp"], "yes")
	if len(s) > maxPart {
		s, more = strings.ToValidUTF8(s[:maxPart], ""), true
	}
	rows := strings.SplitN(s, "\n", maxLines+1)
	if len(rows) > maxLines {
		rows, more = rows[:maxLines], true
	}
	lines = make([]line, 0, len(rows))
	var b strings.Builder // the flowed line that is being put together
	open := -1            // its depth
	for i, row := range rows {
		depth, body := marks(row, flowed)
		if depth > 0 && strings.HasPrefix(row, ">From ") && !quotedAt(rows, i-1) && !quotedAt(rows, i+1) {
			depth, body = 0, row[1:] // an mbox's mark, not a quote's
		}
		if !flowed {
			lines = append(lines, plain(depth, body))
			continue
		}
		body = strings.TrimPrefix(body, " ") // stuffed
		soft := strings.HasSuffix(body, " ") && body != "-- "
		if open >= 0 && (open != depth || body == "-- ") { // badly flowed: what is open ends here
			lines = append(lines, plain(open, b.String()))
			b.Reset()
			open = -1
		}
		if soft && drop {
			body = body[:len(body)-1]
		}
		b.WriteString(body)
		if open = depth; !soft {
			lines = append(lines, plain(depth, b.String()))
			b.Reset()
			open = -1
		}
	}
	if open >= 0 {
		lines = append(lines, plain(open, b.String()))
	}
	return lines, more
}

func plain(depth int, body string) line {
	if body != "-- " {
		body = strings.TrimRight(body, " \t\u00a0")
	}
	return line{text: marked(depth, body), body: body, depth: depth}
}

// marked puts the marks of a quote before a line.
func marked(depth int, body string) string {
	if depth == 0 {
		return strings.TrimRight(body, " ")
	}
	return strings.TrimRight(strings.Repeat("> ", min(depth, deepest))+body, " ")
}

// marks counts the quote marks that a line begins with. In flowed text a space before a mark says that it is none.
func marks(row string, flowed bool) (depth int, body string) {
	body = row
	if !flowed && strings.HasPrefix(row, " >") {
		body = row[1:]
	}
	if !strings.HasPrefix(body, ">") {
		return 0, row
	}
	for strings.HasPrefix(body, ">") || depth > 0 && !flowed && strings.HasPrefix(body, " >") {
		body = strings.TrimPrefix(body, " ")[1:]
		depth++
	}
	if !flowed {
		body = strings.TrimPrefix(body, " ")
	}
	return depth, body
}

func quotedAt(rows []string, i int) bool {
	return i >= 0 && i < len(rows) && strings.HasPrefix(rows[i], ">")
}
