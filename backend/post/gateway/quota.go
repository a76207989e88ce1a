package gateway

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// asker stands between a connection and the library, which knows nothing of QUOTA (RFC 9208) and has no place to add it: it answers
// GETQUOTAROOT and GETQUOTA itself, while the library waits for the next command, and adds QUOTA to what the library says that is
// offered. Literals pass as they are, counted, so that nothing within a letter is taken for a command. Where the count is wrong,
// because the library refused a literal and the client then did not send it, questions have the library's answer: BAD.
type asker struct {
	net.Conn
	s atomic.Pointer[session]

	got     []byte // read, and not looked at yet
	out     []byte // looked at, for the library
	within  bool   // got begins within a line
	literal int64  // bytes of a literal that are still to pass
	err     error  // of the connection, after got
	offers  atomic.Bool
}

// longestAsk is how long a line may be that is looked at, longestEnd how long the announcement of a literal at its end is.
const (
	longestAsk = 1000
	longestEnd = 20
)

var (
	asks     = regexp.MustCompile(`(?i)^([^ (){%*"\\+\x00-\x1f\x7f]+) (GETQUOTAROOT|GETQUOTA) (?:"([^"\\]*)"|([^ (){%*"\\\x00-\x1f\x7f]+))\r?\n$`)
	asksCaps = regexp.MustCompile(`(?i)^[^ ]+ CAPABILITY\r?\n$`)
	announce = regexp.MustCompile(`\{(\d{1,12})\+?\}\r?\n$`)
)

// Read gives the library a line at most, so that what is answered here is answered in its turn.
func (a *asker) Read(b []byte) (int, error) {
	for len(a.out) == 0 {
		if a.look() {
			continue
		}
		if a.err != nil {
			return 0, a.err
		}
		var buf [4 << 10]byte
		n, err := a.Conn.Read(buf[:])
		a.got, a.err = append(a.got, buf[:n]...), err
	}
	n := copy(b, a.out)
	a.out = a.out[n:]
	return n, nil
}

// look looks at what was read, and reports whether that was enough to decide something.
func (a *asker) look() bool {
	pass := func(n int) bool {
		a.out, a.got = a.got[:n:n], a.got[n:]
		return n > 0
	}
	if a.literal > 0 {
		n := min(a.literal, int64(len(a.got)))
		a.literal -= n
		return pass(int(n))
	}
	end := bytes.IndexByte(a.got, '\n') + 1
	switch {
	case end == 0 && a.err != nil:
		return pass(len(a.got))
	case end == 0 && len(a.got) > longestAsk:
		a.within = true
		return pass(len(a.got) - longestEnd)
	case end == 0:
		return false
	}
	line, within := a.got[:end], a.within
	a.within = false
	if !within && a.answered(string(line)) {
		a.got = a.got[end:]
		return true
	}
	if size := announce.FindSubmatch(line); size != nil {
		a.literal, _ = strconv.ParseInt(string(size[1]), 10, 64) // of digits
		a.within = a.literal > 0                                 // the command goes on behind it
	}
	return pass(end)
}

// answered answers a line that asks for the quota, once somebody has signed in.
func (a *asker) answered(line string) bool {
	s := a.s.Load()
	if s == nil || s.in.Load() == nil {
		return false
	}
	a.offers.Store(asksCaps.MatchString(line))
	asked := asks.FindStringSubmatch(line)
	if asked == nil {
		return false
	}
	said, name := s.quota(strings.EqualFold(asked[2], "GETQUOTAROOT"), asked[3]+asked[4])
	// In one piece, whatever is being told of new letters meanwhile. Where it fails, so does the next Read.
	_, _ = a.Conn.Write([]byte(said + asked[1] + " " + name + "\r\n"))
	return true
}

// Write adds QUOTA to what is offered.
func (a *asker) Write(b []byte) (int, error) {
	if !a.offers.Swap(false) || !bytes.Contains(b, []byte("CAPABILITY ")) {
		return a.Conn.Write(b)
	}
	if _, err := a.Conn.Write(bytes.Replace(b, []byte(" APPENDLIMIT="), []byte(" QUOTA QUOTA=RES-STORAGE APPENDLIMIT="), 1)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// quota tells how full the mailbox is, in units of 1,024 bytes, and how the command ends. There is one root, "". Of a folder in the
// archive it is no root: what lies there fills nothing.
func (s *session) quota(root bool, name string) (said, end string) {
	if root {
		if strings.EqualFold(name, inbox) {
			name = inbox
		}
		if _, err := s.folder(context.Background(), name); err != nil {
			return "", "NO [NONEXISTENT] There is no such folder"
		}
		if inArchive(name) {
			return fmt.Sprintf("* QUOTAROOT %q\r\n", name), "OK GETQUOTAROOT completed"
		}
		said = fmt.Sprintf("* QUOTAROOT %q \"\"\r\n", name)
	} else if name != "" {
		return "", "NO [NONEXISTENT] There is no such quota root"
	}
	var used room
	err := s.r.g.db.Read(context.Background(), func(tx *sql.Tx) (err error) {
		used, err = roomOf(tx, s.a.mailbox)
		return err
	})
	if err != nil {
		s.r.g.log.Error("a mailbox could not be read", "err", err)
		return "", "NO [UNAVAILABLE] " + errNotNow.Text
	}
	const kib = 1 << 10
	said += fmt.Sprintf("* QUOTA \"\" (STORAGE %d %d)\r\n", (used.letters+kib-1)/kib, s.r.g.o.Limits.Mailbox/kib)
	if root {
		return said, "OK GETQUOTAROOT completed"
	}
	return said, "OK GETQUOTA completed"
}
