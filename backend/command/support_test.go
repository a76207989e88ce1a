package command

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/draft"
	"postern/backend/record/outbox"
	"postern/backend/record/recordtest"
)

// clinic is the test clinic as commands ask it.
type clinic struct{ *recordtest.Clinic }

func (clinic) Version() int { return 1 }
func (clinic) Readers(p care.PatientID) []care.MailboxID {
	return map[care.PatientID][]care.MailboxID{recordtest.MariaPt: {recordtest.MariaBox}, recordtest.JuanPt: {recordtest.JuanBox}}[p]
}

type signer struct{ key care.KeyID }

func (signer) Sign([]byte) []byte { return make([]byte, 64) }
func (s signer) Key() care.KeyID  { return s.key }

// at is one person's desk over a record of their own.
type at struct {
	*Desk
	t     *testing.T
	r     *recordtest.Replica
	now   time.Time
	told  Change
	boxes []care.MailboxID
}

func sits(t *testing.T, who recordtest.Someone, boxes ...care.MailboxID) *at {
	t.Helper()
	r := recordtest.NewReplica(t, nil)
	a := &at{t: t, r: r, now: recordtest.Monday, boxes: boxes}
	a.Desk = &Desk{DB: r.DB, Journal: r.Journal, Outbox: r.Outbox, Drafts: r.Drafts, Seen: r.Seen, Threads: r.Projection,
		Directory: func() Directory { return clinic{r.Clinic} }, Clock: r.Clinic.Clock, Signer: signer{who.Key},
		Me: who.Person, Patient: who.Patient, Mailbox: who.Mailbox, Now: func() time.Time { return a.now },
		Wake: func(c Change) { a.told = c }}
	return a
}

func maria(t *testing.T) *at { return sits(t, recordtest.Maria, recordtest.MariaBox) }
func rosa(t *testing.T) *at  { return sits(t, recordtest.Rosa, recordtest.LeeBox, recordtest.RamanBox) }
func drlee(t *testing.T) *at { return sits(t, recordtest.DrLee, recordtest.LeeBox) }

// story is a thread by Maria with one message, in the record of everybody given.
func story(t *testing.T, all ...*at) (*recordtest.Story, *event.Event) {
	t.Helper()
	s := recordtest.NewStory(t, recordtest.Maria, "A rash", recordtest.Monday.Add(-time.Hour))
	m := s.Says(recordtest.Maria, "It itches.")
	for _, a := range all {
		a.takes(s.All...)
	}
	return s, m
}

// takes stores what others wrote, as it comes out of the person's mailboxes.
func (a *at) takes(events ...*event.Event) {
	a.t.Helper()
	for _, e := range events {
		for _, box := range a.boxes {
			if slices.Contains(e.To, box) {
				a.r.Takes(box, e)
			}
		}
	}
}

// mails gives what this person's outbox holds for a mailbox, and says that the mail system has it.
func (a *at) mails(box care.MailboxID) (out []*event.Event) {
	a.t.Helper()
	a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		letters, err := a.Outbox.Due(ctx, tx, a.now, 100)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if l.Mailbox != box {
				continue
			}
			e, _, err := a.Journal.Event(ctx, tx, l.Event)
			if err != nil {
				return err
			}
			if e.Event != nil { // else a piece of a file
				out = append(out, e.Event)
			}
			if err := a.Outbox.Reseal(ctx, tx, l.Event, l.Mailbox, []byte("sealed"), a.now); err != nil {
				return err
			}
			if err := a.Outbox.Submitting(ctx, tx, l.Event, l.Mailbox); err != nil {
				return err
			}
			if err := a.Outbox.Handed(ctx, tx, l.Event, l.Mailbox); err != nil {
				return err
			}
		}
		return nil
	})
	return out
}

func (a *at) drafts(what string, part care.EventID, text care.Text) string {
	a.t.Helper()
	d, err := a.SaveDraft(a.t.Context(), draft.Draft{What: what, Part: part, Text: text})
	must(a.t, err)
	return d.ID
}

// holds replies, and ends the hold: the text is ready to be promoted.
func (a *at) holds(part care.EventID, text care.Text) string {
	a.t.Helper()
	id := a.drafts(DraftReply, part, text)
	_, err := a.SendReply(a.t.Context(), id)
	must(a.t, err)
	a.now = a.now.Add(time.Minute)
	return id
}

func (a *at) part(id care.EventID) *fold.Part {
	a.t.Helper()
	var p *fold.Part
	a.r.Read(func(ctx context.Context, tx *sql.Tx) (err error) {
		_, p, err = a.find(ctx, tx, id, a.read)
		return err
	})
	return p
}

// held is a text that waits; nil if it does not.
func (a *at) held(id string) (held *outbox.Held) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		h, ok, err := a.Outbox.Get(ctx, tx, id)
		if ok {
			held = &h
		}
		return err
	})
	return held
}

// reviewed fails unless a text is set aside for a reason that holds these words.
func (a *at) reviewed(id, why string) {
	a.t.Helper()
	if h := a.held(id); h == nil || !h.Review || !strings.Contains(h.Why, why) {
		a.t.Errorf("not set aside because %q: %+v", why, h)
	}
}

func (a *at) events() (n int) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM event").Scan(&n)
	})
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refuses(t *testing.T, what string, err error, kind care.Kind, field string) {
	t.Helper()
	var told *care.Error
	if e, ok := err.(*care.Error); ok {
		told = e
	}
	if told == nil || told.Kind != kind || told.Field != field || told.Sentence == "" {
		t.Errorf("%s: %v, want %s of field %q", what, err, kind, field)
	}
}
