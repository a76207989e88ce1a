package frontend

import (
	"net/http"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/signin"
)

// askToSignIn shows the sign-in page in place of the page that was asked for. A part of a page, and what changes
// something, goes on to the start, where the sign-in is.
func (s *server) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if respond.Partial(r) || r.Method != http.MethodGet {
		respond.GoTo(w, r, link.Home)
		return
	}
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, signin.Page(profiles, "", ""))
}

// signIn opens a profile at this session.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		respond.Failed(w, r, respond.BadForm(err))
		return
	}
	signed, err := s.enter(r)
	if err != nil && care.KindOf(err) == care.Internal {
		respond.Failed(w, r, err)
		return
	}
	if err != nil {
		s.signInAgain(w, r, err)
		return
	}
	if err := sessionOf(r).enter(signed); err != nil {
		s.log.ErrorContext(r.Context(), "sign out the last person", "err", err)
	}
	if s.window != nil {
		_, over := sessionOf(r).who()
		go s.tellWindow(signed, over)
	}
	respond.GoTo(w, r, link.Home)
}

// enter asks for the profile to be opened, one request at a time.
func (s *server) enter(r *http.Request) (seat.Signed, error) {
	select {
	case s.signing <- struct{}{}:
		defer func() { <-s.signing }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return s.home.SignIn(r.Context(), r.PostFormValue("profile"), r.PostFormValue("passphrase"))
}

// signInAgain draws the form again with what was wrong. The passphrase is not sent back.
func (s *server) signInAgain(w http.ResponseWriter, r *http.Request, refusal error) {
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	chosen := r.PostFormValue("profile")
	if respond.Swap(r) == "" {
		respond.Refused(w, r, respond.Status(refusal), signin.Page(profiles, chosen, care.SentenceOf(refusal)))
		return
	}
	respond.Refused(w, r, respond.Status(refusal), signin.Form(profiles, chosen, care.SentenceOf(refusal)))
}

// lock signs out.
func (s *server) lock(w http.ResponseWriter, r *http.Request) {
	if err := sessionOf(r).leave(); err != nil {
		s.log.ErrorContext(r.Context(), "sign out", "err", err)
	}
	respond.GoTo(w, r, link.Home)
}

// sync shows the sync state; syncNow asks for a check first.
func (s *server) sync(w http.ResponseWriter, r *http.Request) {
	respond.HTML(w, r, parts.SyncAnswer())
}

func (s *server) syncNow(w http.ResponseWriter, r *http.Request) {
	seat.From(r.Context()).SyncNow()
	respond.HTML(w, r, parts.SyncAnswer())
}
