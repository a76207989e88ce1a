package documents_test

import (
	"context"
	"database/sql"
	"reflect"
	"testing"

	"postern/backend/record/documents"
	. "postern/backend/record/recordtest"
)

func TestKeep(t *testing.T) {
	r := NewReplica(t, nil)
	docs := documents.New(r.DB)
	want := []documents.Document{
		{Kind: "directory", Bytes: []byte(`{"version":2}`), Signature: []byte("s1")},
		{Kind: "directory", Bytes: []byte(`{"version":1}`), Signature: []byte("s2")},
		{Kind: "directory", Bytes: []byte(`{"version":1}`), Signature: []byte("another")},
		{Kind: "roster", Bytes: []byte(`{"version":1}`), Signature: []byte("s2")},
		{Kind: "rosters", Bytes: []byte(`{"version":1}`), Signature: []byte{}},
	}
	for range 2 {
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			for _, d := range want {
				if err := docs.Keep(ctx, tx, d.Kind, d.Bytes, d.Signature); err != nil {
					return err
				}
			}
			return nil
		})
		r.Crash()
		docs = documents.New(r.DB)
	}
	r.Read(func(ctx context.Context, tx *sql.Tx) error {
		got, err := docs.All(ctx, tx)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, %v", got, err)
		}
		return nil
	})
}
