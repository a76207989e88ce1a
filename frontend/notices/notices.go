// Package notices is the page on which a member says whether they want to be told by ordinary e-mail that there is something to
// read. It decides nothing.
package notices

import (
	"context"
	"net/http"
	"strings"

	"postern/backend/care"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// model is how the member stands, and how they are told of it.
type model struct {
	seat.Notices
	Named  bool   // the e-mails name the practice
	Others string // for whom the member writes beside themself: their news is told, too
	Done   bool   // it was chosen just now
	Later  bool   // and the clinic hears of it when this computer is online
}

// learns is what the e-mails give away.
func (m model) learns(practice string) string {
	if m.Named && practice != "" {
		return "Whoever can read that mailbox learns that you write to " + practice + "."
	}
	return "Whoever can read that mailbox learns that you use Postern."
}

type member interface {
	Notices(ctx context.Context) (seat.Notices, error)
	ChooseNotices(ctx context.Context, on bool) error
	Practice() care.Practice
	WritesFor() []care.Patient
	Own() care.PatientID
	Sync() care.SyncState
}

func load(ctx context.Context, who member) (model, error) {
	n, err := who.Notices(ctx)
	m := model{Notices: n, Named: who.Practice().Policy.Notices.Name}
	var others []string
	for _, p := range who.WritesFor() {
		if p.ID != who.Own() {
			others = append(others, p.Name)
		}
	}
	m.Others = strings.Join(others, ", ")
	return m, err
}

// Page is GET /notices.
func Page(w http.ResponseWriter, r *http.Request) {
	m, err := load(r.Context(), seat.From(r.Context()))
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, page(m))
}

// Choose is POST /notices.
func Choose(w http.ResponseWriter, r *http.Request) {
	who := seat.From(r.Context())
	if err := who.ChooseNotices(r.Context(), r.PostFormValue("on") == "yes"); err != nil {
		respond.Failed(w, r, err)
		return
	}
	m, err := load(r.Context(), who)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	m.Done = true
	switch who.Sync().Phase {
	case care.SyncOffline, care.SyncRefused:
		m.Later = true
	}
	if !respond.IsHTMX(r) {
		respond.HTML(w, r, page(m))
		return
	}
	respond.HTML(w, r, chosen(m))
}
