package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/record/journal"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// quarantined is what the record has set aside.
func quarantined(t *testing.T, r *Replica) (all []journal.Quarantined) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		all, err = r.Journal.Quarantined(t.Context(), tx)
		return err
	}))
	return all
}

// wanted are those of some letters that the source would fetch.
func wanted(t *testing.T, s *source, letters []fetch.Letter) (out []fetch.Letter) {
	t.Helper()
	has, err := s.Known(t.Context(), "INBOX", 1, 1)
	must(t, err)
	for _, l := range letters {
		if !has(l.UID) {
			out = append(out, l)
		}
	}
	return out
}

// standing is the verdict that the record holds of an event; "" if it is not there.
func standing(t *testing.T, r *Replica, id care.EventID) (v fold.Verdict) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		e, _, err := r.Journal.Event(t.Context(), tx, id)
		v = e.Verdict
		return err
	}))
	return v
}

func waiting(t *testing.T, r *Replica, box care.MailboxID) (n int) {
	t.Helper()
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		n, _, err = r.Journal.Waiting(t.Context(), tx, box)
		return err
	}))
	return n
}

// note is an event to an office by whoever signs it.
func (w *town) note(office care.Office, text string) event.Event {
	return event.Event{Practice: w.member.Practice, Kind: event.Note, As: w.rosa.ID, For: w.marisol.Patient.ID, At: time.Now(), Dir: 1,
		To: []care.MailboxID{office.Mailbox}, Thread: care.ThreadID{1}, Body: event.NoteBody{Text: care.Text(text)}}
}

func bundle(t *testing.T, events ...seal.Content) seal.Content {
	t.Helper()
	var all []seal.Signed
	for _, e := range events {
		all = append(all, seal.Signed{Bytes: e.Bytes, Signature: e.Signature})
	}
	c, err := seal.NewBundle(all)
	must(t, err)
	return c
}

// A letter full of what does not count costs its reader no more than any other: it takes one row, is hashed once, and holds
// so many events at most. What is good in it counts.
func TestALetterOfBadEvents(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))

	thread, talk := w.opens("Mine.")
	bad := talk
	for i := range 100 {
		elsewhere := w.note(w.offices[0], fmt.Sprint(i))
		elsewhere.Practice = care.PracticeID(care.NewID("pr"))
		bad = append(bad, w.signs(elsewhere), seal.Content{Bytes: []byte("{"), Signature: make([]byte, 64)})
	}
	claim := w.note(w.offices[0], "")
	claim.Kind, claim.As, claim.Body = event.Owner, w.marisol.Person.ID, event.OwnerBody{}
	bad = append(bad, w.signs(claim))
	letters := w.letters(box, bundle(t, bad...))
	opened, err := src.Open(t.Context(), letters)
	must(t, err)
	hashed := 0
	for _, x := range opened.(*batch).arrived[0].taken {
		if x.refused != nil && x.refused.Hash != [32]byte{} {
			hashed++
		}
	}
	if hashed != 1 {
		t.Fatalf("the whole letter is hashed %d times", hashed)
	}
	must(t, takesIn(t.Context(), src, letters))
	all := quarantined(t, r)
	if len(all) != 1 || !strings.HasSuffix(all[0].Reason, "(and 200 more things in its letter)") || len(all[0].Body) == 0 {
		t.Fatalf("in quarantine: %d, %+v", len(all), all[0])
	}
	if flags(t, r, thread); standing(t, r, event.IDOf(talk[1].Bytes)) != fold.Accepted {
		t.Error("what is good in it does not count")
	}

	one := []byte{0, 0, 0, 1, 'x'}
	one = append(one, make([]byte, 64)...)
	most := bytes.Repeat(one, seal.MaxContent/len(one))
	letters = w.letters(box, seal.Content{Type: seal.TypeBundle, Bytes: most})
	must(t, takesIn(t.Context(), src, letters))
	if all = quarantined(t, r); len(all) != 2 || all[0].Reason != "a damaged bundle" || all[0].Hash != sha256.Sum256(letters[0].Message) {
		t.Errorf("in quarantine: %d, %s", len(all), all[0].Reason)
	}
}

// Strangers cannot fill a disk with events of invented authors, and cannot push out somebody whose certificate is still on
// its way: what finds no room stays in the mailbox, is not fetched again and again, and comes as soon as it can count.
func TestStrangersFillNoRoom(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	docs := w.published(box)
	n := 0
	strangers := func(letters int) (out []fetch.Letter) {
		for range letters {
			var events []seal.Content
			for range seal.MaxBundle {
				n++
				e := w.note(w.offices[0], fmt.Sprint(n))
				binary.BigEndian.PutUint64(e.Author[:], uint64(n)) // an author each
				raw, err := event.Encode(e)
				must(t, err)
				events = append(events, seal.Content{Bytes: raw, Signature: make([]byte, 64)})
			}
			out = append(out, w.letters(box, bundle(t, events...))...)
		}
		return out
	}
	flood := strangers(maxWaiting/seal.MaxBundle + 2)
	must(t, takesIn(t.Context(), src, flood))
	if got := waiting(t, r, box); got != maxWaiting {
		t.Fatalf("%d events wait", got)
	}
	thread, talk := w.opens("It itches.")
	real := w.letters(box, talk...)
	must(t, takesIn(t.Context(), src, real))
	if got := len(wanted(t, src, append(flood, real...))); got != 0 || standing(t, r, thread) != "" {
		t.Fatalf("%d letters that are of no use yet would be fetched at every look", got)
	}
	for _, d := range docs {
		must(t, takesIn(t.Context(), src, w.letters(box, d.Content())))
	}
	again := wanted(t, src, append(flood, real...))
	if len(again) != 2 || again[0].UID != real[0].UID {
		t.Fatalf("%d letters are fetched again", len(again))
	}
	must(t, takesIn(t.Context(), src, again))
	if got := flags(t, r, thread); got != "" || standing(t, r, event.IDOf(talk[1].Bytes)) != fold.Accepted {
		t.Errorf("flagged %q", got)
	}
	if got := waiting(t, r, box); got != maxWaiting || len(quarantined(t, r)) != 0 {
		t.Errorf("%d events wait, %d are in quarantine", got, len(quarantined(t, r)))
	}
}

// Of a newer Postern's event it is asked to whom it goes, as of any other; then it waits, and is read again by the program
// that can.
func TestNewerEvents(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	text := func(practice care.PracticeID, to care.MailboxID) seal.Content {
		return seal.Content{Type: seal.TypeEvent, Signature: make([]byte, 64),
			Bytes: fmt.Appendf(nil, `{"v":2,"practice":%q,"to":[%q],"kind":7}`, practice, to)}
	}
	must(t, takesIn(t.Context(), sources[box], w.letters(box, text(w.nurse.Practice, box), text(w.nurse.Practice, w.offices[1].Mailbox),
		text("pr_zzzzzzzzzzzzzzzz", box), seal.Content{Type: seal.TypeEvent, Bytes: []byte(`{"v":3,"to":7}`), Signature: make([]byte, 64)})))
	if got := waiting(t, r, box); got != 2 {
		t.Errorf("%d wait", got)
	}
	if all := quarantined(t, r); len(all) != 2 || all[0].Reason != "of another practice" || all[1].Reason != "not addressed to this mailbox" {
		t.Errorf("in quarantine: %+v", all)
	}
	full := &room{source: sources[box], counted: true}
	must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
		newer := text(w.nurse.Practice, box)
		newer.Bytes = append(newer.Bytes, ' ')
		e, err := event.Decode(bytes.Replace(newer.Bytes[:len(newer.Bytes)-1], []byte("7"), []byte("8"), 1))
		must(t, err)
		fits, err := full.fits(t.Context(), tx, &journal.Entry{Event: e, ID: e.ID, Raw: e.Raw, Verdict: fold.Waiting})
		here := func(note string) bool {
			is, err := sources[box].here(t.Context(), tx, note)
			must(t, err)
			return is
		}
		if note := lacksAuthorOf(e); fits || note != "version 1" || here(note) || !here("version 0") {
			t.Errorf("fits %v, lacks %q", fits, note)
		}
		return err
	}))
}

// A letter that is sealed to a key that this profile does not hold is not lost: it is fetched once the ring holds the key.
func TestKeyComesLater(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	next, err := seal.NewSecret()
	must(t, err)
	thread, talk := w.opens("It itches.")
	letters := w.sealedTo(next.Public(), talk...)
	must(t, takesIn(t.Context(), sources[box], letters))
	if got := len(wanted(t, sources[box], letters)); got != 0 || len(quarantined(t, r)) != 0 {
		t.Fatalf("%d are fetched again without the key, %d are refused", got, len(quarantined(t, r)))
	}
	r, sources = w.started(r.DB)
	if got := len(wanted(t, sources[box], letters)); got != 0 {
		t.Fatalf("%d are fetched again after a start without the key", got)
	}
	r, sources = w.started(r.DB, next)
	if got := len(wanted(t, sources[box], letters)); got != len(letters) {
		t.Fatalf("%d of %d are fetched again with the key", got, len(letters))
	}
	must(t, takesIn(t.Context(), sources[box], letters))
	flags(t, r, thread) // it is there
	if got := len(wanted(t, sources[box], letters)); got != 0 {
		t.Errorf("%d are fetched a third time", got)
	}
}

// A crash between the documents and what waited for them leaves nothing waiting: it is found at the next start.
func TestCrashBeforeItIsJudged(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), sources[box], w.letters(box, talk...)))
	ctx, crash := context.WithCancel(t.Context())
	r.DB.Committed = crash
	if err := takesIn(ctx, sources[box], w.letters(box, contents(w.published(box))...)); err == nil {
		t.Fatal("it did not end")
	}
	r.DB.Committed = nil
	if got := standing(t, r, thread); got != fold.Waiting {
		t.Fatalf("it is %s", got)
	}
	r, sources = w.started(r.DB)
	wanted(t, sources[box], nil)
	if got := flags(t, r, thread); got != "" || standing(t, r, thread) != fold.Accepted {
		t.Errorf("flagged %q", got)
	}
}

// What the practice sends changes what it concerns, and nothing else is folded again for it.
func TestOnlyWhatItConcerns(t *testing.T) {
	w := newTown(t)
	dmitri := w.adds("Dmitri Volkov", w.relation...)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), src, w.letters(box, talk...)))
	subject := func() (s string) {
		must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRowContext(t.Context(), "SELECT subject FROM part WHERE id = ?", thread[:]).Scan(&s)
		}))
		return s
	}
	// A mark that folding again wipes.
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE part SET subject = 'as it was'")
		return err
	}))
	brings := func() {
		t.Helper()
		must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	}
	version := r.Books.Book().Version()
	_, err := w.reg.AddPerson(t.Context(), care.Person{Name: "Sam", Shown: "Sam", Role: care.RoleSupport}, []care.OfficeID{w.offices[0].ID})
	must(t, err)
	brings()
	must(t, w.reg.SetRelations(t.Context(), dmitri.Patient.ID, w.relation[1:]))
	brings()
	if r.Books.Book().Version() == version || subject() != "as it was" {
		t.Errorf("version %d: folded again for somebody else: %q", r.Books.Book().Version(), subject())
	}
	must(t, w.reg.SetRelations(t.Context(), w.marisol.Patient.ID, w.relation[1:]))
	brings()
	if subject() != "x" || flags(t, r, thread) != directory.FlagNoRelation {
		t.Errorf("not folded again: %q, flagged %q", subject(), flags(t, r, thread))
	}
}

// The mail system may hold the clinic's list back: an hour after the care team has named a newer one, with all mail read,
// that is said. A member's word says nothing.
func TestListHeldBack(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	now := time.Now()
	problem := func(after time.Duration) string {
		now = now.Add(after)
		src.UpToDate(now)
		return r.State().Problem
	}
	version := r.Books.Book().Version()
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), src, w.letters(box, talk...)))
	member := w.note(w.offices[0], "")
	member.Kind, member.As, member.Thread, member.Dir, member.Body = event.Sent, w.marisol.Person.ID, thread, version+7, event.SentBody{Text: "Look."}
	member.To = []care.MailboxID{box, w.marisol.Patient.Mailbox}
	must(t, takesIn(t.Context(), src, w.letters(box, w.signs(member))))
	if p := problem(0) + problem(3*time.Hour); p != "" {
		t.Errorf("a member says so: %s", p)
	}
	note := w.note(w.offices[0], "Called her.")
	note.Thread, note.Dir = thread, version+1
	must(t, takesIn(t.Context(), src, w.letters(box, signed(t, w.nurse.Device, note))))
	if p := problem(0) + problem(59*time.Minute); p != "" {
		t.Errorf("it is still on its way: %s", p)
	}
	if p := problem(time.Minute); !strings.Contains(p, "out of date") {
		t.Errorf("it is not said: %q", p)
	}
	_, err := w.reg.AddPerson(t.Context(), care.Person{Name: "Sam", Shown: "Sam", Role: care.RoleSupport}, nil)
	must(t, err)
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	if p := problem(time.Minute); p != "" || r.Books.Book().Version() != version+1 {
		t.Errorf("the list is here: %q", p)
	}
}
