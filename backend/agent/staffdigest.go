package agent

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
	"postern/backend/record/projection"
)

// Team is what the digest asks of the clinic's list.
type Team interface {
	Staff() []care.Person
	OfficesOf(care.PersonID) []care.Office
}

// Letter writes an ordinary e-mail of a text, from the agent's own address: the same bytes for the same arguments.
type Letter func(key care.EventID, to, subject, text string, date time.Time) ([]byte, error)

// StaffDigest tells the care team by ordinary e-mail, as the clinic opens, how much of their offices is due that day or overdue, and how
// many answers by e-mail wait for somebody to accept or decline them: who does not open Postern would not learn of it. Each gets one
// a day at most, and none when there is nothing of it, when they are out of office, or without an address. It is the agent's alone, and
// may run twice.
type StaffDigest struct {
	Desk   *command.Desk
	Due    func(ctx context.Context, tx *sql.Tx, now, until time.Time) (map[care.OfficeID]projection.Due, error)
	Mails  *ordinary.Mails
	Team   func() Team
	Emails map[string]string // by name
	Letter Letter
	Turns  Turns // of the computers that tell
	// InStep, where it is set, says whether everything in the mailboxes has been read. Before that what is due is not known.
	InStep func() bool
	Log    *slog.Logger

	day string // on which it was done
}

// Digest is what the mail says: numbers, and nothing of any conversation.
func Digest(due projection.Due) (subject, text string) {
	conversations, are := "conversations", "are"
	if due.Today == 1 {
		conversations, are = "conversation", "is"
	}
	subject, text = "Replies are due", fmt.Sprintf("Postern: %d %s of your offices %s due today, %d overdue.", due.Today, conversations, are, due.Overdue)
	if due.Today+due.Overdue == 0 {
		subject, text = "Replies wait", "Postern: nothing of your offices is due today."
	}
	switch {
	case due.ByMail == 1:
		text += " 1 answer that came by e-mail waits to be accepted or declined."
	case due.ByMail > 1:
		text += fmt.Sprintf(" %d answers that came by e-mail wait to be accepted or declined.", due.ByMail)
	}
	return subject, text + " Open Postern."
}

// Run looks each minute, until the context ends: a timer to the opening would sleep with the computer.
func (s *StaffDigest) Run(ctx context.Context) error {
	return eachMinute(ctx, func() {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("cannot tell the care team what is due", "err", err)
		}
	})
}

// eachMinute looks at once and then each minute, until the context ends.
func eachMinute(ctx context.Context, look func()) error {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		look()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-minute.C:
		}
	}
}

// Look puts today's mails down to be sent, if the clinic is open and that was not done yet.
func (s *StaffDigest) Look(ctx context.Context) error {
	now, clock := s.Desk.Now(), s.Desk.Clock()
	local := now.In(clock.Location())
	today := local.Format(time.DateOnly)
	if s.day == today || !clock.Open(now) || s.Desk.Directory().Practice().Agent != s.Desk.Me.ID || s.InStep != nil && !s.InStep() {
		return nil
	}
	midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, clock.Location())
	told := 0
	err := s.Desk.DB.Write(ctx, func(tx *sql.Tx) error {
		told = 0
		due, err := s.Due(ctx, tx, now, midnight)
		if err != nil || len(due) == 0 {
			return err
		}
		team := s.Team()
		for _, p := range team.Staff() {
			email := s.Emails[p.Name]
			if _, _, away := clock.Absent(p.ID, now); away || email == "" || p.Role == care.RoleAgent {
				continue
			}
			var sum projection.Due
			for _, o := range team.OfficesOf(p.ID) {
				d := due[o.ID]
				sum.Today, sum.Overdue, sum.ByMail = sum.Today+d.Today, sum.Overdue+d.Overdue, sum.ByMail+d.ByMail
			}
			if sum == (projection.Due{}) {
				continue
			}
			added, err := s.add(ctx, tx, p.ID, email, today, sum, now)
			if err != nil {
				return err
			}
			if added {
				told++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.day = today
	if told > 0 {
		s.Log.Info("the care team is told what is due", "mails", told)
		s.Desk.Wake(command.Change{Texts: true}) // who sends them looks then
	}
	return nil
}

// add puts one mail down, under a key that the person has once a day.
func (s *StaffDigest) add(ctx context.Context, tx *sql.Tx, who care.PersonID, email, today string, due projection.Due, now time.Time) (bool, error) {
	key := care.EventID(sha256.Sum256([]byte("postern staff digest " + string(who) + " " + today)))
	subject, text := Digest(due)
	mail, err := s.Letter(key, email, subject, text, now)
	if err != nil {
		s.Log.Error("a digest cannot be written", "person", who, "err", err) // the others get theirs
		return false, nil
	}
	return s.Turns.add(ctx, tx, s.Mails, ordinary.Out{Key: key, Address: strings.ToLower(email), Mail: mail, Name: notice.Envelope(key), Added: now})
}
