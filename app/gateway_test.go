package app

import (
	"strings"
	"testing"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/post/accounts"
	"postern/backend/post/gateway"
)

// The file that the command prints is one that a practice reads.
func TestGatewayAccounts(t *testing.T) {
	data := t.TempDir()
	if _, _, err := runs(t, "", "gateway", "accounts", "--data", data); care.KindOf(err) != care.NotFound {
		t.Errorf("without a gateway: %v", err)
	}
	g, err := gateway.Open(t.Context(), backend.GatewayDir(data), gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(args ...string) accounts.File {
		t.Helper()
		out, said, err := runs(t, "", append([]string{"gateway", "accounts", "--data", data}, args...)...)
		if err != nil || !strings.Contains(said, "its own computer alone") {
			t.Errorf("%q, %v", said, err)
		}
		f, err := accounts.Read([]byte(out))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := read("--mailboxes", "2", "--offices", "1", "--logins", "2")
	if len(f.Mailboxes) != 3 || len(f.Mailboxes[0].Logins) != 22 || len(f.Mailboxes[1].Logins) != 2 || f.Roots == "" {
		t.Errorf("%v", f.Mailboxes)
	}
	more := read("--address", f.Mailboxes[0].Address, "--kind", "staff", "--logins", "3")
	if len(more.Mailboxes) != 1 || more.Mailboxes[0].Address != f.Mailboxes[0].Address || len(more.Mailboxes[0].Logins) != 3 {
		t.Errorf("%v", more.Mailboxes)
	}
	for _, args := range [][]string{{"--mailboxes", "0", "--offices", "0"}, {"--address", "x@postern.internal"}, {"--address", "x@other.test", "--kind", "staff"}} {
		if out, _, err := runs(t, "", append([]string{"gateway", "accounts", "--data", data}, args...)...); err == nil || out != "" {
			t.Errorf("%v: %q", args, out)
		}
	}
}
