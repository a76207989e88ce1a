package enrol

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/backend/care"
)

// longest is how many characters a name or a number may have. A document is one letter, and a slip in a table that is taken in
// can make a name of half of it: nobody would get a list any more that has no room in a letter.
const longest = 200

// said is a text that documents carry, and the field in which it is typed.
type said struct{ field, text string }

// plain refuses texts that are too long, or not what they look like.
func plain(texts ...said) error {
	for _, x := range texts {
		switch {
		case utf8.RuneCountInString(x.text) > longest:
			return care.Refusef(care.Invalid, "Shorten this to %d characters.", longest).In(x.field)
		case !utf8.ValidString(x.text) || strings.ContainsFunc(x.text, misleads):
			return care.Refusef(care.Invalid, "This has characters that nobody sees: line breaks, say, or such that turn the text around. Type it anew.").In(x.field)
		}
	}
	return nil
}

// misleads reports whether a character ends a line, moves a cursor, or turns around what stands beside it, beyond its own text
// too. The marks that names of Arabic and Persian need do not.
func misleads(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func plainOffice(o care.Office) error {
	return plain(said{"name", o.Name}, said{"specialty", o.Specialty}, said{"phone", o.Phone})
}

func plainPerson(p care.Person) error {
	return plain(said{"name", p.Name}, said{"shown", p.Shown}, said{"short", p.Short}, said{"name", p.Initials}, said{"pronoun", p.Pronoun})
}

func plainPatient(p care.Patient) error {
	return cmp.Or(plain(said{"name", p.Name}, said{"mrn", p.MRN}, said{"sex", p.Sex}, said{"pronouns", p.Pronouns}, said{"language", p.Language}, said{"phone", p.Phone}),
		plainEmail(p.Email))
}

// plainEmail refuses what is not one address that every mail system takes; none is none.
func plainEmail(email string) error {
	if email != "" && !care.PlainAddress(email) {
		return care.Refusef(care.Invalid, "This is not an e-mail address such as name@example.org.").In("email")
	}
	return nil
}

func plainPractice(p care.Practice) error {
	return cmp.Or(plain(said{"name", p.Name}, said{"frontDesk", p.FrontDesk}, said{"nurseLine", p.NurseLine}), plainCalendar(p.Calendar))
}

func plainCalendar(c care.Calendar) error {
	for _, h := range c.Holidays {
		if err := plain(said{"name", h.Name}); err != nil {
			return err
		}
	}
	return nil
}

func plainRelations(all []care.Relation) error {
	for _, r := range all {
		if err := plain(said{"relations", r.Why}, said{"relations", r.Seen}); err != nil {
			return err
		}
	}
	return nil
}
