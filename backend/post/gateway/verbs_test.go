package gateway_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"postern/backend/post/gateway"
)

func plain(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}

// Every verb that changes a mailbox, by number and by UID.
var verbs = map[string]string{
	"STORE":       `STORE 1 +FLAGS (\Seen)`,
	"UID STORE":   `UID STORE 1 +FLAGS.SILENT (\Deleted)`,
	"EXPUNGE":     "EXPUNGE",
	"UID EXPUNGE": "UID EXPUNGE 2",
	"MOVE":        "MOVE 1 Archive",
	"UID MOVE":    "UID MOVE 1:* Archive",
	"COPY":        "COPY 1 Archive",
	"UID COPY":    "UID COPY 1:* Archive",
	"APPEND":      "APPEND INBOX (\\Seen) {5+}\r\nhello",
	"APPEND else": "APPEND Archive {5+}\r\nhello",
}

// Staff read and submit: each verb is refused by login, after SELECT and after EXAMINE.
func TestStaffChangeNothing(t *testing.T) {
	for name, command := range verbs {
		for _, open := range []string{"SELECT", "EXAMINE"} {
			t.Run(name+" after "+open, func(t *testing.T) {
				refused(t, gateway.Staff, open, command, "NO [NOPERM]")
			})
		}
	}
}

// After EXAMINE nobody changes anything, whoever they are.
func TestExamineChangesNothing(t *testing.T) {
	for name, command := range verbs {
		for _, kind := range []gateway.Kind{gateway.Owner, gateway.Agent} {
			t.Run(name+" by "+string(kind), func(t *testing.T) {
				refused(t, kind, "EXAMINE", command, "NO [CANNOT]")
			})
		}
	}
}

func refused(t *testing.T, kind gateway.Kind, open, command, answer string) {
	s := start(t, gateway.Options{})
	s.put(3)
	owner := s.in(s.login(gateway.Owner))
	owner.ok("SELECT INBOX")
	owner.ok(`STORE 2 FLAGS (\Deleted)`)
	before := state(owner)
	c := s.in(s.login(kind))
	c.ok("%s INBOX", open)
	if _, last := c.imap("%s", command); !strings.HasPrefix(last, answer) {
		t.Errorf("%s is answered with %s", command, last)
	}
	c.ok("FETCH 1:* BODY[]") // which flags as seen where that is allowed
	c.ok("CLOSE")            // which takes out what is deleted where that is allowed
	if after := state(owner); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// state is what an owner sees of the mailbox.
func state(c *client) string {
	c.t.Helper()
	all := c.ok("NOOP")
	all = append(all, c.ok("FETCH 1:* (UID FLAGS)")...)
	all = append(all, c.ok("STATUS INBOX (MESSAGES UIDNEXT DELETED UNSEEN)")...)
	return strings.Join(append(all, c.ok("STATUS Archive (MESSAGES UIDNEXT)")...), "\n")
}

// Staff file nothing either.
func TestStaffKeepFoldersAsTheyAre(t *testing.T) {
	s := start(t, gateway.Options{})
	s.in(s.login(gateway.Owner)).ok("CREATE mine")
	c := s.in(s.login(gateway.Staff))
	for _, command := range []string{"CREATE more", "DELETE mine", "RENAME mine yours", "SUBSCRIBE mine", "UNSUBSCRIBE mine"} {
		if _, last := c.imap("%s", command); !strings.HasPrefix(last, "NO [NOPERM]") {
			t.Errorf("%s: %s", command, last)
		}
	}
	c.ok("SELECT INBOX")
	if all := c.ok("SELECT INBOX"); !strings.Contains(strings.Join(all, "\n"), "[PERMANENTFLAGS ()]") {
		t.Errorf("flags seem to be changeable: %q", all)
	}
}

// The owner and the agent may do what the verbs are for, and others see it.
func TestOwnersChangeTheirMailbox(t *testing.T) {
	for _, kind := range []gateway.Kind{gateway.Owner, gateway.Agent} {
		t.Run(string(kind), func(t *testing.T) {
			s := start(t, gateway.Options{})
			s.put(5)
			other := s.in(s.login(gateway.Staff))
			other.ok("EXAMINE INBOX")
			c := s.in(s.login(kind))
			c.ok("SELECT INBOX")
			c.says(`1 FETCH (UID 1 FLAGS (\Seen \Flagged))`, `STORE 1 +FLAGS (\Seen \Flagged Unknown)`)
			other.says(`1 FETCH (UID 1 FLAGS (\Seen \Flagged))`, "NOOP")
			c.says("[COPYUID", "UID MOVE 2:3 Archive")
			other.says("3 EXPUNGE\n* 2 EXPUNGE", "NOOP")
			c.ok(`STORE 2 +FLAGS.SILENT (\Deleted)`)
			c.says("2 EXPUNGE", "EXPUNGE")
			c.ok("APPEND INBOX {5+}\r\nhello")
			other.says("3 EXISTS", "NOOP")
			c.says("(UID 6", "FETCH 3 UID")
			c.ok("COPY 1 Junk")
			c.says("MESSAGES 2", "STATUS Archive (MESSAGES)")
			c.says("MESSAGES 1", "STATUS Junk (MESSAGES)")
			c.says("UID 1 FLAGS", "FETCH 1 (FLAGS)")
			c.ok("CREATE 2025/deep")
			c.ok("COPY 1 2025/deep")
			c.ok("RENAME 2025 2026")
			c.says("2026/deep", `LIST "" "2026/%%"`)
			if _, last := c.imap("DELETE 2026"); !strings.HasPrefix(last, "NO [HASCHILDREN]") {
				t.Error(last)
			}
			c.ok("DELETE 2026/deep")
			for _, command := range []string{"DELETE INBOX", "DELETE Archive", "RENAME INBOX x", "RENAME Archive x", "CREATE INBOX/x", "CREATE a//b", "COPY 1 INBOX"} {
				if _, last := c.imap("%s", command); !strings.HasPrefix(last, "NO [CANNOT]") {
					t.Errorf("%s: %s", command, last)
				}
			}
			if _, last := c.imap("COPY 1 nowhere"); !strings.HasPrefix(last, "NO [TRYCREATE]") {
				t.Error(last)
			}
		})
	}
}

// What ranges with "*" mean: the last letter there is, also where a number lies beyond it, and nothing in an empty folder.
func TestRanges(t *testing.T) {
	s := start(t, gateway.Options{})
	s.put(5)
	c := s.in(s.login(gateway.Owner))
	c.ok("SELECT INBOX")
	c.ok(`STORE 2,5 FLAGS (\Deleted)`)
	c.ok("EXPUNGE") // 1, 3 and 4 are left
	for set, want := range map[string]string{
		"1:*": "1 3 4", "*": "4", "*:3": "3 4", "9:*": "4", "4294967295:*": "4", "2": "", "2:3": "3", "4:1": "1 3 4", "1,*": "1 4", "3:4,1:3": "1 3 4",
	} {
		var got []string
		for _, line := range c.ok("UID FETCH %s FLAGS", set) {
			uid, _, _ := strings.Cut(line[strings.Index(line, "UID ")+4:], " ")
			got = append(got, uid)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("UID FETCH %s gives %q, want %q", set, got, want)
		}
	}
	for search, want := range map[string]string{
		"UID SEARCH 1:*": "1 3 4", "UID SEARCH UID 9:*": "4", "SEARCH UID 2:*": "2 3", "SEARCH 9": "", "SEARCH NOT 2": "1 3",
		"UID SEARCH OR 1 UID 4": "1 4", "SEARCH SUBJECT \"letter 2\"": "2", "SEARCH SUBJECT nothing": "", "SEARCH ON 24-Nov-2026": "1 2 3",
		"SEARCH BEFORE 24-Nov-2026": "", "SEARCH LARGER 10 SMALLER 10000": "1 2 3", "SEARCH UNSEEN UNDELETED": "1 2 3", "SEARCH SEEN": "",
		"SEARCH BODY \"PSTN letter 3\"": "3", "SEARCH KEYWORD other": "", "SEARCH UNKEYWORD other": "1 2 3", "SEARCH SENTON 24-Nov-2026": "1 2 3",
	} {
		if got := c.ok("%s", search); strings.TrimSpace(strings.TrimPrefix(got[0], "* SEARCH")) != want {
			t.Errorf("%s gives %q, want %q", search, got, want)
		}
	}
	c.says("UID ALL 1,3:4 MIN 1 MAX 4 COUNT 3", "UID SEARCH RETURN (MIN MAX COUNT ALL) ALL")
	c.says("COUNT 0", "UID SEARCH RETURN (COUNT) 7")
	c.ok("SEARCH RETURN (SAVE) UID 3:*")
	c.says("UID 3", "FETCH $ UID")
	c.ok("SELECT Junk")
	for _, command := range []string{"FETCH 1:* UID", "UID FETCH * FLAGS", "UID SEARCH 1:*", "UID SEARCH RETURN (ALL) UID 1:*", "STORE * +FLAGS (\\Seen)", "UID MOVE 1:* Archive"} {
		if all := c.ok("%s", command); strings.Contains(strings.Join(all, ""), "FETCH") {
			t.Errorf("%s in an empty folder: %q", command, all)
		}
	}
}

func TestFolders(t *testing.T) {
	s := start(t, gateway.Options{})
	s.put(2)
	c := s.in(s.login(gateway.Owner))
	all := strings.Join(c.ok(`LIST "" "*"`), "\n")
	for _, want := range []string{`"/" INBOX`, `(\Junk \HasNoChildren) "/" "Junk"`, `(\Trash`, `(\Drafts`, `(\Sent`, `(\Archive`} {
		if !strings.Contains(all, want) {
			t.Errorf("LIST lacks %s:\n%s", want, all)
		}
	}
	c.says(`(\Noselect) "/"`, `LIST "" ""`)
	c.says("STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY", `LIST "" INBOX RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE))`)
	c.says("INBOX", `LIST "" "inb%%"`)
	c.says(`\Subscribed`, `LIST (SUBSCRIBED) "" "*"`)
	c.says(`NAMESPACE (("" "/")) NIL NIL`, "NAMESPACE")
	c.ok("CREATE Postfach/&AOQ-rzte")
	c.says(`Postfach/&AOQ-rzte`, `LIST Postfach "%%"`)
	c.says("RECENT 0", "STATUS Junk (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE APPENDLIMIT DELETED-STORAGE)")
	if _, last := c.imap("SELECT nowhere"); !strings.HasPrefix(last, "NO [NONEXISTENT]") {
		t.Error(last)
	}
	if _, last := c.imap(`LIST "" "%s"`, strings.Repeat("*a", 100)); !strings.HasPrefix(last, "OK") { // a pattern to hang a server with
		t.Error(last)
	}
	c.ok("ENABLE IMAP4rev2")
	c.says(`* LIST () "/" INBOX`, "SELECT INBOX")
	c.says("ESEARCH", "UID SEARCH ALL")
}
