package replica

import (
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
)

// Standing is how the mail system stands, as this replica last found it.
type Standing struct {
	Mailboxes []MailboxStanding // one for each login that is read
	Handed    time.Time         // when a letter was last handed over; zero: none was since the replica began
	Problem   string            // why none can be handed over now; empty: they can, or nothing has to be
	Failing   time.Time         // since when
}

// MailboxStanding is how one mailbox stands.
type MailboxStanding struct {
	Mailbox care.MailboxID
	Host    string
	Checked time.Time // when it was last read to its end; zero: not since the replica began
	Problem string    // why it cannot be read now
	fetch.Gauge
	Used, Limit int64 // bytes; zero where the mail system does not tell
}

// Standing says how the mail system stands.
func (r *Replica) Standing() Standing {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Standing{Handed: r.handed, Problem: r.outgoing.Problem, Failing: r.failing}
	reads := r.reads()
	for i, s := range r.states {
		if reads[i] {
			login := r.fetchers[i].Login
			out.Mailboxes = append(out.Mailboxes, MailboxStanding{Mailbox: login.Mailbox, Host: login.IMAP.Host, Checked: s.Checked, Problem: s.Problem, Gauge: r.gauges[i],
				Used: r.quotas[login.Mailbox].Used, Limit: r.quotas[login.Mailbox].Limit})
		}
	}
	return out
}

// Gauged notes how the mail system stands by the way.
func (s *source) Gauged(g fetch.Gauge) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.r.gauges == nil {
		s.r.gauges = map[int]fetch.Gauge{}
	}
	s.r.gauges[s.at] = g
}

func (r *Replica) handedOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = r.Now()
}
