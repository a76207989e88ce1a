package gateway_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/post/gateway"
	"postern/backend/post/posttest"
)

// Ordinary mail clients read from the gateway, over TLS with its own authority, as staff who may change nothing.

func TestMutt(t *testing.T) {
	s := start(t, gateway.Options{})
	s.put(3)
	home := posttest.Home(t, s.login(gateway.Staff), map[string]string{"muttrc": `set spoolfile="imaps://@USER@@127.0.0.1:@IMAP@/INBOX"
set imap_user="@USER@"
set imap_pass="@PASS@"
set ssl_force_tls=yes
set certificate_file="@HOME@/ca.pem"
set folder="@HOME@"
set move=no
set quit=yes
set wait_key=no
push "<last-entry><pipe-message>cat >@HOME@/read<enter><exit>"
`})
	shown := posttest.OnScreen(t, home, "mutt", "mutt -F "+home+"/muttrc")
	read, err := os.ReadFile(filepath.Join(home, "read"))
	if err != nil || !strings.Contains(string(read), "PSTN letter 2") {
		t.Errorf("it read %q, %v, and shows %.2000q", read, err, shown)
	}
}

func TestAerc(t *testing.T) {
	s := start(t, gateway.Options{})
	s.put(3)
	home := posttest.Home(t, s.login(gateway.Staff), map[string]string{
		"config/aerc/accounts.conf": "[Clinic]\nsource = imaps://@USER@:@PASS@@127.0.0.1:@IMAP@\ndefault = INBOX\nfrom = A <a@postern.internal>\n",
		"config/aerc/aerc.conf":     "[viewer]\npager = cat\nalternatives = text/plain\n[filters]\ntext/plain = cat\n",
		"config/aerc/binds.conf":    "[messages]\nv = :view<Enter>\nq = :quit<Enter>\n[view]\nq = :quit<Enter>\n",
	})
	posttest.OnScreen(t, home, "aerc", "aerc", [2]string{"Letter 2", "v"}, [2]string{"PSTN", "q"}, [2]string{"", "q"})
}

func TestMbsync(t *testing.T) {
	posttest.Installed(t, "mbsync", "isync")
	s := start(t, gateway.Options{})
	s.put(300)
	for _, kind := range []gateway.Kind{gateway.Staff, gateway.Owner} {
		home := posttest.Home(t, s.login(kind), map[string]string{"mbsyncrc": `IMAPAccount server
Host localhost
Port @IMAP@
User @USER@
Pass @PASS@
SSLType IMAPS
SystemCertificates no
CertificateFile @HOME@/ca.pem
AuthMechs PLAIN

IMAPStore far
Account server

MaildirStore near
Path @HOME@/mail/
Inbox @HOME@/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Sync Pull
Create Near
SyncState *
`})
		must(t, os.Mkdir(filepath.Join(home, "mail"), 0o700))
		for range 2 { // the second has nothing to do
			if out, err := exec.CommandContext(t.Context(), "mbsync", "-c", home+"/mbsyncrc", "all").CombinedOutput(); err != nil {
				t.Fatalf("mbsync as %s: %v: %s", kind, err, out)
			}
		}
		files := 0
		for _, folder := range []string{"new", "cur"} {
			found, err := os.ReadDir(filepath.Join(home, "mail", "INBOX", folder))
			must(t, err)
			files += len(found)
		}
		if files != 300 {
			t.Errorf("mbsync as %s has %d letters", kind, files)
		}
		if kind == gateway.Owner {
			continue
		}
		c := s.in(s.login(gateway.Owner))
		c.says("UNSEEN 300", "STATUS INBOX (UNSEEN)")
	}
}
