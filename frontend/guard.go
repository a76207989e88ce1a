package frontend

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"

	"postern/backend/care"
	"postern/frontend/respond"
)

// maxBody is the most that a form may be: four times the longest text, with every character escaped.
const maxBody = 1 << 20

// headers are set on every answer. Nothing is fetched from elsewhere, nothing runs that is not in static/, no other page
// may frame or read this one, and no answer stays in a cache.
var headers = map[string]string{
	"Content-Security-Policy":      "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-store",
}

// guard stands before every handler: headers, who may ask, how much they may send, and what a panic says.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		r = r.WithContext(respond.WithLog(r.Context(), s.log))
		defer s.recovered(w, r)
		if !s.hostAllowed(r.Host) || s.window == nil && !sameOrigin(r) {
			http.Error(w, "Postern answers only its own pages on this computer.", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into an error page. Neither the page nor the log gets the panic's value, which may hold what
// a person wrote; a fault of the runtime is told, for its words are Go's own.
func (s *server) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // the documented way to tell it
		panic(p)
	}
	what := fmt.Sprintf("%T", p)
	if fault, ok := p.(runtime.Error); ok {
		what = fault.Error()
	}
	s.log.ErrorContext(r.Context(), "a handler panicked", "route", r.Pattern, "what", what, "stack", string(debug.Stack()))
	respond.Failed(w, r, care.Refusef(care.Internal, "Something went wrong in Postern. What you typed is kept on this computer."))
}

// hostAllowed takes the names of this computer only: a page of the internet whose name was made to point here is refused.
func (s *server) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" || slices.Contains(s.hosts, name) {
		return true
	}
	ip := net.ParseIP(trimBrackets(name))
	return ip != nil && ip.IsLoopback()
}

func trimBrackets(name string) string {
	if len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		return name[1 : len(name)-1]
	}
	return name
}

// sameOrigin refuses what a page of another origin asks for, other ports of this computer included: every change, and
// every fetch. Following a link from elsewhere is allowed; without the session's cookie it shows nothing.
func sameOrigin(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return site == "" || site == "same-origin" || site == "none" || r.Header.Get("Sec-Fetch-Mode") == "navigate"
	}
	if site == "same-origin" {
		return origin == "" || origin == "null" || ownOrigin(origin, r.Host)
	}
	return site == "" && ownOrigin(origin, r.Host)
}

func ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}
