package frontend_test

import (
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/post/dial"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

var update = flag.Bool("update", false, "write testdata anew")

// pages are the screens of a member that a visitor can ask for, by the name of their golden file, with the id of the
// element that is kept in it.
var pages = []struct{ name, path, id string }{
	{"center", "/messages", "panes"},
	{"center-unread", "/messages?show=unread", "convos"},
	{"center-nothing", "/messages?search=zebra", "convos"},
	{"conversation", "/messages/" + id("pressure").String(), "main"},
	{"conversation-waits", "/messages/" + id("treadmill").String(), "main"},
	{"conversation-complete", "/messages/" + id("refill").String(), "main"},
	{"conversation-troubled", "/messages/" + id("troubled").String(), "main"},
	{"conversation-put-off", "/messages/" + id("waiting").String() + "?sent=yes", "main"},
	{"conversation-going-out", "/messages/" + id("sending").String() + "?sent=yes", "main"},
	{"compose", "/drafts/dr_aaaaaaaaaaaaaaaa", "main"},
	{"compose-subject", "/drafts/dr_aaaaaaaaaaaaaaaa?field=subject", "to-shown"},
	{"review", "/drafts/dr_bbbbbbbbbbbbbbbb/review", "main"},
	{"sending", "/sent/dr_cccccccccccccccc", "main"},
	{"waiting", "/sent/dr_dddddddddddddddd", "main"},
	{"to-decide", "/sent/dr_eeeeeeeeeeeeeeee", "main"},
	{"nowhere", "/nowhere", "main"},
}

// everything is a world in which each state of a conversation and of a text is there once.
func everything() *world {
	w := newWorld()
	for i, s := range []view.State{view.StateHanded, view.StateFailed, view.StateOpen, view.StateSending, view.StateWaiting} {
		t := w.row(string(s), lee, care.Text("In the state "+s), s, at(time.November, 10+i, 9, 0))
		t.Items = []view.Item{{Kind: view.ItemMessage, ID: id("item " + string(s)), By: marisol, Own: true, Member: true, At: t.At, State: s, Text: "Text"}}
		t.Awaits = fold.Office
	}
	overdue := w.row("overdue", raman, "Promised for yesterday", view.StateDelivered, at(time.November, 9, 9, 0))
	overdue.Due = at(time.November, 19, 9, 0)
	w.troubled()
	w.drafts["dr_aaaaaaaaaaaaaaaa"] = view.Draft{ID: "dr_aaaaaaaaaaaaaaaa", What: "new", Office: "of_lee", Text: "Half a <b>thought</b>", Saved: w.now}
	w.drafts["dr_bbbbbbbbbbbbbbbb"] = view.Draft{ID: "dr_bbbbbbbbbbbbbbbb", What: "new", Office: "of_raman", Topic: care.TopicResult,
		Subject: "Treadmill", Text: "One.\n\n- two\n- three\n\nFour.\nFive.", Saved: w.now}
	for draft, s := range map[string]view.State{"dr_cccccccccccccccc": view.StateHeld, "dr_dddddddddddddddd": view.StateWaiting, "dr_eeeeeeeeeeeeeeee": view.StateReview} {
		w.held[draft] = view.Held{Draft: draft, What: "message", Office: lee, Patient: patient(), Subject: care.Text("Held " + s), Text: "Text", State: s,
			Why: "It was written more than a day ago.", Written: w.now.Add(-time.Duration(len(s)) * time.Minute)}
	}
	return w
}

// troubled is a conversation with everything in it that needs a word.
func (w *world) troubled() {
	t := w.row("troubled", raman, "<script>alert(1)</script>", view.StateDelivered, at(time.November, 8, 9, 0))
	t.ReadOnly, t.Gaps, t.Awaits = true, 2, fold.Office
	t.Before = &view.Link{Part: id("refill"), Subject: "Refill"}
	t.After = []view.Link{{Part: id("treadmill"), Subject: "Treadmill", At: at(time.November, 9, 9, 0)}}
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("x1"), By: marisol, Own: true, Member: true, At: t.At, State: view.StateDelivered, Received: t.At, Text: "<img src=x onerror=alert(1)>\n- <b>one</b>"},
		{Kind: view.ItemComplete, ID: id("x2"), By: haddad, At: t.At, Text: "Closed.", Undone: true},
		{Kind: view.ItemReopen, ID: id("x3"), By: rosa, At: t.At},
		{Kind: view.ItemMessage, ID: id("x4"), By: marisol, Own: true, Member: true, At: t.At, State: view.StateFailed, Text: "Again",
			Why: "It did not reach Dr. Raman's office. The mail system says: “552 5.2.2 mailbox full”. Call the front desk at 555-010-0101."},
	}
}

var hash = regexp.MustCompile(`/static/[0-9a-f]{12}/`)

// TestPagesAsTheyWere compares what each screen draws with what it drew when somebody last looked.
func TestPagesAsTheyWere(t *testing.T) {
	v := visit(t, handler(everything()))
	v.comeIn()
	for _, p := range pages {
		got := normal(t, v.get(p.path).Body.String(), p.id)
		file := filepath.Join("testdata", p.name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s (go test ./frontend -update writes it):\n%s", p.path, file, firstDifference(got, string(want)))
		}
	}
}

// TestTroubleIsOnTheScreen: whatever keeps Postern from the mail system is said above everything, in the words in which it
// was found: what happened, where the text is, what to do; and how much waits, and whom to call.
func TestTroubleIsOnTheScreen(t *testing.T) {
	at := care.Endpoint{Host: "mail.clinic.example", Port: 993, TLS: care.TLSImplicit}
	expired := x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}, Reason: x509.Expired, Detail: "it is after"}
	full := care.Refusef(care.Full, "There is no room left on this computer's disk, so this could not be saved. What was saved before is safe. Free some space, then try again.")
	for name, c := range map[string]struct {
		phase care.SyncPhase
		err   error
		words []string
	}{
		"an expired certificate": {care.SyncRefused, dial.Explain(at, expired), []string{"expired on " + expired.Cert.NotAfter.Local().Format("January 2, 2006"), dial.Kept, "call the clinic's front desk"}},
		"a refused password":     {care.SyncRefused, dial.WrongPassword(at, nil), []string{"The clinic's gateway refused the password.", dial.Kept, "Call the clinic's front desk"}},
		"no TLS":                 {care.SyncRefused, dial.NoTLS(at), []string{"offers no secured connection", dial.Kept, "Call the clinic's front desk"}},
		"a full disk":            {care.SyncAmiss, full, []string{"no room left", "is safe", "Free some space"}},
		"an unknown host": {care.SyncOffline, dial.Explain(at, &net.DNSError{Name: at.Host, IsNotFound: true}),
			[]string{"You are offline.", "no mail system by the name of mail.clinic.example", dial.Kept, "Check that this computer is connected"}},
		"a refused connection": {care.SyncOffline, dial.Explain(at, syscall.ECONNREFUSED), []string{"You are offline.", "it refuses the connection", dial.Kept, "tries again by itself"}},
	} {
		w := everything()
		w.sync = care.SyncState{Phase: c.phase, Problem: care.SentenceOf(c.err)}
		v := visit(t, handler(w))
		v.comeIn()
		for _, path := range []string{"/messages", "/drafts/dr_aaaaaaaaaaaaaaaa", "/sync"} {
			doc, err := html.Parse(v.get(path).Body)
			if err != nil {
				t.Fatal(err)
			}
			bar := strings.Join(strings.Fields(text(find(doc, "bars"))), " ")
			for _, words := range append(c.words, "Waiting on this computer: 3.", "Front desk: 555-010-0100.") {
				if !strings.Contains(bar, words) {
					t.Errorf("%s: %s does not say %q: %s", name, path, words, bar)
				}
			}
		}
	}
}

// TestAConversationStillArriving: one whose opening has not come says so calmly, where it is listed and where it is read, and
// nothing is written in it or told as read.
func TestAConversationStillArriving(t *testing.T) {
	w := newWorld()
	row := w.row("headless", care.Office{Name: "An office of the clinic"}, "", view.StateReplied, at(time.November, 20, 9, 0))
	row.Gaps = 1
	row.Items = []view.Item{{Kind: view.ItemMessage, ID: id("half"), By: rosa, At: row.At, Text: "Use the cream.", Unread: true}}
	v := visit(t, handler(w))
	v.comeIn()
	list := v.get("/messages")
	v.answers(list, 200, "Still arriving", "The clinic")
	v.lacks(list, "No office chosen yet", "(No subject)")
	got := v.get("/messages/" + id("headless").String())
	v.answers(got, 200, "Part of this conversation has not arrived yet.", "It shows here as soon as it does.", "Use the cream.", "With the clinic")
	v.lacks(got, "replybox", "Save a copy", "data-begins")
	row.Office, row.Subject, row.Gaps = lee, "A rash", 0
	v.answers(v.get("/messages/"+id("headless").String()), 200, "A rash", "Reply to Dr. Lee", "data-begins", "Save a copy")
}

// TestPagesHoldNothingInline: no script, no style, no handler in any page, no id twice, and no text of a person that is
// taken for markup. The policy would stop them; here they are not even written.
func TestPagesHoldNothingInline(t *testing.T) {
	v := visit(t, handler(everything()))
	v.comeIn()
	for _, p := range append(pages, struct{ name, path, id string }{"start", "/", ""}, struct{ name, path, id string }{"notices", "/notices", ""}) {
		doc, err := html.Parse(strings.NewReader(v.get(p.path).Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" || n.Data == "img" || n.Data == "b" && text(n) == "thought" {
				t.Errorf("%s holds <%s>", p.path, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.Contains(a.Val, "javascript:") || strings.HasPrefix(a.Val, "js:") {
					t.Errorf("%s: <%s %s=%q>", p.path, n.Data, a.Key, a.Val)
				}
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("%s: two elements have the id %s", p.path, a.Val)
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
			}
		}
	}
}

// TestTitlesNameNobody: a title ends in the browser's history and in the window list.
func TestTitlesNameNobody(t *testing.T) {
	v := visit(t, handler(everything()))
	v.comeIn()
	for _, p := range pages {
		doc, err := html.Parse(strings.NewReader(v.get(p.path).Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Data == "title" && (strings.Contains(text(n), "Vega") || strings.Contains(text(n), "Refill") || strings.Contains(text(n), "pressure") || !strings.HasSuffix(text(n), " - Postern")) {
				t.Errorf("%s has the title %q", p.path, text(n))
			}
		}
	}
}

// TestASwapGetsWhatItAskedFor: page, panes, list and reader are one drawing, cut to size.
func TestASwapGetsWhatItAskedFor(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.comeIn()
	conversation := "/messages/" + id("refill").String()
	for _, c := range []struct{ path, target, first string }{
		{"/messages", "div#convos", `<div id="convos"`},
		{"/messages", "div#panes", `<div id="panes"`},
		{"/messages", "", `<!doctype html>`},
		{conversation, "div#panes", `<div id="panes"`},
		{conversation, "div#reader-" + id("refill").String(), `<div class="reader"`},
		{conversation, "", `<!doctype html>`},
		{"/sync", "span#sync", `<span id="sync"`},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.target != "" {
			r.Header.Set("HX-Request", "true")
			r.Header.Set("HX-Request-Type", "partial")
			r.Header.Set("HX-Target", c.target)
		}
		if w := v.ask(r); w.Code != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(w.Body.String()), c.first) {
			t.Errorf("%s for %q: %d %.80s", c.path, c.target, w.Code, w.Body)
		}
	}
}

// reviewed is what the review of a draft says was read there.
func (v *visitor) reviewed(draft string) string {
	v.t.Helper()
	_, rest, found := strings.Cut(v.get("/drafts/"+draft+"/review").Body.String(), `name="read" value="`)
	read, _, _ := strings.Cut(rest, `"`)
	if !found || read == "" {
		v.t.Fatalf("the review of %s does not say what was read", draft)
	}
	return read
}

// TestWhatWasReviewedIsSent: a text that was changed meanwhile, in another window, is shown again, and not sent unread.
func TestWhatWasReviewedIsSent(t *testing.T) {
	w := newWorld()
	d := view.Draft{ID: "dr_ffffffffffffffff", What: "new", Office: "of_lee", Subject: "Knee", Text: "It hurts", Saved: w.now}
	w.drafts[d.ID] = d
	v := visit(t, handler(w))
	v.comeIn()
	read := v.reviewed(d.ID)
	d.Text = "It hurts less"
	w.drafts[d.ID] = d
	got := v.post("/drafts/dr_ffffffffffffffff/sending", "what", "new", "read", read)
	if got.Code != http.StatusConflict || w.sends != 0 || !strings.Contains(got.Body.String(), "It hurts less") || !strings.Contains(got.Body.String(), "has changed since") {
		t.Errorf("%d, %d sent\n%s", got.Code, w.sends, got.Body)
	}
	if got = v.post("/drafts/dr_ffffffffffffffff/sending", "what", "new", "read", v.reviewed(d.ID)); w.sends != 1 {
		t.Errorf("%d, %d sent", got.Code, w.sends)
	}
}

func TestSendingTwiceSendsOnce(t *testing.T) {
	w := everything()
	v := visit(t, handler(w))
	v.comeIn()
	read := v.reviewed("dr_bbbbbbbbbbbbbbbb")
	for range 3 {
		got := v.post("/drafts/dr_bbbbbbbbbbbbbbbb/sending", "what", "new", "read", read)
		if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/sent/dr_bbbbbbbbbbbbbbbb" {
			t.Fatalf("%d %v\n%s", got.Code, got.Header(), got.Body)
		}
	}
	if w.sends != 1 {
		t.Errorf("sent %d times", w.sends)
	}
}

// TestWhatIsMissingKeepsWhatIsThere: the same form with the typed text, 422, and the sentence at its field.
func TestWhatIsMissingKeepsWhatIsThere(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	for _, c := range []struct {
		office, subject, text string
		says, field           string
	}{
		{"", "Refill", "Please", "Choose an office to continue.", "to"},
		{"of_lee", " ", "Please", "Add a subject to continue.", "subject"},
		{"of_lee", strings.Repeat("é", 81), "Please", "Shorten the subject by 1 character.", "subject"},
		{"of_lee", "Refill", "\r\n \t", "Write your message to continue.", "text"},
		{"of_lee", "Refill", strings.Repeat("é", 12002), "Shorten the text by 2 characters.", "text"},
	} {
		got := v.post("/drafts/dr_aaaaaaaaaaaaaaaa/review", "what", "new", "office", c.office, "subject", c.subject, "text", c.text, "topic", "renewal")
		doc, err := html.Parse(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		field := find(doc, c.field)
		if got.Code != http.StatusUnprocessableEntity || field == nil || attr(field, "aria-invalid") != "true" || !strings.Contains(text(doc), c.says) {
			t.Errorf("%q: %d, field %v", c.says, got.Code, field)
			continue
		}
		if attr(find(doc, "subject"), "value") != c.subject {
			t.Errorf("%q: the subject is gone", c.says)
		}
		if kept := w.drafts["dr_aaaaaaaaaaaaaaaa"]; kept.Text != care.Text(strings.ReplaceAll(c.text, "\r\n", "\n")) || kept.Topic != care.TopicRenewal {
			t.Errorf("%q: the draft was not kept: %+v", c.says, kept)
		}
	}
}

// TestARefusedMessageStaysADraft shows the command's sentence on the review; nothing typed is lost.
func TestARefusedMessageStaysADraft(t *testing.T) {
	w := newWorld()
	w.drafts["dr_ffffffffffffffff"] = view.Draft{ID: "dr_ffffffffffffffff", What: "new", Office: "of_luis", Subject: "Knee", Text: "It hurts", Saved: w.now}
	v := visit(t, handler(w))
	v.comeIn()
	got := v.post("/drafts/dr_ffffffffffffffff/sending", "what", "new", "read", v.reviewed("dr_ffffffffffffffff"))
	if got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "no current relation") || !strings.Contains(got.Body.String(), "It hurts") {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
}

func TestAnEmptyDraftIsNotKept(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	v.post("/drafts/dr_gggggggggggggggg", "what", "new", "subject", "Refill")
	if len(w.drafts) != 1 {
		t.Fatalf("%d drafts", len(w.drafts))
	}
	v.post("/drafts/dr_gggggggggggggggg", "what", "new", "subject", " ", "text", "\n")
	if len(w.drafts) != 0 {
		t.Errorf("%d drafts", len(w.drafts))
	}
}

// TestOldAddressesLeadOn: a draft's page leads to what the draft became, and a sent text's to the draft it is again.
func TestOldAddressesLeadOn(t *testing.T) {
	w := everything()
	w.became["dr_hhhhhhhhhhhhhhhh"] = seat.Sending{Draft: "dr_hhhhhhhhhhhhhhhh", Part: id("refill")}
	v := visit(t, handler(w))
	v.comeIn()
	for path, want := range map[string]string{
		"/drafts/dr_cccccccccccccccc":        "/sent/dr_cccccccccccccccc",
		"/drafts/dr_hhhhhhhhhhhhhhhh/review": "/messages/" + id("refill").String(),
		"/sent/dr_aaaaaaaaaaaaaaaa":          "/drafts/dr_aaaaaaaaaaaaaaaa",
	} {
		if got := v.get(path); got.Header().Get("Location") != want {
			t.Errorf("%s leads to %q, want %q", path, got.Header().Get("Location"), want)
		}
	}
	if got := v.get("/sent/dr_hhhhhhhhhhhhhhhh"); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "Refill: atorvastatin") {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
	for _, gone := range []string{"/drafts/dr_zzzzzzzzzzzzzzzz", "/sent/dr_zzzzzzzzzzzzzzzz", "/messages/nonsense", "/messages/" + id("nobody").String()} {
		if got := v.get(gone); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", gone, got.Code)
		}
	}
}

func find(doc *html.Node, id string) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && attr(n, "id") == id {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// normal writes the element with that id one node a line, so that a difference names its place. Icons are cut short.
func normal(t *testing.T, page, id string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	n := find(doc, id)
	if n == nil {
		t.Fatalf("no element %s in\n%s", id, page)
	}
	var b strings.Builder
	write(&b, n, 0)
	return hash.ReplaceAllString(b.String(), "/static/HASH/")
}

func write(b *strings.Builder, n *html.Node, depth int) {
	indent := strings.Repeat("  ", depth)
	switch n.Type {
	case html.TextNode:
		if s := strings.Join(strings.Fields(n.Data), " "); s != "" {
			fmt.Fprintf(b, "%s%q\n", indent, s)
		}
		return
	case html.ElementNode:
		b.WriteString(indent + "<" + n.Data)
		for _, a := range n.Attr {
			if n.Data != "svg" || a.Key == "class" {
				fmt.Fprintf(b, " %s=%q", a.Key, a.Val)
			}
		}
		b.WriteString(">\n")
		if n.Data == "svg" {
			return
		}
	}
	for c := range n.ChildNodes() {
		write(b, c, depth+1)
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			old := "(nothing)"
			if i < len(w) {
				old = w[i]
			}
			return fmt.Sprintf("line %d\n  now:    %s\n  before: %s", i+1, g[i], old)
		}
	}
	return fmt.Sprintf("%d lines now, %d before", len(g), len(w))
}
