package stories

import (
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/backup"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/gateway"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
)

const backupPassphrase = "copper meadow sudden tuesday"

// backsUp makes a backup of the person's computer, which is off.
func (p *person) backsUp() (file string) {
	p.t.Helper()
	file = filepath.Join(p.t.TempDir(), "backup")
	must(p.t, backup.Write(p.ctx(), backup.What{Data: p.data}, file, backupPassphrase, p.clock.now(), func(string) {}))
	return file
}

// comesBack loses the disk of the person's computer and puts the backup on another.
func (p *person) comesBack(file string) {
	p.t.Helper()
	must(p.t, os.RemoveAll(p.data))
	_, err := backup.Read(p.ctx(), file, backup.What{Data: p.data}, backupPassphrase, p.clock.now(), func(string) {})
	must(p.t, err)
}

// TestProof27Restored: a member's backup is put back after an undo and some fifty newer events, first without a network and
// then with one. Nothing old is sent, all that is newer comes back, and life goes on.
func TestProof27Restored(t *testing.T) { posttest.Each(t, testProof27Restored) }

func testProof27Restored(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()

	// The copy has a text in its hold, a draft, and a fact that had not gone.
	held := marisol.drafts(draft.Draft{What: command.DraftReply, Part: part, Text: "Never mind, I found some."})
	_, err := marisol.desk().SendReply(t.Context(), held.ID)
	must(t, err)
	marisol.drafts(newDraft(w, "Raman", "A draft", "Half a thought"))
	rosa.says(part, "How many do you take?")
	rosa.sends()
	marisol.pulls()
	marisol.reads(part)
	marisol.off()
	file := marisol.backsUp()
	marisol.on(false)

	// It goes on: the text is taken back and thrown away.
	_, err = marisol.desk().TakeBack(t.Context(), held.ID)
	must(t, err)
	must(t, marisol.desk().DeleteDraft(t.Context(), held.ID))
	marisol.sends()
	for n := range 12 {
		marisol.says(part, fmt.Sprintf("Two a day, day %d.", n))
		marisol.sends()
		clinic.inStep()
		rosa.pulls()
		rosa.says(part, fmt.Sprintf("Noted, day %d.", n))
		rosa.sends()
		marisol.pulls()
	}
	marisol.reads(part)
	marisol.sends()
	rosa.inStep()
	before, shown, all := marisol.dump(), marisol.texts(part), events(t, marisol)
	lost := marisol.drafts(draft.Draft{What: command.DraftReply, Part: part, Text: "Only on the lost disk"})
	marisol.off()

	// Back, without a network: nothing is promised, and nothing can go.
	marisol.comesBack(file)
	boxes := []string{w.local(w.offices["Lee"].Mailbox), w.local(w.offices["Raman"].Mailbox)}
	count := func() (n int) {
		for _, b := range boxes {
			n += w.mail.Count(t, b, "INBOX")
		}
		return n
	}
	stood := count()
	marisol.on(false)
	reply := marisol.says(part, "I write before I know.")
	if err := marisol.p.Replica().Settle(t.Context()); care.KindOf(err) != care.Unavailable || !strings.Contains(care.SentenceOf(err), "backup") {
		t.Errorf("before it has read anything it sends: %v", err)
	}
	equal(t, "letters that went", count(), stood)
	if was, err := marisol.drafted(); err != nil || len(was) != 1 || was[0].Text != "Half a thought" {
		t.Errorf("drafts: %+v, %v", was, err)
	}
	marisol.off() // and a restart forgets none of it
	marisol.on(false)
	if err := marisol.p.Replica().Settle(t.Context()); care.KindOf(err) != care.Unavailable {
		t.Errorf("after a restart it sends: %v", err)
	}

	// With a network everything is as it was, but for what was only on the lost disk, and that is said.
	marisol.pulls()
	equal(t, "what came back", marisol.dump(), before)
	equalTexts(t, "the conversation", marisol.texts(part), shown...)
	equal(t, "events", events(t, marisol), all)
	if s := marisol.p.Sync(); s.Phase != care.SyncAmiss || !strings.Contains(s.Problem, "put back from a backup") || !strings.Contains(s.Problem, "lost") {
		t.Errorf("nobody is told: %+v", s)
	}
	if _, err := marisol.desk().SendReply(t.Context(), lost.ID); care.KindOf(err) != care.NotFound {
		t.Errorf("the lost draft: %v", err)
	}
	marisol.sends()
	waiting := reviewed(t, marisol, held.ID)
	if !strings.Contains(waiting, "backup") {
		t.Errorf("the text that was taken back is to be reviewed: %q", waiting)
	}
	if why := reviewed(t, marisol, reply); !strings.Contains(why, "answered in the meantime") {
		t.Errorf("what was written before it knew is shown beside what had come: %q", why)
	}
	clinic.inStep()
	rosa.inStep()
	for _, text := range rosa.texts(part) {
		if strings.Contains(text, "Never mind") || strings.Contains(text, "before I know") {
			t.Errorf("an old text was sent: %q", text)
		}
	}

	// Its author decides, and new words go as ever; the next start knows nothing of a backup.
	must(t, marisol.desk().Discard(t.Context(), held.ID))
	must(t, marisol.desk().SendNow(t.Context(), reply))
	marisol.sends()
	marisol.off()
	marisol.on(false)
	marisol.says(part, "All is well.")
	marisol.sends()
	equal(t, "the phase after another start", marisol.p.Sync().Phase == care.SyncAmiss, false)
	clinic.inStep()
	rosa.pulls()
	marisol.pulls()
	equal(t, "the end of it", strings.Join(rosa.texts(part), "|"), strings.Join(append(shown, "I write before I know.", "All is well."), "|"))
	if c := events(t, rosa); c.all != c.distinct {
		t.Errorf("an event is there twice: %+v", c)
	}
	equal(t, "receipts", kinds(t, rosa, part, event.Received), 15)
}

// reviewed says why a text waits for its author.
func reviewed(t *testing.T, p *person, id string) string {
	t.Helper()
	var h outbox.Held
	must(t, p.desk().DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
		h, _, err = p.desk().Outbox.Get(t.Context(), tx, id)
		return err
	}))
	if !h.Review {
		t.Errorf("the text %q does not wait for its author", h.Text)
	}
	return h.Why
}

// TestProof27AgentRestored: the agent's backup has a message that it had not confirmed yet. It did so after, by another
// calendar; put back, it confirms nothing before it has read that.
func TestProof27AgentRestored(t *testing.T) { posttest.Each(t, testProof27AgentRestored) }

func testProof27AgentRestored(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	part := marisol.part(marisol.writesAndSends("Lee", "When", "When do I hear?"))
	clinic.pulls() // and it ends before it confirms
	clinic.off()
	file := clinic.backsUp()

	must(t, w.reg.SetCalendar(t.Context(), care.Calendar{Zone: "America/New_York", Preset: "us", Hours: map[string][]care.Span{"wed": day}}))
	w.arrives(w.publish)
	clinic.on(false)
	clinic.inStep()
	rosa.pulls()
	due := rosa.sees(part).Due
	equal(t, "receipts", kinds(t, rosa, part, event.Received), 1)
	clinic.off()

	clinic.comesBack(file)
	clinic.on(true)
	second := marisol.part(marisol.writesAndSends("Lee", "Again", "And this?"))
	clinic.waitFor("the second message is confirmed", func() bool {
		var left []outbox.Letter
		must(t, clinic.desk().DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
			left, err = clinic.desk().Outbox.Left(t.Context(), tx)
			return err
		}))
		return kinds(t, clinic, second, event.Received) == 1 && len(left) == 0
	})
	rosa.pulls()
	equal(t, "receipts of the first message", kinds(t, rosa, part, event.Received), 1)
	equal(t, "its due time", rosa.sees(part).Due, due)
	equal(t, "receipts of the second", kinds(t, rosa, second, event.Received), 1)
	equal(t, "the agent's own", kinds(t, clinic, part, event.Received), 1)
}

// TestProof27GatewayRestored: an older copy of the mail system is put back. Its clients notice, and each sends again what it
// had sent since; then a copy of a replica from before that learns everything from the mailbox.
func TestProof27GatewayRestored(t *testing.T) {
	w := newTown(t, posttest.New(t, posttest.Gateway))
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	exchange(w, marisol, rosa, clinic)
	g, _ := w.mail.Gateway()
	data := t.TempDir()
	must(t, os.Symlink(g.Dir(), backend.GatewayDir(data)))
	file := filepath.Join(t.TempDir(), "gateway")
	must(t, backup.Write(t.Context(), backup.What{Data: data}, file, backupPassphrase, time.Now(), func(string) {})) // it runs
	rosa.off()
	old := rosa.backsUp()
	rosa.on(false)

	later := marisol.part(marisol.writesAndSends("Lee", "After the copy", "Is this kept?"))
	clinic.inStep()
	rosa.inStep()
	rosa.says(later, "It is.")
	rosa.notes(later, "Among us.")
	rosa.sends()
	marisol.inStep()
	clinic.inStep()
	rosa.inStep()
	want, hers := rosa.dump(), marisol.dump()

	w.mail.StopServers(t)
	back := t.TempDir()
	_, err := backup.Read(t.Context(), file, backup.What{Data: back}, backupPassphrase, time.Now(), func(string) {})
	must(t, err)
	restored, err := gateway.Open(t.Context(), backend.GatewayDir(back), gateway.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, restored.Close()) })
	must(t, restored.Start(t.Context()))
	must(t, restored.Check(t.Context()))

	// Whoever connects compares, and sends again. A restart in between forgets nothing of it.
	marisol.off()
	marisol.on(false)
	for range 2 {
		for _, p := range []*person{marisol, clinic, rosa} {
			p.putsBack()
		}
	}
	equal(t, "what rosa sees", rosa.dump(), want)
	equal(t, "what marisol sees", marisol.dump(), hers)
	again := lettersOf(t, restored)
	for _, p := range []*person{marisol, clinic, rosa} { // once is enough
		p.inStep()
	}
	w.clock.move(25 * time.Hour)
	for _, p := range []*person{marisol, clinic, rosa} {
		p.putsBack()
	}
	equal(t, "letters after another round", lettersOf(t, restored), again)

	fresh := &person{t: t, name: "rosa", town: w, data: t.TempDir(), clock: &w.clock}
	_, err = backup.Read(t.Context(), old, backup.What{Data: fresh.data}, backupPassphrase, time.Now(), func(string) {})
	must(t, err)
	rosa.off()
	fresh.on(false)
	must(t, fresh.p.Replica().Pull(t.Context()))
	equal(t, "what a copy from before learns", fresh.dump(), want)
}

func lettersOf(t *testing.T, g *gateway.Gateway) (n int) {
	t.Helper()
	all, err := g.List(t.Context())
	must(t, err)
	seen := map[string]bool{}
	for _, a := range all {
		if !seen[a.Mailbox] {
			seen[a.Mailbox] = true
			n += int(a.Letters)
		}
	}
	return n
}

// TestProof27RegistrarRestored: an older copy of the registrar signs nothing: what it would sign is out already, and says
// something else. The newest copy goes on.
func TestProof27RegistrarRestored(t *testing.T) {
	ctx, data := t.Context(), t.TempDir()
	log := slog.New(slog.NewTextHandler(testLog{t, "registrar"}, nil))
	b := backend.New(data, log, nil)
	t.Cleanup(func() { b.Close() })
	made, err := b.Found(ctx, backend.Founding{Practice: backend.ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden",
		Name: "Priya Nair", Label: "Priya", Passphrase: "lantern orchard velvet canyon"})
	must(t, err)
	signIn := func() *person {
		p, err := b.SignIn(ctx, made.Profile, "lantern orchard velvet canyon")
		must(t, err)
		return &person{t: t, name: "registrar", p: p}
	}
	copied := func() string {
		file := filepath.Join(t.TempDir(), "profile")
		must(t, backup.Write(ctx, backup.What{Data: data, Profile: made.Profile, Own: "lantern orchard velvet canyon"}, file, backupPassphrase, time.Now(), func(string) {}))
		return file
	}
	comesBack := func(file string) {
		b.Close()
		must(t, os.RemoveAll(filepath.Join(backend.ProfilesDir(data), made.Profile)))
		_, err := backup.Read(ctx, file, backup.What{Data: data, Profile: made.Profile}, backupPassphrase, time.Now(), func(string) {})
		must(t, err)
		b = backend.New(data, log, nil)
	}
	priya := signIn()
	add := func(name string) error {
		_, err := priya.p.Registrar().AddOffice(ctx, care.Office{Name: name})
		priya.p.Registrar().Kick()
		return err
	}
	out := func() { // what is changed is out, and back in the practice's own mailbox
		book, err := priya.p.Registrar().Book()
		must(t, err)
		priya.waitFor("the newest list is out", func() bool { return priya.desk().Directory().Version() >= book.Version() }) // it tells where its mail system is, too
	}
	must(t, add("Dr. Lee's office"))
	out()
	older := copied()
	must(t, add("Dr. Raman's office"))
	out()
	newer := copied()

	comesBack(older)
	priya = signIn()
	if err := add("Dr. Haddad's office"); care.KindOf(err) != care.Unavailable && care.KindOf(err) != care.Conflict {
		t.Errorf("an older copy signs at once: %v", err)
	}
	priya.waitFor("it knows what is out", func() bool { return care.KindOf(priya.p.Registrar().Fit()) == care.Conflict })
	err = add("Dr. Haddad's office")
	if care.KindOf(err) != care.Conflict || !strings.Contains(care.SentenceOf(err), "newest backup") {
		t.Errorf("an older copy signs: %v", err)
	}
	if err := priya.p.Registrar().Republish(); care.KindOf(err) != care.Conflict {
		t.Errorf("an older copy mails: %v", err)
	}
	if err := priya.p.Replica().Looked(priya.p.Replica().Mailboxes()[0], nil); err != nil {
		t.Errorf("an older copy, which mails nothing, has a look at what the mailbox lacks fail: %v", err)
	}

	comesBack(newer)
	priya = signIn()
	priya.waitFor("it has read its mailbox", func() bool { return priya.p.Registrar().Fit() == nil })
	must(t, add("Dr. Haddad's office"))
	out()
}
