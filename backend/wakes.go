package backend

import (
	"sync"

	"postern/backend/care"
	"postern/backend/command"
)

// wakes tells any number of listeners what changed. A slow listener gets what it missed merged into one change, so
// telling never blocks and nothing is forgotten.
type wakes struct {
	mu   sync.Mutex
	all  map[*listener]struct{}
	over bool
}

type listener struct {
	ch chan command.Change
}

func (w *wakes) subscribe() (<-chan command.Change, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &listener{ch: make(chan command.Change, 1)}
	if w.over {
		close(l.ch)
		return l.ch, func() {}
	}
	if w.all == nil {
		w.all = map[*listener]struct{}{}
	}
	w.all[l] = struct{}{}
	return l.ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, l)
	}
}

func (w *wakes) tell(c command.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.all {
		sum := c
		select {
		case missed := <-l.ch:
			sum = merge(missed, c)
		default:
		}
		l.ch <- sum // there is room: only this function sends, under the lock
	}
}

func (w *wakes) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for l := range w.all {
		close(l.ch)
	}
	w.all = nil
}

func merge(a, b command.Change) command.Change {
	return command.Change{
		Threads: care.SortEventIDs(append(append([]care.ThreadID(nil), a.Threads...), b.Threads...)),
		Beaten:  care.SortEventIDs(append(append([]care.ThreadID(nil), a.Beaten...), b.Beaten...)),
		Texts:   a.Texts || b.Texts,
		Sync:    a.Sync || b.Sync,
	}
}
