package agent

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
	"postern/backend/record/projection"
)

// Overdue tells, once, who should know that a reply is overdue: whoever has the conversation, and the office's physician; in the stead of
// who is out of office, who covers. They get an ordinary e-mail with a number in it, and nothing of any conversation; the conversation says
// who was told. It is done while the clinic is open, and is the agent's alone.
type Overdue struct {
	Desk   *command.Desk
	Late   func(ctx context.Context, tx *sql.Tx, after, by time.Time) ([]projection.Late, error)
	Mails  *ordinary.Mails
	Emails map[string]string // by name
	Letter Letter
	InStep func() bool // as of StaffDigest: before, who has answered is not known
	Rank   func() int  // as of Notices: two computers of the agent's do not both tell
	Log    *slog.Logger

	done map[care.EventID]time.Time // of the parts that were looked at, by when they were due
}

// Run looks each minute, until the context ends.
func (o *Overdue) Run(ctx context.Context) error {
	return eachMinute(ctx, func() {
		if err := o.Look(ctx); err != nil && ctx.Err() == nil {
			o.Log.Error("cannot tell the care team what is overdue", "err", err)
		}
	})
}

// Look tells of what is overdue and was not told yet. What was due more than a week ago is no news.
func (o *Overdue) Look(ctx context.Context) error {
	now, clock, practice := o.Desk.Now(), o.Desk.Clock(), o.Desk.Directory().Practice()
	_, asleep := quiet(now, practice.Policy.Notices, zoneOf(practice))
	if asleep || !clock.Open(now) || practice.Agent != o.Desk.Me.ID || o.InStep != nil && !o.InStep() {
		return nil
	}
	by := now
	if o.Rank != nil {
		by = now.Add(-time.Duration(o.Rank()) * further)
	}
	var late []projection.Late
	if err := o.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		late, err = o.Late(ctx, tx, now.Add(-stale), by)
		return err
	}); err != nil {
		return err
	}
	done, parts := map[care.EventID]time.Time{}, []care.EventID(nil)
	for _, l := range late {
		if was, is := o.done[l.Part]; !is || !was.Equal(l.Due) {
			parts = append(parts, l.Part)
		}
		done[l.Part] = l.Due
	}
	if len(parts) == 0 {
		o.done = done
		return nil
	}
	lately := map[string]bool{}
	if err := o.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		for _, email := range o.Emails {
			n, err := o.Mails.Sent(ctx, tx, strings.ToLower(email), now.Add(-between).Add(time.Millisecond), now)
			if err != nil {
				return err
			}
			lately[email] = n > 0
		}
		return nil
	}); err != nil {
		return err
	}
	left, err := o.Desk.Escalate(ctx, parts, func(office care.Office, owner care.PersonID) (told []care.PersonID, ready bool) {
		for _, who := range []care.PersonID{owner, office.Provider} {
			if _, cover, away := clock.Absent(who, now); away {
				who = cover
			}
			email := o.email(who)
			if lately[email] { // one mail in half an hour: it tells of all that came together
				return nil, false
			}
			if email != "" && !slices.Contains(told, who) {
				told = append(told, who)
			}
		}
		return told, true
	}, func(ctx context.Context, tx *sql.Tx, all []command.Escalated) error {
		return o.write(ctx, tx, all, now)
	})
	if err != nil {
		return err
	}
	for _, part := range left {
		delete(done, part)
	}
	o.done = done
	return nil
}

// email is the address of somebody who works at the clinic now; "" where there is none.
func (o *Overdue) email(who care.PersonID) string {
	p, known := o.Desk.Directory().Person(who)
	if !known || !p.Role.Staff() || len(o.Desk.Directory().OfficesOf(who)) == 0 {
		return ""
	}
	return o.Emails[p.Name]
}

// write puts one mail down for each who is told, of all that they are told of.
func (o *Overdue) write(ctx context.Context, tx *sql.Tx, all []command.Escalated, now time.Time) error {
	of := map[care.PersonID][]care.EventID{}
	for _, e := range all {
		for _, who := range e.Told {
			of[who] = append(of[who], e.Message)
		}
	}
	for _, who := range slices.Sorted(maps.Keys(of)) {
		key := overdueKey(who, of[who])
		subject, text := "A reply is overdue", "Postern: a reply that your office promised is overdue. Open Postern."
		if n := len(of[who]); n > 1 {
			subject, text = "Replies are overdue", fmt.Sprintf("Postern: %d replies that your offices promised are overdue. Open Postern.", n)
		}
		email := o.email(who)
		mail, err := o.Letter(key, email, subject, text, now)
		if err != nil {
			return fmt.Errorf("write that replies are overdue: %w", err)
		}
		if _, err := o.Mails.Add(ctx, tx, ordinary.Out{Key: key, Address: strings.ToLower(email), Mail: mail, Name: notice.Envelope(key), Added: now}); err != nil {
			return err
		}
	}
	o.Log.Info("the care team is told what is overdue", "replies", len(all), "mails", len(of))
	return nil
}

// overdueKey is of a mail to somebody about messages: two agents that tell of the same ones write the same mail.
func overdueKey(who care.PersonID, messages []care.EventID) care.EventID {
	h := sha256.New()
	h.Write([]byte("postern overdue " + string(who)))
	for _, id := range care.SortEventIDs(messages) {
		h.Write(id[:])
	}
	return care.EventID(h.Sum(nil))
}
