package frontend

import (
	"cmp"
	"net/http"
	"slices"

	"postern/backend/care"
	"postern/frontend/center"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// about is the patient for whom somebody reads and writes at a session; the zero value is themself. The name is for saying
// that it has ended: the clinic's list does not have it any more then.
type about struct {
	id   care.PatientID
	name string
}

// A page says whose record it shows, as it says whose page it is: all tabs of a browser are one session, and what is
// typed on a page must go to the record that it shows, whatever another tab turned to since.
const (
	aboutHeader, aboutParam = "Postern-For", "for"
)

func drawnAbout(r *http.Request) care.PatientID {
	return care.PatientID(cmp.Or(r.Header.Get(aboutHeader), r.URL.Query().Get(aboutParam)))
}

func (b *session) reads() about {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.about
}

// turn notes for whom the person of a sign-in reads and writes from now on.
func (b *session) turn(to about) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.signed != nil {
		b.about = to
	}
}

// about turns who is signed in to the patient of the page, or else of the session. ended: the page's patient is none of
// theirs any more.
func (s *server) about(r *http.Request, v visitor) (signed seat.Signed, ended bool) {
	page := drawnAbout(r)
	if page == "" {
		return v.signed.For(v.session.reads().id), false
	}
	for _, p := range v.signed.WritesFor() {
		if p.ID == page {
			return v.signed.For(page), false
		}
	}
	return v.signed, true
}

// acting is what the shell shows of it: nothing to whoever writes for nobody else.
func (s *server) acting(r *http.Request, signed seat.Signed) parts.Acting {
	var a parts.Acting
	if signed.Me().Role != care.RoleMember {
		return a
	}
	all := signed.WritesFor()
	if was := visitorOrNone(r).reads(); was.id != "" && !slices.ContainsFunc(all, func(p care.Patient) bool { return p.ID == was.id }) {
		a.Ended = was.name
	}
	if len(all) < 2 && (len(all) == 0 || all[0].ID == signed.Own()) {
		return a
	}
	now := signed.Patient()
	a.About, a.Name, a.Away = now.ID, now.Name, now.ID != signed.Own()
	a.MRN, a.Whose = parts.MRN(now.MRN), now.Whose()
	people, err := signed.Views().Acting(r.Context())
	if err != nil {
		s.log.ErrorContext(r.Context(), "count for whom somebody writes", "err", err)
	}
	for _, p := range people {
		a.People = append(a.People, parts.ActingFor{ID: string(p.Patient.ID), Name: p.Patient.Name, Self: p.Self, On: p.Patient.ID == now.ID,
			Line: parts.ActingLine(p)})
	}
	return a
}

// visitorOrNone is the session of a request, where one is known already.
func visitorOrNone(r *http.Request) *session {
	if v, ok := r.Context().Value(visitorKey{}).(visitor); ok {
		return v.session
	}
	return &session{}
}

// actFor is POST /messages/for: the Message Center of another patient.
func (s *server) actFor(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r)
	to := care.PatientID(r.PostFormValue("patient"))
	for _, p := range v.signed.WritesFor() {
		if p.ID != to {
			continue
		}
		next := about{id: p.ID, name: p.Name}
		if to == v.signed.Own() {
			next = about{}
		}
		v.session.turn(next)
		v.signed = v.signed.For(to)
		ctx := parts.WithFrame(seat.With(r.Context(), v.signed), s.frame(r, v.signed))
		w.Header().Set("HX-Push-Url", link.Messages)
		center.Page(w, r.WithContext(ctx))
		return
	}
	respond.Failed(w, r, care.Refusef(care.Forbidden, "You do not write for this patient, or not any more. Call the front desk if that is wrong."))
}
