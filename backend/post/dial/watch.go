package dial

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"
)

// Watch notices when connections may be dead though nobody was told: the computer slept, or its network is another. The zero value
// looks at this computer.
type Watch struct {
	Every     time.Duration    // 0: five seconds
	Now       func() time.Time // nil: time.Now
	Addresses func() string    // nil: those of this computer's interfaces
}

// Run calls changed after each such change, until the context ends.
func (w Watch) Run(ctx context.Context, changed func()) error {
	if w.Every == 0 {
		w.Every = 5 * time.Second
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Addresses == nil {
		w.Addresses = addresses
	}
	look := time.NewTicker(w.Every)
	defer look.Stop()
	was, last := w.Addresses(), w.Now().Round(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
		// By the wall clock: the other one stands still while the computer sleeps.
		addresses, now := w.Addresses(), w.Now().Round(0)
		if addresses != was || now.Sub(last) > w.Every+20*time.Second {
			changed()
		}
		was, last = addresses, now
	}
}

// addresses are those of this computer, but for what is its own alone.
func addresses() string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	var names []string
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			names = append(names, a.String())
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
