package posttest

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
)

// Home is a home folder with files for an ordinary mail client. In them @HOME@ is that folder, @USER@, @PASS@ and @ADDRESS@ are the login's,
// @IMAP@ and @SMTP@ its ports on 127.0.0.1; ca.pem holds the authority that the client is to trust.
func Home(tb testing.TB, login care.MailLogin, files map[string]string) string {
	tb.Helper()
	home := tb.TempDir()
	names := strings.NewReplacer("@HOME@", home, "@USER@", login.User, "@PASS@", login.Password, "@ADDRESS@", login.Address,
		"@IMAP@", fmt.Sprint(login.IMAP.Port), "@SMTP@", fmt.Sprint(login.SMTP.Port))
	for name, text := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(names.Replace(text)), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "ca.pem"), []byte(login.Roots), 0o600); err != nil {
		tb.Fatal(err)
	}
	return home
}

// OnScreen runs a client of a Debian package on a terminal, types the keys one after the other as soon as what must come before them has
// been shown, and gives all that was shown.
func OnScreen(tb testing.TB, home, pkg, run string, keys ...[2]string) string {
	tb.Helper()
	Installed(tb, strings.Fields(run)[0], pkg)
	Installed(tb, "script", "bsdutils")
	ctx, cancel := context.WithTimeout(tb.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qec", "stty cols 100 rows 30; "+run, "/dev/null")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home+"/config", "TERM=xterm", "LC_ALL=C.UTF-8", "SSL_CERT_FILE="+home+"/ca.pem")
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	var shown bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := out.Read(b)
		shown.Write(b[:n])
		for len(keys) > 0 && strings.Contains(shown.String(), keys[0][0]) {
			if keys[0][0] != "" {
				shown.Reset()
			}
			if _, err := io.WriteString(in, keys[0][1]); err != nil {
				tb.Fatal(err)
			}
			keys = keys[1:]
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // clients end in many ways
	if ctx.Err() != nil || len(keys) > 0 {
		tb.Errorf("%s waits for %q: %q", pkg, keys, shown.String())
	}
	return shown.String()
}

// Installed fails the test where a program lacks.
func Installed(tb testing.TB, name, pkg string) {
	tb.Helper()
	if _, err := exec.LookPath(name); err != nil {
		tb.Fatalf("%s is not installed. On Debian or Ubuntu: apt-get install -y %s", name, pkg)
	}
}
