package replica

import "postern/backend/care"

// places gives a login as it can be connected with: where the directory says that the mail system is; until it was reached
// there, where it was reached last; and if it never was by a directory, where the login says. A directory with a slip in it
// cuts nobody off from the next one. Before all of these comes where it is on this very computer.
func (r *Replica) places(login care.MailLogin) []care.MailLogin {
	all := r.told(login)
	if r.Here == nil {
		return all
	}
	here := r.Here() // may wait until the mail system has moved
	if here == nil {
		return all
	}
	return append([]care.MailLogin{login.At(*here)}, all...)
}

// told is places as the directory and the login tell them.
func (r *Replica) told(login care.MailLogin) []care.MailLogin {
	at := r.Books.Book().Practice().Gateway
	if at == nil || login == login.At(*at) {
		return []care.MailLogin{login}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.reached == nil:
		return []care.MailLogin{login.At(*at), login}
	case *r.reached == *at:
		return []care.MailLogin{login.At(*at)}
	}
	return []care.MailLogin{login.At(*at), login.At(*r.reached)}
}

// took notes that the mail system was reached where the directory says.
func (r *Replica) took(by care.MailLogin) {
	at := r.Books.Book().Practice().Gateway
	if at == nil || by != by.At(*at) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = at
}
