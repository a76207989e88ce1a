package admin

import (
	"encoding/json"
	"strconv"
	"strings"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/frontend/parts"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// badge is a state: an icon and words.
type badge struct{ Class, Icon, Text, Title string }

func standing(s seat.Standing, c say.Clock) badge {
	switch {
	case s.Alarm != "" && s.Kind != seat.StandingLeft:
		return badge{"is-bad", "triangle-alert", "Answered twice", s.Alarm}
	case s.Kind == seat.StandingInvited:
		return badge{"is-acc", "mail", "Invited, expires " + c.Date(s.On), ""}
	case s.Kind == seat.StandingExpired:
		return badge{"is-warn", "clock-alert", "Invitation expired " + c.Date(s.On), ""}
	case s.Kind == seat.StandingEnrolled:
		return badge{"is-good", "circle-check", "Active", "Since " + c.Date(s.On)}
	case s.Kind == seat.StandingLeft:
		return badge{"is-line", "user-x", "Removed", ""}
	}
	return badge{"is-line", "circle-dashed", "Not invited", ""}
}

func memberBadge(m seat.Member, c say.Clock) badge {
	if m.Person == "" {
		return badge{"is-line", "user", "No account", "Only proxies write for them"}
	}
	return standing(m.Standing, c)
}

// invites is what an invitation is called by the button that makes one; "" where none is to be made.
func invites(s seat.Standing) string {
	switch {
	case s.Kind == seat.StandingNone:
		return "Invite"
	case s.Kind == seat.StandingExpired:
		return "New invitation"
	}
	return ""
}

// proxiesOf says in a line who else writes for a patient, and for whom they write themself.
func proxiesOf(m seat.Member) string {
	var now, acts []string
	for _, p := range m.Proxies {
		if !p.Ended {
			now = append(now, p.Name)
		}
	}
	for _, p := range m.ActsFor {
		acts = append(acts, p.Name)
	}
	line := strings.Join(now, ", ")
	if len(acts) > 0 {
		if line != "" {
			line += "; "
		}
		line += "acts for " + strings.Join(acts, ", ")
	}
	return line
}

var roleNames = map[care.Role]string{
	care.RolePhysician: "Physician", care.RolePA: "Physician assistant", care.RoleNurse: "Nurse", care.RoleSupport: "Support",
	care.RoleAdministrator: "Administrator", care.RoleAgent: "Agent", care.RoleMember: "Member",
}

// roles are those that a person can be given, in their order.
var roles = []care.Role{care.RolePhysician, care.RolePA, care.RoleNurse, care.RoleSupport, care.RoleAdministrator, care.RoleAgent}

// option is one choice of a list.
type option struct{ Value, Name string }

var sexes = []option{{"", "Not recorded"}, {"F", "Female"}, {"M", "Male"}, {"X", "X"}}

var pronounsOf = []option{{"", "Not recorded"}, {"she/her", "she/her"}, {"he/him", "he/him"}, {"they/them", "they/them"}}

var possessives = []option{{"their", "Their office still reads and answers"}, {"her", "Her office still reads and answers"}, {"his", "His office still reads and answers"}}

var languages = []option{{"en", "English"}, {"es", "Spanish"}, {"ar", "Arabic"}, {"zh", "Chinese"}, {"fr", "French"}, {"de", "German"}, {"ht", "Haitian Creole"},
	{"hi", "Hindi"}, {"hmn", "Hmong"}, {"it", "Italian"}, {"ko", "Korean"}, {"fa", "Persian"}, {"pl", "Polish"}, {"pt", "Portuguese"}, {"ru", "Russian"},
	{"so", "Somali"}, {"sw", "Swahili"}, {"tl", "Tagalog"}, {"uk", "Ukrainian"}, {"ur", "Urdu"}, {"vi", "Vietnamese"}}

var reasons = []option{{"", "Not theirs"}, {"primary", "Primary care"}, {"seen", "Seen there"}}

var presets = func() (all []option) {
	for _, p := range promise.Presets() {
		all = append(all, option{p.ID, p.Name})
	}
	return all
}()

var zones = []string{"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico"}

// among is a list with the value that it lacks, so that nothing which is set goes lost by being shown.
func among(options []option, value string) []option {
	for _, o := range options {
		if o.Value == value {
			return options
		}
	}
	return append([]option{{value, value}}, options...)
}

func vals(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings can be written
	}
	return string(b)
}

// shown is a person as others read them.
func shown(p care.Person) string {
	if p.Shown != "" {
		return p.Shown
	}
	return p.Name
}

func short(p care.Person) string {
	if p.Short != "" {
		return p.Short
	}
	return p.Name
}

func officeNames(ids []care.OfficeID, offices []care.Office) string {
	var names []string
	for _, o := range offices {
		for _, id := range ids {
			if o.ID == id {
				names = append(names, o.Name)
			}
		}
	}
	return strings.Join(names, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return say.Number(n) + " " + many
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// born is a date of birth as the table has it.
func born(p care.Patient, c say.Clock) string { return c.ISODated(p.Born) }

func mrn(p care.Patient) string { return parts.MRN(p.MRN) }
