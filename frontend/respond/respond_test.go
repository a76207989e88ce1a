package respond

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/parts"
)

func TestEveryKindHasAStatus(t *testing.T) {
	for kind, want := range map[care.Kind]int{care.Invalid: 422, care.NotFound: 404, care.Forbidden: 403, care.Conflict: 409,
		care.Locked: 401, care.Paused: 429, care.Unavailable: 503, care.Full: 507, care.Corrupt: 500, care.Internal: 500, "new": 500} {
		if got := Status(fmt.Errorf("wrapped: %w", care.Refusef(kind, "No."))); got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if got := Status(errors.New("bare")); got != 500 {
		t.Errorf("a bare error: %d", got)
	}
	if got := Status(fmt.Errorf("read: %w", &http.MaxBytesError{})); got != 413 {
		t.Errorf("too much: %d", got)
	}
}

func TestAFailureTellsTheSentenceAndLogsTheCause(t *testing.T) {
	var log bytes.Buffer
	r := httptest.NewRequest(http.MethodGet, "/messages?search=lisinopril", nil)
	r = r.WithContext(WithLog(r.Context(), slog.New(slog.NewTextHandler(&log, nil))))
	w := httptest.NewRecorder()
	Failed(w, r, care.Because(care.Corrupt, errors.New("page 7 is torn"), "The record is damaged."))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "The record is damaged.") || strings.Contains(w.Body.String(), "torn") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "page 7 is torn") || strings.Contains(log.String(), "lisinopril") {
		t.Errorf("logged: %s", log.String())
	}
	log.Reset()
	w = httptest.NewRecorder()
	Failed(w, r, errors.New("secret detail"))
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("gave away %s", w.Body)
	}
	log.Reset()
	Failed(httptest.NewRecorder(), r, care.Refusef(care.NotFound, "Gone."))
	if log.Len() != 0 {
		t.Errorf("a refusal is no defect: %s", log.String())
	}
}

// TestHalfAPageIsNeverSent: a component that fails after it began leaves only an error.
func TestHalfAPageIsNeverSent(t *testing.T) {
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "<p>half")
		return errors.New("broke")
	})
	w := httptest.NewRecorder()
	HTML(w, httptest.NewRequest(http.MethodGet, "/", nil), broken)
	if w.Code != 500 || strings.Contains(w.Body.String(), "half") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestGoingOn(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := httptest.NewRecorder()
	GoTo(w, r, "/messages")
	if w.Code != 303 || w.Header().Get("Location") != "/messages" {
		t.Errorf("a plain form: %d %v", w.Code, w.Header())
	}
	r.Header.Set("HX-Request", "true")
	w = httptest.NewRecorder()
	GoTo(w, r, "/messages")
	if w.Code != 200 || w.Header().Get("HX-Location") != `{"path":"/messages","swap":"outerSync","target":"body"}` {
		t.Errorf("htmx: %d %v", w.Code, w.Header())
	}
}

// TestAnOldAddressLeadsOnForGood: going back to it must not lead forward again without end.
func TestAnOldAddressLeadsOnForGood(t *testing.T) {
	for _, c := range []struct {
		kind, boosted string
		replaces      bool
	}{{"full", "", true}, {"full", "true", false}, {"partial", "", false}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Request-Type", c.kind)
		if c.boosted != "" {
			r.Header.Set("HX-Boosted", c.boosted)
		}
		w := httptest.NewRecorder()
		GoTo(w, r, "/messages")
		if got := strings.Contains(w.Header().Get("HX-Location"), `"replace":"true"`); got != c.replaces {
			t.Errorf("%+v: %s", c, w.Header().Get("HX-Location"))
		}
	}
}

func TestLeaving(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := httptest.NewRecorder()
	Leave(w, r, "/")
	if w.Code != 303 || w.Header().Get("Location") != "/" {
		t.Errorf("a plain form: %d %v", w.Code, w.Header())
	}
	r.Header.Set("HX-Request", "true")
	w = httptest.NewRecorder()
	Leave(w, r, "/")
	if w.Code != 200 || w.Header().Get("HX-Redirect") != "/" {
		t.Errorf("htmx: %d %v", w.Code, w.Header())
	}
}

func TestAddressesAreKeptForLinksOnly(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	Address(w, r, "/x")
	if w.Header().Get("HX-Push-Url") != "" {
		t.Error("a refresh changed the address")
	}
	r.Header.Set("HX-Boosted", "true")
	Address(w, r, "/x")
	if w.Header().Get("HX-Push-Url") != "/x" {
		t.Error("a link left the address as it was")
	}
}

// TestARefusedFormStaysOnThePage: a form is posted for the whole page, and what is in it is on no other.
func TestARefusedFormStaysOnThePage(t *testing.T) {
	for _, c := range []struct {
		method, kind string
		toast        bool
	}{
		{http.MethodPost, "full", true}, {http.MethodPost, "partial", true}, {http.MethodGet, "partial", true},
		{http.MethodGet, "full", false}, {http.MethodPost, "", false}, {http.MethodGet, "", false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		if c.kind != "" {
			r.Header.Set("HX-Request", "true")
			r.Header.Set("HX-Request-Type", c.kind)
		}
		w := httptest.NewRecorder()
		Failed(w, r, care.Refusef(care.Full, "The disk is full."))
		if toast := w.Header().Get("HX-Retarget") == "#toast"; toast != c.toast || w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), "The disk is full.") {
			t.Errorf("%s %q: %d, toast %v", c.method, c.kind, w.Code, toast)
		}
		if page := strings.Contains(w.Body.String(), "<html"); page == c.toast {
			t.Errorf("%s %q: a whole page %v", c.method, c.kind, page)
		}
	}
}

// TestWhatWasCutOffIsNoSuccess: a request whose context ended did nothing, and says so.
func TestWhatWasCutOffIsNoSuccess(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"failed": func(w http.ResponseWriter, r *http.Request) { Failed(w, r, ctx.Err()) },
		"drawn":  func(w http.ResponseWriter, r *http.Request) { HTML(w, r, parts.Toast("Saved.")) },
	} {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
		r.Header.Set("HX-Request", "true")
		w := httptest.NewRecorder()
		answer(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("HX-Retarget") != "#toast" || !strings.Contains(w.Body.String(), "cut off") {
			t.Errorf("%s: %d %v %q", name, w.Code, w.Header(), w.Body)
		}
	}
}
