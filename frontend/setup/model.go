package setup

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/backend/care"
	"postern/frontend/parts"
	"postern/frontend/seat"
)

// Practice is a practice as it was typed.
type Practice struct {
	Name, FrontDesk, NurseLine, Zone string
	Days                             []Day
	Holidays                         bool   // closed on the holidays of the United States
	Promise                          string // business days
	MemberLock, StaffLock            string // minutes
}

// Day is one weekday.
type Day struct {
	Key, Name   string
	Open        bool
	From, Until string
}

var weekdays = []struct{ key, name string }{{"mon", "Monday"}, {"tue", "Tuesday"}, {"wed", "Wednesday"}, {"thu", "Thursday"},
	{"fri", "Friday"}, {"sat", "Saturday"}, {"sun", "Sunday"}}

// NewPractice is what is there before anything is typed.
func NewPractice() Practice {
	p := Practice{Holidays: true, Promise: "2", MemberLock: "10", StaffLock: "5"}
	for i, d := range weekdays {
		p.Days = append(p.Days, Day{Key: d.key, Name: d.name, Open: i < 5, From: "09:00", Until: "18:00"})
	}
	return p
}

// PracticeOf reads the form.
func PracticeOf(f url.Values) Practice {
	text := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	p := Practice{Name: text("practice"), FrontDesk: text("frontdesk"), NurseLine: text("nurseline"), Zone: text("zone"),
		Holidays: f.Get("holidays") != "", Promise: text("promise"), MemberLock: text("memberlock"), StaffLock: text("stafflock")}
	for _, d := range weekdays {
		p.Days = append(p.Days, Day{Key: d.key, Name: d.name, Open: f.Get("open-"+d.key) != "", From: text("from-" + d.key), Until: text("until-" + d.key)})
	}
	return p
}

// dayHours are the business hours of the business day in which a promise is told.
const dayHours = 9

// Check reads what was typed, or says what is wrong with it.
func (p Practice) Check() (care.Practice, parts.Errors) {
	e := parts.Errors{}
	if p.Name == "" {
		e["practice"] = "Type the name of the practice."
	} else if utf8.RuneCountInString(p.Name) > 80 {
		e["practice"] = "Shorten the name to 80 characters."
	}
	phone(e, "frontdesk", p.FrontDesk, "Type the telephone number of the front desk.")
	phone(e, "nurseline", p.NurseLine, "Type the telephone number of the nurse line. It may be the one of the front desk.")
	if !known(p.Zone) {
		e["zone"] = "Choose the time zone of the practice."
	}
	hours := map[string][]care.Span{}
	for _, d := range p.Days {
		if !d.Open {
			continue
		}
		if !clock(d.From) || !clock(d.Until) || d.From >= d.Until {
			e["from-"+d.Key] = d.Name + " has to open before it closes. For a closed day, clear its box."
			continue
		}
		hours[d.Key] = []care.Span{{From: d.From, Until: d.Until}}
	}
	if len(hours) == 0 && !anyOf(e, "from-") {
		e["open-mon"] = "The practice has to be open on one day at least."
	}
	days, ok := number(p.Promise, 1, 10)
	if !ok {
		e["promise"] = "Type a number of business days from 1 to 10."
	}
	members, ok := number(p.MemberLock, 1, 60)
	if !ok {
		e["memberlock"] = "Type a number of minutes from 1 to 60."
	}
	staff, ok := number(p.StaffLock, 1, 60)
	if !ok {
		e["stafflock"] = "Type a number of minutes from 1 to 60."
	}
	out := care.Practice{Name: p.Name, FrontDesk: p.FrontDesk, NurseLine: p.NurseLine, Calendar: care.Calendar{Zone: p.Zone, Hours: hours},
		Policy: care.Policy{PromiseHours: days * dayHours, MemberLockMinutes: members, StaffLockMinutes: staff}}
	if p.Holidays {
		out.Calendar.Preset = "us"
	}
	return out, e
}

func anyOf(e parts.Errors, prefix string) bool {
	for name := range e {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// phone says what is wrong with a telephone number: it is for people to call, so only what is plainly none is refused.
func phone(e parts.Errors, name, number, missing string) {
	digits := 0
	for _, c := range number {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	switch {
	case number == "":
		e[name] = missing
	case digits < 3 || utf8.RuneCountInString(number) > 30:
		e[name] = "Type a telephone number, such as 555-010-0100."
	}
}

// clock reports whether a time of day is one: "09:00".
func clock(typed string) bool {
	h, m, ok := strings.Cut(typed, ":")
	if !ok || len(h) != 2 || len(m) != 2 {
		return false
	}
	_, hours := number(h, 0, 23)
	_, minutes := number(m, 0, 59)
	return hours && minutes
}

// Mail is a mail system as it was typed.
type Mail struct {
	Elsewhere bool
	File      string // the name of the file with its accounts
	Accounts  []byte
	Host      string
	IMAP      string
	SMTP      string
}

// NewMail is what is there before anything is typed. The usual ports belong to whoever runs the whole computer.
func NewMail() Mail { return Mail{IMAP: "8993", SMTP: "8465"} }

// With is the same with what stands in the form.
func (m Mail) With(f url.Values) Mail {
	m.Elsewhere = f.Get("where") == "elsewhere"
	m.Host, m.IMAP, m.SMTP = strings.TrimSpace(f.Get("host")), strings.TrimSpace(f.Get("imapport")), strings.TrimSpace(f.Get("smtpport"))
	return m
}

// Check reads what was typed, or says what is wrong with it.
func (m Mail) Check() (seat.MailChoice, parts.Errors) {
	e := parts.Errors{}
	if m.Elsewhere {
		if len(m.Accounts) == 0 {
			e["accounts"] = "Choose the accounts file."
		}
		return seat.MailChoice{Elsewhere: true, Accounts: m.Accounts}, e
	}
	if strings.ContainsFunc(m.Host, func(c rune) bool { return unicode.IsSpace(c) || c == '/' || c == '@' }) || len(m.Host) > 253 {
		e["host"] = "Type a name or an address alone, such as mail.clinic.example or 192.168.1.20."
	}
	imap, ok := number(m.IMAP, 1, 65535)
	if !ok {
		e["imapport"] = "Type a port from 1 to 65535."
	}
	smtp, ok := number(m.SMTP, 1, 65535)
	switch {
	case !ok:
		e["smtpport"] = "Type a port from 1 to 65535."
	case smtp == imap:
		e["smtpport"] = "Choose another port than " + strconv.Itoa(imap) + "."
	}
	return seat.MailChoice{Host: m.Host, IMAPPort: imap, SMTPPort: smtp}, e
}

// Same reports whether two choices are of one mail system.
func (m Mail) Same(other Mail) bool {
	if m.Elsewhere != other.Elsewhere {
		return false
	}
	if m.Elsewhere {
		return string(m.Accounts) == string(other.Accounts)
	}
	return m.Host == other.Host && m.IMAP == other.IMAP && m.SMTP == other.SMTP
}
