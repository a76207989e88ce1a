package directory

import (
	"crypto/ed25519"
	"reflect"
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// What a document changes is said, and no more; and whatever is judged otherwise after it is covered by what is said.
func TestSince(t *testing.T) {
	c := newClinic(t)
	b := NewBook(c.pin())
	version := 0
	next := func(edit ...func(*Directory)) Document {
		version++
		previous := ""
		if b.directory.body != nil {
			previous = b.directory.hash
		}
		return c.directory(version, previous, edit...)
	}
	revoke := func(d *Directory) { d.Revoked = []Revoked{{Key: keyID(c.rosaKey), At: head().At}} }
	rename := func(d *Directory) { d.Offices[1].Name = "Dr. Raman and colleagues" }
	fresh := seeded(9)
	for _, step := range []struct {
		what string
		docs func() []Document
		want Renewal
	}{
		{"the first list", func() []Document { return []Document{next()} },
			Renewal{All: true, Waiting: true, Keys: true, Offices: []care.OfficeID{leeOffice, ramanOffice}}},
		{"another calendar", func() []Document {
			return []Document{next(func(d *Directory) { d.Clinic.Calendar.Zone = "America/Chicago" })}
		}, Renewal{Waiting: true}},
		{"an office is called otherwise", func() []Document { return []Document{next(rename)} },
			Renewal{Waiting: true, Offices: []care.OfficeID{ramanOffice}}},
		{"a member comes", func() []Document { return []Document{c.rosterOfMarisol(1)} },
			Renewal{Keys: true, Patients: []care.PatientID{marisolPt}}},
		{"and her son", func() []Document { return []Document{c.rosterOfMateo(1)} }, Renewal{Patients: []care.PatientID{mateoPt}}},
		{"her care list", func() []Document { return []Document{c.careListOfMarisol(1)} },
			Renewal{Patients: []care.PatientID{marisolPt, mateoPt}}},
		{"the same again", func() []Document { return b.Documents() }, Renewal{}},
		{"a relation ends", func() []Document { return []Document{c.rosterOfMarisol(2, func(r *Roster) { r.Relations = nil })} },
			Renewal{Patients: []care.PatientID{marisolPt}}},
		{"a new device of Dr. Lee's", func() []Document {
			return []Document{next(rename, func(d *Directory) {
				d.Certs = append(d.Certs, c.cert(fresh, lee, care.RolePhysician, leeOffice).Embed())
			})}
		}, Renewal{Waiting: true, Keys: true}},
		{"the nurse's key is withdrawn", func() []Document { return []Document{next(rename, revoke)} }, Renewal{All: true, Waiting: true}},
		{"a key gets another role", func() []Document {
			return []Document{c.registrarCert(), c.cert(c.leeKey, lee, care.RoleSupport, leeOffice)}
		}, Renewal{All: true}},
		{"an office gets another mailbox", func() []Document {
			return []Document{next(rename, revoke, func(d *Directory) {
				d.Mailboxes = append(d.Mailboxes, c.mailbox(unknownBox))
				d.Offices[1].Mailbox = unknownBox
			})}
		}, Renewal{All: true, Waiting: true}},
	} {
		was := b
		b = c.with(b, step.docs()...)
		got := b.Since(was)
		if !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %+v, not %+v", step.what, got, step.want)
		}
		for _, e := range anybodysEvents(c, fresh) {
			before, now := was.Standing(e), b.Standing(e)
			_, known := was.certs[e.Author]
			waited := before.Verdict == fold.Waiting && !before.Withdrawn
			covered := got.All || got.Keys && !known || got.Waiting && waited || slices.Contains(got.Patients, e.For)
			if !reflect.DeepEqual(before, now) && !covered {
				t.Errorf("%s: %+v became %+v, and nothing says so", step.what, before, now)
			}
		}
	}
}

// anybodysEvents are events by everybody about everybody to everywhere.
func anybodysEvents(c *clinic, more ed25519.PrivateKey) (all []*event.Event) {
	for key, who := range map[*ed25519.PrivateKey]care.PersonID{&c.leeKey: lee, &c.rosaKey: rosa, &c.agentKey: agent, &c.marisolKey: marisol, &more: lee, &c.registrar: lee} {
		for _, about := range []care.PatientID{marisolPt, mateoPt, dmitriPt} {
			for _, to := range [][]care.MailboxID{{clinicBox}, {leeBox}, {ramanBox}, {leeBox, ramanBox}, {marisolBox}, {unknownBox}} {
				for _, dir := range []int{1, 3, 99} {
					for _, kind := range []event.Kind{event.Sent, event.Vouch} {
						all = append(all, c.written(func(e *event.Event) {
							e.Author, e.As, e.For, e.To, e.Dir, e.Kind = keyID(*key), who, about, to, dir, kind
						}))
					}
				}
			}
		}
	}
	return all
}
