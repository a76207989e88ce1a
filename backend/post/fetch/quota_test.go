package fetch_test

import (
	"bytes"
	"testing"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/post/posttest"
)

// weighing is a replica that hears how full its mailbox is.
type weighing struct {
	*replica
	heard []care.Quota
}

func (w *weighing) Quota(q care.Quota) { w.heard = append(w.heard, q) }

// TestQuota: who reads a mailbox hears how full it is, also a login that may only read; what lies in the archive does not count. Once
// a day is enough.
func TestQuota(t *testing.T) {
	const room = 100 << 10
	for _, w := range posttest.Systems {
		t.Run(string(w), func(t *testing.T) {
			var sys *posttest.System
			if w == posttest.Gateway {
				sys = posttest.NewGateway(t, room)
			} else {
				sys = posttest.Start(t, w)
			}
			local, login := box(t, sys)
			big := append(mail(t, 0), bytes.Repeat([]byte("0123456789abcdef0123456789abcde\r\n"), 1<<10)...) // 33 KiB
			sys.Append(t, local, "INBOX", arrival, big, big)
			sys.Append(t, local, "Archive", arrival, big)
			if w == posttest.Dovecot {
				sys.Limit(t, local, room)
			}
			r := &weighing{replica: newReplica()}
			f := &fetch.Fetcher{Login: login, Sink: r}
			once(t, f)
			once(t, f)
			if len(r.heard) != 1 || r.heard[0].Limit != room || r.heard[0].Percent() < 66 || r.heard[0].Percent() > 69 {
				t.Errorf("it heard %v", r.heard)
			}
		})
	}
}
