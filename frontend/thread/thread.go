// Package thread is one conversation as a member reads it: the letters, what is on its way, and the reply.
//
// A text that was sent and is not yet a conversation is read here too, until it has become one. The list beside it is
// drawn by whoever calls New.
package thread

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

type reader interface {
	Thread(ctx context.Context, part care.EventID) (view.Thread, error)
	HeldText(ctx context.Context, draft string) (view.Held, error)
	Draft(ctx context.Context, id string) (view.Draft, error)
	Recipients(ctx context.Context) ([]view.Recipient, error)
}

type writer interface {
	MarkRead(ctx context.Context, part care.EventID, shown ...care.EventID) error
	SendNow(ctx context.Context, draft string) error
	TakeBack(ctx context.Context, draft string) (view.Draft, error)
	Discard(ctx context.Context, draft string) error
	Became(ctx context.Context, draft string) (seat.Sending, error)
	Resend(ctx context.Context, part care.EventID) error
}

func views(r *http.Request) reader { return seat.From(r.Context()).Views() }
func desk(r *http.Request) writer  { return seat.From(r.Context()).Desk() }

// Beside draws the list that stands beside a conversation; at is the id of the open row.
type Beside func(r *http.Request, at string) (templ.Component, error)

// Screen is the handlers of this screen.
type Screen struct{ beside Beside }

// New makes the screen with the list to draw beside it.
func New(beside Beside) *Screen { return &Screen{beside: beside} }

// Conversation is GET /messages/{part}.
func (s *Screen) Conversation(w http.ResponseWriter, r *http.Request) {
	part, err := partOf(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.Address(w, r, link.Conversation(part, r.FormValue("show")))
	s.show(w, r, part)
}

// Sent is GET /sent/{draft}: the text in its hold, or the conversation that it has become.
func (s *Screen) Sent(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("draft")
	h, err := views(r).HeldText(r.Context(), id)
	if err == nil {
		respond.Address(w, r, link.Sent(id))
		s.draw(w, r, "Message sent", link.RowID(h.Part, id), heldModel(in(r), h))
		return
	}
	if care.KindOf(err) != care.NotFound {
		respond.Failed(w, r, err)
		return
	}
	s.became(w, r, id)
}

// became goes on with what is no longer held: the conversation that it became, or the draft that it is again.
func (s *Screen) became(w http.ResponseWriter, r *http.Request, id string) {
	now, err := desk(r).Became(r.Context(), id)
	if err == nil && !now.Part.IsZero() {
		w.Header().Set("HX-Replace-Url", link.Conversation(now.Part, ""))
		s.showSent(w, r, now.Part)
		return
	}
	if _, err := views(r).Draft(r.Context(), id); err == nil {
		respond.GoTo(w, r, link.Draft(id))
		return
	}
	respond.Failed(w, r, care.Refusef(care.NotFound, "This message is no longer on its way. Look for it in your messages."))
}

// Read is POST /messages/{part}/read.
func (s *Screen) Read(w http.ResponseWriter, r *http.Request) {
	part, err := partOf(r)
	if err == nil {
		var shown []care.EventID
		if shown, err = link.Shown(r); err == nil {
			err = desk(r).MarkRead(r.Context(), part, shown...)
		}
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.Nothing(w)
}

// Resend is POST /messages/{part}/resend: what did not reach the office goes out once more.
func (s *Screen) Resend(w http.ResponseWriter, r *http.Request) {
	part, err := partOf(r)
	if err == nil {
		err = desk(r).Resend(r.Context(), part)
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.show(w, r, part)
}

// Now is POST /sent/{draft}/now: sends at once, or all the same.
func (s *Screen) Now(w http.ResponseWriter, r *http.Request) {
	if err := desk(r).SendNow(r.Context(), r.PathValue("draft")); err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.again(w, r)
}

// Back is POST /sent/{draft}/back: the text is a draft again, to be edited where it was written.
func (s *Screen) Back(w http.ResponseWriter, r *http.Request) {
	d, err := desk(r).TakeBack(r.Context(), r.PathValue("draft"))
	switch {
	case err != nil:
		respond.Failed(w, r, err)
	case r.FormValue("keep") != "" && d.Part.IsZero():
		respond.GoTo(w, r, link.List("drafts"))
	case d.Part.IsZero():
		respond.GoTo(w, r, link.Draft(d.ID))
	default:
		respond.GoTo(w, r, link.Conversation(d.Part, ""))
	}
}

// Delete is POST /sent/{draft}/deletion: a text that was not sent is dropped.
func (s *Screen) Delete(w http.ResponseWriter, r *http.Request) {
	h, err := views(r).HeldText(r.Context(), r.PathValue("draft"))
	if err == nil {
		err = desk(r).Discard(r.Context(), h.Draft)
	}
	switch {
	case err != nil:
		respond.Failed(w, r, err)
	case h.Part.IsZero():
		respond.GoTo(w, r, link.List(""))
	default:
		respond.GoTo(w, r, link.Conversation(h.Part, ""))
	}
}

// again draws, after a command on a sent text, what the person was looking at.
func (s *Screen) again(w http.ResponseWriter, r *http.Request) {
	if part, err := care.ParseEventID(r.FormValue("part")); err == nil {
		s.show(w, r, part)
		return
	}
	s.Sent(w, r)
}

func (s *Screen) show(w http.ResponseWriter, r *http.Request, part care.EventID) {
	t, err := views(r).Thread(r.Context(), part)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.draw(w, r, "Conversation", link.RowID(part, ""), threadModel(in(r), t))
}

func (s *Screen) showSent(w http.ResponseWriter, r *http.Request, part care.EventID) {
	t, err := views(r).Thread(r.Context(), part)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	from := in(r)
	from.sent = true
	s.draw(w, r, "Message sent", link.RowID(part, ""), threadModel(from, t))
}

// draw answers with the page, with list and reader, or with the reader alone, as the request wants it. A reader that
// shows another text than before takes the list along, which has another row for it.
func (s *Screen) draw(w http.ResponseWriter, r *http.Request, title, row string, m model) {
	swap := respond.Swap(r)
	if swap == m.ID {
		respond.HTML(w, r, letters(m))
		return
	}
	list, err := s.beside(r, row)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	panes := parts.Panes(true, list, pane(m))
	if isReader(swap) {
		w.Header().Set("HX-Retarget", "#panes")
		w.Header().Set("HX-Reswap", "outerMorph")
	}
	if respond.Partial(r) {
		respond.HTML(w, r, panes)
		return
	}
	respond.HTML(w, r, parts.MemberPage(title, panes))
}

func partOf(r *http.Request) (care.EventID, error) {
	part, err := care.ParseEventID(r.PathValue("part"))
	if err != nil || part.IsZero() {
		return part, care.Refusef(care.NotFound, "There is no such conversation.")
	}
	return part, nil
}
