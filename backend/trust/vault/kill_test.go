package vault

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"postern/backend/care"
)

// child is what a process of its own does in a folder until it is killed; "" in the test itself.
const child = "POSTERN_VAULT_CHILD"

func TestMain(m *testing.M) {
	dir := os.Getenv("POSTERN_VAULT_DIR")
	switch os.Getenv(child) {
	case "":
		os.Exit(m.Run())
	case "try":
		_, _ = Try(dir, "right", noon) // a process that is killed says nothing
	case "change":
		v, err := Open(dir, "a")
		if err != nil {
			v, err = Open(dir, "b")
		}
		for err == nil {
			if err = v.KeepInKeychain(NewKeychainSecret()); err == nil {
				err = v.SetPassphrase("b")
			}
			if err == nil {
				_, err = v.NewCode()
			}
			if err == nil {
				err = v.SetPassphrase("a")
			}
		}
	}
	os.Exit(1)
}

// start runs a child; what it returns kills it and waits.
func start(t *testing.T, what, dir string) (kill func()) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), child+"="+what, "POSTERN_VAULT_DIR="+dir)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = c.Process.Kill() // SIGKILL; it may be over already
		_ = c.Wait()
	}
}

// TestKilledWhileTrying: a try that is cut short was one, or a program that is killed at each would give as many as one likes.
func TestKilledWhileTrying(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	if err := CreateWith(slow, dir, "x", "right", secrets()); err != nil {
		t.Fatal(err)
	}
	for n := 4; n >= 0; n-- {
		kill := start(t, "try", dir)
		for limit := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if s, err := Standing(dir, noon); err != nil || s.Left == n {
				break
			}
			if time.Now().After(limit) {
				kill()
				t.Fatal("no try is counted")
			}
		}
		kill()
	}
	paused(t, dir, noon, noon.Add(5*time.Minute))
}

// TestKilledWhileChanging: one passphrase opens the vault at any time, with all that is in it.
func TestKilledWhileChanging(t *testing.T) {
	dir := create(t, "a")
	for i := range 25 {
		kill := start(t, "change", dir)
		if i == 0 { // one comes all the way round, however slow the machine; the others are killed at any moment
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if has, err := HasCode(dir); err == nil && has {
					break
				}
			}
		}
		time.Sleep(time.Duration(20+7*i) * time.Millisecond)
		kill()
		v, err := Open(dir, "a")
		if care.KindOf(err) == care.Invalid {
			v, err = Open(dir, "b")
		}
		if err != nil {
			t.Fatal(err)
		}
		same(t, v)
		v.Close()
	}
	if has, err := HasCode(dir); err != nil || !has {
		t.Errorf("the children changed nothing: %v", err)
	}
	if _, err := os.Stat(triesPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("somebody counted")
	}
}
