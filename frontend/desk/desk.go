package desk

import (
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// views is what the pane shows.
type views interface {
	Thread(ctx context.Context, part care.EventID) (view.Thread, error)
	Panel(ctx context.Context, patient care.PatientID) (view.Panel, error)
	Colleagues(ctx context.Context, office care.OfficeID) ([]view.Colleague, error)
}

// acts is what the care team does with a conversation.
type acts interface {
	SaveDraft(ctx context.Context, d view.Draft) (view.Draft, error)
	DeleteDraft(ctx context.Context, id string) error
	SendReply(ctx context.Context, draft string) (seat.Sending, error)
	Complete(ctx context.Context, draft string) (seat.Sending, error)
	SendNow(ctx context.Context, draft string) error
	Became(ctx context.Context, draft string) (seat.Sending, error)
	TakeBack(ctx context.Context, draft string) (view.Draft, error)
	Discard(ctx context.Context, draft string) error
	MarkRead(ctx context.Context, part care.EventID, shown ...care.EventID) error
	Claim(ctx context.Context, part care.EventID) error
	Unclaim(ctx context.Context, part care.EventID) error
	Assign(ctx context.Context, part care.EventID, who care.PersonID) error
	Flag(ctx context.Context, part care.EventID, on bool, reason care.Text) error
	SaveNote(ctx context.Context, draft string) error
	Reopen(ctx context.Context, part care.EventID) error
	Confide(ctx context.Context, part care.EventID) error
	Resend(ctx context.Context, part care.EventID) error
	Accept(ctx context.Context, part, reply care.EventID) error
	Decline(ctx context.Context, part, reply care.EventID) error
}

// Beside draws the conversation for the inbox, beside one of its queues. A refresh keeps what is being written as it is;
// any other request may open or close the composer.
func Beside(r *http.Request, queue string, part care.EventID) (templ.Component, error) {
	a := at{queue: queue, part: part, write: modeOf(r.FormValue("what")), draft: draftOf(r)}
	if to := modeOf(r.FormValue("write")); to != "" {
		a = a.turned(to)
	}
	in, err := read(r.Context(), a)
	if err != nil {
		return nil, err
	}
	if in.at == a { // it is still the same text
		in.err = r.FormValue("refused")
	}
	return pane(build(in)), nil
}

// load reads what a pane shows and shapes it.
func load(ctx context.Context, a at) (model, error) {
	in, err := read(ctx, a)
	if err != nil {
		return model{}, err
	}
	return build(in), nil
}

func read(ctx context.Context, a at) (input, error) {
	who, frame := seat.From(ctx), parts.FrameFrom(ctx)
	var v views = who.Views()
	in := input{at: a, clock: frame.Clock, me: who.Me(), practice: frame.Practice}
	var err error
	if in.thread, err = v.Thread(ctx, a.part); err != nil {
		return in, err
	}
	if in.colleagues, err = v.Colleagues(ctx, in.thread.Office.ID); err != nil {
		return in, err
	}
	in.panel, err = v.Panel(ctx, in.thread.Patient.ID)
	if care.KindOf(err) == care.NotFound {
		in.noPanel, err = true, nil
	}
	if err == nil {
		in.at, err = current(ctx, a)
	}
	return in, err
}

// current takes the composer as the request found it, unless the text that it was open for was sent in the meantime, by
// another click or another window: nobody may go on typing into a text that is gone.
func current(ctx context.Context, a at) (at, error) {
	if a.draft == "" {
		a.draft = care.NewID("dr")
		return a, nil
	}
	var do acts = seat.From(ctx).Desk()
	_, err := do.Became(ctx, a.draft)
	switch {
	case err == nil:
		a.write, a.draft = "", care.NewID("dr")
	case care.KindOf(err) != care.NotFound:
		return a, err
	}
	return a, nil
}

// again answers with the pane as it is now.
func again(w http.ResponseWriter, r *http.Request, a at) {
	if !respond.IsHTMX(r) {
		respond.GoTo(w, r, a.open(""))
		return
	}
	m, err := load(r.Context(), a)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, pane(m))
}

// overtaken answers that something else happened first: the pane as it is now, and the sentence.
func overtaken(w http.ResponseWriter, r *http.Request, a at, cause error) {
	m, err := load(r.Context(), a)
	if err != nil || !respond.IsHTMX(r) {
		respond.Failed(w, r, cause)
		return
	}
	respond.Refused(w, r, respond.Status(cause), paneWith(m, care.SentenceOf(cause)))
}

// sameForm answers a refused text with the form that it came from: what was typed stays, and what is wrong stands by it.
func sameForm(w http.ResponseWriter, r *http.Request, a at, cause error) {
	in, err := read(r.Context(), a)
	if err != nil || care.KindOf(cause) == care.Internal {
		respond.Failed(w, r, cause)
		return
	}
	typed := r.FormValue("text")
	in.at.focus, in.err, in.typed = focusText, care.SentenceOf(cause), &typed
	m := build(in)
	m.Composer.Show = true
	w.Header().Set("HX-Retarget", "#composer")
	w.Header().Set("HX-Reswap", "outerHTML")
	respond.Refused(w, r, respond.Status(cause), write(m))
}

// here reads where a request acts. The composer says by itself what it is open for, so that no answer closes it.
func here(r *http.Request) (at, error) {
	if err := r.ParseForm(); err != nil {
		return at{}, respond.BadForm(err)
	}
	part, err := care.ParseEventID(r.PathValue("part"))
	if err != nil {
		return at{}, care.Because(care.NotFound, err, "There is no such conversation.")
	}
	queue := r.FormValue("queue")
	if queue == "" {
		queue = "all"
	}
	return at{queue: queue, part: part, write: modeOf(r.PostFormValue("what")), draft: draftOf(r)}, nil
}

func modeOf(s string) string {
	switch s {
	case modeNone, modeReply, modeNote, modeClosing:
		return s
	}
	return ""
}

// draftOf is the draft that the open form carries.
func draftOf(r *http.Request) string {
	if id := r.FormValue("draft"); care.ValidID("dr", id) {
		return id
	}
	return ""
}

// text is what was typed, with one kind of line end.
func text(r *http.Request) care.Text {
	return care.Text(strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"))
}
