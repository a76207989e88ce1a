package frontend

import (
	"context"
	"errors"
	"net/http"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/passphrase"
	"postern/frontend/respond"
	"postern/frontend/say"
	"postern/frontend/seat"
)

const twoTexts = "The two are not the same. Type it again."

// one does what takes the memory that guessing is meant to cost: one request at a time.
func (s *server) one(ctx context.Context, do func() error) error {
	select {
	case s.signing <- struct{}{}:
		defer func() { <-s.signing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refused puts a refused passphrase in words: what is wrong, and beside the field how many tries are left. Only who has
// just tried is told.
func (s *server) refused(ctx context.Context, profile string, refusal error, clock say.Clock) (why, left string) {
	why = care.SentenceOf(refusal)
	kind := care.KindOf(refusal)
	if kind != care.Paused && (kind != care.Invalid || fieldOf(refusal) != "passphrase") {
		return why, ""
	}
	t, err := s.home.Tries(ctx, profile)
	switch {
	case err != nil:
		return why, ""
	case t.Until.IsZero():
		return why, say.TriesLeft(t.Left, t.Pause)
	case kind == care.Invalid:
		why = "That passphrase does not open this profile. "
	default:
		why = ""
	}
	return why + "There is a pause now. " + clock.Again(t.Until), "Your messages are safe. A recovery code works during a pause, too."
}

func fieldOf(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// forgot asks for a recovery code.
func (s *server) forgot(w http.ResponseWriter, r *http.Request) {
	respond.HTML(w, r, passphrase.CodePage(passphrase.Code{}))
}

// choose is the address of the form in which a new passphrase is chosen: it begins with the code.
func (s *server) choose(w http.ResponseWriter, r *http.Request) { respond.GoTo(w, r, link.Recovery) }

// takeCode takes a recovery code, and asks for a new passphrase.
func (s *server) takeCode(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	profile, err := s.home.Recovers(r.Context(), code)
	if err != nil {
		s.badCode(w, r, code, err)
		return
	}
	w.Header().Set("HX-Push-Url", link.Recovered) // a step of its own; the code is in the page alone
	respond.HTML(w, r, passphrase.ChoiceForm(passphrase.Choice{Code: code, Label: profile.Label, Strength: s.home.Judge("", "")}))
}

func (s *server) badCode(w http.ResponseWriter, r *http.Request, code string, err error) {
	if care.KindOf(err) != care.Invalid {
		respond.Failed(w, r, err)
		return
	}
	respond.Refused(w, r, respond.Status(err), passphrase.CodeForm(passphrase.Code{Typed: code, Errors: passphrase.Errors{"code": care.SentenceOf(err)}}))
}

// takeNew signs in with a recovery code and the new passphrase.
func (s *server) takeNew(w http.ResponseWriter, r *http.Request) {
	code, next := r.PostFormValue("code"), r.PostFormValue("new")
	profile, err := s.home.Recovers(r.Context(), code)
	if err != nil { // somebody used it, or made another, meanwhile
		s.badCode(w, r, code, err)
		return
	}
	var signed seat.Signed
	err = same(r)
	if err == nil {
		err = s.one(r.Context(), func() error {
			signed, _, err = s.home.Recover(r.Context(), code, next)
			return err
		})
	}
	field := fieldOf(err)
	switch {
	case err == nil:
		s.arrive(w, r, signed, profile.ID, link.Keys)
	case field == "code": // it was used meanwhile
		s.badCode(w, r, code, err)
	case field != "":
		choice := passphrase.Choice{Code: code, Label: profile.Label, Strength: s.judged(r), Errors: passphrase.Errors{field: care.SentenceOf(err)}}
		respond.Refused(w, r, respond.Status(err), passphrase.ChoiceForm(choice))
	default:
		respond.Failed(w, r, err)
	}
}

// same refuses a new passphrase that was typed in two ways.
func same(r *http.Request) error {
	if r.PostFormValue("new") == r.PostFormValue("again") {
		return nil
	}
	return care.Refusef(care.Invalid, twoTexts).In("again")
}

// keys is the page on which a person looks after their passphrase and their recovery sheet.
func (s *server) keys(w http.ResponseWriter, r *http.Request) {
	who := seat.From(r.Context())
	has, err := who.HasCode()
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	chain, err := who.Keychain(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, passphrase.Page(passphrase.Keys{HasCode: has, Keychain: chain, Member: who.Me().Role == care.RoleMember, Strength: s.home.Judge("", "")}))
}

// changePassphrase changes the passphrase.
func (s *server) changePassphrase(w http.ResponseWriter, r *http.Request) {
	err := same(r)
	if err == nil {
		err = s.one(r.Context(), func() error {
			return seat.From(r.Context()).ChangePassphrase(r.PostFormValue("passphrase"), r.PostFormValue("new"))
		})
	}
	if err == nil {
		chain, err := seat.From(r.Context()).Keychain(r.Context()) // another passphrase has turned it off
		if err != nil {
			respond.Failed(w, r, err)
			return
		}
		w.Header().Set("HX-Reswap", "outerHTML") // what was typed does not stay
		respond.HTML(w, r, passphrase.Changed(s.home.Judge("", ""), chain))
		return
	}
	errs, left, ok := s.wrongField(r, err)
	if !ok {
		respond.Failed(w, r, err)
		return
	}
	respond.Refused(w, r, respond.Status(err), passphrase.ChangeForm(passphrase.Change{Strength: s.judged(r), Errors: errs, Left: left}))
}

// wrongField says which field of a signed-in person's form a refusal is about; ok is false where it is about none.
func (s *server) wrongField(r *http.Request, err error) (errs passphrase.Errors, left string, ok bool) {
	field := fieldOf(err)
	if care.KindOf(err) == care.Paused {
		field = "passphrase"
	}
	why, left := s.refused(r.Context(), visitorOf(r).session.whose(), err, parts.FrameFrom(r.Context()).Clock)
	return passphrase.Errors{field: why}, left, field != ""
}

// newSheet makes a recovery code, and shows it.
func (s *server) newSheet(w http.ResponseWriter, r *http.Request) {
	who := seat.From(r.Context())
	var code string
	err := s.one(r.Context(), func() (err error) {
		code, err = who.NewCode(r.PostFormValue("passphrase"))
		return err
	})
	if err == nil {
		w.Header().Set("HX-Reswap", "outerHTML")
		respond.HTML(w, r, passphrase.SheetShown(s.sheet(r, code)))
		return
	}
	has, failed := who.HasCode()
	errs, left, ok := s.wrongField(r, err)
	if !ok || failed != nil {
		respond.Failed(w, r, errors.Join(err, failed))
		return
	}
	respond.Refused(w, r, respond.Status(err), passphrase.MakeForm(passphrase.Make{HasCode: has, Errors: errs, Left: left}))
}

// setKeychain lets the computer's keychain open the profile, or ends that.
func (s *server) setKeychain(w http.ResponseWriter, r *http.Request) {
	who, on := seat.From(r.Context()), r.PostFormValue("on") == "yes"
	set := func() error { return who.SetKeychain(r.Context(), on, r.PostFormValue("passphrase")) }
	var err error
	if on {
		err = s.one(r.Context(), set)
	} else {
		err = set()
	}
	chain, failed := who.Keychain(r.Context())
	if failed != nil {
		respond.Failed(w, r, errors.Join(err, failed))
		return
	}
	m := passphrase.Keychain{Keychain: chain}
	if err == nil {
		m.Done = true
		w.Header().Set("HX-Reswap", "outerHTML")
		respond.HTML(w, r, passphrase.KeychainSet(m))
		return
	}
	var ok bool
	if m.Errors, m.Left, ok = s.wrongField(r, err); !ok {
		if care.KindOf(err) == care.Internal {
			respond.Failed(w, r, err)
			return
		}
		m.Errors, m.Problem = nil, care.SentenceOf(err)
	}
	respond.Refused(w, r, respond.Status(err), passphrase.KeychainForm(m))
}

// sheet is the recovery sheet of whoever is signed in.
func (s *server) sheet(r *http.Request, code string) passphrase.Sheet {
	out, whose := passphrase.Sheet{Code: code}, visitorOf(r).session.whose()
	profiles, err := s.home.Profiles(r.Context())
	if err != nil {
		s.log.ErrorContext(r.Context(), "name the profile on a recovery sheet", "err", err)
	}
	for _, p := range profiles {
		if p.ID == whose {
			out.Label = p.Label
		}
	}
	return out
}

// saveSheet hands the sheet over as a file. Nothing here keeps the code: the page that shows it says it once more.
func (s *server) saveSheet(w http.ResponseWriter, r *http.Request) {
	name, content, err := passphrase.File(r.Context(), s.sheet(r, r.PostFormValue("code")))
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, name, func() ([]byte, error) { return content, nil })
}

// strength says how strong a new passphrase would be, as it is typed.
func (s *server) strength(w http.ResponseWriter, r *http.Request) {
	respond.HTML(w, r, passphrase.Meter(s.judged(r)))
}

// judged is the strength of the new passphrase in a form.
func (s *server) judged(r *http.Request) seat.Strength {
	return s.home.Judge(s.chooser(r), r.PostFormValue("new"))
}

// suggestion puts a strong passphrase into the form.
func (s *server) suggestion(w http.ResponseWriter, r *http.Request) {
	text, err := s.home.Suggest()
	if err != nil {
		respond.Failed(w, r, care.Because(care.Internal, err, "No passphrase could be suggested. Choose one yourself."))
		return
	}
	respond.HTML(w, r, passphrase.Suggested(text, s.home.Judge(s.chooser(r), text)))
}

// chooser is the profile for which a passphrase is chosen: of whoever is signed in, or came with a code.
func (s *server) chooser(r *http.Request) string {
	if v := visitorOf(r); v.signed != nil {
		return v.session.whose()
	}
	profile, err := s.home.Recovers(r.Context(), r.PostFormValue("code"))
	if err != nil {
		return "" // then it is for nobody, and judged as anybody's
	}
	return profile.ID
}
