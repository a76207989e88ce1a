package stories

import (
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/post/submit"
	"postern/backend/record/view"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// mailsPending mails what the registrar has to say: grants, and the documents that mailboxes lack. Of what only lets through.
func (w *town) mailsPending(only func(enrol.Outgoing) bool) {
	w.t.Helper()
	s, err := submit.Dial(w.t.Context(), *w.mailer)
	must(w.t, err)
	defer func() { _ = s.Close() }() // each letter is answered
	for _, o := range w.reg.Pending() {
		if only == nil || only(o) {
			sealed, err := seal.Seal(o.Key, o.Doc.Content())
			must(w.t, err)
			message, err := letter.Write(letter.Header{From: w.mailer.Address, To: o.Address, Date: time.Now(), Domain: letter.Domain(w.mailer.Address)}, sealed)
			must(w.t, err)
			local, _, _ := strings.Cut(o.Address, "@")
			before := w.mail.Count(w.t, local, "INBOX")
			must(w.t, s.Send(w.t.Context(), w.mailer.Address, o.Address, message, letter.Envelope(sealed)))
			w.mail.Await(w.t, local, "INBOX", before+1)
			must(w.t, w.reg.Mailed(o))
		}
	}
}

// dealsWithKeys does, once, what a changed key asks of the agent.
func (p *person) dealsWithKeys() {
	p.t.Helper()
	k := &agent.Keys{Desk: p.desk(), Book: p.p.Replica().Books.Book, Log: slog.New(slog.DiscardHandler)}
	must(p.t, k.Once(p.ctx()))
	p.sends()
}

// shared is what both sides of every conversation hold alike, as this replica folds it.
func (p *person) shared(threads ...care.ThreadID) string {
	p.t.Helper()
	var out []string
	d := p.desk()
	must(p.t, d.DB.Read(p.ctx(), func(tx *sql.Tx) error {
		for _, t := range threads {
			entries, err := d.Journal.Thread(p.ctx(), tx, t)
			if err != nil {
				return err
			}
			out = append(out, fold.Fold(command.Events(entries), d.Directory()).Dump())
		}
		return nil
	}))
	return strings.Join(out, "\n")
}

// heldBack takes the letters that lie in a mailbox out of it and gives them back, to be put there later.
func (w *town) heldBack(local string, from int) [][]byte {
	w.t.Helper()
	var uids []uint32
	var raw [][]byte
	for _, m := range w.mail.Messages(w.t, local, "INBOX")[from:] {
		uids, raw = append(uids, m.UID), append(raw, m.Raw)
	}
	w.mail.Expunge(w.t, local, "INBOX", uids...)
	return raw
}

// TestProof18RevokedInFlight: a nurse's key is withdrawn while a reply is on its way. The office has the reply first and then the
// list that withdraws the key; the member has the list first. The agent confirms what had come to the office in time; both
// show the same then, and so does a replica that is made anew.
func TestProof18RevokedInFlight(t *testing.T) { posttest.Each(t, testProof18RevokedInFlight) }

func testProof18RevokedInFlight(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	marisol.inStep()
	rosa.pulls()
	own := w.local(marisol.desk().Mailbox)
	before := w.mail.Count(t, own, "INBOX")
	rosa.claims(part)
	rosa.says(part, "Renewed.")
	rosa.sends()
	w.mail.Await(t, own, "INBOX", before+1)
	flying := w.heldBack(own, before)
	ana.pulls()
	equalTexts(t, "a colleague reads it before", ana.texts(part), "No refills left.", "Renewed.")

	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	must(t, marisol.p.Replica().Pull(t.Context())) // the list, and not the reply
	equal(t, "the member knows", marisol.p.Replica().Books.Book().Revoked(w.reg.Devices(w.who["rosa"])[0]), true)
	sys.Append(t, own, "INBOX", time.Now(), flying...)
	for _, p := range []*person{marisol, ana} {
		p.pulls()
		equalTexts(t, p.name+" reads, until it is confirmed", p.texts(part), "No refills left.")
		equal(t, p.name+" is told that something waits", p.sees(part).Gaps+len(waits(t, p, part)) > 0, true)
	}
	clinic.pulls()
	clinic.dealsWithKeys()
	for _, p := range []*person{marisol, ana} {
		p.pulls()
		equalTexts(t, p.name+" reads", p.texts(part), "No refills left.", "Renewed.")
		equal(t, p.name+": what waits", len(waits(t, p, part)), 0)
	}
	want := ana.shared(part)
	equal(t, "the member's copy", marisol.shared(part), want)
	equal(t, "the agent's", clinic.shared(part), want)
	fresh := w.second("ana", "-new")
	fresh.pulls()
	equal(t, "a new replica of the office", fresh.shared(part), want)
	equal(t, "which knows what the office knows", fresh.dump(), ana.dump())
}

// waits are the events of a thread that do not count yet.
func waits(t *testing.T, p *person, thread care.ThreadID) (out []care.EventID) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		entries, err := p.desk().Journal.Thread(p.ctx(), tx, thread)
		out = fold.Fold(command.Events(entries), p.desk().Directory()).Waiting
		return err
	}))
	return out
}

// TestProof19ForgedPast: a nurse whose key was withdrawn writes on, dates it before that, and puts it into the mailboxes with an
// old date of arrival. No replica counts it, the agent does not confirm it, and a replica that is made anew does not either.
func TestProof19ForgedPast(t *testing.T) { posttest.Each(t, testProof19ForgedPast) }

func testProof19ForgedPast(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "Renewed.")
	rosa.sends()
	clinic.inStep()
	ana.pulls()

	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	clinic.pulls()
	clinic.dealsWithKeys()
	clinic.pulls()
	ana.pulls()
	marisol.pulls()
	good := []string{"No refills left.", "Renewed."}
	equalTexts(t, "what was confirmed", ana.texts(part), good...)

	// The key still signs, and the forger has the mailboxes' keys and a way to put letters there.
	said := entry(t, rosa, lastSaid(t, rosa, part))
	forged := *said.Event
	forged.At, forged.Dir, forged.Body = said.Event.At.Add(time.Minute), said.Event.Dir, event.SentBody{Text: "Take twice as many."}
	raw, err := event.Encode(forged)
	must(t, err)
	e, err := event.Decode(raw)
	must(t, err)
	var signature []byte
	rosa.off()
	rosa.secrets(func(s *vault.Secrets) { signature = seal.Sign(s.Device, seal.LabelEvent, raw) })
	book, err := w.reg.Book()
	must(t, err)
	for _, box := range e.To {
		m, ok := book.Mailbox(box)
		equal(t, "the mailbox is known", ok, true)
		sealed, err := seal.Seal(m.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: signature})
		must(t, err)
		message, err := letter.Write(letter.Header{From: w.mailer.Address, To: m.Address, Date: forged.At, Domain: letter.Domain(m.Address)}, sealed)
		must(t, err)
		sys.Append(t, w.local(box), "INBOX", said.Event.At.Add(-time.Hour), message)
	}
	fresh, again := w.second("ana", "-new"), w.second("agent", "-new")
	for _, p := range []*person{marisol, ana, clinic, fresh, again} {
		p.pulls()
	}
	for _, p := range []*person{clinic, again} { // also an agent that has forgotten everything but what the mailboxes say
		p.dealsWithKeys()
	}
	for _, p := range []*person{marisol, ana, clinic, fresh, again} {
		p.pulls()
		equalTexts(t, p.name+" reads", p.texts(part), good...)
		equal(t, p.name+" has the forged one", slices.Contains(waits(t, p, part), e.ID), true)
	}
	equal(t, "the member's copy", marisol.shared(part), fresh.shared(part))
}

func lastSaid(t *testing.T, p *person, part care.EventID) care.EventID {
	t.Helper()
	items := p.sees(part).Items
	return items[len(items)-1].ID
}

// TestProof21LostEverything: a member with 300 events of history loses the computer and is invited again. What the office sends
// anew comes in any order, before the lists that explain it; in the end the conversations are as they were, each event once, and
// the lost key can write no more.
func TestProof21LostEverything(t *testing.T) { posttest.Each(t, testProof21LostEverything) }

func testProof21LostEverything(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	var threads []care.ThreadID
	for i := range 10 {
		threads = append(threads, marisol.part(marisol.writesAndSends("Lee", fmt.Sprint("Question ", i), "First.")))
	}
	for round := range 7 {
		for i, part := range threads {
			if round > 0 {
				marisol.says(part, fmt.Sprintf("Round %d, conversation %d.", round, i))
			}
		}
		marisol.sends()
		clinic.inStep()
		rosa.pulls()
		for i, part := range threads {
			if round == 0 {
				rosa.claims(part)
			}
			rosa.says(part, fmt.Sprintf("Answer %d, conversation %d.", round, i))
			if round == 6 && i%3 == 0 {
				rosa.completes(part, "All done.")
			}
		}
		rosa.sends()
		marisol.pulls()
		for _, part := range threads {
			marisol.reads(part)
		}
		marisol.sends()
	}
	for _, p := range []*person{clinic, rosa, marisol} {
		p.inStep()
	}
	if n := len(theirs(t, marisol)); n < 200 {
		t.Fatalf("a history of %d events is too short", n)
	}
	if n := events(t, rosa); n.all < 300 {
		t.Fatalf("a history of %d events is too short", n.all)
	}
	was, had := marisol.dump(), theirs(t, marisol)
	lost := w.reg.Devices(w.who["marisol"])[0]
	var key vault.Secrets
	marisol.off()
	marisol.secrets(func(s *vault.Secrets) { key = *s })
	delete(w.people, "marisol")

	// Invited again: a device with another key, and another key of the mailbox, to which nothing has been sealed yet.
	home := w.invited("marisol", "1980-03-04")
	book, err := w.reg.Book()
	must(t, err)
	own := w.local(book.Readers(book.WritesFor(w.who["marisol"])[0])[0])
	w.mailsPending(func(o enrol.Outgoing) bool { return !strings.HasPrefix(o.Address, own+"@") }) // to the office first
	clinic.pulls()
	before := w.mail.Count(t, own, "INBOX")
	clinic.dealsWithKeys()
	clinic.dealsWithKeys() // twice is once
	vouches := 0
	for _, part := range threads {
		vouches += kinds(t, clinic, part, event.Vouch)
	}
	w.mail.Await(t, own, "INBOX", before+len(had)+vouches)
	repeated := w.heldBack(own, before)
	// In any order, and before the lists.
	rand.New(rand.NewSource(21)).Shuffle(len(repeated), func(i, j int) { repeated[i], repeated[j] = repeated[j], repeated[i] })
	sys.Append(t, own, "INBOX", time.Now(), repeated...)
	home.pulls()
	w.mailsPending(nil)
	home.pulls()
	rosa.pulls()

	equal(t, "the conversations", home.dump(), was)
	got := theirs(t, home)
	for _, id := range had {
		if !slices.Contains(got, id) {
			t.Errorf("event %s is lost", id)
		}
	}
	if c := events(t, home); c.all != c.distinct {
		t.Errorf("an event is there twice: %d of %d", c.all, c.distinct)
	}
	for _, part := range threads {
		equal(t, "what the member reads", fmt.Sprint(home.texts(part)), fmt.Sprint(rosa.texts(part)))
	}
	// The lost key writes no more, and what it wrote before stays.
	equal(t, "the lost key is withdrawn", home.p.Replica().Books.Book().Revoked(lost), true)
	said := entry(t, home, ownLast(t, home, threads[0]))
	late := *said.Event
	late.Author, late.Body = lost, event.SentBody{Text: "By who found the computer."}
	raw, err := event.Encode(late)
	must(t, err)
	w.mailsEvent(raw, seal.Sign(key.Device, seal.LabelEvent, raw), late.To)
	texts := fmt.Sprint(rosa.texts(threads[0]))
	for _, p := range []*person{home, clinic, rosa} {
		p.pulls()
	}
	clinic.dealsWithKeys()
	for _, p := range []*person{home, rosa} {
		p.pulls()
		equal(t, p.name+" reads", fmt.Sprint(p.texts(threads[0])), texts)
	}
	// The new one writes on.
	home.says(threads[1], "I have another computer now.")
	home.sends()
	clinic.inStep()
	rosa.pulls()
	all := rosa.texts(threads[1])
	equal(t, "the new computer's message", all[len(all)-1], "I have another computer now.")
}

// TestRepeatsWhatFailed: a reply that was sealed to the key before reaches its member though the agent's disk was full when it
// came by.
func TestRepeatsWhatFailed(t *testing.T) {
	w := newTown(t, posttest.Start(t, posttest.Gateway))
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.claims(part)
	rosa.sends()
	marisol.off()
	delete(w.people, "marisol")
	home := w.invited("marisol", "1980-03-04")
	w.mailsPending(nil)
	clinic.pulls()
	k := &agent.Keys{Desk: clinic.desk(), Book: clinic.p.Replica().Books.Book, Log: slog.New(slog.DiscardHandler)}
	must(t, k.Once(clinic.ctx()))
	clinic.sends()

	rosa.says(part, "Renewed.") // by the list that she has
	rosa.sends()
	clinic.pulls()
	change := func(statement string) {
		t.Helper()
		must(t, clinic.desk().DB.Write(clinic.ctx(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(clinic.ctx(), statement)
			return err
		}))
	}
	change("CREATE TRIGGER full BEFORE INSERT ON letter BEGIN SELECT RAISE(ABORT, 'no room'); END")
	if err := k.Once(clinic.ctx(), part); err == nil {
		t.Fatal("it was done without room")
	}
	change("DROP TRIGGER full")
	must(t, k.Once(clinic.ctx()))
	clinic.sends()
	var again []care.EventID
	must(t, clinic.desk().DB.Read(clinic.ctx(), func(tx *sql.Tx) (err error) {
		again, err = clinic.desk().Outbox.Sent(clinic.ctx(), tx, home.desk().Mailbox)
		return err
	}))
	equal(t, "the agent has sent it again", slices.Contains(again, ownLast(t, rosa, part)), true)
	home.pulls()
	equalTexts(t, "the member reads", home.texts(part), "No refills left.", "Renewed.")
}

// theirs are the events of a member's journal.
func theirs(t *testing.T, p *person) (out []care.EventID) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		threads, err := p.desk().Journal.Threads(p.ctx(), tx)
		for _, th := range threads {
			entries, err := p.desk().Journal.Thread(p.ctx(), tx, th)
			if err != nil {
				return err
			}
			for _, e := range entries {
				out = append(out, e.ID)
			}
		}
		return err
	}))
	return out
}

func ownLast(t *testing.T, p *person, part care.EventID) (id care.EventID) {
	t.Helper()
	for _, it := range p.sees(part).Items {
		if it.Own && it.Kind == view.ItemMessage && it.State != view.StateHeld {
			id = it.ID
		}
	}
	if id.IsZero() {
		t.Fatal("nothing of their own in it")
	}
	return id
}

// mailsEvent mails an event, sealed to each of the mailboxes.
func (w *town) mailsEvent(raw, signature []byte, to []care.MailboxID) {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	s, err := submit.Dial(w.t.Context(), *w.mailer)
	must(w.t, err)
	defer func() { _ = s.Close() }() // each letter is answered
	for _, box := range to {
		m, _ := book.Mailbox(box)
		sealed, err := seal.Seal(m.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: signature})
		must(w.t, err)
		message, err := letter.Write(letter.Header{From: w.mailer.Address, To: m.Address, Date: time.Now(), Domain: letter.Domain(m.Address)}, sealed)
		must(w.t, err)
		before := w.mail.Count(w.t, w.local(box), "INBOX")
		must(w.t, s.Send(w.t.Context(), w.mailer.Address, m.Address, message, letter.Envelope(sealed)))
		w.mail.Await(w.t, w.local(box), "INBOX", before+1)
	}
}

// invited is somebody at another computer, who has answered an invitation and was granted what is theirs: their keys and
// logins. The lists that came with the grant are not in their record: they are the story's to bring.
func (w *town) invited(name, born string) *person {
	w.t.Helper()
	i, err := w.reg.Invite(w.t.Context(), w.who[name])
	must(w.t, err)
	open, err := enrol.OpenInvitation(i.File, i.Code)
	must(w.t, err)
	must(w.t, open.CheckBorn(born))
	answer, secrets, err := open.Answer(time.Now())
	must(w.t, err)
	must(w.t, w.reg.Admit(w.t.Context(), answer))
	p := &person{t: w.t, name: name, town: w, data: filepath.Join(w.dir, "computer-"+name+"-invited"), clock: &w.clock}
	must(w.t, os.MkdirAll(p.dir(), 0o700))
	taken := false
	for _, o := range w.reg.Pending() {
		if o.Doc.Kind != directory.KindGrant {
			continue
		}
		g, book, err := directory.OpenGrant(open.Pin(), o.Doc)
		if err != nil || g.Invitation != open.ID {
			continue
		}
		secrets.Person, secrets.Patient, secrets.Logins = g.Person, g.Patient, g.Logins
		for i := range secrets.Mailboxes {
			box, known := book.Mailbox(secrets.Mailboxes[i].Mailbox)
			if !known {
				w.t.Fatal("their mailbox is not known")
			}
			secrets.Mailboxes[i].Generation = box.Generation
		}
		for _, m := range g.Mailboxes {
			secrets.Mailboxes = append(secrets.Mailboxes, vault.MailboxSecret(m))
		}
		must(w.t, vault.CreateWith(vault.Params{Time: 1, Memory: 64, Threads: 1}, p.dir(), name, passphrase, secrets))
		must(w.t, w.reg.Mailed(o))
		taken = true
	}
	if !taken {
		w.t.Fatal("there is no grant")
	}
	w.people[name] = p
	p.on(false)
	return p
}
