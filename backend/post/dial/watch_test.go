package dial_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"postern/backend/post/dial"
)

// TestWatch: after a sleep, and when the computer's addresses are others, it says so, once each; a clock that is put back is neither.
func TestWatch(t *testing.T) {
	var mu sync.Mutex
	now, addresses, looks := time.Now(), "192.168.1.20/24", 0
	said := []int{}
	ctx, cancel := context.WithCancel(t.Context())
	w := dial.Watch{Every: time.Millisecond, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		switch looks++; looks {
		case 5:
			now = now.Add(8 * time.Hour)
		case 15:
			now = now.Add(-time.Hour)
		case 20:
			cancel()
		}
		now = now.Add(time.Millisecond)
		return now
	}, Addresses: func() string {
		mu.Lock()
		defer mu.Unlock()
		if looks == 9 {
			addresses = "10.0.0.7/8"
		}
		return addresses
	}}
	_ = w.Run(ctx, func() { said = append(said, looks) }) // the context's
	if len(said) != 2 || said[0] != 5 || said[1] != 10 {
		t.Errorf("it said so at %v", said)
	}
}
