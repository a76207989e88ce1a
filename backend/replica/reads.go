package replica

import (
	"iter"
	"slices"

	"postern/backend/care"
	"postern/backend/post/fetch"
	"postern/backend/trust/directory"
)

// Which mailboxes are read changes while a replica runs: a grant brings the login of an office to which the person comes, and the
// clinic's list says that they have left another.

// reads says of each login whether its mailbox is to be read. Who has left every office goes on with what they had, so
// that the mail system's refusal is what they are told. It wants r.mu.
func (r *Replica) reads() []bool {
	book := r.Books.Book()
	out, any := make([]bool, len(r.Logins)), false
	for i, l := range r.Logins {
		out[i] = !book.Left(r.Device, l.Mailbox)
		any = any || out[i]
	}
	for i := range out {
		out[i] = out[i] || !any
	}
	return out
}

// reading are the fetchers of those mailboxes.
func (r *Replica) reading() (out []*fetch.Fetcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, yes := range r.reads() {
		if yes {
			out = append(out, r.fetchers[i])
		}
	}
	return out
}

// Mailboxes are those that are read.
func (r *Replica) Mailboxes() (out []care.MailboxID) {
	r.init()
	for _, f := range r.reading() {
		out = append(out, f.Login.Mailbox)
	}
	return out
}

// submitter is the login that submits.
func (r *Replica) submitter() (care.MailLogin, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, yes := range r.reads() {
		if yes {
			return r.Logins[i], true
		}
	}
	return care.MailLogin{}, false
}

func loginsOf(grants []*directory.Grant) iter.Seq2[*directory.Grant, care.MailLogin] {
	return func(yield func(*directory.Grant, care.MailLogin) bool) {
		for _, g := range grants {
			for _, l := range g.Logins {
				if !yield(g, l) {
					return
				}
			}
		}
	}
}

// widen takes up logins that were granted: of a mailbox that is read already, in the place of the one before.
// Of two grants the later one counts: letters come newest first. It says whether there are any; they are read after the next turn.
func (r *Replica) widen(grants []*directory.Grant) (any bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for g, l := range loginsOf(grants) {
		if slices.Contains(r.Logins, l) || g.At < r.granted[l.Mailbox] {
			continue
		}
		any = true
		if r.granted == nil {
			r.granted = map[care.MailboxID]string{}
		}
		r.granted[l.Mailbox] = g.At
		i := slices.IndexFunc(r.Logins, func(x care.MailLogin) bool { return x.Mailbox == l.Mailbox })
		if i < 0 {
			i = len(r.Logins)
			r.Logins = append(slices.Clip(r.Logins), care.MailLogin{})
			r.states, r.pulled, r.fetchers = append(r.states, care.SyncState{}), append(r.pulled, false), append(r.fetchers, nil)
		}
		r.Logins[i], r.states[i], r.pulled[i], r.fetchers[i] = l, care.SyncState{Phase: care.SyncStarting}, false, r.fetcher(i, l)
	}
	return any
}
