package directory

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write testdata/v1 anew; a released document is never written again")

// Documents that the first version signed hold for ever, and every field of them is still read under its name.
func TestDocumentsOfTheFirstVersion(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	c := newClinic(t)
	if *update {
		full := c.directory(2, c.rosterOfDmitri(1).Hash(), func(d *Directory) {
			d.Clinic.Calendar = care.Calendar{Zone: "America/New_York", Hours: map[string][]care.Span{"mon": {{From: "09:00", Until: "18:00"}}},
				Preset: "us", Holidays: []care.Holiday{{Date: "2026-12-24", Name: "Christmas Eve", Hours: []care.Span{{From: "09:00", Until: "12:00"}}}},
				Absences: []care.Absence{{Person: lee, From: "2026-11-20", Until: "2026-11-29", Cover: rosa}}}
			d.Clinic.Policy = care.Policy{PromiseHours: 18, HoldSeconds: 15, StaleHours: 24}
			d.Clinic.NurseLine = "555 0199"
			d.Mailboxes[1].Older = []care.KeyID{{1}}
			d.Revoked = []Revoked{{Key: care.KeyID{2}, At: head().At}}
		})
		docs := map[string]Document{"directory": full, "care": c.careListOfMarisol(3), "registrar": c.registrarCert(),
			"device": c.sign(c.registrar, &Cert{Head: head(), Serial: 9, For: ForDevice, Key: public(seeded(60)), Person: rosa,
				Role: care.RoleNurse, Offices: []care.OfficeID{leeOffice}, Sealing: &c.box}),
			"roster": c.rosterOfMateo(4, func(r *Roster) {
				r.Readers[0].Ended = "2026-11-01"
				r.Patient.Visits = []care.Visit{{Date: "2026-10-01", Office: leeOffice, What: "Office visit", Why: "Asthma"}}
				r.Relations = append(r.Relations, care.Relation{Office: ramanOffice, Why: "seen", Seen: "2026-10-01"})
			})}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, d := range docs {
			for ext, b := range map[string][]byte{".json": d.Bytes, ".sig": d.Signature} {
				if err := os.WriteFile(filepath.Join(dir, name+ext), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var docs []Document
	for _, name := range []string{"directory", "roster", "care", "registrar", "device"} {
		raw, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		sig, err := os.ReadFile(filepath.Join(dir, name+".sig"))
		if err != nil {
			t.Fatal(err)
		}
		d := Document{Bytes: raw, Signature: sig}
		b, err := open(&d)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := json.Marshal(b); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s is written otherwise now:\n%s\n%s", name, raw, again)
		}
		docs = append(docs, d)
	}
	b := c.with(NewBook(c.pin()), docs...)
	if got := docs[0].Hash(); got != "n3pvuk3xfd2qv2353duhvyvtzitgvytd4ybjldx4chgml7hybjda" {
		t.Errorf("hash %s", got)
	}
	if b.Version() != 2 || b.Practice().Calendar.Absences[0].Cover != rosa || len(b.Patients()) != 2 || len(b.Relations(mateoPt)) != 2 {
		t.Errorf("version %d, %v", b.Version(), b.Patients())
	}
	if _, ok := b.PublicKey(keyID(seeded(60))); !ok || !b.Revoked(care.KeyID{2}) {
		t.Error("the device's key is not known")
	}
}

// A directory that says where the mail system is.
func TestDirectoryWithAGateway(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	c := newClinic(t)
	want := care.MailPlace{IMAP: care.Endpoint{Host: "mail.clinic.example", Port: 993, TLS: care.TLSImplicit},
		SMTP: care.Endpoint{Host: "mail.clinic.example", Port: 587, TLS: care.TLSStart}, Roots: "-----BEGIN CERTIFICATE-----\n"}
	if *update {
		d := c.directory(1, "", func(d *Directory) { d.Clinic.Gateway = &want })
		for ext, b := range map[string][]byte{".json": d.Bytes, ".sig": d.Signature} {
			if err := os.WriteFile(filepath.Join(dir, "gateway"+ext), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "gateway.json"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(filepath.Join(dir, "gateway.sig"))
	if err != nil {
		t.Fatal(err)
	}
	d := Document{Bytes: raw, Signature: sig}
	body, err := open(&d)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(body); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("it is written otherwise now:\n%s\n%s", raw, again)
	}
	if got := c.with(NewBook(c.pin()), d).Practice().Gateway; got == nil || *got != want {
		t.Errorf("%+v", got)
	}
}
