package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/submit"
	"postern/backend/record/ordinary"
)

// Mailing sends the ordinary e-mails that have to go out, over one connection, until each has, never will, or is wanted no more. It may end
// at any point: what was handed over and not noted yet goes out again, the same mail. A notice goes out once its event has come into the
// office's mailbox, and only if no other computer's had come there before: so nobody is told twice, whichever of them ends when.
type Mailing struct {
	Desk     *command.Desk
	Mails    *ordinary.Mails
	Settings Settings
	// InStep, where it is set, says whether everything in the mailboxes has been read: before, who was told by another computer is
	// not known, and no notice goes out.
	InStep func() bool
	Watch  *Watch // is told how the sending goes; nil: nobody is
	Log    *slog.Logger

	runs   bool                       // else it is driven step by step
	found  map[care.EventID]time.Time // when a mail's notices were first found settled
	vain   int                        // connections that failed, one after the other
	rest   time.Time                  // until the next is tried
	forgot time.Time                  // when it last forgot the oldest

	handed map[care.EventID]bool // what the mail system took, and could not be noted: a full disk must not send it again each minute
}

const (
	longest = 2 * time.Hour       // pause after a failure
	atOnce  = 50                  // mails that are looked at together
	giveUp  = 3 * 24 * time.Hour  // how long a mail is tried
	counted = 35 * 24 * time.Hour // how long it is remembered that one went
	hears   = 2 * time.Second     // in which what came in the same second as a notice is read: dates of arrival know no less
)

// Run sends what is there, and then what the changes bring, until the context ends or changes is closed.
func (m *Mailing) Run(ctx context.Context, changes <-chan command.Change) error {
	m.runs, m.found = true, map[care.EventID]time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, open := <-changes:
			if !open {
				return nil
			}
		case <-timer.C:
		}
		next, err := m.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			m.Log.Error("cannot send ordinary mail", "err", err)
			next = time.Minute
		}
		timer.Reset(next)
	}
}

// Once sends what is due now. It is for profiles that are driven step by step.
func (m *Mailing) Once(ctx context.Context) error {
	_, err := m.pass(ctx)
	return err
}

// pass sends what is due, and says when the next is.
func (m *Mailing) pass(ctx context.Context) (next time.Duration, err error) {
	if now := m.Desk.Now(); now.Sub(m.forgot) > 24*time.Hour {
		if err := m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Forget(ctx, tx, now.Add(-counted)) }); err != nil {
			return 0, err
		}
		m.forgot = now
	}
	var s *submit.Session
	defer func() {
		if s != nil {
			_ = s.Close() // politeness: what was sent was answered
		}
	}()
	waits := map[care.EventID]bool{} // mails whose notices are not settled
	for more := true; more; {
		due, err := m.due(ctx, atOnce+len(waits))
		if err != nil {
			return 0, err
		}
		due = slices.DeleteFunc(due, func(out ordinary.Out) bool { return waits[out.Key] })
		more = len(due) >= atOnce
		for _, out := range due {
			if m.handed[out.Key] {
				if err := m.sent(ctx, out, nil); err != nil {
					return 0, err
				}
				continue
			}
			if now, settled, err := m.goes(ctx, out); err != nil {
				return 0, err
			} else if !now {
				waits[out.Key] = !settled
				continue
			}
			if s == nil {
				if left := m.rest.Sub(m.Desk.Now()); left > 0 && left <= longest { // more: the clock was put back
					return m.next(ctx)
				}
				if s, err = submit.Dial(ctx, m.Settings.Login); err != nil {
					m.unreached(err)
					return m.next(ctx)
				}
				m.vain = 0
				m.Watch.note(func(o *Ordinary) { o.Unsent = "" })
			}
			err := s.Send(ctx, m.Settings.Login.Address, out.Address, out.Mail, out.Name)
			var no *submit.Refused
			switch {
			case err != nil && ctx.Err() != nil:
				return 0, ctx.Err()
			case err != nil && !errors.As(err, &no): // the connection broke, and perhaps at this very mail: the others go before it next time
				m.unreached(err)
				if err := m.Desk.DB.Write(ctx, func(tx *sql.Tx) error {
					return m.Mails.Later(ctx, tx, out.Key, m.Desk.Now().Add(backoff(out.Tries)))
				}); err != nil {
					return 0, err
				}
				return m.next(ctx)
			}
			if err := m.sent(context.WithoutCancel(ctx), out, no); err != nil {
				return 0, err
			}
			if no != nil && no.Code == 421 {
				m.unreached(errors.New("it hung up"))
				return m.next(ctx)
			}
		}
	}
	return m.next(ctx)
}

// due are the mails that are to be tried now.
func (m *Mailing) due(ctx context.Context, most int) (due []ordinary.Out, err error) {
	err = m.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		due, err = m.Mails.Due(ctx, tx, m.Desk.Now(), most)
		return err
	})
	return due, err
}

// goes reports whether a mail is to be sent now, and where not, whether it is settled for this time: it was tried for too long, would
// wake somebody, or tells of what was told.
func (m *Mailing) goes(ctx context.Context, out ordinary.Out) (now, settled bool, err error) {
	at := m.Desk.Now()
	if at.Sub(out.Added) > giveUp {
		return false, true, m.fail(ctx, out, "The mail system did not take it for three days.")
	}
	notices, err := noticesOf(ctx, m.Desk, m.Mails, out.Key)
	told := len(notices) > 0 || len(out.About) > 0
	if err != nil || !told && !m.staffs(out.Address) { // an answer is awaited
		return err == nil, true, err
	}
	practice := m.Desk.Directory().Practice()
	if until, asleep := quiet(at, practice.Policy.Notices, zoneOf(practice)); asleep {
		return false, true, m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Rest(ctx, tx, out.Key, until) })
	}
	if !told {
		return true, true, nil
	}
	if m.InStep != nil && !m.InStep() {
		return false, false, nil
	}
	settled = true
	if err := m.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		for _, e := range notices {
			known, goes, err := m.Desk.NoticeGoes(ctx, tx, e.ID)
			if err != nil {
				return err
			}
			settled, now = settled && known, now || goes
		}
		return nil
	}); err != nil || !settled {
		return false, false, err
	}
	if since, before := m.found[out.Key]; m.runs && !before {
		m.found[out.Key] = at
		return false, false, nil
	} else if wait := at.Sub(since); m.runs && wait >= 0 && wait < hears {
		return false, false, nil
	}
	delete(m.found, out.Key)
	if !now {
		m.Log.Info("another computer of the agent's has told of this", "mail", out.Key)
		return false, true, m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Over(ctx, tx, out.Key) })
	}
	if words, wanted, err := m.wanted(ctx, out, notices); err != nil {
		return false, false, err
	} else if words != "" {
		m.Log.Info("a notice is not sent", "mail", out.Key, "why", words)
		return false, true, m.fail(ctx, out, words)
	} else if !wanted {
		return false, true, m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Over(ctx, tx, out.Key) })
	}
	return true, true, nil
}

// staffs reports whether an address is of the care team, to whom nothing goes that was asked for.
func (m *Mailing) staffs(address string) bool {
	for _, of := range m.Settings.Staff {
		if strings.EqualFold(of, address) {
			return true
		}
	}
	return false
}

// wanted looks whether a mail that waited is to go out still: its news may have been read since, its reader may want none any more or
// get their mail elsewhere. Where somebody then is not told who should be, words say why.
func (m *Mailing) wanted(ctx context.Context, out ordinary.Out, notices []*event.Event) (words string, wanted bool, err error) {
	news, err := m.Desk.StillNews(ctx, notices)
	if err != nil || len(news) == 0 {
		return "", false, err
	}
	if !m.Desk.Directory().Practice().Policy.Notices.On {
		return "The practice sends no notices any more.", false, nil
	}
	unwanted, err := m.Desk.Unwanted(ctx)
	if err != nil {
		return "", false, err
	}
	words = "The register has another address by now."
	for _, e := range news {
		box := e.Body.(event.NoticeBody).Mailbox
		owner, _ := m.Desk.Directory().Owner(box)
		switch {
		case strings.ToLower(owner.Email) != out.Address:
		case unwanted[box] != nil:
			words = "The member wants no notices any more."
		default:
			return "", true, nil
		}
	}
	return words, false, nil
}

// sent notes what the mail system said of a mail. Its words may name the address: they go to the office, and into no log.
func (m *Mailing) sent(ctx context.Context, out ordinary.Out, no *submit.Refused) error {
	switch {
	case no == nil:
		m.Watch.note(func(o *Ordinary) { o.Sent = m.Desk.Now() })
		err := m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Over(ctx, tx, out.Key) })
		if err == nil {
			delete(m.handed, out.Key)
			return nil
		}
		if m.handed == nil {
			m.handed = map[care.EventID]bool{}
		}
		m.handed[out.Key] = true
		return err
	case no.Permanent:
		m.Log.Warn("the mail system refused an ordinary mail", "mail", out.Key, "code", no.Code)
		return m.fail(ctx, out, no.Error())
	}
	m.Log.Warn("the mail system did not take an ordinary mail yet", "mail", out.Key, "code", no.Code)
	next := m.Desk.Now().Add(backoff(out.Tries))
	return m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Later(ctx, tx, out.Key, next) })
}

// fail says in its conversations that a mail did not get there, and then ends it: a crash between the two says it twice and not never.
func (m *Mailing) fail(ctx context.Context, out ordinary.Out, words string) error {
	if err := NoticeFailed(ctx, m.Desk, m.Mails, out.Key, words); err != nil {
		return err
	}
	return m.Desk.DB.Write(ctx, func(tx *sql.Tx) error { return m.Mails.Over(ctx, tx, out.Key) })
}

// NoticeFailed says in each conversation that a mail told of that it did not reach whom it was for. Of a mail that is no notice it says
// nothing. It may run twice.
func NoticeFailed(ctx context.Context, desk *command.Desk, mails *ordinary.Mails, key care.EventID, words string) error {
	failed, err := noticesOf(ctx, desk, mails, key)
	if err != nil {
		return err
	}
	for _, e := range failed {
		err := desk.DeliveryFailed(ctx, e.Thread, e.ID, e.Body.(event.NoticeBody).Mailbox, words)
		if err != nil && !refused(err) { // in a conversation that cannot be written in, nobody can be told
			return err
		}
	}
	return nil
}

// noticesOf are the notices that a mail carries, as far as they are held here.
func noticesOf(ctx context.Context, desk *command.Desk, mails *ordinary.Mails, key care.EventID) (notices []*event.Event, err error) {
	if err := desk.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err := mails.About(ctx, tx, key)
		for _, id := range all {
			e, known, err := desk.Journal.Event(ctx, tx, id)
			if err != nil {
				return err
			}
			if known && e.Event != nil && e.Event.Kind == event.Notice {
				notices = append(notices, e.Event)
			}
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("find the notices of a mail: %w", err)
	}
	return notices, nil
}

// unreached lets the mail system rest.
func (m *Mailing) unreached(err error) {
	m.rest = m.Desk.Now().Add(backoff(m.vain))
	m.vain++
	m.Watch.note(func(o *Ordinary) { o.Unsent = care.KindOf(err) })
	m.Log.Warn("cannot hand over ordinary mail", "err", err)
}

// backoff is how long to wait after so many tries in vain: a minute, and more and more up to two hours.
func backoff(tries int) time.Duration { return min(time.Minute<<min(tries, 8), longest) }

// next is when the next mail is due, or the mail system has rested.
func (m *Mailing) next(ctx context.Context) (time.Duration, error) {
	var at time.Time
	if err := m.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		at, err = m.Mails.Next(ctx, tx)
		return err
	}); err != nil || at.IsZero() {
		return time.Hour, err
	}
	if at.Before(m.rest) && m.rest.Sub(m.Desk.Now()) <= longest {
		at = m.rest
	}
	return min(max(at.Sub(m.Desk.Now()), time.Second), time.Hour), nil
}
