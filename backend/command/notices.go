package command

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
)

// Told is a conversation of which the owner of a mailbox is told.
type Told struct {
	Mailbox care.MailboxID
	Part    care.EventID
}

// NotifySeveral is Notify for one e-mail about several conversations, which takes no reply: all that still have something to read of
// which their reader was not told, and with is handed a notice for each of these. A conversation that cannot be written in is left out.
func (d *Desk) NotifySeveral(ctx context.Context, all []Told, with func(ctx context.Context, tx *sql.Tx, notices []care.EventID) error) (done bool, err error) {
	var changed []care.ThreadID
	err = d.DB.Write(ctx, func(tx *sql.Tx) error {
		var notices []care.EventID
		for _, t := range all {
			c, p, err := d.partOf(ctx, tx, t.Part)
			if k := care.KindOf(err); err != nil && (k == care.Conflict || k == care.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			id, err := d.notify(ctx, tx, c, p, event.NoticeBody{Mailbox: t.Mailbox})
			if err != nil {
				return err
			}
			if !id.IsZero() {
				notices, changed = append(notices, id), append(changed, c.Thread)
			}
		}
		if len(notices) == 0 {
			return nil
		}
		done = true
		return with(ctx, tx, notices)
	})
	if err != nil {
		return false, err
	}
	if done {
		d.Wake(Change{Threads: care.SortEventIDs(changed), Texts: true})
	}
	return done, nil
}

// StillNews are those of some notices of which the message is still unread, by somebody who still reads there.
func (d *Desk) StillNews(ctx context.Context, notices []*event.Event) (news []*event.Event, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		news = nil
		for _, e := range notices {
			c, err := d.read(ctx, tx, e.Thread)
			if err != nil && care.KindOf(err) == care.NotFound { // its opening waits to be confirmed: nothing says that it was read
				news = append(news, e)
				continue
			}
			if err != nil {
				return err
			}
			b := e.Body.(event.NoticeBody)
			if slices.ContainsFunc(c.Parts, func(p fold.Part) bool { return slices.Contains(unseen(&p), b.Message) }) && slices.Contains(d.reading(c), b.Mailbox) {
				news = append(news, e)
			}
		}
		return nil
	})
	return news, err
}

// NoticeGoes reports whether the e-mail of a notice is to go out. Several computers of the agent's may have told of the same, each
// without knowing of the others: of their notices the one goes out that came into the office's mailbox first. Before a notice was
// seen there, that is not settled; one that was withdrawn goes out never.
func (d *Desk) NoticeGoes(ctx context.Context, tx *sql.Tx, notice care.EventID) (settled, goes bool, err error) {
	mine, known, err := d.Journal.Event(ctx, tx, notice)
	if err != nil || !known || mine.Event == nil || mine.Event.Kind != event.Notice {
		return true, false, err
	}
	if mine.Mailbox == "" {
		return false, false, nil
	}
	all, err := d.Journal.Thread(ctx, tx, mine.Event.Thread)
	if err != nil {
		return false, false, fmt.Errorf("read thread %s: %w", mine.Event.Thread, err)
	}
	return true, !d.outdone(mine, all), nil
}

// outdone reports whether another notice had told of the same when this one came into the office's mailbox. What was not seen there
// yet comes after all that was.
func (d *Desk) outdone(mine journal.Entry, all []journal.Entry) bool {
	b := mine.Event.Body.(event.NoticeBody)
	part := mine.Event.Part
	if part.IsZero() {
		part = mine.Event.Thread
	}
	c := fold.Fold(Events(all), d.Directory())
	p, ok := c.Part(part)
	if !ok {
		return false
	}
	unread := unseen(p)
	return slices.ContainsFunc(p.Notices, func(n fold.NoticeShown) bool {
		i := slices.IndexFunc(all, func(e journal.Entry) bool { return e.ID == n.ID })
		if n.ID == mine.ID || n.Mailbox != b.Mailbox || i < 0 || all[i].Mailbox == "" {
			return false
		}
		if mine.Mailbox != "" && cmp.Or(all[i].Arrived.Compare(mine.Arrived), n.ID.Compare(mine.ID)) > 0 {
			return false
		}
		return n.Message == b.Message || len(n.Failure) == 0 && slices.Contains(unread, n.Message)
	})
}

// ChooseNotices says whether the owner of a mailbox wants to be told by ordinary e-mail that there is something to read. Members
// choose for themselves; the agent does for who asked it by e-mail. It is a no-op where that was chosen already.
func (d *Desk) ChooseNotices(ctx context.Context, mailbox care.MailboxID, on bool) error {
	owner, known := d.Directory().Owner(mailbox)
	practice := d.Directory().Practice()
	switch {
	case !d.Me.Role.MayEver(care.ActChoose) || d.member() && mailbox != d.Mailbox:
		return care.Refusef(care.Forbidden, "Only the owner of a mailbox chooses whether e-mail tells of news in it.")
	case !known || practice.Mailbox == "":
		return care.Refusef(care.Unavailable, "The clinic's list has not come to this computer yet. Try again later.")
	}
	done := false
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		now, at, err := d.chosen(ctx, tx, mailbox)
		if err != nil || now == on {
			return err
		}
		// The newest stands, and whoever chose before may have had a clock that was ahead.
		at = at.Add(time.Millisecond)
		if d.Now().After(at) {
			at = d.Now()
		}
		done = true
		return d.choose(ctx, tx, owner, at, on, []care.MailboxID{practice.Mailbox, mailbox})
	})
	if err == nil && done {
		d.Wake(Change{Texts: true})
	}
	return err
}

// choose writes down a choice, for the offices too that have to do with the patient: there somebody may wonder why they do not read.
func (d *Desk) choose(ctx context.Context, tx *sql.Tx, owner care.Patient, at time.Time, on bool, to []care.MailboxID) error {
	for _, r := range d.Directory().Relations(owner.ID) {
		if o, known := d.Directory().Office(r.Office); known && !slices.Contains(to, o.Mailbox) && len(to) < event.MaxTo {
			to = append(to, o.Mailbox)
		}
	}
	_, err := d.write(ctx, tx, event.Event{Kind: event.Choice, Practice: d.Directory().Practice().ID, Author: d.Signer.Key(), As: d.Me.ID, For: owner.ID, At: at,
		To: to, Dir: d.Directory().Version(), Body: event.ChoiceBody{Mailbox: owner.Mailbox, On: on}})
	return err
}

// ShareChoice lets an office know of a choice that was made before the patient had to do with it. It is the agent's, and a no-op where
// nothing was chosen or the office knows.
func (d *Desk) ShareChoice(ctx context.Context, mailbox, office care.MailboxID) error {
	owner, known := d.Directory().Owner(mailbox)
	if d.Directory().Practice().Agent != d.Me.ID || !known {
		return care.Refusef(care.Forbidden, "Only the clinic's agent does that.")
	}
	done := false
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		choices, err := d.choices(ctx, tx)
		e := choices[mailbox]
		if err != nil || e == nil || slices.Contains(e.To, office) || len(e.To) >= event.MaxTo {
			return err
		}
		done = true
		// As late as it has to be to stand: what the member says meanwhile is later.
		return d.choose(ctx, tx, owner, e.At.Add(time.Millisecond), e.Body.(event.ChoiceBody).On, append(slices.Clone(e.To), office))
	})
	if err == nil && done {
		d.Wake(Change{Texts: true})
	}
	return err
}

// WantsNotices reports whether the owner of a mailbox wants to be told by ordinary e-mail: they do unless they, or the agent for them,
// have said otherwise.
func (d *Desk) WantsNotices(ctx context.Context, mailbox care.MailboxID) (on bool, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		on, _, err = d.chosen(ctx, tx, mailbox)
		return err
	})
	return on, err
}

// Unwanted are the mailboxes whose owners do not want to be told by ordinary e-mail, each with those that know of it.
func (d *Desk) Unwanted(ctx context.Context) (all map[care.MailboxID][]care.MailboxID, err error) {
	all = map[care.MailboxID][]care.MailboxID{}
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		choices, err := d.choices(ctx, tx)
		for mailbox, e := range choices {
			if !e.Body.(event.ChoiceBody).On {
				all[mailbox] = e.To
			}
		}
		return err
	})
	return all, err
}

// chosen is the newest choice for a mailbox, and when it was made.
func (d *Desk) chosen(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) (on bool, at time.Time, err error) {
	choices, err := d.choices(ctx, tx)
	if e := choices[mailbox]; e != nil {
		return e.Body.(event.ChoiceBody).On, e.At, err
	}
	return true, at, err
}

// choices are the newest ones. What a key that was withdrawn since chose stands: it says nothing secret, and whoever wants no e-mail
// must not get one because their computer was lost.
func (d *Desk) choices(ctx context.Context, tx *sql.Tx) (map[care.MailboxID]*event.Event, error) {
	entries, err := d.Journal.AnyLooseOf(ctx, tx, event.Choice)
	if err != nil {
		return nil, fmt.Errorf("read what was chosen: %w", err)
	}
	last := map[care.MailboxID]*event.Event{}
	for _, entry := range entries {
		e := entry.Event
		b, is := e.Body.(event.ChoiceBody)
		if !is || !d.mayChoose(e, b.Mailbox) {
			continue
		}
		if was := last[b.Mailbox]; was == nil || e.At.After(was.At) || e.At.Equal(was.At) && e.ID.Compare(was.ID) > 0 {
			last[b.Mailbox] = e
		}
	}
	return last, nil
}

// mayChoose reports whether a choice is by the mailbox's own person, or the agent.
func (d *Desk) mayChoose(e *event.Event, mailbox care.MailboxID) bool {
	s := fold.Judge(e, d.Directory())
	if s.Verdict != fold.Accepted && !s.Withdrawn {
		return false
	}
	if !s.Member {
		return s.Role == care.RoleAgent
	}
	owner, known := d.Directory().Owner(mailbox)
	person, is := d.Directory().Reader(owner.ID, mailbox)
	return known && is && person.ID == e.As
}
