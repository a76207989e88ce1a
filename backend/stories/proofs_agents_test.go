package stories

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
)

// runAgent is the child of TestProof30KilledAgents: what `postern agent --mail` runs, by a clock that is moved on its standard input,
// until it is killed.
func runAgent(o childOrder) error {
	var ahead, left atomic.Int64
	ahead.Store(int64(o.Ahead))
	b := backend.New(o.Data, slog.New(slog.NewTextHandler(os.Stderr, nil)), func() time.Time {
		if left.Add(-1) == 0 { // between any two steps: all of them ask for the time
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
		return time.Now().Add(time.Duration(ahead.Load()))
	})
	if err := b.UseMail(o.Mail); err != nil {
		return err
	}
	p, err := b.SignIn(newChildContext(), o.Name, passphrase)
	if err != nil {
		return err
	}
	go func() { // its timers go by a clock that nobody moves
		for range time.Tick(80 * time.Millisecond) {
			p.Desk().Wake(command.Change{Texts: true})
		}
	}()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		verb, number, _ := strings.Cut(in.Text(), " ")
		n, _ := strconv.ParseInt(number, 10, 64)
		switch verb {
		case "ahead":
			ahead.Store(n)
			p.SyncNow()
		case "dies":
			left.Store(n)
		case "still":
			if err := nothingToDo(p); err != nil {
				return err
			}
			fmt.Println("still")
		}
	}
	return nil
}

// nothingToDo returns once a profile has read all that there is and handed over all that it had, twice in a row: what it read last
// may have given it something to do.
func nothingToDo(p *backend.Profile) error {
	for idle := 0; idle < 2; time.Sleep(100 * time.Millisecond) {
		h, err := p.Health(newChildContext())
		if err != nil {
			return err
		}
		if !p.Replica().InStep() || len(h.Waiting) > 0 || h.Mails.N > 0 {
			idle = 0
			continue
		}
		idle++
		p.SyncNow()
	}
	return nil
}

// killable is a computer of the agent's as a process.
type killable struct {
	*person
	mail  string
	lag   time.Duration // of its clock
	cmd   *exec.Cmd     // nil: it is off
	in    io.Writer
	out   *bufio.Reader
	kills int
}

func (k *killable) start(ahead time.Duration) error {
	order, err := json.Marshal(childOrder{Data: k.data, Name: k.name, Mail: k.mail, Ahead: ahead - k.lag})
	if err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(order))
	log, err := os.OpenFile(filepath.Join(k.data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if k.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	k.cmd, k.out = cmd, bufio.NewReader(out)
	return nil
}

// kill ends it by SIGKILL. That it had ended by itself is an error.
func (k *killable) kill() error {
	if k.cmd == nil {
		return nil
	}
	_ = k.cmd.Process.Kill() // that it had ended is said then
	return k.dies()
}

// dies waits until it has killed itself, or kills it after a while.
func (k *killable) dies() error {
	cmd := k.cmd
	k.cmd = nil
	limit := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	err := cmd.Wait()
	if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("%s ended by itself: %w", filepath.Base(k.data), err)
	}
	k.kills++
	return nil
}

// asks tells it a word and waits for its answer.
func (k *killable) asks(word string) error {
	limit := time.AfterFunc(2*time.Minute, func() { _ = k.cmd.Process.Kill() })
	defer limit.Stop()
	if _, err := fmt.Fprintln(k.in, word); err != nil {
		return err
	}
	for {
		line, err := k.out.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%s does not answer: %w", filepath.Base(k.data), err)
		}
		if strings.TrimSpace(line) == word {
			return nil
		}
	}
}

// standby are the two computers of the agent's, and who kills them.
type standby struct {
	t     *testing.T
	town  *town
	ahead time.Duration
	all   []*killable
	rng   *rand.Rand
	start time.Duration // how long one takes from its start to having nothing to do
}

// moves moves everybody's clock.
func (s *standby) moves(by time.Duration) {
	s.t.Helper()
	s.town.clock.move(by)
	s.ahead += by
	for _, k := range s.all {
		if k.cmd != nil {
			_, err := fmt.Fprintln(k.in, "ahead", int64(s.ahead-k.lag))
			must(s.t, err)
		}
	}
}

// rest returns once those that run have nothing left to do.
func (s *standby) rest() {
	s.t.Helper()
	for range 2 { // what the second did last, the first has to read
		for _, k := range s.all {
			if k.cmd != nil {
				must(s.t, k.asks("still"))
			}
		}
	}
}

// kills ends those of some computers that run, and starts those that do not, so many times, at random moments. In the end all of them
// run.
func (s *standby) kills(times int, some ...*killable) (over func()) {
	type strike struct {
		at    *killable
		after time.Duration
	}
	var strikes []strike
	for range times {
		strikes = append(strikes, strike{some[s.rng.IntN(len(some))], time.Duration(s.rng.Int64N(int64(s.start)))})
	}
	ahead := s.ahead
	done := make(chan error, 1)
	go func() {
		err := func() error {
			for _, x := range strikes {
				time.Sleep(x.after)
				do := x.at.kill
				if x.at.cmd == nil {
					do = func() error { return x.at.start(ahead) }
				}
				if err := do(); err != nil {
					return err
				}
			}
			for _, k := range some {
				if k.cmd == nil {
					if err := k.start(ahead); err != nil {
						return err
					}
				}
			}
			return nil
		}()
		done <- err
	}()
	return func() { s.t.Helper(); must(s.t, <-done) }
}

// TestProof30KilledAgents: two computers of the agent's, of which the one that speaks first is five minutes late, are killed at random
// moments and started again while 100 messages come and are answered. In the end each message has one receipt that counts and one due
// date, everywhere the same; of each answer its reader was told, by one ordinary e-mail; and nothing stands twice in any conversation.
// (Entries in the chart come with the way to the EHR.)
func TestProof30KilledAgents(t *testing.T) { posttest.Each(t, testProof30KilledAgents) }

func testProof30KilledAgents(t *testing.T, sys *posttest.System) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	const rounds, each = 5, 20
	seed := rand.Uint64()
	if given := os.Getenv("POSTERN_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		must(t, err)
	}
	t.Logf("POSTERN_SEED=%d", seed)
	w := newTown(t, sys)
	mailbox := w.mailFile(w.telling())
	members, boxes := w.withAddresses(each)
	other, first := w.off("agent", ""), w.off("agent", "-2") // who was taken in last speaks first
	rosa := w.at("rosa")
	s := &standby{t: t, town: w, rng: rand.New(rand.NewPCG(seed, 30))}
	late, second := &killable{person: first, mail: mailbox, lag: 5 * time.Minute}, &killable{person: other, mail: mailbox}
	s.all = []*killable{late, second}
	t.Cleanup(func() {
		for _, k := range s.all {
			if err := k.kill(); err != nil {
				t.Error(err)
			}
			if log, err := os.ReadFile(filepath.Join(k.data, "log")); err == nil && t.Failed() {
				t.Logf("%s: %s", filepath.Base(k.data), log[max(0, len(log)-6000):])
			}
		}
	})
	for _, k := range s.all {
		must(t, k.start(0))
	}
	s.rest()
	must(t, late.kill())
	begun := time.Now()
	must(t, late.start(0))
	must(t, late.asks("still"))
	s.start = time.Since(begun)
	for _, p := range append([]*person{rosa}, members...) {
		p.pulls()
	}

	parts := make([]care.EventID, each)
	for round := range rounds {
		begun := time.Now()
		over := s.kills(3, s.all...)
		for i, m := range members {
			if text := fmt.Sprint("Question ", round); round == 0 {
				parts[i] = m.part(m.writesAndSends("Lee", "A rash", text))
			} else {
				m.says(parts[i], text)
				m.sends()
			}
		}
		rosa.pulls()
		for _, part := range parts {
			rosa.says(part, fmt.Sprint("Answer ", round))
		}
		rosa.sends()
		over()
		s.rest()
		before := s.ahead
		if round%2 == 0 {
			s.moves(6 * time.Minute)
		} else { // the first is off; while the other tells in its place, that is killed and the first comes back
			must(t, late.kill())
			s.rest()
			already := told(t, rosa, parts, round) // by the first, where all this took long
			s.moves(11 * time.Minute)
			s.rest()
			if n := told(t, rosa, parts, round); n > already {
				t.Errorf("round %d: the second computer told of %d, and it was not its turn", round, n-already)
			}
			_, err := fmt.Fprintln(second.in, "dies", 20+s.rng.IntN(20*each)) // in the midst of it
			must(t, err)
			s.moves(16 * time.Minute)
			must(t, second.dies())
			must(t, late.start(s.ahead))
			s.rest()
			s.moves(70 * time.Second)
		}
		s.kills(3, s.all...)()
		for tries := 0; told(t, rosa, parts, round) < each || mailed(t, sys, boxes) < each*(round+1); tries++ {
			if tries == 6 {
				t.Fatalf("round %d: %d of %d are told, by %d mails in all", round, told(t, rosa, parts, round), each, mailed(t, sys, boxes))
			}
			s.rest()
			s.moves(70 * time.Second) // who came back has to hear first
		}
		s.rest()
		for i, m := range members {
			m.pulls()
			m.reads(parts[i])
			m.sends()
		}
		rosa.pulls()
		s.moves(24*time.Hour - (s.ahead - before))
		t.Logf("round %d took %v", round, time.Since(begun).Round(time.Millisecond))
	}
	s.rest()
	kills := 0
	for _, k := range s.all {
		must(t, k.kill())
		kills += k.kills
	}
	t.Logf("%d kills, %v from start to rest", kills, s.start)

	// What the ordinary mailboxes hold.
	twice := 0
	for _, box := range boxes {
		ids := map[string]bool{}
		all := sys.Messages(t, box, "INBOX")
		for _, m := range all {
			read, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			must(t, err)
			ids[read.Header.Get("Message-Id")] = true
		}
		twice += len(all) - len(ids)
		if len(ids) != rounds {
			t.Errorf("%d different mails to one who is to be told %d times", len(ids), rounds)
		}
	}
	// Who is killed between the mail system's word and the note of it hands the same mail over again.
	if twice > kills {
		t.Errorf("%d mails came again, of %d kills", twice, kills)
	}
	t.Logf("%d mails came again, the same", twice)

	// What each replica holds, one that begins anew among them.
	first.on(false)
	other.on(false)
	fresh := w.second("agent", "-3")
	for _, p := range append([]*person{rosa, first, other, fresh}, members...) {
		p.pulls()
	}
	notices := 0
	for i, part := range parts {
		want := folded(t, rosa, part)
		for _, p := range []*person{first, other, fresh, members[i]} {
			if got := folded(t, p, part); got.Dump() != want.Dump() {
				t.Errorf("%s and rosa disagree:\n%s\n%s", filepath.Base(p.data), got.Dump(), want.Dump())
			}
		}
		for _, p := range []*person{rosa, members[i]} {
			shown := items(p, part, view.ItemMessage)
			equal(t, "messages that are shown", len(shown), 2*rounds)
			for n, it := range shown {
				want := fmt.Sprint("Question ", n/2)
				if n%2 == 1 {
					want = fmt.Sprint("Answer ", n/2)
				}
				equal(t, "a message", string(it.Text), want)
				if it.Member && it.Due.IsZero() {
					t.Errorf("%q has no due date", it.Text)
				}
				if p == rosa && !it.Member && it.Told == nil {
					t.Errorf("of %q nobody was told", it.Text)
				}
			}
		}
		receipts, changes, tellings := map[care.EventID]string{}, 0, map[care.EventID]int{}
		for _, e := range entries(t, fresh, part) {
			switch b := e.Body.(type) {
			case event.ReceivedBody:
				is := fmt.Sprint(b.Received, b.Due, b.Cover)
				if had, again := receipts[b.Message]; again && had != is {
					t.Errorf("two receipts of one message: %s and %s", had, is)
				}
				receipts[b.Message] = is
			case event.DueBody:
				changes++
			case event.NoticeBody:
				tellings[b.Message]++
				notices++
			}
		}
		equal(t, "messages with a receipt", len(receipts), rounds)
		equal(t, "changed due dates", changes, 0)
		equal(t, "answers of which somebody was told", len(tellings), rounds)
	}
	// One that was being handed over when its computer was killed may be there beside another's; its mail did not go out.
	if notices < rounds*each || notices > rounds*each+kills {
		t.Errorf("%d notices of %d answers, with %d kills", notices, rounds*each, kills)
	}
	t.Logf("%d notices", notices)
}

// told counts the answers of a round of which the office knows that somebody was told.
func told(t *testing.T, p *person, parts []care.EventID, round int) (n int) {
	t.Helper()
	p.pulls()
	for _, part := range parts {
		for _, it := range items(p, part, view.ItemMessage) {
			if it.Told != nil && string(it.Text) == fmt.Sprint("Answer ", round) {
				n++
			}
		}
	}
	return n
}

// mailed counts the mails in some ordinary mailboxes, those that came again once.
func mailed(t *testing.T, sys *posttest.System, boxes []string) (n int) {
	t.Helper()
	for _, box := range boxes {
		ids := map[string]bool{}
		for _, m := range sys.Messages(t, box, "INBOX") {
			read, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			must(t, err)
			ids[read.Header.Get("Message-Id")] = true
		}
		n += len(ids)
	}
	return n
}

// entries are the events of a conversation that count for somebody.
func entries(t *testing.T, p *person, part care.EventID) (all []*event.Event) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		kept, err := p.desk().Journal.Thread(p.ctx(), tx, part)
		all = command.Events(kept)
		return err
	}))
	return all
}

func folded(t *testing.T, p *person, part care.EventID) fold.Conversation {
	t.Helper()
	return fold.Fold(entries(t, p, part), p.desk().Directory())
}

// withAddresses takes in members with an ordinary mailbox each, and switches their computers on.
func (w *town) withAddresses(n int) (all []*person, boxes []string) {
	w.t.Helper()
	for i := range n {
		box, name := w.mail.AddMailbox(w.t), fmt.Sprint("member", i)
		m, err := w.reg.AddMember(w.t.Context(), care.Patient{Name: name, Born: "1970-01-02", Sex: "F", MRN: fmt.Sprintf("7000 %04d", i), Email: w.mail.Address(box)},
			[]care.Relation{{Office: w.offices["Lee"].ID, Why: "primary"}})
		must(w.t, err)
		w.who[name] = m.Person.ID
		p := &person{t: w.t, name: name, town: w, data: filepath.Join(w.dir, "computer-"+name), clock: &w.clock}
		must(w.t, makeQuietly(w, p))
		w.people[name] = p
		all, boxes = append(all, p), append(boxes, box)
	}
	w.publish()
	for _, p := range all {
		p.on(false)
	}
	return all, boxes
}

// mailFile is the file that describes the agent's ordinary mailbox.
func (w *town) mailFile(s agent.Settings) string {
	w.t.Helper()
	raw, err := json.Marshal(map[string]any{"from": s.From, "replies": s.Replies, "login": map[string]any{
		"user": s.Login.User, "password": s.Login.Password, "smtp": s.Login.SMTP, "imap": s.Login.IMAP, "roots": s.Login.Roots}})
	must(w.t, err)
	file := filepath.Join(w.dir, "mail.json")
	must(w.t, os.WriteFile(file, raw, 0o600))
	return file
}
