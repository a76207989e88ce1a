package notice

import (
	"bytes"
	"flag"
	"io"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write the golden mails again")

var (
	date  = time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	token = strings.Repeat("ab27", 6) + "ce"
)

func aNotice() Notice {
	return Notice{Key: care.EventID{7}, From: "care@clinic.example", To: "marisol@example.org", Reply: Address("care@clinic.example", token), Replies: true, Date: date}
}

func anAnswer() Answer {
	return Answer{Key: care.EventID{9}, From: "care@clinic.example", FrontDesk: "555-010-0100", To: "marisol@example.org",
		Answers: "<abc@example.org>", After: []string{"<one@example.org>", "<two@example.org>"}, Date: date}
}

// The mails as members read them, kept for whoever changes a word.
func TestGolden(t *testing.T) {
	mails := map[string]func() ([]byte, error){}
	for _, language := range []string{"en", "es"} {
		one, several, answer := aNotice(), aNotice(), anAnswer()
		one.Language, several.Language, answer.Language = language, language, language
		several.Reply, several.Replies, several.Practice = "care@clinic.example", false, "Clínica \"Alder Creek\""
		mails["one_"+language], mails["several_"+language], mails["answer_"+language] = one.Write, several.Write, answer.Write
	}
	for name, write := range mails {
		got, err := write()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".eml")
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is written as\n%s\nand was\n%s", name, got, want)
		}
	}
}

// What the headers have to say to machines: that no person wrote it, and how to end it.
func TestHeaders(t *testing.T) {
	raw, err := aNotice().Write()
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, raw)
	for name, want := range map[string]string{
		"From": "<care@clinic.example>", "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply", "X-Postern": "notice",
		"Reply-To": "<care+" + token + "@clinic.example>", "Precedence": "", "Content-Type": "text/plain; charset=utf-8", "Mime-Version": "1.0",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	link, err := url.Parse(strings.Trim(m.Header.Get("List-Unsubscribe"), "<>"))
	if err != nil || link.Scheme != "mailto" || link.Query().Get("subject") != "STOP" {
		t.Fatalf("%v, %v", link, err)
	}
	if to, err := url.PathUnescape(link.Opaque); err != nil || to != "care+"+token+"@clinic.example" {
		t.Errorf("an end is asked for at %q, %v", to, err)
	}
	if id := m.Header.Get("Message-Id"); strings.Contains(id, aNotice().Key.String()) || id != "<"+Envelope(aNotice().Key)+"@clinic.example>" {
		t.Errorf("the Message-ID is %s", id)
	}
	again, err := aNotice().Write()
	if err != nil || !bytes.Equal(raw, again) {
		t.Error("the same notice is written otherwise")
	}
	other := aNotice()
	other.Key = care.EventID{8}
	if next, _ := other.Write(); read(t, next).Header.Get("Message-Id") == m.Header.Get("Message-Id") {
		t.Error("two notices have one Message-ID")
	}
	answer, err := anAnswer().Write()
	if err != nil {
		t.Fatal(err)
	}
	a := read(t, answer)
	if a.Header.Get("Auto-Submitted") != "auto-replied" || a.Header.Get("In-Reply-To") != "<abc@example.org>" ||
		a.Header.Get("References") != "<one@example.org> <two@example.org> <abc@example.org>" {
		t.Errorf("%v", a.Header)
	}
}

// A mail names the practice where it may, and nothing else that it was not told to.
func TestSaysNothingElse(t *testing.T) {
	named, err := Notice{Key: care.EventID{1}, From: "care@clinic.example", Practice: "Alder Creek Clinic", To: "m@example.org", Date: date}.Write()
	if err != nil {
		t.Fatal(err)
	}
	if from, err := read(t, named).Header.AddressList("From"); err != nil || from[0].Name != "Alder Creek Clinic" || !strings.Contains(body(t, named), "Alder Creek Clinic") {
		t.Errorf("the practice is not named: %v, %v", from, err)
	}
	silent := aNotice()
	raw, err := silent.Write()
	if err != nil {
		t.Fatal(err)
	}
	if text := body(t, raw); strings.Contains(text, "NAME") || strings.Contains(text, "http") || strings.Contains(text, "<") {
		t.Errorf("%s", text)
	}
}

// Names and numbers are typed by people, and a Message-ID by a stranger: none of them reaches a header of its own.
func TestNothingIsInjected(t *testing.T) {
	for _, hostile := range []string{
		"Clinic\r\nBcc: x@example.org", "Clinic\nX-Evil: 1", "\"><x@example.org>", "=?utf-8?q?=0D=0ABcc:_x?=", "a\u2028b\u0085c\x00d", "NAME", strings.Repeat("ü", 400),
		"\xff\xfe", "<a@b>,\"c\" <d@e>",
	} {
		n := aNotice()
		n.Practice = hostile
		one, err := n.Write()
		if err != nil {
			t.Fatalf("%q: %v", hostile, err)
		}
		a := anAnswer()
		a.Practice, a.FrontDesk, a.Answers, a.After = hostile, hostile, "<a@b>\r\nBcc: <x@y>", []string{hostile, "<\u212a@b>", "<ok@b>"}
		two, err := a.Write()
		if err != nil {
			t.Fatalf("%q: %v", hostile, err)
		}
		for _, raw := range [][]byte{one, two} {
			m := read(t, raw)
			for _, name := range []string{"Bcc", "X-Evil"} {
				if m.Header.Get(name) != "" {
					t.Errorf("%q made a header %s", hostile, name)
				}
			}
			for _, name := range []string{"From", "To"} {
				if all, err := m.Header.AddressList(name); err != nil || len(all) != 1 {
					t.Errorf("%q: %s is %v, %v", hostile, name, all, err)
				}
			}
			for line := range strings.SplitSeq(string(raw), "\r\n") {
				if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
					t.Errorf("%q makes the line %q", hostile, line)
				}
			}
		}
	}
	for _, address := range []string{"", "x", "a@b\r\nBcc: c@d", "a@b,c@d", "A <a@b>", "a@b>", "\"a b\"@c", "a@b@c", "jürgen@b", "@b", "a@", strings.Repeat("a", 250) + "@b.example"} {
		for _, change := range []func(*Notice){
			func(n *Notice) { n.To = address }, func(n *Notice) { n.From = address }, func(n *Notice) { n.Reply = address },
		} {
			n := aNotice()
			if change(&n); n.Reply == "" {
				continue // then answers go to From
			}
			if raw, err := n.Write(); care.KindOf(err) != care.Internal || raw != nil {
				t.Errorf("%q is written: %v", address, err)
			}
		}
	}
}

// A token comes back from an address in whatever case and dress mail systems give it.
func TestTokens(t *testing.T) {
	fresh, other := NewToken(), NewToken()
	if len(fresh) != 26 || fresh == other || len(Hash(fresh)) != 52 {
		t.Fatalf("%s, %s", fresh, other)
	}
	if Hash(strings.ToUpper(fresh)) != Hash(fresh) || Hash(fresh) == Hash(other) {
		t.Error("the hash is not of the token")
	}
	if _, err := care.ParseEventID(Hash(fresh)); err != nil {
		t.Error(err)
	}
	plus, all := Address("care@clinic.example", fresh), Address("*@reply.clinic.example", other)
	if plus != "care+"+fresh+"@clinic.example" || all != other+"@reply.clinic.example" {
		t.Errorf("%s, %s", plus, all)
	}
	got := Tokens("Clinic <"+strings.ToUpper(plus)+">, "+all, plus)
	if len(got) != 2 || got[0] != fresh || got[1] != other {
		t.Errorf("%v", got)
	}
	if got := Tokens("x"+fresh+"@y", fresh[1:]+"@y", "\u212a"+fresh[1:]+"@y", fresh, "care@clinic.example"); len(got) != 0 {
		t.Errorf("%v are no tokens", got)
	}
	for base, want := range map[string]string{"care@clinic.example": "care@clinic.example", "*@reply.x": "stop@reply.x", "": ""} {
		if got := Address(base, ""); got != want {
			t.Errorf("%q without a token is %q", base, got)
		}
	}
}

func TestLanguage(t *testing.T) {
	for language, want := range map[string]string{"es": "Algo nuevo", "es-US": "Algo nuevo", "ES-mx": "Algo nuevo", "en": "Something new", "": "Something new", "vi": "Something new", "est": "Something new"} {
		n := aNotice()
		n.Language = language
		raw, err := n.Write()
		if err != nil {
			t.Fatal(err)
		}
		if s := read(t, raw).Header.Get("Subject"); !strings.HasPrefix(s, want) {
			t.Errorf("in %q it is called %q", language, s)
		}
	}
}

func read(t *testing.T, raw []byte) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func body(t *testing.T, raw []byte) string {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A mail is known by its name in a Message-ID and in an envelope's, in whatever dress; what only looks like one is none.
func TestEnvelopes(t *testing.T) {
	one, two := Envelope(care.EventID{1}), Envelope(care.EventID{2})
	got := Envelopes("<"+one+"@clinic.example>", strings.ToUpper(two), one, "rfc822;"+two)
	if len(got) != 2 || got[0] != one || got[1] != two {
		t.Errorf("%v", got)
	}
	if got := Envelopes("", "<abc@clinic.example>", one+"a", "a"+one, one[1:], care.EventID{1}.String()); len(got) != 0 {
		t.Errorf("%v are no names", got)
	}
}
