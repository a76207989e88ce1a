package fetch

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"postern/backend/care"
)

// Quotas is a Sink that is told how full the mailbox is, whenever everything has been compared: at connect and daily. A mail
// system that sets no limit, or tells of none, says nothing.
type Quotas interface {
	Quota(care.Quota)
}

// quota asks for the quota of INBOX (RFC 9208): once a day, for were it the answer that breaks the connection, the letters would still
// come; and at each look while the mailbox is filling, so that nobody is told for a day that it is who made room.
func (s *session) quota(ctx context.Context) error {
	sink, wants := s.Sink.(Quotas)
	now := s.Now()
	if !wants || !s.caps.Has(imap.CapQuota) || !s.filling && !s.weighed.IsZero() && now.Sub(s.weighed).Abs() < daily {
		return nil
	}
	s.filling = false // until it is heard
	s.weighed = now
	roots, err := s.c.GetQuotaRoot(inbox).Wait()
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Info("the mail system does not say how full the mailbox is", "err", err)
		}
		return s.conn.Failure()
	}
	q := care.Quota{Mailbox: s.login.Mailbox}
	for _, root := range roots { // of several the fullest counts
		storage, limited := root.Resources[imap.QuotaResourceStorage]
		if !limited || storage.Limit <= 0 || storage.Usage < 0 || storage.Limit > 1<<50 || storage.Usage > 1<<50 {
			continue
		}
		r := care.Quota{Mailbox: q.Mailbox, Used: storage.Usage << 10, Limit: storage.Limit << 10}
		if q.Limit == 0 || r.Percent() > q.Percent() {
			q = r
		}
	}
	s.filling = q.Percent() >= care.Filling
	sink.Quota(q) // a limit of zero: there is none any more
	return nil
}
