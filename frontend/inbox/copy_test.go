package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/backend/record/view"
	"postern/frontend/link"
)

// TestTheCareTeamsCopy is for the other side's eyes as well: nothing that is internal is in it.
func TestTheCareTeamsCopy(t *testing.T) {
	c := newClinic(rosa)
	part := id("Marisol Vega")
	th := c.named("Marisol Vega")
	th.Flagged, th.FlagReason = true, "Call first"
	c.drafts["dr_aaaaaaaaaaaaaaaa"] = view.Draft{ID: "dr_aaaaaaaaaaaaaaaa", What: "note", Part: part, Text: "A draft of a note"}
	c.held["dr_bbbbbbbbbbbbbbbb"] = view.Held{Draft: "dr_bbbbbbbbbbbbbbbb", What: "reply", Part: part, Text: "A held reply", State: view.StateHeld}
	b := visit(t, c)
	code, file := b.post(link.Act(part, "copy"), "toast", url.Values{})
	if code != http.StatusOK {
		t.Fatalf("%d\n%s", code, file)
	}
	wants(t, "the copy", file, "<!doctype html>", "Alder Creek Clinic", "Marisol Vega", "4821 0739", "Mar 4, 1980", "118/74 today",
		"Read by the member Thu Nov 19, 2026, 6:10 pm CST.", "by Rosa Delgado, RN with Postern", "Internal notes are not part of this copy.",
		"Anyone who can open this file can read it.")
	lacks(t, "the copy", file, "Fine to split", "A draft of a note", "A held reply", "Call first", "555-010-0177")

	for _, path := range []string{link.Act(id("nobody"), "copy"), "/cases/short/copy", link.Copy(part)} {
		if code, body := b.post(path, "toast", url.Values{}); code != http.StatusNotFound {
			t.Errorf("%s is %d\n%s", path, code, body)
		}
	}
}

// TestSavingByKey: Ctrl S saves the conversation on the screen, also from within a reply, which stays as it is.
func TestSavingByKey(t *testing.T) {
	c := newClinic(rosa)
	b := open(t, c)
	b.row("Grace Oyelaran")
	eval[bool](b, `(window.kept = [], HTMLAnchorElement.prototype.click = function () { kept.push(this.download) }, true)`)
	save := func(n int) {
		t.Helper()
		b.press("s", chromedp.KeyModifiers(chromedp.ModifierCtrl))
		b.until("a file", fmt.Sprintf(`kept.length === %d && kept.at(-1) === "Conversation 2026-11-20.html"`, n))
	}
	save(1)
	b.press("r")
	b.until("the reply", `document.activeElement.getAttribute("aria-label") === "Reply"`)
	b.do(chromedp.KeyEvent("Half a"))
	save(2)
	b.until("the reply as it was", `document.activeElement.value === "Half a"`)
}
