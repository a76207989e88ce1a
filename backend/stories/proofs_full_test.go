package stories

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
)

// TestProof38FullMailbox: an office's mailbox fills. The care team is warned from 70 % on, and in harder words when it is nearly full.
// What a member sends to the full mailbox shows to them as not received; once the agent has archived what is old, the next try
// delivers it, and the warning goes.
func TestProof38FullMailbox(t *testing.T) {
	const room = 1 << 20
	for _, which := range posttest.Systems {
		t.Run(string(which), func(t *testing.T) {
			var w *town
			if which == posttest.Gateway {
				w = newTown(t, posttest.NewGateway(t, room))
			} else {
				w = newTown(t, posttest.Start(t, which))
			}
			marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
			lee := w.offices["Lee"].Mailbox
			if which == posttest.Dovecot {
				w.mail.Limit(t, w.local(lee), room)
			}
			exchange(w, marisol, rosa, clinic)
			full := func() care.Quota {
				t.Helper()
				w.clock.move(25 * time.Hour)
				rosa.pulls()
				for _, q := range rosa.p.Quotas() {
					if q.Mailbox == lee {
						return q
					}
				}
				t.Fatal("the mail system does not say how full the mailbox is")
				return care.Quota{}
			}
			says := func(phase care.SyncPhase, words string) {
				t.Helper()
				s := rosa.p.Sync()
				if s.Phase != phase || (words == "") != (s.Problem == "") || !strings.Contains(s.Problem, words) {
					t.Errorf("rosa is told %s %q, want %s %q", s.Phase, s.Problem, phase, words)
				}
			}
			q := full()
			for q.Limit != room { // Dovecot reads a login's file once a second
				q = full()
			}
			if q.Percent() >= care.Filling {
				t.Fatalf("%d%% full to begin with", q.Percent())
			}
			says(care.SyncUpToDate, "")

			letter := slices.MinFunc(w.mail.Messages(t, w.local(lee), "INBOX"), func(a, b posttest.Mail) int { return len(a.Raw) - len(b.Raw) }).Raw
			for range int(room*(care.Filling+5)/100-q.Used)/len(letter) + 1 { // over the first warning, and well below the second
				w.mail.Append(t, w.local(lee), "INBOX", time.Now().AddDate(-1, -2, 0), letter)
			}
			if q = full(); q.Percent() < care.Filling {
				t.Fatalf("only %d%% full", q.Percent())
			}
			says(care.SyncUpToDate, "Dr. Lee's office")
			filler := append([]byte("Subject: x\r\n\r\n"), bytes.Repeat([]byte("0123456789abcd\r\n"), int(q.Limit-q.Used)/16-200)...)
			w.mail.Append(t, w.local(lee), "INBOX", time.Now(), filler)
			if q := full(); q.Percent() < care.NearlyFull {
				t.Fatalf("only %d%% full", q.Percent())
			}
			says(care.SyncAmiss, "nearly full")

			there := w.mail.Count(t, w.local(lee), "INBOX")
			marisol.writes("Lee", "To a full mailbox", "It is still swollen.")
			marisol.sends()
			state := func() view.State {
				t.Helper()
				for _, r := range marisol.rows() {
					if r.Subject == "To a full mailbox" {
						return r.State
					}
				}
				t.Fatal("the message is not in the list")
				return ""
			}
			equal(t, "the message stands", state(), view.StateWaiting)
			equal(t, "letters in the office's mailbox", w.mail.Count(t, w.local(lee), "INBOX"), there)

			must(t, clinic.p.Replica().Pull(t.Context()))
			h := &agent.Housekeeping{Mailboxes: clinic.p.Replica(), Now: w.clock.now, Log: slog.New(slog.DiscardHandler)}
			all := 0
			for {
				moved, err := h.Once(t.Context())
				must(t, err)
				if all += moved; moved == 0 {
					break
				}
			}
			if all == 0 {
				t.Fatal("nothing was archived")
			}
			w.clock.move(time.Hour)
			marisol.sends()
			clinic.inStep()
			marisol.pulls()
			equal(t, "after archiving the message stands", state(), view.StateDelivered)
			w.mail.Expunge(t, w.local(lee), "INBOX", uidOf(w.mail.Messages(t, w.local(lee), "INBOX"), filler))
			full()
			says(care.SyncUpToDate, "")
		})
	}
}

// uidOf is the number of a letter.
func uidOf(all []posttest.Mail, raw []byte) uint32 {
	for _, m := range all {
		if bytes.Equal(m.Raw, raw) {
			return m.UID
		}
	}
	return 0
}
