package backend

import (
	"testing"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

// A member answers in the evening, when nobody sits at the clinic's computer. Where the administrator has chosen so they are taken
// in all the same; otherwise they wait until somebody signs in, and nothing of the profile is open.
func TestTakenInWhileLocked(t *testing.T) { posttest.Each(t, testTakenInWhileLocked) }

func testTakenInWhileLocked(t *testing.T, sys *posttest.System) {
	ctx := t.Context()
	front := computer(t, sys)
	founded, err := front.Found(ctx, Founding{Practice: ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden", Name: "Priya Nair", Label: "Priya", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func() *Profile {
		t.Helper()
		p, err := front.SignIn(ctx, founded.Profile, good)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	open := func() bool {
		at := front.place(founded.Profile)
		at.mu.Lock()
		defer at.mu.Unlock()
		return at.profile != nil
	}
	priya := signIn()
	reg := priya.Registrar()
	lee, err := reg.AddOffice(ctx, care.Office{Name: "Dr. Lee's office"})
	if err != nil {
		t.Fatal(err)
	}
	answers := func(name, mrn string) func() bool {
		t.Helper()
		m, err := reg.AddMember(ctx, care.Patient{Name: name, Born: "1980-03-04", MRN: mrn}, []care.Relation{{Office: lee.ID, Why: "primary"}})
		if err != nil {
			t.Fatal(err)
		}
		i, err := reg.Invite(ctx, m.Person.ID)
		if err != nil {
			t.Fatal(err)
		}
		home := computer(t, sys)
		return func() bool {
			all, err := home.Profiles()
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				if _, err := home.Enrol(Enrolment{File: i.File, Code: i.Code, Born: "1980-03-04", Label: name, Passphrase: good}); err != nil {
					t.Fatal(err)
				}
				return false
			}
			now, err := home.Enrolling(all[0].ID)
			return err == nil && now.Step == EnrolDone
		}
	}
	marisol, dmitri := answers("Marisol Vega", "1"), answers("Dmitri Volkov", "2")
	if err := reg.SetStays(ctx, true); err != nil {
		t.Fatal(err)
	}
	front.Leave(priya)
	until(t, "Marisol is taken in while the screen is locked", marisol)
	if !open() {
		t.Error("the profile is closed")
	}
	if again := signIn(); again != priya {
		t.Error("whoever signs in again does not join what goes on")
	}
	if err := reg.SetStays(ctx, false); err != nil {
		t.Fatal(err)
	}
	front.Leave(priya)
	until(t, "the profile closes", func() bool { return !open() })
	dmitri() // answers
	signIn()
	until(t, "Dmitri is taken in once somebody is there", dmitri)
}
