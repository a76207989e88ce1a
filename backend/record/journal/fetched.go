package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"

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
