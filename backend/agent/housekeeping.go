package agent

import (
	"context"
	"log/slog"
	"time"

	"postern/backend/care"
)

// Housekeeping keeps the mailboxes small that the agent looks after: those of the practice and its offices. Letters older than a year
// go to the archive, Archive/2025 and so on by the mail system's date, where every computer still reads them. It is the agent's alone.
type Housekeeping struct {
	Mailboxes Mailboxes
	// InStep, where it is set, says whether everything in the mailboxes has been read. Nothing is moved before.
	InStep func() bool
	Now    func() time.Time
	Log    *slog.Logger

	after  func(time.Duration) <-chan time.Time // nil: time.After
	mayNot map[care.MailboxID]bool              // where the mail system refused, until Postern starts again
}

// Mailboxes are those that a profile reads.
type Mailboxes interface {
	Mailboxes() []care.MailboxID
	// Archive moves the oldest letters that came before a time, at most so many, and says how many. care.Forbidden: it may not.
	Archive(ctx context.Context, mailbox care.MailboxID, before time.Time, most int) (moved int, err error)
}

// Every other computer fetches again what is moved, so it is moved little by little: 300 letters a minute, of all mailboxes together.
const (
	few   = 100
	pause = 20 * time.Second
)

// Run moves what is old, and looks again each day, until the context ends.
func (h *Housekeeping) Run(ctx context.Context) error {
	after := h.after
	if after == nil {
		after = time.After
	}
	for {
		wait := pause
		if h.InStep == nil || h.InStep() {
			switch moved, err := h.Once(ctx); {
			case moved > 0:
			case err != nil:
				wait = time.Hour
			default:
				wait = 24 * time.Hour
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-after(wait):
		}
	}
}

// Once moves some letters, of the first mailbox that has any, and says how many. An error is what may pass.
func (h *Housekeeping) Once(ctx context.Context) (moved int, passing error) {
	before := h.Now().AddDate(-1, 0, 0)
	for _, m := range h.Mailboxes.Mailboxes() {
		if h.mayNot[m] {
			continue
		}
		moved, err := h.Mailboxes.Archive(ctx, m, before, few)
		switch {
		case care.KindOf(err) == care.Forbidden:
			if h.mayNot == nil {
				h.mayNot = map[care.MailboxID]bool{}
			}
			h.mayNot[m] = true
			h.Log.Warn("old letters of a mailbox are not archived", "mailbox", m, "err", err)
		case err != nil:
			passing = err
			h.Log.Info("old letters of a mailbox could not be archived now", "mailbox", m, "err", err)
		}
		if moved > 0 {
			h.Log.Info("old letters were archived", "mailbox", m, "letters", moved)
			return moved, nil
		}
	}
	return 0, passing
}
