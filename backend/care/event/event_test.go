package event

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing; a released one is never changed")

const (
	practice = care.PracticeID("pr_aaaaaaaaaaaaaaaa")
	office   = care.OfficeID("of_aaaaaaaaaaaaaaaa")
	lee      = care.PersonID("ps_leeaaaaaaaaaaaaa")
	maria    = care.PersonID("ps_mariaaaaaaaaaaaa")
	patient  = care.PatientID("pt_mariaaaaaaaaaaaa")
	mbOffice = care.MailboxID("mb_officeaaaaaaaaaa")
	mbMaria  = care.MailboxID("mb_mariaaaaaaaaaaaa")
	mbJuan   = care.MailboxID("mb_juanaaaaaaaaaaaa")
)

func id(n byte) care.EventID { return sha256.Sum256([]byte{'e', n}) }
func key(n byte) care.KeyID  { return sha256.Sum256([]byte{'k', n}) }

var morning = time.Date(2026, 11, 23, 14, 5, 6, 789e6, time.UTC)

// example is one full event of each known kind, as a caller would hand it in: lists unsorted, times in another zone.
func example(kind Kind) Event {
	e := Event{
		Practice: practice, Kind: kind, Thread: id(1), Part: id(2), Author: key(1), As: lee, For: patient,
		At: morning.In(time.FixedZone("", -5*3600)), To: []care.MailboxID{mbOffice, mbMaria}, After: []care.EventID{id(4), id(3)}, Dir: 7,
	}
	switch kind {
	case Opened:
		e.Thread, e.Part, e.After, e.As = care.ThreadID{}, care.EventID{}, nil, maria
		e.To = []care.MailboxID{mbOffice, mbMaria, mbJuan}
		e.Body = OpenedBody{Office: office, Subject: `Rash <after> "amoxicillin" & sun ☀`, Topic: care.TopicAdvice, Readers: []care.MailboxID{mbMaria, mbJuan}}
	case Sent:
		e.As = maria
		e.Body = SentBody{Text: "Line one\nline two\u2028\t🙂", Basis: []care.EventID{id(9), id(8)}, Files: []File{
			{Name: "rash.jpg", Type: "image/jpeg", Size: 2 << 20, SHA256: id(5).String(), Pieces: []string{id(6).String()}}}}
	case Received:
		e.Body = ReceivedBody{Message: id(3), Received: morning, Due: morning.Add(48 * time.Hour), Cover: lee}
	case DueChange:
		e.Body = DueBody{Message: id(3), Due: morning.Add(72 * time.Hour), Reason: "Dr. Lee is <out>", Over: id(4)}
	case Seen:
		e.Body = SeenBody{Message: id(3)}
	case Owner:
		e.To = []care.MailboxID{mbOffice}
		e.Body = OwnerBody{Who: lee, Over: id(4)}
	case Flag:
		e.To = []care.MailboxID{mbOffice}
		e.Body = FlagBody{On: true, Reason: "Short of breath", Over: id(4)}
	case Readers:
		e.Body = ReadersBody{Readers: []care.MailboxID{mbMaria}, Over: id(4)}
	case Note:
		e.To = []care.MailboxID{mbOffice}
		e.Body = NoteBody{Text: "Called the pharmacy."}
	case Completed:
		e.Body = CompletedBody{Covers: []care.EventID{id(4), id(3), id(4)}, Closing: "Refill sent."}
	case Reopened:
		e.Body = ReopenedBody{Undoes: []care.EventID{id(4)}}
	case Failed:
		e.To = []care.MailboxID{mbOffice}
		e.Body = FailedBody{Event: id(4), Mailbox: mbMaria, Reason: "552 5.2.2 Mailbox full"}
	case Vouch:
		e.Body = VouchBody{Key: key(2), IDs: []care.EventID{id(4), id(3)}, Events: []Signed{{Event: []byte(`{"v":1}`), Signature: make([]byte, 64)}}}
	case Digest:
		e.Thread, e.Part, e.After, e.For = care.ThreadID{}, care.EventID{}, nil, ""
		e.To = []care.MailboxID{mbOffice}
		e.Body = DigestBody{Day: "2026-11-23", First: 12, Last: 40, Counts: map[string]int{"view": 26, "sign-in": 2, "copy": 1},
			Before: id(5).String(), Head: id(6).String(), Broken: 3, Over: id(4)}
	case Notice:
		e.To = []care.MailboxID{mbOffice}
		e.Body = NoticeBody{Message: id(4), Mailbox: mbMaria, Reply: id(5).String(), Until: morning.Add(14 * 24 * time.Hour)}
	case Bridged:
		e.To = []care.MailboxID{mbOffice}
		e.Body = BridgedBody{Notice: id(4), Mail: id(5).String(), Received: morning, From: "maria@example.org", Known: true,
			Checks: []string{"spf=pass", "dkim=pass"}, Text: "Thank you, it is <better>.", Cut: true,
			Files: []File{{Name: "rash.jpg", Type: "image/jpeg", Size: 2<<20 + 1, SHA256: id(5).String(), Pieces: []string{id(6).String(), id(7).String()}}},
			Left:  []Left{{Name: "rash.mov", Why: LeftKind}, {Name: "scan.pdf", Why: LeftLarge}}}
	case Accepted:
		e.Body = AcceptedBody{Reply: id(4), Wrote: maria, Text: "Thank you, it is <better>.", Basis: []care.EventID{id(9), id(8)},
			Files: []File{{Name: "rash.jpg", Type: "image/jpeg", Size: 7, SHA256: id(5).String(), Pieces: []string{id(6).String()}}}}
	case Declined:
		e.To = []care.MailboxID{mbOffice}
		e.Body = DeclinedBody{Reply: id(4)}
	case Choice:
		e.Thread, e.Part, e.After, e.As = care.ThreadID{}, care.EventID{}, nil, maria
		e.Body = ChoiceBody{Mailbox: mbMaria, On: true}
	case Overdue:
		e.To = []care.MailboxID{mbOffice}
		e.Body = OverdueBody{Message: id(4), Told: []care.PersonID{lee}}
	case Health:
		e.Thread, e.Part, e.After, e.For = care.ThreadID{}, care.EventID{}, nil, ""
		e.To = []care.MailboxID{mbOffice}
		e.Body = HealthBody{Version: "1.2.0", Named: true, Wrong: []string{"disk", "certificate"}, Fetched: morning, Sent: morning.Add(-time.Hour),
			Letters: 2, Oldest: morning.Add(-time.Minute), Mails: 1, Reads: true, Read: morning.Add(-time.Second), Mailed: morning.Add(-2 * time.Hour), Filled: 71, Ends: morning.Add(240 * time.Hour), Disk: 1 << 29}
	default:
		panic("no example of " + kind)
	}
	return e
}

func kinds() []Kind {
	var all []Kind
	for k := range bodies {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// The golden files are the wire format: their bytes and ids hold for as long as mailboxes keep letters.
func TestGolden(t *testing.T) {
	var ids strings.Builder
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			given := example(kind)
			raw, err := Encode(given)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(string(kind), ".", "_")+".json", raw)
			fmt.Fprintf(&ids, "%s %s\n", IDOf(raw), kind)
			e, err := Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			want := given
			want.V, want.ID, want.Raw, want.At = 1, IDOf(raw), raw, normalInstant(given.At)
			want.To, want.After, want.Body = sortedMailboxes(given.To), sortedIDs(given.After), given.Body.(body).canonical()
			if kind == Opened {
				want.Thread = want.ID
			}
			if !reflect.DeepEqual(*e, want) {
				t.Fatalf("read back\n%+v\nwant\n%+v", *e, want)
			}
			if again, err := Encode(*e); err != nil || !bytes.Equal(again, raw) {
				t.Fatalf("encoding what was decoded gives other bytes (%v)\n%s\n%s", err, again, raw)
			}
			if !reflect.DeepEqual(given, example(kind)) {
				t.Fatal("Encode changed its argument")
			}
		})
	}
	golden(t, "ids.txt", []byte(ids.String()))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "v1", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s\n got %s\nwant %s", path, got, want)
	}
}

// Every kind that the package names has a body, and the other way round.
func TestEveryKindIsKnown(t *testing.T) {
	named := []Kind{Opened, Sent, Received, DueChange, Seen, Owner, Flag, Readers, Note, Completed, Reopened, Failed, Vouch, Digest, Notice, Bridged, Accepted, Declined, Choice, Overdue, Health}
	slices.Sort(named)
	if !slices.Equal(named, kinds()) {
		t.Fatalf("kinds %v, bodies %v", named, kinds())
	}
}

func TestIDAndSignature(t *testing.T) {
	raw := []byte(`{"v":1}`)
	if want := care.EventID(sha256.Sum256([]byte("postern.event.v1\n{\"v\":1}"))); IDOf(raw) != want || string(SigningBytes(raw)) != "postern.event.v1\n{\"v\":1}" {
		t.Fatal("an id is the hash of label and bytes, and these are what is signed")
	}
	public, secret, _ := ed25519.GenerateKey(nil)
	if !ed25519.Verify(public, SigningBytes(raw), ed25519.Sign(secret, SigningBytes(raw))) || ed25519.Verify(public, raw, ed25519.Sign(secret, SigningBytes(raw))) {
		t.Fatal("a signature holds with its label only")
	}
	if IDOf(raw) == IDOf([]byte(`{"v":1} `)) {
		t.Fatal("one more byte is another event")
	}
}

func TestFollowUpID(t *testing.T) {
	h := sha256.New()
	part, lo, hi := id(1), id(2), id(3)
	if lo.Compare(hi) > 0 {
		lo, hi = hi, lo
	}
	h.Write([]byte("postern.followup.v1\n"))
	h.Write(part[:])
	h.Write(lo[:])
	h.Write(hi[:])
	basis := []care.EventID{hi, lo, hi}
	if got := FollowUpID(part, basis); got != care.EventID(h.Sum(nil)) {
		t.Fatalf("got %s", got)
	}
	if basis[0] != hi || basis[1] != lo {
		t.Fatal("FollowUpID changed its argument")
	}
	first := FollowUpID(part, nil)
	if first == part || FollowUpID(first, nil) == first || FollowUpID(part, basis) == first {
		t.Fatal("follow-ups of other parts or other bases are others")
	}
}

// with gives the bytes of an example with one textual change, which must match.
func with(t *testing.T, kind Kind, old, replacement string) []byte {
	t.Helper()
	raw, err := Encode(example(kind))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%q is not in %s", old, raw)
	}
	return []byte(strings.Replace(string(raw), old, replacement, 1))
}

func TestRefused(t *testing.T) {
	quoted := func(i care.EventID) string { return `"` + i.String() + `"` }
	lo, hi := id(3), id(4)
	if lo.Compare(hi) > 0 {
		lo, hi = hi, lo
	}
	cases := []struct {
		name          string
		kind          Kind
		old, new, why string
	}{
		{"health in a thread", Health, `"kind":"agent.health"`, `"kind":"agent.health","thread":` + quoted(id(1)), "names a thread"},
		{"health about a patient", Health, `"at":"2026-11-23T14:05`, `"for":"pt_mariaaaaaaaaaaaa","at":"2026-11-23T14:05`, "names a thread, a patient"},
		{"health to two", Health, `"to":["mb_`, `"to":["mb_aaaaaaaaaaaaaaaa","mb_`, "to 2 mailboxes"},
		{"health of no version", Health, `"1.2.0"`, `""`, "version is missing"},
		{"health below zero", Health, `"mails":1`, `"mails":-1`, "below zero"},
		{"health of what it does not read", Health, `"reads":true,`, ``, "does not read"},
		{"health without the oldest", Health, `"letters":2,`, ``, "letters without"},
		{"health unsorted", Health, `["certificate","disk"]`, `["disk","certificate"]`, "wrong is not sorted"},
		{"health in sentences", Health, `"disk"]`, `"The disk"]`, "holds what is no word"},
		{"digest in a thread", Digest, `"kind":"audit.digest"`, `"kind":"audit.digest","thread":` + quoted(id(1)), "names a thread"},
		{"digest about a patient", Digest, `"at":`, `"for":"pt_mariaaaaaaaaaaaa","at":`, "names a thread, a patient"},
		{"digest to two", Digest, `"to":["mb_`, `"to":["mb_aaaaaaaaaaaaaaaa","mb_`, "to 2 mailboxes"},
		{"digest of no day", Digest, `"2026-11-23","first"`, `"2026-11-31","first"`, "day is not spelt"},
		{"digest of rows backwards", Digest, `"first":12`, `"first":42`, "rows 42 to 40"},
		{"digest from nought", Digest, `"first":12`, `"first":0`, "rows 0 to 40"},
		{"digest that counts none", Digest, `"copy":1`, `"copy":0`, "counts what is not"},
		{"digest that counts sentences", Digest, `"copy":1`, `"A copy":1`, "counts what is not"},
		{"digest with another hash", Digest, `"head":"`, `"head":"a`, "52 characters"},
		{"overdue about nothing", Overdue, `"message":"`, `"massage":"`, "message is missing"},
		{"overdue that told nobody's id", Overdue, `"told":["ps_`, `"told":["pt_`, "not an id"},
		{"token without an end", Notice, `"until":"2026-12-07T14:05:06.789Z"`, `"x":0`, "token without an end"},
		{"token that is no hash", Notice, `"reply":"`, `"reply":"a`, "52 characters"},
		{"bridged to two", Bridged, `"to":["mb_`, `"to":["mb_aaaaaaaaaaaaaaaa","mb_`, "to 2 mailboxes"},
		{"bridged, unsorted", Bridged, `["dkim=pass","spf=pass"]`, `["spf=pass","dkim=pass"]`, "not sorted"},
		{"bridged, too much of a name", Bridged, `"scan.pdf"`, `"` + strings.Repeat("é", 256) + `"`, "long name"},
		{"bridged, left behind for a sentence", Bridged, `"why":"kind"`, `"why":"It is a film."`, "no word"},
		{"bridged, a file of other pieces", Bridged, `"size":2097153`, `"size":2097152`, "another size"},
		{"bridged, a file without bytes", Bridged, `"size":2097153`, `"size":0`, "without bytes"},
		{"bridged, a file without a name", Bridged, `"name":"rash.jpg"`, `"name":""`, "without name"},
		{"bridged, a file of too long a name", Bridged, `"name":"rash.jpg"`, `"name":"` + strings.Repeat("é", 256) + `"`, "too long"},
		{"bridged, too large and read all the same", Bridged, `"cut":true`, `"cut":true,"large":9000000`, "something of it was"},
		{"accepted, a file of other pieces", Accepted, `"size":7`, `"size":2097153`, "another size"},
		{"bridged, too long an address", Bridged, `"maria@example.org"`, `"` + strings.Repeat("m", 256) + `"`, "address"},
		{"accepted, by nobody", Accepted, `"wrote":"ps_mariaaaaaaaaaaaa"`, `"wrote":""`, "wrote is missing"},
		{"accepted, of what", Accepted, `"reply":`, `"else":`, "reply is missing"},
		{"declined, of what", Declined, `"reply":`, `"else":`, "reply is missing"},
		{"choice in a thread", Choice, `"kind":"notice.choice"`, `"kind":"notice.choice","thread":` + quoted(id(1)), "names a thread"},
		{"choice of nobody", Choice, `"for":"pt_mariaaaaaaaaaaaa",`, ``, "no patient"},
		{"duplicate key", Note, `"dir":7`, `"dir":7,"dir":7`, `names "dir" twice`},
		{"duplicate key, escaped", Note, `"dir":7`, `"dir":7,"d\u0069r":7`, `names "dir" twice`},
		{"duplicate key in the body", Note, `"text":`, `"text":"a","text":`, `names "text" twice`},
		{"duplicate unknown key, deep", Note, `"dir":7`, `"dir":7,"new":[{"x":{"y":1,"y":1}}]`, `names "y" twice`},
		{"case variant beside the key", Note, `"kind":"note.added"`, `"kind":"note.added","KIND":"message.sent"`, `names "kind" twice`},
		{"case variant alone", Note, `"kind":`, `"Kind":`, `spells "kind" otherwise`},
		{"case variant with the Kelvin sign", Note, `"kind":`, "\"\u212aind\":", `spells "kind" otherwise`},
		{"case variant with the long s", Note, `"as":`, "\"a\u017f\":", `spells "as" otherwise`},
		{"case variant in the body", Note, `"text":`, `"TEXT":`, `spells "text" otherwise`},
		{"case variant of unknown keys", Note, `"dir":7`, `"dir":7,"größe":1,"GRÖSSE":1,"GRÖßE":2`, `twice`},
		{"trailing data", Note, `}}`, `}}{}`, "not one JSON object"},
		{"trailing space", Note, `}}`, `}} `, "not one JSON object"},
		{"leading space", Note, `{"v"`, ` {"v"`, "not one JSON object"},
		{"byte order mark", Note, `{"v"`, "\ufeff" + `{"v"`, "not one JSON object"},
		{"cut", Note, `}}`, `}`, "not one JSON object"},
		{"bad UTF-8", Note, `Called`, "Call\xffed", "not UTF-8"},
		{"half a surrogate pair", Note, `Called`, `Call\ud800ed`, "surrogate"},
		{"second half alone", Note, `Called`, `Call\udc00ed`, "surrogate"},
		{"two first halves", Note, `Called`, `Call\ud800\ud800`, "surrogate"},
		{"first half, then another escape", Note, `Called`, `Call\ud800\n`, "surrogate"},
		{"no version", Note, `"v":1,`, ``, "version"},
		{"version 0", Note, `"v":1`, `"v":0`, "version"},
		{"version null", Note, `"v":1`, `"v":null`, "version"},
		{"version as a fraction", Note, `"v":1`, `"v":1.5`, "version"},
		{"version as text", Note, `"v":1`, `"v":"1"`, "version"},
		{"practice of another sort", Note, `pr_`, `mb_`, "practice"},
		{"kind with a space", Note, `note.added`, `note added`, "kind"},
		{"kind missing", Note, `"kind":"note.added",`, ``, "kind"},
		{"thread missing", Note, `"thread":` + quoted(id(1)) + `,"part":` + quoted(id(2)) + `,`, ``, "thread is missing"},
		{"part without thread", Note, `"thread":` + quoted(id(1)) + `,`, ``, "no thread"},
		{"part is the thread", Note, `"part":` + quoted(id(2)), `"part":` + quoted(id(1)), "the thread itself"},
		{"thread empty", Note, `"thread":` + quoted(id(1)), `"thread":""`, "thread is empty"},
		{"thread null", Note, `"thread":` + quoted(id(1)), `"thread":null`, "thread is null"},
		{"thread in upper case", Note, id(1).String(), strings.ToUpper(id(1).String()), "not spelt"},
		{"thread too short", Note, id(1).String(), id(1).String()[1:], "not spelt"},
		{"thread with an odd last character", Note, id(1).String(), id(1).String()[:51] + "b", "not spelt"},
		{"an id spelt with zeros", Note, id(1).String(), strings.Repeat("a", 52), "not spelt"},
		{"author missing", Note, `"author":"` + key(1).String() + `",`, ``, "author"},
		{"as missing", Note, `"as":"` + string(lee) + `",`, ``, "as "},
		{"for missing", Note, `"for":"` + string(patient) + `",`, ``, "for is missing"},
		{"after doubled", Note, quoted(lo) + "," + quoted(hi), quoted(lo) + "," + quoted(lo), "after is not sorted"},
		{"at with an hour of one digit", Note, `T14:05`, `T4:05`, "time"},
		{"nested too deep", Note, `"dir":7`, `"dir":7,"new":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), "deeper"},
		{"at in another zone", Note, `06.789Z`, `06.789+00:00`, "time"},
		{"at without milliseconds", Note, `06.789Z`, `06Z`, "time"},
		{"at on a day that is not", Note, `2026-11-23`, `2026-02-30`, "time"},
		{"at missing", Note, `"at":"2026-11-23T14:05:06.789Z",`, ``, "at is missing"},
		{"at in the year 1", Note, `2026-11-23T14:05:06.789Z`, `0001-01-01T00:00:00.000Z`, "time"},
		{"at in the year 0", Note, `2026-11-23T14`, `0000-11-23T14`, "time"},
		{"to empty", Note, `"to":["` + string(mbOffice) + `"]`, `"to":[]`, "to names 0"},
		{"to unsorted", Seen, `"` + string(mbMaria) + `","` + string(mbOffice) + `"`, `"` + string(mbOffice) + `","` + string(mbMaria) + `"`, "to is not sorted"},
		{"to doubled", Seen, `"` + string(mbMaria) + `"`, `"` + string(mbOffice) + `"`, "to is not sorted"},
		{"to an address", Note, string(mbOffice), `a@b.example`, "to holds"},
		{"to as text", Note, `["` + string(mbOffice) + `"]`, `"` + string(mbOffice) + `"`, "to has the wrong type"},
		{"after unsorted", Note, quoted(lo) + "," + quoted(hi), quoted(hi) + "," + quoted(lo), "after is not sorted"},
		{"after with an empty id", Note, quoted(lo), `""`, "after holds an empty id"},
		{"dir below zero", Note, `"dir":7`, `"dir":-7`, "dir"},
		{"dir as text", Note, `"dir":7`, `"dir":"7"`, "dir has the wrong type"},
		{"crit as text", Note, `"dir":7`, `"dir":7,"crit":"no"`, "crit has the wrong type"},
		{"body missing", Note, `,"body":{"text":"Called the pharmacy."}`, ``, "no body"},
		{"body null", Note, `{"text":"Called the pharmacy."}`, `null`, "body is null"},
		{"body a list", Note, `{"text":"Called the pharmacy."}`, `[]`, "no body"},
		{"note to two mailboxes", Note, `"to":["`, `"to":["` + string(mbMaria) + `","`, "2 mailboxes"},
		{"note empty", Note, `Called the pharmacy.`, ``, "text is missing"},
		{"note text null", Note, `"Called the pharmacy."`, `null`, "text is null"},
		{"opening with a thread", Opened, `"author"`, `"thread":` + quoted(id(1)) + `,"author"`, "names one"},
		{"opening with after", Opened, `"dir"`, `"after":[` + quoted(id(1)) + `],"dir"`, "names one"},
		{"opening without subject", Opened, `"subject":`, `"other":`, "subject"},
		{"opening without office", Opened, `"office":"` + string(office) + `",`, ``, "office"},
		{"opening with a reader whom it does not go to", Opened, `"readers":["` + string(mbJuan) + `"`, `"readers":["mb_bbbbbbbbbbbbbbbb"`, "reader"},
		{"opening to two offices", Opened, `"readers":["` + string(mbJuan) + `",`, `"readers":[`, "exactly one"},
		{"topic empty", Opened, `"topic":"advice"`, `"topic":""`, "topic is empty"},
		{"message basis unsorted", Sent, `"basis":[`, `"basis":["` + strings.Repeat("7", 51) + `q",`, "not sorted"},
		{"file without pieces", Sent, `"pieces":["` + id(6).String() + `"]`, `"pieces":[]`, "file"},
		{"file hash in hex", Sent, id(5).String(), strings.Repeat("0", 64), "hash"},
		{"receipt without a date", Received, `"received":`, `"other":`, "received is missing"},
		{"receipt of nothing", Received, `"message":` + quoted(id(3)), `"message":""`, "message is empty"},
		{"receipt with a null due time", Received, `"due":"2026-11-25T14:05:06.789Z"`, `"due":null`, "due is null"},
		{"receipt with an odd cover", Received, `"cover":"ps_`, `"cover":"of_`, "cover"},
		{"due change over nothing", DueChange, `"over":` + quoted(id(4)), `"other":1`, "over is missing"},
		{"seen nothing", Seen, `"message":` + quoted(id(3)), `"other":1`, "message is missing"},
		{"owner of another sort", Owner, `"who":"ps_`, `"who":"pt_`, "who"},
		{"owner over the empty text", Owner, `"over":` + quoted(id(4)), `"over":""`, "over is empty"},
		{"flag as a number", Flag, `"on":true`, `"on":1`, "body.on has the wrong type"},
		{"readers null", Readers, `"readers":["` + string(mbMaria) + `"]`, `"readers":null`, "readers is null"},
		{"completion without closing line", Completed, `"closing":"Refill sent."`, `"closing":""`, "closing"},
		{"reopening of nothing", Reopened, `[` + quoted(id(4)) + `]`, `[]`, "undoes nothing"},
		{"failure of nothing", Failed, `"event":` + quoted(id(4)), `"other":1`, "event is missing"},
		{"failure at an address", Failed, `"mailbox":"mb_`, `"mailbox":"xx_`, "mailbox"},
		{"vouch without key", Vouch, `"key":"` + key(2).String() + `",`, ``, "key is missing"},
		{"vouch with half a signature", Vouch, strings.Repeat("A", 44), ``, "signature"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := with(t, c.kind, c.old, c.new)
			e, err := Decode(raw)
			var refused *DecodeError
			if e != nil || !errors.As(err, &refused) {
				t.Fatalf("taken, or refused with %v: %s", err, raw)
			}
			if !strings.Contains(err.Error(), c.why) {
				t.Fatalf("refused with %q, want a word of %q", err, c.why)
			}
			for _, typed := range []string{"Called", "Refill", "Rash", "amoxicillin", "Short of breath"} {
				if strings.Contains(err.Error(), typed) {
					t.Fatalf("the reason repeats what a person wrote: %q", err)
				}
			}
		})
	}
}

func TestRefusedWhole(t *testing.T) {
	for _, raw := range []string{"", " ", "null", "[]", "{", "}", "{}", `{"v":1}`, `"{}"`, "{}{}", "\x00", `{"v":1,}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)} {
		if e, err := Decode([]byte(raw)); e != nil || err == nil {
			t.Errorf("%q: %v, %v", raw, e, err)
		}
	}
	wordless := example(Sent)
	wordless.Body = SentBody{}
	if _, err := Encode(wordless); err == nil || !strings.Contains(err.Error(), "neither text nor file") {
		t.Errorf("a message of nothing: %v", err)
	}
	empty := example(Vouch)
	empty.Body = VouchBody{Key: key(2)}
	if _, err := Encode(empty); err == nil || !strings.Contains(err.Error(), "for nothing") {
		t.Errorf("a vouch for nothing: %v", err)
	}
	large := with(t, Note, "Called", strings.Repeat("x", MaxBytes))
	if _, err := Decode(large); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("too large: %v", err)
	}
	exact := with(t, Note, "Called", strings.Repeat("x", MaxBytes-len(with(t, Note, "Called", ""))))
	if _, err := Decode(exact); err != nil || len(exact) != MaxBytes {
		t.Errorf("exactly %d bytes: %v", len(exact), err)
	}
}

func TestNewer(t *testing.T) {
	t.Run("unknown fields are passed over", func(t *testing.T) {
		raw := with(t, Note, `"text":`, `"größe":{"null":null},"mood":"","text":`)
		raw = bytes.Replace(raw, []byte(`"dir":7`), []byte(`"dir":7,"new":[1,{"a":null}]`), 1)
		e, err := Decode(raw)
		if err != nil || e.Body.(NoteBody).Text != "Called the pharmacy." || !bytes.Equal(e.Raw, raw) || e.ID != IDOf(raw) {
			t.Fatalf("%+v, %v", e, err)
		}
	})
	t.Run("unknown kind", func(t *testing.T) {
		raw := with(t, Note, `"kind":"note.added"`, `"kind":"thread.moved","crit":true`)
		raw = bytes.Replace(raw, []byte(`"text":"Called`), []byte(`"readers":null,"cover":"","text":"Called`), 1)
		e, err := Decode(raw)
		if err != nil || e.Known() || e.Body != nil || !e.Crit || e.Kind != "thread.moved" || e.Thread != id(1) {
			t.Fatalf("%+v, %v", e, err)
		}
		if _, err := Encode(*e); err == nil {
			t.Fatal("an unknown kind was encoded")
		}
	})
	t.Run("unknown kind without thread, patient or body", func(t *testing.T) {
		raw := []byte(`{"v":1,"practice":"` + string(practice) + `","kind":"enrolled","author":"` + key(1).String() + `","as":"` + string(lee) + `","at":"2026-11-23T14:05:06.789Z","to":["` + string(mbOffice) + `"]}`)
		if e, err := Decode(raw); err != nil || e.Known() || !e.Thread.IsZero() {
			t.Fatalf("%+v, %v", e, err)
		}
	})
	t.Run("unknown version", func(t *testing.T) {
		raw := []byte(`{"v":2,"kind":7,"to":null}`)
		e, err := Decode(raw)
		if want := (&Event{ID: IDOf(raw), Raw: raw, V: 2}); err != nil || !reflect.DeepEqual(e, want) {
			t.Fatalf("%+v, %v", e, err)
		}
	})
	t.Run("unknown version that spells times otherwise", func(t *testing.T) {
		if e, err := Decode([]byte(`{"at":"yesterday","v":3}`)); err != nil || e.V != 3 {
			t.Fatalf("%+v, %v", e, err)
		}
	})
	t.Run("unknown version that says to whom it goes", func(t *testing.T) {
		for text, want := range map[string]Event{
			`{"v":2,"practice":"` + string(practice) + `","to":["` + string(mbOffice) + `"],"at":7}`: {Practice: practice, To: []care.MailboxID{mbOffice}},
			`{"v":2,"practice":["` + string(practice) + `"],"to":"` + string(mbOffice) + `"}`:        {},
			`{"v":2,"practice":"x","to":["` + string(mbOffice) + `",{}]}`:                            {},
		} {
			raw := []byte(text)
			want.ID, want.Raw, want.V = IDOf(raw), raw, 2
			if e, err := Decode(raw); err != nil || !reflect.DeepEqual(*e, want) {
				t.Errorf("%s: %+v, %v", text, e, err)
			}
		}
	})
	t.Run("as deep as may be", func(t *testing.T) {
		raw := with(t, Note, `"dir":7`, `"dir":7,"new":`+strings.Repeat("[", maxDepth-1)+strings.Repeat("]", maxDepth-1))
		if _, err := Decode(raw); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("unknown version, doubled key", func(t *testing.T) {
		if e, err := Decode([]byte(`{"v":2,"x":1,"x":1}`)); err == nil {
			t.Fatalf("%+v", e)
		}
	})
}

func TestEncodeRefuses(t *testing.T) {
	cases := map[string]func(*Event){
		"no body":                 func(e *Event) { e.Body = nil },
		"a body of another kind":  func(e *Event) { e.Body = SeenBody{Message: id(1)} },
		"a body by reference":     func(e *Event) { e.Body = &NoteBody{Text: "x"} },
		"an unknown kind":         func(e *Event) { e.Kind = "note.sung" },
		"text that is not UTF-8":  func(e *Event) { e.Body = NoteBody{Text: "a\xff"} },
		"too much text":           func(e *Event) { e.Body = NoteBody{Text: care.Text(strings.Repeat("x", MaxBytes))} },
		"too many heads":          func(e *Event) { e.After = manyIDs(MaxAfter + 1) },
		"too many mailboxes":      func(e *Event) { e.Kind, e.Body = Seen, SeenBody{Message: id(1)}; e.To = manyMailboxes(MaxTo + 1) },
		"no time":                 func(e *Event) { e.At = time.Time{} },
		"a year of five digits":   func(e *Event) { e.At = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an address as a mailbox": func(e *Event) { e.To = []care.MailboxID{"a@b.example"} },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			e := example(Note)
			change(&e)
			if raw, err := Encode(e); err == nil {
				t.Fatalf("encoded: %s", raw)
			}
		})
	}
}

func TestEncodeSettles(t *testing.T) {
	t.Run("the limits themselves", func(t *testing.T) {
		e := example(Seen)
		e.After, e.To = manyIDs(MaxAfter), manyMailboxes(MaxTo)
		if _, err := Encode(e); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a part that is the thread itself", func(t *testing.T) {
		e := example(Note)
		e.Part = e.Thread
		if got := reread(t, e); !got.Part.IsZero() {
			t.Fatal("the thread itself is no part")
		}
	})
	t.Run("an opening's thread is its id", func(t *testing.T) {
		e := example(Opened)
		e.Thread = id(7)
		if got := reread(t, e); got.Thread != got.ID {
			t.Fatal("not its id")
		}
	})
	t.Run("no due time", func(t *testing.T) {
		e := example(Received)
		e.Body = ReceivedBody{Message: id(3), Received: morning}
		if got := reread(t, e); !got.Body.(ReceivedBody).Due.IsZero() || bytes.Contains(got.Raw, []byte("due")) {
			t.Fatalf("%s", got.Raw)
		}
	})
	t.Run("no readers are an empty list", func(t *testing.T) {
		e := example(Readers)
		e.Body = ReadersBody{}
		if got := reread(t, e); !bytes.Contains(got.Raw, []byte(`"readers":[]`)) {
			t.Fatalf("%s", got.Raw)
		}
	})
	t.Run("a server's words are put right", func(t *testing.T) {
		e := example(Failed)
		e.Body = FailedBody{Event: id(4), Mailbox: mbMaria, Reason: "552 \xff" + strings.Repeat("ü", 5000)}
		if got := reread(t, e).Body.(FailedBody).Reason; got != "552 ?"+strings.Repeat("ü", maxWords-5) {
			t.Fatalf("%d bytes: %.20q", len(got), got)
		}
	})
	t.Run("the longest message, of the widest characters", func(t *testing.T) {
		e := example(Sent)
		e.Body = SentBody{Text: care.Text(strings.Repeat("🙂", care.MaxText))}
		reread(t, e)
	})
}

func reread(t *testing.T, e Event) *Event {
	t.Helper()
	raw, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func manyIDs(n int) (ids []care.EventID) {
	for i := range n {
		ids = append(ids, id(byte(i)))
	}
	return ids
}

func manyMailboxes(n int) (ids []care.MailboxID) {
	for range n {
		ids = append(ids, care.MailboxID(care.NewID("mb")))
	}
	return ids
}

func TestAudience(t *testing.T) {
	want := map[Kind]Audience{Note: ToOffice, Owner: ToOffice, Flag: ToOffice, Failed: ToOffice, Seen: ToOfficeAndSelf, Vouch: AsAddressed, Digest: AsAddressed, Choice: AsAddressed, Health: AsAddressed,
		Notice: ToOffice, Bridged: ToOffice, Declined: ToOffice, Overdue: ToOffice}
	for _, k := range kinds() {
		if AudienceOf(k) != want[k] { // all others are ToAll
			if _, listed := want[k]; listed || AudienceOf(k) != ToAll {
				t.Errorf("%s goes to %d", k, AudienceOf(k))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, k := range kinds() {
		raw, err := Encode(example(k))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"kind":"note.added","KIND":"message.sent"}`))
	f.Add([]byte(`{"v":2,"a":"\ud83d\ude42","b":[[],{"c":null}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := bytes.Clone(raw)
		e, err := Decode(raw)
		if !bytes.Equal(raw, kept) {
			t.Fatal("Decode changed its bytes")
		}
		if err != nil {
			var refused *DecodeError
			if e != nil || !errors.As(err, &refused) {
				t.Fatalf("%v with %v", e, err)
			}
			return
		}
		if e.ID != IDOf(raw) || !bytes.Equal(e.Raw, raw) || e.V < Version {
			t.Fatalf("%+v", e)
		}
		if !e.Known() || len(raw) > MaxBytes/2 {
			return // some characters are written longer than they may be read
		}
		// What was written from the fields is read as the same fields, and from then on the bytes are stable.
		again, err := Encode(*e)
		if err != nil {
			t.Fatalf("decoded and not encoded: %v\n%s", err, raw)
		}
		e2, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		same := *e2
		same.ID, same.Raw = e.ID, e.Raw
		if e.Kind == Opened {
			same.Thread = e.Thread
		}
		if len(e.After) == 0 {
			same.After = e.After // absent or []
		}
		if !reflect.DeepEqual(same.Body, any(e.Body.(body).canonical())) {
			t.Fatalf("read back\n%+v\nwas\n%+v", same.Body, e.Body)
		}
		same.Body = e.Body
		if !reflect.DeepEqual(same, *e) {
			t.Fatalf("read back\n%+v\nwas\n%+v", same, *e)
		}
		if third, err := Encode(*e2); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("not stable (%v)\n%s\n%s", err, again, third)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	e := example(Sent)
	e.Body = SentBody{Text: care.Text(strings.Repeat("The rash is on both arms and itches. ", 32))}
	raw, err := Encode(e)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
