package backend

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/dial"
	"postern/backend/record/digests"
	"postern/backend/record/documents"
	"postern/backend/record/draft"
	"postern/backend/record/journal"
	"postern/backend/record/ordinary"
	"postern/backend/record/outbox"
	"postern/backend/record/projection"
	"postern/backend/record/seen"
	"postern/backend/record/store"
	"postern/backend/record/view"
	"postern/backend/replica"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// staffPatience is how long a message waits for the agent before a staff window confirms it.
const staffPatience = time.Minute

// Profile is one signed-in person on this computer, in step with their mailboxes while it is open.
type Profile struct {
	ID string

	b   *Backend
	at  *place
	dir string
	now func() time.Time

	me      care.Person
	db      *store.DB
	desk    *command.Desk
	views   *view.Views
	trail   *trail
	digests *digests.Digests
	mails   *ordinary.Mails
	watch   agent.Watch                  // of the ordinary mailbox
	reading atomic.Pointer[agent.Bridge] // of it; nil: it is not read
	threads *projection.Projection
	replica *replica.Replica
	heard   heard
	began   time.Time // when it was opened

	registrar *Registrar
	restored  *restored // nil: it was not put back from a backup
	facts     *facts
	log       *slog.Logger
	lock      *store.FileLock
	device    ed25519.PrivateKey // wiped at the end
	spool     *spool
	dismissed bool // the practice has withdrawn this device

	wake   wakes
	cancel context.CancelFunc
	done   sync.WaitGroup
	duty   sync.WaitGroup // what runs until the practice names its agent anew
}

// openProfile opens what a profile's secrets unlock, of which it keeps its own copies. Nothing runs until start.
func openProfile(ctx context.Context, dir string, s vault.Secrets, log *slog.Logger, now func() time.Time, mail systemOpener) (*Profile, error) {
	lock, err := store.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, care.Because(care.Conflict, err, "This profile is open in another Postern on this computer. Close that one first.")
	}
	p := &Profile{dir: dir, now: now, me: s.Person, log: log, lock: lock, began: now(), device: slices.Clone(s.Device)}
	if p.db, err = openRecord(ctx, dir, s.Store, log, now()); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := p.wire(ctx, s, now); err != nil {
		return nil, errors.Join(err, p.db.Close(), lock.Close())
	}
	if err := p.comeBack(ctx); err != nil {
		return nil, errors.Join(err, p.db.Close(), lock.Close())
	}
	if s.Registrar != "" {
		if p.registrar, err = openRegistrar(ctx, p, s, mail); err != nil {
			return nil, errors.Join(err, p.db.Close(), lock.Close())
		}
		p.replica.Answers, p.replica.Looked, p.replica.Here = p.registrar, p.registrar.looked, p.registrar.here
	}
	if p.spool, err = newSpool(dir, s.Store); err != nil {
		return nil, errors.Join(err, p.db.Close(), lock.Close())
	}
	p.takeIn(ctx)
	return p, nil
}

// Registrar makes the practice's documents; nil but for the administrator's profile that holds it.
func (p *Profile) Registrar() *Registrar { return p.registrar }

// stays reports whether the profile stays open with nobody at it: its registrar takes in who answers an invitation.
func (p *Profile) stays() bool { return p.registrar != nil && p.registrar.Stays() }

// wire joins the rooms of one profile.
func (p *Profile) wire(ctx context.Context, s vault.Secrets, now func() time.Time) error {
	docs := documents.New(p.db)
	book, err := readBook(ctx, p.db, docs, directory.Pin{Practice: s.Practice, Root: s.Root}, p.log)
	if err != nil {
		return err
	}
	books := replica.NewBooks(book)
	p.facts = &facts{books: books, me: s.Person.ID}
	if _, err := p.facts.clock(); err != nil {
		p.log.Error("nothing is promised to anybody here", "err", err) // and Sync says it
	}
	if err := p.granted(ctx, docs, book, &s); err != nil {
		return err
	}
	secrets, err := mailboxSecrets(s)
	if err != nil {
		return err
	}
	p.trail = &trail{db: p.db, kept: documents.NewTrail(p.db), key: p.device, who: s.Person.ID, now: now, log: p.log}
	drafts, box, marks := draft.New(p.db), outbox.New(p.db), seen.New(p.db)
	p.digests, p.mails = digests.New(p.db, p.zone), ordinary.New(p.db)
	pr := projection.New(p.db, func() fold.Authority { return books.Book() }, p.facts)
	p.threads = pr
	j := journal.New(p.db, pr)
	if _, err := pr.Ready(ctx); err != nil {
		return err
	}
	if err := p.knownDigests(ctx, j, book); err != nil {
		return err
	}
	p.views = view.New(p.db, view.Viewer{Person: s.Person.ID, Patient: s.Patient, Member: s.Person.Role == care.RoleMember}, p.facts, now)
	p.desk = &command.Desk{
		DB: p.db, Journal: j, Outbox: box, Drafts: drafts, Seen: marks, Threads: pr, Digests: p.digests,
		Directory: func() command.Directory { return books.Book() }, Clock: p.facts.Clock,
		Signer: signer{key: p.device}, Me: s.Person, Patient: s.Patient, Mailbox: ownMailbox(s), Now: now,
		Wake: p.changed,
	}
	p.replica = &replica.Replica{
		DB: p.db, Journal: j, Outbox: box, Projection: pr, Documents: docs, Books: books, Ring: seal.NewRing(secrets...),
		Device: signer{key: p.device}.Key(),
		Logins: s.Logins, Author: p.desk, Now: now, Log: p.log, ResealAfter: time.Hour,
		Changed: func(threads []care.ThreadID, texts, sync bool) {
			p.wake.tell(command.Change{Threads: threads, Texts: texts, Sync: sync})
		},
	}
	p.replica.Keeps = func() bool { return p.me.Role == care.RoleMember || p.isAgent() }
	if s.Person.Role.Staff() {
		p.replica.Digests = p.digests
	}
	if s.Registrar != "" { // the administrator's is where it is shown
		p.replica.Heard = p.heard.hear
		if err := p.knownHealth(ctx); err != nil {
			return err
		}
	}
	if p.dismissed {
		p.replica.Dismiss()
	}
	return nil
}

// start runs the replica and, for staff and the agent, the receipts.
func (p *Profile) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.run("replica", func() error { return p.replica.Run(ctx) })
	p.run("watch", func() error { return dial.Watch{}.Run(ctx, p.doubt) })
	if p.registrar != nil {
		p.run("registrar", func() error {
			if err := p.learnt(ctx); err != nil {
				return err
			}
			return p.registrar.run(ctx)
		})
	}
	if !p.me.Role.Staff() {
		return
	}
	p.run("digests", func() error { return p.digesting(ctx) })
	if p.me.Role == care.RoleAgent {
		p.run("health", func() error { return p.telling(ctx) })
	}
	p.run("duties", func() error { return p.whileNamed(ctx, p.duties) })
}

// duties runs the receipts, and of the agent that the directory names all that is its alone, until the context ends.
func (p *Profile) duties(ctx context.Context) {
	r := &agent.Receipts{Desk: p.desk, Patience: staffPatience, InStep: p.replica.InStep, Log: p.log}
	if p.isAgent() {
		r.Patience = 0
		k := &agent.Keys{Desk: p.desk, Book: p.facts.books.Book, InStep: p.replica.InStep, Log: p.log}
		p.follow(ctx, "keys", k.Run)
		h := &agent.Housekeeping{Mailboxes: p.replica, InStep: p.replica.InStep, Now: p.now, Log: p.log}
		p.follow(ctx, "housekeeping", func(ctx context.Context, _ <-chan command.Change) error { return h.Run(ctx) })
		m := &agent.Promises{Desk: p.desk, InStep: p.replica.InStep, Log: p.log}
		m.Begin()
		p.follow(ctx, "promises", m.Run)
		p.follow(ctx, "notices", p.notices(p.b.ordinary).Run)
		if p.b.ordinary != nil {
			p.follow(ctx, "ordinary mail", p.mailing(*p.b.ordinary).Run)
			p.follow(ctx, "digest for the care team", func(ctx context.Context, _ <-chan command.Change) error { return p.staffDigest(*p.b.ordinary).Run(ctx) })
			if len(p.b.ordinary.Staff) > 0 { // else there is nobody to be told
				p.follow(ctx, "what is overdue", func(ctx context.Context, _ <-chan command.Change) error { return p.overdue(*p.b.ordinary).Run(ctx) })
			}
			// Where answers come into no conversation, too: who answers STOP is heard, and what comes back is told.
			b := p.bridge(*p.b.ordinary)
			p.reading.Store(b)
			p.follow(ctx, "replies by ordinary mail", func(ctx context.Context, _ <-chan command.Change) error { return b.Run(ctx) })
		}
	}
	p.follow(ctx, "receipts", r.Run)
}

// follow runs what acts on changes, once an older copy has learnt what it did since: before, it would do that again.
func (p *Profile) follow(ctx context.Context, what string, work func(context.Context, <-chan command.Change) error) {
	changes, stop := p.Wake()
	p.duty.Add(1)
	p.run(what, func() error {
		defer p.duty.Done()
		defer stop()
		if err := p.learnt(ctx); err != nil {
			return err
		}
		return work(ctx, changes)
	})
}

func (p *Profile) run(what string, work func() error) {
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		if err := work(); err != nil && !errors.Is(err, context.Canceled) {
			p.log.Error("stopped", "what", what, "err", err)
		}
	}()
}

// changed tells the screens, and the replica that there may be something to send.
func (p *Profile) changed(c command.Change) {
	p.wake.tell(c)
	p.replica.Kick()
}

// flush ends what still could be taken back and hands over what can be handed over at once. What cannot go stays, and how much of it the
// person wrote or did is said: a text is asked about at the next sign-in, if that is more than a day away.
func (p *Profile) flush(limit time.Duration) (waiting int) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := p.desk.EndHolds(ctx)
	if err == nil {
		err = p.replica.Settle(ctx)
	}
	unsent, counting := p.desk.Unsent(context.WithoutCancel(ctx))
	waiting = unsent.N()
	if err != nil || counting != nil || waiting+unsent.All > 0 {
		p.log.Warn("NOT everything was sent: it waits on this computer", "waiting", waiting, "letters", unsent.All, "err", errors.Join(err, counting))
	}
	return waiting
}

// close stops what runs, notes that those who are still signed in are not any more, and closes the record. With goOn it
// gives what hands over the letters that are left, if any, which has begun; that keeps the folder of the profile. It says what is not sent.
func (p *Profile) close(sessions int, goOn bool) (*onward, command.Unsent) {
	if p.cancel != nil {
		p.cancel()
	}
	p.done.Wait()
	var left *replica.Onward
	if goOn && p.cancel != nil && p.replica.Learnt() { // what is driven step by step sends nothing by itself
		var err error
		if left, err = p.replica.Onward(context.Background()); err != nil {
			p.log.Error("what was not sent waits for the next sign-in", "err", err)
		}
	}
	unsent, err := p.desk.Unsent(context.Background())
	if err != nil {
		p.log.Error("what was not sent cannot be counted", "err", err)
	}
	p.trail.close(sessions)
	p.wake.close()
	if p.db.Damaged() {
		if err := noteDamage(p.dir); err != nil {
			p.log.Error("the record is damaged, and that cannot be noted", "err", err)
		}
	}
	if err := p.db.Close(); err != nil {
		p.log.Error("close the record", "err", err)
	}
	// A write that was running is over when this one, refused, has had its turn; until then it may sign.
	if err := p.db.Write(context.Background(), func(*sql.Tx) error { return nil }); err == nil {
		p.log.Error("the record is still open")
	}
	if p.registrar != nil {
		if err := p.registrar.close(); err != nil {
			p.log.Error("close the registrar", "err", err)
		}
	}
	clear(p.device)
	if left != nil {
		return goOnward(left, p.spool, p.lock, p.log), unsent
	}
	p.spool.wipe()
	if err := p.lock.Close(); err != nil {
		p.log.Error("release the profile", "err", err)
	}
	return nil, unsent
}

// Me is the signed-in person.
func (p *Profile) Me() care.Person {
	if now, ok := p.facts.Person(p.me.ID); ok {
		return now
	}
	return p.me
}

// Patient is whose record a member writes to; the zero value for staff.
func (p *Profile) Patient() care.Patient {
	patient, _ := p.facts.Patient(p.desk.Patient)
	return patient
}

// Own is a member's own record; empty for staff.
func (p *Profile) Own() care.PatientID { return p.desk.Patient }

// WritesFor are the patients for whom the member may read and write now.
func (p *Profile) WritesFor() (all []care.Patient) {
	for _, id := range p.facts.WritesFor(p.me.ID) {
		if patient, ok := p.facts.Patient(id); ok {
			all = append(all, patient)
		}
	}
	return all
}

// Proxies are those who write for a patient, beside the patient.
func (p *Profile) Proxies(id care.PatientID) []care.Person { return p.facts.Proxies(id) }

// Waiting counts what has not gone out, as the screens say it.
func (p *Profile) Waiting(ctx context.Context) (int, error) { return p.views.Waiting(ctx) }

// Practice is the clinic as the newest directory has it.
func (p *Profile) Practice() care.Practice { return p.facts.Practice() }

// Views answers the screens' questions.
func (p *Profile) Views() *view.Views { return p.views }

// Desk is where the person acts.
func (p *Profile) Desk() *command.Desk { return p.desk }

// Sync says how this computer stands with the mail system, and what else a person must know of it.
func (p *Profile) Sync() care.SyncState {
	s := p.filling(p.restored.stand(p.trail.stand(p.facts.stand(p.replica.State()))))
	if p.db.Damaged() && s.Phase != care.SyncRefused {
		s.Phase, s.Problem = care.SyncAmiss, damagedNow
	}
	return s
}

// SyncNow looks for new mail and submits what is due.
func (p *Profile) SyncNow() {
	p.replica.Nudge()
	if b := p.reading.Load(); b != nil {
		b.Nudge()
	}
}

// doubt says that all connections may be dead.
func (p *Profile) doubt() {
	p.replica.Doubt()
	if b := p.reading.Load(); b != nil {
		b.Doubt()
	}
}

// WorkOffline stops all fetching and sending of this profile, or begins it again. It holds until this program ends, over
// locking and unlocking too.
func (p *Profile) WorkOffline(on bool) {
	p.at.offline.Store(on)
	p.replica.SetOffline(on)
}

// Replica is for tests and tools that drive the network step by step.
func (p *Profile) Replica() *replica.Replica { return p.replica }

// Wake gives a channel of changes. Changes that nobody took yet are merged into one; cancel ends it.
func (p *Profile) Wake() (changes <-chan command.Change, cancel func()) { return p.wake.subscribe() }

// readBook builds the newest known directory from the documents that this replica keeps.
func readBook(ctx context.Context, db *store.DB, docs *documents.Documents, pin directory.Pin, log *slog.Logger) (*directory.Book, error) {
	var kept []directory.Document
	err := db.Read(ctx, func(tx *sql.Tx) error {
		all, err := docs.All(ctx, tx)
		for _, d := range all {
			kept = append(kept, directory.Document{Kind: d.Kind, Bytes: d.Bytes, Signature: d.Signature})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the clinic's documents: %w", err)
	}
	book, _, err := directory.NewBook(pin).With(kept...)
	if err != nil {
		// The others hold; one bad document must not keep a person from their messages.
		log.Warn("a document of the practice on this computer does not hold", "err", err)
	}
	return book, nil
}

// granted adds to a profile's secrets what it was granted since it was made: keys of mailboxes, and logins.
func (p *Profile) granted(ctx context.Context, docs *documents.Documents, book *directory.Book, s *vault.Secrets) error {
	var all []documents.Document
	if err := p.db.Read(ctx, func(tx *sql.Tx) (err error) {
		all, err = docs.Of(ctx, tx, directory.KindGrant)
		return err
	}); err != nil {
		return fmt.Errorf("read what was granted: %w", err)
	}
	var grants []*directory.Grant
	for _, d := range all {
		g, err := book.ReadGrant(directory.Document(d))
		if err != nil {
			p.log.Warn("a grant on this computer does not hold", "err", err)
			continue
		}
		grants = append(grants, g)
	}
	slices.SortStableFunc(grants, func(a, b *directory.Grant) int { return strings.Compare(a.At, b.At) })
	for _, g := range grants {
		p.dismissed = p.dismissed || g.Refused != ""
		for _, m := range g.Mailboxes {
			if secret := vault.MailboxSecret(m); !slices.Contains(s.Mailboxes, secret) {
				s.Mailboxes = append(s.Mailboxes, secret)
			}
		}
		for _, l := range g.Logins {
			if i := slices.IndexFunc(s.Logins, func(x care.MailLogin) bool { return x.Mailbox == l.Mailbox }); i >= 0 {
				s.Logins[i] = l // the one before has ended
			} else {
				s.Logins = append(s.Logins, l)
			}
		}
	}
	return nil
}

// mailboxSecrets are the keys that open a profile's letters, the device's own among them.
func mailboxSecrets(s vault.Secrets) ([]seal.Secret, error) {
	var out []seal.Secret
	if s.DeviceSecret != "" {
		own, err := seal.ParseSecret(s.DeviceSecret)
		if err != nil {
			return nil, care.Because(care.Corrupt, err, "A key in this profile is damaged. Ask the clinic for help.")
		}
		out = append(out, own)
	}
	for _, m := range s.Mailboxes {
		secret, err := seal.ParseSecret(m.Secret)
		if err != nil {
			return nil, care.Because(care.Corrupt, err, "A key in this profile is damaged. Ask the clinic for help.")
		}
		out = append(out, secret)
	}
	return out, nil
}

// ownMailbox is a member's own: the one mailbox that their profile reads.
func ownMailbox(s vault.Secrets) care.MailboxID {
	if s.Person.Role != care.RoleMember || len(s.Mailboxes) == 0 {
		return ""
	}
	return s.Mailboxes[0].Mailbox
}

// signer signs with the device key.
type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(raw []byte) []byte { return seal.Sign(s.key, seal.LabelEvent, raw) }

func (s signer) Key() care.KeyID { return seal.Fingerprint(s.key.Public().(ed25519.PublicKey)) }
