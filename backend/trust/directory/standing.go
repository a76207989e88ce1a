package directory

import (
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// Flags that a person should look at; the event counts all the same.
const (
	FlagNoRelation = "No current relation with this office"
	FlagProxyEnded = "Proxy grant ended"
	FlagNoProxy    = "No proxy grant for this patient"
	FlagNoPatient  = "This patient is not known here"
)

var _ fold.Authority = (*Book)(nil)

func refused(reason string) fold.Standing {
	return fold.Standing{Verdict: fold.Refused, Reason: reason}
}

func waiting(reason string) fold.Standing {
	return fold.Standing{Verdict: fold.Waiting, Reason: reason}
}

// Standing says whether an event's author may write it, from the certificate of its key and the documents known here,
// never from where or when it came. A member's event always counts, with flags where something is off: no patient is
// swallowed. What a revoked key wrote is Withdrawn: it waits for a vouch. Standing does not verify the event's signature,
// nor judge its kind by role: PublicKey and the fold do.
func (b *Book) Standing(e *event.Event) fold.Standing {
	if e.Practice != b.pin.Practice {
		return refused("it belongs to another practice")
	}
	held, ok := b.certs[e.Author]
	if !ok {
		return waiting("its author is not known here yet")
	}
	c := held.body
	var s fold.Standing
	switch {
	case c.For == ForRegistrar && e.Kind == event.Vouch:
		s = fold.Standing{Verdict: fold.Accepted, Role: care.RoleAdministrator}
	case c.For == ForRegistrar:
		return refused("its key is not for writing events")
	case c.Person != e.As:
		return refused("its key belongs to somebody else than it says")
	case c.Role == care.RoleAgent:
		s = fold.Standing{Verdict: fold.Accepted, Role: c.Role}
	default:
		s = b.standingAt(e, c)
	}
	if s.Verdict == fold.Accepted && b.revoked[e.Author] {
		s.Verdict, s.Withdrawn, s.Reason = fold.Waiting, true, "its key was withdrawn, and the clinic has not confirmed it yet"
	}
	return s
}

// standingAt judges what a member or somebody of an office writes by where it goes.
func (b *Book) standingAt(e *event.Event, c *Cert) fold.Standing {
	offices, toPractice := b.addressed(e.To)
	if len(offices) == 0 && !toPractice {
		if e.Dir > b.Version() {
			return waiting("its office is not known here yet")
		}
		return refused("it goes to no office of this practice")
	}
	s := fold.Standing{Verdict: fold.Accepted, Role: c.Role, Member: c.Role == care.RoleMember}
	if s.Member {
		s.Flags = b.flags(c.Person, e.For, offices)
		return s
	}
	for _, o := range offices {
		switch {
		case slices.Contains(c.Offices, o):
		case slices.ContainsFunc(c.Former, func(f Former) bool { return f.Office == o }):
			s.Verdict, s.Withdrawn, s.Reason = fold.Waiting, true, "its author has left that office, and the clinic has not confirmed it yet"
		case e.Dir > b.Version():
			return waiting("its author may belong to that office by a newer list than is known here")
		default:
			return refused("its author does not belong to that office")
		}
	}
	return s
}

// addressed gives the offices among mailboxes, and whether the practice's own is one of them.
func (b *Book) addressed(to []care.MailboxID) (offices []care.OfficeID, practice bool) {
	for _, m := range to {
		if o, ok := b.officeOf[m]; ok {
			offices = append(offices, o)
		} else if m == b.practice.Mailbox && m != "" {
			practice = true
		}
	}
	return offices, practice
}

func (b *Book) flags(writer care.PersonID, about care.PatientID, offices []care.OfficeID) []string {
	p, ok := b.patients[about]
	if !ok {
		return []string{FlagNoPatient}
	}
	var flags []string
	switch i := slices.IndexFunc(p.readers, func(r Reader) bool { return r.Person.ID == writer }); {
	case i < 0:
		flags = append(flags, FlagNoProxy)
	case p.readers[i].Ended != "":
		flags = append(flags, FlagProxyEnded)
	}
	for _, o := range offices {
		if !slices.ContainsFunc(p.relations, func(r care.Relation) bool { return r.Office == o }) {
			return append(flags, FlagNoRelation)
		}
	}
	return flags
}
