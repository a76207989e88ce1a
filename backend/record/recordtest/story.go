package recordtest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/draft"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
	"postern/backend/record/projection"
	"postern/backend/record/seen"
	"postern/backend/record/store"
)

// Replica is one profile's record.
type Replica struct {
	t          testing.TB
	Clinic     *Clinic
	Path       string
	DB         *store.DB
	Journal    *journal.Journal
	Projection *projection.Projection
	Outbox     *outbox.Outbox
	Drafts     *draft.Drafts
	Seen       *seen.Seen
}

// NewReplica makes an empty one. A nil clinic is NewClinic's.
func NewReplica(t testing.TB, c *Clinic) *Replica {
	if c == nil {
		c = NewClinic(t)
	}
	r := &Replica{t: t, Clinic: c, Path: filepath.Join(t.TempDir(), "replica.db")}
	r.open()
	t.Cleanup(func() { _ = r.DB.Close() })
	return r
}

func (r *Replica) open() {
	var err error
	if r.DB, err = store.Open(context.Background(), r.Path, make([]byte, store.KeyBytes)); err != nil {
		r.t.Fatal(err)
	}
	r.Projection = projection.New(r.DB, func() fold.Authority { return r.Clinic }, r.Clinic)
	r.Journal = journal.New(r.DB, r.Projection)
	r.Outbox, r.Drafts, r.Seen = outbox.New(r.DB), draft.New(r.DB), seen.New(r.DB)
}

// Crash closes the file without a word and opens it again, as after the end of the process.
func (r *Replica) Crash() {
	r.t.Helper()
	if err := r.DB.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

// Write runs a transaction that must succeed.
func (r *Replica) Write(fn func(ctx context.Context, tx *sql.Tx) error) {
	r.t.Helper()
	if err := r.DB.Write(r.t.Context(), func(tx *sql.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// Read is Write for reading.
func (r *Replica) Read(fn func(ctx context.Context, tx *sql.Tx) error) {
	r.t.Helper()
	if err := r.DB.Read(r.t.Context(), func(tx *sql.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// Takes stores events as they come out of a mailbox, all in one transaction.
func (r *Replica) Takes(mailbox care.MailboxID, events ...*event.Event) {
	r.t.Helper()
	r.Write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := r.Journal.Append(ctx, tx, r.Entries(mailbox, events...)...)
		return err
	})
}

// Entries are journal entries of events that came out of a mailbox.
func (r *Replica) Entries(mailbox care.MailboxID, events ...*event.Event) []journal.Entry {
	entries := make([]journal.Entry, 0, len(events))
	for _, e := range events {
		v := r.Clinic.Standing(e)
		entries = append(entries, journal.Entry{Event: e, ID: e.ID, Raw: e.Raw, Sig: make([]byte, 64), Mailbox: mailbox,
			Source: "test", Arrived: e.At.Add(time.Second), Verdict: v.Verdict, Reason: v.Reason})
	}
	return entries
}

// Story is one thread as it is written. Fields may be changed between two events.
type Story struct {
	t       testing.TB
	Patient care.PatientID
	Office  care.OfficeID
	Box     care.MailboxID // the office's
	Readers []care.MailboxID
	Thread  care.ThreadID
	Part    care.EventID // where the next events are written; zero: the thread itself
	At      time.Time    // the author's clock, one minute an event
	All     []*event.Event
}

// NewStory begins with an opening by a member for Dr. Lee's office.
func NewStory(t testing.TB, by Someone, subject care.Text, at time.Time) *Story {
	t.Helper()
	return NewStoryAt(t, by, by, Lee, LeeBox, subject, at)
}

// NewStoryAt begins with an opening by anybody for any office.
func NewStoryAt(t testing.TB, by, member Someone, office care.OfficeID, box care.MailboxID, subject care.Text, at time.Time) *Story {
	t.Helper()
	return newStory(t, by, member, office, box, subject, care.TopicAdvice, at)
}

// NewStoryAbout begins with an opening by a member about a topic.
func NewStoryAbout(t testing.TB, by Someone, topic care.Topic, at time.Time) *Story {
	t.Helper()
	return newStory(t, by, by, Lee, LeeBox, "A question", topic, at)
}

func newStory(t testing.TB, by, member Someone, office care.OfficeID, box care.MailboxID, subject care.Text, topic care.Topic, at time.Time) *Story {
	t.Helper()
	s := &Story{t: t, Patient: member.Patient, Office: office, Box: box, Readers: []care.MailboxID{member.Mailbox}, At: at}
	s.Thread = s.Write(by, nil, event.OpenedBody{Office: office, Subject: subject, Topic: topic, Readers: s.Readers}).ID
	return s
}

// Write adds an event, encoded and decoded as it travels.
func (s *Story) Write(by Someone, after []*event.Event, body any) *event.Event {
	s.t.Helper()
	s.At = s.At.Add(time.Minute)
	e := event.Event{Practice: Practice, Kind: event.KindOf(body), Thread: s.Thread, Part: s.Part, Author: by.Key, As: by.ID,
		For: s.Patient, At: s.At, After: IDs(after...), Dir: 1, Body: body}
	if s.Part == s.Thread {
		e.Part = care.EventID{}
	}
	switch event.AudienceOf(e.Kind) {
	case event.ToOffice:
		e.To = []care.MailboxID{s.Box}
	case event.ToOfficeAndSelf:
		e.To = []care.MailboxID{s.Box, by.Mailbox}
	default:
		e.To = append([]care.MailboxID{s.Box}, s.Readers...)
	}
	raw, err := event.Encode(e)
	if err != nil {
		s.t.Fatal(err)
	}
	made, err := event.Decode(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	s.All = append(s.All, made)
	return made
}

// Says is a message that has seen everything so far.
func (s *Story) Says(by Someone, text care.Text, basis ...*event.Event) *event.Event {
	s.t.Helper()
	return s.Write(by, s.shared(), event.SentBody{Text: text, Basis: IDs(basis...)})
}

// Receives is the clinic's receipt, with a due time.
func (s *Story) Receives(m *event.Event, due time.Time) *event.Event {
	s.t.Helper()
	return s.Write(Agent, []*event.Event{m}, event.ReceivedBody{Message: m.ID, Received: m.At.Add(time.Second), Due: due, Cover: ""})
}

// Completes is a completion with a closing line.
func (s *Story) Completes(by Someone, closing care.Text, covers ...*event.Event) *event.Event {
	s.t.Helper()
	return s.Write(by, s.shared(), event.CompletedBody{Covers: IDs(covers...), Closing: closing})
}

// shared are the events that everyone in the thread may read.
func (s *Story) shared() (out []*event.Event) {
	for _, e := range s.All {
		if len(e.To) == 1+len(s.Readers) {
			out = append(out, e)
		}
	}
	return out
}

// For are the events that a mailbox may hold.
func (s *Story) For(mailbox care.MailboxID) (out []*event.Event) {
	for _, e := range s.All {
		for _, to := range e.To {
			if to == mailbox {
				out = append(out, e)
			}
		}
	}
	return out
}

// IDs are the ids of events, sorted.
func IDs(events ...*event.Event) (ids []care.EventID) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if len(ids) > event.MaxAfter {
		ids = ids[len(ids)-event.MaxAfter:]
	}
	return care.SortEventIDs(ids)
}
