package app

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/demo"
	"postern/frontend"
)

// inSession names, in the copy of this test that runs in a session of its own, what is to be done there.
const inSession = "POSTERN_KEYCHAIN_TEST"

// session runs this test again on a bus of its own, without anything of this computer's session, behind the commands before.
func session(t *testing.T, before string, env ...string) {
	t.Helper()
	run, err := exec.LookPath("dbus-run-session")
	if err != nil {
		t.Skip("there is no dbus-run-session here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	home := t.TempDir()
	c := exec.CommandContext(ctx, run, "--", "sh", "-ec", before+` exec "$0" -test.run="^$1\$" -test.v`, os.Args[0], t.Name())
	c.Env = []string{inSession + "=" + t.Name(), "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + filepath.Join(home, "data"), "XDG_DATA_DIRS=" + home}
	c.Env = append(c.Env, env...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a session of its own: %v\n%s", err, out)
	}
}

// TestARealKeychain is gnome-keyring's, unlocked as a login does it.
func TestARealKeychain(t *testing.T) {
	if os.Getenv(inSession) != t.Name() {
		if _, err := exec.LookPath("gnome-keyring-daemon"); err != nil {
			t.Skip("there is no gnome-keyring-daemon here")
		}
		session(t, `printf login | gnome-keyring-daemon --unlock --components=secrets >/dev/null;`)
		return
	}
	ctx, k := t.Context(), keychain{}
	if err := k.Reach(ctx); err != nil {
		t.Fatal(err)
	}
	none := func() {
		t.Helper()
		if _, err := k.Find(ctx, "pf_1"); care.KindOf(err) != care.NotFound {
			t.Fatalf("none is kept: %v", err)
		}
	}
	none()
	for _, secret := range []string{"first", "second"} {
		if err := k.Keep(ctx, "pf_1", secret); err != nil {
			t.Fatal(err)
		}
		if got, err := k.Find(ctx, "pf_1"); err != nil || got != secret {
			t.Fatalf("%q: %v", got, err)
		}
	}
	if tool, err := exec.LookPath("secret-tool"); err != nil {
		t.Log("there is no secret-tool here: what other programs see is not looked at")
	} else {
		out, err := exec.CommandContext(ctx, tool, "search", "--all", "service", "postern").CombinedOutput()
		if err != nil || strings.Count(string(out), "secret = ") != 1 || !strings.Contains(string(out), "secret = second") || !strings.Contains(string(out), "attribute.username = pf_1") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for range 2 { // where there is none nothing is done
		if err := k.Forget(ctx, "pf_1"); err != nil {
			t.Fatal(err)
		}
		none()
	}
}

// TestOpenedByARealKeychain is the whole way: a member's profile of the demo, alone in a data folder, is let open at the
// screens, and opens after a start, not after a lock, and not once the keychain was emptied.
func TestOpenedByARealKeychain(t *testing.T) {
	const where = inSession + "_DATA"
	if os.Getenv(inSession) != t.Name() {
		if testing.Short() {
			t.Skip("makes a practice with a mail system")
		}
		if _, err := exec.LookPath("gnome-keyring-daemon"); err != nil {
			t.Skip("there is no gnome-keyring-daemon here")
		}
		data := t.TempDir()
		if err := os.CopyFS(filepath.Join(data, "profiles", "marisol"), os.DirFS(filepath.Join(newDemoPractice(t).data, "profiles", "marisol"))); err != nil {
			t.Fatal(err)
		}
		session(t, `printf login | gnome-keyring-daemon --unlock --components=secrets >/dev/null;`, where+"="+data)
		return
	}
	const opens = "Open without the passphrase"
	start := func() (s *caller, end func()) {
		b := backend.New(os.Getenv(where), slog.New(slog.DiscardHandler), nil).Using(keychain{}, true)
		s = &caller{t: t, h: frontend.New(home{b}, frontend.Options{Token: "t"})}
		s.ask(http.MethodGet, "/open?token=t", false)
		return s, b.Close
	}
	shows := func(s *caller, path, words string, want bool) {
		t.Helper()
		if body := s.ask(http.MethodGet, path, false).Body.String(); strings.Contains(body, words) != want {
			t.Fatalf("%s: %q is there: %v\n%s", path, words, !want, body)
		}
	}
	s, end := start()
	shows(s, "/", opens, false)
	s.signIn("marisol", demo.Passphrase)
	s.ask(http.MethodPost, "/passphrase/keychain", false, "on", "yes", "passphrase", demo.Passphrase)
	shows(s, "/passphrase", "This is on.", true)
	s.ask(http.MethodPost, "/session/lock", false)
	shows(s, "/", opens, false)
	end()

	s, end = start()
	shows(s, "/", opens, true)
	s.ask(http.MethodPost, "/session/keychain", false, "profile", "marisol")
	shows(s, "/passphrase", "This is on.", true)
	end()

	if err := (keychain{}).Forget(t.Context(), "marisol"); err != nil {
		t.Fatal(err)
	}
	s, end = start()
	b := backend.New(os.Getenv(where), slog.New(slog.DiscardHandler), nil).Using(keychain{}, true)
	if _, err := b.OpenByKeychain(t.Context(), "marisol"); care.KindOf(err) != care.NotFound {
		t.Errorf("the keychain is empty: %v", err)
	}
	b.Close()
	s.signIn("marisol", demo.Passphrase)
	s.ask(http.MethodPost, "/passphrase/keychain", false)
	shows(s, "/passphrase", "Turn this on", true)
	end()
}

// TestALockedKeychain: one that nobody unlocked, where nothing can ask a person to, is an error and no secret.
func TestALockedKeychain(t *testing.T) {
	if os.Getenv(inSession) != t.Name() {
		if _, err := exec.LookPath("gnome-keyring-daemon"); err != nil {
			t.Skip("there is no gnome-keyring-daemon here")
		}
		session(t, `gnome-keyring-daemon --start --components=secrets >/dev/null;`)
		return
	}
	k := keychain{}
	if err := k.Reach(t.Context()); err != nil {
		t.Fatal(err)
	}
	unusable(t)
}

// TestNoKeychain: a bus without one says so.
func TestNoKeychain(t *testing.T) {
	systemBus(t) // it has nothing that could be started
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"))
	if err := (keychain{}).Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "no keychain is on the session's bus") {
		t.Errorf("%v", err)
	}
	unusable(t)
}

// TestNoBus: nor is a bus started where there is none, as on a server.
func TestNoBus(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("PATH", launcher(t))
	if (keychain{}).Reach(t.Context()) == nil {
		t.Error("it is reached")
	}
	unusable(t)
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		t.Error("a bus was started")
	}
}

// launcher is a folder with a dbus-launch that would give itself away.
func launcher(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte("#!/bin/sh\n: >"+started+"\necho DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(started); err == nil {
			t.Error("a bus was started")
		}
	})
	return dir
}

func unusable(t *testing.T) {
	t.Helper()
	k := keychain{}
	if err := k.Keep(t.Context(), "pf_1", "x"); err == nil {
		t.Error("it keeps")
	}
	if _, err := k.Find(t.Context(), "pf_1"); err == nil || care.KindOf(err) == care.NotFound {
		t.Errorf("it says that it has none: %v", err)
	}
	if k.Forget(t.Context(), "pf_1") == nil {
		t.Error("it forgets")
	}
}
