// Package care is Postern's vocabulary: the words that every room speaks, and nothing that acts.
//
// It imports the standard library only and does no input or output. A name belongs here when two wings use it.
package care

import (
	"log/slog"
	"strings"
	"time"
)

// Role is what a person of the practice is, as a certificate states it.
type Role string

// The roles that certificates name.
const (
	RoleMember        Role = "member"
	RolePhysician     Role = "physician"
	RolePA            Role = "pa"
	RoleNurse         Role = "nurse"
	RoleSupport       Role = "support"
	RoleAdministrator Role = "administrator"
	RoleAgent         Role = "agent"
)

// Staff reports whether the role writes for an office. The agent acts for the practice and counts as staff.
func (r Role) Staff() bool {
	switch r {
	case RolePhysician, RolePA, RoleNurse, RoleSupport, RoleAdministrator, RoleAgent:
		return true
	}
	return false
}

// Topic is what a member says a thread is about: a hint for triage. One rule goes by it: who is no clinician answers
// administrative topics only.
type Topic string

// The topics a member may choose; the empty topic means that none was chosen.
const (
	TopicRenewal     Topic = "renewal"
	TopicCarePlan    Topic = "careplan"
	TopicResult      Topic = "result"
	TopicAppointment Topic = "appointment"
	TopicAdvice      Topic = "advice"
	TopicOther       Topic = "other"
)

// Topics lists the topics in the order in which they are offered.
var Topics = []Topic{TopicRenewal, TopicCarePlan, TopicResult, TopicAppointment, TopicAdvice, TopicOther}

// Name is the topic in words; the empty topic has no name.
func (t Topic) Name() string {
	switch t {
	case TopicRenewal:
		return "Prescription renewal"
	case TopicCarePlan:
		return "Care plan question"
	case TopicResult:
		return "Lab or test result"
	case TopicAppointment:
		return "Appointment"
	case TopicAdvice:
		return "General advice"
	case TopicOther:
		return "Other"
	}
	return ""
}

// Text is what a person wrote. It never reaches a log: printing it there gives "[text]".
type Text string

// LogValue keeps patient text out of structured logs.
func (Text) LogValue() slog.Value { return slog.StringValue("[text]") }

// Limits of what a person may write, in characters. Text beyond them is refused with a sentence, never cut.
const (
	MaxSubject = 80
	MaxText    = 12000
	MaxReason  = 200
)

// Office is one provider's office: provider and care team, with one mailbox.
type Office struct {
	ID        OfficeID  `json:"id"`
	Name      string    `json:"name"`      // "Dr. Lee's office"
	Provider  PersonID  `json:"provider"`  // the physician whose office it is
	Specialty string    `json:"specialty"` // "Internal Medicine"
	Mailbox   MailboxID `json:"mailbox"`
	Phone     string    `json:"phone"` // the front desk
}

// Person is someone of the practice, or a member in their role as a writer.
type Person struct {
	ID       PersonID `json:"id"`
	Name     string   `json:"name"`     // "Ana Lee"
	Shown    string   `json:"shown"`    // as members read it: "Dr. Ana Lee", "Rosa Delgado, RN"
	Short    string   `json:"short"`    // "Dr. Lee", "Rosa"
	Initials string   `json:"initials"` // "AL"
	Pronoun  string   `json:"pronoun"`  // possessive, for "Her office still reads…": "her", "his", "their"
	Role     Role     `json:"role"`
}

// Patient is the person whose record a thread belongs to.
type Patient struct {
	ID       PatientID `json:"id"`
	Name     string    `json:"name"`
	Born     string    `json:"born"` // ISO 8601 date
	Sex      string    `json:"sex"`  // "F", "M", "X" or empty
	Pronouns string    `json:"pronouns"`
	MRN      string    `json:"mrn"`
	Language string    `json:"language"` // BCP 47, "en" by default
	Phone    string    `json:"phone"`
	Email    string    `json:"email,omitempty"` // ordinary e-mail, for notices; empty: none go out
	PCP      OfficeID  `json:"pcp"`
	Mailbox  MailboxID `json:"mailbox"` // the patient's own; empty where only proxies read
	Visits   []Visit   `json:"visits,omitempty"`
}

// Whose is the possessive that goes with the patient's pronouns: "her", "his", "their".
func (p Patient) Whose() string {
	switch first, _, _ := strings.Cut(strings.ToLower(p.Pronouns), "/"); first {
	case "she":
		return "her"
	case "he":
		return "his"
	}
	return "their"
}

// Visit is one past appointment, as the patient panel and the picker show it.
type Visit struct {
	Date   string   `json:"date"` // ISO 8601 date
	Office OfficeID `json:"office"`
	What   string   `json:"what"` // "Office visit, Dr. Lee"
	Why    string   `json:"why"`  // "Hypertension"
}

// Relation is one office that a member may write to, and why.
type Relation struct {
	Office OfficeID `json:"office"`
	Why    string   `json:"why"`  // "primary" or "seen"
	Seen   string   `json:"seen"` // ISO 8601 date of the last visit, for "seen"
}

// Absence is a span of days on which a provider is out of office, both ends included.
type Absence struct {
	Person PersonID `json:"person"`
	From   string   `json:"from"`            // ISO 8601 date in the practice's time zone
	Until  string   `json:"until,omitempty"` // ISO 8601 date; empty: without a known end
	Cover  PersonID `json:"cover,omitempty"` // who covers; empty: nobody, and the promise's clock stands still
}

// Calendar is the practice's business time.
type Calendar struct {
	Zone     string            `json:"zone"`     // IANA time zone name
	Hours    map[string][]Span `json:"hours"`    // by weekday "mon"…"sun"; a weekday without spans is closed
	Preset   string            `json:"preset"`   // holiday preset, one of promise.Presets; empty: none
	Holidays []Holiday         `json:"holidays"` // the practice's own closed or half days
	Absences []Absence         `json:"absences"`
}

// Span is an interval of opening hours, "09:00" to "18:00" local time.
type Span struct {
	From  string `json:"from"`
	Until string `json:"until"`
}

// Holiday is one day on which the practice is closed, or open for other hours.
type Holiday struct {
	Date  string `json:"date"` // ISO 8601 date
	Name  string `json:"name"`
	Hours []Span `json:"hours,omitempty"` // empty: closed all day
}

// Policy holds what a practice may set. A zero field means its default, which the accessor methods give.
type Policy struct {
	PromiseHours int `json:"promiseHours"` // business hours until a reply is due; 18
	HoldSeconds  int `json:"holdSeconds"`  // how long a sent text can be taken back; 15. Below zero: no hold
	StaleHours   int `json:"staleHours"`   // age after which a waiting text is asked about again; 24

	MemberLockMinutes int `json:"memberLockMinutes,omitempty"` // without activity until a member's screen locks; 10
	StaffLockMinutes  int `json:"staffLockMinutes,omitempty"`  // the same for the care team; 5

	Notices Notices `json:"notices,omitzero"`
}

// Notices is whether and how the practice tells members by ordinary e-mail that there is something to read. What it says is a fixed
// text: never who, what or why.
type Notices struct {
	On      bool `json:"on"`
	Name    bool `json:"name,omitempty"`    // it may name the practice
	Replies bool `json:"replies,omitempty"` // a reply to it comes into the conversation; else it is answered once with where to write
	Quiet   Span `json:"quiet,omitzero"`    // local time in which none goes out, over midnight too; zero: 21:00 to 08:00
}

// Asleep is the span of the day in which no notice goes out.
func (n Notices) Asleep() Span {
	if n.Quiet == (Span{}) {
		return Span{From: "21:00", Until: "08:00"}
	}
	return n.Quiet
}

// Promise is the span within which a reply is due, in business time.
func (p Policy) Promise() time.Duration { return hours(p.PromiseHours, 18) }

// Hold is how long a sent text can be taken back.
func (p Policy) Hold() time.Duration {
	if p.HoldSeconds == 0 {
		return 15 * time.Second
	}
	return max(0, time.Duration(p.HoldSeconds)*time.Second)
}

// Stale is the age after which a waiting text is shown for review instead of being sent.
func (p Policy) Stale() time.Duration { return hours(p.StaleHours, 24) }

// Lock is how long a person of that role may do nothing until their screen locks.
func (p Policy) Lock(role Role) time.Duration {
	n, otherwise := p.MemberLockMinutes, 10
	if role.Staff() {
		n, otherwise = p.StaffLockMinutes, 5
	}
	if n <= 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Minute
}

func hours(n, otherwise int) time.Duration {
	if n <= 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Hour
}

// TLSMode is how a connection to the mail system is secured.
type TLSMode string

// Implicit TLS is tried first by every set-up; plaintext is refused off loopback.
const (
	TLSImplicit TLSMode = "implicit"
	TLSStart    TLSMode = "starttls"
	TLSNone     TLSMode = "none"
)

// Endpoint is one service of the mail system.
type Endpoint struct {
	Host string  `json:"host"`
	Port int     `json:"port"`
	TLS  TLSMode `json:"tls"`
}

// MailLogin is one login at the mail system: where it submits, what it reads.
type MailLogin struct {
	User     string   `json:"user"`
	Password string   `json:"password"`
	Address  string   `json:"address"` // the envelope sender of this login
	SMTP     Endpoint `json:"smtp"`
	IMAP     Endpoint `json:"imap"`
	// Roots are PEM certificates trusted beside the system's own; for a clinic's own authority.
	Roots string `json:"roots,omitempty"`
	// Mailbox is the Postern mailbox that the login reads.
	Mailbox MailboxID `json:"mailbox"`
}

// MailPlace is where a practice's mail system is.
type MailPlace struct {
	IMAP  Endpoint `json:"imap"`
	SMTP  Endpoint `json:"smtp"`
	Roots string   `json:"roots,omitempty"` // as of a login
}

// At is the login at another place.
func (l MailLogin) At(p MailPlace) MailLogin {
	l.IMAP, l.SMTP, l.Roots = p.IMAP, p.SMTP, p.Roots
	return l
}

// LogValue keeps passwords out of structured logs.
func (l MailLogin) LogValue() slog.Value { return slog.StringValue("login at " + l.IMAP.Host) }
