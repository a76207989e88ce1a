package command

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
)

// mostVouched is how many events one vouch lists: it has to fit into an event.
const mostVouched = 64

// Vouch confirms, for the clinic, what withdrawn keys, or those of who left the office, had written in a thread by the time at
// which they were, by the mail system's date of the office's copy. What came later is not confirmed, and what was confirmed is not again. It is the
// agent's: care.Forbidden for others.
func (d *Desk) Vouch(ctx context.Context, thread care.ThreadID, withdrawn func(*event.Event) (since time.Time, gone bool)) error {
	var done bool
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return fmt.Errorf("read thread %s: %w", thread, err)
		}
		counts := func(e *event.Event) bool { return fold.Judge(e, d.Directory()).Verdict == fold.Accepted }
		for _, v := range unconfirmed(entries, counts, withdrawn) {
			v.Practice, v.Thread, v.Author, v.As = d.Directory().Practice().ID, thread, d.Signer.Key(), d.Me.ID
			v.At, v.Dir = d.Now(), d.Directory().Version()
			if _, err := d.write(ctx, tx, *v); err != nil {
				return err
			}
			done = true
		}
		return nil
	})
	if err == nil && done {
		d.Wake(Change{Threads: threads(thread), Texts: true})
	}
	return err
}

// Close notes for good, in the practice's mailbox, that all that a key withdrawn then had written for an office, "" is for any,
// is confirmed: what comes to light later is not, whatever date it bears. It is the agent's, once every mailbox has been read.
func (d *Desk) Close(ctx context.Context, key care.KeyID, office care.OfficeID, since time.Time) error {
	return d.DB.Write(ctx, func(tx *sql.Tx) error {
		p := d.Directory().Practice()
		_, err := d.write(ctx, tx, event.Event{Practice: p.ID, Kind: event.Vouch, Author: d.Signer.Key(), As: d.Me.ID, At: d.Now(),
			Dir: d.Directory().Version(), To: []care.MailboxID{p.Mailbox}, Body: event.VouchBody{Key: key, Office: office, Closed: since}})
		return err
	})
}

// Closed gives what was closed. What an agent has closed whose own key was withdrawn later counts as what else it had written by
// then: by the mail system's date of the practice's copy.
func (d *Desk) Closed(ctx context.Context, withdrawn func(*event.Event) (since time.Time, gone bool)) (all []event.VouchBody, err error) {
	err = d.DB.Read(ctx, func(tx *sql.Tx) error {
		entries, err := d.Journal.Loose(ctx, tx)
		for _, e := range entries {
			if e.Event == nil {
				continue
			}
			body, is := e.Event.Body.(event.VouchBody)
			if !is || body.Closed.IsZero() {
				continue
			}
			s := fold.Judge(e.Event, d.Directory())
			since, gone := withdrawn(e.Event)
			if s.Verdict == fold.Accepted || s.Withdrawn && gone && !e.Arrived.After(since) {
				all = append(all, body)
			}
		}
		return err
	})
	return all, err
}

// unconfirmed are the vouches that a thread lacks. Each goes where what it confirms went, so that nobody learns from it of
// what is not for them. One that does not count confirms nothing: anybody can put one into a mailbox.
func unconfirmed(entries []journal.Entry, counts func(*event.Event) bool, withdrawn func(*event.Event) (time.Time, bool)) []*event.Event {
	listed := map[care.EventID]bool{}
	for _, e := range entries {
		if e.Event == nil || e.Verdict != fold.Accepted {
			continue
		}
		if body, ok := e.Event.Body.(event.VouchBody); ok && counts(e.Event) {
			for _, id := range body.IDs {
				listed[id] = true
			}
		}
	}
	var all []*event.Event
	by := map[string]*event.Event{}
	for _, e := range entries {
		if e.Event == nil || listed[e.ID] {
			continue
		}
		until, gone := withdrawn(e.Event)
		if !gone || e.Arrived.After(until) {
			continue
		}
		var to []string
		for _, m := range e.Event.To {
			to = append(to, string(m))
		}
		name := e.Event.Author.String() + " " + strings.Join(to, " ")
		v := by[name]
		if v == nil || len(v.After) == mostVouched {
			v = &event.Event{Kind: event.Vouch, For: e.Event.For, To: slices.Clone(e.Event.To)}
			by[name] = v
			all = append(all, v)
		}
		v.After = append(v.After, e.ID)
		v.Body = event.VouchBody{Key: e.Event.Author, IDs: slices.Clone(v.After)}
	}
	return all
}

// overlap is how long after a mailbox's key was changed somebody, this desk too, may still have sealed to the one before: the
// list that names the new one may come later than the one that withdraws a device.
const overlap = 24 * time.Hour

// Repeat sends to a mailbox what was addressed to it in a thread before its key was changed: whoever owns it may have lost
// the one before. What it repeated since is not sent again, and nothing of a conversation that they do not read any more: the
// grant has ended, or it was made the patient's alone.
func (d *Desk) Repeat(ctx context.Context, thread care.ThreadID, mailbox care.MailboxID, since time.Time) error {
	again := false
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return fmt.Errorf("read thread %s: %w", thread, err)
		}
		if c := (&talk{Conversation: fold.Fold(Events(entries), d.Directory())}); !slices.Contains(d.reading(c), mailbox) {
			return nil
		}
		until := since.Add(overlap)
		added := d.Now()
		if added.Before(until) {
			added = until // once is enough
		}
		for _, e := range entries {
			if e.Event == nil || e.Arrived.After(until) || !slices.Contains(e.Event.To, mailbox) {
				continue
			}
			did, err := d.Outbox.Again(ctx, tx, outbox.Letter{Event: e.ID, Mailbox: mailbox, Thread: thread, Added: added}, until)
			if err != nil {
				return err
			}
			again = again || did
			for _, piece := range e.Event.Pieces() {
				here, err := d.Journal.HasPiece(ctx, tx, piece)
				if err != nil {
					return err
				}
				if !here {
					continue
				}
				did, err := d.Outbox.Again(ctx, tx, outbox.Letter{Event: piece, Mailbox: mailbox, Thread: thread, Added: added}, until)
				if err != nil {
					return err
				}
				again = again || did
			}
		}
		return nil
	})
	if err == nil && again {
		d.Wake(Change{Texts: true})
	}
	return err
}
