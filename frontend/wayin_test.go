package frontend_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/frontend"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

// drops drops a file onto the page, beside every field.
func (b *browser) drops(name, content string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => {
		const files = new DataTransfer();
		files.items.add(new File([%q], %q));
		return document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })) || true;
	})()`, content, name))
}

// chooses chooses a file in the field with this id, as the browser's dialog does.
func (b *browser) chooses(id, name, content string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => {
		const field = document.getElementById(%q), files = new DataTransfer();
		files.items.add(new File([%q], %q));
		field.files = files.files;
		return field.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, id, content, name))
}

// at waits for the step with this heading: the names of all steps are on each page.
func (b *browser) at(heading string) {
	b.t.Helper()
	b.until("the step "+heading, fmt.Sprintf(`document.querySelector("#wizard h2")?.innerText === %q`, heading))
}

// focused waits for the focus to be in the field with this id.
func (b *browser) focused(id string) {
	b.t.Helper()
	b.until("the focus in "+id, fmt.Sprintf(`document.activeElement?.id === %q`, id))
}

// TestWaysIn goes through both ways in as a person does, by keys where they would, and looks at each step: it is
// accessible, leads to what is wrong, and looks as it was kept.
func TestWaysIn(t *testing.T) {
	w, y := newcomers()
	w.profile = nil
	b := openWith(t, w, frontend.Options{})
	a := picturetest.Open(t, b.ctx, "testdata/wayin", *update)
	b.sees("Welcome to Postern")
	b.screen(a, "first-start")

	b.button("I have an invitation")
	b.at("Open your invitation")
	b.sees("Choose your invitation file.")
	b.screen(a, "invitation")
	b.expect("422")
	b.drops("Marisol Vega.postern-invite", invite)
	b.sees("Marisol Vega.postern-invite")
	b.sees("Type the code.")
	b.fill("code", "k7qm-4txw-9h")
	b.sees("6 more characters to go.")
	b.stateOf(a, "invitation-typing")
	b.fill("code", "K7QM-4TXW-9H2C-PR5E\r")
	b.sees("This code does not open this invitation.")
	b.focused("code")
	if typed := eval[string](b, `document.getElementById("code").value`); typed != "K7QM-4TXW-9H2C-PR5E" {
		t.Errorf("what was typed became %q", typed)
	}
	b.stateOf(a, "invitation-wrong")
	b.fill("code", "k7qm 4txw 9h2c pr5d\r")
	b.at("Confirm your date of birth")
	b.until("the address of the step", `location.pathname === "/invitation/born"`)
	b.fill("month", "13")
	b.fill("day", "4")
	b.fill("year", "1980\r")
	b.sees("Month must be between 1 and 12.")
	b.focused("month")
	b.screen(a, "born")
	b.fill("month", "3\r")
	b.at("Choose a passphrase")
	b.fill("new", "golden lantern")
	b.sees("Too easy to guess.")
	b.screen(a, "passphrase")
	b.button("Back")
	b.at("Confirm your date of birth")
	b.button("Back")
	b.sees("The code that you typed is kept.")
	b.stateOf(a, "invitation-kept")
	b.reload()
	b.sees("The code that you typed is kept.")
	b.button("Continue")
	b.until("the day that was typed", `document.getElementById("day")?.value === "4"`)
	b.button("Continue")
	b.at("Choose a passphrase")
	b.fill("new", newOne)
	b.sees("Strong.")
	b.fill("again", "another\r")
	b.sees("The two are not the same.")
	b.focused("again")
	b.fill("again", newOne+"\r")
	b.sees("Your answer is on its way")
	b.screen(a, "progress")
	b.button("I have it on paper")
	b.sees("You have a recovery sheet.")
	y.now(func() {
		y.standing = seat.Enrolling{Step: seat.EnrolWaiting, Problem: "The clinic's mail system does not answer. Postern tries again by itself."}
	})
	b.sees("Postern tries again by itself.")
	b.stateOf(a, "waiting-problem")
	y.now(func() { y.standing = seat.Enrolling{Step: seat.EnrolDone} })
	b.sees("You are in")
	b.stateOf(a, "done")
	b.button("Open my messages")
	b.until("the list of conversations", `document.getElementById("convos")`)
	b.button("Lock")
	b.sees("Locked at")

	b.ends(a, y)
	b.setsUp(a, y)
}

// screen takes pictures of a step in every view, looks whether it fits, and runs axe; stateOf does without the small windows.
func (b *browser) screen(a *picturetest.Album, name string) {
	b.t.Helper()
	a.Screen(name)
	b.accessible("wayin-" + name)
	b.fits(name)
}

func (b *browser) stateOf(a *picturetest.Album, name string) {
	b.t.Helper()
	a.State(name)
	b.accessible("wayin-" + name)
}

// fits shows the step in the smallest window, at twice the text size and on a narrow screen: nothing is cut off at the side,
// and every control is as large as a finger.
func (b *browser) fits(name string) {
	b.t.Helper()
	for _, size := range []struct {
		text          string
		width, height int64
	}{{"", 1024, 700}, {"200", 1280, 800}, {"", 390, 800}} {
		b.look("postern", size.text, size.width, size.height)
		if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			b.t.Errorf("%s at %d, %s %%: %d px are cut off: %s", name, size.width, size.text, over, eval[string](b, widest))
		}
		if small := eval[string](b, smallest); small != "" {
			b.t.Errorf("%s at %d, %s %%: too small for a finger: %s", name, size.width, size.text, small)
		}
	}
	b.look("postern", "", 1280, 800)
}

// ends is an invitation that comes to nothing, of somebody whose name and clinic are long.
func (b *browser) ends(a *picturetest.Album, y *ways) {
	b.t.Helper()
	y.now(func() {
		y.standing = seat.Enrolling{Step: seat.EnrolSending}
		y.invitation.Clinic, y.invitation.Name = "Alder Creek and Wojciechowska-Featherstone Family Medicine and Cardiology Associates", "Wilhelmina-Maximiliana W."
		y.opens = care.Refusef(care.Gone, "This invitation expired on Sunday, Nov 1. Ask the front desk for another one.")
	})
	b.do(chromedp.Navigate(b.url + "/invitation"))
	b.at("Open your invitation")
	b.chooses("file", "A very long name of a file that somebody saved several times over (copy 3) (copy 4).postern-invite", invite)
	b.sees("A very long name of a file")
	b.expect("410")
	b.fill("code", inviteCode+"\r")
	b.sees("This invitation expired")
	b.stateOf(a, "invitation-expired")
	y.now(func() { y.opens = nil })
	b.fill("code", inviteCode+"\r")
	b.sees("For Wilhelmina-Maximiliana W., record ending 0739")
	b.fill("month", "3")
	b.fill("day", "4")
	b.fill("year", "1980")
	b.stateOf(a, "born-long")
	b.fits("born-long")
	b.button("Continue")
	b.at("Choose a passphrase")
	b.button("Suggest one")
	b.sees("Strong.")
	b.fill("again", newOne+"\r")
	b.sees("Your answer is on its way")
	y.now(func() { y.standing = seat.Enrolling{Over: true, Problem: "The clinic withdrew this invitation."} })
	b.at("This did not work out")
	b.until("no sheet", `!document.getElementById("sheet")`)
	b.stateOf(a, "over")
	b.button("Back to the start")
	b.until("the start", `location.pathname === "/"`)
}

// setsUp is a practice that is made.
func (b *browser) setsUp(a *picturetest.Album, y *ways) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + "/setup"))
	b.sees("Business hours")
	b.until("a time zone of this computer or none", `document.getElementById("zone").value === Intl.DateTimeFormat().resolvedOptions().timeZone || !document.querySelector("#zone [value='" + Intl.DateTimeFormat().resolvedOptions().timeZone + "']")`)
	eval[bool](b, `(document.getElementById("zone").value = "America/Chicago", document.getElementById("zone").dispatchEvent(new Event("change", {bubbles: true})))`)
	b.screen(a, "practice")
	b.fill("practice", "Alder Creek Clinic")
	b.fill("frontdesk", "ask Dana")
	b.fill("nurseline", "555-010-0140\r")
	b.sees("Type a telephone number")
	b.focused("frontdesk")
	b.stateOf(a, "practice-wrong")
	b.fill("frontdesk", "555-010-0100\r")
	b.sees("Where is it?")
	b.screen(a, "mail")
	y.now(func() {
		y.trial = []seat.MailStep{works[0], {What: works[1].What, Problem: "Something else on this computer uses port 8465. Choose another one."}, works[2]}
	})
	b.button("Try it")
	b.sees("not tried")
	eval[bool](b, `(document.getElementById("trial").focus(), true)`)
	b.stateOf(a, "mail-tried")
	eval[bool](b, `(document.querySelector("[value=elsewhere]").click(), true)`)
	b.chooses("accounts", "accounts.json", "{}")
	b.sees("accounts.json")
	b.stateOf(a, "mail-elsewhere")
	eval[bool](b, `(document.querySelector("[value=here]").click(), true)`)
	y.now(func() { y.trial = works })
	b.button("Try it")
	b.sees("The mail system works.")
	eval[bool](b, `(document.getElementById("trial").focus(), true)`)
	b.stateOf(a, "mail-works")
	b.button("Continue")
	b.sees("The root key vouches")
	b.screen(a, "root")
	b.fill("new", rootPass)
	b.fill("again", rootPass+"\r")
	b.sees("You are the first administrator")
	b.until("no passphrase of another step", `document.getElementById("new").value + document.getElementById("again").value === ""`)
	b.fill("name", "Dana Whitfield")
	b.fill("label", "Dana")
	b.screen(a, "you")
	y.gate = make(chan struct{})
	b.fill("new", newOne)
	b.fill("again", newOne+"\r")
	b.sees("The practice is being made")
	b.stateOf(a, "being-made")
	close(y.gate)
	b.at("Put the root key away")
	b.sees("GGGG")
	b.screen(a, "key")
	b.expect("422")
	b.until("the file on its way to the disk", `(() => { const click = HTMLAnchorElement.prototype.click;
		HTMLAnchorElement.prototype.click = function () { window.saved = this.download; };
		window.restore = () => { HTMLAnchorElement.prototype.click = click; return true; };
		document.querySelector("form[action='/setup/key/file'] button").click(); return true; })()`)
	b.until("its name", `window.saved === "postern-root.json" && window.restore()`)
	b.sees("First store the file away.")
	eval[bool](b, `(document.getElementById("file").click(), true)`)
	b.sees("First print the recovery sheet.")
	eval[bool](b, `(document.getElementById("paper").click(), true)`)
	b.button("It is stored away: remove it from this computer")
	b.sees("Who is signing in?")
	b.sees("Dana")
}
