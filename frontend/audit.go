package frontend

import (
	"net/http"

	"postern/frontend/audit"
	"postern/frontend/respond"
)

// saveAudit hands over the entries of the audit record that fit a question as a file. That they leave is recorded before.
func (s *server) saveAudit(w http.ResponseWriter, r *http.Request) {
	name, leave, err := audit.Export(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, name, leave)
}
