// Package inbox is the staff's list of work: the queues at the left, the conversations of one of them beside it.
//
// The list stands in the order in which it should be worked: urgent first, then what is due soonest. An opened
// conversation is drawn by desk, which routes.go hands in; inbox changes nothing itself.
package inbox

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// views is what the inbox shows.
type views interface {
	Queues(ctx context.Context) (queues, offices []view.Queue, err error)
	Queue(ctx context.Context, id, search string) (view.Queue, []view.Row, error)
}

// Beside draws a conversation beside the queue.
type Beside func(r *http.Request, queue string, part care.EventID) (templ.Component, error)

// Page is GET /inbox and GET /inbox/{queue}: the list, with nothing opened beside it.
func Page(w http.ResponseWriter, r *http.Request) {
	m, err := load(r, care.EventID{})
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	answer(w, r, m, nothing(m))
}

// Case is GET /inbox/{queue}/{part}: the list with a conversation opened beside it.
func Case(beside Beside) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		part, err := care.ParseEventID(r.PathValue("part"))
		if err != nil {
			respond.Failed(w, r, care.Because(care.NotFound, err, "There is no such conversation."))
			return
		}
		m, err := load(r, part)
		if err != nil {
			respond.Failed(w, r, err)
			return
		}
		pane, err := beside(r, m.Queue, part)
		if err != nil {
			respond.Failed(w, r, err)
			return
		}
		answer(w, r, m, pane)
	}
}

func answer(w http.ResponseWriter, r *http.Request, m model, pane templ.Component) {
	if respond.Swap(r) == "desk" {
		respond.HTML(w, r, swapped(m, pane))
		return
	}
	respond.HTML(w, r, page(m, pane))
}

// Around answers with a page that stands in place of list and conversation: its main element, and the window's title.
func Around(w http.ResponseWriter, r *http.Request, code int, title string, main templ.Component) {
	m, err := aside(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	m.Name = title
	respond.Refused(w, r, code, around(m, main))
}

// Rail is the rail beside such a page, drawn again.
func Rail(w http.ResponseWriter, r *http.Request) {
	m, err := aside(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, rail(m))
}

func aside(r *http.Request) (m model, err error) {
	ctx := r.Context()
	in := input{clock: parts.FrameFrom(ctx).Clock, me: seat.From(ctx).Me()}
	var v views = seat.From(ctx).Views()
	if in.queues, in.offices, err = v.Queues(ctx); err != nil {
		return m, err
	}
	m = build(in)
	m.Solo = true
	return m, nil
}

// First is the queue that a person sees on arriving.
const First = "unassigned"

func load(r *http.Request, part care.EventID) (model, error) {
	ctx := r.Context()
	in := input{part: part, queueID: r.PathValue("queue"), clock: parts.FrameFrom(ctx).Clock, me: seat.From(ctx).Me()}
	if in.queueID == "" {
		in.queueID = First
	}
	if err := r.ParseForm(); err != nil {
		return model{}, respond.BadForm(err)
	}
	in.searching, in.search = r.Form.Has("search"), r.Form.Get("search")
	in.find = r.Form.Has("find")
	in.most = most(r.Form.Get("rows"))
	in.arriving = parts.FrameFrom(ctx).Sync.Arriving
	var v views = seat.From(ctx).Views()
	var err error
	if in.queues, in.offices, err = v.Queues(ctx); err != nil {
		return model{}, err
	}
	if in.queue, in.rows, err = v.Queue(ctx, in.queueID, in.search); err != nil {
		return model{}, err
	}
	return build(in), nil
}

// The list is drawn in steps: a queue of thousands would make every refresh slow.
const (
	step   = 200
	atMost = 5000
)

func most(rows string) int {
	n, err := strconv.Atoi(rows)
	if err != nil || n < step {
		return step
	}
	return min(n, atMost)
}

// trigger says when the desk is drawn again. While what the clinic has comes in for the first time, the sync state says
// when an empty list is one.
func (m model) trigger() string {
	if m.Arriving {
		return "postern:changed from:body, postern:sync from:body, every 60s"
	}
	return "postern:changed from:body, every 60s"
}

func (m model) address() string {
	if m.Part.IsZero() {
		return link.Queue(m.Queue)
	}
	return link.Case(m.Queue, m.Part)
}
