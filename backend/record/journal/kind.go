package journal

import (
	"context"
	"database/sql"

	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// AnyLooseOf is LooseOf, of those too that do not count, or not yet.
func (j *Journal) AnyLooseOf(ctx context.Context, tx *sql.Tx, kind event.Kind) (all []Entry, err error) {
	found, err := j.entries(ctx, tx, "e.thread = x'' AND instr(e.raw, ?) > 0", []byte(`"kind":"`+string(kind)+`"`))
	for _, e := range found {
		if e.Event != nil && e.Event.Kind == kind {
			all = append(all, e)
		}
	}
	return all, err
}

// LooseOf gives the accepted events of one kind about no thread, in the order in which they came here. It reads no other: of some
// kinds there are many.
func (j *Journal) LooseOf(ctx context.Context, tx *sql.Tx, kind event.Kind) (all []Entry, err error) {
	found, err := j.entries(ctx, tx, "e.thread = x'' AND e.verdict = 'accepted' AND instr(e.raw, ?) > 0", []byte(`"kind":"`+string(kind)+`"`))
	for _, e := range found {
		if e.Event.Kind == kind && e.Verdict == fold.Accepted {
			all = append(all, e)
		}
	}
	return all, err
}
