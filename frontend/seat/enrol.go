package seat

import (
	"context"
	"time"

	"postern/backend/care"
)

// Enroller is the way in for who has no profile yet: an invitation, or a practice that is made from nothing. Every refusal is
// a care.Error, in the field that it is about.
type Enroller interface {
	// OpenInvitation reads an invitation file with its code. Nothing is sent. Refusals are in the fields "file" and "code";
	// one that has expired is care.Gone.
	OpenInvitation(file []byte, code string) (Invitation, error)
	// CheckBorn compares a date of birth, ISO 8601, with the invitation's. Refusals are those of OpenInvitation, and in the field
	// "born". Who has the file and the code has the date as well, so it gives nothing away.
	CheckBorn(file []byte, code, born string) error
	// Enrol makes a profile that answers an invitation, and goes on in the background until the practice has taken it in, over
	// restarts too, once somebody signs in to it (care.Unfinished). Refusals are in the fields "file", "code", "born", "label"
	// and "new"; then nothing was made or sent.
	Enrol(e Enrolment) (profile string, err error)
	// Enrolling says how it stands. care.NotFound: none is under way for this profile.
	Enrolling(profile string) (Enrolling, error)
	// EnrolmentSheet makes the recovery code of a profile under way, and ends the one before. It is kept nowhere.
	EnrolmentSheet(profile string) (code string, err error)
	// Enter signs in, once, to a profile whose enrolment is done.
	Enter(ctx context.Context, profile string) (Signed, error)

	// TryMail tries a mail system out: it sends itself a letter and fetches it. What failed is in the report; an error is of
	// what was typed, in the fields "accounts", "host", "imapport" and "smtpport".
	TryMail(ctx context.Context, m MailChoice) ([]MailStep, error)
	// Found makes a practice with its first administrator. Refusals are in the fields of TryMail, and "practice", "zone",
	// "rootpassphrase", "name", "label" and "new" (the administrator's passphrase); then nothing of it is left.
	Found(ctx context.Context, f Founding) (Founded, error)
	// RootFile is the file with the practice's root key, to be taken away, until RootTaken removes it from this computer. care.NotFound: it is gone.
	RootFile(profile string) ([]byte, error)
	RootTaken(profile string) error
}

// Invitation is what an invitation says, once it is open.
type Invitation struct {
	Clinic    string
	FrontDesk string // telephone number
	Name      string // whom it is for, shortened: "Marisol V."
	Record    string // the last four characters of a member's record number
	Role      care.Role
	AsksBorn  bool // the date of birth is asked for
	Expires   time.Time
}

// Enrolment is what somebody typed who enrols.
type Enrolment struct {
	File       []byte
	Code       string
	Born       string // ISO 8601; "" where it is not asked for
	Label      string // in the chooser
	Passphrase string
}

// EnrolStep is how far an enrolment is.
type EnrolStep string

// The steps, in their order.
const (
	EnrolSending EnrolStep = "sending" // the answer to the invitation is being handed over
	EnrolWaiting EnrolStep = "waiting" // the practice has to take it in
	EnrolDone    EnrolStep = "done"    // Enter may be called
)

// Enrolling is how an enrolment stands.
type Enrolling struct {
	Step    EnrolStep
	Problem string // a sentence; it goes on by itself when it can
	Over    bool   // it cannot go on, Problem says why, and the profile is gone
}

// MailChoice is the mail system of a practice that is being made.
type MailChoice struct {
	Elsewhere bool
	Accounts  []byte // of one elsewhere: the file with its mailboxes and logins, as docs/administration.md has it
	// Of the gateway on this computer: the name or address under which other computers reach it, "" for this computer alone,
	// and its ports, 0 for ones that are free.
	Host     string
	IMAPPort int
	SMTPPort int
}

// MailStep is one step of a mail system's trial.
type MailStep struct {
	What    string // "Submit a letter to mail.clinic.example:465"
	Problem string // "": it worked. What comes after the first one that did not was not tried
}

// Founding is what is needed to make a practice.
type Founding struct {
	Practice       care.Practice // Name, FrontDesk, NurseLine, Calendar and Policy
	Mail           MailChoice
	RootPassphrase string // of the file with the root key
	Name           string // of the first administrator
	Label          string // in the chooser
	Passphrase     string
}

// Founded is what Found made.
type Founded struct {
	Profile  string
	RootCode string // recovery code of the file with the root key, told once
}
