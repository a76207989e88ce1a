package frontend

import (
	"cmp"
	"net/http"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/signin"
)

const stillHere = "What you typed is still on this page."

// noSession answers a browser that has not come through the link, or came through that of a Postern which has ended.
func (s *server) noSession(w http.ResponseWriter, r *http.Request) {
	switch {
	case respond.IsHTMX(r) && drawnFor(r) != "":
		respond.Stale(w, r, "Postern was started again, so nothing was saved. "+stillHere+" Open the new link in another tab and sign in there, then go on here.")
	case respond.Partial(r):
		respond.GoTo(w, r, link.Home)
	default:
		respond.Refused(w, r, http.StatusForbidden, parts.NoSession())
	}
}

// askToSignIn shows the sign-in page in place of the page that was asked for. A page that somebody has open is left as
// it is: words may be on it that are nowhere else.
func (s *server) askToSignIn(w http.ResponseWriter, r *http.Request) {
	switch {
	case respond.IsHTMX(r) && drawnFor(r) != "":
		respond.Stale(w, r, "You are signed out, so nothing was saved. "+stillHere+" Sign in again in another tab, then go on here.")
		return
	case r.Method != http.MethodGet:
		respond.Failed(w, r, care.Refusef(care.Locked, "Nobody is signed in on this page. Go to the start and sign in."))
		return
	case !respond.IsHTMX(r) && visitorOf(r).session.taken():
		respond.HTML(w, r, parts.Opening()) // a browser that opens a page cannot show the ticket; the page can
		return
	}
	if s.opened.Load() != nil && r.URL.Path == link.Home {
		if !respond.IsHTMX(r) {
			respond.HTML(w, r, parts.Opening())
			return
		}
		if visitorOf(r).session.leads() {
			respond.GoTo(w, r, link.Invitation)
			return
		}
	}
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	if l, ok := s.locked(r, profiles); ok {
		respond.HTML(w, r, signin.Locked(l))
		return
	}
	respond.HTML(w, r, signin.Page(profiles, "", "", ""))
}

// signIn opens a profile at this session.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	signed, err := s.enter(r)
	if err != nil && care.KindOf(err) == care.Internal {
		respond.Failed(w, r, err)
		return
	}
	if care.KindOf(err) == care.Unfinished { // the passphrase is right, and the practice has not taken them in yet
		s.resume(w, r, r.PostFormValue("profile"))
		return
	}
	if err != nil {
		s.signInAgain(w, r, err)
		return
	}
	s.arrive(w, r, signed, r.PostFormValue("profile"), "")
}

// openByKeychain opens a profile at this session without its passphrase. The keychain may ask the person something of its own
// meanwhile, which holds up nobody who types theirs.
func (s *server) openByKeychain(w http.ResponseWriter, r *http.Request) {
	profile := r.PostFormValue("profile")
	signed, err := s.home.OpenByKeychain(r.Context(), profile)
	switch {
	case err == nil:
		s.arrive(w, r, signed, profile, "")
	case care.KindOf(err) == care.Internal:
		respond.Failed(w, r, err)
	default:
		s.signInAgain(w, r, err)
	}
}

// arrive seats who has opened a profile, and sends them to a screen; "" is where they were before they locked it.
func (s *server) arrive(w http.ResponseWriter, r *http.Request, signed seat.Signed, profile, screen string) {
	b := visitorOf(r).session
	ticket, place, err := b.enter(sittingOf(signed, profile, s.now()))
	if err != nil {
		s.log.ErrorContext(r.Context(), "sign out the last person", "err", err)
	}
	if _, over := b.who(ticket); over != nil {
		s.watch(b, over)
		if s.window != nil {
			go s.tellWindow(signed, over)
		}
	}
	w.Header().Set(ticketHeader, ticket)
	if signed.Me().Role == care.RoleAdministrator && s.mark == "" && s.holdsRoot(profile) {
		screen = link.RootKey // it was not put away yet; that of a demo vouches for nobody
	}
	respond.GoTo(w, r, cmp.Or(screen, place, link.Home))
}

// leads reports, once, that the session is to be led to the invitation with which Postern was opened.
func (b *session) leads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	led := b.led
	b.led = true
	return !led
}

// enter asks for the profile to be opened.
func (s *server) enter(r *http.Request) (signed seat.Signed, err error) {
	err = s.one(r.Context(), func() (err error) {
		signed, err = s.home.SignIn(r.Context(), r.PostFormValue("profile"), r.PostFormValue("passphrase"))
		return err
	})
	return signed, err
}

// signInAgain draws the form again with what was wrong. The passphrase is not sent back.
func (s *server) signInAgain(w http.ResponseWriter, r *http.Request, refusal error) {
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	chosen, clock := r.PostFormValue("profile"), parts.FrameFrom(r.Context()).Clock
	l, locked := s.locked(r, profiles)
	if locked = locked && l.Profile.ID == chosen; locked {
		clock.Zone = l.At.Location() // it says its other times so, too
	}
	why, left := s.refused(r.Context(), chosen, refusal, clock)
	page, form := signin.Page(profiles, chosen, why, left), signin.Form(profiles, chosen, why, left)
	if locked {
		l.Error, l.Left = why, left
		page, form = signin.Locked(l), signin.Unlock(l)
	}
	if respond.Swap(r) == "" {
		form = page
	}
	respond.Refused(w, r, respond.Status(refusal), form)
}

// sync shows the sync state; syncNow asks for a check first.
func (s *server) sync(w http.ResponseWriter, r *http.Request) {
	respond.HTML(w, r, parts.SyncAnswer())
}

func (s *server) syncNow(w http.ResponseWriter, r *http.Request) {
	seat.From(r.Context()).SyncNow()
	respond.HTML(w, r, parts.SyncAnswer())
}

// workOffline turns working offline on or off.
func (s *server) workOffline(w http.ResponseWriter, r *http.Request) {
	who := seat.From(r.Context())
	who.WorkOffline(r.FormValue("offline") == "on")
	ctx := parts.WithFrame(r.Context(), s.frame(r, who)) // what it was drawn from has just changed
	respond.HTML(w, r.WithContext(ctx), parts.SyncAnswer())
}
