package inbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/frontend/picturetest"
)

var sam = care.Person{ID: "ps_sam", Name: "Sam Ortiz", Shown: "Sam Ortiz", Short: "Sam", Initials: "SO", Role: care.RoleSupport}

// TestSupportStaff: who is no clinician finds no Reply and no Complete in a clinical conversation, and reads why; a form
// that is asked for all the same does not open.
func TestSupportStaff(t *testing.T) {
	c := newClinic(sam)
	th := c.named("Marisol Vega")
	b := visit(t, c)
	_, page := b.get("/inbox/unassigned/"+th.Part.String(), "")
	const why = "This is a clinical question, which a clinician answers. Leave a note, or assign it to one."
	if !strings.Contains(page, why) || strings.Contains(page, `data-key="r"`) || strings.Contains(page, `data-key="e"`) || !strings.Contains(page, `data-key="n"`) {
		t.Errorf("a clinical conversation:\n%.3000s", page)
	}
	for _, mode := range []string{"reply", "closing"} {
		if _, page := b.get("/inbox/unassigned/"+th.Part.String()+"?write="+mode, ""); strings.Contains(page, "Send reply") || !strings.Contains(page, why) {
			t.Errorf("the form %s opens", mode)
		}
	}
	th.Topic = care.TopicAppointment
	if _, page := b.get("/inbox/unassigned/"+th.Part.String(), ""); strings.Contains(page, why) || !strings.Contains(page, `data-key="r"`) || !strings.Contains(page, `data-key="e"`) {
		t.Error("an administrative conversation")
	}
	if code, _ := b.post("/cases/"+th.Part.String()+"/claim?queue=unassigned", "pane", url.Values{"seen": {string(th.Owner.ID)}}); code != http.StatusOK {
		t.Errorf("a claim: %d", code)
	}
}

// TestKeysOfSupportStaff: the foot names the keys of answering where they may answer, and the others everywhere.
func TestKeysOfSupportStaff(t *testing.T) {
	const foot = `[...document.querySelectorAll(".statusbar .keys .row")].filter((k) => k.checkVisibility()).map((k) => k.lastChild.textContent.trim()).join(", ")`
	const clinical, all = "next, previous, claim, note, all keys", "next, previous, claim, reply, note, complete, all keys"
	c := newClinic(sam)
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.sees("a clinician answers")
	if keys := eval[string](b, foot); keys != clinical {
		t.Errorf("a clinical conversation: %s", keys)
	}
	b.row("Grace Oyelaran")
	b.sees("I start a new job on Monday")
	if keys := eval[string](b, foot); keys != all {
		t.Errorf("an administrative one: %s", keys)
	}
	b.row("Marisol Vega")
	b.sees("a clinician answers")
	c.change(func() error { c.named("Marisol Vega").Open = false; return nil })
	b.sees("Reopen")
	if keys := eval[string](b, foot); keys != clinical {
		t.Errorf("a clinical one that is completed: %s", keys)
	}
	b = open(t, newClinic(rosa))
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.sees("Fine to split")
	if keys := eval[string](b, foot); keys != all {
		t.Errorf("a nurse, in a clinical conversation: %s", keys)
	}
}

// TestSupportPictures compares what support staff see.
func TestSupportPictures(t *testing.T) {
	c := newClinic(sam)
	c.named("Marisol Vega").Overstepped = []care.Person{{Shown: "Maximiliana Wojciechowska-Brandt"}}
	b := open(t, c)
	a := picturetest.Open(t, b.ctx, "testdata/support", *update)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.sees("a clinician answers")
	a.Take("clinical", picturetest.Light, picturetest.Dark, picturetest.Small, picturetest.Large)
}
