package view_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
	. "postern/backend/record/recordtest"
	"postern/backend/record/view"
)

// screens are the views of one person over a replica, at a time that the test sets.
type screens struct {
	*view.Views
	t   *testing.T
	r   *Replica
	now time.Time
}

func screensOf(t *testing.T, r *Replica, who Someone) *screens {
	s := &screens{t: t, r: r, now: Monday}
	r.Clinic.Viewer = who.ID
	s.Views = view.New(r.DB, view.Viewer{Person: who.ID, Patient: who.Patient, Member: who.Role == care.RoleMember}, r.Clinic, func() time.Time { return s.now })
	return s
}

func (s *screens) center(show, search string) []view.Row {
	s.t.Helper()
	rows, err := s.Center(s.t.Context(), show, search)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

func (s *screens) queue(id, search string) []view.Row {
	s.t.Helper()
	_, rows, err := s.Queue(s.t.Context(), id, search)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

func (s *screens) thread(id care.EventID) view.Thread {
	s.t.Helper()
	t, err := s.Thread(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// says is what a row says in one line.
func says(rows ...view.Row) string {
	var all []string
	for _, r := range rows {
		line := string(r.Subject) + ": " + string(r.State)
		if r.By.Short != "" {
			line += " by " + r.By.Short
		}
		if r.Unread {
			line += ", unread"
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
}

// TestState follows one conversation through what a person reads of it, on both sides.
func TestState(t *testing.T) {
	member, office := screensOf(t, NewReplica(t, nil), Maria), screensOf(t, NewReplica(t, nil), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	due := Monday.AddDate(0, 0, 2)
	step := func(wantMember, wantOffice string) {
		t.Helper()
		member.r.Takes(MariaBox, s.For(MariaBox)...)
		office.r.Takes(LeeBox, s.For(LeeBox)...)
		expect(t, says(member.center(view.ShowAll, "")...), wantMember)
		expect(t, says(append(office.queue(view.QueueAll, ""), office.queue(view.QueueCompleted, "")...)...), wantOffice)
	}
	step("A rash: open", "A rash: open") // its first message is on its way
	m := s.Says(Maria, "It itches.")
	step("A rash: handed", "A rash: handed, unread")
	s.Receives(m, due)
	step("A rash: delivered", "A rash: delivered, unread")
	if row := member.center(view.ShowAll, "")[0]; !row.Due.Equal(due) || row.Left != 18*time.Hour {
		t.Fatalf("due %v, left %v", row.Due, row.Left)
	}
	reply := s.Says(Rosa, "Use the cream.")
	step("A rash: replied by Rosa, unread", "A rash: replied by Rosa")
	s.Write(Maria, []*event.Event{reply}, event.SeenBody{Message: reply.ID})
	step("A rash: replied by Rosa", "A rash: replied by Rosa")
	m2 := s.Says(Maria, "It helps a little.")
	step("A rash: handed", "A rash: handed, unread")
	_ = m2
}

func TestCompleteAndReopen(t *testing.T) {
	member, office := screensOf(t, NewReplica(t, nil), Maria), screensOf(t, NewReplica(t, nil), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	s.Receives(m, Monday.AddDate(0, 0, 2))
	done := s.Completes(DrLee, "Use the cream. Call us if it spreads.", m)
	take := func() {
		member.r.Takes(MariaBox, s.For(MariaBox)...)
		office.r.Takes(LeeBox, s.For(LeeBox)...)
	}
	take()
	expect(t, says(member.center(view.ShowAll, "")...), "A rash: completed by Dr. Lee, unread")
	expect(t, says(office.queue(view.QueueCompleted, "")...), "A rash: completed by Dr. Lee")
	if got := office.queue(view.QueueAll, ""); len(got) != 0 {
		t.Fatal(says(got...))
	}
	th := member.thread(s.Thread)
	if th.Completed == nil || th.Completed.ID != done.ID || th.Completed.Text != "Use the cream. Call us if it spreads." || th.Completed.By.Short != "Dr. Lee" || th.Open {
		t.Fatalf("%+v", th.Completed)
	}
	expect(t, string(th.Snippet), "Use the cream. Call us if it spreads.")
	s.Write(Maria, nil, event.SeenBody{Message: done.ID})
	reopened := s.Write(Rosa, []*event.Event{done}, event.ReopenedBody{Undoes: IDs(done)})
	take()
	expect(t, says(member.center(view.ShowAll, "")...), "A rash: delivered")
	th = member.thread(s.Thread)
	expect(t, kinds(th), "message complete reopen")
	if th.Completed != nil || !th.Items[1].Undone || th.Items[2].ID != reopened.ID || th.Items[2].By.Short != "Rosa" || !th.Open {
		t.Fatalf("%+v", th)
	}
}

func kinds(th view.Thread) string {
	var all []string
	for _, i := range th.Items {
		all = append(all, string(i.Kind))
	}
	return strings.Join(all, " ")
}

// TestThread: items of all kinds in the order of the fold, with who, when and what became of each.
func TestThread(t *testing.T) {
	c := NewClinic(t)
	c.Calendar.Absences = []care.Absence{{Person: DrLee.ID, From: "2026-11-20", Until: "2026-11-27", Cover: DrHaddad.ID}}
	office := screensOf(t, NewReplica(t, c), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	first := s.Says(Maria, "It itches.\n\n- arms\n- legs")
	s.Write(Agent, []*event.Event{first}, event.ReceivedBody{Message: first.ID, Received: Monday, Due: Monday.AddDate(0, 0, 2), Cover: DrHaddad.ID})
	claim := s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID})
	s.Write(Sam, nil, event.OwnerBody{Who: Sam.ID})
	s.Write(Rosa, []*event.Event{claim}, event.OwnerBody{Who: Rosa.ID, Over: claim.ID}) // longer, so it wins
	s.Write(Rosa, []*event.Event{first}, event.FlagBody{On: true, Reason: "She is short of breath."})
	note := s.Write(DrLee, []*event.Event{first}, event.NoteBody{Text: "Ask about food."})
	reply := s.Says(Rosa, "What did you eat?")
	s.Write(Maria, []*event.Event{reply}, event.SeenBody{Message: reply.ID})
	office.r.Takes(LeeBox, s.For(LeeBox)...)

	th := office.thread(s.Thread)
	expect(t, kinds(th), "message note message")
	m, n, a := th.Items[0], th.Items[1], th.Items[2]
	if m.Text != "It itches.\n\n- arms\n- legs" || !m.Member || m.Own || m.By.Name != Maria.Name || m.By.Initials != "MV" || m.State != view.StateReplied ||
		!m.Received.Equal(Monday) || m.Cover.Short != "Dr. Haddad" || m.Unread {
		t.Errorf("%+v", m)
	}
	if n.ID != note.ID || n.Text != "Ask about food." || n.Own || n.By.Short != "Dr. Lee" {
		t.Errorf("%+v", n)
	}
	if a.Text != "What did you eat?" || !a.Own || a.Member || a.SeenAt.IsZero() || a.State != view.StateDelivered {
		t.Errorf("%+v", a)
	}
	if !th.Mine || th.Owner.ID != Rosa.ID || !th.Flagged || th.FlagReason != "She is short of breath." || !th.HasNotes || len(th.Lost) != 0 {
		t.Errorf("%+v", th.Row)
	}
	if th.Absence == nil || th.Absence.Person.Short != "Dr. Lee" || th.Absence.Cover.Short != "Dr. Haddad" || th.Absence.Until != "2026-11-27" ||
		th.Absence.Back.Format(time.DateOnly) != "2026-11-30" {
		t.Errorf("%+v", th.Absence)
	}
	sam := screensOf(t, office.r, Sam)
	if th := sam.thread(s.Thread); len(th.Lost) != 1 || th.Lost[0].To.ID != Rosa.ID || th.Mine {
		t.Errorf("%+v", th.Lost)
	}
}

// TestMemberNeverSees: notes, owner, flags and lost claims stay out of a member's screens, even if a replica of the
// member's held them.
func TestMemberNeverSees(t *testing.T) {
	c := NewClinic(t)
	st := c.Known[Maria.Key]
	st.Flags = []string{"No current relation with this office"}
	c.Known[Maria.Key] = st
	r := NewReplica(t, c)
	s := NewStory(t, Maria, "A rash", Monday)
	s.Says(Maria, "It itches.")
	s.Write(Rosa, nil, event.NoteBody{Text: "Difficult, this one."})
	s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID})
	s.Write(Rosa, nil, event.FlagBody{On: true, Reason: "hypochondriac"})
	r.Takes(LeeBox, s.All...) // everything, as it must never happen
	office := screensOf(t, r, Rosa)
	if row := office.queue(view.QueueMine, "")[0]; !row.HasNotes || !row.Flagged || !row.Mine || !slices.Equal(row.Flags, st.Flags) {
		t.Fatalf("the test shows nothing: %+v", row)
	}
	if got := office.queue(view.QueueAll, "difficult"); len(got) != 1 {
		t.Fatal("staff do not find by a note")
	}
	member := screensOf(t, r, Maria)
	th := member.thread(s.Thread)
	rows := append(member.center(view.ShowAll, ""), th.Row)
	for _, text := range []string{"difficult", "hypochondriac"} {
		if got := member.center(view.ShowAll, text); len(got) != 0 {
			t.Errorf("the member finds by %q", text)
		}
	}
	for _, row := range rows {
		if row.HasNotes || row.Flagged || row.Flags != nil || row.Mine || row.Owner.ID != "" {
			t.Errorf("%+v", row)
		}
	}
	if whole := fmt.Sprintf("%+v", th); strings.Contains(whole, "Difficult") || strings.Contains(whole, "hypochondriac") || strings.Contains(whole, "current relation") {
		t.Error(whole)
	}
	expect(t, kinds(th), "message")
}

// TestNotTheirs: a conversation of another record or another office is not found.
func TestNotTheirs(t *testing.T) {
	r := NewReplica(t, nil)
	mine, other := NewStory(t, Maria, "Mine", Monday), NewStory(t, Juan, "Other", Monday)
	derma := NewStoryAt(t, Maria, Maria, Brandt, BrandBox, "A mole", Monday)
	for _, s := range []*Story{mine, other, derma} {
		s.Says(Someone(map[care.PatientID]Someone{MariaPt: Maria, JuanPt: Juan}[s.Patient]), "Hello.")
		r.Takes(s.Box, s.All...)
	}
	member := screensOf(t, r, Maria)
	for id, here := range map[care.EventID]bool{mine.Thread: true, derma.Thread: true, other.Thread: false, {9}: false} {
		if _, err := member.Thread(t.Context(), id); (err == nil) != here || err != nil && care.KindOf(err) != care.NotFound {
			t.Errorf("%v", err)
		}
	}
	if got := member.center(view.ShowAll, "other"); len(got) != 0 {
		t.Error(says(got...))
	}
	office := screensOf(t, r, Rosa) // of Lee and Raman
	if _, err := office.Thread(t.Context(), derma.Thread); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
	if got := office.queue(view.QueueAll, "mole"); len(got) != 0 {
		t.Error(says(got...))
	}
	if _, _, err := office.Queue(t.Context(), string(Brandt), ""); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
	if _, err := member.Panel(t.Context(), JuanPt); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
}

// TestFollowUp: what crosses a completion is a conversation of its own, linked both ways and in the queue.
func TestFollowUp(t *testing.T) {
	office := screensOf(t, NewReplica(t, nil), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	s.Completes(Rosa, "Use the cream.", m)
	crossed := s.Write(Maria, []*event.Event{m}, event.SentBody{Text: "And now my arm."})
	s.Receives(crossed, Monday.AddDate(0, 0, 2))
	office.r.Takes(LeeBox, s.All...)
	followUp := event.FollowUpID(s.Thread, nil)
	rows := office.queue(view.QueueUnassigned, "")
	if len(rows) != 1 || rows[0].Part != followUp || !rows[0].FollowUp || rows[0].Thread != s.Thread || rows[0].Due.IsZero() {
		t.Fatalf("%+v", rows)
	}
	th := office.thread(followUp)
	if th.Before == nil || th.Before.Part != s.Thread || th.Before.Open || len(th.After) != 0 || string(th.Items[0].Text) != "And now my arm." {
		t.Fatalf("%+v", th)
	}
	th = office.thread(s.Thread)
	if th.Before != nil || len(th.After) != 1 || th.After[0].Part != followUp || !th.After[0].Open {
		t.Fatalf("%+v", th)
	}
}

// TestOpeningMissing: a message whose opening has not come shows all the same, in everyone's queue.
func TestOpeningMissing(t *testing.T) {
	office := screensOf(t, NewReplica(t, nil), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	office.r.Takes(LeeBox, m)
	rows := office.queue(view.QueueUnassigned, "")
	if len(rows) != 1 || rows[0].Snippet != "It itches." || rows[0].Patient.ID != MariaPt {
		t.Fatalf("%+v", rows)
	}
	if th := office.thread(s.Thread); th.Gaps != 1 {
		t.Fatalf("%d gaps", th.Gaps)
	}
	office.r.Takes(LeeBox, s.All...)
	if th := office.thread(s.Thread); th.Gaps != 0 || th.Subject != "A rash" {
		t.Fatalf("%+v", th.Row)
	}
}

// TestHeldAndDrafts: texts of one's own that are not yet part of a conversation.
func TestHeldAndDrafts(t *testing.T) {
	member := screensOf(t, NewReplica(t, nil), Maria)
	r := member.r
	s := NewStory(t, Maria, "A rash", Monday.Add(-time.Hour))
	m := s.Says(Maria, "It itches.")
	s.Says(Rosa, "Use the cream.")
	r.Takes(MariaBox, s.For(MariaBox)...)
	reply := outbox.Held{Draft: "dr_reply", What: "reply", Thread: s.Thread, Part: s.Thread, Patient: MariaPt, Office: Lee, Subject: "A rash", Text: "Thank you.",
		Written: Monday, Until: Monday.Add(15 * time.Second)}
	fresh := outbox.Held{Draft: "dr_new", What: "message", Patient: MariaPt, Office: Raman, Topic: care.TopicAdvice, Subject: "Treadmill", Text: "Can I drive home?",
		Written: Monday, Until: Monday.Add(15 * time.Second)}
	d := draft.Draft{ID: care.NewID("dr"), What: "new", Text: "Half a", Saved: Monday.Add(-2 * time.Hour)}
	half := draft.Draft{ID: care.NewID("dr"), What: "reply", Thread: s.Thread, Part: s.Thread, Text: "And also", Saved: Monday}
	older := draft.Draft{ID: care.NewID("dr"), What: "reply", Thread: s.Thread, Part: s.Thread, Text: "Stale", Saved: Monday.Add(-time.Minute)}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for _, h := range []outbox.Held{reply, fresh} {
			if err := r.Outbox.Hold(ctx, tx, h); err != nil {
				return err
			}
		}
		for _, one := range []draft.Draft{d, half, older} {
			if err := r.Drafts.Save(ctx, tx, one); err != nil {
				return err
			}
		}
		return nil
	})
	expect(t, says(member.center(view.ShowAll, "")...), "Treadmill: held; A rash: held by Rosa, unread; : draft")
	expect(t, says(member.center(view.ShowWaiting, "")...), "Treadmill: held; A rash: held by Rosa, unread")
	expect(t, says(member.center(view.ShowUnread, "")...), "A rash: held by Rosa, unread")
	expect(t, says(member.center(view.ShowDrafts, "")...), "A rash: draft by Rosa; A rash: draft by Rosa; : draft")
	expect(t, says(member.center(view.ShowAll, "drive ho")...), "Treadmill: held")
	expect(t, says(member.center(view.ShowAll, "half")...), ": draft")
	if c, err := member.CenterCounts(t.Context()); err != nil || c != (view.Counts{All: 3, Unread: 1, Waiting: 2, Drafts: 3}) {
		t.Fatalf("%+v, %v", c, err)
	}
	if row := member.center(view.ShowAll, "")[0]; row.Draft != "dr_new" || !row.Part.IsZero() || row.Office.ID != Raman || row.Snippet != "Can I drive home?" {
		t.Fatalf("%+v", row)
	}
	th := member.thread(s.Thread)
	if len(th.Held) != 1 || th.Held[0].Draft != "dr_reply" || th.Held[0].Text != "Thank you." || th.Held[0].State != view.StateHeld || th.Drafts["reply"].ID != half.ID {
		t.Fatalf("%+v", th.Held)
	}
	member.now = Monday.Add(15 * time.Second) // the hold is over
	expect(t, says(member.center(view.ShowWaiting, "")...), "Treadmill: waiting; A rash: waiting by Rosa, unread")
	held, err := member.HeldText(t.Context(), "dr_new")
	if err != nil || held.State != view.StateWaiting || held.Text != "Can I drive home?" || held.Office.ID != Raman {
		t.Fatalf("%+v, %v", held, err)
	}
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		return r.Outbox.ToReview(ctx, tx, "dr_reply", "The office answered in the meantime.")
	})
	row := member.center(view.ShowWaiting, "")[1]
	if row.State != view.StateReview || row.Why != "The office answered in the meantime." {
		t.Fatalf("%+v", row)
	}
	if _, err := member.HeldText(t.Context(), "dr_none"); care.KindOf(err) != care.NotFound {
		t.Fatal(err)
	}
	if got, err := member.Draft(t.Context(), half.ID); err != nil || got != view.Draft(half) {
		t.Fatalf("%+v, %v", got, err)
	}
	if all, err := member.Drafts(t.Context()); err != nil || len(all) != 3 || all[0].ID != half.ID {
		t.Fatalf("%+v, %v", all, err)
	}
	_ = m
}

// TestFailed: a letter that did not reach the other side is said with the mail system's words and whom to call; a copy
// for oneself that failed is not.
func TestFailed(t *testing.T) {
	letters := func(r *Replica, e *event.Event, to care.MailboxID, reason string) {
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			if err := r.Outbox.Add(ctx, tx, outbox.Letter{Event: e.ID, Mailbox: to, Thread: e.Thread}); err != nil {
				return err
			}
			return r.Outbox.Fail(ctx, tx, e.ID, to, reason)
		})
	}
	t.Run("to the office", func(t *testing.T) {
		member := screensOf(t, NewReplica(t, nil), Maria)
		s := NewStory(t, Maria, "A rash", Monday)
		m := s.Says(Maria, "It itches.")
		member.r.Takes(MariaBox, s.All...)
		letters(member.r, m, MariaBox, "552 quota") // her own copy
		expect(t, says(member.center(view.ShowAll, "")...), "A rash: handed")
		letters(member.r, m, LeeBox, "552 5.2.2 mailbox full.")
		row := member.center(view.ShowAll, "")[0]
		expect(t, row.Why, "It did not reach Dr. Lee's office. The mail system says: “552 5.2.2 mailbox full”. Call the front desk at 555-0100.")
		if i := member.thread(s.Thread).Items[0]; i.State != view.StateFailed || i.Why != row.Why || row.State != view.StateFailed {
			t.Fatalf("%+v", i)
		}
	})
	t.Run("to the member", func(t *testing.T) {
		office := screensOf(t, NewReplica(t, nil), Rosa)
		s := NewStory(t, Maria, "A rash", Monday)
		m := s.Says(Maria, "It itches.")
		s.Receives(m, Monday.AddDate(0, 0, 2))
		reply := s.Says(Rosa, "Use the cream.")
		s.Write(Rosa, nil, event.FailedBody{Event: reply.ID, Mailbox: MariaBox, Reason: "552 full"})
		office.r.Takes(LeeBox, s.All...)
		row := office.queue(view.QueueUnassigned, "")[0] // it awaits the office again, with its first due time
		expect(t, says(row), "A rash: failed, unread")
		expect(t, row.Why, "It did not reach the member. The mail system says: “552 full”. Call Marisol Vega at 555-010-0177.")
		if th := office.thread(s.Thread); th.Items[1].State != view.StateFailed || th.Items[0].State != view.StateDelivered || !th.Due.Equal(Monday.AddDate(0, 0, 2)) {
			t.Fatalf("%+v", th.Items)
		}
		again := s.Says(Rosa, "Once more: use the cream.")
		office.r.Takes(LeeBox, again)
		expect(t, says(office.queue(view.QueueMember, "")...), "A rash: replied by Rosa")
	})
}

// TestWhatHasNotLeft: a fact counts as sent only once the mail system has it. Until then it goes out, or waits, on both
// sides, and it is counted as waiting.
func TestWhatHasNotLeft(t *testing.T) {
	letter := func(s *screens, e *event.Event, box care.MailboxID, change func(ctx context.Context, tx *sql.Tx) error) {
		s.r.Write(func(ctx context.Context, tx *sql.Tx) error {
			if err := s.r.Outbox.Add(ctx, tx, outbox.Letter{Event: e.ID, Mailbox: box, Thread: e.Thread, Added: Monday}); err != nil || change == nil {
				return err
			}
			return change(ctx, tx)
		})
	}
	waiting := func(s *screens) int {
		n, err := s.Waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	member := screensOf(t, NewReplica(t, nil), Maria)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	member.r.Takes("", s.All...)
	step := func(row string, item view.State, left int) {
		t.Helper()
		expect(t, says(member.center(view.ShowAll, "")...), row)
		expect(t, string(member.thread(s.Thread).Items[0].State), string(item))
		if n := waiting(member); n != left {
			t.Errorf("%d wait, want %d", n, left)
		}
	}
	letter(member, m, MariaBox, nil) // her own copy is no matter
	step("A rash: handed", view.StateHanded, 0)
	letter(member, m, LeeBox, nil)
	step("A rash: sending", view.StateSending, 0)
	expect(t, says(member.center(view.ShowWaiting, "")...), "A rash: sending")
	member.now = Monday.Add(time.Minute) // not tried yet: there was no connection, or a letter before it waits
	step("A rash: waiting", view.StateWaiting, 1)
	member.now = Monday
	letter(member, m, LeeBox, func(ctx context.Context, tx *sql.Tx) error {
		return member.r.Outbox.Retry(ctx, tx, m.ID, LeeBox, Monday, "451 4.7.1 try again later")
	})
	step("A rash: waiting", view.StateWaiting, 1)
	letter(member, m, LeeBox, func(ctx context.Context, tx *sql.Tx) error {
		if err := member.r.Outbox.Reseal(ctx, tx, m.ID, LeeBox, []byte("sealed"), Monday); err != nil {
			return err
		}
		if err := member.r.Outbox.Submitting(ctx, tx, m.ID, LeeBox); err != nil {
			return err
		}
		return member.r.Outbox.Handed(ctx, tx, m.ID, LeeBox)
	})
	step("A rash: handed", view.StateHanded, 0)

	office := screensOf(t, NewReplica(t, nil), Rosa)
	s.Receives(m, Monday.AddDate(0, 0, 2))
	reply := s.Says(Rosa, "Use the cream.")
	office.r.Takes(LeeBox, s.All...)
	letter(office, reply, MariaBox, func(ctx context.Context, tx *sql.Tx) error {
		return office.r.Outbox.Retry(ctx, tx, reply.ID, MariaBox, Monday, "451 4.7.1 try again later")
	})
	expect(t, says(office.queue(view.QueueMember, "")...), "A rash: waiting by Rosa")
	expect(t, string(office.thread(s.Thread).Items[1].State), "waiting")
	if n := waiting(office); n != 1 {
		t.Errorf("%d wait, want 1", n)
	}
}

// TestSeen: what this computer's person has read is no longer unread, on this computer.
func TestSeen(t *testing.T) {
	office := screensOf(t, NewReplica(t, nil), Rosa)
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	office.r.Takes(LeeBox, s.All...)
	expect(t, says(office.queue(view.QueueAll, "")...), "A rash: handed, unread")
	if i := office.thread(s.Thread).Items[0]; !i.Unread {
		t.Fatal("the message is not unread")
	}
	office.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := office.r.Seen.Mark(ctx, tx, s.Thread, m.ID)
		return err
	})
	expect(t, says(office.queue(view.QueueAll, "")...), "A rash: handed")
	if i := office.thread(s.Thread).Items[0]; i.Unread {
		t.Fatal("the message is unread")
	}
	s.Says(Maria, "And my arm.")
	office.r.Takes(LeeBox, s.All...)
	expect(t, says(office.queue(view.QueueAll, "")...), "A rash: handed, unread")
}
