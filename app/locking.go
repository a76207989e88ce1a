package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/godbus/dbus/v5"
)

// The service that knows of sessions and of sleep, by its names on the system's bus.
const (
	login1        = "org.freedesktop.login1"
	login1Path    = dbus.ObjectPath("/org/freedesktop/login1")
	login1Manager = login1 + ".Manager"
	login1Session = login1 + ".Session"
	properties    = "org.freedesktop.DBus.Properties"
)

// lockings says when the person's session of the system is locked, and when the computer is about to sleep, until the
// context ends. Where that cannot be heard it says nothing: screens lock by time all the same.
func lockings(ctx context.Context, log *slog.Logger) <-chan struct{} {
	locked := make(chan struct{})
	go func() {
		defer close(locked)
		if runtime.GOOS != "linux" {
			return
		}
		if err := hearLockings(ctx, locked); err != nil && ctx.Err() == nil {
			log.Debug("the system's locking is not heard", "err", err)
		}
	}()
	return locked
}

func hearLockings(ctx context.Context, locked chan<- struct{}) error {
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("reach the system's bus: %w", err)
	}
	defer func() { _ = bus.Close() }() // it was only listened to
	signals := make(chan *dbus.Signal, 16)
	bus.Signal(signals)
	sleep := []dbus.MatchOption{dbus.WithMatchSender(login1), dbus.WithMatchInterface(login1Manager), dbus.WithMatchMember("PrepareForSleep")}
	if err := bus.AddMatchSignalContext(ctx, sleep...); err != nil {
		return fmt.Errorf("listen for sleep: %w", err)
	}
	session, err := sessionOf(ctx, bus)
	if err != nil {
		return err
	}
	for _, what := range [][2]string{{login1Session, "Lock"}, {properties, "PropertiesChanged"}} {
		if err := bus.AddMatchSignalContext(ctx, dbus.WithMatchSender(login1), dbus.WithMatchObjectPath(session),
			dbus.WithMatchInterface(what[0]), dbus.WithMatchMember(what[1])); err != nil {
			return fmt.Errorf("listen for locking: %w", err)
		}
	}
	for s := range signals { // until the connection ends
		if !locks(s) {
			continue
		}
		select {
		case locked <- struct{}{}:
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("the system's bus has gone")
}

// sessionOf is the session in which this program was started, or else the one on the person's screen.
func sessionOf(ctx context.Context, bus *dbus.Conn) (path dbus.ObjectPath, err error) {
	manager := bus.Object(login1, login1Path)
	for _, id := range []string{os.Getenv("XDG_SESSION_ID"), "auto"} {
		if id == "" {
			continue
		}
		if err = manager.CallWithContext(ctx, login1Manager+".GetSession", 0, id).Store(&path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find this session: %w", err)
}

// locks reports whether a signal says that the session is locked or is to be, or that the computer is about to sleep.
// Some desktops lock by themselves and only note it afterwards.
func locks(s *dbus.Signal) bool {
	switch s.Name {
	case login1Session + ".Lock":
		return true
	case login1Manager + ".PrepareForSleep":
		return len(s.Body) > 0 && s.Body[0] == true
	case properties + ".PropertiesChanged":
		if len(s.Body) < 2 || s.Body[0] != login1Session {
			return false
		}
		changed, ok := s.Body[1].(map[string]dbus.Variant)
		return ok && changed["LockedHint"].Value() == true
	}
	return false
}
