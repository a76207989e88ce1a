package gateway

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend/record/store"
)

// TestFrozen makes a file of every released version and opens it: it becomes what a fresh one is, and its rows are there.
func TestFrozen(t *testing.T) {
	shape := func(path string, s store.Schema) (text string) {
		t.Helper()
		db, err := store.OpenPlain(t.Context(), path, s)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }() // it was only read
		if err := db.Read(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRow("SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)").Scan(&text)
		}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	fresh := shape(filepath.Join(t.TempDir(), "gateway.db"), fileSchema())
	for _, name := range []string{"v1.sql"} {
		old, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "gateway.db")
		kept, _, _ := strings.Cut(string(old), "PRAGMA")
		was := store.Schema{App: fileSchema().App, Kept: kept + "INSERT INTO setting (name, value) VALUES ('domain', 'old.example');"}
		shape(path, was)
		if got := shape(path, fileSchema()); got != fresh {
			t.Errorf("%s becomes\n%s\nfresh is\n%s", name, got, fresh)
		}
		g, err := Open(context.Background(), filepath.Dir(path), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if g.Domain() != "old.example" {
			t.Errorf("%s: its domain is %s", name, g.Domain())
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGateMakesRoom fills every kind of place and looks who has to go.
func TestGateMakesRoom(t *testing.T) {
	l := Limits{Address: 3, Strangers: 5, Total: 7, Login: 4}
	l.fill()
	g := newGate(l)
	r := &running{conns: map[*conn]bool{}}
	gone := map[string]int{}
	arrive := func(from string) *conn {
		c := &conn{gate: g, r: r, from: from}
		bye := func(string) { gone[from]++ }
		c.bye.Store(&bye)
		if !g.admit(c) {
			return nil
		}
		return c
	}
	for range 5 {
		arrive("a") // 3 stay
	}
	for range 2 {
		arrive("b")
	}
	if gone["a"] != 2 || gone["b"] != 0 {
		t.Errorf("of five and two went %v", gone)
	}
	c := arrive("c") // five strangers are there: one of a's goes
	if gone["a"] != 3 || c == nil {
		t.Errorf("for a newcomer went %v", gone)
	}
	for i := range 7 { // a flood of one address meets those who sign in
		k := arrive("k")
		if k == nil {
			t.Fatalf("connection %d was kept out by strangers", i)
		}
		if err := g.signIn(k, []string{"x", "y"}[i%2]); err != nil {
			t.Fatal(err)
		}
		arrive("a")
	}
	if arrive("z") != nil {
		t.Error("with seven signed in there was room for an eighth")
	}
	if gone["k"] != 0 {
		t.Errorf("who had signed in had to go: %v", gone)
	}
}
