package replica

import (
	"cmp"
	"slices"

	"postern/backend/care"
)

// Quota notes how full a mailbox is.
func (s *source) Quota(q care.Quota) {
	s.r.mu.Lock()
	if s.r.quotas == nil {
		s.r.quotas = map[care.MailboxID]care.Quota{}
	}
	before := s.r.quotas[q.Mailbox]
	s.r.quotas[q.Mailbox] = q
	s.r.mu.Unlock()
	if q.Percent() >= care.Filling && q.Percent() != before.Percent() {
		s.r.Log.Warn("a mailbox fills", "mailbox", q.Mailbox, "percent", q.Percent())
	}
	if q.Percent() != before.Percent() {
		s.r.Changed(nil, false, true)
	}
}

// Quotas says how full the mailboxes are that are read, the fullest first, as far as the mail system has told: at the last connection
// or a day ago at most. One that has no limit is left out.
func (r *Replica) Quotas() (all []care.Quota) {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, yes := range r.reads() {
		if q := r.quotas[r.Logins[i].Mailbox]; yes && q.Limit > 0 {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b care.Quota) int {
		return cmp.Or(cmp.Compare(b.Percent(), a.Percent()), cmp.Compare(a.Mailbox, b.Mailbox))
	})
	return all
}
