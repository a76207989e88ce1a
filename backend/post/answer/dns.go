package answer

import (
	"context"
	"net"
	"time"
)

// DNS asks the DNS of this computer for the texts of a name. It gives up after five seconds: a mail must not wait for a name server that
// its sender runs.
func DNS(name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return net.DefaultResolver.LookupTXT(ctx, name)
}
