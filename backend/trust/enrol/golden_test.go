package enrol

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/vault"
)

var update = flag.Bool("update", false, "write testdata/v1 anew; a released sample is never written again")

// sampled is what testdata/v1/invitation.json says of the sample beside it.
type sampled struct {
	Code    string      `json:"code"`
	Content *Invitation `json:"content"`
	Proof   string      `json:"proof"` // hexadecimal: the key of an answer's proof
}

// An invitation file of the first version opens with its code for ever and says the same, its code gives the same key, and
// the answer that was made of it then is still known by that.
func TestInvitationOfTheFirstVersion(t *testing.T) {
	at := func(name string) string { return filepath.Join("testdata", "v1", name) }
	if *update {
		writeInvitation(t, at)
	}
	file, said := must[[]byte](t)(os.ReadFile(at("invitation.postern-invite"))), must[[]byte](t)(os.ReadFile(at("invitation.json")))
	var want sampled
	if err := json.Unmarshal(said, &want); err != nil {
		t.Fatal(err)
	}
	got := must[*Invitation](t)(OpenInvitation(file, want.Code))
	if hex.EncodeToString(got.proof) != want.Proof {
		t.Errorf("the code gives another key: %x", got.proof)
	}
	if got.V != 1 || got.Root.IsZero() || got.Login.IMAP.Port == 0 || got.Born == "" || got.Record == "" || got.ToKey.Check() != nil {
		t.Errorf("the sample leaves out what it is to hold: %+v", got)
	}
	open := *got
	open.proof = nil
	if !reflect.DeepEqual(&open, want.Content) {
		t.Errorf("it says %+v, not %+v", &open, want.Content)
	}
	// What is inside is written as it was.
	if again, err := json.Marshal(got); err != nil || !bytes.Contains(compacted(t, said), again) {
		t.Errorf("its content is written otherwise now: %s, %v", again, err)
	}
	if len(strings.Split(want.Code, "-")) != 4 || ShowCode(must[string](t)(ParseCode(want.Code))) != want.Code {
		t.Errorf("the code %q", want.Code)
	}
	d := directory.Document{Kind: directory.KindAnswer, Bytes: must[[]byte](t)(os.ReadFile(at("answer.json"))), Signature: must[[]byte](t)(os.ReadFile(at("answer.sig")))}
	a := must[*directory.Answer](t)(directory.ReadAnswer(d))
	if a.Invitation != got.ID || !proved(got.proof, a) || a.Mailbox == nil {
		t.Errorf("the answer of then is not known now: %+v", a)
	}
}

func compacted(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeInvitation(t *testing.T, at func(string) string) {
	t.Helper()
	w := newTown(t)
	m := w.members["Marisol Vega"]
	i := must[Invited](t)(w.Invite(t.Context(), m.Person.ID))
	open := must[*Invitation](t)(OpenInvitation(i.File, i.Code))
	open.Login.IMAP, open.Login.SMTP = care.Endpoint{Host: "mail.test", Port: 993, TLS: care.TLSImplicit}, care.Endpoint{Host: "mail.test", Port: 465, TLS: care.TLSImplicit}
	open.FrontDesk = "555 0100"
	content := must[[]byte](t)(json.Marshal(open))
	file, box, err := vault.Pack(vault.Default, must[string](t)(ParseCode(i.Code)), content)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	open.proof = must[[]byte](t)(box.Derive(proofLabel))
	d, _, err := open.Answer(w.options().Now())
	if err != nil {
		t.Fatal(err)
	}
	said := must[[]byte](t)(json.MarshalIndent(sampled{i.Code, open, hex.EncodeToString(open.proof)}, "", "\t"))
	if err := os.MkdirAll(at(""), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"invitation.postern-invite": file, "invitation.json": said, "answer.json": d.Bytes, "answer.sig": d.Signature} {
		if err := os.WriteFile(at(name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
