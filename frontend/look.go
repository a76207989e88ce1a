package frontend

import (
	"net/http"
	"slices"
	"strings"

	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
)

// lookCookie keeps theme and text size in the browser: it holds no secret and outlives sessions.
const lookCookie = "postern_look"

var (
	themes = []string{"light", "dark"}
	sizes  = []string{"125", "150", "200"}
)

// lookOf reads how this browser wants to see Postern. What is not one of the choices is the default.
func (s *server) lookOf(r *http.Request) parts.Look {
	var kept string
	if s.window != nil {
		kept = s.window.Look()
	} else if c, err := r.Cookie(lookCookie); err == nil {
		kept = c.Value
	}
	theme, size, _ := strings.Cut(kept, ".")
	return cleanLook(theme, size)
}

func cleanLook(theme, size string) parts.Look {
	var l parts.Look
	if slices.Contains(themes, theme) {
		l.Theme = theme
	}
	if slices.Contains(sizes, size) {
		l.Size = size
	}
	return l
}

// setLook keeps theme and text size. The page has changed them by itself already.
func (s *server) setLook(w http.ResponseWriter, r *http.Request) {
	l := cleanLook(r.PostFormValue("theme"), r.PostFormValue("size"))
	if s.window != nil {
		s.window.SetLook(l.Theme + "." + l.Size)
	} else {
		http.SetCookie(w, &http.Cookie{Name: lookCookie, Value: l.Theme + "." + l.Size, Path: "/",
			MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	if !respond.IsHTMX(r) {
		respond.GoTo(w, r, link.Home)
		return
	}
	respond.Nothing(w)
}
