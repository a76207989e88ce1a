package frontend

import (
	"net/http"

	"postern/backend/care"
	"postern/frontend/admin"
	"postern/frontend/audit"
	"postern/frontend/center"
	"postern/frontend/compose"
	"postern/frontend/desk"
	"postern/frontend/enrol"
	"postern/frontend/inbox"
	"postern/frontend/link"
	"postern/frontend/notices"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/setup"
	"postern/frontend/static"
	"postern/frontend/thread"
)

// waysIn are the addresses of who has no profile yet. Nobody is signed in there.
func (s *server) waysIn(mux *http.ServeMux) {
	invited := func(handle func(http.ResponseWriter, *http.Request, *way)) http.HandlerFunc {
		return withForm(s.newcomer(link.Invitation, handle))
	}
	mux.HandleFunc("GET /invitation", s.enrolStep(enrol.AtInvitation))
	mux.HandleFunc("POST /invitation", invited(s.openInvitation))
	mux.HandleFunc("POST /invitation/file", s.newcomer(link.Invitation, s.takeInvitation))
	mux.HandleFunc("GET /invitation/born", s.enrolStep(enrol.AtBorn))
	mux.HandleFunc("POST /invitation/born", invited(s.takeBorn))
	mux.HandleFunc("GET /invitation/passphrase", s.enrolStep(enrol.AtPassphrase))
	mux.HandleFunc("POST /invitation/passphrase", invited(s.enrol))
	mux.HandleFunc("GET /invitation/progress", s.enrolStep(enrol.AtProgress))
	mux.HandleFunc("POST /invitation/sheet", s.enrolling(s.newEnrolSheet))
	mux.HandleFunc("POST /invitation/sheet/copy", withForm(s.onWay(link.Invitation, s.saveEnrolSheet)))
	mux.HandleFunc("POST /invitation/sheet/kept", withForm(s.enrolling(s.keptEnrolSheet)))
	mux.HandleFunc("POST /invitation/entry", s.enrolling(s.enterProfile))
	mux.HandleFunc("POST /invitation/leaving", s.newcomer(link.Invitation, s.leaveWay))

	mux.HandleFunc("GET /setup", s.setupStep(setup.AtPractice))
	mux.HandleFunc("POST /setup", withForm(s.fills(setup.AtPractice, s.takePractice)))
	mux.HandleFunc("GET /setup/mail", s.setupStep(setup.AtMail))
	mux.HandleFunc("POST /setup/mail", withForm(s.fills(setup.AtMail, s.takeMail)))
	mux.HandleFunc("POST /setup/mail/accounts", s.fills(setup.AtMail, s.takeAccounts))
	mux.HandleFunc("POST /setup/mail/trial", withForm(s.fills(setup.AtMail, s.tryMail)))
	mux.HandleFunc("GET /setup/root", s.setupStep(setup.AtRoot))
	mux.HandleFunc("POST /setup/root", withForm(s.fills(setup.AtRoot, s.takeRoot)))
	mux.HandleFunc("GET /setup/you", s.setupStep(setup.AtYou))
	mux.HandleFunc("POST /setup/you", withForm(s.fills(setup.AtYou, s.takeYou)))
	mux.HandleFunc("GET /setup/progress", s.newcomer(link.Setup, s.foundStands))
	mux.HandleFunc("GET /setup/key", s.rootKey(s.showKey))
	mux.HandleFunc("POST /setup/key/file", s.rootKey(s.saveRoot))
	mux.HandleFunc("POST /setup/key/sheet", withForm(s.onWay(link.Setup, s.saveRootSheet)))
	mux.HandleFunc("POST /setup/key/taken", withForm(s.rootKey(s.rootTaken)))
}

// routes is the whole table of addresses. Each says who may come: anybody with the files, a browser with a session, a
// person who is signed in, a member, the care team.
func (s *server) routes() http.Handler {
	letters := thread.New(center.Beside)
	office := admin.New(inbox.Around)
	trail := audit.New(inbox.Around)

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.signedIn(s.start))
	mux.HandleFunc("POST /session", withForm(s.signIn))
	mux.HandleFunc("POST /session/keychain", withForm(s.openByKeychain))
	mux.HandleFunc("POST /session/lock", s.lock)
	mux.HandleFunc("POST /session/others", s.others)
	mux.Handle("POST /session/active", s.signedIn(s.active))
	s.waysIn(mux)
	mux.HandleFunc("GET /recovery", s.forgot)
	mux.HandleFunc("POST /recovery", withForm(s.takeCode))
	mux.HandleFunc("GET /recovery/passphrase", s.choose)
	mux.HandleFunc("POST /recovery/passphrase", withForm(s.takeNew))
	mux.Handle("GET /passphrase", s.signedIn(s.keys))
	mux.Handle("POST /passphrase", s.signedIn(withForm(s.changePassphrase)))
	mux.HandleFunc("POST /passphrase/strength", withForm(s.strength))
	mux.HandleFunc("POST /passphrase/suggestion", s.suggestion)
	mux.Handle("POST /passphrase/keychain", s.member(withForm(s.setKeychain)))
	mux.Handle("POST /passphrase/sheet", s.signedIn(withForm(s.newSheet)))
	mux.Handle("POST /passphrase/sheet/copy", s.signedIn(withForm(s.saveSheet)))
	mux.HandleFunc("POST /look", withForm(s.setLook))
	mux.HandleFunc("POST /window", s.another)
	mux.HandleFunc("POST /window/print", s.print)
	mux.HandleFunc("GET /events", s.events)
	mux.Handle("GET /sync", s.signedIn(s.sync))
	mux.Handle("POST /sync", s.signedIn(s.syncNow))
	mux.Handle("POST /sync/offline", s.signedIn(s.workOffline))

	mux.Handle("GET /notices", s.member(notices.Page))
	mux.Handle("POST /notices", s.member(withForm(notices.Choose)))

	mux.Handle("GET /messages", s.member(center.Page))
	mux.Handle("GET /messages/new", s.member(compose.New))
	mux.Handle("POST /messages/for", s.member(withForm(s.actFor)))
	mux.Handle("GET /messages/{part}", s.member(letters.Conversation))
	mux.Handle("POST /messages/{part}/read", s.member(letters.Read))
	mux.Handle("POST /messages/{part}/resend", s.member(letters.Resend))
	mux.Handle("POST /messages/{part}/copy", s.member(s.saveCopy))
	mux.Handle("POST /messages/{part}/files/{item}/{n}", s.member(s.saveFile))
	mux.Handle("POST /messages/{part}/files/{item}/{n}/picture", s.member(s.showFile))

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
	mux.Handle("POST /cases/{part}/acceptance", s.staff(desk.Accept))
	mux.Handle("POST /cases/{part}/declining", s.staff(desk.Decline))
	mux.Handle("POST /cases/{part}/resend", s.staff(desk.Resend))
	mux.Handle("POST /cases/{part}/copy", s.staff(s.saveCopy))
	mux.Handle("POST /cases/{part}/files/{item}/{n}", s.staff(s.saveFile))
	mux.Handle("POST /cases/{part}/files/{item}/{n}/picture", s.staff(s.showFile))
	mux.Handle("POST /cases/{part}/read", s.staff(desk.Read))
	mux.Handle("POST /cases/{part}/draft", s.staff(desk.Draft))
	mux.Handle("POST /cases/{part}/reply", s.staff(desk.Reply))
	mux.Handle("POST /cases/{part}/note", s.staff(desk.Note))
	mux.Handle("POST /cases/{part}/completion", s.staff(desk.Completion))
	mux.Handle("POST /cases/{part}/undo", s.staff(desk.Undo))
	mux.Handle("POST /cases/{part}/now", s.staff(desk.Now))
	mux.Handle("POST /cases/{part}/discard", s.staff(desk.Discard))

	mux.Handle("GET /administration", s.administrator(office.Members()))
	mux.Handle("GET /administration/rail", s.administrator(inbox.Rail))
	mux.Handle("POST /administration/form", s.administrator(office.Keep()))
	mux.Handle("POST /administration/form/end", s.administrator(office.LetGo()))
	mux.Handle("GET /administration/members/new", s.administrator(office.NewMember()))
	mux.Handle("POST /administration/members", s.administrator(office.AddMember()))
	mux.Handle("GET /administration/members/{patient}", s.administrator(office.Member()))
	mux.Handle("POST /administration/members/{patient}", s.administrator(office.SetMember()))
	mux.Handle("GET /administration/members/{patient}/candidates", s.administrator(office.Candidates()))
	mux.Handle("POST /administration/members/{patient}/proxies", s.administrator(office.AddProxy()))
	mux.Handle("POST /administration/members/{patient}/proxies/end", s.administrator(office.EndProxy()))
	mux.Handle("GET /administration/import", s.administrator(office.Import()))
	mux.Handle("POST /administration/import/trial", s.administrator(office.ImportTry()))
	mux.Handle("POST /administration/import/file", s.administrator(office.ImportFile()))
	mux.Handle("POST /administration/import", s.administrator(office.ImportDone()))
	for _, person := range []string{"/administration/members/{patient}", "/administration/staff/{person}"} {
		mux.Handle("POST "+person+"/invitation", s.administrator(office.Invite()))
		mux.Handle("POST "+person+"/withdrawal", s.administrator(office.Withdraw()))
		mux.Handle("GET "+person+"/removal", s.administrator(office.Removal()))
		mux.Handle("POST "+person+"/removal", s.administrator(office.Remove()))
		mux.Handle("POST "+person+"/devices", s.administrator(office.Revoke()))
	}
	mux.Handle("POST /administration/invitation/file", s.administrator(withForm(s.saveInvitation)))
	mux.Handle("GET /administration/offices", s.administrator(office.Offices()))
	mux.Handle("POST /administration/offices", s.administrator(office.AddOffice()))
	mux.Handle("GET /administration/offices/new", s.administrator(office.NewOffice()))
	mux.Handle("GET /administration/offices/{office}", s.administrator(office.Office()))
	mux.Handle("POST /administration/offices/{office}", s.administrator(office.SetOffice()))
	mux.Handle("POST /administration/offices/{office}/absence", s.administrator(office.SetAbsence()))
	mux.Handle("POST /administration/offices/{office}/absence/preview", s.administrator(office.AbsenceSeen()))
	mux.Handle("POST /administration/offices/{office}/absence/end", s.administrator(office.EndAbsence()))
	mux.Handle("GET /administration/holidays", s.administrator(office.Holidays()))
	mux.Handle("POST /administration/holidays", s.administrator(office.SetHoliday()))
	mux.Handle("POST /administration/holidays/end", s.administrator(office.EndHoliday()))
	mux.Handle("GET /administration/holidays/{date}", s.administrator(office.Holiday()))
	mux.Handle("POST /administration/hours", s.administrator(office.SetHours()))
	mux.Handle("POST /administration/practice", s.administrator(office.SetPractice()))
	mux.Handle("POST /administration/notices", s.administrator(office.SetNotices()))
	mux.Handle("POST /administration/notices/preview", s.administrator(office.NoticeSeen()))
	mux.Handle("GET /administration/staff", s.administrator(office.Staff()))
	mux.Handle("POST /administration/staff", s.administrator(office.AddPerson()))
	mux.Handle("GET /administration/staff/new", s.administrator(office.NewPerson()))
	mux.Handle("GET /administration/staff/{person}", s.administrator(office.Person()))
	mux.Handle("POST /administration/staff/{person}", s.administrator(office.SetPerson()))
	mux.Handle("GET /administration/gateway", s.administrator(office.Gateway()))
	mux.Handle("POST /administration/gateway", s.administrator(office.MoveGateway()))
	mux.Handle("POST /administration/gateway/trial", s.administrator(office.Trial()))
	mux.Handle("POST /administration/gateway/accounts", s.administrator(office.AddAccounts()))
	mux.Handle("POST /administration/gateway/accounts/file", s.administrator(office.AccountsFile()))
	mux.Handle("POST /administration/gateway/stays", s.administrator(office.SetStays()))
	mux.Handle("POST /administration/gateway/agent", s.administrator(office.NameAgent()))
	mux.Handle("POST /administration/gateway/logins", s.administrator(office.LoginEnded()))
	mux.Handle("GET /administration/audit", s.staff(trail.Page))
	mux.Handle("POST /administration/audit", s.staff(withForm(trail.Rows)))
	mux.Handle("POST /administration/audit/export", s.staff(withForm(s.saveAudit)))

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
