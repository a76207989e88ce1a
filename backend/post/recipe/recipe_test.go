package recipe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/care"
)

// folder is one that the users of the mail system may enter: a test's own temporary folder is private.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postern-recipe-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestLife(t *testing.T) {
	ctx := t.Context()
	// A deep folder: the sockets of the servers have short names elsewhere.
	dir := filepath.Join(folder(t), strings.Repeat("deep/", 30), "gateway")
	s, err := Init(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if answers(s) {
		t.Fatal("it runs before it was started")
	}
	for range 2 { // a second start does nothing
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if !answers(s) {
		t.Fatal("it does not answer after its start")
	}
	again, err := Init(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(again.values) != fmt.Sprint(s.values) || again.roots != s.roots {
		t.Error("setting it up again changed its settings")
	}
	for range 2 {
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if answers(s) {
		t.Error("it still answers after it was stopped")
	}
}

func TestTwoSystemsAtOnce(t *testing.T) {
	ctx := t.Context()
	var systems []*System
	for range 2 {
		s, err := Init(ctx, folder(t), Options{Domain: "two.test"})
		if err != nil {
			t.Fatal(err)
		}
		stop, err := s.Run(false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
			if answers(s) {
				t.Error("it still answers")
			}
		})
		systems = append(systems, s)
	}
	for _, s := range systems {
		if !answers(s) {
			t.Error("one does not answer")
		}
		address, err := s.Mailbox(ctx, "office-1")
		if err != nil || address != "office-1@two.test" {
			t.Errorf("%q, %v", address, err)
		}
	}
}

func TestRunRemovesTheFolder(t *testing.T) {
	dir := filepath.Join(folder(t), "gateway")
	s, err := Init(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := s.Run(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	ctx := t.Context()
	private := folder(t)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // a listener nobody dials

	for name, c := range map[string]struct {
		dir  string
		o    Options
		want string
	}{
		"a private folder":    {filepath.Join(private, "gateway"), Options{}, "cannot enter"},
		"a blank in its name": {filepath.Join(folder(t), "my mail"), Options{}, "may hold letters"},
		"no port":             {folder(t), Options{BasePort: 99999}, "--base-port"},
	} {
		if _, err := Init(ctx, c.dir, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	s, err := Init(ctx, folder(t), Options{BasePort: taken.Addr().(*net.TCPAddr).Port})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err == nil || !strings.Contains(err.Error(), "taken by another program") {
		t.Errorf("a taken port: %v", err)
	}
	if err := s.Stop(ctx); err != nil { // of what did not start
		t.Error(err)
	}
	for name, f := range map[string]func() error{
		"a login without a mailbox": func() error { _, err := s.Login(ctx, "nobody", true, false); return err },
		"a path as a mailbox":       func() error { _, err := s.Mailbox(ctx, "../../etc/passwd"); return err },
		"capitals":                  func() error { _, err := s.Mailbox(ctx, "Office"); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// answers reports whether TLS with the system's own authority comes up on both ports.
func answers(s *System) bool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.roots))
	for _, service := range []string{"IMAPS", "SMTPS"} {
		e := s.Endpoint(service, care.TLSImplicit)
		c, err := tls.Dial("tcp", net.JoinHostPort(e.Host, fmt.Sprint(e.Port)), &tls.Config{RootCAs: pool})
		if err != nil {
			return false
		}
		_ = c.Close() // the handshake was all
	}
	return true
}
