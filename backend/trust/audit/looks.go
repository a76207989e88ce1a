package audit

import (
	"sync"
	"time"

	"postern/backend/care"
)

// Again is when a conversation that is shown once more, with nothing new in it, is a view of its own.
const Again = 10 * time.Minute

// Looks says, for one sign-in, which showings of a conversation are views: a screen is drawn over and over while somebody
// reads, and that is one. It is safe for concurrent use; the zero value has seen nothing.
type Looks struct {
	mu    sync.Mutex
	last  map[care.EventID]time.Time // by conversation: the last view
	items map[care.EventID]bool      // what was shown of them
}

// Counts reports whether showing a conversation is a view, and takes it for one if it is. It is where something is shown
// that was not before at this sign-in, whoever asked for it, since it can be read then; else where the person asked and
// the last view is Again ago. others are the items that somebody else wrote: one's own words tell nobody anything.
func (l *Looks) Counts(part care.EventID, others []care.EventID, asked bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last, l.items = map[care.EventID]time.Time{}, map[care.EventID]bool{}
	}
	before, known := l.last[part]
	counts := !known || asked && since(now, before) >= Again
	for _, id := range others {
		counts = counts || !l.items[id]
		l.items[id] = true
	}
	if counts {
		l.last[part] = now
	}
	return counts
}

// since is how long ago a view was. Where the clock was set back that is not known: long ago is the safe side.
func since(now, then time.Time) time.Duration {
	if d := now.Sub(then); d >= 0 {
		return d
	}
	return Again
}
