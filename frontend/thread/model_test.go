package thread

import (
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/record/view"
)

// The next reply's draft keeps its name however often the form is drawn, and never has that of one that was sent.
func TestNextDraft(t *testing.T) {
	part, reply, office := care.EventID{1}, care.EventID{2}, care.EventID{3}
	opened := view.Thread{Row: view.Row{Part: part}, Items: []view.Item{{ID: part, Own: true}}}
	first := nextDraft(opened)

	answered := opened
	answered.Items = append(slices.Clone(opened.Items), view.Item{ID: office})
	if nextDraft(answered) != first {
		t.Error("an answer that arrives changes where the text goes")
	}
	held := opened
	held.Held = []view.Held{{Draft: first}}
	sent := opened
	sent.Items = append(slices.Clone(opened.Items), view.Item{ID: reply, Own: true})
	crossed := opened // the office had completed it: the reply opened a follow-up, and the office reopened this one
	crossed.After = []view.Link{{Part: reply}}
	for name, th := range map[string]view.Thread{"held": held, "sent": sent, "crossed": crossed} {
		if nextDraft(th) == first {
			t.Errorf("%s: the next draft has the name of the one that was sent", name)
		}
	}
}
