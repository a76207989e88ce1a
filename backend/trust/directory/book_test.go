package directory

import (
	"bytes"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

func TestABookAnswers(t *testing.T) {
	c := newClinic(t)
	b := c.whole()
	if b.Version() != 1 || b.Practice().Name != "Alder Street Clinic" || b.Practice().ID != practiceID {
		t.Errorf("practice %+v of version %d", b.Practice(), b.Version())
	}
	if o := b.Offices(); len(o) != 2 || o[0].ID != leeOffice {
		t.Errorf("offices %v", o)
	}
	if o, ok := b.Office(ramanOffice); !ok || o.Mailbox != ramanBox {
		t.Errorf("office %v", o)
	}
	if o := b.OfficesOf(rosa); len(o) != 1 || o[0].ID != leeOffice {
		t.Errorf("Rosa's offices %v", o)
	}
	if o := b.OfficesOf(agent); len(o) != 2 {
		t.Errorf("the agent's offices %v", o)
	}
	if s := b.Staff(); len(s) != 3 || s[1].Name != "Rosa Delgado" {
		t.Errorf("staff %v", s)
	}
	if p, ok := b.Person(dmitri); !ok || p.Name != "Dmitri Volkov" {
		t.Errorf("person %v", p)
	}
	if p, ok := b.Patient(mateoPt); !ok || p.MRN != "5510 2846" {
		t.Errorf("patient %v", p)
	}
	if p := b.Patients(); len(p) != 3 || p[0].ID != dmitriPt || p[2].ID != mateoPt {
		t.Errorf("patients %v", p)
	}
	if r := b.Relations(dmitriPt); len(r) != 2 || r[1].Seen != "2026-09-01" {
		t.Errorf("relations %v", r)
	}
	if r := b.Readers(mateoPt); !slices.Equal(r, []care.MailboxID{marisolBox}) {
		t.Errorf("readers %v", r)
	}
	if w := b.WritesFor(marisol); !slices.Equal(w, []care.PatientID{marisolPt, mateoPt}) {
		t.Errorf("writes for %v", w)
	}
	for _, id := range []care.MailboxID{clinicBox, leeBox, marisolBox} {
		if m, ok := b.Mailbox(id); !ok || m.Address == "" || m.Key != c.box {
			t.Errorf("mailbox %v", m)
		}
	}
	if k, ok := b.PublicKey(keyID(c.rosaKey)); !ok || !k.Equal(public(c.rosaKey)) {
		t.Error("Rosa's key is not known")
	}
	for _, ok := range []bool{
		func() bool { _, ok := b.Office("of_cccccccccccccccc"); return ok }(),
		func() bool { _, ok := b.Person("ps_ffffffffffffffff"); return ok }(),
		func() bool { _, ok := b.Patient("pt_ffffffffffffffff"); return ok }(),
		func() bool { _, ok := b.Mailbox(unknownBox); return ok }(),
		func() bool { _, ok := b.PublicKey(care.KeyID{1}); return ok }(),
		b.Relations("pt_ffffffffffffffff") != nil, b.Readers("pt_ffffffffffffffff") != nil, b.OfficesOf(marisol) != nil,
	} {
		if ok {
			t.Error("something is known that is not")
		}
	}
}

func TestAnEmptyBookKnowsItsPractice(t *testing.T) {
	b := NewBook(newClinic(t).pin())
	if b.Practice().ID != practiceID || b.Version() != 0 || len(b.Documents()) != 0 || len(b.Patients()) != 0 || b.Offices() != nil {
		t.Errorf("%+v", b.Practice())
	}
}

func TestAMembersBook(t *testing.T) {
	c := newClinic(t)
	b := c.with(NewBook(c.pin()), c.careListOfMarisol(1), c.directory(1, ""))
	if p := b.Patients(); len(p) != 2 || len(b.Relations(mateoPt)) != 1 || len(b.Readers(marisolPt)) != 1 {
		t.Errorf("patients %v", p)
	}
	if _, ok := b.PublicKey(keyID(c.marisolKey)); !ok {
		t.Error("the member's own key is not known")
	}
}

// Whatever order documents come in, at once or one by one, twice or not, the book is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	c := newClinic(t)
	first := c.directory(1, "")
	second := c.directory(2, first.Hash(), func(d *Directory) { d.Clinic.Name = "Alder Street Clinic, moved" })
	docs := []Document{first, second, c.rosterOfMarisol(1), c.rosterOfMarisol(3), c.rosterOfMarisol(2), c.rosterOfMateo(1),
		c.rosterOfDmitri(1), c.careListOfMarisol(1), c.registrarCert(),
		c.directory(2, first.Hash(), func(d *Directory) { d.Clinic.Name = "A second version 2" })}
	want := c.with(NewBook(c.pin()), docs...)
	rnd := rand.New(rand.NewSource(1))
	for range 30 {
		order := append(slices.Clone(docs), docs[:4]...)
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		b := NewBook(c.pin())
		for len(order) > 0 {
			n := 1 + rnd.Intn(len(order))
			b = c.with(b, order[:n]...)
			order = order[n:]
		}
		if !reflect.DeepEqual(b.Documents(), want.Documents()) {
			t.Fatal("another order makes another book")
		}
		if b.Version() != 2 || b.Practice().Name != want.Practice().Name {
			t.Fatalf("version %d, %s", b.Version(), b.Practice().Name)
		}
	}
}

// A book is made again from the documents in force, after a restart.
func TestDocumentsMakeTheSameBook(t *testing.T) {
	c := newClinic(t)
	b := c.with(c.whole(), c.careListOfMarisol(1), c.cert(seeded(40), rosa, care.RoleNurse, leeOffice))
	// A later directory that forgot a certificate: keys are never deleted.
	last := b.directory.doc
	b = c.with(b, c.directory(2, last.Hash(), func(d *Directory) { d.Certs = nil }))
	again := c.with(NewBook(c.pin()), b.Documents()...)
	if !reflect.DeepEqual(again.Documents(), b.Documents()) {
		t.Error("other documents")
	}
	for _, k := range []care.KeyID{keyID(seeded(40)), keyID(c.leeKey), keyID(c.registrar)} {
		if _, ok := again.PublicKey(k); !ok {
			t.Errorf("key %s is lost", k.Shown())
		}
	}
}

func TestOlderIsRefused(t *testing.T) {
	c := newClinic(t)
	old := c.directory(1, "")
	b := c.with(NewBook(c.pin()), c.directory(2, old.Hash(), func(d *Directory) { d.Clinic.Name = "new" }), c.rosterOfMarisol(2, func(r *Roster) { r.Patient.Phone = "new" }))
	next, changes, err := b.With(old, c.rosterOfMarisol(1))
	if err != nil || next.Practice().Name != "new" || next.Version() != 2 {
		t.Errorf("%v %v", next.Practice(), err)
	}
	if p, _ := next.Patient(marisolPt); p.Phone != "new" {
		t.Error("an older roster took the newer one's place")
	}
	for _, d := range []Document{old, c.rosterOfMarisol(1), c.registrarCert(), c.cert(c.rosaKey, rosa, care.RoleNurse)} {
		if err := next.Verify(d); err != nil {
			t.Errorf("a %s that is older does not verify: %v", d.Kind, err)
		}
	}
	for _, ch := range changes {
		if ch.Kind != KindCert {
			t.Errorf("a change: %+v", ch)
		}
	}
	if same, changes, err := next.With(next.Documents()...); same != next || changes != nil || err != nil {
		t.Errorf("what is known already is a change: %v %v", changes, err)
	}
}

func TestTwoOfOneVersionAlarm(t *testing.T) {
	c := newClinic(t)
	x, y := c.rosterOfMarisol(1, func(r *Roster) { r.Patient.Phone = "1" }), c.rosterOfMarisol(1, func(r *Roster) { r.Patient.Phone = "2" })
	if x.Hash() > y.Hash() {
		x, y = y, x
	}
	for _, order := range [][]Document{{x, y}, {y, x}} {
		b := c.with(NewBook(c.pin()), order[0])
		b, changes, err := b.With(order[1])
		if err != nil || len(changes) == 0 || changes[0].Alarm == "" {
			t.Errorf("no alarm: %v %v", changes, err)
		}
		if !bytes.Equal(b.rosters[marisolPt].doc.Bytes, x.Bytes) {
			t.Error("the higher hash won")
		}
	}
}

func TestABrokenChainOfVersionsAlarms(t *testing.T) {
	c := newClinic(t)
	b := c.with(NewBook(c.pin()), c.directory(1, ""))
	_, changes, err := b.With(c.directory(2, c.rosterOfMarisol(1).Hash()))
	if err != nil || !slices.ContainsFunc(changes, func(c Change) bool { return c.Alarm != "" }) {
		t.Errorf("no alarm: %v %v", changes, err)
	}
}

func TestForeignAndForgedAreRefused(t *testing.T) {
	c := newClinic(t)
	// Another practice, whole and well signed by its own root.
	foreign := newClinic(t)
	foreign.root, foreign.registrar = seeded(21), seeded(22)
	foreign.chain = []SignedCert{foreign.registrarCert().Embed()}
	// A stranger who puts the real chain around what they sign.
	stranger := newClinic(t)
	stranger.registrar = seeded(23)
	stranger.chain = c.chain
	// A device of the practice that plays registrar.
	device := newClinic(t)
	device.registrar = c.rosaKey
	device.chain = append(slices.Clone(c.chain), c.cert(c.rosaKey, rosa, care.RoleNurse, leeOffice).Embed())
	// A registrar's certificate that names our root and is signed by another key.
	liar := newClinic(t)
	liar.registrar = seeded(24)
	cert := liar.sign(seeded(25), &Cert{Head: head(), Serial: 1, For: ForRegistrar, Key: public(liar.registrar), Root: public(c.root)})
	liar.chain = []SignedCert{cert.Embed()}

	other := c.sign(c.registrar, &Roster{Head: Head{Practice: otherID, At: head().At}, Chain: c.chain, Rev: 1,
		Patient: care.Patient{ID: marisolPt, Name: "x"}})
	tampered := c.rosterOfMarisol(1)
	tampered.Bytes = bytes.Replace(tampered.Bytes, []byte("Marisol"), []byte("Mallory"), 1)
	asAnother := c.rosterOfMarisol(1)
	asAnother.Signature = seal.Sign(c.registrar, seal.LabelCare, asAnother.Bytes)
	misnamed := c.rosterOfMarisol(1)
	misnamed.Kind = KindDirectory

	empty := NewBook(c.pin())
	for name, d := range map[string]Document{
		"another practice's directory": foreign.directory(1, ""), "another practice's roster": foreign.rosterOfMarisol(1),
		"a stranger's directory": stranger.directory(1, ""), "a device's directory": device.directory(1, ""),
		"a liar's directory": liar.directory(1, ""), "a document about another practice": other,
		"changed bytes": tampered, "signed as another kind": asAnother, "called another kind": misnamed,
		"a stranger's certificate": stranger.cert(seeded(30), rosa, care.RoleNurse, leeOffice),
		"no document":              {Kind: KindRoster, Bytes: []byte("{}"), Signature: make([]byte, 64)},
	} {
		b, _, err := empty.With(d, c.rosterOfDmitri(1))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if b.Verify(d) == nil {
			t.Errorf("%s: it verifies", name)
		}
		if b.Version() != 0 || len(b.Patients()) != 1 || len(b.Staff()) != 0 {
			t.Errorf("%s: it is in the book", name)
		}
		if _, ok := b.PublicKey(keyID(seeded(30))); ok {
			t.Errorf("%s: its key is known", name)
		}
		if _, ok := b.Patient(dmitriPt); !ok {
			t.Errorf("%s: the good document beside it is not in the book", name)
		}
	}
}

// A certificate in a document that its registrar did not sign is left out; the document holds.
func TestABadCertificateInAGoodDocument(t *testing.T) {
	c := newClinic(t)
	bad := c.cert(seeded(31), rosa, care.RoleNurse, leeOffice)
	bad.Signature = seal.Sign(seeded(99), seal.LabelCert, bad.Bytes)
	b, _, err := NewBook(c.pin()).With(c.directory(1, "", func(d *Directory) { d.Certs = append(d.Certs, bad.Embed()) }))
	if err == nil || b.Version() != 1 {
		t.Errorf("version %d, %v", b.Version(), err)
	}
	if _, ok := b.PublicKey(keyID(seeded(31))); ok {
		t.Error("the key is known")
	}
	if _, ok := b.PublicKey(keyID(c.rosaKey)); !ok {
		t.Error("the good key is not known")
	}
}

func TestABookNeverChanges(t *testing.T) {
	c := newClinic(t)
	b := c.whole()
	before := fmt.Sprint(b.Documents(), b.Patients(), b.Offices(), b.Version())
	docs := []Document{c.directory(2, b.directory.hash, func(d *Directory) { d.Staff = d.Staff[:1] }), c.rosterOfMarisol(9), {Bytes: b.Documents()[0].Bytes, Signature: b.Documents()[0].Signature}}
	if _, _, err := b.With(docs...); err != nil {
		t.Fatal(err)
	}
	if docs[2].Kind != "" {
		t.Error("With wrote into its argument")
	}
	b.Offices()[0].Name = "mine"
	b.Patients()[0].Name = "mine"
	if after := fmt.Sprint(b.Documents(), b.Patients(), b.Offices(), b.Version()); after != before {
		t.Error("the book changed")
	}
}

func TestParse(t *testing.T) {
	c := newClinic(t)
	for _, d := range []Document{c.directory(1, ""), c.rosterOfMarisol(1), c.careListOfMarisol(1), c.registrarCert(), c.cert(c.rosaKey, rosa, care.RoleNurse)} {
		got, err := Parse(d.Content())
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s: %v", d.Kind, err)
		}
	}
	good := string(c.rosterOfMarisol(1).Bytes)
	sig := make([]byte, 64)
	for name, raw := range map[string]string{
		"twice":              strings.Replace(good, `"rev":1`, `"rev":1,"rev":2`, 1),
		"another spelling":   strings.Replace(good, `"rev":1`, `"rev":1,"REV":2`, 1),
		"only spelled so":    strings.Replace(good, `"rev":1`, `"Rev":1`, 1),
		"kelvin sign":        strings.Replace(good, `"generation":1`, `"generation":1,"\u212aey":1`, 1),
		"twice, deep":        strings.Replace(good, `"mrn":"4471 9082"`, `"mrn":"4471 9082","mrn":"1"`, 1),
		"unknown twice":      strings.Replace(good, `"rev":1`, `"rev":1,"new":2,"NEW":3`, 1),
		"behind":             good + "{}",
		"bad UTF-8":          strings.Replace(good, "Marisol", "Mari\xffsol", 1),
		"cut":                good[:len(good)-1],
		"a list":             "[" + good + "]",
		"no object":          "null",
		"deep":               strings.Replace(good, `"rev":1`, `"rev":1,"new":`+strings.Repeat("[", 100)+strings.Repeat("]", 100), 1),
		"no kind":            strings.Replace(good, `"doc":"roster"`, `"doc":"grant"`, 1),
		"version 0":          strings.Replace(good, `"v":1`, `"v":0`, 1),
		"no practice":        strings.Replace(good, string(practiceID), "pr_", 1),
		"no signer":          strings.Replace(good, keyID(c.registrar).String(), "", 1),
		"no time":            strings.Replace(good, "2026-11-23T09", "2026-11-23 09", 1),
		"time elsewhere":     strings.Replace(good, `.000Z"`, `.000+01:00"`, 1),
		"rev 0":              strings.Replace(good, `"rev":1`, `"rev":0`, 1),
		"a number as text":   strings.Replace(good, `"rev":1`, `"rev":"1"`, 1),
		"no patient":         strings.Replace(good, string(marisolPt), "marisol", 1),
		"no key":             strings.Replace(good, "age1pq1", "age1pq2", 1),
		"generation 0":       strings.Replace(good, `"generation":1`, `"generation":0`, 1),
		"a reader of staff":  strings.Replace(good, `"role":"member"`, `"role":"nurse"`, 1),
		"another's mailbox":  strings.Replace(good, `"mailbox":"`+string(marisolBox), `"mailbox":"`+string(dmitriBox), 1),
		"relation to nobody": strings.Replace(good, `"office":"of_`, `"office":"xx_`, 1),
	} {
		if raw == good {
			t.Errorf("%s: the test varies nothing", name)
		}
		if _, err := Parse(seal.Content{Type: seal.TypeDocument, Bytes: []byte(raw), Signature: sig}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	newer := seal.Content{Type: seal.TypeDocument, Bytes: []byte(strings.Replace(good, `"v":1`, `"v":2`, 1)), Signature: sig}
	if _, err := Parse(newer); err == nil || !strings.Contains(err.Error(), ErrNewer.Error()) {
		t.Errorf("newer: %v", err)
	}
	unknown := seal.Content{Type: seal.TypeDocument, Bytes: []byte(strings.Replace(good, `"rev":1`, `"rev":1,"later":{"a":[1]}`, 1)), Signature: sig}
	if _, err := Parse(unknown); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
	if _, err := Parse(seal.Content{Type: seal.TypeEvent, Bytes: []byte(good), Signature: sig}); err == nil {
		t.Error("an event is taken for a document")
	}
	if _, err := Parse(seal.Content{Type: seal.TypeDocument, Bytes: []byte(good)}); err == nil {
		t.Error("a document without signature is taken")
	}
}

func TestSignRefusesWhatParseRefuses(t *testing.T) {
	c := newClinic(t)
	for name, edit := range map[string]func(*Directory){
		"version 0":           func(d *Directory) { d.Version = 0 },
		"another practice":    func(d *Directory) { d.Clinic.ID = otherID },
		"mailbox twice":       func(d *Directory) { d.Mailboxes = append(d.Mailboxes, d.Mailboxes[0]) },
		"one mailbox for two": func(d *Directory) { d.Offices[1].Mailbox = leeBox },
		"the practice's":      func(d *Directory) { d.Offices[1].Mailbox = clinicBox },
		"no mailbox":          func(d *Directory) { d.Mailboxes = d.Mailboxes[:2] },
		"no practice mailbox": func(d *Directory) { d.Clinic.Mailbox = unknownBox },
		"office twice":        func(d *Directory) { d.Offices[1].ID = leeOffice },
		"person twice":        func(d *Directory) { d.Staff[1].ID = lee },
		"a member":            func(d *Directory) { d.Staff[1].Role = care.RoleMember },
		"of no office":        func(d *Directory) { d.Staff[1].Offices = []care.OfficeID{"of_cccccccccccccccc"} },
		"revoked nothing":     func(d *Directory) { d.Revoked = []Revoked{{At: head().At}} },
		"revoked never":       func(d *Directory) { d.Revoked = []Revoked{{Key: care.KeyID{1}}} },
		"no hash before":      func(d *Directory) { d.Version, d.Previous = 2, "x" },
	} {
		d, err := parse(c.directory(1, "").Bytes)
		if err != nil {
			t.Fatal(err)
		}
		edit(d.(*Directory))
		if _, err := Sign(c.registrar, d); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	for name, cert := range map[string]Cert{
		"no key":                     {Serial: 1, For: ForDevice, Person: rosa, Role: care.RoleNurse},
		"no serial":                  {For: ForDevice, Key: public(c.rosaKey), Person: rosa, Role: care.RoleNurse},
		"no purpose":                 {Serial: 1, Key: public(c.rosaKey), Person: rosa, Role: care.RoleNurse},
		"no role":                    {Serial: 1, For: ForDevice, Key: public(c.rosaKey), Person: rosa},
		"no person":                  {Serial: 1, For: ForDevice, Key: public(c.rosaKey), Role: care.RoleNurse},
		"a member of an office":      {Serial: 1, For: ForDevice, Key: public(c.rosaKey), Person: rosa, Role: care.RoleMember, Offices: []care.OfficeID{leeOffice}},
		"a device with a root":       {Serial: 1, For: ForDevice, Key: public(c.rosaKey), Person: rosa, Role: care.RoleNurse, Root: public(c.root)},
		"a registrar without a root": {Serial: 1, For: ForRegistrar, Key: public(c.rosaKey)},
		"a registrar with a role":    {Serial: 1, For: ForRegistrar, Key: public(c.rosaKey), Root: public(c.root), Role: care.RoleNurse},
	} {
		cert.Head = head()
		if _, err := Sign(c.registrar, &cert); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// FuzzParse gives documents of a stranger's making to whoever opens letters: nothing panics, what is taken stays as it is,
// and none of it gets into a book.
func FuzzParse(f *testing.F) {
	c := newClinic(f)
	for _, d := range []Document{c.directory(1, ""), c.rosterOfMarisol(1), c.careListOfMarisol(1), c.registrarCert(), c.cert(c.rosaKey, rosa, care.RoleNurse)} {
		f.Add(d.Bytes)
	}
	f.Add([]byte(`{"doc":"cert","v":1}`))
	empty := NewBook(Pin{practiceID, keyID(seeded(77))})
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(seal.Content{Type: seal.TypeDocument, Bytes: raw, Signature: make([]byte, 64)})
		if err != nil {
			return
		}
		if !bytes.Equal(d.Bytes, raw) || labels[d.Kind] == "" {
			t.Fatal("taken, and changed")
		}
		if b, changes, err := empty.With(d); err == nil || b != empty || len(changes) != 0 {
			t.Fatal("it is in the book")
		}
	})
}

func BenchmarkBookOf1000Patients(b *testing.B) {
	c := newClinic(b)
	docs := []Document{c.directory(1, "")}
	for i := range 1000 {
		docs = append(docs, c.rosterOfMarisol(1, func(r *Roster) {
			r.Patient.ID = care.PatientID(fmt.Sprintf("pt_aaaaaaaaaaaa%s", base32of(i)))
		}))
	}
	for b.Loop() {
		if book := c.with(NewBook(c.pin()), docs...); len(book.Patients()) != 1000 {
			b.Fatal(len(book.Patients()))
		}
	}
}

func base32of(i int) string {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	return string([]byte{digits[i>>15&31], digits[i>>10&31], digits[i>>5&31], digits[i&31]})
}
