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
	Gateway   *MailPlace `json:"gateway,omitempty"` // where the mail system is now; nil: where the logins say
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
	Problem string // what happened, where the text is and what to do; empty unless Offline, Refused or Amiss, or UpToDate where something will want a person
	Chosen  bool   // Offline because the person wants it so
}

// Quota is how full a mailbox is at the mail system: of Limit bytes it takes up Used, what is in its archive left out where the mail
// system does so. A limit of zero is none.
type Quota struct {
	Mailbox     MailboxID
	Used, Limit int64
}

// The parts of a hundred from which a mailbox is said to fill, and to be nearly full.
const (
	Filling    = 70
	NearlyFull = 95
)

// Percent is how full the mailbox is, in parts of a hundred.
func (q Quota) Percent() int {
	if q.Limit <= 0 {
		return 0
	}
	return int(float64(q.Used) / float64(q.Limit) * 100)
}
