package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	rosa  = care.PersonID("ps_rosaaaaaaaaaaaaa")
	maria = care.PatientID("pt_mariaaaaaaaaaaaa")
)

var (
	key  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	pub  = key.Public().(ed25519.PublicKey)
	noon = time.Date(2026, 11, 23, 12, 0, 0, 6e6, time.UTC)
)

func id(name string) care.EventID { return sha256.Sum256([]byte(name)) }

// day is a small record with an entry of each sort.
func day() []Entry {
	all := []Entry{
		{What: SignedIn}, {What: Viewed, Patient: maria, Part: id("knee")}, {What: Copied, Patient: maria, Part: id("knee")},
		{What: SignedOut}, {What: Refused, Times: 2}, {What: SignedIn}, {What: Viewed, Patient: maria, Part: id("sleep")},
	}
	for i := range all {
		all[i].No, all[i].Who, all[i].At = int64(i)+1, rosa, noon.Add(time.Duration(i)*time.Minute)
	}
	return all
}

func record(t testing.TB, with ed25519.PrivateKey, entries ...Entry) (lines []Line) {
	t.Helper()
	var before []byte
	for _, e := range entries {
		l, err := Follow(before, e, with)
		if err != nil {
			t.Fatal(err)
		}
		lines, before = append(lines, l), l.Hash
	}
	return lines
}

func TestARecordHolds(t *testing.T) {
	for n := range len(day()) + 1 {
		got, err := Verify(record(t, key, day()[:n]...), int64(n), pub)
		if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, day()[:n]) {
			t.Errorf("of %d: %v, %v", n, got, err)
		}
	}
}

// more is a record with an entry of each sort that came later.
func more() []Entry {
	device := id("a device")
	all := []Entry{{What: Recovered}, {What: PassphraseChanged}, {What: SheetMade}, {What: Printed}, {What: Exported},
		{What: Added, Ref: string(rosa)}, {What: Changed, Ref: "of_leeaaaaaaaaaaaaa"}, {What: Invited, Ref: string(rosa)},
		{What: Withdrawn, Ref: string(rosa)}, {What: Removed, Ref: string(maria)}, {What: Revoked, Ref: device.String()}}
	for i := range all {
		all[i].No, all[i].Who, all[i].At = int64(i)+1, rosa, noon.Add(time.Duration(i)*time.Minute)
	}
	return all
}

func keychain() []Entry {
	return []Entry{{No: 1, Who: rosa, At: noon, What: KeychainOn}, {No: 2, Who: rosa, At: noon.Add(time.Minute), What: KeychainOff}}
}

// TestTheBytesOfVersion1 are decided once: records of today are read by the programs of later.
func TestTheBytesOfVersion1(t *testing.T) {
	seen := map[What]bool{}
	for _, e := range slices.Concat(day(), more(), keychain()) {
		seen[e.What] = true
	}
	for _, w := range Whats() {
		if !seen[w] {
			t.Errorf("no bytes of %s are kept", w)
		}
	}
	bytesOf(t, "record.txt", day())
	bytesOf(t, "more.txt", more())
	bytesOf(t, "keychain.txt", keychain())
	if got, err := Verify(record(t, key, more()...), int64(len(more())), pub); err != nil || !reflect.DeepEqual(got, more()) {
		t.Errorf("read back as %+v: %v", got, err)
	}
}

func bytesOf(t *testing.T, name string, entries []Entry) {
	t.Helper()
	var b bytes.Buffer
	for _, l := range record(t, key, entries...) {
		h, s := care.EventID(l.Hash), sha256.Sum256(l.Signature)
		b.WriteString(string(l.Entry) + "\n" + h.String() + "\n" + care.EventID(s).String() + "\n")
	}
	path := filepath.Join("testdata", "v1", name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || b.String() != string(want) {
		t.Errorf("%v: is\n%swant\n%s", err, b.String(), want)
	}
}

// TestTampering does to each entry what can be done to it without the device's key, and wants it named.
func TestTampering(t *testing.T) {
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := record(t, key, day()...)
	names := func(what string, lines []Line, no int64) {
		t.Helper()
		entries, err := Verify(lines, int64(len(whole)), pub)
		var broken *Broken
		if !errors.As(err, &broken) || broken.No != no || care.KindOf(err) != care.Corrupt {
			t.Errorf("%s: %v, want entry %d", what, err, no)
		}
		if len(entries) < int(no)-1 {
			t.Errorf("%s: of the entries only %d can be read", what, len(entries))
		}
	}
	for i := range whole {
		no := int64(i) + 1
		for what, field := range map[string]func(*Line) *[]byte{
			"entry": func(l *Line) *[]byte { return &l.Entry }, "hash": func(l *Line) *[]byte { return &l.Hash }, "signature": func(l *Line) *[]byte { return &l.Signature },
		} {
			for at := range *field(&whole[i]) {
				changed := slices.Clone(whole)
				b := slices.Clone(*field(&changed[i]))
				b[at] ^= 1 << (at % 8)
				*field(&changed[i]) = b
				names("a flipped bit of the "+what, changed, no)
			}
			gone := slices.Clone(whole)
			*field(&gone[i]) = nil
			names("no "+what, gone, no)
		}
		names("taken out", slices.Delete(slices.Clone(whole), i, i+1), no)
		names("cut off from there", whole[:i], no)
		twice := slices.Insert(slices.Clone(whole), i, whole[i])
		names("twice", twice, min(no+1, int64(len(twice))))

		// Taken out or put in, with the numbers in the table made to fit.
		for _, lines := range [][]Line{slices.Delete(slices.Clone(whole), i, i+1), slices.Insert(slices.Clone(whole), i, whole[0])} {
			for j := range lines {
				lines[j].No = int64(j) + 1
			}
			if i == 0 && len(lines) > len(whole) {
				names("put in, renumbered", lines, 2)
				continue
			}
			names("renumbered", lines, no)
		}
		for j := range i {
			swapped := slices.Clone(whole)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			names("two swapped", swapped, int64(j)+1)
		}

		// Written anew from there on, hashes and all, by somebody who has another key.
		forged := slices.Clone(whole[:i])
		var before []byte
		for j, e := range day()[i:] {
			if j == 0 {
				e.At = e.At.Add(time.Hour)
			}
			if i > 0 && before == nil {
				before = forged[i-1].Hash
			}
			l, err := Follow(before, e, other)
			if err != nil {
				t.Fatal(err)
			}
			forged, before = append(forged, l), l.Hash
		}
		names("written anew", forged, no)
	}
	// What cannot be seen here: an older state of the record. That is what mailing its head is for.
	if _, err := Verify(whole[:3], 3, pub); err != nil {
		t.Errorf("an older state: %v", err)
	}
}

func TestWhatIsNoEntry(t *testing.T) {
	good := `{"v":1,"no":2,"at":"2026-11-23T12:00:00.006Z","what":"view","who":"` + string(rosa) + `","patient":"` + string(maria) + `","part":"` + id("knee").String() + `"}`
	if _, err := Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"v":1`, `"v":2`}, {`"v":1,`, ``}, {`"no":2`, `"no":0`}, {`"no":2`, `"no":-2`}, {`"no":2`, `"no":2.0`}, {`"no"`, `"No"`}, {`,"what"`, `, "what"`},
		{`12:00:00.006Z`, `12:00:00Z`}, {`12:00:00.006Z`, `12:00:00.006+00:00`}, {`11-23`, `13-23`}, {`12:00:00`, `24:00:00`},
		{`"view"`, `"search"`}, {`"view"`, `"sign-in"`}, {`"view"`, `"sign-in.refused"`}, {string(rosa), "ps_rosa"}, {string(rosa), string(maria)}, {string(maria), "pt_"},
		{`"patient":"` + string(maria) + `",`, ``}, {`,"part":"` + id("knee").String() + `"`, ``}, {id("knee").String(), "knee"}, {`"view"`, `"v\u0069ew"`},
		{`"patient"`, `"times":1,"patient"`}, {`"patient"`, `"times":-1,"patient"`}, {`}`, `,"more":1}`}, {`}`, `} `}, {`}`, `}{}`}, {`{"v"`, `{"no":2,"v"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%q changes nothing", change)
		}
		if e, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %+v", bad, e)
		}
	}
	for _, e := range []Entry{{}, {No: 1, At: noon, What: Viewed, Who: rosa}, {No: 1, At: noon, What: Refused, Who: rosa}, {No: 1, At: noon, What: SignedIn},
		{No: 1, At: noon, What: SignedIn, Who: rosa, Part: id("knee")}, {No: 1, At: noon, What: Added, Who: rosa},
		{No: 1, At: noon, What: Added, Who: rosa, Ref: "Rosa Delgado"}, {No: 1, At: noon, What: Added, Who: rosa, Ref: "mb_leeaaaaaaaaaaaaa"},
		{No: 1, At: noon, What: SignedIn, Who: rosa, Ref: string(rosa)}} {
		if l, err := Follow(nil, e, key); err == nil {
			t.Errorf("%+v is written as %s", e, l.Entry)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, l := range record(f, key, append(day(), more()...)...) {
		f.Add(l.Entry)
	}
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Decode(raw)
		if err != nil {
			return
		}
		again, err := encode(e)
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s is written again as %s, %v", raw, again, err)
		}
	})
}

func TestLooks(t *testing.T) {
	var l Looks
	knee, sleep := id("knee"), id("sleep")
	one, two, three := id("1"), id("2"), id("3")
	for i, c := range []struct {
		after time.Duration
		part  care.EventID
		items []care.EventID
		asked bool
		want  bool
	}{
		{0, knee, []care.EventID{one, two}, true, true},
		{0, knee, []care.EventID{one, two}, true, false},
		{9 * time.Minute, knee, []care.EventID{one, two}, true, false},
		{10 * time.Minute, knee, []care.EventID{one, two}, false, false}, // the page by itself
		{10 * time.Minute, knee, []care.EventID{one, two}, true, true},
		{11 * time.Minute, sleep, nil, false, true}, // a conversation of one's own words alone, drawn by itself
		{11 * time.Minute, sleep, nil, true, false},
		{12 * time.Minute, knee, []care.EventID{one, two, three}, false, true}, // something new came in
		{12 * time.Minute, knee, []care.EventID{one, two, three}, true, false},
		{13 * time.Minute, knee, []care.EventID{three}, true, false}, // what moved away took nothing new
		{-time.Hour, knee, []care.EventID{one}, true, true},          // the clock was set back
		{-time.Hour, knee, []care.EventID{one}, true, false},
	} {
		if got := l.Counts(c.part, c.items, c.asked, noon.Add(c.after)); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}
