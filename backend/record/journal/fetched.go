package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Range is a run of UIDs, both ends included.
type Range struct{ First, Last uint32 }

// Set is a set of UIDs: ranges in rising order that neither overlap nor touch.
type Set []Range

// Has reports whether a UID is in the set.
func (s Set) Has(uid uint32) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].Last >= uid })
	return i < len(s) && s[i].First <= uid
}

// Fetched gives the UIDs of a folder that need no fetching: those whose bytes are stored here, and those put aside. A new
// UIDVALIDITY begins with none.
func (j *Journal) Fetched(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32) (Set, error) {
	all, err := ranges(ctx, tx, "SELECT first, last FROM fetched WHERE source = ? AND folder = ? AND validity = ? ORDER BY first",
		source, folder, validity)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	set := all[:1]
	for _, r := range all[1:] {
		if end := &set[len(set)-1].Last; uint64(r.First) <= uint64(*end)+1 {
			*end = max(*end, r.Last)
		} else {
			set = append(set, r)
		}
	}
	return set, nil
}

func ranges(ctx context.Context, tx *sql.Tx, query string, args ...any) (set Set, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var r Range
		err := rows.Scan(&r.First, &r.Last)
		set = append(set, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is fetched: %w", err)
	}
	return set, nil
}

// Gone is what is noted of a folder as fetched and is there no more.
type Gone struct {
	source, folder string
	validity       uint32

	UIDs []uint32 // whose bytes are stored
	Anew bool     // the folder begins anew: all that is noted under another UIDVALIDITY means nothing any more
}

// Only is what is gone of the letters up to a UID, and what beyond it.
func (g Gone) Only(upTo uint32) (before, beyond Gone) {
	n := sort.Search(len(g.UIDs), func(i int) bool { return g.UIDs[i] > upTo })
	before, beyond = g, g
	before.UIDs, beyond.UIDs = g.UIDs[:n:n], g.UIDs[n:]
	return before, beyond
}

// Any reports whether anything is gone.
func (g Gone) Any() bool { return len(g.UIDs) > 0 || g.Anew }

// Gone compares what is noted of a folder with what the server shows.
func (j *Journal) Gone(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, shown []uint32) (Gone, error) {
	g := Gone{source: source, folder: folder, validity: validity}
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM fetched WHERE source = ? AND folder = ? AND validity <> ?)",
		source, folder, validity).Scan(&g.Anew); err != nil {
		return Gone{}, fmt.Errorf("read what is fetched: %w", err)
	}
	stored, err := j.Stored(ctx, tx, source, folder, validity)
	if err != nil {
		return Gone{}, err
	}
	g.UIDs = without(stored, shown)
	return g, nil
}

// without gives the UIDs of a set that are not among others.
func without(set Set, others []uint32) (left []uint32) {
	among := make(map[uint32]bool, len(others))
	for _, uid := range others {
		among[uid] = true
	}
	for _, r := range set {
		for uid := uint64(r.First); uid <= uint64(r.Last); uid++ {
			if !among[uint32(uid)] {
				left = append(left, uint32(uid))
			}
		}
	}
	return left
}

// Forget drops what is noted of letters that are gone: what was stored of them stays.
func (j *Journal) Forget(ctx context.Context, tx *sql.Tx, g Gone) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM fetched WHERE source = ? AND folder = ? AND validity <> ?", g.source, g.folder, g.validity); err != nil {
		return fmt.Errorf("forget letters: %w", err)
	}
	return j.Unmark(ctx, tx, g.source, g.folder, g.validity, g.UIDs)
}

// Unmark drops that the bytes of these UIDs are stored: the letters are there no more under these names.
func (j *Journal) Unmark(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, uids []uint32) error {
	stored, err := j.Stored(ctx, tx, source, folder, validity)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM fetched WHERE source = ? AND folder = ? AND validity = ? AND lacks = ''", source, folder, validity); err != nil {
		return fmt.Errorf("forget letters: %w", err)
	}
	return j.MarkFetched(ctx, tx, source, folder, validity, without(stored, uids))
}

// Stored gives the UIDs of a folder whose bytes are stored here.
func (j *Journal) Stored(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32) (Set, error) {
	return ranges(ctx, tx, "SELECT first, last FROM fetched WHERE source = ? AND folder = ? AND validity = ? AND lacks = '' ORDER BY first",
		source, folder, validity)
}

// Sighted gives the events that count and were seen in a mailbox, in the order in which they came here.
func (j *Journal) Sighted(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) (all []Place, err error) {
	err = store.Each(ctx, tx, "SELECT e.id, e.thread FROM event e JOIN sighting s ON s.event = e.no WHERE s.mailbox = ? AND e.verdict = 'accepted' ORDER BY e.no",
		[]any{string(mailbox)}, func(rows *sql.Rows) error {
			var p Place
			var thread []byte
			err := rows.Scan(store.ID(&p.Event), &thread)
			copy(p.Thread[:], thread) // of an event about no thread it is empty
			all = append(all, p)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list what was seen: %w", err)
	}
	return all, nil
}

// Place is an event and its thread.
type Place struct {
	Event  care.EventID
	Thread care.ThreadID
}

// MarkFetched notes that the bytes of these UIDs are stored, in the transaction that stores them. It may run twice.
func (j *Journal) MarkFetched(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, uids []uint32) error {
	return j.PutAside(ctx, tx, source, folder, validity, "", uids)
}

// PutAside notes that letters were looked at and lack something, in the caller's words: they are not stored, and not
// fetched again until Recall is called with it. What is noted of a letter is a number, of a run of them two.
func (j *Journal) PutAside(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, lacks string, uids []uint32) error {
	sorted := slices.Compact(slices.Sorted(slices.Values(uids)))
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n] == sorted[n-1]+1 {
			n++
		}
		if err := mark(ctx, tx, []any{source, folder, validity, lacks}, Range{sorted[0], sorted[n-1]}); err != nil {
			return fmt.Errorf("note what is fetched: %w", err)
		}
		sorted = sorted[n:]
	}
	return nil
}

// Lacking gives what letters that were put aside lack, each once.
func (j *Journal) Lacking(ctx context.Context, tx *sql.Tx) (all []string, err error) {
	err = store.Each(ctx, tx, "SELECT DISTINCT lacks FROM fetched WHERE lacks <> '' ORDER BY lacks", nil, func(rows *sql.Rows) error {
		var lacks string
		err := rows.Scan(&lacks)
		all = append(all, lacks)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is put aside: %w", err)
	}
	return all, nil
}

// Recall lets the letters be fetched again that were put aside for lack of something.
func (j *Journal) Recall(ctx context.Context, tx *sql.Tx, lacks string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM fetched WHERE lacks = ? AND lacks <> ''", lacks); err != nil {
		return fmt.Errorf("recall letters: %w", err)
	}
	return nil
}

// mark joins a run with the ranges that it overlaps or touches, of those that are noted under the same words.
func mark(ctx context.Context, tx *sql.Tx, under []any, run Range) error {
	const here = "source = ?1 AND folder = ?2 AND validity = ?3 AND lacks = ?4"
	// Numbers of 64 bits, so that neither end runs over.
	low, high := int64(run.First)-1, int64(run.Last)+1
	first, last := int64(run.First), int64(run.Last)
	near, err := ranges(ctx, tx, "SELECT first, last FROM fetched WHERE "+here+" AND first <= ?6 "+
		"AND first >= coalesce((SELECT max(first) FROM fetched WHERE "+here+" AND first <= ?5), 0) "+
		"AND last >= ?5 ORDER BY first", slices.Concat(under, []any{low, high})...)
	if err != nil {
		return err
	}
	if len(near) > 0 {
		first, last = min(first, int64(near[0].First)), max(last, int64(near[len(near)-1].Last))
		if _, err := tx.ExecContext(ctx, "DELETE FROM fetched WHERE "+here+" AND first BETWEEN ?5 AND ?6",
			slices.Concat(under, []any{near[0].First, near[len(near)-1].First})...); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO fetched (source, folder, validity, lacks, first, last) VALUES (?, ?, ?, ?, ?, ?)",
		slices.Concat(under, []any{first, last})...)
	return err
}
