package directory

import (
	"maps"
	"slices"

	"postern/backend/care"
)

// Renewal says where a newer book may speak otherwise than the one before it of what was judged, folded and named by that.
// It goes by what Standing reads, so the two change together.
type Renewal struct {
	All      bool // of every conversation: a key was withdrawn, or certified as another's; an office has another mailbox
	Waiting  bool // of those in which an event waits for another version of the directory
	Patients []care.PatientID
	Offices  []care.OfficeID // they are called otherwise
	Keys     bool            // keys are certified that were not: what waited for them can be judged
}

// Since compares this book with the one that it was made of. Most of what comes changes little: a patient's roster that
// patient's conversations, a care list those of the patients in it, a calendar none.
func (b *Book) Since(was *Book) Renewal {
	if b == was {
		return Renewal{}
	}
	r := Renewal{
		All: !maps.Equal(b.revoked, was.revoked) || !maps.Equal(b.officeOf, was.officeOf) ||
			b.practice.Mailbox != was.practice.Mailbox,
		Waiting: b.Version() != was.Version(),
	}
	for key, now := range b.certs {
		before, known := was.certs[key]
		r.Keys = r.Keys || !known
		r.All = r.All || known && now.hash != before.hash && !sameWriter(now.body, before.body)
	}
	for id, now := range b.rosters {
		if now.hash != was.rosters[id].hash {
			r.Patients = append(r.Patients, id)
		}
	}
	for id, now := range b.lists {
		before := was.lists[id]
		if now.hash == before.hash {
			continue
		}
		for _, list := range []*CareList{now.body, before.body} {
			if list == nil {
				continue
			}
			for _, p := range list.Patients {
				r.Patients = append(r.Patients, p.Patient.ID)
			}
		}
	}
	for id, now := range b.offices {
		if now.Name != was.offices[id].Name {
			r.Offices = append(r.Offices, id)
		}
	}
	slices.Sort(r.Patients)
	slices.Sort(r.Offices)
	r.Patients = slices.Compact(r.Patients)
	return r
}

// sameWriter reports whether two certificates of one key let it write the same.
func sameWriter(a, b *Cert) bool {
	return a.For == b.For && a.Person == b.Person && a.Role == b.Role && slices.Equal(a.Offices, b.Offices) && slices.Equal(a.Former, b.Former)
}
