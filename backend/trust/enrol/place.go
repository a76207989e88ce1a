package enrol

import "postern/backend/care"

// SetGateway tells everybody where the mail system is, by a new directory, unless the newest one says so.
func (r *Registrar) SetGateway(at care.MailPlace) error {
	r.mu.Lock()
	now := r.state.Practice.Gateway
	r.mu.Unlock()
	if now != nil && *now == at {
		return nil
	}
	return r.change(func(s *state) (touched, error) {
		s.Practice.Gateway = &at
		return touched{directory: true}, nil
	})
}
