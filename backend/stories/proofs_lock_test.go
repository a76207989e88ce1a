package stories

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/backend/trust/vault"
)

// TestProof26LockedStillSends: a screen is locked with three letters that no mail system takes. The record is closed, the
// keys are gone; the network returns and the letters go, each once, and the next sign-in knows it.
func TestProof26LockedStillSends(t *testing.T) {
	posttest.Each(t, func(t *testing.T, sys *posttest.System) {
		t.Run("sent", func(t *testing.T) { testLockedStillSends(t, sys) })
		t.Run("refused", func(t *testing.T) { testLockedIsRefused(t, sys) })
		t.Run("unlocked while it sends", func(t *testing.T) { testUnlockedWhileItSends(t, sys) })
		t.Run("ended", func(t *testing.T) { testLockedAndEnded(t, sys) })
		t.Run("killed", func(t *testing.T) { testLockedAndKilled(t, sys) })
	})
}

// down ends each connection at its first line.
func down(string) bool { return true }

// atDATA ends each connection before it gets a letter's bytes.
func atDATA(line string) bool { return strings.HasPrefix(line, "354") }

// breaks breaks every connection of a proxy where the story says, those that are open too.
func breaks(proxy *posttest.Proxy, at func(line string) bool) {
	proxy.Break(at)
	proxy.CutAll() // one from before would still take letters, or pass what comes after it was mended
}

// behind switches a person's computer on, living by itself, with a proxy in front of the service that takes letters.
func (w *town) behind(name string) (*person, *posttest.Proxy) {
	w.t.Helper()
	p := w.off(name, "")
	var proxy *posttest.Proxy
	p.secrets(func(s *vault.Secrets) {
		clear := w.mail.Clear(s.Logins[0]).SMTP
		proxy = posttest.NewProxy(w.t, clear)
		s.Logins[0].SMTP = proxy.Endpoint(clear.TLS)
	})
	p.on(true)
	return p, proxy
}

// locks leaves the profile, waits until it is closed, and says how many things are not sent.
func (p *person) locks() int {
	p.t.Helper()
	return lockAndWait(p.back, p.p)
}

func lockAndWait(b *backend.Backend, p *backend.Profile) int {
	changes, cancel := p.Wake()
	defer cancel()
	b.Leave(p)
	for range changes { // until there are none any more
	}
	return b.Part(0) // waits for whoever closes it
}

func (p *person) unlocks(run bool) {
	p.t.Helper()
	signIn := p.back.SignInStill
	if run {
		signIn = p.back.SignIn
	}
	var err error
	p.p, err = signIn(p.t.Context(), p.name, passphrase)
	must(p.t, err)
}

// conversation is one that both sides know, with nothing on its way.
func conversation(w *town, rosa *person) care.EventID {
	w.t.Helper()
	marisol := w.at("marisol")
	part := marisol.part(marisol.writesAndSends("Lee", "Rash", "It itches."))
	// Her profile runs, and nobody may pull beside it.
	rosa.waitFor("the message to be here", func() bool { return kinds(w.t, rosa, part, event.Opened)+kinds(w.t, rosa, part, event.Sent) == 2 })
	rosa.waitFor("her computer to have told of its audit record", func() bool {
		told := 0
		must(w.t, rosa.desk().DB.Read(rosa.ctx(), func(tx *sql.Tx) error {
			all, err := rosa.desk().Journal.LooseOf(rosa.ctx(), tx, event.Digest)
			told = len(all)
			return err
		}))
		return told > 0 && len(left(w.t, rosa)) == 0
	})
	return part
}

func notesOf(t *testing.T, p *person, part care.EventID) int { return kinds(t, p, part, event.Note) }

func await(t *testing.T, happens <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-happens:
	case <-time.After(time.Minute):
		t.Fatalf("waited a minute for: %s", what)
	}
}

func waiting(t *testing.T, p *person) int {
	t.Helper()
	u, err := p.desk().Unsent(t.Context())
	must(t, err)
	return u.N()
}

func testLockedStillSends(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa, proxy := w.behind("rosa")
	part := conversation(w, rosa)
	breaks(proxy, down)
	for _, text := range []string{"Seen.", "Called.", "Called again."} {
		rosa.notes(part, text)
	}
	equal(t, "what is not sent", rosa.locks(), 3)
	if _, err := rosa.p.Views().Thread(t.Context(), part); err == nil {
		t.Error("the record is still open")
	}
	before := w.mail.Count(t, w.local(w.offices["Lee"].Mailbox), "INBOX")
	proxy.Break(nil)
	w.mail.Await(t, w.local(w.offices["Lee"].Mailbox), "INBOX", before+3)
	equal(t, "what is left", rosa.back.Part(time.Minute), 0)

	connections := proxy.Opened()
	rosa.unlocks(false)
	equal(t, "what waits", waiting(t, rosa), 0)
	rosa.sends()
	equal(t, "connections after the unlock", proxy.Opened(), connections)
	equal(t, "letters at the office", w.mail.Count(t, w.local(w.offices["Lee"].Mailbox), "INBOX"), before+3)
	spooled, err := filepath.Glob(filepath.Join(rosa.dir(), "spool*"))
	must(t, err)
	equal(t, "spools left", len(spooled), 0)
	ana := w.at("ana")
	ana.pulls()
	equal(t, "notes that a colleague reads", notesOf(t, ana, part), 3)
}

// What is refused while the screen is locked is said in its conversation, also where Postern ended in between. A claim
// waits for who can see whether a colleague was first, and a text that can still be decided upon is not touched.
func testLockedIsRefused(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa, proxy := w.behind("rosa")
	part := conversation(w, rosa)
	ana := w.at("ana")
	own := w.local(w.people["marisol"].desk().Mailbox)
	breaks(proxy, atDATA)
	rosa.says(part, "We looked.")
	rosa.waitFor("the reply to be a fact", func() bool { return kinds(t, rosa, part, event.Sent) == 2 })
	breaks(proxy, down)
	rosa.claims(part)
	rosa.says(part, "And once more.")
	must(t, w.mail.Without(t.Context(), own))
	w.untilRefused(own)
	equal(t, "what is not sent: a reply, a claim and a text", rosa.locks(), 3)
	refused := make(chan struct{})
	once := sync.OnceFunc(func() { close(refused) })
	office := w.local(w.offices["Lee"].Mailbox)
	before := w.mail.Count(t, office, "INBOX")
	proxy.Break(func(line string) bool {
		if strings.HasPrefix(line, "550") {
			once()
		}
		return false
	})
	await(t, refused, "a refusal")
	w.mail.Await(t, office, "INBOX", before+1)
	equal(t, "what is not sent: the claim and the text", rosa.back.Part(time.Minute), 2)
	rosa.off()
	spool, err := os.ReadFile(filepath.Join(rosa.dir(), "spool"))
	must(t, err)
	if bytes.Contains(spool, []byte("mb_")) || bytes.Contains(spool, []byte("refused")) {
		t.Errorf("the spool can be read: %q", spool)
	}

	breaks(proxy, down)
	rosa.on(false)
	equal(t, "what the conversation is told", kinds(t, rosa, part, event.Failed), 1)
	found := false
	for _, it := range rosa.sees(part).Items {
		if it.Text == "We looked." {
			found = true
			if it.State != view.StateFailed || it.Why == "" {
				t.Errorf("the reply is shown as %s: %q", it.State, it.Why)
			}
		}
	}
	equal(t, "the reply is shown", found, true)
	equal(t, "replies that are facts", kinds(t, rosa, part, event.Sent), 2)
	proxy.Break(nil)
	rosa.sends()
	ana.pulls()
	equalTexts(t, "ana reads", ana.texts(part), "It itches.", "We looked.", "And once more.")
	equal(t, "claims at the office", kinds(t, ana, part, event.Owner), 1)
}

// Who signs in again while a letter is being handed over does not wait for it: it goes again with the profile open.
func testUnlockedWhileItSends(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa, proxy := w.behind("rosa")
	part := conversation(w, rosa)
	breaks(proxy, down)
	rosa.notes(part, "Seen.")
	rosa.notes(part, "Called.")
	equal(t, "what is not sent", rosa.locks(), 2)
	reached, release := make(chan struct{}), make(chan struct{})
	first := true
	proxy.Rewrite(func(line string) string {
		if first && strings.HasPrefix(line, "354") {
			first = false
			close(reached)
			<-release
		}
		return line
	})
	breaks(proxy, nil)
	await(t, reached, "a letter on its way")
	rosa.unlocks(true)
	close(release)
	rosa.waitFor("all to go out", func() bool { return waiting(t, rosa) == 0 })
	ana := w.at("ana")
	ana.pulls()
	equal(t, "notes that a colleague reads", notesOf(t, ana, part), 2)
}

// Who ends Postern while letters still go on finds them in the outbox, also where what became of them cannot be read.
func testLockedAndEnded(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa, proxy := w.behind("rosa")
	part := conversation(w, rosa)
	tries := func() int { return strings.Count(proxy.Said(), "DATA\r\n") }
	before := tries()
	breaks(proxy, atDATA)
	rosa.notes(part, "Seen.")
	rosa.notes(part, "Called.")
	rosa.waitFor("a try", func() bool { return tries() > before })
	equal(t, "what is not sent", rosa.locks(), 2)
	equal(t, "what is left", rosa.back.Part(0), 2)
	rosa.off()
	must(t, os.WriteFile(filepath.Join(rosa.dir(), "spool"), []byte("no spool at all, but something else"), 0o600))
	proxy.Break(nil)
	rosa.on(true)
	rosa.waitFor("all to go out", func() bool { return waiting(t, rosa) == 0 })
	ana := w.at("ana")
	ana.pulls()
	equal(t, "notes that a colleague reads", notesOf(t, ana, part), 2)
}

// writeAndLock is a child that signs in, writes three notes without a mail system, says so, and locks when it hears a
// line.
func writeAndLock(ctx context.Context, b *backend.Backend, o childOrder) error {
	p, err := b.SignIn(ctx, o.Name, passphrase)
	if err != nil {
		return err
	}
	for i := range 3 {
		d, err := p.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNote, Part: o.Part, Text: care.Text(fmt.Sprint("note ", i))})
		if err != nil {
			return err
		}
		if err := p.Desk().SaveNote(ctx, d.ID); err != nil {
			return err
		}
	}
	fmt.Println("written")
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	n := lockAndWait(b, p)
	for range 3 { // what waits for its finalizer goes with a later one
		runtime.GC()
	}
	fmt.Println("locked", n)
	in.Scan() // until it is killed
	return nil
}

// testLockedAndKilled: a program that locked has none of the keys in its memory, and one that is killed while it sends
// loses nothing.
func testLockedAndKilled(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa, proxy := w.behind("rosa")
	part := conversation(w, rosa)
	rosa.off()
	breaks(proxy, down)
	keys := map[string][]byte{}
	rosa.secrets(func(s *vault.Secrets) {
		keys["device"] = bytes.Clone(s.Device.Seed())
		keys["record"] = bytes.Clone(s.Store)
		_, secret, _ := strings.Cut(s.Mailboxes[0].Secret, ":")
		keys["mailbox"] = []byte(secret)
	})

	order, err := json.Marshal(childOrder{Data: rosa.data, Name: rosa.name, Part: part, Lock: true})
	must(t, err)
	cmd := exec.Command(os.Args[0])
	// What nobody holds any more is overwritten by the collector there, so that what is found is held.
	cmd.Env = append(os.Environ(), childEnv+"="+string(order), "GODEBUG=clobberfree=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, but after a failure
	said := bufio.NewScanner(out)
	hears := func(want string) {
		t.Helper()
		if !said.Scan() || said.Text() != want {
			t.Fatalf("the child says %q, not %q", said.Text(), want)
		}
	}
	hears("written")
	look := func(when string, there map[string]bool) {
		t.Helper()
		found, err := inMemory(cmd.Process.Pid, keys)
		if err != nil {
			t.Logf("its memory cannot be looked at: %v", err)
			return
		}
		for name, want := range there {
			equal(t, fmt.Sprintf("the key of the %s is in memory, %s", name, when), found[name], want)
		}
	}
	look("unlocked", map[string]bool{"device": true})
	_, err = io.WriteString(in, "\n")
	must(t, err)
	hears("locked 3")
	look("locked", map[string]bool{"device": false, "record": false, "mailbox": false})

	lost := proxy.Arm(posttest.CutBeforeReply())
	breaks(proxy, nil)
	await(t, lost, "a letter on its way")
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed

	rosa.on(true)
	rosa.waitFor("all to go out", func() bool { return waiting(t, rosa) == 0 })
	ana := w.at("ana")
	ana.pulls()
	equal(t, "notes that a colleague reads", notesOf(t, ana, part), 3)
}

// inMemory says which of some keys stand anywhere in the memory of a process that this one may look at.
func inMemory(pid int, keys map[string][]byte) (map[string]bool, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer func() { _ = mem.Close() }() // it was only read
	found, read := map[string]bool{}, 0
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 63)
		end, err2 := strconv.ParseUint(to, 16, 63)
		if err1 != nil || err2 != nil || !strings.HasPrefix(fields[1], "rw") {
			continue
		}
		const piece = 8 << 20
		for at := int64(begin); at < int64(end); at += piece {
			part := make([]byte, min(piece+64, int64(end)-at)) // a key may lie across two pieces
			n, err := mem.ReadAt(part, at)
			if err != nil && n == 0 {
				continue // reserved and not there
			}
			read += n
			for name, key := range keys {
				found[name] = found[name] || bytes.Contains(part[:n], key)
			}
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("process %d shows nothing", pid)
	}
	return found, nil
}
