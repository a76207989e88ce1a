package journal

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/record/store"
)

// Quarantined is one letter or event that came and does not count.
type Quarantined struct {
	Mailbox     care.MailboxID
	Source      string
	Folder      string
	UIDValidity uint32
	UID         uint32
	Size        int
	Hash        [32]byte
	Reason      string
	Body        []byte // only of keys that were certified once
}

// maxQuarantined is how many rows quarantine keeps, maxBody how many bytes of one.
const (
	maxQuarantined = 10_000
	maxBody        = 64 << 10
)

// Quarantine notes what was refused, with its reason. At most maxQuarantined rows stay: the oldest go first, those
// without a certified key before the others, so that junk cannot push out what a person should see. It may run twice.
func (j *Journal) Quarantine(ctx context.Context, tx *sql.Tx, q Quarantined) error {
	return quarantine(ctx, tx, q, maxQuarantined)
}

func quarantine(ctx context.Context, tx *sql.Tx, q Quarantined, most int) error {
	known := len(q.Body) > 0
	if len(q.Body) > maxBody {
		q.Body = q.Body[:maxBody]
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO quarantine (mailbox, source, folder, validity, uid, size, hash, reason, known, body) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, folder, validity, uid, hash) DO NOTHING",
		string(q.Mailbox), q.Source, q.Folder, q.UIDValidity, q.UID, q.Size, q.Hash[:], q.Reason, known, solid(q.Body)); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM quarantine WHERE no IN (SELECT no FROM quarantine ORDER BY known, no "+
		"LIMIT max(0, (SELECT count(*) FROM quarantine) - ?))", most); err != nil {
		return fmt.Errorf("keep quarantine small: %w", err)
	}
	return nil
}

// Quarantined lists what was refused, newest first.
func (j *Journal) Quarantined(ctx context.Context, tx *sql.Tx) (all []Quarantined, err error) {
	err = store.Each(ctx, tx, "SELECT mailbox, source, folder, validity, uid, size, hash, reason, body FROM quarantine ORDER BY no DESC", nil, func(rows *sql.Rows) error {
		var q Quarantined
		var hash []byte
		err := rows.Scan(&q.Mailbox, &q.Source, &q.Folder, &q.UIDValidity, &q.UID, &q.Size, &hash, &q.Reason, &q.Body)
		copy(q.Hash[:], hash)
		if len(q.Body) == 0 {
			q.Body = nil
		}
		all = append(all, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	return all, nil
}
