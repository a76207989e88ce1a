// Package command is what a person may do: it checks the rule, writes the effect in one transaction and wakes the screens.
//
// A command never waits for the network. What can still be taken back is held as text; everything else becomes an
// event in the journal together with its outbox rows, or nothing happens at all. One file a verb.
package command

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/care/promise"
	"postern/backend/record/digests"
	"postern/backend/record/draft"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/record/seen"
	"postern/backend/record/store"
)

// Signer makes this device's signatures.
type Signer interface {
	// Sign signs an event's bytes with the device key.
	Sign(raw []byte) []byte
	// Key is the fingerprint of the device key.
	Key() care.KeyID
}

// Directory is what commands ask of the newest known directory.
type Directory interface {
	fold.Authority
	Version() int
	Practice() care.Practice
	Office(care.OfficeID) (care.Office, bool)
	OfficesOf(care.PersonID) []care.Office
	Enrolled(care.PersonID) bool
	Person(care.PersonID) (care.Person, bool)
	Relations(care.PatientID) []care.Relation
	Patient(care.PatientID) (care.Patient, bool)
	Readers(care.PatientID) []care.MailboxID
	Reader(care.PatientID, care.MailboxID) (care.Person, bool)
	Owner(care.MailboxID) (care.Patient, bool)
	Emailed(address string) []care.MailboxID
	Former(care.PatientID) []care.MailboxID
	WritesFor(care.PersonID) []care.PatientID
}

// Threads finds threads.
type Threads interface {
	// ThreadOf is the thread that a part belongs to: care.NotFound where it is not here.
	ThreadOf(ctx context.Context, tx *sql.Tx, part care.EventID) (care.ThreadID, error)
	// Awaiting are the threads with an open part that awaits the office.
	Awaiting(ctx context.Context, tx *sql.Tx) ([]care.ThreadID, error)
}

// Change says what a command or an arrival changed, for the screens to draw again.
type Change struct {
	Threads []care.ThreadID
	Texts   bool            // drafts, held texts or the outbox
	Sync    bool            // only the sync state
	Beaten  []care.ThreadID // a claim of this desk lost to a colleague who was first
}

// Desk is where one signed-in person acts. Its fields are set once, before its first use; it is safe for concurrent use.
type Desk struct {
	DB      *store.DB
	Journal *journal.Journal
	Outbox  *outbox.Outbox
	Drafts  *draft.Drafts
	Seen    *seen.Seen
	Digests *digests.Digests
	Threads Threads

	Directory func() Directory // the newest known; it may change between two commands
	Clock     func() *promise.Clock
	Signer    Signer

	Me      care.Person
	Patient care.PatientID // of a member: whose record they write to
	Mailbox care.MailboxID // of a member: their own

	Now  func() time.Time
	Wake func(Change) // after each commit; it must not block
}

// For is this desk with another patient's record on it. What may be written there, the grant says at each act.
func (d *Desk) For(patient care.PatientID) *Desk {
	other := *d
	other.Patient = patient
	return &other
}

// writesFor refuses a member who may not write for a patient, or not any more.
func (d *Desk) writesFor(patient care.PatientID) error {
	if slices.Contains(d.Directory().WritesFor(d.Me.ID), patient) {
		return nil
	}
	return care.Refusef(care.Forbidden, "You do not write for this patient, or not any more. Call the front desk if that is wrong.")
}

// member reports whether the person at this desk writes on the member's side.
func (d *Desk) member() bool { return d.Me.Role == care.RoleMember }

// conversation folds the thread as this replica knows it, for writing in it.
func (d *Desk) conversation(ctx context.Context, tx *sql.Tx, thread care.ThreadID) (*talk, error) {
	c, err := d.read(ctx, tx, thread)
	if err == nil && c.ReadOnly {
		return nil, care.Refusef(care.Conflict,
			"A newer version of Postern wrote in this conversation. Update Postern to write here; you can still read it.")
	}
	return c, err
}

// read folds the thread as this replica knows it. One whose opening has not arrived is refused.
func (d *Desk) read(ctx context.Context, tx *sql.Tx, thread care.ThreadID) (*talk, error) {
	c, err := d.arriving(ctx, tx, thread)
	if err == nil && !c.Opened {
		return nil, care.Refusef(care.NotFound, "This conversation is not on this computer.")
	}
	return c, err
}

// arriving is read, of a conversation too whose opening has not arrived.
func (d *Desk) arriving(ctx context.Context, tx *sql.Tx, thread care.ThreadID) (*talk, error) {
	entries, err := d.Journal.Thread(ctx, tx, thread)
	if err != nil {
		return nil, fmt.Errorf("read thread %s: %w", thread, err)
	}
	events := Events(entries)
	return &talk{Conversation: fold.Fold(events, d.Directory()), events: events}, nil
}

type folding func(context.Context, *sql.Tx, care.ThreadID) (*talk, error)

// partOf folds the thread of a part and finds the part in it, for writing in it.
func (d *Desk) partOf(ctx context.Context, tx *sql.Tx, part care.EventID) (*talk, *fold.Part, error) {
	return d.find(ctx, tx, part, d.conversation)
}

func (d *Desk) find(ctx context.Context, tx *sql.Tx, part care.EventID, folded folding) (*talk, *fold.Part, error) {
	thread, err := d.Threads.ThreadOf(ctx, tx, part)
	if err != nil {
		return nil, nil, err
	}
	c, err := folded(ctx, tx, thread)
	if err != nil {
		return nil, nil, err
	}
	p, ok := c.Part(part)
	if !ok {
		return nil, nil, care.Refusef(care.NotFound, "This conversation is not on this computer.")
	}
	return c, p, nil
}

// staffIn refuses unless the person at this desk is of the office's care team.
func (d *Desk) staffIn(office care.OfficeID) error {
	if d.Me.Role.Staff() && slices.ContainsFunc(d.Directory().OfficesOf(d.Me.ID), func(o care.Office) bool { return o.ID == office }) {
		return nil
	}
	return care.Refusef(care.Forbidden, "Only this office's care team can do that.")
}

// fact is what a desk adds to a thread: the fields that differ from verb to verb.
type fact struct {
	kind event.Kind
	part care.EventID // of the part it belongs to
	body any
	to   []care.MailboxID // nil: those that the kind goes to
}

// record signs the fact and writes it to the journal with one outbox row a mailbox, in the caller's transaction.
func (d *Desk) record(ctx context.Context, tx *sql.Tx, c *talk, f fact) (care.EventID, error) {
	heads := c.Heads
	if event.AudienceOf(f.kind) == event.ToOffice {
		heads = c.AllHeads
	}
	heads, err := d.lasting(ctx, tx, c, heads)
	if err != nil {
		return care.EventID{}, err
	}
	e := event.Event{
		Practice: d.Directory().Practice().ID, Kind: f.kind, Thread: c.Thread,
		Author: d.Signer.Key(), As: d.Me.ID, For: c.Patient, At: d.Now(),
		To: f.to, After: heads, Dir: d.Directory().Version(), Body: f.body,
	}
	if e.To == nil {
		e.To = d.audience(c, f.kind)
	}
	if f.part != c.Thread {
		e.Part = f.part
	}
	return d.write(ctx, tx, e)
}

// lasting names, instead of a claim or a notice of this desk's that is still on this computer alone, what that was made upon: it
// may yet be dropped, and what named it would wait for it for ever.
func (d *Desk) lasting(ctx context.Context, tx *sql.Tx, c *talk, heads []care.EventID) ([]care.EventID, error) {
	var out []care.EventID
	for behind := slices.Clone(heads); len(behind) > 0; {
		id := behind[0]
		behind = behind[1:]
		i := slices.IndexFunc(c.events, func(e *event.Event) bool { return e.ID == id })
		if i < 0 || !mayLapse(c.events[i].Kind) || c.events[i].Author != d.Signer.Key() {
			out = append(out, id)
			continue
		}
		here, err := d.Outbox.Here(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if here {
			behind = append(behind, c.events[i].After...)
		} else {
			out = append(out, id)
		}
	}
	return care.SortEventIDs(out), nil
}

// audience is the mailboxes that a kind goes to in this conversation.
func (d *Desk) audience(c *talk, kind event.Kind) []care.MailboxID {
	switch event.AudienceOf(kind) {
	case event.ToOffice:
		return []care.MailboxID{c.OfficeMailbox}
	case event.ToOfficeAndSelf:
		return []care.MailboxID{c.OfficeMailbox, d.Mailbox}
	}
	return append([]care.MailboxID{c.OfficeMailbox}, d.reading(c)...)
}

// reading are those of a conversation's readers whose grant has not ended: what is written from then on is none of theirs.
func (d *Desk) reading(c *talk) []care.MailboxID {
	former := d.Directory().Former(c.Patient)
	return slices.DeleteFunc(slices.Clone(c.Readers), func(m care.MailboxID) bool { return slices.Contains(former, m) })
}

// write signs an event and stores it with its outbox rows. The event is a fact from here on.
func (d *Desk) write(ctx context.Context, tx *sql.Tx, e event.Event) (care.EventID, error) {
	raw, err := event.Encode(e)
	if err != nil {
		return care.EventID{}, care.Because(care.Invalid, fmt.Errorf("write %s: %w", e.Kind, err), "This cannot be sent as it is. Shorten it, or type it anew.")
	}
	written, err := event.Decode(raw)
	if err != nil {
		return care.EventID{}, fmt.Errorf("read back %s: %w", e.Kind, err)
	}
	if s := fold.Judge(written, d.Directory()); s.Verdict != fold.Accepted {
		return care.EventID{}, care.Refusef(care.Forbidden, "Postern cannot send this as you: %s.", strings.TrimSuffix(s.Reason, "."))
	}
	entry := journal.Entry{Event: written, ID: written.ID, Raw: raw, Sig: d.Signer.Sign(raw),
		Source: "here", Arrived: d.Now(), Verdict: fold.Accepted}
	if _, err := d.Journal.Append(ctx, tx, entry); err != nil {
		return care.EventID{}, fmt.Errorf("journal %s: %w", e.Kind, err)
	}
	letters := make([]outbox.Letter, 0, len(written.To))
	for _, to := range written.To {
		letters = append(letters, outbox.Letter{Event: written.ID, Mailbox: to, Thread: written.Thread, Added: d.Now()})
	}
	if err := d.Outbox.Add(ctx, tx, letters...); err != nil {
		return care.EventID{}, fmt.Errorf("outbox %s: %w", e.Kind, err)
	}
	return written.ID, nil
}

// onPart runs one verb on a part in one transaction and wakes the screens after it.
func (d *Desk) onPart(ctx context.Context, part care.EventID, verb func(*sql.Tx, *talk, *fold.Part) error) error {
	var thread care.ThreadID
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		c, p, err := d.partOf(ctx, tx, part)
		if err != nil {
			return err
		}
		thread = c.Thread
		return verb(tx, c, p)
	})
	if err != nil {
		return err
	}
	d.Wake(Change{Threads: []care.ThreadID{thread}, Texts: true})
	return nil
}
