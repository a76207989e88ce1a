// Package directory answers who is who in a practice and who may do what, from documents that the practice signed.
//
// Documents come by mail in any order, twice, or years late; a Book takes those that the pinned root stands behind, keeps
// the newest of each, and is never changed by a document that is older, foreign or not well signed. It says nothing of
// what events mean. The shapes: docs/format.md.
package directory

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/trust/seal"
)

// Kinds of documents.
const (
	KindDirectory = "directory" // the practice: one whole document, versioned
	KindRoster    = "roster"    // one patient, to the offices that may know them
	KindCare      = "care"      // one member: whom they may write to, and for whom
	KindCert      = "cert"      // one key: whose it is and what it may sign
)

// Version is the version of documents that this program writes.
const Version = 1

// ErrNewer marks a document that a newer Postern wrote.
var ErrNewer = errors.New("written by a newer Postern")

// Document is one signed document. Kind is read from Bytes, and what was signed is the kind's label and Bytes.
type Document struct {
	Kind      string
	Bytes     []byte
	Signature []byte
}

// Content is the document as a letter carries it.
func (d Document) Content() seal.Content {
	return seal.Content{Type: seal.TypeDocument, Bytes: d.Bytes, Signature: d.Signature}
}

// Hash names the document by its content, 52 characters: what the next version of a directory calls previous.
func (d Document) Hash() string {
	h := sha256.New()
	h.Write([]byte(labels[d.Kind]))
	h.Write(d.Bytes)
	return care.EventID(h.Sum(nil)).String()
}

var labels = map[string]seal.Label{
	KindDirectory: seal.LabelDirectory,
	KindRoster:    seal.LabelRoster,
	KindCare:      seal.LabelCare,
	KindCert:      seal.LabelCert,
	KindAnswer:    seal.LabelInvite,
	KindGrant:     seal.LabelGrant,
}

// Parse reads a document out of a letter. It refuses what is malformed, and ErrNewer marks what a newer Postern wrote.
// It does not ask who signed: Book.With does.
func Parse(c seal.Content) (Document, error) {
	if c.Type != seal.TypeDocument {
		return Document{}, fmt.Errorf("content type %d is not a document", c.Type)
	}
	if len(c.Signature) != ed25519.SignatureSize {
		return Document{}, errors.New("a document has a signature of 64 bytes")
	}
	b, err := parse(c.Bytes)
	if err != nil {
		return Document{}, err
	}
	return Document{Kind: b.head().Doc, Bytes: c.Bytes, Signature: c.Signature}, nil
}

// body is one of *Directory, *Roster, *CareList, *Cert, *Answer, *Grant.
type body interface {
	head() *Head
	check() error
}

func newBody(kind string) body {
	switch kind {
	case KindDirectory:
		return &Directory{}
	case KindRoster:
		return &Roster{}
	case KindCare:
		return &CareList{}
	case KindCert:
		return &Cert{}
	case KindAnswer:
		return &Answer{}
	case KindGrant:
		return &Grant{}
	}
	return nil
}

func parse(raw []byte) (body, error) {
	if err := strict(raw); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	var h Head
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if h.V > Version {
		return nil, fmt.Errorf("document of version %d: %w", h.V, ErrNewer)
	}
	b := newBody(h.Doc)
	if b == nil || h.V != Version {
		return nil, fmt.Errorf("document of kind %q, version %d is not known", h.Doc, h.V)
	}
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("%s: %w", h.Doc, err)
	}
	if err := errors.Join(b.head().check(), b.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", h.Doc, err)
	}
	return b, nil
}

// Head is what every document begins with. Sign fills Doc, V and Signer.
type Head struct {
	Doc      string          `json:"doc"`
	V        int             `json:"v"`
	Practice care.PracticeID `json:"practice"`
	Signer   care.KeyID      `json:"signer"`
	At       string          `json:"at"` // when it was signed, "2026-11-23T09:00:00.000Z"; shown, never decides
}

func (h *Head) head() *Head { return h }

func (h *Head) check() error {
	if !care.ValidID("pr", string(h.Practice)) {
		return fmt.Errorf("practice %q is not an id", h.Practice)
	}
	if h.Signer.IsZero() {
		return errors.New("it names no signer")
	}
	return checkTime(h.At)
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// Time gives a time as documents write it.
func Time(t time.Time) string { return t.UTC().Format(timeLayout) }

func checkTime(s string) error {
	if t, err := time.Parse(timeLayout, s); err != nil || t.Format(timeLayout) != s {
		return fmt.Errorf("%q is not a time as documents write it", s)
	}
	return nil
}

// Sign makes the signed document of a *Directory, *Roster, *CareList, *Cert, *Answer or *Grant, whose head it completes. It refuses what
// Parse would refuse.
func Sign(key ed25519.PrivateKey, b interface{ head() *Head }) (Document, error) {
	var kind string
	switch b.(type) {
	case *Directory:
		kind = KindDirectory
	case *Roster:
		kind = KindRoster
	case *CareList:
		kind = KindCare
	case *Cert:
		kind = KindCert
	case *Answer:
		kind = KindAnswer
	case *Grant:
		kind = KindGrant
	default:
		return Document{}, fmt.Errorf("sign: %T is not a document", b)
	}
	h := b.head()
	h.Doc, h.V, h.Signer = kind, Version, seal.Fingerprint(key.Public().(ed25519.PublicKey))
	raw, err := json.Marshal(b)
	if err != nil {
		return Document{}, fmt.Errorf("sign %s: %w", kind, err)
	}
	if len(raw) > seal.MaxContent {
		return Document{}, fmt.Errorf("sign %s: %d bytes do not fit into a letter", kind, len(raw))
	}
	if _, err := parse(raw); err != nil {
		return Document{}, fmt.Errorf("sign: %w", err)
	}
	return Document{Kind: kind, Bytes: raw, Signature: seal.Sign(key, labels[kind], raw)}, nil
}
