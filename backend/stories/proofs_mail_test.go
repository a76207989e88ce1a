package stories

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// dump is what a replica's conversations mean, for comparing replicas: of a member what is shared, of staff everything.
func (p *person) dump() string {
	p.t.Helper()
	var out []string
	d := p.desk()
	must(p.t, d.DB.Read(p.ctx(), func(tx *sql.Tx) error {
		threads, err := d.Journal.Threads(p.ctx(), tx)
		if err != nil {
			return err
		}
		for _, t := range threads {
			entries, err := d.Journal.Thread(p.ctx(), tx, t)
			if err != nil {
				return err
			}
			c := fold.Fold(command.Events(entries), d.Directory())
			if p.p.Me().Role == care.RoleMember {
				out = append(out, c.Dump())
			} else {
				out = append(out, c.DumpOffice())
			}
		}
		return nil
	}))
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// exchange is a conversation with everything in it that a replica can get wrong.
func exchange(w *town, marisol, rosa, clinic *person) care.EventID {
	d := marisol.writes("Lee", "Refill", "No refills left.")
	marisol.sends()
	part := marisol.part(d)
	clinic.inStep()
	rosa.pulls()
	rosa.claims(part)
	rosa.notes(part, "Fine to renew.")
	rosa.says(part, "Renewed.")
	rosa.sends()
	marisol.pulls()
	marisol.reads(part)
	marisol.says(part, "Thank you.")
	marisol.sends()
	clinic.inStep()
	rosa.pulls()
	rosa.completes(part, "All done.")
	rosa.sends()
	clinic.inStep()
	marisol.inStep()
	rosa.inStep()
	return part
}

// TestProof08UIDValidityChanges: the mail host gives the folders new UIDs; an old replica syncs and a new one rebuilds.
func TestProof08UIDValidityChanges(t *testing.T) { posttest.Each(t, testProof08UIDValidityChanges) }

func testProof08UIDValidityChanges(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	exchange(w, marisol, rosa, clinic)
	before := rosa.dump()
	office := w.local(w.offices["Lee"].Mailbox)
	w.mail.ResetUIDValidity(t, office, "INBOX")
	rosa.pulls()
	equal(t, "the old replica", rosa.dump(), before)
	fresh := w.second("rosa", "-new")
	fresh.pulls()
	equal(t, "a new replica", fresh.dump(), before)
	if c := events(t, rosa); c.all != c.distinct {
		t.Errorf("an event is there twice: %d of %d", c.all, c.distinct)
	}
}

type count struct{ all, distinct int }

func events(t testing.TB, p *person) (c count) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(p.ctx(), "SELECT count(*), count(DISTINCT raw) FROM event").Scan(&c.all, &c.distinct)
	}))
	return c
}

// TestProof09FetchIsCut: the connection breaks within a FETCH; after a reconnect nothing is skipped.
func TestProof09FetchIsCut(t *testing.T) { posttest.Each(t, testProof09FetchIsCut) }

func testProof09FetchIsCut(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol := w.at("marisol")
	for i := range 5 {
		marisol.writes("Lee", fmt.Sprintf("Message %d", i), "text")
	}
	lee := w.local(w.offices["Lee"].Mailbox)
	there := w.mail.Count(t, lee, "INBOX")
	marisol.sends()
	w.mail.Await(t, lee, "INBOX", there+10) // an opening and a message each: what is cut has to be there
	ana := w.off("ana", "")
	var proxy *posttest.Proxy
	ana.secrets(func(s *vault.Secrets) {
		clear := w.mail.Clear(s.Logins[0])
		proxy = posttest.NewProxy(t, clear.IMAP)
		s.Logins[0].IMAP = proxy.Endpoint(care.TLSNone)
	})
	ana.on(false)
	happened := proxy.Arm(posttest.CutAfterLiterals(3))
	if err := ana.p.Replica().Pull(t.Context()); err == nil {
		t.Fatal("the pull did not notice that it was cut")
	}
	select {
	case <-happened:
	default:
		t.Fatal("the connection was not cut")
	}
	ana.pulls()
	equal(t, "conversations", len(ana.rows()), 5)
}

// TestProof11LetterInJunk: letters that land in Junk, or only in Sent, are folded and confirmed.
func TestProof11LetterInJunk(t *testing.T) { posttest.Each(t, testProof11LetterInJunk) }

func testProof11LetterInJunk(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.at("marisol"), w.at("ana")
	ana.pulls()
	d := marisol.writes("Lee", "Lost in Junk", "text")
	marisol.sends()
	w.mail.Move(t, w.local(w.offices["Lee"].Mailbox), "INBOX", "Junk")
	ana.pulls()
	equal(t, "at the office", hasRow(ana.rows(), "Lost in Junk"), true)

	own := w.local(marisol.desk().Mailbox)
	w.mail.Move(t, own, "INBOX", "Sent")
	marisol.pulls()
	must(t, marisol.desk().DB.Read(t.Context(), func(tx *sql.Tx) error {
		letters, err := marisol.desk().Outbox.ByThread(t.Context(), tx, marisol.part(d))
		if err != nil {
			return err
		}
		confirmed := 0
		for _, l := range letters {
			if l.Mailbox == marisol.desk().Mailbox && l.State == "confirmed" {
				confirmed++
			}
		}
		equal(t, "letters confirmed by the copy in Sent", confirmed, 2)
		return nil
	}))
}

// TestProof13DeliveredFiveTimes: the same signed bytes five times are one event, one receipt.
func TestProof13DeliveredFiveTimes(t *testing.T) { posttest.Each(t, testProof13DeliveredFiveTimes) }

func testProof13DeliveredFiveTimes(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	d := marisol.writes("Lee", "Once", "text")
	marisol.sends()
	office := w.local(w.offices["Lee"].Mailbox)
	rosa.pulls() // all is there
	letters := w.mail.Messages(t, office, "INBOX")
	for i := range 4 {
		for _, m := range letters {
			w.mail.Append(t, office, []string{"INBOX", "Junk"}[i%2], time.Now(), m.Raw)
		}
	}
	for range 5 {
		clinic.inStep()
	}
	rosa.pulls()
	part := marisol.part(d)
	equal(t, "conversations", len(rosa.rows()), 1)
	equal(t, "messages", len(rosa.texts(part)), 1)
	equal(t, "receipts", kinds(t, rosa, part, event.Received), 1)
}

func kinds(t testing.TB, p *person, thread care.ThreadID, kind event.Kind) (n int) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		entries, err := p.desk().Journal.Thread(p.ctx(), tx, thread)
		for _, e := range entries {
			if e.Event != nil && e.Event.Kind == kind {
				n++
			}
		}
		return err
	}))
	return n
}

// TestProof15AnswerLost: the server took the letter and its 250 was lost; the resend is the same event.
func TestProof15AnswerLost(t *testing.T) { posttest.Each(t, testProof15AnswerLost) }

func testProof15AnswerLost(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.off("marisol", ""), w.at("ana")
	var proxy *posttest.Proxy
	marisol.secrets(func(s *vault.Secrets) {
		clear := w.mail.Clear(s.Logins[0])
		proxy = posttest.NewProxy(t, clear.SMTP)
		s.Logins[0].SMTP = proxy.Endpoint(care.TLSNone)
	})
	marisol.on(false)
	d := marisol.writes("Lee", "Once only", "text")
	happened := proxy.Arm(posttest.CutBeforeReply())
	if err := marisol.p.Replica().Settle(t.Context()); err == nil {
		t.Fatal("the lost answer was not noticed")
	}
	<-happened
	w.clock.move(time.Minute) // past the pause before the next try
	marisol.sends()
	marisol.pulls()
	ana.pulls()
	equal(t, "conversations", len(ana.rows()), 1)
	equal(t, "messages", len(ana.texts(marisol.part(d))), 1)
	equal(t, "of the office's letters one was sent twice", w.mail.Count(t, w.local(w.offices["Lee"].Mailbox), "INBOX") > 2, true)
	n, err := marisol.p.Waiting(t.Context())
	must(t, err)
	equal(t, "waiting", n, 0)
}

// TestProof22DirectoryLater: an event by a device whose certificate is not known yet waits, and counts, without a
// restart, once the directory arrives.
func TestProof22DirectoryLater(t *testing.T) { posttest.Each(t, testProof22DirectoryLater) }

func testProof22DirectoryLater(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa := w.at("marisol"), w.at("rosa")
	d := marisol.writes("Lee", "Hello", "text")
	marisol.sends()
	part := marisol.part(d)
	rosa.pulls()
	marisol.pulls()
	// Priya's profile is made, and she answers before anybody has heard of it.
	priya := &person{t: t, name: "priya", town: w, data: t.TempDir(), clock: &w.clock}
	must(t, makeQuietly(w, priya))
	priya.on(false)
	priya.pulls()
	priya.says(part, "From a new colleague.")
	priya.sends()
	marisol.pulls()
	equalTexts(t, "before the directory", marisol.texts(part), "text")
	own := w.local(marisol.desk().Mailbox)
	before := w.mail.Count(t, own, "INBOX")
	w.publish()
	w.mail.Await(t, own, "INBOX", before+1) // the directory, which no outbox waits for; her care list is as it was
	marisol.pulls()
	equalTexts(t, "after the directory", marisol.texts(part), "text", "From a new colleague.")
}

// TestProof24ResealedToAnother: member A seals the event of another conversation to member B: it is not addressed to B.
func TestProof24ResealedToAnother(t *testing.T) { posttest.Each(t, testProof24ResealedToAnother) }

func testProof24ResealedToAnother(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, dmitri := w.at("marisol"), w.at("dmitri")
	d := marisol.writes("Lee", "Mine", "text")
	marisol.sends()
	part := marisol.part(d)
	e := entry(t, marisol, part)
	w.posts(dmitri.desk().Mailbox, e.Raw, e.Sig)
	dmitri.pulls()
	equal(t, "conversations", len(dmitri.rows()), 0)
	refusedFor(t, dmitri, "not addressed to this mailbox")
}

// TestProof23RefusedWithItsReason: a note sealed to a member, a key twice, a key in another spelling, a foreign practice:
// each is refused with its reason, and the conversation stays as it was.
func TestProof23RefusedWithItsReason(t *testing.T) { posttest.Each(t, testProof23RefusedWithItsReason) }

func testProof23RefusedWithItsReason(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.at("marisol"), w.at("ana")
	d := marisol.writes("Lee", "Mine", "text")
	marisol.sends()
	part := marisol.part(d)
	e := entry(t, marisol, part)
	ana.pulls()
	ana.notes(part, "Only for us.")
	note := noteOf(t, ana, part)
	w.posts(marisol.desk().Mailbox, note.Raw, note.Sig)
	for _, change := range [][2]string{
		{`"kind":`, `"kind":"note.added","kind":`},
		{`"kind":`, `"KIND":"note.added","kind":`},
		{string(e.Event.Practice), care.NewID("pr")},
	} {
		w.posts(marisol.desk().Mailbox, []byte(strings.Replace(string(e.Raw), change[0], change[1], 1)), e.Sig)
	}
	marisol.pulls()
	equalTexts(t, "marisol reads", marisol.texts(part), "text")
	for _, it := range marisol.sees(part).Items {
		if it.Kind == view.ItemNote {
			t.Error("the member sees the note")
		}
	}
	refusedFor(t, marisol, "not addressed to this mailbox", "malformed", "of another practice")
}

// posts mails signed bytes, sealed to a mailbox, as anybody could who knows its key.
func (w *town) posts(to care.MailboxID, raw, sig []byte) {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	m, _ := book.Mailbox(to)
	sealed, err := seal.Seal(m.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: sig})
	must(w.t, err)
	mail, err := letter.Write(letter.Header{From: "stranger@elsewhere.test", To: m.Address, Date: time.Now(), Domain: "elsewhere.test"}, sealed)
	must(w.t, err)
	w.mail.Append(w.t, w.local(to), "INBOX", time.Now(), mail)
}

// TestProof39ClocksDaysApart: with clocks three days ahead and behind, the confirmers' too, both sides show the same order
// and the same due day, counted from when the office's server took the message.
func TestProof39ClocksDaysApart(t *testing.T) { posttest.Each(t, testProof39ClocksDaysApart) }

func testProof39ClocksDaysApart(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.off("marisol", ""), w.off("rosa", ""), w.off("agent", "")
	marisol.clock, rosa.clock, clinic.clock = &clock{offset: 72 * time.Hour}, &clock{offset: -72 * time.Hour}, &clock{offset: -72 * time.Hour}
	for _, p := range []*person{marisol, rosa, clinic} {
		p.on(false)
	}
	began := time.Now().Truncate(time.Second) // a server's date has seconds
	d := marisol.writes("Lee", "Time", "one")
	marisol.sends()
	part := marisol.part(d)
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "two")
	rosa.sends()
	marisol.pulls()
	marisol.says(part, "three")
	marisol.sends()
	rosa.pulls()
	rosa.confirms(part, 2) // the agent does not
	rosa.sends()
	marisol.pulls()
	equalTexts(t, "the member", marisol.texts(part), "one", "two", "three")
	equalTexts(t, "the nurse", rosa.texts(part), "one", "two", "three")
	equal(t, "due", marisol.sees(part).Due.UnixMilli(), rosa.sees(part).Due.UnixMilli())
	for _, it := range marisol.sees(part).Items {
		if !it.Member {
			continue
		}
		due, _, _ := marisol.desk().Clock().Due(it.Received, care.Policy{}.Promise(), "")
		if it.Received.Before(began) || it.Received.After(time.Now()) || !it.Due.Equal(due) {
			t.Errorf("%q: received %s, due %s: somebody's clock moved it", it.Text, it.Received, it.Due)
		}
	}
}

// confirms lets a staff window run until so many of the thread's messages are confirmed, with hardly any patience.
func (p *person) confirms(thread care.ThreadID, n int) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.ctx())
	changes, stop := p.p.Wake()
	defer stop()
	r := &agent.Receipts{Desk: p.desk(), Patience: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx, changes) })
	defer running.Wait()
	defer cancel()
	p.waitFor("receipts", func() bool { return kinds(p.t, p, thread, event.Received) >= n })
}

// TestProof41Rewrapped: a letter that a mail system rewrapped and recoded opens as the same event.
func TestProof41Rewrapped(t *testing.T) { posttest.Each(t, testProof41Rewrapped) }

func testProof41Rewrapped(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.at("marisol"), w.at("ana")
	d := marisol.writes("Lee", "Rewrapped", "text")
	marisol.sends()
	office := w.local(w.offices["Lee"].Mailbox)
	for _, m := range w.mail.Messages(t, office, "INBOX") {
		payload, err := letter.Read(m.Raw)
		if err != nil {
			continue
		}
		w.mail.Append(t, office, "Junk", time.Now(), rewrapped(payload))
	}
	w.mail.Expunge(t, office, "INBOX")
	ana.pulls()
	equal(t, "conversations", len(ana.rows()), 1)
	equalTexts(t, "ana reads", ana.texts(marisol.part(d)), "text")
}

// TestProof44Crossing: a reply of the office and a message of the member cross; the conversation awaits the office.
func TestProof44Crossing(t *testing.T) { posttest.Each(t, testProof44Crossing) }

func testProof44Crossing(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	d := marisol.writes("Lee", "Crossing", "first")
	marisol.sends()
	part := marisol.part(d)
	clinic.inStep()
	marisol.pulls()
	rosa.pulls()
	rosa.says(part, "An answer to the first.")
	marisol.says(part, "And a second thing.")
	rosa.sends()
	marisol.sends()
	clinic.inStep()
	for _, p := range []*person{rosa, marisol} {
		p.pulls()
		th := p.sees(part)
		equal(t, p.name+": awaits", th.Awaits, fold.Office)
		if th.Due.IsZero() {
			t.Errorf("%s: no due time", p.name)
		}
	}
	if !hasRow(rosa.rows(), "Crossing") {
		t.Error("it is not in the queue")
	}
}
