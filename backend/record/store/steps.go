package store

import (
	"context"
	"database/sql"
)

// steps are those of the replica's kept tables. Version 1 is testdata/v1.sql.
var steps = []Step{addAudit, addPatients, addDigests, addOrdinary, addPieces}

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

// addDigests leads to version 4: what devices tell of their audit records, and on which days they sign something.
func addDigests(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `CREATE TABLE digest (
	event   BLOB NOT NULL PRIMARY KEY,
	device  BLOB NOT NULL,
	person  TEXT NOT NULL DEFAULT '',
	day     TEXT NOT NULL DEFAULT '',     -- in the practice's zone, by the device's clock: 2026-11-23
	first   INTEGER NOT NULL DEFAULT 0,
	last    INTEGER NOT NULL DEFAULT 0,
	counts  TEXT NOT NULL DEFAULT '{}',   -- JSON
	before  TEXT NOT NULL DEFAULT '',     -- hashes, in base32
	head    TEXT NOT NULL DEFAULT '',
	broken  INTEGER NOT NULL DEFAULT 0,
	over    BLOB NOT NULL DEFAULT x'',    -- the digest before
	at      INTEGER NOT NULL DEFAULT 0,
	arrived INTEGER NOT NULL DEFAULT 0    -- the server's date; of one made here, this computer's
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_device ON digest (device, last);
CREATE TABLE active (
	device BLOB NOT NULL,
	day    TEXT NOT NULL,
	PRIMARY KEY (device, day)
) STRICT, WITHOUT ROWID;
`)
}

// addOrdinary leads to version 5: ordinary e-mail, out and in.
func addOrdinary(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `CREATE TABLE mail_out (
	key     BLOB NOT NULL PRIMARY KEY,  -- of a notice, its event; of an answer, the hash of what it answers
	address TEXT NOT NULL,
	mail    BLOB NOT NULL DEFAULT x'',  -- as it is submitted; x'': that is over
	name    TEXT NOT NULL DEFAULT '',   -- by which what the mail system sends back names it
	about   BLOB NOT NULL DEFAULT x'',  -- the other notices that the same mail carries
	added   INTEGER NOT NULL DEFAULT 0,
	tries   INTEGER NOT NULL DEFAULT 0,
	next    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_out_name ON mail_out (name);
CREATE INDEX mail_out_next ON mail_out (next) WHERE mail <> x'';
CREATE INDEX mail_out_address ON mail_out (address, added);
CREATE TABLE mail_in (
	login    TEXT NOT NULL,
	folder   TEXT NOT NULL,
	validity INTEGER NOT NULL,
	uid      INTEGER NOT NULL,
	mail     BLOB NOT NULL DEFAULT x'', -- its hash; x'': it was too large to be read
	became   TEXT NOT NULL DEFAULT '',  -- what was done with it
	at       INTEGER NOT NULL DEFAULT 0,
	gone     INTEGER NOT NULL DEFAULT 0, -- since when the folder lists it no more; 0: it does
	PRIMARY KEY (login, folder, validity, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_in_mail ON mail_in (mail);
CREATE INDEX mail_in_gone ON mail_in (gone) WHERE gone > 0;
`)
}

// addPieces leads to version 6: the pieces of files, and which events name them.
func addPieces(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `CREATE TABLE piece (
	hash  BLOB NOT NULL PRIMARY KEY,
	size  INTEGER NOT NULL DEFAULT 0,
	loose INTEGER NOT NULL DEFAULT 0, -- 1: no event here names it yet; these have little room
	bytes BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE INDEX piece_loose ON piece (size) WHERE loose = 1;
CREATE TABLE named (
	piece BLOB NOT NULL,
	event INTEGER NOT NULL REFERENCES event (no) ON DELETE CASCADE,
	PRIMARY KEY (piece, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_event ON named (event);
`)
}
