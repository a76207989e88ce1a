package enrol

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// inviteSpan is how long an invitation is good.
const inviteSpan = 14 * 24 * time.Hour

// invite is what the registrar remembers of an invitation. None is forgotten: a late second answer has to be known.
type invite struct {
	ID        string         `json:"id"`
	Person    care.PersonID  `json:"person"`
	Proof     []byte         `json:"proof"` // key of an answer's proof
	Login     care.MailLogin `json:"login"`
	Made      time.Time      `json:"made"`
	Expires   time.Time      `json:"expires"`
	Withdrawn bool           `json:"withdrawn,omitempty"`
	Answer    string         `json:"answer,omitempty"` // hash of the one that was accepted
	Answered  time.Time      `json:"answered,omitzero"`
	Closed    bool           `json:"closed,omitempty"` // its login is put down to be ended
	Device    care.KeyID     `json:"device,omitzero"`
	Alarm     string         `json:"alarm,omitempty"`
	Refused   int            `json:"refused,omitempty"` // how many answers were
}

// mostRefused is how many answers to one invitation are refused with an answer. Whoever has file and code can make as many as
// they like, and each is written down and mailed to them.
const mostRefused = 8

func (i *invite) open() bool { return !i.Withdrawn && i.Answer == "" }

// fetching is how long an invitation's login is left to bring the grant, or the refusal, to whoever answered. Everybody who has
// file and code has that login: it ends, and the device that was taken in has another.
const fetching = 24 * time.Hour

// done reports whether nobody needs the login of the invitation any more.
func (i *invite) done(now time.Time) bool {
	return i.Answer != "" && now.After(i.Answered.Add(fetching)) || now.After(i.Expires.Add(fetching))
}

// Invited is a fresh invitation: the file goes by any way, the code by another.
type Invited struct {
	File    []byte
	Code    string // in groups of four
	Person  care.Person
	Expires time.Time
}

// Invite makes an invitation for somebody of the practice, of the staff or a member, and a login that reads the mailbox to
// which what they are granted will come. One that was open for them is withdrawn. The code is told here and kept nowhere.
func (r *Registrar) Invite(ctx context.Context, who care.PersonID) (Invited, error) {
	var out Invited
	err := r.change(func(s *state) (touched, error) {
		var secrets vault.Secrets
		c := &directory.Cert{Person: who}
		_, boxes, err := s.enlist(c, &secrets)
		if err != nil {
			return touched{}, err
		}
		s.withdraw(who)
		login, err := r.makeLogin(ctx, boxes[0], c.Role)
		if err != nil {
			return touched{}, err
		}
		now := r.options.Now().UTC().Truncate(time.Second)
		to := s.Mailboxes[s.Practice.Mailbox]
		i := Invitation{V: 1, ID: care.NewID("iv"), Practice: s.Practice.ID, Root: seal.Fingerprint(s.Root), Clinic: s.Practice.Name,
			FrontDesk: s.Practice.FrontDesk, Name: shortened(secrets.Person.Name), Role: c.Role, Made: now, Expires: now.Add(inviteSpan),
			Login: login, To: to.Address, ToKey: to.Key}
		if p := s.patient(secrets.Patient); p != nil {
			i.Born, i.Record = p.Patient.Born, ending(p.Patient.MRN)
		}
		content, err := json.Marshal(i)
		if err != nil {
			return touched{}, fmt.Errorf("make invitation: %w", err)
		}
		defer clear(content)
		code := newCode()
		file, box, err := vault.Pack(r.options.Params, code, content)
		if err != nil {
			return touched{}, err
		}
		defer box.Close()
		proof, err := box.Derive(proofLabel)
		if err != nil {
			return touched{}, err
		}
		s.Invites = append(s.Invites, invite{ID: i.ID, Person: who, Proof: proof, Login: login, Made: now, Expires: i.Expires})
		out = Invited{File: file, Code: ShowCode(code), Person: secrets.Person, Expires: i.Expires}
		return touched{}, nil
	})
	return out, err
}

// shortened is a name as an invitation says it: "Marisol V."
func shortened(name string) string {
	words := strings.Fields(name)
	if len(words) < 2 {
		return name
	}
	return words[0] + " " + initial(words[len(words)-1]) + "."
}

// ending is the last four characters of a record number that are no spaces.
func ending(mrn string) string {
	mrn = bare(mrn)
	return mrn[max(0, len(mrn)-4):]
}

// Withdraw makes somebody's invitation worthless that was not answered yet. care.NotFound: there is none.
func (r *Registrar) Withdraw(_ context.Context, who care.PersonID) error {
	return r.change(func(s *state) (touched, error) {
		if !s.withdraw(who) {
			return touched{}, care.Refusef(care.NotFound, "There is no open invitation for this person.")
		}
		return touched{}, nil
	})
}

func (s *state) withdraw(who care.PersonID) (any bool) {
	for n := range s.Invites {
		// Its login ends with the answer that is refused, or with the time: it may still have to bring the refusal.
		if i := &s.Invites[n]; i.Person == who && i.open() {
			i.Withdrawn, any = true, true
		}
	}
	return any
}

// Knows reports whether an answer belongs to an invitation of this practice and whoever made it knew the code. It is quick
// and changes nothing: anybody can mail an answer.
func (r *Registrar) Knows(d directory.Document) bool {
	a, err := directory.ReadAnswer(d)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.state.invite(a.Invitation)
	if i == nil || !proved(i.Proof, a) {
		return false
	}
	hash := d.Hash()
	return i.Refused < mostRefused || i.Answer == hash || slices.Contains(r.state.Refused, hash)
}

func (s *state) invite(id string) *invite {
	n := slices.IndexFunc(s.Invites, func(i invite) bool { return i.ID == id })
	if n < 0 {
		return nil
	}
	return &s.Invites[n]
}

// Admit takes in who answered an invitation, or refuses them: the first answer wins, an other one is refused and noted as
// an alarm; one that is too late or was withdrawn, or whose key is certified already, is refused. The same answer again changes nothing. What is granted, and
// the documents that tell of it, wait in Pending. An answer that Knows does not know is care.Forbidden.
func (r *Registrar) Admit(ctx context.Context, d directory.Document) error {
	a, err := directory.ReadAnswer(d)
	if err != nil {
		return care.Because(care.Forbidden, err, "That is no answer to an invitation.")
	}
	if !r.Knows(d) {
		return care.Refusef(care.Forbidden, "That answers no invitation of this practice.")
	}
	hash := d.Hash()
	if done := r.settled(a.Invitation, hash); done {
		return nil
	}
	return r.change(func(s *state) (touched, error) {
		i := s.invite(a.Invitation)
		switch {
		case i.Answer != "":
			i.Alarm = fmt.Sprintf("Somebody answered this invitation a second time, on %s, and was refused. Ask the person whether it was they; if not, withdraw the computer and invite again.",
				r.options.Now().UTC().Format("January 2, 2006"))
			return touched{}, r.refuse(s, i, a, directory.AnswerUsed, hash)
		case i.Withdrawn:
			return touched{}, r.refuse(s, i, a, directory.AnswerWithdrawn, hash)
		case r.options.Now().After(i.Expires):
			return touched{}, r.refuse(s, i, a, directory.AnswerExpired, hash)
		case slices.ContainsFunc(s.Devices, func(d device) bool { return d.Key == a.Signer }):
			// The newer certificate would say of all that the key has signed that somebody else did, and it would count no more.
			return touched{}, r.refuse(s, i, a, directory.AnswerKey, hash)
		}
		return r.admit(ctx, s, i, a, hash)
	})
}

// settled reports whether this very answer was dealt with.
func (r *Registrar) settled(id, hash string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.invite(id).Answer == hash || slices.Contains(r.state.Refused, hash)
}

func (r *Registrar) refuse(s *state, i *invite, a *directory.Answer, why, hash string) error {
	s.Refused = append(s.Refused, hash)
	i.Refused++
	return r.queue(s, i.Login.Mailbox, a.Sealing, &directory.Grant{Device: seal.Fingerprint(a.Key), Invitation: i.ID, Refused: why})
}

func (r *Registrar) admit(ctx context.Context, s *state, i *invite, a *directory.Answer, hash string) (touched, error) {
	var secrets vault.Secrets
	c := &directory.Cert{For: directory.ForDevice, Key: a.Key, Person: i.Person, Sealing: &a.Sealing}
	what, boxes, err := s.enlist(c, &secrets)
	if err != nil {
		return touched{}, err
	}
	g := &directory.Grant{Device: seal.Fingerprint(a.Key), Invitation: i.ID, Person: secrets.Person, Patient: secrets.Patient}
	member := c.Role == care.RoleMember
	if member {
		if a.Mailbox == nil {
			return touched{}, care.Refusef(care.Invalid, "A member's answer brings no key for the mailbox.")
		}
		// One computer a member: what the one before wrote from now on does not count, and it reads nothing more.
		for n := range s.Devices {
			if d := &s.Devices[n]; d.Person == i.Person {
				if err := r.revoke(s, d); err != nil {
					return touched{}, err
				}
				what.directory = true
			}
		}
		// Who was removed, and is invited all the same, is a member again.
		if own := s.patient(secrets.Patient); own != nil {
			for n := range own.Readers {
				if x := &own.Readers[n]; x.Person == i.Person {
					x.Ended, x.Until = "", ""
				}
			}
		}
		id := boxes[0]
		g.Mailboxes = s.Mailboxes[id].granted(id)
		box := s.Mailboxes[id].renewed(*a.Mailbox, "")
		for n := range box.Older {
			box.Older[n].Secret = "" // the member has it now
		}
		s.Mailboxes[id] = box
	} else {
		for _, id := range boxes {
			g.Mailboxes = append(g.Mailboxes, s.Mailboxes[id].granted(id)...)
		}
	}
	made := device{Key: g.Device, Person: i.Person, Sealing: a.Sealing, Since: directory.Time(r.options.Now())}
	for _, id := range boxes {
		login, err := r.login(ctx, &made, id, c.Role)
		if err != nil {
			return touched{}, err
		}
		g.Logins = append(g.Logins, login)
	}
	s.Serial++
	c.Head, c.Serial = r.head(), s.Serial
	doc, err := directory.Sign(s.Registrar, c)
	if err != nil {
		return touched{}, err
	}
	put(&s.Certs, i.Person, append(s.Certs[i.Person], doc.Embed()))
	s.Devices = append(s.Devices, made)
	i.Answer, i.Answered, i.Device = hash, r.options.Now().UTC(), g.Device
	// The documents that a new profile begins with are signed first: they name it.
	if err := r.issue(what); err != nil {
		return touched{}, err
	}
	g.Documents = append(g.Documents, s.Directory.document(directory.KindDirectory).Carry())
	if member {
		g.Documents = append(g.Documents, s.CareLists[i.Person].document(directory.KindCare).Carry())
	}
	return touched{}, r.queue(s, i.Login.Mailbox, a.Sealing, g)
}

// queued is a grant that is to be mailed: sealed to a device's key, to a mailbox that the device reads.
type queued struct {
	Mailbox   care.MailboxID `json:"mailbox"`
	Key       seal.Public    `json:"key"`
	Bytes     []byte         `json:"bytes"`
	Signature []byte         `json:"signature"`
}

func (q queued) document() directory.Document {
	return directory.Document{Kind: directory.KindGrant, Bytes: q.Bytes, Signature: q.Signature}
}

func (r *Registrar) queue(s *state, at care.MailboxID, to seal.Public, g *directory.Grant) error {
	g.Head, g.Chain = r.head(), s.Chain
	doc, err := directory.Sign(s.Registrar, g)
	if err != nil {
		return err
	}
	s.Grants = append(s.Grants, queued{at, to, doc.Bytes, doc.Signature})
	return nil
}
