// Package seat says what the screens ask of the rest of Postern, and carries one request's answer to it.
//
// A seat is one signed-in person at one browser session. The interfaces here are the whole of what frontend needs;
// each screen declares the few methods that it uses itself.
package seat

import (
	"context"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
)

// Home is the door: the profiles on this computer, and the way in.
type Home interface {
	Enroller

	// Profiles lists the profiles of this computer in the order in which they are offered.
	Profiles(ctx context.Context) ([]Profile, error)
	// SignIn opens a profile. A wrong passphrase is care.Invalid with the sentence for the person.
	// The same profile may be signed in to several times; each Signed is closed by itself.
	// Too many wrong ones are care.Paused: then not even the right one is tried for a while.
	SignIn(ctx context.Context, profile, passphrase string) (Signed, error)
	// OpenByKeychain opens a profile that Opens. Where it cannot, the passphrase is asked for; no try is counted.
	OpenByKeychain(ctx context.Context, profile string) (Signed, error)
	// Tries says how often a wrong passphrase may still be given for a profile, and what comes then.
	Tries(ctx context.Context, profile string) (Tries, error)
	// Recovers says whose profile a recovery code opens. One that opens none is care.Invalid.
	Recovers(ctx context.Context, code string) (Profile, error)
	// Recover signs in with a recovery code and gives the profile another passphrase: the old one and the code open
	// nothing from then on. A passphrase that is too weak is care.Invalid in the field "new"; then nothing has changed.
	Recover(ctx context.Context, code, passphrase string) (Signed, Profile, error)
	// Judge says how strong a passphrase would be for a profile; "" is any. Suggest gives a strong one.
	Judge(profile, passphrase string) Strength
	Suggest() (string, error)
}

// Tries is how a profile stands with wrong passphrases.
type Tries struct {
	Left  int           // before the next pause; none during one
	Pause time.Duration // how long the next pause is, or the one that is on
	Until time.Time     // when the pause that is on ends; zero: none is on
}

// Strength is what there is to say of a passphrase: one to four bars, none for an empty one.
type Strength struct {
	Bars   int
	Enough bool // it would be taken
	Word   string
	Advice string
}

// Profile is one profile in the chooser: its label is what a person chose, nothing else is known before sign-in.
type Profile struct {
	ID    string
	Label string
	Opens bool // now, without the passphrase: by the computer's keychain (Home.OpenByKeychain)
}

// Keychain is how a profile stands with the keychain of the person's account on this computer.
type Keychain struct {
	Offered bool // it may be chosen here: by a member, whose profile is the only one
	On      bool
	Reached bool // only known where it is offered
}

// Notices is how a member stands with e-mails that say that there is something to read.
type Notices struct {
	Sent  bool   // the practice sends them
	Email string // where theirs go; "": the practice has no address of theirs
	On    bool   // they want them
}

// Signed is one person, signed in.
type Signed interface {
	Me() care.Person
	Patient() care.Patient // of a member: whose record they write to; the zero value for staff
	Practice() care.Practice
	// WritesFor are the patients for whom a member may read and write now, themself among them; Own is their own record.
	WritesFor() []care.Patient
	Own() care.PatientID
	// For is the same person with another patient's record before them: Patient, Views and Desk are that patient's. Where
	// they may not write for that patient it is their own.
	For(care.PatientID) Signed
	Proxies() []care.Person // who else reads what is written about Patient, beside the patient
	Views() Views
	Desk() Desk
	Sync() care.SyncState
	WorkOffline(on bool)                      // until Postern ends: nothing is fetched, nothing sent
	SyncNow()                                 // asks for a check of the mail system; returns at once
	Waiting(ctx context.Context) (int, error) // texts and letters that have not gone out
	// Wake tells of changes from now on, until cancel is called. A slow reader may find several changes joined into one.
	Wake() (changes <-chan Change, cancel func())
	// ChangePassphrase and NewCode ask for the passphrase of now, and count a wrong one as SignIn does. A new passphrase that
	// is too weak is care.Invalid in the field "new". A new code ends the one before, and is kept nowhere.
	ChangePassphrase(now, next string) error
	NewCode(now string) (code string, err error)
	HasCode() (bool, error)
	// Keychain says how this profile stands with the computer's keychain. SetKeychain lets it open the profile, for the
	// passphrase of now, tried as at sign-in; or ends that, for nothing. Another passphrase ends it, too. care.Unavailable: the
	// keychain could not be reached, with what that means in the sentence.
	Keychain(ctx context.Context) (Keychain, error)
	SetKeychain(ctx context.Context, on bool, now string) error
	// Notices says how a member stands with notices by ordinary e-mail, whoever's record is before them: they are about the
	// member's own mailbox. ChooseNotices goes to the clinic as messages do, at once or when it can.
	Notices(ctx context.Context) (Notices, error)
	ChooseNotices(ctx context.Context, on bool) error
	// Admin is the practice's administration; nil where this profile does not hold it.
	Admin() Admin
	// Audit is the record of who looked at what; nil but for administrators.
	Audit() Audit
	Printed()     // records that a page was printed by a button of Postern's
	Close() error // signs out
}

// Change says what changed, for the screens to draw again.
type Change struct {
	Threads []care.ThreadID
	Texts   bool // drafts, held texts or the outbox
	Sync    bool // the sync state
	Beaten  bool // a claim of this person's was not sent: a colleague was first
}

// Sending is a text on its way: the handle of its draft, the end of its hold, and what it became once it is a fact.
type Sending struct {
	Draft  string
	Until  time.Time
	Thread care.ThreadID
	Part   care.EventID // zero: a new message in its hold
}

// Views answers what the screens show.
type Views interface {
	Center(ctx context.Context, show, search string) ([]view.Row, error)
	Queues(ctx context.Context) (queues, offices []view.Queue, err error)
	Queue(ctx context.Context, id, search string) (view.Queue, []view.Row, error)
	Thread(ctx context.Context, part care.EventID) (view.Thread, error) // a look at it, which is recorded
	// File is the nth file of an item, from 0; a look at its conversation. That it leaves Postern, Desk.Copied records.
	File(ctx context.Context, part, item care.EventID, n int) (view.Content, error)
	HeldText(ctx context.Context, draft string) (view.Held, error)
	Acting(ctx context.Context) ([]view.Acting, error)
	Recipients(ctx context.Context) ([]view.Recipient, error)
	Panel(ctx context.Context, patient care.PatientID) (view.Panel, error)
	Colleagues(ctx context.Context, office care.OfficeID) ([]view.Colleague, error)
	Draft(ctx context.Context, id string) (view.Draft, error)
}

// Desk does what a person may do. Every refusal is a care.Error.
type Desk interface {
	SaveDraft(ctx context.Context, d view.Draft) (view.Draft, error) // an empty id makes one; a note in no conversation is a half-typed form
	DeleteDraft(ctx context.Context, id string) error
	SendMessage(ctx context.Context, draft string) (Sending, error)
	SendReply(ctx context.Context, draft string) (Sending, error)
	Complete(ctx context.Context, draft string) (Sending, error)
	SendNow(ctx context.Context, draft string) error
	TakeBack(ctx context.Context, draft string) (view.Draft, error)
	Discard(ctx context.Context, draft string) error
	Became(ctx context.Context, draft string) (Sending, error) // what a sent draft became; care.NotFound if it was not sent

	MarkRead(ctx context.Context, part care.EventID, shown ...care.EventID) error
	Claim(ctx context.Context, part care.EventID) error
	Unclaim(ctx context.Context, part care.EventID) error
	Assign(ctx context.Context, part care.EventID, who care.PersonID) error
	Flag(ctx context.Context, part care.EventID, on bool, reason care.Text) error
	SaveNote(ctx context.Context, draft string) error
	Reopen(ctx context.Context, part care.EventID) error
	Confide(ctx context.Context, part care.EventID) error        // from here on proxies read no more of it
	Accept(ctx context.Context, part, reply care.EventID) error  // takes what came by ordinary e-mail as the member's word
	Decline(ctx context.Context, part, reply care.EventID) error // does not
	Resend(ctx context.Context, part care.EventID) error         // what did not reach its mailbox
	Copied(ctx context.Context, part care.EventID) error         // records that a copy leaves Postern; after an error none may
}

// ZoneOf is the practice's time zone, or this computer's where it cannot be known.
func ZoneOf(p care.Practice) *time.Location {
	zone, err := time.LoadLocation(p.Calendar.Zone)
	if err != nil || p.Calendar.Zone == "" {
		return time.Local
	}
	return zone
}

type key struct{}

// With puts the signed-in person in the context of a request.
func With(ctx context.Context, s Signed) context.Context { return context.WithValue(ctx, key{}, s) }

// From is the signed-in person of a request. Handlers behind the sign-in guard always find one.
func From(ctx context.Context) Signed {
	s, ok := ctx.Value(key{}).(Signed)
	if !ok {
		panic("seat: a screen was reached without a sign-in")
	}
	return s
}

type byItself struct{}

// WithByItself marks a request that a page sent by itself: nobody asked for what is shown then.
func WithByItself(ctx context.Context) context.Context {
	return context.WithValue(ctx, byItself{}, true)
}

// ByItself reports whether WithByItself marked the request.
func ByItself(ctx context.Context) bool { return ctx.Value(byItself{}) != nil }
