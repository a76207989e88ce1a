package store

import (
	"context"
	"database/sql"
)

// steps are those of the replica's kept tables. Version 1 is testdata/v1.sql.
var steps = []Step{addAudit, addPatients}

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

// addPatients leads to version 3: whose record an unsent message is for, and whether proxies are left out of it. The tables
// are made anew, so that they look as in a fresh file.
func addPatients(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `ALTER TABLE held RENAME TO held_before;
CREATE TABLE held (
	no      INTEGER PRIMARY KEY AUTOINCREMENT,
	draft   TEXT NOT NULL UNIQUE,
	what    TEXT NOT NULL CHECK (what IN ('message', 'reply', 'completion')),
	thread  BLOB NOT NULL DEFAULT x'',
	part    BLOB NOT NULL DEFAULT x'',
	patient TEXT NOT NULL DEFAULT '',
	office  TEXT NOT NULL DEFAULT '',
	topic   TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	text    TEXT NOT NULL DEFAULT '',
	heads   BLOB NOT NULL DEFAULT x'', -- ids, one after the other
	basis   BLOB NOT NULL DEFAULT x'',
	covers  BLOB NOT NULL DEFAULT x'',
	written INTEGER NOT NULL DEFAULT 0,
	until   INTEGER NOT NULL DEFAULT 0,
	review  INTEGER NOT NULL DEFAULT 0,
	why     TEXT NOT NULL DEFAULT '',
	asked   INTEGER NOT NULL DEFAULT 0,
	private INTEGER NOT NULL DEFAULT 0 -- 1: of a new message: proxies do not read it
) STRICT;
INSERT INTO held (no, draft, what, thread, part, patient, office, topic, subject, text, heads, basis, covers, written, until, review, why, asked)
	SELECT no, draft, what, thread, part, patient, office, topic, subject, text, heads, basis, covers, written, until, review, why, asked FROM held_before;
DROP TABLE held_before;
DROP INDEX draft_part;
ALTER TABLE draft RENAME TO draft_before;
CREATE TABLE draft (
	id      TEXT NOT NULL PRIMARY KEY,
	what    TEXT NOT NULL CHECK (what IN ('new', 'reply', 'note', 'closing')),
	thread  BLOB NOT NULL DEFAULT x'',
	part    BLOB NOT NULL DEFAULT x'',
	patient TEXT NOT NULL DEFAULT '', -- whose record a new message is for; '': its author's own
	private INTEGER NOT NULL DEFAULT 0,
	office  TEXT NOT NULL DEFAULT '',
	topic   TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	text    TEXT NOT NULL DEFAULT '',
	saved   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX draft_part ON draft (part);
INSERT INTO draft (id, what, thread, part, office, topic, subject, text, saved)
	SELECT id, what, thread, part, office, topic, subject, text, saved FROM draft_before;
DROP TABLE draft_before;
`)
}
