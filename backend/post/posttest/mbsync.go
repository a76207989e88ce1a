package posttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"postern/backend/care"
)

// Mbsync pulls a login's INBOX into a new Maildir with mbsync, without fsync, and says how long that took and how many
// messages came: the peer that a first sync is measured beside.
func Mbsync(tb testing.TB, login care.MailLogin) (took time.Duration, messages int) {
	tb.Helper()
	if _, err := exec.LookPath("mbsync"); err != nil {
		tb.Fatal("mbsync is not installed. On Debian or Ubuntu: apt-get install -y isync")
	}
	dir := tb.TempDir()
	config := filepath.Join(dir, "mbsyncrc")
	text := fmt.Sprintf(`FSync no

IMAPAccount server
Host %s
Port %d
User %s
Pass %s
SSLType None
AuthMechs PLAIN

IMAPStore far
Account server

MaildirStore near
Path %s/
Inbox %s/INBOX

Channel inbox
Far :far:
Near :near:
Sync Pull New
Create Near
SyncState *
`, login.IMAP.Host, login.IMAP.Port, login.User, login.Password, dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	start := time.Now()
	if out, err := exec.CommandContext(tb.Context(), "mbsync", "-c", config, "-q", "inbox").CombinedOutput(); err != nil {
		tb.Fatalf("mbsync: %v: %s", err, out)
	}
	took = time.Since(start)
	for _, folder := range []string{"new", "cur"} {
		files, err := os.ReadDir(filepath.Join(dir, "INBOX", folder))
		if err != nil {
			tb.Fatal(err)
		}
		messages += len(files)
	}
	return took, messages
}
