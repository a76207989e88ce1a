package desk

import (
	"fmt"
	"strings"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/say"
)

func panelOf(in input) panel {
	p := in.panel.Patient
	if in.noPanel {
		return panel{Name: in.thread.Patient.Name, Initials: parts.Initials(in.thread.Patient.Name), Missing: true}
	}
	out := panel{Name: p.Name, Initials: parts.Initials(p.Name), Summary: summary(p, in)}
	if p.Born != "" {
		out.Facts = append(out.Facts, fact{Name: "Born", Value: in.clock.ISODate(p.Born), Num: true})
	}
	out.Facts = append(out.Facts, fact{Name: "MRN", Value: parts.MRN(p.MRN), Num: true})
	if in.panel.PCP.Shown != "" {
		out.Facts = append(out.Facts, fact{Name: "PCP", Value: in.panel.PCP.Shown})
	}
	out.Facts = append(out.Facts, languageOf(p))
	if p.Phone != "" {
		out.Facts = append(out.Facts, fact{Name: "Phone", Value: p.Phone, Num: true})
	}
	if f := noticesOn(in.panel, in.clock); f.Value != "" {
		out.Facts = append(out.Facts, f)
	}
	for _, v := range in.panel.Visits {
		out.Visits = append(out.Visits, seen{Date: in.clock.ISODate(v.Date), Machine: v.Date, What: v.What, Why: v.Why})
	}
	for _, o := range in.panel.Others {
		if o.Part != in.at.part {
			out.Others = append(out.Others, otherOf(o, in))
		}
	}
	return out
}

// noticesOn says whether ordinary e-mail tells the patient that there is something to read; nothing where the practice sends none.
func noticesOn(p view.Panel, clock say.Clock) fact {
	f := fact{Name: "Notices", Value: "By e-mail"}
	switch n := p.Notices; {
	case !n.Sent:
		return fact{}
	case n.Off:
		f.Value, f.Warn = "Off: the member wants none", true
	case p.Patient.Email == "":
		f.Value, f.Warn = "None: no e-mail address", true
	case !n.Back.IsZero():
		f.Value, f.More, f.Warn = "The e-mail of "+clock.Date(n.Back)+" came back", n.Failure, true
		if words := []rune(n.Failure); len(words) > 160 { // the conversation has them all
			f.More = string(words[:160]) + "…"
		}
	}
	return f
}

func summary(p care.Patient, in input) string {
	var words []string
	if years, ok := parts.Age(p, in.clock); ok {
		words = append(words, fmt.Sprintf("%d years", years))
	}
	for _, w := range []string{sexName(p.Sex), p.Pronouns} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " · ")
}

func sexName(sex string) string {
	switch sex {
	case "F":
		return "Female"
	case "M":
		return "Male"
	case "X":
		return "Another sex"
	}
	return ""
}

// languages are the names of those that clinics here meet most; another one is shown by its code.
var languages = map[string]string{
	"": "English", "en": "English", "es": "Spanish", "zh": "Chinese", "yue": "Cantonese", "vi": "Vietnamese",
	"tl": "Tagalog", "ko": "Korean", "ru": "Russian", "ar": "Arabic", "fr": "French", "ht": "Haitian Creole",
	"pt": "Portuguese", "pl": "Polish", "de": "German", "it": "Italian", "ja": "Japanese", "fa": "Persian",
	"hi": "Hindi", "ur": "Urdu", "uk": "Ukrainian", "so": "Somali", "am": "Amharic", "hmn": "Hmong", "ne": "Nepali",
	"my": "Burmese", "km": "Khmer", "ase": "American Sign Language",
}

// languageOf names the language that the patient speaks; another than English needs an interpreter.
func languageOf(p care.Patient) fact {
	base, _, _ := strings.Cut(strings.ToLower(p.Language), "-")
	out := fact{Name: "Language", Value: languages[base]}
	if out.Value == "" {
		out.Value = p.Language
	}
	if out.Value != "English" {
		out.Badge = "Interpreter"
	}
	return out
}
