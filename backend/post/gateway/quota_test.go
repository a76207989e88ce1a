package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// secured signs in over TLS.
func (s *system) secured(login care.MailLogin) *client {
	s.t.Helper()
	c := secure(s.t, login, login.IMAP)
	c.line()
	c.ok("LOGIN %s %s", login.User, login.Password)
	return c
}

// TestQuota: a mailbox says how full it is, to each of its logins, and goes on from there. What lies in the archive fills nothing; it
// has a limit of its own.
func TestQuota(t *testing.T) {
	s := start(t, gateway.Options{Limits: gateway.Limits{Mailbox: 10 << 10, Archive: 8 << 10}})
	login := s.login(gateway.Owner)
	c := s.secured(login)
	if all, last := c.imap("CAPABILITY"); !strings.Contains(all[0]+last, " QUOTA QUOTA=RES-STORAGE ") {
		t.Errorf("it does not say that it has a quota: %s", all[0])
	}
	again := secure(t, login, login.IMAP)
	again.line()
	if _, last := again.imap("LOGIN %s %s", login.User, login.Password); !strings.Contains(last, " QUOTA QUOTA=RES-STORAGE ") {
		t.Errorf("at the sign-in it does not say so: %s", last)
	}
	big := strings.Repeat("x", 4<<10)
	c.says(`* QUOTA "" (STORAGE 0 10)`, "GETQUOTAROOT INBOX")
	c.ok("APPEND INBOX {%d+}\r\n%s", len(big), big)
	c.ok("APPEND INBOX {%d+}\r\n%s", len(big), big)
	for _, kind := range []gateway.Kind{gateway.Owner, gateway.Staff, gateway.Agent} {
		r := s.secured(s.login(kind))
		r.says(`* QUOTAROOT "INBOX" ""`, `GETQUOTAROOT "inbox"`)
		r.says(`* QUOTA "" (STORAGE 8 10)`, "GETQUOTAROOT Junk")
		r.says(`* QUOTA "" (STORAGE 8 10)`, `getquota ""`)
	}
	full := func(format string, args ...any) {
		t.Helper()
		if _, last := c.imap(format, args...); !strings.HasPrefix(last, "NO [OVERQUOTA]") {
			t.Errorf("%s", last)
		}
	}
	full("APPEND INBOX {%d+}\r\n%s", len(big), big)
	c.ok("CREATE Archive/2024")
	c.ok("SELECT INBOX")
	c.ok("MOVE 1:2 Archive/2024")
	c.says(`* QUOTA "" (STORAGE 0 10)`, "GETQUOTAROOT INBOX")
	if all := c.ok("GETQUOTAROOT Archive/2024"); len(all) != 1 {
		t.Errorf("of the archive it says %q", all)
	}
	full("APPEND Archive {%d+}\r\n%s", len(big), big)
	c.ok("APPEND INBOX {%d+}\r\n%s", len(big), big)
	full("MOVE 1 Archive")
	c.ok("APPEND INBOX {%d+}\r\n%s", len(big), big)
	c.ok("SELECT Archive/2024")
	full("MOVE 1 Junk")
	full("COPY 1 Junk")
	for _, wrong := range []string{"GETQUOTA other", "GETQUOTAROOT Nowhere"} {
		if _, last := c.imap("%s", wrong); !strings.HasPrefix(last, "NO [NONEXISTENT]") {
			t.Errorf("%s: %s", wrong, last)
		}
	}
}

// TestQuotaIsAskedInCommandsAlone: what looks like the question within a letter stays in the letter, whatever pieces it comes in; the
// answers come in the order of the questions; and who has not signed in is told nothing.
func TestQuotaIsAskedInCommandsAlone(t *testing.T) {
	s := start(t, gateway.Options{})
	login := s.login(gateway.Owner)
	stranger := secure(t, login, login.IMAP)
	stranger.line()
	if all, last := stranger.imap("GETQUOTAROOT INBOX"); !strings.HasPrefix(last, "BAD") && len(all) == 0 {
		t.Errorf("a stranger hears %q %s", all, last)
	}
	c := s.secured(login)
	const inside = "a GETQUOTAROOT INBOX\r\n"
	letter := "Subject: x\r\n\r\n" + strings.Repeat(inside, 150)
	for i := range 3 { // in one piece, byte by byte over the beginning, and beside other commands
		said := fmt.Sprintf("t APPEND INBOX {%d+}\r\n%s\r\n", len(letter), letter)
		if i == 1 {
			for _, b := range []byte(said[:100]) {
				c.send("%c", b)
			}
			said = said[100:]
		}
		if i == 2 {
			said = "q GETQUOTAROOT INBOX\r\n" + said + "r GETQUOTAROOT INBOX\r\n"
		}
		c.send("%s", said)
		var got []string
		for last := ""; !strings.HasPrefix(last, map[bool]string{false: "t ", true: "r "}[i == 2]); got = append(got, last) {
			last = c.line()
		}
		if all := strings.Join(got, "\n"); strings.Contains(all, "a OK") || strings.Contains(all, "a NO") || i < 2 && strings.Contains(all, "QUOTA") {
			t.Errorf("it took the letter's words for a question: %s", all)
		} else if i == 2 && !(strings.Index(all, "q OK") < strings.Index(all, "t OK") && strings.Index(all, "t OK") < strings.Index(all, "r OK")) {
			t.Errorf("out of order: %s", all)
		}
	}
	c.ok("SELECT INBOX")
	for i := range 3 {
		c.says(letter, "FETCH %d BODY.PEEK[]", i+1)
	}
	c.send("i IDLE\r\n")
	c.line()
	c.send("DONE\r\n")
	c.line()
	c.says("QUOTA", "GETQUOTAROOT INBOX")
}
