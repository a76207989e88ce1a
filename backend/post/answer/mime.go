package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"regexp"
	"slices"
	"strings"
)

// header is the fields of a message or a part, in their order, with keys in lower case and values unfolded.
type header []struct{ key, value string }

func (h header) get(key string) string {
	for _, f := range h {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

func (h header) all(key string) []string {
	var found []string
	for _, f := range h {
		if f.key == key {
			found = append(found, f.value)
		}
	}
	return found
}

const (
	maxFields = 2000
	maxField  = 256 << 10
)

// parseHeader parts a header from its body. It ends at the first empty line, or at the first line that can be no field
// and is not followed by one: a part that has lost its header is then all body, and nothing of it is lost.
func parseHeader(raw []byte) (h header, body []byte) {
	at := 0
	for at < len(raw) {
		line, next := cutLine(raw, at)
		if len(line) == 0 {
			return h, raw[next:]
		}
		key, value, isField := asField(line)
		switch {
		case (line[0] == ' ' || line[0] == '\t') && at > 0:
			if n := len(h); n > 0 && len(h[n-1].value) < maxField {
				end := next
				for end < len(raw) && (raw[end] == ' ' || raw[end] == '\t') { // a long field is put together once
					_, end = cutLine(raw, end)
				}
				folded := raw[at:end]
				if len(folded) > maxField {
					folded = folded[:maxField]
				}
				h[n-1].value += " " + strings.Join(strings.FieldsFunc(string(folded), func(r rune) bool { return r == '\r' || r == '\n' }), "")
				next = end
			}
		case isField:
			if len(h) < maxFields {
				h = append(h, struct{ key, value string }{key, value})
			}
		case bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")): // an mbox's
		default:
			after, _ := cutLine(raw, next)
			if _, _, ok := asField(after); !ok {
				return h, raw[at:]
			}
		}
		at = next
	}
	return h, nil
}

// cutLine gives the line that begins at a place, and where the next one does.
func cutLine(raw []byte, at int) (line []byte, next int) {
	if i := bytes.IndexByte(raw[at:], '\n'); i >= 0 {
		return bytes.TrimSuffix(raw[at:at+i], []byte("\r")), at + i + 1
	}
	return raw[at:], len(raw)
}

func asField(line []byte) (key, value string, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i < 1 || i > 200 {
		return "", "", false
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return "", "", false
		}
	}
	return strings.ToLower(string(name)), strings.TrimSpace(string(line[i+1:])), len(name) > 0
}

// piece is one place of the body: what a person reads there, in the forms in which the message has it.
type piece struct{ plain, html []line }

// walker goes through a message and collects its files on the way.
type walker struct {
	parts    int
	files    []found
	sealed   bool // an encrypted part was met
	overflow bool // more parts than are read
	long     bool // more text than is read
	lines    int
}

type found struct {
	name, kind string
	id         string // Content-ID
	inline     bool
	content    []byte
}

// entity reads a header and a body: a message, or a part of one.
func (w *walker) entity(raw []byte, depth int) []piece {
	if w.parts++; w.parts > MaxParts || depth > MaxDepth {
		w.overflow = true
		return nil
	}
	h, body := parseHeader(raw)
	kind, params := mediaType(h.get("content-type"), "text/plain")
	disposition, dparams := mediaType(h.get("content-disposition"), "")
	encoding := strings.ToLower(strings.TrimSpace(h.get("content-transfer-encoding")))
	name := decodeWords(dparams["filename"])
	if name == "" {
		name = decodeWords(params["name"])
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if kind == "multipart/encrypted" {
			w.sealed = true
		}
		if parts := divide(decoded(body, encoding), params["boundary"]); len(parts) > 0 {
			return w.multipart(kind, params, parts, depth)
		}
		kind, params = "text/plain", map[string]string{} // the boundary is nowhere: what is there is read as it stands
	}
	readable := kind == "text/plain" || kind == "text/html"
	if depth > 0 && disposition == "attachment" || name != "" && depth > 0 && w.parts > 2 {
		readable = false
	}
	switch {
	case readable && kind == "text/html":
		lines, more := htmlLines(toUTF8(decoded(body, encoding), charsetOf(params, body)))
		return []piece{{html: w.within(lines, more)}}
	case readable:
		lines, more := plainLines(toUTF8(decoded(body, encoding), params["charset"]), params)
		return []piece{{plain: w.within(lines, more)}}
	}
	switch kind {
	case "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "text/x-amp-html", "application/pgp-encrypted":
		return nil // no person attached these
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		w.sealed = true
	case "message/rfc822", "message/global":
		if name == "" {
			inner, _ := parseHeader(decoded(body, encoding))
			name = oneLine(decodeWords(inner.get("subject")))
			if name == "" {
				name = "message"
			}
			name = shorten(name, maxName-4) + ".eml"
		}
	}
	w.files = append(w.files, found{
		name: name, kind: kind, content: decoded(body, encoding),
		id:     strings.Trim(strings.TrimSpace(h.get("content-id")), "<>"),
		inline: disposition != "attachment",
	})
	return nil
}

// within holds all parts together to what two may have: a text in two forms.
func (w *walker) within(lines []line, more bool) []line {
	if left := 2*maxLines - w.lines; len(lines) > left {
		lines, more = lines[:left], true
	}
	w.lines += len(lines)
	w.long = w.long || more
	return lines
}

func (w *walker) multipart(kind string, params map[string]string, parts [][]byte, depth int) []piece {
	var each [][]piece
	for _, part := range parts {
		each = append(each, w.entity(part, depth+1))
	}
	if kind != "multipart/alternative" {
		return slices.Concat(each...)
	}
	var one piece
	for _, pieces := range each {
		var plain, html []line
		for _, p := range pieces {
			plain = append(plain, p.plain...)
			switch {
			case p.html != nil:
				html = append(html, p.html...)
			case len(pieces) > 1: // a text between the pieces of a rich form belongs to it
				html = append(html, p.plain...)
			}
		}
		rich := slices.ContainsFunc(pieces, func(p piece) bool { return p.html != nil })
		if rich {
			one.html = html // the last form is the richest
		} else if len(tidy(one.plain)) == 0 {
			one.plain = plain
		}
	}
	return []piece{one}
}

// divide gives the parts between the lines of a boundary.
func divide(body []byte, boundary string) (parts [][]byte) {
	delimiter := []byte("--" + boundary)
	start := -1
	for at := 0; at < len(body); {
		line, next := cutLine(body, at)
		if rest, ok := bytes.CutPrefix(line, delimiter); ok {
			rest = bytes.TrimRight(rest, " \t")
			if last := string(rest) == "--"; last || len(rest) == 0 {
				if start >= 0 {
					parts = append(parts, trimBreak(body[start:at]))
				}
				if last || len(parts) > MaxParts {
					return parts
				}
				start = next
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) { // the closing line is missing
		parts = append(parts, body[start:])
	}
	return parts
}

func trimBreak(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// mediaType reads a Content-Type or Content-Disposition, tolerantly.
func mediaType(value, otherwise string) (string, map[string]string) {
	if len(value) > 8<<10 {
		value = value[:8<<10]
	}
	kind, params, err := mime.ParseMediaType(value)
	if err == nil {
		return kind, params
	}
	kind, _, _ = strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if otherwise != "" && !slashed.MatchString(kind) {
		kind = otherwise
	}
	params = map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(value, 50) {
		if key := strings.ToLower(m[1]); params[key] == "" {
			params[key] = m[2] + strings.TrimSpace(m[3])
		}
	}
	return kind, params
}

var (
	slashed   = regexp.MustCompile(`^[a-z0-9.+_-]+/[a-z0-9.+_-]+$`)
	parameter = regexp.MustCompile(`;\s*([A-Za-z-]+)\*?\s*=\s*(?:"([^"]*)"|([^;"]*))`)
)

// decoded undoes a transfer encoding, however badly it was made.
func decoded(body []byte, encoding string) []byte {
	switch encoding {
	case "base64":
		return fromBase64(body)
	case "quoted-printable":
		return fromQuotedPrintable(body)
	}
	return body
}

// fromBase64 takes the characters of the encoding and no others. A text whose encoding is only claimed is left alone.
func fromBase64(body []byte) []byte {
	packed := make([]byte, 0, len(body))
	other := 0
	for _, c := range body {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			packed = append(packed, c)
		case c == '\r', c == '\n', c == '=':
		default:
			other++
		}
	}
	if other > len(packed)/8 {
		return body
	}
	if len(packed)%4 == 1 {
		packed = packed[:len(packed)-1]
	}
	n, _ := base64.RawStdEncoding.Decode(packed, packed) // in place: what is written stays behind what is read
	return packed[:n]
}

// fromQuotedPrintable decodes what is encoded and leaves the rest as it stands.
func fromQuotedPrintable(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for at := 0; at < len(body); {
		line, next := cutLine(body, at)
		hard := next > at && body[next-1] == '\n'
		line = bytes.TrimRight(line, " \t")
		if n := len(line); n > 0 && line[n-1] == '=' {
			line, hard = line[:n-1], false
		}
		for i := 0; i < len(line); i++ {
			if line[i] == '=' && i+2 < len(line) {
				if more, err := hex.AppendDecode(out, line[i+1:i+3]); err == nil {
					out = more
					i += 2
					continue
				}
			}
			out = append(out, line[i])
		}
		if hard {
			out = append(out, '\r', '\n')
		}
		at = next
	}
	return out
}
