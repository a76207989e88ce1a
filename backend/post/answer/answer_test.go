package answer

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/backend/care"
)

var update = flag.Bool("update", false, "write what is read as what is wanted; look at it before you commit")

// ours is the notice that the corpus answers, in its two languages.
var ours = []string{
	"Hello,",
	"There is a new message for you from Dr. Lee's office.",
	"To read it, open Postern on your computer. For your privacy this e-mail says nothing else.",
	"If this is an emergency, call 911. Please do not reply to this e-mail with urgent questions.",
	"Example Family Medicine, 12 Main Street, Springfield",
	"Hola:",
	"Hay un mensaje nuevo para usted del consultorio de la Dra. Lee.",
	"Para leerlo, abra Postern en su computadora. Por su privacidad, este correo no dice nada más.",
	"Si es una emergencia, llame al 911. No responda a este correo con preguntas urgentes.",
}

// onlyKnown are the messages in which nothing but knowing the notice tells whose words are whose.
var onlyKnown = []string{"outlook-bottom-en", "outlook-typed-into-notice-en", "unmarked-webmail-en", "gmail-android-old-wrap-en", "phone-undated-en"}

func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".eml")] = raw
	}
	return all
}

// TestCorpus reads what the usual clients write, knowing the notice and not knowing it.
func TestCorpus(t *testing.T) {
	for name, raw := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			r, err := Read(raw, Known{Ours: ours})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(r.Text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimRight(string(b), "\n")
			if string(r.Text) != want {
				t.Errorf("read:\n%s\n\nwanted:\n%s\n\nof the whole:\n%s", r.Text, want, r.Whole)
			}
			holds(t, r)
			if r.Cut == (squeeze(string(r.Text)) == squeeze(string(r.Whole))) {
				t.Errorf("cut is %v", r.Cut)
			}
			if len(r.To) == 0 || r.To[0].Address != "reply+k7m2qx4t@clinic.example" || len(r.From) != 1 || !strings.Contains(r.From[0].Address, "@") || r.Date.IsZero() || r.MessageID == "" || !slices.Equal(r.InReplyTo, []string{"n-8841@clinic.example"}) {
				t.Errorf("the header was read as %+v", r)
			}
			blind, err := Read(raw, Known{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(onlyKnown, name) && string(blind.Text) != want {
				t.Errorf("without knowing the notice:\n%s\n\nwanted:\n%s", blind.Text, want)
			}
		})
	}
}

// holds checks what is always true of a reply.
func holds(t *testing.T, r Reply) {
	t.Helper()
	for l := range strings.SplitSeq(string(r.Text), "\n") {
		if !strings.Contains(string(r.Whole), l) {
			t.Errorf("the line %q of the text is not in the whole", l)
		}
	}
	if len([]rune(string(r.Text))) > care.MaxText {
		t.Errorf("the text has %d characters", len([]rune(string(r.Text))))
	}
	for _, s := range []string{string(r.Text), string(r.Whole), r.Subject} {
		if strings.ContainsAny(s, "\x00\r\x1b\u202e\u2066\u200f\u200b") {
			t.Errorf("what cannot be seen is left in %q", s)
		}
	}
	names := map[string]bool{}
	for _, f := range r.Files {
		if f.Name == "" || len([]rune(f.Name)) > maxName || strings.ContainsAny(f.Name, "/\\\x00\n\u202e") || names[strings.ToLower(f.Name)] {
			t.Errorf("a file is called %q", f.Name)
		}
		names[strings.ToLower(f.Name)] = true
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
