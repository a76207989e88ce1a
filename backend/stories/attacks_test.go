package stories

import (
	"crypto/ed25519"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/outbox"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// signs signs an event with the key of somebody's computer, which is switched off for it.
func (p *person) signs(e event.Event) (raw, signature []byte) {
	p.t.Helper()
	raw, err := event.Encode(e)
	must(p.t, err)
	p.off()
	p.secrets(func(s *vault.Secrets) { signature = seal.Sign(s.Device, seal.LabelEvent, raw) })
	return raw, signature
}

// putsBack puts a signed event into mailboxes with a date of arrival of one's own choice.
func (w *town) putsBack(sys *posttest.System, raw, signature []byte, to []care.MailboxID, arrived time.Time) {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	for _, box := range to {
		m, _ := book.Mailbox(box)
		sealed, err := seal.Seal(m.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: signature})
		must(w.t, err)
		message, err := letter.Write(letter.Header{From: w.mailer.Address, To: m.Address, Date: arrived, Domain: letter.Domain(m.Address)}, sealed)
		must(w.t, err)
		sys.Append(w.t, w.local(box), "INBOX", arrived, message)
	}
}

// A withdrawal that the agent has closed stays closed when that agent's own computer is withdrawn and another one takes its place:
// else the past could be forged from that day on.
func TestClosedStaysClosed(t *testing.T) { posttest.Each(t, testClosedStaysClosed) }

func testClosedStaysClosed(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "Renewed.")
	rosa.sends()
	clinic.inStep()
	ana.pulls()
	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	clinic.pulls()
	clinic.dealsWithKeys()
	clinic.pulls()

	// The agent's computer is lost.
	clinic.off()
	delete(w.people, "agent")
	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["agent"])[0]))
	w.mailsPending(nil)
	clinic = w.invited("agent", "")
	w.mailsPending(nil)

	said := entry(t, rosa, lastSaid(t, rosa, part))
	forged := *said.Event
	forged.At, forged.Body = said.Event.At.Add(time.Minute), event.SentBody{Text: "Take twice as many."}
	raw, signature := rosa.signs(forged)
	w.putsBack(sys, raw, signature, said.Event.To, said.Event.At.Add(-time.Hour))
	clinic.pulls()
	clinic.dealsWithKeys()
	clinic.pulls()
	clinic.dealsWithKeys()
	for _, p := range []*person{marisol, ana, clinic} {
		p.pulls()
		equalTexts(t, p.name+" reads", p.texts(part), "No refills left.", "Renewed.")
	}
}

// What somebody signs with a key that nobody knows confirms nothing, and keeps nothing from being confirmed: else a member could
// make what a nurse has written count no more once that nurse leaves.
func TestAForgedVouchHidesNothing(t *testing.T) { posttest.Each(t, testAForgedVouchHidesNothing) }

func testAForgedVouchHidesNothing(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "No, call us first.")
	rosa.sends()
	clinic.inStep()
	ana.pulls()
	marisol.pulls()

	said := entry(t, marisol, lastSaid(t, marisol, part))
	_, own, err := ed25519.GenerateKey(nil)
	must(t, err)
	vouch := *said.Event
	vouch.Kind, vouch.Author, vouch.Part = event.Vouch, seal.Fingerprint(own.Public().(ed25519.PublicKey)), care.EventID{}
	vouch.After = []care.EventID{said.ID}
	vouch.Body = event.VouchBody{Key: said.Event.Author, IDs: []care.EventID{said.ID}}
	raw, err := event.Encode(vouch)
	must(t, err)
	w.mailsEvent(raw, seal.Sign(own, seal.LabelEvent, raw), said.Event.To)
	clinic.pulls()

	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	clinic.pulls()
	clinic.dealsWithKeys()
	for _, p := range []*person{marisol, ana} {
		p.pulls()
		equalTexts(t, p.name+" reads", p.texts(part), "No refills left.", "No, call us first.")
	}
}

// Who wrote for a patient once, and is invited again, gets their own history and not that patient's, and of a conversation that
// was made the patient's alone nothing either.
func TestAFormerProxyIsSentNothingAnew(t *testing.T) {
	posttest.Each(t, testAFormerProxyIsSentNothingAnew)
}

func testAFormerProxyIsSentNothingAnew(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	mateo := w.dependent()
	must(t, w.reg.AddProxy(t.Context(), w.patientOf("dmitri"), w.who["marisol"], ""))
	marisol, dmitri, rosa, clinic := w.at("marisol"), w.at("dmitri"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, dmitri, rosa, clinic} {
		p.pulls()
	}
	own := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	asthma := marisol.writesFor(mateo, "Lee", "Asthma plan", "The school asks for it.", false)
	secret := dmitri.writesFor(dmitri.p.Own(), "Lee", "Something else", "May I ask.", false)
	clinic.inStep()
	rosa.pulls()
	must(t, rosa.desk().Confide(t.Context(), secret))
	rosa.sends()
	clinic.inStep()
	must(t, w.reg.EndProxy(t.Context(), mateo, w.who["marisol"]))
	w.publish()
	clinic.pulls()
	clinic.dealsWithKeys()
	box := marisol.desk().Mailbox
	marisol.off()
	delete(w.people, "marisol")

	invited := w.clock.now()
	w.invited("marisol", "1980-03-04")
	w.mailsPending(nil)
	clinic.pulls()
	clinic.dealsWithKeys()
	again := func(part care.EventID) (n int) {
		var letters []outbox.Letter
		must(t, clinic.desk().DB.Read(t.Context(), func(tx *sql.Tx) (err error) {
			letters, err = clinic.desk().Outbox.ByThread(t.Context(), tx, part)
			return err
		}))
		for _, l := range letters {
			// What the lost computer wrote is confirmed wherever it went: by ids alone.
			if l.Mailbox == box && l.Added.After(invited) && entry(t, clinic, l.Event).Event.Kind != event.Vouch {
				n++
			}
		}
		return n
	}
	if again(own) == 0 {
		t.Error("nothing of their own is sent anew")
	}
	if n := again(asthma); n != 0 {
		t.Errorf("%d letters about the patient for whom they wrote are sent anew", n)
	}
	if n := again(secret); n != 0 {
		t.Errorf("%d letters of what was made the patient's alone are sent anew", n)
	}
}

// Who was removed can alarm nobody: by an event that names a list that does not exist they would tell each member that the
// clinic's list is out of date.
func TestNobodyElseNamesAList(t *testing.T) { posttest.Each(t, testNobodyElseNamesAList) }

func testNobodyElseNamesAList(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	for _, p := range []*person{marisol, rosa, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "Renewed.")
	rosa.sends()
	marisol.pulls()
	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	marisol.pulls()

	said := entry(t, rosa, lastSaid(t, rosa, part))
	late := *said.Event
	late.Dir, late.Body = 1<<40, event.SentBody{Text: "Good bye."}
	raw, signature := rosa.signs(late)
	w.mailsEvent(raw, signature, said.Event.To)
	marisol.pulls()
	w.clock.move(2 * time.Hour)
	marisol.pulls()
	if s := marisol.p.Sync(); strings.Contains(s.Problem, "out of date") {
		t.Errorf("the member is told: %s", s.Problem)
	}
}

func (w *town) patientOf(name string) care.PatientID {
	w.t.Helper()
	for _, p := range w.reg.Patients() {
		if p.Person == w.who[name] {
			return p.Patient.ID
		}
	}
	w.t.Fatalf("%s is no patient", name)
	return ""
}

// The clock of the computer on which a nurse was removed is a year ahead: what she writes afterwards counts no more all the same.
func TestAClockThatIsAhead(t *testing.T) { posttest.Each(t, testAClockThatIsAhead) }

func testAClockThatIsAhead(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, ana, clinic := w.at("marisol"), w.at("rosa"), w.at("ana"), w.at("agent")
	for _, p := range []*person{marisol, rosa, ana, clinic} {
		p.pulls()
	}
	part := marisol.part(marisol.writesAndSends("Lee", "Refill", "No refills left."))
	clinic.inStep()
	rosa.pulls()
	rosa.says(part, "Renewed.")
	rosa.sends()
	clinic.inStep()
	ana.pulls()
	said := entry(t, rosa, lastSaid(t, rosa, part))

	w.reg.Close()
	reg, err := enrol.Open(enrol.Options{Dir: filepath.Join(w.dir, "practice"), Passphrase: passphrase, Accounts: w.mail,
		Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
	must(t, err)
	t.Cleanup(reg.Close)
	w.reg = reg
	must(t, w.reg.RevokeDevice(t.Context(), w.reg.Devices(w.who["rosa"])[0]))
	w.mailsPending(nil)
	clinic.pulls()
	clinic.dealsWithKeys()
	late := *said.Event
	late.At, late.Body = time.Now(), event.SentBody{Text: "Take twice as many."}
	raw, signature := rosa.signs(late)
	w.mailsEvent(raw, signature, said.Event.To)
	clinic.pulls()
	clinic.dealsWithKeys()
	for _, p := range []*person{marisol, ana, clinic} {
		p.pulls()
		equalTexts(t, p.name+" reads", p.texts(part), "No refills left.", "Renewed.")
	}
}
