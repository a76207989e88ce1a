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
	"postern/backend/record/journal"
	"postern/backend/record/outbox"
)

// mostVouched is how many events one vouch lists: it has to fit into an event.
const mostVouched = 64

// Vouch confirms, for the clinic, what withdrawn keys had written in a thread by the time at which each was withdrawn, by the
// mail system's date of the office's copy. What came later is not confirmed, and what was confirmed is not again. It is the
// agent's: care.Forbidden for others.
func (d *Desk) Vouch(ctx context.Context, thread care.ThreadID, withdrawn map[care.KeyID]time.Time) error {
	var done bool
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return fmt.Errorf("read thread %s: %w", thread, err)
		}
		for _, v := range unconfirmed(entries, withdrawn) {
			v.Practice, v.Thread, v.Author, v.As = d.Directory().Practice().ID, thread, d.Signer.Key(), d.Me.ID
			v.At, v.Dir = d.Now(), d.Directory().Version()
			if _, err := d.write(ctx, tx, v); err != nil {
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

// unconfirmed are the vouches that a thread lacks. Each goes where what it confirms went, so that nobody learns from it of
// what is not for them.
func unconfirmed(entries []journal.Entry, withdrawn map[care.KeyID]time.Time) []event.Event {
	listed := map[care.EventID]bool{}
	for _, e := range entries {
		if e.Event == nil {
			continue
		}
		if body, ok := e.Event.Body.(event.VouchBody); ok {
			for _, id := range body.IDs {
				listed[id] = true
			}
		}
	}
	var order []string
	by := map[string]*event.Event{}
	for _, e := range entries {
		if e.Event == nil || listed[e.ID] {
			continue
		}
		until, gone := withdrawn[e.Event.Author]
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
			if v != nil {
				name += fmt.Sprint(" ", len(order))
			}
			v = &event.Event{Kind: event.Vouch, For: e.Event.For, To: slices.Clone(e.Event.To)}
			by[name] = v
			order = append(order, name)
		}
		v.After = append(v.After, e.ID)
		v.Body = event.VouchBody{Key: e.Event.Author, IDs: slices.Clone(v.After)}
	}
	out := make([]event.Event, 0, len(order))
	for _, name := range order {
		out = append(out, *by[name])
	}
	return out
}

// overlap is how long after a mailbox's key was changed somebody, this desk too, may still have sealed to the one before: the
// list that names the new one may come later than the one that withdraws a device.
const overlap = 24 * time.Hour

// Repeat sends to a mailbox what was addressed to it in a thread before its key was changed: whoever owns it may have lost
// the one before. What it repeated since is not sent again.
func (d *Desk) Repeat(ctx context.Context, thread care.ThreadID, mailbox care.MailboxID, since time.Time) error {
	again := false
	err := d.DB.Write(ctx, func(tx *sql.Tx) error {
		entries, err := d.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return fmt.Errorf("read thread %s: %w", thread, err)
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
		}
		return nil
	})
	if err == nil && again {
		d.Wake(Change{Texts: true})
	}
	return err
}
