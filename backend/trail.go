package backend

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/documents"
	"postern/backend/record/store"
	"postern/backend/record/view"
	"postern/backend/trust/audit"
)

// trail writes the record of who looked at what. What cannot be written now is owed: it stands in memory, is said to the
// person, and goes before the next entry. Nobody is kept from a patient's messages by a full disk.
type trail struct {
	db   *store.DB
	kept *documents.Trail
	key  ed25519.PrivateKey // the profile's, which wipes it
	who  care.PersonID
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex // held while a line waits for its turn to be written
	owed    []audit.Entry
	failing atomic.Bool // something is owed; read without waiting
}

// patience is how long an entry waits for its turn to be written. A screen opens, and locks, all the same: what had no
// turn is owed.
const patience = time.Second

// entry is what this profile's person does now.
func (t *trail) entry(what audit.What) audit.Entry {
	return audit.Entry{At: t.now(), What: what, Who: t.who}
}

// write adds what is owed and these entries, in one transaction. After an error none of them is there, and as much is
// owed as before. The caller holds the trail.
func (t *trail) write(ctx context.Context, entries []audit.Entry) error {
	if err := ctx.Err(); err != nil {
		return err // its turn did not come
	}
	all := append(slices.Clip(t.owed), entries...)
	if len(all) == 0 {
		return nil
	}
	err := t.db.Write(ctx, func(tx *sql.Tx) error {
		before, no, err := t.kept.Newest(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range all {
			no++
			e.No = no
			l, err := audit.Follow(before, e, t.key)
			if err != nil {
				return err
			}
			if err := t.kept.Add(ctx, tx, documents.Line(l)); err != nil {
				return err
			}
			before = l.Hash
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record who looked at what: %w", err)
	}
	t.owed = nil
	t.failing.Store(false)
	return nil
}

// lines gives every line, and the highest number that was ever given out.
func (t *trail) lines(ctx context.Context, tx *sql.Tx) (lines []audit.Line, given int64, err error) {
	kept, given, err := t.kept.All(ctx, tx)
	for _, l := range kept {
		lines = append(lines, audit.Line(l))
	}
	return lines, given, err
}

// hold takes the trail. The context that it gives is the wait for a turn to write, and no tab that is closed ends it: what
// is shown is shown.
func (t *trail) hold(ctx context.Context) (turn context.Context, release func()) {
	turn, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	t.mu.Lock()
	return turn, func() {
		t.mu.Unlock()
		cancel()
	}
}

// must records what may not happen unrecorded: after an error it may not, and is not owed.
func (t *trail) must(ctx context.Context, e audit.Entry) error {
	turn, release := t.hold(ctx)
	defer release()
	err := t.write(turn, []audit.Entry{e})
	if errors.Is(err, context.DeadlineExceeded) {
		return care.Because(care.Unavailable, err, "Postern is busy and could not record this just now, so it was not done. Try again.")
	}
	return err
}

// note records what happens all the same: what cannot be written is owed. With no entry it tries again to write what is
// owed. It reports whether the record has just failed, or holds everything again.
func (t *trail) note(ctx context.Context, entries ...audit.Entry) (turned bool) {
	turn, release := t.hold(ctx)
	defer release()
	before := len(t.owed)
	if err := t.write(turn, entries); err != nil {
		t.owed = append(t.owed, entries...)
		t.failing.Store(true)
		if len(entries) > 0 {
			t.log.Error("an entry of the audit record is owed", "owed", len(t.owed), "err", err)
		}
	}
	return (before > 0) != (len(t.owed) > 0)
}

// stand is the sync state with what the person must be told of the record, unless something else is in the way.
func (t *trail) stand(s care.SyncState) care.SyncState {
	if t.failing.Load() && s.Problem == "" && !s.Chosen {
		s.Phase = care.SyncAmiss
		s.Problem = "Postern cannot record on this computer who looks at what. You can read and write as before. " +
			"Free some space, or ask whoever looks after this computer."
	}
	return s
}

// Noted records what the registrar has done to the practice's documents: ref is the id of whom or what it was done to.
func (p *Profile) Noted(what audit.What, ref string) {
	e := p.trail.entry(what)
	e.Ref = ref
	if err := e.Check(); err != nil {
		p.log.Error("what was done to the practice's documents is not recorded", "what", what, "err", err) // a defect; one that is owed would be in everybody's way
		return
	}
	p.trail.note(context.Background(), e)
}

// Printed records that a button of Postern's asked for the page to be printed. What a browser prints by itself, nobody tells.
func (p *Profile) Printed() { p.trail.note(context.Background(), p.trail.entry(audit.Printed)) }

// Exported records that the audit record leaves Postern as a file. Where it cannot be recorded, it may not.
func (p *Profile) Exported(ctx context.Context) error {
	return p.trail.must(ctx, p.trail.entry(audit.Exported))
}

// enter notes a sign-in, and how many wrong passphrases were tried before it.
func (t *trail) enter(ctx context.Context, wrong int) {
	t.note(ctx, append(t.refused(wrong), t.entry(audit.SignedIn))...)
}

// refused is the entry of this many wrong passphrases; none for none.
func (t *trail) refused(wrong int) []audit.Entry {
	if wrong == 0 {
		return nil
	}
	e := t.entry(audit.Refused)
	e.Times = wrong
	return []audit.Entry{e}
}

// leave notes sign-outs. What is owed then is written as the profile closes.
func (t *trail) leave(sessions int) {
	t.note(context.Background(), slices.Repeat([]audit.Entry{t.entry(audit.SignedOut)}, sessions)...)
}

// close is leave for the last time.
func (t *trail) close(sessions int) {
	t.leave(sessions)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.owed) > 0 {
		t.log.Error("entries of the audit record are LOST: they could not be written to the end", "lost", len(t.owed))
	}
}

// Looks is where one sign-in shows conversations and gives them away: each view and each copy is recorded, in the request
// that it is for.
type Looks struct {
	p     *Profile
	taken *audit.Looks
	views *view.Views
}

// Panel is Views.Panel, with whether the patient wants to be told by ordinary e-mail.
func (l *Looks) Panel(ctx context.Context, patient care.PatientID) (view.Panel, error) {
	p, err := l.views.Panel(ctx, patient)
	if err != nil || !p.Notices.Sent {
		return p, err
	}
	on, err := l.p.desk.WantsNotices(ctx, p.Patient.Mailbox)
	p.Notices.Off = !on
	return p, err
}

// Looks begins with a sign-in.
func (p *Profile) Looks() *Looks { return &Looks{p: p, taken: &audit.Looks{}, views: p.views} }

// For is the same sign-in, looking at another patient's record.
func (l *Looks) For(patient care.PatientID) *Looks {
	return &Looks{p: l.p, taken: l.taken, views: l.p.views.For(patient)}
}

// Thread is Views.Thread for a screen. asked: the person did, and not the page by itself. A view that cannot be recorded
// now is shown all the same, and owed.
func (l *Looks) Thread(ctx context.Context, part care.EventID, asked bool) (view.Thread, error) {
	t, err := l.views.Thread(ctx, part)
	if err != nil {
		return t, err
	}
	var entries []audit.Entry
	if l.taken.Counts(part, others(t), asked, l.p.trail.now()) {
		entries = append(entries, l.of(audit.Viewed, t))
	}
	if l.p.trail.note(ctx, entries...) {
		l.p.wake.tell(command.Change{Sync: true})
	}
	return t, nil
}

// File is Views.File for a screen, of which the conversation is looked at. That a file leaves Postern, Copied records.
func (l *Looks) File(ctx context.Context, part, item care.EventID, n int) (view.Content, error) {
	if _, err := l.Thread(ctx, part, true); err != nil {
		return view.Content{}, err
	}
	return l.views.File(ctx, part, item, n)
}

// Copied records that a copy of a conversation leaves Postern. Where it cannot be recorded, none may: nobody's care waits
// for a file, and the screen still shows what is in it.
func (l *Looks) Copied(ctx context.Context, part care.EventID) error {
	t, err := l.views.Thread(ctx, part)
	if err != nil {
		return err
	}
	return l.p.trail.must(ctx, l.of(audit.Copied, t))
}

func (l *Looks) of(what audit.What, t view.Thread) audit.Entry {
	e := l.p.trail.entry(what)
	e.Patient, e.Part = t.Patient.ID, t.Part
	return e
}

// others are the items of a conversation that somebody else wrote.
func others(t view.Thread) (ids []care.EventID) {
	for _, i := range t.Items {
		if !i.Own {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// Looked is an entry of the record in words: people and patients as this profile knows them now, by their ids where it
// does not know them any more.
type Looked struct {
	audit.Entry
	Person  care.Person
	Patient care.Patient // of a view and a copy
	About   string       // what Ref names, by its name where it is known
}

// Trail reads the record of who looked at what. Where it does not hold together the error is audit.Broken, which says
// from which entry on; what can be read is given all the same.
func (p *Profile) Trail(ctx context.Context) ([]Looked, error) {
	var lines []audit.Line
	var given int64
	err := p.db.Read(ctx, func(tx *sql.Tx) (err error) {
		lines, given, err = p.trail.lines(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	entries, err := audit.Verify(lines, given, p.device.Public().(ed25519.PublicKey))
	all := make([]Looked, 0, len(entries))
	for _, e := range entries {
		all = append(all, p.named(e))
	}
	return all, err
}

func (p *Profile) named(e audit.Entry) Looked {
	l := Looked{Entry: e, Person: care.Person{ID: e.Who, Name: string(e.Who)}}
	if e.Who == p.me.ID {
		l.Person = p.Me()
	} else if person, ok := p.facts.Person(e.Who); ok {
		l.Person = person
	}
	if e.Patient != "" {
		l.Patient = care.Patient{ID: e.Patient, Name: string(e.Patient)}
		if patient, ok := p.facts.Patient(e.Patient); ok {
			l.Patient = patient
		}
	}
	l.About = p.nameOf(e.Ref)
	return l
}

// nameOf is the name of what an id stands for, or what it is called without one.
func (p *Profile) nameOf(ref string) string {
	if person, ok := p.facts.Person(care.PersonID(ref)); ok {
		return person.Name
	}
	if patient, ok := p.facts.Patient(care.PatientID(ref)); ok {
		return patient.Name
	}
	if office, ok := p.facts.Office(care.OfficeID(ref)); ok {
		return office.Name
	}
	if ref != "" && ref == string(p.facts.Practice().ID) {
		return p.facts.Practice().Name
	}
	var key care.KeyID
	if err := key.UnmarshalText([]byte(ref)); err == nil && !key.IsZero() {
		return key.Shown()
	}
	return ref
}
