package frontend_test

import (
	"net/http"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/picturetest"
	"postern/frontend/seat"
)

func mateo() care.Patient {
	return care.Patient{ID: "pt_mateo", Name: "Mateo Vega", MRN: "55102846", Born: "2017-05-06", Sex: "M", Pronouns: "he/him"}
}

// family is the practice in which Marisol writes for Mateo as well.
func family() *world {
	w := newWorld()
	w.writes = map[care.PatientID]care.Patient{mateo().ID: mateo()}
	t := w.row("asthma", lee, "Asthma plan form for school", view.StateDelivered, at(11, 20, 15, 42))
	t.Patient, t.Topic, t.Awaits, t.Due = mateo(), care.TopicOther, "office", at(11, 24, 17, 0)
	t.Items = []view.Item{{Kind: view.ItemMessage, ID: id("asthma1"), By: marisol, Own: true, Member: true, Proxy: true, At: at(11, 20, 15, 42),
		Text:  "Hello Dr. Lee,\n\nMateo's school asks for a signed asthma action plan before the winter break. His inhaler has not changed since September.\n\nThank you!",
		State: view.StateDelivered, Received: at(11, 20, 15, 42), Due: at(11, 24, 17, 0)}}
	return w
}

// shows makes a request one of a page that shows a patient's record.
func shows(r *http.Request, patient care.Patient) *http.Request {
	r.Header.Set("Postern-For", string(patient.ID))
	return r
}

// TestActingForSomebody: the list, the bar and the conversations are of one patient at a time, and a page that another tab
// left behind goes on with its own.
func TestActingForSomebody(t *testing.T) {
	w := family()
	v := visit(t, handler(w))
	v.comeIn()
	own := v.get(link.Messages).Body.String()
	for _, words := range []string{"Mateo Vega", "MRN ending 2846 · 1 waiting for a reply", "Treadmill"} {
		if !strings.Contains(strings.ToLower(own), strings.ToLower(words)) {
			t.Errorf("her own page lacks %q", words)
		}
	}
	if strings.Contains(own, "Asthma plan") || strings.Contains(own, "You are reading and writing for") {
		t.Error("her own page shows what is Mateo's")
	}

	his := v.post(link.For, "patient", string(mateo().ID)).Body.String()
	for _, words := range []string{"Asthma plan", "You are reading and writing for Mateo Vega.", "Everything here goes to his record", "record, MRN\u00a05510\u00a02846.", `data-for="pt_mateo"`} {
		if !strings.Contains(his, words) {
			t.Errorf("Mateo's page lacks %q", words)
		}
	}
	if strings.Contains(strings.ToLower(his), "treadmill") {
		t.Error("Mateo's page shows what is hers")
	}
	for _, path := range []string{link.Compose, link.Keys, link.Conversation(id("asthma"), "")} {
		if !strings.Contains(v.get(path).Body.String(), "You are reading and writing for Mateo Vega.") {
			t.Errorf("%s has no bar", path)
		}
	}
	letter := v.get(link.Conversation(id("asthma"), "")).Body.String()
	if !strings.Contains(letter, "Marisol Vega for Mateo Vega") {
		t.Error("it does not say who wrote for whom")
	}
	if got := v.get(link.Conversation(id("treadmill"), "")).Code; got != http.StatusNotFound {
		t.Errorf("her own conversation, from his page: %d", got)
	}
	r, err := http.NewRequest(http.MethodGet, link.Messages, nil)
	if err != nil {
		t.Fatal(err)
	}
	if page := v.ask(shows(r, patient())).Body.String(); strings.Contains(page, "Asthma plan") {
		t.Error("her own tab went over to Mateo")
	}
	if got := v.post(link.For, "patient", "pt_somebody").Code; got != http.StatusForbidden {
		t.Errorf("for somebody else: %d", got)
	}
}

// TestTheGrantHasEnded: a page that shows the patient saves nothing more, and the next one says so, until it is closed.
func TestTheGrantHasEnded(t *testing.T) {
	w := family()
	v := visit(t, handler(w))
	v.comeIn()
	v.post(link.For, "patient", string(mateo().ID))
	w.change(seat.Change{Sync: true}, func() { w.writes = nil })
	late := v.ask(shows(form(link.Draft(care.NewID("dr")), "what", "new", "text", "His inhaler is empty."), mateo()))
	if late.Code != http.StatusUnauthorized || !strings.Contains(late.Body.String(), "nothing was saved") || len(w.drafts) != len(newWorld().drafts) {
		t.Errorf("a text for a patient who is none of hers any more: %d", late.Code)
	}
	page := v.get(link.Messages).Body.String()
	if !strings.Contains(page, "You do not read and write for Mateo Vega any more.") || strings.Contains(page, "Asthma plan") {
		t.Error("the next page does not say that it has ended")
	}
	page = v.post(link.For, "patient", string(patient().ID)).Body.String()
	if strings.Contains(page, "Mateo") {
		t.Error("once closed it is still said")
	}
}

// TestActingPictures goes through the switcher by keyboard.
func TestActingPictures(t *testing.T) {
	w := family()
	b := open(t, w)
	a := picturetest.Open(t, b.ctx, "testdata/acting", *update)
	b.signIn()
	b.sees("Choose a conversation")
	eval[bool](b, `(document.querySelector("#whose > summary").focus(), true)`)
	b.do(key("\r"))
	b.until("the list open", `document.getElementById("whose").open`)
	if low := eval[float64](b, `Math.min(...[...document.querySelectorAll("#whose summary, #whose button")].map((e) => e.getBoundingClientRect().height))`); low < 44 {
		t.Errorf("a target is %.0f px high", low)
	}
	b.accessible("for whom")
	a.State("who")
	b.do(key("\t"), key("\t"), key("\r"))
	b.sees("You are reading and writing for Mateo Vega.")
	b.until("his list", `document.body.dataset.for === "pt_mateo" && document.querySelectorAll(".convo").length === 1`)
	b.conversation("Asthma plan", "Marisol Vega for Mateo Vega")
	b.accessible("acting for")
	a.State("caregiver")
	b.button("Back to my own messages")
	b.until("her list", `document.body.dataset.for === "pt_marisol" && document.querySelectorAll(".convo").length > 1`)
}
