package backend

import (
	"sync"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/backend/replica"
	"postern/backend/trust/directory"
)

// facts answers what screens and commands ask of the newest directory, with its calendar ready for use.
type facts struct {
	books *replica.Books
	me    care.PersonID

	mu     sync.Mutex
	of     *directory.Book
	ready  *promise.Clock
	unread error // why the calendar cannot be read
}

func (f *facts) book() *directory.Book { return f.books.Book() }

// clock is the calendar of the newest book, built once a book. Where it cannot be read, be it because a newer Postern
// wrote it, the error says so, and the clock promises nothing: a day by an older calendar could be a wrong one. Nobody is
// kept from their messages by it.
func (f *facts) clock() (*promise.Clock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	book := f.book()
	if f.ready != nil && f.of == book {
		return f.ready, f.unread
	}
	calendar := book.Practice().Calendar
	if book.Version() == 0 {
		// Nothing has come from the clinic yet, to a record that begins anew. Until it does this profile's own key is not
		// known either, so that nothing can be promised by this calendar.
		calendar = care.Calendar{Zone: "UTC", Hours: map[string][]care.Span{"mon": {{From: "09:00", Until: "17:00"}}}}
	}
	f.of, f.unread = book, nil
	var err error
	if f.ready, err = promise.New(calendar); err != nil {
		f.ready = promise.None(calendar)
		f.unread = care.Because(care.Corrupt, err, "This Postern cannot read the clinic's calendar, so it names no day for a reply. "+
			"Messages come and go as before. Update Postern, or ask the clinic to send its list again.")
	}
	return f.ready, f.unread
}

// Clock is the practice's calendar. It promises nothing where that cannot be read.
func (f *facts) Clock() *promise.Clock {
	c, _ := f.clock() // stand says the error
	return c
}

// stand is the sync state with what stands in the way on this computer itself, unless the mail system does.
func (f *facts) stand(s care.SyncState) care.SyncState {
	if _, err := f.clock(); err != nil && s.Problem == "" && !s.Chosen {
		s.Phase, s.Problem = care.SyncAmiss, care.SentenceOf(err)
	}
	return s
}

func (f *facts) Practice() care.Practice                        { return f.book().Practice() }
func (f *facts) Office(id care.OfficeID) (care.Office, bool)    { return f.book().Office(id) }
func (f *facts) Offices() []care.Office                         { return f.book().OfficesOf(f.me) }
func (f *facts) Person(id care.PersonID) (care.Person, bool)    { return f.book().Person(id) }
func (f *facts) Patient(id care.PatientID) (care.Patient, bool) { return f.book().Patient(id) }
func (f *facts) Patients() []care.Patient                       { return f.book().Patients() }
func (f *facts) Relations(id care.PatientID) []care.Relation    { return f.book().Relations(id) }
func (f *facts) Self(id care.PatientID) (care.PersonID, bool)   { return f.book().Self(id) }
func (f *facts) Proxies(id care.PatientID) []care.Person        { return f.book().Proxies(id) }
func (f *facts) Reader(id care.PatientID, box care.MailboxID) (care.Person, bool) {
	return f.book().Reader(id, box)
}
func (f *facts) WritesFor(id care.PersonID) []care.PatientID { return f.book().WritesFor(id) }
func (f *facts) Staff() []care.Person                        { return f.book().Staff() }
func (f *facts) OfficesOf(id care.PersonID) []care.Office    { return f.book().OfficesOf(id) }
func (f *facts) Enrolled(id care.PersonID) bool              { return f.book().Enrolled(id) }
