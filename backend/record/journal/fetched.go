package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"
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

// Fetched gives the UIDs of a folder whose bytes are stored here. A new UIDVALIDITY begins with none.
func (j *Journal) Fetched(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32) (set Set, err error) {
	return ranges(ctx, tx, "SELECT first, last FROM fetched WHERE source = ? AND folder = ? AND validity = ? ORDER BY first",
		source, folder, validity)
}

func ranges(ctx context.Context, tx *sql.Tx, query string, args ...any) (set Set, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is fetched: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Range
		if err := rows.Scan(&r.First, &r.Last); err != nil {
			return nil, err
		}
		set = append(set, r)
	}
	return set, rows.Err()
}

// MarkFetched notes that the bytes of these UIDs are stored, in the transaction that stores them. It may run twice.
func (j *Journal) MarkFetched(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, uids []uint32) error {
	sorted := slices.Compact(slices.Sorted(slices.Values(uids)))
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n] == sorted[n-1]+1 {
			n++
		}
		if err := mark(ctx, tx, source, folder, validity, Range{sorted[0], sorted[n-1]}); err != nil {
			return fmt.Errorf("note what is fetched: %w", err)
		}
		sorted = sorted[n:]
	}
	return nil
}

// mark joins a run with the ranges that it overlaps or touches.
func mark(ctx context.Context, tx *sql.Tx, source, folder string, validity uint32, run Range) error {
	// Numbers of 64 bits, so that neither end runs over.
	low, high := int64(run.First)-1, int64(run.Last)+1
	first, last := int64(run.First), int64(run.Last)
	near, err := ranges(ctx, tx, "SELECT first, last FROM fetched WHERE source = ?1 AND folder = ?2 AND validity = ?3 AND first <= ?5 "+
		"AND first >= coalesce((SELECT max(first) FROM fetched WHERE source = ?1 AND folder = ?2 AND validity = ?3 AND first <= ?4), 0) "+
		"AND last >= ?4 ORDER BY first", source, folder, validity, low, high)
	if err != nil {
		return err
	}
	if len(near) > 0 {
		first, last = min(first, int64(near[0].First)), max(last, int64(near[len(near)-1].Last))
		if _, err := tx.ExecContext(ctx, "DELETE FROM fetched WHERE source = ? AND folder = ? AND validity = ? AND first BETWEEN ? AND ?",
			source, folder, validity, near[0].First, near[len(near)-1].First); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO fetched (source, folder, validity, first, last) VALUES (?, ?, ?, ?, ?)",
		source, folder, validity, first, last)
	return err
}
