package gateway

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
)

// AfterCommit is called after each commit, before anybody is answered. Tests end the process there. It is set before Start.
func (g *Gateway) AfterCommit(f func()) { g.db.Committed = f }

// Check reads the whole file and returns care.Corrupt if it does not hold together: as a file, and in its counts.
func (g *Gateway) Check(ctx context.Context) error {
	if err := g.db.Check(ctx); err != nil {
		return err
	}
	return g.db.Read(ctx, func(tx *sql.Tx) error {
		for what, query := range map[string]string{
			"folders whose counts are wrong": `SELECT count(*) FROM folder f WHERE (letters, bytes) IS NOT
				(SELECT count(*), coalesce(sum(size), 0) FROM letter WHERE folder = f.no)`,
			"folders that would give a number twice": "SELECT count(*) FROM folder f WHERE next <= (SELECT max(uid) FROM letter WHERE folder = f.no)",
			"mailboxes whose sizes are wrong": `SELECT count(*) FROM mailbox m WHERE bytes IS NOT
				(SELECT coalesce(sum(bytes), 0) FROM folder WHERE mailbox = m.no)`,
			"letters that lack bytes": `SELECT count(*) FROM letter l WHERE size IS NOT
				(SELECT sum(length(bytes)) FROM piece WHERE no >= l.body * 64 AND no < (l.body + 1) * 64)`,
			"bytes that two letters claim": "SELECT count(*) - count(DISTINCT body) FROM letter",
			"bytes that no letter claims":  "SELECT count(*) FROM (SELECT DISTINCT no / 64 AS body FROM piece) WHERE body NOT IN (SELECT body FROM letter)",
		} {
			var n int
			if err := tx.QueryRowContext(ctx, query).Scan(&n); err != nil {
				return err
			}
			if n != 0 {
				return care.Because(care.Corrupt, fmt.Errorf("%d %s", n, what), files.Damaged)
			}
		}
		return nil
	})
}
