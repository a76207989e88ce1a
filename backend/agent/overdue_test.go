package agent

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// late is the clinic of the digests, whose agent tells of what is overdue.
type late struct {
	*Overdue
	d *digest
}

func lates(t *testing.T) *late {
	t.Helper()
	d := digests(t)
	return &late{d: d, Overdue: &Overdue{Desk: d.Desk, Late: d.r.Projection.Overdue, Mails: d.Mails, Emails: addresses, Letter: d.Letter,
		InStep: func() bool { return d.inStep }, Log: slog.New(slog.NewTextHandler(&d.log, nil))}}
}

// at lets the agent look, and says who is told of how many.
func (l *late) at(day, hour, minute int, want string) {
	l.d.t.Helper()
	l.d.now = recordtest.Monday.AddDate(0, 0, day).Add(time.Duration(hour-9)*time.Hour + time.Duration(minute)*time.Minute)
	if err := l.Look(l.d.t.Context()); err != nil {
		l.d.t.Fatal(err)
	}
	got := strings.NewReplacer("A reply is overdue: Postern: a reply that your office promised is overdue. Open Postern.", "1",
		"Replies are overdue: Postern: ", "", " replies that your offices promised are overdue. Open Postern.", "").Replace(l.d.sends())
	if got = strings.ReplaceAll(got, "\n", ", "); got != want {
		l.d.t.Errorf("day %d, %d:%02d: told %q, want %q", day, hour, minute, got, want)
	}
}

// says is what the conversation says of its messages, and in how many events.
func (l *late) says(s *recordtest.Story) string {
	l.d.t.Helper()
	var all []string
	events := 0
	l.d.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := l.d.r.Journal.Thread(ctx, tx, s.Thread)
		for _, e := range entries {
			if e.Event.Kind == event.Overdue {
				events++
			}
		}
		for _, m := range fold.Fold(command.Events(entries), l.d.r.Clinic).Parts[0].Messages {
			if m.Overdue != nil {
				all = append(all, fmt.Sprint(m.Overdue.At.Sub(recordtest.Monday), m.Overdue.Told))
			}
		}
		return err
	})
	return fmt.Sprint(events, ": ", strings.Join(all, ", "))
}

// told is what a conversation says of one message.
func told(hours int, who ...recordtest.Someone) string {
	ids := []care.PersonID{}
	for _, w := range who {
		ids = append(ids, w.ID)
	}
	return "1: " + fmt.Sprint(time.Duration(hours)*time.Hour, ids)
}

// Whoever has a conversation and the office's physician are told once that its reply is overdue, and the conversation says so; again only
// after it was answered. It tells nothing of it.
func TestOverdueIsToldOnce(t *testing.T) {
	l := lates(t)
	l.at(0, 11, 59, "")
	l.at(0, 12, 0, "lee@clinic.example: 1")
	l.at(0, 12, 1, "")
	l.done = nil // the program began anew
	l.at(0, 15, 0, "")
	if got := l.says(l.d.talks[0]); got != told(3, recordtest.DrLee) {
		t.Errorf("it says %s", got)
	}

	second := l.d.talks[1]
	l.d.r.Takes(recordtest.LeeBox, second.Write(recordtest.Rosa, nil, event.OwnerBody{Who: recordtest.Rosa.ID}))
	l.at(1, 12, 0, "Rosa@clinic.example: 1, lee@clinic.example: 1")
	more := second.Says(recordtest.Maria, "Hello?")
	l.d.r.Takes(recordtest.LeeBox, more, second.Receives(more, recordtest.Monday.AddDate(0, 0, 1).Add(4*time.Hour)))
	l.at(1, 15, 0, "") // they know

	l.d.r.Takes(recordtest.LeeBox, second.Says(recordtest.Rosa, "I asked her."))
	again := second.Says(recordtest.Maria, "And?")
	l.d.r.Takes(recordtest.LeeBox, again, second.Receives(again, recordtest.Monday.AddDate(0, 0, 2).Add(3*time.Hour)))
	l.at(2, 11, 0, "")
	l.at(2, 12, 0, "Rosa@clinic.example: 1, lee@clinic.example: 1, raman@clinic.example: 1")
	if log := l.d.log.String(); strings.Contains(log, "@") || strings.Contains(log, "Biopsy") {
		t.Errorf("its log: %s", log)
	}
}

// Who is out of office is not told, and who covers is. Nobody is told at night, while the clinic is closed, before the mailboxes were read,
// or by an agent that the directory does not name; what came together is told in one mail.
func TestOverdueWhen(t *testing.T) {
	l := lates(t)
	l.d.r.Clinic.Calendar.Absences = []care.Absence{{Person: recordtest.DrLee.ID, From: "2026-11-23", Until: "2026-11-23", Cover: recordtest.DrHaddad.ID}}
	l.at(0, 12, 0, "haddad@clinic.example: 1")

	l = lates(t)
	l.d.inStep = false
	l.at(0, 12, 0, "")
	l.d.inStep = true
	l.Desk.Me = recordtest.Rosa.Person
	l.at(0, 12, 0, "")
	l.Desk.Me = recordtest.Agent.Person
	l.d.r.Clinic.Policy.Notices.Quiet = care.Span{From: "11:00", Until: "13:00"}
	l.at(0, 12, 0, "")
	l.at(0, 20, 0, "")
	l.d.r.Clinic.Calendar.Holidays = []care.Holiday{{Date: "2026-11-24", Name: "Staff training"}}
	l.at(1, 14, 0, "")
	l.at(2, 14, 0, "lee@clinic.example: 2, raman@clinic.example: 1")

	// What was overdue for more than a week as the agent begins is no news.
	l = lates(t)
	l.at(9, 14, 0, "")

	// A mail of a few minutes ago is not followed by another one.
	l = lates(t)
	l.d.now = recordtest.Monday.Add(2*time.Hour + 50*time.Minute)
	l.d.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := l.Mails.Add(ctx, tx, ordinary.Out{Key: care.EventID{1}, Address: "lee@clinic.example", Mail: []byte("x"), Added: l.d.now})
		return err
	})
	l.d.sends()
	l.at(0, 12, 0, "")
	l.at(0, 12, 20, "lee@clinic.example: 1")
}

// The agent's second computer waits whether the first tells; where it does not, the second does. Where nobody has an address, the
// conversation says that.
func TestOverdueOnTwoComputers(t *testing.T) {
	for _, first := range []bool{true, false} {
		l := lates(t)
		other := *l.Overdue
		second := &late{d: l.d, Overdue: &other}
		second.Rank = func() int { return 1 }
		second.at(0, 12, 0, "")
		want := "lee@clinic.example: 1"
		if first {
			l.at(0, 12, 1, want)
			want = ""
		}
		second.at(0, 12, 15, want)
	}
	l := lates(t)
	l.Emails = map[string]string{recordtest.Sam.Name: "sam@clinic.example"}
	l.at(0, 12, 0, "")
	if got := l.says(l.d.talks[0]); got != told(3) {
		t.Errorf("it says %s", got)
	}
}
