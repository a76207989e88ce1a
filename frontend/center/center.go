// Package center is the member's Message Center: the list of conversations, with its filters and its search.
//
// It draws the list, alone or beside a conversation that another screen draws. It changes nothing.
package center

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

type reader interface {
	Center(ctx context.Context, show, search string) ([]view.Row, error)
	Recipients(ctx context.Context) ([]view.Recipient, error)
}

func views(ctx context.Context) reader { return seat.From(ctx).Views() }

// Page is GET /messages: the list with nothing opened beside it.
func Page(w http.ResponseWriter, r *http.Request) {
	m, err := load(r, "")
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.Address(w, r, link.List(m.Show))
	panes := parts.Panes(false, nav(m), nothing(m))
	switch respond.Swap(r) {
	case "convos":
		respond.HTML(w, r, convos(m))
	case "panes":
		respond.HTML(w, r, panes)
	default:
		respond.HTML(w, r, parts.MemberPage("Message Center", panes))
	}
}

// Beside is the list as it stands beside an opened conversation; at is the id of its row.
func Beside(r *http.Request, at string) (templ.Component, error) {
	m, err := load(r, at)
	if err != nil {
		return nil, err
	}
	return nav(m), nil
}

type filter struct {
	Name, URL string
	On        bool
}

type row struct {
	ID, URL string
	Whole   bool // opens in place of the list, not beside it
	Unread  bool
	At      bool
	Who     string
	When    string
	Machine string // the same for the datetime attribute
	Subject string
	State   parts.StateModel
}

type model struct {
	Show, Search string
	At           string
	Filters      []filter
	Rows         []row
	Empty        string // what to say where there are no rows
	Arriving     bool   // what there is still comes in for the first time
	New          bool   // there has never been a conversation
}

func load(r *http.Request, at string) (model, error) {
	ctx := r.Context()
	m := model{Show: shown(r.FormValue("show")), Search: r.FormValue("search"), At: at}
	rows, err := views(ctx).Center(ctx, showAll(m.Show), m.Search)
	if err != nil {
		return m, err
	}
	offices, err := views(ctx).Recipients(ctx)
	if err != nil {
		return m, err
	}
	frame := parts.FrameFrom(ctx)
	m.Arriving = frame.Sync.Arriving && len(rows) == 0 && m.Show == "" && m.Search == ""
	return build(m, rows, parts.DoctorsOf(offices), frame.Clock), nil
}

// The filters, as addresses name them; "" is all.
var filters = []struct{ show, name, empty string }{
	{"", "All", "Your conversations will be listed here."},
	{"unread", "Unread", "Nothing is unread."},
	{"waiting", "Waiting", "Nothing waits for a reply or to be sent."},
	{"drafts", "Drafts", "You have no drafts."},
}

func shown(show string) string {
	for _, f := range filters {
		if f.show == show {
			return show
		}
	}
	return ""
}

func showAll(show string) string {
	if show == "" {
		return "all"
	}
	return show
}

func build(m model, rows []view.Row, doctors parts.Doctors, clock say.Clock) model {
	for _, f := range filters {
		m.Filters = append(m.Filters, filter{Name: f.name, URL: link.List(f.show), On: f.show == m.Show})
		if f.show == m.Show {
			m.Empty = f.empty
		}
	}
	if m.Search != "" {
		m.Empty = "Nothing found. Try another word, or fewer."
	}
	if m.Arriving {
		m.Empty = "Your messages are arriving on this computer."
	}
	m.New = len(rows) == 0 && !m.Arriving && m.Show == "" && m.Search == ""
	for _, r := range rows {
		m.Rows = append(m.Rows, rowOf(r, m, doctors, clock))
	}
	return m
}

// trigger says when the rows are drawn again. While all comes in for the first time, the sync state says when none is
// to come.
func (m model) trigger() string {
	if m.Arriving {
		return "postern:changed from:body, postern:sync from:body"
	}
	return "postern:changed from:body"
}

func rowOf(r view.Row, m model, doctors parts.Doctors, clock say.Clock) row {
	out := row{ID: link.RowID(r.Part, r.Draft), Unread: r.Unread, When: clock.Moment(r.At), Machine: clock.Machine(r.At),
		Who: doctors.Name(r.Office), Subject: say.Line(string(r.Subject)), State: parts.RowState(r, clock)}
	switch {
	case !r.Part.IsZero():
		out.URL = link.Conversation(r.Part, m.Show)
	case r.State == view.StateDraft:
		out.URL, out.Whole = link.Draft(r.Draft), true
	default:
		out.URL = link.Sent(r.Draft)
	}
	switch {
	case r.Unopened():
		out.Who, out.Subject = "The clinic", "Still arriving"
	case r.Office.ID == "":
		out.Who = "No office chosen yet"
	}
	if out.Subject == "" {
		out.Subject = "(No subject)"
	}
	out.At = out.ID == m.At
	return out
}
