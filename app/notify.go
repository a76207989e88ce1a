package app

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells systemd how this service stands, as sd_notify(3) has it; nothing where nobody asks.
func notify(ctx context.Context, state string) error {
	at := os.Getenv("NOTIFY_SOCKET")
	if at == "" {
		return nil
	}
	if at[0] == '@' { // an abstract socket
		at = "\x00" + at[1:]
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unixgram", at)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it was sent, or not
	_, err = c.Write([]byte(state))
	return err
}

// watched is how often systemd wants to hear that this service is alive, which it would start anew otherwise; zero: never.
func watched() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return 0
	}
	return time.Duration(us) * time.Microsecond / 2
}
