package projection

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
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
	words []words
}

type words struct {
	no   int64
	text string
}

// item is one row of that table.
type item struct {
	no                int64
	id, part          care.EventID
	kind, news, about string
	text              care.Text
	at                time.Time
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
		items = append(items, itemsOf(p, about)...)
	}
	if err := w.head(ctx, thread, c); err != nil {
		return err
	}
	if err := w.parts(ctx, thread, rows); err != nil {
		return err
	}
	return w.items(ctx, thread, items)
}

func (w *writing) head(ctx context.Context, thread care.ThreadID, c *fold.Conversation) error {
	if c.Thread.IsZero() {
		_, err := w.tx.ExecContext(ctx, "DELETE FROM conversation WHERE thread = ?", thread[:])
		return err
	}
	folded, err := bare(c)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, "INSERT INTO conversation (thread, folded) VALUES (?, ?) ON CONFLICT (thread) DO UPDATE SET folded = excluded.folded",
		thread[:], string(folded))
	return err
}

const partColumns = "id, thread, of, place, patient, office, subject, topic, snippet, at, open, awaits, due, owner, flagged, flags, notes, " +
	"state, said, last, ours, failure"

func (w *writing) parts(ctx context.Context, thread care.ThreadID, rows []row) error {
	if _, err := w.tx.ExecContext(ctx, "DELETE FROM part WHERE thread = ?", thread[:]); err != nil {
		return err
	}
	for place, r := range rows {
		if _, err := w.tx.ExecContext(ctx, "INSERT INTO part ("+partColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.id[:], thread[:], store.Blob(r.of), place, string(r.patient), string(r.office), string(r.subject), string(r.topic), r.snippet,
			store.Millis(r.at), r.open, string(r.awaits), store.Millis(r.due), string(r.owner), r.flagged, strings.Join(r.flags, "\n"), r.notes,
			r.state, string(r.said), store.Blob(r.last), r.ours, r.failure); err != nil {
			return err
		}
	}
	return nil
}

// items brings the thread's items to what was folded: texts never change, so most rows stay as they are.
func (w *writing) items(ctx context.Context, thread care.ThreadID, want []item) error {
	have, err := w.have(ctx, thread)
	if err != nil {
		return err
	}
	for _, i := range want {
		was, known := have[i.id]
		delete(have, i.id)
		switch {
		case !known:
			err = w.insert(ctx, thread, i)
		case was.about != i.about:
			err = errors.Join(w.remove(ctx, was.no), w.insert(ctx, thread, i))
		case was.part != i.part || was.news != i.news || was.kind != i.kind:
			_, err = w.tx.ExecContext(ctx, "UPDATE item SET part = ?, kind = ?, news = ? WHERE no = ?", i.part[:], i.kind, i.news, was.no)
		}
		if err != nil {
			return err
		}
	}
	for _, gone := range have {
		if err := w.remove(ctx, gone.no); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) have(ctx context.Context, thread care.ThreadID) (have map[care.EventID]item, err error) {
	rows, err := w.tx.QueryContext(ctx, "SELECT no, id, part, kind, news, about FROM item WHERE thread = ?", thread[:])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	have = map[care.EventID]item{}
	for rows.Next() {
		var i item
		if err := rows.Scan(&i.no, store.ID(&i.id), store.ID(&i.part), &i.kind, &i.news, &i.about); err != nil {
			return nil, err
		}
		have[i.id] = i
	}
	return have, rows.Err()
}

func (w *writing) insert(ctx context.Context, thread care.ThreadID, i item) error {
	for no := number(i); ; no++ { // two items of one second with the same 31 bits of id: once in a very long time
		done, err := w.tx.ExecContext(ctx, "INSERT INTO item (no, id, thread, part, kind, news, about, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (no) DO NOTHING", no, i.id[:], thread[:], i.part[:], i.kind, i.news, i.about, string(i.text))
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		if n == 1 {
			w.words = append(w.words, words{no, i.about + " " + store.Words(string(i.text))})
			return nil
		}
	}
}

// number is an item's: its second, then a piece of its id.
func number(i item) int64 {
	second := min(max(i.at.Unix(), 0), 1<<32-1)
	return second<<31 | int64(binary.BigEndian.Uint32(i.id[:4])>>1)
}

func (w *writing) remove(ctx context.Context, no int64) error {
	w.words = slices.DeleteFunc(w.words, func(x words) bool { return x.no == no })
	if _, err := w.tx.ExecContext(ctx, "DELETE FROM search WHERE rowid = ?", no); err != nil {
		return err
	}
	_, err := w.tx.ExecContext(ctx, "DELETE FROM item WHERE no = ?", no)
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
