package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"postern/backend/care"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
	"postern/backend/record/documents"
	"postern/backend/record/store"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// MakeProfile makes a profile of somebody of the practice in a folder on this computer, with the practice's documents in
// its record, so that it can be signed in to before any mail has come.
func MakeProfile(ctx context.Context, r *enrol.Registrar, dir string, who care.PersonID, label, passphrase string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return care.Because(care.Internal, err, "The folder for the profile cannot be made.")
	}
	made, err := r.MakeProfile(ctx, dir, who, label, passphrase)
	if err != nil {
		return err
	}
	return unlocked(dir, passphrase, func(_ *vault.Vault, s *vault.Secrets) error {
		return keepDocuments(ctx, dir, s.Store, made.Documents)
	})
}

// GiveRegistrar makes a profile the one that holds the registrar, which lies in the same folder under the passphrase key.
func GiveRegistrar(dir, passphrase, key string) error {
	return unlocked(dir, passphrase, func(v *vault.Vault, s *vault.Secrets) error {
		s.Registrar = key
		return v.Save(*s)
	})
}

// unlocked opens a profile's vault for as long as something is done with it and what it holds.
func unlocked(dir, passphrase string, do func(*vault.Vault, *vault.Secrets) error) error {
	v, err := vault.Open(dir, passphrase)
	if err != nil {
		return err
	}
	defer v.Close()
	secrets := v.Secrets()
	defer secrets.Wipe()
	return do(v, &secrets)
}

// Refresh puts the practice's newest documents into a profile's record on this computer.
func Refresh(ctx context.Context, r *enrol.Registrar, dir string, who care.PersonID, passphrase string) error {
	docs, err := r.Documents(who)
	if err != nil {
		return err
	}
	return unlocked(dir, passphrase, func(_ *vault.Vault, s *vault.Secrets) error {
		return keepDocuments(ctx, dir, s.Store, docs)
	})
}

func keepDocuments(ctx context.Context, dir string, key []byte, docs []directory.Document) error {
	db, err := store.Open(ctx, filepath.Join(dir, "replica.db"), key)
	if err != nil {
		return err
	}
	kept := documents.New(db)
	err = db.Write(ctx, func(tx *sql.Tx) error {
		for _, d := range docs {
			if err := kept.Keep(ctx, tx, d.Kind, d.Bytes, d.Signature); err != nil {
				return err
			}
		}
		return nil
	})
	if closed := db.Close(); err == nil {
		err = closed
	}
	return err
}

// noteEvery is how much of what was mailed is mailed again after a crash, which does no harm.
const noteEvery = 5 * time.Second

// Publish mails what others are to know of the practice and have not been sent, by the first of these logins that connects.
func Publish(ctx context.Context, r *enrol.Registrar, logins ...care.MailLogin) error {
	if pending := r.Pending(); len(pending) > 0 {
		return mailAll(ctx, r, pending, logins...)
	}
	return nil
}

func mailAll(ctx context.Context, r *enrol.Registrar, pending []enrol.Outgoing, logins ...care.MailLogin) (err error) {
	s, login, err := submit.DialFirst(ctx, logins...)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // each letter's fate is its own answer
	// What was handed over is noted now and then, and at the end: each time the registrar's whole file is written.
	var mailed []enrol.Outgoing
	noted := time.Now()
	defer func() { err = errors.Join(err, r.Mailed(mailed...)) }()
	for _, o := range pending {
		if err := mailDocument(ctx, s, login.Address, o.Address, o.Key, o.Doc); err != nil {
			return err
		}
		if mailed = append(mailed, o); time.Since(noted) > noteEvery {
			if err := r.Mailed(mailed...); err != nil {
				return err
			}
			mailed, noted = nil, time.Now()
		}
	}
	return nil
}

// mailDocument seals a document to a key and hands it over.
func mailDocument(ctx context.Context, s *submit.Session, from, to string, key seal.Public, d directory.Document) error {
	sealed, err := seal.Seal(key, d.Content())
	if err != nil {
		return fmt.Errorf("seal a document: %w", err)
	}
	message, err := letter.Write(letter.Header{From: from, To: to, Date: time.Now(), Domain: letter.Domain(from)}, sealed)
	if err != nil {
		return fmt.Errorf("write a document's letter: %w", err)
	}
	if err := s.Send(ctx, from, to, message, letter.Envelope(sealed)); err != nil {
		return fmt.Errorf("mail a document: %w", err)
	}
	return nil
}
