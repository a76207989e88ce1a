package event

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep an event's JSON may nest. Ours nests four deep.
const maxDepth = 32

// names holds every field name of the format, wherever it stands; the value says whether it may hold an empty text.
// encoding/json matches names without regard to case, so a name that differs from one of these in case alone is refused
// everywhere: then the standard decoder and the strict reading of the bytes agree.
var names = formatNames()

// walker reads JSON that json.Valid has passed for what json.Valid lets through.
type walker struct {
	raw []byte
	at  int
	odd oddities
}

// oddities are the first null or the first empty text under a name that has one spelling of "nothing": its absence.
// They are refused where this program knows the version, in the body also the kind; a newer program may mean something.
type oddities struct{ envelope, body error }

// strict refuses what would let two readers read two things: bad UTF-8, trailing data, doubled or case-variant names
// at any depth, half surrogates.
func strict(raw []byte) (oddities, error) {
	switch {
	case len(raw) == 0 || raw[0] != '{' || raw[len(raw)-1] != '}':
		return oddities{}, refuse("is not one JSON object")
	case !utf8.Valid(raw):
		return oddities{}, refuse("is not UTF-8")
	case !json.Valid(raw):
		return oddities{}, refuse("is not one JSON object")
	}
	w := walker{raw: raw}
	if err := w.value(1); err != nil {
		return oddities{}, err
	}
	return w.odd, nil
}

func (w *walker) value(depth int) error {
	if depth > maxDepth {
		return refuse("nests deeper than %d", maxDepth)
	}
	switch w.peek() {
	case '{':
		return w.object(depth)
	case '[':
		return w.array(depth)
	case '"':
		_, err := w.text()
		return err
	}
	for w.at < len(w.raw) && !strings.ContainsRune(",]} \t\r\n", rune(w.raw[w.at])) {
		w.at++ // a number or a word
	}
	return nil
}

func (w *walker) object(depth int) error {
	w.at++
	seen := make(map[string]struct{}, 16)
	for {
		switch w.peek() {
		case '}':
			w.at++
			return nil
		case ',':
			w.at++
			continue
		}
		name, err := w.name()
		if err != nil {
			return err
		}
		folded := fold(name)
		if _, twice := seen[folded]; twice {
			return refuse("names %q twice", folded)
		}
		seen[folded] = struct{}{}
		mayBeEmpty, known := names[folded]
		if known && name != folded {
			return refuse("spells %q otherwise", folded)
		}
		w.peek()
		w.at++ // the colon
		w.peek()
		if known {
			w.note(depth, name, mayBeEmpty)
		}
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
}

// note looks at the value that begins here.
func (w *walker) note(depth int, name string, mayBeEmpty bool) {
	odd := &w.odd.envelope
	if depth > 1 {
		odd = &w.odd.body
	}
	if *odd != nil {
		return
	}
	switch rest := w.raw[w.at:]; {
	case rest[0] == 'n':
		*odd = refuse("%s is null", name)
	case !mayBeEmpty && rest[0] == '"' && rest[1] == '"':
		*odd = refuse("%s is empty", name)
	}
}

func (w *walker) array(depth int) error {
	w.at++
	for {
		switch w.peek() {
		case ']':
			w.at++
			return nil
		case ',':
			w.at++
			continue
		}
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
}

// peek skips white space and gives the byte there.
func (w *walker) peek() byte {
	for {
		switch c := w.raw[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
}

func (w *walker) name() (string, error) {
	quoted, err := w.text()
	if err != nil {
		return "", err
	}
	inner := quoted[1 : len(quoted)-1]
	if !strings.Contains(string(inner), `\`) {
		return string(inner), nil
	}
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return "", refuse("has a name that cannot be read")
	}
	return name, nil
}

// text passes over a string and gives it with its quotes. Half a surrogate pair is refused: decoders differ on it.
func (w *walker) text() ([]byte, error) {
	start := w.at
	high := -1 // where a pair's second half must begin
	for w.at++; ; w.at++ {
		if high >= 0 && w.at == high && w.raw[w.at] != '\\' {
			return nil, refuse("has half a surrogate pair")
		}
		switch w.raw[w.at] {
		case '"':
			w.at++
			return w.raw[start:w.at], nil
		case '\\':
			second := w.at == high
			w.at++
			if w.raw[w.at] != 'u' {
				if second {
					return nil, refuse("has half a surrogate pair")
				}
				continue
			}
			unit := hex4(w.raw[w.at+1 : w.at+5])
			w.at += 4
			isHigh, isLow := unit >= 0xd800 && unit < 0xdc00, unit >= 0xdc00 && unit < 0xe000
			if second != isLow {
				return nil, refuse("has half a surrogate pair")
			}
			high = -1
			if isHigh {
				high = w.at + 1
			}
		}
	}
}

func hex4(digits []byte) rune {
	var n rune
	for _, c := range digits {
		n <<= 4
		switch {
		case c >= 'a':
			n |= rune(c-'a') + 10
		case c >= 'A':
			n |= rune(c-'A') + 10
		default:
			n |= rune(c - '0')
		}
	}
	return n
}

// fold gives the one spelling of all that encoding/json would take for the same name.
func fold(name string) string {
	plain := true
	for i := range len(name) {
		if c := name[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return name
	}
	return strings.Map(func(r rune) rune {
		least := r
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			least = min(least, o)
		}
		if least >= 'A' && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, name)
}

// formatNames collects the names from the types that are decoded, so that a new field cannot be forgotten.
func formatNames() map[string]bool {
	found := map[string]bool{}
	collect(reflect.TypeFor[wire](), found)
	for _, kind := range bodies {
		collect(kind.of, found)
	}
	collect(reflect.TypeFor[wireReceived](), found)
	collect(reflect.TypeFor[wireDue](), found)
	return found
}

func collect(t reflect.Type, found map[string]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			panic(fmt.Sprintf("event: field %s of %s has no name in the format", f.Name, t))
		}
		// What is left out when empty has one spelling of empty: its absence. An id or a time is never the empty text.
		mayBeEmpty := options == "" && f.Type.Kind() == reflect.String
		if before, ok := found[name]; ok {
			mayBeEmpty = mayBeEmpty || before
		}
		found[name] = mayBeEmpty
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner == reflect.TypeFor[File]() || inner == reflect.TypeFor[Left]() || inner == reflect.TypeFor[Signed]() {
			collect(inner, found)
		}
	}
}
