package backend

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/digests"
	"postern/backend/record/journal"
	"postern/backend/trust/audit"
	"postern/backend/trust/directory"
)

// zone is the practice's time zone, or this computer's where it cannot be known.
func (p *Profile) zone() *time.Location {
	z, err := time.LoadLocation(p.facts.Practice().Calendar.Zone)
	if err != nil || p.facts.Practice().Calendar.Zone == "" {
		return time.Local
	}
	return z
}

// knownDigests takes what came before this computer had a Postern that knows digests: the journal has kept it.
func (p *Profile) knownDigests(ctx context.Context, j *journal.Journal, book *directory.Book) error {
	return p.db.Write(ctx, func(tx *sql.Tx) error {
		empty, err := p.digests.Empty(ctx, tx)
		if err != nil || !empty {
			return err
		}
		all, err := j.Loose(ctx, tx)
		if err != nil {
			return err
		}
		var kept []digests.Kept
		for _, e := range all {
			if e.Verdict == fold.Accepted && e.Event.Kind == event.Digest && book.Standing(e.Event).Role.Staff() {
				kept = append(kept, digests.Kept{Event: e.Event, Arrived: e.Arrived})
			}
		}
		return p.digests.Take(ctx, tx, kept...)
	})
}

// digesting tells the practice of the audit record at the sign-in, and when another day begins.
func (p *Profile) digesting(ctx context.Context) error {
	look := time.NewTicker(time.Minute) // a timer to midnight would sleep with the computer
	defer look.Stop()
	done := ""
	for {
		if today := p.digests.Day(p.now()); today != done {
			told, err := p.Digest(ctx)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				p.log.Error("the practice is not told of the audit record", "err", err)
			case told:
				done = today
				if p.me.ID == p.Practice().Agent {
					p.report(ctx)
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// Digest tells the practice of this device's audit record, unless it did today. It reports whether it has been told. A
// profile that runs does it by itself; a member's never does: whose own record they look at is nobody's business.
func (p *Profile) Digest(ctx context.Context) (told bool, err error) {
	if !p.me.Role.Staff() {
		return false, nil
	}
	today := p.digests.Day(p.now())
	var before digests.Digest
	var lines []audit.Line
	var given int64
	err = p.db.Read(ctx, func(tx *sql.Tx) (err error) {
		if before, _, err = p.digests.Newest(ctx, tx, p.desk.Signer.Key()); err != nil || before.Day == today {
			return err
		}
		lines, given, err = p.trail.lines(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read the audit record: %w", err)
	}
	if before.Day == today {
		return true, nil
	}
	d := audit.Tell(lines, given, before.Last, p.device.Public().(ed25519.PublicKey))
	return p.desk.Digest(ctx, event.DigestBody{Day: today, First: d.First, Last: d.Last, Counts: d.Counts, Before: d.Before,
		Head: d.Head, Broken: d.Broken, Over: before.Event})
}

// report puts into the clinic's log what does not fit together since yesterday: of all who hold the digests, the agent has
// every office's events beside them.
func (p *Profile) report(ctx context.Context) {
	all, err := p.Devices(ctx)
	if err != nil {
		p.log.Error("the audit digests cannot be looked at", "err", err)
		return
	}
	since := p.digests.Day(p.now().AddDate(0, 0, -1))
	for _, d := range all {
		for _, f := range d.Findings {
			if f.Day >= since {
				p.log.Warn("a computer's audit digests do not fit together", "device", d.Key, "person", d.Standing.Person, "finding", string(f.Kind), "day", f.Day)
			}
		}
	}
}

// Device is a computer of the care team's, with what it has told of its audit record.
type Device struct {
	digests.Standing
	Person care.Person
	Own    bool // this one
	Nth    int  // of the person's computers, from 1, by when they were certified
	Of     int  // how many they have in force, or had
}

// Devices are the care team's computers, with what is known here of their audit records: what does not fit together, and
// digests that did not come. Whoever does not read the practice's mailbox knows of none.
func (p *Profile) Devices(ctx context.Context) ([]Device, error) {
	var all []digests.Digest
	var active map[care.KeyID][]string
	err := p.db.Read(ctx, func(tx *sql.Tx) (err error) {
		if all, err = p.digests.All(ctx, tx); err != nil {
			return err
		}
		active, err = p.digests.ActiveDays(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	book := p.facts.book()
	var known []digests.Device
	for _, c := range book.StaffDevices() {
		known = append(known, digests.Device(c))
	}
	of, nth := map[care.PersonID]int{}, map[care.PersonID]int{}
	for _, d := range known {
		of[d.Person]++
	}
	var out []Device
	for _, s := range digests.Judge(all, active, known, p.digests.Day(p.now()), p.digests.Day) {
		nth[s.Person]++
		person, _ := p.facts.Person(s.Person)
		out = append(out, Device{Standing: s, Person: person, Own: s.Key == p.desk.Signer.Key(), Nth: nth[s.Person], Of: of[s.Person]})
	}
	return out, nil
}
