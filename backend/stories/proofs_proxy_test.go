package stories

import (
	"bytes"
	"slices"
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// dependent takes in Mateo, for whom Marisol writes.
func (w *town) dependent() care.PatientID {
	w.t.Helper()
	p, err := w.reg.AddDependent(w.t.Context(), care.Patient{Name: "mateo", Born: "2017-05-06", Sex: "M", MRN: "5510 2846"},
		[]care.Relation{{Office: w.offices["Lee"].ID, Why: "primary"}})
	must(w.t, err)
	must(w.t, w.reg.AddProxy(w.t.Context(), p.ID, w.who["marisol"], ""))
	return p.ID
}

// writesFor sends a new message about another patient: it is held, and its hold ended.
func (p *person) writesFor(patient care.PatientID, office, subject, text string, private bool) care.EventID {
	p.t.Helper()
	desk := p.desk().For(patient)
	d, err := desk.SaveDraft(p.ctx(), draft.Draft{What: command.DraftNew, Office: p.town.offices[office].ID, Subject: care.Text(subject),
		Text: care.Text(text), Private: private})
	must(p.t, err)
	_, err = desk.SendMessage(p.ctx(), d.ID)
	must(p.t, err)
	must(p.t, desk.SendNow(p.ctx(), d.ID))
	p.sends()
	return p.part(d.ID)
}

// TestProof20GrantEnded: a proxy whose grant has ended, and a member whose relation with the office has, write before they
// know. What they wrote shows in the office's queue, flagged, and is acknowledged; the answer does not go to the former
// proxy, and once the clinic's list has come they can write there no more.
func TestProof20GrantEnded(t *testing.T) { posttest.Each(t, testProof20GrantEnded) }

func testProof20GrantEnded(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	mateo := w.dependent()
	marisol, dmitri, rosa, clinic := w.at("marisol"), w.at("dmitri"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, dmitri, rosa, clinic} {
		p.pulls()
	}
	before := marisol.writesFor(mateo, "Lee", "Asthma plan", "The school asks for it.", false)
	clinic.inStep()
	rosa.pulls()
	th := rosa.sees(before)
	equal(t, "the patient", th.Patient.Name, "mateo")
	equal(t, "who wrote", th.Items[0].By.Name, "marisol")
	equal(t, "as a proxy", th.Items[0].Proxy, true)
	equal(t, "nothing is off", len(th.Flags), 0)
	equal(t, "their own list has it not", hasRow(marisol.rows(), "Asthma plan"), false)

	must(t, w.reg.EndProxy(t.Context(), mateo, w.who["marisol"]))
	must(t, w.reg.SetRelations(t.Context(), care.PatientID(dmitri.p.Own()), []care.Relation{{Office: w.offices["Raman"].ID, Why: "primary"}}))
	w.publish()
	rosa.pulls()
	clinic.pulls()

	// Neither has heard of it.
	after := marisol.writesFor(mateo, "Lee", "Inhaler", "It is empty.", false)
	reply(t, marisol, mateo, before, "And the form?")
	lost := dmitri.writesFor(dmitri.p.Own(), "Lee", "Refill", "One week left.", false)
	clinic.inStep()
	rosa.pulls()
	for part, flag := range map[care.EventID]string{before: directory.FlagProxyEnded, after: directory.FlagProxyEnded, lost: directory.FlagNoRelation} {
		th := rosa.sees(part)
		last := th.Items[len(th.Items)-1]
		equal(t, "shown in the queue", hasRow(rosa.rows(), string(th.Subject)), true)
		equal(t, "flagged", slices.Contains(last.Flags, flag) && slices.Contains(th.Flags, flag), true)
		equal(t, "acknowledged", last.State, view.StateDelivered)
		equal(t, "with a day", last.Due.IsZero(), false)
	}

	had := len(lettersAbout(t, w, marisol, before))
	rosa.says(before, "Call us about the form.")
	rosa.sends()
	equal(t, "letters of it for the former proxy", len(lettersAbout(t, w, marisol, before)), had)
	dmitri.pulls()
	marisol.pulls()
	if _, err := marisol.desk().For(mateo).SaveDraft(t.Context(), draft.Draft{What: command.DraftNew}); err != nil {
		t.Fatal(err)
	}
	d := marisol.drafts(draft.Draft{What: command.DraftReply, Part: before, Text: "Please."})
	_, err := marisol.desk().For(mateo).SendReply(t.Context(), d.ID)
	equal(t, "a reply after the list came", care.KindOf(err), care.Forbidden)
	equal(t, "people to write for", len(marisol.p.WritesFor()), 1)
}

func reply(t *testing.T, p *person, patient care.PatientID, part care.EventID, text string) {
	t.Helper()
	desk := p.desk().For(patient)
	d, err := desk.SaveDraft(p.ctx(), draft.Draft{What: command.DraftReply, Part: part, Text: care.Text(text)})
	must(t, err)
	_, err = desk.SendReply(p.ctx(), d.ID)
	must(t, err)
	must(t, desk.SendNow(p.ctx(), d.ID))
	p.sends()
}

// lettersAbout opens every letter in a member's mailbox, in every folder, with their key, and gives those events that belong
// to a thread.
func lettersAbout(t *testing.T, w *town, p *person, thread care.ThreadID) (all []event.Kind) {
	t.Helper()
	v, err := vault.Open(p.dir(), passphrase)
	must(t, err)
	defer v.Close()
	var keys []seal.Secret
	for _, m := range v.Secrets().Mailboxes {
		key, err := seal.ParseSecret(m.Secret)
		must(t, err)
		keys = append(keys, key)
	}
	ring, local := seal.NewRing(keys...), w.local(p.desk().Mailbox)
	opened := 0
	for _, m := range w.mail.Messages(t, local, "INBOX") {
		sealed, err := letter.Read(m.Raw)
		must(t, err)
		content, err := ring.Open(sealed)
		must(t, err)
		opened++
		if bytes.Contains(content.Bytes, []byte(thread.String())) && content.Type != seal.TypeEvent {
			t.Errorf("something else than an event names the thread: type %d", content.Type)
		}
		if content.Type != seal.TypeEvent {
			continue
		}
		e, err := event.Decode(content.Bytes)
		must(t, err)
		if e.ID == thread || e.Thread == thread {
			all = append(all, e.Kind)
		} else if bytes.Contains(content.Bytes, []byte(thread.String())) {
			t.Errorf("%s of another thread names it", e.Kind)
		}
	}
	if opened == 0 {
		t.Fatal("no letter in the mailbox opens: the test looks into the wrong one")
	}
	return all
}

// TestProof42Confidential: Dmitri writes for Marisol as well. A conversation that she opens for herself alone never reaches
// his mailbox; one that the office marks reaches it no more. His mailbox is opened letter by letter, with his key.
func TestProof42Confidential(t *testing.T) { posttest.Each(t, testProof42Confidential) }

func testProof42Confidential(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	book, err := w.reg.Book()
	must(t, err)
	patient := book.WritesFor(w.who["marisol"])[0]
	must(t, w.reg.AddProxy(t.Context(), patient, w.who["dmitri"], ""))
	marisol, dmitri, rosa, clinic := w.at("marisol"), w.at("dmitri"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, dmitri, rosa, clinic} {
		p.pulls()
	}
	alone := marisol.writesFor(patient, "Lee", "For me alone", "I would rather he did not read this.", true)
	shared := marisol.writesFor(patient, "Lee", "For both", "He helps me with this.", false)
	clinic.inStep()
	rosa.pulls()
	equal(t, "opened as confidential", rosa.sees(alone).Private, true)
	equal(t, "and nothing more to leave out", rosa.sees(alone).Confides, false)
	equal(t, "the other is not", rosa.sees(shared).Private, false)
	equal(t, "and can become it", rosa.sees(shared).Confides, true)
	rosa.claims(alone)
	rosa.notes(alone, "Alone.")
	rosa.says(alone, "Only you read this.")
	rosa.says(shared, "Both of you read this.")
	rosa.sends()
	for _, p := range []*person{marisol, clinic, dmitri} {
		p.inStep()
	}
	his := dmitri.p.Views().For(patient)
	th, err := his.Thread(t.Context(), shared)
	must(t, err)
	equal(t, "he reads what is shared", len(th.Items), 2)
	equal(t, "by the patient", th.Items[0].Proxy, false)

	must(t, rosa.desk().Confide(t.Context(), shared))
	must(t, rosa.desk().Confide(t.Context(), shared)) // twice is once
	had := len(lettersAbout(t, w, dmitri, shared))
	rosa.says(shared, "From here on you alone read this.")
	rosa.sends()
	marisol.pulls()
	marisol.reads(shared)
	marisol.says(shared, "Thank you.")
	marisol.sends()
	clinic.inStep()
	rosa.pulls()
	rosa.says(shared, "You are welcome.")
	rosa.completes(shared, "Done.")
	rosa.sends()
	rosa.reopens(shared)
	rosa.sends()
	for _, p := range []*person{marisol, clinic, dmitri} {
		p.inStep()
	}
	equal(t, "letters of the confidential thread in his mailbox", len(lettersAbout(t, w, dmitri, alone)), 0)
	equal(t, "letters of the other since it became so", len(lettersAbout(t, w, dmitri, shared))-had, 0)
	equal(t, "and before", had > 0, true)
	if _, err := his.Thread(t.Context(), alone); care.KindOf(err) != care.NotFound {
		t.Errorf("he sees the confidential thread: %v", err)
	}
	th, err = his.Thread(t.Context(), shared)
	must(t, err)
	equal(t, "what he had stays readable", len(th.Items), 2)
	equalTexts(t, "the patient reads all", marisol.texts(shared), "He helps me with this.", "Both of you read this.",
		"From here on you alone read this.", "Thank you.", "You are welcome.")
	equal(t, "the office knows", rosa.sees(shared).Private, true)
}
