package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"postern/backend/care"
)

// keychain is that of the person's account on this computer: the Keychain of macOS, the Credential Manager of Windows, the
// Secret Service on the session's bus elsewhere. Each program that runs as the person, in their open session, can read it.
type keychain struct{}

// keychainService is the name under which secrets stand there, each beside the id of its profile.
const keychainService = "postern"

// keychainPatience is how long a person may take to unlock the keychain when its own window asks them.
const keychainPatience = time.Minute

const secretService = "org.freedesktop.secrets"

// Reach looks whether the service is there, or would be started, and starts no bus of its own as the library would.
func (keychain) Reach(ctx context.Context) error {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return nil
	}
	bus, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("reach the session's bus: %w", err)
	}
	defer func() { _ = bus.Close() }() // it was only asked
	if err := bus.Auth(nil); err != nil {
		return fmt.Errorf("reach the session's bus: %w", err)
	}
	if err := bus.Hello(); err != nil {
		return fmt.Errorf("reach the session's bus: %w", err)
	}
	for _, list := range []string{"ListNames", "ListActivatableNames"} {
		var names []string
		if err := bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus."+list, 0).Store(&names); err != nil {
			return fmt.Errorf("ask the session's bus: %w", err)
		}
		if slices.Contains(names, secretService) {
			return nil
		}
	}
	return errors.New("no keychain is on the session's bus")
}

// Keep puts a profile's secret there.
func (k keychain) Keep(ctx context.Context, profile, secret string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Set(keychainService, profile, secret) })
	return err
}

// Find gives it back.
func (k keychain) Find(ctx context.Context, profile string) (string, error) {
	secret, err := k.ask(ctx, func() (string, error) { return keyring.Get(keychainService, profile) })
	if errors.Is(err, keyring.ErrNotFound) {
		return "", care.Because(care.NotFound, err, "The keychain has no key for this profile.")
	}
	return secret, err
}

// Forget removes it.
func (k keychain) Forget(ctx context.Context, profile string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Delete(keychainService, profile) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// ask waits for the keychain, which may wait for a person. The library cannot be told to stop: what nobody waits for any more
// ends when the person has answered, or with this program.
func (k keychain) ask(ctx context.Context, what func() (string, error)) (string, error) {
	if err := k.Reach(ctx); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, keychainPatience)
	defer cancel()
	type answer struct {
		text string
		err  error
	}
	came := make(chan answer, 1)
	go func() {
		text, err := what()
		came <- answer{text, err}
	}()
	select {
	case a := <-came:
		if a.err != nil {
			return "", fmt.Errorf("ask the keychain: %w", a.err)
		}
		return a.text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("ask the keychain: %w", ctx.Err())
	}
}
