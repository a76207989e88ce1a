package seal

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/v1 anew; a released vector is never written again")

// vectors is testdata/v1/vectors.json: keys that were used for nothing else, and what the letters beside it carry.
type vectors struct {
	Secret      string            `json:"secret"`
	Public      Public            `json:"public"`
	Fingerprint string            `json:"fingerprint"` // of Public
	SigningSeed string            `json:"signingSeed"`
	SigningKey  string            `json:"signingKey"` // fingerprint
	Letters     map[string]vector `json:"letters"`    // by file
}

type vector struct {
	Type      ContentType `json:"type"`
	Label     Label       `json:"label,omitempty"`
	Content   string      `json:"content"`
	Repeat    int         `json:"repeat"`
	Signature string      `json:"signature,omitempty"`
}

// Mailboxes keep letters for decades: these, written by the first version, must open for ever.
func TestLettersOfTheFirstVersionOpen(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	if *update {
		writeVectors(t, dir)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	secret, err := ParseSecret(v.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if secret.Public() != v.Public || secret.Public().Fingerprint().String() != v.Fingerprint {
		t.Errorf("the secret gives another public key or fingerprint: %s", secret.Public().Fingerprint())
	}
	seed, err := hex.DecodeString(v.SigningSeed)
	if err != nil {
		t.Fatal(err)
	}
	signer := ed25519.NewKeyFromSeed(seed)
	pub := signer.Public().(ed25519.PublicKey)
	if got := Fingerprint(pub).String(); got != v.SigningKey {
		t.Errorf("fingerprint %s, want %s", got, v.SigningKey)
	}
	if len(v.Letters) < 5 {
		t.Errorf("%d letters", len(v.Letters))
	}
	ring := NewRing(secret)
	for name, want := range v.Letters {
		letter, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ring.Open(letter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		content := strings.Repeat(want.Content, want.Repeat)
		if got.Type != want.Type || string(got.Bytes) != content || hex.EncodeToString(got.Signature) != want.Signature {
			t.Errorf("%s: other content", name)
		}
		if want.Label != "" && !Verify(pub, want.Label, got.Bytes, got.Signature) {
			t.Errorf("%s: the signature does not verify", name)
		}
	}
}

func writeVectors(t *testing.T, dir string) {
	t.Helper()
	s := newSecret(t)
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	key := ed25519.NewKeyFromSeed(seed)
	v := vectors{Secret: s.Text(), Public: s.Public(), Fingerprint: s.Public().Fingerprint().String(),
		SigningSeed: hex.EncodeToString(seed), SigningKey: Fingerprint(key.Public().(ed25519.PublicKey)).String(),
		Letters: map[string]vector{
			"event.letter":    {Type: TypeEvent, Label: LabelEvent, Content: `{"v":1,"kind":"note.added"}`, Repeat: 1},
			"empty.letter":    {Type: TypeBlob},
			"blob.letter":     {Type: TypeBlob, Content: "0123456789abcdef", Repeat: 5000},
			"bundle.letter":   {Type: TypeBundle, Content: "bundle", Repeat: 1},
			"document.letter": {Type: TypeDocument, Label: LabelRoster, Content: `{"v":1,"doc":"roster"}`, Repeat: 300},
		}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, w := range v.Letters {
		c := Content{Type: w.Type, Bytes: []byte(strings.Repeat(w.Content, w.Repeat))}
		if w.Label != "" {
			c.Signature = Sign(key, w.Label, c.Bytes)
			w.Signature = hex.EncodeToString(c.Signature)
			v.Letters[name] = w
		}
		letter, err := Seal(s.Public(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), letter, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vectors.json"), append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// FuzzOpen gives the ring letters and insides of a stranger's making: nothing panics, and what opens seals and opens again.
func FuzzOpen(f *testing.F) {
	dir := filepath.Join("testdata", "v1")
	raw, err := os.ReadFile(filepath.Join(dir, "vectors.json"))
	if err != nil {
		f.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		f.Fatal(err)
	}
	secret, err := ParseSecret(v.Secret)
	if err != nil {
		f.Fatal(err)
	}
	ring := NewRing(secret)
	for _, name := range []string{"event.letter", "empty.letter"} {
		letter, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(letter, false)
		f.Add(letter[:len(letter)/2], false)
	}
	f.Add(insideOf(TypeEvent, 12, 4096), true)
	f.Add(insideOf(TypeBlob, 4096, 8192), true)
	f.Add([]byte{1, 255, 255, 255, 255}, true)
	f.Fuzz(func(t *testing.T, b []byte, inside bool) {
		if inside {
			b = letterOf(t, secret.id, b, secret.identity.Recipient())
		}
		c, err := ring.Open(b)
		if err != nil {
			return
		}
		letter, err := Seal(secret.Public(), c)
		if err != nil {
			t.Fatalf("opened, and cannot be sealed: %v", err)
		}
		if len(letter) != len(b) {
			t.Fatalf("a letter of %d bytes is sealed again to %d", len(b), len(letter))
		}
	})
}
