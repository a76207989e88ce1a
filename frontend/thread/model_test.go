package thread

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/say"
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

// The files of a message stand with it and are handed out at the member's own addresses; one that has not arrived offers nothing.
func TestFilesOfALetter(t *testing.T) {
	part, taken := care.EventID{1}, care.EventID{2}
	th := view.Thread{Row: view.Row{Part: part}, Items: []view.Item{{Kind: view.ItemMessage, ID: taken, Member: true, Own: true,
		Files: []view.File{{Name: "rash.jpg", Kind: "image/jpeg", Size: 3_200_000, Here: true}, {Name: "later.pdf", Kind: "application/pdf", Size: 900}}}}}
	l := letterOf(input{frame: parts.Frame{Clock: say.Clock{Now: time.Unix(0, 0), Zone: time.UTC}}}, th, th.Items[0])
	if l.First != "rash.jpg" || len(l.Files) != 2 {
		t.Fatalf("%+v", l)
	}
	var drawn strings.Builder
	if err := body(l).Render(t.Context(), &drawn); err != nil {
		t.Fatal(err)
	}
	at := "/messages/" + part.String() + "/files/" + taken.String()
	for _, want := range []string{at + "/0\"", at + "/0/picture", "3.2 MB", "later.pdf", "900 bytes", "Has not arrived yet"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(drawn.String(), at+"/1") {
		t.Error("what has not arrived is offered")
	}
}
