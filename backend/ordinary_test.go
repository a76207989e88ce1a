package backend

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

// The file of the agent's ordinary mailbox holds a password: one that others may read is refused, in words that say what to do.
func TestMailFileIsItsAccountsAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail.json")
	text := `{"from": "care@clinic.example", "login": {"user": "u", "password": "p", "smtp": {"host": "h", "port": 465, "tls": "implicit"}, "imap": {"host": "h", "port": 993, "tls": "starttls"}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := New(t.TempDir(), slog.New(slog.DiscardHandler), nil)
	if err := b.UseMail(file); err != nil || b.ordinary == nil || b.ordinary.Login.User != "u" {
		t.Fatal(err)
	}
	if err := b.UseMail(file + "x"); care.KindOf(err) != care.Invalid {
		t.Errorf("one that is not there: %v", err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("there modes say nothing")
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if err := b.UseMail(file); care.KindOf(err) != care.Invalid || !strings.Contains(care.SentenceOf(err), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file)) // systemd hands it over
	if err := b.UseMail(file); err != nil {
		t.Error(err)
	}
}

// The mailbox is tried out with what the file says, by a letter that is taken away again.
func TestTryOrdinary(t *testing.T) {
	posttest.Each(t, func(t *testing.T, sys *posttest.System) {
		box := sys.AddMailbox(t)
		login := sys.AddLogin(t, box, posttest.Owner)
		base := sys.Address(box) // the base of the addresses to which answers go
		try := func(password string) []MailStep {
			t.Helper()
			file := filepath.Join(t.TempDir(), "mail.json")
			raw, err := json.Marshal(map[string]any{"from": login.Address, "replies": base, "login": map[string]any{
				"user": login.User, "password": password, "smtp": login.SMTP, "imap": login.IMAP, "roots": login.Roots}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			steps, err := TryOrdinary(t.Context(), file)
			if err != nil || len(steps) == 0 {
				t.Fatal(steps, err)
			}
			return steps
		}
		if last := try(login.Password + "x"); last[len(last)-1].Problem == "" {
			t.Errorf("with another password: %+v", last)
		}
		if steps := try(login.Password); len(steps) < 5 || steps[len(steps)-1].Problem != "" {
			t.Errorf("%+v", steps)
		}
		base = sys.Address("nobody")
		if steps := try(login.Password); !strings.Contains(steps[len(steps)-1].What, "Submit") || steps[len(steps)-1].Problem == "" {
			t.Errorf("to an address that nobody has: %+v", steps)
		}
		if n := sys.Count(t, box, "INBOX"); n != 0 {
			t.Errorf("%d letters are left", n)
		}
	})
}
