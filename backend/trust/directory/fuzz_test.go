package directory

import (
	"os"
	"path/filepath"
	"testing"

	"postern/backend/trust/seal"
)

// FuzzEnrolling gives answers and grants of a stranger's making, well signed by the stranger, to a registrar and to a device:
// nothing panics, an answer proves what it brings, and no grant holds.
func FuzzEnrolling(f *testing.F) {
	c := newClinic(f)
	stranger := seeded(61) // the device of the golden files
	for _, name := range []string{"answer", "grant", "grant-later", "grant-refused"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	book := c.with(NewBook(c.pin()), c.directory(1, ""))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := ReadAnswer(Document{Bytes: raw, Signature: seal.Sign(stranger, seal.LabelInvite, raw)})
		if (err == nil) == (a == nil) {
			t.Fatal(err)
		}
		if err == nil && (a.Signer != keyID(stranger) || a.Sealing.Check() != nil || a.Proved() == "") {
			t.Fatalf("%+v", a)
		}
		d := Document{Bytes: raw, Signature: seal.Sign(stranger, seal.LabelGrant, raw)}
		if _, _, err := OpenGrant(c.pin(), d); err == nil {
			t.Fatal("a stranger's grant is opened")
		}
		if _, err := book.ReadGrant(d); err == nil {
			t.Fatal("a stranger's grant is read")
		}
	})
}
