package stories

import (
	"testing"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
)

// Who locks, or ends the program, while a text could still be taken back has decided: it is sent. With no mail system to
// take it, it is no fact yet and waits for the next sign-in, and Postern says so.
func TestPartingSendsWhatIsHeld(t *testing.T) { posttest.Each(t, testPartingSendsWhatIsHeld) }

func testPartingSendsWhatIsHeld(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana := w.live("marisol"), w.at("ana")
	hold := func(subject string) {
		t.Helper()
		d := marisol.drafts(draft.Draft{What: command.DraftNew, Office: w.offices["Lee"].ID, Subject: care.Text(subject), Text: "Before I go."})
		_, err := marisol.desk().SendMessage(marisol.ctx(), d.ID)
		must(t, err)
	}
	marisol.waitFor("the first look", marisol.p.Replica().InStep)
	hold("Locked in the hold")
	marisol.off()
	marisol.on(false)
	waiting, err := marisol.p.Waiting(marisol.ctx())
	must(t, err)
	equal(t, "what waits after parting", waiting, 0)
	ana.pulls()
	if !hasRow(ana.rows(), "Locked in the hold") {
		t.Fatal("the office did not get what was held when its author left")
	}

	marisol.off()
	marisol.on(true)
	w.mail.StopServers(t)
	hold("Offline in the hold")
	marisol.off()
	marisol.on(false)
	drafts, _, err := marisol.desk().Ready(marisol.ctx())
	must(t, err)
	equal(t, "texts that wait, not yet facts", len(drafts), 1)
	w.mail.StartServers(t)
	marisol.sends()
	ana.pulls()
	if !hasRow(ana.rows(), "Offline in the hold") {
		t.Error("what waited did not go out after the next sign-in")
	}
}
