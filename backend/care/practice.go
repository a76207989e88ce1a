package care

import "time"

// Practice is what the directory says of the clinic as a whole.
type Practice struct {
	ID        PracticeID `json:"id"`
	Name      string     `json:"name"`
	FrontDesk string     `json:"frontDesk"` // telephone number
	NurseLine string     `json:"nurseLine"` // telephone number, answered day and night
	Calendar  Calendar   `json:"calendar"`
	Policy    Policy     `json:"policy"`
	Agent     PersonID   `json:"agent"` // the one agent that the directory names
	Mailbox   MailboxID  `json:"mailbox"`
}

// SyncPhase is what the replica is doing about the network.
type SyncPhase string

// The phases.
const (
	SyncStarting SyncPhase = "starting"
	SyncFetching SyncPhase = "fetching" // Done of Total letters
	SyncUpToDate SyncPhase = "uptodate" // since Checked
	SyncOffline  SyncPhase = "offline"  // the mail system cannot be reached; Postern tries again by itself
	SyncRefused  SyncPhase = "refused"  // the mail system turns this computer away, until a person acts
	SyncAmiss    SyncPhase = "amiss"    // something on this computer wants a person: its disk, or what it knows of the clinic
)

// SyncState is what the foot of every screen says.
type SyncState struct {
	Phase   SyncPhase
	Done    int
	Total   int
	Checked time.Time
	Problem string // what happened, where the text is and what to do; empty unless Offline, Refused or Amiss
	Chosen  bool   // Offline because the person wants it so
}
