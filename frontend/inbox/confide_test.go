package inbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestConfide leaves proxies out of a conversation: it says first what that means, and afterwards that it is so.
func TestConfide(t *testing.T) {
	c := newClinic(rosa)
	th := c.named("Marisol Vega")
	th.Confides = true
	b := visit(t, c)
	_, page := b.get("/inbox/unassigned/"+th.Part.String(), "")
	for _, words := range []string{"Only the patient reads this from here on.", "can still read what was sent before", "This cannot be undone."} {
		if !strings.Contains(page, words) {
			t.Errorf("the pane lacks %q: %.300s", words, page)
		}
	}
	code, pane := b.post("/cases/"+th.Part.String()+"/confide?queue=unassigned", "pane", url.Values{})
	if code != http.StatusOK || !th.Private || !strings.Contains(pane, "Proxies keep what was sent to them before.") || strings.Contains(pane, "This cannot be undone.") {
		t.Errorf("after it: %d, private %v", code, th.Private)
	}
}
