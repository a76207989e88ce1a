package enrol

import (
	"fmt"
	"testing"

	"postern/backend/care"
)

// BenchmarkPractice is what an administrator waits for in a practice of some thousand members.
func BenchmarkPractice(b *testing.B) {
	const members = 2000
	r, err := New(b.Context(), Options{Dir: b.TempDir(), Passphrase: "p", Accounts: &accounts{boxes: map[string]bool{}}, Params: quick}, care.Practice{Name: "Alder Street Clinic", Calendar: care.Calendar{Zone: "America/New_York", Hours: week}})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	lee, err := r.AddOffice(b.Context(), care.Office{Name: "Dr. Lee's office"})
	if err != nil {
		b.Fatal(err)
	}
	all := make([]Newcomer, members)
	for i := range all {
		all[i] = Newcomer{care.Patient{Name: fmt.Sprintf("Member %d", i), Born: "1980-03-04", MRN: fmt.Sprint(i), PCP: lee.ID}, []care.Relation{{Office: lee.ID, Why: "primary"}}}
	}
	b.Run("import", func(b *testing.B) {
		for b.Loop() {
			if err := r.AddMembers(b.Context(), all); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			for i := range all { // the next ones
				all[i].Patient.MRN += "x"
			}
			b.StartTimer()
		}
	})
	who := r.Patients()[0].Person
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			r.Patients()
		}
	})
	b.Run("pending", func(b *testing.B) {
		for b.Loop() {
			r.Pending()
		}
	})
	b.Run("invite", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Invite(b.Context(), who); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("book", func(b *testing.B) {
		for b.Loop() {
			r.book = nil
			if _, err := r.Book(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
