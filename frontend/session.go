package frontend

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// session is one browser that came through the link, and who is signed in at it.
type session struct {
	shut bool // no other program can reach it, so its pages need no ticket: the window's
	mu   sync.Mutex
	sitting
	away *absence // nobody is signed in, and somebody locked the screen
	way  *way     // somebody who has no profile yet is on the way in
	led  bool     // to the invitation with which Postern was opened
}

// sitting is one sign-in; the zero value is nobody's.
type sitting struct {
	signed  seat.Signed
	ticket  string        // what the pages of this sign-in show; the cookie alone is not enough
	over    chan struct{} // closed at sign-out
	profile string
	limit   time.Duration // how long they may do nothing
	zone    *time.Location
	active  time.Time // when they last did something
	about   about     // for whom they read and write, where it is not themself
	place   string    // the screen on which they were, as far as is known
}

// A page says in each request whose it is and shows the ticket of the sign-in: in headers or, where a browser lets it
// set none (the event stream, a beacon), in the address.
//
// The ticket is there because a browser sends cookies to every port of a host: any other server on this computer could
// read ours and play it back. Pages keep the ticket in the storage of their origin, which has a port. The person is
// there because all tabs of a browser are one session: a page stays open when somebody else signs in beside it.
const (
	ticketHeader, ticketParam = "Postern-Ticket", "ticket"
	personHeader, personParam = "Postern-Person", "person"
)

func ticketOf(r *http.Request) string {
	return cmp.Or(r.Header.Get(ticketHeader), r.URL.Query().Get(ticketParam))
}

// drawnFor is the person whose page a request comes from; "" is a page of nobody, or no page.
func drawnFor(r *http.Request) care.PersonID {
	return care.PersonID(cmp.Or(r.Header.Get(personHeader), r.URL.Query().Get(personParam)))
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

// each gives all sessions.
func (s *sessions) each() []*session {
	if s.only != nil {
		return []*session{s.only}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.all))
}

// begin starts a session and gives the browser its cookie.
func (s *sessions) begin(w http.ResponseWriter) {
	id := rand.Text() + rand.Text()
	s.mu.Lock()
	s.all[id] = &session{}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// who is the signed-in person, and the channel that closes at sign-out; nil where the ticket is not that sign-in's.
func (b *session) who(ticket string) (seat.Signed, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.signed == nil || !b.shut && subtle.ConstantTimeCompare([]byte(ticket), []byte(b.ticket)) != 1 {
		return nil, nil
	}
	return b.signed, b.over
}

// taken reports whether somebody is signed in.
func (b *session) taken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.signed != nil
}

// whose is the profile at which somebody is signed in.
func (b *session) whose() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.profile
}

// enter notes who signed in at a profile and gives their pages a ticket. Somebody who was signed in before is signed out.
// Who comes back to a locked screen goes on where they were: place is that screen, or empty.
func (b *session) enter(next sitting) (ticket, place string, err error) {
	ticket = rand.Text()
	next.ticket, next.over = ticket, make(chan struct{})
	next.signed = typist{next.signed, newEdits()}
	err = b.change(func() {
		if b.away != nil && b.away.profile == next.profile {
			place, next.about = b.away.place, b.away.about
		}
		b.away, b.way, b.sitting = nil, nil, next
	})
	return ticket, place, err
}

// lock signs out whoever is there, and keeps the screen for them; it may run twice.
func (b *session) lock(now time.Time, place string) error {
	return b.change(func() {
		if b.signed != nil {
			b.goAway(now, cmp.Or(place, b.place), 0)
		}
	})
}

// goAway keeps the screen for who sits there and ends their sign-in. It is for within change, with somebody signed in.
func (b *session) goAway(now time.Time, place string, idle time.Duration) {
	b.away = &absence{profile: b.profile, place: place, about: b.about, at: now.In(b.zone), idle: idle}
	b.sitting = sitting{}
}

// change changes who is there. The places change under one lock, so that of several who come at once each is closed but
// the last; closing may take its time, and comes after.
func (b *session) change(f func()) error {
	b.mu.Lock()
	before := b.sitting
	f()
	same := before.over == b.over
	b.mu.Unlock()
	if same || before.signed == nil {
		return nil
	}
	close(before.over)
	return before.signed.Close()
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
