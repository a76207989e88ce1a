// Package admin is the administration of a practice: its members and invitations, offices and coverage, holidays, staff and
// mail system.
//
// It decides nothing: seat.Admin makes the change or refuses it, on the one computer that holds what makes the practice's
// documents. A form that is refused is drawn again alone, with what was typed; a change draws the page that it is on.
package admin

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// Around answers with a whole page: the care team's rail, the main element, the foot.
type Around func(w http.ResponseWriter, r *http.Request, code int, title string, main templ.Component)

// Screens are the screens of the administration.
type Screens struct{ around Around }

// New makes the screens, each drawn within what around draws.
func New(around Around) *Screens { return &Screens{around} }

// handler is a request for a screen, with the administration in hand.
type handler func(v visit) error

// visit is one request.
type visit struct {
	s *Screens
	w http.ResponseWriter
	r *http.Request
	seat.Admin
}

// On makes a handler. Where this computer does not hold the administration, it says on which one it is done.
func (s *Screens) on(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visit{s, w, r, seat.From(r.Context()).Admin()}
		if v.Admin == nil {
			if r.Method != http.MethodGet {
				respond.Failed(w, r, care.Refusef(care.Forbidden, "%s", elsewhere))
				return
			}
			v.show(page{Body: notHere()})
			return
		}
		if err := r.ParseForm(); err != nil {
			respond.Failed(w, r, respond.BadForm(err))
			return
		}
		if err := h(v); err != nil {
			respond.Failed(w, r, err)
		}
	}
}

const elsewhere = "The administration is done on the computer on which the practice was set up."

func (v visit) clock() say.Clock { return parts.FrameFrom(v.r.Context()).Clock }

func (v visit) typed(name string) string { return say.Line(v.r.PostForm.Get(name)) }

// show answers with a page, whole or as the main element that a swap asks for.
func (v visit) show(p page) {
	if respond.Swap(v.r) == "main" {
		respond.HTML(v.w, v.r, swapped(p))
		return
	}
	v.s.around(v.w, v.r, http.StatusOK, title, content(p))
}

// title is the window's, of all pages: it names nobody.
const title = "Administration"

// changed answers a change with the page that it is on, and says in the corner what was done. Whatever else is typed on
// that page stays.
func (v visit) changed(p page, done string) {
	p.Done = done
	h := v.w.Header()
	h.Set("HX-Retarget", "#main")
	h.Set("HX-Reswap", "outerMorph")
	v.answer(p)
}

// moved answers a change with another page, at its address.
func (v visit) moved(p page, address, done string) {
	p.Done = done
	h := v.w.Header()
	h.Set("HX-Retarget", "#main")
	h.Set("HX-Reswap", "outerHTML")
	h.Set("HX-Push-Url", address)
	v.answer(p)
}

func (v visit) answer(p page) {
	if err := v.forget(v.r.PostForm.Get(keyField)); err != nil { // it is done all the same
		p.Done = strings.TrimSpace(p.Done + " " + care.SentenceOf(err))
	}
	if !respond.IsHTMX(v.r) {
		v.s.around(v.w, v.r, http.StatusOK, title, content(p))
		return
	}
	respond.HTML(v.w, v.r, swapped(p))
}

// refused answers a refusal that is about a field of the form with the form. Any other leaves the screen as it is, and is
// said in the corner.
func (v visit) refused(err error, f form, draw func(form) templ.Component) error {
	f.wrong(err)
	if len(f.Errors) == 0 {
		return err
	}
	respond.Refused(v.w, v.r, respond.Status(err), draw(f))
	return nil
}

// page is what stands below the name of the administration.
type page struct {
	Tab  string
	Sub  bool   // it has a heading of its own, which takes the focus
	Esc  bool   // Escape leads back to the tab, and keeps what was typed
	Done string // said in the corner
	Body templ.Component
}
