package agent

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// addresses has everybody, but Sam.
var addresses = map[string]string{recordtest.Rosa.Name: "Rosa@clinic.example", recordtest.DrLee.Name: "lee@clinic.example", recordtest.DrRaman.Name: "raman@clinic.example",
	recordtest.DrHaddad.Name: "haddad@clinic.example", recordtest.Agent.Name: "agent@clinic.example"}

// digest is the agent's computer at a clinic with three conversations: of Dr. Lee's office one that was due on Monday at noon, and
// one that is due on Tuesday at noon; of Dr. Raman's one that is due on Wednesday.
type digest struct {
	*StaffDigest
	t      *testing.T
	r      *recordtest.Replica
	now    time.Time
	inStep bool
	log    bytes.Buffer
	talks  []*recordtest.Story
}

func digests(t *testing.T) *digest {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	d := &digest{t: t, r: r, now: recordtest.Monday, inStep: true}
	d.StaffDigest = &StaffDigest{Due: r.Projection.Due, Mails: ordinary.New(r.DB), Team: func() Team { return r.Clinic }, Emails: addresses,
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), InStep: func() bool { return d.inStep },
		Letter: func(_ care.EventID, to, subject, text string, _ time.Time) ([]byte, error) {
			return []byte(to + ": " + subject + ": " + text), nil
		},
		Desk: &command.Desk{DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Threads: r.Projection, Me: recordtest.Agent.Person, Signer: signer{recordtest.Agent.Key},
			Directory: func() command.Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Now: func() time.Time { return d.now },
			Wake: func(command.Change) {}}}
	for i, office := range []care.OfficeID{recordtest.Lee, recordtest.Lee, recordtest.Raman} {
		box := map[care.OfficeID]care.MailboxID{recordtest.Lee: recordtest.LeeBox, recordtest.Raman: recordtest.RamanBox}[office]
		s := recordtest.NewStoryAt(t, recordtest.Maria, recordtest.Maria, office, box, "Biopsy", recordtest.Monday.AddDate(0, 0, -3).Add(time.Duration(i)*time.Hour))
		s.Receives(s.Says(recordtest.Maria, "It itches."), recordtest.Monday.AddDate(0, 0, i).Add(3*time.Hour))
		r.Takes(box, s.All...)
		d.talks = append(d.talks, s)
	}
	return d
}

// sends are the mails that wait to be sent, and then they have been.
func (d *digest) sends() string {
	d.t.Helper()
	var out []string
	d.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		due, err := d.Mails.Due(ctx, tx, d.now, 100)
		for _, m := range due {
			out = append(out, string(m.Mail))
			if m.Address != strings.ToLower(m.Address) {
				d.t.Errorf("to %s", m.Address)
			}
			if err := d.Mails.Over(ctx, tx, m.Key); err != nil {
				return err
			}
		}
		return err
	})
	slices.Sort(out)
	return strings.ReplaceAll(strings.Join(out, "\n"), "Replies are due: Postern: ", "")
}

func (d *digest) at(day, hour, minute int, want string) {
	d.t.Helper()
	d.now = recordtest.Monday.AddDate(0, 0, day).Add(time.Duration(hour-9)*time.Hour + time.Duration(minute)*time.Minute)
	if err := d.Look(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	if got := d.sends(); got != want {
		d.t.Errorf("day %d, %d:%02d: got %s\nwant %s", day, hour, minute, got, want)
	}
}

// As the clinic opens each of the care team is told once what is due that day of their offices, and what is overdue; with
// nothing due nobody is. It is told again the next day, not after a restart.
func TestStaffDigest(t *testing.T) {
	d := digests(t)
	one := "Rosa@clinic.example: 1 conversation of your offices is due today, 0 overdue. Open Postern.\nlee@clinic.example: 1 conversation of your offices is due today, 0 overdue. Open Postern."
	d.at(-1, 12, 0, "") // Sunday
	d.at(0, 8, 59, "")
	d.at(0, 9, 0, one)
	d.at(0, 9, 1, "")
	d.day = "" // the program began anew
	d.at(0, 15, 0, "")
	d.at(1, 8, 59, "")
	d.at(1, 9, 0, strings.ReplaceAll(one, "0 overdue", "1 overdue"))
	d.at(2, 11, 0, "Rosa@clinic.example: 1 conversation of your offices is due today, 2 overdue. Open Postern.\n"+
		"lee@clinic.example: 0 conversations of your offices are due today, 2 overdue. Open Postern.\n"+
		"raman@clinic.example: 1 conversation of your offices is due today, 0 overdue. Open Postern.")
	if log := d.log.String(); strings.Contains(log, "@") || strings.Contains(log, "Biopsy") {
		t.Errorf("its log: %s", log)
	}
}

// What members answered by ordinary e-mail waits for somebody, and no due time says so: it is told with the rest, and alone.
func TestStaffDigestCountsAnswersByMail(t *testing.T) {
	d := digests(t)
	answered := func(office care.OfficeID, box care.MailboxID, who recordtest.Someone, mails ...byte) (all []*event.Event, s *recordtest.Story) {
		t.Helper()
		s = recordtest.NewStoryAt(t, recordtest.Maria, recordtest.Maria, office, box, "A rash", recordtest.Monday.AddDate(0, 0, -3))
		s.Says(recordtest.Maria, "It itches.")
		said := s.Says(who, "Use the cream.")
		told := s.Write(recordtest.Agent, nil, event.NoticeBody{Message: said.ID, Mailbox: recordtest.MariaBox, Reply: care.EventID{7}.String(), Until: recordtest.Monday.AddDate(0, 0, 14)})
		for _, n := range mails {
			all = append(all, s.Write(recordtest.Agent, nil, event.BridgedBody{Notice: told.ID, Mail: care.EventID{n}.String(), Received: recordtest.Monday.Add(-time.Hour), From: "maria@example.org", Text: "Thank you."}))
		}
		d.r.Takes(box, s.All...)
		return all, s
	}
	replies, s := answered(recordtest.Raman, recordtest.RamanBox, recordtest.DrRaman, 1, 2)
	answered(recordtest.Lee, recordtest.LeeBox, recordtest.DrLee, 3)
	lee := " conversation of your offices is due today, 0 overdue. 1 answer that came by e-mail waits to be accepted or declined. Open Postern."
	rosa := strings.Replace(lee, "1 answer that came by e-mail waits", "3 answers that came by e-mail wait", 1)
	d.at(0, 9, 0, "Rosa@clinic.example: 1"+rosa+"\nlee@clinic.example: 1"+lee+
		"\nraman@clinic.example: Replies wait: Postern: nothing of your offices is due today. 2 answers that came by e-mail wait to be accepted or declined. Open Postern.")
	d.r.Takes(recordtest.RamanBox, s.Write(recordtest.DrRaman, nil, event.AcceptedBody{Reply: replies[0].ID, Wrote: recordtest.Maria.ID, Text: "Thank you."}),
		s.Write(recordtest.DrRaman, nil, event.DeclinedBody{Reply: replies[1].ID}))
	lee = strings.ReplaceAll(lee, "0 overdue", "1 overdue")
	d.at(1, 9, 0, "Rosa@clinic.example: 1"+lee+"\nlee@clinic.example: 1"+lee)
}

// Nobody is told who is out of office, nothing on a holiday, nothing before the mailboxes were read, and nothing by an agent that
// the directory does not name. One whose mail cannot be written keeps none from the others.
func TestStaffDigestWhen(t *testing.T) {
	d := digests(t)
	d.r.Clinic.Calendar.Absences = []care.Absence{{Person: recordtest.DrLee.ID, From: "2026-11-23", Until: "2026-11-23"}}
	d.inStep = false
	d.at(0, 9, 0, "")
	d.inStep = true
	d.at(0, 9, 1, "Rosa@clinic.example: 1 conversation of your offices is due today, 0 overdue. Open Postern.")
	d.r.Clinic.Calendar.Holidays = []care.Holiday{{Date: "2026-11-24", Name: "Staff training"}}
	d.at(1, 12, 0, "")
	d.Desk.Me = recordtest.Rosa.Person
	d.at(2, 9, 0, "")
	d.Desk.Me = recordtest.Agent.Person
	write := d.Letter
	d.Letter = func(key care.EventID, to, subject, text string, at time.Time) ([]byte, error) {
		if to == "lee@clinic.example" {
			return nil, errors.New("no address")
		}
		return write(key, to, subject, text, at)
	}
	d.at(2, 9, 1, "Rosa@clinic.example: 1 conversation of your offices is due today, 2 overdue. Open Postern.\n"+
		"raman@clinic.example: 1 conversation of your offices is due today, 0 overdue. Open Postern.")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.day = ""
	if err := d.Look(ctx); err == nil || d.day != "" {
		t.Error("a look that failed counts")
	}
	if err := d.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(fmt.Errorf("it ends with: %w", err))
	}
}
