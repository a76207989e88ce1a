package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"postern/backend/care"
	"postern/backend/post/gateway"
	"postern/backend/post/submit"
)

// inChild names the folder of the gateway that this process is, where it is one; dieAt after how many commits it ends
// itself, as a crash would.
const (
	inChild = "POSTERN_TEST_GATEWAY"
	dieAt   = "POSTERN_TEST_GATEWAY_COMMITS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(inChild); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	g, err := gateway.Open(ctx, dir, quick)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(os.Getenv(dieAt)); err == nil {
		var commits atomic.Int64
		g.AfterCommit(func() {
			if commits.Add(1) == int64(n) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // before anybody is answered
			}
		})
	}
	return errors.Join(g.Run(ctx, func() { fmt.Println("ready") }), g.Close())
}

var quick = gateway.Options{Clear: true, Limits: gateway.Limits{PerMinute: 1_000_000}}

// process is a gateway in a process of its own.
type process struct {
	cmd *exec.Cmd
}

func spawn(t *testing.T, dir string, commits int) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), inChild+"="+dir)
	if commits > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", dieAt, commits))
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		_ = cmd.Process.Kill()
		t.Fatalf("the gateway says %q, %v", line, err)
	}
	return &process{cmd}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Kill() // it may have ended by itself, as was asked
	if err := p.cmd.Wait(); err == nil {
		t.Error("the gateway ended by itself")
	}
}

// TestSurvivesSIGKILL kills the gateway 500 times, at random moments and in the very moment between a commit and its
// answers, while four submitters hand in letters, an owner moves them to another folder and copies some. Of each letter
// that was answered with 250 there is exactly one; one whose answer was lost was submitted again, so there is at least one
// and at most as many as it was submitted. Nothing else is there, counts and sizes agree, and the file holds together.
func TestSurvivesSIGKILL(t *testing.T) {
	kills := killed
	if testing.Short() {
		kills = 40
	}
	dir := t.TempDir()
	g, err := gateway.Open(t.Context(), dir, quick)
	must(t, err)
	_, err = g.Mailbox(t.Context(), "box")
	must(t, err)
	submitter, err := g.NewLogin(t.Context(), "box", gateway.Staff)
	must(t, err)
	owner, err := g.NewLogin(t.Context(), "box", gateway.Owner)
	must(t, err)
	owner.IMAP = g.Endpoint("IMAP", care.TLSNone)
	to := "box@" + g.Domain()
	must(t, g.Close())

	ctx, stop := context.WithCancel(t.Context())
	book := &ledger{tried: map[string]int{}, taken: map[string]int{}, more: make(chan struct{})}
	var working sync.WaitGroup
	for n := range 4 {
		working.Go(func() { submits(ctx, submitter, to, n, book) })
	}
	working.Go(func() { files(ctx, owner) })
	for k := range kills {
		commits := 0
		if k%3 == 0 {
			commits = 1 + rand.IntN(30)
		}
		p := spawn(t, dir, commits)
		if k%2 == 0 { // once something was accepted
			book.await(time.Second)
		}
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond) // a moment that nobody chose: that is what is tried
		p.kill(t)
	}
	p := spawn(t, dir, 0)
	stop()
	working.Wait()
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it does not end cleanly: %v", err)
	}
	book.check(t, dir, owner)
}

// ledger is what submitters know of their letters.
type ledger struct {
	mu    sync.Mutex
	tried map[string]int
	taken map[string]int
	more  chan struct{} // closed as one more is accepted
}

// await waits until one more letter is accepted, but not for long: the gateway may end itself before.
func (l *ledger) await(most time.Duration) {
	l.mu.Lock()
	more := l.more
	l.mu.Unlock()
	select {
	case <-more:
	case <-time.After(most):
	}
}

func submits(ctx context.Context, login care.MailLogin, to string, who int, book *ledger) {
	for n := 0; ctx.Err() == nil; {
		s, err := submit.Dial(ctx, login)
		if err != nil {
			time.Sleep(2 * time.Millisecond) // it was just killed; its ports do not tell when they are back
			continue
		}
		for ctx.Err() == nil {
			name := fmt.Sprintf("letter %d of %d", n, who)
			book.mu.Lock()
			book.tried[name]++
			book.mu.Unlock()
			text := "Subject: " + name + "\r\n\r\n" + strings.Repeat("x\r\n", rand.IntN(3000))
			if n%50 == 0 {
				text += strings.Repeat("a large one, in several pieces\r\n", 20_000)
			}
			if err := s.Send(context.WithoutCancel(ctx), login.Address, to, []byte(text), "e"); err != nil {
				break // it is not known whether it was taken: it is submitted again
			}
			book.mu.Lock()
			book.taken[name]++
			close(book.more)
			book.more = make(chan struct{})
			book.mu.Unlock()
			n++
		}
		_ = s.Close()
	}
}

// files moves letters to Archive and copies some to Junk, as an owner's client does, through every crash.
func files(ctx context.Context, login care.MailLogin) {
	for ctx.Err() == nil {
		_ = func() error {
			c, err := imapclient.DialInsecure(net.JoinHostPort(login.IMAP.Host, strconv.Itoa(login.IMAP.Port)), nil)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			if err := c.Login(login.User, login.Password).Wait(); err != nil {
				return err
			}
			for ctx.Err() == nil {
				if _, err := c.Select("INBOX", nil).Wait(); err != nil {
					return err
				}
				if _, err := c.Move(imap.SeqSet{{Start: 2, Stop: 5}}, "Archive").Wait(); err != nil {
					return err
				}
				time.Sleep(5 * time.Millisecond) // a pace that leaves letters to move
			}
			return nil
		}()
		time.Sleep(5 * time.Millisecond) // as submits
	}
}

// check reads everything that is there.
func (l *ledger) check(t *testing.T, dir string, owner care.MailLogin) {
	t.Helper()
	s := startIn(t, dir, quick)
	must(t, s.Check(t.Context()))
	found := map[string]int{}
	for _, folder := range []string{"INBOX", "Archive"} {
		c, err := imapclient.DialInsecure(net.JoinHostPort(owner.IMAP.Host, strconv.Itoa(owner.IMAP.Port)), nil)
		must(t, err)
		must(t, c.Login(owner.User, owner.Password).Wait())
		_, err = c.Select(folder, nil).Wait()
		must(t, err)
		section := &imap.FetchItemBodySection{Peek: true}
		all, err := c.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			t.Fatalf("read %s: %v after %d letters", folder, err, len(all))
		}
		last := imap.UID(0)
		for _, m := range all {
			body := string(m.FindBodySection(section))
			_, rest, _ := strings.Cut(body, "Subject: ")
			name, _, _ := strings.Cut(rest, "\r\n")
			found[name]++
			if int64(len(body)) != m.RFC822Size || !strings.HasSuffix(body, "\r\n") || m.UID <= last {
				t.Errorf("%s: %d bytes of %d, UID %d after %d", name, len(body), m.RFC822Size, m.UID, last)
			}
			last = m.UID
		}
		must(t, c.Close())
	}
	accepted, resent := 0, 0
	for name, n := range l.taken {
		accepted++
		resent += l.tried[name] - n
		if n != 1 || found[name] < 1 || found[name] > l.tried[name] {
			t.Errorf("%s: accepted %d times, submitted %d times, there %d times", name, n, l.tried[name], found[name])
		}
		if l.tried[name] == 1 && found[name] != 1 {
			t.Errorf("%s was submitted once and is there %d times", name, found[name])
		}
	}
	for name, n := range found {
		if l.tried[name] == 0 || n > l.tried[name] {
			t.Errorf("%s is there %d times and was submitted %d times", name, n, l.tried[name])
		}
	}
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
	t.Logf("%d letters accepted, %d submissions without an answer, %d letters there", accepted, resent, len(found))
}
