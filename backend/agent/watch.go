package agent

import (
	"sync"
	"time"

	"postern/backend/care"
)

// Ordinary is how the ordinary mailbox stands, without a word of what is in it.
type Ordinary struct {
	Begun  time.Time // since when it is read; zero: it is not
	Read   time.Time // when it was last read to its end; zero: not since then
	Unread care.Kind // why it cannot be read now; "": it can
	Sent   time.Time // when an ordinary e-mail was last handed over; zero: none was since the start
	Unsent care.Kind // why none can be handed over now; "": they can, or none has to be
}

// Watch keeps how the ordinary mailbox stands. It is safe for concurrent use; a nil one keeps nothing.
type Watch struct {
	mu    sync.Mutex
	stand Ordinary
}

// Ordinary is how it stands now.
func (w *Watch) Ordinary() Ordinary {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stand
}

func (w *Watch) note(change func(*Ordinary)) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.stand)
}
