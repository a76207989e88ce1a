package seat

import (
	"context"
	"time"

	"postern/backend/care"
)

// Admin is what an administrator does on the computer that signs the practice's documents. What is changed is signed at
// once and mailed to everybody concerned as soon as it can be.
type Admin interface {
	// State is the whole of what the administration's pages show.
	State(ctx context.Context) (AdminState, error)

	AddOffice(ctx context.Context, o care.Office) (care.Office, error)
	SetOffice(ctx context.Context, o care.Office) (care.Office, error)
	AddStaff(ctx context.Context, p care.Person, offices []care.OfficeID) (care.Person, error)
	AddMember(ctx context.Context, p care.Patient, relations []care.Relation) (care.PersonID, error)
	SetRelations(ctx context.Context, id care.PatientID, relations []care.Relation) error
	SetCalendar(ctx context.Context, c care.Calendar) error
	SetPolicy(ctx context.Context, p care.Policy) error

	// Invite makes an invitation; one that was open for the person before is withdrawn by it. The code is told once.
	Invite(ctx context.Context, who care.PersonID) (Invite, error)
	// Withdraw makes an invitation that was not answered yet worthless.
	Withdraw(ctx context.Context, who care.PersonID) error
	// Removal says what Remove would do, one sentence each.
	Removal(ctx context.Context, who care.PersonID) ([]string, error)
	// Remove takes a person out of the practice: their devices count no more, their logins end, and the mailboxes that they
	// could read get new keys.
	Remove(ctx context.Context, who care.PersonID) error
	// RevokeDevice takes one device away.
	RevokeDevice(ctx context.Context, key care.KeyID) error
}

// AdminState is the practice as its administrators see it.
type AdminState struct {
	Practice care.Practice
	Offices  []care.Office
	Staff    []AdminPerson // the agent too
	Members  []AdminMember
	Unsent   int    // documents that have not been mailed yet
	Problem  string // why not
	Here     bool   // the gateway runs on this computer, within this program
}

// AdminPerson is somebody of the staff.
type AdminPerson struct {
	care.Person
	Offices []care.OfficeID
	Standing
}

// AdminMember is a patient with an account or, where Who is empty, one for whom others write.
type AdminMember struct {
	care.Patient
	Who       care.PersonID
	Relations []care.Relation
	Proxies   []string // names of who else writes for them
	Standing
}

// Standing is how far somebody has come.
type Standing struct {
	State   string    // one of the states below
	Expires time.Time // of an invitation that is open
	Devices []AdminDevice
	Alarm   string // what an administrator must look at: a second answer to one invitation
}

// States of a Standing.
const (
	NotInvited = "none"
	Invited    = "invited"
	Expired    = "expired" // the invitation was not answered in time
	Active     = "active"
	Removed    = "removed"
)

// AdminDevice is a profile on some computer.
type AdminDevice struct {
	Key     care.KeyID
	Since   time.Time
	Revoked bool
}

// Invite is an invitation, to be handed over: the file by any way, the code by another.
type Invite struct {
	Name    string // of the file
	File    []byte
	Code    string
	For     string // the person's name
	Expires time.Time
}
