package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/store"
)

// Thread gives all events of a thread, whatever their verdict, in the order in which they came here. A thread that is not
// here has none.
func (j *Journal) Thread(ctx context.Context, tx *sql.Tx, thread care.ThreadID) ([]Entry, error) {
	return j.entries(ctx, tx, "e.thread = ?", thread[:])
}

// Loose gives all events about no thread, whatever their verdict, in the order in which they came here.
func (j *Journal) Loose(ctx context.Context, tx *sql.Tx) ([]Entry, error) {
	return j.entries(ctx, tx, "e.thread = x''")
}

// Event gives one event; false if it is not here.
func (j *Journal) Event(ctx context.Context, tx *sql.Tx, id care.EventID) (Entry, bool, error) {
	all, err := j.entries(ctx, tx, "e.id = ?", id[:])
	if err != nil || len(all) == 0 {
		return Entry{}, false, err
	}
	return all[0], true, nil
}

// Has reports whether an event is here, whatever its verdict.
func (j *Journal) Has(ctx context.Context, tx *sql.Tx, id care.EventID) (has bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM event WHERE id = ?)", id[:]).Scan(&has)
	return has, err
}

// In reports whether an event was seen in a mailbox.
func (j *Journal) In(ctx context.Context, tx *sql.Tx, id care.EventID, mailbox care.MailboxID) (in bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM event e JOIN sighting s ON s.event = e.no WHERE e.id = ? AND s.mailbox = ?)",
		id[:], string(mailbox)).Scan(&in)
	return in, err
}

// Threads gives all threads of which there is an event.
func (j *Journal) Threads(ctx context.Context, tx *sql.Tx) (all []care.ThreadID, err error) {
	err = store.Each(ctx, tx, "SELECT DISTINCT thread FROM event WHERE thread <> x'' ORDER BY thread", nil, func(rows *sql.Rows) error {
		var id care.ThreadID
		err := rows.Scan(store.ID(&id))
		all = append(all, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	return all, nil
}

// entries reads events with the place and time where each was first seen; one written here and seen nowhere yet has
// no mailbox.
func (j *Journal) entries(ctx context.Context, tx *sql.Tx, where string, args ...any) (all []Entry, err error) {
	err = store.Each(ctx, tx, "SELECT e.no, e.id, e.raw, e.sig, e.verdict, e.reason, coalesce(s.mailbox, ''), coalesce(s.source, ''), "+
		"coalesce(s.arrived, 0) FROM event e LEFT JOIN sighting s ON s.event = e.no WHERE "+where+
		" ORDER BY e.no, s.mailbox = '', s.arrived, s.mailbox", args, func(rows *sql.Rows) (err error) {
		var e Entry
		var arrived int64
		if err := rows.Scan(&e.no, store.ID(&e.ID), &e.Raw, &e.Sig, &e.Verdict, &e.Reason, &e.Mailbox, &e.Source, &arrived); err != nil {
			return err
		}
		if n := len(all); n > 0 && all[n-1].ID == e.ID {
			return nil // a later sighting of the same event
		}
		e.Arrived = store.Time(arrived)
		if e.Event, err = j.decode(e.ID, e.Raw); err != nil {
			return err
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

// place is where an event goes that is to be read yet.
type place struct {
	thread care.ThreadID
	at     int
}

// events gives the accepted events of threads in the order in which they came, reading and decoding only what is not at
// hand. Two questions for all of them: each costs more than its answer.
func (j *Journal) events(ctx context.Context, tx *sql.Tx, threads []care.ThreadID) (map[care.ThreadID][]*event.Event, error) {
	all := make(map[care.ThreadID][]*event.Event, len(threads))
	if len(threads) == 0 {
		return all, nil
	}
	missing := map[int64]place{}
	in, args := store.In(threads)
	err := store.Each(ctx, tx, "SELECT no, id, thread FROM event WHERE thread IN "+in+" AND verdict = 'accepted' ORDER BY no", args, func(rows *sql.Rows) error {
		var no int64
		var id care.EventID
		var thread care.ThreadID
		if err := rows.Scan(&no, store.ID(&id), store.ID(&thread)); err != nil {
			return err
		}
		e := j.decoded.get(id)
		if e == nil {
			missing[no] = place{thread, len(all[thread])}
		}
		all[thread] = append(all[thread], e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	numbers := make([]any, 0, len(missing))
	for no := range missing {
		numbers = append(numbers, no)
	}
	for some := range slices.Chunk(numbers, 1000) {
		err := store.Each(ctx, tx, "SELECT no, id, raw FROM event WHERE no IN (?"+strings.Repeat(", ?", len(some)-1)+")", some, func(rows *sql.Rows) error {
			var no int64
			var id care.EventID
			var raw []byte
			if err := rows.Scan(&no, store.ID(&id), &raw); err != nil {
				return err
			}
			e, err := j.decode(id, raw)
			all[missing[no].thread][missing[no].at] = e
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// decode gives the event of bytes that were decoded once already, when they came.
func (j *Journal) decode(id care.EventID, raw []byte) (*event.Event, error) {
	if e := j.decoded.get(id); e != nil {
		return e, nil
	}
	e, err := event.Decode(raw)
	if err != nil {
		return nil, care.Because(care.Corrupt, fmt.Errorf("event %s of the journal: %w", id, err),
			"A message stored on this computer is damaged. It is still in the mailbox. Ask whoever looks after this computer.")
	}
	if e.ID != id {
		return nil, care.Because(care.Corrupt, fmt.Errorf("event %s of the journal has the bytes of %s", id, e.ID),
			"A message stored on this computer is damaged. It is still in the mailbox. Ask whoever looks after this computer.")
	}
	j.decoded.put(e)
	return e, nil
}

// keepDecoded bounds the bytes of events that stay decoded: threads of a first sync are folded several times while
// their events come in.
const keepDecoded = 12 << 20

// decoded holds the events decoded last, in two generations: when the younger is full, the older is dropped.
type decoded struct {
	mu         sync.Mutex
	young, old map[care.EventID]*event.Event
	size       int // of the younger
}

func (d *decoded) get(id care.EventID) *event.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.young[id]; ok {
		return e
	}
	e := d.old[id]
	if e != nil {
		d.add(e)
	}
	return e
}

func (d *decoded) put(e *event.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add(e)
}

func (d *decoded) add(e *event.Event) {
	if d.size > keepDecoded {
		d.old, d.young, d.size = d.young, nil, 0
	}
	if d.young == nil {
		d.young = map[care.EventID]*event.Event{}
	}
	if _, known := d.young[e.ID]; !known {
		d.young[e.ID] = e
		d.size += len(e.Raw) + 1024
	}
}
