package posttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// Mail is one message as a mailbox holds it.
type Mail struct {
	UID      uint32
	Internal time.Time
	Raw      []byte
}

// Append puts messages into a folder, as having arrived at that time, past the mail system's own delivery.
func (s *System) Append(tb testing.TB, local, folder string, at time.Time, messages ...[]byte) {
	tb.Helper()
	if s.own != nil {
		letters := make([]gateway.Letter, len(messages))
		for i, m := range messages {
			letters[i] = gateway.Letter{Arrived: at, Bytes: m}
		}
		if err := s.own.Put(tb.Context(), local, folder, letters...); err != nil {
			tb.Fatal(fmt.Errorf("put into %s of mailbox %s: %w", folder, local, err))
		}
		return
	}
	if err := s.append(tb, local, folder, at, messages); err != nil {
		tb.Fatal(fmt.Errorf("append to %s of mailbox %s: %w", folder, local, err))
	}
}

// append speaks IMAP to Dovecot itself: the library has no command for many messages at once, and one by one takes minutes.
func (s *System) append(tb testing.TB, local, folder string, at time.Time, messages [][]byte) error {
	login, err := s.owner(context.WithoutCancel(tb.Context()), local)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(login.IMAP.Host, strconv.Itoa(login.IMAP.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // every command was answered
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	finish := func(tag string) error {
		if err := w.Flush(); err != nil {
			return err
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			if answer, ok := strings.CutPrefix(line, tag+" "); ok {
				if !strings.HasPrefix(answer, "OK") {
					return errors.New(strings.TrimSpace(answer))
				}
				return nil
			}
		}
	}
	fmt.Fprintf(w, "a LOGIN %s %s\r\n", login.User, login.Password)
	if err := finish("a"); err != nil {
		return err
	}
	for some := range slices.Chunk(messages, 200) {
		fmt.Fprintf(w, "b APPEND %q", folder)
		for _, m := range some {
			fmt.Fprintf(w, " %q {%d+}\r\n%s", at.Format("_2-Jan-2006 15:04:05 -0700"), len(m), m)
		}
		fmt.Fprint(w, "\r\n")
		if err := finish("b"); err != nil {
			return err
		}
	}
	return nil
}

// Limit says how many bytes a mailbox of the recipe's may hold, beside what is in its archive. The gateway has one limit for all
// mailboxes: NewGateway.
func (s *System) Limit(tb testing.TB, local string, bytes int) {
	tb.Helper()
	if s.own != nil {
		tb.Fatal("the gateway has one limit for all mailboxes")
	}
	users := filepath.Join(s.Dir(), "users")
	all, err := os.ReadDir(users)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range all { // its own, and those of its logins
		file := filepath.Join(users, e.Name())
		b, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		line, rule, _ := strings.Cut(strings.TrimSpace(string(b)), " userdb_quota_rule=")
		_, rest, _ := strings.Cut(rule, " ")
		if fields := strings.Fields(line); !strings.HasSuffix(fields[0], "/mail/"+local) {
			continue
		}
		line = strings.TrimSpace(line+" "+rest) + fmt.Sprintf(" userdb_quota_rule=*:storage=%dB", bytes)
		if err := os.WriteFile(file, []byte(line+"\n"), 0o640); err != nil {
			tb.Fatal(err)
		}
	}
}

// Count is how many messages a folder holds.
func (s *System) Count(tb testing.TB, local, folder string) int {
	tb.Helper()
	n := 0
	s.as(tb, local, func(c *imapclient.Client) error {
		data, err := c.Status(folder, &imap.StatusOptions{NumMessages: true}).Wait()
		if err == nil {
			n = int(*data.NumMessages)
		}
		return err
	})
	return n
}

// Messages gives all that a folder holds, by UID.
func (s *System) Messages(tb testing.TB, local, folder string) []Mail {
	tb.Helper()
	var all []Mail
	s.in(tb, local, folder, func(c *imapclient.Client) error {
		section := &imap.FetchItemBodySection{Peek: true}
		got, err := c.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true, InternalDate: true,
			BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		for _, m := range got {
			all = append(all, Mail{UID: uint32(m.UID), Internal: m.InternalDate, Raw: m.FindBodySection(section)})
		}
		return err
	})
	return all
}

// Move moves everything in a folder to another, which is made if it lacks.
func (s *System) Move(tb testing.TB, local, from, to string) {
	tb.Helper()
	s.in(tb, local, from, func(c *imapclient.Client) error {
		_ = c.Create(to, nil).Wait() // it is there, or the move says so
		_, err := c.Move(imap.UIDSet{{Start: 1, Stop: 0}}, to).Wait()
		return err
	})
}

// Expunge removes messages of a folder, or all of them if none is named.
func (s *System) Expunge(tb testing.TB, local, folder string, uids ...uint32) {
	tb.Helper()
	set := imap.UIDSet{{Start: 1, Stop: 0}}
	if len(uids) > 0 {
		set = nil
		for _, uid := range uids {
			set.AddNum(imap.UID(uid))
		}
	}
	s.in(tb, local, folder, func(c *imapclient.Client) error {
		store := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
		if err := c.Store(set, store, nil).Close(); err != nil {
			return err
		}
		return c.UIDExpunge(set).Close()
	})
}

// ResetUIDValidity does to a folder what a mail host does that was restored or moved: the same messages, in another
// order, under a new UIDVALIDITY, with UIDs from one on. The mail system is stopped meanwhile, so every connection breaks.
func (s *System) ResetUIDValidity(tb testing.TB, local, folder string) {
	tb.Helper()
	all := s.Messages(tb, local, folder)
	before := s.validity(tb, local, folder)
	if s.own != nil && len(all) > 0 {
		s.Expunge(tb, local, folder)
	}
	if err := s.Stop(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	var err error
	if s.own != nil {
		err = s.own.Restored(tb.Context())
	} else {
		err = os.RemoveAll(filepath.Join(s.Dir(), "mail", local, "mailboxes", folder))
	}
	s.StartServers(tb)
	if err != nil {
		tb.Fatal(err)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, m := range all {
		s.Append(tb, local, folder, m.Internal, m.Raw)
	}
	if after := s.validity(tb, local, folder); after == before {
		tb.Fatalf("UIDVALIDITY of %s is still %d", folder, after)
	}
}

func (s *System) validity(tb testing.TB, local, folder string) uint32 {
	tb.Helper()
	var v uint32
	s.as(tb, local, func(c *imapclient.Client) error {
		data, err := c.Status(folder, &imap.StatusOptions{UIDValidity: true}).Wait()
		if err == nil {
			v = data.UIDValidity
		}
		return err
	})
	return v
}

// in does something in a folder of a mailbox.
func (s *System) in(tb testing.TB, local, folder string, do func(*imapclient.Client) error) {
	tb.Helper()
	s.as(tb, local, func(c *imapclient.Client) error {
		if _, err := c.Select(folder, nil).Wait(); err != nil {
			return err
		}
		return do(c)
	})
}

// as does something in a mailbox, as its owner.
func (s *System) as(tb testing.TB, local string, do func(*imapclient.Client) error) {
	tb.Helper()
	login, err := s.owner(context.WithoutCancel(tb.Context()), local)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := imapclient.DialInsecure(net.JoinHostPort(login.IMAP.Host, strconv.Itoa(login.IMAP.Port)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = c.Close() }() // what was asked was answered
	if err := c.Login(login.User, login.Password).Wait(); err != nil {
		tb.Fatal(err)
	}
	if err := do(c); err != nil {
		tb.Fatal(fmt.Errorf("mailbox %s: %w", local, err))
	}
}

func (s *System) owner(ctx context.Context, local string) (care.MailLogin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if login, ok := s.owners[local]; ok {
		return login, nil
	}
	login, err := s.Login(ctx, local, false, true)
	if err != nil {
		return login, err
	}
	s.owners[local] = s.Clear(login)
	return s.owners[local], nil
}

// Await waits until a folder holds at least n messages. The server is asked again and again; nothing else tells when
// its delivery is done.
func (s *System) Await(tb testing.TB, local, folder string, n int) {
	tb.Helper()
	const patience = 2 * time.Minute
	end := time.Now().Add(patience)
	s.as(tb, local, func(c *imapclient.Client) error {
		for {
			data, err := c.Status(folder, &imap.StatusOptions{NumMessages: true}).Wait()
			if err != nil {
				return err
			}
			if int(*data.NumMessages) >= n {
				return nil
			}
			if time.Now().After(end) {
				return fmt.Errorf("%s holds %d of %d messages after %s", folder, *data.NumMessages, n, patience)
			}
		}
	})
}
