package seat

import (
	"context"
	"time"

	"postern/backend/care"
)

// Audit is the record of who looked at what, for administrators: this computer's own, and what every computer of the care
// team has told of its own.
type Audit interface {
	// Rows are this computer's entries that fit a question, newest first.
	Rows(ctx context.Context, q AuditQuestion) (AuditRows, error)
	// Computers are the care team's, by their owners' names.
	Computers(ctx context.Context) ([]Computer, error)
	// Export gives the rows that fit a question as comma-separated values. That they leave is recorded before; where it
	// cannot be, they may not.
	Export(ctx context.Context, q AuditQuestion) ([]byte, error)
}

// AuditQuestion is which entries are wanted; an empty field: all. A day that cannot be read is refused in "from" and "to".
type AuditQuestion struct {
	Search   string // of a person, a patient or a record number
	What     string
	From, To string // ISO 8601 days in the practice's zone
}

// AuditRow is one thing that was done at this computer.
type AuditRow struct {
	No      int64
	At      time.Time
	Person  care.Person
	What    string
	Times   int          // of wrong passphrases
	Patient care.Patient // of a look and a copy
	Part    care.EventID
	About   string // of a change of the practice's documents: who or what was changed, by name where it is known
}

// AuditRows are the entries that fit a question.
type AuditRows struct {
	Rows   []AuditRow
	All    int    // entries there are
	Broken string // why the record does not hold together, in a sentence; "" where it does
}

// What a finding is about a computer's digests.
const (
	FoundBroken  = "broken"  // it says itself that its record does not hold, from entry No on
	FoundCut     = "cut"     // entries that it had told of are gone, or are others now
	FoundPutBack = "putback" // an older copy of its record was put back
	FoundAnew    = "anew"    // its record begins again
	FoundLost    = "lost"    // a digest names one before it that has not come
	FoundMissing = "missing" // it signed something on Days, and no digest tells of them
	FoundNever   = "never"   // it signed something on Days, and has not told anything yet
)

// Finding is one thing that does not fit together.
type Finding struct {
	Kind string
	Day  string // ISO 8601, on which it shows
	Days []string
	No   int64
}

// Computer is one of the care team's, or the agent's.
type Computer struct {
	Key       care.KeyID
	Person    care.Person
	Own       bool // this one
	Nth, Of   int  // of its owner's computers
	Withdrawn time.Time
	Last      string // the day of its newest digest; "": it has sent none
	Rows      int64  // that its record has, as that says
	Counts    map[string]int
	Findings  []Finding // newest first
	Late      bool      // it was in use after its newest digest
}
