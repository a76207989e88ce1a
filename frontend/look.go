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
func lookOf(r *http.Request) parts.Look {
	c, err := r.Cookie(lookCookie)
	if err != nil {
		return parts.Look{}
	}
	theme, size, _ := strings.Cut(c.Value, ".")
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
	if err := r.ParseForm(); err != nil {
		respond.Failed(w, r, respond.BadForm(err))
		return
	}
	l := cleanLook(r.PostFormValue("theme"), r.PostFormValue("size"))
	http.SetCookie(w, &http.Cookie{Name: lookCookie, Value: l.Theme + "." + l.Size, Path: "/",
		MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	if !respond.IsHTMX(r) {
		respond.GoTo(w, r, link.Home)
		return
	}
	respond.Nothing(w)
}
