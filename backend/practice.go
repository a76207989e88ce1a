package backend

import (
	"context"
	"database/sql"
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
	v, err := vault.Open(dir, passphrase)
	if err != nil {
		return err
	}
	defer v.Close()
	secrets := v.Secrets()
	defer secrets.Wipe()
	return keepDocuments(ctx, dir, secrets.Store, made.Documents)
}

// Refresh puts the practice's newest documents into a profile's record on this computer.
func Refresh(ctx context.Context, r *enrol.Registrar, dir string, who care.PersonID, passphrase string) error {
	docs, err := r.Documents(who)
	if err != nil {
		return err
	}
	v, err := vault.Open(dir, passphrase)
	if err != nil {
		return err
	}
	defer v.Close()
	secrets := v.Secrets()
	defer secrets.Wipe()
	return keepDocuments(ctx, dir, secrets.Store, docs)
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

// Publish mails the practice's documents, sealed, to every mailbox that is to have them.
func Publish(ctx context.Context, r *enrol.Registrar, login care.MailLogin) error {
	s, err := submit.Dial(ctx, login)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // each letter's fate is its own answer
	for _, to := range r.Publish() {
		for _, d := range to.Docs {
			if err := mailDocument(ctx, s, login.Address, to.Address, to.Key, d); err != nil {
				return err
			}
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
