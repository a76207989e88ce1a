package stories

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
)

// TestWhoLookedAtWhat: a nurse's day at one computer and a member's at another, as their records tell it.
func TestWhoLookedAtWhat(t *testing.T) {
	w := newTown(t, posttest.Start(t, posttest.Gateway))
	marisol, rosa, dmitri := w.at("marisol"), w.at("rosa"), w.at("dmitri")
	knee := marisol.part(marisol.writesAndSends("Lee", "My knee", "It hurts."))
	sleep := dmitri.part(dmitri.writesAndSends("Lee", "Sleep", "I wake up at four."))
	rosa.pulls()

	looks := rosa.p.Looks()
	shows := func(part care.EventID, asked bool) {
		t.Helper()
		_, err := looks.Thread(t.Context(), part, asked)
		must(t, err)
	}
	shows(knee, true)
	shows(knee, true) // a claim draws it again
	shows(sleep, true)
	shows(knee, true) // and back
	must(t, looks.Copied(t.Context(), knee))
	marisol.says(knee, "It is swollen, too.")
	marisol.sends()
	rosa.pulls()
	shows(knee, false) // the page, by itself, with what came in
	rosa.says(knee, "Please come by.")
	rosa.sends()
	shows(knee, true)
	w.clock.move(11 * time.Minute)
	shows(knee, false)
	shows(knee, true)
	if _, err := looks.Thread(t.Context(), care.EventID{1}, true); care.KindOf(err) != care.NotFound {
		t.Errorf("what is not here: %v", err)
	}
	// What she reads as she types, answers and claims is no screen.
	rosa.drafts(draft.Draft{What: command.DraftReply, Part: sleep, Text: "Good"})

	rosa.back.Leave(rosa.p)
	for range 2 {
		if _, err := rosa.back.SignInStill(t.Context(), "rosa", "a guess"); care.KindOf(err) != care.Invalid {
			t.Fatalf("a guess: %v", err)
		}
	}
	var err error
	rosa.p, err = rosa.back.SignInStill(t.Context(), "rosa", passphrase)
	must(t, err)
	looks = rosa.p.Looks()
	shows(sleep, true)
	rosa.off()
	rosa.on(false)
	rosa.tells("sign-in", "view marisol", "view dmitri", "copy marisol", "view marisol", "view marisol", "sign-out",
		"2 sign-in.refused", "sign-in", "view dmitri", "sign-out", "sign-in")

	marisol.pulls()
	looks = marisol.p.Looks()
	shows(knee, true)
	must(t, looks.Copied(t.Context(), knee))
	if err := looks.Copied(t.Context(), sleep); care.KindOf(err) != care.NotFound {
		t.Errorf("a copy of somebody else's conversation: %v", err)
	}
	marisol.tells("sign-in", "view marisol", "copy marisol")
}

// tells fails unless the person's record says this, patients by their names.
func (p *person) tells(want ...string) {
	p.t.Helper()
	all, err := p.p.Trail(p.ctx())
	must(p.t, err)
	var got []string
	for _, l := range all {
		got = append(got, word(l))
		if l.Person.Name != p.name || l.Who != p.town.who[p.name] {
			p.t.Errorf("%s: entry %d is %s's", p.name, l.No, l.Person.Name)
		}
		if l.Part.IsZero() != (l.Patient.MRN == "") {
			p.t.Errorf("%s: entry %d is of %+v", p.name, l.No, l.Patient)
		}
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("%s's record says\n%q, want\n%q", p.name, got, want)
	}
}

func word(l backend.Looked) string {
	switch {
	case l.Times > 0:
		return fmt.Sprint(l.Times, " ", l.What)
	case l.Patient.ID != "":
		return string(l.What) + " " + l.Patient.Name
	}
	return string(l.What)
}
