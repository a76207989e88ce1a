package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Kind is what a login may do.
type Kind string

// Kinds of login.
const (
	Owner Kind = "owner" // everything in the mailbox: a member
	Staff Kind = "staff" // read and submit: a mailbox is a bag that only grows
	Agent Kind = "agent" // as the owner: it files letters away
)

// Account is a login, or a mailbox without one, as List gives it.
type Account struct {
	Login   string // empty: the mailbox has none
	Kind    Kind
	Made    time.Time
	Mailbox string // its local part
	Closed  bool   // the mailbox takes no more letters
	Letters int    // in the mailbox
	Bytes   int64
}

var localPart = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// folders are what every mailbox has beside INBOX, and their special use.
var folders = []struct{ name, special string }{
	{inbox, ""}, {"Junk", "Junk"}, {"Trash", "Trash"}, {"Drafts", "Drafts"}, {"Sent", "Sent"}, {"Archive", "Archive"},
}

const inbox = "INBOX"

// Mailbox makes the mailbox with that local part, if there is none, opens one that was closed, and gives its address. The
// name is one of lower-case letters, digits, dots, hyphens and underscores; care.Invalid otherwise, care.Conflict for a
// login's name.
func (g *Gateway) Mailbox(ctx context.Context, local string) (string, error) {
	if !localPart.MatchString(local) {
		return "", care.Refusef(care.Invalid, "%q cannot be a mailbox: up to 64 lower-case letters, digits, dots, hyphens and underscores.", local)
	}
	err := g.db.Write(ctx, func(tx *sql.Tx) error {
		var taken bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM login WHERE name = ?)", local).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return care.Refusef(care.Conflict, "%s is the name of a login, so no mailbox can have it.", local)
		}
		var no int64
		err := tx.QueryRowContext(ctx, "SELECT no FROM mailbox WHERE local = ?", local).Scan(&no)
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE mailbox SET closed = 0 WHERE no = ? AND closed <> 0", no)
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := tx.QueryRowContext(ctx, "INSERT INTO mailbox (local) VALUES (?) RETURNING no", local).Scan(&no); err != nil {
			return err
		}
		for _, f := range folders {
			if _, err := g.makeFolder(ctx, tx, no, f.name, f.special); err != nil {
				return err
			}
		}
		return nil
	})
	return local + "@" + g.at.domain, err
}

// makeFolder makes a folder under a UIDVALIDITY that no other has had.
func (g *Gateway) makeFolder(ctx context.Context, tx *sql.Tx, mailbox int64, name, special string) (no int64, err error) {
	validity, err := g.validity(ctx, tx)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "INSERT INTO folder (mailbox, name, special, validity) VALUES (?, ?, ?, ?) RETURNING no", mailbox, name, special, validity).Scan(&no)
	return no, err
}

// validity gives a new UIDVALIDITY: the time in seconds, or one more than the last. So it differs from all that were
// given before, also by a file that has since been replaced by an older copy.
func (g *Gateway) validity(ctx context.Context, tx *sql.Tx) (int64, error) {
	return next(ctx, tx, "validity", g.o.Now().Unix())
}

var words = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newPassword gives 160 random bits as text, and what is kept of them.
func newPassword() (password string, hash []byte) {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	password = words.EncodeToString(b[:])
	return password, hashOf(password)
}

func hashOf(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return sum[:]
}

// Login makes a new login, under a random name and password, that reads the mailbox local and submits: as its owner, as
// one of its readers, who may change nothing in it, or else as the agent. The password is told here and nowhere again.
// care.NotFound: there is no such mailbox.
func (g *Gateway) Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error) {
	switch {
	case owner:
		return g.NewLogin(ctx, local, Owner)
	case reader:
		return g.NewLogin(ctx, local, Staff)
	}
	return g.NewLogin(ctx, local, Agent)
}

// NewLogin is Login by the name of the kind.
func (g *Gateway) NewLogin(ctx context.Context, local string, kind Kind) (care.MailLogin, error) {
	_, name, _ := strings.Cut(care.NewID("lg"), "_")
	password, hash := newPassword()
	roots, err := g.roots()
	if err != nil {
		return care.MailLogin{}, err
	}
	err = g.db.Write(ctx, func(tx *sql.Tx) error {
		mailbox, err := mailboxNo(ctx, tx, local)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO login (name, mailbox, kind, hash, made) VALUES (?, ?, ?, ?, ?)", name, mailbox, string(kind), hash, store.Millis(g.o.Now()))
		return err
	})
	return g.mailLogin(name, password, roots), err
}

func (g *Gateway) mailLogin(name, password, roots string) care.MailLogin {
	return care.MailLogin{User: name, Password: password, Address: name + "@" + g.at.domain, Roots: roots,
		SMTP: g.Endpoint(smtps, care.TLSImplicit), IMAP: g.Endpoint(imaps, care.TLSImplicit)}
}

func mailboxNo(ctx context.Context, tx *sql.Tx, local string) (no int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT no FROM mailbox WHERE local = ?", local).Scan(&no)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, care.Refusef(care.NotFound, "There is no mailbox %s.", local)
	}
	return no, err
}

// Password gives a login a new password. Its sessions end within a second. care.NotFound: there is no such login.
func (g *Gateway) Password(ctx context.Context, name string) (care.MailLogin, error) {
	password, hash := newPassword()
	roots, err := g.roots()
	if err != nil {
		return care.MailLogin{}, err
	}
	err = g.db.Write(ctx, func(tx *sql.Tx) error {
		return g.changed(ctx, tx, "There is no login "+name+".", "UPDATE login SET hash = ? WHERE name = ?", hash, name)
	})
	return g.mailLogin(name, password, roots), err
}

// Without takes a login or a mailbox away: within a second it is refused, and a login's sessions end. What is in the
// mailbox stays, and its logins go on reading it. care.NotFound: there is neither.
func (g *Gateway) Without(ctx context.Context, name string) error {
	return g.db.Write(ctx, func(tx *sql.Tx) error {
		err := g.changed(ctx, tx, "", "DELETE FROM login WHERE name = ?", name)
		if care.KindOf(err) != care.NotFound {
			return err
		}
		return g.changed(ctx, tx, "There is no login and no mailbox "+name+".", "UPDATE mailbox SET closed = 1 WHERE local = ?", name)
	})
}

// Remove takes a mailbox away with its logins, as if it had never been. care.Conflict: it holds letters, and stays.
func (g *Gateway) Remove(ctx context.Context, local string) error {
	var folders []int64
	err := g.db.Write(ctx, func(tx *sql.Tx) error {
		mailbox, err := mailboxNo(ctx, tx, local)
		if err != nil {
			return err
		}
		var holds bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM letter l JOIN folder f ON f.no = l.folder WHERE f.mailbox = ?)", mailbox).Scan(&holds); err != nil {
			return err
		}
		if holds {
			return care.Refusef(care.Conflict, "The mailbox %s holds letters.", local)
		}
		if folders, err = numbers[int64](ctx, tx, "SELECT no FROM folder WHERE mailbox = ?", mailbox); err != nil {
			return err
		}
		for _, statement := range []string{"DELETE FROM login WHERE mailbox = ?", "DELETE FROM folder WHERE mailbox = ?", "DELETE FROM mailbox WHERE no = ?"} {
			if _, err := tx.ExecContext(ctx, statement, mailbox); err != nil {
				return err
			}
		}
		_, err = next(ctx, tx, "logins", 1)
		return err
	})
	g.mu.Lock()
	r := g.running
	g.mu.Unlock()
	if err == nil && r != nil {
		for _, no := range folders {
			r.indexes.drop(no)
		}
	}
	return err
}

// changed runs a statement that must change a row, and tells the running gateway that logins are not what they were.
func (g *Gateway) changed(ctx context.Context, tx *sql.Tx, none, statement string, args ...any) error {
	done, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, care.Refusef(care.NotFound, "%s", none))
	}
	_, err = next(ctx, tx, "logins", 1)
	return err
}

// List gives all logins, and the mailboxes that have none, by mailbox and login.
func (g *Gateway) List(ctx context.Context) (all []Account, err error) {
	err = g.db.Read(ctx, func(tx *sql.Tx) error {
		return store.Each(ctx, tx, `SELECT coalesce(l.name, ''), coalesce(l.kind, ''), coalesce(l.made, 0), m.local, m.closed, m.bytes,
			(SELECT sum(letters) FROM folder f WHERE f.mailbox = m.no)
			FROM mailbox m LEFT JOIN login l ON l.mailbox = m.no ORDER BY m.local, l.name`, nil, func(rows *sql.Rows) error {
			var a Account
			var made int64
			err := rows.Scan(&a.Login, &a.Kind, &made, &a.Mailbox, &a.Closed, &a.Bytes, &a.Letters)
			a.Made = store.Time(made)
			all = append(all, a)
			return err
		})
	})
	return all, err
}

// account is a login as a session has it.
type account struct {
	name    string
	kind    Kind
	mailbox int64
	hash    [sha256.Size]byte
}

var errRefused = errors.New("the name or the password is wrong")

// authenticate gives the login of that name and password, or errRefused, in about the same time for every wrong one. A
// name may be followed by the gateway's domain.
func (g *Gateway) authenticate(ctx context.Context, name, password string) (account, error) {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(name, "@"+g.at.domain)
	given := hashOf(password)
	a, err := g.account(ctx, name)
	if err != nil && !errors.Is(err, errRefused) {
		return account{}, err
	}
	if subtle.ConstantTimeCompare(given, a.hash[:]) != 1 || err != nil {
		return account{}, errRefused
	}
	return a, nil
}

func (g *Gateway) account(ctx context.Context, name string) (a account, err error) {
	err = g.db.Read(ctx, func(tx *sql.Tx) error {
		var hash []byte
		if err := tx.QueryRowContext(ctx, "SELECT name, kind, mailbox, hash FROM login WHERE name = ?", name).Scan(&a.name, &a.kind, &a.mailbox, &hash); err != nil {
			return err
		}
		if copy(a.hash[:], hash) != len(a.hash) {
			return fmt.Errorf("login %s is kept with a hash of %d bytes", name, len(hash))
		}
		return nil
	})
	if errors.Is(err, sql.ErrNoRows) {
		return account{}, errRefused
	}
	return a, err
}

// recipient is a folder that takes a letter for an address.
type recipient struct {
	mailbox, folder int64
	free            int64 // bytes until the mailbox is full
}

var errNobody = errors.New("there is no such mailbox")

// recipient finds where letters for a local part go: that of a mailbox, or of a login, whose notices go to its mailbox; with a
// "+" in it, what stands before that, if the whole is nobody's (RFC 5233).
func (g *Gateway) recipient(ctx context.Context, local string) (r recipient, err error) {
	r, err = g.named(ctx, local)
	if user, _, detail := strings.Cut(local, "+"); errors.Is(err, errNobody) && detail {
		return g.named(ctx, user)
	}
	return r, err
}

func (g *Gateway) named(ctx context.Context, local string) (r recipient, err error) {
	err = g.db.Read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT m.no, f.no FROM mailbox m JOIN folder f ON f.mailbox = m.no AND f.name = 'INBOX'
			WHERE m.no = coalesce((SELECT no FROM mailbox WHERE local = ?1 AND closed = 0), (SELECT mailbox FROM login WHERE name = ?1))`, local).
			Scan(&r.mailbox, &r.folder)
		if err != nil {
			return err
		}
		used, err := roomOf(tx, r.mailbox)
		r.free = g.o.Limits.Mailbox - used.letters
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = errNobody
	}
	return r, err
}
