package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
)

// shelf is mailboxes with old letters, and what happens to them.
type shelf struct {
	old   map[care.MailboxID]int
	fails map[care.MailboxID]error
	asked []care.MailboxID
	until time.Time
}

func (s *shelf) Mailboxes() []care.MailboxID { return []care.MailboxID{"mb_a", "mb_b", "mb_c"} }

func (s *shelf) Archive(_ context.Context, m care.MailboxID, before time.Time, most int) (int, error) {
	s.asked, s.until = append(s.asked, m), before
	if err := s.fails[m]; err != nil {
		return 0, err
	}
	n := min(most, s.old[m])
	s.old[m] -= n
	return n, nil
}

// TestHousekeeping: a hundred letters at a time, some hundreds a minute, until no mailbox has any; then it looks once a day. One that
// it may not touch is asked once; one that cannot be reached is asked again in an hour, and holds up no other. Nothing moves before
// everything has been read.
func TestHousekeeping(t *testing.T) {
	s := &shelf{old: map[care.MailboxID]int{"mb_a": 250, "mb_c": 10}, fails: map[care.MailboxID]error{"mb_b": care.Refusef(care.Forbidden, "No.")}}
	ctx, cancel := context.WithCancel(t.Context())
	var waits []time.Duration
	inStep := false
	h := &Housekeeping{Mailboxes: s, InStep: func() bool { return inStep }, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }}
	h.after = func(d time.Duration) <-chan time.Time {
		waits = append(waits, d)
		if len(s.asked) > 0 && !inStep {
			t.Error("it moved letters before everything was read")
		}
		inStep = true
		switch len(waits) {
		case 6:
			s.fails["mb_a"] = errors.New("the line is down")
		case 7:
			cancel()
			return nil
		}
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
	if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if want := []time.Duration{pause, pause, pause, pause, pause, 24 * time.Hour, time.Hour}; !slices.Equal(waits, want) {
		t.Errorf("it waited %v", waits)
	}
	if s.old["mb_a"]+s.old["mb_c"] != 0 {
		t.Errorf("left: %v", s.old)
	}
	refused := 0
	for _, m := range s.asked {
		if m == "mb_b" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("it asked %d times for what it may not", refused)
	}
	if want := time.Date(2025, 11, 29, 12, 0, 0, 0, time.UTC); !s.until.Equal(want) {
		t.Errorf("it moves what came before %s", s.until)
	}
}
