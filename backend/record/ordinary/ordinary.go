// Package ordinary keeps what the clinic's agent does with ordinary e-mail: what has to go out, until it has, and what was done with
// each that came in.
//
// It promises that what is added goes out until it is said to be over, whatever crashes, under one key once; and that a letter of
// a mailbox is looked at once. It knows nothing of what the mails say.
package ordinary

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Out is an e-mail that has to go out.
type Out struct {
	Key     care.EventID   // of a notice, its event; of an answer, the hash of what it answers
	Address string         // to whom, in lower case
	Mail    []byte         // as it is submitted, the same at each try
	Name    string         // by which what the mail system sends back names it
	About   []care.EventID // the events of the notices that it carries, its key among them; empty: it carries none
	Added   time.Time
	Next    time.Time // when it is to be tried; zero: at once
	Tries   int       // that failed
}

// In is an e-mail that came in.
type In struct {
	Login    string // of the mailbox
	Folder   string
	Validity uint32
	UID      uint32
	Mail     care.EventID // its hash; zero: it was too large to be read
	Became   string       // what was done with it, in a word
	At       time.Time
}

// Mails keeps them. It is safe for concurrent use.
type Mails struct{}

// New makes the keeper of an open file's mails.
func New(*store.DB) *Mails { return &Mails{} }

// Add lets a mail go out from now on. It reports whether it is new: one key goes out once.
func (*Mails) Add(ctx context.Context, tx *sql.Tx, m Out) (added bool, err error) {
	done, err := tx.ExecContext(ctx, "INSERT INTO mail_out (key, address, mail, name, about, added, next) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
		m.Key[:], m.Address, m.Mail, m.Name, store.Blobs(m.About), store.Millis(m.Added), store.Millis(cmp.Or(m.Next, m.Added)))
	if err != nil {
		return false, fmt.Errorf("keep a mail that has to go out: %w", err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// astray is further ahead than a mail is ever put off: what is to be tried later than that was put down by a clock that was ahead.
const astray = 48 * time.Hour

// Due are the mails that are to be tried now, at most so many, those first that have waited longest.
func (*Mails) Due(ctx context.Context, tx *sql.Tx, now time.Time, most int) (due []Out, err error) {
	err = store.Each(ctx, tx, "SELECT key, address, mail, name, about, added, tries FROM mail_out WHERE mail <> x'' AND (next <= ? OR next > ?) ORDER BY next, key LIMIT ?",
		[]any{store.Millis(now), store.Millis(now.Add(astray)), most}, func(rows *sql.Rows) error {
			var m Out
			var added int64
			err := rows.Scan(store.ID(&m.Key), &m.Address, &m.Mail, &m.Name, store.IDs(&m.About), &added, &m.Tries)
			m.Added = store.Time(added)
			due = append(due, m)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read which mails have to go out: %w", err)
	}
	return due, nil
}

// Next is when the next mail is to be tried; zero where none is left.
func (*Mails) Next(ctx context.Context, tx *sql.Tx) (time.Time, error) {
	var next sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT min(next) FROM mail_out WHERE mail <> x''").Scan(&next); err != nil {
		return time.Time{}, fmt.Errorf("read when the next mail has to go out: %w", err)
	}
	return store.Time(next.Int64), nil
}

// Later lets a mail be tried again at a time.
func (*Mails) Later(ctx context.Context, tx *sql.Tx, key care.EventID, next time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE mail_out SET tries = tries + 1, next = ? WHERE key = ?", store.Millis(next), key[:]); err != nil {
		return fmt.Errorf("put off a mail: %w", err)
	}
	return nil
}

// Rest lets a mail wait until a time: it has not failed.
func (*Mails) Rest(ctx context.Context, tx *sql.Tx, key care.EventID, until time.Time) error {
	if _, err := tx.ExecContext(ctx, "UPDATE mail_out SET next = ? WHERE key = ?", store.Millis(until), key[:]); err != nil {
		return fmt.Errorf("let a mail wait: %w", err)
	}
	return nil
}

// Over notes that a mail has gone out, or never will. That it was sent is remembered, what it said is not.
func (*Mails) Over(ctx context.Context, tx *sql.Tx, key care.EventID) error {
	if _, err := tx.ExecContext(ctx, "UPDATE mail_out SET mail = x'' WHERE key = ?", key[:]); err != nil {
		return fmt.Errorf("note that a mail is over: %w", err)
	}
	return nil
}

// Elsewhere notes that a mail has gone out from another computer: it is over, and if it is added later it stays so. It counts for no
// address.
func (*Mails) Elsewhere(ctx context.Context, tx *sql.Tx, key care.EventID, at time.Time) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO mail_out (key, address, mail, about, added, next) VALUES (?1, '', x'', x'', ?2, ?2) "+
		"ON CONFLICT (key) DO UPDATE SET mail = x''", key[:], store.Millis(at)); err != nil {
		return fmt.Errorf("note that a mail went out elsewhere: %w", err)
	}
	return nil
}

// Went reports whether a mail was added and is over.
func (*Mails) Went(ctx context.Context, tx *sql.Tx, key care.EventID) (went bool, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM mail_out WHERE key = ? AND mail = x'')", key[:]).Scan(&went); err != nil {
		return false, fmt.Errorf("look for a mail that went out: %w", err)
	}
	return went, nil
}

// Abandon notes that all mails are over: in a copy from a backup they have gone since.
func (*Mails) Abandon(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "UPDATE mail_out SET mail = x'' WHERE mail <> x''"); err != nil {
		return fmt.Errorf("abandon the mails of a backup: %w", err)
	}
	return nil
}

// About are the notices that a mail carries, be it over or not. Of one that carries none, or was kept by an older Postern, its key
// comes first.
func (*Mails) About(ctx context.Context, tx *sql.Tx, key care.EventID) ([]care.EventID, error) {
	var others []care.EventID
	err := tx.QueryRowContext(ctx, "SELECT about FROM mail_out WHERE key = ?", key[:]).Scan(store.IDs(&others))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read what a mail is about: %w", err)
	}
	if slices.Contains(others, key) {
		return others, nil
	}
	return append([]care.EventID{key}, others...), nil
}

// Named are the keys of the mails of these names, over or not.
func (*Mails) Named(ctx context.Context, tx *sql.Tx, names ...string) (keys []care.EventID, err error) {
	for _, name := range names {
		err := store.Each(ctx, tx, "SELECT key FROM mail_out WHERE name = ? AND name <> '' ORDER BY key", []any{name}, func(rows *sql.Rows) error {
			var key care.EventID
			err := rows.Scan(store.ID(&key))
			keys = append(keys, key)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for the mail that a report is about: %w", err)
		}
	}
	return keys, nil
}

// Sent counts the mails that were added for an address since a time, by a clock that shows now; not those that a clock far ahead put down.
func (*Mails) Sent(ctx context.Context, tx *sql.Tx, address string, since, now time.Time) (n int, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM mail_out WHERE address = ? AND added >= ? AND added <= ?", address, store.Millis(since), store.Millis(now.Add(astray))).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what an address was sent: %w", err)
	}
	return n, nil
}

// Forget drops what was over before a time.
func (*Mails) Forget(ctx context.Context, tx *sql.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM mail_out WHERE mail = x'' AND added < ?", store.Millis(before)); err != nil {
		return fmt.Errorf("forget old mails: %w", err)
	}
	return nil
}

// Known are the letters of a folder that were looked at, of UIDs from a number on.
func (*Mails) Known(ctx context.Context, tx *sql.Tx, login, folder string, validity, from uint32) (map[uint32]bool, error) {
	known := map[uint32]bool{}
	err := store.Each(ctx, tx, "SELECT uid FROM mail_in WHERE login = ? AND folder = ? AND validity = ? AND uid >= ?", []any{login, folder, validity, from}, func(rows *sql.Rows) error {
		var uid uint32
		err := rows.Scan(&uid)
		known[uid] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which mails were looked at: %w", err)
	}
	return known, nil
}

// Took notes what was done with a letter. The first word stands.
func (*Mails) Took(ctx context.Context, tx *sql.Tx, m In) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO mail_in (login, folder, validity, uid, mail, became, at) VALUES (?, ?, ?, ?, ?, ?, ?) "+
		"ON CONFLICT (login, folder, validity, uid) DO NOTHING", m.Login, m.Folder, m.Validity, m.UID, store.Blob(m.Mail), m.Became, store.Millis(m.At)); err != nil {
		return fmt.Errorf("note a mail that came in: %w", err)
	}
	return nil
}

// Had reports whether the same mail was looked at before, in whatever place.
func (*Mails) Had(ctx context.Context, tx *sql.Tx, mail care.EventID) (had bool, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM mail_in WHERE mail = ?)", mail[:]).Scan(&had); err != nil {
		return false, fmt.Errorf("look for a mail: %w", err)
	}
	return had, nil
}

// Listed notes which letters a folder lists no more, by all that it does list, and forgets those that are gone since before a time. It
// goes by when a letter went, and not by when it came: a folder that begins anew under another UIDVALIDITY may hold mails of any age,
// and each of them is known until all have been looked at there.
func (*Mails) Listed(ctx context.Context, tx *sql.Tx, login, folder string, validity uint32, uids []uint32, now, before time.Time) error {
	there := make(map[uint32]bool, len(uids))
	for _, uid := range uids {
		there[uid] = true
	}
	type place struct {
		validity, uid uint32
		gone          int64
	}
	var changed []place
	err := store.Each(ctx, tx, "SELECT validity, uid, gone FROM mail_in WHERE login = ? AND folder = ?", []any{login, folder}, func(rows *sql.Rows) error {
		var p place
		err := rows.Scan(&p.validity, &p.uid, &p.gone)
		switch is := p.validity == validity && there[p.uid]; {
		case is && p.gone > 0: // it is back
			p.gone = 0
			changed = append(changed, p)
		case !is && p.gone == 0:
			p.gone = store.Millis(now)
			changed = append(changed, p)
		}
		return err
	})
	for _, p := range changed {
		if err != nil {
			break
		}
		_, err = tx.ExecContext(ctx, "UPDATE mail_in SET gone = ? WHERE login = ? AND folder = ? AND validity = ? AND uid = ?", p.gone, login, folder, p.validity, p.uid)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM mail_in WHERE gone > 0 AND gone < ?", store.Millis(before))
	}
	if err != nil {
		return fmt.Errorf("forget mails that are gone: %w", err)
	}
	return nil
}
