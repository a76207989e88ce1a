package letter

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-message/textproto"
)

// ErrNoLetter says that a message carries no letter: it is other mail, or what was in it did not survive the way.
var ErrNoLetter = errors.New("the message carries no letter")

// Limits of what Read takes apart; no mail system that is to be used makes such messages.
const (
	maxDepth = 16
	maxParts = 1000
)

// Read gives the first letter in a message: of its leaves, at any depth and in any encoding, the first whose decoded
// bytes begin as a letter does. Headers other than those of the encoding mean nothing. Where there is none it returns
// ErrNoLetter. Whatever the bytes, it ends soon and does not panic.
func Read(message []byte) ([]byte, error) {
	if len(message) > Max {
		return nil, ErrNoLetter
	}
	r := reader{parts: maxParts}
	if payload := r.entity(message, 0); payload != nil {
		return payload, nil
	}
	return nil, ErrNoLetter
}

type reader struct{ parts int }

// entity looks for a letter in a header and a body: a message, or a part of one.
func (r *reader) entity(raw []byte, depth int) []byte {
	if r.parts--; r.parts < 0 || depth > maxDepth {
		return nil
	}
	head, body := split(raw)
	// A header that breaks off in a malformed line still gives the fields before it.
	h, _ := textproto.ReadHeader(bufio.NewReaderSize(bytes.NewReader(head), 512))
	encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && kind == "" {
		kind = "text/plain"
	}
	switch {
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		return r.multipart(decoded(body, encoding), params["boundary"], depth)
	case kind == "message/rfc822" || kind == "message/global":
		return r.entity(decoded(body, encoding), depth+1)
	}
	return leaf(body, encoding)
}

// multipart looks into the parts between the lines of the boundary, in their order.
func (r *reader) multipart(body []byte, boundary string, depth int) []byte {
	delimiter := []byte("--" + boundary)
	start := -1
	for at := 0; at < len(body); {
		line := body[at:]
		next := len(body)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], at+i+1
		}
		if bytes.HasPrefix(line, delimiter) {
			rest := bytes.TrimRight(line[len(delimiter):], " \t\r")
			if last := string(rest) == "--"; last || len(rest) == 0 {
				if start >= 0 {
					if payload := r.entity(trimBreak(body[start:at]), depth+1); payload != nil {
						return payload
					}
				}
				if last {
					return nil
				}
				start = next
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) { // the closing line is missing
		return r.entity(body[start:], depth+1)
	}
	return nil
}

// split parts a header from its body at the first empty line.
func split(raw []byte) (head, body []byte) {
	for at := 0; at < len(raw); {
		i := bytes.IndexByte(raw[at:], '\n')
		if i < 0 {
			return raw, nil
		}
		if line := raw[at : at+i]; len(line) == 0 || string(line) == "\r" {
			return raw[:at+i+1], raw[at+i+1:]
		}
		at += i + 1
	}
	return raw, nil
}

// leaf gives the letter that a leaf holds, or nil. The encoding it claims goes first; one that lost its claim on the
// way is known by how it begins.
func leaf(body []byte, encoding string) []byte {
	for _, as := range []string{encoding, "", "base64"} {
		if payload := decoded(body, as); bytes.HasPrefix(payload, magic) {
			return payload
		}
	}
	return nil
}

// decoded undoes a transfer encoding. Of text that breaks the encoding's rules it gives what came before.
func decoded(body []byte, encoding string) []byte {
	switch encoding {
	case "base64":
		return fromBase64(body)
	case "quoted-printable":
		// The line break that ends the text is the mail system's, not the payload's: in this encoding the payload's own
		// last bytes would be escaped, or followed by a soft break.
		out, _ := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(trimBreak(body))))
		return out
	}
	return body
}

// fromBase64 decodes line by line, and stops at the first line that is not base64: what gateways add below, a
// disclaimer for example, is not part of what they add it to.
func fromBase64(body []byte) []byte {
	text := make([]byte, 0, len(body))
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			if len(text) == 0 {
				continue
			}
			break
		}
		if !isBase64(line) {
			break
		}
		text = append(text, line...)
		if line[len(line)-1] == '=' {
			break
		}
	}
	text = bytes.TrimRight(text, "=")
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	n, err := base64.RawStdEncoding.Decode(text, text) // in place: what is written stays behind what is read
	if err != nil {
		return nil
	}
	return text[:n]
}

func isBase64(line []byte) bool {
	for _, c := range bytes.TrimRight(line, "=") {
		if !inBase64[c] {
			return false
		}
	}
	return true
}

// inBase64 are the characters of the encoding; every byte of a first sync is looked up here.
var inBase64 = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		in[c] = true
	}
	return in
}()

func trimBreak(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}
