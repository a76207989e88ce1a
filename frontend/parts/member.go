package parts

import (
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/say"
)

// Doctors names offices as members know them: by the doctor, "Dr. Ana Lee - Internal Medicine".
type Doctors map[care.OfficeID]string

// DoctorsOf are the doctors of the offices that a member may write to.
func DoctorsOf(recipients []view.Recipient) Doctors {
	d := Doctors{}
	for _, r := range recipients {
		d[r.Office.ID] = Doctor(r)
	}
	return d
}

// Doctor is one office by its doctor.
func Doctor(r view.Recipient) string { return joined(r.Provider.Shown, r.Office) }

// Name is an office by its doctor, or by its own name where the member may no longer write to it.
func (d Doctors) Name(o care.Office) string {
	if name, ok := d[o.ID]; ok {
		return name
	}
	return joined(o.Name, o)
}

func joined(name string, o care.Office) string {
	if name == "" {
		name = o.Name
	}
	if o.Specialty == "" {
		return name
	}
	return name + " - " + o.Specialty
}

// Away is the line about a doctor who is out: "Out of office until Mon Nov 30, covered by Dr. Omar Haddad". Nil is "".
func Away(a *view.Absence, clock say.Clock) string {
	if a == nil {
		return ""
	}
	line := "Out of office " + OutUntil(*a, clock)
	if a.Cover.Shown != "" {
		line += ", covered by " + a.Cover.Shown
	}
	return line
}

// StillReads is what being out means for a message: "Her office still reads and answers your message."
func StillReads(a *view.Absence) string {
	if a == nil {
		return ""
	}
	whose := a.Person.Pronoun
	if whose == "" {
		whose = "their"
	}
	return strings.ToUpper(whose[:1]) + whose[1:] + " office still reads and answers your message."
}

// Expect is the promise in words, before sending: "Expect a reply within two business days: by Tuesday, Nov 24."
func Expect(promise string, due time.Time, clock say.Clock) string {
	if due.IsZero() {
		return "Expect a reply within " + promise + " after the doctor is back: nobody covers until then."
	}
	return "Expect a reply within " + promise + ": by " + clock.LongDay(due) + "."
}

// RowState is where a conversation stands, in a member's list.
func RowState(r view.Row, clock say.Clock) StateModel {
	switch r.State {
	case view.StateDraft:
		return StateModel{Icon: "pencil", Text: "Draft, saved on this computer"}
	case view.StateHeld, view.StateSending:
		return StateModel{Icon: "send", Text: "Sending…"}
	case view.StateWaiting:
		return StateModel{Class: "is-wait", Icon: "cloud-off", Text: "Waiting to send"}
	case view.StateReview:
		return StateModel{Class: "is-wait", Icon: "triangle-alert", Text: "Not sent: it waits for your decision"}
	case view.StateHanded:
		return StateModel{Icon: "check", Text: "Sent"}
	case view.StateDelivered:
		return StateModel{Icon: "check-check", Text: "Delivered" + expectBy(r.Due, clock, " · ")}
	case view.StateReplied:
		return StateModel{Class: "is-reply", Icon: "message-square-reply", Text: nameOf(r.By) + " replied"}
	case view.StateCompleted:
		return StateModel{Class: "is-done", Icon: "circle-check-big", Text: "Completed by the care team"}
	case view.StateFailed:
		return StateModel{Class: "is-fail", Icon: "circle-alert", Text: "Not delivered. Open it to see what to do"}
	}
	return StateModel{Icon: "message-square", Text: nameOf(r.By) + " wrote"}
}

// expectBy tells the day; when it has passed, it says that too.
func expectBy(due time.Time, clock say.Clock, sep string) string {
	switch {
	case due.IsZero():
		return ""
	case due.Before(clock.Now):
		return sep + "a reply was due " + clock.Day(due)
	}
	return sep + "expect a reply by " + clock.Day(due)
}

func nameOf(p care.Person) string {
	if p.Shown == "" {
		return "The care team"
	}
	return p.Shown
}

// LetterState is where a member's own letter stands, under it. pending says that the office has not answered it yet.
func LetterState(it view.Item, office care.Office, pending bool, clock say.Clock) StateModel {
	switch it.State {
	case view.StateSending:
		return StateModel{Icon: "send", Strong: "Sending…"}
	case view.StateWaiting:
		return StateModel{Class: "is-wait", Icon: "cloud-off", Text: "Waiting to send. It has not reached " + office.Name +
			". It is sent by itself; the two business days start when it arrives."}
	case view.StateHanded:
		return StateModel{Icon: "check", Text: "Sent. " + office.Name + " has not confirmed it yet."}
	case view.StateFailed:
		return StateModel{Class: "is-fail", Icon: "circle-alert", Text: it.Why}
	case view.StateDelivered, view.StateReplied, view.StateCompleted:
		at := "Delivered to " + office.Name
		if !it.Received.IsZero() {
			at += " " + clock.Stamp(it.Received)
		}
		if !pending || it.Due.IsZero() || it.State == view.StateReplied { // an answered one is promised nothing more
			if pending && it.Moved != "" && it.State != view.StateReplied {
				return StateModel{Icon: "check-check", Strong: at + ".", Text: string(it.Moved)}
			}
			return StateModel{Icon: "check-check", Text: at}
		}
		text := expectBy(it.Due, clock, "")
		if it.Moved != "" {
			text += ". " + string(it.Moved)
		}
		return StateModel{Icon: "check-check", Strong: at + ";", Text: text}
	}
	return StateModel{Icon: "check", Text: "Sent"}
}
