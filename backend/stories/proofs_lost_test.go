package stories

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/posttest"
	"postern/backend/record/outbox"
)

// TestProof12Expunged: an administrator of the mail system expunges a hundred letters of an office, and all of a member's.
// Nothing is deleted on any computer. The agent, at its next comparison of everything, puts back what the office's mailbox has lost,
// and the member's own computer what theirs has; so that a computer that comes to them anew has everything, each event once,
// and nobody's claim is lost over it. Letters that were only moved are not sent again.
func TestProof12Expunged(t *testing.T) { posttest.Each(t, testProof12Expunged) }

func testProof12Expunged(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	w.at("ana") // who is assigned to has to be enrolled
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	var parts []care.EventID
	for range 12 {
		parts = append(parts, exchange(w, marisol, rosa, clinic))
	}
	for i := range 3 { // a claim that was replaced is not to be taken back when it is sent again
		rosa.reopens(parts[i])
		must(t, rosa.desk().Unclaim(t.Context(), parts[i]))
		must(t, rosa.desk().Assign(t.Context(), parts[i], w.who["ana"]))
		rosa.notes(parts[i], fmt.Sprint("Note ", i))
	}
	rosa.sends()
	for _, p := range []*person{clinic, marisol, rosa} {
		p.inStep()
	}
	own, lee := w.local(marisol.desk().Mailbox), w.local(w.offices["Lee"].Mailbox)
	before := map[string]string{"marisol": marisol.dump(), "rosa": rosa.dump(), "agent": clinic.dump()}
	had := map[string]count{"marisol": events(t, marisol), "rosa": events(t, rosa), "agent": events(t, clinic)}

	// Moved letters are there.
	w.mail.Move(t, lee, "INBOX", "Archive")
	clinic.pulls()
	must(t, clinic.p.Replica().PutBack(t.Context()))
	clinic.sends()
	equal(t, "letters sent for what was moved", w.mail.Count(t, lee, "INBOX"), 0)
	w.mail.Move(t, lee, "Archive", "INBOX")
	w.clock.move(25 * time.Hour)
	clinic.pulls()
	must(t, clinic.p.Replica().PutBack(t.Context()))
	clinic.sends()
	all := w.mail.Messages(t, lee, "INBOX")
	if len(all) < 100 {
		t.Fatalf("%d letters are too few for this", len(all))
	}

	fresh := w.invited("rosa", "") // a computer that has its keys, and has read nothing yet
	w.mailsPending(nil)
	delete(w.people, "rosa")
	w.people["rosa"], w.people["rosa-new"] = rosa, fresh
	w.clock.move(25 * time.Hour)
	var uids []uint32
	for _, m := range all[:100] {
		uids = append(uids, m.UID)
	}
	w.mail.Expunge(t, lee, "INBOX", uids...)
	w.mail.Expunge(t, own, "INBOX")
	for _, p := range []*person{marisol, rosa, clinic} {
		must(t, p.p.Replica().Pull(t.Context()))
		equal(t, "nothing is deleted: "+p.name, p.dump(), before[p.name])
		equal(t, "no event: "+p.name, events(t, p).all >= had[p.name].all, true)
		must(t, p.p.Replica().PutBack(t.Context()))
		p.sends()
	}
	for _, p := range []*person{marisol, rosa, clinic, fresh} {
		p.pulls()
	}
	equal(t, "a new replica of the office", fresh.dump(), rosa.dump())
	again := w.second("marisol", "-new")
	again.pulls()
	equal(t, "a new replica of the member", again.dump(), marisol.dump())
	for _, p := range []*person{marisol, rosa, clinic} {
		equal(t, "as it was: "+p.name, p.dump(), before[p.name])
	}
	for _, p := range []*person{fresh, again, rosa} {
		if c := events(t, p); c.all != c.distinct {
			t.Errorf("%s: an event is there twice: %d of %d", p.name, c.all, c.distinct)
		}
	}
	equal(t, "claims on the new computer", kinds(t, fresh, parts[0], event.Owner), kinds(t, rosa, parts[0], event.Owner))
	// What is there again is not sent again.
	w.clock.move(25 * time.Hour)
	for _, p := range []*person{marisol, clinic} {
		p.pulls()
		letters := w.mail.Count(t, lee, "INBOX") + w.mail.Count(t, own, "INBOX")
		must(t, p.p.Replica().PutBack(t.Context()))
		p.sends()
		equal(t, "letters sent a second time by "+p.name, w.mail.Count(t, lee, "INBOX")+w.mail.Count(t, own, "INBOX"), letters)
	}
}

// TestProof12OnlyItsAuthor: the mail system takes letters and loses them before anybody but their author has read them, or before
// anybody has, and goes on under the same UIDVALIDITY. Once the author's own mailbox shows that letters were lost, the author sends
// them again to everybody, once; a restart or a failure before it is done forgets nothing.
func TestProof12OnlyItsAuthor(t *testing.T) { posttest.Each(t, testProof12OnlyItsAuthor) }

func testProof12OnlyItsAuthor(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	part := exchange(w, marisol, rosa, clinic)
	rosa.reopens(part)
	rosa.sends()
	for _, p := range []*person{clinic, marisol, rosa} {
		p.inStep()
	}
	own, lee := w.local(marisol.desk().Mailbox), w.local(w.offices["Lee"].Mailbox)

	for i, text := range []string{"Read by its author alone.", "Read by nobody."} {
		inLee, inOwn := w.mail.Count(t, lee, "INBOX"), w.mail.Count(t, own, "INBOX")
		rosa.says(part, text)
		rosa.sends()
		w.mail.Await(t, lee, "INBOX", inLee+1)
		w.mail.Await(t, own, "INBOX", inOwn+1)
		if i == 0 {
			rosa.pulls()
		}
		w.heldBack(own, inOwn)
		w.heldBack(lee, inLee-i) // in the office's mailbox one is missing that she has read
		for _, p := range []*person{marisol, clinic} {
			must(t, p.p.Replica().Pull(t.Context()))
			equal(t, p.name+" has it before it is sent again", slices.Contains(p.texts(part), text), false)
		}
		must(t, rosa.p.Replica().Pull(t.Context()))
		rosa.p.Replica().Looked = func(care.MailboxID, map[string]bool) error { return errors.New("no room") }
		if err := rosa.p.Replica().PutBack(t.Context()); err == nil || len(left(t, rosa)) > 0 {
			t.Errorf("though it failed, %d letters wait: %v", len(left(t, rosa)), err)
		}
		rosa.off()
		rosa.on(false)
		must(t, rosa.p.Replica().Pull(t.Context()))
		must(t, rosa.p.Replica().PutBack(t.Context()))
		if len(left(t, rosa)) == 0 {
			t.Fatalf("%q is not sent again", text)
		}
		rosa.sends()
		for _, p := range []*person{clinic, marisol, rosa} {
			p.inStep()
			equal(t, p.name+" has it", slices.Contains(p.texts(part), text), true)
			c := events(t, p)
			equal(t, "each event is there once: "+p.name, c.all, c.distinct)
		}
		w.clock.move(25 * time.Hour)
		for _, p := range []*person{clinic, marisol, rosa} {
			p.putsBack()
		}
		w.sendNothing("what is there again", 25*time.Hour, clinic, marisol, rosa)
	}
}

// TestProof12Moved: letters that were moved, into another folder or under other numbers, are sent again by nobody, nor is one that is on
// its way meanwhile. What somebody put away long ago is put back where it is missing, and its author sends it to nobody.
func TestProof12Moved(t *testing.T) { posttest.Each(t, testProof12Moved) }

func testProof12Moved(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	part := exchange(w, marisol, rosa, clinic)
	rosa.reopens(part)
	rosa.sends()
	for _, p := range []*person{clinic, marisol, rosa} {
		p.inStep()
	}
	own, lee := w.local(marisol.desk().Mailbox), w.local(w.offices["Lee"].Mailbox)
	there := w.mail.Count(t, lee, "INBOX")
	rosa.says(part, "On its way.")
	rosa.sends()
	w.mail.Await(t, lee, "INBOX", there+1)
	way := w.heldBack(lee, there)
	w.mail.Move(t, lee, "INBOX", "Archive")
	w.mail.Move(t, own, "INBOX", "Archive")
	var documents map[string]bool
	rosa.p.Replica().Looked = func(_ care.MailboxID, d map[string]bool) error { documents = d; return nil }
	must(t, rosa.p.Replica().Pull(t.Context()))
	must(t, rosa.p.Replica().PutBack(t.Context()))
	equal(t, "letters that rosa sends for what was moved", len(left(t, rosa)), 0)
	for _, d := range rosa.p.Replica().Books.Book().For(w.offices["Lee"].Mailbox, nil) {
		equal(t, "whoever signs the documents hears that one is there", documents[d.Hash()], true)
	}
	w.mail.Append(t, lee, "INBOX", w.clock.now(), way...)
	for _, p := range []*person{clinic, marisol, rosa} {
		p.inStep()
	}
	w.sendNothing("what was moved", 25*time.Hour, clinic, marisol, rosa)
	w.mail.Move(t, lee, "Archive", "INBOX")
	w.mail.Move(t, own, "Archive", "INBOX")
	w.sendNothing("what was moved back", 25*time.Hour, clinic, marisol, rosa)
	w.mail.ResetUIDValidity(t, lee, "INBOX")
	w.mail.ResetUIDValidity(t, own, "INBOX")
	w.sendNothing("mailboxes that begin anew and lack nothing", 25*time.Hour, clinic, marisol, rosa)

	w.mail.Expunge(t, lee, "INBOX")
	w.sendNothing("what was put away", 31*24*time.Hour, rosa)
	clinic.pulls()
	must(t, clinic.p.Replica().PutBack(t.Context()))
	for _, l := range left(t, clinic) {
		equal(t, "a letter of the agent's goes to", l.Mailbox, w.offices["Lee"].Mailbox)
	}
	equal(t, "the office's letters are put back", len(left(t, clinic)) > 0, true)
}

// sendNothing has people compare everything after some time: nothing is to be sent for it.
func (w *town) sendNothing(why string, after time.Duration, people ...*person) {
	w.t.Helper()
	w.clock.move(after)
	for _, p := range people {
		p.pulls()
		must(w.t, p.p.Replica().PutBack(p.ctx()))
		if n := len(left(w.t, p)); n > 0 {
			w.t.Errorf("%s sends %d letters for %s", p.name, n, why)
		}
	}
}

// putsBack is as inStep, with what the mailboxes have lost.
func (p *person) putsBack() {
	p.t.Helper()
	p.pulls()
	must(p.t, p.p.Replica().PutBack(p.ctx()))
	p.inStep()
}

// left is what waits to be sent.
func left(t testing.TB, p *person) (all []outbox.Letter) {
	t.Helper()
	must(t, p.desk().DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		all, err = p.desk().Outbox.Left(t.Context(), tx)
		return err
	}))
	return all
}
