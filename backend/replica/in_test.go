package replica

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/record/documents"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/record/projection"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

const passphrase = "of the tests"

type accounts struct{ n int }

func (*accounts) Mailbox(_ context.Context, local string) (string, error) {
	return local + "@mail.test", nil
}

func (a *accounts) Login(_ context.Context, local string, _, _ bool) (care.MailLogin, error) {
	a.n++
	return care.MailLogin{User: fmt.Sprintf("%s.%d", local, a.n), Address: local + "@mail.test"}, nil
}

func (a *accounts) Without(context.Context, string) error { return nil }

// town is a practice with two offices, a nurse of both and a member of both; what it mails is handed on by the tests.
type town struct {
	t        testing.TB
	reg      *enrol.Registrar
	offices  []care.Office
	rosa     care.Person
	marisol  enrol.Member
	nurse    vault.Secrets
	member   vault.Secrets
	uid      uint32
	relation []care.Relation
}

func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{t: t}
	ctx, dir := t.Context(), t.TempDir()
	day := []care.Span{{From: "09:00", Until: "18:00"}}
	var err error
	w.reg, err = enrol.New(ctx, enrol.Options{Dir: filepath.Join(dir, "practice"), Passphrase: passphrase, Accounts: &accounts{},
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}},
		care.Practice{Name: "Alder Creek Clinic", Calendar: care.Calendar{Zone: "America/New_York", Hours: map[string][]care.Span{"mon": day}}})
	must(t, err)
	t.Cleanup(w.reg.Close)
	var ids []care.OfficeID
	for _, name := range []string{"Lee", "Raman"} {
		o, err := w.reg.AddOffice(ctx, care.Office{Name: name})
		must(t, err)
		w.offices, ids = append(w.offices, o), append(ids, o.ID)
		w.relation = append(w.relation, care.Relation{Office: o.ID, Why: "primary"})
	}
	w.rosa, err = w.reg.AddPerson(ctx, care.Person{Name: "Rosa", Shown: "Rosa", Role: care.RoleNurse}, ids)
	must(t, err)
	w.marisol = w.adds("Marisol Vega", w.relation...)
	w.nurse, w.member = w.profile(w.rosa.ID, filepath.Join(dir, "rosa")), w.profile(w.marisol.Person.ID, filepath.Join(dir, "marisol"))
	return w
}

func (w *town) adds(name string, relations ...care.Relation) enrol.Member {
	w.t.Helper()
	m, err := w.reg.AddMember(w.t.Context(), care.Patient{Name: name, Born: "1980-03-04", MRN: name}, relations)
	must(w.t, err)
	return m
}

func (w *town) profile(who care.PersonID, dir string) vault.Secrets {
	w.t.Helper()
	_, err := w.reg.MakeProfile(w.t.Context(), dir, who, "label", passphrase)
	must(w.t, err)
	v, err := vault.Open(dir, passphrase)
	must(w.t, err)
	defer v.Close()
	return v.Secrets()
}

// published are the documents that a mailbox is to have.
func (w *town) published(mailbox care.MailboxID) []directory.Document {
	for _, to := range w.reg.Publish() {
		if to.Mailbox == mailbox {
			return to.Docs
		}
	}
	w.t.Fatalf("nothing is published to %s", mailbox)
	return nil
}

// key is a mailbox's key.
func (w *town) key(mailbox care.MailboxID) seal.Public {
	for _, to := range w.reg.Publish() {
		if to.Mailbox == mailbox {
			return to.Key
		}
	}
	w.t.Fatalf("no key of %s", mailbox)
	return seal.Public{}
}

// letters are contents as they lie in a mailbox.
func (w *town) letters(mailbox care.MailboxID, contents ...seal.Content) []fetch.Letter {
	w.t.Helper()
	return w.sealedTo(w.key(mailbox), contents...)
}

func (w *town) sealedTo(key seal.Public, contents ...seal.Content) (out []fetch.Letter) {
	w.t.Helper()
	for _, c := range contents {
		sealed, err := seal.Seal(key, c)
		must(w.t, err)
		message, err := letter.Write(letter.Header{From: "a@mail.test", To: "b@mail.test", Date: time.Now(), Domain: "mail.test"}, sealed)
		must(w.t, err)
		w.uid++
		out = append(out, fetch.Letter{Folder: "INBOX", Validity: 1, UID: w.uid, Internal: time.Now(), Size: len(message), Message: message})
	}
	return out
}

func contents(docs []directory.Document) (out []seal.Content) {
	for _, d := range docs {
		out = append(out, d.Content())
	}
	return out
}

// opens is a new thread by the member, with its first message, as contents.
func (w *town) opens(text string) (care.ThreadID, []seal.Content) {
	w.t.Helper()
	o := w.offices[0]
	e := event.Event{Practice: w.member.Practice, Kind: event.Opened, As: w.marisol.Person.ID, For: w.marisol.Patient.ID, At: time.Now(),
		Author: seal.Fingerprint(w.member.Device.Public().(ed25519.PublicKey)), To: []care.MailboxID{o.Mailbox, w.marisol.Patient.Mailbox}, Dir: 1,
		Body: event.OpenedBody{Office: o.ID, Subject: "x", Readers: []care.MailboxID{w.marisol.Patient.Mailbox}}}
	opening := w.signs(e)
	e.Thread, e.Kind = event.IDOf(opening.Bytes), event.Sent
	e.After, e.Body = []care.EventID{e.Thread}, event.SentBody{Text: care.Text(text)}
	return e.Thread, []seal.Content{opening, w.signs(e)}
}

func (w *town) signs(e event.Event) seal.Content {
	w.t.Helper()
	return signed(w.t, w.member.Device, e)
}

func signed(t testing.TB, key ed25519.PrivateKey, e event.Event) seal.Content {
	t.Helper()
	if e.Author.IsZero() {
		e.Author = seal.Fingerprint(key.Public().(ed25519.PublicKey))
	}
	raw, err := event.Encode(e)
	must(t, err)
	return seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: seal.Sign(key, seal.LabelEvent, raw)}
}

// replica is the nurse's, with one source an office, and an empty record.
func (w *town) replica() (*Replica, map[care.MailboxID]*source) {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), filepath.Join(w.t.TempDir(), "replica.db"), make([]byte, store.KeyBytes))
	must(w.t, err)
	w.t.Cleanup(func() { _ = db.Close() })
	return w.started(db)
}

// started is the replica of a record as it is found at a start, which may hold further keys.
func (w *town) started(db *store.DB, ring ...seal.Secret) (*Replica, map[care.MailboxID]*source) {
	w.t.Helper()
	for _, m := range w.nurse.Mailboxes {
		s, err := seal.ParseSecret(m.Secret)
		must(w.t, err)
		ring = append(ring, s)
	}
	var docs []directory.Document
	must(w.t, db.Read(w.t.Context(), func(tx *sql.Tx) error {
		kept, err := documents.New(db).All(w.t.Context(), tx)
		for _, d := range kept {
			docs = append(docs, directory.Document{Kind: d.Kind, Bytes: d.Bytes, Signature: d.Signature})
		}
		return err
	}))
	book, _, err := directory.NewBook(directory.Pin{Practice: w.nurse.Practice, Root: w.nurse.Root}).With(docs...)
	must(w.t, err)
	books := NewBooks(book)
	p := projection.New(db, func() fold.Authority { return books.Book() }, names{books})
	j := journal.New(db, p)
	_, err = p.Ready(w.t.Context())
	must(w.t, err)
	r := &Replica{DB: db, Journal: j, Outbox: outbox.New(db), Projection: p, Documents: documents.New(db), Books: books,
		Ring: seal.NewRing(ring...), Logins: w.nurse.Logins, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Changed: func([]care.ThreadID, bool, bool) {}}
	r.init()
	sources := map[care.MailboxID]*source{}
	for i, l := range r.Logins {
		sources[l.Mailbox] = &source{r: r, at: i, login: l}
	}
	return r, sources
}

// takesIn opens and stores letters as one batch.
func takesIn(ctx context.Context, s *source, letters []fetch.Letter) error {
	b, err := s.Open(ctx, letters)
	if err != nil {
		return err
	}
	return b.Store(ctx)
}

type names struct{ books *Books }

func (n names) Patient(id care.PatientID) (care.Patient, bool) { return n.books.Book().Patient(id) }
func (n names) Office(id care.OfficeID) (care.Office, bool)    { return n.books.Book().Office(id) }

// flags are what the first message of a thread is shown with.
func flags(t *testing.T, r *Replica, thread care.ThreadID) (shown string) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT flags FROM part WHERE id = ?", thread[:]).Scan(&shown)
	}))
	return shown
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A replica that was thrown away is made again from the mailbox alone, whatever comes first: rosters before the
// directory that brings their signer's certificate, and messages before either.
func TestFromTheMailboxAlone(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	thread, talk := w.opens("It itches.")
	docs := w.published(box)
	slices.Reverse(docs)
	must(t, takesIn(t.Context(), sources[box], w.letters(box, talk...)))
	for _, d := range docs {
		must(t, takesIn(t.Context(), sources[box], w.letters(box, d.Content())))
	}
	if _, ok := r.Books.Book().Patient(w.marisol.Patient.ID); !ok || r.Books.Book().Version() == 0 {
		t.Error("the documents were not learnt")
	}
	if got := flags(t, r, thread); got != "" {
		t.Errorf("flagged %q", got)
	}
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		kept, err := r.Documents.All(t.Context(), tx)
		if len(kept) != len(docs) {
			t.Errorf("%d of %d documents are kept", len(kept), len(docs))
		}
		return err
	}))
}

// Two mailboxes bring documents at the same moment: neither's is forgotten, and what waited for one of them counts.
func TestTwoMailboxesLearnAtOnce(t *testing.T) {
	w := newTown(t)
	for i := range 8 {
		w.adds(fmt.Sprint("Patient ", i), w.relation[i%2])
	}
	r, sources := w.replica()
	thread, talk := w.opens("It itches.")
	var all sync.WaitGroup
	for i, o := range w.offices {
		docs := w.published(o.Mailbox)
		var each [][]fetch.Letter
		for _, d := range docs {
			each = append(each, w.letters(o.Mailbox, d.Content()))
		}
		if i == 0 {
			each = append(each, w.letters(o.Mailbox, talk...))
		}
		all.Go(func() {
			for _, l := range each {
				if err := takesIn(t.Context(), sources[o.Mailbox], l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := len(r.Books.Book().Patients()); got != 9 {
		t.Errorf("%d of 9 patients are known", got)
	}
	flags(t, r, thread) // it is there
}

// A new roster changes its patient's conversations before its letter is done with. What is not stored is not known either,
// and is learnt when it comes again.
func TestRosterChangesItsConversations(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), src, w.letters(box, talk...)))
	if got := flags(t, r, thread); got != "" {
		t.Fatalf("flagged %q", got)
	}
	must(t, w.reg.SetRelations(t.Context(), w.marisol.Patient.ID, w.relation[1:]))
	var ended directory.Document
	for _, to := range w.reg.Publish() {
		for _, d := range to.Docs {
			if d.Kind == directory.KindRoster {
				ended = d
			}
		}
	}
	again := w.letters(box, ended.Content())
	known := r.Books.Book()
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "CREATE TRIGGER full BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'full'); END")
		return err
	}))
	if err := takesIn(t.Context(), src, again); err == nil {
		t.Fatal("stored though there is no room")
	}
	if r.Books.Book() != known {
		t.Error("what was not stored is known: when it comes again it changes nothing any more")
	}
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "DROP TRIGGER full")
		return err
	}))
	must(t, takesIn(t.Context(), src, again))
	if got := flags(t, r, thread); got != directory.FlagNoRelation {
		t.Errorf("flagged %q", got)
	}
}

// What a stranger mails fills no disk: of what no certified key signed, quarantine keeps no bytes.
func TestStrangersBytesAreNotKept(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	_, talk := w.opens("Mine.")
	forged := talk[1]
	forged.Signature = make([]byte, 64)
	elsewhere := event.Event{Practice: w.member.Practice, Kind: event.Note, As: w.marisol.Person.ID, For: w.marisol.Patient.ID, At: time.Now(),
		Author: care.KeyID{9}, To: []care.MailboxID{w.marisol.Patient.Mailbox}, Thread: care.ThreadID{1}, Body: event.NoteBody{Text: "x"}}
	must(t, takesIn(t.Context(), sources[box], w.letters(box, forged, w.signs(elsewhere),
		seal.Content{Type: seal.TypeEvent, Bytes: []byte(`{"kind":"note.added","KIND":"message.sent"}`), Signature: make([]byte, 64)})))
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		all, err := r.Journal.Quarantined(t.Context(), tx)
		if len(all) != 3 {
			t.Errorf("%d of 3 are in quarantine", len(all))
		}
		for _, q := range all {
			if len(q.Body) > 0 {
				t.Errorf("a stranger's bytes are kept: %s", q.Reason)
			}
		}
		return err
	}))
}

// What its author may not write is set aside with its bytes, and is nowhere in a conversation: a staff's kind from a
// member, say.
func TestKindOfAnothersRole(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	thread, talk := w.opens("Mine.")
	claim := w.signs(event.Event{Practice: w.member.Practice, Kind: event.Owner, As: w.marisol.Person.ID, For: w.marisol.Patient.ID, At: time.Now(),
		Author: seal.Fingerprint(w.member.Device.Public().(ed25519.PublicKey)), To: []care.MailboxID{box}, Thread: thread, Dir: 1,
		Body: event.OwnerBody{Who: w.marisol.Person.ID}})
	must(t, takesIn(t.Context(), sources[box], w.letters(box, append(talk, claim)...)))
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		if has, err := r.Journal.Has(t.Context(), tx, event.IDOf(claim.Bytes)); err != nil || has {
			t.Errorf("it is in the journal: %v", err)
		}
		all, err := r.Journal.Quarantined(t.Context(), tx)
		if len(all) != 1 || !bytes.Equal(all[0].Body, claim.Bytes) || all[0].Reason != "Only the care team may write this, and it came from the member's side." {
			t.Errorf("in quarantine: %+v", all)
		}
		return err
	}))
}
