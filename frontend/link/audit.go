package link

// Addresses of the audit record, for administrators.
const (
	Audit       = "/administration/audit"
	AuditExport = "/administration/audit/export"
)
