package stories

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"postern/backend/post/posttest"
	"strings"
	"syscall"
	"testing"
	"time"

	"log/slog"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/draft"
)

// A child of TestProof31 is this test binary again, as a member's computer that ends itself by SIGKILL after its nth
// commit: so every change of state that it makes is once the last one.
const childEnv = "POSTERN_STORIES_CHILD"

type childOrder struct {
	Data, Name string
	Office     care.OfficeID
	Commits    int // after which it kills itself; 0: never
	Write      bool
	Part       care.EventID  // not zero: it writes two replies there and a draft, with no mail system, and is killed
	Lock       bool          // it writes three notes there instead, and locks once it is told to
	Mail       string        // not empty: it is the agent's, with this file of its ordinary mailbox
	Ahead      time.Duration // of its clock
	Serve      bool          // it runs until its standard input ends, and tells how it stands
}

// TestMain runs a child where this process is one.
func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		if err := child(order); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child signs in, writes one message if it is told to, and runs until everything is handed over.
func child(text string) error {
	var o childOrder
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	if o.Mail != "" {
		return runAgent(o)
	}
	ctx := newChildContext()
	if o.Serve {
		return serve(ctx, o)
	}
	b := backend.New(o.Data, slog.New(slog.DiscardHandler), nil)
	if o.Lock {
		return writeAndLock(ctx, b, o)
	}
	p, err := b.SignInStill(ctx, o.Name, passphrase)
	if err != nil {
		return err
	}
	if !o.Part.IsZero() {
		return writeOffline(ctx, p, o)
	}
	n := 0
	p.Desk().DB.Committed = func() {
		if n++; n == o.Commits {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	if o.Write {
		d, err := p.Desk().SaveDraft(ctx, draft.Draft{ID: "dr_aaaaaaaaaaaaaaaa", What: command.DraftNew, Office: o.Office, Subject: "Killed", Text: "Once."})
		if err != nil && care.KindOf(err) != care.Conflict {
			return err
		}
		if err == nil {
			fmt.Println("typed")
		}
		if _, err := p.Desk().SendMessage(ctx, "dr_aaaaaaaaaaaaaaaa"); err != nil {
			return err
		}
		if err := p.Desk().SendNow(ctx, d.ID); err != nil {
			return err
		}
	}
	if err := p.Replica().Pull(ctx); err != nil {
		return err
	}
	for {
		if err := p.Replica().Settle(ctx); err != nil {
			return err
		}
		if left, err := p.Waiting(ctx); err != nil || left == 0 {
			break
		}
	}
	if err := p.Replica().Pull(ctx); err != nil {
		return err
	}
	fmt.Println("commits:", n)
	b.Close()
	return nil
}

// writeOffline writes two replies and a draft while no mail system answers, and is killed.
func writeOffline(ctx context.Context, p *backend.Profile, o childOrder) error {
	for _, text := range []care.Text{"one", "two"} {
		d, err := p.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftReply, Part: o.Part, Text: text})
		if err != nil {
			return err
		}
		if _, err := p.Desk().SendReply(ctx, d.ID); err != nil {
			return err
		}
		if err := p.Desk().SendNow(ctx, d.ID); err != nil {
			return err
		}
	}
	if _, err := p.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: o.Office, Text: "three, not finished"}); err != nil {
		return err
	}
	if err := p.Replica().Settle(ctx); err == nil {
		return errors.New("a mail system answered")
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// TestKilledOffline: the mail system is stopped; a member writes two replies and a draft; the program is killed and
// started; the mail system comes back. Both arrive once, in order, and the draft is there.
func TestKilledOffline(t *testing.T) { posttest.Each(t, testKilledOffline) }

func testKilledOffline(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.at("marisol"), w.at("ana")
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "zero"))
	marisol.pulls()
	marisol.off()
	w.mail.StopServers(t)
	if killed, out := runChild(t, childOrder{Data: marisol.data, Name: marisol.name, Office: w.offices["Lee"].ID, Part: part}); !killed {
		t.Fatalf("the program was not killed: %s", out)
	}
	marisol.on(true)
	w.mail.StartServers(t)
	marisol.p.SyncNow()
	marisol.waitFor("both to go out", func() bool {
		u, err := marisol.desk().Unsent(t.Context())
		return err == nil && u.N() == 0
	})
	marisol.off()
	marisol.on(false)
	ana.pulls()
	equalTexts(t, "ana reads", ana.texts(part), "zero", "one", "two")
	left := drafts(t, marisol)
	if len(left) != 1 || left[0].Text != "three, not finished" {
		t.Errorf("drafts: %+v", left)
	}
}

// TestProof31KilledAtEveryTransition: a member's computer is killed after each of its commits in turn, from the first
// letter typed to the letter confirmed, and started again; in the fold of every mailbox each message is there once.
func TestProof31KilledAtEveryTransition(t *testing.T) {
	posttest.Each(t, testProof31KilledAtEveryTransition)
}

func testProof31KilledAtEveryTransition(t *testing.T, sys *posttest.System) {
	if testing.Short() {
		t.Skip("starts a process for each commit")
	}
	w := newTown(t, sys)
	ana := w.at("ana")
	const most = 60
	for n := 1; ; n++ {
		if n > most {
			t.Fatalf("sending one message took more than %d commits", most)
		}
		m := w.off("marisol", fmt.Sprintf("-%d", n))
		killed, out := runChild(t, childOrder{Data: m.data, Name: m.name, Office: w.offices["Lee"].ID, Commits: n, Write: true})
		typed := strings.Contains(out, "typed") || n > 1
		if killed {
			// Started again as a person would: the text is a draft, held, waiting or sent; what is held goes out.
			if again, out := runChild(t, childOrder{Data: m.data, Name: m.name, Office: w.offices["Lee"].ID, Write: true}); again {
				t.Fatalf("the second start ended: %s", out)
			}
		} else if !strings.Contains(out, "commits:") {
			t.Fatalf("child %d: %s", n, out)
		}
		m.on(false)
		m.pulls()
		ana.pulls()
		if got := len(ana.rows()); typed && got != n {
			t.Fatalf("killed after commit %d: the office has %d conversations, want %d", n, got, n)
		}
		for _, r := range ana.rows() {
			equalTexts(t, fmt.Sprintf("after commit %d", n), ana.texts(r.Part), "Once.")
		}
		equal(t, "drafts left", len(drafts(t, m)), 0)
		m.off()
		if !killed {
			t.Logf("%d commits, each was the last one once", n-1)
			return
		}
	}
}

func runChild(t *testing.T, o childOrder) (killed bool, out string) {
	t.Helper()
	order, err := json.Marshal(o)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(order))
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	var lines strings.Builder
	for s := bufio.NewScanner(pipe); s.Scan(); {
		lines.WriteString(s.Text() + "\n")
	}
	err = cmd.Wait()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true, lines.String()
	}
	if err != nil {
		t.Fatalf("child: %v\n%s", err, lines.String())
	}
	return false, lines.String()
}

func drafts(t *testing.T, p *person) []draft.Draft {
	t.Helper()
	all, err := p.drafted()
	must(t, err)
	return all
}

// TestProof45TakenBack: a text in its hold, or waiting, is edited or taken back, with a crash before and after; no event
// of it exists. Once submission has begun it cannot be edited.
func TestProof45TakenBack(t *testing.T) { posttest.Each(t, testProof45TakenBack) }

func testProof45TakenBack(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	ana := w.at("ana")
	marisol := w.at("marisol")
	d := marisol.drafts(newDraft(w, "Lee", "Held", "first words"))
	_, err := marisol.desk().SendMessage(t.Context(), d.ID)
	must(t, err)
	marisol.off() // a crash in the hold: what is committed stays, nothing else is kept
	marisol.on(false)
	back, err := marisol.desk().TakeBack(t.Context(), d.ID)
	must(t, err)
	equal(t, "the text", string(back.Text), "first words")
	marisol.off()
	marisol.on(false)
	marisol.pulls()
	marisol.sends()
	equal(t, "drafts", len(drafts(t, marisol)), 1)
	equal(t, "events", events(t, marisol).all, 0)
	ana.pulls()
	equal(t, "at the office", len(ana.rows()), 0)

	// Edited while it waits without a mail system, then sent: only the edited text ever existed.
	back.Text = "second words"
	_, err = marisol.desk().SaveDraft(t.Context(), back)
	must(t, err)
	_, err = marisol.desk().SendMessage(t.Context(), back.ID)
	must(t, err)
	w.clock.move(time.Minute) // past its hold
	marisol.sends()
	if _, err := marisol.desk().TakeBack(t.Context(), back.ID); care.KindOf(err) != care.Conflict {
		t.Errorf("a text on its way was taken back: %v", err)
	}
	if _, err := marisol.desk().SaveDraft(t.Context(), back); care.KindOf(err) != care.Conflict {
		t.Errorf("a text on its way was edited: %v", err)
	}
	ana.pulls()
	equalTexts(t, "ana reads", ana.texts(marisol.part(back.ID)), "second words")
}
