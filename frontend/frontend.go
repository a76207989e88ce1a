// Package frontend is the screens: a handler that shows Postern to a browser or a window, and takes what people do there.
//
// New gives the handler. routes.go is the whole table of addresses, guard.go what stands before all of them; each screen
// has a package of its own. It draws what backend's views say and runs backend's commands, and decides nothing itself.
package frontend

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"postern/backend/care"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// Home is what the screens are built on.
type Home = seat.Home

// Options are what differs from one way of serving to another.
type Options struct {
	// Token is what the printed link carries; a browser that brings it gets a session.
	Token string
	// Mark is said on every screen, such as that all people in it are invented; empty: nothing.
	Mark string
	// Window is the desktop window that shows the screens; nil: browsers do.
	Window Window
	// Invitation is the invitation file with which Postern was opened; nil: with none. Whoever starts is led to where it is
	// answered.
	Invitation []byte
	// Hosts are further host names to answer to, beside this computer's loopback names.
	Hosts []string
	// Log gets defects; nil discards them. Nothing that a person wrote is ever logged.
	Log *slog.Logger
	// Now is the clock; nil is the computer's.
	Now func() time.Time
	// Ending is closed when Postern is about to end: the event streams end then, for the rest can be waited for. Nil:
	// they end with their requests.
	Ending <-chan struct{}
	// Lock locks every screen each time that something comes, until it is closed: the system's own screen is locked, or the
	// computer is about to sleep. Nil: screens lock by themselves alone.
	Lock <-chan struct{}
}

type server struct {
	home     Home
	token    [32]byte
	hosts    []string
	mark     string
	window   Window
	log      *slog.Logger
	now      func() time.Time
	ending   <-chan struct{}
	sessions *sessions
	opened   atomic.Pointer[file] // the invitation with which Postern was opened, until it is answered
	signing  chan struct{}        // one sign-in at a time: each takes the memory that guessing is meant to cost
}

// New makes the handler of all screens. It does no input or output until it is asked something.
func New(home Home, o Options) http.Handler {
	s := &server{home: home, token: sha256.Sum256([]byte(o.Token)), hosts: o.Hosts, log: o.Log, now: o.Now, ending: o.Ending,
		mark: o.Mark, window: o.Window, sessions: newSessions(o.Token), signing: make(chan struct{}, 1)}
	if s.window != nil {
		s.hosts, s.sessions.only = append(s.hosts, windowHosts...), &session{shut: true}
	}
	if len(o.Invitation) > 0 {
		s.opened.Store(&file{name: "Your invitation", content: o.Invitation})
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Lock != nil {
		go func() {
			for range o.Lock {
				s.lockAll()
			}
		}()
	}
	return s.guard(s.routes())
}

type visitorKey struct{}

// visitor is who a request comes from: a browser session and, if the page showed its ticket, the person signed in at it.
type visitor struct {
	session *session
	signed  seat.Signed
	over    <-chan struct{} // closed at sign-out
	ended   bool            // the page is about a patient for whom the person does not write any more
}

// visitorOf is the visitor of a request behind withSession.
func visitorOf(r *http.Request) visitor {
	v, ok := r.Context().Value(visitorKey{}).(visitor)
	if !ok {
		panic("frontend: a handler was reached without a session")
	}
	return v
}

// withSession lets in browsers that came through the link, and puts into the request who sits at them.
func (s *server) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := parts.WithFrame(r.Context(), s.frame(r, nil))
		v := visitor{session: s.sessions.of(r)}
		if v.session == nil {
			s.noSession(w, r.WithContext(ctx))
			return
		}
		s.lockIdle(v.session, nil, false)
		v.signed, v.over = v.session.who(ticketOf(r))
		if v.signed == nil {
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, visitorKey{}, v)))
			return
		}
		v.signed, v.ended = s.about(r, v)
		alone := byItself(r)
		if alone {
			ctx = seat.WithByItself(ctx)
		}
		person := !alone && drawn(r, v.signed)
		if person {
			v.session.touch(s.now(), ago(r), placeOf(r))
		}
		ctx = context.WithValue(seat.With(withEdit(ctx, r), v.signed), visitorKey{}, v)
		next.ServeHTTP(w, r.WithContext(parts.WithFrame(ctx, s.frame(r.WithContext(ctx), v.signed))))
		if person {
			v.session.touch(s.now(), ago(r), placeAfter(w.Header()))
		}
	})
}

// frame is what the shell shows in this request.
func (s *server) frame(r *http.Request, signed seat.Signed) parts.Frame {
	f := parts.Frame{Look: s.lookOf(r), Mark: s.mark, Window: s.window != nil, Path: r.URL.Path, Clock: say.Clock{Zone: time.Local, Now: s.now()}}
	if signed == nil {
		return f
	}
	practice := signed.Practice()
	f.Clock.Zone = seat.ZoneOf(practice)
	waiting, err := signed.Waiting(r.Context())
	if err != nil {
		waiting = 0 // the foot says less; the lists say what is wrong
	}
	f.SignedIn, f.Me, f.Member = true, signed.Me(), signed.Me().Role == care.RoleMember
	f.Practice, f.NurseLine, f.FrontDesk = practice.Name, practice.NurseLine, practice.FrontDesk
	f.Lock = practice.Policy.Lock(f.Me.Role)
	f.Promise = say.Within(practice.Policy.Promise())
	f.Own, f.Acting = signed.Own(), s.acting(r, signed)
	f.Sync = parts.SyncOf(signed.Sync(), waiting, f.FrontDesk, f.Clock)
	return f
}

// drawn reports whether a request comes from a page of this person, or from none.
func drawn(r *http.Request, who seat.Signed) bool {
	page := drawnFor(r)
	return page == "" || page == who.Me().ID
}

// signedIn lets in who is signed in; everyone else gets the sign-in page.
func (s *server) signedIn(handle http.HandlerFunc) http.HandlerFunc {
	return s.only(func(seat.Signed) bool { return true }, handle)
}

// member and staff let in one side; the other's addresses do not exist for it.
func (s *server) member(handle http.HandlerFunc) http.HandlerFunc {
	return s.only(func(who seat.Signed) bool { return who.Me().Role == care.RoleMember }, handle)
}

func (s *server) staff(handle http.HandlerFunc) http.HandlerFunc {
	return s.only(func(who seat.Signed) bool { return who.Me().Role.Staff() }, handle)
}

// administrator lets in who administers the practice, whether or not this computer holds what that takes.
func (s *server) administrator(handle http.HandlerFunc) http.HandlerFunc {
	return s.only(func(who seat.Signed) bool { return who.Me().Role == care.RoleAdministrator }, handle)
}

// withForm reads the form that a handler asks for.
func withForm(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			respond.Failed(w, r, respond.BadForm(err))
			return
		}
		handle(w, r)
	}
}

func (s *server) only(may func(seat.Signed) bool, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := visitorOf(r).signed
		switch {
		case who == nil:
			s.askToSignIn(w, r)
		case !drawn(r, who):
			respond.Stale(w, r, who.Me().Name+" is signed in at this browser now, so nothing was saved. "+stillHere+" Sign in as yourself in another tab, then go on here.")
		case visitorOf(r).ended:
			respond.Stale(w, r, "You do not write for this patient any more, so nothing was saved. "+stillHere+" Call the front desk if that is wrong.")
		case !may(who):
			respond.Failed(w, r, care.Refusef(care.NotFound, "There is no such page."))
		default:
			handle(w, r)
		}
	}
}
