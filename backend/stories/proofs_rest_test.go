package stories

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/store"
	"postern/backend/record/view"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// TestProof25QuitOffline: a text is sent with no mail system there, and Postern is ended after five seconds. It says then that
// the text was not sent (the window asks by that number whether to close). Three days later nothing goes out by itself: the text
// is shown to its author, who decides.
func TestProof25QuitOffline(t *testing.T) { posttest.Each(t, testProof25QuitOffline) }

func testProof25QuitOffline(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.live("marisol"), w.at("ana")
	w.mail.StopServers(t)
	d := marisol.drafts(draft.Draft{What: command.DraftNew, Office: w.offices["Lee"].ID, Subject: "Dizzy", Text: "Since this morning."})
	_, err := marisol.desk().SendMessage(marisol.ctx(), d.ID)
	must(t, err)
	w.clock.move(5 * time.Second)
	equal(t, "texts that were NOT sent, as is said at quit", marisol.back.Part(100*time.Millisecond), 1)
	equal(t, "the same, to who locks first", marisol.locks(), 1)
	marisol.off()

	w.mail.StartServers(t)
	w.clock.move(72 * time.Hour)
	marisol.on(true)
	held := func() view.Held {
		h, err := marisol.p.Views().HeldText(t.Context(), d.ID)
		must(t, err)
		return h
	}
	marisol.waitFor("the text to be set aside", func() bool { return held().State == view.StateReview })
	if h := held(); h.Text != "Since this morning." || !strings.Contains(h.Why, "more than a day old") {
		t.Errorf("%+v", h)
	}
	marisol.p.SyncNow()
	marisol.waitFor("the mailbox to have been read since", func() bool { return marisol.p.Replica().InStep() && marisol.p.Sync().Problem == "" })
	equal(t, "it still waits for its author", held().State, view.StateReview)
	ana.pulls()
	equal(t, "the office has it", hasRow(ana.rows(), "Dizzy"), false)
	equal(t, "letters that were mailed", len(w.sentTo(t, "Lee")), 0)

	lee := w.local(w.offices["Lee"].Mailbox)
	before := w.mail.Count(t, lee, "INBOX")
	must(t, marisol.desk().SendNow(marisol.ctx(), d.ID))
	w.mail.Await(t, lee, "INBOX", before+2) // the opening and the message
	ana.pulls()
	equal(t, "the office has it once its author says so", hasRow(ana.rows(), "Dizzy"), true)
}

// sentTo are the events that lie in an office's mailbox.
func (w *town) sentTo(t *testing.T, office string) (all []*event.Event) {
	t.Helper()
	ring := w.ringOf("ana")
	for _, m := range w.mail.Messages(t, w.local(w.offices[office].Mailbox), "INBOX") {
		sealed, err := letter.Read(m.Raw)
		must(t, err)
		c, err := ring.Open(sealed)
		must(t, err)
		if c.Type == seal.TypeEvent {
			e, err := event.Decode(c.Bytes)
			must(t, err)
			all = append(all, e)
		}
	}
	return all
}

// ringOf are the keys of mailboxes that somebody's vault holds.
func (w *town) ringOf(name string) *seal.Ring {
	w.t.Helper()
	v, err := vault.Open(w.people[name].dir(), passphrase)
	must(w.t, err)
	defer v.Close()
	var keys []seal.Secret
	for _, m := range v.Secrets().Mailboxes {
		key, err := seal.ParseSecret(m.Secret)
		must(w.t, err)
		keys = append(keys, key)
	}
	return seal.NewRing(keys...)
}

// TestProof28OneProcessAProfile: while a profile is open, a second window, an agent and what would fold it anew are refused, in this
// process and in another, with a sentence; and the record is as it was. That a second window raises the first is
// TestSecondStartRaisesTheFirst, with real windows.
func TestProof28OneProcessAProfile(t *testing.T) { posttest.Each(t, testProof28OneProcessAProfile) }

func testProof28OneProcessAProfile(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	part := exchange(w, marisol, rosa, clinic)
	for _, p := range []*person{rosa, clinic} {
		before := p.dump()
		order, err := json.Marshal(childOrder{Data: p.data, Name: p.name})
		must(t, err)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+string(order))
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "open in another Postern") {
			t.Errorf("%s's profile in another process: %v, %s", p.name, err, out)
		}
		again := backend.New(p.data, slog.New(slog.DiscardHandler), p.clock.now)
		for range 3 {
			if _, err := again.SignIn(t.Context(), p.name, passphrase); care.KindOf(err) != care.Conflict {
				t.Errorf("%s's profile a second time: %v", p.name, err)
			}
		}
		again.Close()
		if lock, err := store.Lock(filepath.Join(p.dir(), "lock")); err == nil {
			_ = lock.Close()
			t.Errorf("%s's folder is free for whoever folds it anew", p.name)
		}
		equal(t, "the record", p.dump(), before)
		var whole string
		must(t, p.desk().DB.Read(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&whole)
		}))
		equal(t, "the database", whole, "ok")
	}
	// A whole folder is held likewise.
	hold, err := backend.HoldFolder(rosa.data)
	must(t, err)
	if _, err := backend.HoldFolder(rosa.data); care.KindOf(err) != care.Conflict {
		t.Errorf("a folder held twice: %v", err)
	}
	must(t, hold.Close())
	// Who was first goes on, and who comes after is let in.
	rosa.reopens(part)
	rosa.sends()
	before := rosa.dump()
	rosa.off()
	rosa.on(false)
	equal(t, "after the first has ended", rosa.dump(), before)
}

// TestProof40FrozenDirectory: the mail system keeps the clinic's newest list from a member for 30 days, while a nurse has left
// and the office's key was changed. The member's message still arrives. Once the clinic's receipt names the newer list, and an
// hour has passed, the member's screens say that theirs is out of date and whom to call. When the list comes, nothing is sealed
// to the old key any more, and the old list, delivered again, changes nothing, also after a restart.
func TestProof40FrozenDirectory(t *testing.T) { posttest.Each(t, testProof40FrozenDirectory) }

func testProof40FrozenDirectory(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	own := w.local(marisol.desk().Mailbox)
	office := w.offices["Lee"]
	old := w.heldBack(own, 0) // the lists of now, which are delivered again later
	sys.Append(t, own, "INBOX", time.Now(), old...)
	generation := func() int {
		m, _ := marisol.p.Replica().Books.Book().Mailbox(office.Mailbox)
		return m.Generation
	}
	left := w.ringOf("rosa")
	must(t, w.reg.Remove(t.Context(), w.who["rosa"]))
	w.mailsPending(func(o enrol.Outgoing) bool { return !strings.HasPrefix(o.Address, own+"@") })
	for _, p := range []*person{ana, clinic} {
		p.pulls()
	}

	w.clock.move(30 * 24 * time.Hour)
	marisol.pulls()
	equal(t, "with nothing that names a newer list, the banner", marisol.p.Sync().Problem, "")
	part := marisol.part(marisol.writesAndSends("Lee", "Frozen", "Do you read this?"))
	clinic.inStep() // its receipt names the newer list
	marisol.pulls()
	equal(t, "at once, for it may be on its way, the banner", marisol.p.Sync().Problem, "")
	w.clock.move(2 * time.Hour)
	marisol.pulls()
	banner := marisol.p.Sync()
	equal(t, "the phase", banner.Phase, care.SyncAmiss)
	if !strings.Contains(banner.Problem, "out of date") || !strings.Contains(banner.Problem, "Call the front desk") {
		t.Errorf("the banner says %q", banner.Problem)
	}
	marisol.says(part, "And this?") // nobody is kept from writing
	marisol.sends()
	ana.pulls()
	equalTexts(t, "the office reads", ana.texts(part), "Do you read this?", "And this?")
	equal(t, "the key that the member knows", generation(), 1)

	w.mailsPending(nil)
	marisol.pulls()
	equal(t, "the banner, once the list has come", marisol.p.Sync().Problem, "")
	equal(t, "the key that the member knows then", generation(), 2)
	sealed := func(what string, say func()) {
		t.Helper()
		before := w.mail.Count(t, w.local(office.Mailbox), "INBOX")
		say()
		w.mail.Await(t, w.local(office.Mailbox), "INBOX", before+1)
		for _, m := range w.mail.Messages(t, w.local(office.Mailbox), "INBOX")[before:] {
			payload, err := letter.Read(m.Raw)
			must(t, err)
			if _, err := left.Open(payload); err == nil {
				t.Errorf("%s: who has left can open it", what)
			}
		}
	}
	sealed("after the list", func() { marisol.says(part, "Sealed anew."); marisol.sends() })
	// The old list again, as from a mail system that was restored.
	sys.Append(t, own, "INBOX", time.Now(), old...)
	marisol.pulls()
	equal(t, "the key, with the old list delivered again", generation(), 2)
	equal(t, "the banner", marisol.p.Sync().Problem, "")
	marisol.off()
	marisol.on(false)
	equal(t, "the key, after a restart", generation(), 2)
	sealed("after a restart", func() { marisol.says(part, "Still sealed anew."); marisol.sends() })
	ana.pulls()
	equal(t, "the office reads all", len(ana.texts(part)), 4)
}

// TestProof17UnseenReply: a reply that the member has not read in two business days stands in "Not reached" on every staff
// window of the office, not a minute before, and no longer once it was read.
func TestProof17UnseenReply(t *testing.T) { posttest.Each(t, testProof17UnseenReply) }

func testProof17UnseenReply(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, clinic := w.at("marisol"), w.at("agent")
	team := []*person{w.at("ana"), w.at("rosa"), w.at("priya")}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa := team[1]
	rosa.pulls()
	rosa.says(part, "Renewed.")
	rosa.sends()
	for _, p := range append(team, marisol) {
		p.pulls() // it is there; the member does not open it
	}
	unreached := func(when string, want bool) {
		t.Helper()
		for _, p := range team {
			q, rows, err := p.p.Views().Queue(p.ctx(), view.QueueUnreached, "")
			must(t, err)
			if hasRow(rows, "Refill") != want || (q.Count > 0) != want {
				t.Errorf("%s, on %s's window: %d in %q", when, p.name, q.Count, q.Name)
			}
		}
	}
	reply := rosa.sees(part).Items[1]
	two, _, _ := rosa.desk().Clock().Due(reply.At, care.Policy{}.Promise(), "")
	unreached("at once", false)
	w.clock.move(two.Sub(w.clock.now()) - time.Minute)
	unreached("a minute before two business days", false)
	w.clock.move(3 * time.Minute)
	unreached("after two business days", true)
	marisol.reads(part)
	marisol.sends()
	for _, p := range team {
		p.pulls()
	}
	unreached("after it was read", false)
}
