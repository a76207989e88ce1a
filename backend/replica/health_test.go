package replica

import (
	"database/sql"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
)

// TestStanding: it is known since when nothing can be handed over, and when something last was.
func TestStanding(t *testing.T) {
	s := &scripted{password: &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no"}}
	r, _, now := outgoing(t, s)
	began := now.now()
	for range 2 {
		if err := r.Settle(t.Context()); err == nil {
			t.Fatal("a wrong password was taken")
		}
		now.later(time.Minute)
	}
	if got := r.Standing(); got.Problem == "" || !got.Failing.Equal(began) || !got.Handed.IsZero() || len(got.Mailboxes) != 1 {
		t.Errorf("refused, it stands so: %+v", got)
	}
	s.mu.Lock()
	s.password = nil
	s.mu.Unlock()
	must(t, r.Settle(t.Context()))
	if got := r.Standing(); got.Problem != "" || !got.Failing.IsZero() || !got.Handed.Equal(now.now()) {
		t.Errorf("taken, it stands so: %+v", got)
	}
}

// TestPassedIsNotPutBack: how an agent stood is not sent again to a mailbox that has lost it; everything else is.
func TestPassedIsNotPutBack(t *testing.T) {
	r, _, now := outgoing(t, &scripted{})
	practice := r.Books.Book().Practice()
	loose := func(kind event.Kind, body any) (id care.EventID) {
		raw, err := event.Encode(event.Event{Kind: kind, Practice: practice.ID, Author: care.KeyID{7}, As: "ps_aaaaaaaaaaaaaaaa", At: now.now(),
			To: []care.MailboxID{"mb_aaaaaaaaaaaaaaaa"}, Body: body})
		must(t, err)
		e, err := event.Decode(raw)
		must(t, err)
		must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := r.Journal.Append(t.Context(), tx, journal.Entry{Event: e, ID: e.ID, Raw: raw, Sig: make([]byte, 64), Verdict: fold.Accepted})
			return err
		}))
		return e.ID
	}
	for want, letter := range map[bool]outbox.Letter{
		true:  {Event: loose(event.Health, event.HealthBody{Version: "1"})},
		false: {Event: loose(event.Digest, event.DigestBody{Day: "2026-11-23", First: 1})},
	} {
		must(t, r.DB.Read(t.Context(), func(tx *sql.Tx) error {
			passed, err := r.passed(t.Context(), tx, letter)
			if passed != want {
				t.Errorf("passed %v, want %v", passed, want)
			}
			return err
		}))
	}
}
