package directory

import (
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

func by(c *clinic, who care.PersonID) func(*event.Event) {
	return func(e *event.Event) {
		e.As = who
		switch who {
		case lee:
			e.Author = keyID(c.leeKey)
		case rosa:
			e.Author = keyID(c.rosaKey)
		case agent:
			e.Author = keyID(c.agentKey)
		case dmitri:
			e.Author = keyID(c.dmitriKey)
		}
	}
}

func about(p care.PatientID) func(*event.Event) { return func(e *event.Event) { e.For = p } }

func to(boxes ...care.MailboxID) func(*event.Event) { return func(e *event.Event) { e.To = boxes } }

func kind(k event.Kind) func(*event.Event) { return func(e *event.Event) { e.Kind = k } }

func TestStanding(t *testing.T) {
	c := newClinic(t)
	b := c.with(c.whole(), c.rosterOfMateo(2, func(r *Roster) { r.Readers[0].Ended = "2026-11-01" }))
	member := fold.Standing{Verdict: fold.Accepted, Role: care.RoleMember, Member: true}
	flagged := func(flags ...string) fold.Standing { s := member; s.Flags = flags; return s }
	no := fold.Standing{Verdict: fold.Refused}
	wait := fold.Standing{Verdict: fold.Waiting}
	for _, x := range []struct {
		name  string
		event *event.Event
		want  fold.Standing
	}{
		{"a member writes for herself", c.written(), member},
		{"a member of two offices", c.written(by(c, dmitri), about(dmitriPt), to(leeBox)), member},
		{"to an office without relation", c.written(to(ramanBox)), flagged(FlagNoRelation)},
		{"to two offices, one without relation", c.written(to(leeBox, ramanBox)), flagged(FlagNoRelation)},
		{"a proxy whose grant ended", c.written(about(mateoPt)), flagged(FlagProxyEnded)},
		{"for somebody else", c.written(about(dmitriPt)), flagged(FlagNoProxy)},
		{"for somebody else's other office", c.written(by(c, dmitri), about(marisolPt), to(ramanBox)), flagged(FlagNoProxy, FlagNoRelation)},
		{"for nobody known", c.written(about("pt_ffffffffffffffff")), flagged(FlagNoPatient)},
		{"a nurse of the office", c.written(by(c, rosa)), fold.Standing{Verdict: fold.Accepted, Role: care.RoleNurse}},
		{"a nurse, to the office alone", c.written(by(c, rosa), kind(event.Note), to(leeBox)), fold.Standing{Verdict: fold.Accepted, Role: care.RoleNurse}},
		{"a physician of the office", c.written(by(c, lee)), fold.Standing{Verdict: fold.Accepted, Role: care.RolePhysician}},
		{"a nurse of another office", c.written(by(c, rosa), to(marisolBox, ramanBox)), no},
		{"a nurse for her office and another", c.written(by(c, rosa), to(leeBox, ramanBox)), no},
		{"a nurse past every office", c.written(by(c, rosa), to(marisolBox)), no},
		{"a member past every office", c.written(to(marisolBox, dmitriBox)), no},
		{"to the practice itself", c.written(by(c, rosa), to(clinicBox)), fold.Standing{Verdict: fold.Accepted, Role: care.RoleNurse}},
		{"to an office not yet known", c.written(to(unknownBox), func(e *event.Event) { e.Dir = 2 }), wait},
		{"the agent at any office", c.written(by(c, agent), to(ramanBox)), fold.Standing{Verdict: fold.Accepted, Role: care.RoleAgent}},
		{"the agent to a member alone", c.written(by(c, agent), kind(event.Vouch), to(marisolBox)), fold.Standing{Verdict: fold.Accepted, Role: care.RoleAgent}},
		{"an unknown key", c.written(func(e *event.Event) { e.Author = care.KeyID{9} }), wait},
		{"under another's name", c.written(func(e *event.Event) { e.As = dmitri }), no},
		{"another practice", c.written(func(e *event.Event) { e.Practice = otherID }), no},
		{"the registrar's key", c.written(func(e *event.Event) { e.Author = keyID(c.registrar) }), no},
		{"the registrar vouches", c.written(func(e *event.Event) { e.Author = keyID(c.registrar) }, kind(event.Vouch)),
			fold.Standing{Verdict: fold.Accepted, Role: care.RoleAdministrator}},
		{"an unknown kind", c.written(by(c, rosa), kind("thread.sung")), fold.Standing{Verdict: fold.Accepted, Role: care.RoleNurse}},
	} {
		got := b.Standing(x.event)
		if got.Verdict != x.want.Verdict || got.Role != x.want.Role || got.Member != x.want.Member || got.Withdrawn || !slices.Equal(got.Flags, x.want.Flags) {
			t.Errorf("%s: %+v, want %+v", x.name, got, x.want)
		}
		if (got.Reason == "") != (got.Verdict == fold.Accepted) {
			t.Errorf("%s: %s for the reason %q", x.name, got.Verdict, got.Reason)
		}
	}
}

// An event of a device that no directory has shown yet waits, and is judged again when one has.
func TestProof22AnAuthorNotYetKnown(t *testing.T) {
	c := newClinic(t)
	later := seeded(50)
	b := c.whole()
	e := c.written(func(e *event.Event) { e.Author, e.As = keyID(later), rosa })
	if s := b.Standing(e); s.Verdict != fold.Waiting {
		t.Fatalf("%+v", s)
	}
	cert := c.cert(later, rosa, care.RoleNurse, leeOffice)
	byItself := c.with(b, cert)
	within := c.with(b, c.directory(2, b.directory.hash, func(d *Directory) { d.Certs = append(d.Certs, cert.Embed()) }))
	for _, b := range []*Book{byItself, within} {
		if s := b.Standing(e); s.Verdict != fold.Accepted || s.Role != care.RoleNurse {
			t.Errorf("%+v", s)
		}
	}
}

// What a revoked key wrote does not count by itself, whatever it says of its own time; nor does an older directory help.
func TestProof19ARevokedKey(t *testing.T) {
	c := newClinic(t)
	first := c.directory(1, "")
	second := c.directory(2, first.Hash(), func(d *Directory) {
		d.Revoked = []Revoked{{Key: keyID(c.rosaKey), At: head().At}, {Key: keyID(c.marisolKey), At: head().At}}
	})
	for _, order := range [][]Document{{first, second}, {second, first}, {second}} {
		b := NewBook(c.pin())
		for _, d := range order {
			b = c.with(b, d)
		}
		b = c.with(b, c.rosterOfMarisol(1))
		for _, e := range []*event.Event{c.written(by(c, rosa)), c.written(by(c, rosa), func(e *event.Event) { e.At = e.At.AddDate(-1, 0, 0); e.Dir = 1 }), c.written()} {
			s := b.Standing(e)
			if s.Verdict != fold.Waiting || !s.Withdrawn || s.Role == "" {
				t.Errorf("%+v", s)
			}
		}
		if s := b.Standing(c.written(by(c, lee))); s.Verdict != fold.Accepted {
			t.Errorf("a colleague: %+v", s)
		}
		// What would be refused anyway stays refused.
		if s := b.Standing(c.written(by(c, rosa), to(ramanBox))); s.Verdict != fold.Refused {
			t.Errorf("%+v", s)
		}
		if !b.Revoked(keyID(c.rosaKey)) || b.Revoked(keyID(c.leeKey)) {
			t.Error("Revoked is wrong")
		}
	}
}

// A role change is a new certificate for a new key: what the old key wrote is judged by the old one.
func TestAChangedRole(t *testing.T) {
	c := newClinic(t)
	newer := seeded(51)
	b := c.with(c.whole(), c.cert(newer, rosa, care.RolePA, ramanOffice))
	if s := b.Standing(c.written(by(c, rosa))); s.Role != care.RoleNurse || s.Verdict != fold.Accepted {
		t.Errorf("%+v", s)
	}
	asPA := func(e *event.Event) { e.Author, e.As = keyID(newer), rosa }
	if s := b.Standing(c.written(asPA)); s.Verdict != fold.Refused {
		t.Errorf("%+v", s)
	}
	if s := b.Standing(c.written(asPA, to(ramanBox))); s.Role != care.RolePA || s.Verdict != fold.Accepted {
		t.Errorf("%+v", s)
	}
}

func BenchmarkStanding(b *testing.B) {
	c := newClinic(b)
	book, e := c.whole(), c.written()
	for b.Loop() {
		if book.Standing(e).Verdict != fold.Accepted {
			b.Fatal("refused")
		}
	}
}
