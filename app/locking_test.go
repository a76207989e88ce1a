package app

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=BUS</listen>
<policy context="default"><allow user="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// systemBus starts a bus in the place of the system's.
func systemBus(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("another system says it in another way")
	}
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("there is no dbus-daemon here")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, []byte(strings.Replace(busConfig, "BUS", filepath.Join(dir, "bus"), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon, "--config-file="+config, "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it runs until then
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", strings.TrimSpace(address))
}

// logins stands for the service that knows of sessions, with one session.
type logins struct{ asked chan string }

const ownSession = login1Path + "/session/_31"

func (l logins) GetSession(id string) (dbus.ObjectPath, *dbus.Error) {
	l.asked <- id
	if id != "auto" {
		return "", dbus.MakeFailedError(os.ErrNotExist)
	}
	return ownSession, nil
}

// The session's lock and the computer's sleep are heard, also from a desktop that only notes that it has locked; other
// people's sessions, waking and other changes are not.
func TestSystemLocks(t *testing.T) {
	systemBus(t)
	t.Setenv("XDG_SESSION_ID", "gone")
	service, err := dbus.ConnectSystemBus()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	l := logins{make(chan string, 2)}
	if err := service.Export(l, login1Path, login1Manager); err != nil {
		t.Fatal(err)
	}
	if _, err := service.RequestName(login1, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	locked := lockings(ctx, slog.New(slog.DiscardHandler))
	emit := func(path dbus.ObjectPath, name string, body ...any) {
		t.Helper()
		if err := service.Emit(path, name, body...); err != nil {
			t.Fatal(err)
		}
	}
	hint := func(v bool) []any {
		return []any{login1Session, map[string]dbus.Variant{"LockedHint": dbus.MakeVariant(v)}, []string{}}
	}
	// It listens once its questions are answered and a signal gets through: until then the first one is said again.
	for heard := false; !heard; {
		emit(ownSession, login1Session+".Lock")
		select {
		case <-locked:
			heard = true
		case <-time.After(200 * time.Millisecond): // on a busy machine more of them would come later
		}
	}
	if id := <-l.asked; id != "gone" {
		t.Errorf("asked for %q first", id)
	}
	// What is not meant is said first each time: if it were heard, there would be one too many.
	for _, say := range []func(){
		func() { emit(login1Path, login1Manager+".PrepareForSleep", true) },
		func() { emit(ownSession, properties+".PropertiesChanged", hint(true)...) },
		func() { emit(ownSession, login1Session+".Lock") },
	} {
		drain(locked)
		emit(login1Path, login1Manager+".PrepareForSleep", false)
		emit(ownSession, properties+".PropertiesChanged", hint(false)...)
		emit(ownSession, properties+".PropertiesChanged", login1Session, map[string]dbus.Variant{"IdleHint": dbus.MakeVariant(true)}, []string{})
		emit(ownSession+"2", login1Session+".Lock")
		say()
		select {
		case <-locked:
		case <-time.After(20 * time.Second):
			t.Fatal("it is not heard")
		}
		select {
		case <-locked:
			t.Error("something else is heard, too")
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	for range locked { // it ends
	}
}

// drain takes what is still said of the beginning.
func drain(c <-chan struct{}) {
	for {
		select {
		case <-c:
		case <-time.After(2 * time.Second):
			return
		}
	}
}

// Without a bus nothing is heard, and it is said once, to who debugs.
func TestNoSystemBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	var said strings.Builder
	for range lockings(t.Context(), slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))) {
		t.Error("something is heard")
	}
	if n := strings.Count(said.String(), "\n"); runtime.GOOS == "linux" && n != 1 || strings.Contains(said.String(), "level=INFO") {
		t.Errorf("it says %q", said.String())
	}
}
