package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend"
)

// TestBackupCommands is the command line from a practice to a file and back, with the agent's passphrase and without.
func TestBackupCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a practice")
	}
	data, dir := t.TempDir(), t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, pass := write("own", tracePassphrase), write("pass", "copper meadow sudden tuesday")
	if _, err := backend.MakePractice(t.Context(), data, backend.Mail{}, tracePassphrase, backend.ExamplePlan()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "all")
	out, said, err := runs(t, "", "backup", "--data", data, "--to", file, "--passphrase-file", pass)
	if err != nil || !strings.Contains(out, "read again and is whole") || !strings.Contains(said, "profile agent") || !strings.Contains(said, "copy it by hand") {
		t.Fatalf("%v\n%s%s", err, out, said)
	}
	if _, _, err = runs(t, "", "backup", "--data", data, "--to", file, "--passphrase-file", pass); err == nil || !strings.Contains(sentence(err), "never writes over one") {
		t.Errorf("written over: %v", err)
	}
	if _, _, err = runs(t, "demo\n", "backup", "--data", data, "--to", filepath.Join(dir, "weak")); err == nil || !strings.Contains(sentence(err), "Too easy to guess") {
		t.Errorf("a weak passphrase: %v", err)
	}
	one := filepath.Join(dir, "one")
	if _, _, err = runs(t, "copper meadow sudden tuesday\n", "backup", "--data", data, "--to", one, "--profile", "agent", "--own-passphrase-file", own); err != nil {
		t.Fatal(err)
	}
	back := t.TempDir()
	out, _, err = runs(t, "", "restore", "--data", back, "--from", file, "--passphrase-file", pass, "--profile", "marisol")
	if err != nil || !strings.Contains(out, "Profile marisol is back") || !strings.Contains(out, "are lost") || strings.Contains(out, "gateway") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = runs(t, "copper meadow sudden tuesday\n", "restore", "--data", back, "--from", one)
	if err != nil || !strings.Contains(out, "Profile agent is back") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = runs(t, "", "restore", "--data", back, "--from", file, "--passphrase-file", pass, "--gateway")
	if err != nil || !strings.Contains(out, "The gateway is back") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err = runs(t, "", "restore", "--data", back, "--from", file, "--passphrase-file", pass); err == nil || !strings.Contains(sentence(err), "There is a profile agent") {
		t.Errorf("put over what is there: %v", err)
	}
	if out, _, err = runs(t, "", "gateway", "check", "--data", back); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
