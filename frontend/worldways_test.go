package frontend_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/frontend/seat"
)

// ways are the ways into the world: one invitation with its code, and a practice that can be made.
type ways struct {
	w  *world
	mu sync.Mutex

	invitation seat.Invitation
	opens      error // what opening the invitation answers, if set
	enrols     error // what enrolling answers, if set
	standing   seat.Enrolling
	enrolled   []seat.Enrolment
	sheets     int

	trial  []seat.MailStep
	tries  []seat.MailChoice
	gate   chan struct{} // the practice is made once something comes; nil: at once
	founds error         // what making it answers, if set
	made   []seat.Founding
	root   []byte // the file with the root key, while it is here
}

const (
	invite     = "an invitation, sealed"
	inviteCode = "K7QM4TXW9H2CPR5D"
	rootOnce   = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG"
)

// newcomers is a world with ways into it.
func newcomers() (*world, *ways) {
	w := newWorld()
	y := &ways{w: w, standing: seat.Enrolling{Step: seat.EnrolSending}, trial: works,
		invitation: seat.Invitation{Clinic: "Alder Creek Clinic", FrontDesk: "555-010-0100", Name: "Marisol V.", Record: "0739", Role: care.RoleMember,
			AsksBorn: true, Expires: w.now.Add(14 * 24 * time.Hour)}}
	w.Enroller = y
	return w, y
}

var works = []seat.MailStep{{What: "Open the two ports on this computer"}, {What: "Submit a letter to 127.0.0.1:8465"}, {What: "Fetch it from 127.0.0.1:8993"}}

// now changes the ways while a page may be asking.
func (y *ways) now(f func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f()
}

func (y *ways) OpenInvitation(file []byte, code string) (seat.Invitation, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case y.opens != nil:
		return seat.Invitation{}, y.opens
	case string(file) != invite:
		return seat.Invitation{}, care.Refusef(care.Invalid, "This file is not an invitation. Choose the one whose name ends in .postern-invite.").In("file")
	case code != inviteCode:
		return seat.Invitation{}, care.Refusef(care.Invalid, "This code does not open this invitation. Compare it with the letter.").In("code")
	}
	return y.invitation, nil
}

func (y *ways) CheckBorn(file []byte, code, born string) error {
	i, err := y.OpenInvitation(file, code)
	if err == nil && i.AsksBorn && born != "1980-03-04" {
		err = care.Refusef(care.Invalid, "This is not the date of birth in the clinic's record.").In("born")
	}
	return err
}

func (y *ways) Enrol(e seat.Enrolment) (string, error) {
	if err := y.CheckBorn(e.File, e.Code, e.Born); err != nil {
		return "", err
	}
	if err := weak(e.Passphrase); err != nil {
		return "", err
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.enrols != nil {
		return "", y.enrols
	}
	y.enrolled = append(y.enrolled, e)
	y.w.change(seat.Change{}, func() { y.w.profile = append(y.w.profile, seat.Profile{ID: "new", Label: e.Label}) })
	return "new", nil
}

func (y *ways) Enrolling(string) (seat.Enrolling, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.standing, nil
}

func (y *ways) EnrolmentSheet(string) (string, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.sheets++
	return onSheet, nil
}

func (y *ways) Enter(context.Context, string) (seat.Signed, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.standing.Step != seat.EnrolDone {
		return nil, care.Refusef(care.Unfinished, "The clinic has not taken you in yet.")
	}
	return signed{y.w, marisol, ""}, nil
}

func (y *ways) TryMail(_ context.Context, m seat.MailChoice) ([]seat.MailStep, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.tries = append(y.tries, m)
	if m.Elsewhere && !strings.HasPrefix(string(m.Accounts), "{") {
		return nil, care.Refusef(care.Invalid, "This is not a file of accounts.").In("accounts")
	}
	return y.trial, nil
}

func (y *ways) Found(ctx context.Context, f seat.Founding) (seat.Founded, error) {
	if y.gate != nil {
		select {
		case <-y.gate:
		case <-ctx.Done():
			return seat.Founded{}, ctx.Err()
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.founds != nil {
		return seat.Founded{}, y.founds
	}
	y.made, y.root = append(y.made, f), []byte(`{"root":"sealed"}`)
	y.w.change(seat.Change{}, func() { y.w.profile = append(y.w.profile, seat.Profile{ID: "dana", Label: f.Label}) })
	return seat.Founded{Profile: "dana", RootCode: rootOnce}, nil
}

func (y *ways) RootFile(string) ([]byte, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.root == nil {
		return nil, care.Refusef(care.NotFound, "The root key is not on this computer any more.")
	}
	return y.root, nil
}

func (y *ways) RootTaken(string) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.root = nil
	return nil
}
