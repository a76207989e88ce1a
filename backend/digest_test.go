package backend

import (
	"bytes"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/digests"
	"postern/backend/record/store"
	"postern/backend/trust/audit"
)

// held are the digests that a profile holds, one a line: day, rows, what is broken.
func held(t *testing.T, p *Profile) (all []digests.Digest, lines string) {
	t.Helper()
	must(t, p.db.Read(t.Context(), func(tx *sql.Tx) (err error) {
		all, err = p.digests.All(t.Context(), tx)
		return err
	}))
	for _, d := range all {
		lines += fmt.Sprintf("%s %d-%d %v broken %d\n", d.Day, d.First, d.Last, d.Counts, d.Broken)
	}
	return all, lines
}

func tellsDigest(t *testing.T, p *Profile) {
	t.Helper()
	if told, err := p.Digest(t.Context()); err != nil || !told {
		t.Fatalf("told %v: %v", told, err)
	}
}

// TestToldOnceADay: a digest is made once a day of the practice's zone, whatever crashes and however often it is asked for,
// and goes to the practice's mailbox alone.
func TestToldOnceADay(t *testing.T) {
	dir := data(t)
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC) // the evening before, in New York
	var p *Profile
	var b *Backend
	on := func() {
		t.Helper()
		b = New(dir, quiet(), func() time.Time { return now })
		var err error
		p, err = b.SignInStill(t.Context(), "rosa", passphrase)
		must(t, err)
	}
	on()
	p.trail.note(t.Context(), lookAt(p, "knee"), lookAt(p, "sleep"))
	tellsDigest(t, p)
	tellsDigest(t, p)
	b.Close() // the letter has not gone
	on()
	tellsDigest(t, p)
	first, lines := held(t, p)
	if want := "2026-11-23 1-3 map[sign-in:1 view:2] broken 0\n"; lines != want {
		t.Fatalf("held are\n%s", lines)
	}
	must(t, p.db.Read(t.Context(), func(tx *sql.Tx) error {
		left, err := p.desk.Outbox.Left(t.Context(), tx)
		if err != nil || len(left) != 1 || left[0].Mailbox != p.Practice().Mailbox || left[0].Event != first[0].Event || !left[0].Thread.IsZero() {
			t.Errorf("in the outbox: %+v, %v", left, err)
		}
		e, ok, err := p.desk.Journal.Event(t.Context(), tx, first[0].Event)
		if err != nil || !ok || e.Event.For != "" || e.Event.As != p.me.ID {
			t.Errorf("in the journal: %+v, %v", e.Event, err)
		}
		return nil
	}))
	if n, err := p.Waiting(t.Context()); err != nil || n != 0 {
		t.Errorf("%d wait that nobody wrote: %v", n, err)
	}
	now = now.Add(5 * time.Hour) // midnight has passed in New York
	tellsDigest(t, p)
	all, lines := held(t, p)
	if want := "2026-11-23 1-3 map[sign-in:1 view:2] broken 0\n2026-11-24 4-5 map[sign-in:1 sign-out:1] broken 0\n"; lines != want {
		t.Fatalf("held are\n%s", lines)
	}
	if all[1].Over != all[0].Event || all[1].Before != all[0].Head {
		t.Errorf("the second is %+v", all[1])
	}
	now = now.Add(24 * time.Hour)
	tellsDigest(t, p) // nothing has happened since: that is told, too
	if _, lines := held(t, p); lines != "2026-11-23 1-3 map[sign-in:1 view:2] broken 0\n2026-11-24 4-5 map[sign-in:1 sign-out:1] broken 0\n2026-11-25 6-5 map[] broken 0\n" {
		t.Fatalf("held are\n%s", lines)
	}
	standing(t, p, "")
	b.Close()
}

// standing wants what is found of the profile's own computer.
func standing(t *testing.T, p *Profile, want string) {
	t.Helper()
	all, err := p.Devices(t.Context())
	must(t, err)
	if len(all) != 1 || !all[0].Own || all[0].Person.Name != "Rosa" {
		t.Fatalf("devices are %+v", all)
	}
	got := ""
	for _, f := range all[0].Findings {
		got += fmt.Sprintf("%s %s; ", f.Kind, f.Day)
	}
	if got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestABrokenRecordIsTold: rows that were cut off, and one that was changed.
func TestABrokenRecordIsTold(t *testing.T) {
	for what, c := range map[string]struct{ change, want, found string }{
		"changed": {"DROP TRIGGER audit_changed; UPDATE audit SET entry = CAST(replace(entry, 'view', 'copy') AS BLOB) WHERE no = 2",
			"2026-11-24 4-4 map[view:1] broken 2\n", "broken 2026-11-24; "},
		"cut": {"DROP TRIGGER audit_shortened; DELETE FROM audit WHERE no >= 2",
			"2026-11-24 4-4 map[view:1] broken 2\n", "cut 2026-11-24; broken 2026-11-24; "},
		"cut with its count": {"DROP TRIGGER audit_shortened; DELETE FROM audit WHERE no >= 2; UPDATE sqlite_sequence SET seq = 1 WHERE name = 'audit'",
			"2026-11-24 4-3 map[] broken 3\n", "cut 2026-11-24; broken 2026-11-24; "},
	} {
		t.Run(what, func(t *testing.T) {
			now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
			b := New(data(t), quiet(), func() time.Time { return now })
			defer b.Close()
			p, err := b.SignInStill(t.Context(), "rosa", passphrase)
			must(t, err)
			p.trail.note(t.Context(), lookAt(p, "knee"), lookAt(p, "sleep"))
			tellsDigest(t, p)
			must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), c.change)
				return err
			}))
			p.trail.note(t.Context(), lookAt(p, "elbow"))
			now = now.Add(24 * time.Hour)
			tellsDigest(t, p)
			if _, lines := held(t, p); lines != "2026-11-23 1-3 map[sign-in:1 view:2] broken 0\n"+c.want {
				t.Errorf("held are\n%s", lines)
			}
			standing(t, p, c.found)
		})
	}
}

// TestAnOlderPosternKeptIt: a digest that came before this computer knew what it is counts from now on.
func TestAnOlderPosternKeptIt(t *testing.T) {
	dir := data(t)
	b := New(dir, quiet(), nil)
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	tellsDigest(t, p)
	before, _ := held(t, p)
	must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "DELETE FROM digest; DELETE FROM active")
		return err
	}))
	b.Close()
	b = New(dir, quiet(), nil)
	defer b.Close()
	p, err = b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	if after, _ := held(t, p); len(after) != 1 || after[0].Event != before[0].Event {
		t.Errorf("held are %+v", after)
	}
}

// TestWhatElseIsRecorded: passphrases, recovery, prints, exports, and what the registrar does, which has to name an id.
func TestWhatElseIsRecorded(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	const next = "seven otters cross the frozen millpond"
	must(t, p.ChangePassphrase(passphrase, next))
	code, err := p.NewCode(next)
	must(t, err)
	p.Printed()
	must(t, p.Exported(t.Context()))
	p.Noted(audit.Invited, string(p.me.ID))
	p.Noted(audit.Removed, "Rosa Delgado") // a name is no id: nothing typed gets in, and nothing is in the way of the rest
	p.Noted(audit.Revoked, p.desk.Signer.Key().String())
	_, _, err = b.Recover(t.Context(), code, "nine herons wait beside the quiet weir")
	must(t, err)
	tells(t, p, "sign-in", "passphrase", "recovery.sheet", "print", "export", "directory.invite", "directory.revoke", "sign-in", "recovery")
	full(t, p)
	if err := p.Exported(t.Context()); err == nil {
		t.Error("an export that cannot be recorded may leave")
	}
}

// TestTheAgentReports what it finds, once: not what is older than yesterday, and nothing but ids.
func TestTheAgentReports(t *testing.T) {
	var said bytes.Buffer
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	b := New(data(t), slog.New(slog.NewTextHandler(&said, nil)), func() time.Time { return now })
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	tellsDigest(t, p)
	must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO active (device, day) VALUES (?, '2026-11-24')", store.Blob(p.desk.Signer.Key()))
		return err
	}))
	p.report(t.Context())
	now = now.Add(48 * time.Hour)
	p.report(t.Context())
	if got := said.String(); strings.Count(got, "do not fit") != 1 || !strings.Contains(got, "finding=missing day=2026-11-24") || strings.Contains(got, "Rosa") {
		t.Errorf("the log says %s", got)
	}
	said.Reset()
	now = now.Add(24 * time.Hour)
	if p.report(t.Context()); strings.Contains(said.String(), "do not fit") {
		t.Errorf("a day later it says %s", said.String())
	}
}

// TestNobodyToTell: until the clinic's list has come there is nowhere to mail it to, and a member tells nobody.
func TestNobodyToTell(t *testing.T) {
	b := New(data(t), quiet(), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	p.me.Role = care.RoleMember
	if told, err := p.Digest(t.Context()); told || err != nil {
		t.Errorf("a member tells: %v, %v", told, err)
	}
	if _, err := p.desk.Digest(t.Context(), event.DigestBody{Day: "2026-11-23", First: 2, Last: 1, Over: care.EventID{1}}); err != nil {
		t.Errorf("behind one that is not here: %v", err)
	}
	if all, _ := held(t, p); len(all) != 0 {
		t.Errorf("held are %+v", all)
	}
	if d := audit.Tell(nil, 0, 0, p.device.Public().(ed25519.PublicKey)); d.First != 1 || d.Last != 0 || d.Head != "" || d.Broken != 0 {
		t.Errorf("of no rows: %+v", d)
	}
}
