package command

import (
	"context"
	"database/sql"

	"postern/backend/care"
	"postern/backend/care/event"
)

// Unsent is what a person wrote or did that is not sent, or not to everybody: for who closes Postern, however lately it was.
type Unsent struct {
	Texts   int                     // no facts yet: held, or set aside for their author
	All     int                     // letters of whatever kind, for the log
	letters map[letter]care.EventID // of facts: which one each belongs to
}

type letter struct {
	event   care.EventID
	mailbox care.MailboxID
}

// Went notes that the mail system has a letter, or has refused it for good.
func (u Unsent) Went(event care.EventID, mailbox care.MailboxID) {
	delete(u.letters, letter{event, mailbox})
}

// N counts the texts and the facts.
func (u Unsent) N() int {
	facts := map[care.EventID]bool{}
	for _, id := range u.letters {
		facts[id] = true
	}
	return u.Texts + len(facts)
}

// Unsent finds what is not sent. What was refused for good is none of it, its author was told; nor is what goes out without anybody
// thinking of it, such as that something was read, or what is sent for others.
func (d *Desk) Unsent(ctx context.Context) (Unsent, error) {
	u := Unsent{letters: map[letter]care.EventID{}}
	err := d.DB.Read(ctx, func(tx *sql.Tx) error {
		held, err := d.Outbox.AllHeld(ctx, tx)
		if err != nil {
			return err
		}
		letters, err := d.Outbox.Open(ctx, tx)
		if err != nil {
			return err
		}
		u.Texts, u.All = len(held), len(letters)
		for _, l := range letters {
			of, err := d.factOf(ctx, tx, l.Event)
			if err != nil {
				return err
			}
			if of != nil && of.Author == d.Signer.Key() && byHand(of.Kind) {
				u.letters[letter{l.Event, l.Mailbox}] = of.ID
			}
		}
		return nil
	})
	return u, err
}

// factOf is the event that a letter holds, or that names the piece of a file that it holds: of several the newest, which is the one that this
// computer sent. nil where there is none that can be read.
func (d *Desk) factOf(ctx context.Context, tx *sql.Tx, id care.EventID) (*event.Event, error) {
	e, is, err := d.Journal.Event(ctx, tx, id)
	if err != nil || is {
		return e.Event, err
	}
	names, err := d.Journal.Naming(ctx, tx, id)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	e, _, err = d.Journal.Event(ctx, tx, names[len(names)-1].Event)
	return e.Event, err
}

// byHand reports whether a person thinks of facts of this kind as of something that they wrote or did. A thread's opening goes with its
// first message.
func byHand(k event.Kind) bool {
	switch k {
	case event.Sent, event.Completed, event.Reopened, event.Note, event.Owner, event.Flag, event.Readers, event.Accepted, event.Declined, event.Choice:
		return true
	}
	return false
}
