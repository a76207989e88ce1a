package seat

import (
	"context"
	"time"

	"postern/backend/care"
)

// Admin is what an administrator does on the one computer that makes the practice's documents. Every change is signed at
// once and goes out by itself; every refusal is a care.Error, in the field that it is about.
type Admin interface {
	Practice() care.Practice
	Offices() []care.Office
	Staff(ctx context.Context) ([]Employee, error) // the agent among them, and who has left
	// Members lists patients, with an account or without, whose name, record number or date of birth has what is searched
	// for, by name; a page at a time, from 0. Counts are of all.
	Members(ctx context.Context, search string, page int) (MemberList, error)
	Member(ctx context.Context, id care.PatientID) (Member, error)

	AddOffice(ctx context.Context, o care.Office) (care.Office, error) // refusals in "name", "provider"
	SetOffice(ctx context.Context, o care.Office) (care.Office, error)
	AddPerson(ctx context.Context, p care.Person, offices []care.OfficeID) (care.Person, error)             // in "name", "role", "offices"
	SetPerson(ctx context.Context, p care.Person, offices []care.OfficeID) error                            // name and offices; the role stays
	AddMember(ctx context.Context, p care.Patient, account bool, relations []care.Relation) (Member, error) // in "name", "mrn", "born", "email", "relations"
	SetMember(ctx context.Context, p care.Patient, relations []care.Relation) error
	AddProxy(ctx context.Context, patient care.PatientID, who care.PersonID, until string) error // until: ISO 8601, "" without end; in "who", "until"
	EndProxy(ctx context.Context, patient care.PatientID, who care.PersonID) error
	// Import takes in members from CSV with a header: name, born, mrn, and optionally sex, pronouns, language, phone, email,
	// office (of primary care, by name). With try nothing is changed; nor with a problem in any line.
	Import(ctx context.Context, csv []byte, try bool) (Imported, error)

	Invite(ctx context.Context, who care.PersonID) (Invited, error) // ends the invitation before
	Withdraw(ctx context.Context, who care.PersonID) error
	Removal(who care.PersonID) ([]string, error) // what Remove would do, a sentence each
	Remove(ctx context.Context, who care.PersonID) error
	RevokeDevice(ctx context.Context, key care.KeyID) error

	// Agents are the practice's agents, with how each stands; the one that the practice names comes first.
	Agents(ctx context.Context) ([]Agent, error)
	NameAgent(ctx context.Context, who care.PersonID) error

	SetPractice(ctx context.Context, p care.Practice) error // Name, FrontDesk, NurseLine, Policy, and of the calendar Zone, Hours and Preset
	Notice(n care.Notices) NoticeMail                       // the e-mail that goes out under that policy, in English
	SetAbsence(ctx context.Context, a care.Absence) error   // in "from", "until", "cover"; replaces one of the same person and beginning
	EndAbsence(ctx context.Context, who care.PersonID, from string) error
	SetHoliday(ctx context.Context, h care.Holiday) error // in "date", "name", "hours"; replaces the one of that date
	EndHoliday(ctx context.Context, date string) error

	// Stays reports whether who answers an invitation is taken in also while this screen is locked, for as long as Postern runs:
	// the keys of this profile stay in memory then.
	Stays() bool
	SetStays(ctx context.Context, on bool) error

	Mail(ctx context.Context) (MailState, error)
	TryMail(ctx context.Context) ([]MailStep, error)
	AddAccounts(ctx context.Context, file []byte) error  // of a mail system elsewhere, in "accounts"
	LoginEnded(ctx context.Context, login string) error  // somebody ended it at the mail system elsewhere
	MoveGateway(ctx context.Context, m MailChoice) error // Host and ports of the gateway on this computer, for logins that are made from now on
}

// StandingKind is how far somebody is in.
type StandingKind string

// The kinds.
const (
	StandingNone     StandingKind = "none"     // not invited
	StandingInvited  StandingKind = "invited"  // until Standing.On
	StandingExpired  StandingKind = "expired"  // on Standing.On
	StandingEnrolled StandingKind = "enrolled" // since Standing.On
	StandingLeft     StandingKind = "left"     // removed
)

// Standing is how somebody stands with the practice.
type Standing struct {
	Kind  StandingKind
	On    time.Time
	Alarm string // a sentence: somebody answered an invitation a second time
}

// Device is one computer of somebody's.
type Device struct {
	Key     care.KeyID
	Since   time.Time
	Revoked bool
}

// Employee is somebody of the staff.
type Employee struct {
	care.Person
	Offices  []care.OfficeID
	Standing Standing
	Devices  []Device
	Self     bool // who is signed in: they cannot remove themself
}

// Agent is how one of the practice's agents stands, as it said last.
type Agent struct {
	Person   care.Person
	Named    bool      // the practice's: it does what is the agent's alone
	Enrolled bool      // it has a computer
	Heard    time.Time // when it last said how it stands; zero: never
	Silent   bool      // that is too long ago, or never was
	Version  string
	Fetched  time.Time // when it last read its mailboxes; zero: not since it started
	Sent     time.Time // when it last handed over a letter; likewise
	Reads    bool      // it reads the ordinary mailbox in which its notices are answered
	Read     time.Time // when it last did; likewise
	Mailed   time.Time // when it last handed over an ordinary e-mail; likewise
	Wrong    []Wrong
}

// Wrong is something that wants a person: what it is, and what to do.
type Wrong struct{ Says, Do string }

// Member is one patient, as the administration sees them.
type Member struct {
	Patient   care.Patient
	Person    care.PersonID // "" where the patient has no account: then only proxies write
	Relations []care.Relation
	Standing  Standing
	Devices   []Device
	Proxies   []Proxy // who else writes for them
	ActsFor   []care.Patient
}

// Proxy is somebody who writes for a patient.
type Proxy struct {
	Person care.PersonID
	Name   string
	Until  string // ISO 8601; "" without end
	Ended  bool
}

// MemberList is one page of members.
type MemberList struct {
	Members []Member
	Found   int // that fit the search
	PerPage int

	Enrolled, Invited, Attention int // of all: attention is an invitation that expired, or an alarm
}

// Imported is what an import did, or would do.
type Imported struct {
	New      int
	Emails   int      // of these with an address for notices
	Problems []string // "Line 7: Another patient has this medical record number."
}

// Invited is a fresh invitation: the file goes by any way, the code by another. The code is kept nowhere.
type Invited struct {
	File    []byte
	Code    string // in groups of four
	Person  care.Person
	Expires time.Time
}

// NoticeMail is an e-mail to a member that says that there is something to read.
type NoticeMail struct {
	From    string // the practice's name; "": it is not told
	Subject string
	Text    []string // its paragraphs
}

// MailState is how the practice's mail system stands.
type MailState struct {
	Elsewhere  bool
	IMAP, SMTP string   // host:port
	Here       bool     // the gateway serves this computer alone
	Pending    int      // documents that are not mailed yet
	Problem    string   // why
	Left       int      // of one elsewhere: mailboxes that are still free
	Ends       []string // of one elsewhere: logins that are to be ended there by hand
}
