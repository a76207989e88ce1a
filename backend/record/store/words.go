package store

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Words is how text goes into the search index and into a query: in lower case, without accents, one space between two
// words, and nothing else but letters and digits. Text and query pass through the same function and the index splits at
// ASCII alone, so a query is never more than the words that it says: no text of a person's can be a syntax error.
func Words(text string) string {
	b := make([]byte, 0, len(text)+8)
	gap := true // the end of b is a space, or b is empty
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			b, gap = append(b, c), false
		case 'A' <= c && c <= 'Z':
			b, gap = append(b, c+'a'-'A'), false
		case c < 0x80:
			if !gap {
				b, gap = append(b, ' '), true
			}
		default:
			// The letter before may carry an accent that begins here: what is folded starts at a boundary.
			rest := text[i:]
			n := len(rest)
			for j := 0; j < len(rest); j++ {
				if rest[j] < 0x80 {
					n = j
					break
				}
			}
			b, gap = fold(b, gap, rest[:n])
			i += n - 1
		}
	}
	return strings.TrimSuffix(string(b), " ")
}

// fold appends the folded form of text that has no ASCII in it.
func fold(b []byte, gap bool, text string) ([]byte, bool) {
	for _, r := range norm.NFKD.String(lower(text)) {
		if unicode.Is(unicode.M, r) {
			if !strippable(r) {
				b, gap = append(b, string(r)...), false
			}
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			if !gap {
				b, gap = append(b, ' '), true
			}
			continue
		}
		r = unicode.ToLower(r)
		if plain, ok := stroked[r]; ok {
			b = append(b, plain...)
		} else {
			b = append(b, string(r)...)
		}
		gap = false
	}
	return b, gap
}

// lower makes small letters before text is taken apart: a few capitals have no parts and become letters that have.
func lower(text string) string { return strings.ToLower(strings.ToValidUTF8(text, " ")) }

// strippable are the marks that people leave out when they type: accents of Latin, Greek and Cyrillic. The vowel signs
// of Indic scripts and the like carry the word and stay.
func strippable(r rune) bool {
	return unicode.Is(unicode.Mn, r) && (r < 0x0590 || 0x1ab0 <= r && r < 0x2100)
}

// stroked are letters that have no accent to take off but are typed without their stroke.
var stroked = map[rune]string{'đ': "d", 'ð': "d", 'ø': "o", 'ł': "l", 'ß': "ss", 'æ': "ae", 'œ': "oe", 'ı': "i", 'þ': "th",
	'ħ': "h", 'ς': "σ"}
