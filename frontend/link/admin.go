package link

import (
	"net/url"

	"postern/backend/care"
)

// Addresses of the administration. Its first tab is the members.
const (
	Administration = "/administration"
	AdminRail      = "/administration/rail" // the queues beside it, drawn again
	AdminKept      = "/administration/form" // keeps a form as it is being typed
	AdminLetGo     = "/administration/form/end"

	AdminMembers    = "/administration/members" // adds one
	AdminNewMember  = "/administration/members/new"
	AdminImport     = "/administration/import"
	AdminImportTry  = "/administration/import/trial"
	AdminImportFile = "/administration/import/file"
	AdminInviteFile = "/administration/invitation/file"

	AdminOffices   = "/administration/offices"
	AdminNewOffice = "/administration/offices/new"

	AdminHolidays   = "/administration/holidays"
	AdminEndHoliday = "/administration/holidays/end"
	AdminHours      = "/administration/hours"
	AdminPractice   = "/administration/practice"
	AdminNotices    = "/administration/notices"
	AdminNoticeSeen = "/administration/notices/preview"

	AdminStaff     = "/administration/staff"
	AdminNewPerson = "/administration/staff/new"

	AdminGateway      = "/administration/gateway"
	AdminTrial        = "/administration/gateway/trial"
	AdminAccounts     = "/administration/gateway/accounts"
	AdminAccountsFile = "/administration/gateway/accounts/file"
	AdminLogins       = "/administration/gateway/logins"
	AdminStays        = "/administration/gateway/stays"
	AdminAgent        = "/administration/gateway/agent" // names another
)

// AdminMember is the page of one patient; AdminMemberAt is that page with one of its sections in focus.
func AdminMember(id care.PatientID) string { return AdminMembers + "/" + url.PathEscape(string(id)) }

// AdminMemberAt is as AdminMember says.
func AdminMemberAt(id care.PatientID, section string) string {
	return With(AdminMember(id), "at", section)
}

// AdminProxies is where somebody is made to write for a patient.
func AdminProxies(id care.PatientID) string { return AdminMember(id) + "/proxies" }

// AdminEndProxy ends that.
func AdminEndProxy(id care.PatientID) string { return AdminProxies(id) + "/end" }

// AdminCandidates lists who could write for a patient.
func AdminCandidates(id care.PatientID) string { return AdminMember(id) + "/candidates" }

// AdminPerson is the page of one person of the staff.
func AdminPerson(id care.PersonID) string { return AdminStaff + "/" + url.PathEscape(string(id)) }

// What is done to a person, on their page: an invitation, its withdrawal, the removal, and the end of one computer.
const (
	Inviting   = "/invitation"
	Withdrawal = "/withdrawal"
	Removal    = "/removal"
	Devices    = "/devices"
)

// AdminOffice is one office, with who covers it.
func AdminOffice(id care.OfficeID) string { return AdminOffices + "/" + url.PathEscape(string(id)) }

// AdminAbsence is where its provider's absence is set.
func AdminAbsence(id care.OfficeID) string { return AdminOffice(id) + "/absence" }

// AdminAbsenceSeen says what members would read of an absence.
func AdminAbsenceSeen(id care.OfficeID) string { return AdminAbsence(id) + "/preview" }

// AdminEndAbsence ends one.
func AdminEndAbsence(id care.OfficeID) string { return AdminAbsence(id) + "/end" }

// AdminHoliday is the form of one day; "new" is one to come.
func AdminHoliday(date string) string { return AdminHolidays + "/" + url.PathEscape(date) }
