// Package enrol makes a practice, its offices, its people and their profiles, and signs the documents that tell everybody
// of them.
//
// A Registrar holds the practice's signing key and the keys of all its mailboxes; whoever opens its file can read
// everything and let anybody in, so that file belongs on one computer of the clinic, under a passphrase of its own.
// Others come in by an invitation: a file, and a code that goes another way. Who has both answers with new keys of their own,
// and is granted what is theirs, sealed to the device that asked. Profiles can also be made on the registrar's computer, for a
// demo and for trying things out.
package enrol

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/backend/trust/directory"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// Accounts makes mailboxes and logins at the mail system.
type Accounts interface {
	// Mailbox makes the mailbox with this local part and gives its address.
	Mailbox(ctx context.Context, local string) (address string, err error)
	// Login makes a login of its own, with a random name and password, that reads the mailbox. An owner (a member) may do
	// everything there; a reader (staff) may read and submit; with neither it is the agent's, which may file letters too.
	Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error)
	// Without ends a login: its sessions end, and its password opens nothing. One that is not there is care.NotFound.
	Without(ctx context.Context, name string) error
}

// Options say where a registrar's files are and what it works with.
type Options struct {
	Dir        string
	Passphrase string
	Root       string           // passphrase of the root's file, when a practice is made; "": Passphrase
	Accounts   Accounts         // needed by what makes mailboxes and profiles
	Now        func() time.Time // nil: time.Now
	Params     vault.Params     // of every vault that is made; zero: vault.Default
	// Known, where it is set, gives what is known of the practice's documents beside this file; an error where it is not known
	// yet. A file that knows less is an older copy of the registrar's, and signs nothing.
	Known func() (*directory.Book, error)
}

const (
	rootFile      = "root.json"      // the root's key: opened once, when the practice is made. It can be kept elsewhere
	registrarFile = "registrar.json" // everything else
)

// Registrar makes the practice's documents. It is safe for concurrent use. After an error of any of its methods the
// practice is as it was; a mailbox that was made at the mail system meanwhile stays there, empty.
type Registrar struct {
	options Options
	box     *vault.Box

	mu    sync.Mutex
	state state
	book  *directory.Book // of all documents; nil: to be made anew
	known *directory.Book // by which this file was last found to be the newest
	made  made            // at the mail system, by the change under way
}

// New makes a practice: its root, its registrar, its mailbox and the first version of its directory. The practice's id
// and mailbox are given here. It makes the folder, and refuses one that has a practice (care.Conflict), a practice without
// name and a calendar that does not hold together (care.Invalid).
func New(ctx context.Context, o Options, p care.Practice) (*Registrar, error) {
	if p.Name == "" {
		return nil, care.Refusef(care.Invalid, "A practice needs a name.").In("name")
	}
	if err := cmp.Or(checkCalendar(p.Calendar), plainPractice(p)); err != nil {
		return nil, err
	}
	for _, name := range []string{rootFile, registrarFile} {
		if _, err := os.Lstat(filepath.Join(o.Dir, name)); !errors.Is(err, os.ErrNotExist) {
			return nil, care.Because(care.Conflict, err, "There is a practice in this folder already.")
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make practice: %w", err)
	}
	r := &Registrar{options: withDefaults(o)}
	root := newKey()
	defer clear(root)
	p.ID = care.PracticeID(care.NewID("pr"))
	r.state = state{Practice: p, Registrar: newKey(), Root: root.Public().(ed25519.PublicKey)}
	s := &r.state
	s.Serial++
	chain, err := directory.Sign(root, &directory.Cert{Head: r.head(), Serial: s.Serial, For: directory.ForRegistrar,
		Key: s.Registrar.Public().(ed25519.PublicKey), Root: s.Root})
	if err != nil {
		return nil, err
	}
	s.Chain = []directory.SignedCert{chain.Embed()}
	if s.Practice.Mailbox, err = r.newMailbox(ctx, false); err != nil {
		return nil, err
	}
	if err := r.issue(touched{directory: true}); err != nil {
		return nil, err
	}
	if err := vault.CreateBox(r.options.Params, filepath.Join(o.Dir, rootFile), "Root of "+p.Name, cmp.Or(o.Root, o.Passphrase), root); err != nil {
		return nil, err
	}
	content, err := json.Marshal(r.state)
	if err != nil {
		return nil, fmt.Errorf("make practice: %w", err)
	}
	defer clear(content)
	path := filepath.Join(o.Dir, registrarFile)
	if err := vault.CreateBox(r.options.Params, path, p.Name, o.Passphrase, content); err != nil {
		return nil, errors.Join(err, os.Remove(filepath.Join(o.Dir, rootFile)))
	}
	r.box, err = vault.OpenBox(path, o.Passphrase)
	return r, err
}

// Open opens the registrar of the practice in the folder. A wrong passphrase is care.Invalid, a damaged file care.Corrupt;
// a missing one wraps os.ErrNotExist.
func Open(o Options) (*Registrar, error) {
	box, err := vault.OpenBox(filepath.Join(o.Dir, registrarFile), o.Passphrase)
	if err != nil {
		return nil, err
	}
	r := &Registrar{options: withDefaults(o), box: box}
	if err := r.reload(); err != nil {
		box.Close()
		return nil, err
	}
	return r, nil
}

func withDefaults(o Options) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Params == (vault.Params{}) {
		o.Params = vault.Default
	}
	return o
}

// Close wipes the keys, as far as Go can. The registrar is of no use afterwards. It may run twice.
func (r *Registrar) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.box.Close()
	clear(r.state.Registrar)
	r.state, r.book = state{}, nil
}

// Pin is what every profile of this practice believes.
func (r *Registrar) Pin() directory.Pin {
	r.mu.Lock()
	defer r.mu.Unlock()
	return directory.Pin{Practice: r.state.Practice.ID, Root: seal.Fingerprint(r.state.Root)}
}

// Book is the practice as its newest documents have it, all rosters and care lists among them.
func (r *Registrar) Book() (*directory.Book, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.book == nil {
		pin := directory.Pin{Practice: r.state.Practice.ID, Root: seal.Fingerprint(r.state.Root)}
		book, _, err := directory.NewBook(pin).With(r.state.documents()...)
		if err != nil {
			return nil, fmt.Errorf("read the practice's documents: %w", err)
		}
		r.book = book
	}
	return r.book, nil
}

// change does one thing to the practice, signs what it touched and writes it down. On an error nothing has changed.
func (r *Registrar) change(do func(s *state) (touched, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.newest(); err != nil {
		return err
	}
	r.made = made{}
	what, err := do(&r.state)
	if err == nil {
		err = r.issue(what)
	}
	if err != nil {
		return errors.Join(err, r.reload(), r.giveBack())
	}
	if err := r.save(); err != nil { // what was made may be written down all the same: it is not given back
		return errors.Join(err, r.reload())
	}
	r.book = nil
	return nil
}

// Fit says why this registrar may not sign; nil if it may. care.Conflict: it is an older copy.
func (r *Registrar) Fit() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest()
}

// newest refuses to go on from an older copy of this file: it would sign other documents of versions that are out.
func (r *Registrar) newest() error {
	if r.options.Known == nil {
		return nil
	}
	known, err := r.options.Known()
	if err != nil || known == r.known {
		return err
	}
	for doc := range known.InForce() {
		have := r.state.signed(doc)
		if doc.Version < have.Version || doc.Version == have.Version && doc.Hash == have.document(doc.Kind).Hash() {
			continue
		}
		return care.Because(care.Conflict, fmt.Errorf("%s %s: version %d here, %d is out", doc.Kind, doc.Key, have.Version, doc.Version),
			"The practice's records on this computer are older than what the clinic has sent out: this profile was put back from an older backup. "+
				"Nothing is changed from here, or there would be two different lists of one version. Put back the newest backup of this profile.")
	}
	r.known = known
	return nil
}

// signed is the document of this file that has the place of another.
func (s *state) signed(of directory.InForce) signed {
	switch of.Kind {
	case directory.KindRoster:
		return s.Rosters[care.PatientID(of.Key)]
	case directory.KindCare:
		return s.CareLists[care.PersonID(of.Key)]
	}
	return s.Directory
}

func (r *Registrar) save() error {
	content, err := json.Marshal(r.state)
	if err != nil {
		return fmt.Errorf("keep the practice: %w", err)
	}
	defer clear(content)
	return r.box.Replace(content)
}

func (r *Registrar) reload() error {
	content := r.box.Bytes()
	defer clear(content)
	var s state
	if err := json.Unmarshal(content, &s); err != nil {
		return care.Because(care.Corrupt, err, "The file that holds the practice's keys is damaged.")
	}
	if len(s.Registrar) != ed25519.PrivateKeySize {
		return care.Because(care.Corrupt, errors.New("the registrar's key has a wrong length"), "The file that holds the practice's keys is damaged.")
	}
	r.state = s
	return nil
}

func (r *Registrar) head() directory.Head {
	return directory.Head{Practice: r.state.Practice.ID, At: directory.Time(r.options.Now())}
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // only where the random source fails, and then the program has ended
	}
	return key
}

func checkCalendar(c care.Calendar) error {
	if _, err := promise.New(c); err != nil {
		return care.Because(care.Invalid, err, "The calendar does not hold together: "+err.Error()+".").In("calendar")
	}
	return nil
}

// RootFile is where New puts the root's key: a file that is to be taken away.
func RootFile(dir string) string { return filepath.Join(dir, rootFile) }

// NewPassword gives 256 random bits as text: the passphrase of a registrar's file that a profile's vault keeps.
func NewPassword() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw[:])
}
