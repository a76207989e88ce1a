// Package digests keeps what devices of the care team tell of their own audit records, a digest a day each, and says where
// that does not fit together: a record that was put back, cut or begun anew, a digest that did not come.
//
// It promises that what it finds is a function of which digests and days are held, whatever the order in which they came and
// however often. It verifies no signature: what is handed in counts.
package digests

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/store"
)

// Digest is one that is kept.
type Digest struct {
	Event   care.EventID
	Device  care.KeyID
	Person  care.PersonID
	At      time.Time // the device's clock
	Arrived time.Time // the server's date; of one made here, this computer's clock
	event.DigestBody
}

// Kept is an event of the care team that counts, and when it came.
type Kept struct {
	Event   *event.Event
	Arrived time.Time
}

// Digests keeps a profile's. It is safe for concurrent use.
type Digests struct {
	zone func() *time.Location
}

// New makes the keeper of an open file's digests. zone is the practice's.
func New(_ *store.DB, zone func() *time.Location) *Digests { return &Digests{zone: zone} }

// Day is the day of an instant in the practice's zone.
func (d *Digests) Day(at time.Time) string { return at.In(d.zone()).Format(time.DateOnly) }

// Take keeps of events what they are here for: of each, that its device signed something that day, and the digests. It may
// run any number of times.
func (d *Digests) Take(ctx context.Context, tx *sql.Tx, events ...Kept) error {
	type use struct {
		device care.KeyID
		day    string
	}
	used, zone := map[use]bool{}, d.zone() // a first sync brings thousands of few devices and days
	for _, k := range events {
		e := k.Event
		if u := (use{e.Author, e.At.In(zone).Format(time.DateOnly)}); !used[u] {
			used[u] = true
			if _, err := tx.ExecContext(ctx, "INSERT INTO active (device, day) VALUES (?, ?) ON CONFLICT (device, day) DO NOTHING",
				store.Blob(u.device), u.day); err != nil {
				return fmt.Errorf("note that a device is in use: %w", err)
			}
		}
		b, is := e.Body.(event.DigestBody)
		if !is {
			continue
		}
		counts, err := json.Marshal(b.Counts)
		if err != nil {
			return fmt.Errorf("keep digest %s: %w", e.ID, err)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO digest ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (event) DO UPDATE SET arrived = min(arrived, excluded.arrived)",
			store.Blob(e.ID), store.Blob(e.Author), string(e.As), b.Day, b.First, b.Last, string(counts), b.Before, b.Head, b.Broken,
			store.Blob(b.Over), store.Millis(e.At), store.Millis(k.Arrived)); err != nil {
			return fmt.Errorf("keep digest %s: %w", e.ID, err)
		}
	}
	return nil
}

const columns = "event, device, person, day, first, last, counts, before, head, broken, over, at, arrived"

// All gives every digest, a device after the other, in the order in which each says that it made them.
func (d *Digests) All(ctx context.Context, tx *sql.Tx) ([]Digest, error) {
	return read(ctx, tx, "SELECT "+columns+" FROM digest ORDER BY device, last, day, event")
}

// Newest is the digest of a device that tells furthest; false if there is none.
func (d *Digests) Newest(ctx context.Context, tx *sql.Tx, device care.KeyID) (Digest, bool, error) {
	all, err := read(ctx, tx, "SELECT "+columns+" FROM digest WHERE device = ? ORDER BY last DESC, day DESC, at DESC, event LIMIT 1", store.Blob(device))
	if err != nil || len(all) == 0 {
		return Digest{}, false, err
	}
	return all[0], true, nil
}

// Empty reports whether no digest is kept.
func (d *Digests) Empty(ctx context.Context, tx *sql.Tx) (empty bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM digest)").Scan(&empty)
	return empty, err
}

// ActiveDays are the days on which each device signed something that is held here, in their order.
func (d *Digests) ActiveDays(ctx context.Context, tx *sql.Tx) (map[care.KeyID][]string, error) {
	all := map[care.KeyID][]string{}
	err := store.Each(ctx, tx, "SELECT device, day FROM active ORDER BY device, day", nil, func(rows *sql.Rows) error {
		var device care.KeyID
		var day string
		err := rows.Scan(store.ID(&device), &day)
		all[device] = append(all[device], day)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read when devices were in use: %w", err)
	}
	return all, nil
}

func read(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []Digest, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var d Digest
		var counts string
		var at, arrived int64
		if err := rows.Scan(store.ID(&d.Event), store.ID(&d.Device), &d.Person, &d.Day, &d.First, &d.Last, &counts, &d.Before, &d.Head,
			&d.Broken, store.ID(&d.Over), &at, &arrived); err != nil {
			return err
		}
		d.At, d.Arrived = store.Time(at), store.Time(arrived)
		all = append(all, d)
		return json.Unmarshal([]byte(counts), &all[len(all)-1].Counts)
	})
	if err != nil {
		return nil, fmt.Errorf("read digests: %w", err)
	}
	return all, nil
}
