package command

import (
	"context"
	"database/sql"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/journal"
)

// talk is a folded conversation with the events that it was folded from.
type talk struct {
	fold.Conversation
	events []*event.Event
}

// seenIn is what an author who looks at a part has seen: all of it, and by its heads what came before. The messages are
// named too, because heads have room for so many only; and what they read earlier and what does not count now, because whoever wrote it
// has left: once the agent confirms it, it is nothing that came in.
func (d *Desk) seenIn(ctx context.Context, tx *sql.Tx, c *talk, p *fold.Part) ([]care.EventID, error) {
	seen := append([]care.EventID(nil), c.AllHeads...)
	for _, m := range p.Messages {
		seen = append(seen, m.ID)
	}
	if !p.OwnerEvent.IsZero() {
		seen = append(seen, p.OwnerEvent)
	}
	for _, id := range c.Waiting {
		read, err := d.Seen.Has(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if read {
			seen = append(seen, id)
		}
	}
	return care.SortEventIDs(seen), nil
}

// past is what an author had seen who names these heads: the heads and everything that they name, transitively.
func (t *talk) past(heads []care.EventID) map[care.EventID]bool {
	byID := make(map[care.EventID]*event.Event, len(t.events))
	for _, e := range t.events {
		byID[e.ID] = e
	}
	seen := make(map[care.EventID]bool, len(t.events))
	open := append([]care.EventID(nil), heads...)
	for len(open) > 0 {
		id := open[len(open)-1]
		open = open[:len(open)-1]
		e, held := byID[id]
		if !held || seen[id] {
			continue
		}
		seen[id] = true
		open = append(open, e.After...)
	}
	return seen
}

// Events are the entries' events that may count: an entry that still waits for its author's key is left out.
func Events(entries []journal.Entry) []*event.Event {
	out := make([]*event.Event, 0, len(entries))
	for _, e := range entries {
		if e.Event != nil && e.Verdict == fold.Accepted {
			out = append(out, e.Event)
		}
	}
	return out
}
