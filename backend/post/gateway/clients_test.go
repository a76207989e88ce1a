package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// Ordinary mail clients read from the gateway, over TLS with its own authority, as staff who may change nothing.

func command(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is not installed. On Debian or Ubuntu: apt-get install -y %s", name, pkg)
	}
}

// desk is a home folder with files for a client.
func desk(t *testing.T, login care.MailLogin, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		path := filepath.Join(home, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		text = strings.NewReplacer("@HOME@", home, "@USER@", login.User, "@PASS@", login.Password, "@PORT@", fmt.Sprint(login.IMAP.Port)).Replace(text)
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(home, "ca.pem"), []byte(login.Roots), 0o600))
	return home
}

// onScreen runs a client on a terminal, types the keys one after the other as soon as what must come before them has been
// shown, and gives all that was shown.
func onScreen(t *testing.T, home, run string, keys ...[2]string) string {
	t.Helper()
	command(t, "script", "bsdutils")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qec", "stty cols 100 rows 30; "+run, "/dev/null")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home+"/config", "TERM=xterm", "SSL_CERT_FILE="+home+"/ca.pem")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var shown bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := out.Read(b)
		shown.Write(b[:n])
		for len(keys) > 0 && strings.Contains(shown.String(), keys[0][0]) {
			if keys[0][0] != "" {
				shown.Reset()
			}
			_, err := io.WriteString(in, keys[0][1])
			must(t, err)
			keys = keys[1:]
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // clients end in many ways
	if ctx.Err() != nil || len(keys) > 0 {
		t.Errorf("it waits for %q: %q", keys, shown.String())
	}
	return shown.String()
}

func TestMutt(t *testing.T) {
	command(t, "mutt", "mutt")
	s := start(t, gateway.Options{})
	s.put(3)
	home := desk(t, s.login(gateway.Staff), map[string]string{"muttrc": `set spoolfile="imaps://@USER@@127.0.0.1:@PORT@/INBOX"
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
	shown := onScreen(t, home, "mutt -F "+home+"/muttrc")
	read, err := os.ReadFile(filepath.Join(home, "read"))
	if err != nil || !strings.Contains(string(read), "PSTN letter 2") {
		t.Errorf("it read %q, %v, and shows %.2000q", read, err, shown)
	}
}

func TestAerc(t *testing.T) {
	command(t, "aerc", "aerc")
	s := start(t, gateway.Options{})
	s.put(3)
	home := desk(t, s.login(gateway.Staff), map[string]string{
		"config/aerc/accounts.conf": "[Clinic]\nsource = imaps://@USER@:@PASS@@127.0.0.1:@PORT@\ndefault = INBOX\nfrom = A <a@postern.internal>\n",
		"config/aerc/aerc.conf":     "[viewer]\npager = cat\nalternatives = text/plain\n[filters]\ntext/plain = cat\n",
		"config/aerc/binds.conf":    "[messages]\nv = :view<Enter>\nq = :quit<Enter>\n[view]\nq = :quit<Enter>\n",
	})
	onScreen(t, home, "aerc", [2]string{"Letter 2", "v"}, [2]string{"PSTN", "q"}, [2]string{"", "q"})
}

func TestMbsync(t *testing.T) {
	command(t, "mbsync", "isync")
	s := start(t, gateway.Options{})
	s.put(300)
	for _, kind := range []gateway.Kind{gateway.Staff, gateway.Owner} {
		home := desk(t, s.login(kind), map[string]string{"mbsyncrc": `IMAPAccount server
Host localhost
Port @PORT@
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
