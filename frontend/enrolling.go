package frontend

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/enrol"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/passphrase"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// enrolment is what somebody with an invitation typed, and from when it was sent the profile alone.
type enrolment struct {
	file        []byte
	name        string // of the file
	code        string
	open        bool // with file and code as they are
	invitation  seat.Invitation
	born        parts.Born
	fits        bool // the date of birth is the one of the invitation
	label       string
	pass, again string
	profile     string
	hasSheet    bool
	settled     bool
}

// bornOn is the date of birth in ISO 8601; "" where it is not asked for.
func (e *enrolment) bornOn() string {
	if !e.invitation.AsksBorn {
		return ""
	}
	day, errs := e.born.Date(time.Time{})
	if len(errs) > 0 {
		return ""
	}
	return day.Format(time.DateOnly)
}

// reach is the furthest step at which somebody can be.
func (e *enrolment) reach() enrol.At {
	switch {
	case e.profile != "":
		return enrol.AtProgress
	case !e.open:
		return enrol.AtInvitation
	case e.invitation.AsksBorn && !e.fits:
		return enrol.AtBorn
	}
	return enrol.AtPassphrase
}

// maxLabel is how many characters a name in the chooser may have.
const maxLabel = 60

// shown is a step as it is to be shown, and what is wrong with it.
type shown struct {
	at      enrol.At
	code    int // HTTP; 0: all is well
	errs    parts.Errors
	problem string
	sheet   templ.Component
}

// drawEnrol draws a step. Where it is another than the one that was posted, the address follows.
func (s *server) drawEnrol(w http.ResponseWriter, r *http.Request, y *way, v shown) {
	e := &y.enrol
	m := enrol.Model{At: v.at, Invitation: e.invitation, Errors: v.errs, Problem: v.problem, Lapsed: y.lapsed, File: e.name, HasCode: e.code != "",
		Born: e.born, Label: e.label, HasPassphrase: e.pass != "" && e.pass == e.again && v.errs["new"] == "",
		Settled: e.settled, HasSheet: e.hasSheet, Sheet: v.sheet}
	y.lapsed = false
	m.Fields = passphrase.Fields("Passphrase", s.choosing(r, v.at.Address()), v.errs)
	if v.at == enrol.AtProgress {
		standing, err := s.home.Enrolling(e.profile)
		switch {
		case care.KindOf(err) == care.NotFound:
			standing = seat.Enrolling{Over: true, Problem: care.SentenceOf(err)}
		case err != nil:
			respond.Failed(w, r, err)
			return
		}
		m.Standing = standing
	}
	f := parts.FrameFrom(r.Context())
	f.Practice = m.Invitation.Clinic
	r = r.WithContext(parts.WithFrame(r.Context(), f))
	draw := enrol.Page(m)
	switch respond.Swap(r) {
	case "wizard":
		draw = enrol.Step(m)
	case "progress":
		draw = enrol.Progress(m)
		if m.Standing.Over { // the recovery sheet goes as well: it opens nothing
			draw = enrol.Step(m)
			w.Header().Set("HX-Retarget", "#wizard")
		}
	}
	if r.Method == http.MethodPost {
		turnsTo(w, r, v.at.Address())
	}
	respond.Refused(w, r, cmp.Or(v.code, http.StatusOK), draw)
}

// enrolStep shows a step, or the last one that can be shown.
func (s *server) enrolStep(at enrol.At) http.HandlerFunc {
	return s.newcomer(link.Invitation, func(w http.ResponseWriter, r *http.Request, y *way) {
		reach := y.enrol.reach()
		if at > reach || reach == enrol.AtProgress && at != reach || at == enrol.AtBorn && !y.enrol.invitation.AsksBorn {
			respond.GoTo(w, r, reach.Address())
			return
		}
		s.drawEnrol(w, r, y, shown{at: at})
	})
}

// takeInvitation takes the invitation file. What is in it is seen once there is a code.
func (s *server) takeInvitation(w http.ResponseWriter, r *http.Request, y *way) {
	e := &y.enrol
	f, fits, err := posted(r, enrol.MaxFile)
	switch {
	case err != nil:
		respond.Failed(w, r, err)
	case e.profile != "":
		respond.GoTo(w, r, link.Enrolling)
	case !fits:
		respond.Refused(w, r, http.StatusRequestEntityTooLarge, enrol.File(e.name, "This file is too large to be an invitation. Choose the one whose name ends in .postern-invite."))
	case len(f.content) == 0:
		respond.Refused(w, r, http.StatusUnprocessableEntity, enrol.File(e.name, "This file is empty. Save the invitation again, or ask for another one."))
	default:
		e.file, e.name, e.open = f.content, f.name, false
		respond.HTML(w, r, enrol.File(e.name, ""))
	}
}

// openInvitation opens the invitation with its code.
func (s *server) openInvitation(w http.ResponseWriter, r *http.Request, y *way) {
	e := &y.enrol
	if e.profile != "" {
		respond.GoTo(w, r, link.Enrolling)
		return
	}
	if asked(r, "change", "code") {
		e.code, e.open = "", false
		s.drawEnrol(w, r, y, shown{at: enrol.AtInvitation})
		return
	}
	code := cmp.Or(plainCode(r.PostFormValue("code")), e.code)
	errs := parts.Errors{}
	if len(e.file) == 0 {
		errs["file"] = "Choose your invitation file."
	}
	if n := utf8.RuneCountInString(code); n == 0 {
		errs["code"] = "Type the code."
	} else if n != enrol.CodeLength {
		errs["code"] = "The code has " + strconv.Itoa(enrol.CodeLength) + " letters and digits. You typed " + strconv.Itoa(n) + "."
	}
	if len(errs) > 0 {
		s.drawEnrol(w, r, y, shown{at: enrol.AtInvitation, code: http.StatusUnprocessableEntity, errs: errs})
		return
	}
	var invitation seat.Invitation
	err := s.one(r.Context(), func() (err error) {
		invitation, err = s.home.OpenInvitation(e.file, code)
		return err
	})
	if err != nil {
		e.code, e.open = "", false
		s.enrolRefused(w, r, y, enrol.AtInvitation, err)
		return
	}
	if e.label == "" {
		e.label, _, _ = strings.Cut(invitation.Name, " ")
	}
	e.code, e.invitation, e.open, e.fits = code, invitation, true, false
	next := enrol.AtPassphrase
	if invitation.AsksBorn {
		next = enrol.AtBorn
	}
	s.drawEnrol(w, r, y, shown{at: next})
}

// plainCode is a code without what only helps reading it.
func plainCode(typed string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.Is(unicode.Pd, c) {
			return -1
		}
		return unicode.ToUpper(c)
	}, typed)
}

// enrolRefused puts a refusal beside the field that it is about, on whichever step that is. One about no field stands on
// the step where it came.
func (s *server) enrolRefused(w http.ResponseWriter, r *http.Request, y *way, at enrol.At, refusal error) {
	if care.KindOf(refusal) == care.Internal || errors.Is(refusal, r.Context().Err()) {
		respond.Failed(w, r, refusal)
		return
	}
	v := shown{at: at, code: respond.Status(refusal), errs: parts.Errors{}}
	field := fieldOf(refusal)
	switch field {
	case "file", "code":
		v.at, y.enrol.open = enrol.AtInvitation, false
		if field == "code" {
			y.enrol.code = ""
		}
	case "born":
		v.at, field, y.enrol.fits = enrol.AtBorn, "month", false
	case "label", "new":
		v.at = enrol.AtPassphrase
	default:
		v.problem = care.SentenceOf(refusal)
		if care.KindOf(refusal) == care.Gone {
			v.at = enrol.AtInvitation
		}
		s.drawEnrol(w, r, y, v)
		return
	}
	v.errs[field] = care.SentenceOf(refusal)
	s.drawEnrol(w, r, y, v)
}

// takeBorn takes the date of birth, and tells here and not at the end whether it is the clinic's.
func (s *server) takeBorn(w http.ResponseWriter, r *http.Request, y *way) {
	e := &y.enrol
	if reach := e.reach(); reach == enrol.AtProgress || reach < enrol.AtBorn || !e.invitation.AsksBorn {
		respond.GoTo(w, r, reach.Address())
		return
	}
	e.born, e.fits = parts.Born{Month: typed(r, "month"), Day: typed(r, "day"), Year: typed(r, "year")}, false
	if asked(r, "back", "yes") {
		s.drawEnrol(w, r, y, shown{at: enrol.AtInvitation})
		return
	}
	if _, errs := e.born.Date(s.now()); len(errs) > 0 {
		s.drawEnrol(w, r, y, shown{at: enrol.AtBorn, code: http.StatusUnprocessableEntity, errs: errs})
		return
	}
	if err := s.one(r.Context(), func() error { return s.home.CheckBorn(e.file, e.code, e.bornOn()) }); err != nil {
		s.enrolRefused(w, r, y, enrol.AtBorn, err)
		return
	}
	e.fits = true
	s.drawEnrol(w, r, y, shown{at: enrol.AtPassphrase})
}

// typed is what stands in a field of one line.
func typed(r *http.Request, name string) string { return strings.TrimSpace(r.PostFormValue(name)) }

// enrol makes the profile and begins to answer the invitation. From then on what was typed is needed no more.
func (s *server) enrol(w http.ResponseWriter, r *http.Request, y *way) {
	e := &y.enrol
	if reach := e.reach(); reach != enrol.AtPassphrase {
		respond.GoTo(w, r, reach.Address())
		return
	}
	s.keepChoice(r, e)
	switch {
	case asked(r, "back", "yes"):
		before := enrol.AtInvitation
		if e.invitation.AsksBorn {
			before = enrol.AtBorn
		}
		s.drawEnrol(w, r, y, shown{at: before})
		return
	case asked(r, "change", "passphrase"):
		e.pass, e.again = "", ""
		s.drawEnrol(w, r, y, shown{at: enrol.AtPassphrase})
		return
	}
	if errs := labelled(e.label, e.pass, e.again); len(errs) > 0 {
		s.drawEnrol(w, r, y, shown{at: enrol.AtPassphrase, code: http.StatusUnprocessableEntity, errs: errs})
		return
	}
	var code string
	err := s.one(r.Context(), func() (err error) {
		e.profile, err = s.home.Enrol(seat.Enrolment{File: e.file, Code: e.code, Born: e.bornOn(), Label: e.label, Passphrase: e.pass})
		return err
	})
	if err != nil {
		e.profile = ""
		s.enrolRefused(w, r, y, enrol.AtPassphrase, err)
		return
	}
	if f := s.opened.Load(); f != nil && bytes.Equal(f.content, e.file) {
		s.opened.Store(nil)
	}
	y.enrol = enrolment{profile: e.profile, invitation: e.invitation, label: e.label}
	v := shown{at: enrol.AtProgress}
	if code, err = s.enrolmentSheet(r, e); err != nil { // it can be made again from there
		v.problem = care.SentenceOf(err)
	} else {
		v.sheet = passphrase.Paper(passphrase.Sheet{Code: code, Label: e.label}, link.EnrolSheetCopy)
	}
	s.drawEnrol(w, r, y, v)
}

// keepChoice keeps what is typed on the page of the passphrase. One that is kept already is not on that page.
func (s *server) keepChoice(r *http.Request, e *enrolment) {
	e.label = typed(r, "label")
	if r.PostForm.Has("new") {
		e.pass, e.again = r.PostFormValue("new"), r.PostFormValue("again")
	}
}

// labelled is what is wrong with a name in the chooser and a passphrase that was typed twice.
func labelled(label, pass, again string) parts.Errors {
	errs := parts.Errors{}
	switch n := utf8.RuneCountInString(label); {
	case n == 0:
		errs["label"] = "Type a name for this computer."
	case n > maxLabel:
		errs["label"] = "Shorten the name to " + strconv.Itoa(maxLabel) + " characters."
	}
	switch {
	case pass == "":
		errs["new"] = "Type a new passphrase."
	case pass != again:
		errs["again"] = twoTexts
	}
	return errs
}

func (s *server) enrolmentSheet(r *http.Request, e *enrolment) (code string, err error) {
	err = s.one(r.Context(), func() (err error) {
		code, err = s.home.EnrolmentSheet(e.profile)
		return err
	})
	e.hasSheet = e.hasSheet || err == nil
	return code, err
}

// enrolling draws the page of an enrolment under way after something that was done there.
func (s *server) enrolling(handle func(http.ResponseWriter, *http.Request, *way)) http.HandlerFunc {
	return s.newcomer(link.Invitation, func(w http.ResponseWriter, r *http.Request, y *way) {
		if y.enrol.profile == "" {
			respond.GoTo(w, r, y.enrol.reach().Address())
			return
		}
		handle(w, r, y)
	})
}

// newEnrolSheet makes a recovery sheet of a profile that is under way.
func (s *server) newEnrolSheet(w http.ResponseWriter, r *http.Request, y *way) {
	code, err := s.enrolmentSheet(r, &y.enrol)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	y.enrol.settled = false
	s.drawEnrol(w, r, y, shown{at: enrol.AtProgress, sheet: passphrase.Paper(passphrase.Sheet{Code: code, Label: y.enrol.label}, link.EnrolSheetCopy)})
}

// keptEnrolSheet takes the sheet from the screen: they have it, or will make one later.
func (s *server) keptEnrolSheet(w http.ResponseWriter, r *http.Request, y *way) {
	y.enrol.settled, y.enrol.hasSheet = true, asked(r, "have", "yes")
	s.drawEnrol(w, r, y, shown{at: enrol.AtProgress})
}

// saveEnrolSheet hands the sheet over as a file. The page that shows the code says it once more.
func (s *server) saveEnrolSheet(w http.ResponseWriter, r *http.Request, y *way) {
	y.mu.Lock()
	label := y.enrol.label
	y.mu.Unlock()
	name, content, err := passphrase.File(r.Context(), passphrase.Sheet{Code: r.PostFormValue("code"), Label: label})
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, name, func() ([]byte, error) { return content, nil })
}

// enterProfile signs in to a profile that the practice has taken in.
func (s *server) enterProfile(w http.ResponseWriter, r *http.Request, y *way) {
	var signed seat.Signed
	err := s.one(r.Context(), func() (err error) {
		signed, err = s.home.Enter(r.Context(), y.enrol.profile)
		return err
	})
	switch {
	case err == nil:
		s.arrive(w, r, signed, y.enrol.profile, link.Home)
	case care.KindOf(err) == care.NotFound || care.KindOf(err) == care.Unfinished: // the page says how it stands
		s.drawEnrol(w, r, y, shown{at: enrol.AtProgress, code: respond.Status(err)})
	default:
		respond.Failed(w, r, err)
	}
}

// leaveWay lets go of what was typed.
func (s *server) leaveWay(w http.ResponseWriter, r *http.Request, _ *way) {
	visitorOf(r).session.endWay()
	respond.Leave(w, r, link.Home)
}

// resume shows the page of an enrolment under way to who has just shown the passphrase of its profile.
func (s *server) resume(w http.ResponseWriter, r *http.Request, profile string) {
	y := s.beginWay(w, visitorOf(r).session)
	y.enrol = enrolment{profile: profile}
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	for _, p := range profiles {
		if p.ID == profile {
			y.enrol.label = p.Label
		}
	}
	respond.GoTo(w, r, link.Enrolling)
}
