package enrol

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// proofLabel derives the key of an answer's proof from an invitation's box: who has opened it has it, and the registrar.
const proofLabel = "postern.invite.proof.v1"

// Invitation is what the file says to who has its code. Outside of the box the file says nothing: not whose it is, nor of
// which practice.
type Invitation struct {
	V         int             `json:"v"`
	ID        string          `json:"id"`
	Practice  care.PracticeID `json:"practice"`
	Root      care.KeyID      `json:"root"`
	Clinic    string          `json:"clinic"`
	FrontDesk string          `json:"frontDesk"`
	Name      string          `json:"name"`             // whom it is for, shortened
	Record    string          `json:"record,omitempty"` // the last digits of a member's record number
	Role      care.Role       `json:"role"`
	Born      string          `json:"born,omitempty"` // against mistakes, not against attackers
	Made      time.Time       `json:"made"`
	Expires   time.Time       `json:"expires"`
	Login     care.MailLogin  `json:"login"` // reads the mailbox to which the grant comes
	To        string          `json:"to"`    // address of the practice's mailbox
	ToKey     seal.Public     `json:"toKey"` // and its key

	proof []byte
}

// OpenInvitation opens an invitation file with its code, as ParseCode reads it. Nothing is sent. care.Invalid in the field
// "file": it is no invitation, or a damaged one; in "code": the code does not open it, which may be another's invitation or
// a forged one as well as a wrong code: there is nothing that tells them apart.
func OpenInvitation(file []byte, typed string) (*Invitation, error) {
	code, err := ParseCode(typed)
	if err != nil {
		return nil, err
	}
	box, err := vault.Unpack(file, code)
	switch {
	case care.KindOf(err) == care.Corrupt:
		return nil, care.Because(care.Invalid, err, "That file is not an invitation, or it is damaged. Ask the clinic to send it again.").In("file")
	case care.KindOf(err) == care.Invalid:
		return nil, badCode("That code does not open this invitation. Check that letter and file belong together, and compare the code group by group.")
	case err != nil:
		return nil, err
	}
	defer box.Close()
	var i Invitation
	content := box.Bytes()
	defer clear(content)
	if err := json.Unmarshal(content, &i); err != nil {
		return nil, care.Because(care.Invalid, err, "That file is not an invitation.").In("file")
	}
	if i.V != 1 {
		return nil, care.Refusef(care.Invalid, "A newer Postern made this invitation. Install the newest version, then open it again.").In("file")
	}
	if err := i.check(); err != nil {
		return nil, care.Because(care.Invalid, err, "That file is not an invitation.").In("file")
	}
	i.proof, err = box.Derive(proofLabel)
	return &i, err
}

func (i *Invitation) check() error {
	switch {
	case !care.ValidID("iv", i.ID), !care.ValidID("pr", string(i.Practice)), i.Root.IsZero():
		return errors.New("an id is missing")
	case i.Login.User == "" || !care.ValidID("mb", string(i.Login.Mailbox)):
		return errors.New("it has no login")
	}
	if err := plain(said{"", i.Clinic}, said{"", i.FrontDesk}, said{"", i.Name}, said{"", i.Record}); err != nil {
		return err
	}
	return i.ToKey.Check()
}

// Pin is what a profile believes that comes of this invitation.
func (i *Invitation) Pin() directory.Pin {
	return directory.Pin{Practice: i.Practice, Root: i.Root}
}

// CheckBorn compares a date of birth, ISO 8601, with the invitation's.
func (i *Invitation) CheckBorn(born string) error {
	if i.Born == "" || i.Born == born {
		return nil
	}
	return care.Refusef(care.Invalid, "That is not the date of birth that the clinic has for this invitation. Check it, or call the clinic if it is right.").In("born")
}

// CheckTime refuses an invitation whose time is over, care.Gone. A computer's clock may be wrong, so a day is let pass: the
// clinic judges by its own.
func (i *Invitation) CheckTime(now time.Time) error {
	if now.After(i.Expires.Add(24 * time.Hour)) {
		return Over(directory.AnswerExpired)
	}
	return nil
}

// Over is what a person is told whose invitation is of no use any more.
func Over(why string) error {
	switch why {
	case directory.AnswerExpired:
		return care.Refusef(care.Gone, "This invitation has expired. Ask the clinic for a new one. Nothing that you typed was sent to anybody else.")
	case directory.AnswerWithdrawn:
		return care.Refusef(care.Gone, "The clinic has withdrawn this invitation. Ask the clinic for a new one.")
	case directory.AnswerUsed:
		return care.Refusef(care.Gone, "This invitation was used already, on another computer. If that was not you, call the clinic now.")
	}
	return care.Refusef(care.Gone, "The clinic has not accepted this invitation. Call the clinic.")
}

// Answer makes the answer to the invitation, for the practice's mailbox, with new keys, and the secrets of the profile that
// is to be: all that it needs to take in the grant.
func (i *Invitation) Answer(now time.Time) (directory.Document, vault.Secrets, error) {
	own, err := seal.NewSecret()
	if err != nil {
		return directory.Document{}, vault.Secrets{}, err
	}
	s := vault.Secrets{Practice: i.Practice, Root: i.Root, Device: newKey(), DeviceSecret: own.Text(), Logins: []care.MailLogin{i.Login}}
	a := &directory.Answer{Head: directory.Head{Practice: i.Practice, At: directory.Time(now)}, Invitation: i.ID,
		Key: s.Device.Public().(ed25519.PublicKey), Sealing: own.Public()}
	if i.Role == care.RoleMember { // who owns the mailbox that the login reads
		box, err := seal.NewSecret()
		if err != nil {
			return directory.Document{}, vault.Secrets{}, err
		}
		public := box.Public()
		a.Mailbox = &public
		s.Mailboxes = []vault.MailboxSecret{{Mailbox: i.Login.Mailbox, Secret: box.Text()}} // which generation it is the grant says
	}
	a.Proof = prove(i.proof, a)
	doc, err := directory.Sign(s.Device, a)
	if err != nil {
		return directory.Document{}, vault.Secrets{}, fmt.Errorf("answer the invitation: %w", err)
	}
	return doc, s, nil
}

func prove(key []byte, a *directory.Answer) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(a.Proved())) // a hash takes every write
	return h.Sum(nil)
}

func proved(key []byte, a *directory.Answer) bool {
	return len(key) > 0 && hmac.Equal(prove(key, a), a.Proof)
}
