package backend

import (
	"fmt"

	"postern/backend/care"
)

// Quotas says how full the mailboxes are that this profile reads, the fullest first, as far as the mail system tells.
func (p *Profile) Quotas() []care.Quota { return p.replica.Quotas() }

// filling is the sync state with what is to be said of a mailbox that fills, where nothing else is to be said. The care team hears it
// in time; a member, who can do nothing about it, when it begins to matter.
func (p *Profile) filling(s care.SyncState) care.SyncState {
	all := p.Quotas()
	if s.Problem != "" || s.Phase != care.SyncUpToDate || len(all) == 0 {
		return s
	}
	switch q, full := all[0], all[0].Percent(); {
	case full >= care.NearlyFull && !p.me.Role.Staff():
		s.Phase, s.Problem = care.SyncAmiss, fmt.Sprintf("Your mailbox at the clinic is %d%% full. When it is full, no reply reaches you. "+
			"Call the front desk: they can make room.", full)
	case full >= care.NearlyFull:
		s.Phase, s.Problem = care.SyncAmiss, fmt.Sprintf("A mailbox is nearly full. It is that of %s, at %d%%. Once it is full, nothing that members write is received "+
			"before there is room again. Have whoever looks after the clinic's mail system give it more room today.", p.mailboxName(q.Mailbox), full)
	case full >= care.Filling && p.me.Role.Staff():
		s.Problem = fmt.Sprintf("A mailbox is %d%% full. It is that of %s. Messages come and go as before. "+
			"Ask whoever looks after the clinic's mail system to give it more room, before it is full.", full, p.mailboxName(q.Mailbox))
	}
	return s
}

// mailboxName is whose a mailbox is.
func (p *Profile) mailboxName(id care.MailboxID) string {
	for _, o := range p.facts.book().Offices() {
		if o.Mailbox == id {
			return o.Name
		}
	}
	return "the practice"
}
