package frontend

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/passphrase"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/setup"
)

// founding is what whoever makes a practice typed, and once it is made, what came of it.
type founding struct {
	begun       bool
	practice    setup.Practice
	mail        setup.Mail
	trial       []seat.MailStep
	tried       bool
	root, again string // the passphrase of the root key, typed twice
	name, label string
	pass, twice string

	passed  setup.At // the furthest step at which somebody may be
	running bool
	refused error // why it was not made
	made    seat.Founded
}

// reach is the furthest step at which somebody can be.
func (f *founding) reach() setup.At {
	switch {
	case f.made.Profile != "":
		return setup.AtKey
	case f.running:
		return setup.AtFounding
	}
	return f.passed
}

// begin puts in what is there before anything is typed.
func (f *founding) begin() {
	if !f.begun {
		f.begun, f.practice, f.mail = true, setup.NewPractice(), setup.NewMail()
	}
}

// laid is a step of setting up as it is to be shown, and what is wrong with it.
type laid struct {
	at      setup.At
	code    int // HTTP; 0: all is well
	errs    parts.Errors
	problem string
}

func wrong(at setup.At, errs parts.Errors) laid {
	return laid{at: at, code: http.StatusUnprocessableEntity, errs: errs}
}

// drawSetup draws a step. Where it is another than the one that was asked for, the address follows.
func (s *server) drawSetup(w http.ResponseWriter, r *http.Request, y *way, v laid) {
	f := &y.setup
	m := setup.Model{At: v.at, Errors: v.errs, Problem: v.problem, Lapsed: y.lapsed, Practice: f.practice, Mail: f.mail, Trial: f.trial, Tried: f.tried,
		HasRoot: f.root != "" && f.root == f.again && v.errs["new"] == "",
		You:     setup.You{Name: f.name, Label: f.label, HasPassphrase: f.pass != "" && f.pass == f.twice && v.errs["new"] == ""}}
	y.lapsed = false
	label := "Passphrase of the root key"
	if v.at == setup.AtYou {
		label = "Your passphrase"
	}
	m.Fields = passphrase.Fields(label, s.choosing(r, v.at.Address()), v.errs)
	if code := f.made.RootCode; v.at == setup.AtKey && code != "" {
		m.Sheet = passphrase.Paper(passphrase.Sheet{Code: code, Root: f.practice.Name}, link.RootSheetCopy)
	}
	s.layOut(w, r, m, v)
}

func (s *server) layOut(w http.ResponseWriter, r *http.Request, m setup.Model, v laid) {
	draw := setup.Page(m)
	if respond.Swap(r) == "wizard" {
		draw = setup.Step(m)
		if r.URL.Path != link.SetupTrial || v.at != setup.AtMail {
			turnsTo(w, r, v.at.Address())
		}
	}
	respond.Refused(w, r, cmp.Or(v.code, http.StatusOK), draw)
}

// setupStep shows a step, or the last one that can be shown.
func (s *server) setupStep(at setup.At) http.HandlerFunc {
	return s.newcomer(link.Setup, func(w http.ResponseWriter, r *http.Request, y *way) {
		y.setup.begin()
		if reach := y.setup.reach(); at > reach || reach >= setup.AtFounding && at != reach {
			respond.GoTo(w, r, reach.Address())
			return
		}
		s.drawSetup(w, r, y, laid{at: at})
	})
}

// fills lets in whoever fills in a step that can be filled in now.
func (s *server) fills(at setup.At, handle func(http.ResponseWriter, *http.Request, *way)) http.HandlerFunc {
	return s.newcomer(link.Setup, func(w http.ResponseWriter, r *http.Request, y *way) {
		y.setup.begin()
		if reach := y.setup.reach(); at > reach || reach >= setup.AtFounding {
			respond.GoTo(w, r, reach.Address())
			return
		}
		handle(w, r, y)
	})
}

// goOn shows the next step.
func (s *server) goOn(w http.ResponseWriter, r *http.Request, y *way, next setup.At) {
	y.setup.passed = max(y.setup.passed, next)
	s.drawSetup(w, r, y, laid{at: next})
}

// takePractice takes what the practice is.
func (s *server) takePractice(w http.ResponseWriter, r *http.Request, y *way) {
	y.setup.practice = setup.PracticeOf(r.PostForm)
	if _, errs := y.setup.practice.Check(); len(errs) > 0 {
		s.drawSetup(w, r, y, wrong(setup.AtPractice, errs))
		return
	}
	s.goOn(w, r, y, setup.AtMail)
}

// typedMail keeps what is typed of the mail system. What was tried of another is said no more.
func (f *founding) typedMail(m setup.Mail) {
	if !m.Same(f.mail) {
		f.trial, f.tried = nil, false
	}
	f.mail = m
}

// takeAccounts takes the file with the accounts of a mail system elsewhere.
func (s *server) takeAccounts(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	given, fits, err := posted(r, setup.MaxAccounts)
	switch {
	case err != nil:
		respond.Failed(w, r, err)
	case !fits:
		respond.Refused(w, r, http.StatusRequestEntityTooLarge, setup.Accounts(f.mail.File, "This file is too large to be one of accounts."))
	case len(given.content) == 0:
		respond.Refused(w, r, http.StatusUnprocessableEntity, setup.Accounts(f.mail.File, "This file is empty. Choose another one."))
	default:
		m := f.mail
		m.File, m.Accounts = given.name, given.content
		f.typedMail(m)
		respond.HTML(w, r, setup.Accounts(given.name, ""))
	}
}

// tryMail tries the mail system out.
func (s *server) tryMail(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	f.typedMail(f.mail.With(r.PostForm))
	choice, errs := f.mail.Check()
	if len(errs) > 0 {
		s.drawSetup(w, r, y, wrong(setup.AtMail, errs))
		return
	}
	trial, err := s.home.TryMail(r.Context(), choice)
	if err != nil {
		s.foundRefused(w, r, y, setup.AtMail, err)
		return
	}
	f.trial, f.tried = trial, true
	s.drawSetup(w, r, y, laid{at: setup.AtMail})
}

// takeMail takes the mail system.
func (s *server) takeMail(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	f.typedMail(f.mail.With(r.PostForm))
	if asked(r, "back", "yes") {
		s.drawSetup(w, r, y, laid{at: setup.AtPractice})
		return
	}
	if _, errs := f.mail.Check(); len(errs) > 0 {
		s.drawSetup(w, r, y, wrong(setup.AtMail, errs))
		return
	}
	s.goOn(w, r, y, setup.AtRoot)
}

// takeRoot takes the passphrase of the root key.
func (s *server) takeRoot(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	if r.PostForm.Has("new") {
		f.root, f.again = r.PostFormValue("new"), r.PostFormValue("again")
	}
	switch {
	case asked(r, "back", "yes"):
		s.drawSetup(w, r, y, laid{at: setup.AtMail})
		return
	case asked(r, "change", "root"):
		f.root, f.again = "", ""
		s.drawSetup(w, r, y, laid{at: setup.AtRoot})
		return
	}
	errs := labelled("-", f.root, f.again)
	s.strong(errs, f.root)
	if len(errs) > 0 {
		s.drawSetup(w, r, y, wrong(setup.AtRoot, errs))
		return
	}
	s.goOn(w, r, y, setup.AtYou)
}

// strong says of a passphrase that is too weak that it is.
func (s *server) strong(errs parts.Errors, pass string) {
	if j := s.home.Judge("", pass); pass != "" && !j.Enough && len(errs) == 0 {
		errs["new"] = strings.TrimSpace(j.Word + " " + j.Advice)
	}
}

// takeYou takes who makes the practice, and makes it.
func (s *server) takeYou(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	f.name, f.label = typed(r, "name"), typed(r, "label")
	if r.PostForm.Has("new") {
		f.pass, f.twice = r.PostFormValue("new"), r.PostFormValue("again")
	}
	switch {
	case asked(r, "back", "yes"):
		s.drawSetup(w, r, y, laid{at: setup.AtRoot})
		return
	case asked(r, "change", "passphrase"):
		f.pass, f.twice = "", ""
		s.drawSetup(w, r, y, laid{at: setup.AtYou})
		return
	}
	errs := labelled(f.label, f.pass, f.twice)
	s.strong(errs, f.pass)
	switch n := utf8.RuneCountInString(f.name); {
	case n == 0:
		errs["name"] = "Type your name."
	case n > 80:
		errs["name"] = "Shorten your name to " + strconv.Itoa(80) + " characters."
	case f.pass != "" && f.pass == f.root && len(errs) == 0:
		errs["new"] = "This is the passphrase of the root key. Take another one."
	}
	if len(errs) > 0 {
		s.drawSetup(w, r, y, wrong(setup.AtYou, errs))
		return
	}
	s.found(r, y)
	s.drawSetup(w, r, y, laid{at: setup.AtFounding})
}

// found makes the practice, apart from the request: whoever closes the page does not stop it halfway.
func (s *server) found(r *http.Request, y *way) {
	f := &y.setup
	practice, _ := f.practice.Check()
	mail, _ := f.mail.Check()
	what := seat.Founding{Practice: practice, Mail: mail, RootPassphrase: f.root, Name: f.name, Label: f.label, Passphrase: f.pass}
	f.running, f.refused = true, nil
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer cancel()
		var made seat.Founded
		err := s.one(ctx, func() (err error) {
			made, err = s.home.Found(ctx, what)
			return err
		})
		y.mu.Lock()
		defer y.mu.Unlock()
		f.running = false
		if f.refused = err; err == nil {
			y.setup = founding{begun: true, practice: f.practice, made: made} // no passphrase stays
		}
	}()
}

// foundStands says how the making stands.
func (s *server) foundStands(w http.ResponseWriter, r *http.Request, y *way) {
	f := &y.setup
	switch {
	case f.running:
		s.drawSetup(w, r, y, laid{at: setup.AtFounding})
	case f.made.Profile != "":
		s.drawSetup(w, r, y, laid{at: setup.AtKey})
	case f.refused != nil:
		refusal := f.refused
		f.refused = nil
		s.foundRefused(w, r, y, setup.AtYou, refusal)
	default:
		f.begin()
		respond.GoTo(w, r, f.reach().Address())
	}
}

// foundFields says on which step a field is that a refusal names, and what it is called there.
var foundFields = map[string]struct {
	at   setup.At
	name string
}{
	"practice": {setup.AtPractice, "practice"}, "zone": {setup.AtPractice, "zone"},
	"accounts": {setup.AtMail, "accounts"}, "host": {setup.AtMail, "host"}, "imapport": {setup.AtMail, "imapport"}, "smtpport": {setup.AtMail, "smtpport"},
	"rootpassphrase": {setup.AtRoot, "new"},
	"name":           {setup.AtYou, "name"}, "label": {setup.AtYou, "label"}, "new": {setup.AtYou, "new"},
}

// foundRefused puts a refusal beside its field, on whichever step that is; one about no field on the step where it came. A
// defect is told there as well: whoever waits has no other page.
func (s *server) foundRefused(w http.ResponseWriter, r *http.Request, y *way, at setup.At, refusal error) {
	v := laid{at: at, code: respond.Status(refusal)}
	if place, ok := foundFields[fieldOf(refusal)]; ok {
		v.at, v.errs = place.at, parts.Errors{place.name: care.SentenceOf(refusal)}
	} else {
		v.problem = care.SentenceOf(refusal)
	}
	if care.KindOf(refusal) == care.Internal {
		s.log.ErrorContext(r.Context(), "make a practice", "err", refusal)
	}
	s.drawSetup(w, r, y, v)
}

// keyOf is the profile whose root key somebody puts away: on the way in, or an administrator who is signed in and did not
// do it then.
func (s *server) rootKey(handle func(w http.ResponseWriter, r *http.Request, profile string, y *way)) http.HandlerFunc {
	newcomer := s.onWay(link.Setup, func(w http.ResponseWriter, r *http.Request, y *way) {
		y.mu.Lock()
		y.setup.begin()
		profile, reach := y.setup.made.Profile, y.setup.reach()
		y.mu.Unlock()
		if profile == "" {
			respond.GoTo(w, r, reach.Address())
			return
		}
		handle(w, r, profile, y)
	})
	return func(w http.ResponseWriter, r *http.Request) {
		if v := visitorOf(r); v.signed != nil && drawn(r, v.signed) {
			handle(w, r, v.session.whose(), nil)
			return
		}
		newcomer(w, r)
	}
}

// drawKey draws the page on which the root key is put away.
func (s *server) drawKey(w http.ResponseWriter, r *http.Request, profile string, y *way, v laid) {
	if y != nil {
		y.mu.Lock()
		defer y.mu.Unlock()
		s.drawSetup(w, r, y, v)
		return
	}
	if !s.holdsRoot(profile) {
		respond.GoTo(w, r, link.Home)
		return
	}
	s.layOut(w, r, setup.Model{At: setup.AtKey, Errors: v.errs, Later: true}, v)
}

func (s *server) showKey(w http.ResponseWriter, r *http.Request, profile string, y *way) {
	s.drawKey(w, r, profile, y, laid{at: setup.AtKey})
}

// holdsRoot reports whether the root key of a profile's practice is still on this computer.
func (s *server) holdsRoot(profile string) bool {
	_, err := s.home.RootFile(profile)
	return err == nil
}

// saveRoot hands the file with the root key over.
func (s *server) saveRoot(w http.ResponseWriter, r *http.Request, profile string, _ *way) {
	s.handOver(w, r, setup.RootFileName, func() ([]byte, error) { return s.home.RootFile(profile) })
}

// saveRootSheet hands the recovery sheet of the root key over. The page that shows the code says it once more.
func (s *server) saveRootSheet(w http.ResponseWriter, r *http.Request, y *way) {
	y.mu.Lock()
	practice := y.setup.practice.Name
	y.mu.Unlock()
	name, content, err := passphrase.File(r.Context(), passphrase.Sheet{Code: r.PostFormValue("code"), Root: practice})
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, name, func() ([]byte, error) { return content, nil })
}

// rootTaken removes the root key from this computer, and goes on to administration: past the sign-in, on the way in.
func (s *server) rootTaken(w http.ResponseWriter, r *http.Request, profile string, y *way) {
	errs := parts.Errors{}
	if !asked(r, "file", "yes") {
		errs["file"] = "First store the file away."
	}
	if y != nil && !asked(r, "paper", "yes") {
		errs["paper"] = "First print the recovery sheet."
	}
	if len(errs) > 0 {
		s.drawKey(w, r, profile, y, wrong(setup.AtKey, errs))
		return
	}
	if err := s.home.RootTaken(profile); err != nil {
		respond.Failed(w, r, err)
		return
	}
	if y == nil {
		respond.GoTo(w, r, link.Administration)
		return
	}
	visitorOf(r).session.comesTo(profile, link.Administration)
	respond.Leave(w, r, link.Home)
}

// comesTo ends the way in; whoever signs in to the profile next comes to that screen.
func (b *session) comesTo(profile, place string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.way, b.away = nil, &absence{profile: profile, place: place, others: true}
}
