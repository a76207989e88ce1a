package backend

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/gateway"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
)

// TestMain is also the gateway of another computer: this program again, in a network of its own.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POSTERN_TEST_GATEWAY"); dir != "" {
		if err := elsewhere(dir, os.Getenv("POSTERN_TEST_HOST")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func elsewhere(dir, host string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o, err := gateway.Serving(host, 993, 465)
	if err != nil {
		return err
	}
	o.Domain, o.Log = "elsewhere.test", slog.New(slog.NewTextHandler(os.Stderr, nil))
	g, err := gateway.Open(ctx, dir, o)
	if err != nil {
		return err
	}
	err = g.Run(ctx, func() { fmt.Println("ready") })
	if closed := g.Close(); err == nil {
		err = closed
	}
	return err
}

// runGateway runs a gateway on another computer until stop, whose log it gives.
func runGateway(t *testing.T, n posttest.Network, dir string) (said func() string, stop func()) {
	t.Helper()
	cmd := n.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "POSTERN_TEST_GATEWAY="+dir, "POSTERN_TEST_HOST="+n.Host)
	var log lockedBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the gateway elsewhere: %v\n%s", err, log.String())
		}
	})
	t.Cleanup(stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the gateway elsewhere says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // it says nothing more
	return log.String, stop
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// accountsOf makes an accounts file at the gateway in a folder, as "postern gateway accounts" does while it runs.
func accountsOf(t *testing.T, dir string, w Wanted) []byte {
	t.Helper()
	g, err := gateway.Open(t.Context(), dir, gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := WriteAccounts(t.Context(), g, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// The mail system is another computer's: a practice is founded with its accounts file, people enrol over the network, and the
// main job is done. Whoever takes that computer's place with an authority of their own gets nothing: no password, no letter.
func TestOverTheNetwork(t *testing.T) {
	n := posttest.NewNetwork(t)
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "gateway")
	_, stop := runGateway(t, n, dir)
	file := accountsOf(t, dir, Wanted{Mailboxes: 3, Offices: 3, Logins: 4})

	choice := MailChoice{Elsewhere: true, Accounts: file}
	steps, err := alone(t).TryMail(ctx, choice)
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)
	priya, member := fromAnEmptyFolder(t, alone, choice)
	reg := priya.Registrar()
	state, err := reg.Mail(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !state.Elsewhere || state.IMAP != n.Host+":993" || state.SMTP != n.Host+":465" || state.Left != 3 || state.Problem != "" {
		t.Errorf("%+v", state)
	}
	if steps, err = reg.TryMail(ctx); err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)

	// Another takes its place.
	stop()
	said, stopOther := runGateway(t, n, filepath.Join(t.TempDir(), "other"))
	until(t, "the member's computer does not trust it", func() bool {
		member.SyncNow()
		s := member.Sync()
		return s.Phase == care.SyncRefused && strings.Contains(s.Problem, "authority")
	})
	d, err := member.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: member.replica.Books.Book().Offices()[0].ID, Subject: "Secret", Text: "For the clinic alone."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Desk().SendMessage(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	if err := member.Desk().SendNow(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
	waits := func() int { waiting, _ := member.Waiting(ctx); return waiting }
	if waits() == 0 {
		t.Error("nothing waits, and nobody can have taken it")
	}
	if steps, err = reg.TryMail(ctx); err != nil || len(steps) != 2 || !strings.Contains(steps[1].Problem, "authority") {
		t.Errorf("%v, %v", steps, err)
	}
	paul, err := reg.AddMember(ctx, care.Patient{Name: "Paul Grant", Born: "1971-05-06", MRN: "1111 2222"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i, err := reg.Invite(ctx, paul.Person.ID)
	if err != nil {
		t.Fatal(err)
	}
	home := alone(t)
	id, err := home.Enrol(Enrolment{File: i.File, Code: i.Code, Born: "1971-05-06", Label: "Paul", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the invitation's pin holds", func() bool {
		now, err := home.Enrolling(id)
		return err == nil && now.Step == EnrolSending && strings.Contains(now.Problem, "authority")
	})
	if strings.Contains(said(), "password") || waits() == 0 {
		t.Errorf("the other one learnt something: %s", said())
	}

	// The right one is back.
	stopOther()
	runGateway(t, n, dir)
	until(t, "the letter goes", func() bool { member.SyncNow(); return waits() == 0 })
	until(t, "the enrolment goes on", func() bool {
		priya.SyncNow()
		reg.Kick()
		now, err := home.Enrolling(id)
		return err == nil && now.Step == EnrolDone
	})
}
