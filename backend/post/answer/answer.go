// Package answer reads what a person wrote in an ordinary e-mail reply. The bytes of one message from a stranger go in;
// who it says it is from, the person's own words, the files, and what can be said of its origin come out. Another room
// has decided that the message is not automatic. Nothing is decided here: no sender is believed, no token looked up,
// and nothing that stands in the message is fetched.
//
// The words. Of alternatives the plain text is taken, or the HTML where the plain text is empty or only says that there
// is HTML; format=flowed (RFC 3676) is undone, charsets are decoded, the text is NFC without control, bidi and tag
// characters. HTML gives its visible text: no styles, no scripts, nothing hidden by its own style attributes, no
// images. Quotes, signatures and the footers of devices, companies and scanners are cut in the forms of the usual
// clients. What a person typed is never cut knowingly:
//
//   - Text below a quote, or between quoted lines, is kept. Where own words stand in several places, each answer below a
//     quote keeps the quoted paragraph directly above it, with its marks; a quote with words only above or only below it
//     goes as a whole.
//   - Where a quote has no marks (Outlook) nothing shows its end. It is cut to the end of the message, unless there is
//     nothing above it or the words above announce answers below.
//   - Of a quoted notice whose lines the caller knows, marked or not, lines that are not the notice's own stay.
//   - A signature goes with what the client says is one, or with two dashes above it, if it is short and says nothing.
//   - What somebody forwards is theirs to say, and stays.
//   - Where cutting would leave nothing, everything stays.
//
// Whole is the text before the cut, and every line of Text stands in it; Cut says that they differ.
//
// Limits: a message of MaxMessage bytes, MaxDepth levels, MaxParts parts; MaxFiles files of MaxFile bytes, and what is
// over is named as left out; Text of care.MaxText characters, and of each part of the text 1 MB and 20,000 lines. Time and memory stay in proportion to the message.
//
// Standards: RFC 5322, 2045-2047, 2231 (read tolerantly: broken MIME is what it most likely was meant to be), 3676,
// 6376 and 8463 (DKIM), 7489 (alignment alone), 8601 (Authentication-Results, of one named server).
package answer

import (
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message/charset"

	"postern/backend/care"
)

// Limits of what is read.
const (
	MaxMessage = 25 << 20
	MaxFile    = 10 << 20
	MaxFiles   = 20
	MaxDepth   = 20
	MaxParts   = 500

	maxAddresses  = 200
	maxReferences = 100
	maxSubject    = 300
)

// Reply is a message as far as it could be read. All of it is what a stranger says.
type Reply struct {
	From       []mail.Address
	To         []mail.Address // every address it says it went to: a token may stand in any of them
	Subject    string
	Date       time.Time // zero where there is none that can be read
	MessageID  string    // like the next two, without angle brackets
	InReplyTo  []string
	References []string
	Text       care.Text // the person's own words
	Cut        bool      // Text is not all of Whole
	Whole      care.Text // everything that was legible, quotes with their marks
	Files      []File
	Auth       Auth
}

// Known is what the caller knows and a stranger does not.
type Known struct {
	Ours      []string                              // all lines of the notice that is answered, in every wording that was ever sent
	Trust     Trust                                 // whose Authentication-Results count; the zero value trusts none
	LookupTXT func(domain string) ([]string, error) // asks the DNS for DKIM keys; nil: signatures are not checked
}

// Read takes a message apart. It refuses, as care.Invalid, one in which there is nothing to read. Whatever the bytes,
// it ends soon and does not panic.
func Read(raw []byte, known Known) (reply Reply, err error) {
	defer func() {
		if p := recover(); p != nil { // a defect of ours or of a library must not stop the agent; what it says may quote the mail
			reply, err = Reply{}, care.Because(care.Invalid, fmt.Errorf("reading a reply: %T", p), "This reply could not be read.")
		}
	}()
	return read(raw, known)
}

func read(raw []byte, known Known) (Reply, error) {
	if len(raw) > MaxMessage {
		return Reply{}, care.Refusef(care.Invalid, "This reply is larger than %d MB and was not read.", MaxMessage>>20)
	}
	h, _ := parseHeader(raw)
	r := Reply{
		From:       addresses(h, "from"),
		To:         addresses(h, "delivered-to", "x-original-to", "x-delivered-to", "envelope-to", "x-envelope-to", "to", "cc", "resent-to"),
		Subject:    shorten(oneLine(decodeWords(h.get("subject"))), maxSubject),
		MessageID:  first(ids(h.get("message-id"))),
		InReplyTo:  ids(h.get("in-reply-to")),
		References: ids(h.get("references")),
	}
	if date, err := mail.ParseDate(h.get("date")); err == nil {
		r.Date = date
	}
	w := walker{}
	pieces := w.entity(raw, 0)
	lines, pictures := written(pieces, newNotice(known.Ours), forwarded(r.Subject))
	r.Whole = care.Text(whole(lines))
	text, cut := own(lines)
	r.Text, r.Cut = care.Text(text), cut || w.long
	r.Files = w.attached(pictures)
	if r.Whole == "" && len(r.Files) == 0 {
		if w.sealed {
			return r, care.Refusef(care.Invalid, "This reply is encrypted and cannot be read here.")
		}
		r.Auth = authenticate(raw, h, r.From, known)
		return r, care.Refusef(care.Invalid, "This reply has no text and no files.") // its subject may say something all the same
	}
	r.Auth = authenticate(raw, h, r.From, known)
	return r, nil
}

// written chooses how each piece is read and decides of every line whether it is the person's own. The pictures that
// stand in the HTML only where nothing is own are named, by Content-ID.
func written(pieces []piece, ours notice, forward bool) (lines []line, quotedPictures map[string]bool) {
	var rich []line
	both := false
	for _, p := range pieces {
		both = both || len(p.html) > 0
		chosen, other := p.plain, p.html
		if len(p.plain) == 0 || stub(p.plain, p.html) {
			chosen = p.html
		}
		lines = append(lines, chosen...)
		if len(other) == 0 {
			other = p.plain
		}
		rich = append(rich, other...)
	}
	lines = tidy(lines)
	said := cut(lines, ours, forward)
	quotedPictures = map[string]bool{}
	if !both {
		return lines, quotedPictures
	}
	rich = tidy(rich)
	if cut(rich, ours, forward) && !said {
		lines = rich // some programs put a person's words only there
	}
	for _, keep := range []bool{false, true} { // own places last: they win
		for _, l := range rich {
			if l.keep == keep {
				for _, id := range l.pictures {
					quotedPictures[id] = !keep
				}
			}
		}
	}
	return lines, quotedPictures
}

// stub reports whether plain text only stands in for HTML that says more.
func stub(plain, html []line) bool {
	if len(html) == 0 {
		return false
	}
	text := strings.TrimSpace(whole(plain))
	return text == "" || len(text) < 400 && standIn.MatchString(text)
}

var standIn = regexp.MustCompile(`(?i)(view|see|read|open|display).{0,60}\bHTML\b|\bHTML[- ](capable|enabled|compatible)|(not|n't) (support|display|show|render).{0,30}HTML|` +
	`(this|the) (message|e-?mail|mail) (is|was sent) in HTML|(mensaje|correo).{0,40}(en|formato) HTML|no (admite|soporta|puede mostrar).{0,30}HTML|view in (your )?browser|ver (este correo )?en (el|su|tu) navegador`)

// forwarded reports whether a subject says that something was passed on rather than answered.
func forwarded(subject string) bool { return passedOn.MatchString(subject) }

var passedOn = regexp.MustCompile(`(?i)^\s*(fwd?|rv|reenv|reenviado|tr|wg|enc|doorst)\s*:`)

// whole is what the lines say, cut or not.
func whole(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.text)
	}
	return strings.TrimRight(strings.TrimLeft(b.String(), " \n"), "\n")
}

// own is what the kept lines say, within the limit, and whether that is less than there was.
func own(lines []line) (text string, cut bool) {
	var b strings.Builder
	blank := false
	for _, l := range lines {
		switch {
		case l.text == "":
			blank = true
		case !l.keep:
			cut, blank = true, true
		default:
			if b.Len() > 0 {
				b.WriteString("\n")
				if blank {
					b.WriteString("\n")
				}
			}
			b.WriteString(l.text)
			blank = false
		}
	}
	text = strings.TrimLeft(b.String(), " \n")
	if short := shorten(text, care.MaxText); short != text {
		return strings.TrimRight(short, " \n"), true
	}
	return text, cut
}

// addresses reads address lists. Of one that breaks the rules it takes what looks like addresses.
func addresses(h header, keys ...string) []mail.Address {
	var found []mail.Address
	seen := map[string]bool{}
	add := func(name, address string) {
		address = oneLine(address)
		if k := strings.ToLower(address); address != "" && len(address) <= 320 && !seen[k] && len(found) < maxAddresses {
			seen[k] = true
			found = append(found, mail.Address{Name: shorten(oneLine(name), maxSubject), Address: address})
		}
	}
	parser := mail.AddressParser{WordDecoder: words}
	for _, key := range keys {
		values := h.all(key)
		for _, value := range values[:min(len(values), 50)] {
			if len(value) > 32<<10 {
				value = value[:32<<10]
			}
			list, err := parser.ParseList(value)
			if err != nil {
				after := 0
				for _, at := range looksLikeAddress.FindAllStringIndex(value, maxAddresses) {
					name := strings.TrimSuffix(strings.TrimRight(value[after:at[0]], " \t"), "<")
					name = name[strings.LastIndexAny(name, "<>,;")+1:]
					add(strings.Trim(decodeWords(name[max(0, len(name)-maxSubject):]), ` ",;`), value[at[0]:at[1]])
					after = at[1]
				}
				continue
			}
			for _, a := range list {
				add(a.Name, a.Address)
			}
		}
	}
	return found
}

var looksLikeAddress = regexp.MustCompile(`[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+`)

// ids are the message identifiers of a field.
func ids(value string) []string {
	var found []string
	for _, m := range identifier.FindAllStringSubmatch(value, maxReferences) {
		found = append(found, m[1])
	}
	return found
}

var identifier = regexp.MustCompile(`<\s*([!-;=?-~]{1,900})\s*>`)

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

var words = &mime.WordDecoder{CharsetReader: charset.Reader}

// decodeWords undoes RFC 2047 as far as it can be undone, and 8-bit text that should not be there.
func decodeWords(s string) string {
	if decoded, err := words.DecodeHeader(s); err == nil {
		s = decoded
	}
	return toUTF8([]byte(s), "")
}

// shorten cuts s to n characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// tidy leaves at most one empty line between others, and none around them.
func tidy(lines []line) []line {
	lines = slices.CompactFunc(slices.Clone(lines), func(a, b line) bool {
		return a.blank() && b.blank() && a.depth == b.depth && len(b.pictures) == 0 && b.role == none
	})
	for len(lines) > 0 && lines[0].blank() && len(lines[0].pictures) == 0 {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1].blank() && len(lines[len(lines)-1].pictures) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines
}
