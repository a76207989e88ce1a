package command

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
	"postern/backend/record/recordtest"
)

// Who ends the hold of a reply has not seen what came in during it: the reply is shown beside it all the same.
func TestSendNowInTheHoldStillLooks(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	id := a.drafts(DraftReply, s.Thread, "Take it.")
	_, err := a.SendReply(t.Context(), id)
	must(t, err)
	s.Says(recordtest.DrLee, "Stop taking it.")
	a.takes(s.All...)
	must(t, a.SendNow(t.Context(), id))
	must(t, a.Promote(t.Context(), id))
	a.reviewed(id, "Dr. Ana Lee answered")
	must(t, a.SendNow(t.Context(), id)) // now she has seen it
	must(t, a.Promote(t.Context(), id))
	if h := a.held(id); h != nil {
		t.Errorf("decided, and set aside again: %s", h.Why)
	}
}

// What somebody had read by who has left since does not count until the agent confirms it. A reply sent in between is not asked
// about then, a colleague's no more than a member's; what they never read is.
func TestWhatIsConfirmedDidNotComeIn(t *testing.T) {
	for _, c := range []struct {
		name  string
		by    *at
		reads bool
		why   string
	}{
		{"a member who read it", maria(t), true, ""}, {"a member who did not", maria(t), false, "The office answered"},
		{"a colleague who read it", drlee(t), true, ""}, {"a colleague who did not", drlee(t), false, "Rosa Delgado, RN answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.by
			s, _ := story(t, a)
			reply := s.Says(recordtest.Rosa, "Use the cream.")
			a.takes(reply)
			if c.reads {
				must(t, a.MarkRead(t.Context(), s.Thread, reply.ID))
			}
			left := a.r.Clinic.Known[recordtest.Rosa.Key]
			left.Verdict, left.Withdrawn = fold.Waiting, true
			a.r.Clinic.Known[recordtest.Rosa.Key] = left
			if n := len(a.part(s.Thread).Messages); n != 1 {
				t.Fatalf("%d messages count after the author of one has left", n)
			}
			id := a.holds(s.Thread, "And how often?")
			a.takes(s.Write(recordtest.Agent, []*event.Event{reply}, event.VouchBody{Key: recordtest.Rosa.Key, IDs: recordtest.IDs(reply)}))
			if n := len(a.part(s.Thread).Messages); n != 2 {
				t.Fatalf("%d messages count after it was confirmed", n)
			}
			must(t, a.Promote(t.Context(), id))
			if c.why != "" {
				a.reviewed(id, c.why)
			} else if h := a.held(id); h != nil {
				t.Errorf("set aside: %s", h.Why)
			}
		})
	}
}

// A reply and then a completion go in that order, though the completion's hold is ended first.
func TestReplyGoesBeforeItsCompletion(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	reply := a.drafts(DraftReply, s.Thread, "Use the cream.")
	_, err := a.SendReply(t.Context(), reply)
	must(t, err)
	closing := a.drafts(DraftClosing, s.Thread, "Call us if it gets worse.")
	_, err = a.Complete(t.Context(), closing)
	must(t, err)
	must(t, a.SendNow(t.Context(), closing))
	ready, _, err := a.Ready(t.Context())
	must(t, err)
	if !slices.Equal(ready, []string{reply, closing}) {
		t.Fatalf("ready: %v", ready)
	}
	for _, id := range ready {
		must(t, a.Promote(t.Context(), id))
		if h := a.held(id); h != nil {
			t.Errorf("set aside: %s", h.Why)
		}
	}
	if p := a.part(s.Thread); p.Open || len(p.Messages) != 2 {
		t.Errorf("%+v", p)
	}
}

// Parting ends every running hold, and decides nothing that waits for its author.
func TestEndHolds(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	aside := a.holds(s.Thread, "First.")
	s.Says(recordtest.Maria, "More.")
	a.takes(s.All...)
	must(t, a.Promote(t.Context(), aside))
	a.reviewed(aside, "The member wrote again")
	held := a.drafts(DraftReply, s.Thread, "Second.")
	_, err := a.SendReply(t.Context(), held)
	must(t, err)
	must(t, a.EndHolds(t.Context()))
	must(t, a.EndHolds(t.Context()))
	ready, next, err := a.Ready(t.Context())
	must(t, err)
	if !slices.Equal(ready, []string{held}) || !next.IsZero() {
		t.Errorf("ready %v, next %v", ready, next)
	}
}

// A claim that is dropped since a colleague was first leaves no gap: nothing that went out names it.
func TestDroppedClaimLeavesNoGap(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	must(t, a.Claim(t.Context(), s.Thread))
	note := a.drafts(DraftNote, s.Thread, "I look at it.")
	must(t, a.SaveNote(t.Context(), note))
	var claim, noted *event.Event
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		entries, err := a.Journal.Thread(ctx, tx, s.Thread)
		for _, e := range entries {
			switch e.Event.Kind {
			case event.Owner:
				claim = e.Event
			case event.Note:
				noted = e.Event
			}
		}
		return err
	})
	if slices.Contains(noted.After, claim.ID) || len(noted.After) == 0 {
		t.Errorf("the note names %v; the claim, which may yet be dropped, is %v", noted.After, claim.ID)
	}
	a.takes(s.Write(recordtest.DrLee, nil, event.OwnerBody{Who: recordtest.DrLee.ID}))
	if meant, err := a.StillMeant(t.Context(), claim.ID); err != nil || meant {
		t.Errorf("the claim goes out: %v %v", meant, err)
	}
	for _, e := range a.mails(recordtest.LeeBox) {
		if slices.Contains(e.After, claim.ID) {
			t.Errorf("%s waits for a claim that nobody will ever get", e.Kind)
		}
	}
	// Once it has left, it is named as any event is.
	must(t, a.Flag(t.Context(), s.Thread, true, "Urgent."))
	a.mails(recordtest.LeeBox)
	must(t, a.SaveNote(t.Context(), a.drafts(DraftNote, s.Thread, "After the flag.")))
	if p := a.mails(recordtest.LeeBox); len(p) != 1 || len(p[0].After) == 0 {
		t.Errorf("%+v", p)
	}
}

// What was written a moment ago counts as not sent when Postern is closed; that something was read does not.
func TestUnsent(t *testing.T) {
	a, m := rosa(t), maria(t)
	s, first := story(t, a, m)
	counts := func(who *at, what string, want int) {
		t.Helper()
		if u, err := who.Unsent(t.Context()); err != nil || u.N() != want {
			t.Errorf("%s: %d are not sent, want %d: %v", what, u.N(), want, err)
		}
	}
	must(t, a.MarkRead(t.Context(), s.Thread, first.ID))
	counts(a, "nothing done", 0)
	must(t, a.SaveNote(t.Context(), a.drafts(DraftNote, s.Thread, "She runs a lot.")))
	must(t, a.Claim(t.Context(), s.Thread))
	counts(a, "a note and a claim", 2)
	a.holds(s.Thread, "Rest it.")
	counts(a, "and a reply, held", 3)
	a.mails(recordtest.LeeBox)
	counts(a, "the reply alone", 1)

	m.takes(s.Says(recordtest.Rosa, "Use the cream."))
	must(t, m.MarkRead(t.Context(), s.Thread, recordtest.IDs(s.All...)...))
	counts(m, "read", 0)
	d, err := m.SaveDraft(t.Context(), draft.Draft{What: DraftNew, Office: recordtest.Lee, Subject: "A cough", Text: "It stays."})
	must(t, err)
	_, err = m.SendMessage(t.Context(), d.ID)
	must(t, err)
	counts(m, "a new message, held", 1)
}

// A claim that the server refused for now has not left: it is asked about again. One whose connection broke may have.
func TestRefusedForNowHasNotLeft(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(a *at, ctx context.Context, tx *sql.Tx, id care.EventID) error
		here bool
	}{
		"refused for now": {func(a *at, ctx context.Context, tx *sql.Tx, id care.EventID) error {
			return a.Outbox.Retry(ctx, tx, id, recordtest.LeeBox, a.now, "451")
		}, true},
		"the connection broke": {func(a *at, ctx context.Context, tx *sql.Tx, id care.EventID) error {
			return a.Outbox.Lost(ctx, tx, id, recordtest.LeeBox, a.now, "broke")
		}, false},
		"begun again after a crash, then refused": {func(a *at, ctx context.Context, tx *sql.Tx, id care.EventID) error {
			if err := a.Outbox.Submitting(ctx, tx, id, recordtest.LeeBox); err != nil {
				return err
			}
			return a.Outbox.Retry(ctx, tx, id, recordtest.LeeBox, a.now, "451")
		}, false},
	} {
		a := rosa(t)
		s, _ := story(t, a)
		must(t, a.Claim(t.Context(), s.Thread))
		var due []outbox.Letter
		a.r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
			if due, err = a.Outbox.Due(ctx, tx, a.now, 10); err != nil {
				return err
			}
			if err := a.Outbox.Submitting(ctx, tx, due[0].Event, recordtest.LeeBox); err != nil {
				return err
			}
			return c.end(a, ctx, tx, due[0].Event)
		})
		a.takes(s.Write(recordtest.DrLee, nil, event.OwnerBody{Who: recordtest.DrLee.ID}))
		if meant, err := a.StillMeant(t.Context(), due[0].Event); err != nil || meant == c.here {
			t.Errorf("%s: goes out %v, %v", name, meant, err)
		}
	}
}

// What was refused for good is sent again when a person says so, and only that.
func TestResend(t *testing.T) {
	a := rosa(t)
	s, _ := story(t, a)
	must(t, a.Promote(t.Context(), a.holds(s.Thread, "Use the cream.")))
	a.mails(recordtest.LeeBox)
	var l outbox.Letter
	a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		due, err := a.Outbox.Due(ctx, tx, a.now, 10)
		if err != nil {
			return err
		}
		l = due[0]
		return a.Outbox.Fail(ctx, tx, l.Event, l.Mailbox, "552 full")
	})
	must(t, a.Resend(t.Context(), s.Thread))
	a.now = a.now.Add(time.Second)
	if again := a.mails(l.Mailbox); len(again) != 1 || again[0].ID != l.Event {
		t.Errorf("sent again: %v", again)
	}
	refuses(t, "nothing refused", a.Resend(t.Context(), s.Thread), care.NotFound, "")
}
