package frontend

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"sync"

	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// session is one browser that came through the link, and who is signed in at it.
type session struct {
	mu     sync.Mutex
	signed seat.Signed
	over   chan struct{} // closed at sign-out
}

// sessions holds the browsers of this process, by the value of their cookie.
type sessions struct {
	cookie string   // its name differs from process to process, for a browser sends cookies to every port
	only   *session // the window's, where that is what shows the screens
	mu     sync.Mutex
	all    map[string]*session
}

func newSessions(token string) *sessions {
	sum := sha256.Sum256([]byte("postern.cookie\n" + token))
	return &sessions{cookie: "postern_" + hex.EncodeToString(sum[:4]), all: map[string]*session{}}
}

// of finds the session of a request, or nil.
func (s *sessions) of(r *http.Request) *session {
	if s.only != nil {
		return s.only
	}
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[c.Value]
}

// begin starts a session and gives the browser its cookie.
func (s *sessions) begin(w http.ResponseWriter) {
	id := rand.Text() + rand.Text()
	s.mu.Lock()
	s.all[id] = &session{}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// who is the signed-in person, or nil, and the channel that closes at sign-out.
func (b *session) who() (seat.Signed, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.signed, b.over
}

// enter notes who signed in. Somebody who was signed in before is signed out.
func (b *session) enter(signed seat.Signed) error { return b.seat(signed, make(chan struct{})) }

// leave signs out; it may run twice.
func (b *session) leave() error { return b.seat(nil, nil) }

// seat puts a person, or nobody, in place of whoever is there. The places change under one lock, so that of several who
// come at once each is closed but the last; closing may take its time, and comes after.
func (b *session) seat(signed seat.Signed, over chan struct{}) error {
	b.mu.Lock()
	before, ended := b.signed, b.over
	b.signed, b.over = signed, over
	b.mu.Unlock()
	if before == nil {
		return nil
	}
	close(ended)
	return before.Close()
}

// open exchanges the token of the printed link for a session, and takes it out of the address bar. A browser that has a
// session keeps it.
func (s *server) open(w http.ResponseWriter, r *http.Request) {
	given := sha256.Sum256([]byte(r.URL.Query().Get("token")))
	if subtle.ConstantTimeCompare(given[:], s.token[:]) != 1 {
		respond.Refused(w, r, http.StatusForbidden, parts.NoSession())
		return
	}
	if s.sessions.of(r) == nil {
		s.sessions.begin(w)
	}
	http.Redirect(w, r, link.Home, http.StatusSeeOther) // a browser's own navigation, never a webview's
}
