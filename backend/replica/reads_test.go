package replica

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/trust/seal"
)

// left is the nurse's replica, and what tells it that they have left the second office, with whatever else the registrar did.
func (w *town) left() (*Replica, map[care.MailboxID]*source) {
	w.t.Helper()
	r, sources := w.replica()
	r.Device = signerOf(w)
	must(w.t, takesIn(w.t.Context(), sources[w.offices[0].Mailbox], w.letters(w.offices[0].Mailbox, contents(w.published(w.offices[0].Mailbox))...)))
	must(w.t, w.reg.SetPerson(w.t.Context(), w.rosa, []care.OfficeID{w.offices[0].ID}))
	return r, sources
}

func signerOf(w *town) care.KeyID {
	return seal.Fingerprint(w.nurse.Device.Public().(ed25519.PublicKey))
}

// The list that says that the nurse has left an office brings a colleague's certificate, too. A replica that runs reads other
// mailboxes from then on, and ends its connections for it: not before what waited for the certificate counts.
func TestALeavingCutsNothingShort(t *testing.T) {
	w := newTown(t)
	r, sources := w.left()
	box := w.offices[0].Mailbox
	ana, err := w.reg.AddPerson(t.Context(), care.Person{Name: "Ana", Shown: "Ana", Role: care.RoleNurse}, []care.OfficeID{w.offices[0].ID})
	must(t, err)
	hers := w.profile(ana.ID, filepath.Join(t.TempDir(), "ana"))
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), sources[box], w.letters(box, talk...)))
	note := w.note(w.offices[0], "Called her.")
	note.As, note.Thread = ana.ID, thread
	said := signed(t, hers.Device, note)
	must(t, takesIn(t.Context(), sources[box], w.letters(box, said)))
	id := event.IDOf(said.Bytes)
	if got := standing(t, r, id); got != fold.Waiting {
		t.Fatalf("before her certificate it is %s", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	r.Changed = func([]care.ThreadID, bool, bool) { // as Run does, and as quickly as can be
		select {
		case <-r.turned:
			cancel()
		default:
		}
	}
	_ = takesIn(ctx, sources[box], w.letters(box, contents(w.published(box))...))
	if got := standing(t, r, id); got != fold.Accepted {
		t.Errorf("with her certificate it is %s", got)
	}
	if got := r.Mailboxes(); len(got) != 1 || got[0] != box || len(r.turned) != 1 {
		t.Errorf("it reads %v, and is told so %d times", got, len(r.turned))
	}
}

// What is cut short all the same is taken up at the next look.
func TestWhatWasCutShortIsTakenUp(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	box := w.offices[0].Mailbox
	thread, talk := w.opens("It itches.")
	must(t, takesIn(t.Context(), sources[box], w.letters(box, talk...)))
	wanted(t, sources[box], nil) // it has begun
	ctx, cancel := context.WithCancel(t.Context())
	r.Changed = func([]care.ThreadID, bool, bool) { cancel() }
	if err := takesIn(ctx, sources[box], w.letters(box, contents(w.published(box))...)); err == nil {
		t.Fatal("it was not cut short")
	}
	r.Changed = func([]care.ThreadID, bool, bool) {}
	wanted(t, sources[box], nil)
	if got := standing(t, r, thread); got != fold.Accepted {
		t.Errorf("it is %s", got)
	}
}

// An older copy of a record learns though one of its mailboxes is none of the nurse's any more: that is not read.
func TestAnOlderCopyOfWhoHasLeft(t *testing.T) {
	w := newTown(t)
	r, sources := w.left()
	r.Learn = func(context.Context) error { return nil }
	box := w.offices[0].Mailbox
	must(t, takesIn(t.Context(), sources[box], w.letters(box, contents(w.published(box))...)))
	if err := r.learnFirst(t.Context()); care.KindOf(err) != care.Unavailable {
		t.Errorf("before it has read anything to its end: %v", err)
	}
	for _, m := range r.Mailboxes() {
		sources[m].UpToDate(time.Now())
	}
	if err := r.learnFirst(t.Context()); err != nil || !r.Learnt() {
		t.Errorf("it sends nothing: %v", err)
	}
}
