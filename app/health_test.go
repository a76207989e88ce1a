package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
)

// asks gets an answer of a health address.
func asks(t *testing.T, url, accept string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestHealthAddresses: what an agent's health says to programs, well, amiss and with a record that cannot be read.
func TestHealthAddresses(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	well := backend.Health{Version: "1.4.0", At: noon, Named: true, Sent: noon, Free: 5 << 30, Size: 9 << 30, Waiting: []backend.Queue{}, Wrong: []backend.Wrong{},
		Mailboxes: []backend.MailboxHealth{{Mailbox: "mb_practice", Host: "mail.clinic.example", Fetched: noon, Used: 7, Limit: 10, Ends: noon.Add(time.Hour)}}}
	well.Ordinary = backend.OrdinaryHealth{Reads: true, Read: noon, Sent: noon}
	amiss := well
	amiss.Named = false
	amiss.Waiting = []backend.Queue{{Kind: "message.received", N: 2, Oldest: noon}}
	amiss.Wrong = []backend.Wrong{{Word: "disk", Says: "Its disk is nearly full.", Do: "Make room."}, {Word: "letters", Says: "Its letters are not taken.", Do: "Look into it."}}
	var now backend.Health
	var broken error
	s := httptest.NewServer(healthy(func(context.Context) (backend.Health, error) { return now, broken }, slog.New(slog.DiscardHandler)))
	defer s.Close()

	now = well
	if status, body := asks(t, s.URL+"/healthz", ""); status != 200 || body != "ok\n" {
		t.Errorf("well: %d %q", status, body)
	}
	_, body := asks(t, s.URL+"/metrics", "")
	for _, line := range []string{"postern_healthy 1", "postern_agent_named 1", `postern_mailbox_fetched_timestamp_seconds{mailbox="mb_practice"} 1.7955216e+09`,
		`postern_mailbox_used_bytes{mailbox="mb_practice"} 7`, `postern_certificate_end_timestamp_seconds{host="mail.clinic.example",mailbox="mb_practice"}`, "postern_disk_free_bytes 5.36870912e+09",
		"postern_replies_read_timestamp_seconds 1.7955216e+09", "postern_mail_sent_timestamp_seconds 1.7955216e+09", "postern_mails_waiting 0"} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s in\n%s", line, body)
		}
	}
	for _, line := range strings.Split(body, "\n") {
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "postern_") {
			t.Errorf("not ours: %s", line)
		}
	}

	now = amiss
	if status, body := asks(t, s.URL+"/healthz", ""); status != 503 || body != "Its disk is nearly full. Make room.\nIts letters are not taken. Look into it.\n"+notNamed+"\n" {
		t.Errorf("amiss: %d %q", status, body)
	}
	status, body := asks(t, s.URL+"/healthz", "application/json")
	var read backend.Health
	if err := json.Unmarshal([]byte(body), &read); err != nil || status != 503 || len(read.Wrong) != 2 || read.Waiting[0].N != 2 || read.Named || !read.Ordinary.Read.Equal(noon) {
		t.Errorf("amiss: %d %s (%v)", status, body, err)
	}
	_, body = asks(t, s.URL+"/metrics", "")
	for _, line := range []string{"postern_healthy 0", `postern_wrong{what="disk"} 1`, `postern_letters_waiting{kind="message.received"} 2`, "postern_agent_named 0"} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s in\n%s", line, body)
		}
	}

	broken = errors.New("of Hildegunde Brackwasser")
	if status, body := asks(t, s.URL+"/healthz", ""); status != 503 || strings.Contains(body, "Hildegunde") {
		t.Errorf("broken: %d %q", status, body)
	}
	if _, body := asks(t, s.URL+"/metrics", ""); !strings.Contains(body, "postern_healthy 0") {
		t.Errorf("broken:\n%s", body)
	}

	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Host = "elsewhere.example:9464"
	w := httptest.NewRecorder()
	if s.Config.Handler.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a name that was made to mean this computer: %d", w.Code)
	}
}

// TestHealthStaysHere: nobody else's computer is told.
func TestHealthStaysHere(t *testing.T) {
	for _, at := range []string{"0.0.0.0:9464", "192.0.2.1:9464", ":9464", "mail.clinic.example:9464", "9464"} {
		if _, _, err := runs(t, "", "agent", "--data", t.TempDir(), "--health", at); care.KindOf(err) != care.Invalid || !strings.Contains(err.Error(), "--health") {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// TestAgentAsAService runs the agent as systemd does, over a gateway: it takes its passphrase from the credential, says that it is
// ready and that it lives, and how it stands.
func TestAgentAsAService(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a practice")
	}
	data, handed := t.TempDir(), t.TempDir()
	if _, err := backend.MakePractice(t.Context(), data, backend.Mail{}, tracePassphrase, tracePlan); err != nil {
		t.Fatal(err)
	}
	background(t, true, exec.Command(os.Args[0], "gateway", "--data", data))
	if err := os.WriteFile(filepath.Join(handed, credential), []byte(tracePassphrase), 0o400); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }()
	t.Setenv("CREDENTIALS_DIRECTORY", handed)
	t.Setenv("NOTIFY_SOCKET", at)
	t.Setenv("WATCHDOG_USEC", "2000000")
	line := background(t, true, exec.Command(os.Args[0], "agent", "--data", data, "--health", "127.0.0.1:0"))
	found := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(line)
	if found == "" {
		t.Fatalf("it printed %q", line)
	}
	told := func(want string) {
		t.Helper()
		if err := systemd.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1<<10)
		n, err := systemd.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), want) {
			t.Fatalf("systemd is told %q: %v", b[:n], err)
		}
	}
	told("READY=1")
	told("WATCHDOG=1") // it says so again and again: by the second, its mailboxes may have been read
	told("WATCHDOG=1")
	var h backend.Health
	for read := false; !read; told("WATCHDOG=1") {
		_, body := asks(t, found+"/healthz", "application/json")
		if err := json.Unmarshal([]byte(body), &h); err != nil {
			t.Fatal(err)
		}
		read = len(h.Mailboxes) > 1
		for _, m := range h.Mailboxes {
			read = read && !m.Fetched.IsZero() && m.Ends.After(time.Now())
		}
		read = read && !h.Sent.IsZero() // what tells how it stands was handed over
	}
	if !h.Named {
		t.Errorf("it stands so: %+v", h)
	}
	_, body := asks(t, found+"/healthz", "")
	_, metrics := asks(t, found+"/metrics", "")
	if !strings.Contains(metrics, "postern_letter_sent_timestamp_seconds") || strings.Contains(metrics, data) {
		t.Errorf("it measures\n%s", metrics)
	}
	if h.Free > 1<<30 && body != "ok\n" {
		t.Errorf("it says %q", body)
	}
	for _, word := range traceWords() {
		if strings.Contains(metrics+body, word) {
			t.Errorf("it says %q", word)
		}
	}
}
