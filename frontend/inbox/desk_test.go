package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/backend/record/view"
)

// TestArrivalsKeepWhatIsTyped draws the desk again under somebody who writes: text, caret, focus, scroll and an opened
// fold stay, and what arrived is there.
func TestArrivalsKeepWhatIsTyped(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.look("postern", "", 1280, 700)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("half a sent"))
	eval[bool](b, `(() => { document.activeElement.setSelectionRange(4, 4); document.querySelector(".thread").scrollTop = 20;
		document.querySelector("[data-rows]").scrollTop = 33; document.querySelector("details.older").open = true; return true })()`)
	b.writes("Marisol Vega", "One more thing: which pharmacy?")
	b.sees("which pharmacy?")
	got := eval[string](b, `[document.activeElement.value, document.activeElement.selectionStart, document.querySelector("[data-rows]").scrollTop,
		document.querySelector("details.older").open].join("|")`)
	if got != "half a sent|4|33|true" {
		t.Errorf("after an arrival: %s", got)
	}
	b.do(chromedp.KeyEvent("X"))
	b.until("the saved draft", `document.querySelector("#saved")?.innerText.includes("Draft saved")`)
	b.writes("Marisol Vega", "And when?")
	b.sees("And when?")
	if got := eval[string](b, `document.activeElement.value`); got != "halfX a sent" {
		t.Errorf("after saving and a second arrival: %q", got)
	}
}

func TestOpeningReads(t *testing.T) {
	b := open(t, newClinic(rosa))
	b.row("Grace Oyelaran")
	b.until("the row to lose its dot", `[...document.querySelectorAll("[data-row]")].some((e) => e.textContent.includes("Grace") && !e.classList.contains("unread"))`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reads != 1 {
		t.Errorf("it was reported as read %d times", b.reads)
	}
}

// TestKeysOnly does a morning's work without a mouse.
func TestKeysOnly(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.press("j")
	b.until("focus on the first row", `document.activeElement.matches("[data-row]") && document.activeElement.textContent.includes("Aaliyah")`)
	b.press("j")
	b.press("k")
	b.press("\r")
	b.until("the conversation", `document.activeElement.matches(".wh h1") && document.activeElement.textContent.includes("Rash")`)
	b.press("c")
	b.until("the claim", `[...document.querySelectorAll(".tools button")].some((e) => e.textContent.includes("Unclaim"))`)
	b.press("f")
	b.sees("Flagged as urgent, so it stands on top")
	b.press("\x1b")
	b.press("n")
	b.until("the note field", `document.activeElement.getAttribute("aria-label") === "Internal note"`)
	b.do(chromedp.KeyEvent("c u j k: letters in a field are letters"))
	b.press("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.until("the note", `!!document.querySelector(".msg.note") && !document.querySelector("#composer form")`)
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("Stop the tablets and call us."))
	b.press("\x1b")
	b.until("the closed composer with its draft", `document.querySelector("#composer").innerText.includes("An unsent reply") && document.activeElement.dataset.key === "r"`)
	b.press("r")
	b.until("the draft", `document.activeElement.value === "Stop the tablets and call us."`)
	b.press("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.until("the held reply in focus", `document.activeElement.matches(".msg.held") && document.activeElement.innerText.includes("Sending…")`)
	b.button("Send now")
	b.until("it sent", `!document.querySelector(".msg.held")`)
	b.press("u")
	b.until("the unclaim", `[...document.querySelectorAll(".tools button")].some((e) => e.textContent.includes("Claim") && !e.textContent.includes("Unclaim"))`)
	b.press("e")
	b.until("the closing line", `document.activeElement.getAttribute("aria-label") === "Closing line"`)
	b.do(chromedp.KeyEvent("All done."))
	b.press("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.sees("Sending…")
	b.button("Send now")
	b.sees("The member has no reply button.")
	b.press("E", chromedp.KeyModifiers(chromedp.ModifierShift))
	b.until("it to be open again", `!!document.querySelector("#composer [data-key=r]")`)
	b.press("go")
	b.until("the overdue queue", `document.querySelector(".list").innerText.includes("Overdue")`)
	b.press("gm")
	b.until("my queue", `document.querySelector(".list").innerText.includes("Assigned to me") && document.title === "Assigned to me - Postern"`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sends != 2 {
		t.Errorf("%d texts went out, not 2", b.sends)
	}
}

// TestSingleKeysCanBeTurnedOff is WCAG 2.1.4.
func TestSingleKeysCanBeTurnedOff(t *testing.T) {
	b := open(t, newClinic(rosa))
	b.row("Grace Oyelaran")
	b.button("Keyboard")
	b.until("the switch", `document.querySelector("#keys").open && document.querySelector("[data-keys-switch]").checked`)
	eval[bool](b, `(() => { document.querySelector("[data-keys-switch]").click(); return true })()`)
	b.press("\x1b")
	b.until("the closed help", `!document.querySelector("#keys").open`)
	b.press("c")
	b.press("r")
	if eval[bool](b, `!!document.querySelector("#composer form")`) {
		t.Error("a single key still works")
	}
	if kept := eval[string](b, `localStorage.getItem("postern.keys")`); kept != "off" {
		t.Errorf("the choice is kept as %q", kept)
	}
	b.button("Keyboard")
	b.until("the switch", `document.querySelector("#keys").open && !document.querySelector("[data-keys-switch]").checked`)
	eval[bool](b, `(() => { document.querySelector("[data-keys-switch]").click(); return true })()`)
	b.press("\x1b")
	b.until("the closed help", `!document.querySelector("#keys").open`)
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	if b.named("Grace Oyelaran").Mine {
		t.Error("it was claimed by a single key")
	}
}

func TestPatientPanelOnKeyP(t *testing.T) {
	b := open(t, newClinic(rosa))
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	shown := `document.querySelector("#patient").checkVisibility()`
	b.press("p")
	b.until("the hidden panel", "!"+shown)
	b.press("p")
	b.until("the panel", shown)
	b.look("postern", "", 1024, 700)
	eval[bool](b, `(() => { delete document.documentElement.dataset.panel; return true })()`)
	if eval[bool](b, shown) {
		t.Error("at 1024 px the panel shows before it is asked for")
	}
	b.press("p")
	b.until("the panel over the conversation", shown+` && document.activeElement.id === "patient"`)
	b.shoot("panel-1024")
	b.press("p")
	b.until("the hidden panel", "!"+shown)
	b.look("postern", "200", 1280, 800)
	b.button("Patient")
	b.until("the panel over everything", shown)
	b.shoot("panel-zoom200")
	b.button("Close the patient panel")
	b.until("the hidden panel", "!"+shown)
}

// TestAClaimThatComesTooLate tells the loser who was first, and shows the conversation as it is now.
func TestAClaimThatComesTooLate(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.expected = append(b.expected, "409")
	b.row("Grace Oyelaran")
	c.mu.Lock()
	c.named("Grace Oyelaran").Owner = priya // nobody was told yet
	c.mu.Unlock()
	b.button("Claim")
	b.sees("Priya claimed it first.")
	b.until("the new owner", `document.querySelector(".wh-facts").innerText.includes("Priya Nair, RN")`)
	if c.named("Grace Oyelaran").Mine {
		t.Error("the claim went through all the same")
	}
	b.button("Claim") // who sees that Priya has it may take it over
	b.until("the take-over", `document.querySelector(".wh-facts").innerText.includes("You")`)
}

func TestADoubleClickSendsOnce(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.row("Grace Oyelaran")
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("Yes, by phone."))
	eval[bool](b, `(() => { const e = document.querySelector("[data-send]"); e.click(); e.click(); return true })()`)
	b.until("the held reply", `document.querySelectorAll(".msg.held").length === 1 && !document.querySelector("#composer form")`)
	b.button("Undo")
	b.until("the text again", `document.activeElement.value === "Yes, by phone."`)
	b.button("Send and complete")
	b.until("the held closing line", `document.querySelectorAll(".msg.held").length === 1 && document.querySelector(".msg.held").innerText.includes("Closing line")`)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sends != 2 {
		t.Errorf("%d texts went into their hold, not 2", c.sends)
	}
}

// TestWhatIsSentWaitsItsTurn: a reply that is sent while the desk is being drawn stands behind that drawing in the queue of
// requests. Neither a further drawing nor a click on another conversation throws it out.
func TestWhatIsSentWaitsItsTurn(t *testing.T) {
	const drawing = `htmx.trigger(document.body, "postern:changed")`
	for name, then := range map[string]string{
		"another drawing":      drawing,
		"another conversation": `document.querySelector("[data-row]:not([aria-current=true])").click()`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(rosa)
			b := open(t, c)
			b.row("Grace Oyelaran")
			b.press("r")
			b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
			b.do(chromedp.KeyEvent("Yes, by phone."))
			b.until("the saved draft", `document.querySelector("#saved")?.innerText.includes("Draft saved")`)
			gate := make(chan struct{})
			c.slow(gate)
			eval[bool](b, `(() => { `+drawing+`; document.querySelector("[data-send]").click(); `+then+`; return true })()`)
			c.slow(nil)
			close(gate)
			deadline := time.Now().Add(patience)
			for {
				c.mu.Lock()
				sends := c.sends
				c.mu.Unlock()
				if sends == 1 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d texts went into their hold, not 1", sends)
				}
				eval[bool](b, `true`) // the page goes on meanwhile
			}
		})
	}
}

// TestARefusedTextStays keeps the form, the text and the focus when a text is refused.
func TestARefusedTextStays(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.expected = append(b.expected, "422")
	b.row("Grace Oyelaran")
	b.press("n")
	b.until("the note field", `document.activeElement.getAttribute("aria-label") === "Internal note"`)
	b.do(chromedp.KeyEvent("  "))
	b.button("Save note")
	b.until("the refusal", `document.activeElement.getAttribute("aria-invalid") === "true" && document.querySelector("#write-error").innerText.includes("Write the note.")`)
	if got := eval[string](b, `document.activeElement.value`); got != "  " {
		t.Errorf("the text became %q", got)
	}
	b.writes("Grace Oyelaran", "Or Tuesday?") // a refresh keeps the refused form
	b.sees("Or Tuesday?")
	if !eval[bool](b, `document.activeElement.value === "  "`) {
		t.Error("a refresh took the form away")
	}
}

// TestClosedUnderTheWriter: a colleague completes the conversation between two words. What was saved of the reply shows,
// and so does what came after.
func TestClosedUnderTheWriter(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.row("Grace Oyelaran")
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("Yes, by phone."))
	b.until("the saved draft", `document.querySelector("#saved")?.innerText.includes("Draft saved")`)
	b.do(chromedp.KeyEvent(" Call us"))
	b.completes("Grace Oyelaran")
	b.sees("You had begun a reply. It was not sent.")
	b.sees("Yes, by phone. Call us")
	b.until("no form", `!document.querySelector("#composer form")`)
	if got := c.written(); len(got) != 1 || got[0] != "Yes, by phone. Call us" {
		t.Errorf("kept %q", got)
	}
	b.accessible("unsent")
}

// TestARefusalStaysUntilTheTextIsChanged, though saving the text draws the desk again.
func TestARefusalStaysUntilTheTextIsChanged(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.expected = append(b.expected, "422")
	b.row("Aaliyah Brooks")
	b.press("e")
	b.sees("Then the reply button goes away")
	b.button("Complete")
	b.sees("Write a closing line")
	_ = c.change(func() error { c.named("Theodore Nakamura").Subject = "Are you there?"; return nil })
	b.until("the desk drawn again", `document.body.innerText.includes("Are you there?")`)
	b.sees("Write a closing line")
	b.until("the field in focus", `document.activeElement.name === "text"`)
	b.press("G")
	b.until("the refusal gone", `!document.body.innerText.includes("Write a closing line")`)
}

// TestLockSavesFirst presses Ctrl L in the middle of a word.
func TestLockSavesFirst(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.row("Grace Oyelaran")
	b.press("n")
	b.until("the note field", `document.activeElement.getAttribute("aria-label") === "Internal note"`)
	b.do(chromedp.KeyEvent("She cannot come bef"))
	b.expected = append(b.expected, "401") // a drawing that is under way as the screen locks
	b.press("l", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.sees("Locked. Unlock to read and write.")
	if got := c.written(); len(got) != 1 || got[0] != "She cannot come bef" {
		t.Errorf("kept %q", got)
	}
}

// TestANewArrivalFollowsTheReader keeps the newest message in view for who reads it, and nobody else.
func TestANewArrivalFollowsTheReader(t *testing.T) {
	c := newClinic(rosa)
	c.named("Marisol Vega").Items[3].Text += "\n\nMore.\n\nAnd more.\n\nAnd more.\n\nAnd more.\n\nAnd more."
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.until("the end of the conversation", atEnd)
	b.writes("Marisol Vega", "Newest.")
	b.sees("Newest.")
	b.until("the end again", atEnd)
	eval[bool](b, `(() => { document.querySelector(".thread").scrollTop = 0; return true })()`)
	b.writes("Marisol Vega", "Newer still.")
	b.sees("Newer still.")
	if eval[bool](b, atEnd) {
		t.Error("who reads further up was moved")
	}
}

const atEnd = `(() => { const t = document.querySelector(".thread"); return t.scrollTop > 0 && t.scrollHeight - t.scrollTop - t.clientHeight < 3 })()`

// TestSearchLeavesNoTrace finds as one types, keeps the conversation open, and never shows what was searched for in the address.
func TestSearchLeavesNoTrace(t *testing.T) {
	b := open(t, newClinic(rosa))
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.press("/")
	b.until("the search field", `document.activeElement.id === "search"`)
	b.do(chromedp.KeyEvent("thyroid"))
	b.until("one row", `document.querySelectorAll("[data-row]").length === 1`)
	b.sees("Fine to split")
	b.writes("Marisol Vega", "Something new.")
	b.sees("Something new.")
	if got := eval[string](b, `document.querySelectorAll("[data-row]").length + document.activeElement.id + document.activeElement.value`); got != "1searchthyroid" {
		t.Errorf("after an arrival: %s", got)
	}
	b.row("Nguyễn Thị Minh Anh")
	b.until("the found conversation", `document.querySelector(".wh h1").textContent.includes("Thyroid") && document.querySelectorAll("[data-row]").length === 1`)
	if url := eval[string](b, `location.href`); strings.Contains(url, "thyroid") {
		t.Errorf("the address shows the search: %s", url)
	}
	b.button("Close the search")
	b.until("the whole list", `document.querySelectorAll("[data-row]").length === 10`)
}

// TestAssigning shows who is out and why, and assigns by keys.
func TestAssigning(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.row("Grace Oyelaran")
	b.press("a")
	b.until("the list of colleagues", `document.activeElement.matches("#assign .pi") && document.activeElement.textContent.includes("Rosa")`)
	b.do(chromedp.Click("#assign .pi[aria-disabled]"))
	b.do(chromedp.KeyEvent(kb.ArrowDown)) // arrow down
	b.press("\x1b")
	b.until("the closed list", `!document.querySelector("#assign").matches(":popover-open")`)
	b.press("a")
	b.until("the list again", `document.activeElement.matches("#assign .pi")`)
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	b.until("the next colleague", `document.activeElement.textContent.includes("Priya")`)
	b.press("\r")
	b.until("the new owner", `document.querySelector(".wh-facts").innerText.includes("Priya Nair, RN") && !document.querySelector("#assign").matches(":popover-open")`)
}

// TestHistory goes back and forward through conversations.
func TestHistory(t *testing.T) {
	b := open(t, newClinic(rosa))
	b.row("Grace Oyelaran")
	b.row("Henrik Lindqvist")
	b.until("the second", `document.querySelector(".wh h1").textContent.includes("levothyroxine")`)
	eval[bool](b, `(() => { history.back(); return true })()`)
	b.until("the first again", `document.querySelector(".wh h1")?.textContent.includes("follow-up")`)
	b.press("r")
	b.until("the reply field", `document.activeElement.getAttribute("aria-label") === "Reply"`)
}

func TestFoldedItemsAreOneClickAway(t *testing.T) {
	c := newClinic(rosa)
	m := c.named("Marisol Vega")
	for i := range 6 {
		first := m.Items[0]
		first.ID = id(fmt.Sprint("older", i))
		m.Items = append([]view.Item{first}, m.Items...)
	}
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.button("Show 7 earlier messages, Nov 18")
	b.until("all of them", `[...document.querySelectorAll(".msg")].filter((e) => e.checkVisibility()).length === 10`)
}
