package seal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
)

func newSecret(tb testing.TB) Secret {
	tb.Helper()
	s, err := NewSecret()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func signature(b byte) []byte { return bytes.Repeat([]byte{b}, signatureSize) }

// letterOf frames an inside of the test's making, as somebody could who knows the public key.
func letterOf(tb testing.TB, id KeyTag, inside []byte, to ...age.Recipient) []byte {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(id[:])
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(inside); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func insideOf(t ContentType, n uint32, size int) []byte {
	inside := make([]byte, size)
	inside[0] = byte(t)
	binary.BigEndian.PutUint32(inside[1:], n)
	return inside
}

func TestSealedIsOpened(t *testing.T) {
	s := newSecret(t)
	ring := NewRing(newSecret(t), s)
	sizes := []int{0, 1, 4096 - overhead - 1, 4096 - overhead, 4096 - overhead + 1,
		64<<10 - overhead - 1, 64<<10 - overhead, 64<<10 - overhead + 1, 100_000,
		512<<10 - overhead, 512<<10 - overhead + 1, 2 << 20, MaxContent - 1, MaxContent}
	for _, size := range sizes {
		for _, c := range []Content{
			{Type: TypeEvent, Bytes: bytes.Repeat([]byte("e"), size), Signature: signature(7)},
			{Type: TypeBlob, Bytes: bytes.Repeat([]byte{0}, size)},
			{Type: TypeBundle, Bytes: bytes.Repeat([]byte("b"), size)},
			{Type: TypeDocument, Bytes: bytes.Repeat([]byte("d"), size), Signature: signature(0)},
		} {
			letter, err := Seal(s.Public(), c)
			if err != nil {
				t.Fatalf("%d bytes of type %d: %v", size, c.Type, err)
			}
			got, err := ring.Open(letter)
			if err != nil {
				t.Fatalf("%d bytes of type %d: %v", size, c.Type, err)
			}
			if got.Type != c.Type || !bytes.Equal(got.Bytes, c.Bytes) || !bytes.Equal(got.Signature, c.Signature) {
				t.Fatalf("%d bytes of type %d came back as %d bytes of type %d", size, c.Type, len(got.Bytes), got.Type)
			}
			if len(letter) > MaxLetter {
				t.Fatalf("%d bytes of content make a letter of %d", size, len(letter))
			}
		}
	}
}

func TestSealRefuses(t *testing.T) {
	to := newSecret(t).Public()
	for name, c := range map[string]Content{
		"no type":                 {Signature: signature(1)},
		"unknown type":            {Type: 5, Signature: signature(1)},
		"event without signature": {Type: TypeEvent, Bytes: []byte("x")},
		"document, short":         {Type: TypeDocument, Bytes: []byte("x"), Signature: []byte("short")},
		"blob with signature":     {Type: TypeBlob, Bytes: []byte("x"), Signature: signature(1)},
		"too long":                {Type: TypeBlob, Bytes: make([]byte, MaxContent+1)},
	} {
		if _, err := Seal(to, c); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	for name, p := range map[string]Public{
		"no key":    {},
		"classic":   {Recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"},
		"cut short": {ID: to.ID, Recipient: to.Recipient[:1000]},
	} {
		if _, err := Seal(p, Content{Type: TypeBlob}); err == nil {
			t.Errorf("%s: sealed", name)
		}
		if !p.Fingerprint().IsZero() {
			t.Errorf("%s: has a fingerprint", name)
		}
	}
	if err := (Public{ID: to.ID, Recipient: strings.ToUpper(to.Recipient)}).Check(); err == nil {
		t.Error("a second spelling of a key is taken")
	}
}

// All a stranger learns from a letter's length is its bucket.
func TestSizesComeFromTheBuckets(t *testing.T) {
	want := []int{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 3 << 19, 2 << 20}
	for i, b := range want {
		if got := bucket(b); got != b {
			t.Errorf("%d bytes are padded to %d", b, got)
		}
		if i > 0 && bucket(want[i-1]+1) != b {
			t.Errorf("%d bytes are padded to %d, not %d", want[i-1]+1, bucket(want[i-1]+1), b)
		}
	}
	to := newSecret(t).Public()
	lengths := map[int]bool{}
	for _, n := range []int{0, 1, 500, 4096 - overhead} {
		letter, err := Seal(to, Content{Type: TypeEvent, Bytes: bytes.Repeat([]byte("x"), n), Signature: signature(9)})
		if err != nil {
			t.Fatal(err)
		}
		lengths[len(letter)] = true
	}
	if len(lengths) != 1 {
		t.Errorf("letters of one bucket have %d lengths", len(lengths))
	}
}

func TestOpenRefuses(t *testing.T) {
	s := newSecret(t)
	me := s.identity.Recipient()
	good := insideOf(TypeEvent, 10, 4096)
	other := newSecret(t)
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	padded := bytes.Clone(good)
	padded[4095] = 1
	signedBlob := insideOf(TypeBlob, 10, 4096)
	signedBlob[headSize+10+3] = 1
	letter := letterOf(t, s.id, good, me)
	version2 := bytes.Clone(letter)
	version2[4] = 2
	for _, c := range []struct {
		name   string
		letter []byte
		want   error
	}{
		{"nothing", nil, ErrNotALetter},
		{"short", []byte("PSTN\x01abc"), ErrNotALetter},
		{"other bytes", bytes.Repeat([]byte("Q"), 5000), ErrNotALetter},
		{"another version", version2, ErrNotALetter},
		{"another's", letterOf(t, other.id, good, other.identity.Recipient()), ErrNoKey},
		{"another's under our id", letterOf(t, s.id, good, other.identity.Recipient()), ErrDamaged},
		{"frame alone", letter[:frameSize], ErrDamaged},
		{"header alone", letter[:frameSize+1800], ErrDamaged},
		{"cut", letter[:len(letter)-1], ErrDamaged},
		{"one byte more", append(bytes.Clone(letter), 0), ErrDamaged},
		{"two recipients", letterOf(t, s.id, good, me, other.identity.Recipient()), ErrDamaged},
		{"classic recipient", letterOf(t, s.id, good, classic.Recipient()), ErrDamaged},
		{"padding not zero", letterOf(t, s.id, padded, me), ErrDamaged},
		{"bucket too large", letterOf(t, s.id, insideOf(TypeEvent, 10, 8192), me), ErrDamaged},
		{"not a bucket", letterOf(t, s.id, insideOf(TypeEvent, 10, 4097), me), ErrDamaged},
		{"empty inside", letterOf(t, s.id, nil, me), ErrDamaged},
		{"length beyond the inside", letterOf(t, s.id, insideOf(TypeEvent, 4096-overhead+1, 4096), me), ErrDamaged},
		{"greatest length", letterOf(t, s.id, insideOf(TypeEvent, 1<<32-1, 4096), me), ErrDamaged},
		{"type 0", letterOf(t, s.id, insideOf(0, 10, 4096), me), ErrDamaged},
		{"type 5", letterOf(t, s.id, insideOf(5, 10, 4096), me), ErrDamaged},
		{"blob with signature", letterOf(t, s.id, signedBlob, me), ErrDamaged},
		{"beyond the limit", letterOf(t, s.id, make([]byte, MaxLetter), me), ErrDamaged},
		{"content beyond the limit", letterOf(t, s.id, insideOf(TypeBlob, MaxContent+1, 9<<19), me), ErrDamaged},
	} {
		_, err := NewRing(s).Open(c.letter)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := NewRing(s).Open(letter); err != nil {
		t.Errorf("the letter that the others vary: %v", err)
	}
}

// No changed bit opens: not in the frame, the header, its MAC, the nonce, or the sealed bytes.
func TestNoChangedBitOpens(t *testing.T) {
	s := newSecret(t)
	ring := NewRing(s)
	letter, err := Seal(s.Public(), Content{Type: TypeEvent, Bytes: []byte("hello"), Signature: signature(3)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range letter {
		changed := bytes.Clone(letter)
		changed[i] ^= 1 << (i % 8)
		if _, err := ring.Open(changed); err == nil {
			t.Fatalf("byte %d of %d changed, and it opens", i, len(letter))
		}
	}
}

func TestOneChunkAsAgeReadsIt(t *testing.T) {
	s := newSecret(t)
	key := single{s.identity}
	for _, n := range []int{1, 4096, chunkSize - 17, chunkSize - 16, chunkSize - 15, 128 << 10} {
		plain := bytes.Repeat([]byte("p"), n)
		file := letterOf(t, s.id, plain, s.identity.Recipient())[frameSize:]
		got, err := decrypt(file, key)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: %d came back, %v", n, len(got), err)
		}
		r, err := age.Decrypt(bytes.NewReader(file), key)
		if err != nil {
			t.Fatal(err)
		}
		var by bytes.Buffer
		if _, err := by.ReadFrom(r); err != nil || !bytes.Equal(by.Bytes(), got) {
			t.Fatalf("%d bytes: age reads other bytes, %v", n, err)
		}
	}
	// A first chunk that is not the last one, alone: a file cut at a chunk's edge.
	file := letterOf(t, s.id, make([]byte, 128<<10), s.identity.Recipient())[frameSize:]
	cut := file[:len(file)-chunkSize]
	if _, err := decrypt(cut, key); err == nil {
		t.Error("a file cut at a chunk's edge opens")
	}
}

func TestKeysOfOneIDAreAllTried(t *testing.T) {
	a, b := newSecret(t), newSecret(t)
	b.id = a.id
	for _, ring := range []*Ring{NewRing(a, b), NewRing(b, a)} {
		for _, s := range []Secret{a, b} {
			letter, err := Seal(s.Public(), Content{Type: TypeBlob, Bytes: []byte("x")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ring.Open(letter); err != nil {
				t.Error(err)
			}
		}
	}
	if c := newSecret(t); NewRing(a, c).Name() != NewRing(c, a, a).Name() || NewRing(a, c).Name() == NewRing(a).Name() {
		t.Error("rings of the same keys have one name, others another")
	}
	if !NewRing(a).Holds(a.id) || NewRing(a).Holds(KeyTag{1}) {
		t.Error("Holds is wrong")
	}
}

func TestRingIsSafeForAllCores(t *testing.T) {
	s := newSecret(t)
	ring := NewRing(s)
	letter, err := Seal(s.Public(), Content{Type: TypeBlob, Bytes: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if c, err := ring.Open(letter); err != nil || string(c.Bytes) != "x" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSecretAsText(t *testing.T) {
	s := newSecret(t)
	again, err := ParseSecret(s.Text())
	if err != nil {
		t.Fatal(err)
	}
	if again.Public() != s.Public() || again.Text() != s.Text() {
		t.Error("the text gives another key")
	}
	for _, bad := range []string{"", ":", s.Text()[17:], "ABCDEF0123456789" + s.Text()[16:], s.Text() + "Q",
		s.id.String() + ":AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("taken: %.20s…", bad)
		} else if len(bad) > 40 && strings.Contains(err.Error(), bad[20:40]) {
			t.Error("the error repeats the secret")
		}
	}
}

func TestSecretNeverPrintsItself(t *testing.T) {
	s := newSecret(t)
	key := s.identity.String()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s)
	asJSON, err := json.Marshal(s)
	if err == nil {
		t.Error("a secret is written as JSON")
	}
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), log.String(), string(asJSON)} {
		if strings.Contains(out, key[20:40]) {
			t.Errorf("the secret shows: %.60s", out)
		}
	}
}

func TestPublicAsJSON(t *testing.T) {
	p := newSecret(t).Public()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"id":"%s","recipient":"%s"}`, p.ID, p.Recipient); string(b) != want {
		t.Errorf("%s", b)
	}
	if n := len(bech32Data(p.Recipient)); n != 1216 || len(p.Recipient) != 1959 {
		t.Errorf("a public key of %d bytes in %d characters", n, len(p.Recipient))
	}
	var again Public
	if err := json.Unmarshal(b, &again); err != nil || again != p {
		t.Errorf("%v %v", again, err)
	}
	for _, bad := range []string{`{"id":"00"}`, `{"id":"ABCDEF0123456789"}`, `{"id":"0123456789abcdeg"}`, `{"id":7}`} {
		if json.Unmarshal([]byte(bad), &again) == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

func TestSignatures(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte("bytes")
	sig := Sign(key, LabelEvent, b)
	if !Verify(pub, LabelEvent, b, sig) {
		t.Fatal("a signature does not verify")
	}
	labels := []Label{LabelDirectory, LabelRoster, LabelCare, LabelCert, LabelInvite, LabelGrant, LabelVouch}
	for _, l := range labels {
		if Verify(pub, l, b, sig) {
			t.Errorf("a signature over an event verifies as %q", l)
		}
	}
	if Verify(pub, LabelEvent, []byte("other"), sig) || Verify(pub[:31], LabelEvent, b, sig) || Verify(nil, LabelEvent, b, sig) ||
		Verify(pub, LabelEvent, b, sig[:63]) || Verify(pub, LabelEvent, b, nil) {
		t.Error("something verifies that must not")
	}
}
