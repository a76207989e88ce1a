package store

import (
	"context"
	"database/sql"
)

// steps are those of the replica's kept tables. Version 1 is testdata/v1.sql.
var steps = []Step{addAudit}

// addAudit leads to version 2: the record of who looked at what.
func addAudit(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `CREATE TABLE audit (
	no        INTEGER PRIMARY KEY AUTOINCREMENT,
	entry     BLOB NOT NULL,
	hash      BLOB NOT NULL, -- over the hash before it and the entry
	signature BLOB NOT NULL  -- of the profile's device, over the hash
) STRICT;
CREATE TRIGGER audit_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit record is never changed'); END;
CREATE TRIGGER audit_shortened BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'nothing is taken out of the audit record'); END;
CREATE TRIGGER audit_added BEFORE INSERT ON audit WHEN new.no <= (SELECT coalesce(max(no), 0) FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit record is added to at its end'); END;
`)
}
