package inbox_test

import (
	"cmp"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend"
	"postern/frontend/link"
)

// client is a browser without scripts, signed in at a clinic.
type client struct {
	t *testing.T
	*http.Client
	url    string
	ticket string
}

func visit(t *testing.T, c *clinic) *client {
	t.Helper()
	srv := httptest.NewServer(frontend.New(c, frontend.Options{Token: token, Now: func() time.Time { return c.now }}))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &client{t: t, Client: &http.Client{Jar: jar}, url: srv.URL}
	b.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		b.ticket = cmp.Or(next.Response.Header.Get("Postern-Ticket"), b.ticket)
		next.Header.Set("Postern-Ticket", b.ticket)
		return nil
	}
	b.get("/open?token="+token, "")
	b.post("/session", "", url.Values{"profile": {"staff"}, "passphrase": {"demo"}})
	return b
}

// get and post ask as htmx does for the element with the id swap, or as a plain browser where it is empty.
func (b *client) get(path, swap string) (int, string) {
	b.t.Helper()
	return b.ask(http.MethodGet, path, swap, nil)
}

func (b *client) post(path, swap string, form url.Values) (int, string) {
	b.t.Helper()
	return b.ask(http.MethodPost, path, swap, form)
}

func (b *client) ask(method, path, swap string, form url.Values) (int, string) {
	b.t.Helper()
	return b.send(method, path, swap, "application/x-www-form-urlencoded", form.Encode())
}

// file posts one as its bytes.
func (b *client) file(path, swap, content string) (int, string) {
	b.t.Helper()
	return b.send(http.MethodPost, path, swap, "application/octet-stream", content)
}

func (b *client) send(method, path, swap, kind, content string) (int, string) {
	b.t.Helper()
	res, body := b.answer(method, path, swap, kind, content)
	return res.StatusCode, body
}

func (b *client) answer(method, path, swap, kind, content string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", b.url)
	}
	r.Header.Set("Postern-Ticket", b.ticket)
	if swap != "" {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Request-Type", "partial")
		r.Header.Set("HX-Target", "div#"+swap)
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

func wants(t *testing.T, what, html string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(html, w) {
			t.Errorf("%s lacks %q", what, w)
		}
	}
}

func lacks(t *testing.T, what, html string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(html, w) {
			t.Errorf("%s has %q", what, w)
		}
	}
}

func TestPageAndFragmentAreOne(t *testing.T) {
	c := newClinic(rosa)
	b := visit(t, c)
	at := link.Case(string(lee.ID), id("Marisol Vega"))
	code, page := b.get(at, "")
	if code != http.StatusOK {
		t.Fatalf("the page is %d", code)
	}
	wants(t, "the page", page, "<!doctype html>", `id="keys"`, "Blood pressure readings after the new dose", `aria-current="true"`, "<title>Dr. Lee&#39;s office - Postern</title>")
	if strings.Contains(page, "style=") || strings.Contains(page, "onclick") {
		t.Error("the page has inline styles or scripts, which the policy forbids")
	}
	_, desk := b.get(at, "desk")
	title, desk, _ := strings.Cut(desk, "</title>")
	if title != "<title>Dr. Lee&#39;s office - Postern" || !strings.HasPrefix(desk, "<div id=\"desk\"") {
		t.Errorf("the fragment begins %s %.60q", title, desk)
	}
	fresh := func(s string) string { return s[:strings.Index(s, `id="composer"`)] } // a closed composer has no draft yet
	if !strings.Contains(page, fresh(desk)) {
		t.Error("page and fragment draw the desk differently")
	}
	if _, again := b.get(at, "desk"); !strings.HasSuffix(again, desk) {
		t.Error("two refreshes differ with nothing in between")
	}
}

func TestRowsStandInTheOrderOfTheQueue(t *testing.T) {
	b := visit(t, newClinic(rosa))
	_, html := b.get("/inbox", "desk")
	last := -1
	for _, name := range []string{"Aaliyah Brooks", "Theodore Nakamura", "Maximiliana", "Grace", "Nguyễn", "Beatriz"} {
		at := strings.Index(html, ">"+name)
		if at < last {
			t.Errorf("%s stands too early", name)
		}
		last = at
	}
	wants(t, "the list", html, "Urgent</span>", "3h over</span>", "4h left</span>", "6630 1182", `title="Maximiliana Wojciechowska-Featherstone"`)
}

func TestWhatIsNotThere(t *testing.T) {
	b := visit(t, newClinic(rosa))
	for _, path := range []string{"/inbox/nowhere", "/inbox/unassigned/short", link.Case("unassigned", id("nobody"))} {
		if code, _ := b.get(path, ""); code != http.StatusNotFound {
			t.Errorf("%s is %d", path, code)
		}
	}
	if code, html := b.post(link.Act(id("nobody"), "claim"), "pane", nil); code != http.StatusNotFound || !strings.Contains(html, "not on this computer") {
		t.Errorf("a claim of nothing is %d", code)
	}
}

func TestMembersHaveNoDesk(t *testing.T) {
	c := newClinic(rosa)
	c.me = marisol
	b := visit(t, c)
	for _, path := range []string{"/inbox", link.Case("mine", id("Marisol Vega"))} {
		if code, html := b.get(path, ""); code != http.StatusNotFound || strings.Contains(html, "Internal note") {
			t.Errorf("%s is %d for a member", path, code)
		}
	}
	for _, verb := range []string{"claim", "note", "reopen", "flag", "assign", "completion"} {
		if code, _ := b.post(link.Act(id("Marisol Vega"), verb), "pane", url.Values{"text": {"x"}}); code != http.StatusNotFound {
			t.Errorf("%s is %d for a member", verb, code)
		}
	}
}

// TestARefusalKeepsTheForm answers every refusal of a text with the same form, the text in it and the sentence beside it.
func TestARefusalKeepsTheForm(t *testing.T) {
	for kind, code := range map[care.Kind]int{care.Invalid: 422, care.Full: 507, care.Conflict: 409, care.Forbidden: 403} {
		c := newClinic(rosa)
		b := visit(t, c)
		c.fail = care.Refusef(kind, "This computer's disk is full.")
		got, html := b.post(link.Act(id("Marisol Vega"), "reply"), "pane", url.Values{"draft": {"dr_aaaaaaaaaaaaaaaa"}, "what": {"reply"}, "text": {"Half <a> page"}})
		if got != code {
			t.Errorf("%s is %d, want %d", kind, got, code)
		}
		wants(t, "the form", html, `id="composer"`, ">Half &lt;a&gt; page</textarea>", "disk is full.", `aria-invalid="true"`, `aria-describedby="write-error"`, "dr_aaaaaaaaaaaaaaaa")
	}
}

// TestADefectIsSaidAndTheFormLeftAlone: an error that is no refusal gives nothing of itself away.
func TestADefectIsSaidAndTheFormLeftAlone(t *testing.T) {
	c := newClinic(rosa)
	b := visit(t, c)
	c.fail = io.ErrUnexpectedEOF
	for _, verb := range []string{"reply", "note", "completion", "claim", "draft"} {
		code, html := b.post(link.Act(id("Marisol Vega"), verb), "pane", url.Values{"draft": {"dr_aaaaaaaaaaaaaaaa"}, "what": {"reply"}, "text": {"Half a page"}})
		if code != 500 || strings.Contains(html, "EOF") || !strings.Contains(html, `role="alert"`) {
			t.Errorf("%s: %d %s", verb, code, html)
		}
	}
}

// TestATextThatWasSentClosesItsForm: nobody may go on typing into a draft that is gone.
func TestATextThatWasSentClosesItsForm(t *testing.T) {
	c := newClinic(rosa)
	b := visit(t, c)
	part := id("Grace Oyelaran")
	form := url.Values{"draft": {"dr_aaaaaaaaaaaaaaaa"}, "what": {"reply"}, "text": {"Yes."}}
	b.post(link.Act(part, "reply"), "pane", form)
	_, html := b.get(link.Case("unassigned", part)+"?what=reply&draft=dr_aaaaaaaaaaaaaaaa", "desk")
	if strings.Contains(html, "<textarea") || !strings.Contains(html, "Sending…") {
		t.Error("the form of a sent text stands open")
	}
	if code, body := b.post(link.Act(part, "draft"), "saved", form); code != http.StatusNoContent {
		t.Errorf("saving a sent text is %d %s", code, body)
	}
	if c.sends != 1 || len(c.drafts) != 0 {
		t.Errorf("%d sends, %d drafts", c.sends, len(c.drafts))
	}
}

// TestSendingAgain: what did not reach the member has a button for whoever wrote it, and waits once it was pressed.
func TestSendingAgain(t *testing.T) {
	c := newClinic(rosa)
	c.everything()
	b := visit(t, c)
	henrik := c.named("Henrik Lindqvist")
	part := henrik.Part
	there := link.Case(string(lee.ID), part)
	_, html := b.get(there, "")
	wants(t, "the failed reply", html, "It did not reach the member.", "552 mailbox full", `hx-post="`+link.Act(part, "resend"), "Send again")
	waits := strings.Count(html, "It is sent by itself.")
	code, html := b.post(link.Act(part, "resend"), "pane", nil)
	if code != http.StatusOK || strings.Count(html, "It is sent by itself.") != waits+1 {
		t.Errorf("sending again is %d:\n%s", code, html)
	}
	lacks(t, "the reply that waits", html, "Send again", "552 mailbox full")
	if code, html := b.post(link.Act(part, "resend"), "pane", nil); code != http.StatusNotFound || !strings.Contains(html, "Nothing here waits to be sent again.") {
		t.Errorf("sending again what waits is %d:\n%s", code, html)
	}

	for i := range henrik.Items {
		if it := &henrik.Items[i]; it.ID == id("h2") {
			it.Own, it.State = false, view.StateFailed
		}
	}
	_, html = b.get(there, "")
	lacks(t, "a colleague's failed reply", html, "Send again")
}

// TestDraftsOfReplyAndNoteAreKeptApart also shows that an emptied field leaves no draft.
func TestDraftsOfReplyAndNoteAreKeptApart(t *testing.T) {
	c := newClinic(rosa)
	b := visit(t, c)
	part := id("Grace Oyelaran")
	b.post(link.Act(part, "draft"), "saved", url.Values{"draft": {"dr_aaaaaaaaaaaaaaaa"}, "what": {"reply"}, "text": {"For Grace\r\nonly"}})
	b.post(link.Act(part, "draft"), "saved", url.Values{"draft": {"dr_bbbbbbbbbbbbbbbb"}, "what": {"note"}, "text": {"For us"}})
	_, html := b.get(link.Case("unassigned", part), "desk")
	wants(t, "the reply", html, ">For Grace\nonly</textarea>", `aria-label="Reply"`)
	if strings.Contains(html, "For us") {
		t.Error("the note's draft shows in the reply")
	}
	_, html = b.get(link.Case("unassigned", part)+"?write=note", "desk")
	wants(t, "the note", html, ">For us</textarea>", `aria-label="Internal note"`, "composer is-note")
	_, html = b.post(link.Act(part, "draft")+"?write=none", "pane", url.Values{"draft": {"dr_bbbbbbbbbbbbbbbb"}, "what": {"note"}, "text": {" "}})
	wants(t, "the closed composer", html, "An unsent reply")
	if d := c.drafts["dr_aaaaaaaaaaaaaaaa"]; d.Text != "For Grace\nonly" || d.What != "reply" || d.Part != part || len(c.drafts) != 1 {
		t.Errorf("drafts: %+v", c.drafts)
	}
}

func TestLongListsAreDrawnInSteps(t *testing.T) {
	c := newClinic(rosa)
	for range 450 {
		c.open(sample{name: "One of many", subject: "Many", left: 18 * time.Hour})
	}
	b := visit(t, c)
	_, html := b.get("/inbox", "desk")
	wants(t, "the list", html, "Show 200 more", ">458<")
	if n := strings.Count(html, "data-row"); n != 201 { // one is data-rows
		t.Errorf("%d rows are drawn", n)
	}
	_, html = b.get("/inbox?rows=400", "desk")
	wants(t, "the longer list", html, "Show 58 more", `name="rows" value="400"`)
	_, html = b.get("/inbox?rows=600", "desk")
	lacks(t, "the whole list", html, "Show ", "are listed")
}

// TestWhatIsNotListedIsTold: the count is the queue's, not that of what is drawn, and a list that ends early says so.
func TestWhatIsNotListedIsTold(t *testing.T) {
	c := newClinic(rosa)
	for range view.MaxRows + 92 {
		c.open(sample{name: "One of many", subject: "Many", left: 18 * time.Hour})
	}
	b := visit(t, c)
	_, html := b.get("/inbox", "desk")
	wants(t, "the list", html, ">600</span>", "Show 200 more")
	lacks(t, "the list", html, "are listed")
	_, html = b.get("/inbox?rows=600", "desk")
	wants(t, "its end", html, ">600</span>", "The first 500 of 600 are listed. Search finds the others.")
	lacks(t, "its end", html, "Show ")
	_, html = b.get("/inbox?search=many", "desk")
	wants(t, "what was found", html, "Found <span class=\"faint num\">100</span>", "The newest 100 are listed. Add a word to find fewer.")
	_, html = b.get("/inbox?search=++", "desk")
	wants(t, "a search for nothing", html, "Unassigned <span class=\"faint num\">600</span>")
}

// TestSearchSaysWhereItLooked: it looks in all conversations, so it says so, and each row says where it stands.
func TestSearchSaysWhereItLooked(t *testing.T) {
	c := newClinic(rosa)
	for name, change := range map[string]func(*view.Thread){
		"Aaliyah Brooks":    func(t *view.Thread) { t.Open, t.Awaits = false, fold.Nobody },
		"Theodore Nakamura": func(t *view.Thread) { t.Awaits = fold.Member },
		"Grace Oyelaran":    func(t *view.Thread) { t.Owner, t.Mine = rosa, true },
		"Henrik Lindqvist":  func(t *view.Thread) { t.State = view.StateFailed },
	} {
		c.named(name).Subject = "Refill"
		change(c.named(name))
	}
	c.named("Dmitri Volkov").Subject = "Refill"
	b := visit(t, c)
	_, html := b.get("/inbox/overdue?search=refill", "desk")
	wants(t, "what was found", html, "Found <span class=\"faint num\">5</span>", "Search all conversations", "<title>Found - Postern</title>")
	for name, words := range map[string][]string{
		"Aaliyah Brooks": {"Completed"}, "Theodore Nakamura": {"Awaiting member"}, "Grace Oyelaran": {"Assigned to you"},
		"Dmitri Volkov": {"Assigned to Priya Nair, RN"}, "Henrik Lindqvist": {"Not delivered.", "Unassigned"},
	} {
		wants(t, name, rowIn(t, html, name), words...)
	}
	lacks(t, "what was found", html, "Search in")
	_, html = b.get("/inbox", "desk")
	lacks(t, "a row of a queue", rowIn(t, html, "Beatriz Albuquerque"), "class=\"state")
}

// TestWhatWantsAPersonIsMarked: a failed letter, a text set aside, one that waits and a reply that was not read are marked
// in every list, and those for which somebody must do something stand in a queue of their own, counted in the rail.
func TestWhatWantsAPersonIsMarked(t *testing.T) {
	c := newClinic(rosa)
	states := map[string]string{"Aaliyah Brooks": "Not delivered. Open it to see what to do", "Grace Oyelaran": "Not sent: it waits for your decision",
		"Henrik Lindqvist": "Not read within two business days", "Samuel Okonkwo": "Waiting to send"}
	c.named("Aaliyah Brooks").State = view.StateFailed
	c.named("Grace Oyelaran").State = view.StateReview
	c.named("Henrik Lindqvist").Unseen = true
	c.named("Samuel Okonkwo").State = view.StateWaiting
	b := visit(t, c)
	_, html := b.get("/inbox", "desk")
	for name, words := range states {
		wants(t, name, rowIn(t, html, name), words)
	}
	lacks(t, "a row in order", rowIn(t, html, "Beatriz Albuquerque"), "class=\"state")
	wants(t, "the rail", html, `href="/inbox/unreached"`, `<span class="ct hot">3</span>`)
	_, html = b.get("/inbox/unreached", "desk")
	wants(t, "the queue", html, "Not reached <span class=\"faint num\">3</span>", "Longest ago first", "Aaliyah Brooks", "Grace Oyelaran", "Henrik Lindqvist")
	lacks(t, "the queue", html, "Samuel Okonkwo")
}

// rowIn is the row of a person in a list.
func rowIn(t *testing.T, html, name string) string {
	t.Helper()
	for _, row := range strings.Split(html, `<div role="listitem"`) {
		if row, _, _ = strings.Cut(row, "</a>"); strings.Contains(row, ">"+name+"<") {
			return row
		}
	}
	t.Errorf("%s is not in the list", name)
	return ""
}

func TestEmptyListsSayWhatToDo(t *testing.T) {
	c := newClinic(rosa)
	b := visit(t, c)
	for queue, words := range map[string][]string{
		"member": {"No member is awaited.", "Go to Unassigned"}, "completed": {"Nothing is completed yet."}, "of_ramanramanrama2": {"All caught up."},
		"unassigned?search=zebra": {"Nothing found.", "in all conversations, completed ones too."}, "unreached": {"Everybody was reached."},
	} {
		_, html := b.get("/inbox/"+queue, "desk")
		wants(t, queue, html, words...)
	}
	for _, th := range c.threads {
		th.Owner, th.Mine = rosa, true
	}
	_, html := b.get("/inbox", "desk")
	wants(t, "unassigned", html, "All caught up.", "Nobody is waiting for a first reply.", "Go to Assigned to me", ">10</span>")
}
