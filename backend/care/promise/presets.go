package promise

import (
	"github.com/rickar/cal/v2"
	austria "github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/us"
)

// PresetName is a holiday preset as a calendar names it, and in words.
type PresetName struct{ ID, Name string }

// Presets are the holiday presets that a calendar may name, none first. They have the days of a whole country: those of a
// state or a region are own days of a practice. Of the countries that the library knows, those are left out whose list is not
// what is closed there: Switzerland's has every canton's days, the Netherlands' Good Friday, New Zealand's no Matariki.
func Presets() []PresetName {
	return []PresetName{
		{"", "None"}, {"us", "US federal holidays"}, {"ca", "Canada"}, {"gb", "England and Wales"}, {"ie", "Ireland"},
		{"at", "Austria"}, {"be", "Belgium"}, {"fr", "France"}, {"de", "Germany"}, {"it", "Italy"}, {"es", "Spain"},
	}
}

var presets = map[string][]*cal.Holiday{
	"": nil, "us": us.Holidays, "ca": ca.Holidays, "gb": gb.Holidays, "ie": ie.Holidays,
	"at": austria.Holidays, "be": be.Holidays, "fr": fr.Holidays, "de": de.Holidays, "it": it.Holidays, "es": es.Holidays,
}
