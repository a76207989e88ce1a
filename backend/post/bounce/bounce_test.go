package bounce

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/backend/record/recordtest"
)

var update = flag.Bool("update", false, "write testdata/expected.txt")

// ours are the addresses that the notices of the corpus carry.
func ours(a string) bool {
	a = strings.ToLower(a)
	return strings.HasPrefix(a, "reply+") && strings.HasSuffix(a, "@notices.clinic.example")
}

type sample struct {
	name string
	kind Kind // as the file's name begins
	raw  []byte
}

func corpus(t testing.TB) []sample {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no mails in testdata: %v", err)
	}
	var all []sample
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".eml")
		kind, _, _ := strings.Cut(name, "-")
		if kind == "auto" {
			kind = string(AutoReply)
		}
		all = append(all, sample{name, Kind(kind), raw})
	}
	return all
}

// shown writes a mail as testdata/expected.txt has it: a line of its own, and one for each report.
func shown(name string, m Mail) string {
	var b strings.Builder
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	fmt.Fprintf(&b, "%s: %s, %s\n", name, m.Kind, m.Why)
	if len(m.Tokens) > 0 || len(m.Answers) > 0 {
		fmt.Fprintf(&b, "  to %s, answers %s\n", or(strings.Join(m.Tokens, " ")), or(strings.Join(m.Answers, " ")))
	}
	for _, r := range m.Reports {
		permanent := ""
		if r.Permanent {
			permanent = " permanent"
		}
		fmt.Fprintf(&b, "  %s (%s) %s %s%s, envelope %s\n    said: %s\n    about: %s from %s to %s reply to %s token %s\n", or(r.Recipient), or(r.Original), or(r.Action), or(r.Status), permanent,
			or(r.Envelope), or(r.Diagnostic), or(r.About.MessageID), or(r.About.From), or(r.About.To), or(r.About.ReplyTo), or(r.About.Token))
	}
	return b.String()
}

// TestCorpus reads every mail of testdata: its kind is that of its name, all else that of expected.txt.
func TestCorpus(t *testing.T) {
	var all strings.Builder
	people := 0
	for _, s := range corpus(t) {
		m := Read(s.raw, ours)
		if m.Kind != s.kind {
			t.Errorf("%s is taken for %s: %s", s.name, m.Kind, m.Why)
		}
		if s.kind == Person {
			people++
		}
		if m.Why == "" {
			t.Errorf("%s is taken for %s without a reason", s.name, m.Kind)
		}
		all.WriteString(shown(s.name, m))
	}
	if people < 25 {
		t.Errorf("only %d mails of people are left in testdata", people)
	}
	if *update {
		if err := os.WriteFile("testdata/expected.txt", []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, expected := strings.Split(all.String(), "\n"), strings.Split(string(want), "\n")
	for i := range got {
		if i >= len(expected) || got[i] != expected[i] {
			t.Fatalf("line %d of what is read:\n%s\nexpected:\n%s", i+1, got[i], expected[min(i, len(expected)-1)])
		}
	}
	if len(expected) != len(got) {
		t.Fatalf("%d lines are read, %d expected", len(got), len(expected))
	}
}

// TestTied holds what the agent needs of a failure: a recipient, and the notice, by its Message-ID or our address.
func TestTied(t *testing.T) {
	// These name nothing of the notice; all that ties them is the address that they were sent to.
	without := []string{"bounce-dsn-through-list", "bounce-chinese-gb2312", "bounce-smtpsvc-text", "bounce-truncated", "delayed-exim", "delayed-sendmail"}
	for _, s := range corpus(t) {
		if s.kind != Bounce && s.kind != Delayed && s.kind != Delivered {
			continue
		}
		m := Read(s.raw, ours)
		if len(m.Reports) == 0 {
			t.Errorf("%s: no report", s.name)
		}
		for _, r := range m.Reports {
			if r.Recipient == "" {
				t.Errorf("%s: a report names no recipient", s.name)
			}
			tied := r.About.MessageID != "" || r.About.Token != "" || r.Envelope != ""
			if tied == slices.Contains(without, s.name) {
				t.Errorf("%s: the report is tied to a notice: %v", s.name, tied)
			}
		}
	}
}

// fieldsOf parts a mail's header into its fields, each with the lines that continue it, and the rest.
func fieldsOf(raw []byte) (fields []string, rest string) {
	head, body, ok := strings.Cut(string(raw), "\r\n\r\n")
	if !ok {
		return nil, string(raw)
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		if len(fields) > 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			fields[len(fields)-1] += "\r\n" + line
		} else {
			fields = append(fields, line)
		}
	}
	return fields, "\r\n" + body
}

// TestFormMeansNothing: the order of header fields, the letters of their names, where their lines are folded and how
// they end change nothing of the answer.
func TestFormMeansNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(3834, 3464))
	for _, s := range corpus(t) {
		want := Read(s.raw, ours)
		fields, rest := fieldsOf(s.raw)
		if strings.HasPrefix(s.name, "person-mbox") {
			continue // its first line is no field, and belongs where it is
		}
		if len(fields) < 2 && s.name != "unreadable-empty" && s.name != "unreadable-no-header" {
			t.Errorf("%s has no header to change: are its line ends CRLF?", s.name)
		}
		for range 12 {
			mixed := slices.Clone(fields)
			random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			for i, f := range mixed {
				name, value, ok := strings.Cut(f, ":")
				if !ok {
					continue
				}
				switch random.IntN(3) {
				case 0:
					name = strings.ToUpper(name)
				case 1:
					name = strings.ToLower(name)
				}
				if at := strings.LastIndex(strings.TrimRight(value, " \r\n\t"), " "); at > 0 && strings.TrimSpace(value[:at]) != "" && value[at-1] != '\n' && random.IntN(2) == 0 {
					value = value[:at] + "\r\n" + value[at:]
				}
				mixed[i] = name + ":" + value
			}
			changed := strings.Join(mixed, "\r\n") + "\r\n" + rest
			if random.IntN(2) == 0 {
				changed = strings.ReplaceAll(changed, "\r\n", "\n")
			}
			if got := Read([]byte(changed), ours); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s in another form:\n%swas:\n%s\n%s", s.name, shown(s.name, got), shown(s.name, want), changed[:min(len(changed), 1500)])
			}
		}
	}
}

// TestMarkedIsNobody: with a null return path, or an Auto-Submitted that is not "no", nothing is a person's mail.
func TestMarkedIsNobody(t *testing.T) {
	for _, s := range corpus(t) {
		for _, mark := range []string{"Return-Path: <>", "return-path:<>", "Return-Path:", "Return-Path: <MAILER-DAEMON>", "Auto-Submitted: auto-replied", "AUTO-SUBMITTED: something-new; x=y", "Auto-Submitted:", "Auto-Submitted: auto-generated (no)"} {
			if s.name == "unreadable-empty" || s.name == "unreadable-no-header" {
				continue
			}
			if m := Read([]byte(mark+"\r\n"+strings.TrimPrefix(string(s.raw), "From hob@mail.example Mon Nov 23 09:13:02 2026\r\n")), ours); m.Kind == Person {
				t.Errorf("%s with %q is taken for a person's", s.name, mark)
			}
		}
	}
}

// TestQuotedIsSomebody: a person may send on whatever came back, quoted or attached.
func TestQuotedIsSomebody(t *testing.T) {
	head := "Return-Path: <ana@gmail.example>\r\nFrom: Ana Wood <ana@gmail.example>\r\nTo: clinic@clinic.example\r\nSubject: What is this?\r\nMIME-Version: 1.0\r\n"
	for _, s := range corpus(t) {
		quoted := "Content-Type: text/plain; charset=utf-8\r\n\r\nI got this:\r\n"
		for line := range strings.Lines(string(s.raw)) {
			quoted += "> " + line
		}
		attached := "Content-Type: multipart/mixed; boundary=\"---outer\"\r\n\r\n-----outer\r\nContent-Type: text/plain\r\n\r\nI got this:\r\n\r\n-----outer\r\nContent-Type: message/rfc822\r\n\r\n" +
			string(s.raw) + "\r\n-----outer--\r\n"
		for how, raw := range map[string]string{"quoted": quoted, "attached": attached} {
			if m := Read([]byte(head+raw), ours); m.Kind != Person {
				t.Errorf("%s, %s by a person, is taken for %s: %s", s.name, how, m.Kind, m.Why)
			}
		}
	}
}

// TestWithoutOurs: who knows no addresses of ours still gets the kinds, but for the mail from our own address and the
// reply that came through a list that is not Google's.
func TestWithoutOurs(t *testing.T) {
	for _, s := range corpus(t) {
		m := Read(s.raw, nil)
		if m.Kind != s.kind && s.name != "loop-from-token" && s.name != "person-via-mailman-alias" {
			t.Errorf("%s is taken for %s: %s", s.name, m.Kind, m.Why)
		}
		if len(m.Tokens) > 0 {
			t.Errorf("%s has tokens that nobody knows", s.name)
		}
	}
}

// TestLimits: what is too large or too deep is never a person's, and is told soon.
func TestLimits(t *testing.T) {
	from := "From: a@mail.example\r\nTo: reply+x@notices.clinic.example\r\n"
	parts := from + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	nested := from
	for i := range 2000 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	daemon := "From: MAILER-DAEMON@mail.example\r\nReturn-Path: <>\r\nSubject: failure notice\r\n"
	for name, c := range map[string]struct {
		raw  string
		kind Kind
	}{
		"one byte too many":     {from + "\r\n" + strings.Repeat("x", Max-len(from)-1), Unreadable},
		"as large as may be":    {from + "\r\n" + strings.Repeat("x", Max-len(from)-2), Person},
		"a header without end":  {from + strings.Repeat("X-A: b\r\n", 200_000), Unreadable},
		"one field of a MiB":    {from + "Subject: " + strings.Repeat("x ", 600_000), Unreadable},
		"more parts than read":  {parts + strings.Repeat("--b\r\n\r\nx\r\n", 3000), Unreadable},
		"as many parts as read": {parts + strings.Repeat("--b\r\n\r\nx\r\n", maxParts), Person},
		"deeper than read":      {nested, Unreadable},
		"only line ends":        {from + "\r\n" + strings.Repeat("\r\n", 4_000_000), Person},
		"at signs":              {daemon + "\r\n" + strings.Repeat("@", Max-200), Bounce},
		"addresses":             {daemon + "\r\n" + strings.Repeat("a@b ", 2_000_000), Bounce},
		"tags without end":      {daemon + "Content-Type: text/html\r\n\r\n" + strings.Repeat("<style><!--<", 600_000), Bounce},
		"groups":                {daemon + "Content-Type: message/delivery-status\r\n\r\n" + strings.Repeat("Action: failed\r\n\r\n", 400_000), Bounce},
		"words":                 {daemon + "Subject: " + strings.Repeat("=?utf-8?q?a?= ", 60_000) + "\r\n\r\n", Bounce},
		"base64 of nothing":     {daemon + "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("====", 2_000_000), Bounce},
		"lines of a mail":       {daemon + "\r\n" + strings.Repeat("To: a@b\r\n", 900_000), Bounce},
	} {
		began := recordtest.CPU()
		m := Read([]byte(c.raw), ours)
		if took := recordtest.CPU() - began; took > time.Minute { // also under the race detector, where a defect takes many
			t.Errorf("%s: took %v", name, took)
		}
		if m.Kind != c.kind {
			t.Errorf("%s is taken for %s: %s", name, m.Kind, m.Why)
		}
		if len(m.Reports) > maxReports {
			t.Errorf("%s: %d reports", name, len(m.Reports))
		}
	}
}

// TestSaidIsClean: a stranger's words are one line, cut, without what moves a cursor or turns a line around.
func TestSaidIsClean(t *testing.T) {
	raw := "From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Original-Envelope-Id: a\x1b[2Jb\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a\u202eb@x.example\r\nAction: failed\r\nDiagnostic-Code: smtp; 550 \x1b[31mno\u202e\x00\r\n one " + strings.Repeat("long ", 2000) + "\xff\r\n--b--\r\n"
	m := Read([]byte(raw), ours)
	if m.Kind != Bounce || len(m.Reports) != 1 {
		t.Fatalf("%+v", m)
	}
	checkClean(t, m)
	if r := m.Reports[0]; !strings.HasPrefix(r.Diagnostic, "550 [31mno one long") || utf8.RuneCountInString(r.Diagnostic) != maxWords || !r.Permanent || r.Envelope != "a[2Jb" {
		t.Errorf("%+v", r)
	}
}

func checkClean(t *testing.T, m Mail) {
	t.Helper()
	strs := append(slices.Clone(m.Tokens), m.Answers...)
	for _, r := range m.Reports {
		strs = append(strs, r.Recipient, r.Original, r.Action, r.Status, r.Diagnostic, r.Envelope, r.About.From, r.About.To, r.About.ReplyTo, r.About.MessageID, r.About.Token)
	}
	for _, s := range strs {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxWords || strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) >= 0 {
			t.Errorf("not clean: %q", s)
		}
	}
}

func TestStatus(t *testing.T) {
	for words, want := range map[string]string{
		" 5.1.1":                    "5.1.1",
		" 550 5.7.1 no":             "5.7.1",
		" (#5.1.1)":                 "5.1.1",
		" host 192.5.1.1 said no":   "",
		" host 10.4.4.2.1 said":     "",
		" 4.2.2.":                   "4.2.2",
		" version 15.1.2":           "",
		" smtp;550 5.1.10 RESOLVER": "5.1.10",
		" 5.1.1234":                 "",
	} {
		if got := status(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
	for _, c := range []struct {
		status, words string
		want          bool
	}{
		{"5.1.1", "", true}, {"4.4.1", "550 no", false}, {"", "550 no", true}, {"", "451 later", false},
		{"", "Unrouteable address", true}, {"", "retry timeout exceeded", false}, {"", "", false},
	} {
		if got := permanent(c.status, c.words); got != c.want {
			t.Errorf("%q %q: permanent %v", c.status, c.words, got)
		}
	}
}

// FuzzRead: whatever the bytes, an answer comes, with a known kind, a reason, and clean words; and none of those that
// carry the marks of a machine is a person's.
func FuzzRead(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s.raw)
	}
	known := []Kind{Person, Bounce, Delayed, Delivered, Receipt, AutoReply, List, Loop, Challenge, Feedback, Unreadable}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := read(raw, ours)
		if !slices.Contains(known, m.Kind) || m.Why == "" {
			t.Fatalf("%q, %q", m.Kind, m.Why)
		}
		checkClean(t, m)
		if marked := read(append([]byte("Auto-Submitted: auto-replied\r\n"), bytes.TrimLeft(raw, " \t")...), ours); marked.Kind == Person {
			t.Fatalf("a program's mail is taken for a person's")
		}
	})
}
