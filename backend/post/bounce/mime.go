package bounce

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// header holds the fields of a mail by their names in small letters, each name's in their order. The values are unfolded
// and else as written.
type header map[string][]string

func (h header) first(name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}

func (h header) has(name string) bool { return len(h[name]) > 0 }

// message is a mail taken apart as far as its rules need.
type message struct {
	head    header
	top     string // its media type
	leaves  []part
	cut     bool   // there is more than was taken apart
	from    string // the sender's address, or nothing
	sender  string // the whole From, decoded
	subject string // decoded, in small letters, white space made single
	budget  int    // what may still be decoded
	ours    func(string) bool
	token   bool      // its To or Cc has one of our addresses
	plain   *string   // body, once asked for
	back    *Returned // about, once asked for
}

// part is a leaf: anything that is not multipart. A message inside of the message is one.
type part struct {
	head   header
	kind   string
	params map[string]string
	body   []byte
	depth  int
}

func (m *message) has(name string) bool { return m.head.has(name) }

// open takes a message apart, or says what is wrong with it.
func open(raw []byte) (*message, string) {
	if len(raw) > Max {
		return nil, "it is larger than what is read"
	}
	head, body := split(raw)
	if len(head) > maxHeader {
		return nil, "its header is larger than what is read"
	}
	m := &message{head: fields(head), budget: maxDecoded}
	if len(m.head) == 0 {
		return nil, "it has no header"
	}
	m.sender = decodeWords(m.head.first("from"))
	m.from = address(m.head.first("from"))
	m.subject = fold(decodeWords(m.head.first("subject")))
	m.entity(m.head, body, 0)
	return m, ""
}

// split parts a header from its body at the first empty line.
func split(raw []byte) (head, body []byte) {
	for at := 0; at < len(raw); {
		i := bytes.IndexByte(raw[at:], '\n')
		if i < 0 {
			return raw, nil
		}
		if line := raw[at : at+i]; len(line) == 0 || string(line) == "\r" {
			return raw[:at], raw[at+i+1:]
		}
		at += i + 1
	}
	return raw, nil
}

// fields reads a header. A line that is no field and continues none is passed over: a mail system that adds a broken
// line does not hide what stands below it.
func fields(head []byte) header {
	h := header{}
	var name string
	var value strings.Builder
	end := func() {
		if name != "" {
			h[name] = append(h[name], value.String())
		}
		name = ""
		value.Reset()
	}
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if name != "" {
				value.Write(line)
			}
			continue
		}
		end()
		if i := bytes.IndexByte(line, ':'); i > 0 {
			if n := bytes.TrimRight(line[:i], " \t"); fieldName(n) {
				name = strings.ToLower(string(n))
				value.Write(line[i+1:])
			}
		}
	}
	end()
	return h
}

func fieldName(n []byte) bool {
	return len(n) > 0 && len(n) <= 100 && !slices.ContainsFunc(n, func(c byte) bool { return c <= ' ' || c > '~' })
}

// entity takes a body apart along its header.
func (m *message) entity(h header, body []byte, depth int) {
	if len(m.leaves) >= maxParts || depth > maxDepth {
		m.cut = true
		return
	}
	kind, params := mediaType(h.first("content-type"))
	if depth == 0 {
		m.top = kind
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && m.multipart(body, params["boundary"], kind, depth) {
		return
	}
	if strings.HasPrefix(kind, "multipart/") {
		kind = "text/plain" // its parts are not there: what there is, is text
	}
	m.leaves = append(m.leaves, part{head: h, kind: kind, params: params, body: body, depth: depth})
}

// multipart takes the parts between the lines of the boundary, and reports whether there was one.
func (m *message) multipart(body []byte, boundary, kind string, depth int) bool {
	delimiter := []byte("--" + boundary)
	start, found := -1, false
	take := func(raw []byte) {
		found = true
		var h header
		if bytes.HasPrefix(raw, []byte("\n")) || bytes.HasPrefix(raw, []byte("\r\n")) {
			h, raw = header{}, raw[bytes.IndexByte(raw, '\n')+1:]
		} else {
			var head []byte
			head, raw = split(raw)
			if len(head) > maxHeader {
				m.cut = true
				return
			}
			h = fields(head)
		}
		if kind == "multipart/digest" && !h.has("content-type") {
			h["content-type"] = []string{"message/rfc822"}
		}
		m.entity(h, raw, depth+1)
	}
	for at := 0; at < len(body); {
		line, next := body[at:], len(body)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], at+i+1
		}
		if bytes.HasPrefix(line, delimiter) {
			rest := bytes.TrimRight(line[len(delimiter):], " \t\r")
			if last := string(rest) == "--"; last || len(rest) == 0 {
				if start >= 0 {
					take(body[start:at])
				}
				if last || m.cut {
					return found
				}
				start = next
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) { // the closing line is missing
		take(body[start:])
	}
	return found
}

// mediaType reads a Content-Type, also one that breaks the grammar: of it the type and the parameters that matter.
func mediaType(v string) (string, map[string]string) {
	if v == "" {
		return "text/plain", nil
	}
	kind, params, err := mime.ParseMediaType(v)
	if err == nil {
		return kind, params
	}
	kind, rest, _ := strings.Cut(v, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind == "" || !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	params = map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, ok := strings.Cut(p, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); ok && params[name] == "" {
			params[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return kind, params
}

// decoded undoes a part's transfer encoding, as far as the limits go.
func (m *message) decoded(p part) []byte {
	limit := min(maxPart, m.budget)
	var out []byte
	switch strings.ToLower(p.head.first("content-transfer-encoding")) {
	case "base64":
		out = fromBase64(p.body, limit)
	case "quoted-printable":
		out = fromQuoted(p.body, limit)
	default:
		out = p.body[:min(limit, len(p.body))]
	}
	m.budget -= len(out)
	return out
}

// fromBase64 decodes what is of the alphabet and passes over the rest.
func fromBase64(body []byte, limit int) []byte {
	text := make([]byte, 0, min(len(body), limit/3*4+4))
	for _, c := range body {
		if c == '=' || len(text) >= limit/3*4 {
			break
		}
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			text = append(text, c)
		}
	}
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	n, err := base64.RawStdEncoding.Decode(text, text)
	if err != nil {
		return nil
	}
	return text[:n]
}

// fromQuoted decodes quoted-printable; what breaks its rules stays as it is.
func fromQuoted(body []byte, limit int) []byte {
	out := make([]byte, 0, min(len(body), limit))
	for i := 0; i < len(body) && len(out) < limit; i++ {
		c := body[i]
		if c != '=' {
			out = append(out, c)
			continue
		}
		rest := body[i+1:]
		if more, err := hex.AppendDecode(out, rest[:min(2, len(rest))]); err == nil && len(rest) >= 2 {
			out = more
			i += 2
			continue
		}
		switch {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			i += 2
		case bytes.HasPrefix(rest, []byte("\n")):
			i++
		default:
			out = append(out, c)
		}
	}
	return out
}

// text is what a person would see of a text part.
func (m *message) text(p part) string {
	s := toUTF8(m.decoded(p), p.params["charset"])
	if p.kind == "text/html" {
		return fromHTML(s)
	}
	return s
}

// toUTF8 decodes a charset. Where it is unknown or wrong, what is valid UTF-8 is taken for it, and the
// other bytes for Latin-1.
func toUTF8(b []byte, label string) string {
	label = strings.ToLower(strings.TrimSpace(label))
	if label != "" && label != "utf-8" && label != "us-ascii" {
		if r, err := charset.Reader(label, bytes.NewReader(b)); err == nil {
			if out, err := io.ReadAll(io.LimitReader(r, 4*maxPart)); err == nil && len(out) > 0 {
				return strings.ToValidUTF8(string(out), "\uFFFD")
			}
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			r = rune(b[0])
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// decodeWords decodes the encoded words of a header field.
func decodeWords(v string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if len(v) <= maxField {
		if out, err := d.DecodeHeader(v); err == nil {
			v = out
		}
	}
	if !utf8.ValidString(v) {
		return toUTF8([]byte(v), "")
	}
	return v
}

// fromHTML gives the text of a page: without tags, styles and scripts, with a line for each block.
func fromHTML(s string) string {
	var out strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			out.WriteString(s)
			break
		}
		out.WriteString(s[:i])
		s = s[i:]
		if strings.HasPrefix(s, "<!--") {
			_, s, _ = strings.Cut(s, "-->")
			continue
		}
		end := strings.IndexByte(s, '>')
		if end < 0 {
			break
		}
		name := strings.ToLower(strings.TrimLeft(s[1:min(end, 20)], "/ "))
		closing := strings.HasPrefix(s, "</")
		s = s[end+1:]
		if j := strings.IndexFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }); j >= 0 {
			name = name[:j]
		}
		switch name {
		case "style", "script", "title":
			if !closing {
				j := strings.Index(s, "</")
				if j < 0 {
					j = len(s)
				}
				s = s[j:]
			}
		case "blockquote":
			if !closing {
				out.WriteString("\n> ") // what is quoted is seen as quoted
			} else {
				out.WriteByte('\n')
			}
		case "br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "pre", "ul", "hr":
			out.WriteByte('\n')
		case "td", "th":
			out.WriteByte(' ')
		}
	}
	return html.UnescapeString(out.String())
}

// body is the text of the mail: its plain parts, else those in HTML. Parts of a mail inside are not of it.
func (m *message) body() string {
	if m.plain != nil {
		return *m.plain
	}
	var out strings.Builder
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, p := range m.leaves {
			if p.kind == kind && !strings.HasPrefix(strings.ToLower(p.head.first("content-disposition")), "attachment") {
				out.WriteString(m.text(p))
				out.WriteByte('\n')
			}
		}
		if strings.TrimSpace(out.String()) != "" {
			break
		}
	}
	s := out.String()
	m.plain = &s
	return s
}

// words is the beginning of the text up to what is quoted, in small letters with single spaces.
func (m *message) words() string {
	var own strings.Builder
	for line := range strings.Lines(m.body()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, ">") && !strings.HasPrefix(line, ">>> ") || quoteLine(line) || own.Len() > 4096 {
			break
		}
		own.WriteString(line)
		own.WriteByte('\n')
	}
	return fold(own.String())
}

// fold makes letters small and white space single.
func fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }
