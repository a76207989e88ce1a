package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"postern/backend/care"
)

func byCodeOf(t *testing.T, dir, typed string) *Vault {
	t.Helper()
	c, err := ParseCode(typed)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenByCode(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func newCode(t *testing.T, v *Vault) string {
	t.Helper()
	c, err := v.NewCode()
	if err != nil {
		t.Fatal(err)
	}
	return c.Text()
}

// opens reports whether a typed code opens the vault, and fails where it does not for another reason than being wrong.
func opens(t *testing.T, dir, typed string) bool {
	t.Helper()
	c, err := ParseCode(typed)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenByCode(dir, c)
	switch {
	case err == nil:
		v.Close()
		return true
	case care.KindOf(err) != care.Invalid || care.SentenceOf(err) != care.SentenceOf(WrongCode()):
		t.Errorf("%v", err)
	}
	return false
}

// TestAFixedCode holds the form on paper: sheets outlive programs.
func TestAFixedCode(t *testing.T) {
	var c Code
	for i := range c.bits {
		c.bits[i] = byte(i * 17)
	}
	const want = "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZZ29"
	if got := c.Text(); got != want {
		t.Errorf("the form on paper changed: %s, was %s", got, want)
	}
	for _, typed := range []string{c.Text(), strings.ToLower(c.Text()), strings.ReplaceAll(c.Text(), "-", ""), strings.ReplaceAll(c.Text(), "-", " – "),
		" " + strings.ReplaceAll(strings.ReplaceAll(c.Text(), "0", "o"), "1", "l") + "\n"} {
		if got, err := ParseCode(typed); err != nil || got != c {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// TestSlipsAreTold: nearly every wrong character, and every two that changed places, are told before anything is tried.
func TestSlipsAreTold(t *testing.T) {
	var c Code
	copy(c.bits[:], "0123456789abcdef")
	text := strings.ReplaceAll(c.Text(), "-", "")
	missed, all := 0, 0
	for i := range text {
		for _, r := range CodeAlphabet {
			if slip := text[:i] + string(r) + text[i+1:]; slip != text {
				if all++; told(t, slip, "not as on the sheet") {
					continue
				}
				missed++
			}
		}
	}
	if missed > all/500 {
		t.Errorf("%d of %d slips are not told", missed, all)
	}
	for typed, words := range map[string]string{text[:27]: "too short", text + "0": "too long", "": "too short", strings.Replace(text, text[3:4], "U", 1): "letters and digits",
		strings.Replace(text, text[3:4], "!", 1): "letters and digits", "ſ" + text[1:]: ""} {
		if !told(t, typed, words) {
			t.Errorf("%q is taken", typed)
		}
	}
}

func told(t *testing.T, typed, words string) bool {
	t.Helper()
	_, err := ParseCode(typed)
	if err != nil && (care.KindOf(err) != care.Invalid || !strings.Contains(care.SentenceOf(err), words)) {
		t.Errorf("%q: %v", typed, err)
	}
	return err != nil
}

func TestCodesDoNotPrint(t *testing.T) {
	c, err := open(t, create(t, "x"), "x").NewCode()
	if err != nil {
		t.Fatal(err)
	}
	if out := fmt.Sprintf("%v %+v %#v %s %v", c, c, c, c, c.LogValue()); strings.Contains(out, c.Text()[:4]) || strings.Contains(out, fmt.Sprint(c.bits[:4])) {
		t.Error(out)
	}
}

func TestRecovery(t *testing.T) {
	dir := create(t, "forgotten")
	if has, err := HasCode(dir); has || err != nil {
		t.Errorf("a new vault has a code: %v", err)
	}
	v := open(t, dir, "forgotten")
	first := newCode(t, v)
	if has, err := HasCode(dir); !has || err != nil {
		t.Errorf("no code: %v", err)
	}
	raw, err := os.ReadFile(path(dir))
	if err != nil || strings.Contains(string(raw), first[:9]) {
		t.Errorf("the code stands in the file: %v", err)
	}
	second := newCode(t, v)
	if first == second || opens(t, dir, first) || !opens(t, dir, second) {
		t.Error("a new code leaves the old one in force")
	}
	if opens(t, create(t, "x"), second) {
		t.Error("it opens another vault")
	}
	other := create(t, "x")
	newCode(t, open(t, other, "x"))
	if opens(t, other, second) {
		t.Error("it opens another vault that has a code")
	}
	store := v.Secrets().Store
	saved := byCodeOf(t, dir, second)
	same(t, saved)
	if err := saved.Recover(""); care.KindOf(err) != care.Invalid || !opens(t, dir, second) {
		t.Errorf("no passphrase: %v", err)
	}
	if err := saved.Recover("new"); err != nil {
		t.Fatal(err)
	}
	if opens(t, dir, second) {
		t.Error("the used code opens")
	}
	if _, err := Open(dir, "forgotten"); care.KindOf(err) != care.Invalid {
		t.Errorf("the old passphrase: %v", err)
	}
	if got := open(t, dir, "new").Secrets(); string(got.Store) != string(store) {
		t.Error("the record's key changed")
	}
	if err := v.Save(secrets()); err != nil {
		t.Errorf("who had it open cannot save any more: %v", err)
	}
	same(t, open(t, dir, "new"))
	if _, err := OpenByCode(t.TempDir(), Code{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
}

func TestDamagedWrapsOfACode(t *testing.T) {
	for name, how := range map[string]func(*file){
		"salt":   func(f *file) { f.Recovery.Salt[0] ^= 1 },
		"gone":   func(f *file) { f.Recovery = nil },
		"params": func(f *file) { f.Recovery.Params = quick; f.Sum = f.sum() },
		"short":  func(f *file) { f.Recovery.Key = nil; f.Sum = f.sum() },
		"kind":   func(f *file) { f.Recovery.Kind = byPassphrase; f.Sum = f.sum() },
		"sum":    func(f *file) { f.Vault = 1 },
	} {
		dir := create(t, "x")
		v := open(t, dir, "x")
		c, err := v.NewCode()
		if err != nil {
			t.Fatal(err)
		}
		change(t, dir, how)
		if _, err := OpenByCode(dir, c); care.KindOf(err) != care.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.NewCode(); care.KindOf(err) != care.Corrupt {
			t.Errorf("%s is written over: %v", name, err)
		}
	}
}

func TestSetPassphrase(t *testing.T) {
	dir := create(t, "old")
	v := open(t, dir, "old")
	code := newCode(t, v)
	late := open(t, dir, "old")
	if err := v.SetPassphrase(""); care.KindOf(err) != care.Invalid {
		t.Errorf("none: %v", err)
	}
	if err := v.SetPassphrase("new"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "old"); care.KindOf(err) != care.Invalid {
		t.Errorf("the old one: %v", err)
	}
	same(t, open(t, dir, "new"))
	if !opens(t, dir, code) {
		t.Error("the code is gone")
	}
	changed := secrets()
	changed.DeviceSecret = "another"
	if err := late.Save(changed); err != nil { // it opened before the change, and must not undo it
		t.Fatal(err)
	}
	if got := open(t, dir, "new").Secrets().DeviceSecret; got != "another" {
		t.Error(got)
	}
	if err := v.SetPassphrase("third"); care.KindOf(err) != care.Conflict {
		t.Errorf("over content of somebody else: %v", err)
	}
	v.Close()
	if v.SetPassphrase("x") == nil {
		t.Error("a closed vault changes")
	}
}

// FuzzCode: what is read is what was written, and nothing that people type does harm.
func FuzzCode(f *testing.F) {
	f.Add("0", []byte("0123456789abcdef"))
	f.Add("oIlL-uU \u2013 \xff", []byte{})
	f.Add("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV", []byte{255})
	f.Fuzz(func(t *testing.T, typed string, bits []byte) {
		var c Code
		copy(c.bits[:], bits)
		if got, err := ParseCode(c.Text()); err != nil || got != c {
			t.Fatalf("%s: %v", c.Text(), err)
		}
		got, err := ParseCode(typed)
		if err != nil {
			if care.KindOf(err) != care.Invalid {
				t.Fatal(err)
			}
			return
		}
		if again, err := ParseCode(got.Text()); err != nil || again != got {
			t.Fatalf("%q reads in two ways", typed)
		}
	})
}
