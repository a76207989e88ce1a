package frontend

import (
	"crypto/rand"
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// wayLimit is how long nothing may be done on a way in until what was typed there is let go.
const wayLimit = 30 * time.Minute

// way is what somebody typed who has no profile yet, passphrases included: so going back keeps it. It lives in the memory of
// one browser session alone, and ends with the sign-in, at a lock, and after wayLimit.
//
// It has a ticket of its own, as a sign-in has: at its end it signs in without a passphrase, and the cookie alone is not
// enough for that.
type way struct {
	ticket string
	used   time.Time // the session's lock guards it

	mu     sync.Mutex // for all below: one request at a time
	lapsed bool       // another was let go before this one
	enrol  enrolment
	setup  founding
}

// onWay is the way of a session, where the page that asks shows its ticket; nil where there is none. person says that the
// person asks, and not the page by itself.
func (b *session) onWay(ticket string, now time.Time, person bool) *way {
	b.mu.Lock()
	defer b.mu.Unlock()
	y := b.way
	switch {
	case y == nil:
		return nil
	case since(now, y.used) >= wayLimit:
		b.way = nil
		return nil
	case !b.shut && subtle.ConstantTimeCompare([]byte(ticket), []byte(y.ticket)) != 1:
		return nil
	case person:
		y.used = now
	}
	return y
}

// endWay lets go of what was typed.
func (b *session) endWay() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.way = nil
}

// beginWay begins a way in, in place of the one before, and gives its pages their ticket.
func (s *server) beginWay(w http.ResponseWriter, b *session) *way {
	y := &way{ticket: rand.Text(), used: s.now()}
	if f := s.opened.Load(); f != nil {
		y.enrol.file, y.enrol.name = f.content, f.name
	}
	b.mu.Lock()
	b.way = y
	b.mu.Unlock()
	s.endIdle(b, y, wayLimit)
	w.Header().Set(ticketHeader, y.ticket)
	return y
}

// endIdle lets go of a way once nothing was done there for long enough.
func (s *server) endIdle(b *session, y *way, left time.Duration) {
	time.AfterFunc(left, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.way != y {
			return
		}
		if idle := since(s.now(), y.used); idle < wayLimit {
			s.endIdle(b, y, wayLimit-idle)
			return
		}
		b.way = nil
	})
}

// newcomer lets in who is on a way in, which begins at start, one request at a time.
func (s *server) newcomer(start string, handle func(http.ResponseWriter, *http.Request, *way)) http.HandlerFunc {
	return s.onWay(start, func(w http.ResponseWriter, r *http.Request, y *way) {
		y.mu.Lock()
		defer y.mu.Unlock()
		handle(w, r, y)
	})
}

// onWay is newcomer for what may take as long as a dialog of the window's.
func (s *server) onWay(start string, handle func(http.ResponseWriter, *http.Request, *way)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visitorOf(r)
		asks := r.Method == http.MethodGet
		switch {
		case asks && !respond.IsHTMX(r):
			respond.HTML(w, r, parts.Opening()) // a browser that opens a page cannot show the ticket; the page can
			return
		case v.signed != nil:
			respond.GoTo(w, r, link.Home)
			return
		case v.session.taken():
			s.askToSignIn(w, r)
			return
		}
		y := v.session.onWay(ticketOf(r), s.now(), !byItself(r))
		if y != nil {
			handle(w, r, y)
			return
		}
		if r.URL.Path == link.Enrolling { // whoever waits there has a passphrase
			respond.GoTo(w, r, link.Home)
			return
		}
		y = s.beginWay(w, v.session)
		if asks && r.URL.Path == start {
			handle(w, r, y)
			return
		}
		y.lapsed = !asks
		respond.GoTo(w, r, start)
	}
}

// file is a file that somebody brought.
type file struct {
	name    string
	content []byte
}

// fileHeader names a file that is posted as its bytes.
const fileHeader = "Postern-File"

// posted reads a file that a page posts as its bytes. ok is false where it has more than most; nothing of it is kept then.
func posted(r *http.Request, most int) (f file, ok bool, err error) {
	content, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if err != nil {
		return file{}, false, respond.BadForm(err)
	}
	name, err := url.PathUnescape(r.Header.Get(fileHeader))
	if err != nil {
		return file{}, false, care.Because(care.Invalid, err, "The name of that file cannot be read. Give it another name.")
	}
	if name == "" {
		name = "A file"
	}
	return file{name: name, content: content}, len(content) <= most, nil
}

// turnsTo lets the address follow to the step that is drawn. Nothing of the step before stays in the fields of the next: a
// passphrase would stay in the field of another one.
func turnsTo(w http.ResponseWriter, r *http.Request, step string) {
	if r.URL.Path != step {
		w.Header().Set("HX-Push-Url", step)
		w.Header().Set("HX-Reswap", "outerHTML")
	}
}

// choosing is the strength of what is typed on a step that is drawn again; on one that is new nothing is.
func (s *server) choosing(r *http.Request, step string) seat.Strength {
	if r.URL.Path != step {
		return s.home.Judge("", "")
	}
	return s.home.Judge("", r.PostFormValue("new"))
}

// asked is whether a button of a form was the one that was pressed.
func asked(r *http.Request, name, value string) bool { return r.PostFormValue(name) == value }
