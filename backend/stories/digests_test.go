package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

// findings are what an administrator's computer finds of everybody's audit records, a computer a word, in their names' order.
func (p *person) findings() string {
	p.t.Helper()
	all, err := p.p.Devices(p.ctx())
	must(p.t, err)
	var out []string
	for _, d := range all {
		word := fmt.Sprintf("%s %d", d.Person.Name, d.Digests)
		for _, f := range d.Findings {
			word += " " + string(f.Kind)
		}
		out = append(out, word)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// tellsDay makes the day's digest and mails it, as a computer that runs does by itself.
func (p *person) tellsDay() {
	p.t.Helper()
	told, err := p.p.Digest(p.ctx())
	must(p.t, err)
	if !told {
		p.t.Fatalf("%s has told nothing", p.name)
	}
	p.sends()
}

// copyOf keeps a person's folder as it is, and gives what puts it back. The computer must be off both times.
func copyOf(p *person) (back func()) {
	p.t.Helper()
	kept := filepath.Join(p.t.TempDir(), "kept")
	must(p.t, os.CopyFS(kept, os.DirFS(p.dir())))
	return func() {
		p.t.Helper()
		must(p.t, os.RemoveAll(p.dir()))
		must(p.t, os.CopyFS(p.dir(), os.DirFS(kept)))
	}
}

// atNoon moves the computers' clock to the next noon at the practice, so that no day ends while a story of days is told, nor has one
// 23 hours.
func (w *town) atNoon() {
	w.t.Helper()
	zone, err := time.LoadLocation(w.reg.Practice().Calendar.Zone)
	must(w.t, err)
	now := w.clock.now().In(zone)
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, zone)
	if noon.Before(now) {
		noon = noon.AddDate(0, 0, 1)
	}
	w.clock.move(noon.Sub(now))
}

// TestAdministratorsMissWhatIsMissing: every computer of the care team tells the practice each day of its own audit record.
// The administrator sees who stopped telling, and whose record was put back to an older state; so does the agent.
func TestAdministratorsMissWhatIsMissing(t *testing.T) {
	posttest.Each(t, func(t *testing.T, sys *posttest.System) {
		w := newTown(t, sys)
		w.atNoon()
		boss, err := w.reg.AddPerson(t.Context(), care.Person{Name: "jordan", Shown: "Jordan", Short: "Jordan", Role: care.RoleAdministrator},
			[]care.OfficeID{w.offices["Lee"].ID})
		must(t, err)
		w.who["jordan"] = boss.ID
		marisol, rosa, ana, jordan, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("jordan"), w.at("agent")
		knee := marisol.part(marisol.writesAndSends("Lee", "My knee", "It hurts."))
		everybody := func() {
			t.Helper()
			for _, p := range []*person{rosa, ana, jordan, clinic} {
				p.pulls()
			}
		}
		everybody()

		// The first day: all tell, the member does not, and a digest that a crash left behind goes once.
		told, err := marisol.p.Digest(t.Context())
		must(t, err)
		equal(t, "a member tells", told, false)
		_, err = rosa.p.Digest(t.Context())
		must(t, err)
		rosa.off()
		rosa.on(false)
		for _, p := range []*person{rosa, rosa, ana, jordan, clinic} {
			p.tellsDay()
		}
		everybody()
		equal(t, "on the first day", jordan.findings(), "agent 1, ana 1, jordan 1, rosa 1")
		rosa.off()
		back := copyOf(rosa)
		rosa.on(false)

		// The second: Ana answers, and her computer tells nothing.
		w.clock.move(24 * time.Hour)
		rosa.tellsDay()
		jordan.tellsDay()
		clinic.tellsDay()
		ana.says(knee, "Please come by.")
		ana.sends()
		everybody()
		equal(t, "on the second day", jordan.findings(), "agent 2, ana 1, jordan 2, rosa 2") // today nothing is missing yet

		// The third: Rosa's computer is put back to what it was on the first.
		w.clock.move(24 * time.Hour)
		rosa.off()
		back()
		rosa.on(false)
		rosa.tellsDay()
		everybody()
		want := "agent 2, ana 1 missing, jordan 2, rosa 3 putback"
		equal(t, "what the administrator finds", jordan.findings(), want)
		equal(t, "what the agent finds", clinic.findings(), want)
		equal(t, "what a nurse can find, who does not read the practice's mailbox", strings.Contains(ana.findings(), "putback"), false)
		all, err := jordan.p.Devices(t.Context())
		must(t, err)
		for _, d := range all {
			if d.Late() != (d.Person.Name == "ana") {
				t.Errorf("%s's computer is late: %v", d.Person.Name, d.Late())
			}
		}

		// A new copy of the administrator's record finds the same: all of it is in the mailboxes.
		again := w.second("jordan", "-new")
		again.pulls()
		equal(t, "at another computer", strings.Replace(again.findings(), ", jordan 0", "", 1), want)
	})
}

// TestADigestGoesByItself at the sign-in to a computer that runs, and reaches an administrator who waits.
func TestADigestGoesByItself(t *testing.T) {
	w := newTown(t, posttest.Start(t, posttest.Gateway))
	boss, err := w.reg.AddPerson(t.Context(), care.Person{Name: "jordan", Role: care.RoleAdministrator}, []care.OfficeID{w.offices["Lee"].ID})
	must(t, err)
	w.who["jordan"] = boss.ID
	jordan := w.live("jordan")
	w.live("sam")
	jordan.waitFor("the digests of both", func() bool { return strings.Contains(jordan.findings(), "jordan 1, sam 1") })
}
