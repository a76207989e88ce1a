package stories

import (
	"postern/backend/post/posttest"
	"testing"

	"postern/backend/record/view"
)

// TestMainJob: a member writes to an office, the clinic confirms, the care team answers and completes.
func TestMainJob(t *testing.T) { posttest.Each(t, testMainJob) }

func testMainJob(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")

	d := marisol.writes("Lee", "Refill", "The pharmacy says I have no refills left.")
	marisol.sends()
	part := marisol.part(d)
	equal(t, "before the receipt", marisol.sees(part).State, view.StateHanded)

	clinic.inStep()
	marisol.pulls()
	got := marisol.sees(part)
	equal(t, "after the receipt", got.State, view.StateDelivered)
	if got.Items[0].Due.IsZero() || !got.Items[0].Due.After(got.Items[0].Received) {
		t.Errorf("the receipt names no day: %+v", got.Items[0])
	}

	rosa.pulls()
	rosa.claims(part)
	rosa.notes(part, "Fine to renew.")
	rosa.says(part, "Renewed for a year.")
	rosa.sends()
	marisol.pulls()
	equalTexts(t, "marisol reads", marisol.texts(part), "The pharmacy says I have no refills left.", "Renewed for a year.")
	for _, it := range marisol.sees(part).Items {
		if it.Kind == view.ItemNote {
			t.Errorf("the member sees a note: %q", it.Text)
		}
	}
	marisol.reads(part)
	marisol.sends()
	rosa.pulls()
	items := rosa.sees(part).Items
	if last := items[len(items)-1]; last.SeenAt.IsZero() {
		t.Errorf("the nurse is not told that the reply was read: %+v", last)
	}

	rosa.completes(part, "Call us if the pharmacy has trouble.")
	rosa.sends()
	marisol.pulls()
	if th := marisol.sees(part); th.Open || th.State != view.StateCompleted {
		t.Errorf("not complete for the member: open %v, %s", th.Open, th.State)
	}
	rosa.reopens(part)
	rosa.sends()
	marisol.pulls()
	if !marisol.sees(part).Open {
		t.Error("reopening did not bring the reply back")
	}
	marisol.says(part, "Thank you.")
	marisol.sends()
	rosa.pulls()
	equal(t, "in one conversation", len(rosa.rows()), 1)
}

// TestSecondOfficeNeedsASecondMessage: one message goes to one office; the other knows nothing of it.
func TestSecondOfficeNeedsASecondMessage(t *testing.T) {
	posttest.Each(t, testSecondOfficeNeedsASecondMessage)
}

func testSecondOfficeNeedsASecondMessage(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, ana, sam := w.at("marisol"), w.at("ana"), w.at("sam")
	marisol.writes("Lee", "For Lee", "Only for Dr. Lee.")
	marisol.sends()
	ana.pulls()
	sam.pulls()
	equal(t, "at Dr. Lee's", len(ana.rows()), 1)
	equal(t, "at Dr. Raman's", len(sam.rows()), 0)
	marisol.writes("Raman", "For Raman", "And this for Dr. Raman.")
	marisol.sends()
	sam.pulls()
	equal(t, "at Dr. Raman's", hasRow(sam.rows(), "For Raman"), true)
}

// TestMailSystemStopped: with no mail system a member writes two messages and a draft, the program is killed and
// started; when the mail system is back both arrive once, in order, and the draft is there.
func TestMailSystemStopped(t *testing.T) { posttest.Each(t, testMailSystemStopped) }

func testMailSystemStopped(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	rosa := w.at("rosa")
	rosa.pulls()
	marisol := w.live("marisol")
	w.mail.StopServers(t)
	marisol.writes("Lee", "First", "one")
	marisol.writes("Lee", "Second", "two")
	marisol.drafts(newDraft(w, "Lee", "Third", "thr"))
	marisol.off()

	marisol.on(true)
	w.mail.StartServers(t)
	marisol.p.SyncNow()
	marisol.waitFor("both are sent", func() bool {
		waiting, err := marisol.p.Views().Center(t.Context(), "waiting", "")
		must(t, err)
		return len(waiting) == 0
	})
	rosa.pulls()
	rows := rosa.rows()
	equal(t, "arrived once each", len(rows), 2)
	if !hasRow(rows, "First") || !hasRow(rows, "Second") {
		t.Fatalf("not both arrived: %+v", rows)
	}
	drafts, err := marisol.p.Views().Center(t.Context(), "drafts", "")
	must(t, err)
	if len(drafts) != 1 || drafts[0].Subject != "Third" {
		t.Errorf("the draft is not there: %+v", drafts)
	}
}
