// Package strength judges the passphrases that people choose, and suggests some.
//
// It is the one rule for all of them: what the screens say while somebody types, and what is refused in the end. It says how
// many guesses a passphrase would stand, by an estimate that knows words, names, dates and rows of keys, in English above
// all. It knows no quotations, and nothing of what a person's friends know. It keeps nothing.
package strength

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sethvargo/go-diceware/diceware"
	"github.com/trustelem/zxcvbn"
	"github.com/trustelem/zxcvbn/match"

	"postern/backend/care"
)

// Verdict is what there is to say of a passphrase: one to four bars, none for an empty one.
type Verdict struct {
	Bars   int
	Enough bool   // it may be taken
	Word   string // "Strong."
	Advice string
}

// The guesses that a passphrase has to stand. Whoever has the file of the keys needs about 0.15 s of four cores for each,
// and 64 MiB; a large graphics card, by the speed of its memory, does some 2,500 a second. Enough is six years of ten such
// cards: half of the guesses, on average, for one person's messages. The estimate takes random words for up to ten
// thousand times better than they are, so that the highest is about what four of them get.
const (
	fair   = 1e8
	enough = 1e13
	high   = 1e18
)

// Of a long passphrase only the beginning is looked at: more makes it no worse, and the estimate takes its time.
const looked = 72

// Judge estimates a passphrase. about are words that others would try first: the name of its owner, say.
func Judge(text string, about ...string) Verdict {
	if strings.TrimSpace(text) == "" {
		return Verdict{Advice: "Four or more words that you can remember and others cannot guess."}
	}
	r := zxcvbn.PasswordStrength(beginning(text), words(about))
	switch {
	case r.Guesses < fair:
		return Verdict{Bars: 1, Word: "Too easy to guess.", Advice: advice(r.Sequence)}
	case r.Guesses < enough:
		return Verdict{Bars: 2, Word: "Not strong enough yet.", Advice: advice(r.Sequence)}
	case r.Guesses < high:
		return Verdict{Bars: 3, Enough: true, Word: "Strong."}
	}
	return Verdict{Bars: 4, Enough: true, Word: "Very strong."}
}

// Check refuses (care.Invalid) a passphrase that is not strong enough to keep a patient's messages.
func Check(text string, about ...string) error {
	s := Judge(text, about...)
	switch {
	case s.Bars == 0:
		return care.Refusef(care.Invalid, "Choose a passphrase.").In("new")
	case !s.Enough:
		return care.Refusef(care.Invalid, "%s %s", s.Word, s.Advice).In("new")
	}
	return nil
}

// advice names what makes a passphrase weak, if one thing does.
func advice(parts []*match.Match) string {
	for _, p := range parts {
		switch {
		case p.DictionaryName == "user_inputs":
			return "Names of yours are tried first. Add words that have nothing to do with you."
		case p.Pattern == "repeat":
			return "Repeating makes it no stronger. Add different words."
		case p.Pattern == "sequence", p.Pattern == "spatial":
			return "Rows of letters, digits and keys are tried first. Add a few words."
		case p.Pattern == "date", p.Pattern == "regex":
			return "Dates and years are tried first. Add a few words."
		}
	}
	return "Add another uncommon word or two."
}

// beginning is as much of a text as is looked at, whole letters.
func beginning(text string) string {
	if len(text) <= looked {
		return text
	}
	text = text[:looked]
	for !utf8.ValidString(text) && text != "" {
		text = text[:len(text)-1]
	}
	return text
}

// words are single words, as the estimate compares them.
func words(about []string) []string {
	out := []string{"postern"}
	for _, a := range about {
		out = append(out, strings.FieldsFunc(strings.ToLower(a), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return out
}

// Suggest gives four random words of the EFF's long list: 51 bits, that is 2,000,000,000,000,000 passphrases.
func Suggest() (string, error) {
	chosen, err := diceware.Generate(4)
	return strings.Join(chosen, " "), err
}
