// Package documents keeps what trust needs kept, as bytes: the practice's signed documents, read at each start, and the
// lines of the record of who looked at what.
//
// It judges none and drops none: which documents are in force is for trust/directory to say, whether the record holds
// together for trust/audit.
package documents

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"

	"postern/backend/record/store"
)

// Document is one signed document.
type Document struct {
	Kind      string
	Bytes     []byte
	Signature []byte
}

// Documents keeps a profile's documents. It is safe for concurrent use.
type Documents struct{}

// New makes the keeper of an open file's documents.
func New(*store.DB) *Documents { return &Documents{} }

// Keep stores a document. It is a no-op for one that is here with the same bytes and signature.
func (*Documents) Keep(ctx context.Context, tx *sql.Tx, kind string, bytes, signature []byte) error {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(kind), bytes, signature} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO document (kind, bytes, signature, hash) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
		kind, append([]byte{}, bytes...), append([]byte{}, signature...), h.Sum(nil)); err != nil {
		return fmt.Errorf("keep document: %w", err)
	}
	return nil
}

// All gives every document in the order in which they came.
func (*Documents) All(ctx context.Context, tx *sql.Tx) ([]Document, error) {
	return documents(ctx, tx, "")
}

// Of gives the documents of one kind, in that order.
func (*Documents) Of(ctx context.Context, tx *sql.Tx, kind string) ([]Document, error) {
	return documents(ctx, tx, "WHERE kind = ?", kind)
}

func documents(ctx context.Context, tx *sql.Tx, where string, args ...any) (all []Document, err error) {
	err = store.Each(ctx, tx, "SELECT kind, bytes, signature FROM document "+where+" ORDER BY no", args, func(rows *sql.Rows) error {
		var d Document
		err := rows.Scan(&d.Kind, &d.Bytes, &d.Signature)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return all, nil
}
