package fetch_test

import (
	"context"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/posttest"
)

// gauged is a sink that is told how the mail system stands.
type gauged struct {
	*replica
	told []fetch.Gauge
}

func (g *gauged) Gauged(now fetch.Gauge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, now)
	g.wake()
}

// first is what it was told first.
func (g *gauged) first(t *testing.T, login care.MailLogin) fetch.Gauge {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- (&fetch.Fetcher{Login: login, Sink: g}).Run(ctx) }()
	g.until(t, "being told", func() bool { return len(g.told) > 0 })
	cancel()
	<-ended
	return g.told[0]
}

// TestCertificateEnds: the mail system's certificate is known by when it ends.
func TestCertificateEnds(t *testing.T) {
	system := posttest.Start(t, posttest.Gateway)
	login := system.AddLogin(t, system.AddMailbox(t), posttest.Owner)
	for _, login := range []care.MailLogin{login, system.StartTLS(login)} {
		now := (&gauged{replica: newReplica()}).first(t, login)
		if left := time.Until(now.Ends); left < 24*time.Hour {
			t.Errorf("%s: told %+v", login.IMAP.TLS, now)
		}
	}
}
