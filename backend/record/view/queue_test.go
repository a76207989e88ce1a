package view_test

import (
	"context"
	"database/sql"
	"fmt"
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

// inbox is a replica of Rosa's with one conversation of each sort.
func inbox(t *testing.T) *screens {
	c := NewClinic(t)
	c.Calendar.Absences = []care.Absence{{Person: DrRaman.ID, From: "2026-11-20"}}
	s := screensOf(t, NewReplica(t, c), Rosa)
	s.now = Monday.Add(5 * time.Hour)
	day := func(n int) time.Time { return Monday.AddDate(0, 0, n) }
	add := func(name string, office care.OfficeID, box care.MailboxID, more func(*Story, *event.Event)) {
		story := NewStoryAt(t, Maria, Maria, office, box, care.Text(name), Monday.Add(-48*time.Hour).Add(time.Duration(len(name))*time.Minute))
		m := story.Says(Maria, "About "+care.Text(name)+".")
		if more != nil {
			more(story, m)
		}
		s.r.Takes(box, story.All...)
	}
	due := func(n int) func(*Story, *event.Event) {
		return func(s *Story, m *event.Event) { s.Receives(m, day(n)) }
	}
	add("late", Lee, LeeBox, due(0)) // its due time was five hours ago
	add("soon", Lee, LeeBox, due(1))
	add("later", Raman, RamanBox, due(3))
	add("unreceived", Lee, LeeBox, nil)
	add("urgent", Raman, RamanBox, func(s *Story, m *event.Event) {
		s.Receives(m, day(4))
		s.Write(Sam, nil, event.FlagBody{On: true})
	})
	add("mine", Lee, LeeBox, func(s *Story, m *event.Event) {
		s.Receives(m, day(2))
		s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID})
	})
	add("sams", Lee, LeeBox, func(s *Story, m *event.Event) { s.Write(Sam, nil, event.OwnerBody{Who: Sam.ID}) })
	add("answered", Lee, LeeBox, func(s *Story, m *event.Event) {
		s.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID}) // hers, but it awaits the member
		s.Says(Rosa, "Yes.")
	})
	add("done", Lee, LeeBox, func(s *Story, m *event.Event) { s.Completes(Rosa, "Done.", m) })
	add("done later", Raman, RamanBox, func(s *Story, m *event.Event) { s.At = s.At.Add(time.Hour); s.Completes(Rosa, "Done.", m) })
	add("elsewhere", Brandt, BrandBox, due(1))
	return s
}

func subjects(rows []view.Row) string {
	var all []string
	for _, r := range rows {
		all = append(all, string(r.Subject))
	}
	return strings.Join(all, ", ")
}

func TestQueues(t *testing.T) {
	s := inbox(t)
	for id, want := range map[string]string{
		"unassigned":  "urgent, late, soon, later, unreceived",
		"mine":        "mine",
		"member":      "answered",
		"urgent":      "urgent",
		"overdue":     "late",
		"completed":   "done later, done",
		"all":         "urgent, late, soon, mine, later, sams, unreceived, answered",
		string(Lee):   "late, soon, mine, sams, unreceived, answered",
		string(Raman): "urgent, later",
	} {
		q, rows, err := s.Queue(t.Context(), id, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := subjects(rows); got != want || q.Count != len(rows) || q.ID != id {
			t.Errorf("%s (%d): %s\nwant %s", q.Name, q.Count, got, want)
		}
	}
	queues, offices, err := s.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range append(queues, offices...) {
		line := fmt.Sprintf("%s %d", q.Name, q.Count)
		if q.Hot {
			line += " hot"
		}
		if q.Absence != nil {
			line += " (" + q.Provider.Short + " is out)"
		}
		got = append(got, line)
	}
	expect(t, strings.Join(got, "; "), "Unassigned 5 hot; Assigned to me 1; Awaiting member 1; Urgent flags 1 hot; Overdue 1 hot; Not reached 0; Completed 2; "+
		"Dr. Lee's office 6; Dr. Raman's office 2 (Dr. Raman is out)")
	rows := s.queue("unassigned", "")
	if left := rows[1].Left; left != -5*time.Hour {
		t.Errorf("late by %v of business time", left)
	}
	if _, _, err := s.Queue(t.Context(), "nonsense", ""); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
}

// TestNotReached: the queue of those who may not know what the office believes they know.
func TestNotReached(t *testing.T) {
	s := screensOf(t, NewReplica(t, nil), Rosa)
	said := func(subject care.Text, at time.Time) (*Story, *event.Event) {
		story := NewStory(t, Maria, subject, at.Add(-time.Hour))
		m := story.Says(Maria, "It itches.")
		story.At = at
		if subject == "closed" || subject == "closed, undone" {
			return story, story.Completes(Rosa, "Use the cream.", m)
		}
		return story, story.Says(Rosa, "Use the cream.")
	}
	take := func(story *Story) { s.r.Takes(LeeBox, story.All...) }
	friday := Monday.AddDate(0, 0, -3)

	unseen, _ := said("unseen", friday)
	take(unseen)
	read, reply := said("read", friday)
	read.Write(Maria, nil, event.SeenBody{Message: reply.ID})
	take(read)
	closed, _ := said("closed", friday.Add(time.Minute))
	take(closed)
	reopened, done := said("closed, undone", friday)
	reopened.Write(Rosa, []*event.Event{done}, event.ReopenedBody{Undoes: IDs(done)})
	take(reopened)
	failed, reply := said("failed", Monday)
	failed.Write(Rosa, nil, event.FailedBody{Event: reply.ID, Mailbox: MariaBox, Reason: "552 full"})
	take(failed)
	copied, reply := said("a copy failed", Monday)
	take(copied)
	refused, mine := said("refused here", Monday.Add(time.Minute))
	take(refused)
	aside, _ := said("set aside", Monday.Add(2*time.Minute))
	take(aside)
	held, _ := said("held", Monday)
	take(held)
	s.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for e, box := range map[*event.Event]care.MailboxID{reply: LeeBox, mine: MariaBox} {
			if err := s.r.Outbox.Add(ctx, tx, outbox.Letter{Event: e.ID, Mailbox: box, Thread: e.Thread}); err != nil {
				return err
			}
			if err := s.r.Outbox.Fail(ctx, tx, e.ID, box, "550 5.1.1 no such user"); err != nil {
				return err
			}
		}
		for _, story := range []*Story{aside, held} {
			h := outbox.Held{Draft: care.NewID("dr"), What: "reply", Thread: story.Thread, Part: story.Thread, Patient: MariaPt, Office: Lee, Text: "And call us.", Written: Monday, Until: Monday}
			if err := s.r.Outbox.Hold(ctx, tx, h); err != nil {
				return err
			}
			if story == held {
				continue
			}
			if err := s.r.Outbox.ToReview(ctx, tx, h.Draft, "The member wrote again."); err != nil {
				return err
			}
		}
		return nil
	})

	s.now = Monday.Add(9 * time.Hour) // the clinic closes; a minute is missing to two business days since the first reply
	check := func(want string) {
		t.Helper()
		q, rows, err := s.Queue(t.Context(), view.QueueUnreached, "")
		if err != nil {
			t.Fatal(err)
		}
		queues, _, err := s.Queues(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counted := -1
		for _, one := range queues {
			if one.ID == view.QueueUnreached {
				counted = one.Count
			}
		}
		if got := says(rows...); got != want || q.Count != len(rows) || counted != len(rows) || !q.Hot {
			t.Errorf("%s (%d, in the rail %d): %s\nwant %s", q.Name, q.Count, counted, got, want)
		}
		for _, r := range rows {
			if unread := r.Subject == "unseen" || r.Subject == "closed"; r.Unseen != unread {
				t.Errorf("%s: unseen is %v", r.Subject, r.Unseen)
			}
		}
	}
	check("failed: failed, unread; refused here: failed by Rosa; set aside: review by Rosa")
	s.now = Monday.AddDate(0, 0, 1).Add(3 * time.Minute)
	check("unseen: replied by Rosa; closed: completed by Rosa; failed: failed, unread; refused here: failed by Rosa; set aside: review by Rosa")
	if th := s.thread(unseen.Thread); !th.Items[1].Unseen || th.Items[0].Unseen {
		t.Errorf("%+v", th.Items)
	}
	for _, story := range []*Story{read, reopened, held} {
		if row := s.thread(story.Thread); row.Unseen {
			t.Errorf("%s: unseen", row.Subject)
		}
	}
	member := screensOf(t, s.r, Maria)
	member.now = s.now
	for _, r := range member.center(view.ShowAll, "") {
		if r.Unseen {
			t.Errorf("%s: a member is told what they have not read", r.Subject)
		}
	}
	sam := screensOf(t, s.r, Sam)
	sam.now = s.now.AddDate(0, 0, -1)
	if got := says(sam.queue(view.QueueUnreached, "")...); !strings.Contains(got, "failed: failed") {
		t.Errorf("a colleague's failed letter does not show: %s", got)
	}
}

// TestQueuesPress: a message that nobody has taken shows in the count with half of its promise gone, one that somebody has with
// four fifths of it gone; each until it is taken, or answered.
func TestQueuesPress(t *testing.T) {
	s := screensOf(t, NewReplica(t, nil), Rosa)
	story := NewStory(t, Maria, "A rash", Monday)
	m := story.Says(Maria, "It itches.")
	story.Receives(m, Monday.Add(33*time.Hour)) // Tuesday at six: 18 hours at the clinic
	s.r.Takes(LeeBox, story.All...)
	hot := func(at time.Duration) string {
		t.Helper()
		s.now = Monday.Add(at)
		all, _, err := s.Queues(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, q := range all {
			same, _, err := s.Queue(t.Context(), q.ID, "")
			if err != nil || same.Hot != q.Hot {
				t.Errorf("%s: hot is %v in the rail, %v by itself, %v", q.Name, q.Hot, same.Hot, err)
			}
			if q.Hot {
				out += q.Name + ";"
			}
		}
		return out
	}
	const day, half, fifths = 24 * time.Hour, 9 * time.Hour, 24*time.Hour + 5*time.Hour + 24*time.Minute // Monday at six; Tuesday, 2:24 pm
	for at, want := range map[time.Duration]string{0: "", half - time.Minute: "", half: "Unassigned;", day: "Unassigned;", 33 * time.Hour: "Unassigned;Overdue;"} {
		if got := hot(at); got != want {
			t.Errorf("nobody has it, after %v: %s, want %s", at, got, want)
		}
	}
	s.r.Takes(LeeBox, story.Write(Rosa, nil, event.OwnerBody{Who: Rosa.ID}))
	for at, want := range map[time.Duration]string{half: "", fifths - time.Minute: "", fifths: "Assigned to me;", 33 * time.Hour: "Assigned to me;Overdue;"} {
		if got := hot(at); got != want {
			t.Errorf("Rosa has it, after %v: %s, want %s", at, got, want)
		}
	}
	s.r.Takes(LeeBox, story.Says(Rosa, "Use the cream."))
	if got := hot(fifths); got != "" {
		t.Errorf("it is answered: %s", got)
	}
}

// TestQueueIsLimited: a list is cut, its count is not.
func TestQueueIsLimited(t *testing.T) {
	s := screensOf(t, NewReplica(t, nil), Rosa)
	var all []*event.Event
	for i := range view.MaxRows + 7 {
		all = append(all, NewStory(t, Maria, "Many", Monday.Add(time.Duration(i)*time.Second)).All...)
	}
	s.r.Takes(LeeBox, all...)
	q, rows, err := s.Queue(t.Context(), "unassigned", "")
	if err != nil || q.Count != view.MaxRows+7 || len(rows) != view.MaxRows {
		t.Fatalf("%d of %d, %v", len(rows), q.Count, err)
	}
}

func TestSearch(t *testing.T) {
	s := inbox(t)
	anh := NewStory(t, Juan, "Thyroid ultrasound", Monday)
	anh.Says(Juan, "Cô y tá nói kết quả sẽ có hôm nay. The nurse said that the report would be here today, and I have been waiting for it since the morning; please look.")
	anh.Says(Rosa, "It is here.")
	s.r.Takes(LeeBox, anh.All...)
	for query, want := range map[string]string{
		"ultrasound": "Thyroid ultrasound", "THYR": "Thyroid ultrasound", "nguyen anh": "Thyroid ultrasound", "Nguyễn": "Thyroid ultrasound",
		"8129 4405": "Thyroid ultrasound", "81294405": "Thyroid ultrasound", "8129-4": "Thyroid ultrasound", "ket qua": "Thyroid ultrasound",
		"here waiting": "Thyroid ultrasound", "ultrasound vega": "", "elsewhere": "", "soon": "soon", "done": "done later, done",
		"raman urgent": "urgent", `"`: "", "*": "", "(": "", "NEAR": "", "soon OR late": "", "zzz": "", "lee ultras": "Thyroid ultrasound",
	} {
		for _, queue := range []string{"unassigned", "completed", string(Raman)} { // wherever one stands
			if got := subjects(s.queue(queue, query)); got != want {
				t.Errorf("%q in %s: %s\nwant %s", query, queue, got, want)
			}
		}
	}
	row := s.queue("all", "waiting")[0]
	expect(t, string(row.Snippet), "…here today, and I have been waiting for it since the morning; please look.")
	row = s.queue("all", "ultrasound")[0]
	expect(t, string(row.Snippet), "It is here.")

	member := screensOf(t, s.r, Juan)
	expect(t, subjects(member.center(view.ShowAll, "hom nay")), "Thyroid ultrasound")
	expect(t, subjects(member.center(view.ShowAll, "soon")), "")
	expect(t, subjects(member.center(view.ShowAll, "?!")), "")
	expect(t, subjects(member.center(view.ShowUnread, "thyroid")), "Thyroid ultrasound")
	d := draft.Draft{ID: care.NewID("dr"), What: "new", Office: Lee, Subject: "Réfill", Text: "My levothyroxine", Saved: Monday}
	s.r.Write(func(ctx context.Context, tx *sql.Tx) error { return s.r.Drafts.Save(ctx, tx, d) })
	expect(t, says(member.center(view.ShowAll, "refill levo")...), "Réfill: draft")
	expect(t, says(member.center(view.ShowAll, "levothyroxine refi")...), "Réfill: draft")
	expect(t, says(member.center(view.ShowAll, "levo refi x")...), "")
}

func TestRecipients(t *testing.T) {
	c := NewClinic(t)
	c.Calendar.Absences = []care.Absence{{Person: DrLee.ID, From: "2026-11-20", Until: "2026-11-29", Cover: DrHaddad.ID}, {Person: DrRaman.ID, From: "2026-11-20"}}
	s := screensOf(t, NewReplica(t, c), Maria)
	all, err := s.Recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		line := r.Provider.Short + " " + r.Seen
		if r.Primary {
			line += "primary"
		}
		if r.Absence != nil {
			line += " out until " + r.Absence.Until + " covered by " + r.Absence.Cover.Short
		}
		if !r.Due.IsZero() {
			line += " due " + r.Due.Format(time.DateOnly)
		}
		got = append(got, line)
	}
	expect(t, strings.Join(got, "; "), "Dr. Lee primary out until 2026-11-29 covered by Dr. Haddad due 2026-11-24; Dr. Raman 2026-10-06 out until  covered by ; "+
		"Dr. Haddad 2026-09-22 due 2026-11-24")
}

func TestColleagues(t *testing.T) {
	c := NewClinic(t)
	c.Calendar.Absences = []care.Absence{{Person: Sam.ID, From: "2026-11-23", Until: "2026-11-23"}}
	c.Invited = []care.PersonID{DrLee.ID}
	s := screensOf(t, NewReplica(t, c), Rosa)
	all, err := s.Colleagues(t.Context(), Lee)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprintf("%s me=%v out=%v enrolled=%v", p.Person.Short, p.Me, p.Absence != nil, !p.Unenrolled))
	}
	expect(t, strings.Join(got, "; "), "Rosa me=true out=false enrolled=true; Dr. Lee me=false out=false enrolled=false; Sam me=false out=true enrolled=true")
}

func TestPanel(t *testing.T) {
	s := inbox(t)
	p, err := s.Panel(t.Context(), MariaPt)
	if err != nil {
		t.Fatal(err)
	}
	if p.Age != 46 || p.PCP.Short != "Dr. Lee" || p.Patient.MRN != "4821 0739" || len(p.Others) != 10 {
		t.Fatalf("%+v", p)
	}
	if len(p.Visits) != 2 || p.Visits[0].Date != "2026-11-11" || p.Visits[0].OfficeName != "Dr. Lee's office" {
		t.Fatalf("%+v", p.Visits)
	}
	if o := p.Others[0]; o.Subject != "done later" || o.Open || o.Office.ID != Raman || o.Provider.Short != "Dr. Raman" {
		t.Fatalf("%+v", o)
	}
	for born, want := range map[string]int{"1980-11-23": 46, "1980-11-24": 45, "2026-11-23": 0, "2030-01-01": 0, "": 0, "soon": 0} {
		patient := s.r.Clinic.Roster[MariaPt]
		patient.Born = born
		s.r.Clinic.Roster[MariaPt] = patient
		if p, err := s.Panel(t.Context(), MariaPt); err != nil || p.Age != want {
			t.Errorf("born %s: %d years, want %d, %v", born, p.Age, want, err)
		}
	}
	if _, err := s.Panel(t.Context(), "pt_none"); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
}
