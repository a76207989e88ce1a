package projection

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/store"
)

// writing is one Refold at work. Words are gathered and indexed at the end in rising order: the index takes them so
// without writing itself out in between.
type writing struct {
	tx    *sql.Tx
	about map[care.ThreadID]string // by which words each thread is found until now
	parts map[care.ThreadID][]care.EventID
	items map[care.ThreadID]map[care.EventID]item
	words []words
}

type words struct {
	no   int64
	text string
}

// item is one row of that table.
type item struct {
	no         int64
	id, part   care.EventID
	kind, news string
	text       care.Text
	at         time.Time
}

// load reads what is kept of threads. One question a table for all of them: each costs more than its answer.
func (w *writing) load(ctx context.Context, threads []care.ThreadID) error {
	w.about, w.parts = map[care.ThreadID]string{}, map[care.ThreadID][]care.EventID{}
	w.items = map[care.ThreadID]map[care.EventID]item{}
	if len(threads) == 0 {
		return nil
	}
	in, args := store.In(threads)
	var thread care.ThreadID
	err := store.Each(ctx, w.tx, "SELECT thread, about FROM conversation WHERE thread IN "+in, args, func(rows *sql.Rows) error {
		var about string
		err := rows.Scan(store.ID(&thread), &about)
		w.about[thread] = about
		return err
	})
	if err != nil {
		return err
	}
	err = store.Each(ctx, w.tx, "SELECT thread, id FROM part WHERE thread IN "+in, args, func(rows *sql.Rows) error {
		var id care.EventID
		err := rows.Scan(store.ID(&thread), store.ID(&id))
		w.parts[thread] = append(w.parts[thread], id)
		return err
	})
	if err != nil {
		return err
	}
	return store.Each(ctx, w.tx, "SELECT thread, no, id, part, kind, news FROM item WHERE thread IN "+in, args, func(rows *sql.Rows) error {
		var i item
		err := rows.Scan(store.ID(&thread), &i.no, store.ID(&i.id), store.ID(&i.part), &i.kind, &i.news)
		if w.items[thread] == nil {
			w.items[thread] = map[care.EventID]item{}
		}
		w.items[thread][i.id] = i
		return err
	})
}

// conversation writes all rows of one thread.
func (w *writing) conversation(ctx context.Context, thread care.ThreadID, c *fold.Conversation, about string) error {
	var rows []row
	var items []item
	for i := range c.Parts {
		p := &c.Parts[i]
		if len(p.Order) == 0 && !(p.ID == c.Thread && c.Opened) {
			continue // nothing of it can be shown yet
		}
		rows = append(rows, rowOf(c, p))
		items = append(items, itemsOf(p)...)
	}
	if err := w.head(ctx, thread, c, about); err != nil {
		return err
	}
	if err := w.keepParts(ctx, thread, rows); err != nil {
		return err
	}
	if err := w.keepNotices(ctx, thread, c); err != nil {
		return err
	}
	return w.keepItems(ctx, thread, items, about)
}

// keepNotices writes which notices went out. What was told once stays so: a notice is only ever added.
func (w *writing) keepNotices(ctx context.Context, thread care.ThreadID, c *fold.Conversation) error {
	for i := range c.Parts {
		for _, n := range c.Parts[i].Notices {
			failure := ""
			for _, f := range n.Failure {
				failure = cmp.Or(f.Reason, "It came back.")
			}
			if _, err := w.tx.ExecContext(ctx, "INSERT INTO notice (thread, id, part, reply, mailbox, until, at, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "+
				"ON CONFLICT (thread, id) DO UPDATE SET part = excluded.part, failure = excluded.failure",
				thread[:], n.ID[:], c.Parts[i].ID[:], n.Reply, string(n.Mailbox), store.Millis(n.Until), store.Millis(n.At), failure); err != nil {
				return fmt.Errorf("keep a notice: %w", err)
			}
		}
	}
	return nil
}

func (w *writing) head(ctx context.Context, thread care.ThreadID, c *fold.Conversation, about string) error {
	if c.Thread.IsZero() {
		_, err := w.tx.ExecContext(ctx, "DELETE FROM conversation WHERE thread = ?", thread[:])
		return err
	}
	folded, err := bare(c)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, "INSERT INTO conversation (thread, about, folded, waits) VALUES (?, ?, ?, ?) "+
		"ON CONFLICT (thread) DO UPDATE SET about = excluded.about, folded = excluded.folded, waits = excluded.waits",
		thread[:], about, string(folded), len(c.Waiting) > 0)
	return err
}

const partColumns = "thread, id, own, of, place, patient, office, subject, topic, snippet, at, open, awaits, due, owner, flagged, flags, notes, bridged, " +
	"state, said, last, ours, failure"

// partChanges sets every column that may change; SQLite leaves the indexes alone where a value stays.
var partChanges = func() string {
	var set []string
	for _, name := range strings.Split(partColumns, ", ")[2:] {
		set = append(set, name+" = excluded."+name)
	}
	return strings.Join(set, ", ")
}()

func (w *writing) keepParts(ctx context.Context, thread care.ThreadID, rows []row) error {
	for place, r := range rows {
		if _, err := w.tx.ExecContext(ctx, "INSERT INTO part ("+partColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (thread, id) DO UPDATE SET "+partChanges,
			thread[:], r.id[:], r.own, store.Blob(r.of), place, string(r.patient), string(r.office), string(r.subject), string(r.topic), r.snippet,
			store.Millis(r.at), r.open, string(r.awaits), store.Millis(r.due), string(r.owner), r.flagged, strings.Join(r.flags, "\n"), r.notes, r.bridged,
			r.state, string(r.said), store.Blob(r.last), r.ours, r.failure); err != nil {
			return err
		}
	}
	for _, id := range w.parts[thread] {
		if slices.ContainsFunc(rows, func(r row) bool { return r.id == id }) {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM part WHERE thread = ? AND id = ?", thread[:], id[:]); err != nil {
			return err
		}
	}
	return nil
}

// keepItems brings the thread's items to what was folded: texts never change, so most rows stay as they are.
func (w *writing) keepItems(ctx context.Context, thread care.ThreadID, want []item, about string) error {
	have, was := w.items[thread], w.about[thread]
	for _, i := range want {
		old, known := have[i.id]
		delete(have, i.id)
		if !known {
			no, err := w.insert(ctx, thread, i)
			if err != nil {
				return err
			}
			i.no = no
		} else {
			i.no = old.no
			if old.part != i.part || old.news != i.news || old.kind != i.kind {
				if _, err := w.tx.ExecContext(ctx, "UPDATE item SET part = ?, kind = ?, news = ? WHERE no = ?", i.part[:], i.kind, i.news, i.no); err != nil {
					return err
				}
			}
			if was != "" && was != about {
				if err := w.forget(ctx, i.no); err != nil {
					return err
				}
			}
		}
		if about != "" && (!known || was != about) {
			w.words = append(w.words, words{i.no, about + " " + store.Words(string(i.text))})
		}
	}
	for _, gone := range have {
		if err := w.forget(ctx, gone.no); err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, "DELETE FROM item WHERE no = ?", gone.no); err != nil {
			return err
		}
	}
	return nil
}

// insert stores an item under its number, or the next free one: two items of one second with the same 31 bits of id come
// once in a very long time.
func (w *writing) insert(ctx context.Context, thread care.ThreadID, i item) (int64, error) {
	for no := number(i); ; no++ {
		done, err := w.tx.ExecContext(ctx, "INSERT INTO item (no, id, thread, part, kind, news, text) VALUES (?, ?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (no) DO NOTHING", no, i.id[:], thread[:], i.part[:], i.kind, i.news, string(i.text))
		if err != nil {
			return 0, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return 0, err
		}
		if n == 1 {
			return no, nil
		}
	}
}

// number is an item's: its second, then a piece of its id.
func number(i item) int64 {
	second := min(max(i.at.Unix(), 0), 1<<32-1)
	return second<<31 | int64(binary.BigEndian.Uint32(i.id[:4])>>1)
}

// forget takes an item's words out of the index.
func (w *writing) forget(ctx context.Context, no int64) error {
	w.words = slices.DeleteFunc(w.words, func(x words) bool { return x.no == no })
	_, err := w.tx.ExecContext(ctx, "DELETE FROM search WHERE rowid = ?", no)
	return err
}

func (w *writing) index(ctx context.Context) error {
	if len(w.words) == 0 {
		return nil
	}
	slices.SortFunc(w.words, func(a, b words) int { return int(min(max(a.no-b.no, -1), 1)) })
	insert, err := w.tx.PrepareContext(ctx, "INSERT INTO search (rowid, words) VALUES (?, ?)")
	if err != nil {
		return fmt.Errorf("index words: %w", err)
	}
	defer func() { _ = insert.Close() }() // it ends with its transaction anyway
	for _, x := range w.words {
		if _, err := insert.ExecContext(ctx, x.no, x.text); err != nil {
			return fmt.Errorf("index words: %w", err)
		}
	}
	return nil
}
