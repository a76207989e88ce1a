package admin

import "net/http"

// What each address does; the table of addresses is frontend's.

func (s *Screens) Keep() http.HandlerFunc  { return s.on(visit.keep) }
func (s *Screens) LetGo() http.HandlerFunc { return s.on(visit.letGo) }

func (s *Screens) Members() http.HandlerFunc    { return s.on(visit.members) }
func (s *Screens) NewMember() http.HandlerFunc  { return s.on(visit.newMember) }
func (s *Screens) AddMember() http.HandlerFunc  { return s.on(visit.addMember) }
func (s *Screens) Member() http.HandlerFunc     { return s.on(visit.memberShown) }
func (s *Screens) SetMember() http.HandlerFunc  { return s.on(visit.setMember) }
func (s *Screens) Candidates() http.HandlerFunc { return s.on(visit.candidatesShown) }
func (s *Screens) AddProxy() http.HandlerFunc   { return s.on(visit.addProxy) }
func (s *Screens) EndProxy() http.HandlerFunc   { return s.on(visit.endProxy) }
func (s *Screens) Import() http.HandlerFunc     { return s.on(visit.importShown) }
func (s *Screens) ImportTry() http.HandlerFunc  { return s.on(visit.importTried) }
func (s *Screens) ImportFile() http.HandlerFunc { return s.on(visit.importFile) }
func (s *Screens) ImportDone() http.HandlerFunc { return s.on(visit.importDone) }

// Of members and of the staff alike.

func (s *Screens) Invite() http.HandlerFunc   { return s.on(visit.invite) }
func (s *Screens) Withdraw() http.HandlerFunc { return s.on(visit.withdraw) }
func (s *Screens) Removal() http.HandlerFunc  { return s.on(visit.removal) }
func (s *Screens) Remove() http.HandlerFunc   { return s.on(visit.remove) }
func (s *Screens) Revoke() http.HandlerFunc   { return s.on(visit.revoke) }

func (s *Screens) Offices() http.HandlerFunc     { return s.on(visit.offices) }
func (s *Screens) NewOffice() http.HandlerFunc   { return s.on(visit.newOffice) }
func (s *Screens) AddOffice() http.HandlerFunc   { return s.on(visit.addOffice) }
func (s *Screens) Office() http.HandlerFunc      { return s.on(visit.officeShown) }
func (s *Screens) SetOffice() http.HandlerFunc   { return s.on(visit.setOffice) }
func (s *Screens) SetAbsence() http.HandlerFunc  { return s.on(visit.setAbsence) }
func (s *Screens) AbsenceSeen() http.HandlerFunc { return s.on(visit.absenceSeen) }
func (s *Screens) EndAbsence() http.HandlerFunc  { return s.on(visit.endAbsence) }

func (s *Screens) Holidays() http.HandlerFunc    { return s.on(visit.holidays) }
func (s *Screens) Holiday() http.HandlerFunc     { return s.on(visit.holidayShown) }
func (s *Screens) SetHoliday() http.HandlerFunc  { return s.on(visit.setHoliday) }
func (s *Screens) EndHoliday() http.HandlerFunc  { return s.on(visit.endHoliday) }
func (s *Screens) SetHours() http.HandlerFunc    { return s.on(visit.setHours) }
func (s *Screens) SetPractice() http.HandlerFunc { return s.on(visit.setPractice) }
func (s *Screens) SetNotices() http.HandlerFunc  { return s.on(visit.setNotices) }
func (s *Screens) NoticeSeen() http.HandlerFunc  { return s.on(visit.noticeSeen) }

func (s *Screens) Staff() http.HandlerFunc     { return s.on(visit.staff) }
func (s *Screens) NewPerson() http.HandlerFunc { return s.on(visit.newPerson) }
func (s *Screens) AddPerson() http.HandlerFunc { return s.on(visit.addPerson) }
func (s *Screens) Person() http.HandlerFunc    { return s.on(visit.personShown) }
func (s *Screens) SetPerson() http.HandlerFunc { return s.on(visit.setPerson) }

func (s *Screens) Gateway() http.HandlerFunc      { return s.on(visit.gateway) }
func (s *Screens) Trial() http.HandlerFunc        { return s.on(visit.tryMail) }
func (s *Screens) MoveGateway() http.HandlerFunc  { return s.on(visit.moveGateway) }
func (s *Screens) AddAccounts() http.HandlerFunc  { return s.on(visit.addAccounts) }
func (s *Screens) AccountsFile() http.HandlerFunc { return s.on(visit.accountsFile) }
func (s *Screens) NameAgent() http.HandlerFunc    { return s.on(visit.nameAgent) }
func (s *Screens) LoginEnded() http.HandlerFunc   { return s.on(visit.loginEnded) }
func (s *Screens) SetStays() http.HandlerFunc     { return s.on(visit.setStays) }
