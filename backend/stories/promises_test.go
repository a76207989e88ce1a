package stories

import (
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
)

// TestHolidayMovesThePromise: a member was promised a reply by a day; the registrar closes the clinic on it. The agent moves the
// promise by itself, the member reads the new day and why, and the care team's queue goes by it.
func TestHolidayMovesThePromise(t *testing.T) { posttest.Each(t, testHolidayMovesThePromise) }

func testHolidayMovesThePromise(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	w.live("agent")
	marisol, rosa := w.live("marisol"), w.live("rosa")
	d := marisol.writes("Lee", "Refill", "No refills left.")
	marisol.waitFor("it to go out", func() bool {
		s, err := marisol.desk().Sending(t.Context(), d)
		must(t, err)
		return !s.Part.IsZero()
	})
	part := marisol.part(d)
	marisol.waitFor("a promise", func() bool { return !marisol.sees(part).Due.IsZero() })
	promised := marisol.sees(part).Items[0]

	zone := marisol.desk().Clock().Location()
	closed := promised.Due.In(zone)
	must(t, w.reg.ChangePractice(t.Context(), func(now *care.Practice) error {
		now.Calendar.Holidays = append(now.Calendar.Holidays, care.Holiday{Date: closed.Format(time.DateOnly), Name: "Staff training"})
		return nil
	}))
	w.publish()
	marisol.waitFor("another promise", func() bool { return marisol.sees(part).Due.After(promised.Due) })
	moved := marisol.sees(part).Items[0]
	marisol.waitFor("the new calendar", func() bool { return len(marisol.p.Practice().Calendar.Holidays) == 1 })
	due, _, _ := marisol.desk().Clock().Due(promised.Received, care.Policy{}.Promise(), "")
	if !moved.Due.Equal(due) || moved.Due.In(zone).YearDay() == closed.YearDay() || moved.State != view.StateDelivered {
		t.Errorf("promised by %s, then by %s, want %s", promised.Due, moved.Due, due)
	}
	layout := "Monday, January 2"
	if closed.Year() != promised.Received.In(zone).Year() {
		layout += ", 2006"
	}
	equal(t, "why", string(moved.Moved), "The clinic is closed on "+closed.Format(layout)+".")
	rosa.waitFor("the care team's queue to go by it", func() bool { return rosa.sees(part).Due.Equal(due) })
	equal(t, "moves", kinds(t, rosa, part, event.DueChange), 1)
}
