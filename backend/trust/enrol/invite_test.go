package enrol

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// answered opens an invitation and answers it.
func (w *town) answered(i Invited) (directory.Document, vault.Secrets) {
	w.Helper()
	open := must[*Invitation](w)(OpenInvitation(i.File, i.Code))
	doc, secrets, err := open.Answer(w.options().Now())
	if err != nil {
		w.Fatal(err)
	}
	return doc, secrets
}

// grants are those that wait for a device, opened.
func (w *town) grants(s vault.Secrets) (out []*directory.Grant) {
	w.Helper()
	own := must[seal.Secret](w)(seal.ParseSecret(s.DeviceSecret))
	for _, o := range w.Pending() {
		if o.mailbox != "" || o.Key != own.Public() {
			continue
		}
		letter := must[[]byte](w)(seal.Seal(o.Key, o.Doc.Content()))
		content := must[seal.Content](w)(seal.NewRing(own).Open(letter))
		d := must[directory.Document](w)(directory.Parse(content))
		g, _, err := directory.OpenGrant(w.Pin(), d)
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

func TestAMemberIsInvited(t *testing.T) {
	w := newTown(t)
	m := w.members["Marisol Vega"]
	i := must[Invited](t)(w.Invite(t.Context(), m.Person.ID))
	for _, word := range []string{"Vega", "Marisol", "Alder", "440", "1980", "login"} {
		if bytes.Contains(i.File, []byte(word)) {
			t.Errorf("the file says %q", word)
		}
	}
	open := must[*Invitation](t)(OpenInvitation(i.File, strings.ToLower(strings.ReplaceAll(i.Code, "-", " "))))
	if open.Name != "Marisol V." || open.Record != "440" || open.Role != care.RoleMember || open.Clinic != "Alder Street Clinic" {
		t.Errorf("%+v", open)
	}
	if err := open.CheckBorn("1980-02-04"); care.KindOf(err) != care.Invalid || open.CheckBorn("1980-02-03") != nil {
		t.Errorf("date of birth: %v", err)
	}
	doc, secrets := w.answered(i)
	if !w.Knows(doc) {
		t.Fatal("the answer is not known")
	}
	if err := w.Admit(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	got := w.grants(secrets)
	if len(got) != 1 || got[0].Person.ID != m.Person.ID || got[0].Patient != m.Patient.ID || len(got[0].Logins) != 1 {
		t.Fatalf("%+v", got)
	}
	// What was sealed to the mailbox before is the member's to open, and only theirs from now on.
	if len(got[0].Mailboxes) != 1 || got[0].Mailboxes[0].Generation != 1 || w.state.Mailboxes[m.Patient.Mailbox].Older[0].Secret != "" {
		t.Errorf("%+v", got[0].Mailboxes)
	}
	b := must[*directory.Book](t)(w.Book())
	own := must[seal.Secret](t)(seal.ParseSecret(secrets.Mailboxes[0].Secret))
	if box, _ := b.Mailbox(m.Patient.Mailbox); box.Key != own.Public() || box.Generation != 2 || len(box.Older) != 1 {
		t.Errorf("mailbox %+v", box)
	}
	if _, known := b.PublicKey(got[0].Device); !known {
		t.Error("the device is not certified")
	}
	// The same answer again is the same answer.
	before := len(w.Pending())
	if err := w.Admit(t.Context(), doc); err != nil || len(w.Pending()) != before {
		t.Errorf("again: %v, %d pending", err, len(w.Pending()))
	}
	// The login of the invitation, which everybody has who has file and code, is not the device's, and ends.
	if got[0].Logins[0].User == open.Login.User {
		t.Error("the device keeps the login of the invitation")
	}
	if err := w.EndLogins(t.Context()); err != nil || len(w.accounts.ended) != 0 {
		t.Errorf("ended %v, %v", w.accounts.ended, err)
	}
	w.Registrar.options.Now = func() time.Time { return w.options().Now().Add(25 * time.Hour) }
	for range 2 {
		if err := w.EndLogins(t.Context()); err != nil || !slices.Equal(w.accounts.ended, []string{open.Login.User}) {
			t.Errorf("ended %v, %v", w.accounts.ended, err)
		}
	}
	if err := w.Mailed(w.Pending()...); err != nil || len(w.Pending()) != 0 {
		t.Errorf("%v, %d left", err, len(w.Pending()))
	}
}

// A document that was mailed to a mailbox and is not there is missed; one that is still to be mailed is not, nor one of another
// mailbox. What is mailed again is mailed to all.
func TestLostDocuments(t *testing.T) {
	w := newTown(t)
	if w.Lost(w.Publish()[0].Mailbox, nil) {
		t.Error("what was never mailed is missed")
	}
	all := len(w.Pending())
	if err := w.Mailed(w.Pending()...); err != nil {
		t.Fatal(err)
	}
	for _, to := range w.Publish() {
		there := map[string]bool{}
		for _, d := range to.Docs {
			there[d.Hash()] = true
		}
		if w.Lost(to.Mailbox, there) {
			t.Errorf("of %d documents that are all there one is missed", len(there))
		}
		delete(there, to.Docs[0].Hash())
		if !w.Lost(to.Mailbox, there) {
			t.Error("a document that is not there is not missed")
		}
	}
	if err := w.Republish(); err != nil || len(w.Pending()) != all {
		t.Errorf("%d are mailed again, not %d: %v", len(w.Pending()), all, err)
	}
}

// A stolen file tells nothing and gives nothing to try codes against but the file itself, each try as costly as a passphrase's;
// and of two answers the first one wins.
func TestProof32StolenInvitation(t *testing.T) {
	w := newTown(t)
	i := must[Invited](t)(w.Invite(t.Context(), w.people["Rosa Delgado"].ID))
	var said string
	for range 200 {
		_, err := OpenInvitation(i.File, newCode())
		if care.KindOf(err) != care.Invalid || said != "" && err.Error() != said {
			t.Fatalf("%v", err)
		}
		said = err.Error()
	}
	// Somebody who has the file and not the code can answer, and nobody hears them.
	open := must[*Invitation](t)(OpenInvitation(i.File, i.Code))
	forged := *open
	forged.proof = bytes.Repeat([]byte{1}, 32)
	doc, _, err := forged.Answer(w.options().Now())
	if err != nil || w.Knows(doc) || care.KindOf(w.Admit(t.Context(), doc)) != care.Forbidden {
		t.Error("an answer without the code was heard")
	}
	first, mine := w.answered(i)
	second, theirs := w.answered(i)
	for _, d := range []directory.Document{first, second, second} {
		if err := w.Admit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if g := w.grants(mine); len(g) != 1 || g[0].Refused != "" || len(g[0].Mailboxes) != 3 || len(g[0].Logins) != 3 {
		t.Errorf("the first got %+v", g)
	}
	if g := w.grants(theirs); len(g) != 1 || g[0].Refused != directory.AnswerUsed || len(g[0].Mailboxes) != 0 {
		t.Errorf("the second got %+v", g)
	}
	if w.state.Invites[0].Alarm == "" {
		t.Error("no alarm")
	}
}

// The invitation of a forger who does not know the code does not open with it, and nothing is sent: opening sends nothing.
func TestProof33FakePractice(t *testing.T) {
	w, fake := newTown(t), newTown(t)
	mine := must[Invited](t)(w.Invite(t.Context(), w.members["Grace Kim"].Person.ID))
	theirs := must[Invited](t)(fake.Invite(t.Context(), fake.members["Grace Kim"].Person.ID))
	if _, err := OpenInvitation(theirs.File, mine.Code); care.KindOf(err) != care.Invalid {
		t.Error(err)
	}
	// And what a practice that is not the pinned one grants is worth nothing.
	doc, secrets := w.answered(mine)
	a := must[*directory.Answer](t)(directory.ReadAnswer(doc))
	g := &directory.Grant{Device: a.Signer, Invitation: a.Invitation, Person: fake.members["Grace Kim"].Person}
	fake.mu.Lock()
	err := fake.queue(&fake.state, fake.state.Practice.Mailbox, a.Sealing, g)
	queued := fake.state.Grants[0].document()
	fake.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := directory.OpenGrant(directory.Pin{Practice: secrets.Practice, Root: secrets.Root}, queued); err == nil {
		t.Error("a foreign grant was taken")
	}
}

func TestInvitationsThatAreOver(t *testing.T) {
	w := newTown(t)
	who := w.members["Dmitri Volkov"].Person.ID
	withdrawn := must[Invited](t)(w.Invite(t.Context(), who))
	if err := w.Withdraw(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if err := w.Withdraw(t.Context(), who); care.KindOf(err) != care.NotFound {
		t.Errorf("twice: %v", err)
	}
	replaced := must[Invited](t)(w.Invite(t.Context(), who))
	late := must[Invited](t)(w.Invite(t.Context(), who))
	doc, mine := w.answered(late)
	for _, i := range []Invited{withdrawn, replaced} {
		d, s := w.answered(i)
		if err := w.Admit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if g := w.grants(s); len(g) != 1 || g[0].Refused != directory.AnswerWithdrawn {
			t.Errorf("%+v", g)
		}
	}
	now := w.Registrar.options.Now
	w.Registrar.options.Now = func() time.Time { return now().Add(inviteSpan + time.Second) }
	if err := w.Admit(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	if g := w.grants(mine); len(g) != 1 || g[0].Refused != directory.AnswerExpired {
		t.Errorf("%+v", g)
	}
	open := must[*Invitation](t)(OpenInvitation(late.File, late.Code))
	if open.CheckTime(late.Expires.Add(23*time.Hour)) != nil || care.KindOf(open.CheckTime(late.Expires.Add(25*time.Hour))) != care.Gone {
		t.Error("a clock a day off, or more")
	}
	for name, c := range map[string]struct{ file, code, field string }{
		"no code":       {string(late.File), "KQ", "code"},
		"a slip":        {string(late.File), late.Code[:18] + string(vault.CodeAlphabet[(strings.IndexByte(vault.CodeAlphabet, late.Code[18])+1)%32]), "code"},
		"not a file":    {"hello", late.Code, "file"},
		"half a file":   {string(late.File[:len(late.File)/2]), late.Code, "file"},
		"a flipped bit": {strings.Replace(string(late.File), `"salt":"`, `"salt":"A`, 1), late.Code, "file"},
		"nothing":       {"", late.Code, "file"},
	} {
		_, err := OpenInvitation([]byte(c.file), c.code)
		var refusal *care.Error
		if care.KindOf(err) != care.Invalid || !errors.As(err, &refusal) || refusal.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who is removed reads nothing that is sealed from then on; who stays does, and reads what came before.
func TestANurseIsRemoved(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	enrolled := map[string]vault.Secrets{}
	for _, name := range []string{"Rosa Delgado", "Sam Ito", "Agent"} {
		doc, s := w.answered(must[Invited](t)(w.Invite(ctx, w.people[name].ID)))
		if err := w.Admit(ctx, doc); err != nil {
			t.Fatal(err)
		}
		enrolled[name] = s
	}
	if err := w.Mailed(w.Pending()...); err != nil {
		t.Fatal(err)
	}
	rosa := w.people["Rosa Delgado"].ID
	if steps, err := w.Removal(rosa); err != nil || len(steps) != 5 {
		t.Errorf("%q, %v", steps, err)
	}
	if err := w.Remove(ctx, rosa); err != nil {
		t.Fatal(err)
	}
	b := must[*directory.Book](t)(w.Book())
	if keys := w.Devices(rosa); len(keys) != 1 || !b.Revoked(keys[0]) {
		t.Errorf("devices %v", keys)
	}
	for _, o := range b.Offices() {
		box, _ := b.Mailbox(o.Mailbox)
		if box.Generation != 2 || len(box.Older) != 1 {
			t.Errorf("%s has %+v", o.Name, box)
		}
		for name, s := range enrolled {
			may := false
			for _, g := range w.grants(s) {
				for _, m := range g.Mailboxes {
					if secret, err := seal.ParseSecret(m.Secret); err == nil && secret.Public() == box.Key {
						may = true
					}
				}
			}
			if want := name == "Agent" || name == "Sam Ito" && o.ID == w.offices["Raman"].ID; may != want {
				t.Errorf("%s opens %s: %v", name, o.Name, may)
			}
		}
	}
	if len(w.state.Ends) != 3 || w.EndLogins(ctx) != nil || len(w.state.Ends) != 0 {
		t.Errorf("logins %v", w.state.Ends)
	}
	if _, err := w.Invite(ctx, rosa); care.KindOf(err) != care.Conflict {
		t.Errorf("invited again: %v", err)
	}
}

// A member who lost everything is invited again: the lost computer counts no more.
func TestAMemberComesBack(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	m := w.members["Marisol Vega"]
	var last vault.Secrets
	for range 2 {
		doc, s := w.answered(must[Invited](t)(w.Invite(ctx, m.Person.ID)))
		if err := w.Admit(ctx, doc); err != nil {
			t.Fatal(err)
		}
		last = s
	}
	b := must[*directory.Book](t)(w.Book())
	keys := w.Devices(m.Person.ID)
	if len(keys) != 2 || !b.Revoked(keys[0]) || b.Revoked(keys[1]) {
		t.Errorf("%v", keys)
	}
	own := must[seal.Secret](t)(seal.ParseSecret(last.Mailboxes[0].Secret))
	if box, _ := b.Mailbox(m.Patient.Mailbox); box.Generation != 3 || box.Key != own.Public() {
		t.Errorf("%+v", box)
	}
}

func FuzzOpenInvitation(f *testing.F) {
	f.Add([]byte(`{"vault":2}`), "0000-0000-0000-0000")
	f.Fuzz(func(t *testing.T, file []byte, code string) {
		if i, err := OpenInvitation(file, code); (err == nil) == (i == nil) || err != nil && care.KindOf(err) != care.Invalid {
			t.Fatal(err)
		}
	})
}

func TestARemovedMemberIsTakenInAgain(t *testing.T) {
	w := newTown(t)
	m := w.members["Marisol Vega"]
	writes := func() bool {
		return slices.Contains(must[*directory.Book](t)(w.Book()).Readers(m.Patient.ID), m.Patient.Mailbox)
	}
	if err := w.Remove(t.Context(), m.Person.ID); err != nil {
		t.Fatal(err)
	}
	i := must[Invited](t)(w.Invite(t.Context(), m.Person.ID))
	if writes() {
		t.Error("an invitation alone lets nobody in")
	}
	doc, secrets := w.answered(i)
	if err := w.Admit(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	if g := w.grants(secrets); len(g) != 1 || g[0].Refused != "" || !writes() {
		t.Errorf("%+v", g)
	}
}
