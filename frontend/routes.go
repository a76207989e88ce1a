package frontend

import (
	"net/http"

	"postern/backend/care"
	"postern/frontend/center"
	"postern/frontend/compose"
	"postern/frontend/desk"
	"postern/frontend/inbox"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/static"
	"postern/frontend/thread"
)

// routes is the whole table of addresses. Each says who may come: anybody with the files, a browser with a session, a
// person who is signed in, a member, the care team.
func (s *server) routes() http.Handler {
	letters := thread.New(center.Beside)

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.signedIn(s.start))
	mux.HandleFunc("POST /session", withForm(s.signIn))
	mux.HandleFunc("POST /session/lock", s.lock)
	mux.HandleFunc("POST /session/others", s.others)
	mux.Handle("POST /session/active", s.signedIn(s.active))
	mux.HandleFunc("GET /recovery", s.forgot)
	mux.HandleFunc("POST /recovery", withForm(s.takeCode))
	mux.HandleFunc("GET /recovery/passphrase", s.choose)
	mux.HandleFunc("POST /recovery/passphrase", withForm(s.takeNew))
	mux.Handle("GET /passphrase", s.signedIn(s.keys))
	mux.Handle("POST /passphrase", s.signedIn(withForm(s.changePassphrase)))
	mux.HandleFunc("POST /passphrase/strength", withForm(s.strength))
	mux.HandleFunc("POST /passphrase/suggestion", s.suggestion)
	mux.Handle("POST /passphrase/sheet", s.signedIn(withForm(s.newSheet)))
	mux.Handle("POST /passphrase/sheet/copy", s.signedIn(withForm(s.saveSheet)))
	mux.HandleFunc("POST /look", withForm(s.setLook))
	mux.HandleFunc("POST /window", s.another)
	mux.HandleFunc("POST /window/print", s.print)
	mux.HandleFunc("GET /events", s.events)
	mux.Handle("GET /sync", s.signedIn(s.sync))
	mux.Handle("POST /sync", s.signedIn(s.syncNow))
	mux.Handle("POST /sync/offline", s.signedIn(s.workOffline))

	mux.Handle("GET /messages", s.member(center.Page))
	mux.Handle("GET /messages/new", s.member(compose.New))
	mux.Handle("POST /messages/for", s.member(withForm(s.actFor)))
	mux.Handle("GET /messages/{part}", s.member(letters.Conversation))
	mux.Handle("POST /messages/{part}/read", s.member(letters.Read))
	mux.Handle("POST /messages/{part}/resend", s.member(letters.Resend))
	mux.Handle("POST /messages/{part}/copy", s.member(s.saveCopy))

	mux.Handle("GET /drafts/{draft}", s.member(compose.Edit))
	mux.Handle("POST /drafts/{draft}", s.member(compose.Save))
	mux.Handle("GET /drafts/{draft}/review", s.member(compose.Look))
	mux.Handle("POST /drafts/{draft}/review", s.member(compose.Review))
	mux.Handle("POST /drafts/{draft}/sending", s.member(compose.Send))
	mux.Handle("POST /drafts/{draft}/deletion", s.member(compose.Delete))

	mux.Handle("GET /sent/{draft}", s.member(letters.Sent))
	mux.Handle("POST /sent/{draft}/now", s.member(letters.Now))
	mux.Handle("POST /sent/{draft}/back", s.member(letters.Back))
	mux.Handle("POST /sent/{draft}/deletion", s.member(letters.Delete))

	mux.Handle("GET /inbox", s.staff(inbox.Page))
	mux.Handle("GET /inbox/{queue}", s.staff(inbox.Page))
	mux.Handle("GET /inbox/{queue}/{part}", s.staff(inbox.Case(desk.Beside)))
	mux.Handle("POST /cases/{part}/claim", s.staff(desk.Claim))
	mux.Handle("POST /cases/{part}/unclaim", s.staff(desk.Unclaim))
	mux.Handle("POST /cases/{part}/assign", s.staff(desk.Assign))
	mux.Handle("POST /cases/{part}/flag", s.staff(desk.Flag))
	mux.Handle("POST /cases/{part}/reopen", s.staff(desk.Reopen))
	mux.Handle("POST /cases/{part}/confide", s.staff(desk.Confide))
	mux.Handle("POST /cases/{part}/resend", s.staff(desk.Resend))
	mux.Handle("POST /cases/{part}/copy", s.staff(s.saveCopy))
	mux.Handle("POST /cases/{part}/read", s.staff(desk.Read))
	mux.Handle("POST /cases/{part}/draft", s.staff(desk.Draft))
	mux.Handle("POST /cases/{part}/reply", s.staff(desk.Reply))
	mux.Handle("POST /cases/{part}/note", s.staff(desk.Note))
	mux.Handle("POST /cases/{part}/completion", s.staff(desk.Completion))
	mux.Handle("POST /cases/{part}/undo", s.staff(desk.Undo))
	mux.Handle("POST /cases/{part}/now", s.staff(desk.Now))
	mux.Handle("POST /cases/{part}/discard", s.staff(desk.Discard))

	mux.HandleFunc("/", s.nothing)

	outer := http.NewServeMux()
	outer.Handle("GET /static/{version}/{file...}", static.Handler())
	outer.HandleFunc("GET /open", s.open)
	outer.Handle("/", s.withSession(mux))
	return outer
}

// start is the first screen: the Message Center of a member, the inbox of the care team.
func (s *server) start(w http.ResponseWriter, r *http.Request) {
	if seat.From(r.Context()).Me().Role.Staff() {
		inbox.Page(w, r)
		return
	}
	center.Page(w, r)
}

func (s *server) nothing(w http.ResponseWriter, r *http.Request) {
	respond.Failed(w, r, care.Refusef(care.NotFound, "There is no such page."))
}
