package frontend_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/backend/care"
	"postern/frontend"
	"postern/frontend/seat"
)

// visitor is a browser without a screen: it keeps cookies and sends what browsers send.
type visitor struct {
	t      *testing.T
	h      http.Handler
	jar    http.CookieJar
	ticket string
}

func visit(t *testing.T, h http.Handler) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, h: h, jar: jar}
}

var here = &url.URL{Scheme: "http", Host: "127.0.0.1:8421"}

func (v *visitor) ask(r *http.Request) *httptest.ResponseRecorder {
	v.t.Helper()
	if r.Host == "example.com" {
		r.Host = here.Host
	}
	for _, c := range v.jar.Cookies(here) {
		r.AddCookie(c)
	}
	if v.ticket != "" {
		r.Header.Set("Postern-Ticket", v.ticket)
	}
	w := httptest.NewRecorder()
	v.h.ServeHTTP(w, r)
	v.jar.SetCookies(here, w.Result().Cookies())
	v.ticket = cmp.Or(w.Header().Get("Postern-Ticket"), v.ticket)
	return w
}

func (v *visitor) get(path string) *httptest.ResponseRecorder {
	return v.ask(httptest.NewRequest(http.MethodGet, path, nil))
}

func form(path string, pairs ...string) *http.Request {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "http://127.0.0.1:8421")
	return r
}

func (v *visitor) post(path string, pairs ...string) *httptest.ResponseRecorder {
	return v.ask(form(path, pairs...))
}

// comeIn goes through the link and signs in.
func (v *visitor) comeIn() {
	v.t.Helper()
	v.get("/open?token=" + token)
	if w := v.post("/session", "profile", "marisol", "passphrase", "demo"); w.Code != http.StatusSeeOther {
		v.t.Fatalf("signing in answered %d\n%s", w.Code, w.Body)
	}
}

func handler(w *world) http.Handler {
	return frontend.New(w, frontend.Options{Token: token, Now: w.clock})
}

func TestNoSessionShowsNothing(t *testing.T) {
	v := visit(t, handler(newWorld()))
	for _, path := range []string{"/", "/messages", "/messages/new", "/events", "/sync", "/inbox", "/nowhere", "/open", "/open?token=", "/open?token=wrong"} {
		w := v.get(path)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Open Postern by its link") || strings.Contains(w.Body.String(), "Vega") {
			t.Errorf("%s without a session: %d\n%s", path, w.Code, w.Body)
		}
	}
	if w := v.post("/session", "profile", "marisol", "passphrase", "demo"); w.Code != http.StatusForbidden {
		t.Errorf("signing in without a session: %d", w.Code)
	}
}

func TestTheLinkBecomesACookie(t *testing.T) {
	v := visit(t, handler(newWorld()))
	w := v.get("/open?token=" + token)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Fatalf("the link: %d, on to %q", w.Code, w.Header().Get("Location"))
	}
	c := w.Result().Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || len(c[0].Value) < 40 {
		t.Fatalf("the cookie: %+v", c)
	}
	if strings.Contains(c[0].Value, token) {
		t.Error("the cookie holds the token")
	}
	if again := v.get("/open?token=" + token); len(again.Result().Cookies()) != 0 {
		t.Error("opening the link again in the same browser began another session")
	}
	if w := v.get("/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Who is signing in?") {
		t.Errorf("the start: %d\n%s", w.Code, w.Body)
	}
}

func TestSessionsAreApart(t *testing.T) {
	w := newWorld()
	h := handler(w)
	one, two := visit(t, h), visit(t, h)
	one.comeIn()
	two.get("/open?token=" + token)
	if got := two.get("/messages"); strings.Contains(got.Body.String(), "Blood pressure") {
		t.Error("a second browser sees what the first signed in to")
	}
	two.comeIn()
	one.post("/session/lock")
	if w.closed != 1 {
		t.Errorf("%d sign-outs", w.closed)
	}
	if got := one.get("/messages"); !strings.Contains(got.Body.String(), "Locked at ") {
		t.Error("locked, and still inside")
	}
	if got := two.get("/messages"); !strings.Contains(got.Body.String(), "Blood pressure") {
		t.Error("locking one browser locked the other")
	}
}

func TestHostsAndOrigins(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.comeIn()
	hosts := map[string]int{"127.0.0.1:8421": 200, "localhost": 200, "localhost:1": 200, "[::1]:80": 200, "127.8.9.1": 200,
		"evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:80": 403, "192.168.1.4": 403, "": 403, "0.0.0.0": 403}
	for host, want := range hosts {
		r := httptest.NewRequest(http.MethodGet, "/messages", nil)
		r.Host = host
		if w := v.ask(r); w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
	posts := []struct {
		site, origin string
		want         int
	}{
		{"same-origin", "http://127.0.0.1:8421", 204}, {"same-origin", "", 204}, {"same-origin", "null", 204}, {"", "http://127.0.0.1:8421", 204},
		{"", "", 403}, {"", "null", 403}, {"cross-site", "http://127.0.0.1:8421", 403}, {"same-site", "http://127.0.0.1:8421", 403},
		{"none", "", 403}, {"", "http://127.0.0.1:9", 403}, {"", "http://evil.example", 403}, {"same-origin", "http://evil.example", 403},
	}
	for _, p := range posts {
		r := form("/look", "theme", "dark")
		r.Header.Set("HX-Request", "true")
		r.Header.Set("Sec-Fetch-Site", p.site)
		r.Header.Set("Origin", p.origin)
		if p.site == "" {
			r.Header.Del("Sec-Fetch-Site")
		}
		if p.origin == "" {
			r.Header.Del("Origin")
		}
		if w := v.ask(r); w.Code != p.want {
			t.Errorf("POST from site %q, origin %q: %d, want %d", p.site, p.origin, w.Code, p.want)
		}
	}
	gets := []struct {
		site, mode string
		want       int
	}{{"cross-site", "navigate", 200}, {"cross-site", "no-cors", 403}, {"same-site", "cors", 403}, {"none", "navigate", 200}, {"same-origin", "cors", 200}}
	for _, g := range gets {
		r := httptest.NewRequest(http.MethodGet, "/messages", nil)
		r.Header.Set("Sec-Fetch-Site", g.site)
		r.Header.Set("Sec-Fetch-Mode", g.mode)
		if w := v.ask(r); w.Code != g.want {
			t.Errorf("GET from site %q, mode %q: %d, want %d", g.site, g.mode, w.Code, g.want)
		}
	}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.comeIn()
	for _, path := range []string{"/", "/messages", "/nowhere", "/static/x/nothing.css", "/open?token=wrong", "/sync"} {
		h := v.get(path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.comeIn()
	r := form("/drafts/dr_aaaaaaaaaaaaaaaa", "text", strings.Repeat("x", 2<<20))
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	w := v.ask(r)
	if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("HX-Retarget") != "#toast" || !strings.Contains(w.Body.String(), "Shorten it") {
		t.Errorf("two megabytes: %d %v\n%s", w.Code, w.Header(), w.Body)
	}
}

func TestAPanicTellsNothing(t *testing.T) {
	w := newWorld()
	var log bytes.Buffer
	v := visit(t, frontend.New(w, frontend.Options{Token: token, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return w.now }}))
	v.comeIn()
	w.panics = "Center"
	for _, partial := range []bool{false, true} {
		r := httptest.NewRequest(http.MethodGet, "/messages", nil)
		if partial {
			r.Header.Set("HX-Request", "true")
			r.Header.Set("HX-Request-Type", "partial")
			r.Header.Set("HX-Target", "div#panes")
		}
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Fatalf("the panic went on: %v", p)
				}
			}()
			got := v.ask(r)
			if got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "Blood pressure") {
				t.Errorf("answered %d\n%s", got.Code, got.Body)
			}
			if partial != (got.Header().Get("HX-Retarget") == "#toast") {
				t.Errorf("partial %v, retargeted %q", partial, got.Header().Get("HX-Retarget"))
			}
		}()
	}
	if strings.Contains(log.String(), "Blood pressure") || strings.Contains(log.String(), "Marisol") || !strings.Contains(log.String(), "panicked") {
		t.Errorf("the log says:\n%s", log.String())
	}
	w.panics = ""
	if got := v.get("/messages"); got.Code != http.StatusOK {
		t.Errorf("after the panic: %d", got.Code)
	}
}

func TestAWrongPassphraseIsNotSentBack(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.get("/open?token=" + token)
	w := v.post("/session", "profile", "joaquin", "passphrase", "hunter2hunter2")
	body := w.Body.String()
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "Check Caps Lock") || strings.Contains(body, "hunter2") {
		t.Errorf("%d\n%s", w.Code, body)
	}
	if !strings.Contains(body, `value="joaquin" checked`) {
		t.Errorf("the chosen profile was forgotten\n%s", body)
	}
}

func TestSignInGoesOnWithoutARedirect(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.get("/open?token=" + token)
	r := form("/session", "profile", "marisol", "passphrase", "demo")
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	w := v.ask(r)
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("HX-Location"), `"path":"/"`) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestOnlyOneSignsInAtATime: guessing costs what one guess costs, however many are made at once.
func TestOnlyOneSignsInAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		slow := &slowHome{world: w, gate: make(chan struct{})}
		v := visit(t, frontend.New(slow, frontend.Options{Token: token, Now: func() time.Time { return w.now }}))
		v.get("/open?token=" + token)
		done := make(chan int, 3)
		for range 3 {
			r := form("/session", "profile", "marisol", "passphrase", "x")
			r.Host = here.Host
			for _, c := range v.jar.Cookies(here) {
				r.AddCookie(c)
			}
			go func() {
				rec := httptest.NewRecorder()
				v.h.ServeHTTP(rec, r)
				done <- rec.Code
			}()
		}
		for want := 1; want <= 3; want++ {
			synctest.Wait()
			if slow.inside != 1 {
				t.Errorf("%d tries at once", slow.inside)
			}
			slow.gate <- struct{}{}
			<-done
		}
	})
}

type slowHome struct {
	*world
	gate   chan struct{}
	inside int
}

func (h *slowHome) SignIn(ctx context.Context, profile, passphrase string) (seat.Signed, error) {
	h.inside++
	<-h.gate
	h.inside--
	return h.world.SignIn(ctx, profile, passphrase)
}

// drawn makes a request one that htmx sends from the page of a person.
func drawn(r *http.Request, person care.PersonID) *http.Request {
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	r.Header.Set("Postern-Person", string(person))
	return r
}

// TestTheCookieAloneIsNobody: other servers on this computer get our cookies from the browser. Who plays one back learns
// nothing and changes nothing.
func TestTheCookieAloneIsNobody(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	right := v.ticket
	for _, ticket := range []string{"", right[1:], "guessed"} {
		v.ticket = ticket
		for _, path := range []string{"/", "/messages", "/messages/" + id("pressure").String(), "/drafts/dr_aaaaaaaaaaaaaaaa", "/sync"} {
			for _, htmx := range []bool{false, true} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				if htmx {
					r.Header.Set("HX-Request", "true")
				}
				if got := v.ask(r).Body.String(); strings.Contains(got, "Blood pressure") || strings.Contains(got, "Messages for") || strings.Contains(got, right) {
					t.Errorf("%s with the ticket %q, htmx %v:\n%s", path, ticket, htmx, got)
				}
			}
		}
		if got := v.get("/events"); got.Code != http.StatusNoContent {
			t.Errorf("the stream with the ticket %q: %d", ticket, got.Code)
		}
		for _, path := range []string{"/drafts/dr_aaaaaaaaaaaaaaaa", "/messages/" + id("pressure").String() + "/read", "/session/lock"} {
			if got := v.post(path, "what", "new", "text", "x"); got.Code != http.StatusUnauthorized {
				t.Errorf("%s with the ticket %q: %d", path, ticket, got.Code)
			}
		}
	}
	if len(w.drafts) != 0 || len(w.read) != 0 || w.closed != 0 {
		t.Errorf("%d drafts, %d read, %d locked", len(w.drafts), len(w.read), w.closed)
	}
	v.ticket = right
	if got := v.get("/messages"); !strings.Contains(got.Body.String(), "Blood pressure") {
		t.Errorf("with the ticket: %d\n%s", got.Code, got.Body)
	}
}

// TestAPageOfSomebodyElse: it stays as it is, for words may be on it, and gets neither the other person's screens nor
// its text into their record.
func TestAPageOfSomebodyElse(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	stays := func(name string, got *httptest.ResponseRecorder, says string, goes bool) {
		t.Helper()
		h := got.Header()
		if got.Code != http.StatusUnauthorized || h.Get("HX-Retarget") != "#toast" || h.Get("HX-Location")+h.Get("HX-Redirect") != "" ||
			!strings.Contains(got.Body.String(), says) || !strings.Contains(got.Body.String(), "What you typed is still on this page.") {
			t.Errorf("%s: %d %v\n%s", name, got.Code, h, got.Body)
		}
		if told := h.Get("HX-Trigger") == "postern:stale"; told != goes {
			t.Errorf("%s: told to go to the start %v, want %v", name, told, goes)
		}
	}
	save := func() *http.Request {
		return drawn(form("/drafts/dr_aaaaaaaaaaaaaaaa", "what", "new", "text", "For my record"), marisol.ID)
	}
	refresh := func() *http.Request {
		return drawn(httptest.NewRequest(http.MethodGet, "/messages", nil), marisol.ID)
	}

	v.post("/session", "profile", "joaquin", "passphrase", "demo") // in another tab
	stays("a save", v.ask(save()), "Joaquín Vega is signed in at this browser now", false)
	stays("a refresh", v.ask(refresh()), "Joaquín Vega is signed in at this browser now", true)
	beacon := form("/drafts/dr_aaaaaaaaaaaaaaaa?ticket="+v.ticket+"&person="+string(marisol.ID), "what", "new", "text", "For my record")
	if got := v.ask(beacon); got.Code != http.StatusUnauthorized {
		t.Errorf("a beacon: %d", got.Code)
	}
	if got := v.get("/events?person=" + string(marisol.ID)); got.Code != http.StatusNoContent {
		t.Errorf("the stream: %d", got.Code)
	}

	v.post("/session/lock")
	stays("a save after the lock", v.ask(save()), "You are signed out", false)
	stays("a refresh after the lock", v.ask(refresh()), "You are signed out", true)
	if len(w.drafts) != 0 {
		t.Errorf("kept %+v", w.drafts)
	}

	v.post("/session", "profile", "marisol", "passphrase", "demo")
	if got := v.ask(save()); got.Code != http.StatusOK || len(w.drafts) != 1 {
		t.Errorf("signed in again: %d, %d drafts", got.Code, len(w.drafts))
	}

	v.h = handler(w) // Postern was started again
	stays("a save after a restart", v.ask(save()), "Open the new link", false)
	stays("a refresh after a restart", v.ask(refresh()), "Open the new link", true)
}

// TestTheStreamEndsWithPostern: a stream would be waited for without end.
func TestTheStreamEndsWithPostern(t *testing.T) {
	w := newWorld()
	ending := make(chan struct{})
	v := visit(t, frontend.New(w, frontend.Options{Token: token, Now: func() time.Time { return w.now }, Ending: ending}))
	v.comeIn()
	close(ending)
	if got := v.get("/events"); got.Code != http.StatusOK || !strings.HasPrefix(got.Body.String(), ": here") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestWhoComesAtOnceIsClosedOnce: a second person signs in while the first one's profile is still being closed for the
// sign-in before it. Each profile that was opened is closed but the one that stays.
func TestWhoComesAtOnceIsClosedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := &countingHome{world: newWorld(), gate: make(chan struct{})}
		v := visit(t, frontend.New(home, frontend.Options{Token: token, Now: func() time.Time { return home.now }}))
		v.comeIn()
		done := make(chan int)
		signIn := func() {
			r := form("/session", "profile", "marisol", "passphrase", "demo")
			r.Host = here.Host
			for _, c := range v.jar.Cookies(here) {
				r.AddCookie(c)
			}
			rec := httptest.NewRecorder()
			v.h.ServeHTTP(rec, r)
			done <- rec.Code
		}
		go signIn()
		synctest.Wait() // it waits at the gate, closing the first
		go signIn()
		synctest.Wait()
		close(home.gate)
		<-done
		<-done
		if home.opened.Load() != 3 || home.closings.Load() != 2 {
			t.Errorf("%d profiles were opened, %d closed; one is signed in", home.opened.Load(), home.closings.Load())
		}
		v.comeIn()
		v.post("/session/lock")
		if home.closings.Load() != 4 {
			t.Errorf("%d profiles were closed of 4; nobody is signed in", home.closings.Load())
		}
	})
}

// countingHome counts the profiles that it opens and closes; closing one waits at the gate.
type countingHome struct {
	*world
	gate             chan struct{}
	opened, closings atomic.Int32
}

func (h *countingHome) SignIn(ctx context.Context, profile, passphrase string) (seat.Signed, error) {
	h.opened.Add(1)
	return counted{signed{h.world, marisol, ""}, h}, nil
}

type counted struct {
	signed
	home *countingHome
}

func (c counted) Close() error {
	<-c.home.gate
	c.home.closings.Add(1)
	return nil
}

// TestTheStreamEndsAtSignOut reads changes as they come and nothing after the lock.
func TestTheStreamEndsAtSignOut(t *testing.T) {
	w := newWorld()
	v := visit(t, handler(w))
	v.comeIn()
	srv := httptest.NewServer(v.h)
	defer srv.Close()
	r, err := http.NewRequest(http.MethodGet, srv.URL+"/events?ticket="+v.ticket, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.jar.Cookies(here) {
		r.AddCookie(c)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	w.change(seat.Change{Threads: []care.ThreadID{id("refill")}, Texts: true}, func() {})
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if want := `data: {"beaten":false,"sync":false,"texts":true,"threads":["` + id("refill").String() + `"]}`; lines.Text() != want {
		t.Errorf("the stream said %q, want %q", lines.Text(), want)
	}
	v.post("/session/lock")
	for lines.Scan() {
		if lines.Text() != "" && lines.Text() != "event: over" && lines.Text() != "data: signed out" {
			t.Errorf("after the lock: %q", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	if w := v.get("/events"); w.Code != http.StatusNoContent {
		t.Errorf("events after the lock: %d", w.Code)
	}
}

func TestStaticFilesAreKept(t *testing.T) {
	v := visit(t, handler(newWorld()))
	v.comeIn()
	page := v.get("/").Body.String()
	i := strings.Index(page, "/static/")
	path := page[i : i+strings.IndexByte(page[i:], '"')]
	w := v.get(path)
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	if old := v.get("/static/0000/app.css"); old.Code != http.StatusOK || strings.Contains(old.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("another version's address: %d %v", old.Code, old.Header())
	}
	for _, no := range []string{"/static/x/../guard.go", "/static/x/icons/lock.svg", "/static/x/", "/static/x/static.go"} {
		if w := v.get(no); w.Code == http.StatusOK {
			t.Errorf("%s is served", no)
		}
	}
}
