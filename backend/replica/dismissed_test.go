package replica

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
)

// A device whose key is withdrawn is told, by its own key: the clinic's next list may be sealed to one that it lacks. From then
// on it sends nothing, for nobody would take it for its person's; what is written there stays.
func TestDismissed(t *testing.T) {
	w := newTown(t)
	r, sources := w.replica()
	own, err := seal.ParseSecret(w.nurse.DeviceSecret)
	must(t, err)
	r.Device, r.Ring = seal.Fingerprint(w.nurse.Device.Public().(ed25519.PublicKey)), r.Ring.With(own)
	box := w.offices[0].Mailbox
	src := sources[box]
	must(t, takesIn(t.Context(), src, w.letters(box, contents(w.published(box))...)))
	must(t, w.reg.RevokeDevice(t.Context(), r.Device))
	for _, o := range w.reg.Pending() {
		if o.Doc.Kind == directory.KindGrant && o.Key == own.Public() {
			must(t, takesIn(t.Context(), src, w.sealedTo(o.Key, o.Doc.Content())))
		}
	}
	if s := r.State(); s.Phase != care.SyncRefused || !strings.Contains(s.Problem, "has ended this profile") {
		t.Errorf("%+v", s)
	}
	if err := r.Submit(t.Context()); care.KindOf(err) != care.Forbidden {
		t.Errorf("it submits: %v", err)
	}
	if o, err := r.Onward(t.Context()); o != nil || err != nil {
		t.Errorf("it goes on while locked: %v, %v", o, err)
	}
}
