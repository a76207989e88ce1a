// Package respond is the one way in which screens answer: a page, the part of it that a swap asks for, a refusal, a way on.
//
// Everything is rendered before the first byte is written, so that a failure never leaves half a page. It never answers
// an htmx request with a 30x: webviews do not follow those.
package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/parts"
)

// status is what each kind of refusal is over HTTP; this table is the only one.
var status = map[care.Kind]int{
	care.Invalid:     http.StatusUnprocessableEntity,
	care.NotFound:    http.StatusNotFound,
	care.Forbidden:   http.StatusForbidden,
	care.Conflict:    http.StatusConflict,
	care.Locked:      http.StatusUnauthorized,
	care.Paused:      http.StatusTooManyRequests,
	care.Gone:        http.StatusGone,
	care.Unfinished:  http.StatusConflict,
	care.Unavailable: http.StatusServiceUnavailable,
	care.Full:        http.StatusInsufficientStorage,
	care.Corrupt:     http.StatusInternalServerError,
	care.Internal:    http.StatusInternalServerError,
}

// Status is the HTTP status of an error.
func Status(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if code, ok := status[care.KindOf(err)]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// Swap is the id of the element that the request wants drawn again ("panes", "reader"), or "" where it wants a whole page.
func Swap(r *http.Request) string {
	if !Partial(r) {
		return ""
	}
	_, id, _ := strings.Cut(r.Header.Get("HX-Target"), "#")
	return id
}

// Partial reports whether the request wants a part of a page.
func Partial(r *http.Request) bool { return r.Header.Get("HX-Request-Type") == "partial" }

// IsHTMX reports whether htmx sent the request.
func IsHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// HTML answers 200 with a component, page or fragment.
func HTML(w http.ResponseWriter, r *http.Request, c templ.Component) { Refused(w, r, http.StatusOK, c) }

// Refused answers with the status and a component: mostly the same form, with what was typed and what is wrong with it.
func Refused(w http.ResponseWriter, r *http.Request, code int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		if r.Context().Err() != nil {
			cutOff(w, r)
			return
		}
		logOf(r.Context()).ErrorContext(r.Context(), "draw a screen", "route", r.Pattern, "err", err)
		inWords(w, r, http.StatusInternalServerError, care.SentenceOf(nil))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}

// File answers with a file to keep. The page's script takes it from there: a browser that follows a link cannot show the
// ticket of the sign-in.
func File(w http.ResponseWriter, name string, content []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	if strings.HasSuffix(name, ".html") { // ours; a file that somebody sent has no such name
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, _ = w.Write(content)
}

// Nothing answers that all is well and nothing needs to be drawn.
func Nothing(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }

// GoTo sends the browser on to another screen after a command: by HX-Location, or by 303 where a plain form was posted.
func GoTo(w http.ResponseWriter, r *http.Request, url string) {
	if !IsHTMX(r) {
		http.Redirect(w, r, url, http.StatusSeeOther)
		return
	}
	way := map[string]string{"path": url, "target": "body", "swap": "outerSync"}
	if r.Method == http.MethodGet && !Partial(r) && r.Header.Get("HX-Boosted") == "" {
		way["replace"] = "true" // a page that is opened, or gone back to: its address leads here for good
	}
	to, err := json.Marshal(way)
	if err != nil {
		panic(err) // a map of strings can be written
	}
	w.Header().Set("HX-Location", string(to))
	w.WriteHeader(http.StatusOK)
}

// Leave sends the browser to another page and lets go of this one whole: nothing of it stays in the page's memory.
func Leave(w http.ResponseWriter, r *http.Request, url string) {
	if !IsHTMX(r) {
		http.Redirect(w, r, url, http.StatusSeeOther)
		return
	}
	w.Header().Set("HX-Redirect", url)
	w.WriteHeader(http.StatusOK)
}

type logKey struct{}

// WithLog puts the log of defects in the context.
func WithLog(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, logKey{}, log)
}

func logOf(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.Default()
}

// Failed answers an error that no form shows. A page that was asked for is an error page. A swap, and whatever was
// posted from a page, leaves the screen as it is and shows the sentence in the toast, so that nothing typed is lost. A
// defect is logged here, once.
func Failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		cutOff(w, r)
		return
	}
	code, sentence := Status(err), care.SentenceOf(err)
	if code == http.StatusRequestEntityTooLarge {
		sentence = "This is more than Postern can take at once. Shorten it and try again."
	}
	if code >= http.StatusInternalServerError {
		logOf(r.Context()).ErrorContext(r.Context(), "answer a request", "route", r.Pattern, "err", err)
	}
	if staysOnPage(r) {
		toToast(w)
		Refused(w, r, code, parts.Toast(sentence))
		return
	}
	Refused(w, r, code, parts.ErrorPage(code, sentence))
}

// Stale answers a page of somebody who is not signed in any more. It stays as it is, with the sentence in the toast. One
// that asks to be drawn again hears postern:stale as well, and goes to the start if no words are on it that are nowhere
// else.
func Stale(w http.ResponseWriter, r *http.Request, sentence string) {
	toToast(w)
	w.Header().Set("HX-Reswap", "innerMorph") // told again and again, it is drawn and read out once
	if r.Method == http.MethodGet {
		w.Header().Set("HX-Trigger", "postern:stale")
	}
	Refused(w, r, http.StatusUnauthorized, parts.Toast(sentence))
}

// staysOnPage reports whether the answer may not take the place of the whole page: a form that htmx posted is still on it.
func staysOnPage(r *http.Request) bool {
	return Partial(r) || IsHTMX(r) && r.Method != http.MethodGet
}

// toToast sends an answer to the corner of the page, which keeps its address.
func toToast(w http.ResponseWriter) {
	h := w.Header()
	h.Set("HX-Retarget", "#toast")
	h.Set("HX-Reswap", "innerHTML")
	h.Set("HX-Push-Url", "false")
}

// cutOff answers a request that ended before its work did: what it was to write was not written. Mostly nobody is there
// to read it, but an empty answer would be taken for success by who is.
func cutOff(w http.ResponseWriter, r *http.Request) {
	inWords(w, r, http.StatusServiceUnavailable, "This was cut off before it was done. Try it again.")
}

// inWords answers where nothing can be drawn.
func inWords(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	if staysOnPage(r) {
		toToast(w)
	}
	http.Error(w, sentence, code)
}

// BadForm is the refusal of a form that could not be read: too large, or not a form.
func BadForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return care.Because(care.Invalid, err, "What was sent could not be read. Reload the page and try again.")
}

// Address names the address that the browser keeps for what is answered: the one without what was searched for. It
// counts only where a link was followed; other requests leave the address alone.
func Address(w http.ResponseWriter, r *http.Request, url string) {
	if r.Header.Get("HX-Boosted") == "true" {
		w.Header().Set("HX-Push-Url", url)
	}
}
