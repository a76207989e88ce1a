package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/backend"
	"postern/backend/post/posttest"
	"postern/backend/post/recipe"
)

// TestFromNothing is how a clinic begins, without the demo: on one computer a practice is set up, with two offices, three
// people, an agent and two members, who enrol on computers of their own; the main job runs between them; a nurse is removed; a
// member loses the computer and comes back. The mail system is elsewhere: the gateway on another network with an authority of
// its own, or Dovecot and Postfix.
func TestFromNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser and a mail system")
	}
	t.Run("gateway", func(t *testing.T) { fromNothing(t, gatewayElsewhere(t)) })
	t.Run("dovecot-postfix", func(t *testing.T) { fromNothing(t, dovecotElsewhere(t)) })
}

// gatewayElsewhere runs "postern gateway" on another computer and gives its accounts file.
func gatewayElsewhere(t *testing.T) []byte {
	t.Helper()
	n := posttest.NewNetwork(t)
	data := filepath.Join(t.TempDir(), "gateway")
	background(t, true, n.Command(os.Args[0], "gateway", "--data", data, "--imap", "0.0.0.0:993", "--smtp", "0.0.0.0:465", "--host", n.Host))
	return printed(t, "gateway", "accounts", "--data", data, "--mailboxes", "3", "--offices", "4", "--logins", "6")
}

// dovecotElsewhere runs Dovecot and Postfix, whose administrator has written down mailboxes for Postern.
func dovecotElsewhere(t *testing.T) []byte {
	t.Helper()
	s, err := recipe.Init(t.Context(), mailFolder(t), recipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := s.Run(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	file, err := backend.WriteAccounts(t.Context(), s, backend.Wanted{Mailboxes: 3, Offices: 4, Logins: 6})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// background starts a program that goes on until the test ends, and waits for the first line that it
// prints, if it speaks, which it gives.
func background(t *testing.T, speaks bool, cmd *exec.Cmd) (said string) {
	t.Helper()
	cmd.Env = append(os.Environ(), "POSTERN_TEST_MAIN=1")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // how it ends is no matter of this test
	})
	line := make([]byte, 1)
	for speaks && line[0] != '\n' {
		if _, err := out.Read(line); err != nil {
			t.Fatalf("%v printed nothing: %v", cmd.Args, err)
		}
		said += string(line)
	}
	return said
}

// printed runs postern to its end and gives what it printed.
func printed(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "POSTERN_TEST_MAIN=1")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("postern %v: %v", args, err)
	}
	return out
}

const strongPassphrase = "lantern orchard velvet canyon"

func fromNothing(t *testing.T, accounts []byte) {
	b := browser(t)
	file := filepath.Join(t.TempDir(), "accounts.json")
	if err := os.WriteFile(file, accounts, 0o600); err != nil {
		t.Fatal(err)
	}
	computer := func(who string) *screen {
		return open(t, b, start(t, "serve", "--data", filepath.Join(t.TempDir(), "d")).link, who)
	}
	priya := computer("Priya")
	setUp(priya, file)

	// Who works here, and where. A physician is there before the office is.
	ana := hire(priya, "Ana Lee", "physician")
	if ana.code != "" {
		t.Error("somebody without an office was invited")
	}
	office(priya, "Dr. Lee's office", "Internal Medicine", "Ana Lee")
	hire(priya, "Omar Haddad", "physician")
	office(priya, "Dr. Haddad's office", "Internal Medicine", "Omar Haddad")
	agent := hire(priya, "Postern agent", "agent")
	rosa := hire(priya, "Rosa Delgado", "nurse", "Dr. Lee's office", "Dr. Haddad's office")
	marisol := take(priya, "Marisol Vega", "3 4 1980", "4821 0739", "Dr. Lee's office")
	dmitri := take(priya, "Dmitri Volkov", "8 19 1971", "3318 9046", "Dr. Haddad's office")
	priya.accessible("nothing-members")
	goesOn(priya)

	// Each on a computer of their own.
	runAgent(t, agent)
	nurse, physician := computer("Rosa"), computer("Ana")
	answers(nurse, rosa, "", "Rosa")
	answers(physician, invite(priya, "Dr. Ana Lee"), "", "Ana")
	first, other := computer("Marisol"), computer("Dmitri")
	answers(first, marisol, "3 4 1980", "Marisol")
	answers(other, dmitri, "8 19 1971", "Dmitri")
	other.sees("Message Center")

	// The main job.
	write(first, "Dr. Ana Lee - Internal Medicine", "Sleep and the new tablets", "Since Monday I wake up at four.")
	nurse.follow("Sleep and the new tablets")
	nurse.sees("Since Monday I wake up at four.")
	nurse.press("button", "Claim")
	nurse.find("button", "Unclaim")
	nurse.press("button", "Reply")
	nurse.fill("textbox", "Reply", "Take them in the morning for a week.")
	nurse.press("button", "Send reply")
	nurse.press("button", "Send now")
	first.sees("Take them in the morning for a week.")
	priya.press("link", "Gateway")
	priya.sees("It confirms what members send as it arrives.")
	priya.accessible("nothing-agent")

	// The nurse leaves. What is written then does not reach her; what she wrote stays.
	remove(priya, "Rosa Delgado")
	physician.follow("Awaiting member")
	physician.follow("Sleep and the new tablets")
	physician.sees("Take them in the morning for a week.")
	nurse.sees("has ended this profile") // until a member's computer has the new list it seals to the old key, which she has
	first.fill("textbox", "Reply to Dr. Lee's office", "That helps. Thank you.")
	first.press("button", "Review reply")
	first.press("button", "Send reply")
	first.press("button", "Send now")
	physician.sees("That helps. Thank you.")
	nurse.seesNot("That helps. Thank you.")

	// The member loses the computer and comes back on another, to all that was written.
	again := computer("Marisol-again")
	answers(again, reinvite(priya, "Marisol Vega"), "3 4 1980", "Marisol")
	again.follow("Sleep and the new tablets")
	again.sees("Since Monday I wake up at four.")
	again.sees("Take them in the morning for a week.")
	again.sees("That helps. Thank you.")
	again.accessible("nothing-history")
	physician.press("button", "Reply")
	physician.fill("textbox", "Reply", "Call us if it comes back.")
	physician.press("button", "Send reply")
	physician.press("button", "Send now")
	again.sees("Call us if it comes back.")
}

// setUp makes the practice and its first administrator.
func setUp(priya *screen, accounts string) {
	priya.t.Helper()
	priya.sees("Set up a practice")
	priya.accessible("nothing-first-start")
	priya.press("link", "Set up a practice")
	priya.fill("textbox", "Name of the practice", "Alder Creek Clinic")
	priya.fill("textbox", "Front desk", "555-010-0100")
	priya.fill("textbox", "Nurse line", "555-010-0140")
	priya.choose("zone", "America/New_York")
	priya.accessible("nothing-practice")
	priya.press("button", "Continue")

	priya.sees("Where is it?")
	eval[bool](priya, `document.querySelector("input[value=elsewhere]").click(), true`)
	priya.attach("input[type=file]", accounts)
	priya.sees("accounts.json is chosen")
	priya.press("button", "Try it")
	priya.sees("The mail system works.")
	priya.accessible("nothing-mail")
	priya.press("button", "Continue")

	priya.sees("vouches for this practice")
	priya.fill("textbox", "Passphrase of the root key", "harbor violin maple sudden")
	priya.fill("textbox", "Type it again", "harbor violin maple sudden")
	priya.press("button", "Continue")

	priya.fill("textbox", "Your name", "Priya Nair")
	priya.fill("textbox", "Name on this computer", "Priya")
	priya.fill("textbox", "Your passphrase", strongPassphrase)
	priya.fill("textbox", "Type it again", strongPassphrase)
	priya.accessible("nothing-you")
	priya.press("button", "Make the practice")

	priya.sees("Put the root key away")
	priya.accessible("nothing-root")
	if root := priya.saves("button", "Save postern-root.json…", ".json"); len(root) == 0 {
		priya.t.Error("the file with the root key is empty")
	}
	priya.press("checkbox", "The file postern-root.json is stored off this computer.")
	priya.press("checkbox", "I have its recovery sheet on paper.")
	priya.press("button", "It is stored away: remove it from this computer")
	priya.sees("Welcome back") // Chromium hangs where it is asked for names while one page follows another
	priya.fill("textbox", "Passphrase", strongPassphrase)
	priya.press("button", "Sign in")
	priya.sees("No members yet.")
}

// ticket is a file and its code, as the front desk hands them over by two ways.
type ticket struct {
	file []byte
	code string
}

// ticketOf takes them from the invitation sheet.
func ticketOf(priya *screen) ticket {
	priya.t.Helper()
	priya.sees("The code is shown only now.")
	i := ticket{priya.saves("button", "Save the file…", ".postern-invite"),
		eval[string](priya, `[...document.querySelectorAll(".codes li")].map(l => l.lastChild.textContent.trim()).join(" ")`)}
	if len(strings.Fields(i.code)) != 4 {
		priya.fail(fmt.Sprintf("the code is %d groups", len(strings.Fields(i.code))))
	}
	return i
}

// hire adds somebody to the staff, who is invited at once if they belong to an office.
func hire(priya *screen, name, role string, offices ...string) ticket {
	priya.t.Helper()
	priya.press("link", "Staff")
	priya.press("link", "Add a person")
	priya.fill("textbox", "Name", name)
	eval[bool](priya, fmt.Sprintf(`(() => { const e = document.querySelector("select[name=role]"); e.value = %q; e.dispatchEvent(new Event("change", {bubbles: true})); return e.value === %[1]q })()`, role))
	for _, o := range offices {
		priya.press("checkbox", o)
	}
	priya.press("button", "Add and invite")
	if len(offices) == 0 && role != "agent" {
		priya.sees("Added, but not invited yet.")
		return ticket{}
	}
	return ticketOf(priya)
}

// office adds one, which its physician answers: nobody is ticked.
func office(priya *screen, name, specialty, provider string) {
	priya.t.Helper()
	priya.press("link", "Offices and coverage")
	priya.press("link", "Add an office")
	priya.fill("textbox", "Name", name)
	priya.fill("textbox", "Specialty", specialty)
	if !eval[bool](priya, fmt.Sprintf(`(() => { const e = document.querySelector("select[name=provider]"); const o = [...e.options].find(o => o.text.includes(%q));
		e.value = o.value; e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`, provider)) {
		priya.fail("there is no such provider")
	}
	priya.shot("nothing-office")
	priya.press("button", "Add office")
	priya.sees("Out of office")
}

// take adds a member, who is invited at once.
func take(priya *screen, name, on, mrn, office string) ticket {
	priya.t.Helper()
	priya.press("link", "Members and invitations")
	priya.press("link", "Invite a member")
	priya.fill("textbox", "Name", name)
	born(priya, on)
	priya.fill("textbox", "Medical record number", mrn)
	eval[bool](priya, fmt.Sprintf(`(() => { const e = [...document.querySelectorAll("select")].find(s => s.ariaLabel === "Why, " + %q); e.value = "primary"; e.dispatchEvent(new Event("change", {bubbles: true})); return true })()`, office))
	priya.press("button", "Add and invite")
	i := ticketOf(priya)
	priya.accessible("nothing-sheet")
	priya.press("link", "Done")
	priya.press("link", "All members")
	return i
}

// goesOn locks the screen over a form that is half filled in, and finds it again.
func goesOn(priya *screen) {
	priya.t.Helper()
	priya.press("link", "Invite a member")
	priya.fill("textbox", "Name", "Grace Oyelaran")
	born(priya, "7 3 1988")
	priya.press("button", "Lock")
	priya.sees("Locked at")
	priya.fill("textbox", "Passphrase", strongPassphrase)
	priya.press("button", "Unlock")
	priya.sees("What you had begun is still here.")
	if kept := eval[string](priya, `["name", "month", "day", "year"].map((n) => document.getElementById("member-" + n).value).join(" ")`); kept != "Grace Oyelaran 7 3 1988" {
		priya.fail("of the form there is " + kept)
	}
	priya.press("button", "Cancel")
	priya.press("link", "Invite a member")
	priya.seesNot("What you had begun is still here.")
	priya.press("link", "All members")
}

// invite invites somebody of the staff who is there and was not.
func invite(priya *screen, name string) ticket {
	priya.t.Helper()
	priya.press("link", "Staff")
	priya.press("button", "Invite : "+name)
	return ticketOf(priya)
}

// reinvite invites a member again who has lost everything.
func reinvite(priya *screen, name string) ticket {
	priya.t.Helper()
	priya.press("link", "Members and invitations")
	priya.press("link", name)
	priya.press("button", "Invite again")
	priya.press("button", "Make an invitation")
	return ticketOf(priya)
}

// remove takes somebody out of the practice, after a look at what that does.
func remove(priya *screen, name string) {
	priya.t.Helper()
	priya.press("link", "Staff")
	priya.press("link", name)
	priya.press("link", "Remove…")
	priya.sees("This is what happens")
	priya.accessible("nothing-removal")
	priya.press("checkbox", "I checked that "+name+" is the person to remove.")
	priya.press("button", "Remove "+name)
	priya.sees("Removed")
}

// runAgent enrols the agent without a window, and runs it.
func runAgent(t *testing.T, i ticket) {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	data, pass := filepath.Join(dir, "d"), put("passphrase", []byte(strongPassphrase+"\n"))
	said := printed(t, "enrol", "--data", data, "--invitation", put("i.postern-invite", i.file), "--code-file", put("code", []byte(i.code)), "--passphrase-file", pass)
	if !strings.Contains(string(said), "recovery code: ") {
		t.Errorf("postern enrol printed %q", said)
	}
	background(t, false, exec.Command(os.Args[0], "agent", "--data", data, "--passphrase-file", pass))
}

// answers takes up an invitation on somebody's computer, to the first screen.
func answers(s *screen, i ticket, on, label string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "invitation.postern-invite")
	if err := os.WriteFile(file, i.file, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.press("link", "I have an invitation")
	s.attach("input[type=file]", file)
	s.sees("invitation.postern-invite is chosen")
	s.fill("textbox", "Invitation code", strings.ToLower(i.code))
	s.accessible("nothing-invitation")
	s.press("button", "Continue")
	if on != "" {
		born(s, on)
		s.accessible("nothing-born")
		s.press("button", "Continue")
	}
	s.fill("textbox", "Name on this computer", label)
	s.fill("textbox", "Passphrase", strongPassphrase)
	s.fill("textbox", "Type it again", strongPassphrase)
	s.accessible("nothing-passphrase")
	s.press("button", "Continue")
	s.press("button", "I have it on paper")
	s.accessible("nothing-progress")
	s.until("see the way in", func(ctx context.Context, t *chromedp.Target) (bool, error) {
		return chromedp.Evaluate[bool](`(() => { const b = document.querySelector('form[action="/invitation/entry"] button, #progress form.actions button'); return !!b && !b.disabled })()`)(ctx, t)
	})
	s.do("go in", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](`document.querySelector("#progress form.actions button").click(), true`)(ctx, t)
		return err
	}))
	s.sees("Up to date")
}

// born types a date of birth, such as 3 4 1980.
func born(s *screen, on string) {
	s.t.Helper()
	f := strings.Fields(on)
	s.fill("textbox", "Month", f[0])
	s.fill("textbox", "Day", f[1])
	s.fill("textbox", "Year", f[2])
}

// write sends a message.
func write(s *screen, office, subject, text string) {
	s.t.Helper()
	s.press("link", "Start a new message")
	s.press("button", "Choose your doctor's office")
	s.press("radio", office)
	s.fill("textbox", "Subject", subject)
	s.fill("textbox", "Message", text)
	s.enabled("button", "Review and send")
	s.press("button", "Review and send")
	s.press("button", "Send message")
	s.press("button", "Send now")
	s.sees("Delivered to ")
}

// choose takes an option of a list.
func (s *screen) choose(id, value string) {
	s.t.Helper()
	s.until("choose "+value, func(ctx context.Context, t *chromedp.Target) (bool, error) {
		return chromedp.Evaluate[bool](fmt.Sprintf(`(() => { const e = document.getElementById(%q); if (!e) return false; e.value = %q;
			e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return e.value === %[2]q })()`, id, value))(ctx, t)
	})
}
