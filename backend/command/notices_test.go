package command

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/recordtest"
)

// wants says whether a desk knows that Maria wants notices.
func (a *at) wants() bool {
	a.t.Helper()
	on, err := a.WantsNotices(a.t.Context(), recordtest.MariaBox)
	must(a.t, err)
	return on
}

// A member says that they want no notices, and the clinic's agent knows; what the agent was told by e-mail, the member sees. The newest
// stands, whatever the clocks say.
func TestChooseNotices(t *testing.T) {
	m, a, juan := maria(t), sits(t, recordtest.Agent, recordtest.ClinicBox), sits(t, recordtest.Juan, recordtest.JuanBox)
	if !m.wants() || !a.wants() {
		t.Fatal("nobody has said no")
	}
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, true)) // as it is
	if sent := m.mails(recordtest.ClinicBox); len(sent) != 0 {
		t.Errorf("%d events say what is so anyway", len(sent))
	}
	m.now = recordtest.Monday.AddDate(0, 0, 3) // her clock is ahead
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, false))
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, false))
	sent := m.mails(recordtest.ClinicBox)
	if len(sent) != 1 || m.wants() {
		t.Fatalf("%d events", len(sent))
	}
	a.takes(sent...)
	if a.wants() {
		t.Error("the agent has not heard")
	}
	must(t, a.ChooseNotices(t.Context(), recordtest.MariaBox, true))
	must(t, a.ChooseNotices(t.Context(), recordtest.MariaBox, false))
	must(t, a.ChooseNotices(t.Context(), recordtest.MariaBox, true))
	m.takes(a.mails(recordtest.MariaBox)...)
	if !a.wants() || !m.wants() {
		t.Error("the last word does not stand")
	}

	// The offices that have to do with her know it, too.
	nurse := rosa(t)
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, false))
	nurse.takes(m.mails(recordtest.LeeBox)...)
	if nurse.wants() {
		t.Error("her office does not know")
	}
	m.now = m.now.Add(time.Hour)
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, true))
	nurse.takes(m.mails(recordtest.RamanBox)...)
	if !nurse.wants() {
		t.Error("her office does not know that she wants them again")
	}
	m.mails(recordtest.ClinicBox)
	m.now = m.now.Add(time.Hour)

	// Nobody chooses for another.
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, false))
	m.mails(recordtest.ClinicBox)
	for _, who := range []*at{juan, rosa(t)} {
		if err := who.ChooseNotices(t.Context(), recordtest.MariaBox, false); care.KindOf(err) != care.Forbidden {
			t.Errorf("%s: %v", who.Me.Name, err)
		}
	}
	if err := a.ChooseNotices(t.Context(), "mb_unknownaaaaaaaaa", false); care.KindOf(err) != care.Unavailable {
		t.Errorf("for nobody: %v", err)
	}
	forged := event.Event{Practice: recordtest.Practice, Kind: event.Choice, Author: recordtest.Juan.Key, As: recordtest.Juan.ID, For: recordtest.MariaPt,
		At: recordtest.Monday.AddDate(1, 0, 0), To: []care.MailboxID{recordtest.ClinicBox}, Dir: 1, Body: event.ChoiceBody{Mailbox: recordtest.MariaBox}}
	raw, err := event.Encode(forged)
	must(t, err)
	e, err := event.Decode(raw)
	must(t, err)
	a.takes(e)
	if !a.wants() {
		t.Error("another member chose for her")
	}
}

// What a patient chose before they had to do with an office the agent tells it, once; what they choose meanwhile stands.
func TestShareChoice(t *testing.T) {
	a, nurse, m := sits(t, recordtest.Agent, recordtest.ClinicBox), rosa(t), maria(t)
	if err := nurse.ShareChoice(t.Context(), recordtest.MariaBox, recordtest.LeeBox); care.KindOf(err) != care.Forbidden {
		t.Errorf("a nurse: %v", err)
	}
	must(t, a.ShareChoice(t.Context(), recordtest.MariaBox, recordtest.LeeBox)) // nothing was chosen
	raw, err := event.Encode(event.Event{Practice: recordtest.Practice, Kind: event.Choice, Author: recordtest.Maria.Key, As: recordtest.Maria.ID, For: recordtest.MariaPt,
		At: recordtest.Monday.Add(-time.Hour), To: []care.MailboxID{recordtest.ClinicBox, recordtest.MariaBox}, Dir: 1, Body: event.ChoiceBody{Mailbox: recordtest.MariaBox}})
	must(t, err)
	before, err := event.Decode(raw)
	must(t, err)
	a.takes(before)
	m.takes(before)
	unwanted, err := a.Unwanted(t.Context())
	must(t, err)
	if knows, off := unwanted[recordtest.MariaBox]; !off || slices.Contains(knows, recordtest.LeeBox) {
		t.Fatalf("%v", unwanted)
	}
	for range 2 {
		must(t, a.ShareChoice(t.Context(), recordtest.MariaBox, recordtest.LeeBox))
	}
	must(t, m.ChooseNotices(t.Context(), recordtest.MariaBox, true))
	sent := a.mails(recordtest.LeeBox)
	if len(sent) != 1 {
		t.Fatalf("%d events tell it", len(sent))
	}
	nurse.takes(sent...)
	if nurse.wants() {
		t.Error("the office does not know")
	}
	nurse.takes(m.mails(recordtest.LeeBox)...)
	if !nurse.wants() {
		t.Error("what she chose meanwhile does not stand")
	}
}

// One e-mail tells of several conversations: of those that still have something to read.
func TestNotifySeveral(t *testing.T) {
	a := theAgent(t)
	first, _ := story(t, a)
	second := recordtest.NewStory(t, recordtest.Maria, "A cough", recordtest.Monday.Add(-time.Hour))
	second.Says(recordtest.Maria, "It is dry.")
	a.takes(second.All...)
	a.takes(first.Says(recordtest.DrLee, "Use the cream."))
	all := []Told{{recordtest.MariaBox, first.Thread}, {recordtest.MariaBox, second.Thread}, {recordtest.JuanBox, first.Thread}, {recordtest.MariaBox, care.EventID{1}}}
	var told []care.EventID
	tell := func() (done bool) {
		t.Helper()
		told = nil
		done, err := a.NotifySeveral(t.Context(), all, func(_ context.Context, _ *sql.Tx, notices []care.EventID) error { told = notices; return nil })
		must(t, err)
		if done != (len(told) > 0) {
			t.Errorf("done is %v, of %d", done, len(told))
		}
		return done
	}
	if !tell() || len(told) != 1 || a.part(first.Thread).Notices[0].ID != told[0] || a.part(first.Thread).Notices[0].Reply != "" {
		t.Fatalf("told of %v", told)
	}
	if tell() {
		t.Error("told twice")
	}
	a.takes(second.Says(recordtest.DrLee, "Drink tea."), first.Says(recordtest.DrLee, "Twice a day."))
	if !tell() || len(told) != 1 || a.part(second.Thread).Notices[0].ID != told[0] || !slices.Equal(a.told.Threads, []care.ThreadID{second.Thread}) {
		t.Errorf("told of %v", told)
	}
}

// Of two notices of the same that did not know of each other, the one counts that came into the office's mailbox first. What has not
// left this computer is taken back then, and nothing names it.
func TestNoticeOutdone(t *testing.T) {
	begin := func() (a *at, s *recordtest.Story, said, mine *event.Event) {
		t.Helper()
		a = theAgent(t)
		s, _ = story(t, a)
		said = s.Says(recordtest.DrLee, "Use the cream.")
		a.takes(said)
		if !a.notifies(s.Thread) {
			t.Fatal("no notice")
		}
		a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
			e, _, err := a.Journal.Event(ctx, tx, a.part(s.Thread).Notices[0].ID)
			mine = e.Event
			return err
		})
		return a, s, said, mine
	}
	other := func(s *recordtest.Story, of *event.Event, after time.Duration) *event.Event {
		s.At = recordtest.Monday.Add(after)
		return s.Write(recordtest.Agent, nil, event.NoticeBody{Message: of.ID, Mailbox: recordtest.MariaBox})
	}
	goes := func(a *at, mine *event.Event) (settled, goes bool) {
		t.Helper()
		a.r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
			settled, goes, err = a.NoticeGoes(ctx, tx, mine.ID)
			return err
		})
		return settled, goes
	}

	a, s, said, mine := begin()
	if settled, _ := goes(a, mine); settled {
		t.Error("it is settled before it came into the mailbox")
	}
	if meant, err := a.StillMeant(t.Context(), mine.ID); err != nil || !meant {
		t.Errorf("with no other: %v, %v", meant, err)
	}
	must(t, a.Receive(t.Context(), s.Thread, s.All[1].ID, a.now)) // written after it
	a.takes(other(s, said, time.Hour))
	a.told = Change{}
	if meant, err := a.StillMeant(t.Context(), mine.ID); err != nil || meant {
		t.Errorf("told twice: %v, %v", meant, err)
	}
	if len(a.told.Beaten) > 0 || !slices.Equal(a.told.Threads, []care.ThreadID{s.Thread}) {
		t.Errorf("said of it: %+v", a.told)
	}
	if settled, goes := goes(a, mine); !settled || goes {
		t.Errorf("taken back, and goes %v, settled %v", goes, settled)
	}
	if n := a.part(s.Thread).Notices; len(n) != 1 || n[0].ID == mine.ID {
		t.Errorf("%+v", n)
	}
	for _, e := range a.mails(recordtest.LeeBox) {
		if e.Kind != event.Received || slices.Contains(e.After, mine.ID) {
			t.Errorf("%s goes out, after %v", e.Kind, e.After)
		}
	}

	for name, c := range map[string]struct {
		after time.Duration
		want  bool
	}{"before": {-time.Hour, false}, "after": {time.Minute, true}} {
		a, s, said, mine := begin()
		a.takes(mine, other(s, said, c.after))
		if settled, goes := goes(a, mine); !settled || goes != c.want {
			t.Errorf("another %s it: goes %v, settled %v", name, goes, settled)
		}
	}

	// One of older words tells of these too, while they are unread; of what is read it says nothing any more, nor one that came back.
	for name, c := range map[string]struct {
		with func(s *recordtest.Story, older, told *event.Event) *event.Event
		want bool
	}{
		"unread": {nil, false},
		"read": {func(s *recordtest.Story, older, _ *event.Event) *event.Event {
			return s.Write(recordtest.Maria, nil, event.SeenBody{Message: older.ID})
		}, true},
		"failed": {func(s *recordtest.Story, _, told *event.Event) *event.Event {
			return s.Write(recordtest.Agent, nil, event.FailedBody{Event: told.ID, Mailbox: recordtest.MariaBox, Reason: "550"})
		}, true},
	} {
		a, s, said, _ := begin()
		more := s.Says(recordtest.DrLee, "Twice a day.")
		told := other(s, said, -time.Minute)
		mine := other(s, more, 0)
		a.takes(more, told, mine)
		if c.with != nil {
			a.takes(c.with(s, said, told))
		}
		if settled, goes := goes(a, mine); !settled || goes != c.want {
			t.Errorf("%s: goes %v, settled %v", name, goes, settled)
		}
	}
}
