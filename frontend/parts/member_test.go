package parts

import (
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/say"
)

var (
	clock  = say.Clock{Zone: time.UTC, Now: time.Date(2026, 11, 20, 18, 10, 0, 0, time.UTC)}
	office = care.Office{ID: "of_lee", Name: "Dr. Lee's office", Specialty: "Internal Medicine"}
	rosa   = care.Person{Shown: "Rosa Delgado, RN"}
)

func on(day int) time.Time { return time.Date(2026, 11, day, 15, 42, 0, 0, time.UTC) }

// TestRowStates: each state is an icon and words.
func TestRowStates(t *testing.T) {
	for _, test := range []struct {
		row  view.Row
		want string
	}{
		{view.Row{State: view.StateDraft}, "Draft, saved on this computer"},
		{view.Row{State: view.StateHeld}, "Sending…"},
		{view.Row{State: view.StateSending}, "Sending…"},
		{view.Row{State: view.StateWaiting}, "Waiting to send"},
		{view.Row{State: view.StateReview}, "Not sent: it waits for your decision"},
		{view.Row{State: view.StateHanded}, "Sent"},
		{view.Row{State: view.StateDelivered, Due: on(24)}, "Delivered · expect a reply by Tue Nov 24"},
		{view.Row{State: view.StateDelivered}, "Delivered"},
		{view.Row{State: view.StateDelivered, Due: on(19)}, "Delivered · a reply was due Thu Nov 19"},
		{view.Row{State: view.StateReplied, By: rosa}, "Rosa Delgado, RN replied"},
		{view.Row{State: view.StateReplied}, "The care team replied"},
		{view.Row{State: view.StateCompleted, By: rosa}, "Completed by the care team"},
		{view.Row{State: view.StateFailed}, "Not delivered. Open it to see what to do"},
		{view.Row{State: view.StateOpen, By: rosa}, "Rosa Delgado, RN wrote"},
	} {
		if got := RowState(test.row, clock); got.Text != test.want || got.Icon == "" {
			t.Errorf("%s: %+v, want %q", test.row.State, got, test.want)
		}
	}
}

func TestLetterStates(t *testing.T) {
	for _, test := range []struct {
		item         view.Item
		pending      bool
		strong, text string
	}{
		{view.Item{State: view.StateSending}, true, "Sending…", ""},
		{view.Item{State: view.StateWaiting}, true, "", "Waiting to send. It has not reached Dr. Lee's office. It is sent by itself; the two business days start when it arrives."},
		{view.Item{State: view.StateHanded}, true, "", "Sent. Dr. Lee's office has not confirmed it yet."},
		{view.Item{State: view.StateDelivered, Received: on(20), Due: on(24)}, true, "Delivered to Dr. Lee's office Fri 3:42 pm;", "expect a reply by Tue Nov 24"},
		{view.Item{State: view.StateDelivered, Received: on(20), Due: on(24)}, false, "", "Delivered to Dr. Lee's office Fri 3:42 pm"},
		{view.Item{State: view.StateReplied, Received: on(20), Due: on(24)}, true, "", "Delivered to Dr. Lee's office Fri 3:42 pm"},
		{view.Item{State: view.StateDelivered, Received: on(20)}, true, "", "Delivered to Dr. Lee's office Fri 3:42 pm"},
		{view.Item{State: view.StateDelivered, Received: on(20), Due: on(24), Moved: "The clinic is closed on Monday, November 23."}, true,
			"Delivered to Dr. Lee's office Fri 3:42 pm;", "expect a reply by Tue Nov 24. The clinic is closed on Monday, November 23."},
		{view.Item{State: view.StateDelivered, Received: on(20), Moved: "Dr. Ana Lee is out of office from Monday, November 23 until further notice."}, true,
			"Delivered to Dr. Lee's office Fri 3:42 pm.", "Dr. Ana Lee is out of office from Monday, November 23 until further notice."},
		{view.Item{State: view.StateReplied, Received: on(20), Due: on(24), Moved: "The clinic's hours changed."}, true, "", "Delivered to Dr. Lee's office Fri 3:42 pm"},
		{view.Item{State: view.StateReplied, Received: on(18)}, false, "", "Delivered to Dr. Lee's office Wed 3:42 pm"},
		{view.Item{State: view.StateFailed, Why: "It did not reach Dr. Lee's office. Call the front desk at 555-0100."}, true, "", "It did not reach Dr. Lee's office. Call the front desk at 555-0100."},
	} {
		got := LetterState(test.item, office, test.pending, clock)
		if got.Strong != test.strong || got.Text != test.text || got.Icon == "" {
			t.Errorf("%s: %q %q, want %q %q", test.item.State, got.Strong, got.Text, test.strong, test.text)
		}
	}
}

func TestAwayAndExpect(t *testing.T) {
	her := &view.Absence{Person: care.Person{Pronoun: "her"}, Until: "2026-11-29", Back: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Cover: care.Person{Shown: "Dr. Omar Haddad"}}
	for _, test := range []struct{ got, want string }{
		{Away(nil, clock), ""},
		{Away(her, clock), "Out of office until Mon Nov 30, covered by Dr. Omar Haddad"},
		{Away(&view.Absence{}, clock), "Out of office with no return date yet"},
		{StillReads(nil), ""},
		{StillReads(her), "Her office still reads and answers your message."},
		{StillReads(&view.Absence{}), "Their office still reads and answers your message."},
		{Expect("two business days", on(24), clock), "Expect a reply within two business days: by Tuesday, Nov 24."},
		{Expect("two business days", time.Time{}, clock), "Expect a reply within two business days after the doctor is back: nobody covers until then."},
		{DoctorsOf([]view.Recipient{{Office: office, Provider: care.Person{Shown: "Dr. Ana Lee"}}}).Name(office), "Dr. Ana Lee - Internal Medicine"},
		{Doctors{}.Name(office), "Dr. Lee's office - Internal Medicine"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

func TestSyncInWords(t *testing.T) {
	const refused = "The password was refused. Nothing was lost. Call."
	for _, test := range []struct {
		state       care.SyncState
		waiting     int
		want        string
		strong, bar string
	}{
		{care.SyncState{Phase: care.SyncUpToDate, Checked: on(20)}, 0, "Up to date", "", ""},
		{care.SyncState{Phase: care.SyncUpToDate, Checked: on(20)}, 1, "Up to date - 1 waiting to send", "", ""},
		{care.SyncState{Phase: care.SyncUpToDate, Checked: on(20), Problem: "A mailbox is 72% full. Ask for room."}, 0, "Up to date", "A mailbox is 72% full.", "Ask for room."},
		{care.SyncState{Phase: care.SyncFetching, Done: 1240, Total: 8112}, 0, "Syncing 1,240 of 8,112", "", ""},
		{care.SyncState{Phase: care.SyncFetching, Done: 1240, Total: 8112}, 2, "Syncing 1,240 of 8,112 - 2 waiting to send", "", ""},
		{care.SyncState{Phase: care.SyncOffline}, 2, "Offline - 2 waiting to send", "You are offline.", "You can read and write. New messages are sent when the connection is back."},
		{care.SyncState{Phase: care.SyncOffline, Problem: "There is no way from here to mail.example."}, 0, "Offline", "You are offline.", "You can read and write. There is no way from here to mail.example."},
		{care.SyncState{Phase: care.SyncRefused, Problem: refused}, 1, "Not up to date - 1 waiting to send", "The password was refused.", "Nothing was lost. Call."},
		{care.SyncState{Phase: care.SyncStarting}, 1, "Connecting - 1 waiting to send", "", ""},
	} {
		got := SyncOf(test.state, test.waiting, "555-010-0100", clock)
		if got.Text != test.want || got.Icon == "" {
			t.Errorf("%s: %+v, want %q", test.state.Phase, got, test.want)
		}
		var bar Bar
		if got.Bar != nil {
			bar = *got.Bar
		}
		if bar.Strong != test.strong || bar.Text != test.bar || got.Bar != nil && (bar.Waiting != test.waiting || (bar.FrontDesk == "") != (test.state.Phase == care.SyncUpToDate)) {
			t.Errorf("%s: the bar is %+v, want %q %q", test.state.Phase, got.Bar, test.strong, test.bar)
		}
	}
}

// TestOnlyARefusalOfTheMailSystemTakesThePane: with what is amiss on this computer itself, writing may not go on, or mail
// may well come.
func TestOnlyARefusalOfTheMailSystemTakesThePane(t *testing.T) {
	for phase, want := range map[care.SyncPhase]bool{care.SyncRefused: true, care.SyncAmiss: false, care.SyncOffline: false} {
		s := SyncOf(care.SyncState{Phase: phase, Problem: "There is no room. Free some space."}, 0, "", say.Clock{})
		if s.Refused != want || s.Bar == nil {
			t.Errorf("%s: %+v", phase, s)
		}
	}
}
