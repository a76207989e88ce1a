package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"net/mail"
	"time"

	"postern/backend/care"
	"postern/backend/record/ordinary"
)

// Turns is the place of a computer among those of the agent's. An ordinary e-mail that no event records, such as the answer to a
// stranger, each of them finds to be sent: the first sends it, and before it a copy to the mailbox that all of them read; the others
// wait, and send it only where no copy has come.
type Turns struct {
	Place  func() (before, all int) // how many are to speak first, and how many there are; nil: there is no other
	Copies string                   // an address of that mailbox; empty: it takes nothing
}

// doneField is in a copy, and names the mail that has gone out.
const doneField = "X-Postern-Done"

// add lets a mail go out when it is this computer's turn. It reports whether it is new.
func (t Turns) add(ctx context.Context, tx *sql.Tx, mails *ordinary.Mails, m ordinary.Out) (added bool, err error) {
	before, all := 0, 1
	if t.Place != nil {
		before, all = t.Place()
	}
	if all > 1 { // another's copy may lie beside what is answered, and is read first
		m.Next = m.Added.Add(hearing + time.Duration(before)*further)
	}
	if added, err = mails.Add(ctx, tx, m); err != nil || !added || all == 1 || t.Copies == "" {
		return added, err
	}
	c := m
	c.Key, c.Address, c.Next = copyOf(m.Key), t.Copies, m.Next.Add(-time.Millisecond)
	c.Mail = append([]byte(doneField+": "+m.Key.String()+"\r\n"), m.Mail...)
	_, err = mails.Add(ctx, tx, c)
	return added, err
}

func copyOf(key care.EventID) care.EventID {
	return sha256.Sum256(append([]byte("postern copy "), key[:]...))
}

// hears takes in a copy: what has gone out from another computer does not go out from this one. It reports whether it is one. A stranger
// can forge it, and keeps with it the one answer from an address that they name.
func (Turns) hears(ctx context.Context, tx *sql.Tx, mails *ordinary.Mails, raw []byte, at time.Time) (is bool, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return false, nil // nothing that was written here
	}
	key, err := care.ParseEventID(m.Header.Get(doneField))
	if err != nil {
		return false, nil
	}
	if own, err := mails.Went(ctx, tx, copyOf(key)); err != nil || own {
		return err == nil, err
	}
	if err := mails.Elsewhere(ctx, tx, key, at); err != nil {
		return false, err
	}
	return true, mails.Elsewhere(ctx, tx, copyOf(key), at)
}
