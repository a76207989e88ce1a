package frontend

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern/frontend/link"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/signin"
)

// absence is a locked screen: whose it is, and what it says.
type absence struct {
	profile string
	place   string        // where they go on after unlocking
	about   about         // for whom they go on reading and writing
	at      time.Time     // in the practice's time zone
	idle    time.Duration // how long they had done nothing; zero: nobody waited for that
	others  bool          // somebody asked for the other people
}

// A request of which this header or parameter says that the page sent it by itself is no activity of the person, and no
// look at what was shown before: a refresh, a save after a pause, a beacon.
const autoHeader, autoParam = "Postern-Auto", "auto"

func byItself(r *http.Request) bool {
	switch {
	case r.URL.Path == link.Events, r.URL.Path == link.Sync && r.Method == http.MethodGet:
		return true
	}
	return r.Header.Get(autoHeader) != "" || r.URL.Query().Get(autoParam) != ""
}

// lookEvery is how often it is looked whether somebody has gone.
const lookEvery = 5 * time.Second

// watch locks the screen of a sign-in once nothing was done there for as long as the policy says, and when the computer
// has slept: then the looking stood still as well.
func (s *server) watch(b *session, over <-chan struct{}) {
	before := time.Now().Round(0) // the clock on the wall goes on during a sleep
	time.AfterFunc(lookEvery, func() {
		select {
		case <-over:
			return
		default:
		}
		s.lockIdle(b, over, time.Now().Round(0).Sub(before) > lookEvery+time.Minute)
		s.watch(b, over)
	})
}

// lockIdle locks a screen at which nothing was done for too long, or whose computer has slept. over names the sign-in
// that is meant; nil: any.
func (s *server) lockIdle(b *session, over <-chan struct{}, slept bool) {
	now := s.now()
	err := b.change(func() {
		if b.signed == nil || over != nil && over != b.over {
			return
		}
		switch {
		case since(now, b.active) >= b.limit:
			b.goAway(now, b.place, b.limit)
		case slept:
			b.goAway(now, b.place, 0)
		}
	})
	if err != nil {
		s.log.Error("sign out who has gone", "err", err)
	}
}

// since is the time that has passed by whichever clock says more: one stands still while the computer sleeps, the other
// can be set back.
func since(now, then time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// touch notes that the person at a session did something, ago, and on which screen.
func (b *session) touch(now time.Time, ago time.Duration, place string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.signed == nil {
		return
	}
	if at := now.Add(-ago); at.After(b.active) {
		b.active = at
	}
	if place != "" {
		b.place = place
	}
}

// absent is who locked this session's screen; nil where nobody did, or where somebody asked for the other people.
func (b *session) absent() *absence {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.signed != nil || b.away == nil || b.away.others {
		return nil
	}
	away := *b.away
	return &away
}

// showOthers turns from the lock screen to the people of this computer. Who locked it still comes back to where they were.
func (b *session) showOthers() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away != nil {
		b.away.others = true
	}
}

// screens are the addresses that somebody can come back to. What was searched for is never part of them.
var screens = regexp.MustCompile(`^/(messages|drafts|sent|inbox|administration)(/[A-Za-z0-9_-]+)*$`)

// placeOf is the screen on which a request was made, or that it asks for; empty where that is none.
func placeOf(r *http.Request) string {
	address := r.Header.Get("HX-Current-URL")
	if r.Method == http.MethodGet {
		address = r.URL.Path
	}
	u, err := url.Parse(address)
	if err != nil || !screens.MatchString(u.Path) {
		return ""
	}
	return u.Path
}

// placeAfter is the screen on which a person is once they have the answer.
func placeAfter(h http.Header) string {
	for _, name := range []string{"HX-Replace-Url", "HX-Push-Url"} {
		if path, _, _ := strings.Cut(h.Get(name), "?"); screens.MatchString(path) {
			return path
		}
	}
	return ""
}

// lock signs out, and shows the lock screen.
func (s *server) lock(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r)
	if v.signed == nil && v.session.taken() {
		s.askToSignIn(w, r)
		return
	}
	if err := v.session.lock(s.now(), placeOf(r)); err != nil {
		s.log.ErrorContext(r.Context(), "sign out", "err", err)
	}
	respond.Leave(w, r, link.Home)
}

// lockAll locks every screen at which somebody is signed in, and lets go of what others typed on the way in.
func (s *server) lockAll() {
	for _, b := range s.sessions.each() {
		b.endWay()
		if err := b.lock(s.now(), ""); err != nil {
			s.log.Error("sign out as the system locks", "err", err)
		}
	}
}

// others shows the people of this computer in place of a lock screen.
func (s *server) others(w http.ResponseWriter, r *http.Request) {
	visitorOf(r).session.showOthers()
	respond.GoTo(w, r, link.Home)
}

// active is told at most once a minute that the person types, clicks or scrolls, and how long ago they last did.
func (s *server) active(w http.ResponseWriter, _ *http.Request) {
	respond.Nothing(w) // withSession notes it
}

// ago is how long before a request the person last did something, in so far as it is told and can be true.
func ago(r *http.Request) time.Duration {
	if r.URL.Path != link.Active {
		return 0
	}
	ms, err := strconv.Atoi(r.URL.Query().Get("ago"))
	if err != nil || ms < 0 {
		return 0
	}
	return min(time.Duration(ms)*time.Millisecond, 24*time.Hour)
}

// locked is the lock screen of whoever locked it; ok is false where nobody did, or their profile is gone.
func (s *server) locked(r *http.Request, profiles []seat.Profile) (signin.Lock, bool) {
	away := visitorOf(r).session.absent()
	if away == nil {
		return signin.Lock{}, false
	}
	for _, p := range profiles {
		if p.ID == away.profile {
			return signin.Lock{Profile: p, At: away.at, Idle: away.idle}, true
		}
	}
	return signin.Lock{}, false
}

// sittingOf is the sign-in of a person that begins now.
func sittingOf(signed seat.Signed, profile string, now time.Time) sitting {
	practice := signed.Practice()
	return sitting{signed: signed, profile: profile, limit: practice.Policy.Lock(signed.Me().Role), zone: seat.ZoneOf(practice), active: now}
}
