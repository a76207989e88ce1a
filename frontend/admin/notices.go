package admin

import (
	"errors"
	"slices"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/frontend/link"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// notices is whether and how members are told by ordinary e-mail that there is something to read.
type notices struct {
	Form    form
	Mail    seat.NoticeMail // as it goes out with what stands in the form
	Stopped string          // why none goes out, whatever the policy says
}

func (v visit) notices() (notices, error) {
	n, asleep := v.Practice().Policy.Notices, v.Practice().Policy.Notices.Asleep()
	yes := func(on bool) string {
		if on {
			return "yes"
		}
		return ""
	}
	f, err := v.begun(newForm("notices", link.AdminNotices, "on", yes(n.On), "named", yes(n.Name), "replies", yes(n.Replies), "quiet", "",
		"from", asleep.From, "until", asleep.Until))
	if err != nil {
		return notices{}, err
	}
	agents, err := v.Agents(v.r.Context())
	return notices{f, v.Notice(noticesIn(f)), stopped(agents)}, err
}

// stopped says why no notice goes out: they are the named agent's, and it has to be on a computer. Whether that one has a mailbox
// for them is not known here.
func stopped(agents []seat.Agent) string {
	named := slices.IndexFunc(agents, func(a seat.Agent) bool { return a.Named })
	switch {
	case len(agents) == 0:
		return "The agent sends them, and the practice has none. Add one under Staff."
	case named < 0:
		return "The practice's agent sends them, and none is named. Name one under Gateway."
	case !agents[named].Enrolled:
		return "The agent sends them, and it runs on no computer yet. Its invitation is under Staff."
	}
	return ""
}

// noticesIn is the policy that stands in the form.
func noticesIn(f form) care.Notices {
	return care.Notices{On: f.has("on", "yes"), Name: f.has("named", "yes"), Replies: f.has("replies", "yes"), Quiet: care.Span{From: f.get("from"), Until: f.get("until")}}
}

// noticeSeen is the e-mail, while the policy is being chosen.
func (v visit) noticeSeen() error {
	respond.HTML(v.w, v.r, noticeMail(v.Notice(noticesIn(form{Values: v.r.PostForm}))))
	return nil
}

func (v visit) setNotices() error {
	p := v.Practice()
	p.Policy.Notices = noticesIn(form{Values: v.r.PostForm})
	if err := v.SetPractice(v.r.Context(), p); err != nil {
		b, failed := v.notices()
		if failed != nil {
			return errors.Join(err, failed)
		}
		return v.refused(err, b.Form.with(v.r.PostForm), func(f form) templ.Component {
			b.Form, b.Mail = f, v.Notice(p.Policy.Notices)
			return noticesForm(b)
		})
	}
	if p.Policy.Notices.On {
		return v.holidaysChanged("Saved. Members are told by e-mail.")
	}
	return v.holidaysChanged("Saved. No e-mail goes out.")
}
