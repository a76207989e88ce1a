package backend

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/store"
)

// flip changes one bit in the middle of a page of a file.
func flip(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, b := page*4096+2048, make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// Whichever page of a record is damaged, the profile opens: the record is put aside, not thrown away, and a draft comes along unless
// it was in that page or on the way to it.
func TestEveryPageDamaged(t *testing.T) {
	key, log := make([]byte, store.KeyBytes), slog.New(slog.DiscardHandler)
	whole := filepath.Join(t.TempDir(), recordFile)
	db, err := store.Open(t.Context(), whole, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		return draft.New(db).Save(t.Context(), tx, draft.Draft{ID: "dr_aaaaaaaaaaaaaaaa", What: command.DraftNew, Text: "It hurts.", Saved: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	anew, kept := 0, 0
	for page := range int64(len(raw) / 4096) {
		dir := t.TempDir()
		path := filepath.Join(dir, recordFile)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		flip(t, path, page)
		if err := noteDamage(dir); err != nil { // as if it had been met while the profile was open
			t.Fatal(err)
		}
		db, err := openRecord(t.Context(), dir, key, log, time.Now())
		if err != nil {
			t.Fatalf("page %d: %v", page, err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Errorf("page %d: %v", page, err)
		}
		var drafts []draft.Draft
		if err := db.Read(t.Context(), func(tx *sql.Tx) (err error) {
			drafts, err = draft.New(db).List(t.Context(), tx)
			return err
		}); err != nil {
			t.Errorf("page %d: %v", page, err)
		}
		aside, err := filepath.Glob(filepath.Join(dir, "damaged-*", recordFile))
		if err != nil {
			t.Fatal(err)
		}
		_, mark := os.Lstat(filepath.Join(dir, damagedFile))
		if of, back, err := readRestored(dir); err != nil || back != (len(aside) == 1) || back && !of.Damaged || mark == nil {
			t.Errorf("page %d: %+v, %v, %v, the mark: %v", page, of, back, err, mark)
		}
		anew += len(aside)
		kept += len(drafts)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if anew < 10 || kept < 5 {
		t.Errorf("of %d pages %d began anew, and the draft was there %d times", len(raw)/4096, anew, kept)
	}
}

// A member's record is damaged while Postern is not running. They sign in as ever, are told, and read everything again.
func TestADamagedRecordComesBack(t *testing.T) { posttest.Each(t, testADamagedRecordComesBack) }

func testADamagedRecordComesBack(t *testing.T, sys *posttest.System) {
	ctx := t.Context()
	c := newClinic(t, sys)
	lee := c.office("Dr. Lee's office")
	bot := c.person("Agent", care.RoleAgent)
	c.enrols(bot.ID, "")
	marisol, err := c.reg.AddMember(ctx, care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "4821 0739"}, []care.Relation{{Office: lee.ID, Why: "primary"}})
	if err != nil {
		t.Fatal(err)
	}
	home, id, member := c.enrols(marisol.Person.ID, "1980-03-04")
	part := c.sends(member, draft.Draft{What: command.DraftNew, Office: lee.ID, Subject: "Knee", Text: "It hurts."})
	delivered := func(p *Profile) func() bool {
		return func() bool {
			rows, err := p.Views().Center(context.WithoutCancel(ctx), "", "")
			return err == nil && len(rows) == 1 && !rows[0].Due.IsZero()
		}
	}
	until(t, "it is delivered", delivered(member))
	dir := filepath.Join(ProfilesDir(home.data), id)
	home.Close()
	flip(t, filepath.Join(dir, recordFile), 0)
	again := New(home.data, home.log, nil)
	again.params, again.mail = home.params, home.mail
	t.Cleanup(again.Close)
	member, err = again.SignIn(ctx, id, good)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "all is back", delivered(member))
	until(t, "the person is told", func() bool { return strings.Contains(member.Sync().Problem, "was damaged") })
	c.sends(member, draft.Draft{What: command.DraftReply, Part: part, Text: "Still."}) // and goes on
}
