package backend

import (
	"testing"

	"postern/backend/care"
)

// A description with a mistake is refused before anything is made: the corrected one finds an empty folder.
func TestPlanIsCheckedFirst(t *testing.T) {
	for name, spoil := range map[string]func(*Plan){
		"an office that is not described":  func(p *Plan) { p.People[0].Offices = []string{"leee"} },
		"a provider that is not described": func(p *Plan) { p.Offices[0].Provider = "nobody" },
		"a relation to no office":          func(p *Plan) { p.Members[0].Relations[0].Office = "x" },
		"a key used twice":                 func(p *Plan) { p.Members[0].Key = "rosa" },
		"a key that is a path":             func(p *Plan) { p.Members[0].Key = "../out" },
		"an empty key":                     func(p *Plan) { p.People[1].Key = "" },
		"no agent":                         func(p *Plan) { p.People = p.People[:2] },
		"an absence of nobody":             func(p *Plan) { p.Absences = []PlanAbsence{{Person: "x", From: "2026-11-23"}} },
		"an absence covered by a stranger": func(p *Plan) { p.Absences = []PlanAbsence{{Person: "ana", From: "2026-11-23", Cover: "x"}} },
	} {
		t.Run(name, func(t *testing.T) {
			p := ExamplePlan()
			spoil(&p)
			made, err := MakePractice(t.Context(), t.TempDir(), Mail{}, better, p)
			if care.KindOf(err) != care.Invalid || len(made) != 0 {
				t.Errorf("made %v, err %v; want care.Invalid and nothing made", made, err)
			}
		})
	}
	p := ExamplePlan()
	if made, err := MakePractice(t.Context(), t.TempDir(), Mail{}, "demo", p); care.KindOf(err) != care.Invalid || len(made) != 0 {
		t.Errorf("a weak passphrase: made %v, err %v", made, err)
	}
	if err := p.check(); err != nil {
		t.Errorf("the example is refused: %v", err)
	}
}
