package admin

import (
	"errors"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// mailPage is how the mail system stands, and what can be done about it.
type mailPage struct {
	seat.MailState
	Move     form
	Accounts form
	Stays    form
	Agents   []agentCard
}

func (v visit) mail() (mailPage, error) {
	m, err := v.Mail(v.r.Context())
	if err != nil {
		return mailPage{}, err
	}
	host, imap := endpoint(m.IMAP)
	_, smtp := endpoint(m.SMTP)
	if m.Here {
		host = ""
	}
	move, err := v.begun(newForm("move", link.AdminGateway, "host", host, "imapport", imap, "smtpport", smtp))
	if err != nil {
		return mailPage{}, err
	}
	agents, err := v.agents()
	return mailPage{m, move, accountsEmpty(), v.staysForm(), agents}, err
}

// endpoint takes a host and its port apart: an address with colons stands in brackets.
func endpoint(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, ""
	}
	return strings.Trim(s[:i], "[]"), s[i+1:]
}

func (v visit) gatewayPage() (page, error) {
	b, err := v.mail()
	return page{Tab: "gateway", Body: gateway(b)}, err
}

func (v visit) gateway() error {
	p, err := v.gatewayPage()
	if err != nil {
		return err
	}
	v.show(p)
	return nil
}

func (v visit) gatewayChanged(done string) error {
	p, err := v.gatewayPage()
	if err != nil {
		return err
	}
	v.changed(p, done)
	return nil
}

func (v visit) tryMail() error {
	steps, err := v.TryMail(v.r.Context())
	if err != nil {
		return err
	}
	respond.HTML(v.w, v.r, trial(steps, true))
	return nil
}

func (v visit) moveGateway() error {
	b, err := v.mail()
	if err != nil {
		return err
	}
	m := seat.MailChoice{Host: v.typed("host")}
	for _, p := range []struct {
		name string
		to   *int
	}{{"imapport", &m.IMAPPort}, {"smtpport", &m.SMTPPort}} {
		if text := v.typed(p.name); err == nil && text != "" {
			*p.to, err = strconv.Atoi(text)
			if err != nil || *p.to < 1 || *p.to > 65535 {
				err = care.Refusef(care.Invalid, "A port is a number from 1 to 65535.").In(p.name)
			}
		}
	}
	if err == nil {
		err = v.MoveGateway(v.r.Context(), m)
	}
	if err != nil {
		return v.refused(err, b.Move.with(v.r.PostForm), moveForm)
	}
	return v.gatewayChanged("Saved. Everybody is told.")
}

// accountsEmpty is not kept: an accounts file has passwords in it.
func accountsEmpty() form { return newForm("accounts", "", "accounts", "") }

func (v visit) addAccounts() error {
	b, err := v.mail()
	if err != nil {
		return err
	}
	text := v.r.PostForm.Get("accounts")
	err = error(care.Refusef(care.Invalid, "Choose the file with the mailboxes and logins.").In("accounts"))
	if text != "" {
		err = v.AddAccounts(v.r.Context(), []byte(text))
	}
	if err != nil {
		f := b.Accounts.with(v.r.PostForm)
		return v.refused(err, f, func(f form) templ.Component {
			f.Values.Set("accounts", text)
			return accountsForm(f)
		})
	}
	p, err := v.gatewayPage()
	if err != nil {
		return err
	}
	v.changed(p, "Taken in.")
	return nil
}

func (v visit) staysForm() form {
	on := ""
	if v.Stays() {
		on = "yes"
	}
	return newForm("stays", "", "stays", on)
}

func (v visit) setStays() error {
	on := v.typed("stays") == "yes"
	if err := v.SetStays(v.r.Context(), on); err != nil {
		return v.refused(err, v.staysForm().with(v.r.PostForm), staysForm)
	}
	if on {
		return v.gatewayChanged("Saved. It goes on while this screen is locked.")
	}
	return v.gatewayChanged("Saved. It stops while this screen is locked.")
}

func (v visit) loginEnded() error {
	if err := v.LoginEnded(v.r.Context(), v.typed("login")); err != nil {
		return err
	}
	return v.gatewayChanged("Noted: that login is ended.")
}

// worked reports whether every step of a trial did.
func worked(steps []seat.MailStep) error {
	for _, s := range steps {
		if s.Problem != "" {
			return errors.New(s.Problem)
		}
	}
	return nil
}
