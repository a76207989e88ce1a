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

	mu    sync.Mutex
	of    *directory.Book
	ready *promise.Clock
}

func (f *facts) book() *directory.Book { return f.books.Book() }

// clock is the calendar of the newest book, built once a book.
func (f *facts) clock() (*promise.Clock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	book := f.book()
	if f.ready != nil && f.of == book {
		return f.ready, nil
	}
	calendar := book.Practice().Calendar
	if book.Version() == 0 {
		// Nothing has come from the clinic yet, to a record that begins anew. Until it does this profile's own key is not
		// known either, so that nothing can be promised by this calendar.
		calendar = care.Calendar{Zone: "UTC", Hours: map[string][]care.Span{"mon": {{From: "09:00", Until: "17:00"}}}}
	}
	c, err := promise.New(calendar)
	if err != nil {
		return nil, care.Because(care.Corrupt, err, "The clinic's calendar cannot be read. Ask the clinic to send its list again.")
	}
	f.of, f.ready = book, c
	return c, nil
}

// Clock is the practice's calendar. Where a newer directory brings one that cannot be read, the last good one stays.
func (f *facts) Clock() *promise.Clock {
	c, err := f.clock()
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.ready
	}
	return c
}

func (f *facts) Practice() care.Practice                        { return f.book().Practice() }
func (f *facts) Office(id care.OfficeID) (care.Office, bool)    { return f.book().Office(id) }
func (f *facts) Offices() []care.Office                         { return f.book().OfficesOf(f.me) }
func (f *facts) Person(id care.PersonID) (care.Person, bool)    { return f.book().Person(id) }
func (f *facts) Patient(id care.PatientID) (care.Patient, bool) { return f.book().Patient(id) }
func (f *facts) Patients() []care.Patient                       { return f.book().Patients() }
func (f *facts) Relations(id care.PatientID) []care.Relation    { return f.book().Relations(id) }
func (f *facts) Staff() []care.Person                           { return f.book().Staff() }
func (f *facts) OfficesOf(id care.PersonID) []care.Office       { return f.book().OfficesOf(id) }
