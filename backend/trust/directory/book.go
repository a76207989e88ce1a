package directory

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// Pin is what a profile learned at its enrolment and believes for ever: which practice, and its root of trust.
type Pin struct {
	Practice care.PracticeID
	Root     care.KeyID
}

// Change is something that a document brought.
type Change struct {
	Kind    string // of the document
	Key     string // the patient, person or key that it is about; of the directory, empty
	Version int    // its version, rev or serial
	Alarm   string // what an administrator must look at; empty if all is well
}

// held is a document in force.
type held[B body] struct {
	doc  Document
	hash string
	body B
}

// Book holds the newest known documents and answers questions about them. It never changes: With gives another. What it
// gives away is to be read, not written. It is safe for concurrent use.
type Book struct {
	pin       Pin
	directory held[*Directory] // body nil: none known yet
	rosters   map[care.PatientID]held[*Roster]
	lists     map[care.PersonID]held[*CareList]
	// certs are all certificates that hold, by the key they are about. Keys are never deleted, only revoked.
	certs map[care.KeyID]held[*Cert]
	// verified are the hashes of certificates with their signatures that held once.
	verified map[[32]byte]bool

	answers
}

// NewBook is the book of a profile that has no document yet.
func NewBook(pin Pin) *Book {
	b := &Book{pin: pin, rosters: map[care.PatientID]held[*Roster]{}, lists: map[care.PersonID]held[*CareList]{},
		certs: map[care.KeyID]held[*Cert]{}, verified: map[[32]byte]bool{}}
	b.answers = b.derive()
	return b
}

// With gives the book that knows these documents too. Their order, and whether they come at once or one by one, does not
// matter (but that a device's certificate that comes by itself needs its registrar's, before it or with it): of two of
// a kind the higher version holds, on a tie the lower hash, with an alarm. A document that is known already or older
// changes nothing and is no error. The error tells of every document and certificate that does not verify: nothing of it
// is in the book, the others are. Give many at once: a call costs time in proportion to what is known.
func (b *Book) With(docs ...Document) (*Book, []Change, error) {
	next := *b
	next.rosters, next.lists = maps.Clone(b.rosters), maps.Clone(b.lists)
	next.certs, next.verified = maps.Clone(b.certs), maps.Clone(b.verified)
	var changes []Change
	var errs []error
	note := func(c []Change, err error) {
		changes = append(changes, c...)
		if err != nil {
			errs = append(errs, err)
		}
	}
	// Certificates first, registrars' before devices': a document may come before the one that brings its signer's.
	docs = slices.DeleteFunc(slices.Clone(docs), Document.Between) // those are in no book
	bodies := make([]body, len(docs))
	for i := range docs {
		var err error
		if bodies[i], err = open(&docs[i]); err != nil {
			note(nil, err)
			continue
		}
		if c, ok := bodies[i].(*Cert); ok && c.For == ForRegistrar {
			note(next.takeCert(docs[i]))
		}
		for _, c := range chainOf(bodies[i]) {
			note(next.takeCert(c.document()))
		}
	}
	for i, body := range bodies {
		if c, ok := body.(*Cert); ok && c.For == ForDevice {
			note(next.takeCert(docs[i]))
		}
	}
	for i, body := range bodies {
		if _, ok := body.(*Cert); body != nil && !ok {
			note(next.take(docs[i], body))
		}
	}
	if len(changes) == 0 {
		return b, nil, errors.Join(errs...)
	}
	next.answers = next.derive()
	return &next, changes, errors.Join(errs...)
}

// open reads a document's bytes, whose kind they say themselves.
func open(d *Document) (body, error) {
	b, err := parse(d.Bytes)
	if err != nil {
		return nil, err
	}
	if kind := b.head().Doc; d.Kind == "" {
		d.Kind = kind
	} else if d.Kind != kind {
		return nil, fmt.Errorf("a %s that is called a %s", kind, d.Kind)
	}
	return b, nil
}

func chainOf(b body) []SignedCert {
	switch b := b.(type) {
	case *Directory:
		return b.Chain
	case *Roster:
		return b.Chain
	case *CareList:
		return b.Chain
	}
	return nil
}

// Verify says why the practice does not stand behind a document; nil if it does, be it in force, older or not yet in the
// book. What is to be kept for the next start is verified first: anybody can seal a document to a mailbox.
func (b *Book) Verify(d Document) error {
	body, err := open(&d)
	if err != nil {
		return err
	}
	if c, ok := body.(*Cert); ok {
		return b.verifyCert(d, c)
	}
	return b.verify(d, body)
}

func (b *Book) verify(d Document, body body) error {
	h := body.head()
	if h.Practice != b.pin.Practice {
		return fmt.Errorf("a %s of another practice", h.Doc)
	}
	signer, ok := b.certs[h.Signer]
	if !ok || signer.body.For != ForRegistrar {
		return fmt.Errorf("a %s whose signer is no registrar of this practice", h.Doc)
	}
	if !seal.Verify(signer.body.Key, labels[h.Doc], d.Bytes, d.Signature) {
		return fmt.Errorf("a %s whose signature does not hold", h.Doc)
	}
	return nil
}

// take checks one document other than a certificate and puts it in its place.
func (b *Book) take(d Document, body body) ([]Change, error) {
	if err := b.verify(d, body); err != nil {
		return nil, err
	}
	h := body.head()
	var inner []SignedCert
	var change Change
	var better bool
	switch body := body.(type) {
	case *Directory:
		inner = body.Certs
		change, better = weigh(Change{Kind: h.Doc, Version: body.Version}, b.directory, d, func(x *Directory) int { return x.Version })
		if was := b.directory; better && was.body != nil && body.Version == was.body.Version+1 && body.Previous != was.hash {
			change.Alarm = fmt.Sprintf("version %d of the clinic's list does not follow the version %d that is known here", body.Version, was.body.Version)
		}
		if better {
			b.directory = held[*Directory]{d, d.Hash(), body}
		}
	case *Roster:
		inner = body.Certs
		id := body.Patient.ID
		change, better = weigh(Change{Kind: h.Doc, Key: string(id), Version: body.Rev}, b.rosters[id], d, func(x *Roster) int { return x.Rev })
		if better {
			b.rosters[id] = held[*Roster]{d, d.Hash(), body}
		}
	case *CareList:
		inner = body.Certs
		change, better = weigh(Change{Kind: h.Doc, Key: string(body.Person), Version: body.Rev}, b.lists[body.Person], d, func(x *CareList) int { return x.Rev })
		if better {
			b.lists[body.Person] = held[*CareList]{d, d.Hash(), body}
		}
	}
	var changes []Change
	if better || change.Alarm != "" {
		changes = append(changes, change)
	}
	// Also an older document's certificates hold: keys are never deleted.
	var errs []error
	for _, c := range inner {
		brought, err := b.takeCert(c.document())
		changes = append(changes, brought...)
		if err != nil {
			errs = append(errs, fmt.Errorf("in a %s: %w", h.Doc, err))
		}
	}
	return changes, errors.Join(errs...)
}

// weigh reports whether d, whose version is in c, takes the place of what is held.
func weigh[B body](c Change, was held[B], d Document, version func(B) int) (Change, bool) {
	if was.hash == "" {
		return c, true
	}
	now := version(was.body)
	if c.Version != now {
		return c, c.Version > now
	}
	hash := d.Hash()
	if hash != was.hash {
		c.Alarm = fmt.Sprintf("there are two different %ss of version %d", c.Kind, c.Version)
	}
	return c, hash < was.hash
}

// takeCert checks a certificate and puts it in its place. One that held before is not verified again.
func (b *Book) takeCert(d Document) ([]Change, error) {
	mark := sha256.Sum256(slices.Concat(d.Signature, d.Bytes))
	if b.verified[mark] {
		return nil, nil
	}
	parsed, err := parse(d.Bytes)
	if err != nil {
		return nil, err
	}
	c, ok := parsed.(*Cert)
	if !ok {
		return nil, fmt.Errorf("a %s in a certificate's place", parsed.head().Doc)
	}
	if err := b.verifyCert(d, c); err != nil {
		return nil, err
	}
	b.verified[mark] = true
	key := seal.Fingerprint(c.Key)
	change, better := weigh(Change{Kind: KindCert, Key: key.String(), Version: c.Serial}, b.certs[key], d, func(x *Cert) int { return x.Serial })
	if better {
		b.certs[key] = held[*Cert]{d, d.Hash(), c}
	}
	if better || change.Alarm != "" {
		return []Change{change}, nil
	}
	return nil, nil
}

func (b *Book) verifyCert(d Document, c *Cert) error {
	if c.Practice != b.pin.Practice {
		return errors.New("a certificate of another practice")
	}
	signer := ed25519.PublicKey(c.Root)
	if c.For == ForRegistrar {
		if c.Signer != b.pin.Root || seal.Fingerprint(signer) != b.pin.Root {
			return errors.New("a registrar's certificate that the pinned root did not sign")
		}
	} else {
		by, ok := b.certs[c.Signer]
		if !ok || by.body.For != ForRegistrar {
			return errors.New("a device's certificate whose signer is no registrar of this practice")
		}
		signer = by.body.Key
	}
	if !seal.Verify(signer, seal.LabelCert, d.Bytes, d.Signature) {
		return errors.New("a certificate whose signature does not hold")
	}
	return nil
}

// InForce is one document in force, but for certificates.
type InForce struct {
	Kind    string
	Key     string // the patient or person that it is about; of the directory, empty
	Version int
	Hash    string
}

// InForce gives the directory, rosters and care lists in force, in no order.
func (b *Book) InForce() iter.Seq[InForce] {
	return func(yield func(InForce) bool) {
		if x := b.directory; x.body != nil && !yield(InForce{KindDirectory, "", x.body.Version, x.hash}) {
			return
		}
		for id, x := range b.rosters {
			if !yield(InForce{KindRoster, string(id), x.body.Rev, x.hash}) {
				return
			}
		}
		for id, x := range b.lists {
			if !yield(InForce{KindCare, string(id), x.body.Rev, x.hash}) {
				return
			}
		}
	}
}

// For gives those of the documents in force that belong in a mailbox where events about these patients are: of an office the
// practice's directory and the rosters of these patients and of its own; of anybody else all that are known here.
func (b *Book) For(box care.MailboxID, about map[care.PatientID]bool) []Document {
	office, is := b.officeOf[box]
	if !is {
		return b.Documents()
	}
	out := []Document{b.directory.doc}
	for _, id := range slices.Sorted(maps.Keys(b.rosters)) {
		x := b.rosters[id]
		if about[id] || slices.ContainsFunc(x.body.Relations, func(r care.Relation) bool { return r.Office == office }) {
			out = append(out, x.doc)
		}
	}
	return out
}

// Documents gives the documents in force, in a fixed order: a book made of them answers alike.
func (b *Book) Documents() []Document {
	var out []Document
	carried := map[string]bool{}
	add := func(d Document, certs ...[]SignedCert) {
		out = append(out, d)
		for _, list := range certs {
			for _, c := range list {
				carried[string(c.Cert)] = true
			}
		}
	}
	if x := b.directory; x.body != nil {
		add(x.doc, x.body.Chain, x.body.Certs)
	}
	for _, id := range slices.Sorted(maps.Keys(b.rosters)) {
		x := b.rosters[id]
		add(x.doc, x.body.Chain, x.body.Certs)
	}
	for _, id := range slices.Sorted(maps.Keys(b.lists)) {
		x := b.lists[id]
		add(x.doc, x.body.Chain, x.body.Certs)
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.certs), func(x, y care.KeyID) int { return bytes.Compare(x[:], y[:]) }) {
		if x := b.certs[key]; !carried[string(x.doc.Bytes)] {
			out = append(out, x.doc)
		}
	}
	return out
}
