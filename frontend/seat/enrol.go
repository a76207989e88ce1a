package seat

import (
	"context"
	"time"

	"postern/backend/care"
)

// Enroller is how somebody comes to a profile on this computer: by an invitation of a practice, or by making a practice.
type Enroller interface {
	// OpenInvitation opens an invitation with its code. Nothing is sent. What is no invitation is care.Invalid in the field
	// "file"; a code that does not open it, or is none, care.Invalid in "code"; one that has expired is care.Gone.
	OpenInvitation(ctx context.Context, file []byte, code string) (Invitation, error)
	// CheckBorn compares a date of birth, ISO 8601, with the invitation's: care.Invalid in the field "born".
	CheckBorn(ctx context.Context, file []byte, code, born string) error
	// Enrol makes the profile and asks the practice to take it in, in the background. Its passphrase is judged as any new
	// one: care.Invalid in "new". It returns at once with the profile's id; Enrolling says how it stands.
	Enrol(ctx context.Context, e Enrolment) (profile string, err error)
	// Enrolling says how the enrolment of a profile stands. care.NotFound: there is none under way in this program. SignIn
	// to a profile that is not taken in yet is care.Unfinished, and goes on with it.
	Enrolling(ctx context.Context, profile string) (Enrolling, error)
	// EnrolmentSheet makes the recovery code of a profile whose enrolment is under way. A new one ends the one before.
	EnrolmentSheet(ctx context.Context, profile string) (code string, err error)
	// Enter signs in to a profile that was taken in just now, once, without its passphrase.
	Enter(ctx context.Context, profile string) (Signed, error)

	// SetUp makes a practice, with this computer as the one that signs its documents, and the profile of its first
	// administrator. Which field was refused says the error's Field: a Setup's, in lower case. It takes seconds.
	SetUp(ctx context.Context, s Setup) (Founded, error)
	// TryMail starts or reaches a mail system and sends itself a letter over it. The error says what failed, in words for
	// whoever looks after it.
	TryMail(ctx context.Context, m MailChoice) error
}

// Invitation is what an invitation says once it is open.
type Invitation struct {
	Clinic    string
	FrontDesk string
	Name      string // whom it is for, shortened: "Marisol V."
	Record    string // the last digits of a member's record number; "" of staff
	Role      care.Role
	Born      bool // it asks for a date of birth
	Made      time.Time
	Expires   time.Time
}

// Enrolment is what somebody typed who enrols.
type Enrolment struct {
	File       []byte
	Code       string
	Born       string
	Label      string // in the chooser
	Passphrase string
}

// Enrolling is how an enrolment stands.
type Enrolling struct {
	Step    EnrolStep
	Problem string // a sentence; the step goes on by itself when it can
	Over    bool   // it cannot go on: the invitation was used, withdrawn or expired; Problem says what to do
}

// EnrolStep is how far it is.
type EnrolStep string

// The steps, in their order.
const (
	EnrolSending EnrolStep = "sending" // the answer to the invitation is being handed over
	EnrolWaiting EnrolStep = "waiting" // the clinic has to take it in
	EnrolDone    EnrolStep = "done"    // Enter may be called
)

// Setup is what somebody typed who makes a practice.
type Setup struct {
	Practice       care.Practice // Name, FrontDesk, NurseLine, Calendar and Policy
	Mail           MailChoice
	RootPassphrase string // of the file with the root key
	Name           string // of the first administrator
	Label          string // in the chooser
	Passphrase     string
}

// MailChoice is the mail system of a practice.
type MailChoice struct {
	// Accounts is the file of accounts that "postern gateway accounts", or whoever runs another mail system, wrote. Nil: the
	// embedded gateway on this computer.
	Accounts []byte
	// Host is the name or address under which other computers reach the gateway of this one. "": they do not.
	Host string
}

// Founded is what SetUp made.
type Founded struct {
	Profile  string
	RootName string // a name for the file
	RootFile []byte // the root key, sealed: to be taken away
	RootCode string // a recovery code for that file, to be printed
}
