package app

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"postern/backend"
	"postern/backend/care"
)

// What a person typed or is, none of which may lie on a disk in words. No two have a piece in common, and none of them is a
// word that a program has by itself.
var (
	tracePlan = func() backend.Plan {
		p := backend.ExamplePlan()
		p.People[1].Label, p.People[1].Name, p.People[1].Shown, p.People[1].Short = "The nurse", "Thusnelda Quakenbrück", "Thusnelda Quakenbrück, RN", "Thusnelda"
		p.Members[0].Label = "Me"
		p.Members[0].Patient = care.Patient{Name: "Hildegunde Brackwasser", Born: "1947-08-19", Sex: "F", MRN: "7305 9164", Phone: "555-010-0177"}
		return p
	}()
	traceSubject    = "Zwieselkraut at night"
	traceMessage    = "The Quittenschleim does not help my Wadenkrampf."
	traceReply      = "Try Lakritzwurzel before bed."
	traceNote       = "Smells of Branntwein today."
	traceUnsent     = "And my Hühnerauge again"
	tracePassphrase = "lantern orchard velvet canyon"
)

// traceWords are the pieces of it that are looked for.
func traceWords() []string {
	return []string{"Zwieselkraut", "Quittenschleim", "Wadenkrampf", "Lakritzwurzel", "Branntwein", "Hühnerauge",
		"Hildegunde", "Brackwasser", "Thusnelda", "Quakenbrück", "7305 9164", "73059164", "1947-08-19", "August 19, 1947", "555-010-0177",
		tracePassphrase}
}

// TestNoTraces runs a practice as real processes (mail system, agent, screens), in which a member and a nurse write, and looks
// for their words in everything on the disk and in all that was said: while it runs, after a lock, after SIGKILL.
func TestNoTraces(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser and a mail system")
	}
	root := t.TempDir()
	w := &traced{t: t, data: filepath.Join(root, "data"), tmp: filepath.Join(root, "tmp"), logs: filepath.Join(root, "logs")}
	for _, dir := range []string{w.data, w.tmp, w.logs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := t.TempDir() // what is given to the program in words, and is no trace of it
	plan, err := json.Marshal(tracePlan)
	if err != nil {
		t.Fatal(err)
	}
	from, pass := filepath.Join(elsewhere, "plan.json"), filepath.Join(elsewhere, "pass")
	if err := errors.Join(os.WriteFile(from, plan, 0o600), os.WriteFile(pass, []byte(tracePassphrase+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	made := w.runs("make", "practice", "make", "--from", from, "--passphrase-file", pass)
	if err := made.Wait(); err != nil {
		t.Fatal(err)
	}
	gateway := w.runs("gateway", "gateway")
	w.says("gateway", "gateway: IMAP")
	agent := w.runs("agent", "agent", "--passphrase-file", pass)
	screens := w.runs("serve", "serve", "--log", "json")
	link := strings.TrimPrefix(w.says("serve", "open: "), "open: ")

	b := browser(t)
	member := open(t, b, link, "member")
	w.signIn(member, "Me")
	member.press("link", "Start a new message")
	member.press("button", "Choose your doctor's office")
	member.press("radio", "Dr. Ana Lee - Internal Medicine")
	member.fill("textbox", "Subject", traceSubject)
	member.fill("textbox", "Message", traceMessage)
	member.enabled("button", "Review and send")
	w.clean("with a draft")
	member.press("button", "Review and send")
	member.press("button", "Send message")
	member.press("button", "Send now")
	member.sees("Delivered to Dr. Lee's office")

	nurse := open(t, b, link, "nurse")
	w.signIn(nurse, "The nurse")
	nurse.follow(traceSubject)
	nurse.press("button", "Claim")
	nurse.press("button", "Internal note")
	nurse.fill("textbox", "Internal note", traceNote)
	nurse.press("button", "Save note")
	nurse.sees(traceNote)
	nurse.press("button", "Reply")
	nurse.fill("textbox", "Reply", traceReply)
	nurse.press("button", "Send reply")
	nurse.press("button", "Send now")
	member.sees(traceReply)
	member.fill("textbox", "Reply to Dr. Lee's office", traceUnsent)
	w.clean("while it runs")

	member.press("button", "Lock")
	member.sees("Locked at")
	w.clean("after a lock")
	member.fill("textbox", "Passphrase", tracePassphrase)
	member.press("button", "Unlock")
	member.sees(traceReply)

	for _, c := range []*exec.Cmd{screens, agent, gateway} {
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed
	}
	w.clean("after SIGKILL")
	if n := w.files(); n < 20 {
		t.Errorf("only %d files were looked at", n)
	}
	w.canFail()
}

// traced is a practice whose every file is looked at.
type traced struct {
	t               *testing.T
	data, tmp, logs string
}

// runs starts a part of it, as a process of its own that has no other place for temporary files and says all into a file.
func (w *traced) runs(name string, args ...string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(os.Args[0], append(args, "--data", w.data)...)
	cmd.Env = append(os.Environ(), "POSTERN_TEST_MAIN=1", "TMPDIR="+w.tmp)
	out, err := os.Create(filepath.Join(w.logs, name))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Close() }() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(syscall.SIGKILL) // the test has failed already
			_ = cmd.Wait()
		}
	})
	return cmd
}

// says waits until a part says a line that begins so, and gives it.
func (w *traced) says(name, begins string) string {
	w.t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.NewTimer(patience) // nothing tells of a file that grows
	defer tick.Stop()
	defer limit.Stop()
	for {
		said, err := os.ReadFile(filepath.Join(w.logs, name))
		if err != nil {
			w.t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(said))
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), begins) && bytes.Contains(said, []byte(lines.Text()+"\n")) {
				return lines.Text()
			}
		}
		select {
		case <-tick.C:
		case <-limit.C:
			w.t.Fatalf("%s does not say %q:\n%s", name, begins, said)
		}
	}
}

func (w *traced) signIn(s *screen, label string) {
	s.press("radio", label)
	s.fill("textbox", "Passphrase", tracePassphrase)
	s.press("button", "Sign in")
}

// clean fails for each word that lies anywhere.
func (w *traced) clean(when string) {
	w.t.Helper()
	for _, dir := range []string{w.data, w.tmp, w.logs} {
		for _, found := range traces(w.t, dir) {
			w.t.Errorf("%s: %s", when, found)
		}
	}
}

func (w *traced) files() (n int) {
	for _, dir := range []string{w.data, w.tmp, w.logs} {
		each(w.t, dir, func(string, []byte) { n++ })
	}
	return n
}

// canFail plants each word in each form, one at a time, and wants it found.
func (w *traced) canFail() {
	w.t.Helper()
	dir := w.t.TempDir()
	for _, word := range traceWords() {
		for form, b := range map[string][]byte{
			"plain": []byte(word), "UTF-16": utf16Of("x "+word, false), "UTF-16, the other way round": utf16Of(word, true),
			"base64, one byte in":  []byte(base64.StdEncoding.EncodeToString([]byte("1" + word + "22"))),
			"base64, two bytes in": []byte(base64.RawURLEncoding.EncodeToString([]byte("12" + word + "3"))),
			"hex":                  []byte(hex.EncodeToString([]byte(word))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(word)))),
			"JSON": jsonOf(word), "in capitals": []byte(strings.ToUpper(word)),
		} {
			if err := os.WriteFile(filepath.Join(dir, "planted"), slices.Concat([]byte{0, 1, 0xff}, b, []byte("\x00tail")), 0o600); err != nil {
				w.t.Fatal(err)
			}
			if len(traces(w.t, dir)) == 0 {
				w.t.Errorf("%q as %s is not found", word, form)
			}
		}
	}
	if err := os.Rename(filepath.Join(dir, "planted"), filepath.Join(dir, "of Brackwasser")); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "of Brackwasser"), nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if len(traces(w.t, dir)) == 0 {
		w.t.Error("the name of a file is not looked at")
	}
}

// traces are the words that lie in a folder, each with its form and file.
func traces(t *testing.T, dir string) (found []string) {
	t.Helper()
	each(t, dir, func(path string, content []byte) {
		lower := bytes.ToLower(content)
		for _, word := range traceWords() {
			for form, b := range forms(word) {
				if bytes.Contains(content, b) || strings.HasPrefix(form, "any case") && bytes.Contains(lower, b) {
					found = append(found, word+" lies in "+path+" as "+form)
				}
			}
			if strings.Contains(path, word) {
				found = append(found, word+" is in the name "+path)
			}
		}
	})
	return found
}

// each reads every file of a folder; one that went meanwhile has left nothing.
func each(t *testing.T, dir string, do func(path string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		inside, _ := filepath.Rel(dir, path)
		do(inside, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// forms are how a word may lie in a file.
func forms(word string) map[string][]byte {
	lower := bytes.ToLower([]byte(word))
	out := map[string][]byte{
		"plain": []byte(word), "any case": lower,
		"UTF-16": utf16Of(word, false), "UTF-16 (BE)": utf16Of(word, true),
		"any case, hex": []byte(hex.EncodeToString([]byte(word))), "JSON": jsonOf(word),
	}
	// At each of three places a word gives other characters; those at either end depend on what stands beside it.
	for shift := range 3 {
		padded := append(make([]byte, shift), word...)
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 (URL)": base64.RawURLEncoding} {
			coded := e.EncodeToString(padded)
			inner := coded[(shift*8+5)/6 : len(padded)*8/6]
			out[name+" at "+string(rune('0'+shift))] = []byte(inner)
		}
	}
	return out
}

func utf16Of(s string, big bool) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

// jsonOf is a word as JSON may escape it.
func jsonOf(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		if u < 0x80 {
			b = append(b, byte(u))
		} else {
			b = append(append(b, `\u`...), hex.EncodeToString([]byte{byte(u >> 8), byte(u)})...)
		}
	}
	return b
}
