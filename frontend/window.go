package frontend

import (
	"context"
	"net/http"

	"postern/backend/care"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// Window is the desktop window that shows the screens in place of a browser: one session, which no other program can
// reach, and which keeps no cookies. What a browser does by server-sent events, it does by events of its own.
type Window interface {
	// Tell gives an event to the page. It may be called from anywhere and does not block.
	Tell(event, data string)
	// Look and SetLook keep theme and text size from start to start.
	Look() string
	SetLook(look string)
	// Another opens a further window, for another person.
	Another() error
	// Print asks by the platform's own dialog where the page is to be printed.
	Print()
	// SaveCopy lets the person choose where a file is kept, with a name to begin with, then asks for its content, and writes
	// it there, whole or not at all. Saved is false where they would rather not, and where ctx ended while they chose: it
	// came too late then. Nothing asks for the content in either case.
	SaveCopy(ctx context.Context, name string, content func() ([]byte, error)) (saved bool, err error)
}

// windowHosts are the names by which the webviews of the platforms call us.
var windowHosts = []string{"wails", "wails.localhost"}

// tellWindow tells the window's page what changes, until the person signs out or Postern ends.
func (s *server) tellWindow(signed seat.Signed, over <-chan struct{}) {
	changes, cancel := signed.Wake()
	defer cancel()
	for {
		select {
		case c, ok := <-changes:
			if !ok {
				return
			}
			s.window.Tell("postern:changed", told(c))
		case <-over:
			s.window.Tell("postern:over", "{}") // the page asks where it is to go
			return
		}
	}
}

// print prints the page as it stands. Not every platform's webview lets a page do that itself.
func (s *server) print(w http.ResponseWriter, r *http.Request) {
	if s.window == nil {
		s.nothing(w, r)
		return
	}
	if signed := visitorOf(r).signed; signed != nil {
		signed.Printed()
	}
	s.window.Print()
	respond.Nothing(w)
}

// another opens a further window.
func (s *server) another(w http.ResponseWriter, r *http.Request) {
	if s.window == nil {
		s.nothing(w, r)
		return
	}
	if err := s.window.Another(); err != nil {
		respond.Failed(w, r, care.Because(care.Internal, err, "Another window could not be opened. Start Postern once more instead."))
		return
	}
	respond.Nothing(w)
}
