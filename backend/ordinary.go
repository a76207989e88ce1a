package backend

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/answer"
	"postern/backend/post/notice"
	"postern/backend/post/trial"
)

// UseMail gives the agent the ordinary mailbox that a file describes: without one it sends no notices. The file holds a
// password, so one that others may read is refused.
func (b *Backend) UseMail(file string) error {
	s, err := readMail(file)
	if err == nil {
		b.ordinary = &s
	}
	return err
}

func readMail(file string) (agent.Settings, error) {
	info, err := os.Stat(file)
	if err != nil {
		return agent.Settings{}, care.Because(care.Invalid, err, "The mail file cannot be read.")
	}
	// What systemd hands over is this account's alone, whatever its mode says.
	handed := os.Getenv("CREDENTIALS_DIRECTORY") != "" && filepath.Dir(file) == filepath.Clean(os.Getenv("CREDENTIALS_DIRECTORY"))
	if runtime.GOOS != "windows" && !handed && info.Mode().Perm()&0o077 != 0 {
		return agent.Settings{}, care.Refusef(care.Invalid, "Others on this computer may read the mail file, and it holds a password. Let its own account alone read it: chmod 600 %s", file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return agent.Settings{}, care.Because(care.Invalid, err, "The mail file cannot be read.")
	}
	return agent.ReadSettings(raw)
}

// TryOrdinary tries out the ordinary mailbox that a file describes, by a letter to itself: to an address as notices bear it, where
// they take answers.
func TryOrdinary(ctx context.Context, file string) ([]MailStep, error) {
	s, err := readMail(file)
	if err != nil {
		return nil, err
	}
	to := s.From
	if s.Replies != "" {
		to = notice.Address(s.Replies, notice.NewToken())
	}
	var out []MailStep
	for _, step := range (trial.Trial{Login: s.Login, To: to, MayRemove: true}).Run(ctx) {
		out = append(out, MailStep(step))
	}
	return out, nil
}

// NoticeMail is a notice as its reader sees it.
type NoticeMail struct {
	From    string // the practice's name; "": it is not told
	Subject string
	Text    []string // its paragraphs
}

// Notice is the e-mail that goes out under a policy, in English, to who has news of one conversation.
func (r *Registrar) Notice(n care.Notices) NoticeMail {
	m := notice.Notice{Replies: n.Replies}
	if n.Name {
		m.Practice = r.Practice().Name
	}
	subject, text := m.Words()
	return NoticeMail{m.Practice, subject, text}
}

// OwnNotices is how a member stands with notices by ordinary e-mail.
type OwnNotices struct {
	Sent  bool   // the practice sends them
	Email string // where theirs go; "": the practice has no address of theirs
	On    bool   // they want them
}

// OwnNotices is how the member stands, about their own mailbox.
func (p *Profile) OwnNotices(ctx context.Context) (OwnNotices, error) {
	owner, _ := p.desk.Directory().Owner(p.desk.Mailbox)
	on, err := p.desk.WantsNotices(ctx, p.desk.Mailbox)
	return OwnNotices{p.Practice().Policy.Notices.On, owner.Email, on}, err
}

// ChooseNotices says whether the member wants them.
func (p *Profile) ChooseNotices(ctx context.Context, on bool) error {
	return p.desk.ChooseNotices(ctx, p.desk.Mailbox, on)
}

// notices tells members of news, where the practice wants it.
func (p *Profile) notices(s *agent.Settings) *agent.Notices {
	return &agent.Notices{Desk: p.desk, Mails: p.mails, Settings: s, InStep: p.replica.InStep, Rank: p.rank, Log: p.log}
}

func (p *Profile) mailing(s agent.Settings) *agent.Mailing {
	return &agent.Mailing{Desk: p.desk, Mails: p.mails, Settings: s, InStep: p.replica.InStep, Watch: &p.watch, Log: p.log}
}

// bridge takes in what answers notices.
func (p *Profile) bridge(s agent.Settings) *agent.Bridge {
	return &agent.Bridge{Desk: p.desk, Mails: p.mails, Notices: p.threads, Settings: s, Turns: p.turns(s), TXT: answer.DNS, InStep: p.replica.InStep, Watch: &p.watch, Log: p.log,
		Sends: func() { p.desk.Wake(command.Change{Texts: true}) }}
}

// BridgeOnce takes in what has come to an ordinary mailbox. It is for profiles that are driven step by step.
func (p *Profile) BridgeOnce(ctx context.Context, s agent.Settings) error {
	return p.bridge(s).Once(ctx)
}

// staffDigest tells the care team what is due.
func (p *Profile) staffDigest(s agent.Settings) *agent.StaffDigest {
	return &agent.StaffDigest{Desk: p.desk, Due: p.threads.Due, Mails: p.mails, Team: func() agent.Team { return p.facts.book() }, Emails: s.Staff, Turns: p.turns(s), InStep: p.replica.InStep, Log: p.log, Letter: letterOf(s)}
}

// overdue tells the care team of a reply that is overdue.
func (p *Profile) overdue(s agent.Settings) *agent.Overdue {
	return &agent.Overdue{Desk: p.desk, Late: p.threads.Overdue, Mails: p.mails, Emails: s.Staff, Letter: letterOf(s), InStep: p.replica.InStep, Rank: p.rank, Log: p.log}
}

// letterOf writes to the care team from the agent's address.
func letterOf(s agent.Settings) agent.Letter {
	return func(key care.EventID, to, subject, text string, date time.Time) ([]byte, error) {
		return notice.Text{Key: key, From: s.From, To: to, Subject: subject, Text: text, Date: date}.Write()
	}
}

// rank is how many computers of the same person are before this one.
func (p *Profile) rank() int {
	before, _ := p.place()
	return before
}

// place is how many computers of the same person are before this one, and how many there are: that on which they were taken in last
// is the first.
func (p *Profile) place() (before, all int) {
	own, found := p.desk.Signer.Key(), false
	for _, d := range slices.Backward(p.facts.book().StaffDevices()) {
		if d.Person != p.me.ID || !d.Withdrawn.IsZero() {
			continue
		}
		all++
		found = found || d.Key == own
		if !found {
			before++
		}
	}
	return before, all
}

func (p *Profile) turns(s agent.Settings) agent.Turns {
	return agent.Turns{Place: p.place, Copies: notice.Address(s.Replies, "")}
}

// TellOnce tells members of news and sends the mails that are due, with an ordinary mailbox. It is for profiles that are driven step
// by step.
func (p *Profile) TellOnce(ctx context.Context, s agent.Settings) error {
	n := p.notices(&s)
	n.InStep = nil
	if err := n.Once(ctx); err != nil {
		return err
	}
	if err := p.replica.Settle(ctx); err != nil { // a mail follows its event
		return err
	}
	if err := p.PullUntil(ctx, p); err != nil {
		return err
	}
	m := p.mailing(s)
	m.InStep = nil
	return m.Once(ctx)
}
