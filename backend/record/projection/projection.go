// Package projection folds the journal into the tables that screens read, in the transaction that changes the journal.
//
// It promises that what it keeps is a function of the journal, the directory and this package's version alone: folding
// everything anew gives the same tables. It shows nothing and judges nobody; view reads, fold judges.
package projection

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/store"
)

// Version is raised whenever the same journal gives other tables. An older projection is then made anew.
const Version = 5

// Names gives the words by which a conversation is found beside its texts.
type Names interface {
	Patient(care.PatientID) (care.Patient, bool)
	Office(care.OfficeID) (care.Office, bool)
}

// Projection keeps a profile's derived tables. It is safe for concurrent use.
type Projection struct {
	db      *store.DB
	auth    func() fold.Authority
	names   Names
	events  func(context.Context, *sql.Tx, []care.ThreadID) (map[care.ThreadID][]*event.Event, error)
	threads func(context.Context, *sql.Tx) ([]care.ThreadID, error)
}

// New makes a projection. auth gives the authority of the newest directory; a journal hands itself over by From.
func New(db *store.DB, auth func() fold.Authority, names Names) *Projection {
	return &Projection{db: db, auth: auth, names: names}
}

// From sets where events come from.
func (p *Projection) From(events func(context.Context, *sql.Tx, []care.ThreadID) (map[care.ThreadID][]*event.Event, error),
	threads func(context.Context, *sql.Tx) ([]care.ThreadID, error)) {
	p.events, p.threads = events, threads
}

// Refold makes what is kept of these threads anew, in the caller's transaction. A thread without events leaves nothing.
// It may run any number of times.
func (p *Projection) Refold(ctx context.Context, tx *sql.Tx, threads []care.ThreadID) error {
	ctx = context.WithoutCancel(ctx) // once begun, a write is not cut short; and statements are faster so
	auth := p.auth()
	for some := range slices.Chunk(threads, batch) {
		events, err := p.events(ctx, tx, some)
		if err != nil {
			return err
		}
		w := &writing{tx: tx}
		if err := w.load(ctx, some); err != nil {
			return fmt.Errorf("read what is kept: %w", err)
		}
		for _, t := range some {
			c := fold.Fold(events[t], auth)
			if err := w.conversation(ctx, t, &c, p.about(&c)); err != nil {
				return fmt.Errorf("keep thread %s: %w", t, err)
			}
		}
		if err := w.index(ctx); err != nil {
			return err
		}
	}
	return nil
}

// about is what every item of a conversation is found by, beside its own text; nothing until its opening is here.
func (p *Projection) about(c *fold.Conversation) string {
	if !c.Opened {
		return ""
	}
	words := string(c.Subject)
	if patient, ok := p.names.Patient(c.Patient); ok {
		words += "\n" + patient.Name + "\n" + patient.MRN + "\n" + joined(patient.MRN)
	}
	if office, ok := p.names.Office(c.Office); ok {
		words += "\n" + office.Name
	}
	return store.Words(words)
}

// joined is a number without the spaces and dashes that it is written with, so that it is found either way.
func joined(number string) string {
	return string(slices.DeleteFunc([]byte(store.Words(number)), func(b byte) bool { return b == ' ' }))
}

// ThreadOf finds the thread that a part belongs to: care.NotFound where it is not here. Of several threads that name it,
// it is the one whose own it is; where that is not here, the one that has this id.
func (p *Projection) ThreadOf(ctx context.Context, tx *sql.Tx, part care.EventID) (thread care.ThreadID, err error) {
	err = tx.QueryRowContext(ctx, "SELECT thread FROM (SELECT thread, 2 * own AS rank FROM part WHERE id = ?1 "+
		"UNION ALL SELECT thread, 1 FROM conversation WHERE thread = ?1) ORDER BY rank DESC, thread LIMIT 1", part[:]).
		Scan(store.ID(&thread))
	if errors.Is(err, sql.ErrNoRows) {
		return thread, care.Refusef(care.NotFound, "This conversation is not on this computer.")
	}
	if err != nil {
		return thread, fmt.Errorf("find the thread of %s: %w", part, err)
	}
	return thread, nil
}

// Awaiting are the threads with an open part that awaits the office. It reads what is open alone, however much is completed.
func (*Projection) Awaiting(ctx context.Context, tx *sql.Tx) (all []care.ThreadID, err error) {
	err = store.Each(ctx, tx, "SELECT DISTINCT thread FROM part INDEXED BY part_open WHERE open = 1 AND awaits = 'office' ORDER BY thread", nil, func(rows *sql.Rows) error {
		var t care.ThreadID
		err := rows.Scan(store.ID(&t))
		all = append(all, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what awaits the office: %w", err)
	}
	return all, nil
}

// Due counts conversations of an office that await it, by whether their due time has passed; and the replies that came by ordinary
// e-mail and wait to be accepted or declined, which have no due time.
type Due struct{ Today, Overdue, ByMail int }

// Due counts by office what awaits it and is due before a time, and what came by ordinary e-mail; offices of which nothing does are not
// among them.
func (*Projection) Due(ctx context.Context, tx *sql.Tx, now, until time.Time) (map[care.OfficeID]Due, error) {
	due := map[care.OfficeID]Due{}
	err := store.Each(ctx, tx, "SELECT office, sum(due > ?1), sum(due <= ?1) FROM part INDEXED BY part_open "+
		"WHERE open = 1 AND awaits = 'office' AND due BETWEEN 1 AND ?2 - 1 GROUP BY office",
		[]any{store.Millis(now), store.Millis(until)}, func(rows *sql.Rows) error {
			var office care.OfficeID
			var d Due
			err := rows.Scan(&office, &d.Today, &d.Overdue)
			due[office] = d
			return err
		})
	if err == nil {
		err = store.Each(ctx, tx, "SELECT office, sum(bridged) FROM part INDEXED BY part_bridged WHERE bridged > 0 GROUP BY office", nil, func(rows *sql.Rows) error {
			var office care.OfficeID
			var n int
			err := rows.Scan(&office, &n)
			d := due[office]
			d.ByMail = n
			due[office] = d
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("count what is due: %w", err)
	}
	return due, nil
}

// Late is a part that awaits the office, and by when it should have had its answer.
type Late struct {
	Part care.EventID
	Due  time.Time
}

// Overdue are the parts that await the office and were due after one time and by another, the earliest first.
func (*Projection) Overdue(ctx context.Context, tx *sql.Tx, after, by time.Time) (all []Late, err error) {
	err = store.Each(ctx, tx, "SELECT id, due FROM part INDEXED BY part_open WHERE open = 1 AND awaits = 'office' AND due > max(?, 0) AND due <= ? ORDER BY due, id",
		[]any{store.Millis(after), store.Millis(by)}, func(rows *sql.Rows) error {
			var l Late
			var due int64
			err := rows.Scan(store.ID(&l.Part), &due)
			l.Due = store.Time(due)
			all = append(all, l)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("find what is overdue: %w", err)
	}
	return all, nil
}

// batch is how many threads are folded together: what is kept of them is read at once, and their words are indexed at once.
const batch = 500

// Outdated says of which conversations what is kept may not be what is known now.
type Outdated struct {
	All      bool
	Waiting  bool // those in which an event does not count yet
	Patients []care.PatientID
	Offices  []care.OfficeID
}

// Outdate notes that conversations are to be folded again, in the transaction that stores what is known now. Renew does
// it: there may be very many.
func (p *Projection) Outdate(ctx context.Context, tx *sql.Tx, o Outdated) error {
	note := func(rest string, args ...any) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO stale (thread) "+rest+" ON CONFLICT (thread) DO NOTHING", args...); err != nil {
			return fmt.Errorf("note what is to be folded again: %w", err)
		}
		return nil
	}
	if o.All {
		return note("SELECT thread FROM conversation WHERE true")
	}
	if o.Waiting {
		if err := note("SELECT thread FROM conversation WHERE waits = 1"); err != nil {
			return err
		}
	}
	for _, id := range o.Patients {
		if err := note("SELECT DISTINCT thread FROM part WHERE patient = ?", string(id)); err != nil {
			return err
		}
	}
	for _, id := range o.Offices {
		if err := note("SELECT DISTINCT thread FROM part WHERE office = ?", string(id)); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many conversations Renew folds in one transaction: about a tenth of a second, which whoever saves a draft
// hardly notices.
const atOnce = 100

// Renew folds again what is to be folded again: some at a time, each time in a transaction of its own, so that others get
// their turns to write and a crash loses nothing of what is still to be done. told, if it is not nil, is given what changed
// after each. It may run twice at once.
func (p *Projection) Renew(ctx context.Context, told func([]care.ThreadID)) error {
	for {
		var threads []care.ThreadID
		if err := p.db.Read(ctx, func(tx *sql.Tx) (err error) {
			threads, err = stale(ctx, tx, 1) // mostly nothing is, and then nobody's turn to write is taken
			return err
		}); err != nil || len(threads) == 0 {
			return err
		}
		err := p.db.Write(ctx, func(tx *sql.Tx) (err error) {
			ctx := context.WithoutCancel(ctx)
			if threads, err = stale(ctx, tx, atOnce); err != nil || len(threads) == 0 {
				return err
			}
			if err := p.Refold(ctx, tx, threads); err != nil {
				return err
			}
			in, args := store.In(threads)
			_, err = tx.ExecContext(ctx, "DELETE FROM stale WHERE thread IN "+in, args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("fold again: %w", err)
		}
		if told != nil && len(threads) > 0 {
			told(threads)
		}
	}
}

func stale(ctx context.Context, tx *sql.Tx, most int) (threads []care.ThreadID, err error) {
	err = store.Each(ctx, tx, "SELECT thread FROM stale ORDER BY thread LIMIT ?", []any{most}, func(rows *sql.Rows) error {
		var t care.ThreadID
		err := rows.Scan(store.ID(&t))
		threads = append(threads, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is to be folded again: %w", err)
	}
	return threads, nil
}

// Rebuild folds everything anew in one transaction: until it commits, screens read the old tables.
func (p *Projection) Rebuild(ctx context.Context) error {
	return p.db.Write(ctx, func(tx *sql.Tx) error { return p.rebuild(context.WithoutCancel(ctx), tx) })
}

// Ready folds everything anew if the tables were written by another version of this package, or not at all, and else what
// was left to be folded again. It is to be called before the tables are first read, and returns whether it folded everything.
func (p *Projection) Ready(ctx context.Context) (rebuilt bool, err error) {
	err = p.db.Write(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		var have int
		err := tx.QueryRowContext(ctx, "SELECT version FROM projection").Scan(&have)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read the projection's version: %w", err)
		}
		if have == Version {
			return nil
		}
		rebuilt = true
		return p.rebuild(ctx, tx)
	})
	if err == nil {
		err = p.Renew(ctx, nil)
	}
	return rebuilt && err == nil, err
}

func (p *Projection) rebuild(ctx context.Context, tx *sql.Tx) error {
	for _, clear := range []string{"DELETE FROM conversation", "DELETE FROM part", "DELETE FROM item", "DELETE FROM notice", "DELETE FROM stale",
		"INSERT INTO search (search) VALUES ('delete-all')"} {
		if _, err := tx.ExecContext(ctx, clear); err != nil {
			return fmt.Errorf("clear what was folded: %w", err)
		}
	}
	threads, err := p.threads(ctx, tx)
	if err != nil {
		return err
	}
	if err := p.Refold(ctx, tx, threads); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO projection (one, version) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET version = excluded.version",
		Version); err != nil {
		return fmt.Errorf("note the projection's version: %w", err)
	}
	return nil
}

// Notice is an ordinary e-mail that told the owner of a mailbox of a part, and takes a reply until it ends.
type Notice struct {
	ID      care.EventID
	Part    care.EventID
	Mailbox care.MailboxID
	Until   time.Time
}

// NoticeOf finds the notice whose token has this hash: care.NotFound where none is here.
func (p *Projection) NoticeOf(ctx context.Context, tx *sql.Tx, reply string) (n Notice, err error) {
	var until int64
	err = tx.QueryRowContext(ctx, "SELECT id, part, mailbox, until FROM notice WHERE reply = ? AND reply <> '' ORDER BY id LIMIT 1", reply).
		Scan(store.ID(&n.ID), store.ID(&n.Part), &n.Mailbox, &until)
	n.Until = store.Time(until)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return n, care.Refusef(care.NotFound, "No notice takes this reply.")
	case err != nil:
		return n, fmt.Errorf("find the notice of a reply: %w", err)
	}
	return n, nil
}

// bare is a conversation as JSON without its texts, which items hold.
func bare(c *fold.Conversation) ([]byte, error) {
	parts := slices.Clone(c.Parts)
	for i := range parts {
		p := &parts[i]
		p.Messages, p.Notes, p.Completions, p.Bridged = slices.Clone(p.Messages), slices.Clone(p.Notes), slices.Clone(p.Completions), slices.Clone(p.Bridged)
		for j := range p.Messages {
			p.Messages[j].Text = ""
		}
		for j := range p.Notes {
			p.Notes[j].Text = ""
		}
		for j := range p.Completions {
			p.Completions[j].Closing = ""
		}
		for j := range p.Bridged {
			p.Bridged[j].Text = ""
		}
	}
	out := *c
	out.Parts = parts
	return json.Marshal(&out)
}
