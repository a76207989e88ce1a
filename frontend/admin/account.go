package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"

	"github.com/a-h/templ"
	"rsc.io/qr"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// account is how far somebody is in, and what can be done about it.
type account struct {
	Person   care.PersonID
	Kind     seat.StandingKind
	Sentence string
	URL      string // of the person's page
	Devices  []device
	Self     bool
}

type device struct {
	Key, Shown, Since string
	Revoked           bool
}

func accountOf(who care.PersonID, s seat.Standing, devices []seat.Device, url string, c say.Clock) account {
	a := account{Person: who, Kind: s.Kind, URL: url}
	switch s.Kind {
	case seat.StandingInvited:
		a.Sentence = "Invited. The invitation works once, until " + c.Day(s.On) + "."
	case seat.StandingExpired:
		a.Sentence = "The invitation expired on " + c.Day(s.On) + " without an answer."
	case seat.StandingEnrolled:
		a.Sentence = "Enrolled since " + c.Day(s.On) + "."
	case seat.StandingLeft:
		a.Sentence = "Removed. They read and write nothing new."
	default:
		a.Sentence = "Not invited yet."
	}
	for _, d := range devices {
		a.Devices = append(a.Devices, device{d.Key.String(), d.Key.Shown(), c.Date(d.Since), d.Revoked})
	}
	return a
}

// subject is the person whom an address of the administration names, a member or somebody of the staff.
type subject struct {
	Person  care.PersonID
	Name    string
	URL     string
	Tab     string
	changed func(done string) error // draws their page after a change
}

func (v visit) subject() (subject, error) {
	if v.r.PathValue("patient") != "" {
		b, err := v.memberOf()
		if err != nil {
			return subject{}, err
		}
		if b.Person == "" {
			return subject{}, care.Refusef(care.NotFound, "This patient has no account.")
		}
		return subject{b.Person, b.Patient.Name, b.URL, "members", v.memberChanged}, nil
	}
	e, err := v.employee()
	if err != nil {
		return subject{}, err
	}
	return subject{e.ID, e.Name, link.AdminPerson(e.ID), "staff", v.personChanged}, nil
}

// invite makes an invitation, and shows it this once.
func (v visit) invite() error {
	s, err := v.subject()
	if err != nil {
		return err
	}
	invited, err := v.Admin.Invite(v.r.Context(), s.Person)
	if err != nil {
		return err
	}
	v.sheet(invited, s.URL, s.Name, s.Tab)
	return nil
}

func (v visit) withdraw() error {
	s, err := v.subject()
	if err != nil {
		return err
	}
	if err := v.Withdraw(v.r.Context(), s.Person); err != nil {
		return err
	}
	return s.changed("The invitation is withdrawn. Its code does not work any more.")
}

func (v visit) revoke() error {
	s, err := v.subject()
	if err != nil {
		return err
	}
	var key care.KeyID
	if err := key.UnmarshalText([]byte(v.typed("key"))); err != nil {
		return care.Because(care.NotFound, err, "There is no such computer.")
	}
	if err := v.RevokeDevice(v.r.Context(), key); err != nil {
		return err
	}
	return s.changed("The computer is withdrawn. It gets nothing new.")
}

// removing is the page that says what a removal does, before it is done.
type removing struct {
	Name, URL string
	Does      []string
	Form      form
}

func (v visit) removing() (removing, subject, error) {
	s, err := v.subject()
	if err != nil {
		return removing{}, s, err
	}
	what, err := v.Removal(s.Person)
	if err != nil {
		return removing{}, s, err
	}
	return removing{s.Name, s.URL, what, newForm("removal", "", "sure", "")}, s, nil
}

func (v visit) removal() error {
	b, s, err := v.removing()
	if err != nil {
		return err
	}
	v.show(page{Tab: s.Tab, Sub: true, Body: removalPage(b)})
	return nil
}

func (v visit) remove() error {
	b, s, err := v.removing()
	if err != nil {
		return err
	}
	if v.typed("sure") == "" {
		err = care.Refusef(care.Invalid, "Tick the box first.").In("sure")
	} else {
		err = v.Admin.Remove(v.r.Context(), s.Person)
	}
	if err != nil {
		return v.refused(err, b.Form.with(v.r.PostForm), func(f form) templ.Component {
			b.Form = f
			return removalForm(b)
		})
	}
	if err := v.forget(s.URL); err != nil {
		return err
	}
	v.w.Header().Set("HX-Push-Url", s.URL)
	return s.changed(s.Name + " is removed.")
}

// sheet is an invitation as it is shown and printed. The code and the file stand on this page, and nowhere else.
type sheet struct {
	Name, Back string
	Groups     []string
	File       string // in base64, for the form that saves it
	FileName   string
	Code       string
	Mark       templ.Component
	Expires    string
	Practice   string
	FrontDesk  string
	Member     bool
	Agent      bool
}

func (v visit) sheet(i seat.Invited, back, name, tab string) {
	p := v.Practice()
	s := sheet{Name: name, Back: back, Code: i.Code, File: base64.StdEncoding.EncodeToString(i.File), FileName: invitationName(i.File), Expires: v.clock().DatedDay(i.Expires),
		Practice: p.Name, FrontDesk: p.FrontDesk, Member: tab == "members", Agent: i.Person.Role == care.RoleAgent}
	s.Groups = strings.FieldsFunc(i.Code, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	mark, err := square(i.Code)
	if err != nil {
		mark = templ.NopComponent // the code itself is printed beside it
	}
	s.Mark = mark
	v.moved(page{Tab: tab, Sub: true, Body: sheetPage(s)}, back, "")
}

// whereTo is where the file of an invitation goes.
func whereTo(s sheet) string {
	if s.Agent {
		return "that computer"
	}
	return "your computer"
}

// square is a code as a picture that a camera reads: black on white, whatever the screen, with the margin that it needs.
func square(code string) (templ.Component, error) {
	c, err := qr.Encode(code, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a code: %w", err)
	}
	const margin = 4
	var b bytes.Buffer
	side := c.Size + 2*margin
	fmt.Fprintf(&b, `<svg class="qr" role="img" aria-label="The code, for a camera" viewBox="0 0 %d %d" shape-rendering="crispEdges"><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, side, side, side, side)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return templ.Raw(b.String()), nil
}

// invitationName is the name of an invitation's file. It says what it is and not whose: a mark, which is on the letter too,
// tells several in one folder apart.
func invitationName(file []byte) string {
	sum := sha256.Sum256(file)
	return "invitation-" + base32.StdEncoding.EncodeToString(sum[:])[:4] + ".postern-invite"
}

// InvitationFile reads from the sheet what is to be saved as a file: its name, and what is in it.
func InvitationFile(posted string) (name string, content []byte, err error) {
	content, err = base64.StdEncoding.DecodeString(posted)
	if err != nil || len(content) == 0 {
		return "", nil, care.Because(care.Invalid, err, "There is no invitation to save. Make a new one.")
	}
	return invitationName(content), content, nil
}

// invitesBy makes a button invite somebody: the sheet takes the place of the page.
func invitesBy(url string) templ.Attributes {
	return templ.Attributes{"type": "button", "hx-post": url, "hx-target": "#main", "hx-swap": "outerHTML", "hx-disable": "this"}
}
